//! A certificate with its key, as a vault keeps it: certificate, key and secret in one.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use openssl::error::ErrorStack;
use openssl::hash::{MessageDigest, hash};
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{VaultSecret, version};
use crate::error::{Error, Result};

/// A certificate in a vault.
#[derive(Clone)]
pub struct VaultCertificate {
    name: String,
    version: String,
    certificate: X509,
    key: PKey<Private>,
    /// What the secret of the same name holds, and how.
    secret: SecretString,
    content_type: &'static str,
}

impl VaultCertificate {
    /// A certificate and its key of RSA, both in `pem`; the secret of its name holds them as a
    /// PFX file without a password, which is what a vault does unless it is told otherwise.
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
            name,
        })
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

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// The secret of the certificate's name.
    pub(super) fn secret(&self) -> VaultSecret {
        VaultSecret {
            version: self.version.clone(),
            content_type: Some(self.content_type.to_owned()),
            ..VaultSecret::new(self.name.clone(), self.secret.clone())
        }
    }

    fn id(&self, base: &str, collection: &str) -> String {
        format!("{base}/{collection}/{}/{}", self.name, self.version)
    }

    /// What is said of the certificate.
    pub(super) fn certificate_bundle(&self, base: &str) -> Value {
        let der = self.certificate.to_der().unwrap_or_default();
        let thumbprint = hash(MessageDigest::sha1(), &der).map(|digest| digest.to_vec());
        json!({
            "id": self.id(base, "certificates"),
            "kid": self.id(base, "keys"),
            "sid": self.id(base, "secrets"),
            "x5t": URL_SAFE_NO_PAD.encode(thumbprint.unwrap_or_default()),
            "cer": STANDARD.encode(der),
            "attributes": self.attributes(),
            "policy": {
                "id": format!("{base}/certificates/{}/policy", self.name),
                "key_props": {
                    "exportable": true,
                    "kty": "RSA",
                    "key_size": self.key.bits(),
                    "reuse_key": false,
                },
                "secret_props": {"contentType": self.content_type},
            },
        })
    }

    /// What is said of the key, its private half left out.
    pub(super) fn key_bundle(&self, base: &str) -> Value {
        let number = |pick: fn(&openssl::rsa::RsaRef<Private>) -> Vec<u8>| {
            self.key
                .rsa()
                .map(|rsa| URL_SAFE_NO_PAD.encode(pick(&rsa)))
                .unwrap_or_default()
        };
        json!({
            "key": {
                "kid": self.id(base, "keys"),
                "kty": "RSA",
                "key_ops": ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"],
                "n": number(|rsa| rsa.n().to_vec()),
                "e": number(|rsa| rsa.e().to_vec()),
            },
            "attributes": self.attributes(),
            "managed": true,
        })
    }

    fn attributes(&self) -> Value {
        let unix = |time: &openssl::asn1::Asn1TimeRef| {
            let epoch = openssl::asn1::Asn1Time::from_unix(0).ok()?;
            let passed = epoch.diff(time).ok()?;
            Some(i64::from(passed.days) * 86_400 + i64::from(passed.secs))
        };
        json!({
            "enabled": true,
            "nbf": unix(self.certificate.not_before()),
            "exp": unix(self.certificate.not_after()),
            "created": 1_700_000_000,
            "updated": 1_700_000_000,
            "recoveryLevel": "Recoverable+Purgeable",
            "recoverableDays": 90,
        })
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
