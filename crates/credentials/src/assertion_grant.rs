//! The client credentials grant with an assertion in place of a secret.

use defender_core::{AccessToken, ExposeSecret, Result, SecretString, TokenRequest};

use crate::token_endpoint::TokenEndpoint;

/// What kind of assertion it is: a JSON web token.
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Trades `assertion` for a token.
///
/// Source: <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>
pub(crate) async fn token(
    endpoint: &TokenEndpoint,
    client_id: &str,
    assertion: &SecretString,
    request: &TokenRequest,
) -> Result<AccessToken> {
    let form = [
        ("client_id", client_id),
        ("scope", request.scope.as_str()),
        ("grant_type", "client_credentials"),
        ("client_assertion_type", TYPE),
        ("client_assertion", assertion.expose_secret()),
    ];
    endpoint.token(request, &form).await
}
