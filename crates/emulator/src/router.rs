//! The emulated services behind one door: routes, faults, the log.

mod fault;
mod route;

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, DATE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;

use crate::api;
use crate::batch;
use crate::entra::Directory;
use crate::error::{Error, Result};
use crate::faults::{Fault, Matcher};
use crate::hosts::Api;
use crate::hunting::{self, HuntingBackend, Ledger};
use crate::identifiers::Identifiers;
use crate::log::{Log, RecordedRequest};
use crate::options::{Clock, Limits, Observer, Options, ProxyCredentials};
use crate::reply;
use crate::request::{Asked, Place, TooLarge, located, read};
use crate::security;
use crate::settings;
use crate::sign_in::SignIn;
use crate::user_info;
use crate::vault;
use crate::wire::{Plan, Plans};
use route::{Kind, Route, route};

/// Everything that requests share.
#[derive(Debug)]
pub(crate) struct Router {
    pub(crate) directory: Directory,
    pub(crate) backend: Arc<dyn HuntingBackend>,
    pub(crate) ledger: Option<Ledger>,
    pub(crate) identifiers: Identifiers,
    pub(crate) limits: Limits,
    pub(crate) retention: Option<std::time::Duration>,
    pub(crate) sign_in: SignIn,
    /// What the vaults hold by now.
    pub(crate) shelves: vault::Shelves,
    /// What callers of App Router's endpoint for identities have to show.
    pub(crate) identity_header: String,
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

impl Router {
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
            sign_in: options.sign_in,
            shelves: vault::Shelves::default(),
            identity_header: settings::identity_header(options.seed),
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

    /// Begins the record of a request: it is made whatever becomes of the request from here on.
    pub(crate) fn recording(
        self: &Arc<Self>,
        place: Place,
        request: &Request<Incoming>,
    ) -> Recording {
        let (method, uri, headers) = (request.method(), request.uri(), request.headers());
        let (_, _, host) = located(place, headers, uri);
        Recording {
            service: Arc::clone(self),
            request: RecordedRequest::new(method.as_str(), &host, uri, headers),
        }
    }

    /// Answers one request, or lets go wrong what should.
    pub(crate) async fn respond(
        &self,
        place: Place,
        request: Request<Incoming>,
        mut recording: Recording,
        plans: &Plans,
    ) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let (place, origin, host) = located(place, &parts.headers, &parts.uri);
        let body = read(body, self.limits.request_bytes).await;
        let asked = Asked::new(
            place,
            parts.method,
            parts.uri,
            parts.headers,
            body.as_ref().ok().cloned().unwrap_or_default(),
            origin,
            self.identifiers.next(),
        );
        let route = route(place, &host, &asked.path);
        recording.request.record_body(&asked.headers, &asked.body);
        let fault = self.fault(&route, &asked, &host);
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
        } else if self.gzip && accepts_gzip(&asked.headers) && route.is_hunting() {
            response = compressed(response).await;
        }
        if let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(self.now())) {
            response.headers_mut().insert(DATE, date);
        }
        // A client that is cut off before the status line has seen none.
        let status_seen = fault.drop_after.is_none_or(|at| at > "HTTP/1.1 200".len());
        if status_seen {
            recording.request.status = response.status().as_u16();
        }
        drop(recording);
        plans.set(Plan::of(&fault));
        response.map(Full::new)
    }

    /// Answers a request that came within another, with what goes wrong above the wire.
    pub(crate) async fn within(&self, asked: &Asked) -> Response<Bytes> {
        let (place, _, host) = located(asked.place, &asked.headers, &asked.uri);
        let route = route(place, &host, &asked.path);
        let fault = self.fault(&route, asked, &host);
        if let Some(delay) = fault.delay {
            tokio::time::sleep(delay).await;
        }
        match (&fault.answer, &route) {
            (Some(answer), _) => self.misanswer(&route, asked, answer),
            (None, Route::Batch) => api::error(
                self,
                Api::Graph,
                asked,
                StatusCode::BAD_REQUEST,
                "A batch cannot hold another batch.",
            ),
            (None, _) => self.answer(&route, asked, &fault).await,
        }
    }

    async fn answer(&self, route: &Route, asked: &Asked, fault: &Fault) -> Response<Bytes> {
        if let Route::Nothing(kind) = route {
            return self.nothing(*kind, asked);
        }
        let allowed = route.methods();
        if !allowed.contains(&asked.method) {
            return self.wrong_method(route, asked, allowed);
        }
        let directory = &self.directory;
        match route {
            Route::Token { tenant, version } => directory.token(self, asked, tenant, *version),
            Route::Authorize { tenant, version } => {
                directory.authorize(self, asked, tenant, *version)
            }
            Route::DeviceCode { tenant, version } => {
                directory.device_code(self, asked, tenant, *version)
            }
            Route::OpenId { tenant, version } => directory.openid(self, asked, tenant, *version),
            Route::AdminConsent { tenant, scoped } => {
                directory.admin_consent(self, asked, tenant, *scoped)
            }
            Route::Login => directory.login(self, asked),
            Route::DeviceLogin => directory.device_login(self, asked),
            Route::UserRealm { user } => directory.user_realm(asked, user),
            Route::Keys => directory.keys(asked),
            Route::Discovery => Directory::instance_discovery(self, asked),
            Route::Imds => directory.imds(self, asked),
            Route::AppService => directory.app_service(self, asked),
            Route::Requests => self.recorded(),
            Route::Logout => directory.logout(asked),
            Route::UserInfo => user_info::answer(self, asked),
            Route::Hunt(api) => hunting::hunt(self, *api, asked, None, fault.late_schema).await,
            Route::HuntByGet(parameters) => {
                let parameters = Some(parameters);
                hunting::hunt(self, Api::Graph, asked, parameters, fault.late_schema).await
            }
            Route::Batch => batch::answer(self, asked).await,
            Route::List(item) => security::list(self, item, asked).await,
            Route::Vault { name, item } => vault::answer(self, asked, name, item),
            Route::Nothing(kind) => self.nothing(*kind, asked),
        }
    }

    /// What was asked so far, for a client that is no part of this process.
    fn recorded(&self) -> Response<Bytes> {
        match serde_json::to_value(self.requests()) {
            Ok(requests) => reply::json(StatusCode::OK, &requests),
            Err(error) => reply::text(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        }
    }

    /// The answer at a path that leads nowhere.
    fn nothing(&self, kind: Kind, asked: &Asked) -> Response<Bytes> {
        let path = asked.uri.path();
        match kind {
            Kind::Login => reply::html(StatusCode::NOT_FOUND),
            Kind::Api(api @ Api::Mde)
                if asked
                    .path
                    .words()
                    .last()
                    .is_some_and(|name| security::is_export(name)) =>
            {
                api::error(
                    self,
                    api,
                    asked,
                    StatusCode::NOT_FOUND,
                    &format!("The emulator does not answer '{path}', which the service does."),
                )
            }
            Kind::Api(api) => api::error(
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

    fn wrong_method(&self, route: &Route, asked: &Asked, allowed: &[Method]) -> Response<Bytes> {
        let mut response = match route.api() {
            Some(api) => api::error(
                self,
                api,
                asked,
                StatusCode::METHOD_NOT_ALLOWED,
                "Specified HTTP method is not allowed for the request target.",
            ),
            None => reply::html(StatusCode::METHOD_NOT_ALLOWED),
        };
        let names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
        reply::set(&mut response, "allow", &names.join(", "));
        response
    }
}

/// A request on its way; what came of it is recorded even where the client does not wait for it.
pub(crate) struct Recording {
    service: Arc<Router>,
    request: RecordedRequest,
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.service.record(self.request.clone());
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
