//! Aligned columns for people.

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use defender_core::{Result, unseen};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::{columns, failed};
use crate::{ColumnType, Warning, Writer, WriterOptions};

/// Two spaces part the columns: nothing to strip when a line is copied.
const GAP: usize = 2;
/// No column of text is cut below this.
const LEAST: usize = 12;

/// Fits lines to a width: long cells are cut with `…`, columns that find no room are named below.
/// Without a width every cell is whole. Control characters, line breaks and characters that turn
/// the direction of text are shown as escapes, so that a cell cannot steer the terminal.
pub(crate) struct Text {
    output: BufWriter<Box<dyn Write + Send>>,
    schema: SchemaRef,
    width: Option<usize>,
    columns: Vec<TextColumn>,
    rows: usize,
}

struct TextColumn {
    name: String,
    right: bool,
    /// Whether a part of a value would pass for another one: numbers, times and names that are
    /// typed elsewhere are never cut.
    rigid: bool,
    cells: Vec<String>,
    /// The widest cell, name included.
    widest: usize,
}

impl Text {
    pub(crate) fn new(
        schema: &SchemaRef,
        output: Box<dyn Write + Send>,
        options: &WriterOptions,
    ) -> Self {
        let columns = schema.fields().iter().enumerate().map(|(index, field)| {
            let name = escape(field.name()).into_owned();
            TextColumn {
                right: matches!(
                    ColumnType::of(field),
                    ColumnType::Int | ColumnType::Long | ColumnType::Real | ColumnType::Decimal
                ),
                rigid: index < options.whole_columns
                    || !matches!(
                        ColumnType::of(field),
                        ColumnType::String | ColumnType::Dynamic | ColumnType::Guid
                    ),
                widest: name.width(),
                cells: Vec::new(),
                name,
            }
        });
        Self {
            output: BufWriter::new(output),
            schema: schema.clone(),
            width: options.width,
            columns: columns.collect(),
            rows: 0,
        }
    }

    /// Keeps a cell, no longer than could ever be shown.
    fn keep(column: &mut TextColumn, text: &str, width: Option<usize>) {
        let text = escape(text);
        let text = match width {
            Some(width) if !column.rigid => cut(&text, width).into_owned(),
            _ => text.into_owned(),
        };
        column.widest = column.widest.max(text.width());
        column.cells.push(text);
    }

    fn print(&mut self) -> io::Result<()> {
        let widths = match self.width {
            Some(width) => fit(&self.columns, width),
            None => self.columns.iter().map(|column| column.widest).collect(),
        };
        if widths.is_empty() {
            return Ok(());
        }
        self.line(&widths, |column| &column.name)?;
        let mut rule = String::new();
        for (index, width) in widths.iter().enumerate() {
            if index > 0 {
                rule.push_str(&" ".repeat(GAP));
            }
            rule.push_str(&"-".repeat(*width));
        }
        writeln!(self.output, "{rule}")?;
        for row in 0..self.rows {
            self.line(&widths, |column| &column.cells[row])?;
        }
        let hidden: Vec<_> = self.columns[widths.len()..]
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        if !hidden.is_empty() {
            let count = hidden.len();
            let noun = if count == 1 { "column" } else { "columns" };
            let note = format!("… {count} more {noun}: {}", hidden.join(", "));
            let width = self.width.unwrap_or(usize::MAX);
            writeln!(self.output, "{}", cut(&note, width))?;
        }
        Ok(())
    }

    fn line<'a>(
        &'a mut self,
        widths: &[usize],
        cell: impl Fn(&'a TextColumn) -> &'a String,
    ) -> io::Result<()> {
        let mut line = String::new();
        for (index, (column, width)) in self.columns.iter().zip(widths).enumerate() {
            let text = cut(cell(column), *width);
            let blank = std::iter::repeat_n(' ', width - text.width().min(*width));
            if index > 0 {
                line.extend(std::iter::repeat_n(' ', GAP));
            }
            if column.right {
                line.extend(blank);
                line.push_str(&text);
            } else {
                line.push_str(&text);
                line.extend(blank);
            }
        }
        line.truncate(line.trim_end_matches(' ').len());
        line.push('\n');
        self.output.write_all(line.as_bytes())
    }
}

/// The widths of the leading columns that find room in `width`.
///
/// As many columns as can have their least width are shown; what is left over goes to those that
/// want more, the modest first.
fn fit(columns: &[TextColumn], width: usize) -> Vec<usize> {
    let least = |column: &TextColumn| {
        if column.rigid {
            column.widest
        } else {
            column.widest.min(LEAST)
        }
    };
    let mut used = 0;
    let mut shown = 0;
    for column in columns {
        let gap = if shown == 0 { 0 } else { GAP };
        if shown > 0 && used + gap + least(column) > width {
            break;
        }
        used += gap + least(column);
        shown += 1;
    }
    let mut widths: Vec<usize> = columns[..shown].iter().map(least).collect();
    let mut room = width.saturating_sub(used);
    let mut order: Vec<usize> = (0..shown).collect();
    order.sort_by_key(|index| columns[*index].widest - widths[*index]);
    for (done, index) in order.iter().enumerate() {
        let share = room / (shown - done);
        let more = share.min(columns[*index].widest - widths[*index]);
        widths[*index] += more;
        room -= more;
    }
    widths
}

/// The text itself, or as much of it as fits in front of a `…`.
fn cut(text: &str, width: usize) -> Cow<'_, str> {
    // A text of fewer bytes than columns is narrow enough whatever it holds.
    if text.len() <= width || text.width() <= width {
        return text.into();
    }
    let mut used = 0;
    let mut end = 0;
    for (index, character) in text.char_indices() {
        used += character.width().unwrap_or(0);
        if used >= width {
            break;
        }
        end = index + character.len_utf8();
    }
    format!("{}…", &text[..end]).into()
}

/// Makes a text safe and one line long.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    let is_plain = |byte| (b' '..0x7f).contains(&byte);
    if text.bytes().all(is_plain) || !unseen(text).any(|(_, is_unseen)| is_unseen) {
        return text.into();
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for (character, is_unseen) in unseen(text) {
        match character {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            character if is_unseen => safe.extend(character.escape_unicode()),
            character => safe.push(character),
        }
    }
    safe.into()
}

impl Writer for Text {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut text = String::new();
        let width = self.width;
        for (column, source) in self.columns.iter_mut().zip(columns(&self.schema, batch)) {
            for row in 0..batch.num_rows() {
                text.clear();
                source.cell(row).push_to(&mut text);
                Self::keep(column, &text, width);
            }
        }
        self.rows += batch.num_rows();
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<Warning>> {
        self.print()
            .and_then(|()| self.output.flush())
            .map_err(failed)?;
        Ok(Vec::new())
    }
}
