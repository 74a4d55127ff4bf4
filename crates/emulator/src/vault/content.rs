//! What is done with the secrets, certificates and keys of a vault.

use std::time::{Duration, SystemTime};

use http::StatusCode;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::item::Collection;
use super::refused::Refused;
use super::shelf::{self, About, Kept, Shelf, Shelves};
use crate::hosts::Cloud;
use crate::identifiers::version;
use crate::options::{Vault, VaultSecret};
use crate::ticks;

/// The largest secret, in bytes.
///
/// Source: <https://learn.microsoft.com/azure/key-vault/secrets/about-secrets>
const LARGEST: usize = 25 * 1024;

/// How long what was deleted can be recovered.
pub(super) const RECOVERABLE_DAYS: u64 = 90;

/// A vault, and what the addresses of its things begin with.
pub(super) struct Home<'a> {
    pub(super) vault: &'a Vault,
    pub(super) cloud: Cloud,
    pub(super) base: String,
    pub(super) shelves: &'a Shelves,
    pub(super) now: SystemTime,
}

/// What a client sends to set a secret, or to change what is said of something.
#[derive(Deserialize)]
struct Setting {
    value: Option<String>,
    #[serde(rename = "contentType")]
    content_type: Option<String>,
    #[serde(default)]
    attributes: Option<Attributes>,
    tags: Option<std::collections::BTreeMap<String, String>>,
}

#[derive(Default, Deserialize)]
struct Attributes {
    enabled: Option<bool>,
    nbf: Option<u64>,
    exp: Option<u64>,
}

impl Setting {
    fn read(body: &[u8]) -> Result<Self, Refused> {
        serde_json::from_slice(body)
            .map_err(|_| Refused::bad_parameter("The request body is not valid JSON."))
    }

    /// Changes what it names, and nothing else.
    fn apply(&self, about: &mut About, now: SystemTime) {
        let time = |seconds: u64| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        if let Some(attributes) = &self.attributes {
            about.enabled = attributes.enabled.unwrap_or(about.enabled);
            about.not_before = attributes.nbf.and_then(time).or(about.not_before);
            about.expires = attributes.exp.and_then(time).or(about.expires);
        }
        if let Some(tags) = &self.tags {
            about.tags.clone_from(tags);
        }
        about.updated = now;
    }
}

/// Refuses names that nothing in a vault can have.
pub(super) fn check_name(name: &str) -> Result<(), Refused> {
    let fits = (1..=127).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if fits {
        return Ok(());
    }
    Err(Refused::bad_parameter(format!(
        "The request URI contains an invalid name: {name}"
    )))
}

impl Home<'_> {
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Shelf) -> T) -> T {
        self.shelves.with(self.cloud, self.vault, work)
    }

    /// One thing, in the version that is meant.
    ///
    /// Sources: <https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret>,
    /// <https://learn.microsoft.com/rest/api/keyvault/certificates/get-certificate/get-certificate>,
    /// <https://learn.microsoft.com/rest/api/keyvault/keys/get-key/get-key>
    pub(super) fn get(
        &self,
        collection: Collection,
        name: &str,
        version: Option<&str>,
    ) -> Result<Value, Refused> {
        self.with(|shelf| match collection {
            // A certificate is a secret too, and one outside its dates is handed out.
            Collection::Secrets => {
                let mut all = shelf.all_secrets();
                let kept = shelf::meant(&mut all, name, version)
                    .ok_or_else(|| not_found(collection, name, version))?;
                if !kept.about.enabled {
                    return Err(Refused::forbidden(
                        "SecretDisabled",
                        "Operation get is not allowed on a disabled secret.",
                    ));
                }
                Ok(self.secret_with_value(kept).into())
            }
            Collection::Certificates | Collection::Keys => {
                let kept = shelf::meant(&mut shelf.certificates, name, version)
                    .ok_or_else(|| not_found(collection, name, version))?;
                Ok(match collection {
                    Collection::Keys => kept.thing.key_bundle(&self.base, &kept.about),
                    _ => kept.thing.certificate_bundle(&self.base, &kept.about),
                })
            }
        })
    }

    /// How a certificate is renewed.
    ///
    /// Source: <https://learn.microsoft.com/rest/api/keyvault/certificates/get-certificate-policy/get-certificate-policy>
    pub(super) fn policy(&self, name: &str) -> Result<Value, Refused> {
        self.with(|shelf| {
            shelf::meant(&mut shelf.certificates, name, None)
                .map(|kept| kept.thing.policy(&self.base))
                .ok_or_else(|| not_found(Collection::Certificates, name, None))
        })
    }

    /// Changes what the policy of a certificate says; members that are not named stay.
    ///
    /// Source: <https://learn.microsoft.com/rest/api/keyvault/certificates/update-certificate-policy/update-certificate-policy>
    pub(super) fn update_policy(&self, name: &str, body: &[u8]) -> Result<Value, Refused> {
        let Ok(Value::Object(changes)) = serde_json::from_slice(body) else {
            return Err(Refused::bad_parameter(
                "The request body is not valid JSON.",
            ));
        };
        self.with(|shelf| {
            let kept = shelf::meant(&mut shelf.certificates, name, None)
                .ok_or_else(|| not_found(Collection::Certificates, name, None))?;
            kept.thing.change_policy(changes);
            Ok(kept.thing.policy(&self.base))
        })
    }

    /// Adds a version of a secret.
    ///
    /// Source: <https://learn.microsoft.com/rest/api/keyvault/secrets/set-secret/set-secret>
    pub(super) fn set(&self, name: &str, body: &[u8]) -> Result<Value, Refused> {
        let setting = Setting::read(body)?;
        let value = setting
            .value
            .clone()
            .ok_or_else(|| Refused::bad_parameter("Property  has invalid value"))?;
        if value.len() > LARGEST {
            return Err(Refused::bad_parameter(
                "The secret value is larger than 25600 bytes.",
            ));
        }
        self.with(|shelf| {
            let mut before = shelf.all_secrets();
            before.retain(|kept| kept.is_called(name));
            if before
                .last()
                .is_some_and(|kept| kept.about.deleted.is_some())
            {
                return Err(Refused::conflict(
                    "ObjectIsDeletedButRecoverable",
                    format!(
                        "Secret {name} is currently in a deleted but recoverable state, and its \
                         name cannot be reused; in this state, the secret can only be recovered \
                         or purged."
                    ),
                ));
            }
            let mut kept = Kept::secret(VaultSecret {
                version: version(name, before.len()),
                content_type: setting.content_type.clone(),
                created: self.now,
                ..VaultSecret::new(name, value.clone())
            });
            setting.apply(&mut kept.about, self.now);
            let bundle = self.secret_with_value(&kept);
            shelf.secrets.push(kept);
            Ok(bundle.into())
        })
    }

    /// Changes what is said of a version: whether it is enabled, its dates, its tags.
    ///
    /// Sources: <https://learn.microsoft.com/rest/api/keyvault/secrets/update-secret/update-secret>,
    /// <https://learn.microsoft.com/rest/api/keyvault/certificates/update-certificate/update-certificate>
    pub(super) fn update(
        &self,
        collection: Collection,
        name: &str,
        version: Option<&str>,
        body: &[u8],
    ) -> Result<Value, Refused> {
        let setting = Setting::read(body)?;
        self.with(|shelf| {
            if collection == Collection::Secrets
                && let Some(kept) = shelf::meant(&mut shelf.secrets, name, version)
            {
                setting.apply(&mut kept.about, self.now);
                if let Some(content_type) = &setting.content_type {
                    kept.thing.content_type = Some(content_type.clone());
                }
                return Ok(self.secret(kept, true).into());
            }
            let kept = shelf::meant(&mut shelf.certificates, name, version)
                .ok_or_else(|| not_found(collection, name, version))?;
            if collection != Collection::Certificates {
                return Err(managed("update", collection));
            }
            setting.apply(&mut kept.about, self.now);
            Ok(kept.thing.certificate_bundle(&self.base, &kept.about))
        })
    }

    /// The whole secret.
    fn secret_with_value(&self, kept: &Kept<VaultSecret>) -> Map<String, Value> {
        let value = kept.thing.value.expose_secret().into();
        let mut body = Map::from_iter([("value".to_owned(), value)]);
        body.extend(self.secret(kept, true));
        body
    }

    /// What is said of a secret, without its value.
    pub(super) fn secret(&self, kept: &Kept<VaultSecret>, versioned: bool) -> Map<String, Value> {
        let mut body = Map::new();
        let secret = &kept.thing;
        if let Some(content_type) = &secret.content_type {
            body.insert("contentType".to_owned(), json!(content_type));
        }
        let version = if versioned {
            format!("/{}", secret.version)
        } else {
            String::new()
        };
        let id = format!("{}/secrets/{}{version}", self.base, secret.name);
        body.insert("id".to_owned(), json!(id));
        body.insert("attributes".to_owned(), attributes(&kept.about));
        if !kept.about.tags.is_empty() {
            body.insert("tags".to_owned(), json!(kept.about.tags));
        }
        body
    }
}

/// Times and state as all things in a vault have them.
pub(super) fn attributes(about: &About) -> Value {
    let mut attributes = Map::new();
    attributes.insert("enabled".to_owned(), json!(about.enabled));
    for (name, time) in [
        ("nbf", about.not_before),
        ("exp", about.expires),
        ("created", Some(about.created)),
        ("updated", Some(about.updated)),
    ] {
        if let Some(time) = time {
            attributes.insert(name.to_owned(), json!(ticks::unix_seconds(time)));
        }
    }
    attributes.insert("recoveryLevel".to_owned(), json!("Recoverable+Purgeable"));
    attributes.insert("recoverableDays".to_owned(), json!(RECOVERABLE_DAYS));
    Value::Object(attributes)
}

/// What an error calls a thing, and its code when there is none.
pub(super) fn kind(collection: Collection) -> (&'static str, &'static str) {
    match collection {
        Collection::Secrets => ("secret", "SecretNotFound"),
        Collection::Certificates => ("certificate", "CertificateNotFound"),
        Collection::Keys => ("key", "KeyNotFound"),
    }
}

pub(super) fn not_found(collection: Collection, name: &str, version: Option<&str>) -> Refused {
    let (kind, code) = kind(collection);
    let id = match version {
        Some(version) => format!("{name}/{version}"),
        None => name.to_owned(),
    };
    Refused::new(
        StatusCode::NOT_FOUND,
        code,
        format!(
            "A {kind} with (name/id) {id} was not found in this key vault. If you recently \
             deleted this {kind} you may be able to recover it using the correct recovery \
             command. For help resolving this issue, please see \
             https://go.microsoft.com/fwlink/?linkid=2125182"
        ),
    )
}

/// A certificate's secret and key follow the certificate.
pub(super) fn managed(operation: &str, collection: Collection) -> Refused {
    let (kind, _) = kind(collection);
    Refused::forbidden(
        "AccessDenied",
        format!("Operation {operation} is not allowed on a {kind} that a certificate manages."),
    )
}
