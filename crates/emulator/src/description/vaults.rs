//! The vaults of a description.

use std::path::Path;

use secrecy::SecretString;
use serde::Deserialize;

use super::entry::{Outcome, content, instant};
use crate::identifiers::version;
use crate::options::{Vault, VaultAccess, VaultCertificate, VaultSecret};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VaultEntry {
    name: String,
    readers: Option<Vec<String>>,
    #[serde(default)]
    writers: Vec<String>,
    #[serde(default)]
    listers: Vec<String>,
    access: Option<VaultAccess>,
    #[serde(default)]
    closed: bool,
    challenge_resource: Option<String>,
    #[serde(default)]
    secrets: Vec<SecretEntry>,
    #[serde(default)]
    certificates: Vec<CertificateEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretEntry {
    name: String,
    value: SecretString,
    version: Option<String>,
    enabled: Option<bool>,
    #[serde(default)]
    deleted: bool,
    expires: Option<String>,
    not_before: Option<String>,
    content_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CertificateEntry {
    name: String,
    /// Certificate and key as PEM: the text itself or a file.
    pem: SecretString,
    #[serde(default)]
    content: CertificateContent,
}

/// How the secret of a certificate's name holds it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum CertificateContent {
    #[default]
    Pfx,
    Pem,
}

/// The vault of an entry; who may read it is everybody unless it says.
pub(super) fn vault(entry: VaultEntry, everybody: &[String], folder: &Path) -> Outcome<Vault> {
    let mut vault = Vault::new(entry.name);
    vault.readers = entry.readers.unwrap_or_else(|| everybody.to_vec());
    vault.writers = entry.writers;
    vault.listers = entry.listers;
    vault.access = entry.access.unwrap_or_default();
    vault.closed = entry.closed;
    vault.challenge_resource = entry.challenge_resource;
    for entry in entry.secrets {
        let mut secret = VaultSecret::new(entry.name, entry.value);
        // A second entry of one name is a further version of it.
        let before = vault
            .secrets
            .iter()
            .filter(|other| other.name.eq_ignore_ascii_case(&secret.name))
            .count();
        if let Some(version) = entry.version {
            secret.version = version;
        } else if before > 0 {
            secret.version = version(&secret.name, before);
        }
        secret.enabled = entry.enabled.unwrap_or(true);
        secret.deleted = entry.deleted;
        secret.expires = entry.expires.as_deref().map(instant).transpose()?;
        secret.not_before = entry.not_before.as_deref().map(instant).transpose()?;
        secret.content_type = entry.content_type;
        vault.secrets.push(secret);
    }
    for entry in entry.certificates {
        use secrecy::ExposeSecret;
        let pem = content(entry.pem.expose_secret(), folder)?;
        let certificate =
            VaultCertificate::new(entry.name, &pem).map_err(|error| error.to_string())?;
        let certificate = certificate.after(&vault.certificates);
        vault.certificates.push(match entry.content {
            CertificateContent::Pfx => certificate,
            CertificateContent::Pem => certificate.as_pem(),
        });
    }
    Ok(vault)
}
