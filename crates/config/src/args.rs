//! What a connection is made of, wherever each part came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use defender_core::{Error, ErrorKind, ExposeSecret, Result, SecretRef, SecretResolver};
use url::Url;

use crate::timeout::parse_duration;
use crate::{ConnectionKey, Origin};

/// What a connection is made of: from settings, a connection string and a call alike.
///
/// A value that settings keep elsewhere (`{KeyVault: …}`, `{EnvironmentVar: …}`) waits in
/// [`references`](Self::references) until [`resolve`](Self::resolve); the two secrets stay
/// references until they are used.
#[derive(Clone, Debug, Default)]
pub struct ConnectionArgs {
    /// The tenant: an id or a domain.
    pub tenant_id: Option<String>,
    /// The application's id.
    pub client_id: Option<String>,
    /// The application's secret.
    pub client_secret: Option<SecretRef>,
    /// The user who signs in.
    pub username: Option<String>,
    /// The file of the application's certificate.
    pub certificate: Option<PathBuf>,
    /// The file of the certificate's private key.
    pub private_key: Option<PathBuf>,
    /// The passphrase of the private key.
    pub private_key_secret: Option<SecretRef>,
    /// The cloud or region, by name.
    pub cloud: Option<String>,
    /// How a user signs in.
    pub auth_type: Option<AuthType>,
    /// Whether a user signs in rather than the application.
    pub delegated_auth: Option<bool>,
    /// Another sign-in host.
    pub authority: Option<Url>,
    /// Another API root.
    pub api_root: Option<Url>,
    /// Another API version.
    pub api_version: Option<String>,
    /// How long a request may take.
    pub timeout: Option<Duration>,
    /// The file of the token cache.
    pub location: Option<PathBuf>,
    /// Values, other than the two secrets, that have to be fetched first.
    pub references: BTreeMap<ConnectionKey, SecretRef>,
    /// Where each value came from.
    pub origins: BTreeMap<ConnectionKey, Origin>,
}

/// How a user signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthType {
    /// In a browser on this machine; MSTICPy's `interactive`.
    Browser,
    /// With a code that is typed in on any machine.
    Device,
}

impl AuthType {
    /// The name that options use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Device => "device",
        }
    }
}

impl fmt::Display for AuthType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for AuthType {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match crate::key::folded(text).replace('-', "").as_str() {
            "browser" | "interactive" | "interactivebrowser" => Ok(Self::Browser),
            "device" | "devicecode" => Ok(Self::Device),
            _ => Err(
                Error::new(ErrorKind::Config, "the sign-in type is not known")
                    .with_hint("it is browser, interactive or device"),
            ),
        }
    }
}

/// Who signs in, and with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// The application, with its secret.
    ClientSecret,
    /// The application, with its certificate.
    Certificate,
    /// A user.
    Delegated,
}

impl ConnectionArgs {
    /// The parts that the Azure variables of `environment` give, such as `AZURE_TENANT_ID`.
    ///
    /// They are meant as the lowest layer: `from_azure(environment).merge(file).merge(call)`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] naming the variable whose value is not sound.
    ///
    /// Source: <https://learn.microsoft.com/dotnet/api/azure.identity.environmentcredential>
    pub fn from_azure(environment: &BTreeMap<String, String>) -> Result<Self> {
        let mut args = Self::default();
        for (variable, key) in [
            ("AZURE_TENANT_ID", ConnectionKey::TenantId),
            ("AZURE_CLIENT_ID", ConnectionKey::ClientId),
            ("AZURE_CLIENT_SECRET", ConnectionKey::ClientSecret),
            ("AZURE_CLIENT_CERTIFICATE_PATH", ConnectionKey::Certificate),
            (
                "AZURE_CLIENT_CERTIFICATE_PASSWORD",
                ConnectionKey::PrivateKeySecret,
            ),
            ("AZURE_USERNAME", ConnectionKey::Username),
            ("AZURE_AUTHORITY_HOST", ConnectionKey::Authority),
        ] {
            let Some(value) = environment
                .get(variable)
                .filter(|value| !value.trim().is_empty())
            else {
                continue;
            };
            let origin = Origin::Variable(variable.to_owned());
            if key.is_secret() {
                let reference = SecretRef::Env {
                    variable: variable.to_owned(),
                    setting: variable.to_owned(),
                };
                args.set_reference(key, reference, origin);
            } else {
                args.set(key, value, origin)?;
            }
        }
        Ok(args)
    }

    /// Takes `text` as the value of `key`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] naming the key and `origin`, never the value.
    pub fn set(&mut self, key: ConnectionKey, text: &str, origin: Origin) -> Result<()> {
        let wrong = |what: &str, hint: &str| {
            Error::new(ErrorKind::Config, format!("{what} in {origin}")).with_hint(hint.to_owned())
        };
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(wrong(
                &format!("{key} is empty"),
                "give it a value or leave it out",
            ));
        }
        let word = || Some(trimmed.to_owned());
        match key {
            ConnectionKey::TenantId => self.tenant_id = word(),
            ConnectionKey::ClientId => self.client_id = word(),
            ConnectionKey::ClientSecret => {
                self.client_secret = Some(SecretRef::Inline(line(text).into()));
            }
            ConnectionKey::Username => self.username = word(),
            ConnectionKey::Certificate => self.certificate = Some(trimmed.into()),
            ConnectionKey::PrivateKey => self.private_key = Some(trimmed.into()),
            ConnectionKey::PrivateKeySecret => {
                self.private_key_secret = Some(SecretRef::Inline(line(text).into()));
            }
            ConnectionKey::Cloud => self.cloud = word(),
            ConnectionKey::AuthType => {
                self.auth_type = Some(trimmed.parse().map_err(|_| {
                    wrong(
                        &format!("{key} is not known"),
                        "it is browser, interactive or device",
                    )
                })?);
            }
            ConnectionKey::DelegatedAuth => {
                self.delegated_auth = Some(match trimmed.to_lowercase().as_str() {
                    "true" | "yes" | "on" | "1" => true,
                    "false" | "no" | "off" | "0" => false,
                    _ => {
                        return Err(wrong(
                            &format!("{key} is neither true nor false"),
                            "write true or false",
                        ));
                    }
                });
            }
            ConnectionKey::Authority => {
                self.authority = Some(address(trimmed).map_err(|what| {
                    wrong(&format!("{key} {what}"), "write it as https://host/")
                })?);
            }
            ConnectionKey::ApiRoot => {
                self.api_root = Some(address(trimmed).map_err(|what| {
                    wrong(&format!("{key} {what}"), "write it as https://host/")
                })?);
            }
            ConnectionKey::ApiVersion => self.api_version = word(),
            ConnectionKey::Timeout => {
                self.timeout = Some(parse_duration(trimmed).ok_or_else(|| {
                    wrong(
                        &format!("{key} is not a time"),
                        "write seconds, or a number with ms, s, m or h, such as 3m",
                    )
                })?);
            }
            ConnectionKey::Location => self.location = Some(trimmed.into()),
        }
        self.references.remove(&key);
        self.origins.insert(key, origin);
        Ok(())
    }

    /// Takes `reference` as the value of `key`, to be fetched later.
    pub fn set_reference(&mut self, key: ConnectionKey, reference: SecretRef, origin: Origin) {
        self.clear(key);
        match key {
            ConnectionKey::ClientSecret => self.client_secret = Some(reference),
            ConnectionKey::PrivateKeySecret => self.private_key_secret = Some(reference),
            _ => {
                self.references.insert(key, reference);
            }
        }
        self.origins.insert(key, origin);
    }

    /// Whether `key` has a value, here or elsewhere.
    pub fn has(&self, key: ConnectionKey) -> bool {
        self.references.contains_key(&key)
            || match key {
                ConnectionKey::TenantId => self.tenant_id.is_some(),
                ConnectionKey::ClientId => self.client_id.is_some(),
                ConnectionKey::ClientSecret => self.client_secret.is_some(),
                ConnectionKey::Username => self.username.is_some(),
                ConnectionKey::Certificate => self.certificate.is_some(),
                ConnectionKey::PrivateKey => self.private_key.is_some(),
                ConnectionKey::PrivateKeySecret => self.private_key_secret.is_some(),
                ConnectionKey::Cloud => self.cloud.is_some(),
                ConnectionKey::AuthType => self.auth_type.is_some(),
                ConnectionKey::DelegatedAuth => self.delegated_auth.is_some(),
                ConnectionKey::Authority => self.authority.is_some(),
                ConnectionKey::ApiRoot => self.api_root.is_some(),
                ConnectionKey::ApiVersion => self.api_version.is_some(),
                ConnectionKey::Timeout => self.timeout.is_some(),
                ConnectionKey::Location => self.location.is_some(),
            }
    }

    /// Forgets the value of `key`.
    pub fn clear(&mut self, key: ConnectionKey) {
        self.references.remove(&key);
        self.origins.remove(&key);
        match key {
            ConnectionKey::TenantId => self.tenant_id = None,
            ConnectionKey::ClientId => self.client_id = None,
            ConnectionKey::ClientSecret => self.client_secret = None,
            ConnectionKey::Username => self.username = None,
            ConnectionKey::Certificate => self.certificate = None,
            ConnectionKey::PrivateKey => self.private_key = None,
            ConnectionKey::PrivateKeySecret => self.private_key_secret = None,
            ConnectionKey::Cloud => self.cloud = None,
            ConnectionKey::AuthType => self.auth_type = None,
            ConnectionKey::DelegatedAuth => self.delegated_auth = None,
            ConnectionKey::Authority => self.authority = None,
            ConnectionKey::ApiRoot => self.api_root = None,
            ConnectionKey::ApiVersion => self.api_version = None,
            ConnectionKey::Timeout => self.timeout = None,
            ConnectionKey::Location => self.location = None,
        }
    }

    /// These parts with those of `over` on top.
    ///
    /// What `over` gives wins, the method of signing in included: a secret in a call is used even
    /// where the file names a user.
    #[must_use]
    pub fn merge(mut self, over: Self) -> Self {
        use ConnectionKey as Key;
        if let Some(method) = over.given_method() {
            let others: &[Key] = match method {
                Method::ClientSecret => &[
                    Key::Username,
                    Key::DelegatedAuth,
                    Key::AuthType,
                    Key::Certificate,
                    Key::PrivateKey,
                    Key::PrivateKeySecret,
                ],
                Method::Certificate => &[
                    Key::Username,
                    Key::DelegatedAuth,
                    Key::AuthType,
                    Key::ClientSecret,
                    // A key belongs to its certificate.
                    Key::PrivateKey,
                    Key::PrivateKeySecret,
                ],
                Method::Delegated => &[
                    Key::ClientSecret,
                    Key::Certificate,
                    Key::PrivateKey,
                    Key::PrivateKeySecret,
                ],
            };
            for key in others {
                self.clear(*key);
            }
        } else if over.delegated_auth == Some(false) {
            self.clear(Key::Username);
            self.clear(Key::AuthType);
        }
        for key in Key::ALL {
            if over.has(key) {
                self.clear(key);
            }
        }
        Self {
            tenant_id: over.tenant_id.or(self.tenant_id),
            client_id: over.client_id.or(self.client_id),
            client_secret: over.client_secret.or(self.client_secret),
            username: over.username.or(self.username),
            certificate: over.certificate.or(self.certificate),
            private_key: over.private_key.or(self.private_key),
            private_key_secret: over.private_key_secret.or(self.private_key_secret),
            cloud: over.cloud.or(self.cloud),
            auth_type: over.auth_type.or(self.auth_type),
            delegated_auth: over.delegated_auth.or(self.delegated_auth),
            authority: over.authority.or(self.authority),
            api_root: over.api_root.or(self.api_root),
            api_version: over.api_version.or(self.api_version),
            timeout: over.timeout.or(self.timeout),
            location: over.location.or(self.location),
            references: self.references.into_iter().chain(over.references).collect(),
            origins: self.origins.into_iter().chain(over.origins).collect(),
        }
    }

    /// Who signs in, and with what, as far as these parts say.
    ///
    /// A user name means a user, even beside a secret, as in MSTICPy; then a certificate, then a
    /// secret.
    pub fn method(&self) -> Option<Method> {
        self.given_method()
    }

    fn given_method(&self) -> Option<Method> {
        if self.delegated_auth != Some(false) && self.has(ConnectionKey::Username)
            || self.delegated_auth == Some(true)
        {
            Some(Method::Delegated)
        } else if self.has(ConnectionKey::Certificate) {
            Some(Method::Certificate)
        } else if self.has(ConnectionKey::ClientSecret) {
            Some(Method::ClientSecret)
        } else {
            None
        }
    }

    /// What is still needed before anybody can sign in, all of it.
    pub fn missing(&self) -> Vec<&'static str> {
        let mut missing = Vec::new();
        for key in [ConnectionKey::TenantId, ConnectionKey::ClientId] {
            if !self.has(key) {
                missing.push(key.name());
            }
        }
        if self.method().is_none() {
            missing.push("one of client_secret, certificate or username");
        }
        missing
    }

    /// Checks that nothing is [`missing`](Self::missing).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] naming everything that is.
    pub fn require_complete(&self) -> Result<()> {
        let missing = self.missing();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Config,
            format!("the connection lacks {}", joined(&missing)),
        )
        .with_hint(
            "give them in the Args of DataProviders.MicrosoftDefender, in a connection string or \
             as options",
        ))
    }

    /// Fetches what waits in [`references`](Self::references); the two secrets stay references.
    ///
    /// # Errors
    ///
    /// What `resolver` says, and [`ErrorKind::Config`] when a fetched value is not sound.
    pub async fn resolve(mut self, resolver: &dyn SecretResolver) -> Result<Self> {
        for (key, reference) in std::mem::take(&mut self.references) {
            let value = resolver.resolve(&reference).await?;
            let origin = self
                .origins
                .remove(&key)
                .unwrap_or_else(|| Origin::Parameter(key.name().to_owned()));
            self.set(key, value.expose_secret(), origin)?;
        }
        Ok(self)
    }

    /// Where the value of `key` came from, for messages.
    pub fn origin(&self, key: ConnectionKey) -> String {
        self.origins
            .get(&key)
            .map_or_else(|| format!("the parameter {key}"), ToString::to_string)
    }
}

/// A block of YAML ends in a line break, and no secret does.
fn line(text: &str) -> String {
    text.trim_end_matches(['\r', '\n']).to_owned()
}

/// `a, b and c`.
fn joined(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [front @ .., last] => format!("{} and {last}", front.join(", ")),
    }
}

/// An address with a host and without a user name, which would be shown.
fn address(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "is not an address")?;
    if url.host().is_none() {
        return Err("has no host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user name");
    }
    Ok(url)
}

#[cfg(test)]
mod tests;
