//! One request with a retry of the whole attempt, with nothing else of the workspace.
//!
//! `cargo run -p defender-http --example http_only -- https://graph.microsoft.com/v1.0/\$metadata`

use std::error::Error;
use std::io::{Write as _, stdout};
use std::sync::Arc;

use defender_core::{ErrorKind, Transport as _, bytes::Bytes, http};
use defender_http::{HttpOptions, HttpTransport, Retry, RetryPolicy, SystemClock};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let Some(address) = std::env::args().nth(1) else {
        return Err("give an https address as argument".into());
    };
    // A command would fill `environment` too, for proxies and root certificates.
    let transport = HttpTransport::new(&HttpOptions::default())?;
    let retry = Retry::new(RetryPolicy::default(), Arc::new(SystemClock));
    let body = retry.run(async |_| {
        let request = http::Request::get(address.as_str())
            .body(Bytes::new())
            .map_err(|error| {
                defender_core::Error::new(ErrorKind::Usage, "it is no address").with_source(error)
            })?;
        transport
            .send(request)
            .await?
            .into_body()
            .collect(1 << 20)
            .await
    });
    stdout().write_all(&body.await?)?;
    Ok(())
}
