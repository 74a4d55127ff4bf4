//! Every grant, and for each check of the service a request that only that check refuses.

mod admin;
mod assertion;
mod browser;
mod device;
mod first_party;
mod machine;
mod on_behalf_of;
mod openid;
mod refresh;
mod user;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use defender_emulator::{
    Application, Emulator, Options, RedirectUri, Running, SignIn, Tenant, User,
};
use openssl::sha::sha256;
use serde_json::Value as Json;
use url::Url;

use crate::client::{Answer, CLIENT, FORM, TENANT, direct, noon, options};

/// What a browser client asks for.
const SCOPE: &str = "https://graph.microsoft.com/.default openid profile offline_access";
/// A redirect address with a port that nobody registered.
const REDIRECT: &str = "http://localhost:49152";
const WEB: &str = "https://app.example/auth";
/// 43 letters, the least that a verifier may have.
const VERIFIER: &str = "abcdefghijklmnopqrstuvwxyz0123456789-._~ABC";
/// A client of the same tenant that may do the same.
const OTHER: &str = "11111111-1111-1111-1111-cccccccccccc";
const ANALYST: &str = "analyst@demo.example";

fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(sha256(VERIFIER.as_bytes()))
}

/// The demo tenant with a second application, and a web address for the first.
fn tenant() -> Tenant {
    let mut tenant = Tenant::demo();
    tenant.applications[0]
        .redirect_uris
        .push(RedirectUri::web(WEB));
    tenant.applications.push(Application::new(OTHER, "other"));
    tenant.users.push(User {
        password: Some("canary-password".into()),
        ..User::new("third@demo.example", "Third")
    });
    tenant
}

/// A clock that the test moves.
#[derive(Clone, Default)]
struct Hand(Arc<AtomicI64>);

impl Hand {
    fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

struct Stage {
    running: Running,
    hand: Hand,
}

async fn stage(tenants: Vec<Tenant>, sign_in: SignIn) -> Stage {
    let hand = Hand::default();
    let read = hand.clone();
    let running = Emulator::start(Options {
        tenants,
        sign_in,
        clock: Arc::new(move || {
            noon() + Duration::from_secs(read.0.load(Ordering::SeqCst).unsigned_abs())
        }),
        ..options()
    })
    .await
    .unwrap();
    Stage { running, hand }
}

async fn plain() -> Stage {
    stage(vec![tenant(), Tenant::second()], SignIn::default()).await
}

fn encoded(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields.iter().filter(|(_, value)| !value.is_empty()))
        .finish()
}

/// `fields` with some of them set to something else, or left out when that is empty.
fn with<'a>(
    fields: &[(&'a str, &'a str)],
    changes: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let mut all: Vec<_> = fields
        .iter()
        .filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name))
        .copied()
        .collect();
    all.extend(changes);
    all
}

impl Stage {
    async fn get(&self, path: &str) -> Answer {
        direct(&self.running, "GET", path, &[], "").await.unwrap()
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        direct(&self.running, "POST", path, &[FORM], encoded(fields))
            .await
            .unwrap()
    }

    async fn token(&self, fields: &[(&str, &str)]) -> Answer {
        self.post(&format!("/{TENANT}/oauth2/v2.0/token"), fields)
            .await
    }

    /// Asks for a code, the usual request with `changes`.
    async fn authorize(&self, changes: &[(&str, &str)]) -> Answer {
        self.authorize_at(TENANT, changes).await
    }

    async fn authorize_at(&self, authority: &str, changes: &[(&str, &str)]) -> Answer {
        let challenge = challenge();
        let usual = [
            ("client_id", CLIENT),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
            ("scope", SCOPE),
            ("state", "a state"),
            ("nonce", "a nonce"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
            ("client_info", "1"),
        ];
        let query = encoded(&with(&usual, changes));
        self.get(&format!("/{authority}/oauth2/v2.0/authorize?{query}"))
            .await
    }

    /// A code for the usual request.
    async fn code(&self, changes: &[(&str, &str)]) -> String {
        let answer = self.authorize(changes).await;
        parameter(&answer, "code").unwrap_or_else(|| panic!("{answer:?}"))
    }

    /// Redeems `code`, the usual request with `changes`.
    async fn redeem(&self, code: &str, changes: &[(&str, &str)]) -> Answer {
        let usual = [
            ("grant_type", "authorization_code"),
            ("client_id", CLIENT),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
            ("client_info", "1"),
        ];
        self.token(&with(&usual, changes)).await
    }

    /// Tokens by way of the browser.
    async fn signed_in(&self, changes: &[(&str, &str)]) -> Json {
        let code = self.code(changes).await;
        let answer = self.redeem(&code, &[]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    async fn refresh(&self, token: &str, changes: &[(&str, &str)]) -> Answer {
        let usual = [
            ("grant_type", "refresh_token"),
            ("client_id", CLIENT),
            ("refresh_token", token),
            ("scope", SCOPE),
        ];
        self.token(&with(&usual, changes)).await
    }
}

/// What the browser is sent back with.
fn parameter(answer: &Answer, name: &str) -> Option<String> {
    let location = Url::parse(answer.header("location")?).unwrap();
    location
        .query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// The AADSTS number, and the OAuth error before it.
fn refusal(answer: &Answer) -> (String, i64) {
    let body = answer.json();
    assert!(answer.status >= 400, "{body}");
    (
        body["error"].as_str().unwrap().to_owned(),
        body["error_codes"][0].as_i64().unwrap(),
    )
}

fn refused(answer: &Answer, error: &str, code: i64) {
    assert_eq!(refusal(answer), (error.to_owned(), code));
}

/// The same of a browser that was sent back.
fn sent_back(answer: &Answer, error: &str, code: i64) {
    assert_eq!(answer.status, 302, "{answer:?}");
    assert_eq!(parameter(answer, "error").as_deref(), Some(error));
    assert_eq!(parameter(answer, "state").as_deref(), Some("a state"));
    let description = parameter(answer, "error_description").unwrap();
    assert!(
        description.starts_with(&format!("AADSTS{code}: ")),
        "{description}"
    );
    assert_eq!(parameter(answer, "code"), None);
}

/// The same of a browser that stays where it is.
fn on_a_page(answer: &Answer, code: i64) {
    assert_eq!(answer.header("location"), None, "{answer:?}");
    assert_eq!(
        answer.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(
        answer.text().contains(&format!("AADSTS{code}: ")),
        "{}",
        answer.text()
    );
}

fn claims(token: &Json) -> Json {
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}
