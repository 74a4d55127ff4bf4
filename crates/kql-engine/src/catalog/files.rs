//! Tables that are files on disk.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use kql_semantics::ScalarType;

use super::aliases::{self, Alias, Names};
use super::folders::{self, Counts, Folder};
use super::infer::{self, Kind, Kinds};
use super::losses::Losses;
use super::reading::Reading;
use super::times::Orders;
use super::{columnar, ipc, json, separated, strangers};
use crate::EngineError;
use crate::text::separated::without_marks;

/// The most rows of a batch.
pub(super) const ROWS: usize = 8192;

/// The most columns of a file of columns.
pub(super) const COLUMNS: usize = 100_000;

/// The bytes of text after which a batch ends, however few rows it has.
pub(super) const BYTES: usize = 4 << 20;

/// Rows of a file, a batch at a time.
pub(super) type Batches = Box<dyn Iterator<Item = Result<RecordBatch, EngineError>> + Send>;

/// The columns of a file, and its rows, if they were read on the way.
pub(super) struct Explored {
    pub(super) kinds: Kinds,
    /// What the file itself calls its columns.
    pub(super) own: Vec<String>,
    /// Whether the declared columns that it has are among them.
    pub(super) all: bool,
    /// Whether every row is known to have a value in a column of the table, or was looked at.
    pub(super) filled: bool,
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
    /// What errors call it.
    pub(super) shown: Arc<Path>,
    /// How it is read where its name does not tell.
    pub(super) format: Option<Format>,
    pub(super) records: Records,
    /// The columns in the names of its folders.
    pub(super) folders: Arc<[Folder]>,
    /// The columns it has under other names.
    pub(super) aliases: Arc<[Alias]>,
    /// The declared columns of its table.
    pub(super) names: Arc<Names>,
    pub(super) reading: Reading,
    pub(super) orders: Orders,
    pub(super) losses: Losses,
}

/// What is in the name of a file: its format, and whether it is compressed.
pub(super) fn describe(path: &Path) -> Option<(Format, bool)> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    let packed = name
        .strip_suffix(".gz")
        .or_else(|| name.strip_suffix(".zst"));
    let (_, extension) = packed.unwrap_or(&name).rsplit_once('.')?;
    let format = match extension {
        "json" | "ndjson" | "jsonl" => Format::Json,
        "csv" => Format::Separated(b','),
        "tsv" => Format::Separated(b'\t'),
        "parquet" => Format::Parquet,
        "arrow" | "feather" => Format::Arrow,
        _ => return None,
    };
    let columnar = matches!(format, Format::Parquet | Format::Arrow);
    (packed.is_none() || !columnar).then_some((format, packed.is_some()))
}

/// Names a file in errors.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    path: Arc<Path>,
    pub(super) packed: bool,
}

impl Failure {
    pub(super) fn of(path: &Path) -> Self {
        Self {
            path: path.into(),
            packed: false,
        }
    }

    pub(super) fn whole(&self, error: &dyn fmt::Display) -> EngineError {
        EngineError::data(format!("cannot read {}: {error}", self.path.display()))
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

/// Whether a text has nothing but blanks.
fn is_blank(reader: &mut dyn BufRead) -> bool {
    while let Ok(bytes) = reader.fill_buf() {
        if bytes.is_empty() {
            return true;
        }
        if !without_marks(bytes).trim_ascii().is_empty() {
            return false;
        }
        let length = bytes.len();
        reader.consume(length);
    }
    false
}

/// Opens a file. What is none waits for somebody who writes, or never ends.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let kind = std::fs::metadata(path)?.file_type();
    if !kind.is_file() {
        return Err(io::Error::other(what_else(kind)));
    }
    File::open(path)
}

/// What something is that is no file.
#[cfg(unix)]
fn what_else(kind: std::fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    if kind.is_fifo() {
        "it is a named pipe, not a file"
    } else if kind.is_socket() {
        "it is a socket, not a file"
    } else if kind.is_dir() {
        "it is a folder, not a file"
    } else {
        "it is a device, not a file"
    }
}

#[cfg(not(unix))]
fn what_else(_: std::fs::FileType) -> &'static str {
    "it is not a file"
}

impl Source {
    pub(super) fn new(path: PathBuf, records: Records) -> Self {
        let path: Arc<Path> = path.into();
        Self {
            shown: Arc::clone(&path),
            path,
            format: None,
            records,
            folders: Arc::default(),
            aliases: Arc::default(),
            names: Arc::default(),
            reading: Reading::default(),
            orders: Orders::default(),
            losses: Losses::default(),
        }
    }

    /// The same file, as one of a table with these declared columns.
    pub(super) fn of_table(&self, names: &Arc<Names>) -> Self {
        Self {
            names: Arc::clone(names),
            ..self.clone()
        }
    }

    /// The same file, as errors are to call it.
    pub(super) fn called(self, shown: &str) -> Self {
        Self {
            shown: Path::new(shown).into(),
            ..self
        }
    }

    /// The same file; what its name does not tell of its format its first bytes do.
    pub(super) fn sniffed(self) -> Self {
        let format = match describe(&self.path) {
            Some(_) => None,
            // What cannot be read is an error of the query that names the table.
            None => self.sniff().ok(),
        };
        Self { format, ..self }
    }

    /// The same file below folders of other columns.
    pub(super) fn below(&self, folders: Vec<Folder>) -> Self {
        Self {
            folders: folders.into(),
            ..self.clone()
        }
    }

    /// The same file, with columns under other names.
    pub(super) fn with_aliases(self, aliases: Vec<Alias>) -> Self {
        Self {
            aliases: aliases.into(),
            ..self
        }
    }

    pub(super) fn failure(&self) -> Failure {
        Failure::of(&self.shown)
    }

    pub(super) fn file(&self) -> Result<File, EngineError> {
        open(&self.path).map_err(|error| self.failure().whole(&error))
    }

    /// Whether its name says that it is compressed.
    pub(super) fn is_packed_by_name(&self) -> bool {
        describe(&self.path).is_some_and(|(_, packed)| packed)
    }

    pub(super) fn format(&self) -> Result<Format, EngineError> {
        let known = self.format.or_else(|| Some(describe(&self.path)?.0));
        match known {
            Some(format) => Ok(format),
            // What it is instead says more: a device, an archive, a link to nothing.
            None => self.sniff().and(Err(self.failure().whole(
                &"its extension names no format that can be read; name its table (NAME=PATH), take it away, or let its name begin with a dot",
            ))),
        }
    }

    /// How many bytes it has.
    pub(super) fn length(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(u64::MAX, |one| one.len())
    }

    /// Whether there is nothing in it but blank lines, once it is unpacked.
    pub(super) fn is_empty(&self) -> bool {
        let text = matches!(self.format(), Ok(Format::Json | Format::Separated(_)));
        text && self
            .bytes()
            .is_ok_and(|mut opened| is_blank(&mut opened.reader))
    }

    /// Whether reading it again costs as much as the first time: text, and not too much of it.
    pub(super) fn is_worth_keeping(&self) -> bool {
        let text = matches!(self.format(), Ok(Format::Json | Format::Separated(_)));
        text && self.length() <= 32 << 20
    }

    /// The columns the file has; rows that were read on the way, when they are at most `limit`
    /// bytes.
    pub(super) fn explore(
        &self,
        declared: &[(String, ScalarType)],
        limit: usize,
    ) -> Result<Explored, EngineError> {
        let mut filled = false;
        let kinds: Kinds = match self.format()? {
            Format::Json => return json::explore(self, declared, limit),
            Format::Separated(separator) => separated::columns(self, separator)?
                .into_iter()
                .map(|(name, guess)| (name, Kind::Cells(guess)))
                .collect(),
            Format::Parquet => {
                self.check_kind()?;
                let (columns, known) = columnar::parquet_columns(self)?;
                filled = known;
                infer::known(columns)
            }
            Format::Arrow => {
                self.check_kind()?;
                infer::known(ipc::columns(self)?)
            }
        };
        Ok(Explored {
            own: kinds.iter().map(|(name, _)| name.clone()).collect(),
            kinds,
            all: true,
            filled,
            kept: None,
        })
    }

    /// Whether columns that it has are columns of its table; documents are looked at one by one.
    pub(super) fn check_known(&self, found: &Explored) -> Result<(), EngineError> {
        let names = || found.kinds.iter().map(|(name, _)| name.as_str());
        if !found.all || self.names.is_free() || found.kinds.is_empty() {
            return Ok(());
        }
        if !strangers::is_envelope(names(), |name| self.names.has(name))
            && (names().any(|name| self.names.tells(name))
                || names().all(|name| self.names.has(name)))
        {
            return Ok(());
        }
        let table = &self.records.table;
        let what = if strangers::is_envelope(names(), |name| self.names.has(name)) {
            strangers::envelopes(table, names())
        } else {
            strangers::file(table, names())
        };
        Err(self.failure().whole(&what))
    }

    /// Whether its conditions can be looked at before its rows are: not where a column is made of
    /// two, or is to be compared with the name of a folder.
    pub(super) fn is_pruned(&self) -> bool {
        let is_compared = |folder: &Folder| folder.counts == Counts::Nowhere;
        self.aliases.is_empty()
            && !self.folders.iter().any(is_compared)
            && matches!(self.format(), Ok(Format::Parquet))
    }

    /// The rows with exactly the `wanted` columns.
    pub(super) fn open(&self, wanted: &[(String, ScalarType)]) -> Result<Batches, EngineError> {
        let batches = self.read(wanted)?;
        let (source, wanted) = (self.clone(), wanted.to_vec());
        let mut first = 0;
        Ok(Box::new(batches.map(move |batch| {
            let batch = folders::filled(&source, &wanted, batch?)
                .map_err(|error| source.failure().whole(&error))?;
            source.look_at_times(&batch, &wanted, Some(first));
            first += batch.num_rows();
            Ok(batch)
        })))
    }

    fn read(&self, wanted: &[(String, ScalarType)]) -> Result<Batches, EngineError> {
        if self.aliases.is_empty() {
            return self.read_as_named(wanted);
        }
        if let Some(why) = aliases::refused(&self.aliases, wanted) {
            return Err(self.failure().whole(&why));
        }
        let all = aliases::with_sources(&self.aliases, wanted);
        let batches = self.read_as_named(&all)?;
        let twice = aliases::read_twice(&self.aliases, wanted);
        let mut again = match twice.as_slice() {
            [] => None,
            twice => Some(self.read_as_named(twice)?),
        };
        let (aliases, wanted) = (Arc::clone(&self.aliases), wanted.to_vec());
        let (failure, mut first) = (self.failure(), 0);
        // Where batches end depends on the file, not on the columns that are read.
        Ok(Box::new(batches.map(move |batch| {
            let batch = batch?;
            let again = again.as_mut().and_then(Iterator::next).transpose()?;
            let filled = aliases::filled(&aliases, &wanted, &batch, again.as_ref(), first);
            first += batch.num_rows();
            filled.map_err(|error| failure.whole(&error))
        })))
    }

    pub(super) fn read_as_named(
        &self,
        wanted: &[(String, ScalarType)],
    ) -> Result<Batches, EngineError> {
        match self.format()? {
            Format::Json => json::open(self, wanted),
            Format::Separated(separator) => separated::open(self, separator, wanted),
            Format::Parquet => columnar::parquet(self, wanted),
            Format::Arrow => ipc::open(self, wanted),
        }
    }
}
