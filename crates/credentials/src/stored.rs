//! Keeps the tokens of a credential in a store, for the next process.

use std::sync::Arc;

use async_trait::async_trait;
use defender_core::{AccessToken, Clock, Credential, Result, TokenRequest};

use crate::token_store::usable;
use crate::{KeptToken, NewTokens, Owner, TokenStore};

/// Keeps the tokens of a credential in a store, so that the next process needs no new one.
///
/// Meant for applications, and only where it was asked for: whoever can read the store can use
/// the tokens until they end, without the application's secret. A store that fails is gone
/// round: the credential is asked.
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
        let kept = self.store.kept().await.unwrap_or_else(|error| {
            tracing::debug!(%error, "no kept tokens");
            Vec::new()
        });
        let mine = kept.iter().find(|kept| kept.owner.is_same(&self.owner));
        if let Some(token) = mine.and_then(|kept| usable(kept, request, self.clock.now())) {
            return Ok(token);
        }
        let token = self.inner.token(request).await?;
        let tokens = NewTokens {
            access_token: KeptToken::of(request, &token),
            ..NewTokens::default()
        };
        if let Err(error) = self.store.keep(&self.owner, tokens).await {
            tracing::debug!(%error, "a token was not kept");
        }
        Ok(token)
    }
}
