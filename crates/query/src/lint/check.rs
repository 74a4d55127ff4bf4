//! One query, against every rule.

use std::collections::BTreeSet;

use kql_semantics::{BindOptions, DiagnosticKind};
use kql_syntax::tree::Query;
use kql_syntax::{Span, TokenKind, tokenize};

use super::rules::{
    MISSING_TIME_FILTER, MISUSE, NEEDS_SENTINEL, RENAMED_COLUMN, SYNTAX, UNCHECKED, UNKNOWN_NAME,
    UNKNOWN_RULE, rules,
};
use super::schema::{HUNTING, Schema};
use super::sentinel::Connected;
use super::{Finding, names, plan, service, time, words};

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
    HUNTING.check(query)
}

impl Schema {
    /// What is wrong or doubtful with a query over these tables; see [`check`].
    pub fn check(&self, query: &str) -> Vec<Finding> {
        let mut findings = Vec::new();
        for part in kql_syntax::queries(query) {
            let start = part.start;
            let found = one(&query[part], self);
            findings.extend(found.into_iter().map(|found| Finding {
                span: found.span.after(start),
                ..found
            }));
        }
        let (allowed, unknown) = allowed(query);
        findings.retain(|finding| !allowed.contains(finding.rule.id));
        findings.extend(unknown);
        findings.sort_by_key(|finding| (finding.span.start, finding.span.end, finding.rule.id));
        findings.dedup();
        findings
    }
}

/// What there is to say of one query.
fn one(query: &str, schema: &Schema) -> Vec<Finding> {
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
    // Who has a table of that name does not mean the one that is gone.
    findings.retain(|finding| {
        let name = query.get(finding.span.range()).unwrap_or_default();
        !schema.added.contains(name)
    });
    let gone: Vec<Span> = findings.iter().map(|finding| finding.span).collect();
    let options = BindOptions {
        exact_time: true,
        ..BindOptions::default()
    };
    let bound = kql_semantics::bind_assuming(tree, &schema.tables, &options);
    let sound = bound.is_ok() && gone.is_empty();
    let diagnostics = bound.map_or_else(|diagnostics| diagnostics, |bound| bound.notes);
    let connected = Connected::new(query, tree, schema);
    let mut misspelt_time = false;
    for found in diagnostics {
        if !gone.contains(&found.span) {
            if let Some(finding) = connected.finding(&found) {
                findings.push(finding);
                continue;
            }
            let written = query.get(found.span.range()).unwrap_or_default();
            misspelt_time |=
                !time::is_time(written) && found.suggestion.as_deref().is_some_and(time::is_time);
            let finding = of_binder(query, tree, found, schema);
            misspelt_time |= finding.rule == &RENAMED_COLUMN
                && time::is_time(
                    finding
                        .hint
                        .as_deref()
                        .unwrap_or_default()
                        .trim_start_matches("write "),
                );
            findings.push(finding);
        }
    }
    if sound {
        findings.extend(plan::findings(tree, &schema.tables));
    }
    findings.extend(names::renamed_values(tree));
    // A filter on a time that is misspelt was meant to be one.
    findings.extend(
        time::findings(tree)
            .into_iter()
            .filter(|finding| !misspelt_time || finding.rule != &MISSING_TIME_FILTER),
    );
    findings.extend(words::findings(tree));
    let needed: Vec<u32> = (findings.iter())
        .filter(|finding| finding.rule == &NEEDS_SENTINEL)
        .map(|finding| finding.span.start)
        .collect();
    // What needs a workspace is an error already.
    findings.extend(
        service::findings(tree)
            .into_iter()
            .filter(|finding| !needed.contains(&finding.span.start)),
    );
    findings
}

fn of_binder(
    query: &str,
    tree: &Query,
    found: kql_semantics::Diagnostic,
    schema: &Schema,
) -> Finding {
    let found = found.seen_in(query);
    let rule = match found.kind {
        DiagnosticKind::Name => {
            let name = query.get(found.span.start as usize..found.span.end as usize);
            let renamed = name.and_then(|name| names::renamed_column(name, found.span));
            if let Some((finding, new)) = renamed
                && resolves(query, found.span, new, schema)
            {
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
    // What the binder says of a name beyond that there is none is what to write.
    if found.kind == DiagnosticKind::Name
        && let Some((message, advice)) = message.split_once("; ")
    {
        return Finding::new(rule, found.span, message).hint(advice);
    }
    let finding = Finding::new(rule, found.span, message);
    let text = (found.kind == DiagnosticKind::Name)
        .then(|| words::unquoted(tree, found.span))
        .flatten();
    match (text, found.suggestion) {
        (_, Some(name)) => finding.hint(format!("did you mean '{name}'?")),
        (Some(text), None) => {
            let text = query.get(text.range()).unwrap_or_default();
            finding.hint(format!("a text stands in quotes: \"{text}\""))
        }
        (None, None) => finding,
    }
}

/// Whether a name at `span` would be known if it were `new`.
fn resolves(query: &str, span: Span, new: &str, schema: &Schema) -> bool {
    let range = span.range();
    let (Some(before), Some(after)) = (query.get(..range.start), query.get(range.end..)) else {
        return false;
    };
    let mended = kql_syntax::parse(&format!("{before}{new}{after}"));
    match kql_semantics::bind_assuming(&mended.tree, &schema.tables, &BindOptions::default()) {
        Ok(_) => true,
        Err(found) => found.iter().all(|one| one.span.start != span.start),
    }
}

/// The rules that comments allow to be broken, and what is said of those that there are not.
fn allowed(query: &str) -> (BTreeSet<&str>, Vec<Finding>) {
    let (tokens, _) = tokenize(query);
    let (mut allowed, mut unknown) = (BTreeSet::new(), Vec::new());
    for token in tokens {
        let comment = query.get(token.span.range()).unwrap_or_default();
        let Some((_, named)) = comment.split_once("lint: allow ") else {
            continue;
        };
        if token.kind != TokenKind::Comment {
            continue;
        }
        for name in named.split(',').map(str::trim) {
            if rules().iter().any(|rule| rule.id == name) {
                allowed.insert(name);
                continue;
            }
            let message = format!("there is no rule '{}'", name.escape_debug());
            let finding = Finding::new(&UNKNOWN_RULE, token.span, message);
            let ids = rules().iter().map(|rule| rule.id);
            unknown.push(match defender_core::nearest(name, ids) {
                Some(near) => finding.hint(format!("did you mean '{near}'?")),
                None => finding.hint("'defender lint --rules' prints them"),
            });
        }
    }
    (allowed, unknown)
}
