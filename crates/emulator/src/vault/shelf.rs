//! What a vault holds by now: what was described, and what callers made of it since.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use crate::hosts::Cloud;
use crate::options::{Vault, VaultCertificate, VaultSecret};

/// The vaults that somebody has looked into, by cloud and name.
#[derive(Debug, Default)]
pub(crate) struct Shelves(Mutex<HashMap<(Cloud, String), Shelf>>);

impl Shelves {
    /// Does `work` with what `vault` holds.
    pub(super) fn with<T>(
        &self,
        cloud: Cloud,
        vault: &Vault,
        work: impl FnOnce(&mut Shelf) -> T,
    ) -> T {
        let mut shelves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (cloud, vault.name.to_lowercase());
        work(shelves.entry(place).or_insert_with(|| Shelf::of(vault)))
    }
}

/// Every version of everything in a vault, the newest last.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) secrets: Vec<Kept<VaultSecret>>,
    pub(super) certificates: Vec<Kept<VaultCertificate>>,
}

/// One version of a thing, and what was said of it.
#[derive(Debug, Clone)]
pub(super) struct Kept<T> {
    pub(super) thing: T,
    pub(super) about: About,
}

/// What may be changed about a version, and what happened to it.
#[derive(Debug, Clone)]
pub(super) struct About {
    pub(super) enabled: bool,
    pub(super) not_before: Option<SystemTime>,
    pub(super) expires: Option<SystemTime>,
    pub(super) created: SystemTime,
    pub(super) updated: SystemTime,
    pub(super) tags: BTreeMap<String, String>,
    /// When it was deleted, if it was; it can be recovered.
    pub(super) deleted: Option<SystemTime>,
}

impl Shelf {
    fn of(vault: &Vault) -> Self {
        Self {
            secrets: vault.secrets.iter().cloned().map(Kept::secret).collect(),
            certificates: vault
                .certificates
                .iter()
                .map(|certificate| Kept {
                    about: certificate.about(),
                    thing: certificate.clone(),
                })
                .collect(),
        }
    }

    /// The secrets, those that certificates are with them.
    pub(super) fn all_secrets(&self) -> Vec<Kept<VaultSecret>> {
        let of_certificates = self.certificates.iter().map(|kept| Kept {
            thing: kept.thing.secret(),
            about: kept.about.clone(),
        });
        of_certificates
            .chain(self.secrets.iter().cloned())
            .collect()
    }
}

impl Kept<VaultSecret> {
    pub(super) fn secret(secret: VaultSecret) -> Self {
        Self {
            about: About {
                enabled: secret.enabled,
                not_before: secret.not_before,
                expires: secret.expires,
                created: secret.created,
                updated: secret.created,
                tags: BTreeMap::new(),
                deleted: secret.deleted.then_some(secret.created),
            },
            thing: secret,
        }
    }
}

/// Something that has a name and a version.
pub(super) trait Named {
    fn name(&self) -> &str;
    fn version(&self) -> &str;
}

impl Named for VaultSecret {
    fn name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> &str {
        &self.version
    }
}

impl<T: Named> Kept<T> {
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.thing.name().eq_ignore_ascii_case(name)
    }
}

/// The version of `name` that is meant: the newest one when none is named; nothing that was deleted.
pub(super) fn meant<'k, T: Named>(
    kept: &'k mut [Kept<T>],
    name: &str,
    version: Option<&str>,
) -> Option<&'k mut Kept<T>> {
    kept.iter_mut().rfind(|kept| {
        kept.about.deleted.is_none()
            && kept.is_called(name)
            && version.is_none_or(|version| kept.thing.version().eq_ignore_ascii_case(version))
    })
}

/// The things that are there, or those that were deleted; of each name the newest version alone,
/// unless the versions of one are wanted.
pub(super) fn listed<T: Named + Clone>(
    kept: &[Kept<T>],
    name: Option<&str>,
    deleted: bool,
) -> Vec<Kept<T>> {
    let mut listed: Vec<Kept<T>> = kept
        .iter()
        .filter(|kept| kept.about.deleted.is_some() == deleted)
        .filter(|kept| name.is_none_or(|name| kept.is_called(name)))
        .cloned()
        .collect();
    if name.is_none() {
        listed.sort_by_key(|kept| kept.thing.name().to_lowercase());
        // The sort keeps the newest of a name last, and of equals the first is kept.
        listed.reverse();
        listed.dedup_by(|one, other| one.is_called(other.thing.name()));
        listed.reverse();
    }
    listed
}

/// Deletes every version of `name`; whether there was any.
pub(super) fn delete<T: Named>(kept: &mut [Kept<T>], name: &str, now: SystemTime) -> bool {
    let mut found = false;
    for kept in kept {
        if kept.is_called(name) && kept.about.deleted.is_none() {
            kept.about.deleted = Some(now);
            found = true;
        }
    }
    found
}

/// Brings every deleted version of `name` back; whether there was any.
pub(super) fn recover<T: Named>(kept: &mut [Kept<T>], name: &str) -> bool {
    let mut found = false;
    for kept in kept {
        if kept.is_called(name) && kept.about.deleted.take().is_some() {
            found = true;
        }
    }
    found
}

/// Forgets every deleted version of `name`; whether there was any.
pub(super) fn purge<T: Named>(kept: &mut Vec<Kept<T>>, name: &str) -> bool {
    let before = kept.len();
    kept.retain(|kept| kept.about.deleted.is_none() || !kept.is_called(name));
    kept.len() < before
}
