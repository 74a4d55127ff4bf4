//! A file of query definitions, each query of it against every rule.

use std::time::SystemTime;

use defender_core::DataEnvironment;
use defender_queries::{
    Definition, Filter, Finding as FileProblem, Language, Library, Sample, Severity, rule_queries,
};
use kql_syntax::{Lines, Position};

use super::rules::{QUERY_FILE, RETIRED_API, UNCHECKED, UNREADABLE};
use super::schema::{HUNTING, Schema};
use super::{Level, Rule};

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

/// What a file with queries comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileReport {
    /// How many queries it has.
    pub queries: usize,
    /// What there is to say of them, in the order of its lines.
    pub findings: Vec<FileFinding>,
}

/// What is wrong or doubtful with a file of query definitions or detection rules, in the order of
/// its lines.
///
/// Each query is checked as [`check`](super::check) does, with its defaults and made-up values for
/// parameters; `now` is the time that they count from. Places are those in the file; where a macro
/// made the text, the line of the query is given.
pub fn check_file(text: &str, now: SystemTime) -> Vec<FileFinding> {
    HUNTING.check_file(text, now).findings
}

impl Schema {
    /// The same for queries over these tables; see [`check_file`].
    pub fn check_file(&self, text: &str, now: SystemTime) -> FileReport {
        let mut report = if is_of_rules(text) {
            self.check_rules(text)
        } else {
            self.check_definitions(text, now)
        };
        report.findings.sort_by(|left, right| {
            (left.start, left.end, left.rule.id).cmp(&(right.start, right.end, right.rule.id))
        });
        report
    }

    fn check_definitions(&self, text: &str, now: SystemTime) -> FileReport {
        let mut library = Library::new();
        let (_, problems) = library.add_text(text, None);
        let mut findings: Vec<FileFinding> = problems.into_iter().map(of_file).collect();
        let mut done: Vec<*const Definition> = Vec::new();
        let lines = Lines::new(text);
        for (_, definition) in library.queries(&Filter::default()) {
            // A query is listed under each of its families.
            if !done.contains(&std::ptr::from_ref(definition)) {
                done.push(definition);
                findings.extend(self.of_query(text, &lines, definition, now));
            }
        }
        FileReport {
            queries: done.len(),
            findings,
        }
    }

    fn check_rules(&self, text: &str) -> FileReport {
        let rules = match rule_queries(text) {
            Ok(rules) => rules,
            Err(problem) => {
                return FileReport {
                    queries: 0,
                    findings: vec![of_file(problem)],
                };
            }
        };
        let lines = Lines::new(text);
        let mut findings = Vec::new();
        for found in &rules {
            let place = At {
                query: found.rule.clone(),
                line: found.line,
            };
            match &found.query {
                Some(sample) => findings.extend(self.of_sample(&lines, sample, &place)),
                None => findings.push(
                    place.finding(
                        &UNCHECKED,
                        "an expression of a template, which only its deployment makes a query of, \
                     cannot be checked here"
                            .to_owned(),
                        None,
                    ),
                ),
            }
        }
        FileReport {
            queries: rules.len(),
            findings,
        }
    }

    /// What is wrong or doubtful with the queries of a Markdown page: its fenced blocks of `kql` or
    /// `kusto`.
    pub fn check_page(&self, text: &str) -> FileReport {
        let lines = Lines::new(text);
        let blocks = super::pages::blocks(text);
        let mut findings = Vec::new();
        for block in &blocks {
            for found in self.check(&text[block.clone()]) {
                let span = found.span.after(block.start);
                findings.push(FileFinding {
                    rule: found.rule,
                    level: found.rule.level,
                    query: None,
                    message: found.message,
                    hint: found.hint,
                    start: lines.position(span.start),
                    end: Some(lines.position(span.end)),
                });
            }
        }
        FileReport {
            queries: blocks.len(),
            findings,
        }
    }
}

/// Whether a file holds queries of detection rules, and is no file of query definitions.
pub fn is_of_rules(text: &str) -> bool {
    !text.lines().any(|line| line.starts_with("sources:"))
        && rule_queries(text).is_ok_and(|rules| !rules.is_empty())
}

/// Whether a Markdown page has queries in it.
pub fn is_page_of_queries(text: &str) -> bool {
    !super::pages::blocks(text).is_empty()
}

/// The query that findings are about.
struct At {
    query: Option<String>,
    line: Option<u64>,
}

impl At {
    fn finding(&self, rule: &'static Rule, message: String, hint: Option<String>) -> FileFinding {
        FileFinding {
            rule,
            level: rule.level,
            query: self.query.clone(),
            message,
            hint,
            start: line(self.line),
            end: None,
        }
    }
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

impl Schema {
    fn of_query(
        &self,
        text: &str,
        lines: &Lines<'_>,
        definition: &Definition,
        now: SystemTime,
    ) -> Vec<FileFinding> {
        let at = At {
            query: Some(definition.name.clone()),
            line: definition.line,
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
            findings.push(at.finding(
                &RETIRED_API,
                "the APIs of MDE and M365D end on 1 February 2027".to_owned(),
                Some("add M365DGraph to data_environments".to_owned()),
            ));
        }
        match definition.sample(Some(text), now) {
            Ok(sample) => findings.extend(self.of_sample(lines, &sample, &at)),
            Err(error) => {
                let message = format!("the query cannot be checked: {error}");
                findings.push(at.finding(&UNCHECKED, message, None));
            }
        }
        findings
    }

    /// What there is to say of a query, with its places in the file.
    fn of_sample(&self, lines: &Lines<'_>, sample: &Sample, at: &At) -> Vec<FileFinding> {
        let position = |offset: usize| {
            let offset = sample.locate(offset)?;
            Some(lines.position(u32::try_from(offset).ok()?))
        };
        let found = self.check(&sample.text).into_iter();
        found
            .map(|found| {
                let (start, end) = (found.span.start as usize, found.span.end as usize);
                let first = position(start);
                // The last letter is there for certain; what follows may be of the next parameter.
                let last = position(end.saturating_sub(1).max(start)).map(|last| Position {
                    column: last.column + 1,
                    ..last
                });
                FileFinding {
                    start: first.unwrap_or(line(at.line)),
                    end: first.and(last).filter(|last| Some(*last) > first),
                    ..at.finding(found.rule, found.message, found.hint)
                }
            })
            .collect()
    }
}

fn line(line: Option<u64>) -> Position {
    Position {
        line: line.and_then(|line| u32::try_from(line).ok()).unwrap_or(1),
        column: 1,
    }
}
