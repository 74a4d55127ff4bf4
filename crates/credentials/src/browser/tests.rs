//! Tests of the browser sign-in: what the page is asked, what is believed, what is shown.

use std::io;
use std::net::Ipv6Addr;
use std::sync::Mutex;

use base64::Engine;
use defender_core::Clock;
use defender_http::{Answer, RecordedRequest, ScriptedTransport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::*;
use crate::user_tests::{CLIENT, Still, TENANT, Told, client, granted, graph, manual, refused};

const ANA: &str = "ana@contoso.example";

/// A browser whose person is the test: it passes the address on.
#[derive(Debug)]
struct Passing(mpsc::UnboundedSender<Url>);

impl Browser for Passing {
    fn open(&self, address: &Url) -> Result<()> {
        self.0.send(address.clone()).unwrap();
        Ok(())
    }
}

struct Setting {
    transport: ScriptedTransport,
    told: Arc<Told>,
    addresses: mpsc::UnboundedReceiver<Url>,
    sign_in: Arc<BrowserSignIn>,
}

fn setting(answer: impl Fn(&RecordedRequest) -> Answer + Send + Sync + 'static) -> Setting {
    setting_with(answer, Arc::new(Still), ResponseMode::Query)
}

fn setting_with(
    answer: impl Fn(&RecordedRequest) -> Answer + Send + Sync + 'static,
    clock: Arc<dyn Clock>,
    response_mode: ResponseMode,
) -> Setting {
    let transport = ScriptedTransport::answering(answer);
    let (sender, addresses) = mpsc::unbounded_channel();
    let told = Arc::new(Told::default());
    let options = BrowserOptions {
        browser: Arc::new(Passing(sender)),
        response_mode,
        ..BrowserOptions::default()
    };
    let sign_in = BrowserSignIn::new(client(&transport, clock), told.clone(), options);
    Setting {
        transport,
        told,
        addresses,
        sign_in: Arc::new(sign_in),
    }
}

/// An authority that grants with the nonce that the page was given.
fn granting() -> (
    Arc<Mutex<String>>,
    impl Fn(&RecordedRequest) -> Answer + Send + Sync + 'static,
) {
    let nonce = Arc::new(Mutex::new(String::new()));
    let known = nonce.clone();
    (nonce, move |_: &RecordedRequest| {
        granted(ANA, 1, &known.lock().unwrap())
    })
}

type Outcome = tokio::task::JoinHandle<Result<SignedIn>>;

/// What a page was asked to do.
struct Asked(Url);

impl Asked {
    fn parameter(&self, name: &str) -> String {
        let pair = self.0.query_pairs().find(|(key, _)| key == name);
        pair.map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    }

    fn port(&self) -> u16 {
        Url::parse(&self.parameter("redirect_uri"))
            .unwrap()
            .port()
            .unwrap()
    }

    async fn answer(&self, query: &str) -> String {
        let state = self.parameter("state");
        self.get(&format!("/?{query}&state={state}")).await.unwrap()
    }

    async fn get(&self, target: &str) -> io::Result<String> {
        let host = format!("localhost:{}", self.port());
        self.send(&format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"))
            .await
    }

    /// Sends `request` as it is; what came back.
    async fn send(&self, request: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port())).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        Ok(text)
    }
}

impl Setting {
    fn begin(&self, username: Option<&'static str>, select_account: bool) -> Outcome {
        let sign_in = self.sign_in.clone();
        tokio::spawn(async move {
            let request = graph();
            let request = SignInRequest {
                username,
                select_account,
                ..SignInRequest::new(&request)
            };
            sign_in.sign_in(&request).await
        })
    }

    async fn asked(&mut self) -> Asked {
        Asked(self.addresses.recv().await.unwrap())
    }
}

fn status(page: &str) -> &str {
    page.split(' ').nth(1).unwrap_or_default()
}

#[tokio::test]
async fn a_code_is_redeemed_once_with_the_same_redirect_and_the_verifier() {
    let (nonce, answer) = granting();
    let mut setting = setting(answer);
    let outcome = setting.begin(Some(ANA), true);
    let asked = setting.asked().await;
    *nonce.lock().unwrap() = asked.parameter("nonce");

    assert!(asked.0.as_str().starts_with(&format!(
        "https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/authorize?"
    )));
    for (name, expected) in [
        ("client_id", CLIENT),
        ("response_type", "code"),
        ("response_mode", "query"),
        (
            "scope",
            "https://graph.microsoft.com/.default offline_access openid profile",
        ),
        ("code_challenge_method", "S256"),
        ("client_info", "1"),
        ("login_hint", ANA),
        ("prompt", "select_account"),
        (
            "redirect_uri",
            &format!("http://localhost:{}", asked.port()),
        ),
    ] {
        assert_eq!(asked.parameter(name), expected, "{name}");
    }
    for name in ["state", "nonce", "code_challenge"] {
        assert_eq!(asked.parameter(name).len(), 43, "{name}");
    }

    let page = asked.answer("code=canary-code&session_state=x").await;
    assert_eq!(status(&page), "200");
    assert!(page.contains("<p>as ana@contoso.example</p>"), "{page}");
    let signed_in = outcome.await.unwrap().unwrap();
    assert_eq!(signed_in.account.unwrap().username, ANA);
    assert_eq!(
        signed_in.refresh_token.unwrap().expose_secret(),
        "canary-refresh-1"
    );

    let requests = setting.transport.requests();
    assert_eq!(requests.len(), 1);
    let form = requests[0].form();
    let field = |name: &str| form.iter().find(|(key, _)| key == name).unwrap().1.clone();
    assert_eq!(field("grant_type"), "authorization_code");
    assert_eq!(field("code"), "canary-code");
    assert_eq!(field("redirect_uri"), asked.parameter("redirect_uri"));
    let digest = openssl::sha::sha256(field("code_verifier").as_bytes());
    let challenge = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest);
    assert_eq!(challenge, asked.parameter("code_challenge"));
    // A public client proves nothing else: AADSTS700025 would be the answer.
    assert!(
        !form
            .iter()
            .any(|(name, _)| name.contains("secret") || name.contains("assertion"))
    );
}

#[tokio::test]
async fn what_is_not_the_answer_is_refused_and_the_waiting_goes_on() {
    let (nonce, answer) = granting();
    let mut setting = setting(answer);
    let outcome = setting.begin(None, false);
    let asked = setting.asked().await;
    *nonce.lock().unwrap() = asked.parameter("nonce");
    assert_eq!(
        asked.parameter("prompt") + &asked.parameter("login_hint"),
        ""
    );
    let (state, port) = (asked.parameter("state"), asked.port());
    for (target, expected) in [
        ("/favicon.ico".to_owned(), "404"),
        ("/?code=forged&state=forged".to_owned(), "400"),
        ("/?code=forged".to_owned(), "400"),
        ("/?error=access_denied&state=forged".to_owned(), "400"),
        (format!("/?code=forged&state={state}&state=forged"), "400"),
        (format!("/other?code=forged&state={state}"), "404"),
    ] {
        let page = asked.get(&target).await.unwrap();
        assert_eq!(status(&page), expected, "{target}");
        assert!(
            page.contains("<h1>Not the answer to this sign-in</h1>"),
            "{page}"
        );
        assert!(!page.contains("forged") && !page.contains(&state), "{page}");
    }
    let right = format!("/?code=forged&state={state}");
    for (request, expected) in [
        (
            format!("GET {right} HTTP/1.1\r\nHost: evil.example:{port}\r\n\r\n"),
            "421",
        ),
        (format!("GET {right} HTTP/1.1\r\n\r\n"), "400"),
        (
            format!("POST {right} HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Length: 0\r\n\r\n"),
            "405",
        ),
        ("nonsense\r\n\r\n".to_owned(), "400"),
        (format!("GET /{} HTTP/1.1\r\n", "a".repeat(40_000)), "413"),
        (
            "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_owned(),
            "400",
        ),
        (
            format!("POST / HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Length: 9999999\r\n\r\n"),
            "413",
        ),
    ] {
        let page = asked.send(&request).await.unwrap();
        assert_eq!(
            status(&page),
            expected,
            "{}",
            &request[..60.min(request.len())]
        );
    }
    // A connection that says nothing, as browsers open in advance, holds nobody up.
    let _silent = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    assert!(setting.transport.requests().is_empty());
    assert_eq!(status(&asked.answer("code=canary-code").await), "200");
    outcome.await.unwrap().unwrap();
    assert_eq!(setting.transport.requests().len(), 1);
}

#[tokio::test]
async fn an_answer_that_comes_again_is_not_redeemed_again() {
    let gate = Arc::new(tokio::sync::Notify::new());
    let (nonce, held) = (Arc::new(Mutex::new(String::new())), gate.clone());
    let known = nonce.clone();
    let mut setting =
        setting(move |_| granted(ANA, 1, &known.lock().unwrap()).held_by(held.clone()));
    let outcome = setting.begin(None, false);
    let asked = setting.asked().await;
    *nonce.lock().unwrap() = asked.parameter("nonce");
    let target = format!("/?code=canary-code&state={}", asked.parameter("state"));
    let host = format!("localhost:{}", asked.port());
    // The second connection is there before the first answer is.
    let mut second = TcpStream::connect(("127.0.0.1", asked.port()))
        .await
        .unwrap();
    let again = asked.get("/favicon.ico").await.unwrap();
    assert_eq!(status(&again), "404");
    let first = asked.get(&target);
    let replay = async {
        while setting.transport.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        second.write_all(request.as_bytes()).await.unwrap();
        let mut page = String::new();
        second.read_to_string(&mut page).await.unwrap();
        // A third finds nobody.
        assert!(
            TcpStream::connect(("127.0.0.1", asked.port()))
                .await
                .is_err()
        );
        gate.notify_one();
        page
    };
    let (page, replayed) = tokio::join!(first, replay);
    assert_eq!(status(&page.unwrap()), "200");
    assert_eq!(status(&replayed), "410");
    outcome.await.unwrap().unwrap();
    assert_eq!(setting.transport.requests().len(), 1);
}

#[tokio::test]
async fn an_id_token_with_another_nonce_or_none_is_refused() {
    for nonce in ["", "another"] {
        let mut setting = setting(move |_| granted(ANA, 1, nonce));
        let outcome = setting.begin(None, false);
        let page = setting.asked().await.answer("code=canary-code").await;
        assert!(page.contains("<h1>Not signed in</h1>"), "{page}");
        let error = outcome.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert_eq!(
            error.to_string(),
            "the id token was not made for this sign-in"
        );
    }
    let none = r#"{"access_token":"a","expires_in":60}"#;
    let mut setting = setting(move |_| Answer::json(200, none));
    let outcome = setting.begin(None, false);
    setting.asked().await.answer("code=canary-code").await;
    let error = outcome.await.unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the authority does not say who signed in"
    );
}

#[tokio::test]
async fn what_the_authority_refuses_is_shown_to_both() {
    for (name, description, code, kind) in [
        (
            "access_denied",
            "AADSTS65004:+User+declined+to+consent.%0d%0aTrace+ID:+t",
            "AADSTS65004",
            ErrorKind::Permission,
        ),
        (
            "invalid_client",
            "AADSTS65001:+no+consent",
            "AADSTS65001",
            ErrorKind::Permission,
        ),
        (
            "access_denied",
            "<script>alert(1)</script>",
            "access_denied",
            ErrorKind::Credential,
        ),
        (
            "server_error",
            "AADSTS90033:+busy",
            "AADSTS90033",
            ErrorKind::Service,
        ),
    ] {
        let mut setting = setting(|_| Answer::new(500));
        let outcome = setting.begin(None, false);
        let asked = setting.asked().await;
        let page = asked
            .answer(&format!("error={name}&error_description={description}"))
            .await;
        assert!(
            page.contains("<h1>Not signed in</h1>") && !page.contains("<script"),
            "{page}"
        );
        let error = outcome.await.unwrap().unwrap_err();
        assert_eq!(
            (error.code(), error.kind()),
            (Some(code), kind),
            "{error:?}"
        );
        assert!(error.url().unwrap().ends_with("/authorize"));
        assert!(setting.transport.requests().is_empty());
    }
}

#[tokio::test]
async fn a_code_that_is_refused_is_an_error_without_the_secrets_of_the_exchange() {
    let mut setting = setting(|sent| {
        let form = sent.form();
        let field = |name: &str| form.iter().find(|(key, _)| key == name).unwrap().1.clone();
        let text = format!(
            "code {} and verifier {}",
            field("code"),
            field("code_verifier")
        );
        refused("invalid_grant", 54005, &text)
    });
    let outcome = setting.begin(None, false);
    let page = setting.asked().await.answer("code=canary-code").await;
    let error = outcome.await.unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "sign-in refused: AADSTS54005: code REDACTED and verifier REDACTED"
    );
    assert_eq!(error.code(), Some("AADSTS54005"));
    assert!(
        page.contains("code REDACTED and verifier REDACTED"),
        "{page}"
    );
    let shown = format!("{error:?} {:?}", setting.sign_in);
    assert!(!shown.contains("canary"), "{shown}");
}

#[tokio::test]
async fn the_answer_may_come_as_a_form() {
    let (nonce, answer) = granting();
    let mut setting = setting_with(answer, Arc::new(Still), ResponseMode::FormPost);
    let outcome = setting.begin(None, false);
    let asked = setting.asked().await;
    *nonce.lock().unwrap() = asked.parameter("nonce");
    assert_eq!(asked.parameter("response_mode"), "form_post");
    let body = format!("code=canary-code&state={}", asked.parameter("state"));
    assert_eq!(
        status(&asked.get(&format!("/?{body}")).await.unwrap()),
        "405"
    );
    let head = format!(
        "POST / HTTP/1.1\r\nHost: localhost:{}\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n\r\n{body}",
        asked.port(),
        body.len(),
    );
    assert_eq!(status(&asked.send(&head).await.unwrap()), "200");
    outcome.await.unwrap().unwrap();
}

#[tokio::test]
async fn connections_that_say_nothing_keep_nobody_out() {
    let (nonce, answer) = granting();
    let mut setting = setting(answer);
    let outcome = setting.begin(None, false);
    let asked = setting.asked().await;
    *nonce.lock().unwrap() = asked.parameter("nonce");
    // The clock stands still: nobody waits for them to be told off.
    tokio::time::pause();
    let mut idle = Vec::new();
    for _ in 0..200 {
        idle.push(
            TcpStream::connect(("127.0.0.1", asked.port()))
                .await
                .unwrap(),
        );
    }
    assert_eq!(status(&asked.answer("code=canary-code").await), "200");
    outcome.await.unwrap().unwrap();
}

#[tokio::test]
async fn localhost_may_be_either_address() {
    let probe = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await;
    if probe.is_err() {
        println!("skipped: this machine has no IPv6");
        return;
    }
    let (nonce, answer) = granting();
    let mut setting = setting(answer);
    let outcome = setting.begin(None, false);
    let asked = setting.asked().await;
    *nonce.lock().unwrap() = asked.parameter("nonce");
    let mut stream = TcpStream::connect((Ipv6Addr::LOCALHOST, asked.port()))
        .await
        .unwrap();
    let request = format!(
        "GET /?code=c&state={} HTTP/1.1\r\nHost: [::1]:{}\r\n\r\n",
        asked.parameter("state"),
        asked.port()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).await.unwrap();
    assert_eq!(status(&page), "200");
    outcome.await.unwrap().unwrap();
}

#[tokio::test]
async fn who_takes_too_long_is_told_so() {
    // A sleep of this clock is over at once.
    let setting = setting_with(|_| Answer::new(500), manual(), ResponseMode::Query);
    let error = setting.begin(None, false).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credential);
    assert_eq!(
        error.to_string(),
        "nobody signed in with the browser within 5 min"
    );
}

#[tokio::test]
async fn dropping_it_frees_the_port() {
    let mut setting = setting(|_| Answer::new(500));
    let outcome = setting.begin(None, false);
    let port = setting.asked().await.port();
    let _silent = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    outcome.abort();
    assert!(outcome.await.unwrap_err().is_cancelled());
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
}

#[tokio::test]
async fn without_a_browser_the_person_is_given_the_address() {
    let (nonce, answer) = granting();
    let transport = ScriptedTransport::answering(answer);
    let told = Arc::new(Told::default());
    let options = BrowserOptions {
        browser: Arc::new(NoBrowser),
        ..BrowserOptions::default()
    };
    let sign_in = BrowserSignIn::new(client(&transport, Arc::new(Still)), told.clone(), options);
    let outcome = tokio::spawn(async move { sign_in.token(&graph()).await.map(|token| token.id) });
    while told.addresses.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let (address, opened) = told.addresses.lock().unwrap()[0].clone();
    assert!(!opened);
    let asked = Asked(address);
    *nonce.lock().unwrap() = asked.parameter("nonce");
    asked.answer("code=canary-code").await;
    outcome.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_browser_that_opened_is_told_of_as_well() {
    let mut setting = setting(|_| Answer::new(500));
    let outcome = setting.begin(None, false);
    let asked = setting.asked().await;
    asked.get("/").await.unwrap();
    assert_eq!(setting.told.addresses.lock().unwrap()[0], (asked.0, true));
    outcome.abort();
}
