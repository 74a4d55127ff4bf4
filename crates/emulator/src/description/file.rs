//! The file as it is written, and what its entries become.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use super::Description;
use super::entry::{Outcome, content, instant};
use super::vaults::{VaultEntry, vault};
use crate::hosts::{Api, Cloud};
use crate::options::{IdentityEndpoint, Quotas, Tenant};
use crate::registration::{
    Application, Certificate, FederatedCredential, ManagedIdentity, Platform, RedirectUri, Secret,
    SignInPolicy, User,
};
use crate::sign_in::{Browser, DeviceOutcome, DeviceScript, SignIn};
use crate::yaml::read_yaml;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    tenants: Vec<TenantEntry>,
    quotas: Option<QuotaEntry>,
    token_lifetime_seconds: Option<u64>,
    sign_in: Option<SignInEntry>,
    identity_endpoint: Option<EndpointEntry>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum QuotaEntry {
    Switch(bool),
    Numbers { per_minute: usize, per_hour: usize },
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum EndpointEntry {
    Imds,
    AppService,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignInEntry {
    browser: Option<Browser>,
    account: Option<String>,
    device: Option<DeviceEntry>,
    code_seconds: Option<u64>,
    refresh_seconds: Option<u64>,
    refresh_tokens_reusable: Option<bool>,
    assertions_reusable: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceEntry {
    outcome: Option<DeviceOutcome>,
    pending: Option<u32>,
    #[serde(default)]
    slow_down: Vec<u32>,
    #[serde(default)]
    paced: bool,
    interval_seconds: Option<u64>,
    lifetime_seconds: Option<u64>,
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
    users: Option<Vec<UserEntry>>,
    #[serde(default)]
    vaults: Vec<VaultEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserEntry {
    name: String,
    display_name: Option<String>,
    id: Option<String>,
    password: Option<SecretString>,
    #[serde(default)]
    administrator: bool,
    #[serde(default)]
    policy: SignInPolicy,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApplicationEntry {
    client_id: String,
    name: Option<String>,
    client_secret: Option<SecretString>,
    #[serde(default)]
    secrets: Vec<SecretEntry>,
    #[serde(default)]
    certificates: Vec<String>,
    #[serde(default)]
    federated: Vec<FederatedEntry>,
    redirect_uris: Option<Vec<RedirectEntry>>,
    public_client_flows: Option<bool>,
    roles: Option<BTreeMap<Api, Vec<String>>>,
    scopes: Option<BTreeMap<Api, Vec<String>>>,
    exposes: Option<Vec<String>>,
    consented: Option<bool>,
    managed_identity: Option<IdentityEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretEntry {
    value: SecretString,
    expires: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FederatedEntry {
    issuer: String,
    subject: String,
    audience: Option<String>,
    key: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RedirectEntry {
    Native(String),
    Of { uri: String, platform: Platform },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum IdentityEntry {
    Word(IdentityWord),
    User { resource_id: String },
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum IdentityWord {
    System,
}

/// Reads a description whose files are looked for in `folder`.
pub(super) fn parse(text: &str, folder: &Path) -> Outcome<Description> {
    let file: File = read_yaml(text)?;
    Ok(Description {
        tenants: file
            .tenants
            .into_iter()
            .map(|entry| tenant(entry, folder))
            .collect::<Outcome<_>>()?,
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
        sign_in: file.sign_in.map(sign_in),
        identity_endpoint: file.identity_endpoint.map(|entry| match entry {
            EndpointEntry::Imds => IdentityEndpoint::Imds,
            EndpointEntry::AppService => IdentityEndpoint::AppService,
        }),
    })
}

fn sign_in(entry: SignInEntry) -> SignIn {
    let usual = SignIn::default();
    let seconds = |seconds: Option<u64>, usual| seconds.map_or(usual, Duration::from_secs);
    SignIn {
        browser: entry.browser.unwrap_or(usual.browser),
        account: entry.account,
        device: entry.device.map_or(usual.device, |entry| {
            let usual = DeviceScript::default();
            DeviceScript {
                outcome: entry.outcome.unwrap_or(usual.outcome),
                pending: entry.pending.unwrap_or(usual.pending),
                slow_down: entry.slow_down,
                paced: entry.paced,
                interval: seconds(entry.interval_seconds, usual.interval),
                lifetime: seconds(entry.lifetime_seconds, usual.lifetime),
            }
        }),
        code_lifetime: seconds(entry.code_seconds, usual.code_lifetime),
        refresh_lifetime: seconds(entry.refresh_seconds, usual.refresh_lifetime),
        refresh_tokens_reusable: entry
            .refresh_tokens_reusable
            .unwrap_or(usual.refresh_tokens_reusable),
        assertions_reusable: entry
            .assertions_reusable
            .unwrap_or(usual.assertions_reusable),
    }
}

fn tenant(entry: TenantEntry, folder: &Path) -> Outcome<Tenant> {
    let domain = entry
        .domain
        .clone()
        .unwrap_or_else(|| format!("{}.example", entry.id.to_lowercase()));
    let users: Vec<User> = match entry.users {
        Some(entries) => entries.into_iter().map(user).collect(),
        None => User::pair(&domain),
    };
    let everybody: Vec<String> = entry
        .applications
        .iter()
        .map(|application| application.client_id.clone())
        .chain(users.iter().map(|user| user.name.clone()))
        .collect();
    Ok(Tenant {
        vaults: entry
            .vaults
            .into_iter()
            .map(|entry| vault(entry, &everybody, folder))
            .collect::<Outcome<_>>()?,
        name: entry.name.unwrap_or_else(|| entry.id.clone()),
        id: entry.id,
        domain: entry.domain,
        cloud: entry.cloud.unwrap_or(Cloud::Global),
        applications: entry
            .applications
            .into_iter()
            .map(|entry| application(entry, folder))
            .collect::<Outcome<_>>()?,
        users,
    })
}

fn user(entry: UserEntry) -> User {
    let user = User::new(entry.name, "");
    let first = user.name.split('@').next().unwrap_or_default().to_owned();
    User {
        display_name: entry.display_name.unwrap_or(first),
        id: entry.id.unwrap_or_else(|| user.id.clone()),
        password: entry.password,
        administrator: entry.administrator,
        policy: entry.policy,
        ..user
    }
}

fn application(entry: ApplicationEntry, folder: &Path) -> Outcome<Application> {
    let mut application = match entry.managed_identity {
        None => Application::new(entry.client_id, SecretString::default()),
        Some(IdentityEntry::Word(IdentityWord::System)) => {
            Application::machine(entry.client_id, ManagedIdentity::System)
        }
        Some(IdentityEntry::User { resource_id }) => {
            Application::machine(entry.client_id, ManagedIdentity::User { resource_id })
        }
    };
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
    for named in entry.certificates {
        let bytes = content(&named, folder)?;
        let certificate = Certificate::parse(&bytes).map_err(|error| error.to_string())?;
        application.certificates.push(certificate);
    }
    for federated in entry.federated {
        let key = content(&federated.key, folder)?;
        let mut credential = FederatedCredential::new(federated.issuer, federated.subject, &key)
            .map_err(|error| error.to_string())?;
        if let Some(audience) = federated.audience {
            credential.audience = audience;
        }
        application.federated.push(credential);
    }
    if let Some(entries) = entry.redirect_uris {
        application.redirect_uris = entries
            .into_iter()
            .map(|entry| match entry {
                RedirectEntry::Native(uri) => RedirectUri::native(uri),
                RedirectEntry::Of { uri, platform } => RedirectUri { uri, platform },
            })
            .collect();
    }
    if let Some(allowed) = entry.public_client_flows {
        application.public_client_flows = allowed;
    }
    if let Some(name) = entry.name {
        application.name = name;
    }
    if let Some(roles) = entry.roles {
        application.roles = roles;
    }
    if let Some(scopes) = entry.scopes {
        application.scopes = scopes;
    }
    if let Some(exposes) = entry.exposes {
        application.exposes = exposes;
    }
    application.consented = entry.consented.unwrap_or(true);
    Ok(application)
}
