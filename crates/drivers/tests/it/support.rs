//! A driver whose tokens, ids, clock and answers are scripted.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use defender_core::{
    AccessToken, Credential, DataEnvironment, ManualClock, Result, Scope, TokenRequest,
};
use defender_drivers::{
    Collections, CollectionsDescription, Connection, Description, Hunting, RequestIds,
};
use defender_http::{Answer, Jitter, Retry, RetryPolicy, ScriptedTransport};

/// Hands out a new token whenever the last one was refused.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    pub(crate) requests: Mutex<Vec<TokenRequest>>,
    /// Hands out the same one again.
    pub(crate) stubborn: bool,
}

#[async_trait]
impl Credential for Tokens {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        self.requests.lock().unwrap().push(request.clone());
        let fresh = request.refused.is_some() && !self.stubborn;
        let text = if fresh { "canary-2" } else { "canary-1" };
        Ok(AccessToken::new(
            text.to_owned(),
            SystemTime::UNIX_EPOCH + Duration::from_hours(1),
        ))
    }
}

#[derive(Debug, Default)]
struct Counted(AtomicU32);

impl RequestIds for Counted {
    fn next(&self) -> String {
        let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        format!("00000000-0000-0000-0000-{number:012}")
    }
}

pub(crate) struct Bench<D = Hunting> {
    pub(crate) driver: D,
    pub(crate) transport: ScriptedTransport,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) clock: Arc<ManualClock>,
}

pub(crate) fn bench(description: Description, answers: impl IntoIterator<Item = Answer>) -> Bench {
    bench_with(description, answers, Tokens::default())
}

pub(crate) fn bench_with(
    description: Description,
    answers: impl IntoIterator<Item = Answer>,
    tokens: Tokens,
) -> Bench {
    let url = "https://api.example/v1.0/run";
    let driver = |connection| Hunting::new(description, connection);
    connected(url, answers, tokens, driver)
}

/// The collections below `https://api.example/{version}`.
pub(crate) fn collections(
    description: CollectionsDescription,
    answers: impl IntoIterator<Item = Answer>,
) -> Bench<Arc<Collections>> {
    let url = match description.environment {
        DataEnvironment::Mde => "https://api.example/api",
        _ => "https://api.example/v1.0",
    };
    connected(url, answers, Tokens::default(), |connection| {
        Arc::new(Collections::new(description, connection))
    })
}

fn connected<D>(
    url: &str,
    answers: impl IntoIterator<Item = Answer>,
    tokens: Tokens,
    driver: impl FnOnce(Connection) -> D,
) -> Bench<D> {
    answered(url, ScriptedTransport::new(answers), tokens, driver)
}

/// The same with a script of the caller's.
pub(crate) fn answered<D>(
    url: &str,
    transport: ScriptedTransport,
    tokens: Tokens,
    driver: impl FnOnce(Connection) -> D,
) -> Bench<D> {
    let tokens = Arc::new(tokens);
    let clock = Arc::new(ManualClock::new(SystemTime::UNIX_EPOCH));
    let mut connection = Connection::new(
        url.parse().unwrap(),
        Scope::default_of("https://audience.example"),
        Arc::new(transport.clone()),
        tokens.clone(),
    );
    connection.tenant = Some("contoso.example".to_owned());
    connection.retry = Retry {
        jitter: Jitter::Fixed(0.0),
        ..Retry::new(RetryPolicy::default(), clock.clone())
    };
    connection.ids = Arc::new(Counted::default());
    Bench {
        driver: driver(connection),
        transport,
        tokens,
        clock,
    }
}
