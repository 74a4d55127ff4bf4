//! What goes wrong on the way, told apart and named for a person.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::io;
use std::time::Duration;

use defender_core::{Error, ErrorKind};
use tokio::time::Instant;
use url::Url;

use crate::Plain;

/// Where a request was going.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) url: Url,
    /// The proxy it goes through, as `host:port`.
    pub(super) proxy: Option<String>,
}

impl Place {
    fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Whom the connection is opened to: the proxy, when there is one.
    fn peer(&self) -> String {
        if let Some(proxy) = &self.proxy {
            return format!("the proxy {proxy}");
        }
        match self.url.port() {
            Some(port) => format!("{}:{port}", self.host()),
            None => self.host().to_owned(),
        }
    }

    fn error(&self, message: String) -> Error {
        Error::new(ErrorKind::Transport, message).with_url(&self.url)
    }
}

/// The end of a whole exchange.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    pub(super) total: Option<Duration>,
    pub(super) end: Option<Instant>,
}

/// Which limit has passed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passed {
    limit: Duration,
    total: bool,
}

impl Timeouts {
    /// Waits for `future`, no longer than `step` and not past the end.
    pub(super) async fn limit<F: Future>(
        &self,
        future: F,
        step: Duration,
    ) -> Result<F::Output, Passed> {
        let now = Instant::now();
        let step_end = now.checked_add(step);
        let (end, passed) = match (self.end, self.total, step_end) {
            (Some(end), Some(limit), step_end) if step_end.is_none_or(|step| end <= step) => {
                (end, Passed { limit, total: true })
            }
            (_, _, Some(end)) => (
                end,
                Passed {
                    limit: step,
                    total: false,
                },
            ),
            (_, _, None) => return Ok(future.await),
        };
        tokio::time::timeout_at(end, future)
            .await
            .map_err(|_| passed)
    }
}

/// The causes of a foreign error in one line, without its address.
///
/// The foreign error itself is not kept: its `Debug` prints whole addresses.
#[derive(Debug)]
pub(super) struct Cause(String);

impl Cause {
    pub(super) fn of(error: &reqwest::Error) -> Self {
        let mut phrases: Vec<String> = Vec::new();
        let mut next = error.source();
        while let Some(cause) = next {
            next = cause.source();
            if cause.is::<reqwest::Error>() {
                continue;
            }
            let phrase = cause.to_string();
            if !phrases.last().is_some_and(|last| last.contains(&phrase)) {
                phrases.push(phrase);
            }
        }
        Self(phrases.join(": "))
    }

    fn says(&self, words: &[&str]) -> bool {
        let text = self.0.to_ascii_lowercase();
        words.iter().any(|word| text.contains(word))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Cause {}

/// A request that got no answer.
pub(super) fn sending(error: &reqwest::Error, place: &Place, connect_timeout: Duration) -> Error {
    let cause = Cause::of(error);
    let failed = if error.is_builder() {
        Error::new(ErrorKind::Usage, "the request cannot be sent as it is").with_url(&place.url)
    } else if error.is_connect() {
        connecting(error, &cause, place, connect_timeout)
    } else {
        exchanging(error, &cause, place)
    };
    failed.with_source(cause)
}

fn connecting(error: &reqwest::Error, cause: &Cause, place: &Place, limit: Duration) -> Error {
    let peer = place.peer();
    if error.is_dns() {
        let unknown = cause.says(&["not known", "no such host", "no address associated"]);
        let failed = place
            .error(format!("the name of {peer} cannot be found"))
            .with_hint("check the name and the network; behind a proxy give its address");
        return if unknown { failed } else { failed.transient() };
    }
    if error.is_timeout() {
        return place
            .error(format!("no connection to {peer} within {}", Plain(limit)))
            .with_hint("check the network; behind a proxy give its address")
            .transient();
    }
    if cause.says(&["proxy authorization required"]) {
        return place
            .error(format!("{peer} wants other credentials (407)"))
            .with_hint("give the proxy's user and password");
    }
    if cause.says(&["tunnel error: unsuccessful", "tunnel error: proxy response"]) {
        return place
            .error(format!("{peer} would not connect to {}", place.host()))
            .with_hint("ask whoever runs the proxy whether this host is allowed")
            .transient();
    }
    match io_kind(error) {
        Some(io::ErrorKind::ConnectionRefused) => place
            .error(format!("{peer} refused the connection"))
            .with_hint("check the address and the port; nothing may be listening there")
            .transient(),
        Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => place
            .error(format!("there is no route to {peer}"))
            .with_hint("check the network; behind a proxy give its address")
            .transient(),
        Some(_) => place
            .error(format!(
                "the connection to {peer} was cut while it was opened"
            ))
            .with_hint("a firewall or proxy may be in between")
            .transient(),
        None if cause.says(&["tunnel error"]) => place
            .error(format!("{peer} cut the connection while it was opened"))
            .transient(),
        None => secured(cause, place),
    }
}

/// A TLS handshake that failed.
fn secured(cause: &Cause, place: &Place) -> Error {
    let host = place.host();
    if !cause.says(&["certificate"]) {
        return place
            .error(format!("no TLS connection to {host}"))
            .with_hint("check that the address and port speak https, and what is in between")
            .transient();
    }
    let (what, hint) = if cause.says(&["hostname mismatch", "ip address mismatch"]) {
        (
            "is made out to another name",
            "check the address; a proxy may be in between",
        )
    } else if cause.says(&["has expired", "not yet valid"]) {
        ("is out of date", "check this machine's clock")
    } else {
        (
            "is not trusted",
            "if a proxy or emulator signs its own certificates, pass its root with --ca-file",
        )
    };
    place
        .error(format!("the certificate of {host} {what}"))
        .with_hint(hint)
}

fn exchanging(error: &reqwest::Error, cause: &Cause, place: &Place) -> Error {
    let host = place.host();
    if let Some(
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe,
    ) = io_kind(error)
    {
        return place
            .error(format!(
                "the connection to {host} was reset before it answered"
            ))
            .with_hint("try again; a firewall or proxy may be in between")
            .transient();
    }
    if cause.says(&["invalid http", "parse", "invalid status"]) {
        return place
            .error(format!("{host} did not answer in HTTP"))
            .with_hint("check the address and the port");
    }
    place
        .error(format!(
            "the connection to {host} was closed before it answered"
        ))
        .with_hint("try again")
        .transient()
}

/// A request whose answer did not begin in time.
pub(super) fn unanswered(place: &Place, passed: Passed) -> Error {
    let limit = Plain(passed.limit);
    place
        .error(format!("no answer from {} within {limit}", place.host()))
        .with_hint("try again, ask for less, or allow more time")
        .transient()
}

/// A body that stopped coming.
pub(super) fn stalled(place: &Place, passed: Passed, received: u64) -> Error {
    let (host, limit) = (place.host(), Plain(passed.limit));
    let message = if passed.total {
        format!(
            "the answer of {host} was not complete within {limit}: {received} bytes had arrived"
        )
    } else {
        format!("the answer of {host} stalled for {limit} after {received} bytes")
    };
    place
        .error(message)
        .with_hint("try again, ask for less, or allow more time")
        .transient()
}

/// A body that broke off.
pub(super) fn receiving(error: &reqwest::Error, place: &Place, received: u64) -> Error {
    let cause = Cause::of(error);
    let what = match io_kind(error) {
        Some(
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe,
        ) => "was reset",
        Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other)
            if error.is_decode() && !cause.says(&["end of file", "before message"]) =>
        {
            "could not be decoded"
        }
        _ => "broke off",
    };
    ended(place, what, received).with_source(cause)
}

/// A body whose coding cannot be undone.
pub(super) fn undecoded(error: io::Error, place: &Place, received: u64) -> Error {
    let what = match error.kind() {
        io::ErrorKind::UnexpectedEof => "broke off",
        _ => "could not be decoded",
    };
    ended(place, what, received).with_source(error)
}

fn ended(place: &Place, what: &str, received: u64) -> Error {
    let host = place.host();
    place
        .error(format!(
            "the answer of {host} {what} after {received} bytes"
        ))
        .with_hint("try again")
        .transient()
}

/// The kind of the innermost input or output error behind `error`.
fn io_kind(error: &reqwest::Error) -> Option<io::ErrorKind> {
    let mut kind = None;
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(cause) = cause.downcast_ref::<io::Error>() {
            kind = Some(cause.kind());
        }
        next = cause.source();
    }
    kind
}
