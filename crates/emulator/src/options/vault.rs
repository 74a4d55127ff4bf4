//! A key vault and its secrets, as the options describe them.

use std::time::{Duration, SystemTime};

use secrecy::SecretString;
use serde::Deserialize;

use super::certificate::VaultCertificate;
use crate::identifiers::version;

/// A key vault of a tenant, `{name}.vault.azure.net` or as the tenant's cloud has it.
#[derive(Debug, Clone)]
pub struct Vault {
    /// The vault's name: 3 to 24 letters, digits and `-`, unlike every other in its cloud.
    pub name: String,
    /// The applications (by client identifier) and users (by name) that may get secrets,
    /// certificates and keys.
    pub readers: Vec<String>,
    /// The applications and users that may set secrets, and update, delete, recover and purge
    /// secrets and certificates.
    pub writers: Vec<String>,
    /// The applications and users that may list secrets, certificates and keys; MSTICPy lists the
    /// secrets before it gets one.
    pub listers: Vec<String>,
    /// How permissions are given, which shows in the words of a refusal.
    pub access: VaultAccess,
    /// Whether the firewall keeps everybody out.
    pub closed: bool,
    /// What the challenge names as the resource instead of the vault's own; a client must not
    /// ask for a token for it.
    pub challenge_resource: Option<String>,
    /// The certificates; each is a secret and a key too.
    pub certificates: Vec<VaultCertificate>,
    /// The secrets. A name that comes several times has several versions, the last the current.
    pub secrets: Vec<VaultSecret>,
}

impl Vault {
    /// An empty vault without readers.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            readers: Vec::new(),
            writers: Vec::new(),
            listers: Vec::new(),
            challenge_resource: None,
            certificates: Vec::new(),
            access: VaultAccess::default(),
            closed: false,
            secrets: Vec::new(),
        }
    }
}

/// How a vault's permissions are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum VaultAccess {
    /// By roles; a refusal is `ForbiddenByRbac`.
    #[default]
    Roles,
    /// By the vault's own access policies; a refusal is `ForbiddenByPolicy`.
    Policies,
}

/// One version of a secret.
#[derive(Debug, Clone)]
pub struct VaultSecret {
    /// The name: 1 to 127 letters, digits and `-`.
    pub name: String,
    /// The secret itself.
    pub value: SecretString,
    /// The version, 32 hexadecimal digits.
    pub version: String,
    /// Whether it may be got; one that may not is a 403.
    pub enabled: bool,
    /// Whether it was deleted; it can be recovered, but not got or set.
    pub deleted: bool,
    /// From when on it should be used; it can be got before.
    pub not_before: Option<SystemTime>,
    /// Until when it should be used; it can be got after.
    pub expires: Option<SystemTime>,
    /// What is said of the value's kind.
    pub content_type: Option<String>,
    /// When it was set.
    pub created: SystemTime,
}

impl VaultSecret {
    /// An enabled secret, set in November 2023, without an end and with a version made of its name.
    pub fn new(name: impl Into<String>, value: impl Into<SecretString>) -> Self {
        let name = name.into();
        Self {
            version: version(&name, 0),
            name,
            value: value.into(),
            enabled: true,
            deleted: false,
            not_before: None,
            expires: None,
            content_type: None,
            created: SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000),
        }
    }
}
