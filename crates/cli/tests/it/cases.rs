//! The scenarios in `tests/cases`: each is a folder with `case.yaml`, and what came of it.
//!
//! A case's emulator has the tenants and answers of `service.rs`, and the working folder a settings
//! file that leads to it. Every run's output, and the files it made, stand in `output.snap`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use defender_emulator::{Column, ColumnType, Data, Faults, Options, Running, Script, Value};
use serde::Deserialize;

use crate::command::{Folder, Ran, steady};
use crate::service;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What the case shows; for its reader.
    about: String,
    /// Faults as the emulator reads them.
    #[serde(default)]
    faults: String,
    /// So many rows to `Numbers`.
    numbers: Option<i64>,
    /// The sample data in place of the script.
    #[serde(default)]
    sample: bool,
    /// No settings file of the driver's.
    #[serde(default)]
    without_settings: bool,
    /// Files of the working folder.
    #[serde(default)]
    files: BTreeMap<String, String>,
    runs: Vec<Run>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    arguments: Vec<String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    stdin: String,
    /// What the run is expected to exit with, said here too so that a snapshot cannot be
    /// accepted by mistake.
    exit: i32,
    /// Only the beginning of standard output, for what is long.
    lines: Option<usize>,
    /// Only where there is such a file.
    needs: Option<PathBuf>,
}

#[test]
fn every_case_comes_out_as_recorded() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    assert!(!folders.is_empty(), "no cases at {}", root.display());
    let queue = Mutex::new(folders.into_iter());
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some(path) = queue.lock().unwrap().next() else {
                        return;
                    };
                    let name = path.file_name().unwrap().to_string_lossy().into_owned();
                    if std::panic::catch_unwind(|| play(&path)).is_err() {
                        failed.lock().unwrap().push(name);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(
        failed.is_empty(),
        "these cases came out otherwise: {failed:?}"
    );
}

fn play(path: &Path) {
    let text = std::fs::read_to_string(path.join("case.yaml")).unwrap();
    let case: Case =
        serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let running = service::start(options(&case));
    let folder = if case.without_settings {
        Folder::new()
    } else {
        Folder::of(&running)
    };
    for (name, text) in &case.files {
        folder.write(name, &filled(text, &running));
    }
    let mut shown = format!("{}\n", case.about.trim());
    for run in &case.runs {
        if run.needs.as_ref().is_some_and(|path| !path.exists()) {
            println!("{}: left out, there is no {:?}", path.display(), run.needs);
            return;
        }
        let before = files(&folder);
        let arguments: Vec<String> = run
            .arguments
            .iter()
            .map(|argument| filled(argument, &running))
            .collect();
        let environment: Vec<_> = run
            .environment
            .iter()
            .map(|(name, value)| (name.clone(), filled(value, &running)))
            .collect();
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let ran = folder.run_in(&words, &environment, &run.stdin);
        assert_eq!(
            ran.code,
            run.exit,
            "{}: {:?}\n{}{}",
            path.display(),
            run.arguments,
            String::from_utf8_lossy(&ran.stdout),
            ran.stderr
        );
        show(&mut shown, run, &ran);
        for (name, bytes) in files(&folder).difference(&before) {
            let _ = writeln!(shown, "--- {name}\n{}", contents(bytes));
        }
    }
    let shown = steady(&shown, &folder, Some(&running));
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(path);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("output", shown));
}

fn options(case: &Case) -> Options {
    let mut options = service::options();
    options.faults = Faults::parse(if case.faults.is_empty() {
        "[]"
    } else {
        &case.faults
    })
    .unwrap();
    if let Some(count) = case.numbers {
        let rows = (0..count).map(|number| vec![Value::Long(number)]).collect();
        let columns = vec![Column::new("Number", ColumnType::Long)];
        options.data = Data::Backend(std::sync::Arc::new(Script::new().otherwise(columns, rows)));
    }
    if case.sample {
        options.data = Data::Sample;
    }
    options
}

/// `text` with the emulator's addresses in it.
fn filled(text: &str, running: &Running) -> String {
    text.replace("{url}", &running.http_url())
}

/// The files of the working folder and of the folders in it.
fn files(folder: &Folder) -> BTreeSet<(String, Vec<u8>)> {
    let root = folder.work();
    let mut found = BTreeSet::new();
    let mut folders = vec![root.clone()];
    while let Some(place) = folders.pop() {
        for entry in std::fs::read_dir(place).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(&root).unwrap().to_string_lossy();
                found.insert((name.into_owned(), std::fs::read(&path).unwrap()));
            }
        }
    }
    found
}

fn contents(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => visible(text),
        _ => format!(
            "[{}, then binary]",
            String::from_utf8_lossy(&bytes[..bytes.len().min(4)])
        ),
    }
}

/// Spaces at the ends of lines are seen by nobody, and editors take them away.
fn visible(text: &str) -> String {
    text.lines()
        .map(|line| match line.strip_suffix(' ') {
            Some(rest) => format!("{rest}·"),
            None => line.to_owned(),
        })
        .collect::<Vec<_>>()
        .join("\n")
}

fn show(shown: &mut String, run: &Run, ran: &Ran) {
    let words: Vec<String> = run.arguments.iter().map(|word| quoted(word)).collect();
    let _ = write!(shown, "\n$ ");
    for (name, value) in &run.environment {
        let _ = write!(shown, "{name}={} ", quoted(value));
    }
    let _ = writeln!(shown, "defender {}", words.join(" "));
    if !ran.stdout.is_empty() {
        let mut text = contents(&ran.stdout);
        if let Some(lines) = run.lines {
            text = text.lines().take(lines).collect::<Vec<_>>().join("\n");
            text.push_str("\n[more]");
        }
        let _ = writeln!(shown, "{text}");
    }
    if !ran.stderr.is_empty() {
        let _ = writeln!(
            shown,
            "--- standard error\n{}",
            visible(ran.stderr.trim_end())
        );
    }
    let _ = writeln!(shown, "--- exit {}", ran.code);
}

fn quoted(word: &str) -> String {
    let word = &word.replace('\u{1b}', r"\e");
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:{}@,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
