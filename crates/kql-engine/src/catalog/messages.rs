//! What the messages of an Arrow file say about themselves, held against the file before a reader
//! trusts it.
//!
//! The reader allocates what lengths say. A damaged one would end the process, as nothing catches
//! an allocation that fails.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::sync::Arc;

use arrow::datatypes::{DataType, Fields};
use arrow::ipc::convert::fb_to_schema;
use arrow::ipc::{
    Block, CompressionType, Message, MessageHeader, RecordBatch, root_as_footer, root_as_message,
};

use super::wide::Wide;

/// The first and the last bytes of the form with a footer.
const MAGIC: &[u8] = b"ARROW1";

/// What stands before the length of a message.
const MARK: [u8; 4] = [0xff; 4];

/// A compressed buffer that grows to more bytes than this, and more than so many times its own
/// length, is unpacked for a look at its length.
const LARGE: u64 = 64 << 20;
const TIMES: u64 = 20;

type Checked<T> = Result<T, String>;

/// The two forms of Arrow IPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// With a footer that tells where its batches are.
    File,
    /// One message after the other, kept in a file.
    Stream,
}

/// What is known of a file whose messages fit to it.
#[derive(Debug, Clone)]
pub(super) struct Sound {
    pub(super) form: Form,
    pub(super) wide: Arc<Wide>,
    /// Whether it ends where whoever wrote it says that it does.
    pub(super) is_ended: bool,
}

/// Holds all messages of a file against its length.
pub(super) fn check(file: &File) -> Checked<Sound> {
    let length = file.metadata().map_err(|error| error.to_string())?.len();
    let mut reader = Bounded {
        reader: BufReader::new(file),
        length,
    };
    let ends = reader
        .bytes(0, MAGIC.len() as u64)
        .is_ok_and(|one| one == MAGIC);
    let (form, (wide, is_ended)) = if ends {
        (Form::File, (footer(&mut reader)?, true))
    } else {
        (Form::Stream, stream(&mut reader)?)
    };
    Ok(Sound {
        form,
        wide: Arc::new(wide),
        is_ended,
    })
}

struct Bounded<'a> {
    reader: BufReader<&'a File>,
    length: u64,
}

impl Bounded<'_> {
    fn bytes(&mut self, start: u64, length: u64) -> Checked<Vec<u8>> {
        self.part(start, length, |part| {
            let mut bytes = Vec::new();
            part.read_to_end(&mut bytes)?;
            Ok(bytes)
        })
    }

    /// Works on bytes that are all in the file.
    fn part<T>(
        &mut self,
        start: u64,
        length: u64,
        work: impl FnOnce(&mut dyn Read) -> io::Result<T>,
    ) -> Checked<T> {
        let end = start.checked_add(length);
        if end.is_none_or(|end| end > self.length) {
            return Err(format!(
                "its {length} bytes from {start} on are not all in the file"
            ));
        }
        let here = self.reader.stream_position();
        let here = here.map_err(|error| error.to_string())?;
        let relative = start.wrapping_sub(here).cast_signed();
        self.reader
            .seek_relative(relative)
            .and_then(|()| work(&mut (&mut self.reader).take(length)))
            .map_err(|error| error.to_string())
    }
}

fn number(value: i64, what: &str) -> Checked<u64> {
    u64::try_from(value).map_err(|_| format!("{what} is {value}"))
}

fn footer(reader: &mut Bounded<'_>) -> Checked<Wide> {
    let tail = 4 + MAGIC.len() as u64;
    let end = reader.length.checked_sub(tail).ok_or("it is cut off")?;
    let last = reader.bytes(end, tail)?;
    let (size, magic) = last.split_at(4);
    if magic != MAGIC {
        return Err("its end is cut off".to_owned());
    }
    let size = size.try_into().map_or(-1, i32::from_le_bytes);
    let size = number(size.into(), "the length of the footer")?;
    let start = end
        .checked_sub(size)
        .ok_or("its footer is longer than the file")?;
    let mut bytes = reader.bytes(start, size)?;
    let broken = |error| format!("its footer: {error}");
    let footer = root_as_footer(&bytes).map_err(broken)?;
    let schema = footer.schema().ok_or("its footer has no schema")?;
    let wide = Wide::of(&schema);
    wide.apply(&mut bytes, 0);
    let footer = root_as_footer(&bytes).map_err(broken)?;
    let schema = footer.schema().ok_or("its footer has no schema")?;
    let schema = fb_to_schema(schema);
    let dictionaries = footer.dictionaries();
    let batches = footer.recordBatches();
    let blocks = dictionaries
        .iter()
        .flatten()
        .chain(batches.iter().flatten());
    named(reader, blocks, start)?;
    for block in dictionaries.iter().flatten() {
        in_block(reader, block, None)?;
    }
    for (at, block) in batches.iter().flatten().enumerate() {
        in_block(reader, block, Some(schema.fields()))
            .map_err(|what| format!("in batch {at}, {what}"))?;
    }
    Ok(wide.from(start))
}

/// Zeros between messages, for alignment.
const PADDING: u64 = 4096;

/// Holds the blocks that a footer names against the messages before it: they are all of them but
/// the schema. What no footer names would be left out without a word.
///
/// Source: <https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format>
fn named<'b>(
    reader: &mut Bounded<'_>,
    blocks: impl Iterator<Item = &'b Block>,
    footer: u64,
) -> Checked<()> {
    let mut places = BTreeMap::new();
    for block in blocks {
        let start = number(block.offset(), "the place")?;
        let head = number(block.metaDataLength().into(), "the length")?;
        let body = number(block.bodyLength(), "the length of the body")?;
        let length = head.checked_add(body).filter(|_| head > 0);
        let length = length.ok_or("a block has no length")?;
        if places.insert(start, length).is_some() {
            return Err(format!("its footer names the block at {start} twice"));
        }
    }
    // The magic is followed by zeros up to a place of eight bytes, or more.
    let mut at = (MAGIC.len() as u64).next_multiple_of(8);
    let mut has_schema = false;
    let mut padding = 0;
    while at + 4 <= footer {
        if let Some(length) = places.remove(&at) {
            at = at.checked_add(length).ok_or("a block has no end")?;
            padding = 0;
            continue;
        }
        let mut word = reader.bytes(at, 4)?;
        if word == [0; 4] && padding < PADDING {
            at += 4;
            padding += 4;
            continue;
        }
        padding = 0;
        let mut start = at + 4;
        if word == MARK {
            word = reader.bytes(start, 4)?;
            start += 4;
            if word == [0; 4] {
                if has_more(reader, start, footer)? {
                    return Err(TOGETHER.to_owned());
                }
                at = footer;
                break;
            }
        }
        let size = word.try_into().map_or(-1, i32::from_le_bytes);
        let next = places.keys().next().copied().unwrap_or(footer);
        at = match schema(reader, start, size) {
            _ if has_schema => return Err(UNNAMED.to_owned()),
            Some(end) => end,
            None => bare_schema(reader, at, next)?,
        };
        has_schema = true;
    }
    if at > footer || !places.is_empty() {
        return Err("its footer names a block that is not where it says".to_owned());
    }
    Ok(())
}

/// Where the schema at `start` ends, a message of `size` bytes.
fn schema(reader: &mut Bounded<'_>, start: u64, size: i32) -> Option<u64> {
    let size = u64::try_from(size).ok()?;
    let head = reader.bytes(start, size).ok()?;
    let message = root_as_message(&head).ok()?;
    message.header_as_schema()?;
    let body = u64::try_from(message.bodyLength()).ok()?;
    start.checked_add(size)?.checked_add(body)
}

/// No schema is longer.
const LONGEST_SCHEMA: u64 = 64 << 20;

/// Passes over a schema without the length that belongs before it, as Polars writes it: from
/// `start` up to the first block. The footer holds the schema that readers take.
fn bare_schema(reader: &mut Bounded<'_>, start: u64, next: u64) -> Checked<u64> {
    let length = next.saturating_sub(start);
    let bytes = reader.bytes(start, length.min(LONGEST_SCHEMA + 1))?;
    let message = root_as_message(&bytes).map_err(|_| UNNAMED)?;
    let is_schema = message.header_type() == MessageHeader::Schema;
    if !is_schema || length > LONGEST_SCHEMA || bytes.windows(MAGIC.len()).any(|six| six == MAGIC) {
        return Err(UNNAMED.to_owned());
    }
    let holds_rows = |at: usize| {
        let message = bytes[at..].strip_prefix(&MARK)?.get(4..)?;
        let message = root_as_message(message).ok()?;
        Some(message.header_type() != MessageHeader::NONE)
    };
    if (0..bytes.len()).any(|at| holds_rows(at) == Some(true)) {
        return Err(UNNAMED.to_owned());
    }
    Ok(next)
}

/// What is said of a file that goes on where it ends.
const TOGETHER: &str = "it goes on behind its end: it is several files put together, or an end that is not one; split it";

/// What is said of bytes in a file that no block of its footer has.
const UNNAMED: &str =
    "it has a message that its footer does not name: it is damaged, or several files put together";

/// Whether there is anything but zeros from `start` up to `end`.
fn has_more(reader: &mut Bounded<'_>, start: u64, end: u64) -> Checked<bool> {
    reader.part(start, end.saturating_sub(start), |rest| {
        let mut bytes = [0; 4096];
        loop {
            match rest.read(&mut bytes)? {
                0 => return Ok(false),
                count if bytes[..count].iter().any(|byte| *byte != 0) => return Ok(true),
                _ => {}
            }
        }
    })
}

fn in_block(reader: &mut Bounded<'_>, block: &Block, fields: Option<&Fields>) -> Checked<()> {
    let start = number(block.offset(), "the place")?;
    let head = number(block.metaDataLength().into(), "the length")?;
    let body = number(block.bodyLength(), "the length of the body")?;
    let bytes = reader.bytes(start, head)?;
    let prefix = if bytes.starts_with(&MARK) { 8 } else { 4 };
    let message = bytes.get(prefix..).unwrap_or_default();
    let message = root_as_message(message).map_err(|error| error.to_string())?;
    let (wanted, name) = match fields {
        Some(_) => (MessageHeader::RecordBatch, "record batch"),
        None => (MessageHeader::DictionaryBatch, "dictionary"),
    };
    if message.header_type() != wanted {
        return Err(format!("the message at {start} is not a {name}"));
    }
    let place = Place {
        start: start + head,
        length: body,
    };
    in_message(reader, &message, &place, fields)
}

/// Also whether the stream has its end.
fn stream(reader: &mut Bounded<'_>) -> Checked<(Wide, bool)> {
    let mut at = 0;
    let mut is_ended = false;
    let mut schema = None;
    let mut wide = Wide::default();
    while at < reader.length {
        let mut head = reader.bytes(at, 4)?;
        at += 4;
        if head == MARK {
            head = reader.bytes(at, 4)?;
            at += 4;
        }
        let size = head.try_into().map_or(-1, i32::from_le_bytes);
        let size = number(size.into(), "the length of a message")?;
        if size == 0 {
            is_ended = true;
            if schema.is_some() && has_more(reader, at, reader.length)? {
                return Err(TOGETHER.to_owned());
            }
            break;
        }
        let mut bytes = reader.bytes(at, size)?;
        if schema.is_none() {
            let message = root_as_message(&bytes).map_err(|error| error.to_string())?;
            let found = message.header_as_schema();
            let found = found.map_or_else(Wide::default, |schema| Wide::of(&schema));
            found.apply(&mut bytes, 0);
            wide = found.from(at);
        }
        at += size;
        let message = root_as_message(&bytes).map_err(|error| error.to_string())?;
        let body = number(message.bodyLength(), "the length of a body")?;
        let place = Place {
            start: at,
            length: body,
        };
        let end = at.checked_add(body).filter(|end| *end <= reader.length);
        at = end.ok_or("a message is longer than the file")?;
        match (&schema, message.header_as_schema()) {
            (None, Some(found)) => schema = Some(fb_to_schema(found)),
            (None, None) => return Err("it is no Arrow file".to_owned()),
            (Some(schema), _) => {
                let batch = match message.header_type() {
                    MessageHeader::RecordBatch => true,
                    MessageHeader::DictionaryBatch => false,
                    MessageHeader::Schema => return Err(TOGETHER.to_owned()),
                    _ => return Err("a message is neither rows nor a dictionary".to_owned()),
                };
                in_message(reader, &message, &place, batch.then(|| schema.fields()))?;
            }
        }
    }
    let sound = schema.map(|_| (wide, is_ended));
    sound.ok_or_else(|| "it is empty".to_owned())
}

/// Where the body of a message is.
struct Place {
    start: u64,
    length: u64,
}

fn in_message(
    reader: &mut Bounded<'_>,
    message: &Message<'_>,
    place: &Place,
    fields: Option<&Fields>,
) -> Checked<()> {
    reader.part(place.start, place.length, |_| Ok(()))?;
    if let Some(batch) = message.header_as_record_batch() {
        return in_batch(reader, &batch, place, fields);
    }
    match message.header_as_dictionary_batch().map(|one| one.data()) {
        Some(Some(batch)) => in_batch(reader, &batch, place, None),
        Some(None) => Err("a dictionary has no values".to_owned()),
        None => Err("a message has nothing in it".to_owned()),
    }
}

fn in_batch(
    reader: &mut Bounded<'_>,
    batch: &RecordBatch<'_>,
    place: &Place,
    fields: Option<&Fields>,
) -> Checked<()> {
    number(batch.length(), "the number of rows")?;
    let mut lengths = Vec::new();
    for node in batch.nodes().iter().flatten() {
        let (length, nulls) = (node.length(), node.null_count());
        if length < 0 || !(0..=length).contains(&nulls) {
            return Err(format!(
                "a column has {length} values, {nulls} of them null"
            ));
        }
        lengths.push(length);
    }
    if let Some(fields) = fields {
        let mut at = 0;
        for field in fields {
            let length = lengths.get(at).copied().unwrap_or(-1);
            if length != batch.length() {
                return Err(format!(
                    "column {} has {length} values for {} rows",
                    field.name(),
                    batch.length()
                ));
            }
            at += nodes(field.data_type());
        }
    }
    let compression = batch.compression().map(|compression| compression.codec());
    let mut buffers: i64 = 0;
    for buffer in batch.buffers().iter().flatten() {
        let start = number(buffer.offset(), "the place of a buffer")?;
        let length = number(buffer.length(), "the length of a buffer")?;
        if start
            .checked_add(length)
            .is_none_or(|end| end > place.length)
        {
            return Err("a buffer is longer than its batch".to_owned());
        }
        if let Some(codec) = compression
            && length > 0
        {
            packed(reader, place.start + start, length, codec)?;
        }
        buffers += 1;
    }
    let mut views: i64 = 0;
    for count in batch.variadicBufferCounts().iter().flatten() {
        views = views.saturating_add(number(count, "the number of buffers").map(|_| count)?);
    }
    if views > buffers {
        return Err(format!("it has {buffers} buffers, and names {views}"));
    }
    Ok(())
}

/// How many nodes a column of this type has.
fn nodes(data: &DataType) -> usize {
    1 + match data {
        DataType::List(inner)
        | DataType::LargeList(inner)
        | DataType::ListView(inner)
        | DataType::LargeListView(inner)
        | DataType::FixedSizeList(inner, _)
        | DataType::Map(inner, _) => nodes(inner.data_type()),
        DataType::Struct(fields) => fields.iter().map(|one| nodes(one.data_type())).sum(),
        DataType::Union(fields, _) => fields.iter().map(|(_, one)| nodes(one.data_type())).sum(),
        DataType::RunEndEncoded(ends, values) => {
            nodes(ends.data_type()) + nodes(values.data_type())
        }
        _ => 0,
    }
}

/// The length of a compressed buffer without its compression is what stands before it.
fn packed(
    reader: &mut Bounded<'_>,
    start: u64,
    length: u64,
    codec: CompressionType,
) -> Checked<()> {
    let head = reader.bytes(start, length.min(8))?;
    let Ok(said) = head.try_into().map(i64::from_le_bytes) else {
        return Err("a compressed buffer has no length".to_owned());
    };
    if said == -1 {
        return Ok(());
    }
    let said = number(said, "the length of a compressed buffer")?;
    let length = length - 8;
    if said <= LARGE || said <= length.saturating_mul(TIMES) {
        return Ok(());
    }
    let found = reader.part(start + 8, length, |packed| {
        let most = said.saturating_add(1);
        match codec {
            CompressionType::LZ4_FRAME => count(lz4_flex::frame::FrameDecoder::new(packed), most),
            CompressionType::ZSTD => count(zstd::stream::read::Decoder::new(packed)?, most),
            _ => Ok(0),
        }
    });
    match found {
        Ok(found) if found == said => Ok(()),
        _ => Err(format!(
            "a compressed buffer of {length} bytes is not of {said} bytes"
        )),
    }
}

fn count(reader: impl Read, most: u64) -> io::Result<u64> {
    io::copy(&mut reader.take(most), &mut io::sink())
}
