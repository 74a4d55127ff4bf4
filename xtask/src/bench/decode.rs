//! The decoder: a whole answer to Arrow through the public driver, in seconds and in instructions.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{Report, built, commit, median, target, version};
use crate::command::{exists, run as run_program};

pub(super) const ROWS: &str = "100000";
const TIMES: &str = "9";
/// Rows that valgrind, which is fifty times slower, has to get through.
const COUNTED_ROWS: &str = "4000";

/// The body of an answer of so many rows; made once.
pub(super) fn body(program: &Path, rows: &str) -> Result<PathBuf, String> {
    let folder = target()?.join("bench").join("decode");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let file = folder.join(format!("answer-{rows}.json"));
    if !file.exists() {
        let part = folder.join("answer.part");
        let (program, shown) = (program.display().to_string(), part.display().to_string());
        run_program(&program, &["generate", rows, &shown], &[])?;
        std::fs::rename(&part, &file).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(file)
}

fn ask(command: &mut Command) -> Result<String, String> {
    let shown = format!("{command:?}");
    let found = command
        .output()
        .map_err(|error| format!("{shown} did not start: {error}"))?;
    if found.status.success() {
        // Valgrind counts on standard error.
        let texts = [found.stdout, found.stderr].concat();
        Ok(String::from_utf8_lossy(&texts).into_owned())
    } else {
        let text = String::from_utf8_lossy(&found.stderr).into_owned();
        Err(format!("{shown} failed: {text}"))
    }
}

pub(super) fn run() -> Result<Report, String> {
    let program = built("defender-drivers", "decode")?;
    let file = body(&program, ROWS)?;
    let mut rows = Vec::new();
    let mut ways = vec![("all cores", Command::new(&program))];
    if exists("taskset") {
        let mut pinned = Command::new("taskset");
        pinned.args(["-c", "0"]).arg(&program);
        ways.push(("one core", pinned));
    } else {
        eprintln!("WARNING: one core is not measured: taskset does not start");
    }
    for (name, mut command) in ways {
        let line = ask(command.arg("run").arg(&file).arg(TIMES))?;
        let found: Value =
            serde_json::from_str(&line).map_err(|error| format!("{name}: {error}"))?;
        let seconds: Vec<f64> = found["seconds"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_f64)
            .collect();
        let megabytes = found["bytes"].as_f64().unwrap_or(f64::NAN) / 1e6;
        let best = seconds.iter().copied().fold(f64::INFINITY, f64::min);
        let processor = found["cpu_seconds"].as_f64().unwrap_or(f64::NAN);
        #[expect(clippy::cast_precision_loss, reason = "a handful of repetitions")]
        let each = processor / seconds.len() as f64;
        rows.push(vec![
            name.to_owned(),
            format!("{megabytes:.0}"),
            format!("{:.0}", megabytes / median(seconds)),
            format!("{:.0}", megabytes / best),
            format!("{:.0}", megabytes / each),
            found["peak_mib"].to_string(),
        ]);
    }
    Ok(Report {
        title: "From the body of an answer to Arrow",
        versions: vec![format!("defender-query {}", commit()), version("rustc")],
        commands: vec![
            "cargo xtask bench decode".to_owned(),
            format!("{} run {} {TIMES}", program.display(), file.display()),
        ],
        header: vec![
            "threads",
            "MB",
            "MB/s, median",
            "MB/s, best",
            "MB per second of processor time",
            "peak MiB with the body",
        ],
        rows,
        notes: vec![format!(
            "{ROWS} rows of 28 columns, through the public driver from a body in memory that comes \
             in chunks of 256 KiB; {TIMES} times in one process."
        )],
    })
}

/// Instructions do not change with what else the machine does.
pub(super) fn instructions() -> Result<Report, String> {
    let mut report = Report {
        title: "Instructions of the decoder",
        versions: vec![format!("defender-query {}", commit()), version("rustc")],
        commands: vec!["cargo xtask bench instructions".to_owned()],
        header: vec!["MB", "million instructions per MB"],
        rows: Vec::new(),
        notes: Vec::new(),
    };
    if !exists("valgrind") {
        eprintln!("WARNING: instructions are not counted: valgrind does not start");
        report
            .notes
            .push("**Not counted: valgrind does not start.**".to_owned());
        return Ok(report);
    }
    let program = built("defender-drivers", "decode")?;
    let file = body(&program, COUNTED_ROWS)?;
    let bytes = std::fs::metadata(&file)
        .map_err(|error| format!("{}: {error}", file.display()))?
        .len();
    let count = |times: &str| -> Result<f64, String> {
        let mut command = Command::new("valgrind");
        command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
        let text = ask(command.arg(&program).arg("run").arg(&file).arg(times))?;
        text.lines()
            .find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
            .ok_or_else(|| "valgrind counted nothing".to_owned())
    };
    // What comes before and after is the same in both.
    let instructions = (count("3")? - count("1")?) / 2.0;
    #[expect(clippy::cast_precision_loss, reason = "a few megabytes")]
    let megabytes = bytes as f64 / 1e6;
    report.versions.push(version("valgrind"));
    report.commands.push(format!(
        "valgrind --tool=callgrind {} run {} 3",
        program.display(),
        file.display()
    ));
    report.rows.push(vec![
        format!("{megabytes:.2}"),
        format!("{:.2}", instructions / megabytes / 1e6),
    ]);
    Ok(report)
}
