//! Tests of the assertion that somebody else signed.

use defender_core::{ManualClock, Scope};
use defender_http::{Answer, ScriptedTransport};
use std::time::SystemTime;
use url::Url;

use super::*;

const TOKEN: &str = r#"{"token_type":"Bearer","expires_in":3599,"access_token":"abc"}"#;

fn credential(source: Arc<dyn AssertionSource>, transport: &ScriptedTransport) -> ClientAssertion {
    let base = Url::parse("https://login.microsoftonline.com").unwrap();
    ClientAssertion::new(
        Authority::new(base, "contoso.example").unwrap(),
        "client",
        source,
        Arc::new(transport.clone()),
        Arc::new(ManualClock::new(SystemTime::UNIX_EPOCH)),
    )
}

fn request() -> TokenRequest {
    TokenRequest::new(Scope::default_of("https://graph.microsoft.com"))
}

#[tokio::test]
async fn the_file_is_read_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let transport = ScriptedTransport::new([Answer::json(200, TOKEN), Answer::json(200, TOKEN)]);
    let source = Arc::new(AssertionFile::new(&path, "AZURE_FEDERATED_TOKEN_FILE"));
    let credential = credential(source, &transport);
    for text in ["aa.bb.c-_", "dd.ee.ff\n"] {
        std::fs::write(&path, text).unwrap();
        credential.token(&request()).await.unwrap();
    }
    let sent = transport.requests().into_iter().map(|sent| sent.form());
    let sent: Vec<_> = sent.collect();
    assert_eq!(
        sent[0],
        [
            ("client_id", "client"),
            ("scope", "https://graph.microsoft.com/.default"),
            ("grant_type", "client_credentials"),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            ),
            ("client_assertion", "aa.bb.c-_"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    assert_eq!(sent[1][4].1, "dd.ee.ff");
    std::fs::remove_file(&path).unwrap();
    let error = credential.token(&request()).await.unwrap_err();
    // Its name does not end as a file's does: it might be a token that was put there.
    let place = "the file that AZURE_FEDERATED_TOKEN_FILE names";
    assert_eq!(
        (error.kind(), error.to_string()),
        (
            ErrorKind::Io,
            format!("the assertion in {place} cannot be read")
        )
    );
}

#[tokio::test]
async fn what_is_no_token_is_not_sent() {
    for (text, what) in [
        ("", "is empty"),
        (" \n", "is empty"),
        ("canary-secret", "is not a JSON web token"),
        ("canary.b", "is not a JSON web token"),
        ("canary.b.", "is not a JSON web token"),
        ("canary.b.c.d", "is not a JSON web token"),
        ("canary .b.c", "is not a JSON web token"),
    ] {
        let source = Arc::new(AssertionText::new(text.into(), "client_assertion"));
        let credential = credential(source, &ScriptedTransport::new([]));
        let error = credential.token(&request()).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the assertion in client_assertion {what}")
        );
        assert!(!format!("{credential:?} {error:?}").contains("canary"));
    }
}

#[tokio::test]
async fn an_authority_that_repeats_the_assertion_is_not_quoted() {
    let body = r#"{"error":"invalid_client","error_description":"AADSTS700211: canary.bbbb.cccc"}"#;
    let transport = ScriptedTransport::new([Answer::json(401, body)]);
    let source = Arc::new(AssertionText::new("canary.bbbb.cccc".into(), "x"));
    let error = credential(source, &transport)
        .token(&request())
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "sign-in refused: AADSTS700211: REDACTED");
    assert_eq!(error.code(), Some("AADSTS700211"));
}
