//! A vault's errors, and the headers that all its answers have.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::json;

use crate::reply;
use crate::request::Asked;

/// An error before it is dressed.
///
/// Sources: <https://learn.microsoft.com/azure/key-vault/general/rest-error-codes>,
/// <https://learn.microsoft.com/azure/key-vault/general/common-error-codes>
pub(super) struct Refused {
    pub(super) status: StatusCode,
    code: &'static str,
    inner: Option<&'static str>,
    message: String,
}

impl Refused {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            inner: None,
            message: message.into(),
        }
    }

    pub(super) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", message)
    }

    pub(super) fn forbidden(inner: &'static str, message: impl Into<String>) -> Self {
        Self {
            inner: Some(inner),
            ..Self::new(StatusCode::FORBIDDEN, "Forbidden", message)
        }
    }

    pub(super) fn conflict(inner: &'static str, message: impl Into<String>) -> Self {
        Self {
            inner: Some(inner),
            ..Self::new(StatusCode::CONFLICT, "Conflict", message)
        }
    }

    pub(super) fn bad_parameter(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadParameter", message)
    }

    pub(super) fn response(&self, asked: &Asked) -> Response<Bytes> {
        let mut error = json!({"code": self.code, "message": self.message});
        if let Some(inner) = self.inner {
            error["innererror"] = json!({"code": inner});
        }
        dressed(reply::json(self.status, &json!({"error": error})), asked)
    }
}

/// What a vault says when it is not well or asked too often.
pub(crate) fn outage(asked: &Asked, status: StatusCode) -> Response<Bytes> {
    let (code, message) = match status.as_u16() {
        429 => (
            "Throttled",
            "Request was not processed because too many requests were received. Reason: \
             VaultRequestTypeLimitReached",
        ),
        401 => (
            "Unauthorized",
            "AKV10000: Request is missing a Bearer or PoP token.",
        ),
        403 => ("Forbidden", "The request was refused by request."),
        503 => (
            "ServiceUnavailable",
            "The service is temporarily unavailable.",
        ),
        500..=599 => ("InternalServerError", "An internal error has occurred."),
        _ => ("BadParameter", "The request was refused by request."),
    };
    Refused::new(status, code, message).response(asked)
}

/// Adds the headers that every answer of a vault has.
pub(super) fn dressed(mut response: Response<Bytes>, asked: &Asked) -> Response<Bytes> {
    reply::set(&mut response, "cache-control", "no-cache");
    reply::set(&mut response, "x-ms-keyvault-region", "westeurope");
    reply::set(&mut response, "x-ms-request-id", &asked.id);
    if let Some(sent) = asked.header("x-ms-client-request-id") {
        reply::set(&mut response, "x-ms-client-request-id", sent);
    }
    response
}
