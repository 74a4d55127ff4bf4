//! How results are written, and where.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use defender_core::Error;
use defender_table::{DatetimeMode, Format};

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputOptions {
    /// table, json, ndjson, csv, markdown, parquet or arrow [default: the file's extension, then table]
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    pub(crate) format: Option<Format>,
    /// Write to this file, whole or not at all; into a pipe or a device as the rows come
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
    /// Exit with 10 when there are rows, or when there are none
    #[arg(long, value_name = "WHEN")]
    pub(crate) fail_on: Option<FailOn>,
}

impl OutputOptions {
    /// How datetimes travel.
    pub(crate) fn datetimes(&self) -> DatetimeMode {
        match self.datetime {
            Some(_) => DatetimeMode::Text,
            None => DatetimeMode::Timestamp,
        }
    }
}

fn format(text: &str) -> Result<Format, String> {
    text.parse().map_err(|error: Error| match error.hint() {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    })
}

/// When a result is an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// There is at least one row
    Rows,
    /// There is no row
    NoRows,
}
