//! A transport that answers from a script, for tests.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use defender_core::{Body, Error, Result, Transport};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use tokio::sync::Notify;
use url::Url;

/// A transport that answers from a script and remembers what it was sent.
///
/// Clones share script and memory, so that a test can keep one and give the other away. A
/// request that the script has no answer for is a panic: it must not pass for a network error
/// that the code under test may survive.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use bytes::Bytes;
/// use defender_core::Transport;
/// use defender_http::{Answer, ScriptedTransport};
///
/// let transport = ScriptedTransport::new([Answer::json(200, r#"{"value":[]}"#)]);
/// let request = http::Request::get("https://api.example/alerts").body(Bytes::new()).unwrap();
/// let answer = transport.send(request).await.unwrap();
/// assert_eq!(answer.into_body().collect(1024).await.unwrap(), r#"{"value":[]}"#);
/// assert_eq!(transport.requests()[0].url.path(), "/alerts");
/// transport.assert_finished();
/// # });
/// ```
#[derive(Clone)]
pub struct ScriptedTransport(Arc<Inner>);

struct Inner {
    script: Script,
    requests: Mutex<Vec<RecordedRequest>>,
}

type Answering = dyn Fn(&RecordedRequest) -> Answer + Send + Sync;

enum Script {
    Queue(Mutex<VecDeque<Answer>>),
    Function(Box<Answering>),
}

impl ScriptedTransport {
    /// Answers with `answers`, in order.
    pub fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let answers = answers.into_iter().collect();
        Self::with(Script::Queue(Mutex::new(answers)))
    }

    /// Answers each request with what `answer` makes of it; for requests whose order is open.
    pub fn answering(answer: impl Fn(&RecordedRequest) -> Answer + Send + Sync + 'static) -> Self {
        Self::with(Script::Function(Box::new(answer)))
    }

    fn with(script: Script) -> Self {
        Self(Arc::new(Inner {
            script,
            requests: Mutex::default(),
        }))
    }

    /// Everything that was sent so far, in order.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        locked(&self.0.requests).clone()
    }

    /// Checks that every answer of the queue was used.
    ///
    /// # Panics
    ///
    /// When answers are left.
    pub fn assert_finished(&self) {
        if let Script::Queue(answers) = &self.0.script {
            let left = locked(answers).len();
            assert!(left == 0, "{left} answers of the script were not used");
        }
    }

    fn answer(&self, request: &RecordedRequest) -> Answer {
        match &self.0.script {
            Script::Function(answer) => answer(request),
            Script::Queue(answers) => {
                let answer = locked(answers).pop_front();
                assert!(
                    answer.is_some(),
                    "the script has no answer left for {} {}",
                    request.method,
                    request.url
                );
                answer.unwrap_or_else(|| Answer::new(500))
            }
        }
    }
}

#[async_trait]
impl Transport for ScriptedTransport {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Body>> {
        let request = RecordedRequest::new(request);
        // Recorded before the answer is looked for, so that a panic can be examined.
        locked(&self.0.requests).push(request.clone());
        let answer = self.answer(&request);
        if let Some(gate) = &answer.gate {
            gate.notified().await;
        }
        answer.into_response()
    }
}

impl fmt::Debug for ScriptedTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScriptedTransport")
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A request as it was sent.
#[derive(Clone)]
pub struct RecordedRequest {
    /// The method.
    pub method: Method,
    /// The whole address.
    pub url: Url,
    /// The headers, as given by the caller.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl RecordedRequest {
    fn new(request: http::Request<Bytes>) -> Self {
        let (parts, body) = request.into_parts();
        let address = parts.uri.to_string();
        let url = Url::parse(&address);
        assert!(url.is_ok(), "a request was sent to '{address}'");
        Self {
            method: parts.method,
            url: url.unwrap_or_else(|_| unreachable!("checked above")),
            headers: parts.headers,
            body,
        }
    }

    /// The value of a header, or `""`.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as the fields of a form, in order.
    pub fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(&self.body)
            .into_owned()
            .collect()
    }
}

/// Only method and address: the rest may be secret.
impl fmt::Debug for RecordedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}{}",
            self.method,
            self.url.origin().ascii_serialization(),
            self.url.path()
        )
    }
}

/// One answer of a script. `Debug` shows its status alone: bodies hold tokens.
pub struct Answer {
    head: Result<StatusCode>,
    headers: HeaderMap,
    chunks: Vec<Result<Bytes>>,
    gate: Option<Arc<Notify>>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}

impl Answer {
    /// An answer with this status and no body.
    ///
    /// # Panics
    ///
    /// When `status` is no HTTP status.
    pub fn new(status: u16) -> Self {
        let status = StatusCode::from_u16(status);
        assert!(status.is_ok(), "no HTTP status");
        Self {
            head: Ok(status.unwrap_or_default()),
            headers: HeaderMap::new(),
            chunks: Vec::new(),
            gate: None,
        }
    }

    /// An answer with this status and JSON text.
    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self::new(status)
            .header("content-type", "application/json; charset=utf-8")
            .body(body)
    }

    /// No answer: sending fails with `error`.
    pub fn failure(error: Error) -> Self {
        Self {
            head: Err(error),
            headers: HeaderMap::new(),
            chunks: Vec::new(),
            gate: None,
        }
    }

    /// Adds a header.
    ///
    /// # Panics
    ///
    /// When name or value cannot be a header's.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let pair = (HeaderName::try_from(name), HeaderValue::try_from(value));
        let (Ok(name), Ok(value)) = pair else {
            panic!("no header: '{name}'");
        };
        self.headers.append(name, value);
        self
    }

    /// Adds a chunk to the body.
    #[must_use]
    pub fn body(mut self, chunk: impl Into<Bytes>) -> Self {
        self.chunks.push(Ok(chunk.into()));
        self
    }

    /// Adds several chunks to the body.
    #[must_use]
    pub fn chunks<C: Into<Bytes>>(mut self, chunks: impl IntoIterator<Item = C>) -> Self {
        self.chunks
            .extend(chunks.into_iter().map(|chunk| Ok(chunk.into())));
        self
    }

    /// Breaks the body off with `error` after the chunks so far.
    #[must_use]
    pub fn then(mut self, error: Error) -> Self {
        self.chunks.push(Err(error));
        self
    }

    /// Holds the answer back until `gate` is notified.
    #[must_use]
    pub fn held_by(mut self, gate: Arc<Notify>) -> Self {
        self.gate = Some(gate);
        self
    }

    fn into_response(self) -> Result<http::Response<Body>> {
        let mut response =
            http::Response::new(Body::from_stream(futures::stream::iter(self.chunks)));
        *response.status_mut() = self.head?;
        *response.headers_mut() = self.headers;
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(body: &'static str) -> http::Request<Bytes> {
        http::Request::post("https://api.example/token?x=1")
            .header("accept", "application/json")
            .body(body.into())
            .unwrap()
    }

    #[tokio::test]
    async fn requests_are_answered_in_order_and_remembered() {
        let transport = ScriptedTransport::new([Answer::new(429), Answer::json(200, "{}")]);
        assert_eq!(
            transport.send(request("a=1&b=x+y")).await.unwrap().status(),
            429
        );
        assert_eq!(transport.send(request("")).await.unwrap().status(), 200);
        transport.assert_finished();
        let first = &transport.requests()[0];
        assert_eq!(
            first.form(),
            [("a".into(), "1".into()), ("b".into(), "x y".into())]
        );
        assert_eq!(first.header("accept"), "application/json");
        assert_eq!(format!("{first:?}"), "POST https://api.example/token");
    }

    #[tokio::test]
    async fn an_empty_script_is_a_panic() {
        let transport = ScriptedTransport::new([]);
        let sent = tokio::spawn({
            let transport = transport.clone();
            async move { transport.send(request("")).await.map(drop) }
        });
        assert!(sent.await.unwrap_err().is_panic());
        assert_eq!(transport.requests().len(), 1);
    }

    #[tokio::test]
    async fn a_body_can_break_off() {
        let reset = Error::new(defender_core::ErrorKind::Transport, "reset");
        let transport = ScriptedTransport::new([Answer::new(200).body("ab").then(reset)]);
        let mut body = transport.send(request("")).await.unwrap().into_body();
        assert_eq!(body.chunk().await.unwrap().unwrap(), "ab");
        assert_eq!(body.chunk().await.unwrap_err().to_string(), "reset");
    }
}
