//! Why a query has no answer.

use std::fmt;
use std::ops::Range;

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
    /// The query ran and failed: bad data, a limit, a file that cannot be read.
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

    pub(crate) fn runtime(message: impl Into<String>) -> Self {
        Self::Runtime {
            message: message.into(),
            span: None,
        }
    }

    /// The same error, about this part of the query unless it names one itself.
    pub(crate) fn about(self, part: Range<usize>) -> Self {
        match self {
            Self::Unsupported { what, span: None } => Self::unsupported(what, part),
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
            | Self::Runtime {
                span: Some(span), ..
            } => {
                vec![Complaint {
                    message: self.to_string(),
                    span: span.clone(),
                }]
            }
            Self::Unsupported { .. } | Self::Runtime { .. } => Vec::new(),
        }
    }

    /// The error over the lines of `source` it is about, with carets below them.
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
        let mut out = String::new();
        for complaint in complaints {
            let start = boundary(source, complaint.span.start);
            let end = boundary(source, complaint.span.end).max(start);
            let line_start = source[..start].rfind('\n').map_or(0, |at| at + 1);
            let line_end = source[start..]
                .find('\n')
                .map_or(source.len(), |at| start + at);
            let line_number = source[..start].matches('\n').count() + 1;
            let before = source[line_start..start].chars().count();
            let width = source[start..end.min(line_end)].chars().count().max(1);
            let line = source[line_start..line_end].replace(['\t', '\r'], " ");
            out.push_str(&format!(
                "{line_number}:{}: {}\n  {line}\n  {}{}\n",
                before + 1,
                complaint.message,
                " ".repeat(before),
                "^".repeat(width)
            ));
        }
        out
    }
}

/// The nearest character boundary at or before `at`.
fn boundary(source: &str, at: usize) -> usize {
    let mut at = at.min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl fmt::Display for EngineError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(list) | Self::Semantic(list) => {
                let text: Vec<&str> = list.iter().map(|one| one.message.as_str()).collect();
                out.write_str(&text.join("; "))
            }
            Self::Unsupported { what, .. } => {
                write!(out, "{what} is not supported by the local engine")
            }
            Self::Runtime { message, .. } => out.write_str(message),
        }
    }
}

impl std::error::Error for EngineError {}

impl From<datafusion::error::DataFusionError> for EngineError {
    fn from(error: datafusion::error::DataFusionError) -> Self {
        use datafusion::error::DataFusionError as Inner;
        match error {
            Inner::External(inner) => match inner.downcast::<EngineError>() {
                Ok(own) => *own,
                Err(other) => Self::runtime(other.to_string()),
            },
            Inner::ArrowError(inner, _) => Self::from(*inner),
            Inner::Context(_, inner) => Self::from(*inner),
            Inner::Shared(inner) => match inner.as_ref() {
                Inner::External(own) => match own.downcast_ref::<EngineError>() {
                    Some(own) => own.clone(),
                    None => Self::runtime(own.to_string()),
                },
                other => Self::runtime(other.to_string()),
            },
            Inner::ResourcesExhausted(_) => Self::runtime(
                "the query needs more memory than its limit allows: filter rows, or drop columns, earlier",
            ),
            other => Self::runtime(other.to_string()),
        }
    }
}

impl From<arrow::error::ArrowError> for EngineError {
    fn from(error: arrow::error::ArrowError) -> Self {
        match error {
            arrow::error::ArrowError::ExternalError(inner) => {
                match inner.downcast::<EngineError>() {
                    Ok(own) => *own,
                    Err(other) => Self::runtime(other.to_string()),
                }
            }
            other => Self::runtime(other.to_string()),
        }
    }
}

impl From<EngineError> for datafusion::error::DataFusionError {
    fn from(error: EngineError) -> Self {
        Self::External(Box::new(error))
    }
}
