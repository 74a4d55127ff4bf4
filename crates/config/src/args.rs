//! What a connection is made of, wherever each part came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use defender_core::{
    Error, ErrorKind, ExposeSecret, Redaction, Result, SecretRef, SecretResolver, SecretString,
};
use url::Url;

use crate::method::{AUTH_TYPES, METHOD_KEYS};
use crate::timeout::timeout;
use crate::{AuthType, ConnectionKey, Method, Origin};

/// What a connection is made of: from settings, a connection string and a call alike.
///
/// A value that settings keep elsewhere (`{KeyVault: …}`, `{EnvironmentVar: …}`) waits in
/// [`references`](Self::references) until [`resolve`](Self::resolve). Secrets, and the contents of
/// a certificate or a key, stay references until they are used. `Debug` prints where values came
/// from, and none of them.
#[derive(Clone, Default)]
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
    /// Whether tokens are kept for later runs; `None` keeps those of users.
    pub token_cache: Option<bool>,
    /// A token that was obtained elsewhere.
    pub access_token: Option<SecretRef>,
    /// The file of an assertion that something else keeps fresh.
    pub assertion_file: Option<PathBuf>,
    /// Whether the certificate's chain goes along, for trust by subject name and issuer.
    pub send_x5c: Option<bool>,
    /// How the certificate signs.
    pub assertion_algorithm: Option<AssertionAlgorithm>,
    /// Values, other than the secrets, that have to be fetched first; and certificates and keys
    /// that are no file.
    pub references: BTreeMap<ConnectionKey, SecretRef>,
    /// Where the values that [`resolve`](Self::resolve) has fetched came from.
    pub fetched: BTreeMap<ConnectionKey, SecretRef>,
    /// Where each value came from.
    pub origins: BTreeMap<ConnectionKey, Origin>,
}

/// How a certificate signs the assertion that a token is asked with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AssertionAlgorithm {
    /// RSA-PSS over SHA-256, the certificate named by its SHA-256 digest.
    #[default]
    Ps256,
    /// RSA over SHA-256, the certificate named by its SHA-1 digest; for old authorities.
    Rs256,
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
            (
                "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN",
                ConnectionKey::SendX5c,
            ),
            ("AZURE_USERNAME", ConnectionKey::Username),
            ("AZURE_FEDERATED_TOKEN_FILE", ConnectionKey::AssertionFile),
            ("AZURE_AUTHORITY_HOST", ConnectionKey::Authority),
        ] {
            let Some(value) = environment
                .get(variable)
                .filter(|value| !value.trim().is_empty())
            else {
                continue;
            };
            // A secret goes before a certificate, and both before a user, in the page's order.
            let second = match key {
                ConnectionKey::Certificate => args.has(ConnectionKey::ClientSecret),
                ConnectionKey::Username => {
                    args.has(ConnectionKey::ClientSecret) || args.has(ConnectionKey::Certificate)
                }
                _ => false,
            };
            if second {
                continue;
            }
            let origin = Origin::Variable(variable.to_owned());
            if key.is_secret() {
                let reference = SecretRef::Env {
                    variable: variable.to_owned(),
                    setting: variable.to_owned(),
                };
                args.set_reference(key, reference, origin);
            } else if key == ConnectionKey::Authority && !value.contains("://") {
                // Azure's own clients take the host alone.
                args.set(key, &format!("https://{}", value.trim()), origin)?;
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
        let flag = || match trimmed.to_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(true),
            "false" | "no" | "off" | "0" => Ok(false),
            _ => Err(wrong(
                &format!("{key} is neither true nor false"),
                "write true or false",
            )),
        };
        if key.is_file_of_key() && is_material(trimmed) {
            // The text itself rather than the name of a file that holds it.
            let text = SecretRef::Inline(trimmed.to_owned().into());
            self.set_reference(key, text, origin);
            return Ok(());
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
                self.auth_type = Some(trimmed.parse().map_err(|error: Error| {
                    let message = error.to_string();
                    let what = if message.contains("not known") {
                        format!("{key} is not known")
                    } else {
                        message
                    };
                    wrong(&what, AUTH_TYPES)
                })?);
            }
            ConnectionKey::DelegatedAuth => self.delegated_auth = Some(flag()?),
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
                self.timeout = Some(timeout(trimmed).map_err(|error| {
                    // The value may be a reference's: only the advice is shown.
                    wrong(
                        &format!("{key} is not a time to wait"),
                        error.hint().unwrap_or_default(),
                    )
                })?);
            }
            ConnectionKey::Location => self.location = Some(trimmed.into()),
            ConnectionKey::TokenCache => self.token_cache = Some(flag()?),
            ConnectionKey::AccessToken => {
                self.access_token = Some(SecretRef::Inline(line(trimmed).into()));
            }
            ConnectionKey::AssertionFile => self.assertion_file = Some(trimmed.into()),
            ConnectionKey::SendX5c => self.send_x5c = Some(flag()?),
            ConnectionKey::AssertionAlgorithm => {
                self.assertion_algorithm = Some(match trimmed.to_uppercase().as_str() {
                    "PS256" => AssertionAlgorithm::Ps256,
                    "RS256" => AssertionAlgorithm::Rs256,
                    _ => {
                        return Err(wrong(
                            &format!("{key} is not known"),
                            "write PS256 or RS256",
                        ));
                    }
                });
            }
        }
        self.references.remove(&key);
        self.fetched.remove(&key);
        self.origins.insert(key, origin);
        Ok(())
    }

    /// Takes `reference` as the value of `key`, to be fetched later.
    pub fn set_reference(&mut self, key: ConnectionKey, reference: SecretRef, origin: Origin) {
        self.clear(key);
        match key {
            ConnectionKey::ClientSecret => self.client_secret = Some(reference),
            ConnectionKey::PrivateKeySecret => self.private_key_secret = Some(reference),
            ConnectionKey::AccessToken => self.access_token = Some(reference),
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
                ConnectionKey::TokenCache => self.token_cache.is_some(),
                ConnectionKey::AccessToken => self.access_token.is_some(),
                ConnectionKey::AssertionFile => self.assertion_file.is_some(),
                ConnectionKey::SendX5c => self.send_x5c.is_some(),
                ConnectionKey::AssertionAlgorithm => self.assertion_algorithm.is_some(),
            }
    }

    /// Forgets the value of `key`.
    pub fn clear(&mut self, key: ConnectionKey) {
        self.references.remove(&key);
        self.fetched.remove(&key);
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
            ConnectionKey::TokenCache => self.token_cache = None,
            ConnectionKey::AccessToken => self.access_token = None,
            ConnectionKey::AssertionFile => self.assertion_file = None,
            ConnectionKey::SendX5c => self.send_x5c = None,
            ConnectionKey::AssertionAlgorithm => self.assertion_algorithm = None,
        }
    }

    /// These parts with those of `over` on top.
    ///
    /// What `over` gives wins, the method of signing in included: a secret in a call is used even
    /// where the file names a user.
    #[must_use]
    pub fn merge(mut self, over: Self) -> Self {
        use ConnectionKey as Key;
        if let Some(method) = over.method() {
            // A machine's identity has no secret: an identifier beside one is an application's.
            let registered = [Key::ClientSecret, Key::Certificate, Key::Username]
                .into_iter()
                .any(|key| self.has(key));
            if method == Method::ManagedIdentity && registered {
                self.clear(Key::ClientId);
            }
            let kept = method.keys();
            for key in METHOD_KEYS.iter().filter(|key| !kept.contains(key)) {
                self.clear(*key);
            }
            if over.has(Key::Certificate) {
                // A key belongs to its certificate.
                self.clear(Key::PrivateKey);
                self.clear(Key::PrivateKeySecret);
            }
            if self.auth_type.is_some_and(|kind| !kind.is_delegated()) {
                self.clear(Key::AuthType);
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
            token_cache: over.token_cache.or(self.token_cache),
            access_token: over.access_token.or(self.access_token),
            assertion_file: over.assertion_file.or(self.assertion_file),
            send_x5c: over.send_x5c.or(self.send_x5c),
            assertion_algorithm: over.assertion_algorithm.or(self.assertion_algorithm),
            references: self.references.into_iter().chain(over.references).collect(),
            fetched: self.fetched.into_iter().chain(over.fetched).collect(),
            origins: self.origins.into_iter().chain(over.origins).collect(),
        }
    }

    /// Who signs in, and with what, as far as these parts say.
    ///
    /// A sign-in type that is not a user's says so itself. Otherwise a token goes first; then a
    /// user name means a user, even beside a secret, as in MSTICPy; then a certificate, then a
    /// secret, then the file of an assertion.
    pub fn method(&self) -> Option<Method> {
        use ConnectionKey as Key;
        if let Some(method) = self.auth_type.and_then(Method::of) {
            return Some(method);
        }
        if self.has(Key::AccessToken) {
            Some(Method::ExistingToken)
        } else if self.delegated_auth != Some(false) && self.has(Key::Username)
            || self.delegated_auth == Some(true)
        {
            Some(Method::Delegated)
        } else if self.has(Key::Certificate) {
            Some(Method::Certificate)
        } else if self.has(Key::ClientSecret) {
            Some(Method::ClientSecret)
        } else if self.has(Key::AssertionFile) {
            Some(Method::WorkloadIdentity)
        } else if self.auth_type.is_some() && self.delegated_auth != Some(false) {
            Some(Method::Delegated)
        } else {
            None
        }
    }

    /// Whether a user and a secret are both given, and neither is ruled out.
    pub fn is_ambiguous(&self) -> bool {
        self.auth_type.and_then(Method::of).is_none()
            && self.delegated_auth.is_none()
            && self.has(ConnectionKey::Username)
            && self.has(ConnectionKey::ClientSecret)
    }

    /// Checks that not both a user and a secret are given: in one call, or one connection string,
    /// they exclude each other.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] naming where both came from.
    ///
    /// Source: <https://msticpy.readthedocs.io/en/latest/data_acquisition/DataProv-MSDefender.html>
    pub fn require_one_method(&self) -> Result<()> {
        let (user, secret) = (ConnectionKey::Username, ConnectionKey::ClientSecret);
        if !(self.has(user) && self.has(secret)) {
            return Ok(());
        }
        let (first, second) = (self.origin(user), self.origin(secret));
        let from = if first == second {
            format!("{user} and {secret}, both from {first},")
        } else {
            format!("{user}, from {first}, and {secret}, from {second},")
        };
        Err(
            Error::new(ErrorKind::Usage, format!("{from} exclude each other")).with_hint(format!(
                "give {user} to sign in as a user, or {secret} to sign in as the application"
            )),
        )
    }

    /// What is still needed before anybody can sign in, all of it.
    pub fn missing(&self) -> Vec<&'static str> {
        let mut missing = Vec::new();
        let method = self.method();
        if method.is_none_or(Method::needs_identity) {
            for key in [ConnectionKey::TenantId, ConnectionKey::ClientId] {
                if !self.has(key) {
                    missing.push(key.name());
                }
            }
        }
        match method {
            None => missing.push("one of client_secret, certificate or username"),
            Some(Method::ClientSecret) if !self.has(ConnectionKey::ClientSecret) => {
                missing.push(ConnectionKey::ClientSecret.name());
            }
            Some(Method::Certificate) if !self.has(ConnectionKey::Certificate) => {
                missing.push(ConnectionKey::Certificate.name());
            }
            _ => {}
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

    /// Fetches what waits in [`references`](Self::references), all of it at once; secrets stay
    /// references, and so do certificates and keys that are no file.
    ///
    /// # Errors
    ///
    /// What `resolver` says, and [`ErrorKind::Config`] when a fetched value is not sound.
    pub async fn resolve(mut self, resolver: &dyn SecretResolver) -> Result<Self> {
        let (kept, fetched): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(&mut self.references)
                .into_iter()
                .partition(|(key, _)| key.is_file_of_key());
        self.references = kept;
        let values = fetched.iter().map(async |(key, reference)| {
            let value = resolver.resolve(reference).await?;
            Ok::<_, Error>((*key, value))
        });
        for (key, value) in futures::future::try_join_all(values).await? {
            let origin = self
                .origins
                .remove(&key)
                .unwrap_or_else(|| Origin::Parameter(key.name().to_owned()));
            self.set(key, value.expose_secret(), origin)?;
            if let Some(reference) = fetched.get(&key) {
                self.fetched.insert(key, reference.clone());
            }
        }
        Ok(self)
    }

    /// Where the value of `key` came from, for messages.
    pub fn origin(&self, key: ConnectionKey) -> String {
        let origin = self
            .origins
            .get(&key)
            .map_or_else(|| format!("the parameter {key}"), ToString::to_string);
        match self.fetched.get(&key) {
            Some(SecretRef::Env { variable, .. }) => {
                format!("{origin} (the environment variable {variable})")
            }
            Some(SecretRef::Vault { name, .. }) => {
                format!("{origin} (the Key Vault secret {name})")
            }
            _ => origin,
        }
    }

    /// Whether a message may quote the value of `key`: it is in no place of a secret, and was
    /// written where it is used rather than taken from a variable or a vault.
    pub fn may_quote(&self, key: ConnectionKey) -> bool {
        let from_elsewhere = self.fetched.contains_key(&key)
            || self.references.contains_key(&key)
            || matches!(self.origins.get(&key), Some(Origin::Variable(_)));
        !key.is_secret() && !from_elsewhere
    }

    /// What must be in no message, log or notice: the values that came from elsewhere. Those of
    /// the enumerated keys are no secrets once they are understood, and an id is public.
    pub fn redaction(&self) -> Redaction {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let url = |url: &Option<Url>| {
            let path = url.as_ref()?.path().trim_matches('/');
            (!path.is_empty()).then(|| path.to_owned())
        };
        let values = [
            (ConnectionKey::TenantId, self.tenant_id.clone()),
            (ConnectionKey::ClientId, self.client_id.clone()),
            (ConnectionKey::Username, self.username.clone()),
            (ConnectionKey::ApiVersion, self.api_version.clone()),
            (ConnectionKey::Certificate, path(&self.certificate)),
            (ConnectionKey::PrivateKey, path(&self.private_key)),
            (ConnectionKey::Location, path(&self.location)),
            (ConnectionKey::AssertionFile, path(&self.assertion_file)),
            (ConnectionKey::Authority, url(&self.authority)),
            (ConnectionKey::ApiRoot, url(&self.api_root)),
        ];
        let hidden = values.into_iter().filter(|(key, _)| !self.may_quote(*key));
        let hidden: Vec<SecretString> = hidden
            .filter_map(|(_, value)| value)
            .filter(|value| !is_id(value) && !is_version(value))
            .map(SecretString::from)
            .collect();
        let inline = [
            &self.client_secret,
            &self.private_key_secret,
            &self.access_token,
        ];
        let inline = inline
            .into_iter()
            .flatten()
            .chain(self.references.values())
            .filter_map(|reference| match reference {
                SecretRef::Inline(secret) => Some(secret),
                _ => None,
            });
        Redaction::of(hidden.iter().chain(inline))
    }
}

impl fmt::Debug for ConnectionArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = ConnectionKey::ALL.into_iter().filter(|key| self.has(*key));
        f.debug_map()
            .entries(given.map(|key| (key.name(), self.origin(key))))
            .finish()
    }
}

/// Whether `text` is a certificate or key rather than the name of a file that holds it: PEM, or
/// more base64 than any name has letters. Whoever takes it for material after all finds out.
fn is_material(text: &str) -> bool {
    const LONGEST_NAME: usize = 128;
    let digits = |c: char| c.is_ascii_alphanumeric() || "+/=-_".contains(c) || c.is_whitespace();
    text.contains("-----BEGIN ")
        || text.contains(['\n', '\r'])
        || text.len() > LONGEST_NAME && text.chars().all(digits)
}

fn is_id(text: &str) -> bool {
    let parts = text.trim().split('-').map(str::len);
    parts.eq([8, 4, 4, 4, 12]) && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

/// `v1.0`, `beta`: a word of many addresses.
fn is_version(text: &str) -> bool {
    text == "beta" || text == "api" || text.len() <= 5 && text.starts_with('v')
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
