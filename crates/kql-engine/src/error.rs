//! Why a query has no answer.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use kql_syntax::{Lines, Span};

/// One complaint about the text of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// What is wrong, one phrase.
    pub message: String,
    /// The bytes of the query it is about.
    pub span: Range<usize>,
}

/// Why a query has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EngineError {
    /// The text is not KQL; correct it.
    Syntax(Vec<Complaint>),
    /// The text names things that do not exist or do not fit together; correct it.
    Semantic(Vec<Complaint>),
    /// Valid KQL that this engine does not run; rewrite without it or ask the service.
    Unsupported {
        /// The feature, as KQL names it.
        what: String,
        /// The bytes of the query it is about, when known.
        span: Option<Range<usize>>,
    },
    /// The query took longer than [`Options::time_limit`](crate::Options::time_limit).
    OutOfTime {
        /// What it was given.
        limit: Duration,
    },
    /// What the query reads is not as it should be: a file, or rows that were handed over; look
    /// at what the message names.
    Data {
        /// What is wrong, and where.
        message: String,
        /// The bytes of the query it is about, when known.
        span: Option<Range<usize>>,
    },
    /// A function or an operator was given a text that it does not take: a pattern, a format.
    Argument {
        /// What is wrong with it.
        message: String,
        /// The bytes of the query it is about, when known.
        span: Option<Range<usize>>,
    },
    /// The query ran and failed: a limit, a value that an operator does not take.
    Runtime {
        /// What happened.
        message: String,
        /// The bytes of the query it is about, when known.
        span: Option<Range<usize>>,
    },
}

impl EngineError {
    pub(crate) fn unsupported(what: impl Into<String>, span: Range<usize>) -> Self {
        Self::Unsupported {
            what: what.into(),
            span: Some(span),
        }
    }

    /// What cannot happen has happened.
    pub(crate) fn inside() -> Self {
        Self::runtime("the engine failed inside; report the query")
    }

    pub(crate) fn data(message: impl Into<String>) -> Self {
        Self::Data {
            message: message.into(),
            span: None,
        }
    }

    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Self::Argument {
            message: message.into(),
            span: None,
        }
    }

    pub(crate) fn runtime(message: impl Into<String>) -> Self {
        Self::Runtime {
            message: message.into(),
            span: None,
        }
    }

    /// The error on its way through DataFusion; [`Foreign::ours`] has it again.
    pub(crate) fn theirs(self) -> DataFusionError {
        DataFusionError::External(Box::new(self))
    }

    /// The same error, about this part of the query unless it names one itself.
    pub(crate) fn about(self, part: Range<usize>) -> Self {
        match self {
            Self::Unsupported { what, span: None } => Self::unsupported(what, part),
            Self::Data {
                message,
                span: None,
            } => Self::Data {
                message,
                span: Some(part),
            },
            Self::Argument {
                message,
                span: None,
            } => Self::Argument {
                message,
                span: Some(part),
            },
            Self::Runtime {
                message,
                span: None,
            } => Self::Runtime {
                message,
                span: Some(part),
            },
            other => other,
        }
    }

    /// The complaints with a place in the text, in order; empty when no place is known.
    pub fn complaints(&self) -> Vec<Complaint> {
        match self {
            Self::Syntax(list) | Self::Semantic(list) => list.clone(),
            Self::Unsupported {
                span: Some(span), ..
            }
            | Self::Data {
                span: Some(span), ..
            }
            | Self::Argument {
                span: Some(span), ..
            }
            | Self::Runtime {
                span: Some(span), ..
            } => {
                vec![Complaint {
                    message: self.to_string(),
                    span: span.clone(),
                }]
            }
            Self::Unsupported { .. }
            | Self::Data { .. }
            | Self::Argument { .. }
            | Self::Runtime { .. }
            | Self::OutOfTime { .. } => Vec::new(),
        }
    }

    /// The error over the lines of `source` it is about, with carets below them.
    ///
    /// Long lines are cut around what is wrong, and after ten complaints their number is told.
    ///
    /// ```
    /// # use kql_engine::EngineError;
    /// let error = EngineError::Unsupported { what: "operator reduce".into(), span: Some(4..10) };
    /// assert_eq!(
    ///     error.render("T | reduce by x"),
    ///     "1:5: operator reduce is not supported by the local engine\n  T | reduce by x\n      ^^^^^^\n"
    /// );
    /// ```
    pub fn render(&self, source: &str) -> String {
        let complaints = self.complaints();
        if complaints.is_empty() {
            return format!("{self}\n");
        }
        let lines = Lines::new(source);
        let mut out = String::new();
        for Complaint { message, span } in complaints.iter().take(MOST) {
            let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
            let span = Span::new(offset(span.start), offset(span.end));
            let place = lines.position(span.start);
            let (line, carets) = lines.marked(span);
            out.push_str(&format!(
                "{}:{}: {message}\n  {line}\n  {carets}\n",
                place.line, place.column
            ));
        }
        if let Some(more) = more(complaints.len()) {
            out.push_str(&format!("{more}\n"));
        }
        out
    }
}

/// How many complaints are shown; who has mended these sees the next.
const MOST: usize = 10;

/// What is said of the complaints that are not shown.
fn more(count: usize) -> Option<String> {
    let left = count.checked_sub(MOST).filter(|left| *left > 0)?;
    Some(format!("and {left} more"))
}

impl fmt::Display for EngineError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(list) | Self::Semantic(list) => {
                for (at, one) in list.iter().take(MOST).enumerate() {
                    let between = if at > 0 { "; " } else { "" };
                    write!(out, "{between}{}", one.message)?;
                }
                match more(list.len()) {
                    Some(more) => write!(out, "; {more}"),
                    None => Ok(()),
                }
            }
            Self::Unsupported { what, .. } => {
                write!(out, "{what} is not supported by the local engine")
            }
            Self::OutOfTime { limit } => {
                write!(out, "the query was not done after {limit:?}")
            }
            Self::Data { message, .. }
            | Self::Argument { message, .. }
            | Self::Runtime { message, .. } => out.write_str(message),
        }
    }
}

impl std::error::Error for EngineError {}

/// A result of DataFusion or Arrow. Their errors are not part of the crate's API, so `?` alone does
/// not make ours of them.
pub(crate) trait Foreign<T> {
    /// The result with an error of ours.
    fn ours(self) -> Result<T, EngineError>;
}

impl<T> Foreign<T> for Result<T, DataFusionError> {
    fn ours(self) -> Result<T, EngineError> {
        self.map_err(from_datafusion)
    }
}

impl<T> Foreign<T> for Result<T, ArrowError> {
    fn ours(self) -> Result<T, EngineError> {
        self.map_err(from_arrow)
    }
}

fn from_datafusion(error: DataFusionError) -> EngineError {
    match error {
        DataFusionError::External(inner) => match inner.downcast::<EngineError>() {
            Ok(own) => *own,
            Err(other) => EngineError::runtime(other.to_string()),
        },
        DataFusionError::ArrowError(inner, _) => from_arrow(*inner),
        DataFusionError::Context(_, inner) => from_datafusion(*inner),
        DataFusionError::Shared(inner) => match inner.as_ref() {
            DataFusionError::External(own) => match own.downcast_ref::<EngineError>() {
                Some(own) => own.clone(),
                None => EngineError::runtime(own.to_string()),
            },
            other => EngineError::runtime(other.to_string()),
        },
        DataFusionError::ResourcesExhausted(_) => EngineError::runtime(
            "the query needs more memory than its limit allows: filter rows, or drop columns, earlier",
        ),
        other => EngineError::runtime(other.to_string()),
    }
}

fn from_arrow(error: ArrowError) -> EngineError {
    match error {
        ArrowError::ExternalError(inner) => match inner.downcast::<EngineError>() {
            Ok(own) => *own,
            Err(other) => EngineError::runtime(other.to_string()),
        },
        other => EngineError::runtime(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(count: usize) -> (String, EngineError) {
        let source = "let a = 1; ".repeat(count);
        let list = (0..count).map(|at| Complaint {
            message: format!("number {at} is wrong"),
            span: at * 11 + 4..at * 11 + 5,
        });
        let error = EngineError::Semantic(list.collect());
        (source, error)
    }

    #[test]
    fn many_complaints_about_a_long_line_are_few_lines() {
        let (source, error) = complaints(9_000);
        let shown = error.render(&source);
        assert_eq!(shown.lines().count(), 10 * 3 + 1);
        assert!(shown.ends_with("\nand 8990 more\n"), "{shown}");
        assert!(shown.lines().all(|line| line.chars().count() < 120));
        let text = error.to_string();
        assert!(text.starts_with("number 0 is wrong; number 1 is wrong; "));
        assert!(text.ends_with("number 9 is wrong; and 8990 more"), "{text}");
        assert_eq!(error.complaints().len(), 9_000);
        let (source, error) = complaints(10);
        assert!(!error.render(&source).contains("more"));
        assert!(error.to_string().ends_with("number 9 is wrong"));
    }

    #[test]
    fn carets_stand_below_wide_characters() {
        let error = EngineError::Unsupported {
            what: "this".to_owned(),
            span: Some(16..19),
        };
        let indent = " ".repeat(14);
        assert_eq!(
            error.render("print \"日本\", foo"),
            format!(
                "1:13: this is not supported by the local engine\n  print \"日本\", foo\n  {indent}^^^\n"
            )
        );
    }
}
