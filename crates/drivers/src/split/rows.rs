//! The rows of the slices as one answer.

use std::collections::VecDeque;
use std::sync::Arc;

use defender_core::{Error, ErrorKind, Result};
use defender_table::arrow::array::RecordBatch;
use defender_table::arrow::datatypes::SchemaRef;
use defender_table::{Completeness, Event, Summary, Table, Warning};
use futures::stream::{self, BoxStream, StreamExt as _};

use super::merged::Merged;
use super::run::Run;

/// The rows of the slices as they come, then what there is to say about them.
pub(super) struct Rows {
    pub(super) slices: BoxStream<'static, Result<Vec<Table>>>,
    pub(super) schema: Option<SchemaRef>,
    pub(super) waiting: VecDeque<RecordBatch>,
    pub(super) merged: Merged,
    pub(super) sent: usize,
    pub(super) most: Option<usize>,
    pub(super) cut: bool,
    pub(super) done: bool,
    pub(super) run: Arc<Run>,
}

impl Rows {
    /// Takes the rows of the next slice in, or finds that there is none.
    pub(super) async fn advance(&mut self) -> Result<()> {
        let Some(tables) = self.slices.next().await else {
            self.done = true;
            return Ok(());
        };
        for table in tables? {
            let (schema, batches, summary) = table.into_parts();
            match &self.schema {
                None => self.schema = Some(schema),
                Some(first) if *first == schema => {}
                Some(_) => {
                    return Err(Error::new(
                        ErrorKind::Protocol,
                        "the service gave two slices of one query different columns",
                    ));
                }
            }
            self.waiting.extend(batches);
            self.merged.add(summary);
        }
        Ok(())
    }

    pub(super) async fn next(&mut self) -> Option<Result<Event>> {
        loop {
            if let Some(batch) = self.waiting.pop_front() {
                return Some(Ok(Event::Batch(self.counted(batch))));
            }
            if self.done {
                // After the summary there is nothing.
                self.schema.take()?;
                return Some(Ok(Event::Summary(Box::new(self.summary()))));
            }
            if let Err(error) = self.advance().await {
                self.done = true;
                self.schema = None;
                return Some(Err(error));
            }
        }
    }

    /// A batch as far as it is wanted.
    fn counted(&mut self, batch: RecordBatch) -> RecordBatch {
        let left = self.most.map_or(usize::MAX, |most| most - self.sent);
        let batch = if batch.num_rows() > left {
            self.cut = true;
            batch.slice(0, left)
        } else {
            batch
        };
        self.sent += batch.num_rows();
        if self.cut {
            self.waiting.clear();
            self.slices = stream::empty().boxed();
        }
        batch
    }

    fn summary(&mut self) -> Summary {
        let missing = self.run.missing();
        let mut summary = std::mem::take(&mut self.merged).finish(self.sent, missing);
        summary.provenance.timespan = Some(self.run.timespan);
        summary.stats = None;
        summary.warnings.extend(self.run.changes());
        if self.cut {
            summary.completeness = Completeness::Complete;
            let rows = self.sent;
            summary.warnings.push(Warning::cut(rows));
        }
        summary
    }
}
