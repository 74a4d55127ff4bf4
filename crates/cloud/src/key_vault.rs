//! Azure Key Vault in each cloud: the suffix of its hosts and the audience of its tokens.

use defender_core::Scope;

use crate::Cloud;

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
}
