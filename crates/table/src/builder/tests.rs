//! Every spelling of a value in every type of column.

use arrow::array::RecordBatch;

use super::*;
use crate::Column;

fn column(column_type: ColumnType, cells: &[JsonCell<'_>]) -> (Vec<String>, Vec<String>) {
    column_in(column_type, DatetimeMode::Timestamp, cells)
}

fn column_in(
    column_type: ColumnType,
    datetimes: DatetimeMode,
    cells: &[JsonCell<'_>],
) -> (Vec<String>, Vec<String>) {
    let mut builder = ColumnBuilder::new("X", column_type, datetimes);
    for cell in cells {
        builder.append(*cell);
    }
    let array = builder.finish();
    let field = column_type.field_in("X", datetimes);
    assert_eq!(array.data_type(), field.data_type());
    let column = Column::of(&field, &array);
    let shown = (0..array.len())
        .map(|row| match column.cell(row) {
            crate::Cell::Null => "null".to_owned(),
            cell => cell.to_string(),
        })
        .collect();
    let warnings = builder.take_warnings();
    (shown, warnings.iter().map(ToString::to_string).collect())
}

use JsonCell::{Bool, F64, I64, Null, Number, Raw, Str, U64};

#[test]
fn bools() {
    let (cells, warnings) = column(
        ColumnType::Bool,
        &[
            I64(0),
            I64(1),
            Number("1"),
            Bool(true),
            Str("False"),
            Str("1"),
            Raw("{ }"),
            Null,
            Str(""),
            I64(2),
            Str("yes"),
            Raw("[]"),
        ],
    );
    assert_eq!(
        cells,
        [
            "false", "true", "true", "true", "false", "true", "null", "null", "null", "null",
            "null", "null"
        ]
    );
    assert_eq!(
        warnings,
        ["3 values of column X were not bool and became null"]
    );
}

#[test]
fn integers_are_exact_or_null() {
    let (cells, warnings) = column(
        ColumnType::Long,
        &[
            Number("9223372036854775807"),
            Number("-9223372036854775808"),
            Number("9223372036854775808"),
            Str("639199803770463703"),
            Number("10.0"),
            Number("1e3"),
            Number("1.5"),
            U64(u64::MAX),
            F64(-3.0),
            F64(1e300),
            Bool(true),
            Raw("{}"),
        ],
    );
    assert_eq!(
        cells,
        [
            "9223372036854775807",
            "-9223372036854775808",
            "null",
            "639199803770463703",
            "10",
            "1000",
            "null",
            "null",
            "-3",
            "null",
            "null",
            "null"
        ]
    );
    assert_eq!(
        warnings,
        ["5 values of column X were not long and became null"]
    );
    let (cells, warnings) = column(ColumnType::Int, &[I64(2_147_483_648), I64(-2_147_483_648)]);
    assert_eq!(cells, ["null", "-2147483648"]);
    assert_eq!(
        warnings,
        ["1 value of column X was not int and became null"]
    );
}

#[test]
fn reals() {
    let (cells, warnings) = column(
        ColumnType::Real,
        &[
            Number("10.0"),
            I64(10),
            Str("NaN"),
            Str("Infinity"),
            Str("-Infinity"),
            Str("0.1"),
            Raw("{}"),
            Str("ten"),
            Raw("[1]"),
            Number("1e400"),
            Str("-1e400"),
            Bool(true),
        ],
    );
    assert_eq!(
        cells,
        [
            "10.0",
            "10.0",
            "NaN",
            "Infinity",
            "-Infinity",
            "0.1",
            "null",
            "null",
            "null",
            "null",
            "null",
            "null"
        ]
    );
    assert_eq!(
        warnings,
        [
            "3 values of column X were not real and became null",
            "2 values of column X were beyond 1.8e308 and became null",
        ]
    );
}

#[test]
fn decimals_keep_every_digit() {
    let digits = "12345678901234567890123456789012345678.0000000000000000000000000000000000001";
    let (cells, warnings) = column(
        ColumnType::Decimal,
        &[
            Str(digits),
            Number("1.50"),
            I64(-3),
            Str("1,5"),
            Bool(true),
            Str("-"),
            Raw("{}"),
        ],
    );
    assert_eq!(
        cells,
        [digits, "1.50", "-3", "null", "null", "null", "null"]
    );
    assert_eq!(
        warnings,
        ["3 values of column X were not decimal and became null"]
    );
}

#[test]
fn datetimes_beyond_arrow_are_counted_or_kept_as_text() {
    let cells = [
        Str("2024-03-26T09:39:50.7688641Z"),
        Str("0001-01-01T00:00:00Z"),
        Str("9999-12-31T23:59:59.9999999Z"),
        Str("soon"),
        Number("5"),
        Raw("{}"),
        Str(""),
    ];
    let (shown, warnings) = column(ColumnType::DateTime, &cells);
    assert_eq!(
        shown,
        [
            "2024-03-26T09:39:50.7688641Z",
            "null",
            "null",
            "null",
            "null",
            "null",
            "null"
        ]
    );
    assert_eq!(
        warnings,
        [
            "2 values of column X were not datetime and became null",
            "2 values of column X were outside the years 1677 to 2262 and became null",
        ]
    );
    let (shown, warnings) = column_in(ColumnType::DateTime, DatetimeMode::Text, &cells);
    assert_eq!(
        shown,
        [
            "2024-03-26T09:39:50.7688641Z",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59.9999999Z",
            "null",
            "null",
            "null",
            "null"
        ]
    );
    assert_eq!(
        warnings,
        ["2 values of column X were not datetime and became null"]
    );
}

#[test]
fn digits_that_no_tick_holds_are_counted() {
    let cells = [
        Str("2024-03-26T09:39:50.123456789Z"),
        Str("2024-03-26T09:39:50.12345670Z"),
        Str("2024-03-26T09:39:50,00000001Z"),
        Str("2024-03-26T09:39:50.1234567Z"),
        Str("2024-03-26T09:39:50.1234567891Z"),
    ];
    for datetimes in [DatetimeMode::Timestamp, DatetimeMode::Text] {
        let (shown, warnings) = column_in(ColumnType::DateTime, datetimes, &cells);
        assert_eq!(shown[0], "2024-03-26T09:39:50.1234567Z");
        assert_eq!(
            warnings,
            [
                "1 value of column X was not datetime and became null",
                "2 values of column X have digits below 100 ns, which are not kept",
            ]
        );
    }
    let (shown, warnings) = column(ColumnType::TimeSpan, &[Str("00:00:01.123456789")]);
    assert_eq!(shown, ["00:00:01.1234567"]);
    assert_eq!(
        warnings,
        ["1 value of column X has digits below 100 ns, which are not kept"]
    );
}

#[test]
fn timespans() {
    let (cells, warnings) = column(
        ColumnType::TimeSpan,
        &[
            Str("00.12:00:36"),
            Str("-1.00:00:00.0000001"),
            Str("200000.00:00:00"),
            I64(5),
        ],
    );
    assert_eq!(cells, ["12:00:36", "-1.00:00:00.0000001", "null", "null"]);
    assert_eq!(
        warnings,
        [
            "1 value of column X was not timespan and became null",
            "1 value of column X was beyond 292 years and became null",
        ]
    );
}

#[test]
fn any_value_is_text_and_any_value_is_dynamic() {
    let cells = [
        Str("a\"b"),
        Str(""),
        Number("1.50"),
        I64(-1),
        U64(1),
        F64(0.5),
        Bool(false),
        Raw("[1,{}]"),
        Raw("{}"),
        Null,
    ];
    let (shown, warnings) = column(ColumnType::String, &cells);
    assert_eq!(
        shown,
        [
            "a\"b", "", "1.50", "-1", "1", "0.5", "false", "[1,{}]", "null", "null"
        ]
    );
    assert!(warnings.is_empty());
    let (shown, warnings) = column(ColumnType::Dynamic, &cells);
    assert_eq!(
        shown,
        [
            r#""a\"b""#,
            r#""""#,
            "1.50",
            "-1",
            "1",
            "0.5",
            "false",
            "[1,{}]",
            "{}",
            "null"
        ]
    );
    assert!(warnings.is_empty());
}

#[test]
fn rows_become_batches_and_none_is_lost() {
    let columns = [
        ("N".to_owned(), ColumnType::Long),
        ("T".to_owned(), ColumnType::String),
    ];
    let mut builder = TableBuilder::new(&columns, DatetimeMode::Timestamp);
    for row in 0..20_000 {
        builder.append_row([I64(row), Str("x")]).unwrap();
    }
    assert_eq!(builder.rows(), 20_000);
    let (schema, batches, warnings) = builder.finish().unwrap();
    assert!(warnings.is_empty());
    let sizes: Vec<_> = batches.iter().map(RecordBatch::num_rows).collect();
    assert_eq!(sizes, [8192, 8192, 3616]);
    let table = crate::Table::new(schema, batches, crate::Summary::default()).unwrap();
    for row in [0, 8191, 8192, 19_999] {
        assert_eq!(table.cell(row, "N").unwrap().to_string(), row.to_string());
    }
    assert_eq!(table.cell(20_000, "N"), None);
    assert_eq!(table.cell(0, "M"), None);
}

#[test]
fn a_table_without_columns_still_counts_its_rows() {
    let mut builder = TableBuilder::new(&[], DatetimeMode::Timestamp);
    builder.append_row([]).unwrap();
    let (_, batches, _) = builder.finish().unwrap();
    assert_eq!(batches[0].num_rows(), 1);
}

#[test]
fn rows_with_few_cells_are_the_rows_that_they_are_with_all_cells() {
    let types = [
        ColumnType::Bool,
        ColumnType::Long,
        ColumnType::Real,
        ColumnType::String,
        ColumnType::DateTime,
        ColumnType::Dynamic,
        ColumnType::Int,
        ColumnType::TimeSpan,
    ];
    for count in [3, 300, 2_000] {
        let columns: Vec<(String, ColumnType)> = (0..count)
            .map(|index| (format!("c{index}"), types[index % types.len()]))
            .collect();
        let cell = |row: usize, column: usize| match (types[column % types.len()], row % 3) {
            (ColumnType::Bool, _) => JsonCell::Bool(row.is_multiple_of(2)),
            (ColumnType::Long | ColumnType::Int, 0) => JsonCell::Str("no number"),
            (ColumnType::Long | ColumnType::Int, _) => JsonCell::Number("7"),
            (ColumnType::DateTime, _) => JsonCell::Str("2026-11-20T08:00:00Z"),
            (ColumnType::TimeSpan, _) => JsonCell::Str("00:00:01"),
            (ColumnType::Real, _) => JsonCell::F64(0.5),
            (ColumnType::Dynamic, _) => JsonCell::Raw("[1]"),
            _ => JsonCell::Str("text"),
        };
        // One cell in each row, in a column of its own; the last column never has one.
        let own = |row: usize| row * 7 % (count - 1);
        let mut whole = TableBuilder::new(&columns, DatetimeMode::Timestamp);
        let mut sparse = TableBuilder::new(&columns, DatetimeMode::Timestamp);
        for group in 0..100 {
            let rows = group % 5;
            let cells = (0..rows).map(|row| {
                let column = own(group + row);
                (row, column, cell(group + row, column))
            });
            sparse.append_cells(rows, cells).unwrap();
            for row in 0..rows {
                let cells = (0..count).map(|column| {
                    if column == own(group + row) {
                        cell(group + row, column)
                    } else {
                        JsonCell::Null
                    }
                });
                whole.append_row(cells).unwrap();
            }
        }
        assert_eq!(sparse.rows(), whole.rows());
        let (schema, batches, warnings) = sparse.finish().unwrap();
        let (expected_schema, expected, expected_warnings) = whole.finish().unwrap();
        assert_eq!(warnings, expected_warnings);
        assert_eq!(schema, expected_schema);
        let together =
            |batches: &[RecordBatch]| arrow::compute::concat_batches(&schema, batches).unwrap();
        assert_eq!(together(&batches), together(&expected));
    }
}

#[test]
fn columns_without_a_value_take_no_memory() {
    let columns: Vec<(String, ColumnType)> = (0..10_000)
        .map(|index| (format!("c{index}"), ColumnType::Dynamic))
        .collect();
    let mut builder = TableBuilder::new(&columns, DatetimeMode::Timestamp);
    for row in 0..10_000 {
        builder
            .append_cells(1, [(0, row, JsonCell::Number("1"))])
            .unwrap();
    }
    builder.end_batch().unwrap();
    // A hundred million cells, of which those count that share a batch and a column with a value.
    assert!(builder.cells() < 12_000_000, "{}", builder.cells());
}
