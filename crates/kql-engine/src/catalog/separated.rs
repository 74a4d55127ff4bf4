//! Separated values with a header line; quotes as RFC 4180 has them.
//!
//! So are the files of the portal's Export: the names of columns are those of the schema, instants
//! are ISO 8601 or `Nov 20, 2026 8:00:00 AM`. An empty cell is null.

use kql_semantics::ScalarType;

use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::files::{BYTES, Batches, Opened, ROWS, Source};
use super::json;
use crate::column::{self, Builder};
use crate::datum::Datum;
use crate::{EngineError, convert};

/// The columns of a file; what nobody declared is text.
pub(super) fn columns(
    source: &Source,
    separator: u8,
) -> Result<Vec<(String, ScalarType)>, EngineError> {
    Ok(Cells::open(source, separator)?
        .header()?
        .into_iter()
        .filter(|name| !name.is_empty())
        .map(|name| (name, ScalarType::String))
        .collect())
}

/// The rows of a file with the `wanted` columns.
pub(super) fn open(
    source: &Source,
    separator: u8,
    wanted: &[(String, ScalarType)],
) -> Result<Batches, EngineError> {
    let mut cells = Cells::open(source, separator)?;
    let header = cells.header()?;
    let places = header
        .iter()
        .map(|name| wanted.iter().position(|(one, _)| one == name))
        .collect();
    let mut reader = Reader {
        missing: (0..wanted.len())
            .filter(|at| !header.contains(&wanted[*at].0))
            .collect(),
        cells,
        places,
        wanted: wanted.to_vec(),
        ended: header.is_empty(),
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
    cells: Cells,
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
        while rows < ROWS && bytes < BYTES {
            let Some(line) = self.cells.next()? else {
                self.ended = true;
                break;
            };
            let count = self.cells.ends.len();
            if count == 1 && self.cells.text.is_empty() && self.places.len() != 1 {
                continue;
            }
            if count != self.places.len() {
                let expected = self.places.len();
                return Err(self.cells.source.failure.at(
                    line,
                    &format!("has {count} cells where the header has {expected}"),
                ));
            }
            let text = self.cells.checked(line)?;
            let mut start = 0;
            for (end, place) in self.cells.ends.iter().zip(&self.places) {
                // A cell ends before an ASCII character, so these are boundaries.
                let cell = text.get(start..*end).unwrap_or_default();
                start = *end;
                if let Some(at) = place {
                    push(&mut builders[*at], cell, self.wanted[*at].1);
                }
            }
            for at in &self.missing {
                builders[*at].push(&Datum::Null);
            }
            bytes += text.len();
            rows += 1;
        }
        let arrays = builders.into_iter().map(Builder::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let schema = column::schema(self.wanted.iter().cloned());
        Ok(RecordBatch::try_new_with_options(schema, arrays, &options)?)
    }
}

fn push(builder: &mut Builder, cell: &str, ty: ScalarType) {
    let value = match ty {
        ScalarType::String => Datum::text(cell),
        _ if cell.is_empty() => Datum::Null,
        ScalarType::Dynamic => json::encoded(cell),
        ty => convert::to_type(&Datum::text(cell), ty),
    };
    builder.push(&value);
}

/// Lines of cells; a quoted cell may go over several lines.
struct Cells {
    source: Opened,
    separator: u8,
    line: usize,
    bytes: Vec<u8>,
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Cells {
    fn open(source: &Source, separator: u8) -> Result<Self, EngineError> {
        Ok(Self {
            source: source.bytes()?,
            separator,
            line: 1,
            bytes: Vec::new(),
            text: Vec::new(),
            ends: Vec::new(),
        })
    }

    /// The names of the columns; none for an empty file.
    fn header(&mut self) -> Result<Vec<String>, EngineError> {
        if !self.read_line()? {
            return Ok(Vec::new());
        }
        if self.bytes.starts_with(b"\xef\xbb\xbf") {
            self.bytes.drain(..3);
        }
        self.split(1)?;
        let text = self.checked(1)?;
        let mut names: Vec<String> = Vec::new();
        let mut start = 0;
        for end in &self.ends {
            let name = text.get(start..*end).unwrap_or_default().trim().to_owned();
            start = *end;
            if !name.is_empty() && names.contains(&name) {
                return Err(self
                    .source
                    .failure
                    .at(1, &format!("has the column '{name}' twice")));
            }
            names.push(name);
        }
        if names.iter().all(String::is_empty) {
            names.clear();
        }
        Ok(names)
    }

    /// The cells of the next line and its number.
    fn next(&mut self) -> Result<Option<usize>, EngineError> {
        let start = self.line;
        if !self.read_line()? {
            return Ok(None);
        }
        self.split(start)?;
        Ok(Some(start))
    }

    fn checked(&self, line: usize) -> Result<&str, EngineError> {
        std::str::from_utf8(&self.text).map_err(|_| self.source.failure.at(line, "is not UTF-8"))
    }

    fn read_line(&mut self) -> Result<bool, EngineError> {
        use std::io::BufRead;

        self.bytes.clear();
        let length = self
            .source
            .reader
            .read_until(b'\n', &mut self.bytes)
            .map_err(|error| self.source.failure.read(self.line, &error))?;
        self.line += 1;
        Ok(length > 0)
    }

    /// Cuts the line at hand into cells, reading on where a quote is open.
    fn split(&mut self, start: usize) -> Result<(), EngineError> {
        self.text.clear();
        self.ends.clear();
        let mut at = 0;
        loop {
            if self.bytes.get(at) == Some(&b'"') {
                at += 1;
                loop {
                    let rest = &self.bytes[at..];
                    let Some(quote) = rest.iter().position(|byte| *byte == b'"') else {
                        self.text.extend_from_slice(rest);
                        if !self.read_line()? {
                            return Err(self
                                .source
                                .failure
                                .at(start, "opens a quote that is not closed"));
                        }
                        at = 0;
                        continue;
                    };
                    self.text.extend_from_slice(&rest[..quote]);
                    at += quote + 1;
                    if self.bytes.get(at) != Some(&b'"') {
                        break;
                    }
                    self.text.push(b'"');
                    at += 1;
                }
            }
            let rest = &self.bytes[at..];
            let length = rest
                .iter()
                .position(|byte| *byte == self.separator || *byte == b'\n')
                .unwrap_or(rest.len());
            let more = rest.get(length) == Some(&self.separator);
            let cell = &rest[..length];
            let cell = match cell.strip_suffix(b"\r") {
                Some(cell) if !more => cell,
                _ => cell,
            };
            self.text.extend_from_slice(cell);
            self.ends.push(self.text.len());
            if !more {
                return Ok(());
            }
            at += length + 1;
        }
    }
}
