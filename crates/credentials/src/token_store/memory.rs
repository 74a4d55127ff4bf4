//! Keeps tokens as long as the process lives.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use defender_core::{Clock, Result};

use super::{Kept, NewTokens, Owner, Selection, TokenStore};

/// Keeps tokens as long as it lives itself.
#[derive(Debug)]
pub struct MemoryStore {
    kept: Mutex<Vec<Kept>>,
    clock: Arc<dyn Clock>,
}

impl MemoryStore {
    /// An empty store; `clock` tells which tokens have ended.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            kept: Mutex::default(),
            clock,
        }
    }
}

#[async_trait]
impl TokenStore for MemoryStore {
    async fn kept(&self) -> Result<Vec<Kept>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(kept.clone())
    }

    async fn keep(&self, owner: &Owner, tokens: NewTokens) -> Result<()> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        merge(&mut kept, owner, tokens, self.clock.now());
        Ok(())
    }

    async fn forget(&self, selection: &Selection) -> Result<Vec<Owner>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(take(&mut kept, selection))
    }
}

/// Puts `tokens` where they belong, and drops what has ended.
pub(super) fn merge(all: &mut Vec<Kept>, owner: &Owner, tokens: NewTokens, now: SystemTime) {
    let position = all.iter().position(|kept| kept.owner.is_same(owner));
    let mut kept = match position {
        Some(position) => all.remove(position),
        None => Kept {
            owner: owner.clone(),
            refresh_token: None,
            access_tokens: Vec::new(),
        },
    };
    // The user's name may have changed since.
    kept.owner = owner.clone();
    if tokens.refresh_token.is_some() {
        kept.refresh_token = tokens.refresh_token;
    }
    if let Some(new) = tokens.access_token {
        kept.access_tokens
            .retain(|old| old.scope != new.scope || old.tenant != new.tenant);
        kept.access_tokens.push(new);
    }
    all.push(kept);
    for kept in all.iter_mut() {
        kept.access_tokens.retain(|old| old.token.expires_at > now);
    }
    all.retain(|kept| kept.refresh_token.is_some() || !kept.access_tokens.is_empty());
}

/// Takes out everything of the chosen owners.
pub(super) fn take(all: &mut Vec<Kept>, selection: &Selection) -> Vec<Owner> {
    let (gone, left): (Vec<_>, Vec<_>) = std::mem::take(all)
        .into_iter()
        .partition(|kept| selection.matches(&kept.owner));
    *all = left;
    gone.into_iter().map(|kept| kept.owner).collect()
}
