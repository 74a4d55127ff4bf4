//! Key Vault: vaults, their secrets, and who may get them.

mod answer;

use std::time::{Duration, SystemTime};

use secrecy::SecretString;
use serde::Deserialize;

pub(crate) use answer::{answer, outage};

use crate::error::{Error, Result};
use crate::hosts::is_vault_name;
use crate::identifiers::Identifiers;
use crate::options::Tenant;

/// A key vault of a tenant, `{name}.vault.azure.net` or as the tenant's cloud has it.
#[derive(Debug, Clone)]
pub struct Vault {
    /// The vault's name: 3 to 24 letters, digits and `-`, unlike every other in its cloud.
    pub name: String,
    /// The client identifiers of the applications that may get secrets; nobody may list or set.
    pub readers: Vec<String>,
    /// How permissions are given, which shows in the words of a refusal.
    pub access: VaultAccess,
    /// Whether the firewall keeps everybody out.
    pub closed: bool,
    /// The secrets. A name that comes several times has several versions, the last the current.
    pub secrets: Vec<VaultSecret>,
}

impl Vault {
    /// An empty vault that nobody may read.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            readers: Vec::new(),
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
            not_before: None,
            expires: None,
            content_type: None,
            created: SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000),
        }
    }
}

/// A version for the secret `name` that has `before` versions already.
pub(crate) fn version(name: &str, before: usize) -> String {
    let seed = name
        .bytes()
        .map(|byte| u64::from(byte.to_ascii_lowercase()))
        .chain([before as u64])
        .fold(7, |seed: u64, byte| {
            seed.wrapping_mul(257).wrapping_add(byte)
        });
    Identifiers::new(seed).next().replace('-', "")
}

/// What of a vault a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    /// A secret, in its current version when none is named.
    Secret {
        name: String,
        version: Option<String>,
    },
    /// A list of secrets or of a secret's versions.
    List,
    /// Nothing.
    Nothing,
}

/// What the parts of a path mean.
pub(crate) fn item(segments: &[&str]) -> Item {
    match segments {
        ["secrets"] | ["secrets", _, "versions"] => Item::List,
        ["secrets", name] => Item::Secret {
            name: (*name).to_owned(),
            version: None,
        },
        ["secrets", name, version] => Item::Secret {
            name: (*name).to_owned(),
            version: Some((*version).to_owned()),
        },
        _ => Item::Nothing,
    }
}

/// Checks that every vault has a name that a host can have, and one of its own.
pub(crate) fn check(tenants: &[Tenant]) -> Result<()> {
    let mut seen = Vec::new();
    for tenant in tenants {
        for vault in &tenant.vaults {
            if !is_vault_name(&vault.name) {
                return Err(Error::Options(format!(
                    "'{}' cannot be a vault: its name has 3 to 24 letters, digits and '-'",
                    vault.name
                )));
            }
            let key = (tenant.cloud, vault.name.to_ascii_lowercase());
            if seen.contains(&key) {
                return Err(Error::Options(format!(
                    "two vaults have the name {}",
                    vault.name
                )));
            }
            seen.push(key);
        }
    }
    Ok(())
}
