//! One row of an answer: from an object to cells, in the order that the service writes them.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use defender_core::{Error, ErrorKind, Result};
use defender_table::arrow::array::RecordBatch;
use defender_table::arrow::datatypes::SchemaRef;
use defender_table::{DatetimeMode, JsonCell, TableBuilder, Warning, WarningKind};

use super::columns::Columns;
use super::reader::{Fault, Reader};
use super::value::{self, Compact};
use super::{Stop, protocol};

/// What of the options concerns rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) max_rows: Option<usize>,
    pub(super) datetimes: DatetimeMode,
    pub(super) annotated: bool,
    pub(super) nesting: usize,
    pub(super) rows: usize,
}

/// Turns rows into cells.
///
/// Rows come with their keys in the order of the schema, nearly always: the next key is compared
/// with the one expected before it is looked up. A row is first taken as a whole and then handed
/// to the builders, so that one that is not whole yet leaves no trace.
#[derive(Debug)]
pub(super) struct Rows {
    settings: Settings,
    /// Each column's name with its closing quote, as it stands in a row.
    keys: Vec<Vec<u8>>,
    names: Vec<String>,
    index: HashMap<Vec<u8>, usize>,
    slots: Vec<Slot>,
    /// Text that does not stand in the answer as it is meant: without escapes or annotations.
    scratch: Vec<u8>,
    builder: TableBuilder,
    cut: bool,
    counts: Counts,
    per_row: Counts,
}

/// Where the value of a column stands.
#[derive(Clone, Debug)]
enum Slot {
    Absent,
    Null,
    Bool(bool),
    Number(Range<usize>),
    /// In the answer.
    Text(Range<usize>),
    /// In the scratch.
    Unescaped(Range<usize>),
    /// In the scratch.
    Raw(Range<usize>),
}

/// What went wrong with values, before their types were looked at.
#[derive(Debug, Default)]
struct Counts {
    replaced: u64,
    repeated: u64,
    unknown: BTreeMap<String, u64>,
    more_unknown: u64,
    too_deep: BTreeMap<usize, u64>,
}

/// Names of undeclared columns that are told; an answer may hold any number.
const UNKNOWN_NAMES: usize = 16;

/// All rows.
pub(super) struct Finished {
    pub(super) schema: SchemaRef,
    pub(super) batches: Vec<RecordBatch>,
    pub(super) rows: usize,
    pub(super) cut: bool,
    pub(super) warnings: Vec<Warning>,
}

impl Finished {
    pub(super) fn empty(schema: SchemaRef) -> Self {
        Self {
            schema,
            batches: Vec::new(),
            rows: 0,
            cut: false,
            warnings: Vec::new(),
        }
    }
}

impl Rows {
    pub(super) fn new(columns: &Columns, settings: Settings) -> Self {
        let keys: Vec<Vec<u8>> = columns
            .iter()
            .map(|(name, _)| {
                let quoted = serde_json::Value::from(name.as_str()).to_string();
                quoted.as_bytes()[1..].to_vec()
            })
            .collect();
        let index = columns
            .iter()
            .enumerate()
            .map(|(index, (name, _))| (name.clone().into_bytes(), index))
            .collect();
        Self {
            settings,
            keys,
            names: columns.iter().map(|(name, _)| name.clone()).collect(),
            index,
            slots: vec![Slot::Absent; columns.len()],
            scratch: Vec::new(),
            builder: TableBuilder::new(columns, settings.datetimes),
            cut: false,
            counts: Counts::default(),
            per_row: Counts::default(),
        }
    }

    /// Whether a row was left out because `max_rows` were there.
    pub(super) fn is_cut(&self) -> bool {
        self.cut
    }

    /// Takes a list of rows that is whole.
    pub(super) fn take_all(&mut self, text: &[u8]) -> Result<()> {
        let mut reader = Reader::new(text, 0);
        let mut first = true;
        let mut step = || -> Result<bool, Stop> {
            if first {
                first = false;
                reader.expect(b'[', "a list was expected")?;
                if reader.peek()? == b']' {
                    return Ok(false);
                }
            } else if reader.peek()? == b']' {
                return Ok(false);
            } else {
                reader.expect(b',', "a comma was expected")?;
            }
            self.take(&mut reader)?;
            Ok(!self.cut)
        };
        loop {
            match step() {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(Stop::Error(error)) => return Err(error),
                Err(Stop::Fault(_)) => return Err(protocol("a row of the answer is broken")),
            }
        }
    }

    /// Takes one row, or nothing when it is not whole.
    pub(super) fn take(&mut self, reader: &mut Reader<'_>) -> Result<(), Stop> {
        if Some(self.builder.rows()) == self.settings.max_rows {
            reader.peek()?;
            self.cut = true;
            return Ok(());
        }
        if self.builder.rows() >= self.settings.rows {
            return Err(Error::new(
                ErrorKind::Incomplete,
                format!("the answer has more than {} rows", self.settings.rows),
            )
            .with_hint("narrow the query, or raise the limit of rows")
            .into());
        }
        self.slots.fill(Slot::Absent);
        self.scratch.clear();
        self.per_row = Counts::default();
        let start = reader.position();
        self.read(reader)?;
        self.append(&reader.bytes()[start..reader.position()], start)?;
        Ok(())
    }

    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Fault> {
        reader.expect(b'{', "a row was expected")?;
        if reader.peek()? == b'}' {
            reader.step();
            return Ok(());
        }
        let mut expected = 0;
        loop {
            reader.expect(b'"', "a name in quotes was expected")?;
            let column = match self.keys.get(expected) {
                Some(key) if reader.take(key) => Some(expected),
                _ => self.find(reader)?,
            };
            reader.expect(b':', "a colon was expected")?;
            if let Some(column) = column {
                let slot = self.value(reader, column)?;
                if !matches!(self.slots[column], Slot::Absent) {
                    self.per_row.repeated += 1;
                }
                self.slots[column] = slot;
                expected = column + 1;
            } else {
                reader.peek()?;
                reader.skip()?;
            }
            match reader.peek()? {
                b',' => reader.step(),
                b'}' => {
                    reader.step();
                    return Ok(());
                }
                _ => return Err(Fault::Bad("a comma or a closing bracket was expected")),
            }
            reader.peek()?;
        }
    }

    /// The column of a key that is not the expected one.
    fn find(&mut self, reader: &mut Reader<'_>) -> Result<Option<usize>, Fault> {
        let text = reader.text()?;
        let key = &reader.bytes()[text.range];
        let key: Cow<'_, [u8]> = if text.escaped {
            let mut plain = Vec::new();
            value::unescape(key, &mut plain);
            plain.into()
        } else {
            key.into()
        };
        let found = self.index.get(key.as_ref()).copied();
        if found.is_none() && !(self.settings.annotated && value::is_annotation(&key)) {
            let name = String::from_utf8_lossy(&key).into_owned();
            *self.per_row.unknown.entry(name).or_default() += 1;
        }
        Ok(found)
    }

    fn value(&mut self, reader: &mut Reader<'_>, column: usize) -> Result<Slot, Fault> {
        Ok(match reader.peek()? {
            b'"' => {
                reader.step();
                let text = reader.text()?;
                if !text.escaped {
                    return Ok(Slot::Text(text.range));
                }
                let start = self.scratch.len();
                self.per_row.replaced +=
                    value::unescape(&reader.bytes()[text.range], &mut self.scratch);
                Slot::Unescaped(start..self.scratch.len())
            }
            b'-' | b'0'..=b'9' => Slot::Number(reader.number()?),
            b'{' | b'[' => {
                let start = self.scratch.len();
                let mut sink = Compact {
                    output: &mut self.scratch,
                    annotated: self.settings.annotated,
                };
                if value::copy(reader, &mut sink)? > self.settings.nesting {
                    *self.per_row.too_deep.entry(column).or_default() += 1;
                    self.scratch.truncate(start);
                    return Ok(Slot::Null);
                }
                Slot::Raw(start..self.scratch.len())
            }
            _ => reader.word()?.map_or(Slot::Null, Slot::Bool),
        })
    }

    /// Hands the cells of a row, which is `row` of the answer, to the builders.
    fn append(&mut self, row: &[u8], start: usize) -> Result<()> {
        // One look at the whole row is much cheaper than one at each cell.
        let texts = (std::str::from_utf8(row), std::str::from_utf8(&self.scratch));
        if let (Ok(row), Ok(scratch)) = texts {
            let inside = |range: &Range<usize>| {
                row.get(range.start - start..range.end - start)
                    .unwrap_or_default()
            };
            let cells = self.slots.iter().map(|slot| match slot {
                Slot::Absent | Slot::Null => JsonCell::Null,
                Slot::Bool(value) => JsonCell::Bool(*value),
                Slot::Number(range) => JsonCell::Number(inside(range)),
                Slot::Text(range) => JsonCell::Str(inside(range)),
                Slot::Unescaped(range) => JsonCell::Str(&scratch[range.clone()]),
                Slot::Raw(range) => JsonCell::Raw(&scratch[range.clone()]),
            });
            self.builder.append_row(cells)?;
        } else {
            self.append_repaired(row, start)?;
        }
        self.counts.add(std::mem::take(&mut self.per_row));
        Ok(())
    }

    /// The same for a row that is no valid UTF-8 throughout: one bad cell must not hide the rest.
    fn append_repaired(&mut self, row: &[u8], start: usize) -> Result<()> {
        let texts: Vec<Cow<'_, str>> = self
            .slots
            .iter()
            .map(|slot| match slot {
                Slot::Number(range) | Slot::Text(range) => {
                    String::from_utf8_lossy(&row[range.start - start..range.end - start])
                }
                Slot::Unescaped(range) | Slot::Raw(range) => {
                    String::from_utf8_lossy(&self.scratch[range.clone()])
                }
                Slot::Absent | Slot::Null | Slot::Bool(_) => Cow::Borrowed(""),
            })
            .collect();
        let repaired = texts
            .iter()
            .filter(|text| matches!(text, Cow::Owned(_)))
            .count();
        let cells = self
            .slots
            .iter()
            .zip(&texts)
            .map(|(slot, text)| match slot {
                Slot::Absent | Slot::Null => JsonCell::Null,
                Slot::Bool(value) => JsonCell::Bool(*value),
                Slot::Number(_) => JsonCell::Number(text),
                Slot::Text(_) | Slot::Unescaped(_) => JsonCell::Str(text),
                Slot::Raw(_) => JsonCell::Raw(text),
            });
        self.builder.append_row(cells)?;
        self.per_row.replaced += repaired as u64;
        Ok(())
    }

    /// Every row, and what went wrong with them.
    pub(super) fn finish(self) -> Result<Finished> {
        let rows = self.builder.rows();
        let (schema, batches, mut warnings) = self.builder.finish()?;
        warnings.extend(self.counts.warnings(&self.names, self.settings.nesting));
        Ok(Finished {
            schema,
            batches,
            rows,
            cut: self.cut,
            warnings,
        })
    }
}

impl Counts {
    fn add(&mut self, row: Self) {
        self.replaced += row.replaced;
        self.repeated += row.repeated;
        for (name, count) in row.unknown {
            if self.unknown.len() < UNKNOWN_NAMES || self.unknown.contains_key(&name) {
                *self.unknown.entry(name).or_default() += count;
            } else {
                self.more_unknown += count;
            }
        }
        for (column, count) in row.too_deep {
            *self.too_deep.entry(column).or_default() += count;
        }
    }

    fn warnings(self, names: &[String], nesting: usize) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for (column, count) in self.too_deep {
            let name = &names[column];
            warnings.push(Warning::of_values(
                WarningKind::Value,
                name,
                count,
                format!(
                    "{} of column {name} nested deeper than {nesting} levels and became null",
                    values(count)
                ),
            ));
        }
        let mut warn = |kind, count: u64, message: String| {
            if count > 0 {
                let mut warning = Warning::new(kind, message);
                warning.count = count;
                warnings.push(warning);
            }
        };
        let count = self.replaced;
        let message = format!("{} held broken Unicode, shown as U+FFFD", values(count));
        warn(WarningKind::Encoding, count, message);
        let count = self.repeated;
        let message = format!(
            "{} stood a second time in their row: the last one counts",
            values(count)
        );
        warn(WarningKind::Schema, count, message);
        let count = self.unknown.values().sum::<u64>() + self.more_unknown;
        let mut names: Vec<_> = self.unknown.into_keys().collect();
        if self.more_unknown > 0 {
            names.push("…".to_owned());
        }
        let message = format!(
            "{} had no column in the schema and were left out: {}",
            values(count),
            names.join(", ")
        );
        warn(WarningKind::Schema, count, message);
        warnings
    }
}

fn values(count: u64) -> String {
    let noun = if count == 1 { "value" } else { "values" };
    format!("{count} {noun}")
}

impl std::fmt::Debug for Finished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Finished")
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}
