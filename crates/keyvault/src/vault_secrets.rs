//! The resolver that fetches secrets from vaults and leaves the others to another.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use defender_core::{
    AccessToken, Body, Credential, Error, ErrorKind, ExposeSecret, Redaction, Result, SecretRef,
    SecretResolver, SecretString, TokenRequest, Transport,
};
use defender_http::{Retry, read_at_most};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::response::Parts;
use http::{HeaderValue, StatusCode};
use httpdate::fmt_http_date;
use serde::Deserialize;
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::Vaults;
use crate::challenge::Challenge;
use crate::location::Location;
use crate::refusal::{self, Refusal};

/// More than any secret, which has 25 kB at most.
const LONGEST_ANSWER: usize = 256 * 1024;

/// Source: <https://learn.microsoft.com/azure/key-vault/secrets/about-secrets>
const LONGEST_SECRET: usize = 25_000;

/// How often one attempt may ask: without a token, with one, with the one that was asked for
/// instead.
const ROUNDS: usize = 3;

/// Fetches the secrets of [`SecretRef::Vault`] from Azure Key Vault, each once, and leaves every
/// other reference to the resolver it was given.
///
/// However many callers want a secret at once, it is fetched once and kept as long as this value
/// lives; different secrets are fetched side by side. A failure is not kept: the next caller
/// tries again.
///
/// Below the suffix of the [`Vaults`] a token of their scope goes out with the first request. Any
/// other host is asked without one, and gets a token only for a resource that its own host is
/// below.
///
/// # Errors
///
/// Of [`resolve`](SecretResolver::resolve); each names the setting, the vault and the secret:
/// - `Config`: no such secret, an empty, disabled or expired one, a vault or a name that is none.
/// - `Permission`: the vault does not let this identity read; the hint says what is missing.
/// - `Credential`: the authority or the vault refuses the identity.
/// - `Throttled`, `Service`, `Transport`: after as many attempts as the [`Retry`] makes.
/// - `Protocol`: something answered that is no vault.
///
/// Source: <https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret>
pub struct VaultSecrets {
    vaults: Vaults,
    credential: Arc<dyn Credential>,
    transport: Arc<dyn Transport>,
    retry: Retry,
    otherwise: Arc<dyn SecretResolver>,
    kept: Mutex<HashMap<String, Arc<OnceCell<SecretString>>>>,
}

impl VaultSecrets {
    /// Fetches from `vaults` as `credential`; `otherwise` resolves what is in no vault.
    ///
    /// `retry` brings the clock that says whether a secret has expired.
    pub fn new(
        vaults: Vaults,
        credential: Arc<dyn Credential>,
        transport: Arc<dyn Transport>,
        retry: Retry,
        otherwise: Arc<dyn SecretResolver>,
    ) -> Self {
        Self {
            vaults,
            credential,
            transport,
            retry,
            otherwise,
            kept: Mutex::default(),
        }
    }

    /// Gives the secret that `reference` names a new version with this value.
    ///
    /// Needs the permission `set`, which nothing else here does.
    ///
    /// # Errors
    ///
    /// As [`resolve`](SecretResolver::resolve), and `Config` when `reference` is in no vault, names
    /// a version, or names a secret that was deleted and can still be recovered.
    ///
    /// Source: <https://learn.microsoft.com/rest/api/keyvault/secrets/set-secret/set-secret>
    pub async fn set(&self, reference: &SecretRef, value: &SecretString) -> Result<()> {
        let SecretRef::Vault {
            vault,
            name,
            version: None,
            setting,
        } = reference
        else {
            return Err(Error::new(
                ErrorKind::Config,
                "only a secret in a Key Vault can be written, and no version of one",
            )
            .with_hint("name it as vault/name"));
        };
        let location = self.vaults.location(vault.as_ref(), name, None, setting)?;
        if value.expose_secret().is_empty() || value.expose_secret().len() > LONGEST_SECRET {
            return Err(Error::new(
                ErrorKind::Config,
                format!("{location} cannot be given this value"),
            )
            .with_hint("a secret has 1 to 25,000 bytes"));
        }
        self.retry
            .run(async |_| self.attempt(&location, setting, Some(value)).await)
            .await
            .map_err(|error| reference.redaction().error(error))?;
        let slot = Arc::new(OnceCell::new_with(Some(value.clone())));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(location.key(), slot);
        Ok(())
    }

    fn slot(&self, location: &Location) -> Arc<OnceCell<SecretString>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(kept.entry(location.key()).or_default())
    }

    /// One whole attempt: tokens, requests, judgement, reading. With a `value` it is written.
    async fn attempt(
        &self,
        location: &Location,
        setting: &str,
        value: Option<&SecretString>,
    ) -> Result<SecretString> {
        let mut request = self
            .vaults
            .hold(location)
            .then(|| TokenRequest::new(self.vaults.scope.clone()));
        let mut round = 1;
        loop {
            let token = match &request {
                None => None,
                Some(request) => Some(self.credential.token(request).await.map_err(|error| {
                    let host = location.shown_host();
                    error.within(format!(
                        "cannot sign in to the Key Vault {host} for {setting}"
                    ))
                })?),
            };
            let Received {
                head,
                body,
                id,
                gate,
            } = self.send(location, setting, token.as_ref(), value).await?;
            if head.status.is_success() {
                let read = self.read(head, body, location, setting).await;
                return read.map_err(|error| gate.error(error.with_client_request_id(id)));
            }
            let refusal = Refusal::read(&read_at_most(body, refusal::LONGEST).await, &gate);
            let challenge = Challenge::of(&head.headers);
            let next = match &challenge {
                Some(challenge) if head.status == StatusCode::UNAUTHORIZED && round < ROUNDS => {
                    next(
                        challenge,
                        request.as_ref(),
                        token.as_ref(),
                        &refusal,
                        location,
                    )
                    .map_err(|resource| gate.error(foreign(resource, location, setting)))?
                }
                _ => None,
            };
            let Some(next) = next else {
                let now = self.retry.clock.now();
                let writes = value.is_some();
                let error =
                    refusal.error(&head, location, setting, challenge.as_ref(), writes, now);
                return Err(gate.error(error.with_client_request_id(id)));
            };
            request = Some(next);
            round += 1;
        }
    }

    async fn send(
        &self,
        location: &Location,
        setting: &str,
        token: Option<&AccessToken>,
        value: Option<&SecretString>,
    ) -> Result<Received> {
        let url = location.url();
        let unusable = || {
            Error::new(
                ErrorKind::Config,
                format!("{location}, named by {setting}, cannot be asked for"),
            )
        };
        let id = Uuid::new_v4().to_string();
        let (mut request, body) = match value {
            None => (http::Request::get(url.as_str()), Bytes::new()),
            // The value goes out with a token only, not with the call that asks for the challenge.
            Some(value) => {
                let text = token.map_or("", |_| value.expose_secret());
                let body = serde_json::json!({ "value": text }).to_string();
                let request =
                    http::Request::put(url.as_str()).header(CONTENT_TYPE, "application/json");
                (request, Bytes::from(body))
            }
        };
        request = request
            .header(ACCEPT, "application/json")
            .header("x-ms-client-request-id", &id);
        let mut request = request.body(body).map_err(|_| unusable())?;
        if let Some(token) = token {
            let bearer = format!("Bearer {}", token.secret.expose_secret());
            let mut bearer = HeaderValue::from_str(&bearer).map_err(|_| unusable())?;
            bearer.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, bearer);
        }
        let mut gate = Redaction::of_request(&request);
        if let Some(value) = value {
            gate = gate.and(value);
        }
        tracing::debug!(%location, authorized = token.is_some(), client_request_id = id, "asking a vault");
        let answer = self.transport.send(request).await.map_err(|error| {
            gate.error(error)
                .reworded(|text| format!("{text}, fetching {location}, named by {setting}"))
        })?;
        let (head, body) = answer.into_parts();
        Ok(Received {
            head,
            body,
            id,
            gate,
        })
    }

    async fn read(
        &self,
        head: Parts,
        body: Body,
        location: &Location,
        setting: &str,
    ) -> Result<SecretString> {
        let body = body.collect(LONGEST_ANSWER).await.map_err(|error| {
            error.reworded(|text| format!("{text}, fetching {location}, named by {setting}"))
        })?;
        // The parser's words are left out: they quote.
        let wire: SecretWire = serde_json::from_slice(&body).map_err(|_| {
            Error::new(
                ErrorKind::Protocol,
                format!(
                    "{} answered with no secret, for {setting}",
                    location.shown_host()
                ),
            )
            .with_status(head.status.as_u16())
            .with_url(&location.url())
            .with_hint("check the vault's address; a proxy may have answered instead")
        })?;
        let wrong = |what: &str| {
            Error::new(
                ErrorKind::Config,
                format!("{location}, named by {setting}, {what}"),
            )
            .with_url(&location.url())
        };
        let now = self.retry.clock.now();
        let attributes = wire.attributes.unwrap_or_default();
        if attributes.enabled == Some(false) {
            return Err(wrong("is disabled").with_hint(format!("enable it, or change {setting}")));
        }
        // The service hands these out all the same, for recovery and for tests.
        if let Some(end) = attributes.exp.and_then(instant).filter(|end| *end <= now) {
            return Err(wrong(&format!("expired on {}", fmt_http_date(end)))
                .with_hint("give it a new version, or a later date of expiry"));
        }
        if let Some(start) = attributes
            .nbf
            .and_then(instant)
            .filter(|start| *start > now)
        {
            return Err(
                wrong(&format!("is good from {} on only", fmt_http_date(start)))
                    .with_hint("change the secret's activation date, or wait"),
            );
        }
        match wire.value {
            Some(value) if !value.expose_secret().is_empty() => Ok(value),
            _ => Err(wrong("is empty").with_hint("give the secret a value")),
        }
    }
}

/// What came back, and the gate that every word of it passes before anybody reads it.
struct Received {
    head: Parts,
    body: Body,
    /// This client's id of the request.
    id: String,
    gate: Redaction,
}

/// The token to try after this 401, if any; the resource, when it is not the vault's.
fn next<'a>(
    challenge: &'a Challenge,
    asked: Option<&TokenRequest>,
    token: Option<&AccessToken>,
    refusal: &Refusal,
    location: &Location,
) -> Result<Option<TokenRequest>, &'a str> {
    let scope = challenge.scope(location)?;
    let (Some(asked), Some(token)) = (asked, token) else {
        return Ok(scope.map(TokenRequest::new));
    };
    if let Some(scope) = scope.filter(|scope| *scope != asked.scope) {
        return Ok(Some(TokenRequest::new(scope)));
    }
    if challenge.claims.is_some() && challenge.claims != asked.claims {
        return Ok(Some(TokenRequest {
            claims: challenge.claims.clone(),
            ..asked.clone()
        }));
    }
    // A token that had been kept may have been withdrawn meanwhile; a fresh one is tried once.
    if asked.refused.is_some() || refusal.is_final() {
        return Ok(None);
    }
    Ok(Some(TokenRequest {
        refused: Some(token.id),
        ..asked.clone()
    }))
}

fn foreign(resource: &str, location: &Location, setting: &str) -> Error {
    let resource: String = resource
        .chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect();
    Error::new(
        ErrorKind::Config,
        format!(
            "{}, named by {setting}, asks for a token for '{resource}', to which it does not \
             belong; no token was sent",
            location.shown_host()
        ),
    )
    .with_url(&location.url())
    .with_hint("check the vault's address")
}

fn instant(seconds: u64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

#[derive(Deserialize)]
struct SecretWire {
    value: Option<SecretString>,
    attributes: Option<AttributesWire>,
}

/// Times are seconds of Unix.
#[derive(Default, Deserialize)]
struct AttributesWire {
    enabled: Option<bool>,
    exp: Option<u64>,
    nbf: Option<u64>,
}

#[async_trait]
impl SecretResolver for VaultSecrets {
    async fn resolve(&self, reference: &SecretRef) -> Result<SecretString> {
        let SecretRef::Vault {
            vault,
            name,
            version,
            setting,
        } = reference
        else {
            return self.otherwise.resolve(reference).await;
        };
        let location = self
            .vaults
            .location(vault.as_ref(), name, version.as_ref(), setting)?;
        let slot = self.slot(&location);
        let fetch = || {
            self.retry
                .run(async |_| self.attempt(&location, setting, None).await)
        };
        let secret = slot.get_or_try_init(fetch).await.cloned();
        // Addresses hold the names, which may be secrets in the wrong place.
        secret.map_err(|error| reference.redaction().error(error))
    }
}

impl fmt::Debug for VaultSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VaultSecrets")
            .field("vaults", &self.vaults)
            .field("credential", &self.credential)
            .field("otherwise", &self.otherwise)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
