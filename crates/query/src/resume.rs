//! The file that an interrupted export goes on from.
//!
//! It is only ever appended to, one record after another: a line of JSON, and after the line of a
//! finished slice its rows as a compressed Arrow stream. What a killed process left half written
//! at the end is cut off when the file is opened again.

mod question;

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use defender_core::{Error, ErrorKind, Result, open_file, with_folder_hint};
use defender_drivers::{Counted, Slice, SliceStore};
use defender_table::arrow::error::ArrowError;
use defender_table::arrow::ipc::reader::StreamReader;
use defender_table::arrow::ipc::writer::StreamWriter;
use defender_table::{Summary, Table, Timespan, Warning, WarningKind};
use serde::{Deserialize, Serialize};

use question::Recorded;

pub use question::{Begun, Question};

/// How a file begins.
const BEGINNING: &[u8] = b"{\"question\"";

/// The most bytes of a line: the question that a file begins with may be a long query.
const LONGEST: u64 = 64 << 20;

/// zstd's own default: rows of one table shrink to about a tenth.
const LEVEL: i32 = 3;

/// The most bytes of the rows of a slice, unpacked: the services return 50 MB of text, whose values
/// take at most some times as much in Arrow.
const LARGEST: u64 = 1 << 30;

/// The bit of a frame's descriptor that says that its content has a checksum.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1.1.1>
const CHECKSUM: u8 = 1 << 2;

/// A file of finished slices.
///
/// One process at a time has it open. [`store`](Self::store) gives each tenant its own part.
#[derive(Debug)]
pub struct ResumeFile {
    path: PathBuf,
    timespan: Timespan,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    end: u64,
    rows: HashMap<(String, Slice), Kept>,
    divisions: HashMap<(String, Slice), Vec<Counted>>,
    caps: HashMap<String, usize>,
}

impl Drop for State {
    fn drop(&mut self) {
        // Closing is not enough: a process that is just being started has the file open as well.
        let _ = self.file.unlock();
    }
}

/// Where the rows of a slice are.
#[derive(Clone, Debug)]
struct Kept {
    offset: u64,
    bytes: u64,
    summary: Summary,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Record {
    Question(Recorded),
    Division {
        target: String,
        slice: Slice,
        parts: Vec<Counted>,
    },
    Cap {
        target: String,
        rows: usize,
    },
    Rows {
        target: String,
        slice: Slice,
        rows: usize,
        warnings: Vec<Said>,
        bytes: u64,
    },
}

#[derive(Debug, Serialize, Deserialize)]
struct Said {
    kind: String,
    message: String,
    column: Option<String>,
    count: u64,
}

impl ResumeFile {
    /// Opens the file of an export that was begun, or begins one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] when the file belongs to another question or is no such file, or
    /// another process has it open; [`ErrorKind::Io`] when it cannot be read or written.
    pub fn open(path: &Path, question: &Question) -> Result<Arc<Self>> {
        let failed = |error| cannot("open", path, error);
        refuse_what_is_no_file(path)?;
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        owner_only(&mut options);
        let file = options.open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::new(
                    ErrorKind::Usage,
                    format!("{} is in use by another run", path.display()),
                ));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let mut state = State {
            file,
            end: 0,
            rows: HashMap::new(),
            divisions: HashMap::new(),
            caps: HashMap::new(),
        };
        let begun = state.read(path)?;
        // Half a record at the end is of a process that did not live to finish it.
        state.file.set_len(state.end).map_err(failed)?;
        let timespan = if let Some(recorded) = begun {
            recorded.compare(question, path)?
        } else {
            let record = Record::Question(Recorded::of(question));
            state
                .append(&record, &[])
                .map_err(|error| cannot("write", path, error))?;
            question.timespan
        };
        Ok(Arc::new(Self {
            path: path.to_owned(),
            timespan,
            state: Mutex::new(state),
        }))
    }

    /// When the export began that the file at `path` holds, and `None` without a file; nothing is
    /// locked, and nothing changes.
    ///
    /// Who renders a query with this time in place of now asks the same again.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), as far as reading goes.
    pub fn begun(path: &Path) -> Result<Option<Begun>> {
        refuse_what_is_no_file(path)?;
        let file = match open_file(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(cannot("open", path, error)),
        };
        let mut line = Vec::new();
        let mut reader = BufReader::new(file);
        if !may_begin(&mut reader).map_err(|error| cannot("read", path, error))? {
            return Err(foreign(path));
        }
        reader
            .take(LONGEST)
            .read_until(b'\n', &mut line)
            .map_err(|error| cannot("read", path, error))?;
        if line.last() != Some(&b'\n') {
            // Nothing, or the beginning of a first record: no export to go on with.
            return Ok(None);
        }
        match serde_json::from_slice::<Record>(&line) {
            Ok(Record::Question(recorded)) => match recorded.begun() {
                Some(begun) => Ok(Some(begun)),
                None => Err(foreign(path)),
            },
            _ => Err(foreign(path)),
        }
    }

    /// The range of time of the export, as it was when it began.
    pub fn timespan(&self) -> Timespan {
        self.timespan
    }

    /// How many slices are finished, and how many rows they have.
    pub fn finished(&self) -> (usize, usize) {
        let state = self.state();
        let rows = state.rows.values().map(|kept| kept.summary.rows).sum();
        (state.rows.len(), rows)
    }

    /// The finished slices of one tenant.
    pub fn store(self: &Arc<Self>, target: impl Into<String>) -> Arc<dyn SliceStore> {
        Arc::new(Part {
            file: Arc::clone(self),
            target: target.into(),
        })
    }

    /// Deletes the file: the export is done.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] when it cannot be deleted.
    pub fn remove(&self) -> Result<()> {
        std::fs::remove_file(&self.path).map_err(|error| cannot("delete", &self.path, error))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, record: &Record, body: &[u8]) -> Result<()> {
        let mut state = self.state();
        state
            .append(record, body)
            .map_err(|error| cannot("write", &self.path, error))
    }
}

impl State {
    /// Takes in every whole record; returns the first, the question.
    fn read(&mut self, path: &Path) -> Result<Option<Recorded>> {
        let failed = |error| cannot("read", path, error);
        let length = self.file.metadata().map_err(failed)?.len();
        self.file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut reader = BufReader::new(self.file.try_clone().map_err(failed)?);
        if !may_begin(&mut reader).map_err(failed)? {
            return Err(foreign(path));
        }
        let mut question = None;
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = (&mut reader).take(LONGEST).read_until(b'\n', &mut line);
            let read = read.map_err(failed)? as u64;
            if line.last() != Some(&b'\n') {
                // Nobody wrote so long a line, not even half of one.
                return if read == LONGEST {
                    Err(foreign(path))
                } else {
                    Ok(question)
                };
            }
            let Ok(record) = serde_json::from_slice::<Record>(&line) else {
                return Err(foreign(path));
            };
            let body_at = self.end + read;
            let mut next = body_at;
            match record {
                Record::Question(recorded) if question.is_none() => question = Some(recorded),
                Record::Division {
                    target,
                    slice,
                    parts,
                } if question.is_some() => {
                    self.divisions.insert((target, slice), parts);
                }
                Record::Cap { target, rows } if question.is_some() => self.lower(target, rows),
                Record::Rows {
                    target,
                    slice,
                    rows,
                    warnings,
                    bytes,
                } if question.is_some() => {
                    next += bytes;
                    if next > length {
                        return Ok(question);
                    }
                    let step = i64::try_from(bytes).map_err(|_| foreign(path))?;
                    reader.seek_relative(step).map_err(failed)?;
                    let kept = Kept {
                        offset: body_at,
                        bytes,
                        summary: summary(rows, warnings),
                    };
                    self.rows.insert((target, slice), kept);
                }
                _ => return Err(foreign(path)),
            }
            self.end = next;
        }
    }

    fn lower(&mut self, target: String, rows: usize) {
        let cap = self.caps.entry(target).or_insert(rows);
        *cap = rows.min(*cap);
    }

    /// Appends a record, and returns when it is on the disk.
    fn append(&mut self, record: &Record, body: &[u8]) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        let body_at = self.end + line.len() as u64;
        line.extend_from_slice(body);
        // A record is one write: half of one can only be at the end.
        if let Err(error) = self
            .file
            .write_all(&line)
            .and_then(|()| self.file.sync_data())
        {
            // What did not fit must not stand before the next record.
            let _ = self.file.set_len(self.end);
            return Err(error);
        }
        self.end = body_at + body.len() as u64;
        if let Record::Rows {
            target,
            slice,
            rows,
            bytes,
            ..
        } = record
        {
            let kept = Kept {
                offset: body_at,
                bytes: *bytes,
                summary: summary(*rows, Vec::new()),
            };
            self.rows.insert((target.clone(), *slice), kept);
        }
        Ok(())
    }
}

/// The part of a file that is one tenant's.
#[derive(Debug)]
struct Part {
    file: Arc<ResumeFile>,
    target: String,
}

impl Part {
    fn key(&self, slice: &Slice) -> (String, Slice) {
        (self.target.clone(), *slice)
    }
}

impl SliceStore for Part {
    fn rows(&self, slice: &Slice) -> Result<Option<Table>> {
        let path = &self.file.path;
        let (body, summary) = {
            let mut state = self.file.state();
            let Some(kept) = state.rows.get(&self.key(slice)).cloned() else {
                return Ok(None);
            };
            let failed = |error| cannot("read", path, error);
            state
                .file
                .seek(SeekFrom::Start(kept.offset))
                .map_err(failed)?;
            let mut body = Vec::new();
            (&mut state.file)
                .take(kept.bytes)
                .read_to_end(&mut body)
                .map_err(failed)?;
            (body, kept.summary)
        };
        table(&body, summary).map(Some).map_err(|error| {
            Error::new(
                ErrorKind::Io,
                format!("the rows of {slice} in {} cannot be read", path.display()),
            )
            .with_hint("delete the file to begin anew")
            .with_source(error)
        })
    }

    fn keep_rows(&self, slice: &Slice, rows: &Table) -> Result<()> {
        let body = packed(rows).map_err(|error| {
            Error::new(ErrorKind::Io, format!("the rows of {slice} cannot be kept"))
                .with_source(error)
        })?;
        let record = Record::Rows {
            target: self.target.clone(),
            slice: *slice,
            rows: rows.row_count(),
            warnings: rows.warnings().iter().map(Said::of).collect(),
            bytes: body.len() as u64,
        };
        self.file.keep(&record, &body)
    }

    fn division(&self, slice: &Slice) -> Result<Option<Vec<Counted>>> {
        Ok(self.file.state().divisions.get(&self.key(slice)).cloned())
    }

    fn keep_division(&self, slice: &Slice, parts: &[Counted]) -> Result<()> {
        let record = Record::Division {
            target: self.target.clone(),
            slice: *slice,
            parts: parts.to_vec(),
        };
        self.file.keep(&record, &[])?;
        let mut state = self.file.state();
        state.divisions.insert(self.key(slice), parts.to_vec());
        Ok(())
    }

    fn row_cap(&self) -> Result<Option<usize>> {
        Ok(self.file.state().caps.get(&self.target).copied())
    }

    fn keep_row_cap(&self, rows: usize) -> Result<()> {
        let record = Record::Cap {
            target: self.target.clone(),
            rows,
        };
        self.file.keep(&record, &[])?;
        self.file.state().lower(self.target.clone(), rows);
        Ok(())
    }
}

fn packed(table: &Table) -> std::result::Result<Vec<u8>, ArrowError> {
    let mut encoder = zstd::Encoder::new(Vec::new(), LEVEL)?;
    encoder.include_checksum(true)?;
    let bounded = Bounded {
        inner: encoder,
        left: LARGEST,
    };
    let mut writer = StreamWriter::try_new(bounded, table.schema())?;
    for batch in table.batches() {
        writer.write(batch)?;
    }
    Ok(writer.into_inner()?.inner.finish()?)
}

/// A writer of so many bytes: what is larger could not be read again.
struct Bounded<W> {
    inner: W,
    left: u64,
}

impl<W: Write> Write for Bounded<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.left = self
            .left
            .checked_sub(bytes.len() as u64)
            .ok_or_else(too_large)?;
        self.inner.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

fn too_large() -> std::io::Error {
    std::io::Error::other(format!("unpacked they are more than {LARGEST} bytes"))
}

/// What a body is unpacked, which has at most `largest` bytes.
fn unpacked(body: &[u8], largest: u64) -> std::io::Result<Vec<u8>> {
    let mut stream = Vec::new();
    zstd::Decoder::new(body)?
        .take(largest + 1)
        .read_to_end(&mut stream)?;
    if stream.len() as u64 > largest {
        return Err(too_large());
    }
    Ok(stream)
}

/// The rows of a body. All of it is unpacked and held against its checksum before the Arrow reader
/// sees it: that trusts lengths, and allocates what they say.
fn table(body: &[u8], summary: Summary) -> std::result::Result<Table, ArrowError> {
    let has_checksum = body
        .get(4)
        .is_some_and(|descriptor| descriptor & CHECKSUM != 0);
    if !has_checksum {
        return Err(ArrowError::IpcError("they have no checksum".to_owned()));
    }
    let stream = unpacked(body, LARGEST)?;
    let reader = StreamReader::try_new(stream.as_slice(), None)?;
    let schema = reader.schema();
    let batches = reader.collect::<std::result::Result<Vec<_>, _>>()?;
    Table::new(schema, batches, summary).map_err(|error| ArrowError::ExternalError(Box::new(error)))
}

/// Whether a file begins as one of an export does, as far as it goes: seen before a line is read,
/// which may be as long as the file.
fn may_begin(reader: &mut impl std::io::BufRead) -> std::io::Result<bool> {
    let begun = reader.fill_buf()?;
    Ok(BEGINNING.starts_with(&begun[..begun.len().min(BEGINNING.len())]))
}

/// A pipe or a device keeps nothing that could be gone on from.
fn refuse_what_is_no_file(path: &Path) -> Result<()> {
    match std::fs::metadata(path) {
        Ok(there) if !there.is_file() => Err(Error::new(
            ErrorKind::Io,
            format!(
                "an export cannot be kept in {}: it must be a regular file",
                path.display()
            ),
        )
        .with_hint("name another file")),
        // There is none yet, or opening it says what is wrong.
        _ => Ok(()),
    }
}

fn foreign(path: &Path) -> Error {
    Error::new(
        ErrorKind::Usage,
        format!(
            "{} is not the file of an interrupted export",
            path.display()
        ),
    )
    .with_hint("name another file")
}

fn cannot(what: &str, path: &Path, error: std::io::Error) -> Error {
    let message = format!("cannot {what} {}", path.display());
    with_folder_hint(Error::new(ErrorKind::Io, message).with_source(error), path)
}

/// The rows are as confidential as the tenant's data.
#[cfg(unix)]
fn owner_only(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600);
}

#[cfg(not(unix))]
fn owner_only(_: &mut OpenOptions) {}

fn summary(rows: usize, warnings: Vec<Said>) -> Summary {
    Summary {
        rows,
        warnings: warnings.into_iter().map(Said::into_warning).collect(),
        ..Summary::default()
    }
}

const KINDS: [WarningKind; 7] = [
    WarningKind::Value,
    WarningKind::Range,
    WarningKind::Encoding,
    WarningKind::Schema,
    WarningKind::Rows,
    WarningKind::Rewritten,
    WarningKind::Retirement,
];

impl Said {
    fn of(warning: &Warning) -> Self {
        Self {
            kind: format!("{:?}", warning.kind),
            message: warning.message.clone(),
            column: warning.column.clone(),
            count: warning.count,
        }
    }

    fn into_warning(self) -> Warning {
        let kind = KINDS
            .into_iter()
            .find(|kind| format!("{kind:?}") == self.kind);
        Warning {
            kind: kind.unwrap_or(WarningKind::Value),
            message: self.message,
            column: self.column,
            count: self.count,
        }
    }
}

#[cfg(test)]
mod tests;
