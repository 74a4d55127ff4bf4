//! Documents into columns.

use std::collections::HashMap;
use std::fmt;

use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use kql_semantics::ScalarType;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::cell::{Cell, Column};
use super::shape::Shape;
use crate::EngineError;
use crate::catalog::files::{Others, Records};
use crate::column::{self, Builder};
use crate::datum::Datum;

/// More columns than this are no table but data in the place of names.
const MOST_COLUMNS: usize = 10_000;

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
    row: usize,
    left_out: Vec<usize>,
    /// Set when a row turns out to be more than a row.
    wrapped: bool,
    /// What is wrong with the value that ended the reading.
    pub(super) misfit: Option<String>,
    /// The key that rows begin with.
    first: usize,
    /// Rows and records of other tables so far.
    pub(super) others: usize,
    pub(super) total: usize,
}

/// A key of rows and the one that came after it the last time.
#[derive(Debug)]
struct Key {
    name: String,
    column: Option<usize>,
    next: usize,
    hinted: bool,
    wraps: bool,
}

impl Rows {
    /// Rows with these columns; others are left out unless `open`.
    pub(super) fn new(columns: &[(String, ScalarType)], open: bool) -> Self {
        let mut rows = Self {
            columns: Vec::new(),
            keys: Vec::new(),
            places: HashMap::new(),
            open,
            store: true,
            row: 0,
            left_out: Vec::new(),
            wrapped: false,
            misfit: None,
            first: 0,
            others: 0,
            total: 0,
        };
        for (name, ty) in columns {
            rows.columns.push(Column {
                name: name.clone(),
                ty: Some(*ty),
                settled: true,
                builder: None,
                filled: 0,
            });
            rows.key(name, Some(rows.columns.len() - 1));
        }
        rows
    }

    /// Rows since the last batch.
    pub(super) fn len(&self) -> usize {
        self.row
    }

    /// The columns that were found besides the ones given at the start.
    pub(super) fn found(&self) -> Vec<(String, ScalarType)> {
        self.columns
            .iter()
            .filter(|column| !column.settled)
            .map(|column| (column.name.clone(), column.ty.unwrap_or(ScalarType::String)))
            .collect()
    }

    /// Takes the rows of a document.
    pub(super) fn take(
        &mut self,
        document: &[u8],
        records: &Records,
    ) -> Result<(), serde_json::Error> {
        if records.own {
            let mut source = serde_json::Deserializer::from_slice(document);
            let row = Row {
                rows: self,
                check: true,
            };
            match row.deserialize(&mut source).and_then(|()| source.end()) {
                Err(_) if self.wrapped => self.wrapped = false,
                outcome => return outcome,
            }
        }
        let shape = Shape::of(document)?;
        let mut source = serde_json::Deserializer::from_slice(document);
        Shaped {
            rows: self,
            shape: &shape,
            records,
        }
        .deserialize(&mut source)?;
        source.end()
    }

    /// The rows since the last batch.
    pub(super) fn finish(&mut self) -> Result<RecordBatch, EngineError> {
        let rows = std::mem::take(&mut self.row);
        let mut fields = Vec::new();
        let mut arrays = Vec::new();
        for column in &mut self.columns {
            column.filled = 0;
            let builder = column.builder.take();
            let Some(ty) = column.ty else { continue };
            fields.push((column.name.clone(), ty));
            arrays.push(match builder {
                Some(builder) => builder.finish(),
                None => column::repeated(&Datum::Null, ty, rows),
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(column::schema(fields), arrays, &options)?;
        let left_out = std::mem::take(&mut self.left_out);
        if left_out.is_empty() {
            return Ok(batch);
        }
        let mask: BooleanArray = (0..rows)
            .map(|row| Some(left_out.binary_search(&row).is_err()))
            .collect();
        Ok(filter_record_batch(&batch, &mask)?)
    }

    /// Forgets the rows since the last batch.
    pub(super) fn forget(&mut self) {
        self.row = 0;
        self.left_out.clear();
        for column in &mut self.columns {
            column.builder = None;
            column.filled = 0;
        }
    }

    fn key(&mut self, name: &str, column: Option<usize>) -> usize {
        let place = self.keys.len();
        self.keys.push(Key {
            name: name.to_owned(),
            column,
            next: place + 1,
            hinted: Shape::is_hinted(name),
            wraps: matches!(name, "records" | "properties"),
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
            self.columns.push(Column {
                name: name.to_owned(),
                ty: None,
                settled: false,
                builder: None,
                filled: 0,
            });
            self.columns.len() - 1
        });
        Ok(self.key(name, column))
    }

    fn end(&mut self) {
        self.total += 1;
        self.complete();
    }

    /// Cells that the row does not have are null.
    fn complete(&mut self) {
        if self.store {
            for column in &mut self.columns {
                if column.filled <= self.row
                    && let Some(ty) = column.ty
                {
                    column
                        .builder
                        .get_or_insert_with(|| {
                            let mut builder = Builder::new(ty, 64);
                            for _ in 0..self.row {
                                builder.push(&Datum::Null);
                            }
                            builder
                        })
                        .push(&Datum::Null);
                }
            }
        }
        self.row += 1;
    }

    /// Takes back a row that is none; `columns` and `keys` were there before it.
    fn abandon(&mut self, columns: usize, keys: usize) {
        self.wrapped = true;
        self.columns.truncate(columns);
        for key in self.keys.drain(keys..) {
            self.places.remove(&key.name);
        }
        if self.columns.iter().any(|column| column.filled > self.row) {
            self.left_out.push(self.row);
            self.complete();
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
        self.rows.wrapped = self.check;
        Err(A::Error::custom("a list where a JSON object was expected"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let rows = self.rows;
        let (columns, keys) = (rows.columns.len(), rows.keys.len());
        let mut before: Option<usize> = None;
        loop {
            let expected = match before {
                Some(place) => rows.keys[place].next,
                None => rows.first,
            };
            let Some(place) = map.next_key_seed(KeyOf { rows, expected })? else {
                break;
            };
            match before {
                Some(before) => rows.keys[before].next = place,
                None => rows.first = place,
            }
            let key = &rows.keys[place];
            if self.check && (key.wraps || (key.hinted && before.is_none())) {
                rows.abandon(columns, keys);
                return Err(A::Error::custom("more than a row"));
            }
            before = Some(place);
            match key.column {
                // Of equal keys the first counts.
                Some(at)
                    if rows.columns[at].filled <= rows.row
                        && (rows.store || !rows.columns[at].settled) =>
                {
                    map.next_value_seed(Cell {
                        column: &mut rows.columns[at],
                        row: rows.row,
                        store: &mut rows.store,
                        misfit: &mut rows.misfit,
                        lenient: rows.open,
                    })?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        rows.end();
        Ok(())
    }
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

/// A document whose shape is known.
struct Shaped<'r> {
    rows: &'r mut Rows,
    shape: &'r Shape,
    records: &'r Records,
}

impl<'de> DeserializeSeed<'de> for Shaped<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        let wanted = match self.shape {
            Shape::Row | Shape::Record { table: None } => self.records.own,
            Shape::Record { table: Some(table) } => {
                let own = *table == self.records.table;
                if !own && self.records.others == Others::Refused {
                    return Err(D::Error::custom(format!(
                        "a record of {table} among rows of {}",
                        self.records.table
                    )));
                }
                own
            }
            Shape::Envelope(_) | Shape::List(_) => true,
        };
        if wanted {
            return source.deserialize_any(self);
        }
        self.rows.others += 1;
        source.deserialize_any(IgnoredAny).map(|_| ())
    }
}

impl<'de> Visitor<'de> for Shaped<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let (Shape::List(shapes) | Shape::Envelope(shapes)) = self.shape else {
            return Err(A::Error::custom("a list where a JSON object was expected"));
        };
        for shape in shapes {
            let item = Shaped {
                rows: self.rows,
                shape,
                records: self.records,
            };
            if list.next_element_seed(item)?.is_none() {
                break;
            }
        }
        // The end of the list has to be read as well.
        list.next_element::<IgnoredAny>().map(|_| ())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if *self.shape == Shape::Row {
            let row = Row {
                rows: self.rows,
                check: false,
            };
            return row.visit_map(map);
        }
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            match (self.shape, key.as_ref()) {
                (Shape::Record { .. }, "properties") => map.next_value_seed(Row {
                    rows: self.rows,
                    check: false,
                })?,
                (Shape::Envelope(_), "records") => map.next_value_seed(Listed(Shaped {
                    rows: self.rows,
                    shape: self.shape,
                    records: self.records,
                }))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// The list inside an envelope.
struct Listed<'r>(Shaped<'r>);

impl<'de> DeserializeSeed<'de> for Listed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_seq(self.0)
    }
}
