//! Prints what a settings file says, with secrets hidden, and what is wrong with it.

use defender_config::{Settings, Sources};

fn main() -> Result<(), defender_core::Error> {
    let settings = Settings::load(&Sources {
        file: std::env::args_os().nth(1).map(Into::into),
        folder: std::env::current_dir().ok(),
        ..Sources::default()
    })?;
    #[expect(clippy::print_stdout, reason = "an example shows what it found")]
    {
        for setting in settings.describe() {
            println!("{} = {}", setting.path, setting.value);
        }
        for finding in settings.validate() {
            println!("{:?}: {finding}", finding.severity);
        }
    }
    Ok(())
}
