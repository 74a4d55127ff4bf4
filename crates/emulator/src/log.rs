//! What was asked of the emulator, without secrets, for tests to look at.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde::Serialize;

/// What stands in place of a value that is not on the allow-list.
const REDACTED: &str = "REDACTED";

/// How many requests are kept; older ones are forgotten.
const KEPT: usize = 10_000;

/// How much of a body that is neither form nor JSON is kept.
const KEPT_TEXT: usize = 4096;

/// Headers that are kept as they are.
const HEADERS: &[&str] = &[
    "accept",
    "accept-encoding",
    "accept-language",
    "client-request-id",
    "consistencylevel",
    "content-type",
    "expect",
    "metadata",
    "prefer",
    "return-client-request-id",
    "user-agent",
    "x-anchormailbox",
    "x-client-cpu",
    "x-client-current-telemetry",
    "x-client-last-telemetry",
    "x-client-os",
    "x-client-sku",
    "x-client-ver",
    "x-ms-lib-capability",
    "x-ms-client-request-id",
];

/// Form fields and query parameters that are kept as they are.
const PARAMETERS: &[&str] = &[
    "$count",
    "$expand",
    "$filter",
    "$orderby",
    "$select",
    "$skip",
    "$top",
    "api-version",
    "authorization_endpoint",
    "claims",
    "client_assertion_type",
    "client_id",
    "client_info",
    "code_challenge",
    "code_challenge_method",
    "domain_hint",
    "grant_type",
    "haschrome",
    "login_hint",
    "mi_res_id",
    "mkt",
    "msi_res_id",
    "nonce",
    "object_id",
    "prompt",
    "redirect_uri",
    "resource",
    "response_mode",
    "response_type",
    "scope",
    "state",
    "tenant",
    "username",
    "x-client-sku",
    "x-client-ver",
];

/// One request that the emulator answered, or whose client did not wait for the answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecordedRequest {
    /// The method, `CONNECT` for what the proxy was asked.
    pub method: String,
    /// The host without its port: a true name through the proxy, a loopback address otherwise.
    pub host: String,
    /// The path without the query.
    pub path: String,
    /// The query's parameters; values that are not on the allow-list are `REDACTED`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, String>,
    /// The headers on the allow-list; of `authorization` only the scheme.
    pub headers: BTreeMap<String, String>,
    /// The body, decoded.
    pub body: RecordedBody,
    /// What a client assertion in the body says; its signature is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assertion: Option<RecordedAssertion>,
    /// What the emulator answered with; 0 when it broke the connection before a status, or the
    /// client did not wait for one.
    pub status: u16,
}

/// A client assertion, decoded and not checked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecordedAssertion {
    /// The header: algorithm, thumbprints.
    pub header: serde_json::Value,
    /// The claims.
    pub claims: serde_json::Value,
}

impl RecordedAssertion {
    fn of(form: &[u8]) -> Option<Self> {
        let (_, assertion) =
            url::form_urlencoded::parse(form).find(|(name, _)| name == "client_assertion")?;
        let mut parts = assertion.split('.').map(|part| {
            let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
            serde_json::from_slice(&bytes).ok()
        });
        Some(Self {
            header: parts.next()??,
            claims: parts.next()??,
        })
    }
}

/// The body of a request.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RecordedBody {
    /// No body.
    Empty,
    /// A form's fields; values that are not on the allow-list are `REDACTED`.
    Form(BTreeMap<String, String>),
    /// A JSON document.
    Json(serde_json::Value),
    /// Anything else: its length in bytes.
    Bytes(usize),
    /// Text that should have been JSON, shortened.
    Text(String),
}

impl RecordedRequest {
    pub(crate) fn new(method: &str, host: &str, uri: &http::Uri, headers: &HeaderMap) -> Self {
        Self {
            method: method.to_owned(),
            host: host.to_owned(),
            path: uri.path().to_owned(),
            query: parameters(uri.query().unwrap_or_default().as_bytes()),
            headers: allowed_headers(headers),
            body: RecordedBody::Empty,
            assertion: None,
            status: 0,
        }
    }

    pub(crate) fn record_body(&mut self, headers: &HeaderMap, body: &[u8]) {
        let content_type = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        // Whatever is written to a vault; its paths are read in any case.
        let of_secrets = crate::path::Path::parse(&self.path)
            .words()
            .contains(&"secrets");
        self.body = if body.is_empty() {
            RecordedBody::Empty
        } else if content_type.starts_with("application/x-www-form-urlencoded") {
            self.assertion = RecordedAssertion::of(body);
            RecordedBody::Form(parameters(body))
        } else if content_type.contains("json") {
            match serde_json::from_slice(body) {
                Ok(mut document) if of_secrets => {
                    redact(&mut document);
                    RecordedBody::Json(document)
                }
                Ok(mut document) => {
                    redact_batch(&mut document);
                    redact_fields(&mut document, false);
                    RecordedBody::Json(document)
                }
                Err(_) if of_secrets || names_secret(&String::from_utf8_lossy(body)) => {
                    RecordedBody::Bytes(body.len())
                }
                Err(_) => RecordedBody::Text(
                    String::from_utf8_lossy(&body[..body.len().min(KEPT_TEXT)]).into_owned(),
                ),
            }
        } else {
            RecordedBody::Bytes(body.len())
        };
    }
}

/// Takes the value out of a secret that is on its way to a vault.
fn redact(document: &mut serde_json::Value) {
    if let Some(value) = document.get_mut("value") {
        *value = REDACTED.into();
    }
}

/// Takes the headers that are not on the allow-list out of a batch, and of what is within it.
fn redact_batch(document: &mut serde_json::Value) {
    use serde_json::Value;
    let requests = document.get_mut("requests").and_then(Value::as_array_mut);
    for request in requests.into_iter().flatten() {
        if let Some(body) = request.get_mut("body") {
            redact_batch(body);
        }
        let headers = request.get_mut("headers").and_then(Value::as_object_mut);
        for (name, value) in headers.into_iter().flatten() {
            if !HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
                *value = REDACTED.into();
            }
        }
    }
}

/// Whether `text` has a word that a field of a secret is called by.
fn names_secret(text: &str) -> bool {
    const WORDS: [&str; 9] = [
        "apikey",
        "assertion",
        "authorization",
        "bearer",
        "cookie",
        "passphrase",
        "passw",
        "secret",
        "token",
    ];
    let text: String = text
        .chars()
        .filter(|c| !matches!(c, '_' | '-'))
        .flat_map(char::to_lowercase)
        .collect();
    WORDS.iter().any(|word| text.contains(word))
}

/// Takes the values out of the fields that are called like secrets, at any depth.
fn redact_fields(document: &mut serde_json::Value, is_secret: bool) {
    use serde_json::Value;
    match document {
        Value::Object(fields) => {
            for (name, value) in fields {
                redact_fields(value, is_secret || names_secret(name));
            }
        }
        Value::Array(items) => {
            for item in items {
                redact_fields(item, is_secret);
            }
        }
        Value::String(_) | Value::Number(_) if is_secret => *document = REDACTED.into(),
        _ => {}
    }
}

fn parameters(encoded: &[u8]) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(encoded)
        .map(|(name, value)| {
            let kept = PARAMETERS.contains(&name.as_ref());
            let value = if kept {
                value.into_owned()
            } else {
                REDACTED.to_owned()
            };
            (name.into_owned(), value)
        })
        .collect()
}

fn allowed_headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut kept = BTreeMap::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        if *name == AUTHORIZATION {
            let scheme = value.split(' ').next().unwrap_or_default();
            kept.insert(name.to_string(), format!("{scheme} {REDACTED}"));
        } else if HEADERS.contains(&name.as_str()) {
            kept.insert(name.to_string(), value.into_owned());
        }
    }
    kept
}

/// The requests so far.
#[derive(Debug, Default)]
pub(crate) struct Log {
    requests: Mutex<VecDeque<RecordedRequest>>,
}

impl Log {
    pub(crate) fn push(&self, request: RecordedRequest) {
        let mut requests = self.lock();
        if requests.len() == KEPT {
            requests.pop_front();
        }
        requests.push_back(request);
    }

    pub(crate) fn all(&self) -> Vec<RecordedRequest> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<RecordedRequest>> {
        self.requests
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const CANARY: &str = "canary-7c1d";

    #[test]
    fn secrets_in_json_are_not_recorded_whoever_reads_it() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let uri = "/v1.0/anything".parse().unwrap();
        for body in [
            format!(r#"{{"Query": "T", "clientSecret": "{CANARY}"}}"#),
            format!(r#"{{"a": [{{"refresh_token": {{"value": "{CANARY}"}}}}]}}"#),
            format!(r#"{{"Password": ["{CANARY}"], "#),
            format!("Authorization: Bearer {CANARY}"),
        ] {
            let mut request = RecordedRequest::new("POST", "h", &uri, &headers);
            request.record_body(&headers, body.as_bytes());
            let text = format!("{request:?}{}", serde_json::to_string(&request).unwrap());
            assert!(!text.contains(CANARY), "{text}");
        }
        let mut request = RecordedRequest::new("POST", "h", &uri, &headers);
        request.record_body(&headers, b"{\"Query\": \"T | take 5\"");
        let kept = RecordedBody::Text("{\"Query\": \"T | take 5\"".to_owned());
        assert_eq!(request.body, kept);
    }

    #[test]
    fn secrets_are_not_recorded() {
        let mut headers = HeaderMap::new();
        headers.insert(
            AUTHORIZATION,
            HeaderValue::from_static("Bearer canary-7c1d"),
        );
        headers.insert("x-other", HeaderValue::from_static("canary-7c1d"));
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        let uri = format!("/t/oauth2/v2.0/token?code={CANARY}&api-version=1.1")
            .parse()
            .unwrap();
        let mut request = RecordedRequest::new("POST", "login.microsoftonline.com", &uri, &headers);
        request.record_body(
            &headers,
            format!("client_id=me&client_secret={CANARY}&client_assertion={CANARY}").as_bytes(),
        );
        let text = format!("{request:?}{}", serde_json::to_string(&request).unwrap());
        assert!(!text.contains(CANARY), "{text}");
        assert_eq!(request.query["api-version"], "1.1");
        assert_eq!(request.headers["authorization"], "Bearer REDACTED");
        let RecordedBody::Form(form) = &request.body else {
            panic!("not a form: {:?}", request.body);
        };
        assert_eq!(form["client_id"], "me");
        assert_eq!(form["client_secret"], "REDACTED");
    }
}
