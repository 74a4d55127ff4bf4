//! What goes over the wire, and what comes of it.

use std::time::Duration;

use defender_core::{Error, ErrorKind, Redaction, SecretString};
use defender_drivers::{Driver, Hunting, M365D, M365D_GRAPH, MDE, Query, Timespan};
use defender_http::Answer;
use defender_table::{Completeness, Table, WarningKind, ticks};
use serde_json::json;

use crate::support::{Bench, Tokens, bench, bench_with};

const ONE_ROW: &str =
    r#"{"Stats":{"ExecutionTime":0.5},"Schema":[{"Name":"N","Type":"Int64"}],"Results":[{"N":1}]}"#;

async fn run(bench: &Bench, query: &Query) -> defender_core::Result<Table> {
    Table::collect(bench.driver.query(query).await?).await
}

fn day() -> Timespan {
    let start = ticks::parse_datetime("2026-11-20T00:00:00Z").unwrap();
    Timespan::new(start, start + ticks::PER_DAY).unwrap()
}

/// Everything sent and everything learnt, as one document.
async fn exchange(bench: &Bench, query: &Query) -> serde_json::Value {
    told(bench, run(bench, query).await)
}

/// What was sent, and what came of it.
pub(crate) fn told<D>(
    bench: &Bench<D>,
    outcome: defender_core::Result<Table>,
) -> serde_json::Value {
    let outcome = match outcome {
        Ok(table) => {
            let summary = table.summary();
            let provenance = table.provenance();
            json!({
                "rows": summary.rows,
                "completeness": format!("{:?}", summary.completeness),
                "stats": summary.stats,
                "warnings": summary.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "tenant": provenance.tenant,
                "environment": provenance.environment.map(|environment| environment.to_string()),
                "timespan": provenance.timespan.map(|timespan| timespan.to_string()),
                "request_ids": provenance.request_ids,
                "client_request_ids": provenance.client_request_ids,
                "attempts": provenance.attempts,
            })
        }
        Err(error) => json!({
            "kind": format!("{:?}", error.kind()),
            "message": error.to_string(),
            "code": error.code(),
            "status": error.status(),
            "url": error.url(),
            "request_id": error.request_id(),
            "client_request_id": error.client_request_id(),
            "hint": error.hint(),
        }),
    };
    let requests = bench.transport.requests();
    let sent: Vec<_> = requests
        .iter()
        .map(|request| {
            assert!(request.headers["authorization"].is_sensitive());
            let mut headers: Vec<_> = request
                .headers
                .iter()
                .map(|(name, value)| match value.to_str().unwrap() {
                    "Bearer canary-1" => format!("{name}: [the token]"),
                    value => format!("{name}: {value}"),
                })
                .collect();
            headers.sort();
            let line = format!("{} {}", request.method, request.url);
            match serde_json::from_slice::<serde_json::Value>(&request.body) {
                Ok(body) => json!({ "line": line, "headers": headers, "body": body }),
                Err(_) => json!({ "line": line, "headers": headers }),
            }
        })
        .collect();
    json!({ "sent": sent, "outcome": outcome, "slept": format!("{:?}", bench.clock.slept()) })
}

#[tokio::test]
async fn graph_with_a_range_of_time() {
    let answer = Answer::json(
        200,
        r#"{"schema":[{"name":"N","type":"Int64"}],"results":[{"N":1}]}"#,
    )
    .header("request-id", "of-the-service");
    let bench = bench(M365D_GRAPH, [answer]);
    let query = Query::new("DeviceInfo | where A == 'é'").with_timespan(day());
    insta::assert_yaml_snapshot!(exchange(&bench, &query).await);
    bench.transport.assert_finished();
}

#[tokio::test]
async fn m365d() {
    let bench = bench(M365D, [Answer::json(200, ONE_ROW)]);
    insta::assert_yaml_snapshot!(exchange(&bench, &Query::new("DeviceInfo")).await);
}

#[tokio::test]
async fn mde_with_a_range_of_time_after_a_busy_minute() {
    let busy = r#"{"error":{"code":"429","message":"API calls quota exceeded! maximum allowed 45 per 00:01:00","target":"43f4cb08-8fac-4b65-9db1-745c2ae65f3a"}}"#;
    let bench = bench(MDE, [Answer::json(429, busy), Answer::json(200, ONE_ROW)]);
    let query = Query::new("DeviceInfo | count").with_timespan(day());
    insta::assert_yaml_snapshot!(exchange(&bench, &query).await);
}

#[tokio::test]
async fn a_refused_query() {
    let refused = r#"{"error":{"code":"BadRequest","message":"'where' operator: Failed to resolve table or column expression named 'X'. Fix semantic errors in your query.","innerError":{"request-id":"inner","date":"2099-01-01"}}}"#;
    let bench = bench(M365D_GRAPH, [Answer::json(400, refused)]);
    insta::assert_yaml_snapshot!(exchange(&bench, &Query::new("X")).await);
}

#[tokio::test]
async fn a_range_of_time_that_cannot_be_added_is_refused_with_the_line() {
    let bench = bench(MDE, []);
    let query = Query::new("union DeviceInfo, DeviceEvents").with_timespan(day());
    let error = run(&bench, &query).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert_eq!(
        error.hint().unwrap(),
        "add this line after each table: | where Timestamp between \
         (datetime(2026-11-20T00:00:00Z) .. datetime(2026-11-21T00:00:00Z))"
    );
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let claims =
        r#"Bearer realm="", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ==""#;
    let refused = || {
        Answer::json(
            401,
            r#"{"error":{"code":"InvalidAuthenticationToken","message":"expired"}}"#,
        )
    };
    let bench = bench(
        M365D_GRAPH,
        [
            refused().header("www-authenticate", claims),
            Answer::json(200, ONE_ROW),
        ],
    );
    let table = run(&bench, &Query::new("T")).await.unwrap();
    assert_eq!(table.provenance().attempts, 1);
    let sent: Vec<_> = bench
        .transport
        .requests()
        .iter()
        .map(|r| r.header("authorization").to_owned())
        .collect();
    assert_eq!(sent, ["Bearer canary-1", "Bearer canary-2"]);
    {
        let requests = bench.tokens.requests.lock().unwrap();
        assert_eq!(requests[0].refused, None);
        assert_eq!(requests[0].tenant.as_deref(), Some("contoso.example"));
        assert_eq!(
            requests[1].refused,
            Some(defender_core::TokenId::of("canary-1"))
        );
        assert_eq!(
            requests[1].claims.as_deref(),
            Some(r#"{"access_token":{}}"#)
        );
    }

    let bench = crate::support::bench(M365D_GRAPH, [refused(), refused()]);
    let error = run(&bench, &Query::new("T")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credential);
    assert_eq!(error.to_string(), "the service refused the token: expired");
    assert!(!format!("{error:?}").contains("canary"));
    bench.transport.assert_finished();
}

#[tokio::test]
async fn what_leads_to_another_host_is_not_followed() {
    let elsewhere = "https://elsewhere.example/rows";
    let body = format!(
        r#"{{"schema":[{{"name":"N","type":"Int64"}}],"results":[{{"N":1}}],"@odata.nextLink":"{elsewhere}"}}"#
    );
    let bench = bench(M365D_GRAPH, [Answer::json(200, body)]);
    let table = run(&bench, &Query::new("T")).await.unwrap();
    assert_eq!(table.row_count(), 1);
    assert!(!table.is_complete(), "rows are missing, and it is said");
    bench.transport.assert_finished();
    assert_eq!(bench.transport.requests().len(), 1);

    for status in [301, 302, 303, 307, 308] {
        let answer = Answer::new(status).header("location", elsewhere);
        let bench = crate::support::bench(M365D_GRAPH, [answer]);
        let error = run(&bench, &Query::new("T")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{status}: {error:?}");
        assert_eq!(bench.transport.requests().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_credential_that_has_no_other_token_is_not_asked_to_send_it_again() {
    let tokens = Tokens {
        stubborn: true,
        ..Tokens::default()
    };
    let bench = bench_with(MDE, [Answer::new(401)], tokens);
    let error = run(&bench, &Query::new("T")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credential);
    bench.transport.assert_finished();
}

#[tokio::test]
async fn rows_of_a_broken_download_never_reach_the_caller() {
    let reset = Error::new(ErrorKind::Transport, "reset").transient();
    let half = r#"{"Schema":[{"Name":"N","Type":"Int64"}],"Results":[{"N":7},{"N":8},"#;
    let bench = bench(
        M365D,
        [
            Answer::new(200).body(half).then(reset),
            Answer::json(200, half),
            Answer::json(200, ONE_ROW),
        ],
    );
    let table = run(&bench, &Query::new("T")).await.unwrap();
    assert_eq!(table.row_count(), 1);
    assert_eq!(table.cell(0, "N").unwrap().to_string(), "1");
    assert_eq!(table.provenance().attempts, 3);
    assert_eq!(
        bench.clock.slept(),
        [Duration::from_millis(500), Duration::from_secs(1)]
    );
    let ids: std::collections::BTreeSet<_> = bench
        .transport
        .requests()
        .iter()
        .map(|request| request.header("client-request-id").to_owned())
        .collect();
    assert_eq!(ids.len(), 3, "each attempt has an id of its own");
}

#[tokio::test]
async fn a_full_answer_is_incomplete_unless_the_query_asked_for_as_many() {
    let rows = vec![r#"{"N":1}"#; 100_000].join(",");
    let full = format!(r#"{{"Schema":[{{"Name":"N","Type":"Int64"}}],"Results":[{rows}]}}"#);
    for (text, max_rows, complete) in [
        ("T", None, false),
        ("T | take 200000", None, false),
        ("T | take 100000", None, true),
        ("T |||", None, false),
        ("T", Some(100_000), false),
        ("T", Some(99_999), true),
    ] {
        let bench = bench(M365D_GRAPH, [Answer::json(200, full.clone())]);
        let mut query = Query::new(text);
        query.max_rows = max_rows;
        let table = run(&bench, &query).await.unwrap();
        assert_eq!(table.row_count(), max_rows.unwrap_or(100_000), "{text}");
        assert_eq!(table.is_complete(), complete, "{text} {max_rows:?}");
        let cut = table
            .warnings()
            .iter()
            .any(|warning| warning.kind == WarningKind::Rows);
        assert_eq!(cut, max_rows == Some(99_999));
    }
}

#[tokio::test]
async fn another_page_makes_an_answer_incomplete() {
    let page =
        r#"{"schema":[{"name":"N","type":"Int64"}],"results":[],"@odata.nextLink":"https://x"}"#;
    let bench = bench(M365D_GRAPH, [Answer::json(200, page)]);
    let table = run(&bench, &Query::new("T")).await.unwrap();
    assert!(matches!(
        table.summary().completeness,
        Completeness::Incomplete { .. }
    ));
}

#[tokio::test]
async fn the_end_of_an_api_is_told_once() {
    let bench = bench(
        MDE,
        [Answer::json(200, ONE_ROW), Answer::json(200, ONE_ROW)],
    );
    for expected in [1, 0] {
        let table = run(&bench, &Query::new("T")).await.unwrap();
        let warnings = table.warnings().iter();
        let told = warnings
            .filter(|warning| warning.kind == WarningKind::Retirement)
            .count();
        assert_eq!(told, expected);
    }
}

#[tokio::test]
async fn an_empty_query_is_not_sent() {
    let bench = bench(MDE, []);
    let error = run(&bench, &Query::new(" \n")).await.unwrap_err();
    assert_eq!(error.to_string(), "the query is empty");
}

/// A second implementation, as someone outside would write it.
#[derive(Debug)]
struct Constant;

#[async_trait::async_trait]
impl Driver for Constant {
    fn environment(&self) -> defender_core::DataEnvironment {
        defender_core::DataEnvironment::Local
    }

    async fn query(&self, _: &Query) -> defender_core::Result<defender_drivers::Answer> {
        let schema = std::sync::Arc::new(defender_table::arrow::datatypes::Schema::empty());
        Ok(defender_drivers::Answer::from_batches(
            schema,
            Vec::new(),
            defender_table::Summary::default(),
        ))
    }
}

#[tokio::test]
async fn a_driver_is_a_trait_object() {
    let bench = bench(M365D_GRAPH, [Answer::json(200, ONE_ROW)]);
    let drivers: [Box<dyn Driver>; 2] = [Box::new(bench.driver), Box::new(Constant)];
    let mut rows = Vec::new();
    for driver in &drivers {
        let answer = driver.query(&Query::new("T")).await.unwrap();
        rows.push(Table::collect(answer).await.unwrap().row_count());
    }
    assert_eq!(rows, [1, 0]);
}

#[tokio::test]
async fn an_error_in_a_response_of_success_is_what_its_code_says() {
    let rows = r#""schema":[{"name":"N","type":"Int64"}],"results":[{"N":1}]"#;
    for (error, kind, message) in [
        (
            r#"{"code":"Authorization_RequestDenied","message":"no"}"#,
            ErrorKind::Permission,
            "the permission ThreatHunting.Read.All is missing: no",
        ),
        (
            r#"{"code":"Odd","message":"words"}"#,
            ErrorKind::Protocol,
            "the response reports success and holds an error: words",
        ),
        (
            r#""words""#,
            ErrorKind::Protocol,
            "the response reports success and holds an error: words",
        ),
    ] {
        let body = format!(r#"{{"error":{error},"results":null}}"#);
        let bench = bench(M365D_GRAPH, [Answer::json(200, body)]);
        let failed = run(&bench, &Query::new("T")).await.unwrap_err();
        assert_eq!(
            (failed.kind(), failed.to_string()),
            (kind, message.to_owned())
        );
        assert_eq!(failed.status(), Some(200));
        bench.transport.assert_finished();
    }
    // A busy service is asked again, wherever it says so.
    let busy = || {
        let body = r#"{"error":{"code":"TooManyRequests","message":"busy"}}"#;
        Answer::json(200, body).header("retry-after", "7")
    };
    let whole = || Answer::json(200, format!("{{{rows}}}"));
    let bench = bench_with(M365D_GRAPH, [busy(), whole()], Tokens::default());
    assert_eq!(run(&bench, &Query::new("T")).await.unwrap().row_count(), 1);
    assert_eq!(bench.clock.slept(), [Duration::from_secs(7)]);
    let beside = format!(r#"{{{rows},"error":{{"code":"429","message":"busy"}}}}"#);
    let bench = self::bench(M365D_GRAPH, [Answer::json(200, beside)]);
    let table = run(&bench, &Query::new("T")).await.unwrap();
    assert_eq!(table.row_count(), 1);
    assert_eq!(
        table.summary().completeness,
        Completeness::Incomplete {
            reason: "the service reports an error beside the rows: the service is over quota: \
                     busy (429)"
                .to_owned()
        }
    );
}

#[tokio::test]
async fn the_first_error_of_a_list_is_told() {
    for (errors, said) in [
        (
            r#""errors":[{"code":"Odd","message":"half"}]"#,
            "half (Odd)",
        ),
        (r#""errors":["half","other"]"#, "half"),
        (
            r#""OneApiErrors":[{"error":{"code":"Odd","message":"half"}},{"error":{}}]"#,
            "half (Odd)",
        ),
        (r#""Exceptions":["half"]"#, "half"),
    ] {
        let body = format!(
            r#"{{"schema":[{{"name":"N","type":"Int64"}}],"results":[{{"N":1}}],{errors}}}"#
        );
        let bench = bench(M365D_GRAPH, [Answer::json(200, body)]);
        let table = run(&bench, &Query::new("T")).await.unwrap();
        assert_eq!(table.row_count(), 1);
        let reason = format!(
            "the service reports an error beside the rows: the response reports success and \
             holds an error: {said}"
        );
        assert_eq!(
            table.summary().completeness,
            Completeness::Incomplete { reason },
            "{errors}"
        );
    }
}

#[tokio::test]
async fn what_the_service_counted_has_to_be_there() {
    for (counted, incomplete, warnings) in [(5, true, 0), (1, false, 0), (0, false, 1)] {
        let body = format!(
            r#"{{"Stats":{{"dataset_statistics":[{{"table_row_count":{counted}}}]}},
               "Schema":[{{"Name":"N","Type":"Int64"}}],"Results":[{{"N":1}}]}}"#
        );
        let bench = bench(M365D, [Answer::json(200, body)]);
        let table = run(&bench, &Query::new("T")).await.unwrap();
        let said = format!("the service counted {counted} rows in its result and sent 1");
        let reason = Completeness::Incomplete {
            reason: said.clone(),
        };
        assert_eq!(
            table.summary().completeness == reason,
            incomplete,
            "{counted}"
        );
        assert_eq!(table.is_complete(), !incomplete);
        let told = table
            .warnings()
            .iter()
            .filter(|warning| warning.to_string() == said);
        assert_eq!(told.count(), warnings);
    }
}

#[tokio::test]
async fn a_secret_in_use_is_repeated_by_no_error_although_the_request_does_not_send_it() {
    let body = r#"{"error":{"code":"Abcdefgh8Q~12345","message":"x Abcdefgh8Q%7E12345 y"}}"#;
    let answer = Answer::json(400, body).header("request-id", "Abcdefgh8Q~12345");
    let bench = bench(M365D_GRAPH, [answer]);
    let mut connection = bench.driver.connection().clone();
    connection.hidden = Redaction::of([&SecretString::from("Abcdefgh8Q~12345")]);
    let driver = Hunting::new(M365D_GRAPH, connection);
    let error = driver.query(&Query::new("T")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the service refused the query: x REDACTED y"
    );
    assert_eq!(error.code(), Some("REDACTED"));
    assert_eq!(error.request_id(), Some("REDACTED"));
}
