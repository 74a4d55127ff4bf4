//! Lists of what is in a vault, of the versions of one thing, and of what was deleted.

use serde_json::{Map, Value, json};

use super::content::{Home, check_name, not_found};
use super::item::Collection;
use super::refused::Refused;
use super::shelf::{About, listed};
use crate::request::Asked;

/// How many entries a page has, and may have at most.
const PAGE: usize = 25;

/// Where a page begins, in the address of the next one.
const SKIP: &str = "$skiptoken";

impl Home<'_> {
    /// One page of the current versions of everything, or of every version of the thing `name`.
    ///
    /// Sources: <https://learn.microsoft.com/rest/api/keyvault/secrets/get-secrets/get-secrets>,
    /// <https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret-versions/get-secret-versions>,
    /// <https://learn.microsoft.com/rest/api/keyvault/certificates/get-certificates/get-certificates>,
    /// <https://learn.microsoft.com/rest/api/keyvault/keys/get-keys/get-keys>
    pub(super) fn list(
        &self,
        asked: &Asked,
        collection: Collection,
        name: Option<&str>,
    ) -> Result<Value, Refused> {
        if let Some(name) = name {
            check_name(name)?;
        }
        let entries = self.entries(collection, name, false);
        // Versions of nothing are an error for certificates and keys, and an empty list for secrets.
        if let (Some(name), true) = (name, entries.is_empty())
            && collection == Collection::Certificates
        {
            return Err(not_found(collection, name, None));
        }
        let below = match name {
            Some(name) => format!("{}/{name}/versions", collection.name()),
            None => collection.name().to_owned(),
        };
        self.page(asked, &below, entries)
    }

    /// One page of what was deleted.
    ///
    /// Sources: <https://learn.microsoft.com/rest/api/keyvault/secrets/get-deleted-secrets/get-deleted-secrets>,
    /// <https://learn.microsoft.com/rest/api/keyvault/certificates/get-deleted-certificates/get-deleted-certificates>
    pub(super) fn list_deleted(
        &self,
        asked: &Asked,
        collection: Collection,
    ) -> Result<Value, Refused> {
        let entries = self.entries(collection, None, true);
        self.page(asked, &format!("deleted{}", collection.name()), entries)
    }

    /// The entries of a list, without values.
    fn entries(&self, collection: Collection, name: Option<&str>, deleted: bool) -> Vec<Value> {
        let versioned = name.is_some();
        let done = |entry: Map<String, Value>, name: &str, about: &About| {
            let entry = Value::Object(entry);
            if deleted {
                self.with_deletion(entry, collection, name, about)
            } else {
                entry
            }
        };
        self.with(|shelf| match collection {
            Collection::Secrets => {
                let all = if deleted {
                    shelf.secrets.clone()
                } else {
                    shelf.all_secrets()
                };
                listed(&all, name, deleted)
                    .iter()
                    .map(|kept| {
                        let mut entry = self.secret(kept, versioned);
                        let managed = shelf
                            .certificates
                            .iter()
                            .any(|certificate| certificate.is_called(&kept.thing.name));
                        if managed {
                            entry.insert("managed".to_owned(), true.into());
                        }
                        done(entry, &kept.thing.name, &kept.about)
                    })
                    .collect()
            }
            // A key of a certificate goes with it, and is not deleted by itself.
            Collection::Keys if deleted => Vec::new(),
            Collection::Certificates | Collection::Keys => {
                listed(&shelf.certificates, name, deleted)
                    .iter()
                    .map(|kept| {
                        let entry = match collection {
                            Collection::Keys => {
                                kept.thing.key_entry(&self.base, &kept.about, versioned)
                            }
                            _ => kept
                                .thing
                                .certificate_entry(&self.base, &kept.about, versioned),
                        };
                        done(entry, &kept.thing.name, &kept.about)
                    })
                    .collect()
            }
        })
    }

    fn page(&self, asked: &Asked, below: &str, entries: Vec<Value>) -> Result<Value, Refused> {
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
        let next = start.saturating_add(size);
        let next_link = (next < entries.len()).then(|| {
            let version = parameter("api-version").unwrap_or_default();
            format!(
                "{}/{below}?api-version={version}&{SKIP}={next}&maxresults={size}",
                self.base
            )
        });
        let value: Vec<Value> = entries.into_iter().skip(start).take(size).collect();
        Ok(json!({ "value": value, "nextLink": next_link }))
    }
}
