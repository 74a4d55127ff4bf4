//! What the linter knows of a query that was refused: the name that was probably meant, the place
//! of a syntax error, a second query in the same text.
//!
//! A query that is sent is never judged before: the advice comes with the refusal.

mod several;

use std::sync::Arc;

use async_trait::async_trait;
use defender_core::{DataEnvironment, Error, ErrorKind, Result, nearest};
use defender_drivers::{Capabilities, Driver, Query};
use defender_table::Answer;
use kql_syntax::Lines;

use crate::lint::{self, Finding};

/// Adds advice to the refusals of another driver.
#[derive(Debug)]
pub(crate) struct Advised {
    inner: Arc<dyn Driver>,
}

impl Advised {
    pub(crate) fn new(inner: Arc<dyn Driver>) -> Self {
        Self { inner }
    }
}

#[async_trait]
impl Driver for Advised {
    fn environment(&self) -> DataEnvironment {
        self.inner.environment()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn query(&self, query: &Query) -> Result<Answer> {
        let answer = self.inner.query(query).await;
        answer.map_err(|error| advised(&query.text, error))
    }
}

/// Whether a text holds several queries.
pub(crate) fn holds_several(text: &str) -> bool {
    several::advice(text).is_some()
}

/// `error`, which came of `query`, with what to write instead where that can be said.
fn advised(query: &str, error: Error) -> Error {
    let refused =
        error.kind() == ErrorKind::Query && matches!(error.status(), None | Some(400 | 422));
    if !refused {
        return error;
    }
    if let Some(advice) = several::advice(query) {
        return error.with_hint(advice);
    }
    // Local data is asked through the same binder, and its error says all of this already.
    if error.status().is_none() {
        return error;
    }
    match advice(query, &error.to_string()) {
        Some(advice) => error.with_hint(advice),
        None => error,
    }
}

/// Rules whose findings the service refuses under a name of its own.
const NAMES: &[&str] = &["unknown-name", "gone-table", "renamed-column"];
const SYNTAX: &str = "syntax";
const MISUSE: &str = "misuse";

/// What to write instead, seen from the service's words and from the query itself.
fn advice(query: &str, said: &str) -> Option<String> {
    let findings = lint::check(query);
    let written = |finding: &Finding| finding.span.slice(query);
    let named = quoted(said);
    let of_names = || {
        findings
            .iter()
            .filter(|finding| NAMES.contains(&finding.rule.id))
    };
    let meant = of_names().find(|finding| named.contains(&written(finding)));
    // Without a suggestion it says what the service has said.
    if let Some(finding) = meant.filter(|finding| finding.hint.is_some()) {
        return Some(told(query, finding));
    }
    if let Some(finding) = findings.iter().find(|finding| finding.rule.id == SYNTAX) {
        // A service that says it in the same words has said it all.
        return (!said.contains(&finding.message)).then(|| told(query, finding));
    }
    // A service says what is wrong with a type, and not where.
    let is_of_meaning = |finding: &&Finding| {
        finding.rule.id == MISUSE && (said.contains(&finding.message) || said.contains("emantic"))
    };
    if let Some(finding) = findings.iter().find(is_of_meaning) {
        return Some(placed(query, finding, said));
    }
    // The service knows a name no better than we do: perhaps it is near to one of ours.
    let unresolved = said.contains("esolve") || said.contains("nknown");
    if let Some(advice) = named
        .iter()
        // A name that exists is one that the tenant lacks: the hint about licences stays.
        .filter(|name| unresolved && names_of(query).all(|known| known != **name))
        .find_map(|name| Some(question(nearest(name, names_of(query))?, name)))
    {
        return Some(advice);
    }
    // A refusal without a name: what we would refuse for a name is the likely reason.
    // A table that we do not know may be the tenant's own: only a suggestion is worth a word.
    let mut suggested = of_names().filter(|finding| finding.hint.is_some());
    let finding = suggested.next().filter(|_| named.is_empty())?;
    Some(told(query, finding))
}

/// The finding in one line. A name needs no place, and a slice of the query has other lines.
fn told(query: &str, finding: &Finding) -> String {
    if finding.rule.id == SYNTAX {
        let at = Lines::new(query).position(finding.span.start);
        let place = format!(
            "line {}, column {}: {}",
            at.line, at.column, finding.message
        );
        return match &finding.hint {
            Some(hint) => format!("{place}; {hint}"),
            None => place,
        };
    }
    let meant = finding.hint.as_deref().and_then(|hint| {
        let name = hint.strip_prefix("did you mean '")?;
        name.strip_suffix("'?")
    });
    match (meant, &finding.hint) {
        (Some(meant), _) => question(meant, finding.span.slice(query)),
        (None, Some(hint)) => format!("{}: {hint}", finding.message),
        (None, None) => finding.message.clone(),
    }
}

/// The finding with the line that it is about; what the service has said is not repeated.
fn placed(query: &str, finding: &Finding, said: &str) -> String {
    let lines = Lines::new(query);
    let at = lines.position(finding.span.start);
    let (line, carets) = lines.marked(finding.span);
    let message = match &finding.hint {
        Some(hint) if said.contains(&finding.message) => format!(": {hint}"),
        Some(hint) => format!(": {}; {hint}", finding.message),
        None if said.contains(&finding.message) => String::new(),
        None => format!(": {}", finding.message),
    };
    format!(
        "line {}, column {}{message}\n    {line}\n    {carets}",
        at.line, at.column
    )
}

fn question(meant: &str, written: &str) -> String {
    format!("did you mean '{meant}' instead of '{written}'?")
}

/// What stands in single or double quotes.
fn quoted(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for quote in ['\'', '"'] {
        let parts = text.split(quote).skip(1).step_by(2);
        found.extend(parts.filter(|name| is_name(name)));
    }
    found
}

fn is_name(text: &str) -> bool {
    // `'where' operator: …` names no name.
    const OPERATORS: &[&str] = &["where", "project", "extend", "summarize", "join", "union"];
    !text.is_empty()
        && !OPERATORS.contains(&text)
        && text
            .chars()
            .all(|letter| letter.is_alphanumeric() || letter == '_')
}

/// The hunting tables, and the columns of those that the query names.
fn names_of(query: &str) -> impl Iterator<Item = &'static str> {
    let tables = defender_schema::tables();
    let columns = tables
        .iter()
        .filter(|table| query.contains(table.name))
        .flat_map(|table| table.columns.iter().map(|column| column.name));
    columns.chain(tables.iter().map(|table| table.name))
}

#[cfg(test)]
mod tests;
