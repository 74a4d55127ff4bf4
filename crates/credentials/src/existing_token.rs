//! A token that was obtained elsewhere.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use defender_core::{
    AccessToken, Clock, Credential, Error, ErrorKind, ExposeSecret, Result, SecretString, TokenId,
    TokenRequest,
};

use crate::claims;

/// How long an opaque token counts as valid after it is handed out: it is asked for again each
/// time, so this is never an end.
const OPAQUE: Duration = Duration::from_hours(1);

/// A token that was obtained elsewhere, handed out for every scope until it ends.
///
/// It cannot renew itself. Whether it fits the scope is for the service to judge.
pub struct ExistingToken {
    token: SecretString,
    expires_at: Option<SystemTime>,
    clock: Arc<dyn Clock>,
}

impl ExistingToken {
    /// Hands out `token`; when it is a JSON web token, its end is read from it.
    pub fn new(token: SecretString, clock: Arc<dyn Clock>) -> Self {
        let claims = claims(token.expose_secret());
        let expires_at = claims.ok().and_then(|claims| claims.expires_at);
        Self {
            token,
            expires_at,
            clock,
        }
    }
}

#[async_trait]
impl Credential for ExistingToken {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let unusable = |what| {
            Error::new(ErrorKind::Credential, what)
                .with_hint("give a new token, or sign in with a secret or certificate instead")
        };
        let now = self.clock.now();
        if self.expires_at.is_some_and(|end| end <= now) {
            return Err(unusable("the given token has expired"));
        }
        let token = self.token.expose_secret();
        if request.refused == Some(TokenId::of(token)) {
            return Err(unusable("the given token was refused by the service"));
        }
        let expires_at = self.expires_at.unwrap_or(now + OPAQUE);
        Ok(AccessToken::new(token.to_owned(), expires_at))
    }
}

impl fmt::Debug for ExistingToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExistingToken")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use defender_core::{ManualClock, Scope};

    use super::*;
    use crate::claims::token_with;

    fn request() -> TokenRequest {
        TokenRequest::new(Scope::default_of("https://graph.microsoft.com"))
    }

    #[tokio::test]
    async fn it_is_handed_out_until_its_own_end() {
        let clock = Arc::new(ManualClock::new(SystemTime::UNIX_EPOCH));
        let text = token_with(r#"{"exp":100}"#);
        let credential = ExistingToken::new(text.clone().into(), clock.clone());
        let token = credential.token(&request()).await.unwrap();
        assert_eq!(token.secret.expose_secret(), text);
        assert_eq!(
            token.expires_at,
            SystemTime::UNIX_EPOCH + Duration::from_secs(100)
        );
        clock.advance(Duration::from_secs(100));
        let error = credential.token(&request()).await.unwrap_err();
        assert_eq!(error.to_string(), "the given token has expired");
        assert_eq!(error.kind(), ErrorKind::Credential);
    }

    #[tokio::test]
    async fn refused_it_is_not_handed_out_again() {
        let clock = Arc::new(ManualClock::new(SystemTime::UNIX_EPOCH));
        let credential = ExistingToken::new("opaque-canary".into(), clock);
        let token = credential.token(&request()).await.unwrap();
        let again = TokenRequest {
            refused: Some(token.id),
            ..request()
        };
        let error = credential.token(&again).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the given token was refused by the service"
        );
        assert!(!format!("{error:?}{credential:?}").contains("canary"));
    }
}
