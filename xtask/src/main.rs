//! `cargo xtask`: the checks and chores of this workspace.
//!
//! - `cargo xtask ci`: everything that has to pass before a change lands.
//! - `cargo xtask bless`: what the engine answers, written into the files of KQL cases.
//! - `cargo xtask tidy`: the house rules that no compiler knows.
//! - `cargo xtask conformance`: Microsoft's own clients against the emulator.
//! - `cargo xtask round-trips`: files for and from Spark, pandas, Polars, `DuckDB`, `LibreOffice`.
//! - `cargo xtask compare-parser [--queries FOLDER]`: our judgement of queries beside that of
//!   Microsoft's parser.
//! - `cargo xtask docs`: rustdoc and the book, below the target folder.
//! - `cargo xtask bench [decode | instructions | export | kql | limits | tenants]`: measurements beside other tools.
//! - `cargo xtask release --dry-run`: what a release would contain.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a chore tells its user what it runs and what it found"
)]

mod bench;
mod bless;
mod ci;
mod command;
mod compare_parser;
mod conformance;
mod docs;
mod edges;
mod layers;
mod metadata;
mod node;
mod python;
mod release;
mod round_trips;
mod tidy;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["ci"] => ci::run(&ci::Steps::ALL),
        ["ci", "--after-tests"] => ci::run(&ci::Steps::AFTER_TESTS),
        ["bless"] => bless::run(),
        ["tidy"] => tidy::run(),
        ["layers"] => layers::run(),
        ["conformance"] => conformance::run(),
        ["round-trips"] => round_trips::run(),
        ["compare-parser", words @ ..] => compare_parser::run(words),
        ["docs"] => docs::run(),
        ["bench", names @ ..] => bench::run(names),
        ["release", "--dry-run"] => release::dry_run(),
        _ => Err(
            "usage: cargo xtask ci [--after-tests] | bless | tidy | layers | conformance | round-trips | compare-parser [--queries FOLDER] | docs | bench [NAME...] | release --dry-run"
                .to_owned(),
        ),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
