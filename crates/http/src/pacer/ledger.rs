//! The calls against one quota, and when there is room for the next.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::{Limit, Quota};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// What has been used of a quota.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Calls of the last minute.
    pub calls_of_minute: usize,
    /// Calls of the last hour.
    pub calls_of_hour: usize,
    /// Running time of the last hour's answers, those on their way included.
    pub running_of_hour: Duration,
    /// Running time of the last day's answers, those on their way included.
    pub running_of_day: Duration,
}

/// Whether there is room.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// There was, and the call with this number is entered.
    Entered(u64),
    /// There will be, after so long.
    In(Duration, Limit),
}

/// A call; times are since 1970.
#[derive(Debug)]
struct Call {
    number: u64,
    at: Duration,
    /// `None` while it runs.
    running: Option<Duration>,
}

/// Nothing goes before this time, since 1970.
#[derive(Clone, Copy, Debug)]
struct Block {
    until: Duration,
    limit: Limit,
}

/// The calls of the last day, and what refusals have taught.
#[derive(Debug)]
pub(super) struct Ledger {
    quota: Quota,
    /// Limits of calls per window: those of the quota, and those that a refusal named.
    calls_allowed: Vec<(u32, Duration)>,
    calls: VecDeque<Call>,
    next: u64,
    block: Option<Block>,
    /// The latest time seen.
    seen: Duration,
}

impl Ledger {
    pub(super) fn new(quota: Quota) -> Self {
        let allowed = [
            (quota.calls_per_minute, MINUTE),
            (quota.calls_per_hour, HOUR),
        ];
        Self {
            quota,
            calls_allowed: allowed
                .into_iter()
                .filter(|(number, _)| *number < u32::MAX)
                .collect(),
            calls: VecDeque::new(),
            next: 0,
            block: None,
            seen: Duration::ZERO,
        }
    }

    /// Enters a call, or says how long it takes until there is room for it.
    pub(super) fn enter(&mut self, now: SystemTime) -> Room {
        let now = self.look(now);
        let mut longest: Option<(Duration, Limit)> = None;
        let mut wait = |until: Duration, limit: Limit| {
            let duration = until.saturating_sub(now);
            if !duration.is_zero() && longest.is_none_or(|(longest, _)| duration > longest) {
                longest = Some((duration, limit));
            }
        };
        if let Some(block) = self.block {
            wait(block.until, block.limit);
        }
        for &(number, window) in &self.calls_allowed {
            // The call that has to leave the window before there is room: the last but `number`.
            let place = self.calls.len().checked_sub(number.max(1) as usize);
            if let Some(call) = place.and_then(|place| self.calls.get(place)) {
                wait(
                    call.at.saturating_add(window),
                    Limit::Calls { number, window },
                );
            }
        }
        for (time, window) in [
            (self.quota.running_per_hour, HOUR),
            (self.quota.running_per_day, DAY),
        ] {
            if let Some(time) = time
                && let Some(until) = self.room_for_running(time, window, now)
            {
                wait(until, Limit::Running { time, window });
            }
        }
        if let Some((duration, limit)) = longest {
            return Room::In(duration, limit);
        }
        let number = self.next;
        self.next += 1;
        self.calls.push_back(Call {
            number,
            at: now,
            running: None,
        });
        Room::Entered(number)
    }

    /// When so much has left the window that less than `time` is in it.
    fn room_for_running(
        &self,
        time: Duration,
        window: Duration,
        now: Duration,
    ) -> Option<Duration> {
        let within = |call: &&Call| call.at.saturating_add(window) > now;
        let mut sum: Duration = self
            .calls
            .iter()
            .filter(within)
            .map(|call| call.took(now))
            .sum();
        for call in self.calls.iter().filter(within) {
            if sum < time {
                return None;
            }
            sum = sum.saturating_sub(call.took(now));
            if sum < time {
                return Some(call.at.saturating_add(window));
            }
        }
        None
    }

    pub(super) fn sent(&mut self, number: u64, now: SystemTime) {
        let now = self.look(now);
        let Some(place) = self.place(number) else {
            return;
        };
        // Whoever is sent last stands last.
        if let Some(mut call) = self.calls.remove(place) {
            call.at = now;
            self.calls.push_back(call);
        }
    }

    pub(super) fn finished(&mut self, number: u64, now: SystemTime) {
        let now = self.look(now);
        if let Some(place) = self.place(number)
            && let Some(call) = self.calls.get_mut(place)
        {
            call.running = Some(now.saturating_sub(call.at));
        }
    }

    /// Nobody waits for the answer any more; how long it ran up to the last look is all that is
    /// known.
    pub(super) fn abandoned(&mut self, number: u64) {
        let seen = self.seen;
        if let Some(place) = self.place(number)
            && let Some(call) = self.calls.get_mut(place)
            && call.running.is_none()
        {
            call.running = Some(seen.saturating_sub(call.at));
        }
    }

    /// The call was not made.
    pub(super) fn withdrawn(&mut self, number: u64) {
        if let Some(place) = self.place(number) {
            self.calls.remove(place);
        }
    }

    /// Keeps what a refusal says; gives the time that nothing goes.
    pub(super) fn refused(
        &mut self,
        limit: Limit,
        asked: Option<Duration>,
        now: SystemTime,
    ) -> Option<Duration> {
        let now = self.look(now);
        if let Limit::Calls { number, window } = limit {
            // The service knows its own numbers better, be they larger or smaller.
            self.calls_allowed.retain(|(_, known)| *known != window);
            self.calls_allowed.push((number, window));
        }
        let wait = asked.or_else(|| match limit {
            Limit::Calls { window, .. } => Some(window),
            Limit::Processing => {
                let cycle = self.quota.cycle?.as_secs().max(1);
                Some(Duration::from_secs(cycle - now.as_secs() % cycle))
            }
            Limit::Running { .. } | Limit::Unnamed => None,
        })?;
        let until = now.saturating_add(wait);
        if self.block.is_none_or(|block| block.until < until) {
            self.block = Some(Block { until, limit });
        }
        Some(wait)
    }

    pub(super) fn usage(&mut self, now: SystemTime) -> Usage {
        let now = self.look(now);
        let mut usage = Usage::default();
        for call in &self.calls {
            let age = now.saturating_sub(call.at);
            usage.running_of_day += call.took(now);
            if age < HOUR {
                usage.calls_of_hour += 1;
                usage.running_of_hour += call.took(now);
            }
            if age < MINUTE {
                usage.calls_of_minute += 1;
            }
        }
        usage
    }

    /// Brings the ledger to `now`: what is over is forgotten, and after a clock was set back
    /// everything is as long ago as it was.
    fn look(&mut self, now: SystemTime) -> Duration {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let back = self.seen.saturating_sub(now);
        if !back.is_zero() {
            for call in &mut self.calls {
                call.at = call.at.saturating_sub(back);
            }
            if let Some(block) = &mut self.block {
                block.until = block.until.saturating_sub(back);
            }
        }
        self.seen = now;
        let window = self.longest_window();
        while let Some(call) = self.calls.front()
            && call.at.saturating_add(window) <= now
        {
            self.calls.pop_front();
        }
        if self.block.is_some_and(|block| block.until <= now) {
            self.block = None;
        }
        now
    }

    fn longest_window(&self) -> Duration {
        let running = match (self.quota.running_per_day, self.quota.running_per_hour) {
            (Some(_), _) => DAY,
            _ => HOUR,
        };
        self.calls_allowed
            .iter()
            .map(|(_, window)| *window)
            .fold(running, Duration::max)
    }

    fn place(&self, number: u64) -> Option<usize> {
        self.calls.iter().rposition(|call| call.number == number)
    }
}

impl Call {
    fn took(&self, now: Duration) -> Duration {
        self.running.unwrap_or_else(|| now.saturating_sub(self.at))
    }
}
