//! What is asked, and who answers.

use std::fmt;

use async_trait::async_trait;
use defender_core::{DataEnvironment, Result};
use defender_table::{Answer, DatetimeMode, Timespan};

use crate::Capabilities;

/// Runs queries in one environment.
#[async_trait]
pub trait Driver: fmt::Debug + Send + Sync {
    /// The environment that is asked.
    fn environment(&self) -> DataEnvironment;

    /// Runs `query` and returns its answer.
    ///
    /// The answer's columns are those of the service's schema, in that order. Its rows are
    /// whole: rows of an attempt that failed on the way never reach the caller.
    ///
    /// # Errors
    ///
    /// - [`Query`](defender_core::ErrorKind::Query): the service could not run the text.
    /// - [`Credential`](defender_core::ErrorKind::Credential): no token, or it was refused twice.
    /// - [`Permission`](defender_core::ErrorKind::Permission): the message names what is missing.
    /// - [`Throttled`](defender_core::ErrorKind::Throttled): over quota; see
    ///   [`Error::retry_after`](defender_core::Error::retry_after).
    /// - [`Incomplete`](defender_core::ErrorKind::Incomplete): more than the service returns.
    /// - [`Service`](defender_core::ErrorKind::Service),
    ///   [`Transport`](defender_core::ErrorKind::Transport),
    ///   [`Protocol`](defender_core::ErrorKind::Protocol).
    async fn query(&self, query: &Query) -> Result<Answer>;

    /// What it can do beside that; unknown unless it says so.
    fn capabilities(&self) -> Capabilities {
        Capabilities::unknown(self.environment())
    }
}

/// A question in KQL.
#[derive(Clone, PartialEq, Eq)]
pub struct Query {
    /// The KQL text.
    pub text: String,
    /// The range of time to look at; without one the service looks at its last 30 days.
    pub timespan: Option<Timespan>,
    /// How many rows to keep at most.
    pub max_rows: Option<usize>,
    /// How datetimes are kept.
    pub datetimes: DatetimeMode,
    /// Whose rows are wanted first when several answers arrive at once: those of the lowest.
    ///
    /// Where the processor is what they wait for, the others wait longer.
    pub turn: usize,
}

impl Query {
    /// A question without a range of time or a limit of its own.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            timespan: None,
            max_rows: None,
            datetimes: DatetimeMode::default(),
            turn: 0,
        }
    }

    /// Looks at this range of time only.
    #[must_use]
    pub fn with_timespan(mut self, timespan: Timespan) -> Self {
        self.timespan = Some(timespan);
        self
    }

    /// Keeps this many rows at most.
    #[must_use]
    pub fn with_max_rows(mut self, rows: usize) -> Self {
        self.max_rows = Some(rows);
        self
    }

    /// Wants the rows before those of all questions with a higher `turn`.
    #[must_use]
    pub fn with_turn(mut self, turn: usize) -> Self {
        self.turn = turn;
        self
    }

    /// Keeps datetimes this way.
    #[must_use]
    pub fn with_datetimes(mut self, datetimes: DatetimeMode) -> Self {
        self.datetimes = datetimes;
        self
    }
}

/// Without the text: what an analyst looks for is not for logs.
impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query")
            .field("bytes", &self.text.len())
            .field("timespan", &self.timespan)
            .field("max_rows", &self.max_rows)
            .field("datetimes", &self.datetimes)
            .field("turn", &self.turn)
            .finish()
    }
}
