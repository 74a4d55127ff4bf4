//! `defender lint`: what is wrong with queries, found without running them.

mod sarif;

use std::fmt::Write as _;
use std::path::Path;

use defender_core::{Clock as _, Error, ErrorKind};
use defender_http::SystemClock;
use defender_query::lint::{self, FileFinding, Level, Rule, rules};
use kql_syntax::{Lines, Position};
use serde_json::{Value, json};

use crate::arguments::LintOptions;
use crate::context::Context;
use crate::listing::{self, counted};
use crate::query_files::{QueryFiles, is_definitions};
use crate::text::{self, Text};

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
pub(crate) fn run(options: &LintOptions, context: &Context) -> defender_core::Result<()> {
    if options.rules {
        return explain();
    }
    let allowed = allowed(&options.allow)?;
    let (mut found, mut queries) = (Vec::new(), 0);
    let QueryFiles { files, others, .. } = {
        let files = QueryFiles::of(&options.files, true);
        files.require_some()?;
        files
    };
    for file in files {
        let read = file.and_then(|path| match text::read(&path) {
            Ok(text) => Ok((path, text)),
            Err(error) => Err((path, error)),
        });
        let (path, text) = match read {
            Ok(read) => read,
            Err((path, error)) => {
                found.push(unreadable(&path, &error));
                continue;
            }
        };
        queries += 1;
        if is_definitions(&path) {
            found.extend(definitions(&path, &text.text));
        } else {
            found.extend(query(&path, &text));
        }
    }
    found.retain(|found| !allowed.contains(&found.rule.id));
    if options.sarif {
        listing::print_json(&sarif::log(&found))?;
    } else if options.json {
        listing::print_json(&objects(&found))?;
    } else {
        let text: String = found.iter().map(|found| found.shown.as_str()).collect();
        if !text.is_empty() {
            listing::print_words(&text)?;
        }
    }
    let count = |level: Level| found.iter().filter(|found| found.level == level).count();
    let (errors, warnings) = (count(Level::Error), count(Level::Warning));
    if errors == 0 && (warnings == 0 || !options.strict) {
        let mut text = format!("{} checked, no error", counted(queries, "file", "files"));
        if warnings > 0 {
            let _ = write!(text, ", {}", counted(warnings, "warning", "warnings"));
        }
        if others > 0 {
            let others = counted(others, "other file", "other files");
            let _ = write!(text, "; {others} left out");
        }
        context.note(&text);
        return Ok(());
    }
    let unread = found.iter().filter(|found| is_unreadable(found)).count();
    if unread > 0 && unread == errors && !(options.strict && warnings > 0) {
        let message = format!("{} cannot be read", counted(unread, "file", "files"));
        return Err(Error::new(ErrorKind::Io, message));
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

/// Every rule with why it is there.
fn explain() -> defender_core::Result<()> {
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

fn allowed(names: &[String]) -> defender_core::Result<Vec<&'static str>> {
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

fn name(path: &Path) -> String {
    if path == Path::new("-") {
        "<stdin>".to_owned()
    } else {
        path.to_string_lossy().into_owned()
    }
}

/// A file or folder that cannot be read.
fn unreadable(path: &Path, error: &std::io::Error) -> Found {
    let mut finding = lint::unreadable(&error.to_string());
    let name = name(path);
    if name.contains('|') {
        let hint = "a query comes from a file or from standard input: echo '…' | defender lint";
        finding.hint = Some(hint.to_owned());
    }
    of_file(&name, finding)
}

fn is_unreadable(found: &Found) -> bool {
    found.rule.id == lint::unreadable("").rule.id
}

/// A file that is one query.
fn query(path: &Path, text: &Text) -> Vec<Found> {
    let Text { text, encoding } = text;
    let lines = Lines::new(text);
    let file = name(path);
    lint::check(text)
        .into_iter()
        .map(|finding| {
            let rule = finding.rule;
            let start = lines.position(finding.span.start);
            let mut shown = heading(&file, start, rule.level, rule);
            let _ = writeln!(shown, "{}", finding.message);
            let _ = writeln!(shown, "{}", lines.excerpt(finding.span).trim_end());
            if let Some(hint) = &finding.hint {
                let _ = writeln!(shown, "  hint: {hint}");
            }
            Found {
                file: file.clone(),
                query: None,
                rule,
                level: rule.level,
                message: finding.message,
                hint: finding.hint,
                start,
                end: Some(lines.position(finding.span.end)),
                bytes: encoding
                    .place(finding.span.start)
                    .zip(encoding.place(finding.span.end)),
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
        .map(|finding| of_file(&file, finding))
        .collect()
}

fn of_file(file: &str, finding: FileFinding) -> Found {
    let mut shown = heading(file, finding.start, finding.level, finding.rule);
    if let Some(query) = &finding.query {
        let _ = write!(shown, "{query}: ");
    }
    let _ = writeln!(shown, "{}", finding.message);
    if let Some(hint) = &finding.hint {
        let _ = writeln!(shown, "  hint: {hint}");
    }
    Found {
        file: file.to_owned(),
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
}

/// `FILE:LINE:COLUMN: LEVEL [RULE]: `, as editors and CI systems find places.
fn heading(file: &str, start: Position, level: Level, rule: &Rule) -> String {
    format!(
        "{file}:{}:{}: {} [{}]: ",
        start.line,
        start.column,
        level.name(),
        rule.id
    )
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
