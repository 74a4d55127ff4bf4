//! The emulated services behind one door: routes, faults, the log.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, DATE, HOST};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;

use crate::entra::{Directory, Version};
use crate::error::{Error, Result};
use crate::faults::{Fault, FaultAnswer, FaultBody, Matcher};
use crate::hosts::{Api, Host};
use crate::hunting::{self, HuntingBackend, Ledger};
use crate::identifiers::Identifiers;
use crate::log::{Log, RecordedRequest};
use crate::options::{Clock, Limits, Observer, Options, ProxyCredentials};
use crate::reply;
use crate::vault;
use crate::wire::{Plan, Plans};

/// How much of a request that is too large is still read, so that its sender gets to the answer.
const DRAINED: usize = 64 * 1024 * 1024;

/// Where a request came in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    /// At a loopback address, where paths tell the services apart.
    Direct(Scheme),
    /// Through the proxy, at a host under its true name.
    Host(&'static Host),
}

/// How a loopback address is spoken to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scheme {
    Http,
    Https,
}

/// A request, read whole.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) place: Place,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// `https://graph.microsoft.com`, `http://127.0.0.1:40123`.
    pub(crate) origin: String,
    /// The request's own identifier.
    pub(crate) id: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    Token {
        tenant: String,
        version: Version,
    },
    OpenId {
        tenant: String,
        version: Version,
    },
    Keys,
    Discovery,
    Hunt(Api),
    /// A vault, and what of it.
    Vault {
        name: String,
        item: vault::Item,
    },
    /// Nothing, at a host of this kind.
    Nothing(Kind),
}

/// Whose manners an answer without a route has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Login,
    Api(Api),
    Emulator,
}

/// Everything that requests share.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) directory: Directory,
    pub(crate) backend: Arc<dyn HuntingBackend>,
    pub(crate) ledger: Option<Ledger>,
    pub(crate) identifiers: Identifiers,
    pub(crate) limits: Limits,
    pub(crate) retention: Option<std::time::Duration>,
    clock: Hidden<Clock>,
    observer: Option<Hidden<Observer>>,
    proxy_credentials: Option<ProxyCredentials>,
    faults: Matcher,
    gzip: bool,
    log: Log,
}

/// A function, which has nothing to show.
struct Hidden<T>(T);

impl<T> std::fmt::Debug for Hidden<T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("..")
    }
}

impl Service {
    pub(crate) fn new(options: Options) -> Result<Self> {
        for (index, tenant) in options.tenants.iter().enumerate() {
            if options.tenants[..index]
                .iter()
                .any(|other| other.id.eq_ignore_ascii_case(&tenant.id))
            {
                return Err(Error::Options(format!(
                    "two tenants have the identifier {}",
                    tenant.id
                )));
            }
        }
        vault::check(&options.tenants)?;
        let backend = hunting::backend(&options)?;
        Ok(Self {
            directory: Directory::new(options.tenants, options.token_lifetime),
            backend,
            ledger: options.quotas.map(Ledger::new),
            identifiers: Identifiers::new(options.seed),
            limits: options.limits,
            retention: options.retention,
            clock: Hidden(options.clock),
            observer: options.observer.map(Hidden),
            proxy_credentials: options.proxy_credentials,
            faults: Matcher::new(options.faults),
            gzip: options.gzip,
            log: Log::default(),
        })
    }

    pub(crate) fn now(&self) -> SystemTime {
        (self.clock.0)()
    }

    pub(crate) fn requests(&self) -> Vec<RecordedRequest> {
        self.log.all()
    }

    pub(crate) fn record(&self, request: RecordedRequest) {
        if let Some(observer) = &self.observer {
            (observer.0)(&request);
        }
        self.log.push(request);
    }

    pub(crate) fn proxy_credentials(&self) -> Option<&ProxyCredentials> {
        self.proxy_credentials.as_ref()
    }

    /// Answers one request, or lets go wrong what should.
    pub(crate) async fn respond(
        &self,
        place: Place,
        request: Request<Incoming>,
        plans: &Plans,
    ) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let (place, origin, host) = located(place, &parts.headers, &parts.uri);
        let mut record =
            RecordedRequest::new(parts.method.as_str(), &host, &parts.uri, &parts.headers);
        let fault = self
            .faults
            .meet(parts.method.as_str(), &host, parts.uri.path())
            .unwrap_or_default();
        let body = read(body, self.limits.request_bytes).await;
        let route = route(place, &host, parts.uri.path());
        let asked = Asked {
            place,
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            body: body.as_ref().ok().cloned().unwrap_or_default(),
            origin,
            id: self.identifiers.next(),
        };
        record.record_body(&asked.headers, &asked.body);
        if let Some(delay) = fault.delay {
            tokio::time::sleep(delay).await;
        }
        let mut response = match (&fault.answer, body) {
            (Some(answer), _) => self.misanswer(&route, &asked, answer),
            (None, Ok(_)) => self.answer(&route, &asked, &fault).await,
            (None, Err(TooLarge)) => reply::html(StatusCode::PAYLOAD_TOO_LARGE),
        };
        if let Some(at) = fault.invalid_utf8_at {
            let mut bytes = response.body().to_vec();
            if let Some(byte) = bytes.get_mut(at) {
                *byte = 0xff;
            }
            *response.body_mut() = bytes.into();
        } else if self.gzip && accepts_gzip(&asked.headers) && matches!(route, Route::Hunt(_)) {
            response = compressed(response).await;
        }
        if let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(self.now())) {
            response.headers_mut().insert(DATE, date);
        }
        // A client that is cut off before the status line has seen none.
        let status_seen = fault.drop_after.is_none_or(|at| at > "HTTP/1.1 200".len());
        record.status = if status_seen {
            response.status().as_u16()
        } else {
            0
        };
        self.record(record);
        plans.set(Plan::of(&fault));
        response.map(Full::new)
    }

    async fn answer(&self, route: &Route, asked: &Asked, fault: &Fault) -> Response<Bytes> {
        let allowed = match route {
            Route::Token { .. } | Route::Hunt(_) => Method::POST,
            Route::OpenId { .. } | Route::Keys | Route::Discovery | Route::Vault { .. } => {
                Method::GET
            }
            Route::Nothing(kind) => return self.nothing(*kind, asked),
        };
        if asked.method != allowed {
            return self.wrong_method(route, asked, &allowed);
        }
        match route {
            Route::Token { tenant, version } => self.directory.token(self, asked, tenant, *version),
            Route::OpenId { tenant, version } => {
                self.directory.openid(self, asked, tenant, *version)
            }
            Route::Keys => self.directory.keys(asked),
            Route::Discovery => Directory::instance_discovery(self, asked),
            Route::Hunt(api) => hunting::hunt(self, *api, asked, fault.late_schema).await,
            Route::Vault { name, item } => vault::answer(self, asked, name, item),
            Route::Nothing(kind) => self.nothing(*kind, asked),
        }
    }

    /// The answer at a path that leads nowhere.
    fn nothing(&self, kind: Kind, asked: &Asked) -> Response<Bytes> {
        let path = asked.uri.path();
        match kind {
            Kind::Login => reply::html(StatusCode::NOT_FOUND),
            Kind::Api(api) => hunting::error(
                self,
                api,
                asked,
                StatusCode::NOT_FOUND,
                &format!("Resource not found for the path '{path}'."),
            ),
            Kind::Emulator => reply::text(
                StatusCode::NOT_FOUND,
                &format!("the emulator serves nothing at {path}"),
            ),
        }
    }

    fn wrong_method(&self, route: &Route, asked: &Asked, allowed: &Method) -> Response<Bytes> {
        let mut response = match route {
            Route::Hunt(api) => hunting::error(
                self,
                *api,
                asked,
                StatusCode::METHOD_NOT_ALLOWED,
                "Specified HTTP method is not allowed for the request target.",
            ),
            _ => reply::html(StatusCode::METHOD_NOT_ALLOWED),
        };
        reply::set(&mut response, "allow", allowed.as_str());
        response
    }

    /// The answer that a fault gives in place of the service.
    fn misanswer(&self, route: &Route, asked: &Asked, answer: &FaultAnswer) -> Response<Bytes> {
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
        let mut response = match &answer.body {
            FaultBody::Html => reply::html(status),
            FaultBody::Empty => {
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = status;
                response
            }
            FaultBody::Json(document) => reply::json(status, document),
            FaultBody::Text(text) => {
                reply::with_type(status, "text/plain; charset=utf-8", text.clone())
            }
            FaultBody::Service => match route {
                Route::Hunt(api) | Route::Nothing(Kind::Api(api)) => {
                    hunting::outage(self, *api, asked, status)
                }
                Route::Vault { .. } => vault::outage(asked, status),
                _ => Directory::outage(self, asked, status),
            },
        };
        if let Some(seconds) = answer.retry_after {
            reply::retry_after(&mut response, seconds);
        }
        for (name, value) in &answer.headers {
            if let (Ok(name), Ok(value)) = (
                http::HeaderName::from_bytes(name.as_bytes()),
                HeaderValue::from_str(value),
            ) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// The place, what its addresses begin with, and the host's name for the log.
fn located(place: Place, headers: &HeaderMap, uri: &Uri) -> (Place, String, String) {
    let named = headers
        .get(HOST)
        .and_then(|value| value.to_str().ok())
        .or_else(|| uri.authority().map(http::uri::Authority::as_str))
        .unwrap_or("127.0.0.1");
    let name = match named.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => named,
    };
    match place {
        Place::Host(host) => {
            // One row stands for all vaults of a cloud.
            let name = host
                .vault(name)
                .map_or_else(|| host.name.to_owned(), |_| name.to_ascii_lowercase());
            (place, format!("https://{name}"), name)
        }
        // A true name at a loopback address: someone told the client where to find it.
        Place::Direct(Scheme::Https) if Host::named(name).is_some() => {
            let place = Host::named(name).map_or(place, Place::Host);
            (place, format!("https://{name}"), name.to_owned())
        }
        // A vault's paths do not say which vault, so here its name counts without HTTPS too.
        Place::Direct(Scheme::Http) if Host::named(name).is_some_and(Host::has_vaults) => {
            let place = Host::named(name).map_or(place, Place::Host);
            let name = name.to_ascii_lowercase();
            (place, format!("https://{name}"), name)
        }
        Place::Direct(Scheme::Https) => (place, format!("https://{named}"), name.to_owned()),
        Place::Direct(Scheme::Http) => (place, format!("http://{named}"), name.to_owned()),
    }
}

struct TooLarge;

/// Reads a body; one that is too large is read to its end, but not kept.
async fn read(mut body: Incoming, limit: usize) -> std::result::Result<Bytes, TooLarge> {
    let mut kept = Vec::new();
    let mut length = 0;
    while let Some(Ok(frame)) = body.frame().await {
        if let Some(data) = frame.data_ref() {
            length += data.len();
            if length <= limit {
                kept.extend_from_slice(data);
            } else if length > DRAINED {
                break;
            }
        }
    }
    if length > limit {
        Err(TooLarge)
    } else {
        Ok(kept.into())
    }
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT_ENCODING).iter().any(|value| {
        value.to_str().unwrap_or_default().split(',').any(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            parts
                .next()
                .is_some_and(|name| name.eq_ignore_ascii_case("gzip"))
                && !parts.any(|part| part.replace(' ', "") == "q=0")
        })
    })
}

/// Compresses on a thread of its own, since an answer may be large.
async fn compressed(mut response: Response<Bytes>) -> Response<Bytes> {
    let body = response.body().clone();
    let headers = response.headers().clone();
    let status = response.status();
    let work = tokio::task::spawn_blocking(move || {
        reply::gzip(&mut response);
        response
    });
    // When the runtime is going down, the answer will not arrive anyway.
    let Ok(response) = work.await else {
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        return response;
    };
    response
}

/// What `path` leads to at `place`, which goes by `host`.
fn route(place: Place, host_name: &str, path: &str) -> Route {
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
    let found = entra_route(&segments).or_else(|| api_route(&segments));
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
        Route::Hunt(api) => host.apis.contains(api),
        Route::Nothing(_) => false,
        _ => host.login,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

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
            item: vault::Item::Secret {
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
