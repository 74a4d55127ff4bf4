//! Ctrl-C, a closed standard output, a service that dies: runs that end before their end.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc;

use defender_emulator::{Column, ColumnType, Data, Faults, Options, Running, Script, Value};

use crate::command::{Folder, Ran, finish};
use crate::service::{self, HUNT};

/// What Ctrl-C does.
fn interrupt(child: &Child) {
    let status = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
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
    folder.write("data/Numbers.ndjson", "{\"Number\":1}\n{\"Number\":2}\n");
    folder.write("faults.yaml", faults);
    let mut child = folder
        .command(&["emulator", "--data", "data", "--faults", "faults.yaml"])
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

fn left(folder: &Folder) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder.work())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
