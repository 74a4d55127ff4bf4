//! Parquet and Arrow IPC: only the columns a query reads are decoded, and of Parquet only the row
//! groups and rows that its conditions leave.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, TimeUnit};
use arrow::error::ArrowError;
use arrow::ipc::reader::{FileReader, StreamReader};
use arrow::record_batch::RecordBatch;
use kql_semantics::ScalarType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::arrow::arrow_reader::{
    ArrowPredicate, ArrowPredicateFn, ArrowReaderMetadata, ArrowReaderOptions,
    ParquetRecordBatchReaderBuilder, RowFilter,
};
use parquet::basic::Type;
use parquet::schema::types::SchemaDescriptor;

use super::condition::Condition;
use super::files::{Batches, ROWS, Source};
use super::test::Test;
use super::{adapt, folders};
use crate::EngineError;
use crate::column::Reader;

/// A share of fewer rows is not worth a start of its own.
const LEAST_ROWS: i64 = 65_536;

/// The most shares of one file.
const MOST_SHARES: i64 = 512;

pub(super) fn parquet_columns(source: &Source) -> Result<Vec<(String, ScalarType)>, EngineError> {
    let metadata = ArrowReaderMetadata::load(&source.file()?, ArrowReaderOptions::default())
        .map_err(|error| source.failure().whole(&error))?;
    Ok(adapt::columns(metadata.schema()))
}

/// The places of the wanted columns in a file.
fn places(schema: &Schema, wanted: &[(String, ScalarType)]) -> Vec<usize> {
    let mut places: Vec<usize> = wanted
        .iter()
        .filter_map(|(name, _)| schema.index_of(name).ok())
        .collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// Some row groups of a file.
#[derive(Clone)]
pub(super) struct RowGroups {
    source: Source,
    metadata: ArrowReaderMetadata,
    groups: Vec<usize>,
}

/// The row groups in which a row may fulfil all conditions, a share of work each.
pub(super) fn shares(
    source: &Source,
    conditions: &[Condition],
) -> Result<Vec<RowGroups>, EngineError> {
    let file = source.file()?;
    let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default())
        .map_err(|error| source.failure().whole(&error))?;
    let schema = metadata.schema();
    let is_of_folder = |name: &str| source.folders.iter().any(|folder| folder.name == name);
    if conditions.iter().any(|condition| {
        schema.index_of(&condition.column).is_err() && !is_of_folder(&condition.column)
    }) {
        // The column is null in every row, and no condition lets that pass.
        return Ok(Vec::new());
    }
    let groups = row_groups(&metadata, conditions);
    let metadata = as_read(metadata);
    // Small groups are not worth a start each, and nobody needs thousands of shares.
    let rows = |at: &usize| metadata.metadata().row_group(*at).num_rows();
    let all: i64 = groups.iter().map(rows).sum();
    let least = (all / MOST_SHARES).max(LEAST_ROWS);
    let mut found: Vec<RowGroups> = Vec::new();
    let mut room = 0;
    for group in groups {
        let own = rows(&group);
        match found.last_mut() {
            Some(last) if own <= room => {
                room -= own;
                last.groups.push(group);
            }
            _ => {
                room = least - own;
                found.push(RowGroups {
                    source: source.clone(),
                    metadata: metadata.clone(),
                    groups: vec![group],
                });
            }
        }
    }
    Ok(found)
}

/// Texts as the engine holds them, so that they are not copied a second time, and Spark's times in
/// the unit that they were written in.
fn as_read(metadata: ArrowReaderMetadata) -> ArrowReaderMetadata {
    let schema = metadata.schema();
    let of_spark = is_of_spark(&metadata);
    let fields: Vec<FieldRef> = schema
        .fields()
        .iter()
        .enumerate()
        .map(|(at, field)| match field.data_type() {
            DataType::Utf8 | DataType::Utf8View => {
                Arc::new(Field::clone(field).with_data_type(DataType::LargeUtf8))
            }
            // As nanoseconds, a year beyond 2262 would silently be another one.
            DataType::Timestamp(TimeUnit::Nanosecond, zone)
                if of_spark && is_int96(&metadata, at) =>
            {
                let unit = DataType::Timestamp(TimeUnit::Microsecond, zone.clone());
                Arc::new(Field::clone(field).with_data_type(unit))
            }
            _ => Arc::clone(field),
        })
        .collect();
    let wanted = Schema::new_with_metadata(fields, schema.metadata().clone());
    let options = ArrowReaderOptions::new().with_schema(Arc::new(wanted));
    ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options).unwrap_or(metadata)
}

/// Spark has microseconds, and writes them as `INT96` by default.
fn is_of_spark(metadata: &ArrowReaderMetadata) -> bool {
    let entries = metadata.metadata().file_metadata().key_value_metadata();
    entries.is_some_and(|entries| {
        entries
            .iter()
            .any(|entry| entry.key == "org.apache.spark.version")
    })
}

fn is_int96(metadata: &ArrowReaderMetadata, field: usize) -> bool {
    let descriptor = metadata.metadata().file_metadata().schema_descr();
    (0..descriptor.num_columns()).any(|leaf| {
        descriptor.get_column_root_idx(leaf) == field
            && descriptor.column(leaf).physical_type() == Type::INT96
    })
}

impl RowGroups {
    /// The rows of the groups that pass `tests`; the tests are all applied.
    pub(super) fn open(
        &self,
        wanted: &[(String, ScalarType)],
        tests: &[Test],
    ) -> Result<Batches, EngineError> {
        let failure = self.source.failure();
        let metadata = self.metadata.clone();
        let schema = Arc::clone(metadata.schema());
        let descriptor = metadata.metadata().file_metadata().schema_descr_ptr();
        let mask = ProjectionMask::roots(&descriptor, places(&schema, wanted));
        let mut builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(self.source.file()?, metadata)
                .with_batch_size(ROWS)
                .with_row_groups(self.groups.clone())
                .with_projection(mask);
        if !tests.is_empty() {
            // What the folders tell alone has passed already.
            let predicates = tests
                .iter()
                .filter(|test| folders::row(&self.source.folders, test.columns()).is_none())
                .map(|test| row_test(&self.source, &schema, &descriptor, test))
                .collect();
            builder = builder.with_row_filter(RowFilter::new(predicates));
        }
        let reader = builder.build().map_err(|error| failure.whole(&error))?;
        let wanted = wanted.to_vec();
        let folders = Arc::clone(&self.source.folders);
        Ok(Box::new(reader.map(move |batch| {
            let batch = batch.map_err(|error| failure.whole(&error))?;
            adapt::batch(&wanted, &batch)
                .and_then(|batch| folders::filled(&folders, &wanted, batch))
                .map_err(|error| failure.whole(&error))
        })))
    }
}

/// The rows of several files that pass `tests`; of one file at a time more than its name is held.
pub(super) fn several(
    sources: &Arc<[Source]>,
    conditions: &[Condition],
    wanted: &[(String, ScalarType)],
    tests: &[Test],
) -> Batches {
    let (sources, conditions) = (Arc::clone(sources), conditions.to_vec());
    let (wanted, tests) = (wanted.to_vec(), tests.to_vec());
    let count = sources.len();
    let rows_of = move |at: usize| -> Batches {
        let mut all = Vec::new();
        let found = shares(&sources[at], &conditions).and_then(|shares| {
            for share in shares {
                all.push(share.open(&wanted, &tests)?);
            }
            Ok(())
        });
        match found {
            Ok(()) => Box::new(all.into_iter().flatten()),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    };
    Box::new((0..count).flat_map(rows_of))
}

pub(super) fn parquet(
    source: &Source,
    wanted: &[(String, ScalarType)],
) -> Result<Batches, EngineError> {
    let mut all = Vec::new();
    for share in shares(source, &[])? {
        all.push(share.open(wanted, &[])?);
    }
    Ok(Box::new(all.into_iter().flatten()))
}

/// The row groups in which a row may fulfil all conditions.
fn row_groups(metadata: &ArrowReaderMetadata, conditions: &[Condition]) -> Vec<usize> {
    let groups = metadata.metadata().row_groups();
    let mut wanted = vec![true; groups.len()];
    for condition in conditions {
        let Some((least, most)) = bounds(metadata, condition) else {
            continue;
        };
        let (least, most) = (
            Reader::new(&least, condition.ty()),
            Reader::new(&most, condition.ty()),
        );
        for (at, wanted) in wanted.iter_mut().enumerate() {
            *wanted &= condition.possible(&least.get(at), &most.get(at));
        }
    }
    (0..groups.len()).filter(|at| wanted[*at]).collect()
}

/// The least and greatest value per row group, as the engine has them.
fn bounds(metadata: &ArrowReaderMetadata, condition: &Condition) -> Option<(ArrayRef, ArrayRef)> {
    let schema = metadata.schema();
    let field = schema.field_with_name(&condition.column).ok()?;
    if !condition.is_ordered_in(field.data_type()) {
        return None;
    }
    let groups = metadata.metadata().row_groups();
    let descriptor = metadata.metadata().file_metadata().schema_descr();
    let statistics = StatisticsConverter::try_new(&condition.column, schema, descriptor).ok()?;
    let column = statistics.parquet_column_index()?;
    if descriptor.column(column).physical_type() == Type::INT96 {
        return None;
    }
    // What old writers left is not ordered as the values are. Where one group says nothing, the
    // text bounds of the others are not worth telling "" from "unknown".
    let trusted = groups.iter().all(|group| {
        group.column(column).statistics().is_some_and(|one| {
            !one.is_min_max_deprecated()
                && one.min_bytes_opt().is_some()
                && one.max_bytes_opt().is_some()
        })
    });
    if !trusted {
        return None;
    }
    let least = statistics.row_group_mins(groups).ok()?;
    let most = statistics.row_group_maxes(groups).ok()?;
    Some((
        adapt::adapt(&least, condition.ty()).ok()?,
        adapt::adapt(&most, condition.ty()).ok()?,
    ))
}

/// Looks at the columns of a test first, so that the others are decoded for few rows only.
fn row_test(
    source: &Source,
    schema: &Schema,
    descriptor: &SchemaDescriptor,
    test: &Test,
) -> Box<dyn ArrowPredicate> {
    let mask = ProjectionMask::roots(descriptor, places(schema, test.columns()));
    let test = test.clone();
    let folders = Arc::clone(&source.folders);
    Box::new(ArrowPredicateFn::new(mask, move |batch: RecordBatch| {
        adapt::batch(test.columns(), &batch)
            .and_then(|batch| folders::filled(&folders, test.columns(), batch))
            .and_then(|batch| test.passed(batch.columns(), batch.num_rows()))
            .map_err(|error| ArrowError::ExternalError(Box::new(error)))
    }))
}

pub(super) fn arrow_columns(source: &Source) -> Result<Vec<(String, ScalarType)>, EngineError> {
    if let Ok(reader) = FileReader::try_new_buffered(source.file()?, None) {
        return Ok(adapt::columns(&reader.schema()));
    }
    let reader = StreamReader::try_new_buffered(source.file()?, None)
        .map_err(|error| source.failure().whole(&error))?;
    Ok(adapt::columns(&reader.schema()))
}

/// Both forms of Arrow IPC: files, and streams kept in a file.
pub(super) fn arrow(
    source: &Source,
    wanted: &[(String, ScalarType)],
) -> Result<Batches, EngineError> {
    let failure = source.failure();
    let found = wanted.to_vec();
    let adapted = move |batch: Result<RecordBatch, ArrowError>| {
        let batch = batch.map_err(|error| failure.whole(&error))?;
        adapt::batch(&found, &batch).map_err(|error| failure.whole(&error))
    };
    let failure = source.failure();
    if let Ok(reader) = FileReader::try_new_buffered(source.file()?, None) {
        let places = places(&reader.schema(), wanted);
        let reader = FileReader::try_new_buffered(source.file()?, Some(places))
            .map_err(|error| failure.whole(&error))?;
        return Ok(Box::new(reader.map(adapted)));
    }
    let reader = StreamReader::try_new_buffered(source.file()?, None)
        .map_err(|error| failure.whole(&error))?;
    let places = places(&reader.schema(), wanted);
    let reader = StreamReader::try_new_buffered(source.file()?, Some(places))
        .map_err(|error| failure.whole(&error))?;
    Ok(Box::new(reader.map(adapted)))
}
