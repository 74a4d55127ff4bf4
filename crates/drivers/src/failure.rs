//! What an answer other than success means: the status first, the code second, the text last.

use std::time::{Duration, SystemTime};

use defender_core::{DataEnvironment, Error, ErrorKind, Redaction};
use defender_http::{retry_after, retry_hint};
use http::header::LOCATION;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::Description;

/// An answer that is no success.
#[derive(Debug)]
pub(crate) struct Refusal<'a> {
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a HeaderMap,
    /// The beginning of the body.
    pub(crate) body: &'a [u8],
    /// What the words of the answer pass before they become an error.
    pub(crate) gate: &'a Redaction,
    pub(crate) now: SystemTime,
    /// Whether a line about the range of time was added to the query.
    pub(crate) rewritten: bool,
}

/// What was asked, as far as its refusal needs to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) environment: DataEnvironment,
    /// The application permission that it asks for, where one is known.
    pub(crate) application_role: &'a str,
    /// The delegated permission that it asks for.
    pub(crate) delegated_scope: &'a str,
    /// The path, where it is the question.
    pub(crate) path: Option<&'a str>,
}

impl From<&Description> for Asked<'static> {
    fn from(description: &Description) -> Self {
        Self {
            environment: description.environment,
            application_role: description.application_role,
            delegated_scope: description.delegated_scope,
            path: None,
        }
    }
}

/// What a body says, wherever in it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    code: Option<String>,
    text: Option<String>,
    request_id: Option<String>,
}

impl Refusal<'_> {
    /// The error that it is.
    ///
    /// Source: <https://learn.microsoft.com/defender-endpoint/api/common-errors>,
    /// <https://learn.microsoft.com/graph/errors>
    pub(crate) fn into_error<'a>(self, asked: impl Into<Asked<'a>>) -> Error {
        let asked = asked.into();
        let told = Told::by(&self.gate.text(self.body));
        let status = self.status.as_u16();
        let words = told.text.clone().or_else(|| told.code.clone());
        let said = words
            .as_ref()
            .map(|words| format!(": {words}"))
            .unwrap_or_default();
        let mut error = match status {
            200 => Error::new(
                ErrorKind::Protocol,
                format!("the response reports success and holds an error{said}"),
            ),
            400 | 422 => self.query_error(words.as_deref().unwrap_or_default(), &said),
            401 => Error::new(
                ErrorKind::Credential,
                format!("the service refused the token{said}"),
            )
            .with_hint("check the audience: a token for another service or cloud is refused"),
            403 => permission_error(words.as_deref().unwrap_or_default(), &said, asked),
            404 | 405 | 410 => gone(&said, asked),
            408 => Error::new(
                ErrorKind::Service,
                format!("the service gave up waiting{said}"),
            )
            .transient(),
            413 | 414 => Error::new(
                ErrorKind::Query,
                format!("the text of the query is too large for the service{said}"),
            )
            .with_hint("shorten the query, for instance its lists of values"),
            429 => Error::new(
                ErrorKind::Throttled,
                format!("the service is over quota{said}"),
            )
            .transient(),
            501 | 505 => Error::new(
                ErrorKind::Protocol,
                format!("the service does not know the request{said}"),
            ),
            500..=599 => Error::new(
                ErrorKind::Service,
                format!("the service failed with status {status}{said}"),
            )
            .transient(),
            301..=308 => {
                let target = self.headers.get(LOCATION);
                let target = target.and_then(|target| target.to_str().ok());
                // What follows the path may hold anything.
                let target =
                    target.map(|target| target.split(['?', '#']).next().unwrap_or_default());
                let target = target
                    .map(|target| format!(" to {target}"))
                    .unwrap_or_default();
                Error::new(
                    ErrorKind::Protocol,
                    format!("the service redirects{target}, which is not followed{said}"),
                )
                .with_hint(
                    "the token is for the first host only: check the address; a proxy that wants \
                     a sign-in redirects, too",
                )
            }
            201..=206 => Error::new(
                ErrorKind::Protocol,
                format!(
                    "the service answered with the status {status}, which is not a whole \
                     result{said}"
                ),
            )
            .with_hint("the service answers with 200; check the address, and what is on the way"),
            _ => Error::new(
                ErrorKind::Protocol,
                format!("the service answered with the unexpected status {status}{said}"),
            )
            .with_hint("check the address; a proxy may have answered instead"),
        };
        error = error.with_status(status);
        if let Some(wait) = self.wait() {
            error = error.with_retry_after(wait);
        }
        if let Some(code) = told.code {
            error = error.with_code(code);
        }
        match request_id(self.headers, self.gate).or(told.request_id) {
            Some(id) => self.gate.error(error.with_request_id(id)),
            None => self.gate.error(error),
        }
    }

    /// How long to wait: only a busy service is asked that, and its headers before its words.
    fn wait(&self) -> Option<Duration> {
        let busy = self.status == StatusCode::TOO_MANY_REQUESTS || self.status.is_server_error();
        if !busy {
            return None;
        }
        retry_after(self.headers, self.now)
            .or_else(|| retry_hint(&String::from_utf8_lossy(self.body)))
    }

    fn query_error(&self, words: &str, said: &str) -> Error {
        let lower = words.to_ascii_lowercase();
        let has = |phrase| lower.contains(phrase);
        if has("exceeded the allowed result size") || has("result size limit exceeded") {
            return Error::new(
                ErrorKind::Incomplete,
                format!("the result is larger than the service returns{said}"),
            )
            .with_hint(
                "project fewer columns, take fewer rows, or split the time range (--all-rows)",
            );
        }
        if has("exceeded the allowed limits")
            || has("preempted")
            || has("exceeded the timeout")
            || has("excessive resource")
        {
            return Error::new(
                ErrorKind::Incomplete,
                format!("the query needs more than the service gives it{said}"),
            )
            .with_hint(
                "filter earlier, ask for a shorter time range, or split it (--split-by 1d)",
            );
        }
        let error = Error::new(
            ErrorKind::Query,
            format!("the service refused the query{said}"),
        );
        if self.rewritten {
            return error.with_hint(
                "a line that filters by Timestamp was added for the range of time; \
                 filter in the query itself where its table has no such column",
            );
        }
        if has("failed to resolve table") {
            return error.with_hint(
                "check the spelling; a table that the tenant has no licence for is unknown as well",
            );
        }
        error
    }
}

fn permission_error(words: &str, said: &str, asked: Asked<'_>) -> Error {
    let needed = roles(words, "API required roles:");
    let needed = match needed {
        // Of several that would do, the least.
        Some(list)
            if list
                .split(',')
                .all(|role| role.trim() != asked.application_role) =>
        {
            list
        }
        _ => asked.application_role,
    };
    if needed.is_empty() {
        return Error::new(
            ErrorKind::Permission,
            format!("a permission is missing{said}"),
        )
        .with_hint("the API's page names the permissions of each path");
    }
    let hint = match roles(words, "application roles:") {
        Some(own) => format!(
            "the application has {own}; an administrator must grant {needed} and consent to it"
        ),
        None => format!(
            "an administrator must grant the application {needed}, or for a signed-in person {} \
             together with a role that may {}",
            asked.delegated_scope,
            if asked.path.is_some() {
                "read it"
            } else {
                "hunt"
            },
        ),
    };
    Error::new(
        ErrorKind::Permission,
        format!("the permission {needed} is missing{said}"),
    )
    .with_hint(hint)
}

/// The list after a label, up to the next label or the end of the sentence.
fn roles<'a>(words: &'a str, label: &str) -> Option<&'a str> {
    let mut rest = words;
    loop {
        let (before, after) = rest.split_once(label)?;
        // "application roles:" also ends "Missing application roles."
        rest = after;
        let _ = before;
        let list = after.split(", application roles:").next().unwrap_or(after);
        let list = list.trim().trim_end_matches('.');
        if !list.is_empty() {
            return Some(list);
        }
    }
}

fn gone(said: &str, asked: Asked<'_>) -> Error {
    let environment = asked.environment;
    if let Some(path) = asked.path {
        return Error::new(
            ErrorKind::Query,
            format!("{environment} has nothing at {path}{said}"),
        )
        .with_hint("check the path, the ids in it, and the API version");
    }
    match environment.retirement() {
        Some(day) => Error::new(
            ErrorKind::Service,
            format!("the address of {environment} does not answer queries{said}"),
        )
        .with_hint(format!(
            "the API of {environment} ends on {day}: use M365DGraph, or check cloud and address"
        )),
        None => Error::new(
            ErrorKind::Config,
            format!("the address of {environment} does not answer queries{said}"),
        )
        .with_hint("check the cloud, the API root and the API version"),
    }
}

/// An answer that ends after `received` bytes, and before its end.
pub(crate) fn broken_off(received: usize) -> Error {
    let what = match received {
        0 => "the answer is empty".to_owned(),
        received => format!("the answer broke off after {received} bytes"),
    };
    Error::new(ErrorKind::Transport, what)
        .with_hint("the connection or a proxy cut it short")
        .transient()
}

/// The service's id of a request, from the headers of its answer.
pub(crate) fn request_id(headers: &HeaderMap, gate: &Redaction) -> Option<String> {
    ["request-id", "x-ms-request-id", "x-ms-correlation-id"]
        .into_iter()
        .find_map(|name| gate.header(headers, name))
}

/// What a body that is no JSON wants to say: the title of a page, or its first words.
pub(crate) fn words_of(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let lower = text.to_ascii_lowercase();
    let title = lower.find("<title").and_then(|start| {
        let start = start + lower[start..].find('>')? + 1;
        let end = start + lower[start..].find("</title")?;
        Some(&text[start..end])
    });
    let plain = title.or_else(|| (!lower.contains('<')).then_some(&*text))?;
    let words: Vec<_> = plain.split_whitespace().collect();
    let words: String = words.join(" ").chars().take(200).collect();
    (!words.is_empty()).then_some(words)
}

impl Told {
    /// Reads the text of a body, which has passed the gate.
    fn by(body: &str) -> Self {
        let Ok(value) = serde_json::from_str::<Value>(body) else {
            return Self {
                text: words_of(body.as_bytes()),
                ..Self::default()
            };
        };
        let mut told = Self::default();
        let error = member(&value, "error").unwrap_or(&value);
        if let Value::String(text) = error {
            told.text = filled(text);
            let more = member(&value, "error_description").or_else(|| member(&value, "message"));
            if let Some(Value::String(more)) = more {
                told.code = told.text.take();
                told.text = filled(more);
            }
            return told;
        }
        let mut level = Some(error);
        // The outermost code and text win; an id stands wherever there is one.
        while let Some(error) = level {
            let text = |name| member(error, name).and_then(Value::as_str).and_then(filled);
            told.code = told.code.or_else(|| match member(error, "code") {
                Some(Value::Number(code)) => Some(code.to_string()),
                _ => text("code"),
            });
            told.text = told.text.or_else(|| {
                let nested = member(error, "message").and_then(|message| member(message, "value"));
                text("message").or_else(|| nested.and_then(Value::as_str).and_then(filled))
            });
            told.request_id = told
                .request_id
                .or_else(|| text("request-id"))
                .or_else(|| text("target").filter(|target| is_guid(target)));
            level = member(error, "innererror");
        }
        told
    }
}

/// A member by its name in any case: both `innerError` and `innererror` occur.
fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let object = value.as_object()?;
    let (_, value) = object
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    Some(value)
}

fn filled(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// In MDE's errors `target` is the id of the request; elsewhere it may name a property.
fn is_guid(text: &str) -> bool {
    uuid::Uuid::try_parse(text).is_ok()
}

#[cfg(test)]
mod tests;
