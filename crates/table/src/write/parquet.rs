//! Parquet files, compressed with zstd.

mod times;

use std::io::Write;

use arrow::array::{RecordBatch, new_empty_array};
use arrow::datatypes::SchemaRef;
use defender_core::{Error, ErrorKind, Result};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

pub use self::times::ParquetTimes;
use super::side_by_side;
use crate::{Warning, Writer, WriterOptions};

type Output = Box<dyn Write + Send>;

/// Batches become row groups as they fill; the Arrow schema with its KQL types goes along.
///
/// Parquet has no lengths of time finer than milliseconds. They are numbers of nanoseconds, which
/// `pyarrow`, pandas, Polars and this project's own reader know for what they are by that schema. An
/// entry for Spark with its own schema would tell Spark, too; but whoever rewrites the file with
/// other columns hands it on as it was, and Spark believes it.
///
/// Encoding and compressing costs far more than anything else, and no column needs another one:
/// some batches together are written column by column, on all cores.
pub(crate) struct Parquet {
    /// Of the file.
    schema: SchemaRef,
    times: ParquetTimes,
    /// How many values of each field have lost digits.
    lost: Vec<u64>,
    file: SerializedFileWriter<Output>,
    factory: ArrowRowGroupWriterFactory,
    /// How many columns of the file each field becomes.
    leaves: Vec<usize>,
    group: Option<Group>,
    groups: usize,
    waiting: Vec<RecordBatch>,
    waiting_bytes: usize,
    threads: usize,
}

/// A row group that is being filled.
struct Group {
    /// The columns of the file, by field.
    fields: Vec<Vec<ArrowColumnWriter>>,
    rows: usize,
}

/// Bytes of Arrow data that are encoded together.
const TOGETHER: usize = 16 << 20;
/// The rows after which a row group ends.
const GROUP_ROWS: usize = 1 << 20;
/// The bytes in memory after which a row group ends.
const GROUP_BYTES: usize = 64 << 20;

impl Parquet {
    pub(crate) fn new(schema: &SchemaRef, output: Output, options: &WriterOptions) -> Result<Self> {
        let times = options.parquet_times;
        let schema = match times {
            ParquetTimes::Microseconds => times::schema(schema),
            ParquetTimes::Nanoseconds => schema.clone(),
        };
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(concat!("defender-query ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let writer =
            ArrowWriter::try_new(output, schema.clone(), Some(properties)).map_err(failed)?;
        let (file, factory) = writer.into_serialized_writer().map_err(failed)?;
        let leaves = schema.fields().iter().map(|field| {
            let none = new_empty_array(field.data_type());
            compute_leaves(field, &none).map(|leaves| leaves.len())
        });
        Ok(Self {
            leaves: leaves.collect::<Result<_, _>>().map_err(failed)?,
            lost: vec![0; schema.fields().len()],
            schema,
            times,
            file,
            factory,
            group: None,
            groups: 0,
            waiting: Vec::new(),
            waiting_bytes: 0,
            threads: side_by_side::threads(),
        })
    }

    fn threads_for(&self, bytes: usize) -> usize {
        if bytes < side_by_side::WORTH_IT {
            1
        } else {
            self.threads
        }
    }

    fn begin(&self) -> Result<Group, ParquetError> {
        let mut columns = self.factory.create_column_writers(self.groups)?.into_iter();
        let fields = self
            .leaves
            .iter()
            .map(|count| columns.by_ref().take(*count).collect())
            .collect();
        Ok(Group { fields, rows: 0 })
    }

    fn encode_waiting(&mut self) -> Result<(), ParquetError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let mut group = match self.group.take() {
            Some(group) => group,
            None => self.begin()?,
        };
        let batches = std::mem::take(&mut self.waiting);
        let bytes = std::mem::take(&mut self.waiting_bytes);
        let threads = self.threads_for(bytes);
        let (schema, times) = (&self.schema, self.times);
        let fields = group.fields.iter_mut().enumerate().collect();
        let done = side_by_side::map(fields, threads, |(index, columns)| {
            let mut lost = 0;
            for batch in &batches {
                let array = match times {
                    ParquetTimes::Microseconds => times::array(batch.column(index), &mut lost)?,
                    ParquetTimes::Nanoseconds => batch.column(index).clone(),
                };
                let leaves = compute_leaves(schema.field(index), &array)?;
                for (column, leaf) in columns.iter_mut().zip(&leaves) {
                    column.write(leaf)?;
                }
            }
            let size: usize = columns.iter().map(ArrowColumnWriter::memory_size).sum();
            Ok((size, lost))
        });
        let done: Vec<_> = done.into_iter().collect::<Result<_, ParquetError>>()?;
        for (sum, (_, lost)) in self.lost.iter_mut().zip(&done) {
            *sum += lost;
        }
        group.rows += batches.iter().map(RecordBatch::num_rows).sum::<usize>();
        let full = group.rows >= GROUP_ROWS
            || done.iter().map(|(size, _)| size).sum::<usize>() >= GROUP_BYTES;
        self.group = Some(group);
        if full {
            self.end_group()?;
        }
        Ok(())
    }

    fn end_group(&mut self) -> Result<(), ParquetError> {
        let Some(group) = self.group.take() else {
            return Ok(());
        };
        let columns: Vec<ArrowColumnWriter> = group.fields.into_iter().flatten().collect();
        let bytes = columns.iter().map(ArrowColumnWriter::memory_size).sum();
        let threads = self.threads_for(bytes);
        let chunks = side_by_side::map(columns, threads, ArrowColumnWriter::close);
        let mut writer = self.file.next_row_group()?;
        for chunk in chunks {
            chunk?.append_to_row_group(&mut writer)?;
        }
        writer.close()?;
        self.groups += 1;
        Ok(())
    }
}

impl Writer for Parquet {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        // Without columns there is nothing that a file could hold.
        if batch.num_rows() == 0 || batch.num_columns() == 0 {
            return Ok(());
        }
        self.waiting_bytes += batch.get_array_memory_size();
        self.waiting.push(batch.clone());
        if self.waiting_bytes >= TOGETHER {
            self.encode_waiting().map_err(failed)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<Warning>> {
        self.encode_waiting()
            .and_then(|()| self.end_group())
            .map_err(failed)?;
        // The footer is small and last: a full disk may show only when it is flushed.
        self.file
            .into_inner()
            .map_err(failed)?
            .flush()
            .map_err(super::failed)?;
        let lost = self.schema.fields().iter().zip(self.lost);
        Ok(lost
            .filter(|(_, count)| *count > 0)
            .map(|(field, count)| Warning::of_precision(field.name(), count))
            .collect())
    }
}

fn failed(error: ParquetError) -> Error {
    Error::new(ErrorKind::Io, "the Parquet file could not be written").with_source(error)
}
