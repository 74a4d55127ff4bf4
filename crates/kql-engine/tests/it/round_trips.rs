//! What `defender` writes as CSV, and reads as the file of a table.

use std::fs;

use defender_table::{
    ColumnType, CsvOptions, DatetimeMode, Format, JsonCell, Summary, Table, TableBuilder,
    WriterOptions,
};
use kql_engine::{Catalog, ResultSet, ScalarType, Value};
use proptest::prelude::*;

use super::{engine, run_on};

fn table(names: &[String], cells: &[Vec<String>]) -> Table {
    let columns: Vec<(String, ColumnType)> = names
        .iter()
        .map(|name| (name.clone(), ColumnType::String))
        .collect();
    let mut builder = TableBuilder::new(&columns, DatetimeMode::Timestamp);
    for row in cells {
        builder
            .append_row(row.iter().map(|cell| JsonCell::Str(cell)))
            .unwrap();
    }
    let (schema, batches, warnings) = builder.finish().unwrap();
    let summary = Summary {
        rows: cells.len(),
        warnings,
        ..Summary::default()
    };
    Table::new(schema, batches, summary).unwrap()
}

/// The names and cells of a table after a file.
fn read_back(
    names: &[String],
    cells: &[Vec<String>],
    csv: CsvOptions,
) -> (Vec<String>, Vec<Vec<String>>) {
    let options = WriterOptions {
        csv,
        ..WriterOptions::default()
    };
    let text = table(names, cells).to_text(Format::Csv, &options).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("T.csv"), &text).unwrap();
    // As text, so that a column of numbers is what was written.
    let types = names.iter().map(|name| (name.clone(), ScalarType::String));
    let types: Vec<_> = types.collect();
    let catalog = Catalog::from_folder(folder.path(), &|_| None).unwrap();
    let found: Vec<String> = catalog
        .columns("T")
        .unwrap_or_else(|error| panic!("{error}: {text:?}"))
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    let mut catalog = Catalog::new();
    catalog.add_file("T", Some(types), folder.path().join("T.csv"));
    let answer = run_on(&engine(catalog), "T").unwrap_or_else(|error| panic!("{error}: {text:?}"));
    (found, texts(&answer))
}

/// The cells of an answer; those of numbers and of truth as they are written.
fn texts(answer: &ResultSet) -> Vec<Vec<String>> {
    let text = |value: &Value| match value.to_json() {
        serde_json::Value::String(text) => text,
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    };
    let rows = answer.rows().map(|row| row.iter().map(text).collect());
    rows.collect()
}

/// The cells of a table that nobody declared, after a file.
fn read_as_guessed(names: &[String], cells: &[Vec<String>], csv: CsvOptions) -> Vec<Vec<String>> {
    let options = WriterOptions {
        csv,
        ..WriterOptions::default()
    };
    let text = table(names, cells).to_text(Format::Csv, &options).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x.csv"), &text).unwrap();
    let catalog = Catalog::from_folder(folder.path(), &|_| None).unwrap();
    let answer = run_on(&engine(catalog), "x").unwrap_or_else(|error| panic!("{error}: {text:?}"));
    texts(&answer)
}

#[test]
fn rows_that_look_like_none_are_rows() {
    let all = [
        "---",
        "===",
        "-",
        "",
        "string",
        "Timestamp",
        "System.DateTime",
        "decimal(1,2)",
        "a",
        "b",
        "\"a\"",
        "\u{feff}a",
        "\u{feff}\"a\"",
        " a ",
        "'a",
        "a,b",
        "text\n",
    ];
    let headers = [
        &["a", "b"][..],
        &["a;b", "b|c"],
        &["a;b"],
        &["a"],
        &["", "b"],
        &[""],
        &[" ", "  "],
        &["string", "long"],
        &["---", "b"],
        &["Timestamp", "System.DateTime"],
    ];
    let options = [true, false].map(|escape_formulas| CsvOptions {
        escape_formulas,
        ..CsvOptions::default()
    });
    for written in headers {
        let names: Vec<String> = written.iter().map(|name| (*name).to_owned()).collect();
        let mut rows = vec![names.clone()];
        for one in all {
            rows.push(vec![one.to_owned(); names.len()]);
            if names.len() == 2 {
                let other = ["", "string", "a"].map(|other| vec![one.to_owned(), other.to_owned()]);
                rows.extend(other);
            }
        }
        rows.retain(|row: &Vec<String>| row.iter().any(|cell| !cell.is_empty()));
        let csv = CsvOptions::default();
        for row in &rows {
            let cells = vec![row.clone(), vec!["a".to_owned(); names.len()], row.clone()];
            let found = read_back(&names, &cells, csv);
            assert_eq!(found, (names.clone(), cells.clone()));
            assert_eq!(read_as_guessed(&names, &cells, csv), cells);
        }
        assert_eq!(read_as_guessed(&names, &rows, csv), rows, "{names:?}");
        for csv in options {
            let found = read_as_guessed(&names, &rows, csv);
            assert_eq!(found.len(), rows.len(), "{names:?} {csv:?}");
        }
    }
}

#[test]
fn names_that_look_like_something_else_are_names() {
    for names in [
        &["a,b"][..],
        &["a;b"],
        &["a|b"],
        &["a\tb"],
        &["sep=;"],
        &["SEP=,"],
        &["\"sep=;\""],
        &["sep=;", "b"],
        &["#TYPE x"],
        &["#TYPE x", "b"],
        &["\"#TYPE x\"", "b"],
        &[" a", "a", "a "],
        &["\u{feff}a", "b"],
        &["a\nb", "c\r\nd"],
        &["a\0b"],
        &["a\"b"],
        &["PAR1\u{1}", "x"],
        &["PK\u{3}\u{4}"],
        &["{\"a\":1}"],
    ] {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        for cells in [
            &[][..],
            &["x,y", "x,z"],
            &["a\0b", " ", "\"", "\r", "sep=;", "#TYPE x", "\u{feff}"],
        ] {
            let cells: Vec<Vec<String>> = cells
                .iter()
                .map(|cell| vec![(*cell).to_owned(); names.len()])
                .collect();
            for csv in [
                CsvOptions::default(),
                CsvOptions {
                    crlf: true,
                    bom: true,
                    escape_formulas: false,
                },
            ] {
                let found = read_back(&names, &cells, csv);
                assert_eq!(found, (names.clone(), cells.clone()), "{names:?} {csv:?}");
            }
        }
    }
}

/// Texts of the characters that CSV and its readers look at.
fn text(least: usize) -> impl Strategy<Value = String> {
    let character = prop_oneof![
        prop::sample::select(vec![
            ',', ';', '\t', '|', '"', '\'', '\n', '\r', ' ', '\0', '=', '#', '\u{feff}', '{', '[',
        ]),
        prop::sample::select(vec!['a', 'B', '1', '0', '.', '-', 'ü', '\u{1f600}']),
    ];
    let some = prop::collection::vec(character, least..8);
    let some = some.prop_map(|all| all.into_iter().collect::<String>());
    prop_oneof![
        4 => some,
        2 => prop::sample::select(vec![
            "sep=;", "sep=", "#TYPE x", "#TYPE ", "\"sep=,\"", "a,b", "---", "==", "string",
            "Timestamp", "System.DateTime", "a", "B", "",
        ])
            .prop_map(str::to_owned),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        names in prop::collection::hash_set(text(1), 1..4),
        rows in prop::collection::vec(prop::collection::vec(text(0), 3), 0..4),
        crlf in any::<bool>(),
        bom in any::<bool>(),
    ) {
        let names: Vec<String> = names.into_iter().collect();
        let cells: Vec<Vec<String>> =
            rows.into_iter().map(|row| row.into_iter().take(names.len()).collect()).collect();
        // Zeros among the first bytes are those of UTF-16, and rows without any value are refused.
        prop_assume!(!names.iter().any(|name| name.contains('\0')));
        prop_assume!(cells.is_empty() || cells.iter().flatten().any(|cell| !cell.is_empty()));
        // A line of nothing but separators is refused in a table whose columns are known.
        prop_assume!(names.len() == 1 || cells.iter().all(|row| row.iter().any(|cell| !cell.is_empty())));
        let csv = CsvOptions { crlf, bom, escape_formulas: false };
        prop_assert_eq!(read_as_guessed(&names, &cells, csv), cells.clone());
        let found = read_back(&names, &cells, csv);
        prop_assert_eq!(found, (names, cells));
    }
}
