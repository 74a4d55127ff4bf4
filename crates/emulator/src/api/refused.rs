//! Errors and headers in each API's own manner.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use crate::hosts::Api;
use crate::reply;
use crate::request::Asked;
use crate::site::Site;
use crate::ticks;

/// An error of an API before it is dressed.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) retry_after: Option<u64>,
}

impl Refused {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            retry_after: None,
        }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// The whole answer.
    ///
    /// Sources: <https://learn.microsoft.com/defender-endpoint/api/common-errors>,
    /// <https://learn.microsoft.com/graph/errors>
    pub(crate) fn response(&self, site: &Site, api: Api, asked: &Asked) -> Response<Bytes> {
        let body = match api {
            Api::Graph => json!({"error": {
                "code": self.code,
                "message": self.message,
                "innerError": self.inner(site, asked),
            }}),
            Api::Mde | Api::M365d => json!({"error": {
                "code": self.code,
                "message": self.message,
                "target": asked.id,
            }}),
        };
        let mut response = reply::json(self.status, &body);
        identify(&mut response, api, asked);
        if let Some(seconds) = self.retry_after {
            reply::retry_after(&mut response, seconds);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(
                http::header::WWW_AUTHENTICATE,
                HeaderValue::from_static(match api {
                    Api::Graph => {
                        "Bearer realm=\"\", \
                         authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", \
                         client_id=\"00000003-0000-0000-c000-000000000000\""
                    }
                    Api::Mde | Api::M365d => "Bearer",
                }),
            );
        }
        response
    }

    fn inner(&self, site: &Site, asked: &Asked) -> Value {
        let date = ticks::graph_date(site.now());
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            return json!({
                "code": "429",
                "date": date,
                "message": "Please retry after",
                "request-id": asked.id,
                "status": "429",
            });
        }
        json!({
            "date": date,
            "request-id": asked.id,
            "client-request-id": client_request_id(asked),
        })
    }
}

/// What the client called its request; the service's own name when it gave none.
fn client_request_id(asked: &Asked) -> &str {
    asked.header("client-request-id").unwrap_or(&asked.id)
}

/// Puts the identifiers into the headers, as the API does.
pub(crate) fn identify(response: &mut Response<Bytes>, api: Api, asked: &Asked) {
    match api {
        Api::Graph => {
            reply::set(response, "request-id", &asked.id);
            reply::set(response, "client-request-id", client_request_id(asked));
        }
        Api::Mde | Api::M365d => {
            reply::set(response, "x-ms-request-id", &asked.id);
            if let Some(sent) = asked.header("client-request-id") {
                reply::set(response, "client-request-id", sent);
            }
        }
    }
}

/// An error that is not about hunting, such as a path that leads nowhere.
pub(crate) fn error(
    site: &Site,
    api: Api,
    asked: &Asked,
    status: StatusCode,
    message: &str,
) -> Response<Bytes> {
    Refused::new(status, code(api, status), message).response(site, api, asked)
}

/// What the API sends with `status` when it is not the request's fault, or as if it were.
pub(crate) fn outage(site: &Site, api: Api, asked: &Asked, status: StatusCode) -> Response<Bytes> {
    let (code, message) = match (api, status.as_u16()) {
        (Api::Graph, 429) => ("TooManyRequests", "Please retry again later."),
        (Api::Mde | Api::M365d, 429) => (
            "429",
            "API calls quota exceeded! maximum allowed 45 per 00:01:00",
        ),
        (Api::Graph, 503) => ("serviceNotAvailable", "The service is not available."),
        // Graph has been seen with nothing to say.
        (Api::Graph, 500..=599) => ("UnknownError", ""),
        (Api::Mde | Api::M365d, 500..=599) => ("InternalServerError", ""),
        (Api::Graph, 401) => (
            "InvalidAuthenticationToken",
            "Access token has expired or is not yet valid.",
        ),
        _ => (
            code(api, status),
            status.canonical_reason().unwrap_or("refused"),
        ),
    };
    Refused::new(status, code, message).response(site, api, asked)
}

fn code(api: Api, status: StatusCode) -> &'static str {
    match (api, status.as_u16()) {
        (Api::Graph, 401) => "InvalidAuthenticationToken",
        (Api::Graph, 404) => "ResourceNotFound",
        (Api::Graph, 405) => "Request_BadRequest",
        (_, 401) => "Unauthorized",
        (_, 403) => "Forbidden",
        (_, 404) => "NotFound",
        (_, 405) => "MethodNotAllowed",
        (_, 429) => "TooManyRequests",
        (_, 500..=599) => "InternalServerError",
        _ => "BadRequest",
    }
}
