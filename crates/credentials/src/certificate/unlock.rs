//! Opens encrypted keys and files; OpenSSL never asks anybody for a password.

use std::sync::OnceLock;

use defender_core::{Error, ErrorKind, ExposeSecret, Result, SecretString};
use openssl::error::ErrorStack;
use openssl::pkcs12::{ParsedPkcs12_2, Pkcs12};
use openssl::pkey::{PKey, Private};
use openssl::provider::Provider;

use super::material::KeyMaterial;

/// The password that there is, and the setting it comes from.
pub(super) struct Unlock<'a> {
    pub(super) password: Option<&'a SecretString>,
    pub(super) setting: &'a str,
}

/// What was opened, and whether the password was needed for it.
pub(super) struct Opened<T> {
    pub(super) inside: T,
    pub(super) with_password: bool,
}

impl Unlock<'_> {
    /// The key in PKCS#8 with a password.
    pub(super) fn pkcs8(&self, der: &[u8], from: &KeyMaterial) -> Result<PKey<Private>> {
        let password = self.password(from, "the private key in")?;
        attempt(|| PKey::private_key_from_pkcs8_passphrase(der, password))
            .map_err(|failure| self.error(failure, from, "the private key in"))
    }

    /// The key in a PEM block that is encrypted in the traditional way.
    pub(super) fn traditional(&self, block: &[u8], from: &KeyMaterial) -> Result<PKey<Private>> {
        let password = self.password(from, "the private key in")?;
        attempt(|| PKey::private_key_from_pem_passphrase(block, password))
            .map_err(|failure| self.error(failure, from, "the private key in"))
    }

    /// What is in a PFX; one without a password is opened whether or not there is one.
    pub(super) fn pfx(&self, der: &[u8], from: &KeyMaterial) -> Result<Opened<ParsedPkcs12_2>> {
        let pfx = Pkcs12::from_der(der).map_err(|_| damaged(from))?;
        let opened = |inside, with_password| Opened {
            inside,
            with_password,
        };
        let given = match self.password.map(ExposeSecret::expose_secret) {
            Some(password) if !password.is_empty() => password,
            _ => {
                return match attempt(|| pfx.parse2("")) {
                    Ok(inside) => Ok(opened(inside, false)),
                    Err(Failure::Locked) => Err(self.missing(from, "the PFX")),
                    Err(failure) => Err(self.error(failure, from, "the PFX")),
                };
            }
        };
        if given.contains('\0') {
            return Err(self.error(Failure::Locked, from, "the PFX"));
        }
        match attempt(|| pfx.parse2(given)) {
            Ok(inside) => Ok(opened(inside, true)),
            Err(Failure::Locked) => match attempt(|| pfx.parse2("")) {
                Ok(inside) => Ok(opened(inside, false)),
                Err(_) => Err(self.error(Failure::Locked, from, "the PFX")),
            },
            Err(failure) => Err(self.error(failure, from, "the PFX")),
        }
    }

    /// The password; an empty one counts as none, and OpenSSL would ask the terminal for it.
    fn password(&self, from: &KeyMaterial, what: &str) -> Result<&[u8]> {
        match self.password.map(ExposeSecret::expose_secret) {
            Some(password) if !password.is_empty() => Ok(password.as_bytes()),
            _ => Err(self.missing(from, what)),
        }
    }

    fn missing(&self, from: &KeyMaterial, what: &str) -> Error {
        Error::new(
            ErrorKind::Config,
            format!("{what} {from} is encrypted and there is no password"),
        )
        .with_hint(format!("give the password with {}", self.setting))
    }

    fn error(&self, failure: Failure, from: &KeyMaterial, what: &str) -> Error {
        let setting = self.setting;
        match failure {
            Failure::Locked => Error::new(
                ErrorKind::Config,
                format!("the password of {setting} does not open {what} {from}"),
            )
            .with_hint("check the password; if it is right, the file is damaged"),
            Failure::Unsupported { algorithm, legacy } => {
                let reason = if legacy {
                    "OpenSSL does not know it, with its legacy provider neither"
                } else {
                    "it needs OpenSSL's legacy provider, which is not installed here"
                };
                Error::new(
                    ErrorKind::Config,
                    format!("{what} {from} is encrypted with {algorithm}: {reason}"),
                )
                .with_hint(
                    "install OpenSSL's legacy provider, or export the key again with AES-256",
                )
            }
        }
    }
}

/// Why something does not open.
#[derive(Debug)]
enum Failure {
    /// The password is wrong, or what it opens is damaged: encryption cannot tell them apart.
    Locked,
    /// The encryption is not available.
    Unsupported {
        /// What it is called.
        algorithm: String,
        /// Whether the legacy provider was there.
        legacy: bool,
    },
}

/// Runs `open`; when an algorithm is missing, once more with the legacy provider.
fn attempt<T>(open: impl Fn() -> Result<T, ErrorStack>) -> Result<T, Failure> {
    let errors = match open() {
        Ok(opened) => return Ok(opened),
        Err(errors) => errors,
    };
    let Some(algorithm) = unsupported(&errors) else {
        return Err(Failure::Locked);
    };
    if !legacy() {
        return Err(Failure::Unsupported {
            algorithm,
            legacy: false,
        });
    }
    open().map_err(|errors| match unsupported(&errors) {
        Some(algorithm) => Failure::Unsupported {
            algorithm,
            legacy: true,
        },
        None => Failure::Locked,
    })
}

/// The algorithm that OpenSSL looked for and did not find.
fn unsupported(errors: &ErrorStack) -> Option<String> {
    // The decoders end every failure with an "unsupported" of their own, which means nothing.
    let missing = errors.errors().iter().find(|error| {
        let of_envelope = error.library().is_some_and(|library| {
            library.contains("envelope") || library.contains("PKCS12") || library.contains("PEM")
        });
        let reason = error.reason().unwrap_or_default();
        of_envelope && (reason.starts_with("unsupported") || reason.starts_with("unknown"))
    })?;
    let named = missing.data().and_then(|data| {
        let name = data.split("Algorithm (").nth(1)?;
        let name = name.split([' ', ')']).next()?;
        (!name.is_empty()).then(|| name.to_owned())
    });
    Some(named.unwrap_or_else(|| "an algorithm that this OpenSSL does not have".to_owned()))
}

/// Whether OpenSSL's old algorithms are there, loading them for the process when first asked.
fn legacy() -> bool {
    // Both must stay loaded: dropping a provider unloads it.
    static PROVIDERS: OnceLock<Option<(Provider, Provider)>> = OnceLock::new();
    PROVIDERS
        .get_or_init(|| {
            let legacy = Provider::try_load(None, "legacy", true).ok()?;
            // To load one by name ends the automatic choice of the default one.
            let default = Provider::try_load(None, "default", true).ok()?;
            Some((legacy, default))
        })
        .is_some()
}

pub(super) fn damaged(from: &KeyMaterial) -> Error {
    Error::new(ErrorKind::Config, format!("{from} is damaged"))
        .with_hint("it begins like a certificate or key; export it again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encryption_that_is_not_there_is_named() {
        let from = KeyMaterial::from_bytes(Vec::new(), "app.pfx", "Certificate");
        let unlock = Unlock {
            password: None,
            setting: "private_key_secret",
        };
        for (legacy, reason) in [
            (
                false,
                "it needs OpenSSL's legacy provider, which is not installed here",
            ),
            (
                true,
                "OpenSSL does not know it, with its legacy provider neither",
            ),
        ] {
            let algorithm = "RC2-40-CBC".to_owned();
            let failure = Failure::Unsupported { algorithm, legacy };
            let error = unlock.error(failure, &from, "the PFX");
            assert_eq!(
                error.to_string(),
                format!("the PFX 'app.pfx' (Certificate) is encrypted with RC2-40-CBC: {reason}")
            );
            assert!(error.hint().is_some());
        }
    }
}
