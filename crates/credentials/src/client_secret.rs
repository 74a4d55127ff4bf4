//! Signs in as an application with its client secret.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use defender_core::{
    AccessToken, Clock, Credential, ExposeSecret, Result, SecretString, TokenRequest, Transport,
};

use crate::Authority;
use crate::token_endpoint::TokenEndpoint;

/// Signs in as an application with its client secret.
///
/// Each call asks the authority once. Put [`Cached`](crate::Cached) around it to keep tokens;
/// repeating after a transient error belongs to the caller's whole attempt.
///
/// # Errors
///
/// Of [`Credential::token`]:
/// - `Credential`: the authority refused; `code()` is the AADSTS number, `hint()` what to do.
/// - `Permission`: an administrator has not consented to what is asked for.
/// - `Throttled`, `Service`: transient; see `retry_after()`.
/// - `Transport`: the authority was not reached.
/// - `Protocol`: something answered that is not a token endpoint.
///
/// Source: <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>
pub struct ClientSecret {
    endpoint: TokenEndpoint,
    client_id: String,
    secret: SecretString,
}

impl ClientSecret {
    /// The application `client_id` at `authority`, with one of its secrets.
    pub fn new(
        authority: Authority,
        client_id: impl Into<String>,
        secret: SecretString,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            endpoint: TokenEndpoint {
                authority,
                transport,
                clock,
            },
            client_id: client_id.into(),
            secret,
        }
    }
}

#[async_trait]
impl Credential for ClientSecret {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let form = [
            ("client_id", self.client_id.as_str()),
            ("scope", request.scope.as_str()),
            ("grant_type", "client_credentials"),
            ("client_secret", self.secret.expose_secret()),
        ];
        self.endpoint.token(request, &form).await
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSecret")
            .field("endpoint", &self.endpoint)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
