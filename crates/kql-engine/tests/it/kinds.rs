//! Files of a kind that is not read are called by its name.

use std::fs;
use std::io::Write;
use std::path::Path;

use kql_engine::{Catalog, ScalarType};

use super::{engine, json, run_on};

fn schema(name: &str) -> Option<Vec<(String, ScalarType)>> {
    (name == "T").then(|| {
        ["Timestamp", "DeviceName", "DeviceId"]
            .map(|name| (name.to_owned(), ScalarType::String))
            .to_vec()
    })
}

fn count(folder: &Path, table: &str) -> Result<serde_json::Value, String> {
    let catalog = Catalog::from_folder(folder, &schema).map_err(|error| error.to_string())?;
    let answer = run_on(&engine(catalog), &format!("{table} | count"));
    answer
        .map(|answer| json(&answer))
        .map_err(|error| error.to_string())
}

/// What is wrong with a file of these bytes.
fn complaint(name: &str, bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), bytes).unwrap();
    match count(folder.path(), "T") {
        Err(complaint) => complaint,
        Ok(rows) => panic!("{name} has {rows} rows"),
    }
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text).unwrap();
    gzip.finish().unwrap()
}

#[test]
fn whatever_a_file_is_called_its_kind_is_named() {
    let utf_32 = |big: bool, mark: &str| -> Vec<u8> {
        let text = format!("{mark}DeviceName,DeviceId\nhost,1\n");
        let bytes = |one: char| {
            if big {
                u32::from(one).to_be_bytes()
            } else {
                u32::from(one).to_le_bytes()
            }
        };
        text.chars().flat_map(bytes).collect()
    };
    for (bytes, what) in [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n".to_vec(),
            "Git LFS",
        ),
        (
            b"FEA1\0\0\0\0rest of a file FEA1".to_vec(),
            "Feather version 1",
        ),
        (b"BZh91AY&SY\x12\x34".to_vec(), "bzip2"),
        (b"\xfd7zXZ\0\0\x04".to_vec(), "xz"),
        (b"\x04\x22\x4d\x18\x40".to_vec(), "LZ4"),
        (b"PK\x03\x04\x14\0".to_vec(), "ZIP archive or a workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0".to_vec(), "old Excel"),
        (b"Obj\x01\x04\x14".to_vec(), "Avro"),
        (b"ORC\x0a\x03".to_vec(), "ORC"),
        (b"SQLite format 3\0\x10".to_vec(), "SQLite"),
        (b"ElfFile\0\0".to_vec(), "EVTX"),
    ] {
        for extension in [
            "csv", "tsv", "ndjson", "json", "parquet", "arrow", "feather", "csv.gz", "csv.bz2",
        ] {
            let name = format!("T.{extension}");
            let error = complaint(&name, &bytes);
            assert!(
                error.contains(&name) && error.contains(what),
                "{name}: {error}"
            );
        }
    }
    for big in [false, true] {
        for mark in ["", "\u{feff}"] {
            for name in ["T.csv", "T.ndjson"] {
                let error = complaint(name, &utf_32(big, mark));
                assert!(error.contains("it is UTF-32"), "{name} {big}: {error}");
            }
        }
    }
}

#[test]
fn bytes_behind_gzip_are_no_cut() {
    let csv = packed(b"DeviceName,DeviceId\na,1\n");
    let json = packed(b"{\"DeviceName\":\"a\",\"DeviceId\":\"1\"}\n");
    for (name, whole) in [("T.csv.gz", csv), ("T.ndjson.gz", json)] {
        let error = complaint(name, &[&whole[..], b"more"].concat());
        assert!(
            error.contains("behind the end of the compressed data"),
            "{error}"
        );
        assert!(!error.contains("cut off"), "{error}");
        let error = complaint(name, &whole[..whole.len() - 5]);
        assert!(error.contains("cut off"), "{error}");
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), [&whole[..], &[0; 512]].concat()).unwrap();
        assert_eq!(
            count(folder.path(), "T"),
            Ok(serde_json::json!([[1]])),
            "{name}"
        );
    }
}

#[test]
fn records_in_columns_say_where_their_rows_are() {
    let text = b"time,category,properties\n2026-11-01T08:00:00Z,AdvancedHunting-T,\"{\"\"DeviceName\"\":\"\"a\"\"}\"\n";
    let error = complaint("T.csv", text);
    let hint = "Rows | extend properties = parse_json(properties)";
    assert!(
        error.contains("records of the Streaming API") && error.contains(hint),
        "{error}"
    );
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("Rows.csv"), text).unwrap();
    let catalog = Catalog::from_folder(folder.path(), &schema).unwrap();
    let query = format!("{hint} | project tostring(properties.DeviceName)");
    let answer = run_on(&engine(catalog), &query).unwrap();
    assert_eq!(json(&answer), serde_json::json!([["a"]]));
}
