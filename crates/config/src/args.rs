//! What a connection is made of, wherever each part came from.

mod azure;
mod method;
#[cfg(test)]
mod tests;
mod values;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use defender_core::{Error, ErrorKind, Redaction, Result, SecretRef, SecretResolver, SecretString};

use crate::method::METHOD_KEYS;
use crate::setting::Wrong;
use crate::{ConnectionKey, Method, Origin, Setting, shape};

/// What a connection is made of: from settings, a connection string and a call alike.
///
/// A value that settings keep elsewhere (`{KeyVault: …}`, `{EnvironmentVar: …}`) is a
/// [`reference`](Self::reference) until [`resolve`](Self::resolve). Secrets, and the contents of
/// a certificate or a key, stay references until they are used. `Debug` prints where values came
/// from, and none of them.
///
/// ```
/// # use defender_config::{ConnectionArgs, ConnectionKey};
/// let args = ConnectionArgs::default()
///     .with(ConnectionKey::TenantId, "contoso.com")?
///     .with(ConnectionKey::DelegatedAuth, true)?;
/// assert_eq!(args.tenant_id().map(|tenant| tenant.get()), Some("contoso.com"));
/// # Ok::<(), defender_core::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct ConnectionArgs {
    entries: BTreeMap<ConnectionKey, Entry>,
}

#[derive(Clone)]
struct Entry {
    setting: Setting,
    /// Nothing for what the code of a call gave.
    origin: Option<Origin>,
    /// The reference that the value was fetched by.
    fetched: Option<SecretRef>,
}

impl ConnectionArgs {
    /// Takes `value` as the value of `key`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] naming the key, never the value, when it is not sound or is of another
    /// type than the key takes.
    pub fn with(mut self, key: ConnectionKey, value: impl Into<Setting>) -> Result<Self> {
        self.put(key, value.into(), None)?;
        Ok(self)
    }

    /// Takes `text` as the value of `key`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] naming the key and `origin`, never the value.
    pub fn set(&mut self, key: ConnectionKey, text: &str, origin: Origin) -> Result<()> {
        self.put(key, text.into(), Some(origin))
    }

    /// Takes `secret` as the value of `key`, whatever the key takes.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    pub fn set_secret(
        &mut self,
        key: ConnectionKey,
        secret: SecretString,
        origin: Origin,
    ) -> Result<()> {
        let setting = Setting::read(key, secret);
        self.insert(key, setting, Some(origin))
    }

    /// Takes `reference` as the value of `key`, to be fetched later.
    pub fn set_reference(&mut self, key: ConnectionKey, reference: SecretRef, origin: Origin) {
        self.take(key, reference.into(), Some(origin));
    }

    /// Takes the value that `other` has for `key`, if it has one.
    pub fn take_from(&mut self, other: &Self, key: ConnectionKey) {
        if let Some(entry) = other.entries.get(&key) {
            self.entries.insert(key, entry.clone());
        }
    }

    /// Takes `setting`, which was read for `key`.
    pub(crate) fn take(&mut self, key: ConnectionKey, setting: Setting, origin: Option<Origin>) {
        let entry = Entry {
            setting,
            origin,
            fetched: None,
        };
        self.entries.insert(key, entry);
    }

    fn put(&mut self, key: ConnectionKey, value: Setting, origin: Option<Origin>) -> Result<()> {
        self.insert(key, value.for_key(key), origin)
    }

    fn insert(
        &mut self,
        key: ConnectionKey,
        setting: Result<Setting, Wrong>,
        origin: Option<Origin>,
    ) -> Result<()> {
        let setting = setting.map_err(|Wrong { what, hint }| {
            let place = origin.as_ref().map(|origin| format!(" in {origin}"));
            let what = format!("{what}{}", place.unwrap_or_default());
            Error::new(ErrorKind::Config, what).with_hint(hint)
        })?;
        self.take(key, setting, origin);
        Ok(())
    }

    /// Whether `key` has a value, here or elsewhere.
    pub fn has(&self, key: ConnectionKey) -> bool {
        self.entries.contains_key(&key)
    }

    /// Forgets the value of `key`.
    pub fn clear(&mut self, key: ConnectionKey) {
        self.entries.remove(&key);
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
            if self.auth_type().is_some_and(|kind| !kind.is_delegated()) {
                self.clear(Key::AuthType);
            }
        } else if over.delegated_auth() == Some(false) {
            self.clear(Key::Username);
            self.clear(Key::AuthType);
        }
        self.entries.extend(over.entries);
        self
    }

    /// Every path as `change` has it.
    pub(crate) fn change_paths(&mut self, change: impl Fn(&Path) -> PathBuf) {
        for entry in self.entries.values_mut() {
            if let Setting::Path(path) = &mut entry.setting {
                *path = change(path);
            }
        }
    }

    /// Fetches the [`references`](Self::references), all of it at once; secrets stay references,
    /// and so do certificates and keys that are no file.
    ///
    /// # Errors
    ///
    /// What `resolver` says, and [`ErrorKind::Config`] when a fetched value is not sound.
    pub async fn resolve(mut self, resolver: &dyn SecretResolver) -> Result<Self> {
        let waiting = self
            .references()
            .filter(|(key, _)| !key.is_secret() && !key.is_file_of_key());
        let values = waiting.map(async |(key, reference)| {
            let value = resolver.resolve(reference).await?;
            Ok::<_, Error>((key, reference.clone(), value))
        });
        for (key, reference, value) in futures::future::try_join_all(values).await? {
            let origin = self.entries.remove(&key).and_then(|entry| entry.origin);
            let origin = origin.unwrap_or_else(|| by_default(key));
            self.set_secret(key, value, origin)?;
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.fetched = Some(reference);
            }
        }
        Ok(self)
    }

    /// Where values came from, of those of which that was said.
    pub fn origins(&self) -> impl Iterator<Item = &Origin> {
        self.entries
            .values()
            .filter_map(|entry| entry.origin.as_ref())
    }

    /// The place that gave `key`, when it was said.
    pub fn place(&self, key: ConnectionKey) -> Option<&Origin> {
        self.entries.get(&key)?.origin.as_ref()
    }

    /// The environment variable that `key` has its value from, where no setting named it.
    pub fn variable(&self, key: ConnectionKey) -> Option<&str> {
        match self.place(key) {
            Some(Origin::Variable(name)) => Some(name),
            _ => None,
        }
    }

    /// Where the value of `key` came from, for messages.
    pub fn origin(&self, key: ConnectionKey) -> String {
        let origin = self.place(key).cloned().unwrap_or_else(|| by_default(key));
        let fetched = self
            .entries
            .get(&key)
            .and_then(|entry| entry.fetched.as_ref());
        let (kind, name) = match fetched {
            Some(SecretRef::Env { variable, .. }) => ("environment variable", variable),
            Some(SecretRef::Vault { name, .. }) => ("Key Vault secret", name),
            _ => return origin.to_string(),
        };
        match name.shown() {
            Some(name) => format!("{origin} (the {kind} {name})"),
            None => origin.to_string(),
        }
    }

    /// What must be in no message, log or notice: the secrets that are here, names that may be
    /// secrets, and the values that came from elsewhere.
    ///
    /// Those of the enumerated keys are no secrets once they are understood; the id of a tenant or
    /// an application and a tenant's domain are public, and shown wherever they came from.
    pub fn redaction(&self) -> Redaction {
        let entries = self.entries.iter();
        entries.fold(Redaction::default(), |redaction, (key, entry)| {
            let redaction = match &entry.fetched {
                Some(reference) => redaction.along_with(&reference.redaction()),
                None => redaction,
            };
            let hidden = match &entry.setting {
                Setting::Reference(reference) => {
                    return redaction.along_with(&reference.redaction());
                }
                _ if entry.may_quote(*key) => return redaction,
                Setting::Text(text) if !is_public(*key, text) => text.clone(),
                Setting::Path(path) => path.display().to_string(),
                Setting::Url(url) => {
                    let host = url.host_str().filter(|host| !shape::is_plain(host));
                    let redaction = match host {
                        Some(host) => redaction.and(&SecretString::from(host)),
                        None => redaction,
                    };
                    return hide(redaction, url.path().trim_matches('/'));
                }
                _ => return redaction,
            };
            hide(redaction, &hidden)
        })
    }
}

impl Entry {
    /// Whether a message may quote the value as that of `key`: it was written where it is used,
    /// rather than taken from a variable or a vault, and looks like what belongs there.
    fn may_quote(&self, key: ConnectionKey) -> bool {
        let is_from_elsewhere =
            self.fetched.is_some() || matches!(self.origin, Some(Origin::Variable(_)));
        let fits = match &self.setting {
            Setting::Reference(_) => false,
            Setting::Text(text) => shape::fits(key, text),
            Setting::Path(path) => shape::may_be_path(path),
            Setting::Url(url) => shape::is_plain_address(url),
            _ => true,
        };
        fits && !is_from_elsewhere
    }
}

impl fmt::Debug for ConnectionArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(
                self.entries
                    .keys()
                    .map(|key| (key.name(), self.origin(*key))),
            )
            .finish()
    }
}

/// Where a value came from of which nothing was said.
fn by_default(key: ConnectionKey) -> Origin {
    Origin::Parameter(key.name().to_owned())
}

/// What every address may hold is not hidden.
fn hide(redaction: Redaction, text: &str) -> Redaction {
    match text {
        "" | "beta" | "api" => redaction,
        text if is_version(text) => redaction,
        text => redaction.and(&SecretString::from(text)),
    }
}

/// Ids; a tenant's domain, which every address of its users has; and the cloud, which is a known
/// word once it is understood.
fn is_public(key: ConnectionKey, text: &str) -> bool {
    match key {
        ConnectionKey::Cloud => true,
        ConnectionKey::TenantId => shape::is_id(text) || shape::is_domain(text.trim()),
        ConnectionKey::ClientId => shape::is_id(text),
        _ => false,
    }
}

/// `v1.0`: a word of many addresses.
fn is_version(text: &str) -> bool {
    text.len() <= 5 && text.starts_with('v')
}
