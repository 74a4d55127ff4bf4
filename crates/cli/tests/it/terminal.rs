//! Text from outside does not steer the terminal it is shown on.

#[cfg(target_os = "linux")]
use std::io::{Read as _, Write as _};
#[cfg(target_os = "linux")]
use std::process::{Command, Stdio};
use std::sync::Arc;

use defender_emulator::{
    Column, ColumnType, Data, Fault, FaultAnswer, FaultBody, Faults, Options, Running, Script,
    Value,
};
use serde_json::json;

use crate::command::Folder;
use crate::service::{self, HUNT};

/// Every character that a terminal acts on, or that turns the order of others.
fn dangerous() -> Vec<char> {
    let controls = (0..0x20).chain(0x7f..0xa0);
    let directions = [0x61c, 0x200e, 0x200f]
        .into_iter()
        .chain(0x202a..=0x202e)
        .chain(0x2066..=0x2069);
    // Separators of lines, what has no width, what hides: one of each kind.
    let unseen = [
        0xad, 0x34f, 0x115f, 0x180e, 0x200b, 0x2028, 0x2029, 0x2060, 0x3164, 0xfeff, 0xfff9,
        0xe0001, 0xe0041, 0xe007f, 0xe0100,
    ];
    controls
        .chain(directions)
        .chain(unseen)
        .filter_map(char::from_u32)
        .collect()
}

fn assert_harmless(text: &str) {
    let found: Vec<char> = dangerous()
        .into_iter()
        .filter(|character| *character != '\n' && text.contains(*character))
        .collect();
    assert!(found.is_empty(), "{found:?} in {text:?}");
}

#[test]
fn no_cell_and_no_heading_steers_a_terminal() {
    let mut rows = Vec::new();
    for character in dangerous() {
        rows.push(vec![
            Value::String(format!("<{character}>")),
            Value::Dynamic(json!({ format!("<{character}>"): format!("<{character}>") })),
        ]);
    }
    // As sequences: colour, title, link, answer-back, a line that overwrites itself.
    for sequence in [
        "\u{1b}[31mred\u{1b}[0m",
        "\u{1b}]0;title\u{7}",
        "\u{1b}]8;;https://x.example\u{1b}\\link\u{1b}]8;;\u{1b}\\",
        "\u{9b}31m",
        "\u{5}",
        "evil\rgood",
        "exe.\u{202e}cod",
        "a\u{2066}b\u{2069}c",
        "line\nline",
    ] {
        rows.push(vec![
            Value::String(sequence.to_owned()),
            Value::Dynamic(json!([sequence])),
        ]);
    }
    let count = rows.len();
    let columns = vec![
        Column::new("Na\u{1b}[1mme\u{202e}", ColumnType::String),
        Column::new("Fie\rlds", ColumnType::Dynamic),
    ];
    let running = service::start(Options {
        data: Data::Backend(Arc::new(Script::new().otherwise(columns, rows))),
        ..service::options()
    });
    let folder = Folder::of(&running);
    for format in ["table", "markdown"] {
        let ran = folder.run(&["query", "x", "--format", format]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let text = ran.text();
        assert_harmless(&text);
        // A line break within a cell makes no line of its own: heading, rule, rows.
        assert_eq!(text.lines().count(), count + 2, "{text}");
    }
}

/// A service that refuses every query with `body`.
fn refusing(body: serde_json::Value) -> Running {
    service::start_with(Faults::new().with(Fault {
        path: Some(HUNT.to_owned()),
        answer: Some(FaultAnswer {
            body: FaultBody::Json(body),
            ..FaultAnswer::status(400)
        }),
        ..Fault::default()
    }))
}

#[test]
fn no_message_steers_a_terminal() {
    let nasty: String = dangerous().into_iter().collect();
    let body =
        json!({"error": {"code": format!("Bad{nasty}"), "message": format!("no\u{1b}[2J{nasty}")}});
    let running = refusing(body);
    let folder = Folder::of(&running);
    let ran = folder.run(&["query", "x"]);
    assert_eq!(ran.code, 7, "{}", ran.stderr);
    assert_harmless(&ran.stderr);

    let ran = folder.run(&["query", "x", "--instance", "a\u{1b}[2J\u{202e}"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert_harmless(&ran.stderr);

    folder.write(
        "a\u{1b}[2J.yaml",
        "DataProviders:\n  \"Micro\\e[2J\": 1\n  [\n",
    );
    let ran = folder.run(&["config", "validate", "--config", "a\u{1b}[2J.yaml"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert_harmless(&ran.stderr);
    assert_harmless(&ran.text());
}

#[test]
fn json_errors_are_one_line_of_json_whatever_is_in_them() {
    let nasty: String = dangerous().into_iter().collect();
    let body = json!({"error": {"code": "Bad", "message": nasty}});
    let running = refusing(body);
    let ran = Folder::of(&running).run(&["query", "x", "--json-errors"]);
    assert_eq!(ran.code, 7);
    let error: serde_json::Value = serde_json::from_str(&ran.stderr).unwrap();
    assert_eq!(error["error"]["exit_code"], 7);
    assert_harmless(&ran.stderr);
}

#[test]
fn neither_the_name_of_a_file_nor_its_text_deceives_the_reader_of_a_check() {
    let folder = Folder::new();
    let nasty: String = dangerous()
        .into_iter()
        .filter(|character| !['\0', '\n', '\r'].contains(character))
        .collect();
    let name = "a\u{1b}[2J\u{202e}\u{e0041}\u{200b}.kql";
    folder.write(
        name,
        &format!("DeviceEvents | whre '{nasty}' == /* {nasty} */ 1"),
    );
    for arguments in [
        &["lint", name][..],
        &["lint", "."],
        &["fmt", "--check", name],
        &["queries", "validate", name],
        &["query", "--data", name, "x"],
        &["query", "-f", "b\u{202e}\u{200b}"],
        &["query", "x", "--no\u{202e}\u{e0041}"],
        &["lint", "--allow", "\u{202e}\u{200b}", name],
        &["schema", "De\u{202e}\u{200b}vice"],
    ] {
        let ran = folder.run(arguments);
        assert_ne!(ran.code, 0, "{arguments:?}");
        assert_harmless(&ran.text());
        assert_harmless(&ran.stderr);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_awaited_from_a_terminal_is_said() {
    // `script` is a terminal for what it runs.
    if Command::new("script").arg("--version").output().is_err() {
        eprintln!("skipped: it needs script, which is not installed");
        return;
    }
    for (arguments, expected) in [
        ("query -", "reading KQL from the terminal, up to Ctrl-D"),
        ("lint", "reading KQL from the terminal, up to Ctrl-D"),
        ("fmt -", "reading KQL from the terminal, up to Ctrl-D"),
        (
            "query T --data T=-",
            "reading data from the terminal, up to Ctrl-D",
        ),
    ] {
        let folder = Folder::new();
        let defender = folder.command(&[]).get_program().to_owned();
        let script = format!("\"$DEFENDER\" {arguments}");
        let mut terminal = Command::new("script")
            .args(["--quiet", "--return", "--command", &script, "/dev/null"])
            .current_dir(folder.work())
            .env("DEFENDER", defender)
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut shown = terminal.stdout.take().unwrap();
        let mut seen = String::new();
        while !seen.contains(expected) {
            let mut bytes = [0; 64];
            let length = shown.read(&mut bytes).unwrap();
            assert_ne!(length, 0, "{arguments}: {seen}");
            seen.push_str(&String::from_utf8_lossy(&bytes[..length]));
        }
        // As it is typed.
        let mut typed = terminal.stdin.take().unwrap();
        typed.write_all(b"\x04").unwrap();
        let mut rest = Vec::new();
        shown.read_to_end(&mut rest).unwrap();
        terminal.wait().unwrap();
    }
}
