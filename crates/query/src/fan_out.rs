//! One question to many tenants at once, and their answers in the order of the tenants.

mod schedule;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use defender_core::{Error, ErrorKind, Result};
use defender_http::require_runtime;
use defender_table::arrow::array::RecordBatch;
use defender_table::arrow::datatypes::SchemaRef;
use defender_table::{Answer, Completeness, Event, Summary, Table, concat, fit};
use futures::stream;

use crate::connections::Connections;
use crate::{ConnectedProvider, Query};
use schedule::{Schedule, Turn};

/// How many tenants are asked at once, and what happens when one fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FanOutOptions {
    /// How many connections work at the same moment; 4.
    pub parallel: usize,
    /// Whether the first failure ends all of it.
    pub fail_fast: bool,
    /// The bytes of answers that may wait for their turn; 64 MiB. Beyond, no further connection
    /// is begun until the next one in order is there.
    pub ahead: usize,
    /// The bytes of answers that are looked at together to find the columns of the result;
    /// 16 MiB. After that the columns are settled.
    pub together: usize,
}

impl Default for FanOutOptions {
    fn default() -> Self {
        Self {
            parallel: 4,
            fail_fast: false,
            ahead: 64 << 20,
            together: 16 << 20,
        }
    }
}

/// A connection that did not answer, and why.
#[derive(Debug)]
pub struct Failure {
    /// Its place among the connections, from 0.
    pub index: usize,
    /// The name that it was added with.
    pub alias: String,
    /// Why.
    pub error: Error,
}

/// A connection that is done.
#[derive(Clone, Copy, Debug)]
pub struct Finished<'a> {
    /// The name that it was added with.
    pub alias: &'a str,
    /// Its rows, or what it failed with.
    pub outcome: std::result::Result<usize, &'a Error>,
    /// How many connections are done.
    pub done: usize,
    /// How many there are.
    pub of: usize,
}

/// Told of every connection that is done, in the order in which that happens.
pub trait FanOutProgress: fmt::Debug + Send + Sync {
    /// A connection is done.
    fn finished(&self, finished: &Finished<'_>);
}

/// Nobody is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProgress;

impl FanOutProgress for NoProgress {
    fn finished(&self, _: &Finished<'_>) {}
}

/// How one connection is asked.
#[async_trait]
pub trait Ask: fmt::Debug + Send + Sync {
    /// Asks the connection named `alias`.
    ///
    /// # Errors
    ///
    /// Whatever makes this connection's rows missing.
    async fn ask(&self, alias: &str, provider: &ConnectedProvider, query: &Query)
    -> Result<Answer>;
}

/// Asks the question as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plainly;

#[async_trait]
impl Ask for Plainly {
    async fn ask(&self, _: &str, provider: &ConnectedProvider, query: &Query) -> Result<Answer> {
        provider.query(query).await
    }
}

/// One question to many connections; made by [`Connections::fan_out`].
///
/// Rows come in the order of the connections, whichever answers first, and are handed on as soon
/// as it is their turn. The columns `Tenant` and `Instance` say where a row is from. A connection
/// that fails leaves the rows of the others as they are, makes the answer incomplete, and is in
/// [`failures`](Self::failures).
///
/// The columns are the union of those of the first answers, as [`concat()`] makes it; once these are
/// more than [`FanOutOptions::together`], a connection with columns that are not there yet fails
/// instead of losing them.
///
/// Connections that need a person sign in one after another, before any is asked.
#[derive(Clone, Debug)]
pub struct FanOut {
    pub(crate) connections: Arc<Connections>,
    pub(crate) query: Query,
    pub(crate) options: FanOutOptions,
    pub(crate) ask: Arc<dyn Ask>,
    pub(crate) progress: Arc<dyn FanOutProgress>,
    failures: Arc<Mutex<Vec<Failure>>>,
}

impl FanOut {
    pub(crate) fn new(connections: Connections, query: Query) -> Self {
        Self {
            connections: Arc::new(connections),
            query,
            options: FanOutOptions::default(),
            ask: Arc::new(Plainly),
            progress: Arc::new(NoProgress),
            failures: Arc::default(),
        }
    }

    /// Asks so many at once.
    #[must_use]
    pub fn with_options(mut self, options: FanOutOptions) -> Self {
        self.options = options;
        self
    }

    /// Asks each connection this way.
    #[must_use]
    pub fn asking(mut self, ask: Arc<dyn Ask>) -> Self {
        self.ask = ask;
        self
    }

    /// Tells `progress` of every connection that is done.
    #[must_use]
    pub fn with_progress(mut self, progress: Arc<dyn FanOutProgress>) -> Self {
        self.progress = progress;
        self
    }

    /// The connections that have failed so far, in their order; taken out.
    pub fn failures(&self) -> Vec<Failure> {
        let mut failures = std::mem::take(&mut *self.failed());
        failures.sort_by_key(|failure| failure.index);
        failures
    }

    fn failed(&self) -> MutexGuard<'_, Vec<Failure>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks all connections. Dropping the answer ends whatever is on its way.
    ///
    /// Has to be called within a tokio runtime: every connection works in a task of its own.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Usage`] outside of a tokio runtime.
    /// - [`ErrorKind::Config`] when there is no connection.
    /// - The first connection's error when all of them failed; [`failures`](Self::failures) has
    ///   the others.
    /// - The error that came first when the first failure is to end all of it.
    pub async fn answer(&self) -> Result<Answer> {
        require_runtime()?;
        self.failed().clear();
        let mut schedule = Schedule::new(self).await;
        let mut first = Vec::new();
        let mut held = 0;
        while held < self.options.together.max(1) {
            match schedule.turn().await {
                Some(Turn::Table(table)) => {
                    held += bytes_of(&table);
                    first.push(*table);
                }
                Some(Turn::Failed(failure)) => self.failed().push(failure),
                Some(Turn::Ended(failure)) => return Err(self.ended(failure)),
                None => break,
            }
        }
        if first.is_empty() {
            return Err(self.nothing());
        }
        let summaries = first.iter().map(|table| table.summary().clone()).collect();
        let (schema, batches, _) = concat(first, true)?.into_parts();
        let rows = Rows {
            fan_out: self.clone(),
            schedule,
            schema: Arc::clone(&schema),
            batches: batches.into_iter(),
            summaries,
            done: false,
        };
        let events = stream::unfold(rows, |mut rows| async move {
            let event = rows.next().await?;
            Some((event, rows))
        });
        Ok(Answer::new(schema, events))
    }

    /// Nothing arrived: the first reason is the run's.
    fn nothing(&self) -> Error {
        let mut failures = self.failed();
        failures.sort_by_key(|failure| failure.index);
        if failures.is_empty() {
            return Error::new(ErrorKind::Config, "there is nothing to connect to");
        }
        let Failure { alias, error, .. } = failures.remove(0);
        error.reworded(|message| format!("{alias}: {message}"))
    }

    /// The failure that ends the run.
    fn ended(&self, failure: Failure) -> Error {
        self.failed().clear();
        let Failure { alias, error, .. } = failure;
        error.reworded(|message| format!("{alias}: {message}"))
    }
}

/// The bytes of memory that the rows take.
fn bytes_of(table: &Table) -> usize {
    table
        .batches()
        .iter()
        .map(RecordBatch::get_array_memory_size)
        .sum()
}

/// The rows on their way out.
struct Rows {
    fan_out: FanOut,
    schedule: Schedule,
    schema: SchemaRef,
    batches: std::vec::IntoIter<RecordBatch>,
    summaries: Vec<Summary>,
    done: bool,
}

impl Rows {
    async fn next(&mut self) -> Option<Result<Event>> {
        loop {
            if let Some(batch) = self.batches.next() {
                return Some(Ok(Event::Batch(batch)));
            }
            if self.done {
                return None;
            }
            match self.schedule.turn().await {
                Some(Turn::Table(table)) => {
                    let index = self.schedule.index();
                    match fit(*table, &self.schema, true) {
                        Ok((batches, summary)) => {
                            self.batches = batches.into_iter();
                            self.summaries.push(summary);
                        }
                        Err(error) => {
                            let failure = self.schedule.failure(index, error);
                            if self.fan_out.options.fail_fast {
                                self.done = true;
                                return Some(Err(self.fan_out.ended(failure)));
                            }
                            self.fan_out.failed().push(failure);
                        }
                    }
                }
                Some(Turn::Failed(failure)) => self.fan_out.failed().push(failure),
                Some(Turn::Ended(failure)) => {
                    self.done = true;
                    return Some(Err(self.fan_out.ended(failure)));
                }
                None => {
                    self.done = true;
                    return Some(Ok(Event::Summary(Box::new(self.summary()))));
                }
            }
        }
    }

    fn summary(&mut self) -> Summary {
        let mut summary = Summary::of_all(std::mem::take(&mut self.summaries));
        let mut failures = self.fan_out.failed();
        if failures.is_empty() {
            return summary;
        }
        failures.sort_by_key(|failure| failure.index);
        let names: Vec<&str> = failures
            .iter()
            .map(|failure| failure.alias.as_str())
            .collect();
        let missing = format!("the rows of {} are missing", names.join(", "));
        summary.completeness = Completeness::Incomplete {
            reason: match summary.completeness {
                Completeness::Complete => missing,
                Completeness::Incomplete { reason } => format!("{missing}; {reason}"),
            },
        };
        summary
    }
}
