//! Keeping to the quotas of a service before it has to refuse a call.

mod ledger;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use defender_core::{Error, ErrorKind, Result};
use tokio::sync::{Mutex as Turn, OwnedSemaphorePermit, Semaphore};

pub use ledger::Usage;
use ledger::{Ledger, Room};

use crate::duration::whole_seconds;
use crate::quota::MOST_AT_ONCE;
use crate::{Limit, PaceKey, Pause, Paused, Plain, Quota, Retry};

/// What beats the quotas that an API is known to have.
///
/// A test that asks an emulator under the services' own names is counted as if it asked them, and
/// waits accordingly, unless it says otherwise:
///
/// ```
/// use defender_http::{Pacer, PacerOptions};
///
/// let pacer = Pacer::new(PacerOptions { counted: false, ..PacerOptions::default() });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacerOptions {
    /// Whether calls are counted against the quotas of the APIs; true. Otherwise none waits
    /// before the service has refused one, or one of the limits below is used up.
    pub counted: bool,
    /// Calls per minute; `None` leaves it to the API.
    pub calls_per_minute: Option<u32>,
    /// Calls per hour; `None` leaves it to the API.
    pub calls_per_hour: Option<u32>,
    /// The longest wait for room in a quota that is counted here; 1 hour. What takes longer is
    /// an error at once.
    pub longest: Duration,
}

impl Default for PacerOptions {
    fn default() -> Self {
        Self {
            counted: true,
            calls_per_minute: None,
            calls_per_hour: None,
            longest: Duration::from_hours(1),
        }
    }
}

/// Counts the calls of this process, per application, tenant and API, and lets each wait for its
/// turn; shared by everything that calls.
///
/// Waiting is in order of arrival, sleeps exactly as long as it takes, and ends at once when the
/// future is dropped. What a 429 teaches one caller holds for all others of the same quota.
#[derive(Debug, Default)]
pub struct Pacer {
    options: PacerOptions,
    accounts: Mutex<HashMap<PaceKey, Arc<Account>>>,
}

/// The calls against one quota.
#[derive(Debug)]
struct Account {
    ledger: Mutex<Ledger>,
    /// Held by whoever is next, also while it sleeps.
    turn: Turn<()>,
    at_once: Arc<Semaphore>,
}

impl Pacer {
    /// A pacer that has counted nothing yet.
    pub fn new(options: PacerOptions) -> Self {
        Self {
            options,
            accounts: Mutex::default(),
        }
    }

    /// What beats the quotas of the APIs.
    pub fn options(&self) -> &PacerOptions {
        &self.options
    }

    /// The pace of the calls that count against `key`.
    ///
    /// The first to name a key decides its quota.
    pub fn pace(self: &Arc<Self>, key: PaceKey, quota: Quota) -> Pace {
        let mut quota = if self.options.counted {
            quota
        } else {
            quota.uncounted()
        };
        if let Some(calls) = self.options.calls_per_minute {
            quota.calls_per_minute = calls;
        }
        if let Some(calls) = self.options.calls_per_hour {
            quota.calls_per_hour = calls;
        }
        let mut accounts = self.accounts();
        let account = accounts.entry(key.clone()).or_insert_with(|| {
            Arc::new(Account {
                at_once: Arc::new(Semaphore::new(quota.at_once.clamp(1, MOST_AT_ONCE))),
                ledger: Mutex::new(Ledger::new(quota)),
                turn: Turn::default(),
            })
        });
        Pace {
            account: Arc::clone(account),
            longest: self.options.longest,
            key,
        }
    }

    /// What has been used of every quota up to `now`, in order of their keys.
    pub fn usage(&self, now: SystemTime) -> Vec<(PaceKey, Usage)> {
        let accounts = self.accounts();
        let mut usage: Vec<_> = accounts
            .iter()
            .map(|(key, account)| (key.clone(), account.ledger().usage(now)))
            .collect();
        usage.sort_by(|(left, _), (right, _)| left.cmp(right));
        usage
    }

    fn accounts(&self) -> MutexGuard<'_, HashMap<PaceKey, Arc<Account>>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Account {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The calls that count against one quota.
#[derive(Clone, Debug)]
pub struct Pace {
    account: Arc<Account>,
    longest: Duration,
    key: PaceKey,
}

impl Pace {
    /// Whose quota it is.
    pub fn key(&self) -> &PaceKey {
        &self.key
    }

    /// Waits until a call may be made, by the clock of `retry`, whose notice hears of it.
    ///
    /// Dropping the future gives the place in the queue to the next. How long it took is added to
    /// `paused`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Throttled`] at once when the wait would be longer than the pacer's
    /// [`longest`](PacerOptions::longest), or, where the service asked for it, longer than the
    /// policy's [`longest_asked`](crate::RetryPolicy::longest_asked).
    pub async fn permit(&self, retry: &Retry, paused: &Paused) -> Result<Permit> {
        let arrived = retry.clock.now();
        let permit = self.wait(retry).await;
        let left = retry.clock.now();
        paused.add(left.duration_since(arrived).unwrap_or_default());
        permit
    }

    async fn wait(&self, retry: &Retry) -> Result<Permit> {
        let at_once = Arc::clone(&self.account.at_once).acquire_owned().await;
        let at_once = at_once.map_err(|error| {
            Error::new(ErrorKind::Interrupted, "no more calls are made").with_source(error)
        })?;
        let _turn = self.account.turn.lock().await;
        loop {
            let now = retry.clock.now();
            let room = self.account.ledger().enter(now);
            let (duration, limit) = match room {
                Room::Entered(number) => {
                    return Ok(Permit {
                        account: Arc::clone(&self.account),
                        number,
                        sent: false,
                        _at_once: at_once,
                    });
                }
                Room::In(duration, limit) => (duration, limit),
            };
            let longest = match limit {
                Limit::Calls { .. } | Limit::Running { .. } => self.longest,
                Limit::Processing | Limit::Unnamed => retry.policy.longest_asked,
            };
            if duration > longest {
                let wait = Plain(whole_seconds(duration));
                return Err(Error::new(
                    ErrorKind::Throttled,
                    format!("{limit}: there is no room for {wait}"),
                )
                .with_retry_after(duration)
                .with_hint("ask again then, or raise the longest wait"));
            }
            let pause = Pause {
                key: &self.key,
                duration,
                limit,
            };
            tracing::debug!(?duration, %pause, "waiting for room in a quota");
            retry.notice.pausing(&pause);
            retry.clock.sleep(duration).await;
        }
    }

    /// Keeps what a refusal with status 429 says, for every call that counts against this quota.
    ///
    /// `asked` is how long the service asks to be left alone. The result is how long that really
    /// is: the rest of a cycle where it named the quota and no time.
    pub fn refused(
        &self,
        limit: Limit,
        asked: Option<Duration>,
        now: SystemTime,
    ) -> Option<Duration> {
        self.account.ledger().refused(limit, asked, now)
    }

    /// What has been used of the quota up to `now`.
    pub fn usage(&self, now: SystemTime) -> Usage {
        self.account.ledger().usage(now)
    }
}

/// The right to make one call; while it lives, the call counts as running.
#[derive(Debug)]
pub struct Permit {
    account: Arc<Account>,
    number: u64,
    sent: bool,
    _at_once: OwnedSemaphorePermit,
}

impl Permit {
    /// The call is sent now: from here on it counts, whatever becomes of it. A permit that is
    /// dropped before was never used.
    pub fn sent(&mut self, now: SystemTime) {
        self.sent = true;
        self.account.ledger().sent(self.number, now);
    }

    /// The answer has arrived, or will not: its running time is entered.
    pub fn finished(self, now: SystemTime) {
        self.account.ledger().finished(self.number, now);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.sent {
            self.account.ledger().abandoned(self.number);
        } else {
            self.account.ledger().withdrawn(self.number);
        }
    }
}

#[cfg(test)]
mod tests;
