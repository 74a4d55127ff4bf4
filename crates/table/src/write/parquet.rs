//! Parquet files, compressed with zstd.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use defender_core::{Error, ErrorKind, Result};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::Writer;

/// Batches become row groups as they fill; the Arrow schema with its KQL types goes along.
pub(crate) struct Parquet {
    writer: ArrowWriter<Box<dyn Write + Send>>,
}

impl Parquet {
    pub(crate) fn new(schema: &SchemaRef, output: Box<dyn Write + Send>) -> Result<Self> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(concat!("defender-query ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let writer =
            ArrowWriter::try_new(output, schema.clone(), Some(properties)).map_err(failed)?;
        Ok(Self { writer })
    }
}

impl Writer for Parquet {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.writer.write(batch).map_err(failed)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        // The footer is small and last: a full disk may show only when it is flushed.
        self.writer
            .into_inner()
            .map_err(failed)?
            .flush()
            .map_err(super::failed)
    }
}

fn failed(error: ParquetError) -> Error {
    Error::new(ErrorKind::Io, "the Parquet file could not be written").with_source(error)
}
