//! What a caller wants to do in a vault, and who may.
//!
//! Sources: <https://learn.microsoft.com/azure/key-vault/general/rbac-guide>,
//! <https://learn.microsoft.com/rest/api/keyvault/secrets/operation-groups>,
//! <https://learn.microsoft.com/rest/api/keyvault/certificates/operation-groups>

use http::Method;

use super::item::{Collection, Item};
use crate::options::Vault;

/// An operation, each with a permission of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Get,
    List,
    Set,
    Update,
    Delete,
    Recover,
    Purge,
}

impl Operation {
    /// What `method` does to `item`, if it is one of the item's methods.
    pub(super) fn of(item: &Item, method: &Method) -> Option<Self> {
        let allowed = item.methods().contains(method);
        let operation = match item {
            Item::List { .. } | Item::Deleted { name: None, .. } => Self::List,
            Item::Recover { .. } => Self::Recover,
            Item::Deleted { .. } if *method == Method::DELETE => Self::Purge,
            Item::Nothing => return None,
            _ => match *method {
                Method::PUT => Self::Set,
                Method::PATCH => Self::Update,
                Method::DELETE => Self::Delete,
                _ => Self::Get,
            },
        };
        allowed.then_some(operation)
    }

    /// Who may.
    pub(super) fn permitted(self, vault: &Vault) -> &[String] {
        match self {
            Self::Get => &vault.readers,
            Self::List => &vault.listers,
            _ => &vault.writers,
        }
    }

    /// What access policies call it.
    pub(super) fn policy(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Set => "set",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Recover => "recover",
            Self::Purge => "purge",
        }
    }

    /// The action that a role needs, below `Microsoft.KeyVault/vaults`.
    pub(super) fn action(self, collection: Collection) -> String {
        let action = match (collection, self) {
            (Collection::Secrets, Self::Get) => "getSecret/action",
            (Collection::Secrets, Self::List) => "readMetadata/action",
            (Collection::Secrets, Self::Set) => "setSecret/action",
            (_, Self::Get | Self::List) => "read",
            (_, Self::Set) => "create/action",
            (_, Self::Update) => "update/action",
            (_, Self::Delete) => "delete",
            (_, Self::Recover) => "recover/action",
            (_, Self::Purge) => "purge/action",
        };
        format!("{}/{action}", collection.name())
    }
}
