//! The environment `Local`: the same KQL over files.

use std::path::Path;

use defender_query::{Connection, DataEnvironment, ErrorKind, QueryProvider};
use defender_table::{Format, WriterOptions};

fn write(folder: &Path) {
    let rows = [
        r#"{"Timestamp":"2026-11-01T10:00:00.1234567Z","DeviceName":"a","FileName":"cmd.exe","ProcessId":7}"#,
        r#"{"Timestamp":"2026-11-01T11:00:00Z","DeviceName":"b","FileName":"CMD.EXE","Extra":"kept"}"#,
        r#"{"Timestamp":"2026-11-01T12:00:00Z","DeviceName":"a","FileName":"explorer.exe"}"#,
    ];
    std::fs::write(folder.join("DeviceProcessEvents.ndjson"), rows.join("\n")).unwrap();
}

async fn rows(query: &str) -> Result<String, defender_query::Error> {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let provider = QueryProvider::new(DataEnvironment::Local)
        .connect(Connection::to_folders([folder.path()]))
        .await?;
    let table = provider.exec_query(query).await?;
    table.to_text(Format::Ndjson, &WriterOptions::default())
}

#[tokio::test]
async fn rows_of_a_file_are_queried() {
    let rows = rows(
        "DeviceProcessEvents | where FileName =~ 'cmd.exe' \
         | project Timestamp, DeviceName, ProcessId, Extra | sort by Timestamp asc",
    );
    insta::assert_snapshot!(rows.await.unwrap(), @r#"
    {"Timestamp":"2026-11-01T10:00:00.1234567Z","DeviceName":"a","ProcessId":7,"Extra":""}
    {"Timestamp":"2026-11-01T11:00:00Z","DeviceName":"b","ProcessId":null,"Extra":"kept"}
    "#);
}

#[tokio::test]
async fn a_table_without_a_file_is_empty_and_keeps_its_columns() {
    let folder = tempfile::tempdir().unwrap();
    let provider = QueryProvider::new(DataEnvironment::Local)
        .connect(Connection::to_folders([folder.path()]))
        .await
        .unwrap();
    let table = provider
        .exec_query("EmailEvents | project Subject, Timestamp")
        .await
        .unwrap();
    assert_eq!(table.column_names(), ["Subject", "Timestamp"]);
    assert_eq!(table.row_count(), 0);
}

#[tokio::test]
async fn a_mistake_is_pointed_at() {
    let error = rows("DeviceProcessEvents | where FileNam == 'x'")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Query);
    let text = error.to_string();
    assert!(
        text.contains("FileNam") && text.contains("FileName") && text.contains('^'),
        "{text}"
    );
}

#[tokio::test]
async fn without_a_folder_there_is_nothing_to_query() {
    let error = QueryProvider::new(DataEnvironment::Local)
        .connect(Connection::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
}
