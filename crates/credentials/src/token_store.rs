//! Keeping tokens beyond one credential.

#[cfg(feature = "token-cache")]
mod file;
#[cfg(feature = "token-cache")]
mod format;
#[cfg(feature = "token-cache")]
mod key;
#[cfg(feature = "key-store")]
mod key_store;
#[cfg(feature = "token-cache")]
mod location;
mod memory;
mod owner;
#[cfg(feature = "token-cache")]
mod place;

use std::fmt;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use defender_core::{AccessToken, Result, SecretString, TokenRequest};

#[cfg(feature = "token-cache")]
pub use file::FileStore;
#[cfg(feature = "token-cache")]
pub use key::{CacheKey, KeyFile, KeySource};
#[cfg(feature = "key-store")]
pub use key_store::KeyStore;
#[cfg(feature = "token-cache")]
pub use location::token_cache_path;
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

impl KeptToken {
    /// `token`, which came for `request`; nothing when it answered a service's challenge, which
    /// is of that moment.
    pub(crate) fn of(request: &TokenRequest, token: &AccessToken) -> Option<Self> {
        request.claims.is_none().then(|| Self {
            scope: request.scope.as_str().to_owned(),
            tenant: request.tenant.as_deref().map(str::to_lowercase),
            token: token.clone(),
        })
    }
}

/// A kept token must be good for this long: what is renewed early must not come from here.
const MARGIN: Duration = Duration::from_mins(5);

/// The token of `kept` that answers `request`.
pub(crate) fn usable(kept: &Kept, request: &TokenRequest, now: SystemTime) -> Option<AccessToken> {
    if request.claims.is_some() {
        return None;
    }
    let tenant = request.tenant.as_deref().map(str::to_lowercase);
    let fits = |kept: &&KeptToken| {
        kept.scope == request.scope.as_str()
            && kept.tenant == tenant
            && kept.token.expires_at > now + MARGIN
            && request.refused != Some(kept.token.id)
    };
    let found = kept.access_tokens.iter().find(fits)?;
    Some(found.token.clone())
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
