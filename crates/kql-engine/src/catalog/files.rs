//! Tables that are files on disk.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, LargeStringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::ipc::reader::{FileReader, StreamReader};
use arrow::record_batch::{RecordBatch, RecordBatchReader};
use flate2::read::MultiGzDecoder;
use kql_semantics::ScalarType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{Loaded, adapt, json};
use crate::EngineError;

/// How a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Separated(u8),
    Parquet,
    Arrow,
}

/// What is in the name of a file: its table, its format, whether it is compressed.
fn describe(path: &Path) -> Option<(String, Format, bool)> {
    let name = path.file_name()?.to_str()?;
    let (stem, gzip) = match name.strip_suffix(".gz") {
        Some(stem) => (stem, true),
        None => (name, false),
    };
    let (table, extension) = stem.rsplit_once('.')?;
    let format = match extension.to_ascii_lowercase().as_str() {
        "json" | "ndjson" | "jsonl" => Format::Json,
        "csv" => Format::Separated(b','),
        "tsv" => Format::Separated(b'\t'),
        "parquet" => Format::Parquet,
        "arrow" | "feather" => Format::Arrow,
        _ => return None,
    };
    if gzip && matches!(format, Format::Parquet | Format::Arrow) {
        return None;
    }
    let table = table.split('.').next()?;
    (!table.is_empty()).then(|| (table.to_owned(), format, gzip))
}

fn failed(path: &Path, error: impl std::fmt::Display) -> EngineError {
    EngineError::runtime(format!("cannot read {}: {error}", path.display()))
}

fn listing(folder: &Path) -> Result<Vec<PathBuf>, EngineError> {
    let mut paths = std::fs::read_dir(folder)
        .and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.path()))
                .collect::<Result<Vec<_>, _>>()
        })
        .map_err(|error| failed(folder, error))?;
    paths.sort();
    Ok(paths)
}

/// The tables in `folder` and their files.
pub(super) fn tables_of(folder: &Path) -> Result<BTreeMap<String, Vec<PathBuf>>, EngineError> {
    let mut tables: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for path in listing(folder)? {
        if path.is_dir() {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            if name.starts_with('.') {
                continue;
            }
            let mut waiting = vec![path.clone()];
            while let Some(next) = waiting.pop() {
                for inner in listing(&next)? {
                    if inner.is_dir() {
                        waiting.push(inner);
                    } else if describe(&inner).is_some() {
                        tables.entry(name.to_owned()).or_default().push(inner);
                    }
                }
            }
        } else if let Some((table, _, _)) = describe(&path) {
            tables.entry(table).or_default().push(path);
        }
    }
    for paths in tables.values_mut() {
        paths.sort();
    }
    Ok(tables)
}

/// Reads the files of one table.
pub(super) fn read(
    declared: Option<&[(String, ScalarType)]>,
    paths: &[PathBuf],
) -> Result<Loaded, EngineError> {
    let mut lines = json::Lines::new(declared);
    let mut batches = Vec::new();
    for path in paths {
        let Some((_, format, gzip)) = describe(path) else {
            return Err(failed(
                path,
                "its extension names no format that can be read",
            ));
        };
        let file = File::open(path).map_err(|error| failed(path, error))?;
        let mut source: Box<dyn BufRead> = if gzip {
            Box::new(BufReader::with_capacity(
                1 << 16,
                MultiGzDecoder::new(BufReader::new(file)),
            ))
        } else if matches!(format, Format::Json | Format::Separated(_)) {
            Box::new(BufReader::with_capacity(1 << 16, file))
        } else {
            match format {
                Format::Parquet => batches.extend(parquet_file(path, file)?),
                _ => batches.extend(arrow_file(path, file)?),
            }
            continue;
        };
        match format {
            Format::Json => lines.read(&mut source, &path.display().to_string())?,
            Format::Separated(separator) => {
                let mut text = String::new();
                source
                    .read_to_string(&mut text)
                    .map_err(|error| failed(path, error))?;
                batches.push(separated(&text, separator).map_err(|error| failed(path, error))?);
            }
            Format::Parquet | Format::Arrow => {}
        }
    }
    if batches.is_empty() {
        return lines.finish();
    }
    let mut columns = declared.map(<[_]>::to_vec).unwrap_or_default();
    for (name, ty) in adapt::all_columns(&batches) {
        if !columns.iter().any(|(known, _)| *known == name) {
            columns.push((name, ty));
        }
    }
    let from_lines = lines.finish_with(&mut columns)?;
    let mut loaded = adapt::batches(Some(&columns), &batches)?;
    if let Some(more) = from_lines {
        loaded.batches.extend(more.batches);
    }
    Ok(loaded)
}

fn parquet_file(path: &Path, file: File) -> Result<Vec<RecordBatch>, EngineError> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(|builder| builder.with_batch_size(8192).build())
        .map_err(|error| failed(path, error))?;
    all(path, reader)
}

/// The batches of a file; one without rows keeps its columns.
fn all(path: &Path, reader: impl RecordBatchReader) -> Result<Vec<RecordBatch>, EngineError> {
    let schema = reader.schema();
    let mut batches = reader
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| failed(path, error))?;
    if batches.is_empty() {
        batches.push(RecordBatch::new_empty(schema));
    }
    Ok(batches)
}

fn arrow_file(path: &Path, file: File) -> Result<Vec<RecordBatch>, EngineError> {
    if let Ok(reader) = FileReader::try_new_buffered(file, None) {
        all(path, reader)
    } else {
        let file = File::open(path).map_err(|error| failed(path, error))?;
        let reader =
            StreamReader::try_new_buffered(file, None).map_err(|error| failed(path, error))?;
        all(path, reader)
    }
}

/// Separated values with a header line; quotes as RFC 4180 has them. All columns are text here,
/// types come with the declared columns.
fn separated(text: &str, separator: u8) -> Result<RecordBatch, String> {
    let mut records = Records {
        rest: text.strip_prefix('\u{feff}').unwrap_or(text),
        separator,
        line: 1,
    };
    let header = records
        .next()
        .transpose()?
        .map_or_else(Vec::new, |(_, header)| header);
    let mut columns: Vec<Vec<String>> = vec![Vec::new(); header.len()];
    for record in records {
        let (line, fields) = record?;
        if fields.len() == 1 && fields[0].is_empty() && header.len() != 1 {
            continue;
        }
        if fields.len() != header.len() {
            return Err(format!(
                "line {line} has {} fields where the header has {}",
                fields.len(),
                header.len()
            ));
        }
        for (column, field) in columns.iter_mut().zip(fields) {
            column.push(field);
        }
    }
    let schema = Schema::new(
        header
            .iter()
            .map(|name| Field::new(name.trim(), DataType::LargeUtf8, true))
            .collect::<Vec<_>>(),
    );
    let rows = columns.first().map_or(0, Vec::len);
    let arrays: Vec<ArrayRef> = columns
        .into_iter()
        .map(|column| Arc::new(LargeStringArray::from_iter_values(column)) as ArrayRef)
        .collect();
    let options = arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(schema), arrays, &options)
        .map_err(|error| error.to_string())
}

struct Records<'a> {
    rest: &'a str,
    separator: u8,
    line: usize,
}

impl Iterator for Records<'_> {
    type Item = Result<(usize, Vec<String>), String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let start = self.line;
        let mut fields = Vec::new();
        loop {
            let mut field = String::new();
            if let Some(mut inner) = self.rest.strip_prefix('"') {
                loop {
                    let Some(at) = inner.find('"') else {
                        self.rest = "";
                        return Some(Err(format!(
                            "the quote opened on line {start} is not closed"
                        )));
                    };
                    field.push_str(&inner[..at]);
                    inner = &inner[at + 1..];
                    match inner.strip_prefix('"') {
                        Some(after) => {
                            field.push('"');
                            inner = after;
                        }
                        None => break,
                    }
                }
                self.line += field.matches('\n').count();
                self.rest = inner;
            }
            let separator = self.separator;
            let end = self
                .rest
                .bytes()
                .position(|byte| byte == separator || byte == b'\n' || byte == b'\r')
                .unwrap_or(self.rest.len());
            field.push_str(&self.rest[..end]);
            fields.push(field);
            match self.rest.as_bytes().get(end) {
                Some(byte) if *byte == separator => self.rest = &self.rest[end + 1..],
                Some(b'\r') if self.rest[end..].starts_with("\r\n") => {
                    self.rest = &self.rest[end + 2..];
                    break;
                }
                Some(_) => {
                    self.rest = &self.rest[end + 1..];
                    break;
                }
                None => {
                    self.rest = "";
                    break;
                }
            }
        }
        self.line += 1;
        Some(Ok((start, fields)))
    }
}
