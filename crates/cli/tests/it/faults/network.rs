//! What breaks between the command and the service, and clocks that disagree.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use defender_emulator::{Faults, Options};

use super::{ask, checked};
use crate::service;

#[test]
fn unknown_name() {
    let running = service::start_with(Faults::new());
    // No label of a name is that long, so nobody is asked for it.
    let url = format!("https://{}.example", "a".repeat(64));
    checked("unknown_name", ask(&running, &["--api-root", &url]));
}

#[test]
fn no_tls() {
    let running = service::start_with(Faults::new());
    let url = running.http_url().replace("http://", "https://");
    checked("no_tls", ask(&running, &["--api-root", &url]));
}

#[test]
fn no_http() {
    let running = service::start_with(Faults::new());
    let (url, server) = server(b"220 mail.example ESMTP\r\n");
    checked("no_http", ask(&running, &["--api-root", &url]));
    server.join().unwrap();
}

#[test]
fn reset_within_the_body() {
    let running = service::start_with(Faults::new());
    let (url, server) = server(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"schema\":[");
    checked(
        "reset_within_the_body",
        ask(&running, &["--api-root", &url]),
    );
    server.join().unwrap();
}

/// A server that answers one connection with these bytes, and closes it with the request unread:
/// that resets it.
fn server(answer: &'static [u8]) -> (String, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0]).unwrap();
        stream.write_all(answer).unwrap();
    });
    (url, server)
}

#[test]
fn clock_of_the_service_jumps() {
    // A day passes there between the token and the query: the token is of yesterday.
    let jumped = Arc::new(AtomicBool::new(false));
    let (seen, clock) = (Arc::clone(&jumped), Arc::clone(&jumped));
    #[expect(
        clippy::disallowed_methods,
        reason = "the service of the test goes by the machine's clock, and then by another"
    )]
    let now = SystemTime::now;
    let running = service::start(Options {
        clock: Arc::new(move || {
            let ahead = clock.load(Ordering::SeqCst);
            now() + Duration::from_hours(if ahead { 24 } else { 0 })
        }),
        observer: Some(Arc::new(move |request| {
            if request.path.ends_with("/token") {
                seen.store(true, Ordering::SeqCst);
            }
        })),
        ..service::options()
    });
    checked("clock_of_the_service_jumps", ask(&running, &[]));
    let tokens = running.requests();
    let tokens = tokens
        .iter()
        .filter(|request| request.path.ends_with("/token"));
    assert_eq!(tokens.count(), 2, "the refused token was renewed");
}
