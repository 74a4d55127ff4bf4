//! What is wrong or doubtful with queries, found without running them.

mod check;
mod files;
mod names;
mod pages;
mod plan;
mod rules;
mod schema;
mod sentinel;
mod service;
mod time;
mod words;

pub use check::check;
pub use files::{FileFinding, FileReport, check_file, is_of_rules, is_page_of_queries, unreadable};
pub use rules::{Level, Rule, rules};
pub use schema::Schema;

use kql_syntax::Span;

/// One thing to say about a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule that says it.
    pub rule: &'static Rule,
    /// One lower-case phrase.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
    /// The part of the query that is meant.
    pub span: Span,
}

impl Finding {
    fn new(rule: &'static Rule, span: Span, message: impl Into<String>) -> Self {
        Self {
            rule,
            message: message.into(),
            hint: None,
            span,
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

#[cfg(test)]
mod tests;
