//! The end of the time that a query may take.
//!
//! Reading files and working on rows never waits, so that no runtime's timer would be looked at:
//! a thread of its own keeps the time.

use std::fmt;
use std::sync::mpsc;
use std::time::Duration;

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{Either, Shared, select};

use crate::EngineError;

/// Ends what is waited for when the time is over. Clones share the time.
#[derive(Clone)]
pub(crate) struct Deadline {
    limit: Duration,
    /// Resolves when the time is over.
    over: Shared<oneshot::Receiver<()>>,
    /// The thread ends with the last of these.
    _alive: mpsc::Sender<()>,
}

impl fmt::Debug for Deadline {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Deadline")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl Deadline {
    /// The time begins now.
    pub(crate) fn after(limit: Duration) -> Result<Self, EngineError> {
        let (sender, over) = oneshot::channel();
        let (alive, ended) = mpsc::channel::<()>();
        std::thread::Builder::new()
            .name("kql time".to_owned())
            .spawn(move || {
                if let Err(mpsc::RecvTimeoutError::Timeout) = ended.recv_timeout(limit) {
                    // Nobody waits any more.
                    let _ = sender.send(());
                }
            })
            .map_err(|error| EngineError::runtime(format!("no thread to run on: {error}")))?;
        Ok(Self {
            limit,
            over: over.shared(),
            _alive: alive,
        })
    }
}

/// What `work` gives, unless the time is over first.
pub(crate) async fn within<T>(
    deadline: Option<&Deadline>,
    work: impl Future<Output = T> + Unpin,
) -> Result<T, EngineError> {
    let Some(deadline) = deadline else {
        return Ok(work.await);
    };
    match select(work, deadline.over.clone()).await {
        Either::Left((done, _)) => Ok(done),
        Either::Right((Ok(()), _)) => Err(EngineError::OutOfTime {
            limit: deadline.limit,
        }),
        Either::Right((Err(_), work)) => Ok(work.await),
    }
}
