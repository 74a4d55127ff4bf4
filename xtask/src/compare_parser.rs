//! Our judgement of queries beside that of Microsoft's parser of KQL.
//!
//! The parser is the package `@kusto/language-service-next`, which runs in Node; what asks it is in
//! `tests/parser`. It knows names and types and runs nothing, so that where an answer of the engine
//! is recorded, that one counts. Where Node is missing the comparison is skipped and says so. It
//! needs the network once and takes a minute, so that it is a chore of its own and no part of
//! `cargo xtask ci`.

mod difference;
mod expressions;
mod forms;
mod mutants;
mod ours;
mod parser;
mod queries;
mod reasons;
mod texts;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use kql_semantics::{ScalarType, TableSchema};

use crate::command::{exists, root};
use crate::metadata::target_folder;
use crate::node;
use difference::Difference;
use parser::Parser;
use reasons::Reasons;

/// Where the reasons for differences are, below the root.
const REASONS: &str = "xtask/parser-differences.txt";

/// Compares generated expressions, or with `--queries FOLDER` the queries of a folder.
pub(crate) fn run(words: &[&str]) -> Result<(), String> {
    let target = target_folder()?.join("compare_parser");
    let installed = if exists("node") {
        node::packages(&target.join("node"), &root().join("tests/parser"))
    } else {
        Err("there is no node".to_owned())
    };
    let place = match installed {
        Ok(place) => place,
        Err(reason) => {
            println!("SKIPPED the comparison with Microsoft's parser: {reason}");
            return Ok(());
        }
    };
    match words {
        [] => generated(&place, &target),
        ["--queries", folder] => queries::run(Path::new(folder), &place, &target, None),
        ["--queries", folder, "--command", defender] => {
            let defender = Some(Path::new(defender));
            queries::run(Path::new(folder), &place, &target, defender)
        }
        _ => Err(
            "usage: cargo xtask compare-parser [--queries FOLDER [--command DEFENDER]]".to_owned(),
        ),
    }
}

/// The table that generated expressions read: a column of each type, named after it.
fn typed_table() -> BTreeMap<String, TableSchema> {
    let columns = ScalarType::ALL.map(|ty| (expressions::column(ty.name()), ty));
    BTreeMap::from([("T".to_owned(), TableSchema::new(columns))])
}

/// Compares every generated expression, and holds the differences against their reasons.
fn generated(place: &Path, target: &Path) -> Result<(), String> {
    let reasons = Reasons::read(&root().join(REASONS))?;
    let tables = typed_table();
    let (mut parser, catalogue) = Parser::start(place, &tables)?;
    let queries: Vec<String> = expressions::all(&catalogue)
        .into_iter()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    println!("{} expressions", queries.len());
    // Each side works in a process or thread of its own.
    let (theirs, ours) = std::thread::scope(|scope| {
        let judged = queries.iter().map(|query| ours::judge(query, &tables));
        let ours = scope.spawn(|| judged.collect::<Vec<_>>());
        (parser.ask(&queries), ours.join())
    });
    let (theirs, ours) = (theirs?, ours.map_err(|_| "our judgement ended early")?);
    let differences: Vec<Difference> = (queries.iter().zip(theirs.iter().zip(&ours)))
        .flat_map(|(query, (theirs, ours))| difference::between(query, theirs, ours))
        .collect();
    let lines: Vec<String> = differences.iter().map(ToString::to_string).collect();
    let listed = lines.join("\n") + "\n";
    let list = target.join("differences.txt");
    fs::write(&list, listed).map_err(|error| format!("{}: {error}", list.display()))?;
    println!("all differences are in {}", list.display());
    reasons.hold_against(&differences)
}
