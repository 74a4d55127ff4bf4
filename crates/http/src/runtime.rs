//! The runtime that connections and timers need, and work that would hold it up.

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

/// Runs `work` on a thread for blocking work within a tokio runtime, whose own threads others wait
/// for, and on this thread elsewhere.
///
/// # Errors
///
/// Those of `work`, and [`ErrorKind::Interrupted`] when it broke off.
pub async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let Ok(runtime) = Handle::try_current() else {
        return work();
    };
    runtime.spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(Error::new(ErrorKind::Interrupted, "the work on it broke off").with_source(error))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn others_go_on_meanwhile() {
        let (go, gone) = mpsc::channel();
        let work = aside(move || {
            gone.recv()
                .map_err(|error| Error::new(ErrorKind::Io, error.to_string()))
        });
        // It ends only because this runs beside it, on the one thread of the runtime.
        let others = async { go.send(7).unwrap() };
        let (worked, ()) = tokio::join!(work, others);
        assert_eq!(worked.unwrap(), 7);
    }

    #[test]
    fn without_tokio_it_is_done_here() {
        let here = std::thread::current().id();
        let there = futures::executor::block_on(aside(|| Ok(std::thread::current().id())));
        assert_eq!(there.unwrap(), here);
    }
}
