//! What is wrong or doubtful in definition files.

use std::fmt;
use std::path::{Path, PathBuf};

/// How bad a [`Finding`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing: one query replaces another.
    Notice,
    /// The query can be used, though perhaps not as its writer meant.
    Warning,
    /// The file or the query was left out.
    Error,
}

/// One thing that is wrong or doubtful in a definition file; loading goes on after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The file, when the definition came from one.
    pub file: Option<PathBuf>,
    /// The query it is about; `None` when it is about the whole file.
    pub source: Option<String>,
    /// The line, from 1.
    pub line: Option<u64>,
    /// One lower-case phrase.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Finding {
    pub(crate) fn new(severity: Severity, message: impl Into<String>) -> Self {
        Self {
            severity,
            file: None,
            source: None,
            line: None,
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn error(message: impl Into<String>) -> Self {
        Self::new(Severity::Error, message)
    }

    pub(crate) fn warning(message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, message)
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn at(mut self, line: Option<u64>) -> Self {
        self.line = self.line.or(line);
        self
    }

    pub(crate) fn of(mut self, source: &str) -> Self {
        self.source.get_or_insert_with(|| source.to_owned());
        self
    }

    pub(crate) fn within(mut self, file: Option<&Path>) -> Self {
        self.file = self.file.or_else(|| file.map(Path::to_owned));
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, "{}:{line}: ", file.display())?,
            (Some(file), None) => write!(f, "{}: ", file.display())?,
            (None, _) => {}
        }
        if let Some(source) = &self.source {
            write!(f, "{source}: ")?;
        }
        f.write_str(&self.message)
    }
}
