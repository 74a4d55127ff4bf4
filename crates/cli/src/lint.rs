//! `defender lint`: what is wrong with queries, found without running them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use defender_core::{Error, ErrorKind, Result};
use kql_semantics::{BindOptions, DiagnosticKind, TableSchema};
use kql_syntax::{Diagnostic, Lines};
use serde_json::{Value, json};

use crate::arguments::LintOptions;
use crate::context::Context;
use crate::listing;

/// One thing to say about a query.
struct Finding {
    /// Whether the query cannot be right.
    is_error: bool,
    diagnostic: Diagnostic,
}

/// Checks every file, prints the findings, and fails when one of them is an error.
pub(crate) fn run(options: &LintOptions, context: &Context) -> Result<()> {
    let tables: BTreeMap<String, TableSchema> = defender_query::hunting_tables()
        .map(|(name, columns)| (name.to_owned(), TableSchema::new(columns)))
        .collect();
    let stdin = [Path::new("-").to_owned()];
    let files = if options.files.is_empty() {
        &stdin[..]
    } else {
        &options.files
    };
    let mut objects = Vec::new();
    let mut text = String::new();
    let mut errors = 0;
    for file in files {
        let name = if file == Path::new("-") {
            "<stdin>".into()
        } else {
            file.to_string_lossy()
        };
        let query = read(file)?;
        let lines = Lines::new(&query);
        for finding in findings(&query, &tables) {
            errors += usize::from(finding.is_error);
            let severity = if finding.is_error { "error" } else { "note" };
            let position = lines.position(finding.diagnostic.span.start);
            if options.json {
                objects.push(json!({
                    "file": name,
                    "line": position.line,
                    "column": position.column,
                    "start": finding.diagnostic.span.start,
                    "end": finding.diagnostic.span.end,
                    "severity": severity,
                    "message": finding.diagnostic.message,
                    "hint": finding.diagnostic.hint,
                }));
            } else {
                let rendered = lines.render(&finding.diagnostic);
                let _ = writeln!(text, "{name}: {severity}: {rendered}");
            }
        }
    }
    if options.json {
        listing::print(&format!("{:#}", Value::from(objects)))?;
    } else if !text.is_empty() {
        listing::print(&text)?;
    }
    if errors == 0 {
        let noun = if files.len() == 1 { "query" } else { "queries" };
        context.note(&format!("{} {noun} checked, no error", files.len()));
        return Ok(());
    }
    let noun = if errors == 1 { "error" } else { "errors" };
    Err(Error::new(
        ErrorKind::Query,
        format!("{errors} {noun} found"),
    ))
}

fn read(path: &Path) -> Result<String> {
    let text = if path == Path::new("-") {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(path)
    };
    text.map_err(|error| {
        Error::new(
            ErrorKind::Io,
            format!("cannot read the query from {}", path.display()),
        )
        .with_source(error)
    })
}

fn findings(query: &str, tables: &BTreeMap<String, TableSchema>) -> Vec<Finding> {
    let parsed = kql_syntax::parse(query);
    if !parsed.diagnostics.is_empty() {
        // Names and types of half a tree are guesses.
        let error = |diagnostic| Finding {
            is_error: true,
            diagnostic,
        };
        return parsed.diagnostics.into_iter().map(error).collect();
    }
    let options = BindOptions::default();
    let diagnostics = match kql_semantics::bind_assuming(&parsed.tree, tables, &options) {
        Ok(bound) => bound.notes,
        Err(diagnostics) => diagnostics,
    };
    diagnostics.into_iter().map(finding).collect()
}

fn finding(found: kql_semantics::Diagnostic) -> Finding {
    let is_error = matches!(
        found.kind,
        DiagnosticKind::Name
            | DiagnosticKind::Type
            | DiagnosticKind::Arity
            | DiagnosticKind::Constant
            | DiagnosticKind::Meaning
    );
    let message = match found.kind {
        DiagnosticKind::Unsupported => format!("{} cannot be checked here", found.message),
        _ => found.message,
    };
    let mut diagnostic = Diagnostic::new(found.span, message);
    if let Some(suggestion) = found.suggestion {
        diagnostic = diagnostic.with_hint(format!("did you mean '{suggestion}'?"));
    }
    Finding {
        is_error,
        diagnostic,
    }
}

#[cfg(test)]
mod tests {
    use defender_query::hunting_tables;

    use super::*;

    fn messages(query: &str) -> Vec<(bool, String)> {
        let tables = hunting_tables()
            .map(|(name, columns)| (name.to_owned(), TableSchema::new(columns)))
            .collect();
        findings(query, &tables)
            .into_iter()
            .map(|finding| (finding.is_error, finding.diagnostic.to_string()))
            .collect()
    }

    #[test]
    fn a_sound_query_has_no_finding() {
        assert!(messages("DeviceProcessEvents | where FileName =~ 'cmd.exe' | take 5").is_empty());
    }

    #[test]
    fn syntax_names_and_types_are_errors() {
        for query in [
            "DeviceProcessEvents | where",
            "DeviceProcessEvents | where FileNam == 'x'",
            "DeviceProcessEvent | take 1",
            "DeviceProcessEvents | where ProcessId has 5h",
        ] {
            let found = messages(query);
            assert!(
                found.iter().any(|(is_error, _)| *is_error),
                "{query}: {found:?}"
            );
        }
    }
}
