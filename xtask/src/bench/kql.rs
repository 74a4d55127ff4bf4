//! Six hunts over five million events, beside `DuckDB` on the same file.
//!
//! Both sides are warm, use the same number of threads and take turns, so that whatever else the
//! machine does hurts both. Their answers must be the same rows.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use super::{Report, built, commit, median, target, version};
use crate::command::{exists, root, run as run_program};

const ROWS: &str = "5000000";
const THREADS: &str = "2";
const REPETITIONS: usize = 5;
/// The version the SQL is written for.
const DUCKDB: &str = "duckdb==2.0.0";
const HUNTS: &str = "crates/kql-engine/benches/hunts";

/// A process that answers a line with a line.
struct Side {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    command: String,
}

impl Side {
    fn start(program: &Path, arguments: &[&str]) -> Result<Self, String> {
        let command = format!("{} {}", program.display(), arguments.join(" "));
        let mut process = Command::new(program)
            .args(arguments)
            .current_dir(root())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("`{command}` did not start: {error}"))?;
        let (Some(input), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(format!("`{command}` has no input or output"));
        };
        Ok(Self {
            process,
            input,
            output: BufReader::new(output),
            command,
        })
    }

    fn line(&mut self) -> Result<Value, String> {
        let mut line = String::new();
        let read = self.output.read_line(&mut line);
        if !read.is_ok_and(|bytes| bytes > 0) {
            return Err(format!("`{}` ended early", self.command));
        }
        serde_json::from_str(&line).map_err(|error| format!("`{}`: {error}", self.command))
    }

    fn ask(&mut self, question: &str) -> Result<Value, String> {
        writeln!(self.input, "{question}")
            .and_then(|()| self.input.flush())
            .map_err(|error| format!("`{}`: {error}", self.command))?;
        self.line()
    }

    fn seconds(&mut self, path: &Path) -> Result<f64, String> {
        let answer = self.ask(&path.display().to_string())?;
        answer["seconds"]
            .as_f64()
            .ok_or_else(|| format!("`{}` says nothing about time", self.command))
    }

    /// The rows as sorted lines of JSON.
    fn rows(&mut self, path: &Path) -> Result<Vec<String>, String> {
        let answer = self.ask(&format!("rows {}", path.display()))?;
        let rows = answer["rows"].as_array();
        let mut lines: Vec<String> = rows.into_iter().flatten().map(Value::to_string).collect();
        lines.sort();
        Ok(lines)
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        // It ends with its input anyway; an error means that it has ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn hash(rows: &[String]) -> u64 {
    let mut hasher = DefaultHasher::new();
    rows.hash(&mut hasher);
    hasher.finish()
}

/// Python with `DuckDB` in an environment below the target folder; `None` says why not.
fn duckdb(folder: &Path) -> Result<PathBuf, String> {
    if !exists("python3") {
        return Err("python3 does not start".to_owned());
    }
    let environment = folder.join("venv");
    let python = environment.join("bin").join("python");
    if !python.exists() {
        run_program(
            "python3",
            &["-m", "venv", &environment.display().to_string()],
            &[],
        )?;
    }
    run_program(
        &python.display().to_string(),
        &[
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            DUCKDB,
        ],
        &[],
    )?;
    Ok(python)
}

fn hunts() -> Result<Vec<PathBuf>, String> {
    let folder = root().join(HUNTS);
    let entries =
        std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let found: BTreeSet<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "kql"))
        .collect();
    Ok(found.into_iter().collect())
}

pub(super) fn run() -> Result<Report, String> {
    let program = built("kql-engine", "hunts")?;
    let folder = target()?.join("bench").join("kql");
    let data = folder.join("data");
    std::fs::create_dir_all(&data).map_err(|error| format!("{}: {error}", data.display()))?;
    let file = data.join("DeviceProcessEvents.parquet");
    if !file.exists() {
        let part = folder.join("events.part");
        let (shown, part_shown) = (program.display().to_string(), part.display().to_string());
        run_program(&shown, &["generate", &part_shown, ROWS], &[])?;
        std::fs::rename(&part, &file).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    let served = data.display().to_string();
    let mut ours = Side::start(&program, &["serve", &served, THREADS])?;
    let mut versions = vec![format!("defender-query {}", commit()), version("rustc")];
    let mut notes = Vec::new();
    let mut theirs = match duckdb(&folder) {
        Ok(python) => {
            let script = root()
                .join(HUNTS)
                .join("duckdb_side.py")
                .display()
                .to_string();
            let mut side = Side::start(&python, &[&script, &served, THREADS])?;
            let hello = side.line()?;
            versions.push(format!(
                "DuckDB {}",
                hello["version"].as_str().unwrap_or("?")
            ));
            Some(side)
        }
        Err(reason) => {
            eprintln!("WARNING: DuckDB is not measured: {reason}");
            notes.push(format!("**DuckDB was not measured: {reason}.**"));
            None
        }
    };
    let mut rows = Vec::new();
    for hunt in hunts()? {
        let sql = hunt.with_extension("sql");
        let name = hunt
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned());
        let name = name.unwrap_or_default();
        let answer = ours.rows(&hunt)?;
        if let Some(theirs) = &mut theirs {
            let other = theirs.rows(&sql)?;
            if hash(&answer) != hash(&other) {
                let differs = answer.iter().zip(&other).find(|(one, two)| one != two);
                return Err(format!(
                    "{name}: the answers differ ({} rows, {} rows): {differs:?}",
                    answer.len(),
                    other.len()
                ));
            }
        }
        let (mut own, mut other) = (Vec::new(), Vec::new());
        for _ in 0..REPETITIONS {
            own.push(ours.seconds(&hunt)?);
            if let Some(theirs) = &mut theirs {
                other.push(theirs.seconds(&sql)?);
            }
        }
        let (own, other) = (median(own), median(other));
        let shown = |value: f64| {
            if value.is_nan() {
                "–".to_owned()
            } else {
                format!("{value:.3}")
            }
        };
        let ratio = own / other;
        rows.push(vec![
            name,
            answer.len().to_string(),
            format!("{:016x}", hash(&answer)),
            shown(own),
            shown(other),
            if ratio.is_nan() {
                "–".to_owned()
            } else {
                format!("{ratio:.2}")
            },
        ]);
    }
    notes.push(format!(
        "Seconds, median of {REPETITIONS} runs in turns after one to warm up; {ROWS} rows of 32 columns in \
         Parquet (zstd), {THREADS} threads on both sides. The hash is that of the sorted rows; both sides have it."
    ));
    let mut commands = vec!["cargo xtask bench kql".to_owned(), ours.command.clone()];
    commands.extend(theirs.iter().map(|side| side.command.clone()));
    Ok(Report {
        title: "Hunts beside DuckDB",
        versions,
        commands,
        header: vec!["hunt", "rows", "hash", "defender-query", "DuckDB", "ratio"],
        rows,
        notes,
    })
}
