//! A file as text: without its compression, as UTF-8.
//!
//! What a file holds tells more than its name: browsers and tools unpack what they fetch and keep
//! the `.gz`, or send it packed without. Spreadsheets and old shells of Windows write UTF-16.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use super::files::{Failure, Format, Source};
use crate::EngineError;
use crate::text::separated::without_marks;

/// How much is read at once.
const BUFFER: usize = 1 << 16;

/// A file open for reading its text.
pub(super) struct Opened {
    pub(super) reader: Box<dyn BufRead + Send>,
    pub(super) failure: Failure,
}

impl Source {
    /// The text of the file.
    pub(super) fn bytes(&self) -> Result<Opened, EngineError> {
        let mut failure = self.failure();
        let mut file = BufReader::with_capacity(BUFFER, self.file()?);
        let head = file.fill_buf().map_err(|error| failure.whole(&error))?;
        let mut reader: Box<dyn BufRead + Send> = match head {
            [0x1f, 0x8b, ..] => {
                failure.packed = true;
                Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(file)))
            }
            [0x28, 0xb5, 0x2f, 0xfd, ..] => {
                failure.packed = true;
                let decoder = zstd::stream::read::Decoder::with_buffer(file)
                    .map_err(|error| failure.whole(&error))?;
                Box::new(BufReader::with_capacity(BUFFER, decoder))
            }
            [] if self.is_packed_by_name() => {
                return Err(failure.whole(&"it is empty, where compressed data is expected"));
            }
            _ if self.is_packed_by_name() && !is_text(head) => {
                return Err(failure.whole(&"it is neither gzip nor Zstandard, and no text"));
            }
            _ => Box::new(file),
        };
        let head = reader.fill_buf().map_err(|error| failure.read(1, &error))?;
        if let Some(what) = another_format(head) {
            return Err(failure.whole(&what));
        }
        let big = match head {
            [0xff, 0xfe, ..] => Some(false),
            [0xfe, 0xff, ..] => Some(true),
            _ => None,
        };
        if let Some(big) = big {
            reader = Box::new(BufReader::with_capacity(BUFFER, Utf16::new(reader, big)));
        }
        Ok(Opened { reader, failure })
    }
}

impl Source {
    /// The format of what the file begins with.
    pub(super) fn sniff(&self) -> Result<Format, EngineError> {
        let mut head = Vec::new();
        let failure = self.failure();
        self.file()?
            .take(8)
            .read_to_end(&mut head)
            .map_err(|error| failure.whole(&error))?;
        Ok(match head[..] {
            [b'P', b'A', b'R', b'1', ..] => Format::Parquet,
            [b'A', b'R', b'R', b'O', b'W', b'1', ..] | [0xff, 0xff, 0xff, 0xff, ..] => {
                Format::Arrow
            }
            _ => {
                let mut opened = self.bytes()?;
                let head = opened.reader.fill_buf();
                let head = head.map_err(|error| opened.failure.read(1, &error))?;
                match without_marks(head).trim_ascii_start().first() {
                    Some(b'{' | b'[') => Format::Json,
                    _ => Format::Separated(b','),
                }
            }
        })
    }
}

/// Whether bytes may be the beginning of a text.
fn is_text(head: &[u8]) -> bool {
    matches!(
        head,
        [0xef, 0xbb, 0xbf, ..] | [0xff, 0xfe, ..] | [0xfe, 0xff, ..]
    ) || head
        .iter()
        .take(16)
        .all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n'))
}

/// What a file is whose name says that it is text.
fn another_format(head: &[u8]) -> Option<&'static str> {
    match head {
        [b'P', b'A', b'R', b'1', ..=0x1f, ..] => Some("it is Parquet; call it .parquet"),
        [b'A', b'R', b'R', b'O', b'W', b'1', 0, ..] => Some("it is Arrow IPC; call it .arrow"),
        [b'P', b'K', 3, 4, ..] => {
            Some("it is a ZIP archive or a workbook; unpack it, or save it as CSV")
        }
        [a, 0, b, 0, ..] | [0, a, 0, b, ..] if *a != 0 && *b != 0 => {
            Some("it is UTF-16 without a byte order mark; save it as UTF-8")
        }
        _ => None,
    }
}

/// UTF-16 as UTF-8.
struct Utf16<R> {
    reader: R,
    big: bool,
    /// The first byte of a unit.
    half: Option<u8>,
    /// The first unit of a pair.
    high: Option<u16>,
    text: String,
    /// How much of the text is taken.
    taken: usize,
}

impl<R: BufRead> Utf16<R> {
    fn new(reader: R, big: bool) -> Self {
        Self {
            reader,
            big,
            half: None,
            high: None,
            text: String::new(),
            taken: 0,
        }
    }

    /// Decodes what there is; false at the end.
    fn decode(&mut self) -> io::Result<bool> {
        let broken = || io::Error::new(io::ErrorKind::InvalidData, "the text is not UTF-16");
        self.text.clear();
        self.taken = 0;
        let chunk = self.reader.fill_buf()?;
        if chunk.is_empty() {
            return if self.half.is_none() && self.high.is_none() {
                Ok(false)
            } else {
                Err(broken())
            };
        }
        for byte in chunk {
            let Some(first) = self.half.take() else {
                self.half = Some(*byte);
                continue;
            };
            let pair = [first, *byte];
            let unit = if self.big {
                u16::from_be_bytes(pair)
            } else {
                u16::from_le_bytes(pair)
            };
            let units = match self.high.take() {
                None if matches!(unit, 0xd800..=0xdbff) => {
                    self.high = Some(unit);
                    continue;
                }
                None => vec![unit],
                Some(high) => vec![high, unit],
            };
            for one in char::decode_utf16(units) {
                self.text.push(one.map_err(|_| broken())?);
            }
        }
        let length = chunk.len();
        self.reader.consume(length);
        Ok(true)
    }
}

impl<R: BufRead> Read for Utf16<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.text.len() {
            if !self.decode()? {
                return Ok(0);
            }
        }
        let rest = &self.text.as_bytes()[self.taken..];
        let length = rest.len().min(into.len());
        into[..length].copy_from_slice(&rest[..length]);
        self.taken += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use super::Utf16;

    fn decoded(bytes: &[u8], big: bool) -> Option<String> {
        // A buffer of one byte cuts everything in two.
        let mut text = String::new();
        Utf16::new(BufReader::with_capacity(1, bytes), big)
            .read_to_string(&mut text)
            .ok()?;
        Some(text)
    }

    #[test]
    fn units_are_put_together() {
        let text = "a\u{fc}\u{20ac}\u{1f600}\r\n";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decoded(&little, false).as_deref(), Some(text));
        assert_eq!(decoded(&big, true).as_deref(), Some(text));
        assert_eq!(decoded(&little[..little.len() - 1], false), None);
        let lone = [0x3d, 0xd8, 0x41, 0x00];
        assert_eq!(decoded(&lone, false), None);
        assert_eq!(decoded(&lone[..2], false), None);
    }
}
