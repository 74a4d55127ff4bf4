//! Comma-separated values, as RFC 4180 has them.

use std::io::{self, BufWriter, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use defender_core::Result;

use super::{columns, failed};
use crate::{Cell, Writer};

/// A header line, CRLF at each line's end, quotes where needed and doubled inside.
///
/// Null is an empty field and an empty string is `""`, so that they stay apart, except where a
/// null is all there is in a row: that is `""` too. A cell that begins
/// with `=`, `+`, `-` or `@` stays as it is: evidence is not altered; a spreadsheet that takes it
/// for a formula must be told to import the file as text.
pub(crate) struct Csv {
    schema: SchemaRef,
    output: BufWriter<Box<dyn Write + Send>>,
    headed: bool,
}

impl Csv {
    pub(crate) fn new(schema: &SchemaRef, output: Box<dyn Write + Send>) -> Self {
        Self {
            schema: schema.clone(),
            output: BufWriter::new(output),
            headed: false,
        }
    }

    fn head(&mut self) -> io::Result<()> {
        if self.headed {
            return Ok(());
        }
        self.headed = true;
        let mut line = String::new();
        for (index, field) in self.schema.fields().iter().enumerate() {
            separate(&mut line, index);
            push_quoted(&mut line, field.name());
        }
        line.push_str("\r\n");
        self.output.write_all(line.as_bytes())
    }

    fn rows(&mut self, batch: &RecordBatch) -> io::Result<()> {
        self.head()?;
        let columns = columns(&self.schema, batch);
        let mut line = String::new();
        for row in 0..batch.num_rows() {
            line.clear();
            for (index, column) in columns.iter().enumerate() {
                separate(&mut line, index);
                match column.cell(row) {
                    Cell::Text(text) | Cell::Json(text) | Cell::Decimal(text) => {
                        push_quoted(&mut line, &text);
                    }
                    cell => cell.push_to(&mut line),
                }
            }
            if line.is_empty() {
                // Readers pass over an empty line, and the row with it.
                line.push_str("\"\"");
            }
            line.push_str("\r\n");
            self.output.write_all(line.as_bytes())?;
        }
        Ok(())
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

impl Writer for Csv {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows(batch).map_err(failed)
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.head()
            .and_then(|()| self.output.flush())
            .map_err(failed)
    }
}
