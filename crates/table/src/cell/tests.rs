//! Every Arrow array that a column may stand in, read to the same cells.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::array::{
    Date32Array, DictionaryArray, DurationMicrosecondArray, Int16Array, StringArray,
    TimestampMillisecondArray, TimestampNanosecondArray, UInt64Array,
};
use arrow::datatypes::{Int32Type, Schema};

use super::*;
use crate::{Format, Summary, Table, WriterOptions};

fn cells(field: &Field, array: &dyn Array) -> Vec<String> {
    let column = Column::of(field, array);
    (0..array.len())
        .map(|row| format!("{:?}", column.cell(row)))
        .collect()
}

#[test]
fn time_in_every_unit() {
    let array = TimestampMillisecondArray::from(vec![Some(1), None, Some(i64::MAX)]);
    assert_eq!(
        cells(&Field::new("a", array.data_type().clone(), true), &array),
        [
            format!("DateTime({})", ticks::UNIX_EPOCH + 10_000),
            "Null".into(),
            "Null".into()
        ]
    );
    let array = TimestampNanosecondArray::from(vec![Some(-1)]);
    assert_eq!(
        cells(&ColumnType::DateTime.field("a"), &array),
        [format!("DateTime({})", ticks::UNIX_EPOCH - 1)]
    );
    let array = Date32Array::from(vec![Some(1)]);
    assert_eq!(
        cells(&Field::new("a", DataType::Date32, true), &array),
        [format!("DateTime({})", ticks::UNIX_EPOCH + ticks::PER_DAY)]
    );
    let array = DurationMicrosecondArray::from(vec![Some(3)]);
    assert_eq!(
        cells(&ColumnType::TimeSpan.field("a"), &array),
        ["TimeSpan(30)"]
    );
}

#[test]
fn integers_and_what_is_wider_than_i64() {
    let array = Int16Array::from(vec![Some(-3), None]);
    assert_eq!(
        cells(&Field::new("a", DataType::Int16, true), &array),
        ["Long(-3)", "Null"]
    );
    let array = UInt64Array::from(vec![u64::MAX]);
    assert_eq!(
        cells(&Field::new("a", DataType::UInt64, true), &array),
        [r#"Json("18446744073709551615")"#]
    );
}

#[test]
fn text_by_its_type() {
    let array: Arc<dyn Array> = Arc::new(StringArray::from(vec![Some("1"), None]));
    assert_eq!(
        cells(&ColumnType::Dynamic.field("a"), &array),
        [r#"Json("1")"#, "Null"]
    );
    assert_eq!(
        cells(&ColumnType::Decimal.field("a"), &array),
        [r#"Decimal("1")"#, "Null"]
    );
    let array = StringViewArray::from(vec!["x"]);
    assert_eq!(
        cells(&ColumnType::String.field("a"), &array),
        [r#"Text("x")"#]
    );
    let array: DictionaryArray<Int32Type> = vec!["x", "y"].into_iter().collect();
    assert_eq!(
        cells(&ColumnType::String.field("a"), &array),
        [r#"Text("x")"#, r#"Text("y")"#]
    );
}

#[test]
fn cells_as_text() {
    for (cell, text) in [
        (Cell::Null, ""),
        (Cell::Bool(true), "true"),
        (Cell::Long(i64::MIN), "-9223372036854775808"),
        (Cell::Real(10.0), "10.0"),
        (Cell::Real(0.1), "0.1"),
        (Cell::Real(f64::NEG_INFINITY), "-Infinity"),
        (Cell::Real(f64::NAN), "NaN"),
        (Cell::DateTime(0), "0001-01-01T00:00:00Z"),
        (Cell::TimeSpan(-1), "-00:00:00.0000001"),
        (Cell::Json("{}".into()), "{}"),
    ] {
        assert_eq!(cell.to_string(), text);
    }
}

/// The JSON of one column, a line a row, in which all formats of text agree.
fn lines(name: &str, array: ArrayRef) -> Vec<String> {
    let field = Field::new(name, array.data_type().clone(), true);
    let schema = Arc::new(Schema::new(vec![field]));
    let batch = RecordBatch::try_new(schema.clone(), vec![array]).unwrap();
    let table = Table::new(schema, vec![batch], Summary::default()).unwrap();
    let text = |format| table.to_text(format, &WriterOptions::default()).unwrap();
    let ndjson = text(Format::Ndjson);
    let rows = ndjson.lines().map(serde_json::from_str);
    let rows: Vec<serde_json::Value> = rows.map(Result::unwrap).collect();
    let array: Vec<serde_json::Value> = serde_json::from_str(&text(Format::Json)).unwrap();
    assert_eq!(array, rows);
    // What is no text stands in the other formats as it does in JSON.
    for (row, csv) in rows.iter().zip(text(Format::Csv).lines().skip(1)) {
        let value = &row[name];
        let nested = value.is_array() || value.is_object();
        if nested {
            let csv = csv.trim_matches('"').replace("\"\"", "\"");
            assert_eq!(
                &serde_json::from_str::<serde_json::Value>(&csv).unwrap(),
                value
            );
        }
    }
    rows.iter().map(|row| row[name].to_string()).collect()
}

#[test]
fn runs_and_unions_are_read_as_what_they_hold() {
    use arrow::array::{Int32Array, Int32RunArray, ListArray, UnionArray};
    use arrow::buffer::ScalarBuffer;
    use arrow::datatypes::UnionFields;

    let lists =
        ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1), None]), None]);
    let ends = Int32Array::from(vec![2, 3]);
    let runs = Int32RunArray::try_new(&ends, &lists).unwrap();
    assert_eq!(
        lines("a", Arc::new(runs.clone())),
        ["[1,null]", "[1,null]", "null"]
    );
    assert_eq!(lines("a", Arc::new(runs.slice(1, 2))), ["[1,null]", "null"]);
    let field = Field::new("a", runs.data_type().clone(), true);
    assert_eq!(ColumnType::of(&field), ColumnType::Dynamic);

    let fields = [
        (0, Arc::new(Field::new("number", DataType::UInt64, true))),
        (7, Arc::new(Field::new("text", DataType::Utf8, true))),
    ];
    let fields: UnionFields = fields.into_iter().collect();
    let numbers: ArrayRef = Arc::new(UInt64Array::from(vec![Some(u64::MAX), None]));
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["1"]));
    let union = UnionArray::try_new(
        fields,
        ScalarBuffer::from(vec![7, 0, 0]),
        Some(ScalarBuffer::from(vec![0, 0, 1])),
        vec![numbers, texts],
    )
    .unwrap();
    assert_eq!(
        lines("a", Arc::new(union.clone())),
        ["\"1\"", "18446744073709551615", "null"]
    );
    assert_eq!(
        lines("a", Arc::new(union.slice(1, 1))),
        ["18446744073709551615"]
    );
}

/// JSON has no bytes, no decimals and no calendar.
#[test]
fn what_json_lacks_is_text() {
    use arrow::array::{BinaryArray, Decimal128Array, IntervalYearMonthArray, ListBuilder};

    let bytes = BinaryArray::from(vec![Some(&b"\x01\xff"[..]), None]);
    assert_eq!(lines("a", Arc::new(bytes)), ["\"01ff\"", "null"]);
    let mut decimals =
        ListBuilder::new(Decimal128Array::builder(1).with_data_type(DataType::Decimal128(4, 2)));
    decimals.append_value([Some(110), None]);
    assert_eq!(lines("a", Arc::new(decimals.finish())), ["[\"1.10\",null]"]);
    let months = IntervalYearMonthArray::from(vec![14]);
    assert_eq!(lines("a", Arc::new(months)), ["\"1 years 2 mons\""]);
}

#[test]
fn arrow_columns_of_any_type_are_valid_json() {
    use arrow::array::{
        FixedSizeListArray, Int32Array, LargeListArray, ListArray, ListViewArray, MapBuilder,
        NullArray, StringBuilder, StructArray, Time32SecondArray,
    };
    use arrow::datatypes::{Int64Type, UInt8Type};

    let numbers = || {
        vec![
            Some(vec![Some(1), None]),
            None,
            Some(vec![]),
            Some(vec![Some(-2)]),
        ]
    };
    let expected = ["[1,null]", "null", "[]", "[-2]"];
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>(numbers());
    assert_eq!(lines("a", Arc::new(list.slice(1, 3))), expected[1..]);
    assert_eq!(
        lines("a", Arc::new(ListViewArray::from(list.clone()))),
        expected
    );
    let nested = StructArray::from(vec![
        (
            Arc::new(Field::new("list", list.data_type().clone(), true)),
            Arc::new(list.clone()) as ArrayRef,
        ),
        (
            Arc::new(Field::new("say \"hi\"", DataType::Utf8, true)),
            Arc::new(StringArray::from(vec![
                Some("a\n"),
                None,
                Some("[1"),
                Some(""),
            ])),
        ),
        (
            Arc::new(ColumnType::DateTime.field("at")),
            Arc::new(
                TimestampNanosecondArray::from(vec![Some(100), None, Some(0), None])
                    .with_timezone("UTC"),
            ),
        ),
    ]);
    assert_eq!(
        lines("a", Arc::new(nested)),
        [
            r#"{"list":[1,null],"say \"hi\"":"a\n","at":"1970-01-01T00:00:00.0000001Z"}"#,
            r#"{"list":null,"say \"hi\"":null,"at":null}"#,
            r#"{"list":[],"say \"hi\"":"[1","at":"1970-01-01T00:00:00Z"}"#,
            r#"{"list":[-2],"say \"hi\"":"","at":null}"#,
        ]
    );
    assert_eq!(lines("a", Arc::new(list)), expected);
    let list =
        LargeListArray::from_iter_primitive::<Int64Type, _, _>(vec![Some(vec![Some(i64::MIN)])]);
    assert_eq!(lines("a", Arc::new(list)), ["[-9223372036854775808]"]);
    let list = FixedSizeListArray::from_iter_primitive::<Int32Type, _, _>(
        vec![
            Some(vec![Some(1), Some(2)]),
            None,
            Some(vec![None, Some(3)]),
        ],
        2,
    );
    assert_eq!(lines("a", Arc::new(list.slice(1, 2))), ["null", "[null,3]"]);
    let mut map = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    map.keys().append_value("k");
    map.values().append_value("v");
    map.append(true).unwrap();
    map.append(false).unwrap();
    assert_eq!(lines("a", Arc::new(map.finish())), [r#"{"k":"v"}"#, "null"]);

    let numbers = UInt64Array::from(vec![Some(0), Some(u64::MAX), None, Some(1 << 63)]);
    assert_eq!(
        lines("a", Arc::new(numbers)),
        ["0", "18446744073709551615", "null", "9223372036854775808"]
    );
    let halves = arrow::array::Float32Array::from(vec![Some(1.5), None]);
    assert_eq!(
        lines("a", cast(&halves, &DataType::Float16).unwrap()),
        ["1.5", "null"]
    );
    assert_eq!(lines("a", Arc::new(NullArray::new(1))), ["null"]);
    let values = Arc::new(Int32Array::from(vec![Some(7), None, Some(8)]));
    let keys = arrow::array::UInt8Array::from(vec![Some(2), None, Some(1), Some(0)]);
    let dictionary = DictionaryArray::<UInt8Type>::new(keys, values);
    assert_eq!(lines("a", Arc::new(dictionary)), ["8", "null", "null", "7"]);
    let texts: DictionaryArray<UInt8Type> = vec![Some("x"), None, Some("y")].into_iter().collect();
    assert_eq!(lines("a", Arc::new(texts)), ["\"x\"", "null", "\"y\""]);
    assert_eq!(
        lines("a", Arc::new(Time32SecondArray::from(vec![61]))),
        ["\"00:01:01\""]
    );
}
