//! Whole numbers of 128 bits in Arrow files, which the reader does not know.
//!
//! Its schema is read as if they were the 16 bytes that they are kept as; what those mean is known
//! here. So the other columns can be read, and these as well.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use arrow::ipc::{Field, FixedSizeBinary, Int, Schema, Type};

use super::meant::{Meaning, Meanings};

/// The bits of such a number, and its bytes.
const BITS: i32 = 128;
const BYTES: i32 = 16;

/// What a schema is read as.
#[derive(Debug, Clone, Default)]
pub(super) struct Wide {
    /// Bytes that stand for others, by their place.
    over: Vec<(u64, u8)>,
    /// The columns of such numbers.
    pub(super) meanings: Meanings,
    /// A column with such numbers inside of other values, which are read as their bytes.
    pub(super) inside: Option<String>,
}

impl Wide {
    /// Such columns of a schema; places count from the beginning of its buffer.
    pub(super) fn of(schema: &Schema<'_>) -> Self {
        let mut wide = Self::default();
        for field in schema.fields().iter().flatten() {
            let name = field.name().unwrap_or_default();
            if let Some(number) = number(&field).filter(|_| field.dictionary().is_none()) {
                let signed = number.is_signed();
                let meaning = Meaning::Wide { signed };
                wide.meanings.insert(name.to_owned(), meaning);
                wide.write_over(&field, number);
            } else if wide.descend(&field) {
                wide.inside.get_or_insert_with(|| name.to_owned());
            }
        }
        wide.over.sort_unstable();
        wide.over.dedup();
        wide
    }

    /// Writes over the numbers in a field and below; whether there are any.
    fn descend(&mut self, field: &Field<'_>) -> bool {
        let number = number(field);
        if let Some(number) = number {
            self.write_over(field, number);
        }
        let mut any = number.is_some();
        for child in field.children().iter().flatten() {
            any |= self.descend(&child);
        }
        any
    }

    /// Makes a field one of bytes: the type, and what stands where the bits of a number do.
    fn write_over(&mut self, field: &Field<'_>, number: Int<'_>) {
        let place = |table: usize, inside: u16| (table + usize::from(inside)) as u64;
        let (field, number) = (field._tab, number._tab);
        let of_type = place(field.loc(), field.vtable().get(Field::VT_TYPE_TYPE));
        let of_bits = place(number.loc(), number.vtable().get(Int::VT_BITWIDTH));
        self.over.push((of_type, Type::FixedSizeBinary.0));
        let length = BYTES.to_le_bytes().into_iter();
        self.over.extend((of_bits..).zip(length));
    }

    /// The same in a file whose schema begins at `start`.
    pub(super) fn from(mut self, start: u64) -> Self {
        for (at, _) in &mut self.over {
            *at += start;
        }
        self
    }

    /// Bytes that begin at `start` as they are to be read.
    pub(super) fn apply(&self, bytes: &mut [u8], start: u64) {
        let first = self.over.partition_point(|(at, _)| *at < start);
        for (at, byte) in &self.over[first..] {
            let inside = usize::try_from(at - start).ok();
            match inside.and_then(|at| bytes.get_mut(at)) {
                Some(place) => *place = *byte,
                None => break,
            }
        }
    }
}

// Both types keep a number of 32 bits first, so that one can stand for the other.
const _: () = assert!(Int::VT_BITWIDTH == FixedSizeBinary::VT_BYTEWIDTH);

/// The type of a field of such numbers.
fn number<'a>(field: &Field<'a>) -> Option<Int<'a>> {
    field.type_as_int().filter(|int| int.bitWidth() == BITS)
}

/// A file that is read as its schema is to be.
#[derive(Debug)]
pub(super) struct Overlaid<R> {
    inner: R,
    wide: Arc<Wide>,
    at: u64,
}

impl<R> Overlaid<R> {
    /// A file that is read from its beginning.
    pub(super) fn new(inner: R, wide: Arc<Wide>) -> Self {
        Self { inner, wide, at: 0 }
    }
}

impl<R: Read> Read for Overlaid<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(into)?;
        self.wide.apply(&mut into[..length], self.at);
        self.at += length as u64;
        Ok(length)
    }
}

impl<R: Seek> Seek for Overlaid<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = self.inner.seek(to)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read, Seek, SeekFrom};
    use std::sync::Arc;

    use super::{Overlaid, Wide};

    #[test]
    fn bytes_stand_for_others_wherever_reading_begins() {
        let wide = Wide {
            over: vec![(2, b'X'), (3, b'Y'), (6, b'Z')],
            ..Wide::default()
        };
        let wide = Arc::new(wide.from(1));
        for start in 0..9 {
            let mut reader = Overlaid::new(Cursor::new(b"abcdefghi"), Arc::clone(&wide));
            reader.seek(SeekFrom::Start(start)).unwrap();
            let mut found = Vec::new();
            let mut piece = [0; 2];
            while let Ok(length @ 1..) = reader.read(&mut piece) {
                found.extend_from_slice(&piece[..length]);
            }
            let start = usize::try_from(start).unwrap();
            assert_eq!(found, b"abcXYfgZi"[start..]);
        }
    }
}
