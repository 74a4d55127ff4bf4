//! Signs in as an application and says what the token allows, with nothing else of the workspace.
//!
//! `cargo run -p defender-credentials --example credentials_only -- TENANT CLIENT_ID SECRET_FILE`
//!
//! The secret comes from a file: an argument would be visible to every process of the machine.

#![expect(
    clippy::print_stdout,
    reason = "this is a program, and it has something to say"
)]

use std::error::Error;
use std::sync::Arc;

use defender_core::{
    Clock, Credential, ExposeSecret, Scope, SecretString, TokenRequest, Transport,
};
use defender_credentials::{Authority, Cached, ClientSecret, claims};
use defender_http::{HttpOptions, HttpTransport, Retry, RetryPolicy, SystemClock, Traced};
use url::Url;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [tenant, client_id, secret_file] = arguments.as_slice() else {
        return Err("usage: credentials_only TENANT CLIENT_ID SECRET_FILE".into());
    };
    let secret: SecretString = std::fs::read_to_string(secret_file)?.trim().into();

    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    // A command would fill `environment` too, for proxies and root certificates.
    let transport: Arc<dyn Transport> =
        Arc::new(Traced::new(HttpTransport::new(&HttpOptions::default())?));
    let authority = Authority::new(Url::parse("https://login.microsoftonline.com")?, tenant)?;
    let application =
        ClientSecret::new(authority, client_id, secret, transport, Arc::clone(&clock));
    let credential = Cached::new(application, Arc::clone(&clock));

    let request = TokenRequest::new(Scope::default_of("https://graph.microsoft.com"));
    let retry = Retry::new(RetryPolicy::default(), clock);
    let token = retry.run(|_| credential.token(&request)).await?;

    let claims = claims(token.secret.expose_secret())?;
    println!("audience: {}", claims.audiences.join(", "));
    println!("roles: {}", claims.roles.join(", "));
    Ok(())
}
