//! A table: where its rows are, what its columns are, and what of it is kept.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use kql_semantics::ScalarType;

use super::adapt::{self, Origin};
use super::aliases::{self, Alias, Names};
use super::contents::Contents;
use super::files::{Batches, Explored, Source};
use super::folders::Counts;
use super::guess::Guess;
use super::infer::{self, Kind};
use crate::datum::Datum;
use crate::error::Foreign;
use crate::{EngineError, column};

/// The most bytes of columns made of text that one table keeps.
const KEPT_PER_TABLE: usize = 64 << 20;

/// The most bytes of columns made of text that a catalog keeps.
const KEPT: usize = 256 << 20;

#[derive(Debug)]
pub(super) struct Table {
    pub(super) declared: Option<Vec<(String, ScalarType)>>,
    pub(super) data: Data,
    pub(super) loaded: OnceLock<Result<Arc<Loaded>, EngineError>>,
    pub(super) kept: Arc<AtomicUsize>,
}

#[derive(Debug)]
pub(super) enum Data {
    Batches(Vec<RecordBatch>),
    Files(Vec<Source>),
}

/// A table as the engine scans it.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) columns: Vec<(String, ScalarType)>,
    pub(super) parts: Vec<Part>,
    /// What each of its files has, in their order.
    pub(super) contents: Vec<Contents>,
}

#[derive(Debug)]
pub(super) enum Part {
    /// Columns of the engine's own types.
    Kept(Vec<RecordBatch>),
    /// Rows in ordinary Arrow types with a column that is none of its type: an error of the
    /// queries that read it.
    Foreign(Arc<str>, Vec<RecordBatch>),
    File(Source),
}

impl Part {
    pub(super) fn open(&self, wanted: &[(String, ScalarType)]) -> Result<Batches, EngineError> {
        match self {
            Self::File(source) => source.open(wanted),
            Self::Foreign(table, batches) => Ok(foreign(table, batches, wanted)),
            Self::Kept(batches) => {
                let wanted = wanted.to_vec();
                let batches = batches.clone();
                Ok(Box::new(
                    batches.into_iter().map(move |one| chosen(&wanted, &one)),
                ))
            }
        }
    }
}

/// The `wanted` columns of batches that were handed over.
pub(super) fn foreign(
    table: &Arc<str>,
    batches: &[RecordBatch],
    wanted: &[(String, ScalarType)],
) -> Batches {
    let (table, wanted, mut first) = (Arc::clone(table), wanted.to_vec(), 0);
    let batches = batches.to_vec();
    Box::new(batches.into_iter().map(move |batch| {
        let begin = first;
        first += batch.num_rows();
        let origin = Origin {
            source: None,
            first: Some(begin),
        };
        adapt::batch(&wanted, &batch, origin)
            .map_err(|error| EngineError::data(format!("cannot read table '{table}': {error}")))
    }))
}

/// The `wanted` columns of a batch that has the engine's types.
pub(super) fn chosen(
    wanted: &[(String, ScalarType)],
    batch: &RecordBatch,
) -> Result<RecordBatch, EngineError> {
    let rows = batch.num_rows();
    // A lookup by name is linear in the columns of a batch.
    let schema = batch.schema();
    let names = schema.fields().iter().map(|field| field.name().as_str());
    let places: HashMap<&str, &ArrayRef> = names.zip(batch.columns()).collect();
    let arrays = wanted
        .iter()
        .map(|(name, ty)| match places.get(name.as_str()) {
            Some(array) if *array.data_type() == column::arrow_type(*ty) => Arc::clone(array),
            _ => column::repeated(&Datum::Null, *ty, rows),
        })
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let schema = column::schema(wanted.iter().cloned());
    RecordBatch::try_new_with_options(schema, arrays, &options).ours()
}

impl Table {
    pub(super) fn read(&self, name: &str) -> Result<Loaded, EngineError> {
        let declared = self.declared.as_deref().unwrap_or_default();
        match &self.data {
            Data::Batches(batches) => {
                let mut columns = declared.to_vec();
                if self.declared.is_none() {
                    for batch in batches {
                        infer::join(&mut columns, 0, adapt::columns(&batch.schema()));
                    }
                }
                let name: Arc<str> = name.into();
                let kept = foreign(&name, batches, &columns).collect::<Result<_, _>>();
                let part = kept.map_or_else(|_| Part::Foreign(name, batches.clone()), Part::Kept);
                Ok(Loaded {
                    columns,
                    parts: vec![part],
                    contents: Vec::new(),
                })
            }
            Data::Files(sources) => self.explore(declared, sources),
        }
    }

    fn explore(
        &self,
        declared: &[(String, ScalarType)],
        sources: &[Source],
    ) -> Result<Loaded, EngineError> {
        let mut columns = declared.to_vec();
        let mut held = 0;
        let mut explored = Vec::with_capacity(sources.len());
        let mut kinds = Vec::with_capacity(sources.len());
        let mut contents = Vec::with_capacity(sources.len());
        let names = Arc::new(Names::new(declared));
        for source in sources {
            let source = source.of_table(&names);
            let mut found = source.explore(declared, self.room(held))?;
            source.check_known(&found)?;
            held += found.kept.as_deref().map_or(0, size);
            let mut aliases = aliases::of(&found.kinds, found.all, &names);
            source.check_zones(&mut aliases)?;
            let mut folders = names.of_folders(&source.folders);
            source.check_values(&found, &folders)?;
            for folder in &mut folders {
                folder.counts = counts(&folder.name, &found, &aliases, declared);
                if folder.counts != Counts::Nowhere {
                    let mut guess = Guess::default();
                    guess.see(&folder.value, None);
                    found.kinds.push((folder.name.clone(), Kind::Cells(guess)));
                }
            }
            contents.push(Contents::of(&source, &found, &folders, &aliases, declared));
            // Rows that were read on the way are without what folders and other names say.
            let kept = match found.kept {
                Some(batches) if !folders.is_empty() || !aliases.is_empty() => {
                    held -= size(&batches);
                    None
                }
                kept => kept,
            };
            kinds.push(found.kinds);
            let source = source.below(folders).with_aliases(aliases);
            explored.push((source, kept));
        }
        let found = infer::settled(&kinds);
        for one in &found {
            infer::join(&mut columns, declared.len(), one.clone());
        }
        let types: BTreeMap<&str, ScalarType> = columns
            .iter()
            .map(|(name, ty)| (name.as_str(), *ty))
            .collect();
        let explored = explored
            .into_iter()
            .zip(found)
            .map(|((source, kept), found)| (source, found, kept));
        let mut parts = Vec::with_capacity(sources.len());
        for (source, found, kept) in explored {
            let same = found
                .iter()
                .all(|(name, ty)| types.get(name.as_str()) == Some(ty));
            let kept = match kept {
                Some(batches) if same && holds(&batches, &found) => Some(batches),
                other => {
                    held -= other.as_deref().map_or(0, size);
                    // What is wrong is an error of the queries that read it.
                    let batches = source
                        .is_worth_keeping()
                        .then(|| limited(&source, &columns, self.room(held)))
                        .and_then(|outcome| outcome.ok().flatten());
                    held += batches.as_deref().map_or(0, size);
                    batches
                }
            };
            parts.push(match kept {
                Some(batches) => {
                    let mut first = 0;
                    for batch in &batches {
                        source.look_at_times(batch, &columns, Some(first));
                        first += batch.num_rows();
                    }
                    Part::Kept(batches)
                }
                None => Part::File(source),
            });
        }
        self.kept.fetch_add(held, Ordering::Relaxed);
        Ok(Loaded {
            columns,
            parts,
            contents,
        })
    }

    /// The bytes that may still be kept.
    fn room(&self, held: usize) -> usize {
        let all = self.kept.load(Ordering::Relaxed);
        KEPT.saturating_sub(all)
            .min(KEPT_PER_TABLE)
            .saturating_sub(held)
    }
}

/// Which rows of a file have the value that a folder has for the column `name`.
fn counts(
    name: &str,
    found: &Explored,
    aliases: &[Alias],
    declared: &[(String, ScalarType)],
) -> Counts {
    let is_declared = || declared.iter().any(|(column, _)| column == name);
    if found.kinds.iter().any(|(own, _)| own == name) {
        Counts::Nowhere
    } else if aliases.iter().any(|alias| alias.column() == name) || (!found.all && is_declared()) {
        Counts::WhereEmpty
    } else {
        Counts::Everywhere
    }
}

fn size(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::get_array_memory_size).sum()
}

/// Whether rows that were read on the way have the types that all files together tell.
fn holds(batches: &[RecordBatch], found: &[(String, ScalarType)]) -> bool {
    batches.iter().all(|batch| {
        // A lookup by name is linear in the columns of a batch.
        let schema = batch.schema();
        let fields = schema.fields().iter();
        let own: HashMap<&str, &DataType> = fields
            .map(|field| (field.name().as_str(), field.data_type()))
            .collect();
        found.iter().all(|(name, ty)| {
            let own = own.get(name.as_str());
            own.is_none_or(|own| **own == column::arrow_type(*ty))
        })
    })
}

/// All rows of a file, unless they are more than `limit` bytes.
fn limited(
    source: &Source,
    columns: &[(String, ScalarType)],
    limit: usize,
) -> Result<Option<Vec<RecordBatch>>, EngineError> {
    let mut batches = Vec::new();
    let mut held = 0;
    for batch in source.open(columns)? {
        let batch = batch?;
        held += batch.get_array_memory_size();
        if held > limit {
            return Ok(None);
        }
        batches.push(batch);
    }
    Ok(Some(batches))
}
