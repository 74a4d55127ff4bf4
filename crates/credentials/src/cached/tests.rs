//! Tests of the token cache: when it asks, who waits, what it hands out.

use std::sync::atomic::{AtomicUsize, Ordering};

use defender_core::{ErrorKind, ExposeSecret, ManualClock};
use tokio::sync::Notify;
use tokio::task::yield_now;

use super::*;

/// Hands out `token-1`, `token-2` and so on; fails, or waits for the gate, when told so.
#[derive(Debug)]
struct Issuer {
    clock: Arc<ManualClock>,
    lifetime: Duration,
    asked: AtomicUsize,
    failing: Mutex<Option<ErrorKind>>,
    gate: Mutex<Option<Arc<Notify>>>,
}

impl Issuer {
    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn fail(&self, kind: Option<ErrorKind>) {
        *self.failing.lock().unwrap() = kind;
    }
}

#[async_trait]
impl Credential for Issuer {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let gate = self.gate.lock().unwrap().clone();
        if let Some(gate) = gate.filter(|_| !request.scope.as_str().starts_with("open")) {
            gate.notified().await;
        }
        if let Some(kind) = *self.failing.lock().unwrap() {
            return Err(Error::new(kind, format!("failure {number}"))
                .with_code("AADSTS7000215")
                .with_source("the cause"));
        }
        let expires_at = self.clock.now() + self.lifetime;
        Ok(AccessToken::new(format!("token-{number}"), expires_at))
    }
}

struct Setting {
    clock: Arc<ManualClock>,
    issuer: Arc<Issuer>,
    cached: Arc<Cached<Arc<Issuer>>>,
}

fn setting(lifetime: u64) -> Setting {
    let clock = Arc::new(ManualClock::new(SystemTime::UNIX_EPOCH));
    let issuer = Arc::new(Issuer {
        clock: clock.clone(),
        lifetime: seconds(lifetime),
        asked: AtomicUsize::new(0),
        failing: Mutex::default(),
        gate: Mutex::default(),
    });
    let cached = Arc::new(Cached::new(issuer.clone(), clock.clone() as Arc<dyn Clock>));
    Setting {
        clock,
        issuer,
        cached,
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn request(scope: &str) -> TokenRequest {
    TokenRequest::new(Scope::new(scope))
}

impl Setting {
    async fn text(&self, request: &TokenRequest) -> Result<String> {
        let token = self.cached.token(request).await?;
        Ok(token.secret.expose_secret().to_owned())
    }

    /// Closes the gate; whoever asks the issuer waits for it.
    fn close(&self) -> Arc<Notify> {
        let gate = Arc::new(Notify::new());
        *self.issuer.gate.lock().unwrap() = Some(gate.clone());
        gate
    }
}

#[tokio::test]
async fn a_token_is_kept_until_five_minutes_before_its_end() {
    let setting = setting(3600);
    let request = request("a");
    assert_eq!(setting.text(&request).await.unwrap(), "token-1");
    setting.clock.advance(seconds(3299));
    assert_eq!(setting.text(&request).await.unwrap(), "token-1");
    setting.clock.advance(seconds(1));
    assert_eq!(setting.text(&request).await.unwrap(), "token-2");
    assert_eq!(setting.issuer.asked(), 2);
}

#[tokio::test]
async fn a_short_lived_token_is_renewed_at_half_its_life() {
    let setting = setting(400);
    let request = request("a");
    setting.text(&request).await.unwrap();
    setting.clock.advance(seconds(199));
    assert_eq!(setting.text(&request).await.unwrap(), "token-1");
    setting.clock.advance(seconds(1));
    assert_eq!(setting.text(&request).await.unwrap(), "token-2");
}

#[tokio::test]
async fn scopes_tenants_and_claims_have_tokens_of_their_own() {
    let setting = setting(3600);
    let tenant = |tenant: &str| TokenRequest {
        tenant: Some(tenant.into()),
        ..request("a")
    };
    let challenged = TokenRequest {
        claims: Some("{}".into()),
        ..request("a")
    };
    for _ in 0..2 {
        assert_eq!(setting.text(&request("a")).await.unwrap(), "token-1");
        assert_eq!(setting.text(&request("b")).await.unwrap(), "token-2");
        assert_eq!(setting.text(&tenant("T1")).await.unwrap(), "token-3");
        assert_eq!(setting.text(&tenant("t1")).await.unwrap(), "token-3");
        assert_eq!(setting.text(&challenged).await.unwrap(), "token-4");
    }
    assert_eq!(setting.issuer.asked(), 4);
}

#[tokio::test]
async fn a_hundred_callers_make_one_request() {
    let setting = setting(3600);
    let gate = setting.close();
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let cached = setting.cached.clone();
            tokio::spawn(async move { cached.token(&request("a")).await.map(|token| token.id) })
        })
        .collect();
    while setting.issuer.asked() == 0 {
        yield_now().await;
    }
    gate.notify_one();
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap(), TokenId::of("token-1"));
    }
    assert_eq!(setting.issuer.asked(), 1);
}

#[tokio::test]
async fn a_hundred_callers_share_one_failure() {
    let setting = setting(3600);
    setting.issuer.fail(Some(ErrorKind::Credential));
    let gate = setting.close();
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let cached = setting.cached.clone();
            tokio::spawn(async move { cached.token(&request("a")).await.unwrap_err() })
        })
        .collect();
    // One run of the queue of this single thread: every caller has begun to wait.
    while setting.issuer.asked() == 0 {
        yield_now().await;
    }
    yield_now().await;
    gate.notify_one();
    for caller in callers {
        let error = caller.await.unwrap();
        assert_eq!(error.to_string(), "failure 1");
        assert_eq!(error.kind(), ErrorKind::Credential);
        assert_eq!(error.code(), Some("AADSTS7000215"));
        let cause = std::error::Error::source(&error).unwrap();
        assert_eq!(cause.to_string(), "the cause");
    }
    assert_eq!(setting.issuer.asked(), 1);
    // The failure is not kept for who comes later.
    setting.issuer.fail(None);
    gate.notify_one();
    assert_eq!(setting.text(&request("a")).await.unwrap(), "token-2");
}

#[tokio::test]
async fn other_scopes_are_not_held_up() {
    let setting = setting(3600);
    let gate = setting.close();
    let cached = setting.cached.clone();
    let waiting =
        tokio::spawn(async move { cached.token(&request("a")).await.map(|token| token.id) });
    while setting.issuer.asked() == 0 {
        yield_now().await;
    }
    assert_eq!(setting.text(&request("open")).await.unwrap(), "token-2");
    assert!(!waiting.is_finished());
    gate.notify_one();
    assert_eq!(waiting.await.unwrap().unwrap(), TokenId::of("token-1"));
}

#[tokio::test]
async fn a_cancelled_leader_is_followed_by_the_next() {
    let setting = setting(3600);
    let gate = setting.close();
    let ask = || {
        let cached = setting.cached.clone();
        tokio::spawn(async move { cached.token(&request("a")).await.map(|token| token.id) })
    };
    let leader = ask();
    while setting.issuer.asked() == 0 {
        yield_now().await;
    }
    let follower = ask();
    yield_now().await;
    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());
    while setting.issuer.asked() == 1 {
        yield_now().await;
    }
    gate.notify_one();
    assert_eq!(follower.await.unwrap().unwrap(), TokenId::of("token-2"));
    assert_eq!(setting.issuer.asked(), 2);
}

#[tokio::test]
async fn while_one_caller_renews_the_others_go_on_with_the_old_token() {
    let setting = setting(3600);
    setting.text(&request("a")).await.unwrap();
    setting.clock.advance(seconds(3400));
    let gate = setting.close();
    let cached = setting.cached.clone();
    let renewing =
        tokio::spawn(async move { cached.token(&request("a")).await.map(|token| token.id) });
    while setting.issuer.asked() == 1 {
        yield_now().await;
    }
    assert_eq!(setting.text(&request("a")).await.unwrap(), "token-1");
    gate.notify_one();
    assert_eq!(renewing.await.unwrap().unwrap(), TokenId::of("token-2"));
    assert_eq!(setting.text(&request("a")).await.unwrap(), "token-2");
}

#[tokio::test]
async fn a_failed_renewal_leaves_the_old_token_until_its_end() {
    let setting = setting(3600);
    let request = request("a");
    setting.text(&request).await.unwrap();
    setting.clock.advance(seconds(3400));
    setting.issuer.fail(Some(ErrorKind::Service));
    assert_eq!(setting.text(&request).await.unwrap(), "token-1");
    assert_eq!(setting.issuer.asked(), 2);
    // For half a minute nobody asks again.
    setting.clock.advance(seconds(29));
    assert_eq!(setting.text(&request).await.unwrap(), "token-1");
    assert_eq!(setting.issuer.asked(), 2);
    setting.clock.advance(seconds(1));
    assert_eq!(setting.text(&request).await.unwrap(), "token-1");
    assert_eq!(setting.issuer.asked(), 3);
    setting.clock.advance(seconds(170));
    let error = setting.text(&request).await.unwrap_err();
    assert_eq!(error.to_string(), "failure 4");
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let setting = setting(3600);
    let first = setting.cached.token(&request("a")).await.unwrap();
    let refused = TokenRequest {
        refused: Some(first.id),
        ..request("a")
    };
    assert_eq!(setting.text(&refused).await.unwrap(), "token-2");
    // Whoever held the old token as well gets the current one without a request.
    assert_eq!(setting.text(&refused).await.unwrap(), "token-2");
    assert_eq!(setting.text(&request("a")).await.unwrap(), "token-2");
    assert_eq!(setting.issuer.asked(), 2);
}

#[tokio::test]
async fn a_refused_token_is_not_handed_out_when_there_is_no_other() {
    let setting = setting(3600);
    let first = setting.cached.token(&request("a")).await.unwrap();
    setting.issuer.fail(Some(ErrorKind::Service));
    let refused = TokenRequest {
        refused: Some(first.id),
        ..request("a")
    };
    assert_eq!(
        setting.text(&refused).await.unwrap_err().kind(),
        ErrorKind::Service
    );
}

#[tokio::test]
async fn ended_tokens_are_forgotten() {
    let setting = setting(60);
    for tenant in 0..10 {
        let request = TokenRequest {
            tenant: Some(tenant.to_string()),
            ..request("a")
        };
        setting.text(&request).await.unwrap();
    }
    assert_eq!(locked(&setting.cached.slots).len(), 10);
    setting.clock.advance(seconds(60));
    setting.text(&request("a")).await.unwrap();
    assert_eq!(locked(&setting.cached.slots).len(), 1);
}
