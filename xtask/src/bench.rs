//! `cargo xtask bench`: measurements beside the tools that people use today.
//!
//! A bench prints a markdown table and names the machine, the versions and the commands, so that
//! its report can be read, and repeated, without the code.

mod decode;
mod export;
mod kql;
mod limits;
mod process;
mod rows;
mod tenants;

use std::path::PathBuf;
use std::process::Command;

use crate::command::{output, root};

/// A bench by its name.
struct Bench {
    name: &'static str,
    run: fn() -> Result<Report, String>,
}

const BENCHES: &[Bench] = &[
    Bench {
        name: "decode",
        run: decode::run,
    },
    Bench {
        name: "instructions",
        run: decode::instructions,
    },
    Bench {
        name: "export",
        run: export::run,
    },
    Bench {
        name: "kql",
        run: kql::run,
    },
    Bench {
        name: "limits",
        run: limits::run,
    },
    Bench {
        name: "rows",
        run: rows::run,
    },
    Bench {
        name: "tenants",
        run: tenants::run,
    },
];

/// What a bench has measured.
pub(crate) struct Report {
    pub(crate) title: &'static str,
    /// Programs and their versions.
    pub(crate) versions: Vec<String>,
    pub(crate) commands: Vec<String>,
    pub(crate) header: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
    /// What a reader has to know besides the numbers.
    pub(crate) notes: Vec<String>,
}

impl Report {
    fn print(&self) {
        println!("\n## {}\n", self.title);
        println!("{}; {}.\n", machine(), self.versions.join(", "));
        for command in &self.commands {
            println!("    {command}");
        }
        println!("\n| {} |", self.header.join(" | "));
        println!("|{}", "---|".repeat(self.header.len()));
        for row in &self.rows {
            println!("| {} |", row.join(" | "));
        }
        for note in &self.notes {
            println!("\n{note}");
        }
    }
}

/// Runs the benches of these names, all of them where none is named.
pub(crate) fn run(names: &[&str]) -> Result<(), String> {
    for name in names {
        if !BENCHES.iter().any(|bench| bench.name == *name) {
            let known: Vec<&str> = BENCHES.iter().map(|bench| bench.name).collect();
            return Err(format!(
                "there is no bench '{name}': there are {}",
                known.join(", ")
            ));
        }
    }
    for bench in BENCHES {
        if names.is_empty() || names.contains(&bench.name) {
            (bench.run)()?.print();
        }
    }
    Ok(())
}

/// Builds a bench of a package; gives the path of its program.
pub(crate) fn built(package: &str, bench: &str) -> Result<PathBuf, String> {
    let arguments = [
        "build",
        "--release",
        "--locked",
        "-p",
        package,
        "--bench",
        bench,
        "--message-format",
        "json-render-diagnostics",
    ];
    let messages = output("cargo", &arguments)?;
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == bench)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .ok_or_else(|| format!("cargo names no program of the bench {bench}"))
}

/// The folder that cargo builds in.
pub(crate) fn target() -> Result<PathBuf, String> {
    let metadata = output("cargo", &["metadata", "--no-deps", "--format-version", "1"])?;
    let metadata: serde_json::Value =
        serde_json::from_str(&metadata).map_err(|error| format!("cargo metadata: {error}"))?;
    metadata["target_directory"]
        .as_str()
        .map(PathBuf::from)
        .ok_or_else(|| "cargo metadata names no target folder".to_owned())
}

/// The first line that `program --version` prints.
pub(crate) fn version(program: &str) -> String {
    let first = |text: Vec<u8>| {
        let text = String::from_utf8_lossy(&text).into_owned();
        text.lines().next().unwrap_or_default().to_owned()
    };
    Command::new(program).arg("--version").output().map_or_else(
        |_| format!("{program} (unknown)"),
        |found| first(found.stdout),
    )
}

/// Which commit is measured.
pub(crate) fn commit() -> String {
    let changed = Command::new("git")
        .args(["status", "--porcelain", "--untracked-files=no"])
        .current_dir(root())
        .output()
        .is_ok_and(|found| !found.stdout.is_empty());
    let commit = output("git", &["rev-parse", "--short", "HEAD"]).unwrap_or_default();
    let suffix = if changed { " with changes" } else { "" };
    format!("commit {}{suffix}", commit.trim())
}

fn machine() -> String {
    let processor = std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        });
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("MemTotal"))?;
            let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
            Some(format!(", {} GiB", kilobytes / (1 << 20)))
        });
    format!(
        "{}, {cores} cores{}, {}",
        processor.unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
        memory.unwrap_or_default(),
        std::env::consts::OS,
    )
}

/// The middle of some measurements.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
