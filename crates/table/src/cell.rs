//! One value of a column, whatever Arrow array it stands in.

mod nested;

use std::borrow::Cow;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float32Array, Float64Array, GenericStringArray,
    OffsetSizeTrait, StringViewArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use self::nested::Nested;
use crate::{ColumnType, ticks};

/// One value, by its KQL type.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    /// No value.
    Null,
    /// A bool.
    Bool(bool),
    /// An int or a long.
    Long(i64),
    /// A real.
    Real(f64),
    /// A decimal, as exact text.
    Decimal(Cow<'a, str>),
    /// A datetime in [`ticks`].
    DateTime(i64),
    /// A timespan in [`ticks`].
    TimeSpan(i64),
    /// A string or a guid.
    Text(Cow<'a, str>),
    /// A dynamic value, as JSON text; also a list, a struct, a map or a union of Arrow, and an
    /// unsigned number beyond the longs.
    Json(Cow<'a, str>),
}

impl Cell<'_> {
    /// Whether there is no value.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The same value, borrowed from nothing.
    pub fn into_owned(self) -> Cell<'static> {
        match self {
            Self::Null => Cell::Null,
            Self::Bool(value) => Cell::Bool(value),
            Self::Long(value) => Cell::Long(value),
            Self::Real(value) => Cell::Real(value),
            Self::DateTime(value) => Cell::DateTime(value),
            Self::TimeSpan(value) => Cell::TimeSpan(value),
            Self::Decimal(text) => Cell::Decimal(text.into_owned().into()),
            Self::Text(text) => Cell::Text(text.into_owned().into()),
            Self::Json(text) => Cell::Json(text.into_owned().into()),
        }
    }

    /// Appends the value as a person or a CSV reader wants it; nothing for null.
    ///
    /// Datetimes are ISO 8601, timespans `[d.]hh:mm:ss[.fffffff]`, reals the shortest text that
    /// reads back the same; a dynamic value is its JSON text, a dynamic string included.
    pub fn push_to(&self, text: &mut String) {
        match self {
            Self::Null => {}
            Self::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
            Self::Long(value) => push_long(text, *value),
            Self::Real(value) => push_real(text, *value),
            Self::DateTime(value) => ticks::push_datetime(text, *value),
            Self::TimeSpan(value) => ticks::push_timespan(text, *value),
            Self::Decimal(value) | Self::Text(value) | Self::Json(value) => text.push_str(value),
        }
    }
}

impl std::fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::new();
        self.push_to(&mut text);
        f.pad(&text)
    }
}

/// A number's digits; `write!` costs several times as much per cell.
fn push_long(text: &mut String, value: i64) {
    let mut digits = [b'0'; 20];
    let mut start = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        start -= 1;
        digits[start] = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        text.push('-');
    }
    text.push_str(std::str::from_utf8(&digits[start..]).unwrap_or_default());
}

/// A real as the service writes it: `NaN`, `Infinity`, otherwise a number with its point.
fn push_real(text: &mut String, value: f64) {
    use std::fmt::Write as _;
    let _ = if value.is_nan() {
        text.write_str("NaN")
    } else if value.is_infinite() {
        text.write_str(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        write!(text, "{value:?}")
    };
}

/// One column of one batch, ready to be read row by row.
#[derive(Debug)]
pub struct Column<'a> {
    column_type: ColumnType,
    values: Values<'a>,
}

#[derive(Debug)]
enum Values<'a> {
    Bool(&'a BooleanArray),
    Double(&'a Float64Array),
    Float(&'a Float32Array),
    Text(&'a GenericStringArray<i32>),
    LongText(&'a GenericStringArray<i64>),
    TextView(&'a StringViewArray),
    /// Every integer, and time as a number of `unit`s.
    Long(ArrayRef, TimeUnit),
    /// What holds other columns, and what is too large for a long.
    Nested(Nested<'a>),
    /// Nothing but nulls.
    Null,
    /// What only Arrow itself can spell.
    Other(&'a dyn Array),
}

impl<'a> Column<'a> {
    /// A reader of `array`, whose type is that of `field`.
    pub fn of(field: &Field, array: &'a dyn Array) -> Self {
        Self::typed(ColumnType::of(field), array)
    }

    fn typed(column_type: ColumnType, array: &'a dyn Array) -> Self {
        Self {
            column_type,
            values: Values::of(column_type, array),
        }
    }

    /// The type of the column.
    pub fn column_type(&self) -> ColumnType {
        self.column_type
    }

    /// The value at `row`.
    ///
    /// # Panics
    ///
    /// When there is no such row.
    pub fn cell(&self, row: usize) -> Cell<'_> {
        match &self.values {
            Values::Bool(array) if array.is_valid(row) => Cell::Bool(array.value(row)),
            Values::Double(array) if array.is_valid(row) => Cell::Real(array.value(row)),
            Values::Float(array) if array.is_valid(row) => Cell::Real(array.value(row).into()),
            Values::Text(array) if array.is_valid(row) => self.text(array.value(row).into()),
            Values::LongText(array) if array.is_valid(row) => self.text(array.value(row).into()),
            Values::TextView(array) if array.is_valid(row) => self.text(array.value(row).into()),
            Values::Long(array, unit) if array.is_valid(row) => {
                self.long(array.as_primitive::<Int64Type>().value(row), *unit)
            }
            Values::Nested(nested) => nested.cell(row),
            Values::Other(array) if array.is_valid(row) => {
                display(*array, row).map_or(Cell::Null, |text| self.text(text.into()))
            }
            _ => Cell::Null,
        }
    }

    fn text<'b>(&self, text: Cow<'b, str>) -> Cell<'b> {
        match self.column_type {
            ColumnType::Dynamic => Cell::Json(text),
            ColumnType::Decimal => Cell::Decimal(text),
            _ => Cell::Text(text),
        }
    }

    fn long(&self, value: i64, unit: TimeUnit) -> Cell<'_> {
        match self.column_type {
            ColumnType::DateTime => {
                let ticks = match unit {
                    TimeUnit::Nanosecond => Some(ticks::from_unix_nanoseconds(value)),
                    _ => {
                        to_ticks(value, unit).and_then(|ticks| ticks.checked_add(ticks::UNIX_EPOCH))
                    }
                };
                ticks
                    .filter(|ticks| (0..=ticks::MAX).contains(ticks))
                    .map_or(Cell::Null, Cell::DateTime)
            }
            ColumnType::TimeSpan => to_ticks(value, unit).map_or(Cell::Null, Cell::TimeSpan),
            _ => Cell::Long(value),
        }
    }
}

impl<'a> Values<'a> {
    fn of(column_type: ColumnType, array: &'a dyn Array) -> Self {
        let long = |unit, array: Option<ArrayRef>| array.map(|array| Self::Long(array, unit));
        let known = match array.data_type() {
            DataType::Boolean => Some(Self::Bool(array.as_boolean())),
            DataType::Float64 => Some(Self::Double(array.as_primitive())),
            DataType::Float32 => Some(Self::Float(array.as_primitive())),
            DataType::Utf8 => Some(Self::Text(string::<i32>(array))),
            DataType::LargeUtf8 => Some(Self::LongText(string::<i64>(array))),
            DataType::Utf8View => Some(Self::TextView(array.as_string_view())),
            DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32 => long(TimeUnit::Nanosecond, as_long(array)),
            DataType::Timestamp(unit, _)
            | DataType::Duration(unit)
            | DataType::Time32(unit)
            | DataType::Time64(unit) => long(*unit, as_long(array)),
            DataType::Date32 => cast(array, &DataType::Date64)
                .ok()
                .and_then(|days| long(TimeUnit::Millisecond, as_long(&days))),
            DataType::Date64 => long(TimeUnit::Millisecond, as_long(array)),
            DataType::Null => Some(Self::Null),
            _ => Nested::of(column_type, array).map(Self::Nested),
        };
        known.unwrap_or(Self::Other(array))
    }
}

fn string<O: OffsetSizeTrait>(array: &dyn Array) -> &GenericStringArray<O> {
    array.as_string::<O>()
}

fn as_long(array: &dyn Array) -> Option<ArrayRef> {
    cast(array, &DataType::Int64).ok()
}

fn to_ticks(value: i64, unit: TimeUnit) -> Option<i64> {
    match unit {
        TimeUnit::Second => value.checked_mul(ticks::PER_SECOND),
        TimeUnit::Millisecond => value.checked_mul(10_000),
        TimeUnit::Microsecond => value.checked_mul(10),
        TimeUnit::Nanosecond => Some(ticks::timespan_from_nanoseconds(value)),
    }
}

/// `None` where Arrow has no text for the value, such as a date beyond its calendar: what it says
/// instead is none of the value.
fn display(array: &dyn Array, row: usize) -> Option<String> {
    let options = FormatOptions::new().with_display_error(false);
    let formatter = ArrayFormatter::try_new(array, &options).ok()?;
    formatter.value(row).try_to_string().ok()
}

#[cfg(test)]
mod tests;
