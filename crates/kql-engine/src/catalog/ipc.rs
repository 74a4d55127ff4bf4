//! Arrow IPC: files, and streams kept in a file.

use std::fs::File;
use std::io::BufReader;

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::{FileReader, StreamReader};
use arrow::record_batch::RecordBatch;
use kql_semantics::ScalarType;

use super::files::{Batches, Source};
use super::guard::{self, guarded};
use super::messages::{self, Form};
use super::{adapt, columnar};
use crate::EngineError;

pub(super) fn columns(source: &Source) -> Result<Vec<(String, ScalarType)>, EngineError> {
    let failure = source.failure();
    guarded(&failure, || {
        let form = messages::check(&source.file()?).map_err(|what| failure.whole(&what))?;
        let reader = reader(source, form, None)?;
        let schema = reader.schema();
        columnar::bounded(&failure, schema.fields().len())?;
        columnar::unrepeated(
            &failure,
            schema.fields().iter().map(|field| field.name().as_str()),
        )?;
        Ok(adapt::columns(&schema))
    })
}

/// The rows of a file with the `wanted` columns.
pub(super) fn open(
    source: &Source,
    wanted: &[(String, ScalarType)],
) -> Result<Batches, EngineError> {
    let failure = source.failure();
    let reader = guarded(&failure, || {
        let form = messages::check(&source.file()?).map_err(|what| failure.whole(&what))?;
        let places = columnar::places(&reader(source, form, None)?.schema(), wanted);
        reader(source, form, Some(places))
    })?;
    let rows = reader.flat_map(columnar::adapted(source, wanted, Some(0)));
    Ok(guard::batches(failure, Box::new(rows)))
}

/// A reader of either form.
enum Reader {
    File(FileReader<BufReader<File>>),
    Stream(StreamReader<BufReader<File>>),
}

fn reader(source: &Source, form: Form, places: Option<Vec<usize>>) -> Result<Reader, EngineError> {
    let file = source.file()?;
    match form {
        Form::File => FileReader::try_new_buffered(file, places).map(Reader::File),
        Form::Stream => StreamReader::try_new_buffered(file, places).map(Reader::Stream),
    }
    .map_err(|error| source.failure().whole(&error))
}

impl Reader {
    fn schema(&self) -> SchemaRef {
        match self {
            Self::File(reader) => reader.schema(),
            Self::Stream(reader) => reader.schema(),
        }
    }
}

impl Iterator for Reader {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::File(reader) => reader.next(),
            Self::Stream(reader) => reader.next(),
        }
    }
}
