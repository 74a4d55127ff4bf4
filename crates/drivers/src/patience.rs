//! Long work among others: whoever else wants to run gets a turn, and time runs out.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use defender_core::{Clock, Error, ErrorKind, Result};
use defender_http::Plain;

/// The bytes, or as many cells, that are worked through before others get a turn: some
/// milliseconds.
pub(crate) const TURN: usize = 1 << 20;

/// Lets everything else run that is ready to: an interruption is heard here.
pub(crate) async fn others_turn() {
    let mut waited = false;
    poll_fn(|context| {
        if waited {
            return Poll::Ready(());
        }
        waited = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Until when a response may be taken in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline<'a> {
    clock: &'a dyn Clock,
    /// When the request was sent, and how long it may take from then on.
    limit: Option<(SystemTime, Duration)>,
}

impl<'a> Deadline<'a> {
    pub(crate) fn new(clock: &'a dyn Clock, sent: SystemTime, limit: Option<Duration>) -> Self {
        let limit = limit.map(|limit| (sent, limit));
        Self { clock, limit }
    }

    /// What `work` comes to, unless the time runs out before; it is looked at whenever `work`
    /// takes a turn.
    pub(crate) async fn within<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut work = pin!(work);
        poll_fn(|context| match work.as_mut().poll(context) {
            // Who waits for the network knows more of why it is late.
            Poll::Pending => match self.passed() {
                Some(limit) => Poll::Ready(Err(late(limit))),
                None => Poll::Pending,
            },
            ready @ Poll::Ready(_) => ready,
        })
        .await
    }

    fn passed(&self) -> Option<Duration> {
        let (sent, limit) = self.limit?;
        let elapsed = self.clock.now().duration_since(sent).unwrap_or_default();
        (elapsed > limit).then_some(limit)
    }
}

fn late(limit: Duration) -> Error {
    let limit = Plain(limit);
    Error::new(
        ErrorKind::Transport,
        format!("the response was not read to its end within {limit}"),
    )
    .with_hint("ask for less, or allow more time")
    .transient()
}

#[cfg(test)]
mod tests {
    use defender_core::ManualClock;

    use super::*;

    #[tokio::test]
    async fn work_ends_when_the_time_has_run_out() {
        let clock = ManualClock::new(SystemTime::UNIX_EPOCH);
        let limit = Some(Duration::from_secs(3));
        let deadline = Deadline::new(&clock, SystemTime::UNIX_EPOCH, limit);
        let mut turns = 0;
        let work = async {
            loop {
                turns += 1;
                clock.advance(Duration::from_secs(1));
                others_turn().await;
            }
        };
        let error = deadline.within::<()>(work).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the response was not read to its end within 3 s"
        );
        assert_eq!(turns, 4);
    }
}
