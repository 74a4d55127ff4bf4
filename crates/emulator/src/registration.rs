//! What is registered in a tenant: applications with their proofs and permissions, and users.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::time::SystemTime;

use openssl::hash::{MessageDigest, hash};
use openssl::pkey::{PKey, Public};
use openssl::x509::X509;
use secrecy::SecretString;
use serde::Deserialize;

use crate::error::{Error, Result};
use crate::hosts::Api;

/// One application that is registered in a tenant.
#[derive(Debug, Clone)]
pub struct Application {
    /// The application's identifier.
    pub client_id: String,
    /// What the application is called.
    pub name: String,
    /// What it may prove itself with.
    pub secrets: Vec<Secret>,
    /// The certificates whose keys may sign its assertions.
    pub certificates: Vec<Certificate>,
    /// The foreign issuers whose tokens stand for it.
    pub federated: Vec<FederatedCredential>,
    /// Where a browser may be sent back to.
    pub redirect_uris: Vec<RedirectUri>,
    /// "Allow public client flows": device code and password without a proof.
    pub public_client_flows: bool,
    /// The application roles that were granted, per API.
    pub roles: BTreeMap<Api, Vec<String>>,
    /// The delegated permissions that were granted, per API.
    pub scopes: BTreeMap<Api, Vec<String>>,
    /// The delegated permissions of the application's own API, `api://{client_id}`; without any it
    /// has none.
    pub exposes: Vec<String>,
    /// Whether the tenant has consented to the application. Without it the roles and scopes are
    /// what the registration asks for, and an administrator grants them by signing in or at
    /// `/adminconsent`.
    pub consented: bool,
    /// What machine's identity it is, if it is one; such an application has no other proof.
    pub managed_identity: Option<ManagedIdentity>,
}

impl Application {
    /// An application with one secret, the redirect `http://localhost`, public client flows and
    /// the roles and delegated permissions that hunting and alerts need.
    pub fn new(client_id: impl Into<String>, secret: impl Into<SecretString>) -> Self {
        let table = |rows: [(Api, &[&str]); 3]| {
            rows.into_iter()
                .map(|(api, names)| (api, names.iter().map(|name| (*name).to_owned()).collect()))
                .collect()
        };
        Self {
            client_id: client_id.into(),
            name: "hunting".to_owned(),
            secrets: vec![Secret {
                value: secret.into(),
                expires: None,
            }],
            certificates: Vec::new(),
            federated: Vec::new(),
            redirect_uris: vec![RedirectUri::native("http://localhost")],
            public_client_flows: true,
            roles: table([
                (
                    Api::Graph,
                    &[
                        "ThreatHunting.Read.All",
                        "SecurityAlert.Read.All",
                        "SecurityIncident.Read.All",
                    ],
                ),
                (
                    Api::Mde,
                    &[
                        "AdvancedQuery.Read.All",
                        "Alert.Read.All",
                        "File.Read.All",
                        "Ip.Read.All",
                        "Machine.Read.All",
                        "URL.Read.All",
                        "User.Read.All",
                    ],
                ),
                (
                    Api::M365d,
                    &["AdvancedHunting.Read.All", "Incident.Read.All"],
                ),
            ]),
            scopes: table([
                (
                    Api::Graph,
                    &[
                        "SecurityAlert.Read.All",
                        "SecurityIncident.Read.All",
                        "ThreatHunting.Read.All",
                        "User.Read",
                    ],
                ),
                (
                    Api::Mde,
                    &[
                        "AdvancedQuery.Read",
                        "Alert.Read",
                        "File.Read.All",
                        "Ip.Read.All",
                        "Machine.Read",
                        "URL.Read.All",
                        "User.Read.All",
                    ],
                ),
                (Api::M365d, &["AdvancedHunting.Read", "Incident.Read"]),
            ]),
            exposes: ["access_as_user", "user_impersonation"]
                .map(str::to_owned)
                .to_vec(),
            consented: true,
            managed_identity: None,
        }
    }

    /// The identity of a machine: no proof, no redirect, no delegated permissions.
    pub fn machine(client_id: impl Into<String>, identity: ManagedIdentity) -> Self {
        Self {
            name: "machine".to_owned(),
            secrets: Vec::new(),
            redirect_uris: Vec::new(),
            public_client_flows: false,
            scopes: BTreeMap::new(),
            exposes: Vec::new(),
            managed_identity: Some(identity),
            ..Self::new(client_id, SecretString::default())
        }
    }

    /// The identifier of the application's service principal, which differs from the client's.
    pub(crate) fn object_id(&self, tenant: &str) -> String {
        derived_guid(&["principal", tenant, &self.client_id])
    }
}

/// A client secret.
#[derive(Debug, Clone)]
pub struct Secret {
    /// The secret itself.
    pub value: SecretString,
    /// From when on it is refused with AADSTS7000222.
    pub expires: Option<SystemTime>,
}

/// A certificate that an application has registered: the public half, its thumbprints and dates.
#[derive(Clone)]
pub struct Certificate {
    x509: X509,
    key: PKey<Public>,
    sha1: Vec<u8>,
    sha256: Vec<u8>,
}

impl Certificate {
    /// Reads a certificate, PEM or DER; of a PEM file with several, the first.
    ///
    /// # Errors
    ///
    /// [`Error::Options`]: no certificate, or none with a key of RSA.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let wrong = |_| Error::Options("an application's certificate cannot be read".to_owned());
        let certificate = if bytes.windows(10).any(|part| part == b"-----BEGIN") {
            X509::from_pem(bytes)
        } else {
            X509::from_der(bytes)
        }
        .map_err(wrong)?;
        let key = certificate.public_key().map_err(wrong)?;
        if key.rsa().is_err() {
            return Err(Error::Options(
                "an application's certificate must have a key of RSA".to_owned(),
            ));
        }
        // Computed from the DER encoding, as the documentation says, and not asked of the parser.
        let der = certificate.to_der().map_err(wrong)?;
        let digest = |with| {
            hash(with, &der)
                .map(|digest| digest.to_vec())
                .map_err(wrong)
        };
        Ok(Self {
            sha1: digest(MessageDigest::sha1())?,
            sha256: digest(MessageDigest::sha256())?,
            x509: certificate,
            key,
        })
    }

    pub(crate) fn key(&self) -> &PKey<Public> {
        &self.key
    }

    pub(crate) fn sha1(&self) -> &[u8] {
        &self.sha1
    }

    pub(crate) fn sha256(&self) -> &[u8] {
        &self.sha256
    }

    pub(crate) fn x509(&self) -> &X509 {
        &self.x509
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Certificate")
            .field("thumbprint", &hex(&self.sha1))
            .finish_non_exhaustive()
    }
}

/// A foreign issuer whose tokens for one subject stand for an application.
///
/// Source: <https://learn.microsoft.com/entra/workload-id/workload-identity-federation>
#[derive(Debug, Clone)]
pub struct FederatedCredential {
    /// The issuer, compared letter by letter.
    pub issuer: String,
    /// The subject, compared letter by letter.
    pub subject: String,
    /// The audience, `api://AzureADTokenExchange` by default.
    pub audience: String,
    key: PKey<Public>,
}

impl FederatedCredential {
    /// An issuer whose tokens are signed with the key of RSA whose public half is this PEM.
    ///
    /// # Errors
    ///
    /// [`Error::Options`]: no public key of RSA.
    pub fn new(
        issuer: impl Into<String>,
        subject: impl Into<String>,
        key_pem: &[u8],
    ) -> Result<Self> {
        let key = PKey::public_key_from_pem(key_pem)
            .ok()
            .filter(|key| key.rsa().is_ok())
            .ok_or_else(|| {
                Error::Options("an issuer's key must be a public key of RSA as PEM".to_owned())
            })?;
        Ok(Self {
            issuer: issuer.into(),
            subject: subject.into(),
            audience: "api://AzureADTokenExchange".to_owned(),
            key,
        })
    }

    pub(crate) fn key(&self) -> &PKey<Public> {
        &self.key
    }
}

/// An address that a browser may be sent back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUri {
    /// The address. With `http://localhost` and `http://127.0.0.1` the port does not count.
    pub uri: String,
    /// The kind of application behind it, which decides whether a proof is wanted or refused.
    pub platform: Platform,
}

impl RedirectUri {
    /// An address of a mobile or desktop application.
    pub fn native(uri: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            platform: Platform::Native,
        }
    }

    /// An address of a web application, which has a secret or a certificate.
    pub fn web(uri: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            platform: Platform::Web,
        }
    }
}

/// The platform of a redirect address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Platform {
    /// "Mobile and desktop applications": a public client.
    Native,
    /// "Web": a confidential client.
    Web,
}

/// Which identity of a machine an application is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ManagedIdentity {
    /// The machine's own; the one that is meant when none is named.
    System,
    /// One that was assigned to it, under this resource identifier.
    User {
        /// `/subscriptions/…/userAssignedIdentities/…`
        resource_id: String,
    },
}

/// Someone who can sign in.
#[derive(Debug, Clone)]
pub struct User {
    /// The user principal name, such as `analyst@demo.example`.
    pub name: String,
    /// What the person is called.
    pub display_name: String,
    /// The object's identifier.
    pub id: String,
    /// The password, for the password grant; the pages do not ask for one.
    pub password: Option<SecretString>,
    /// Whether the user may consent for the whole tenant.
    pub administrator: bool,
    /// What the tenant's policies have against the user's sign-ins.
    pub policy: SignInPolicy,
}

impl User {
    /// A user without a password whom nothing hinders.
    pub fn new(name: impl Into<String>, display_name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            id: derived_guid(&["user", &name.to_lowercase()]),
            display_name: display_name.into(),
            password: None,
            administrator: false,
            policy: SignInPolicy::default(),
            name,
        }
    }
}

impl User {
    /// Someone who hunts and someone who may consent, of `domain`.
    pub(crate) fn pair(domain: &str) -> Vec<Self> {
        vec![
            Self::new(format!("analyst@{domain}"), "Analyst"),
            Self {
                administrator: true,
                ..Self::new(format!("admin@{domain}"), "Administrator")
            },
        ]
    }
}

/// What a tenant's policies have against a user's sign-ins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SignInPolicy {
    /// Nothing.
    #[default]
    Allowed,
    /// A second factor: in a browser the user gives it, elsewhere it is AADSTS50076.
    SecondFactor,
    /// A second factor that is not set up yet: the same with AADSTS50079.
    SecondFactorRegistration,
    /// Conditional access blocks everything: AADSTS53003.
    ConditionalAccess,
    /// The account is disabled: AADSTS50057.
    Disabled,
    /// The password has expired: AADSTS50055.
    PasswordExpired,
}

/// Bytes as thumbprints are written.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02X}");
        text
    })
}

/// An identifier in the shape of a GUID that the same words always lead to.
pub(crate) fn derived_guid(words: &[&str]) -> String {
    // FNV-1a, twice over different starts; nothing here has to be hard to guess.
    let fold = |start: u64| {
        words
            .iter()
            .flat_map(|word| word.bytes().chain([0xff]))
            .fold(start, |state, byte| {
                (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            })
    };
    crate::identifiers::guid(
        fold(0xcbf2_9ce4_8422_2325),
        fold(0x9e37_79b9_7f4a_7c15).rotate_left(17),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_differ_and_stay() {
        let first = User::new("analyst@demo.example", "A");
        assert_eq!(first.id, User::new("Analyst@demo.example", "B").id);
        assert_ne!(first.id, User::new("other@demo.example", "A").id);
        assert_ne!(derived_guid(&["ab", "c"]), derived_guid(&["a", "bc"]));
        let application = Application::new("a", "b");
        assert_ne!(application.object_id("t"), application.object_id("u"));
    }

    #[test]
    fn no_debug_holds_a_secret() {
        let canary = || SecretString::from("canary-7c1d");
        let mut tenant = crate::Tenant::demo();
        tenant.applications[0].secrets.push(Secret {
            value: canary(),
            expires: None,
        });
        let mut user = User::new("ana@demo.example", "Ana");
        user.password = Some(canary());
        tenant.users.push(user);
        let mut vault = crate::Vault::new("kv");
        vault
            .secrets
            .push(crate::VaultSecret::new("name", canary()));
        tenant.vaults.push(vault);
        let options = crate::Options {
            tenants: vec![tenant],
            ..crate::Options::default()
        };
        let shown = format!("{options:?} {options:#?}");
        assert!(!shown.contains("canary"), "{shown}");
        assert!(shown.contains("ana@demo.example"), "{shown}");
    }

    #[test]
    fn what_is_no_certificate_is_an_error() {
        for bytes in [
            &b""[..],
            b"-----BEGIN CERTIFICATE-----\nAAAA\n",
            b"\x30\x03\x02\x01\x01",
        ] {
            let error = Certificate::parse(bytes).unwrap_err();
            assert!(error.to_string().contains("certificate"), "{error}");
        }
        assert!(FederatedCredential::new("i", "s", b"none").is_err());
    }
}
