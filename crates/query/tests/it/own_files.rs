//! What is written to a file of types is found in it again, whatever the rows are.

use defender_query::{Connection, DataEnvironment, QueryProvider};
use defender_table::{
    ColumnType, DatetimeMode, Format, JsonCell, ParquetTimes, Summary, Table, TableBuilder,
    WriterOptions, ticks,
};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

const COLUMNS: [(&str, ColumnType); 10] = [
    ("Flag", ColumnType::Bool),
    ("Small", ColumnType::Int),
    ("Large", ColumnType::Long),
    ("Part", ColumnType::Real),
    ("Price", ColumnType::Decimal),
    ("At", ColumnType::DateTime),
    ("Lasted", ColumnType::TimeSpan),
    ("Id", ColumnType::Guid),
    ("Name", ColumnType::String),
    ("More", ColumnType::Dynamic),
];
/// The place of the datetime among them.
const AT: usize = 5;

/// A row as the service would send it; `null` is no value, a string is never that.
fn row() -> impl Strategy<Value = Vec<Value>> {
    let nullable = |strategy: BoxedStrategy<Value>| {
        of(strategy)
            .prop_map(|value| value.unwrap_or(Value::Null))
            .boxed()
    };
    // What nanoseconds since 1970 reach, but for the last microseconds.
    let reach = i64::MAX / 100 - 10;
    vec![
        nullable(any::<bool>().prop_map(Value::from).boxed()),
        nullable(any::<i32>().prop_map(Value::from).boxed()),
        nullable(
            prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX)]
                .prop_map(Value::from)
                .boxed(),
        ),
        nullable(
            prop_oneof![
                any::<f64>().prop_map(|value| json!(value)),
                Just(json!("NaN")),
                Just(json!("Infinity")),
                Just(json!("-Infinity")),
            ]
            .boxed(),
        ),
        nullable("-?[1-9][0-9]{0,30}".prop_map(Value::from).boxed()),
        nullable(
            (-reach..=reach)
                .prop_map(|since| ticks::format_datetime(ticks::UNIX_EPOCH + since).into())
                .boxed(),
        ),
        nullable(
            (-reach..=reach)
                .prop_map(|length| ticks::format_timespan(length).into())
                .boxed(),
        ),
        nullable(
            "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
                .prop_map(Value::from)
                .boxed(),
        ),
        prop_oneof![any::<String>(), "[=+@-]?[a-z,\"\r\n\t ]{0,8}"]
            .prop_map(Value::from)
            .boxed(),
        nullable(
            prop_oneof![
                Just(json!([])),
                any::<i64>().prop_map(|number| json!({"a": [number, null], "b": {"c": "\u{e9}"}})),
                "[a-z]{1,5}".prop_map(|text| json!([text, true])),
            ]
            .boxed(),
        ),
    ]
}

/// The rows as a table, and the JSON that every row is.
fn table(rows: &[Vec<Value>]) -> Table {
    let columns = COLUMNS.map(|(name, kind)| (name.to_owned(), kind));
    let mut builder = TableBuilder::new(&columns, DatetimeMode::Timestamp);
    for row in rows {
        let raw: Vec<String> = row.iter().map(Value::to_string).collect();
        let cells = row.iter().zip(&raw).map(|(value, raw)| match value {
            Value::Null => JsonCell::Null,
            Value::Bool(value) => JsonCell::Bool(*value),
            Value::String(text) => JsonCell::Str(text),
            Value::Number(number) => match number.as_i64() {
                Some(number) => JsonCell::I64(number),
                None => JsonCell::F64(number.as_f64().unwrap()),
            },
            _ => JsonCell::Raw(raw),
        });
        builder.append_row(cells).unwrap();
    }
    let (schema, batches, warnings) = builder.finish().unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    Table::new(schema, batches, Summary::default()).unwrap()
}

/// The table's file in a folder, read by the engine.
fn read_back(table: &Table, format: Format, options: &WriterOptions) -> Table {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("T.{format}"));
    let file = std::fs::File::create(&path).unwrap();
    table.write(format, Box::new(file), options).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let provider = QueryProvider::new(DataEnvironment::Local)
            .connect(Connection::to_folders([folder.path()]))
            .await
            .unwrap();
        provider.exec_query("T").await.unwrap()
    })
}

fn lines(table: &Table) -> String {
    table
        .to_text(Format::Ndjson, &WriterOptions::default())
        .unwrap()
}

/// The same rows in every run; more of them with `DEFENDER_FILE_CASES`.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a switch of the one who runs the test"
)]
fn rows_come_back_from_files_of_types() {
    let cases = std::env::var("DEFENDER_FILE_CASES").map_or(12, |cases| cases.parse().unwrap());
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let outcome = TestRunner::new_with_rng(config, random).run(&vec(row(), 0..40), |rows| {
        check(&rows);
        Ok(())
    });
    outcome.unwrap();
}

fn check(rows: &[Vec<Value>]) {
    let written = table(rows);
    let whole = WriterOptions {
        parquet_times: ParquetTimes::Nanoseconds,
        ..WriterOptions::default()
    };
    for format in [Format::Parquet, Format::Arrow] {
        let read = read_back(&written, format, &whole);
        assert_eq!(read.column_types(), written.column_types());
        assert_eq!(lines(&read), lines(&written), "{format}");
    }
    // By default Parquet has microseconds, and the rest is counted.
    let mut cut = rows.to_vec();
    for row in &mut cut {
        if let Value::String(at) = &row[AT] {
            let since = ticks::parse_datetime(at).unwrap() - ticks::UNIX_EPOCH;
            row[AT] = ticks::format_datetime(since.div_euclid(10) * 10 + ticks::UNIX_EPOCH).into();
        }
    }
    let read = read_back(&written, Format::Parquet, &WriterOptions::default());
    assert_eq!(read.column_types(), written.column_types());
    assert_eq!(lines(&read), lines(&table(&cut)));
}

#[test]
fn a_stream_that_an_interrupted_writer_left_makes_the_answer_incomplete() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("T.arrow");
    let file = std::fs::File::create(&path).unwrap();
    let written = table(&[]);
    let options = WriterOptions::default();
    written
        .write(Format::Arrow, Box::new(file), &options)
        .unwrap();
    // The messages of a file are a stream, which ends with this.
    let bytes = std::fs::read(&path).unwrap();
    let end = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
    let at = |mark: &[u8]| bytes.windows(mark.len()).position(|one| one == mark);
    let (begin, end) = (at(&end[..4]).unwrap(), at(&end).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for (end, expected) in [(end, false), (end + 8, true)] {
        std::fs::write(&path, &bytes[begin..end]).unwrap();
        let read = runtime.block_on(async {
            let provider = QueryProvider::new(DataEnvironment::Local)
                .connect(Connection::to_folders([folder.path()]))
                .await
                .unwrap();
            provider.exec_query("T").await.unwrap()
        });
        assert_eq!(read.is_complete(), expected);
        let said = format!("{:?}", read.summary().completeness);
        assert_eq!(said.contains("end-of-stream marker is missing"), !expected);
    }
}
