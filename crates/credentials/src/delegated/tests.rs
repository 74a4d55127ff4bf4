//! Tests of signing in as a user: what goes silently, who is asked, what is kept.

use std::sync::Mutex;
use std::time::Duration;

use defender_core::{ManualClock, TokenId};
use defender_http::{Answer, ScriptedTransport};
use tokio::sync::Notify;
use tokio::task::yield_now;

use super::*;
use crate::token_store::Selection;
use crate::user_tests::{client, client_in, granted, graph, manual, now, refused, vault};
use crate::{Cached, NoInput, SignedIn};

const ANA: &str = "ana@contoso.example";
const BEN: &str = "ben@contoso.example";

/// A person who signs in as `0`, and what they were asked.
#[derive(Debug)]
struct Person(&'static str, Mutex<Vec<String>>);

impl Person {
    fn named(name: &'static str) -> Arc<Self> {
        Arc::new(Self(name, Mutex::default()))
    }

    fn asked(&self) -> Vec<String> {
        self.1.lock().unwrap().clone()
    }
}

fn account(name: &str) -> Account {
    Account::new(name, format!("uid-{name}.home"))
}

#[async_trait]
impl SignIn for Person {
    async fn sign_in(&self, request: &SignInRequest<'_>) -> Result<SignedIn> {
        let reason = request.reason.and_then(Error::code).unwrap_or("-");
        let hint = request.username.unwrap_or("-");
        let (scope, choose) = (&request.token.scope, request.select_account);
        let asked = format!("{scope} {hint} {choose} {reason}");
        self.1.lock().unwrap().push(asked);
        Ok(SignedIn {
            access_token: AccessToken::new(
                "canary-access-of-person".into(),
                now() + Duration::from_hours(1),
            ),
            refresh_token: Some("canary-refresh-0".into()),
            account: Some(account(self.0)),
        })
    }
}

struct Setting {
    clock: Arc<ManualClock>,
    transport: ScriptedTransport,
    store: Arc<MemoryStore>,
}

fn setting(answers: impl IntoIterator<Item = Answer>) -> Setting {
    let clock = manual();
    Setting {
        transport: ScriptedTransport::new(answers),
        store: Arc::new(MemoryStore::new(clock.clone())),
        clock,
    }
}

impl Setting {
    fn delegated(&self, person: Arc<dyn SignIn>, username: Option<&str>) -> Delegated {
        self.over(self.store.clone(), person, username)
    }

    fn over(
        &self,
        store: Arc<dyn TokenStore>,
        person: Arc<dyn SignIn>,
        username: Option<&str>,
    ) -> Delegated {
        let options = DelegatedOptions {
            username: username.map(str::to_owned),
            ..DelegatedOptions::default()
        };
        let client = client(&self.transport, self.clock.clone());
        Delegated::new(client, person, store, options)
    }

    /// Somebody is signed in already, with a refresh token of this number.
    async fn signed_in(&self, name: &str, number: u32) {
        let client = client(&self.transport, self.clock.clone());
        let owner = Owner::user(client.authority(), client.client_id(), account(name));
        let tokens = NewTokens {
            refresh_token: Some(format!("canary-refresh-{number}").into()),
            access_token: None,
        };
        self.store.keep(&owner, tokens).await.unwrap();
    }

    /// The refresh tokens that were sent.
    fn redeemed(&self) -> Vec<String> {
        let field = |form: Vec<(String, String)>| {
            let pair = form.into_iter().find(|(name, _)| name == "refresh_token");
            pair.map(|(_, value)| value).unwrap_or_default()
        };
        let requests = self.transport.requests();
        requests.iter().map(|sent| field(sent.form())).collect()
    }
}

async fn text(delegated: &Delegated, request: &TokenRequest) -> Result<String> {
    let token = delegated.token(request).await?;
    Ok(token.secret.expose_secret().to_owned())
}

#[tokio::test]
async fn a_person_is_asked_once_for_all_scopes() {
    let setting = setting([granted(ANA, 1, ""), granted(ANA, 2, "")]);
    let person = Person::named(ANA);
    let delegated = setting.delegated(person.clone(), None);
    assert_eq!(
        text(&delegated, &graph()).await.unwrap(),
        "canary-access-of-person"
    );
    assert_eq!(
        text(&delegated, &graph()).await.unwrap(),
        "canary-access-of-person"
    );
    assert_eq!(text(&delegated, &vault()).await.unwrap(), "canary-access-1");
    assert_eq!(text(&delegated, &vault()).await.unwrap(), "canary-access-1");
    setting.clock.advance(Duration::from_secs(3301));
    assert_eq!(text(&delegated, &graph()).await.unwrap(), "canary-access-2");
    assert_eq!(
        person.asked(),
        ["https://graph.microsoft.com/.default - false -"]
    );
    // Each renewal went with the newest.
    assert_eq!(setting.redeemed(), ["canary-refresh-0", "canary-refresh-1"]);
    setting.transport.assert_finished();
}

#[tokio::test]
async fn a_renewal_is_a_form_with_the_scope_that_is_wanted() {
    let setting = setting([granted(ANA, 2, "")]);
    setting.signed_in(ANA, 1).await;
    let delegated = setting.delegated(Arc::new(NoInput), None);
    text(&delegated, &vault()).await.unwrap();
    let form = setting.transport.requests()[0].form();
    let names: Vec<_> = form.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "client_id",
            "client_info",
            "grant_type",
            "scope",
            "refresh_token"
        ]
    );
    assert_eq!(form[2].1, "refresh_token");
    assert_eq!(
        form[3].1,
        "https://vault.azure.net/.default offline_access openid profile"
    );
}

#[tokio::test]
async fn another_credential_over_the_same_store_asks_nobody() {
    let setting = setting([granted(ANA, 1, "")]);
    let first = setting.delegated(Person::named(ANA), Some(ANA));
    text(&first, &graph()).await.unwrap();
    drop(first);
    let second = setting.delegated(Arc::new(NoInput), Some("ANA@Contoso.Example"));
    assert_eq!(
        text(&second, &graph()).await.unwrap(),
        "canary-access-of-person"
    );
    assert_eq!(text(&second, &vault()).await.unwrap(), "canary-access-1");
}

#[tokio::test]
async fn a_refused_renewal_asks_the_person_and_says_why() {
    for (name, number) in [("invalid_grant", 700_082), ("interaction_required", 50076)] {
        let setting = setting([refused(name, number, "no")]);
        setting.signed_in(ANA, 1).await;
        let person = Person::named(ANA);
        let delegated = setting.delegated(person.clone(), None);
        assert_eq!(
            text(&delegated, &graph()).await.unwrap(),
            "canary-access-of-person"
        );
        assert_eq!(
            person.asked(),
            [format!(
                "https://graph.microsoft.com/.default {ANA} false AADSTS{number}"
            )]
        );
    }
}

#[tokio::test]
async fn another_failure_asks_nobody() {
    let setting = setting([
        Answer::new(503),
        refused("invalid_client", 700_016, "no app"),
    ]);
    setting.signed_in(ANA, 1).await;
    let person = Person::named(ANA);
    let delegated = setting.delegated(person.clone(), None);
    let error = text(&delegated, &graph()).await.unwrap_err();
    assert!(error.is_transient());
    let error = text(&delegated, &graph()).await.unwrap_err();
    assert_eq!(error.code(), Some("AADSTS700016"));
    assert!(person.asked().is_empty());
}

#[tokio::test]
async fn where_nobody_may_be_asked_it_says_to_log_in() {
    let setting = setting([refused("invalid_grant", 700_082, "expired")]);
    let delegated = setting.delegated(Arc::new(NoInput), None);
    let error = text(&delegated, &graph()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credential);
    assert_eq!(
        error.to_string(),
        "nobody is signed in, and nobody may be asked"
    );
    let hint = "run `defender login` first, where a person can sign in";
    assert_eq!(error.hint(), Some(hint));

    setting.signed_in(ANA, 1).await;
    let error = text(&delegated, &graph()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the kept sign-in is of no use any more, and nobody may be asked"
    );
    assert_eq!(
        (error.code(), error.hint()),
        (Some("AADSTS700082"), Some(hint))
    );
}

#[tokio::test]
async fn another_account_than_the_settings_name_is_an_error() {
    let setting = setting([]);
    let delegated = setting.delegated(Person::named(BEN), Some(ANA));
    let error = text(&delegated, &graph()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credential);
    assert_eq!(
        error.to_string(),
        "ben@contoso.example signed in, but the sign-in is for ana@contoso.example"
    );
    // Nothing is kept of who was not meant.
    assert!(setting.store.kept().await.unwrap().is_empty());
    let meant = setting.delegated(Person::named(BEN), Some(" BEN@Contoso.example"));
    meant.token(&graph()).await.unwrap();
}

#[tokio::test]
async fn a_renewal_for_another_account_is_an_error() {
    let setting = setting([granted(BEN, 2, "")]);
    setting.signed_in(ANA, 1).await;
    let delegated = setting.delegated(Person::named(ANA), None);
    let error = text(&delegated, &graph()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "ben@contoso.example signed in, but the sign-in is for ana@contoso.example"
    );
}

#[tokio::test]
async fn of_several_accounts_one_must_be_meant() {
    let setting = setting([granted(BEN, 3, "")]);
    setting.signed_in(ANA, 1).await;
    setting.signed_in(BEN, 2).await;
    let person = Person::named(ANA);
    let any = setting.delegated(person.clone(), None);
    let error = text(&any, &graph()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(
        error.to_string(),
        "several accounts are signed in: ana@contoso.example, ben@contoso.example"
    );
    assert_eq!(any.accounts().await.unwrap(), [account(ANA), account(BEN)]);
    let ben = setting.delegated(person.clone(), Some(BEN));
    assert_eq!(text(&ben, &graph()).await.unwrap(), "canary-access-3");
    assert_eq!(setting.redeemed(), ["canary-refresh-2"]);
    assert_eq!(ben.accounts().await.unwrap(), [account(BEN)]);
    assert!(person.asked().is_empty());
}

#[tokio::test]
async fn a_login_asks_although_somebody_is_signed_in() {
    let setting = setting([]);
    setting.signed_in(ANA, 1).await;
    let person = Person::named(BEN);
    let delegated = setting.delegated(person.clone(), None);
    let (_, who) = delegated.sign_in(&graph()).await.unwrap();
    assert_eq!(who, Some(account(BEN)));
    assert_eq!(person.asked().len(), 1);
    let selection = Selection {
        username: Some("BEN@contoso.example".into()),
        ..Selection::default()
    };
    let gone = setting.store.forget(&selection).await.unwrap();
    assert_eq!(gone.len(), 1);
    assert_eq!(delegated.accounts().await.unwrap(), [account(ANA)]);
}

#[tokio::test]
async fn who_is_signed_in_to_one_tenant_is_not_asked_for_the_next() {
    let setting = setting([granted(ANA, 2, ""), granted(ANA, 3, "")]);
    setting.signed_in(ANA, 1).await;
    let client = client_in(
        "customer.example",
        &setting.transport,
        setting.clock.clone(),
    );
    let options = DelegatedOptions::default();
    let customer = Delegated::new(client, Arc::new(NoInput), setting.store.clone(), options);
    assert_eq!(text(&customer, &graph()).await.unwrap(), "canary-access-2");
    let home = setting.delegated(Arc::new(NoInput), None);
    assert_eq!(text(&home, &graph()).await.unwrap(), "canary-access-3");
    let paths: Vec<_> = setting
        .transport
        .requests()
        .iter()
        .map(|sent| sent.url.path().to_owned())
        .collect();
    assert!(paths[0].starts_with("/customer.example/"), "{paths:?}");
    // The newer token is home's as well: the authority may have ended the old one.
    assert_eq!(setting.redeemed(), ["canary-refresh-1", "canary-refresh-2"]);
}

#[tokio::test]
async fn a_refused_access_token_and_a_challenge_get_new_ones() {
    let setting = setting([granted(ANA, 1, ""), granted(ANA, 2, "")]);
    let delegated = setting.delegated(Person::named(ANA), None);
    let first = delegated.token(&graph()).await.unwrap();
    let refused = TokenRequest {
        refused: Some(first.id),
        ..graph()
    };
    assert_eq!(text(&delegated, &refused).await.unwrap(), "canary-access-1");
    let challenged = TokenRequest {
        claims: Some("{\"access_token\":{}}".into()),
        ..graph()
    };
    assert_eq!(
        text(&delegated, &challenged).await.unwrap(),
        "canary-access-2"
    );
    let sent = setting.transport.requests()[1].form();
    assert_eq!(sent.last().unwrap().0, "claims");
    // What answered a challenge is not handed to who comes without one.
    assert_eq!(text(&delegated, &graph()).await.unwrap(), "canary-access-1");
}

#[tokio::test]
async fn what_another_process_has_renewed_meanwhile_is_used() {
    let setting = setting([]);
    setting.signed_in(ANA, 1).await;
    let store = setting.store.clone();
    let clock = setting.clock.clone();
    // While the old token is being refused, another process puts the newer one in the store.
    let transport = ScriptedTransport::answering(move |sent| {
        if sent.text().contains("canary-refresh-1") {
            let client = client(&ScriptedTransport::new([]), clock.clone());
            let owner = Owner::user(client.authority(), client.client_id(), account(ANA));
            let tokens = NewTokens {
                refresh_token: Some("canary-refresh-2".into()),
                access_token: None,
            };
            let keep = store.keep(&owner, tokens);
            futures_block(keep).unwrap();
            return refused("invalid_grant", 700_082, "replaced");
        }
        granted(ANA, 3, "")
    });
    let setting = Setting {
        transport,
        ..setting
    };
    let person = Person::named(ANA);
    let delegated = setting.delegated(person.clone(), None);
    assert_eq!(text(&delegated, &graph()).await.unwrap(), "canary-access-3");
    assert_eq!(setting.redeemed(), ["canary-refresh-1", "canary-refresh-2"]);
    assert!(person.asked().is_empty());
}

/// Runs what never waits.
fn futures_block<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("it waits"),
    }
}

/// A store that is broken.
#[derive(Debug)]
struct Broken;

#[async_trait]
impl TokenStore for Broken {
    async fn kept(&self) -> Result<Vec<Kept>> {
        Err(Error::new(ErrorKind::Io, "no disk"))
    }

    async fn keep(&self, _: &Owner, _: NewTokens) -> Result<()> {
        Err(Error::new(ErrorKind::Io, "no disk"))
    }

    async fn forget(&self, _: &Selection) -> Result<Vec<Owner>> {
        Err(Error::new(ErrorKind::Io, "no disk"))
    }
}

#[tokio::test]
async fn a_broken_store_is_gone_round() {
    let setting = setting([granted(ANA, 1, ""), granted(ANA, 2, "")]);
    let person = Person::named(ANA);
    let delegated = setting.over(Arc::new(Broken), person.clone(), None);
    text(&delegated, &graph()).await.unwrap();
    assert_eq!(text(&delegated, &vault()).await.unwrap(), "canary-access-1");
    setting.clock.advance(Duration::from_hours(1));
    assert_eq!(text(&delegated, &graph()).await.unwrap(), "canary-access-2");
    assert_eq!(setting.redeemed(), ["canary-refresh-0", "canary-refresh-1"]);
    assert_eq!(person.asked().len(), 1);
}

#[tokio::test]
async fn eight_callers_at_the_end_of_a_token_make_one_request() {
    let gate = Arc::new(Notify::new());
    let setting = setting([granted(ANA, 1, "").held_by(gate.clone())]);
    let person = Person::named(ANA);
    let delegated = setting.delegated(person.clone(), None);
    let cached = Arc::new(Cached::new(
        delegated,
        setting.clock.clone() as Arc<dyn defender_core::Clock>,
    ));
    cached.token(&graph()).await.unwrap();
    setting.clock.advance(Duration::from_hours(1));
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let cached = cached.clone();
            tokio::spawn(async move { cached.token(&graph()).await.map(|token| token.id) })
        })
        .collect();
    while setting.transport.requests().is_empty() {
        yield_now().await;
    }
    yield_now().await;
    gate.notify_one();
    for caller in callers {
        assert_eq!(
            caller.await.unwrap().unwrap(),
            TokenId::of("canary-access-1")
        );
    }
    assert_eq!(setting.transport.requests().len(), 1);
    assert_eq!(person.asked().len(), 1);
}

#[tokio::test]
async fn two_scopes_at_once_ask_the_person_once() {
    let setting = setting([granted(ANA, 1, "")]);
    let person = Person::named(ANA);
    let delegated = setting.delegated(person.clone(), None);
    let (graph, vault) = (graph(), vault());
    let (one, two) = tokio::join!(delegated.token(&graph), delegated.token(&vault));
    assert_eq!(
        one.unwrap().secret.expose_secret(),
        "canary-access-of-person"
    );
    assert_eq!(two.unwrap().secret.expose_secret(), "canary-access-1");
    assert_eq!(person.asked().len(), 1);
}

#[tokio::test]
async fn an_id_token_for_somebody_else_is_refused() {
    for (change, to, message) in [
        (
            crate::user_tests::CLIENT,
            "another-application",
            "the id token is meant for another application",
        ),
        (
            crate::user_tests::TENANT,
            "99999999-1111-1111-1111-111111111111",
            "the id token is of another tenant than was asked",
        ),
    ] {
        let payload = format!(
            r#"{{"aud":"{}","tid":"{}","oid":"o","preferred_username":"{ANA}"}}"#,
            crate::user_tests::CLIENT,
            crate::user_tests::TENANT
        );
        let id_token = crate::claims::token_with(&payload.replace(change, to));
        let body = format!(r#"{{"access_token":"a","expires_in":60,"id_token":"{id_token}"}}"#);
        let setting = setting([Answer::json(200, body)]);
        setting.signed_in(ANA, 1).await;
        let delegated = setting.delegated(Arc::new(NoInput), None);
        let error = text(&delegated, &graph()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::Protocol, message)
        );
    }
}

#[tokio::test]
async fn nothing_secret_is_shown() {
    let setting = setting([refused(
        "invalid_client",
        1,
        "canary-refresh-1 Y2FuYXJ5LXJlZnJlc2gtMQ==",
    )]);
    setting.signed_in(ANA, 1).await;
    let delegated = setting.delegated(Person::named(ANA), None);
    let error = text(&delegated, &graph()).await.unwrap_err();
    let kept = setting.store.kept().await.unwrap();
    let (_, who) = delegated.sign_in(&graph()).await.unwrap();
    let shown = format!("{error} {error:?} {delegated:?} {kept:?} {who:?}");
    assert!(
        shown.contains("sign-in refused: AADSTS1: REDACTED REDACTED"),
        "{shown}"
    );
    assert!(!shown.contains("canary"), "{shown}");
}

/// A clock whose sleeps give another process the time to keep what it redeemed.
#[derive(Debug)]
struct Meanwhile {
    sleeps: Mutex<u32>,
    store: Arc<dyn TokenStore>,
    owner: Owner,
    number: u32,
}

#[async_trait]
impl defender_core::Clock for Meanwhile {
    fn now(&self) -> std::time::SystemTime {
        now()
    }

    async fn sleep(&self, _: Duration) {
        let sleeps = {
            let mut sleeps = self.sleeps.lock().unwrap();
            *sleeps += 1;
            *sleeps
        };
        if sleeps == 2 {
            let tokens = NewTokens {
                refresh_token: Some(format!("canary-refresh-{}", self.number).into()),
                access_token: None,
            };
            self.store.keep(&self.owner, tokens).await.unwrap();
        }
    }
}

/// Loses with the store `mine` against somebody who keeps what they redeemed in `theirs`.
async fn lost_race(mine: Arc<dyn TokenStore>, theirs: Arc<dyn TokenStore>) {
    let setting = setting([
        refused("invalid_grant", 700_082, "used"),
        granted(ANA, 3, ""),
    ]);
    let known = client(&setting.transport, setting.clock.clone());
    let owner = Owner::user(known.authority(), known.client_id(), account(ANA));
    let tokens = |number: u32| NewTokens {
        refresh_token: Some(format!("canary-refresh-{number}").into()),
        access_token: None,
    };
    theirs.keep(&owner, tokens(1)).await.unwrap();
    let clock = Arc::new(Meanwhile {
        sleeps: Mutex::default(),
        store: theirs.clone(),
        owner,
        number: 2,
    });
    let person = Person::named(ANA);
    let delegated = Delegated::new(
        client(&setting.transport, clock),
        person.clone(),
        mine,
        DelegatedOptions::default(),
    );
    assert_eq!(text(&delegated, &graph()).await.unwrap(), "canary-access-3");
    assert_eq!(setting.redeemed(), ["canary-refresh-1", "canary-refresh-2"]);
    assert!(person.asked().is_empty());
    // What it redeemed itself is there for whoever loses the next race.
    let kept = theirs.kept().await.unwrap();
    let refresh = kept[0].refresh_token.as_ref().unwrap();
    assert_eq!(refresh.expose_secret(), "canary-refresh-3");
}

#[tokio::test]
async fn the_loser_of_a_race_waits_for_the_token_of_the_winner() {
    let store = Arc::new(MemoryStore::new(manual()));
    lost_race(store.clone(), store).await;
}

/// Two processes have a store each, and one file.
#[cfg(feature = "token-cache")]
#[tokio::test]
async fn the_loser_of_a_race_reads_the_winners_token_from_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = || {
        let told = Arc::new(crate::user_tests::Told::default());
        let path = folder.path().join("tokens");
        Arc::new(crate::FileStore::new(path, manual(), told.clone()))
    };
    lost_race(store(), store()).await;
}
