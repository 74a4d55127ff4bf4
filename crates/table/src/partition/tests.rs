//! Which rows come into which file, and under which name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::*;
use crate::{DatetimeMode, JsonCell, TableBuilder};

type Files = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

struct File {
    files: Files,
    path: String,
}

impl io::Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut files = self.files.lock().unwrap();
        files
            .entry(self.path.clone())
            .or_default()
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn opened() -> (Files, OpenPart) {
    let files = Files::default();
    let shared = Arc::clone(&files);
    let open = move |path: &str| -> Result<Box<dyn io::Write + Send>> {
        Ok(Box::new(File {
            files: Arc::clone(&shared),
            path: path.to_owned(),
        }))
    };
    (files, Box::new(open))
}

fn rows(datetimes: DatetimeMode) -> (SchemaRef, Vec<RecordBatch>) {
    let columns = [
        ("Tenant", ColumnType::String),
        ("Timestamp", ColumnType::DateTime),
        ("Id", ColumnType::Long),
    ];
    let columns: Vec<_> = columns
        .into_iter()
        .map(|(name, kind)| (name.to_owned(), kind))
        .collect();
    let mut builder = TableBuilder::new(&columns, datetimes);
    for (index, (tenant, time)) in [
        ("contoso", "2026-11-20T23:59:59.9999999Z"),
        ("a/b=c %..", "2026-11-21T00:00:00Z"),
        ("contoso", "2026-11-21T00:00:00Z"),
        ("", "2026-11-20T00:00:00Z"),
        ("contoso", ""),
        ("contoso", "2026-11-20T01:00:00Z"),
    ]
    .into_iter()
    .enumerate()
    {
        builder
            .append_row([
                JsonCell::Str(tenant),
                JsonCell::Str(time),
                JsonCell::I64(i64::try_from(index).unwrap()),
            ])
            .unwrap();
    }
    let (schema, batches, _) = builder.finish().unwrap();
    (schema, batches)
}

fn written(names: &[&str], datetimes: DatetimeMode, limit: usize) -> BTreeMap<String, String> {
    let (schema, batches) = rows(datetimes);
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let (files, open) = opened();
    let mut writer = Partitioned::new(
        &schema,
        &names,
        Format::Csv,
        &WriterOptions::default(),
        open,
    )
    .unwrap();
    writer.limit = limit;
    for batch in batches {
        for row in 0..batch.num_rows() {
            writer.write(&batch.slice(row, 1)).unwrap();
        }
    }
    Box::new(writer).finish().unwrap();
    let files = std::mem::take(&mut *files.lock().unwrap());
    files
        .into_iter()
        .map(|(path, text)| (path, String::from_utf8(text).unwrap()))
        .collect()
}

#[test]
fn folders_are_named_after_values_and_files_lack_them() {
    let files = written(&["tenant", "date"], DatetimeMode::Timestamp, KEPT);
    let shown: Vec<String> = files
        .iter()
        .map(|(path, text)| format!("{path}\n{text}"))
        .collect();
    insta::assert_snapshot!(shown.concat().replace('\r', ""), @r#"
    tenant=__HIVE_DEFAULT_PARTITION__/date=2026-11-20/part-0.csv
    Timestamp,Id
    2026-11-20T00:00:00Z,3
    tenant=a%2Fb%3Dc%20%25.%2E/date=2026-11-21/part-0.csv
    Timestamp,Id
    2026-11-21T00:00:00Z,1
    tenant=contoso/date=2026-11-20/part-0.csv
    Timestamp,Id
    2026-11-20T23:59:59.9999999Z,0
    2026-11-20T01:00:00Z,5
    tenant=contoso/date=2026-11-21/part-0.csv
    Timestamp,Id
    2026-11-21T00:00:00Z,2
    tenant=contoso/date=__HIVE_DEFAULT_PARTITION__/part-0.csv
    Timestamp,Id
    ,4
    "#);
}

#[test]
fn days_of_datetimes_kept_as_text_are_the_same() {
    let typed = written(&["tenant", "date"], DatetimeMode::Timestamp, KEPT);
    let text = written(&["tenant", "date"], DatetimeMode::Text, KEPT);
    assert!(typed.keys().eq(text.keys()), "{text:?}");
}

#[test]
fn whatever_is_kept_back_every_row_is_written_once() {
    let whole = written(&["Tenant"], DatetimeMode::Timestamp, KEPT);
    let parts = written(&["Tenant"], DatetimeMode::Timestamp, 0);
    assert_eq!(whole.len(), 3);
    assert_eq!(parts.len(), 6);
    let lines = |files: &BTreeMap<String, String>| {
        let mut lines: Vec<String> = files
            .iter()
            .flat_map(|(path, text)| {
                let folder = path.split('/').next().unwrap_or_default();
                text.lines()
                    .skip(1)
                    .map(move |line| format!("{folder} {line}"))
            })
            .collect();
        lines.sort();
        lines
    };
    assert_eq!(lines(&whole), lines(&parts));
}

#[test]
fn what_cannot_be_partitioned_is_told() {
    let (schema, _) = rows(DatetimeMode::Timestamp);
    for (names, format, message) in [
        (
            vec!["Device"],
            Format::Csv,
            "the result has no column Device to be partitioned by",
        ),
        (
            vec!["Id", "Id"],
            Format::Csv,
            "the result is partitioned by Id twice",
        ),
        (
            vec!["Id"],
            Format::Table,
            "a partitioned result cannot be written as table",
        ),
        (
            vec!["Id", "Tenant", "timestamp"],
            Format::Csv,
            "a partitioned result needs a column that it is not partitioned by",
        ),
    ] {
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let error = Partitioned::new(
            &schema,
            &names,
            format,
            &WriterOptions::default(),
            opened().1,
        )
        .unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!(error.kind(), ErrorKind::Usage);
    }
}

#[test]
fn a_value_longer_than_a_name_may_be_is_an_error() {
    let columns = [
        ("A".to_owned(), ColumnType::String),
        ("B".to_owned(), ColumnType::Long),
    ];
    let mut builder = TableBuilder::new(&columns, DatetimeMode::Timestamp);
    let long = "x".repeat(300);
    builder
        .append_row([JsonCell::Str(&long), JsonCell::I64(1)])
        .unwrap();
    let (schema, batches, _) = builder.finish().unwrap();
    let mut writer = Partitioned::new(
        &schema,
        &["A".to_owned()],
        Format::Csv,
        &WriterOptions::default(),
        opened().1,
    )
    .unwrap();
    let error = writer.write(&batches[0]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a value of A is too long for the name of a folder"
    );
}

#[cfg(feature = "parquet")]
#[test]
fn what_files_cannot_hold_is_counted_over_all_of_them() {
    let columns = [
        ("tenant".to_owned(), ColumnType::String),
        ("Time".to_owned(), ColumnType::DateTime),
    ];
    let mut builder = TableBuilder::new(&columns, DatetimeMode::Timestamp);
    for tenant in ["a", "b", "a"] {
        let time = JsonCell::Str("2026-11-20T01:00:00.0000001Z");
        builder.append_row([JsonCell::Str(tenant), time]).unwrap();
    }
    let (schema, batches, _) = builder.finish().unwrap();
    let mut writer = Partitioned::new(
        &schema,
        &["tenant".to_owned()],
        Format::Parquet,
        &WriterOptions::default(),
        opened().1,
    )
    .unwrap();
    writer.limit = 0;
    for batch in batches {
        writer.write(&batch).unwrap();
    }
    let warnings = Box::new(writer).finish().unwrap();
    assert_eq!(warnings, [Warning::of_precision("Time", 3)]);
}
