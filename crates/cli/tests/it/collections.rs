//! `defender alerts`, `incidents`, `machines` and `api`: lists, their refusals, and a watch.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::process::Child;
use std::sync::Arc;

use defender_emulator::{
    Column, ColumnType, Data, Faults, Observer, Options, Running, Script, Value,
};

use crate::command::{Folder, Ran, finish, steady};
use crate::interruption::interrupt;
use crate::service::{self, CLIENT, SECRET, TENANT};

/// 2026-11-18T08:00:00Z in ticks, and an hour.
const BEGIN: i64 = 639_305_856_000_000_000;
const HOUR: i64 = 36_000_000_000;

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn texts(names: &[&str]) -> Vec<Column> {
    names
        .iter()
        .map(|name| Column::new(*name, ColumnType::String))
        .collect()
}

/// Alerts `da1` to `da{count}`, an hour from one to the next; two machines.
fn story(count: i64) -> Script {
    let mut alerts = texts(&[
        "AlertId",
        "Title",
        "Category",
        "Severity",
        "ServiceSource",
        "DetectionSource",
    ]);
    alerts.insert(0, Column::new("Timestamp", ColumnType::DateTime));
    let alert = |number: i64| {
        vec![
            Value::DateTime(BEGIN + number * HOUR),
            text(&format!("da{number}")),
            text(&format!("Suspicious thing {number}")),
            text("Execution"),
            text(if number % 2 == 0 { "High" } else { "Low" }),
            text("Microsoft Defender for Endpoint"),
            text("EDR"),
        ]
    };
    let evidence = |number: i64| {
        vec![
            text(&format!("da{number}")),
            text("Machine"),
            text("d1"),
            text("srv01.contoso.example"),
        ]
    };
    let mut machines = texts(&["DeviceId", "DeviceName", "OSPlatform"]);
    machines.push(Column::new("Timestamp", ColumnType::DateTime));
    let machine = |number: i64| {
        vec![
            text(&format!("d{number}")),
            text(&format!("srv0{number}.contoso.example")),
            text("WindowsServer2022"),
            Value::DateTime(BEGIN + number * HOUR),
        ]
    };
    Script::new()
        .answer("AlertInfo", alerts, (1..=count).map(alert).collect())
        .answer(
            "AlertEvidence",
            texts(&["AlertId", "EntityType", "DeviceId", "DeviceName"]),
            (1..=count).map(evidence).collect(),
        )
        .answer(
            "DeviceInfo | summarize FirstSeen = min(Timestamp), arg_max(Timestamp, *) by DeviceId",
            machines,
            vec![machine(1), machine(2)],
        )
}

pub(crate) fn options(count: i64) -> Options {
    Options {
        data: Data::Backend(Arc::new(story(count))),
        ..service::options()
    }
}

pub(crate) fn start(count: i64) -> Running {
    service::start(options(count))
}

/// A folder whose settings have sections for hunting and for the security API.
pub(crate) fn folder(running: &Running) -> Folder {
    let folder = Folder::new();
    let mut settings = service::settings(running);
    let url = running.http_url();
    for section in ["MicrosoftGraph", "MicrosoftGraph-Contoso"] {
        let _ = write!(
            settings,
            "  {section}:\n    Args: {{tenant_id: {TENANT}, client_id: {CLIENT}, client_secret: \
             {SECRET}, Authority: '{url}', apiRoot: '{url}'}}\n"
        );
    }
    folder.write("msticpyconfig.yaml", &settings);
    folder
}

/// What a run printed, and what it said.
fn told(ran: &Ran, folder: &Folder, running: &Running) -> String {
    let text = format!("{}--\n{}exit {}\n", ran.text(), ran.stderr, ran.code);
    steady(&text, folder, Some(running))
}

#[test]
fn lists_as_a_person_reads_them() {
    let running = start(3);
    let folder = folder(&running);
    for (name, arguments) in [
        ("alerts", &["alerts", "list", "--count"][..]),
        (
            "alerts_of_mde",
            &[
                "alerts",
                "list",
                "--env",
                "MDE",
                "--start",
                "2026-11-18T10:00Z",
                "--filter",
                "severity eq 'High'",
            ],
        ),
        (
            "incidents",
            &[
                "incidents",
                "list",
                "--env",
                "SecurityGraph",
                "--instance",
                "contoso",
            ],
        ),
        ("machines", &["machines", "list", "--max-rows", "1"]),
        (
            "api",
            &[
                "api",
                "get",
                "security/alerts_v2?$filter=severity eq 'high'",
                "--columns",
                "id,incidentId,SEVERITY",
            ],
        ),
        (
            "query",
            &[
                "query",
                "--env",
                "MSGraph",
                "/security/incidents?$expand=alerts",
                "--format",
                "csv",
            ],
        ),
        (
            "print",
            &[
                "incidents",
                "list",
                "--alerts",
                "--filter",
                "status eq 'active'",
                "--top",
                "10",
                "--print",
            ],
        ),
        (
            "print_query",
            &[
                "query",
                "--env",
                "SecurityGraph",
                "/security/alerts_v2?$top=2",
                "--print",
            ],
        ),
    ] {
        let ran = folder.run(arguments);
        insta::assert_snapshot!(format!("list_{name}"), told(&ran, &folder, &running));
    }
}

#[test]
fn rows_outside_of_the_time_range_are_left_out_and_said() {
    let faults = r"
- path: '*/security/*'
  status: 200
  json: {value: [
    {id: near, createdDateTime: '2026-11-18T10:00:00Z', title: x, displayName: x},
    {id: far, createdDateTime: '2026-10-18T10:00:00Z', title: y, displayName: y},
    {id: bare, title: z, displayName: z}]}
- path: '*/api/alerts'
  status: 200
  json: {value: [{id: near, alertCreationTime: '2026-11-18T10:00:00Z'},
    {id: far, alertCreationTime: '2026-10-18T10:00:00Z'}, {id: bare, title: z}]}
- path: '*/api/machines'
  status: 200
  json: {value: [{id: near, lastSeen: '2026-11-18T10:00:00Z'},
    {id: far, lastSeen: '2026-10-18T10:00:00Z'}, {id: bare, computerDnsName: z}]}
";
    let running = service::start(Options {
        faults: Faults::parse(faults).unwrap(),
        ..options(1)
    });
    let folder = folder(&running);
    for (list, time) in [
        (&["alerts", "list"][..], "createdDateTime"),
        (
            &["alerts", "list", "--env", "SecurityGraph"],
            "createdDateTime",
        ),
        (&["alerts", "list", "--env", "MDE"], "alertCreationTime"),
        (&["incidents", "list"], "createdDateTime"),
        (&["machines", "list"], "lastSeen"),
    ] {
        for range in [
            &["--start", "2026-11-01"][..],
            &["--start", "2026-11-01", "--end", "2026-12-01"],
            &["--start", "2026-11-01", "--filter", "id ne 'x'"],
        ] {
            let arguments = [list, range, &["--columns", "id", "--format", "csv"]].concat();
            let ran = folder.run(&arguments);
            let what = format!("{arguments:?}: {}", ran.stderr);
            assert_eq!(ran.code, 9, "{what}");
            assert_eq!(ran.text().replace('\r', ""), "id\nnear\nbare\n", "{what}");
            for words in [
                format!("the service does not filter by {time}: 1 row outside of the time range"),
                format!("1 row without {time}: whether in the time range is not known"),
            ] {
                assert!(ran.stderr.contains(&words), "{what}");
            }
        }
    }
    let several = ["--instance", "Default", "--instance", "Fabrikam"];
    let ran = folder.run(
        &[
            &["alerts", "list", "--start", "2026-11-01", "--columns", "id"],
            &several[..],
        ]
        .concat(),
    );
    assert_eq!(ran.code, 9, "{}", ran.stderr);
    assert!(!ran.text().contains("far"), "{}", ran.text());
}

#[test]
fn nested_parts_are_json_and_travel_as_parquet() {
    let running = start(3);
    let folder = folder(&running);
    let ran = folder.run(&["alerts", "list", "-o", "alerts.parquet"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let kql = "alerts | where createdDateTime > datetime(2026-11-18T09:30:00Z) \
               | project id, createdDateTime, Device = tostring(evidence[0].deviceDnsName) \
               | order by createdDateTime asc";
    let ran = folder.run(&["query", "--data", ".", kql, "--format", "ndjson"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    insta::assert_snapshot!(ran.text(), @r#"
    {"id":"da2","createdDateTime":"2026-11-18T10:00:00Z","Device":"srv01.contoso.example"}
    {"id":"da3","createdDateTime":"2026-11-18T11:00:00Z","Device":"srv01.contoso.example"}
    "#);
}

#[test]
fn refusals_name_the_way_out() {
    let running = start(1);
    let folder = folder(&running);
    for (name, arguments) in [
        ("no_such_list", &["incidents", "list", "--env", "MDE"][..]),
        ("no_lists", &["api", "get", "incidents", "--env", "M365D"]),
        (
            "no_permission",
            &["alerts", "list", "--instance", "Powerless"],
        ),
        (
            "bad_filter",
            &["alerts", "list", "--filter", "title eq 'x'"],
        ),
        ("retired", &["api", "get", "security/alerts"]),
        (
            "another_host",
            &["api", "get", "https://elsewhere.example/v1.0/users"],
        ),
        (
            "no_such_column",
            &[
                "alerts",
                "list",
                "--columns",
                "id,sevrity",
                "--format",
                "csv",
            ],
        ),
        (
            "two_tenants",
            &[
                "alerts",
                "list",
                "--watch",
                "1m",
                "--instance",
                "Fabrikam",
                "--instance",
                "Powerless",
            ],
        ),
        (
            "split",
            &[
                "query",
                "--env",
                "SecurityGraph",
                "--all-rows",
                "/security/incidents",
            ],
        ),
        (
            "watch_as_table",
            &["alerts", "list", "--watch", "1m", "--format", "table"],
        ),
        ("not_an_interval", &["alerts", "list", "--watch", "0s"]),
    ] {
        let ran = folder.run(arguments);
        insta::assert_snapshot!(format!("refused_{name}"), told(&ran, &folder, &running));
    }
}

#[test]
fn several_tenants_are_listed_as_one() {
    let running = start(2);
    let folder = folder(&running);
    let fabrikam = TENANT.replace('4', "5");
    folder.write(
        "customers.csv",
        &format!("tenant,name\n{TENANT},Contoso\n{fabrikam},Fabrikam\n"),
    );
    for (name, arguments) in [
        (
            "alerts",
            "alerts list TWO --columns id,severity --format csv",
        ),
        ("table", "alerts list TWO --count"),
        (
            "incidents",
            "incidents list --all-instances --columns id,severity",
        ),
        (
            "machines",
            "machines list --all-instances --columns id --format csv",
        ),
        (
            "get",
            "api get security/alerts_v2 TWO --columns id --format csv",
        ),
        ("fail_fast", "alerts list --fail-fast TWO"),
        ("print", "alerts list --print TWO"),
        (
            "security_graph",
            "alerts list --env MSGraph --all-instances --count --columns id --format csv",
        ),
        (
            "customers",
            "alerts list --tenants customers.csv --columns id --format csv",
        ),
    ] {
        let arguments = arguments.replace("TWO", "--instance Fabrikam --instance Powerless");
        let arguments = format!("{arguments} --retries 0 --parallel 1");
        let ran = folder.run(&arguments.split(' ').collect::<Vec<_>>());
        insta::assert_snapshot!(format!("several_{name}"), told(&ran, &folder, &running));
    }
    let ran = folder.run(&[
        "alerts",
        "list",
        "--all-instances",
        "-o",
        "parts",
        "--partition-by",
        "tenant",
        "--overwrite",
    ]);
    assert_eq!(ran.code, 9, "{}", ran.stderr);
    let part = folder
        .work()
        .join(format!("parts/tenant={fabrikam}/part-0.parquet"));
    assert!(part.exists(), "{}", part.display());
}

#[test]
fn a_busy_service_is_asked_again() {
    let faults = "- path: '*/security/incidents'\n  request: 1\n  status: 429\n  retry_after: 0\n";
    let running = service::start(Options {
        faults: Faults::parse(faults).unwrap(),
        ..options(1)
    });
    let folder = folder(&running);
    let ran = folder.run(&["incidents", "list", "--format", "ndjson", "--columns", "id"]);
    assert_eq!(ran.text(), "{\"id\":\"1001\"}\n", "{}", ran.stderr);
    assert!(
        ran.stderr.contains("the service is over quota"),
        "{}",
        ran.stderr
    );
}

/// A watch that looks once within any test.
const WATCH: [&str; 10] = [
    "alerts",
    "list",
    "--watch",
    "1h",
    "--start",
    "2026-11-01",
    "--cursor",
    "seen.json",
    "--columns",
    "id",
];

#[test]
fn the_section_of_hunting_is_enough() {
    let running = start(1);
    let folder = Folder::of(&running);
    let ran = folder.run(&["alerts", "list", "--format", "ndjson", "--columns", "id"]);
    assert_eq!(ran.text(), "{\"id\":\"da1\"}\n", "{}", ran.stderr);
    let ran = folder.run(&["alerts", "list", "--env", "MSGraph"]);
    insta::assert_snapshot!(told(&ran, &folder, &running), @r"
    --
    error: the settings have no section for SecurityGraph
      hint: the settings file is [folder]/cwd/msticpyconfig.yaml; add DataProviders.MicrosoftGraph, give the connection as options, or ask M365DGraph, which has the same lists and reads MicrosoftDefender
    exit 3
    ");
}

fn watch(folder: &Folder) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = folder.command(&WATCH).spawn().unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    (child, stdout)
}

#[cfg(unix)]
#[test]
fn a_watch_tells_each_alert_once_over_restarts() {
    let running = start(2);
    let first = folder(&running);
    let (child, mut stdout) = watch(&first);
    let mut lines = String::new();
    for _ in 0..2 {
        stdout.read_line(&mut lines).unwrap();
    }
    assert_eq!(lines, "{\"id\":\"da1\"}\n{\"id\":\"da2\"}\n");
    // The cursor is kept after the rows are out.
    let cursor = first.work().join("seen.json");
    let kept = loop {
        match std::fs::read_to_string(&cursor) {
            Ok(kept) => break kept,
            Err(_) => std::thread::yield_now(),
        }
    };
    interrupt(&child);
    let ran = finish(child);
    assert_eq!(ran.code, 130, "{}", ran.stderr);
    assert_eq!(
        ran.stderr,
        "watching security/alerts_v2 from 2026-11-01T00:00:00Z; Ctrl-C ends it\n"
    );
    insta::assert_snapshot!(kept, @r#"
    {
      "of": {
        "environment": "M365DGraph",
        "tenant": "44444444-4444-4444-4444-444444444444",
        "path": "security/alerts_v2"
      },
      "start": "2026-11-01T00:00:00Z",
      "since": "2026-11-18T10:00:00Z",
      "told": {
        "da2": "2026-11-18T10:00:00Z"
      }
    }
    "#);

    // The same tenant with two more alerts: only these are told.
    let running = start(4);
    let second = folder(&running);
    second.write("seen.json", &kept);
    let (child, mut stdout) = watch(&second);
    lines.clear();
    for _ in 0..2 {
        stdout.read_line(&mut lines).unwrap();
    }
    assert_eq!(lines, "{\"id\":\"da3\"}\n{\"id\":\"da4\"}\n");
    interrupt(&child);
    assert_eq!(finish(child).code, 130);

    // Another question with the same cursor would miss alerts.
    let mut other = WATCH.to_vec();
    other.extend(["--filter", "severity eq 'high'"]);
    let ran = second.run(&other);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.contains("with another filter or tenant"),
        "{}",
        ran.stderr
    );
    second.write("seen.json", "{}");
    assert_eq!(second.run(&WATCH).code, 3);
}

#[cfg(unix)]
#[test]
fn incidents_are_watched_with_a_cursor_of_their_own() {
    let mut arguments = WATCH.to_vec();
    arguments[0] = "incidents";
    arguments.push("--alerts");
    arguments[9] = "id,alerts";
    let running = start(1);
    let folder = folder(&running);
    let seen = folder.work().join("seen.json");
    let mut child = folder.command(&arguments).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert!(line.starts_with("{\"id\":\"1001\",\"alerts\":[{"), "{line}");
    while !seen.exists() {
        std::thread::yield_now();
    }
    interrupt(&child);
    let ran = finish(child);
    assert_eq!(ran.code, 130, "{}", ran.stderr);
    assert_eq!(
        ran.stderr,
        "watching security/incidents from 2026-11-01T00:00:00Z; Ctrl-C ends it\n"
    );
    let kept = std::fs::read_to_string(&seen).unwrap();
    assert!(kept.contains("\"1001\""), "{kept}");
    // The cursor of the alerts is none of theirs.
    let ran = folder.run(&WATCH);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("the cursor is of another list: of security/incidents"),
        "{}",
        ran.stderr
    );
}

#[cfg(unix)]
#[test]
fn a_watch_that_nobody_reads_ends_although_nothing_is_new() {
    let running = start(1);
    let folder = folder(&running);
    let mut child = folder
        .command(&["alerts", "list", "--watch", "24h", "--start", "2099-01-01"])
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert!(line.starts_with("watching security/alerts_v2"), "{line}");
    drop(child.stdout.take());
    assert_eq!(finish(child).code, 0);
}

#[cfg(unix)]
#[test]
fn a_watch_survives_a_look_that_fails_and_ends_when_it_may_not_look() {
    let (sender, asked) = std::sync::mpsc::channel();
    let observer: Observer = Arc::new(move |request| {
        let _ = sender.send(request.path.clone());
    });
    let faults = "- path: '*/security/alerts_v2'\n  request: 1\n  status: 503\n";
    let running = service::start(Options {
        faults: Faults::parse(faults).unwrap(),
        observer: Some(observer),
        ..options(1)
    });
    let folder = folder(&running);
    let mut child = folder
        .command(&[
            "alerts",
            "list",
            "--watch",
            "1ms",
            "--start",
            "2026-11-01",
            "--retries",
            "0",
        ])
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    assert!(line.starts_with("{\"id\":\"da1\","), "{line}");
    interrupt(&child);
    let ran = finish(child);
    assert!(
        ran.stderr
            .contains("this look failed: error: the service failed"),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.code, 130);
    let looks = asked.try_iter().filter(|path| path.ends_with("alerts_v2"));
    assert!(looks.count() >= 2);

    let ran = folder.run(&["alerts", "list", "--watch", "1h", "--instance", "Powerless"]);
    assert_eq!(ran.code, 5, "{}", ran.stderr);
}
