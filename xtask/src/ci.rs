//! Everything that has to pass before a change lands.

use std::time::Instant;

use crate::command::{self, exists, root};
use crate::{conformance, layers, tidy};

/// The version of cargo-deny that the checks are written for.
const CARGO_DENY: &str = "0.20.2";

/// Which steps to take.
pub(crate) struct Steps {
    tests: bool,
}

impl Steps {
    pub(crate) const ALL: Self = Self { tests: true };
    /// For a caller that has just run the README's test command.
    pub(crate) const AFTER_TESTS: Self = Self { tests: false };
}

/// Runs the steps in order; the first failure ends the run.
pub(crate) fn run(steps: &Steps) -> Result<(), String> {
    timed("fmt", || run_cargo(&["fmt", "--all", "--check"]))?;
    timed("tidy", tidy::run)?;
    timed("layers", layers::run)?;
    if steps.tests {
        timed("test", || run_cargo(&["test", "--workspace", "--locked"]))?;
    }
    timed("recorded cases", recorded)?;
    timed("conformance", conformance::with_built_command)?;
    // All targets: benches are compiled here and run by `cargo xtask bench` alone.
    timed("clippy", || {
        run_cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ])
    })?;
    timed("clippy of the smallest features", || {
        for package in [
            "defender-http",
            "defender-credentials",
            "defender-drivers",
            "defender-query",
            "defender-emulator",
            "defender-table",
        ] {
            run_cargo(&[
                "clippy",
                "-p",
                package,
                "--no-default-features",
                "--locked",
                "--",
                "-D",
                "warnings",
            ])?;
        }
        Ok(())
    })?;
    timed("doc", || {
        command::run(
            "cargo",
            &["doc", "--workspace", "--no-deps", "--locked"],
            &[("RUSTDOCFLAGS", "-D warnings")],
        )
    })?;
    timed("deny", deny)
}

fn run_cargo(arguments: &[&str]) -> Result<(), String> {
    command::run("cargo", arguments, &[])
}

/// The tests over the folder beside the clone, which is not part of the project.
fn recorded() -> Result<(), String> {
    if !root().join("../shared").is_dir() {
        println!("skipped: ../shared is not there");
        return Ok(());
    }
    run_cargo(&[
        "test",
        "--workspace",
        "--lib",
        "--bins",
        "--tests",
        "--locked",
        "--",
        "--ignored",
    ])
}

fn deny() -> Result<(), String> {
    if !exists("cargo-deny") {
        run_cargo(&[
            "install",
            "--locked",
            "--debug",
            &format!("cargo-deny@{CARGO_DENY}"),
        ])?;
    }
    run_cargo(&[
        "deny",
        "--all-features",
        "--locked",
        "check",
        "bans",
        "licenses",
        "sources",
    ])
}

fn timed(name: &str, step: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    println!("== {name}");
    #[expect(clippy::disallowed_methods, reason = "a chore that times itself")]
    let started = Instant::now();
    step()?;
    println!("== {name}: {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}
