//! The transport that opens connections.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use defender_core::{Body, Error, ErrorKind, Redaction, Result, Transport, is_loopback};
use http::header::HeaderMap;
use tokio::time::Instant;
use url::{Host, Url};

use super::coding::Codings;
use super::failure::{self, Place, Timeouts};
use super::names::Names;
use super::options::HttpOptions;
use super::proxy::Proxy;
use super::{body, redirect, roots};
use crate::require_runtime;

/// Sends requests over the network; connections are kept and used again.
///
/// Only `https` is spoken, and `http` to loopback. An answer's gzip is undone, however the header writes it. A redirect is
/// followed when it answers a `GET` or `HEAD` and stays on the origin; any other is the answer.
/// Nothing is retried here but a kept connection that turned out to be closed before anything
/// was sent on it. Names of this machine (`localhost` and below) are not looked up.
///
/// Sending, and reading the answer, take a tokio runtime; without one they are an
/// [`ErrorKind::Usage`].
///
/// ```no_run
/// # async fn example() -> defender_core::Result<()> {
/// use bytes::Bytes;
/// use defender_core::Transport;
/// use defender_http::{HttpOptions, HttpTransport};
///
/// let transport = HttpTransport::new(&HttpOptions::default())?;
/// let request = http::Request::get("https://graph.microsoft.com/v1.0/$metadata")
///     .body(Bytes::new())
///     .expect("a valid request");
/// let answer = transport.send(request).await?;
/// let text = answer.into_body().collect(16 * 1024 * 1024).await?;
/// # Ok(())
/// # }
/// ```
pub struct HttpTransport {
    client: reqwest::Client,
    proxy: Option<Arc<Proxy>>,
    answer_timeout: Duration,
    read_timeout: Duration,
    total_timeout: Option<Duration>,
    connect_timeout: Duration,
}

impl HttpTransport {
    /// A transport with these options. Reads the CA file; opens no connection.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when the proxy's address or the CA file cannot be used.
    pub fn new(options: &HttpOptions) -> Result<Self> {
        let proxy = Proxy::of(options)?.map(Arc::new);
        let mut builder = reqwest::Client::builder()
            // The environment is a value here: reqwest must not look for itself.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(&options.user_agent)
            .connect_timeout(options.connect_timeout)
            .dns_resolver(Names)
            // A query is silent for minutes; routers forget silent connections sooner.
            .tcp_keepalive(Duration::from_secs(30));
        for certificate in roots::of(options)? {
            builder = builder.add_root_certificate(certificate);
        }
        if let Some(proxy) = &proxy {
            builder = builder.proxy(adapted(proxy));
        }
        let client = builder.build().map_err(|error| {
            Error::new(ErrorKind::Config, "the HTTP client cannot be set up")
                .with_source(failure::Cause::of(&error))
        })?;
        Ok(Self {
            client,
            proxy,
            answer_timeout: options.answer_timeout,
            read_timeout: options.read_timeout,
            total_timeout: options.total_timeout,
            connect_timeout: options.connect_timeout,
        })
    }

    fn place(&self, url: &Url) -> Place {
        let proxy = self.proxy.as_ref().filter(|proxy| proxy.serves(url));
        Place {
            url: url.clone(),
            proxy: proxy.map(ToString::to_string),
        }
    }

    async fn exchange(
        &self,
        request: reqwest::Request,
        timeouts: Timeouts,
    ) -> Result<(reqwest::Response, Place)> {
        let place = self.place(request.url());
        let answer = self.client.execute(request);
        match timeouts.limit(answer, self.answer_timeout).await {
            Ok(Ok(response)) => Ok((response, place)),
            Ok(Err(error)) => Err(failure::sending(&error, &place, self.connect_timeout)),
            Err(passed) => Err(failure::unanswered(&place, passed)),
        }
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Body>> {
        require_runtime()?;
        let timeouts = Timeouts {
            total: self.total_timeout,
            end: self
                .total_timeout
                .and_then(|total| Instant::now().checked_add(total)),
        };
        // Where a redirect leads is the service's word.
        let gate = Redaction::of_request(&request);
        let mut request = reqwest::Request::try_from(request)
            .map_err(|_| Error::new(ErrorKind::Usage, "the request has no complete address"))?;
        allowed(request.url())?;
        for _ in 0..redirect::MOST {
            let again = request.try_clone();
            let exchanged = self.exchange(request, timeouts).await;
            let (response, place) = exchanged.map_err(|error| gate.error(error))?;
            let next = again.and_then(|again| {
                let (status, headers) = (response.status(), response.headers());
                let target = redirect::target(again.method(), again.url(), status, headers)?;
                Some((again, target))
            });
            let Some((again, target)) = next else {
                return Ok(streamed(response, place, self.read_timeout, timeouts));
            };
            tracing::debug!(
                path = gate.apply(target.path()),
                "following a redirect on the same host"
            );
            request = again;
            *request.url_mut() = target;
        }
        let error = Error::new(
            ErrorKind::Protocol,
            format!("more than {} redirects in a row", redirect::MOST),
        );
        Err(gate.error(error.with_url(request.url())))
    }
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransport")
            .field("proxy", &self.proxy.as_ref().map(ToString::to_string))
            .field("connect_timeout", &self.connect_timeout)
            .field("answer_timeout", &self.answer_timeout)
            .field("read_timeout", &self.read_timeout)
            .field("total_timeout", &self.total_timeout)
            .finish_non_exhaustive()
    }
}

fn is_link_local(url: &Url) -> bool {
    matches!(url.host(), Some(Host::Ipv4(address)) if address.is_link_local())
}

fn allowed(url: &Url) -> Result<()> {
    match url.scheme() {
        "https" => Ok(()),
        // Azure's metadata service speaks plain http at an address that no router forwards.
        "http" if is_loopback(url) || is_link_local(url) => Ok(()),
        scheme => Err(Error::new(
            ErrorKind::Config,
            format!("refusing to send a request by '{scheme}': it could be read on the way"),
        )
        .with_url(url)
        .with_hint("use an https address; http is allowed to localhost only")),
    }
}

fn adapted(proxy: &Arc<Proxy>) -> reqwest::Proxy {
    let rules = Arc::clone(proxy);
    let adapted = reqwest::Proxy::custom(move |url| rules.serves(url).then(|| rules.url.clone()));
    match &proxy.authorization {
        Some(header) => adapted.custom_http_auth(header.clone()),
        None => adapted,
    }
}

fn streamed(
    mut response: reqwest::Response,
    place: Place,
    read_timeout: Duration,
    timeouts: Timeouts,
) -> http::Response<Body> {
    let status = response.status();
    let version = response.version();
    let mut headers: HeaderMap = std::mem::take(response.headers_mut());
    let codings = Codings::take(&mut headers);
    let body = body::incoming(response, codings, place, read_timeout, timeouts);
    let mut answer = http::Response::new(body);
    *answer.status_mut() = status;
    *answer.version_mut() = version;
    *answer.headers_mut() = headers;
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback_only() {
        for (url, expected) in [
            ("https://graph.microsoft.com/", true),
            ("http://127.0.0.1:8080/", true),
            ("http://[::1]/", true),
            ("http://169.254.169.254/metadata", true),
            ("http://192.168.0.1/", false),
            ("http://LOCALHOST/", true),
            ("http://graph.microsoft.com/", false),
            ("http://127.0.0.1.evil.example/", false),
            ("http://localhost.evil.example/", false),
            ("ftp://127.0.0.1/", false),
        ] {
            assert_eq!(
                allowed(&Url::parse(url).unwrap()).is_ok(),
                expected,
                "{url}"
            );
        }
    }
}
