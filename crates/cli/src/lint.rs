//! `defender lint`: what is wrong with queries, found without running them.

mod sarif;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use defender_core::{Clock as _, Error, ErrorKind, Result};
use defender_http::SystemClock;
use defender_query::lint::{self, Level, Rule, rules};
use kql_syntax::{Diagnostic, Lines, Position};
use serde_json::{Value, json};

use crate::arguments::LintOptions;
use crate::context::Context;
use crate::listing;

/// Files of these endings are looked at in a folder.
const QUERIES: [&str; 2] = ["kql", "csl"];
const DEFINITIONS: [&str; 2] = ["yaml", "yml"];

/// Folders nest at most so deep; what is deeper is a loop or a mistake.
const MAX_DEPTH: usize = 32;

/// One thing to say about a file.
struct Found {
    file: String,
    /// The query of a file of definitions.
    query: Option<String>,
    rule: &'static Rule,
    level: Level,
    message: String,
    hint: Option<String>,
    start: Position,
    end: Option<Position>,
    /// Bytes of the file, where the whole file is the query.
    bytes: Option<(u32, u32)>,
    /// The same for a reader, with the line that is meant.
    shown: String,
}

/// Checks every file, prints the findings, and fails when one of them is an error.
pub(crate) fn run(options: &LintOptions, context: &Context) -> Result<()> {
    if options.rules {
        return explain();
    }
    let allowed = allowed(&options.allow)?;
    let files = files(&options.files)?;
    let mut found = Vec::new();
    let mut queries = 0;
    for file in &files {
        let text = read(file)?;
        queries += 1;
        if is_definitions(file) {
            found.extend(definitions(file, &text));
        } else {
            found.extend(query(file, &text));
        }
    }
    found.retain(|found| !allowed.contains(&found.rule.id));
    if options.sarif {
        listing::print(&format!("{:#}", sarif::log(&found)))?;
    } else if options.json {
        listing::print(&format!("{:#}", objects(&found)))?;
    } else {
        let text: String = found.iter().map(|found| found.shown.as_str()).collect();
        if !text.is_empty() {
            listing::print(&text)?;
        }
    }
    let count = |level: Level| found.iter().filter(|found| found.level == level).count();
    let (errors, warnings) = (count(Level::Error), count(Level::Warning));
    if errors == 0 && (warnings == 0 || !options.strict) {
        let mut text = format!("{} checked, no error", counted(queries, "file", "files"));
        if warnings > 0 {
            let _ = write!(text, ", {}", counted(warnings, "warning", "warnings"));
        }
        context.note(&text);
        return Ok(());
    }
    let mut parts = Vec::new();
    if errors > 0 {
        parts.push(counted(errors, "error", "errors"));
    }
    if options.strict && warnings > 0 {
        parts.push(counted(warnings, "warning", "warnings"));
    }
    let message = format!("{} found", parts.join(" and "));
    Err(Error::new(ErrorKind::Query, message))
}

fn counted(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

/// Every rule with why it is there.
fn explain() -> Result<()> {
    let mut text = String::new();
    for rule in rules() {
        let _ = writeln!(
            text,
            "{} ({})\n  {}\n  {}\n",
            rule.id,
            rule.level.name(),
            rule.summary,
            rule.explanation
        );
    }
    listing::print(text.trim_end())
}

fn allowed(names: &[String]) -> Result<Vec<&'static str>> {
    let known = |name: &String| {
        let rule = rules().iter().find(|rule| rule.id == name.trim());
        rule.map(|rule| rule.id).ok_or_else(|| {
            let message = format!("there is no rule '{}'", name.escape_debug());
            let ids = rules().iter().map(|rule| rule.id);
            Error::new(ErrorKind::Usage, message).with_hint(
                match defender_core::nearest(name, ids) {
                    Some(near) => format!("did you mean '{near}'?"),
                    None => "'defender lint --rules' prints them".to_owned(),
                },
            )
        })
    };
    names.iter().map(known).collect()
}

/// The files to check: those that are named, and of folders those below them that hold queries.
fn files(named: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let dash = PathBuf::from("-");
    if named.is_empty() {
        return Ok(vec![dash]);
    }
    let mut files = Vec::new();
    for path in named {
        if *path == dash || !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let mut inside = Vec::new();
        let mut pending = vec![(path.clone(), 0)];
        while let Some((folder, depth)) = pending.pop() {
            let unreadable = |error| {
                let message = format!("cannot read the folder {}", folder.display());
                Error::new(ErrorKind::Io, message).with_source(error)
            };
            for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
                let path = entry.map_err(unreadable)?.path();
                if path.is_dir() {
                    if depth < MAX_DEPTH {
                        pending.push((path, depth + 1));
                    }
                } else if ends_in(&path, &QUERIES)
                    || (ends_in(&path, &DEFINITIONS) && !is_tests(&read(&path)?))
                {
                    inside.push(path);
                }
            }
        }
        inside.sort();
        files.extend(inside);
    }
    Ok(files)
}

fn ends_in(path: &Path, endings: &[&str]) -> bool {
    path.extension()
        .is_some_and(|ending| endings.iter().any(|one| ending.eq_ignore_ascii_case(one)))
}

/// Whether a file holds tests of queries, which stand beside them by habit.
fn is_tests(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("tests:"))
        && !text.lines().any(|line| line.starts_with("metadata:"))
}

fn is_definitions(path: &Path) -> bool {
    ends_in(path, &DEFINITIONS)
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

fn name(path: &Path) -> String {
    if path == Path::new("-") {
        "<stdin>".to_owned()
    } else {
        path.to_string_lossy().into_owned()
    }
}

/// A file that is one query.
fn query(path: &Path, text: &str) -> Vec<Found> {
    let lines = Lines::new(text);
    let file = name(path);
    lint::check(text)
        .into_iter()
        .map(|finding| {
            let mut diagnostic = Diagnostic::new(finding.span, finding.message.clone());
            if let Some(hint) = &finding.hint {
                diagnostic = diagnostic.with_hint(hint.clone());
            }
            let rule = finding.rule;
            let shown = format!(
                "{file}: {} [{}]: {}\n",
                rule.level.name(),
                rule.id,
                lines.render(&diagnostic).trim_end()
            );
            Found {
                file: file.clone(),
                query: None,
                rule,
                level: rule.level,
                message: finding.message,
                hint: finding.hint,
                start: lines.position(finding.span.start),
                end: Some(lines.position(finding.span.end)),
                bytes: Some((finding.span.start, finding.span.end)),
                shown,
            }
        })
        .collect()
}

/// A file of query definitions.
fn definitions(path: &Path, text: &str) -> Vec<Found> {
    let file = name(path);
    lint::check_file(text, SystemClock.now())
        .into_iter()
        .map(|finding| {
            let mut shown = format!(
                "{file}:{}:{}: {} [{}]: ",
                finding.start.line,
                finding.start.column,
                finding.level.name(),
                finding.rule.id
            );
            if let Some(query) = &finding.query {
                let _ = write!(shown, "{query}: ");
            }
            let _ = writeln!(shown, "{}", finding.message);
            if let Some(hint) = &finding.hint {
                let _ = writeln!(shown, "  hint: {hint}");
            }
            Found {
                file: file.clone(),
                query: finding.query,
                rule: finding.rule,
                level: finding.level,
                message: finding.message,
                hint: finding.hint,
                start: finding.start,
                end: finding.end,
                bytes: None,
                shown,
            }
        })
        .collect()
}

fn objects(found: &[Found]) -> Value {
    found
        .iter()
        .map(|found| {
            json!({
                "file": found.file,
                "query": found.query,
                "line": found.start.line,
                "column": found.start.column,
                "end_line": found.end.map(|end| end.line),
                "end_column": found.end.map(|end| end.column),
                "start": found.bytes.map(|(start, _)| start),
                "end": found.bytes.map(|(_, end)| end),
                "rule": found.rule.id,
                "severity": found.level.name(),
                "message": found.message,
                "hint": found.hint,
            })
        })
        .collect()
}
