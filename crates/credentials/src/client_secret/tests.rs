//! Tests of the client secret flow: the exact request, the answer in all its forms.

use std::time::{Duration, SystemTime};

use defender_core::{Error, ErrorKind, ManualClock, Scope, TokenId};
use defender_http::{Answer, RecordedRequest, ScriptedTransport};
use url::Url;
use uuid::Uuid;

use super::*;

const SECRET: &str = "can~ary/8Q+&=%é";

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_hours(500_000)
}

fn credential(transport: &ScriptedTransport) -> ClientSecret {
    let base = Url::parse("https://login.microsoftonline.com").unwrap();
    ClientSecret::new(
        Authority::new(base, "contoso.example").unwrap(),
        "11111111-2222-3333-4444-555555555555",
        SECRET.into(),
        Arc::new(transport.clone()),
        Arc::new(ManualClock::new(now())),
    )
}

fn request() -> TokenRequest {
    TokenRequest::new(Scope::default_of("https://graph.microsoft.com"))
}

async fn answered(answer: Answer) -> Result<AccessToken> {
    let transport = ScriptedTransport::new([answer]);
    let token = credential(&transport).token(&request()).await;
    transport.assert_finished();
    token
}

/// A request as text, its random id checked and replaced.
fn shown(request: &RecordedRequest) -> String {
    let id = request.header("client-request-id");
    let parsed = Uuid::parse_str(id).unwrap();
    assert_eq!(parsed.get_version_num(), 4);
    let mut lines = vec![format!("{} {}", request.method, request.url)];
    for (name, value) in &request.headers {
        let value = value.to_str().unwrap().replace(id, "[uuid]");
        lines.push(format!("{name}: {value}"));
    }
    lines.push(String::new());
    lines.push(request.text().replace('&', "\n&"));
    lines.join("\n")
}

const TOKEN: &str =
    r#"{"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":"abc"}"#;

#[tokio::test]
async fn the_request_is_a_form_with_every_character_encoded() {
    let transport = ScriptedTransport::new([Answer::json(200, TOKEN)]);
    credential(&transport).token(&request()).await.unwrap();
    let sent = &transport.requests()[0];
    assert_eq!(sent.form()[3], ("client_secret".into(), SECRET.into()));
    insta::assert_snapshot!(shown(sent));
}

#[tokio::test]
async fn tenant_and_challenge_of_the_request_are_passed_on() {
    let transport = ScriptedTransport::new([Answer::json(200, TOKEN)]);
    let request = TokenRequest {
        tenant: Some("customer.example".into()),
        claims: Some(r#"{"access_token":{"nbf":{"essential":true}}}"#.into()),
        ..request()
    };
    credential(&transport).token(&request).await.unwrap();
    let sent = &transport.requests()[0];
    assert_eq!(sent.url.path(), "/customer.example/oauth2/v2.0/token");
    assert_eq!(sent.form()[4], ("claims".into(), request.claims.unwrap()));
}

#[tokio::test]
async fn every_request_has_an_id_of_its_own() {
    let transport = ScriptedTransport::new([Answer::json(200, TOKEN), Answer::json(200, TOKEN)]);
    let credential = credential(&transport);
    credential.token(&request()).await.unwrap();
    credential.token(&request()).await.unwrap();
    let ids: Vec<_> = transport
        .requests()
        .iter()
        .map(|sent| sent.header("client-request-id").to_owned())
        .collect();
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn the_end_of_a_token_is_read_as_number_or_text() {
    for (fields, seconds) in [
        (r#""expires_in":3599"#, 3599),
        (r#""expires_in":"86399""#, 86_399),
        (r#""expires_in":"3599","expires_on":"1""#, 3599),
        (r#""expires_on":"1800000060""#, 60),
        (r#""expires_on":1800000060"#, 60),
        (r#""expires_in":"","expires_on":1800000060"#, 60),
        (r#""expires_in":3599.9"#, 3599),
    ] {
        let body = format!(r#"{{"access_token":"abc",{fields},"token_type":"bearer"}}"#);
        let token = answered(Answer::json(200, body)).await.unwrap();
        assert_eq!(
            token.expires_at,
            now() + Duration::from_secs(seconds),
            "{fields}"
        );
        assert_eq!(token.id, TokenId::of("abc"));
    }
}

#[tokio::test]
async fn a_refusal_with_the_status_of_success_is_a_refusal() {
    let body = r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided."}"#;
    let error = answered(Answer::json(200, body)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credential);
    assert_eq!(error.code(), Some("AADSTS7000215"));
    assert!(error.to_string().contains("Invalid client secret provided"));
}

#[tokio::test]
async fn an_answer_that_is_no_token_is_a_protocol_error_without_its_text() {
    for (body, message) in [
        ("", "the authority's answer holds no token"),
        (
            "<html>canary</html>",
            "the authority's answer holds no token",
        ),
        (r#"["canary"]"#, "the authority's answer holds no token"),
        (
            r#"{"access_token":"","expires_in":1}"#,
            "the authority's answer holds no token",
        ),
        (
            r#"{"access_token":{"x":"canary"},"expires_in":1}"#,
            "the authority's answer holds no token",
        ),
        (
            r#"{"access_token":"canary"}"#,
            "the authority's answer does not say when the token ends",
        ),
        (
            r#"{"access_token":"canary","expires_in":-1}"#,
            "the authority's answer does not say when the token ends",
        ),
        (
            r#"{"access_token":"canary","expires_in":1e300}"#,
            "the authority's answer does not say when the token ends",
        ),
        (
            r#"{"access_token":"canary","expires_in":1,"token_type":"pop"}"#,
            "the authority's answer holds a token that is not a bearer token",
        ),
    ] {
        let error = answered(Answer::json(200, body)).await.unwrap_err();
        assert_eq!(error.to_string(), message, "{body}");
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert_eq!(
            error.url(),
            Some("https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token")
        );
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
}

#[tokio::test]
async fn a_refusal_is_read_even_when_it_breaks_off() {
    let reset = Error::new(ErrorKind::Transport, "reset").transient();
    let answer = Answer::new(503)
        .header("retry-after", "5")
        .body("<html>")
        .then(reset);
    let error = answered(answer).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Service);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(5)));
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_token_that_breaks_off_is_a_transport_error() {
    let reset = Error::new(ErrorKind::Transport, "reset").transient();
    let answer = Answer::new(200).body(r#"{"access_to"#).then(reset);
    let error = answered(answer).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_transient()),
        (ErrorKind::Transport, true)
    );
}

#[tokio::test]
async fn nothing_that_is_printed_holds_the_secret() {
    let transport = ScriptedTransport::new([
        Answer::json(
            400,
            format!(r#"{{"error":"invalid_client","error_description":"AADSTS90014: {SECRET}"}}"#),
        ),
        Answer::json(200, r#"{"access_token":"canary","expires_in":60}"#),
    ]);
    let credential = credential(&transport);
    let error = credential.token(&request()).await.unwrap_err();
    let token = credential.token(&request()).await.unwrap();
    let printed = format!(
        "{credential:?} {error:?} {error} {token:?} {:?}",
        transport.requests()
    );
    for form in ["can~ary", "can%7Eary", "canary"] {
        assert!(!printed.contains(form), "{printed}");
    }
    assert!(printed.contains("11111111-2222-3333-4444-555555555555"));
}
