//! Comma-separated values, as RFC 4180 has them.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::columns;
use super::lines::{LineFormat, Lines};
use crate::Cell;

/// A header line, CRLF at each line's end, quotes where needed and doubled inside.
///
/// Null is an empty field and an empty string is `""`, so that they stay apart, except where a
/// null is all there is in a row: that is `""` too. A cell that begins
/// with `=`, `+`, `-` or `@` stays as it is: evidence is not altered; a spreadsheet that takes it
/// for a formula must be told to import the file as text.
pub(crate) struct Csv {
    schema: SchemaRef,
}

impl Csv {
    pub(crate) fn writer(schema: &SchemaRef, output: Box<dyn Write + Send>) -> Lines<Self> {
        let schema = schema.clone();
        Lines::new(Self { schema }, output)
    }
}

impl LineFormat for Csv {
    fn head(&self) -> String {
        let mut line = String::new();
        for (index, field) in self.schema.fields().iter().enumerate() {
            separate(&mut line, index);
            push_quoted(&mut line, field.name());
        }
        line.push_str("\r\n");
        line
    }

    fn rows(&self, batch: &RecordBatch, text: &mut String) {
        let columns = columns(&self.schema, batch);
        for row in 0..batch.num_rows() {
            let start = text.len();
            for (index, column) in columns.iter().enumerate() {
                separate(text, index);
                match column.cell(row) {
                    Cell::Text(cell) | Cell::Json(cell) | Cell::Decimal(cell) => {
                        push_quoted(text, &cell);
                    }
                    cell => cell.push_to(text),
                }
            }
            if text.len() == start {
                // Readers pass over an empty line, and the row with it.
                text.push_str("\"\"");
            }
            text.push_str("\r\n");
        }
    }
}

fn separate(line: &mut String, index: usize) {
    if index > 0 {
        line.push(',');
    }
}

fn push_quoted(line: &mut String, text: &str) {
    let plain = !text.is_empty()
        && !text
            .bytes()
            .any(|byte| matches!(byte, b'"' | b',' | b'\r' | b'\n'));
    if plain {
        line.push_str(text);
        return;
    }
    line.push('"');
    for (index, part) in text.split('"').enumerate() {
        if index > 0 {
            line.push_str("\"\"");
        }
        line.push_str(part);
    }
    line.push('"');
}
