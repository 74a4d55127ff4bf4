//! Parquet and Arrow IPC: only the columns a query reads are decoded, and of Parquet only the row
//! groups and rows that its conditions leave.

use arrow::array::{ArrayRef, BooleanArray};
use arrow::compute::and;
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use arrow::ipc::reader::{FileReader, StreamReader};
use arrow::record_batch::RecordBatch;
use kql_semantics::ScalarType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::arrow::arrow_reader::{
    ArrowPredicateFn, ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
    RowFilter,
};
use parquet::basic::Type;
use parquet::schema::types::SchemaDescriptor;

use super::adapt;
use super::condition::Condition;
use super::files::{Batches, ROWS, Source};
use crate::EngineError;
use crate::column::Reader;

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

pub(super) fn parquet(
    source: &Source,
    wanted: &[(String, ScalarType)],
    conditions: &[Condition],
) -> Result<Batches, EngineError> {
    let failure = source.failure();
    let file = source.file()?;
    let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default())
        .map_err(|error| failure.whole(&error))?;
    let schema = metadata.schema();
    if conditions
        .iter()
        .any(|condition| schema.index_of(&condition.column).is_err())
    {
        // The column is null in every row, and no condition lets that pass.
        return Ok(Box::new(std::iter::empty()));
    }
    let groups = row_groups(&metadata, conditions);
    let descriptor = metadata.metadata().file_metadata().schema_descr();
    let mask = ProjectionMask::roots(descriptor, places(schema, wanted));
    let filter = row_filter(schema, descriptor, conditions);
    let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
        .with_batch_size(ROWS)
        .with_row_groups(groups)
        .with_projection(mask);
    if let Some(filter) = filter {
        builder = builder.with_row_filter(filter);
    }
    let reader = builder.build().map_err(|error| failure.whole(&error))?;
    let wanted = wanted.to_vec();
    Ok(Box::new(reader.map(move |batch| {
        let batch = batch.map_err(|error| failure.whole(&error))?;
        adapt::batch(&wanted, &batch).map_err(|error| failure.whole(&error))
    })))
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

/// Looks at the columns of conditions first, so that the others are decoded for few rows only.
fn row_filter(
    schema: &Schema,
    descriptor: &SchemaDescriptor,
    conditions: &[Condition],
) -> Option<RowFilter> {
    if conditions.is_empty() {
        return None;
    }
    let columns: Vec<(String, ScalarType)> = conditions
        .iter()
        .map(|condition| (condition.column.clone(), condition.ty()))
        .collect();
    let mask = ProjectionMask::roots(descriptor, places(schema, &columns));
    let conditions = conditions.to_vec();
    let predicate = ArrowPredicateFn::new(mask, move |batch: RecordBatch| {
        let mut all: Option<BooleanArray> = None;
        for condition in &conditions {
            let column = batch
                .column_by_name(&condition.column)
                .ok_or_else(|| ArrowError::SchemaError(condition.column.clone()))?;
            let column = adapt::adapt(column, condition.ty())
                .map_err(|error| ArrowError::ExternalError(Box::new(error)))?;
            let own = condition.mask(&column);
            all = Some(match all {
                Some(all) => and(&all, &own)?,
                None => own,
            });
        }
        Ok(all.unwrap_or_else(|| vec![true; batch.num_rows()].into()))
    });
    Some(RowFilter::new(vec![Box::new(predicate)]))
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
