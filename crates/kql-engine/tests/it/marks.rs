//! Byte order marks inside of files: where files were put together, or where a value has one.

use std::fs;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use kql_engine::{Catalog, ScalarType};
use parquet::arrow::ArrowWriter;

use super::{engine, json, run_on};

fn schema(name: &str) -> Option<Vec<(String, ScalarType)>> {
    (name == "T").then(|| {
        [
            ("DeviceName", ScalarType::String),
            ("DeviceId", ScalarType::String),
        ]
        .map(|(name, ty)| (name.to_owned(), ty))
        .to_vec()
    })
}

fn names(file: &str, bytes: &[u8]) -> Result<serde_json::Value, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(file), bytes).unwrap();
    let catalog =
        Catalog::from_folder(folder.path(), &schema).map_err(|error| error.to_string())?;
    let table = file.split('.').next().unwrap();
    let answer = run_on(&engine(catalog), &format!("{table} | project DeviceName"));
    answer
        .map(|answer| json(&answer))
        .map_err(|error| error.to_string())
}

fn utf_16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn a_mark_inside_of_a_csv_is_never_a_part_of_a_value_in_silence() {
    for (line, text) in [
        (3, "DeviceName,DeviceId\nhost-a,1\n\u{feff}host-b,2\n"),
        (2, "DeviceName,DeviceId\n\u{feff}\u{feff}host-b,2\n"),
        (2, "DeviceName,DeviceId\n\u{feff}\"host-b\",2\n"),
        (4, "DeviceName,DeviceId\n\"a\nb\",1\n\u{feff}host-b,2\n"),
        (2, "DeviceName,DeviceId\n\u{feff},2\n"),
    ] {
        for file in ["T.csv", "Own.csv"] {
            let marked = format!("\u{feff}{text}");
            for bytes in [
                text.as_bytes().to_vec(),
                marked.clone().into_bytes(),
                utf_16(&marked),
            ] {
                let error = names(file, &bytes).expect_err(text);
                let place = format!("{file}: line {line} begins with a byte order mark");
                assert!(error.contains(&place), "{error}");
            }
        }
    }
    // A header is said to be one.
    let twice = "DeviceName,DeviceId\na,1\n\u{feff}DeviceName,DeviceId\nb,2\n";
    let error = names("T.csv", twice.as_bytes()).unwrap_err();
    assert!(error.contains("line 3 has the names of columns"), "{error}");
    // In quotes, and inside of a value, it is what somebody wrote.
    let meant = "DeviceName,DeviceId\n\"\u{feff}a\",1\nb\u{feff},2\n";
    let expected = serde_json::json!([["\u{feff}a"], ["b\u{feff}"]]);
    assert_eq!(names("T.csv", meant.as_bytes()), Ok(expected));
    let above = "sep=;\n\u{feff}DeviceName;DeviceId\na;1\n";
    assert_eq!(
        names("T.csv", above.as_bytes()),
        Ok(serde_json::json!([["a"]]))
    );
}

#[test]
fn marks_between_documents_are_no_json() {
    let one = |name: &str| format!("{{\"DeviceName\":\"{name}\",\"DeviceId\":\"1\"}}");
    let tall = |name: &str| format!("{{\n\"DeviceName\":\"{name}\"\n}}\n");
    let (a, b) = (one("a"), one("b"));
    let expected = || Ok(serde_json::json!([["a"], ["b"]]));
    for text in [
        format!("{a}\n\u{feff}{b}\n"),
        format!("\u{feff}{a}\n\u{feff}\u{feff}{b}\n\u{feff}\n\u{feff}"),
        format!("[{a}]\u{feff}[{b}]"),
        format!("[{a}]\n\u{feff}{b}\n"),
        format!("{}\u{feff}{}", tall("a"), tall("b")),
    ] {
        for file in ["T.ndjson", "Own.json"] {
            assert_eq!(names(file, text.as_bytes()), expected(), "{file} {text:?}");
            assert_eq!(
                names(file, &utf_16(&format!("\u{feff}{text}"))),
                expected(),
                "{text:?}"
            );
        }
    }
}

#[test]
fn a_first_name_with_a_mark_is_that_of_its_column() {
    let json = "{\"\u{feff}DeviceName\":\"a\",\"DeviceId\":\"1\"}\n";
    assert_eq!(
        names("T.ndjson", json.as_bytes()),
        Ok(serde_json::json!([["a"]]))
    );
    let values: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
    let columns = [
        ("\u{feff}DeviceName", Arc::clone(&values)),
        ("DeviceId", values),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    assert_eq!(names("T.parquet", &bytes), Ok(serde_json::json!([["a"]])));
}
