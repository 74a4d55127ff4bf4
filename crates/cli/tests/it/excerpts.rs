//! What is shown of a query or a file in an error has lost its secrets before it is cut, whichever
//! way it is printed.

use serde_json::Value;

use crate::command::{Folder, Ran};

const ENTRA: &str = "Xk98Q~vT3mPzLr7WqNc2YbHs5DfGj0Ka1EuOiZxV";

/// Text with a secret in it, and the secret.
fn secrets() -> Vec<(String, &'static str)> {
    const SIGNATURE: &str = "abcdEFGH1234ijklMNOP5678qrstUVWX9012yz%2Bab%3D";
    const KEY: &str =
        "zyxwVUTS4321lkjiPONM8765tsrqXWVU2109zyxwVUTS4321lkjiPONM8765tsrqXWVU2109/+cd==";
    const CLAIMS: &str = "eyJhdWQiOiJodHRwczovL2dyYXBoLm1pY3Jvc29mdC5jb20iLCJpc3MiOiJodHRwczovL3N0cy53aW5kb3dzLm5ldC8ifQ.c2lnbmF0dXJlLW9mLXRoZS10b2tlbi1hYmM5Z3o3LXdoaWNoLWlzLWxvbmc";
    vec![
        (
            format!("https://x.blob.core.windows.net/c/a.csv?sv=2022-11-02&sig={SIGNATURE}"),
            SIGNATURE,
        ),
        (format!("https://x/a;AccountKey={KEY}"), KEY),
        (
            format!("eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.{CLAIMS}"),
            CLAIMS,
        ),
        (format!("Bearer {KEY}"), KEY),
        (ENTRA.to_owned(), ENTRA),
        ("password=hunter2 and more".to_owned(), "hunter2 "),
    ]
}

/// Queries that are refused for what stands behind, in front of and in the text with the secret.
fn queries(text: &str) -> Vec<String> {
    let far = "x".repeat(60);
    vec![
        format!("externaldata(a:string)[h@\"{text}\"] | foo"),
        format!("print {far}=\"{text}\" | foo"),
        format!("print y=nope, x=\"{text}\""),
        format!("print x='{text}', y=nope"),
        format!("T \"{text}\""),
        format!("print x=\"a\\\\\\\"b {text}\\\\\" | foo"),
        format!("print x=@'\\', y=\"{text}\\\\\", z=nope"),
        format!("T | where a == \"{text}\" | foo"),
        format!("T | where a == \"{text}"),
    ]
}

/// Fails if eight letters of `secret` are in what was printed.
fn assert_hidden(ran: &Ran, secret: &str, about: &str) {
    for printed in [&ran.text(), &ran.stderr] {
        for at in 0..=secret.len() - 8 {
            let piece = &secret[at..at + 8];
            assert!(
                !printed.contains(piece),
                "{about}: {piece} is in\n{printed}"
            );
        }
    }
}

fn assert_json(ran: &Ran, about: &str) {
    let lines: Vec<&str> = ran.stderr.lines().collect();
    let objects = lines.iter().filter(|line| line.starts_with('{'));
    for line in objects {
        let object: Result<Value, _> = serde_json::from_str(line);
        assert!(object.is_ok(), "{about}: {line}");
    }
    assert!(
        lines.last().is_some_and(|line| line.starts_with('{')),
        "{about}: {lines:?}"
    );
}

#[test]
fn no_excerpt_of_a_query_shows_a_secret() {
    let folder = Folder::new();
    folder.write("data/T.csv", "a\n1\n");
    for (text, secret) in secrets() {
        for (number, query) in queries(&text).iter().enumerate() {
            folder.write("q.kql", query);
            let json = number % 2 == 0;
            let mut arguments = vec!["query", "--data", "data", "-f", "q.kql"];
            if json {
                arguments.push("--json-errors");
            }
            let ran = folder.run(&arguments);
            assert_eq!(ran.code, 7, "{query}: {}", ran.stderr);
            assert_hidden(&ran, secret, query);
            if json {
                assert_json(&ran, query);
            }
            folder.write(&format!("all/{number}.kql"), query);
        }
        for arguments in [
            &["lint", "all"][..],
            &["lint", "all", "--json"],
            &["lint", "all", "--sarif"],
            &["lint", "all", "--json-errors"],
            &["fmt", "--check", "all"],
            &["fmt", "--check", "all", "--json-errors"],
        ] {
            let ran = folder.run(arguments);
            assert_eq!(ran.code, 7, "{}", ran.stderr);
            assert_hidden(&ran, secret, &format!("{arguments:?}"));
            if arguments.contains(&"--json-errors") {
                assert_json(&ran, &text);
            }
        }
        let in_yaml = queries(&text)[3].replace('\'', "''");
        folder.write(
            "ours.yaml",
            &format!("metadata: {{data_environments: [MDE], data_families: [F]}}\nsources:\n  q:\n    description: D\n    args: {{query: '{in_yaml} | | x'}}\n"),
        );
        for arguments in [
            &["queries", "validate", "ours.yaml"][..],
            &["lint", "ours.yaml"],
        ] {
            let ran = folder.run(arguments);
            assert_ne!(ran.code, 0, "{}", ran.text());
            assert_hidden(&ran, secret, &format!("{arguments:?}"));
        }
    }
}

#[test]
fn carets_stand_where_they_stood_before_a_secret_was_taken_out() {
    let folder = Folder::new();
    folder.write("data/T.csv", "a\n1\n");
    let (text, _) = secrets().swap_remove(0);
    let query = format!("externaldata(a:string)[h@\"{text}\"] | foo");
    folder.write("q.kql", &query);
    let place = query.find("foo").unwrap() + 1;
    for arguments in [
        &["query", "--data", "data", "-f", "q.kql"][..],
        &["lint", "q.kql"],
    ] {
        let ran = folder.run(arguments);
        let printed = format!("{}{}", ran.text(), ran.stderr);
        assert!(printed.contains(&format!("1:{place}: ")), "{printed}");
        let mut lines = printed.lines().skip_while(|line| !line.ends_with("| foo"));
        let (line, carets) = (lines.next().unwrap(), lines.next().unwrap());
        let column = |text: &str, what| text[..text.find(what).unwrap()].chars().count();
        assert_eq!(column(line, "foo"), column(carets, "^^^"), "{printed}");
    }
}

#[test]
fn an_error_as_json_is_json_whatever_is_in_the_data() {
    let folder = Folder::new();
    let columns = "DeviceProcessEvents | project ProcessId";
    for (cell, secret) in [
        ("\"pwd=hunter2\"", "hunter2"),
        ("\"\"\"password=hunter2 x\"\"\"", "hunter2"),
        ("\"a\\\"\"sig=abcdEFGH1234\\\"\"\"", "abcdEFGH1234"),
        ("\"\\password=hunter2\\\"", "hunter2"),
        (ENTRA, &ENTRA[..20]),
    ] {
        let rows = format!("DeviceName,ProcessId\na,{cell}\n");
        folder.write("data/DeviceProcessEvents.csv", &rows);
        let ran = folder.run(&["query", "--data", "data", "--json-errors", columns]);
        assert_ne!(ran.code, 0, "{cell}: {}", ran.text());
        assert_json(&ran, cell);
        assert!(!ran.stderr.contains(secret), "{cell}: {}", ran.stderr);
    }
}

#[test]
fn one_file_is_not_written_for_two_things() {
    let folder = Folder::new();
    folder.write("data/T.csv", "a\n1\n");
    let query = ["query", "--data", "data", "T", "--overwrite"];
    for (more, refused) in [
        (["--log-file", "x.csv", "-o", "x.csv"], true),
        (["--log-file", "x.csv", "-o", "./data/../x.csv"], true),
        (["--log-file", "x.log", "-o", "x.csv"], false),
    ] {
        let ran = folder.run(&[&query[..], &more].concat());
        assert_eq!(
            ran.code,
            if refused { 2 } else { 0 },
            "{more:?}: {}",
            ran.stderr
        );
        let said = "is given for --log-file and -o\n  hint: name another file with -o\n";
        assert_eq!(ran.stderr.ends_with(said), refused, "{}", ran.stderr);
    }
    let demo = [
        "query",
        "--demo",
        "AlertInfo",
        "--all-rows",
        "--start",
        "-1d",
        "--overwrite",
    ];
    let ran = folder.run(&[&demo[..], &["--resume", "y.csv", "-o", "y.csv"]].concat());
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("is given for --resume and -o"),
        "{}",
        ran.stderr
    );
    assert!(!folder.work().join("y.csv").exists());
}
