//! From the bytes of an answer to Arrow, while they arrive.
//!
//! The answer is one JSON object: `Stats`, `Schema` and `Results` in any order and any case. A
//! [`Decoder`] takes it chunk by chunk and turns each row into cells of column builders as soon as
//! the row is whole; there is no document in between, and no more of the body is kept than the row
//! that is still arriving. Only when the rows come before their schema, or without one, are they
//! kept until the end. The rows of a large answer are cut into blocks that all cores decode while the
//! download goes on.

mod blocks;
mod columns;
mod counts;
pub(crate) mod reader;
mod rows;
mod value;
mod workers;

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use defender_core::{Error, ErrorKind, Result};
use defender_table::arrow;
use defender_table::arrow::array::RecordBatch;
use defender_table::{DatetimeMode, Warning, WarningKind};

pub(crate) use self::blocks::BlockOptions;
use self::blocks::{Block, Blocks};
use self::columns::Declared;
use self::reader::{Fault, Reader};
use self::rows::{Rows, Settings};
use crate::envelope::Around;
use crate::patience::{TURN, others_turn};
use crate::{Limits, failure};

/// What is wanted of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) limits: Limits,
    pub(crate) max_rows: Option<usize>,
    pub(crate) datetimes: DatetimeMode,
    /// Whether values carry `@odata.type` annotations.
    pub(crate) annotated: bool,
    pub(crate) blocks: BlockOptions,
}

/// What an answer held.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) schema: SchemaRef,
    pub(crate) batches: Vec<RecordBatch>,
    pub(crate) rows: usize,
    /// How many bytes of the body arrived.
    pub(crate) bytes: u64,
    /// Whether there were more rows than `max_rows`.
    pub(crate) cut: bool,
    /// What stands around the rows: an error, for one.
    pub(crate) around: Around,
    pub(crate) stats: Option<serde_json::Value>,
    pub(crate) warnings: Vec<Warning>,
}

/// Takes an answer in pieces.
#[derive(Debug)]
pub(crate) struct Decoder {
    options: Options,
    state: State,
    buffer: Vec<u8>,
    /// Where in the buffer to go on.
    position: usize,
    /// How long the buffer must be before it is worth trying again.
    needed: usize,
    received: usize,
    /// How many of the received bytes came into the buffer or were decoded elsewhere.
    taken: usize,
    /// What stands between the first two rows.
    border: Option<Vec<u8>>,
    blocks: Option<Blocks>,
    /// The rows, when they came before their schema.
    early: Option<Vec<u8>>,
    declared: Option<Vec<Declared>>,
    rows: Option<Rows>,
    stats: Option<serde_json::Value>,
    around: Around,
    /// What came in the place of a list of rows.
    misshapen: Option<&'static str>,
    /// The names of the members so far, without case.
    names: HashSet<Box<[u8]>>,
    /// The bytes received at which others get a turn.
    next_turn: usize,
    warnings: Vec<Warning>,
}

/// The members that an answer may have; the services send six at most.
const MEMBERS: usize = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    /// In the object: before a name, or before the bracket that ends it.
    Members {
        first: bool,
    },
    /// Between two rows.
    Rows {
        first: bool,
    },
    /// All rows that are wanted are there.
    Enough,
    /// After the object.
    Done,
}

impl Decoder {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            options,
            state: State::Start,
            buffer: Vec::new(),
            position: 0,
            needed: 1,
            received: 0,
            taken: 0,
            border: None,
            blocks: None,
            early: None,
            declared: None,
            rows: None,
            stats: None,
            around: Around::default(),
            misshapen: None,
            names: HashSet::new(),
            next_turn: TURN,
            warnings: Vec::new(),
        }
    }

    /// Whether nothing that may still come is of interest.
    pub(crate) fn is_satisfied(&self) -> bool {
        self.state == State::Enough
    }

    /// Takes the next bytes of the body.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Result<()> {
        self.received += chunk.len();
        if self.received > self.options.limits.body {
            return Err(too_large("the answer", self.options.limits.body));
        }
        if let (Some(blocks), Some(rows)) = (&mut self.blocks, &self.rows) {
            blocks.push(chunk, rows);
        } else {
            self.take_in(chunk)?;
            self.begin_blocks();
        }
        Ok(())
    }

    /// Reads on in order.
    fn take_in(&mut self, chunk: &[u8]) -> Result<()> {
        self.taken += chunk.len();
        self.buffer.drain(..self.position);
        self.position = 0;
        self.buffer.extend_from_slice(chunk);
        if self.buffer.len() < self.needed {
            return Ok(());
        }
        self.advance()?;
        let left = self.buffer.len() - self.position;
        let Limits { row, held, .. } = self.options.limits;
        if self.rows.is_some() && left > row {
            return Err(too_large("a row of the answer", row));
        }
        if left > held {
            return Err(too_large(
                "what comes before the schema of the answer",
                held,
            ));
        }
        // A piece is read from its start each time: twice as much again keeps that linear.
        self.needed = left.saturating_mul(2).max(1);
        Ok(())
    }

    /// From here on rows are cut into blocks, when there are enough of them.
    fn begin_blocks(&mut self) {
        let options = self.options.blocks;
        let wanted = options.at_once > 0
            && self.options.max_rows.is_none()
            && self.received >= options.after
            && self.state == (State::Rows { first: false });
        if !wanted {
            return;
        }
        if let Some(border) = self.border.take() {
            let left = &self.buffer[self.position..];
            self.taken -= left.len();
            self.blocks = Some(Blocks::new(options, border, left));
            self.forget_buffer();
        }
    }

    fn forget_buffer(&mut self) {
        self.buffer.clear();
        (self.position, self.needed) = (0, 1);
    }

    /// Takes in the blocks that are done, and waits when too many are not.
    pub(crate) async fn settle(&mut self) -> Result<()> {
        if self.received >= self.next_turn {
            self.next_turn = self.received + TURN;
            others_turn().await;
        }
        self.settle_blocks(false).await
    }

    async fn settle_blocks(&mut self, ending: bool) -> Result<()> {
        while let Some(blocks) = &mut self.blocks {
            let block = match blocks.ready()? {
                Some(block) => Some(block),
                None => blocks.overdue(ending).await?,
            };
            match block {
                Some(block) => self.merge(block)?,
                None if ending || blocks.is_over() => {
                    self.options.blocks.at_once = 0;
                    let rest = self.blocks.take().map(Blocks::into_rest);
                    self.take_in(&rest.unwrap_or_default())?;
                }
                None => break,
            }
        }
        Ok(())
    }

    /// Takes in a block: as it was decoded, when it begins where all before it ended.
    fn merge(&mut self, block: Block) -> Result<()> {
        let Block { bytes, rows, end } = block;
        let follows =
            self.state == (State::Rows { first: false }) && self.position == self.buffer.len();
        let mut left = &bytes[..];
        let mut spare = None;
        if let (true, Some(whole), Some(decoded)) = (follows, &mut self.rows, rows) {
            let mut decoded = decoded?;
            whole.absorb(&mut decoded)?;
            spare = Some(decoded);
            left = &bytes[end..];
            self.taken += end;
            self.forget_buffer();
        }
        let used_up = left.is_empty();
        if !used_up {
            self.take_in(left)?;
        }
        if let Some(blocks) = &mut self.blocks {
            blocks.note(used_up);
            blocks.recycle(bytes, spare);
        }
        Ok(())
    }

    /// Ends the answer.
    pub(crate) async fn finish(mut self) -> Result<Decoded> {
        self.settle_blocks(true).await?;
        if self.state != State::Enough {
            self.advance()?;
            if self.state != State::Done {
                return Err(self.broken_off());
            }
        }
        if let Some(early) = self.early.take() {
            self.decode_early(&early).await?;
        }
        if self.rows.is_none() && self.around.failure.is_none() {
            return Err(self.no_results());
        }
        let rows = match self.rows.take() {
            Some(rows) => rows.finish()?,
            None => rows::Finished::empty(Arc::new(Schema::empty())),
        };
        self.warnings.extend(rows.warnings);
        if let Some((name, value)) = &rows.told {
            self.around.member_without_column(name, value);
        }
        Ok(Decoded {
            schema: rows.schema,
            batches: rows.batches,
            rows: rows.rows,
            bytes: self.received as u64,
            cut: rows.cut,
            around: self.around,
            stats: self.stats,
            warnings: self.warnings,
        })
    }

    /// Goes on until the buffer ends.
    fn advance(&mut self) -> Result<()> {
        let buffer = std::mem::take(&mut self.buffer);
        let mut reader = Reader::new(&buffer, self.position);
        let outcome = loop {
            match self.step(&mut reader) {
                Ok(()) => self.position = reader.position(),
                Err(Stop::Fault(Fault::End)) => break Ok(()),
                Err(Stop::Fault(Fault::Bad(what))) => {
                    break Err(self.not_json(what, &buffer, reader.position()));
                }
                Err(Stop::Error(error)) => break Err(error),
            }
            if self.state == State::Enough {
                break Ok(());
            }
        };
        let outcome = match &mut self.rows {
            // The buffer is about to change, and rows may wait that stand in it.
            Some(rows) => outcome.and_then(|()| rows.flush(&buffer)),
            None => outcome,
        };
        self.buffer = buffer;
        outcome
    }

    /// Takes one piece: a bracket, a member or a row.
    fn step(&mut self, reader: &mut Reader<'_>) -> Result<(), Stop> {
        match self.state {
            State::Start => {
                if reader.bytes().first() == Some(&0xef) && reader.position() == 0 {
                    if reader.bytes().len() < 3 {
                        return Err(Fault::End.into());
                    }
                    reader.take("\u{feff}".as_bytes());
                }
                reader.expect(b'{', "a JSON object was expected")?;
                self.state = State::Members { first: true };
            }
            State::Members { first } => match reader.peek()? {
                b'}' => {
                    reader.step();
                    self.state = State::Done;
                }
                b',' if !first => {
                    reader.step();
                    self.member(reader)?;
                }
                b'"' if first => self.member(reader)?,
                _ => return Err(Fault::Bad("a comma or a closing bracket was expected").into()),
            },
            State::Rows { first } => match reader.peek()? {
                b']' => {
                    reader.step();
                    self.state = State::Members { first: false };
                }
                b',' if !first => {
                    reader.step();
                    let (end, start) = (self.position, reader.position());
                    self.row(reader)?;
                    if self.border.is_none() {
                        self.border = border(&reader.bytes()[..reader.position()], end, start);
                    }
                }
                _ if first => self.row(reader)?,
                _ => return Err(Fault::Bad("a comma or a closing bracket was expected").into()),
            },
            State::Enough => return Err(Fault::End.into()),
            State::Done => {
                reader.peek()?;
                return Err(Fault::Bad("nothing was expected after the object").into());
            }
        }
        Ok(())
    }

    fn member(&mut self, reader: &mut Reader<'_>) -> Result<(), Stop> {
        reader.expect(b'"', "a name in quotes was expected")?;
        let name = reader.text()?;
        let name = reader.plain(&name);
        let name = String::from_utf8_lossy(&name);
        reader.expect(b':', "a colon was expected")?;
        let first = reader.peek()?;
        if name.eq_ignore_ascii_case("results") {
            return self.results(reader, &name, first);
        }
        let start = reader.position();
        reader.skip()?;
        // Only now is the member whole: until then it is read again from its start.
        self.note(&name)?;
        let value = &reader.bytes()[start..reader.position()];
        if name.eq_ignore_ascii_case("schema") {
            let declared = columns::declared(value).map_err(protocol)?;
            self.check_columns(declared.len())?;
            // Without rows an empty list is the whole truth; with rows it is none.
            self.declared = Some(declared);
        } else if name.eq_ignore_ascii_case("stats") {
            self.around.member(&name, value);
            match serde_json::from_slice(value) {
                Ok(stats) => {
                    if let Some(count) = counted(&stats) {
                        self.around
                            .counts("table_row_count", count.to_string().as_bytes());
                    }
                    self.stats = Some(stats);
                }
                Err(_) => self.warnings.push(Warning::new(
                    WarningKind::Schema,
                    "the statistics of the answer could not be read",
                )),
            }
        } else {
            self.around.member(&name, value);
        }
        self.state = State::Members { first: false };
        Ok(())
    }

    /// Keeps the name of a member in mind: of two that mean the same, nobody knows which counts.
    fn note(&mut self, name: &str) -> Result<(), Stop> {
        let key = name.to_ascii_lowercase().into_bytes().into_boxed_slice();
        if !self.names.insert(key) {
            let name: String = name.chars().take(100).collect();
            return Err(protocol(format!("the answer holds '{name}' twice")).into());
        }
        if self.names.len() > MEMBERS {
            return Err(protocol(format!("the answer has more than {MEMBERS} members")).into());
        }
        Ok(())
    }

    fn check_columns(&self, columns: usize) -> Result<()> {
        let most = self.options.limits.columns;
        if columns <= most {
            return Ok(());
        }
        Err(too_many_columns(columns, most))
    }

    /// Begins the rows, or keeps them for later when nobody knows their columns yet.
    fn results(&mut self, reader: &mut Reader<'_>, name: &str, first: u8) -> Result<(), Stop> {
        let declared = self
            .declared
            .as_deref()
            .filter(|declared| !declared.is_empty());
        if let (b'[', Some(declared)) = (first, declared) {
            let (columns, warnings) = columns::typed(declared);
            self.note(name)?;
            reader.step();
            self.warnings.extend(warnings);
            self.rows = Some(Rows::new(columns, self.settings()));
            self.state = State::Rows { first: true };
            return Ok(());
        }
        let start = reader.position();
        reader.skip()?;
        self.note(name)?;
        if first == b'[' {
            self.early = Some(reader.bytes()[start..reader.position()].to_vec());
        } else {
            // An error that comes later says more.
            self.misshapen = Some(kind_of(first));
        }
        self.state = State::Members { first: false };
        Ok(())
    }

    fn row(&mut self, reader: &mut Reader<'_>) -> Result<(), Stop> {
        if let Some(rows) = &mut self.rows {
            rows.take(reader)?;
            if rows.is_cut() {
                self.state = State::Enough;
                return Ok(());
            }
        }
        self.state = State::Rows { first: false };
        Ok(())
    }

    /// Decodes rows whose schema came after them, or not at all.
    async fn decode_early(&mut self, early: &[u8]) -> Result<()> {
        let declared = self
            .declared
            .as_deref()
            .filter(|declared| !declared.is_empty());
        let (columns, warnings) = if let Some(declared) = declared {
            columns::typed(declared)
        } else {
            let mut inferred = columns::Inferred::new(early, self.options.annotated);
            while inferred.look(TURN)? {
                others_turn().await;
            }
            self.check_columns(inferred.len())?;
            (inferred.columns(), Vec::new())
        };
        self.warnings.extend(warnings);
        if declared.is_none() && (self.declared.is_none() || !columns.is_empty()) {
            self.warnings.push(Warning::new(
                WarningKind::Schema,
                "the answer came without a schema: the types of its columns are read off the rows",
            ));
        }
        let mut rows = Rows::new(columns, self.settings());
        let mut done = 0;
        while rows.take_list(early, &mut done, TURN)? {
            others_turn().await;
        }
        self.rows = Some(rows);
        Ok(())
    }

    fn settings(&self) -> Settings {
        Settings {
            max_rows: self.options.max_rows,
            datetimes: self.options.datetimes,
            annotated: self.options.annotated,
            nesting: self.options.limits.nesting,
            rows: self.options.limits.rows,
            cells: self.options.limits.cells,
        }
    }

    fn broken_off(&self) -> Error {
        failure::broken_off(self.received)
    }

    fn no_results(&self) -> Error {
        match self.misshapen {
            Some(kind) => protocol(format!(
                "the results of the answer are {kind} where a list was expected"
            )),
            None => protocol("the answer holds no results"),
        }
    }

    fn not_json(&self, what: &str, buffer: &[u8], position: usize) -> Error {
        if self.state == State::Start {
            let start = buffer.trim_ascii_start().first().copied();
            if serde_json::from_slice::<serde::de::IgnoredAny>(buffer).is_ok() {
                let kind = kind_of(start.unwrap_or_default());
                return protocol(format!("the answer is {kind} where an object was expected"));
            }
            if buffer.starts_with(GZIP) {
                return protocol("the answer is gzip, which its headers do not say")
                    .with_hint("check the proxy on the way");
            }
            let title = crate::failure::words_of(buffer);
            let title = title.map(|title| format!(": {title}")).unwrap_or_default();
            return protocol(format!("the answer is no JSON{title}"))
                .with_hint("a proxy or a wrong address may answer in place of the service");
        }
        let offset = self.taken - buffer.len() + position;
        protocol(format!(
            "the answer is broken JSON at byte {offset}: {what}"
        ))
    }
}

/// What gzip begins with.
const GZIP: &[u8] = b"\x1f\x8b";

/// What the value is that begins with this byte.
fn kind_of(first: u8) -> &'static str {
    match first {
        b'n' => "null",
        b't' | b'f' => "a bool",
        b'"' => "text",
        b'[' => "a list",
        b'{' => "an object",
        _ => "a number",
    }
}

/// How many rows the service counted in its result, where its statistics say so of one.
///
/// It is the result that is counted, not the table that was read: the example of the page counts the
/// two rows that it has, and so do recorded responses.
///
/// Source: <https://learn.microsoft.com/defender-xdr/api-advanced-hunting>
fn counted(stats: &serde_json::Value) -> Option<&serde_json::Value> {
    match stats.get("dataset_statistics")?.as_array()?.as_slice() {
        [only] => only.get("table_row_count"),
        _ => None,
    }
}

/// What stands between two rows: from the bracket that ends the one, `end` being the place behind
/// it, to the first key of the other, which begins at `start` at the earliest.
fn border(bytes: &[u8], end: usize, start: usize) -> Option<Vec<u8>> {
    const LONGEST: usize = 256;
    let before = end.checked_sub(1)?;
    let colon = bytes
        .get(start..)?
        .iter()
        .take(LONGEST)
        .position(|byte| *byte == b':')?;
    let border = bytes.get(before..=start + colon)?;
    border.starts_with(b"}").then(|| border.to_vec())
}

/// Why a step was not made.
enum Stop {
    Fault(Fault),
    Error(Error),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

fn protocol(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Protocol, message)
}

fn too_large(what: &str, limit: usize) -> Error {
    Error::new(
        ErrorKind::Incomplete,
        format!("{what} is larger than {limit} bytes"),
    )
    .with_hint("project fewer columns, or ask for a shorter range of time")
}

fn too_many_columns(columns: usize, most: usize) -> Error {
    Error::new(
        ErrorKind::Incomplete,
        format!("the answer has {columns} columns, more than the limit of {most}"),
    )
    .with_hint("project the columns that are needed")
}

#[cfg(test)]
mod tests;
