//! One writer per format.

pub(crate) mod csv;
#[cfg(feature = "ipc")]
pub(crate) mod ipc;
pub(crate) mod json;
pub(crate) mod lines;
pub(crate) mod markdown;
#[cfg(feature = "parquet")]
pub(crate) mod parquet;
mod side_by_side;
#[cfg(feature = "text")]
pub(crate) mod text;

use std::io;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use defender_core::{Error, ErrorKind};

use crate::Column;

fn failed(error: io::Error) -> Error {
    Error::new(ErrorKind::Io, "the result could not be written").with_source(error)
}

fn columns<'a>(schema: &SchemaRef, batch: &'a RecordBatch) -> Vec<Column<'a>> {
    schema
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, array)| Column::of(field, array))
        .collect()
}

#[cfg(test)]
mod tests;
