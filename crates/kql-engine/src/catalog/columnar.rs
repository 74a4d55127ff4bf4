//! Parquet: only the columns a query reads are decoded, of the row groups and rows that its
//! conditions leave.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, UInt64Array};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, TimeUnit};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use kql_semantics::ScalarType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::arrow::arrow_reader::{
    ArrowPredicate, ArrowPredicateFn, ArrowReaderMetadata, ArrowReaderOptions,
    ParquetRecordBatchReaderBuilder, RowFilter,
};
use parquet::basic::{LogicalType, Type};
use parquet::file::metadata::{ParquetMetaDataReader, RowGroupMetaData};
use parquet::schema::types::SchemaDescriptor;

use super::adapt::Origin;
use super::condition::Condition;
use super::files::{Batches, COLUMNS, Failure, ROWS, Source};
use super::guard::{self, guarded};
use super::losses::Loss;
use super::meant::{Meaning, Meanings};
use super::test::Test;
use super::{adapt, folders, hints, meant, pages, valued};
use crate::EngineError;
use crate::column::Reader;
use crate::plan::STAMP;

/// A share of fewer rows is not worth a start of its own.
const LEAST_ROWS: i64 = 65_536;

/// The most shares of one file.
const MOST_SHARES: i64 = 512;

/// The columns of a file, and whether every row is known to have a value in one of its table.
pub(super) fn parquet_columns(
    source: &Source,
) -> Result<(Vec<(String, ScalarType)>, bool), EngineError> {
    guarded(&source.failure(), || {
        let Footer { metadata, meanings } = load(source)?;
        let filled = valued::has_full_column(metadata.metadata(), &source.names);
        let mut columns = adapt::columns(metadata.schema());
        let roots = metadata.metadata().file_metadata().schema().get_fields();
        let uuids: HashSet<&str> = roots
            .iter()
            .filter(|root| root.get_basic_info().logical_type_ref() == Some(&LogicalType::Uuid))
            .map(|root| root.name())
            .collect();
        for (name, ty) in &mut columns {
            if uuids.contains(name.as_str()) {
                *ty = ScalarType::Guid;
            }
            if let Some(Meaning::Wide { .. }) = meanings.get(name.as_str()) {
                *ty = ScalarType::Decimal;
            }
        }
        Ok((columns, filled))
    })
}

/// What a file says about its columns.
struct Footer {
    metadata: ArrowReaderMetadata,
    meanings: Meanings,
}

/// Opens a file and reads its footer, once that is known to fit to the file.
fn load(source: &Source) -> Result<Footer, EngineError> {
    let failure = source.failure();
    let file = source.file()?;
    let length = file.metadata().map_or(0, |one| one.len());
    let footer = pages::check_nesting(&file, length).map_err(|what| failure.whole(&what))?;
    let metadata = ParquetMetaDataReader::new()
        .parse_and_finish(&file)
        .map_err(|error| failure.whole(&error))?;
    let schema = metadata.file_metadata().schema_descr();
    bounded(&failure, schema.num_columns())?;
    let roots = schema.root_schema().get_fields();
    unrepeated(&failure, roots.iter().map(|root| root.name()))?;
    pages::check(&file, &metadata, footer).map_err(|what| failure.whole(&what))?;
    let (metadata, mut meanings) =
        meant::without_intervals(source, metadata).map_err(|error| failure.whole(&error))?;
    let metadata = Arc::new(metadata);
    // Writers add types of their own as a hint, such as whole numbers of 128 bits, on which the
    // reader panics; the columns can be read without.
    let metadata = guarded(&failure, || {
        let options = ArrowReaderOptions::new();
        Ok(ArrowReaderMetadata::try_new(Arc::clone(&metadata), options))
    })
    .or_else(|_| {
        guarded(&failure, || {
            Ok(hints::without_unknown(source, &metadata, &mut meanings))
        })
    })?
    .map_err(|error| failure.whole(&error))?;
    Ok(Footer { metadata, meanings })
}

/// Fails where a file has more columns than any table.
pub(super) fn bounded(failure: &Failure, columns: usize) -> Result<(), EngineError> {
    if columns > COLUMNS {
        return Err(failure.whole(&format_args!(
            "it has {columns} columns, and a table at most {COLUMNS}"
        )));
    }
    Ok(())
}

/// Fails where two columns have one name: one of them would be lost.
pub(super) fn unrepeated<'a>(
    failure: &Failure,
    mut names: impl Iterator<Item = &'a str>,
) -> Result<(), EngineError> {
    let mut seen = HashSet::new();
    match names.find(|name| !seen.insert(*name)) {
        None => Ok(()),
        Some(twice) => Err(failure.whole(&format_args!("the column {twice} is there twice"))),
    }
}

/// The places of the wanted columns in a file.
pub(super) fn places(schema: &Schema, wanted: &[(String, ScalarType)]) -> Vec<usize> {
    let mut known: HashMap<&str, usize> = HashMap::new();
    for (at, field) in schema.fields().iter().enumerate() {
        known.entry(field.name()).or_insert(at);
    }
    let found = wanted
        .iter()
        .filter_map(|(name, _)| known.get(name.as_str()));
    let mut places: Vec<usize> = found.copied().collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// The batches of a reader with exactly the `wanted` columns, at most [`ROWS`] rows each; errors
/// count rows from `first`, where that is known.
pub(super) fn adapted(
    source: &Source,
    wanted: &[(String, ScalarType)],
    first: Option<usize>,
) -> impl FnMut(Result<RecordBatch, ArrowError>) -> Batches + Send + 'static {
    let failure = source.failure();
    let source = Arc::new(source.clone());
    let wanted: Arc<[(String, ScalarType)]> = wanted.into();
    let mut first = first;
    move |batch| {
        let batch = match batch {
            Ok(batch) => batch,
            Err(error) => return Box::new(std::iter::once(Err(failure.whole(&error)))),
        };
        let begin = first;
        source.look_at_digits(&batch, &wanted, begin);
        first = first.map(|first| first.saturating_add(batch.num_rows()));
        let (wanted, failure) = (Arc::clone(&wanted), failure.clone());
        let source = Arc::clone(&source);
        let parts = (0..batch.num_rows()).step_by(ROWS);
        Box::new(parts.map(move |at| {
            let part = batch.slice(at, ROWS.min(batch.num_rows() - at));
            let begin = begin.map(|begin| begin.saturating_add(at));
            let origin = Origin {
                source: Some(&source),
                first: begin,
            };
            adapt::batch(&wanted, &part, origin).map_err(|error| failure.whole(&error))
        }))
    }
}

/// Some row groups of a file.
#[derive(Clone)]
pub(super) struct RowGroups {
    source: Source,
    metadata: ArrowReaderMetadata,
    meanings: Arc<Meanings>,
    groups: Vec<usize>,
}

/// The row groups in which a row may fulfil all conditions, a share of work each.
pub(super) fn shares(
    source: &Source,
    conditions: &[Condition],
) -> Result<Vec<RowGroups>, EngineError> {
    guarded(&source.failure(), || shares_of(source, conditions))
}

fn shares_of(source: &Source, conditions: &[Condition]) -> Result<Vec<RowGroups>, EngineError> {
    let Footer { metadata, meanings } = load(source)?;
    let meanings = Arc::new(meanings);
    let schema = metadata.schema();
    let is_of_folder = |name: &str| source.folders.iter().any(|folder| folder.name == name);
    if conditions.iter().any(|condition| {
        schema.index_of(&condition.column).is_err() && !is_of_folder(&condition.column)
    }) {
        // The column is null in every row, and no condition lets that pass.
        return Ok(Vec::new());
    }
    let groups = row_groups(source, &metadata, conditions);
    let metadata = as_read(source, metadata)?;
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
                    meanings: Arc::clone(&meanings),
                    groups: vec![group],
                });
            }
        }
    }
    Ok(found)
}

/// Texts as the engine holds them, so that they are not copied a second time, and times in a unit
/// that holds them.
fn as_read(
    source: &Source,
    metadata: ArrowReaderMetadata,
) -> Result<ArrowReaderMetadata, EngineError> {
    let schema = metadata.schema();
    let old = hints::old_times(metadata.metadata());
    let fields = schema.fields().iter().enumerate().map(|(at, field)| {
        let data = match (field.data_type(), old.get(&at)) {
            (DataType::Utf8 | DataType::Utf8View, _) => DataType::LargeUtf8,
            (DataType::Timestamp(TimeUnit::Nanosecond, zone), Some(leaf))
                if hints::is_in_microseconds(source, metadata.metadata(), *leaf)? =>
            {
                DataType::Timestamp(TimeUnit::Microsecond, zone.clone())
            }
            (data, _) => match plain(data) {
                Some(plain) => plain,
                None => return Ok(Arc::clone(field)),
            },
        };
        Ok(Arc::new(Field::clone(field).with_data_type(data)))
    });
    let fields = fields.collect::<Result<Vec<FieldRef>, EngineError>>()?;
    let wanted = Schema::new_with_metadata(fields, schema.metadata().clone());
    let options = ArrowReaderOptions::new().with_schema(Arc::new(wanted));
    let read = ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options);
    Ok(read.unwrap_or(metadata))
}

/// A type without the dictionaries that the reader does not have, whatever the writer's schema
/// says: it has those of text only. `None` for one that needs no other.
fn plain(data: &DataType) -> Option<DataType> {
    let inner = |field: &FieldRef| {
        let data = plain(field.data_type())?;
        Some(Arc::new(Field::clone(field).with_data_type(data)))
    };
    Some(match data {
        DataType::Dictionary(_, values) if !adapt::may_be_text(values) => {
            plain(values).unwrap_or_else(|| DataType::clone(values))
        }
        DataType::List(item) => DataType::List(inner(item)?),
        DataType::LargeList(item) => DataType::LargeList(inner(item)?),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(inner(item)?, *size),
        DataType::Map(entries, sorted) => DataType::Map(inner(entries)?, *sorted),
        DataType::Struct(fields) => {
            let found: Vec<Option<FieldRef>> = fields.iter().map(inner).collect();
            if found.iter().all(Option::is_none) {
                return None;
            }
            let fields = fields.iter().zip(found);
            DataType::Struct(
                fields
                    .map(|(field, plain)| plain.unwrap_or_else(|| Arc::clone(field)))
                    .collect(),
            )
        }
        _ => return None,
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
        let batches = guarded(&failure, || self.begin(wanted, tests))?;
        Ok(guard::batches(failure, batches))
    }

    fn begin(
        &self,
        wanted: &[(String, ScalarType)],
        tests: &[Test],
    ) -> Result<Batches, EngineError> {
        let failure = self.source.failure();
        let metadata = self.metadata.clone();
        let schema = Arc::clone(metadata.schema());
        let descriptor = metadata.metadata().file_metadata().schema_descr_ptr();
        // Shares are read at the same time, and a copy of an open file has no place of its own.
        let file = Arc::new(self.source.file()?);
        let own = places(&schema, wanted);
        let mut read: HashSet<usize> = own.iter().copied().collect();
        for test in tests {
            read.extend(places(&schema, test.columns()));
        }
        pages::check_pages(&file, metadata.metadata(), &self.groups, |leaf| {
            read.contains(&descriptor.get_column_root_idx(leaf))
        })
        .map_err(|what| failure.whole(&what))?;
        let mask = ProjectionMask::roots(&descriptor, own);
        let file = file.try_clone().map_err(|error| failure.whole(&error))?;
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
            .with_batch_size(ROWS)
            .with_row_groups(self.groups.clone())
            .with_projection(mask);
        if !tests.is_empty() {
            // What the folders tell alone has passed already.
            let predicates = tests
                .iter()
                .filter(|test| folders::row(&self.source.folders, test.columns()).is_none())
                .map(|test| row_test(&self.source, &self.meanings, &schema, &descriptor, test))
                .collect();
            builder = builder.with_row_filter(RowFilter::new(predicates));
        }
        let reader = builder.build().map_err(|error| failure.whole(&error))?;
        let first = self.first_row().filter(|_| tests.is_empty());
        let meanings = Arc::clone(&self.meanings);
        let rows = reader
            .map(move |batch| meant::read(batch?, &meanings))
            .flat_map(adapted(&self.source, wanted, first));
        let wanted = wanted.to_vec();
        let source = self.source.clone();
        let mut first = first;
        Ok(Box::new(rows.map(move |batch| {
            let batch =
                folders::filled(&source, &wanted, batch?).map_err(|error| failure.whole(&error))?;
            source.look_at_times(&batch, &wanted, first);
            first = first.map(|first| first.saturating_add(batch.num_rows()));
            Ok(batch)
        })))
    }

    /// The place of the first row in the file, where none is left out between the groups.
    fn first_row(&self) -> Option<usize> {
        let first = *self.groups.first()?;
        let together = self.groups.iter().zip(first..).all(|(one, at)| *one == at);
        let groups = self.metadata.metadata().row_groups();
        let before = groups.get(..first)?.iter().map(RowGroupMetaData::num_rows);
        usize::try_from(before.sum::<i64>())
            .ok()
            .filter(|_| together)
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
fn row_groups(
    source: &Source,
    metadata: &ArrowReaderMetadata,
    conditions: &[Condition],
) -> Vec<usize> {
    let groups = metadata.metadata().row_groups();
    let mut wanted = vec![true; groups.len()];
    for condition in conditions {
        let Some(Bounds { least, most, nulls }) = bounds(metadata, condition) else {
            continue;
        };
        let (least, most) = (
            Reader::new(&least, condition.ty()),
            Reader::new(&most, condition.ty()),
        );
        for (at, wanted) in wanted.iter_mut().enumerate() {
            let is_possible = condition.possible(&least.get(at), &most.get(at));
            // Rows without a time are left out with the others.
            if !is_possible && condition.column == STAMP && nulls.value(at) > 0 {
                let what = || format!("a row has no {STAMP}");
                source.losses.note_as(Loss::Time, what);
            }
            *wanted &= is_possible;
        }
    }
    (0..groups.len()).filter(|at| wanted[*at]).collect()
}

/// What the statistics of a column say of each row group.
struct Bounds {
    /// The least value, as the engine has it.
    least: ArrayRef,
    /// The greatest value.
    most: ArrayRef,
    /// How many values are missing.
    nulls: UInt64Array,
}

fn bounds(metadata: &ArrowReaderMetadata, condition: &Condition) -> Option<Bounds> {
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
    Some(Bounds {
        least: adapt::adapt(&least, condition.ty()).ok()?,
        most: adapt::adapt(&most, condition.ty()).ok()?,
        nulls: statistics.row_group_null_counts(groups).ok()?,
    })
}

/// Looks at the columns of a test first, so that the others are decoded for few rows only.
fn row_test(
    source: &Source,
    meanings: &Arc<Meanings>,
    schema: &Schema,
    descriptor: &SchemaDescriptor,
    test: &Test,
) -> Box<dyn ArrowPredicate> {
    let mask = ProjectionMask::roots(descriptor, places(schema, test.columns()));
    let test = test.clone();
    let source = source.clone();
    let meanings = Arc::clone(meanings);
    Box::new(ArrowPredicateFn::new(mask, move |batch: RecordBatch| {
        let batch = meant::read(batch, &meanings)?;
        let origin = Origin {
            source: Some(&source),
            first: None,
        };
        adapt::batch(test.columns(), &batch, origin)
            .and_then(|batch| folders::filled(&source, test.columns(), batch))
            .and_then(|batch| {
                source.look_at_times(&batch, test.columns(), None);
                test.passed(batch.columns(), batch.num_rows())
            })
            .map_err(|error| ArrowError::ExternalError(Box::new(error)))
    }))
}
