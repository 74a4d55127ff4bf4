//! What happens when things break: every row of `docs/reference/faults.md` is a test here.

mod network;
mod quotas;

use std::collections::BTreeSet;

use defender_emulator::{
    Column, ColumnType, Data, Fault, FaultAnswer, FaultBody, Faults, Options, Running, Script,
    Value,
};
use regex::Regex;
use serde_json::{Value as Json, json};

use crate::command::{Folder, Ran};
use crate::interruption;
use crate::service::{self, HUNT, TOKEN};

const TABLE: &str = include_str!("../../../../docs/reference/faults.md");

/// What the page says about one fault.
struct Row {
    exit: i32,
    printed: String,
    test: String,
}

fn rows() -> Vec<Row> {
    TABLE
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let [_, exit, printed, test] = cells[..] else {
                return None;
            };
            Some(Row {
                exit: exit.parse().ok()?,
                printed: printed.trim_matches('`').to_owned(),
                test: test.trim_matches('`').to_owned(),
            })
        })
        .collect()
}

/// Whether the run ended as the page says; `…` on the page stands for anything.
fn as_documented(test: &str, ran: &Ran) {
    let row = rows().into_iter().find(|row| row.test == test);
    let row = row.unwrap_or_else(|| panic!("the page has no row for {test}"));
    let printed = format!("{}{}", ran.text().replace('\r', ""), ran.stderr);
    let found = if row.printed == "nothing" {
        printed.is_empty()
    } else {
        let pattern = regex::escape(&row.printed).replace('…', ".*");
        let pattern = Regex::new(&format!("(?m)^{pattern}$")).unwrap();
        pattern.is_match(&printed)
    };
    let short: String = printed.chars().take(2000).collect();
    assert!(
        ran.code == row.exit && found,
        "{test}: the page says exit {} and\n{}\nthe run ended with {} and\n{short}",
        row.exit,
        row.printed,
        ran.code
    );
}

#[test]
fn the_page_and_the_tests_agree() {
    let on_page: Vec<String> = rows().into_iter().map(|row| row.test).collect();
    let source = concat!(
        include_str!("faults.rs"),
        include_str!("faults/network.rs"),
        include_str!("faults/quotas.rs")
    );
    let calls = Regex::new(r"\b(?:faulty|answered|checked)\(\s*\x22(\w+)\x22").unwrap();
    let tests: BTreeSet<String> = calls
        .captures_iter(source)
        .map(|captures| captures[1].to_owned())
        .collect();
    for test in &tests {
        let declared = format!("#[test]\nfn {test}() {{");
        assert!(source.contains(&declared), "{test} is the name of no test");
    }
    assert_eq!(on_page.len(), on_page.iter().collect::<BTreeSet<_>>().len());
    assert_eq!(on_page.into_iter().collect::<BTreeSet<_>>(), tests);
}

/// Asks `running` once, without repeating anything, unless `more` says otherwise.
fn ask(running: &Running, more: &[&str]) -> Ran {
    ask_from(&Folder::of(running), more)
}

fn ask_from(folder: &Folder, more: &[&str]) -> Ran {
    let mut arguments = vec!["query", "print x=1"];
    if !more.contains(&"--format") {
        arguments.extend(["--format", "csv"]);
    }
    if !more.contains(&"--retries") {
        arguments.extend(["--retries", "0"]);
    }
    arguments.extend(more);
    folder.run(&arguments)
}

/// A fault of the query's request (or of the path it names itself).
fn faulty(test: &str, fault: &str, more: &[&str]) -> Ran {
    let fault = if fault.contains("path:") {
        format!("- {fault}")
    } else {
        format!("- path: '{HUNT}'\n  {fault}")
    };
    let running = service::start_with(Faults::parse(&fault).unwrap());
    let ran = ask(&running, more);
    as_documented(test, &ran);
    ran
}

/// An answer with status 200 and this body.
fn answered(test: &str, body: &Json) -> Ran {
    let ran = ask(&answering(FaultBody::Json(body.clone()), None), &[]);
    as_documented(test, &ran);
    ran
}

/// A service that answers every query with `body`, with a broken byte at `broken`.
fn answering(body: FaultBody, broken: Option<usize>) -> Running {
    service::start_with(Faults::new().with(Fault {
        path: Some(HUNT.to_owned()),
        answer: Some(FaultAnswer {
            body,
            ..FaultAnswer::status(200)
        }),
        invalid_utf8_at: broken,
        ..Fault::default()
    }))
}

fn checked(test: &str, ran: Ran) -> Ran {
    as_documented(test, &ran);
    ran
}

#[test]
fn dropped_connection() {
    faulty("dropped_connection", "drop_after: 0", &[]);
}

#[test]
fn dropped_once() {
    faulty(
        "dropped_once",
        "drop_after: 0\n  requests: 1",
        &["--retries", "1"],
    );
}

#[test]
fn truncated_body() {
    faulty("truncated_body", "truncate_after: 60", &[]);
}

#[test]
fn truncated_once() {
    let ran = faulty(
        "truncated_once",
        "truncate_after: 60\n  requests: 1",
        &["--retries", "1"],
    );
    // No row of the attempt that failed is there too.
    assert_eq!(ran.text(), "x\n1\n");
}

#[cfg(unix)]
#[test]
fn killed_service() {
    checked("killed_service", interruption::ask_and_kill());
}

#[test]
fn content_length_too_long() {
    faulty("content_length_too_long", "content_length: 99999", &[]);
}

#[test]
fn content_length_too_short() {
    faulty("content_length_too_short", "content_length: 60", &[]);
}

#[test]
fn html_error_page() {
    faulty("html_error_page", "status: 502\n  body: html", &[]);
}

#[test]
fn html_instead_of_an_answer() {
    faulty(
        "html_instead_of_an_answer",
        "status: 200\n  body: html",
        &[],
    );
}

#[test]
fn empty_error_body() {
    faulty("empty_error_body", "status: 500\n  body: empty", &[]);
}

#[test]
fn empty_answer() {
    faulty("empty_answer", "status: 200\n  body: empty", &[]);
}

#[test]
fn redirect() {
    faulty(
        "redirect",
        "status: 302\n  body: empty\n  headers: {location: 'https://elsewhere.example/'}",
        &[],
    );
}

#[test]
fn wrong_compression() {
    faulty(
        "wrong_compression",
        "status: 200\n  text: 'not gzip at all'\n  headers: {content-encoding: gzip}",
        &[],
    );
}

#[test]
fn slow_drip() {
    faulty("slow_drip", "drip: {bytes: 100, every: 1ms}", &[]);
}

/// Asks with so little time that only the query's request may come into its way.
fn in_a_second(fault: &str) -> Ran {
    let fault = format!("- path: '{HUNT}'\n  {fault}");
    let running = service::start_with(Faults::parse(&fault).unwrap());
    let folder = Folder::of(&running);
    let ran = folder.run(&["login", "--token-cache"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let ran = ask_from(&folder, &["--timeout", "1s", "--token-cache"]);
    let asked = running.requests().into_iter().map(|request| request.path);
    let signed_in = asked.filter(|path| path.ends_with("/token")).count();
    assert_eq!(signed_in, 1, "the token was not kept");
    ran
}

#[test]
fn stall() {
    checked("stall", in_a_second("stall_after: 60"));
}

#[test]
fn slow_to_begin() {
    checked("slow_to_begin", in_a_second("delay: 10m"));
}

#[test]
fn throttled_for_good() {
    faulty(
        "throttled_for_good",
        "status: 429\n  retry_after: 0",
        &["--retries", "1"],
    );
}

#[test]
fn throttled_once() {
    faulty(
        "throttled_once",
        "status: 429\n  retry_after: 0\n  requests: 1",
        &["--retries", "1"],
    );
}

#[test]
fn throttled_for_long() {
    faulty(
        "throttled_for_long",
        "status: 429\n  retry_after: 600",
        &["--retries", "3"],
    );
}

#[test]
fn failing_once() {
    faulty(
        "failing_once",
        "status: 503\n  requests: 1",
        &["--retries", "1"],
    );
}

#[test]
fn token_refused_by_the_service() {
    faulty("token_refused_by_the_service", "status: 401", &[]);
}

#[test]
fn token_refused_once() {
    faulty("token_refused_once", "status: 401\n  requests: 1", &[]);
}

#[test]
fn permission_withdrawn() {
    faulty("permission_withdrawn", "status: 403", &[]);
}

#[test]
fn query_too_long() {
    let running = service::start_with(Faults::new());
    let folder = Folder::of(&running);
    folder.write("long.kql", &format!("print '{}'", "x".repeat(2 << 20)));
    let ran = folder.run(&["query", "-f", "long.kql", "--retries", "0"]);
    checked("query_too_long", ran);
}

#[test]
fn unreachable() {
    let running = service::start_with(Faults::new());
    // A port that was free a moment ago, and that nobody else is given.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    checked("unreachable", ask(&running, &["--api-root", &url]));
}

#[test]
fn untrusted_certificate() {
    let running = service::start(Options {
        https: Options::default().https,
        ..service::options()
    });
    let url = running.https_url().unwrap();
    let more = ["--authority", &url, "--api-root", &url];
    checked("untrusted_certificate", ask(&running, &more));
}

#[test]
fn unreachable_proxy() {
    let running = service::start_with(Faults::new());
    let more = [
        "--authority",
        "https://login.microsoftonline.com",
        "--api-root",
        "https://graph.microsoft.com",
        "--proxy",
        "http://127.0.0.1:1",
    ];
    checked("unreachable_proxy", ask(&running, &more));
}

#[test]
fn proxy_without_a_way() {
    let running = service::start(Options {
        proxy: Options::default().proxy,
        ..service::options()
    });
    let proxy = running.proxy_url().unwrap();
    let more = ["--authority", "https://login.example", "--proxy", &proxy];
    checked("proxy_without_a_way", ask(&running, &more));
}

#[test]
fn sign_in_page() {
    faulty(
        "sign_in_page",
        &format!("path: '{TOKEN}'\n  status: 200\n  body: html"),
        &[],
    );
}

#[test]
fn sign_in_outage() {
    faulty(
        "sign_in_outage",
        &format!("path: '{TOKEN}'\n  status: 503"),
        &[],
    );
}

#[test]
fn sign_in_dropped_once() {
    faulty(
        "sign_in_dropped_once",
        &format!("path: '{TOKEN}'\n  drop_after: 0\n  requests: 1"),
        &["--retries", "1"],
    );
}

#[test]
fn sign_in_without_token() {
    faulty(
        "sign_in_without_token",
        &format!("path: '{TOKEN}'\n  json: {{}}"),
        &[],
    );
}

#[test]
fn wrong_secret() {
    let running = service::start_with(Faults::new());
    checked("wrong_secret", ask(&running, &["--instance", "Mistyped"]));
}

#[test]
fn hundred_levels() {
    let mut value = json!("bottom");
    for _ in 0..100 {
        value = json!({ "n": value });
    }
    let ran = answered(
        "hundred_levels",
        &json!({"schema": [{"name": "Deep", "type": "Object"}], "results": [{"Deep": value}]}),
    );
    assert_eq!(
        ran.text().matches("{\"\"n\"\":").count(),
        100,
        "{}",
        ran.text()
    );
}

#[test]
fn hundred_thousand_levels() {
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let body = format!(
        r#"{{"schema":[{{"name":"Deep","type":"Object"}}],"results":[{{"Deep":{nested}}}]}}"#
    );
    let running = answering(FaultBody::Text(body), None);
    checked("hundred_thousand_levels", ask(&running, &[]));
}

#[test]
fn cell_of_ten_megabytes() {
    let running = service::start(Options {
        data: Data::Backend(std::sync::Arc::new(Script::new().otherwise(
            vec![Column::new("Text", ColumnType::String)],
            vec![vec![Value::String("x".repeat(10_000_000))]],
        ))),
        // Compressing so much takes longer than all the rest.
        gzip: false,
        ..service::options()
    });
    let ran = ask(&running, &[]);
    assert_eq!(ran.stdout.len(), "Text\n\n".len() + 10_000_000);
    // The page shows the beginning.
    let shown = Ran {
        stdout: ran.stdout[..20].to_vec(),
        ..ran
    };
    checked("cell_of_ten_megabytes", shown);
}

#[test]
fn column_missing_in_half_of_the_rows() {
    let rows: Vec<Json> = (0..10)
        .map(|number| match number % 2 {
            0 => json!({"Even": number}),
            _ => json!({"Odd": format!("n{number}")}),
        })
        .collect();
    let ran = answered(
        "column_missing_in_half_of_the_rows",
        &json!({
            "schema": [{"name": "Even", "type": "Int64"}, {"name": "Odd", "type": "String"}],
            "results": rows,
        }),
    );
    assert_eq!(
        ran.text(),
        "Even,Odd\n0,\n,n1\n2,\n,n3\n4,\n,n5\n6,\n,n7\n8,\n,n9\n"
    );
}

#[test]
fn column_missing_in_the_schema() {
    answered(
        "column_missing_in_the_schema",
        &json!({"schema": [{"name": "A", "type": "Int64"}], "results": [{"A": 1, "B": "b"}]}),
    );
}

#[test]
fn schema_after_the_rows() {
    let ran = faulty("schema_after_the_rows", "late_schema: true", &[]);
    assert_eq!(ran.text(), "x\n1\n");
}

#[test]
fn no_schema() {
    answered("no_schema", &json!({"results": [{"x": 1}]}));
}

#[test]
fn unknown_type() {
    answered(
        "unknown_type",
        &json!({"schema": [{"name": "A", "type": "Hologram"}], "results": [{"A": "a"}]}),
    );
}

#[test]
fn value_of_another_type() {
    answered(
        "value_of_another_type",
        &json!({"schema": [{"name": "A", "type": "Int64"}], "results": [{"A": "many"}]}),
    );
}

#[test]
fn invalid_utf8() {
    let body = r#"{"schema":[{"name":"A","type":"String"}],"results":[{"A":"abcdef"}]}"#;
    let running = answering(FaultBody::Text(body.to_owned()), body.find("cdef"));
    checked("invalid_utf8", ask(&running, &[]));
}

#[test]
fn control_characters() {
    let running = service::start(Options {
        data: Data::Backend(std::sync::Arc::new(Script::new().otherwise(
            vec![Column::new("Name", ColumnType::String)],
            vec![vec![Value::String("\u{1b}[31mred\u{202e}".to_owned())]],
        ))),
        ..service::options()
    });
    checked("control_characters", ask(&running, &["--format", "table"]));
}

#[test]
fn closed_standard_output() {
    let running = interruption::plentiful();
    let folder = Folder::of(&running);
    let mut child = folder.command(&["query", "x"]).spawn().unwrap();
    drop(child.stdout.take());
    checked("closed_standard_output", crate::command::finish(child));
}

#[test]
fn more_rows_than_the_service_gives() {
    let rows = (0..100_001)
        .map(|number| vec![Value::Long(number)])
        .collect();
    let running = service::start(Options {
        data: Data::Backend(std::sync::Arc::new(
            Script::new().otherwise(vec![Column::new("N", ColumnType::Long)], rows),
        )),
        ..service::options()
    });
    let ran = ask(&running, &[]);
    // What arrived is kept.
    assert_eq!(ran.text().lines().count(), 100_001);
    checked("more_rows_than_the_service_gives", ran);
}

#[test]
fn more_bytes_than_the_service_gives() {
    let running = service::start_with(Faults::new());
    let ran = Folder::of(&running).run(&["query", "Everything", "--retries", "0"]);
    checked("more_bytes_than_the_service_gives", ran);
}

#[test]
fn one_of_several_tenants_fails() {
    let running = service::start_with(Faults::new());
    let ran = ask(
        &running,
        &["--instance", "Fabrikam", "--instance", "Powerless"],
    );
    assert!(ran.text().contains("Fabrikam"), "{}", ran.text());
    checked("one_of_several_tenants_fails", ran);
    // Rows that are missing come before the alarm that the others would be.
    for alarm in ["rows", "no-rows"] {
        let more = [
            "--instance",
            "Fabrikam",
            "--instance",
            "Powerless",
            "--fail-on",
            alarm,
        ];
        assert_eq!(ask(&running, &more).code, 9, "{alarm}");
    }
}

#[test]
fn full_disk() {
    let running = service::start_with(Faults::new());
    if !std::path::Path::new("/dev/full").exists() {
        println!("left out, there is no /dev/full");
        return;
    }
    let folder = Folder::of(&running);
    let mut command = folder.command(&["query", "print x=1"]);
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    command.stdout(full);
    checked(
        "full_disk",
        crate::command::finish(command.spawn().unwrap()),
    );
}
