//! Files of separated values with a header line.
//!
//! So are the files of the portal's Export: the names of columns are those of the schema, instants
//! are ISO 8601 or `Nov 20, 2026 8:00:00 AM`. An empty cell is null.

use std::io::BufRead;

use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use kql_semantics::ScalarType;

use super::files::{BYTES, Batches, Failure, ROWS, Source};
use super::fit;
use super::guess::Guess;
use crate::EngineError;
use crate::column::{self, Builder};
use crate::datum::Datum;
use crate::text::separated::{Broken, Record, Records};

/// The columns of a file, and what the cells of those that nobody declared look like.
///
/// Where all are declared only the header is read, otherwise every line once.
pub(super) fn columns(
    source: &Source,
    separator: u8,
    declared: &[(String, ScalarType)],
) -> Result<Vec<(String, Guess)>, EngineError> {
    let mut lines = Lines::open(source, separator)?;
    let mut guesses: Vec<Option<Guess>> = lines
        .header
        .iter()
        .map(|name| {
            let known = name.is_empty() || declared.iter().any(|(one, _)| one == name);
            (!known).then(Guess::default)
        })
        .collect();
    if guesses.iter().any(Option::is_some) {
        let failure = lines.failure.clone();
        while let Some(record) = lines.next()? {
            let cells = record.cells().map_err(|error| broken(&failure, error))?;
            for (guess, cell) in guesses.iter_mut().zip(cells) {
                if let Some(guess) = guess {
                    guess.see(cell);
                }
            }
        }
    }
    Ok(lines
        .header
        .into_iter()
        .zip(guesses)
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, guess)| (name, guess.unwrap_or_default()))
        .collect())
}

/// The rows of a file with the `wanted` columns.
pub(super) fn open(
    source: &Source,
    separator: u8,
    wanted: &[(String, ScalarType)],
) -> Result<Batches, EngineError> {
    let lines = Lines::open(source, separator)?;
    let places = lines
        .header
        .iter()
        .map(|name| wanted.iter().position(|(one, _)| one == name))
        .collect();
    let mut reader = Reader {
        missing: (0..wanted.len())
            .filter(|at| !lines.header.contains(&wanted[*at].0))
            .collect(),
        ended: lines.header.is_empty(),
        lines,
        places,
        wanted: wanted.to_vec(),
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
    ended: bool,
}

impl Reader {
    fn batch(&mut self) -> Result<RecordBatch, EngineError> {
        let mut builders: Vec<Builder> = self
            .wanted
            .iter()
            .map(|(_, ty)| Builder::new(*ty, 64))
            .collect();
        let mut rows = 0;
        let mut bytes = 0;
        let failure = self.lines.failure.clone();
        while rows < ROWS && bytes < BYTES {
            let Some(record) = self.lines.next()? else {
                self.ended = true;
                break;
            };
            let cells = record.cells().map_err(|error| broken(&failure, error))?;
            for (cell, place) in cells.zip(&self.places) {
                if let Some(at) = place {
                    let (name, ty) = &self.wanted[*at];
                    let value = fit::cell(cell, *ty)
                        .ok_or_else(|| failure.at(record.line, &fit::misfit(name, cell, *ty)))?;
                    builders[*at].push(&value);
                }
            }
            for at in &self.missing {
                builders[*at].push(&Datum::Null);
            }
            bytes += record.size();
            rows += 1;
        }
        let arrays = builders.into_iter().map(Builder::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let schema = column::schema(self.wanted.iter().cloned());
        Ok(RecordBatch::try_new_with_options(schema, arrays, &options)?)
    }
}

/// The lines below the header of a file.
struct Lines {
    records: Records<Box<dyn BufRead + Send>>,
    failure: Failure,
    /// The names of the columns; none for an empty file.
    header: Vec<String>,
}

impl Lines {
    fn open(source: &Source, separator: u8) -> Result<Self, EngineError> {
        let mut opened = source.bytes()?;
        let failure = opened.failure;
        let (separator, line) =
            separator_of(&mut opened.reader, separator).map_err(|error| failure.read(1, &error))?;
        let mut records = Records::new(opened.reader, separator).at_line(line);
        let header = match records.next() {
            Ok(Some(record)) => header(record, &failure)?,
            Ok(None) => Vec::new(),
            Err(error) => return Err(broken(&failure, error)),
        };
        Ok(Self {
            records,
            failure,
            header,
        })
    }

    /// The next line that has as many cells as the header; blank ones are passed over.
    fn next(&mut self) -> Result<Option<&Record>, EngineError> {
        let expected = self.header.len();
        // The borrow checker cannot see that a record which is passed over is not kept.
        loop {
            let (blank, count, line) = match self.records.next() {
                Err(error) => return Err(broken(&self.failure, error)),
                Ok(None) => return Ok(None),
                Ok(Some(record)) => (record.is_blank(), record.len(), record.line),
            };
            if blank && expected != 1 {
                continue;
            }
            if count != expected {
                return Err(self.failure.at(
                    line,
                    &format!("has {count} cells where the header has {expected}"),
                ));
            }
            return Ok(Some(self.records.current()));
        }
    }
}

/// What separates the values, and the line of the header.
///
/// Spreadsheets of many countries write semicolons, and some say so in a line above the header.
fn separator_of(reader: &mut Box<dyn BufRead + Send>, usual: u8) -> std::io::Result<(u8, usize)> {
    let head = reader.fill_buf()?;
    let mark = if head.starts_with(b"\xef\xbb\xbf") {
        3
    } else {
        0
    };
    let text = &head[mark..];
    let length = text.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
    let first = &text[..length.unwrap_or(text.len())];
    if let [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', separator] = *first {
        let rest = &text[first.len()..];
        let line_break = if rest.starts_with(b"\r\n") {
            2
        } else {
            rest.len().min(1)
        };
        let taken = mark + first.len() + line_break;
        reader.consume(taken);
        return Ok((separator, 2));
    }
    let mut quoted = false;
    let mut found = None;
    for byte in first {
        match byte {
            b'"' => quoted = !quoted,
            _ if quoted => {}
            _ if *byte == usual => return Ok((usual, 1)),
            b';' | b'\t' | b'|' => {
                found.get_or_insert(*byte);
            }
            _ => {}
        }
    }
    Ok((found.unwrap_or(usual), 1))
}

fn header(record: &Record, failure: &Failure) -> Result<Vec<String>, EngineError> {
    let mut names: Vec<String> = Vec::new();
    for cell in record.cells().map_err(|error| broken(failure, error))? {
        let name = cell.trim().to_owned();
        if !name.is_empty() && names.contains(&name) {
            return Err(failure.at(record.line, &format!("has the column '{name}' twice")));
        }
        names.push(name);
    }
    if names.iter().all(String::is_empty) {
        names.clear();
    }
    Ok(names)
}

fn broken(failure: &Failure, error: Broken) -> EngineError {
    match error {
        Broken::Read(line, error) => failure.read(line, &error),
        other => failure.whole(&other),
    }
}
