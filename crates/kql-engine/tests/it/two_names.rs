//! Two columns of a file that are the same column of its table.

use std::fs;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use kql_engine::{Catalog, ScalarType};
use parquet::arrow::ArrowWriter;

use super::{engine, json, run_on};

fn schema(name: &str) -> Option<Vec<(String, ScalarType)>> {
    (name == "T").then(|| {
        [
            ("Timestamp", ScalarType::DateTime),
            ("DeviceName", ScalarType::String),
            ("DeviceId", ScalarType::String),
        ]
        .map(|(name, ty)| (name.to_owned(), ty))
        .to_vec()
    })
}

fn ask(file: &str, bytes: &[u8], query: &str) -> Result<serde_json::Value, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(file), bytes).unwrap();
    let catalog =
        Catalog::from_folder(folder.path(), &schema).map_err(|error| error.to_string())?;
    let answer = run_on(&engine(catalog), query);
    answer
        .map(|answer| json(&answer))
        .map_err(|error| error.to_string())
}

/// The same two columns, with two rows, in every format.
fn files(names: [&str; 2], values: [[&str; 2]; 2]) -> Vec<(&'static str, Vec<u8>)> {
    let csv = format!(
        "DeviceId,{},{}\n1,{},{}\n2,{},{}\n",
        names[0], names[1], values[0][0], values[0][1], values[1][0], values[1][1]
    );
    let row = |row: [&str; 2]| {
        let text = |value: &str| match value {
            "" => "null".to_owned(),
            value => format!("{value:?}"),
        };
        format!(
            "{{\"DeviceId\":\"1\",\"{}\":{},\"{}\":{}}}\n",
            names[0],
            text(row[0]),
            names[1],
            text(row[1])
        )
    };
    let column =
        |at: usize| -> ArrayRef { Arc::new(StringArray::from(vec![values[0][at], values[1][at]])) };
    let ids: ArrayRef = Arc::new(StringArray::from(vec!["1", "2"]));
    let batch = RecordBatch::try_from_iter([
        ("DeviceId", ids),
        (names[0], column(0)),
        (names[1], column(1)),
    ])
    .unwrap();
    let mut parquet = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut parquet, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    vec![
        ("T.csv", csv.into_bytes()),
        (
            "T.ndjson",
            format!("{}{}", row(values[0]), row(values[1])).into_bytes(),
        ),
        ("T.parquet", parquet),
    ]
}

#[test]
fn of_two_names_for_a_column_none_is_chosen_in_silence() {
    for names in [
        ["devicename", "DEVICENAME"],
        ["devicename_s", "DeviceName_g"],
    ] {
        for (file, bytes) in files(names, [["x", "x"], ["x", "y"]]) {
            let error = ask(file, &bytes, "T | project DeviceName").expect_err(file);
            for part in [
                file,
                "row 2 has ",
                names[0],
                names[1],
                "\"x\" in ",
                "\"y\" in ",
                "each is the column DeviceName",
            ] {
                assert!(error.contains(part), "{part}: {error}");
            }
            // It is an error of the queries that read the column.
            let count = ask(file, &bytes, "T | summarize count() by DeviceId | count");
            assert!(count.is_ok(), "{file}: {count:?}");
        }
        // Where they do not contradict each other, they are one.
        for (file, bytes) in files(names, [["x", ""], ["y", "y"]]) {
            let found = ask(file, &bytes, "T | project DeviceName");
            assert_eq!(found, Ok(serde_json::json!([["x"], ["y"]])), "{file}");
        }
    }
    let times = ["timestamp", "Timestamp [UTC]"];
    let (one, other) = ("2026-11-01T08:00:00Z", "2026-11-01T09:00:00Z");
    for (file, bytes) in files(times, [[one, one], [one, other]]) {
        let error = ask(file, &bytes, "T | project Timestamp").expect_err(file);
        assert!(
            error.contains("row 2 has ") && error.contains(times[1]),
            "{error}"
        );
    }
}

#[test]
fn the_nearest_name_counts_before_others() {
    let times = ["TimeGenerated", "Timestamp [UTC]"];
    let (one, other) = ("2026-11-01T08:00:00Z", "2026-11-01T09:00:00Z");
    for (file, bytes) in files(times, [[one, other], [one, other]]) {
        let found = ask(
            file,
            &bytes,
            "T | distinct hour = datetime_part('hour', Timestamp)",
        );
        assert_eq!(found, Ok(serde_json::json!([[9]])), "{file}");
    }
}
