//! Microsoft's own clients against the emulator, and what they send beside what `defender` sends.
//!
//! The checks are Python, in `tests/conformance`; what they drive is installed below the target
//! folder. Where that cannot be done every check counts as skipped, and the reason is printed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::command::{self, exists, root};
use crate::metadata::target_folder;

/// Where the checks are, below the root.
const CHECKS: &str = "tests/conformance";

/// What pip says when it is the network that fails, and not the list of what to install.
const NETWORK: [&str; 8] = [
    "NewConnectionError",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "ProxyError",
    "SSLError",
    "Max retries exceeded",
    "Temporary failure in name resolution",
    // Of a package that is there it would name those that it found.
    "(from versions: none)",
];

/// How many checks ended how.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
}

/// Why there is nothing to run the checks with.
enum Obstacle {
    /// The machine lacks something; the checks are skipped.
    Missing(String),
    /// Something is wrong with the checks themselves.
    Wrong(String),
}

/// Builds the command, installs the clients, runs every check, and prints the count as the last
/// line.
pub(crate) fn run() -> Result<(), String> {
    command::run("cargo", &["build", "-p", "defender-cli", "--locked"], &[])?;
    with_built_command()
}

/// The same with the command as the tests have just built it.
pub(crate) fn with_built_command() -> Result<(), String> {
    let target = target_folder()?;
    let folder = target.join("conformance");
    let name = format!("defender{}", std::env::consts::EXE_SUFFIX);
    let tally = match python(&folder) {
        Ok(python) => checked(&python, &target.join("debug").join(name), &folder)?,
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

/// The interpreter of a virtual environment that has what the checks need; made when it is not
/// there or when it has something else.
fn python(folder: &Path) -> Result<PathBuf, Obstacle> {
    if !exists("python3") {
        return Err(Obstacle::Missing("there is no python3".to_owned()));
    }
    let list = root().join(CHECKS).join("requirements.txt");
    let wanted = fs::read_to_string(&list)
        .map_err(|error| Obstacle::Wrong(format!("{}: {error}", list.display())))?;
    let version = command::output("python3", &["--version"]).map_err(Obstacle::Missing)?;
    let wanted = format!("{version}{wanted}");
    let environment = folder.join("venv");
    let python = environment.join("bin").join("python");
    let note = environment.join("installed.txt");
    if fs::read_to_string(&note).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    let path = environment.display().to_string();
    command::output("python3", &["-m", "venv", "--clear", &path]).map_err(Obstacle::Missing)?;
    println!(
        "$ {} -m pip install -r {}",
        python.display(),
        list.display()
    );
    let arguments = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
    ];
    let installed = Command::new(&python)
        .args(arguments)
        .arg(&list)
        .output()
        .map_err(|error| Obstacle::Missing(format!("pip did not start: {error}")))?;
    if !installed.status.success() {
        let said = String::from_utf8_lossy(&installed.stderr);
        let end = said.lines().last().unwrap_or_default();
        let reason = format!("pip could not install what they drive: {end}");
        let network = NETWORK.iter().any(|words| said.contains(words));
        return Err(if network {
            Obstacle::Missing(reason)
        } else {
            Obstacle::Wrong(reason)
        });
    }
    fs::write(&note, wanted).map_err(|error| Obstacle::Wrong(error.to_string()))?;
    Ok(python)
}

/// Runs the checks inside an emulator, repeats their lines, and counts them.
fn checked(python: &Path, defender: &Path, folder: &Path) -> Result<Tally, String> {
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
    ];
    let shared: Vec<(&str, &str)> = variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
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
                _ => {}
            }
            println!("{line}");
        }
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    let seen = tally.passed + tally.failed;
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
