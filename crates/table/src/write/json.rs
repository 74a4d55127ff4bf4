//! JSON: one array of objects, or one object a line.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::columns;
use super::lines::{LineFormat, Lines};
use crate::json_text;

/// Datetimes and timespans are text, dynamic values nest, integers are exact; NaN and the
/// infinities, which JSON lacks, are text, and so are decimals, which most readers would round.
pub(crate) struct Json {
    schema: SchemaRef,
    /// Each column's name with what stands around it.
    keys: Vec<String>,
    array: bool,
}

impl Json {
    pub(crate) fn array(schema: &SchemaRef, output: Box<dyn Write + Send>) -> Lines<Self> {
        Self::writer(schema, output, true)
    }

    pub(crate) fn lines(schema: &SchemaRef, output: Box<dyn Write + Send>) -> Lines<Self> {
        Self::writer(schema, output, false)
    }

    fn writer(schema: &SchemaRef, output: Box<dyn Write + Send>, array: bool) -> Lines<Self> {
        let keys = schema.fields().iter().enumerate().map(|(index, field)| {
            let comma = if index == 0 { "" } else { "," };
            format!("{comma}{}:", serde_json::Value::from(field.name().as_str()))
        });
        let format = Self {
            schema: schema.clone(),
            keys: keys.collect(),
            array,
        };
        Lines::new(format, output)
    }
}

impl LineFormat for Json {
    fn head(&self) -> String {
        if self.array { "[" } else { "" }.to_owned()
    }

    fn between(&self) -> &'static str {
        if self.array { "," } else { "" }
    }

    fn rows(&self, batch: &RecordBatch, text: &mut String) {
        let columns = columns(&self.schema, batch);
        let (before, after) = if self.array {
            (",\n{", "}")
        } else {
            ("{", "}\n")
        };
        for row in 0..batch.num_rows() {
            text.push_str(before);
            for (key, column) in self.keys.iter().zip(&columns) {
                text.push_str(key);
                json_text::push_cell(text, &column.cell(row));
            }
            text.push_str(after);
        }
    }

    fn tail(&self, empty: bool) -> &'static str {
        match (self.array, empty) {
            (true, true) => "]\n",
            (true, false) => "\n]\n",
            (false, _) => "",
        }
    }
}
