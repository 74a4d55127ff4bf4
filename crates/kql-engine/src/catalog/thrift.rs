//! Thrift's compact protocol, as far as the headers of Parquet pages need it: the whole numbers.

use std::collections::BTreeMap;
use std::io::{self, Read};

/// Headers nest three deep; a damaged one may claim more.
const DEPTH: usize = 16;

/// The whole numbers of a structure, by the fields that lead to them; of fields in the structure
/// itself, the first is 0.
pub(super) type Numbers = BTreeMap<(i16, i16), i64>;

/// Reads one structure.
pub(super) fn numbers(reader: &mut impl Read) -> io::Result<Numbers> {
    let mut found = Numbers::new();
    structure(reader, 0, 0, &mut found)?;
    Ok(found)
}

/// How deep the columns of a file nest, by the footer that `reader` gives.
pub(super) fn nesting(reader: &mut impl Read) -> io::Result<usize> {
    let mut id: i16 = 0;
    loop {
        let head = byte(reader)?;
        if head == 0 {
            return Ok(0);
        }
        id = next_id(reader, head, id)?;
        if id != SCHEMA {
            value(reader, head & 0x0f, 0)?;
            continue;
        }
        let (length, _) = list(reader)?;
        let (mut open, mut deepest): (Vec<i64>, usize) = (Vec::new(), 0);
        for _ in 0..length {
            let children = numbers(reader)?.get(&CHILDREN).copied().unwrap_or(0);
            if let Some(left) = open.last_mut() {
                *left -= 1;
            }
            open.push(children);
            deepest = deepest.max(open.len());
            while open.last().is_some_and(|left| *left <= 0) {
                open.pop();
            }
        }
        return Ok(deepest);
    }
}

/// Where a footer has its columns, and a column the number of those below it.
const SCHEMA: i16 = 2;
const CHILDREN: (i16, i16) = (0, 5);

fn next_id(reader: &mut impl Read, head: u8, before: i16) -> io::Result<i16> {
    match i16::from(head >> 4) {
        0 => i16::try_from(signed(reader)?).map_err(|_| broken()),
        delta => before.checked_add(delta).ok_or_else(broken),
    }
}

/// The length of a list, and the kind of what is in it.
fn list(reader: &mut impl Read) -> io::Result<(u64, u8)> {
    let head = byte(reader)?;
    let length = match head >> 4 {
        15 => unsigned(reader)?,
        short => u64::from(short),
    };
    Ok((length, head & 0x0f))
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a header makes no sense")
}

fn byte(reader: &mut impl Read) -> io::Result<u8> {
    let mut one = [0];
    reader.read_exact(&mut one)?;
    Ok(one[0])
}

fn unsigned(reader: &mut impl Read) -> io::Result<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let one = byte(reader)?;
        value |= u64::from(one & 0x7f) << shift;
        if one & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(broken())
}

/// Zigzag: the sign is in the lowest bit.
fn signed(reader: &mut impl Read) -> io::Result<i64> {
    let value = unsigned(reader)?;
    Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
}

fn skip(reader: &mut impl Read, count: u64) -> io::Result<()> {
    let skipped = io::copy(&mut reader.by_ref().take(count), &mut io::sink())?;
    if skipped < count {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

fn structure(
    reader: &mut impl Read,
    parent: i16,
    depth: usize,
    found: &mut Numbers,
) -> io::Result<()> {
    if depth > DEPTH {
        return Err(broken());
    }
    let mut id: i16 = 0;
    loop {
        let head = byte(reader)?;
        if head == 0 {
            return Ok(());
        }
        id = next_id(reader, head, id)?;
        match head & 0x0f {
            // Booleans have their value in the type.
            1 => drop(found.insert((parent, id), 1)),
            2 => drop(found.insert((parent, id), 0)),
            4..=6 => drop(found.insert((parent, id), signed(reader)?)),
            12 if depth == 0 => structure(reader, id, depth + 1, found)?,
            kind => value(reader, kind, depth)?,
        }
    }
}

/// Passes over a value.
fn value(reader: &mut impl Read, kind: u8, depth: usize) -> io::Result<()> {
    if depth > DEPTH {
        return Err(broken());
    }
    match kind {
        1..=3 => byte(reader).map(drop),
        4..=6 => unsigned(reader).map(drop),
        7 => skip(reader, 8),
        8 => {
            let length = unsigned(reader)?;
            skip(reader, length)
        }
        9 | 10 => {
            let (length, kind) = list(reader)?;
            for _ in 0..length {
                value(reader, kind, depth + 1)?;
            }
            Ok(())
        }
        11 => {
            let length = unsigned(reader)?;
            let kinds = if length == 0 { 0 } else { byte(reader)? };
            for _ in 0..length {
                value(reader, kinds >> 4, depth + 1)?;
                value(reader, kinds & 0x0f, depth + 1)?;
            }
            Ok(())
        }
        12 => structure(reader, 0, depth + 1, &mut Numbers::new()),
        _ => Err(broken()),
    }
}

#[cfg(test)]
mod tests {
    use super::{nesting, numbers};

    #[test]
    fn the_columns_of_a_footer_nest() {
        // version 2; a root of two columns, of which the second has one below it.
        let footer = [
            0x15, 0x04, 0x19, 0x4c, 0x55, 0x04, 0x00, 0x00, 0x55, 0x02, 0x00, 0x00, 0x00,
        ];
        assert_eq!(nesting(&mut &footer[..]).unwrap(), 3);
        assert!(nesting(&mut &footer[..6]).is_err());
    }

    #[test]
    fn the_numbers_of_a_page_header() {
        // type 0, sizes 100 and 50, and a data page header of 7 values with encoding 8.
        let bytes = [
            0x15, 0x00, 0x15, 0xc8, 0x01, 0x15, 0x64, 0x2c, 0x15, 0x0e, 0x15, 0x10, 0x00, 0x00,
        ];
        let found = numbers(&mut &bytes[..]).unwrap();
        assert_eq!(found.get(&(0, 2)), Some(&100));
        assert_eq!(found.get(&(0, 3)), Some(&50));
        assert_eq!(found.get(&(5, 1)), Some(&7));
        assert_eq!(found.get(&(5, 2)), Some(&8));
        assert!(numbers(&mut &bytes[..9]).is_err());
        // A list of lists of lists …
        let deep: Vec<u8> = std::iter::once(0x19).chain([0x19; 64]).collect();
        assert!(numbers(&mut &deep[..]).is_err());
        let endless = [
            0x15, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        ];
        assert!(numbers(&mut &endless[..]).is_err());
    }
}
