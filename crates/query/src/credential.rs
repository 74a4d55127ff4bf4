//! Which credential the arguments of a connection ask for.

use std::sync::Arc;

use defender_config::{ConnectionArgs, ConnectionKey, Method};
use defender_core::{Clock, Credential, Error, ErrorKind, Result, SecretResolver, Transport};
use defender_credentials::Authority;

/// Makes the credential: a user, then a certificate, then a secret, as MSTICPy chooses.
pub(crate) async fn credential(
    args: &ConnectionArgs,
    authority: Authority,
    secrets: &dyn SecretResolver,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn Credential>> {
    match args.method() {
        Some(Method::ClientSecret) => {
            client_secret(args, authority, secrets, transport, clock).await
        }
        Some(Method::Certificate) => Err(unavailable(
            "signing in with a certificate",
            &args.origin(ConnectionKey::Certificate),
        )),
        Some(Method::Delegated) => {
            let key = if args.has(ConnectionKey::Username) {
                ConnectionKey::Username
            } else {
                ConnectionKey::DelegatedAuth
            };
            Err(unavailable("signing in as a user", &args.origin(key)))
        }
        _ => {
            args.require_complete()?;
            Err(Error::new(
                ErrorKind::Config,
                "the connection does not say how to sign in",
            ))
        }
    }
}

fn unavailable(what: &str, origin: &str) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("{what}, as {origin} asks for, is not in this version"),
    )
    .with_hint(
        "sign in with an application's secret: client_id and client_secret, delegated_auth=false",
    )
}

#[cfg(feature = "client-secret")]
async fn client_secret(
    args: &ConnectionArgs,
    authority: Authority,
    secrets: &dyn SecretResolver,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn Credential>> {
    args.require_complete()?;
    let (Some(client_id), Some(reference)) = (&args.client_id, &args.client_secret) else {
        return Err(Error::new(
            ErrorKind::Config,
            "the connection has no client_secret",
        ));
    };
    let secret = secrets.resolve(reference).await?;
    let credential = defender_credentials::ClientSecret::new(
        authority,
        client_id.clone(),
        secret,
        transport,
        Arc::clone(&clock),
    );
    Ok(Arc::new(defender_credentials::Cached::new(
        credential, clock,
    )))
}

#[cfg(not(feature = "client-secret"))]
#[expect(
    clippy::unused_async,
    reason = "the same shape with and without the feature"
)]
async fn client_secret(
    _: &ConnectionArgs,
    _: Authority,
    _: &dyn SecretResolver,
    _: Arc<dyn Transport>,
    _: Arc<dyn Clock>,
) -> Result<Arc<dyn Credential>> {
    Err(
        Error::new(ErrorKind::Usage, "this build cannot sign in with a secret")
            .with_hint("build it with feature client-secret"),
    )
}
