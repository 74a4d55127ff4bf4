//! The forward proxy: a tunnel to an emulated host ends here, any other is refused.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{PROXY_AUTHENTICATE, PROXY_AUTHORIZATION};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use openssl::memcmp;
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::certificates::Authority;
use crate::connection::{self, handshake, told_to_stop};
use crate::hosts::{Host, METADATA};
use crate::log::RecordedRequest;
use crate::reply;
use crate::request::Place;
use crate::router::Router;
use crate::settings::basic;
use crate::wire::Plans;

/// The one port that the emulated hosts listen on.
const HTTPS_PORT: u16 = 443;
/// The port of a plain request that names none.
const HTTP_PORT: u16 = 80;

/// Serves one connection of the proxy's own.
pub(crate) async fn serve(
    stream: TcpStream,
    authority: Arc<Authority>,
    router: Arc<Router>,
    closed: watch::Receiver<bool>,
) {
    let mut stop = closed.clone();
    let handler = service_fn(move |request: Request<Incoming>| {
        let metadata = asks_for_metadata(&request)
            && router
                .proxy_credentials()
                .is_none_or(|wanted| presents(request.headers(), &basic(wanted)));
        let (authority, router, closed) =
            (Arc::clone(&authority), Arc::clone(&router), closed.clone());
        let place = Place::Host(METADATA);
        let recording = metadata.then(|| router.recording(place, &request));
        async move {
            Ok::<_, Infallible>(match recording {
                Some(recording) => {
                    let plans = Plans::default();
                    router.respond(place, request, recording, &plans).await
                }
                None => answer(request, &authority, &router, &closed),
            })
        }
    });
    let connection = http1::Builder::new()
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), handler)
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => {}
        () = told_to_stop(&mut stop) => connection.as_mut().graceful_shutdown(),
    }
}

/// Whether it is a plain request to the one address that is never asked otherwise.
fn asks_for_metadata(request: &Request<Incoming>) -> bool {
    request.method() != Method::CONNECT
        && request.uri().scheme_str() == Some("http")
        && request.uri().host() == Some(METADATA.name)
        && request
            .uri()
            .port_u16()
            .is_none_or(|port| port == HTTP_PORT)
}

/// Why a plain request goes no further.
fn plain(host: &str, target: &Uri) -> (StatusCode, String) {
    if host.is_empty() {
        let text = "this is the emulator's proxy; its services are at its other addresses";
        return (StatusCode::BAD_REQUEST, text.to_owned());
    }
    let port = target.port_u16().unwrap_or(HTTP_PORT);
    let text = if Host::named(host).is_some() && port == HTTP_PORT {
        format!("the emulator serves {host} over HTTPS only")
    } else {
        format!("the emulator does not serve {host}:{port}, and connects to nothing outside")
    };
    (StatusCode::FORBIDDEN, text)
}

/// Opens a tunnel, or says why not.
fn answer(
    request: Request<Incoming>,
    authority: &Arc<Authority>,
    router: &Arc<Router>,
    closed: &watch::Receiver<bool>,
) -> Response<Full<Bytes>> {
    let target = request.uri().clone();
    let host = target.host().unwrap_or_default().to_owned();
    let refuse = |response: Response<Bytes>| {
        let mut record =
            RecordedRequest::new(request.method().as_str(), &host, &target, request.headers());
        record.status = response.status().as_u16();
        router.record(record);
        response.map(Full::new)
    };
    if let Some(credentials) = router.proxy_credentials()
        && !presents(request.headers(), &basic(credentials))
    {
        let mut response = reply::text(
            StatusCode::PROXY_AUTHENTICATION_REQUIRED,
            "the emulator's proxy asks for a user and a password",
        );
        response.headers_mut().insert(
            PROXY_AUTHENTICATE,
            HeaderValue::from_static("Basic realm=\"defender emulator\""),
        );
        return refuse(response);
    }
    if request.method() != Method::CONNECT {
        let (status, text) = plain(&host, &target);
        return refuse(reply::text(status, &text));
    }
    let port = target.port_u16().unwrap_or(HTTPS_PORT);
    // Only the vaults that exist have a name out there.
    let exists = |emulated: &&Host| match emulated.vault(&host) {
        Some(vault) => router.vaults.find(&vault, Some(emulated.cloud)).is_some(),
        None => true,
    };
    let emulated = Host::named(&host)
        .filter(|_| port == HTTPS_PORT)
        .filter(exists);
    let Some(emulated) = emulated else {
        return refuse(reply::text(
            StatusCode::BAD_GATEWAY,
            &format!("the emulator does not serve {host}:{port}, and connects to nothing outside"),
        ));
    };
    tokio::spawn(tunnel(
        hyper::upgrade::on(request),
        emulated,
        host.to_ascii_lowercase(),
        Arc::clone(authority),
        Arc::clone(router),
        closed.clone(),
    ));
    Response::new(Full::default())
}

/// Ends the tunnel as `host` would, under the very name it was asked for.
async fn tunnel(
    upgrade: hyper::upgrade::OnUpgrade,
    host: &'static Host,
    name: String,
    authority: Arc<Authority>,
    router: Arc<Router>,
    mut closed: watch::Receiver<bool>,
) {
    let Ok(context) = authority.context(&name) else {
        return;
    };
    let upgraded = tokio::select! {
        upgraded = upgrade => upgraded,
        () = told_to_stop(&mut closed) => return,
    };
    let Ok(upgraded) = upgraded else {
        return;
    };
    if let Some(stream) = handshake(TokioIo::new(upgraded), &context, &mut closed).await {
        connection::serve(stream, Place::Host(host), router, closed).await;
    }
}

/// Whether the request carries `Basic` with these credentials.
fn presents(headers: &HeaderMap, expected: &str) -> bool {
    headers
        .get(PROXY_AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .is_some_and(|(scheme, credentials)| {
            let credentials = credentials.trim();
            scheme.eq_ignore_ascii_case("basic")
                && credentials.len() == expected.len()
                && memcmp::eq(credentials.as_bytes(), expected.as_bytes())
        })
}
