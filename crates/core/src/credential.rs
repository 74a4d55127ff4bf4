//! Bearer tokens: what one is asked for with, what one is, and who hands them out.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use secrecy::SecretString;

use crate::Result;

/// Obtains bearer tokens for one identity.
#[async_trait]
pub trait Credential: fmt::Debug + Send + Sync {
    /// A token for the scope of `request`, from a cache or from the authority.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Credential`](crate::ErrorKind::Credential) when the authority refuses the
    /// identity, [`ErrorKind::Transport`](crate::ErrorKind::Transport) when it cannot be reached.
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken>;
}

#[async_trait]
impl<C: Credential + ?Sized> Credential for Arc<C> {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        (**self).token(request).await
    }
}

/// What a token is for: an audience and the permission asked of it, as `<audience>/.default`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope(String);

impl Scope {
    /// The `.default` scope of `audience`: every permission already granted there.
    ///
    /// ```
    /// # use defender_core::Scope;
    /// assert_eq!(
    ///     Scope::default_of("https://graph.microsoft.com/").as_str(),
    ///     "https://graph.microsoft.com/.default",
    /// );
    /// ```
    pub fn default_of(audience: &str) -> Self {
        Self(format!("{}/.default", audience.trim_end_matches('/')))
    }

    /// A scope spelt out.
    pub fn new(scope: impl Into<String>) -> Self {
        Self(scope.into())
    }

    /// The scope as it goes on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a token is wanted for, and what was wrong with the last one.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    /// The audience and permission.
    pub scope: Scope,
    /// Another tenant than the credential's own.
    pub tenant: Option<String>,
    /// A claims challenge from a service, as JSON text.
    pub claims: Option<String>,
    /// The token that a service has just refused: a cache must not hand it out again.
    pub refused: Option<TokenId>,
}

impl TokenRequest {
    /// A request for `scope` in the credential's own tenant.
    pub fn new(scope: Scope) -> Self {
        Self {
            scope,
            tenant: None,
            claims: None,
            refused: None,
        }
    }
}

/// Tells one token from another without holding it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenId(u64);

impl TokenId {
    /// The identity of this token text: a digest, good for telling tokens apart in one process.
    pub fn of(token: &str) -> Self {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        token.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// A bearer token and when it ends.
#[derive(Clone)]
pub struct AccessToken {
    /// The token itself.
    pub secret: SecretString,
    /// When it ends.
    pub expires_at: SystemTime,
    /// Which token this is.
    pub id: TokenId,
}

impl AccessToken {
    /// Takes `token` in.
    pub fn new(token: String, expires_at: SystemTime) -> Self {
        let id = TokenId::of(&token);
        Self {
            secret: token.into(),
            expires_at,
            id,
        }
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_in_its_debug_output() {
        let token = AccessToken::new("canary-token".into(), SystemTime::UNIX_EPOCH);
        assert!(!format!("{token:?}").contains("canary"));
    }

    #[test]
    fn tokens_are_told_apart() {
        assert_ne!(TokenId::of("a"), TokenId::of("b"));
        assert_eq!(TokenId::of("a"), TokenId::of("a"));
    }
}
