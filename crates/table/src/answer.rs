//! An answer while it arrives: its schema now, its rows in batches, its summary last.

use std::fmt;
use std::pin::Pin;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use defender_core::Result;
use futures::{Stream, StreamExt as _, stream};

use crate::Summary;

/// What a driver answers with.
///
/// Every batch has [`schema`](Self::schema), also when there is none: an empty answer keeps its
/// columns. The last event is the [`Event::Summary`], exactly one unless an error ended the stream.
pub struct Answer {
    /// The columns.
    pub schema: SchemaRef,
    /// The rows, then the summary.
    pub events: Pin<Box<dyn Stream<Item = Result<Event>> + Send>>,
}

/// One piece of an answer.
#[derive(Clone, Debug)]
pub enum Event {
    /// Rows.
    Batch(RecordBatch),
    /// The end: what there is to say about all of them.
    Summary(Box<Summary>),
}

impl Answer {
    /// An answer whose events come from `events`; the summary's number of rows is that of the
    /// batches before it.
    pub fn new(
        schema: SchemaRef,
        events: impl Stream<Item = Result<Event>> + Send + 'static,
    ) -> Self {
        let mut rows = 0;
        let events = events.map(move |event: Result<Event>| -> Result<Event> {
            let mut event = event?;
            match &mut event {
                Event::Batch(batch) => rows += batch.num_rows(),
                Event::Summary(summary) => summary.rows = rows,
            }
            Ok(event)
        });
        Self {
            schema,
            events: Box::pin(events),
        }
    }

    /// An answer that is already here.
    pub fn from_batches(schema: SchemaRef, batches: Vec<RecordBatch>, summary: Summary) -> Self {
        let events = batches
            .into_iter()
            .map(Event::Batch)
            .chain(std::iter::once(Event::Summary(Box::new(summary))))
            .map(Ok);
        Self::new(schema, stream::iter(events))
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}
