//! The answer of a query.

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use defender_table::{
    ColumnType, Completeness, DatetimeMode, JsonCell, Summary, Table, TableBuilder,
};
use kql_semantics::ScalarType;
use kql_syntax::ticks;

use crate::{EngineError, Value, text};

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

    /// The answer as a table in ordinary Arrow types, datetimes as timestamps.
    ///
    /// A datetime outside 1677 to 2262 is null there and counted in a warning; an answer that
    /// [`Options::max_rows`](crate::Options::max_rows) cut is marked as incomplete.
    ///
    /// # Errors
    ///
    /// [`EngineError::Runtime`] when the rows do not fit into Arrow's columns.
    pub fn into_table(self) -> Result<Table, EngineError> {
        self.into_table_with(DatetimeMode::Timestamp)
    }

    /// [`ResultSet::into_table`], with a choice for datetimes.
    ///
    /// # Errors
    ///
    /// As [`ResultSet::into_table`].
    pub fn into_table_with(self, datetimes: DatetimeMode) -> Result<Table, EngineError> {
        let mut rows = TableRows::new(&self.columns, datetimes);
        let mut batches = rows.push(&self)?;
        let schema = rows.schema().clone();
        let (last, summary) = rows.finish(self.truncated)?;
        batches.extend(last);
        Table::new(schema, batches, summary).map_err(runtime)
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

/// Turns the pieces of an answer into ordinary Arrow types.
#[derive(Debug)]
pub struct TableRows {
    builder: TableBuilder,
}

impl TableRows {
    /// For an answer with these columns, its datetimes kept that way.
    pub fn new(columns: &[ResultColumn], datetimes: DatetimeMode) -> Self {
        let columns: Vec<(String, ColumnType)> = columns
            .iter()
            .map(|column| (column.name.clone(), column_type(column.ty)))
            .collect();
        Self {
            builder: TableBuilder::new(&columns, datetimes),
        }
    }

    /// The schema of every batch.
    pub fn schema(&self) -> &SchemaRef {
        self.builder.schema()
    }

    /// Takes a piece; gives the batches that are full with it.
    ///
    /// # Errors
    ///
    /// [`EngineError::Runtime`] when the rows do not fit into Arrow's columns.
    pub fn push(&mut self, piece: &ResultSet) -> Result<Vec<RecordBatch>, EngineError> {
        for row in piece.rows() {
            let texts: Vec<Option<String>> = row.iter().map(cell_text).collect();
            let cells = row
                .iter()
                .zip(&texts)
                .map(|(value, text)| cell(value, text.as_deref()));
            self.builder.append_row(cells).map_err(runtime)?;
        }
        Ok(self.builder.take_batches())
    }

    /// The rest of the rows, and what there is to say about all of them; one that is `truncated`
    /// is marked as incomplete.
    ///
    /// # Errors
    ///
    /// As [`TableRows::push`].
    pub fn finish(self, truncated: bool) -> Result<(Vec<RecordBatch>, Summary), EngineError> {
        let rows = self.builder.rows();
        let (_, batches, warnings) = self.builder.finish().map_err(runtime)?;
        let completeness = if truncated {
            Completeness::Incomplete {
                reason: "the limit of rows was reached".to_owned(),
            }
        } else {
            Completeness::Complete
        };
        let summary = Summary {
            rows,
            completeness,
            warnings,
            ..Summary::default()
        };
        Ok((batches, summary))
    }
}

fn runtime(error: impl std::fmt::Display) -> EngineError {
    EngineError::runtime(error.to_string())
}

fn column_type(ty: ScalarType) -> ColumnType {
    match ty {
        ScalarType::Bool => ColumnType::Bool,
        ScalarType::Int => ColumnType::Int,
        ScalarType::Long => ColumnType::Long,
        ScalarType::Real => ColumnType::Real,
        ScalarType::Decimal => ColumnType::Decimal,
        ScalarType::DateTime => ColumnType::DateTime,
        ScalarType::TimeSpan => ColumnType::TimeSpan,
        ScalarType::Guid => ColumnType::Guid,
        ScalarType::String => ColumnType::String,
        ScalarType::Dynamic => ColumnType::Dynamic,
    }
}

/// The text of a value whose cell borrows it.
fn cell_text(value: &Value) -> Option<String> {
    match value {
        Value::DateTime(value) => Some(ticks::datetime_text(*value)),
        Value::TimeSpan(value) => Some(ticks::timespan_text(*value)),
        Value::Dynamic(json) if json.is_array() || json.is_object() => Some(json.to_string()),
        _ => None,
    }
}

fn cell<'a>(value: &'a Value, text: Option<&'a str>) -> JsonCell<'a> {
    use serde_json::Value as Json;
    match (value, text) {
        (Value::Dynamic(_), Some(text)) => JsonCell::Raw(text),
        (_, Some(text)) => JsonCell::Str(text),
        (Value::Bool(value), None) => JsonCell::Bool(*value),
        (Value::Int(value), None) => JsonCell::I64(i64::from(*value)),
        (Value::Long(value), None) => JsonCell::I64(*value),
        (Value::Real(value), None) if value.is_finite() => JsonCell::F64(*value),
        (Value::Real(value), None) => JsonCell::Str(text::real_in_json(*value)),
        (Value::Decimal(value) | Value::Guid(value) | Value::String(value), None) => {
            JsonCell::Str(value)
        }
        (Value::Dynamic(Json::String(value)), None) => JsonCell::Str(value),
        (Value::Dynamic(Json::Bool(value)), None) => JsonCell::Bool(*value),
        (Value::Dynamic(Json::Number(value)), None) => match value.as_i64() {
            Some(whole) => JsonCell::I64(whole),
            None => JsonCell::F64(value.as_f64().unwrap_or(f64::NAN)),
        },
        _ => JsonCell::Null,
    }
}
