//! Secrets as settings name them, and the ones that need no network.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use defender_core::{Error, ErrorKind, Result, SecretRef, SecretResolver, WrittenName, nearest};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::key::folded;
use crate::node::{Kind, Place};
use crate::shape;

/// What to say where a name is none that a variable has, and may be the secret itself.
pub(crate) const NAME_OF_VARIABLE: &str =
    "takes the name of a variable, such as CONTOSO_SECRET, and not the secret itself";

/// The name in Key Vault's alphabet: every other character becomes `-`.
///
/// ```
/// # use defender_config::vault_secret_name;
/// assert_eq!(
///     vault_secret_name("DataProviders.MicrosoftDefender.Args.ClientSecret"),
///     "DataProviders-MicrosoftDefender-Args-ClientSecret",
/// );
/// ```
pub fn vault_secret_name(name: &str) -> String {
    name.chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '-'
            }
        })
        .collect()
}

/// What a setting's value is.
#[derive(Debug)]
pub(crate) enum Value {
    /// Nothing, or an empty text.
    Empty,
    /// Text, number or truth value, as written.
    Text(SecretString),
    /// A reference.
    Reference(SecretRef),
}

/// Reads a value that may be text or a reference.
pub(crate) fn read(place: &Place<'_>) -> Result<Value, String> {
    let entries = match &place.node.kind {
        Kind::Null => return Ok(Value::Empty),
        Kind::Text(text) if text.trim().is_empty() => return Ok(Value::Empty),
        Kind::Text(text) => return Ok(Value::Text(text.clone().into())),
        Kind::List(_) => {
            return Err(
                "is a list; it takes text, {EnvironmentVar: …} or {KeyVault: …}".to_owned(),
            );
        }
        Kind::Map(entries) => entries,
    };
    let [(form, inner)] = entries.as_slice() else {
        return Err(
            "is a mapping of several keys; it takes text, {EnvironmentVar: …} or {KeyVault: …}"
                .to_owned(),
        );
    };
    let text = match &inner.kind {
        Kind::Null => "",
        Kind::Text(text) => text.trim(),
        _ => return Err(format!("has no plain text under {}", shape::shown(form))),
    };
    match folded(form).as_str() {
        "environmentvar" => {
            if text.is_empty() {
                return Err("names no variable under EnvironmentVar".to_owned());
            }
            Ok(Value::Reference(SecretRef::Env {
                variable: WrittenName::of_variable(text),
                setting: place.path(),
            }))
        }
        "keyvault" => vault(text, &place.path(), &place.written_path()).map(Value::Reference),
        _ => Err(match nearest(form, ["EnvironmentVar", "KeyVault"]) {
            Some(meant) => {
                format!("is a mapping with an unknown key; did you mean {{{meant}: …}}?")
            }
            None => "is a mapping with an unknown key; it takes text, {EnvironmentVar: …} or \
                     {KeyVault: …}"
                .to_owned(),
        }),
    }
}

/// The secret that `{KeyVault: text}` at the setting `path` means.
///
/// # Errors
///
/// [`ErrorKind::Config`] when it is neither a name, `vault/name` nor the address of a secret.
pub fn vault_reference(text: &str, path: &str) -> Result<SecretRef> {
    vault(text.trim(), &shape::shown_path(path), path)
        .map_err(|what| Error::new(ErrorKind::Config, format!("the Key Vault secret {what}")))
}

/// Nothing or `default`, a name, `vault/name`, or the address of a secret.
fn vault(text: &str, setting: &str, path: &str) -> Result<SecretRef, String> {
    let reference = |vault: Option<&str>, name: &str, version: Option<&str>| SecretRef::Vault {
        vault: vault.map(WrittenName::of_words),
        name: WrittenName::of_words(name).respelt(vault_secret_name),
        version: version.map(WrittenName::of_words),
        setting: setting.to_owned(),
    };
    if text.is_empty() || text.eq_ignore_ascii_case("default") {
        return Ok(reference(None, path, None));
    }
    if text.contains("://") {
        let wrong = || "names no secret; the address of one is https://vault-host/secrets/name";
        let url = Url::parse(text).map_err(|_| wrong())?;
        let parts: Vec<_> = url.path().trim_matches('/').split('/').collect();
        return match parts.as_slice() {
            ["secrets", name] if !name.is_empty() => {
                Ok(reference(Some(&origin(&url)?), name, None))
            }
            ["secrets", name, version] if !name.is_empty() => {
                Ok(reference(Some(&origin(&url)?), name, Some(version)))
            }
            _ => Err(wrong().to_owned()),
        };
    }
    match text.split_once('/') {
        None => Ok(reference(None, text, None)),
        Some((vault, name)) if vault.trim().is_empty() || name.trim().is_empty() => {
            Err("is neither a secret's name nor vault/name".to_owned())
        }
        Some((vault, name)) => Ok(reference(Some(vault.trim()), name.trim(), None)),
    }
}

fn origin(url: &Url) -> Result<String, String> {
    if url.host().is_none() || !url.username().is_empty() || url.password().is_some() {
        return Err("is not the plain address of a secret".to_owned());
    }
    Ok(url.origin().ascii_serialization())
}

/// Resolves the secrets that need no network: those written out, and environment variables.
///
/// ```
/// use defender_config::EnvironmentSecrets;
/// let secrets = EnvironmentSecrets::new([("NAME".to_owned(), "value".to_owned())].into());
/// ```
#[derive(Clone)]
pub struct EnvironmentSecrets {
    environment: BTreeMap<String, String>,
}

impl EnvironmentSecrets {
    /// Looks variables up in `environment`.
    pub fn new(environment: BTreeMap<String, String>) -> Self {
        Self { environment }
    }
}

impl fmt::Debug for EnvironmentSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvironmentSecrets").finish_non_exhaustive()
    }
}

#[async_trait]
impl SecretResolver for EnvironmentSecrets {
    async fn resolve(&self, reference: &SecretRef) -> Result<SecretString> {
        match reference {
            SecretRef::Inline(secret) if secret.expose_secret().is_empty() => {
                Err(Error::new(ErrorKind::Config, "a secret is empty"))
            }
            SecretRef::Inline(secret) => Ok(secret.clone()),
            SecretRef::Env { variable, setting } => match self.environment.get(variable.get()) {
                Some(value) if !value.is_empty() => Ok(value.clone().into()),
                found => {
                    let how = if found.is_some() { "empty" } else { "not set" };
                    let hint = match variable.shown() {
                        Some(name) => format!("set {name}, or change {setting}"),
                        None => format!("{setting} {NAME_OF_VARIABLE}"),
                    };
                    Err(
                        Error::new(ErrorKind::Config, format!("{reference} is {how}"))
                            .with_hint(hint),
                    )
                }
            },
            SecretRef::Vault { .. } => Err(Error::new(
                ErrorKind::Config,
                format!("{reference} is in a Key Vault, and no Key Vault is configured"),
            )
            .with_hint("give KeyVault.VaultName and a way to sign in to Azure")),
            _ => Err(Error::new(
                ErrorKind::Config,
                format!("{reference} is in no place that is looked into here"),
            )),
        }
    }
}

#[cfg(test)]
mod tests;
