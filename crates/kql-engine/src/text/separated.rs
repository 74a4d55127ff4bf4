//! Separated values, quoted as RFC 4180 has it, a record at a time.

use std::fmt;
use std::io::{self, BufRead};

use super::bounded;

/// Says of a line that its bytes are no text.
pub(crate) const NOT_UTF8: &str =
    "is not UTF-8; save the file as UTF-8, or convert it (iconv -f WINDOWS-1252 -t UTF-8)";

/// A text without the byte order marks that it begins with: tools that convert a text which has
/// one write a second.
pub(crate) fn without_marks(mut text: &[u8]) -> &[u8] {
    while let Some(rest) = text.strip_prefix(b"\xef\xbb\xbf") {
        text = rest;
    }
    text
}

/// Why there is no next record.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The bytes could not be had; the line they were wanted for.
    Read(usize, io::Error),
    /// The record of this line is not closed.
    Quote(usize),
    /// The record of this line has a cell that goes on after its closing quote.
    AfterQuote(usize),
    /// The record of this line is not text.
    Encoding(usize),
    /// The record of this line has a byte, outside of quotes, that no text has.
    Nul(usize),
    /// The record of this line has more bytes than one may have.
    Large(usize, usize),
}

impl fmt::Display for Broken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(line, error) => write!(out, "{error} (at line {line})"),
            Self::Quote(line) => write!(out, "line {line} opens a quote that is not closed"),
            Self::AfterQuote(line) => write!(
                out,
                "line {line} has text after the closing quote of a cell; inside of quotes a quote \
                 is written twice (\"\"), not with a backslash"
            ),
            Self::Encoding(line) => write!(out, "line {line} {NOT_UTF8}"),
            Self::Nul(line) => write!(
                out,
                "line {line} has a NUL byte: the file is damaged, or UTF-16 without a byte order mark"
            ),
            Self::Large(line, limit) => write!(
                out,
                "line {line} has a record of more than {limit} bytes, the most that one may have; \
                 a quote may be missing"
            ),
        }
    }
}

/// The records of a text; a line break ends one, unless it is inside quotes.
///
/// Line breaks are `\n`, `\r\n` and `\r`. Only the record at hand is in memory.
pub(crate) struct Records<R> {
    reader: R,
    separator: u8,
    /// The line that is read next.
    line: usize,
    bytes: Vec<u8>,
    /// Where in the bytes the next record begins.
    start: usize,
    record: Record,
    limit: usize,
    /// Whether the next record may begin with marks that are no part of it.
    is_marked: bool,
}

/// The cells of a record.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// The line it begins at.
    pub(crate) line: usize,
    text: Vec<u8>,
    ends: Vec<usize>,
    /// The cells that begin with a quote.
    quoted: Vec<usize>,
}

impl Record {
    /// How many cells there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// How many bytes they have.
    pub(crate) fn size(&self) -> usize {
        self.text.len()
    }

    /// Whether the line is empty: nothing, not even a separator.
    pub(crate) fn is_blank(&self) -> bool {
        self.ends.len() == 1 && self.text.is_empty()
    }

    /// Whether one of the cells that are `wanted` has anything in it.
    pub(crate) fn has_any(&self, wanted: &[bool]) -> bool {
        let mut start = 0;
        self.ends.iter().zip(wanted).any(|(end, wanted)| {
            let is_filled = *end > start;
            start = *end;
            is_filled && *wanted
        })
    }

    /// Whether a cell begins with a quote, so that what it has is meant so, blanks included.
    pub(crate) fn is_quoted(&self, at: usize) -> bool {
        self.quoted.binary_search(&at).is_ok()
    }

    /// Whether there is a byte order mark before the first cell, or in it and without quotes: the
    /// beginning of a file that was put behind another.
    pub(crate) fn begins_with_mark(&self) -> bool {
        !self.is_quoted(0) && self.text.starts_with(b"\xef\xbb\xbf")
    }

    /// Whether the first cell begins like a name, after a byte order mark or none.
    pub(crate) fn begins_with_letter(&self) -> bool {
        let first = self.text.first();
        first.is_some_and(|byte| !byte.is_ascii_digit() && !byte.is_ascii_punctuation())
            || first == Some(&b'_')
    }

    pub(crate) fn cells(&self) -> Result<impl Iterator<Item = &str> + Clone, Broken> {
        let text = std::str::from_utf8(&self.text).map_err(|_| Broken::Encoding(self.line))?;
        let mut start = 0;
        Ok(self.ends.iter().map(move |end| {
            // A cell ends before an ASCII character, so these are boundaries.
            let cell = text.get(start..*end).unwrap_or_default();
            start = *end;
            cell
        }))
    }
}

impl<R: BufRead> Records<R> {
    pub(crate) fn new(reader: R, separator: u8) -> Self {
        Self {
            reader,
            separator,
            line: 1,
            bytes: Vec::new(),
            start: 0,
            record: Record::default(),
            limit: usize::MAX - 1,
            is_marked: true,
        }
    }

    /// The same records, where one of more bytes is an error.
    pub(crate) fn limited(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// The same records, where those are inside of a cell: what they begin with is a value.
    pub(crate) fn inside(self) -> Self {
        Self {
            is_marked: false,
            ..self
        }
    }

    /// The same records, when lines above the first were taken before.
    pub(crate) fn at_line(self, line: usize) -> Self {
        Self { line, ..self }
    }

    /// The next record, if there is one.
    pub(crate) fn next(&mut self) -> Result<Option<&Record>, Broken> {
        let may_be_marked = std::mem::take(&mut self.is_marked);
        if self.start >= self.bytes.len() && !self.read_line()? {
            return Ok(None);
        }
        if may_be_marked {
            self.start = self.bytes.len() - without_marks(&self.bytes).len();
        }
        self.record.line = self.line - 1;
        self.split()?;
        Ok(Some(&self.record))
    }

    /// The record that was read last.
    pub(crate) fn current(&self) -> &Record {
        &self.record
    }

    /// The record that was read last, as one of another line.
    pub(crate) fn take_current(&mut self, line: usize) -> Record {
        Record {
            line,
            ..std::mem::take(&mut self.record)
        }
    }

    fn read_line(&mut self) -> Result<bool, Broken> {
        self.bytes.clear();
        self.start = 0;
        let is_whole = bounded::read_line(&mut self.reader, &mut self.bytes, self.limit)
            .map_err(|error| Broken::Read(self.line, error))?;
        if !is_whole {
            return Err(Broken::Large(self.line, self.limit));
        }
        self.line += 1;
        Ok(!self.bytes.is_empty())
    }

    /// Cuts the line at hand into cells, reading on where a quote is open.
    fn split(&mut self) -> Result<(), Broken> {
        self.record.text.clear();
        self.record.ends.clear();
        self.record.quoted.clear();
        let mut at = self.start;
        loop {
            let is_quoted = self.bytes.get(at) == Some(&b'"');
            if is_quoted {
                self.record.quoted.push(self.record.ends.len());
                at = self.quoted(at + 1)?;
            }
            let rest = &self.bytes[at..];
            let length = rest
                .iter()
                .position(|byte| *byte == self.separator || matches!(byte, b'\n' | b'\r'))
                .unwrap_or(rest.len());
            // What quotes a NUL means it; UTF-16 has them outside of quotes, too.
            if rest[..length].contains(&0) {
                return Err(Broken::Nul(self.record.line));
            }
            if !is_quoted {
                self.record.text.extend_from_slice(&rest[..length]);
            } else if !rest[..length].trim_ascii().is_empty() {
                return Err(Broken::AfterQuote(self.record.line));
            }
            self.record.ends.push(self.record.text.len());
            let end = at + length;
            if rest.get(length) == Some(&self.separator) {
                at = end + 1;
                continue;
            }
            self.start = match self.bytes.get(end) {
                Some(b'\r') if self.bytes.get(end + 1) == Some(&b'\n') => end + 2,
                _ => end + 1,
            };
            if self.start < self.bytes.len() {
                self.line += 1;
            }
            return Ok(());
        }
    }

    /// Takes the text of a quote that opens before `at`; where it ends.
    fn quoted(&mut self, mut at: usize) -> Result<usize, Broken> {
        loop {
            let rest = &self.bytes[at..];
            let Some(quote) = rest.iter().position(|byte| *byte == b'"') else {
                self.record.text.extend_from_slice(rest);
                if self.record.text.len() > self.limit {
                    return Err(Broken::Large(self.record.line, self.limit));
                }
                if !self.read_line()? {
                    return Err(Broken::Quote(self.record.line));
                }
                at = 0;
                continue;
            };
            self.record.text.extend_from_slice(&rest[..quote]);
            at += quote + 1;
            if self.bytes.get(at) != Some(&b'"') {
                return Ok(at);
            }
            self.record.text.push(b'"');
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Broken, Records};

    fn read(text: &[u8]) -> Result<Vec<(usize, Vec<String>)>, String> {
        let mut records = Records::new(text, b',');
        let mut all = Vec::new();
        loop {
            match records.next().map_err(|error| error.to_string())? {
                None => return Ok(all),
                Some(record) => {
                    let cells = record.cells().map_err(|error| error.to_string())?;
                    all.push((record.line, cells.map(str::to_owned).collect()));
                }
            }
        }
    }

    fn expected(records: &[(usize, &[&str])]) -> Vec<(usize, Vec<String>)> {
        records
            .iter()
            .map(|(line, cells)| (*line, cells.iter().map(|cell| (*cell).to_owned()).collect()))
            .collect()
    }

    #[test]
    fn quotes_hold_separators_and_lines() {
        let text = b"\xef\xbb\xbfa,\"b,\"\"c\"\"\"\r\n\"x\ny\",\nz";
        let records = expected(&[(1, &["a", "b,\"c\""]), (2, &["x\ny", ""]), (4, &["z"])]);
        assert_eq!(read(text), Ok(records));
    }

    #[test]
    fn nothing_but_blanks_follows_a_quote() {
        let blank = expected(&[(1, &["p", "q", " r "])]);
        assert_eq!(read(b"\"p\" ,\"q\"\t, r \n"), Ok(blank));
        for text in [
            r#"1,"x"y"#,
            r#"2,"p" "q""#,
            r#"3,"{\"a\":1}""#,
            r#"4,"a""b"c"#,
            "5,\"a\nb\"c",
        ] {
            let error = read(format!("A,B\n{text}\n").as_bytes()).unwrap_err();
            assert_eq!(error, Broken::AfterQuote(2).to_string(), "{text}");
        }
    }

    #[test]
    fn marks_are_no_text() {
        let twice = b"\xef\xbb\xbf\xef\xbb\xbfa,b\n";
        assert_eq!(read(twice), Ok(expected(&[(1, &["a", "b"])])));
        assert_eq!(read(b"\xef\xbb\xbf"), Ok(expected(&[(1, &[""])])));
        let below = b"\xef\xbb\xbfa\n";
        let mut records = Records::new(&below[..], b',').at_line(2);
        let record = records.next().unwrap().unwrap();
        assert_eq!(record.cells().unwrap().next(), Some("a"));
        let mut records = Records::new(&below[..], b',').inside();
        assert!(records.next().unwrap().unwrap().begins_with_mark());
    }

    #[test]
    fn every_line_break_ends_a_record() {
        for text in ["a,b\n\nc\n", "a,b\r\n\r\nc", "a,b\r\rc\r"] {
            let records = expected(&[(1, &["a", "b"]), (2, &[""]), (3, &["c"])]);
            assert_eq!(read(text.as_bytes()), Ok(records), "{text:?}");
        }
        assert_eq!(read(b""), Ok(Vec::new()));
    }

    #[test]
    fn a_record_has_a_bound() {
        for text in [
            "a\n1234567890\n",
            "a\n\"12\n34\n56\n78\"\n",
            "a\n\"12\n34\n56\n78\n",
        ] {
            let mut records = Records::new(text.as_bytes(), b',').limited(8);
            assert!(records.next().is_ok());
            let error = records.next().err().map(|error| error.to_string());
            assert!(
                error.is_some_and(
                    |error| error.starts_with("line 2 has a record of more than 8 bytes")
                ),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_broken_is_an_error_with_its_line() {
        let open = read(b"a\n\"b\nc\n").unwrap_err();
        assert_eq!(open, Broken::Quote(2).to_string());
        let bytes = read(b"a\n\xff\n").unwrap_err();
        assert_eq!(bytes, Broken::Encoding(2).to_string());
        for text in [&b"a\nb\0\n"[..], b"\"\0a\0\"\0\r\0\n\0", b"\"a\0b\"\n\0"] {
            let nul = read(text).unwrap_err();
            assert!(nul.contains("has a NUL byte"), "{nul}");
        }
        assert_eq!(read(b"\"a\0b\""), Ok(expected(&[(1, &["a\0b"])])));
    }
}
