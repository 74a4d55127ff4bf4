//! An answer while it arrives.

use futures::StreamExt;
use futures::channel::{mpsc, oneshot};

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
    truncated: bool,
    ended: bool,
    /// Tells the other thread, when it is dropped, that nobody wants more.
    _guard: oneshot::Sender<()>,
}

/// What the thread of a query sends.
#[derive(Debug)]
pub(crate) enum Piece {
    Rows(ResultSet),
    /// The last: whether rows were cut off.
    End(Result<bool, EngineError>),
}

impl RowStream {
    pub(crate) fn new(
        columns: Vec<ResultColumn>,
        visualization: Option<String>,
        pieces: mpsc::Receiver<Piece>,
        guard: oneshot::Sender<()>,
    ) -> Self {
        Self {
            columns,
            visualization,
            pieces,
            truncated: false,
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
        match self.pieces.next().await {
            Some(Piece::Rows(rows)) => Some(Ok(rows)),
            Some(Piece::End(outcome)) => {
                self.ended = true;
                match outcome {
                    Ok(truncated) => {
                        self.truncated = truncated;
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
        self.truncated
    }
}
