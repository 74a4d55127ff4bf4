//! Which path of which host leads where.

use std::collections::BTreeMap;

use http::Method;

use crate::entra::Version;
use crate::hosts::{Api, Host, Services};
use crate::path::{self, Path};
use crate::request::Place;
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
    /// Where a browser ends its session.
    Logout,
    /// Who the user of a token is.
    UserInfo,
    /// The metadata service of a virtual machine.
    Imds,
    /// App Service's endpoint for identities.
    AppService,
    /// What the emulator was asked.
    Requests,
    Hunt(Api),
    /// Graph's hunting by GET, whose query stands in the path.
    HuntByGet(BTreeMap<String, String>),
    /// Several requests to Graph in one.
    Batch,
    /// Alerts, incidents or machines, and what belongs to them.
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
            Self::Token { .. }
            | Self::DeviceCode { .. }
            | Self::Login
            | Self::Hunt(_)
            | Self::Batch => POST,
            Self::Authorize { .. } | Self::DeviceLogin | Self::Logout | Self::UserInfo => BOTH,
            Self::Vault { item, .. } => item.methods(),
            _ => GET,
        }
    }

    /// The API that answers there, in whose manners it refuses too.
    pub(super) fn api(&self) -> Option<Api> {
        match self {
            Self::Hunt(api) | Self::Nothing(Kind::Api(api)) => Some(*api),
            Self::HuntByGet(_) | Self::Batch | Self::UserInfo => Some(Api::Graph),
            Self::List(item) => Some(item.api()),
            _ => None,
        }
    }

    /// What stands in the place of the tenant, where one signs in.
    pub(super) fn authority(&self) -> Option<&str> {
        match self {
            Self::Token { tenant, .. }
            | Self::Authorize { tenant, .. }
            | Self::DeviceCode { tenant, .. }
            | Self::OpenId { tenant, .. }
            | Self::AdminConsent { tenant, .. } => Some(tenant),
            _ => None,
        }
    }

    /// Whether rows of queries come from there, which are worth compressing.
    pub(super) fn is_hunting(&self) -> bool {
        matches!(self, Self::Hunt(_) | Self::HuntByGet(_))
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
pub(super) fn route(place: Place, host_name: &str, path: &Path) -> Route {
    if let Place::Host(host) = place
        && let Some(name) = host.vault(host_name)
    {
        let item = vault::item(&path.parts(0));
        return Route::Vault { name, item };
    }
    if let (Place::Direct(_), ["vaults", _, ..]) = (place, path.words().as_slice()) {
        return Route::Vault {
            name: path.part(1),
            item: vault::item(&path.parts(2)),
        };
    }
    let found = fixed_route(path)
        .or_else(|| entra_route(path))
        .or_else(|| api_route(path));
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
    // 21Vianet's Graph has neither hunting nor alerts.
    let of_graph = host.apis.contains(&Api::Graph);
    let has_security = of_graph && host.cloud != crate::hosts::Cloud::China;
    match route {
        Route::Hunt(Api::Graph) | Route::HuntByGet(_) => has_security,
        Route::List(item) if item.api() == Api::Graph => has_security,
        Route::Batch => of_graph,
        // Version 1 has it at the authority.
        Route::UserInfo => of_graph || host.login,
        Route::Hunt(api) => host.apis.contains(api),
        Route::List(item) => host.apis.contains(&item.api()),
        Route::Nothing(_) | Route::Requests | Route::AppService => false,
        Route::Imds => host.services == Services::Metadata,
        Route::DeviceLogin => host.login || host.services == Services::DeviceLogin,
        _ => host.login,
    }
}

/// The paths that begin with no tenant.
fn fixed_route(path: &Path) -> Option<Route> {
    match path.words().as_slice() {
        ["devicelogin" | "deviceloginus" | "deviceloginchina" | "device"]
        | ["common", "oauth2", "deviceauth"] => Some(Route::DeviceLogin),
        ["metadata", "identity", "oauth2", "token"] => Some(Route::Imds),
        ["msi", "token"] => Some(Route::AppService),
        ["emulator", "requests"] => Some(Route::Requests),
        ["common" | "organizations", "userrealm", _] => {
            Some(Route::UserRealm { user: path.part(2) })
        }
        ["oidc", "userinfo"] => Some(Route::UserInfo),
        _ => None,
    }
}

fn entra_route(path: &Path) -> Option<Route> {
    let words = path.words();
    let (_, rest) = words.split_first()?;
    let tenant = path.part(0);
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
        ["oauth2", "logout"] | ["oauth2", "v2.0", "logout"] => Some(Route::Logout),
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
        ["openid", "userinfo"] => Some(Route::UserInfo),
        ["discovery", "keys"] | ["discovery", "v2.0", "keys"] => Some(Route::Keys),
        ["discovery", "instance"] => Some(Route::Discovery),
        _ => None,
    }
}

fn api_route(path: &Path) -> Option<Route> {
    match path.words().as_slice() {
        ["api", "v1.0", rest @ ..] => defender_route(path, 2, rest),
        ["api", rest @ ..] => defender_route(path, 1, rest),
        ["v1.0" | "beta", "$batch"] => Some(Route::Batch),
        ["v1.0" | "beta", "security", "alerts_v2" | "incidents", ..] => {
            security::graph_item(path).map(Route::List)
        }
        // OData allows actions and functions with their namespace too.
        [version @ ("v1.0" | "beta"), "security", action] => {
            let name = action
                .strip_prefix("microsoft.graph.security.")
                .unwrap_or(action);
            if name == "runhuntingquery" {
                return Some(Route::Hunt(Api::Graph));
            }
            let sent = path.part(2);
            let (name, parameters) = path::function(sent.get(action.len() - name.len()..)?)?;
            // There is no such function in v1.0.
            (name == "getrunhuntingquery" && *version == "beta")
                .then_some(Route::HuntByGet(parameters))
        }
        _ => None,
    }
}

/// Defender for Endpoint and Microsoft 365 Defender, below `/api` and, where it is documented,
/// `/api/v1.0`; `rest` begins at `start`.
fn defender_route(path: &Path, start: usize, rest: &[&str]) -> Option<Route> {
    match rest {
        ["advancedqueries", "run"] => Some(Route::Hunt(Api::Mde)),
        ["advancedhunting", "run"] if start == 1 => Some(Route::Hunt(Api::M365d)),
        ["alerts" | "machines", ..] => security::endpoint_item(path, start).map(Route::List),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Scheme;

    fn at(host: &str, path: &str) -> Route {
        let place = Place::Host(Host::named(host).unwrap());
        route(place, host, &Path::parse(path))
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
        let direct = |path| route(Place::Direct(Scheme::Http), "127.0.0.1", &Path::parse(path));
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
        // No machine is called so.
        let export = "/api/machines/SoftwareVulnerabilitiesByMachine";
        assert_eq!(direct(export), Route::Nothing(Kind::Emulator));
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
        let direct = |path| route(Place::Direct(Scheme::Http), "127.0.0.1", &Path::parse(path));
        assert_eq!(direct("/vaults/contoso/secrets/n"), secret("n"));
        assert_eq!(
            direct("/secrets/n"),
            Route::Nothing(Kind::Emulator),
            "no vault is named"
        );
    }
}
