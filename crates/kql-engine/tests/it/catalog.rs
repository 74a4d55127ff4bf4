//! Tables from Arrow and from files.

use std::fs::{self, File};
use std::io::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int32Array, StringArray, TimestampMillisecondArray};
use arrow::record_batch::RecordBatch;
use kql_engine::{Catalog, Engine, Options, ScalarType};
use serde_json::json as rows;

use super::{engine, json, run_on};

fn batch() -> RecordBatch {
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "Timestamp",
            Arc::new(TimestampMillisecondArray::from(vec![Some(0), None])),
        ),
        ("Name", Arc::new(StringArray::from(vec![None, Some("b")]))),
        ("Port", Arc::new(Int32Array::from(vec![443, 80]))),
        ("Extra", Arc::new(BooleanArray::from(vec![true, false]))),
        (
            "Fields",
            Arc::new(StringArray::from(vec![r#"{"a":1}"#, ""])),
        ),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

#[test]
fn batches_are_adapted_to_the_declared_columns() {
    let mut catalog = Catalog::new();
    let columns = [
        ("Timestamp", ScalarType::DateTime),
        ("Name", ScalarType::String),
        ("Port", ScalarType::Long),
        ("Missing", ScalarType::String),
        ("Fields", ScalarType::Dynamic),
    ];
    let columns = columns
        .iter()
        .map(|(name, ty)| ((*name).to_owned(), *ty))
        .collect();
    catalog.add("Events", columns, vec![batch()]);
    let answer = run_on(&engine(catalog), "Events | extend a = Fields.a").unwrap();
    assert_eq!(
        json(&answer),
        rows!([
            ["1970-01-01T00:00:00.0000000Z", "", 443, "", {"a": 1}, 1],
            [null, "b", 80, "", null, null]
        ])
    );
}

#[test]
fn a_time_range_limits_tables_with_a_timestamp() {
    let mut catalog = Catalog::new();
    catalog.add_batches("Events", vec![batch()]);
    let epoch = 621_355_968_000_000_000;
    let options = Options {
        time_range: Some((epoch - 1, epoch + 1)),
        ..Options::default()
    };
    let answer = run_on(&Engine::new(catalog, options), "Events | project Port").unwrap();
    assert_eq!(json(&answer), rows!([[443]]));
}

#[test]
fn sentinels_name_of_the_time_is_taken_too() {
    let mut catalog = Catalog::new();
    catalog.add_batches("Events", vec![batch()]);
    let engine = engine(catalog);
    let query = "Events | where TimeGenerated < datetime(2000-01-01) | project Port";
    assert_eq!(json(&run_on(&engine, query).unwrap()), rows!([[443]]));
    assert_eq!(run_on(&engine, "Events | take 1").unwrap().columns.len(), 5);
}

fn declared(name: &str) -> Option<Vec<(String, ScalarType)>> {
    (name == "DeviceEvents").then(|| {
        vec![
            ("Timestamp".to_owned(), ScalarType::DateTime),
            ("AdditionalFields".to_owned(), ScalarType::Dynamic),
            ("RawJson".to_owned(), ScalarType::String),
        ]
    })
}

#[test]
fn folders_hold_tables() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("DeviceEvents")).unwrap();
    fs::write(
        path("DeviceEvents/one.json"),
        concat!(
            r#"{"time":"x","tenantId":"t","category":"DeviceEvents","properties":{"Timestamp":"2024-01-01T00:00:00Z","AdditionalFields":"{\"a\":[1]}","RawJson":{"k":1},"More":5}}"#,
            "\n\n",
            r#"{"records":[{"time":"x","category":"DeviceEvents","properties":{"Timestamp":"2024-01-02T00:00:00.1234567Z","AdditionalFields":{"a":[2]},"RawJson":null}}]}"#,
        ),
    )
    .unwrap();
    let mut gzip = flate2::write::GzEncoder::new(
        File::create(path("Sales.csv.gz")).unwrap(),
        flate2::Compression::fast(),
    );
    gzip.write_all(b"Name,Amount\r\n\"a \"\"q\"\", b\",1\nline,2\n")
        .unwrap();
    gzip.finish().unwrap();
    let mut writer = arrow::ipc::writer::FileWriter::try_new(
        File::create(path("Native.arrow")).unwrap(),
        &batch().schema(),
    )
    .unwrap();
    writer.write(&batch()).unwrap();
    writer.finish().unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(
        File::create(path("Lake.parquet")).unwrap(),
        batch().schema(),
        None,
    )
    .unwrap();
    writer.write(&batch()).unwrap();
    writer.close().unwrap();
    fs::write(path("Array.json"), r#"[{"a":1,"b":"x"},{"a":2.5}]"#).unwrap();
    fs::write(path("readme.txt"), "no table").unwrap();

    let catalog = Catalog::from_folder(folder.path(), &declared).unwrap();
    assert_eq!(
        catalog.table_names(),
        ["Array", "DeviceEvents", "Lake", "Native", "Sales"]
    );
    let engine = engine(catalog);
    let answer = |query: &str| json(&run_on(&engine, query).unwrap());
    assert_eq!(
        answer("DeviceEvents | project Timestamp, AdditionalFields.a[0], RawJson, More"),
        rows!([
            ["2024-01-01T00:00:00.0000000Z", 1, "{\"k\":1}", 5],
            ["2024-01-02T00:00:00.1234567Z", 2, "", null]
        ])
    );
    assert_eq!(
        answer("Sales | extend n = Amount + 1"),
        rows!([["a \"q\", b", 1, 2], ["line", 2, 3]])
    );
    assert_eq!(answer("Native | summarize sum(Port)"), rows!([[523]]));
    assert_eq!(
        answer("Lake | where Extra | project Port, Name"),
        rows!([[443, ""]])
    );
    assert_eq!(answer("Array"), rows!([[1.0, "x"], [2.5, ""]]));
    assert!(
        run_on(&engine, "sales").is_err(),
        "names of tables are case-sensitive"
    );
}

#[test]
fn a_broken_file_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("T.ndjson"), "{\"a\":1}\n{\"a\":\n").unwrap();
    let catalog = Catalog::from_folder(folder.path(), &|_| None).unwrap();
    let error = catalog.columns("T").unwrap_err().to_string();
    assert!(error.contains("T.ndjson: line 2 is no JSON"), "{error}");
    assert!(Catalog::from_folder(folder.path().join("none"), &|_| None).is_err());
}

#[test]
fn deep_and_large_cells_survive() {
    let folder = tempfile::tempdir().unwrap();
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let large = "x".repeat(10 << 20);
    let text = format!("{{\"d\":{deep},\"s\":\"{large}\"}}\n");
    fs::write(folder.path().join("T.json"), text).unwrap();
    let catalog = Catalog::from_folder(folder.path(), &|_| None).unwrap();
    let answer = run_on(&engine(catalog), "T | project strlen(s), tostring(d)").unwrap();
    assert_eq!(json(&answer), rows!([[10 << 20, deep]]));
}
