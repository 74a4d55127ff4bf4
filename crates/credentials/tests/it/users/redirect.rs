//! An authority that sends its client elsewhere is not followed.

use std::sync::Arc;

use defender_core::{Credential, ErrorKind, SecretString};
use defender_credentials::{Authority, DeviceCode, PublicClient, RefreshToken};
use defender_http::{HttpOptions, HttpTransport, SystemClock};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use url::Url;

use super::{CLIENT, TENANT, Told, graph, shown};
use crate::request;

#[tokio::test]
async fn no_secret_goes_where_an_authority_redirects_to() {
    for status in [
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = format!("http://{}/token", elsewhere.local_addr().unwrap());
        let base = format!("http://{}", authority.local_addr().unwrap());
        let server = async {
            for _ in 0..2 {
                let (mut stream, _) = authority.accept().await.unwrap();
                request(&mut stream).await;
                let answer = format!(
                    "HTTP/1.1 {status}\r\nlocation: {target}\r\ncontent-length: 0\r\n\
                     connection: close\r\n\r\n"
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        };
        let authority = Authority::new(Url::parse(&base).unwrap(), TENANT).unwrap();
        let transport = Arc::new(HttpTransport::new(&HttpOptions::default()).unwrap());
        let client = PublicClient::new(authority, CLIENT, transport, Arc::new(SystemClock));
        let token = SecretString::from("canary-refresh");
        let refresh = RefreshToken::new(client.clone(), token);
        let device_code = DeviceCode::new(client, Arc::new(Told::default()));
        let asking = async {
            for credential in [&refresh as &dyn Credential, &device_code] {
                let error = credential.token(&graph()).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Protocol, "{error:?}");
                assert!(!shown(&error).contains("canary"));
            }
        };
        tokio::select! {
            ((), ()) = async { tokio::join!(server, asking) } => {}
            _ = elsewhere.accept() => panic!("a request went to another host"),
        }
    }
}

#[test]
fn an_authority_off_loopback_must_be_https() {
    for base in [
        "http://login.microsoftonline.com",
        "http://10.0.0.1",
        "http://localhost.evil.example",
    ] {
        let error = Authority::new(Url::parse(base).unwrap(), TENANT).unwrap_err();
        assert_eq!(error.to_string(), "the authority is not an https address");
    }
}
