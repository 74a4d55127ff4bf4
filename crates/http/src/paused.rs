//! The time that attempts do not answer for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long attempts have waited for room in a quota, which no policy counts.
#[derive(Debug, Default)]
pub struct Paused(AtomicU64);

impl Paused {
    pub(crate) fn add(&self, duration: Duration) {
        let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let added = |total: u64| Some(total.saturating_add(milliseconds));
        // It always gives a new total.
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, added);
    }

    /// The sum of the waits.
    pub fn total(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }
}
