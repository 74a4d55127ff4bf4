//! How many threads work on a query changes nothing about its answer.

use std::fs::File;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use kql_engine::{Catalog, Engine, Options};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

use super::{json, run_on};

const ROWS: i64 = 300_000;

/// Events in four row groups, of which each is a share of work.
fn events(folder: &std::path::Path) {
    let schema = Arc::new(Schema::new(vec![
        Field::new("Number", DataType::Int64, true),
        Field::new("Device", DataType::Utf8, true),
        Field::new("Line", DataType::Utf8, true),
    ]));
    let number = |at: i64| at * 7_919 % 10_007;
    let batch = RecordBatch::try_new(
        Arc::clone(&schema),
        vec![
            Arc::new(
                (0..ROWS)
                    .map(|at| (at % 13 != 0).then(|| number(at)))
                    .collect::<Int64Array>(),
            ),
            Arc::new(StringArray::from_iter_values(
                (0..ROWS).map(|at| format!("host{}", number(at) % 41)),
            )),
            Arc::new(StringArray::from_iter_values((0..ROWS).map(|at| {
                if at % 5 == 0 {
                    format!("cmd.exe /c Copy {at}")
                } else {
                    format!("tool{at}.exe")
                }
            }))),
        ],
    )
    .unwrap();
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(75_000))
        .build();
    let file = File::create(folder.join("T.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, schema, Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[test]
fn answers_are_the_same_rows_in_the_same_order() {
    let folder = tempfile::tempdir().unwrap();
    events(folder.path());
    let catalog = Catalog::from_folder(folder.path(), &|_| None).unwrap();
    let with = |threads| {
        let options = Options {
            threads,
            ..Options::default()
        };
        Engine::new(catalog.clone(), options)
    };
    let (one, three) = (with(1), with(3));
    for query in [
        "T | where Line has 'copy' and Number < 50",
        "T | where Number between (10 .. 12) | project Line | take 100",
        "T | summarize count(), dcount(Number), sum(Number), min(Number), max(Number) by Device",
        "T | summarize make_set(Number, 5), arg_max(Number, Line), arg_min(Number, *) by Device",
        "T | summarize countif(Line has 'cmd'), avg(Number), make_list(Number, 3), take_any(Line)",
        "T | summarize stdev(Number), percentile(Number, 90) by Device",
        "T | where Number == 4 | join kind=leftouter (T | where Device == 'host4') on Number | count",
        "T | where Number < 3 | join (T | where Number < 3 | distinct Number, Device) on Number",
        "T | where Number < 9 | join kind=rightanti (T | where Number < 12) on Number | take 50",
        "T | top 20 by Number desc",
        "T | distinct Device",
        "union withsource=From T, (T | where Number == 1) | where Line has 'cmd' | summarize count() by From",
        "T | count",
    ] {
        let expected = json(&run_on(&one, query).unwrap());
        assert!(
            expected.as_array().is_some_and(|rows| !rows.is_empty()),
            "{query}"
        );
        assert_eq!(json(&run_on(&three, query).unwrap()), expected, "{query}");
    }
}

#[test]
fn an_error_in_a_share_is_the_querys() {
    let folder = tempfile::tempdir().unwrap();
    events(folder.path());
    let catalog = Catalog::from_folder(folder.path(), &|_| None).unwrap();
    let options = Options {
        threads: 3,
        ..Options::default()
    };
    let engine = Engine::new(catalog, options);
    let query = "T | where Number == 9000 | extend x = assert(Number < 0, 'no')";
    let error = run_on(&engine, query).unwrap_err();
    assert!(error.to_string().contains("no"), "{error}");
}
