//! Key Vault, opened when the first secret in it is used.

mod sign_in;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use defender_cloud::{Cloud, KeyVault};
use defender_config::{AuthType, ConnectionArgs, Given, KeyVaultSettings, Proxy, Settings};
use defender_core::{
    Error, ErrorKind, Result, SecretRef, SecretResolver, SecretString, WrittenName,
};
use defender_http::Retry;
use defender_keyvault::{VaultSecrets, Vaults};
use url::Url;

use crate::Options;
use crate::connect::{secrets_around, transport};
use crate::credential::Place;
use crate::shared::Shared;

/// The vaults that a provider has opened, so that connecting again fetches nothing again.
#[derive(Clone, Debug, Default)]
pub(crate) struct OpenVaults(Arc<Mutex<Vec<Opened>>>);

type Opened = (Access, Arc<VaultSecrets>);

/// Which vaults, and as whom: two that are equal see the same secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Access {
    vaults: Vaults,
    authority: Url,
    /// The tenant, and what says so; `None` where the way to sign in knows it.
    tenant: Option<(String, String)>,
    /// The ways to sign in, in order.
    methods: Vec<AuthType>,
    client_id: Option<String>,
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
    /// The tenant of the connection, and what says so.
    tenant: Option<(String, String)>,
    shared: Shared,
    environment: Arc<dyn SecretResolver>,
}

impl ConnectionSecrets {
    pub(crate) fn new(
        options: &Options,
        settings: Option<&Settings>,
        args: &ConnectionArgs,
        shared: &Shared,
        environment: Arc<dyn SecretResolver>,
    ) -> Self {
        let said = |value: Option<Given<'_, str>>| {
            let value = value?;
            Some((value.get().to_owned(), value.origin().to_owned()))
        };
        Self {
            options: options.clone(),
            settings: settings.cloned(),
            cloud: said(args.cloud()),
            tenant: said(args.tenant_id()),
            shared: shared.clone(),
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
        let cloud = name
            .parse()
            .map_err(|error: Error| error.reworded(|text| format!("{text}, from {origin}")))?;
        Ok((cloud, own))
    }

    /// The cloud of the vault that `vault` names by its host or address, when it is another one
    /// than `cloud`: such vaults are signed in to in their own cloud.
    fn cloud_of(vault: Option<&str>, cloud: Cloud) -> Option<Cloud> {
        let host = vault?.trim();
        let host = host.split_once("://").map_or(host, |(_, rest)| rest);
        let host = host.split(['/', ':']).next()?.to_ascii_lowercase();
        [Cloud::Global, Cloud::GccHigh, Cloud::China]
            .into_iter()
            .filter(|other| other.key_vault() != cloud.key_vault())
            .find(|other| {
                let suffix = other.key_vault().suffix;
                host.strip_suffix(suffix)
                    .is_some_and(|front| front.ends_with('.'))
            })
    }

    /// Which vaults, and as whom, for the vault that a reference names.
    fn access(&self, vault: Option<&str>) -> Result<Access> {
        let section = self.section();
        let azure = self.settings.as_ref().map(Settings::azure);
        let (home, own) = self.cloud()?;
        let default = section.and_then(|section| section.vault_name.clone());
        let elsewhere = Self::cloud_of(vault.or(default.as_deref()), home);
        let cloud = elsewhere.unwrap_or(home);
        let KeyVault { suffix, .. } = cloud.key_vault();
        let named = |tenant: Option<String>, by: &str| Some((tenant?, by.to_owned()));
        let of_variable = || named(self.options.variable("AZURE_TENANT_ID"), "AZURE_TENANT_ID");
        let tenant = match elsewhere {
            None => named(
                section.and_then(|of| of.tenant_id.clone()),
                "KeyVault.TenantId",
            )
            .or_else(|| named(azure?.tenant_id.clone(), "Azure.tenant_id"))
            .or_else(of_variable)
            .or_else(|| self.tenant.clone()),
            // A tenant is in one cloud: the sections' is in theirs, the connection's in its own.
            Some(_) => match &self.cloud {
                Some((name, _)) if name.parse().is_ok_and(|of: Cloud| same_login(of, cloud)) => {
                    self.tenant.clone()
                }
                _ => of_variable(),
            },
        };
        let authority = match section.and_then(|section| section.authority.clone()) {
            Some(authority) if elsewhere.is_none() => authority,
            _ if own || elsewhere.is_some() => cloud.authority(),
            _ => match self.options.variable("AZURE_AUTHORITY_HOST") {
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
        Ok(Access {
            vaults: Vaults {
                default_vault: default,
                suffix: suffix.to_owned(),
                scope: cloud.key_vault().scope(),
            },
            authority,
            tenant,
            methods: self.methods()?,
            client_id: self.options.variable("AZURE_CLIENT_ID"),
        })
    }

    /// The ways to sign in: `KeyVault.AuthnType`, `Azure.auth_methods`, or MSTICPy's own.
    fn methods(&self) -> Result<Vec<AuthType>> {
        let named = |names: &[String], setting: &str| -> Result<Vec<AuthType>> {
            let mut methods = Vec::new();
            for name in names {
                match name.parse::<AuthType>() {
                    Ok(method) if !methods.contains(&method) => methods.push(method),
                    Ok(_) => {}
                    Err(error) => {
                        // A method's name is a word; anything else may be a secret.
                        let name = WrittenName::of_words(name.replace('_', "-"))
                            .shown()
                            .map_or("a name".to_owned(), |_| format!("'{name}'"));
                        let warning = format!("{error}: {name} in {setting} is left out");
                        self.options.prompt.warning(&warning);
                    }
                }
            }
            if methods.is_empty() {
                return Err(Error::new(
                    ErrorKind::Config,
                    format!("{setting} names no way to sign in that is known"),
                )
                .with_hint(
                    "name some of env, cli, msi, interactive, devicecode, clientsecret and \
                     certificate",
                ));
            }
            Ok(methods)
        };
        if let Some(kind) = self.section().and_then(|section| section.auth_type.clone()) {
            return named(&[kind], "KeyVault.AuthnType");
        }
        let azure = self.settings.as_ref().map(Settings::azure);
        match azure.map(|azure| azure.auth_methods.as_slice()) {
            Some(methods) if !methods.is_empty() => named(methods, "Azure.auth_methods"),
            // MSTICPy's order without the two that cannot be used.
            _ => Ok(vec![
                AuthType::Environment,
                AuthType::ManagedIdentity,
                AuthType::AzureCli,
                AuthType::Device,
            ]),
        }
    }

    async fn open(&self, access: Access) -> Result<Arc<VaultSecrets>> {
        if let Some(opened) = self.shared.vaults.find(&access) {
            return Ok(opened);
        }
        // A proxy whose parts are in a vault cannot be what the vault is reached through.
        let settings = self
            .settings
            .as_ref()
            .filter(|settings| !settings.proxies().https.as_ref().is_some_and(is_in_a_vault));
        let transport = transport(
            &self.options,
            &self.shared,
            settings,
            &ConnectionArgs::default(),
            self.environment.as_ref(),
            &secrets_around(&self.options),
        )
        .await?;
        let place = Place {
            options: &self.options,
            shared: &self.shared,
            login: access.authority.clone(),
            transport: Arc::clone(&transport),
        };
        let credential = sign_in::chain(&place, &access.methods, access.tenant.as_ref()).await;
        let secrets = VaultSecrets::new(
            access.vaults.clone(),
            Arc::new(credential),
            transport,
            Retry {
                notice: Arc::clone(&self.options.notice),
                ..Retry::new(self.options.retry.clone(), Arc::clone(&self.options.clock))
            },
            Arc::clone(&self.environment),
        );
        Ok(self.shared.vaults.keep(access, Arc::new(secrets)))
    }

    /// The vaults of `reference`, opened, once it is sound.
    async fn opened(
        &self,
        vault: Option<&WrittenName>,
        setting: &str,
    ) -> Result<Arc<VaultSecrets>> {
        let vault = vault.map(WrittenName::get);
        let access = self.access(vault)?;
        let Some(named) = vault.or(access.vaults.default_vault.as_deref()) else {
            return Err(Error::new(
                ErrorKind::Config,
                format!("{setting} refers to a Key Vault, and none is named"),
            )
            .with_hint("set KeyVault.VaultName, or write {KeyVault: vault/name}"));
        };
        // Before anything signs in: a secret may stand in the vault's place.
        access
            .vaults
            .address(named)
            .map_err(|error| error.reworded(|text| format!("{text}, for {setting}")))?;
        self.open(access).await
    }

    /// Writes a secret.
    pub(crate) async fn write(&self, reference: &SecretRef, value: &SecretString) -> Result<()> {
        let SecretRef::Vault { vault, setting, .. } = reference else {
            return Err(Error::new(
                ErrorKind::Usage,
                "only a secret in a Key Vault can be written",
            ));
        };
        let opened = self.opened(vault.as_ref(), setting).await;
        let vaults = opened.map_err(|error| reference.redaction().error(error))?;
        vaults.set(reference, value).await
    }
}

fn same_login(one: Cloud, other: Cloud) -> bool {
    one.authority() == other.authority()
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
        let opened = self.opened(vault.as_ref(), setting).await;
        let vaults = opened.map_err(|error| reference.redaction().error(error))?;
        vaults.resolve(reference).await
    }
}

impl fmt::Debug for ConnectionSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionSecrets")
            .field("opened", &self.shared.vaults)
            .finish_non_exhaustive()
    }
}
