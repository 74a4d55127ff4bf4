//! Waits on loopback for the browser to bring the answer.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use defender_core::{Error, ErrorKind, Result, SecretString};
use http::{Method, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use super::ResponseMode;
use super::answer::{Answer, Foreign, Incoming, answer};
use super::page::Page;

/// The longest head and the longest form that are read.
const LONGEST_HEAD: usize = 32 * 1024;
const LONGEST_BODY: usize = 64 * 1024;

/// How long one connection may take to say something: browsers open some that they never use.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a browser may take to read its page.
const GOODBYE: Duration = Duration::from_secs(5);

/// How many connections are served at once. One more ends the oldest: a browser that has something
/// to say says it at once, and those that say nothing keep nobody out.
const MOST: usize = 64;

/// How long to wait for the machine when it gives no connection and there is none to end.
const PAUSE: Duration = Duration::from_millis(50);

/// A port of this machine that only this machine reaches.
pub(super) struct Listener {
    port: u16,
    four: TcpListener,
    /// Where `localhost` is an IPv6 address first, if this machine has IPv6.
    six: Option<TcpListener>,
}

/// The answer, and the browser that waits for a page.
pub(super) struct Arrived {
    pub(super) answer: Answer,
    asking: Asking,
    /// Dropping it ends every connection.
    _connections: JoinSet<()>,
}

/// A connection that brought the answer and waits for its page.
struct Asking {
    page: oneshot::Sender<Page>,
    shown: oneshot::Receiver<()>,
}

impl Listener {
    pub(super) async fn bind() -> Result<Self> {
        let four = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let bound = four.and_then(|four| Ok((four.local_addr()?.port(), four)));
        let (port, four) = bound.map_err(|error| {
            Error::new(
                ErrorKind::Io,
                "no port of this machine could be opened for the browser's answer",
            )
            .with_source(error)
            .with_hint("sign in with a device code instead")
        })?;
        let six = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await.ok();
        Ok(Self { port, four, six })
    }

    /// Where the authority sends the browser back to; it ignores the port when it compares.
    ///
    /// Source: <https://learn.microsoft.com/entra/identity-platform/reply-url#localhost-exceptions>
    pub(super) fn redirect(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Waits for the answer with this state. Whatever else comes is refused.
    pub(super) async fn arrival(self, mode: ResponseMode, state: &SecretString) -> Arrived {
        let (sender, mut arrivals) = mpsc::channel(1);
        let mut connections = JoinSet::new();
        let mut oldest_first: VecDeque<AbortHandle> = VecDeque::new();
        loop {
            let accepted = tokio::select! {
                biased;
                Some((answer, asking)) = arrivals.recv() => {
                    return Arrived { answer, asking, _connections: connections };
                }
                Some(_) = connections.join_next() => {
                    oldest_first.retain(|connection| !connection.is_finished());
                    continue;
                }
                accepted = self.accept() => accepted,
            };
            // Out of files, mostly: others must end first.
            if accepted.is_err() || connections.len() >= MOST {
                match oldest_first.pop_front() {
                    Some(oldest) => oldest.abort(),
                    None => tokio::time::sleep(PAUSE).await,
                }
            }
            let Ok(Some(stream)) = accepted else {
                continue;
            };
            let connection = Connection {
                port: self.port,
                mode,
                state: state.clone(),
                arrivals: sender.clone(),
            };
            oldest_first.push_back(connections.spawn(connection.serve(stream)));
        }
    }

    /// The next connection; none for one that is not of this machine.
    async fn accept(&self) -> std::io::Result<Option<TcpStream>> {
        let (stream, peer) = match &self.six {
            None => self.four.accept().await,
            Some(six) => tokio::select! {
                accepted = self.four.accept() => accepted,
                accepted = six.accept() => accepted,
            },
        }?;
        Ok(peer.ip().is_loopback().then_some(stream))
    }
}

impl Arrived {
    /// Shows `page` in the browser that brought the answer; a browser that is gone is no error.
    pub(super) async fn reply(self, page: Page) {
        if self.asking.page.send(page).is_ok() {
            // An error is as good: the connection has ended.
            let _ = timeout(GOODBYE, self.asking.shown).await;
        }
    }
}

struct Connection {
    port: u16,
    mode: ResponseMode,
    state: SecretString,
    arrivals: mpsc::Sender<(Answer, Asking)>,
}

impl Connection {
    async fn serve(self, mut stream: TcpStream) {
        let (page, shown) = match timeout(PATIENCE, read(&mut stream)).await {
            Ok(Ok(Some(incoming))) => self.page(&incoming).await,
            Ok(Err(foreign)) => (Some(Page::foreign(&foreign)), None),
            Ok(Ok(None)) | Err(_) => return,
        };
        let Some(page) = page else {
            return;
        };
        let farewell = async {
            stream.write_all(&page.to_bytes()).await?;
            stream.shutdown().await?;
            if let Some(shown) = shown {
                // Nobody listens when the sign-in was cancelled.
                let _ = shown.send(());
            }
            // Closing with unread bytes would take the page away from the browser again.
            let mut rest = [0; 1024];
            while stream.read(&mut rest).await? > 0 {}
            Ok::<_, std::io::Error>(())
        };
        let _ = timeout(GOODBYE, farewell).await;
    }

    /// The page that answers `incoming`; the answer waits for what becomes of it, and says when
    /// that has been shown.
    async fn page(&self, incoming: &Incoming) -> (Option<Page>, Option<oneshot::Sender<()>>) {
        let foreign = match answer(incoming, self.port, self.mode, &self.state) {
            Err(foreign) => foreign,
            Ok(answer) => {
                let (sender, page) = oneshot::channel();
                let (done, shown) = oneshot::channel();
                let asking = Asking {
                    page: sender,
                    shown,
                };
                // The first answer is the only one: a second finds the channel full or closed.
                if self.arrivals.try_send((answer, asking)).is_ok() {
                    return (page.await.ok(), Some(done));
                }
                Foreign::new(StatusCode::GONE, "this sign-in is over")
            }
        };
        tracing::debug!(
            status = foreign.status.as_u16(),
            reason = foreign.reason,
            "a request was refused that is not the answer to the sign-in"
        );
        (Some(Page::foreign(&foreign)), None)
    }
}

/// One request; `None` when the connection ends before there is one.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<Incoming>, Foreign> {
    const UNREADABLE: Foreign = Foreign::new(StatusCode::BAD_REQUEST, "this is not a request");
    const TOO_LONG: Foreign = Foreign::new(StatusCode::PAYLOAD_TOO_LARGE, "this is too long");
    let mut received = Vec::new();
    let mut chunk = [0; 4096];
    let end = loop {
        if let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if received.len() > LONGEST_HEAD {
            return Err(TOO_LONG);
        }
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return Ok(None),
            Ok(count) => received.extend_from_slice(&chunk[..count]),
        }
    };
    let head = std::str::from_utf8(&received[..end]).map_err(|_| UNREADABLE)?;
    let (mut incoming, length) = parsed(head).ok_or(UNREADABLE)?;
    if length > LONGEST_BODY {
        return Err(TOO_LONG);
    }
    let mut body = received.split_off(end + 4);
    while body.len() < length {
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return Ok(None),
            Ok(count) => body.extend_from_slice(&chunk[..count]),
        }
    }
    body.truncate(length);
    incoming.body = body;
    Ok(Some(incoming))
}

/// A request's head, and how long its body is.
fn parsed(head: &str) -> Option<(Incoming, usize)> {
    let mut lines = head.split("\r\n");
    let mut words = lines.next()?.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() || !version.starts_with("HTTP/1.") {
        return None;
    }
    let mut incoming = Incoming {
        method: Method::from_bytes(method.as_bytes()).ok()?,
        target: target.to_owned(),
        hosts: Vec::new(),
        content_type: String::new(),
        body: Vec::new(),
    };
    let mut length = None;
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "host" => incoming.hosts.push(value.to_owned()),
            "content-type" if incoming.content_type.is_empty() => {
                let kind = value.split(';').next().unwrap_or_default();
                kind.trim().clone_into(&mut incoming.content_type);
            }
            "content-length" if length.is_none() => length = Some(value.parse().ok()?),
            // Two lengths, or chunks, which no browser sends a form in.
            "content-length" | "transfer-encoding" => return None,
            _ => {}
        }
    }
    Some((incoming, length.unwrap_or(0)))
}
