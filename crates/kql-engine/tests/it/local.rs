//! Tables of local files: every format, what is wrong in them, and how little of them is read.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::record_batch::RecordBatch;
use kql_engine::{Catalog, Engine, Options, ScalarType};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use serde_json::json as rows;

use super::{engine, json, run_on};

type Columns = Vec<(String, ScalarType)>;

fn columns(list: &[(&str, ScalarType)]) -> Columns {
    list.iter()
        .map(|(name, ty)| ((*name).to_owned(), *ty))
        .collect()
}

fn nothing(_: &str) -> Option<Columns> {
    None
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn over(folder: &Path) -> Engine {
    engine(Catalog::from_folder(folder, &nothing).unwrap())
}

fn answer(engine: &Engine, query: &str) -> serde_json::Value {
    json(&run_on(engine, query).unwrap())
}

fn complaint(folder: &Path) -> String {
    run_on(&over(folder), "T").unwrap_err().to_string()
}

#[test]
fn records_go_to_the_table_of_their_category() {
    let folder = folder(&[
        (
            "export.json",
            concat!(
                r#"{"time":"t","tenantId":"x","category":"AdvancedHunting-DeviceInfo","properties":{"a":1}}"#,
                "\n",
                r#"{"records":[{"time":"t","category":"AdvancedHunting-DeviceEvents","properties":{"a":2}},{"properties":{"a":3},"category":"AdvancedHunting-DeviceInfo","time":"t"}]}"#,
                "\n",
            ),
        ),
        ("DeviceInfo.ndjson", "{\"a\":0}\n"),
    ]);
    let engine = over(folder.path());
    assert_eq!(
        engine.catalog().table_names(),
        ["DeviceEvents", "DeviceInfo"]
    );
    assert_eq!(answer(&engine, "DeviceInfo"), rows!([[0], [1], [3]]));
    assert_eq!(answer(&engine, "DeviceEvents"), rows!([[2]]));

    let mut catalog = Catalog::new();
    catalog.add_file("DeviceEvents", None, folder.path().join("export.json"));
    catalog.add_file("Other", None, folder.path().join("export.json"));
    assert_eq!(
        answer(&super::engine(catalog.clone()), "DeviceEvents"),
        rows!([[2]])
    );
    let error = catalog.columns("Other").unwrap_err().to_string();
    assert!(error.contains("records of other tables only"), "{error}");
}

#[test]
fn a_record_among_rows_of_another_table_is_an_error() {
    let folder = folder(&[(
        "T.json",
        "{\"a\":0}\n{\"time\":1,\"category\":\"AdvancedHunting-U\",\"properties\":{}}\n",
    )]);
    let error = complaint(folder.path());
    assert!(
        error.contains("T.json: line 2 is no row (a record of U among rows of T)"),
        "{error}"
    );
}

#[test]
fn rows_may_look_like_records_and_be_none() {
    let folder = folder(&[(
        "T.json",
        "{\"a\":1,\"properties\":{\"x\":1}}\n{\"a\":2,\"records\":[7]}\n{\"time\":3}\n",
    )]);
    assert_eq!(
        answer(
            &over(folder.path()),
            "T | project a, properties, records, column_ifexists('time', 0)"
        ),
        rows!([[1, {"x": 1}, null, null], [2, null, [7], null], [null, null, null, 3]])
    );
}

#[test]
fn arrays_and_pretty_objects_are_rows() {
    let folder = folder(&[
        (
            "A.json",
            "\u{feff}[\n  {\n    \"a\": \"]}\\\"\"\n  },\n  {\"a\": \"y\"}\n]\n",
        ),
        ("B.json", "{\n  \"a\": 1\n}\n{\n  \"a\": 2\n}\n"),
        ("C.json", "[]"),
        ("D.json", ""),
        ("E.json", "{\"records\": [\n{\"a\": 1},\n{\"a\": 2}]}"),
    ]);
    let engine = over(folder.path());
    assert_eq!(answer(&engine, "A"), rows!([["]}\""], ["y"]]));
    assert_eq!(answer(&engine, "B"), rows!([[1], [2]]));
    assert_eq!(answer(&engine, "C | count"), rows!([[0]]));
    assert_eq!(answer(&engine, "D | count"), rows!([[0]]));
    assert_eq!(answer(&engine, "E | summarize sum(a)"), rows!([[3]]));
}

#[test]
fn types_widen_with_what_comes() {
    let folder = folder(&[(
        "T.json",
        concat!(
            r#"{"n":1,"d":"2024-01-01T00:00:00Z","m":1,"s":null}"#,
            "\n",
            r#"{"n":2.5,"d":"never","m":"x","s":"2024-01-01T00:00:00Z","late":true}"#,
            "\n",
        ),
    )]);
    let engine = over(folder.path());
    assert_eq!(
        engine.catalog().columns("T").unwrap(),
        columns(&[
            ("n", ScalarType::Real),
            ("d", ScalarType::String),
            ("m", ScalarType::Dynamic),
            ("s", ScalarType::DateTime),
            ("late", ScalarType::Bool),
        ])
    );
    assert_eq!(
        answer(&engine, "T"),
        rows!([
            [1.0, "2024-01-01T00:00:00Z", 1, null, null],
            [2.5, "never", "x", "2024-01-01T00:00:00.0000000Z", true]
        ])
    );
}

#[test]
fn the_portals_export_is_read() {
    let text = "\u{feff}Timestamp,DeviceName,Port,Fields\r\n\
        \"Nov 20, 2026 8:00:00 AM\",\"a\r\n\"\"b\"\"\",443,\"{\"\"k\"\":[1]}\"\r\n\
        2026-11-20T20:00:00.1234567Z,,,\r\n";
    let list = [
        ("Timestamp", ScalarType::DateTime),
        ("Missing", ScalarType::String),
        ("DeviceName", ScalarType::String),
        ("Port", ScalarType::Int),
        ("Fields", ScalarType::Dynamic),
    ];
    let expected = rows!([
        ["2026-11-20T08:00:00.0000000Z", "", "a\r\n\"b\"", 443, {"k": [1]}],
        ["2026-11-20T20:00:00.1234567Z", "", "", null, null]
    ]);
    let folder = folder(&[
        ("T.csv", text),
        ("H.csv", "a,b\n"),
        ("V.tsv", "a\tb\n1,2\t\"x\ty\"\n"),
        ("E.csv", "Timestamp,Port\n\"Nov 20, 2026 8:00:00 AM\",443\n"),
    ]);
    fs::write(
        folder.path().join("Z.csv.zst"),
        zstd::stream::encode_all(text.as_bytes(), 1).unwrap(),
    )
    .unwrap();
    let declared = |name: &str| matches!(name, "T" | "Z").then(|| columns(&list));
    let engine = engine(Catalog::from_folder(folder.path(), &declared).unwrap());
    assert_eq!(answer(&engine, "T"), expected);
    assert_eq!(answer(&engine, "Z"), expected);
    assert_eq!(answer(&engine, "H | count"), rows!([[0]]));
    assert_eq!(run_on(&engine, "H").unwrap().columns.len(), 2);
    assert_eq!(answer(&engine, "V"), rows!([["1,2", "x\ty"]]));
    assert_eq!(
        answer(
            &engine,
            "E | project Timestamp, Port | summarize max(Timestamp), sum(Port)"
        ),
        rows!([["2026-11-20T08:00:00.0000000Z", 443]])
    );
}

#[test]
fn cells_of_text_have_the_type_that_holds_all_of_them() {
    let late = format!("n,id\n{}word,007\n", "1,7\n".repeat(20_000));
    let folder = folder(&[
        (
            "T.csv",
            "n,r,b,t,id,s,none\n1,1.0,true,2026-11-01T00:00:00Z,007,x,\n,2.5,false,2026-11-02T03:04:05Z,8,1,\n",
        ),
        ("L.csv", &late),
        ("P/1.csv", "a,b,c\n1,1,\n"),
        ("P/2.csv", "a,b,c\n2,x,\n"),
        ("P/3.csv", "a,b,c\n,,\n"),
        ("P/4.csv", "a,b,c\n"),
        ("M/1.csv", "a,b\n,5\n"),
        ("M/2.json", "{\"a\":1,\"b\":6}\n"),
    ]);
    let engine = over(folder.path());
    assert_eq!(
        engine.catalog().columns("T").unwrap(),
        columns(&[
            ("n", ScalarType::Long),
            ("r", ScalarType::Real),
            ("b", ScalarType::Bool),
            ("t", ScalarType::DateTime),
            ("id", ScalarType::String),
            ("s", ScalarType::String),
            ("none", ScalarType::String),
        ])
    );
    assert_eq!(
        answer(&engine, "T"),
        rows!([
            [1, 1.0, true, "2026-11-01T00:00:00.0000000Z", "007", "x", ""],
            [
                null,
                2.5,
                false,
                "2026-11-02T03:04:05.0000000Z",
                "8",
                "1",
                ""
            ]
        ])
    );
    assert_eq!(
        answer(
            &engine,
            "L | summarize countif(n == '1'), countif(n == 'word'), dcount(id)"
        ),
        rows!([[20_000, 1, 2]])
    );
    assert_eq!(
        answer(&engine, "P | sort by a asc"),
        rows!([[null, "", ""], [1, "1", ""], [2, "x", ""]])
    );
    assert_eq!(
        engine.catalog().columns("M").unwrap(),
        columns(&[("a", ScalarType::Long), ("b", ScalarType::Long)])
    );
    assert_eq!(
        answer(&engine, "M | summarize sum(a), sum(b)"),
        rows!([[1, 11]])
    );
}

#[test]
fn what_is_broken_is_named_with_its_line() {
    let cases: [(&str, &[u8], &str); 9] = [
        (
            "T.json",
            b"{\"a\":1}\n\n{\"a\":\n{\"a\":2}\n",
            "line 3 is no JSON",
        ),
        ("T.json", b"{\"a\":1}\n7\n", "line 2 is no row"),
        (
            "T.json",
            b"[{\"a\":1},\n 7]",
            "line 2 is no array of JSON objects",
        ),
        (
            "T.json",
            b"[{\"a\":1},\n{\"a\":2}",
            "line 2 the array is not closed",
        ),
        (
            "T.json",
            b"{\"a\":1}\n{\"a\":\"\xff\"}\n",
            "line 2 is not UTF-8",
        ),
        (
            "T.csv",
            b"a,b\n1,2\n1\n",
            "line 3 has 1 cells where the header has 2",
        ),
        (
            "T.csv",
            b"a,b\n1,\"2\n\n",
            "line 2 opens a quote that is not closed",
        ),
        ("T.csv", b"a,b\n1,\xff\n", "line 2 is not UTF-8"),
        ("T.csv", b"a,a\n", "line 1 has the column 'a' twice"),
    ];
    for (name, bytes, expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), bytes).unwrap();
        let error = complaint(folder.path());
        assert!(error.contains(&format!("{name}: {expected}")), "{error}");
    }
}

#[test]
fn compressed_files_that_are_cut_off_are_errors() {
    let text = "{\"a\":\"some text that does not compress to nothing\"}\n".repeat(50);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let frame = zstd::stream::encode_all(text.as_bytes(), 1).unwrap();
    for (name, bytes) in [("T.json.gz", gzip), ("T.json.zst", frame)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, &bytes).unwrap();
        assert_eq!(answer(&over(folder.path()), "T | count"), rows!([[50]]));
        fs::write(&path, &bytes[..bytes.len() - 6]).unwrap();
        let error = complaint(folder.path());
        assert!(error.contains("the compressed data is cut off"), "{error}");
    }
}

#[test]
fn folders_of_folders_keep_the_order_of_their_paths() {
    let folder = folder(&[
        ("T/date=2026-11-02/a.json", "{\"n\":3}\n"),
        ("T/date=2026-11-01/b.csv", "n,x\n2,y\n"),
        ("T/date=2026-11-01/a.ndjson", "{\"n\":1}\n"),
        ("T/.hidden.json", "no JSON"),
    ]);
    assert_eq!(
        answer(&over(folder.path()), "T | project n, x"),
        rows!([[1, ""], [2, "y"], [3, ""]])
    );
}

#[test]
fn hidden_tables_are_unknown_to_wildcards_and_search() {
    let folder = folder(&[("Aa.json", "{\"s\":\"x\"}"), ("Ab.json", "{\"s\":\"x\"}")]);
    let mut catalog = Catalog::from_folder(folder.path(), &nothing).unwrap();
    catalog.retain(|name| name != "Ab");
    let engine = engine(catalog);
    assert_eq!(answer(&engine, "union A* | count"), rows!([[1]]));
    assert_eq!(answer(&engine, "search 'x' | count"), rows!([[1]]));
    assert!(run_on(&engine, "Ab").is_err());
}

/// A Parquet file of `count` rows, a minute apart from 2026-01-01, in row groups of `group`.
fn lake(path: &Path, count: i64, group: usize) {
    let schema = Arc::new(Schema::new(vec![
        Field::new(
            "Timestamp",
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            true,
        ),
        Field::new("N", DataType::Int64, true),
        Field::new("Name", DataType::Utf8, true),
    ]));
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(group))
        .build();
    let mut writer = ArrowWriter::try_new(
        File::create(path).unwrap(),
        schema.clone(),
        Some(properties),
    )
    .unwrap();
    let start = 1_767_225_600_000_000;
    for first in (0..count).step_by(50_000) {
        let rows = first..(first + 50_000).min(count);
        let times = rows.clone().map(|row| start + row * 60_000_000);
        let names = rows.clone().map(|row| format!("name {row}"));
        let batch = RecordBatch::try_new(
            schema.clone(),
            vec![
                Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC")),
                Arc::new(Int64Array::from_iter_values(rows)),
                Arc::new(StringArray::from_iter_values(names)),
            ],
        )
        .unwrap();
        writer.write(&batch).unwrap();
    }
    writer.close().unwrap();
}

#[test]
fn times_of_spark_keep_their_years() {
    use parquet::data_type::{Int96, Int96Type};
    use parquet::file::metadata::KeyValue;
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;

    let folder = folder(&[]);
    let kind = parse_message_type("message spark_schema { optional int96 T; }").unwrap();
    let properties = WriterProperties::builder()
        .set_key_value_metadata(Some(vec![KeyValue::new(
            "org.apache.spark.version".to_owned(),
            "4.3.0".to_owned(),
        )]))
        .build();
    let mut writer = SerializedFileWriter::new(
        File::create(folder.path().join("T.parquet")).unwrap(),
        Arc::new(kind),
        Arc::new(properties),
    )
    .unwrap();
    // Julian days, and nanoseconds of the day.
    let times: Vec<Int96> = [(1_721_426_u32, 0), (2_460_396, 1_000), (5_373_484, 0)]
        .into_iter()
        .map(|(day, nanoseconds)| {
            let mut time = Int96::new();
            time.set_data(nanoseconds, 0, day);
            time
        })
        .collect();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column
        .typed::<Int96Type>()
        .write_batch(&times, Some(&[1, 1, 1]), None)
        .unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    assert_eq!(
        answer(&over(folder.path()), "T | project tostring(T)"),
        rows!([
            ["0001-01-01T00:00:00.0000000Z"],
            ["2024-03-26T00:00:00.0000010Z"],
            ["9999-12-31T00:00:00.0000000Z"]
        ])
    );
}

/// Overwrites the data of a column in a row group, so that whoever decodes it fails.
fn damage(path: &Path, group: usize, column: usize) {
    use parquet::file::reader::{FileReader, SerializedFileReader};

    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let (start, length) = reader
        .metadata()
        .row_group(group)
        .column(column)
        .byte_range();
    let mut bytes = fs::read(path).unwrap();
    let start = usize::try_from(start).unwrap();
    bytes[start..start + usize::try_from(length).unwrap()].fill(0xff);
    fs::write(path, bytes).unwrap();
}

#[test]
fn parquet_is_read_where_a_query_needs_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("T.parquet");
    lake(&path, 3000, 1000);
    damage(&path, 0, 1);
    damage(&path, 2, 1);
    let engine = over(folder.path());
    assert!(
        run_on(&engine, "T | summarize sum(N)").is_err(),
        "the damage shows"
    );
    let middle = (1000..2000).sum::<i64>();
    for condition in [
        "Timestamp >= datetime(2026-01-01 16:40) and Timestamp < datetime(2026-01-02 09:20)",
        "N > 999 and N < 2000",
        "N == 1500",
    ] {
        let query = format!("T | where {condition} | summarize sum(N)");
        let expected = if condition.contains("==") {
            1500
        } else {
            middle
        };
        assert_eq!(answer(&engine, &query), rows!([[expected]]), "{condition}");
    }
    assert_eq!(
        answer(&engine, "T | summarize countif(Name has '7')"),
        answer(&engine, "print toscalar(T | where Name has '7' | count)")
    );
    let ticks = |minutes: i64| 639_028_224_000_000_000 + minutes * 600_000_000;
    let options = Options {
        time_range: Some((ticks(1000), ticks(1999))),
        ..Options::default()
    };
    let query = "T | summarize min(Timestamp), sum(N)";
    assert_eq!(
        answer(&engine.with_options(options), query),
        rows!([["2026-01-01T16:40:00.0000000Z", middle]])
    );
}

#[test]
fn pushed_conditions_answer_as_conditions_above() {
    let folder = tempfile::tempdir().unwrap();
    lake(&folder.path().join("T.parquet"), 500, 100);
    let engine = over(folder.path());
    for condition in [
        "N < 101",
        "N <= 100",
        "N > 399",
        "N >= 400",
        "N == 250",
        "N != 250",
        "250 > N",
        "Name == 'name 17'",
        "Name == ''",
        "Name != 'name 17'",
        "N > 90 and Name == 'name 120'",
        "N < 10 or N > 490",
        "not(N < 10)",
        "isnull(N)",
        "N < int(null)",
        "Timestamp == datetime(2026-01-01 01:40)",
        "Timestamp < datetime(1500-01-01)",
    ] {
        let pushed = answer(&engine, &format!("T | where {condition} | count"));
        // What is computed first cannot be pushed down.
        let above = answer(
            &engine,
            &format!(
                "T | serialize r = row_number() | where {condition} | summarize Count = count()"
            ),
        );
        assert_eq!(pushed, above, "{condition}");
    }
}

#[test]
fn a_million_rows_fit_a_small_limit() {
    let folder = tempfile::tempdir().unwrap();
    lake(&folder.path().join("T.parquet"), 1_000_000, 100_000);
    let options = Options {
        memory_limit: Some(8 << 20),
        ..Options::default()
    };
    let engine = over(folder.path()).with_options(options);
    assert_eq!(answer(&engine, "T | count"), rows!([[1_000_000]]));
    assert_eq!(
        answer(&engine, "T | where N >= 999990 | summarize count(), max(N)"),
        rows!([[10, 999_999]])
    );
    let error = run_on(&engine, "T | sort by Name asc").unwrap_err();
    assert!(error.to_string().contains("memory"), "{error}");
}

#[test]
#[ignore = "needs ../shared"]
fn recorded_events_are_counted_as_they_are() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data"));
    let engine = over(folder);
    for table in [
        "DeviceLogonEvents",
        "DeviceNetworkEvents",
        "DeviceProcessEvents",
    ] {
        let file = File::open(folder.join(format!("{table}.ndjson.gz"))).unwrap();
        let (mut rows, mut names, mut text) = (0, 0, 0);
        for line in BufReader::new(flate2::read::MultiGzDecoder::new(file)).lines() {
            let row: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
            rows += 1;
            if let Some(name) = row["DeviceName"].as_str() {
                names += 1;
                text += name.chars().count();
            }
        }
        let query = format!(
            "{table} | summarize count(), countif(isnotempty(DeviceName)), sum(strlen(DeviceName))"
        );
        assert_eq!(
            answer(&engine, &query),
            rows!([[rows, names, text]]),
            "{table}"
        );
    }
}

#[test]
fn a_reader_stops_at_what_it_cannot_hold() {
    let deep = format!("{{\"a\":{}1{}}}\n", "[".repeat(200), "]".repeat(200));
    let folder = folder(&[("T.json", &deep)]);
    let error = complaint(folder.path());
    assert!(
        error.contains("line 1 is no JSON (recursion limit exceeded)"),
        "{error}"
    );
    let mut source = File::open(folder.path().join("T.json")).unwrap();
    let mut text = String::new();
    source.read_to_string(&mut text).unwrap();
    assert_eq!(text, deep);
}

#[test]
fn text_past_what_is_kept_is_read_again() {
    let line = format!("{{\"s\":\"{}\",\"n\":1}}\n", "x".repeat(1 << 20));
    let folder = folder(&[("T.json", &line.repeat(66))]);
    let limited = |limit: usize| Options {
        memory_limit: Some(limit),
        ..Options::default()
    };
    let engine = over(folder.path());
    let query = "T | summarize sum(n), sum(strlen(s))";
    for _ in 0..2 {
        let engine = engine.with_options(limited(32 << 20));
        assert_eq!(answer(&engine, query), rows!([[66, 66 << 20]]));
    }
    // Rows that stay in memory would not count against the limit.
    let error = run_on(&engine.with_options(limited(1 << 20)), query).unwrap_err();
    assert!(error.to_string().contains("memory"), "{error}");
}
