//! Alerts, incidents and machines over the wire: pages, refusals, faults.

use std::sync::Arc;
use std::time::Duration;

use defender_core::{Error, ErrorKind, Result, TokenId};
use defender_drivers::{
    CollectionRequest, Collections, CollectionsDescription, Driver, MDE_REST, Query,
    SECURITY_GRAPH, Timespan,
};
use defender_http::Answer;
use defender_table::{Completeness, Table, WarningKind, ticks};
use serde_json::json;

use crate::exchange::told;
use crate::fixtures::shared;
use crate::support::{Bench, collections};

type Listing = Bench<Arc<Collections>>;

async fn list(bench: &Listing, request: &CollectionRequest) -> Result<Table> {
    Table::collect(bench.driver.list(request).await?).await
}

/// What was sent and what came of it.
async fn exchange(bench: &Listing, request: &CollectionRequest) -> serde_json::Value {
    told(bench, list(bench, request).await)
}

/// A page with these ids, and where the next one is.
fn page(ids: &[&str], next: Option<&str>) -> Answer {
    let rows: Vec<_> = ids.iter().map(|id| json!({ "id": id })).collect();
    let mut body = json!({ "@odata.context": "c", "value": rows });
    if let Some(next) = next {
        body["@odata.nextLink"] = next.into();
    }
    Answer::json(200, body.to_string())
}

fn incomplete(table: &Table) -> String {
    match &table.summary().completeness {
        Completeness::Incomplete { reason } => reason.clone(),
        Completeness::Complete => "complete".to_owned(),
    }
}

fn warnings(table: &Table) -> Vec<String> {
    let warnings = table.summary().warnings.iter();
    warnings.map(ToString::to_string).collect()
}

fn ids(table: &Table) -> Vec<String> {
    (0..table.row_count())
        .map(|row| table.cell(row, "id").unwrap().to_string())
        .collect()
}

fn lines<D>(bench: &Bench<D>) -> Vec<String> {
    let requests = bench.transport.requests();
    let path = |request: &defender_http::RecordedRequest| {
        let query = request
            .url
            .query()
            .map_or(String::new(), |query| format!("?{query}"));
        format!("{}{query}", request.url.path())
    };
    requests.iter().map(path).collect()
}

#[tokio::test]
async fn graph_page_after_page() {
    let next = "https://api.example/v1.0/security/alerts_v2?$skiptoken=a%2Fb%20c&%24top=2";
    let bench = collections(
        SECURITY_GRAPH,
        [
            page(&["1", "2"], Some(next)).header("request-id", "first"),
            page(&["3"], None).header("request-id", "second"),
        ],
    );
    let start = ticks::parse_datetime("2026-11-20T00:00:00Z").unwrap();
    let request = CollectionRequest {
        filter: Some("severity eq 'high'".to_owned()),
        top: Some(2),
        timespan: Some(Timespan::new(start, start + ticks::PER_DAY).unwrap()),
        ..CollectionRequest::new("security/alerts_v2")
    };
    insta::assert_yaml_snapshot!(exchange(&bench, &request).await);
    bench.transport.assert_finished();
}

#[tokio::test]
async fn rows_outside_of_the_time_range_are_left_out_aloud() {
    let start = ticks::parse_datetime("2026-11-20T00:00:00Z").unwrap();
    let times = |rows: serde_json::Value| {
        let bench = collections(
            SECURITY_GRAPH,
            [Answer::json(200, json!({ "value": rows }).to_string())],
        );
        let request = CollectionRequest {
            timespan: Some(Timespan::new(start, start + ticks::PER_DAY).unwrap()),
            ..CollectionRequest::new("security/alerts_v2")
        };
        async move { list(&bench, &request).await.unwrap() }
    };
    let sound = [
        json!({"id": "1", "createdDateTime": "2026-11-20T00:00:00Z"}),
        json!({"id": "2", "createdDateTime": "2026-11-21T00:00:00.0000000Z"}),
        json!({"id": "3"}),
    ];
    let table = times(json!(sound)).await;
    assert_eq!(ids(&table), ["1", "2", "3"]);
    assert_eq!(incomplete(&table), "complete");
    let warnings: Vec<String> = warnings(&table);
    assert_eq!(
        warnings,
        ["1 row without createdDateTime: whether in the time range is not known"]
    );
    for strange in [
        json!("2020-01-01T00:00:00Z"),
        json!("2026-11-21T00:00:01Z"),
        json!("yesterday"),
        json!(null),
    ] {
        let row = json!({"id": "4", "createdDateTime": strange});
        let rows = [&sound[0], &row, &sound[1]];
        let table = times(json!(rows)).await;
        assert_eq!(ids(&table), ["1", "2"], "{strange}");
        assert_eq!(
            incomplete(&table),
            "the service does not filter by createdDateTime: 1 row outside of the time range left \
             out, and others may be missing"
        );
    }
}

#[tokio::test]
async fn rows_outside_of_the_time_range_take_no_place_of_others() {
    let start = ticks::parse_datetime("2026-11-20T00:00:00Z").unwrap();
    let row = |id: &str, time: &str| json!({"id": id, "createdDateTime": time});
    let old = [
        row("1", "2026-10-01T00:00:00Z"),
        row("2", "2026-10-02T00:00:00Z"),
    ];
    let new = [
        row("3", "2026-11-20T08:00:00Z"),
        row("4", "2026-11-20T09:00:00Z"),
    ];
    let next = "https://api.example/v1.0/security/alerts_v2?$skiptoken=2";
    let bench = collections(
        SECURITY_GRAPH,
        [
            Answer::json(
                200,
                json!({"value": old, "@odata.nextLink": next}).to_string(),
            ),
            Answer::json(200, json!({ "value": new }).to_string()),
        ],
    );
    let request = CollectionRequest {
        timespan: Some(Timespan::new(start, start + ticks::PER_DAY).unwrap()),
        max_rows: Some(2),
        ..CollectionRequest::new("security/alerts_v2")
    };
    let table = list(&bench, &request).await.unwrap();
    assert_eq!(ids(&table), ["3", "4"]);
    assert_eq!(
        incomplete(&table),
        "the service does not filter by createdDateTime: 2 rows outside of the time range left \
         out, and others may be missing"
    );
    bench.transport.assert_finished();
}

#[tokio::test]
async fn machines_after_a_busy_minute_and_a_broken_page() {
    let busy = r#"{"error":{"code":"429","message":"API calls quota exceeded! maximum allowed 100 per 00:01:00","target":"43f4cb08-8fac-4b65-9db1-745c2ae65f3a"}}"#;
    let bench = collections(
        MDE_REST,
        [
            Answer::json(429, busy),
            Answer::new(502).body("<html><title>Bad Gateway</title></html>"),
            Answer::json(200, r#"{"value":[{"id":"1"},"#),
            page(&["1"], None),
        ],
    );
    let request = CollectionRequest {
        count: true,
        ..CollectionRequest::new("machines")
    };
    insta::assert_yaml_snapshot!(exchange(&bench, &request).await);
    bench.transport.assert_finished();
}

#[tokio::test]
async fn refusals_say_what_to_change() {
    let graph = |code: &str, message: &str| {
        json!({"error": {"code": code, "message": message, "innerError": {"request-id": "inner"}}})
            .to_string()
    };
    let cases = [
        (
            "a property that is none",
            SECURITY_GRAPH,
            "security/alerts_v2?$filter=severty eq 'high'",
            Answer::json(
                400,
                graph("BadRequest", "Could not find a property named 'severty'"),
            ),
        ),
        (
            "no permission",
            SECURITY_GRAPH,
            "security/incidents",
            Answer::json(403, graph("Forbidden", "Missing application roles.")),
        ),
        (
            "no permission for a path that is not known",
            MDE_REST,
            "vulnerabilities",
            Answer::json(403, r#"{"error":{"code":"Forbidden","message":"no"}}"#),
        ),
        (
            "no such row",
            MDE_REST,
            "machines/x",
            Answer::json(
                404,
                r#"{"error":{"code":"ResourceNotFound","message":"Machine x was not found"}}"#,
            ),
        ),
        (
            "the legacy alerts",
            SECURITY_GRAPH,
            "security/alerts?$top=5",
            Answer::json(410, graph("Gone", "The API is retired")),
        ),
    ];
    for (name, description, path, answer) in cases {
        let bench = collections(description, [answer]);
        let error = list(&bench, &CollectionRequest::new(path))
            .await
            .unwrap_err();
        insta::assert_yaml_snapshot!(
            format!("refused_{}", name.replace(' ', "_")),
            json!({
                "kind": format!("{:?}", error.kind()),
                "message": error.to_string(),
                "hint": error.hint(),
                "code": error.code(),
                "status": error.status(),
                "url": error.url(),
                "request_id": error.request_id(),
                "client_request_id": error.client_request_id(),
            })
        );
    }
}

#[tokio::test]
async fn a_refused_token_is_renewed_between_pages() {
    let refused = || Answer::json(401, r#"{"error":{"code":"Unauthorized","message":"old"}}"#);
    let bench = collections(
        MDE_REST,
        [
            page(&["1"], Some("?$skip=1")),
            refused(),
            page(&["2"], None),
        ],
    );
    let table = list(&bench, &CollectionRequest::new("alerts"))
        .await
        .unwrap();
    assert_eq!(ids(&table), ["1", "2"]);
    let sent: Vec<_> = bench
        .transport
        .requests()
        .iter()
        .map(|request| request.header("authorization").to_owned())
        .collect();
    assert_eq!(
        sent,
        ["Bearer canary-1", "Bearer canary-1", "Bearer canary-2"]
    );
    let asked = bench.tokens.requests.lock().unwrap();
    let refusals: Vec<_> = asked.iter().map(|request| request.refused).collect();
    assert_eq!(refusals, [None, None, Some(TokenId::of("canary-1"))]);
}

#[tokio::test]
async fn the_token_never_follows_a_page_to_another_host() {
    for next in [
        "https://elsewhere.example/v1.0/security/alerts_v2?$skip=1",
        "http://api.example/v1.0/security/alerts_v2?$skip=1",
    ] {
        let bench = collections(SECURITY_GRAPH, [page(&["1"], Some(next))]);
        let error = list(&bench, &CollectionRequest::new("security/alerts_v2"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        let host = next.split("/v1.0").next().unwrap();
        assert_eq!(
            error.to_string(),
            format!("the next page is at another host, {host}")
        );
        assert_eq!(bench.transport.requests().len(), 1);
    }
}

#[tokio::test]
async fn pages_in_a_circle_come_to_an_end() {
    let url = "https://api.example/v1.0/security/incidents";
    let second = format!("{url}?$skip=1");
    let bench = collections(
        SECURITY_GRAPH,
        [page(&["1"], Some(&second)), page(&["2"], Some(&second))],
    );
    let table = list(&bench, &CollectionRequest::new("security/incidents"))
        .await
        .unwrap();
    assert_eq!(ids(&table), ["1", "2"]);
    assert_eq!(
        incomplete(&table),
        "the service leads back to a page that it sent before, after 2 pages"
    );
    bench.transport.assert_finished();
}

#[tokio::test]
async fn as_many_rows_as_asked_for_and_a_word_about_the_rest() {
    let more = "https://api.example/v1.0/security/incidents?$skip=2";
    for (answers, max_rows, expected, cut) in [
        (vec![page(&["1", "2", "3"], Some(more))], 2, 2, true),
        (vec![page(&["1", "2"], Some(more))], 2, 2, true),
        (vec![page(&["1", "2"], None)], 2, 2, false),
        (vec![page(&["1"], None)], 2, 1, false),
        (
            vec![page(&["1", "2"], Some(more)), page(&["3"], None)],
            3,
            3,
            false,
        ),
    ] {
        let bench = collections(SECURITY_GRAPH, answers);
        let request = CollectionRequest {
            max_rows: Some(max_rows),
            ..CollectionRequest::new("security/incidents")
        };
        let table = list(&bench, &request).await.unwrap();
        assert_eq!(table.row_count(), expected);
        assert!(table.is_complete());
        let told = table
            .warnings()
            .iter()
            .any(|warning| warning.kind == WarningKind::Rows);
        assert_eq!(told, cut);
        bench.transport.assert_finished();
    }
}

#[tokio::test]
async fn a_row_that_two_pages_bring_is_one_row() {
    let next = "https://api.example/v1.0/security/incidents?$skip=2";
    let bench = collections(
        SECURITY_GRAPH,
        [page(&["9", "8"], Some(next)), page(&["8", "7"], None)],
    );
    let table = list(&bench, &CollectionRequest::new("security/incidents"))
        .await
        .unwrap();
    assert_eq!(ids(&table), ["9", "8", "7"]);
    // Of one page nothing is left out: they may differ in all but their id.
    let bench = collections(SECURITY_GRAPH, [page(&["9", "9"], None)]);
    let table = list(&bench, &CollectionRequest::new("security/incidents"))
        .await
        .unwrap();
    assert_eq!(ids(&table), ["9", "9"]);
}

/// As many rows as a page of Defender for Endpoint has at most.
fn full(from: usize) -> Answer {
    let names: Vec<String> = (from..from + 10_000).map(|id| id.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    page(&names, None)
}

#[tokio::test]
async fn a_full_page_without_a_next_one_is_skipped() {
    let bench = collections(MDE_REST, [full(0), full(10_000), page(&["x"], None)]);
    let request = CollectionRequest {
        filter: Some("severity eq 'High'".to_owned()),
        ..CollectionRequest::new("alerts")
    };
    let table = list(&bench, &request).await.unwrap();
    assert_eq!(table.row_count(), 20_001);
    assert!(table.is_complete());
    let filter = "/api/alerts?$filter=severity%20eq%20%27High%27";
    assert_eq!(
        lines(&bench),
        [
            filter.to_owned(),
            format!("{filter}&$skip=10000"),
            format!("{filter}&$skip=20000"),
        ]
    );
    bench.transport.assert_finished();

    // Nobody says that $skip is known there.
    let bench = collections(MDE_REST, [full(0)]);
    let table = list(&bench, &CollectionRequest::new("software"))
        .await
        .unwrap();
    assert_eq!(
        table.summary().completeness,
        Completeness::Incomplete {
            reason: "the service stops at 10000 rows and does not say whether there are more"
                .to_owned()
        }
    );
    // Who asks for as many has them.
    let bench = collections(MDE_REST, [full(0)]);
    let request = CollectionRequest {
        top: Some(10_000),
        ..CollectionRequest::new("alerts")
    };
    let table = list(&bench, &request).await.unwrap();
    assert!(table.is_complete());
    assert_eq!(table.row_count(), 10_000);
}

#[tokio::test]
async fn a_query_is_a_path() {
    let bench = collections(SECURITY_GRAPH, [page(&["1"], None)]);
    let query = Query::new("/security/alerts_v2?$filter=severity eq 'high'&$top=5\n");
    let answer = bench.driver.query(&query).await.unwrap();
    let table = Table::collect(answer).await.unwrap();
    assert_eq!(ids(&table), ["1"]);
    assert_eq!(
        lines(&bench),
        ["/v1.0/security/alerts_v2?$filter=severity%20eq%20%27high%27&$top=5"]
    );
    let error = bench.driver.query(&Query::new(" ")).await.unwrap_err();
    assert_eq!(error.to_string(), "the query is empty");
}

#[tokio::test]
async fn a_retired_path_that_still_answers_is_doubtful() {
    let bench = collections(SECURITY_GRAPH, [page(&[], None)]);
    let table = list(&bench, &CollectionRequest::new("security/alerts"))
        .await
        .unwrap();
    let warning = &table.warnings()[0];
    assert_eq!(warning.kind, WarningKind::Retirement);
    assert!(warning.to_string().contains("31 August 2026"), "{warning}");
}

#[tokio::test]
async fn a_page_that_breaks_off_is_asked_for_again_and_alone() {
    let reset = Error::new(ErrorKind::Transport, "reset").transient();
    let next = "https://api.example/v1.0/security/incidents?$skip=1";
    let bench = collections(
        SECURITY_GRAPH,
        [
            page(&["1"], Some(next)),
            Answer::new(200).body(r#"{"value":[{"id":"2"}"#).then(reset),
            page(&["2"], None),
        ],
    );
    let table = list(&bench, &CollectionRequest::new("security/incidents"))
        .await
        .unwrap();
    assert_eq!(ids(&table), ["1", "2"]);
    assert_eq!(table.provenance().attempts, 3);
    assert_eq!(bench.clock.slept(), [Duration::from_millis(500)]);
    assert_eq!(lines(&bench)[1], lines(&bench)[2]);
}

async fn recorded(
    description: CollectionsDescription,
    path: &str,
    name: &str,
    cells: &[(usize, &str, &str)],
) {
    let body = shared(name);
    let bench = collections(description, [Answer::json(200, body)]);
    let table = list(&bench, &CollectionRequest::new(path)).await.unwrap();
    for (row, column, value) in cells {
        let cell = table.cell(*row, column).unwrap().to_string();
        assert_eq!(cell, *value, "{name} {column}");
    }
    assert!(
        table.warnings().is_empty(),
        "{name}: {:?}",
        table.warnings()
    );
}

#[tokio::test]
#[ignore = "needs ../shared"]
async fn recorded_rows_have_their_types() {
    recorded(
        SECURITY_GRAPH,
        "security/alerts_v2",
        "graph_alerts_v2_docs_200.json",
        &[
            (0, "incidentId", "28282"),
            (0, "createdDateTime", "2021-04-27T12:19:27.7211305Z"),
            (0, "assignedTo", ""),
        ],
    )
    .await;
    recorded(
        MDE_REST,
        "alerts",
        "mde_alerts_demisto_200.json",
        &[
            (0, "incidentId", "14"),
            (0, "category", "null"),
            (0, "alertFiles", "[]"),
        ],
    )
    .await;
    recorded(
        MDE_REST,
        "alerts/1234",
        "mde_alert_single_rapid7_200.json",
        &[(0, "incidentId", "1126093"), (0, "title", "Example Title")],
    )
    .await;
    recorded(
        MDE_REST,
        "machines",
        "mde_machines_rapid7_200.json",
        &[(0, "osBuild", "19044"), (0, "isAadJoined", "true")],
    )
    .await;
}

#[tokio::test]
async fn whatever_is_not_understood_makes_a_list_incomplete() {
    let rows = json!([{"id": "1"}]);
    let other = "https://api.example/v1.0/security/incidents?$skip=1";
    for (more, reason) in [
        (
            json!({"error": {"code": "x", "message": "half"}}),
            "the service reports an error beside the rows: the response reports success and \
             holds an error: half (x)",
        ),
        (
            json!({"@odata.nextLink": 7}),
            "the response goes on in a way that is not understood: @odata.nextLink is a number",
        ),
        (
            json!({"@odata.nextLink": ""}),
            "the response goes on in a way that is not understood: @odata.nextLink is empty",
        ),
        (
            json!({"nextLink": other}),
            "the response goes on in a way that is not understood: it has nextLink",
        ),
        (
            json!({"@odata.count": 9}),
            "the service counted 9 rows and sent 1",
        ),
        (
            json!({"value": [{"id": "1", "alerts@odata.nextLink": other}]}),
            "a list within a row goes on elsewhere, as alerts@odata.nextLink says",
        ),
        (
            json!({"error": null, "@odata.nextLink": null, "@odata.count": 1}),
            "complete",
        ),
    ] {
        let mut body = json!({ "value": rows });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let bench = collections(SECURITY_GRAPH, [Answer::json(200, body.to_string())]);
        let request = CollectionRequest::new("security/incidents");
        let table = list(&bench, &request).await.unwrap();
        assert_eq!(ids(&table), ["1"]);
        assert_eq!(incomplete(&table), reason);
        bench.transport.assert_finished();
    }
}

#[tokio::test]
async fn an_error_in_place_of_a_list_is_what_its_code_says() {
    let busy = r#"{"error":{"code":"429","message":"busy"},"value":[]}"#;
    let bench = collections(
        SECURITY_GRAPH,
        [Answer::json(200, busy), page(&["1"], None)],
    );
    let table = list(&bench, &CollectionRequest::new("security/incidents"))
        .await
        .unwrap();
    assert_eq!(ids(&table), ["1"]);
    let refused = r#"{"error":{"code":"Forbidden","message":"no"}}"#;
    let bench = collections(SECURITY_GRAPH, [Answer::json(200, refused)]);
    let error = list(&bench, &CollectionRequest::new("security/incidents"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Permission);
    assert_eq!(error.code(), Some("Forbidden"));
    assert_eq!(
        error.url().unwrap(),
        "https://api.example/v1.0/security/incidents"
    );
}

#[tokio::test]
async fn endless_pages_come_to_an_end() {
    let next =
        |number: usize| format!("https://api.example/v1.0/security/incidents?$skip={number}");
    // Pages that bring nothing new: none, the same known row, the same row of an unknown list.
    for (path, ids_of) in [
        ("security/incidents", &[][..]),
        ("security/incidents", &["1"][..]),
        ("security/cases", &["1", "2"][..]),
    ] {
        let pages = (0..150).map(|number| page(ids_of, Some(&next(number))));
        let bench = collections(SECURITY_GRAPH, pages);
        let table = list(&bench, &CollectionRequest::new(path)).await.unwrap();
        assert_eq!(
            incomplete(&table),
            "100 pages one after the other brought no new row"
        );
        assert!(bench.transport.requests().len() <= 101);
    }
}

#[tokio::test]
async fn a_next_page_that_is_not_there_is_not_a_path_that_is_not_there() {
    let bench = collections(
        SECURITY_GRAPH,
        [
            page(
                &["1"],
                Some("https://api.example/v1.0/security/alerts_v2?$skip=1"),
            ),
            Answer::json(404, r#"{"error":{"code":"NotFound","message":"gone"}}"#),
        ],
    );
    let request = CollectionRequest::new("security/alerts_v2");
    let error = bench.driver.list(&request).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "page 2 of security/alerts_v2 is not there, although the page before leads to it"
    );
}

#[tokio::test]
async fn a_list_that_says_that_it_is_not_whole_is_incomplete() {
    for (member, reason) in [
        (
            r#""hasMore":true"#,
            "the response says that there are more rows: hasMore is true",
        ),
        (
            r#""isPartial":true"#,
            "the response says that it is not whole: isPartial is true",
        ),
        (
            r#""@odata.count":10.0"#,
            "the service counted 10 rows and sent 1",
        ),
        (
            r#""@odata.count":-1"#,
            "the response counts its rows in a way that is not understood: @odata.count is -1",
        ),
        (
            r#""links":{"next":"x"}"#,
            "the response goes on in a way that is not understood: it has links.next",
        ),
    ] {
        let body = format!(r#"{{"value":[{{"id":"1"}}],{member}}}"#);
        let bench = collections(SECURITY_GRAPH, [Answer::json(200, body)]);
        let request = CollectionRequest::new("security/alerts_v2");
        let table = Table::collect(bench.driver.list(&request).await.unwrap()).await;
        assert_eq!(incomplete(&table.unwrap()), reason);
    }
    // A page that leads to the next one may say that it does.
    let first = r#"{"value":[{"id":"1"}],"hasMore":true,"@odata.count":2,
        "@odata.nextLink":"https://api.example/v1.0/security/alerts_v2?$skip=1"}"#;
    let bench = collections(
        SECURITY_GRAPH,
        [Answer::json(200, first), page(&["2"], None)],
    );
    let request = CollectionRequest::new("security/alerts_v2");
    let table = Table::collect(bench.driver.list(&request).await.unwrap()).await;
    assert_eq!(incomplete(&table.unwrap()), "complete");
}

#[tokio::test]
async fn the_largest_count_of_all_pages_has_to_come() {
    let link = "https://api.example/v1.0/security/alerts_v2?$skip=1";
    for (counts, reason) in [
        ([Some(2), None], "complete"),
        ([Some(2), Some(2)], "complete"),
        // Each page may count its own rows.
        ([Some(1), Some(1)], "complete"),
        ([Some(2), Some(9)], "the service counted 9 rows and sent 2"),
        ([Some(9), Some(2)], "the service counted 9 rows and sent 2"),
        ([None, Some(9)], "the service counted 9 rows and sent 2"),
    ] {
        for name in ["@odata.count", "total"] {
            let pages = [("1", counts[0], Some(link)), ("2", counts[1], None)];
            let pages = pages.map(|(id, count, next)| {
                let mut body = json!({ "value": [{ "id": id }] });
                if let Some(count) = count {
                    body[name] = json!(count);
                }
                if let Some(next) = next {
                    body["@odata.nextLink"] = next.into();
                }
                Answer::json(200, body.to_string())
            });
            let bench = collections(SECURITY_GRAPH, pages);
            let request = CollectionRequest::new("security/alerts_v2");
            let table = list(&bench, &request).await.unwrap();
            assert_eq!(incomplete(&table), reason, "{name} {counts:?}");
        }
    }
}
