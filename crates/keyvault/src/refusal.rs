//! What a vault says instead of a secret, as an error.

use std::time::SystemTime;

use defender_core::{Error, ErrorKind, Redaction};
use defender_http::retry_after;
use http::response::Parts;
use serde::Deserialize;

use crate::challenge::Challenge;
use crate::location::Location;

/// How much of a refusal is read.
pub(crate) const LONGEST: usize = 64 * 1024;

/// How many characters of somebody else's text go into a message.
const LONGEST_TEXT: usize = 300;

/// Source: <https://learn.microsoft.com/azure/key-vault/general/rest-error-codes>
#[derive(Debug, Default, Deserialize)]
struct Wire {
    error: Option<ErrorWire>,
}

#[derive(Debug, Default, Deserialize)]
struct ErrorWire {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
    #[serde(alias = "innerError")]
    innererror: Option<InnerWire>,
}

#[derive(Debug, Default, Deserialize)]
struct InnerWire {
    code: Option<String>,
}

/// An answer that is not a secret.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// Key Vault's own code, the innermost it gives; empty when something else answered.
    code: String,
    message: String,
}

impl Refusal {
    /// Reads the beginning of a body; its words pass the gate before anything is cut off.
    pub(crate) fn read(body: &[u8], gate: &Redaction) -> Self {
        let wire: Wire = serde_json::from_str(&gate.text(body)).unwrap_or_default();
        let Some(error) = wire.error else {
            return Self {
                code: String::new(),
                message: String::new(),
            };
        };
        let inner = error.innererror.and_then(|inner| inner.code);
        let message = readable(&error.message);
        // The number in front of the text is finer than `Unauthorized`.
        let number = message
            .split_once(':')
            .map(|(front, _)| front)
            .filter(|front| front.starts_with("AKV"));
        let code = inner
            .as_deref()
            .or(number)
            .unwrap_or(&error.code)
            .to_owned();
        Self {
            code: readable(&code),
            message,
        }
    }

    /// Whether another token for the same resource would be refused like this one.
    pub(crate) fn is_final(&self) -> bool {
        ["AKV10022", "AKV10032"].contains(&self.code.as_str())
    }

    /// The error, in words for whoever wrote the setting.
    pub(crate) fn error(
        &self,
        head: &Parts,
        location: &Location,
        setting: &str,
        challenge: Option<&Challenge>,
        writes: bool,
        now: SystemTime,
    ) -> Error {
        let status = head.status.as_u16();
        let host = location.shown_host();
        let words = if self.message.is_empty() {
            String::new()
        } else {
            format!(": {}", self.message)
        };
        let wanted = format!("{location}, named by {setting},");
        let error = match (status, self.code.as_str()) {
            (401, code) => Error::new(
                ErrorKind::Credential,
                format!("{wanted} was refused to this sign-in{words}"),
            )
            .with_hint(unauthorized(code, challenge)),
            (403, "SecretDisabled") => {
                Error::new(ErrorKind::Config, format!("{wanted} is disabled"))
                    .with_hint(format!("enable it, or change {setting}"))
            }
            (403, code) => {
                let done = if writes { "written" } else { "read" };
                Error::new(
                    ErrorKind::Permission,
                    format!("{wanted} may not be {done}{words}"),
                )
                .with_hint(forbidden(code, &host, writes))
            }
            (409, _) if writes => Error::new(
                ErrorKind::Config,
                format!("{wanted} was deleted and can still be recovered{words}"),
            )
            .with_hint("recover it or purge it, or take another name"),
            (404, "SecretNotFound") => {
                Error::new(ErrorKind::Config, format!("{wanted} does not exist"))
                    .with_hint(format!("create it or recover it, or change {setting}"))
            }
            (429, _) => Error::new(
                ErrorKind::Throttled,
                format!("the Key Vault {host} is asked too often, for {setting}{words}"),
            )
            .transient(),
            (408 | 500.., _) => Error::new(
                ErrorKind::Service,
                format!("the Key Vault {host} cannot serve now, for {setting}{words}"),
            )
            .transient(),
            (400, _) if !self.code.is_empty() => Error::new(
                ErrorKind::Config,
                format!("{wanted} cannot be asked for{words}"),
            ),
            _ => Error::new(
                ErrorKind::Protocol,
                format!(
                    "{host} answered {status}, which is no answer of a Key Vault, for {setting}"
                ),
            )
            .with_hint("check the vault's address; a proxy may have answered instead"),
        };
        let mut error = error.with_status(status).with_url(&location.url());
        if !self.code.is_empty() {
            error = error.with_code(self.code.clone());
        }
        if error.is_transient()
            && let Some(wait) = retry_after(&head.headers, now)
        {
            error = error.with_retry_after(wait);
        }
        if let Some(id) = head.headers.get("x-ms-request-id")
            && let Ok(id) = id.to_str()
        {
            error = error.with_request_id(readable(id));
        }
        error
    }
}

fn unauthorized(code: &str, challenge: Option<&Challenge>) -> String {
    match (
        code,
        challenge.and_then(|challenge| challenge.authorization.as_deref()),
    ) {
        ("AKV10032", Some(trusted)) => format!(
            "the vault trusts the tenant of {}; sign in there: KeyVault.TenantId",
            readable(trusted)
        ),
        ("AKV10022", _) => {
            "the vault may be in another cloud; set KeyVault.Authority to it".to_owned()
        }
        (_, Some(trusted)) => format!(
            "check who signs in to Key Vault; the vault trusts {}",
            readable(trusted)
        ),
        _ => "check who signs in to Key Vault, and the vault's address".to_owned(),
    }
}

/// Source: <https://learn.microsoft.com/azure/key-vault/general/common-error-codes>
fn forbidden(code: &str, host: &str, writes: bool) -> String {
    let (role, permission) = if writes {
        ("Key Vault Secrets Officer", "set")
    } else {
        ("Key Vault Secrets User", "get")
    };
    match code {
        "ForbiddenByRbac" => format!(
            "give the application the role {role} on {host} or on the secret; a new assignment \
             takes some minutes"
        ),
        "ForbiddenByPolicy" | "AccessDenied" => format!(
            "give the application the secret permission {permission} in the access policies of \
             {host}"
        ),
        "ForbiddenByFirewall" => format!(
            "the firewall of {host} does not know this machine's address; allow it under \
             Networking, or come from an allowed network"
        ),
        "ForbiddenByConnection" => format!(
            "{host} does not take connections from public networks; come through its private \
             endpoint"
        ),
        _ => format!("ask an administrator of {host} for the secret permission {permission}"),
    }
}

/// The first line of somebody else's text, of bounded length, without the full stop.
fn readable(text: &str) -> String {
    let line = text.trim_start().lines().next().unwrap_or_default();
    // A link to a page on permissions; the hint is shorter.
    let line = line.split(" For help resolving this issue").next();
    let line: String = line
        .unwrap_or_default()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST_TEXT)
        .collect();
    line.trim().trim_end_matches('.').to_owned()
}
