//! The key of a token cache in the key store of the operating system.

#[cfg(any(windows, target_os = "macos", test))]
mod keyring;
#[cfg(not(any(windows, target_os = "macos")))]
mod secret_service;

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use defender_core::{Error, ErrorKind, Result};

use super::{CacheKey, KeyFile, KeySource};

/// What the store lists the key as; the cache's path tells several apart.
const SERVICE: &str = "defender-query token cache";

/// The key of a token cache in the key store of the operating system, or in a file.
///
/// The Secret Service of a Linux desktop (GNOME Keyring, `KWallet`, `KeePassXC`), the Keychain of
/// macOS, the Credential Manager of Windows. Where the store is locked or missing when a cache is
/// begun, the key goes to a [`KeyFile`] beside the cache, and stays there: a cache never loses its
/// key because a session has another store. Nobody is asked to unlock anything.
#[derive(Clone, Debug)]
pub struct KeyStore {
    cache: PathBuf,
    file: KeyFile,
    secrets: Arc<dyn Secrets>,
}

impl KeyStore {
    /// The key of the cache at `path`; `None` where `DEFENDER_KEY_STORE` is `off`. `variable` reads
    /// the environment.
    ///
    /// On Linux a session has a store when it has a message bus: `DBUS_SESSION_BUS_ADDRESS`, or
    /// `$XDG_RUNTIME_DIR/bus`.
    pub fn new(
        path: impl Into<PathBuf>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Option<Self> {
        if variable("DEFENDER_KEY_STORE").is_some_and(|value| value.eq_ignore_ascii_case("off")) {
            return None;
        }
        let cache = std::path::absolute(path.into()).ok()?;
        let secrets = system(variable).unwrap_or_else(|| Arc::new(Missing));
        Some(Self::with(cache, secrets))
    }

    fn with(cache: PathBuf, secrets: Arc<dyn Secrets>) -> Self {
        let file = KeyFile::beside(&cache);
        Self {
            cache,
            file,
            secrets,
        }
    }

    /// The key that the store keeps, made when it keeps none.
    fn stored(&self) -> Result<CacheKey, Unavailable> {
        let name = self.cache.display().to_string();
        if let Some(bytes) = self.secrets.get(&name)? {
            if let Ok(bytes) = <[u8; 32]>::try_from(bytes) {
                return Ok(CacheKey::new(bytes));
            }
            tracing::warn!("the key store kept no key of the token cache; making another");
        }
        let key = CacheKey::random().map_err(|error| Unavailable(error.to_string()))?;
        self.secrets.set(&name, key.bytes())?;
        Ok(key)
    }
}

impl KeySource for KeyStore {
    fn key(&self) -> Result<CacheKey> {
        if let Some(key) = self.file.kept()? {
            return Ok(key);
        }
        let why = match self.stored() {
            Ok(key) => return Ok(key),
            Err(why) => why,
        };
        // A cache without a key file has its key in the store: another key would lose it.
        if self.cache.exists() {
            return Err(unreachable(&self.cache, &why));
        }
        tracing::debug!(%why, "the key of the token cache goes to a file");
        self.file.key()
    }
}

fn unreachable(cache: &Path, why: &Unavailable) -> Error {
    let cache = cache.display();
    Error::new(
        ErrorKind::Io,
        format!("the key of the token cache {cache} is in the system's key store, which gives nothing: {why}"),
    )
    .with_hint(format!(
        "unlock the key store, or remove {cache} and sign in again: its key is then kept in a file"
    ))
}

/// What the operating system keeps for programs, by name.
trait Secrets: fmt::Debug + Send + Sync {
    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, Unavailable>;
    fn set(&self, name: &str, secret: &[u8]) -> Result<(), Unavailable>;
}

/// The store of a session that has none, such as one over the network.
#[derive(Debug)]
struct Missing;

impl Missing {
    fn unavailable() -> Unavailable {
        Unavailable("this session has none".into())
    }
}

impl Secrets for Missing {
    fn get(&self, _: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        Err(Self::unavailable())
    }

    fn set(&self, _: &str, _: &[u8]) -> Result<(), Unavailable> {
        Err(Self::unavailable())
    }
}

/// Why the key store gives nothing.
#[derive(Debug)]
struct Unavailable(String);

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(not(any(windows, target_os = "macos")))]
fn system(variable: impl Fn(&str) -> Option<OsString>) -> Option<Arc<dyn Secrets>> {
    Some(Arc::new(secret_service::SecretService::new(variable)?))
}

#[cfg(any(windows, target_os = "macos"))]
fn system(_: impl Fn(&str) -> Option<OsString>) -> Option<Arc<dyn Secrets>> {
    Some(Arc::new(keyring::Keyring::system()?))
}

#[cfg(test)]
mod tests;
