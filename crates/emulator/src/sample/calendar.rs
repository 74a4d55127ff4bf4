//! The thirty days: what time it is, which days are workdays.

use std::time::{SystemTime, UNIX_EPOCH};

pub(super) const SECOND: i64 = 1_000_000_000;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;
/// How far back the sample reaches; advanced hunting keeps as much.
pub(super) const DAYS: i64 = 30;

/// The window of the sample; times are nanoseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Calendar {
    pub(super) now: i64,
    pub(super) start: i64,
}

impl Calendar {
    /// The thirty days before `now`. A time that Arrow cannot hold is moved to where it can.
    pub(super) fn new(now: SystemTime) -> Self {
        let since = now
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_nanos();
        let now = i64::try_from(since)
            .unwrap_or(i64::MAX)
            .min(i64::MAX - 400 * DAY);
        let now = now - now % 100;
        Self {
            now,
            start: now - DAYS * DAY,
        }
    }

    /// Whether something can have happened at `time`.
    pub(super) fn contains(&self, time: i64) -> bool {
        self.start <= time && time < self.now
    }

    /// Midnight `back` days before today.
    pub(super) fn day(&self, back: i64) -> i64 {
        self.now - self.now.rem_euclid(DAY) - back * DAY
    }

    /// Midnight of the workday before today that has `back` workdays after it.
    ///
    /// The third one is never more than six days back, so that it lies in any seven days.
    pub(super) fn workday(&self, back: usize) -> i64 {
        (1..)
            .map(|days| self.day(days))
            .filter(|&day| is_workday(day))
            .nth(back)
            .unwrap_or(0)
    }
}

/// Whether the day that begins at this midnight is not a Saturday or Sunday.
pub(super) fn is_workday(midnight: i64) -> bool {
    // 1 January 1970 was a Thursday.
    (midnight.div_euclid(DAY) + 3).rem_euclid(7) < 5
}
