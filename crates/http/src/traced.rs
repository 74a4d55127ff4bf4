//! Logs what a transport does, and nothing secret of it.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use defender_core::{Body, Redaction, Result, Transport};
use http::HeaderMap;
use tokio::time::Instant;
use tracing::Instrument;

/// Logs every request of the transport inside it, as `tracing` events of level debug.
///
/// An event has method, address without query, status, sizes and duration. Of headers only the
/// values on a short list are printed, all others as `REDACTED`; bodies never are.
#[derive(Clone, Debug)]
pub struct Traced<T> {
    inner: T,
    hidden: Redaction,
}

impl<T> Traced<T> {
    /// Logs what `inner` does.
    pub fn new(inner: T) -> Self {
        Self::hiding(inner, Redaction::default())
    }

    /// Logs what `inner` does, without what is `hidden`; its errors do not hold it either.
    pub fn hiding(inner: T, hidden: Redaction) -> Self {
        Self { inner, hidden }
    }
}

#[async_trait]
impl<T: Transport> Transport for Traced<T> {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Body>> {
        // A response may repeat what the request proves itself with, and an address that a service
        // gave for the next page as well.
        let sent = Redaction::of_request(&request);
        let span = tracing::debug_span!(
            "request",
            method = %request.method(),
            url = %self.hidden.apply(&sent.apply(&Address(request.uri()).to_string())),
        );
        let start = Instant::now();
        tracing::debug!(
            parent: &span,
            bytes = request.body().len(),
            headers = %self.hidden.apply(&Headers(request.headers()).to_string()),
            "sending"
        );
        let answer = self.inner.send(request).instrument(span.clone()).await;
        let milliseconds = start.elapsed().as_millis();
        match answer {
            Ok(answer) => {
                tracing::debug!(
                    parent: &span,
                    status = answer.status().as_u16(),
                    milliseconds,
                    headers = %self.hidden.apply(&sent.apply(&Headers(answer.headers()).to_string())),
                    "answered"
                );
                Ok(answer.map(|body| counted(body, span, start)))
            }
            Err(error) => {
                let error = self.hidden.error(sent.error(error));
                tracing::debug!(parent: &span, %error, milliseconds, "not answered");
                Err(error)
            }
        }
    }
}

/// A body that logs its size when it ends.
fn counted(body: Body, span: tracing::Span, start: Instant) -> Body {
    let state = (body, span, 0_u64);
    let chunks = futures::stream::try_unfold(state, move |(mut body, span, before)| async move {
        let milliseconds = || start.elapsed().as_millis();
        match body.chunk().await {
            Ok(Some(chunk)) => {
                let bytes = before + chunk.len() as u64;
                Ok(Some((chunk, (body, span, bytes))))
            }
            Ok(None) => {
                let milliseconds = milliseconds();
                tracing::debug!(parent: &span, bytes = before, milliseconds, "complete");
                Ok(None)
            }
            Err(error) => {
                let milliseconds = milliseconds();
                tracing::debug!(parent: &span, bytes = before, milliseconds, %error, "broke off");
                Err(error)
            }
        }
    });
    Body::from_stream(chunks)
}

/// An address without query, fragment and user.
struct Address<'a>(&'a http::Uri);

impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.0.scheme_str().unwrap_or_default();
        let host = self.0.host().unwrap_or_default();
        write!(f, "{scheme}://{host}")?;
        if let Some(port) = self.0.port_u16() {
            write!(f, ":{port}")?;
        }
        f.write_str(self.0.path())
    }
}

/// Headers whose values hold no secret.
const ALLOWED: [&str; 18] = [
    "accept",
    "accept-encoding",
    "cache-control",
    "client-request-id",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "request-id",
    "retry-after",
    "return-client-request-id",
    "server",
    "transfer-encoding",
    "user-agent",
    "x-ms-ests-server",
    "x-ms-request-id",
    "x-ms-retry-after-ms",
];

struct Headers<'a>(&'a HeaderMap);

impl fmt::Display for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (name, value)) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(", ")?;
            }
            if ALLOWED.contains(&name.as_str()) {
                write!(f, "{name}: {value:?}")?;
            } else {
                write!(f, "{name}: REDACTED")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use defender_core::{Error, ErrorKind};

    use super::*;
    use crate::{Answer, ScriptedTransport};

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged while one request with a token is sent and its answer read.
    fn logged(answer: Answer) -> String {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .without_time()
            .with_writer(move || writer.clone())
            .finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        // With one subscriber alone, a test on another thread decides what is logged; with two not.
        let _second = tracing::Dispatch::new(tracing_subscriber::registry());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let transport = Traced::new(ScriptedTransport::new([answer]));
            let request = http::Request::post("https://user:canary@api.example/run?code=canary")
                .header("authorization", "Bearer canary")
                .header("content-type", "application/json")
                .body(Bytes::from_static(b"canary"))
                .unwrap();
            if let Ok(answer) = transport.send(request).await {
                let _ = answer.into_body().collect(1024).await;
            }
        });
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(!text.contains("canary"), "{text}");
        text
    }

    #[test]
    fn an_exchange_is_logged_without_its_secrets() {
        let answer = Answer::new(200)
            .header("set-cookie", "canary")
            .header("request-id", "abc")
            .chunks(["can", "ary"]);
        insta::assert_snapshot!(logged(answer));
    }

    #[test]
    fn failures_are_logged() {
        let broken = || Error::new(ErrorKind::Transport, "the connection was reset");
        insta::assert_snapshot!("not answered", logged(Answer::failure(broken())));
        insta::assert_snapshot!(
            "broken off",
            logged(Answer::new(200).body("ca").then(broken()))
        );
    }
}
