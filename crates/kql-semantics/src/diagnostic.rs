//! What is wrong with a query, and where.

use std::fmt;

use kql_syntax::Span;

/// What sort of thing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DiagnosticKind {
    /// A name that nothing bears, or that two things bear.
    Name,
    /// A value of a type that cannot stand there.
    Type,
    /// Too few or too many arguments.
    Arity,
    /// A constant was needed, or one of another value.
    Constant,
    /// Words that are well-formed and mean nothing.
    Meaning,
    /// The language has it; this library does not (yet).
    Unsupported,
    /// The query's columns depend on data; see `bind_or_discover`.
    DataDependent,
    /// The query would become larger than this library's limits.
    TooLarge,
    /// Worth knowing, not wrong.
    Note,
}

/// One finding about a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What sort of thing is wrong.
    pub kind: DiagnosticKind,
    /// One phrase; for [`DiagnosticKind::Unsupported`] just what is not supported.
    pub message: String,
    /// The text that is meant.
    pub span: Span,
    /// The name that was probably meant.
    pub suggestion: Option<String>,
}

impl Diagnostic {
    /// A finding without suggestion.
    pub fn new(kind: DiagnosticKind, span: Span, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            span,
            suggestion: None,
        }
    }

    /// The same finding with the name that was probably meant, if there is one.
    #[must_use]
    pub fn with_suggestion(mut self, suggestion: Option<String>) -> Self {
        self.suggestion = suggestion;
        self
    }
}

impl Diagnostic {
    /// The same finding with what the `text` of the query around it tells: a name behind `--` is
    /// a word of what SQL has for a comment.
    #[must_use]
    pub fn seen_in(mut self, text: &str) -> Self {
        let before = text.get(..self.span.start as usize).unwrap_or_default();
        let line = before.rsplit(['\n', '\r']).next().unwrap_or_default();
        if self.kind == DiagnosticKind::Name && line.contains("--") {
            self.message
                .push_str("; comments begin with //, not with --");
            self.suggestion = None;
        }
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            DiagnosticKind::Unsupported => write!(formatter, "{} is not supported", self.message)?,
            _ => formatter.write_str(&self.message)?,
        }
        match &self.suggestion {
            Some(suggestion) => write!(formatter, "; did you mean '{suggestion}'?"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Diagnostic {}

/// The candidate most like `wanted`, if another is like it at all.
pub(crate) fn nearest<'a>(
    wanted: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let others = candidates
        .into_iter()
        .filter(|candidate| *candidate != wanted);
    kql_syntax::nearest(wanted, others).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_misspelled_name_finds_its_neighbour() {
        let names = ["FileName", "FolderPath", "SHA256"];
        assert_eq!(nearest("FileNam", names).as_deref(), Some("FileName"));
        assert_eq!(nearest("filename", names).as_deref(), Some("FileName"));
        assert_eq!(nearest("SHA265", names).as_deref(), Some("SHA256"));
        assert_eq!(nearest("Elsewhere", names), None);
    }
}
