//! A certificate with its key, as a vault shows it: certificate, key and secret in one.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use openssl::hash::{MessageDigest, hash};
use openssl::pkey::Private;
use serde_json::{Map, Value, json};

use super::content::attributes;
use super::shelf::{About, Named};
use crate::options::{VaultCertificate, VaultSecret};

impl VaultCertificate {
    /// What is said of it when nobody has said otherwise.
    pub(super) fn about(&self) -> About {
        let time = |time: &openssl::asn1::Asn1TimeRef| {
            let epoch = openssl::asn1::Asn1Time::from_unix(0).ok()?;
            let passed = epoch.diff(time).ok()?;
            let seconds = i64::from(passed.days) * 86_400 + i64::from(passed.secs);
            let seconds = Duration::from_secs(u64::try_from(seconds).ok()?);
            SystemTime::UNIX_EPOCH.checked_add(seconds)
        };
        let created = self.secret().created;
        About {
            enabled: true,
            not_before: time(self.certificate.not_before()),
            expires: time(self.certificate.not_after()),
            created,
            updated: created,
            tags: BTreeMap::new(),
            deleted: None,
        }
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

    fn thumbprint(&self) -> String {
        let der = self.certificate.to_der().unwrap_or_default();
        let digest = hash(MessageDigest::sha1(), &der).map(|digest| digest.to_vec());
        URL_SAFE_NO_PAD.encode(digest.unwrap_or_default())
    }

    /// What is said of the certificate.
    pub(super) fn certificate_bundle(&self, base: &str, about: &About) -> Value {
        let mut bundle = json!({
            "id": self.id(base, "certificates"),
            "kid": self.id(base, "keys"),
            "sid": self.id(base, "secrets"),
            "x5t": self.thumbprint(),
            "cer": STANDARD.encode(self.certificate.to_der().unwrap_or_default()),
            "attributes": attributes(about),
            "policy": self.policy(base),
        });
        if !about.tags.is_empty() {
            bundle["tags"] = json!(about.tags);
        }
        bundle
    }

    /// How it is renewed.
    pub(super) fn policy(&self, base: &str) -> Value {
        let mut policy = json!({
            "id": format!("{base}/certificates/{}/policy", self.name),
            "key_props": {
                "exportable": true,
                "kty": "RSA",
                "key_size": self.key.bits(),
                "reuse_key": false,
            },
            "secret_props": {"contentType": self.content_type},
            "x509_props": {"subject": self.subject()},
            "issuer": {"name": "Unknown"},
            "attributes": {"enabled": true, "created": 1_700_000_000, "updated": 1_700_000_000},
        });
        for (name, value) in &self.policy {
            policy[name.as_str()] = value.clone();
        }
        policy
    }

    /// Takes what a caller says of the policy, except for what it is of.
    pub(super) fn change_policy(&mut self, changes: Map<String, Value>) {
        self.policy.extend(
            changes
                .into_iter()
                .filter(|(name, value)| name != "id" && !value.is_null()),
        );
    }

    /// The subject as `CN=hunter`.
    fn subject(&self) -> String {
        let names = self.certificate.subject_name().entries().map(|entry| {
            let name = entry.object().nid().short_name().unwrap_or("OID");
            let value = entry.data().to_string();
            format!("{name}={}", value.unwrap_or_default())
        });
        names.collect::<Vec<_>>().join(", ")
    }

    /// What a list says of it.
    pub(super) fn certificate_entry(
        &self,
        base: &str,
        about: &About,
        versioned: bool,
    ) -> Map<String, Value> {
        Self::entry(
            "id",
            &self.listed_id(base, "certificates", versioned),
            about,
        )
        .chain([("x5t".to_owned(), self.thumbprint().into())])
        .collect()
    }

    /// What a list says of its key.
    pub(super) fn key_entry(
        &self,
        base: &str,
        about: &About,
        versioned: bool,
    ) -> Map<String, Value> {
        Self::entry("kid", &self.listed_id(base, "keys", versioned), about)
            .chain([("managed".to_owned(), true.into())])
            .collect()
    }

    fn listed_id(&self, base: &str, collection: &str, versioned: bool) -> String {
        if versioned {
            self.id(base, collection)
        } else {
            format!("{base}/{collection}/{}", self.name)
        }
    }

    fn entry(name: &str, id: &str, about: &About) -> impl Iterator<Item = (String, Value)> + use<> {
        let tags = (!about.tags.is_empty()).then(|| ("tags".to_owned(), json!(about.tags)));
        [
            (name.to_owned(), Value::from(id)),
            ("attributes".to_owned(), attributes(about)),
        ]
        .into_iter()
        .chain(tags)
    }

    /// What is said of the key, its private half left out.
    pub(super) fn key_bundle(&self, base: &str, about: &About) -> Value {
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
            "attributes": attributes(about),
            "managed": true,
        })
    }
}

impl Named for VaultCertificate {
    fn name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> &str {
        &self.version
    }
}
