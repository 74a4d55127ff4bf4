//! What a request sends that nobody may read in its response.

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderName};
use secrecy::SecretString;
use serde_json::Value;
use url::form_urlencoded;

/// Headers that prove who asks.
const HEADERS: [&str; 12] = [
    "api-key",
    "authorization",
    "cookie",
    "ocp-apim-subscription-key",
    "proxy-authorization",
    "x-api-key",
    "x-functions-key",
    "x-identity-header",
    "x-ms-authorization-auxiliary",
    "x-ms-token-aad-access-token",
    "x-ms-token-aad-id-token",
    "x-ms-token-aad-refresh-token",
];

/// Fields of forms and addresses that are secrets.
const FIELDS: [&str; 16] = [
    "access_token",
    "actor_token",
    "assertion",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "device_code",
    "id_token",
    "password",
    "refresh_token",
    "secret",
    "sig",
    "state",
    "subject_token",
    "token",
];

/// Those that are secrets in the form of a sign-in alone: in JSON they are anything at all.
const WORDS: [&str; 2] = ["code", "state"];

/// Further fields of bodies in JSON.
const JSON_FIELDS: [&str; 12] = [
    "access_key",
    "account_key",
    "api_key",
    "authorization",
    "cookie",
    "key_value",
    "passphrase",
    "passwd",
    "private_key",
    "pwd",
    "secret_text",
    "subscription_key",
];

pub(super) fn secrets(request: &http::Request<Bytes>) -> Vec<SecretString> {
    let mut secrets = Vec::new();
    for (name, value) in request.headers() {
        if HEADERS.contains(&name.as_str()) || value.is_sensitive() {
            let value = String::from_utf8_lossy(value.as_bytes());
            of_header(name, value.trim(), &mut secrets);
        }
    }
    let query = request.uri().query().unwrap_or_default();
    for fields in [query.as_bytes(), request.body()] {
        // A body that is no form has no such fields.
        for (name, value) in form_urlencoded::parse(fields) {
            if FIELDS.contains(&name.as_ref()) {
                secrets.push(value.into_owned().into());
            }
        }
    }
    of_json(request.body(), &mut secrets);
    secrets
}

/// The secret fields of a body in JSON, at any depth.
fn of_json(body: &[u8], secrets: &mut Vec<SecretString>) {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if !matches!(first, Some(b'{' | b'[')) {
        return;
    }
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return;
    };
    let mut left = vec![(false, value)];
    while let Some((is_secret, value)) = left.pop() {
        match value {
            Value::Object(fields) => left.extend(
                fields
                    .into_iter()
                    .map(|(name, value)| (is_secret || is_field(&name), value)),
            ),
            Value::Array(items) => left.extend(items.into_iter().map(|item| (is_secret, item))),
            Value::String(text) if is_secret => secrets.push(text.into()),
            Value::Number(number) if is_secret => secrets.push(number.to_string().into()),
            _ => {}
        }
    }
}

/// In JSON names are spelt in more ways: `clientSecret`, `client_secret`, `ClientSecret`.
fn is_field(name: &str) -> bool {
    let folded = |name: &str| -> String {
        name.chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_lowercase())
            .collect()
    };
    let name = folded(name);
    FIELDS
        .iter()
        .filter(|field| !WORDS.contains(field))
        .chain(&JSON_FIELDS)
        .any(|field| folded(field) == name)
}

fn of_header(name: &HeaderName, value: &str, secrets: &mut Vec<SecretString>) {
    // The scheme is no secret, and a word of many messages.
    match value.split_once(' ') {
        Some((_, credentials)) if name == AUTHORIZATION => secrets.push(credentials.trim().into()),
        _ => secrets.push(value.into()),
    }
}
