//! Columns of one's own tables come back as they are written.

use std::fs;

use kql_engine::{Catalog, Reading, ScalarType};
use serde_json::{Value as Json, json as rows};

use super::{engine, json, run_on};

fn column(name: &str, text: &str) -> (ScalarType, Json) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), text).unwrap();
    let engine = engine(Catalog::from_folder(folder.path(), &|_| None).unwrap());
    let answer = run_on(&engine, "T").unwrap();
    (answer.columns[0].ty, json(&answer))
}

#[test]
fn cells_come_back_as_they_are_written() {
    for (cells, ty) in [
        (&["10.1", "10.10", "10.100"][..], ScalarType::String),
        (&["1", "2.5"], ScalarType::String),
        (&["1.5", "2.0"], ScalarType::Real),
        (&["007", "8"], ScalarType::String),
        (&["+1"], ScalarType::String),
        (&["1e5"], ScalarType::String),
        (&["1_000"], ScalarType::String),
        (&["123456789012345678901234567890"], ScalarType::String),
        (&["NaN"], ScalarType::String),
        (&["TRUE", "true"], ScalarType::String),
        (&["0x1F"], ScalarType::String),
        (&["1 ", "2"], ScalarType::String),
        (&["2024-01-01", "2024-01-01T00:00:00Z"], ScalarType::String),
        (&["2024-01-01T00:00:00+02:00"], ScalarType::String),
        (&["05/03/2024"], ScalarType::String),
        (&["1", "-20"], ScalarType::Long),
    ] {
        let lines: Vec<String> = cells.iter().map(|cell| format!("\"{cell}\"\n")).collect();
        let text = lines.concat();
        let (found, answer) = column("T.csv", &format!("a\n{text}"));
        assert_eq!(found, ty, "{cells:?}");
        if ty == ScalarType::String {
            let expected: Json = cells.iter().map(|cell| rows!([cell])).collect();
            assert_eq!(answer, expected);
        }
    }
}

#[test]
fn numbers_and_texts_in_json_lose_nothing() {
    for (values, ty, expected) in [
        (
            &["1.10", "1.1"][..],
            ScalarType::String,
            rows!([["1.10"], ["1.1"]]),
        ),
        (&["1", "1.10"], ScalarType::String, rows!([["1"], ["1.10"]])),
        (&["1.5", "2"], ScalarType::Real, rows!([[1.5], [2.0]])),
        (
            &["1.5", "2.50", "true"],
            ScalarType::String,
            rows!([["1.5"], ["2.50"], ["true"]]),
        ),
        (
            &["12345678901234567890"],
            ScalarType::String,
            rows!([["12345678901234567890"]]),
        ),
        (
            &["9223372036854775807"],
            ScalarType::Long,
            rows!([[9_223_372_036_854_775_807_i64]]),
        ),
        (
            &["9007199254740993", "1.5"],
            ScalarType::String,
            rows!([["9007199254740993"], ["1.5"]]),
        ),
        (
            &["1.5", "9007199254740993"],
            ScalarType::String,
            rows!([["1.5"], ["9007199254740993"]]),
        ),
        (
            &["1", "\"1\"", "true"],
            ScalarType::Dynamic,
            rows!([[1], ["1"], [true]]),
        ),
        (
            &["\"2024-01-01T00:00:00+02:00\""],
            ScalarType::String,
            rows!([["2024-01-01T00:00:00+02:00"]]),
        ),
        (
            &["\"2024-01-01T00:00:00.123456789Z\""],
            ScalarType::String,
            rows!([["2024-01-01T00:00:00.123456789Z"]]),
        ),
    ] {
        let lines: Vec<String> = values
            .iter()
            .map(|value| format!("{{\"a\":{value}}}\n"))
            .collect();
        let text = lines.concat();
        assert_eq!(column("T.ndjson", &text), (ty, expected), "{values:?}");
    }
}

#[test]
fn a_number_in_a_column_of_text_is_as_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let text = "{\"v\":10.10}\n{\"v\":123456789012345678901234567890}\n{\"v\":5}\n{\"v\":\"x\"}\n";
    fs::write(folder.path().join("T.json"), text).unwrap();
    let schema = |_: &str| Some(vec![("v".to_owned(), ScalarType::String)]);
    let engine = engine(Catalog::from_folder(folder.path(), &schema).unwrap());
    assert_eq!(
        json(&run_on(&engine, "T").unwrap()),
        rows!([["10.10"], ["123456789012345678901234567890"], ["5"], ["x"]])
    );
}

#[test]
fn a_record_has_a_bound() {
    let long = "x".repeat(2_000);
    for (name, text, line) in [
        (
            "T.ndjson",
            format!("{{\"a\":1}}\n{{\"a\":\"{long}\"}}\n"),
            2,
        ),
        (
            "T.json",
            format!("[{{\"a\":1}},\n{{\"a\":\"{long}\"}}]\n"),
            2,
        ),
        ("T.json", format!("{{\n\"a\":\n\"{long}\"\n}}\n"), 3),
        (
            "T.json",
            format!("{{\n\"a\":\n[{}]\n}}\n", "1,\n".repeat(2_000)),
            1,
        ),
        ("T.json", format!("{}{{\"a\":1}}\n", " ".repeat(2_000)), 1),
        (
            "T.json",
            format!("{{\"a\":1}}\n{}{{\"a\":1}}\n", "\n".repeat(2_000)),
            1_002,
        ),
        ("T.csv", format!("a\n1\n{long}\n"), 3),
        ("T.csv", format!("a\n1\n\"{}\"\n", "x\n".repeat(1_000)), 3),
        ("T.csv", format!("{long}\n1\n"), 1),
        ("T.csv", format!("a\n1\n\"{}", "x\n".repeat(1_000)), 3),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), text).unwrap();
        let mut catalog = Catalog::from_folder(folder.path(), &|_| None).unwrap();
        catalog.set_reading(Reading {
            largest_record: 1_000,
            ..Reading::default()
        });
        let error = run_on(&engine(catalog), "T | count")
            .unwrap_err()
            .to_string();
        let what = format!("{name}: line {line} has a record of more than 1000 bytes");
        assert!(error.contains(&what), "{error}");
    }
}

#[test]
fn one_notation_of_times_is_one_over_all_kinds_of_files() {
    let of = |csv: &str, json: &str| {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("T")).unwrap();
        fs::write(folder.path().join("T/a.csv"), format!("d\n{csv}\n")).unwrap();
        let json = rows!({"d": json}).to_string();
        fs::write(folder.path().join("T/b.ndjson"), json).unwrap();
        let engine = engine(Catalog::from_folder(folder.path(), &|_| None).unwrap());
        let answer = run_on(&engine, "T | distinct d | sort by d asc").unwrap();
        (answer.columns[0].ty, self::json(&answer))
    };
    let (day, midnight) = ("2026-11-20", "2026-11-20T00:00:00Z");
    assert_eq!(
        of(day, midnight),
        (ScalarType::String, rows!([[day], [midnight]]))
    );
    let padded = "2026-11-20T00:00:00.000Z";
    assert_eq!(of(padded, midnight).0, ScalarType::String);
    assert_eq!(
        of(midnight, midnight),
        (
            ScalarType::DateTime,
            rows!([["2026-11-20T00:00:00.0000000Z"]])
        )
    );
    assert_eq!(
        of("1", midnight),
        (ScalarType::String, rows!([["1"], [midnight]]))
    );
}
