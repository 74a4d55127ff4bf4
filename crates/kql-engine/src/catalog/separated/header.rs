//! What stands above the rows of separated values: what separates them, and the names of columns.

use std::collections::HashSet;
use std::io::{BufRead, Cursor, Read};

use super::broken;
use crate::EngineError;
use crate::catalog::aliases::Names;
use crate::catalog::columnar;
use crate::catalog::files::{Failure, Source};
use crate::text::bounded;
use crate::text::separated::{Record, Records, without_marks};

/// The records of a file.
pub(super) type Reader = Records<Box<dyn BufRead + Send>>;

/// A file whose header is read.
pub(super) struct Headed {
    pub(super) records: Reader,
    pub(super) failure: Failure,
    /// The names of the columns; none for an empty file.
    pub(super) names: Vec<String>,
    /// Which names the header does not have.
    pub(super) unnamed: Vec<bool>,
    /// Whether the header is written so that it is taken as it is: then rows are, too.
    pub(super) literal: bool,
    /// Whether the header has a name without quotes, so that a row may be marked by them.
    pub(super) is_plain: bool,
    /// What separates the values inside lines that are quoted as a whole.
    pub(super) inner: Option<u8>,
}

impl Headed {
    pub(super) fn open(source: &Source, usual: u8) -> Result<Self, EngineError> {
        let opened = source.bytes()?;
        let (failure, mut reader) = (opened.failure, opened.reader);
        let limit = source.reading.largest_record;
        let mut head = Head {
            usual,
            line: 1,
            told: None,
            blank: false,
            bytes: Vec::new(),
        };
        let mut above = 0;
        loop {
            head.bytes.clear();
            let is_whole = bounded::read_line(&mut reader, &mut head.bytes, limit)
                .map_err(|error| failure.read(head.line, &error))?;
            above += head.bytes.len();
            // Blank lines without end are no header either.
            if !is_whole || above > limit {
                return Err(failure.at(head.line, &source.reading.too_large()));
            }
            if !head.is_passed() {
                break;
            }
        }
        if let Some(what) = head.another_format() {
            return Err(failure.at(head.line, what));
        }
        let separator = head.separator();
        let rest = Cursor::new(std::mem::take(&mut head.bytes)).chain(reader);
        let rest: Box<dyn BufRead + Send> = Box::new(rest);
        let mut headed = Self {
            records: Records::new(rest, separator)
                .at_line(head.line)
                .limited(limit),
            failure,
            names: Vec::new(),
            unnamed: Vec::new(),
            literal: head.blank,
            is_plain: false,
            inner: None,
        };
        headed.read(separator, head.blank)?;
        Ok(headed)
    }

    /// Reads the names; below a blank line they are `literal`.
    fn read(&mut self, separator: u8, literal: bool) -> Result<(), EngineError> {
        let failure = &self.failure;
        let record = match self.records.next() {
            Ok(Some(record)) => record,
            Ok(None) => return Ok(()),
            Err(error) => return Err(broken(failure, error)),
        };
        let cells = |record: &Record| -> Result<Vec<String>, EngineError> {
            let cells = record.cells().map_err(|error| broken(failure, error))?;
            let names = cells.enumerate().map(|(at, cell)| {
                let is_meant = record.is_quoted(at) && (literal || !cell.trim().is_empty());
                if is_meant { cell } else { cell.trim() }.to_owned()
            });
            Ok(names.collect())
        };
        let line = record.line;
        self.is_plain = (0..record.len()).any(|at| !record.is_quoted(at));
        // Below a blank line, quotes around nothing are the name of a column that has none.
        let is_meant = |at: usize| literal && record.is_quoted(at);
        let meant: Vec<bool> = (0..record.len()).map(is_meant).collect();
        let mut names = cells(record)?;
        if let ([whole], false) = (names.as_slice(), literal) {
            let mut inner = Records::new(whole.as_bytes(), separator);
            if let Ok(Some(record)) = inner.next()
                && record.len() > 1
                && cells(record)?.iter().all(|name| is_name(name))
            {
                names = cells(record)?;
                self.inner = Some(separator);
            }
        }
        columnar::bounded(failure, names.len())?;
        if names.iter().all(String::is_empty) && !meant.contains(&true) {
            return Err(failure.at(line, "has no names of columns, where a header is expected"));
        }
        let mut known: HashSet<String> = HashSet::new();
        let is_named = |at: usize, name: &str| !name.is_empty() || meant.get(at) == Some(&true);
        for (_, name) in (names.iter().enumerate()).filter(|(at, name)| is_named(*at, name)) {
            if !known.insert(name.clone()) {
                return Err(failure.at(line, &format!("has the column '{name}' twice")));
            }
        }
        let unnamed = names.iter().enumerate();
        self.unnamed = unnamed.map(|(at, name)| !is_named(at, name)).collect();
        for (at, name) in names.iter_mut().enumerate() {
            if self.unnamed[at] {
                // As KQL calls a column without a name.
                let mut number = at + 1;
                while known.contains(&format!("Column{number}")) {
                    number += 1;
                }
                *name = format!("Column{number}");
                known.insert(name.clone());
            }
        }
        self.names = names;
        Ok(())
    }

    /// Whether cells below the header are names of columns: of files that were put together, the
    /// header of a later one.
    pub(super) fn is_repeated<'a>(
        &self,
        record: &Record,
        cells: impl Iterator<Item = &'a str>,
        own: &Names,
    ) -> bool {
        cells.enumerate().all(|(at, cell)| {
            // A quote behind a mark begins no quoted cell.
            let cell = if record.is_quoted(at) {
                cell
            } else {
                cell.trim_start_matches('\u{feff}').trim_matches('"')
            };
            let cell = cell.trim();
            let is_named = |name: &String| name == cell;
            let is_own = || self.names.get(at).is_some_and(is_named) || own.has(cell);
            (cell.is_empty() && self.unnamed[at]) || (is_name(cell) && is_own())
        })
    }
}

/// A line without marks and line break.
fn first_line(bytes: &[u8]) -> &[u8] {
    let text = without_marks(bytes);
    let length = text.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
    &text[..length.unwrap_or(text.len())]
}

/// Where the line after the first one begins.
fn after_break(bytes: &[u8]) -> usize {
    let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
    match end {
        Some(at) if bytes[at..].starts_with(b"\r\n") => at + 2,
        Some(at) => at + 1,
        None => bytes.len(),
    }
}

/// Whether a text looks like the name of a column, rather than like data.
fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters
        .next()
        .is_some_and(|one| one.is_alphabetic() || one == '_')
        && characters.all(|one| one.is_alphanumeric() || "_ .[]()-".contains(one))
}

/// The lines above the rows.
struct Head {
    usual: u8,
    /// The number of the line at hand.
    line: usize,
    /// The separator that a line names.
    told: Option<u8>,
    /// Whether there is a blank line: what is below it is the header, whatever it looks like. So
    /// are names written that would otherwise be taken for something else.
    blank: bool,
    bytes: Vec<u8>,
}

impl Head {
    /// Whether the header is below all that was read; otherwise the bytes begin with it.
    fn is_passed(&mut self) -> bool {
        // A line may end with a carriage return alone, and others follow it then.
        let mut start = 0;
        while start < self.bytes.len() {
            if !self.is_above(start) {
                self.bytes.drain(..start);
                return false;
            }
            start += after_break(&self.bytes[start..]);
            self.line += 1;
        }
        !self.bytes.is_empty()
    }

    /// Whether the header is below the line that begins at `start`; what that says is kept.
    fn is_above(&mut self, start: usize) -> bool {
        let first = first_line(&self.bytes[start..]);
        // Spreadsheets of many countries write semicolons, and some say so above the header.
        let told = match *first {
            [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', separator]
            | [
                b'"',
                b's' | b'S',
                b'e' | b'E',
                b'p' | b'P',
                b'=',
                separator,
                b'"',
            ] => Some(separator),
            _ => None,
        };
        let told = told.filter(|_| !self.blank);
        let is_blank = first.trim_ascii().is_empty();
        // Windows PowerShell writes the type of what it exports above the header.
        let is_type = first.starts_with(b"#TYPE ") || first.starts_with(b"\"#TYPE ");
        let is_above = told.is_some() || is_blank || (is_type && !self.blank);
        self.told = told.or(self.told);
        self.blank |= is_blank;
        is_above
    }

    /// What begins like another format; a name that does so stands in quotes, or below a blank line.
    fn another_format(&self) -> Option<&'static str> {
        let text = without_marks(&self.bytes).trim_ascii_start();
        let (first, rest) = text.split_first().filter(|_| !self.blank)?;
        let second = first_line(rest).trim_ascii().first();
        let is_json = match first {
            b'{' => matches!(second, None | Some(b'"' | b'}')),
            b'[' => matches!(second, None | Some(b'{' | b'[' | b'"' | b']')),
            _ => false,
        };
        if is_json {
            return Some(
                "is JSON, where the names of columns are expected: let the file's name end in \
                 .json or .ndjson",
            );
        }
        let tag = text[..text.len().min(9)].to_ascii_lowercase();
        let is_page = [&b"<!doctype"[..], b"<html", b"<?xml"];
        is_page.iter().any(|one| tag.starts_with(one)).then_some(
            "is HTML or XML, where the names of columns are expected: a page was saved in place of \
             the file; fetch it again, and look at it in an editor",
        )
    }

    fn separator(&self) -> u8 {
        if let Some(told) = self.told {
            return told;
        }
        let mut quoted = false;
        let mut found = None;
        for byte in first_line(&self.bytes) {
            match byte {
                b'"' => quoted = !quoted,
                _ if quoted => {}
                _ if *byte == self.usual => return self.usual,
                b';' | b'\t' | b'|' => {
                    found.get_or_insert(*byte);
                }
                _ => {}
            }
        }
        found.unwrap_or(self.usual)
    }
}
