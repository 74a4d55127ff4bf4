//! A plain HTTP client of the tests' own: hyper's connection, OpenSSL's TLS, nothing else.

use std::io::Read;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use defender_emulator::{Column, ColumnType, Data, Emulator, Options, Running, Script, Value};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use openssl::ssl::{Ssl, SslContext, SslMethod, SslVerifyMode};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use serde_json::{Map, Value as Json, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

pub(crate) const TENANT: &str = "11111111-1111-1111-1111-111111111111";
pub(crate) const CLIENT: &str = "11111111-1111-1111-1111-aaaaaaaaaaaa";
pub(crate) const SECRET: &str = "demo-secret-made-up";
pub(crate) const GRAPH: &str = "https://graph.microsoft.com/.default";
pub(crate) const MDE: &str = "https://api.securitycenter.microsoft.com/.default";
pub(crate) const XDR: &str = "https://api.security.microsoft.com/.default";
pub(crate) const RUN: [&str; 3] = [
    "/v1.0/security/runHuntingQuery",
    "/api/advancedqueries/run",
    "/api/advancedhunting/run",
];

/// 2026-11-20T08:00:00Z.
pub(crate) fn noon() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_hours(498_656)
}

/// Options with a clock that stands still, no compression and one scripted table of every type.
pub(crate) fn options() -> Options {
    Options {
        clock: Arc::new(noon),
        gzip: false,
        data: Data::Backend(Arc::new(script())),
        ..Options::default()
    }
}

pub(crate) fn script() -> Script {
    use ColumnType as Type;
    let columns = [
        ("Timestamp", Type::DateTime),
        ("DeviceName", Type::String),
        ("IsAdmin", Type::Bool),
        ("ProcessId", Type::Int),
        ("ReportId", Type::Long),
        ("Score", Type::Real),
        ("Price", Type::Decimal),
        ("Took", Type::TimeSpan),
        ("Id", Type::Guid),
        ("Details", Type::Dynamic),
    ]
    .map(|(name, ty)| Column::new(name, ty));
    let full = vec![
        Value::DateTime(639_000_000_000_000_001),
        Value::String("srv01 \"a\"\u{1f41f}".to_owned()),
        Value::Bool(true),
        Value::Int(-7),
        Value::Long(639_199_803_770_463_703),
        Value::Real(10.0),
        Value::Decimal("1.50".to_owned()),
        Value::TimeSpan(900_061_234_567),
        Value::Guid("74be27de-1e4e-49d9-b579-fe0b331d3642".to_owned()),
        Value::Dynamic(json!({"a": [1, {"b": 2}], "c": {"d": null, "e": "f"}})),
    ];
    let mut odd = vec![Value::Null; columns.len()];
    odd[5] = Value::Real(f64::NAN);
    odd[9] = Value::Dynamic(json!(["x", "{}"]));
    let null = vec![Value::Null; columns.len()];
    Script::new()
        .answer("Everything", columns.to_vec(), vec![full, odd, null])
        .answer("Nothing", columns.to_vec(), Vec::new())
        .answer(
            "Many",
            vec![Column::new("N", Type::Long)],
            (0..25).map(|n| vec![Value::Long(n)]).collect(),
        )
}

pub(crate) async fn start() -> Running {
    Emulator::start(options()).await.unwrap()
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Json {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Status, headers and body for a snapshot, without what the port decides.
    pub(crate) fn exchange(&self, running: &Running) -> Json {
        let plain = |text: &str| text.replace(&running.http_url(), "http://127.0.0.1:PORT");
        let headers: Map<String, Json> = self
            .headers
            .iter()
            .filter(|(name, _)| *name != "content-length")
            .map(|(name, value)| (name.to_string(), json!(plain(value.to_str().unwrap()))))
            .collect();
        let body = match serde_json::from_slice::<Json>(&self.body) {
            Ok(mut body) => {
                if let Some(token) = body.get_mut("access_token") {
                    assert_eq!(token.as_str().unwrap().split('.').count(), 3);
                    *token = json!("[jws]");
                }
                let text = plain(&body.to_string());
                serde_json::from_str(&text).unwrap()
            }
            Err(_) => json!(plain(&self.text())),
        };
        json!({"status": self.status, "headers": headers, "body": body})
    }
}

/// Sends one request over a stream of its own.
pub(crate) async fn send<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Answer, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    let response: Response<_> = sender
        .send_request(request)
        .await
        .map_err(|error| error.to_string())?;
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(|error| error.to_string())?;
    Ok(Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: body.to_bytes(),
    })
}

pub(crate) fn address(url: &str) -> SocketAddr {
    let rest = url.split_once("://").unwrap().1;
    rest.rsplit('@').next().unwrap().parse().unwrap()
}

pub(crate) fn request(
    method: &str,
    host: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Request<Full<Bytes>> {
    let mut builder = Request::builder()
        .method(method)
        .uri(path)
        .header("host", host);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(Full::new(body.into())).unwrap()
}

/// One request to the plain address.
pub(crate) async fn direct(
    running: &Running,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Result<Answer, String> {
    let address = address(&running.http_url());
    let stream = TcpStream::connect(address).await.unwrap();
    let request = request(method, &address.to_string(), path, headers, body);
    send(stream, request).await
}

/// TLS to `host` over `stream`, trusting the emulator's authority only.
pub(crate) async fn tls<S>(
    running: &Running,
    stream: S,
    host: &str,
) -> Result<SslStream<S>, openssl::ssl::Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut store = X509StoreBuilder::new().unwrap();
    store
        .add_cert(X509::from_pem(running.ca_pem().as_bytes()).unwrap())
        .unwrap();
    let mut context = SslContext::builder(SslMethod::tls_client()).unwrap();
    context.set_verify(SslVerifyMode::PEER);
    context.set_cert_store(store.build());
    let mut ssl = Ssl::new(&context.build()).unwrap();
    if let Ok(address) = host.parse() {
        ssl.param_mut().set_ip(address).unwrap();
    } else {
        ssl.set_hostname(host).unwrap();
        ssl.param_mut().set_host(host).unwrap();
    }
    let mut stream = SslStream::new(ssl, stream).unwrap();
    Pin::new(&mut stream).connect().await?;
    Ok(stream)
}

/// What the proxy says to a CONNECT, and the tunnel when it says 200.
pub(crate) async fn connect(running: &Running, target: &str, headers: &str) -> (String, TcpStream) {
    let mut stream = TcpStream::connect(address(&running.proxy_url().unwrap()))
        .await
        .unwrap();
    stream
        .write_all(
            format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{headers}\r\n").as_bytes(),
        )
        .await
        .unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let mut head = String::from_utf8(head).unwrap();
    if !head.starts_with("HTTP/1.1 200") {
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .unwrap()
            .parse()
            .unwrap();
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        head.push_str(&String::from_utf8(body).unwrap());
    }
    (head, stream)
}

/// One request through the proxy, to a host under its true name.
pub(crate) async fn proxied(
    running: &Running,
    host: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Answer {
    let (head, stream) = connect(running, &format!("{host}:443"), "").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let stream = tls(running, stream, host).await.unwrap();
    send(stream, request(method, host, path, headers, body))
        .await
        .unwrap()
}

pub(crate) const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
pub(crate) const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");

/// The form of a client credentials request.
pub(crate) fn form(client: &str, secret: &str, scope: &str) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_id", client)
        .append_pair("client_secret", secret)
        .append_pair("scope", scope)
        .finish()
}

/// A token of the demo tenant from the plain address.
pub(crate) async fn token(running: &Running, scope: &str) -> String {
    let answer = direct(
        running,
        "POST",
        &format!("/{TENANT}/oauth2/v2.0/token"),
        &[FORM],
        form(CLIENT, SECRET, scope),
    )
    .await
    .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

/// A token of a tenant from an authority under its true name.
pub(crate) async fn token_at(running: &Running, login: &str, digit: u8, scope: &str) -> Answer {
    let [tenant, client] = [
        TENANT.replace('1', &digit.to_string()),
        CLIENT.replace('1', &digit.to_string()),
    ];
    let secret = ["demo", "second", "government"][usize::from(digit - 1)];
    proxied(
        running,
        login,
        "POST",
        &format!("/{tenant}/oauth2/v2.0/token"),
        &[FORM],
        form(&client, &format!("{secret}-secret-made-up"), scope),
    )
    .await
}

/// One hunting request to the plain address.
pub(crate) async fn hunt(running: &Running, path: &str, token: &str, query: &str) -> Answer {
    direct(
        running,
        "POST",
        path,
        &[JSON, ("authorization", &format!("Bearer {token}"))],
        json!({"Query": query}).to_string(),
    )
    .await
    .unwrap()
}

pub(crate) fn scope_of(path: &str) -> &'static str {
    match path {
        "/api/advancedqueries/run" => MDE,
        "/api/advancedhunting/run" => XDR,
        _ => GRAPH,
    }
}

pub(crate) fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::GzDecoder::new(bytes)
        .read_to_end(&mut out)
        .unwrap();
    out
}
