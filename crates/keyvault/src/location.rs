//! Where a secret is: the vault's address and the names that may stand in it.

use std::fmt;

use defender_core::{Error, ErrorKind, Result, Scope, WrittenName, is_loopback};
use url::Url;

use crate::host_name::has_host_name;

/// The version of the API that a secret's address is asked with.
const API_VERSION: &str = "7.4";

/// The vaults of one cloud, and which of them is meant when a reference names none.
///
/// ```
/// use defender_core::Scope;
/// use defender_keyvault::Vaults;
///
/// let vaults = Vaults {
///     default_vault: Some("contoso".into()),
///     suffix: "vault.azure.net".into(),
///     scope: Scope::default_of("https://vault.azure.net"),
/// };
/// assert_eq!(vaults.address("fabrikam")?.as_str(), "https://fabrikam.vault.azure.net/");
/// # Ok::<(), defender_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Vaults {
    /// The vault of references that name none: its name, its host or its address.
    pub default_vault: Option<String>,
    /// What follows a vault's name in its host, without the dot.
    pub suffix: String,
    /// What a token is asked for at hosts below [`suffix`](Self::suffix).
    pub scope: Scope,
}

impl Vaults {
    /// The address of the vault that goes by `vault`: its name, its host or its address.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when it is neither a name of 3 to 24 letters, digits and `-`, nor an
    /// address that is `https` or on loopback; and when its host is neither below the suffix nor
    /// made of words, as it may be a secret in the wrong place.
    pub fn address(&self, vault: &str) -> Result<Url> {
        let vault = vault.trim();
        let refuse = || {
            Error::new(
                ErrorKind::Config,
                format!(
                    "{} is not the name or the address of a Key Vault",
                    WrittenName::of_words(vault).quoted_or("what is given")
                ),
            )
            .with_hint(format!(
                "a name has 3 to 24 letters, digits and '-'; an address looks like \
                 https://contoso.{}/",
                self.suffix
            ))
        };
        let text = if vault.contains("://") {
            vault.to_owned()
        } else if vault.contains('.') {
            format!("https://{vault}")
        } else if (3..=24).contains(&vault.len()) && is_plain(vault) {
            format!("https://{vault}.{}", self.suffix)
        } else {
            return Err(refuse());
        };
        let mut address = Url::parse(&text).map_err(|_| refuse())?;
        let safe =
            address.scheme() == "https" || address.scheme() == "http" && is_loopback(&address);
        if !safe
            || !has_host_name(&address)
            || !address.username().is_empty()
            || address.password().is_some()
        {
            return Err(refuse());
        }
        // A host is looked up and logged by layers that know nothing of secrets.
        let is_vault = address
            .host_str()
            .is_some_and(|host| is_below(host, &self.suffix));
        if !is_vault && !is_loopback(&address) && WrittenName::of_words(vault).shown().is_none() {
            return Err(refuse());
        }
        address.set_query(None);
        address.set_fragment(None);
        Ok(address)
    }

    /// The secret that a reference means.
    pub(crate) fn location(
        &self,
        vault: Option<&WrittenName>,
        name: &WrittenName,
        version: Option<&WrittenName>,
        setting: &str,
    ) -> Result<Location> {
        let default = || {
            let vault = self.default_vault.as_deref();
            vault.map(WrittenName::of_words)
        };
        let Some(vault) = vault.cloned().or_else(default) else {
            return Err(Error::new(
                ErrorKind::Config,
                format!("{setting} names the secret {name} and no Key Vault"),
            )
            .with_hint("set KeyVault.VaultName, or write {KeyVault: vault/name}"));
        };
        let vault = self
            .address(vault.get())
            .map_err(|error| error.reworded(|text| format!("{text}, for {setting}")))
            .map(|address| Host {
                address,
                is_shown: vault.shown().is_some(),
            })?;
        if name.get().len() > 127 || !is_plain(name.get()) {
            return Err(Error::new(
                ErrorKind::Config,
                format!(
                    "{}, for {setting}, cannot be the name of a secret",
                    name.quoted_or("what is given")
                ),
            )
            .with_hint("a secret's name has 1 to 127 letters, digits and '-'"));
        }
        let version = version.filter(|version| !version.get().is_empty());
        if version.is_some_and(|version| version.get().len() > 64 || !is_plain(version.get())) {
            return Err(Error::new(
                ErrorKind::Config,
                format!("what {setting} names has a version that no secret can have"),
            )
            .with_hint("a version is 32 letters and digits; without one the current is taken"));
        }
        Ok(Location {
            vault,
            name: name.clone(),
            version: version.cloned(),
        })
    }

    /// Whether the vault's host is one that [`scope`](Self::scope) is for.
    pub(crate) fn hold(&self, location: &Location) -> bool {
        is_below(location.host(), &self.suffix)
    }
}

/// Whether `host` is below `domain`, not `domain` itself.
pub(crate) fn is_below(host: &str, domain: &str) -> bool {
    !domain.is_empty()
        && host.len() > domain.len() + 1
        && host
            .get(host.len() - domain.len()..)
            .is_some_and(|end| end.eq_ignore_ascii_case(domain))
        && host.as_bytes().get(host.len() - domain.len() - 1) == Some(&b'.')
}

/// Letters, digits and `-`, at least one.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// One secret in one vault.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Location {
    vault: Host,
    name: WrittenName,
    version: Option<WrittenName>,
}

/// The address of a vault; messages show its host when its name is plainly one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Host {
    address: Url,
    is_shown: bool,
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address.host_str() {
            Some(host) if self.is_shown => f.write_str(host),
            _ => f.write_str("(not shown)"),
        }
    }
}

impl Location {
    /// The host, to compare others with.
    pub(crate) fn host(&self) -> &str {
        self.vault.address.host_str().unwrap_or_default()
    }

    /// The host, for messages.
    pub(crate) fn shown_host(&self) -> String {
        self.vault.to_string()
    }

    /// The vault's address.
    pub(crate) fn vault(&self) -> &Url {
        &self.vault.address
    }

    /// The address that is asked.
    ///
    /// Source: <https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret>
    pub(crate) fn url(&self) -> Url {
        let mut url = self.vault.address.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty()
                .extend(["secrets", self.name.get()])
                .extend(self.version.as_ref().map(WrittenName::get));
        }
        url.query_pairs_mut()
            .append_pair("api-version", API_VERSION);
        url
    }

    /// The same for every spelling: Key Vault's names have no case.
    pub(crate) fn key(&self) -> String {
        self.url().as_str().to_ascii_lowercase()
    }
}

/// `the secret NAME in the Key Vault HOST`, for messages.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the secret {}", self.name)?;
        if let Some(version) = self.version.as_ref().and_then(WrittenName::shown) {
            write!(f, " (version {version})")?;
        }
        write!(f, " in the Key Vault {}", self.vault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vaults() -> Vaults {
        Vaults {
            default_vault: Some("contoso".into()),
            suffix: "vault.azure.net".into(),
            scope: Scope::default_of("https://vault.azure.net"),
        }
    }

    fn url(vault: Option<&str>, name: &str, version: Option<&str>) -> Result<String> {
        let written = |text: &str| WrittenName::of_words(text);
        let location = vaults().location(
            vault.map(written).as_ref(),
            &written(name),
            version.map(written).as_ref(),
            "A.B",
        )?;
        Ok(location.url().to_string())
    }

    #[test]
    fn a_vault_is_a_name_a_host_or_an_address() {
        for vault in [
            None,
            Some("contoso"),
            Some(" contoso "),
            Some("contoso.vault.azure.net"),
            Some("https://contoso.vault.azure.net"),
            Some("https://contoso.vault.azure.net/?x=1#y"),
        ] {
            assert_eq!(
                url(vault, "Some-Name-1", None).unwrap(),
                "https://contoso.vault.azure.net/secrets/Some-Name-1?api-version=7.4",
                "{vault:?}"
            );
        }
        assert_eq!(
            url(
                Some("http://127.0.0.1:8200/vaults/contoso/"),
                "n",
                Some("0a")
            )
            .unwrap(),
            "http://127.0.0.1:8200/vaults/contoso/secrets/n/0a?api-version=7.4"
        );
    }

    #[test]
    fn what_is_no_vault_is_refused() {
        for vault in [
            "",
            "ab",
            "a-name-of-twenty-five-let",
            "under_score",
            "under_score.vault.azure.net",
            "x/y",
            "http://contoso.vault.azure.net",
            "ftp://127.0.0.1",
            "https://user:canary@contoso.vault.azure.net",
            "https://",
            "a b.vault.azure.net",
            "q8.._x2/y",
            "cAnArY7f3k9q2x.",
            "Zq8x7Kp2Wn5Rt9Lm.net",
            "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln",
        ] {
            let error = url(Some(vault), "n", None).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{vault}");
            assert!(error.to_string().ends_with("for A.B"), "{error}");
        }
    }

    #[test]
    fn names_and_versions_cannot_change_the_path() {
        let long = "n".repeat(128);
        for name in ["", "a/b", "..", "a b", "a_b", "%2e", "ä", &long] {
            assert!(url(None, name, None).is_err(), "{name}");
        }
        assert!(url(None, &long[..127], None).is_ok());
        for version in ["a/b", "..", "v?x=1"] {
            assert!(url(None, "n", Some(version)).is_err(), "{version}");
        }
        assert!(url(None, "n", Some("")).unwrap().contains("/n?"));
    }

    #[test]
    fn without_a_vault_both_ways_out_are_named() {
        let vaults = Vaults {
            default_vault: None,
            ..vaults()
        };
        let error = vaults
            .location(None, &WrittenName::of_words("n"), None, "A.B")
            .unwrap_err();
        assert_eq!(error.to_string(), "A.B names the secret n and no Key Vault");
        assert!(error.hint().unwrap().contains("KeyVault.VaultName"));
    }

    #[test]
    fn a_host_is_below_a_domain_at_a_dot_only() {
        assert!(is_below("contoso.vault.azure.net", "vault.azure.net"));
        assert!(is_below("contoso.VAULT.azure.net", "vault.azure.net"));
        for host in [
            "vault.azure.net",
            "evilvault.azure.net",
            ".vault.azure.net",
            "net",
            "",
        ] {
            assert!(!is_below(host, "vault.azure.net"), "{host}");
        }
        assert!(!is_below("contoso.vault.azure.net", ""));
    }

    #[test]
    fn spellings_of_one_secret_are_one_key() {
        let key = |vault, name| {
            vaults()
                .location(
                    Some(&WrittenName::of_words(vault)),
                    &WrittenName::of_words(name),
                    None,
                    "A.B",
                )
                .unwrap()
                .key()
        };
        assert_eq!(
            key("CONTOSO", "N"),
            key("https://contoso.vault.azure.net", "n")
        );
        assert_ne!(key("contoso", "n"), key("fabrikam", "n"));
    }
}
