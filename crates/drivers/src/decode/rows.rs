//! One row of an answer: from an object to cells, in the order that the service writes them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use defender_core::{Error, ErrorKind, Result};
use defender_table::arrow::array::RecordBatch;
use defender_table::arrow::datatypes::SchemaRef;
use defender_table::{DatetimeMode, JsonCell, TableBuilder, Warning};

use super::columns::Columns;
use super::counts::Counts;
use super::reader::{Fault, Reader};
use super::value::{self, Compact};
use super::{Stop, protocol};
use crate::envelope;

/// What of the options concerns rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) max_rows: Option<usize>,
    pub(super) datetimes: DatetimeMode,
    pub(super) annotated: bool,
    pub(super) nesting: usize,
    pub(super) rows: usize,
    pub(super) cells: usize,
}

/// Turns rows into cells.
///
/// Rows come with their keys in the order of the schema, nearly always: what stood in front of a
/// column's value in the row before (key, colon, annotations, blanks) is compared as one piece
/// before anything is looked up. A row is first taken as a whole, so that one that is not whole yet
/// leaves no trace, and some rows together are handed to the builders, column by column.
#[derive(Debug)]
pub(super) struct Rows {
    settings: Settings,
    layout: Arc<Layout>,
    /// What stands in front of each column's value, as far as is known.
    leads: Vec<Vec<u8>>,
    /// The values of the rows that wait for the builders: one for each column, in each row.
    slots: Vec<Slot>,
    /// The same where there are too many columns for that.
    wide: Option<Wide>,
    /// Where those rows stand.
    waiting: Vec<Range<usize>>,
    /// Text that does not stand in the answer as it is meant: without escapes or annotations.
    scratch: Vec<u8>,
    builder: TableBuilder,
    cut: bool,
    counts: Counts,
    per_row: Counts,
}

/// The columns, and where each is by its name.
#[derive(Debug)]
struct Layout {
    columns: Columns,
    places: HashMap<Vec<u8>, usize>,
}

/// Rows that wait together: enough to fill columns in runs, few enough to stay in the cache.
const WAITING_ROWS: usize = 32;
/// The bytes of waiting rows after which they wait no longer.
const WAITING_BYTES: usize = 1 << 20;
/// So much of a value without a column is kept to be told.
const LONGEST_TOLD: usize = 4 << 10;
/// The longest text in front of a value that is remembered.
const LONGEST_LEAD: usize = 256;

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

/// The values of waiting rows, of which each has few of very many columns.
#[derive(Debug)]
struct Wide {
    /// Row, column and value, in the order in which they came.
    slots: Vec<(usize, usize, Slot)>,
    /// For each column the row that had it last, counted over all rows, and its place above.
    last: Vec<(usize, usize)>,
    /// The rows before the one that is read.
    rows: usize,
}

/// With more columns than this a row is the values it has, and not a place for each column.
const MANY_COLUMNS: usize = 512;

impl Wide {
    fn of(columns: usize) -> Option<Self> {
        (columns > MANY_COLUMNS).then(|| Self {
            slots: Vec::new(),
            last: vec![(usize::MAX, 0); columns],
            rows: 0,
        })
    }

    /// The cells that are not null.
    fn cells<'c>(
        &'c self,
        cell: impl Fn(usize, &'c Slot) -> JsonCell<'c> + 'c,
    ) -> impl Iterator<Item = (usize, usize, JsonCell<'c>)> {
        let slots = self.slots.iter().enumerate();
        slots
            .map(move |(place, (row, column, slot))| (*row, *column, cell(place, slot)))
            .filter(|(_, _, cell)| *cell != JsonCell::Null)
    }

    /// Puts a value into the `row`th of the waiting ones; returns whether one was there.
    fn put(&mut self, row: usize, column: usize, slot: Slot) -> bool {
        let last = &mut self.last[column];
        if last.0 == self.rows {
            self.slots[last.1].2 = slot;
            return true;
        }
        *last = (self.rows, self.slots.len());
        self.slots.push((row, column, slot));
        false
    }
}

/// What a key is.
enum Found {
    Column(usize),
    Annotation,
    Unknown(String),
}

/// All rows.
pub(super) struct Finished {
    pub(super) schema: SchemaRef,
    pub(super) batches: Vec<RecordBatch>,
    pub(super) rows: usize,
    pub(super) cut: bool,
    pub(super) warnings: Vec<Warning>,
    /// What a member without a column says that tells of an error or of more rows.
    pub(super) told: Option<(String, Vec<u8>)>,
}

impl Finished {
    pub(super) fn empty(schema: SchemaRef) -> Self {
        Self {
            schema,
            batches: Vec::new(),
            rows: 0,
            cut: false,
            warnings: Vec::new(),
            told: None,
        }
    }
}

impl Rows {
    pub(super) fn new(columns: Columns, settings: Settings) -> Self {
        let leads = columns
            .iter()
            .enumerate()
            .map(|(index, (name, _))| {
                let before = if index == 0 { '{' } else { ',' };
                format!("{before}{}:", serde_json::Value::from(name.as_str())).into_bytes()
            })
            .collect();
        let places = columns
            .iter()
            .enumerate()
            .map(|(index, (name, _))| (name.clone().into_bytes(), index))
            .collect();
        Self::of(Arc::new(Layout { columns, places }), leads, settings)
    }

    /// The same columns without rows, limits left to whoever puts the parts together.
    pub(super) fn twin(&self) -> Self {
        let settings = Settings {
            max_rows: None,
            rows: usize::MAX,
            cells: usize::MAX,
            ..self.settings
        };
        Self::of(Arc::clone(&self.layout), self.leads.clone(), settings)
    }

    fn of(layout: Arc<Layout>, leads: Vec<Vec<u8>>, settings: Settings) -> Self {
        let wide = Wide::of(layout.columns.len());
        let slots = match wide {
            Some(_) => Vec::new(),
            None => Vec::with_capacity(layout.columns.len() * WAITING_ROWS),
        };
        Self {
            settings,
            leads,
            slots,
            wide,
            waiting: Vec::with_capacity(WAITING_ROWS),
            scratch: Vec::new(),
            builder: TableBuilder::new(&layout.columns, settings.datetimes),
            layout,
            cut: false,
            counts: Counts::default(),
            per_row: Counts::default(),
        }
    }

    /// The number of rows so far.
    pub(super) fn len(&self) -> usize {
        self.builder.rows() + self.waiting.len()
    }

    /// Whether a row was left out because `max_rows` were there.
    pub(super) fn is_cut(&self) -> bool {
        self.cut
    }

    /// Takes about `bytes` more of a list of rows that is whole, from `done` on; returns whether
    /// more are left.
    pub(super) fn take_list(
        &mut self,
        text: &[u8],
        done: &mut usize,
        bytes: usize,
    ) -> Result<bool> {
        let start = *done;
        let mut reader = Reader::new(text, start);
        let more = loop {
            match self.take_next(&mut reader) {
                Ok(false) => break false,
                Ok(true) if reader.position() - start >= bytes => break true,
                Ok(true) => {}
                Err(Stop::Error(error)) => return Err(error),
                Err(Stop::Fault(_)) => return Err(protocol("a row of the answer is broken")),
            }
        };
        *done = reader.position();
        self.flush(text)?;
        Ok(more)
    }

    /// Takes the next row of a list, with what stands before it; returns whether more are wanted.
    fn take_next(&mut self, reader: &mut Reader<'_>) -> Result<bool, Stop> {
        if reader.position() == 0 {
            reader.expect(b'[', "a list was expected")?;
            if reader.peek()? == b']' {
                return Ok(false);
            }
        } else if reader.peek()? == b']' {
            return Ok(false);
        } else {
            reader.expect(b',', "a comma was expected")?;
        }
        self.take(reader)?;
        Ok(!self.cut)
    }

    /// Takes rows with a comma in front of each, as long as they are whole; returns where the
    /// first byte stands that belongs to none of them.
    pub(super) fn take_run(&mut self, text: &[u8]) -> Result<usize> {
        let mut reader = Reader::new(text, 0);
        let mut done = 0;
        loop {
            if reader.expect(b',', "a comma was expected").is_err() {
                break;
            }
            match self.take(&mut reader) {
                Ok(()) => done = reader.position(),
                Err(Stop::Fault(_)) => break,
                Err(Stop::Error(error)) => return Err(error),
            }
        }
        self.flush(text)?;
        self.builder.end_batch()?;
        Ok(done)
    }

    /// Takes the rows of `other`, which come next; it is empty afterwards.
    pub(super) fn absorb(&mut self, other: &mut Self) -> Result<()> {
        self.builder.absorb(&mut other.builder)?;
        self.counts.add(std::mem::take(&mut other.counts));
        if self.len() > self.settings.rows {
            return Err(self.too_many());
        }
        self.check_cells()
    }

    fn check_cells(&self) -> Result<()> {
        let (cells, most) = (self.builder.cells(), self.settings.cells);
        if cells <= most {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Incomplete,
            format!("the answer takes {cells} cells, more than the limit of {most}"),
        )
        .with_hint("project fewer columns, or take fewer rows"))
    }

    fn too_many(&self) -> Error {
        Error::new(
            ErrorKind::Incomplete,
            format!("the answer has more than {} rows", self.settings.rows),
        )
        .with_hint("narrow the query, or cut its result with a take of its own or --max-rows")
    }

    /// Takes one row, or nothing when it is not whole.
    pub(super) fn take(&mut self, reader: &mut Reader<'_>) -> Result<(), Stop> {
        let rows = self.len();
        if Some(rows) == self.settings.max_rows {
            reader.peek()?;
            self.cut = true;
            return Ok(());
        }
        if rows >= self.settings.rows {
            return Err(self.too_many().into());
        }
        let scratch = self.scratch.len();
        let base = if let Some(wide) = &mut self.wide {
            wide.rows += 1;
            wide.slots.len()
        } else {
            let base = self.slots.len();
            self.slots.resize(base + self.leads.len(), Slot::Absent);
            base
        };
        let start = reader.position();
        let read = self.read(reader, base).map_err(Stop::from);
        if let Err(stop) = read.and_then(|()| self.check_names(base)) {
            match &mut self.wide {
                Some(wide) => wide.slots.truncate(base),
                None => self.slots.truncate(base),
            }
            self.scratch.truncate(scratch);
            self.per_row = Counts::default();
            return Err(stop);
        }
        self.waiting.push(start..reader.position());
        if !self.per_row.is_empty() {
            self.counts.add(std::mem::take(&mut self.per_row));
        }
        let first = self.waiting.first().map_or(start, |row| row.start);
        if self.waiting.len() >= WAITING_ROWS || reader.position() - first >= WAITING_BYTES {
            self.flush(reader.bytes())?;
        }
        Ok(())
    }

    /// A row that has none of the columns is something else, such as an error that took the place
    /// of the rows after it: a row of nulls has their names.
    fn check_names(&self, base: usize) -> Result<(), Stop> {
        let has_some = if let Some(wide) = &self.wide {
            wide.slots.len() > base
        } else {
            let mut own = self.slots[base..].iter();
            own.any(|slot| !matches!(slot, Slot::Absent))
        };
        let name = self.per_row.unknown.keys().next();
        if has_some || self.leads.is_empty() && name.is_none() {
            return Ok(());
        }
        let name: Option<String> = name.map(|name| name.chars().take(100).collect());
        let has = name.map_or("nothing at all".to_owned(), |name| format!("'{name}'"));
        Err(protocol(format!(
            "a row of the answer has none of the columns of its schema, but {has}"
        ))
        .into())
    }

    fn read(&mut self, reader: &mut Reader<'_>, base: usize) -> Result<(), Fault> {
        reader.peek()?;
        let mut opened = false;
        let mut next = 0;
        // Where the last value ended, and whether only annotations have come since.
        let (mut since, mut only_annotations) = (reader.position(), true);
        loop {
            while let Some(lead) = self.leads.get(next) {
                if !reader.take(lead) {
                    break;
                }
                self.put(reader, base, next)?;
                (opened, next) = (true, next + 1);
                (since, only_annotations) = (reader.position(), true);
            }
            if opened {
                match reader.peek()? {
                    b',' => reader.step(),
                    b'}' => {
                        reader.step();
                        return Ok(());
                    }
                    _ => return Err(Fault::Bad("a comma or a closing bracket was expected")),
                }
            } else {
                reader.expect(b'{', "a row was expected")?;
                if reader.peek()? == b'}' {
                    reader.step();
                    return Ok(());
                }
                opened = true;
            }
            reader.expect(b'"', "a name in quotes was expected")?;
            let found = self.find(reader)?;
            reader.expect(b':', "a colon was expected")?;
            reader.peek()?;
            let Found::Column(column) = found else {
                only_annotations &= matches!(found, Found::Annotation);
                let value = reader.position();
                reader.skip()?;
                if let Found::Unknown(name) = found {
                    let value = &reader.bytes()[value..reader.position()];
                    self.without_column(name, value);
                }
                continue;
            };
            let lead = &reader.bytes()[since..reader.position()];
            if column == next && only_annotations && lead.len() <= LONGEST_LEAD {
                self.leads[column].clear();
                self.leads[column].extend_from_slice(lead);
            }
            self.put(reader, base, column)?;
            next = column + 1;
            (since, only_annotations) = (reader.position(), true);
        }
    }

    /// Takes the value of a column.
    fn put(&mut self, reader: &mut Reader<'_>, base: usize, column: usize) -> Result<(), Fault> {
        let slot = self.value(reader, column)?;
        if let Some(wide) = &mut self.wide {
            let repeated = wide.put(self.waiting.len(), column, slot);
            self.per_row.repeated += u64::from(repeated);
            return Ok(());
        }
        let place = &mut self.slots[base + column];
        if !matches!(place, Slot::Absent) {
            self.per_row.repeated += 1;
        }
        *place = slot;
        Ok(())
    }

    /// The column of a key that is not the expected one.
    fn find(&mut self, reader: &mut Reader<'_>) -> Result<Found, Fault> {
        let text = reader.text()?;
        let key = reader.plain(&text);
        if let Some(column) = self.layout.places.get(key.as_ref()) {
            return Ok(Found::Column(*column));
        }
        if self.settings.annotated && value::is_annotation(&key) {
            return Ok(Found::Annotation);
        }
        Ok(Found::Unknown(String::from_utf8_lossy(&key).into_owned()))
    }

    /// Keeps in mind a member that has no column; some say that the row is none.
    fn without_column(&mut self, name: String, value: &[u8]) {
        if self.counts.told.is_none()
            && self.per_row.told.is_none()
            && envelope::tells(&name, value)
        {
            let shown = &value[..value.len().min(LONGEST_TOLD)];
            self.per_row.told = Some((name.clone(), shown.to_vec()));
        }
        *self.per_row.unknown.entry(name).or_default() += 1;
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

    /// Hands the waiting rows, which stand in `bytes`, to the builders.
    pub(super) fn flush(&mut self, bytes: &[u8]) -> Result<()> {
        let (Some(first), Some(last)) = (self.waiting.first(), self.waiting.last()) else {
            return Ok(());
        };
        let base = first.start;
        // One look at some rows is much cheaper than one at each cell.
        let texts = (
            std::str::from_utf8(&bytes[base..last.end]),
            std::str::from_utf8(&self.scratch),
        );
        if let (Ok(text), Ok(scratch)) = texts {
            let columns = self.leads.len();
            let slots = &self.slots;
            let inside = |range: &Range<usize>| {
                text.get(range.start - base..range.end - base)
                    .unwrap_or_default()
            };
            let aside = |range: &Range<usize>| scratch.get(range.clone()).unwrap_or_default();
            let cell = |slot: &Slot| match slot {
                Slot::Absent | Slot::Null => JsonCell::Null,
                Slot::Bool(value) => JsonCell::Bool(*value),
                Slot::Number(range) => JsonCell::Number(inside(range)),
                Slot::Text(range) => JsonCell::Str(inside(range)),
                Slot::Unescaped(range) => JsonCell::Str(aside(range)),
                Slot::Raw(range) => JsonCell::Raw(aside(range)),
            };
            let rows = self.waiting.len();
            if let Some(wide) = &self.wide {
                let cells = wide.cells(|_, slot| cell(slot));
                self.builder.append_cells(rows, cells)?;
            } else {
                self.builder
                    .append_rows(rows, |row, column| cell(&slots[row * columns + column]))?;
            }
        } else {
            self.append_repaired(bytes)?;
        }
        self.waiting.clear();
        self.slots.clear();
        if let Some(wide) = &mut self.wide {
            wide.slots.clear();
        }
        self.scratch.clear();
        self.check_cells()
    }

    /// The same where not all is valid UTF-8: one bad cell must not hide the rest.
    fn append_repaired(&mut self, bytes: &[u8]) -> Result<()> {
        let columns = self.leads.len();
        let text = |slot: &Slot| match slot {
            Slot::Number(range) | Slot::Text(range) => {
                String::from_utf8_lossy(&bytes[range.clone()])
            }
            Slot::Unescaped(range) | Slot::Raw(range) => {
                String::from_utf8_lossy(&self.scratch[range.clone()])
            }
            Slot::Absent | Slot::Null | Slot::Bool(_) => Cow::Borrowed(""),
        };
        let texts: Vec<Cow<'_, str>> = match &self.wide {
            Some(wide) => wide.slots.iter().map(|(_, _, slot)| text(slot)).collect(),
            None => self.slots.iter().map(text).collect(),
        };
        let repaired = texts
            .iter()
            .filter(|text| matches!(text, Cow::Owned(_)))
            .count();
        let cell = |place: usize, slot: &Slot| {
            let text = &texts[place];
            match slot {
                Slot::Absent | Slot::Null => JsonCell::Null,
                Slot::Bool(value) => JsonCell::Bool(*value),
                Slot::Number(_) => JsonCell::Number(text),
                Slot::Text(_) | Slot::Unescaped(_) => JsonCell::Str(text),
                Slot::Raw(_) => JsonCell::Raw(text),
            }
        };
        let slots = &self.slots;
        let rows = self.waiting.len();
        if let Some(wide) = &self.wide {
            self.builder.append_cells(rows, wide.cells(cell))?;
        } else {
            self.builder.append_rows(rows, |row, column| {
                let place = row * columns + column;
                cell(place, &slots[place])
            })?;
        }
        self.counts.replaced += repaired as u64;
        Ok(())
    }

    /// Every row, and what went wrong with them.
    pub(super) fn finish(mut self) -> Result<Finished> {
        let told = self.counts.told.take();
        let rows = self.builder.rows();
        let (schema, batches, mut warnings) = self.builder.finish()?;
        warnings.extend(
            self.counts
                .warnings(&self.layout.columns, self.settings.nesting),
        );
        Ok(Finished {
            schema,
            batches,
            rows,
            cut: self.cut,
            warnings,
            told,
        })
    }
}

impl std::fmt::Debug for Finished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Finished")
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}
