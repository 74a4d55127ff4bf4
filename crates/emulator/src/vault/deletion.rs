//! What is deleted in a vault, and comes back or does not.

use http::StatusCode;
use serde_json::Value;

use super::content::{Home, RECOVERABLE_DAYS, kind, managed, not_found};
use super::item::Collection;
use super::refused::Refused;
use super::shelf::{self, About};
use crate::ticks;

impl Home<'_> {
    /// Deletes every version of something, so that it can be recovered.
    ///
    /// Sources: <https://learn.microsoft.com/rest/api/keyvault/secrets/delete-secret/delete-secret>,
    /// <https://learn.microsoft.com/rest/api/keyvault/certificates/delete-certificate/delete-certificate>
    pub(super) fn delete(&self, collection: Collection, name: &str) -> Result<Value, Refused> {
        self.with(|shelf| {
            let found = match collection {
                Collection::Secrets => shelf::delete(&mut shelf.secrets, name, self.now),
                Collection::Certificates => shelf::delete(&mut shelf.certificates, name, self.now),
                Collection::Keys => false,
            };
            if !found {
                let certificate = shelf::meant(&mut shelf.certificates, name, None).is_some();
                return Err(match (collection, certificate) {
                    (Collection::Certificates, _) | (_, false) => not_found(collection, name, None),
                    _ => managed("delete", collection),
                });
            }
            Ok(())
        })?;
        self.deleted(collection, name)
    }

    /// Something that was deleted.
    ///
    /// Sources: <https://learn.microsoft.com/rest/api/keyvault/secrets/get-deleted-secret/get-deleted-secret>,
    /// <https://learn.microsoft.com/rest/api/keyvault/certificates/get-deleted-certificate/get-deleted-certificate>
    pub(super) fn deleted(&self, collection: Collection, name: &str) -> Result<Value, Refused> {
        self.with(|shelf| {
            let gone = |about: &About| about.deleted.is_some();
            let (bundle, about) = match collection {
                Collection::Secrets => {
                    let mut kept = shelf.secrets.iter().rev();
                    let kept = kept.find(|kept| kept.is_called(name) && gone(&kept.about));
                    kept.map(|kept| (self.secret(kept, true).into(), &kept.about))
                }
                Collection::Certificates => {
                    let mut kept = shelf.certificates.iter().rev();
                    let kept = kept.find(|kept| kept.is_called(name) && gone(&kept.about));
                    kept.map(|kept| {
                        let bundle = kept.thing.certificate_bundle(&self.base, &kept.about);
                        (bundle, &kept.about)
                    })
                }
                Collection::Keys => None,
            }
            .ok_or_else(|| not_deleted(collection, name))?;
            Ok(self.with_deletion(bundle, collection, name, about))
        })
    }

    /// Brings something back that was deleted.
    ///
    /// Sources: <https://learn.microsoft.com/rest/api/keyvault/secrets/recover-deleted-secret/recover-deleted-secret>,
    /// <https://learn.microsoft.com/rest/api/keyvault/certificates/recover-deleted-certificate/recover-deleted-certificate>
    pub(super) fn recover(&self, collection: Collection, name: &str) -> Result<Value, Refused> {
        self.with(|shelf| {
            let found = match collection {
                Collection::Secrets => shelf::recover(&mut shelf.secrets, name),
                Collection::Certificates => shelf::recover(&mut shelf.certificates, name),
                Collection::Keys => false,
            };
            if !found {
                return Err(not_deleted(collection, name));
            }
            Ok(match collection {
                Collection::Secrets => shelf::meant(&mut shelf.secrets, name, None)
                    .map(|kept| self.secret(kept, true).into()),
                _ => shelf::meant(&mut shelf.certificates, name, None)
                    .map(|kept| kept.thing.certificate_bundle(&self.base, &kept.about)),
            }
            .unwrap_or_default())
        })
    }

    /// Forgets something that was deleted.
    ///
    /// Sources: <https://learn.microsoft.com/rest/api/keyvault/secrets/purge-deleted-secret/purge-deleted-secret>,
    /// <https://learn.microsoft.com/rest/api/keyvault/certificates/purge-deleted-certificate/purge-deleted-certificate>
    pub(super) fn purge(&self, collection: Collection, name: &str) -> Result<(), Refused> {
        let found = self.with(|shelf| match collection {
            Collection::Secrets => shelf::purge(&mut shelf.secrets, name),
            Collection::Certificates => shelf::purge(&mut shelf.certificates, name),
            Collection::Keys => false,
        });
        if found {
            Ok(())
        } else {
            Err(not_deleted(collection, name))
        }
    }

    /// The same with when it was deleted, and until when it can be recovered.
    pub(super) fn with_deletion(
        &self,
        mut bundle: Value,
        collection: Collection,
        name: &str,
        about: &About,
    ) -> Value {
        let deleted = ticks::unix_seconds(about.deleted.unwrap_or(self.now));
        let kept = i64::try_from(RECOVERABLE_DAYS * 86_400).unwrap_or(i64::MAX);
        bundle["recoveryId"] = format!("{}/deleted{}/{name}", self.base, collection.name()).into();
        bundle["deletedDate"] = deleted.into();
        bundle["scheduledPurgeDate"] = deleted.saturating_add(kept).into();
        bundle
    }
}

fn not_deleted(collection: Collection, name: &str) -> Refused {
    let (kind, code) = kind(collection);
    let mut letters = kind.chars();
    let first: String = letters
        .by_ref()
        .take(1)
        .flat_map(char::to_uppercase)
        .collect();
    Refused::new(
        StatusCode::NOT_FOUND,
        code,
        format!("Deleted {first}{} not found: {name}", letters.as_str()),
    )
}
