//! The rows inside a document: what wraps them, and what they say about their table.
//!
//! | wrapper | |
//! |---|---|
//! | `{"time", "category", "properties": {…}}` | a record of the Streaming API; its properties may be JSON in a text |
//! | `{"records": […]}` | an Event Hub envelope, whatever stands beside |
//! | `{"Body": …}` | an exported event; its body may be JSON in a text, or that in base64 |
//! | `{"schema": […], "results": […]}`, `{"value": […]}` | a saved response |
//! | `{"columns": […], "rows": [[…]]}` | a table of Log Analytics or Kusto, whatever holds it |
//!
//! Keys may have any case. A wrapper is one when there are rows of the table in it: a hunting table
//! has columns to know them by; in a table that takes any column only what is unmistakable is one.
//!
//! Source: <https://learn.microsoft.com/defender-xdr/streaming-api-event-hub>

mod object;
mod tables;
mod unknown;

use std::borrow::Cow;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub(super) use self::tables::Frames;
pub(super) use self::unknown::unknown;

use self::object::{Object, Wrapper};
use self::tables::{names_of, row};
use super::Wrong;
use super::spans;
use crate::catalog::aliases::Names;

/// Categories of the Streaming API are this and the name of the table.
const CATEGORY: &str = "AdvancedHunting-";

/// Wrappers in wrappers beyond this are refused.
const DEEPEST: usize = 8;

/// Keys that wrap rows when their value is nested.
const WRAPPERS: [&str; 9] = [
    "category",
    "records",
    "properties",
    "body",
    "value",
    "results",
    "tables",
    "rows",
    "frametype",
];

/// Keys of wrappers that some hunting tables have columns of.
const SHARED: [&str; 5] = ["category", "operationname", "tenantid", "type", "time"];

/// Whether a key may belong to a wrapper when its value is nested, or a text that may hold JSON.
pub(super) fn wraps(key: &str) -> bool {
    WRAPPERS.iter().any(|one| key.eq_ignore_ascii_case(one))
}

/// Whether a text under such a key may hold a document.
pub(super) fn may_hold(text: &str) -> bool {
    // Base64 of `{` and `[` begins with `e` and `W`.
    matches!(text.trim_start().as_bytes().first(), Some(b'{' | b'[' | b'"' | b'e' | b'W'))
        || table_of(text).is_some()
        // The type of a frame of Kusto.
        || text.starts_with("Data")
}

/// Whether a first key may belong to a record or an envelope: such a document is not read as a row
/// at first.
pub(super) fn is_hinted(key: &str) -> bool {
    matches!(
        key,
        "records"
            | "time"
            | "Time"
            | "tenantId"
            | "category"
            | "operationName"
            | "properties"
            | "Tenant"
            | "_TimeReceivedBySvc"
            | "error"
    ) || key.starts_with("@odata.")
}

/// A row inside a document.
#[derive(Debug)]
pub(super) struct Record<'a> {
    pub(super) bytes: &'a [u8],
    /// Where in the document it begins; where the text begins that it is in.
    pub(super) start: usize,
    /// Whether its lines are lines of the document.
    pub(super) is_placed: bool,
    /// The table that it says it is of.
    pub(super) table: Option<String>,
    /// The category that it says it is of, where that is not one of the Streaming API.
    pub(super) category: Option<String>,
}

/// Hands every row of a document to `each`.
pub(super) fn records(
    document: &[u8],
    names: &Names,
    frames: &mut Frames,
    each: &mut dyn FnMut(&Record<'_>) -> Result<(), Wrong>,
) -> Result<(), Wrong> {
    let mut walk = Walk {
        names,
        each,
        frames,
        certain: false,
        depth: 0,
    };
    if names.is_free() && holds_category(document) {
        walk.certain = Walk::finds(names, true, 0, document, |record| record.table.is_some());
    }
    walk.value(document, 0, true)
}

/// Hands every row of a document to `each`, wherever records of the Streaming API may be in it.
pub(super) fn anywhere(
    document: &[u8],
    each: &mut dyn FnMut(&Record<'_>) -> Result<(), Wrong>,
) -> Result<(), Wrong> {
    let mut walk = Walk {
        names: &Names::default(),
        each,
        frames: &mut Frames::default(),
        certain: true,
        depth: 0,
    };
    walk.value(document, 0, true)
}

/// Whether a record of the Streaming API may be in a document; what is in base64 is not seen.
fn holds_category(document: &[u8]) -> bool {
    let mark = CATEGORY.as_bytes();
    document
        .windows(mark.len())
        .any(|window| window.eq_ignore_ascii_case(mark))
        || document
            .windows(6)
            .any(|window| window.eq_ignore_ascii_case(b"\"body\""))
}

struct Walk<'w> {
    names: &'w Names,
    each: &'w mut dyn FnMut(&Record<'_>) -> Result<(), Wrong>,
    frames: &'w mut Frames,
    /// Whether records of the Streaming API are known to be inside.
    certain: bool,
    depth: usize,
}

impl Walk<'_> {
    /// `is_placed`: whether positions in `bytes` are positions in the document.
    fn value(&mut self, bytes: &[u8], start: usize, is_placed: bool) -> Result<(), Wrong> {
        if self.depth == DEEPEST {
            return Err(Wrong::said(start, "has rows in too many wrappers"));
        }
        self.depth += 1;
        let outcome = match spans::first(bytes) {
            Some(b'[') => self.list(bytes, start, is_placed),
            Some(b'{') => self.object(bytes, start, is_placed),
            Some(b'"') => match nested(bytes) {
                Some(text) => self.value(&text, start, false),
                None => Err(Wrong::said(start, "is no JSON object")),
            },
            _ => Err(Wrong::said(start, "is no JSON object")),
        };
        self.depth -= 1;
        outcome
    }

    fn list(&mut self, bytes: &[u8], start: usize, is_placed: bool) -> Result<(), Wrong> {
        let elements = spans::elements(bytes).map_err(|error| Wrong::json(start, error))?;
        for element in elements {
            let at = if is_placed {
                start + element.start
            } else {
                start
            };
            self.value(&bytes[element], at, is_placed)?;
        }
        Ok(())
    }

    fn object(&mut self, bytes: &[u8], start: usize, is_placed: bool) -> Result<(), Wrong> {
        let members = spans::members(bytes).map_err(|error| Wrong::json(start, error))?;
        let object = Object { bytes, members };
        let inside = |span: &Range<usize>| if is_placed { start + span.start } else { start };
        let wrapper = object.wrapper(self);
        if let Wrapper::Nothing | Wrapper::Table { .. } = wrapper
            && let Some(frame) = object.text(tables::FRAME)
        {
            self.frames.see(&frame);
        }
        match wrapper {
            Wrapper::None => (self.each)(&Record {
                bytes,
                start,
                is_placed,
                table: None,
                category: None,
            }),
            Wrapper::Nothing => Ok(()),
            Wrapper::Refused(what) => Err(Wrong::said(start, what)),
            Wrapper::Record(span, table) => {
                let category = match &table {
                    None => object
                        .text("category")
                        .filter(|_| object.get("time").is_some()),
                    Some(_) => None,
                };
                let inner = &bytes[span.clone()];
                let text = match spans::first(inner) {
                    Some(b'"') => nested(inner).unwrap_or_default(),
                    _ => Cow::Borrowed(inner),
                };
                (self.each)(&Record {
                    is_placed: is_placed && matches!(text, Cow::Borrowed(_)),
                    bytes: &text,
                    start: inside(&span),
                    table,
                    category,
                })
            }
            Wrapper::Around(span) => {
                if let Some(what) = object.unknown(&span) {
                    self.frames.note(what);
                }
                let at = inside(&span);
                self.value(&bytes[span], at, is_placed)
            }
            Wrapper::Table { columns, rows } => {
                let names = names_of(&bytes[columns]);
                let elements = spans::elements(&bytes[rows.clone()])
                    .map_err(|error| Wrong::json(inside(&rows), error))?;
                for element in elements {
                    let span = rows.start + element.start..rows.start + element.end;
                    let row = row(&names, &bytes[span.clone()])
                        .ok_or_else(|| Wrong::said(inside(&span), "is not a row of its columns"))?;
                    (self.each)(&Record {
                        bytes: &row,
                        start: inside(&span),
                        is_placed: false,
                        table: None,
                        category: None,
                    })?;
                }
                Ok(())
            }
        }
    }

    /// Whether a value leads to rows of the table.
    fn leads_to_rows(&self, bytes: &[u8]) -> bool {
        let names = self.names;
        Self::finds(names, self.certain, self.depth, bytes, |record| {
            let keys = spans::members(record.bytes).unwrap_or_default();
            record.table.is_some()
                || keys
                    .iter()
                    .any(|member| is_telling(&member.key) && names.has(&member.key))
        })
    }

    /// Looks for the first record that is `wanted`.
    fn finds(
        names: &Names,
        certain: bool,
        depth: usize,
        bytes: &[u8],
        wanted: impl Fn(&Record<'_>) -> bool,
    ) -> bool {
        let mut found = false;
        let mut look = |record: &Record<'_>| {
            found = wanted(record);
            if found {
                return Err(Wrong::said(0, "enough was seen"));
            }
            Ok(())
        };
        let mut walk = Walk {
            names,
            each: &mut look,
            frames: &mut Frames::default(),
            certain,
            depth,
        };
        // What is wrong further on is told when it is read.
        let _ = walk.value(bytes, 0, false);
        found
    }
}

/// Whether a key is one that wrappers do not have.
fn is_telling(key: &str) -> bool {
    !SHARED.iter().any(|one| key.eq_ignore_ascii_case(one)) && !wraps(key)
}

fn table_of(category: &str) -> Option<String> {
    let (mark, table) = category.split_at_checked(CATEGORY.len())?;
    mark.eq_ignore_ascii_case(CATEGORY)
        .then(|| table.to_owned())
}

/// The document inside a text: JSON, JSON in base64, or a text with either in it.
fn nested(bytes: &[u8]) -> Option<Cow<'static, [u8]>> {
    let mut text: String = serde_json::from_slice(bytes).ok()?;
    // Pipelines encode again what came encoded.
    while spans::first(text.as_bytes()) == Some(b'"') {
        text = serde_json::from_str(&text).ok()?;
    }
    if matches!(spans::first(text.as_bytes()), Some(b'{' | b'[')) {
        return Some(Cow::Owned(text.into_bytes()));
    }
    let decoded = STANDARD.decode(text.trim()).ok()?;
    matches!(spans::first(&decoded), Some(b'{' | b'[')).then_some(Cow::Owned(decoded))
}
