//! Files of hunting tables that are read as something else than they are: no row of nulls comes of
//! them, and no row of what is none.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Int64Array, ListArray, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::Int64Type;
use arrow::ipc::writer::FileWriter;
use kql_engine::Catalog;
use parquet::arrow::ArrowWriter;
use serde_json::{Value as Json, json as rows};

use super::wrappers::schema;
use super::{engine, json, run_on};

/// What a query over a folder answers, and what is told of the table.
fn asked(folder: &Path, query: &str) -> (Result<Json, String>, Vec<String>) {
    let engine = engine(Catalog::from_folder(folder, &schema).unwrap());
    let answer = run_on(&engine, query).map(|answer| json(&answer));
    let told = engine.catalog().losses([&"DeviceInfo".to_owned()]);
    let place = format!("in {}/", folder.display());
    let told = told.iter().map(|one| one.replace(&place, ""));
    (answer.map_err(|error| error.to_string()), told.collect())
}

fn text(name: &str, text: &str, query: &str) -> (Result<Json, String>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), text).unwrap();
    asked(folder.path(), query)
}

fn columns(name: &str, columns: Vec<(&str, ArrayRef)>) -> (Result<Json, String>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .unwrap();
    let file = File::create(folder.path().join(name)).unwrap();
    if name.ends_with("parquet") {
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    } else {
        let mut writer = FileWriter::try_new(file, &batch.schema()).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
    }
    asked(folder.path(), "DeviceInfo | count")
}

const COUNT: &str = "DeviceInfo | count";

#[test]
fn a_text_file_without_a_value_is_an_error_and_a_row_without_one_is_told() {
    for (content, what) in [
        (
            "DeviceId,Foo\n,1\n,2\n",
            "none of its 2 rows has a value in any column of DeviceInfo (they begin at line 2)",
        ),
        ("DeviceId\n\n\n", "none of its 2 rows has a value"),
        (
            "deviceid,Foo\n\n,1\n",
            "its only row has no value in any column of DeviceInfo (they begin at line 3)",
        ),
    ] {
        let (answer, _) = text("DeviceInfo.csv", content, COUNT);
        let error = answer.unwrap_err();
        assert!(
            error.contains("DeviceInfo.csv: ") && error.contains(what),
            "{error}"
        );
    }
    for (content, rows, told) in [
        (
            "DeviceId,Foo\na,1\n,2\n,3\n",
            3,
            Some("2 rows have no value in any column of DeviceInfo (the first is line 3)"),
        ),
        (
            "DeviceId,Foo\n,1\na,2\n",
            2,
            Some("1 row has no value in any column of DeviceInfo (the first is line 2)"),
        ),
        (
            "DeviceId\na\n\n",
            2,
            Some("1 row has no value in any column of DeviceInfo (the first is line 3)"),
        ),
        ("DeviceId,Foo\na,\nb,2\n", 2, None),
        ("DeviceId,Foo\n", 0, None),
    ] {
        let (answer, found) = text("DeviceInfo.csv", content, COUNT);
        assert_eq!(answer, Ok(rows!([[rows]])), "{content}");
        let told = told.map(|told| format!("DeviceInfo.csv, {told}"));
        assert_eq!(found, told.into_iter().collect::<Vec<_>>(), "{content}");
    }
    // Of a table of one's own nothing is known.
    assert_eq!(text("T.csv", "a,b\n,1\n", "T | count").0, Ok(rows!([[1]])));
}

#[test]
fn so_it_is_in_files_of_columns() {
    let texts =
        |values: &[Option<&str>]| -> ArrayRef { Arc::new(StringArray::from(values.to_vec())) };
    let foo = || -> ArrayRef { Arc::new(Int64Array::from(vec![1, 2, 3])) };
    for name in ["DeviceInfo.parquet", "DeviceInfo.arrow"] {
        for nothing in [&[None, None, None][..], &[Some(""), None, Some("")]] {
            let (answer, _) = columns(name, vec![("DeviceId", texts(nothing)), ("Foo", foo())]);
            let error = answer.unwrap_err();
            let what = format!(
                "{name}: none of its 3 rows has a value in any column of DeviceInfo (they begin at row 1)"
            );
            assert!(error.contains(&what), "{error}");
        }
        let some = texts(&[Some("a"), None, Some("")]);
        let (answer, told) = columns(name, vec![("DeviceId", Arc::clone(&some)), ("Foo", foo())]);
        assert_eq!(answer, Ok(rows!([[3]])), "{name}");
        assert_eq!(
            told,
            [format!(
                "{name}, 2 rows have no value in any column of DeviceInfo (the first is row 2)"
            )]
        );
        let times = |values: Vec<Option<i64>>| -> ArrayRef {
            Arc::new(TimestampMicrosecondArray::from(values))
        };
        let (answer, told) = columns(
            name,
            vec![
                ("Timestamp", times(vec![Some(1), None, Some(3)])),
                ("DeviceId", texts(&[None, Some("b"), None])),
            ],
        );
        assert_eq!((answer, told), (Ok(rows!([[3]])), Vec::new()), "{name}");
    }
}

#[test]
fn a_file_written_column_by_column_is_not_one_row() {
    for content in [
        r#"{"DeviceId":["a","b"],"DeviceName":["x","y"]}"#,
        r#"{"DeviceId":{"0":"a","1":"b"},"DeviceName":{"0":"x","1":"y"}}"#,
        r#"{"DeviceId":{"host-a":"a"},"DeviceName":{"host-a":"x"}}"#,
        r#"{"DeviceId":{"0":"a","1":"b"}}"#,
        r#"{"DeviceId":["a"]}"#,
        r#"{"deviceid":["a"],"Other":1,"AdditionalFields":[{}]}"#,
        r#"{"Timestamp":["2024-01-01"],"OSBuild":[1],"DeviceId":["a"]}"#,
        "[{\"DeviceId\":\"a\"},\n{\"DeviceId\":[\"a\",\"b\"]}]",
    ] {
        let error = text("DeviceInfo.json", content, COUNT).0.unwrap_err();
        assert!(
            error.contains("DeviceInfo.json: line") && error.contains("written column by column"),
            "{content}: {error}"
        );
    }
    for content in [
        r#"{"DeviceId":["a","b"],"x":[1,2]}"#,
        r#"{"DeviceId":{"0":"a","1":"b"},"x":{"0":1,"1":2}}"#,
        r#"{"columns":["DeviceId","x"],"index":[0,1],"data":[["a",1],["b",2]]}"#,
    ] {
        let error = text("Mine.json", content, "Mine | count").0.unwrap_err();
        assert!(
            error.contains("Mine.json") && error.contains("written column by column"),
            "{content}: {error}"
        );
    }
    for content in [
        r#"{"DeviceId":["a","b"],"x":[1]}"#,
        r#"{"DeviceId":["a","b"],"x":1}"#,
        r#"{"tags":["a","b"]}"#,
    ] {
        let (answer, _) = text("Mine.json", content, "Mine | count");
        assert_eq!(answer, Ok(rows!([[1]])), "{content}");
    }
    let lines = "{\"a\":[1,2],\"b\":[3,4]}\n{\"a\":[1,2],\"b\":[3,4]}\n";
    let (answer, _) = text("Mine.json", lines, "Mine | count");
    assert_eq!(answer, Ok(rows!([[2]])));
    for content in [
        r#"{"columns":["DeviceId","DeviceName"],"index":[0,1],"data":[["a","x"],["b","y"]]}"#,
        r#"[["a","x"],["b","y"]]"#,
        r#"{"schema":{"fields":[{"name":"DeviceId"}]},"data":[{"DeviceId":"a"}]}"#,
    ] {
        let error = text("DeviceInfo.json", content, COUNT).0.unwrap_err();
        assert!(
            error.contains("DeviceInfo.json: line 1"),
            "{content}: {error}"
        );
    }
    for (content, rows) in [
        (r#"{"DeviceId":"a","DeviceName":["x"]}"#, 1),
        (r#"{"DeviceId":{"Id":"a"}}"#, 1),
        (r#"{"DeviceId":null,"AdditionalFields":["x"]}"#, 1),
        (
            r#"{"Timestamp":"2024-01-01T00:00:00Z","DeviceName":{"0":"x"}}"#,
            1,
        ),
    ] {
        let (answer, _) = text("DeviceInfo.json", content, COUNT);
        assert_eq!(answer, Ok(rows!([[rows]])), "{content}");
    }
    // A list in Parquet is a value that is no text of one.
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1)])]);
    let (answer, _) = columns("DeviceInfo.parquet", vec![("DeviceId", Arc::new(lists))]);
    assert_eq!(answer, Ok(rows!([[1]])));
}

#[test]
fn lines_of_tables_for_people_and_of_types_are_no_rows() {
    for (content, what) in [
        (
            "DeviceId\n--------\na\n",
            "line 2 is a line below the names",
        ),
        (
            "DeviceId,DeviceName\n--------,----------\na,b\n",
            "line 2 is a line below the names",
        ),
        (
            "| DeviceId | DeviceName |\n|---|:---|\n| a | b |\n",
            "line 2 is a line below the names",
        ),
        (
            "DeviceId,Timestamp\nstring,datetime\na,2024-01-01\n",
            "line 2 has the types of columns",
        ),
    ] {
        let error = text("DeviceInfo.csv", content, COUNT).0.unwrap_err();
        assert!(error.contains(what), "{error}");
    }
    for (content, what) in [
        ("Count\n-----\n    1\n", "line 2 is a line below the names"),
        (
            "a                     b\n--------------------  ----\nx  y\n",
            "line 2 is a line below the names",
        ),
        ("a,b\nint,text\n1,x\n", "line 2 has the types of columns"),
    ] {
        let error = text("T.csv", content, "T | count").0.unwrap_err();
        assert!(error.contains(what), "{error}");
    }
    for content in ["a\nstring\n", "a,b\n-,-\n", "a,b\n--,x\n"] {
        let (answer, _) = text("T.csv", content, "T | count");
        assert_eq!(answer, Ok(rows!([[1]])), "{content}");
    }
}
