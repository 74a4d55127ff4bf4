//! Microsoft's own clients against the emulator, and what they send beside what `defender` sends.
//!
//! The checks are Python, in `tests/conformance`, and so are those of the clients for Node; what
//! they drive is installed below the target folder. Where that cannot be done the checks count as
//! skipped, and the reason is printed. The clients that take long to install are for the chore
//! alone, not for every change.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::command::{self, root};
use crate::metadata::target_folder;
use crate::node;
use crate::python::{Obstacle, more, python};

/// Where the checks are, below the root.
const CHECKS: &str = "tests/conformance";

/// How many checks ended how.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
}

/// Builds the command, installs all clients, runs every check, and prints the count as the last
/// line.
pub(crate) fn run() -> Result<(), String> {
    command::run("cargo", &["build", "-p", "defender-cli", "--locked"], &[])?;
    with_clients(true)
}

/// The same with the command as the tests have just built it, and without the clients that take
/// long to install.
pub(crate) fn with_built_command() -> Result<(), String> {
    with_clients(false)
}

fn with_clients(all: bool) -> Result<(), String> {
    let target = target_folder()?;
    let folder = target.join("conformance");
    let name = format!("defender{}", std::env::consts::EXE_SUFFIX);
    let lists = root().join(CHECKS);
    let installed = python(&folder, &lists.join("requirements.txt")).and_then(|python| {
        if !all {
            return Ok((python, Err("only in `cargo xtask conformance`".to_owned())));
        }
        more(&python, &folder, &lists.join("requirements-more.txt"))?;
        let clients = node::packages(&folder.join("node"), &lists.join("node"));
        Ok((python, clients))
    });
    let tally = match installed {
        Ok((python, node)) => {
            let defender = target.join("debug").join(name);
            checked(&python, node, &defender, &folder, all)?
        }
        Err(Obstacle::Missing(reason)) => {
            let skipped = written()?;
            println!("SKIPPED all {skipped} conformance checks: {reason}");
            Tally {
                skipped,
                ..Tally::default()
            }
        }
        Err(Obstacle::Wrong(reason)) => return Err(reason),
    };
    let Tally {
        passed,
        failed,
        skipped,
    } = tally;
    let line = format!("conformance: {passed} passed, {failed} failed, {skipped} skipped");
    println!("{line}");
    if failed > 0 { Err(line) } else { Ok(()) }
}

/// Runs the checks inside an emulator, repeats their lines, and counts them.
fn checked(
    python: &Path,
    node: Result<PathBuf, String>,
    defender: &Path,
    folder: &Path,
    all: bool,
) -> Result<Tally, String> {
    let checks = root().join(CHECKS);
    let run = folder.join("run");
    // What a run leaves behind is no part of the next one.
    if run.exists() {
        fs::remove_dir_all(&run).map_err(|error| format!("{}: {error}", run.display()))?;
    }
    fs::create_dir_all(&run).map_err(|error| format!("{}: {error}", run.display()))?;
    let path = |path: &Path| path.display().to_string();
    // Nothing is written into the clone, and nothing of the user's is read or written.
    let variables = [
        ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
        ("HOME", path(&run)),
        ("XDG_CACHE_HOME", path(&run)),
        ("XDG_CONFIG_HOME", path(&run)),
        ("XDG_DATA_HOME", path(&run)),
        ("XDG_STATE_HOME", path(&run)),
        match node {
            Ok(place) => ("CONFORMANCE_NODE", path(&place)),
            Err(reason) => ("CONFORMANCE_NODE_MISSING", reason),
        },
    ];
    let mut shared: Vec<(&str, &str)> = variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    if all {
        // Every kind of value of every query; otherwise one of each.
        shared.push(("CONFORMANCE_ALL_VALUES", "1"));
    }
    command::run(
        &path(python),
        &[&path(&checks.join("scene.py")), &path(&run)],
        &shared,
    )?;
    let arguments = [
        "emulator".to_owned(),
        "--tenants".to_owned(),
        path(&run.join("tenants.yaml")),
        "--faults".to_owned(),
        path(&run.join("faults.yaml")),
        "--".to_owned(),
        path(python),
        path(&checks.join("run.py")),
        path(defender),
        path(&run),
    ];
    println!("$ {} {}", defender.display(), arguments.join(" "));
    let mut child = Command::new(defender)
        .args(&arguments)
        .envs(shared.iter().copied())
        .current_dir(root())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{}: {error}", defender.display()))?;
    let mut tally = Tally::default();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines() {
            let line = line.map_err(|error| error.to_string())?;
            match line.split_once(' ') {
                Some(("ok", _)) => tally.passed += 1,
                Some(("FAIL", _)) => tally.failed += 1,
                Some(("skip", _)) => tally.skipped += 1,
                _ => {}
            }
            println!("{line}");
        }
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    let seen = tally.passed + tally.failed + tally.skipped;
    let all = written()?;
    if seen != all {
        return Err(format!(
            "only {seen} of {all} conformance checks ran: {status}"
        ));
    }
    Ok(tally)
}

/// How many checks are written down.
fn written() -> Result<usize, String> {
    let folder = root().join(CHECKS);
    let files = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut count = 0;
    for file in files {
        let path = file.map_err(|error| error.to_string())?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with("_checks.py") {
            let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
            count += text
                .lines()
                .filter(|line| line.starts_with("@check("))
                .count();
        }
    }
    Ok(count)
}
