//! What a person may hear about waits.

use std::fmt;
use std::time::Duration;

use defender_core::Error;

use crate::duration::whole_seconds;
use crate::{Limit, PaceKey, Plain};

/// Hears of every wait, so that a person knows why nothing happens.
pub trait Notice: fmt::Debug + Send + Sync {
    /// A wait begins now.
    fn waiting(&self, wait: &Wait<'_>);

    /// A wait for room in a quota begins now, before anything is sent.
    fn pausing(&self, _: &Pause<'_>) {}
}

/// Says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Notice for Silent {
    fn waiting(&self, _: &Wait<'_>) {}
}

/// A wait before the next attempt.
#[derive(Debug)]
pub struct Wait<'a> {
    /// The attempt that failed, from 1.
    pub attempt: u32,
    /// How many attempts there are at most.
    pub attempts: u32,
    /// How long the wait is.
    pub duration: Duration,
    /// Why it is that long.
    pub reason: WaitReason,
    /// What the attempt failed with.
    pub error: &'a Error,
    /// On whose behalf, where there are several.
    pub subject: Option<&'a str>,
}

impl fmt::Display for Wait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (next, duration) = (self.attempt + 1, Plain(self.duration));
        let asked = match self.reason {
            WaitReason::Asked => " as the service asks",
            WaitReason::Backoff => "",
        };
        if let Some(subject) = self.subject {
            write!(f, "{subject}: ")?;
        }
        write!(
            f,
            "{}; waiting {duration}{asked} before attempt {next} of {}",
            self.error, self.attempts
        )
    }
}

/// Why there is a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitReason {
    /// The service asked for it.
    Asked,
    /// The service did not say how long, so each wait is longer than the last.
    Backoff,
}

/// A wait for room in a quota.
#[derive(Clone, Debug)]
pub struct Pause<'a> {
    /// Whose quota it is.
    pub key: &'a PaceKey,
    /// How long the wait is.
    pub duration: Duration,
    /// What there is no room in.
    pub limit: Limit,
}

impl fmt::Display for Pause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, limit, duration) = (self.key, &self.limit, Plain(whole_seconds(self.duration)));
        write!(f, "{limit} ({key}); waiting {duration}")
    }
}
