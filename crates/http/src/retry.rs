//! Repeating a whole attempt, as a value.

use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use defender_core::{Clock, Error, Result};

use crate::{Notice, Paused, Plain, Silent, SystemClock, Wait, WaitReason};

/// How often and how long an attempt is repeated.
#[derive(Clone, Debug, PartialEq)]
pub struct RetryPolicy {
    /// How many attempts there are, the first included; 4. With 1 nothing is repeated.
    pub attempts: u32,
    /// The wait after the first attempt, doubled after each further one; 1 second.
    pub initial: Duration,
    /// The longest wait of its own accord; 30 seconds.
    pub maximum: Duration,
    /// The longest wait that a service may ask for; 5 minutes. When it asks for more, the error
    /// is returned at once: asking sooner would be refused again.
    pub longest_asked: Duration,
    /// How long all attempts and waits together may take; 15 minutes. No wait goes past it. Waits
    /// for room in a quota that is counted here are not part of it.
    pub total: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 4,
            initial: Duration::from_secs(1),
            maximum: Duration::from_secs(30),
            longest_asked: Duration::from_mins(5),
            total: Duration::from_mins(15),
        }
    }
}

impl RetryPolicy {
    /// The policy that repeats nothing.
    pub fn never() -> Self {
        Self {
            attempts: 1,
            ..Self::default()
        }
    }

    /// What to do after attempt number `attempt` (from 1) ended with `error`, `elapsed` after
    /// the first began; `fraction` from 0 to 1 spreads the waits.
    fn decide(&self, attempt: u32, error: &Error, elapsed: Duration, fraction: f64) -> Decision {
        if !error.is_transient() {
            return Decision::Return;
        }
        if attempt >= self.attempts {
            return Decision::GiveUp(Reason::Attempts);
        }
        let (duration, reason) = match error.retry_after() {
            Some(asked) if asked > self.longest_asked => {
                return Decision::GiveUp(Reason::AskedTooLong(asked));
            }
            // Clients that were all told the same second should not come back together.
            Some(asked) => (
                asked.saturating_add(part(Duration::from_secs(1), fraction)),
                WaitReason::Asked,
            ),
            None => {
                let doublings = (attempt - 1).min(31);
                let wait = self
                    .initial
                    .saturating_mul(1 << doublings)
                    .min(self.maximum);
                (part(wait, 0.5 + fraction / 2.0), WaitReason::Backoff)
            }
        };
        if elapsed.saturating_add(duration) > self.total {
            return Decision::GiveUp(Reason::Deadline(duration));
        }
        Decision::Wait(duration, reason)
    }
}

/// The part of `whole` that `fraction` from 0 to 1 says; all of it where it says nothing.
fn part(whole: Duration, fraction: f64) -> Duration {
    let part = Duration::try_from_secs_f64(whole.as_secs_f64() * fraction);
    part.map_or(whole, |part| part.min(whole))
}

#[derive(Debug, PartialEq)]
enum Decision {
    Wait(Duration, WaitReason),
    GiveUp(Reason),
    Return,
}

#[derive(Debug, PartialEq)]
enum Reason {
    Attempts,
    AskedTooLong(Duration),
    Deadline(Duration),
}

/// Where the spread of the waits comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Jitter {
    /// Chance.
    Random,
    /// Always this fraction, from 0 to 1.
    Fixed(f64),
}

impl Jitter {
    fn fraction(self) -> f64 {
        match self {
            // The standard library seeds its hashers from the system's randomness.
            Self::Random => {
                let [low, high, ..] = RandomState::new().hash_one(0_u8).to_ne_bytes();
                f64::from(u16::from_ne_bytes([low, high])) / f64::from(u16::MAX)
            }
            Self::Fixed(fraction) => fraction.clamp(0.0, 1.0),
        }
    }
}

/// Repeats whole attempts by a policy.
///
/// An attempt is everything that has to happen again: token, request, judgement of the status,
/// reading of the body. What it returns decides: [`Error::is_transient`] whether there is
/// another, [`Error::retry_after`] when. Dropping the future ends attempt or wait at once.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use std::sync::Arc;
/// use std::time::SystemTime;
/// use defender_core::{Error, ErrorKind, ManualClock};
/// use defender_http::{Retry, RetryPolicy};
///
/// let clock = Arc::new(ManualClock::new(SystemTime::UNIX_EPOCH));
/// let retry = Retry::new(RetryPolicy::default(), clock);
/// let answer = retry.run(async |number| match number {
///     1 => Err(Error::new(ErrorKind::Service, "overloaded").transient()),
///     _ => Ok(42),
/// });
/// assert_eq!(answer.await.unwrap(), 42);
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct Retry {
    /// How often and how long.
    pub policy: RetryPolicy,
    /// What the waits are measured with.
    pub clock: Arc<dyn Clock>,
    /// What spreads the waits.
    pub jitter: Jitter,
    /// Who hears of them.
    pub notice: Arc<dyn Notice>,
    /// On whose behalf it repeats, where there are several.
    pub subject: Option<String>,
}

impl Default for Retry {
    fn default() -> Self {
        Self::new(RetryPolicy::default(), Arc::new(SystemClock))
    }
}

impl Retry {
    /// Repeats by `policy`, with random jitter and without notice.
    pub fn new(policy: RetryPolicy, clock: Arc<dyn Clock>) -> Self {
        Self {
            policy,
            clock,
            jitter: Jitter::Random,
            notice: Arc::new(Silent),
            subject: None,
        }
    }

    /// Runs `attempt` (given its number, from 1) until it succeeds or there is no point in
    /// another.
    ///
    /// # Errors
    ///
    /// The error of the last attempt: as it was when it is not transient, otherwise with a
    /// message that also says how often it was tried and why no more.
    pub async fn run<T, F, Attempt>(&self, attempt: F) -> Result<T>
    where
        F: FnMut(u32) -> Attempt + Send,
        Attempt: Future<Output = Result<T>> + Send,
        T: Send,
    {
        self.run_apart_from(&Paused::default(), attempt).await
    }

    /// As [`run`](Self::run); what attempts add to `paused` is not time that they took.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub async fn run_apart_from<T, F, Attempt>(&self, paused: &Paused, mut attempt: F) -> Result<T>
    where
        F: FnMut(u32) -> Attempt + Send,
        Attempt: Future<Output = Result<T>> + Send,
        T: Send,
    {
        let start = self.clock.now();
        let mut number = 1;
        loop {
            let error = match attempt(number).await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            // A clock that was set back in the meantime counts as no time passed.
            let elapsed = self.clock.now().duration_since(start).unwrap_or_default();
            let elapsed = elapsed.saturating_sub(paused.total());
            match self
                .policy
                .decide(number, &error, elapsed, self.jitter.fraction())
            {
                Decision::Return => return Err(error),
                Decision::GiveUp(reason) => return Err(exhausted(error, &reason, number, elapsed)),
                Decision::Wait(duration, reason) => {
                    tracing::debug!(attempt = number, ?duration, ?reason, %error, "trying again");
                    self.notice.waiting(&Wait {
                        attempt: number,
                        attempts: self.policy.attempts,
                        duration,
                        reason,
                        error: &error,
                        subject: self.subject.as_deref(),
                    });
                    self.clock.sleep(duration).await;
                }
            }
            number += 1;
        }
    }
}

fn exhausted(error: Error, reason: &Reason, attempts: u32, elapsed: Duration) -> Error {
    let tries = if attempts == 1 {
        "1 attempt".to_owned()
    } else {
        format!("{attempts} attempts in {}", Plain(elapsed))
    };
    match *reason {
        Reason::Attempts if attempts == 1 => error,
        Reason::Attempts => error.reworded(|message| format!("{message}; gave up after {tries}")),
        Reason::AskedTooLong(asked) => error.reworded(|message| {
            format!(
                "{message}; gave up after {tries}, the service asks to wait {}",
                Plain(asked)
            )
        }),
        Reason::Deadline(wait) => error.reworded(|message| {
            format!(
                "{message}; gave up after {tries}, another wait of {} would pass the time allowed",
                Plain(wait)
            )
        }),
    }
}

#[cfg(test)]
mod tests;
