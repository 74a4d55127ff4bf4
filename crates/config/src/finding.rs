//! What is wrong or doubtful in the settings, each with its path and line.

use std::fmt;

use defender_core::{Error, ErrorKind};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The setting is not used, or not as its writer meant.
    Warning,
    /// A connection that uses the setting fails.
    Error,
}

/// One thing that is wrong or doubtful in the settings; it never holds a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The setting's path, such as `DataProviders.MicrosoftDefender.Args.ClientId`.
    pub path: String,
    /// The setting's line, from 1, when it stands in a file.
    pub line: Option<u64>,
    /// One lower-case phrase.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Finding {
    pub(crate) fn warning(
        path: impl Into<String>,
        line: Option<u64>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Warning,
            path: path.into(),
            line,
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn error(
        path: impl Into<String>,
        line: Option<u64>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Error,
            ..Self::warning(path, line, message)
        }
    }

    #[must_use]
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The errors among `findings` as one error of the configuration, if there are any.
    pub(crate) fn check(findings: &[Self]) -> Result<(), Error> {
        let errors: Vec<_> = findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .collect();
        let Some(first) = errors.first() else {
            return Ok(());
        };
        let error = match errors.as_slice() {
            [only] => Error::new(ErrorKind::Config, only.to_string()),
            several => {
                let count = format!("{} settings are wrong", several.len());
                let mut told: Option<Error> = None;
                for finding in several.iter().rev() {
                    let next = Error::new(ErrorKind::Config, finding.to_string());
                    told = Some(match told {
                        Some(others) => next.with_source(others),
                        None => next,
                    });
                }
                let error = Error::new(ErrorKind::Config, count);
                match told {
                    Some(told) => error.with_source(told),
                    None => error,
                }
            }
        };
        Err(match &first.hint {
            Some(hint) => error.with_hint(hint.clone()),
            None => error,
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.path.is_empty(), self.line) {
            (true, _) => f.write_str(&self.message),
            (false, Some(line)) => write!(f, "{} (line {line}): {}", self.path, self.message),
            (false, None) => write!(f, "{}: {}", self.path, self.message),
        }
    }
}
