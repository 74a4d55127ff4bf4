//! What Parquet itself does not say of a column, and its writer or its values do.
//!
//! Arrow writers add their schema, of which the reader knows not all types; and `INT96` is a time
//! whose nanoseconds no 64 bits hold for every year.

use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, TimeUnit};
use arrow::ipc::{self, root_as_message};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::Type;
use parquet::column::reader::ColumnReader;
use parquet::data_type::Int96;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::FileReader as _;
use parquet::file::serialized_reader::SerializedFileReader;

use super::files::{ROWS, Source};
use super::meant::{Meaning, Meanings};
use super::pages;
use crate::EngineError;

/// What Arrow writers call their schema.
pub(super) const SCHEMA: &str = "ARROW:schema";

/// The types of a file whose writer's schema has some that the reader does not know: those of
/// Parquet, with the durations that the writer tells.
pub(super) fn without_unknown(
    source: &Source,
    metadata: &Arc<ParquetMetaData>,
    meanings: &mut Meanings,
) -> Result<ArrowReaderMetadata, ParquetError> {
    let options = || ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let plain = ArrowReaderMetadata::try_new(Arc::clone(metadata), options())?;
    let encoded = entry(metadata, SCHEMA).unwrap_or_default();
    let message = STANDARD.decode(encoded).unwrap_or_default();
    let Some(told) = told(&message) else {
        source.losses.note(
            "the schema",
            "that the writer added cannot be read: durations may be numbers",
        );
        return Ok(plain);
    };
    let fields = plain.schema().fields().iter().map(|field| {
        let Some(told) = told.get(field.name().as_str()) else {
            return Arc::clone(field);
        };
        let mut wide = false;
        if *field.data_type() == DataType::FixedSizeBinary(16)
            && let Some(int) = told.type_as_int()
        {
            let signed = int.is_signed();
            meanings.insert(field.name().clone(), Meaning::Wide { signed });
            return Arc::clone(field);
        }
        let field = typed(field, *told, &mut wide);
        if wide {
            source.losses.note(
                &format!("column {}", field.name()),
                "has whole numbers of more than 64 bits inside of others, which are read as their bytes",
            );
        }
        field
    });
    let schema = Schema::new_with_metadata(
        fields.collect::<Vec<FieldRef>>(),
        plain.schema().metadata().clone(),
    );
    let options = options().with_schema(Arc::new(schema));
    ArrowReaderMetadata::try_new(Arc::clone(metadata), options)
}

/// The columns of a schema in a message of Arrow.
fn told(message: &[u8]) -> Option<HashMap<&str, ipc::Field<'_>>> {
    let message = match message {
        [0xff, 0xff, 0xff, 0xff, _, _, _, _, message @ ..] => message,
        message => message,
    };
    let fields = root_as_message(message)
        .ok()?
        .header_as_schema()?
        .fields()?;
    let named = fields
        .iter()
        .filter_map(|field| Some((field.name()?, field)));
    Some(named.collect())
}

/// A field with the durations that its writer tells; `wide` is set where that has integers of more
/// bits than Arrow knows.
fn typed(field: &FieldRef, told: ipc::Field<'_>, wide: &mut bool) -> FieldRef {
    *wide |= told.type_as_int().is_some_and(|int| int.bitWidth() > 64);
    let children = told.children();
    let mut inner = |at: usize, field: &FieldRef| match children {
        Some(children) if at < children.len() => typed(field, children.get(at), wide),
        _ => Arc::clone(field),
    };
    let data = match (field.data_type(), told.type_as_duration()) {
        (DataType::Int64, Some(duration)) => DataType::Duration(match duration.unit() {
            ipc::TimeUnit::SECOND => TimeUnit::Second,
            ipc::TimeUnit::MILLISECOND => TimeUnit::Millisecond,
            ipc::TimeUnit::MICROSECOND => TimeUnit::Microsecond,
            _ => TimeUnit::Nanosecond,
        }),
        (DataType::Struct(fields), _) => {
            let fields = fields.iter().enumerate();
            DataType::Struct(fields.map(|(at, field)| inner(at, field)).collect())
        }
        (DataType::List(item), _) => DataType::List(inner(0, item)),
        (DataType::LargeList(item), _) => DataType::LargeList(inner(0, item)),
        (DataType::FixedSizeList(item, size), _) => DataType::FixedSizeList(inner(0, item), *size),
        (DataType::Map(entries, sorted), _) => DataType::Map(inner(0, entries), *sorted),
        _ => return Arc::clone(field),
    };
    Arc::new(Field::clone(field).with_data_type(data))
}

pub(super) fn entry<'a>(metadata: &'a ParquetMetaData, key: &str) -> Option<&'a str> {
    let entries = metadata.file_metadata().key_value_metadata()?;
    let entry = entries.iter().find(|entry| entry.key == key)?;
    entry.value.as_deref()
}

/// The columns of times in `INT96`, with the leaf of each.
pub(super) fn old_times(metadata: &ParquetMetaData) -> HashMap<usize, usize> {
    let schema = metadata.file_metadata().schema_descr();
    (0..schema.num_columns())
        .filter(|leaf| schema.column(*leaf).physical_type() == Type::INT96)
        .map(|leaf| (schema.get_column_root_idx(leaf), leaf))
        .collect()
}

/// Whether a column of such times is read in microseconds, not in nanoseconds: a year beyond 2262
/// would silently be another one.
///
/// Spark has microseconds only. Of other writers the values tell.
pub(super) fn is_in_microseconds(
    source: &Source,
    metadata: &ParquetMetaData,
    leaf: usize,
) -> Result<bool, EngineError> {
    if entry(metadata, "org.apache.spark.version").is_some() {
        return Ok(true);
    }
    let failure = source.failure();
    let file = Arc::new(source.file()?);
    let groups: Vec<usize> = (0..metadata.num_row_groups()).collect();
    pages::check_pages(&file, metadata, &groups, |one| one == leaf)
        .map_err(|what| failure.whole(&what))?;
    let file = file.try_clone().map_err(|error| failure.whole(&error))?;
    let times = Times::read(file, leaf).map_err(|error| failure.whole(&error))?;
    if times.beyond && times.finer {
        let column = metadata.file_metadata().schema_descr().column(leaf);
        source.losses.note(
            &format!("column {}", column.name()),
            "has times outside the years 1677 to 2262, so that all are read to the microsecond",
        );
    }
    Ok(times.beyond)
}

/// What the times of a column need.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Times {
    /// Some are outside of what nanoseconds in 64 bits hold.
    beyond: bool,
    /// Some have digits below the microsecond.
    finer: bool,
}

impl Times {
    fn read(file: File, leaf: usize) -> Result<Self, ParquetError> {
        let reader = SerializedFileReader::new(file)?;
        let mut times = Self::default();
        for group in 0..reader.num_row_groups() {
            let group = reader.get_row_group(group)?;
            let ColumnReader::Int96ColumnReader(mut column) = group.get_column_reader(leaf)? else {
                continue;
            };
            let (mut values, mut depths, mut repeats) = (Vec::new(), Vec::new(), Vec::new());
            loop {
                values.clear();
                depths.clear();
                repeats.clear();
                let (records, ..) = column.read_records(
                    ROWS,
                    Some(&mut depths),
                    Some(&mut repeats),
                    &mut values,
                )?;
                if records == 0 {
                    break;
                }
                for value in &values {
                    times.see(value);
                }
            }
        }
        Ok(times)
    }

    fn see(&mut self, value: &Int96) {
        let micros = value.to_micros();
        self.beyond |= micros.checked_mul(1_000).is_none();
        // Of a wrapped number the last digits are still those of the difference.
        let nanos = value.to_nanos().wrapping_sub(micros.wrapping_mul(1_000));
        self.finer |= nanos >= 100;
    }
}

#[cfg(test)]
mod tests {
    use parquet::data_type::Int96;

    use super::Times;

    #[test]
    fn times_tell_what_they_need() {
        const EPOCH: u32 = 2_440_588;
        let of = |day: u32, nanos: u64| {
            let mut value = Int96::new();
            let (low, high) = (nanos & 0xffff_ffff, nanos >> 32);
            value.set_data(
                u32::try_from(low).unwrap(),
                u32::try_from(high).unwrap(),
                day,
            );
            let mut times = Times::default();
            times.see(&value);
            (times.beyond, times.finer)
        };
        assert_eq!(of(EPOCH, 0), (false, false));
        assert_eq!(of(EPOCH, 86_399_999_999_900), (false, true));
        assert_eq!(of(EPOCH + 1_000_000, 1_000), (true, false));
        assert_eq!(of(EPOCH - 200_000, 700), (true, true));
        assert_eq!(of(EPOCH, 99), (false, false));
    }
}
