//! The binary encoding of dynamic values.
//!
//! One tag byte, then the payload; containers start with end offsets, so that a path step or an
//! index is a jump and nothing is parsed twice. `parquet-variant` was not taken: it has no
//! timespan and no 100 ns datetime, it sorts object keys (KQL keeps their order), and its metadata
//! dictionary is a second buffer to carry along; JSONB crates lose long versus real. Text
//! appears only at the edges: literals, JSON input, output.

mod parse;
pub(crate) mod path;

pub(crate) use parse::{Doubt, parse, parse_noting};

use std::borrow::Cow;

use kql_syntax::ticks;
use serde_json::Value as Json;

use crate::text;

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const LONG: u8 = 3;
const REAL: u8 = 4;
const STRING: u8 = 5;
const DATETIME: u8 = 6;
const TIMESPAN: u8 = 7;
const GUID: u8 = 8;
const ARRAY: u8 = 9;
const OBJECT: u8 = 10;
const DECIMAL: u8 = 11;

/// A look into an encoded value; containers borrow, nothing is copied.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Dynamic<'a> {
    Null,
    Bool(bool),
    Long(i64),
    Real(f64),
    String(&'a str),
    DateTime(i64),
    TimeSpan(i64),
    Guid(&'a str),
    Decimal(&'a str),
    Array(Items<'a>),
    Object(Entries<'a>),
}

/// The elements of an array.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Items<'a> {
    count: usize,
    ends: &'a [u8],
    payload: &'a [u8],
}

/// The properties of an object, in the order they were written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entries<'a> {
    keys: Items<'a>,
    values: Items<'a>,
}

fn number(bytes: &[u8]) -> u64 {
    let mut raw = [0; 8];
    let length = bytes.len().min(8);
    raw[..length].copy_from_slice(&bytes[..length]);
    u64::from_le_bytes(raw)
}

fn utf8(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

fn count_of(bytes: &[u8]) -> usize {
    usize::try_from(number(&bytes[..4])).unwrap_or(0)
}

/// Looks into `bytes`, which one of the functions of this module wrote.
pub(crate) fn view(bytes: &[u8]) -> Dynamic<'_> {
    let Some((tag, rest)) = bytes.split_first() else {
        return Dynamic::Null;
    };
    match *tag {
        FALSE => Dynamic::Bool(false),
        TRUE => Dynamic::Bool(true),
        LONG => Dynamic::Long(number(rest).cast_signed()),
        REAL => Dynamic::Real(f64::from_bits(number(rest))),
        STRING => Dynamic::String(utf8(rest)),
        DATETIME => Dynamic::DateTime(number(rest).cast_signed()),
        TIMESPAN => Dynamic::TimeSpan(number(rest).cast_signed()),
        GUID => Dynamic::Guid(utf8(rest)),
        DECIMAL => Dynamic::Decimal(utf8(rest)),
        ARRAY => {
            let count = count_of(rest);
            let (ends, payload) = rest[4..].split_at(count * 4);
            Dynamic::Array(Items {
                count,
                ends,
                payload,
            })
        }
        OBJECT => {
            let count = count_of(rest);
            let (key_ends, rest) = rest[4..].split_at(count * 4);
            let (value_ends, rest) = rest.split_at(count * 4);
            let keys_length = if count == 0 {
                0
            } else {
                count_of(&key_ends[(count - 1) * 4..])
            };
            let (keys, values) = rest.split_at(keys_length);
            Dynamic::Object(Entries {
                keys: Items {
                    count,
                    ends: key_ends,
                    payload: keys,
                },
                values: Items {
                    count,
                    ends: value_ends,
                    payload: values,
                },
            })
        }
        _ => Dynamic::Null,
    }
}

impl<'a> Items<'a> {
    pub(crate) fn len(self) -> usize {
        self.count
    }

    /// The encoding of element `at`.
    pub(crate) fn get(self, at: usize) -> Option<&'a [u8]> {
        if at >= self.count {
            return None;
        }
        let start = if at == 0 {
            0
        } else {
            count_of(&self.ends[(at - 1) * 4..])
        };
        Some(&self.payload[start..count_of(&self.ends[at * 4..])])
    }

    /// Element `at`, counted from the end when negative, as `array[-1]` does.
    pub(crate) fn at(self, at: i64) -> Option<&'a [u8]> {
        let count = i64::try_from(self.count).ok()?;
        let index = if at < 0 { at.checked_add(count)? } else { at };
        self.get(usize::try_from(index).ok()?)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        (0..self.count).filter_map(move |at| self.get(at))
    }
}

impl<'a> Entries<'a> {
    pub(crate) fn len(self) -> usize {
        self.keys.count
    }

    /// The encoding of property `name`.
    pub(crate) fn get(self, name: &str) -> Option<&'a [u8]> {
        (0..self.keys.count)
            .find(|at| self.keys.get(*at) == Some(name.as_bytes()))
            .and_then(|at| self.values.get(at))
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        (0..self.keys.count)
            .filter_map(move |at| Some((utf8(self.keys.get(at)?), self.values.get(at)?)))
    }
}

pub(crate) fn null() -> Vec<u8> {
    vec![NULL]
}

fn tagged(tag: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + 1);
    out.push(tag);
    out.extend_from_slice(payload);
    out
}

pub(crate) fn bool(value: bool) -> Vec<u8> {
    vec![if value { TRUE } else { FALSE }]
}

pub(crate) fn long(value: i64) -> Vec<u8> {
    tagged(LONG, &value.to_le_bytes())
}

pub(crate) fn real(value: f64) -> Vec<u8> {
    tagged(REAL, &value.to_bits().to_le_bytes())
}

pub(crate) fn string(value: &str) -> Vec<u8> {
    tagged(STRING, value.as_bytes())
}

pub(crate) fn datetime(ticks: i64) -> Vec<u8> {
    tagged(DATETIME, &ticks.to_le_bytes())
}

pub(crate) fn timespan(ticks: i64) -> Vec<u8> {
    tagged(TIMESPAN, &ticks.to_le_bytes())
}

pub(crate) fn guid(value: &str) -> Vec<u8> {
    tagged(GUID, value.as_bytes())
}

pub(crate) fn decimal(value: &str) -> Vec<u8> {
    tagged(DECIMAL, value.as_bytes())
}

fn push_count(out: &mut Vec<u8>, count: usize) {
    // More than 4 GiB in one value cannot be built: inputs are bounded far below.
    out.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
}

/// An array of encoded elements.
pub(crate) fn array<I: AsRef<[u8]>>(items: &[I]) -> Vec<u8> {
    let payload: usize = items.iter().map(|item| item.as_ref().len()).sum();
    let mut out = Vec::with_capacity(5 + items.len() * 4 + payload);
    out.push(ARRAY);
    push_count(&mut out, items.len());
    let mut end = 0;
    for item in items {
        end += item.as_ref().len();
        push_count(&mut out, end);
    }
    for item in items {
        out.extend_from_slice(item.as_ref());
    }
    out
}

/// An array of longs.
pub(crate) fn longs(values: &[i64]) -> Vec<u8> {
    const EACH: usize = 9;
    let mut out = Vec::with_capacity(5 + values.len() * (4 + EACH));
    out.push(ARRAY);
    push_count(&mut out, values.len());
    for at in 1..=values.len() {
        push_count(&mut out, at * EACH);
    }
    for value in values {
        out.push(LONG);
        out.extend_from_slice(&value.to_le_bytes());
    }
    out
}

/// An object of encoded values; of equal keys the last value stays, at the first one's place.
pub(crate) fn object<K: AsRef<str>, V: AsRef<[u8]>>(entries: &[(K, V)]) -> Vec<u8> {
    let mut kept: Vec<(&str, &[u8])> = Vec::with_capacity(entries.len());
    let mut places = std::collections::HashMap::new();
    for (key, value) in entries {
        let key = key.as_ref();
        if entries.len() > 8 {
            if let Some(place) = places.get(key) {
                let place: &usize = place;
                kept[*place].1 = value.as_ref();
                continue;
            }
            places.insert(key, kept.len());
        } else if let Some(found) = kept.iter_mut().find(|entry| entry.0 == key) {
            found.1 = value.as_ref();
            continue;
        }
        kept.push((key, value.as_ref()));
    }
    let mut out = Vec::new();
    out.push(OBJECT);
    push_count(&mut out, kept.len());
    let mut end = 0;
    for (key, _) in &kept {
        end += key.len();
        push_count(&mut out, end);
    }
    end = 0;
    for (_, value) in &kept {
        end += value.len();
        push_count(&mut out, end);
    }
    for (key, _) in &kept {
        out.extend_from_slice(key.as_bytes());
    }
    for (_, value) in &kept {
        out.extend_from_slice(value);
    }
    out
}

/// Encodes a JSON document.
pub(crate) fn from_json(value: &Json) -> Vec<u8> {
    match value {
        Json::Null => null(),
        Json::Bool(value) => bool(*value),
        Json::Number(value) => match value.as_i64() {
            Some(whole) => long(whole),
            None => real(value.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(value) => string(value),
        Json::Array(items) => array(&items.iter().map(from_json).collect::<Vec<_>>()),
        Json::Object(entries) => object(
            &entries
                .iter()
                .map(|(key, value)| (key, from_json(value)))
                .collect::<Vec<_>>(),
        ),
    }
}

/// Decodes into a JSON document; datetimes, timespans and guids become text.
pub(crate) fn to_json(bytes: &[u8]) -> Json {
    match view(bytes) {
        Dynamic::Null => Json::Null,
        Dynamic::Bool(value) => Json::Bool(value),
        Dynamic::Long(value) => Json::from(value),
        Dynamic::Real(value) => serde_json::Number::from_f64(value).map_or_else(
            || Json::String(text::real_in_json(value).to_owned()),
            Json::Number,
        ),
        Dynamic::String(value) | Dynamic::Guid(value) => Json::String(value.to_owned()),
        Dynamic::Decimal(value) => Json::String(value.to_owned()),
        Dynamic::DateTime(value) => Json::String(ticks::datetime_text(value)),
        Dynamic::TimeSpan(value) => Json::String(ticks::timespan_text(value)),
        Dynamic::Array(items) => Json::Array(items.iter().map(to_json).collect()),
        Dynamic::Object(entries) => Json::Object(
            entries
                .iter()
                .map(|(key, value)| (key.to_owned(), to_json(value)))
                .collect(),
        ),
    }
}

/// The JSON text KQL prints: compact, non-ASCII as it is.
pub(crate) fn json_text(bytes: &[u8]) -> String {
    let mut out = String::new();
    write_json(bytes, &mut out);
    out
}

fn write_json(bytes: &[u8], out: &mut String) {
    match view(bytes) {
        Dynamic::Null => out.push_str("null"),
        Dynamic::Bool(value) => out.push_str(if value { "true" } else { "false" }),
        Dynamic::Long(value) => out.push_str(&value.to_string()),
        Dynamic::Real(value) if value.is_finite() => out.push_str(&text::real(value)),
        Dynamic::Real(value) => write_string(text::real_in_json(value), out),
        Dynamic::String(value) | Dynamic::Guid(value) | Dynamic::Decimal(value) => {
            write_string(value, out);
        }
        Dynamic::DateTime(value) => write_string(&ticks::datetime_text(value), out),
        Dynamic::TimeSpan(value) => write_string(&ticks::timespan_text(value), out),
        Dynamic::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_json(item, out);
            }
            out.push(']');
        }
        Dynamic::Object(entries) => {
            out.push('{');
            for (at, (key, value)) in entries.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_string(key, out);
                out.push(':');
                write_json(value, out);
            }
            out.push('}');
        }
    }
}

fn write_string(value: &str, out: &mut String) {
    out.push('"');
    for character in value.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            control if (control as u32) < 0x20 => {
                out.push_str(&format!("\\u{:04x}", control as u32));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

/// What `tostring` makes of a dynamic: strings without quotes, null as "", the rest as JSON.
pub(crate) fn display(bytes: &[u8]) -> Cow<'_, str> {
    match view(bytes) {
        Dynamic::Null => Cow::Borrowed(""),
        Dynamic::String(value) | Dynamic::Guid(value) | Dynamic::Decimal(value) => {
            Cow::Borrowed(value)
        }
        Dynamic::Bool(value) => Cow::Borrowed(if value { "true" } else { "false" }),
        Dynamic::DateTime(value) => Cow::Owned(ticks::datetime_text(value)),
        Dynamic::TimeSpan(value) => Cow::Owned(ticks::timespan_text(value)),
        Dynamic::Real(value) => Cow::Owned(text::real(value)),
        _ => Cow::Owned(json_text(bytes)),
    }
}

/// Equality of values, numbers by value and objects whatever the order of their keys.
pub(crate) fn equal(left: &[u8], right: &[u8]) -> bool {
    if left == right {
        return true;
    }
    match (view(left), view(right)) {
        (Dynamic::Long(one), Dynamic::Real(two)) | (Dynamic::Real(two), Dynamic::Long(one)) => {
            #[expect(clippy::cast_precision_loss, reason = "KQL compares as reals")]
            let one = one as f64;
            one == two
        }
        (Dynamic::Real(one), Dynamic::Real(two)) => one == two,
        (Dynamic::Array(one), Dynamic::Array(two)) => {
            one.len() == two.len() && one.iter().zip(two.iter()).all(|(a, b)| equal(a, b))
        }
        (Dynamic::Object(one), Dynamic::Object(two)) => {
            one.len() == two.len()
                && one
                    .iter()
                    .all(|(key, a)| two.get(key).is_some_and(|b| equal(a, b)))
        }
        _ => false,
    }
}

/// Whether the encoding is that of null.
pub(crate) fn view_is_null(bytes: &[u8]) -> bool {
    bytes.first().is_none_or(|tag| *tag == NULL)
}
