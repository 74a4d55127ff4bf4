//! Signing in over a real connection on loopback, with all the pieces a program puts together.

#![cfg(feature = "client-secret")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[cfg(all(feature = "browser", feature = "device-code", feature = "token-cache"))]
mod users;

#[cfg(all(
    feature = "environment",
    feature = "token-cache",
    feature = "azure-cli"
))]
mod debug;

#[cfg(all(feature = "environment", feature = "managed-identity"))]
mod applications;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use defender_core::{Credential, ExposeSecret, ManualClock, Scope, TokenRequest};
use defender_credentials::{Authority, Cached, ClientSecret};
use defender_http::{HttpOptions, HttpTransport, Jitter, Retry, RetryPolicy, Traced};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

const SECRET: &str = "canary~secret/8Q";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads one request whole; its first line and its body.
async fn request(stream: &mut TcpStream) -> (String, String) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1).unwrap();
    let mut body = vec![0; length.lines().next().unwrap().parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    let line = head.lines().next().unwrap().to_owned();
    (line, String::from_utf8(body).unwrap())
}

async fn answer(stream: &mut TcpStream, head: &str, body: &str) {
    let length = body.len();
    let text = format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(text.as_bytes()).await.unwrap();
}

#[tokio::test]
async fn a_busy_authority_is_asked_again_and_the_token_is_kept() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let clock = Arc::new(ManualClock::new(SystemTime::UNIX_EPOCH));
    let transport = HttpTransport::new(&HttpOptions::default()).unwrap();
    let credential = Cached::new(
        ClientSecret::new(
            Authority::new(Url::parse(&base).unwrap(), "contoso.example").unwrap(),
            "client",
            SECRET.into(),
            Arc::new(Traced::new(transport)),
            clock.clone(),
        ),
        clock.clone(),
    );
    let retry = Retry {
        jitter: Jitter::Fixed(0.0),
        ..Retry::new(RetryPolicy::default(), clock.clone())
    };
    let wanted = TokenRequest::new(Scope::default_of("https://graph.microsoft.com"));

    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let first = request(&mut stream).await;
        answer(&mut stream, "503 Busy\r\nretry-after: 7", "").await;
        let second = request(&mut stream).await;
        assert_eq!(first, second);
        let token = r#"{"access_token":"canary-token","expires_in":3599,"token_type":"Bearer"}"#;
        answer(&mut stream, "200 OK", token).await;
        first
    };
    let client = async {
        let token = retry.run(|_| credential.token(&wanted)).await.unwrap();
        // Nobody serves a third request.
        let again = credential.token(&wanted).await.unwrap();
        assert_eq!(again.id, token.id);
        token
    };
    let ((line, body), token) = tokio::join!(server, client);

    assert_eq!(line, "post /contoso.example/oauth2/v2.0/token http/1.1");
    assert_eq!(
        body,
        "client_id=client&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default\
         &grant_type=client_credentials&client_secret=canary%7Esecret%2F8Q"
    );
    assert_eq!(token.secret.expose_secret(), "canary-token");
    assert_eq!(clock.slept(), [Duration::from_secs(7)]);
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(7 + 3599);
    assert_eq!(token.expires_at, end);

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        log.contains("status=503") && log.contains("got a token"),
        "{log}"
    );
    assert!(!log.contains("canary"), "{log}");
}
