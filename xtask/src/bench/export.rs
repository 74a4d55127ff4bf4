//! From a command line to a file, as whole processes: `defender` beside msticpy and a script.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::process::{Server, defender, measured};
use super::{Report, built, commit, decode, median, target, version};
use crate::command::{exists, output, root, run as run_program};

const REPETITIONS: usize = 5;
const SCRIPTS: &str = "crates/drivers/benches/export";
/// What the scripts need.
const PACKAGES: [&str; 5] = ["msticpy==3.0.2", "httpx", "orjson", "polars", "pyarrow"];
/// Rows of the small question.
const FEW: &str = "10";
/// With a `take`, or an answer at the cap of the service would count as one with rows missing.
const QUERY: &str = "DeviceProcessEvents | take 100000";

fn serve(program: &Path, file: &Path) -> Result<(Server, String), String> {
    let mut process = Command::new(program)
        .arg("serve")
        .arg(file)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("the server did not start: {error}"))?;
    let mut port = String::new();
    let read = process
        .stdout
        .take()
        .map(|output| BufReader::new(output).read_line(&mut port));
    let server = Server(process);
    match read {
        Some(Ok(_)) if !port.trim().is_empty() => Ok((server, port.trim().to_owned())),
        _ => Err("the server names no port".to_owned()),
    }
}

/// Somebody who turns an answer into a file.
struct Side {
    name: &'static str,
    program: PathBuf,
    script: Option<PathBuf>,
}

impl Side {
    fn command(&self, port: &str, format: &str, file: &Path) -> Command {
        let mut command = Command::new(&self.program);
        if let Some(script) = &self.script {
            command.arg(script).args([port, format]).arg(file);
        } else {
            let service = format!("http://127.0.0.1:{port}");
            command
                .args(["query", "--quiet", "--env", "M365DGraph"])
                .args(["--tenant-id", "11111111-1111-4111-8111-111111111111"])
                .args(["--client-id", "22222222-2222-4222-8222-222222222222"])
                .args(["--client-secret-env", "BENCH_SECRET"])
                .args(["--authority", &service, "--api-root", &service])
                .args(["--overwrite", "--format", format, "-o"])
                .arg(file)
                .arg(QUERY);
            command.env("BENCH_SECRET", "bench");
        }
        command.current_dir(file.parent().unwrap_or(Path::new(".")));
        command
    }

    /// Seconds, and the peak of its memory in MiB.
    fn measure(&self, port: &str, format: &str, file: &Path) -> Result<(f64, f64), String> {
        let found = measured(&mut self.command(port, format, file))?;
        match found.code {
            0 => Ok((found.seconds, found.peak)),
            code => Err(format!("{} ended with {code}: {}", self.name, found.said)),
        }
    }
}

/// Python with what the scripts need, below the target folder; an error says why not.
fn python(folder: &Path) -> Result<PathBuf, String> {
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
    let mut arguments = vec![
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ];
    arguments.extend(PACKAGES);
    run_program(&python.display().to_string(), &arguments, &[])?;
    Ok(python)
}

/// Python and the packages that are measured.
fn versions_of(python: &Path) -> Result<Vec<String>, String> {
    let python = python.display().to_string();
    let list = [
        "-m",
        "pip",
        "list",
        "--format=freeze",
        "--disable-pip-version-check",
    ];
    let installed = output(&python, &list)?;
    let mut versions = vec![version(&python)];
    for package in PACKAGES {
        let name = package.split("==").next().unwrap_or(package);
        let line = installed
            .lines()
            .find(|line| line.split("==").next() == Some(name));
        versions.extend(line.map(|line| line.replace("==", " ")));
    }
    Ok(versions)
}

fn scripts(python: &Path) -> Result<Vec<Side>, String> {
    let folder = root().canonicalize().map_err(|error| error.to_string())?;
    let folder = folder.join(SCRIPTS);
    Ok([
        ("msticpy", "msticpy_side.py"),
        ("httpx + orjson + polars", "polars_side.py"),
    ]
    .map(|(name, script)| Side {
        name,
        program: python.to_owned(),
        script: Some(folder.join(script)),
    })
    .into())
}

pub(super) fn run() -> Result<Report, String> {
    let server = built("defender-drivers", "decode")?;
    let folder = target()?.join("bench").join("export");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut sides = vec![Side {
        name: "defender",
        program: defender()?,
        script: None,
    }];
    let mut versions = vec![format!("defender-query {}", commit()), version("rustc")];
    let mut notes = Vec::new();
    match python(&folder) {
        Ok(python) => {
            versions.extend(versions_of(&python)?);
            sides.extend(scripts(&python)?);
        }
        Err(reason) => {
            eprintln!("WARNING: msticpy and the script are not measured: {reason}");
            notes.push(format!(
                "**msticpy and the script were not measured: {reason}.**"
            ));
        }
    }
    let mut rows = Vec::new();
    let mut commands = vec!["cargo xtask bench export".to_owned()];
    for (count, format) in [
        (FEW, "csv"),
        (decode::ROWS, "parquet"),
        (decode::ROWS, "csv"),
        (decode::ROWS, "ndjson"),
    ] {
        let (_server, port) = serve(&server, &decode::body(&server, count)?)?;
        let file = folder.join(format!("rows.{format}"));
        if count == FEW {
            let shown = sides
                .iter()
                .map(|side| format!("{:?}", side.command("PORT", "FORMAT", Path::new("FILE"))));
            commands.extend(shown);
        }
        let mut taken = vec![(Vec::new(), Vec::new()); sides.len()];
        // In turns, so that whatever else the machine does hurts all of them.
        for _ in 0..REPETITIONS {
            for (side, (seconds, peaks)) in sides.iter().zip(&mut taken) {
                let (second, peak) = side.measure(&port, format, &file)?;
                seconds.push(second);
                peaks.push(peak);
            }
        }
        let own = taken.first().map(|(seconds, _)| median(seconds.clone()));
        for (side, (seconds, peaks)) in sides.iter().zip(taken) {
            let seconds = median(seconds);
            let ratio = own.map_or(f64::NAN, |own| seconds / own);
            rows.push(vec![
                format!("{count} rows to {format}"),
                side.name.to_owned(),
                format!("{seconds:.3}"),
                format!("{ratio:.1}"),
                format!("{:.0}", peaks.into_iter().fold(0.0, f64::max)),
            ]);
        }
    }
    notes.push(format!(
        "Seconds of the whole process, median of {REPETITIONS} in turns; times as long as `defender`; \
         the largest peak of memory. The service is another process that sends the same bytes from \
         memory, on loopback."
    ));
    Ok(Report {
        title: "From a question to a file",
        versions,
        commands,
        header: vec!["work", "who", "seconds", "× defender", "peak MiB"],
        rows,
        notes,
    })
}
