//! Which path of which host leads where.

use http::Method;

use super::Place;
use crate::entra::Version;
use crate::hosts::{Api, Host, Services};
use crate::{security, vault};

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    Token {
        tenant: String,
        version: Version,
    },
    Authorize {
        tenant: String,
        version: Version,
    },
    DeviceCode {
        tenant: String,
        version: Version,
    },
    OpenId {
        tenant: String,
        version: Version,
    },
    AdminConsent {
        tenant: String,
        /// Whether the permissions are named in the request.
        scoped: bool,
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
    /// The metadata service of a virtual machine.
    Imds,
    /// App Service's endpoint for identities.
    AppService,
    /// What the emulator was asked.
    Requests,
    Hunt(Api),
    /// Alerts, incidents or machines.
    List(security::Item),
    /// A vault, and what of it.
    Vault {
        name: String,
        item: vault::Item,
    },
    /// Nothing, at a host of this kind.
    Nothing(Kind),
}

impl Route {
    /// The methods that are taken there.
    pub(super) fn methods(&self) -> &'static [Method] {
        const GET: &[Method] = &[Method::GET];
        const POST: &[Method] = &[Method::POST];
        const BOTH: &[Method] = &[Method::GET, Method::POST];
        match self {
            Self::Token { .. } | Self::DeviceCode { .. } | Self::Login | Self::Hunt(_) => POST,
            Self::Authorize { .. } | Self::DeviceLogin => BOTH,
            Self::Vault { item, .. } => item.methods(),
            _ => GET,
        }
    }
}

/// Whose manners an answer without a route has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Login,
    Api(Api),
    Emulator,
}

/// What `path` leads to at `place`, which goes by `host`.
pub(super) fn route(place: Place, host_name: &str, path: &str) -> Route {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    if let Place::Host(host) = place
        && let Some(name) = host.vault(host_name)
    {
        let item = vault::item(&segments);
        return Route::Vault { name, item };
    }
    if let (Place::Direct(_), ["vaults", name, rest @ ..]) = (place, segments.as_slice()) {
        return Route::Vault {
            name: (*name).to_owned(),
            item: vault::item(rest),
        };
    }
    let found = fixed_route(&segments)
        .or_else(|| entra_route(&segments))
        .or_else(|| api_route(&segments));
    match place {
        Place::Direct(_) => found.unwrap_or(Route::Nothing(Kind::Emulator)),
        Place::Host(host) => {
            let kind = match host.apis.first() {
                Some(api) => Kind::Api(*api),
                None => Kind::Login,
            };
            found
                .filter(|route| served(host, route))
                .unwrap_or(Route::Nothing(kind))
        }
    }
}

fn served(host: &Host, route: &Route) -> bool {
    match route {
        // 21Vianet's Graph has no hunting.
        Route::Hunt(Api::Graph) if host.cloud == crate::hosts::Cloud::China => false,
        Route::List(item)
            if item.collection.api() == Api::Graph && host.cloud == crate::hosts::Cloud::China =>
        {
            false
        }
        Route::Hunt(api) => host.apis.contains(api),
        Route::List(item) => host.apis.contains(&item.collection.api()),
        Route::Nothing(_) | Route::Requests | Route::AppService => false,
        Route::Imds => host.services == Services::Metadata,
        Route::DeviceLogin => host.login || host.services == Services::DeviceLogin,
        _ => host.login,
    }
}

/// The paths that begin with no tenant.
fn fixed_route(segments: &[&str]) -> Option<Route> {
    match segments {
        ["devicelogin" | "deviceloginus" | "deviceloginchina" | "device"]
        | ["common", "oauth2", "deviceauth"] => Some(Route::DeviceLogin),
        ["metadata", "identity", "oauth2", "token"] => Some(Route::Imds),
        ["msi", "token"] => Some(Route::AppService),
        ["emulator", "requests"] => Some(Route::Requests),
        ["common" | "organizations", "userrealm" | "UserRealm", user] => Some(Route::UserRealm {
            user: percent_decoded(user),
        }),
        _ => None,
    }
}

/// A part of a path without its escapes.
fn percent_decoded(text: &str) -> String {
    // A plus sign means itself in a path.
    url::form_urlencoded::parse(format!("v={}", text.replace('+', "%2B")).as_bytes())
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

fn entra_route(segments: &[&str]) -> Option<Route> {
    let (tenant, rest) = segments.split_first()?;
    let tenant = (*tenant).to_owned();
    match rest {
        ["oauth2", "v2.0", "token"] => Some(Route::Token {
            tenant,
            version: Version::Two,
        }),
        ["oauth2", "token"] => Some(Route::Token {
            tenant,
            version: Version::One,
        }),
        ["oauth2", "v2.0", "authorize"] => Some(Route::Authorize {
            tenant,
            version: Version::Two,
        }),
        ["oauth2", "authorize"] => Some(Route::Authorize {
            tenant,
            version: Version::One,
        }),
        ["oauth2", "v2.0", "devicecode"] => Some(Route::DeviceCode {
            tenant,
            version: Version::Two,
        }),
        ["oauth2", "devicecode"] => Some(Route::DeviceCode {
            tenant,
            version: Version::One,
        }),
        ["v2.0", "adminconsent"] => Some(Route::AdminConsent {
            tenant,
            scoped: true,
        }),
        ["adminconsent"] => Some(Route::AdminConsent {
            tenant,
            scoped: false,
        }),
        ["login"] => Some(Route::Login),
        ["v2.0", ".well-known", "openid-configuration"] => Some(Route::OpenId {
            tenant,
            version: Version::Two,
        }),
        [".well-known", "openid-configuration"] => Some(Route::OpenId {
            tenant,
            version: Version::One,
        }),
        ["discovery", "keys"] | ["discovery", "v2.0", "keys"] => Some(Route::Keys),
        ["discovery", "instance"] => Some(Route::Discovery),
        _ => None,
    }
}

fn api_route(segments: &[&str]) -> Option<Route> {
    match segments {
        ["api", "advancedqueries", "run"] | ["api", "v1.0", "advancedqueries", "run"] => {
            Some(Route::Hunt(Api::Mde))
        }
        ["api", "advancedhunting", "run"] => Some(Route::Hunt(Api::M365d)),
        ["api", collection @ ("alerts" | "machines"), id @ ..] => {
            let collection = match *collection {
                "alerts" => security::Collection::Alerts,
                _ => security::Collection::Machines,
            };
            listed(collection, id)
        }
        [
            "v1.0" | "beta",
            "security",
            collection @ ("alerts_v2" | "incidents"),
            id @ ..,
        ] => {
            let collection = match *collection {
                "alerts_v2" => security::Collection::AlertsV2,
                _ => security::Collection::Incidents,
            };
            listed(collection, id)
        }
        // OData allows the action with its namespace too.
        ["v1.0" | "beta", "security", action] => {
            let action = action
                .strip_prefix("microsoft.graph.security.")
                .unwrap_or(action);
            action
                .eq_ignore_ascii_case("runHuntingQuery")
                .then_some(Route::Hunt(Api::Graph))
        }
        _ => None,
    }
}

/// The whole collection, or the row that the rest of the path names.
fn listed(collection: security::Collection, rest: &[&str]) -> Option<Route> {
    let id = match rest {
        [] => None,
        [id] => Some(percent_decoded(id)),
        _ => return None,
    };
    Some(Route::List(security::Item { collection, id }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::Scheme;

    fn at(host: &str, path: &str) -> Route {
        route(Place::Host(Host::named(host).unwrap()), host, path)
    }

    #[test]
    fn a_host_serves_its_own_paths_only() {
        let graph = "/v1.0/security/runHuntingQuery";
        assert_eq!(at("graph.microsoft.com", graph), Route::Hunt(Api::Graph));
        assert_eq!(
            at("graph.microsoft.com", "/api/advancedqueries/run"),
            Route::Nothing(Kind::Api(Api::Graph))
        );
        assert_eq!(
            at("microsoftgraph.chinacloudapi.cn", graph),
            Route::Nothing(Kind::Api(Api::Graph))
        );
        assert_eq!(
            at("login.microsoftonline.com", graph),
            Route::Nothing(Kind::Login)
        );
        assert_eq!(
            at(
                "api.security.microsoft.com",
                "/api/v1.0/advancedqueries/run"
            ),
            Route::Hunt(Api::Mde)
        );
        assert_eq!(
            at("api.security.microsoft.com", "/api/advancedhunting/run"),
            Route::Hunt(Api::M365d)
        );
        assert_eq!(
            at(
                "api.securitycenter.microsoft.com",
                "/api/advancedhunting/run"
            ),
            Route::Nothing(Kind::Api(Api::Mde))
        );
    }

    #[test]
    fn the_direct_address_serves_everything() {
        let direct = |path| route(Place::Direct(Scheme::Http), "127.0.0.1", path);
        assert_eq!(
            direct("/demo.example/oauth2/token"),
            Route::Token {
                tenant: "demo.example".to_owned(),
                version: Version::One
            }
        );
        assert_eq!(direct("/common/discovery/instance"), Route::Discovery);
        assert_eq!(
            direct("/beta/security/runhuntingquery"),
            Route::Hunt(Api::Graph)
        );
        assert_eq!(direct("/api/advancedhunting/run"), Route::Hunt(Api::M365d));
        assert_eq!(direct("/"), Route::Nothing(Kind::Emulator));
    }

    #[test]
    fn a_vaults_paths_are_its_own_or_below_its_name() {
        let secret = |name: &str| Route::Vault {
            name: "contoso".to_owned(),
            item: vault::Item::One {
                collection: vault::Collection::Secrets,
                name: name.to_owned(),
                version: None,
            },
        };
        assert_eq!(at("Contoso.vault.azure.cn", "/secrets/n/"), secret("n"));
        let direct = |path| route(Place::Direct(Scheme::Http), "127.0.0.1", path);
        assert_eq!(direct("/vaults/contoso/secrets/n"), secret("n"));
        assert_eq!(
            direct("/secrets/n"),
            Route::Nothing(Kind::Emulator),
            "no vault is named"
        );
    }
}
