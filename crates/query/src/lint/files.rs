//! A file of query definitions, each query of it against every rule.

use std::time::SystemTime;

use defender_core::DataEnvironment;
use defender_queries::{Definition, Filter, Finding as FileProblem, Language, Library, Severity};
use kql_syntax::{Lines, Position};

use super::rules::{QUERY_FILE, RETIRED_API, UNCHECKED, UNREADABLE};
use super::{Level, Rule, check};

/// One thing to say about a query of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFinding {
    /// The rule that says it.
    pub rule: &'static Rule,
    /// How bad it is, which the rule leaves open for what is wrong with the file.
    pub level: Level,
    /// The query; `None` when it is about the whole file.
    pub query: Option<String>,
    /// One lower-case phrase.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
    /// Where it begins in the file.
    pub start: Position,
    /// Where it ends, when that is known.
    pub end: Option<Position>,
}

/// What is wrong or doubtful with a file of query definitions, in the order of its lines.
///
/// Each query is checked as [`check`] does, with its defaults and made-up values for parameters;
/// `now` is the time that they count from. Places are those in the file; where a macro made the
/// text, the line of the query is given.
pub fn check_file(text: &str, now: SystemTime) -> Vec<FileFinding> {
    let mut library = Library::new();
    let (_, problems) = library.add_text(text, None);
    let mut findings: Vec<FileFinding> = problems.into_iter().map(of_file).collect();
    let mut done: Vec<*const Definition> = Vec::new();
    let lines = Lines::new(text);
    for (_, definition) in library.queries(&Filter::default()) {
        // A query is listed under each of its families.
        if !done.contains(&std::ptr::from_ref(definition)) {
            done.push(definition);
            findings.extend(of_query(text, &lines, definition, now));
        }
    }
    findings.sort_by(|left, right| {
        (left.start, left.end, left.rule.id).cmp(&(right.start, right.end, right.rule.id))
    });
    findings
}

/// What there is to say of a file or folder that cannot be read, `why` being the reason.
pub fn unreadable(why: &str) -> FileFinding {
    FileFinding {
        rule: &UNREADABLE,
        level: UNREADABLE.level,
        query: None,
        message: format!("cannot be read: {why}"),
        hint: None,
        start: line(None),
        end: None,
    }
}

fn of_file(problem: FileProblem) -> FileFinding {
    FileFinding {
        rule: &QUERY_FILE,
        level: match problem.severity {
            Severity::Error => Level::Error,
            Severity::Warning => Level::Warning,
            Severity::Notice => Level::Note,
        },
        query: problem.source,
        message: problem.message,
        hint: problem.hint,
        start: line(problem.line),
        end: None,
    }
}

fn of_query(
    text: &str,
    lines: &Lines<'_>,
    definition: &Definition,
    now: SystemTime,
) -> Vec<FileFinding> {
    let at_query = |rule: &'static Rule, message: String, hint: Option<String>| FileFinding {
        rule,
        level: rule.level,
        query: Some(definition.name.clone()),
        message,
        hint,
        start: line(definition.line),
        end: None,
    };
    let mut findings = Vec::new();
    let declared = &definition.environments;
    let ends = |environment: &DataEnvironment| {
        matches!(environment, DataEnvironment::Mde | DataEnvironment::M365d)
    };
    if definition.language != Language::Kql {
        return findings;
    }
    if declared.iter().any(ends) && !declared.contains(&DataEnvironment::M365dGraph) {
        findings.push(at_query(
            &RETIRED_API,
            "the APIs of MDE and M365D end on 1 February 2027".to_owned(),
            Some("add M365DGraph to data_environments".to_owned()),
        ));
    }
    let sample = match definition.sample(Some(text), now) {
        Ok(sample) => sample,
        Err(error) => {
            let message = format!("the query cannot be checked: {error}");
            findings.push(at_query(&UNCHECKED, message, None));
            return findings;
        }
    };
    let position = |offset: usize| {
        let offset = sample.locate(offset)?;
        Some(lines.position(u32::try_from(offset).ok()?))
    };
    for found in check(&sample.text) {
        let (start, end) = (found.span.start as usize, found.span.end as usize);
        let first = position(start);
        // The last letter is there for certain; what follows may be of the next parameter.
        let last = position(end.saturating_sub(1).max(start)).map(|last| Position {
            column: last.column + 1,
            ..last
        });
        findings.push(FileFinding {
            start: first.unwrap_or(line(definition.line)),
            end: first.and(last).filter(|last| Some(*last) > first),
            ..at_query(found.rule, found.message, found.hint)
        });
    }
    findings
}

fn line(line: Option<u64>) -> Position {
    Position {
        line: line.and_then(|line| u32::try_from(line).ok()).unwrap_or(1),
        column: 1,
    }
}
