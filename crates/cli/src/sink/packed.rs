//! Text that is compressed while it is written, as the end of the file's name says.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use defender_core::{Error, ErrorKind, Result};
use defender_table::arrow::array::RecordBatch;
use defender_table::{Warning, Writer as RowWriter};
use flate2::write::GzEncoder;

type Output = Box<dyn Write + Send>;

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    /// `.gz`
    Gzip,
    /// `.zst`
    Zstd,
}

impl Packing {
    /// What the end of the name asks for, and the name without it.
    pub(crate) fn of(path: &Path) -> (Option<Self>, PathBuf) {
        let extension = path.extension().map(std::ffi::OsStr::to_ascii_lowercase);
        let packing = match extension.as_ref().and_then(|extension| extension.to_str()) {
            Some("gz") => Self::Gzip,
            Some("zst") => Self::Zstd,
            _ => return (None, path.to_owned()),
        };
        (Some(packing), path.with_extension(""))
    }

    /// A writer of rows whose bytes, as `rows` has them, come into `output` compressed.
    pub(super) fn rows(
        self,
        output: Output,
        rows: impl FnOnce(Output) -> Result<Box<dyn RowWriter>>,
    ) -> Result<Box<dyn RowWriter>> {
        let encoder = match self {
            Self::Gzip => Encoder::Gzip(GzEncoder::new(output, flate2::Compression::default())),
            Self::Zstd => {
                let mut encoder =
                    zstd::Encoder::new(output, zstd::DEFAULT_COMPRESSION_LEVEL).map_err(failed)?;
                encoder.include_checksum(true).map_err(failed)?;
                Encoder::Zstd(encoder)
            }
        };
        let encoder = Shared(Arc::new(Mutex::new(Some(encoder))));
        Ok(Box::new(Packed {
            rows: rows(Box::new(encoder.clone()))?,
            encoder,
        }))
    }
}

enum Encoder {
    Gzip(GzEncoder<Output>),
    Zstd(zstd::Encoder<'static, Output>),
}

impl Encoder {
    /// Writes what is still in the encoder: dropped, it would keep an error to itself.
    fn finish(self) -> io::Result<()> {
        let mut output = match self {
            Self::Gzip(encoder) => encoder.finish()?,
            Self::Zstd(encoder) => encoder.finish()?,
        };
        output.flush()
    }
}

/// The encoder is ended by the one who knows that the last row is written; until then the rows'
/// writer has it.
#[derive(Clone)]
struct Shared(Arc<Mutex<Option<Encoder>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut encoder = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match encoder.as_mut() {
            Some(Encoder::Gzip(encoder)) => encoder.write(bytes),
            Some(Encoder::Zstd(encoder)) => encoder.write(bytes),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Nothing is flushed before the end, which would cost compression.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Packed {
    rows: Box<dyn RowWriter>,
    encoder: Shared,
}

impl RowWriter for Packed {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows.write(batch)
    }

    fn finish(self: Box<Self>) -> Result<Vec<Warning>> {
        let warnings = self.rows.finish()?;
        let encoder = self.encoder.0.lock();
        let encoder = encoder.unwrap_or_else(PoisonError::into_inner).take();
        encoder.map_or(Ok(()), Encoder::finish).map_err(failed)?;
        Ok(warnings)
    }
}

fn failed(error: io::Error) -> Error {
    Error::new(ErrorKind::Io, "the compressed result could not be written").with_source(error)
}

#[cfg(test)]
mod tests {
    use defender_table::arrow::datatypes::Schema;
    use defender_table::{Format, WriterOptions};

    use super::*;

    #[test]
    fn the_end_of_a_name_says_how() {
        for (name, packing, rest) in [
            ("a.csv.gz", Some(Packing::Gzip), "a.csv"),
            ("x/a.NDJSON.ZST", Some(Packing::Zstd), "x/a.NDJSON"),
            ("a.csv", None, "a.csv"),
            ("a", None, "a"),
            (".gz", None, ".gz"),
        ] {
            assert_eq!(Packing::of(Path::new(name)), (packing, rest.into()));
        }
    }

    /// Takes a few bytes and no more.
    struct Full(usize);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if bytes.len() > self.0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.0 -= bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_disk_that_is_full_at_the_end_is_an_error() {
        for packing in [Packing::Gzip, Packing::Zstd] {
            for room in [0, 8, 12] {
                let written = packing
                    .rows(Box::new(Full(room)), |output| {
                        let schema = Schema::empty().into();
                        Format::Json.writer(&schema, output, &WriterOptions::default())
                    })
                    .and_then(RowWriter::finish);
                assert_eq!(written.unwrap_err().kind(), ErrorKind::Io, "{room}");
            }
        }
    }
}
