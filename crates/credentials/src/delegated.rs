//! Signs in as a user: silently where that is possible, by asking a person where it is not.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use defender_core::{
    AccessToken, Credential, Error, ErrorKind, ExposeSecret, Result, SecretString, TokenRequest,
};

use crate::token_store::usable;
use crate::{
    Account, Kept, KeptToken, MemoryStore, NewTokens, Owner, PublicClient, SignIn, SignInRequest,
    TokenStore,
};

/// How long a refused refresh token's successor is waited for: another process that was faster
/// redeems it first and keeps the newer one then.
const WAITS: [Duration; 4] = [
    Duration::from_millis(50),
    Duration::from_millis(150),
    Duration::from_millis(300),
    Duration::from_millis(500),
];

/// How many refresh tokens are tried: of many processes each may replace it once.
const MOST_TRIED: usize = 8;

/// What there is to say about a user's sign-in besides the way.
#[derive(Clone, Debug, Default)]
pub struct DelegatedOptions {
    /// Who must sign in; another account is an error. `None`: who is signed in, or anybody.
    pub username: Option<String>,
    /// Whether the sign-in page lets the person choose among accounts.
    pub select_account: bool,
}

/// Signs in as a user: silently where that is possible, by asking a person where it is not.
///
/// A token that is kept comes first, then a kept refresh token, for whatever scope; when the
/// authority wants to see the person, or nobody is signed in, `sign_in` asks them. A person who
/// is signed in to another tenant of the same authority is not asked again for this one unless
/// the authority wants it. Scopes take their turn, so that nobody is asked twice at once; put
/// [`Cached`](crate::Cached) around it all the same: it spares the store.
///
/// A store that fails is gone round: the tokens are then kept in memory.
///
/// # Errors
///
/// Of [`Credential::token`]:
/// - `Config`: several accounts are signed in and no setting says which is meant.
/// - `Credential`: the authority or the person refused, another account than
///   [`DelegatedOptions::username`] signed in, or a person is needed and nobody may be asked.
/// - otherwise as of any credential.
#[derive(Debug)]
pub struct Delegated {
    client: PublicClient,
    sign_in: Arc<dyn SignIn>,
    store: Arc<dyn TokenStore>,
    /// What the store did not take.
    fallback: MemoryStore,
    options: DelegatedOptions,
    turn: tokio::sync::Mutex<()>,
}

/// How a silent attempt ended.
enum Silent {
    Token(AccessToken),
    /// A person is needed: for whom, and why.
    Person(Option<Account>, Option<Error>),
}

impl Delegated {
    /// Users of `client`, who sign in by `sign_in` (or not at all: [`NoInput`](crate::NoInput))
    /// and whose tokens `store` keeps.
    pub fn new(
        client: PublicClient,
        sign_in: Arc<dyn SignIn>,
        store: Arc<dyn TokenStore>,
        options: DelegatedOptions,
    ) -> Self {
        Self {
            fallback: MemoryStore::new(Arc::clone(client.clock())),
            client,
            sign_in,
            store,
            options,
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// Asks a person to sign in although somebody may be signed in already, as `login` does.
    ///
    /// # Errors
    ///
    /// As [`Credential::token`].
    pub async fn sign_in(&self, request: &TokenRequest) -> Result<(AccessToken, Option<Account>)> {
        let _turn = self.turn.lock().await;
        self.ask(request, None, None).await
    }

    /// The accounts that are signed in with this application, the newest last; only the one that
    /// the options name, if they do.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] when the store cannot be read.
    pub async fn accounts(&self) -> Result<Vec<Account>> {
        let mut kept = self.store.kept().await?;
        kept.extend(self.fallback.kept().await?);
        let mine = self.mine(&kept).into_iter();
        Ok(distinct(
            mine.filter_map(|kept| kept.owner.account.as_ref()),
        ))
    }

    /// What the store keeps, and what it did not take.
    async fn kept(&self) -> Vec<Kept> {
        let mut kept = self.store.kept().await.unwrap_or_else(|error| {
            tracing::debug!(%error, "no kept tokens");
            Vec::new()
        });
        // Last, since what is here is newer than what the store has of the same owner.
        kept.extend(self.fallback.kept().await.unwrap_or_default());
        kept
    }

    async fn keep(&self, owner: &Owner, tokens: NewTokens) {
        if let Err(error) = self.store.keep(owner, tokens.clone()).await {
            tracing::debug!(%error, "tokens are kept in memory only");
            // The memory does not fail.
            let _ = self.fallback.keep(owner, tokens).await;
        }
    }

    /// What is kept of the users that are meant, by this application in this tenant.
    fn mine<'k>(&self, kept: &'k [Kept]) -> Vec<&'k Kept> {
        let application = self.application();
        self.wanted(kept)
            .filter(|kept| kept.owner.is_same_application(&application))
            .collect()
    }

    /// What is kept of the users that are meant, by this application in whatever tenant.
    fn wanted<'k>(&self, kept: &'k [Kept]) -> impl Iterator<Item = &'k Kept> {
        let application = self.application();
        kept.iter().filter(move |kept| {
            let owner = &kept.owner;
            let meant = |account: &Account| {
                let username = self.options.username.as_deref();
                username.is_none_or(|username| account.is_named(username))
            };
            owner.authority == application.authority
                && owner.client_id == application.client_id
                && owner.account.as_ref().is_some_and(meant)
        })
    }

    fn application(&self) -> Owner {
        Owner::application(self.client.authority(), self.client.client_id())
    }

    /// The one account that is meant, and what is kept of it, the newest last.
    fn chosen<'k>(&self, kept: &'k [Kept]) -> Result<Option<(Account, Vec<&'k Kept>)>> {
        let here = self.mine(kept);
        let candidates = if here.is_empty() {
            self.wanted(kept).collect()
        } else {
            here
        };
        let accounts = distinct(
            candidates
                .iter()
                .filter_map(|kept| kept.owner.account.as_ref()),
        );
        match accounts.as_slice() {
            [] => Ok(None),
            [account] => {
                let of_account = |kept: &&Kept| {
                    let owner = kept.owner.account.as_ref();
                    owner.is_some_and(|owner| owner.home_id == account.home_id)
                };
                let kept = candidates.into_iter().filter(of_account).collect();
                Ok(Some((account.clone(), kept)))
            }
            several => {
                let names: Vec<_> = several.iter().map(|one| one.username.as_str()).collect();
                Err(Error::new(
                    ErrorKind::Config,
                    format!("several accounts are signed in: {}", names.join(", ")),
                )
                .with_hint("say which one is meant with username, or log the others out"))
            }
        }
    }

    /// A kept token, without network.
    fn at_hand(&self, kept: &[Kept], request: &TokenRequest) -> Result<Option<AccessToken>> {
        let Some((_, mine)) = self.chosen(kept)? else {
            return Ok(None);
        };
        let application = self.application();
        let now = self.client.clock().now();
        Ok(mine
            .into_iter()
            .rev()
            .filter(|kept| kept.owner.is_same_application(&application))
            .find_map(|kept| usable(kept, request, now)))
    }

    /// A token without asking a person.
    async fn silently(&self, request: &TokenRequest) -> Result<Silent> {
        let mut tried: Vec<SecretString> = Vec::new();
        let mut reason: Option<Error> = None;
        let mut raced = false;
        let mut waits = WAITS.iter();
        loop {
            let kept = self.kept().await;
            let Some((account, mine)) = self.chosen(&kept)? else {
                return Ok(Silent::Person(None, reason));
            };
            if let Some(token) = self.at_hand(&kept, request)? {
                return Ok(Silent::Token(token));
            }
            let newest = mine.iter().rev().find_map(|kept| {
                let token = kept.refresh_token.as_ref()?;
                Some((&kept.owner, token))
            });
            let Some((owner, token)) = newest else {
                return Ok(Silent::Person(Some(account), reason));
            };
            // Another process may have put a newer one there in the meantime; otherwise it stays
            // refused.
            if tried.iter().any(|old| same(old, token)) {
                // Whoever was faster has the newer one before the store does.
                if raced && let Some(wait) = waits.next() {
                    self.client.clock().sleep(*wait).await;
                    continue;
                }
                return Ok(Silent::Person(Some(account), reason));
            }
            let refused = match self.client.refresh(request, token).await {
                Ok(grant) => {
                    let home = Owner::user(
                        self.client.authority(),
                        self.client.client_id(),
                        account.clone(),
                    );
                    if let Some(identity) = &grant.identity
                        && identity.account.home_id != account.home_id
                    {
                        return Err(other_account(&identity.account, &account.username));
                    }
                    if !owner.is_same(&home) {
                        let newer = NewTokens {
                            refresh_token: grant.refresh_token.clone(),
                            access_token: None,
                        };
                        self.keep(owner, newer).await;
                    }
                    let tokens = NewTokens {
                        // The old one is good for here as well, should there be no newer.
                        refresh_token: grant.refresh_token.or_else(|| Some(token.clone())),
                        access_token: KeptToken::of(request, &grant.access_token),
                    };
                    self.keep(&home, tokens).await;
                    return Ok(Silent::Token(grant.access_token));
                }
                Err(refused) => refused,
            };
            let person = matches!(
                refused.name.as_deref(),
                Some(
                    "invalid_grant"
                        | "interaction_required"
                        | "login_required"
                        | "consent_required"
                )
            );
            if !person {
                return Err(refused.error);
            }
            raced = refused.name.as_deref() == Some("invalid_grant");
            tried.push(token.clone());
            reason = Some(refused.error);
            if tried.len() == MOST_TRIED {
                return Ok(Silent::Person(Some(account), reason));
            }
        }
    }

    /// Asks a person, and keeps what comes of it.
    async fn ask(
        &self,
        request: &TokenRequest,
        account: Option<&Account>,
        reason: Option<&Error>,
    ) -> Result<(AccessToken, Option<Account>)> {
        let username = self.options.username.as_deref();
        let expected = username.or(account.map(|account| account.username.as_str()));
        let signed_in = self
            .sign_in
            .sign_in(&SignInRequest {
                token: request,
                username: expected,
                select_account: self.options.select_account,
                reason,
            })
            .await?;
        let who = match (&signed_in.account, expected) {
            (Some(who), Some(expected)) => {
                let same = account.is_some_and(|account| account.home_id == who.home_id);
                if !same && !who.is_named(expected) {
                    return Err(other_account(who, expected));
                }
                who
            }
            (Some(who), None) => who,
            (None, Some(expected)) => {
                return Err(Error::new(
                    ErrorKind::Protocol,
                    format!("the authority does not say whether it was {expected} who signed in"),
                )
                .with_url(self.client.authority().base()));
            }
            (None, None) => return Ok((signed_in.access_token, None)),
        };
        let owner = Owner::user(
            self.client.authority(),
            self.client.client_id(),
            who.clone(),
        );
        let tokens = NewTokens {
            refresh_token: signed_in.refresh_token.clone(),
            access_token: KeptToken::of(request, &signed_in.access_token),
        };
        self.keep(&owner, tokens).await;
        Ok((signed_in.access_token, signed_in.account))
    }
}

#[async_trait]
impl Credential for Delegated {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let _turn = self.turn.lock().await;
        match self.silently(request).await? {
            Silent::Token(token) => Ok(token),
            Silent::Person(account, reason) => {
                let asked = self.ask(request, account.as_ref(), reason.as_ref()).await?;
                Ok(asked.0)
            }
        }
    }
}

fn same(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}

fn distinct<'a>(accounts: impl Iterator<Item = &'a Account>) -> Vec<Account> {
    let mut distinct: Vec<Account> = Vec::new();
    for account in accounts {
        distinct.retain(|known| known.home_id != account.home_id);
        distinct.push(account.clone());
    }
    distinct
}

fn other_account(who: &Account, expected: &str) -> Error {
    Error::new(
        ErrorKind::Credential,
        format!("{who} signed in, but the sign-in is for {expected}"),
    )
    .with_hint(format!(
        "choose {expected} on the sign-in page, or change username in the settings"
    ))
}

#[cfg(test)]
mod tests;
