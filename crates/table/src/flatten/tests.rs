//! Objects taken apart.

use super::*;
use crate::{Format, Summary, TableBuilder, WriterOptions};

fn table(cells: &[JsonCell<'_>]) -> Table {
    let columns = [
        ("Id".to_owned(), ColumnType::Long),
        ("D".to_owned(), ColumnType::Dynamic),
        ("D.a".to_owned(), ColumnType::String),
    ];
    let mut builder = TableBuilder::new(&columns, DatetimeMode::Timestamp);
    for (row, cell) in (0..).zip(cells) {
        builder
            .append_row([JsonCell::I64(row), *cell, JsonCell::Str("own")])
            .unwrap();
    }
    let (schema, batches, _) = builder.finish().unwrap();
    Table::new(schema, batches, Summary::default()).unwrap()
}

fn csv(table: &Table) -> String {
    table
        .to_text(Format::Csv, &WriterOptions::default())
        .unwrap()
}

#[test]
fn objects_become_columns_with_types_of_their_own() {
    let flat = flatten(&table(&[
        JsonCell::Raw(r#"{"a":"x","b":{"c":1,"d":true},"e":[1,{"f":2}]}"#),
        JsonCell::Raw(r#"{"b":{"c":2.5,"d":null},"g":{}}"#),
        JsonCell::Null,
        JsonCell::Raw(r#"{"a":"z","h":18446744073709551615}"#),
    ]))
    .unwrap();
    insta::assert_snapshot!(csv(&flat), @r#"
    Id,D.a_1,D.b.c,D.b.d,D.e,D.h,D.a
    0,x,1.0,true,"[1,{""f"":2}]",,own
    1,,2.5,,,,own
    2,,,,,,own
    3,z,,,,18446744073709551615,own
    "#);
    let types: Vec<_> = flat
        .column_types()
        .into_iter()
        .map(|(_, kind)| kind.name())
        .collect();
    assert_eq!(
        types,
        [
            "long", "string", "real", "bool", "dynamic", "dynamic", "string"
        ]
    );
}

#[test]
fn other_values_keep_the_column_and_mixtures_stay_dynamic() {
    let flat = flatten(&table(&[
        JsonCell::Raw(r#"{"x":1}"#),
        JsonCell::Raw(r#"{"x":"one"}"#),
        JsonCell::Str("bare"),
        JsonCell::Raw("[1]"),
    ]))
    .unwrap();
    insta::assert_snapshot!(csv(&flat), @r#"
    Id,D.x,D,D.a
    0,1,,own
    1,"""one""",,own
    2,,"""bare""",own
    3,,[1],own
    "#);
}

#[test]
fn what_nests_too_deep_to_read_keeps_its_text() {
    let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    let flat = flatten(&table(&[JsonCell::Raw(r#"{"x":1}"#), JsonCell::Raw(&deep)])).unwrap();
    assert_eq!(flat.column_names(), ["Id", "D", "D.x", "D.a"]);
    assert_eq!(flat.cell(1, "D").unwrap().to_string(), deep);
}

#[test]
fn a_column_without_objects_stays() {
    let plain = table(&[JsonCell::Raw("[1]"), JsonCell::Raw("{}"), JsonCell::Null]);
    let flat = flatten(&plain).unwrap();
    assert_eq!(flat.schema(), plain.schema());
    assert_eq!(flat.batches(), plain.batches());
}

#[test]
fn rows_that_each_have_a_key_of_their_own_are_refused_in_time() {
    let texts: Vec<String> = (0..20_000)
        .map(|key| format!(r#"{{"k{key}":1}}"#))
        .collect();
    let cells: Vec<JsonCell<'_>> = texts.iter().map(|text| JsonCell::Raw(text)).collect();
    let error = flatten(&table(&cells)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the flattened rows would have 10001 columns, more than the limit of 10000"
    );
}
