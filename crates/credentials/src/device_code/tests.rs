//! Tests of the device code: how often it asks, when it stops, what the person is told.

use std::sync::Mutex;

use defender_core::{Clock, ManualClock};
use defender_http::{Answer, ScriptedTransport};

use super::*;
use crate::user_tests::{CLIENT, Told, client, granted, graph, manual, now, refused};

const BEGUN: &str = r#"{"device_code":"canary-device","user_code":"ABCD1234",
    "verification_uri":"https://microsoft.com/devicelogin","expires_in":900,"interval":5,
    "message":"To sign in, open https://microsoft.com/devicelogin and enter ABCD1234."}"#;

struct Setting {
    clock: Arc<ManualClock>,
    transport: ScriptedTransport,
    told: Arc<Told>,
    credential: DeviceCode,
}

fn setting(answers: impl IntoIterator<Item = Answer>) -> Setting {
    let (clock, told) = (manual(), Arc::new(Told::default()));
    let transport = ScriptedTransport::new(answers);
    let credential = DeviceCode::new(client(&transport, clock.clone()), told.clone());
    Setting {
        clock,
        transport,
        told,
        credential,
    }
}

fn begun(rest: impl IntoIterator<Item = Answer>) -> Setting {
    setting([Answer::json(200, BEGUN)].into_iter().chain(rest))
}

fn pending() -> Answer {
    refused("authorization_pending", 70016, "pending")
}

impl Setting {
    async fn run(&self) -> Result<SignedIn> {
        let request = graph();
        self.credential.sign_in(&SignInRequest::new(&request)).await
    }

    async fn error(&self) -> Error {
        let error = self.run().await.unwrap_err();
        self.transport.assert_finished();
        error
    }

    fn slept(&self) -> Vec<u64> {
        self.clock.slept().iter().map(Duration::as_secs).collect()
    }
}

#[tokio::test]
async fn the_code_is_asked_for_shown_and_redeemed() {
    let setting = begun([pending(), pending(), granted("ana@contoso.example", 1, "")]);
    let signed_in = setting.run().await.unwrap();
    setting.transport.assert_finished();
    assert_eq!(
        signed_in.access_token.secret.expose_secret(),
        "canary-access-1"
    );
    assert_eq!(
        signed_in.refresh_token.unwrap().expose_secret(),
        "canary-refresh-1"
    );
    let account = signed_in.account.unwrap();
    assert_eq!(account.username, "ana@contoso.example");
    assert_eq!(account.home_id, "uid-ana@contoso.example.home");
    assert_eq!(setting.slept(), [5, 5, 5]);

    let told = setting.told.codes.lock().unwrap().clone();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].user_code, "ABCD1234");
    assert_eq!(
        told[0].verification_uri.as_str(),
        "https://microsoft.com/devicelogin"
    );
    assert_eq!(told[0].expires_at, now() + Duration::from_mins(15));

    let requests = setting.transport.requests();
    let paths: Vec<_> = requests
        .iter()
        .map(|sent| sent.url.path().rsplit('/').next())
        .collect();
    assert_eq!(
        paths,
        [
            Some("devicecode"),
            Some("token"),
            Some("token"),
            Some("token")
        ]
    );
    let scope = "https://graph.microsoft.com/.default offline_access openid profile";
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        requests[0].form(),
        [pair("client_id", CLIENT), pair("scope", scope)]
    );
    assert_eq!(
        requests[1].form(),
        [
            pair("client_id", CLIENT),
            pair("client_info", "1"),
            pair("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            pair("device_code", "canary-device"),
        ]
    );
}

#[tokio::test]
async fn slow_down_adds_five_seconds_for_good() {
    let slow = || refused("slow_down", 50196, "too often");
    let setting = begun([
        pending(),
        slow(),
        pending(),
        slow(),
        granted("ana@contoso.example", 1, ""),
    ]);
    setting.run().await.unwrap();
    assert_eq!(setting.slept(), [5, 5, 10, 10, 15]);
}

#[tokio::test]
async fn the_authority_chooses_the_interval_within_reason() {
    for (interval, expected) in [
        ("\"interval\":\"7\"", 7),
        ("\"interval\":0", 1),
        ("\"interval\":1e12", 300),
        ("\"x\":1", 5),
    ] {
        let body = BEGUN.replace("\"interval\":5", interval);
        let answers = [Answer::json(200, body), granted("a", 1, "")];
        let setting = setting(answers);
        setting.run().await.unwrap();
        assert_eq!(setting.slept(), [expected], "{interval}");
    }
}

#[tokio::test]
async fn who_declines_ends_it() {
    for name in ["authorization_declined", "access_denied"] {
        let setting = begun([pending(), refused(name, 70018, "declined")]);
        let error = setting.error().await;
        assert_eq!(error.to_string(), "the sign-in was declined in the browser");
        assert_eq!(error.kind(), ErrorKind::Credential);
        assert_eq!(error.code(), Some("AADSTS70018"));
    }
}

#[tokio::test]
async fn a_code_that_the_authority_ends_is_over() {
    let setting = begun([refused("expired_token", 70019, "expired")]);
    let error = setting.error().await;
    assert_eq!(
        error.to_string(),
        "the device code has expired before anybody signed in with it"
    );
    assert_eq!(error.code(), Some("AADSTS70019"));
    assert_eq!(error.hint(), Some("begin the sign-in again"));
}

#[tokio::test]
async fn a_code_ends_by_the_clock_as_well() {
    let short = BEGUN.replace("900", "12");
    let setting = setting([Answer::json(200, short), pending(), pending(), pending()]);
    let error = setting.error().await;
    assert_eq!(
        error.to_string(),
        "the device code has expired before anybody signed in with it"
    );
    // The last wait goes no further than the end.
    assert_eq!(setting.slept(), [5, 5, 2]);
}

#[tokio::test]
async fn a_code_that_is_not_recognised_ends_it() {
    let setting = begun([refused("bad_verification_code", 70020, "no such code")]);
    let error = setting.error().await;
    assert!(
        error
            .to_string()
            .starts_with("the device code was not recognised: "),
        "{error}"
    );
}

#[tokio::test]
async fn another_refusal_ends_it() {
    let setting = begun([refused("invalid_client", 7_000_218, "secret required")]);
    assert_eq!(setting.error().await.code(), Some("AADSTS7000218"));
}

#[tokio::test]
async fn a_poll_that_does_not_get_through_is_repeated_more_slowly() {
    let lost = Error::new(ErrorKind::Transport, "reset").transient();
    let setting = begun([
        Answer::failure(lost),
        Answer::new(503).header("retry-after", "60"),
        pending(),
        granted("ana@contoso.example", 1, ""),
    ]);
    setting.run().await.unwrap();
    assert_eq!(setting.slept(), [5, 10, 60, 20]);
}

#[tokio::test]
async fn what_kept_it_from_being_heard_is_the_cause_in_the_end() {
    let short = BEGUN.replace("900", "8");
    let lost = || Answer::failure(Error::new(ErrorKind::Transport, "reset").transient());
    let setting = setting([Answer::json(200, short), lost(), lost()]);
    let error = setting.error().await;
    assert_eq!(
        std::error::Error::source(&error).unwrap().to_string(),
        "reset"
    );
}

#[tokio::test]
async fn people_are_not_sent_to_unsafe_pages_nor_shown_control_characters() {
    for uri in [
        "http://microsoft.com/devicelogin",
        "javascript:alert(1)",
        "",
        "file:///x",
    ] {
        let body = BEGUN.replace(
            "\"https://microsoft.com/devicelogin\"",
            &format!("\"{uri}\""),
        );
        let setting = setting([Answer::json(200, body)]);
        let error = setting.error().await;
        assert_eq!(error.kind(), ErrorKind::Protocol, "{uri}");
        assert!(setting.told.codes.lock().unwrap().is_empty());
    }
    let body = BEGUN
        .replace("To sign in", "\\u001b[2JTo\\nsign in")
        .replace("ABCD1234\"", "AB\\u0007CD\"");
    let setting = setting([Answer::json(200, body), granted("a", 1, "")]);
    setting.run().await.unwrap();
    let told = setting.told.codes.lock().unwrap()[0].clone();
    assert_eq!(told.user_code, "AB CD");
    assert!(
        told.message.starts_with("[2JTo sign in"),
        "{:?}",
        told.message
    );
}

#[tokio::test]
async fn an_answer_without_a_code_is_a_protocol_error() {
    for body in ["", "<html>", "{}", &BEGUN.replace("canary-device", "")] {
        let setting = setting([Answer::json(200, body.to_owned())]);
        let error = setting.error().await;
        assert_eq!(
            error.to_string(),
            "the authority's answer holds no device code",
            "{body}"
        );
    }
}

/// Counts sleeps, and never wakes from the second.
#[derive(Debug)]
struct Sleepless(Mutex<u32>, tokio::sync::Notify);

#[async_trait]
impl Clock for Sleepless {
    fn now(&self) -> std::time::SystemTime {
        now()
    }

    async fn sleep(&self, _: Duration) {
        let count = {
            let mut count = self.0.lock().unwrap();
            *count += 1;
            *count
        };
        if count > 1 {
            self.1.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

#[tokio::test]
async fn dropping_it_ends_the_waiting() {
    let clock = Arc::new(Sleepless(Mutex::new(0), tokio::sync::Notify::new()));
    let transport = ScriptedTransport::new([Answer::json(200, BEGUN), pending()]);
    let credential = DeviceCode::new(client(&transport, clock.clone()), Arc::new(Told::default()));
    let waiting =
        tokio::spawn(async move { credential.token(&graph()).await.map(|token| token.id) });
    clock.1.notified().await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    assert_eq!(transport.requests().len(), 2);
}

#[tokio::test]
async fn the_device_code_is_in_no_error() {
    for text in ["canary-device", "Y2FuYXJ5LWRldmljZQ=="] {
        let setting = begun([refused("invalid_request", 1, text)]);
        let error = setting.error().await;
        let shown = format!("{error} {error:?} {:?}", setting.credential);
        assert!(
            !shown.contains("canary") && !shown.contains(text),
            "{shown}"
        );
    }
}
