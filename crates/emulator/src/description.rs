//! A file that describes tenants and what is registered in them.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::hosts::{Api, Cloud};
use crate::options::{Application, Options, Quotas, Secret, Tenant};
use crate::ticks;
use crate::vault::{Vault, VaultAccess, VaultSecret};

/// Tenants, applications and limits, read from YAML or JSON.
///
/// ```
/// let description = defender_emulator::Description::parse(
///     "
/// tenants:
///   - id: 44444444-4444-4444-4444-444444444444
///     name: Contoso
///     domain: contoso.example
///     cloud: global
///     applications:
///       - client_id: 44444444-4444-4444-4444-aaaaaaaaaaaa
///         client_secret: made-up
///         roles:
///           graph: [ThreatHunting.Read.All]
///           mde: []
///     vaults:
///       - name: contoso-vault           # contoso-vault.vault.azure.net
///         readers: [44444444-4444-4444-4444-aaaaaaaaaaaa]  # without it every application
///         access: policies              # or roles, the default: the words of a refusal
///         secrets:
///           - {name: Hunting-Secret, value: made-up}
///           - {name: Old-Secret, value: made-up, expires: 2020-01-01T00:00:00Z}
/// quotas: true
/// ",
/// )?;
/// assert_eq!(description.tenants[0].name, "Contoso");
/// # Ok::<(), defender_emulator::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Description {
    /// The tenants, the default one first.
    pub tenants: Vec<Tenant>,
    /// Calls allowed per tenant and application.
    pub quotas: Option<Quotas>,
    /// How long an access token is good for.
    pub token_lifetime: Option<Duration>,
}

impl Description {
    /// Reads a description.
    ///
    /// # Errors
    ///
    /// [`Error::Description`], with the line, never with the text around it.
    pub fn parse(text: &str) -> Result<Self> {
        let file: File = read_yaml(text).map_err(Error::Description)?;
        let tenants = file
            .tenants
            .into_iter()
            .map(tenant)
            .collect::<std::result::Result<_, String>>()
            .map_err(Error::Description)?;
        Ok(Self {
            tenants,
            quotas: match file.quotas {
                None | Some(QuotaEntry::Switch(false)) => None,
                Some(QuotaEntry::Switch(true)) => Some(Quotas::default()),
                Some(QuotaEntry::Numbers {
                    per_minute,
                    per_hour,
                }) => Some(Quotas {
                    per_minute,
                    per_hour,
                }),
            },
            token_lifetime: file.token_lifetime_seconds.map(Duration::from_secs),
        })
    }

    /// Puts what the description says into `options`; what it does not mention stays.
    pub fn apply(self, options: &mut Options) {
        if !self.tenants.is_empty() {
            options.tenants = self.tenants;
        }
        if self.quotas.is_some() {
            options.quotas = self.quotas;
        }
        if let Some(lifetime) = self.token_lifetime {
            options.token_lifetime = lifetime;
        }
    }
}

/// Reads YAML (of which JSON is a part); a mistake is told without the lines around it, since
/// they may hold secrets.
pub(crate) fn read_yaml<T: DeserializeOwned>(text: &str) -> std::result::Result<T, String> {
    serde_saphyr::from_str(text).map_err(|error| error.without_snippet().to_string())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    tenants: Vec<TenantEntry>,
    quotas: Option<QuotaEntry>,
    token_lifetime_seconds: Option<u64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum QuotaEntry {
    Switch(bool),
    Numbers { per_minute: usize, per_hour: usize },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TenantEntry {
    id: String,
    name: Option<String>,
    domain: Option<String>,
    cloud: Option<Cloud>,
    #[serde(default)]
    applications: Vec<ApplicationEntry>,
    #[serde(default)]
    vaults: Vec<VaultEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VaultEntry {
    name: String,
    readers: Option<Vec<String>>,
    access: Option<VaultAccess>,
    #[serde(default)]
    closed: bool,
    #[serde(default)]
    secrets: Vec<VaultSecretEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VaultSecretEntry {
    name: String,
    value: SecretString,
    version: Option<String>,
    enabled: Option<bool>,
    expires: Option<String>,
    not_before: Option<String>,
    content_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApplicationEntry {
    client_id: String,
    name: Option<String>,
    client_secret: Option<SecretString>,
    #[serde(default)]
    secrets: Vec<SecretEntry>,
    roles: Option<BTreeMap<Api, Vec<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretEntry {
    value: SecretString,
    expires: Option<String>,
}

fn tenant(entry: TenantEntry) -> std::result::Result<Tenant, String> {
    let everybody: Vec<String> = entry
        .applications
        .iter()
        .map(|application| application.client_id.clone())
        .collect();
    Ok(Tenant {
        vaults: entry
            .vaults
            .into_iter()
            .map(|entry| vault(entry, &everybody))
            .collect::<std::result::Result<_, _>>()?,
        name: entry.name.unwrap_or_else(|| entry.id.clone()),
        id: entry.id,
        domain: entry.domain,
        cloud: entry.cloud.unwrap_or(Cloud::Global),
        applications: entry
            .applications
            .into_iter()
            .map(application)
            .collect::<std::result::Result<_, _>>()?,
    })
}

fn vault(entry: VaultEntry, everybody: &[String]) -> std::result::Result<Vault, String> {
    let mut vault = Vault::new(entry.name);
    vault.readers = entry.readers.unwrap_or_else(|| everybody.to_vec());
    vault.access = entry.access.unwrap_or_default();
    vault.closed = entry.closed;
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
            secret.version = crate::vault::version(&secret.name, before);
        }
        secret.enabled = entry.enabled.unwrap_or(true);
        secret.expires = entry.expires.as_deref().map(instant).transpose()?;
        secret.not_before = entry.not_before.as_deref().map(instant).transpose()?;
        secret.content_type = entry.content_type;
        vault.secrets.push(secret);
    }
    Ok(vault)
}

fn application(entry: ApplicationEntry) -> std::result::Result<Application, String> {
    let mut application = Application::new(entry.client_id, SecretString::default());
    application.secrets = entry
        .client_secret
        .map(|value| Secret {
            value,
            expires: None,
        })
        .into_iter()
        .collect();
    for secret in entry.secrets {
        application.secrets.push(Secret {
            value: secret.value,
            expires: secret.expires.as_deref().map(instant).transpose()?,
        });
    }
    if let Some(name) = entry.name {
        application.name = name;
    }
    if let Some(roles) = entry.roles {
        application.roles = roles;
    }
    Ok(application)
}

fn instant(text: &str) -> std::result::Result<SystemTime, String> {
    ticks::parse(text)
        .and_then(ticks::to_system_time)
        .ok_or_else(|| format!("{text:?} is not a time such as 2026-11-20T08:00:00Z"))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn everything_in_a_file_arrives() {
        let description = Description::parse(
            r#"
tenants:
  - id: "0042"
    cloud: gcc-high
    applications:
      - client_id: 1e5
        name: hunter
        secrets:
          - {value: "old", expires: "2020-01-01T00:00:00Z"}
          - {value: "new"}
        roles: {m365d: [AdvancedHunting.Read.All]}
    vaults:
      - name: one-vault
        access: policies
        closed: true
        secrets:
          - {name: a, value: "first"}
          - {name: A, value: "second", enabled: false, not_before: "2020-01-01T00:00:00Z"}
          - {name: b, value: "0042", version: "0a", content_type: text/plain}
      - {name: two-vault, readers: []}
quotas: {per_minute: 2, per_hour: 3}
token_lifetime_seconds: 60
"#,
        )
        .unwrap();
        let tenant = &description.tenants[0];
        assert_eq!((tenant.id.as_str(), tenant.name.as_str()), ("0042", "0042"));
        assert_eq!(tenant.cloud, Cloud::UsGovernment);
        let application = &tenant.applications[0];
        assert_eq!(application.client_id, "1e5");
        assert_eq!(application.secrets[0].value.expose_secret(), "old");
        assert_eq!(
            application.secrets[0].expires,
            Some(SystemTime::UNIX_EPOCH + Duration::from_hours((50 * 365 + 12) * 24))
        );
        assert_eq!(application.secrets[1].expires, None);
        assert_eq!(application.roles.len(), 1);
        let [one, two] = tenant.vaults.as_slice() else {
            panic!("{:?}", tenant.vaults);
        };
        assert_eq!((one.access, one.closed), (VaultAccess::Policies, true));
        assert_eq!(one.readers, ["1e5"]);
        assert!(two.readers.is_empty());
        let [first, second, third] = one.secrets.as_slice() else {
            panic!("{:?}", one.secrets);
        };
        assert_ne!(first.version, second.version);
        assert!(first.enabled && !second.enabled);
        assert!(second.not_before.is_some() && second.expires.is_none());
        assert_eq!(third.value.expose_secret(), "0042");
        assert_eq!(third.version, "0a");
        let mut options = Options::default();
        description.apply(&mut options);
        assert_eq!(options.token_lifetime, Duration::from_mins(1));
        assert_eq!(options.quotas.unwrap().per_minute, 2);
        assert_eq!(options.tenants.len(), 1);
    }

    #[test]
    fn a_mistake_is_told_without_the_secret_beside_it() {
        let error = Description::parse(
            "tenants:\n  - id: a\n    applications:\n      - client_id: b\n        client_secret: canary-7c1d\n        rolls: {}\n",
        )
        .unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains("rolls"), "{text}");
        assert!(!text.contains("canary-7c1d"), "{text}");
    }
}
