//! Ordinary Arrow columns become the engine's own.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, Date32Array, Date64Array, Decimal128Array,
    DurationMicrosecondArray, DurationMillisecondArray, DurationNanosecondArray,
    DurationSecondArray, Int64Array, LargeBinaryBuilder, LargeStringArray,
    TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
    TimestampSecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Field, Float64Type, Int64Type, Schema, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType,
};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use arrow::util::display::array_value_to_string;
use kql_semantics::ScalarType;
use serde_json::Value as Json;

use super::fit;
use crate::calendar::{self, TICKS_PER_DAY, TICKS_PER_MILLISECOND, TICKS_PER_SECOND, UNIX_EPOCH};
use crate::column::{self, Builder};
use crate::convert;
use crate::datum::Datum;
use crate::decimal::Decimal;
use crate::{EngineError, dynamic};

/// A batch with exactly the `wanted` columns, as the engine holds them.
pub(super) fn batch(
    wanted: &[(String, ScalarType)],
    batch: &RecordBatch,
) -> Result<RecordBatch, EngineError> {
    let arrays = wanted
        .iter()
        .map(|(name, ty)| match batch.column_by_name(name) {
            Some(array) => adapt(array, *ty)
                .map_err(|error| EngineError::runtime(format!("column {name} {error}"))),
            None => Ok(column::repeated(&Datum::Null, *ty, batch.num_rows())),
        })
        .collect::<Result<Vec<_>, EngineError>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let schema = column::schema(wanted.iter().cloned());
    Ok(RecordBatch::try_new_with_options(schema, arrays, &options)?)
}

/// The columns of an Arrow schema.
pub(super) fn columns(schema: &Schema) -> Vec<(String, ScalarType)> {
    let mut columns: Vec<(String, ScalarType)> = Vec::new();
    for field in schema.fields() {
        if !columns.iter().any(|(name, _)| name == field.name()) {
            columns.push((field.name().clone(), type_of(field)));
        }
    }
    columns
}

fn type_of(field: &Field) -> ScalarType {
    if let Some(ty) = field
        .metadata()
        .get("kql.type")
        .and_then(|name| name.parse().ok())
    {
        return ty;
    }
    of_data(field.data_type())
}

fn of_data(data: &DataType) -> ScalarType {
    match data {
        DataType::Boolean => ScalarType::Bool,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => {
            ScalarType::Int
        }
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => ScalarType::Long,
        DataType::Float16 | DataType::Float32 | DataType::Float64 => ScalarType::Real,
        DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => ScalarType::Decimal,
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => ScalarType::DateTime,
        DataType::Duration(_) | DataType::Time32(_) | DataType::Time64(_) => ScalarType::TimeSpan,
        DataType::Dictionary(_, values) => of_data(values),
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::FixedSizeList(..)
        | DataType::Struct(_)
        | DataType::Map(..) => ScalarType::Dynamic,
        _ => ScalarType::String,
    }
}

/// One column as the engine holds values of `ty`.
pub(super) fn adapt(array: &ArrayRef, ty: ScalarType) -> Result<ArrayRef, EngineError> {
    let rows = array.len();
    if let DataType::Dictionary(_, values) = array.data_type() {
        return adapt(&cast(array, values)?, ty);
    }
    if let (ScalarType::Bool, DataType::Boolean) = (ty, array.data_type()) {
        return Ok(Arc::clone(array));
    }
    if ty == ScalarType::String && is_text(array.data_type()) {
        let text = cast(array, &DataType::LargeUtf8)?;
        return Ok(without_nulls(text));
    }
    if ty == ScalarType::Dynamic && is_text(array.data_type()) {
        let text = cast(array, &DataType::LargeUtf8)?;
        return Ok(documents(text.as_string::<i64>()));
    }
    let misfit = |row: usize| {
        let shown = array_value_to_string(array, row).unwrap_or_default();
        let shown = fit::in_short(&shown);
        EngineError::runtime(format!("holds {shown}, which is no {ty}"))
    };
    if let Some(done) = wholesale(array, ty) {
        if done.null_count() == array.null_count() {
            return Ok(done);
        }
        let lost = (0..rows).find(|row| done.is_null(*row) && !array.is_null(*row));
        return lost.map_or(Ok(done), |row| Err(misfit(row)));
    }
    let mut builder = Builder::new(ty, rows);
    let read = reader(array)?;
    for row in 0..rows {
        let value = if array.is_null(row) {
            Datum::Null
        } else {
            read(row)
        };
        if value.is_null() && !array.is_null(row) && *array.data_type() != DataType::Null {
            return Err(misfit(row));
        }
        let value = match (&value, ty) {
            (Datum::String(text), ScalarType::Dynamic) => convert::parse_json(text),
            _ => fit::fitted(&value, ty).ok_or_else(|| misfit(row))?,
        };
        builder.push(&value);
    }
    Ok(builder.finish())
}

/// Text as `parse_json` reads it.
fn documents(text: &LargeStringArray) -> ArrayRef {
    let mut builder = LargeBinaryBuilder::with_capacity(text.len(), text.value_data().len());
    for one in text {
        match one.filter(|one| !one.is_empty()) {
            None => builder.append_null(),
            Some(one) => dynamic::parse_to(one, |bytes| {
                builder.append_option((!dynamic::view_is_null(bytes)).then_some(bytes));
            }),
        }
    }
    Arc::new(builder.finish())
}

/// The common conversions, without a look at each value's type.
fn wholesale(array: &ArrayRef, ty: ScalarType) -> Option<ArrayRef> {
    fn moments<T>(array: &ArrayRef, convert: impl Fn(i64) -> Option<i64>) -> ArrayRef
    where
        T: ArrowPrimitiveType<Native = i64>,
    {
        let found: Int64Array = array.as_primitive::<T>().unary_opt(|value| {
            convert(value)
                .and_then(|since| since.checked_add(UNIX_EPOCH))
                .and_then(calendar::in_range)
        });
        Arc::new(found)
    }
    Some(match (ty, array.data_type()) {
        (ScalarType::Bool, DataType::Boolean)
        | (ScalarType::Int, DataType::Int32)
        | (ScalarType::Long, DataType::Int64)
        | (ScalarType::Real, DataType::Float64) => Arc::clone(array),
        (ScalarType::DateTime, DataType::Timestamp(TimeUnit::Millisecond, _)) => {
            moments::<TimestampMillisecondType>(array, |value| {
                value.checked_mul(TICKS_PER_MILLISECOND)
            })
        }
        (ScalarType::DateTime, DataType::Timestamp(TimeUnit::Microsecond, _)) => {
            moments::<TimestampMicrosecondType>(array, |value| value.checked_mul(10))
        }
        (ScalarType::DateTime, DataType::Timestamp(TimeUnit::Nanosecond, _)) => {
            moments::<TimestampNanosecondType>(array, |value| Some(value.div_euclid(100)))
        }
        _ => return None,
    })
}

fn is_text(data: &DataType) -> bool {
    matches!(
        data,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

fn without_nulls(text: ArrayRef) -> ArrayRef {
    if text.null_count() == 0 {
        return text;
    }
    let strings = text.as_string::<i64>();
    Arc::new(LargeStringArray::from_iter_values(
        strings.iter().map(Option::unwrap_or_default),
    ))
}

type RowReader = Box<dyn Fn(usize) -> Datum<'static>>;

/// Datetime from `value` units of `ticks` ticks since 1970; out of range is null.
fn moment(value: i64, ticks: i64) -> Datum<'static> {
    value
        .checked_mul(ticks)
        .and_then(|since| since.checked_add(UNIX_EPOCH))
        .and_then(calendar::in_range)
        .map_or(Datum::Null, Datum::DateTime)
}

fn span(value: i64, ticks: i64) -> Datum<'static> {
    value
        .checked_mul(ticks)
        .map_or(Datum::Null, Datum::TimeSpan)
}

fn reader(array: &ArrayRef) -> Result<RowReader, EngineError> {
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
            let typed = cast(array, &DataType::Int64)?
                .as_primitive::<Int64Type>()
                .clone();
            Ok(Box::new(move |row| Datum::Long(typed.value(row))))
        }
        DataType::UInt64 => read!(arrow::array::UInt64Array, |value: u64| {
            i64::try_from(value).map_or(Datum::Null, Datum::Long)
        }),
        DataType::Float16 | DataType::Float32 | DataType::Float64 => {
            let typed = cast(array, &DataType::Float64)?
                .as_primitive::<Float64Type>()
                .clone();
            Ok(Box::new(move |row| Datum::Real(typed.value(row))))
        }
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale) => {
            let wide = cast(array, &DataType::Decimal128(38, *scale))?;
            let typed = wide
                .as_any()
                .downcast_ref::<Decimal128Array>()
                .ok_or_else(|| EngineError::runtime("is not of its Arrow type"))?
                .clone();
            Ok(Box::new(move |row| {
                Decimal::parse(&typed.value_as_string(row)).map_or(Datum::Null, Datum::Decimal)
            }))
        }
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
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let typed = cast(array, &DataType::LargeUtf8)?
                .as_string::<i64>()
                .clone();
            Ok(Box::new(move |row| {
                Datum::text(typed.value(row).to_owned())
            }))
        }
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::FixedSizeList(..)
        | DataType::Struct(_)
        | DataType::Map(..) => {
            let array = Arc::clone(array);
            Ok(Box::new(move |row| {
                Datum::dynamic(dynamic::from_json(
                    &nested(&array, row).unwrap_or(Json::Null),
                ))
            }))
        }
        other => Err(EngineError::runtime(format!(
            "has the Arrow type {other}, which cannot be read"
        ))),
    }
}

/// A nested Arrow value as JSON.
fn nested(array: &ArrayRef, row: usize) -> Result<Json, EngineError> {
    if array.is_null(row) {
        return Ok(Json::Null);
    }
    let list = |items: ArrayRef| -> Result<Json, EngineError> {
        Ok(Json::Array(
            (0..items.len())
                .map(|at| nested(&items, at))
                .collect::<Result<Vec<_>, _>>()?,
        ))
    };
    match array.data_type() {
        DataType::List(_) => list(array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => list(array.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => list(array.as_fixed_size_list().value(row)),
        DataType::Struct(fields) => {
            let columns = array.as_struct();
            let mut entries = serde_json::Map::new();
            for (at, field) in fields.iter().enumerate() {
                entries.insert(field.name().clone(), nested(columns.column(at), row)?);
            }
            Ok(Json::Object(entries))
        }
        DataType::Map(..) => {
            let pairs = array.as_map().value(row);
            let mut entries = serde_json::Map::new();
            for at in 0..pairs.len() {
                let key = reader(pairs.column(0))?(at).display().into_owned();
                entries.insert(key, nested(pairs.column(1), at)?);
            }
            Ok(Json::Object(entries))
        }
        _ => {
            let value = reader(array)?(row);
            Ok(dynamic::to_json(&value.to_dynamic()))
        }
    }
}
