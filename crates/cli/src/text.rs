//! Text as programs of all kinds write it: UTF-8, or UTF-16 as Windows has it.

use std::io::{Error, ErrorKind, Result};
use std::path::Path;

use defender_core::{bounded, read_bounded, utf8};

use crate::messages;

/// The most bytes of a query, or of a file of queries.
const LONGEST: u64 = 16 << 20;

/// How a text was written, so that it can be written like that again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Utf8,
    /// With a byte order mark.
    MarkedUtf8,
    /// With a byte order mark, without which it would not be known.
    Utf16 {
        big: bool,
    },
}

/// A text without its byte order mark.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) encoding: Encoding,
}

/// Reads a file of queries, or standard input as `-`.
pub(crate) fn read(path: &Path) -> Result<Text> {
    let bytes = if path == Path::new("-") {
        messages::say_awaited("KQL");
        bounded(std::io::stdin().lock(), LONGEST)?
    } else {
        read_bounded(path, LONGEST)?
    };
    decode(bytes)
}

/// The text that the bytes of a file are.
pub(crate) fn decode(bytes: Vec<u8>) -> Result<Text> {
    let (text, encoding) = if let Some(rest) = bytes.strip_prefix(b"\xEF\xBB\xBF") {
        (utf8(rest.to_vec())?, Encoding::MarkedUtf8)
    } else if let Some(rest) = bytes.strip_prefix(b"\xFF\xFE") {
        let encoding = Encoding::Utf16 { big: false };
        (utf16(rest, u16::from_le_bytes)?, encoding)
    } else if let Some(rest) = bytes.strip_prefix(b"\xFE\xFF") {
        let encoding = Encoding::Utf16 { big: true };
        (utf16(rest, u16::from_be_bytes)?, encoding)
    } else {
        (utf8(bytes)?, Encoding::Utf8)
    };
    Ok(Text { text, encoding })
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(pairs.len());
    for letter in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        match letter {
            Ok(letter) => text.push(letter),
            Err(_) => return Err(broken(&text)),
        }
    }
    if rest.is_empty() {
        Ok(text)
    } else {
        Err(broken(&text))
    }
}

/// What is not UTF-16 behind `text`.
fn broken(text: &str) -> Error {
    let line = text.split('\n').count();
    let message = format!("line {line} is not UTF-16; save the file as UTF-8");
    Error::new(ErrorKind::InvalidData, message)
}

impl Encoding {
    /// `text` as a file of this encoding holds it.
    pub(crate) fn encode(self, text: &str) -> Vec<u8> {
        let units = |bytes: fn(u16) -> [u8; 2]| {
            let marked = std::iter::once('\u{feff}').chain(text.chars());
            let mut units = [0; 2];
            let mut encoded = Vec::with_capacity(2 * text.len() + 2);
            for letter in marked {
                encoded.extend(
                    letter
                        .encode_utf16(&mut units)
                        .iter()
                        .flat_map(|unit| bytes(*unit)),
                );
            }
            encoded
        };
        match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::MarkedUtf8 => ["\u{feff}", text].concat().into_bytes(),
            Self::Utf16 { big: false } => units(u16::to_le_bytes),
            Self::Utf16 { big: true } => units(u16::to_be_bytes),
        }
    }

    /// Where a byte of the text is in its file; `None` where bytes have no place of their own.
    pub(crate) fn place(self, byte: u32) -> Option<u32> {
        match self {
            Self::Utf8 => Some(byte),
            Self::MarkedUtf8 => byte.checked_add(3),
            Self::Utf16 { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_comes_back_in_every_encoding() {
        let text = "T // é😀\r\n| take 5";
        for encoding in [
            Encoding::Utf8,
            Encoding::MarkedUtf8,
            Encoding::Utf16 { big: false },
            Encoding::Utf16 { big: true },
        ] {
            let read = decode(encoding.encode(text)).unwrap();
            assert_eq!(read.text, text);
            assert_eq!(read.encoding, encoding);
        }
        assert_eq!(Encoding::Utf16 { big: false }.encode("a"), b"\xFF\xFEa\0");
        assert_eq!(Encoding::Utf16 { big: true }.encode("a"), b"\xFE\xFF\0a");
    }

    #[test]
    fn what_is_no_text_is_told_with_its_line() {
        for (bytes, message) in [
            (&b"a\nb\xFF"[..], "line 2 is not UTF-8"),
            (b"\xEF\xBB\xBF\x80", "line 1 is not UTF-8"),
            (b"\xFF\xFEa\0\n\0b", "line 2 is not UTF-16"),
            (b"\xFE\xFF\xD8\0\0a", "line 1 is not UTF-16"),
        ] {
            let error = decode(bytes.to_vec()).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }
}
