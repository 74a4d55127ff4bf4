//! Error bodies of every shape, each with what the user is told.

use std::fmt::Write as _;

use super::*;

const DESCRIPTION: Description = Description {
    environment: defender_core::DataEnvironment::M365dGraph,
    takes_timespan: true,
    annotated: true,
    application_role: "ThreatHunting.Read.All",
    delegated_scope: "ThreatHunting.Read.All",
    row_cap: 100_000,
    quota: defender_http::Quota::CALLS,
    documentation: "",
};

fn error(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Error {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| {
            (
                http::HeaderName::from_static(name),
                http::HeaderValue::from_static(value),
            )
        })
        .collect();
    let refusal = Refusal {
        status: StatusCode::from_u16(status).unwrap(),
        headers: &headers,
        body: body.as_bytes(),
        gate: &Redaction::default(),
        now: SystemTime::UNIX_EPOCH,
        rewritten: false,
    };
    refusal.into_error(&DESCRIPTION)
}

fn shown(error: &Error) -> String {
    let mut text = format!("{:?}: {error}", error.kind());
    for (name, value) in [
        ("code", error.code().map(str::to_owned)),
        ("request id", error.request_id().map(str::to_owned)),
        (
            "retry after",
            error.retry_after().map(|wait| format!("{wait:?}")),
        ),
        ("hint", error.hint().map(str::to_owned)),
    ] {
        if let Some(value) = value {
            let _ = write!(text, "\n  {name}: {value}");
        }
    }
    if error.is_transient() {
        text.push_str("\n  transient");
    }
    text
}

#[test]
fn every_shape_of_body() {
    type Case = (u16, Vec<(&'static str, &'static str)>, String);
    let id = "94fb3b52-452a-4535-a601-69e0a90e3aa2";
    let graph = |code: &str, message: &str| {
        format!(
            r#"{{"error":{{"code":"{code}","message":"{message}","innerError":{{"request-id":"{id}"}}}}}}"#
        )
    };
    let target = |code: &str, message: &str| {
        format!(r#"{{"error":{{"code":"{code}","message":"{message}","target":"{id}"}}}}"#)
    };
    let cases: Vec<Case> = vec![
        (400, vec![], graph("BadRequest", "'where' operator: Failed to resolve table or column expression named 'X'. Fix semantic errors in your query.")),
        (400, vec![], target("BadRequest", "Query execution has exceeded the allowed result size. Optimize your query by limiting the amount of results and try again")),
        (400, vec![], graph("BadRequest", "Query execution has exceeded the allowed limits")),
        (401, vec![("request-id", "from-header")], graph("InvalidAuthenticationToken", "Lifetime validation failed")),
        (403, vec![], target("Forbidden", "Missing application roles. API required roles: AdvancedQuery.Read.All, application roles: Alert.Read.All,Machine.Read.All.")),
        (403, vec![], r#"{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges to complete the operation."}}"#.into()),
        (404, vec![], String::new()),
        (413, vec![("content-type", "text/html")], "<html><head><title>413 Request Entity Too Large</title></head></html>".into()),
        (429, vec![("retry-after", "10")], graph("TooManyRequests", "Please retry again later. Try again in 99 seconds")),
        (429, vec![], target("429", "API calls quota exceeded! maximum allowed 45 per 00:01:00")),
        (429, vec![], r#"{"error":{"code":429,"message":"You have exceeded processing resources allocated to this tenant. You can run queries again in 5 minutes."}}"#.into()),
        (500, vec![], graph("UnknownError", "")),
        (502, vec![], "<HTML><Title>\n 502\tBad  Gateway</TITLE>".into()),
        (503, vec![("retry-after", "3")], "upstream connect error".into()),
        (504, vec![], String::new()),
        (500, vec![], r#"{"error":"plain text"}"#.into()),
        (400, vec![], r#"{"error":"invalid_request","error_description":"what is wrong"}"#.into()),
        (500, vec![], r#"{"error":{"code":"","message":"","innererror":{"code":"Deep","message":"","innerError":{"message":"deepest","request-id":"r"}}}}"#.into()),
        (500, vec![], r#"{"Message":"An error has occurred."}"#.into()),
        (500, vec![], "{\"error\":null}".into()),
        (302, vec![], String::new()),
        (206, vec![], String::new()),
        (501, vec![], "[]".into()),
    ];
    let shown: Vec<_> = cases
        .iter()
        .map(|(status, headers, body)| {
            format!("{status} {}", shown(&error(*status, headers, body)))
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn a_long_page_is_cut() {
    let words = words_of("x ".repeat(1000).as_bytes()).unwrap();
    assert_eq!(words.len(), 200);
    assert_eq!(words_of(b"<html><body>no title</body></html>"), None);
    assert_eq!(words_of(b"  "), None);
    assert_eq!(
        words_of("<title>İ</title>".as_bytes()).as_deref(),
        Some("İ")
    );
}

#[test]
fn a_retired_api_says_so() {
    let retired = Description {
        environment: defender_core::DataEnvironment::Mde,
        ..DESCRIPTION
    };
    let refusal = Refusal {
        status: StatusCode::GONE,
        headers: &HeaderMap::new(),
        body: b"",
        gate: &Redaction::default(),
        now: SystemTime::UNIX_EPOCH,
        rewritten: false,
    };
    let error = refusal.into_error(&retired);
    assert_eq!(error.kind(), ErrorKind::Service);
    assert!(!error.is_transient());
    assert!(error.hint().unwrap().contains("1 February 2027"));
}
