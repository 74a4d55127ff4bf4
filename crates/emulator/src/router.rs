//! The way of a request: its route, what goes wrong, the service, the log.

mod fault;
mod route;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::ACCEPT_ENCODING;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;

use crate::api;
use crate::endpoint::Endpoint;
use crate::entra::Directory;
use crate::error::Result;
use crate::faults::{Fault, Matcher};
use crate::graph::{self, Within};
use crate::hosts::Api;
use crate::hunting::Hunting;
use crate::log::{Log, RecordedRequest};
use crate::options::{Observer, Options, ProxyCredentials};
use crate::path::Path;
use crate::reply;
use crate::request::{Asked, Place, TooLarge, located, read};
use crate::security;
use crate::site::Site;
use crate::vault::Vaults;
use crate::wire::{Plan, Plans};
use route::{Kind, Own, Route, route};

/// The services, and what goes wrong in front of them.
pub(crate) struct Router {
    pub(crate) directory: Arc<Directory>,
    pub(crate) vaults: Vaults,
    site: Arc<Site>,
    hunting: Hunting,
    faults: Matcher,
    log: Log,
    observer: Option<Observer>,
    proxy_credentials: Option<ProxyCredentials>,
    request_bytes: usize,
    gzip: bool,
}

impl Router {
    pub(crate) fn new(options: Options) -> Result<Self> {
        let site = Arc::new(Site::new(&options));
        let directory = Arc::new(Directory::new(&options, Arc::clone(&site))?);
        Ok(Self {
            vaults: Vaults::new(&options.tenants, Arc::clone(&directory))?,
            hunting: Hunting::new(&options, Arc::clone(&directory))?,
            directory,
            site,
            faults: Matcher::new(options.faults),
            log: Log::default(),
            observer: options.observer,
            proxy_credentials: options.proxy_credentials,
            request_bytes: options.limits.request_bytes,
            gzip: options.gzip,
        })
    }

    pub(crate) fn requests(&self) -> Vec<RecordedRequest> {
        self.log.all()
    }

    pub(crate) fn record(&self, request: RecordedRequest) {
        if let Some(observer) = &self.observer {
            observer(&request);
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
            router: Arc::clone(self),
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
        let body = read(body, self.request_bytes).await;
        let asked = Asked {
            place,
            path: Path::parse(parts.uri.path()),
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            body: body.as_ref().ok().cloned().unwrap_or_default(),
            origin,
            id: self.site.identifier(),
        };
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
        } else if self.gzip && accepts_gzip(&asked.headers) && matches!(route, Route::Hunting(_)) {
            response = compressed(response).await;
        }
        reply::set(
            &mut response,
            "date",
            &httpdate::fmt_http_date(self.site.now()),
        );
        // A client that is cut off before the status line has seen none.
        let status_seen = fault.drop_after.is_none_or(|at| at > "HTTP/1.1 200".len());
        if status_seen {
            recording.request.status = response.status().as_u16();
        }
        drop(recording);
        plans.set(Plan::of(&fault));
        response.map(Full::new)
    }

    async fn answer(&self, route: &Route, asked: &Asked, fault: &Fault) -> Response<Bytes> {
        if let Route::Own(Own::Nothing(kind)) = route {
            return self.nothing(*kind, asked);
        }
        let endpoint = route.endpoint();
        if !endpoint.methods().contains(&asked.method) {
            return self.wrong_method(endpoint, asked);
        }
        match route {
            Route::Entra(endpoint) => self.directory.answer(endpoint, asked),
            Route::Hunting(endpoint) => {
                let late_schema = fault.late_schema;
                self.hunting.answer(endpoint, asked, late_schema).await
            }
            Route::List(item) => security::answer(&self.hunting, item, asked).await,
            Route::Graph(endpoint) => graph::answer(*endpoint, &self.directory, self, asked).await,
            Route::Vault(endpoint) => self.vaults.answer(endpoint, asked),
            Route::Own(_) => self.recorded(),
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
                    &self.site,
                    api,
                    asked,
                    StatusCode::NOT_FOUND,
                    &format!("The emulator does not answer '{path}', which the service does."),
                )
            }
            Kind::Api(api) => api::error(
                &self.site,
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

    fn wrong_method(&self, endpoint: &dyn Endpoint, asked: &Asked) -> Response<Bytes> {
        let mut response = match endpoint.api() {
            Some(api) => api::error(
                &self.site,
                api,
                asked,
                StatusCode::METHOD_NOT_ALLOWED,
                "Specified HTTP method is not allowed for the request target.",
            ),
            None => reply::html(StatusCode::METHOD_NOT_ALLOWED),
        };
        let names: Vec<&str> = endpoint.methods().iter().map(Method::as_str).collect();
        reply::set(&mut response, "allow", &names.join(", "));
        response
    }
}

#[async_trait]
impl Within for Router {
    /// With what goes wrong above the wire.
    async fn within(&self, asked: &Asked) -> Response<Bytes> {
        let (place, _, host) = located(asked.place, &asked.headers, &asked.uri);
        let route = route(place, &host, &asked.path);
        let fault = self.fault(&route, asked, &host);
        if let Some(delay) = fault.delay {
            tokio::time::sleep(delay).await;
        }
        match (&fault.answer, &route) {
            (Some(answer), _) => self.misanswer(&route, asked, answer),
            (None, Route::Graph(graph::Endpoint::Batch)) => api::error(
                &self.site,
                Api::Graph,
                asked,
                StatusCode::BAD_REQUEST,
                "A batch cannot hold another batch.",
            ),
            (None, _) => self.answer(&route, asked, &fault).await,
        }
    }
}

/// A request on its way; what came of it is recorded even where the client does not wait for it.
pub(crate) struct Recording {
    router: Arc<Router>,
    request: RecordedRequest,
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.router.record(self.request.clone());
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
