//! From what JSON gives to typed columns, tolerant of how the service spells its values.

mod batches;

use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayBuilder as _, ArrayRef, BooleanBuilder, DurationNanosecondBuilder,
    Float64Builder, Int32Builder, Int64Builder, StringBuilder, TimestampNanosecondBuilder,
};

pub use self::batches::TableBuilder;
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
/// bools as 0 and 1 (and no number as a bool), `{}` for null in every column but a dynamic one, `NaN` and `Infinity` as text,
/// `""` for a missing number, date or bool. Any value fits a string column. What fits nothing is
/// null and counted: [`take_warnings`](Self::take_warnings) says how many, and how many times lose
/// digits that no tick holds.
#[derive(Debug)]
pub struct ColumnBuilder {
    name: String,
    column_type: ColumnType,
    /// Whether strings are kept as they come.
    verbatim: bool,
    values: Values,
    /// Whether room for the next batch is kept; one of very many columns keeps none.
    roomy: bool,
    misfits: u64,
    outside: u64,
    /// How many times have digits that no tick holds.
    finer: u64,
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
        Self::of(name.into(), column_type, values, true)
    }

    /// The same for one of very many columns: it takes memory with its first value.
    fn lean(name: &str, column_type: ColumnType, datetimes: DatetimeMode) -> Self {
        let values = match column_type {
            ColumnType::Bool => Values::Bool(BooleanBuilder::with_capacity(0)),
            ColumnType::Int => Values::Int(Int32Builder::with_capacity(0)),
            ColumnType::Long => Values::Long(Int64Builder::with_capacity(0)),
            ColumnType::Real => Values::Real(Float64Builder::with_capacity(0)),
            ColumnType::DateTime if datetimes == DatetimeMode::Timestamp => {
                let builder = TimestampNanosecondBuilder::with_capacity(0);
                Values::DateTime(builder.with_timezone("UTC"))
            }
            ColumnType::TimeSpan => Values::TimeSpan(DurationNanosecondBuilder::with_capacity(0)),
            _ => Values::Text(StringBuilder::with_capacity(0, 0)),
        };
        Self::of(name.to_owned(), column_type, values, false)
    }

    fn of(name: String, column_type: ColumnType, values: Values, roomy: bool) -> Self {
        Self {
            name,
            column_type,
            verbatim: matches!(column_type, ColumnType::String | ColumnType::Guid),
            values,
            roomy,
            misfits: 0,
            outside: 0,
            finer: 0,
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
            Ok(()) => self.finer += u64::from(self.is_finer(cell)),
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

    /// Adds missing values until there are `rows`.
    fn pad(&mut self, rows: usize) {
        let missing = rows.saturating_sub(self.len());
        if missing == 0 {
            return;
        }
        match &mut self.values {
            Values::Bool(builder) => builder.append_nulls(missing),
            Values::Int(builder) => builder.append_nulls(missing),
            Values::Long(builder) => builder.append_nulls(missing),
            Values::Real(builder) => builder.append_nulls(missing),
            Values::DateTime(builder) => builder.append_nulls(missing),
            Values::TimeSpan(builder) => builder.append_nulls(missing),
            Values::Text(builder) => builder.append_nulls(missing),
        }
    }

    /// The number of values so far.
    fn len(&self) -> usize {
        match &self.values {
            Values::Bool(builder) => builder.len(),
            Values::Int(builder) => builder.len(),
            Values::Long(builder) => builder.len(),
            Values::Real(builder) => builder.len(),
            Values::DateTime(builder) => builder.len(),
            Values::TimeSpan(builder) => builder.len(),
            Values::Text(builder) => builder.len(),
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

    fn is_finer(&self, cell: JsonCell<'_>) -> bool {
        let is_time = matches!(
            self.column_type,
            ColumnType::DateTime | ColumnType::TimeSpan
        );
        matches!(cell, JsonCell::Str(text) if is_time && ticks::is_finer(text))
    }

    fn append_value(&mut self, cell: JsonCell<'_>) -> Result<(), Lost> {
        match &mut self.values {
            Values::Bool(builder) => builder.append_value(bool_of(cell).ok_or(Lost::Misfit)?),
            Values::Int(builder) => {
                let value = long_of(cell).and_then(|value| i32::try_from(value).ok());
                builder.append_value(value.ok_or(Lost::Misfit)?);
            }
            Values::Long(builder) => builder.append_value(long_of(cell).ok_or(Lost::Misfit)?),
            Values::Real(builder) => {
                let value = real_of(cell).ok_or(Lost::Misfit)?;
                if value.is_infinite() && has_digits(cell) {
                    return Err(Lost::Outside);
                }
                builder.append_value(value);
            }
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
                if !self.roomy {
                    return Arc::new(array);
                }
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
        let range = match self.column_type {
            ColumnType::TimeSpan => "beyond 292 years",
            ColumnType::Real => "beyond 1.8e308",
            _ => "outside the years 1677 to 2262",
        };
        warn(
            WarningKind::Range,
            outside,
            format!("{} {range} and became null", were(outside)),
        );
        let finer = std::mem::take(&mut self.finer);
        let had = if finer == 1 { "has" } else { "have" };
        warn(
            WarningKind::Precision,
            finer,
            format!("{had} digits below 100 ns, which are not kept"),
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
        JsonCell::Number(text) => long_from(text),
        JsonCell::Str(text) => long_from(text.trim()),
        JsonCell::Bool(_) | JsonCell::Raw(_) | JsonCell::Null => None,
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
        JsonCell::Number(text) | JsonCell::Str(text) => text.trim().parse().ok(),
        JsonCell::Bool(_) | JsonCell::Raw(_) | JsonCell::Null => None,
    }
}

/// Whether it is written as a number, and not as `Infinity`.
fn has_digits(cell: JsonCell<'_>) -> bool {
    match cell {
        JsonCell::Number(_) => true,
        JsonCell::Str(text) => text.bytes().any(|byte| byte.is_ascii_digit()),
        _ => false,
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

#[cfg(test)]
mod tests;
