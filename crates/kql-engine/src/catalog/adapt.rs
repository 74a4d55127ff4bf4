//! Ordinary Arrow columns become the engine's own.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, Int64Array, LargeBinaryBuilder, LargeStringArray,
};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Field, Schema, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType,
};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use arrow::util::display::{ArrayFormatter, FormatOptions, array_value_to_string};
use kql_semantics::ScalarType;
use kql_syntax::ticks::{self, TICKS_PER_MILLISECOND, UNIX_EPOCH};

use super::files::Source;
use super::{cells, fit, losses};
use crate::column::{self, Builder};
use crate::convert;
use crate::datum::Datum;
use crate::error::Foreign;
use crate::{EngineError, dynamic};

/// Where a field says of what extension type it is.
const EXTENSION_TYPE_NAME_KEY: &str = "ARROW:extension:name";

/// Where columns come from.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Origin<'a> {
    /// The file, which tells what a text of a time means; otherwise they were handed over.
    pub(super) source: Option<&'a Source>,
    /// The row that errors count from, where that is known.
    pub(super) first: Option<usize>,
}

impl Origin<'_> {
    fn place(self, row: usize) -> String {
        self.first.map_or("it".to_owned(), |first| {
            format!("row {}", first.saturating_add(row).saturating_add(1))
        })
    }
}

/// A batch with exactly the `wanted` columns, as the engine holds them.
pub(super) fn batch(
    wanted: &[(String, ScalarType)],
    batch: &RecordBatch,
    origin: Origin<'_>,
) -> Result<RecordBatch, EngineError> {
    let schema = batch.schema();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (at, field) in schema.fields().iter().enumerate() {
        places.entry(field.name()).or_insert(at);
    }
    let arrays = wanted
        .iter()
        .map(|(name, ty)| match places.get(name.as_str()) {
            Some(at) => {
                known(schema.field(*at))?;
                column(batch.column(*at), name, *ty, origin)
            }
            None => Ok(column::repeated(&Datum::Null, *ty, batch.num_rows())),
        })
        .collect::<Result<Vec<_>, EngineError>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let schema = column::schema(wanted.iter().cloned());
    RecordBatch::try_new_with_options(schema, arrays, &options).ours()
}

/// Fails for values that are numbers in Arrow and something else to whoever wrote them.
fn known(field: &Field) -> Result<(), EngineError> {
    let extension = field.metadata().get(EXTENSION_TYPE_NAME_KEY);
    if extension.is_none_or(|name| name != PERIOD) {
        return Ok(());
    }
    Err(EngineError::data(format!(
        "column {} has periods of pandas, which are numbers without the date they count from; \
         write it as times (dt.to_timestamp()) or as text (astype(str))",
        field.name()
    )))
}

/// What pandas calls its periods: months, quarters, weeks, counted from 1970.
const PERIOD: &str = "pandas.period";

/// The columns of an Arrow schema.
pub(super) fn columns(schema: &Schema) -> Vec<(String, ScalarType)> {
    let mut seen = HashSet::new();
    let fields = schema.fields().iter();
    fields
        .filter(|field| seen.insert(field.name()))
        .map(|field| (field.name().clone(), type_of(field)))
        .collect()
}

fn type_of(field: &Field) -> ScalarType {
    if let Some(ty) = field
        .metadata()
        .get("kql.type")
        .and_then(|name| name.parse().ok())
    {
        return ty;
    }
    let extension = field.metadata().get(EXTENSION_TYPE_NAME_KEY);
    if extension.is_some_and(|name| name == UUID) && is_uuid(field.data_type()) {
        return ScalarType::Guid;
    }
    of_data(field.data_type())
}

/// What the extension type of UUIDs is called.
///
/// Source: <https://arrow.apache.org/docs/format/CanonicalExtensions.html#uuid>
pub(super) const UUID: &str = "arrow.uuid";

/// Whether values can be UUIDs as Arrow and Parquet keep them.
pub(super) fn is_uuid(data: &DataType) -> bool {
    *data == DataType::FixedSizeBinary(16)
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
        DataType::RunEndEncoded(_, values) => of_data(values.data_type()),
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::ListView(_)
        | DataType::LargeListView(_)
        | DataType::FixedSizeList(..)
        | DataType::Struct(_)
        | DataType::Union(..)
        | DataType::Map(..) => ScalarType::Dynamic,
        // Text, bytes, intervals; and columns without any value.
        _ => ScalarType::String,
    }
}

/// One column of an origin.
fn column(
    array: &ArrayRef,
    name: &str,
    ty: ScalarType,
    origin: Origin<'_>,
) -> Result<ArrayRef, EngineError> {
    if ty == ScalarType::Dynamic
        && let Some(text) = texts(array)?
    {
        return Ok(documents(text.as_string::<i64>(), name, origin));
    }
    let misfit = match (adapt(array, ty), origin.source) {
        (Ok(done), _) => return Ok(done),
        (Err(_), Some(source)) if ty == ScalarType::DateTime && texts(array)?.is_some() => {
            return moments(array, name, source, origin);
        }
        (Err(misfit), _) => misfit,
    };
    Err(EngineError::data(match misfit {
        Misfit::Column(error) => format!("column {name} {error}"),
        Misfit::Inside { row, what } => {
            format!("{} has in column {name} {what}", origin.place(row))
        }
        Misfit::Value { row, shown } => {
            format!("{} {}", origin.place(row), fit::misfit(name, &shown, ty))
        }
    }))
}

/// Times as text, of which a value alone does not tell the order of day and month.
fn moments(
    array: &ArrayRef,
    name: &str,
    source: &Source,
    origin: Origin<'_>,
) -> Result<ArrayRef, EngineError> {
    let ty = ScalarType::DateTime;
    let mut builder = Builder::new(ty, array.len());
    let text = texts(array)?.unwrap_or_else(|| Arc::clone(array));
    for (row, written) in text.as_string::<i64>().iter().enumerate() {
        let value = match written.map(|written| (written, fit::cell(written, ty))) {
            None => Datum::Null,
            Some((_, Some(value))) => value,
            Some((written, None)) => source
                .otherwise(name, written, ty)
                .map_err(|what| EngineError::data(format!("{} {what}", origin.place(row))))?,
        };
        builder.push(&value);
    }
    Ok(builder.finish())
}

/// A column of text in the form that is read here; `None` for another.
pub(super) fn texts(array: &ArrayRef) -> Result<Option<ArrayRef>, EngineError> {
    let array = match array.data_type() {
        DataType::Dictionary(_, values) if may_be_text(values) => &cast(array, values).ours()?,
        DataType::RunEndEncoded(_, values) if may_be_text(values.data_type()) => {
            &cast(array, values.data_type()).ours()?
        }
        data if may_be_text(data) => array,
        _ => return Ok(None),
    };
    // Bytes that are no text become nulls.
    let text = cast(array, &DataType::LargeUtf8).ours()?;
    Ok((text.null_count() == array.null_count()).then_some(text))
}

/// Whether the values of a column are text, or are where their bytes are.
pub(super) fn may_be_text(data: &DataType) -> bool {
    is_text(data)
        || matches!(
            data,
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView
        )
}

/// Why a column is not one of its type.
#[derive(Debug)]
pub(super) enum Misfit {
    /// A value that is none of its type.
    Value { row: usize, shown: String },
    /// A value that holds others, and what is wrong with one of them.
    Inside { row: usize, what: String },
    /// Something about all of it.
    Column(EngineError),
}

impl From<EngineError> for Misfit {
    fn from(error: EngineError) -> Self {
        Self::Column(error)
    }
}

/// One column as the engine holds values of `ty`.
pub(super) fn adapt(array: &ArrayRef, ty: ScalarType) -> Result<ArrayRef, Misfit> {
    let rows = array.len();
    match array.data_type() {
        DataType::Dictionary(_, values) => return adapt(&cast(array, values).ours()?, ty),
        DataType::RunEndEncoded(_, values) => {
            return adapt(&cast(array, values.data_type()).ours()?, ty);
        }
        _ => {}
    }
    if let (ScalarType::Bool, DataType::Boolean) = (ty, array.data_type()) {
        return Ok(Arc::clone(array));
    }
    if ty == ScalarType::String && is_text(array.data_type()) {
        let text = cast(array, &DataType::LargeUtf8).ours()?;
        return Ok(without_nulls(text));
    }
    let misfit = |row: usize| Misfit::Value {
        row,
        shown: shown(array, row),
    };
    if let DataType::FixedSizeBinary(length) = array.data_type() {
        // Their digits in hexadecimal are neither a number nor a time.
        let fits = match ty {
            ScalarType::String | ScalarType::Dynamic => true,
            ScalarType::Guid => *length == 16,
            _ => false,
        };
        if let (false, Some(row)) = (fits, (0..rows).find(|row| !array.is_null(*row))) {
            return Err(misfit(row));
        }
    }
    if let Some(done) = wholesale(array, ty) {
        if done.null_count() == array.null_count() {
            return Ok(done);
        }
        let lost = (0..rows).find(|row| done.is_null(*row) && !array.is_null(*row));
        return lost.map_or(Ok(done), |row| Err(misfit(row)));
    }
    let mut builder = Builder::new(ty, rows);
    if array.data_type().is_nested() {
        for row in 0..rows {
            let value = cells::nested(array, row).map_err(|what| Misfit::Inside { row, what })?;
            let value = Datum::dynamic(dynamic::from_json(&value));
            let value = if array.is_null(row) {
                Datum::Null
            } else {
                value
            };
            let value = fit::fitted(&value, ty).ok_or_else(|| misfit(row))?;
            builder.push(&value);
        }
        return Ok(builder.finish());
    }
    let read = cells::reader(array)?;
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
            (Datum::String(text), ScalarType::Dynamic) if may_be_text(array.data_type()) => {
                convert::parse_json(text)
            }
            _ => fit::fitted(&value, ty).ok_or_else(|| misfit(row))?,
        };
        builder.push(&value);
    }
    Ok(builder.finish())
}

/// A value as a message shows it; what no date can show is the number that the file has.
fn shown(array: &ArrayRef, row: usize) -> String {
    let options = FormatOptions::new().with_display_error(false);
    let shown = ArrayFormatter::try_new(array, &options)
        .and_then(|formatter| formatter.value(row).try_to_string());
    shown.unwrap_or_else(|_| {
        let number = cast(&array.slice(row, 1), &DataType::Int64)
            .and_then(|number| array_value_to_string(&number, 0));
        format!("{} as {}", number.unwrap_or_default(), array.data_type())
    })
}

/// Text as `parse_json` reads it.
fn documents(text: &LargeStringArray, name: &str, origin: Origin<'_>) -> ArrayRef {
    let mut builder = LargeBinaryBuilder::with_capacity(text.len(), text.value_data().len());
    for (row, one) in text.iter().enumerate() {
        match one.filter(|one| !one.is_empty()) {
            None => builder.append_null(),
            Some(one) => dynamic::parse_noting(one, |bytes, doubt| {
                if let (Some(source), Some(lost)) = (origin.source, losses::of(one, doubt)) {
                    let place = format!("column {name} of {}", origin.place(row));
                    source.losses.note(&place, &lost);
                }
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
                .and_then(ticks::in_range)
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

#[cfg(test)]
mod tests;
