//! Files of the command in the hands of Spark, pandas, Polars, `DuckDB`, `pyarrow` and `LibreOffice`,
//! and theirs in the command's.
//!
//! The checks are Python, in `tests/round_trips`, beside the register of those in
//! `tests/conformance`. Spark needs a Java runtime and `LibreOffice` itself; where one is missing its
//! checks are skipped by name. It takes minutes and hundreds of megabytes, so that it is a chore of
//! its own and no part of `cargo xtask ci`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::command::{self, root};
use crate::metadata::target_folder;
use crate::python::{Obstacle, python};

/// Where the checks are, below the root.
const CHECKS: &str = "tests/round_trips";

/// Builds the command, installs the tools, runs every check, and prints the count as the last line.
pub(crate) fn run() -> Result<(), String> {
    command::run("cargo", &["build", "-p", "defender-cli", "--locked"], &[])?;
    let target = target_folder()?;
    let folder = target.join("round_trips");
    let checks = root().join(CHECKS);
    let python = match python(&folder, &checks.join("requirements.txt")) {
        Ok(python) => python,
        Err(Obstacle::Missing(reason)) => {
            println!("SKIPPED all round trips: {reason}");
            return Ok(());
        }
        Err(Obstacle::Wrong(reason)) => return Err(reason),
    };
    let run = folder.join("run");
    // What a run leaves behind is no part of the next one.
    if run.exists() {
        fs::remove_dir_all(&run).map_err(|error| format!("{}: {error}", run.display()))?;
    }
    fs::create_dir_all(&run).map_err(|error| format!("{}: {error}", run.display()))?;
    let name = format!("defender{}", std::env::consts::EXE_SUFFIX);
    let mut child = Command::new(&python)
        .arg(checks.join("run.py"))
        .arg(target.join("debug").join(name))
        .arg(&run)
        // Nothing is written into the clone, and nothing of the user's is read or written.
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("HOME", &run)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{}: {error}", python.display()))?;
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines() {
            let line = line.map_err(|error| error.to_string())?;
            match line.split_once(' ') {
                Some(("ok", _)) => passed += 1,
                Some(("FAIL", _)) => failed += 1,
                Some(("SKIPPED", _)) => skipped += 1,
                _ => {}
            }
            println!("{line}");
        }
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    let line = format!("round trips: {passed} passed, {failed} failed, {skipped} tools skipped");
    println!("{line}");
    if failed > 0 || passed == 0 || !status.success() {
        return Err(format!("{line}: {status}"));
    }
    Ok(())
}
