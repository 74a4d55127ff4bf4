//! Documents into columns.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use kql_semantics::ScalarType;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Deserializer as Json;

use super::cell::{Cell, Column, Glance, State, Strange};
use super::shape::Shape;
use super::spans::{self, AsWritten};
use super::wrapped::{self, Frames, Record};
use super::{Wrong, by_column};
use crate::EngineError;
use crate::catalog::files::{Others, Records, Source};
use crate::catalog::infer::Kinds;
use crate::catalog::{fit, losses, strangers};
use crate::column;
use crate::dynamic::Doubt;
use crate::error::Foreign;

/// More columns than this are no table but data in the place of names.
const MOST_COLUMNS: usize = 10_000;

/// The most cells of a batch that may be kept from the first look at a file.
const MOST_CELLS: usize = 8 << 20;

/// Rows of a table, a batch at a time.
#[derive(Debug)]
pub(super) struct Rows {
    columns: Vec<Column>,
    keys: Vec<Key>,
    places: HashMap<String, usize>,
    /// Whether keys that are not known yet become columns.
    open: bool,
    /// Whether values are kept; otherwise only types are looked at.
    pub(super) store: bool,
    source: Source,
    row: usize,
    left_out: Vec<usize>,
    /// The rows that were begun, so that a key that comes twice is seen.
    begun: usize,
    state: State,
    /// Whether numbers are read as they are written, since a real would lose how.
    exactly: bool,
    /// The key that rows begin with.
    first: usize,
    /// The parts of answers that were seen.
    pub(super) frames: Frames,
    /// Rows and records of other tables so far.
    pub(super) others: usize,
    pub(super) total: usize,
    /// The columns of the first document, when it holds a table column by column.
    pub(super) columnar: Option<Vec<String>>,
}

/// A key of rows and the one that came after it the last time.
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts of a key that do not exclude one another"
)]
#[derive(Debug)]
struct Key {
    name: String,
    column: Option<usize>,
    next: usize,
    hinted: bool,
    wraps: bool,
    /// Whether the table has a column that files call so.
    known: bool,
    /// Whether few other tables have it.
    tells: bool,
    /// Whether the table has no lists or objects there.
    single: bool,
    /// The last row that has it.
    seen: usize,
}

impl Rows {
    /// Rows with these columns; others are left out unless `open`.
    pub(super) fn new(columns: &[(String, ScalarType)], open: bool, source: &Source) -> Self {
        let mut rows = Self {
            columns: Vec::new(),
            keys: Vec::new(),
            places: HashMap::new(),
            open,
            store: true,
            source: source.clone(),
            row: 0,
            left_out: Vec::new(),
            begun: 0,
            state: State::default(),
            exactly: false,
            first: 0,
            frames: Frames::default(),
            others: 0,
            total: 0,
            columnar: None,
        };
        for (name, ty) in columns {
            let declared = source.names.has(name);
            rows.columns.push(Column::settled(name, *ty, declared));
            rows.key(name, Some(rows.columns.len() - 1));
        }
        rows
    }

    /// Rows since the last batch.
    pub(super) fn len(&self) -> usize {
        self.row - self.left_out.len()
    }

    /// The columns that were found besides the ones given at the start.
    pub(super) fn found(&self) -> Kinds {
        let found = self.columns.iter().filter(|column| !column.settled);
        found
            .map(|column| (column.name.clone(), column.kind()))
            .collect()
    }

    /// The keys that rows had.
    pub(super) fn own(&self) -> Vec<String> {
        let keys = self.keys.iter().filter(|key| key.seen > 0);
        keys.map(|key| key.name.clone()).collect()
    }

    /// Says what of the last document is not kept.
    pub(super) fn take_lost(&mut self) -> Option<String> {
        self.state.lost.take()
    }

    /// Takes the rows of a document.
    pub(super) fn take(&mut self, document: &[u8], records: &Records) -> Result<(), Wrong> {
        if records.own && self.row(document, true, 0, true)? {
            // Rows of a hunting table are known by their columns.
            if self.open && self.total == 1 && self.source.names.is_free() {
                self.columnar = by_column::columns(document);
            }
            return Ok(());
        }
        let names = Arc::clone(&self.source.names);
        let mut frames = std::mem::take(&mut self.frames);
        let outcome = wrapped::records(document, &names, &mut frames, &mut |record| {
            self.record(record, records)
        });
        self.frames = frames;
        outcome
    }

    fn record(&mut self, record: &Record<'_>, records: &Records) -> Result<(), Wrong> {
        let own = match &record.table {
            None => {
                if let Some(category) = &record.category
                    && !self.source.names.is_free()
                    && !category.eq_ignore_ascii_case(&records.table)
                {
                    let what = format!(
                        "is no row (a record of the category {} among rows of {})",
                        fit::in_short(category),
                        records.table
                    );
                    return Err(Wrong::said(record.start, what));
                }
                records.own
            }
            Some(table) => {
                let own = table.eq_ignore_ascii_case(&records.table);
                if !own && records.others == Others::Refused {
                    let what = format!(
                        "is no row (a record of {table} among rows of {})",
                        records.table
                    );
                    return Err(Wrong::said(record.start, what));
                }
                own
            }
        };
        if own {
            self.row(record.bytes, false, record.start, record.is_placed)?;
        } else {
            self.others += 1;
        }
        Ok(())
    }

    /// Takes a row that begins at `start`; false if it may be more than a row, which only counts
    /// with `check`.
    fn row(
        &mut self,
        bytes: &[u8],
        check: bool,
        start: usize,
        is_placed: bool,
    ) -> Result<bool, Wrong> {
        let mut outcome = if self.exactly && spans::first(bytes) == Some(b'{') {
            AsWritten::new(bytes).and_then(|source| source.read(Row { rows: self, check }))
        } else {
            whole(bytes, Row { rows: self, check })
        };
        if outcome.is_err() && std::mem::take(&mut self.state.inexact) {
            self.exactly = true;
            outcome =
                AsWritten::new(bytes).and_then(|source| source.read(Row { rows: self, check }));
        }
        let Err(error) = outcome else {
            if std::mem::take(&mut self.state.real) && self.state.lost.is_none() {
                let text = std::str::from_utf8(bytes).unwrap_or_default();
                self.state.lost = self.lost(text);
            }
            let may_wrap = std::mem::take(&mut self.state.nested);
            if may_wrap && self.open && !self.source.names.is_free() {
                return self.not_around(bytes, start);
            }
            return Ok(true);
        };
        if std::mem::take(&mut self.state.wrapped) && check {
            return Ok(false);
        }
        let mut wrong = Wrong::json(start, error);
        if let Some(misfit) = self.state.misfit.take() {
            wrong.what = misfit;
        } else if let Some(strange) = self.state.strange.take() {
            let keys = spans::members(bytes).unwrap_or_default();
            let keys = keys.iter().map(|member| member.key.as_str());
            let number = self.total + self.others + 1;
            wrong.lines = 0;
            wrong.what = match strange {
                Strange::NoColumn => strangers::record(number, keys),
                Strange::NoValue => strangers::valueless(&self.source.records.table, number, keys),
                Strange::Columns => strangers::columns(number, keys),
            };
        }
        if !is_placed {
            wrong.lines = 0;
        }
        Err(wrong)
    }

    /// What the columns do not hold of the numbers in a row.
    fn lost(&self, row: &str) -> Option<String> {
        let members = spans::members(row.as_bytes()).ok()?;
        members.into_iter().find_map(|member| {
            let key = self.keys.get(*self.places.get(&member.key)?)?;
            let written = row.get(member.value)?;
            match self.columns.get(key.column?)?.ty? {
                ScalarType::Dynamic | ScalarType::Real => losses::of(written, Doubt::of_real()),
                // A list or an object as text has whole numbers as they are.
                ScalarType::String if !written.starts_with(['{', '[']) => None,
                ScalarType::String => losses::of_fractions(written),
                _ => None,
            }
        })
    }

    /// A row that was taken, unless it is around the one that was meant.
    fn not_around(&self, bytes: &[u8], start: usize) -> Result<bool, Wrong> {
        match wrapped::unknown(bytes, &self.source.names) {
            None => Ok(true),
            Some(key) => Err(Wrong::said(
                start,
                strangers::wrapper(&self.source.records.table, self.total + self.others, &key),
            )),
        }
    }

    /// The rows since the last batch.
    pub(super) fn finish(&mut self) -> Result<RecordBatch, EngineError> {
        let rows = std::mem::take(&mut self.row);
        let mut fields = Vec::new();
        let mut arrays = Vec::new();
        for column in &mut self.columns {
            let Some(ty) = column.ty else { continue };
            match std::mem::take(&mut column.finer) {
                0 => {}
                times => self.source.losses.finer(&column.name, self.total, times),
            }
            fields.push((column.name.clone(), ty));
            arrays.push(column.finish(ty, rows));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch =
            RecordBatch::try_new_with_options(column::schema(fields), arrays, &options).ours()?;
        let left_out = std::mem::take(&mut self.left_out);
        if left_out.is_empty() {
            return Ok(batch);
        }
        let mask: BooleanArray = (0..rows)
            .map(|row| Some(left_out.binary_search(&row).is_err()))
            .collect();
        filter_record_batch(&batch, &mask).ours()
    }

    /// Forgets the rows since the last batch.
    pub(super) fn forget(&mut self) {
        self.row = 0;
        self.left_out.clear();
        for column in &mut self.columns {
            column.builder = None;
            column.filled = 0;
            column.finer = 0;
        }
    }

    fn key(&mut self, name: &str, column: Option<usize>) -> usize {
        let place = self.keys.len();
        self.keys.push(Key {
            name: name.to_owned(),
            column,
            next: place + 1,
            hinted: wrapped::is_hinted(name),
            wraps: wrapped::wraps(name),
            known: self.source.names.has(name),
            tells: self.source.names.tells(name),
            single: self.source.names.is_single(name),
            seen: 0,
        });
        self.places.insert(name.to_owned(), place);
        place
    }

    fn place(&mut self, name: &str) -> Result<usize, String> {
        if let Some(place) = self.places.get(name) {
            return Ok(*place);
        }
        if self.keys.len() >= MOST_COLUMNS {
            return Err(format!("its rows have more than {MOST_COLUMNS} columns"));
        }
        let column = self.open.then(|| {
            self.columns.push(Column::open(name));
            self.columns.len() - 1
        });
        Ok(self.key(name, column))
    }

    fn end(&mut self) {
        self.total += 1;
        self.row += 1;
        // A batch of very many columns takes more memory than anybody keeps.
        self.store &= !self.open || self.row.saturating_mul(self.columns.len()) <= MOST_CELLS;
    }

    /// Takes back a row that is none; `columns` and `keys` were there before it.
    fn abandon(&mut self, columns: usize, keys: usize) {
        self.columns.truncate(columns);
        for key in self.keys.drain(keys..) {
            self.places.remove(&key.name);
        }
        if self.columns.iter().any(|column| column.filled > self.row) {
            self.left_out.push(self.row);
            self.row += 1;
        }
    }
}

/// A row; with `check` it is given up when it may be more than that.
struct Row<'r> {
    rows: &'r mut Rows,
    check: bool,
}

impl<'de> DeserializeSeed<'de> for Row<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        self.rows.state.wrapped = self.check;
        Err(A::Error::custom("a list where a JSON object was expected"))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        self.rows.state.wrapped = self.check;
        Err(E::custom("a text where a JSON object was expected"))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let rows = self.rows;
        let (columns, keys) = (rows.columns.len(), rows.keys.len());
        rows.begun += 1;
        rows.state.nested = false;
        match rows.members(map, self.check) {
            Ok(None) => {
                rows.end();
                Ok(())
            }
            Ok(strange) => {
                rows.abandon(columns, keys);
                rows.state.strange = strange;
                rows.state.wrapped = self.check;
                Err(A::Error::custom("a row without a column of the table"))
            }
            Err(error) => {
                if rows.state.wrapped || rows.state.inexact {
                    rows.abandon(columns, keys);
                }
                Err(error)
            }
        }
    }
}

impl Rows {
    /// Takes the members of a row; what is strange when none of them is a column of the table with
    /// a value.
    fn members<'de, A: MapAccess<'de>>(
        &mut self,
        mut map: A,
        check: bool,
    ) -> Result<Option<Strange>, A::Error> {
        // Once every row is known to have one, nobody has to look again.
        let mut known = self.source.names.is_free() || !self.open;
        let mut valued = known;
        // A row of nothing but what most tables have may be one of this table.
        let (mut any, mut all) = (false, true);
        // Nor is one that has lists in the place of all its single values.
        let (mut lists, mut numbered, mut singles) = (0, false, known);
        let mut before: Option<usize> = None;
        loop {
            let expected = match before {
                Some(place) => self.keys[place].next,
                None => self.first,
            };
            let Some(place) = map.next_key_seed(KeyOf {
                rows: self,
                expected,
            })?
            else {
                return Ok(match (known || (any && all), valued) {
                    (true, true) if !singles && (lists > 1 || numbered) => Some(Strange::Columns),
                    (true, true) => None,
                    (true, false) => Some(Strange::NoValue),
                    (false, _) => Some(Strange::NoColumn),
                });
            };
            match before {
                Some(before) => self.keys[before].next = place,
                None => self.first = place,
            }
            let key = &mut self.keys[place];
            if check && key.hinted && before.is_none() {
                self.state.wrapped = true;
                return Err(A::Error::custom("more than a row"));
            }
            if key.seen == self.begun {
                let what = format!("has the key '{}' twice", key.name);
                self.state.misfit = Some(what);
                return Err(A::Error::custom("a key that is there twice"));
            }
            key.seen = self.begun;
            known |= key.tells;
            any |= key.known;
            all &= key.known;
            let is_known = key.known;
            let is_single = key.single && !singles;
            before = Some(place);
            let wraps = check && key.wraps;
            match key.column {
                Some(at) if self.store || !self.columns[at].settled => {
                    self.state.list = false;
                    self.state.numbered = false;
                    map.next_value_seed(Cell {
                        column: &mut self.columns[at],
                        row: self.row,
                        store: &mut self.store,
                        state: &mut self.state,
                        wraps,
                        lenient: self.open,
                        source: &self.source,
                    })?;
                    // What is not kept was a value that changed what a column is.
                    let has_value = !self.store || self.columns[at].filled > self.row;
                    valued |= is_known && has_value;
                    lists += usize::from(is_single && self.state.list);
                    numbered |= is_single && self.state.list && self.state.numbered;
                    singles |= is_single && has_value && !self.state.list;
                }
                _ if wraps => {
                    map.next_value_seed(Glance {
                        state: &mut self.state,
                    })?;
                    valued |= is_known;
                }
                _ if is_single => {
                    let shape = map.next_value::<Shape>()?;
                    valued |= shape != Shape::Null;
                    singles |= shape == Shape::Single;
                    if let Shape::Several { numbered: own } = shape {
                        lists += 1;
                        numbered |= own;
                    }
                }
                _ => {
                    valued |= map.next_value::<Option<IgnoredAny>>()?.is_some() && is_known;
                }
            }
        }
    }
}

/// Reads a document to its end.
fn whole(bytes: &[u8], row: Row<'_>) -> Result<(), serde_json::Error> {
    let mut source = Json::from_slice(bytes);
    row.deserialize(&mut source)?;
    source.end()
}

/// The place of a key.
struct KeyOf<'r> {
    rows: &'r mut Rows,
    expected: usize,
}

impl<'de> DeserializeSeed<'de> for KeyOf<'_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<usize, D::Error> {
        source.deserialize_str(self)
    }
}

impl Visitor<'_> for KeyOf<'_> {
    type Value = usize;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a key")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<usize, E> {
        match self.rows.keys.get(self.expected) {
            Some(key) if key.name == name => Ok(self.expected),
            _ => self.rows.place(name).map_err(E::custom),
        }
    }
}
