//! What is said when a query over files finds nothing for a reason that is not in its rows.

use std::path::Path;

use defender_query::{Connection, DataEnvironment, QueryProvider};

const PROCESSES: &str = "Timestamp,DeviceName\n\
     2024-01-06T07:08:09Z,srv01\n\
     2024-01-07T07:08:09Z,srv02\n";

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// What is said beside the rows, without the path of the folder.
async fn said(folder: &Path, query: &str) -> Vec<String> {
    let provider = QueryProvider::new(DataEnvironment::Local)
        .connect(Connection::to_folders([folder]))
        .await
        .unwrap();
    let table = provider.exec_query(query).await.unwrap();
    let before = format!("{}/", folder.display());
    let warnings = table.summary().warnings.iter();
    warnings
        .map(|warning| warning.message.replace(&before, ""))
        .collect()
}

#[tokio::test]
async fn a_time_filter_that_lets_nothing_through_is_said_whatever_follows() {
    let folder = folder(&[
        ("DeviceProcessEvents.csv", PROCESSES),
        (
            "DeviceFileEvents.ndjson",
            "{\"Timestamp\":\"2024-01-06T08:00:00Z\",\"DeviceName\":\"srv01\"}\n",
        ),
    ]);
    let rows = "DeviceProcessEvents has 2 rows, from 2024-01-06T07:08:09.0000000Z to 2024-01-07T07:08:09.0000000Z: none passes the query's condition on Timestamp";
    for query in [
        "DeviceProcessEvents | where Timestamp < datetime(2020-01-01)",
        "DeviceProcessEvents | where Timestamp < datetime(2020-01-01) | count",
        "DeviceProcessEvents | where Timestamp < datetime(2020-01-01) | summarize count(), max(Timestamp), make_set(DeviceName), avg(strlen(DeviceName))",
        "DeviceProcessEvents | where Timestamp < datetime(2020-01-01) | summarize count() by DeviceName",
        "DeviceProcessEvents | where Timestamp between (datetime(2020-01-01) .. datetime(2020-02-01)) | project DeviceName",
        "DeviceProcessEvents | where DeviceName == 'srv01' and datetime(2020-01-01) > Timestamp | count",
        "DeviceProcessEvents | extend Day = startofday(Timestamp) | where Day == datetime(2020-01-01) | count",
        "DeviceProcessEvents | project When = Timestamp | where When < datetime(2020-01-01) | count",
        "DeviceProcessEvents | where not(Timestamp >= datetime(2020-01-01)) | count",
        "DeviceProcessEvents | make-series n=count() on Timestamp from datetime(2020-01-01) to datetime(2020-01-03) step 1d",
        "let P = DeviceProcessEvents; P | where Timestamp < datetime(2020-01-01) | count",
        "let P = DeviceProcessEvents | where Timestamp < datetime(2020-01-01); P | count",
        "let f = (t: datetime) { DeviceProcessEvents | where Timestamp < t }; f(datetime(2020-01-01)) | count",
        "print n = toscalar(DeviceProcessEvents | where Timestamp < datetime(2020-01-01) | count)",
        "DeviceFileEvents | join kind=inner (DeviceProcessEvents | where Timestamp < datetime(2020-01-01)) on DeviceName",
        "DeviceFileEvents | join kind=leftanti (DeviceProcessEvents | where Timestamp < datetime(2020-01-01)) on DeviceName",
        "DeviceFileEvents | where DeviceName in ((DeviceProcessEvents | where Timestamp < datetime(2020-01-01) | project DeviceName))",
        "DeviceFileEvents | union (DeviceProcessEvents | where Timestamp < datetime(2020-01-01)) | count",
    ] {
        assert_eq!(said(folder.path(), query).await, [rows], "{query}");
    }
    let two = said(
        folder.path(),
        "union DeviceProcessEvents, DeviceFileEvents | where Timestamp > ago(1h) | count",
    )
    .await;
    let relative = "(ago() and now() count from the time of the run)";
    assert_eq!(
        two,
        [
            format!("{rows} {relative}"),
            format!(
                "DeviceFileEvents has 1 row, from 2024-01-06T08:00:00.0000000Z to 2024-01-06T08:00:00.0000000Z: none passes the query's condition on Timestamp {relative}"
            ),
        ]
    );
}

#[tokio::test]
async fn a_query_that_finds_rows_or_asks_for_no_time_says_nothing() {
    let folder = folder(&[("DeviceProcessEvents.csv", PROCESSES)]);
    for query in [
        "DeviceProcessEvents | where Timestamp > datetime(2024-01-07) | count",
        "DeviceProcessEvents | where Timestamp > datetime(2024-01-01) and DeviceName == 'x'",
        "DeviceProcessEvents | where Timestamp > datetime(2024-01-01) | where DeviceName == 'x' | count",
        "DeviceProcessEvents | where DeviceName == 'x' | count",
        "DeviceProcessEvents | where isnull(Timestamp) | count",
        "DeviceProcessEvents | where hourofday(Timestamp) > 22 | count",
        "DeviceProcessEvents | where dayofweek(Timestamp) == 3d",
        "DeviceProcessEvents | where Timestamp > toscalar(DeviceProcessEvents | summarize max(Timestamp))",
        "DeviceProcessEvents | summarize Last = max(Timestamp) by DeviceName | where Last < datetime(2020-01-01)",
        "DeviceProcessEvents | where Timestamp >= datetime(2024-01-07) or Timestamp < datetime(2020-01-01) | where DeviceName == 'x'",
        "let P = DeviceProcessEvents; union (P | where Timestamp < datetime(2024-01-07)), (P | where Timestamp > datetime(2024-01-07)) | count",
        "print 0 | where toscalar(DeviceProcessEvents | count) == 3",
    ] {
        assert_eq!(said(folder.path(), query).await, [""; 0], "{query}");
    }
}

#[tokio::test]
async fn a_column_that_is_named_and_that_no_file_has_is_said() {
    for (name, text, query, expected) in [
        (
            "DeviceProcessEvents.csv",
            "Zeitstempel,DeviceName\n2026-11-01T10:00:00Z,a\n",
            "DeviceProcessEvents | where Timestamp > ago(7d) | project DeviceName, FileName",
            vec![
                "no file of DeviceProcessEvents has the columns FileName, Timestamp: DeviceProcessEvents.csv has Zeitstempel, DeviceName",
                "DeviceProcessEvents has 1 row, and no time in Timestamp: none passes a condition on it",
            ],
        ),
        (
            "DeviceProcessEvents.ndjson",
            "{\"DeviceName\":\"a\",\"Time\":\"2026-11-01\",\"FileName\":null}\n",
            "DeviceProcessEvents | project FileName, SHA256",
            vec![
                "no file of DeviceProcessEvents has the column SHA256: DeviceProcessEvents.ndjson has DeviceName, FileName, Time",
            ],
        ),
        (
            "DeviceProcessEvents.csv",
            "TimeGenerated,devicename\n2026-11-01T10:00:00Z,a\n",
            "DeviceProcessEvents | project Timestamp, DeviceName",
            vec![],
        ),
        (
            "DeviceProcessEvents.csv",
            "Timestamp,DeviceName\n2026-11-01T10:00:00Z,a\n",
            "DeviceProcessEvents",
            vec![],
        ),
    ] {
        let folder = folder(&[(name, text)]);
        assert_eq!(said(folder.path(), query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn a_file_without_the_time_beside_others_is_said() {
    let folder = folder(&[
        ("DeviceProcessEvents.2024-01.csv", PROCESSES),
        (
            "DeviceProcessEvents.2024-02.csv",
            "Time,DeviceName\n2024-02-01,srv03\n",
        ),
    ]);
    let query = "DeviceProcessEvents | where Timestamp > datetime(2024-01-01) | count";
    assert_eq!(
        said(folder.path(), query).await,
        [
            "not every file of DeviceProcessEvents has the column Timestamp: DeviceProcessEvents.2024-02.csv has Time, DeviceName"
        ]
    );
}

#[tokio::test]
async fn files_beside_a_table_and_empty_ones_are_said() {
    for (files, query, expected) in [
        (
            vec![
                ("DeviceProcessEvents.csv", PROCESSES),
                ("DeviceProcessEvents (1).csv", PROCESSES),
                ("DeviceProcessEvents_2.csv", PROCESSES),
            ],
            "DeviceProcessEvents | project DeviceName",
            vec![
                "DeviceProcessEvents (1).csv, DeviceProcessEvents_2.csv are not part of DeviceProcessEvents, but tables that the query does not read ([\"DeviceProcessEvents (1)\"], DeviceProcessEvents_2); --data DeviceProcessEvents=FOLDER reads all of them together",
            ],
        ),
        (
            vec![
                ("DeviceProcessEvents.csv", PROCESSES),
                ("DeviceProcessEvents - Copy.csv", PROCESSES),
                ("other.csv", "a\n1\n"),
            ],
            "DeviceProcessEvents | project DeviceName",
            vec![
                "DeviceProcessEvents - Copy.csv is not part of DeviceProcessEvents, but a table that the query does not read ([\"DeviceProcessEvents - Copy\"]); --data DeviceProcessEvents=\"DeviceProcessEvents - Copy.csv\" as well reads it as part of DeviceProcessEvents",
            ],
        ),
        (
            vec![
                ("DeviceProcessEvents.csv", PROCESSES),
                ("Copy of DeviceProcessEvents.csv", PROCESSES),
                ("2026-11-deviceprocessevents.csv", PROCESSES),
                ("MyDeviceProcessEvents.csv", PROCESSES),
            ],
            "DeviceProcessEvents | project DeviceName",
            vec![
                "2026-11-deviceprocessevents.csv, Copy of DeviceProcessEvents.csv are not part of DeviceProcessEvents, but tables that the query does not read ([\"2026-11-deviceprocessevents\"], [\"Copy of DeviceProcessEvents\"]); --data DeviceProcessEvents=2026-11-deviceprocessevents.csv as well reads it as part of DeviceProcessEvents",
            ],
        ),
        (
            vec![
                ("EmailEvents.csv", PROCESSES),
                ("report.2024-01.csv", "a\n1\n"),
                ("report.csv", "a\n1\n"),
            ],
            "report",
            vec![],
        ),
        (
            vec![("DeviceInfo.csv", "")],
            "DeviceInfo | count",
            vec!["DeviceInfo.csv is empty, without even a header"],
        ),
        (
            vec![("DeviceInfo.csv", "\n  \r\n\n")],
            "DeviceInfo | count",
            vec!["DeviceInfo.csv is empty, without even a header"],
        ),
        (
            vec![
                ("DeviceEvents.csv", PROCESSES),
                ("DeviceEventsNotes.csv", "a\n1\n"),
                ("DeviceEvents_CL.csv", "a\n1\n"),
            ],
            "DeviceEvents | where DeviceName == 'srv01'",
            vec![],
        ),
        (
            vec![("DeviceInfo.json", "")],
            "DeviceInfo | count",
            vec!["DeviceInfo.json is empty, without even a header"],
        ),
        (
            vec![("DeviceInfo.json", "[]")],
            "DeviceInfo | count",
            vec![],
        ),
        (
            vec![("DeviceInfo.csv", "Timestamp,DeviceName\n")],
            "DeviceInfo | count",
            vec![],
        ),
    ] {
        let folder = folder(&files);
        let shown = folder.path().display().to_string();
        let said: Vec<String> = said(folder.path(), query)
            .await
            .iter()
            .map(|one| one.replace(&shown, "FOLDER"))
            .collect();
        assert_eq!(said, expected, "{query}");
    }
}

#[tokio::test]
async fn one_of_several_conditions_on_time_is_named_as_one() {
    let folder = folder(&[("DeviceProcessEvents.csv", PROCESSES)]);
    let query = "union (DeviceProcessEvents | where Timestamp < datetime(2020-01-01)), (DeviceProcessEvents | where Timestamp > datetime(2024-01-07))";
    let expected = "DeviceProcessEvents has 2 rows, from 2024-01-06T07:08:09.0000000Z to 2024-01-07T07:08:09.0000000Z: none passes one of the query's conditions on Timestamp";
    assert_eq!(said(folder.path(), query).await, [expected]);
}

#[tokio::test]
async fn a_row_without_a_time_is_said_where_the_time_chooses() {
    let lines = [
        r#"{"Timestamp":"2024-01-06T08:00:00Z","DeviceName":"a","FileName":"x"}"#,
        r#"{"DeviceName":"b","FileName":"x"}"#,
        r#"{"Timestamp":null,"DeviceName":"c","FileName":"x"}"#,
    ]
    .map(|line| format!("{line}\n"))
    .concat();
    let csv = "Timestamp,DeviceName\n2024-01-06T08:00:00Z,a\n,b\n";
    let chosen = "DeviceFileEvents | where Timestamp > datetime(2020-01-01)";
    for (name, text) in [
        ("DeviceFileEvents.ndjson", lines.as_str()),
        ("DeviceFileEvents.csv", csv),
    ] {
        let folder = folder(&[(name, text)]);
        let row = format!(
            "in {name}, row 2 has no Timestamp: the condition on the time leaves such rows out"
        );
        assert_eq!(said(folder.path(), chosen).await, [row], "{name}");
        for query in [
            "DeviceFileEvents",
            "DeviceFileEvents | where isnull(Timestamp)",
        ] {
            assert_eq!(said(folder.path(), query).await, [""; 0], "{name} {query}");
        }
    }
    let whole = folder(&[("DeviceFileEvents.csv", PROCESSES)]);
    assert_eq!(said(whole.path(), chosen).await, [""; 0]);
}

#[tokio::test]
async fn an_unknown_table_and_times_that_are_text_have_a_hint() {
    let folder = folder(&[
        ("New query.csv", PROCESSES),
        ("Export.csv", "Timestamp,A\nyesterday,1\n"),
    ]);
    let provider = QueryProvider::new(DataEnvironment::Local)
        .connect(Connection::to_folders([folder.path()]))
        .await
        .unwrap();
    for (query, expected) in [
        (
            "Query | count",
            "the data has Export, [\"New query\"]; a file gets another name before its path: --data Query=\"FOLDER/New query.csv\"",
        ),
        (
            "New query | count",
            "the name of this table takes brackets: write [\"New query\"]",
        ),
        (
            "Export | where Timestamp > ago(1d)",
            "Export is not a hunting table, and its times are text; name the hunting table that it is (--data TABLE=FOLDER/Export.csv), or write todatetime()",
        ),
    ] {
        let error = provider.exec_query(query).await.unwrap_err();
        let shown = folder.path().display().to_string();
        let hint = error.hint().unwrap_or_default().replace(&shown, "FOLDER");
        assert_eq!(hint, expected, "{query}");
    }
}

#[tokio::test]
async fn a_text_of_the_query_is_no_text_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let rows = "Timestamp,Name\n2026-11-01T08:00:00Z,x\n";
    std::fs::write(folder.path().join("Typed.csv"), rows).unwrap();
    let provider = QueryProvider::new(DataEnvironment::Local)
        .connect(Connection::to_folders([folder.path()]))
        .await
        .unwrap();
    let error = provider
        .exec_query("Typed | where Timestamp > '2026-11-01'")
        .await
        .unwrap_err();
    assert_eq!(error.hint(), None);
    let said = "a time is written datetime(2026-11-01)";
    assert!(error.to_string().contains(said), "{error}");
}
