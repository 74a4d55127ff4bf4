//! How results are written, and where.

use std::path::{Path, PathBuf};

use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{Args, ValueEnum};
use defender_core::{Error, ErrorKind};
use defender_table::{CsvOptions, DatetimeMode, Format, ParquetTimes, WriterOptions};

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputOptions {
    /// table, json, ndjson, csv, markdown, parquet or arrow [default: the file's extension, then table]
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    pub(crate) format: Option<Format>,
    /// Write to this file, whole or not at all; into a pipe or a device as the rows come; `-` is
    /// standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Replace the file if it exists; of a link, the file that it leads to
    #[arg(long, requires = "output")]
    pub(crate) overwrite: bool,
    /// Write a folder of files, within it a folder for each value of these columns: `tenant,date`
    ///
    /// The columns are left out of the files. `date` is the day of Timestamp, UTC, and `tenant` the
    /// tenant that a row comes from. -o names the folder; the format is parquet, or as --format says
    /// csv, ndjson or arrow.
    #[arg(
        long,
        value_name = "COLUMNS",
        value_delimiter = ',',
        requires = "output"
    )]
    pub(crate) partition_by: Vec<String>,
    /// Make columns of the members of dynamic columns: a.b
    #[arg(long)]
    pub(crate) flatten: bool,
    /// How datetimes travel: `text` keeps those outside the years 1677 to 2262
    #[arg(long, value_name = "HOW", value_parser = ["text"])]
    pub(crate) datetime: Option<String>,
    /// How finely Parquet keeps times: us for every reader, ns for all digits but not for Spark [default: us]
    ///
    /// The services have seven decimals of a second, and microseconds have six: a warning counts
    /// what is cut off. Nanoseconds keep all. Spark, and with it Databricks, Synapse and Fabric,
    /// refuses a file that has them; DuckDB, Polars, pandas, pyarrow and defender read both.
    #[arg(long, value_name = "UNIT", hide_possible_values = true)]
    pub(crate) parquet_timestamps: Option<TimeUnit>,
    #[command(flatten)]
    pub(crate) csv: CsvArguments,
    /// Exit with 10 when there are rows, or when there are none
    #[arg(long, value_name = "WHEN")]
    pub(crate) fail_on: Option<FailOn>,
}

/// What programs for people want of CSV.
#[derive(Debug, Args)]
pub(crate) struct CsvArguments {
    /// End the lines of CSV with CRLF, as Windows programs have it
    #[arg(long)]
    pub(crate) crlf: bool,
    /// Begin CSV with a byte order mark: Excel then reads it as UTF-8
    #[arg(long)]
    pub(crate) bom: bool,
    /// Put an apostrophe before CSV text that a spreadsheet would take for a formula
    ///
    /// Text that begins with =, +, -, @, a tab or a line break is shown by a spreadsheet as it is,
    /// and not computed; numbers keep their sign. For other readers the apostrophe is a part of the
    /// cell.
    #[arg(long)]
    pub(crate) escape_formulas: bool,
}

impl OutputOptions {
    /// The file or folder that is written; `-` is standard output, as for other programs.
    pub(crate) fn path(&self) -> Option<&Path> {
        let path = self.output.as_deref();
        path.filter(|path| *path != Path::new("-"))
    }

    /// How datetimes travel.
    pub(crate) fn datetimes(&self) -> DatetimeMode {
        match self.datetime {
            Some(_) => DatetimeMode::Text,
            None => DatetimeMode::Timestamp,
        }
    }

    /// Refuses options of another format than the rows are written in.
    ///
    /// # Errors
    ///
    /// When there is one.
    pub(crate) fn check(&self, format: Format) -> Result<(), Error> {
        let given = [
            ("--crlf", self.csv.crlf, Format::Csv),
            ("--bom", self.csv.bom, Format::Csv),
            ("--escape-formulas", self.csv.escape_formulas, Format::Csv),
            (
                "--parquet-timestamps",
                self.parquet_timestamps.is_some(),
                Format::Parquet,
            ),
        ];
        match given
            .into_iter()
            .find(|(_, given, of)| *given && *of != format)
        {
            Some((option, _, of)) => Err(Error::new(
                ErrorKind::Usage,
                format!("{option} is an option of {of}, and the format is {format}"),
            )
            .with_hint(format!("leave it out, or say --format {of}"))),
            None => Ok(()),
        }
    }

    /// How the rows are written.
    pub(crate) fn writer_options(&self) -> WriterOptions {
        WriterOptions {
            csv: CsvOptions {
                crlf: self.csv.crlf,
                bom: self.csv.bom,
                escape_formulas: self.csv.escape_formulas,
            },
            parquet_times: match self.parquet_timestamps {
                Some(TimeUnit::Nanoseconds) => ParquetTimes::Nanoseconds,
                Some(TimeUnit::Microseconds) | None => ParquetTimes::Microseconds,
            },
            ..WriterOptions::default()
        }
    }
}

fn format(text: &str) -> Result<Format, String> {
    text.parse().map_err(|error: Error| {
        let mut said = error.to_string();
        if let Some(hint) = error.hint() {
            said = format!("{said}; {hint}");
        }
        if is_workbook(text) {
            said = format!("{said}; Excel opens CSV with a byte order mark: --format csv --bom");
        }
        said
    })
}

/// The name of a file that is written beside the results: `-` is none, which would be a file of
/// that name.
pub(super) fn file() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| {
        if path == Path::new("-") {
            Err("it takes the name of a file, and - is none; a file called so is ./-")
        } else {
            Ok(path)
        }
    })
}

/// Whether it is the extension of a file of a spreadsheet program.
pub(crate) fn is_workbook(extension: &str) -> bool {
    let known = ["xlsx", "xls", "xlsm", "xlsb", "ods"];
    known.iter().any(|one| extension.eq_ignore_ascii_case(one))
}

/// A unit of time in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TimeUnit {
    /// Every reader takes them
    #[value(name = "us")]
    Microseconds,
    /// Every digit that the services have
    #[value(name = "ns")]
    Nanoseconds,
}

/// When a result is an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// There is at least one row
    Rows,
    /// There is no row
    NoRows,
}
