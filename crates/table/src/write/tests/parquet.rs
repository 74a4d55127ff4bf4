//! What a Parquet file keeps of the rows, and what it says about the rest.

use ::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use arrow::array::{
    Array, ArrayRef, AsArray, DurationNanosecondArray, ListArray, MapBuilder, RecordBatch,
    StringBuilder, StructArray, TimestampNanosecondArray, TimestampNanosecondBuilder,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType};

use super::*;
use crate::{ParquetTimes, WarningKind};

fn read(bytes: Vec<u8>) -> (SchemaRef, Vec<RecordBatch>) {
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap();
    let schema = builder.schema().clone();
    let batches = builder.build().unwrap().map(Result::unwrap).collect();
    (schema, batches)
}

fn nanoseconds() -> WriterOptions {
    WriterOptions {
        parquet_times: ParquetTimes::Nanoseconds,
        ..WriterOptions::default()
    }
}

#[test]
fn with_nanoseconds_everything_reads_back_the_same() {
    let (bytes, warnings) = bytes(&table(), Format::Parquet, &nanoseconds());
    assert!(warnings.is_empty(), "{warnings:?}");
    let (schema, batches) = read(bytes);
    assert_eq!(schema.fields(), table().schema().fields());
    assert_eq!(batches[0].columns(), table().batches()[0].columns());
}

#[test]
fn microseconds_are_for_every_reader_and_the_rest_is_counted() {
    let (bytes, warnings) = bytes(&table(), Format::Parquet, &WriterOptions::default());
    assert_eq!(
        warnings,
        [Warning::of_values(
            WarningKind::Precision,
            "Date",
            1,
            "1 value of Date without the digits behind the microseconds, which the Parquet file does \
             not hold".to_owned()
        )]
    );
    let metadata = ArrowReaderMetadata::load(
        &bytes::Bytes::from(bytes.clone()),
        ArrowReaderOptions::default(),
    )
    .unwrap();
    let physical = metadata.metadata().file_metadata().schema_descr();
    let shown = format!("{:?}", physical.root_schema());
    assert!(!shown.contains("NANOS"), "{shown}");
    let (schema, batches) = read(bytes);
    let types: Vec<_> = schema
        .fields()
        .iter()
        .map(|field| ColumnType::of(field))
        .collect();
    let expected: Vec<_> = table()
        .column_types()
        .iter()
        .map(|(_, kind)| *kind)
        .collect();
    assert_eq!(types, expected);
    let rows = Table::new(schema, batches, Summary::default()).unwrap();
    let [read, written] = [&rows, &table()].map(|table| {
        table
            .to_text(Format::Ndjson, &WriterOptions::default())
            .unwrap()
    });
    assert_eq!(
        read,
        written.replace(
            "2024-03-26T09:39:50.7688641Z",
            "2024-03-26T09:39:50.768864Z"
        )
    );
}

/// A table of one column.
fn column(field: Field, array: ArrayRef) -> Table {
    let schema = Arc::new(Schema::new(vec![field]));
    let batch = RecordBatch::try_new(schema.clone(), vec![array]).unwrap();
    Table::new(schema, vec![batch], Summary::default()).unwrap()
}

#[test]
fn times_are_cut_downwards_and_lengths_are_whole() {
    let values = vec![
        Some(-1),
        Some(1_999),
        None,
        Some(2_000),
        Some(i64::MIN),
        Some(i64::MAX),
    ];
    let times = TimestampNanosecondArray::from(values.clone()).with_timezone("UTC");
    let table = column(ColumnType::DateTime.field("T"), Arc::new(times));
    let (file, warnings) = bytes(&table, Format::Parquet, &WriterOptions::default());
    assert_eq!(warnings[0].count, 4);
    let (_, batches) = read(file);
    let found = batches[0]
        .column(0)
        .as_primitive::<TimestampMicrosecondType>();
    assert_eq!(
        found.iter().collect::<Vec<_>>(),
        [
            Some(-1),
            Some(1),
            None,
            Some(2),
            Some(i64::MIN.div_euclid(1000)),
            Some(i64::MAX / 1000)
        ]
    );
    let lengths: ArrayRef = Arc::new(DurationNanosecondArray::from(values));
    let table = column(ColumnType::TimeSpan.field("T"), lengths.clone());
    let (file, warnings) = bytes(&table, Format::Parquet, &WriterOptions::default());
    assert!(warnings.is_empty(), "{warnings:?}");
    let (schema, batches) = read(file);
    assert_eq!(ColumnType::of(schema.field(0)), ColumnType::TimeSpan);
    assert_eq!(batches[0].column(0), &lengths);
}

#[test]
fn what_stands_under_a_null_is_not_counted() {
    let mut builder = TimestampNanosecondBuilder::new();
    builder.append_value(1000);
    builder.append_null();
    let (_, _, nulls) = builder.finish().into_parts();
    let times = TimestampNanosecondArray::new(vec![1000, 1].into(), nulls).with_timezone("UTC");
    let table = column(ColumnType::DateTime.field("T"), Arc::new(times));
    let (_, warnings) = bytes(&table, Format::Parquet, &WriterOptions::default());
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn times_within_lists_structs_and_maps_are_cut_too() {
    let times: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![1_500, 2_000, 3_001]));
    let item = Arc::new(Field::new("item", times.data_type().clone(), true));
    let lists = ListArray::new(
        item.clone(),
        OffsetBuffer::from_lengths([2, 1]),
        times.clone(),
        None,
    );
    let within: ArrayRef = Arc::new(StructArray::from(vec![(
        Arc::new(Field::new("inner", lists.data_type().clone(), true)),
        Arc::new(lists) as ArrayRef,
    )]));
    let mut map = MapBuilder::new(
        None,
        StringBuilder::new(),
        TimestampNanosecondBuilder::new(),
    );
    map.keys().append_value("k");
    map.values().append_value(5_001);
    map.append(true).unwrap();
    map.append(false).unwrap();
    let map: ArrayRef = Arc::new(map.finish());
    for (array, lost, written) in [
        (
            within,
            2,
            "{\"a\":{\"inner\":[\"1970-01-01T00:00:00.000001Z\",\"1970-01-01T00:00:00.000002Z\"]}}\n\
             {\"a\":{\"inner\":[\"1970-01-01T00:00:00.000003Z\"]}}\n",
        ),
        (
            map,
            1,
            "{\"a\":{\"k\":\"1970-01-01T00:00:00.000005Z\"}}\n{\"a\":null}\n",
        ),
    ] {
        let table = column(Field::new("a", array.data_type().clone(), true), array);
        let (file, warnings) = bytes(&table, Format::Parquet, &WriterOptions::default());
        assert_eq!(warnings.len(), 1);
        assert_eq!(warnings[0].count, lost);
        let (schema, batches) = read(file);
        assert!(!format!("{schema:?}").contains("Nanosecond"), "{schema:?}");
        let rows = Table::new(schema, batches, Summary::default()).unwrap();
        let text = rows
            .to_text(Format::Ndjson, &WriterOptions::default())
            .unwrap();
        assert_eq!(text, written);
    }
}

#[test]
fn a_file_without_rows_keeps_its_types() {
    let (schema, _, summary) = table().into_parts();
    let empty = Table::new(schema, Vec::new(), summary).unwrap();
    let (file, warnings) = bytes(&empty, Format::Parquet, &WriterOptions::default());
    assert!(warnings.is_empty());
    let (schema, batches) = read(file);
    assert!(batches.is_empty());
    let date = schema.field_with_name("Date").unwrap();
    assert_eq!(
        *date.data_type(),
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
    );
    for (field, written) in schema.fields().iter().zip(table().schema().fields()) {
        assert_eq!(ColumnType::of(field), ColumnType::of(written));
    }
}
