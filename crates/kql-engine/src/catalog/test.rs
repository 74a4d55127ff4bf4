//! Filters of a query as a scan applies them: whole, on the columns they read.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use datafusion::logical_expr::Expr;
use kql_semantics::ScalarType;

use crate::EngineError;
use crate::error::Foreign;
use crate::expression::{self, Compiled, Rows};

/// A predicate over columns of the catalog.
#[derive(Clone)]
pub(super) struct Test {
    predicate: Arc<Compiled>,
    columns: Vec<(String, ScalarType)>,
}

impl Test {
    /// The predicate `filter` is; `column` knows a plan's columns in the catalog.
    pub(super) fn new(
        filter: &Expr,
        column: impl Fn(&str) -> Option<(String, ScalarType)>,
    ) -> Option<Self> {
        let (predicate, names) = expression::predicate(filter)?;
        let columns = names
            .iter()
            .map(|name| column(name))
            .collect::<Option<_>>()?;
        Some(Self { predicate, columns })
    }

    pub(super) fn columns(&self) -> &[(String, ScalarType)] {
        &self.columns
    }

    /// Which rows pass; unknown is no.
    pub(super) fn passed(
        &self,
        columns: &[ArrayRef],
        len: usize,
    ) -> Result<BooleanArray, EngineError> {
        Ok(self
            .predicate
            .array(Rows { columns, len })?
            .as_boolean()
            .clone())
    }

    /// The rows of `batch` that pass; its columns are called as in the catalog.
    pub(super) fn filtered(&self, batch: &RecordBatch) -> Result<RecordBatch, EngineError> {
        let columns = self
            .columns
            .iter()
            .map(|(name, _)| batch.column_by_name(name).cloned())
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| EngineError::runtime("a filter reads a column that is not there"))?;
        let passed = self.passed(&columns, batch.num_rows())?;
        if passed.null_count() == 0 && passed.true_count() == passed.len() {
            return Ok(batch.clone());
        }
        filter_record_batch(batch, &passed).ours()
    }
}
