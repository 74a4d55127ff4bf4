//! The token in the answer of an authority or of a managed identity's endpoint.

use std::time::SystemTime;

use defender_core::AccessToken;
use serde::Deserialize;

use crate::seconds::Seconds;

/// The token in `body`, to a request of `start`, or what is wrong with it; never the parser's words,
/// which quote.
pub(crate) fn read(body: &[u8], start: SystemTime) -> Result<AccessToken, &'static str> {
    let Ok(wire) = serde_json::from_slice::<TokenWire>(body) else {
        return Err("holds no token");
    };
    let bearer = wire.token_type.as_deref().unwrap_or("Bearer");
    if !bearer.eq_ignore_ascii_case("Bearer") {
        return Err("holds a token that is not a bearer token");
    }
    let Some(expires_at) = wire.expires_at(start) else {
        return Err("does not say when the token ends");
    };
    if wire.access_token.is_empty() {
        return Err("holds no token");
    }
    Ok(AccessToken::new(wire.access_token, expires_at))
}

/// Source: <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>
/// and <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#get-a-token-using-http>
#[derive(Deserialize)]
struct TokenWire {
    access_token: String,
    token_type: Option<String>,
    expires_in: Option<Seconds>,
    expires_on: Option<Seconds>,
}

impl TokenWire {
    fn expires_at(&self, start: SystemTime) -> Option<SystemTime> {
        let relative = self.expires_in.as_ref().and_then(Seconds::duration);
        match relative {
            Some(lifetime) => start.checked_add(lifetime),
            None => self.expires_on.as_ref().and_then(Seconds::moment),
        }
    }
}
