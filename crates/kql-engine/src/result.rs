//! The answer of a query.

use arrow::record_batch::RecordBatch;
use kql_semantics::ScalarType;

use crate::Value;

/// A column of an answer, named as KQL names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultColumn {
    /// The name; unique within an answer.
    pub name: String,
    /// The type of every value in it that is not null.
    pub ty: ScalarType,
}

/// Every row of an answer.
///
/// `batches` hold one column per entry of `columns`, in that order, as the engine has them inside:
/// datetimes and timespans as ticks, dynamic as its binary encoding. [`ResultSet::rows`] gives
/// values.
#[derive(Debug, Clone)]
pub struct ResultSet {
    /// The columns, in order.
    pub columns: Vec<ResultColumn>,
    /// Whether [`Options::max_rows`](crate::Options::max_rows) cut rows off.
    pub truncated: bool,
    /// What the query asked `render` to draw, if it did.
    pub visualization: Option<String>,
    pub(crate) batches: Vec<RecordBatch>,
}

impl ResultSet {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows in order, each with one value per column.
    pub fn rows(&self) -> impl Iterator<Item = Vec<Value>> + '_ {
        self.batches.iter().flat_map(move |batch| {
            (0..batch.num_rows()).map(move |row| {
                self.columns
                    .iter()
                    .zip(batch.columns())
                    .map(|(column, array)| crate::column::value_at(array, column.ty, row))
                    .collect()
            })
        })
    }
}
