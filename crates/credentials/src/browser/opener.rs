//! Opening an address in a browser.

use std::fmt;

use defender_core::Result;
use url::Url;

/// Opens an address in a browser.
pub trait Browser: fmt::Debug + Send + Sync {
    /// Opens `address`, and returns without waiting for the browser to end.
    ///
    /// # Errors
    ///
    /// Of any kind, when no browser could be started; then the person is shown the address.
    fn open(&self, address: &Url) -> Result<()>;
}

/// The browser that the system opens addresses with.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemBrowser;

/// No browser: the person opens the address themselves.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoBrowser;

impl Browser for SystemBrowser {
    fn open(&self, address: &Url) -> Result<()> {
        NoBrowser.open(address)
    }
}

impl Browser for NoBrowser {
    fn open(&self, _: &Url) -> Result<()> {
        Err(defender_core::Error::new(
            defender_core::ErrorKind::Config,
            "there is no browser",
        ))
    }
}
