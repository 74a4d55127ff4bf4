//! Columns of Parquet that the reader gives as bytes, since it knows no type that holds them.
//!
//! Intervals have months, days and milliseconds, of which the reader keeps a part only; writers of
//! Arrow have whole numbers of 128 bits, which Parquet itself has not.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal256Array, FixedSizeBinaryArray, IntervalMonthDayNanoArray,
};
use arrow::datatypes::{Field, FieldRef, IntervalMonthDayNano, Schema, i256};
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use parquet::basic::ConvertedType;
use parquet::errors::ParquetError;
use parquet::file::metadata::{FileMetaData, ParquetMetaData};
use parquet::schema::types::{SchemaDescriptor, Type};

use super::files::Source;
use super::hints;

/// What the bytes of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Interval,
    /// A whole number of 128 bits, with a sign or without.
    Wide {
        signed: bool,
    },
}

/// The columns of a file whose bytes mean something else.
pub(super) type Meanings = HashMap<String, Meaning>;

/// The same file, whose columns of intervals are columns of bytes.
pub(super) fn without_intervals(
    source: &Source,
    metadata: ParquetMetaData,
) -> Result<(ParquetMetaData, Meanings), ParquetError> {
    let mut meanings = Meanings::new();
    // Writers of Arrow tell which part their intervals have.
    if hints::entry(&metadata, hints::SCHEMA).is_some() {
        return Ok((metadata, meanings));
    }
    let file = metadata.file_metadata();
    let root = file.schema_descr().root_schema();
    let mut fields = Vec::new();
    for field in root.get_fields() {
        if field.is_group() {
            if holds_interval(field) {
                source.losses.note(
                    &format!("column {}", field.name()),
                    "has intervals inside of others, whose months are not read",
                );
            }
        } else if is_interval(field) && !is_repeated(field) {
            meanings.insert(field.name().to_owned(), Meaning::Interval);
            fields.push(Arc::new(as_bytes(field)?));
            continue;
        }
        fields.push(Arc::clone(field));
    }
    if meanings.is_empty() {
        return Ok((metadata, meanings));
    }
    let root = Type::group_type_builder(root.name())
        .with_fields(fields)
        .build()?;
    let file = FileMetaData::new(
        file.version(),
        file.num_rows(),
        file.created_by().map(str::to_owned),
        file.key_value_metadata().cloned(),
        Arc::new(SchemaDescriptor::new(Arc::new(root))),
        file.column_orders().cloned(),
    );
    let groups = metadata.row_groups().to_vec();
    Ok((ParquetMetaData::new(file, groups), meanings))
}

fn is_interval(field: &Type) -> bool {
    field.get_basic_info().converted_type() == ConvertedType::INTERVAL
}

fn is_repeated(field: &Type) -> bool {
    let info = field.get_basic_info();
    info.has_repetition() && info.repetition() == parquet::basic::Repetition::REPEATED
}

fn holds_interval(field: &Type) -> bool {
    if field.is_group() {
        field.get_fields().iter().any(|one| holds_interval(one))
    } else {
        is_interval(field)
    }
}

fn as_bytes(field: &Type) -> Result<Type, ParquetError> {
    let info = field.get_basic_info();
    let id = info.has_id().then(|| info.id());
    Type::primitive_type_builder(field.name(), field.get_physical_type())
        .with_repetition(info.repetition())
        .with_length(12)
        .with_id(id)
        .build()
}

/// A batch whose bytes are what they mean.
pub(super) fn read(batch: RecordBatch, meanings: &Meanings) -> Result<RecordBatch, ArrowError> {
    if meanings.is_empty() {
        return Ok(batch);
    }
    let schema = batch.schema();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let columns = schema.fields().iter().zip(batch.columns());
    let (fields, arrays): (Vec<FieldRef>, Vec<ArrayRef>) = columns
        .map(|(field, array)| {
            let bytes = array.as_fixed_size_binary_opt();
            let Some((meaning, bytes)) = meanings.get(field.name()).zip(bytes) else {
                return Ok((Arc::clone(field), Arc::clone(array)));
            };
            let meant = column(bytes, *meaning)?;
            let field = Field::clone(field).with_data_type(meant.data_type().clone());
            Ok((Arc::new(field), meant))
        })
        .collect::<Result<Vec<_>, ArrowError>>()?
        .into_iter()
        .unzip();
    let schema = Schema::new_with_metadata(fields, schema.metadata().clone());
    RecordBatch::try_new_with_options(Arc::new(schema), arrays, &options)
}

fn column(bytes: &FixedSizeBinaryArray, meaning: Meaning) -> Result<ArrayRef, ArrowError> {
    let values = bytes.iter();
    Ok(match meaning {
        Meaning::Interval => {
            let intervals = values.map(|value| value.and_then(interval));
            Arc::new(intervals.collect::<IntervalMonthDayNanoArray>())
        }
        Meaning::Wide { signed } => {
            let numbers = values.map(|value| {
                let value: [u8; 16] = value?.try_into().ok()?;
                Some(if signed {
                    i256::from_i128(i128::from_le_bytes(value))
                } else {
                    i256::from_parts(u128::from_le_bytes(value), 0)
                })
            });
            let numbers: Decimal256Array = numbers.collect();
            Arc::new(numbers.with_precision_and_scale(76, 0)?)
        }
    })
}

/// Months, days and milliseconds, of four bytes each.
fn interval(value: &[u8]) -> Option<IntervalMonthDayNano> {
    let part = |at: usize| <[u8; 4]>::try_from(value.get(at..at + 4)?).ok();
    let (months, days) = (i32::from_le_bytes(part(0)?), i32::from_le_bytes(part(4)?));
    let milliseconds = u32::from_le_bytes(part(8)?);
    let nanoseconds = i64::from(milliseconds) * 1_000_000;
    Some(IntervalMonthDayNano::new(months, days, nanoseconds))
}
