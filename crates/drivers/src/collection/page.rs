//! One page as the service sends it.

use std::collections::HashSet;
use std::ops::Range;

use defender_core::{Error, ErrorKind, Result};
use defender_table::{Noted, Noting, rounded};
use serde::de::DeserializeSeed as _;
use serde_json::{Map, Value};

use crate::decode::reader::{Fault, Reader};
use crate::envelope::{self, Around, kind};
use crate::patience::{TURN, others_turn};
use crate::{Collection, failure};

/// One row: its properties in the order in which they came.
pub(crate) type Row = Map<String, Value>;

/// What may be where a request leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A list of rows of a known collection.
    List(&'static Collection),
    /// One of its rows; functions below its path are lists.
    Row(&'static Collection),
    /// A number.
    Count,
    /// Anything: nobody knows the path.
    Any,
}

/// Rows, and what is said of them.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Page {
    pub(crate) rows: Vec<Row>,
    /// What stands around them: where there are more, for one.
    pub(crate) around: Around,
    /// The property whose list in some row goes on elsewhere.
    pub(crate) shortened: Option<String>,
    /// How many properties stood a second time in their row, or in an object inside.
    pub(crate) repeated: u64,
    /// How many numbers have more digits than what is kept of them.
    pub(crate) rounded: u64,
    /// How many bytes it had.
    pub(crate) bytes: usize,
}

/// A member of the document: its name, and where its value is.
type Member = (String, Range<usize>);

impl Page {
    /// Reads a list, `{"value":[…]}`, or what else `shape` allows.
    pub(crate) async fn parse(bytes: &[u8], shape: Shape) -> Result<Self> {
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let broken = |fault| broken(fault, text);
        let mut reader = Reader::new(text, 0);
        let mut page = Self {
            bytes: bytes.len(),
            ..Self::default()
        };
        match reader.peek().map_err(broken)? {
            b'{' => {
                let members = members(&mut reader)?;
                page.take_document(text, &members, shape).await?;
            }
            b'[' if shape == Shape::Any => {
                reader.skip().map_err(broken)?;
                ended(&mut reader)?;
                page.take_rows(text, 0, shape).await?;
            }
            _ => {
                let value: Value = serde_json::from_slice(text).map_err(|error| {
                    if error.is_eof() {
                        return failure::broken_off(text.len());
                    }
                    let words = failure::words_of(text).map(|words| format!(": {words}"));
                    protocol(format!(
                        "the answer is not JSON{}",
                        words.unwrap_or_default()
                    ))
                    .with_hint("a proxy or a wrong address may answer in place of the service")
                })?;
                if shape != Shape::Count || !value.is_u64() {
                    let kind = match &value {
                        Value::Array(_) => "a bare list",
                        value => kind(value),
                    };
                    return Err(misshapen(kind));
                }
                page.rows
                    .push(Row::from_iter([("value".to_owned(), value)]));
            }
        }
        Ok(page)
    }

    async fn take_document(&mut self, text: &[u8], members: &[Member], shape: Shape) -> Result<()> {
        let value = members.iter().find(|(name, _)| name == "value");
        let list = value.filter(|(_, range)| text[range.start] == b'[');
        let own: Vec<&Member> = members
            .iter()
            .filter(|(name, _)| !is_annotation(name))
            .collect();
        let nothing_else = own.iter().all(|(name, _)| envelope::is_error(name));
        let envelope = list.is_some() || nothing_else || matches!(shape, Shape::List(_));
        let mut names = HashSet::new();
        for (name, range) in members {
            if envelope && !names.insert(name.to_ascii_lowercase()) {
                return Err(twice(name));
            }
            let value = &text[range.clone()];
            if !envelope {
                self.around.member_of_row(name, value);
            } else if list.is_none_or(|(list, _)| list != name) {
                self.around.member(name, value);
            }
        }
        if let Some((_, range)) = list {
            return self.take_rows(&text[..range.end], range.start, shape).await;
        }
        if self.around.failure.is_some() && (nothing_else || matches!(shape, Shape::List(_))) {
            return Ok(());
        }
        if let Shape::List(_) = shape {
            let what = match value {
                Some((_, range)) => {
                    let value: Value = serde_json::from_slice(&text[range.clone()])
                        .map_err(|error| protocol("the answer is not JSON").with_source(error))?;
                    format!("an object whose 'value' is {}", kind(&value))
                }
                None => "an object without a 'value'".to_owned(),
            };
            return Err(misshapen(&what));
        }
        if nothing_else {
            return Err(protocol("the answer is an object without a property"));
        }
        let mut row = Row::new();
        for (name, range) in own {
            row.insert(name.clone(), self.parsed(Some(name), &text[range.clone()])?);
        }
        self.take_row(row, shape)
    }

    /// The rows of the list that begins at `start` and ends where `text` ends.
    async fn take_rows(&mut self, text: &[u8], start: usize, shape: Shape) -> Result<()> {
        let broken = |fault| broken(fault, text);
        let mut reader = Reader::new(text, start);
        reader.expect(b'[', "a list was expected").map_err(broken)?;
        let mut turn = start + TURN;
        while reader.peek().map_err(broken)? != b']' {
            if reader.peek().map_err(broken)? == b',' {
                reader.step();
            }
            let first = reader.peek().map_err(broken)?;
            let start = reader.position();
            if first == b'{' {
                let row = self.row(&mut reader)?;
                self.take_row(row, shape)?;
            } else {
                reader.skip().map_err(broken)?;
                let value = self.parsed(None, &text[start..reader.position()])?;
                if shape != Shape::Any {
                    let (number, kind) = (self.rows.len() + 1, kind(&value));
                    return Err(protocol(format!(
                        "row {number} of the answer is {kind} and not an object"
                    )));
                }
                self.rows
                    .push(Row::from_iter([("value".to_owned(), value)]));
            }
            if reader.position() >= turn {
                turn = reader.position() + TURN;
                others_turn().await;
            }
        }
        Ok(())
    }

    /// The value of the property `name`, or a row without one, in the next row.
    fn parsed(&mut self, name: Option<&str>, text: &[u8]) -> Result<Value> {
        let number = self.rows.len() + 1;
        let unread = |error: serde_json::Error| {
            // The place that it names is within the value.
            let why = error.to_string();
            let why = why.split(" at line ").next().unwrap_or_default();
            let name = name.map_or("a value".to_owned(), |name| {
                format!("'{}'", name.chars().take(100).collect::<String>())
            });
            protocol(format!(
                "{name} in row {number} of the answer cannot be read: {why}"
            ))
        };
        let mut noted = Noted::default();
        let mut source = serde_json::Deserializer::from_slice(text);
        let value = Noting(&mut noted)
            .deserialize(&mut source)
            .map_err(unread)?;
        source.end().map_err(unread)?;
        self.repeated += noted.repeated;
        let is_number = value.is_number();
        if noted.real || (is_number && !value.is_i64()) {
            let text = String::from_utf8_lossy(text);
            // Inside of others an unsigned number is kept as it is.
            let lost = rounded(&text).filter(|one| is_number || one.parse::<u64>().is_err());
            self.rounded += lost.count() as u64;
        }
        Ok(value)
    }

    fn row(&mut self, reader: &mut Reader<'_>) -> Result<Row> {
        let text = reader.bytes();
        let broken = |fault| broken(fault, text);
        let mut row = Row::new();
        reader.step();
        while reader.peek().map_err(broken)? != b'}' {
            if reader.peek().map_err(broken)? == b',' {
                reader.step();
            }
            let (name, range) = member(reader).map_err(broken)?;
            let value = self.parsed(Some(&name), &text[range])?;
            if row.insert(name, value).is_some() {
                self.repeated += 1;
            }
        }
        reader.step();
        Ok(row)
    }

    fn take_row(&mut self, mut row: Row, shape: Shape) -> Result<()> {
        if self.shortened.is_none() {
            self.shortened = row.iter().find_map(|(name, value)| shortened(name, value));
        }
        // They are about the row, and no part of it; within values they may be.
        row.retain(|name, _| !is_annotation(name));
        if let Shape::List(known) | Shape::Row(known) = shape
            && !known
                .columns
                .iter()
                .any(|(name, _)| row.contains_key(*name))
        {
            let number = self.rows.len() + 1;
            let names: Vec<&str> = row.keys().take(3).map(String::as_str).collect();
            let has = if names.is_empty() {
                "nothing at all".to_owned()
            } else {
                names.join(", ")
            };
            return Err(protocol(format!(
                "row {number} of the answer has no property of {}, but {has}",
                known.path
            )));
        }
        self.rows.push(row);
        Ok(())
    }
}

/// What tells a row of `known` from others: its key, which some services write as a number.
pub(crate) fn key(row: &Row, known: &Collection) -> Option<String> {
    match row.get(known.key)? {
        Value::String(key) => Some(key.clone()),
        Value::Number(key) => Some(key.to_string()),
        _ => None,
    }
}

/// The members of the object that the whole document is.
fn members(reader: &mut Reader<'_>) -> Result<Vec<Member>> {
    let text = reader.bytes();
    let broken = |fault| broken(fault, text);
    let mut members = Vec::new();
    let mut names = HashSet::new();
    reader.step();
    let mut more = reader.peek().map_err(broken)? != b'}';
    while more {
        let (name, range) = member(reader).map_err(broken)?;
        if !names.insert(name.clone()) {
            return Err(twice(&name));
        }
        members.push((name, range));
        more = match reader.peek().map_err(broken)? {
            b',' => true,
            b'}' => false,
            _ => {
                let what = "a comma or a closing bracket was expected";
                return Err(broken(Fault::Bad(what)));
            }
        };
        if more {
            reader.step();
        }
    }
    reader.step();
    ended(reader)?;
    Ok(members)
}

fn member(reader: &mut Reader<'_>) -> Result<Member, Fault> {
    reader.expect(b'"', "a name in quotes was expected")?;
    let name = reader.text()?;
    let name = String::from_utf8_lossy(&reader.plain(&name)).into_owned();
    reader.expect(b':', "a colon was expected")?;
    reader.peek()?;
    let start = reader.position();
    reader.skip()?;
    Ok((name, start..reader.position()))
}

/// Nothing but blanks may follow.
fn ended(reader: &mut Reader<'_>) -> Result<()> {
    match reader.peek() {
        Err(Fault::End) => Ok(()),
        _ => Err(protocol(
            "the answer is broken JSON: nothing was expected after its end",
        )),
    }
}

fn broken(fault: Fault, text: &[u8]) -> Error {
    match fault {
        Fault::End => failure::broken_off(text.len()),
        Fault::Bad(what) => protocol(format!("the answer is broken JSON: {what}")),
    }
}

/// Whether a name is `OData`'s and not the data's.
fn is_annotation(name: &str) -> bool {
    name.contains("@odata.")
}

/// The property at or below `name` whose list goes on elsewhere.
fn shortened(name: &str, value: &Value) -> Option<String> {
    if name.contains('@') && envelope::is_continuation(name) && !value.is_null() {
        return Some(name.to_owned());
    }
    match value {
        Value::Object(members) => members
            .iter()
            .find_map(|(name, value)| shortened(name, value)),
        Value::Array(values) => values.iter().find_map(|value| shortened("", value)),
        _ => None,
    }
}

/// Of two members that mean the same, nobody knows which counts.
fn twice(name: &str) -> Error {
    let name: String = name.chars().take(100).collect();
    protocol(format!("the answer holds '{name}' twice"))
}

fn misshapen(what: &str) -> Error {
    protocol(format!(
        "the answer is {what} where an object with a list named 'value' was expected"
    ))
}

fn protocol(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Protocol, message)
}
