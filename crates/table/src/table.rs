//! A whole answer in memory.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use defender_core::{Error, ErrorKind, Result};
use futures::StreamExt as _;

use crate::{
    Answer, Cell, Column, ColumnType, Event, Format, Provenance, Summary, Warning, WriterOptions,
};

/// The rows of an answer as Arrow batches, with what is known about them.
#[derive(Clone, Debug)]
pub struct Table {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    summary: Summary,
}

impl Table {
    /// A table of batches that all have `schema`; the summary's number of rows is theirs.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] when a batch has another schema.
    pub fn new(schema: SchemaRef, batches: Vec<RecordBatch>, summary: Summary) -> Result<Self> {
        if batches.iter().any(|batch| batch.schema() != schema) {
            return Err(Error::new(
                ErrorKind::Usage,
                "a batch has another schema than its table",
            ));
        }
        let mut table = Self {
            schema,
            batches,
            summary,
        };
        table.summary.rows = table.row_count();
        Ok(table)
    }

    /// Waits for the whole of `answer`.
    ///
    /// # Errors
    ///
    /// Whatever ended the answer early; the rows that came before are dropped with it.
    pub async fn collect(mut answer: Answer) -> Result<Self> {
        let mut batches = Vec::new();
        let mut summary = None;
        while let Some(event) = answer.events.next().await {
            match event? {
                Event::Batch(batch) => batches.push(batch),
                Event::Summary(last) => summary = Some(*last),
            }
        }
        let Some(summary) = summary else {
            return Err(Error::new(
                ErrorKind::Transport,
                "the answer ended before its summary",
            ));
        };
        Self::new(answer.schema, batches, summary)
    }

    /// The columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The rows.
    pub fn batches(&self) -> &[RecordBatch] {
        &self.batches
    }

    /// What is known about the rows.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Where the rows come from.
    pub fn provenance(&self) -> &Provenance {
        &self.summary.provenance
    }

    /// What the reader should know about the rows.
    pub fn warnings(&self) -> &[Warning] {
        &self.summary.warnings
    }

    /// Whether every row of the question is here.
    pub fn is_complete(&self) -> bool {
        self.summary.completeness.is_complete()
    }

    /// The number of rows.
    pub fn row_count(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// The names of the columns, in order.
    pub fn column_names(&self) -> Vec<&str> {
        self.schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect()
    }

    /// The names and types of the columns, in order.
    pub fn column_types(&self) -> Vec<(&str, ColumnType)> {
        self.schema
            .fields()
            .iter()
            .map(|field| (field.name().as_str(), ColumnType::of(field)))
            .collect()
    }

    /// One cell; `None` when there is no such row or column.
    ///
    /// For reading single cells: a loop over all rows is faster over [`Column`]s.
    pub fn cell(&self, row: usize, column: &str) -> Option<Cell<'static>> {
        let index = self.schema.index_of(column).ok()?;
        let mut row = row;
        for batch in &self.batches {
            if row < batch.num_rows() {
                let column = Column::of(self.schema.field(index), batch.column(index));
                return Some(column.cell(row).into_owned());
            }
            row -= batch.num_rows();
        }
        None
    }

    /// Every row as `format` writes it, for the formats that are text.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write); [`ErrorKind::Usage`] when the format is not text.
    pub fn to_text(&self, format: Format, options: &WriterOptions) -> Result<String> {
        let buffer = Arc::new(Mutex::new(Vec::new()));
        self.write(format, Box::new(Shared(buffer.clone())), options)?;
        let bytes = std::mem::take(&mut *buffer.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8(bytes).map_err(|error| {
            Error::new(
                ErrorKind::Usage,
                format!("the format '{format}' is not text"),
            )
            .with_source(error.utf8_error())
        })
    }

    /// The table as an answer, for whoever takes a stream.
    pub fn into_answer(self) -> Answer {
        Answer::from_batches(self.schema, self.batches, self.summary)
    }

    /// Schema, batches and summary.
    pub fn into_parts(self) -> (SchemaRef, Vec<RecordBatch>, Summary) {
        (self.schema, self.batches, self.summary)
    }

    /// Writes every row to `output`, and returns what the format could not hold.
    ///
    /// A Parquet file keeps six of the seven decimals of a time, unless
    /// [`WriterOptions::parquet_times`] asks for all.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] when `output` fails, [`ErrorKind::Usage`] when this build lacks `format`.
    pub fn write(
        &self,
        format: Format,
        output: Box<dyn io::Write + Send>,
        options: &WriterOptions,
    ) -> Result<Vec<Warning>> {
        let mut writer = format.writer(&self.schema, output, options)?;
        for batch in &self.batches {
            writer.write(batch)?;
        }
        writer.finish()
    }
}

/// An output that can be read after the writer that owned it is gone.
struct Shared(Arc<Mutex<Vec<u8>>>);

impl io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut buffer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        buffer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
