//! What managed identity endpoints answer.

use std::time::{Duration, SystemTime};

use defender_core::{AccessToken, Body, Error, ErrorKind, Redaction, Result};
use defender_http::{read_at_most, retry_after};
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use url::Url;

use super::IdentityId;
use crate::token_answer;

const LONGEST_ANSWER: usize = 1024 * 1024;
const LONGEST_REFUSAL: usize = 64 * 1024;

/// How many characters of somebody else's text go into a message.
const LONGEST_TEXT: usize = 300;

/// The metadata service is back after at most 70 seconds when it is being updated.
const UPDATING: Duration = Duration::from_secs(25);

/// What is known besides the answer.
pub(super) struct Context<'a> {
    pub(super) url: &'a Url,
    pub(super) identity: &'a IdentityId,
    /// When it was asked.
    pub(super) start: SystemTime,
    pub(super) now: SystemTime,
    /// The gate that the answer's words pass.
    pub(super) redaction: &'a Redaction,
}

/// Whether `answer` is the metadata service's own: proxies and captive pages answer as well.
pub(super) fn is_from_metadata_service(answer: &http::Response<Body>) -> bool {
    let kind = answer.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_page = kind.to_ascii_lowercase().starts_with("text/html");
    !is_page && !matches!(answer.status().as_u16(), 403 | 407 | 502 | 504)
}

/// The token in `answer`.
pub(super) async fn read(
    answer: http::Response<Body>,
    context: &Context<'_>,
) -> Result<AccessToken> {
    let (head, body) = answer.into_parts();
    if !head.status.is_success() {
        let wait = retry_after(&head.headers, context.now);
        let body = read_at_most(body, LONGEST_REFUSAL).await;
        let error = refused(head.status.as_u16(), wait, &body, context);
        return Err(context.redaction.error(error));
    }
    let expected = |what: &str| {
        Error::new(
            ErrorKind::Protocol,
            format!("the managed identity's answer {what}"),
        )
        .with_url(context.url)
        .with_status(head.status.as_u16())
    };
    let body = body.collect(LONGEST_ANSWER).await;
    let body = body.map_err(|error| context.redaction.error(error))?;
    token_answer::read(&body, context.start).map_err(expected)
}

#[derive(Deserialize)]
struct RefusalWire {
    #[serde(default)]
    error: String,
    #[serde(default, alias = "message")]
    error_description: String,
}

/// Source: <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#error-handling>
fn refused(status: u16, wait: Option<Duration>, body: &[u8], context: &Context<'_>) -> Error {
    let wire = serde_json::from_slice::<RefusalWire>(body).ok();
    let said = wire.map_or_else(String::new, |wire| {
        let text = if wire.error_description.is_empty() {
            wire.error
        } else {
            wire.error_description
        };
        let text = context.redaction.apply(&text);
        let text = text.lines().next().unwrap_or_default();
        text.chars()
            .filter(|c| !c.is_control())
            .take(LONGEST_TEXT)
            .collect::<String>()
            .trim_end_matches('.')
            .to_owned()
    });
    let told = |what: &str| {
        let colon = if said.is_empty() { "" } else { ": " };
        format!("{what} ({status}){colon}{said}")
    };
    let missing = status == 400 && said.to_ascii_lowercase().contains("identity not found");
    let error = match (status, context.identity) {
        (400, IdentityId::System) if missing => Error::new(
            ErrorKind::Config,
            "this machine has no managed identity of its own",
        )
        .with_hint("give it one, or name a user-assigned identity")
        .not_configured(),
        (400, _) if missing => Error::new(
            ErrorKind::Config,
            "this machine does not have the managed identity that is asked for",
        )
        .with_hint("assign the identity to the machine, or correct its id"),
        (429, _) => Error::new(
            ErrorKind::Throttled,
            told("the managed identity is asked too often"),
        )
        .transient(),
        (404 | 408 | 410 | 500.., _) => Error::new(
            ErrorKind::Service,
            told("the managed identity cannot be served now"),
        )
        .transient(),
        _ => Error::new(
            ErrorKind::Credential,
            told("the managed identity got no token"),
        ),
    };
    let error = error.with_url(context.url).with_status(status);
    match wait.or((status == 410).then_some(UPDATING)) {
        Some(wait) if error.is_transient() => error.with_retry_after(wait),
        _ => error,
    }
}
