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

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Wrong;
use super::spans::{self, Member};
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

/// Keys of what is around rows.
const AROUND: [&str; 5] = ["records", "results", "value", "tables", "body"];

/// Keys beside rows that say that the query failed.
const FAILED: [&str; 7] = [
    "error",
    "errors",
    "exceptions",
    "partialerror",
    "haserrors",
    "oneapierrors",
    "exception",
];

/// Keys beside rows that say that there are more.
const PARTIAL: [&str; 8] = [
    "@odata.nextlink",
    "odata.nextlink",
    "@nextlink",
    "nextlink",
    "ispartial",
    "istruncated",
    "truncated",
    "hasmore",
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
    )
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
}

/// Hands every row of a document to `each`.
pub(super) fn records(
    document: &[u8],
    names: &Names,
    each: &mut dyn FnMut(&Record<'_>) -> Result<(), Wrong>,
) -> Result<(), Wrong> {
    let mut walk = Walk {
        names,
        each,
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
        match object.wrapper(self) {
            Wrapper::None => (self.each)(&Record {
                bytes,
                start,
                is_placed,
                table: None,
            }),
            Wrapper::Nothing => Ok(()),
            Wrapper::Refused(what) => Err(Wrong::said(start, what)),
            Wrapper::Record(span, table) => {
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
                })
            }
            Wrapper::Around(span) => {
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
            certain,
            depth,
        };
        // What is wrong further on is told when it is read.
        let _ = walk.value(bytes, 0, false);
        found
    }
}

/// What an object is.
enum Wrapper {
    /// A row, as far as it goes.
    None,
    /// A part of a response that has no rows.
    Nothing,
    Refused(String),
    /// The row is at this place.
    Record(Range<usize>, Option<String>),
    /// What is at this place.
    Around(Range<usize>),
    Table {
        columns: Range<usize>,
        rows: Range<usize>,
    },
}

/// Whether a key is one that wrappers do not have.
fn is_telling(key: &str) -> bool {
    !SHARED.iter().any(|one| key.eq_ignore_ascii_case(one)) && !wraps(key)
}

struct Object<'a> {
    bytes: &'a [u8],
    members: Vec<Member>,
}

impl Object<'_> {
    /// What the object is; what wraps rows must be whole.
    fn wrapper(&self, walk: &Walk<'_>) -> Wrapper {
        let found = self.kind(walk);
        let wrong = match found {
            Wrapper::Around(_) | Wrapper::Table { .. } | Wrapper::Nothing => {
                self.doubled().or_else(|| self.incomplete())
            }
            Wrapper::Record(..) => self.doubled(),
            Wrapper::None | Wrapper::Refused(_) => None,
        };
        wrong.map_or(found, Wrapper::Refused)
    }

    /// Says that there is a key of wrappers twice, in two cases.
    fn doubled(&self) -> Option<String> {
        let keys: Vec<&str> = self
            .members
            .iter()
            .map(|member| member.key.as_str())
            .collect();
        keys.iter().enumerate().find_map(|(place, key)| {
            let mut others = keys[place + 1..].iter();
            let other = others.find(|other| wraps(key) && key.eq_ignore_ascii_case(other))?;
            Some(format!(
                "has the key '{key}' twice, the second time as '{other}'"
            ))
        })
    }

    /// Says that a response has errors, or that more of it is elsewhere.
    fn incomplete(&self) -> Option<String> {
        self.members.iter().find_map(|member| {
            let is = |one: &&str| member.key.eq_ignore_ascii_case(one);
            let value = &self.bytes[member.value.clone()];
            let says_nothing = matches!(value, b"null" | b"false" | b"\"\"");
            if says_nothing || self.is_empty(&member.value) {
                return None;
            }
            if FAILED.iter().any(&is) {
                Some(format!("has an error beside its rows ('{}')", member.key))
            } else if PARTIAL.iter().any(is) {
                Some(format!("has a part of its rows only ('{}')", member.key))
            } else {
                None
            }
        })
    }

    fn kind(&self, walk: &Walk<'_>) -> Wrapper {
        if !self.members.iter().any(|member| wraps(&member.key)) {
            return Wrapper::None;
        }
        if let Some(frame) = self.text("FrameType") {
            return self.frame(&frame);
        }
        if let Some(table) = self.table() {
            return self.alone("rows", walk).unwrap_or(table);
        }
        if let Some(key) = self.twice() {
            return Wrapper::Refused(format!("has the key '{key}' twice"));
        }
        let free = walk.names.is_free() && !walk.certain;
        let own = self
            .members
            .iter()
            .any(|member| is_telling(&member.key) && walk.names.has(&member.key));
        let category = self.text("category");
        let table = category.as_deref().and_then(table_of);
        let properties = self.get("properties");
        if !free && let Some(table) = &table {
            match &properties {
                Some(span) if !self.is_object(span) => {
                    let what = self.in_words(span);
                    let what = format!("is a record of {table} whose 'properties' is {what}");
                    return Wrapper::Refused(what);
                }
                None if !own => {
                    return Wrapper::Refused(format!(
                        "is a record of {table} without 'properties'"
                    ));
                }
                _ => {}
            }
        }
        if let Some(properties) = properties
            && self.is_object(&properties)
        {
            let timed = self.get("time").is_some() && self.begins(&properties) == Some(b'{');
            if table.is_some()
                || (category.is_some() && timed && !own)
                || (!free && !own && walk.leads_to_rows(&self.bytes[properties.clone()]))
            {
                let record = Wrapper::Record(properties, table);
                return self.alone("properties", walk).unwrap_or(record);
            }
        }
        let mut found: Option<(&str, Range<usize>)> = None;
        for key in AROUND {
            let Some(span) = self.get(key) else { continue };
            if !self.is_around(key, &span, walk, free, own) {
                continue;
            }
            match &found {
                Some((other, _)) if !self.is_empty(&span) => {
                    let what = format!("has rows in '{other}' and in '{key}'");
                    return Wrapper::Refused(what);
                }
                Some(_) => {}
                None => found = Some((key, span)),
            }
        }
        let Some((key, span)) = found else {
            return Wrapper::None;
        };
        if key == "tables" && Self::holds_tables(&self.bytes[span.clone()]) {
            return self.first_table(&span, walk.names);
        }
        Wrapper::Around(span)
    }

    /// Refuses rows under one key and others under another.
    fn alone(&self, key: &str, walk: &Walk<'_>) -> Option<Wrapper> {
        let other = AROUND.into_iter().find(|other| {
            self.get(other)
                .is_some_and(|span| walk.leads_to_rows(&self.bytes[span]))
        })?;
        let what = format!("has rows in '{key}' and in '{other}'");
        Some(Wrapper::Refused(what))
    }

    /// Whether rows of the table are in the value of a key.
    fn is_around(
        &self,
        key: &str,
        span: &Range<usize>,
        walk: &Walk<'_>,
        free: bool,
        own: bool,
    ) -> bool {
        let inner = &self.bytes[span.clone()];
        let is_list = self.begins(span) == Some(b'[');
        let unmistakable = is_list
            && match key {
                "records" => self.members.len() == 1,
                "results" => self.members.len() == 1 || self.get("schema").is_some(),
                "value" => self
                    .members
                    .iter()
                    .any(|member| member.key.starts_with("@odata.")),
                "tables" => Self::holds_tables(inner),
                _ => false,
            };
        if unmistakable || free {
            return unmistakable;
        }
        // What is wrong with the elements of a list is told of them.
        (is_list && !own)
            || ((is_list || self.begins(span) == Some(b'{') || nested(inner).is_some())
                && walk.leads_to_rows(inner))
    }

    /// A part of a response of Kusto.
    fn frame(&self, frame: &str) -> Wrapper {
        let is = |name: &str| frame.eq_ignore_ascii_case(name);
        if is("DataTable") {
            let primary = self
                .text("TableKind")
                .is_some_and(|kind| kind.eq_ignore_ascii_case("PrimaryResult"));
            return match self.table() {
                Some(table) if primary => table,
                Some(table) => self
                    .ended_badly(&table)
                    .map_or(Wrapper::Nothing, Wrapper::Refused),
                None => Wrapper::None,
            };
        }
        if is("DataSetHeader") {
            return Wrapper::Nothing;
        }
        if is("DataSetCompletion") {
            return Wrapper::Nothing;
        }
        Wrapper::None
    }

    /// Columns with names, and rows that are lists.
    fn table(&self) -> Option<Wrapper> {
        let (columns, rows) = (self.get("columns")?, self.get("rows")?);
        let names = names_of(&self.bytes[columns.clone()]);
        let list = spans::elements(&self.bytes[rows.clone()]).ok()?;
        let first = list
            .first()
            .map(|first| self.bytes[rows.start + first.start]);
        (!names.is_empty() && matches!(first, None | Some(b'[')))
            .then_some(Wrapper::Table { columns, rows })
    }

    /// Says that a table about an answer reports an error, or that the answer was cut.
    fn ended_badly(&self, table: &Wrapper) -> Option<String> {
        let Wrapper::Table { columns, rows } = table else {
            return None;
        };
        let names = names_of(&self.bytes[columns.clone()]);
        let list = &self.bytes[rows.clone()];
        for one in spans::elements(list).unwrap_or_default() {
            let row = row(&names, &list[one])?;
            let members = spans::members(&row).unwrap_or_default();
            let row = Object {
                bytes: &row,
                members,
            };
            let level = row.get("Level").or_else(|| row.get("Severity"));
            let level = level.and_then(|span| serde_json::from_slice::<i64>(&row.bytes[span]).ok());
            // 1 is critical, 2 an error, 3 a warning.
            let said = String::from_utf8_lossy(row.bytes).to_ascii_lowercase();
            if level.is_some_and(|level| level <= 2)
                || said.contains("truncated")
                || said.contains("exceeded")
            {
                return Some("says that its query ended with errors".to_owned());
            }
        }
        None
    }

    fn holds_tables(list: &[u8]) -> bool {
        let Ok(elements) = spans::elements(list) else {
            return false;
        };
        elements.iter().all(|one| {
            spans::members(&list[one.clone()]).is_ok_and(|members| {
                let object = Object {
                    bytes: &list[one.clone()],
                    members,
                };
                object.table().is_some()
            })
        })
    }

    /// The table with the answer: the first of a response, the others are about it.
    fn first_table(&self, span: &Range<usize>, names: &Names) -> Wrapper {
        let list = spans::elements(&self.bytes[span.clone()]).unwrap_or_default();
        let place = |one: &Range<usize>| span.start + one.start..span.start + one.end;
        for one in list.iter().skip(1) {
            let bytes = &self.bytes[place(one)];
            let members = spans::members(bytes).unwrap_or_default();
            let about = Object { bytes, members };
            if let Some(table) = about.table()
                && let Some(what) = about.ended_badly(&table)
            {
                return Wrapper::Refused(what);
            }
        }
        let telling = list.iter().skip(1).any(|one| {
            let bytes = &self.bytes[place(one)];
            let members = spans::members(bytes).unwrap_or_default();
            let columns = Object { bytes, members }.get("columns");
            let columns = columns.map_or_else(Vec::new, |columns| names_of(&bytes[columns]));
            columns.iter().any(|name| names.has(name))
        });
        match list.first() {
            Some(_) if telling => Wrapper::Refused("has rows of more than one answer".to_owned()),
            Some(first) => Wrapper::Around(place(first)),
            None => Wrapper::Nothing,
        }
    }

    /// The value of a key, however it is written.
    fn get(&self, key: &str) -> Option<Range<usize>> {
        self.members
            .iter()
            .find(|member| member.key.eq_ignore_ascii_case(key))
            .map(|member| member.value.clone())
    }

    fn text(&self, key: &str) -> Option<String> {
        serde_json::from_slice(&self.bytes[self.get(key)?]).ok()
    }

    fn begins(&self, span: &Range<usize>) -> Option<u8> {
        self.bytes.get(span.start).copied()
    }

    /// Whether a value is an object, or a text that holds one.
    fn is_object(&self, span: &Range<usize>) -> bool {
        match self.begins(span) {
            Some(b'{') => true,
            Some(b'"') => nested(&self.bytes[span.clone()])
                .is_some_and(|text| spans::first(&text) == Some(b'{')),
            _ => false,
        }
    }

    /// What a value is that should be an object.
    fn in_words(&self, span: &Range<usize>) -> &'static str {
        match self.begins(span) {
            Some(b'"') => "a text that holds no JSON object",
            Some(b'[') => "a list",
            Some(b'n') => "null",
            Some(b't' | b'f') => "a bool",
            _ => "a number",
        }
    }

    /// Whether nothing is in an object or a list.
    fn is_empty(&self, span: &Range<usize>) -> bool {
        let value = &self.bytes[span.clone()];
        spans::members(value).is_ok_and(|members| members.is_empty())
            || spans::elements(value).is_ok_and(|elements| elements.is_empty())
    }

    /// A key that is there twice.
    fn twice(&self) -> Option<&str> {
        let mut seen = HashSet::new();
        let mut keys = self.members.iter().map(|member| member.key.as_str());
        keys.find(|key| !seen.insert(*key))
    }
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

/// The key of a record that holds more of the table's columns than the record has itself: a
/// wrapper that nobody knows.
pub(super) fn unknown(bytes: &[u8], names: &Names) -> Option<String> {
    let members = spans::members(bytes).ok()?;
    let own = telling(&members, names);
    members
        .into_iter()
        .find(|one| !names.has(&one.key) && shared(&bytes[one.value.clone()], names, 0) > own)
        .map(|one| one.key)
}

fn telling(members: &[Member], names: &Names) -> usize {
    let is_own = |one: &&Member| is_telling(&one.key) && names.has(&one.key);
    members.iter().filter(is_own).count()
}

/// The most columns of the table that an object in a value has.
fn shared(bytes: &[u8], names: &Names, depth: usize) -> usize {
    if depth == DEEPEST {
        return 0;
    }
    let inner = |span: &Range<usize>| shared(&bytes[span.clone()], names, depth + 1);
    match spans::first(bytes) {
        Some(b'{') => {
            let members = spans::members(bytes).unwrap_or_default();
            let deeper = members.iter().map(|one| inner(&one.value)).max();
            telling(&members, names).max(deeper.unwrap_or(0))
        }
        Some(b'[') => {
            let elements = spans::elements(bytes).unwrap_or_default();
            elements.iter().map(inner).max().unwrap_or(0)
        }
        Some(b'"') => nested(bytes).map_or(0, |text| shared(&text, names, depth + 1)),
        _ => 0,
    }
}

/// The names of columns, as Log Analytics and Kusto list them.
fn names_of(list: &[u8]) -> Vec<String> {
    let elements = spans::elements(list).unwrap_or_default();
    let name = |span: &Range<usize>| {
        let bytes = &list[span.clone()];
        let members = spans::members(bytes).ok()?;
        let object = Object { bytes, members };
        object.text("name").or_else(|| object.text("ColumnName"))
    };
    elements
        .iter()
        .map(name)
        .collect::<Option<_>>()
        .unwrap_or_default()
}

/// A list of values as an object.
fn row(names: &[String], values: &[u8]) -> Option<Vec<u8>> {
    let elements = spans::elements(values).ok()?;
    if elements.len() != names.len() {
        return None;
    }
    let mut row = vec![b'{'];
    for (name, value) in names.iter().zip(elements) {
        if row.len() > 1 {
            row.push(b',');
        }
        row.extend(serde_json::to_vec(name).ok()?);
        row.push(b':');
        row.extend_from_slice(&values[value]);
    }
    row.push(b'}');
    Some(row)
}
