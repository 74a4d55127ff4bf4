//! Assertions that an application proves itself with: its own, or a trusted issuer's.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::memcmp;
use openssl::pkey::{PKeyRef, Public};
use openssl::rsa::Padding;
use openssl::sign::{RsaPssSaltlen, Verifier};
use serde_json::Value;

use super::grant::TokenRequest;
use super::refusal::Refusal;
use crate::hosts::HOSTS;
use crate::registration::{Application, Certificate};
use crate::request::Place;

/// What `client_assertion_type` has to be.
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How far apart the clocks of a client and the service may be, in seconds.
const SKEW: i64 = 300;

/// A compact JWS, taken apart.
pub(super) struct Assertion<'a> {
    message: &'a str,
    signature: Vec<u8>,
    header: Value,
    claims: Value,
}

impl<'a> Assertion<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (message, signature) = text.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let object = |part: &str| {
            let value: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()?;
            value.is_object().then_some(value)
        };
        Some(Self {
            message,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
            header: object(header)?,
            claims: object(claims)?,
        })
    }

    fn text(&self, claim: &str) -> Result<&str, Refusal> {
        self.claims
            .get(claim)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
            .ok_or_else(|| Refusal::assertion_claim(claim))
    }

    fn audiences(&self) -> Vec<&str> {
        match self.claims.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether `key` made the signature, with the algorithm that the header names.
    fn signed_by(&self, key: &PKeyRef<Public>) -> Result<bool, Refusal> {
        let pss = match self.header.get("alg").and_then(Value::as_str) {
            Some("RS256") => false,
            Some("PS256") => true,
            other => return Err(Refusal::assertion_algorithm(other.unwrap_or_default())),
        };
        let verified = || -> Result<bool, ErrorStack> {
            let mut verifier = Verifier::new(MessageDigest::sha256(), key)?;
            if pss {
                verifier.set_rsa_padding(Padding::PKCS1_PSS)?;
                verifier.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
                verifier.set_rsa_mgf1_md(MessageDigest::sha256())?;
            }
            verifier.update(self.message.as_bytes())?;
            verifier.verify(&self.signature)
        };
        Ok(verified().unwrap_or(false))
    }

    /// Whether the assertion is good now; times that are no numbers are no times.
    fn in_time(&self, request: &TokenRequest<'_>) -> Result<(), Refusal> {
        // A NumericDate may have a fraction, and MSAL's have one.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a number that is too large becomes the largest"
        )]
        let number = |claim: &str| {
            let claim = self.claims.get(claim)?;
            claim
                .as_i64()
                .or_else(|| claim.as_f64().map(|seconds| seconds.floor() as i64))
        };
        let exp = number("exp").ok_or_else(|| Refusal::assertion_claim("exp"))?;
        let nbf = number("nbf").unwrap_or(0);
        let now = request.now();
        if now >= exp.saturating_add(SKEW) || now.saturating_add(SKEW) < nbf {
            return Err(Refusal::assertion_time(now, nbf, exp));
        }
        Ok(())
    }
}

/// Checks the assertion of `application`.
///
/// Source: <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>
pub(super) fn check(
    request: &TokenRequest<'_>,
    application: &Application,
    text: &str,
) -> Result<(), Refusal> {
    if request.required("client_assertion_type")? != TYPE {
        return Err(Refusal::assertion_type());
    }
    let assertion = Assertion::parse(text).ok_or_else(Refusal::assertion_malformed)?;
    let issuer = assertion.text("iss")?;
    if issuer.contains("://") {
        return federated(request, application, &assertion);
    }
    if !issuer.eq_ignore_ascii_case(&application.client_id) {
        return Err(Refusal::assertion_application());
    }
    if assertion.text("sub")? != issuer {
        return Err(Refusal::assertion_subject());
    }
    signature(request, application, &assertion)?;
    let audiences = assertion.audiences();
    if !audiences.iter().any(|audience| is_own(request, audience)) {
        return Err(Refusal::assertion_audience());
    }
    assertion.in_time(request)?;
    once(request, application, &assertion, text)
}

/// Finds the certificate by its thumbprint, and verifies with its key.
fn signature(
    request: &TokenRequest<'_>,
    application: &Application,
    assertion: &Assertion<'_>,
) -> Result<(), Refusal> {
    let thumbprint = |name: &str| {
        assertion
            .header
            .get(name)
            .and_then(Value::as_str)
            .map(|text| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')))
            .transpose()
            .map_err(|_| Refusal::assertion_malformed())
    };
    let (sha1, sha256) = (thumbprint("x5t")?, thumbprint("x5t#S256")?);
    let Some(named) = sha256.as_deref().or(sha1.as_deref()) else {
        return Err(Refusal::assertion_without_thumbprint());
    };
    let fits = |certificate: &&Certificate| {
        sha1.as_deref()
            .is_none_or(|sent| sent == certificate.sha1())
            && sha256
                .as_deref()
                .is_none_or(|sent| sent == certificate.sha256())
    };
    let certificate = application
        .certificates
        .iter()
        .find(fits)
        .ok_or_else(|| Refusal::assertion_unknown_key(application, named))?;
    if !assertion.signed_by(certificate.key())? {
        return Err(Refusal::assertion_signature(named));
    }
    if !is_valid(certificate, request.now()) {
        return Err(Refusal::assertion_expired_key(certificate));
    }
    Ok(())
}

/// Whether `now` lies within the certificate's dates.
fn is_valid(certificate: &Certificate, now: i64) -> bool {
    let Ok(now) = openssl::asn1::Asn1Time::from_unix(now) else {
        return false;
    };
    let x509 = certificate.x509();
    x509.not_before() <= now && now < x509.not_after()
}

/// Whether an audience is the token endpoint that was asked, or the authority it belongs to.
///
/// The documentation names the endpoint of version 2; clients send that of version 1 and the
/// issuer too, and any host of the same cloud.
fn is_own(request: &TokenRequest<'_>, audience: &str) -> bool {
    let tenant = request.tenant;
    let mut origins = vec![request.asked.origin.clone()];
    if let Place::Host(_) = request.asked.place {
        origins.extend(
            HOSTS
                .iter()
                .filter(|host| host.login && host.cloud == tenant.cloud)
                .map(|host| format!("https://{}", host.name)),
        );
    }
    let names = std::iter::once(tenant.id.as_str()).chain(tenant.domain.as_deref());
    let issuer = format!("{}/{}/", tenant.cloud.issuer(), tenant.id);
    audience == issuer
        || names.into_iter().any(|name| {
            origins.iter().any(|origin| {
                ["oauth2/v2.0/token", "oauth2/token", "v2.0"]
                    .iter()
                    .any(|end| audience.eq_ignore_ascii_case(&format!("{origin}/{name}/{end}")))
            })
        })
}

/// Checks that the `jti` is new, or that it is the very same assertion where that is allowed.
fn once(
    request: &TokenRequest<'_>,
    application: &Application,
    assertion: &Assertion<'_>,
    text: &str,
) -> Result<(), Refusal> {
    let jti = assertion.text("jti")?.to_owned();
    let reusable = request.directory.sign_in.assertions_reusable;
    let mut memory = request.directory.state.lock();
    let key = (application.client_id.to_lowercase(), jti);
    match memory.assertions.get(&key) {
        None => {
            memory.assertions.insert(key, text.to_owned());
            Ok(())
        }
        Some(before) if reusable && memcmp_text(before, text) => Ok(()),
        Some(_) => Err(Refusal::assertion_replayed()),
    }
}

fn memcmp_text(one: &str, other: &str) -> bool {
    one.len() == other.len() && memcmp::eq(one.as_bytes(), other.as_bytes())
}

/// Checks a token of a foreign issuer: record, audience, signature, lifetime.
///
/// Source: <https://learn.microsoft.com/entra/workload-id/workload-identity-federation>
fn federated(
    request: &TokenRequest<'_>,
    application: &Application,
    assertion: &Assertion<'_>,
) -> Result<(), Refusal> {
    let (issuer, subject) = (assertion.text("iss")?, assertion.text("sub")?);
    let of_issuer: Vec<_> = application
        .federated
        .iter()
        .filter(|credential| credential.issuer == issuer)
        .collect();
    if of_issuer.is_empty() {
        return Err(Refusal::federated_issuer(issuer));
    }
    let of_subject: Vec<_> = of_issuer
        .into_iter()
        .filter(|credential| credential.subject == subject)
        .collect();
    if of_subject.is_empty() {
        return Err(Refusal::federated_subject(subject));
    }
    let audiences = assertion.audiences();
    let credential = of_subject
        .into_iter()
        .find(|credential| audiences.contains(&credential.audience.as_str()))
        .ok_or_else(|| Refusal::federated_audience(&audiences.join(" ")))?;
    if !assertion.signed_by(credential.key())? {
        return Err(Refusal::assertion_signature(issuer.as_bytes()));
    }
    assertion.in_time(request)
}
