//! A server on loopback, written by hand so that it can misbehave.

use bytes::Bytes;
use defender_core::{Body, Result, Transport};
use defender_http::{HttpOptions, HttpTransport};
use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{Ssl, SslAcceptor, SslMethod};
use openssl::x509::extension::{BasicConstraints, KeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509NameBuilder};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_openssl::SslStream;

/// A listener and its address.
pub(crate) async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

/// The next connection.
pub(crate) async fn accept(listener: &TcpListener) -> TcpStream {
    listener.accept().await.unwrap().0
}

/// The head of the next request, and its body read past; `""` when the client has gone.
pub(crate) async fn head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else {
            return String::new();
        };
        text.push(byte);
    }
    let text = String::from_utf8(text).unwrap();
    let length = value_of(&text, "content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    text
}

/// The value of a header in a head.
pub(crate) fn value_of<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(": ")?;
        key.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// Writes bytes.
pub(crate) async fn write(stream: &mut (impl AsyncWrite + Unpin), bytes: impl AsRef<[u8]>) {
    stream.write_all(bytes.as_ref()).await.unwrap();
    stream.flush().await.unwrap();
}

/// Answers with status line, headers and a body of known length.
pub(crate) async fn answer(stream: &mut (impl AsyncWrite + Unpin), head: &str, body: &[u8]) {
    let head = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len());
    write(stream, [head.as_bytes(), body].concat()).await;
}

/// Sends a GET with a token.
pub(crate) async fn get(transport: &HttpTransport, url: &str) -> Result<http::Response<Body>> {
    let request = http::Request::get(url)
        .header("authorization", "Bearer canary-token")
        .body(Bytes::new())
        .unwrap();
    transport.send(request).await
}

/// The whole body as text.
pub(crate) async fn text(answer: http::Response<Body>) -> Result<String> {
    let bytes = answer.into_body().collect(1024 * 1024).await?;
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

/// A transport with the default options.
pub(crate) fn transport() -> HttpTransport {
    HttpTransport::new(&HttpOptions::default()).unwrap()
}

/// A certificate authority, and a server with a certificate for `name` signed by it.
pub(crate) struct Secured {
    pub(crate) root: Vec<u8>,
    acceptor: SslAcceptor,
}

impl Secured {
    pub(crate) fn new(name: &str) -> Self {
        let (root, root_key) = certificate(&format!("Root of {name}"), None, None);
        let (leaf, leaf_key) = certificate(name, Some(name), Some((&root, &root_key)));
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
        acceptor.set_certificate(&leaf).unwrap();
        acceptor.set_private_key(&leaf_key).unwrap();
        Self {
            root: root.to_pem().unwrap(),
            acceptor: acceptor.build(),
        }
    }

    /// The stream after the handshake, or `None` when the client broke it off.
    pub(crate) async fn accept(&self, stream: TcpStream) -> Option<SslStream<TcpStream>> {
        let ssl = Ssl::new(self.acceptor.context()).unwrap();
        let mut stream = SslStream::new(ssl, stream).unwrap();
        std::pin::Pin::new(&mut stream).accept().await.ok()?;
        Some(stream)
    }
}

fn certificate(
    common_name: &str,
    host: Option<&str>,
    issuer: Option<(&X509, &PKey<Private>)>,
) -> (X509, PKey<Private>) {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", common_name).unwrap();
    let name = name.build();
    let mut serial = BigNum::new().unwrap();
    serial.rand(127, MsbOption::MAYBE_ZERO, false).unwrap();

    let mut builder: X509Builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder
        .set_serial_number(&serial.to_asn1_integer().unwrap())
        .unwrap();
    builder.set_subject_name(&name).unwrap();
    builder
        .set_issuer_name(issuer.map_or(&*name, |(issuer, _)| issuer.subject_name()))
        .unwrap();
    builder.set_pubkey(&key).unwrap();
    builder
        .set_not_before(&Asn1Time::days_from_now(0).unwrap())
        .unwrap();
    builder
        .set_not_after(&Asn1Time::days_from_now(2).unwrap())
        .unwrap();
    if let Some(host) = host {
        let mut names = SubjectAlternativeName::new();
        if host.parse::<std::net::IpAddr>().is_ok() {
            names.ip(host);
        } else {
            names.dns(host);
        }
        let extension = names.build(&builder.x509v3_context(None, None)).unwrap();
        builder.append_extension(extension).unwrap();
    } else {
        builder
            .append_extension(BasicConstraints::new().critical().ca().build().unwrap())
            .unwrap();
        builder
            .append_extension(KeyUsage::new().critical().key_cert_sign().build().unwrap())
            .unwrap();
    }
    let signer = issuer.map_or(&key, |(_, key)| key);
    builder.sign(signer, MessageDigest::sha256()).unwrap();
    (builder.build(), key)
}
