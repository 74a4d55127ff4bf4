//! What an authority says instead of a token, as an error.

use std::time::SystemTime;

use defender_core::{Error, ErrorKind, Redaction};
use defender_http::retry_after;
use http::StatusCode;
use http::response::Parts;
use serde::Deserialize;
use url::Url;

use crate::aadsts;

/// How much of a refusal is read.
pub(crate) const LONGEST: usize = 64 * 1024;

/// How many characters of somebody else's text go into a message.
const LONGEST_TEXT: usize = 600;

/// What is known besides the answer.
pub(crate) struct Context<'a> {
    pub(crate) url: &'a Url,
    pub(crate) client_request_id: &'a str,
    pub(crate) now: SystemTime,
    /// The gate that the answer's words pass, before anything of them is cut off.
    pub(crate) redaction: &'a Redaction,
}

/// The error that an answer other than a token is.
///
/// Status first, then `error`, then the number: the text may change at any time.
pub(crate) fn error(head: &Parts, body: &[u8], context: &Context<'_>) -> Error {
    let error = match serde_json::from_slice::<RefusalWire>(body) {
        Ok(wire) if !wire.error.is_empty() => refused(&wire, head, context),
        _ => unexplained(head.status, body, context),
    };
    let mut error = error
        .with_url(context.url)
        .with_status(head.status.as_u16());
    if error.is_transient()
        && let Some(wait) = retry_after(&head.headers, context.now)
    {
        error = error.with_retry_after(wait);
    }
    if error.request_id().is_none()
        && let Some(id) = context.redaction.header(&head.headers, "x-ms-request-id")
    {
        error = error.with_request_id(readable(&id));
    }
    if error.client_request_id().is_none() {
        error = error.with_client_request_id(context.client_request_id);
    }
    context.redaction.error(error)
}

/// Whether `body` is a refusal and holds no token.
pub(crate) fn is_in(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Wire {
        #[serde(default)]
        error: String,
        access_token: Option<serde::de::IgnoredAny>,
    }
    let wire = serde_json::from_slice::<Wire>(body);
    wire.is_ok_and(|wire| !wire.error.is_empty() && wire.access_token.is_none())
}

/// What OAuth calls the refusal in `body`, such as `invalid_grant`: what to react to.
#[cfg(feature = "delegated")]
pub(crate) fn name(body: &[u8]) -> Option<String> {
    let wire = serde_json::from_slice::<RefusalWire>(body).ok()?;
    (!wire.error.is_empty()).then_some(wire.error)
}

/// The error that an authority sent the browser back with.
#[cfg(feature = "browser")]
pub(crate) fn of_redirect(name: &str, description: &str, context: &Context<'_>) -> Error {
    let wire = RefusalWire {
        error: name.to_owned(),
        error_description: description.to_owned(),
        error_codes: Vec::new(),
        trace_id: None,
        correlation_id: None,
    };
    let (head, ()) = http::Response::new(()).into_parts();
    let error = refused(&wire, &head, context).with_url(context.url);
    context.redaction.error(error)
}

/// Source: <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>
#[derive(Deserialize)]
struct RefusalWire {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
    #[serde(default)]
    error_codes: Vec<serde_json::Value>,
    trace_id: Option<String>,
    correlation_id: Option<String>,
}

impl RefusalWire {
    /// The AADSTS number: of the text, or else the first of the list.
    fn number(&self) -> Option<u64> {
        let digits = self.error_description.trim_start().strip_prefix("AADSTS");
        let of_text = digits.and_then(|text| {
            let end = text
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(text.len());
            text[..end].parse().ok()
        });
        of_text.or_else(|| match self.error_codes.first()? {
            serde_json::Value::String(text) => text.parse().ok(),
            other => other.as_u64(),
        })
    }
}

/// A refusal in Entra ID's own form.
fn refused(wire: &RefusalWire, head: &Parts, context: &Context<'_>) -> Error {
    let number = wire.number();
    let known = number.and_then(aadsts::known);
    let kind = match (head.status.as_u16(), wire.error.as_str()) {
        (429, _) => ErrorKind::Throttled,
        (500.., _) | (_, "temporarily_unavailable" | "server_error") => match known {
            Some(known) if known.kind == ErrorKind::Throttled => ErrorKind::Throttled,
            _ => ErrorKind::Service,
        },
        (_, "consent_required") => ErrorKind::Permission,
        _ => known.map_or(ErrorKind::Credential, |known| known.kind),
    };
    let first = first_line(&context.redaction.apply(&wire.error_description));
    let text = if first.is_empty() {
        readable(&context.redaction.apply(&wire.error))
    } else {
        first
    };
    let message = match kind {
        ErrorKind::Throttled => format!("the authority is asked too often: {text}"),
        ErrorKind::Service => format!("the authority cannot serve now: {text}"),
        _ => format!("sign-in refused: {text}"),
    };
    let code = match number {
        Some(number) => format!("AADSTS{number}"),
        None => readable(&context.redaction.apply(&wire.error)),
    };
    let mut error = Error::new(kind, message).with_code(code);
    if matches!(kind, ErrorKind::Throttled | ErrorKind::Service) {
        error = error.transient();
    }
    if let Some(known) = known {
        error = error.with_hint(known.hint);
    }
    if let Some(id) = wire.trace_id.as_deref() {
        error = error.with_request_id(readable(&context.redaction.apply(id)));
    }
    if let Some(id) = wire.correlation_id.as_deref() {
        error = error.with_client_request_id(readable(&context.redaction.apply(id)));
    }
    error
}

/// An answer that is not Entra ID's: a page, or nothing.
fn unexplained(status: StatusCode, body: &[u8], context: &Context<'_>) -> Error {
    let number = status.as_u16();
    let title = title(&context.redaction.text(body));
    let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
    let what = match (title.is_empty(), body.is_empty() || is_json) {
        (false, _) => format!("the authority answered {number} with a page '{title}'"),
        (true, true) => format!("the authority answered {number} without a reason"),
        (true, false) => format!("the authority answered {number} with something else than JSON"),
    };
    let in_between = "check the authority's address; a proxy may have answered instead";
    match number {
        429 => Error::new(ErrorKind::Throttled, what).transient(),
        408 | 500.. => Error::new(ErrorKind::Service, what).transient(),
        400 | 401 => Error::new(ErrorKind::Credential, what).with_hint(in_between),
        _ => Error::new(ErrorKind::Protocol, what).with_hint(in_between),
    }
}

/// The first line of a description, without the ids that follow it.
fn first_line(description: &str) -> String {
    let line = description.trim_start().lines().next().unwrap_or_default();
    let line = line.split(" Trace ID:").next().unwrap_or_default();
    readable(line)
}

/// Somebody else's text on one line of bounded length, without the full stop.
pub(crate) fn readable(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST_TEXT)
        .collect();
    text.trim().trim_end_matches('.').to_owned()
}

/// The title of an HTML page, or nothing.
fn title(page: &str) -> String {
    // ASCII only, so that positions in one are positions in the other.
    let lower = page.to_ascii_lowercase();
    let title = lower.find("<title").and_then(|tag| {
        let start = tag + lower[tag..].find('>')? + 1;
        let end = start + lower[start..].find("</title")?;
        page.get(start..end)
    });
    readable(title.unwrap_or_default())
}

#[cfg(test)]
mod tests;
