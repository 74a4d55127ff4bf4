//! The error that a response of success reports, and what its codes stand for.

use std::borrow::Cow;

use http::StatusCode;
use http::response::Parts;
use serde_json::Value;

use defender_core::{Error, Redaction};

use super::plain;
use crate::failure::{Asked, Refusal};
use crate::{Connection, pace};

/// The error that a response of success holds: `value` is the JSON text of its `error`.
///
/// Its code says what it is, as a status would: a busy service may say so in either place.
pub(crate) fn reported<'a>(
    connection: &Connection,
    gate: &Redaction,
    head: &Parts,
    value: &[u8],
    rewritten: bool,
    asked: impl Into<Asked<'a>>,
) -> Error {
    let value = &value[..value.len().min(connection.limits.error_body)];
    let value = &*first(value);
    let status = meant(value).unwrap_or(head.status);
    let body = [b"{\"error\":", value, b"}"].concat();
    let refusal = Refusal {
        gate,
        status,
        headers: &head.headers,
        body: &body,
        now: connection.retry.clock.now(),
        rewritten,
    };
    let error = refusal.into_error(asked);
    pace::learned(connection, status, &body, error).with_status(head.status.as_u16())
}

/// The first error of a list of them, and of what is wrapped once more in `error`, as Kusto's
/// `OneApiErrors` are.
fn first(value: &[u8]) -> Cow<'_, [u8]> {
    let list: Vec<Value> = serde_json::from_slice(value).unwrap_or_default();
    let Some(first) = list.first() else {
        return value.into();
    };
    let first = first.get("error").unwrap_or(first);
    first.to_string().into_bytes().into()
}

/// Why a result is incomplete beside whose rows the service reports `error`.
pub(crate) fn beside(error: &Error) -> String {
    let code = error.code().map(|code| format!(" ({code})"));
    let code = code.unwrap_or_default();
    format!("the service reports an error beside the rows: {error}{code}")
}

/// The status that the codes of an error stand for, the outermost that is known first.
///
/// Source: <https://learn.microsoft.com/graph/errors>
fn meant(value: &[u8]) -> Option<StatusCode> {
    let value: Value = serde_json::from_slice(value).ok()?;
    let value = match value {
        Value::Array(errors) => errors.into_iter().next()?,
        value => value,
    };
    if let Value::String(code) = &value {
        return status_of(code);
    }
    let mut level = Some(&value);
    while let Some(error) = level {
        let code = ["code", "status", "statusCode", "@type"]
            .into_iter()
            .find_map(|name| match member(error, name)? {
                Value::String(code) => status_of(code),
                Value::Number(code) => status_of(&code.to_string()),
                _ => None,
            });
        if code.is_some() {
            return code;
        }
        level = ["innererror", "error"]
            .into_iter()
            .find_map(|name| member(error, name));
    }
    None
}

/// A member by its name in any case.
fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let mut members = value.as_object()?.iter();
    let (_, value) = members.find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    Some(value)
}

fn status_of(code: &str) -> Option<StatusCode> {
    if let Ok(number) = code.trim().parse::<u16>() {
        return (400..600)
            .contains(&number)
            .then(|| StatusCode::from_u16(number).ok())?;
    }
    let code = plain(code.trim());
    Some(match code.as_str() {
        "badrequest" | "invalidrequest" | "semanticerror" | "syntaxerror" => {
            StatusCode::BAD_REQUEST
        }
        "unauthorized" | "unauthenticated" | "invalidauthenticationtoken" => {
            StatusCode::UNAUTHORIZED
        }
        "forbidden" | "accessdenied" | "authorizationrequestdenied" => StatusCode::FORBIDDEN,
        "notfound" | "itemnotfound" | "resourcenotfound" | "requestresourcenotfound" => {
            StatusCode::NOT_FOUND
        }
        "requesttimeout" | "timeout" => StatusCode::REQUEST_TIMEOUT,
        "internalservererror" | "internalerror" | "generalexception" | "unknownerror" => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        "badgateway" => StatusCode::BAD_GATEWAY,
        "serviceunavailable" | "servicenotavailable" | "serverbusy" => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        "gatewaytimeout" => StatusCode::GATEWAY_TIMEOUT,
        busy if busy.contains("toomanyrequests")
            || busy.contains("throttl")
            || busy.contains("quotaexceeded") =>
        {
            StatusCode::TOO_MANY_REQUESTS
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_stands_for_a_status() {
        for (value, status) in [
            (r#"{"code":"TooManyRequests"}"#, Some(429)),
            (r#"{"Code":"429"}"#, Some(429)),
            (r#"{"code":429}"#, Some(429)),
            (r#""TooManyRequests""#, Some(429)),
            (r#"[{"code":"x"},{"code":"429"}]"#, None),
            (r#"[{"error":{"code":"ThrottledRequest"}}]"#, Some(429)),
            (
                r#"{"code":"UnknownError","innerError":{"code":"429"}}"#,
                Some(500),
            ),
            (r#"{"code":"x","innerError":{"code":"429"}}"#, Some(429)),
            (r#"{"code":"Authorization_RequestDenied"}"#, Some(403)),
            (r#"{"code":"BadRequest"}"#, Some(400)),
            (r#"{"code":"200"}"#, None),
            ("{}", None),
            ("7", None),
            ("{", None),
        ] {
            let found = meant(value.as_bytes()).map(|status| status.as_u16());
            assert_eq!(found, status, "{value}");
        }
    }
}
