//! Tables that are files on disk.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use flate2::read::MultiGzDecoder;
use kql_semantics::ScalarType;

use super::folders::{self, Folder};
use super::infer::{self, Kind, Kinds};
use super::{columnar, json, separated};
use crate::EngineError;

/// The most rows of a batch.
pub(super) const ROWS: usize = 8192;

/// The bytes of text after which a batch ends, however few rows it has.
pub(super) const BYTES: usize = 4 << 20;

/// Rows of a file, a batch at a time.
pub(super) type Batches = Box<dyn Iterator<Item = Result<RecordBatch, EngineError>> + Send>;

/// The columns of a file, and its rows, if they were read on the way.
pub(super) struct Explored {
    pub(super) kinds: Kinds,
    /// Whether the declared columns that it has are among them.
    pub(super) all: bool,
    pub(super) kept: Option<Vec<RecordBatch>>,
}

/// How a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Separated(u8),
    Parquet,
    Arrow,
}

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    Zstandard,
}

/// Which rows of a JSON file are rows of a table.
#[derive(Debug, Clone)]
pub(super) struct Records {
    pub(super) table: String,
    /// Whether rows that say nothing about their table are.
    pub(super) own: bool,
    pub(super) others: Others,
}

/// What becomes of records of other tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Others {
    /// They are rows of their own table.
    Elsewhere,
    /// One table of the file was asked for.
    LeftOut,
    /// Nobody would have them.
    Refused,
}

/// A file of rows.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) path: Arc<Path>,
    pub(super) records: Records,
    /// The columns in the names of its folders.
    pub(super) folders: Arc<[Folder]>,
}

/// What is in the name of a file: its table, its format, its compression.
fn describe(path: &Path) -> Option<(String, Format, Packing)> {
    let name = path.file_name()?.to_str()?;
    let (stem, packing) = if let Some(stem) = name.strip_suffix(".gz") {
        (stem, Packing::Gzip)
    } else if let Some(stem) = name.strip_suffix(".zst") {
        (stem, Packing::Zstandard)
    } else {
        (name, Packing::Plain)
    };
    let (table, extension) = stem.rsplit_once('.')?;
    let format = match extension.to_ascii_lowercase().as_str() {
        "json" | "ndjson" | "jsonl" => Format::Json,
        "csv" => Format::Separated(b','),
        "tsv" => Format::Separated(b'\t'),
        "parquet" => Format::Parquet,
        "arrow" | "feather" => Format::Arrow,
        _ => return None,
    };
    if packing != Packing::Plain && matches!(format, Format::Parquet | Format::Arrow) {
        return None;
    }
    let table = table.split('.').next()?;
    (!table.is_empty()).then(|| (table.to_owned(), format, packing))
}

/// Names a file in errors.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    path: Arc<Path>,
    packed: bool,
}

impl Failure {
    pub(super) fn whole(&self, error: &dyn fmt::Display) -> EngineError {
        EngineError::runtime(format!("cannot read {}: {error}", self.path.display()))
    }

    pub(super) fn at(&self, line: usize, what: &str) -> EngineError {
        self.whole(&format_args!("line {line} {what}"))
    }

    /// The bytes could not be had.
    pub(super) fn read(&self, line: usize, error: &io::Error) -> EngineError {
        if self.packed && error.kind() == io::ErrorKind::UnexpectedEof {
            self.whole(&format_args!(
                "the compressed data is cut off after line {}",
                line.saturating_sub(1)
            ))
        } else {
            self.whole(&format_args!("{error} (at line {line})"))
        }
    }
}

/// A file open for reading its text.
pub(super) struct Opened {
    pub(super) reader: Box<dyn BufRead + Send>,
    pub(super) failure: Failure,
}

impl Source {
    pub(super) fn new(path: PathBuf, records: Records) -> Self {
        Self {
            path: path.into(),
            records,
            folders: Arc::default(),
        }
    }

    /// The same file below folders of other columns.
    pub(super) fn below(&self, folders: Vec<Folder>) -> Self {
        Self {
            folders: folders.into(),
            ..self.clone()
        }
    }

    pub(super) fn failure(&self) -> Failure {
        Failure {
            path: Arc::clone(&self.path),
            packed: !matches!(describe(&self.path), Some((_, _, Packing::Plain))),
        }
    }

    pub(super) fn file(&self) -> Result<File, EngineError> {
        File::open(&self.path).map_err(|error| self.failure().whole(&error))
    }

    /// The bytes without their compression.
    pub(super) fn bytes(&self) -> Result<Opened, EngineError> {
        const BUFFER: usize = 1 << 16;
        let file = self.file()?;
        let failure = self.failure();
        let reader: Box<dyn BufRead + Send> = match describe(&self.path) {
            Some((_, _, Packing::Gzip)) => Box::new(BufReader::with_capacity(
                BUFFER,
                MultiGzDecoder::new(BufReader::new(file)),
            )),
            Some((_, _, Packing::Zstandard)) => {
                let decoder = zstd::stream::read::Decoder::new(file)
                    .map_err(|error| failure.whole(&error))?;
                Box::new(BufReader::with_capacity(BUFFER, decoder))
            }
            _ => Box::new(BufReader::with_capacity(BUFFER, file)),
        };
        Ok(Opened { reader, failure })
    }

    fn format(&self) -> Result<Format, EngineError> {
        match describe(&self.path) {
            Some((_, format, _)) => Ok(format),
            None => Err(self
                .failure()
                .whole(&"its extension names no format that can be read")),
        }
    }

    /// Whether reading it again costs as much as the first time: text, and not too much of it.
    pub(super) fn is_worth_keeping(&self) -> bool {
        let text = matches!(self.format(), Ok(Format::Json | Format::Separated(_)));
        let length = std::fs::metadata(&self.path).map_or(u64::MAX, |one| one.len());
        text && length <= 32 << 20
    }

    /// The columns the file has; rows that were read on the way, when they are at most `limit`
    /// bytes.
    pub(super) fn explore(
        &self,
        declared: &[(String, ScalarType)],
        limit: usize,
    ) -> Result<Explored, EngineError> {
        let kinds = match self.format()? {
            Format::Json => {
                let (found, kept) = json::explore(self, declared, limit)?;
                return Ok(Explored {
                    kinds: infer::known(found),
                    all: false,
                    kept,
                });
            }
            Format::Separated(separator) => separated::columns(self, separator, declared)?
                .into_iter()
                .map(|(name, guess)| (name, Kind::Cells(guess)))
                .collect(),
            Format::Parquet => infer::known(columnar::parquet_columns(self)?),
            Format::Arrow => infer::known(columnar::arrow_columns(self)?),
        };
        Ok(Explored {
            kinds,
            all: true,
            kept: None,
        })
    }

    pub(super) fn is_parquet(&self) -> bool {
        matches!(self.format(), Ok(Format::Parquet))
    }

    /// The rows with exactly the `wanted` columns.
    pub(super) fn open(&self, wanted: &[(String, ScalarType)]) -> Result<Batches, EngineError> {
        let batches = self.read(wanted)?;
        if self.folders.is_empty() {
            return Ok(batches);
        }
        let (folders, wanted) = (Arc::clone(&self.folders), wanted.to_vec());
        Ok(Box::new(batches.map(move |batch| {
            folders::filled(&folders, &wanted, batch?)
        })))
    }

    fn read(&self, wanted: &[(String, ScalarType)]) -> Result<Batches, EngineError> {
        match self.format()? {
            Format::Json => json::open(self, wanted),
            Format::Separated(separator) => separated::open(self, separator, wanted),
            Format::Parquet => columnar::parquet(self, wanted),
            Format::Arrow => columnar::arrow(self, wanted),
        }
    }
}

fn listing(folder: &Path) -> Result<Vec<PathBuf>, EngineError> {
    let mut paths = std::fs::read_dir(folder)
        .and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.path()))
                .collect::<Result<Vec<_>, _>>()
        })
        .map_err(|error| {
            EngineError::runtime(format!("cannot read {}: {error}", folder.display()))
        })?;
    paths.sort();
    Ok(paths)
}

fn is_hidden(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .is_none_or(|name| name.starts_with('.'))
}

/// The tables in `folder` and their files, in the order of their paths.
pub(super) fn tables_of(folder: &Path) -> Result<BTreeMap<String, Vec<Source>>, EngineError> {
    let mut files: Vec<(PathBuf, String)> = Vec::new();
    for path in listing(folder)? {
        if is_hidden(&path) {
            continue;
        }
        if path.is_dir() {
            let name = path.file_name().and_then(|name| name.to_str());
            let name = match name.unwrap_or_default() {
                name if folders::is_partition(name) => own_name(folder)?,
                name => name.to_owned(),
            };
            let mut waiting = vec![path.clone()];
            while let Some(next) = waiting.pop() {
                for inner in listing(&next)? {
                    if is_hidden(&inner) {
                        continue;
                    }
                    if inner.is_dir() {
                        waiting.push(inner);
                    } else if describe(&inner).is_some() {
                        files.push((inner, name.clone()));
                    }
                }
            }
        } else if let Some((table, _, _)) = describe(&path) {
            files.push((path, table));
        }
    }
    files.sort();
    let mut tables: BTreeMap<String, Vec<Source>> = BTreeMap::new();
    for (path, table) in files {
        let inside = path
            .strip_prefix(folder)
            .map_or_else(|_| Vec::new(), folders::of);
        let whole = Source::new(
            path,
            Records {
                table: table.clone(),
                own: true,
                others: Others::Refused,
            },
        );
        for source in split(whole.below(inside), &table) {
            let name = source.records.table.clone();
            tables.entry(name).or_default().push(source);
        }
    }
    Ok(tables)
}

/// What a folder is called, however it was written.
fn own_name(folder: &Path) -> Result<String, EngineError> {
    let path = folder.canonicalize().map_err(|error| {
        EngineError::runtime(format!("cannot read {}: {error}", folder.display()))
    })?;
    let name = path.file_name().and_then(|name| name.to_str());
    Ok(name.unwrap_or_default().to_owned())
}

/// A file as a source of each table whose rows it has; `table` is the one it is named after.
fn split(whole: Source, table: &str) -> Vec<Source> {
    let found = match whole.format() {
        Ok(Format::Json) => json::tables(&whole),
        _ => None,
    };
    let Some(found) = found else {
        return vec![whole];
    };
    let own = (found.own && !found.tables.contains(table)).then(|| table.to_owned());
    found
        .tables
        .into_iter()
        .chain(own)
        .map(|name| Source {
            records: Records {
                own: found.own && name == table,
                table: name,
                others: Others::Elsewhere,
            },
            ..whole.clone()
        })
        .collect()
}
