//! Queries that run: the local engine behind the endpoints.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::TimestampNanosecondArray;
use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray};
use defender_emulator::{Data, Emulator, Options, Place, Running};
use serde_json::{Value as Json, json};

use crate::client::{GRAPH, MDE, RUN, XDR, hunt, noon, options, scope_of, token};

/// 2026-11-20T08:00:00Z in nanoseconds since 1970.
const NOON: i64 = 1_795_161_600_000_000_000;
const HOUR: i64 = 3_600_000_000_000;

async fn with(data: Data) -> Running {
    Emulator::start(Options { data, ..options() })
        .await
        .unwrap()
}

fn batches() -> Data {
    let column = |array: ArrayRef| array;
    let processes = RecordBatch::try_from_iter([
        (
            "Timestamp",
            column(Arc::new(
                TimestampNanosecondArray::from(vec![
                    NOON - HOUR,
                    NOON - 48 * HOUR,
                    NOON - 31 * 24 * HOUR,
                ])
                .with_timezone("UTC"),
            )),
        ),
        (
            "DeviceName",
            column(Arc::new(StringArray::from(vec![
                Some("srv01"),
                None,
                Some("old"),
            ]))),
        ),
        (
            "ReportId",
            column(Arc::new(Int64Array::from(vec![
                Some(639_199_803_770_463_703),
                None,
                Some(3),
            ]))),
        ),
        (
            "IsInitiatingProcessRemoteSession",
            column(Arc::new(BooleanArray::from(vec![
                Some(true),
                None,
                Some(false),
            ]))),
        ),
    ])
    .unwrap();
    let mail = RecordBatch::try_from_iter([(
        "Timestamp",
        column(Arc::new(
            TimestampNanosecondArray::from(vec![NOON - HOUR]).with_timezone("UTC"),
        )),
    )])
    .unwrap();
    Data::Batches(BTreeMap::from([
        ("DeviceProcessEvents".to_owned(), vec![processes]),
        ("EmailEvents".to_owned(), vec![mail]),
    ]))
}

const PROCESSES: &str = "DeviceProcessEvents
| project Timestamp, DeviceName, ReportId, IsInitiatingProcessRemoteSession
| order by Timestamp desc";

#[tokio::test]
async fn rows_of_the_last_thirty_days_come_as_each_api_writes_them() {
    let running = with(batches()).await;
    for (path, name) in RUN.into_iter().zip(["graph", "mde", "m365d"]) {
        let token = token(&running, scope_of(path)).await;
        let answer = hunt(&running, path, &token, PROCESSES).await;
        insta::assert_json_snapshot!(format!("rows_{name}"), answer.exchange(&running));
    }
}

fn message(answer: &Json) -> &str {
    answer["error"]["message"].as_str().unwrap()
}

#[tokio::test]
async fn defender_for_endpoint_does_not_know_mail() {
    let running = with(batches()).await;
    let query = "EmailEvents | where Subject == '' | count";
    let mde = token(&running, MDE).await;
    let answer = hunt(&running, RUN[1], &mde, query).await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        message(&answer.json()),
        "'where' operator: Failed to resolve table or column expression named 'EmailEvents'. \
         Fix semantic errors in your query."
    );
    for (path, scope) in [(RUN[0], GRAPH), (RUN[2], XDR)] {
        let token = token(&running, scope).await;
        let answer = hunt(&running, path, &token, query).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

#[tokio::test]
async fn mistakes_are_told_in_the_services_words() {
    let running = with(batches()).await;
    let token = token(&running, GRAPH).await;
    let mut messages = BTreeMap::new();
    for query in [
        "DeviceProcessEvents | where Nome == 'x'",
        "DeviceProcesEvents | take 1",
        "DeviceProcessEvents | where",
        "DeviceProcessEvents | extend x = frobnicate(1)",
    ] {
        let answer = hunt(&running, RUN[0], &token, query).await;
        assert_eq!(answer.status, 400, "{query}");
        messages.insert(query, message(&answer.json()).to_owned());
    }
    insta::assert_json_snapshot!("mistakes", messages);
}

#[tokio::test]
async fn a_documented_table_without_rows_is_empty() {
    let running = with(batches()).await;
    let token = token(&running, GRAPH).await;
    let answer = hunt(&running, RUN[0], &token, "IdentityInfo | count").await;
    assert_eq!(
        answer.json()["results"],
        json!([{"Count@odata.type": "#Int64", "Count": 0}])
    );
}

#[tokio::test]
async fn a_folder_is_hunted_in() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("DeviceInfo.ndjson"),
        "{\"Timestamp\":\"2026-11-19T08:00:00Z\",\"DeviceName\":\"a\"}\n\
         {\"Timestamp\":\"2020-01-01T00:00:00Z\",\"DeviceName\":\"b\"}\n",
    )
    .unwrap();
    let data = || Data::Places(vec![Place::new(folder.path())]);
    let names = async |running: &Running| {
        let token = token(running, MDE).await;
        let query = "DeviceInfo | project DeviceName | order by DeviceName asc";
        let answer = hunt(running, RUN[1], &token, query).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["Results"].clone()
    };
    let running = with(data()).await;
    assert_eq!(names(&running).await, json!([{"DeviceName": "a"}]));
    let token = token(&running, MDE).await;
    let answer = hunt(&running, RUN[1], &token, "EmailEvents | take 1").await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    let running = Emulator::start(Options {
        data: data(),
        retention: None,
        ..options()
    })
    .await
    .unwrap();
    assert_eq!(
        names(&running).await,
        json!([{"DeviceName": "a"}, {"DeviceName": "b"}])
    );
}

#[tokio::test]
async fn every_tenant_has_sample_data_of_its_own() {
    let running = Emulator::start(Options {
        data: Data::Sample,
        clock: Arc::new(noon),
        ..options()
    })
    .await
    .unwrap();
    let token = token(&running, GRAPH).await;
    let query = "DeviceProcessEvents | summarize Rows = count(), Devices = dcount(DeviceName)";
    let answer = hunt(&running, RUN[0], &token, query).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    assert!(
        body["results"][0]["Rows"].as_i64().unwrap() > 1000,
        "{body}"
    );
    assert!(
        body["results"][0]["Devices"].as_i64().unwrap() > 5,
        "{body}"
    );
}

/// Source: <https://learn.microsoft.com/defender-xdr/advanced-hunting-schema-changes>
#[tokio::test]
async fn tables_that_are_gone_are_refused_as_unknown_ones_are() {
    let running = Emulator::start(Options {
        data: Data::Batches(std::collections::BTreeMap::new()),
        ..options()
    })
    .await
    .unwrap();
    for gone in defender_schema::gone() {
        for path in RUN {
            let token = token(&running, scope_of(path)).await;
            let query = format!("{} | count", gone.name);
            let answer = hunt(&running, path, &token, &query).await;
            assert_eq!(answer.status, 400, "{path} {}", gone.name);
            let error = answer.json()["error"].clone();
            assert_eq!(error["code"], "BadRequest");
            assert_eq!(
                error["message"],
                format!(
                    "'count' operator: Failed to resolve table or column expression named '{}'. \
                     Fix semantic errors in your query.",
                    gone.name
                )
            );
        }
    }
}
