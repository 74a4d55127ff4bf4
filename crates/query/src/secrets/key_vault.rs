//! Key Vault, opened when the first secret in it is used.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use defender_cloud::{Cloud, KeyVault};
use defender_config::{ConnectionArgs, ConnectionKey, KeyVaultSettings, Proxy, Settings};
use defender_core::{Error, ErrorKind, Result, SecretRef, SecretResolver, SecretString};
use defender_credentials::{Authority, Cached, ClientSecret};
use defender_http::Retry;
use defender_keyvault::{VaultSecrets, Vaults};
use url::Url;

use crate::Options;
use crate::connect::transport;

/// The vaults that a provider has opened, so that connecting again fetches nothing again.
#[derive(Clone, Debug, Default)]
pub(crate) struct OpenVaults(Arc<Mutex<Vec<Opened>>>);

type Opened = (Access, Arc<VaultSecrets>);

/// Which vaults, and as whom: two that are equal see the same secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Access {
    vaults: Vaults,
    authority: Url,
    tenant: String,
    client_id: String,
}

impl OpenVaults {
    fn find(&self, access: &Access) -> Option<Arc<VaultSecrets>> {
        let opened = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        opened
            .iter()
            .find(|(other, _)| other == access)
            .map(|(_, secrets)| Arc::clone(secrets))
    }

    /// Keeps `secrets`, unless another caller was faster.
    fn keep(&self, access: Access, secrets: Arc<VaultSecrets>) -> Arc<VaultSecrets> {
        let mut opened = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, first)) = opened.iter().find(|(other, _)| *other == access) {
            return Arc::clone(first);
        }
        opened.push((access, Arc::clone(&secrets)));
        secrets
    }
}

/// The secrets of one connection: the environment's, and those in vaults.
///
/// Nothing is opened, and no variable missed, before a secret in a vault is used.
pub(crate) struct ConnectionSecrets {
    options: Options,
    settings: Option<Settings>,
    /// The cloud of the connection, when no section says in which one the vaults are.
    cloud: Option<(String, String)>,
    opened: OpenVaults,
    environment: Arc<dyn SecretResolver>,
}

impl ConnectionSecrets {
    pub(crate) fn new(
        options: &Options,
        settings: Option<&Settings>,
        args: &ConnectionArgs,
        opened: &OpenVaults,
        environment: Arc<dyn SecretResolver>,
    ) -> Self {
        let origin = || args.origin(ConnectionKey::Cloud);
        Self {
            options: options.clone(),
            settings: settings.cloned(),
            cloud: args.cloud.clone().map(|cloud| (cloud, origin())),
            opened: opened.clone(),
            environment,
        }
    }

    fn section(&self) -> Option<&KeyVaultSettings> {
        self.settings.as_ref()?.key_vault()
    }

    /// The cloud, and whether Azure's own sections say so rather than the connection.
    fn cloud(&self) -> Result<(Cloud, bool)> {
        let of_section = self.section().and_then(|section| section.cloud.as_deref());
        let azure = self.settings.as_ref().map(Settings::azure);
        let of_azure = azure.and_then(|azure| azure.cloud.as_deref());
        let (name, origin, own) = match (of_section, of_azure, &self.cloud) {
            (Some(name), ..) => (name, "KeyVault.Authority", true),
            (None, Some(name), _) => (name, "Azure.cloud", true),
            (None, None, Some((name, origin))) => (name.as_str(), origin.as_str(), false),
            (None, None, None) => return Ok((Cloud::Global, false)),
        };
        let cloud = name.parse().map_err(|error: Error| {
            let wrong = Error::new(ErrorKind::Config, format!("{error}, from {origin}"));
            match error.hint() {
                Some(hint) => wrong.with_hint(hint.to_owned()),
                None => wrong,
            }
        })?;
        Ok((cloud, own))
    }

    fn variable(&self, name: &str) -> Option<String> {
        let value = self.options.environment.get(name)?.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// Which vaults, and as whom; `setting` wants to know.
    fn access(&self, setting: &str) -> Result<(Access, SecretString)> {
        let (cloud, own) = self.cloud()?;
        let KeyVault { suffix, .. } = cloud.key_vault();
        let section = self.section();
        let azure = self.settings.as_ref().map(Settings::azure);
        let tenant = section
            .and_then(|section| section.tenant_id.clone())
            .or_else(|| azure?.tenant_id.clone())
            .or_else(|| self.variable("AZURE_TENANT_ID"));
        let client_id = self.variable("AZURE_CLIENT_ID");
        let secret = self.variable("AZURE_CLIENT_SECRET");
        let (Some(tenant), Some(client_id), Some(secret)) = (&tenant, &client_id, &secret) else {
            let missing: Vec<&str> = [
                ("AZURE_TENANT_ID", tenant.is_none()),
                ("AZURE_CLIENT_ID", client_id.is_none()),
                ("AZURE_CLIENT_SECRET", secret.is_none()),
            ]
            .into_iter()
            .filter_map(|(name, missing)| missing.then_some(name))
            .collect();
            let missing = match missing.as_slice() {
                [front @ .., last] if !front.is_empty() => {
                    format!("{} and {last}, which are not set", front.join(", "))
                }
                one => format!("{}, which is not set", one.concat()),
            };
            return Err(Error::new(
                ErrorKind::Config,
                format!("{setting} is kept in a Key Vault, and signing in there needs {missing}"),
            )
            .with_hint(
                "set the environment variables AZURE_TENANT_ID (or KeyVault.TenantId), \
                 AZURE_CLIENT_ID and AZURE_CLIENT_SECRET to an application that may get the \
                 secret; this version signs in to Key Vault in no other way",
            ));
        };
        let authority = match section.and_then(|section| section.authority.clone()) {
            Some(authority) => authority,
            None if own => cloud.authority(),
            None => match self.variable("AZURE_AUTHORITY_HOST") {
                None => cloud.authority(),
                Some(host) => {
                    let host = authority_host(&host)?;
                    // Another cloud's sign-in gives no token for this cloud's vaults.
                    let foreign = self.cloud.is_some()
                        && Cloud::ALL.into_iter().any(|other| {
                            other.authority() != cloud.authority()
                                && other.authority().host() == host.host()
                        });
                    if foreign { cloud.authority() } else { host }
                }
            },
        };
        let access = Access {
            vaults: Vaults {
                default_vault: section.and_then(|section| section.vault_name.clone()),
                suffix: suffix.to_owned(),
                scope: cloud.key_vault().scope(),
            },
            authority,
            tenant: tenant.clone(),
            client_id: client_id.clone(),
        };
        Ok((access, secret.clone().into()))
    }

    async fn open(&self, setting: &str) -> Result<Arc<VaultSecrets>> {
        let (access, secret) = self.access(setting)?;
        if let Some(opened) = self.opened.find(&access) {
            return Ok(opened);
        }
        // A proxy whose parts are in a vault cannot be what the vault is reached through.
        let settings = self
            .settings
            .as_ref()
            .filter(|settings| !settings.proxies().https.as_ref().is_some_and(is_in_a_vault));
        let transport = transport(
            &self.options,
            settings,
            &ConnectionArgs::default(),
            self.environment.as_ref(),
        )
        .await?;
        let clock = Arc::clone(&self.options.clock);
        let credential = ClientSecret::new(
            Authority::new(access.authority.clone(), access.tenant.clone())?,
            access.client_id.clone(),
            secret,
            Arc::clone(&transport),
            Arc::clone(&clock),
        );
        let secrets = VaultSecrets::new(
            access.vaults.clone(),
            Arc::new(Cached::new(credential, Arc::clone(&clock))),
            transport,
            Retry {
                notice: Arc::clone(&self.options.notice),
                ..Retry::new(self.options.retry.clone(), clock)
            },
            Arc::clone(&self.environment),
        );
        Ok(self.opened.keep(access, Arc::new(secrets)))
    }
}

fn is_in_a_vault(proxy: &Proxy) -> bool {
    [
        Some(&proxy.url),
        proxy.user_name.as_ref(),
        proxy.password.as_ref(),
    ]
    .into_iter()
    .flatten()
    .any(|part| matches!(part, SecretRef::Vault { .. }))
}

fn authority_host(text: &str) -> Result<Url> {
    let address = if text.contains("://") {
        text.to_owned()
    } else {
        format!("https://{text}")
    };
    Url::parse(&address).map_err(|_| {
        Error::new(ErrorKind::Config, "AZURE_AUTHORITY_HOST is not an address")
            .with_hint("write it as https://host/")
    })
}

#[async_trait]
impl SecretResolver for ConnectionSecrets {
    async fn resolve(&self, reference: &SecretRef) -> Result<SecretString> {
        let SecretRef::Vault { vault, setting, .. } = reference else {
            return self.environment.resolve(reference).await;
        };
        // Said before anybody signs in: that the vault is one of another cloud.
        let default = self
            .section()
            .and_then(|section| section.vault_name.as_deref());
        if let Some(vault) = vault.as_deref().or(default) {
            let (cloud, _) = self.cloud()?;
            cloud
                .key_vault()
                .vault(vault)
                .map_err(|error| error.reworded(|text| format!("{text}, for {setting}")))?;
        }
        self.open(setting).await?.resolve(reference).await
    }
}

impl fmt::Debug for ConnectionSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionSecrets")
            .field("opened", &self.opened)
            .finish_non_exhaustive()
    }
}
