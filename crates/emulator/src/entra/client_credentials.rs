//! The client credentials grant: an application signs in as itself.

use openssl::memcmp;
use secrecy::ExposeSecret;

use super::Version;
use super::grant::{Granted, TokenRequest};
use super::refusal::Refusal;
use crate::options::Application;

/// What a scope ends with when it means everything that was granted.
const DEFAULT: &str = "/.default";

/// Checks the scope's form, the application, its proof and the resource, and gives a token.
///
/// Source: <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>
pub(super) fn grant(request: &TokenRequest<'_>) -> Result<Granted, Refusal> {
    let resource = match request.version {
        Version::One => request.required("resource")?,
        Version::Two => resource_of(request.required("scope")?)?,
    };
    let application = request.application()?;
    prove(request, application)?;
    let resource = request.resource(resource)?;
    request.application_token(application, resource)
}

/// The one resource that a scope may name.
fn resource_of(scope: &str) -> Result<&str, Refusal> {
    let mut scopes = scope.split_whitespace();
    let (Some(only), None) = (scopes.next(), scopes.next()) else {
        return Err(Refusal::scope(scope));
    };
    match only.strip_suffix(DEFAULT) {
        None => Err(Refusal::scope_without_default(only)),
        Some("") => Err(Refusal::scope(only)),
        Some(resource) => Ok(resource),
    }
}

/// Compares the secret with those that are registered.
fn prove(request: &TokenRequest<'_>, application: &Application) -> Result<(), Refusal> {
    let Some(sent) = request.field("client_secret") else {
        return Err(if request.field("client_assertion").is_some() {
            Refusal::assertion(application)
        } else {
            Refusal::no_proof()
        });
    };
    let mut expired = false;
    for secret in &application.secrets {
        let value = secret.value.expose_secret();
        if value.len() != sent.len() || !memcmp::eq(value.as_bytes(), sent.as_bytes()) {
            continue;
        }
        if secret.expires.is_none_or(|end| end > request.service.now()) {
            return Ok(());
        }
        expired = true;
    }
    Err(if expired {
        Refusal::secret_expired(application)
    } else {
        Refusal::secret(application)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_names_one_resource_and_ends_with_default() {
        assert_eq!(
            resource_of("https://graph.microsoft.com/.default").unwrap(),
            "https://graph.microsoft.com"
        );
        // MSAL writes a second slash for resources that end with one.
        assert_eq!(
            resource_of("https://graph.microsoft.com//.default").unwrap(),
            "https://graph.microsoft.com/"
        );
        for wrong in [
            "https://graph.microsoft.com/User.Read",
            "https://a/.default https://b/.default",
            "/.default",
            "openid",
        ] {
            assert!(resource_of(wrong).is_err(), "{wrong}");
        }
    }
}
