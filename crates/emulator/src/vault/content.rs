//! What is in a vault: secrets as they were described and as they were set since.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use http::StatusCode;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::refused::Refused;
use super::{Vault, VaultCertificate, VaultSecret, version};
use crate::hosts::Cloud;
use crate::ticks;

/// The largest secret, in bytes.
///
/// Source: <https://learn.microsoft.com/azure/key-vault/secrets/about-secrets>
const LARGEST: usize = 25 * 1024;

/// What was set since the start, by cloud and vault.
#[derive(Debug, Default)]
pub(crate) struct Writes(Mutex<HashMap<(Cloud, String), Vec<VaultSecret>>>);

/// A vault, and what the addresses of its things begin with.
pub(super) struct Home<'a> {
    pub(super) vault: &'a Vault,
    pub(super) cloud: Cloud,
    pub(super) base: String,
    pub(super) writes: &'a Writes,
}

/// What a client sends to set a secret.
#[derive(Deserialize)]
struct Setting {
    value: Option<String>,
    #[serde(rename = "contentType")]
    content_type: Option<String>,
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Default, Deserialize)]
struct Attributes {
    enabled: Option<bool>,
    nbf: Option<u64>,
    exp: Option<u64>,
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
    /// The secret that is meant; a certificate is one too.
    pub(super) fn secret(&self, name: &str, version: Option<&str>) -> Result<Value, Refused> {
        let secret = self
            .all()
            .into_iter()
            .rfind(|secret| {
                secret.name.eq_ignore_ascii_case(name)
                    && version.is_none_or(|version| secret.version.eq_ignore_ascii_case(version))
            })
            .filter(|secret| !secret.deleted)
            .ok_or_else(|| not_found("secret", "SecretNotFound", name, version))?;
        if !secret.enabled {
            return Err(Refused::forbidden(
                "SecretDisabled",
                "Operation get is not allowed on a disabled secret.",
            ));
        }
        Ok(self.bundle(&secret))
    }

    /// A certificate without its key.
    ///
    /// Source: <https://learn.microsoft.com/rest/api/keyvault/certificates/get-certificate/get-certificate>
    pub(super) fn certificate(&self, name: &str, version: Option<&str>) -> Result<Value, Refused> {
        let found = self.described(name, version);
        let found =
            found.ok_or_else(|| not_found("certificate", "CertificateNotFound", name, version))?;
        Ok(found.certificate_bundle(&self.base))
    }

    /// A certificate's public key.
    ///
    /// Source: <https://learn.microsoft.com/rest/api/keyvault/keys/get-key/get-key>
    pub(super) fn key(&self, name: &str, version: Option<&str>) -> Result<Value, Refused> {
        let found = self.described(name, version);
        let found = found.ok_or_else(|| not_found("key", "KeyNotFound", name, version))?;
        Ok(found.key_bundle(&self.base))
    }

    fn described(&self, name: &str, version: Option<&str>) -> Option<&VaultCertificate> {
        self.vault.certificates.iter().rfind(|certificate| {
            certificate.name().eq_ignore_ascii_case(name)
                && version.is_none_or(|version| certificate.version().eq_ignore_ascii_case(version))
        })
    }

    /// Adds a version of a secret.
    ///
    /// Source: <https://learn.microsoft.com/rest/api/keyvault/secrets/set-secret/set-secret>
    pub(super) fn set(&self, name: &str, body: &[u8], now: SystemTime) -> Result<Value, Refused> {
        let setting: Setting = serde_json::from_slice(body)
            .map_err(|_| Refused::bad_parameter("The request body is not valid JSON."))?;
        let value = setting
            .value
            .ok_or_else(|| Refused::bad_parameter("Property  has invalid value"))?;
        if value.len() > LARGEST {
            return Err(Refused::bad_parameter(
                "The secret value is larger than 25600 bytes.",
            ));
        }
        let mut before = self.all();
        before.retain(|secret| secret.name.eq_ignore_ascii_case(name));
        if before.last().is_some_and(|secret| secret.deleted) {
            return Err(Refused::conflict(
                "ObjectIsDeletedButRecoverable",
                format!(
                    "Secret {name} is currently in a deleted but recoverable state, and its name \
                     cannot be reused; in this state, the secret can only be recovered or purged."
                ),
            ));
        }
        let time = |seconds: u64| {
            SystemTime::UNIX_EPOCH.checked_add(std::time::Duration::from_secs(seconds))
        };
        let secret = VaultSecret {
            version: version(name, before.len()),
            enabled: setting.attributes.enabled.unwrap_or(true),
            not_before: setting.attributes.nbf.and_then(time),
            expires: setting.attributes.exp.and_then(time),
            content_type: setting.content_type,
            created: now,
            ..VaultSecret::new(name, value)
        };
        let bundle = self.bundle(&secret);
        self.writes
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(self.place())
            .or_default()
            .push(secret);
        Ok(bundle)
    }

    fn place(&self) -> (Cloud, String) {
        (self.cloud, self.vault.name.to_lowercase())
    }

    /// Every version of every secret, the newest last.
    pub(super) fn all(&self) -> Vec<VaultSecret> {
        let mut all: Vec<VaultSecret> = self
            .vault
            .certificates
            .iter()
            .map(VaultCertificate::secret)
            .collect();
        all.extend(self.vault.secrets.iter().cloned());
        let writes = self.writes.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(written) = writes.get(&self.place()) {
            all.extend(written.iter().cloned());
        }
        all
    }

    /// The secret as it goes out; one outside its dates is handed out too, as the service does.
    ///
    /// Source: <https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret>
    fn bundle(&self, secret: &VaultSecret) -> Value {
        let mut body = Map::new();
        body.insert("value".to_owned(), json!(secret.value.expose_secret()));
        if let Some(content_type) = &secret.content_type {
            body.insert("contentType".to_owned(), json!(content_type));
        }
        body.insert(
            "id".to_owned(),
            json!(format!(
                "{}/secrets/{}/{}",
                self.base, secret.name, secret.version
            )),
        );
        body.insert("attributes".to_owned(), attributes(secret));
        Value::Object(body)
    }
}

/// Times and state as all things in a vault have them.
pub(super) fn attributes(secret: &VaultSecret) -> Value {
    let mut attributes = Map::new();
    attributes.insert("enabled".to_owned(), json!(secret.enabled));
    for (name, time) in [
        ("nbf", secret.not_before),
        ("exp", secret.expires),
        ("created", Some(secret.created)),
        ("updated", Some(secret.created)),
    ] {
        if let Some(time) = time {
            attributes.insert(name.to_owned(), json!(ticks::unix_seconds(time)));
        }
    }
    attributes.insert("recoveryLevel".to_owned(), json!("Recoverable+Purgeable"));
    attributes.insert("recoverableDays".to_owned(), json!(90));
    Value::Object(attributes)
}

fn not_found(kind: &str, code: &'static str, name: &str, version: Option<&str>) -> Refused {
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
