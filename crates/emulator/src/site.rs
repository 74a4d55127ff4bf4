//! What all services of one emulator share: the time, and identifiers.

use std::time::SystemTime;

use crate::identifiers::Identifiers;
use crate::options::{Clock, Options};
use crate::ticks;

/// The surroundings of a service.
pub(crate) struct Site {
    clock: Clock,
    identifiers: Identifiers,
}

impl Site {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            clock: options.clock.clone(),
            identifiers: Identifiers::new(options.seed),
        }
    }

    pub(crate) fn now(&self) -> SystemTime {
        (self.clock)()
    }

    /// The time in seconds since 1970, as tokens have it.
    pub(crate) fn unix_seconds(&self) -> i64 {
        ticks::unix_seconds(self.now())
    }

    /// An identifier that nothing else has.
    pub(crate) fn identifier(&self) -> String {
        self.identifiers.next()
    }
}
