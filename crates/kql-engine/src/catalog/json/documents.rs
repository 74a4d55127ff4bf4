//! Where one JSON document ends and the next begins.

use std::io::{BufRead, Read};

use crate::EngineError;
use crate::catalog::files::{Failure, Source};
use crate::catalog::opened::Opened;
use crate::catalog::reading::Reading;
use crate::text::bounded;
use crate::text::separated::without_marks;

/// The documents of a file: lines, the elements of an array, or objects over several lines.
///
/// What the first document looks like tells which: after a first line that is a whole document
/// every line must be one, so that a line that is cut off is found where it is.
pub(super) struct Documents {
    source: Opened,
    line: usize,
    layout: Layout,
    bytes: Vec<u8>,
    reading: Reading,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    Unknown,
    Lines,
    /// Objects over several lines.
    Spanning,
    /// Inside an array, before its first element or after a comma.
    Element,
    /// Inside an array, after an element.
    Comma,
    /// After an array.
    After,
}

impl Documents {
    pub(super) fn open(source: &Source) -> Result<Self, EngineError> {
        Ok(Self {
            source: source.bytes()?,
            line: 1,
            layout: Layout::Unknown,
            bytes: Vec::new(),
            reading: source.reading,
        })
    }

    /// The next document and its line.
    pub(super) fn next(&mut self) -> Result<Option<(&[u8], usize)>, EngineError> {
        let mut blank = 0;
        loop {
            match self.layout {
                Layout::Unknown | Layout::After => match self.peek()? {
                    None => return Ok(None),
                    Some(b'[') => {
                        self.source.reader.consume(1);
                        self.layout = Layout::Element;
                    }
                    Some(_) if self.layout == Layout::After => self.layout = Layout::Lines,
                    Some(_) => return self.first(),
                },
                Layout::Lines => {
                    let start = self.line;
                    if !self.read_line()? {
                        return Ok(None);
                    }
                    // Files that were put together may each begin with one; no JSON does.
                    let marks = self.bytes.len() - without_marks(&self.bytes).len();
                    if !self.bytes[marks..].trim_ascii().is_empty() {
                        return Ok(Some((self.bytes[marks..].trim_ascii(), start)));
                    }
                    blank += self.bytes.len();
                    self.check_size(blank, start)?;
                }
                Layout::Spanning => {
                    if self.peek()?.is_none() {
                        return Ok(None);
                    }
                    return self.first();
                }
                Layout::Element | Layout::Comma => match self.peek()? {
                    None => {
                        return Err(self.source.failure.at(self.line, "the array is not closed"));
                    }
                    Some(b']') => {
                        self.source.reader.consume(1);
                        self.layout = Layout::After;
                    }
                    Some(b',') if self.layout == Layout::Comma => {
                        self.source.reader.consume(1);
                        self.layout = Layout::Element;
                    }
                    Some(b'{' | b'[') if self.layout == Layout::Element => {
                        self.layout = Layout::Comma;
                        return self.element();
                    }
                    Some(_) => {
                        return Err(self
                            .source
                            .failure
                            .at(self.line, "is no array of JSON objects"));
                    }
                },
            }
        }
    }

    /// A document that begins on this line and may end on a later one.
    fn first(&mut self) -> Result<Option<(&[u8], usize)>, EngineError> {
        let start = self.line;
        let mut nesting = Nesting::default();
        let mut document = Vec::new();
        while self.read_line()? {
            let closed = nesting.end(&self.bytes).is_some();
            if document.is_empty() {
                document = std::mem::take(&mut self.bytes);
            } else {
                document.extend_from_slice(&self.bytes);
            }
            self.check_size(document.len(), start)?;
            if self.layout == Layout::Unknown {
                self.layout = if closed || !nesting.is_open() {
                    Layout::Lines
                } else {
                    Layout::Spanning
                };
            }
            if closed || !nesting.is_open() {
                break;
            }
        }
        self.bytes = document;
        Ok(Some((self.bytes.trim_ascii(), start)))
    }

    /// An element of an array, from its bracket to the one that closes it.
    fn element(&mut self) -> Result<Option<(&[u8], usize)>, EngineError> {
        let start = self.line;
        let mut nesting = Nesting::default();
        self.bytes.clear();
        loop {
            let chunk = self.source.reader.fill_buf();
            let chunk = chunk.map_err(|error| self.source.failure.read(self.line, &error))?;
            if chunk.is_empty() {
                return Err(self
                    .source
                    .failure
                    .at(start, "the row that begins here is not closed"));
            }
            let end = nesting.end(chunk);
            let length = end.unwrap_or(chunk.len());
            self.bytes.extend_from_slice(&chunk[..length]);
            self.line += lines_in(&chunk[..length]);
            self.source.reader.consume(length);
            self.check_size(self.bytes.len(), start)?;
            if end.is_some() {
                return Ok(Some((&self.bytes, start)));
            }
        }
    }

    fn check_size(&self, size: usize, line: usize) -> Result<(), EngineError> {
        if size <= self.reading.largest_record {
            return Ok(());
        }
        Err(self.source.failure.at(line, &self.reading.too_large()))
    }

    fn read_line(&mut self) -> Result<bool, EngineError> {
        self.bytes.clear();
        let start = self.line;
        let limit = self.reading.largest_record;
        let outcome = bounded::read_line(&mut self.source.reader, &mut self.bytes, limit);
        let is_whole = outcome.map_err(|error| self.source.failure.read(start, &error))?;
        if !is_whole {
            return Err(self.source.failure.at(start, &self.reading.too_large()));
        }
        self.line += 1;
        Ok(!self.bytes.is_empty())
    }

    /// The next byte that is no white space, without taking it.
    fn peek(&mut self) -> Result<Option<u8>, EngineError> {
        let mut blank = 0;
        loop {
            let chunk = self.source.reader.fill_buf();
            let chunk = chunk.map_err(|error| self.source.failure.read(self.line, &error))?;
            let Some(first) = chunk.first().copied() else {
                return Ok(None);
            };
            if first == 0xef {
                // A byte order mark; anything else that begins so is no JSON either way.
                let mut mark = [0; 3];
                self.source
                    .reader
                    .read_exact(&mut mark)
                    .map_err(|error| self.source.failure.read(self.line, &error))?;
                if mark != [0xef, 0xbb, 0xbf] {
                    return Err(self.source.failure.at(self.line, "is no JSON"));
                }
                continue;
            }
            let length = chunk
                .iter()
                .position(|byte| !byte.is_ascii_whitespace())
                .unwrap_or(chunk.len());
            if length == 0 {
                return Ok(Some(first));
            }
            self.line += lines_in(&chunk[..length]);
            self.source.reader.consume(length);
            // White space without end is no record either.
            blank += length;
            self.check_size(blank, self.line)?;
        }
    }

    pub(super) fn failure(&self) -> &Failure {
        &self.source.failure
    }
}

pub(super) fn lines_in(bytes: &[u8]) -> usize {
    bytes.split(|byte| *byte == b'\n').count() - 1
}

/// How deep a position is inside brackets.
#[derive(Debug, Default)]
struct Nesting {
    depth: usize,
    text: bool,
    escape: bool,
}

impl Nesting {
    fn is_open(&self) -> bool {
        self.depth > 0
    }

    /// Goes on over `bytes`; where the outermost bracket closes, if it does.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            at += 1;
            if self.escape {
                self.escape = false;
            } else if self.text {
                match byte {
                    b'"' => self.text = false,
                    b'\\' => self.escape = true,
                    _ => {}
                }
            } else {
                match byte {
                    b'"' => self.text = true,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => {
                        self.depth = self.depth.saturating_sub(1);
                        if self.depth == 0 {
                            return Some(at);
                        }
                    }
                    _ => {}
                }
            }
        }
        None
    }
}
