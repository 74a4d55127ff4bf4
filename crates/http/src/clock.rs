//! The clock of the machine.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use defender_core::Clock;

/// The system's time, and sleeping on tokio's timer.
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
        tokio::time::sleep(duration).await;
    }
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
    fn it_is_later_than_2025() {
        let year_2025 = httpdate::parse_http_date("Wed, 01 Jan 2025 00:00:00 GMT").unwrap();
        assert!(SystemClock.now() > year_2025);
    }
}
