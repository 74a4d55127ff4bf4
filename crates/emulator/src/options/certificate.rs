//! A certificate with its key, as the options put it into a vault.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::error::ErrorStack;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;
use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::identifiers::version;

/// A certificate in a vault.
#[derive(Clone)]
pub struct VaultCertificate {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) certificate: X509,
    pub(crate) key: PKey<Private>,
    /// What the secret of the same name holds, and how.
    pub(crate) secret: SecretString,
    pub(crate) content_type: &'static str,
    /// What callers have made of its policy.
    pub(crate) policy: Map<String, Value>,
}

impl VaultCertificate {
    /// A certificate and its key of RSA, both in `pem`; the secret of its name holds them as a
    /// PFX file without a password, which is a vault's default.
    ///
    /// # Errors
    ///
    /// [`Error::Options`]: no certificate, or no key that belongs to it.
    pub fn new(name: impl Into<String>, pem: &[u8]) -> Result<Self> {
        let name = name.into();
        let read = || -> std::result::Result<(X509, PKey<Private>), ErrorStack> {
            let key = PKey::private_key_from_pem_callback(pem, |_| Ok(0))?;
            key.rsa()?;
            Ok((X509::from_pem(pem)?, key))
        };
        let wrong = |why: &str| Error::Options(format!("the vault's certificate {name} {why}"));
        let (certificate, key) = read().map_err(|_| wrong("cannot be read"))?;
        if !certificate
            .public_key()
            .is_ok_and(|public| public.public_eq(&key))
        {
            return Err(wrong("has the key of another"));
        }
        let pfx = Pkcs12::builder()
            .pkey(&key)
            .cert(&certificate)
            .build2("")
            .and_then(|pfx| pfx.to_der())
            .map_err(|_| wrong("cannot be packed"))?;
        Ok(Self {
            version: version(&name, 0),
            certificate,
            key,
            secret: STANDARD.encode(pfx).into(),
            content_type: "application/x-pkcs12",
            policy: Map::new(),
            name,
        })
    }

    /// The same as a further version, where some of `before` have its name.
    #[must_use]
    pub fn after(mut self, before: &[Self]) -> Self {
        let same = |other: &&Self| other.name.eq_ignore_ascii_case(&self.name);
        self.version = version(&self.name, before.iter().filter(same).count());
        self
    }

    /// The same with its secret as PEM.
    #[must_use]
    pub fn as_pem(mut self) -> Self {
        let packed = self
            .key
            .private_key_to_pem_pkcs8()
            .and_then(|mut pem| {
                pem.extend(self.certificate.to_pem()?);
                Ok(pem)
            })
            .map(|pem| String::from_utf8_lossy(&pem).into_owned());
        if let Ok(pem) = packed {
            self.secret = pem.into();
            self.content_type = "application/x-pem-file";
        }
        self
    }
}

impl fmt::Debug for VaultCertificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("VaultCertificate")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
