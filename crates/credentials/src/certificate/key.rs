//! A certificate with its private key, from any of the forms they are kept in.

use std::fmt;
use std::time::{Duration, SystemTime};

use defender_core::{Error, ErrorKind, ExposeSecret, Result, SecretString};
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::hash::MessageDigest;
use openssl::pkey::{Id, PKey, PKeyRef, Private};
use openssl::x509::{X509, X509VerifyResult};

use super::der::{self, Shape};
use super::material::KeyMaterial;
use super::unlock::{Unlock, damaged};
use super::{CertificateNotice, pem};

/// The shortest key that the algorithms allow (RFC 7518, sections 3.3 and 3.5).
const SHORTEST_KEY: u32 = 2048;

/// How long before its end a certificate is spoken of.
const SOON: Duration = Duration::from_hours(30 * 24);

/// Longer chains are broken or lead in a circle.
const LONGEST_CHAIN: usize = 10;

/// Where a certificate and its key come from.
#[derive(Debug)]
pub struct CertificateSources {
    /// The certificate, alone or with issuers and key: PEM, DER or PFX.
    pub certificate: KeyMaterial,
    /// The private key, when it is kept apart: PEM, DER or PFX.
    pub private_key: Option<KeyMaterial>,
    /// The password of the key or the PFX.
    pub password: Option<SecretString>,
    /// The setting that holds the password, for messages.
    pub password_setting: String,
}

impl CertificateSources {
    /// Everything in `certificate`, without a password.
    pub fn new(certificate: KeyMaterial) -> Self {
        Self {
            certificate,
            private_key: None,
            password: None,
            password_setting: "private_key_secret".to_owned(),
        }
    }
}

/// A certificate with its private key.
///
/// Read from PEM, DER or PFX; key and certificate together or apart; PKCS#8, plain or encrypted
/// (PBES2 and PBES1), and the traditional forms, plain or encrypted. OpenSSL reads them and is
/// never let near a terminal. For algorithms of old, such as the RC2 of old PFX files, OpenSSL's
/// legacy provider is loaded into the process when it is there.
#[derive(Clone)]
pub struct CertificateKey {
    pub(super) certificate: X509,
    pub(super) key: PKey<Private>,
    pub(super) chain: Vec<X509>,
    place: String,
    notices: Vec<CertificateNotice>,
}

impl CertificateKey {
    /// Reads a certificate and its key, and checks that they belong together and are valid `now`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] naming file and setting: damaged, nothing inside, password missing
    /// or wrong, an encryption that OpenSSL does not have, a key of another certificate, a key
    /// that is not RSA or too short, a certificate that is not valid now.
    pub fn load(sources: &CertificateSources, now: SystemTime) -> Result<Self> {
        let unlock = Unlock {
            password: sources.password.as_ref(),
            setting: &sources.password_setting,
        };
        let apart = sources.private_key.is_some();
        let mut contents = read(&sources.certificate, &unlock, !apart)?;
        if contents.certificates.is_empty() {
            return Err(nothing(&sources.certificate, "certificate", &contents));
        }
        let key_place = sources.private_key.as_ref().unwrap_or(&sources.certificate);
        let found = match &sources.private_key {
            Some(private_key) => {
                let mut held = read(private_key, &unlock, true)?;
                held.key
                    .take()
                    .ok_or_else(|| nothing(private_key, "private key", &held))?
            }
            None => contents.key.take().ok_or_else(|| {
                nothing(&sources.certificate, "private key", &contents)
                    .with_hint("give the key with private_key, or a file that holds both")
            })?,
        };
        check_key(&found.key, key_place)?;
        let (certificate, chain) = sorted(contents.certificates, &found.key)
            .ok_or_else(|| mismatch(&sources.certificate, key_place))?;
        let mut loaded = Self {
            certificate,
            key: found.key,
            chain,
            place: sources.certificate.to_string(),
            notices: Vec::new(),
        };
        loaded.check_time(now)?;
        loaded.notices = loaded.noticed(sources, key_place, found.with_password, now);
        Ok(loaded)
    }

    /// What its owner should know although it works.
    pub fn notices(&self) -> &[CertificateNotice] {
        &self.notices
    }

    /// The SHA-256 thumbprint in hexadecimal digits, as Entra ID shows it.
    pub fn thumbprint(&self) -> String {
        let digest = self.certificate.digest(MessageDigest::sha256());
        let digest = digest.as_deref().unwrap_or_default().iter();
        digest.fold(String::new(), |text, byte| format!("{text}{byte:02X}"))
    }

    /// Whether the certificate is valid at `now`.
    pub(super) fn check_time(&self, now: SystemTime) -> Result<()> {
        let place = &self.place;
        let wrong = |what: String| Error::new(ErrorKind::Config, what);
        if moment(self.certificate.not_after()).is_some_and(|end| end < now) {
            let end = self.certificate.not_after();
            return Err(
                wrong(format!("the certificate in {place} expired on {end}"))
                    .with_hint("make a new certificate and add it to the application"),
            );
        }
        if moment(self.certificate.not_before()).is_some_and(|start| start > now) {
            let start = self.certificate.not_before();
            return Err(wrong(format!(
                "the certificate in {place} is not valid before {start}"
            ))
            .with_hint("wait until then, or set this machine's clock right"));
        }
        Ok(())
    }

    fn noticed(
        &self,
        sources: &CertificateSources,
        key_place: &KeyMaterial,
        with_password: bool,
        now: SystemTime,
    ) -> Vec<CertificateNotice> {
        let mut notices = Vec::new();
        if let Some(mode) = key_place.open_mode() {
            let name = key_place.name().to_owned();
            notices.push(CertificateNotice::KeyReadable { name, mode });
        }
        if sources.password.is_some() && !with_password {
            notices.push(CertificateNotice::PasswordUnused {
                name: key_place.name().to_owned(),
                setting: sources.password_setting.clone(),
            });
        }
        if moment(self.certificate.not_after()).is_some_and(|end| end < now + SOON) {
            notices.push(CertificateNotice::EndsSoon {
                name: sources.certificate.name().to_owned(),
                end: self.certificate.not_after().to_string(),
            });
        }
        notices
    }
}

impl fmt::Debug for CertificateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateKey")
            .field("place", &self.place)
            .field("thumbprint", &self.thumbprint())
            .finish_non_exhaustive()
    }
}

/// What was found in one place.
#[derive(Default)]
struct Contents {
    certificates: Vec<X509>,
    key: Option<Found>,
    /// What else there was, for messages.
    seen: Vec<String>,
}

struct Found {
    key: PKey<Private>,
    with_password: bool,
}

impl Contents {
    /// Keeps the first key: what follows it belongs to something else.
    fn keep(&mut self, key: PKey<Private>, with_password: bool) {
        self.key.get_or_insert(Found { key, with_password });
    }
}

/// Reads `from`; keys only where they are wanted, so that no password is asked for in vain.
fn read(from: &KeyMaterial, unlock: &Unlock<'_>, keys: bool) -> Result<Contents> {
    let bytes = from.bytes();
    let mut contents = Contents::default();
    if bytes.is_empty() {
        return Err(Error::new(ErrorKind::Config, format!("{from} is empty")));
    }
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        return Err(
            Error::new(ErrorKind::Config, format!("{from} is text in UTF-16"))
                .with_hint("save it as ASCII or UTF-8"),
        );
    }
    if !pem::is_pem(bytes) {
        let Some(shape) = der::shape(bytes) else {
            return Err(Error::new(
                ErrorKind::Config,
                format!("{from} is neither PEM nor DER nor PFX"),
            ));
        };
        read_der(shape, bytes, from, unlock, keys, &mut contents)?;
        return Ok(contents);
    }
    let blocks = pem::blocks(bytes).map_err(|label| {
        Error::new(
            ErrorKind::Config,
            format!("{from} breaks off in the block '{label}'"),
        )
    })?;
    for block in blocks {
        let shape = match block.label.as_str() {
            "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => Shape::Certificate,
            "ENCRYPTED PRIVATE KEY" => Shape::EncryptedKey,
            "PKCS7" => Shape::Pkcs7,
            "OPENSSH PRIVATE KEY" if keys => {
                return Err(Error::new(
                    ErrorKind::Config,
                    format!("{from} holds a key in OpenSSH's own format"),
                )
                .with_hint("convert a copy of it: ssh-keygen -p -m PKCS8 -f COPY"));
            }
            label if label.ends_with("PRIVATE KEY") => Shape::Key,
            label => {
                contents.seen.push(label.to_lowercase());
                continue;
            }
        };
        if block.traditional {
            if keys {
                let key = unlock.traditional(block.text.expose_secret(), from)?;
                contents.keep(key, true);
            }
            continue;
        }
        let der = block.der().ok_or_else(|| damaged(from))?;
        read_der(
            shape,
            der.expose_secret(),
            from,
            unlock,
            keys,
            &mut contents,
        )?;
    }
    Ok(contents)
}

fn read_der(
    shape: Shape,
    der: &[u8],
    from: &KeyMaterial,
    unlock: &Unlock<'_>,
    keys: bool,
    contents: &mut Contents,
) -> Result<()> {
    match shape {
        Shape::Certificate => {
            let certificate = X509::from_der(der).map_err(|_| damaged(from))?;
            contents.certificates.push(certificate);
        }
        Shape::Key if keys => {
            // What is encrypted has another shape, so nothing can be asked for here.
            let key = PKey::private_key_from_der(der).map_err(|_| damaged(from))?;
            contents.keep(key, false);
        }
        Shape::EncryptedKey if keys => contents.keep(unlock.pkcs8(der, from)?, true),
        Shape::Key | Shape::EncryptedKey => contents.seen.push("private key".to_owned()),
        Shape::Pkcs7 => contents.seen.push("PKCS#7".to_owned()),
        Shape::Pfx => {
            let opened = unlock.pfx(der, from)?;
            if let Some(key) = opened.inside.pkey {
                contents.keep(key, opened.with_password);
            }
            contents.certificates.extend(opened.inside.cert);
            contents
                .certificates
                .extend(opened.inside.ca.into_iter().flatten());
        }
    }
    Ok(())
}

fn nothing(from: &KeyMaterial, what: &str, contents: &Contents) -> Error {
    let mut seen = contents.seen.clone();
    if contents.key.is_some() {
        seen.push("private key".to_owned());
    }
    if !contents.certificates.is_empty() {
        seen.push("certificate".to_owned());
    }
    let mut message = format!("{from} holds no {what}");
    if !seen.is_empty() {
        message = format!("{message}, but: {}", seen.join(", "));
    }
    Error::new(ErrorKind::Config, message)
}

fn mismatch(certificate: &KeyMaterial, key: &KeyMaterial) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("the private key in {key} does not belong to the certificate in {certificate}"),
    )
    .with_hint("give the key that the certificate was made with")
}

/// Entra ID takes RSA certificates only.
///
/// Source: <https://learn.microsoft.com/entra/identity-platform/howto-create-self-signed-certificate>
fn check_key(key: &PKeyRef<Private>, from: &KeyMaterial) -> Result<()> {
    let kind = match key.id() {
        Id::RSA | Id::RSA_PSS => {
            let bits = key.bits();
            if bits >= SHORTEST_KEY {
                return Ok(());
            }
            return Err(Error::new(
                ErrorKind::Config,
                format!("the private key in {from} has {bits} bits: the least is {SHORTEST_KEY}"),
            )
            .with_hint("make a certificate with a new RSA key of 2048 bits or more"));
        }
        Id::EC => "an elliptic curve",
        Id::ED25519 | Id::ED448 => "an Edwards curve",
        Id::DSA => "a DSA",
        _ => "another",
    };
    Err(Error::new(
        ErrorKind::Config,
        format!("the private key in {from} is {kind} key: Entra ID takes RSA keys only"),
    )
    .with_hint("make a certificate with an RSA key of 2048 bits or more"))
}

/// The certificate that belongs to `key`, and its issuers in order; `None` when there is none.
fn sorted(mut certificates: Vec<X509>, key: &PKeyRef<Private>) -> Option<(X509, Vec<X509>)> {
    let own = certificates.iter().position(|certificate| {
        certificate
            .public_key()
            .is_ok_and(|public| public.public_eq(key))
    })?;
    let certificate = certificates.swap_remove(own);
    let mut chain: Vec<X509> = Vec::new();
    while chain.len() < LONGEST_CHAIN {
        let last = chain.last().unwrap_or(&certificate);
        let issuer = certificates
            .iter()
            .position(|issuer| issuer.issued(last) == X509VerifyResult::OK);
        let Some(issuer) = issuer else { break };
        let issuer = certificates.swap_remove(issuer);
        chain.push(issuer);
    }
    Some((certificate, chain))
}

/// When `time` is, 1970 at the earliest; `None` when it is not a time.
fn moment(time: &Asn1TimeRef) -> Option<SystemTime> {
    let start = Asn1Time::from_unix(0).ok()?;
    let since = start.diff(time).ok()?;
    let seconds = i64::from(since.days) * 86_400 + i64::from(since.secs);
    let seconds = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    SystemTime::UNIX_EPOCH.checked_add(seconds)
}
