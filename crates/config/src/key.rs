//! The keys of a connection, the names they go by, and where a value came from.

use std::fmt;

use defender_core::nearest;

/// A key of a connection: in settings, in a connection string, in a call.
///
/// Names are read in any case, with or without `_`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ConnectionKey {
    /// The tenant: an id or a domain.
    TenantId,
    /// The application's id.
    ClientId,
    /// The application's secret.
    ClientSecret,
    /// The user who signs in.
    Username,
    /// The file of the application's certificate.
    Certificate,
    /// The file of the certificate's private key.
    PrivateKey,
    /// The passphrase of the private key.
    PrivateKeySecret,
    /// The cloud or region.
    Cloud,
    /// How a user signs in.
    AuthType,
    /// Whether a user signs in rather than the application.
    DelegatedAuth,
    /// Another sign-in host.
    Authority,
    /// Another API root.
    ApiRoot,
    /// Another API version.
    ApiVersion,
    /// How long a request may take.
    Timeout,
    /// The file of the token cache.
    Location,
    /// Whether tokens are kept for later runs.
    TokenCache,
    /// A token that was obtained elsewhere.
    AccessToken,
    /// The file of an assertion.
    AssertionFile,
    /// Whether the certificate's chain goes along.
    SendX5c,
    /// How the certificate signs.
    AssertionAlgorithm,
}

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    /// What no message quotes.
    Secret,
    /// The file of a certificate or key, or its text.
    Material,
    Path,
    Flag,
    Url,
    Duration,
    AuthType,
    Algorithm,
}

/// All that is known of one key.
struct KeySpec {
    key: ConnectionKey,
    /// As MSTICPy's connection strings spell it.
    name: &'static str,
    /// As settings files spell it.
    setting: &'static str,
    aliases: &'static [&'static str],
    kind: Kind,
}

/// In the order of the enumeration.
const KEYS: [KeySpec; 20] = [
    KeySpec {
        key: ConnectionKey::TenantId,
        name: "tenant_id",
        setting: "TenantId",
        aliases: &[],
        kind: Kind::Text,
    },
    KeySpec {
        key: ConnectionKey::ClientId,
        name: "client_id",
        setting: "ClientId",
        aliases: &[],
        kind: Kind::Text,
    },
    KeySpec {
        key: ConnectionKey::ClientSecret,
        name: "client_secret",
        setting: "ClientSecret",
        aliases: &[],
        kind: Kind::Secret,
    },
    KeySpec {
        key: ConnectionKey::Username,
        name: "username",
        setting: "UserName",
        aliases: &[],
        kind: Kind::Text,
    },
    KeySpec {
        key: ConnectionKey::Certificate,
        name: "certificate",
        setting: "Certificate",
        aliases: &["cert"],
        kind: Kind::Material,
    },
    KeySpec {
        key: ConnectionKey::PrivateKey,
        name: "private_key",
        setting: "PrivateKey",
        aliases: &[],
        kind: Kind::Material,
    },
    KeySpec {
        key: ConnectionKey::PrivateKeySecret,
        name: "private_key_secret",
        setting: "PrivateKeySecret",
        aliases: &[],
        kind: Kind::Secret,
    },
    KeySpec {
        key: ConnectionKey::Cloud,
        name: "cloud",
        setting: "Cloud",
        aliases: &[],
        kind: Kind::Text,
    },
    KeySpec {
        key: ConnectionKey::AuthType,
        name: "auth_type",
        setting: "AuthType",
        aliases: &[],
        kind: Kind::AuthType,
    },
    KeySpec {
        key: ConnectionKey::DelegatedAuth,
        name: "delegated_auth",
        setting: "DelegatedAuth",
        aliases: &[],
        kind: Kind::Flag,
    },
    KeySpec {
        key: ConnectionKey::Authority,
        name: "authority",
        setting: "Authority",
        aliases: &[],
        kind: Kind::Url,
    },
    KeySpec {
        key: ConnectionKey::ApiRoot,
        name: "apiRoot",
        setting: "ApiRoot",
        aliases: &[],
        kind: Kind::Url,
    },
    KeySpec {
        key: ConnectionKey::ApiVersion,
        name: "apiVersion",
        setting: "ApiVersion",
        aliases: &[],
        kind: Kind::Text,
    },
    KeySpec {
        key: ConnectionKey::Timeout,
        name: "timeout",
        setting: "Timeout",
        aliases: &[],
        kind: Kind::Duration,
    },
    KeySpec {
        key: ConnectionKey::Location,
        name: "location",
        setting: "TokenCachePath",
        aliases: &["TokenCachePath"],
        kind: Kind::Path,
    },
    KeySpec {
        key: ConnectionKey::TokenCache,
        name: "token_cache",
        setting: "TokenCache",
        aliases: &[],
        kind: Kind::Flag,
    },
    KeySpec {
        key: ConnectionKey::AccessToken,
        name: "access_token",
        setting: "AccessToken",
        aliases: &[],
        kind: Kind::Secret,
    },
    KeySpec {
        key: ConnectionKey::AssertionFile,
        name: "assertion_file",
        setting: "AssertionFile",
        aliases: &["federated_token_file"],
        kind: Kind::Path,
    },
    KeySpec {
        key: ConnectionKey::SendX5c,
        name: "send_x5c",
        setting: "SendX5c",
        aliases: &["send_certificate_chain"],
        kind: Kind::Flag,
    },
    KeySpec {
        key: ConnectionKey::AssertionAlgorithm,
        name: "assertion_algorithm",
        setting: "AssertionAlgorithm",
        aliases: &[],
        kind: Kind::Algorithm,
    },
];

impl ConnectionKey {
    /// Every key.
    pub const ALL: [Self; KEYS.len()] = {
        let mut all = [Self::TenantId; KEYS.len()];
        let mut at = 0;
        while at < KEYS.len() {
            assert!(
                KEYS[at].key as usize == at,
                "the table has the order of the keys"
            );
            all[at] = KEYS[at].key;
            at += 1;
        }
        all
    };

    fn spec(self) -> &'static KeySpec {
        &KEYS[self as usize]
    }

    /// The name that MSTICPy's connection strings use.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// The name as settings files spell it.
    pub fn setting(self) -> &'static str {
        self.spec().setting
    }

    /// Other names that mean the same key.
    pub fn aliases(self) -> &'static [&'static str] {
        self.spec().aliases
    }

    pub(crate) fn kind(self) -> Kind {
        self.spec().kind
    }

    /// Whether the value is a secret.
    pub fn is_secret(self) -> bool {
        self.kind() == Kind::Secret
    }

    /// Whether the value names a file of a certificate or a key, or is its text.
    pub fn is_file_of_key(self) -> bool {
        self.kind() == Kind::Material
    }

    /// The key that goes by `name`.
    ///
    /// ```
    /// # use defender_config::ConnectionKey;
    /// assert_eq!(ConnectionKey::find("TENANT_ID"), Some(ConnectionKey::TenantId));
    /// assert_eq!(ConnectionKey::find("TokenCachePath"), Some(ConnectionKey::Location));
    /// assert_eq!(ConnectionKey::find("Tenant"), None);
    /// ```
    pub fn find(name: &str) -> Option<Self> {
        let wanted = folded(name);
        Self::ALL.into_iter().find(|key| {
            std::iter::once(&key.name())
                .chain(key.aliases())
                .any(|known| folded(known) == wanted)
        })
    }

    /// The known name that a misspelt `name` most likely means.
    pub(crate) fn suggest(name: &str) -> Option<Self> {
        let names = Self::ALL
            .iter()
            .flat_map(|key| std::iter::once(key.name()).chain(key.aliases().iter().copied()));
        nearest(name, names).and_then(Self::find)
    }
}

impl fmt::Display for ConnectionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name without its case and underscores.
pub(crate) fn folded(name: &str) -> String {
    name.trim()
        .chars()
        .filter(|letter| *letter != '_')
        .flat_map(char::to_lowercase)
        .collect()
}

/// Where a value came from, as messages name it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// A setting of the settings file.
    Setting {
        /// Its path, such as `DataProviders.MicrosoftDefender.Args.ClientSecret`.
        path: String,
        /// Its line, from 1.
        line: Option<u64>,
    },
    /// A connection string.
    ConnectionString,
    /// An environment variable.
    Variable(String),
    /// A parameter or option of the call, such as `--tenant-id`.
    Parameter(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting { path, .. } => write!(f, "the setting {path}"),
            Self::ConnectionString => f.write_str("the connection string"),
            Self::Variable(name) => write!(f, "the environment variable {name}"),
            Self::Parameter(name) => write!(f, "the parameter {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_msticpy_and_its_documents_is_found() {
        let spellings = [
            (
                ConnectionKey::TenantId,
                "tenantid TenantId tenant_id TENANTID",
            ),
            (ConnectionKey::ClientId, "clientid ClientId client_id"),
            (
                ConnectionKey::ClientSecret,
                "clientsecret ClientSecret client_secret",
            ),
            (ConnectionKey::Username, "username UserName user_name"),
            (ConnectionKey::Certificate, "certificate Certificate cert"),
            (
                ConnectionKey::PrivateKey,
                "privatekey PrivateKey private_key",
            ),
            (
                ConnectionKey::PrivateKeySecret,
                "privatekeysecret PrivateKeySecret private_key_secret",
            ),
            (ConnectionKey::Cloud, "cloud Cloud"),
            (ConnectionKey::AuthType, "auth_type AuthType"),
            (ConnectionKey::DelegatedAuth, "delegated_auth DelegatedAuth"),
            (ConnectionKey::Authority, "authority Authority"),
            (ConnectionKey::ApiRoot, "apiRoot api_root ApiRoot"),
            (ConnectionKey::ApiVersion, "apiVersion api_version"),
            (ConnectionKey::Timeout, "timeout Timeout"),
            (
                ConnectionKey::Location,
                "location TokenCachePath token_cache_path",
            ),
            (ConnectionKey::TokenCache, "token_cache TokenCache"),
            (ConnectionKey::AccessToken, "access_token AccessToken"),
            (
                ConnectionKey::AssertionFile,
                "assertion_file AssertionFile FederatedTokenFile",
            ),
            (
                ConnectionKey::SendX5c,
                "send_x5c SendX5c SendCertificateChain",
            ),
            (
                ConnectionKey::AssertionAlgorithm,
                "assertion_algorithm AssertionAlgorithm",
            ),
        ];
        assert_eq!(spellings.len(), ConnectionKey::ALL.len());
        for (key, names) in spellings {
            for name in names.split(' ') {
                assert_eq!(ConnectionKey::find(name), Some(key), "{name}");
            }
            assert_eq!(ConnectionKey::find(key.setting()), Some(key));
        }
    }

    #[test]
    fn a_misspelt_name_suggests_its_key() {
        assert_eq!(
            ConnectionKey::suggest("TenatId"),
            Some(ConnectionKey::TenantId)
        );
        assert_eq!(
            ConnectionKey::suggest("certficate"),
            Some(ConnectionKey::Certificate)
        );
        assert_eq!(ConnectionKey::suggest("colour"), None);
    }
}
