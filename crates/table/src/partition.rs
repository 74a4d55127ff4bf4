//! A dataset: a folder of files, one folder within it for each value of the columns it is
//! partitioned by, as Hive, Spark, `DuckDB` and Polars read it.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{Schema, SchemaRef};
use defender_core::{Error, ErrorKind, Result};

use crate::{Cell, Column, ColumnType, Format, Warning, Writer, WriterOptions, ticks};

/// Opens the file of this path, which is relative and has `/` between its parts.
pub type OpenPart = Box<dyn FnMut(&str) -> Result<Box<dyn io::Write + Send>> + Send>;

/// Where Hive, and all who read its folders, look for rows without a value.
const NONE: &str = "__HIVE_DEFAULT_PARTITION__";
/// Bytes of rows that are kept back in all, so that files are few and large.
const KEPT: usize = 64 << 20;
/// The longest name of a folder: file systems end at 255 bytes.
const LONGEST: usize = 255;

/// Writes rows into `name=value/…/part-0.parquet` by the values of some columns.
///
/// A column is found by its name in any case, and is left out of the files, since their folders say
/// it. `date` without a column of that name is the day, in UTC, of `Timestamp` or else of the first
/// datetime, which stays in the files. Rows are kept back until there are many, then the partition
/// that has most is written; so one file is open at a time, whatever the number of partitions, and
/// a partition may get more files than one.
pub struct Partitioned {
    keys: Vec<Key>,
    /// The columns that stay in the files.
    kept: Vec<usize>,
    schema: SchemaRef,
    file_schema: SchemaRef,
    format: Format,
    options: WriterOptions,
    open: OpenPart,
    partitions: HashMap<String, Partition>,
    bytes: usize,
    limit: usize,
    /// Of the files that are written.
    warnings: Vec<Warning>,
}

/// What a folder is named after.
struct Key {
    name: String,
    column: usize,
    day: bool,
}

#[derive(Default)]
struct Partition {
    waiting: Vec<RecordBatch>,
    bytes: usize,
    files: usize,
}

impl Partitioned {
    /// A writer of a dataset that is partitioned by the columns `names`, outermost first; each of
    /// its files is written as `options` say.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] when there is no such column, a name stands twice, no column would be
    /// left, or the format has no files that could be read together.
    pub fn new(
        schema: &SchemaRef,
        names: &[String],
        format: Format,
        options: &WriterOptions,
        open: OpenPart,
    ) -> Result<Self> {
        if !matches!(
            format,
            Format::Parquet | Format::Csv | Format::Ndjson | Format::Arrow
        ) {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("a partitioned result cannot be written as {format}"),
            )
            .with_hint("it is one of parquet, csv, ndjson, arrow"));
        }
        let mut keys: Vec<Key> = Vec::new();
        for name in names {
            let key = key(schema, name)?;
            if keys
                .iter()
                .any(|known| (known.column, known.day) == (key.column, key.day))
            {
                return Err(Error::new(
                    ErrorKind::Usage,
                    format!("the result is partitioned by {name} twice"),
                ));
            }
            keys.push(key);
        }
        let kept: Vec<usize> = (0..schema.fields().len())
            .filter(|index| !keys.iter().any(|key| !key.day && key.column == *index))
            .collect();
        if kept.is_empty() {
            return Err(Error::new(
                ErrorKind::Usage,
                "a partitioned result needs a column that it is not partitioned by",
            ));
        }
        let fields: Vec<_> = kept
            .iter()
            .map(|index| schema.field(*index).clone())
            .collect();
        Ok(Self {
            keys,
            kept,
            schema: schema.clone(),
            file_schema: Schema::new_with_metadata(fields, schema.metadata().clone()).into(),
            format,
            options: options.clone(),
            open,
            partitions: HashMap::new(),
            bytes: 0,
            limit: KEPT,
            warnings: Vec::new(),
        })
    }

    /// The rows of each partition, by its folder.
    fn split(&self, batch: &RecordBatch) -> Result<Vec<(String, Vec<u32>)>> {
        let columns: Vec<_> = self
            .keys
            .iter()
            .map(|key| Column::of(self.schema.field(key.column), batch.column(key.column)))
            .collect();
        let mut groups: Vec<(String, Vec<u32>)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut folder = String::new();
        for row in 0..batch.num_rows() {
            folder.clear();
            for (key, column) in self.keys.iter().zip(&columns) {
                push_folder(&mut folder, key, &column.cell(row))?;
            }
            let place = if let Some(place) = places.get(&folder) {
                *place
            } else {
                groups.push((folder.clone(), Vec::new()));
                places.insert(folder.clone(), groups.len() - 1);
                groups.len() - 1
            };
            let row = u32::try_from(row).map_err(|_| {
                Error::new(
                    ErrorKind::Protocol,
                    "a batch has more rows than a file can hold",
                )
            })?;
            groups[place].1.push(row);
        }
        Ok(groups)
    }

    /// Writes what the partition keeps back as one more file.
    fn write_out(&mut self, folder: &str) -> Result<()> {
        let Some(partition) = self.partitions.get_mut(folder) else {
            return Ok(());
        };
        let batches = std::mem::take(&mut partition.waiting);
        self.bytes -= std::mem::take(&mut partition.bytes);
        let path = format!(
            "{folder}part-{}.{}",
            partition.files,
            extension(self.format)
        );
        partition.files += 1;
        let output = (self.open)(&path)?;
        let mut writer = self
            .format
            .writer(&self.file_schema, output, &self.options)?;
        for batch in &batches {
            writer.write(batch)?;
        }
        Warning::add(&mut self.warnings, writer.finish()?);
        Ok(())
    }
}

impl Writer for Partitioned {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let groups = self.split(batch)?;
        let unwritable = |error| {
            Error::new(ErrorKind::Protocol, "the rows cannot be partitioned").with_source(error)
        };
        let kept = batch.project(&self.kept).map_err(unwritable)?;
        for (folder, rows) in groups {
            // A copy, even of a whole batch: slices would keep each other's memory alive.
            let part = take_record_batch(&kept, &UInt32Array::from(rows)).map_err(unwritable)?;
            let bytes = part.get_array_memory_size();
            let partition = self.partitions.entry(folder).or_default();
            partition.waiting.push(part);
            partition.bytes += bytes;
            self.bytes += bytes;
        }
        while self.bytes > self.limit {
            let largest = self
                .partitions
                .iter()
                .max_by_key(|(_, partition)| partition.bytes);
            let Some(folder) = largest.map(|(folder, _)| folder.clone()) else {
                break;
            };
            self.write_out(&folder)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<Warning>> {
        let mut folders: Vec<String> = self
            .partitions
            .iter()
            .filter(|(_, partition)| !partition.waiting.is_empty())
            .map(|(folder, _)| folder.clone())
            .collect();
        folders.sort_unstable();
        for folder in folders {
            self.write_out(&folder)?;
        }
        Ok(self.warnings)
    }
}

fn key(schema: &Schema, name: &str) -> Result<Key> {
    let fields = schema.fields();
    let named = |wanted: &str| {
        fields
            .iter()
            .position(|field| field.name() == wanted)
            .or_else(|| {
                fields
                    .iter()
                    .position(|field| field.name().eq_ignore_ascii_case(wanted))
            })
    };
    let is_datetime = |index: &usize| ColumnType::of(&fields[*index]) == ColumnType::DateTime;
    let found = if let Some(column) = named(name) {
        Some((column, false))
    } else if name.eq_ignore_ascii_case("date") {
        named("Timestamp")
            .filter(is_datetime)
            .or_else(|| (0..fields.len()).find(is_datetime))
            .map(|column| (column, true))
    } else {
        None
    };
    match found {
        Some((column, day)) => Ok(Key {
            name: name.to_owned(),
            column,
            day,
        }),
        None if name.eq_ignore_ascii_case("date") => Err(Error::new(
            ErrorKind::Usage,
            "date is made from Timestamp, which the result does not have",
        )
        .with_hint("keep Timestamp, or another datetime, in the result")),
        None => Err(Error::new(
            ErrorKind::Usage,
            format!("the result has no column {name} to be partitioned by"),
        )),
    }
}

fn push_folder(folder: &mut String, key: &Key, cell: &Cell<'_>) -> Result<()> {
    let start = folder.len();
    push_escaped(folder, &key.name);
    folder.push('=');
    let value = folder.len();
    match cell {
        // A day is the first ten characters of a datetime, also where that is kept as text.
        Cell::DateTime(moment) if key.day => {
            ticks::push_datetime(folder, *moment);
            folder.truncate(value + 10);
        }
        Cell::Text(text) if key.day => {
            if let Some(moment) = ticks::parse_datetime(text) {
                ticks::push_datetime(folder, moment);
                folder.truncate(value + 10);
            }
        }
        Cell::Text(text) | Cell::Json(text) | Cell::Decimal(text) => push_escaped(folder, text),
        other => {
            let mut text = String::new();
            other.push_to(&mut text);
            push_escaped(folder, &text);
        }
    }
    if folder.len() == value {
        folder.push_str(NONE);
    }
    if folder.len() - start > LONGEST {
        return Err(Error::new(
            ErrorKind::Usage,
            format!(
                "a value of {} is too long for the name of a folder",
                key.name
            ),
        )
        .with_hint("partition by a column of short values"));
    }
    folder.push('/');
    Ok(())
}

/// Percent signs for what Hive escapes, and for what some file system does not take.
fn push_escaped(folder: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '"'
            | '#'
            | '%'
            | '\''
            | '*'
            | '/'
            | ':'
            | '='
            | '?'
            | '\\'
            | '{'
            | '['
            | ']'
            | '^'
            | '<'
            | '>'
            | '|'
            | '\0'..=' '
            | '\u{7f}' => {
                let _ = write!(folder, "%{:02X}", u32::from(character));
            }
            other => folder.push(other),
        }
    }
    // A dot or a blank at the end is lost on Windows.
    if folder.ends_with('.') {
        folder.pop();
        folder.push_str("%2E");
    }
}

fn extension(format: Format) -> &'static str {
    match format {
        Format::Parquet => "parquet",
        Format::Arrow => "arrow",
        Format::Csv => "csv",
        _ => "ndjson",
    }
}

impl std::fmt::Debug for Partitioned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Partitioned")
            .field("format", &self.format)
            .field("partitions", &self.partitions.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
