//! Work that blocks, where it holds up nobody else.

use defender_core::{Error, ErrorKind, Result};
use tokio::runtime::Handle;

/// What `work` gives: on a thread of its own within tokio, whose threads others wait for, and on
/// this one elsewhere.
pub(crate) async fn aside<T: Send + 'static>(
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
