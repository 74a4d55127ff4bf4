//! Comma-separated values, as RFC 4180 has them but for the end of a line.

use std::collections::HashSet;
use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use defender_core::is_unseen;

use super::columns;
use super::lines::{LineFormat, Lines};
use crate::{Cell, Column, NoRow, is_plain};

/// How CSV is written: for programs, unless something else is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CsvOptions {
    /// End lines with CRLF, as RFC 4180 and old Windows programs have it, instead of LF.
    pub crlf: bool,
    /// Begin with a byte order mark, without which Excel takes UTF-8 for the system's code page.
    pub bom: bool,
    /// Put an apostrophe before what a spreadsheet would take for a formula.
    ///
    /// That is text, header cells included, which begins with `=`, `+`, `-`, `@`, a tab or a line
    /// break, also in full width or behind blanks. Numbers keep their sign. The apostrophe becomes
    /// part of the cell for every reader, so this is for people and not for programs.
    ///
    /// Source: <https://owasp.org/www-community/attacks/CSV_Injection>
    pub escape_formulas: bool,
}

/// A header line, quotes where needed and doubled inside.
///
/// Null is an empty field and an empty string is `""`, so that they stay apart, except where a
/// null is all there is in a row: that is `""` too. A header that readers could take for something
/// else has a blank line above it, and in a row that they could take for none, a cell that needs
/// no quotes has them. Unless the options ask for it, a cell that
/// begins with `=`, `+`, `-` or `@` stays as it is: evidence is not altered.
pub(crate) struct Csv {
    schema: SchemaRef,
    options: CsvOptions,
    /// The names of the columns, without what readers pass over at their ends.
    names: HashSet<String>,
}

impl Csv {
    pub(crate) fn writer(
        schema: &SchemaRef,
        output: Box<dyn Write + Send>,
        options: CsvOptions,
    ) -> Lines<Self> {
        let names = schema.fields().iter();
        let format = Self {
            names: names.map(|field| bare(field.name()).to_owned()).collect(),
            schema: schema.clone(),
            options,
        };
        Lines::new(format, output)
    }

    fn end_line(&self, text: &mut String) {
        text.push_str(if self.options.crlf { "\r\n" } else { "\n" });
    }

    fn push_text(&self, line: &mut String, text: &str) {
        if self.options.escape_formulas && is_formula(text) {
            push_quoted(line, &format!("'{text}"));
        } else if text.starts_with('\u{feff}') {
            // At the beginning of a line it would be a mark between files.
            push_in_quotes(line, text);
        } else {
            push_quoted(line, text);
        }
    }

    fn push_name(&self, line: &mut String, name: &str) {
        let escaped =
            (self.options.escape_formulas && is_formula(name)).then(|| format!("'{name}"));
        let name = escaped.as_deref().unwrap_or(name);
        if is_plain_name(name) {
            push_quoted(line, name);
        } else {
            push_in_quotes(line, name);
        }
    }

    /// The cell that quotes mark, where readers would take the row for a header, for a line below one
    /// or for types.
    fn marked(&self, columns: &[Column<'_>], row: usize) -> Option<usize> {
        // Of nearly every row the first cell tells that it is none of those.
        let may_be = columns.iter().find_map(|column| match column.cell(row) {
            Cell::Null => None,
            Cell::Text(text) if text.is_empty() => None,
            Cell::Text(text) | Cell::Json(text) => {
                Some(self.names.contains(bare(&text)) || NoRow::may_begin_with(&text))
            }
            _ => Some(false),
        });
        if may_be != Some(true) {
            return None;
        }
        let cells: Vec<String> = (columns.iter())
            .map(|column| column.cell(row).to_string())
            .collect();
        let is_repeated = cells.iter().all(|cell| self.names.contains(bare(cell)));
        if !is_repeated && NoRow::of(&cells.iter().map(String::as_str)).is_none() {
            return None;
        }
        let at = (cells.iter()).position(|cell| is_bare(cell))?;
        // With an apostrophe before it, it looks like none of those.
        (!self.options.escape_formulas || !is_formula(&cells[at])).then_some(at)
    }

    fn push_cell(&self, text: &mut String, cell: &Cell<'_>) {
        match cell {
            // A number in a column of numbers or of JSON is one for a spreadsheet, too.
            Cell::Decimal(cell) | Cell::Json(cell) if is_number(cell) => text.push_str(cell),
            Cell::Decimal(cell) | Cell::Json(cell) | Cell::Text(cell) => self.push_text(text, cell),
            // Neither is a number for a spreadsheet.
            Cell::TimeSpan(..0) | Cell::Real(f64::NEG_INFINITY) if self.options.escape_formulas => {
                text.push('\'');
                cell.push_to(text);
            }
            cell => cell.push_to(text),
        }
    }
}

impl LineFormat for Csv {
    fn head(&self) -> String {
        let mut line = String::new();
        if self.options.bom {
            line.push('\u{feff}');
        }
        let start = line.len();
        for (index, field) in self.schema.fields().iter().enumerate() {
            separate(&mut line, index);
            self.push_name(&mut line, field.name());
        }
        let alone = self.schema.fields().len() == 1;
        let fields = self.schema.fields().iter();
        let names = || fields.clone().map(|field| field.name());
        // Without a name that stands as it is, no row could be marked by its quotes.
        let is_quoted = !names().any(|name| is_plain_name(name) && is_bare(name));
        let is_nameless = names().any(|name| name.trim().is_empty());
        if is_quoted || is_nameless || is_taken_for_another(&line[start..], alone) {
            let mut blank = String::new();
            self.end_line(&mut blank);
            line.insert_str(start, &blank);
        }
        self.end_line(&mut line);
        line
    }

    fn rows(&self, batch: &RecordBatch, text: &mut String) {
        let columns = columns(&self.schema, batch);
        for row in 0..batch.num_rows() {
            let start = text.len();
            let marked = self.marked(&columns, row);
            for (index, column) in columns.iter().enumerate() {
                separate(text, index);
                if marked == Some(index) {
                    push_in_quotes(text, &column.cell(row).to_string());
                } else {
                    self.push_cell(text, &column.cell(row));
                }
            }
            if text.len() == start {
                // Readers pass over an empty line, and the row with it.
                text.push_str("\"\"");
            }
            self.end_line(text);
        }
    }
}

/// Whether a name stays what it is for readers that guess: without quotes, blanks at its ends are
/// cut off, other characters may separate values, and a bracket may begin JSON.
fn is_plain_name(name: &str) -> bool {
    name.trim() == name
        && !name.starts_with(['\u{feff}', '{', '[', '<'])
        && !name
            .chars()
            .any(|one| one.is_control() || matches!(one, ';' | '|'))
}

/// A text without what readers pass over at the ends of a name.
fn bare(text: &str) -> &str {
    text.trim_start_matches('\u{feff}').trim_matches('"').trim()
}

/// Whether readers take a header for a line above it (`sep=;`, `#TYPE …`), or the one name of a
/// column for a line that is quoted as a whole. A blank line above tells them that it is neither.
fn is_taken_for_another(header: &str, alone: bool) -> bool {
    let first = header.trim_start_matches('"').to_ascii_lowercase();
    first.starts_with("sep=") || first.starts_with("#type ") || (alone && header.contains(','))
}

/// Whether a spreadsheet may take the text for a formula; some pass over what stands before it and
/// cannot be seen.
fn is_formula(text: &str) -> bool {
    let visible = text
        .trim_start_matches(|first: char| first.is_whitespace() || is_unseen(None, first, None));
    text.starts_with(['\t', '\r', '\n'])
        || visible.starts_with([
            '=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
        ])
}

/// Whether the text is a number and nothing else.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    digits.starts_with(|first: char| first.is_ascii_digit()) && text.parse::<f64>().is_ok()
}

fn separate(line: &mut String, index: usize) {
    if index > 0 {
        line.push(',');
    }
}

fn push_quoted(line: &mut String, text: &str) {
    if is_bare(text) {
        line.push_str(text);
    } else {
        push_in_quotes(line, text);
    }
}

/// Whether a cell stands without quotes.
fn is_bare(text: &str) -> bool {
    !text.is_empty() && is_plain(text)
}

fn push_in_quotes(line: &mut String, text: &str) {
    line.push('"');
    for (index, part) in text.split('"').enumerate() {
        if index > 0 {
            line.push_str("\"\"");
        }
        line.push_str(part);
    }
    line.push('"');
}
