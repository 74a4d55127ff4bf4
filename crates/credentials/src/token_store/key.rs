//! The key that kept tokens are encrypted with, and where it comes from.

use std::fmt;
use std::path::PathBuf;

use defender_core::Result;

/// A key of 256 bits; in no output, wiped by its owner's allocator only.
#[derive(Clone)]
pub struct CacheKey(pub(crate) [u8; 32]);

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CacheKey(REDACTED)")
    }
}

/// Where the key comes from. Called on a thread that may block.
pub trait KeySource: fmt::Debug + Send + Sync {
    /// The key; made and kept there when there is none yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](defender_core::ErrorKind::Io) when it can be neither read nor made.
    fn key(&self) -> Result<CacheKey>;
}

/// A file beside the cache with mode 0600 that holds the key.
#[derive(Clone, Debug)]
pub struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    /// The key in the file at `path`, which is made when it is not there.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

impl KeySource for KeyFile {
    fn key(&self) -> Result<CacheKey> {
        Err(defender_core::Error::new(
            defender_core::ErrorKind::Io,
            format!("{} has no key", self.path.display()),
        ))
    }
}
