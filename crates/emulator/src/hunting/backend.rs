//! The trait that stands between the endpoints and whatever answers a query.

use std::fmt;

use async_trait::async_trait;

use super::fault::QueryFault;
use super::value::Rows;
use crate::hosts::Api;

/// Answers hunting queries.
#[async_trait]
pub trait HuntingBackend: fmt::Debug + Send + Sync {
    /// Runs one query.
    ///
    /// # Errors
    ///
    /// Whatever the service would refuse the text with.
    async fn run(&self, question: Question) -> Result<Rows, QueryFault>;
}

/// One query, and on whose behalf.
#[derive(Debug, Clone)]
pub struct Question {
    /// The tenant's identifier, from the token.
    pub tenant: String,
    /// The API that was called; Defender for Endpoint sees its own tables only.
    pub api: Api,
    /// The query's text.
    pub query: String,
    /// What the query may see of tables that have a `Timestamp`.
    pub time_range: TimeRange,
    /// The service's time, in ticks of 100 ns since the year 1.
    pub now: i64,
    /// Rows that will be sent at most; a backend may stop there.
    pub max_rows: usize,
}

/// A span of time in ticks of 100 ns since the year 1: from `start`, up to and with `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// The first tick.
    pub start: i64,
    /// The last tick.
    pub end: i64,
}

impl TimeRange {
    /// All of time.
    pub const ALL: Self = Self {
        start: 0,
        end: i64::MAX,
    };

    /// What both ranges cover; empty (`start > end`) when they do not meet.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self {
            start: self.start.max(other.start),
            end: self.end.min(other.end),
        }
    }
}
