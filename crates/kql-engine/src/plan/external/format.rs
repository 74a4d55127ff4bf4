//! The formats of documents, and the records that a document of each has.
//!
//! Source: <https://learn.microsoft.com/kusto/ingestion-supported-formats>

use std::path::Path;

use serde_json::Value as Json;

use crate::text::separated::Records;

/// How a document is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Separated(u8),
    /// Separated by tabs, with backslashes for tabs and line breaks inside of cells.
    EscapedTabs,
    Lines,
    Raw,
    Json,
    MultiJson,
}

/// One record of a document.
pub(super) enum Record<'a> {
    /// Values by their order.
    Cells(Vec<&'a str>),
    /// Values by their names.
    Object(&'a Json),
}

impl Format {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "csv" => Self::Separated(b','),
            "tsv" => Self::Separated(b'\t'),
            "tsve" => Self::EscapedTabs,
            "psv" => Self::Separated(b'|'),
            "scsv" => Self::Separated(b';'),
            "sohsv" => Self::Separated(1),
            "txt" => Self::Lines,
            "raw" => Self::Raw,
            "json" | "singlejson" => Self::Json,
            "multijson" => Self::MultiJson,
            _ => return None,
        })
    }

    /// By the name of the document; separated by commas where it tells nothing.
    pub(super) fn of(path: &Path) -> Self {
        let name = path.file_name().map(|name| name.to_string_lossy());
        let name = name.unwrap_or_default();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        name.rsplit_once('.')
            .and_then(|(_, extension)| Self::named(extension))
            .unwrap_or(Self::Separated(b','))
    }

    /// Gives every record of a document to `take`.
    pub(super) fn records(
        self,
        text: &str,
        take: &mut dyn FnMut(Record<'_>) -> Result<(), String>,
    ) -> Result<(), String> {
        let lines = || {
            text.lines()
                .enumerate()
                .filter(|(_, line)| !line.is_empty())
        };
        match self {
            Self::Separated(separator) => {
                let mut records = Records::new(text.as_bytes(), separator);
                while let Some(record) = records.next().map_err(|error| error.to_string())? {
                    if !record.is_blank() {
                        let cells = record.cells().map_err(|error| error.to_string())?;
                        take(Record::Cells(cells.collect()))?;
                    }
                }
                Ok(())
            }
            Self::EscapedTabs => {
                for (_, line) in lines() {
                    let cells: Vec<String> = line.split('\t').map(unescaped).collect();
                    take(Record::Cells(cells.iter().map(String::as_str).collect()))?;
                }
                Ok(())
            }
            Self::Lines => lines().try_for_each(|(_, line)| take(Record::Cells(vec![line]))),
            Self::Raw => take(Record::Cells(vec![text])),
            Self::Json => lines()
                .filter(|(_, line)| !line.trim().is_empty())
                .try_for_each(|(at, line)| {
                    let value: Json = serde_json::from_str(line).map_err(|error| {
                        format!(
                            "line {} is no JSON object: {error}; a document over several lines \
                             has the format multijson",
                            at + 1
                        )
                    })?;
                    take(Record::Object(&value))
                }),
            Self::MultiJson => {
                for value in serde_json::Deserializer::from_str(text).into_iter::<Json>() {
                    match value.map_err(|error| error.to_string())? {
                        Json::Array(list) => {
                            list.iter().try_for_each(|one| take(Record::Object(one)))?;
                        }
                        one => take(Record::Object(&one))?,
                    }
                }
                Ok(())
            }
        }
    }
}

/// A cell without its backslashes.
fn unescaped(cell: &str) -> String {
    let mut out = String::with_capacity(cell.len());
    let mut letters = cell.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            out.push(letter);
            continue;
        }
        match letters.next() {
            Some('t') => out.push('\t'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some(other) => out.push(other),
            None => out.push('\\'),
        }
    }
    out
}
