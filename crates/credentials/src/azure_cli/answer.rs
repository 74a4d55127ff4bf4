//! What the Azure CLI prints.

use std::time::SystemTime;

use defender_core::{AccessToken, Error, ErrorKind, Result, SecretString, moment};
use serde::Deserialize;

use crate::claims;
use crate::seconds::Seconds;

/// How much of the CLI's own words goes into a message.
const LONGEST_TEXT: usize = 600;

/// Source: <https://learn.microsoft.com/cli/azure/account#az-account-get-access-token>
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnswerWire {
    access_token: String,
    /// Since version 2.54 of the CLI: seconds since 1970.
    #[serde(rename = "expires_on")]
    epoch: Option<Seconds>,
    /// Before: a time of the clock on the wall, without its zone.
    expires_on: Option<String>,
    token_type: Option<String>,
}

/// The token in `text`; no error quotes it.
pub(super) fn read(text: &str) -> Result<AccessToken> {
    let wrong = |what| {
        Error::new(
            ErrorKind::Protocol,
            format!("the Azure CLI's answer {what}"),
        )
        .with_hint("update the Azure CLI: `az upgrade`")
    };
    // The CLI may print a warning or a mark of its own before the object.
    let object = text
        .find('{')
        .map(|start| &text[start..])
        .unwrap_or_default();
    let wire: AnswerWire = serde_json::from_str(object).map_err(|_| wrong("holds no token"))?;
    let bearer = wire.token_type.as_deref().unwrap_or("Bearer");
    if wire.access_token.is_empty() || !bearer.eq_ignore_ascii_case("Bearer") {
        return Err(wrong("holds no token"));
    }
    let expires_at = wire
        .expires_at()
        .ok_or_else(|| wrong("does not say when the token ends"))?;
    Ok(AccessToken::new(wire.access_token, expires_at))
}

/// The token in `text`, whatever else is wrong with it.
pub(super) fn token(text: &str) -> Option<SecretString> {
    let object = &text[text.find('{')?..];
    let wire: AnswerWire = serde_json::from_str(object).ok()?;
    Some(wire.access_token.into())
}

impl AnswerWire {
    /// A time of the wall's clock is twice in one night of the year and means nothing without
    /// the zone: where it is all there is, the token itself says better when it ends.
    fn expires_at(&self) -> Option<SystemTime> {
        let epoch = self.epoch.as_ref().and_then(Seconds::moment);
        let claimed = || claims(&self.access_token).ok()?.expires_at;
        let zoned = || {
            let text = self.expires_on.as_deref()?;
            let has_zone = text.ends_with('Z') || text.get(19..)?.contains(['+', '-']);
            has_zone.then(|| moment(text, SystemTime::UNIX_EPOCH).ok())?
        };
        epoch.or_else(zoned).or_else(claimed)
    }
}

/// The first line of the CLI's own words that says something.
pub(super) fn line(text: &str) -> String {
    let line = text
        .lines()
        .map(|line| line.trim().trim_start_matches("ERROR:").trim())
        .find(|line| !line.is_empty() && !line.starts_with("WARNING"))
        .unwrap_or("it does not say why");
    let line = line.split(" Trace ID:").next().unwrap_or_default();
    line.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST_TEXT)
        .collect::<String>()
        .trim_end_matches('.')
        .to_owned()
}
