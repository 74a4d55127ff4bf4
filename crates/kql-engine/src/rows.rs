//! An answer while it arrives.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::StreamExt;
use futures::channel::{mpsc, oneshot};
use kql_semantics::bound::BoundQuery;

use crate::deadline::{self, Deadline};
use crate::{EngineError, ResultColumn, ResultSet};

/// The rows of an answer, piece by piece, for answers that are larger than what should be held.
///
/// A few pieces are worked on ahead. Dropping the stream stops the query.
#[derive(Debug)]
pub struct RowStream {
    /// The columns, in order.
    pub columns: Vec<ResultColumn>,
    /// What the query asked `render` to draw, if it did.
    pub visualization: Option<String>,
    pieces: mpsc::Receiver<Piece>,
    outcome: Ended,
    ended: bool,
    deadline: Option<Deadline>,
    /// Tells the other thread, when it is dropped, that nobody wants more.
    _guard: oneshot::Sender<()>,
}

/// What the thread of a query sends.
#[derive(Debug)]
pub(crate) enum Piece {
    Rows(ResultSet),
    /// The last.
    End(Result<Ended, EngineError>),
}

/// What is known when all rows have been there.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    /// Whether rows were cut off.
    pub(crate) truncated: bool,
    /// The tables that were read.
    pub(crate) read: BTreeSet<String>,
    /// The columns of each that the query needs.
    pub(crate) named: BTreeMap<String, BTreeSet<String>>,
    /// The tables whose `Timestamp` it has a condition on, the range of time of the run included.
    pub(crate) timed: BTreeSet<String>,
    /// What ran.
    pub(crate) query: Option<Arc<BoundQuery>>,
}

/// A table that has rows, of which the query's conditions on one of its times let none through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// The table.
    pub table: String,
    /// The column of the times.
    pub column: String,
    /// Whether the query reads rows of the table by their time in this place only.
    pub alone: bool,
}

impl RowStream {
    pub(crate) fn new(
        columns: Vec<ResultColumn>,
        visualization: Option<String>,
        pieces: mpsc::Receiver<Piece>,
        deadline: Option<Deadline>,
        guard: oneshot::Sender<()>,
    ) -> Self {
        Self {
            columns,
            visualization,
            pieces,
            deadline,
            outcome: Ended::default(),
            ended: false,
            _guard: guard,
        }
    }

    /// The next rows, in order; `None` when all have been there.
    ///
    /// # Errors
    ///
    /// [`EngineError`]: no more rows come after it, and those before it are not all.
    pub async fn next(&mut self) -> Option<Result<ResultSet, EngineError>> {
        if self.ended {
            return None;
        }
        let next = match deadline::within(self.deadline.as_ref(), self.pieces.next()).await {
            Ok(next) => next,
            Err(error) => {
                self.ended = true;
                // Nothing more is worked on.
                self.pieces.close();
                return Some(Err(error));
            }
        };
        match next {
            Some(Piece::Rows(rows)) => Some(Ok(rows)),
            Some(Piece::End(outcome)) => {
                self.ended = true;
                match outcome {
                    Ok(outcome) => {
                        self.outcome = outcome;
                        None
                    }
                    Err(error) => Some(Err(error)),
                }
            }
            None => {
                self.ended = true;
                Some(Err(EngineError::inside()))
            }
        }
    }

    /// Whether [`Options::max_rows`](crate::Options::max_rows) cut rows off; known at the end.
    pub fn is_truncated(&self) -> bool {
        self.outcome.truncated
    }

    /// The tables that the query has read, those of patterns and stand-ins included, and
    /// [`Catalog::EXTERNAL_DATA`](crate::Catalog::EXTERNAL_DATA); known at the end.
    pub fn tables_read(&self) -> &BTreeSet<String> {
        &self.outcome.read
    }

    /// The columns of a table that the answer needs; known at the end.
    pub fn columns_read(&self, table: &str) -> Option<&BTreeSet<String>> {
        self.outcome.named.get(table)
    }

    /// The tables whose rows the query, or the range of time of the run, chooses by their
    /// `Timestamp`; known at the end.
    pub fn tables_chosen_by_time(&self) -> &BTreeSet<String> {
        &self.outcome.timed
    }

    /// The query that ran; known at the end.
    pub(crate) fn query(&self) -> Option<Arc<BoundQuery>> {
        self.outcome.query.clone()
    }
}
