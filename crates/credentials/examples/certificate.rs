//! Signs in as an application with a certificate, and says until when the token is good.
//!
//! `cargo run -p defender-credentials --example certificate -- TENANT CLIENT_ID FILE.pem`
//!
//! The file holds certificate and key: PEM, DER or PFX.

use std::error::Error;
use std::io::{Write as _, stdout};
use std::sync::Arc;

use defender_core::{Clock, Credential as _, Scope, TokenRequest, url::Url};
use defender_credentials::{
    Authority, Cached, CertificateKey, CertificateOptions, CertificateSources, ClientCertificate,
    KeyMaterial,
};
use defender_http::{HttpOptions, HttpTransport, SystemClock};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [tenant, client_id, file] = arguments.as_slice() else {
        return Err("usage: certificate TENANT CLIENT_ID FILE".into());
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let material = KeyMaterial::from_path(file, "the third argument")?;
    let key = CertificateKey::load(&CertificateSources::new(material), clock.now())?;
    let application = ClientCertificate::new(
        Authority::new(Url::parse("https://login.microsoftonline.com")?, tenant)?,
        client_id,
        key,
        CertificateOptions::default(),
        Arc::new(HttpTransport::new(&HttpOptions::default())?),
        Arc::clone(&clock),
    );
    let credential = Cached::new(application, Arc::clone(&clock));
    let request = TokenRequest::new(Scope::default_of("https://graph.microsoft.com"));
    let token = credential.token(&request).await?;
    let left = token
        .expires_at
        .duration_since(clock.now())
        .unwrap_or_default();
    writeln!(stdout(), "signed in for {} minutes", left.as_secs() / 60)?;
    Ok(())
}
