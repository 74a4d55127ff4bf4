//! The tables a query may name, and their rows.

mod adapt;
mod files;
mod json;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use arrow::record_batch::RecordBatch;
use kql_semantics::{ColumnSchema, ScalarType, TableSchema, Tables};

use crate::EngineError;

/// Knows the columns of tables by their name.
pub type SchemaLookup<'a> = &'a dyn Fn(&str) -> Option<Vec<(String, ScalarType)>>;

/// Named tables. Cloning shares the rows.
///
/// Names are case-sensitive. Rows are read and adapted at the first query that names the table.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    tables: BTreeMap<String, Arc<Table>>,
}

#[derive(Debug)]
struct Table {
    declared: Option<Vec<(String, ScalarType)>>,
    data: Data,
    loaded: OnceLock<Result<Arc<Loaded>, EngineError>>,
}

#[derive(Debug)]
enum Data {
    Batches(Vec<RecordBatch>),
    Files(Vec<PathBuf>),
}

/// A table as the engine scans it: columns of the engine's own types.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) columns: Vec<(String, ScalarType)>,
    pub(crate) batches: Vec<RecordBatch>,
}

impl Catalog {
    /// A catalog without tables.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a table of `columns`, with rows in ordinary Arrow types.
    ///
    /// A column is found in a batch by its name; a missing one is null (`""` for strings), further
    /// ones are ignored. Dynamic columns are JSON text. Timestamps of any unit and durations become
    /// datetimes and timespans; text is converted as KQL's `to…` functions do. A table of the same
    /// name is replaced.
    pub fn add(
        &mut self,
        name: impl Into<String>,
        columns: Vec<(String, ScalarType)>,
        batches: Vec<RecordBatch>,
    ) {
        self.insert(name.into(), Some(columns), Data::Batches(batches));
    }

    /// Adds a table whose columns are those of its batches (dynamic columns are text then,
    /// unless nested).
    pub fn add_batches(&mut self, name: impl Into<String>, batches: Vec<RecordBatch>) {
        self.insert(name.into(), None, Data::Batches(batches));
    }

    /// Adds a table that is a file: NDJSON, CSV, Parquet or Arrow IPC, by its extension
    /// (`.json`, `.ndjson`, `.jsonl`, `.csv`, `.tsv`, each also with `.gz`; `.parquet`; `.arrow`,
    /// `.feather`).
    ///
    /// NDJSON lines are rows, records of the Streaming API (`{"time", "category", "properties"}`)
    /// or Event Hub envelopes of those (`{"records": […]}`). Columns that the file has and `columns`
    /// has not are kept, after them.
    pub fn add_file(
        &mut self,
        name: impl Into<String>,
        columns: Option<Vec<(String, ScalarType)>>,
        path: impl Into<PathBuf>,
    ) {
        self.insert(name.into(), columns, Data::Files(vec![path.into()]));
    }

    /// The tables of a folder: each file, or folder of files, is a table of its name.
    ///
    /// `schema` knows the columns of tables by their name; columns of other tables come from the
    /// files. Several files of one name (`T.2024-01.csv` is not one: the name ends at the first
    /// dot, so it is `T`) are one table.
    ///
    /// # Errors
    ///
    /// [`EngineError::Runtime`] when the folder cannot be listed. Files are opened later, by the
    /// first query that names their table.
    pub fn from_folder(
        path: impl AsRef<Path>,
        schema: SchemaLookup<'_>,
    ) -> Result<Self, EngineError> {
        let mut catalog = Self::new();
        for (name, paths) in files::tables_of(path.as_ref())? {
            let columns = schema(&name);
            catalog.insert(name, columns, Data::Files(paths));
        }
        Ok(catalog)
    }

    /// Takes over every table of `other`; of equal names those of `other` stay.
    pub fn merge(&mut self, other: Self) {
        self.tables.extend(other.tables);
    }

    /// The names of all tables, sorted.
    pub fn table_names(&self) -> Vec<String> {
        self.tables.keys().cloned().collect()
    }

    /// The columns of a table, reading it if only its rows tell.
    ///
    /// # Errors
    ///
    /// [`EngineError::Runtime`] when there is no such table or its files cannot be read.
    pub fn columns(&self, name: &str) -> Result<Vec<(String, ScalarType)>, EngineError> {
        Ok(self.load(name)?.columns.clone())
    }

    fn insert(&mut self, name: String, declared: Option<Vec<(String, ScalarType)>>, data: Data) {
        self.tables.insert(
            name,
            Arc::new(Table {
                declared,
                data,
                loaded: OnceLock::new(),
            }),
        );
    }

    pub(crate) fn load(&self, name: &str) -> Result<Arc<Loaded>, EngineError> {
        let table = self
            .tables
            .get(name)
            .ok_or_else(|| EngineError::runtime(format!("there is no table '{name}'")))?;
        table
            .loaded
            .get_or_init(|| {
                let declared = table.declared.as_deref();
                match &table.data {
                    Data::Batches(batches) => adapt::batches(declared, batches),
                    Data::Files(paths) => files::read(declared, paths),
                }
                .map(Arc::new)
            })
            .clone()
    }
}

impl Tables for Catalog {
    fn table(&self, name: &str) -> Option<TableSchema> {
        let table = self.tables.get(name)?;
        // A table whose files cannot be read must still be named by the error of the run.
        let columns = match self.load(name) {
            Ok(loaded) => loaded.columns.clone(),
            Err(_) => table.declared.clone().unwrap_or_default(),
        };
        Some(TableSchema {
            columns: columns
                .into_iter()
                .map(|(name, ty)| ColumnSchema::new(name, ty))
                .collect(),
        })
    }

    fn names(&self) -> Vec<String> {
        self.table_names()
    }
}
