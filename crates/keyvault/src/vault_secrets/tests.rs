//! Exchanges with a scripted vault.

use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use defender_core::{Clock, ManualClock, Scope, WrittenName};
use defender_http::{Answer, Jitter, RetryPolicy, ScriptedTransport};
use futures::future::join_all;
use tokio::sync::Notify;

use super::*;

const SETTING: &str = "DataProviders.MicrosoftDefender.Args.ClientSecret";
const GOOD: &str = r#"{"value":"canary-value","id":"https://contoso.vault.azure.net/secrets/n/0a","attributes":{"enabled":true}}"#;

/// Hands out `canary-token-1`, `canary-token-2`, … and remembers what for.
#[derive(Debug, Default)]
struct Tokens {
    asked: Mutex<Vec<TokenRequest>>,
    refuse: bool,
}

#[async_trait]
impl Credential for Tokens {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let mut asked = self.asked.lock().unwrap();
        asked.push(request.clone());
        if self.refuse {
            return Err(Error::new(ErrorKind::Credential, "sign-in refused"));
        }
        let token = format!("canary-token-{}", asked.len());
        Ok(AccessToken::new(token, SystemTime::UNIX_EPOCH))
    }
}

/// Resolves what is written out.
#[derive(Debug)]
struct Written;

#[async_trait]
impl SecretResolver for Written {
    async fn resolve(&self, reference: &SecretRef) -> Result<SecretString> {
        match reference {
            SecretRef::Inline(secret) => Ok(secret.clone()),
            SecretRef::Env { variable, .. } => Ok(format!("value of {variable}").into()),
            _ => panic!("a vault's secret was handed on"),
        }
    }
}

struct Bench {
    tokens: Arc<Tokens>,
    transport: ScriptedTransport,
    clock: Arc<ManualClock>,
    secrets: VaultSecrets,
}

fn bench(transport: ScriptedTransport) -> Bench {
    bench_with(transport, Tokens::default())
}

fn bench_with(transport: ScriptedTransport, tokens: Tokens) -> Bench {
    let tokens = Arc::new(tokens);
    let now = SystemTime::UNIX_EPOCH + Duration::from_hours(500_000);
    let clock = Arc::new(ManualClock::new(now));
    let retry = Retry {
        jitter: Jitter::Fixed(1.0),
        ..Retry::new(RetryPolicy::default(), Arc::clone(&clock) as Arc<dyn Clock>)
    };
    let vaults = Vaults {
        default_vault: Some("contoso".into()),
        suffix: "vault.azure.net".into(),
        scope: Scope::default_of("https://vault.azure.net"),
    };
    let secrets = VaultSecrets::new(
        vaults,
        Arc::clone(&tokens) as Arc<dyn Credential>,
        Arc::new(transport.clone()),
        retry,
        Arc::new(Written),
    );
    Bench {
        tokens,
        transport,
        clock,
        secrets,
    }
}

fn reference(vault: Option<&str>, name: &str) -> SecretRef {
    SecretRef::Vault {
        vault: vault.map(WrittenName::of_words),
        name: WrittenName::of_words(name),
        version: None,
        setting: SETTING.to_owned(),
    }
}

impl Bench {
    async fn get(&self) -> Result<String> {
        self.get_from(None).await
    }

    async fn get_from(&self, vault: Option<&str>) -> Result<String> {
        let secret = self.secrets.resolve(&reference(vault, "n")).await?;
        Ok(secret.expose_secret().to_owned())
    }

    /// What went out: address and token, one line each.
    fn sent(&self) -> Vec<String> {
        self.transport
            .requests()
            .iter()
            .map(|request| format!("{} {}", request.url, request.header("authorization")))
            .collect()
    }

    /// The scopes, and what was said besides.
    fn asked(&self) -> Vec<String> {
        let asked = self.tokens.asked.lock().unwrap();
        asked
            .iter()
            .map(|request| {
                let mut line = request.scope.to_string();
                if let Some(claims) = &request.claims {
                    line.push_str(claims);
                }
                if request.refused.is_some() {
                    line.push_str(" again");
                }
                line
            })
            .collect()
    }
}

fn unauthorized(challenge: &str) -> Answer {
    Answer::json(
        401,
        r#"{"error":{"code":"Unauthorized","message":"AKV10000: Request is missing a Bearer or PoP token."}}"#,
    )
    .header("www-authenticate", challenge)
}

const CHALLENGE: &str = "Bearer authorization=\"https://login.microsoftonline.com/t\", \
                         resource=\"https://vault.azure.net\"";

/// Everything that an error says.
async fn refused(answers: impl IntoIterator<Item = Answer>) -> String {
    let bench = bench(ScriptedTransport::new(answers));
    let error = bench.get().await.unwrap_err();
    bench.transport.assert_finished();
    told(&error)
}

fn told(error: &Error) -> String {
    assert!(!format!("{error:?}{error}").contains("canary"), "{error:?}");
    format!(
        "{:?} {}: {error}\nhint: {}",
        error.kind(),
        error.code().unwrap_or("-"),
        error.hint().unwrap_or("-")
    )
}

#[tokio::test]
async fn below_the_suffix_one_request_is_enough_and_the_secret_is_kept() {
    let bench = bench(ScriptedTransport::new([Answer::json(200, GOOD)]));
    assert_eq!(bench.get().await.unwrap(), "canary-value");
    assert_eq!(
        bench.get_from(Some("CONTOSO")).await.unwrap(),
        "canary-value"
    );
    assert_eq!(
        bench.sent(),
        ["https://contoso.vault.azure.net/secrets/n?api-version=7.4 Bearer canary-token-1"]
    );
    assert_eq!(bench.asked(), ["https://vault.azure.net/.default"]);
    assert_eq!(
        bench.transport.requests()[0]
            .header("x-ms-client-request-id")
            .len(),
        36
    );
}

#[tokio::test]
async fn what_is_in_no_vault_goes_to_the_other_resolver() {
    let bench = bench(ScriptedTransport::new([]));
    let inline = SecretRef::Inline("canary".to_owned().into());
    let variable = SecretRef::Env {
        variable: WrittenName::of_variable("NAME"),
        setting: SETTING.to_owned(),
    };
    let resolve = async |reference| {
        let secret = bench.secrets.resolve(reference).await.unwrap();
        secret.expose_secret().to_owned()
    };
    assert_eq!(resolve(&inline).await, "canary");
    assert_eq!(resolve(&variable).await, "value of NAME");
    assert!(bench.asked().is_empty());
}

#[tokio::test]
async fn another_host_is_asked_without_a_token_first() {
    let bench = bench(ScriptedTransport::new([
        unauthorized(
            "Bearer authorization=\"https://login.example/t\", resource=\"https://vault.example\"",
        ),
        Answer::json(200, GOOD),
    ]));
    let vault = Some("https://contoso.vault.example");
    assert_eq!(bench.get_from(vault).await.unwrap(), "canary-value");
    assert_eq!(
        bench.sent(),
        [
            "https://contoso.vault.example/secrets/n?api-version=7.4 ",
            "https://contoso.vault.example/secrets/n?api-version=7.4 Bearer canary-token-1",
        ]
    );
    assert_eq!(bench.asked(), ["https://vault.example/.default"]);
}

#[tokio::test]
async fn no_token_is_even_asked_for_when_the_resource_is_not_the_hosts() {
    for resource in [
        "https://vault.azure.net",
        "https://graph.microsoft.com",
        "https://contoso.evil.example",
        "http://evil.example",
    ] {
        let challenge = format!("Bearer resource=\"{resource}\"");
        let bench = bench(ScriptedTransport::new([unauthorized(&challenge)]));
        let vault = Some("https://contoso.evil.example");
        let error = bench.get_from(vault).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("no token was sent"), "{error}");
        assert!(bench.asked().is_empty(), "{resource}");
        assert!(!bench.sent().concat().contains("Bearer"));
    }
}

#[tokio::test]
async fn a_host_below_the_suffix_gets_no_token_for_anything_else() {
    let bench = bench(ScriptedTransport::new([unauthorized(
        "Bearer resource=\"https://graph.microsoft.com\"",
    )]));
    assert!(bench.get().await.is_err());
    assert_eq!(bench.asked(), ["https://vault.azure.net/.default"]);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let bench = bench(ScriptedTransport::new([
        unauthorized(CHALLENGE),
        Answer::json(200, GOOD),
    ]));
    assert_eq!(bench.get().await.unwrap(), "canary-value");
    assert_eq!(
        bench.asked(),
        [
            "https://vault.azure.net/.default",
            "https://vault.azure.net/.default again"
        ]
    );
    let told = refused([unauthorized(CHALLENGE), unauthorized(CHALLENGE)]).await;
    insta::assert_snapshot!(told, @"
    Credential AKV10000: the secret n in the Key Vault contoso.vault.azure.net, named by DataProviders.MicrosoftDefender.Args.ClientSecret, was refused to this sign-in: AKV10000: Request is missing a Bearer or PoP token
    hint: check who signs in to Key Vault; the vault trusts https://login.microsoftonline.com/t
    ");
}

#[tokio::test]
async fn a_claims_challenge_is_answered() {
    let claims = STANDARD.encode(r#"{"access_token":{}}"#);
    let challenge =
        format!("Bearer realm=\"\", error=\"insufficient_claims\", claims=\"{claims}\"");
    let bench = bench(ScriptedTransport::new([
        unauthorized(&challenge),
        Answer::json(200, GOOD),
    ]));
    assert_eq!(bench.get().await.unwrap(), "canary-value");
    assert_eq!(
        bench.asked(),
        [
            "https://vault.azure.net/.default",
            "https://vault.azure.net/.default{\"access_token\":{}}"
        ]
    );
}

#[tokio::test]
async fn a_challenge_that_never_ends_is_given_up() {
    let transport = ScriptedTransport::answering(|request| {
        // Another resource each time, each of them the host's.
        let resource = match request.header("authorization") {
            "Bearer canary-token-1" => "https://azure.net",
            _ => "https://vault.azure.net",
        };
        unauthorized(&format!("Bearer resource=\"{resource}\""))
    });
    let bench = bench(transport);
    assert_eq!(bench.get().await.unwrap_err().kind(), ErrorKind::Credential);
    assert_eq!(bench.sent().len(), 3);
}

#[tokio::test]
async fn a_tenant_or_audience_that_is_wrong_is_not_tried_again() {
    let body = r#"{"error":{"code":"Unauthorized","message":"AKV10032: Invalid issuer. Expected one of https://sts.windows.net/t/, found https://sts.windows.net/u/."}}"#;
    let told = refused([Answer::json(401, body).header("www-authenticate", CHALLENGE)]).await;
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn every_refusal_has_its_own_hint() {
    let forbidden = |inner: &str, message: &str| {
        let body = serde_json::json!({
            "error": {"code": "Forbidden", "message": message, "innererror": {"code": inner}}
        });
        Answer::json(403, body.to_string())
    };
    let mut lines = Vec::new();
    for answer in [
        forbidden(
            "ForbiddenByRbac",
            "Caller is not authorized.\r\nCaller: appid=x",
        ),
        forbidden(
            "ForbiddenByPolicy",
            "The application 'x' does not have get permission.",
        ),
        forbidden("AccessDenied", "Access denied"),
        forbidden("ForbiddenByFirewall", "Client address is not authorized."),
        forbidden(
            "ForbiddenByConnection",
            "Public network access is disabled.",
        ),
        forbidden(
            "SecretDisabled",
            "Operation get is not allowed on a disabled secret.",
        ),
        Answer::json(
            403,
            r#"{"error":{"code":"Forbidden","message":"no\u001b[31m"}}"#,
        ),
        Answer::json(
            404,
            r#"{"error":{"code":"SecretNotFound","message":"A secret was not found"}}"#,
        ),
        Answer::json(
            400,
            r#"{"error":{"code":"BadParameter","message":"api-version must be specified"}}"#,
        ),
        Answer::new(404).body("<html>"),
        Answer::new(302),
        Answer::json(200, r#"{"error":"#),
        Answer::json(200, r#"{"value":"canary"#),
    ] {
        lines.push(refused([answer]).await);
    }
    insta::assert_snapshot!(lines.join("\n\n"));
}

#[tokio::test]
async fn what_should_not_be_used_is_not_used() {
    let mut lines = Vec::new();
    for body in [
        r#"{"value":"","attributes":{"enabled":true}}"#,
        r#"{"attributes":{"enabled":true}}"#,
        r#"{"value":"canary","attributes":{"enabled":false}}"#,
        r#"{"value":"canary","attributes":{"enabled":true,"exp":1800000000}}"#,
        r#"{"value":"canary","attributes":{"enabled":true,"nbf":1800000001}}"#,
    ] {
        lines.push(refused([Answer::json(200, body)]).await);
    }
    insta::assert_snapshot!(lines.join("\n\n"));
    let near =
        r#"{"value":"canary","attributes":{"enabled":true,"nbf":1800000000,"exp":1800000001}}"#;
    let bench = bench(ScriptedTransport::new([Answer::json(200, near)]));
    assert_eq!(bench.get().await.unwrap(), "canary");
}

#[tokio::test]
async fn a_throttled_or_failing_vault_is_asked_again() {
    let throttled = || {
        Answer::json(
            429,
            r#"{"error":{"code":"Throttled","message":"too many"}}"#,
        )
        .header("retry-after", "7")
    };
    let bench = bench(ScriptedTransport::new([
        throttled(),
        Answer::new(503),
        Answer::failure(Error::new(ErrorKind::Transport, "reset").transient()),
        Answer::json(200, GOOD),
    ]));
    assert_eq!(bench.get().await.unwrap(), "canary-value");
    let slept: Vec<u64> = bench.clock.slept().iter().map(Duration::as_secs).collect();
    assert_eq!(slept, [8, 2, 4]);

    let told = refused([throttled(), throttled(), throttled(), throttled()]).await;
    assert!(told.starts_with("Throttled"), "{told}");
    assert!(told.contains("4 attempts"), "{told}");
    assert!(told.contains(SETTING), "{told}");
}

#[tokio::test]
async fn a_failed_sign_in_says_what_it_was_for() {
    let tokens = Tokens {
        refuse: true,
        ..Tokens::default()
    };
    let bench = bench_with(ScriptedTransport::new([]), tokens);
    let error = bench.get().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot sign in to the Key Vault contoso.vault.azure.net for {SETTING}")
    );
    let cause = std::error::Error::source(&error).unwrap();
    assert_eq!(cause.to_string(), "sign-in refused");
}

#[tokio::test]
async fn many_callers_make_one_request_and_a_failure_is_not_kept() {
    let gate = Arc::new(Notify::new());
    let bench = bench(ScriptedTransport::new([
        Answer::new(404),
        Answer::json(200, GOOD).held_by(Arc::clone(&gate)),
    ]));
    assert!(bench.get().await.is_err());
    let callers = join_all((0..50).map(|_| bench.get()));
    let (secrets, ()) = futures::join!(callers, async {
        tokio::task::yield_now().await;
        gate.notify_one();
    });
    assert!(
        secrets
            .into_iter()
            .all(|secret| secret.unwrap() == "canary-value")
    );
    bench.transport.assert_finished();
}

#[tokio::test]
async fn different_secrets_are_fetched_side_by_side() {
    let gate = Arc::new(Notify::new());
    let waiting = Arc::new(AtomicUsize::new(0));
    let transport = ScriptedTransport::answering({
        let (gate, waiting) = (Arc::clone(&gate), Arc::clone(&waiting));
        move |_| {
            waiting.fetch_add(1, Ordering::SeqCst);
            Answer::json(200, GOOD).held_by(Arc::clone(&gate))
        }
    });
    let bench = bench(transport);
    let references: Vec<_> = ["a", "b", "c"].map(|name| reference(None, name)).into();
    let fetches = join_all(references.iter().map(|one| bench.secrets.resolve(one)));
    let (secrets, ()) = futures::join!(fetches, async {
        while waiting.load(Ordering::SeqCst) < 3 {
            tokio::task::yield_now().await;
        }
        gate.notify_waiters();
    });
    assert!(secrets.iter().all(Result::is_ok));
}

#[test]
fn nothing_secret_is_shown_or_logged() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    // With one subscriber alone, a test on another thread decides what is logged; with two not.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let bench = bench(ScriptedTransport::new([
        Answer::new(500).body("canary"),
        unauthorized(CHALLENGE),
        Answer::json(200, GOOD),
    ]));
    assert_eq!(runtime.block_on(bench.get()).unwrap(), "canary-value");
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("asking a vault"), "{text}");
    let shown = format!("{:?}", bench.secrets);
    assert!(
        !format!("{text}{shown}").contains("canary"),
        "{text}{shown}"
    );
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Writes `value`, and returns what was sent and said.
async fn written(bench: &Bench, value: &str) -> Result<()> {
    let value = SecretString::from(value.to_owned());
    bench.secrets.set(&reference(None, "n"), &value).await
}

#[tokio::test]
async fn a_value_goes_out_with_a_token_and_is_kept() {
    let bench = bench(ScriptedTransport::new([
        Answer::json(200, GOOD),
        Answer::json(200, GOOD.replace("canary-value", "canary-new")),
    ]));
    assert_eq!(bench.get().await.unwrap(), "canary-value");
    written(&bench, "canary-new").await.unwrap();
    // The next reader gets it without asking.
    assert_eq!(bench.get().await.unwrap(), "canary-new");
    bench.transport.assert_finished();
    let request = &bench.transport.requests()[1];
    assert_eq!(request.method, "PUT");
    assert_eq!(
        request.url.as_str(),
        "https://contoso.vault.azure.net/secrets/n?api-version=7.4"
    );
    assert_eq!(request.header("authorization"), "Bearer canary-token-2");
    assert_eq!(request.header("content-type"), "application/json");
    assert_eq!(request.text(), r#"{"value":"canary-new"}"#);
}

#[tokio::test]
async fn the_call_that_asks_for_the_challenge_holds_no_value() {
    let bench = bench(ScriptedTransport::new([
        unauthorized("Bearer resource=\"https://vault.example\""),
        Answer::json(200, GOOD),
    ]));
    let value = SecretString::from("canary-new".to_owned());
    let foreign = reference(Some("https://contoso.vault.example"), "n");
    bench.secrets.set(&foreign, &value).await.unwrap();
    let requests = bench.transport.requests();
    assert_eq!(requests[0].text(), r#"{"value":""}"#);
    assert_eq!(requests[0].header("authorization"), "");
    assert_eq!(requests[1].text(), r#"{"value":"canary-new"}"#);
}

#[tokio::test]
async fn why_a_secret_cannot_be_written_is_told() {
    let refusal = |status, inner: &str| {
        Answer::json(
            status,
            format!(
                r#"{{"error":{{"code":"Forbidden","message":"Caller is not authorized.","innererror":{{"code":"{inner}"}}}}}}"#
            ),
        )
    };
    let mut lines = Vec::new();
    for answer in [
        refusal(403, "ForbiddenByRbac"),
        refusal(403, "ForbiddenByPolicy"),
        refusal(409, "ObjectIsDeletedButRecoverable"),
    ] {
        let bench = bench(ScriptedTransport::new([answer]));
        let error = written(&bench, "canary-new").await.unwrap_err();
        assert_eq!(error.client_request_id().map(str::len), Some(36));
        lines.push(told(&error));
    }
    let bench = bench(ScriptedTransport::new([]));
    lines.push(told(&written(&bench, "").await.unwrap_err()));
    let inline = SecretRef::Inline("canary".to_owned().into());
    let value = SecretString::from("canary".to_owned());
    lines.push(told(&bench.secrets.set(&inline, &value).await.unwrap_err()));
    insta::assert_snapshot!(lines.join("\n\n"));
}
