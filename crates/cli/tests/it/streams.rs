//! No message is worth a run: whatever becomes of standard error, every command prints the same and
//! ends with the same exit code.

use std::fs::File;
use std::io::{PipeReader, PipeWriter, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use defender_emulator::{Data, DeviceScript, Options, Running, SignIn, User};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use crate::command::{Folder, finish};
use crate::interruption::signal;
use crate::{collections, service};

/// Every command of `streams` with every standard error and every loudness, instead of a choice.
const ALL: &str = "DEFENDER_STREAMS_ALL";

/// What stands behind standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stderr {
    /// A reader that reads.
    Good,
    /// A full disk.
    Full,
    /// Nothing: `2>&-`.
    Closed,
    /// A pipe whose reader is gone: `2>&1 >rows.csv | head -1`.
    Gone,
    /// A pipe that is full, and whose reader does not read.
    Unread,
}

const BAD: [Stderr; 4] = [Stderr::Full, Stderr::Closed, Stderr::Gone, Stderr::Unread];

/// A pipe in which there is no room left.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let flags = fcntl_getfl(writer.as_fd()).unwrap();
    fcntl_setfl(writer.as_fd(), flags | OFlags::NONBLOCK).unwrap();
    for size in [4096, 1] {
        while writer.write(&vec![b'x'; size]).is_ok() {}
    }
    fcntl_setfl(writer.as_fd(), flags).unwrap();
    (reader, writer)
}

/// Starts the command; what is returned beside it keeps its standard error as it is.
fn spawn(folder: &Folder, arguments: &[&str], stderr: Stderr) -> (Child, Option<PipeReader>) {
    let mut command = folder.command(arguments);
    let mut kept = None;
    match stderr {
        Stderr::Good => {}
        Stderr::Full => {
            let full = File::options().write(true).open("/dev/full").unwrap();
            command.stderr(full);
        }
        Stderr::Gone => {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            command.stderr(writer);
        }
        Stderr::Unread => {
            let (reader, writer) = full_pipe();
            kept = Some(reader);
            command.stderr(writer);
        }
        Stderr::Closed => {
            command = redirected(folder, arguments, "2>&-");
            command.stderr(Stdio::null());
        }
    }
    (command.spawn().unwrap(), kept)
}

/// The command as a shell starts it with a redirection.
fn redirected(folder: &Folder, arguments: &[&str], redirection: &str) -> Command {
    let command = folder.command(arguments);
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", &format!(r#"exec "$0" "$@" {redirection}"#)])
        .arg(command.get_program())
        .args(arguments)
        .current_dir(folder.work())
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            shell.env(name, value);
        }
    }
    shell
}

/// A command, and what is to be done for it to end.
#[derive(Clone, Copy)]
struct Case {
    arguments: &'static [&'static str],
    /// Ended by a signal, after so many lines.
    lines: Option<usize>,
}

const fn case(arguments: &'static [&'static str]) -> Case {
    Case {
        arguments,
        lines: None,
    }
}

const CASES: &[Case] = &[
    case(&["--help"]),
    case(&["--version"]),
    case(&["query", "--no-such-option"]),
    case(&["query", "AlertInfo", "--format", "csv"]),
    case(&["query", "AlertInfo", "--instance", "Powerless"]),
    case(&[
        "query",
        "AlertInfo",
        "--all-instances",
        "--format",
        "ndjson",
    ]),
    case(&["query", "AlertInfo", "--print"]),
    case(&["query", "Numbers | count", "--data", "Numbers.csv"]),
    case(&[
        "query",
        "Numbers |",
        "--data",
        "Numbers.csv",
        "--json-errors",
    ]),
    case(&["run", "recent", "--query-path", "queries", "--print"]),
    case(&["alerts", "list", "--format", "ndjson"]),
    Case {
        arguments: &["alerts", "list", "--watch", "24h", "--start", "2026-11-01"],
        lines: Some(3),
    },
    case(&["incidents", "list", "--format", "json"]),
    case(&["machines", "list", "--format", "csv"]),
    case(&["api", "get", "security/incidents"]),
    case(&["schema"]),
    case(&["schema", "DeviceEvnts", "--json"]),
    case(&["lint", "wrong.kql"]),
    case(&["fmt", "--check", "wrong.kql"]),
    case(&[
        "queries",
        "list",
        "--no-built-in",
        "--query-path",
        "queries",
    ]),
    case(&["queries", "search", "recent", "--query-path", "queries"]),
    case(&["queries", "show", "recent", "--query-path", "queries"]),
    case(&["queries", "validate", "queries"]),
    case(&["queries", "validate", "wrong.kql"]),
    case(&["queries", "test", "absent.yaml"]),
    case(&["config", "path"]),
    case(&["config", "show"]),
    case(&["config", "validate", "--json"]),
    case(&["config", "init", "--config", "new.yaml"]),
    case(&["config", "set", "A.B", "c"]),
    case(&["token", "--operation", "machines"]),
    case(&["token", "--instance", "Mistyped"]),
    case(&["login", "--auth-type", "device"]),
    case(&["logout"]),
    case(&["clouds", "--format", "markdown"]),
    case(&["consent-url"]),
    case(&["completions", "bash"]),
    case(&["emulator", "--", "true"]),
];

fn running() -> Running {
    let mut options = Options {
        sign_in: SignIn {
            device: DeviceScript {
                pending: 0,
                interval: std::time::Duration::ZERO,
                ..DeviceScript::default()
            },
            ..SignIn::default()
        },
        ..collections::options(3)
    };
    assert!(matches!(options.data, Data::Backend(_)));
    options.tenants[0].users = vec![User::new("ana@contoso.example", "Ana")];
    service::start(options)
}

fn folder(running: &Running) -> Folder {
    let folder = collections::folder(running);
    folder.write("Numbers.csv", "Number\n1\n2\n");
    folder.write("wrong.kql", "DeviceEvents | where (\n");
    folder.write(
        "queries/ours.yaml",
        "metadata:\n  version: 1\n  description: Ours\n  data_environments: [M365DGraph]\n  \
         data_families: [Ours]\ndefaults:\n  parameters: {}\nsources:\n  recent:\n    description: \
         Alerts\n    args:\n      query: 'AlertInfo | count'\n    parameters: {}\n",
    );
    folder
}

/// What a run printed and ended with. The time to the end of a token is not the run's.
fn outcome(running: &Running, case: Case, loudness: &[&str], stderr: Stderr) -> (String, i32) {
    let folder = folder(running);
    let arguments = [loudness, case.arguments].concat();
    // Behind the `--` is another command's line.
    let (mut child, kept) = spawn(&folder, &arguments, stderr);
    let mut printed = String::new();
    if let Some(lines) = case.lines {
        let stdout = child.stdout.as_mut().unwrap();
        let mut byte = [0];
        while printed.matches('\n').count() < lines {
            assert_eq!(
                stdout.read(&mut byte).unwrap(),
                1,
                "{arguments:?} {printed}"
            );
            printed.push(char::from(byte[0]));
        }
        signal(child.id(), "TERM");
    }
    let ran = finish(child);
    drop(kept);
    printed.push_str(&ran.text());
    let root = folder.root().display().to_string();
    let lines: Vec<String> = printed
        .lines()
        .filter(|line| !line.starts_with("expires"))
        // As wide as the longest line, which may be one of those that differ.
        .map(|line| line.replace(&root, "[folder]").trim_end().to_owned())
        .collect();
    (lines.join("\n"), ran.code)
}

#[expect(clippy::disallowed_methods, reason = "how much to try is its caller's")]
#[test]
fn a_bad_standard_error_changes_neither_rows_nor_exit_code() {
    let all = std::env::vars_os().any(|(name, _)| name == ALL);
    let running = running();
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        // Most of them wait for a reader that does not come.
        for _ in 0..12 {
            scope.spawn(|| {
                while let Some((index, case)) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    CASES.get(index).map(|case| (index, *case))
                } {
                    let good = outcome(&running, case, &[], Stderr::Good);
                    for (number, stderr) in BAD.into_iter().enumerate() {
                        for (turn, loudness) in [&[][..], &["-vvv"]].into_iter().enumerate() {
                            if !all && (index + number + turn) % 2 == 1 {
                                continue;
                            }
                            let bad = outcome(&running, case, loudness, stderr);
                            if bad != good {
                                let what = format!(
                                    "{:?} {loudness:?} {stderr:?}: {bad:?} instead of {good:?}",
                                    case.arguments
                                );
                                failed.lock().unwrap().push(what);
                            }
                        }
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn a_standard_output_that_cannot_be_written_is_an_error() {
    let running = running();
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(case) = CASES.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let folder = folder(&running);
                    let full = || File::options().write(true).open("/dev/full").unwrap();
                    let mut command = folder.command(case.arguments);
                    command.stdout(full());
                    let ran = finish(command.spawn().unwrap());
                    if case.lines.is_none()
                        && outcome(&running, *case, &[], Stderr::Good).0.is_empty()
                    {
                        continue;
                    }
                    if ran.code != 1 || !ran.stderr.contains("because No space left on device") {
                        let what = format!("{:?}: {} {}", case.arguments, ran.code, ran.stderr);
                        failed.lock().unwrap().push(what);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// The runtime opens `/dev/null` in the place of a standard output that is closed (`>&-`), so that no
/// file which is opened later gets its number: what is printed goes there.
#[test]
fn a_closed_standard_output_is_a_reader_that_reads_nothing() {
    let running = running();
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(case) = CASES.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if case.lines.is_some() {
                        continue;
                    }
                    let (_, code) = outcome(&running, *case, &[], Stderr::Good);
                    let folder = folder(&running);
                    let mut command = redirected(&folder, case.arguments, ">&-");
                    let ran = finish(command.spawn().unwrap());
                    if ran.code != code || ran.stderr.contains("bug of defender") {
                        let what = format!("{:?}: {} {}", case.arguments, ran.code, ran.stderr);
                        failed.lock().unwrap().push(what);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    // Nor does a file of the run become its standard output.
    let folder = folder(&running);
    let expected = folder
        .run(&["query", "AlertInfo", "--format", "csv"])
        .text();
    let arguments = ["query", "AlertInfo", "-o", "rows.csv"];
    let ran = finish(redirected(&folder, &arguments, ">&-").spawn().unwrap());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let rows = std::fs::read_to_string(folder.work().join("rows.csv")).unwrap();
    assert_eq!(rows, expected);
}

#[test]
fn a_log_that_cannot_be_written_is_said_once_and_costs_nothing() {
    let running = running();
    let folder = folder(&running);
    let arguments = ["query", "AlertInfo", "--format", "csv"];
    let good = folder.run(&arguments);
    let ran = folder.run(&[&arguments[..], &["--log-file", "/dev/full"]].concat());
    assert_eq!((ran.code, ran.text()), (0, good.text()));
    assert_eq!(
        ran.stderr,
        "warning: the log in /dev/full is incomplete: No space left on device (os error 28)\n"
    );
}
