//! Keeps tokens until shortly before they end.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use defender_core::{AccessToken, Clock, Credential, Error, Result, Scope, TokenId, TokenRequest};

/// How long before its end a token is renewed.
const MARGIN: Duration = Duration::from_mins(5);

/// How long a failed early renewal is left alone while the old token is still valid.
const PAUSE: Duration = Duration::from_secs(30);

/// Keeps the tokens of a credential until shortly before they end; itself a credential.
///
/// - A token is renewed five minutes before its end; one that lives less than ten, at half its
///   life. While one caller renews it, the others go on with the old one, and so does everybody
///   for half a minute when the renewal fails.
/// - However many callers want a token for the same scope, tenant and claims at once, one
///   request is made; the others wait for it and share its outcome, an error included. Other
///   scopes and tenants are not held up. When the one caller is cancelled, the next takes over.
/// - A refused token that is no longer the current one costs no request: the current one is
///   handed out. A refused current one is replaced.
///
/// ```
/// # use std::sync::Arc;
/// # use defender_core::{Clock, Credential};
/// use defender_credentials::Cached;
///
/// fn renewing<C: Credential>(credential: C, clock: Arc<dyn Clock>) -> impl Credential {
///     Cached::new(credential, clock)
/// }
/// ```
pub struct Cached<C> {
    inner: C,
    clock: Arc<dyn Clock>,
    margin: Duration,
    slots: Mutex<HashMap<Key, Arc<Slot>>>,
}

impl<C> Cached<C> {
    /// Keeps the tokens of `inner`.
    pub fn new(inner: C, clock: Arc<dyn Clock>) -> Self {
        Self::with_margin(inner, clock, MARGIN)
    }

    /// Keeps the tokens of `inner` and renews them `margin` before their end.
    pub fn with_margin(inner: C, clock: Arc<dyn Clock>, margin: Duration) -> Self {
        Self {
            inner,
            clock,
            margin,
            slots: Mutex::default(),
        }
    }

    fn slot(&self, request: &TokenRequest) -> Arc<Slot> {
        let key = Key {
            scope: request.scope.clone(),
            tenant: request.tenant.as_deref().map(str::to_ascii_lowercase),
            claims: request.claims.clone(),
        };
        let mut slots = locked(&self.slots);
        if let Some(slot) = slots.get(&key) {
            return Arc::clone(slot);
        }
        // A new key is the moment to forget the ended ones; those in use have a second owner.
        let now = self.clock.now();
        slots.retain(|_, slot| Arc::strong_count(slot) > 1 || slot.is_valid(now));
        Arc::clone(slots.entry(key).or_default())
    }
}

#[async_trait]
impl<C: Credential> Credential for Cached<C> {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let slot = self.slot(request);
        let (standing, flights) = slot.look(self.clock.now(), request.refused);
        let _flight = match standing {
            Standing::Fresh(token) => return Ok(token),
            Standing::Ending(token) => match slot.flight.try_lock() {
                Ok(flight) => flight,
                Err(_) => return Ok(token),
            },
            Standing::Missing => {
                let flight = slot.flight.lock().await;
                if let Some(outcome) = slot.landed_since(flights, self.clock.now(), request.refused)
                {
                    return outcome;
                }
                flight
            }
        };
        let start = self.clock.now();
        match self.inner.token(request).await {
            Ok(token) => {
                slot.keep(&token, start, self.margin);
                Ok(token)
            }
            Err(error) => match slot.fail(&error, self.clock.now(), request.refused) {
                Some(old) => {
                    tracing::warn!(%error, scope = %request.scope, "a token could not be renewed early");
                    Ok(old)
                }
                None => Err(error),
            },
        }
    }
}

impl<C: fmt::Debug> fmt::Debug for Cached<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached")
            .field("inner", &self.inner)
            .field("margin", &self.margin)
            .finish_non_exhaustive()
    }
}

#[derive(PartialEq, Eq, Hash)]
struct Key {
    scope: Scope,
    tenant: Option<String>,
    claims: Option<String>,
}

/// One token: what is known of it, and the right to ask for the next.
#[derive(Default)]
struct Slot {
    state: Mutex<State>,
    flight: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    token: Option<(AccessToken, SystemTime)>,
    /// How many requests have ended, so that who waited for one knows that it did.
    flights: u64,
    /// What the last of them failed with.
    failure: Option<Error>,
}

enum Standing {
    Fresh(AccessToken),
    /// Valid, but time to renew it.
    Ending(AccessToken),
    Missing,
}

impl State {
    fn standing(&self, now: SystemTime, refused: Option<TokenId>) -> Standing {
        match &self.token {
            Some((token, _)) if refused == Some(token.id) || token.expires_at <= now => {
                Standing::Missing
            }
            Some((token, renew_at)) if *renew_at <= now => Standing::Ending(token.clone()),
            Some((token, _)) => Standing::Fresh(token.clone()),
            None => Standing::Missing,
        }
    }
}

impl Slot {
    fn look(&self, now: SystemTime, refused: Option<TokenId>) -> (Standing, u64) {
        let state = locked(&self.state);
        (state.standing(now, refused), state.flights)
    }

    fn is_valid(&self, now: SystemTime) -> bool {
        let state = locked(&self.state);
        matches!(&state.token, Some((token, _)) if token.expires_at > now)
    }

    /// What a request brought that ended since there were `flights`, if it answers ours.
    fn landed_since(
        &self,
        flights: u64,
        now: SystemTime,
        refused: Option<TokenId>,
    ) -> Option<Result<AccessToken>> {
        let state = locked(&self.state);
        match state.standing(now, refused) {
            Standing::Fresh(token) | Standing::Ending(token) => Some(Ok(token)),
            Standing::Missing if state.flights == flights => None,
            Standing::Missing => state.failure.clone().map(Err),
        }
    }

    fn keep(&self, token: &AccessToken, start: SystemTime, margin: Duration) {
        let lifetime = token.expires_at.duration_since(start).unwrap_or_default();
        let renew_at = token.expires_at - margin.min(lifetime / 2);
        let mut state = locked(&self.state);
        state.token = Some((token.clone(), renew_at));
        state.flights += 1;
        state.failure = None;
    }

    /// Notes a failure; the old token, when it can still be used.
    fn fail(
        &self,
        error: &Error,
        now: SystemTime,
        refused: Option<TokenId>,
    ) -> Option<AccessToken> {
        let mut state = locked(&self.state);
        state.flights += 1;
        state.failure = Some(error.clone());
        match state.standing(now, refused) {
            Standing::Fresh(token) | Standing::Ending(token) => {
                state.token = Some((token.clone(), now + PAUSE));
                Some(token)
            }
            Standing::Missing => None,
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
