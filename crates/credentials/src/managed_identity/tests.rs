//! Tests of managed identities: each place's request, its refusals, and where nobody is.

use std::path::Path;
use std::time::SystemTime;

use defender_core::{ExposeSecret, ManualClock, Scope};
use defender_http::{Answer, RecordedRequest, ScriptedTransport};

use super::*;
use crate::claims::token_with;

const START: u64 = 1_800_000_000;
const TOKEN: &str = r#"{"access_token":"canary","client_id":"c","expires_in":"3599","expires_on":"1","resource":"r","token_type":"Bearer"}"#;
const APP: [(&str, &str); 2] = [
    ("IDENTITY_ENDPOINT", "http://127.0.0.1:41/msi/token"),
    ("IDENTITY_HEADER", "canary-header"),
];

fn identity(
    variables: &[(&str, &str)],
    options: ManagedIdentityOptions,
    transport: &ScriptedTransport,
) -> ManagedIdentity {
    let lookup = |name: &str| {
        let found = variables.iter().find(|(variable, _)| *variable == name)?;
        Some(found.1.to_owned())
    };
    let clock = ManualClock::new(SystemTime::UNIX_EPOCH + Duration::from_secs(START));
    ManagedIdentity::new(
        lookup,
        options,
        Arc::new(transport.clone()),
        Arc::new(clock),
    )
}

fn named(identity: IdentityId) -> ManagedIdentityOptions {
    ManagedIdentityOptions {
        identity,
        ..ManagedIdentityOptions::default()
    }
}

fn request() -> TokenRequest {
    TokenRequest::new(Scope::default_of("https://graph.microsoft.com"))
}

/// The metadata service's own words to one who does not say `Metadata: true`.
fn probed() -> Answer {
    Answer::json(
        400,
        r#"{"error":"invalid_request","error_description":"Required metadata header not specified"}"#,
    )
}

fn shown(request: &RecordedRequest) -> String {
    let query = request.url.query_pairs().skip(1);
    let query: Vec<String> = query
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let address = request.url.as_str().split('&').next().unwrap();
    format!("{} {address} {}", request.method, query.join(" "))
}

async fn outcome(variables: &[(&str, &str)], answers: Vec<Answer>) -> Result<AccessToken> {
    let transport = ScriptedTransport::new(answers);
    let identity = identity(variables, ManagedIdentityOptions::default(), &transport);
    let outcome = identity.token(&request()).await;
    transport.assert_finished();
    assert!(
        !format!("{identity:?} {outcome:?}").contains("canary"),
        "{outcome:?}"
    );
    outcome
}

#[tokio::test]
async fn a_machine_is_probed_once_and_then_asked() {
    let answers = [probed(), Answer::json(200, TOKEN), Answer::json(200, TOKEN)];
    let transport = ScriptedTransport::new(answers);
    let machine = identity(&[], ManagedIdentityOptions::default(), &transport);
    let token = machine.token(&request()).await.unwrap();
    assert_eq!(token.secret.expose_secret(), "canary");
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(START + 3599);
    assert_eq!(token.expires_at, end);
    machine.token(&request()).await.unwrap();
    transport.assert_finished();
    let sent = transport.requests();
    let address =
        "GET http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01";
    assert_eq!(shown(&sent[0]), format!("{address} "));
    assert!(sent[0].headers.is_empty());
    for request in &sent[1..] {
        assert_eq!(
            shown(request),
            format!("{address} resource=https://graph.microsoft.com")
        );
        assert_eq!(request.header("metadata"), "true");
        assert_eq!(request.headers.len(), 1);
    }
}

#[tokio::test]
async fn an_identity_is_named_in_three_ways() {
    for (id, on_machine, in_app) in [
        (IdentityId::Client("x".into()), "client_id=x", "client_id=x"),
        (IdentityId::Object("x".into()), "object_id=x", "object_id=x"),
        (
            IdentityId::Resource("/a/b".into()),
            "msi_res_id=/a/b",
            "mi_res_id=/a/b",
        ),
    ] {
        let pod = [(
            "AZURE_POD_IDENTITY_AUTHORITY_HOST",
            "http://127.0.0.1:8080/",
        )];
        let transport = ScriptedTransport::new([probed(), Answer::json(200, TOKEN)]);
        identity(&pod, named(id.clone()), &transport)
            .token(&request())
            .await
            .unwrap();
        let sent = shown(&transport.requests()[1]);
        assert!(
            sent.starts_with("GET http://127.0.0.1:8080/metadata/identity/oauth2/token?"),
            "{sent}"
        );
        assert!(sent.ends_with(on_machine), "{sent}");
        let transport = ScriptedTransport::new([Answer::json(200, TOKEN)]);
        identity(&APP, named(id), &transport)
            .token(&request())
            .await
            .unwrap();
        let sent = shown(&transport.requests()[0]);
        assert!(sent.ends_with(in_app), "{sent}");
    }
}

#[tokio::test]
async fn an_application_shows_its_header() {
    let body = r#"{"access_token":"canary","expires_on":"1800000060","resource":"r","token_type":"Bearer"}"#;
    let transport = ScriptedTransport::new([Answer::json(200, body)]);
    let app = identity(&APP, ManagedIdentityOptions::default(), &transport);
    let token = app.token(&request()).await.unwrap();
    assert_eq!(
        token.expires_at,
        SystemTime::UNIX_EPOCH + Duration::from_secs(START + 60)
    );
    let sent = &transport.requests()[0];
    assert_eq!(
        shown(sent),
        "GET http://127.0.0.1:41/msi/token?api-version=2019-08-01 resource=https://graph.microsoft.com"
    );
    assert_eq!(sent.header("x-identity-header"), "canary-header");
    assert!(sent.headers["x-identity-header"].is_sensitive());
    assert!(!format!("{app:?}").contains("canary"));
}

/// A server that asks for the key in `path`, and what comes of it.
async fn arc(folder: &Path, path: &Path) -> (Result<AccessToken>, Vec<RecordedRequest>) {
    let variables = [
        (
            "IDENTITY_ENDPOINT",
            "http://localhost:40342/metadata/identity/oauth2/token",
        ),
        ("IMDS_ENDPOINT", "http://localhost:40342"),
    ];
    let realm = format!("Basic realm={}", path.display());
    let transport = ScriptedTransport::answering(move |request| {
        if request.headers.contains_key("authorization") {
            Answer::json(200, TOKEN)
        } else {
            Answer::new(401).header("www-authenticate", &realm)
        }
    });
    let options = ManagedIdentityOptions {
        arc_folder: Some(folder.to_owned()),
        ..ManagedIdentityOptions::default()
    };
    let server = identity(&variables, options, &transport);
    let outcome = server.token(&request()).await;
    assert!(!format!("{outcome:?}").contains("canary"));
    (outcome, transport.requests())
}

#[tokio::test]
async fn a_server_proves_that_it_can_read_the_agents_file() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("1.key");
    std::fs::write(&key, "canary-key\n").unwrap();
    let (outcome, sent) = arc(folder.path(), &key).await;
    outcome.unwrap();
    assert_eq!(sent.len(), 2);
    assert!(shown(&sent[1]).contains("api-version=2020-06-01"));
    assert_eq!(sent[1].header("authorization"), "Basic canary-key");
    assert!(sent[1].headers["authorization"].is_sensitive());
}

#[tokio::test]
async fn no_other_file_is_sent_to_whoever_asks() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("tokens");
    std::fs::create_dir_all(inside.join("deeper")).unwrap();
    let write = |name: &str, text: &str| {
        let path = inside.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let outside = folder.path().join("2.key");
    std::fs::write(&outside, "canary").unwrap();
    let mut cases = vec![
        outside.clone(),
        inside.join("../2.key"),
        inside.join("none.key"),
        write("1.txt", "canary"),
        write("deeper/1.key", "canary"),
        write("large.key", &"canary".repeat(700)),
        write("lines.key", "canary\ncanary"),
    ];
    #[cfg(unix)]
    {
        let link = inside.join("link.key");
        std::os::unix::fs::symlink(&outside, &link).unwrap();
        cases.push(link);
    }
    for path in cases {
        let (outcome, sent) = arc(&inside, &path).await;
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credential, "{}", path.display());
        assert_eq!(sent.len(), 1, "{}", path.display());
    }
}

#[expect(clippy::too_many_lines, reason = "a table")]
#[tokio::test]
async fn refusals_say_what_they_mean() {
    let missing = r#"{"error":"invalid_request","error_description":"Identity not found"}"#;
    let text = r#"{"error":"unknown","error_description":"canary? No: words.\r\nTrace: 1"}"#
        .replace("canary", "why");
    let page = || {
        Answer::new(502)
            .header("content-type", "text/html")
            .body("<html>")
    };
    let here = |answer| vec![probed(), answer];
    for (answers, kind, absent, transient, message) in [
        (
            here(Answer::json(400, missing)),
            ErrorKind::Config,
            true,
            false,
            "this machine has no managed identity of its own",
        ),
        (
            here(Answer::json(400, text)),
            ErrorKind::Credential,
            false,
            false,
            "the managed identity got no token (400): why? No: words",
        ),
        (
            here(Answer::new(401)),
            ErrorKind::Credential,
            false,
            false,
            "the managed identity got no token (401)",
        ),
        (
            here(Answer::new(404)),
            ErrorKind::Service,
            false,
            true,
            "the managed identity cannot be served now (404)",
        ),
        (
            here(Answer::new(410)),
            ErrorKind::Service,
            false,
            true,
            "the managed identity cannot be served now (410)",
        ),
        (
            here(Answer::new(429).header("retry-after", "7")),
            ErrorKind::Throttled,
            false,
            true,
            "the managed identity is asked too often (429)",
        ),
        (
            here(Answer::new(500)),
            ErrorKind::Service,
            false,
            true,
            "the managed identity cannot be served now (500)",
        ),
        (
            here(Answer::json(200, "canary")),
            ErrorKind::Protocol,
            false,
            false,
            "the managed identity's answer holds no token",
        ),
        (
            here(Answer::json(200, r#"{"access_token":"canary"}"#)),
            ErrorKind::Protocol,
            false,
            false,
            "the managed identity's answer does not say when the token ends",
        ),
        (
            vec![page()],
            ErrorKind::Config,
            true,
            false,
            "there is no managed identity here: something else answered 502",
        ),
        (
            vec![Answer::new(403)],
            ErrorKind::Config,
            true,
            false,
            "there is no managed identity here: something else answered 403",
        ),
    ] {
        let error = outcome(&[], answers).await.unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!(
            (
                error.kind(),
                error.is_not_configured(),
                error.is_transient()
            ),
            (kind, absent, transient),
            "{message}"
        );
        let wait = match error.status() {
            Some(429) => Some(Duration::from_secs(7)),
            Some(410) => Some(Duration::from_secs(25)),
            _ => None,
        };
        assert_eq!(error.retry_after(), wait, "{message}");
    }
    let transport = ScriptedTransport::new([probed(), Answer::json(400, missing)]);
    let other = identity(&[], named(IdentityId::Client("x".into())), &transport);
    let error = other.token(&request()).await.unwrap_err();
    assert!(
        !error.is_not_configured(),
        "an identity that was named is wanted: {error}"
    );
}

#[tokio::test]
async fn elsewhere_than_in_azure_nobody_answers() {
    let never = Arc::new(tokio::sync::Notify::new());
    let answer = Answer::json(200, TOKEN).held_by(never);
    let transport = ScriptedTransport::new([answer]);
    let options = ManagedIdentityOptions {
        probe: Duration::from_millis(1),
        ..ManagedIdentityOptions::default()
    };
    let machine = identity(&[], options, &transport);
    let error = machine.token(&request()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no managed identity here: nobody answered"
    );
    assert!(error.is_not_configured());
    let debug = format!("{machine:?}");
    assert!(debug.contains("169.254.169.254"), "{debug}");
}

#[tokio::test]
async fn an_environment_that_makes_no_sense_is_an_error() {
    for (variables, message) in [
        (
            &[("IDENTITY_ENDPOINT", "http://127.0.0.1/x")][..],
            "IDENTITY_ENDPOINT is set without IDENTITY_HEADER or IMDS_ENDPOINT",
        ),
        (
            &[("IDENTITY_ENDPOINT", "http://host.example/x"), APP[1]],
            "IDENTITY_ENDPOINT is neither an https address nor one of this machine",
        ),
        (
            &[("IDENTITY_ENDPOINT", "127.0.0.1"), APP[1]],
            "IDENTITY_ENDPOINT is not an address",
        ),
        (
            &[("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://8.8.8.8")],
            "AZURE_POD_IDENTITY_AUTHORITY_HOST is neither an https address nor one of this machine",
        ),
        (
            &[APP[0], APP[1], ("IDENTITY_SERVER_THUMBPRINT", "x")],
            "managed identities of Service Fabric are not supported",
        ),
        (
            &[APP[0], ("IDENTITY_HEADER", "canary\n\u{1}")],
            "IDENTITY_HEADER cannot be sent as a header",
        ),
    ] {
        let error = outcome(variables, Vec::new()).await.unwrap_err();
        assert_eq!(
            (error.to_string().as_str(), error.kind()),
            (message, ErrorKind::Config)
        );
        assert!(!error.is_not_configured());
    }
}

#[tokio::test]
async fn another_tenant_is_not_answered_with_the_own() {
    let own = "11111111-1111-1111-1111-111111111111";
    let other = "22222222-2222-2222-2222-222222222222";
    let token = token_with(&format!(r#"{{"tid":"{own}"}}"#));
    let body = format!(r#"{{"access_token":"{token}","expires_in":60}}"#);
    let transport = ScriptedTransport::answering(move |_| Answer::json(200, body.clone()));
    let app = identity(&APP, ManagedIdentityOptions::default(), &transport);
    let within = |tenant: &str| TokenRequest {
        tenant: Some(tenant.into()),
        ..request()
    };
    app.token(&within(own)).await.unwrap();
    let error = app.token(&within(other)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("the managed identity is of tenant {own} and cannot sign in to {other}")
    );
    let scope = TokenRequest::new(Scope::new("User.Read"));
    let error = app.token(&scope).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "a managed identity cannot ask for 'User.Read'"
    );
}
