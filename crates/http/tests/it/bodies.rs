//! Bodies: compressed, in pieces, and broken off in every way.

use std::io::Write;

use defender_core::{Error, ErrorKind};
use defender_http::HttpTransport;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::join;
use tokio::net::TcpStream;

use crate::server::{accept, answer, get, head, listen, text, transport, value_of, write};

fn compressed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn gzip_is_asked_for_and_undone() {
    let (listener, address) = listen().await;
    let transport = transport();
    let long = "hunting ".repeat(10_000);
    let server = async {
        let mut stream = accept(&listener).await;
        let request = head(&mut stream).await;
        assert_eq!(value_of(&request, "accept-encoding"), Some("gzip"));
        answer(
            &mut stream,
            "200 OK\r\ncontent-encoding: gzip",
            &compressed(&long),
        )
        .await;
    };
    let client = async {
        let answer = get(&transport, &format!("http://{address}/"))
            .await
            .unwrap();
        assert!(text(answer).await.unwrap() == long);
    };
    join!(server, client);
}

#[tokio::test]
async fn gzip_is_undone_however_the_header_writes_it() {
    for coding in ["GZIP", "x-gzip", "identity, gzip"] {
        let (listener, address) = listen().await;
        let transport = transport();
        let server = async {
            let mut stream = accept(&listener).await;
            head(&mut stream).await;
            let head = format!("200 OK\r\nContent-Encoding: {coding}");
            answer(&mut stream, &head, &compressed("hunting")).await;
        };
        let client = async {
            let answer = get(&transport, &format!("http://{address}/"))
                .await
                .unwrap();
            assert_eq!(answer.headers().get("content-encoding"), None, "{coding}");
            assert_eq!(text(answer).await.unwrap(), "hunting", "{coding}");
        };
        join!(server, client);
    }
}

/// The error of a body of which the server sends `bytes` and then does `end`.
async fn broken(bytes: &[u8], end: impl AsyncFnOnce(TcpStream)) -> Error {
    let (listener, address) = listen().await;
    let transport: HttpTransport = transport();
    let (began, beginning) = tokio::sync::oneshot::channel();
    let server = async {
        let mut stream = accept(&listener).await;
        head(&mut stream).await;
        write(&mut stream, bytes).await;
        // Only when the client has what was sent does the connection come to its end.
        beginning.await.unwrap();
        end(stream).await;
    };
    let client = async {
        let answer = get(&transport, &format!("http://{address}/?code=canary"))
            .await
            .unwrap();
        let mut body = answer.into_body();
        let mut began = Some(began);
        let error = loop {
            if let Some(began) = began.take_if(|_| !bytes.ends_with(b"\r\n\r\n")) {
                body.chunk().await.unwrap();
                began.send(()).unwrap();
            } else if let Some(began) = began.take() {
                began.send(()).unwrap();
            }
            match body.chunk().await {
                Ok(chunk) => assert!(chunk.is_some(), "the body ended as if it were whole"),
                Err(error) => break error,
            }
        };
        assert!(
            body.chunk().await.unwrap().is_none(),
            "an error ends the body"
        );
        error
    };
    let ((), error) = join!(server, client);
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(error.is_transient());
    assert_eq!(error.url(), Some(&*format!("http://{address}/")));
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    error
}

#[tokio::test]
async fn a_truncated_body_says_how_much_arrived() {
    let error = broken(
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n0123456789",
        async |stream| {
            drop(stream);
        },
    );
    assert_eq!(
        error.await.to_string(),
        "the answer of 127.0.0.1 broke off after 10 bytes"
    );
}

#[tokio::test]
async fn a_truncated_chunked_body_is_noticed() {
    let start = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n";
    let error = broken(start, async |stream| drop(stream));
    assert_eq!(
        error.await.to_string(),
        "the answer of 127.0.0.1 broke off after 4 bytes"
    );
}

#[tokio::test]
async fn a_reset_says_how_much_arrived() {
    let error = broken(
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n0123456",
        async |stream| {
            stream.set_zero_linger().unwrap();
        },
    );
    assert_eq!(
        error.await.to_string(),
        "the answer of 127.0.0.1 was reset after 7 bytes"
    );
}

#[tokio::test]
async fn a_stall_is_noticed_after_a_minute_of_silence() {
    let error = broken(
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n01234",
        async |stream| {
            tokio::time::pause();
            let mut stream = stream;
            // The client hangs up when it has waited long enough.
            assert_eq!(head(&mut stream).await, "");
        },
    );
    assert_eq!(
        tokio::time::timeout(std::time::Duration::from_mins(10), error)
            .await
            .unwrap()
            .to_string(),
        "the answer of 127.0.0.1 stalled for 1 min after 5 bytes"
    );
}

#[tokio::test]
async fn a_body_that_is_not_gzip_is_noticed() {
    let start = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 20\r\n\r\n";
    let error = broken(start, async |mut stream| {
        write(&mut stream, "this is not gzip....").await;
    });
    assert_eq!(
        error.await.to_string(),
        "the answer of 127.0.0.1 could not be decoded after 0 bytes"
    );
}

#[tokio::test]
async fn a_truncated_gzip_body_is_noticed() {
    let (listener, address) = listen().await;
    let transport = transport();
    let whole = compressed(&"hunting ".repeat(1000));
    let server = async {
        let mut stream = accept(&listener).await;
        head(&mut stream).await;
        // The length fits; the compressed stream inside does not end.
        let half = &whole[..whole.len() / 2];
        answer(&mut stream, "200 OK\r\ncontent-encoding: gzip", half).await;
    };
    let client = async {
        let answer = get(&transport, &format!("http://{address}/"))
            .await
            .unwrap();
        text(answer).await.unwrap_err()
    };
    let ((), error) = join!(server, client);
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(
        error
            .to_string()
            .starts_with("the answer of 127.0.0.1 broke off after "),
        "{error}"
    );
    assert!(error.is_transient());
}
