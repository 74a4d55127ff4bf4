//! Every Arrow array that a column may stand in, read to the same cells.

use std::sync::Arc;

use arrow::array::{
    Date32Array, DictionaryArray, DurationMicrosecondArray, Int16Array, StringArray,
    TimestampMillisecondArray, TimestampNanosecondArray, UInt64Array,
};
use arrow::datatypes::Int32Type;

use super::*;

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
        [r#"Text("18446744073709551615")"#]
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
