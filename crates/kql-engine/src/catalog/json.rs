//! Rows as JSON: lines, arrays, records of the Streaming API, Event Hub envelopes.

mod cell;
mod documents;
mod rows;
mod shape;

pub(super) use cell::encoded;

use std::collections::BTreeSet;

use arrow::record_batch::RecordBatch;
use kql_semantics::ScalarType;

use self::documents::Documents;
use self::rows::Rows;
use self::shape::Shape;
use super::files::{BYTES, Batches, Failure, Others, ROWS, Records, Source};
use crate::EngineError;

/// Names and types of columns.
type Columns = Vec<(String, ScalarType)>;

/// The rows of a file with the `wanted` columns.
pub(super) fn open(
    source: &Source,
    wanted: &[(String, ScalarType)],
) -> Result<Batches, EngineError> {
    let mut reader = Reader::open(source, Rows::new(wanted, false))?;
    Ok(Box::new(std::iter::from_fn(move || match reader.fill() {
        Ok(true) => Some(reader.rows.finish()),
        Ok(false) => None,
        Err(error) => {
            reader.ended = true;
            Some(Err(error))
        }
    })))
}

/// What the rows of a file have besides the declared columns; and the rows, when they are at most
/// `limit` bytes and needed no second look.
pub(super) fn explore(
    source: &Source,
    declared: &[(String, ScalarType)],
    limit: usize,
) -> Result<(Columns, Option<Vec<RecordBatch>>), EngineError> {
    let mut reader = Reader::open(source, Rows::new(declared, true))?;
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
    Ok((reader.rows.found(), reader.rows.store.then_some(kept)))
}

struct Reader {
    documents: Documents,
    rows: Rows,
    records: Records,
    failure: Failure,
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
            ended: false,
        })
    }

    /// Reads the rows of a batch; false when there are no more.
    fn fill(&mut self) -> Result<bool, EngineError> {
        let mut bytes = 0;
        while !self.ended && self.rows.len() < ROWS && bytes < BYTES {
            match self.documents.next()? {
                None => self.ended = true,
                Some((document, line)) => {
                    bytes += document.len();
                    if let Err(error) = self.rows.take(document, &self.records) {
                        let misfit = self.rows.misfit.take();
                        let misfit = misfit.as_deref();
                        return Err(broken(&self.failure, document, line, &error, misfit));
                    }
                }
            }
        }
        // Between two batches there may be none of this table's rows.
        Ok(self.rows.len() > 0 || !self.ended)
    }
}

fn broken(
    failure: &Failure,
    document: &[u8],
    line: usize,
    error: &serde_json::Error,
    misfit: Option<&str>,
) -> EngineError {
    if let Err(at) = std::str::from_utf8(document) {
        let before = &document[..at.valid_up_to()];
        let line = line + documents::lines_in(before);
        return failure.at(line, "is not UTF-8");
    }
    if let Some(misfit) = misfit {
        return failure.at(line + error.line().saturating_sub(1), misfit);
    }
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or(&text);
    let kind = if error.is_data() { "row" } else { "JSON" };
    failure.at(
        line + error.line().saturating_sub(1),
        &format!("is no {kind} ({what})"),
    )
}

/// The tables whose records are in a file; `None` when its first document is no record.
pub(super) fn tables(source: &Source) -> Option<Found> {
    let mut documents = Documents::open(source).ok()?;
    let mut found = Found::default();
    let mut first = true;
    // What cannot be read is an error of the query that names the table.
    while let Ok(Some((document, _))) = documents.next() {
        let Ok(shape) = Shape::of(document) else {
            found.own |= first;
            break;
        };
        found.add(&shape);
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
    fn add(&mut self, shape: &Shape) {
        match shape {
            Shape::Row | Shape::Record { table: None } => self.own = true,
            Shape::Record { table: Some(table) } => {
                if !self.tables.contains(table) {
                    self.tables.insert(table.clone());
                }
            }
            Shape::Envelope(shapes) | Shape::List(shapes) => {
                for shape in shapes {
                    self.add(shape);
                }
            }
        }
    }
}
