//! Keeping tokens beyond one credential.

#[cfg(feature = "token-cache")]
mod file;
#[cfg(feature = "token-cache")]
mod key;
mod memory;
mod owner;

use std::fmt;

use async_trait::async_trait;
use defender_core::{AccessToken, Result, SecretString};

#[cfg(feature = "token-cache")]
pub use file::{FileStore, token_cache_path};
#[cfg(feature = "token-cache")]
pub use key::{CacheKey, KeyFile, KeySource};
pub use memory::MemoryStore;
pub use owner::{Owner, Selection};

/// Keeps tokens beyond one credential, per authority, tenant, application and account.
#[async_trait]
pub trait TokenStore: fmt::Debug + Send + Sync {
    /// Everything that is kept.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](defender_core::ErrorKind::Io) when the store cannot be read.
    async fn kept(&self) -> Result<Vec<Kept>>;

    /// Keeps `tokens` of `owner`.
    ///
    /// A refresh token replaces the one of the same owner, an access token the one of the same
    /// owner, scope and tenant. Access tokens that have ended are dropped.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](defender_core::ErrorKind::Io) when the store cannot be written.
    async fn keep(&self, owner: &Owner, tokens: NewTokens) -> Result<()>;

    /// Forgets everything of the owners that `selection` matches, and says who they were.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](defender_core::ErrorKind::Io) when the store cannot be written.
    async fn forget(&self, selection: &Selection) -> Result<Vec<Owner>>;
}

/// What is kept of one owner.
#[derive(Clone)]
pub struct Kept {
    /// Whose it is.
    pub owner: Owner,
    /// What further tokens are had for.
    pub refresh_token: Option<SecretString>,
    /// Tokens that had not ended when they were kept.
    pub access_tokens: Vec<KeptToken>,
}

/// An access token and what it is for.
#[derive(Clone, Debug)]
pub struct KeptToken {
    /// The scope it was asked for with.
    pub scope: String,
    /// The tenant it was asked for in, when that is not the owner's.
    pub tenant: Option<String>,
    /// The token.
    pub token: AccessToken,
}

/// What is to be kept.
#[derive(Clone, Default)]
pub struct NewTokens {
    /// Replaces the owner's refresh token, when there is one.
    pub refresh_token: Option<SecretString>,
    /// Replaces the owner's access token for the same scope and tenant, when there is one.
    pub access_token: Option<KeptToken>,
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept")
            .field("owner", &self.owner)
            .field("access_tokens", &self.access_tokens)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for NewTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewTokens").finish_non_exhaustive()
    }
}
