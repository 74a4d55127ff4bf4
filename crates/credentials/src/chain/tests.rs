//! Tests of the chain: when it goes on, when it stops, and whom it stays with.

use std::sync::Mutex;
use std::time::SystemTime;

use defender_core::Scope;

use super::*;

/// Answers from a list, and counts.
#[derive(Debug)]
struct Member {
    answers: Mutex<Vec<Result<&'static str>>>,
    asked: Mutex<usize>,
}

fn member(answers: impl IntoIterator<Item = Result<&'static str>>) -> Arc<Member> {
    let mut answers: Vec<_> = answers.into_iter().collect();
    answers.reverse();
    Arc::new(Member {
        answers: Mutex::new(answers),
        asked: Mutex::new(0),
    })
}

#[async_trait]
impl Credential for Member {
    async fn token(&self, _: &TokenRequest) -> Result<AccessToken> {
        *self.asked.lock().unwrap() += 1;
        let answer = self.answers.lock().unwrap().pop().unwrap();
        answer.map(|text| AccessToken::new(text.to_owned(), SystemTime::UNIX_EPOCH))
    }
}

fn absent(what: &str) -> Result<&'static str> {
    Err(Error::new(ErrorKind::Config, what)
        .with_hint(format!("install {what}"))
        .not_configured())
}

fn failing(what: &str) -> Result<&'static str> {
    Err(Error::new(ErrorKind::Credential, what).with_code("AADSTS1"))
}

fn chain(members: [&Arc<Member>; 3]) -> Chain {
    let names = ["first", "second", "third"];
    Chain::new(
        names
            .into_iter()
            .zip(members)
            .map(|(name, member)| (name, Arc::clone(member) as Arc<dyn Credential>)),
    )
}

/// The message, and what it came of.
fn causes(error: &Error) -> Vec<String> {
    let first: &dyn std::error::Error = error;
    std::iter::successors(Some(first), |error| error.source())
        .map(ToString::to_string)
        .collect()
}

fn request() -> TokenRequest {
    TokenRequest::new(Scope::default_of("https://graph.microsoft.com"))
}

#[tokio::test]
async fn the_first_that_is_configured_is_kept() {
    let first = member([absent("a")]);
    let second = member([Ok("x"), failing("signed out"), absent("b")]);
    let third = member([]);
    let chain = chain([&first, &second, &third]);
    assert_eq!(chain.winner(), None);
    chain.token(&request()).await.unwrap();
    assert_eq!(chain.winner(), Some("second"));
    // From now on nobody else is asked, whatever the winner says.
    let error = chain.token(&request()).await.unwrap_err();
    assert_eq!(error.to_string(), "signed out");
    let error = chain.token(&request()).await.unwrap_err();
    assert_eq!(error.to_string(), "b");
    let asked = [&first, &second, &third].map(|member| *member.asked.lock().unwrap());
    assert_eq!(asked, [1, 3, 0]);
}

#[tokio::test]
async fn a_real_failure_ends_the_search_and_says_who_was_passed() {
    let (first, third) = (member([absent("no variables")]), member([]));
    let second = member([failing("refused"), Ok("x")]);
    let chain = chain([&first, &second, &third]);
    let error = chain.token(&request()).await.unwrap_err();
    assert_eq!(
        causes(&error),
        [
            "second: refused",
            "passed over before it, first: no variables"
        ]
    );
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Credential, Some("AADSTS1"))
    );
    assert!(!error.is_not_configured());
    assert_eq!((chain.winner(), *third.asked.lock().unwrap()), (None, 0));
}

#[tokio::test]
async fn when_nobody_is_configured_everybody_is_heard() {
    let members = ["a", "b", "c"].map(|what| member([absent(what)]));
    let [first, second, third] = &members;
    let error = chain([first, second, third])
        .token(&request())
        .await
        .unwrap_err();
    assert_eq!(
        causes(&error),
        [
            "no way to sign in is configured",
            "first: a",
            "second: b",
            "third: c"
        ]
    );
    assert_eq!(
        error.hint(),
        Some("first: install a; second: install b; third: install c")
    );
    // A chain may be a member of another.
    assert!(error.is_not_configured());
    let nobody: [(&str, Arc<dyn Credential>); 0] = [];
    let error = Chain::new(nobody).token(&request()).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no credential to sign in with");
}

/// Is not configured, and takes as long to say so as the gate is closed.
#[derive(Debug)]
struct Slow(Arc<tokio::sync::Notify>);

#[async_trait]
impl Credential for Slow {
    async fn token(&self, _: &TokenRequest) -> Result<AccessToken> {
        self.0.notified().await;
        Err(absent("slow").unwrap_err())
    }
}

#[tokio::test]
async fn who_waited_for_another_call_of_a_cached_member_goes_on_as_that_one_does() {
    let gate = Arc::new(tokio::sync::Notify::new());
    let clock = || Arc::new(defender_core::ManualClock::new(SystemTime::UNIX_EPOCH));
    let second = member([Ok("token"), Ok("token")]);
    let members: [(&str, Arc<dyn Credential>); 2] = [
        (
            "first",
            Arc::new(crate::Cached::new(Slow(gate.clone()), clock())),
        ),
        ("second", second),
    ];
    let chain = Chain::new(members);
    let request = request();
    let opened = async {
        // Both callers are at the gate of the first member by now.
        tokio::task::yield_now().await;
        gate.notify_one();
    };
    let (one, other, ()) = tokio::join!(chain.token(&request), chain.token(&request), opened);
    for outcome in [one, other] {
        assert_eq!(outcome.unwrap().id, defender_core::TokenId::of("token"));
    }
}
