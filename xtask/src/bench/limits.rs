//! How long, and in how much memory, hostile queries are planned or refused.

use std::process::Command;

use serde_json::Value;

use super::{Report, built, commit, version};
use crate::command::root;

pub(super) fn run() -> Result<Report, String> {
    let program = built("kql-engine", "limits")?;
    let shown = program.display().to_string();
    let ask = |arguments: &[&str]| -> Result<String, String> {
        let found = Command::new(&program)
            .args(arguments)
            .current_dir(root())
            .output()
            .map_err(|error| format!("`{shown}` did not start: {error}"))?;
        if found.status.success() {
            Ok(String::from_utf8_lossy(&found.stdout).into_owned())
        } else {
            let text = String::from_utf8_lossy(&found.stderr).into_owned();
            Err(format!("`{shown} {}` failed: {text}", arguments.join(" ")))
        }
    };
    let mut rows = Vec::new();
    let (mut slowest, mut largest) = (0.0_f64, 0.0_f64);
    for name in ask(&["list"])?.lines() {
        // A process each, so that the peak is the input's own.
        let line = ask(&["run", name])?;
        let found: Value =
            serde_json::from_str(&line).map_err(|error| format!("{name}: {error}"))?;
        let seconds = found["seconds"].as_f64().unwrap_or(f64::NAN);
        let peak = found["peak_mib"].as_f64().unwrap_or(f64::NAN);
        slowest = slowest.max(seconds);
        largest = largest.max(peak);
        rows.push(vec![
            name.to_owned(),
            found["bytes"].to_string(),
            found["outcome"].as_str().unwrap_or_default().to_owned(),
            format!("{seconds:.3}"),
            format!("{peak:.0}"),
        ]);
    }
    Ok(Report {
        title: "Hostile queries",
        versions: vec![format!("defender-query {}", commit()), version("rustc")],
        commands: vec![
            "cargo xtask bench limits".to_owned(),
            format!("{shown} run NAME"),
        ],
        header: vec!["input", "bytes", "outcome", "seconds", "peak MiB"],
        rows,
        notes: vec![format!(
            "Parsed, bound, planned and run over tables without rows, or refused. \
             Bounds: 2 s and 256 MiB; the worst here: {slowest:.3} s, {largest:.0} MiB."
        )],
    })
}
