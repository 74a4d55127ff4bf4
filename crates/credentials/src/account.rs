//! Who signed in.

use std::fmt;

/// Who signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Account {
    /// The user's name, mostly a UPN such as `ana@contoso.example` (`preferred_username`).
    pub username: String,
    /// The user's object id in the tenant that was signed in to (`oid`).
    pub object_id: Option<String>,
    /// The id of the tenant that was signed in to (`tid`).
    pub tenant_id: Option<String>,
    /// What tells the account from every other, in all tenants: object and tenant where the user
    /// is at home, as `<uid>.<utid>`.
    pub home_id: String,
}

impl Account {
    /// The account `username`, which `home_id` tells from every other.
    pub fn new(username: impl Into<String>, home_id: impl Into<String>) -> Self {
        Self {
            username: username.into(),
            object_id: None,
            tenant_id: None,
            home_id: home_id.into(),
        }
    }

    /// Whether this is the account that a setting calls `username`; case does not count.
    pub fn is_named(&self, username: &str) -> bool {
        self.username.to_lowercase() == username.trim().to_lowercase()
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.username)
    }
}
