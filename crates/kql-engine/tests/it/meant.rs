//! Columns of Parquet and Arrow that are more than the bytes or numbers they are kept as.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeBinaryArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::ipc::writer::{
    DictionaryTracker, FileWriter, IpcDataGenerator, IpcWriteOptions, StreamWriter, write_message,
};
use arrow::ipc::{self, Int, root_as_footer, root_as_message};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kql_engine::Catalog;
use parquet::arrow::ArrowWriter;
use parquet::data_type::{FixedLenByteArray, FixedLenByteArrayType, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::{Value as Json, json as rows};

use super::{engine, json, run_on};

fn ask(folder: &Path, query: &str) -> Result<Json, String> {
    let catalog = Catalog::from_folder(folder, &|_| None).unwrap();
    run_on(&engine(catalog), query)
        .map(|answer| json(&answer))
        .map_err(|error| error.to_string())
}

fn fixed(bytes: &[u8]) -> FixedLenByteArray {
    FixedLenByteArray::from(bytes.to_vec())
}

/// Writes a column of numbers and one of bytes.
fn write(path: &Path, message: &str, told: Option<String>, bytes: &[FixedLenByteArray]) {
    let schema = parse_message_type(message).unwrap();
    let told = told.map(|told| vec![KeyValue::new("ARROW:schema".to_owned(), told)]);
    let properties = WriterProperties::builder()
        .set_key_value_metadata(told)
        .build();
    let file = File::create(path).unwrap();
    let mut writer =
        SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let numbers: Vec<i64> = (1..).take(bytes.len()).collect();
    let mut column = group.next_column().unwrap().unwrap();
    let typed = column.typed::<Int64Type>();
    typed.write_batch(&numbers, None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let typed = column.typed::<FixedLenByteArrayType>();
    typed.write_batch(bytes, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
}

#[test]
fn intervals_of_parquet_have_their_months() {
    let folder = tempfile::tempdir().unwrap();
    let interval = |months: u32, days: u32, milliseconds: u32| {
        let parts = [months, days, milliseconds].map(u32::to_le_bytes);
        fixed(&parts.concat())
    };
    write(
        &folder.path().join("T.parquet"),
        "message m { required int64 n; required fixed_len_byte_array(12) a (INTERVAL); }",
        None,
        &[interval(1, 2, 0), interval(14, 0, 0), interval(0, 3, 5_000)],
    );
    let found = ask(folder.path(), "T | project a");
    let expected = rows!([["1 mons 2 days"], ["14 mons"], ["3 days 5.000000000 secs"]]);
    assert_eq!(found, Ok(expected));
    let found = ask(folder.path(), "T | where a == '14 mons' | project n");
    assert_eq!(found, Ok(rows!([[2]])));
}

/// The schema of a writer with a duration and a whole number of 128 bits.
fn with_wide() -> String {
    let schema = Schema::new(vec![
        Field::new("d", DataType::Duration(TimeUnit::Microsecond), false),
        Field::new("w", DataType::Int64, false),
    ]);
    let mut tracker = DictionaryTracker::new(true);
    let encoded = IpcDataGenerator::default().schema_to_bytes_with_dictionary_tracker(
        &schema,
        &mut tracker,
        &IpcWriteOptions::default(),
    );
    let mut bytes = encoded.ipc_message;
    let place = {
        let message = root_as_message(&bytes).unwrap();
        let fields = message.header_as_schema().unwrap().fields().unwrap();
        let table = fields.get(1).type_as_int().unwrap()._tab;
        table.loc() + usize::from(table.vtable().get(4))
    };
    bytes[place..place + 4].copy_from_slice(&128_i32.to_le_bytes());
    STANDARD.encode(bytes)
}

#[test]
fn whole_numbers_of_128_bits_leave_the_others_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let wide = |value: i128| fixed(&value.to_le_bytes());
    write(
        &folder.path().join("T.parquet"),
        "message m { required int64 d; required fixed_len_byte_array(16) w; }",
        Some(with_wide()),
        &[wide(5), wide(-1), wide(1 << 70)],
    );
    let found = ask(folder.path(), "T | project d, tostring(w)");
    let expected = rows!([
        ["00:00:00.0000010", "5"],
        ["00:00:00.0000020", "-1"],
        ["00:00:00.0000030", "1180591620717411303424"]
    ]);
    assert_eq!(found, Ok(expected));
}

/// Rows of a number, and of a number of 128 bits as its bytes.
fn as_bytes() -> RecordBatch {
    let wide = [5, -1, 1 << 70].map(i128::to_le_bytes);
    RecordBatch::try_from_iter([
        ("n", Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef),
        (
            "w",
            Arc::new(FixedSizeBinaryArray::try_from_iter(wide.iter()).unwrap()),
        ),
    ])
    .unwrap()
}

/// The message of a schema as a stream begins with it; of `wide` columns the second one has 128
/// bits.
fn head(schema: &Schema, wide: bool) -> Vec<u8> {
    let options = IpcWriteOptions::default();
    let mut tracker = DictionaryTracker::new(true);
    let mut encoded = IpcDataGenerator::default().schema_to_bytes_with_dictionary_tracker(
        schema,
        &mut tracker,
        &options,
    );
    if wide {
        let bytes = &mut encoded.ipc_message;
        let message = root_as_message(bytes).unwrap();
        let fields = message.header_as_schema().unwrap().fields().unwrap();
        let table = fields.get(1).type_as_int().unwrap()._tab;
        let place = table.loc() + usize::from(table.vtable().get(Int::VT_BITWIDTH));
        bytes[place..place + 4].copy_from_slice(&128_i32.to_le_bytes());
    }
    let mut head = Vec::new();
    write_message(&mut head, encoded, &options).unwrap();
    head
}

#[test]
fn whole_numbers_of_128_bits_in_arrow_cost_no_other_column() {
    let batch = as_bytes();
    let folder = tempfile::tempdir().unwrap();
    let mut stream = Vec::new();
    let mut writer = StreamWriter::try_new(&mut stream, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    let numbers = |name: &str| Field::new(name, DataType::Int64, true);
    let mut signed = head(&Schema::new(vec![numbers("n"), numbers("w")]), true);
    signed.extend_from_slice(&stream[head(&batch.schema(), false).len()..]);
    fs::write(folder.path().join("S.arrow"), signed).unwrap();

    let mut file = Vec::new();
    let mut writer = FileWriter::try_new(&mut file, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    let end = file.len() - 10;
    let length = i32::from_le_bytes(file[end..end + 4].try_into().unwrap());
    let start = end - usize::try_from(length).unwrap();
    let (kind, bits) = {
        let footer = root_as_footer(&file[start..end]).unwrap();
        let field = footer.schema().unwrap().fields().unwrap().get(1);
        let bytes = field.type_as_fixed_size_binary().unwrap()._tab;
        let field = field._tab;
        (
            start + field.loc() + usize::from(field.vtable().get(ipc::Field::VT_TYPE_TYPE)),
            start + bytes.loc() + usize::from(bytes.vtable().get(Int::VT_BITWIDTH)),
        )
    };
    file[kind] = ipc::Type::Int.0;
    file[bits..bits + 4].copy_from_slice(&128_i32.to_le_bytes());
    fs::write(folder.path().join("F.arrow"), file).unwrap();

    for (table, second) in [
        ("S", "-1"),
        ("F", "340282366920938463463374607431768211455"),
    ] {
        let others = ask(folder.path(), &format!("{table} | project n"));
        assert_eq!(others, Ok(rows!([[1], [2], [3]])), "{table}");
        let found = ask(
            folder.path(),
            &format!("{table} | where n < 3 | project n, tostring(w), gettype(w)"),
        );
        let expected = match table {
            "S" => Ok(rows!([[1, "5", "decimal"], [2, second, "decimal"]])),
            // A decimal of KQL has 34 digits.
            _ => Err(second),
        };
        match expected {
            Ok(expected) => assert_eq!(found, Ok(expected)),
            Err(number) => assert!(found.unwrap_err().contains(number)),
        }
    }
}

#[test]
fn periods_of_pandas_are_refused_where_they_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let period = [("ARROW:extension:name", "pandas.period")];
    let period = period.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let schema = Arc::new(Schema::new(vec![
        Field::new("n", DataType::Int64, false),
        Field::new("p", DataType::Int64, false).with_metadata(period.into()),
    ]));
    let numbers = Arc::new(Int64Array::from(vec![682]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![numbers.clone(), numbers]).unwrap();
    let file = File::create(folder.path().join("A.arrow")).unwrap();
    let mut writer = FileWriter::try_new(file, &schema).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    let file = File::create(folder.path().join("P.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, schema, None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    for table in ["A", "P"] {
        let found = ask(folder.path(), &format!("{table} | project n"));
        assert_eq!(found, Ok(rows!([[682]])));
        let error = ask(folder.path(), table).unwrap_err();
        assert!(error.contains("column p has periods of pandas"), "{error}");
    }
}
