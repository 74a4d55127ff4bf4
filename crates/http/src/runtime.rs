//! The runtime that connections and timers need.

use defender_core::{Error, ErrorKind, Result};
use tokio::runtime::Handle;

/// Whether this is called within a tokio runtime, which connections, timers and tasks need.
///
/// ```
/// use defender_core::ErrorKind;
///
/// let error = defender_http::require_runtime().unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Usage);
/// ```
///
/// # Errors
///
/// [`ErrorKind::Usage`] outside of one, where tokio itself would panic.
pub fn require_runtime() -> Result<()> {
    match Handle::try_current() {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::new(
            ErrorKind::Usage,
            "there is no tokio runtime here, which connections and timers need",
        )
        .with_hint("await it within a tokio runtime that has its timers and I/O enabled")
        .with_source(error)),
    }
}
