//! Tests of refusals: every form of them, as the error that a person reads.

use std::fmt::Write;

use defender_core::SecretString;
use http::Response;

use super::*;

const SECRET: &str = "canary/secret+8Q~";

fn error_of(status: u16, headers: &[(&str, &str)], body: &str) -> Error {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    let (head, ()) = response.body(()).unwrap().into_parts();
    let secret = SecretString::from(SECRET);
    let context = Context {
        url: &Url::parse("https://login.example/t/oauth2/v2.0/token?x=canary").unwrap(),
        client_request_id: "ours",
        now: SystemTime::UNIX_EPOCH,
        redaction: &Redaction::of([&secret]),
    };
    let error = error(&head, body.as_bytes(), &context);
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    error
}

fn described(number: u32, text: &str) -> String {
    format!(
        r#"{{"error":"invalid_client","error_description":"AADSTS{number}: {text}\r\nTrace ID: trace\r\nCorrelation ID: correlation\r\nTimestamp: 2099-01-01 00:00:00Z","error_codes":[{number}],"trace_id":"trace","correlation_id":"correlation"}}"#
    )
}

/// Everything of an error that a person or a caller sees.
fn shown(error: &Error) -> String {
    let mut text = format!("{:?}", error.kind());
    if error.is_transient() {
        text.push_str(" transient");
    }
    if let Some(wait) = error.retry_after() {
        write!(text, " after {wait:?}").unwrap();
    }
    write!(text, "\n  {error}").unwrap();
    for (name, value) in [
        ("code", error.code()),
        ("hint", error.hint()),
        ("url", error.url()),
        ("request", error.request_id()),
        ("client request", error.client_request_id()),
    ] {
        if let Some(value) = value {
            write!(text, "\n  {name}: {value}").unwrap();
        }
    }
    text
}

#[test]
fn a_refusal_carries_code_text_ids_and_advice() {
    let body = described(
        7_000_215,
        "Invalid client secret provided. Ensure it is the value.",
    );
    insta::assert_snapshot!(shown(&error_of(401, &[], &body)));
}

#[test]
fn every_number_that_is_known_says_what_to_change() {
    let mut told = String::new();
    for number in aadsts::numbers() {
        let number = u32::try_from(number).unwrap();
        let error = error_of(400, &[], &described(number, "Text."));
        let hint = error.hint().unwrap();
        writeln!(told, "{number} {:?}: {hint}", error.kind()).unwrap();
    }
    insta::assert_snapshot!(told);
}

#[test]
fn kinds_follow_status_then_name_then_number() {
    for (status, number, kind, transient) in [
        (401, 7_000_222, ErrorKind::Credential, false),
        (400, 65001, ErrorKind::Permission, false),
        (400, 90055, ErrorKind::Throttled, true),
        (503, 90055, ErrorKind::Throttled, true),
        (429, 7_000_215, ErrorKind::Throttled, true),
        (500, 7_000_215, ErrorKind::Service, true),
        (400, 90033, ErrorKind::Service, true),
        (400, 99_999_999, ErrorKind::Credential, false),
    ] {
        let error = error_of(status, &[], &described(number, "Text."));
        assert_eq!(
            (error.kind(), error.is_transient()),
            (kind, transient),
            "{status} {number}"
        );
        assert_eq!(error.code().unwrap(), format!("AADSTS{number}"));
        assert_eq!(error.status(), Some(status));
    }
}

#[test]
fn a_refusal_without_a_number_has_its_name_as_code() {
    insta::assert_snapshot!(
        [
            r#"{"error":"slow_down","error_description":"The request is being polled too quickly."}"#,
            r#"{"error":"temporarily_unavailable"}"#,
            r#"{"error":"interaction_required","error_codes":["50076"]}"#,
            r#"{"error":"invalid_grant","error_description":"AADSTS70008: Expired. Trace ID: abc Correlation ID: def"}"#,
        ]
        .map(|body| shown(&error_of(400, &[], body)))
        .join("\n")
    );
}

#[test]
fn pages_and_silence_are_told_apart() {
    let page = "<html><head><TITLE lang='en'>\n Blocked by policy. </title></head>";
    insta::assert_snapshot!(
        [
            (401, ""),
            (403, page),
            (400, "null"),
            (400, "{}"),
            (502, "<html>nginx</html>"),
            (503, ""),
            (429, "slow"),
            (302, ""),
            (404, "<title>\u{212a}"),
        ]
        .map(|(status, body)| shown(&error_of(status, &[], body)))
        .join("\n")
    );
}

#[test]
fn a_wait_asked_for_is_kept_where_waiting_helps() {
    let headers = [("retry-after", "7"), ("x-ms-request-id", "theirs")];
    let error = error_of(429, &headers, "");
    assert_eq!(error.retry_after().map(|wait| wait.as_secs()), Some(7));
    assert_eq!(error.request_id(), Some("theirs"));
    assert_eq!(error.client_request_id(), Some("ours"));
    let refused = error_of(401, &headers, &described(7_000_215, "No."));
    assert_eq!(refused.retry_after(), None);
}

#[test]
fn a_secret_that_comes_back_is_taken_out() {
    let repeated = described(
        90014,
        "The body was client_secret=canary%2Fsecret%2B8Q%7E&x=Y2FuYXJ5L3NlY3JldCs4UX4=",
    );
    let error = error_of(400, &[], &repeated);
    assert_eq!(
        error.to_string(),
        "sign-in refused: AADSTS90014: The body was client_secret=REDACTED&x=REDACTED"
    );
    let page = error_of(500, &[], &format!("<title>{SECRET}</title>"));
    assert_eq!(
        page.to_string(),
        "the authority answered 500 with a page 'REDACTED'"
    );
}

#[test]
fn text_from_outside_is_bounded_and_has_no_control_characters() {
    let long = format!("{}\\u001b[31m{}", "a", "b".repeat(5000));
    let error = error_of(401, &[], &described(1, &long));
    let text = error.to_string();
    assert!(text.chars().count() < 700, "{}", text.len());
    assert!(!text.contains('\u{1b}'));
}

/// Every recorded or documented refusal has a code and, its number being known, advice.
#[test]
#[ignore = "needs ../shared"]
fn recorded_refusals_are_understood() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/fixtures/errors_entra.json"
    );
    let text = std::fs::read_to_string(path).unwrap();
    let entries: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    assert!(!entries.is_empty());
    for entry in entries {
        let status = u16::try_from(entry["status"].as_u64().unwrap()).unwrap();
        let body = match &entry["body_text"] {
            serde_json::Value::String(text) => text.clone(),
            _ => entry["body"].to_string(),
        };
        let error = error_of(status, &[], &body);
        let Some(number) = entry["body"]["error_codes"][0].as_u64() else {
            assert_eq!(error.code(), entry["body"]["error"].as_str());
            continue;
        };
        assert_eq!(error.code().unwrap(), format!("AADSTS{number}"));
        assert!(error.hint().is_some(), "{number}");
        assert!(
            error
                .to_string()
                .starts_with(&format!("sign-in refused: AADSTS{number}: "))
        );
        assert_eq!(error.request_id(), entry["body"]["trace_id"].as_str());
        assert_eq!(
            error.client_request_id(),
            entry["body"]["correlation_id"].as_str()
        );
    }
}
