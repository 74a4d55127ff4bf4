//! Whose tokens are kept, and choosing among them.

use std::fmt;

use url::Url;

use crate::{Account, Authority};

/// Whose tokens are kept: authority, tenant, application, and the user if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Owner {
    /// The login host, as an address.
    pub authority: String,
    /// The tenant, as it was asked for.
    pub tenant: String,
    /// The application's id.
    pub client_id: String,
    /// The user; `None` for the application itself.
    pub account: Option<Account>,
}

impl Owner {
    /// The application `client_id` itself at `authority`.
    pub fn application(authority: &Authority, client_id: &str) -> Self {
        Self {
            authority: address(authority.base()),
            tenant: authority.tenant().to_lowercase(),
            client_id: client_id.trim().to_lowercase(),
            account: None,
        }
    }

    /// `account`, signed in by the application `client_id` at `authority`.
    pub fn user(authority: &Authority, client_id: &str, account: Account) -> Self {
        Self {
            account: Some(account),
            ..Self::application(authority, client_id)
        }
    }

    /// Whether both are the same; a user may have got another name since.
    pub fn is_same(&self, other: &Self) -> bool {
        self.is_same_application(other)
            && self.account.as_ref().map(|account| &account.home_id)
                == other.account.as_ref().map(|account| &account.home_id)
    }

    /// Whether both are of the same authority, tenant and application.
    pub fn is_same_application(&self, other: &Self) -> bool {
        self.authority == other.authority
            && self.tenant == other.tenant
            && self.client_id == other.client_id
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (client, tenant) = (&self.client_id, &self.tenant);
        match &self.account {
            Some(account) => write!(f, "{account} (application {client}, tenant {tenant})"),
            None => write!(f, "application {client} (tenant {tenant})"),
        }
    }
}

/// The address without what no login host has.
fn address(base: &Url) -> String {
    let path = base.path().trim_end_matches('/');
    format!("{}{path}", base.origin().ascii_serialization())
}

/// Chooses owners; what is `None` is not looked at, so that the default chooses all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Of this authority (and its tenant, unless `tenant` says another).
    pub authority: Option<Url>,
    /// In this tenant, by the name it was signed in to with, or its id.
    pub tenant: Option<String>,
    /// By this application.
    pub client_id: Option<String>,
    /// This user, by name.
    pub username: Option<String>,
}

impl Selection {
    /// Whether `owner` is chosen. Case does not count.
    pub fn matches(&self, owner: &Owner) -> bool {
        let account = owner.account.as_ref();
        let authority = self.authority.as_ref();
        let tenant = |tenant: &String| {
            let tenant = tenant.trim().to_lowercase();
            let id = account.and_then(|account| account.tenant_id.as_deref());
            owner.tenant == tenant || id.is_some_and(|id| id.to_lowercase() == tenant)
        };
        authority.is_none_or(|url| address(url) == owner.authority)
            && self.tenant.as_ref().is_none_or(tenant)
            && self
                .client_id
                .as_ref()
                .is_none_or(|id| id.trim().to_lowercase() == owner.client_id)
            && self
                .username
                .as_ref()
                .is_none_or(|name| account.is_some_and(|account| account.is_named(name)))
    }
}
