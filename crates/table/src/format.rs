//! The formats that rows can be written in, and how each is chosen.

use std::fmt;
use std::io;
use std::path::Path;
use std::str::FromStr;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use defender_core::{Error, ErrorKind, Result};

pub use crate::write::csv::CsvOptions;
#[cfg(feature = "parquet")]
pub use crate::write::parquet::ParquetTimes;
use crate::{Warning, write};

/// A format that rows can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Aligned columns for people (feature `text`).
    Table,
    /// One JSON array of objects.
    Json,
    /// One JSON object a line.
    Ndjson,
    /// Comma-separated values, RFC 4180 but for the ends of lines; see [`CsvOptions`].
    Csv,
    /// A Markdown table.
    Markdown,
    /// A Parquet file, compressed with zstd; see [`WriterOptions::parquet_times`] (feature `parquet`).
    Parquet,
    /// An Arrow IPC file (feature `ipc`).
    Arrow,
}

/// What a writer may be told.
#[derive(Clone, Debug, Default)]
pub struct WriterOptions {
    /// The width in characters that [`Format::Table`] fits its lines to; `None` writes every
    /// cell in full, for a pipe.
    pub width: Option<usize>,
    /// How many columns of [`Format::Table`], from the left, are never cut: names that a reader
    /// types elsewhere.
    pub whole_columns: usize,
    /// How [`Format::Csv`] is written.
    pub csv: CsvOptions,
    /// How finely [`Format::Parquet`] keeps times (feature `parquet`).
    #[cfg(feature = "parquet")]
    pub parquet_times: ParquetTimes,
}

/// Writes batches of one schema.
pub trait Writer: Send {
    /// Writes the rows of one batch.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] when the output fails.
    fn write(&mut self, batch: &RecordBatch) -> Result<()>;

    /// Writes what comes after the last row and flushes; without it the output is not whole.
    ///
    /// Returns what the reader of the output should know: what the format could not hold.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] when the output fails.
    fn finish(self: Box<Self>) -> Result<Vec<Warning>>;
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 7] = [
        Self::Table,
        Self::Json,
        Self::Ndjson,
        Self::Csv,
        Self::Markdown,
        Self::Parquet,
        Self::Arrow,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Markdown => "markdown",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
        }
    }

    /// The format that a file name's extension asks for.
    ///
    /// ```
    /// # use defender_table::Format;
    /// assert_eq!(Format::from_path("hunt.PARQUET".as_ref()), Some(Format::Parquet));
    /// assert_eq!(Format::from_path("hunt".as_ref()), None);
    /// ```
    pub fn from_path(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        Some(match extension.as_str() {
            "txt" => Self::Table,
            "json" => Self::Json,
            "ndjson" | "jsonl" => Self::Ndjson,
            "csv" => Self::Csv,
            "md" | "markdown" => Self::Markdown,
            "parquet" => Self::Parquet,
            "arrow" | "ipc" | "feather" => Self::Arrow,
            _ => return None,
        })
    }

    /// Whether the output is bytes that no terminal can show.
    pub fn is_binary(self) -> bool {
        matches!(self, Self::Parquet | Self::Arrow)
    }

    /// A writer of this format for rows of `schema`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] when this build lacks the format or the format cannot hold the schema,
    /// [`ErrorKind::Io`] when the output fails.
    pub fn writer(
        self,
        schema: &SchemaRef,
        output: Box<dyn io::Write + Send>,
        options: &WriterOptions,
    ) -> Result<Box<dyn Writer>> {
        Ok(match self {
            #[cfg(feature = "text")]
            Self::Table => Box::new(write::text::Text::new(schema, output, options)),
            Self::Json => Box::new(write::json::Json::array(schema, output)),
            Self::Ndjson => Box::new(write::json::Json::lines(schema, output)),
            Self::Csv => Box::new(write::csv::Csv::writer(schema, output, options.csv)),
            Self::Markdown => Box::new(write::markdown::Markdown::new(schema, output)),
            #[cfg(feature = "parquet")]
            Self::Parquet => Box::new(write::parquet::Parquet::new(schema, output, options)?),
            #[cfg(feature = "ipc")]
            Self::Arrow => Box::new(write::ipc::Ipc::new(schema, output)?),
            #[cfg(not(all(feature = "text", feature = "parquet", feature = "ipc")))]
            format => {
                let _ = options;
                return Err(Error::new(
                    ErrorKind::Usage,
                    format!("this build cannot write the format '{format}'"),
                )
                .with_hint("build defender-table with the format's feature"));
            }
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wanted = text.trim().to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|format| format.name() == wanted)
            .or(match wanted.as_str() {
                "text" => Some(Self::Table),
                "jsonl" => Some(Self::Ndjson),
                "md" => Some(Self::Markdown),
                _ => None,
            })
            .ok_or_else(|| {
                let names: Vec<_> = Self::ALL.iter().map(|format| format.name()).collect();
                Error::new(ErrorKind::Usage, format!("unknown format '{text}'"))
                    .with_hint(format!("it is one of {}", names.join(", ")))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_parses() {
        for format in Format::ALL {
            assert_eq!(format.name().parse::<Format>().unwrap(), format);
        }
        let error = "xlsx".parse::<Format>().unwrap_err();
        assert_eq!(error.to_string(), "unknown format 'xlsx'");
    }
}
