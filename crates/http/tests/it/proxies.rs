//! A forward proxy: tunnel, credentials, and proxies that will not.

use defender_core::{Error, ErrorKind};
use defender_http::{HttpOptions, HttpTransport, ProxySettings};
use tokio::join;

use crate::server::{Secured, accept, answer, get, head, listen, text, value_of, write};

fn through(address: &str) -> HttpOptions {
    HttpOptions {
        proxy: Some(ProxySettings {
            url: format!("http://{address}"),
            user: Some("ana".into()),
            password: Some("canary-password".into()),
            no_proxy: None,
        }),
        ..HttpOptions::default()
    }
}

#[tokio::test]
async fn a_tunnel_is_opened_with_credentials_that_the_host_never_sees() {
    let secured = Secured::new("graph.example");
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root.pem");
    std::fs::write(&root, &secured.root).unwrap();
    let (listener, address) = listen().await;
    let transport = HttpTransport::new(&HttpOptions {
        ca_file: Some(root),
        ..through(&address)
    })
    .unwrap();
    let server = async {
        let mut stream = accept(&listener).await;
        let connect = head(&mut stream).await;
        assert!(
            connect.starts_with("CONNECT graph.example:443 HTTP/1.1\r\n"),
            "{connect}"
        );
        assert_eq!(
            value_of(&connect, "proxy-authorization"),
            Some("Basic YW5hOmNhbmFyeS1wYXNzd29yZA==")
        );
        assert_eq!(value_of(&connect, "authorization"), None);
        write(&mut stream, "HTTP/1.1 200 Connection established\r\n\r\n").await;
        let mut stream = secured.accept(stream).await.unwrap();
        let request = head(&mut stream).await;
        assert_eq!(
            value_of(&request, "authorization"),
            Some("Bearer canary-token")
        );
        assert_eq!(value_of(&request, "proxy-authorization"), None);
        answer(&mut stream, "200 OK", b"through").await;
    };
    let client = async {
        let answer = get(&transport, "https://graph.example/v1.0").await.unwrap();
        assert_eq!(text(answer).await.unwrap(), "through");
    };
    join!(server, client);
}

/// The error when the proxy answers `CONNECT` with `line`, or not at all.
async fn refused(line: Option<&str>) -> (String, Error) {
    let (listener, address) = listen().await;
    let transport = HttpTransport::new(&through(&address)).unwrap();
    let server = async {
        let mut stream = accept(&listener).await;
        head(&mut stream).await;
        if let Some(line) = line {
            answer(&mut stream, line, b"").await;
        }
    };
    let url = "https://graph.example/v1.0?code=canary";
    let ((), error) = join!(server, async { get(&transport, url).await.unwrap_err() });
    assert_eq!(error.kind(), ErrorKind::Transport);
    let printed = format!("{error:?} {transport:?}");
    for secret in ["canary", "YW5hOmNhbmFyeS1wYXNzd29yZA"] {
        assert!(!printed.contains(secret), "{printed}");
    }
    (address, error)
}

#[tokio::test]
async fn a_proxy_that_wants_other_credentials_is_said_so() {
    let (address, error) = refused(Some("407 Proxy Authentication Required")).await;
    assert_eq!(
        error.to_string(),
        format!("the proxy {address} wants other credentials (407)")
    );
    assert!(!error.is_transient());
}

#[tokio::test]
async fn a_proxy_that_will_not_connect_is_said_so() {
    let (address, error) = refused(Some("502 Bad Gateway")).await;
    assert_eq!(
        error.to_string(),
        format!("the proxy {address} would not connect to graph.example")
    );
    let (address, error) = refused(None).await;
    assert_eq!(
        error.to_string(),
        format!("the proxy {address} cut the connection while it was opened")
    );
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named() {
    let (listener, address) = listen().await;
    drop(listener);
    let transport = HttpTransport::new(&through(&address)).unwrap();
    let error = get(&transport, "https://graph.example/").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("the proxy {address} refused the connection")
    );
}

#[tokio::test]
async fn loopback_does_not_go_through_the_proxy() {
    let (proxy, proxy_address) = listen().await;
    let (listener, address) = listen().await;
    let transport = HttpTransport::new(&through(&proxy_address)).unwrap();
    let server = async {
        let mut stream = accept(&listener).await;
        let request = head(&mut stream).await;
        assert_eq!(value_of(&request, "proxy-authorization"), None);
        answer(&mut stream, "200 OK", b"direct").await;
    };
    let client = async {
        let answer = get(&transport, &format!("http://{address}/"))
            .await
            .unwrap();
        assert_eq!(text(answer).await.unwrap(), "direct");
    };
    tokio::select! {
        _ = proxy.accept() => panic!("the proxy was asked"),
        _ = async { join!(server, client) } => {}
    }
}
