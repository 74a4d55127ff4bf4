//! The SARIF of `defender lint`, and files that `lint` and `fmt` cannot read, or that Windows wrote.

use serde_json::Value;

use crate::command::Folder;

/// The members that `object` has to have, each not null.
fn required(object: &Value, members: &[&str]) {
    for member in members {
        assert!(!object[member].is_null(), "no {member} in {object:#}");
    }
}

#[test]
fn a_report_has_what_the_schema_of_sarif_requires() {
    let folder = Folder::new();
    folder.write(
        "a query.kql",
        "DeviceEvents | where FileName contains 'word'",
    );
    folder.write(
        "ours.yaml",
        "metadata: {data_environments: [MDE], data_families: [F]}\nsources:\n  q:\n    description: D\n    args: {query: 'MiscEvents | where Timestamp > ago(1d)'}\n",
    );
    let ran = folder.run(&["lint", "a query.kql", "ours.yaml", "--sarif"]);
    assert_eq!(ran.code, 7, "{}", ran.stderr);
    let log: Value = serde_json::from_str(&ran.text()).unwrap();
    required(&log, &["$schema", "version", "runs"]);
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    required(run, &["tool", "results"]);
    let driver = &run["tool"]["driver"];
    required(driver, &["name", "rules"]);
    let rules = driver["rules"].as_array().unwrap();
    for rule in rules {
        required(rule, &["id"]);
        required(&rule["shortDescription"], &["text"]);
        let level = rule["defaultConfiguration"]["level"].as_str().unwrap();
        assert!(["none", "note", "warning", "error"].contains(&level));
    }
    let results = run["results"].as_array().unwrap();
    let found: Vec<(&str, &str, u64)> = results
        .iter()
        .map(|result| {
            required(&result["message"], &["text"]);
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
            let place = &result["locations"][0]["physicalLocation"];
            let region = &place["region"];
            assert!(region["startColumn"].as_u64().unwrap() > 0);
            if let Some(end) = region["endLine"].as_u64() {
                assert!(end >= region["startLine"].as_u64().unwrap());
            }
            (
                result["ruleId"].as_str().unwrap(),
                place["artifactLocation"]["uri"].as_str().unwrap(),
                region["startLine"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("missing-time-filter", "a%20query.kql", 1),
            ("contains-for-has", "a%20query.kql", 1),
            ("retired-api", "ours.yaml", 3),
            ("gone-table", "ours.yaml", 5),
        ]
    );
}

#[test]
fn a_report_without_findings_is_one_too() {
    let folder = Folder::new();
    folder.write("sound.kql", "print 1");
    let ran = folder.run(&["lint", "sound.kql", "--sarif"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let log: Value = serde_json::from_str(&ran.text()).unwrap();
    assert_eq!(log["runs"][0]["results"], Value::Array(Vec::new()));
}

/// `text` in UTF-16 with its mark, as Windows writes it.
fn utf16(text: &str) -> Vec<u8> {
    let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

fn write(folder: &Folder, name: &str, bytes: &[u8]) {
    std::fs::write(folder.work().join(name), bytes).unwrap();
}

const SOUND: &str = "DeviceEvents | where Timestamp > ago(1d)";

#[test]
fn a_file_that_cannot_be_read_is_a_finding_and_the_others_are_linted() {
    let folder = Folder::new();
    folder.write("all/sound.kql", SOUND);
    folder.write("all/z.kql", "Nowhere | where Timestamp > ago(1d)");
    write(&folder, "all/broken.kql", b"T\n| take 1 // \xFF");
    write(&folder, "all/broken.yaml", b"\xFF\xFEa");
    let ran = folder.run(&["lint", "missing.kql", "all", "--json"]);
    assert_eq!(ran.code, 7, "{}", ran.stderr);
    assert_eq!(
        ran.stderr,
        "error: 4 errors found in 2 files with 2 queries\n"
    );
    let found: Value = serde_json::from_str(&ran.text()).unwrap();
    let found: Vec<(&str, &str)> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|found| {
            let text = |name: &str| found[name].as_str().unwrap();
            (text("file"), text("rule"))
        })
        .collect();
    assert_eq!(
        found,
        [
            ("missing.kql", "unreadable"),
            ("all/broken.kql", "unreadable"),
            ("all/broken.yaml", "unreadable"),
            ("all/z.kql", "unknown-name"),
        ]
    );
    let ran = folder.run(&["lint", "all/broken.kql", "all/sound.kql", "missing.kql"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert_eq!(ran.stderr, "error: 2 files cannot be read\n");
    let text = ran.text();
    assert!(
        text.starts_with(
            "all/broken.kql:1:1: error [unreadable]: cannot be read: line 2 is not UTF-8 (column "
        ) && text.contains("\nmissing.kql:1:1: error [unreadable]: cannot be read: "),
        "{text}"
    );
    let ran = folder.run(&["lint", "missing.kql", "all/sound.kql", "--sarif"]);
    assert_eq!(ran.code, 1);
    let log: Value = serde_json::from_str(&ran.text()).unwrap();
    assert_eq!(log["runs"][0]["results"][0]["ruleId"], "unreadable");
}

#[cfg(unix)]
#[test]
fn a_folder_that_is_closed_is_a_finding() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    folder.write("all/closed/a.kql", SOUND);
    folder.write("all/open/b.kql", SOUND);
    let closed = folder.work().join("all/closed");
    let allow = |mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&closed, permissions).unwrap();
    };
    allow(0);
    if std::fs::read_dir(&closed).is_ok() {
        println!("left out, nothing is closed to this user");
        return;
    }
    let ran = folder.run(&["lint", "all"]);
    allow(0o700);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let text = ran.text();
    assert!(
        text.starts_with("all/closed:1:1: error [unreadable]: "),
        "{text}"
    );
}

#[test]
fn what_windows_wrote_is_read() {
    let folder = Folder::new();
    let wrong = "DeviceEvents | where Timestamp > ago(1d) and Nam == 'é'";
    write(&folder, "wide.kql", &utf16(wrong));
    write(&folder, "marked.kql", format!("\u{feff}{wrong}").as_bytes());
    let ran = folder.run(&["lint", "wide.kql", "marked.kql", "--json"]);
    assert_eq!(ran.code, 7, "{}", ran.stderr);
    let found: Value = serde_json::from_str(&ran.text()).unwrap();
    let at = wrong.find("Nam").unwrap() as u64;
    for (index, start) in [(0, Value::Null), (1, (at + 3).into())] {
        assert_eq!(found[index]["rule"], "unknown-name");
        assert_eq!(found[index]["column"], at + 1);
        assert_eq!(found[index]["start"], start);
    }
    write(
        &folder,
        "ours.yaml",
        &utf16(
            "metadata: {data_environments: [M365DGraph], data_families: [F]}\nsources:\n  q:\n    description: D\n    args: {query: 'DeviceEvents | where Timestamp > ago(1d)'}\n",
        ),
    );
    let ran = folder.run(&["lint", "ours.yaml"]);
    assert_eq!((ran.code, ran.text()), (0, String::new()), "{}", ran.stderr);
}

#[test]
fn layout_keeps_the_encoding_and_passes_over_nothing() {
    let folder = Folder::new();
    write(&folder, "wide.kql", &utf16("T|take 5 // é\r\n"));
    write(&folder, "marked.kql", "\u{feff}T|take 5\n".as_bytes());
    write(&folder, "broken.kql", b"T|take 5 // \xFF");
    folder.write("plain.kql", "T|take 5\n");
    let every = [
        "broken.kql",
        "missing.kql",
        "wide.kql",
        "marked.kql",
        "plain.kql",
    ];
    let ran = folder.run(&[&["fmt", "--quiet"][..], &every].concat());
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let lines: Vec<&str> = ran.stderr.lines().collect();
    let broken = "cannot read broken.kql: line 1 is not UTF-8 (column ";
    assert!(lines[0].starts_with(broken), "{}", lines[0]);
    assert!(lines[1].starts_with("cannot read missing.kql: "));
    assert_eq!(lines[2..], ["error: 2 files cannot be read"]);
    for (name, expected) in [
        ("wide.kql", utf16("T\r\n| take 5 // é\r\n")),
        ("marked.kql", "\u{feff}T\n| take 5\n".as_bytes().to_vec()),
        ("plain.kql", b"T\n| take 5\n".to_vec()),
        ("broken.kql", b"T|take 5 // \xFF".to_vec()),
    ] {
        let found = std::fs::read(folder.work().join(name)).unwrap();
        assert_eq!(found, expected, "{name}");
    }
    let ran = folder.run(&[&["fmt", "--check"][..], &every[2..]].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn the_readme_shows_what_its_example_prints() {
    let readme = include_str!("../../../../README.md");
    let (_, section) = readme.split_once("| defender lint\n```\n").unwrap();
    let (_, shown) = section.split_once("```text\n").unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    let folder = Folder::new();
    let query = "DeviceProcessEvents | where Timestmp > ago(1d)\n";
    assert!(readme.contains(&format!("echo '{}'", query.trim())));
    let ran = folder.run_in(&["lint"], &[], query);
    assert_eq!(ran.text(), shown);
    assert_eq!(ran.stderr, "error: 1 error found in 1 file with 1 query\n");
    assert_eq!(ran.code, 7);
}
