//! What a key of a connection was given, by type.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use defender_core::{ExposeSecret, SecretRef, SecretString};
use url::Url;

use crate::key::Kind;
use crate::method::AUTH_TYPES;
use crate::timeout::timeout;
use crate::{AuthType, ConnectionKey};

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

/// A value of a connection: a secret or a reference is one by its type.
///
/// `Debug` names the type alone.
#[derive(Clone)]
#[non_exhaustive]
pub enum Setting {
    /// Text; for a key that takes something else, as settings would write it.
    Text(String),
    /// A secret, or where it or any other value is.
    Reference(SecretRef),
    /// Yes or no.
    Flag(bool),
    /// The path of a file.
    Path(PathBuf),
    /// An address.
    Url(Url),
    /// A time to wait.
    Duration(Duration),
    /// How a user signs in.
    AuthType(AuthType),
    /// How a certificate signs.
    Algorithm(AssertionAlgorithm),
}

/// What is wrong with a value, without the value, and what to write instead.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) what: String,
    pub(crate) hint: String,
}

impl Setting {
    /// Reads `text` as the value of `key`.
    pub(crate) fn read(key: ConnectionKey, text: SecretString) -> Result<Self, Wrong> {
        let wrong = |what: &str, hint: &str| Wrong {
            what: format!("{key} {what}"),
            hint: hint.to_owned(),
        };
        let trimmed = text.expose_secret().trim();
        if trimmed.is_empty() {
            return Err(wrong("is empty", "give it a value or leave it out"));
        }
        Ok(match key.kind() {
            Kind::Text => Self::Text(trimmed.to_owned()),
            Kind::Secret if key == ConnectionKey::AccessToken => {
                Self::Reference(SecretRef::Inline(bare(text)))
            }
            Kind::Secret => Self::Reference(SecretRef::Inline(in_one_line(text))),
            // The text itself rather than the name of a file that holds it.
            Kind::Material if is_material(trimmed) => {
                Self::Reference(SecretRef::Inline(bare(text)))
            }
            Kind::Material | Kind::Path => Self::Path(trimmed.into()),
            Kind::Flag => match trimmed.to_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => Self::Flag(true),
                "false" | "no" | "off" | "0" => Self::Flag(false),
                _ => return Err(wrong("is neither true nor false", "write true or false")),
            },
            Kind::Url => Self::Url(
                address(trimmed).map_err(|what| wrong(what, "write it as https://host/"))?,
            ),
            Kind::Duration => Self::Duration(timeout(trimmed).map_err(|error| {
                // The value may be a reference's: only the advice is shown.
                wrong("is not a time to wait", error.hint().unwrap_or_default())
            })?),
            Kind::AuthType => {
                Self::AuthType(trimmed.parse().map_err(|error: defender_core::Error| {
                    let message = error.to_string();
                    if message.contains("not known") {
                        wrong("is not known", AUTH_TYPES)
                    } else {
                        Wrong {
                            what: message,
                            hint: AUTH_TYPES.to_owned(),
                        }
                    }
                })?)
            }
            Kind::Algorithm => match trimmed.to_uppercase().as_str() {
                "PS256" => Self::Algorithm(AssertionAlgorithm::Ps256),
                "RS256" => Self::Algorithm(AssertionAlgorithm::Rs256),
                _ => return Err(wrong("is not known", "write PS256 or RS256")),
            },
        })
    }

    /// This as the value of `key`, which text is read for.
    pub(crate) fn for_key(self, key: ConnectionKey) -> Result<Self, Wrong> {
        let fits = match (&self, key.kind()) {
            (Self::Text(_), _) => None,
            (Self::Reference(_), _)
            | (Self::Flag(_), Kind::Flag)
            | (Self::Path(_), Kind::Path | Kind::Material)
            | (Self::Url(_), Kind::Url)
            | (Self::Duration(_), Kind::Duration)
            | (Self::AuthType(_), Kind::AuthType)
            | (Self::Algorithm(_), Kind::Algorithm) => Some(true),
            _ => Some(false),
        };
        match (fits, self) {
            (None, Self::Text(text)) => Self::read(key, text.into()),
            (Some(true), fitting) => Ok(fitting),
            _ => Err(Wrong {
                what: format!("{key} does not take a value of this type"),
                hint: "give it as text, as a settings file would".to_owned(),
            }),
        }
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text",
            Self::Reference(_) => "Reference",
            Self::Flag(_) => "Flag",
            Self::Path(_) => "Path",
            Self::Url(_) => "Url",
            Self::Duration(_) => "Duration",
            Self::AuthType(_) => "AuthType",
            Self::Algorithm(_) => "Algorithm",
        })
    }
}

impl From<&str> for Setting {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Setting {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<SecretRef> for Setting {
    fn from(reference: SecretRef) -> Self {
        Self::Reference(reference)
    }
}

impl From<SecretString> for Setting {
    fn from(secret: SecretString) -> Self {
        Self::Reference(SecretRef::Inline(secret))
    }
}

impl From<bool> for Setting {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<PathBuf> for Setting {
    fn from(path: PathBuf) -> Self {
        Self::Path(path)
    }
}

impl From<Url> for Setting {
    fn from(url: Url) -> Self {
        Self::Url(url)
    }
}

impl From<Duration> for Setting {
    fn from(time: Duration) -> Self {
        Self::Duration(time)
    }
}

impl From<AuthType> for Setting {
    fn from(kind: AuthType) -> Self {
        Self::AuthType(kind)
    }
}

impl From<AssertionAlgorithm> for Setting {
    fn from(algorithm: AssertionAlgorithm) -> Self {
        Self::Algorithm(algorithm)
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

/// Without the white space around it.
fn bare(secret: SecretString) -> SecretString {
    let text = secret.expose_secret();
    match text.trim() {
        bare if bare.len() < text.len() => bare.to_owned().into(),
        _ => secret,
    }
}

/// A block of YAML ends in a line break, and no secret does.
fn in_one_line(secret: SecretString) -> SecretString {
    let text = secret.expose_secret();
    match text.trim_end_matches(['\r', '\n']) {
        line if line.len() < text.len() => line.to_owned().into(),
        _ => secret,
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
mod tests {
    use super::*;

    #[test]
    fn no_debug_shows_a_value() {
        for key in ConnectionKey::ALL {
            for text in ["canary", "true", "https://canary.example/", "PS256"] {
                if let Ok(setting) = Setting::read(key, text.into()) {
                    let shown = format!("{setting:?}");
                    assert!(!shown.contains("canary"), "{key}: {shown}");
                }
            }
        }
    }

    #[test]
    fn a_value_of_another_type_is_refused() {
        let wrong = Setting::from(true)
            .for_key(ConnectionKey::TenantId)
            .unwrap_err();
        assert_eq!(wrong.what, "tenant_id does not take a value of this type");
        let read = Setting::from("yes").for_key(ConnectionKey::TokenCache);
        assert!(matches!(read, Ok(Setting::Flag(true))));
    }
}
