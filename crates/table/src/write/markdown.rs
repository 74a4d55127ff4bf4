//! A Markdown table, as GitHub and most wikis read it.

use std::io::{self, BufWriter, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use defender_core::{Result, unseen};

use super::{columns, failed};
use crate::ColumnType;
use crate::{Cell, Warning, Writer};

/// A pipe, a line break and whatever Markdown or HTML would take for markup are escaped, so that
/// a cell cannot end its row or smuggle in a link or an image.
pub(crate) struct Markdown {
    schema: SchemaRef,
    output: BufWriter<Box<dyn Write + Send>>,
    headed: bool,
}

impl Markdown {
    pub(crate) fn new(schema: &SchemaRef, output: Box<dyn Write + Send>) -> Self {
        Self {
            schema: schema.clone(),
            output: BufWriter::new(output),
            headed: false,
        }
    }

    fn head(&mut self) -> io::Result<()> {
        if self.headed || self.schema.fields().is_empty() {
            return Ok(());
        }
        self.headed = true;
        let mut line = String::from("|");
        for field in self.schema.fields() {
            line.push(' ');
            push_escaped(&mut line, field.name());
            line.push_str(" |");
        }
        line.push_str("\n|");
        for field in self.schema.fields() {
            let right = matches!(
                ColumnType::of(field),
                ColumnType::Int | ColumnType::Long | ColumnType::Real | ColumnType::Decimal
            );
            line.push_str(if right { " ---: |" } else { " --- |" });
        }
        line.push('\n');
        self.output.write_all(line.as_bytes())
    }

    fn rows(&mut self, batch: &RecordBatch) -> io::Result<()> {
        self.head()?;
        let columns = columns(&self.schema, batch);
        let mut line = String::new();
        for row in 0..batch.num_rows() {
            line.clear();
            line.push('|');
            for column in &columns {
                line.push(' ');
                match column.cell(row) {
                    Cell::Text(text) | Cell::Json(text) | Cell::Decimal(text) => {
                        push_escaped(&mut line, &text);
                    }
                    cell => cell.push_to(&mut line),
                }
                line.push_str(" |");
            }
            line.push('\n');
            self.output.write_all(line.as_bytes())?;
        }
        Ok(())
    }
}

fn push_escaped(line: &mut String, text: &str) {
    let mut characters = unseen(text).peekable();
    while let Some((character, is_unseen)) = characters.next() {
        let next = characters.peek().map(|(next, _)| *next);
        match character {
            '\r' if next == Some('\n') => {}
            '\r' | '\n' => line.push_str("<br>"),
            '\t' => line.push(' '),
            '<' => line.push_str("&lt;"),
            '>' => line.push_str("&gt;"),
            '&' => line.push_str("&amp;"),
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '!' | '#' | '~' | '$' => {
                line.push('\\');
                line.push(character);
            }
            // Bare addresses become links by themselves; an empty comment parts them.
            ':' if next == Some('/') => line.push_str("&#58;"),
            _ if is_unseen => line.push('\u{fffd}'),
            character => line.push(character),
        }
    }
}

impl Writer for Markdown {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows(batch).map_err(failed)
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<Warning>> {
        self.head()
            .and_then(|()| self.output.flush())
            .map_err(failed)?;
        Ok(Vec::new())
    }
}
