//! What is known once the last row is there: how many, whether all, and where from.

use std::fmt;

use defender_core::{DataEnvironment, Error, ErrorKind, Result};

use crate::ticks;

/// What an answer says after its last row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// The number of rows handed out; a [`Table`](crate::Table) and an
    /// [`Answer`](crate::Answer) count them.
    pub rows: usize,
    /// Whether these are all the rows there are.
    pub completeness: Completeness,
    /// What the service says about the run, as it said it.
    pub stats: Option<serde_json::Value>,
    /// What the reader should know about the rows.
    pub warnings: Vec<Warning>,
    /// Where the rows come from.
    pub provenance: Provenance,
}

impl Summary {
    /// What there is to say about several answers together: what is of one of them with its name,
    /// and what is of several once, with their number. It keeps what all of them share, and every request id.
    pub fn of_all(summaries: Vec<Self>) -> Self {
        crate::concat::sum(summaries)
    }
}

/// Whether an answer holds every row of the question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Completeness {
    /// It does.
    #[default]
    Complete,
    /// It does not, or nobody can tell.
    Incomplete {
        /// Why, as one lower-case phrase.
        reason: String,
    },
}

/// How the reason of an answer begins that has as many rows as its service returns at most.
const CAPPED: &str = "the service stops at ";

impl Completeness {
    /// An answer with as many `rows` as its service returns at most; `more` is what the service says
    /// of further ones.
    pub fn capped(rows: usize, more: &str) -> Self {
        Self::Incomplete {
            reason: format!("{CAPPED}{rows} rows and {more}"),
        }
    }

    /// Whether the answer, or one of several, has as many rows as its service returns at most: parts
    /// of the question have fewer.
    pub fn is_capped(&self) -> bool {
        matches!(self, Self::Incomplete { reason } if reason.contains(CAPPED))
    }

    /// Whether every row is there.
    pub fn is_complete(&self) -> bool {
        matches!(self, Self::Complete)
    }
}

/// Something the reader of a result should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What it is about.
    pub kind: WarningKind,
    /// The sentence to show: one lower-case phrase.
    pub message: String,
    /// The column it is about.
    pub column: Option<String>,
    /// How many values it is about; 0 when it is not about values.
    pub count: u64,
}

/// What a warning is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum WarningKind {
    /// Values that did not fit the type of their column; they are null.
    Value,
    /// Datetimes or timespans beyond what Arrow can hold; they are null.
    Range,
    /// Times with digits that the file written cannot hold; they are cut off.
    Precision,
    /// Text that was not valid Unicode; the broken places hold U+FFFD.
    Encoding,
    /// The answer's schema is missing, unknown in part, or not what the rows hold.
    Schema,
    /// Rows were left out.
    Rows,
    /// The query sent is not the query given.
    Rewritten,
    /// The service behind the answer is about to end.
    Retirement,
}

/// How the warning of a cut result begins.
const MORE: &str = "there are more rows";

impl Summary {
    /// Whether there are more rows than were asked for.
    pub fn is_cut(&self) -> bool {
        self.warnings.iter().any(Warning::is_cut)
    }
}

impl Warning {
    /// A warning that is not about single values.
    pub fn new(kind: WarningKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            column: None,
            count: 0,
        }
    }

    /// Whether rows or values are not what they were in the service or the file: rows are missing
    /// that were not left out on request, or values could not be read.
    pub fn is_about_rows(&self) -> bool {
        match self.kind {
            WarningKind::Rows => !self.is_cut(),
            WarningKind::Value
            | WarningKind::Range
            | WarningKind::Encoding
            | WarningKind::Schema => true,
            WarningKind::Precision | WarningKind::Rewritten | WarningKind::Retirement => false,
        }
    }

    fn is_cut(&self) -> bool {
        self.kind == WarningKind::Rows && self.message.starts_with(MORE)
    }

    /// The warning that there are more than the first `rows`, which were asked for.
    pub fn cut(rows: usize) -> Self {
        Self::new(
            WarningKind::Rows,
            format!("{MORE}: the answer was cut after {rows} as asked"),
        )
    }

    /// A warning about `count` values of `column`.
    pub fn of_values(kind: WarningKind, column: &str, count: u64, message: String) -> Self {
        Self {
            kind,
            message,
            column: Some(column.to_owned()),
            count,
        }
    }
}

impl Warning {
    /// A warning that `count` times of `column` lose what is finer than a microsecond.
    pub(crate) fn of_precision(column: &str, count: u64) -> Self {
        let plural = if count == 1 { "" } else { "s" };
        let message = format!(
            "{count} value{plural} of {column} without the digits behind the microseconds, which \
             the Parquet file does not hold"
        );
        Self::of_values(WarningKind::Precision, column, count, message)
    }

    /// Adds those of one more file of the same columns to `all`.
    pub(crate) fn add(all: &mut Vec<Self>, more: Vec<Self>) {
        for warning in more {
            let known = all.iter_mut().find(|known| {
                known.kind == WarningKind::Precision
                    && (known.kind, &known.column) == (warning.kind, &warning.column)
            });
            match (known, &warning.column) {
                (Some(known), Some(column)) => {
                    *known = Self::of_precision(column, known.count + warning.count);
                }
                _ => all.push(warning),
            }
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Where rows come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The service or data that answered.
    pub environment: Option<DataEnvironment>,
    /// The tenant that was asked.
    pub tenant: Option<String>,
    /// The instance's name in the settings.
    pub instance: Option<String>,
    /// The time range that the request asked for.
    pub timespan: Option<Timespan>,
    /// The service's ids of the requests behind the rows.
    pub request_ids: Vec<String>,
    /// This client's ids of the same requests.
    pub client_request_ids: Vec<String>,
    /// How many requests it took, failed ones included.
    pub attempts: u32,
    /// How many bytes the answers had, as far as they were counted; 0 when nobody did.
    pub answer_bytes: u64,
}

/// A range of time from a start up to and with an end, in [`ticks`] of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timespan {
    start: i64,
    end: i64,
}

impl Timespan {
    /// The range between two ticks.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] when the end is before the start, or either is outside the years
    /// 1 to 9999.
    pub fn new(start: i64, end: i64) -> Result<Self> {
        if start < 0 || end > ticks::MAX {
            return Err(Error::new(
                ErrorKind::Usage,
                "the time range lies outside the years 1 to 9999",
            ));
        }
        if start > end {
            return Err(Error::new(
                ErrorKind::Usage,
                format!(
                    "the time range ends at {} before it starts at {}",
                    ticks::format_datetime(end),
                    ticks::format_datetime(start)
                ),
            ));
        }
        Ok(Self { start, end })
    }

    /// The first tick.
    pub fn start(&self) -> i64 {
        self.start
    }

    /// The last tick.
    pub fn end(&self) -> i64 {
        self.end
    }
}

/// An ISO 8601 interval, `start/end`.
impl fmt::Display for Timespan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, end) = (self.start, self.end);
        write!(
            f,
            "{}/{}",
            ticks::format_datetime(start),
            ticks::format_datetime(end)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timespan_is_an_iso_interval() {
        let timespan = Timespan::new(ticks::UNIX_EPOCH, ticks::UNIX_EPOCH + 1).unwrap();
        assert_eq!(
            timespan.to_string(),
            "1970-01-01T00:00:00Z/1970-01-01T00:00:00.0000001Z"
        );
    }

    #[test]
    fn a_timespan_does_not_run_backwards() {
        assert!(Timespan::new(1, 1).is_ok());
        for (start, end) in [(1, 0), (-1, 0), (0, ticks::MAX + 1)] {
            assert_eq!(
                Timespan::new(start, end).unwrap_err().kind(),
                ErrorKind::Usage
            );
        }
    }
}
