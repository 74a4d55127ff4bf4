//! The client credentials grant: an application signs in as itself.

use super::directory::Version;
use super::grant::{Granted, TokenRequest};
use super::proof;
use super::refusal::Refusal;

/// What a scope ends with when it means everything that was granted.
const DEFAULT: &str = "/.default";

/// Checks the scope's form, the application, its proof and the resource, and gives a token.
///
/// Source: <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>
pub(super) fn grant(request: &TokenRequest<'_>) -> Result<Granted, Refusal> {
    // What is missing is said before what is wrong with the rest.
    request.required("client_id")?;
    let resource = match request.version {
        Version::One => request.required("resource")?,
        Version::Two => resource_of(request.required("scope")?)?,
    };
    let application = request.application()?;
    // Without consent there is no service principal in the tenant.
    if !request.directory.is_consented(request.tenant, application) {
        return Err(Refusal::application_not_found(
            &application.client_id,
            request.tenant,
        ));
    }
    let proof = proof::confidential(request, application)?;
    let resource = request.resource(resource)?;
    let class = proof.class();
    request.directory.application_token(
        request.tenant,
        request.version,
        application,
        resource,
        class,
    )
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
