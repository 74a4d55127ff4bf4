//! A file as text: without its compression, as UTF-8.
//!
//! What a file holds tells more than its name: browsers and tools unpack what they fetch and keep
//! the `.gz`, or send it packed without. Spreadsheets and old shells of Windows write UTF-16.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;

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
                Box::new(BufReader::with_capacity(BUFFER, Members::new(file)))
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
            _ if self.is_packed_by_name() && another_format(head).is_none() && !is_text(head) => {
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
    /// Fails for a file of columns that is one of another kind, by its first bytes.
    pub(super) fn check_kind(&self) -> Result<(), EngineError> {
        let mut head = Vec::new();
        let failure = self.failure();
        let file = self.file()?.take(64);
        let read = { file }.read_to_end(&mut head);
        read.map_err(|error| failure.whole(&error))?;
        match no_table(&head) {
            Some(what) => Err(failure.whole(&what)),
            None => Ok(()),
        }
    }

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

/// What a file is whose name says that it is text, by its first bytes.
fn another_format(head: &[u8]) -> Option<&'static str> {
    match head {
        [b'P', b'A', b'R', b'1', ..=0x1f, ..] => Some("it is Parquet; call it .parquet"),
        [b'A', b'R', b'R', b'O', b'W', b'1', 0, ..] => Some("it is Arrow IPC; call it .arrow"),
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some(UTF_32),
        [a, 0, 0, 0, b, 0, 0, 0, ..] | [0, 0, 0, a, 0, 0, 0, b, ..] if *a != 0 && *b != 0 => {
            Some(UTF_32)
        }
        [a, 0, b, 0, ..] | [0, a, 0, b, ..] if *a != 0 && *b != 0 => {
            Some("it is UTF-16 without a byte order mark; save it as UTF-8")
        }
        _ => no_table(head).filter(|_| !begins_as_name(head)),
    }
}

const UTF_32: &str = "it is UTF-32; save it as UTF-8, or convert it (iconv -f UTF-32 -t UTF-8)";

/// What a file is that is read under no name, by its first bytes.
///
/// Source: <https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>
fn no_table(head: &[u8]) -> Option<&'static str> {
    const KNOWN: &[(&[u8], &str)] = &[
        (
            b"PK\x03\x04",
            "it is a ZIP archive or a workbook; unpack it, or save it as CSV",
        ),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            "it is a workbook of an old Excel; save it as CSV",
        ),
        (
            b"version https://git-lfs.github.com/",
            "it is a pointer of Git LFS, not the file; fetch that (git lfs pull)",
        ),
        (
            b"FEA1",
            "it is Feather version 1, which is not Arrow; write it as version 2 \
             (pyarrow.feather.write_feather(pyarrow.feather.read_table(FILE), FILE)), or as Parquet",
        ),
        (b"BZh", "it is compressed with bzip2; unpack it (bunzip2)"),
        (b"\xfd7zXZ\0", "it is compressed with xz; unpack it (unxz)"),
        (
            b"\x04\x22\x4d\x18",
            "it is compressed with LZ4; unpack it (unlz4)",
        ),
        (
            b"\xff\x06\0\0sNaPpY",
            "it is compressed with Snappy; unpack it",
        ),
        (b"7z\xbc\xaf\x27\x1c", "it is a 7z archive; unpack it"),
        (b"Rar!\x1a\x07", "it is a RAR archive; unpack it"),
        (b"ORC\x08", "it is ORC; write it as Parquet"),
        (b"ORC\x0a", "it is ORC; write it as Parquet"),
        (
            b"Obj\x01",
            "it is Avro, as the capture of Event Hubs is; write it as JSON or Parquet",
        ),
        (
            b"SQLite format 3\0",
            "it is a database of SQLite; export its table as CSV",
        ),
        (
            b"ElfFile\0",
            "it is a log of Windows events (EVTX); export it as CSV or JSON",
        ),
        (b"%PDF-", "it is a PDF; save what it shows as CSV"),
        (
            b"PARE",
            "it is Parquet whose footer is encrypted; write it without encryption",
        ),
    ];
    let found = KNOWN.iter().find(|(first, _)| head.starts_with(first));
    found.map(|(_, what)| *what)
}

/// Whether what may be the mark of a format is the first name of a header as well: `BZh,Name`.
fn begins_as_name(head: &[u8]) -> bool {
    let is_text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n');
    let is_mark_of_letters = [&b"FEA1"[..], b"PARE"]
        .iter()
        .any(|one| head.starts_with(one));
    is_mark_of_letters && head.get(4).is_none_or(is_text)
        || head.starts_with(b"BZh") && head.get(4..10) != Some(b"1AY&SY")
}

/// The text of gzip: of one member after the other.
///
/// What is behind the last one is neither passed over nor taken for a member that is cut off.
struct Members<R> {
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Members<R> {
    fn new(reader: R) -> Self {
        Self {
            member: Some(GzDecoder::new(reader)),
        }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let length = member.read(into)?;
            if length > 0 || into.is_empty() {
                return Ok(length);
            }
            let Some(mut rest) = self.member.take().map(GzDecoder::into_inner) else {
                break;
            };
            // Zeros fill the last block of a tape.
            let next = loop {
                let bytes = rest.fill_buf()?;
                let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                match bytes.get(zeros) {
                    Some(next) => break Some(*next),
                    None if bytes.is_empty() => break None,
                    None => rest.consume(zeros),
                }
            };
            match next {
                None => break,
                Some(0x1f) if rest.fill_buf()?.first() == Some(&0x1f) => {
                    self.member = Some(GzDecoder::new(rest));
                }
                Some(_) => {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "behind the end of the compressed data are bytes that are not gzip",
                    ));
                }
            }
        }
        Ok(0)
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
    use std::io::{BufReader, Read, Write};

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::{Members, Utf16, another_format};

    fn packed(text: &str) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        gzip.finish().unwrap()
    }

    #[test]
    fn members_follow_each_other_and_nothing_else_does() {
        let read = |bytes: &[u8], buffer: usize| {
            let mut text = String::new();
            Members::new(BufReader::with_capacity(buffer, bytes))
                .read_to_string(&mut text)
                .map(|_| text)
                .map_err(|error| error.to_string())
        };
        let (one, two) = (packed("one"), packed("two"));
        for buffer in [1, 2, 64] {
            let both = Ok("onetwo".to_owned());
            assert_eq!(read(&[&one[..], &two].concat(), buffer), both);
            assert_eq!(read(&[&one[..], &two, &[0; 100]].concat(), buffer), both);
            for behind in [&b"\n"[..], b"more text", b"\0\0x"] {
                let error = read(&[&one[..], behind].concat(), buffer).unwrap_err();
                assert!(error.contains("behind the end"), "{error}");
            }
            let cut = [&one[..], &two[..9]].concat();
            assert!(read(&cut, buffer).is_err());
        }
    }

    #[test]
    fn text_is_never_taken_for_another_format() {
        for text in [
            "BZh,Name\n1,2\n",
            "BZh91,Name",
            "PARENT,CHILD",
            "FEA,B",
            "ORC,A",
            "7z",
            "",
        ] {
            assert_eq!(another_format(text.as_bytes()), None, "{text}");
        }
    }

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
