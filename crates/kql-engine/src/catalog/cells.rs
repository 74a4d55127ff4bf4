//! Cells of Arrow columns, one at a time: the types that take a look at each value.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Date64Array, DurationMicrosecondArray,
    DurationMillisecondArray, DurationNanosecondArray, DurationSecondArray, Time32MillisecondArray,
    Time32SecondArray, Time64MicrosecondArray, Time64NanosecondArray, TimestampMicrosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, DecimalType,
    Float64Type, Int64Type, TimeUnit,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::Value as Json;

use super::fit;
use crate::datum::Datum;
use crate::decimal::Decimal;
use crate::error::Foreign;
use crate::{EngineError, dynamic};
use kql_syntax::ticks::{self, TICKS_PER_DAY, TICKS_PER_MILLISECOND, TICKS_PER_SECOND, UNIX_EPOCH};

/// Gives the value of a row; null where it is none that KQL has.
pub(super) type RowReader = Box<dyn Fn(usize) -> Datum<'static>>;

/// Datetime from `value` units of `ticks` ticks since 1970; out of range is null.
fn moment(value: i64, ticks: i64) -> Datum<'static> {
    value
        .checked_mul(ticks)
        .and_then(|since| since.checked_add(UNIX_EPOCH))
        .and_then(ticks::in_range)
        .map_or(Datum::Null, Datum::DateTime)
}

/// Bytes as Defender writes hashes; 16 of them convert to a GUID.
fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |at: u8| char::from(DIGITS[usize::from(at & 15)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(*byte)])
        .collect()
}

fn span(value: i64, ticks: i64) -> Datum<'static> {
    value
        .checked_mul(ticks)
        .map_or(Datum::Null, Datum::TimeSpan)
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "an arm beside those that may fail"
)]
fn decimals<T: DecimalType>(array: &ArrayRef) -> Result<RowReader, EngineError> {
    let typed = array.as_primitive::<T>().clone();
    Ok(Box::new(move |row| {
        let written = typed.value_as_string(row);
        // Of a wide type, zeros behind the point alone may be more digits than there is room for.
        let short = match written.split_once('.') {
            Some(_) => written.trim_end_matches('0'),
            None => &written,
        };
        Decimal::parse(short).map_or(Datum::Null, Datum::Decimal)
    }))
}

/// Reads the values of a column.
///
/// Bytes of any length are text where they are UTF-8, as engines that know no other text write
/// them. Bytes of one length are written in hexadecimal, and 16 of them may be a UUID.
pub(super) fn reader(array: &ArrayRef) -> Result<RowReader, EngineError> {
    macro_rules! read {
        ($array:ty, $convert:expr) => {{
            let typed = array
                .as_any()
                .downcast_ref::<$array>()
                .ok_or_else(|| EngineError::runtime("is not of its Arrow type"))?
                .clone();
            let convert = $convert;
            Ok(Box::new(move |row| convert(typed.value(row))))
        }};
    }
    match array.data_type() {
        DataType::Null => Ok(Box::new(|_| Datum::Null)),
        DataType::Boolean => {
            let typed = array.as_boolean().clone();
            Ok(Box::new(move |row| Datum::Bool(typed.value(row))))
        }
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32 => {
            let typed = cast(array, &DataType::Int64)
                .ours()?
                .as_primitive::<Int64Type>()
                .clone();
            Ok(Box::new(move |row| Datum::Long(typed.value(row))))
        }
        DataType::UInt64 => read!(arrow::array::UInt64Array, |value: u64| {
            i64::try_from(value).map_or(Datum::Null, Datum::Long)
        }),
        DataType::Float16 | DataType::Float32 | DataType::Float64 => {
            let typed = cast(array, &DataType::Float64)
                .ours()?
                .as_primitive::<Float64Type>()
                .clone();
            Ok(Box::new(move |row| Datum::Real(typed.value(row))))
        }
        DataType::Decimal32(..) => decimals::<Decimal32Type>(array),
        DataType::Decimal64(..) => decimals::<Decimal64Type>(array),
        DataType::Decimal128(..) => decimals::<Decimal128Type>(array),
        DataType::Decimal256(..) => decimals::<Decimal256Type>(array),
        DataType::Timestamp(TimeUnit::Second, _) => {
            read!(TimestampSecondArray, |value| moment(
                value,
                TICKS_PER_SECOND
            ))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            read!(TimestampMillisecondArray, |value| moment(
                value,
                TICKS_PER_MILLISECOND
            ))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            read!(TimestampMicrosecondArray, |value| moment(value, 10))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            read!(TimestampNanosecondArray, |value: i64| moment(
                value.div_euclid(100),
                1
            ))
        }
        DataType::Date32 => read!(Date32Array, |value| moment(i64::from(value), TICKS_PER_DAY)),
        DataType::Date64 => {
            read!(Date64Array, |value| moment(value, TICKS_PER_MILLISECOND))
        }
        DataType::Duration(TimeUnit::Second) => {
            read!(DurationSecondArray, |value| span(value, TICKS_PER_SECOND))
        }
        DataType::Duration(TimeUnit::Millisecond) => {
            read!(DurationMillisecondArray, |value| span(
                value,
                TICKS_PER_MILLISECOND
            ))
        }
        DataType::Duration(TimeUnit::Microsecond) => {
            read!(DurationMicrosecondArray, |value| span(value, 10))
        }
        DataType::Duration(TimeUnit::Nanosecond) => {
            read!(DurationNanosecondArray, |value: i64| span(
                value.div_euclid(100),
                1
            ))
        }
        DataType::Time32(TimeUnit::Second) => {
            read!(Time32SecondArray, |value| span(
                i64::from(value),
                TICKS_PER_SECOND
            ))
        }
        DataType::Time32(_) => {
            read!(Time32MillisecondArray, |value| span(
                i64::from(value),
                TICKS_PER_MILLISECOND
            ))
        }
        DataType::Time64(TimeUnit::Microsecond) => {
            read!(Time64MicrosecondArray, |value| span(value, 10))
        }
        DataType::Time64(_) => {
            read!(Time64NanosecondArray, |value: i64| span(
                value.div_euclid(100),
                1
            ))
        }
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
            let typed = cast(array, &DataType::LargeBinary)
                .ours()?
                .as_binary::<i64>()
                .clone();
            Ok(Box::new(move |row| {
                std::str::from_utf8(typed.value(row))
                    .map_or(Datum::Null, |text| Datum::text(text.to_owned()))
            }))
        }
        DataType::FixedSizeBinary(_) => {
            let typed = array.as_fixed_size_binary().clone();
            Ok(Box::new(move |row| {
                Datum::text(hexadecimal(typed.value(row)))
            }))
        }
        DataType::Interval(_) => {
            let array = Arc::clone(array);
            Ok(Box::new(move |row| {
                // Otherwise what is wrong would be the text.
                let options = FormatOptions::new().with_display_error(false);
                let shown = ArrayFormatter::try_new(&array, &options)
                    .and_then(|formatter| formatter.value(row).try_to_string());
                shown.map_or(Datum::Null, Datum::text)
            }))
        }
        DataType::Dictionary(_, values) => reader(&cast(array, values).ours()?),
        DataType::RunEndEncoded(_, values) => reader(&cast(array, values.data_type()).ours()?),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let typed = cast(array, &DataType::LargeUtf8)
                .ours()?
                .as_string::<i64>()
                .clone();
            Ok(Box::new(move |row| {
                Datum::text(typed.value(row).to_owned())
            }))
        }
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::ListView(_)
        | DataType::LargeListView(_)
        | DataType::FixedSizeList(..)
        | DataType::Struct(_)
        | DataType::Union(..)
        | DataType::Map(..) => {
            let array = Arc::clone(array);
            Ok(Box::new(move |row| {
                nested(&array, row).map_or(Datum::Null, |json| {
                    Datum::dynamic(dynamic::from_json(&json))
                })
            }))
        }
    }
}

/// One value without the encoding of its column.
fn plain(array: &ArrayRef, row: usize, values: &DataType) -> Result<ArrayRef, String> {
    cast(&array.slice(row, 1), values).map_err(|error| error.to_string())
}

/// A nested Arrow value as JSON; otherwise what is wrong with a value inside.
pub(super) fn nested(array: &ArrayRef, row: usize) -> Result<Json, String> {
    if array.is_null(row) {
        return Ok(Json::Null);
    }
    let list = |items: ArrayRef| -> Result<Json, String> {
        Ok(Json::Array(
            (0..items.len())
                .map(|at| nested(&items, at))
                .collect::<Result<Vec<_>, _>>()?,
        ))
    };
    // A dynamic value has a key once.
    let put = |entries: &mut serde_json::Map<String, Json>, key: String, value: Json| {
        if entries.contains_key(&key) {
            return Err(format!("the key {} twice", fit::in_short(&key)));
        }
        entries.insert(key, value);
        Ok(())
    };
    match array.data_type() {
        DataType::List(_) => list(array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => list(array.as_list::<i64>().value(row)),
        DataType::ListView(_) => list(array.as_list_view::<i32>().value(row)),
        DataType::LargeListView(_) => list(array.as_list_view::<i64>().value(row)),
        DataType::FixedSizeList(..) => list(array.as_fixed_size_list().value(row)),
        DataType::Union(..) => nested(&array.as_union().value(row), 0),
        // Whether a value is null says what they refer to.
        DataType::Dictionary(_, values) => nested(&plain(array, row, values)?, 0),
        DataType::RunEndEncoded(_, values) => nested(&plain(array, row, values.data_type())?, 0),
        DataType::Struct(fields) => {
            let columns = array.as_struct();
            let mut entries = serde_json::Map::new();
            for (at, field) in fields.iter().enumerate() {
                let value = nested(columns.column(at), row)?;
                put(&mut entries, field.name().clone(), value)?;
            }
            Ok(Json::Object(entries))
        }
        DataType::Map(..) => {
            let pairs = array.as_map().value(row);
            let read = reader(pairs.column(0)).map_err(|error| error.to_string())?;
            let mut entries = serde_json::Map::new();
            for at in 0..pairs.len() {
                let key = read(at);
                if key.is_null() {
                    return Err("a key that is no text in UTF-8".to_owned());
                }
                let key = key.display().into_owned();
                put(&mut entries, key, nested(pairs.column(1), at)?)?;
            }
            Ok(Json::Object(entries))
        }
        data => {
            let one = array.slice(row, 1);
            let value = reader(&one).map_err(|error| error.to_string())?(0);
            if value.is_null() && *data != DataType::Null {
                return Err(format!("a value of {data} inside that cannot be read"));
            }
            Ok(dynamic::to_json(&value.to_dynamic()))
        }
    }
}
