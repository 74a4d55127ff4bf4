//! Arrow IPC: files, and streams kept in a file.

use std::fs::File;
use std::io::BufReader;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::{FileReader, StreamReader};
use arrow::record_batch::RecordBatch;
use kql_semantics::ScalarType;

use super::files::{Batches, Source};
use super::guard::{self, guarded};
use super::losses::Loss;
use super::messages::{self, Form, Sound};
use super::wide::Overlaid;
use super::{adapt, columnar, meant};
use crate::EngineError;

pub(super) fn columns(source: &Source) -> Result<Vec<(String, ScalarType)>, EngineError> {
    let failure = source.failure();
    guarded(&failure, || {
        let sound = check(source)?;
        if !sound.is_ended {
            source.losses.note_as(Loss::End, || {
                "its end-of-stream marker is missing: whoever wrote it may have been interrupted, \
                 and rows may be missing"
                    .to_owned()
            });
        }
        if let Some(column) = &sound.wide.inside {
            source.losses.note(
                &format!("column {column}"),
                "has whole numbers of 128 bits inside of others, which are read as their bytes",
            );
        }
        let schema = reader(source, &sound, None)?.schema();
        columnar::bounded(&failure, schema.fields().len())?;
        columnar::unrepeated(
            &failure,
            schema.fields().iter().map(|field| field.name().as_str()),
        )?;
        let mut columns = adapt::columns(&schema);
        for (name, ty) in &mut columns {
            if sound.wide.meanings.contains_key(name) {
                *ty = ScalarType::Decimal;
            }
        }
        Ok(columns)
    })
}

/// The rows of a file with the `wanted` columns.
pub(super) fn open(
    source: &Source,
    wanted: &[(String, ScalarType)],
) -> Result<Batches, EngineError> {
    let failure = source.failure();
    let (reader, wide) = guarded(&failure, || {
        let sound = check(source)?;
        let places = columnar::places(&reader(source, &sound, None)?.schema(), wanted);
        let reader = reader(source, &sound, Some(places))?;
        Ok((reader, sound.wide))
    })?;
    let rows = reader
        .map(move |batch| meant::read(batch?, &wide.meanings))
        .flat_map(columnar::adapted(source, wanted, Some(0)));
    Ok(guard::batches(failure, Box::new(rows)))
}

fn check(source: &Source) -> Result<Sound, EngineError> {
    messages::check(&source.file()?).map_err(|what| source.failure().whole(&what))
}

type Bytes = BufReader<Overlaid<File>>;

/// A reader of either form.
enum Reader {
    File(FileReader<Bytes>),
    Stream(StreamReader<Bytes>),
}

fn reader(
    source: &Source,
    sound: &Sound,
    places: Option<Vec<usize>>,
) -> Result<Reader, EngineError> {
    let bytes = BufReader::new(Overlaid::new(source.file()?, Arc::clone(&sound.wide)));
    match sound.form {
        Form::File => FileReader::try_new(bytes, places).map(Reader::File),
        Form::Stream => StreamReader::try_new(bytes, places).map(Reader::Stream),
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
