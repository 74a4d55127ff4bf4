//! Bodies that were recorded elsewhere, in the shared folder.

use std::path::Path;

use defender_core::ErrorKind;
use defender_drivers::{Description, Driver, M365D, M365D_GRAPH, MDE, Query};
use defender_http::Answer;
use defender_table::{Completeness, Table};

use crate::support::bench;

pub(crate) fn shared(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures");
    std::fs::read_to_string(Path::new(folder).join(name)).unwrap()
}

async fn table(description: Description, body: String) -> Table {
    let bench = bench(description, [Answer::json(200, body)]);
    Table::collect(bench.driver.query(&Query::new("T")).await.unwrap())
        .await
        .unwrap()
}

/// Columns, rows, and some cells of a recorded answer.
async fn check(
    description: Description,
    name: &str,
    rows: usize,
    columns: &str,
    cells: &[(usize, &str, &str)],
) {
    let body = shared(name);
    let table = table(description, body).await;
    assert_eq!(table.row_count(), rows, "{name}");
    let types: Vec<_> = table
        .column_types()
        .iter()
        .map(|(column, kind)| format!("{column}:{kind}"))
        .collect();
    if !columns.is_empty() {
        assert_eq!(types.join(" "), columns, "{name}");
    }
    for (row, column, value) in cells {
        assert_eq!(
            table.cell(*row, column).unwrap().to_string(),
            *value,
            "{name} {column}"
        );
    }
}

const ALERTS: &str = "Timestamp:datetime AlertId:string Title:string Category:string Severity:string ServiceSource:string DetectionSource:string AttackTechniques:string";
const FILES: &str = "Timestamp:datetime FileName:string InitiatingProcessFileName:string";

#[tokio::test]
#[ignore = "needs ../shared"]
async fn recorded_answers_of_graph() {
    check(
        M365D_GRAPH,
        "hunt_graph_docs_200.json",
        2,
        FILES,
        &[
            (0, "Timestamp", "2024-03-26T09:39:50.7688641Z"),
            (1, "FileName", "cmd.exe"),
        ],
    )
    .await;
    check(
        M365D_GRAPH,
        "hunt_graph_docs_pascal_schema_200.json",
        2,
        FILES,
        &[(1, "Timestamp", "2020-08-30T06:38:30.5163363Z")],
    )
    .await;
    check(
        M365D_GRAPH,
        "hunt_graph_alertinfo_demisto_200.json",
        2,
        ALERTS,
        &[
            (0, "Timestamp", "2024-02-28T04:45:11Z"),
            (0, "Category", "Exfiltration"),
        ],
    )
    .await;
    check(M365D_GRAPH, "hunt_graph_derived_empty_200.json", 0, "", &[]).await;
    check(
        M365D_GRAPH,
        "hunt_graph_derived_nulls_200.json",
        1,
        "DeviceId:string Timestamp:datetime ConfigurationId:string ConfigurationSubcategory:string ConfigurationImpact:real IsCompliant:bool IsExpectedUserImpact:bool Context:dynamic EndOfSupportDate:datetime ConsentedUsersCount:long",
        &[(0, "IsCompliant", "false"), (0, "IsExpectedUserImpact", ""), (0, "Context", "[]"), (0, "ConsentedUsersCount", ""), (0, "ConfigurationImpact", "5.0")],
    )
    .await;
    check(
        M365D_GRAPH,
        "hunt_graph_derived_sbyte_200.json",
        2,
        "CveId:string IsExploitAvailable:bool CvssScore:real CveTags:dynamic CveId1:string PublishedDate:datetime instances:long",
        &[(0, "IsExploitAvailable", "true"), (1, "PublishedDate", ""), (1, "CveTags", r#"["ZeroDay"]"#), (0, "instances", "6308")],
    )
    .await;
}

#[tokio::test]
#[ignore = "needs ../shared"]
async fn recorded_dynamic_values_lose_their_annotations() {
    let body = shared("hunt_graph_derived_dynamic_200.json");
    let table = table(M365D_GRAPH, body).await;
    assert!(table.row_count() > 0);
    for row in 0..table.row_count() {
        for (column, _) in table.column_types() {
            let cell = table.cell(row, column).unwrap().to_string();
            assert!(!cell.contains("@odata"), "{column}: {cell}");
        }
    }
    assert_eq!(
        table.cell(0, "Categories").unwrap().to_string(),
        r#"["identity","application_identity"]"#
    );
}

#[tokio::test]
#[ignore = "needs ../shared"]
async fn recorded_answers_of_m365d_and_mde() {
    check(
        M365D,
        "hunt_m365d_docs_200.json",
        2,
        FILES,
        &[(0, "FileName", "conhost.exe")],
    )
    .await;
    check(
        M365D,
        "hunt_m365d_alertinfo_demisto_200.json",
        4,
        ALERTS,
        &[(0, "Timestamp", "2021-04-26T09:37:48Z")],
    )
    .await;
    // The recording was shortened to four of the rows that the service counted, and reads so.
    let shortened = table(M365D, shared("hunt_m365d_alertinfo_demisto_200.json")).await;
    assert_eq!(
        shortened.summary().completeness,
        Completeness::Incomplete {
            reason: "the service counted 264 rows in its result and sent 4".to_owned()
        }
    );
    let whole = table(M365D, shared("hunt_m365d_docs_200.json")).await;
    assert!(whole.is_complete());
    let machines = format!("{FILES} DeviceId:string");
    check(
        M365D,
        "hunt_m365d_rapid7_mock_200.json",
        2,
        &machines,
        &[(0, "FileName", "csc.exe")],
    )
    .await;
    check(
        MDE,
        "hunt_mde_docs_200.json",
        2,
        &machines,
        &[(0, "Timestamp", "2020-02-05T01:10:26.2648757Z")],
    )
    .await;
    check(
        MDE,
        "hunt_mde_stixshifter_rows_200.json",
        1,
        "TableName:string Timestamp:string DeviceName:string FileName:string SHA1:string SHA256:string MD5:string",
        &[(0, "SHA256", "")],
    )
    .await;
    let body = shared("hunt_m365d_docs_200.json");
    let table = table(M365D, body).await;
    assert_eq!(
        table.summary().stats.as_ref().unwrap()["ExecutionTime"],
        4.621_215
    );
}

#[tokio::test]
#[ignore = "needs ../shared"]
async fn recorded_rows_without_a_schema_keep_every_value() {
    let body = shared("hunt_m365d_rows_otrf_200.json");
    let source: serde_json::Value = serde_json::from_str(&body).unwrap();
    let rows = source["Results"].as_array().unwrap().clone();
    let table = table(M365D, body).await;
    assert_eq!(table.row_count(), rows.len());
    let mut compared = 0;
    for (index, row) in rows.iter().enumerate() {
        for (column, wanted) in row.as_object().unwrap() {
            let cell = table.cell(index, column).unwrap();
            let text = cell.to_string();
            match (cell, wanted) {
                (defender_table::Cell::Json(_), wanted) => {
                    assert_eq!(
                        &serde_json::from_str::<serde_json::Value>(&text).unwrap(),
                        wanted
                    );
                }
                (_, serde_json::Value::Null) => assert_eq!(text, ""),
                (_, serde_json::Value::String(wanted)) => assert_eq!(&text, wanted),
                (_, wanted) => assert_eq!(text, wanted.to_string(), "{column}"),
            }
            compared += 1;
        }
    }
    assert!(compared > 100, "{compared}");
}

#[tokio::test]
#[ignore = "needs ../shared"]
async fn recorded_errors() {
    for (description, name) in [
        (M365D_GRAPH, "errors_graph.json"),
        (MDE, "errors_mde_m365d.json"),
    ] {
        let text = shared(name);
        let entries: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        for entry in entries {
            let status = u16::try_from(entry["status"].as_u64().unwrap()).unwrap();
            let body = entry["body_text"]
                .as_str()
                .map_or_else(|| entry["body"].to_string(), str::to_owned);
            let mut answer = Answer::json(status, body);
            if let Some(wait) = entry["headers"]["Retry-After"]
                .as_str()
                .filter(|wait| wait.parse::<u64>().is_ok())
            {
                answer = answer.header("retry-after", wait);
            }
            let bench = bench(description, [answer]);
            let mut connection = bench.driver.connection().clone();
            connection.retry.policy = defender_http::RetryPolicy::never();
            let driver = defender_drivers::Hunting::new(description, connection);
            let outcome = if status == 401 {
                continue;
            } else {
                driver.query(&Query::new("T")).await
            };
            let error = outcome.unwrap_err();
            let message = entry["body"]["error"]["message"]
                .as_str()
                .unwrap_or_default();
            assert!(error.to_string().contains(message), "{error}: {message}");
            assert_eq!(error.status(), Some(status));
            let expected = match status {
                400 if message.contains("allowed result size") => ErrorKind::Incomplete,
                400 | 413 => ErrorKind::Query,
                403 => ErrorKind::Permission,
                429 => ErrorKind::Throttled,
                _ => ErrorKind::Service,
            };
            assert_eq!(error.kind(), expected, "{status} {message}");
            assert_eq!(error.is_transient(), status == 429 || status >= 500);
            if status == 429 {
                assert!(error.retry_after().is_some(), "{message}");
            }
        }
    }
}
