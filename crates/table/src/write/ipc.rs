//! Arrow IPC files.

use std::io::{BufWriter, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::writer::FileWriter;
use defender_core::{Error, ErrorKind, Result};

use crate::{Warning, Writer};

/// The batches as they are, uncompressed, so that a reader can map the file.
pub(crate) struct Ipc {
    writer: FileWriter<BufWriter<Box<dyn Write + Send>>>,
}

impl Ipc {
    pub(crate) fn new(schema: &SchemaRef, output: Box<dyn Write + Send>) -> Result<Self> {
        let writer = FileWriter::try_new_buffered(output, schema).map_err(failed)?;
        Ok(Self { writer })
    }
}

impl Writer for Ipc {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.writer.write(batch).map_err(failed)
    }

    fn finish(self: Box<Self>) -> Result<Vec<Warning>> {
        // `into_inner` writes the footer.
        self.writer
            .into_inner()
            .map_err(failed)?
            .flush()
            .map_err(super::failed)?;
        Ok(Vec::new())
    }
}

fn failed(error: ArrowError) -> Error {
    Error::new(ErrorKind::Io, "the Arrow file could not be written").with_source(error)
}
