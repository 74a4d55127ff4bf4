//! Azure Key Vault in each cloud: the suffix of its hosts and the audience of its tokens.

use defender_core::{Error, ErrorKind, Result, Scope, WrittenName, has_host_name, is_loopback};
use url::Url;

use crate::Cloud;
use crate::root::check_root;
use crate::table::url;

/// Azure Key Vault as one cloud has it.
///
/// Source: <https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyVault {
    /// What follows the vault's name in its host, without the dot.
    pub suffix: &'static str,
    /// The resource that a token is asked for, without a closing slash.
    pub audience: &'static str,
}

const PUBLIC: KeyVault = KeyVault {
    suffix: "vault.azure.net",
    audience: "https://vault.azure.net",
};
const GOVERNMENT: KeyVault = KeyVault {
    suffix: "vault.usgovcloudapi.net",
    audience: "https://vault.usgovcloudapi.net",
};
const CHINA: KeyVault = KeyVault {
    suffix: "vault.azure.cn",
    audience: "https://vault.azure.cn",
};

impl Cloud {
    /// Azure Key Vault in this cloud.
    pub fn key_vault(self) -> KeyVault {
        match self {
            Self::GccHigh | Self::Dod => GOVERNMENT,
            Self::China => CHINA,
            _ => PUBLIC,
        }
    }
}

impl KeyVault {
    /// The scope that a token is asked for.
    pub fn scope(&self) -> Scope {
        Scope::default_of(self.audience)
    }

    /// The address of the vault that goes by `vault`: its name, its host or its address.
    ///
    /// ```
    /// # use defender_cloud::Cloud;
    /// let vaults = Cloud::Global.key_vault();
    /// assert_eq!(vaults.vault("contoso")?.as_str(), "https://contoso.vault.azure.net/");
    /// assert_eq!(vaults.vault("http://127.0.0.1:8200")?.as_str(), "http://127.0.0.1:8200/");
    /// # Ok::<(), defender_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when it is neither a name of 3 to 24 letters, digits and `-`, nor an
    /// address that is `https` or on loopback, or when it is a vault of another cloud.
    pub fn vault(&self, vault: &str) -> Result<Url> {
        let vault = vault.trim().trim_end_matches('/');
        if is_name(vault) {
            return Ok(url(&format!("https://{vault}.{}/", self.suffix)));
        }
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
        } else {
            return Err(refuse());
        };
        let address = Url::parse(&text).map_err(|_| refuse())?;
        if !has_host_name(&address) {
            return Err(refuse());
        }
        check_root("Key Vault address", &address)?;
        let host = address.host_str().unwrap_or_default();
        let within = |suffix: &str| {
            host.strip_suffix(suffix)
                .is_some_and(|front| front.ends_with('.'))
        };
        for other in [PUBLIC, GOVERNMENT, CHINA] {
            if other != *self && within(other.suffix) {
                return Err(Error::new(
                    ErrorKind::Config,
                    format!(
                        "the vault {} is not in this cloud, whose vaults end in {}",
                        WrittenName::of_words(host),
                        self.suffix
                    ),
                )
                .with_hint("set KeyVault.Authority or the cloud to the vault's own"));
            }
        }
        // A host is looked up and logged by layers that know nothing of secrets.
        if !within(self.suffix)
            && !is_loopback(&address)
            && WrittenName::of_words(vault).shown().is_none()
        {
            return Err(refuse());
        }
        Ok(url(&format!("{}/", address.origin().ascii_serialization())))
    }
}

fn is_name(text: &str) -> bool {
    (3..=24).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cloud_has_its_suffix_and_audience() {
        for (cloud, suffix) in [
            (Cloud::Global, "vault.azure.net"),
            (Cloud::Eu, "vault.azure.net"),
            (Cloud::Gcc, "vault.azure.net"),
            (Cloud::GccHigh, "vault.usgovcloudapi.net"),
            (Cloud::Dod, "vault.usgovcloudapi.net"),
            (Cloud::China, "vault.azure.cn"),
        ] {
            let vaults = cloud.key_vault();
            assert_eq!(vaults.suffix, suffix);
            assert_eq!(
                vaults.scope().as_str(),
                format!("https://{suffix}/.default")
            );
        }
    }

    #[test]
    fn a_vault_is_a_name_a_host_or_an_address() {
        let vaults = Cloud::Global.key_vault();
        for text in [
            "contoso",
            "contoso.vault.azure.net",
            "https://contoso.vault.azure.net",
            " https://contoso.vault.azure.net/ ",
        ] {
            assert_eq!(
                vaults.vault(text).unwrap().as_str(),
                "https://contoso.vault.azure.net/"
            );
        }
        for wrong in [
            "",
            "a",
            "under_score",
            "under_score.vault.azure.net",
            "q8..x7.vault.azure.net",
            "Zq8x7Kp2Wn5Rt9Lm.net",
            "http://contoso.vault.azure.net",
            "x/y",
        ] {
            assert_eq!(
                vaults.vault(wrong).unwrap_err().kind(),
                ErrorKind::Config,
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_vault_of_another_cloud_is_refused() {
        let error = Cloud::Global
            .key_vault()
            .vault("contoso.vault.usgovcloudapi.net")
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the vault contoso.vault.usgovcloudapi.net is not in this cloud, whose vaults end in \
             vault.azure.net"
        );
    }
}
