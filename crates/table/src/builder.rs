//! From what JSON gives to typed columns, tolerant of how the service spells its values.

use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, BooleanBuilder, DurationNanosecondBuilder, Float64Builder, Int32Builder,
    Int64Builder, RecordBatch, RecordBatchOptions, StringBuilder, TimestampNanosecondBuilder,
};
use arrow::datatypes::{Schema, SchemaRef};
use defender_core::{Error, ErrorKind, Result};

use crate::{ColumnType, DatetimeMode, Warning, WarningKind, ticks};

/// One value as JSON gives it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum JsonCell<'a> {
    /// `null`, or no such key.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A signed integer.
    I64(i64),
    /// An unsigned integer.
    U64(u64),
    /// Any other number.
    F64(f64),
    /// A number as it is written; nothing of it is lost.
    Number(&'a str),
    /// A string, without its quotes and escapes.
    Str(&'a str),
    /// An object or an array: valid JSON text.
    Raw(&'a str),
}

/// Collects the values of one column.
///
/// The service spells values in more than one way, and this takes all of them: numbers as text,
/// bools as 0 and 1, `{}` for null in every column but a dynamic one, `NaN` and `Infinity` as text,
/// `""` for a missing number, date or bool. Any value fits a string column. What fits nothing is
/// null and counted: [`take_warnings`](Self::take_warnings) says how many.
#[derive(Debug)]
pub struct ColumnBuilder {
    name: String,
    column_type: ColumnType,
    /// Whether strings are kept as they come.
    verbatim: bool,
    values: Values,
    misfits: u64,
    outside: u64,
}

#[derive(Debug)]
enum Values {
    Bool(BooleanBuilder),
    Int(Int32Builder),
    Long(Int64Builder),
    Real(Float64Builder),
    DateTime(TimestampNanosecondBuilder),
    TimeSpan(DurationNanosecondBuilder),
    Text(StringBuilder),
}

/// Why a value is null although something was there.
enum Lost {
    Misfit,
    Outside,
}

impl ColumnBuilder {
    /// A builder of a column of this type.
    pub fn new(name: impl Into<String>, column_type: ColumnType, datetimes: DatetimeMode) -> Self {
        let values = match column_type {
            ColumnType::Bool => Values::Bool(BooleanBuilder::new()),
            ColumnType::Int => Values::Int(Int32Builder::new()),
            ColumnType::Long => Values::Long(Int64Builder::new()),
            ColumnType::Real => Values::Real(Float64Builder::new()),
            ColumnType::DateTime if datetimes == DatetimeMode::Timestamp => {
                Values::DateTime(TimestampNanosecondBuilder::new().with_timezone("UTC"))
            }
            ColumnType::TimeSpan => Values::TimeSpan(DurationNanosecondBuilder::new()),
            _ => Values::Text(StringBuilder::new()),
        };
        Self {
            name: name.into(),
            column_type,
            verbatim: matches!(column_type, ColumnType::String | ColumnType::Guid),
            values,
            misfits: 0,
            outside: 0,
        }
    }

    /// The type of the column.
    pub fn column_type(&self) -> ColumnType {
        self.column_type
    }

    /// Adds one value.
    #[inline]
    pub fn append(&mut self, cell: JsonCell<'_>) {
        // What nearly every cell is; the rest goes the long way, to the same end.
        match (&mut self.values, cell) {
            (Values::Text(builder), JsonCell::Str(text)) if self.verbatim => {
                builder.append_value(text);
            }
            (Values::Long(builder), JsonCell::Number(text)) => match text.parse() {
                Ok(value) => builder.append_value(value),
                Err(_) => self.append_any(cell),
            },
            (Values::DateTime(builder), JsonCell::Str(text)) => {
                let value = ticks::parse_common_datetime(text).and_then(ticks::to_unix_nanoseconds);
                match value {
                    Some(value) => builder.append_value(value),
                    None => self.append_any(cell),
                }
            }
            _ => self.append_any(cell),
        }
    }

    fn append_any(&mut self, cell: JsonCell<'_>) {
        if self.is_null(cell) {
            return self.append_null();
        }
        match self.append_value(cell) {
            Ok(()) => {}
            Err(Lost::Misfit) => {
                self.misfits += 1;
                self.append_null();
            }
            Err(Lost::Outside) => {
                self.outside += 1;
                self.append_null();
            }
        }
    }

    /// Adds a missing value.
    pub fn append_null(&mut self) {
        match &mut self.values {
            Values::Bool(builder) => builder.append_null(),
            Values::Int(builder) => builder.append_null(),
            Values::Long(builder) => builder.append_null(),
            Values::Real(builder) => builder.append_null(),
            Values::DateTime(builder) => builder.append_null(),
            Values::TimeSpan(builder) => builder.append_null(),
            Values::Text(builder) => builder.append_null(),
        }
    }

    fn is_null(&self, cell: JsonCell<'_>) -> bool {
        match cell {
            JsonCell::Null => true,
            JsonCell::Raw(text) => self.column_type != ColumnType::Dynamic && is_empty_object(text),
            JsonCell::Str(text) => {
                text.is_empty()
                    && !matches!(
                        self.column_type,
                        ColumnType::String | ColumnType::Dynamic | ColumnType::Guid
                    )
            }
            _ => false,
        }
    }

    fn append_value(&mut self, cell: JsonCell<'_>) -> Result<(), Lost> {
        match &mut self.values {
            Values::Bool(builder) => builder.append_value(bool_of(cell).ok_or(Lost::Misfit)?),
            Values::Int(builder) => {
                let value = long_of(cell).and_then(|value| i32::try_from(value).ok());
                builder.append_value(value.ok_or(Lost::Misfit)?);
            }
            Values::Long(builder) => builder.append_value(long_of(cell).ok_or(Lost::Misfit)?),
            Values::Real(builder) => builder.append_value(real_of(cell).ok_or(Lost::Misfit)?),
            Values::DateTime(builder) => {
                let ticks = datetime_of(cell).ok_or(Lost::Misfit)?;
                builder.append_value(ticks::to_unix_nanoseconds(ticks).ok_or(Lost::Outside)?);
            }
            Values::TimeSpan(builder) => {
                let JsonCell::Str(text) = cell else {
                    return Err(Lost::Misfit);
                };
                let ticks = ticks::parse_timespan(text).ok_or(Lost::Misfit)?;
                builder.append_value(ticks::timespan_to_nanoseconds(ticks).ok_or(Lost::Outside)?);
            }
            Values::Text(builder) => append_text(builder, self.column_type, cell)?,
        }
        Ok(())
    }

    /// The values so far as an array; the builder begins anew, its counts go on.
    pub fn finish(&mut self) -> ArrayRef {
        match &mut self.values {
            Values::Bool(builder) => Arc::new(builder.finish()),
            Values::Int(builder) => Arc::new(builder.finish()),
            Values::Long(builder) => Arc::new(builder.finish()),
            Values::Real(builder) => Arc::new(builder.finish()),
            Values::DateTime(builder) => Arc::new(builder.finish()),
            Values::TimeSpan(builder) => Arc::new(builder.finish()),
            Values::Text(builder) => {
                let array = builder.finish();
                // The next batch is most likely as large: growing by doubling would copy it
                // several times and leave up to half of its memory unused.
                let bytes = array.value_data().len();
                *builder = StringBuilder::with_capacity(array.len(), bytes + bytes / 16);
                Arc::new(array)
            }
        }
    }

    /// What was lost so far; the counts begin anew.
    pub fn take_warnings(&mut self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut warn = |kind, count: u64, what: String| {
            if count > 0 {
                let values = if count == 1 { "value" } else { "values" };
                let message = format!("{count} {values} of column {} {what}", self.name);
                warnings.push(Warning::of_values(kind, &self.name, count, message));
            }
        };
        let were = |count| if count == 1 { "was" } else { "were" };
        let misfits = std::mem::take(&mut self.misfits);
        warn(
            WarningKind::Value,
            misfits,
            format!("{} not {} and became null", were(misfits), self.column_type),
        );
        let outside = std::mem::take(&mut self.outside);
        let range = if self.column_type == ColumnType::TimeSpan {
            "beyond 292 years"
        } else {
            "outside the years 1677 to 2262"
        };
        warn(
            WarningKind::Range,
            outside,
            format!("{} {range} and became null", were(outside)),
        );
        warnings
    }
}

fn append_text(
    builder: &mut StringBuilder,
    column_type: ColumnType,
    cell: JsonCell<'_>,
) -> Result<(), Lost> {
    match (column_type, cell) {
        (ColumnType::Dynamic, JsonCell::Str(text)) => {
            builder.append_value(serde_json::Value::from(text).to_string());
        }
        (ColumnType::DateTime, cell) => {
            let ticks = datetime_of(cell).ok_or(Lost::Misfit)?;
            builder.append_value(ticks::format_datetime(ticks));
        }
        (ColumnType::Decimal, JsonCell::Str(text)) if !is_decimal(text) => {
            return Err(Lost::Misfit);
        }
        (ColumnType::Decimal, JsonCell::Bool(_) | JsonCell::Raw(_)) => return Err(Lost::Misfit),
        (_, JsonCell::Str(text) | JsonCell::Number(text) | JsonCell::Raw(text)) => {
            builder.append_value(text);
        }
        (_, JsonCell::Bool(value)) => builder.append_value(if value { "true" } else { "false" }),
        (_, JsonCell::I64(value)) => builder.append_value(value.to_string()),
        (_, JsonCell::U64(value)) => builder.append_value(value.to_string()),
        (_, JsonCell::F64(value)) => {
            builder.append_value(serde_json::Value::from(value).to_string());
        }
        (_, JsonCell::Null) => builder.append_null(),
    }
    Ok(())
}

fn bool_of(cell: JsonCell<'_>) -> Option<bool> {
    match cell {
        JsonCell::Bool(value) => Some(value),
        JsonCell::Str(text) if text.eq_ignore_ascii_case("true") => Some(true),
        JsonCell::Str(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => match long_of(cell)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        },
    }
}

fn long_of(cell: JsonCell<'_>) -> Option<i64> {
    match cell {
        JsonCell::I64(value) => Some(value),
        JsonCell::U64(value) => i64::try_from(value).ok(),
        JsonCell::F64(value) => whole(value),
        JsonCell::Bool(value) => Some(value.into()),
        JsonCell::Number(text) => long_from(text),
        JsonCell::Str(text) => long_from(text.trim()),
        JsonCell::Raw(_) | JsonCell::Null => None,
    }
}

fn long_from(text: &str) -> Option<i64> {
    text.parse().ok().or_else(|| {
        // Digits alone that did not fit are too large, and a double would only round them.
        text.contains(['.', 'e', 'E'])
            .then(|| text.parse().ok().and_then(whole))
            .flatten()
    })
}

/// A double that is an integer, as long as it is exact.
fn whole(value: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    (value.fract() == 0.0 && value.abs() <= EXACT).then_some(value as i64)
}

fn real_of(cell: JsonCell<'_>) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a real column holds doubles")]
    match cell {
        JsonCell::F64(value) => Some(value),
        JsonCell::I64(value) => Some(value as f64),
        JsonCell::U64(value) => Some(value as f64),
        JsonCell::Bool(value) => Some(f64::from(u8::from(value))),
        JsonCell::Number(text) | JsonCell::Str(text) => text.trim().parse().ok(),
        JsonCell::Raw(_) | JsonCell::Null => None,
    }
}

fn datetime_of(cell: JsonCell<'_>) -> Option<i64> {
    match cell {
        JsonCell::Str(text) => ticks::parse_datetime(text),
        _ => None,
    }
}

fn is_empty_object(text: &str) -> bool {
    text.trim_ascii()
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .is_some_and(|inside| inside.trim_ascii().is_empty())
}

/// A sign, digits with at most one point, and an exponent.
fn is_decimal(text: &str) -> bool {
    let text = text.trim_ascii();
    text.bytes().any(|byte| byte.is_ascii_digit())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
        && text.parse::<f64>().is_ok()
}

/// Collects rows into batches of one schema.
#[derive(Debug)]
pub struct TableBuilder {
    schema: SchemaRef,
    columns: Vec<ColumnBuilder>,
    rows: usize,
    text: usize,
    done: usize,
    batches: Vec<RecordBatch>,
}

/// Rows in a batch: large enough for vectors, small enough to be handed on early.
const BATCH_ROWS: usize = 8192;
/// Text in a batch: Arrow's offsets end at two gigabytes, in one column.
const BATCH_TEXT: usize = 64 << 20;

impl TableBuilder {
    /// A builder of the named columns.
    pub fn new(columns: &[(String, ColumnType)], datetimes: DatetimeMode) -> Self {
        let fields: Vec<_> = columns
            .iter()
            .map(|(name, column_type)| column_type.field_in(name, datetimes))
            .collect();
        Self {
            schema: Arc::new(Schema::new(fields)),
            columns: columns
                .iter()
                .map(|(name, column_type)| ColumnBuilder::new(name, *column_type, datetimes))
                .collect(),
            rows: 0,
            text: 0,
            done: 0,
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
        self.batches.append(&mut other.batches);
        for (column, theirs) in self.columns.iter_mut().zip(&mut other.columns) {
            column.misfits += std::mem::take(&mut theirs.misfits);
            column.outside += std::mem::take(&mut theirs.outside);
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
        let arrays = self.columns.iter_mut().map(ColumnBuilder::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)
            .map_err(|error| {
                Error::new(ErrorKind::Protocol, "the rows make no batch").with_source(error)
            })?;
        self.batches.push(batch);
        self.done += self.rows;
        (self.rows, self.text) = (0, 0);
        Ok(())
    }

    /// Every batch, and what was lost on the way.
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

#[cfg(test)]
mod tests;
