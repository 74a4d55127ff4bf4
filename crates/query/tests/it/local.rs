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
async fn folders_together_are_one_set_of_tables_and_documents() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    for (path, text) in [
        (first.join("DeviceInfo.csv"), "DeviceName\na\n"),
        (second.join("DeviceInfo.ndjson"), "{\"DeviceName\":\"b\"}\n"),
        (second.join("externaldata/example.org/names.csv"), "b\n"),
    ] {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let provider = QueryProvider::new(DataEnvironment::Local)
        .connect(Connection::to_folders([first, second]))
        .await
        .unwrap();
    for (query, rows) in [
        ("DeviceInfo", 2),
        (
            "DeviceInfo | where DeviceName in ((externaldata(n:string)['https://example.org/names.csv']))",
            1,
        ),
    ] {
        let table = provider.exec_query(query).await.unwrap();
        assert_eq!(table.row_count(), rows, "{query}");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_shown_in_the_query() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("DeviceInfo.csv");
    std::fs::write(&path, "Timestamp,DeviceName\nyesterday,a\n").unwrap();
    let provider = QueryProvider::new(DataEnvironment::Local)
        .connect(Connection::to_folders([&path]))
        .await
        .unwrap();
    let query = "DeviceInfo | where Timestamp > ago(1d)";
    let error = provider.exec_query(query).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    let text = error.to_string();
    assert!(
        text.starts_with("1:1: cannot read ")
            && text.contains("line 2 has \"yesterday\" in column Timestamp, which is no datetime")
            && text.ends_with(&format!("\n  {query}\n  ^^^^^^^^^^")),
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
