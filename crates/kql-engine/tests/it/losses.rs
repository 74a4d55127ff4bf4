//! What a file has and a row cannot hold is an error, or is told.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryBuilder, Date32Array, DurationNanosecondArray, DurationSecondArray,
    Int64Array, MapBuilder, RecordBatch, StringArray, StringBuilder, StructArray,
    TimestampNanosecondArray, TimestampSecondArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields};
use arrow::ipc::writer::FileWriter;
use kql_engine::{Catalog, ScalarType};
use parquet::arrow::ArrowWriter;
use parquet::data_type::{Int96, Int96Type};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::json as rows;

use super::{engine, json, run_on};

fn schema(name: &str) -> Option<Vec<(String, ScalarType)>> {
    (name == "T").then(|| {
        [
            ("Id", ScalarType::Long),
            ("D", ScalarType::Dynamic),
            ("S", ScalarType::String),
        ]
        .map(|(name, ty)| (name.to_owned(), ty))
        .to_vec()
    })
}

/// What a query over a folder answers, and what is told of the table `T`.
fn asked(folder: &Path, query: &str) -> (Result<serde_json::Value, String>, Vec<String>) {
    let catalog = Catalog::from_folder(folder, &schema).unwrap();
    let engine = engine(catalog);
    let answer = run_on(&engine, query);
    let told = engine.catalog().losses([&"T".to_owned(), &"U".to_owned()]);
    let told = told.into_iter().map(|one| {
        let folder = format!("in {}/", folder.display());
        one.strip_prefix(&folder).unwrap().to_owned()
    });
    let answer = answer.map(|answer| json(&answer));
    (answer.map_err(|error| error.to_string()), told.collect())
}

fn arrow(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = File::create(path).unwrap();
    let mut writer = FileWriter::try_new(file, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
}

fn parquet(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[test]
fn a_dynamic_value_that_is_not_whole_is_told_with_its_place() {
    let large = "has the number 18446744073709551615, which is kept as 1.8446744073709552e19: a real has 64 bits";
    let fine = "has the number 3.14159265358979323846, which is kept as 3.141592653589793: a real has 64 bits";
    let twice = |text: &str| {
        format!("has a key twice in an object, of which the last value is kept: {text:?}")
    };
    for (value, expected) in [
        (
            r#"{"a":1,"b":[0.1,9223372036854775807,"18446744073709551615"]}"#,
            None,
        ),
        (r#"{"a":18446744073709551615}"#, Some(large.to_owned())),
        ("[3.14159265358979323846]", Some(fine.to_owned())),
        (r#"{"a":1,"a":2}"#, Some(twice(r#"{"a":1,"a":2}"#))),
    ] {
        let text = serde_json::to_string(value).unwrap();
        let cell = value.replace('"', "\"\"");
        for (name, content, line) in [
            (
                "T.ndjson",
                format!("{{\"Id\":1}}\n{{\"Id\":2,\"D\":{text}}}\n"),
                "line 2",
            ),
            ("T.csv", format!("Id,D\n1,\n2,\"{cell}\"\n"), "line 3"),
            (
                "T.json",
                format!("{{\"Id\":1}}\n{{\"Id\":2,\"D\":{value}}}\n"),
                "line 2",
            ),
        ] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(name), content).unwrap();
            let (answer, told) = asked(
                folder.path(),
                "T | where Id == 2 | project Id, isnotnull(D)",
            );
            if name == "T.json" && value.contains(r#""a":1,"a""#) {
                let error = answer.unwrap_err();
                assert!(
                    error.contains("T.json: line 2") && error.contains("'a' twice"),
                    "{error}"
                );
                continue;
            }
            assert_eq!(answer, Ok(rows!([[2, true]])), "{name} {value}");
            let expected = expected.iter().map(|what| format!("{name}, {line} {what}"));
            assert_eq!(told, expected.collect::<Vec<_>>(), "{name} {value}");
        }
        let folder = tempfile::tempdir().unwrap();
        let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        let values: ArrayRef = Arc::new(StringArray::from(vec![None, Some(value)]));
        parquet(
            &folder.path().join("T.parquet"),
            vec![("Id", ids), ("D", values)],
        );
        let (answer, told) = asked(folder.path(), "T | project Id, isnotnull(D)");
        assert_eq!(answer, Ok(rows!([[1, false], [2, true]])), "{value}");
        let expected = expected.map(|what| format!("T.parquet, column D of row 2 {what}"));
        assert_eq!(told, expected.into_iter().collect::<Vec<_>>(), "{value}");
        // Whoever does not read the column loses nothing.
        assert_eq!(asked(folder.path(), "T | project Id").1, [""; 0]);
    }
}

#[test]
fn a_nested_value_in_a_column_of_text_loses_nothing_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("T.json");
    fs::write(&path, "{\"S\":{\"a\":18446744073709551615}}\n").unwrap();
    let (answer, told) = asked(folder.path(), "T | project S");
    assert_eq!(answer, Ok(rows!([[r#"{"a":18446744073709551615}"#]])));
    assert_eq!(told, [""; 0]);
    fs::write(&path, "{\"S\":{\"a\":18446744073709551616}}\n").unwrap();
    let (_, told) = asked(folder.path(), "T | project S");
    assert_eq!(told.len(), 1, "{told:?}");
    fs::write(&path, "{\"S\":[{\"a\":1,\"a\":2}]}\n").unwrap();
    let error = asked(folder.path(), "T | project S").0.unwrap_err();
    assert!(
        error.contains("T.json: line 1") && error.contains("'a' twice"),
        "{error}"
    );
}

#[test]
fn members_of_one_name_are_an_error_of_the_queries_that_read_them() {
    let number: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let field = |name: &str| Field::new(name, DataType::Int64, true);
    let record: ArrayRef = Arc::new(StructArray::new(
        Fields::from(vec![field("a"), field("a")]),
        vec![Arc::clone(&number), Arc::clone(&number)],
        None,
    ));
    let mut maps = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for keys in [["x", "y"], ["k", "k"]] {
        for key in keys {
            maps.keys().append_value(key);
            maps.values().append_value("v");
        }
        maps.append(true).unwrap();
    }
    let maps: ArrayRef = Arc::new(maps.finish());
    let folder = tempfile::tempdir().unwrap();
    let columns = || {
        vec![
            ("n", Arc::clone(&number)),
            ("r", Arc::clone(&record)),
            ("m", Arc::clone(&maps)),
        ]
    };
    for name in ["U.arrow", "U.parquet"] {
        let path = folder.path().join(name);
        if name == "U.arrow" {
            arrow(&path, columns());
        } else {
            fs::remove_file(folder.path().join("U.arrow")).unwrap();
            parquet(&path, columns());
        }
        assert_eq!(
            asked(folder.path(), "U | project n").0,
            Ok(rows!([[1], [2]])),
            "{name}"
        );
        for (column, row, key) in [("r", 1, "a"), ("m", 2, "k")] {
            let error = asked(folder.path(), &format!("U | project {column}"))
                .0
                .unwrap_err();
            let what = format!("{name}: row {row} has in column {column} the key \"{key}\" twice");
            assert!(error.contains(&what), "{error}");
        }
    }
}

#[test]
fn times_that_no_calendar_has_are_an_error_with_the_number() {
    let folder = tempfile::tempdir().unwrap();
    let dates = || Date32Array::from(vec![0, i32::MAX]);
    let list = arrow::array::ListArray::new(
        Arc::new(Field::new_list_field(DataType::Date32, true)),
        OffsetBuffer::from_lengths([1, 1]),
        Arc::new(dates()),
        None,
    );
    arrow(
        &folder.path().join("U.arrow"),
        vec![
            ("n", Arc::new(Int64Array::from(vec![1, 2]))),
            ("d", Arc::new(dates())),
            ("s", Arc::new(DurationSecondArray::from(vec![1, i64::MAX]))),
            ("t", Arc::new(TimestampSecondArray::from(vec![0, i64::MAX]))),
            ("l", Arc::new(list)),
        ],
    );
    assert_eq!(
        asked(folder.path(), "U | project n").0,
        Ok(rows!([[1], [2]]))
    );
    for (column, what) in [
        ("d", "\"2147483647 as Date32\" in column d"),
        ("s", "in column s"),
        ("t", "9223372036854775807"),
        ("l", "column l a value of Date32 inside that cannot be read"),
    ] {
        let error = asked(folder.path(), &format!("U | project {column}"))
            .0
            .unwrap_err();
        assert!(error.contains("U.arrow: row 2"), "{error}");
        assert!(error.contains(what) && !error.contains("ERROR"), "{error}");
    }
}

fn int96(path: &Path, values: &[(u32, u64)]) {
    let schema = parse_message_type("message m { required int96 t; }").unwrap();
    let file = File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let times: Vec<Int96> = values
        .iter()
        .map(|(day, nanos)| {
            let mut time = Int96::new();
            let half = |value: u64| u32::try_from(value).unwrap();
            time.set_data(half(nanos & 0xffff_ffff), half(nanos >> 32), *day);
            time
        })
        .collect();
    column
        .typed::<Int96Type>()
        .write_batch(&times, None, None)
        .unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
}

#[test]
fn every_year_of_an_old_writer_is_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("U.parquet");
    int96(&path, &[(2_440_588, 100), (2_440_589, 86_399_999_999_900)]);
    let (answer, told) = asked(folder.path(), "U | project tostring(t)");
    assert_eq!(
        answer,
        Ok(rows!([
            ["1970-01-01T00:00:00.0000001Z"],
            ["1970-01-02T23:59:59.9999999Z"]
        ]))
    );
    assert_eq!(told, [""; 0]);
    // 9000-01-01 and 1500-01-01.
    int96(&path, &[(5_008_243, 1_000), (2_268_924, 0), (2_440_588, 0)]);
    let (answer, told) = asked(folder.path(), "U | project tostring(t)");
    assert_eq!(
        answer,
        Ok(rows!([
            ["9000-01-01T00:00:00.0000010Z"],
            ["1500-01-01T00:00:00.0000000Z"],
            ["1970-01-01T00:00:00.0000000Z"]
        ]))
    );
    assert_eq!(told, [""; 0]);
    int96(&path, &[(5_008_243, 100)]);
    let (_, told) = asked(folder.path(), "U | where t > datetime(8000-01-01) | count");
    assert_eq!(
        told,
        [
            "U.parquet, column t has times outside the years 1677 to 2262, so that all are read to the microsecond"
        ]
    );
}

#[test]
fn digits_below_ticks_are_told_with_how_many_there_are() {
    let times: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![100, 101, 199]));
    let spans: ArrayRef = Arc::new(DurationNanosecondArray::from(vec![
        Some(1),
        None,
        Some(200),
    ]));
    let inner: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![7, 8, 9]));
    let field = Field::new("t", inner.data_type().clone(), true);
    let records: ArrayRef = Arc::new(StructArray::new(
        Fields::from(vec![field]),
        vec![inner],
        None,
    ));
    for name in ["U.arrow", "U.parquet"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let columns = vec![
            ("t", Arc::clone(&times)),
            ("d", Arc::clone(&spans)),
            ("r", Arc::clone(&records)),
        ];
        if name == "U.arrow" {
            arrow(&path, columns);
        } else {
            parquet(&path, columns);
        }
        for (query, expected) in [
            (
                "U | distinct t | union (U | distinct t) | count",
                &["column t has 2 times"][..],
            ),
            (
                "U | project t, d, r",
                &[
                    "column d has 1 time",
                    "column r has 3 times",
                    "column t has 2 times",
                ],
            ),
            ("U | count", &[]),
        ] {
            let (answer, told) = asked(folder.path(), query);
            assert!(answer.is_ok(), "{answer:?}");
            let expected = expected
                .iter()
                .map(|what| format!("{name}, {what} with digits below 100 ns, which are not kept"));
            assert_eq!(told, expected.collect::<Vec<_>>(), "{name}: {query}");
        }
    }
}

#[test]
fn digits_of_times_in_text_that_ticks_do_not_hold_are_counted() {
    let schema = |name: &str| {
        let columns = [
            ("Timestamp", ScalarType::DateTime),
            ("S", ScalarType::String),
        ];
        let columns = columns.map(|(name, ty)| (name.to_owned(), ty));
        (name == "T").then(|| columns.to_vec())
    };
    for (name, text) in [
        (
            "T.ndjson",
            "{\"Timestamp\":\"2026-11-01T08:00:00.123456789Z\",\"S\":\"1.123456789\"}\n\
             {\"Timestamp\":\"2026-11-01T08:00:00.1234567Z\"}\n\
             {\"Timestamp\":\"2026-11-01T08:00:00.123456700Z\"}\n\
             {\"Timestamp\":\"2026-11-01T08:00:00.000000001Z\"}\n",
        ),
        (
            "T.csv",
            "Timestamp,S\n2026-11-01T08:00:00.123456789Z,1.123456789\n\
             2026-11-01T08:00:00.1234567Z,\n2026-11-01T08:00:00.123456700Z,\n\
             2026-11-01 08:00:00.000000001,\n",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), text).unwrap();
        let catalog = Catalog::from_folder(folder.path(), &schema).unwrap();
        let engine = engine(catalog);
        for query in [
            "T",
            "T | distinct Timestamp | union (T | distinct Timestamp)",
        ] {
            run_on(&engine, query).unwrap();
            let told = engine.catalog().losses([&"T".to_owned()]);
            let expected = "column Timestamp has 2 times with digits below 100 ns";
            assert!(told.len() == 1 && told[0].contains(expected), "{told:?}");
        }
    }
}

#[test]
fn a_key_that_is_no_text_is_an_error() {
    let mut maps = MapBuilder::new(None, BinaryBuilder::new(), StringBuilder::new());
    for key in [&b"k"[..], b"\xff"] {
        maps.keys().append_value(key);
        maps.values().append_value("v");
        maps.append(true).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let maps: ArrayRef = Arc::new(maps.finish());
    let number: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    arrow(
        &folder.path().join("U.arrow"),
        vec![("n", number), ("m", maps)],
    );
    assert_eq!(
        asked(folder.path(), "U | project n").0,
        Ok(rows!([[1], [2]]))
    );
    let error = asked(folder.path(), "U").0.unwrap_err();
    let what = "U.arrow: row 2 has in column m a key that is no text in UTF-8";
    assert!(error.contains(what), "{error}");
}

#[test]
fn a_number_that_is_kept_as_it_is_written_is_no_loss() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("U.ndjson");
    fs::write(&path, "{\"a\":12345678901234567890,\"b\":{\"x\":1.5}}\n").unwrap();
    let (answer, told) = asked(folder.path(), "U");
    assert_eq!(answer, Ok(rows!([["12345678901234567890", {"x": 1.5}]])));
    assert_eq!(told, [""; 0]);
    fs::write(&path, "{\"a\":1}\n{\"a\":1e999}\n").unwrap();
    let error = asked(folder.path(), "U").0.unwrap_err();
    assert!(
        error.contains("U.ndjson: line 2 has a number that no real holds"),
        "{error}"
    );
}
