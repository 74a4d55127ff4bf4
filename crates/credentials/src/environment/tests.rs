//! Tests of the environment: which variables sign in how, and what is said when they do not.

use std::time::{Duration, SystemTime};

use defender_core::{ManualClock, Scope};
use defender_http::{Answer, RecordedRequest, ScriptedTransport};

use super::*;

const TOKEN: &str = r#"{"token_type":"Bearer","expires_in":3599,"access_token":"abc"}"#;

async fn asked(variables: &[(&str, &str)]) -> (Result<AccessToken>, Vec<RecordedRequest>) {
    let transport = ScriptedTransport::answering(|_| Answer::json(200, TOKEN));
    let lookup = |name: &str| {
        let found = variables.iter().find(|(variable, _)| *variable == name)?;
        Some(found.1.to_owned())
    };
    let clock = ManualClock::new(SystemTime::UNIX_EPOCH + Duration::from_hours(500_000));
    let credential = EnvironmentCredential::new(
        lookup,
        Url::parse("https://login.microsoftonline.com").unwrap(),
        Arc::new(transport.clone()),
        Arc::new(clock),
    );
    let request = TokenRequest::new(Scope::default_of("https://graph.microsoft.com"));
    let outcome = credential.token(&request).await;
    assert!(!format!("{credential:?} {outcome:?}").contains("canary"));
    (outcome, transport.requests())
}

fn field(request: &RecordedRequest, name: &str) -> Option<String> {
    let mut form = request.form().into_iter();
    form.find(|(field, _)| field == name)
        .map(|(_, value)| value)
}

#[tokio::test]
async fn a_secret_comes_first() {
    let (outcome, sent) = asked(&[
        (TENANT, "tenant"),
        (CLIENT, "client"),
        (SECRET, "canary-secret"),
        (CERTIFICATE, "/nowhere"),
        (USERNAME, "ana"),
        (PASSWORD, "canary"),
    ])
    .await;
    outcome.unwrap();
    assert_eq!(
        sent[0].url.as_str(),
        "https://login.microsoftonline.com/tenant/oauth2/v2.0/token"
    );
    assert_eq!(field(&sent[0], "client_secret").unwrap(), "canary-secret");
}

#[tokio::test]
async fn another_host_is_asked_with_or_without_its_scheme() {
    for host in [
        "https://login.microsoftonline.us/",
        "login.microsoftonline.us",
    ] {
        let (outcome, sent) = asked(&[
            (TENANT, "tenant"),
            (CLIENT, "client"),
            (SECRET, "s"),
            (AUTHORITY_HOST, host),
        ])
        .await;
        outcome.unwrap();
        assert_eq!(sent[0].url.host_str(), Some("login.microsoftonline.us"));
    }
    let host = (AUTHORITY_HOST, "http://login.example");
    let (outcome, _) = asked(&[(TENANT, "t"), (CLIENT, "c"), (SECRET, "canary"), host]).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Config);
}

#[tokio::test]
async fn a_workload_brings_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "aa.bb.cc").unwrap();
    let path = path.to_str().unwrap();
    let (outcome, sent) = asked(&[(TENANT, "t"), (CLIENT, "c"), (FEDERATED_TOKEN, path)]).await;
    outcome.unwrap();
    assert_eq!(field(&sent[0], "client_assertion").unwrap(), "aa.bb.cc");
}

#[tokio::test]
async fn a_certificate_is_read_and_its_chain_sent() {
    use base64::Engine;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.pfx");
    let pfx = crate::certificate::factory::pfx(None, &[], crate::certificate::factory::own());
    std::fs::write(&path, pfx).unwrap();
    let path = path.to_str().unwrap();
    let common = [(TENANT, "t"), (CLIENT, "c"), (CERTIFICATE, path)];
    let password = (CERTIFICATE_PASSWORD, crate::certificate::factory::PASSWORD);
    for (chain, sends) in [("true", true), ("1", true), ("false", false), ("", false)] {
        let variables = [&common[..], &[password, (SEND_CHAIN, chain)]].concat();
        let (outcome, sent) = asked(&variables).await;
        outcome.unwrap();
        let assertion = field(&sent[0], "client_assertion").unwrap();
        let header = assertion.split('.').next().unwrap();
        let header = base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(header)
            .unwrap();
        let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
        assert_eq!(header.get("x5c").is_some(), sends, "{chain}");
    }
    let (outcome, sent) = asked(&common).await;
    let error = outcome.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("the PFX '{path}' ({CERTIFICATE}) is encrypted and there is no password")
    );
    assert_eq!(
        error.hint(),
        Some("give the password with AZURE_CLIENT_CERTIFICATE_PASSWORD")
    );
    assert!(sent.is_empty() && !error.is_not_configured());
}

#[tokio::test]
async fn what_lacks_is_named() {
    for (variables, message) in [
        (
            &[][..],
            "the environment lacks AZURE_TENANT_ID and AZURE_CLIENT_ID and one of AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH, AZURE_FEDERATED_TOKEN_FILE",
        ),
        (
            &[(TENANT, "t"), (CLIENT, "c"), (SECRET, "  ")],
            "the environment lacks one of AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH, AZURE_FEDERATED_TOKEN_FILE (AZURE_TENANT_ID, AZURE_CLIENT_ID are set)",
        ),
        (
            &[(SECRET, "canary"), (CLIENT, "c")],
            "the environment lacks AZURE_TENANT_ID (AZURE_CLIENT_ID, AZURE_CLIENT_SECRET are set)",
        ),
        (
            &[(USERNAME, "canary"), (CLIENT, "c"), (TENANT, "t")],
            "the environment lacks one of AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH, AZURE_FEDERATED_TOKEN_FILE (AZURE_TENANT_ID, AZURE_CLIENT_ID are set)",
        ),
    ] {
        let (outcome, sent) = asked(variables).await;
        let error = outcome.unwrap_err();
        assert_eq!(error.to_string(), message);
        assert!(error.is_not_configured() && sent.is_empty());
    }
}

#[tokio::test]
async fn a_users_password_is_never_sent() {
    let user = [(USERNAME, "ana"), (PASSWORD, "canary")];
    let variables = [&user[..], &[(TENANT, "t"), (CLIENT, "c")]].concat();
    let (outcome, sent) = asked(&variables).await;
    let error = outcome.unwrap_err();
    assert_eq!(
        error.to_string(),
        "AZURE_USERNAME and AZURE_PASSWORD ask to sign in with a user's password, which is not done"
    );
    assert!(sent.is_empty() && !error.is_not_configured());
}
