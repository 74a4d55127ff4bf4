//! Files that are not quite what their names say, and values that are not what their columns say.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use kql_engine::{Catalog, Engine, EngineError, Options, ScalarType};
use parquet::arrow::ArrowWriter;
use serde_json::json as rows;

use super::{engine, json, run_on};

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

/// `T` and `Known` have a schema, other tables have none.
fn schema(name: &str) -> Option<Vec<(String, ScalarType)>> {
    matches!(name, "T" | "Known").then(|| {
        [
            ("Timestamp", ScalarType::DateTime),
            ("Name", ScalarType::String),
            ("Port", ScalarType::Int),
            ("Size", ScalarType::Long),
            ("Done", ScalarType::Bool),
        ]
        .map(|(name, ty)| (name.to_owned(), ty))
        .to_vec()
    })
}

fn over(path: &Path) -> Engine {
    engine(Catalog::from_folder(path, &schema).unwrap())
}

fn answer(engine: &Engine, query: &str) -> serde_json::Value {
    json(&run_on(engine, query).unwrap())
}

fn complaint(engine: &Engine, query: &str) -> String {
    run_on(engine, query).unwrap_err().to_string()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text).unwrap();
    gzip.finish().unwrap()
}

fn utf16(text: &str, unit: impl Fn(u16) -> [u8; 2]) -> Vec<u8> {
    format!("\u{feff}{text}")
        .encode_utf16()
        .flat_map(unit)
        .collect()
}

#[test]
fn a_value_of_another_type_is_an_error_of_who_reads_it() {
    for (name, text, column, what) in [
        (
            "T.ndjson",
            "{\"Name\":\"a\"}\n\n{\"Name\":\"b\",\"Timestamp\":\"yesterday\"}\n",
            "Timestamp",
            "T.ndjson: line 3 has \"yesterday\" in column Timestamp, which is no datetime",
        ),
        (
            "T.ndjson",
            "{\"Name\":\"a\",\"Timestamp\":1700000000}\n",
            "Timestamp",
            "line 1 has \"1700000000\" in column Timestamp, which is no datetime",
        ),
        (
            "T.json",
            "[{\"Name\":\"a\"},\n{\"Name\":\"b\",\n\"Port\":[1]}]",
            "Port",
            "T.json: line 3 has \"[1]\" in column Port, which is no int",
        ),
        (
            "T.json",
            "{\"time\":\"t\",\"category\":\"AdvancedHunting-T\",\"properties\":{\"Name\":\"a\",\"Port\":3000000000}}\n",
            "Port",
            "line 1 has \"3000000000\" in column Port, which is no int",
        ),
        (
            "T.csv",
            "Name,Size\n\"a\nb\",1\nc,1.5\n",
            "Size",
            "T.csv: line 4 has \"1.5\" in column Size, which is no long",
        ),
        (
            "T.csv",
            "Name,Done\na,perhaps\n",
            "Done",
            "T.csv: line 2 has \"perhaps\" in column Done, which is no bool",
        ),
        (
            "T.csv",
            "Name,Done\na,2\n",
            "Done",
            "T.csv: line 2 has \"2\" in column Done, which is no bool",
        ),
        (
            "T.ndjson",
            "{\"Name\":\"a\",\"Port\":true}\n",
            "Port",
            "line 1 has \"true\" in column Port, which is no int",
        ),
        (
            "T.csv",
            "Name,Timestamp\na,2024\n",
            "Timestamp",
            "T.csv: line 2 has \"2024\" in column Timestamp, which is no datetime",
        ),
    ] {
        let folder = folder(&[(name, text.as_bytes())]);
        let engine = over(folder.path());
        let error = complaint(&engine, &format!("T | project {column}"));
        assert!(error.contains(what), "{error}");
        let others = answer(&engine, "T | where Name in ('a', 'a\\nb') | count");
        assert_eq!(others, rows!([[1]]), "{name}: other columns are there");
    }
}

#[test]
fn a_value_of_another_type_in_a_column_of_arrow_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let batch = RecordBatch::try_from_iter([
        (
            "Timestamp",
            Arc::new(TimestampMillisecondArray::from(vec![0, i64::MAX])) as _,
        ),
        ("Port", Arc::new(Int64Array::from(vec![Some(7), None])) as _),
        (
            "Size",
            Arc::new(StringArray::from(vec![Some("5"), Some("five")])) as _,
        ),
    ])
    .unwrap();
    let path = folder.path().join("T.parquet");
    let mut writer =
        ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let engine = over(folder.path());
    assert_eq!(answer(&engine, "T | project Port"), rows!([[7], [null]]));
    let size = complaint(&engine, "T | project Size");
    assert!(
        size.contains("T.parquet: row 2 has \"five\" in column Size, which is no long"),
        "{size}"
    );
    let time = complaint(&engine, "T | summarize max(Timestamp)");
    assert!(
        time.contains("T.parquet: row 2 has") && time.contains("in column Timestamp"),
        "{time}"
    );
}

#[test]
fn a_folder_of_another_type_is_an_error() {
    let folder = folder(&[("T/Port=many/a.csv", b"Name\na\n")]);
    let error = complaint(&over(folder.path()), "T");
    assert!(
        error.contains("its folder has \"many\" in column Port, which is no int"),
        "{error}"
    );
}

#[test]
fn whole_numbers_and_words_are_values() {
    let folder = folder(&[
        ("T/1.csv", b"Name,Port,Done\na,443.0,TRUE\nb, ,0\n"),
        (
            "T/2.ndjson",
            b"{\"Name\":\"c\",\"Port\":443.0,\"Done\":1}\n{\"Name\":\"d\",\"Port\":\"\",\"Done\":null}\n",
        ),
    ]);
    assert_eq!(
        answer(&over(folder.path()), "T | project Name, Port, Done"),
        rows!([
            ["a", 443, true],
            ["b", null, false],
            ["c", 443, true],
            ["d", null, null]
        ])
    );
}

#[test]
fn text_may_be_utf_16() {
    let csv = "a,b\r\n1,\u{e9}\u{1f600}\r\n";
    let json = "{\"a\":1,\"b\":\"\u{e9}\"}\r\n";
    let cut = utf16(csv, u16::to_le_bytes);
    let folder = folder(&[
        ("L.csv", &utf16(csv, u16::to_le_bytes)),
        ("B.csv", &utf16(csv, u16::to_be_bytes)),
        ("J.ndjson", &utf16(json, u16::to_le_bytes)),
        ("G.csv.gz", &gzip(&utf16(csv, u16::to_le_bytes))),
        ("Cut.csv", &cut[..cut.len() - 1]),
    ]);
    let engine = over(folder.path());
    for table in ["L", "B", "G"] {
        assert_eq!(
            answer(&engine, table),
            rows!([[1, "\u{e9}\u{1f600}"]]),
            "{table}"
        );
    }
    assert_eq!(answer(&engine, "J"), rows!([[1, "\u{e9}"]]));
    let error = complaint(&engine, "Cut");
    assert!(error.contains("the text is not UTF-16"), "{error}");
}

#[test]
fn what_is_compressed_the_bytes_tell() {
    let text = b"{\"a\":1}\n{\"a\":2}\n";
    let frame = zstd::stream::encode_all(&text[..], 1).unwrap();
    let folder = folder(&[
        ("Unpacked.ndjson.gz", text),
        ("Packed.ndjson", &gzip(text)),
        ("Other.ndjson.gz", &frame),
        ("Upper.NDJSON.GZ", &gzip(text)),
        ("Cut.ndjson", &gzip(text)[..20]),
        ("Empty.ndjson.gz", b""),
        ("Noise.ndjson.zst", b"\x00\x01\x02\x03"),
        ("P.csv", b"PAR1\x15\x04"),
        ("X.csv", b"PK\x03\x04 a workbook"),
    ]);
    let engine = over(folder.path());
    for table in ["Unpacked", "Packed", "Other", "Upper"] {
        let query = format!("{table} | summarize sum(a)");
        assert_eq!(answer(&engine, &query), rows!([[3]]), "{table}");
    }
    for (table, what) in [
        ("Cut", "the compressed data is cut off"),
        ("Empty", "it is empty, where compressed data is expected"),
        ("Noise", "it is neither gzip nor Zstandard, and no text"),
        ("P", "it is Parquet; call it .parquet"),
        ("X", "it is a ZIP archive or a workbook"),
    ] {
        let error = complaint(&engine, table);
        assert!(error.contains(what), "{error}");
    }
}

#[test]
fn no_file_of_a_table_is_missing_unseen() {
    let folder = folder(&[
        ("Known.xlsx", b"PK"),
        ("README.md", b"about the data"),
        ("notes/a.txt", b"no table"),
        ("U/1.ndjson", b"{\"a\":1}\n"),
        ("U/2.ndjson.bz2", b"BZh"),
        ("V/1.ndjson", b"{\"a\":1}\n"),
        ("V/_SUCCESS", b""),
        ("V/_delta_log/0.json", b"{\"commitInfo\":{}}\n"),
        ("V/.part.crc", b""),
        ("W.csv", b"a\n1\n"),
        ("W.csv.bak", b"a\n1\n"),
    ]);
    let engine = over(folder.path());
    assert_eq!(engine.catalog().table_names(), ["Known", "U", "V", "W"]);
    for (table, file) in [
        ("Known", "Known.xlsx"),
        ("U", "2.ndjson.bz2"),
        ("W", "W.csv.bak"),
    ] {
        let error = complaint(&engine, table);
        assert!(
            error.contains(file) && error.contains("its extension names no format"),
            "{error}"
        );
    }
    assert_eq!(answer(&engine, "V"), rows!([[1]]));
}

#[test]
fn one_file_is_one_table() {
    let folder = folder(&[
        ("Known.2026-11.csv", b"Name,Port\na,1\n"),
        ("other.csv", b"a\n1\n"),
        ("hub.json", b"{\"records\":[{\"time\":\"t\",\"category\":\"AdvancedHunting-Known\",\"properties\":{\"Port\":5}}]}"),
    ]);
    let one = over(&folder.path().join("Known.2026-11.csv"));
    assert_eq!(one.catalog().table_names(), ["Known"]);
    assert_eq!(answer(&one, "Known | project Port"), rows!([[1]]));
    let hub = over(&folder.path().join("hub.json"));
    assert_eq!(answer(&hub, "Known | project Port"), rows!([[5]]));
    assert!(Catalog::from_folder(folder.path().join("none.csv"), &schema).is_err());
}

#[test]
fn a_table_may_be_in_several_folders() {
    let folder = folder(&[
        ("a/Known.csv", b"Name,Port\na,1\n"),
        ("b/Known.ndjson", b"{\"Name\":\"b\",\"More\":2}\n"),
        ("b/U.csv", b"x\n1\n"),
    ]);
    let paths = ["b", "a", "a/Known.csv", "a/../b"].map(|name| folder.path().join(name));
    let both = engine(Catalog::from_folders(&paths, &schema).unwrap());
    assert_eq!(both.catalog().table_names(), ["Known", "U"]);
    assert_eq!(
        answer(&both, "Known | project Name, Port, More"),
        rows!([["b", null, 2], ["a", 1, null]])
    );
}

#[test]
fn the_header_tells_what_separates_the_values() {
    let folder = folder(&[
        ("S.csv", b"\xef\xbb\xbfsep=;\r\na;b\r\n1,5;x\r\n"),
        ("D.csv", b"\"a,b\";c\n1;2\n"),
        ("Tab.csv", b"a\tb\n1\t2\n"),
        ("Bar.csv", b"a|b\n1|2\n"),
        ("Comma.csv", b"a,b;c\n1,2\n"),
        ("One.csv", b"a\n1;2\n"),
        ("Wrong.csv", b"sep=;\na;b\n1\n"),
    ]);
    let engine = over(folder.path());
    assert_eq!(answer(&engine, "S"), rows!([["1,5", "x"]]));
    for table in ["D", "Tab", "Bar", "Comma"] {
        assert_eq!(answer(&engine, table), rows!([[1, 2]]), "{table}");
    }
    assert_eq!(answer(&engine, "One"), rows!([["1;2"]]));
    let error = complaint(&engine, "Wrong");
    assert!(
        error.contains("line 3 has 1 cells where the header has 2"),
        "{error}"
    );
}

#[test]
fn logs_of_azure_have_no_columns_of_their_folders() {
    let record =
        b"{\"time\":\"t\",\"category\":\"AdvancedHunting-Known\",\"properties\":{\"Port\":5}}\r\n";
    let hour = "resourceId=/TENANTS/X/y=2026/m=11/d=01/h=10/m=00/PT1H.json";
    let name = format!("insights-logs-advancedhunting-known/{hour}");
    let folder = folder(&[(&name, record)]);
    for path in [
        folder.path().to_owned(),
        folder.path().join("insights-logs-advancedhunting-known"),
    ] {
        let engine = over(&path);
        assert_eq!(engine.catalog().table_names(), ["Known"]);
        assert_eq!(engine.catalog().columns("Known").unwrap().len(), 5);
        assert_eq!(answer(&engine, "Known | project Port"), rows!([[5]]));
    }
}

#[test]
fn documents_beside_tables_are_no_tables() {
    let folder = folder(&[
        ("externaldata/example.org/ip.csv", b"192.0.2.1\n"),
        ("U.csv", b"a\n192.0.2.1\n192.0.2.2\n"),
    ]);
    let none = tempfile::tempdir().unwrap();
    let options = Options {
        external_data: [none.path(), folder.path()]
            .map(|path| path.join(Catalog::EXTERNAL_DATA))
            .to_vec(),
        ..Options::default()
    };
    let engine = over(folder.path()).with_options(options);
    assert_eq!(engine.catalog().table_names(), ["U"]);
    let query = "U | where a in ((externaldata(ip:string)['https://example.org/ip.csv'])) | count";
    assert_eq!(answer(&engine, query), rows!([[1]]));
    let error = complaint(
        &engine,
        "externaldata(ip:string)['https://example.org/b.csv']",
    );
    assert!(
        error.contains("reads local copies only, and there is no ") && error.contains(" or "),
        "{error}"
    );
}

#[test]
fn what_fails_is_shown_where_the_query_names_it() {
    let folder = folder(&[
        ("T.csv", b"Port\nx\n"),
        ("U.ndjson", b"{\"a\":1}\n{\"a\":\n"),
        ("V.parquet", b"no Parquet"),
    ]);
    let engine = over(folder.path());
    let query = "print a = 1\n| union (T | project Port)";
    for (query, line, column) in [
        (query, 2, 10),
        ("print a = 1 | union (U)", 1, 22),
        ("let v = V | count;\nv", 1, 9),
    ] {
        let error = run_on(&engine, query).unwrap_err();
        assert!(matches!(error, EngineError::Data { .. }), "{error:?}");
        let shown = error.render(query);
        let place = format!("{line}:{column}: cannot read ");
        assert!(shown.starts_with(&place), "{shown}");
        assert!(shown.trim_end().ends_with('^'), "{shown}");
    }
}

#[test]
fn columns_under_the_names_of_a_workspace_fill_those_of_the_table() {
    let day = "datetime(2026-11-01)";
    let folder = folder(&[
        (
            "T/a.json",
            br#"{"TimeGenerated":"2026-11-01","name":"a","Size":1}
{"TimeGenerated":"2026-11-02T00:00:00Z","Name":"b","name":"other","Size":2}
"#,
        ),
        (
            "T/b.csv",
            b"\"Timestamp [UTC]\",NAME,port\n2026-11-03T00:00:00Z,c,3\n",
        ),
        (
            "T/c.csv",
            b"Timestamp,TimeGenerated,Name\n2026-11-04T00:00:00Z,2020-01-01T00:00:00Z,d\n",
        ),
        // Longer than what is kept.
        (
            "Known.json",
            &br#"{"TimeGenerated":"2026-11-05T00:00:00Z","NAME":"e"}
"#
            .repeat(40_000),
        ),
    ]);
    let batch = RecordBatch::try_from_iter([
        (
            "TimeGenerated",
            Arc::new(TimestampMillisecondArray::from(vec![1_793_923_200_000])) as _,
        ),
        ("name", Arc::new(StringArray::from(vec!["f"])) as _),
    ])
    .unwrap();
    let file = File::create(folder.path().join("T/d.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let engine = over(folder.path());
    assert_eq!(
        answer(
            &engine,
            &format!(
                "T | where Timestamp >= {day} | project Day = dayofmonth(Timestamp), Name, Port | sort by Name asc"
            )
        ),
        rows!([
            [1, "a", null],
            [2, "b", null],
            [3, "c", 3],
            [4, "d", null],
            [6, "f", null]
        ])
    );
    // The file's own column is there, too, and as it is.
    assert_eq!(
        answer(&engine, "T | where Name == 'd' | project TimeGenerated"),
        rows!([["2020-01-01T00:00:00Z"]])
    );
    assert_eq!(
        answer(
            &engine,
            &format!("Known | where Timestamp > {day} and Name == 'e' | count")
        ),
        rows!([[40_000]])
    );
    assert_eq!(
        answer(
            &engine,
            "Known | where Timestamp > datetime(2026-12-01) | count"
        ),
        rows!([[0]])
    );
}

#[test]
fn another_format_under_the_name_of_text_is_told() {
    let json = "is JSON, where the names of columns are expected: let the file's name end in .json";
    let page = "is HTML or XML, where the names of columns are expected";
    for (name, text, expected) in [
        ("A.csv", "[{\"a\":1},{\"a\":2}]", json),
        ("A.csv", "[\n  {\n  \"a\": 1\n}]", json),
        ("A.csv", "{\n \"a\": 1\n}\n", json),
        ("A.csv", "{\"a\":1,\"b\":2}\n{\"a\":2,\"b\":3}\n", json),
        ("A.csv", "\u{feff}{\"a\":1}", json),
        ("A.csv", "{}", json),
        ("A.tsv", "[]\n", json),
        ("Known.csv", "{\"Name\":\"x\",\"Port\":2}\n", json),
        ("A.csv", "<!DOCTYPE html>\n<html>", page),
        ("A.csv", "<HTML>", page),
        ("A.csv", "<?xml version=\"1.0\"?>\n", page),
        (
            "A.json",
            "a,b\n1,2\n",
            "a file of CSV has a name that ends in .csv",
        ),
    ] {
        let folder = folder(&[(name, text.as_bytes())]);
        let engine = over(folder.path());
        let (table, _) = name.split_once('.').unwrap();
        let found = complaint(&engine, table);
        assert!(
            found.contains(&format!("{name}: line 1 ")),
            "{text}: {found}"
        );
        assert!(found.contains(expected), "{text}: {found}");
    }
    // Names that begin so, and that no JSON does.
    for text in [
        "[a],[b]\n1,2\n",
        "{a,b}\n1,2\n",
        "\n{,b\n1,2\n",
        "<a>,b\n1,2\n",
    ] {
        let folder = folder(&[("A.csv", text.as_bytes())]);
        assert_eq!(answer(&over(folder.path()), "A"), rows!([[1, 2]]), "{text}");
    }
}

#[test]
fn numbers_of_json_are_whole_or_an_error_with_their_place() {
    for (written, found) in [
        ("1E5", Ok(100_000)),
        ("1e5", Ok(100_000)),
        ("1.0", Ok(1)),
        ("-0", Ok(0)),
        ("-0.0", Ok(0)),
        ("2.50e1", Ok(25)),
        ("\"1e5\"", Ok(100_000)),
        ("\"-0\"", Ok(0)),
        ("1.5", Err("\"1.5\"")),
        ("1e-1", Err("\"0.1\"")),
        ("true", Err("\"true\"")),
        ("1e19", Err("\"1e19\"")),
        ("9223372036854775808", Err("\"9223372036854775808\"")),
        (
            "12345678901234567890123",
            Err("\"12345678901234567890123\""),
        ),
        ("9007199254740993.5", Err("\"9007199254740993.5\"")),
    ] {
        // Numbers in columns that nobody reads make no difference.
        let text =
            format!("{{\"Name\":\"x\",\"Extra\":{written},\"Size\":{written},\"Port\":1}}\n");
        let folder = folder(&[("T.json", text.as_bytes())]);
        let engine = over(folder.path());
        assert_eq!(
            answer(&engine, "T | project Name, Port"),
            rows!([["x", 1]]),
            "{written}"
        );
        match found {
            Ok(number) => assert_eq!(answer(&engine, "T | project Size"), rows!([[number]])),
            Err(shown) => {
                let found = complaint(&engine, "T | project Size");
                let expected = format!("T.json: line 1 has {shown} in column Size, which ");
                assert!(found.contains(&expected), "{written}: {found}");
            }
        }
    }
}

#[test]
fn numbers_for_times_are_told_how_they_are_converted() {
    for (number, function) in [
        ("1730419200", "unixtime_seconds_todatetime(Timestamp)"),
        (
            "1730419200000",
            "unixtime_milliseconds_todatetime(Timestamp)",
        ),
        (
            "1730419200000000",
            "unixtime_microseconds_todatetime(Timestamp)",
        ),
    ] {
        let csv = format!("Timestamp,Name\n{number},x\n");
        let quoted = format!("{{\"Timestamp\":\"{number}\",\"Name\":\"x\"}}");
        let json = quoted.replacen(&format!("\"{number}\""), number, 1);
        for (name, text) in [("T.csv", csv), ("T.json", quoted), ("T.json", json)] {
            let folder = folder(&[(name, text.as_bytes())]);
            let found = complaint(&over(folder.path()), "T | project Timestamp");
            assert!(found.contains(function), "{name} {text}: {found}");
            let mut catalog = Catalog::new();
            catalog.add_file("Rows", None, folder.path().join(name));
            let query = format!("Rows | extend Timestamp = tolong(Timestamp) | project {function}");
            assert_eq!(
                answer(&engine(catalog), &query),
                rows!([["2024-11-01T00:00:00.0000000Z"]]),
                "{text}"
            );
        }
    }
}

#[test]
fn text_has_at_most_so_many_columns_as_other_files() {
    let names: Vec<String> = (0..100_001).map(|number| format!("c{number}")).collect();
    let text = format!("{}\n", names.join(","));
    let folder = folder(&[("Wide.csv", text.as_bytes())]);
    let found = complaint(&over(folder.path()), "Wide | count");
    assert!(
        found.contains("Wide.csv: it has 100001 columns, and a table at most 100000"),
        "{found}"
    );
}
