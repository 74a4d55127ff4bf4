//! Several requests to Graph in one.
//!
//! Source: <https://learn.microsoft.com/graph/json-batching>

use std::collections::BTreeMap;

use defender_emulator::{Emulator, Faults, Options, Quotas, RecordedBody, Running};
use serde_json::{Value as Json, json};

use crate::client::{Answer, GRAPH, JSON, MDE, direct, options, start, token};

async fn post(running: &Running, path: &str, token: &str, body: &Json) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [JSON, ("authorization", bearer.as_str())];
    direct(running, "POST", path, &headers, body.to_string())
        .await
        .unwrap()
}

fn hunt(id: &str, query: &str) -> Json {
    json!({
        "id": id,
        "method": "POST",
        "url": "/security/runHuntingQuery",
        "headers": {"Content-Type": "application/json"},
        "body": {"Query": query},
    })
}

/// The responses by their identifiers.
fn responses(answer: &Answer) -> BTreeMap<String, Json> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    let responses = body["responses"].as_array().unwrap().iter();
    responses
        .map(|response| {
            (
                response["id"].as_str().unwrap().to_owned(),
                response.clone(),
            )
        })
        .collect()
}

#[tokio::test]
async fn each_request_has_its_own_response() {
    let running = start().await;
    let token = token(&running, GRAPH).await;
    let batch = json!({"requests": [
        hunt("1", "Many"),
        {"id": "2", "method": "get", "url": "security/incidents?$top=1&$filter=severity eq 'high'"},
        {"id": "three", "method": "GET", "url": "/security/runHuntingQuery"},
        {"id": "4", "method": "GET", "url": "/nowhere"},
        hunt("5", "Unknown"),
    ]});
    for version in ["v1.0", "beta"] {
        let answer = post(&running, &format!("/{version}/$batch"), &token, &batch).await;
        let responses = responses(&answer);
        let status = |id: &str| responses[id]["status"].as_i64().unwrap();
        assert_eq!(
            ["1", "2", "three", "4", "5"].map(status),
            [200, 200, 405, 404, 400]
        );
        let first = &responses["1"];
        assert_eq!(first["body"]["results"].as_array().unwrap().len(), 25);
        let context = first["body"]["@odata.context"].as_str().unwrap();
        assert!(
            context.contains(&format!("/{version}/$metadata")),
            "{context}"
        );
        let kind = first["headers"]["Content-Type"].as_str().unwrap();
        assert!(kind.starts_with("application/json"), "{kind}");
        assert_eq!(responses["2"]["body"]["value"], json!([]));
        assert_eq!(
            responses["three"]["body"]["error"]["message"],
            "Specified HTTP method is not allowed for the request target."
        );
    }
}

#[tokio::test]
async fn what_depends_on_a_failure_fails_too() {
    let running = start().await;
    let token = token(&running, GRAPH).await;
    let after = |mut request: Json, ids: &[&str]| {
        request["dependsOn"] = json!(ids);
        request
    };
    let batch = json!({"requests": [
        after(hunt("C", "Nothing"), &["b"]),
        after(hunt("b", "Nothing"), &["A"]),
        hunt("a", "Unknown"),
        after(hunt("d", "Nothing"), &["e"]),
        hunt("e", "Many"),
    ]});
    let responses = responses(&post(&running, "/v1.0/$batch", &token, &batch).await);
    let status = |id: &str| responses[id]["status"].as_i64().unwrap();
    assert_eq!(
        ["a", "b", "C", "d", "e"].map(status),
        [400, 424, 424, 200, 200]
    );
}

#[tokio::test]
async fn a_limit_holds_for_each_request_by_itself() {
    let running = Emulator::start(Options {
        quotas: Some(Quotas {
            per_minute: 1,
            per_hour: 10,
        }),
        ..options()
    })
    .await
    .unwrap();
    let token = token(&running, GRAPH).await;
    let batch = json!({"requests": [hunt("1", "Many"), hunt("2", "Many")]});
    let responses = responses(&post(&running, "/v1.0/$batch", &token, &batch).await);
    assert_eq!(responses["1"]["status"], 200);
    assert_eq!(responses["2"]["status"], 429);
    assert_eq!(responses["2"]["headers"]["Retry-After"], "60");
    assert_eq!(responses["2"]["body"]["error"]["code"], "TooManyRequests");
}

#[tokio::test]
async fn a_fault_may_meet_a_request_within() {
    let faults =
        Faults::parse("[{path: '*/runHuntingQuery', query: Nothing, status: 503, retry_after: 7}]")
            .unwrap();
    let running = Emulator::start(Options {
        faults,
        ..options()
    })
    .await
    .unwrap();
    let token = token(&running, GRAPH).await;
    let batch = json!({"requests": [hunt("1", "Nothing"), hunt("2", "Many")]});
    let responses = responses(&post(&running, "/v1.0/$batch", &token, &batch).await);
    assert_eq!(responses["1"]["status"], 503);
    assert_eq!(responses["1"]["headers"]["Retry-After"], "7");
    assert_eq!(responses["2"]["status"], 200);
}

#[tokio::test]
async fn a_batch_that_is_none_is_refused_as_a_whole() {
    let running = start().await;
    let token = token(&running, GRAPH).await;
    let many: Vec<Json> = (0..21)
        .map(|number| hunt(&number.to_string(), "Many"))
        .collect();
    let after = |id: &str, on: &str| {
        let mut request = hunt(id, "Many");
        request["dependsOn"] = json!([on]);
        request
    };
    let mut refused = BTreeMap::new();
    for (case, body) in [
        ("no object", json!([])),
        ("no requests", json!({})),
        ("requests that are no list", json!({"requests": {}})),
        ("empty", json!({"requests": []})),
        ("twenty-one", json!({"requests": many})),
        (
            "no id",
            json!({"requests": [{"method": "GET", "url": "/x"}]}),
        ),
        (
            "an id that is a number",
            json!({"requests": [{"id": 1, "method": "GET", "url": "/x"}]}),
        ),
        ("no method", json!({"requests": [{"id": "1", "url": "/x"}]})),
        (
            "a method that is none",
            json!({"requests": [{"id": "1", "method": "G T", "url": "/x"}]}),
        ),
        (
            "no url",
            json!({"requests": [{"id": "1", "method": "GET"}]}),
        ),
        (
            "an absolute url",
            json!({"requests": [{"id": "1", "method": "GET", "url": "https://graph.microsoft.com/v1.0/me?x"}]}),
        ),
        (
            "one id twice",
            json!({"requests": [hunt("a", "Many"), hunt("A", "Many")]}),
        ),
        ("depends on nothing", json!({"requests": [after("1", "2")]})),
        ("depends on itself", json!({"requests": [after("1", "1")]})),
        (
            "a circle",
            json!({"requests": [after("1", "2"), after("2", "1")]}),
        ),
        (
            "a body without a type",
            json!({"requests": [{"id": "1", "method": "POST", "url": "/x", "body": {}}]}),
        ),
    ] {
        let answer = post(&running, "/v1.0/$batch", &token, &body).await;
        let error = &answer.json()["error"];
        refused.insert(
            case,
            format!("{} {}: {}", answer.status, error["code"], error["message"]),
        );
    }
    insta::assert_yaml_snapshot!(refused);
    let twenty = json!({"requests": &many[..20]});
    assert_eq!(
        responses(&post(&running, "/v1.0/$batch", &token, &twenty).await).len(),
        20
    );
    let answer = post(&running, "/v1.0/$batch", "", &twenty).await;
    assert_eq!(answer.status, 401, "{}", answer.text());
    let mde = crate::client::token(&running, MDE).await;
    assert_eq!(
        post(&running, "/v1.0/$batch", &mde, &twenty).await.status,
        401
    );
}

#[tokio::test]
async fn a_batch_within_a_batch_goes_no_deeper() {
    let running = start().await;
    let token = token(&running, GRAPH).await;
    let mut batch = json!({"requests": [hunt("1", "Many")]});
    for _ in 0..20 {
        batch = json!({"requests": [{
            "id": "1",
            "method": "POST",
            "url": "/$batch",
            "headers": {"Content-Type": "application/json"},
            "body": batch,
        }]});
    }
    let responses = responses(&post(&running, "/v1.0/$batch", &token, &batch).await);
    assert_eq!(responses["1"]["status"], 400);
    // Deeper than JSON is read, and larger than a request may be.
    let deep = format!("{{\"requests\": {}", "[".repeat(100_000));
    let bearer = format!("Bearer {token}");
    let headers = [JSON, ("authorization", bearer.as_str())];
    for body in [deep, "x".repeat(3_000_000)] {
        let answer = direct(&running, "POST", "/v1.0/$batch", &headers, body)
            .await
            .unwrap();
        assert!([400, 413].contains(&answer.status), "{}", answer.status);
    }
}

#[tokio::test]
async fn a_token_in_a_batch_is_not_recorded() {
    let running = start().await;
    let token = token(&running, GRAPH).await;
    let mut request = hunt("1", "Many");
    request["headers"]["Authorization"] = json!(format!("Bearer {token}"));
    let batch = json!({"requests": [request]});
    let responses = responses(&post(&running, "/v1.0/$batch", &token, &batch).await);
    assert_eq!(responses["1"]["status"], 200);
    let recorded = running.requests();
    let Some(RecordedBody::Json(body)) = recorded.last().map(|request| request.body.clone()) else {
        panic!("{recorded:?}");
    };
    assert_eq!(body["requests"][0]["headers"]["Authorization"], "REDACTED");
    assert_eq!(body["requests"][0]["body"]["Query"], "Many");
    assert!(!serde_json::to_string(&recorded).unwrap().contains(&token));
}
