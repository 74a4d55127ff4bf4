//! The Keychain of macOS and the Credential Manager of Windows.

use std::fmt;
use std::sync::Arc;

use keyring_core::api::CredentialStoreApi;
use keyring_core::{Entry, Error};

use super::{SERVICE, Secrets, Unavailable};

pub(super) struct Keyring(Arc<dyn CredentialStoreApi + Send + Sync>);

impl Keyring {
    #[cfg(target_os = "macos")]
    pub(super) fn system() -> Option<Self> {
        let store = apple_native_keyring_store::keychain::Store::new();
        Some(Self(store.ok()?))
    }

    #[cfg(windows)]
    pub(super) fn system() -> Option<Self> {
        let store = windows_native_keyring_store::Store::new();
        Some(Self(store.ok()?))
    }

    #[cfg(test)]
    pub(super) fn of(store: Arc<dyn CredentialStoreApi + Send + Sync>) -> Self {
        Self(store)
    }

    fn entry(&self, name: &str) -> Result<Entry, Unavailable> {
        self.0.build(SERVICE, name, None).map_err(unavailable)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keyring").field(&self.0.vendor()).finish()
    }
}

impl Secrets for Keyring {
    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        match self.entry(name)?.get_secret() {
            Ok(secret) => Ok(Some(secret)),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }

    fn set(&self, name: &str, secret: &[u8]) -> Result<(), Unavailable> {
        self.entry(name)?.set_secret(secret).map_err(unavailable)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "a function for `map_err`")]
fn unavailable(error: Error) -> Unavailable {
    // Its `Debug` shows the secret that it could not read; this does not.
    Unavailable(error.to_string())
}
