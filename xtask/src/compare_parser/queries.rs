//! Queries of a folder: what Microsoft's parser and `defender lint` say of each, and of mutants.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use kql_semantics::{ScalarType, TableSchema};
use serde_json::Value;

use super::mutants::{self, Mistake};
use super::parser::Parser;
use super::texts;
use crate::command;

/// A query that may be a mutant, and what the linter says of it.
struct Judged {
    mistake: Option<Mistake>,
    text: String,
    /// Rules and messages of its errors.
    errors: Vec<(String, String)>,
}

/// Compares the queries below `folder`, prints where the two differ, and the two shares.
///
/// The command is built, unless one is given.
pub(super) fn run(
    folder: &Path,
    place: &Path,
    target: &Path,
    given: Option<&Path>,
) -> Result<(), String> {
    let name = format!("defender{}", std::env::consts::EXE_SUFFIX);
    let defender = if let Some(given) = given {
        given.to_owned()
    } else {
        command::run("cargo", &["build", "-p", "defender-cli", "--locked"], &[])?;
        target.with_file_name("debug").join(name)
    };
    let tables = tables()?;
    let columns: BTreeSet<&str> = tables
        .values()
        .flat_map(|table| table.columns.iter().map(|column| column.name.as_str()))
        .collect();
    let queries = texts::queries(folder)?;
    let (mut parser, _) = Parser::start(place, &tables)?;
    let verdicts = parser.ask(&queries)?;
    let mut mutants = Vec::new();
    for (turn, (query, verdict)) in queries.iter().zip(&verdicts).enumerate() {
        if verdict.refusals.is_empty() {
            let of_query = mutants::of(query, &columns, turn);
            // Each query is asked about with a few mistakes, and over all queries with every one.
            let count = of_query.len().max(1);
            mutants.extend(
                of_query
                    .into_iter()
                    .cycle()
                    .skip(turn % count)
                    .take(count.min(2)),
            );
        }
    }
    let all: Vec<(Option<Mistake>, String)> = (queries.into_iter().map(|query| (None, query)))
        .chain(
            mutants
                .into_iter()
                .map(|(mistake, query)| (Some(mistake), query)),
        )
        .collect();
    let judged = lint(all, &target.join("queries"), &defender)?;
    let texts: Vec<String> = judged.iter().map(|query| query.text.clone()).collect();
    let verdicts = parser.ask(&texts)?;

    let mut report = String::new();
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut missed: BTreeMap<String, usize> = BTreeMap::new();
    for (query, verdict) in judged.iter().zip(&verdicts) {
        let refusal = verdict.refusals.first();
        let errors = &query.errors;
        let (group, wrong) = match (query.mistake, refusal) {
            (None, None) => ("accepted", !errors.is_empty()),
            (None, Some(_)) => ("refused", errors.is_empty()),
            // The parser does not look into patterns.
            (Some(Mistake::Pattern), None) => ("bad patterns", errors.is_empty()),
            (Some(_), Some(_)) => ("mutants refused", errors.is_empty()),
            (Some(_), None) => continue,
        };
        let count = counts.entry(group).or_default();
        count.0 += 1;
        if wrong {
            count.1 += 1;
            let theirs = refusal.map_or("accepted", String::as_str);
            if group == "refused" {
                *missed.entry(kind(theirs)).or_default() += 1;
            }
            let _ = writeln!(
                report,
                "=== {group} {:?}\nthere: {theirs}\nhere: {errors:?}\n{}\n",
                query.mistake, query.text
            );
        }
    }
    let list = target.join("queries.txt");
    fs::write(&list, report).map_err(|error| format!("{}: {error}", list.display()))?;
    println!("all differences are in {}", list.display());
    for (group, (all, wrong)) in counts {
        #[expect(clippy::cast_precision_loss, reason = "a share, printed to a digit")]
        let share = wrong as f64 * 100.0 / all as f64;
        let what = if group == "accepted" {
            "with an error of lint"
        } else {
            "without an error of lint"
        };
        println!("{group}: {all}, {what}: {wrong} ({share:.2} %)");
    }
    for (kind, count) in missed {
        println!("  refused, without an error of lint: {count}: {kind}");
    }
    Ok(())
}

/// What a refusal says, whatever it is about.
fn kind(refusal: &str) -> String {
    let parts = refusal.split('\'').enumerate();
    let parts = parts.map(|(at, part)| if at % 2 == 1 { "…" } else { part });
    parts.collect::<Vec<_>>().join("'")
}

/// The tables of the service.
fn tables() -> Result<BTreeMap<String, TableSchema>, String> {
    let mut tables = BTreeMap::new();
    for table in defender_schema::tables() {
        let mut columns: Vec<(String, ScalarType)> = Vec::new();
        for column in &table.columns {
            let ty = (column.ty.name().parse()).map_err(|error| format!("{error}"))?;
            columns.push((column.name.to_owned(), ty));
        }
        tables.insert(table.name.to_owned(), TableSchema::new(columns));
    }
    Ok(tables)
}

/// What `defender lint` says of each query, in one run; tables that are gone are left out.
fn lint(
    queries: Vec<(Option<Mistake>, String)>,
    folder: &Path,
    defender: &Path,
) -> Result<Vec<Judged>, String> {
    let at = |error: std::io::Error| format!("{}: {error}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(at)?;
    }
    fs::create_dir_all(folder).map_err(at)?;
    for (index, (_, query)) in queries.iter().enumerate() {
        fs::write(folder.join(format!("{index}.kql")), query).map_err(at)?;
    }
    println!("$ {} lint --json {}", defender.display(), folder.display());
    let output = Command::new(defender)
        .args(["lint", "--json"])
        .arg(folder)
        .output()
        .map_err(|error| format!("{}: {error}", defender.display()))?;
    let found: Value = serde_json::from_slice(&output.stdout).map_err(|error| {
        let said = String::from_utf8_lossy(&output.stderr);
        format!("lint prints no JSON: {error}: {said}")
    })?;
    let mut errors: BTreeMap<usize, Vec<(String, String)>> = BTreeMap::new();
    for finding in found.as_array().into_iter().flatten() {
        let text = |name: &str| finding[name].as_str().unwrap_or_default();
        let file = Path::new(text("file")).file_stem().unwrap_or_default();
        let index = file.to_str().and_then(|stem| stem.parse().ok());
        if let (Some(index), "error") = (index, text("severity")) {
            let error = (text("rule").to_owned(), text("message").to_owned());
            errors.entry(index).or_default().push(error);
        }
    }
    let judged = queries.into_iter().enumerate();
    Ok(judged
        .filter_map(|(index, (mistake, text))| {
            let errors = errors.remove(&index).unwrap_or_default();
            let gone = errors.iter().any(|(rule, _)| rule == "gone-table");
            (!gone).then_some(Judged {
                mistake,
                text,
                errors,
            })
        })
        .collect())
}
