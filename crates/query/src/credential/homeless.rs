//! Tokens that were to be kept beyond this process, where there is no place for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use defender_core::Result;
use defender_credentials::{Kept, NewTokens, Owner, Selection, SignInPrompt, TokenStore};

use crate::Options;

/// Keeps tokens in another store, and says once that they go with the process.
#[derive(Debug)]
pub(super) struct Homeless {
    store: Arc<dyn TokenStore>,
    prompt: Arc<dyn SignInPrompt>,
    reason: String,
    said: AtomicBool,
}

impl Homeless {
    pub(super) fn new(store: Arc<dyn TokenStore>, options: &Options) -> Self {
        let name = if cfg!(windows) {
            "LOCALAPPDATA"
        } else {
            "HOME"
        };
        let why = match options.environment.get(name).map(String::as_str) {
            None => "is not set",
            Some("") => "is empty",
            Some(_) => "is not an absolute path",
        };
        Self {
            store,
            prompt: Arc::clone(&options.prompt),
            reason: format!("{name} {why}"),
            said: AtomicBool::new(false),
        }
    }
}

#[async_trait]
impl TokenStore for Homeless {
    async fn kept(&self) -> Result<Vec<Kept>> {
        self.store.kept().await
    }

    async fn keep(&self, owner: &Owner, tokens: NewTokens) -> Result<()> {
        if !self.said.swap(true, Ordering::Relaxed) {
            let reason = &self.reason;
            self.prompt.warning(&format!(
                "tokens are kept for this run only: there is no place for the token cache, since \
                 {reason}"
            ));
        }
        self.store.keep(owner, tokens).await
    }

    async fn forget(&self, selection: &Selection) -> Result<Vec<Owner>> {
        self.store.forget(selection).await
    }
}
