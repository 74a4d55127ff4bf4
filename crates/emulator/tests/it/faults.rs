//! What goes wrong on request, as a client sees it.

use std::sync::Arc;
use std::time::Duration;

use defender_emulator::{
    Data, Emulator, Fault, FaultAnswer, FaultBody, Faults, HuntingBackend, Options, QueryFault,
    Question, RecordedBody, RecordedRequest, Rows, Running,
};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::client::{
    Answer, FORM, GRAPH, JSON, RUN, SECRET, address, connect, direct, form, hunt, options, proxied,
    scope_of, tls, token, token_at,
};

const ALL_RUNS: &str = "*/run*";

async fn with(faults: Faults) -> Running {
    Emulator::start(Options {
        faults,
        ..options()
    })
    .await
    .unwrap()
}

async fn ask(running: &Running) -> Result<Answer, String> {
    let bearer = format!("Bearer {}", token(running, GRAPH).await);
    let headers = [JSON, ("authorization", bearer.as_str())];
    let body = json!({"Query": "Many"}).to_string();
    direct(running, "POST", RUN[0], &headers, body).await
}

fn fault() -> Fault {
    Fault {
        path: Some(ALL_RUNS.to_owned()),
        ..Fault::default()
    }
}

#[tokio::test]
async fn a_file_of_faults_is_carried_out_in_turn() {
    let faults = Faults::parse(
        "
- {path: '*/run*', request: 1, status: 429, retry_after: 3}
- {path: '*/run*', request: 2, status: 429}
- {path: '*/run*', request: 3, status: 504}
- {path: '*/run*', request: 4, status: 502, body: html}
- {path: '*/run*', request: 5, status: 200, body: empty}
- {path: '*/run*', request: 6, status: 418, json: {error: {code: Teapot}}, headers: {x-note: hot}}
- {path: '*/run*', request: 7, text: '<not json', status: 200}
",
    )
    .unwrap();
    for (path, name) in RUN.into_iter().zip(["graph", "mde", "m365d"]) {
        let running = with(faults.clone()).await;
        let token = token(&running, scope_of(path)).await;
        let mut answers = Vec::new();
        for _ in 0..7 {
            let answer = hunt(&running, path, &token, "Nothing").await;
            answers.push(answer.exchange(&running));
        }
        assert_eq!(hunt(&running, path, &token, "Nothing").await.status, 200);
        insta::assert_json_snapshot!(format!("faults_{name}"), answers);
    }
}

#[tokio::test]
async fn the_authority_has_outages_too() {
    let faults = Faults::parse("[{path: '*/token', requests: [1, 2], status: 429}]").unwrap();
    let running = with(faults).await;
    let path = format!("/{}/oauth2/v2.0/token", crate::client::TENANT);
    let ask = async || {
        let body = form(crate::client::CLIENT, SECRET, GRAPH);
        direct(&running, "POST", &path, &[FORM], body)
            .await
            .unwrap()
    };
    insta::assert_json_snapshot!("faults_entra", ask().await.exchange(&running));
    assert_eq!(ask().await.status, 429);
    assert_eq!(ask().await.status, 200);
}

#[tokio::test]
async fn a_body_breaks_off_and_the_connection_with_it() {
    let running = with(Faults::new().with(Fault {
        truncate_after: Some(20),
        requests: vec![1],
        ..fault()
    }))
    .await;
    let error = ask(&running).await.unwrap_err();
    assert!(error.contains("body"), "{error}");
    assert_eq!(running.requests().last().unwrap().status, 200);
    assert_eq!(ask(&running).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_connection_is_dropped_before_the_status() {
    let running = with(Faults::new().with(Fault {
        drop_after: Some(0),
        requests: vec![1],
        ..fault()
    }))
    .await;
    ask(&running).await.unwrap_err();
    assert_eq!(running.requests().last().unwrap().status, 0);
    assert_eq!(ask(&running).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_false_length_is_noticed_or_cuts_the_body() {
    let running = with(
        Faults::new()
            .with(Fault {
                content_length: Some(1_000_000),
                requests: vec![1],
                ..fault()
            })
            .with(Fault {
                content_length: Some(10),
                ..fault()
            }),
    )
    .await;
    ask(&running).await.unwrap_err();
    assert_eq!(ask(&running).await.unwrap().body.len(), 10);
}

#[tokio::test]
async fn a_byte_that_is_no_text() {
    let running = with(Faults::new().with(Fault {
        invalid_utf8_at: Some(5),
        ..fault()
    }))
    .await;
    let answer = ask(&running).await.unwrap();
    let error = std::str::from_utf8(&answer.body).unwrap_err();
    assert_eq!(error.valid_up_to(), 5);
}

#[tokio::test]
async fn rows_come_before_the_schema() {
    for (path, names) in RUN.into_iter().zip([
        ["\"results\"", "\"schema\""],
        ["\"Results\"", "\"Schema\""],
        ["\"Results\"", "\"Schema\""],
    ]) {
        let token_and_place = |text: &str| names.map(|name| text.find(name).unwrap());
        let running = with(Faults::new().with(Fault {
            late_schema: true,
            requests: vec![1],
            ..fault()
        }))
        .await;
        let token = token(&running, scope_of(path)).await;
        let late = hunt(&running, path, &token, "Many").await;
        let [results, schema] = token_and_place(&late.text());
        assert!(results < schema);
        let usual = hunt(&running, path, &token, "Many").await;
        let [results, schema] = token_and_place(&usual.text());
        assert!(schema < results);
        let (mut late, mut usual) = (late.json(), usual.json());
        for body in [&mut late, &mut usual] {
            body.as_object_mut().unwrap().sort_keys();
        }
        assert_eq!(late, usual);
    }
}

#[tokio::test]
async fn time_passes_before_and_within_an_answer() {
    let running = with(
        Faults::new()
            .with(Fault {
                delay: Some(Duration::from_secs(100)),
                requests: vec![1],
                ..fault()
            })
            .with(Fault {
                drip: Some((100, Duration::from_secs(10))),
                requests: vec![2],
                ..fault()
            }),
    )
    .await;
    let bearer = token(&running, GRAPH).await;
    tokio::time::pause();
    let begun = Instant::now();
    assert_eq!(hunt(&running, RUN[0], &bearer, "Many").await.status, 200);
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_secs(100), "{waited:?}");

    let begun = Instant::now();
    let answer = hunt(&running, RUN[0], &bearer, "Many").await;
    assert_eq!(answer.json()["results"].as_array().unwrap().len(), 25);
    let waited = begun.elapsed();
    let pauses = u64::try_from(answer.body.len() / 100).unwrap();
    assert!(waited >= Duration::from_secs(10 * pauses), "{waited:?}");
}

#[tokio::test]
async fn an_answer_that_never_ends_does_not_keep_the_emulator_from_ending() {
    let running = with(Faults::new().with(Fault {
        stall_after: Some(10),
        ..fault()
    }))
    .await;
    let bearer = token(&running, GRAPH).await;
    tokio::time::pause();
    let waiting = tokio::time::timeout(
        Duration::from_hours(1),
        hunt(&running, RUN[0], &bearer, "Many"),
    );
    assert!(waiting.await.is_err(), "the answer should never end");
    running.shutdown().await;
}

#[tokio::test]
async fn faults_know_hosts_and_reach_through_tls() {
    let running = with(Faults::new().with(Fault {
        host: Some("*.microsoft.com".to_owned()),
        method: Some("GET".to_owned()),
        answer: Some(FaultAnswer {
            body: FaultBody::Empty,
            ..FaultAnswer::status(503)
        }),
        ..Fault::default()
    }))
    .await;
    let ask = async |host: &str| proxied(&running, host, "GET", "/x", &[], "").await.status;
    assert_eq!(ask("graph.microsoft.com").await, 503);
    assert_eq!(ask("graph.microsoft.us").await, 404);
}

#[tokio::test]
async fn a_fault_of_one_tenant_leaves_the_others_alone() {
    let faults = Faults::parse(
        "
- {tenant: Second, path: '*/runHuntingQuery', status: 503}
- {tenant: government.example, path: '*/token', status: 429}
",
    )
    .unwrap();
    let running = Emulator::start(Options {
        faults,
        ..options()
    })
    .await
    .unwrap();
    let global = "login.microsoftonline.com";
    for (digit, expected) in [(1, 200), (2, 503)] {
        let token = token_at(&running, global, digit, GRAPH).await.json()["access_token"].clone();
        let answer = hunt(&running, RUN[0], token.as_str().unwrap(), "Many").await;
        assert_eq!(answer.status, expected, "{digit}");
    }
    let government = token_at(
        &running,
        "login.microsoftonline.us",
        3,
        "https://graph.microsoft.us/.default",
    );
    assert_eq!(government.await.status, 429);
}

#[tokio::test]
async fn a_fault_of_one_api_or_query_leaves_the_others_alone() {
    let faults = Faults::parse("[{api: mde, query: 'many', status: 500}]").unwrap();
    let running = Emulator::start(Options {
        faults,
        ..options()
    })
    .await
    .unwrap();
    for (path, query, expected) in [
        (RUN[0], "Many", 200),
        (RUN[1], "Nothing", 200),
        (RUN[1], "Many", 500),
        (RUN[2], "Many", 200),
    ] {
        let token = token(&running, scope_of(path)).await;
        let answer = hunt(&running, path, &token, query).await;
        assert_eq!(answer.status, expected, "{path} {query}");
    }
}

/// Begins every query, and ends none.
#[derive(Debug, Default)]
struct Endless(tokio::sync::Notify);

#[async_trait::async_trait]
impl HuntingBackend for Endless {
    async fn run(&self, _: Question) -> Result<Rows, QueryFault> {
        self.0.notify_one();
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_request_that_its_client_gives_up_is_recorded() {
    let (told, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let endless = Arc::new(Endless::default());
    let running = Emulator::start(Options {
        data: Data::Backend(endless.clone()),
        observer: Some(Arc::new(move |request: &RecordedRequest| {
            let _ = told.send(request.clone());
        })),
        ..options()
    })
    .await
    .unwrap();
    let token = token(&running, GRAPH).await;
    assert_eq!(hears.recv().await.unwrap().status, 200);
    let body = json!({"Query": "Many"}).to_string();
    let request = format!(
        "POST {} HTTP/1.1\r\nhost: graph.microsoft.com\r\ncontent-type: application/json\r\n\
         authorization: Bearer {token}\r\ncontent-length: {}\r\n\r\n{body}",
        RUN[0],
        body.len()
    );
    let direct = || TcpStream::connect(address(&running.http_url()));
    let mut plain = direct().await.unwrap();
    plain.write_all(request.as_bytes()).await.unwrap();
    endless.0.notified().await;
    drop(plain);
    let given_up = hears.recv().await.unwrap();

    let (_, stream) = connect(&running, "graph.microsoft.com:443", "").await;
    let mut tunnel = tls(&running, stream, "graph.microsoft.com").await.unwrap();
    tunnel.write_all(request.as_bytes()).await.unwrap();
    endless.0.notified().await;
    drop(tunnel);
    let through_the_proxy = hears.recv().await.unwrap();

    for request in [&given_up, &through_the_proxy] {
        assert_eq!((request.status, request.path.as_str()), (0, RUN[0]));
        let body = RecordedBody::Json(json!({"Query": "Many"}));
        assert_eq!(request.body, body);
    }
    assert_eq!(running.requests()[1..], [given_up, through_the_proxy]);

    // One that is gone before its request was looked at may have no body in the record.
    let mut hasty = direct().await.unwrap();
    hasty.write_all(request.as_bytes()).await.unwrap();
    drop(hasty);
    let hasty = hears.recv().await.unwrap();
    assert_eq!((hasty.status, hasty.path.as_str()), (0, RUN[0]));
}
