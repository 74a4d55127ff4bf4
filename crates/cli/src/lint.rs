//! `defender lint`: what is wrong with queries, found without running them.

mod sarif;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use defender_core::{Clock as _, Error, ErrorKind, redact_shapes, strike_out_shapes};
use defender_http::SystemClock;
use defender_query::lint::{self, FileFinding, FileReport, Level, Rule, Schema, rules};
use kql_syntax::{Lines, Position};
use serde_json::{Value, json};

use crate::arguments::LintOptions;
use crate::context::Context;
use crate::listing::{self, counted};
use crate::query_files::{self, QueryFiles, is_definitions, is_of_rules, is_page};
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
    let mut schema = schema(&options.schema)?;
    if options.sentinel {
        schema = schema.with_sentinel();
    }
    let (mut found, mut checked, mut queries) = (Vec::new(), 0, 0);
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
        checked += 1;
        let report = if is_definitions(&path) || is_of_rules(&path) {
            schema.check_file(&text.text, SystemClock.now())
        } else if is_page(&path) {
            schema.check_page(&text.text)
        } else {
            queries += kql_syntax::queries(&text.text).len();
            found.extend(query(&path, &text, &schema));
            FileReport::default()
        };
        queries += report.queries;
        let file = name(&path);
        let of_report = report.findings.into_iter();
        found.extend(of_report.map(|finding| of_file(&file, finding)));
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
    let checked = format!(
        "{} with {}",
        counted(checked, "file", "files"),
        counted(queries, "query", "queries")
    );
    let others = (!others.is_empty()).then(|| left_out(&others));
    if errors == 0 && (warnings == 0 || !options.strict) {
        let mut text = format!("{checked} checked, no error");
        if warnings > 0 {
            let _ = write!(text, ", {}", counted(warnings, "warning", "warnings"));
        }
        if let Some(others) = others {
            let _ = write!(text, "; {others}");
        }
        context.note(&text);
        return Ok(());
    }
    if let Some(others) = others {
        context.note(&others);
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
    if warnings > 0 {
        parts.push(counted(warnings, "warning", "warnings"));
    }
    let message = format!("{} found in {checked}", parts.join(" and "));
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

/// The files that were passed over.
fn left_out(others: &[PathBuf]) -> String {
    let count = counted(others.len(), "other file", "other files");
    format!("{count} left out: {}", query_files::named(others))
}

/// The tables of the service, and those of the files that are named.
fn schema(files: &[PathBuf]) -> defender_core::Result<Schema> {
    let mut schema = Schema::default();
    for path in files {
        let at =
            |error: Error| error.within(format!("the schema {} cannot be used", path.display()));
        let read = text::read(path).map_err(|error| {
            at(Error::new(
                ErrorKind::Io,
                format!("cannot be read: {error}"),
            ))
        })?;
        schema.add(&read.text).map_err(at)?;
    }
    Ok(schema)
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
    let mut finding = lint::unreadable(&query_files::reason(error));
    if query_files::is_a_query(path) {
        let hint = "a query comes from a file or from standard input: echo '…' | defender lint";
        finding.hint = Some(hint.to_owned());
    }
    of_file(&name(path), finding)
}

fn is_unreadable(found: &Found) -> bool {
    found.rule.id == lint::unreadable("").rule.id
}

/// A file that is one query.
fn query(path: &Path, text: &Text, schema: &Schema) -> Vec<Found> {
    let Text { text, encoding } = text;
    let findings = schema.check(text);
    let lines = Lines::new(text);
    // Every letter stays in its column, under which the carets are.
    let places = findings.iter().map(|finding| finding.span.start as usize);
    let struck = strike_out_shapes(text, places);
    let excerpts = Lines::new(&struck);
    let file = name(path);
    findings
        .into_iter()
        .map(|mut finding| {
            clean(&mut finding.message, &mut finding.hint);
            let rule = finding.rule;
            let hint = finding.hint.or_else(|| of_schema(rule, &finding.message));
            let start = lines.position(finding.span.start);
            let mut shown = heading(&file, start, rule.level, rule);
            let _ = writeln!(shown, "{}", finding.message);
            let _ = writeln!(shown, "{}", excerpts.excerpt(finding.span).trim_end());
            if let Some(hint) = &hint {
                let _ = writeln!(shown, "  hint: {hint}");
            }
            Found {
                file: file.clone(),
                query: None,
                rule,
                level: rule.level,
                message: finding.message,
                hint,
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

/// Takes what looks like a secret out of what is said of a query, in whatever form it is printed.
fn clean(message: &mut String, hint: &mut Option<String>) {
    for text in std::iter::once(message).chain(hint) {
        if let Cow::Owned(clean) = redact_shapes(text) {
            *text = clean;
        }
    }
}

fn of_file(file: &str, mut finding: FileFinding) -> Found {
    clean(&mut finding.message, &mut finding.hint);
    let mut shown = heading(file, finding.start, finding.level, finding.rule);
    if let Some(query) = &finding.query {
        let _ = write!(shown, "{query}: ");
    }
    let _ = writeln!(shown, "{}", finding.message);
    let hint = (finding.hint).or_else(|| of_schema(finding.rule, &finding.message));
    if let Some(hint) = &hint {
        let _ = writeln!(shown, "  hint: {hint}");
    }
    Found {
        file: file.to_owned(),
        query: finding.query,
        rule: finding.rule,
        level: finding.level,
        message: finding.message,
        hint,
        start: finding.start,
        end: finding.end,
        bytes: None,
        shown,
    }
}

/// What to do about a table that may be one of a workspace.
fn of_schema(rule: &Rule, message: &str) -> Option<String> {
    let unknown = rule.id == "unknown-name" && message.starts_with("no table named ");
    unknown.then(|| "columns of other tables come from a file: --schema FILE".to_owned())
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
