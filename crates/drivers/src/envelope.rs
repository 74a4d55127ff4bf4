//! What stands around the rows of a response: errors, and where the response goes on.
//!
//! Lists and hunting share these rules: whatever is not understood makes the result incomplete.

use std::borrow::Cow;

use http::StatusCode;
use http::response::Parts;
use serde_json::Value;

use defender_core::{Error, Redaction};

use crate::failure::{Asked, Refusal};
use crate::{Connection, pace};

/// The name of the continuation that lists are read on with.
pub(crate) const NEXT_LINK: &str = "@odata.nextLink";

/// Whether a member of this name, in any spelling, reports an error: `error`, `Errors`,
/// `@odata.error`, or what Kusto puts behind the rows of a partial result.
///
/// Source: <https://learn.microsoft.com/kusto/api/rest/response>
pub(crate) fn is_error(name: &str) -> bool {
    let name = plain(name);
    matches!(
        name.as_str(),
        "error" | "errors" | "exception" | "exceptions" | "oneapierrors"
    )
}

/// Whether a member of this name, in any spelling, says where the response goes on.
///
/// Source: <https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html>
pub(crate) fn is_continuation(name: &str) -> bool {
    let name = plain(name);
    name.ends_with("nextlink")
        || matches!(
            name.as_str(),
            "nextpagelink" | "nextpagetoken" | "continuationtoken" | "skiptoken"
        )
}

/// `name` without case, the sign and prefix of an annotation, and what joins words; an annotation
/// of a member (`results@odata.nextLink`) counts as one of the whole.
fn plain(name: &str) -> String {
    let annotation = name.rsplit('@').next().unwrap_or(name);
    let lower = annotation.to_ascii_lowercase();
    let lower = lower.strip_prefix("odata.").unwrap_or(&lower);
    lower.replace(['_', '-', '$'], "")
}

/// Whether the value of an error, as JSON text, says that there is one: `null` and an empty list
/// do not.
pub(crate) fn reports(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    let listed = value
        .strip_prefix(b"[")
        .and_then(|rest| rest.strip_suffix(b"]"));
    value != b"null" && !listed.is_some_and(|inside| inside.trim_ascii().is_empty())
}

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
    fn errors_and_continuations_in_any_spelling() {
        for name in [
            "error",
            "ERROR",
            "Errors",
            "@odata.error",
            "odata.error",
            "@error",
        ] {
            assert!(is_error(name), "{name}");
        }
        for name in [
            "@odata.nextLink",
            "odata.nextLink",
            "@nextLink",
            "nextLink",
            "NEXTLINK",
            "next_link",
            "@odata_nextLink",
            "results@odata.nextLink",
            "$skiptoken",
            "continuationToken",
        ] {
            assert!(is_continuation(name), "{name}");
        }
        for name in [
            "value",
            "@odata.context",
            "@odata.deltaLink",
            "errorCode",
            "terror",
        ] {
            assert!(!is_error(name) && !is_continuation(name), "{name}");
        }
    }

    #[test]
    fn null_and_an_empty_list_report_nothing() {
        for (value, reports) in [
            ("null", false),
            ("[]", false),
            ("[ \n]", false),
            ("{}", true),
            ("\"\"", true),
            ("false", true),
            ("[null]", true),
        ] {
            assert_eq!(super::reports(value.as_bytes()), reports, "{value}");
        }
    }

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
