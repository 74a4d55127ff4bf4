//! One page as the service sends it.

use defender_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

use crate::failure;

/// One row: its properties in the order in which they came.
pub(crate) type Row = Map<String, Value>;

/// Rows, and where there are more.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Page {
    pub(crate) rows: Vec<Row>,
    pub(crate) next: Option<String>,
    pub(crate) count: Option<u64>,
}

impl Page {
    /// Reads a collection, `{"value":[…]}`, or a single row.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let document = serde_json::from_slice(bytes).map_err(|error| {
            if error.is_eof() {
                return failure::broken_off(bytes.len());
            }
            Error::new(ErrorKind::Protocol, "the answer is not JSON").with_source(error)
        })?;
        let mut document = match document {
            Value::Object(document) => document,
            Value::Array(rows) => return Ok(Self::of(rows)),
            value => return Ok(Self::of(vec![value])),
        };
        match document.get_mut("value").map(Value::take) {
            Some(Value::Array(rows)) => {
                let next = document.get("@odata.nextLink").and_then(Value::as_str);
                let count = document.get("@odata.count").and_then(Value::as_u64);
                Ok(Self {
                    next: next.filter(|next| !next.is_empty()).map(str::to_owned),
                    count,
                    ..Self::of(rows)
                })
            }
            other => {
                if let Some(value) = other {
                    document.insert("value".to_owned(), value);
                }
                Ok(Self::of(vec![document.into()]))
            }
        }
    }

    fn of(rows: Vec<Value>) -> Self {
        let row = |value| match value {
            Value::Object(mut row) => {
                // They are about the row, and no part of it; within values they may be.
                row.retain(|name, _| !name.starts_with("@odata.") && !name.contains("@odata."));
                row
            }
            value => Row::from_iter([("value".to_owned(), value)]),
        };
        Self {
            rows: rows.into_iter().map(row).collect(),
            ..Self::default()
        }
    }
}
