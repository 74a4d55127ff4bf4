//! Day and month are never guessed.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, RecordBatch, StringArray};
use arrow::datatypes::Int32Type;
use arrow::ipc::writer::FileWriter;
use kql_engine::{Catalog, DateOrder, Reading};
use parquet::arrow::ArrowWriter;
use serde_json::{Value as Json, json as rows};

use super::wrappers::schema;
use super::{engine, json, run_on};

fn times(
    name: &str,
    column: &str,
    cells: &[&str],
    order: Option<DateOrder>,
) -> Result<Json, String> {
    let folder = tempfile::tempdir().unwrap();
    if let Some(kind) = ["parquet", "arrow"]
        .iter()
        .find(|kind| name.ends_with(*kind))
    {
        let words: DictionaryArray<Int32Type> = cells.iter().copied().collect();
        let devices = StringArray::from(vec!["a"; cells.len()]);
        let columns: [(&str, ArrayRef); 2] =
            [(column, Arc::new(words)), ("DeviceName", Arc::new(devices))];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let file = fs::File::create(folder.path().join(name)).unwrap();
        if *kind == "parquet" {
            let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
            writer.write(&batch).unwrap();
            writer.close().unwrap();
        } else {
            let mut writer = FileWriter::try_new(file, &batch.schema()).unwrap();
            writer.write(&batch).unwrap();
            writer.finish().unwrap();
        }
        return read(folder.path(), order);
    }
    let text: String = if name.ends_with("csv") {
        let rows = cells.iter().map(|cell| format!("\"{cell}\",a\n"));
        format!("{column},DeviceName\n{}", rows.collect::<String>())
    } else {
        let rows = cells
            .iter()
            .map(|cell| rows!({column: cell, "DeviceName": "a"}).to_string() + "\n");
        rows.collect()
    };
    fs::write(folder.path().join(name), text).unwrap();
    read(folder.path(), order)
}

fn read(folder: &Path, order: Option<DateOrder>) -> Result<Json, String> {
    let mut catalog = Catalog::from_folder(folder, &schema).unwrap();
    catalog.set_reading(Reading {
        date_order: order,
        ..Reading::default()
    });
    run_on(
        &engine(catalog),
        "DeviceInfo | project format_datetime(Timestamp, 'yyyy-MM-dd HH:mm')",
    )
    .map(|answer| json(&answer))
    .map_err(|error| error.to_string())
}

#[test]
fn the_whole_column_tells_which_comes_first() {
    for (name, place) in [
        ("DeviceInfo.csv", " line "),
        ("DeviceInfo.ndjson", " line "),
        ("DeviceInfo.parquet", " row "),
        ("DeviceInfo.arrow", " row "),
    ] {
        for column in ["Timestamp", "TimeGenerated", "Timestamp [UTC]"] {
            let of = |cells: &[&str], order| times(name, column, cells, order);
            let month = Some(DateOrder::MonthFirst);
            let day = Some(DateOrder::DayFirst);
            for (cells, order, expected) in [
                (
                    &["05/03/2024 18:41:25", "13/03/2024 00:00:00"][..],
                    None,
                    ["2024-03-05 18:41", "2024-03-13 00:00"],
                ),
                (
                    &["05/03/2024 18:41:25", "03/13/2024 00:00:00"],
                    None,
                    ["2024-05-03 18:41", "2024-03-13 00:00"],
                ),
                (
                    &["11/1/2026, 8:00:00.123 AM", "11/13/2026, 8:00:00 PM"],
                    None,
                    ["2026-11-01 08:00", "2026-11-13 20:00"],
                ),
                (
                    &["11/1/2026, 8:00:00.123 AM", "11/2/2026, 8:00:00\u{202f}PM"],
                    month,
                    ["2026-11-01 08:00", "2026-11-02 20:00"],
                ),
                (
                    &["11/1/2026, 8:00:00.123 AM", "11/2/2026, 8:00:00 PM"],
                    day,
                    ["2026-01-11 08:00", "2026-02-11 20:00"],
                ),
                (
                    &["13.03.2024 15:40:13", "05.03.2024 15:40:13"],
                    None,
                    ["2024-03-13 15:40", "2024-03-05 15:40"],
                ),
                (
                    &["Mar 13, 2024 3:40:13 PM", "2024-03-13T15:40:13+02:00"],
                    None,
                    ["2024-03-13 15:40", "2024-03-13 13:40"],
                ),
            ] {
                let expected = rows!([[expected[0]], [expected[1]]]);
                assert_eq!(of(cells, order), Ok(expected), "{name} {column} {cells:?}");
            }
            for (cells, order, what) in [
                (
                    &["2024-01-01", "05/03/2024 18:41:25"][..],
                    None,
                    "the day or the month may come first and no value of the column tells; say which with --date-order mdy or --date-order dmy",
                ),
                (
                    &["13/03/2024", "03/13/2024"],
                    None,
                    "\"03/13/2024\" has the month first and \"13/03/2024\" the day",
                ),
                (
                    &["03/01/2024", "13/03/2024"],
                    month,
                    "\"13/03/2024\" in column",
                ),
                (&["05/03/24 18:41"], None, "which is no datetime"),
                (&["1710344413"], None, "which is no datetime"),
            ] {
                let error = of(cells, order).unwrap_err();
                assert!(error.contains(what), "{error}");
                assert!(error.contains(column) && error.contains(place), "{error}");
            }
        }
    }
}

/// Whatever stands between the numbers and around them, the order decides, in every kind of file.
#[test]
fn no_notation_of_numbers_goes_past_the_order() {
    for name in ["DeviceInfo.csv", "DeviceInfo.ndjson", "DeviceInfo.parquet"] {
        for column in ["Timestamp", "Timestamp [UTC+00:00]"] {
            for written in [
                "5. 3. 2024 18:41:25",
                "05. 03. 2024 18:41",
                "5 / 3 / 2024 18:41",
                "5,3,2024 18:41",
                "Tue 05/03/2024 18:41",
                "Tuesday, 5-3-2024 18:41",
            ] {
                let of = |order| times(name, column, &[written], order);
                let error = of(None).unwrap_err();
                assert!(error.contains("--date-order dmy"), "{written}: {error}");
                assert_eq!(
                    of(Some(DateOrder::DayFirst)),
                    Ok(rows!([["2024-03-05 18:41"]])),
                    "{name} {column} {written}"
                );
                let told = times(name, column, &[written, "13. 1. 2024"], None);
                let expected = rows!([["2024-03-05 18:41"], ["2024-01-13 00:00"]]);
                assert_eq!(told, Ok(expected), "{name} {column} {written}");
            }
            for written in ["5. 3. 24", "2024", "2024.5", "1234", "4500.5"] {
                let error = times(name, column, &[written], Some(DateOrder::DayFirst)).unwrap_err();
                assert!(error.contains("which is no datetime"), "{written}: {error}");
            }
        }
    }
}

#[test]
fn an_order_that_does_not_fit_is_named_as_the_cause() {
    for (written, order, given, other) in [
        ("25/01/2024", DateOrder::MonthFirst, "mdy", "dmy"),
        ("01/25/2024 10:00", DateOrder::DayFirst, "dmy", "mdy"),
    ] {
        for file in [
            "DeviceInfo.csv",
            "DeviceInfo.ndjson",
            "DeviceInfo.parquet",
            "DeviceInfo.arrow",
        ] {
            let error = times(file, "Timestamp", &[written], Some(order)).unwrap_err();
            let given = format!("as --date-order {given} says");
            let other = format!("with --date-order {other} it is one");
            assert!(error.contains(&given) && error.contains(&other), "{error}");
            let error = times(file, "Timestamp", &["25/25/2024"], Some(order)).unwrap_err();
            assert!(!error.contains("--date-order"), "{error}");
        }
    }
}

#[test]
fn the_date_of_a_folder_needs_an_order_as_any_other() {
    let over = |name: &str, order| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder
            .path()
            .join("DeviceInfo")
            .join(format!("Timestamp={name}"));
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("part.csv"), "DeviceName\na\n").unwrap();
        read(folder.path(), order)
    };
    let day = |date: &str| Ok(rows!([[format!("{date} 00:00")]]));
    let (month, day_first) = (Some(DateOrder::MonthFirst), Some(DateOrder::DayFirst));
    assert_eq!(over("05-03-2024", month), day("2024-05-03"));
    assert_eq!(over("05-03-2024", day_first), day("2024-03-05"));
    assert_eq!(over("25-03-2024", None), day("2024-03-25"));
    assert_eq!(over("2024-03-05", None), day("2024-03-05"));
    let error = over("05-03-2024", None).unwrap_err();
    for part in [
        "its folder has \"05-03-2024\"",
        "its name does not tell",
        "--date-order mdy or --date-order dmy",
    ] {
        assert!(error.contains(part), "{error}");
    }
    let error = over("25-03-2024", month).unwrap_err();
    assert!(error.contains("with --date-order dmy it is one"), "{error}");
}
