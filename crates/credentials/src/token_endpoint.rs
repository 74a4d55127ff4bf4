//! Asking an authority's token endpoint, and reading what it answers.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use defender_core::{
    AccessToken, Clock, Error, ErrorKind, Redaction, Result, TokenRequest, Transport,
};
use defender_http::read_at_most;
use http::header::{ACCEPT, CONTENT_TYPE};
use serde::Deserialize;
use url::Url;
use url::form_urlencoded::Serializer;
use uuid::Uuid;

use crate::{Authority, refusal};

/// More than any token; a page that goes on for ever ends here.
const LONGEST_ANSWER: usize = 1024 * 1024;

/// The token endpoint of one authority: a form goes out, a token or a refusal comes back.
pub(crate) struct TokenEndpoint {
    pub(crate) authority: Authority,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl TokenEndpoint {
    /// Posts `form`, with the challenge of `request` if there is one.
    #[cfg(any(
        feature = "client-secret",
        feature = "certificate",
        feature = "assertion"
    ))]
    pub(crate) async fn token(
        &self,
        request: &TokenRequest,
        form: &[(&str, &str)],
    ) -> Result<AccessToken> {
        let posted = self.grant(request, form).await;
        posted.map_err(|refused| refused.error)?.token(request)
    }

    /// As [`Self::token`], for who wants more of the answer than the token.
    pub(crate) async fn grant(
        &self,
        request: &TokenRequest,
        form: &[(&str, &str)],
    ) -> Result<Posted, Refused> {
        let url = self.authority.token_url(request.tenant.as_deref())?;
        self.post(url, form, request.claims.as_deref()).await
    }

    /// Posts `form` to `url`.
    pub(crate) async fn post(
        &self,
        url: Url,
        form: &[(&str, &str)],
        claims: Option<&str>,
    ) -> Result<Posted, Refused> {
        let id = Uuid::new_v4().to_string();
        let message = http::Request::post(url.as_str())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .header("client-request-id", &id)
            .header("return-client-request-id", "true")
            .body(encoded(form, claims))
            .map_err(|_| {
                Error::new(ErrorKind::Config, "the authority's address cannot be used")
                    .with_url(&url)
            })?;
        let redaction = Redaction::of_request(&message);
        // The token's life is counted from before it was asked for: it may end early, never late.
        let start = self.clock.now();
        let answer = self.transport.send(message).await;
        let (head, body) = answer.map_err(|error| redaction.error(error))?.into_parts();
        let refused = |body: &[u8]| {
            let context = refusal::Context {
                url: &url,
                client_request_id: &id,
                now: self.clock.now(),
                redaction: &redaction,
            };
            Refused {
                #[cfg(feature = "delegated")]
                name: refusal::name(body),
                error: refusal::error(&head, body, &context),
            }
        };
        if !head.status.is_success() {
            return Err(refused(&read_at_most(body, refusal::LONGEST).await));
        }
        let body = body.collect(LONGEST_ANSWER).await;
        let body = body.map_err(|error| redaction.error(error))?;
        // Some gateways, and older endpoints, refuse with the status of success.
        if refusal::is_in(&body) {
            return Err(refused(&body));
        }
        Ok(Posted {
            url,
            client_request_id: id,
            status: head.status,
            start,
            body,
        })
    }
}

/// A refusal, and what OAuth calls it.
pub(crate) struct Refused {
    /// Such as `invalid_grant`; `None` when it was not the authority that refused.
    #[cfg(feature = "delegated")]
    pub(crate) name: Option<String>,
    pub(crate) error: Error,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self {
            #[cfg(feature = "delegated")]
            name: None,
            error,
        }
    }
}

/// What an authority answered when it did not refuse.
pub(crate) struct Posted {
    url: Url,
    client_request_id: String,
    status: http::StatusCode,
    /// When it was asked.
    pub(crate) start: SystemTime,
    pub(crate) body: Bytes,
}

impl Posted {
    /// The token in the answer.
    pub(crate) fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let token = read(&self.body, self.start).map_err(|what| self.unexpected(what))?;
        let lifetime = token.expires_at.duration_since(self.start);
        tracing::debug!(
            // Not the whole address: the tenant in it may have come out of a secret store.
            host = self.url.host_str(),
            scope = %request.scope,
            lifetime = ?lifetime.unwrap_or_default(),
            client_request_id = self.client_request_id,
            "got a token"
        );
        Ok(token)
    }

    /// The error that the answer is when it is not what it should be.
    pub(crate) fn unexpected(&self, what: &str) -> Error {
        Error::new(
            ErrorKind::Protocol,
            format!("the authority's answer {what}"),
        )
        .with_url(&self.url)
        .with_status(self.status.as_u16())
        .with_client_request_id(&self.client_request_id)
        .with_hint("check the authority's address; a proxy may have answered instead")
    }
}

fn encoded(form: &[(&str, &str)], claims: Option<&str>) -> Bytes {
    let claims = claims.map(|claims| ("claims", claims));
    let mut fields = Serializer::new(String::new());
    fields.extend_pairs(form.iter().copied().chain(claims));
    Bytes::from(fields.finish())
}

/// The token in `body`, or what is wrong with it; never the parser's words, which quote.
fn read(body: &[u8], start: SystemTime) -> Result<AccessToken, &'static str> {
    let Ok(wire) = serde_json::from_slice::<TokenWire>(body) else {
        return Err("holds no token");
    };
    let bearer = wire.token_type.as_deref().unwrap_or("Bearer");
    if !bearer.eq_ignore_ascii_case("Bearer") {
        return Err("holds a token that is not a bearer token");
    }
    let Some(expires_at) = wire.expires_at(start) else {
        return Err("does not say when the token ends");
    };
    if wire.access_token.is_empty() {
        return Err("holds no token");
    }
    Ok(AccessToken::new(wire.access_token, expires_at))
}

/// Source: <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>
#[derive(Deserialize)]
struct TokenWire {
    access_token: String,
    token_type: Option<String>,
    expires_in: Option<Seconds>,
    expires_on: Option<Seconds>,
}

impl TokenWire {
    fn expires_at(&self, start: SystemTime) -> Option<SystemTime> {
        let relative = self.expires_in.as_ref().and_then(Seconds::duration);
        let absolute = || self.expires_on.as_ref().and_then(Seconds::duration);
        match relative {
            Some(lifetime) => start.checked_add(lifetime),
            None => SystemTime::UNIX_EPOCH.checked_add(absolute()?),
        }
    }
}

/// A number of seconds: a number in v2 of the endpoint, text in v1.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Seconds {
    Number(f64),
    Text(String),
}

impl Seconds {
    pub(crate) fn duration(&self) -> Option<Duration> {
        let seconds = match self {
            Self::Number(seconds) => *seconds,
            Self::Text(text) => text.trim().parse().ok()?,
        };
        Duration::try_from_secs_f64(seconds.trunc()).ok()
    }
}

/// Only the address: what it is asked with may be secret.
impl std::fmt::Debug for TokenEndpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let url: Option<Url> = self.authority.token_url(None).ok();
        write!(f, "TokenEndpoint({})", url.as_ref().map_or("", Url::as_str))
    }
}
