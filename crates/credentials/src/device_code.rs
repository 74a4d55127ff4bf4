//! Signs users in with a code that they enter on another device.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use defender_core::{
    AccessToken, Credential, Error, ErrorKind, ExposeSecret, Redaction, Result, SecretString,
    TokenRequest, is_loopback,
};
use serde::Deserialize;
use url::Url;

use crate::grant::{Grant, scopes};
use crate::refusal::readable;
use crate::seconds::Seconds;
use crate::token_endpoint::Refused;
use crate::{DeviceCodePrompt, PublicClient, SignIn, SignInPrompt, SignInRequest, SignedIn};

/// How long to wait between polls when the authority does not say.
const INTERVAL: Duration = Duration::from_secs(5);

/// What `slow_down` adds to every wait from then on.
const SLOWER: Duration = Duration::from_secs(5);

/// What an authority may ask for; more is cut to it.
const LONGEST_INTERVAL: Duration = Duration::from_mins(5);
const LONGEST_LIFE: Duration = Duration::from_hours(24);

/// Signs users in with a code that they enter on another device.
///
/// Each call asks a person; [`Delegated`](crate::Delegated) remembers them. Waiting is done by
/// the clock of the client, and dropping the future ends it. A poll that does not get through
/// is repeated more slowly until the code has expired.
///
/// # Errors
///
/// Of [`SignIn::sign_in`]: `Credential` when the person declines, the code expires or the
/// authority refuses; `Protocol` when the authority's answer is none.
///
/// Source: <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code>
#[derive(Debug)]
pub struct DeviceCode {
    client: PublicClient,
    prompt: Arc<dyn SignInPrompt>,
}

impl DeviceCode {
    /// Users of `client`, who are told their code by `prompt`.
    pub fn new(client: PublicClient, prompt: Arc<dyn SignInPrompt>) -> Self {
        Self { client, prompt }
    }

    /// Asks for a code.
    async fn begin(&self, request: &TokenRequest) -> Result<Begun> {
        let endpoint = &self.client.endpoint;
        let tenant = request.tenant.as_deref();
        let url = self.client.authority().endpoint_url(tenant, "devicecode")?;
        let scopes = scopes(request);
        let form = [
            ("client_id", self.client.client_id()),
            ("scope", scopes.as_str()),
        ];
        let posted = endpoint.post(url, &form, None).await;
        let posted = posted.map_err(|refused| refused.error)?;
        let Ok(wire) = serde_json::from_slice::<BegunWire>(&posted.body) else {
            return Err(posted.unexpected("holds no device code"));
        };
        let Some(verification_uri) = address(&wire.verification_uri) else {
            return Err(posted.unexpected("sends people to an address that is not https"));
        };
        let user_code = readable(&wire.user_code);
        if wire.device_code.is_empty() || user_code.is_empty() {
            return Err(posted.unexpected("holds no device code"));
        }
        let life = wire.expires_in.duration().unwrap_or_default();
        let interval = wire.interval.as_ref().and_then(Seconds::duration);
        let device_code = SecretString::from(wire.device_code);
        // The person needs the short code, and the words around it come from outside.
        let message = Redaction::of([&device_code]).apply(&wire.message);
        Ok(Begun {
            device_code,
            interval: interval
                .unwrap_or(INTERVAL)
                .clamp(Duration::from_secs(1), LONGEST_INTERVAL),
            prompt: DeviceCodePrompt {
                message: match readable(&message) {
                    message if message.is_empty() => {
                        format!("open {verification_uri} and enter the code {user_code}")
                    }
                    message => message,
                },
                user_code,
                verification_uri,
                expires_at: posted.start + life.min(LONGEST_LIFE),
            },
        })
    }

    /// Asks whether the person has entered the code, until they have.
    async fn wait(&self, request: &TokenRequest, begun: &Begun) -> Result<Grant> {
        let clock = self.client.clock();
        let mut interval = begun.interval;
        let mut wait = interval;
        let mut last = None;
        loop {
            let left = begun.prompt.expires_at.duration_since(clock.now());
            let Some(left) = left.ok().filter(|left| !left.is_zero()) else {
                return Err(expired(last));
            };
            clock.sleep(wait.min(left)).await;
            let refused = match self.poll(request, &begun.device_code).await {
                Ok(grant) => return Ok(grant),
                Err(refused) => refused,
            };
            wait = interval;
            match refused.name.as_deref() {
                Some("authorization_pending") => last = None,
                Some("slow_down") => {
                    interval = (interval + SLOWER).min(LONGEST_INTERVAL);
                    wait = interval;
                    last = None;
                }
                Some("authorization_declined" | "access_denied") => return Err(declined(refused)),
                Some("expired_token" | "code_expired") => return Err(expired(Some(refused.error))),
                Some("bad_verification_code") => {
                    return Err(refused
                        .error
                        .reworded(|text| format!("the device code was not recognised: {text}"))
                        .with_hint("begin the sign-in again"));
                }
                _ if refused.error.is_transient() => {
                    // Source: <https://www.rfc-editor.org/rfc/rfc8628#section-3.5>
                    interval = (interval * 2).min(LONGEST_INTERVAL);
                    wait = refused
                        .error
                        .retry_after()
                        .unwrap_or(interval)
                        .max(interval);
                    last = Some(refused.error);
                }
                _ => return Err(refused.error),
            }
        }
    }

    async fn poll(&self, request: &TokenRequest, code: &SecretString) -> Result<Grant, Refused> {
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", code.expose_secret()),
        ];
        self.client.redeem(request, &form).await
    }
}

#[async_trait]
impl SignIn for DeviceCode {
    async fn sign_in(&self, request: &SignInRequest<'_>) -> Result<SignedIn> {
        let begun = self.begin(request.token).await?;
        self.prompt.device_code(&begun.prompt);
        let grant = self.wait(request.token, &begun).await?;
        Ok(grant.into())
    }
}

#[async_trait]
impl Credential for DeviceCode {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let signed_in = self.sign_in(&SignInRequest::new(request)).await?;
        Ok(signed_in.access_token)
    }
}

struct Begun {
    device_code: SecretString,
    interval: Duration,
    prompt: DeviceCodePrompt,
}

#[derive(Deserialize)]
struct BegunWire {
    device_code: String,
    user_code: String,
    #[serde(alias = "verification_url")]
    verification_uri: String,
    expires_in: Seconds,
    interval: Option<Seconds>,
    #[serde(default)]
    message: String,
}

/// People are sent to pages that nobody on the way can change.
fn address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    safe.then_some(url)
}

fn declined(refused: Refused) -> Error {
    refused
        .error
        .reworded(|_| "the sign-in was declined in the browser".to_owned())
        .with_hint("begin the sign-in again, and agree to it")
}

fn expired(cause: Option<Error>) -> Error {
    let error = Error::new(
        ErrorKind::Credential,
        "the device code has expired before anybody signed in with it",
    )
    .with_hint("begin the sign-in again");
    let Some(cause) = cause else {
        return error;
    };
    let error = match cause.code() {
        Some(code) => error.with_code(code),
        None => error,
    };
    error.with_source(cause)
}

#[cfg(test)]
mod tests;
