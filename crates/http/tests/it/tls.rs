//! TLS: a root certificate of one's own, and certificates that are not accepted.

use std::path::PathBuf;

use defender_core::{Error, ErrorKind};
use defender_http::{HttpOptions, HttpTransport};
use tempfile::TempDir;
use tokio::join;

use crate::server::{Secured, accept, answer, get, head, listen, text, transport};

fn written(root: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.pem");
    std::fs::write(&path, root).unwrap();
    (folder, path)
}

async fn served(secured: &Secured, options: HttpOptions) {
    let (listener, address) = listen().await;
    let transport = HttpTransport::new(&options).unwrap();
    let server = async {
        let mut stream = secured.accept(accept(&listener).await).await.unwrap();
        head(&mut stream).await;
        answer(&mut stream, "200 OK", b"secret").await;
    };
    let client = async {
        let answer = get(&transport, &format!("https://{address}/"))
            .await
            .unwrap();
        assert_eq!(text(answer).await.unwrap(), "secret");
    };
    join!(server, client);
}

#[tokio::test]
async fn a_root_of_ones_own_is_trusted() {
    let secured = Secured::new("127.0.0.1");
    let (_folder, path) = written(&secured.root);
    let options = HttpOptions {
        ca_file: Some(path),
        ..HttpOptions::default()
    };
    served(&secured, options).await;
}

#[tokio::test]
async fn the_root_can_come_from_the_environment_and_be_one_of_several() {
    let secured = Secured::new("127.0.0.1");
    let bundle = [Secured::new("other.example").root, secured.root.clone()].concat();
    let (_folder, path) = written(&bundle);
    let variable = ("SSL_CERT_FILE".to_owned(), path.display().to_string());
    let options = HttpOptions {
        environment: [variable].into(),
        ..HttpOptions::default()
    };
    served(&secured, options).await;
}

async fn refused(secured: &Secured, transport: HttpTransport) -> Error {
    let (listener, address) = listen().await;
    let server = async {
        assert!(secured.accept(accept(&listener).await).await.is_none());
    };
    let url = format!("https://{address}/?code=canary");
    let ((), error) = join!(server, async { get(&transport, &url).await.unwrap_err() });
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(!error.is_transient());
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    error
}

#[tokio::test]
async fn a_root_that_nobody_knows_is_not_trusted() {
    let error = refused(&Secured::new("127.0.0.1"), transport()).await;
    assert_eq!(
        error.to_string(),
        "the certificate of 127.0.0.1 is not trusted"
    );
    assert!(error.hint().unwrap().contains("--ca-file"));
}

#[tokio::test]
async fn a_certificate_for_another_name_is_not_accepted() {
    let secured = Secured::new("other.example");
    let (_folder, path) = written(&secured.root);
    let options = HttpOptions {
        ca_file: Some(path),
        ..HttpOptions::default()
    };
    let error = refused(&secured, HttpTransport::new(&options).unwrap()).await;
    assert_eq!(
        error.to_string(),
        "the certificate of 127.0.0.1 is made out to another name"
    );
}

#[tokio::test]
async fn a_server_without_tls_is_said_so() {
    let (listener, address) = listen().await;
    let transport = transport();
    let server = async {
        let mut stream = accept(&listener).await;
        stream.readable().await.unwrap();
        answer(&mut stream, "400 Bad Request", b"").await;
    };
    let url = format!("https://{address}/");
    let ((), error) = join!(server, async { get(&transport, &url).await.unwrap_err() });
    assert_eq!(error.to_string(), "no TLS connection to 127.0.0.1");
}
