//! Time as a value: what the clock says, and waiting for it.

use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;

/// Tells the time and waits, so that tests need do neither.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync {
    /// The current time.
    fn now(&self) -> SystemTime;

    /// Returns when `duration` has passed.
    async fn sleep(&self, duration: Duration);
}

/// A clock that stands still until it is told otherwise; a sleep moves it and returns at once.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use defender_core::{Clock, ManualClock};
///
/// let clock = ManualClock::new(SystemTime::UNIX_EPOCH);
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now(), SystemTime::UNIX_EPOCH + Duration::from_secs(60));
/// ```
#[derive(Debug)]
pub struct ManualClock {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    now: SystemTime,
    slept: Vec<Duration>,
}

impl State {
    fn advance(&mut self, duration: Duration) {
        let mut step = duration;
        // The last time depends on the system: half the way is tried where the whole is too far.
        while self.now.checked_add(step).is_none() {
            step /= 2;
        }
        self.now += step;
    }
}

impl ManualClock {
    /// A clock that says `now`.
    pub fn new(now: SystemTime) -> Self {
        Self {
            state: Mutex::new(State {
                now,
                slept: Vec::new(),
            }),
        }
    }

    /// Moves the clock forward, up to the last time that there is.
    pub fn advance(&self, duration: Duration) {
        self.state().advance(duration);
    }

    /// Every sleep asked for so far, in order.
    pub fn slept(&self) -> Vec<Duration> {
        self.state().slept.clone()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> SystemTime {
        self.state().now
    }

    async fn sleep(&self, duration: Duration) {
        let mut state = self.state();
        state.advance(duration);
        state.slept.push(duration);
    }
}
