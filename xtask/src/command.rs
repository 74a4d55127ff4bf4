//! Running other programs: each is printed before it runs, and its failure ends the chore.

use std::path::PathBuf;
use std::process::Command;

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs `program` in the workspace's root, its output going to the terminal.
pub(crate) fn run(
    program: &str,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Result<(), String> {
    let shown = shown(program, arguments, environment);
    println!("$ {shown}");
    let status = command(program, arguments, environment)
        .status()
        .map_err(|error| format!("`{shown}` did not start: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{shown}` failed: {status}"))
    }
}

/// Runs `program` in the workspace's root and returns what it printed.
pub(crate) fn output(program: &str, arguments: &[&str]) -> Result<String, String> {
    let shown = shown(program, arguments, &[]);
    let output = command(program, arguments, &[])
        .output()
        .map_err(|error| format!("`{shown}` did not start: {error}"))?;
    if output.status.success() {
        String::from_utf8(output.stdout).map_err(|error| format!("`{shown}`: {error}"))
    } else {
        Err(format!(
            "`{shown}` failed:\n{}",
            String::from_utf8_lossy(&output.stderr)
        ))
    }
}

/// Whether `program` starts and answers `--version`.
pub(crate) fn exists(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
}

fn command(program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .envs(environment.iter().copied())
        .current_dir(root());
    command
}

fn shown(program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    environment
        .iter()
        .map(|(name, value)| format!("{name}='{value}'"))
        .chain(std::iter::once(program.to_owned()))
        .chain(arguments.iter().map(|argument| (*argument).to_owned()))
        .collect::<Vec<_>>()
        .join(" ")
}
