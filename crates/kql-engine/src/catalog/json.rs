//! Rows as JSON: lines, arrays, records of the Streaming API, Event Hub envelopes.

mod by_column;
mod cell;
mod documents;
mod rows;
mod shape;
mod spans;
mod wrapped;

pub(super) use cell::encoded;

use std::collections::BTreeSet;

use kql_semantics::ScalarType;

use self::documents::Documents;
use self::rows::Rows;
use super::files::{BYTES, Batches, Explored, Failure, Others, ROWS, Records, Source};
use super::losses::{Loss, Losses};
use crate::EngineError;
use crate::text::separated::NOT_UTF8;

/// The rows of a file with the `wanted` columns.
pub(super) fn open(
    source: &Source,
    wanted: &[(String, ScalarType)],
) -> Result<Batches, EngineError> {
    let mut reader = Reader::open(source, Rows::new(wanted, false, source))?;
    Ok(Box::new(std::iter::from_fn(move || match reader.fill() {
        Ok(true) => Some(reader.rows.finish()),
        Ok(false) => None,
        Err(error) => {
            reader.ended = true;
            Some(Err(error))
        }
    })))
}

/// What the rows of a file have besides the declared columns; all of their keys; and the rows, when
/// they are at most `limit` bytes and needed no second look.
pub(super) fn explore(
    source: &Source,
    declared: &[(String, ScalarType)],
    limit: usize,
) -> Result<Explored, EngineError> {
    let mut reader = Reader::open(source, Rows::new(declared, true, source))?;
    let mut kept = Vec::new();
    let mut size = 0;
    while reader.fill()? {
        if !reader.rows.store {
            reader.rows.forget();
            kept.clear();
            continue;
        }
        let batch = reader.rows.finish()?;
        size += batch.get_array_memory_size();
        if size > limit {
            reader.rows.store = false;
            kept.clear();
        } else {
            kept.push(batch);
        }
    }
    if reader.rows.total == 0 && reader.rows.others > 0 && source.records.others == Others::LeftOut
    {
        return Err(reader.failure.whole(&format!(
            "it has records of other tables only, none of {}",
            source.records.table
        )));
    }
    if reader.rows.total == 1
        && let Some(keys) = &reader.rows.columnar
    {
        let keys = keys.iter().map(String::as_str);
        return Err(reader.failure.whole(&super::strangers::by_column(keys)));
    }
    let rows = &reader.rows;
    Ok(Explored {
        kinds: rows.found(),
        own: rows.own(),
        all: false,
        filled: true,
        kept: rows.store.then_some(kept),
    })
}

struct Reader {
    documents: Documents,
    rows: Rows,
    records: Records,
    failure: Failure,
    losses: Losses,
    ended: bool,
}

impl Reader {
    fn open(source: &Source, rows: Rows) -> Result<Self, EngineError> {
        let documents = Documents::open(source)?;
        Ok(Self {
            failure: documents.failure().clone(),
            documents,
            rows,
            records: source.records.clone(),
            losses: source.losses.clone(),
            ended: false,
        })
    }

    /// Reads the rows of a batch; false when there are no more.
    fn fill(&mut self) -> Result<bool, EngineError> {
        let mut bytes = 0;
        while !self.ended && self.rows.len() < ROWS && bytes < BYTES {
            match self.documents.next()? {
                None if self.rows.frames.are_cut() => {
                    return Err(self.failure.whole(
                        &"it has a part of an answer only: its last frame (DataSetCompletion) is \
                          missing",
                    ));
                }
                None => self.ended = true,
                Some((document, line)) => {
                    bytes += document.len();
                    if let Err(wrong) = self.rows.take(document, &self.records) {
                        return Err(wrong.in_document(&self.failure, document, line));
                    }
                    if let Some(unknown) = self.rows.frames.take_unknown() {
                        self.losses
                            .note_as(Loss::Unknown, || format!("line {line}: {unknown}"));
                    }
                    if let Some(lost) = self.rows.take_lost() {
                        self.losses.note(&format!("line {line}"), &lost);
                    }
                }
            }
        }
        // Between two batches there may be none of this table's rows.
        Ok(self.rows.len() > 0 || !self.ended)
    }
}

/// What is wrong with a document.
#[derive(Debug)]
struct Wrong {
    /// Where in the document what is wrong begins.
    at: usize,
    /// How many lines further on it is.
    lines: usize,
    what: String,
}

impl Wrong {
    fn said(at: usize, what: impl Into<String>) -> Self {
        let what = what.into();
        Self { at, lines: 0, what }
    }

    /// What a parser says of the document that begins at `at`.
    fn json(at: usize, error: serde_json::Error) -> Self {
        let text = error.to_string();
        let what = text.split(" at line ").next().unwrap_or(&text);
        Self {
            at,
            lines: error.line().saturating_sub(1),
            what: if what.starts_with("number out of range") {
                "has a number that no real holds".to_owned()
            } else {
                let kind = if error.is_data() { "row" } else { "JSON" };
                format!("is no {kind} ({what})")
            },
        }
    }

    /// The error of the document at `line`.
    fn in_document(self, failure: &Failure, document: &[u8], line: usize) -> EngineError {
        if let Err(at) = std::str::from_utf8(document) {
            let before = &document[..at.valid_up_to()];
            let line = line + documents::lines_in(before);
            return failure.at(line, NOT_UTF8);
        }
        if document.starts_with(b"{") && document.ends_with(b",") {
            return failure.at(
                line,
                "ends with a comma, as an element of an array does; write [ before the first and ] \
                 behind the last, or leave the commas out",
            );
        }
        let begins_as_value = document
            .first()
            .is_none_or(|first| b"{[\"-0123456789tfn".contains(first));
        if line == 1 && !begins_as_value {
            let what = format!("{}; a file of CSV has a name that ends in .csv", self.what);
            return failure.at(line, &what);
        }
        let before = document.get(..self.at).unwrap_or_default();
        let line = line + documents::lines_in(before) + self.lines;
        failure.at(line, &self.what)
    }
}

/// The tables whose records are in a file; `None` when its first document is no record.
pub(super) fn tables(source: &Source) -> Option<Found> {
    let mut documents = Documents::open(source).ok()?;
    let mut found = Found::default();
    let mut first = true;
    // What cannot be read is an error of the query that names the table.
    while let Ok(Some((document, _))) = documents.next() {
        let outcome = wrapped::anywhere(document, &mut |record| {
            found.add(record.table.as_deref());
            Ok(())
        });
        found.own |= first && outcome.is_err();
        if first && found.own {
            return None;
        }
        first = false;
    }
    (!found.tables.is_empty()).then_some(found)
}

/// Whose rows are in a file.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Rows that say nothing about their table.
    pub(super) own: bool,
    pub(super) tables: BTreeSet<String>,
}

impl Found {
    fn add(&mut self, table: Option<&str>) {
        match table {
            None => self.own = true,
            Some(table) if self.tables.contains(table) => {}
            Some(table) => {
                self.tables.insert(table.to_owned());
            }
        }
    }
}
