//! Secrets as references: a setting names one, a resolver fetches it when it is used.

use std::fmt;

use async_trait::async_trait;
use secrecy::SecretString;

use crate::Result;

/// A setting that holds a secret, or says where it is.
#[derive(Clone)]
pub enum SecretRef {
    /// The secret itself, as it stood in the settings.
    Inline(SecretString),
    /// The name of an environment variable.
    Env {
        /// The variable's name.
        variable: String,
        /// The setting that names it, for messages.
        setting: String,
    },
    /// A secret in a Key Vault.
    Vault {
        /// The vault's name or address; `None` means the vault of the `KeyVault` section.
        vault: Option<String>,
        /// The secret's name, in Key Vault's alphabet.
        name: String,
        /// A version; `None` means the current one.
        version: Option<String>,
        /// The setting that names it, for messages.
        setting: String,
    },
}

impl fmt::Debug for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(_) => f.write_str("Inline(REDACTED)"),
            Self::Env { variable, .. } => write!(f, "Env({variable})"),
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
