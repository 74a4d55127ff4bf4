//! What people have files of hunting tables in: wrappers, responses, exports. Rows with values, or an
//! error with the file and the line; never rows of nulls.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kql_engine::{Catalog, ScalarType};
use serde_json::{Value as Json, json as rows};

use super::{engine, json, run_on};

pub(crate) fn schema(name: &str) -> Option<Vec<(String, ScalarType)>> {
    let columns = match name {
        "DeviceInfo" => [
            ("Timestamp", ScalarType::DateTime),
            ("DeviceId", ScalarType::String),
            ("DeviceName", ScalarType::String),
            ("OSBuild", ScalarType::Long),
            ("AdditionalFields", ScalarType::Dynamic),
        ],
        "AlertInfo" => [
            ("Timestamp", ScalarType::DateTime),
            ("AlertId", ScalarType::String),
            ("Category", ScalarType::String),
            ("Severity", ScalarType::String),
            ("Title", ScalarType::String),
        ],
        _ => return None,
    };
    Some(columns.map(|(name, ty)| (name.to_owned(), ty)).to_vec())
}

/// The answer, or the message, of a query over one file.
fn ask(name: &str, text: impl AsRef<[u8]>, query: &str) -> Result<Json, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), text).unwrap();
    over(folder.path(), query)
}

fn over(path: &Path, query: &str) -> Result<Json, String> {
    let catalog = Catalog::from_folder(path, &schema).map_err(|error| error.to_string())?;
    run_on(&engine(catalog), query)
        .map(|answer| json(&answer))
        .map_err(|error| error.to_string())
}

const ROW: &str = r#"{"Timestamp":"2024-12-20T09:00:01Z","DeviceName":"a","OSBuild":22631}"#;

/// A JSON text of a JSON text.
fn quoted(text: &str) -> String {
    Json::from(text).to_string()
}

fn wrapped() -> Vec<(&'static str, String)> {
    let record = format!(
        r#"{{"time":"2024-12-20T09:00:01Z","tenantId":"t","operationName":"Publish","category":"AdvancedHunting-DeviceInfo","properties":{ROW}}}"#
    );
    let text_record = format!(
        r#"{{"time":"x","category":"AdvancedHunting-DeviceInfo","properties":{}}}"#,
        quoted(ROW)
    );
    let envelope = format!(r#"{{"records":[{record}]}}"#);
    vec![
        ("record", record.clone()),
        ("properties in a text", text_record.clone()),
        ("envelope of those", format!(r#"{{"records":[{text_record}]}}"#)),
        (
            "envelope with more keys",
            format!(
                r#"{{"records":[{record}],"EventProcessedUtcTime":"2024-12-20T09:00:02Z","PartitionId":0,"EventEnqueuedUtcTime":"2024-12-20T09:00:02Z"}}"#
            ),
        ),
        (
            "envelope with more keys before",
            format!(r#"{{"PartitionId":0,"Offset":"12","records":[{record}]}}"#),
        ),
        ("body", format!(r#"{{"Body":{envelope}}}"#)),
        (
            "body of a capture",
            format!(
                r#"{{"SequenceNumber":1,"Offset":"0","EnqueuedTimeUtc":"x","SystemProperties":{{}},"Properties":{{}},"Body":{envelope}}}"#
            ),
        ),
        ("body in a text", format!(r#"{{"Body":{}}}"#, quoted(&envelope))),
        (
            "body in base64",
            format!(r#"{{"Body":"{}","Offset":"0"}}"#, STANDARD.encode(&envelope)),
        ),
        ("list of envelopes", format!("[{envelope}]")),
        (
            "capital keys",
            format!(r#"{{"Time":"x","Category":"AdvancedHunting-DeviceInfo","Properties":{ROW}}}"#),
        ),
        ("capital envelope", format!(r#"{{"Records":[{record}],"X":1}}"#)),
        (
            "record without time",
            format!(r#"{{"category":"AdvancedHunting-DeviceInfo","properties":{ROW}}}"#),
        ),
        (
            "category in small letters",
            format!(r#"{{"time":"x","category":"advancedhunting-deviceinfo","properties":{ROW}}}"#),
        ),
        ("properties alone", format!(r#"{{"properties":{ROW}}}"#)),
        (
            "response of the old API",
            format!(r#"{{"Stats":{{"dataset_statistics":[]}},"Schema":[{{"Name":"Timestamp","Type":"DateTime"}}],"Results":[{ROW}]}}"#),
        ),
        (
            "response of Graph",
            format!(r#"{{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata","schema":[{{"name":"Timestamp","type":"DateTime"}}],"results":[{ROW}]}}"#),
        ),
        ("schema and results", format!(r#"{{"schema":[],"results":[{ROW}]}}"#)),
        (
            "pretty response",
            format!("{{\n  \"schema\": [\n  ],\n  \"results\": [\n    {ROW}\n  ]\n}}\n"),
        ),
        ("OData", format!(r#"{{"@odata.context":"x","value":[{ROW}]}}"#)),
        ("value alone", format!(r#"{{"value":[{ROW}]}}"#)),
        (
            "Log Analytics",
            r#"{"tables":[{"name":"PrimaryResult","columns":[{"name":"TimeGenerated","type":"datetime"},{"name":"DeviceName","type":"string"},{"name":"OSBuild","type":"long"}],"rows":[["2024-12-20T09:00:01Z","a",22631]]}]}"#.to_owned(),
        ),
        (
            "Kusto v1",
            r#"{"Tables":[{"TableName":"Table_0","Columns":[{"ColumnName":"Timestamp","DataType":"DateTime"},{"ColumnName":"DeviceName"},{"ColumnName":"OSBuild"}],"Rows":[["2024-12-20T09:00:01Z","a",22631]]},{"TableName":"Table_1","Columns":[{"ColumnName":"Value"}],"Rows":[["{}"]]}]}"#.to_owned(),
        ),
        (
            "Kusto v2",
            r#"[{"FrameType":"DataSetHeader","IsProgressive":false,"Version":"v2.0"},
{"FrameType":"DataTable","TableId":0,"TableKind":"QueryProperties","TableName":"@ExtendedProperties","Columns":[{"ColumnName":"TableId","ColumnType":"int"}],"Rows":[[1]]},
{"FrameType":"DataTable","TableId":1,"TableKind":"PrimaryResult","TableName":"PrimaryResult","Columns":[{"ColumnName":"Timestamp"},{"ColumnName":"DeviceName"},{"ColumnName":"OSBuild"}],"Rows":[["2024-12-20T09:00:01Z","a",22631]]},
{"FrameType":"DataSetCompletion","HasErrors":false,"Cancelled":false}]"#.to_owned(),
        ),
        ("other letters", ROW.to_ascii_lowercase().replace("t09:00:01z", "T09:00:01Z")),
        (
            "names of a workspace",
            r#"{"TenantId":"t","TimeGenerated [UTC]":"2024-12-20T09:00:01Z","DeviceName_s":"a","OSBuild_d":22631,"Type":"DeviceInfo"}"#.to_owned(),
        ),
    ]
}

#[test]
fn wrappers_are_understood() {
    let query = "DeviceInfo | project Timestamp, DeviceName, OSBuild";
    let expected = rows!([["2024-12-20T09:00:01.0000000Z", "a", 22631]]);
    for (what, text) in wrapped() {
        for file in [text.clone(), format!("{text}\n"), format!("\n{text}\r\n")] {
            let found = ask("DeviceInfo.json", &file, query);
            assert_eq!(found, Ok(expected.clone()), "{what}: {file}");
        }
    }
}

#[test]
fn records_find_their_table_whatever_wraps_them() {
    let query = "DeviceInfo | project Timestamp, DeviceName, OSBuild";
    let expected = rows!([["2024-12-20T09:00:01.0000000Z", "a", 22631]]);
    for (what, text) in wrapped() {
        if !text.to_ascii_lowercase().contains("advancedhunting-") || what.contains("small") {
            continue;
        }
        assert_eq!(
            ask("hub.json", &text, query),
            Ok(expected.clone()),
            "{what}"
        );
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn what_shares_no_column_is_an_error() {
    let both = format!(
        r#"{{"records":[{ROW},
{{"Other":1}}]}}"#
    );
    for (name, text, what) in [
        (
            "DeviceInfo.ndjson",
            "{\"DeviceName\":\"a\"}\n{\"foo\":1,\"bar\":2}\n",
            "DeviceInfo.ndjson: line 2 has no column of its table (record 2, with the keys \"foo\", \"bar\")",
        ),
        (
            "DeviceInfo.json",
            "[{\"DeviceName\":\"a\"},\n{\"foo\":1}]",
            "line 2 has no column",
        ),
        (
            "DeviceInfo.json",
            "{}",
            "line 1 has no column of its table (record 1, without a key)",
        ),
        (
            "DeviceInfo.json",
            both.as_str(),
            "line 2 has no column of its table (record 2, with the keys \"Other\")",
        ),
        (
            "DeviceInfo.json",
            r#"{"hits":{"hits":[{"_source":{"DeviceName":"a"}}]}}"#,
            "with the keys \"hits\")",
        ),
        (
            "DeviceInfo.json",
            r#"{"error":{"code":"BadRequest"}}"#,
            "line 1 is an error that a service answered in the place of rows (code \"BadRequest\")",
        ),
        (
            "DeviceInfo.json",
            r#"{"records":null}"#,
            "with the keys \"records\")",
        ),
        (
            "DeviceInfo.json",
            r#"{"records":[1]}"#,
            "line 1 is no JSON object",
        ),
        (
            "DeviceInfo.json",
            r#"{"category":"AdvancedHunting-DeviceInfo","properties":"no JSON"}"#,
            "a text that holds no JSON object",
        ),
        (
            "DeviceInfo.json",
            r#"{"category":"AdvancedHunting-DeviceInfo","properties":{}}"#,
            "has no column",
        ),
        (
            "DeviceInfo.json",
            r#"{"category":"AdvancedHunting-DeviceInfo","properties":{"foo":1}}"#,
            "with the keys \"foo\")",
        ),
        (
            "DeviceInfo.json",
            r#"{"value":[{"DeviceName":"a"}],"error":{"code":"x"}}"#,
            "has an error beside its rows",
        ),
        (
            "DeviceInfo.json",
            r#"{"records":[{"DeviceName":"a"}],"records":[{"DeviceName":"b"}]}"#,
            "has the key 'records' twice",
        ),
        (
            "DeviceInfo.json",
            r#"{"records":[{"DeviceName":"a"}],"results":[{"DeviceName":"b"}]}"#,
            "has rows in 'records' and in 'results'",
        ),
        (
            "DeviceInfo.json",
            "{\"DeviceName\":\"a\",\"DeviceName\":\"b\"}",
            "has the key 'DeviceName' twice",
        ),
        (
            "DeviceInfo.json",
            "{\"DeviceName\":\"a\",\"x\":null,\"x\":1}",
            "has the key 'x' twice",
        ),
        (
            "DeviceInfo.json",
            "{\"DeviceName\":\"a\"} x\n",
            "line 1 is no JSON (trailing characters)",
        ),
        (
            "DeviceInfo.json",
            "{\"DeviceName\":\"a\"}\n{\"DeviceName\":\"b",
            "line 2 is no JSON",
        ),
        (
            "DeviceInfo.json",
            "{\"DeviceName\":\"\\ud800\"}",
            "line 1 is no JSON",
        ),
        (
            "DeviceInfo.json",
            "{\"DeviceName\":\"a\0\"}",
            "line 1 is no JSON",
        ),
        (
            "DeviceInfo.csv",
            "a,b\n1,2\n",
            "DeviceInfo.csv: it has no column of DeviceInfo; its columns are \"a\", \"b\"",
        ),
        (
            "DeviceInfo.csv",
            "2024-01-01T00:00:00Z,host-a\n",
            "it has no column of DeviceInfo",
        ),
        (
            "DeviceInfo.csv",
            ",,\n1,2,3\n",
            "line 1 has no names of columns",
        ),
        (
            "DeviceInfo.csv",
            "DeviceName,DeviceName\na,b\n",
            "line 1 has the column 'DeviceName' twice",
        ),
        (
            "DeviceInfo.csv",
            "DeviceName,x\na,\0\n",
            "line 2 has a NUL byte",
        ),
        (
            "DeviceInfo.csv",
            "\"DeviceName,OSBuild\"\n\"a,1,2\"\n",
            "line 2 has 3 cells where the header has 2",
        ),
    ] {
        for query in ["DeviceInfo", "DeviceInfo | count"] {
            let found = ask(name, text, query);
            let error = found.expect_err(text);
            assert!(error.contains(what), "{text}\n{error}");
        }
    }
}

#[test]
fn what_wraps_nothing_has_no_rows() {
    for text in [
        "",
        "[]",
        r#"{"records":[]}"#,
        r#"{"schema":[{"name":"Timestamp"}],"results":[]}"#,
        r#"{"value":[]}"#,
        r#"{"tables":[{"name":"PrimaryResult","columns":[{"name":"Timestamp"}],"rows":[]}]}"#,
    ] {
        assert_eq!(
            ask("DeviceInfo.json", text, "DeviceInfo | count"),
            Ok(rows!([[0]])),
            "{text}"
        );
    }
}

#[test]
fn columns_that_wrappers_share_stay_columns() {
    let text = r#"{"Timestamp":"2024-01-01T00:00:00Z","Category":"Malware","Title":"t"}
{"time":"x","category":"AdvancedHunting-AlertInfo","properties":{"Category":"Ransomware","Title":"u"}}"#;
    assert_eq!(
        ask(
            "AlertInfo.json",
            text,
            "AlertInfo | project Category, Title"
        ),
        Ok(rows!([["Malware", "t"], ["Ransomware", "u"]]))
    );
}

#[test]
fn tables_of_ones_own_keep_their_columns() {
    for (text, expected) in [
        (r#"{"id":1,"records":[{"a":1}]}"#, rows!([[1, [{"a": 1}]]])),
        (r#"{"id":1,"value":[{"a":1}]}"#, rows!([[1, [{"a": 1}]]])),
        (r#"{"id":1,"Body":{"a":1}}"#, rows!([[1, {"a": 1}]])),
        (r#"{"id":1,"properties":{"a":1}}"#, rows!([[1, {"a": 1}]])),
    ] {
        assert_eq!(ask("Own.json", text, "Own"), Ok(expected), "{text}");
    }
    // What is unmistakable is no row.
    for text in [
        r#"{"schema":[{"name":"a"}],"results":[{"a":1},{"a":2}]}"#,
        r#"{"Results":[{"a":1},{"a":2}]}"#,
        r#"{"@odata.context":"x","value":[{"a":1},{"a":2}]}"#,
        r#"{"tables":[{"name":"PrimaryResult","columns":[{"name":"a"}],"rows":[[1],[2]]}]}"#,
    ] {
        assert_eq!(
            ask("Own.json", text, "Own"),
            Ok(rows!([[1], [2]])),
            "{text}"
        );
    }
}

#[test]
fn a_column_under_another_name_is_read_as_the_table_has_it() {
    for (name, text, what) in [
        (
            "DeviceInfo.csv",
            "DeviceName,TimeGenerated\na,never\n",
            "line 2 has \"never\" in column TimeGenerated, which is no datetime",
        ),
        (
            "DeviceInfo.csv",
            "DeviceName,Timestamp [UTC]\na,never\n",
            "line 2 has \"never\" in column Timestamp [UTC], which is no datetime",
        ),
        (
            "DeviceInfo.ndjson",
            "{\"DeviceName\":\"a\"}\n{\"timestamp\":\"never\"}\n",
            "line 2 has \"never\" in column timestamp, which is no datetime",
        ),
        (
            "DeviceInfo.ndjson",
            "{\"OSBUILD\":\"x\"}\n",
            "line 1 has \"x\" in column OSBUILD, which is no long",
        ),
        (
            "DeviceInfo.csv",
            "DeviceName,OSBuild_d\na,1.5\n",
            "line 2 has \"1.5\" in column OSBuild_d, which is no long",
        ),
    ] {
        for query in [
            "DeviceInfo",
            "DeviceInfo | summarize max(Timestamp), max(OSBuild)",
            "DeviceInfo | project Timestamp, OSBuild",
        ] {
            let error = ask(name, text, query).expect_err(text);
            assert!(error.contains(what), "{text}\n{error}");
        }
        let others = ask(name, text, "DeviceInfo | where DeviceName == 'a' | count");
        assert!(others.is_ok(), "{others:?}");
    }
    let text = "{\"timestamp\":\"2024-01-01T00:00:00Z\"}\n{\"TIMESTAMP\":\"2024-01-02T00:00:00Z\"}\n{\"TimeGenerated\":\"2024-01-03T00:00:00Z\"}\n";
    let days = ask(
        "DeviceInfo.json",
        text,
        "DeviceInfo | project dayofmonth(Timestamp)",
    );
    assert_eq!(days, Ok(rows!([[1], [2], [3]])));
}

#[test]
fn exports_have_lines_above_the_header_and_columns_without_a_name() {
    let expected = rows!([["2024-01-01T00:00:00.0000000Z", "host-a"]]);
    let query = "DeviceInfo | project Timestamp, DeviceName";
    for text in [
        "\"Timestamp,DeviceName\"\n\"2024-01-01T00:00:00Z,host-a\"\n",
        "\"Timestamp,DeviceName\"\r\n\"2024-01-01T00:00:00Z,\"\"host-a\"\"\"\r\n",
        "#TYPE System.Management.Automation.PSCustomObject\r\n\"Timestamp\",\"DeviceName\"\r\n\"2024-01-01T00:00:00Z\",\"host-a\"\r\n",
        "#TYPE Selected.X\n\"Timestamp\";\"DeviceName\"\n\"2024-01-01T00:00:00Z\";\"host-a\"\n",
        "sep=;\nTimestamp;DeviceName\n2024-01-01T00:00:00Z;host-a\n",
        "\n\nTimestamp,DeviceName\n2024-01-01T00:00:00Z,host-a\n",
        "#TYPE X\rTimestamp,DeviceName\r2024-01-01T00:00:00Z,host-a\r",
        "\u{feff}Timestamp,DeviceName,,\n2024-01-01T00:00:00Z,host-a,,\n",
        ",Timestamp,DeviceName\n0,2024-01-01T00:00:00Z,host-a\n",
    ] {
        assert_eq!(
            ask("DeviceInfo.csv", text, query),
            Ok(expected.clone()),
            "{text}"
        );
    }
    // The index of pandas is a column.
    let text = ",a\n0,x\n1,y\n";
    assert_eq!(ask("Own.csv", text, "Own"), Ok(rows!([[0, "x"], [1, "y"]])));
    assert_eq!(
        ask("Own.csv", text, "Own | where Column1 == 1 | project a"),
        Ok(rows!([["y"]]))
    );
    assert_eq!(ask("Own.csv", "a,\nx,\n", "Own"), Ok(rows!([["x"]])));
}

#[test]
fn envelopes_without_a_row_are_errors_though_their_keys_are_columns() {
    let record = |rest: &str| {
        format!(r#"{{"time":"2024-12-20T09:00:01Z","category":"AdvancedHunting-AlertInfo"{rest}}}"#)
    };
    for (text, what) in [
        (
            record(r#","properties":[{"AlertId":"1"}]"#),
            "'properties' is a list",
        ),
        (record(r#","properties":null"#), "'properties' is null"),
        (
            record(r#","properties":"notjson""#),
            "'properties' is a text that holds no JSON object",
        ),
        (record(r#","properties":1"#), "'properties' is a number"),
        (
            record(r#","Payload":{"AlertId":"1"}"#),
            "without 'properties'",
        ),
        (record(""), "without 'properties'"),
        (
            r#"{"Category":"AdvancedHunting-AlertInfo","record":{"AlertId":"1"}}"#.to_owned(),
            "without 'properties'",
        ),
        (
            r#"{"Category":"x","_source":{"AlertId":"1"}}"#.to_owned(),
            "under the key \"_source\"",
        ),
        (
            r#"{"Category":"x","hits":[{"_source":{"AlertId":"1"}}]}"#.to_owned(),
            "under the key \"hits\"",
        ),
        (
            r#"{"AlertId":"1","raw":"{\"AlertId\":\"1\",\"Title\":\"t\"}"}"#.to_owned(),
            "under the key \"raw\"",
        ),
        (
            r#"{"AlertId":null}"#.to_owned(),
            "no value in any column of AlertInfo",
        ),
        (
            r#"{"AlertId":null,"Title":null,"x":1}"#.to_owned(),
            "no value in any column of AlertInfo",
        ),
    ] {
        for query in ["AlertInfo", "AlertInfo | count"] {
            let error = ask("AlertInfo.json", &text, query).expect_err(&text);
            assert!(error.contains("AlertInfo.json: line 1 "), "{text}\n{error}");
            assert!(error.contains(what), "{text}\n{error}");
        }
    }
    let title = "AlertInfo | project Title";
    let twice = record(&format!(
        r#","properties":{}"#,
        quoted(&quoted(r#"{"Title":"t"}"#))
    ));
    for text in [
        twice.as_str(),
        r#"{"Category":"x","Title":"t","more":{"a":1}}"#,
        r#"{"Category":null,"Title":"t","more":{"Title":"u"}}"#,
    ] {
        assert_eq!(
            ask("AlertInfo.json", text, title),
            Ok(rows!([["t"]])),
            "{text}"
        );
    }
}

#[test]
fn a_response_that_is_not_whole_is_an_error() {
    let tables =
        r#""Tables":[{"TableName":"T","Columns":[{"ColumnName":"DeviceName"}],"Rows":[["a"]]}]"#;
    let results = r#""results":[{"DeviceName":"a"}]"#;
    let primary = r#"{"FrameType":"DataTable","TableKind":"PrimaryResult","Columns":[{"ColumnName":"DeviceName"}],"Rows":[["a"]]}"#;
    let status = |level: u8, said: &str| {
        format!(
            r#"[{primary},{{"FrameType":"DataTable","TableKind":"QueryCompletionInformation","Columns":[{{"ColumnName":"Level"}},{{"ColumnName":"Payload"}}],"Rows":[[{level},"{said}"]]}},{{"FrameType":"DataSetCompletion","HasErrors":false}}]"#
        )
    };
    for text in [
        r#"{"value":[{"DeviceName":"a"}],"@odata.nextLink":"https://x"}"#.to_owned(),
        format!(r#"{{{results},"nextLink":"x"}}"#),
        format!(r#"{{{results},"errors":[{{"x":1}}]}}"#),
        format!(r#"{{{tables},"Exceptions":["exceeded"]}}"#),
        format!(r#"{{{tables},"partialError":{{"code":"x"}}}}"#),
        format!(r#"{{"value":[{ROW}],"next":"http://x"}}"#),
        format!(r#"{{"value":[{ROW}],"status":"partial"}}"#),
        format!(r#"{{"schema":[],"results":[{ROW}],"Stats":{{"truncated":true}}}}"#),
        format!(r#"{{"results":[{ROW}],"links":[{{"rel":"next","href":"x"}}]}}"#),
        format!(r#"{{"results":[{ROW}],"hasMoreRows":true}}"#),
        format!(r#"{{{results},"isPartial":true}}"#),
        format!(r#"{{"schema":[],{results},"statistics":{{"rowCount":7}}}}"#),
        format!(r#"{{"schema":[],{results},"Stats":{{"TotalRows":7}}}}"#),
        format!(r#"{{{results},"summary":{{"total_result_count":"7"}}}}"#),
        format!(r#"{{{results},"meta":{{"rowCount":7}}}}"#),
        format!(r#"{{"value":[{ROW}],"@odata.count":7}}"#),
        r#"{"columns":[{"name":"DeviceName"}],"rows":[["a"]],"rowCount":7}"#.to_owned(),
        format!(r#"{{{results},"Results":[{{"DeviceName":"b"}}]}}"#),
        format!(r#"{{"columns":[{{"name":"DeviceName"}}],"rows":[["a"]],{results}}}"#),
        status(2, "failed"),
        status(4, "Query result truncated"),
    ] {
        let error = ask("DeviceInfo.json", &text, "DeviceInfo").expect_err(&text);
        assert!(
            error.contains("DeviceInfo.json: line 1 "),
            "{text}\n{error}"
        );
    }
    for text in [
        format!(r#"{{{results},"errors":[],"nextLink":null,"isPartial":false,"error":null}}"#),
        format!("{{{tables},\"Exceptions\":[]}}"),
        status(4, "done"),
    ] {
        let names = ask("DeviceInfo.json", &text, "DeviceInfo | project DeviceName");
        assert_eq!(names, Ok(rows!([["a"]])), "{text}");
    }
}

#[test]
fn what_nobody_knows_beside_the_rows_of_a_response_is_told() {
    let row = r#"{"DeviceName":"a"}"#;
    for (text, told) in [
        (
            format!(r#"{{"schema":[],"results":[{row}],"notes":"x"}}"#),
            Some("notes is \"x\""),
        ),
        (
            format!(r#"{{"schema":[],"results":[{row}],"hits":{{"total":7}}}}"#),
            Some("hits is {\"total\":7}"),
        ),
        (
            format!(r#"{{"@odata.context":"x","value":[{row}],"size":3}}"#),
            Some("size is 3"),
        ),
        (
            format!(r#"{{"schema":[],"results":[{row}],"statistics":{{"rowCount":1}}}}"#),
            Some("statistics is"),
        ),
        (
            format!(r#"{{"@odata.context":"x","value":[{row}],"@odata.count":1}}"#),
            None,
        ),
        (
            format!(r#"{{"Stats":{{"ExecutionTime":0.5}},"Schema":[],"Results":[{row}]}}"#),
            None,
        ),
        // Whatever carries records has what is its own beside them.
        (format!(r#"{{"records":[{row}],"notes":"x"}}"#), None),
        (row.to_owned(), None),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("DeviceInfo.json"), &text).unwrap();
        let mut catalog = Catalog::new();
        let schema = vec![("DeviceName".to_owned(), ScalarType::String)];
        catalog.add_file(
            "DeviceInfo",
            Some(schema),
            folder.path().join("DeviceInfo.json"),
        );
        let engine = engine(catalog);
        let answer = run_on(&engine, "DeviceInfo | project DeviceName").expect(&text);
        assert_eq!(json(&answer), rows!([["a"]]), "{text}");
        let found = engine.catalog().losses([&"DeviceInfo".to_owned()]);
        assert_eq!(
            found.len(),
            usize::from(told.is_some()),
            "{text}: {found:?}"
        );
        if let Some(told) = told {
            let what =
                format!("line 1: beside its rows the response has what is not known: {told}");
            assert!(found[0].contains(&what), "{found:?}");
        }
    }
}

#[test]
fn a_key_that_is_twice_anywhere_is_an_error_and_a_negative_zero_is_a_number() {
    for text in [
        "{\"A\":1,\"C\":2}\n{\"A\":{\"x\":1,\"x\":2},\"C\":1}\n",
        "{\"A\":1,\"C\":2}\n{\"A\":[{\"y\":{\"x\":1,\"x\":2}}],\"C\":1}\n",
    ] {
        for query in ["Own", "Own | count"] {
            let error = ask("Own.json", text, query).expect_err(text);
            assert!(error.contains("line 2 "), "{error}");
            assert!(error.contains("the key 'x' twice"), "{error}");
        }
    }
    let zero = ask("Own.json", r#"{"T":-0,"U":1}"#, "Own | project T, U");
    assert_eq!(zero, Ok(rows!([[0, 1]])));
}

#[test]
fn a_record_of_another_category_is_no_row() {
    for (category, is_row) in [
        ("DeviceInfo", true),
        ("deviceinfo", true),
        ("Foo", false),
        ("AlertInfo", false),
        ("AdvancedHunting", false),
    ] {
        let record = format!(r#"{{"time":"x","category":"{category}","properties":{ROW}}}"#);
        for text in [record.clone(), format!(r#"{{"records":[{record}]}}"#)] {
            let answer = ask("DeviceInfo.json", &text, "DeviceInfo | count");
            if is_row {
                assert_eq!(answer, Ok(rows!([[1]])), "{text}");
                continue;
            }
            let error = answer.unwrap_err();
            let expected =
                format!("a record of the category \"{category}\" among rows of DeviceInfo");
            assert!(
                error.contains("DeviceInfo.json: line 1") && error.contains(&expected),
                "{error}"
            );
        }
    }
}

#[test]
fn a_saved_error_is_an_error_under_every_name() {
    for text in [
        r#"{"error":{"code":"x"}}"#,
        r#"{"error":{"code":"x","message":"y","innerError":{}}}"#,
        r#"{"@odata.context":"c","error":{"code":"x"}}"#,
        r#"[{"error":{"code":"x"}}]"#,
    ] {
        for (name, query) in [("x.json", "x"), ("DeviceInfo.json", "DeviceInfo")] {
            let error = ask(name, text, query).unwrap_err();
            assert!(error.contains(name), "{error}");
        }
    }
    // A log may have errors among other things, and any of them as a text.
    for text in [
        r#"{"error":"x"}"#,
        r#"{"error":{"code":"x"},"at":1}"#,
        r#"{"error":{"reason":"x"}}"#,
        r#"{"error":null}"#,
    ] {
        assert_eq!(ask("x.json", text, "x | count"), Ok(rows!([[1]])), "{text}");
    }
}

#[test]
fn a_new_key_in_every_row_is_a_column_each() {
    const ROWS: usize = 3000;
    let lines = (0..ROWS).map(|at| format!("{{\"k{at}\":{at},\"s{at}\":\"x\"}}\n"));
    let text: String = lines.collect();
    let query = format!(
        "T | summarize count(), sum(k0), sum(k{}), countif(s7 == 'x')",
        ROWS - 1
    );
    assert_eq!(
        ask("T.ndjson", text, &query),
        Ok(rows!([[ROWS, 0, ROWS - 1, 1]]))
    );
}
