//! SIGTERM and SIGHUP end a run as Ctrl-C does: nothing unfinished stays behind.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use defender_emulator::{Faults, Options, Running};

use crate::command::{Folder, finish};
use crate::interruption::{left, plentiful, signal};
use crate::service::{self, HUNT, TOKEN};

const CODES: [(&str, i32); 3] = [("INT", 130), ("TERM", 143), ("HUP", 129)];

/// A service that stalls at `path`, and what it was asked.
fn stalling(path: &str) -> (Running, mpsc::Receiver<String>) {
    let (sender, asked) = mpsc::channel();
    let sender = Mutex::new(sender);
    let running = service::start(Options {
        faults: Faults::parse(&format!("- path: '{path}'\n  stall_after: 20\n")).unwrap(),
        observer: Some(Arc::new(move |request| {
            let _ = sender.lock().unwrap().send(request.path.clone());
        })),
        ..service::options()
    });
    (running, asked)
}

fn temporary(folder: &Folder) -> usize {
    let entries = std::fs::read_dir(folder.root().join("tmp")).unwrap();
    entries.count()
}

#[test]
fn every_signal_ends_a_query_and_leaves_no_file() {
    let (running, asked) = stalling(HUNT);
    for (name, code) in CODES {
        for output in [
            &["-o", "rows.csv"][..],
            &["-o", "hunt", "--partition-by", "tenant", "--format", "csv"],
        ] {
            let folder = Folder::of(&running);
            let arguments = [&["query", "print x=1"], output].concat();
            let child = folder.command(&arguments).spawn().unwrap();
            while !asked.recv().unwrap().ends_with("/runHuntingQuery") {}
            signal(child.id(), name);
            let ran = finish(child);
            assert_eq!(ran.code, code, "{name}: {}", ran.stderr);
            assert_eq!(
                ran.stderr,
                "error: interrupted before any row was written\n"
            );
            assert_eq!(left(&folder), ["msticpyconfig.yaml"]);
        }
    }
}

#[test]
fn a_run_says_in_json_with_which_code_it_was_ended() {
    let (running, asked) = stalling(TOKEN);
    let folder = Folder::of(&running);
    let arguments = ["login", "--json-errors"];
    let child = folder.command(&arguments).spawn().unwrap();
    while !asked.recv().unwrap().ends_with("/token") {}
    signal(child.id(), "TERM");
    let ran = finish(child);
    assert_eq!(ran.code, 143);
    let error: serde_json::Value = serde_json::from_str(&ran.stderr).unwrap();
    assert_eq!(error["error"]["exit_code"], 143);
    assert_eq!(error["error"]["kind"], "Interrupted");
}

#[test]
fn a_command_that_waits_for_nothing_but_its_input_ends_too() {
    for (name, code) in CODES {
        let folder = Folder::new();
        // The log says that it listens.
        let mut child = folder
            .command(&["fmt", "-"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        wait_until_it_listens(&child);
        signal(child.id(), name);
        let stdin = child.stdin.take();
        let ran = finish(child);
        drop(stdin);
        assert_eq!(
            (ran.code, ran.stderr.as_str()),
            (code, "error: interrupted\n")
        );
    }
}

/// Waits until the process catches SIGTERM, which it does with the last of its signals.
fn wait_until_it_listens(child: &Child) {
    let path = format!("/proc/{}/status", child.id());
    if !std::path::Path::new("/proc/self/status").exists() {
        return;
    }
    loop {
        let status = std::fs::read_to_string(&path).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let mask = u64::from_str_radix(mask.unwrap().trim(), 16).unwrap();
        // Hang-up, interrupt, terminate.
        if [1, 2, 15]
            .iter()
            .all(|number| mask & (1 << (number - 1)) != 0)
        {
            return;
        }
        std::thread::yield_now();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_nohup_ignores_stays_ignored() {
    let folder = Folder::new();
    let command = folder.command(&[]);
    let mut nohup = Command::new("/bin/sh");
    nohup
        .args(["-c", r#"trap '' HUP INT; exec "$0" fmt -"#])
        .arg(command.get_program())
        .current_dir(folder.work())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = nohup.spawn().unwrap();
    let path = format!("/proc/{}/status", child.id());
    let caught = || {
        let status = std::fs::read_to_string(&path).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        u64::from_str_radix(mask.unwrap().trim(), 16).unwrap()
    };
    while caught() & (1 << 14) == 0 {
        std::thread::yield_now();
    }
    for name in ["HUP", "INT"] {
        signal(child.id(), name);
    }
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"T|take 5").unwrap();
    let ran = finish(child);
    assert_eq!((ran.code, ran.text().as_str()), (0, "T\n| take 5\n"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_at_a_hidden_prompt_leaves_a_terminal_that_shows_what_is_typed() {
    // `script` is a terminal for what it runs.
    if Command::new("script").arg("--version").output().is_err() {
        eprintln!("skipped: there is no `script`");
        return;
    }
    // The trap is for the shell alone: Ctrl-C reaches it too, and it has to say how the command ended.
    let script = "trap : INT; stty -a >before; sh -c 'echo $$ >id; exec \"$0\" \"$@\"' \"$DEFENDER\" config set \
                  MicrosoftDefender.Args.ClientSecret --prompt; echo $? >code; stty -a >after";
    for (name, code) in CODES {
        let folder = Folder::new();
        folder.write(
            "msticpyconfig.yaml",
            "DataProviders: {MicrosoftDefender: {Args: {TenantId: x}}}",
        );
        let command = folder.command(&[]);
        let mut terminal = Command::new("script");
        terminal
            .args(["--quiet", "--return", "--command", script, "/dev/null"])
            .current_dir(folder.work())
            .env("DEFENDER", command.get_program())
            .env("SHELL", "/bin/sh")
            .env("MSTICPYCONFIG", folder.work().join("msticpyconfig.yaml"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut terminal = terminal.spawn().unwrap();
        let mut shown = terminal.stdout.take().unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(b"ClientSecret: ") {
            let mut byte = [0];
            assert_ne!(shown.read(&mut byte).unwrap(), 0, "{seen:?}");
            seen.push(byte[0]);
        }
        let read = |name: &str| std::fs::read_to_string(folder.work().join(name)).unwrap();
        if name == "INT" {
            // As it is typed.
            let typed = terminal.stdin.as_mut().unwrap();
            std::io::Write::write_all(typed, b"\x03").unwrap();
        } else {
            signal(read("id").trim().parse().unwrap(), name);
        }
        let stdin = terminal.stdin.take();
        shown.read_to_end(&mut seen).unwrap();
        terminal.wait().unwrap();
        drop(stdin);
        assert_eq!(read("code").trim(), code.to_string(), "{name}");
        assert_eq!(read("after"), read("before"), "{name}");
    }
}

#[test]
fn a_command_under_the_emulator_hears_the_signal_and_its_code_counts() {
    for (name, script, code) in [
        // Killed by it.
        ("TERM", "echo ready; exec sleep 1000", 143),
        ("HUP", "echo ready; exec sleep 1000", 129),
        ("INT", "echo ready; exec sleep 1000", 130),
        // Ends in its own way.
        (
            "TERM",
            "trap 'exit 7' TERM; echo ready; sleep 1000 & wait",
            7,
        ),
        // With what it has started.
        ("TERM", "echo ready; sleep 1000; true", 143),
    ] {
        let folder = Folder::new();
        let script = format!("echo $$ $MSTICPYCONFIG; ls -l $MSTICPYCONFIG | cut -c1-10; {script}");
        let mut child = folder
            .command(&["emulator", "--", "sh", "-c", &script])
            .env("PATH", "/usr/bin:/bin")
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut lines = Vec::new();
        while lines.last().is_none_or(|line| line != "ready") {
            let mut line = String::new();
            assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "{lines:?}");
            lines.push(line.trim_end().to_owned());
        }
        assert_eq!(lines[1], "-rw-------");
        assert_eq!(temporary(&folder), 1);
        signal(child.id(), name);
        let ran = finish(child);
        assert_eq!(
            (ran.code, ran.stderr.as_str()),
            (code, ""),
            "{name} {script}"
        );
        // Its output is closed only when nobody is left who has it.
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(temporary(&folder), 0);
    }
}

#[test]
fn the_emulator_alone_stops_at_every_signal() {
    for (name, code) in CODES {
        // Ctrl-C is the way to end it that it names itself.
        let code = if name == "INT" { 0 } else { code };
        let folder = Folder::new();
        let mut child = folder.command(&["emulator"]).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        signal(child.id(), name);
        let ran = finish(child);
        assert_eq!(ran.code, code, "{name}");
        assert_eq!(ran.stderr, "", "{name}");
        assert_eq!(temporary(&folder), 0);
    }
}

#[test]
fn what_a_killed_run_left_the_next_one_removes() {
    let (running, asked) = stalling(HUNT);
    let folder = Folder::of(&running);
    for output in [
        &["-o", "rows.csv"][..],
        &["-o", "hunt", "--partition-by", "tenant", "--format", "csv"],
    ] {
        let arguments = [&["query", "print x=1"], output].concat();
        let mut child = folder.command(&arguments).spawn().unwrap();
        while !asked.recv().unwrap().ends_with("/runHuntingQuery") {}
        child.kill().unwrap();
        child.wait().unwrap();
        let names = left(&folder);
        let partial = names.iter().find(|name| name.ends_with(".partial"));
        let partial = folder.work().join(partial.unwrap());
        // Somebody's own file of nearly the same name stays.
        folder.write(".rows.csv.partial", "");
        let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1);
        let open = std::fs::File::open(&partial).unwrap();
        open.set_modified(old).unwrap();
        drop(open);
        // The next one fails, and clears all the same.
        let next = [&["query", "print x=1", "--instance", "Mistyped"], output].concat();
        let ran = folder.run(&next);
        assert_eq!(ran.code, 4, "{}", ran.stderr);
        assert_eq!(left(&folder), [".rows.csv.partial", "msticpyconfig.yaml"]);
    }
}

#[test]
fn a_killed_emulators_folder_goes_with_the_next_start() {
    let folder = Folder::new();
    let mut child = folder.command(&["emulator"]).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut String::new()).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let entries: Vec<_> = std::fs::read_dir(folder.root().join("tmp"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(entries.len(), 1);
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1);
    let lock = std::fs::File::open(entries[0].join("in-use")).unwrap();
    lock.set_modified(old).unwrap();
    drop(lock);
    let ran = folder.run_in(
        &["emulator", "--", "true"],
        &[("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
        "",
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(temporary(&folder), 0);
}

#[test]
fn a_signal_while_nobody_reads_ends_the_run() {
    let running = plentiful();
    let folder = Folder::of(&running);
    let mut child = folder.command(&["query", "x"]).spawn().unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    signal(child.id(), "TERM");
    let ran = finish(child);
    assert_eq!(ran.code, 143, "{}", ran.stderr);
}

#[test]
fn what_came_through_a_pipe_is_private_and_goes_with_every_signal() {
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;

    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    for (name, code) in CODES {
        let folder = Folder::new();
        let mut child = folder
            .command(&["query", "T", "--data", "T=-"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(b"{\"a\":1}\n").unwrap();
        let kept = loop {
            let mut folders = std::fs::read_dir(folder.root().join("tmp")).unwrap();
            let kept = folders.next().map(|kept| kept.unwrap().path());
            if let Some(kept) = kept.filter(|kept| kept.join("0").exists()) {
                break kept;
            }
            std::thread::yield_now();
        };
        assert_eq!((mode(&kept), mode(&kept.join("0"))), (0o700, 0o600));
        signal(child.id(), name);
        let ran = finish(child);
        drop(stdin);
        assert_eq!(ran.code, code, "{name}: {}", ran.stderr);
        assert_eq!(temporary(&folder), 0, "{name}");
    }
}

#[test]
fn what_a_killed_run_has_kept_goes_with_a_later_one() {
    let folder = Folder::new();
    let left = folder.root().join("tmp/.data.defender-a1b2C3.partial");
    std::fs::create_dir(&left).unwrap();
    std::fs::write(left.join("0"), "{\"a\":1}\n").unwrap();
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1);
    let handle = std::fs::File::open(&left).unwrap();
    handle.set_modified(old).unwrap();
    drop(handle);
    let ran = folder.run_in(&["query", "T | count", "--data", "T=-"], &[], "{\"a\":1}\n");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(temporary(&folder), 0);
}

#[test]
fn data_without_a_path_names_no_file() {
    let folder = Folder::new();
    let ran = folder.run(&["query", "T", "--data", "T="]);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (
            2,
            "error: '--data T=' names no file\n  hint: write --data T=PATH, or --data T=- for standard input\n"
        )
    );
}
