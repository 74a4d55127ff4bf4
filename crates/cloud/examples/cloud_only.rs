//! Prints where advanced hunting lives in the cloud that is named.

use defender_cloud::Cloud;
use defender_core::DataEnvironment;

fn main() -> Result<(), defender_core::Error> {
    let name = std::env::args().nth(1).unwrap_or_else(|| "global".into());
    let cloud: Cloud = name.parse()?;
    let endpoint = cloud.endpoint(DataEnvironment::M365dGraph)?;
    #[expect(clippy::print_stdout, reason = "an example shows what it found")]
    {
        println!("query    {}", endpoint.url());
        println!("sign-in  {}", endpoint.authority);
        println!("scope    {}", endpoint.scope());
        println!("vaults   *.{}", cloud.key_vault().suffix);
    }
    Ok(())
}
