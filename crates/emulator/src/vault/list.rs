//! Lists of secrets and of a secret's versions, without their values.

use serde_json::{Map, Value, json};

use super::VaultSecret;
use super::content::{Home, attributes, check_name};
use super::refused::Refused;
use crate::service::Asked;

/// How many entries a page has, and may have at most.
const PAGE: usize = 25;

/// Where a page begins, in the address of the next one.
const SKIP: &str = "$skiptoken";

impl Home<'_> {
    /// One page of the current versions of all secrets, or of every version of the secret `name`.
    ///
    /// Sources: <https://learn.microsoft.com/rest/api/keyvault/secrets/get-secrets/get-secrets>,
    /// <https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret-versions/get-secret-versions>
    pub(super) fn list(&self, asked: &Asked, name: Option<&str>) -> Result<Value, Refused> {
        if let Some(name) = name {
            check_name(name)?;
        }
        let query = asked.uri.query().unwrap_or_default();
        let parameter = |wanted: &str| {
            url::form_urlencoded::parse(query.as_bytes())
                .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
                .map(|(_, value)| value.into_owned())
        };
        let number = |wanted: &str, otherwise: usize| match parameter(wanted) {
            None => Ok(otherwise),
            Some(text) => text.parse().map_err(|_| {
                Refused::bad_parameter(format!("Property {wanted} has invalid value"))
            }),
        };
        let size = number("maxresults", PAGE)?;
        if !(1..=PAGE).contains(&size) {
            return Err(Refused::bad_parameter(
                "Property maxresults has invalid value",
            ));
        }
        let start = number(SKIP, 0)?;
        let secrets = self.wanted(name);
        let value: Vec<Value> = secrets
            .iter()
            .skip(start)
            .take(size)
            .map(|secret| self.entry(secret, name.is_some()))
            .collect();
        let next = start.saturating_add(size);
        let next_link = (next < secrets.len()).then(|| {
            let version = parameter("api-version").unwrap_or_default();
            let below = name.map(|name| format!("/{name}/versions"));
            format!(
                "{}/secrets{}?api-version={version}&{SKIP}={next}&maxresults={size}",
                self.base,
                below.unwrap_or_default()
            )
        });
        Ok(json!({ "value": value, "nextLink": next_link }))
    }

    /// The secrets that are there, or the versions of one.
    fn wanted(&self, name: Option<&str>) -> Vec<VaultSecret> {
        let mut secrets = self.all();
        secrets.retain(|secret| {
            !secret.deleted && name.is_none_or(|name| secret.name.eq_ignore_ascii_case(name))
        });
        if name.is_none() {
            secrets.sort_by_key(|secret| secret.name.to_lowercase());
            // The sort keeps the newest of a name last, and of equals the first is kept.
            secrets.reverse();
            secrets.dedup_by(|one, other| one.name.eq_ignore_ascii_case(&other.name));
            secrets.reverse();
        }
        secrets
    }

    fn entry(&self, secret: &VaultSecret, versioned: bool) -> Value {
        let mut entry = Map::new();
        if let Some(content_type) = &secret.content_type {
            entry.insert("contentType".to_owned(), json!(content_type));
        }
        let version = if versioned {
            format!("/{}", secret.version)
        } else {
            String::new()
        };
        let id = format!("{}/secrets/{}{version}", self.base, secret.name);
        entry.insert("id".to_owned(), json!(id));
        entry.insert("attributes".to_owned(), attributes(secret));
        Value::Object(entry)
    }
}
