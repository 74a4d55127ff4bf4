//! What is wrong with a query, and where.

use std::fmt;

use crate::span::Span;

/// One complaint about a query text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The text it is about; empty where something is missing.
    pub span: Span,
    /// One lower-case phrase that says what was expected or found.
    pub message: String,
    /// What to do about it, when that is known.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// A complaint without a hint.
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
            hint: None,
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds what to do about it where nothing else is known.
    #[must_use]
    pub(crate) fn or_hint(self, hint: impl Into<String>) -> Self {
        if self.hint.is_some() {
            return self;
        }
        self.with_hint(hint)
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Diagnostic {}
