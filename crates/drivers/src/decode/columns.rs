//! The columns of an answer: as its schema declares them, or as its rows show them.

use std::collections::{HashMap, HashSet};

use defender_core::Result;
use defender_table::{ColumnType, Warning, WarningKind};
use serde_json::Value;

use super::reader::{Fault, Reader};
use super::value;

/// A column as the schema names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Declared {
    name: String,
    type_name: String,
}

/// The columns of an answer with their types.
pub(super) type Columns = Vec<(String, ColumnType)>;

/// Reads a schema, in either spelling.
pub(super) fn declared(text: &[u8]) -> Result<Vec<Declared>, &'static str> {
    let schema: Value = serde_json::from_slice(text).map_err(|_| "the schema could not be read")?;
    let entries = match schema {
        Value::Null => Vec::new(),
        Value::Array(entries) => entries,
        _ => return Err("the schema is no list"),
    };
    entries
        .iter()
        .map(|entry| {
            let text_of = |wanted: &str| {
                let fields = entry.as_object()?;
                let (_, value) = fields
                    .iter()
                    .find(|(key, _)| key.eq_ignore_ascii_case(wanted))?;
                value.as_str().map(str::to_owned)
            };
            Ok(Declared {
                name: text_of("name").ok_or("a column of the schema has no name")?,
                type_name: text_of("type").unwrap_or_default(),
            })
        })
        .collect()
}

/// The types behind the declared names; what nobody knows is kept as dynamic.
pub(super) fn typed(declared: &[Declared]) -> (Columns, Vec<Warning>) {
    let mut columns: Columns = Vec::with_capacity(declared.len());
    let mut known = HashSet::with_capacity(declared.len());
    let mut warnings = Vec::new();
    for column in declared {
        let Declared { name, type_name } = column;
        if !known.insert(name.as_str()) {
            warnings.push(Warning::of_values(
                WarningKind::Schema,
                name,
                0,
                format!("the schema names column {name} twice: the second is left out"),
            ));
            continue;
        }
        let column_type = ColumnType::from_name(type_name).unwrap_or_else(|| {
            warnings.push(Warning::of_values(
                WarningKind::Schema,
                name,
                0,
                format!("column {name} has the unknown type '{type_name}' and is kept as dynamic"),
            ));
            ColumnType::Dynamic
        });
        columns.push((name.clone(), column_type));
    }
    (columns, warnings)
}

/// What the values of a column without a declared type have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Nothing,
    /// `{}`, which may be null or an object.
    Hollow,
    Bool,
    Long,
    Real,
    String,
    Dynamic,
}

impl Seen {
    fn with(self, other: Self) -> Self {
        match (self, other) {
            (known, Self::Nothing) | (Self::Nothing, known) => known,
            (known, other) if known == other => known,
            (known, Self::Hollow) | (Self::Hollow, known) => known,
            (Self::Long, Self::Real) | (Self::Real, Self::Long) => Self::Real,
            _ => Self::Dynamic,
        }
    }

    fn column_type(self) -> ColumnType {
        match self {
            Self::Bool => ColumnType::Bool,
            Self::Long => ColumnType::Long,
            Self::Real => ColumnType::Real,
            Self::String => ColumnType::String,
            Self::Nothing | Self::Hollow | Self::Dynamic => ColumnType::Dynamic,
        }
    }
}

/// The union of the keys of all rows, in order of first appearance, with the narrowest type that
/// holds every value.
///
/// Nothing is read into a value that it does not say itself: text that looks like a date stays
/// text, 0 and 1 stay numbers, and what differs from row to row is dynamic.
#[derive(Debug)]
pub(super) struct Inferred<'a> {
    text: &'a [u8],
    /// Up to where it was looked through.
    done: usize,
    annotated: bool,
    seen: Vec<(Vec<u8>, Seen)>,
    places: HashMap<Vec<u8>, usize>,
}

impl<'a> Inferred<'a> {
    /// Nothing yet of `text`, a list of rows that is whole.
    pub(super) fn new(text: &'a [u8], annotated: bool) -> Self {
        Self {
            text,
            done: 0,
            annotated,
            seen: Vec::new(),
            places: HashMap::new(),
        }
    }

    /// The number of columns so far.
    pub(super) fn len(&self) -> usize {
        self.seen.len()
    }

    /// Looks through about `bytes` more; returns whether more are left.
    pub(super) fn look(&mut self, bytes: usize) -> Result<bool> {
        self.rows(bytes)
            .map_err(|_| super::protocol("a row of the answer is no object"))
    }

    fn rows(&mut self, bytes: usize) -> Result<bool, Fault> {
        let start = self.done;
        let mut reader = Reader::new(self.text, start);
        if start == 0 {
            reader.expect(b'[', "a list was expected")?;
            if reader.peek()? == b']' {
                return Ok(false);
            }
        }
        while reader.position() - start < bytes {
            reader.expect(b'{', "a row was expected")?;
            while reader.peek()? != b'}' {
                reader.expect(b'"', "a name in quotes was expected")?;
                let key = reader.text()?;
                reader.expect(b':', "a colon was expected")?;
                let first = reader.peek()?;
                let start = reader.position();
                reader.skip()?;
                let value = &reader.bytes()[start..reader.position()];
                self.see(&reader.plain(&key), kind_of(first, value));
                if reader.peek()? == b',' {
                    reader.step();
                }
            }
            reader.step();
            if reader.peek()? == b']' {
                return Ok(false);
            }
            reader.expect(b',', "a comma was expected")?;
        }
        self.done = reader.position();
        Ok(true)
    }

    fn see(&mut self, key: &[u8], kind: Seen) {
        if self.annotated && value::is_annotation(key) {
            return;
        }
        if let Some(place) = self.places.get(key) {
            let seen = &mut self.seen[*place].1;
            *seen = seen.with(kind);
        } else {
            self.places.insert(key.to_vec(), self.seen.len());
            self.seen.push((key.to_vec(), kind));
        }
    }

    /// The columns of what was looked through.
    pub(super) fn columns(self) -> Columns {
        let columns = self.seen.into_iter().map(|(name, kind)| {
            let name = String::from_utf8_lossy(&name).into_owned();
            (name, kind.column_type())
        });
        columns.collect()
    }
}

fn kind_of(first: u8, value: &[u8]) -> Seen {
    match first {
        b'n' => Seen::Nothing,
        b't' | b'f' => Seen::Bool,
        b'"' => Seen::String,
        b'{' if value[1..value.len() - 1].trim_ascii().is_empty() => Seen::Hollow,
        b'{' | b'[' => Seen::Dynamic,
        _ => match std::str::from_utf8(value).map(str::parse::<i64>) {
            Ok(Ok(_)) => Seen::Long,
            // Digits that no i64 holds would lose their last ones as a double.
            _ if value
                .iter()
                .all(|byte| byte.is_ascii_digit() || *byte == b'-') =>
            {
                Seen::Dynamic
            }
            _ => Seen::Real,
        },
    }
}
