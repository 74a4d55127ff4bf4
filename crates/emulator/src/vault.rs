//! Key Vault: vaults, their secrets, and who may get them.

mod answer;
mod certificate;
mod content;
mod deletion;
mod list;
mod operation;
mod refused;
mod shelf;

use std::time::{Duration, SystemTime};

use http::Method;
use secrecy::SecretString;
use serde::Deserialize;

pub use certificate::VaultCertificate;

pub(crate) use answer::answer;
pub(crate) use refused::outage;
pub(crate) use shelf::Shelves;

use crate::error::{Error, Result};
use crate::hosts::is_vault_name;
use crate::identifiers::Identifiers;
use crate::options::Tenant;

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
    /// An empty vault that nobody may read.
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

/// What a vault keeps things under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Collection {
    Secrets,
    Certificates,
    Keys,
}

impl Collection {
    /// The part of a path.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Secrets => "secrets",
            Self::Certificates => "certificates",
            Self::Keys => "keys",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Secrets, Self::Certificates, Self::Keys]
            .into_iter()
            .find(|collection| collection.name().eq_ignore_ascii_case(name))
    }
}

/// What of a vault a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    /// One thing, in its current version when none is named.
    One {
        collection: Collection,
        name: String,
        version: Option<String>,
    },
    /// A list of things, or of the versions of the one that is named.
    List {
        collection: Collection,
        name: Option<String>,
    },
    /// The policy of a certificate.
    Policy { name: String },
    /// What was deleted: one thing, or all.
    Deleted {
        collection: Collection,
        name: Option<String>,
    },
    /// A deleted thing that is to come back.
    Recover {
        collection: Collection,
        name: String,
    },
    /// Nothing.
    Nothing,
}

impl Item {
    /// The methods that are taken for it.
    pub(crate) fn methods(&self) -> &'static [Method] {
        match self {
            Self::One {
                collection,
                version,
                ..
            } => match (collection, version) {
                (Collection::Secrets, None) => {
                    &[Method::GET, Method::PUT, Method::PATCH, Method::DELETE]
                }
                (Collection::Certificates, None) => &[Method::GET, Method::PATCH, Method::DELETE],
                (Collection::Keys, _) => &[Method::GET],
                (_, Some(_)) => &[Method::GET, Method::PATCH],
            },
            Self::Policy { .. } => &[Method::GET, Method::PATCH],
            Self::Deleted { name: Some(_), .. } => &[Method::GET, Method::DELETE],
            Self::Recover { .. } => &[Method::POST],
            _ => &[Method::GET],
        }
    }

    /// What it is a part of.
    fn collection(&self) -> Option<Collection> {
        match self {
            Self::One { collection, .. }
            | Self::List { collection, .. }
            | Self::Deleted { collection, .. }
            | Self::Recover { collection, .. } => Some(*collection),
            Self::Policy { .. } => Some(Collection::Certificates),
            Self::Nothing => None,
        }
    }

    /// The name in it, if it is about one thing.
    fn name(&self) -> Option<&str> {
        match self {
            Self::One { name, .. } | Self::Policy { name } | Self::Recover { name, .. } => {
                Some(name)
            }
            Self::Deleted { name, .. } => name.as_deref(),
            Self::List { .. } | Self::Nothing => None,
        }
    }
}

/// What the parts of a path mean.
pub(crate) fn item(segments: &[&str]) -> Item {
    let Some((first, rest)) = segments.split_first() else {
        return Item::Nothing;
    };
    let deleted = first
        .get(..7)
        .filter(|start| start.eq_ignore_ascii_case("deleted"))
        .and_then(|_| Collection::named(first.get(7..)?));
    if let Some(collection) = deleted {
        return match rest {
            [] => Item::Deleted {
                collection,
                name: None,
            },
            [name] => Item::Deleted {
                collection,
                name: Some((*name).to_owned()),
            },
            [name, recover] if recover.eq_ignore_ascii_case("recover") => Item::Recover {
                collection,
                name: (*name).to_owned(),
            },
            _ => Item::Nothing,
        };
    }
    let Some(collection) = Collection::named(first) else {
        return Item::Nothing;
    };
    let one = |name: &str, version: Option<&str>| Item::One {
        collection,
        name: name.to_owned(),
        version: version.map(str::to_owned),
    };
    match rest {
        [] => Item::List {
            collection,
            name: None,
        },
        [name, versions] if versions.eq_ignore_ascii_case("versions") => Item::List {
            collection,
            name: Some((*name).to_owned()),
        },
        [name, policy]
            if collection == Collection::Certificates && policy.eq_ignore_ascii_case("policy") =>
        {
            Item::Policy {
                name: (*name).to_owned(),
            }
        }
        [name] => one(name, None),
        [name, version] => one(name, Some(version)),
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
