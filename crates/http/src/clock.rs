//! The clock of the machine.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use defender_core::Clock;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// The system's time, and sleeping on tokio's timer, or on a thread where there is no tokio.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the Clock that everything else takes its time from"
    )]
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    async fn sleep(&self, duration: Duration) {
        if Handle::try_current().is_ok() {
            tokio::time::sleep(duration).await;
        } else {
            sleep_on_a_thread(duration).await;
        }
    }
}

/// Sleeps for whoever brings a transport and a runtime of their own.
async fn sleep_on_a_thread(duration: Duration) {
    let (over, is_over) = oneshot::channel();
    let (wanted, is_wanted) = mpsc::channel::<()>();
    let sleeper = thread::Builder::new().spawn(move || {
        // It ends early when nobody waits any more.
        let _ = is_wanted.recv_timeout(duration);
        let _ = over.send(());
    });
    match sleeper {
        Ok(_) => {
            let _ = is_over.await;
        }
        Err(_) => thread::sleep(duration),
    }
    drop(wanted);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn sleeping_takes_as_long_as_asked() {
        let before = tokio::time::Instant::now();
        SystemClock.sleep(Duration::from_mins(1)).await;
        assert_eq!(before.elapsed(), Duration::from_mins(1));
    }

    #[test]
    fn without_tokio_it_sleeps_all_the_same() {
        let begun = tokio::time::Instant::now();
        futures::executor::block_on(SystemClock.sleep(Duration::from_millis(5)));
        assert!(begun.elapsed() >= Duration::from_millis(5));
    }

    #[test]
    fn it_is_later_than_2025() {
        let year_2025 = httpdate::parse_http_date("Wed, 01 Jan 2025 00:00:00 GMT").unwrap();
        assert!(SystemClock.now() > year_2025);
    }
}
