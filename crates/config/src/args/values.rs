//! The values, by type: what a message may show of them is decided by what they are.

use std::path::Path;
use std::time::Duration;

use defender_core::SecretRef;
use url::Url;

use super::{ConnectionArgs, Entry};
use crate::{AssertionAlgorithm, AuthType, ConnectionKey, Given, Setting};

impl ConnectionArgs {
    fn setting(&self, key: ConnectionKey) -> Option<&Setting> {
        Some(&self.entries.get(&key)?.setting)
    }

    fn given<'a, T: ?Sized>(&'a self, key: ConnectionKey, value: &'a T) -> Given<'a, T> {
        let may_quote = |entry: &Entry| entry.may_quote(key);
        let may_quote = self.entries.get(&key).is_some_and(may_quote);
        Given::new(value, key, self.origin(key), may_quote)
    }

    fn text(&self, key: ConnectionKey) -> Option<Given<'_, str>> {
        match self.setting(key)? {
            Setting::Text(text) => Some(self.given(key, text.as_str())),
            _ => None,
        }
    }

    fn path(&self, key: ConnectionKey) -> Option<Given<'_, Path>> {
        match self.setting(key)? {
            Setting::Path(path) => Some(self.given(key, path.as_path())),
            _ => None,
        }
    }

    fn url(&self, key: ConnectionKey) -> Option<Given<'_, Url>> {
        match self.setting(key)? {
            Setting::Url(url) => Some(self.given(key, url)),
            _ => None,
        }
    }

    fn flag(&self, key: ConnectionKey) -> Option<bool> {
        match self.setting(key)? {
            Setting::Flag(flag) => Some(*flag),
            _ => None,
        }
    }

    /// What is to be fetched for `key`: a secret, or the value that settings keep elsewhere.
    pub fn reference(&self, key: ConnectionKey) -> Option<&SecretRef> {
        match self.setting(key)? {
            Setting::Reference(reference) => Some(reference),
            _ => None,
        }
    }

    /// Everything that is to be fetched.
    pub fn references(&self) -> impl Iterator<Item = (ConnectionKey, &SecretRef)> {
        let keys = self.entries.keys();
        keys.filter_map(|key| Some((*key, self.reference(*key)?)))
    }

    /// The tenant: an id or a domain.
    pub fn tenant_id(&self) -> Option<Given<'_, str>> {
        self.text(ConnectionKey::TenantId)
    }

    /// The application's id.
    pub fn client_id(&self) -> Option<Given<'_, str>> {
        self.text(ConnectionKey::ClientId)
    }

    /// The user who signs in.
    pub fn username(&self) -> Option<Given<'_, str>> {
        self.text(ConnectionKey::Username)
    }

    /// The cloud or region, by name.
    pub fn cloud(&self) -> Option<Given<'_, str>> {
        self.text(ConnectionKey::Cloud)
    }

    /// Another API version.
    pub fn api_version(&self) -> Option<Given<'_, str>> {
        self.text(ConnectionKey::ApiVersion)
    }

    /// The file of the application's certificate.
    pub fn certificate(&self) -> Option<Given<'_, Path>> {
        self.path(ConnectionKey::Certificate)
    }

    /// The file of the certificate's private key.
    pub fn private_key(&self) -> Option<Given<'_, Path>> {
        self.path(ConnectionKey::PrivateKey)
    }

    /// The file of the token cache.
    pub fn location(&self) -> Option<Given<'_, Path>> {
        self.path(ConnectionKey::Location)
    }

    /// The file of an assertion that something else keeps fresh.
    pub fn assertion_file(&self) -> Option<Given<'_, Path>> {
        self.path(ConnectionKey::AssertionFile)
    }

    /// Another sign-in host.
    pub fn authority(&self) -> Option<Given<'_, Url>> {
        self.url(ConnectionKey::Authority)
    }

    /// Another API root.
    pub fn api_root(&self) -> Option<Given<'_, Url>> {
        self.url(ConnectionKey::ApiRoot)
    }

    /// Whether a user signs in rather than the application.
    pub fn delegated_auth(&self) -> Option<bool> {
        self.flag(ConnectionKey::DelegatedAuth)
    }

    /// Whether tokens are kept for later runs; `None` keeps those of users.
    pub fn token_cache(&self) -> Option<bool> {
        self.flag(ConnectionKey::TokenCache)
    }

    /// Whether the certificate's chain goes along, for trust by subject name and issuer.
    pub fn send_x5c(&self) -> Option<bool> {
        self.flag(ConnectionKey::SendX5c)
    }

    /// How a user signs in.
    pub fn auth_type(&self) -> Option<AuthType> {
        match self.setting(ConnectionKey::AuthType)? {
            Setting::AuthType(value) => Some(*value),
            _ => None,
        }
    }

    /// How long a request may take.
    pub fn timeout(&self) -> Option<Duration> {
        match self.setting(ConnectionKey::Timeout)? {
            Setting::Duration(value) => Some(*value),
            _ => None,
        }
    }

    /// How the certificate signs.
    pub fn assertion_algorithm(&self) -> Option<AssertionAlgorithm> {
        match self.setting(ConnectionKey::AssertionAlgorithm)? {
            Setting::Algorithm(value) => Some(*value),
            _ => None,
        }
    }
}
