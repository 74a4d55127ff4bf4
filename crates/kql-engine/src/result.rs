//! The answer of a query.

use arrow::record_batch::RecordBatch;
use defender_table::{
    ColumnType, Completeness, DatetimeMode, JsonCell, Summary, Table, TableBuilder,
};
use kql_semantics::ScalarType;

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
        let columns: Vec<(String, ColumnType)> = self
            .columns
            .iter()
            .map(|column| (column.name.clone(), column_type(column.ty)))
            .collect();
        let mut builder = TableBuilder::new(&columns, datetimes);
        for row in self.rows() {
            let texts: Vec<Option<String>> = row.iter().map(cell_text).collect();
            let cells = row
                .iter()
                .zip(&texts)
                .map(|(value, text)| cell(value, text.as_deref()));
            builder
                .append_row(cells)
                .map_err(|error| EngineError::runtime(error.to_string()))?;
        }
        let (schema, batches, warnings) = builder
            .finish()
            .map_err(|error| EngineError::runtime(error.to_string()))?;
        let summary = Summary {
            rows: self.len(),
            completeness: if self.truncated {
                Completeness::Incomplete {
                    reason: "the limit of rows was reached".to_owned(),
                }
            } else {
                Completeness::Complete
            },
            warnings,
            ..Summary::default()
        };
        Table::new(schema, batches, summary)
            .map_err(|error| EngineError::runtime(error.to_string()))
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
        Value::DateTime(ticks) => Some(text::datetime(*ticks)),
        Value::TimeSpan(ticks) => Some(text::timespan(*ticks)),
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
