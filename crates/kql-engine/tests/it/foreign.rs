//! Columns of types that KQL has not, and the compressions of other tools.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BinaryViewArray, Date32Array, Date64Array, Decimal256Array,
    DictionaryArray, DurationSecondArray, FixedSizeBinaryArray, Float16Array, Int32Array,
    Int32RunArray, Int64Array, IntervalMonthDayNanoArray, IntervalYearMonthArray, LargeBinaryArray,
    LargeStringArray, ListArray, MapBuilder, NullArray, RecordBatch, StringArray, StringBuilder,
    StringViewArray, StructArray, Time32MillisecondArray, Time32SecondArray,
    Time64MicrosecondArray, Time64NanosecondArray, TimestampMicrosecondArray, TimestampSecondArray,
    UInt64Array, UnionArray,
};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{
    DataType, Field, Float16Type, Int8Type, Int32Type, IntervalMonthDayNano, Schema, UnionFields,
    i256,
};
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use kql_engine::{Catalog, Engine};
use parquet::arrow::ArrowWriter;
use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterVersion};
use serde_json::{Value as Json, json as rows};

use super::{engine, json, run_on};

type Half = <Float16Type as arrow::datatypes::ArrowPrimitiveType>::Native;

/// Columns that Parquet and Arrow both have.
#[expect(clippy::too_many_lines, reason = "a line for each type")]
pub(super) fn common() -> Vec<(Field, ArrayRef)> {
    let plain =
        |name: &str, array: ArrayRef| (Field::new(name, array.data_type().clone(), true), array);
    let uuid =
        FixedSizeBinaryArray::try_from_iter([[0x11_u8; 16], [0xab; 16], [0; 16]].iter()).unwrap();
    let marked = Field::new("uuid", uuid.data_type().clone(), true)
        .with_metadata([("ARROW:extension:name".to_owned(), "arrow.uuid".to_owned())].into());
    let mut map = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for key in ["a", "b", "c"] {
        map.keys().append_value(key);
        map.values().append_value("x");
        map.append(true).unwrap();
    }
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([
        Some(vec![Some(1), None]),
        None,
        Some(vec![]),
    ]);
    let inner: ArrayRef = Arc::new(StringArray::from(vec!["p", "q", "r"]));
    let record = StructArray::from(vec![(
        Arc::new(Field::new("s", DataType::Utf8, true)),
        inner,
    )]);
    let words: DictionaryArray<Int8Type> = ["x", "y", "x"].into_iter().collect();
    let moments = TimestampSecondArray::from(vec![0, 60, 120]);
    vec![
        plain("i", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        plain(
            "s",
            Arc::new(StringArray::from(vec![Some("one"), None, Some("three")])),
        ),
        plain("u", Arc::new(UInt64Array::from(vec![1, u64::MAX, 3]))),
        (marked, Arc::new(uuid)),
        plain(
            "bytes",
            Arc::new(BinaryArray::from(vec![&b"text"[..], b"a\xff", b""])),
        ),
        plain(
            "large_bytes",
            Arc::new(LargeBinaryArray::from(vec![&b"one"[..], b"two", b""])),
        ),
        plain(
            "view",
            Arc::new(StringViewArray::from(vec![
                "v",
                "a text that is longer than twelve",
                "",
            ])),
        ),
        plain(
            "byte_view",
            Arc::new(BinaryViewArray::from(vec![
                &b"v"[..],
                b"bytes longer than twelve",
                b"",
            ])),
        ),
        plain(
            "hash",
            Arc::new(
                FixedSizeBinaryArray::try_from_iter([[0xde_u8, 0xad], [0, 1], [2, 3]].iter())
                    .unwrap(),
            ),
        ),
        plain(
            "time32s",
            Arc::new(Time32SecondArray::from(vec![1, 60, 3600])),
        ),
        plain(
            "time32",
            Arc::new(Time32MillisecondArray::from(vec![1, 60_000, 0])),
        ),
        plain(
            "time64",
            Arc::new(Time64MicrosecondArray::from(vec![1, 60_000_000, 0])),
        ),
        plain(
            "time64n",
            Arc::new(Time64NanosecondArray::from(vec![100, 60_000_000_000, 0])),
        ),
        plain(
            "months",
            Arc::new(IntervalYearMonthArray::from(vec![14, 1, 0])),
        ),
        plain(
            "wide",
            Arc::new(
                Decimal256Array::from(vec![i256::from(12345), i256::from(5), i256::from(0)])
                    .with_precision_and_scale(50, 2)
                    .unwrap(),
            ),
        ),
        plain(
            "half",
            Arc::new(Float16Array::from(vec![
                Half::from_f32(1.5),
                Half::from_f32(2.0),
                Half::from_f32(-1.0),
            ])),
        ),
        plain("map", Arc::new(map.finish())),
        plain("list", Arc::new(list)),
        plain("record", Arc::new(record)),
        plain("word", Arc::new(words)),
        plain(
            "large",
            Arc::new(LargeStringArray::from(vec!["a", "b", "c"])),
        ),
        plain("day", Arc::new(Date32Array::from(vec![0, 1, 20_000]))),
        plain("day64", Arc::new(Date64Array::from(vec![0, 86_400_000, 0]))),
        plain("zoned", Arc::new(moments.with_timezone("+02:00"))),
        plain(
            "local",
            Arc::new(TimestampMicrosecondArray::from(vec![0, 60_000_000, 1])),
        ),
        plain("took", Arc::new(DurationSecondArray::from(vec![1, 90, 0]))),
        plain("none", Arc::new(NullArray::new(3))),
    ]
}

/// Columns that only Arrow has.
pub(super) fn arrow_only() -> Vec<(Field, ArrayRef)> {
    let fields = UnionFields::try_new(
        [0, 1],
        [
            Field::new("n", DataType::Int32, true),
            Field::new("t", DataType::Utf8, true),
        ],
    )
    .unwrap();
    let children: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from(vec![7, 8])),
        Arc::new(StringArray::from(vec!["seven"])),
    ];
    let union = UnionArray::try_new(
        fields,
        ScalarBuffer::from(vec![0_i8, 1, 0]),
        Some(ScalarBuffer::from(vec![0, 0, 1])),
        children,
    )
    .unwrap();
    let ends = Int32Array::from(vec![2, 3]);
    let runs = Int32RunArray::try_new(&ends, &StringArray::from(vec!["long", "end"])).unwrap();
    let spans = IntervalMonthDayNanoArray::from(vec![
        IntervalMonthDayNano::new(1, 2, 3_000_000_000),
        IntervalMonthDayNano::new(0, 0, 0),
        IntervalMonthDayNano::new(0, 1, 0),
    ]);
    [
        ("either", Arc::new(union) as ArrayRef),
        ("runs", Arc::new(runs)),
        ("interval", Arc::new(spans)),
    ]
    .map(|(name, array)| (Field::new(name, array.data_type().clone(), true), array))
    .into()
}

pub(super) fn batch(columns: Vec<(Field, ArrayRef)>) -> RecordBatch {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

pub(super) fn write_parquet(path: &Path, batch: &RecordBatch, properties: WriterProperties) {
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

pub(super) fn write_arrow(
    path: &Path,
    batch: &RecordBatch,
    compression: Option<CompressionType>,
    stream: bool,
) {
    let file = File::create(path).unwrap();
    let options = IpcWriteOptions::default()
        .try_with_compression(compression)
        .unwrap();
    if stream {
        let mut writer =
            StreamWriter::try_new_with_options(file, &batch.schema(), options).unwrap();
        writer.write(batch).unwrap();
        writer.finish().unwrap();
    } else {
        let mut writer = FileWriter::try_new_with_options(file, &batch.schema(), options).unwrap();
        writer.write(batch).unwrap();
        writer.finish().unwrap();
    }
}

pub(super) fn compressions() -> [Compression; 7] {
    [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::BROTLI(BrotliLevel::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
        Compression::ZSTD(ZstdLevel::default()),
    ]
}

fn over(path: &Path) -> Engine {
    let mut catalog = Catalog::new();
    catalog.add_file("T", None, path);
    engine(catalog)
}

fn answer(engine: &Engine, query: &str) -> Json {
    json(&run_on(engine, query).unwrap())
}

/// Every column by itself, and what is known of those that cannot be read.
#[expect(clippy::too_many_lines, reason = "a line for each type")]
fn check(engine: &Engine, arrow: bool) {
    assert_eq!(answer(engine, "T | count"), rows!([[3]]));
    for (column, ty, values) in [
        ("i", "long", rows!([[1], [2], [3]])),
        ("s", "string", rows!([["one"], [""], ["three"]])),
        (
            "uuid",
            "guid",
            rows!([
                ["11111111-1111-1111-1111-111111111111"],
                ["abababab-abab-abab-abab-abababababab"],
                ["00000000-0000-0000-0000-000000000000"]
            ]),
        ),
        ("large_bytes", "string", rows!([["one"], ["two"], [""]])),
        (
            "view",
            "string",
            rows!([["v"], ["a text that is longer than twelve"], [""]]),
        ),
        (
            "byte_view",
            "string",
            rows!([["v"], ["bytes longer than twelve"], [""]]),
        ),
        ("hash", "string", rows!([["dead"], ["0001"], ["0203"]])),
        (
            "time32s",
            "timespan",
            rows!([["00:00:01"], ["00:01:00"], ["01:00:00"]]),
        ),
        (
            "time32",
            "timespan",
            rows!([["00:00:00.0010000"], ["00:01:00"], ["00:00:00"]]),
        ),
        (
            "time64",
            "timespan",
            rows!([["00:00:00.0000010"], ["00:01:00"], ["00:00:00"]]),
        ),
        (
            "time64n",
            "timespan",
            rows!([["00:00:00.0000001"], ["00:01:00"], ["00:00:00"]]),
        ),
        (
            "months",
            "string",
            rows!([["1 years 2 mons"], ["0 years 1 mons"], ["0 years 0 mons"]]),
        ),
        ("wide", "decimal", rows!([["123.45"], ["0.05"], ["0"]])),
        ("half", "real", rows!([[1.5], [2.0], [-1.0]])),
        (
            "map",
            "dynamic",
            rows!([[{"a": "x"}], [{"b": "x"}], [{"c": "x"}]]),
        ),
        ("list", "dynamic", rows!([[[1, null]], [null], [[]]])),
        (
            "record",
            "dynamic",
            rows!([[{"s": "p"}], [{"s": "q"}], [{"s": "r"}]]),
        ),
        ("word", "string", rows!([["x"], ["y"], ["x"]])),
        ("large", "string", rows!([["a"], ["b"], ["c"]])),
        (
            "day",
            "datetime",
            rows!([
                ["1970-01-01T00:00:00.0000000Z"],
                ["1970-01-02T00:00:00.0000000Z"],
                ["2024-10-04T00:00:00.0000000Z"]
            ]),
        ),
        (
            "zoned",
            "datetime",
            rows!([
                ["1970-01-01T00:00:00.0000000Z"],
                ["1970-01-01T00:01:00.0000000Z"],
                ["1970-01-01T00:02:00.0000000Z"]
            ]),
        ),
        (
            "local",
            "datetime",
            rows!([
                ["1970-01-01T00:00:00.0000000Z"],
                ["1970-01-01T00:01:00.0000000Z"],
                ["1970-01-01T00:00:00.0000010Z"]
            ]),
        ),
        ("none", "string", rows!([[""], [""], [""]])),
        ("either", "dynamic", rows!([[7], ["seven"], [8]])),
        ("runs", "string", rows!([["long"], ["long"], ["end"]])),
        (
            "interval",
            "string",
            rows!([["1 mons 2 days 3.000000000 secs"], ["0 secs"], ["1 days"]]),
        ),
    ] {
        if !arrow && ["either", "runs", "interval"].contains(&column) {
            continue;
        }
        let schema = format!("T | getschema | where ColumnName == '{column}' | project ColumnType");
        assert_eq!(answer(engine, &schema), rows!([[ty]]), "{column}");
        assert_eq!(
            answer(engine, &format!("T | project {column}")),
            values,
            "{column}"
        );
    }
    for (column, message) in [
        (
            "u",
            "row 2 has \"18446744073709551615\" in column u, which is no long",
        ),
        (
            "bytes",
            "row 2 has \"61ff\" in column bytes, which is no string",
        ),
    ] {
        let error = run_on(engine, &format!("T | project {column}")).unwrap_err();
        assert!(error.to_string().ends_with(message), "{error}");
        assert!(error.to_string().contains("cannot read "), "{error}");
    }
}

#[test]
fn types_of_other_tools_cost_only_the_queries_that_read_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("T.parquet");
    // Parquet has no interval of months in this writer's own words.
    write_parquet(&path, &batch(common()), WriterProperties::default());
    check(&over(&path), false);
    let path = folder.path().join("T.arrow");
    let mut all = common();
    all.extend(arrow_only());
    write_arrow(&path, &batch(all.clone()), None, false);
    check(&over(&path), true);
    write_arrow(&path, &batch(all.clone()), None, true);
    check(&over(&path), true);
    let mut catalog = Catalog::new();
    catalog.add_batches("T", vec![batch(all)]);
    check(&engine(catalog), true);
}

#[test]
fn compressions_of_other_tools_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("T.parquet");
    for compression in compressions() {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            let properties = WriterProperties::builder()
                .set_compression(compression)
                .set_writer_version(version)
                .build();
            write_parquet(&path, &batch(common()), properties);
            assert_eq!(
                answer(&over(&path), "T | project i, word"),
                rows!([[1, "x"], [2, "y"], [3, "x"]])
            );
        }
    }
    let path = folder.path().join("T.arrow");
    for compression in [CompressionType::LZ4_FRAME, CompressionType::ZSTD] {
        for stream in [false, true] {
            let long = StringArray::from(vec!["a".repeat(10_000); 3]);
            let field = Field::new("s", DataType::Utf8, true);
            let batch = batch(vec![(field, Arc::new(long))]);
            write_arrow(&path, &batch, Some(compression), stream);
            assert_eq!(
                answer(&over(&path), "T | project strlen(s)"),
                rows!([[10_000], [10_000], [10_000]])
            );
        }
    }
}

#[test]
fn names_that_are_there_twice_and_records_of_another_shape_are_errors() {
    let text = |name: &str| {
        let array: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
        (Field::new(name, DataType::Utf8, true), array)
    };
    let twice = batch(vec![text("a"), text("a")]);
    let envelope = batch(vec![text("time"), text("category"), text("properties")]);
    for (table, batch, expected) in [
        ("T", &twice, "the column a is there twice"),
        (
            "AlertInfo",
            &envelope,
            r#"it has records of the Streaming API in columns ("time", "category", "properties")"#,
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(format!("{table}.parquet"));
        write_parquet(&path, batch, WriterProperties::default());
        let columns = |name: &str| {
            (name == "AlertInfo")
                .then(|| vec![("Category".to_owned(), kql_engine::ScalarType::String)])
        };
        let catalog = Catalog::from_folders(&[folder.path()], &columns).unwrap();
        let engine = engine(catalog);
        let error = run_on(&engine, &format!("{table} | count")).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}
