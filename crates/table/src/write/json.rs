//! JSON: one array of objects, or one object a line.

use std::io::{self, BufWriter, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use defender_core::Result;
use serde::de::IgnoredAny;

use super::{columns, failed};
use crate::{Cell, Writer, ticks};

/// Datetimes and timespans are text, dynamic values nest, integers are exact; NaN and the
/// infinities, which JSON lacks, are text, and so are decimals, which most readers would round.
pub(crate) struct Json {
    schema: SchemaRef,
    output: BufWriter<Box<dyn Write + Send>>,
    keys: Vec<String>,
    array: bool,
    empty: bool,
}

impl Json {
    pub(crate) fn array(schema: &SchemaRef, output: Box<dyn Write + Send>) -> Self {
        Self::new(schema, output, true)
    }

    pub(crate) fn lines(schema: &SchemaRef, output: Box<dyn Write + Send>) -> Self {
        Self::new(schema, output, false)
    }

    fn new(schema: &SchemaRef, output: Box<dyn Write + Send>, array: bool) -> Self {
        let keys = schema.fields().iter().enumerate().map(|(index, field)| {
            let comma = if index == 0 { "" } else { "," };
            format!("{comma}{}:", serde_json::Value::from(field.name().as_str()))
        });
        Self {
            schema: schema.clone(),
            output: BufWriter::new(output),
            keys: keys.collect(),
            array,
            empty: true,
        }
    }

    fn rows(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let columns = columns(&self.schema, batch);
        let mut text = String::new();
        for row in 0..batch.num_rows() {
            let before = match (self.array, self.empty) {
                (true, true) => "[\n{",
                (true, false) => ",\n{",
                (false, _) => "{",
            };
            self.output.write_all(before.as_bytes())?;
            self.empty = false;
            for (key, column) in self.keys.iter().zip(&columns) {
                self.output.write_all(key.as_bytes())?;
                text.clear();
                write_cell(&mut self.output, &column.cell(row), &mut text)?;
            }
            let after: &[u8] = if self.array { b"}" } else { b"}\n" };
            self.output.write_all(after)?;
        }
        Ok(())
    }
}

fn write_cell(output: &mut impl Write, cell: &Cell<'_>, scratch: &mut String) -> io::Result<()> {
    match cell {
        Cell::Null => output.write_all(b"null"),
        Cell::Bool(_) | Cell::Long(_) => {
            cell.push_to(scratch);
            output.write_all(scratch.as_bytes())
        }
        Cell::Real(value) if value.is_finite() => {
            cell.push_to(scratch);
            output.write_all(scratch.as_bytes())
        }
        Cell::DateTime(value) => {
            ticks::push_datetime(scratch, *value);
            write!(output, "\"{scratch}\"")
        }
        Cell::Real(_) | Cell::TimeSpan(_) => {
            cell.push_to(scratch);
            write!(output, "\"{scratch}\"")
        }
        // A dynamic column from elsewhere may hold text that is no JSON; quoted it still is a value.
        Cell::Json(text) if serde_json::from_str::<IgnoredAny>(text).is_ok() => {
            if text.contains('\n') {
                write_one_line(output, text)
            } else {
                output.write_all(text.as_bytes())
            }
        }
        Cell::Decimal(text) | Cell::Text(text) | Cell::Json(text) => {
            serde_json::to_writer(output, text.as_ref()).map_err(io::Error::from)
        }
    }
}

/// Valid JSON holds line breaks only between its tokens, where a space means the same.
fn write_one_line(output: &mut impl Write, text: &str) -> io::Result<()> {
    output.write_all(text.replace(['\n', '\r'], " ").as_bytes())
}

impl Writer for Json {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows(batch).map_err(failed)
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        let end: &[u8] = match (self.array, self.empty) {
            (true, true) => b"[]\n",
            (true, false) => b"\n]\n",
            (false, _) => b"",
        };
        self.output
            .write_all(end)
            .and_then(|()| self.output.flush())
            .map_err(failed)
    }
}
