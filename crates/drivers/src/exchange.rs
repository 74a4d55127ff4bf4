//! One request in an identity's name: room in the quota, a token, and another one when it is
//! refused.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use defender_core::{
    AccessToken, Body, DataEnvironment, Error, ErrorKind, ExposeSecret as _, Redaction, Result,
    TokenRequest,
};
use defender_http::{Paused, read_at_most};
use http::header::{ACCEPT, AUTHORIZATION, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use http::response::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use tracing::Instrument as _;
use url::Url;

use crate::Connection;
use crate::failure::{Asked, Refusal};
use crate::pace::{self, Call};

const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");

/// What is sent, but for the token.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing<'a> {
    pub(crate) environment: DataEnvironment,
    pub(crate) method: Method,
    pub(crate) url: &'a Url,
    /// Those of this API, besides the ones that every request has.
    pub(crate) headers: &'a [(HeaderName, HeaderValue)],
    pub(crate) body: Bytes,
    /// This client's id of the request.
    pub(crate) id: &'a str,
}

/// What came back, and the gate that every word of it passes before anybody reads it.
#[derive(Debug)]
pub(crate) struct Incoming<'c> {
    pub(crate) response: Response<Body>,
    pub(crate) call: Call<'c>,
    pub(crate) gate: Redaction,
}

impl Outgoing<'_> {
    /// Sends it, a second time with a fresh token when the first is refused.
    ///
    /// The call has begun: whoever reads the answer ends it.
    pub(crate) async fn exchange<'c>(
        &self,
        connection: &'c Connection,
        paused: &Paused,
    ) -> Result<Incoming<'c>> {
        // The wait comes first: a token would grow old in it.
        let mut call = Call::begin(connection, paused).await?;
        let mut request = connection.token_request();
        let token = token(connection, &request).await?;
        call.sent();
        let (mut response, mut gate) = self.send(connection, &token).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            request.refused = Some(token.id);
            request.claims = claims_challenge(response.headers());
            let fresh = self::token(connection, &request).await?;
            // The same token again would be refused again.
            if fresh.id != token.id {
                drop(response.into_body());
                call.finished();
                call = Call::begin(connection, paused).await?;
                call.sent();
                (response, gate) = self.send(connection, &fresh).await?;
                // A gateway that keeps responses may repeat the first token.
                gate = gate.and(&token.secret);
            }
        }
        Ok(Incoming {
            response,
            call,
            gate,
        })
    }

    /// `error`, which came of it, with its address and id.
    pub(crate) fn named(&self, error: Error) -> Error {
        let error = match error.url() {
            Some(_) => error,
            None => error.with_url(self.url),
        };
        match error.client_request_id() {
            Some(_) => error,
            None => error.with_client_request_id(self.id),
        }
    }

    async fn send(
        &self,
        connection: &Connection,
        token: &AccessToken,
    ) -> Result<(Response<Body>, Redaction)> {
        let bearer = format!("Bearer {}", token.secret.expose_secret());
        let mut bearer = HeaderValue::try_from(bearer).map_err(|_| {
            // The cause would show the token.
            Error::new(
                ErrorKind::Credential,
                "the token cannot be sent in a header",
            )
        })?;
        bearer.set_sensitive(true);
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(self.url.as_str())
            .header(AUTHORIZATION, bearer)
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .header(CLIENT_REQUEST_ID, self.id);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let request = request.body(self.body.clone()).map_err(|error| {
            Error::new(ErrorKind::Config, "the address cannot be asked").with_source(error)
        })?;
        let span = tracing::debug_span!(
            "request",
            environment = %self.environment,
            bytes = self.body.len(),
            client_request_id = self.id,
        );
        let gate = Redaction::of_request(&request).along_with(&connection.hidden);
        let response = connection.transport.send(request).instrument(span).await;
        match response {
            Ok(response) => Ok((response, gate)),
            Err(error) => Err(gate.error(error)),
        }
    }
}

/// The error that an answer other than success stands for; the pace of the calls learns from it.
///
/// `rewritten` says whether a line was added to the query.
pub(crate) async fn refused(
    connection: &Connection,
    gate: &Redaction,
    head: &Parts,
    body: Body,
    rewritten: bool,
    asked: impl Into<Asked<'_>>,
) -> Error {
    let body = read_at_most(body, connection.limits.error_body).await;
    let refusal = Refusal {
        status: head.status,
        headers: &head.headers,
        body: &body,
        gate,
        now: connection.retry.clock.now(),
        rewritten,
    };
    let error = pace::learned(connection, head.status, &body, refusal.into_error(asked));
    match &connection.consent {
        Some(address) if error.kind() == ErrorKind::Permission => {
            error.with_more_advice(format!("consent is given at {address}"))
        }
        _ => error,
    }
}

async fn token(connection: &Connection, request: &TokenRequest) -> Result<AccessToken> {
    let span = tracing::debug_span!("token", scope = %request.scope);
    connection.credential.token(request).instrument(span).await
}

/// The claims that the service misses in the token, from the challenge that names them.
///
/// Source: <https://learn.microsoft.com/entra/identity-platform/claims-challenge>
fn claims_challenge(headers: &HeaderMap) -> Option<String> {
    let mut challenges = headers.get_all(WWW_AUTHENTICATE).iter();
    challenges.find_map(|challenge| {
        let (_, rest) = challenge.to_str().ok()?.split_once("claims=\"")?;
        let (claims, _) = rest.split_once('"')?;
        // Both alphabets occur, with and without padding.
        let claims = claims.trim_end_matches('=');
        let json = URL_SAFE_NO_PAD
            .decode(claims)
            .or_else(|_| STANDARD_NO_PAD.decode(claims))
            .ok()?;
        String::from_utf8(json).ok()
    })
}
