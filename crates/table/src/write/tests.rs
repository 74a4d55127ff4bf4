//! One table of every type and every awkward value, in every format.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use defender_core::ErrorKind;

use crate::{
    ColumnType, DatetimeMode, Format, JsonCell, Summary, Table, TableBuilder, WriterOptions,
};

fn table() -> Table {
    let columns = [
        ("Bool", ColumnType::Bool),
        ("Int", ColumnType::Int),
        ("Long", ColumnType::Long),
        ("Real", ColumnType::Real),
        ("Decimal", ColumnType::Decimal),
        ("Date", ColumnType::DateTime),
        ("Span", ColumnType::TimeSpan),
        ("Guid", ColumnType::Guid),
        ("Text", ColumnType::String),
        ("Dynamic", ColumnType::Dynamic),
    ];
    let columns: Vec<_> = columns
        .into_iter()
        .map(|(name, kind)| (name.to_owned(), kind))
        .collect();
    let mut builder = TableBuilder::new(&columns, DatetimeMode::Timestamp);
    let guid = JsonCell::Str("0f8fad5b-d9cb-469f-a165-70867728950e");
    builder
        .append_row([
            JsonCell::Bool(true),
            JsonCell::I64(-1),
            JsonCell::I64(i64::MAX),
            JsonCell::F64(0.1),
            JsonCell::Str("1.10"),
            JsonCell::Str("2024-03-26T09:39:50.7688641Z"),
            JsonCell::Str("1.02:03:04.5"),
            guid,
            JsonCell::Str("=cmd|'/C calc'!A0,\"q\"\r\n\u{1b}[31mred \u{202e}gpj.exe"),
            JsonCell::Raw("{\"a\":[1,\"x|y\"],\"b\":{\"c\":null}}"),
        ])
        .unwrap();
    builder
        .append_row([
            JsonCell::Bool(false),
            JsonCell::I64(0),
            JsonCell::I64(i64::MIN),
            JsonCell::Str("NaN"),
            JsonCell::Number("3"),
            JsonCell::Str("2024-03-26T00:00:00Z"),
            JsonCell::Str("-00:00:01"),
            JsonCell::Null,
            JsonCell::Str(""),
            JsonCell::Str("日本 <b>https://x</b>"),
        ])
        .unwrap();
    builder.append_row([]).unwrap();
    let (schema, batches, warnings) = builder.finish().unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    Table::new(schema, batches, Summary::default()).unwrap()
}

fn text(format: Format, width: Option<usize>) -> String {
    table().to_text(format, &WriterOptions { width }).unwrap()
}

#[test]
fn json() {
    let text = text(Format::Json, None);
    let rows: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0]["Long"], i64::MAX);
    assert_eq!(rows[0]["Dynamic"]["a"][1], "x|y");
    insta::assert_snapshot!(text);
}

#[test]
fn ndjson() {
    let text = text(Format::Ndjson, None);
    assert_eq!(text.lines().count(), 3);
    let array = self::text(Format::Json, None);
    let rows: Vec<serde_json::Value> = serde_json::from_str(&array).unwrap();
    for (line, row) in text.lines().zip(rows) {
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(line).unwrap(),
            row
        );
    }
}

#[test]
fn csv() {
    let text = text(Format::Csv, None);
    assert!(text.ends_with("\r\n"));
    insta::assert_snapshot!(text.replace("\r\n", "<CRLF>\n"));
}

#[test]
fn markdown() {
    insta::assert_snapshot!(text(Format::Markdown, None));
}

#[cfg(feature = "text")]
#[test]
fn a_table_for_a_pipe_is_whole() {
    let text = text(Format::Table, None);
    assert!(text.contains("9223372036854775807"));
    insta::assert_snapshot!(text);
}

#[cfg(feature = "text")]
#[test]
fn a_table_for_a_terminal_fits_it() {
    use unicode_width::UnicodeWidthStr as _;
    for width in [30, 80, 120, 200] {
        let text = text(Format::Table, Some(width));
        for line in text.lines().filter(|line| !line.starts_with("… ")) {
            assert!(line.width() <= width, "{width}: {line}");
            assert!(
                !line.chars().any(|c| c.is_control() || c == '\u{202e}'),
                "{line:?}"
            );
        }
    }
    insta::assert_snapshot!(text(Format::Table, Some(80)));
    insta::assert_snapshot!(text(Format::Table, Some(140)));
}

#[test]
fn no_rows_are_still_a_whole_file() {
    let (schema, _, summary) = table().into_parts();
    let empty = Table::new(schema, Vec::new(), summary).unwrap();
    let text = |format| empty.to_text(format, &WriterOptions::default()).unwrap();
    assert_eq!(text(Format::Json), "[]\n");
    assert_eq!(text(Format::Ndjson), "");
    assert_eq!(
        text(Format::Csv),
        "Bool,Int,Long,Real,Decimal,Date,Span,Guid,Text,Dynamic\r\n"
    );
    assert_eq!(text(Format::Markdown).lines().count(), 2);
    #[cfg(feature = "text")]
    assert_eq!(text(Format::Table).lines().count(), 2);
}

#[test]
fn dynamic_text_that_is_no_json_is_quoted() {
    use arrow::array::{RecordBatch, StringArray};
    use arrow::datatypes::Schema;
    let schema = Arc::new(Schema::new(vec![ColumnType::Dynamic.field("D")]));
    let cells = StringArray::from(vec!["{broken", "{\"a\":\n1}"]);
    let batch = RecordBatch::try_new(schema.clone(), vec![Arc::new(cells)]).unwrap();
    let table = Table::new(schema, vec![batch], Summary::default()).unwrap();
    let text = table
        .to_text(Format::Ndjson, &WriterOptions::default())
        .unwrap();
    assert_eq!(text, "{\"D\":\"{broken\"}\n{\"D\":{\"a\": 1}}\n");
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(any(feature = "parquet", feature = "ipc"))]
fn bytes(format: Format) -> Vec<u8> {
    let kept = Kept::default();
    table()
        .write(format, Box::new(kept.clone()), &WriterOptions::default())
        .unwrap();
    Arc::try_unwrap(kept.0).unwrap().into_inner().unwrap()
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_reads_back_the_same() {
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    let bytes = self::bytes(Format::Parquet);
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap();
    let schema = builder.schema().clone();
    let batches: Vec<_> = builder.build().unwrap().map(Result::unwrap).collect();
    assert_eq!(schema.fields(), table().schema().fields());
    assert_eq!(batches[0].columns(), table().batches()[0].columns());
}

#[cfg(feature = "ipc")]
#[test]
fn arrow_reads_back_the_same() {
    let bytes = bytes(Format::Arrow);
    let reader = arrow::ipc::reader::FileReader::try_new(io::Cursor::new(bytes), None).unwrap();
    let batches: Vec<_> = reader.map(Result::unwrap).collect();
    assert_eq!(batches, table().batches());
}

/// Takes so many bytes and no more, as a full disk does.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.0 {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.0 -= bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_an_error_in_every_format() {
    for format in Format::ALL {
        let written = table().write(format, Box::new(Full(10)), &WriterOptions::default());
        let kind = written.unwrap_err().kind();
        assert!(
            kind == ErrorKind::Io || (kind == ErrorKind::Usage && !built(format)),
            "{format}: {kind:?}"
        );
    }
}

fn built(format: Format) -> bool {
    match format {
        Format::Table => cfg!(feature = "text"),
        Format::Parquet => cfg!(feature = "parquet"),
        Format::Arrow => cfg!(feature = "ipc"),
        _ => true,
    }
}
