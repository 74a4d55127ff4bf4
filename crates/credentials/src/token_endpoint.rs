//! Asking an authority's token endpoint, and reading what it answers.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use defender_core::{
    AccessToken, Clock, Error, ErrorKind, Redaction, Result, TokenRequest, Transport,
};
use defender_http::read_at_most;
use http::header::{ACCEPT, CONTENT_TYPE};
use url::Url;
use url::form_urlencoded::Serializer;
use uuid::Uuid;

use crate::{Authority, refusal, token_answer};

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
        let token =
            token_answer::read(&self.body, self.start).map_err(|what| self.unexpected(what))?;
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

/// Only the address: what it is asked with may be secret.
impl std::fmt::Debug for TokenEndpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let url: Option<Url> = self.authority.token_url(None).ok();
        write!(f, "TokenEndpoint({})", url.as_ref().map_or("", Url::as_str))
    }
}
