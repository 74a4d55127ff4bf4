//! What all formats of one line a row have in common.

use std::io::{self, Write};

use arrow::array::RecordBatch;
use defender_core::Result;

use super::{failed, side_by_side};
use crate::{Warning, Writer};

/// A format of one line a row.
pub(crate) trait LineFormat: Send + Sync {
    /// What stands before the first row.
    fn head(&self) -> String;

    /// What stands between two rows; every row of [`rows`](Self::rows) begins with it.
    fn between(&self) -> &'static str {
        ""
    }

    /// Appends the rows of a batch.
    fn rows(&self, batch: &RecordBatch, text: &mut String);

    /// What stands after the last row.
    fn tail(&self, empty: bool) -> &'static str {
        let _ = empty;
        ""
    }
}

/// Writes lines; some batches together are turned into text on all cores.
pub(crate) struct Lines<F> {
    format: F,
    output: Box<dyn Write + Send>,
    waiting: Vec<RecordBatch>,
    waiting_bytes: usize,
    headed: bool,
    empty: bool,
    threads: usize,
}

/// Rows of a piece of work.
const PIECE: usize = 2048;
/// Bytes of Arrow data for each thread that are turned into text together.
const SHARE: usize = 4 << 20;

impl<F: LineFormat> Lines<F> {
    pub(super) fn new(format: F, output: Box<dyn Write + Send>) -> Self {
        Self {
            format,
            output,
            waiting: Vec::new(),
            waiting_bytes: 0,
            headed: false,
            empty: true,
            threads: side_by_side::threads(),
        }
    }

    fn write_waiting(&mut self) -> io::Result<()> {
        if !self.headed {
            self.headed = true;
            self.output.write_all(self.format.head().as_bytes())?;
        }
        let mut pieces = Vec::new();
        for batch in self.waiting.drain(..) {
            let rows = batch.num_rows();
            let starts = (0..rows).step_by(PIECE);
            pieces.extend(starts.map(|start| batch.slice(start, PIECE.min(rows - start))));
        }
        let threads = if self.waiting_bytes < side_by_side::WORTH_IT {
            1
        } else {
            self.threads
        };
        self.waiting_bytes = 0;
        let format = &self.format;
        let texts = side_by_side::map(pieces, threads, |piece| {
            let bytes = piece.get_array_memory_size();
            let mut text = String::with_capacity(bytes.min(SHARE));
            format.rows(&piece, &mut text);
            text
        });
        for text in texts {
            let mut text = text.as_str();
            if self.empty {
                text = text.strip_prefix(format.between()).unwrap_or(text);
            }
            self.empty = false;
            self.output.write_all(text.as_bytes())?;
        }
        Ok(())
    }
}

impl<F: LineFormat> Writer for Lines<F> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.waiting_bytes += batch.get_array_memory_size();
        self.waiting.push(batch.clone());
        if self.waiting_bytes >= SHARE * self.threads {
            self.write_waiting().map_err(failed)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<Warning>> {
        self.write_waiting()
            .and_then(|()| {
                let tail = self.format.tail(self.empty);
                self.output.write_all(tail.as_bytes())
            })
            .and_then(|()| self.output.flush())
            .map_err(failed)?;
        Ok(Vec::new())
    }
}
