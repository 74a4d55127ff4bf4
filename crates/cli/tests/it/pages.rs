//! The pages print what the commands on them print.
//!
//! A block of `sh` is run, in a folder with the files that the page shows before. The blocks of
//! `text` behind it are what it wrote: standard output first, where there was any, then standard
//! error. A page may show one of the two, and `…` stands for what it leaves out. What is another
//! every time, such as times and ids, is not compared; `text,moves` are rows of sample data that
//! move with the day, of which the headings are.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use regex::Regex;

use crate::command::Folder;

/// Pages and how many of their outputs are compared, so that none drops out unseen.
const PAGES: [(&str, usize); 5] = [
    ("README.md", 2),
    ("docs/guides/alerts-and-incidents.md", 8),
    ("docs/guides/emulator.md", 9),
    ("docs/guides/from-an-address-to-a-file.md", 6),
    ("docs/start/first-query.md", 8),
];

/// What is in no test: it asks a person, never ends, builds, or needs a tenant.
const NOT_HERE: [&str; 6] = [
    "cargo ",
    "defender login",
    "--watch",
    "--listen",
    "python",
    "-f hunt.kql",
];

#[derive(Debug)]
struct Block<'a> {
    language: &'a str,
    text: &'a str,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let fences = page.split("\n```").skip(1).step_by(2);
    fences
        .map(|block| {
            let (language, text) = block.split_once('\n').unwrap_or((block, ""));
            Block { language, text }
        })
        .collect()
}

/// `text` without what is another every time.
fn settled(text: &str) -> Vec<String> {
    static RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        [
            (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?", "TIME"),
            (r"request id [0-9a-f-]+|request id …", "request id ID"),
            (r#""innerError":\{[^{}]*\}"#, "\"innerError\":{…}"),
            (r"127\.0\.0\.1:\d+", "HOST"),
            (r"ey[A-Za-z0-9_.-]{40,}", "…"),
        ]
        .into_iter()
        .map(|(rule, name)| (Regex::new(rule).unwrap(), name))
        .collect()
    });
    let mut text = text.trim_end().to_owned();
    for (rule, name) in RULES.iter() {
        text = rule.replace_all(&text, *name).into_owned();
    }
    text.lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// Whether the command wrote `found`, of which the page may leave lines out with `…`.
fn is_shown(shown: &[String], found: &[String]) -> bool {
    match shown.split_first() {
        None => found.is_empty(),
        Some((first, rest)) if first == "…" => {
            (0..=found.len()).any(|skipped| is_shown(rest, &found[skipped..]))
        }
        Some((first, rest)) => found.first() == Some(first) && is_shown(rest, &found[1..]),
    }
}

/// The headings of tables and the keys of JSON lines.
fn headings(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found: Vec<String> = lines
        .windows(2)
        .filter(|pair| pair[1].starts_with("---") && !pair[1].contains(|c| c != '-' && c != ' '))
        .map(|pair| pair[0].split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let objects = lines
        .iter()
        .filter_map(|line| serde_json::from_str(line).ok());
    let keys = objects.filter_map(|object: serde_json::Value| {
        Some(
            object
                .as_object()?
                .keys()
                .cloned()
                .collect::<Vec<_>>()
                .join(" "),
        )
    });
    found.extend(keys);
    found.dedup();
    found
}

fn write_files(folder: &Folder, block: &Block<'_>) {
    let name = match block {
        Block {
            language: "yaml",
            text,
        } if text.contains("tenants:") => "tenants.yaml",
        Block {
            language: "yaml",
            text,
        } if text.contains("DataProviders:") => "msticpyconfig.yaml",
        Block {
            language: "yaml",
            text,
        } if text.contains("- path:") => "faults.yaml",
        _ => return,
    };
    folder.write(name, block.text);
}

#[test]
fn pages_print_what_the_commands_print() {
    let program = Path::new(env!("CARGO_BIN_EXE_defender")).parent().unwrap();
    let mut wrong = Vec::new();
    for (name, outputs) in PAGES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(name);
        let page = std::fs::read_to_string(path).unwrap();
        let blocks = blocks(&page);
        let folder = Folder::new();
        let mut compared = 0;
        for (place, block) in blocks.iter().enumerate() {
            write_files(&folder, block);
            let is_run =
                block.language == "sh" && !NOT_HERE.iter().any(|word| block.text.contains(word));
            if !is_run {
                continue;
            }
            let shown: Vec<_> = blocks[place + 1..]
                .iter()
                .take_while(|block| block.language.starts_with("text"))
                .collect();
            if shown.is_empty() && !block.text.contains("--demo") {
                continue;
            }
            let path = format!("{}:/usr/bin:/bin", program.display());
            let mut command = Command::new("/bin/sh");
            // Everything that a shell may be asked for is in the block.
            command
                .args(["-c", block.text])
                .current_dir(folder.work())
                .env_clear()
                .env("PATH", path)
                .env("HOME", folder.root().join("home"))
                .env("TMPDIR", folder.root().join("tmp"))
                .stdin(Stdio::null());
            let output = command.output().unwrap();
            let stdout = String::from_utf8_lossy(&output.stdout);
            let stderr = String::from_utf8_lossy(&output.stderr);
            if stderr.contains("curl: not found") {
                eprintln!("skipped {name}: it needs curl, which is not installed");
                compared += shown.len();
                continue;
            }
            let written = [&stdout, &stderr];
            let written = written.into_iter().filter(|text| !text.is_empty());
            let mut written = written.chain([&stderr]);
            for shown in shown {
                compared += 1;
                let found = written.next().unwrap();
                let fits = if shown.language == "text,moves" {
                    let headings = headings(shown.text);
                    // Of two commands with one output, the page shows the last.
                    !headings.is_empty() && self::headings(found).ends_with(&headings)
                } else {
                    let (shown, found) = (settled(shown.text), settled(found));
                    is_shown(&shown, &found) || found.ends_with(&shown)
                };
                if !fits {
                    wrong.push(format!(
                        "{name}:\n{}\nthe page:\n{}\nthe command:\n{found}",
                        block.text, shown.text
                    ));
                }
            }
        }
        if compared != outputs {
            wrong.push(format!(
                "{name}: {compared} outputs were compared, not {outputs}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
