//! Secrets as references: a setting names one, a resolver fetches it when it is used.

use std::borrow::Cow;
use std::fmt;

use async_trait::async_trait;
use secrecy::SecretString;

use crate::{Redaction, Result, WrittenName, redact_shapes};

/// A setting that holds a secret, or says where it is.
#[derive(Clone)]
#[non_exhaustive]
pub enum SecretRef {
    /// The secret itself, as it stood in the settings.
    Inline(SecretString),
    /// The name of an environment variable.
    Env {
        /// The variable's name.
        variable: WrittenName,
        /// The setting that names it, for messages.
        setting: String,
    },
    /// A secret in a Key Vault.
    Vault {
        /// The vault's name or address; `None` means the vault of the `KeyVault` section.
        vault: Option<WrittenName>,
        /// The secret's name, in Key Vault's alphabet.
        name: WrittenName,
        /// A version; `None` means the current one.
        version: Option<WrittenName>,
        /// The setting that names it, for messages.
        setting: String,
    },
}

impl SecretRef {
    /// What no message may show of it: the secret itself, and what stands in the place of a name
    /// and is not plainly one.
    pub fn redaction(&self) -> Redaction {
        let names = match self {
            Self::Inline(secret) => return Redaction::of([secret]),
            Self::Env { variable, .. } => vec![Some(variable)],
            Self::Vault {
                vault,
                name,
                version,
                ..
            } => vec![vault.as_ref(), Some(name), version.as_ref()],
        };
        let hidden: Vec<SecretString> = names
            .into_iter()
            .flatten()
            .filter_map(WrittenName::hidden)
            .collect();
        Redaction::of(&hidden)
    }
}

/// What it refers to, for messages: `the environment variable NAME, named by SETTING,`.
impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, name, setting) = match self {
            Self::Inline(_) => return f.write_str("a secret"),
            Self::Env { variable, setting } => ("environment variable", variable, setting),
            Self::Vault { name, setting, .. } => ("secret", name, setting),
        };
        match name.shown() {
            Some(name) => write!(f, "the {kind} {name}, named by {setting},"),
            None => write!(f, "the {kind} that {setting} names"),
        }
    }
}

impl fmt::Debug for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(_) => f.write_str("Inline(REDACTED)"),
            Self::Env { variable, .. } => write!(f, "Env({variable:?})"),
            Self::Vault {
                vault,
                name,
                version,
                ..
            } => f
                .debug_struct("Vault")
                .field("vault", vault)
                .field("name", name)
                .field("version", version)
                .finish(),
        }
    }
}

/// Whether `text` is so plainly the path of a file that a message may quote it.
///
/// People put a key, a token or the base64 of a PFX where a file's name belongs. So a path is
/// quoted only when it is short, on one line, ends as such a file does, and looks
/// neither like base64 nor like a token.
///
/// ```
/// # use defender_core::is_plain_path;
/// assert!(is_plain_path("certs/app.pfx") && is_plain_path("/etc/app/key.pem"));
/// assert!(!is_plain_path("/etc/app/QmFkUGFzc3dvcmQ"));
/// assert!(!is_plain_path("MIIJqQIBAzCCCW8GCSqGSIb3DQEHAaCCCWAEgglc"));
/// ```
pub fn is_plain_path(text: &str) -> bool {
    const LONGEST: usize = 260;
    const LONGEST_NAME: usize = 48;
    const FILES: [&str; 15] = [
        "cer", "crt", "der", "jwt", "json", "key", "p12", "p7b", "p8", "pem", "pfx", "pk8",
        "token", "txt", "yaml",
    ];
    let text = text.trim();
    let rest = text.strip_prefix("~").unwrap_or(text);
    let allowed = |c: char| c.is_alphanumeric() || "/\\. _-():".contains(c);
    if text.is_empty() || text.len() > LONGEST || !rest.chars().all(allowed) {
        return false;
    }
    let mut names = rest.split(['/', '\\']);
    if names.any(|name| name.len() > LONGEST_NAME)
        || !matches!(redact_shapes(text), Cow::Borrowed(_))
    {
        return false;
    }
    // A relative name has been put behind a folder by now: how it begins tells nothing.
    text.rsplit_once('.')
        .is_some_and(|(_, end)| FILES.iter().any(|file| file.eq_ignore_ascii_case(end)))
}

/// Fetches the secret that a reference names.
#[async_trait]
pub trait SecretResolver: fmt::Debug + Send + Sync {
    /// The secret behind `reference`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) naming the setting when the secret is
    /// missing or empty.
    async fn resolve(&self, reference: &SecretRef) -> Result<SecretString>;
}
