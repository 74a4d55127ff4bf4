//! Connections: reuse, redirects, and every way not to get an answer.

use std::time::Duration;

use defender_core::{ErrorKind, Transport};
use defender_http::{HttpOptions, HttpTransport};
use tokio::join;

use crate::server::{accept, answer, get, head, listen, text, transport, value_of, write};

#[tokio::test]
async fn a_connection_is_used_again() {
    let (listener, address) = listen().await;
    let transport = transport();
    let server = async {
        // A second connection would wait for ever in the queue.
        let mut stream = accept(&listener).await;
        for body in ["one", "two", "three"] {
            let request = head(&mut stream).await;
            assert!(
                value_of(&request, "user-agent")
                    .unwrap()
                    .starts_with("defender-query/")
            );
            answer(&mut stream, "200 OK", body.as_bytes()).await;
        }
    };
    let client = async {
        for expected in ["one", "two", "three"] {
            let answer = get(&transport, &format!("http://{address}/"))
                .await
                .unwrap();
            assert_eq!(text(answer).await.unwrap(), expected);
        }
    };
    join!(server, client);
}

#[tokio::test]
async fn a_redirect_on_the_same_origin_is_followed() {
    let (listener, address) = listen().await;
    let transport = transport();
    let server = async {
        let mut stream = accept(&listener).await;
        head(&mut stream).await;
        answer(&mut stream, "302 Found\r\nlocation: /second", b"").await;
        let second = head(&mut stream).await;
        assert!(second.starts_with("GET /second HTTP/1.1\r\n"), "{second}");
        assert_eq!(
            value_of(&second, "authorization"),
            Some("Bearer canary-token")
        );
        answer(&mut stream, "200 OK", b"there").await;
    };
    let client = async {
        let answer = get(&transport, &format!("http://{address}/first"))
            .await
            .unwrap();
        assert_eq!(text(answer).await.unwrap(), "there");
    };
    join!(server, client);
}

#[tokio::test]
async fn a_redirect_to_another_host_is_the_answer_and_takes_no_token() {
    let (listener, address) = listen().await;
    let (other, elsewhere) = listen().await;
    let transport = transport();
    let server = async {
        let mut stream = accept(&listener).await;
        head(&mut stream).await;
        let head = format!("307 Temporary Redirect\r\nlocation: http://{elsewhere}/");
        answer(&mut stream, &head, b"moved").await;
    };
    let client = async {
        let answer = get(&transport, &format!("http://{address}/"))
            .await
            .unwrap();
        assert_eq!(answer.status(), 307);
        assert_eq!(text(answer).await.unwrap(), "moved");
    };
    tokio::select! {
        _ = other.accept() => panic!("the other host was asked"),
        _ = async { join!(server, client) } => {}
    }
}

#[tokio::test]
async fn redirects_for_ever_are_an_error() {
    let (listener, address) = listen().await;
    let transport = transport();
    let server = async {
        let mut stream = accept(&listener).await;
        for _ in 0..10 {
            head(&mut stream).await;
            answer(&mut stream, "302 Found\r\nlocation: /", b"").await;
        }
    };
    let client = async {
        get(&transport, &format!("http://{address}/"))
            .await
            .unwrap_err()
    };
    let ((), error) = join!(server, client);
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert_eq!(error.to_string(), "more than 10 redirects in a row");
}

#[tokio::test]
async fn a_refused_connection_is_named() {
    let (listener, address) = listen().await;
    drop(listener);
    let error = get(&transport(), &format!("http://{address}/a?code=canary"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert_eq!(
        error.to_string(),
        format!("{address} refused the connection")
    );
    assert_eq!(error.url(), Some(&*format!("http://{address}/a")));
    assert!(error.is_transient());
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_named() {
    // A label of more than 63 letters is refused without asking any server.
    let name = format!("{}.invalid", "a".repeat(64));
    let url = format!("https://canary@{name}/x?code=canary");
    let error = get(&transport(), &url).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("the name of {name} cannot be found")
    );
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
}

#[tokio::test]
async fn plain_http_to_another_machine_is_refused_before_anything_is_sent() {
    let error = get(&transport(), "http://192.0.2.1/x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(
        error.to_string(),
        "refusing to send a request by 'http': it could be read on the way"
    );
}

#[tokio::test]
async fn a_connection_closed_without_an_answer_is_transient() {
    let (listener, address) = listen().await;
    let transport = transport();
    let server = async {
        let mut stream = accept(&listener).await;
        head(&mut stream).await;
    };
    let client = async {
        get(&transport, &format!("http://{address}/"))
            .await
            .unwrap_err()
    };
    let ((), error) = join!(server, client);
    assert_eq!(
        error.to_string(),
        "the connection to 127.0.0.1 was closed before it answered"
    );
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_reset_before_the_answer_is_transient() {
    let (listener, address) = listen().await;
    let transport = transport();
    let server = async {
        let mut stream = accept(&listener).await;
        head(&mut stream).await;
        stream.set_zero_linger().unwrap();
    };
    let client = async {
        get(&transport, &format!("http://{address}/"))
            .await
            .unwrap_err()
    };
    let ((), error) = join!(server, client);
    assert_eq!(
        error.to_string(),
        "the connection to 127.0.0.1 was reset before it answered"
    );
    assert!(error.is_transient());
}

#[tokio::test]
async fn something_else_than_http_is_said_so() {
    let (listener, address) = listen().await;
    let transport = transport();
    let server = async {
        let mut stream = accept(&listener).await;
        head(&mut stream).await;
        write(&mut stream, "SSH-2.0-OpenSSH_9.9\r\n").await;
        head(&mut stream).await;
    };
    let client = async {
        get(&transport, &format!("http://{address}/"))
            .await
            .unwrap_err()
    };
    let ((), error) = join!(server, client);
    assert_eq!(error.to_string(), "127.0.0.1 did not answer in HTTP");
    assert!(!error.is_transient());
}

#[tokio::test]
async fn an_answer_that_does_not_begin_is_a_timeout() {
    let (listener, address) = listen().await;
    let transport = transport();
    let server = async {
        let mut stream = accept(&listener).await;
        head(&mut stream).await;
        // From here on time passes as soon as nobody has anything to do.
        tokio::time::pause();
        stream
    };
    let client = async {
        get(&transport, &format!("http://{address}/"))
            .await
            .unwrap_err()
    };
    let (_open, error) = join!(server, client);
    assert_eq!(error.to_string(), "no answer from 127.0.0.1 within 5 min");
    assert!(error.is_transient());
}

#[tokio::test]
async fn the_total_timeout_counts_from_the_request() {
    let (listener, address) = listen().await;
    let transport = HttpTransport::new(&HttpOptions {
        total_timeout: Some(Duration::from_secs(20)),
        ..HttpOptions::default()
    })
    .unwrap();
    let server = async {
        let mut stream = accept(&listener).await;
        head(&mut stream).await;
        tokio::time::pause();
        stream
    };
    let client = async {
        get(&transport, &format!("http://{address}/"))
            .await
            .unwrap_err()
    };
    let (_open, error) = join!(server, client);
    assert_eq!(error.to_string(), "no answer from 127.0.0.1 within 20 s");
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_a_connect_timeout() {
    let (listener, address) = listen().await;
    let transport = transport();
    let server = async {
        let stream = accept(&listener).await;
        // The client's greeting has arrived: it waits for ours.
        stream.readable().await.unwrap();
        tokio::time::pause();
        stream
    };
    let client = async {
        get(&transport, &format!("https://{address}/"))
            .await
            .unwrap_err()
    };
    let (_open, error) = join!(server, client);
    assert_eq!(
        error.to_string(),
        format!("no connection to {address} within 30 s")
    );
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_post_keeps_its_body_and_headers() {
    let (listener, address) = listen().await;
    let transport = transport();
    let server = async {
        let mut stream = accept(&listener).await;
        let request = head(&mut stream).await;
        answer(
            &mut stream,
            "400 Bad Request\r\nx-one: 1",
            b"<html>no</html>",
        )
        .await;
        request
    };
    let request = http::Request::post(format!("http://{address}/run"))
        .header("content-type", "application/json")
        .body(bytes::Bytes::from_static(b"{\"Query\":\"x\"}"))
        .unwrap();
    let (seen, answer) = join!(server, transport.send(request));
    assert_eq!(value_of(&seen, "content-length"), Some("13"));
    assert_eq!(value_of(&seen, "content-type"), Some("application/json"));
    let answer = answer.unwrap();
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.headers()["x-one"], "1");
    assert_eq!(text(answer).await.unwrap(), "<html>no</html>");
}

#[tokio::test]
async fn the_names_of_this_machine_lead_here_whatever_a_name_server_says() {
    let (listener, address) = listen().await;
    let port = address.rsplit_once(':').unwrap().1.to_owned();
    for name in [
        "localhost",
        "localhost.",
        "emulator.localhost",
        "a.b.LOCALHOST.",
    ] {
        let transport = transport();
        let server = async {
            let mut stream = accept(&listener).await;
            head(&mut stream).await;
            answer(&mut stream, "200 OK", b"here").await;
        };
        let client = async {
            let answer = get(&transport, &format!("http://{name}:{port}/")).await;
            assert_eq!(text(answer.unwrap()).await.unwrap(), "here", "{name}");
        };
        join!(server, client);
    }
}

#[tokio::test]
async fn no_timeout_is_too_long_or_too_short() {
    let (listener, address) = listen().await;
    let with = |timeout| HttpOptions {
        connect_timeout: timeout,
        answer_timeout: timeout,
        read_timeout: timeout,
        total_timeout: Some(timeout),
        ..HttpOptions::default()
    };
    let transport = HttpTransport::new(&with(Duration::MAX)).unwrap();
    let server = async {
        let mut stream = accept(&listener).await;
        head(&mut stream).await;
        answer(&mut stream, "200 OK", b"after all").await;
    };
    let client = async {
        let answer = get(&transport, &format!("http://{address}/")).await;
        assert_eq!(text(answer.unwrap()).await.unwrap(), "after all");
    };
    join!(server, client);
    let transport = HttpTransport::new(&with(Duration::ZERO)).unwrap();
    let error = get(&transport, &format!("http://{address}/"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(error.to_string().ends_with("within 0 ms"), "{error}");
}

#[test]
fn without_tokio_there_is_an_error_that_says_so() {
    let transport = transport();
    let asked = get(&transport, "http://127.0.0.1:1/");
    let error = futures::executor::block_on(asked).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert_eq!(
        error.to_string(),
        "there is no tokio runtime here, which connections and timers need"
    );
}

#[test]
fn a_body_that_is_read_without_tokio_says_so() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let answer = runtime.block_on(async {
        let (listener, address) = listen().await;
        let transport = transport();
        let server = async {
            let mut stream = accept(&listener).await;
            head(&mut stream).await;
            answer(&mut stream, "200 OK", b"late").await;
        };
        let url = format!("http://{address}/");
        join!(server, get(&transport, &url)).1.unwrap()
    });
    let error = futures::executor::block_on(text(answer)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
}
