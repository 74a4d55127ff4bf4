//! The hosts that are emulated, what each serves, and whose tokens it takes.

use std::fmt;

use serde::Deserialize;

/// An API that tokens are made out to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Api {
    /// Microsoft Graph.
    Graph,
    /// Microsoft Defender for Endpoint, `WindowsDefenderATP` among the resources.
    Mde,
    /// Microsoft 365 Defender, "Microsoft Threat Protection" among the resources.
    M365d,
}

impl Api {
    pub(crate) const ALL: [Self; 3] = [Self::Graph, Self::Mde, Self::M365d];

    /// The resource's application identifier, which may stand in a scope instead of its address.
    pub(crate) fn application_id(self) -> &'static str {
        match self {
            Self::Graph => "00000003-0000-0000-c000-000000000000",
            Self::Mde => "fc780465-2017-40d4-a0c5-307022471b92",
            Self::M365d => "8ee8fdad-f234-4243-8f3b-15c294843740",
        }
    }
}

/// A national cloud, as far as authorities are concerned.
///
/// GCC signs in at the global authority; GCC High and `DoD` share the US government's.
///
/// Source: <https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud>
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cloud {
    /// `login.microsoftonline.com`.
    Global,
    /// `login.microsoftonline.us`.
    #[serde(alias = "us-government", alias = "gcc-high", alias = "dod")]
    UsGovernment,
    /// `login.partner.microsoftonline.cn`.
    China,
}

impl Cloud {
    pub(crate) const ALL: [Self; 3] = [Self::Global, Self::UsGovernment, Self::China];

    /// The authority's host.
    pub(crate) fn login(self) -> &'static str {
        match self {
            Self::Global => "login.microsoftonline.com",
            Self::UsGovernment => "login.microsoftonline.us",
            Self::China => "login.partner.microsoftonline.cn",
        }
    }

    /// The Graph that belongs to the authority (GCC High's, where there are two).
    pub(crate) fn graph(self) -> &'static str {
        match self {
            Self::Global => "graph.microsoft.com",
            Self::UsGovernment => "graph.microsoft.us",
            Self::China => "microsoftgraph.chinacloudapi.cn",
        }
    }

    /// Who a version 1 token says it was issued by, without the tenant.
    pub(crate) fn issuer(self) -> &'static str {
        match self {
            Self::Global | Self::UsGovernment => "https://sts.windows.net",
            Self::China => "https://sts.chinacloudapi.cn",
        }
    }

    /// How the settings of MSTICPy name the cloud.
    pub(crate) fn setting(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::UsGovernment => "gcc-high",
            Self::China => "china",
        }
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Global => "Microsoft Azure",
            Self::UsGovernment => "Microsoft Azure US Government",
            Self::China => "Microsoft Azure operated by 21Vianet",
        })
    }
}

/// What a host serves that is neither an authority nor an API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Services {
    None,
    /// The page where user codes are entered.
    DeviceLogin,
    /// The metadata of a virtual machine, without TLS.
    Metadata,
}

/// One emulated host.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) name: &'static str,
    pub(crate) cloud: Cloud,
    /// Whether the host is an authority of Entra ID.
    pub(crate) login: bool,
    /// What else is served there.
    pub(crate) services: Services,
    /// The APIs behind the host.
    pub(crate) apis: &'static [Api],
    /// The API whose tokens may be asked for under this host's name.
    pub(crate) resource: Option<Api>,
    /// Further audiences that the host takes, without `https://`.
    pub(crate) audiences: &'static [(Api, &'static str)],
}

impl Host {
    /// The row for `name`, in any case; the one of all vaults for a host below it.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        HOSTS
            .iter()
            .find(|host| host.name.eq_ignore_ascii_case(name))
            .or_else(|| VAULTS.iter().find(|host| host.vault(name).is_some()))
            .or_else(|| REGIONAL.iter().find(|host| host.is_region(name)))
    }

    /// Whether `name` is that of a region below this row's.
    fn is_region(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let region = name
            .strip_suffix(self.name)
            .and_then(|rest| rest.strip_suffix('.'));
        region.is_some_and(|region| {
            (3..=30).contains(&region.len())
                && region.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
    }

    /// The host that `name` stands for: one row stands for all vaults of a cloud, and for all
    /// regions of an authority.
    pub(crate) fn full_name(&self, name: &str) -> String {
        let below = self.vault(name).is_some()
            || REGIONAL
                .iter()
                .any(|host| host.name == self.name && host.is_region(name));
        if below {
            name.to_ascii_lowercase()
        } else {
            self.name.to_owned()
        }
    }

    /// Whether `api` has hunting and lists there: 21Vianet's Graph has neither.
    pub(crate) fn has_defender(&self, api: Api) -> bool {
        self.apis.contains(&api) && !(api == Api::Graph && self.cloud == Cloud::China)
    }

    /// Whether the row is that of a cloud's vaults.
    pub(crate) fn has_vaults(&self) -> bool {
        VAULTS.iter().any(|host| host.name == self.name)
    }

    /// What `name` has before this row's, in lower case: a vault's name.
    pub(crate) fn vault(&self, name: &str) -> Option<String> {
        let name = name.to_ascii_lowercase();
        let vault = name.strip_suffix(self.name)?.strip_suffix('.')?;
        (self.has_vaults() && is_vault_name(vault)).then(|| vault.to_owned())
    }

    /// Whether a token for `audience` opens `api` at this host.
    pub(crate) fn takes(&self, api: Api, audience: &str) -> bool {
        let audience = audience.trim_end_matches('/');
        if audience.eq_ignore_ascii_case(api.application_id()) {
            return true;
        }
        let Some(name) = audience.strip_prefix("https://") else {
            return false;
        };
        (self.resource == Some(api) && name.eq_ignore_ascii_case(self.name))
            || self
                .audiences
                .iter()
                .any(|(of, other)| *of == api && name.eq_ignore_ascii_case(other))
    }
}

/// Whether a vault may be called so.
///
/// Source: <https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates>
pub(crate) fn is_vault_name(name: &str) -> bool {
    (3..=24).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The cloud whose vaults a resource in a scope stands for; `Some(None)` is Key Vault's own
/// identifier, which stands for it in every cloud.
#[expect(
    clippy::option_option,
    reason = "whether it is Key Vault at all, and of which cloud, are two questions"
)]
pub(crate) fn vault_resource(name: &str) -> Option<Option<Cloud>> {
    let name = name.trim_end_matches('/');
    if name.eq_ignore_ascii_case(VAULT_APPLICATION) {
        return Some(None);
    }
    let name = name.strip_prefix("https://")?;
    VAULTS
        .iter()
        .find(|host| host.name.eq_ignore_ascii_case(name))
        .map(|host| Some(host.cloud))
}

/// The application identifier of Azure Key Vault.
pub(crate) const VAULT_APPLICATION: &str = "cfa8b339-82a2-471a-a3c9-0fa0be7a4093";

/// The API and cloud that a resource in a scope stands for; an application identifier stands
/// for its API in every cloud.
pub(crate) fn resource(name: &str) -> Option<(Api, Option<Cloud>)> {
    let name = name.trim_end_matches('/');
    if let Some(api) = Api::ALL
        .into_iter()
        .find(|api| name.eq_ignore_ascii_case(api.application_id()))
    {
        return Some((api, None));
    }
    let name = name.strip_prefix("https://")?;
    let own = HOSTS.iter().find_map(|host| {
        let api = host.resource?;
        host.name
            .eq_ignore_ascii_case(name)
            .then_some((api, Some(host.cloud)))
    });
    own.or_else(|| {
        HOSTS.iter().find_map(|host| {
            host.audiences
                .iter()
                .find(|(_, audience)| audience.eq_ignore_ascii_case(name))
                .map(|(api, _)| (*api, Some(host.cloud)))
        })
    })
}

/// The address where a virtual machine finds its metadata; the one that has no HTTPS.
pub(crate) const METADATA: &Host = &Host {
    services: Services::Metadata,
    login: false,
    ..login("169.254.169.254", Cloud::Global)
};

/// What every host of Defender for Endpoint in the global cloud takes: the audience is not the host.
const ENDPOINT: &[(Api, &str)] = &[
    (Api::Mde, "api.securitycenter.microsoft.com"),
    (Api::Mde, "securitycenter.onmicrosoft.com/windowsatpservice"),
];

/// What every host of Microsoft 365 Defender in the global cloud takes.
const XDR: &[(Api, &str)] = &[(Api::M365d, "api.security.microsoft.com")];

/// What a region of the shared host takes.
const SHARED: &[(Api, &str)] = &[
    (Api::Mde, "api.securitycenter.microsoft.com"),
    (Api::Mde, "securitycenter.onmicrosoft.com/windowsatpservice"),
    (Api::M365d, "api.security.microsoft.com"),
];

const fn login(name: &'static str, cloud: Cloud) -> Host {
    Host {
        name,
        cloud,
        login: true,
        services: Services::None,
        apis: &[],
        resource: None,
        audiences: &[],
    }
}

const fn graph(name: &'static str, cloud: Cloud) -> Host {
    Host {
        name,
        cloud,
        login: false,
        services: Services::None,
        apis: &[Api::Graph],
        resource: Some(Api::Graph),
        audiences: &[],
    }
}

const fn endpoint(name: &'static str) -> Host {
    Host {
        name,
        cloud: Cloud::Global,
        login: false,
        services: Services::None,
        apis: &[Api::Mde],
        resource: Some(Api::Mde),
        audiences: ENDPOINT,
    }
}

/// A region of the host that two APIs share. The page lists them for Defender for Endpoint; that
/// Microsoft 365 Defender answers there as it does at the shared host is an inference.
const fn regional(name: &'static str) -> Host {
    Host {
        apis: &[Api::Mde, Api::M365d],
        audiences: SHARED,
        ..endpoint(name)
    }
}

const fn xdr(name: &'static str) -> Host {
    Host {
        name,
        cloud: Cloud::Global,
        login: false,
        services: Services::None,
        apis: &[Api::M365d],
        resource: Some(Api::M365d),
        audiences: XDR,
    }
}

/// A government host, which takes tokens for itself only.
const fn government(name: &'static str, cloud: Cloud, api: Api) -> Host {
    Host {
        name,
        cloud,
        login: false,
        services: Services::None,
        apis: match api {
            Api::Graph => &[Api::Graph],
            Api::Mde => &[Api::Mde],
            Api::M365d => &[Api::M365d],
        },
        resource: Some(api),
        audiences: &[],
    }
}

/// What the authorities of single regions are below, which MSAL asks for tokens of applications
/// when it is told its `azure_region`.
///
/// Source: <https://learn.microsoft.com/entra/msal/dotnet/advanced/client-credential-multi-tenant>
pub(crate) const REGIONAL: &[Host] = &[
    login("login.microsoft.com", Cloud::Global),
    login("r.login.microsoftonline.com", Cloud::Global),
    login("login.microsoftonline.us", Cloud::UsGovernment),
    login("login.partner.microsoftonline.cn", Cloud::China),
];

/// What the vaults of each cloud are below.
///
/// Source: <https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates>
pub(crate) const VAULTS: &[Host] = &[
    vaults("vault.azure.net", Cloud::Global),
    vaults("vault.usgovcloudapi.net", Cloud::UsGovernment),
    vaults("vault.azure.cn", Cloud::China),
];

const fn vaults(name: &'static str, cloud: Cloud) -> Host {
    Host {
        login: false,
        ..login(name, cloud)
    }
}

/// Every host that the proxy ends a connection for, besides the [`VAULTS`].
///
/// Sources: <https://learn.microsoft.com/defender-endpoint/api/exposed-apis-list>,
/// <https://learn.microsoft.com/defender-endpoint/gov>,
/// <https://learn.microsoft.com/defender-xdr/usgov>,
/// <https://learn.microsoft.com/graph/deployments>,
/// <https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud>
pub(crate) const HOSTS: &[Host] = &[
    login("login.microsoftonline.com", Cloud::Global),
    Host {
        services: Services::DeviceLogin,
        login: false,
        ..login("microsoft.com", Cloud::Global)
    },
    Host {
        services: Services::DeviceLogin,
        login: false,
        ..login("www.microsoft.com", Cloud::Global)
    },
    login("login.windows.net", Cloud::Global),
    login("login.microsoft.com", Cloud::Global),
    login("sts.windows.net", Cloud::Global),
    login("login.microsoftonline.us", Cloud::UsGovernment),
    login("login.usgovcloudapi.net", Cloud::UsGovernment),
    login("login.partner.microsoftonline.cn", Cloud::China),
    login("login.chinacloudapi.cn", Cloud::China),
    graph("graph.microsoft.com", Cloud::Global),
    graph("graph.microsoft.us", Cloud::UsGovernment),
    graph("dod-graph.microsoft.us", Cloud::UsGovernment),
    graph("microsoftgraph.chinacloudapi.cn", Cloud::China),
    // The one host of two APIs; its own name is the audience of Microsoft 365 Defender.
    Host {
        name: "api.security.microsoft.com",
        cloud: Cloud::Global,
        login: false,
        services: Services::None,
        apis: &[Api::Mde, Api::M365d],
        resource: Some(Api::M365d),
        audiences: ENDPOINT,
    },
    regional("us.api.security.microsoft.com"),
    regional("eu.api.security.microsoft.com"),
    regional("uk.api.security.microsoft.com"),
    regional("au.api.security.microsoft.com"),
    regional("swa.api.security.microsoft.com"),
    regional("ina.api.security.microsoft.com"),
    regional("aea.api.security.microsoft.com"),
    endpoint("api.securitycenter.microsoft.com"),
    endpoint("api.securitycenter.windows.com"),
    endpoint("api-us.securitycenter.microsoft.com"),
    endpoint("api-eu.securitycenter.microsoft.com"),
    endpoint("api-uk.securitycenter.microsoft.com"),
    endpoint("api-au.securitycenter.microsoft.com"),
    government(
        "api-gcc.securitycenter.microsoft.us",
        Cloud::Global,
        Api::Mde,
    ),
    government(
        "api-gov.securitycenter.microsoft.us",
        Cloud::UsGovernment,
        Api::Mde,
    ),
    xdr("api-us.security.microsoft.com"),
    xdr("api-eu.security.microsoft.com"),
    xdr("api-uk.security.microsoft.com"),
    xdr("api-au.security.microsoft.com"),
    government("api-gcc.security.microsoft.us", Cloud::Global, Api::M365d),
    government(
        "api-gov.security.microsoft.us",
        Cloud::UsGovernment,
        Api::M365d,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// As the service principals `Microsoft Graph`, `WindowsDefenderATP` and `Microsoft Threat
    /// Protection` have them in every tenant.
    #[test]
    fn resources_have_the_application_ids_of_microsofts_own() {
        for (api, id) in [
            (Api::Graph, "00000003-0000-0000-c000-000000000000"),
            (Api::Mde, "fc780465-2017-40d4-a0c5-307022471b92"),
            (Api::M365d, "8ee8fdad-f234-4243-8f3b-15c294843740"),
        ] {
            assert_eq!(api.application_id(), id);
            assert_eq!(resource(id).map(|(api, _)| api), Some(api));
        }
    }

    #[test]
    fn a_regional_host_takes_the_global_audience_and_its_own_but_not_its_neighbours() {
        let host = Host::named("EU.api.security.microsoft.com").unwrap();
        assert!(host.takes(Api::Mde, "https://api.securitycenter.microsoft.com"));
        assert!(host.takes(Api::Mde, "https://eu.api.security.microsoft.com/"));
        assert!(!host.takes(Api::Mde, "https://us.api.security.microsoft.com"));
        assert!(!host.takes(Api::Mde, "https://graph.microsoft.com"));
    }

    #[test]
    fn the_shared_host_tells_its_two_audiences_apart() {
        let host = Host::named("api.security.microsoft.com").unwrap();
        assert!(host.takes(Api::M365d, "https://api.security.microsoft.com"));
        assert!(!host.takes(Api::Mde, "https://api.security.microsoft.com"));
        assert!(host.takes(Api::Mde, "https://api.securitycenter.microsoft.com"));
        assert!(!host.takes(Api::M365d, "https://api.securitycenter.microsoft.com"));
    }

    #[test]
    fn government_hosts_do_not_take_global_audiences() {
        let host = Host::named("api-gov.securitycenter.microsoft.us").unwrap();
        assert!(!host.takes(Api::Mde, "https://api.securitycenter.microsoft.com"));
        assert!(host.takes(Api::Mde, "https://api-gov.securitycenter.microsoft.us"));
    }

    #[test]
    fn resources_know_their_api_and_cloud() {
        assert_eq!(
            resource("https://graph.microsoft.us/"),
            Some((Api::Graph, Some(Cloud::UsGovernment)))
        );
        assert_eq!(
            resource("https://securitycenter.onmicrosoft.com/windowsatpservice"),
            Some((Api::Mde, Some(Cloud::Global)))
        );
        assert_eq!(
            resource("https://api.security.microsoft.com"),
            Some((Api::M365d, Some(Cloud::Global)))
        );
        assert_eq!(
            resource("00000003-0000-0000-c000-000000000000"),
            Some((Api::Graph, None))
        );
        assert_eq!(resource("https://foo.microsoft.com"), None);
        assert_eq!(resource("http://graph.microsoft.com"), None);
    }

    #[test]
    fn a_vault_is_one_label_below_its_clouds_suffix() {
        let host = Host::named("Contoso-1.Vault.azure.net").unwrap();
        assert_eq!(host.cloud, Cloud::Global);
        assert_eq!(
            host.vault("Contoso-1.Vault.azure.net").as_deref(),
            Some("contoso-1")
        );
        assert_eq!(
            Host::named("contoso.vault.usgovcloudapi.net")
                .unwrap()
                .cloud,
            Cloud::UsGovernment
        );
        for name in [
            "vault.azure.net",
            ".vault.azure.net",
            "ab.vault.azure.net",
            "a.contoso.vault.azure.net",
            "contosovault.azure.net",
            "contoso.vault.azure.net.evil.example",
        ] {
            assert!(Host::named(name).is_none(), "{name}");
        }
    }

    #[test]
    fn key_vault_is_a_resource_of_its_own() {
        assert_eq!(
            vault_resource("https://vault.azure.net/"),
            Some(Some(Cloud::Global))
        );
        assert_eq!(vault_resource(VAULT_APPLICATION), Some(None));
        assert_eq!(vault_resource("https://graph.microsoft.com"), None);
        assert_eq!(vault_resource("https://contoso.vault.azure.net"), None);
    }

    #[test]
    fn no_host_is_listed_twice() {
        for (index, host) in HOSTS.iter().enumerate() {
            assert!(
                HOSTS[index + 1..]
                    .iter()
                    .all(|other| other.name != host.name),
                "{} is there twice",
                host.name
            );
        }
    }
}
