//! `--all-rows` and `--resume`: every row once, whatever the cap, the faults and the interruptions.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use defender_emulator::{
    Data, Faults, Limits, Options, Place, RecordedBody, RecordedRequest, Running,
};

use defender_table::ticks::format_datetime;

use crate::command::{Folder, finish};
use crate::service::{self, HUNT};

const ROWS: usize = 2_000;
/// 40 caps of rows.
const CAP: usize = 50;
const QUERY: &str = "DeviceEvents | project Timestamp, DeviceName, ReportId";
const RANGE: [&str; 4] = ["--start", "2026-03-01", "--end", "2026-03-08"];

/// Events with bursts and gaps, and what each looks like in a CSV file.
fn events() -> (String, BTreeSet<String>) {
    let (mut file, mut lines) = (String::new(), BTreeSet::new());
    let mut state = 7_u64;
    let mut milliseconds = 0;
    for report in 0..ROWS {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        milliseconds += match (state >> 33) % 100 {
            0 => 20_000_000,
            1..=39 => (state >> 40) % 3_000,
            _ => 0,
        };
        let (days, rest) = (milliseconds / 86_400_000, milliseconds % 86_400_000);
        let time = format!(
            "2026-03-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            days + 1,
            rest / 3_600_000,
            rest / 60_000 % 60,
            rest / 1_000 % 60,
            rest % 1_000
        );
        let host = format!("host{}.contoso.example", report % 17);
        let _ = writeln!(
            file,
            r#"{{"Timestamp":"{time}","DeviceName":"{host}","ReportId":{report}}}"#
        );
        lines.insert(format!("{host},{report}"));
    }
    assert_eq!(lines.len(), ROWS);
    (file, lines)
}

fn start(folder: &Folder, events: &str, faults: &str) -> (Running, Receiver<RecordedRequest>) {
    folder.write("events/DeviceEvents.ndjson", events);
    let (sender, asked) = mpsc::channel();
    let running = service::start(Options {
        data: Data::Places(vec![Place::new(folder.work().join("events"))]),
        faults: Faults::parse(faults).unwrap(),
        retention: None,
        quotas: None,
        limits: Limits {
            rows: CAP,
            ..Limits::default()
        },
        observer: Some(Arc::new(move |request: &RecordedRequest| {
            let _ = sender.send(request.clone());
        })),
        ..service::options()
    });
    folder.write("msticpyconfig.yaml", &service::settings(&running));
    (running, asked)
}

/// The slices among the requests: what is no token and no count.
fn slices(asked: &Receiver<RecordedRequest>) -> usize {
    asked
        .try_iter()
        .filter(|request| request.status == 200 && is_slice(request))
        .count()
}

fn is_slice(request: &RecordedRequest) -> bool {
    text(request).is_some()
}

/// The query of a slice.
fn text(request: &RecordedRequest) -> Option<String> {
    let RecordedBody::Json(body) = &request.body else {
        return None;
    };
    let query = body["Query"].as_str()?;
    (!query.contains("summarize row_count")).then(|| query.to_owned())
}

/// The lines that the finished slices of a file are asked with.
fn finished(file: &[u8]) -> Vec<String> {
    let time = |value: &serde_json::Value| format_datetime(value.as_i64().unwrap());
    let mut lines = Vec::new();
    let mut rest = file;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let record: serde_json::Value = serde_json::from_slice(&rest[..end]).unwrap();
        rest = &rest[end + 1..];
        let Some(rows) = record.get("rows") else {
            continue;
        };
        let slice = &rows["slice"];
        let mut line = format!(
            "datetime({}) and Timestamp < datetime({})",
            time(&slice["from"]),
            time(&slice["to"])
        );
        if slice["partitions"] == 1 {
            line.push_str(" | project");
        } else {
            let _ = write!(
                line,
                "\n| where hash(tostring(pack_all()), {}) == {}",
                slice["partitions"], slice["partition"]
            );
        }
        lines.push(line);
        let bytes = usize::try_from(rows["bytes"].as_u64().unwrap()).unwrap();
        // A killed process may have left half of the last one.
        rest = rest.get(bytes..).unwrap_or_else(|| {
            lines.pop();
            &[]
        });
    }
    lines
}

/// The rows of a CSV file without their time, each of them once.
fn rows_of(csv: &str) -> BTreeSet<String> {
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("Timestamp,DeviceName,ReportId"));
    let mut rows = BTreeSet::new();
    for line in lines {
        let (_, row) = line.split_once(',').unwrap();
        assert!(rows.insert(row.to_owned()), "{row} came twice");
    }
    rows
}

fn written(folder: &Folder) -> String {
    std::fs::read_to_string(folder.work().join("rows.csv")).unwrap()
}

fn export<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["query", QUERY, "-o", "rows.csv", "--quiet"];
    arguments.extend(RANGE);
    arguments.extend(more);
    arguments
}

#[test]
fn forty_caps_of_rows_come_once_each() {
    let folder = Folder::new();
    let (events, expected) = events();
    let (_running, asked) = start(&folder, &events, "[]");
    let ran = finish(folder.command(&export(&["--all-rows"])).spawn().unwrap());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(rows_of(&written(&folder)) == expected, "rows are missing");
    assert!(slices(&asked) < 160);
}

#[test]
fn calls_that_fail_on_the_way_lose_no_row() {
    let folder = Folder::new();
    let (events, expected) = events();
    // Every tenth call fails, one way or another.
    let faults = format!(
        "- {{path: '{HUNT}', share: 0.03, status: 429, retry_after: 0}}\n\
         - {{path: '{HUNT}', share: 0.03, status: 503, retry_after: 0}}\n\
         - {{path: '{HUNT}', share: 0.03, status: 401}}\n\
         - {{path: '{HUNT}', requests: [9, 21], truncate_after: 300}}\n\
         - {{path: '{HUNT}', requests: [33], drop_after: 0}}\n"
    );
    let (_running, asked) = start(&folder, &events, &faults);
    let export = export(&["--all-rows", "--retries", "9"]);
    let ran = finish(folder.command(&export).spawn().unwrap());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(rows_of(&written(&folder)) == expected, "rows are missing");
    let mut failed: Vec<u16> = asked.try_iter().map(|request| request.status).collect();
    failed.retain(|status| *status != 200);
    assert!(failed.len() >= 5, "{failed:?}");
    for status in [401, 429, 503] {
        assert!(failed.contains(&status), "{status}: {failed:?}");
    }
}

#[test]
fn an_export_killed_fifty_times_goes_on_without_asking_again() {
    let (events, expected) = events();
    let mut state = 11_u64;
    let (mut kills, mut kept_slices) = (0, 0);
    while kills < 50 {
        let folder = Folder::new();
        let (_running, asked) = start(&folder, &events, "[]");
        let arguments = export(&["--resume", "export.resume"]);
        let resume = folder.work().join("export.resume");
        let mut finished_before = Vec::new();
        for run in 0.. {
            let mut child = folder.command(&arguments).spawn().unwrap();
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let (mut asks, mut ended) = (1 + (state >> 33) % 6, false);
            while asks > 0 && !ended && kills < 50 {
                match asked.recv_timeout(Duration::from_millis(20)) {
                    Ok(request) => asks -= u64::from(is_slice(&request)),
                    Err(_) => ended = child.try_wait().unwrap().is_some(),
                }
            }
            if !ended && kills < 50 {
                child.kill().unwrap();
                kills += 1;
            }
            let ran = finish(child);
            let again: Vec<String> = asked.try_iter().filter_map(|one| text(&one)).collect();
            for line in &finished_before {
                assert!(!again.iter().any(|text| text.contains(line)), "{line}");
            }
            if ran.code == 0 {
                break;
            }
            assert!(run < 60, "{}", ran.stderr);
            finished_before = std::fs::read(&resume).map_or(Vec::new(), |kept| finished(&kept));
            kept_slices += finished_before.len();
        }
        let found = rows_of(&written(&folder));
        let missing: Vec<&String> = expected.difference(&found).collect();
        assert!(missing.is_empty(), "after {kills} kills: {missing:?}");
        assert!(!resume.exists());
    }
    assert!(kept_slices > 50, "{kept_slices}");
}

#[test]
fn what_cannot_be_split_is_refused_before_anything_is_sent() {
    let folder = Folder::new();
    let (_running, asked) = start(&folder, "", "[]");
    for query in ["DeviceEvents | summarize count()", "DeviceEvents | where"] {
        let ran = finish(
            folder
                .command(&["query", query, "--all-rows"])
                .spawn()
                .unwrap(),
        );
        assert!(
            ran.stderr.contains("the query cannot be split"),
            "{}",
            ran.stderr
        );
        assert_ne!(ran.code, 0);
    }
    assert_eq!(asked.try_iter().count(), 0);
}

#[test]
fn slices_of_a_given_width_are_printed() {
    let folder = Folder::new();
    let (_running, _asked) = start(&folder, "", "[]");
    let mut arguments = vec!["query", "DeviceEvents", "--split-by", "84h", "--print"];
    arguments.extend(RANGE);
    let ran = finish(folder.command(&arguments).spawn().unwrap());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    insta::assert_snapshot!(ran.text(), @r"
    DeviceEvents
    | where Timestamp >= datetime(2026-03-01T00:00:00Z) and Timestamp < datetime(2026-03-04T12:00:00Z)

    DeviceEvents
    | where Timestamp >= datetime(2026-03-04T12:00:00Z) and Timestamp < datetime(2026-03-08T00:00:00.0000001Z)
    ");
}

/// A query whose parameters are relative to the time of the run.
const LIBRARY: &str = "metadata: {data_environments: [M365DGraph], data_families: [My]}
sources:
  events:
    description: Events of a host
    args:
      query: 'DeviceEvents | where Timestamp between (datetime({start}) .. datetime({end}))
        and Timestamp > datetime({since}) and DeviceName startswith {host}
        | project Timestamp, DeviceName, ReportId'
    parameters:
      start: {description: From, type: datetime}
      end: {description: To, type: datetime}
      since: {description: Not before, type: datetime, default: -3650d}
      host: {description: The host, type: str, default: host}
";

#[test]
fn a_run_goes_on_with_the_parameters_it_began_with_and_no_others() {
    let folder = Folder::new();
    let (events, expected) = events();
    let faults = format!("- {{path: '{HUNT}', requests: [12, 13, 14], status: 503}}\n");
    let (_running, asked) = start(&folder, &events, &faults);
    folder.write("library/my.yaml", LIBRARY);
    let run = |more: &[&str]| {
        let mut arguments = vec!["run", "My.events", "--query-path", "library", "-o"];
        arguments.extend(["rows.csv", "--quiet", "--resume", "my.resume"]);
        arguments.extend(["--retries", "0"]);
        arguments.extend(more);
        folder.run(&arguments)
    };
    let asks = [&RANGE[..], &["-p", "since=-3000d"]].concat();
    let ran = run(&asks);
    assert_eq!(ran.code, 8, "{}", ran.stderr);
    let resume = folder.work().join("my.resume");
    let kept = std::fs::read(&resume).unwrap();
    let done = finished(&kept);
    assert!(!done.is_empty());
    asked.try_iter().for_each(drop);

    let other = |more: &[&str]| {
        let ran = run(more);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(std::fs::read(&resume).unwrap() == kept, "the file changed");
        let said = ran.stderr.lines().next().unwrap();
        let what = said.strip_prefix("error: my.resume belongs to an export with another ");
        what.unwrap_or_else(|| panic!("{said}")).to_owned()
    };
    assert_eq!(
        other(&[&asks[..], &["-p", "host=HOST"]].concat()),
        "query: '\"host\"' in place of '\"HOST\"'"
    );
    let since = other(&[&RANGE[..], &["-p", "since=2026-01-15"]].concat());
    assert!(
        since.ends_with("' in place of 'datetime(2026-01-15T00:00:00Z)'"),
        "{since}"
    );
    let later = ["--start", "2026-03-02", "--end", "2026-03-08"];
    assert_eq!(
        other(&[&later[..], &["-p", "since=-3000d"]].concat()),
        "range of time: '2026-03-01/2026-03-08' in place of '2026-03-02/2026-03-08'"
    );
    assert_eq!(
        other(&[&asks[..], &["--instance", "Fabrikam"]].concat()),
        "tenant: '44444444-4444-4444-4444-444444444444' in place of 'Fabrikam \
         55555555-5555-5555-5555-555555555555'"
    );
    assert_eq!(
        other(&[&asks[..], &["--split-by", "1d"]].concat()),
        "--split-by: '' in place of '1d'"
    );
    assert_eq!(asked.try_iter().count(), 0);

    let ran = (0..3).map(|_| run(&asks)).find(|ran| ran.code == 0);
    assert!(ran.is_some(), "it does not go on");
    assert!(rows_of(&written(&folder)) == expected, "rows are missing");
    assert!(!resume.exists());
    let again: Vec<String> = asked.try_iter().filter_map(|one| text(&one)).collect();
    for line in &done {
        assert!(!again.iter().any(|text| text.contains(line)), "{line}");
    }
}

#[test]
fn a_report_beside_the_rows_of_a_slice_loses_none_and_ends_with_9() {
    let folder = Folder::new();
    let beside = "error: {code: Busy, message: half of it}";
    let page = "'@odata.nextLink': 7";
    for (report, said) in [(beside, "half of it (Busy)"), (page, "has more pages")] {
        let rows =
            "schema: [{name: ReportId, type: Int64}], results: [{ReportId: 1}, {ReportId: 2}]";
        let faults = format!(
            "- {{query: '*summarize*', delay: 0s}}\n\
             - {{path: '{HUNT}', status: 200, json: {{{rows}, {report}}}}}\n"
        );
        let events = "{\"Timestamp\":\"2026-03-02T00:00:00Z\",\"ReportId\":1}\n\
                      {\"Timestamp\":\"2026-03-02T00:00:00Z\",\"ReportId\":2}\n";
        let (running, _asked) = start(&folder, events, &faults);
        let query = "DeviceEvents | project ReportId";
        let arguments = [
            &["query", query, "--all-rows", "--format", "csv"],
            &RANGE[..],
        ]
        .concat();
        let ran = folder.run(&arguments);
        assert_eq!((ran.code, ran.text().as_str()), (9, "ReportId\n1\n2\n"));
        assert!(
            ran.stderr
                .starts_with("error: the result is incomplete: the service ")
                && ran.stderr.lines().next().unwrap().contains(said),
            "{}",
            ran.stderr
        );
        drop(running);
    }
}
