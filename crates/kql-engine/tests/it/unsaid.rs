//! What files say beside their values, or do not: zones, ends of answers, headers of other files.
//! The right rows, or an error that says what is wrong; never others without a word.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray};
use kql_engine::{Catalog, ScalarType};
use parquet::arrow::ArrowWriter;
use serde_json::{Value as Json, json as rows};

use super::{engine, json, run_on};

fn schema(name: &str) -> Option<Vec<(String, ScalarType)>> {
    (name == "DeviceInfo").then(|| {
        [
            ("Timestamp", ScalarType::DateTime),
            ("DeviceName", ScalarType::String),
            ("OSBuild", ScalarType::Long),
            ("ReportId", ScalarType::Long),
            ("Severity", ScalarType::String),
        ]
        .map(|(name, ty)| (name.to_owned(), ty))
        .to_vec()
    })
}

fn over(folder: &Path, query: &str) -> Result<Json, String> {
    let catalog = Catalog::from_folder(folder, &schema).map_err(|error| error.to_string())?;
    run_on(&engine(catalog), query)
        .map(|answer| json(&answer))
        .map_err(|error| error.to_string())
}

fn ask(name: &str, text: impl AsRef<[u8]>, query: &str) -> Result<Json, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    over(folder.path(), query)
}

/// Holds what a query over a file says against the rows, or a part of the message.
fn hold(name: &str, text: impl AsRef<[u8]>, query: &str, expected: &Result<Json, &str>) {
    let shown = String::from_utf8_lossy(text.as_ref()).into_owned();
    let found = ask(name, text, query);
    match (&found, expected) {
        (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{shown}"),
        (Err(found), Err(expected)) => assert!(found.contains(expected), "{shown}: {found}"),
        _ => panic!("{shown}: {found:?}, not {expected:?}"),
    }
}

#[test]
fn times_are_in_the_zone_that_their_name_tells() {
    let at = |time: &str| Ok(rows!([[format!("2026-11-01T{time}.0000000Z"), "h"]]));
    let unknown = || Err("tells no offset that they can be moved by");
    for (name, cell, expected) in [
        ("Timestamp [UTC]", "2026-11-01T10:00:00", at("10:00:00")),
        ("Timestamp (UTC)", "2026-11-01T10:00:00", at("10:00:00")),
        (
            "Timestamp (UTC-08:00)",
            "2026-11-01T10:00:00",
            at("18:00:00"),
        ),
        (
            "TimeGenerated [UTC+02:00]",
            "2026-11-01T10:00:00",
            at("08:00:00"),
        ),
        (
            "timestamp [UTC+5:30]",
            "11/13/2026, 1:00:00.000 PM",
            Ok(rows!([["2026-11-13T07:30:00.0000000Z", "h"]])),
        ),
        (
            "Timestamp [UTC+02:00]",
            "2026-11-01T10:00:00Z",
            Err("its value \"2026-11-01T10:00:00Z\" another"),
        ),
        (
            "TimeGenerated [Pacific Time (US & Canada)]",
            "2026-11-01T10:00:00",
            unknown(),
        ),
        ("Timestamp [Local Time]", "2026-11-01T10:00:00", unknown()),
        ("Timestamp [Berlin]", "2026-11-01T10:00:00", unknown()),
        ("Timestamp (CET)", "2026-11-01T10:00:00", unknown()),
    ] {
        let query = "DeviceInfo | project Timestamp, DeviceName";
        let csv = format!("\"{name}\",DeviceName\n\"{cell}\",h\n");
        hold("DeviceInfo.csv", csv, query, &expected);
        let line = format!("{}\n", rows!({name: cell, "DeviceName": "h"}));
        hold("DeviceInfo.ndjson", line, query, &expected);
    }
    // What stands behind other names is no zone.
    let sizes = "DeviceName,OSBuild [k]\nh,2\n";
    hold(
        "DeviceInfo.csv",
        sizes,
        "DeviceInfo | project OSBuild",
        &Ok(rows!([[null]])),
    );
}

#[test]
fn times_that_cannot_be_read_cost_the_queries_that_read_them() {
    let zones = [
        (
            "TimeGenerated [Pacific Time (US & Canada)]",
            "2026-11-01T10:00:00",
        ),
        ("Timestamp [Local Time]", "2026-11-01T10:00:00"),
        ("Timestamp [UTC+02:00]", "2026-11-01T10:00:00Z"),
    ];
    for (name, cell) in zones {
        for (file, text) in [
            (
                "DeviceInfo.csv",
                format!("\"{name}\",DeviceName\n\"{cell}\",h\n"),
            ),
            (
                "DeviceInfo.ndjson",
                rows!({name: cell, "DeviceName": "h"}).to_string(),
            ),
        ] {
            let sound = Ok(rows!([["h", 1]]));
            let query = "DeviceInfo | summarize n = count() by DeviceName";
            hold(file, &text, query, &sound);
            let own = format!("DeviceInfo | project ['{name}'], DeviceName");
            assert!(ask(file, &text, &own).is_ok(), "{name}");
            for query in [
                "DeviceInfo | project Timestamp",
                "DeviceInfo | where Timestamp > datetime(2020-01-01) | count",
                "DeviceInfo",
            ] {
                let error = ask(file, &text, query).unwrap_err();
                assert!(error.contains("of column \"Time"), "{error}");
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let times = TimestampMicrosecondArray::from(vec![0]);
    let batch = RecordBatch::try_from_iter([
        ("Timestamp [UTC+02:00]", Arc::new(times) as ArrayRef),
        ("DeviceName", Arc::new(StringArray::from(vec!["h"]))),
    ])
    .unwrap();
    let file = fs::File::create(folder.path().join("DeviceInfo.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let names = over(folder.path(), "DeviceInfo | project DeviceName");
    assert_eq!(names, Ok(rows!([["h"]])));
    let error = over(folder.path(), "DeviceInfo | project Timestamp").unwrap_err();
    assert!(
        error.contains("which are in UTC as files of its format have them"),
        "{error}"
    );
}

#[test]
fn rows_without_a_time_are_known_however_a_file_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let times = TimestampMicrosecondArray::from(vec![Some(0), None, None]);
    let batch = RecordBatch::try_from_iter([
        ("Timestamp", Arc::new(times) as ArrayRef),
        (
            "DeviceName",
            Arc::new(StringArray::from(vec!["a", "b", "c"])),
        ),
    ])
    .unwrap();
    let path = folder.path().join("DeviceInfo.parquet");
    let mut writer =
        ArrowWriter::try_new(fs::File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    for (query, row) in [
        ("DeviceInfo | project DeviceName", None),
        (
            "DeviceInfo | where Timestamp > datetime(1960-01-01)",
            Some("row 2"),
        ),
        // Nothing of the file is read.
        (
            "DeviceInfo | where Timestamp > datetime(2020-01-01)",
            Some("a row"),
        ),
    ] {
        let catalog = Catalog::from_folder(folder.path(), &schema).unwrap();
        let engine = engine(catalog);
        run_on(&engine, query).unwrap();
        let expected = row.map(|row| format!("in {}, {row} has no Timestamp", path.display()));
        let told = engine.catalog().timeless("DeviceInfo");
        assert_eq!(told, expected.into_iter().collect::<Vec<_>>(), "{query}");
    }
}

#[test]
fn a_row_that_looks_like_a_header_has_a_way_out() {
    let query = "Settings | where Name == 'Name' | project Value";
    let wrong = Err("if it is a row, put an empty line above the first line");
    hold(
        "Settings.csv",
        "Name,Value\na,1\nName,Value\n",
        query,
        &wrong,
    );
    let right = Ok(rows!([["Value"]]));
    hold(
        "Settings.csv",
        "\nName,Value\na,1\nName,Value\n",
        query,
        &right,
    );
}

#[test]
fn a_file_that_shares_only_what_most_tables_have_is_none_of_the_table() {
    let time = "2026-11-01T10:00:00Z";
    for other in [
        "AlertId",
        "properties.DeviceName",
        "properties_DeviceName_s",
        "device_name",
        "Device Name",
    ] {
        let refused = Err("has no column of");
        hold(
            "DeviceInfo.csv",
            format!("Timestamp,{other}\n{time},x\n"),
            "DeviceInfo | count",
            &refused,
        );
        let line = rows!({"Timestamp": time, "ReportId": 1, other: "x"});
        hold(
            "DeviceInfo.ndjson",
            line.to_string(),
            "DeviceInfo | count",
            &refused,
        );
    }
    // Of a projection everything is of the table.
    let own = Ok(rows!([[1]]));
    hold(
        "DeviceInfo.csv",
        format!("Timestamp,ReportId\n{time},1\n"),
        "DeviceInfo | count",
        &own,
    );
    let line = rows!({"TimeGenerated [UTC]": time});
    hold(
        "DeviceInfo.ndjson",
        line.to_string(),
        "DeviceInfo | count",
        &own,
    );
}

#[test]
fn answers_that_are_a_part_are_refused() {
    let row = r#"{"Timestamp":"2026-11-01T10:00:00Z","DeviceName":"h"}"#;
    let statistics = |count: u8| {
        format!(
            r#"{{"Stats":{{"dataset_statistics":[{{"table_row_count":{count}}}]}},"Schema":[],"Results":[{row}]}}"#
        )
    };
    let table = r#"{"FrameType":"DataTable","TableKind":"PrimaryResult","Columns":[{"ColumnName":"DeviceName"}],"Rows":[["h"]]}"#;
    let header = r#"{"FrameType":"DataSetHeader"}"#;
    let end = r#"{"FrameType":"DataSetCompletion","HasErrors":false,"Cancelled":false}"#;
    let cancelled = end.replace("\"Cancelled\":false", "\"Cancelled\":true");
    for (text, expected) in [
        (
            format!(r#"{{"value":[{row}],"@odata.count":10}}"#),
            Err("(1, where its '@odata.count' is 10)"),
        ),
        (
            format!(r#"{{"value":[{row}],"odata.count":"10"}}"#),
            Err("(1, where its 'odata.count' is 10)"),
        ),
        (
            format!(r#"{{"value":[{row}],"totalCount":5}}"#),
            Err("(1, where its 'totalCount' is 5)"),
        ),
        (format!(r#"{{"value":[{row}],"count":1}}"#), Ok(())),
        (format!(r#"{{"value":[{row}],"@odata.count":1}}"#), Ok(())),
        (statistics(5), Err("(1, where its 'table_row_count' is 5)")),
        (statistics(1), Ok(())),
        (format!("[{header},{table},{end}]"), Ok(())),
        (format!("[{header},{table}]"), Err("DataSetCompletion")),
        (format!("[{table}]"), Err("DataSetCompletion")),
        (
            format!("{header}\n{table}\n{end}\n{header}\n{table}\n"),
            Err("DataSetCompletion"),
        ),
        (
            format!("[{header},{table},{cancelled}]"),
            Err("'Cancelled'"),
        ),
    ] {
        let expected = expected.map(|()| rows!([["h"]]));
        hold(
            "DeviceInfo.json",
            text,
            "DeviceInfo | project DeviceName",
            &expected,
        );
    }
}

#[test]
fn tables_about_an_answer_are_no_answers() {
    let table = |name: &str, columns: &[&str], rows: &str| {
        let columns: Vec<Json> = columns
            .iter()
            .map(|one| rows!({"ColumnName": one}))
            .collect();
        format!(
            r#"{{"TableName":"{name}","Columns":{},"Rows":{rows}}}"#,
            Json::from(columns)
        )
    };
    let answer = table(
        "Table_0",
        &["Timestamp", "DeviceName"],
        r#"[["2026-11-01T10:00:00Z","h"]]"#,
    );
    let properties = table("Table_1", &["Value"], r#"[["{\"Visualization\":null}"]]"#);
    let status = table(
        "Table_2",
        &[
            "Timestamp",
            "Severity",
            "SeverityName",
            "StatusCode",
            "StatusDescription",
            "Count",
        ],
        r#"[["2026-11-01T10:00:00Z",4,"Info",0,"Query completed successfully",1]]"#,
    );
    let contents = table(
        "Table_3",
        &["Ordinal", "Kind", "Name", "Id", "PrettyName"],
        r#"[[0,"QueryResult","PrimaryResult","a",""],[1,"QueryProperties","@ExtendedProperties","b",""],[2,"QueryStatus","QueryStatus","c",""]]"#,
    );
    let query = "DeviceInfo | project DeviceName";
    let whole = format!(r#"{{"Tables":[{answer},{properties},{status},{contents}]}}"#);
    hold("DeviceInfo.json", whole, query, &Ok(rows!([["h"]])));
    let two = format!(r#"{{"Tables":[{answer},{answer},{status},{contents}]}}"#);
    hold(
        "DeviceInfo.json",
        two,
        query,
        &Err("has rows of more than one answer"),
    );
}

#[test]
fn text_behind_a_quote_and_a_second_header_are_errors_with_their_line() {
    let after = || Err("line 3 has text after the closing quote of a cell");
    let header = || Err("line 3 has the names of columns");
    let query = "DeviceInfo | project DeviceName, OSBuild";
    for (line, expected) in [
        (r#""x"y,1"#, after()),
        (r#""p" "q",2"#, after()),
        (r#""{\"a\":1}",3"#, after()),
        (r#""p" ,4"#, Ok(rows!([["h", 1], ["p", 4]]))),
        ("DeviceName,OSBuild", header()),
        ("\u{feff}DeviceName,OSBuild", header()),
        ("\"DeviceName\",\"OSBuild\"", header()),
        ("\u{feff}\"DeviceName\",\"OSBuild\"", header()),
        ("OSBuild,DeviceName", header()),
        ("DeviceName,", Ok(rows!([["h", 1], ["DeviceName", null]]))),
    ] {
        hold(
            "DeviceInfo.csv",
            format!("DeviceName,OSBuild\nh,1\n{line}\n"),
            query,
            &expected,
        );
    }
    hold(
        "DeviceInfo.csv",
        "DeviceName\nh\nDeviceName\n",
        "DeviceInfo | project DeviceName",
        &header(),
    );
    hold("Other.csv", "A,B\n1,2\nA,B\n", "Other", &header());
    hold(
        "Other.csv",
        "A,B\nx,y\nB,A\n",
        "Other",
        &Ok(rows!([["x", "y"], ["B", "A"]])),
    );
    hold(
        "Other.csv",
        "A\nx\nA\n",
        "Other",
        &Ok(rows!([["x"], ["A"]])),
    );
}

#[test]
fn marks_and_encodings() {
    let query = "DeviceInfo | project DeviceName, OSBuild";
    let both = Ok(rows!([["h", 1]]));
    let mark = "\u{feff}";
    hold(
        "DeviceInfo.csv",
        format!("{mark}{mark}DeviceName,OSBuild\nh,1\n"),
        query,
        &both,
    );
    let wide: Vec<u8> = format!("{mark}{mark}DeviceName,OSBuild\nh,1\n")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    hold("DeviceInfo.csv", &wide, query, &both);
    let utf16 = || Err("it is UTF-16 without a byte order mark");
    hold("DeviceInfo.csv", &wide[4..], query, &utf16());
    let wide: Vec<u8> = r#"{"DeviceName":"h"}"#.encode_utf16().flat_map(u16::to_be_bytes).collect();
    hold("DeviceInfo.json", &wide, query, &utf16());
    let latin = b"DeviceName,OSBuild\nM\xfcller,1\n";
    hold(
        "DeviceInfo.csv",
        latin,
        query,
        &Err("line 2 is not UTF-8; save the file as UTF-8"),
    );
    let commas = "{\"DeviceName\":\"h\"},\n{\"DeviceName\":\"i\"}\n";
    hold(
        "DeviceInfo.json",
        commas,
        query,
        &Err("line 1 ends with a comma"),
    );
}

#[test]
fn blank_lines_have_a_bound() {
    let reading = kql_engine::Reading {
        largest_record: 1000,
        ..kql_engine::Reading::default()
    };
    for text in [
        "\n".repeat(2000),
        "\r".repeat(2000),
        format!("A,B\n{}", "\n".repeat(2000)),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("T.csv"), text).unwrap();
        let mut catalog = Catalog::from_folder(folder.path(), &schema).unwrap();
        catalog.set_reading(reading);
        let error = run_on(&engine(catalog), "T | count")
            .unwrap_err()
            .to_string();
        assert!(error.contains("T.csv: line "), "{error}");
    }
    // Below as many carriage returns as there may be stands a header.
    let text = format!("{}A\rx\r", "\r".repeat(500_000));
    hold("T.csv", text, "T", &Ok(rows!([["x"]])));
}

#[test]
fn a_folder_of_parts_may_be_called_like_a_file() {
    let own = Ok(rows!([[1]]));
    hold(
        "DeviceInfo.csv/part-0.csv",
        "DeviceName\nh\n",
        "DeviceInfo | count",
        &own,
    );
    hold(
        "Other.parquet/part-0.csv",
        "A,B\n1,2\n",
        "Other | count",
        &own,
    );
    let folder = tempfile::tempdir().unwrap();
    let parts = folder.path().join("DeviceInfo.csv");
    fs::create_dir(&parts).unwrap();
    fs::write(parts.join("part-0.csv"), "DeviceName\nh\n").unwrap();
    fs::write(parts.join("_SUCCESS"), "").unwrap();
    assert_eq!(over(&parts, "DeviceInfo | count"), Ok(rows!([[1]])));
}

#[cfg(unix)]
#[test]
fn a_folder_that_is_linked_into_itself_is_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("DeviceInfo");
    fs::create_dir(&table).unwrap();
    fs::write(table.join("a.csv"), "DeviceName\nh\n").unwrap();
    std::os::unix::fs::symlink(&table, table.join("again")).unwrap();
    assert_eq!(over(folder.path(), "DeviceInfo | count"), Ok(rows!([[1]])));
    std::os::unix::fs::symlink("/dev/zero", table.join("zero")).unwrap();
    let error = over(folder.path(), "DeviceInfo | count").unwrap_err();
    assert!(error.contains("it is a device, not a file"), "{error}");
    fs::remove_file(table.join("zero")).unwrap();
    fs::write(table.join("x.zip"), b"PK\x03\x04....").unwrap();
    let error = over(folder.path(), "DeviceInfo | count").unwrap_err();
    assert!(error.contains("x.zip: it is a ZIP archive"), "{error}");
}

#[test]
fn of_two_times_the_one_of_the_tables_name_counts() {
    let expected = Ok(rows!([["2026-11-30T11:00:00.0000000Z"]]));
    for header in [
        "\"TimeGenerated [UTC]\",\"Timestamp [UTC]\",DeviceName",
        "TimeGenerated,Timestamp (UTC),DeviceName",
        "TimeGenerated [Local Time],Timestamp [UTC],DeviceName",
    ] {
        hold(
            "DeviceInfo.csv",
            format!("{header}\n2026-11-30T10:00:00,2026-11-30T11:00:00,h\n"),
            "DeviceInfo | project Timestamp",
            &expected,
        );
    }
}
