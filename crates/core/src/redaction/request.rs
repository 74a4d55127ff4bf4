//! What a request sends that nobody may read in its response.

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderName};
use secrecy::SecretString;
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
    secrets
}

fn of_header(name: &HeaderName, value: &str, secrets: &mut Vec<SecretString>) {
    // The scheme is no secret, and a word of many messages.
    match value.split_once(' ') {
        Some((_, credentials)) if name == AUTHORIZATION => secrets.push(credentials.trim().into()),
        _ => secrets.push(value.into()),
    }
}
