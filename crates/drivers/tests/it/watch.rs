//! A watch: each row once, over looks, pages, failures and restarts.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use defender_core::{ErrorKind, Result};
use defender_drivers::{CollectionRequest, Collections, Cursor, MDE_REST, SECURITY_GRAPH, Watch};
use defender_http::Answer;
use defender_table::Table;
use serde_json::json;

use crate::support::{Bench, collections};

/// 2026-11-20T08:00:00Z.
fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_hours(498_656)
}

/// Alerts, each with the minute after eight in which it was made.
fn alerts(alerts: &[(&str, u32)]) -> Answer {
    let rows: Vec<_> = alerts
        .iter()
        .map(|(id, minute)| {
            json!({
                "id": id,
                "createdDateTime": format!("2026-11-20T{:02}:{:02}:00Z", 8 + minute / 60, minute % 60),
            })
        })
        .collect();
    Answer::json(200, json!({ "value": rows }).to_string())
}

fn request() -> CollectionRequest {
    CollectionRequest {
        filter: Some("severity eq 'high'".to_owned()),
        ..CollectionRequest::new("security/alerts_v2")
    }
}

fn watch(bench: &Bench<Arc<Collections>>, cursor: Option<Cursor>) -> Result<Watch> {
    // All that happens is of the morning; now it is noon.
    bench.clock.advance(Duration::from_hours(498_660));
    Watch::new(Arc::clone(&bench.driver), request(), start(), cursor)
}

async fn look(watch: &mut Watch) -> Result<Vec<String>> {
    let table = Table::collect(watch.look().await?).await?;
    Ok((0..table.row_count())
        .map(|row| table.cell(row, "id").unwrap().to_string())
        .collect())
}

/// From when on each look asked.
fn since(bench: &Bench<Arc<Collections>>) -> Vec<String> {
    let requests = bench.transport.requests();
    let filters = requests.iter().map(|request| {
        let mut options = request.url.query_pairs();
        let (_, filter) = options.find(|(name, _)| name == "$filter").unwrap();
        let (own, since) = filter.split_once(" and createdDateTime ge ").unwrap();
        assert_eq!(own, "(severity eq 'high')");
        since.to_owned()
    });
    filters.collect()
}

#[tokio::test]
async fn every_alert_is_told_once_and_the_oldest_first() {
    let bench = collections(
        SECURITY_GRAPH,
        [
            alerts(&[("b", 10), ("a", 5)]),
            alerts(&[("b", 10), ("a", 5)]),
            // One that the service made known late.
            alerts(&[("c", 30), ("late", 8), ("b", 10), ("a", 5)]),
            // Those before 08:15 are not asked for any more.
            alerts(&[("d", 40), ("c", 30)]),
        ],
    );
    let mut watch = watch(&bench, None).unwrap();
    assert_eq!(look(&mut watch).await.unwrap(), ["a", "b"]);
    assert!(look(&mut watch).await.unwrap().is_empty());
    assert_eq!(look(&mut watch).await.unwrap(), ["late", "c"]);
    assert_eq!(look(&mut watch).await.unwrap(), ["d"]);
    assert_eq!(
        since(&bench),
        [
            "2026-11-20T08:00:00Z",
            "2026-11-20T08:00:00Z",
            "2026-11-20T08:00:00Z",
            "2026-11-20T08:15:00Z",
        ]
    );
    insta::assert_snapshot!(watch.cursor().to_json());
}

#[tokio::test]
async fn a_watch_goes_on_where_its_cursor_is() {
    let bench = collections(SECURITY_GRAPH, [alerts(&[("b", 30), ("a", 5)])]);
    let mut first = watch(&bench, None).unwrap();
    look(&mut first).await.unwrap();
    let kept = Cursor::from_json(first.cursor().to_json().as_bytes()).unwrap();
    assert_eq!(&kept, first.cursor());

    let bench = collections(SECURITY_GRAPH, [alerts(&[("c", 31), ("b", 30)])]);
    let mut second = watch(&bench, Some(kept)).unwrap();
    assert_eq!(look(&mut second).await.unwrap(), ["c"]);
    assert_eq!(since(&bench), ["2026-11-20T08:15:00Z"]);
}

#[tokio::test]
async fn an_alert_that_changed_is_not_told_again() {
    let changed = json!({"value": [{
        "id": "a",
        "createdDateTime": "2026-11-20T08:05:00Z",
        "lastUpdateDateTime": "2026-11-20T09:00:00Z",
        "status": "resolved",
    }]});
    let bench = collections(
        SECURITY_GRAPH,
        [alerts(&[("a", 5)]), Answer::json(200, changed.to_string())],
    );
    let mut watch = watch(&bench, None).unwrap();
    assert_eq!(look(&mut watch).await.unwrap(), ["a"]);
    assert!(look(&mut watch).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_a_failed_look_brought_is_not_told_and_not_lost() {
    let first = json!({
        "value": [{"id": "a", "createdDateTime": "2026-11-20T08:05:00Z"}],
        "@odata.nextLink": "https://api.example/v1.0/security/alerts_v2?$skip=1",
    });
    let bench = collections(
        SECURITY_GRAPH,
        [
            Answer::json(200, first.to_string()),
            Answer::json(400, r#"{"error":{"code":"BadRequest","message":"no"}}"#),
            alerts(&[("b", 6), ("a", 5)]),
        ],
    );
    let mut watch = watch(&bench, None).unwrap();
    let before = watch.cursor().clone();
    assert_eq!(look(&mut watch).await.unwrap_err().kind(), ErrorKind::Query);
    assert_eq!(watch.cursor(), &before);
    assert_eq!(look(&mut watch).await.unwrap(), ["a", "b"]);
}

#[tokio::test]
async fn a_cursor_of_another_question_is_refused() {
    let bench = collections(SECURITY_GRAPH, []);
    let cursor = watch(&bench, None).unwrap().cursor().clone();
    let other = CollectionRequest {
        filter: None,
        ..request()
    };
    let error = Watch::new(Arc::clone(&bench.driver), other, start(), Some(cursor)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert_eq!(
        error.to_string(),
        "the cursor is of security/alerts_v2 in SecurityGraph, with another filter or tenant \
         than this watch"
    );

    for text in [
        "",
        "{}",
        "[1]",
        r#"{"of":{"environment":"MDE","path":"alerts"},"start":"x","since":"y","told":{},"more":1}"#,
    ] {
        let error = Cursor::from_json(text.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{text}");
    }
    let nonsense = watch(&bench, None)
        .unwrap()
        .cursor()
        .to_json()
        .replace("2026", "then");
    let nonsense = Cursor::from_json(nonsense.as_bytes()).unwrap();
    let error = watch(&bench, Some(nonsense)).unwrap_err();
    assert_eq!(error.to_string(), "the cursor has no time");
}

#[tokio::test]
async fn what_has_no_time_cannot_be_watched() {
    let bench = collections(MDE_REST, []);
    let request = CollectionRequest::new("vulnerabilities");
    let error = Watch::new(Arc::clone(&bench.driver), request, start(), None).unwrap_err();
    assert_eq!(error.to_string(), "vulnerabilities cannot be watched");
}

/// What a look brought, and what was said of it.
async fn heard(watch: &mut Watch) -> (Vec<String>, Vec<String>) {
    let table = Table::collect(watch.look().await.unwrap()).await.unwrap();
    let rows = (0..table.row_count())
        .map(|row| table.cell(row, "title").unwrap().to_string())
        .collect();
    let warnings = table.summary().warnings.iter();
    (rows, warnings.map(ToString::to_string).collect())
}

fn titled(rows: &serde_json::Value) -> Answer {
    Answer::json(200, json!({ "value": rows }).to_string())
}

#[tokio::test]
async fn an_alert_of_the_future_does_not_silence_those_of_today() {
    let future = json!({"id": "f", "title": "f", "createdDateTime": "2099-01-01T00:00:00Z"});
    let today = |minute: u32| {
        json!({"id": minute.to_string(), "title": minute.to_string(),
            "createdDateTime": format!("2026-11-20T09:{minute:02}:00Z")})
    };
    let bench = collections(
        SECURITY_GRAPH,
        [
            titled(&json!([today(10), future])),
            titled(&json!([today(20), today(10), future])),
            titled(&json!([today(20), future])),
        ],
    );
    let mut first = watch(&bench, None).unwrap();
    let said = "1 row with a createdDateTime in the future: the watch goes on as if without";
    assert_eq!(
        heard(&mut first).await,
        (vec!["10".to_owned(), "f".to_owned()], vec![said.to_owned()])
    );
    assert_eq!(heard(&mut first).await, (vec!["20".to_owned()], vec![]));
    assert_eq!(heard(&mut first).await, (vec![], vec![]));
    assert_eq!(
        since(&bench),
        [
            "2026-11-20T08:00:00Z",
            "2026-11-20T08:55:00Z",
            "2026-11-20T09:05:00Z"
        ]
    );

    // A cursor that was kept with such a mark goes on from now.
    let kept = first.cursor().to_json();
    let kept = kept.replace(
        "\"since\": \"2026-11-20T09:20:00Z",
        "\"since\": \"2099-01-01T00:00:00Z",
    );
    assert_ne!(kept, first.cursor().to_json());
    let kept = Cursor::from_json(kept.as_bytes()).unwrap();
    let bench = collections(SECURITY_GRAPH, [titled(&json!([]))]);
    let mut second = watch(&bench, Some(kept)).unwrap();
    heard(&mut second).await;
    assert_eq!(since(&bench), ["2026-11-20T11:45:00Z"]);
    assert!(
        second
            .cursor()
            .to_json()
            .contains("\"since\": \"2026-11-20T12:00:00Z\"")
    );
}

#[tokio::test]
async fn a_service_that_does_not_filter_repeats_nothing() {
    let row = |id: serde_json::Value, title: &str, minute: u32| {
        json!({"id": id, "title": title,
            "createdDateTime": format!("2026-11-20T09:{minute:02}:00Z")})
    };
    let all = json!([
        row(json!("c"), "c", 50),
        row(json!("7"), "number", 49),
        row(json!("d"), "one more", 48),
        {"id": "e", "title": "no time"},
        row(json!("b"), "b", 10),
        {"id": "a", "title": "a", "createdDateTime": "2026-11-19T09:00:00Z"},
    ]);
    let bench = collections(SECURITY_GRAPH, [titled(&all), titled(&all), titled(&all)]);
    let mut watch = watch(&bench, None).unwrap();
    let (rows, said) = heard(&mut watch).await;
    assert_eq!(rows, ["no time", "b", "one more", "number", "c"]);
    assert_eq!(
        said,
        [
            "the service does not filter by createdDateTime: 1 row older than asked for left out, \
             and later ones will be without a word"
        ]
    );
    for _ in 0..2 {
        assert_eq!(heard(&mut watch).await, (vec![], vec![]));
    }
}
