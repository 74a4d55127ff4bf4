//! Rows as JSON: lines, arrays, records of the Streaming API, Event Hub envelopes.

use std::collections::{HashMap, HashSet};
use std::io::BufRead;

use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use kql_semantics::ScalarType;
use serde_json::{Map, Value as Json};

use super::Loaded;
use crate::column::{self, Builder};
use crate::datum::Datum;
use crate::{EngineError, convert, dynamic, text};

/// Rows collected from lines of JSON.
pub(super) struct Lines {
    declared: Vec<(String, ScalarType)>,
    rows: Vec<Map<String, Json>>,
}

impl Lines {
    pub(super) fn new(declared: Option<&[(String, ScalarType)]>) -> Self {
        Self {
            declared: declared.map(<[_]>::to_vec).unwrap_or_default(),
            rows: Vec::new(),
        }
    }

    /// Reads every document of `source`; documents may span lines, an array's elements are rows.
    pub(super) fn read(&mut self, source: &mut dyn BufRead, name: &str) -> Result<(), EngineError> {
        let mut line = Vec::new();
        let mut number = 0;
        loop {
            line.clear();
            let length = source
                .read_until(b'\n', &mut line)
                .map_err(|error| EngineError::runtime(format!("cannot read {name}: {error}")))?;
            if length == 0 {
                return Ok(());
            }
            number += 1;
            let start = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line);
            if start.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let first = number;
            let mut document = start.trim_ascii_end().to_vec();
            let value: Json = loop {
                match serde_json::from_slice(&document) {
                    Ok(value) => break value,
                    // A document over several lines is only accepted as the whole rest of the file.
                    Err(error) if error.is_eof() && first == 1 => {
                        let before = document.len();
                        source.read_to_end(&mut document).map_err(|error| {
                            EngineError::runtime(format!("cannot read {name}: {error}"))
                        })?;
                        if document.len() == before {
                            return Err(broken(name, first, &error));
                        }
                    }
                    Err(error) => return Err(broken(name, first - 1 + error.line(), &error)),
                }
            };
            self.take(value, name, first)?;
        }
    }

    fn take(&mut self, value: Json, name: &str, line: usize) -> Result<(), EngineError> {
        match value {
            Json::Array(items) => {
                for item in items {
                    self.take(item, name, line)?;
                }
            }
            Json::Object(mut row) => {
                if row.len() == 1
                    && matches!(row.get("records"), Some(Json::Array(_)))
                    && let Some(records) = row.remove("records")
                {
                    return self.take(records, name, line);
                }
                if matches!(row.get("properties"), Some(Json::Object(_)))
                    && row.contains_key("category")
                    && (row.contains_key("time") || row.contains_key("Time"))
                    && let Some(Json::Object(inner)) = row.remove("properties")
                {
                    row = inner;
                }
                self.rows.push(row);
            }
            _ => {
                return Err(EngineError::runtime(format!(
                    "cannot read {name}: line {line} is no JSON object"
                )));
            }
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Loaded, EngineError> {
        let mut columns = self.declared.clone();
        self.finish_with(&mut columns).map(|loaded| {
            loaded.unwrap_or_else(|| Loaded {
                columns,
                batches: Vec::new(),
            })
        })
    }

    /// Builds the rows; `columns` gets the columns that it does not have yet.
    pub(super) fn finish_with(
        self,
        columns: &mut Vec<(String, ScalarType)>,
    ) -> Result<Option<Loaded>, EngineError> {
        if self.rows.is_empty() {
            return Ok(None);
        }
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut found: Vec<(&str, Option<ScalarType>)> = Vec::new();
        let known: HashSet<String> = columns.iter().map(|(name, _)| name.clone()).collect();
        for row in &self.rows {
            for (key, value) in row {
                if known.contains(key) {
                    continue;
                }
                let place = *places.entry(key).or_insert_with(|| {
                    found.push((key, None));
                    found.len() - 1
                });
                found[place].1 = widened(found[place].1, value);
            }
        }
        for (name, ty) in &found {
            columns.push(((*name).to_owned(), ty.unwrap_or(ScalarType::String)));
        }
        let schema = column::schema(columns.iter().map(|(name, ty)| (name.clone(), *ty)));
        let mut batches = Vec::new();
        for chunk in self.rows.chunks(8192) {
            let arrays = columns
                .iter()
                .map(|(name, ty)| {
                    let mut builder = Builder::new(*ty, chunk.len());
                    for row in chunk {
                        builder.push(&cell(row.get(name), *ty));
                    }
                    builder.finish()
                })
                .collect();
            let options = RecordBatchOptions::new().with_row_count(Some(chunk.len()));
            batches.push(RecordBatch::try_new_with_options(
                schema.clone(),
                arrays,
                &options,
            )?);
        }
        Ok(Some(Loaded {
            columns: columns.clone(),
            batches,
        }))
    }
}

fn broken(name: &str, line: usize, error: &serde_json::Error) -> EngineError {
    EngineError::runtime(format!(
        "cannot read {name}: line {line} is no JSON ({error})"
    ))
}

/// The type that holds what was seen before and `value`.
fn widened(before: Option<ScalarType>, value: &Json) -> Option<ScalarType> {
    let now = match value {
        Json::Null => return before,
        Json::Bool(_) => ScalarType::Bool,
        Json::Number(number) if number.is_i64() => ScalarType::Long,
        Json::Number(_) => ScalarType::Real,
        Json::String(value) if is_moment(value) => ScalarType::DateTime,
        Json::String(_) => ScalarType::String,
        Json::Array(_) | Json::Object(_) => ScalarType::Dynamic,
    };
    Some(match (before, now) {
        (None, now) => now,
        (Some(before), now) if before == now => now,
        (Some(ScalarType::Long | ScalarType::Real), ScalarType::Long | ScalarType::Real) => {
            ScalarType::Real
        }
        (Some(ScalarType::DateTime | ScalarType::String), ScalarType::String)
        | (Some(ScalarType::String), ScalarType::DateTime) => ScalarType::String,
        _ => ScalarType::Dynamic,
    })
}

/// `2024-01-02T03:04:05…`: nothing shorter is taken for a datetime.
fn is_moment(value: &str) -> bool {
    let bytes = value.as_bytes();
    bytes.len() >= 19
        && bytes.len() <= 33
        && bytes[4] == b'-'
        && bytes[10] == b'T'
        && bytes[0].is_ascii_digit()
        && text::parse_datetime(value).is_some()
}

/// One cell as a value of `ty`.
pub(super) fn cell(value: Option<&Json>, ty: ScalarType) -> Datum<'static> {
    let Some(value) = value else {
        return Datum::Null;
    };
    match (value, ty) {
        (Json::Null, _) => Datum::Null,
        // The service gives dynamic columns as JSON text, files often as JSON itself.
        (Json::String(source), ScalarType::Dynamic) => convert::parse_json(source),
        (value, ScalarType::Dynamic) => Datum::dynamic(dynamic::from_json(value)),
        (Json::String(source), ScalarType::String) => Datum::text(source.clone()),
        (Json::String(source), ty) => convert::to_type(&Datum::text(source.clone()), ty),
        (Json::Array(_) | Json::Object(_), ScalarType::String) => Datum::text(value.to_string()),
        (value, ty) => {
            convert::to_type(&Datum::dynamic(dynamic::from_json(value)), ty).into_owned()
        }
    }
}
