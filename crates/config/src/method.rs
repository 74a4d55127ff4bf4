//! Who signs in, and with what: the ways there are, and which one a connection's parts mean.

use std::fmt;
use std::str::FromStr;

use defender_core::{Error, ErrorKind, Result};

use crate::ConnectionKey as Key;

/// How to sign in, as settings and options name it.
///
/// Read in any case, `_`, `-` and blanks left out, with the names of MSTICPy's `auth_methods`:
///
/// ```
/// # use defender_config::AuthType;
/// assert_eq!("interactive".parse::<AuthType>().unwrap(), AuthType::Browser);
/// assert_eq!("managed_identity".parse::<AuthType>().unwrap(), AuthType::ManagedIdentity);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthType {
    /// A user, in a browser on this machine; MSTICPy's `interactive`.
    Browser,
    /// A user, with a code that is typed in on any machine.
    Device,
    /// The application, with its secret.
    ClientSecret,
    /// The application, with its certificate.
    Certificate,
    /// What the `AZURE_` variables say.
    Environment,
    /// The application, with an assertion that its surroundings write into a file.
    WorkloadIdentity,
    /// The identity of the Azure machine that this runs on.
    ManagedIdentity,
    /// Whoever is signed in to the Azure CLI.
    AzureCli,
}

impl AuthType {
    /// Every type.
    pub const ALL: [Self; 8] = [
        Self::Browser,
        Self::Device,
        Self::ClientSecret,
        Self::Certificate,
        Self::Environment,
        Self::WorkloadIdentity,
        Self::ManagedIdentity,
        Self::AzureCli,
    ];

    /// The name that options use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Device => "device",
            Self::ClientSecret => "client-secret",
            Self::Certificate => "certificate",
            Self::Environment => "environment",
            Self::WorkloadIdentity => "workload-identity",
            Self::ManagedIdentity => "managed-identity",
            Self::AzureCli => "cli",
        }
    }

    /// Other names that mean the same type.
    pub fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::Browser => &["interactive", "interactive-browser"],
            Self::Device => &["device-code"],
            Self::ClientSecret => &["secret"],
            Self::Certificate => &["cert"],
            Self::Environment => &["env"],
            Self::WorkloadIdentity => &["workload", "assertion"],
            Self::ManagedIdentity => &["msi"],
            Self::AzureCli => &["azure-cli", "az"],
        }
    }

    /// Whether a user signs in, which may need a person at the keyboard.
    pub fn is_delegated(self) -> bool {
        matches!(self, Self::Browser | Self::Device)
    }
}

impl fmt::Display for AuthType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What [`AuthType`] may be, for hints.
pub(crate) const AUTH_TYPES: &str = "it is browser (or interactive), device, client-secret, \
                                     certificate, environment, workload-identity, \
                                     managed-identity (or msi) or cli";

impl FromStr for AuthType {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let folded = |text: &str| crate::key::folded(text).replace(['-', ' '], "");
        let wanted = folded(text);
        let found = Self::ALL.into_iter().find(|kind| {
            std::iter::once(&kind.name())
                .chain(kind.aliases())
                .any(|known| folded(known) == wanted)
        });
        found.ok_or_else(|| {
            // MSTICPy has two more, which need programs of their own.
            let what = match wanted.as_str() {
                "vscode" | "visualstudiocode" => "the sign-in of Visual Studio Code cannot be used",
                "powershell" | "azurepowershell" => {
                    "the sign-in of Azure PowerShell cannot be used"
                }
                _ => "the sign-in type is not known",
            };
            Error::new(ErrorKind::Config, what).with_hint(AUTH_TYPES)
        })
    }
}

/// Who signs in, and with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// The application, with its secret.
    ClientSecret,
    /// The application, with its certificate.
    Certificate,
    /// A user.
    Delegated,
    /// A token that was obtained elsewhere.
    ExistingToken,
    /// The application, with an assertion from a file.
    WorkloadIdentity,
    /// What the `AZURE_` variables say.
    Environment,
    /// The identity of the machine.
    ManagedIdentity,
    /// Whoever is signed in to the Azure CLI.
    AzureCli,
}

/// The keys that say how to sign in; another method's are forgotten when a call has its own.
pub(crate) const METHOD_KEYS: [Key; 9] = [
    Key::ClientSecret,
    Key::Certificate,
    Key::PrivateKey,
    Key::PrivateKeySecret,
    Key::Username,
    Key::DelegatedAuth,
    Key::AuthType,
    Key::AccessToken,
    Key::AssertionFile,
];

impl Method {
    /// The keys that this method reads.
    pub(crate) fn keys(self) -> &'static [Key] {
        match self {
            Self::ClientSecret => &[Key::ClientSecret],
            Self::Certificate => &[Key::Certificate, Key::PrivateKey, Key::PrivateKeySecret],
            Self::Delegated => &[Key::Username, Key::DelegatedAuth, Key::AuthType],
            Self::ExistingToken => &[Key::AccessToken],
            Self::WorkloadIdentity => &[Key::AssertionFile],
            Self::Environment | Self::ManagedIdentity | Self::AzureCli => &[],
        }
    }

    /// Whether tenant and application have to be named; the others know their own.
    pub(crate) fn needs_identity(self) -> bool {
        matches!(
            self,
            Self::ClientSecret | Self::Certificate | Self::Delegated
        )
    }

    /// The method that an explicit type names; a user's type names none by itself.
    pub(crate) fn of(kind: AuthType) -> Option<Self> {
        match kind {
            AuthType::Browser | AuthType::Device => None,
            AuthType::ClientSecret => Some(Self::ClientSecret),
            AuthType::Certificate => Some(Self::Certificate),
            AuthType::Environment => Some(Self::Environment),
            AuthType::WorkloadIdentity => Some(Self::WorkloadIdentity),
            AuthType::ManagedIdentity => Some(Self::ManagedIdentity),
            AuthType::AzureCli => Some(Self::AzureCli),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_msticpys_methods_is_read_or_refused_by_name() {
        for (names, kind) in [
            ("interactive interactive_browser browser", AuthType::Browser),
            (
                "devicecode device_code device Device-Code",
                AuthType::Device,
            ),
            ("clientsecret client_secret", AuthType::ClientSecret),
            ("certificate cert", AuthType::Certificate),
            ("env environment ENV", AuthType::Environment),
            (
                "msi managedidentity managed_identity",
                AuthType::ManagedIdentity,
            ),
            ("cli azure_cli az", AuthType::AzureCli),
            ("workload_identity", AuthType::WorkloadIdentity),
        ] {
            for name in names.split(' ') {
                assert_eq!(name.parse::<AuthType>().unwrap(), kind, "{name}");
            }
        }
        for (name, what) in [
            ("vscode", "Visual Studio Code"),
            ("powershell", "PowerShell"),
        ] {
            let error = name.parse::<AuthType>().unwrap_err();
            assert!(error.to_string().contains(what), "{error}");
        }
        assert!("".parse::<AuthType>().is_err());
    }

    #[test]
    fn the_hint_names_every_type() {
        for kind in AuthType::ALL {
            assert!(AUTH_TYPES.contains(kind.name()), "{kind}");
        }
    }
}
