//! Which path of which host leads to which service.

use crate::endpoint::Endpoint;
use crate::hosts::Api;
use crate::path::Path;
use crate::request::Place;
use crate::{entra, graph, hunting, security, vault};

/// The service that a path leads to, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    Entra(entra::Endpoint),
    Hunting(hunting::Endpoint),
    /// Alerts, incidents or machines, and what belongs to them.
    List(security::Item),
    Graph(graph::Endpoint),
    Vault(vault::Endpoint),
    Own(Own),
}

/// What no service has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Own {
    /// What the emulator was asked.
    Requests,
    /// Nothing, at a host of this kind.
    Nothing(Kind),
}

/// The service whose errors an answer without a route has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Login,
    Api(Api),
    Emulator,
}

impl Own {
    fn of(path: &Path, place: Place) -> Self {
        match place {
            Place::Direct(_) if path.words() == ["emulator", "requests"] => Self::Requests,
            Place::Direct(_) => Self::Nothing(Kind::Emulator),
            Place::Host(host) => match host.apis.first() {
                Some(api) => Self::Nothing(Kind::Api(*api)),
                None => Self::Nothing(Kind::Login),
            },
        }
    }
}

impl Route {
    pub(super) fn endpoint(&self) -> &dyn Endpoint {
        match self {
            Self::Entra(endpoint) => endpoint,
            Self::Hunting(endpoint) => endpoint,
            Self::List(item) => item,
            Self::Graph(endpoint) => endpoint,
            Self::Vault(endpoint) => endpoint,
            Self::Own(own) => own,
        }
    }
}

impl Endpoint for Own {
    fn api(&self) -> Option<Api> {
        match self {
            Self::Nothing(Kind::Api(api)) => Some(*api),
            _ => None,
        }
    }
}

/// What `path` leads to at `place`, which goes by `host`.
pub(super) fn route(place: Place, host: &str, path: &Path) -> Route {
    if let Some(endpoint) = vault::Endpoint::of(place, host, path) {
        return Route::Vault(endpoint);
    }
    entra::Endpoint::of(path, place)
        .map(Route::Entra)
        .or_else(|| hunting::Endpoint::of(path, place).map(Route::Hunting))
        .or_else(|| security::Item::of(path, place).map(Route::List))
        .or_else(|| graph::Endpoint::of(path, place).map(Route::Graph))
        .unwrap_or_else(|| Route::Own(Own::of(path, place)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hosts::Host;
    use crate::request::Scheme;

    fn hunt(api: Api) -> Route {
        Route::Hunting(hunting::Endpoint::action(api))
    }

    fn nothing(kind: Kind) -> Route {
        Route::Own(Own::Nothing(kind))
    }

    fn at(host: &str, path: &str) -> Route {
        let place = Place::Host(Host::named(host).unwrap());
        route(place, host, &Path::parse(path))
    }

    #[test]
    fn a_host_serves_its_own_paths_only() {
        let graph = "/v1.0/security/runHuntingQuery";
        assert_eq!(at("graph.microsoft.com", graph), hunt(Api::Graph));
        assert_eq!(
            at("graph.microsoft.com", "/api/advancedqueries/run"),
            nothing(Kind::Api(Api::Graph))
        );
        assert_eq!(
            at("microsoftgraph.chinacloudapi.cn", graph),
            nothing(Kind::Api(Api::Graph))
        );
        assert_eq!(at("login.microsoftonline.com", graph), nothing(Kind::Login));
        assert_eq!(
            at(
                "api.security.microsoft.com",
                "/api/v1.0/advancedqueries/run"
            ),
            hunt(Api::Mde)
        );
        assert_eq!(
            at("api.security.microsoft.com", "/api/advancedhunting/run"),
            hunt(Api::M365d)
        );
        assert_eq!(
            at(
                "api.securitycenter.microsoft.com",
                "/api/advancedhunting/run"
            ),
            nothing(Kind::Api(Api::Mde))
        );
    }

    #[test]
    fn the_direct_address_serves_everything() {
        let direct = |path| route(Place::Direct(Scheme::Http), "127.0.0.1", &Path::parse(path));
        let token = direct("/demo.example/oauth2/token");
        assert_eq!(token.endpoint().authority(), Some("demo.example"));
        assert_eq!(
            direct("/common/discovery/instance"),
            Route::Entra(entra::Endpoint::Discovery)
        );
        assert_eq!(direct("/beta/security/runhuntingquery"), hunt(Api::Graph));
        assert_eq!(direct("/api/advancedhunting/run"), hunt(Api::M365d));
        assert_eq!(direct("/"), nothing(Kind::Emulator));
        // No machine is called so.
        let export = "/api/machines/SoftwareVulnerabilitiesByMachine";
        assert_eq!(direct(export), nothing(Kind::Emulator));
    }
}
