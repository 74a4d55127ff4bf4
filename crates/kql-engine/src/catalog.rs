//! The tables a query may name, and their rows.

mod adapt;
mod aliases;
mod cells;
mod columnar;
mod condition;
mod contents;
mod files;
mod fit;
mod folders;
mod guard;
mod guess;
mod hints;
mod infer;
mod ipc;
mod json;
mod listing;
mod losses;
mod meant;
mod messages;
mod moments;
mod opened;
mod pages;
mod provider;
mod reading;
mod separated;
mod strangers;
mod table;
mod test;
mod thrift;
mod times;
mod valued;
mod wide;
mod zones;

pub use contents::Contents;
pub use reading::Reading;
pub use times::DateOrder;

pub use guard::panic_is_caught;

pub(crate) use files::open;
pub(crate) use provider::Rows;
pub(crate) use table::Loaded;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arrow::record_batch::RecordBatch;
use kql_semantics::{ColumnSchema, ScalarType, TableSchema};

use self::files::{Format, Others, Records, Source};
use self::listing::Known;
use self::losses::Loss;
use self::table::{Data, Table};
use crate::EngineError;
use crate::plan::STAMP;

/// Knows the columns of tables by their name.
pub type SchemaLookup<'a> = &'a dyn Fn(&str) -> Option<Vec<(String, ScalarType)>>;

/// Named tables. Cloning shares the rows.
///
/// Names are case-sensitive. Files are opened by the first query that names their table. Parquet
/// and Arrow files are read batch by batch for every query, only the columns it needs; text is read
/// once and kept as columns as long as that is at most 64 MiB a table and 256 MiB in all, and
/// batch by batch otherwise. Rows are in the order of the paths of their files, then of their
/// lines.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    tables: BTreeMap<String, Arc<Table>>,
    kept: Arc<AtomicUsize>,
    reading: Reading,
    found: Vec<Found>,
    /// What a run has read, where somebody wants to know.
    read: Option<Arc<Mutex<Read>>>,
}

/// The tables that were read, and the columns of each that were needed.
type Read = (BTreeSet<String>, BTreeMap<String, BTreeSet<String>>);

/// A file or a folder of tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The file or the folder.
    pub path: PathBuf,
    /// The table that all of its rows belong to; without it, they belong to those that the files
    /// are named after. The format of a file whose name tells none is told by its first bytes.
    pub table: Option<String>,
    /// What errors call it, where that is not its path.
    pub shown: Option<String>,
}

impl Place {
    /// The tables of a folder, or that of a file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            ..Self::default()
        }
    }

    fn shown(&self) -> String {
        let path = || self.path.display().to_string();
        self.shown.clone().unwrap_or_else(path)
    }
}

/// What was found at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What errors call the place.
    pub shown: String,
    /// Whether it is a folder whose files are named after their tables.
    pub is_folder: bool,
    /// The tables that have rows from there, sorted.
    pub tables: BTreeSet<String>,
}

impl Catalog {
    /// The folder beside the tables that is none, but what `externaldata` may read.
    pub const EXTERNAL_DATA: &'static str = "externaldata";

    /// A catalog without tables.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a table of `columns`, with rows in ordinary Arrow types.
    ///
    /// A column is found in a batch by its name; a missing one is null (`""` for strings), further
    /// ones are ignored. Dynamic columns are JSON text. Timestamps of any unit and durations become
    /// datetimes and timespans; text is converted as KQL's `to…` functions do, and a value that is
    /// none of its column's type is an error of the query. A table of the same name is replaced.
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

    /// Adds a table that is a file, by its extension: JSON (`.json`, `.ndjson`, `.jsonl`), CSV
    /// (`.csv`, `.tsv`), each also with `.gz` or `.zst`; Parquet (`.parquet`); Arrow IPC (`.arrow`,
    /// `.feather`).
    ///
    /// JSON is a row per line, an array of rows or rows over several lines. What people have rows
    /// in is understood: records of the Streaming API (`{"time", "category", "properties"}`), Event
    /// Hub envelopes (`{"records": […]}`), bodies of events, saved responses of the APIs, of Log
    /// Analytics and of Kusto; where `columns` tell which rows are meant, also with other keys
    /// beside. Records whose `category` is `AdvancedHunting-` and another table are left out. A
    /// nested value is `dynamic`, or JSON text in a column of type `string`; a key that is there
    /// twice is an error. CSV has a header line with the names of the columns, as the portal's
    /// Export writes them; an empty cell is null. A first line `sep=;` names the separator, and so
    /// does a header without commas but with semicolons, tabs or bars; a line `#TYPE …` is passed
    /// over.
    ///
    /// With `columns`, a file or a record that has none of them is an error.
    ///
    /// Text is UTF-8, or UTF-16 with a byte order mark; whether it is compressed its first bytes
    /// tell, whatever it is called.
    ///
    /// Columns that the file has and `columns` has not are kept, after them, with the type that all
    /// their values have in JSON (else `dynamic`). In CSV it is the type whose values all cells
    /// are, `long`, `real`, `bool` or `datetime`, else `string`; so is a column with a cell that
    /// would not come back as it is written (a leading zero, `10.10`, too many digits). A byte that
    /// is no text, a line that is no row and a value that is none of its column's type are errors with
    /// the file and the line; the last one only of queries that read the column.
    pub fn add_file(
        &mut self,
        name: impl Into<String>,
        columns: Option<Vec<(String, ScalarType)>>,
        path: impl Into<PathBuf>,
    ) {
        let name = name.into();
        let records = Records {
            table: name.clone(),
            own: true,
            others: Others::LeftOut,
        };
        let source = Source::new(path.into(), records);
        self.insert(name, columns, Data::Files(vec![source]));
    }

    /// The tables of a folder: each file, or folder of files, is a table of its name. `path` may
    /// also be one file.
    ///
    /// `schema` knows the columns of tables by their name; columns of other tables come from the
    /// files. A file is named after its table, and after a dot after its part of it where `schema`
    /// knows the table: `T.2024-01.csv` and `T.2024-02.json` are rows of `T` then, and tables of
    /// their own otherwise. A folder may hold files of several formats and folders of files. What begins with a dot is not looked at, nor, inside the folder of a table, what
    /// begins with `_`. Another file that cannot be read is an error of its table; one that belongs
    /// to none is passed over. The folder [`EXTERNAL_DATA`](Self::EXTERNAL_DATA) is none.
    ///
    /// Folders that are called `name=value` are a column of all files below, of the type that all
    /// its values have; `%3A` is `:`, and `__HIVE_DEFAULT_PARTITION__` no value. A file's own column
    /// of that name counts more. Files of folders that a filter on such columns rules out are not
    /// read. When such folders are in `path` itself, they are the table that `path` is named after.
    /// The folders of Azure's diagnostic logs (`resourceId=`, and hours as `y=`, `m=`, `d=`, `h=`,
    /// `m=`) are no columns.
    ///
    /// In a JSON file that begins with a record of the Streaming API or an envelope every record
    /// belongs to the table its `category` names, whatever the file is called; to know those, such a
    /// file is read through here. Other files are opened by the first query that names their
    /// table, and a record of another table in them is an error.
    ///
    /// # Errors
    ///
    /// [`EngineError::Data`] when the folder cannot be listed.
    pub fn from_folder(
        path: impl AsRef<Path>,
        schema: SchemaLookup<'_>,
    ) -> Result<Self, EngineError> {
        Self::from_folders(&[path], schema)
    }

    /// The tables of several folders, each as [`from_folder`](Self::from_folder) has it; files of
    /// the same table in several of them are one table, in the order of the folders. A file that is
    /// in two of them counts once.
    ///
    /// # Errors
    ///
    /// [`EngineError::Data`] when a folder cannot be listed.
    pub fn from_folders(
        paths: &[impl AsRef<Path>],
        schema: SchemaLookup<'_>,
    ) -> Result<Self, EngineError> {
        let places: Vec<Place> = paths.iter().map(|path| Place::new(path.as_ref())).collect();
        Self::from_places(&places, schema, &[])
    }

    /// The tables of several places, each as [`from_folder`](Self::from_folder) has it; a file or
    /// folder that is named like one of `names`, in any case, is the table of that name.
    ///
    /// # Errors
    ///
    /// [`EngineError::Data`] when a place is not there, or a folder cannot be listed.
    pub fn from_places(
        places: &[Place],
        schema: SchemaLookup<'_>,
        names: &[&str],
    ) -> Result<Self, EngineError> {
        let mut tables: BTreeMap<String, Vec<Source>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        let mut catalog = Self::new();
        for place in places {
            let mut found = Found {
                shown: place.shown(),
                is_folder: place.table.is_none() && place.path.is_dir(),
                tables: BTreeSet::new(),
            };
            for (name, mut sources) in listing::tables_of(place, Known { schema, names })? {
                found.tables.insert(name.clone());
                // A folder and a file in it have the same rows, not twice as many.
                sources.retain(|source| {
                    let own = source.path.canonicalize();
                    own.map_or(true, |own| seen.insert((own, name.clone())))
                });
                tables.entry(name).or_default().extend(sources);
            }
            catalog.found.push(found);
        }
        for (name, sources) in tables {
            let columns = schema(&name);
            catalog.insert(name, columns, Data::Files(sources));
        }
        Ok(catalog)
    }

    /// What was found at each of the places that its tables come from, in their order.
    pub fn found(&self) -> &[Found] {
        &self.found
    }

    /// What each of a table's files has, when the table was read.
    pub fn contents(&self, table: &str) -> &[Contents] {
        let table = self.tables.get(table);
        let loaded = table.and_then(|table| table.loaded.get());
        loaded.map_or(&[], |loaded| {
            loaded.as_ref().map_or(&[], |loaded| &loaded.contents)
        })
    }

    /// The files of a table, as errors call them.
    pub fn files(&self, table: &str) -> Vec<String> {
        let sources = self.sources(table).iter();
        sources
            .map(|source| source.shown.display().to_string())
            .collect()
    }

    /// What the rows of these tables do not hold of their files, as far as those were read: the
    /// first such value of each file, with the file and the place in it; and the first value that
    /// is not the one in the name of the file's folder.
    ///
    /// A dynamic value has a key once, the last one of its text, and its numbers are longs or
    /// reals. Neither is an error, as it is none of `parse_json`. Nor is a time with digits below
    /// 100 ns, or a row among others without a value in any column of its table; of those it is
    /// told how many there are.
    pub fn losses<'a>(&self, tables: impl IntoIterator<Item = &'a String>) -> Vec<String> {
        let sources = tables.into_iter().flat_map(|table| self.sources(table));
        let told = sources.flat_map(|source| {
            let told = source.losses.told(&source.records.table).into_iter();
            told.map(|lost| format!("in {}, {lost}", source.shown.display()))
        });
        told.collect()
    }

    /// Why files of these tables, as far as those were read, may lack rows: a stream of Arrow that
    /// ends with a batch, and not with the marker of its end.
    ///
    /// Writers of old did not write the marker, and one that is interrupted does not either.
    pub fn unfinished<'a>(&self, tables: impl IntoIterator<Item = &'a String>) -> Vec<String> {
        let sources = tables.into_iter().flat_map(|table| self.sources(table));
        sources
            .filter_map(|source| source.said(Loss::End))
            .collect()
    }

    /// The first row of each file of a table that has no `Timestamp` where others of it have one,
    /// as far as the times were read: no condition on the time is true of it.
    pub fn timeless(&self, table: &str) -> Vec<String> {
        let contents = self.contents(table).iter();
        let sources = self.sources(table).iter().zip(contents);
        sources
            .filter(|(_, contents)| !contents.lacks.contains(STAMP))
            .filter_map(|(source, _)| source.said(Loss::Time))
            .collect()
    }

    /// Texts in these columns of a table that `todatetime()` reads with the month first where the
    /// day may be meant: the first one of each file and column, as far as its first rows tell.
    pub fn misread_dates<'a>(
        &self,
        table: &str,
        columns: impl IntoIterator<Item = &'a str>,
    ) -> Vec<String> {
        let types: BTreeMap<String, ScalarType> = self
            .columns(table)
            .unwrap_or_default()
            .into_iter()
            .collect();
        let declared = self.tables.get(table).and_then(|one| one.declared.as_ref());
        let is_declared = |name: &str| {
            declared.is_some_and(|declared| declared.iter().any(|(own, _)| own == name))
        };
        let mut said = Vec::new();
        for column in columns {
            if types.get(column) != Some(&ScalarType::String) {
                continue;
            }
            for source in self.sources(table) {
                let Some((written, what)) = source.misread(column) else {
                    continue;
                };
                let is_text = matches!(source.format(), Ok(Format::Json | Format::Separated(_)));
                let remedy = match source.reading.date_order {
                    None if is_text && !is_declared(column) => {
                        "; with --date-order dmy or mdy a column of such dates is one of times"
                    }
                    Some(_) => "; --date-order does not reach it, as the column stays text",
                    None => "",
                };
                said.push(format!(
                    "in {}, column {column} has {}, which todatetime() {what}{remedy}",
                    source.shown.display(),
                    fit::in_short(&written)
                ));
            }
        }
        said
    }

    fn sources(&self, table: &str) -> &[Source] {
        match self.tables.get(table).map(|table| &table.data) {
            Some(Data::Files(sources)) => sources,
            _ => &[],
        }
    }

    /// The same tables; those that are read from now on are told by [`was_read`](Self::was_read).
    pub(crate) fn watched(&self) -> Self {
        Self {
            read: Some(Arc::default()),
            ..self.clone()
        }
    }

    /// The tables that were read since [`watched`](Self::watched), and their columns.
    pub(crate) fn was_read(&self) -> Read {
        let read = self.read.as_ref();
        read.map_or_else(Read::default, |read| {
            read.lock().unwrap_or_else(PoisonError::into_inner).clone()
        })
    }

    /// Remembers which columns of a table are needed.
    pub(crate) fn note_columns<'a>(&self, table: &str, columns: impl Iterator<Item = &'a str>) {
        if let Some(read) = &self.read {
            let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
            let known = read.1.entry(table.to_owned()).or_default();
            known.extend(columns.map(str::to_owned));
        }
    }

    /// Remembers that a table, or what is read like one, was read.
    pub(crate) fn note_read(&self, name: &str) {
        if let Some(read) = &self.read {
            let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
            if !read.0.contains(name) {
                read.0.insert(name.to_owned());
            }
        }
    }

    /// Takes over every table of `other`; of equal names those of `other` stay.
    pub fn merge(&mut self, other: Self) {
        self.tables.extend(other.tables);
        self.found.extend(other.found);
    }

    /// Keeps the tables whose name `keep` wants; the others are unknown to every query, wildcards
    /// and `search` included.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.tables.retain(|name, _| keep(name));
    }

    /// The names of all tables, sorted.
    pub fn table_names(&self) -> Vec<String> {
        self.tables.keys().cloned().collect()
    }

    /// The columns of a table, reading it if only its rows tell.
    ///
    /// # Errors
    ///
    /// [`EngineError::Runtime`] when there is no such table, [`EngineError::Data`] when its files
    /// cannot be read.
    pub fn columns(&self, name: &str) -> Result<Vec<(String, ScalarType)>, EngineError> {
        Ok(self.load(name)?.columns.clone())
    }

    /// The columns as the binder wants them; `None` when there is no such table.
    pub(crate) fn schema(&self, name: &str) -> Option<Result<TableSchema, EngineError>> {
        self.tables.get(name)?;
        let schema = |loaded: Arc<Loaded>| TableSchema {
            columns: loaded
                .columns
                .iter()
                .map(|(name, ty)| ColumnSchema::new(name, *ty))
                .collect(),
        };
        Some(self.load(name).map(schema))
    }

    /// Reads the files of all tables, and of those that are added later, in another way.
    pub fn set_reading(&mut self, reading: Reading) {
        self.reading = reading;
        for (name, table) in std::mem::take(&mut self.tables) {
            match &table.data {
                Data::Batches(_) => {
                    self.tables.insert(name, table);
                }
                Data::Files(sources) => {
                    let sources = Data::Files(sources.clone());
                    self.insert(name, table.declared.clone(), sources);
                }
            }
        }
    }

    fn insert(
        &mut self,
        name: String,
        declared: Option<Vec<(String, ScalarType)>>,
        mut data: Data,
    ) {
        if let Data::Files(sources) = &mut data {
            for source in sources {
                source.reading = self.reading;
            }
        }
        self.tables.insert(
            name,
            Arc::new(Table {
                declared,
                data,
                loaded: OnceLock::new(),
                kept: Arc::clone(&self.kept),
            }),
        );
    }

    pub(crate) fn load(&self, name: &str) -> Result<Arc<Loaded>, EngineError> {
        let table = self
            .tables
            .get(name)
            .ok_or_else(|| EngineError::runtime(format!("there is no table '{name}'")))?;
        self.note_read(name);
        table
            .loaded
            .get_or_init(|| table.read(name).map(Arc::new))
            .clone()
    }
}
