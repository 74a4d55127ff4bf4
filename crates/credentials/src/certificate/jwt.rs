//! The assertion: a JSON web token that the certificate's key signs.

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use defender_core::{Error, ErrorKind, Result, SecretString};
use jsonwebtoken::{Algorithm, Header};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::Id;
use openssl::rsa::Padding;
use openssl::sign::{RsaPssSaltlen, Signer};
use serde::Serialize;

use super::CertificateKey;

/// How long an assertion is good for.
const LIFETIME: Duration = Duration::from_mins(10);

/// A signature and the thumbprint that goes with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SigningAlgorithm {
    /// RSA-PSS with SHA-256, and the certificate's SHA-256 thumbprint (`x5t#S256`).
    #[default]
    Ps256,
    /// RSA PKCS#1 with SHA-256, and the certificate's SHA-1 thumbprint (`x5t`): for AD FS and
    /// other authorities that know nothing newer.
    Rs256,
}

/// What goes into an assertion.
pub(super) struct Wanted<'a> {
    pub(super) key: &'a CertificateKey,
    pub(super) algorithm: SigningAlgorithm,
    pub(super) send_chain: bool,
    pub(super) audience: &'a str,
    pub(super) client_id: &'a str,
    pub(super) id: &'a str,
    pub(super) now: SystemTime,
}

/// Source: <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>
#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: &'a str,
    nbf: u64,
    iat: u64,
    exp: u64,
}

/// The signed assertion.
///
/// Header and claims are `jsonwebtoken`'s and ours; the signature is OpenSSL's: `jsonwebtoken`
/// signs with what the process installed first, which is not for a library to choose.
pub(super) fn signed(wanted: &Wanted<'_>) -> Result<SecretString> {
    let failed = |what: &str| Error::new(ErrorKind::Config, what.to_owned());
    if wanted.algorithm == SigningAlgorithm::Rs256 && wanted.key.key.id() == Id::RSA_PSS {
        return Err(
            failed("the certificate's key is for RSA-PSS only and cannot sign RS256")
                .with_hint("leave the algorithm at PS256, or use an ordinary RSA certificate"),
        );
    }
    let header = header(wanted)
        .map_err(|error| failed("the certificate cannot be encoded").with_source(error))?;
    let start = wanted
        .now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let claims = Claims {
        aud: wanted.audience,
        iss: wanted.client_id,
        sub: wanted.client_id,
        jti: wanted.id,
        nbf: start.as_secs(),
        iat: start.as_secs(),
        exp: (start + LIFETIME).as_secs(),
    };
    let (Ok(header), Ok(claims)) = (part(&header), part(&claims)) else {
        return Err(failed("the assertion cannot be written as JSON"));
    };
    let mut text = format!("{header}.{claims}");
    let signature = signature(wanted, text.as_bytes())
        .map_err(|error| failed("the certificate's key cannot sign").with_source(error))?;
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut text);
    Ok(text.into())
}

/// One part of a compact token.
fn part(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_vec(value).map(|json| URL_SAFE_NO_PAD.encode(json))
}

fn header(wanted: &Wanted<'_>) -> Result<Header, ErrorStack> {
    let thumbprint = |digest| -> Result<String, ErrorStack> {
        let digest = wanted.key.certificate.digest(digest)?;
        Ok(URL_SAFE_NO_PAD.encode(digest))
    };
    let mut header = match wanted.algorithm {
        SigningAlgorithm::Ps256 => Header {
            x5t_s256: Some(thumbprint(MessageDigest::sha256())?),
            ..Header::new(Algorithm::PS256)
        },
        SigningAlgorithm::Rs256 => Header {
            x5t: Some(thumbprint(MessageDigest::sha1())?),
            ..Header::new(Algorithm::RS256)
        },
    };
    if wanted.send_chain {
        let mut chain = vec![STANDARD.encode(wanted.key.certificate.to_der()?)];
        for issuer in &wanted.key.chain {
            chain.push(STANDARD.encode(issuer.to_der()?));
        }
        header.x5c = Some(chain);
    }
    Ok(header)
}

fn signature(wanted: &Wanted<'_>, message: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    let mut signer = Signer::new(MessageDigest::sha256(), &wanted.key.key)?;
    match wanted.algorithm {
        SigningAlgorithm::Ps256 => {
            signer.set_rsa_padding(Padding::PKCS1_PSS)?;
            signer.set_rsa_mgf1_md(MessageDigest::sha256())?;
            signer.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
        }
        SigningAlgorithm::Rs256 => signer.set_rsa_padding(Padding::PKCS1)?,
    }
    signer.sign_oneshot_to_vec(message)
}
