//! One table of every type and every awkward value, in every format.

use std::io::{self, Write};
use std::sync::Arc;
#[cfg(any(feature = "parquet", feature = "ipc"))]
use std::sync::Mutex;

use defender_core::ErrorKind;

#[cfg(any(feature = "parquet", feature = "ipc"))]
use crate::Warning;
use crate::{
    ColumnType, CsvOptions, DatetimeMode, Format, JsonCell, Summary, Table, TableBuilder,
    WriterOptions,
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
    let options = WriterOptions {
        width,
        ..WriterOptions::default()
    };
    table().to_text(format, &options).unwrap()
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
    insta::assert_snapshot!(text(Format::Csv, None));
}

/// The table as CSV with these options.
fn csv_with(table: &Table, csv: CsvOptions) -> String {
    let options = WriterOptions {
        csv,
        ..WriterOptions::default()
    };
    table.to_text(Format::Csv, &options).unwrap()
}

#[test]
fn csv_for_windows_differs_at_its_ends_only() {
    let plain = text(Format::Csv, None);
    let crlf = csv_with(
        &table(),
        CsvOptions {
            crlf: true,
            ..CsvOptions::default()
        },
    );
    assert_eq!(crlf.matches("\r\n").count(), 5, "four lines, and a cell");
    let bom = csv_with(
        &table(),
        CsvOptions {
            bom: true,
            ..CsvOptions::default()
        },
    );
    assert_eq!(bom, format!("\u{feff}{plain}"));
    // A line break within a cell is a part of it.
    assert_eq!(crlf.replace("\r\n", "\n"), plain.replace("\r\n", "\n"));
}

#[test]
fn what_a_spreadsheet_takes_for_a_formula_is_escaped_on_request() {
    let cells = [
        ("=1+1", "'=1+1"),
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("=\"a\",b", "\"'=\"\"a\"\",b\""),
        ("+49 170", "'+49 170"),
        ("-1", "'-1"),
        ("-exec bypass", "'-exec bypass"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\ttab", "'\ttab"),
        ("\rreturn", "\"'\rreturn\""),
        ("\n=1", "\"'\n=1\""),
        (" =1", "' =1"),
        ("\u{feff}=1", "'\u{feff}=1"),
        ("\u{ff1d}1", "'\u{ff1d}1"),
        ("'=1", "'=1"),
        ("a=1", "a=1"),
        ("1-1", "1-1"),
        ("", "\"\""),
        (" a", " a"),
        ("5", "5"),
    ];
    let columns = [("=Name".to_owned(), ColumnType::String)];
    let mut builder = TableBuilder::new(&columns, DatetimeMode::Timestamp);
    for (cell, _) in cells {
        builder.append_row([JsonCell::Str(cell)]).unwrap();
    }
    let (schema, batches, _) = builder.finish().unwrap();
    let table = Table::new(schema, batches, Summary::default()).unwrap();
    let safe = CsvOptions {
        escape_formulas: true,
        ..CsvOptions::default()
    };
    let expected: String = std::iter::once("'=Name")
        .chain(cells.iter().map(|(_, written)| *written))
        .flat_map(|line| [line, "\n"])
        .collect();
    assert_eq!(csv_with(&table, safe), expected);
}

#[test]
fn numbers_keep_their_sign_where_formulas_are_escaped() {
    let columns = [
        ColumnType::Int,
        ColumnType::Long,
        ColumnType::Real,
        ColumnType::Decimal,
        ColumnType::Dynamic,
        ColumnType::TimeSpan,
    ]
    .map(|kind| (kind.to_string(), kind));
    let mut builder = TableBuilder::new(&columns, DatetimeMode::Timestamp);
    builder
        .append_row([
            JsonCell::I64(-1),
            JsonCell::I64(i64::MIN),
            JsonCell::F64(-1.5e300),
            JsonCell::Str("-0.10"),
            JsonCell::Raw("-5"),
            JsonCell::Str("-00:00:01"),
        ])
        .unwrap();
    builder
        .append_row([
            JsonCell::Null,
            JsonCell::Null,
            JsonCell::Str("-Infinity"),
            JsonCell::Null,
            JsonCell::Raw("\"=1\""),
            JsonCell::Str("00:00:01"),
        ])
        .unwrap();
    let (schema, batches, warnings) = builder.finish().unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    let table = Table::new(schema, batches, Summary::default()).unwrap();
    let safe = CsvOptions {
        escape_formulas: true,
        ..CsvOptions::default()
    };
    let text = csv_with(&table, safe);
    let rows: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(
        rows,
        [
            "-1,-9223372036854775808,-1.5e300,-0.10,-5,'-00:00:01",
            ",,'-Infinity,,\"\"\"=1\"\"\",00:00:01",
        ]
    );
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

#[cfg(feature = "text")]
#[test]
fn a_column_that_is_to_stay_whole_is_never_cut() {
    let name = "Hunting.CommandAndControl.beaconing";
    let columns = ["name", "title"].map(|name| (name.to_owned(), ColumnType::String));
    let mut builder = TableBuilder::new(&columns, DatetimeMode::Timestamp);
    let title = "Connections at regular intervals";
    builder
        .append_row([JsonCell::Str(name), JsonCell::Str(title)])
        .unwrap();
    let (schema, batches, _) = builder.finish().unwrap();
    let table = Table::new(schema, batches, Summary::default()).unwrap();
    for width in [10, 50, 60] {
        let options = WriterOptions {
            width: Some(width),
            whole_columns: 1,
            ..WriterOptions::default()
        };
        let text = table.to_text(Format::Table, &options).unwrap();
        assert!(text.contains(name), "{width}: {text}");
        assert!(!text.contains(title), "{width}: {text}");
    }
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
        "Bool,Int,Long,Real,Decimal,Date,Span,Guid,Text,Dynamic\n"
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

#[cfg(any(feature = "parquet", feature = "ipc"))]
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

#[cfg(any(feature = "parquet", feature = "ipc"))]
impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The table's file, and what it could not hold.
#[cfg(any(feature = "parquet", feature = "ipc"))]
fn bytes(table: &Table, format: Format, options: &WriterOptions) -> (Vec<u8>, Vec<Warning>) {
    let kept = Kept::default();
    let warnings = table
        .write(format, Box::new(kept.clone()), options)
        .unwrap();
    let bytes = Arc::try_unwrap(kept.0).unwrap().into_inner().unwrap();
    (bytes, warnings)
}

#[cfg(feature = "ipc")]
#[test]
fn arrow_reads_back_the_same() {
    let (bytes, warnings) = bytes(&table(), Format::Arrow, &WriterOptions::default());
    assert!(warnings.is_empty(), "{warnings:?}");
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

#[cfg(feature = "parquet")]
mod parquet;
