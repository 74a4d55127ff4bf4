//! A virtual environment of Python below the target folder, with what a list of packages says.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{self, exists};

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

/// Why there is nothing to run the checks with.
pub(crate) enum Obstacle {
    /// The machine lacks something; the checks are skipped.
    Missing(String),
    /// Something is wrong with the checks themselves.
    Wrong(String),
}

/// The interpreter of a virtual environment that has what the checks need; made when it is not
/// there or when it has something else.
///
/// `folder` is where it is, and `list` names the packages.
pub(crate) fn python(folder: &Path, list: &Path) -> Result<PathBuf, Obstacle> {
    if !exists("python3") {
        return Err(Obstacle::Missing("there is no python3".to_owned()));
    }
    let wanted = fs::read_to_string(list)
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
    install(&python, list)?;
    fs::write(&note, wanted).map_err(|error| Obstacle::Wrong(error.to_string()))?;
    Ok(python)
}

/// Installs beside them what a second list names, for the runs that need more.
pub(crate) fn more(python: &Path, folder: &Path, list: &Path) -> Result<(), Obstacle> {
    let wanted = fs::read_to_string(list)
        .map_err(|error| Obstacle::Wrong(format!("{}: {error}", list.display())))?;
    let note = folder.join("venv").join("installed-more.txt");
    if fs::read_to_string(&note).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    install(python, list)?;
    fs::write(&note, wanted).map_err(|error| Obstacle::Wrong(error.to_string()))
}

fn install(python: &Path, list: &Path) -> Result<(), Obstacle> {
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
    let installed = Command::new(python)
        .args(arguments)
        .arg(list)
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
    Ok(())
}
