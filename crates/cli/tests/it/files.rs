//! Files that are not there, cannot be written, or are not UTF-8: each ends with exit code 1 and
//! names the file, whichever option named it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::command::{Folder, Ran};
use crate::service;

const HUNT: [&str; 4] = ["query", "print x=1", "--retries", "0"];
const DATA: [&str; 4] = ["query", "T", "--data", "T.csv"];

/// Options that name a file, and the rest of a command line that has them.
const READ: &[(&str, &[&str])] = &[
    ("--access-token-file", &HUNT),
    ("--assertion-file", &HUNT),
    ("--ca-file", &HUNT),
    ("--certificate", &HUNT),
    ("--client-secret-file", &HUNT),
    ("--config", &HUNT),
    ("--connection-string-file", &HUNT),
    ("--data", &["query", "T"]),
    ("--faults", &["emulator"]),
    ("--file", &["query", "--demo"]),
    (
        "--private-key",
        &["query", "print x=1", "--certificate", "missing/file.txt"],
    ),
    (
        "--private-key-secret-file",
        &[
            "query",
            "print x=1",
            "--retries",
            "0",
            "--certificate",
            "found.pem",
        ],
    ),
    ("--schema", &["lint", "found.kql"]),
    ("--tenants", &HUNT),
];

/// The same for what is written.
const WRITTEN: &[(&str, &[&str])] = &[
    (
        "--cursor",
        &[
            "alerts", "list", "--watch", "1s", "--start", "-1d", "--demo",
        ],
    ),
    ("--junit", &["queries", "test", "--only", "lsass_access"]),
    ("--log-file", &DATA),
    (
        "--output",
        &["query", "T", "--data", "T.csv", "--format", "csv"],
    ),
    ("--record", &["emulator"]),
    (
        "--resume",
        &[
            "query",
            "DeviceInfo",
            "--start",
            "-2d",
            "--split-by",
            "1d",
            "--demo",
        ],
    ),
];

/// Reads queries of its own beside those of others: what is wrong with it is a warning.
const DOUBTED: [&str; 1] = ["--query-path"];

fn folder(running: &defender_emulator::Running) -> Folder {
    let folder = Folder::of(running);
    folder.write("T.csv", "a\n1\n");
    folder.write("found.kql", "DeviceInfo | count\n");
    folder.write("found.pem", "no certificate");
    folder
}

/// Runs the rest of a command line with the option and a file behind it.
fn run(folder: &Folder, rest: &[&str], option: &str, file: &str) -> Ran {
    let (first, others) = rest.split_first().unwrap();
    let mut words = vec![*first];
    words.extend(others);
    words.extend([option, file]);
    folder.run(&words)
}

/// A file problem ends with 1 and says which file it is, once.
fn check(ran: &Ran, option: &str, file: &str) {
    // The linter prints what it found.
    let said = &(ran.text() + &ran.stderr);
    assert_eq!(ran.code, 1, "{option}: {said}");
    assert!(said.contains(file), "{option}: {said}");
    assert!(complaints(said) < 2, "{option}: {said}");
}

/// How often it is said that something cannot be read; how many files there were is no complaint.
fn complaints(said: &str) -> usize {
    let lines = said
        .lines()
        .filter(|line| !line.starts_with("error: 1 file "));
    let counts = lines
        .map(|line| line.matches("cannot read").count() + line.matches("cannot be read").count());
    counts.sum()
}

#[test]
fn a_file_that_is_not_there_ends_with_1() {
    let running = service::start(service::options());
    let folder = folder(&running);
    for (option, rest) in READ {
        let ran = run(&folder, rest, option, "missing/file.txt");
        check(&ran, option, "missing/file.txt");
    }
    for words in [
        &["query", "missing/hunt.kql"][..],
        &["query", "hunt.kql"],
        &["query", "my hunt.kql", "--demo"],
        &["run", "hunt.kql"],
        &["lint", "hunt.kql"],
        &["fmt", "hunt.kql"],
        &["queries", "validate", "hunt.kql"],
        &["queries", "test", "hunt.kql"],
        &[
            "run",
            "Investigation.hashes_seen",
            "--demo",
            "-p",
            "file_hash=@hunt.kql",
        ],
        &["emulator", "--tenants", "hunt.kql"],
        &["emulator", "--data", "hunt.kql"],
        &["config", "validate", "--config", "hunt.kql"],
    ] {
        check(&folder.run(words), &words.join(" "), "hunt.kql");
    }
}

#[test]
fn a_file_that_cannot_be_written_ends_with_1() {
    let running = service::start(service::options());
    let folder = folder(&running);
    fs::create_dir(folder.work().join("is-folder")).unwrap();
    for (option, rest) in WRITTEN {
        // The folder is not there, or it is a file.
        for file in ["missing/file.txt", "T.csv/file.txt", "is-folder"] {
            check(&run(&folder, rest, option, file), option, file);
        }
    }
    check(&folder.run(&["man", "T.csv/man1"]), "man", "T.csv/man1");
}

/// Whoever adds an option for a file adds it to one of the lists above.
#[test]
fn every_option_for_a_file_is_tried() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/command.md");
    let page = fs::read_to_string(page).unwrap();
    let named = page.lines().filter_map(|line| {
        let (option, value) = line.trim_start().split_once(" <")?;
        let option = option.rsplit(' ').next()?.trim_end_matches("...");
        let is_file = ["FILE>", "PATH>", "[NAME=]PATH>"]
            .iter()
            .any(|one| value.starts_with(one));
        (is_file && option.starts_with("--")).then_some(option)
    });
    let named: BTreeSet<&str> = named.collect();
    let tried = READ.iter().chain(WRITTEN).map(|(option, _)| *option);
    let tried: BTreeSet<&str> = tried.chain(DOUBTED).collect();
    assert_eq!(named, tried);
}

/// Windows-1252, as old editors and `Out-File -Encoding Default` write it.
#[test]
fn a_file_of_windows_1252_is_told_with_its_line_and_the_way_out() {
    let running = service::start(service::options());
    let folder = folder(&running);
    let bytes = |text: &str| -> Vec<u8> {
        // Letters up to U+00FF have their own number there.
        text.chars()
            .map(|letter| u8::try_from(u32::from(letter)).unwrap())
            .collect()
    };
    let kql = "print 1\n| where x == 'caf\u{e9}'\n";
    for (text, line) in [
        (kql, "query --demo -f a.kql"),
        (kql, "lint b.kql"),
        (kql, "fmt c.kql"),
        ("a,b\n1,caf\u{e9}\n", "query d --data d.csv"),
        (
            "{\"a\":1}\n{\"a\":\"caf\u{e9}\"}\n",
            "query e --data e.ndjson",
        ),
        (
            "tenant,name\ncontoso.example,Caf\u{e9}\n",
            "query AlertInfo --tenants f.csv",
        ),
        (
            "- path: /x\n  text: caf\u{e9}\n",
            "emulator --faults g.yaml",
        ),
        (
            "abc\ncaf\u{e9}\n",
            "run Investigation.hashes_seen --demo -p file_hash=@h.txt",
        ),
        (
            "DataProviders:\n  # caf\u{e9}\n",
            "config validate --config i.yaml",
        ),
        ("sources:\n  # caf\u{e9}\n", "queries validate j.yaml"),
        ("tests:\n  # caf\u{e9}\n", "queries test k.yaml"),
        (
            "x\ncaf\u{e9}\n",
            "query AlertInfo --client-secret-file l.txt",
        ),
        ("{\n\"caf\u{e9}\": {}}\n", "lint found.kql --schema m.json"),
        ("tenants:\n  # caf\u{e9}\n", "emulator --tenants n.yaml"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let name = words[words.len() - 1].trim_start_matches("file_hash=@");
        fs::write(folder.work().join(name), bytes(text)).unwrap();
        let ran = folder.run(&words);
        let said = ran.text() + &ran.stderr;
        assert!(said.contains(name), "{words:?}: {said}");
        assert!(said.contains("line 2 is not UTF-8"), "{words:?}: {said}");
        assert!(said.contains("UTF-8, or convert it"), "{words:?}: {said}");
        assert!(complaints(&said) < 2, "{words:?}: {said}");
    }
}
