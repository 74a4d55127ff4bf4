//! Ctrl-C, a closed standard output, a service that dies: runs that end before their end.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc;

use async_trait::async_trait;
use defender_emulator::{
    Column, ColumnType, Data, Faults, HuntingBackend, Observer, Options, QueryFault, Question,
    Rows, Running, Script, Value,
};

use crate::command::{Folder, Ran, finish};
use crate::service::{self, HUNT};

/// What Ctrl-C does.
pub(crate) fn interrupt(child: &Child) {
    signal(child.id(), "INT");
}

/// Sends a signal to a process.
pub(crate) fn signal(process: u32, name: &str) {
    let status = Command::new("kill")
        .args([&format!("-{name}"), &process.to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

/// A service with so many rows that no pipe holds them.
pub(crate) fn plentiful() -> Running {
    let rows = (0..30_000)
        .map(|number| vec![Value::Long(number), Value::String("x".repeat(40))])
        .collect();
    let columns = vec![
        Column::new("Number", ColumnType::Long),
        Column::new("Text", ColumnType::String),
    ];
    service::start(Options {
        data: Data::Backend(Arc::new(Script::new().otherwise(columns, rows))),
        ..service::options()
    })
}

#[cfg(unix)]
#[test]
fn ctrl_c_while_the_service_thinks_ends_the_run() {
    let (sender, answered) = mpsc::channel();
    let faults = format!("- path: '{HUNT}'\n  stall_after: 20\n");
    let running = service::start(Options {
        faults: Faults::parse(&faults).unwrap(),
        observer: Some(Arc::new(move |request| {
            let _ = sender.send(request.path.clone());
        })),
        ..service::options()
    });
    let folder = Folder::of(&running);
    let child = folder
        .command(&["query", "print x=1", "-o", "rows.csv"])
        .spawn()
        .unwrap();
    while !answered.recv().unwrap().ends_with("/runHuntingQuery") {}
    interrupt(&child);
    let ran = finish(child);
    assert_eq!(ran.code, 130, "{}", ran.stderr);
    assert_eq!(
        ran.stderr,
        "error: interrupted before any row was written\n"
    );
    assert_eq!(left(&folder), ["msticpyconfig.yaml"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_in_an_export_says_how_to_go_on() {
    let (sender, answered) = mpsc::channel();
    let faults = format!("- path: '{HUNT}'\n  stall_after: 20\n");
    let running = service::start(Options {
        faults: Faults::parse(&faults).unwrap(),
        observer: Some(Arc::new(move |request| {
            let _ = sender.send(request.path.clone());
        })),
        ..service::options()
    });
    for (resume, hint) in [
        (
            &[] as &[&str],
            "with --resume FILE finished slices are kept, and the next run goes on from there",
        ),
        (
            &["--resume", "kept"],
            "finished slices are kept: the same command goes on from there",
        ),
    ] {
        let folder = Folder::of(&running);
        let arguments = ["query", "DeviceEvents", "--all-rows", "-o", "rows.csv"];
        let child = folder
            .command(&[&arguments as &[&str], resume].concat())
            .spawn()
            .unwrap();
        while !answered.recv().unwrap().ends_with("/runHuntingQuery") {}
        interrupt(&child);
        let ran = finish(child);
        assert_eq!(ran.code, 130, "{}", ran.stderr);
        let told = format!("error: interrupted before any row was written\n  hint: {hint}\n");
        assert!(ran.stderr.ends_with(&told), "{}", ran.stderr);
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_while_nobody_reads_ends_the_run() {
    let running = plentiful();
    let folder = Folder::of(&running);
    for format in ["table", "csv"] {
        let mut child = folder
            .command(&["query", "x", "--format", format])
            .spawn()
            .unwrap();
        let mut stdout = child.stdout.take().unwrap();
        // With the first byte here, the rest waits for a reader that does not come.
        stdout.read_exact(&mut [0]).unwrap();
        interrupt(&child);
        let ran = finish(child);
        assert_eq!(ran.code, 130, "{format}: {}", ran.stderr);
        assert!(
            ran.stderr.starts_with("error: interrupted after ") && ran.stderr.ends_with(" rows\n"),
            "{format}: {}",
            ran.stderr
        );
    }
}

/// Answers with many rows at once, but for one tenant, which never answers.
#[derive(Debug)]
struct Uneven {
    silent: &'static str,
    rows: usize,
}

#[async_trait]
impl HuntingBackend for Uneven {
    async fn run(&self, question: Question) -> Result<Rows, QueryFault> {
        if question.tenant.starts_with(self.silent) {
            std::future::pending::<()>().await;
        }
        let columns = vec![Column::new("Text", ColumnType::String)];
        let row = vec![Value::String("x".repeat(1000))];
        Ok(Rows::new(columns, vec![row; self.rows]))
    }
}

fn uneven(silent: &'static str, rows: usize, observer: Option<Observer>) -> Running {
    service::start(Options {
        data: Data::Backend(Arc::new(Uneven { silent, rows })),
        gzip: false,
        observer,
        ..service::options()
    })
}

const BOTH: [&str; 6] = [
    "query",
    "x",
    "--instance",
    "Fabrikam",
    "--instance",
    "Powerless",
];

#[cfg(unix)]
#[test]
fn ctrl_c_before_the_first_tenant_answers_ends_all_of_them() {
    let (sender, answered) = mpsc::channel();
    let observer: Observer = Arc::new(move |request| {
        let _ = sender.send(request.path.clone());
    });
    // The first in order never answers; the second is refused.
    let running = uneven("5", 1, Some(observer));
    let folder = Folder::of(&running);
    let child = folder
        .command(&[&BOTH[..], &["-o", "rows.csv"]].concat())
        .spawn()
        .unwrap();
    while !answered.recv().unwrap().ends_with("/runHuntingQuery") {}
    interrupt(&child);
    let ran = finish(child);
    assert_eq!(ran.code, 130, "{}", ran.stderr);
    let said = "error: interrupted before any row was written; ";
    assert!(
        ran.stderr.starts_with(said) && ran.stderr.ends_with(" of 2 tenants had answered\n"),
        "{}",
        ran.stderr
    );
    assert_eq!(left(&folder), ["msticpyconfig.yaml"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_while_the_second_tenant_thinks_says_what_arrived() {
    // So many bytes that they are not kept for the second tenant.
    let running = uneven("4", 20_000, None);
    let folder = Folder::of(&running);
    let arguments = [
        "query",
        "x",
        "--instance",
        "Fabrikam",
        "--instance",
        "Mistyped",
    ];
    let settings = service::settings(&running).replace("not-the-secret", service::SECRET);
    folder.write("msticpyconfig.yaml", &settings);
    let child = folder
        .command(&[&arguments[..], &["-o", "rows.csv"]].concat())
        .spawn()
        .unwrap();
    // The file that is not called so yet grows.
    let written = || {
        std::fs::read_dir(folder.work())
            .unwrap()
            .filter_map(|entry| entry.ok()?.metadata().ok())
            .any(|file| file.len() > 1_000_000)
    };
    while !written() {
        std::thread::yield_now();
    }
    interrupt(&child);
    let ran = finish(child);
    assert_eq!(ran.code, 130, "{}", ran.stderr);
    assert!(
        ran.stderr.starts_with("error: interrupted after ")
            && ran
                .stderr
                .ends_with(" rows; the file was not written; 1 of 2 tenants had answered\n"),
        "{}",
        ran.stderr
    );
    assert_eq!(left(&folder), ["msticpyconfig.yaml"]);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let running = plentiful();
    let folder = Folder::of(&running);
    for format in [
        "table", "json", "ndjson", "csv", "markdown", "parquet", "arrow",
    ] {
        let ran = read_a_little(&folder, &["query", "x", "--format", format]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{format}");
    }
    let ran = read_a_little(&folder, &["query", "x", "--fail-on", "no-rows"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    for arguments in [
        &["clouds"][..],
        &["schema", "--json"],
        &["completions", "bash"],
    ] {
        let ran = read_a_little(&folder, arguments);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{arguments:?}");
    }
}

/// Runs with a standard output that is closed from the start.
fn read_a_little(folder: &Folder, arguments: &[&str]) -> Ran {
    let mut child = folder.command(arguments).spawn().unwrap();
    drop(child.stdout.take());
    finish(child)
}

/// An emulator in a process of its own, and its address.
pub(crate) fn emulator(folder: &Folder, faults: &str) -> (Child, String) {
    folder.write("data/export-17.txt", "{\"Number\":1}\n{\"Number\":2}\n");
    folder.write("faults.yaml", faults);
    let mut child = folder
        .command(&[
            "emulator",
            "--data",
            "Numbers=data/export-17.txt",
            "--faults",
            "faults.yaml",
        ])
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let url = lines
        .find_map(|line| Some(line.unwrap().strip_prefix("# HTTP ")?.trim().to_owned()))
        .unwrap();
    // The rest of what it says fits into the pipe; it is closed with the process.
    std::mem::forget(lines);
    (child, url)
}

/// Asks a service that is killed when a part of its answer has arrived.
pub(crate) fn ask_and_kill() -> Ran {
    let folder = Folder::new();
    let faults = format!("- path: '{HUNT}'\n  stall_after: 20\n");
    let (mut service, url) = emulator(&folder, &faults);
    let mut command = folder.command(&[
        "query",
        "Numbers",
        "--retries",
        "0",
        "-vv",
        "--tenant-id",
        "demo.example",
        "--client-id",
        "11111111-1111-1111-1111-aaaaaaaaaaaa",
        "--client-secret-env",
        "SECRET",
        "--authority",
        &url,
        "--api-root",
        &url,
    ]);
    command.env("SECRET", "demo-secret-made-up");
    let mut child = command.spawn().unwrap();
    let mut log = String::new();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut answers = 0;
    // The first answer is the token.
    while answers < 2 {
        let mut line = String::new();
        assert_ne!(
            stderr.read_line(&mut line).unwrap(),
            0,
            "it ended early: {log}"
        );
        if line.contains("answered") {
            answers += 1;
        }
        log.push_str(&line);
    }
    service.kill().unwrap();
    service.wait().unwrap();
    stderr.read_to_string(&mut log).unwrap();
    let mut ran = finish(child);
    ran.stderr = log;
    ran
}

#[cfg(unix)]
#[test]
fn the_emulator_stops_at_ctrl_c() {
    let folder = Folder::new();
    let (child, _) = emulator(&folder, "[]");
    interrupt(&child);
    assert_eq!(finish(child).code, 0);
    // Certificates and settings are gone with it.
    assert_eq!(
        std::fs::read_dir(folder.root().join("tmp"))
            .unwrap()
            .count(),
        0
    );
}

pub(crate) fn left(folder: &Folder) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder.work())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
