//! The hunting endpoints: answers, refusals, caps, quotas.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use defender_emulator::{
    Api, Column, ColumnType, Data, Emulator, HuntingBackend, Limits, Options, QueryFault, Question,
    Quotas, Rows, Script, Tenant, Value,
};
use serde_json::json;

use crate::client::{
    GRAPH, JSON, MDE, RUN, XDR, direct, gunzip, hunt, noon, options, scope_of, script, start, token,
};

const NAMES: [&str; 3] = ["graph", "mde", "m365d"];

#[tokio::test]
async fn each_api_writes_values_in_its_own_way() {
    let running = start().await;
    for (path, name) in RUN.into_iter().zip(NAMES) {
        let token = token(&running, scope_of(path)).await;
        let answer = hunt(&running, path, &token, " Everything\n").await;
        insta::assert_json_snapshot!(format!("answer_{name}"), answer.exchange(&running));
        let answer = hunt(&running, path, &token, "Nothing").await;
        let body = answer.json();
        let (schema, results) = match name {
            "graph" => (&body["schema"], &body["results"]),
            _ => (&body["Schema"], &body["Results"]),
        };
        assert_eq!(schema.as_array().unwrap().len(), 10);
        assert_eq!(results, &json!([]));
    }
}

#[tokio::test]
async fn graph_names_its_beta_in_the_context() {
    let running = start().await;
    let token = token(&running, GRAPH).await;
    let path = "/beta/security/microsoft.graph.security.runHuntingQuery";
    let answer = hunt(&running, path, &token, "Nothing").await;
    let context = answer.json()["@odata.context"].as_str().unwrap().to_owned();
    assert!(context.contains("/beta/$metadata#"), "{context}");
}

#[tokio::test]
async fn refused_queries_are_dressed_by_each_api() {
    let faults = [
        ("semantic", QueryFault::Semantic(
            "'where' operator: Failed to resolve table or column expression named 'EmailEvents'".to_owned(),
        )),
        ("syntax", QueryFault::Syntax("A recognition error occurred".to_owned())),
        ("size", QueryFault::ResultSize),
        ("unsupported", QueryFault::Unsupported("the plugin autocluster".to_owned())),
    ];
    let script = faults
        .into_iter()
        .fold(Script::new(), |script, (query, fault)| {
            script.refuse(query, fault)
        });
    let running = Emulator::start(Options {
        data: Data::Backend(Arc::new(script)),
        ..options()
    })
    .await
    .unwrap();
    for (path, name) in RUN.into_iter().zip(NAMES) {
        let token = token(&running, scope_of(path)).await;
        let mut messages = BTreeMap::new();
        for query in ["semantic", "syntax", "size", "unsupported", "unscripted"] {
            let answer = hunt(&running, path, &token, query).await;
            assert_eq!(answer.status, 400);
            messages.insert(query, answer.json()["error"]["message"].clone());
            if query == "semantic" {
                insta::assert_json_snapshot!(
                    format!("refused_query_{name}"),
                    answer.exchange(&running)
                );
            }
        }
        insta::assert_json_snapshot!("refused_queries", messages);
    }
}

#[tokio::test]
async fn a_token_is_checked_in_every_respect() {
    let seconds = Arc::new(AtomicU64::new(0));
    let clock = Arc::clone(&seconds);
    let mut tenant = Tenant::demo();
    tenant.applications[0].roles = BTreeMap::from([
        (
            Api::Graph,
            vec![
                "SecurityAlert.Read.All".to_owned(),
                "User.Read.All".to_owned(),
            ],
        ),
        (
            Api::Mde,
            vec!["Alert.Read.All".to_owned(), "Machine.Read.All".to_owned()],
        ),
        (Api::M365d, Vec::new()),
    ]);
    let roleless = Emulator::start(Options {
        tenants: vec![tenant],
        ..options()
    })
    .await
    .unwrap();
    let running = Emulator::start(Options {
        clock: Arc::new(move || noon() + Duration::from_secs(clock.load(Ordering::Relaxed))),
        ..options()
    })
    .await
    .unwrap();
    for (path, name) in RUN.into_iter().zip(NAMES) {
        seconds.store(0, Ordering::Relaxed);
        let right = token(&running, scope_of(path)).await;
        let wrong = token(&running, if name == "graph" { MDE } else { GRAPH }).await;
        let foreign = token(&roleless, scope_of(path)).await;
        let (message, signature) = right.rsplit_once('.').unwrap();
        let first = if signature.starts_with('A') { 'B' } else { 'A' };
        let forged = format!("{message}.{first}{}", &signature[1..]);
        let answer = hunt(&roleless, path, &foreign, "Nothing").await;
        insta::assert_json_snapshot!(format!("roles_{name}"), answer.exchange(&roleless));

        let mut messages = BTreeMap::new();
        for (case, token) in [
            ("empty", ""),
            ("malformed", "abc"),
            ("forged", forged.as_str()),
            ("foreign", foreign.as_str()),
            ("audience", wrong.as_str()),
        ] {
            let answer = hunt(&running, path, token, "Nothing").await;
            assert_eq!(answer.status, 401, "{case}");
            messages.insert(case, answer.json()["error"]["message"].clone());
        }
        seconds.store(3598, Ordering::Relaxed);
        assert_eq!(hunt(&running, path, &right, "Nothing").await.status, 200);
        seconds.store(3599, Ordering::Relaxed);
        let answer = hunt(&running, path, &right, "Nothing").await;
        insta::assert_json_snapshot!(format!("expired_{name}"), answer.exchange(&running));
        insta::assert_json_snapshot!("unauthorized", messages);
    }
}

#[tokio::test]
async fn bodies_that_are_not_what_they_should_be() {
    let running = start().await;
    for (path, name) in RUN.into_iter().zip(NAMES) {
        let token = format!("Bearer {}", token(&running, scope_of(path)).await);
        let ask = async |content_type: &str, body: &str| {
            let headers = [("content-type", content_type), ("authorization", &token)];
            direct(&running, "POST", path, &headers, body.to_owned())
                .await
                .unwrap()
        };
        let mut codes = BTreeMap::new();
        for (case, content_type, body) in [
            ("lower_case", "application/json", r#"{"query": "Nothing"}"#),
            ("not_json", "application/json", "{"),
            ("not_an_object", "application/json", "[]"),
            ("not_text", "application/json", r#"{"Query": 1}"#),
            ("empty", "application/json", r#"{"Query": " "}"#),
            ("missing", "application/json", "{}"),
            ("content_type", "text/plain", r#"{"Query": "Nothing"}"#),
            (
                "timespan",
                "application/json",
                r#"{"Query": "Nothing", "Timespan": "a while"}"#,
            ),
        ] {
            let answer = ask(content_type, body).await;
            let body = answer.json();
            let error = &body["error"];
            codes.insert(
                case,
                json!([answer.status, error["code"], error["message"]]),
            );
        }
        insta::assert_json_snapshot!(format!("bodies_{name}"), codes);
    }
}

/// Remembers what it was asked.
#[derive(Debug, Default)]
struct Witness(std::sync::Mutex<Vec<Question>>);

#[async_trait]
impl HuntingBackend for Witness {
    async fn run(&self, question: Question) -> Result<Rows, QueryFault> {
        self.0.lock().unwrap().push(question);
        Ok(Rows::new(Vec::new(), Vec::new()))
    }
}

#[tokio::test]
async fn a_query_sees_its_timespan_within_the_retention() {
    let witness = Arc::new(Witness::default());
    let running = Emulator::start(Options {
        data: Data::Backend(Arc::clone(&witness) as _),
        ..options()
    })
    .await
    .unwrap();
    let bearer = format!("Bearer {}", token(&running, GRAPH).await);
    for timespan in [
        json!(null),
        json!("P1D"),
        json!("2026-11-01/2026-11-02"),
        json!("P90D"),
    ] {
        let body = json!({"Query": "x", "Timespan": timespan}).to_string();
        let headers = [JSON, ("authorization", bearer.as_str())];
        let answer = direct(&running, "POST", RUN[0], &headers, body)
            .await
            .unwrap();
        assert_eq!(answer.status, 200);
    }
    let questions = witness.0.lock().unwrap();
    let day = 864_000_000_000;
    let now = questions[0].now;
    let ranges: Vec<_> = questions
        .iter()
        .map(|question| {
            assert_eq!((question.api, question.max_rows), (Api::Graph, 100_000));
            assert_eq!(question.tenant, crate::client::TENANT);
            (
                now - question.time_range.start,
                now - question.time_range.end,
            )
        })
        .collect();
    let hours = day / 24;
    assert_eq!(
        ranges,
        [
            (30 * day, 0),
            (day, 0),
            (19 * day + 8 * hours, 18 * day + 8 * hours),
            (30 * day, 0),
        ]
    );
}

#[tokio::test]
async fn rows_beyond_the_cap_are_left_out_without_a_word() {
    let running = Emulator::start(Options {
        limits: Limits {
            rows: 10,
            ..Limits::default()
        },
        ..options()
    })
    .await
    .unwrap();
    let token = token(&running, XDR).await;
    let answer = hunt(&running, RUN[2], &token, "Many").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["Results"].as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn bytes_beyond_the_cap_are_an_error() {
    let running = Emulator::start(Options {
        limits: Limits {
            answer_bytes: 100,
            request_bytes: 200,
            ..Limits::default()
        },
        ..options()
    })
    .await
    .unwrap();
    let token = token(&running, MDE).await;
    let answer = hunt(&running, RUN[1], &token, "Many").await;
    insta::assert_json_snapshot!("too_many_bytes", answer.exchange(&running));
    let answer = hunt(&running, RUN[1], &token, &"x".repeat(200)).await;
    insta::assert_json_snapshot!("request_too_large", answer.exchange(&running));
}

#[tokio::test]
async fn calls_beyond_the_quota_are_throttled() {
    let running = Emulator::start(Options {
        quotas: Some(Quotas {
            per_minute: 1,
            per_hour: 2,
        }),
        ..options()
    })
    .await
    .unwrap();
    for (path, name) in RUN.into_iter().zip(NAMES) {
        let token = token(&running, scope_of(path)).await;
        assert_eq!(hunt(&running, path, &token, "Nothing").await.status, 200);
        let answer = hunt(&running, path, &token, "Nothing").await;
        insta::assert_json_snapshot!(format!("throttled_{name}"), answer.exchange(&running));
    }
}

#[tokio::test]
async fn answers_are_compressed_for_those_who_ask() {
    let script = script().answer(
        "Long",
        vec![Column::new("S", ColumnType::String)],
        vec![vec![Value::String("a".repeat(5000))]],
    );
    let running = Emulator::start(Options {
        gzip: true,
        data: Data::Backend(Arc::new(script)),
        ..options()
    })
    .await
    .unwrap();
    let bearer = format!("Bearer {}", token(&running, GRAPH).await);
    let ask = async |accepted: &str| {
        let headers = [
            JSON,
            ("authorization", bearer.as_str()),
            ("accept-encoding", accepted),
        ];
        let body = json!({"Query": "Long"}).to_string();
        direct(&running, "POST", RUN[0], &headers, body)
            .await
            .unwrap()
    };
    let plain = ask("gzip;q=0, br").await;
    assert_eq!(plain.header("content-encoding"), None);
    let packed = ask("deflate, gzip;q=0.5").await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.body.len() < 1000);
    assert_eq!(gunzip(&packed.body), plain.body);
}

#[tokio::test]
async fn identifiers_of_a_request_come_back() {
    let running = start().await;
    let sent = "99999999-9999-4999-8999-999999999999";
    for (path, own) in RUN
        .into_iter()
        .zip(["request-id", "x-ms-request-id", "x-ms-request-id"])
    {
        let bearer = format!("Bearer {}", token(&running, scope_of(path)).await);
        let headers = [
            JSON,
            ("authorization", bearer.as_str()),
            ("client-request-id", sent),
        ];
        let body = json!({"Query": "Nothing"}).to_string();
        let answer = direct(&running, "POST", path, &headers, body)
            .await
            .unwrap();
        assert_eq!(answer.header("client-request-id"), Some(sent));
        assert_eq!(answer.header(own).unwrap().len(), sent.len());
    }
}

/// Source: <https://learn.microsoft.com/graph/api/security-security-runhuntingquery>
#[tokio::test]
async fn graph_takes_its_parameters_and_no_others() {
    let running = start().await;
    let token = token(&running, GRAPH).await;
    let bearer = format!("Bearer {token}");
    let workspace = "00000000-0000-0000-0000-000000000001";
    let mut told = BTreeMap::new();
    for (case, body) in [
        (
            "all",
            json!({"Query": "Nothing", "Timespan": "P1D", "workspaceId": workspace}),
        ),
        (
            "in lower case",
            json!({"query": "Nothing", "timespan": null, "workspaceid": null}),
        ),
        (
            "an annotation",
            json!({"Query": "Nothing", "@odata.type": "x", "Query@odata.type": "y"}),
        ),
        ("an unknown member", json!({"Query": "Nothing", "Limit": 5})),
        ("its own name misspelt", json!({"Querry": "Nothing"})),
        (
            "one name twice",
            json!({"Query": "Nothing", "query": "Many"}),
        ),
        ("a query that is no text", json!({"Query": 5})),
        (
            "a workspace that is none",
            json!({"Query": "Nothing", "workspaceId": "main"}),
        ),
        ("no query", json!({"Timespan": "P1D"})),
    ] {
        let headers = [JSON, ("authorization", bearer.as_str())];
        let answer = direct(&running, "POST", RUN[0], &headers, body.to_string())
            .await
            .unwrap();
        let message = answer.json()["error"]["message"].clone();
        told.insert(case, format!("{} {message}", answer.status));
    }
    insta::assert_yaml_snapshot!("parameters_of_graph", told);
}

/// Source: <https://learn.microsoft.com/graph/api/security-security-getrunhuntingquery>
#[tokio::test]
async fn beta_hunts_by_get() {
    let running = start().await;
    let graph = token(&running, GRAPH).await;
    let mde = token(&running, MDE).await;
    let get = async |path: &str, token: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        direct(&running, "GET", path, &headers, "").await.unwrap()
    };
    let function = |parameters: &str| format!("/beta/security/getRunHuntingQuery({parameters})");
    for parameters in [
        "query='Many'",
        "query=%27Many%27,timespan=%27P1D%27",
        "query='%20Many%20',timespan='2026-11-01T08:00:00Z/P1D'",
        "query='Many',timespan='2026-11-01T08:00:00Z%2F2026-11-02T08:00:00Z'",
        "Query='Many',workspaceId=00000000-0000-0000-0000-000000000001",
    ] {
        let answer = get(&function(parameters), &graph).await;
        assert_eq!(answer.status, 200, "{parameters}: {}", answer.text());
        let body = answer.json();
        assert_eq!(
            body["results"].as_array().unwrap().len(),
            25,
            "{parameters}"
        );
        let context = body["@odata.context"].as_str().unwrap();
        assert!(context.ends_with("/beta/$metadata#microsoft.graph.security.huntingQueryResults"));
    }
    // OData's aliases of parameters.
    let aliased = "query=@q,timespan=@p_1)?@q='Many'&@p_1='P1D'";
    let path = format!("/beta/security/getRunHuntingQuery({aliased}");
    let answer = get(&path, &graph).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["results"].as_array().unwrap().len(), 25);
    for (path, status) in [
        (function("query=@q"), 400),
        (function("timespan='P1D'"), 400),
        (function("query='Many',top=1"), 400),
        (function("query='Many',timespan='soon'"), 400),
        (function("query='Many',workspaceId=main"), 400),
        (function("query='Many"), 404),
        (
            "/v1.0/security/getRunHuntingQuery(query='Many')".to_owned(),
            404,
        ),
    ] {
        assert_eq!(get(&path, &graph).await.status, status, "{path}");
    }
    assert_eq!(get(&function("query='Many'"), &mde).await.status, 401);
}
