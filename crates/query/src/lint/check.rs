//! One query, against every rule.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use kql_semantics::{BindOptions, DiagnosticKind, TableSchema};
use kql_syntax::{Span, TokenKind, tokenize};

use super::rules::{MISUSE, SYNTAX, UNCHECKED, UNKNOWN_NAME};
use super::{Finding, names, service, time, words};
use crate::local::hunting_tables;

static TABLES: LazyLock<BTreeMap<String, TableSchema>> = LazyLock::new(|| {
    hunting_tables()
        .map(|(name, columns)| (name.to_owned(), TableSchema::new(columns)))
        .collect()
});

/// What is wrong or doubtful with a query, in the order of its text.
///
/// A comment `// lint: allow missing-time-filter` takes findings of that rule out; several rules
/// are separated by commas.
///
/// ```
/// let findings = defender_query::lint::check("DeviceEvents | where FileName contains 'powershell'");
/// let rules: Vec<&str> = findings.iter().map(|finding| finding.rule.id).collect();
/// assert_eq!(rules, ["missing-time-filter", "contains-for-has"]);
/// ```
pub fn check(query: &str) -> Vec<Finding> {
    let parsed = kql_syntax::parse(query);
    if !parsed.diagnostics.is_empty() {
        // Names and types of half a tree are guesses.
        return parsed
            .diagnostics
            .into_iter()
            .map(|found| {
                let finding = Finding::new(&SYNTAX, found.span, found.message);
                match found.hint {
                    Some(hint) => finding.hint(hint),
                    None => finding,
                }
            })
            .collect();
    }
    let tree = &parsed.tree;
    let mut findings = names::gone_tables(tree);
    let gone: Vec<Span> = findings.iter().map(|finding| finding.span).collect();
    let bound = kql_semantics::bind_assuming(tree, &*TABLES, &BindOptions::default());
    let diagnostics = bound.map_or_else(|diagnostics| diagnostics, |bound| bound.notes);
    for found in diagnostics {
        if !gone.contains(&found.span) {
            findings.push(of_binder(query, found));
        }
    }
    findings.extend(names::renamed_values(tree));
    findings.extend(time::findings(tree));
    findings.extend(words::findings(tree));
    findings.extend(service::findings(tree));
    let allowed = allowed(query);
    findings.retain(|finding| !allowed.contains(finding.rule.id));
    findings.sort_by_key(|finding| (finding.span.start, finding.span.end, finding.rule.id));
    findings.dedup();
    findings
}

fn of_binder(query: &str, found: kql_semantics::Diagnostic) -> Finding {
    let rule = match found.kind {
        DiagnosticKind::Name => {
            let name = query.get(found.span.start as usize..found.span.end as usize);
            if let Some(finding) = name.and_then(|name| names::renamed_column(name, found.span)) {
                return finding;
            }
            &UNKNOWN_NAME
        }
        DiagnosticKind::Type
        | DiagnosticKind::Arity
        | DiagnosticKind::Constant
        | DiagnosticKind::Meaning => &MISUSE,
        _ => &UNCHECKED,
    };
    let message = match found.kind {
        DiagnosticKind::Unsupported => format!("{} cannot be checked here", found.message),
        _ => found.message,
    };
    let finding = Finding::new(rule, found.span, message);
    match found.suggestion {
        Some(name) => finding.hint(format!("did you mean '{name}'?")),
        None => finding,
    }
}

/// The rules that comments allow to be broken.
fn allowed(query: &str) -> BTreeSet<&str> {
    let (tokens, _) = tokenize(query);
    tokens
        .iter()
        .filter(|token| token.kind == TokenKind::Comment)
        .filter_map(|token| query.get(token.span.start as usize..token.span.end as usize))
        .filter_map(|comment| Some(comment.split_once("lint: allow ")?.1))
        .flat_map(|rules| rules.split(','))
        .map(str::trim)
        .collect()
}
