//! Tests of the Azure CLI: what it is called with, and what is made of what it prints.

use std::sync::Mutex;
use std::time::SystemTime;

use defender_core::Scope;

use super::*;
use crate::claims::token_with;

type Call = (String, Vec<String>);

/// A program that prints what the test says, and remembers how it was called.
#[derive(Debug)]
struct Fake {
    output: Mutex<Option<io::Result<CommandOutput>>>,
    calls: Mutex<Vec<Call>>,
}

#[async_trait]
impl CommandRunner for Fake {
    async fn run(
        &self,
        program: &str,
        arguments: &[&str],
        _: Duration,
    ) -> io::Result<CommandOutput> {
        let arguments = arguments.iter().map(ToString::to_string).collect();
        self.calls
            .lock()
            .unwrap()
            .push((program.to_owned(), arguments));
        self.output.lock().unwrap().take().unwrap()
    }
}

fn request(scope: &str) -> TokenRequest {
    TokenRequest::new(Scope::new(scope))
}

async fn run(
    output: io::Result<CommandOutput>,
    tenant: Option<&str>,
    request: &TokenRequest,
) -> (Result<AccessToken>, Vec<Call>) {
    let fake = Arc::new(Fake {
        output: Mutex::new(Some(output)),
        calls: Mutex::default(),
    });
    let credential = AzureCli::new(tenant.map(Into::into), Arc::clone(&fake) as _);
    let outcome = credential.token(request).await;
    assert!(
        !format!("{outcome:?} {credential:?}").contains("canary"),
        "{outcome:?}"
    );
    let calls = fake.calls.lock().unwrap().clone();
    (outcome, calls)
}

#[expect(clippy::unnecessary_wraps, reason = "what a runner returns")]
fn printed(text: &str) -> io::Result<CommandOutput> {
    Ok(CommandOutput {
        code: Some(0),
        stdout: text.into(),
        stderr: "WARNING: canary".into(),
    })
}

#[expect(clippy::unnecessary_wraps, reason = "what a runner returns")]
fn complained(code: i32, text: &str) -> io::Result<CommandOutput> {
    Ok(CommandOutput {
        code: Some(code),
        stdout: "canary".into(),
        stderr: text.into(),
    })
}

const GRAPH: &str = "https://graph.microsoft.com/.default";

#[tokio::test]
async fn it_is_called_without_a_shell() {
    let answer = r#"{"accessToken":"canary","expires_on":1800000000,"tokenType":"Bearer"}"#;
    for (scope, own, wanted, expected) in [
        (GRAPH, None, None, "--resource https://graph.microsoft.com"),
        (
            "https://graph.microsoft.com/User.Read",
            Some("contoso.example"),
            None,
            "--scope https://graph.microsoft.com/User.Read --tenant contoso.example",
        ),
        (
            GRAPH,
            Some("contoso.example"),
            Some("customer.example"),
            "--resource https://graph.microsoft.com --tenant customer.example",
        ),
    ] {
        let request = TokenRequest {
            tenant: wanted.map(str::to_owned),
            ..request(scope)
        };
        let (outcome, calls) = run(printed(answer), own, &request).await;
        outcome.unwrap();
        let expected = format!("account get-access-token --output json {expected}");
        assert_eq!(calls.len(), 1);
        assert_eq!(calls[0].0, PROGRAM);
        assert_eq!(calls[0].1.join(" "), expected);
    }
}

#[tokio::test]
async fn what_a_shell_could_read_is_not_passed_on() {
    for scope in [
        "",
        "--help",
        "a b/.default",
        "a&b/.default",
        "a\"/.default",
        "$(x)/.default",
        "%PATH%",
    ] {
        let (outcome, calls) = run(printed(""), None, &request(scope)).await;
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Config, "{scope}");
        assert!(calls.is_empty(), "{scope}");
    }
    for tenant in ["--help", "a b", "a&calc", "a;b", "a'b"] {
        let (outcome, calls) = run(printed(""), Some(tenant), &request(GRAPH)).await;
        let error = outcome.unwrap_err();
        let said = error.to_string();
        assert!(said.ends_with(" cannot be a tenant"), "{tenant}: {said}");
        assert!(calls.is_empty());
    }
}

#[tokio::test]
async fn the_end_is_read_from_either_form() {
    let own = token_with(r#"{"exp":1800000300}"#);
    for (token, fields, seconds) in [
        ("t", r#""expires_on":1800000000"#, 1_800_000_000),
        ("t", r#""expires_on":"1800000000""#, 1_800_000_000),
        (
            &*own,
            r#""expires_on":1800000000,"expiresOn":"2027-01-15 09:00:00.000000""#,
            1_800_000_000,
        ),
        // A time of some wall's clock: the token knows better.
        (
            &*own,
            r#""expiresOn":"2027-01-15 09:00:00.000000""#,
            1_800_000_300,
        ),
        ("t", r#""expiresOn":"2027-01-15T08:00:00Z""#, 1_800_000_000),
        (
            "t",
            r#""expiresOn":"2027-01-15T09:00:00+01:00""#,
            1_800_000_000,
        ),
    ] {
        let text = format!("{{\"accessToken\":\"{token}\",{fields}}}");
        let (outcome, _) = run(printed(&text), None, &request(GRAPH)).await;
        let end = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(outcome.unwrap().expires_at, end, "{fields}");
    }
    for (text, message) in [
        (
            r#"{"accessToken":"canary","expiresOn":"2027-01-15 09:00:00.000000"}"#,
            "does not say when the token ends",
        ),
        (
            r#"{"accessToken":"canary"}"#,
            "does not say when the token ends",
        ),
        (r#"{"accessToken":"","expires_on":1}"#, "holds no token"),
        (
            r#"{"accessToken":"canary","expires_on":1,"tokenType":"pop"}"#,
            "holds no token",
        ),
        ("canary", "holds no token"),
        ("", "holds no token"),
    ] {
        let (outcome, _) = run(printed(text), None, &request(GRAPH)).await;
        let error = outcome.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the Azure CLI's answer {message}"),
            "{text}"
        );
        assert_eq!(error.kind(), ErrorKind::Protocol);
    }
}

#[tokio::test]
async fn only_what_is_not_set_up_lets_a_chain_go_on() {
    let not_found = || Err(io::ErrorKind::NotFound.into());
    for (output, absent, kind, message) in [
        (
            not_found(),
            true,
            ErrorKind::Config,
            "the Azure CLI (az) is not installed",
        ),
        (
            complained(
                1,
                "'az' is not recognized as an internal or external command",
            ),
            true,
            ErrorKind::Config,
            "the Azure CLI (az) is not installed",
        ),
        (
            complained(1, "ERROR: Please run 'az login' to setup account.\r\n"),
            true,
            ErrorKind::Credential,
            "nobody is signed in to the Azure CLI",
        ),
        (
            complained(
                1,
                "ERROR: AADSTS700082: The refresh token has expired due to inactivity. Trace ID: 1\nTo re-authenticate, please run:\naz login",
            ),
            false,
            ErrorKind::Credential,
            "the Azure CLI was refused a token: AADSTS700082: The refresh token has expired due to inactivity",
        ),
        (
            complained(1, "WARNING: old\nERROR: Something\u{1b}[31m else.\n"),
            false,
            ErrorKind::Credential,
            "the Azure CLI gave no token: Something [31m else",
        ),
        (
            Err(io::ErrorKind::TimedOut.into()),
            false,
            ErrorKind::Credential,
            "the Azure CLI did not answer within 60 seconds",
        ),
        (
            Err(io::ErrorKind::PermissionDenied.into()),
            false,
            ErrorKind::Config,
            "the Azure CLI cannot be run: permission denied",
        ),
    ] {
        let (outcome, _) = run(output, None, &request(GRAPH)).await;
        let error = outcome.unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!(
            (error.kind(), error.is_not_configured()),
            (kind, absent),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_challenge_is_not_dropped() {
    let request = TokenRequest {
        claims: Some("{}".into()),
        ..request(GRAPH)
    };
    let (outcome, calls) = run(printed(""), None, &request).await;
    assert_eq!(
        outcome.unwrap_err().hint(),
        Some("run `az logout`, then `az login`")
    );
    assert!(calls.is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn programs_of_the_machine_are_run_and_ended() {
    let limit = Duration::from_mins(1);
    let output = SystemCommands.run(
        "sh",
        &["-c", "read x; echo \"<$x>\"; echo no >&2; exit 3"],
        limit,
    );
    let output = output.await.unwrap();
    assert_eq!(
        (output.code, output.stdout.expose_secret(), &*output.stderr),
        (Some(3), "<>\n", "no\n")
    );
    let missing = SystemCommands
        .run("there-is-no-such-program", &[], limit)
        .await;
    assert_eq!(missing.unwrap_err().kind(), io::ErrorKind::NotFound);
    let endless = SystemCommands
        .run("sleep", &["600"], Duration::from_millis(1))
        .await;
    assert_eq!(endless.unwrap_err().kind(), io::ErrorKind::TimedOut);
}
