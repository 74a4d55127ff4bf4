//! The endpoints of authorities and of machines' identities.

use bytes::Bytes;
use http::{Method, Response};

use super::directory::{Directory, Version};
use crate::endpoint::{self, GET, GET_OR_POST, POST};
use crate::hosts::Services;
use crate::path::Path;
use crate::request::{Asked, Place};

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// An endpoint of the tenant in the path, or of all of them.
    Authority {
        tenant: String,
        version: Version,
        kind: Authority,
    },
    /// What the page of the authorization endpoint posts to.
    Login,
    /// Where user codes are entered.
    DeviceLogin,
    /// Who looks after a user's password.
    UserRealm {
        user: String,
    },
    Keys,
    Discovery,
    /// Where a browser ends its session.
    Logout,
    /// The metadata service of a virtual machine.
    Imds,
    /// App Service's endpoint for identities.
    AppService,
}

/// The endpoints that an authority has for each tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Authority {
    Token,
    Authorize,
    DeviceCode,
    OpenId,
    /// In version 2 the permissions are named in the request.
    AdminConsent,
}

impl Endpoint {
    pub(crate) fn of(path: &Path, place: Place) -> Option<Self> {
        let authority = |version, kind| Self::Authority {
            tenant: path.part(0),
            version,
            kind,
        };
        let one = |kind| authority(Version::One, kind);
        let two = |kind| authority(Version::Two, kind);
        Some(match path.words().as_slice() {
            ["devicelogin" | "deviceloginus" | "deviceloginchina" | "device"]
            | ["common", "oauth2", "deviceauth"]
                if place.has(|host| host.login || host.services == Services::DeviceLogin) =>
            {
                Self::DeviceLogin
            }
            ["metadata", "identity", "oauth2", "token"]
                if place.has(|host| host.services == Services::Metadata) =>
            {
                Self::Imds
            }
            ["msi", "token"] if place.has(|_| false) => Self::AppService,
            _ if !place.has(|host| host.login) => return None,
            ["common" | "organizations", "userrealm", _] => Self::UserRealm { user: path.part(2) },
            [_, "oauth2", "token"] => one(Authority::Token),
            [_, "oauth2", "v2.0", "token"] => two(Authority::Token),
            [_, "oauth2", "authorize"] => one(Authority::Authorize),
            [_, "oauth2", "v2.0", "authorize"] => two(Authority::Authorize),
            [_, "oauth2", "devicecode"] => one(Authority::DeviceCode),
            [_, "oauth2", "v2.0", "devicecode"] => two(Authority::DeviceCode),
            [_, "adminconsent"] => one(Authority::AdminConsent),
            [_, "v2.0", "adminconsent"] => two(Authority::AdminConsent),
            [_, ".well-known", "openid-configuration"] => one(Authority::OpenId),
            [_, "v2.0", ".well-known", "openid-configuration"] => two(Authority::OpenId),
            [_, "oauth2", "logout"] | [_, "oauth2", "v2.0", "logout"] => Self::Logout,
            [_, "login"] => Self::Login,
            [_, "discovery", "keys"] | [_, "discovery", "v2.0", "keys"] => Self::Keys,
            [_, "discovery", "instance"] => Self::Discovery,
            _ => return None,
        })
    }
}

impl endpoint::Endpoint for Endpoint {
    fn methods(&self) -> &'static [Method] {
        match self {
            Self::Authority { kind, .. } => match kind {
                Authority::Token | Authority::DeviceCode => POST,
                Authority::Authorize => GET_OR_POST,
                Authority::OpenId | Authority::AdminConsent => GET,
            },
            Self::Login => POST,
            Self::DeviceLogin | Self::Logout => GET_OR_POST,
            _ => GET,
        }
    }

    fn authority(&self) -> Option<&str> {
        match self {
            Self::Authority { tenant, .. } => Some(tenant),
            _ => None,
        }
    }
}

impl Directory {
    pub(crate) fn answer(&self, endpoint: &Endpoint, asked: &Asked) -> Response<Bytes> {
        match endpoint {
            Endpoint::Authority {
                tenant,
                version,
                kind,
            } => match kind {
                Authority::Token => self.token(asked, tenant, *version),
                Authority::Authorize => self.authorize(asked, tenant, *version),
                Authority::DeviceCode => self.device_code(asked, tenant, *version),
                Authority::OpenId => self.openid(asked, tenant, *version),
                Authority::AdminConsent => self.admin_consent(asked, tenant, *version),
            },
            Endpoint::Login => self.login(asked),
            Endpoint::DeviceLogin => self.device_login(asked),
            Endpoint::UserRealm { user } => self.user_realm(asked, user),
            Endpoint::Keys => self.keys(asked),
            Endpoint::Discovery => self.instance_discovery(asked),
            Endpoint::Logout => self.logout(asked),
            Endpoint::Imds => self.imds(asked),
            Endpoint::AppService => self.app_service(asked),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Scheme;

    #[test]
    fn a_path_names_the_tenant_and_the_version() {
        let token = |version| Endpoint::Authority {
            tenant: "demo.example".to_owned(),
            version,
            kind: Authority::Token,
        };
        let at = |path| Endpoint::of(&Path::parse(path), Place::Direct(Scheme::Http));
        assert_eq!(at("/demo.example/oauth2/token"), Some(token(Version::One)));
        let two = at("/demo.example/oauth2/v2.0/token");
        assert_eq!(two, Some(token(Version::Two)));
        assert_eq!(at("/demo.example/token"), None);
    }
}
