//! Rows of cells into batches of one schema.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use defender_core::{Error, ErrorKind, Result};

use super::{ColumnBuilder, JsonCell};
use crate::{ColumnType, DatetimeMode, Warning};

/// Collects rows into batches of one schema.
#[derive(Debug)]
pub struct TableBuilder {
    schema: SchemaRef,
    columns: Vec<ColumnBuilder>,
    rows: usize,
    text: usize,
    /// The columns that have a value in this batch, as far as [`append_cells`](Self::append_cells)
    /// put it there.
    touched: usize,
    done: usize,
    cells: usize,
    batches: Vec<RecordBatch>,
}

/// Rows in a batch: large enough for vectors, small enough to be handed on early.
const BATCH_ROWS: usize = 8192;
/// Text in a batch: Arrow's offsets end at two gigabytes, in one column.
const BATCH_TEXT: usize = 64 << 20;
/// Cells in a batch of rows with few cells each: a column takes memory for each row as soon as it
/// has one value, so the fewer rows, the less is spent on what is not there.
const BATCH_CELLS: usize = 1 << 20;
/// With more columns than this each of them begins without memory.
const MANY_COLUMNS: usize = 256;

impl TableBuilder {
    /// A builder of the named columns.
    pub fn new(columns: &[(String, ColumnType)], datetimes: DatetimeMode) -> Self {
        let fields: Vec<_> = columns
            .iter()
            .map(|(name, column_type)| column_type.field_in(name, datetimes))
            .collect();
        let lean = columns.len() > MANY_COLUMNS;
        Self {
            schema: Arc::new(Schema::new(fields)),
            columns: columns
                .iter()
                .map(|(name, column_type)| {
                    if lean {
                        ColumnBuilder::lean(name, *column_type, datetimes)
                    } else {
                        ColumnBuilder::new(name, *column_type, datetimes)
                    }
                })
                .collect(),
            rows: 0,
            text: 0,
            touched: 0,
            done: 0,
            cells: 0,
            batches: Vec::new(),
        }
    }

    /// The schema of every batch.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The number of rows so far.
    pub fn rows(&self) -> usize {
        self.done + self.rows
    }

    /// The number of cells that take memory in the batches so far: those of the columns that have
    /// a value in the batch.
    pub fn cells(&self) -> usize {
        self.cells
    }

    /// Adds one row: a cell per column, what is missing at the end is null.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Protocol`] when Arrow refuses a full batch.
    pub fn append_row<'a>(&mut self, cells: impl IntoIterator<Item = JsonCell<'a>>) -> Result<()> {
        let mut cells = cells.into_iter();
        for column in &mut self.columns {
            let cell = cells.next().unwrap_or(JsonCell::Null);
            if let JsonCell::Str(text) | JsonCell::Raw(text) = cell {
                self.text += text.len();
            }
            column.append(cell);
        }
        self.rows += 1;
        if self.rows >= BATCH_ROWS || self.text >= BATCH_TEXT {
            self.end_batch()?;
        }
        Ok(())
    }

    /// Adds `rows` rows at once, column by column: `cell` is asked for each row and column.
    ///
    /// Much faster than row by row, since the cells of a column are alike.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Protocol`] when Arrow refuses a full batch.
    pub fn append_rows<'a>(
        &mut self,
        rows: usize,
        cell: impl Fn(usize, usize) -> JsonCell<'a>,
    ) -> Result<()> {
        let mut row = 0;
        while row < rows {
            let end = rows.min(row + (BATCH_ROWS - self.rows));
            let mut text_bytes = 0;
            for (index, column) in self.columns.iter_mut().enumerate() {
                for row in row..end {
                    let cell = cell(row, index);
                    if let JsonCell::Str(text) | JsonCell::Raw(text) = cell {
                        text_bytes += text.len();
                    }
                    column.append(cell);
                }
            }
            self.text += text_bytes;
            self.rows += end - row;
            row = end;
            if self.rows >= BATCH_ROWS || self.text >= BATCH_TEXT {
                self.end_batch()?;
            }
        }
        Ok(())
    }

    /// Adds `rows` rows at once of which most cells are missing: `cells` gives the others as row,
    /// column and cell, those of a column in the order of their rows.
    ///
    /// The cost is that of the cells that are there, however many columns there are.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Protocol`] when Arrow refuses a full batch.
    pub fn append_cells<'a>(
        &mut self,
        rows: usize,
        cells: impl IntoIterator<Item = (usize, usize, JsonCell<'a>)>,
    ) -> Result<()> {
        for (row, column, cell) in cells {
            let Some(column) = self.columns.get_mut(column) else {
                continue;
            };
            if let JsonCell::Str(text) | JsonCell::Raw(text) = cell {
                self.text += text.len();
            }
            self.touched += usize::from(column.len() == 0);
            column.pad(self.rows + row);
            column.append(cell);
        }
        self.rows += rows;
        let spent = self.touched.saturating_mul(self.rows);
        if self.rows >= BATCH_ROWS || self.text >= BATCH_TEXT || spent >= BATCH_CELLS {
            self.end_batch()?;
        }
        Ok(())
    }

    /// Moves the rows of `other`, which has the same columns, behind those that are here, with
    /// what was lost in them; `other` is empty afterwards.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Protocol`] when Arrow refuses a batch.
    pub fn absorb(&mut self, other: &mut Self) -> Result<()> {
        self.end_batch()?;
        other.end_batch()?;
        self.done += std::mem::take(&mut other.done);
        self.cells += std::mem::take(&mut other.cells);
        self.batches.append(&mut other.batches);
        for (column, theirs) in self.columns.iter_mut().zip(&mut other.columns) {
            column.misfits += std::mem::take(&mut theirs.misfits);
            column.outside += std::mem::take(&mut theirs.outside);
            column.finer += std::mem::take(&mut theirs.finer);
        }
        Ok(())
    }

    /// Makes a batch of the rows that are in none yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Protocol`] when Arrow refuses it.
    pub fn end_batch(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut nothing: HashMap<&DataType, ArrayRef> = HashMap::new();
        let mut arrays = Vec::with_capacity(self.columns.len());
        for (column, field) in self.columns.iter_mut().zip(self.schema.fields()) {
            if column.len() == 0 {
                // Columns without a value share one array.
                let data_type = field.data_type();
                let nothing = nothing.entry(data_type);
                let nothing = nothing.or_insert_with(|| new_null_array(data_type, self.rows));
                arrays.push(Arc::clone(nothing));
                continue;
            }
            column.pad(self.rows);
            self.cells += self.rows;
            arrays.push(column.finish());
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)
            .map_err(|error| {
                Error::new(ErrorKind::Protocol, "the rows make no batch").with_source(error)
            })?;
        self.batches.push(batch);
        self.done += self.rows;
        (self.rows, self.text, self.touched) = (0, 0, 0);
        Ok(())
    }

    /// Takes out the batches that are full; what is lost in them is told at the end.
    pub fn take_batches(&mut self) -> Vec<RecordBatch> {
        std::mem::take(&mut self.batches)
    }

    /// Every batch that has not been taken out, and what was lost on the way.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Protocol`] when Arrow refuses the last batch.
    pub fn finish(mut self) -> Result<(SchemaRef, Vec<RecordBatch>, Vec<Warning>)> {
        self.end_batch()?;
        let warnings = self
            .columns
            .iter_mut()
            .flat_map(ColumnBuilder::take_warnings)
            .collect();
        Ok((self.schema, self.batches, warnings))
    }
}
