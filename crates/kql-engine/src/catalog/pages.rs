//! What a Parquet file says about itself, held against the file before a reader trusts it.
//!
//! The reader allocates what sizes and counts say. A damaged one would end the process, as nothing
//! catches an allocation that fails.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use parquet::basic::{Compression, Encoding, Type};
use parquet::column::page::Page;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;

use super::thrift;

/// The most bytes of a page without its compression. Writers make pages of one MiB.
const PAGE: i64 = 1 << 30;

/// The most bytes of one value in a column of values of equal length.
const VALUE: i32 = 1 << 20;

/// Kinds of pages.
///
/// Source: <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>
const DATA: i64 = 0;
const DICTIONARY: i64 = 2;
const DATA_2: i64 = 3;

/// Encodings whose counts stand inside the page, in Thrift's numbers.
const DELTAS: [i64; 2] = [6, 7];

type Checked<T> = Result<T, String>;

fn number(value: i64, what: &str) -> Checked<u64> {
    u64::try_from(value).map_err(|_| format!("{what} is {value}"))
}

/// Columns of files nest a few deep; a reader that calls itself for each has a stack to lose.
const DEPTH: usize = 100;

/// What a file begins and ends with.
const MAGIC: &[u8; 4] = b"PAR1";

/// Looks at how deep the columns of a file nest, before its footer is read, and where that begins.
pub(super) fn check_nesting(file: &File, length: u64) -> Checked<u64> {
    let failed = |error: std::io::Error| format!("its footer cannot be read: {error}");
    let end = length.checked_sub(8);
    let end = end.ok_or("it is no Parquet file, or its end is cut off")?;
    let mut reader = BufReader::new(file);
    let mut head = [0; 4];
    reader.read_exact(&mut head).map_err(failed)?;
    reader.seek(SeekFrom::Start(end)).map_err(failed)?;
    let mut tail = [0; 8];
    reader.read_exact(&mut tail).map_err(failed)?;
    let [a, b, c, d, magic @ ..] = tail;
    if magic == *b"PARE" {
        return Err("it is encrypted".to_owned());
    }
    if magic != *MAGIC {
        return Err("it is no Parquet file, or its end is cut off".to_owned());
    }
    if head != *MAGIC {
        return Err(
            "it does not begin as a Parquet file does: something stands before it".to_owned(),
        );
    }
    let size = u64::from(u32::from_le_bytes([a, b, c, d]));
    let start = end
        .checked_sub(size)
        .ok_or("its footer is longer than the file")?;
    reader.seek(SeekFrom::Start(start)).map_err(failed)?;
    let depth = thrift::nesting(&mut reader.take(size)).map_err(failed)?;
    if depth > DEPTH {
        return Err(format!("its columns nest {depth} deep"));
    }
    Ok(start)
}

/// Holds the footer, which begins at `footer`, against what is before it.
pub(super) fn check(file: &File, metadata: &ParquetMetaData, footer: u64) -> Checked<()> {
    let mut all: i64 = 0;
    for (at, group) in metadata.row_groups().iter().enumerate() {
        check_group(group, footer).map_err(|what| format!("in row group {at}, {what}"))?;
        all = all.saturating_add(group.num_rows());
    }
    let rows = metadata.file_metadata().num_rows();
    if rows != all {
        return Err(format!(
            "the file is to have {rows} rows, and its row groups have {all}"
        ));
    }
    alone(file, metadata, footer)
}

/// Fails where the footer is that of the last of several files put one behind the other: the rows
/// of the others are in none of its row groups, and its own are elsewhere than it says.
///
/// Bytes that no footer tells of are sound by themselves: alignment, filters without a length, what
/// a writer has for itself, an old footer before what was appended. Of files put together there are
/// exactly as many as the files before the last one have, so that another file begins where so
/// many bytes end, or before that.
fn alone(file: &File, metadata: &ParquetMetaData, footer: u64) -> Checked<()> {
    let begin = MAGIC.len() as u64;
    let mut places = explained(metadata);
    places.sort_unstable_by_key(|place| place.start);
    let (mut at, mut unexplained) = (begin, 0);
    for place in places {
        unexplained += place.start.min(footer).saturating_sub(at);
        at = at.max(place.end);
    }
    unexplained += footer.saturating_sub(at);
    if unexplained == 0 {
        return Ok(());
    }
    let failed = |error: std::io::Error| format!("it cannot be read: {error}");
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let seam = [*MAGIC, *MAGIC].concat();
    reader.seek(SeekFrom::Start(begin)).map_err(failed)?;
    let mut left = unexplained;
    let mut window: Vec<u8> = Vec::new();
    let several = loop {
        window.drain(..window.len().saturating_sub(seam.len() - 1));
        let part = (&mut reader)
            .take(left.min(1 << 16))
            .read_to_end(&mut window);
        let count = part.map_err(failed)?;
        left -= count as u64;
        if window.windows(seam.len()).any(|bytes| bytes == seam) {
            break true;
        }
        if count == 0 || left == 0 {
            // The end of the file before may be cut off.
            break window.ends_with(MAGIC);
        }
    };
    if several {
        return Err("it is several Parquet files put together; split them".to_owned());
    }
    Ok(())
}

/// Where the footer says that something is: pages, indexes of them, Bloom filters.
///
/// Source: <https://github.com/apache/parquet-format#file-format>
fn explained(metadata: &ParquetMetaData) -> Vec<Range<u64>> {
    let mut places = Vec::new();
    let groups = metadata.row_groups().iter();
    for column in groups.flat_map(RowGroupMetaData::columns) {
        let pages = [
            Some(column.data_page_offset()),
            column.dictionary_page_offset(),
        ];
        let start = pages.into_iter().flatten().filter(|start| *start > 0).min();
        let known = [
            (start, Some(column.compressed_size())),
            (
                column.column_index_offset(),
                column.column_index_length().map(i64::from),
            ),
            (
                column.offset_index_offset(),
                column.offset_index_length().map(i64::from),
            ),
            (
                column.bloom_filter_offset(),
                column.bloom_filter_length().map(i64::from),
            ),
        ];
        places.extend(known.into_iter().filter_map(|(start, length)| {
            let (start, length) = (u64::try_from(start?).ok()?, u64::try_from(length?).ok()?);
            Some(start..start.saturating_add(length))
        }));
    }
    places
}

fn check_group(group: &RowGroupMetaData, length: u64) -> Checked<()> {
    let rows = group.num_rows();
    number(rows, "the number of rows")?;
    for column in group.columns() {
        let name = || column.column_descr().name().to_owned();
        extent(column, length).map_err(|what| format!("column {}: {what}", name()))?;
        let values = column.num_values();
        // Lists have as many values as they have, and at least one a row.
        let fits = if column.column_descr().max_rep_level() == 0 {
            values == rows
        } else {
            values >= rows
        };
        if !fits {
            let name = name();
            return Err(format!("column {name} has {values} values for {rows} rows"));
        }
        let width = column.column_descr().type_length();
        if column.column_type() == Type::FIXED_LEN_BYTE_ARRAY && !(0..=VALUE).contains(&width) {
            return Err(format!("a value of column {} has {width} bytes", name()));
        }
    }
    Ok(())
}

/// Where in the file a column's pages are.
fn extent(column: &ColumnChunkMetaData, length: u64) -> Checked<Range<u64>> {
    let start = column
        .dictionary_page_offset()
        .unwrap_or_else(|| column.data_page_offset());
    let start = number(start, "its place")?;
    let size = number(column.compressed_size(), "its size")?;
    match start.checked_add(size) {
        Some(end) if end <= length => Ok(start..end),
        _ => Err(format!(
            "its {size} bytes from {start} on are not all in the file"
        )),
    }
}

/// Holds the pages of `leaves` in some row groups against what is known of them.
pub(super) fn check_pages(
    file: &Arc<File>,
    metadata: &ParquetMetaData,
    groups: &[usize],
    leaves: impl Fn(usize) -> bool,
) -> Checked<()> {
    let length = file.metadata().map_or(0, |one| one.len());
    for at in groups {
        let group = metadata.row_group(*at);
        for column in (0..group.num_columns()).filter(|leaf| leaves(*leaf)) {
            let column = group.column(column);
            let within = |what| {
                let name = column.column_descr().name();
                format!("in row group {at}, column {name}, {what}")
            };
            let deltas = headers(file, column, length).map_err(within)?;
            if deltas {
                let rows = usize::try_from(group.num_rows()).unwrap_or(usize::MAX);
                counts(file, column, rows).map_err(within)?;
            }
        }
    }
    Ok(())
}

/// Checks the headers of a column's pages; whether some count inside their data.
fn headers(file: &File, column: &ColumnChunkMetaData, length: u64) -> Checked<bool> {
    let place = extent(column, length)?;
    let mut reader = BufReader::with_capacity(512, file);
    let failed = |error: std::io::Error| format!("a page cannot be read: {error}");
    reader.seek(SeekFrom::Start(place.start)).map_err(failed)?;
    let mut left = column.num_values();
    let mut at = place.start;
    let mut deltas = false;
    while left > 0 && at < place.end {
        let mut head = (&mut reader).take(place.end - at);
        let numbers = thrift::numbers(&mut head).map_err(failed)?;
        at = place.end - head.limit();
        let get = |field: (i16, i16)| numbers.get(&field).copied();
        let compressed = get((0, 3)).unwrap_or(-1);
        let size = get((0, 2)).unwrap_or(-1);
        let fits = u64::try_from(compressed).is_ok_and(|one| one <= place.end - at);
        let plain = column.compression() == Compression::UNCOMPRESSED;
        if !fits || !(0..=PAGE).contains(&size) || (plain && size != compressed) {
            return Err(format!(
                "a page of {size} bytes ({compressed} compressed) cannot be"
            ));
        }
        match get((0, 1)) {
            Some(DICTIONARY) => dictionary(column, get((7, 1)).unwrap_or(-1), size)?,
            Some(kind @ (DATA | DATA_2)) => {
                let header = if kind == DATA { 5 } else { 8 };
                let values = get((header, 1)).unwrap_or(-1);
                if !(0..=left).contains(&values) {
                    return Err(format!("a page has {values} values, and {left} are left"));
                }
                left -= values;
                let encoding = get((header, if kind == DATA { 2 } else { 4 }));
                deltas |= encoding.is_some_and(|one| DELTAS.contains(&one));
            }
            _ => {}
        }
        reader.seek_relative(compressed).map_err(failed)?;
        at += compressed.unsigned_abs();
    }
    Ok(deltas)
}

/// A dictionary is held whole, at its number of values.
fn dictionary(column: &ColumnChunkMetaData, values: i64, size: i64) -> Checked<()> {
    let width = match column.column_type() {
        Type::BOOLEAN => 1,
        Type::INT32 | Type::FLOAT | Type::BYTE_ARRAY => 4,
        Type::INT64 | Type::DOUBLE => 8,
        Type::INT96 => 12,
        Type::FIXED_LEN_BYTE_ARRAY => i64::from(column.column_descr().type_length()).max(1),
    };
    if values < 0 || values.saturating_mul(width) > size {
        return Err(format!("a dictionary of {values} values has {size} bytes"));
    }
    Ok(())
}

/// Checks the counts of values inside pages of differences.
fn counts(file: &Arc<File>, column: &ColumnChunkMetaData, rows: usize) -> Checked<()> {
    let failed = |error: parquet::errors::ParquetError| format!("a page cannot be read: {error}");
    let pages = SerializedPageReader::new(Arc::clone(file), column, rows, None).map_err(failed)?;
    let descriptor = column.column_descr();
    for page in pages {
        let page = page.map_err(failed)?;
        let values = i64::from(page.num_values());
        let (begin, encoding) = match &page {
            Page::DictionaryPage { .. } => continue,
            Page::DataPage { buf, encoding, .. } => {
                let mut begin = 0;
                for level in [descriptor.max_rep_level(), descriptor.max_def_level()] {
                    if level > 0 {
                        let size = buf
                            .get(begin..begin + 4)
                            .and_then(|one| one.try_into().ok());
                        let size = size.map_or(usize::MAX, |one| u32::from_le_bytes(one) as usize);
                        begin = begin.saturating_add(4).saturating_add(size);
                    }
                }
                (begin, *encoding)
            }
            Page::DataPageV2 {
                def_levels_byte_len,
                rep_levels_byte_len,
                encoding,
                ..
            } => {
                let size = u64::from(*def_levels_byte_len) + u64::from(*rep_levels_byte_len);
                (usize::try_from(size).unwrap_or(usize::MAX), *encoding)
            }
        };
        let data = page.buffer().get(begin..).unwrap_or_default();
        let read = match encoding {
            Encoding::DELTA_LENGTH_BYTE_ARRAY => differences(data, values).map(drop),
            Encoding::DELTA_BYTE_ARRAY => differences(data, values)
                .and_then(|end| differences(data.get(end..)?, values))
                .map(drop),
            _ => continue,
        };
        if read.is_none() {
            return Err("a page counts more values than it has".to_owned());
        }
    }
    Ok(())
}

/// Where a run of at most `most` packed differences ends; `None` when it has more, or makes no
/// sense.
fn differences(data: &[u8], most: i64) -> Option<usize> {
    let mut rest = data;
    let mut unsigned = || -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (first, after) = rest.split_first()?;
            rest = after;
            value |= u64::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    };
    let (block, parts, count) = (unsigned()?, unsigned()?, unsigned()?);
    unsigned()?;
    if i64::try_from(count).ok()? > most || parts == 0 || parts > block {
        return None;
    }
    let each = block / parts;
    let mut left = count.saturating_sub(1);
    let mut at = data.len() - rest.len();
    while left > 0 {
        while data.get(at)? & 0x80 != 0 {
            at += 1;
        }
        at += 1;
        let parts = usize::try_from(parts).ok()?;
        let widths = data.get(at..at.checked_add(parts)?)?;
        at += parts;
        for width in widths {
            if left == 0 {
                break;
            }
            let bytes = u64::from(*width).checked_mul(each)? / 8;
            at = at.checked_add(usize::try_from(bytes).ok()?)?;
            left = left.saturating_sub(each);
        }
    }
    (at <= data.len()).then_some(at)
}
