//! Files of separated values with a header line.
//!
//! So are the files of the portal's Export: the names of columns are those of the schema, instants
//! are ISO 8601 or `Nov 20, 2026 8:00:00 AM`. An empty cell is null.

mod below;
mod header;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use kql_semantics::ScalarType;

use self::header::Headed;
use super::aliases::Names;
use super::files::{BYTES, Batches, Failure, ROWS, Source};
use super::guess::Guess;
use super::losses::Losses;
use super::{fit, times};
use crate::EngineError;
use crate::column::{self, Builder};
use crate::datum::Datum;
use crate::error::Foreign;
use crate::text::separated::{Broken, Record, Records};

/// The columns of a file, and what the cells of those that nobody declared look like.
///
/// Where all are declared only the header is read, otherwise every line once. A column without a
/// name is one where it has a cell.
pub(super) fn columns(source: &Source, separator: u8) -> Result<Vec<(String, Guess)>, EngineError> {
    let mut lines = Lines::open(source, separator)?;
    let mut guesses: Vec<Option<Guess>> = lines
        .headed
        .names
        .iter()
        .map(|name| (!source.names.is_declared(name)).then(Guess::default))
        .collect();
    if guesses.iter().any(Option::is_some) {
        let (failure, order) = (lines.headed.failure.clone(), source.reading.date_order);
        while let Some(record) = lines.next()? {
            let cells = record.cells().map_err(|error| broken(&failure, error))?;
            for (guess, cell) in guesses.iter_mut().zip(cells) {
                if let Some(guess) = guess {
                    guess.see(cell, order);
                }
            }
        }
    }
    let unnamed = lines.headed.unnamed;
    Ok(lines
        .headed
        .names
        .into_iter()
        .zip(guesses)
        .zip(unnamed)
        .map(|((name, guess), unnamed)| (name, guess.unwrap_or_default(), unnamed))
        .filter(|(_, guess, unnamed)| !(*unnamed && guess.is_empty()))
        .map(|(name, guess, _)| (name, guess))
        .collect())
}

/// The line of the first row and the number of rows, where none has a value in a column of the table.
pub(super) fn first_without_values(
    source: &Source,
    separator: u8,
) -> Result<Option<(usize, usize)>, EngineError> {
    let mut lines = Lines::open(source, separator)?;
    let (mut first, mut rows) = (None, 0);
    while let Some(record) = lines.next()? {
        first.get_or_insert(record.line);
        rows += 1;
        if lines.valueless < rows {
            return Ok(None);
        }
    }
    Ok(first.map(|line| (line, rows)))
}

/// The rows of a file with the `wanted` columns.
pub(super) fn open(
    source: &Source,
    separator: u8,
    wanted: &[(String, ScalarType)],
) -> Result<Batches, EngineError> {
    let lines = Lines::open(source, separator)?;
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (at, (name, _)) in wanted.iter().enumerate() {
        places.entry(name).or_insert(at);
    }
    let places: Vec<Option<usize>> = lines
        .headed
        .names
        .iter()
        .map(|name| places.get(name.as_str()).copied())
        .collect();
    let mut missing = vec![true; wanted.len()];
    for place in places.iter().flatten() {
        missing[*place] = false;
    }
    let mut reader = Reader {
        missing: (0..wanted.len()).filter(|at| missing[*at]).collect(),
        ended: lines.headed.names.is_empty(),
        lines,
        places,
        wanted: wanted.to_vec(),
        source: source.clone(),
        first: 0,
    };
    Ok(Box::new(std::iter::from_fn(move || {
        if reader.ended {
            return None;
        }
        let batch = reader.batch();
        reader.ended |= batch.is_err();
        match batch {
            Ok(batch) if batch.num_rows() == 0 => None,
            batch => Some(batch),
        }
    })))
}

struct Reader {
    lines: Lines,
    /// For each cell of a line the wanted column.
    places: Vec<Option<usize>>,
    missing: Vec<usize>,
    wanted: Vec<(String, ScalarType)>,
    source: Source,
    ended: bool,
    /// The place of the next row in the file.
    first: usize,
}

impl Reader {
    fn batch(&mut self) -> Result<RecordBatch, EngineError> {
        // A file of very many columns has few rows in a batch.
        let capacity = (65_536 / self.wanted.len().max(1)).clamp(1, 64);
        let mut builders: Vec<Builder> = self
            .wanted
            .iter()
            .map(|(_, ty)| Builder::new(*ty, capacity))
            .collect();
        let mut finer = vec![0; self.wanted.len()];
        let mut rows = 0;
        let mut bytes = 0;
        let failure = self.lines.headed.failure.clone();
        while rows < ROWS && bytes < BYTES {
            let Some(record) = self.lines.next()? else {
                self.ended = true;
                break;
            };
            let cells = record.cells().map_err(|error| broken(&failure, error))?;
            for (cell, place) in cells.zip(&self.places) {
                if let Some(at) = place {
                    let (name, ty) = &self.wanted[*at];
                    let value = if *ty == ScalarType::Dynamic {
                        self.source.document(cell, record.line)
                    } else if let Some(value) = fit::cell(cell, *ty) {
                        if *ty == ScalarType::Real {
                            self.source.look_at_real(cell, record.line);
                        }
                        if times::is_time(*ty) && times::is_finer(cell) {
                            finer[*at] += 1;
                        }
                        value
                    } else {
                        let value = self.source.otherwise(name, cell, *ty);
                        value.map_err(|what| failure.at(record.line, &what))?
                    };
                    builders[*at].push(&value);
                }
            }
            for at in &self.missing {
                builders[*at].push(&Datum::Null);
            }
            bytes += record.size();
            rows += 1;
        }
        for ((name, _), times) in self.wanted.iter().zip(finer) {
            if times > 0 {
                self.source.losses.finer(name, self.first, times);
            }
        }
        self.first += rows;
        let arrays = builders.into_iter().map(Builder::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let schema = column::schema(self.wanted.iter().cloned());
        RecordBatch::try_new_with_options(schema, arrays, &options).ours()
    }
}

/// The lines below the header of a file.
struct Lines {
    headed: Headed,
    /// The columns of the table, if they are known.
    names: Arc<Names>,
    limit: usize,
    /// The cells of a line that is quoted as a whole.
    whole: Record,
    /// Which columns are columns of the table; none where it takes whatever comes.
    known: Vec<bool>,
    /// The rows so far without a value in any of those.
    valueless: usize,
    losses: Losses,
    /// Whether the next line is the first below the header.
    is_first: bool,
}

impl Lines {
    fn open(source: &Source, separator: u8) -> Result<Self, EngineError> {
        let headed = Headed::open(source, separator)?;
        let known = headed.names.iter().map(|name| source.names.has(name));
        let known: Vec<bool> = known.collect();
        let is_told = source.folders.iter().any(|one| source.names.has(&one.name));
        Ok(Self {
            known: if is_told || !known.contains(&true) {
                Vec::new()
            } else {
                known
            },
            headed,
            names: Arc::clone(&source.names),
            limit: source.reading.largest_record,
            whole: Record::default(),
            valueless: 0,
            losses: source.losses.clone(),
            is_first: true,
        })
    }

    /// The next line that has as many cells as the header; blank ones are passed over.
    fn next(&mut self) -> Result<Option<&Record>, EngineError> {
        let expected = self.headed.names.len();
        let failure = &self.headed.failure;
        let mut blank_lines = 0;
        // The borrow checker cannot see that a record which is passed over is not kept.
        loop {
            let (blank, mut count, line) = match self.headed.records.next() {
                Err(error) => return Err(broken(failure, error)),
                Ok(None) => return Ok(None),
                Ok(Some(record)) => (record.is_blank(), record.len(), record.line),
            };
            if blank && expected != 1 {
                blank_lines += 1;
                // Blank lines without end are no rows either.
                if blank_lines > self.limit {
                    return Err(failure.at(line, "is one of too many blank lines"));
                }
                continue;
            }
            let whole = self.headed.inner.filter(|_| count == 1);
            if let Some(separator) = whole {
                self.whole = unquoted(self.headed.records.current(), separator, failure)?;
                count = self.whole.len();
            }
            if count != expected {
                return Err(failure.at(
                    line,
                    &format!("has {count} cells where the header has {expected}"),
                ));
            }
            let record = match whole {
                Some(_) => &self.whole,
                None => self.headed.records.current(),
            };
            if record.size() == 0 && expected > 1 && !self.names.is_free() {
                return Err(failure.at(line, "has no value, only separators"));
            }
            let is_first = std::mem::take(&mut self.is_first);
            let may_be_marked = self.headed.is_plain && whole.is_none();
            let is_marked = |record: &Record| -> Result<bool, EngineError> {
                let cells = record.cells().map_err(|error| broken(failure, error))?;
                Ok(may_be_marked && below::is_marked(record, cells))
            };
            if is_first && !self.headed.literal && !is_marked(record)? {
                let cells = record.cells().map_err(|error| broken(failure, error))?;
                if let Some(what) = below::no_row(&cells, expected > 1 || !self.names.is_free()) {
                    return Err(failure.at(line, what));
                }
            }
            if !self.known.is_empty() && !record.has_any(&self.known) {
                self.valueless += 1;
                self.losses
                    .valueless(|| format!("line {line}"), self.valueless);
            }
            // Of one column nobody declared, a value may be its name.
            if !self.headed.literal
                && record.begins_with_letter()
                && (expected > 1 || !self.names.is_free())
                && self.headed.is_repeated(
                    record,
                    record.cells().map_err(|error| broken(failure, error))?,
                    &self.names,
                )
                && !is_marked(record)?
            {
                return Err(failure.at(
                    line,
                    "has the names of columns, as a header; where files were put together, take \
                     the header of the later ones out; if it is a row, put an empty line above the \
                     first line",
                ));
            }
            // Dropped, it might have been the beginning of a value.
            if self.headed.records.current().begins_with_mark() {
                return Err(failure.at(
                    line,
                    "begins with a byte order mark, as where files were put together; take it out, \
                     or put quotes around the cell it belongs to",
                ));
            }
            return Ok(Some(match whole {
                Some(_) => &self.whole,
                None => self.headed.records.current(),
            }));
        }
    }
}

/// The cells inside a line that is quoted as a whole.
fn unquoted(record: &Record, separator: u8, failure: &Failure) -> Result<Record, EngineError> {
    let cell = record
        .cells()
        .map_err(|error| broken(failure, error))?
        .next();
    let text = cell.unwrap_or_default();
    let mut records = Records::new(text.as_bytes(), separator)
        .at_line(record.line)
        .inside();
    let found = match records.next() {
        Ok(Some(_)) => records.take_current(record.line),
        Ok(None) => Record::default(),
        Err(error) => return Err(broken(failure, error)),
    };
    match records.next() {
        Ok(None) => Ok(found),
        _ => Err(failure.at(record.line, "has more than a row in its quotes")),
    }
}

fn broken(failure: &Failure, error: Broken) -> EngineError {
    match error {
        Broken::Read(line, error) => failure.read(line, &error),
        other => failure.whole(&other),
    }
}
