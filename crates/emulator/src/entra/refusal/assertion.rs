//! Refusals of assertions and of proofs that do not belong to the application.

use http::StatusCode;

use super::Refusal;
use crate::registration::{Application, Certificate, hex};
use crate::ticks;

/// Where each of these refusals sends the reader.
const PAGE: &str = "Review the documentation at \
                    https://learn.microsoft.com/entra/identity-platform/certificate-credentials .";

/// The same for foreign issuers.
const FEDERATION: &str = "Check your federated identity credential Subject, Audience and Issuer \
                          against the presented assertion. \
                          https://learn.microsoft.com/entra/workload-id/workload-identity-federation";

impl Refusal {
    fn client(code: u64, message: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            code,
            message.into(),
        )
    }

    fn bad_request(code: u64, message: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            code,
            message.into(),
        )
    }

    /// A proof from an application that can keep no secret.
    pub(in crate::entra) fn public_client() -> Self {
        Self::client(
            700_025,
            "Client is public so neither 'client_assertion' nor 'client_secret' should be \
             presented.",
        )
    }

    pub(in crate::entra) fn assertion_type() -> Self {
        Self::bad_request(
            90100,
            "client_assertion_type parameter is empty or not valid.",
        )
    }

    pub(in crate::entra) fn assertion_malformed() -> Self {
        Self::bad_request(
            50027,
            "JWT token is invalid or malformed. The token format isn't proper.",
        )
    }

    pub(in crate::entra) fn assertion_claim(name: &str) -> Self {
        Self::bad_request(
            50027,
            format!("JWT token is invalid or malformed. It doesn't contain the claim '{name}'."),
        )
    }

    pub(in crate::entra) fn assertion_without_thumbprint() -> Self {
        Self::bad_request(
            5_002_723,
            "Invalid JWT token. No certificate SHA-1 thumbprint, certificate SHA-256 thumbprint, \
             nor keyId specified in token header.",
        )
    }

    /// No certificate of the application has this thumbprint.
    pub(in crate::entra) fn assertion_unknown_key(
        application: &Application,
        thumbprint: &[u8],
    ) -> Self {
        Self::client(
            700_027,
            format!(
                "The certificate with identifier used to sign the client assertion is not \
                 registered on application. [Reason - The key was not found., Thumbprint of key \
                 used by client: '{}', Please visit the Azure Portal, Graph Explorer or directly \
                 use MS Graph to see configured keys for app Id '{}'. {PAGE}]",
                hex(thumbprint),
                application.client_id
            ),
        )
    }

    /// A certificate whose time is over, or has not come.
    pub(in crate::entra) fn assertion_expired_key(certificate: &Certificate) -> Self {
        let x509 = certificate.x509();
        Self::client(
            700_027,
            format!(
                "Client assertion contains an invalid signature. [Reason - The key used is \
                 expired., Thumbprint of key used by client: '{}', Found key 'Start={}, End={}'. \
                 {PAGE}]",
                hex(certificate.sha1()),
                x509.not_before(),
                x509.not_after()
            ),
        )
    }

    pub(in crate::entra) fn assertion_signature(thumbprint: &[u8]) -> Self {
        Self::client(
            700_027,
            format!(
                "Client assertion failed signature validation. [Reason - The signature does not \
                 fit the key., Thumbprint of key used by client: '{}'. {PAGE}]",
                hex(thumbprint)
            ),
        )
    }

    pub(in crate::entra) fn assertion_algorithm(algorithm: &str) -> Self {
        Self::client(
            700_027,
            format!(
                "Client assertion failed signature validation. [Reason - The algorithm \
                 '{algorithm}' is not supported. {PAGE}]"
            ),
        )
    }

    pub(in crate::entra) fn assertion_application() -> Self {
        Self::client(
            700_021,
            format!(
                "Client assertion application identifier doesn't match 'client_id' parameter. \
                 {PAGE}"
            ),
        )
    }

    pub(in crate::entra) fn assertion_subject() -> Self {
        Self::client(
            50048,
            format!("Subject mismatches Issuer claim in the client assertion. {PAGE}"),
        )
    }

    pub(in crate::entra) fn assertion_audience() -> Self {
        Self::client(
            700_023,
            format!("Client assertion audience claim does not match Realm issuer. {PAGE}"),
        )
    }

    pub(in crate::entra) fn assertion_time(now: i64, nbf: i64, exp: i64) -> Self {
        let moment = |seconds: i64| {
            let mut out = Vec::new();
            ticks::write_datetime(&mut out, ticks::from_unix_seconds(seconds));
            String::from_utf8_lossy(&out).into_owned()
        };
        Self::client(
            700_024,
            format!(
                "Client assertion is not within its valid time range. Current time: {}, assertion \
                 valid from {}, expiry time of assertion {}. {PAGE}",
                moment(now),
                moment(nbf),
                moment(exp)
            ),
        )
    }

    /// An assertion under an identifier that another one had.
    pub(in crate::entra) fn assertion_replayed() -> Self {
        Self::client(
            50013,
            format!(
                "Assertion failed validation. [Reason - The 'jti' of the assertion was presented \
                 before. {PAGE}]"
            ),
        )
    }

    pub(in crate::entra) fn federated_issuer(issuer: &str) -> Self {
        Self::client(
            700_211,
            format!(
                "No matching federated identity record found for presented assertion issuer \
                 '{issuer}'. {FEDERATION}"
            ),
        )
    }

    pub(in crate::entra) fn federated_audience(audience: &str) -> Self {
        Self::client(
            700_212,
            format!(
                "No matching federated identity record found for presented assertion audience \
                 '{audience}'. {FEDERATION}"
            ),
        )
    }

    pub(in crate::entra) fn federated_subject(subject: &str) -> Self {
        Self::client(
            700_213,
            format!(
                "No matching federated identity record found for presented assertion subject \
                 '{subject}'. {FEDERATION}"
            ),
        )
    }
}
