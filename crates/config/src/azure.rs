//! The sections `Azure` and `KeyVault`.

use url::Url;

use crate::Finding;
use crate::node::{Kind, Place};

/// What the section `Azure` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AzureSettings {
    /// The cloud, by name.
    pub cloud: Option<String>,
    /// The tenant for Azure's own services.
    pub tenant_id: Option<String>,
    /// The ways to sign in to Azure that are tried, in order; empty means the default ones.
    pub auth_methods: Vec<String>,
    /// Another address of the resource manager; it overrides the cloud.
    pub resource_manager_url: Option<Url>,
}

/// What the section `KeyVault` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyVaultSettings {
    /// The vault of references that name none.
    pub vault_name: Option<String>,
    /// The tenant that the vault trusts.
    pub tenant_id: Option<String>,
    /// The cloud, by name: `Authority`.
    pub cloud: Option<String>,
    /// Another sign-in host: `AuthorityURI`.
    pub authority: Option<Url>,
    /// The way to sign in: `AuthnType`.
    pub auth_type: Option<String>,
    /// Whether secrets may be kept in the system's key ring.
    pub use_keyring: bool,
    /// The subscription, which only creating a vault needs.
    pub subscription_id: Option<String>,
    /// The resource group, which only creating a vault needs.
    pub resource_group: Option<String>,
    /// The region, which only creating a vault needs.
    pub azure_region: Option<String>,
}

impl AzureSettings {
    pub(crate) fn read(root: &Place<'_>, findings: &mut Vec<Finding>) -> Self {
        let Some(section) = section(root, "Azure", findings) else {
            return Self::default();
        };
        let methods = section.find("auth_methods");
        Self {
            cloud: text(&section, "cloud", findings),
            tenant_id: text(&section, "tenant_id", findings),
            auth_methods: methods
                .map(|place| list(&place, findings))
                .unwrap_or_default(),
            resource_manager_url: address(&section, "resource_manager_url", findings),
        }
    }
}

impl KeyVaultSettings {
    pub(crate) fn read(root: &Place<'_>, findings: &mut Vec<Finding>) -> Option<Self> {
        let section = section(root, "KeyVault", findings)?;
        Some(Self {
            vault_name: text(&section, "VaultName", findings),
            tenant_id: text(&section, "TenantId", findings),
            cloud: text(&section, "Authority", findings),
            authority: address(&section, "AuthorityURI", findings),
            auth_type: text(&section, "AuthnType", findings),
            use_keyring: flag(&section, "UseKeyring", findings),
            subscription_id: text(&section, "SubscriptionId", findings),
            resource_group: text(&section, "ResourceGroup", findings),
            azure_region: text(&section, "AzureRegion", findings),
        })
    }
}

/// The section `name`, when it is there and a mapping.
pub(crate) fn section<'a>(
    parent: &Place<'a>,
    name: &str,
    findings: &mut Vec<Finding>,
) -> Option<Place<'a>> {
    let place = parent.find(name)?;
    match place.node.kind {
        Kind::Map(_) => Some(place),
        Kind::Null => None,
        _ => {
            findings.push(crate::placement::not_a_section(
                &place,
                "is not a section of settings",
            ));
            None
        }
    }
}

fn text(section: &Place<'_>, name: &str, findings: &mut Vec<Finding>) -> Option<String> {
    let place = section.find(name)?;
    if matches!(place.node.kind, Kind::List(_) | Kind::Map(_)) {
        findings.push(Finding::error(
            place.path(),
            place.line(),
            "is not plain text",
        ));
    }
    place.text().map(ToOwned::to_owned)
}

/// One text, or a list of them.
pub(crate) fn list(place: &Place<'_>, findings: &mut Vec<Finding>) -> Vec<String> {
    let items = match &place.node.kind {
        Kind::Null => return Vec::new(),
        Kind::Text(_) => return place.text().map(ToOwned::to_owned).into_iter().collect(),
        Kind::List(items) => items,
        Kind::Map(_) => {
            findings.push(Finding::error(place.path(), place.line(), "is not a list"));
            return Vec::new();
        }
    };
    let mut texts = Vec::with_capacity(items.len());
    for item in items {
        match &item.kind {
            Kind::Text(text) if !text.trim().is_empty() => texts.push(text.trim().to_owned()),
            Kind::Text(_) | Kind::Null => {}
            _ => findings.push(Finding::error(
                place.path(),
                item.line,
                "holds something that is not plain text",
            )),
        }
    }
    texts
}

fn address(section: &Place<'_>, name: &str, findings: &mut Vec<Finding>) -> Option<Url> {
    let text = text(section, name, findings)?;
    let place = section.find(name)?;
    // MSTICPy's own files have hosts here without a scheme.
    let text = if text.contains("://") {
        text
    } else {
        format!("https://{text}")
    };
    match Url::parse(&text) {
        Ok(url)
            if url.host().is_some() && url.username().is_empty() && url.password().is_none() =>
        {
            Some(url)
        }
        _ => {
            findings.push(
                Finding::error(place.path(), place.line(), "is not an address")
                    .with_hint("write it as https://host/"),
            );
            None
        }
    }
}

fn flag(section: &Place<'_>, name: &str, findings: &mut Vec<Finding>) -> bool {
    let Some(text) = text(section, name, findings) else {
        return false;
    };
    match text.to_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => true,
        "false" | "no" | "off" | "0" => false,
        _ => {
            if let Some(place) = section.find(name) {
                findings.push(Finding::error(
                    place.path(),
                    place.line(),
                    "is neither true nor false",
                ));
            }
            false
        }
    }
}
