//! The same over a real connection, whose framing may be wrong.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::SystemTime;

use defender_core::{ManualClock, Result, Scope};
use defender_drivers::{CollectionRequest, SECURITY_GRAPH};
use defender_drivers::{Collections, Connection, Driver, Hunting, M365D_GRAPH, Query};
use defender_http::{HttpOptions, HttpTransport, Retry, RetryPolicy};
use defender_table::Table;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::random::{self, Random};
use super::strict::{Asked, Reading};
use super::{check, strict};
use crate::support::Tokens;

/// How a body is sent, and whether all of it arrives.
const FRAMINGS: [(&str, bool); 15] = [
    ("length", true),
    ("length too small", false),
    ("length too large", false),
    ("length twice", false),
    ("until the end", true),
    ("chunked", true),
    ("chunked without an end", false),
    ("chunked with a wrong size", false),
    ("chunked with no number", false),
    ("gzip", true),
    ("gzip cut", false),
    ("gzip damaged", false),
    ("GZIP", true),
    ("identity, x-gzip", true),
    ("GZIP cut", false),
];

fn compressed(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// The bytes of a response.
fn framed(framing: &str, body: &[u8]) -> Vec<u8> {
    let with_length = |headers: &str, length: usize, body: &[u8]| {
        let head = format!("{headers}content-length: {length}\r\n\r\n");
        [head.as_bytes(), body].concat()
    };
    let chunked = |first: &str, end: &str| {
        let (one, two) = body.split_at(body.len() / 2);
        let head = format!("transfer-encoding: chunked\r\n\r\n{first}\r\n");
        let middle = format!("\r\n{:x}\r\n", two.len());
        [head.as_bytes(), one, middle.as_bytes(), two, end.as_bytes()].concat()
    };
    let first = format!("{:x}", body.len() / 2);
    let whole = "\r\n0\r\n\r\n";
    let coding = framing
        .trim_end_matches(" cut")
        .trim_end_matches(" damaged");
    let gzip = format!("content-encoding: {coding}\r\n");
    let rest = match framing {
        "length" => with_length("", body.len(), body),
        "length too small" => with_length("", body.len() - 2, body),
        "length too large" => with_length("", body.len() + 7, body),
        "length twice" => with_length("content-length: 1\r\n", body.len(), body),
        "until the end" => [&b"\r\n"[..], body].concat(),
        "chunked" => chunked(&first, whole),
        "chunked without an end" => chunked(&first, ""),
        "chunked with a wrong size" => chunked(&format!("{:x}", body.len() / 2 + 1), whole),
        "chunked with no number" => chunked("x", whole),
        _ => {
            let mut bytes = compressed(body);
            match framing {
                "gzip cut" | "GZIP cut" => bytes.truncate(bytes.len() - 9),
                "gzip damaged" => {
                    let place = bytes.len() - 6;
                    bytes[place] ^= 0x55;
                }
                _ => {}
            }
            with_length(&gzip, bytes.len(), &bytes)
        }
    };
    [&b"HTTP/1.1 200 OK\r\nconnection: close\r\n"[..], &rest].concat()
}

/// Answers each connection with the same bytes.
fn serve(listener: TcpListener, bytes: Arc<Vec<u8>>) {
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            let bytes = Arc::clone(&bytes);
            // A client that goes away has seen enough.
            std::thread::spawn(move || answer(stream, &bytes).unwrap_or_default());
        }
    });
}

fn answer(mut stream: TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let count = stream.read(&mut piece)?;
        request.extend_from_slice(&piece[..count]);
        let end = request.windows(4).position(|window| window == b"\r\n\r\n");
        let Some(end) = end else { continue };
        let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
        let length = head.split_once("content-length: ").map_or(0, |(_, rest)| {
            rest.lines()
                .next()
                .and_then(|text| text.trim().parse().ok())
                .unwrap_or(0)
        });
        if count == 0 || request.len() >= end + 4 + length {
            break;
        }
    }
    stream.write_all(bytes)?;
    stream.shutdown(std::net::Shutdown::Write)?;
    // Closing with unread bytes would reset what is on its way.
    while stream.read(&mut piece)? > 0 {}
    Ok(())
}

async fn ask(asked: Asked, bytes: Vec<u8>) -> Result<Table> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    serve(listener, Arc::new(bytes));
    let path = if asked == Asked::Hunting { "/run" } else { "" };
    let mut connection = Connection::new(
        format!("http://{address}/v1.0{path}").parse().unwrap(),
        Scope::default_of("https://audience.example"),
        Arc::new(HttpTransport::new(&HttpOptions::default()).unwrap()),
        Arc::new(Tokens::default()),
    );
    let clock = Arc::new(ManualClock::new(SystemTime::UNIX_EPOCH));
    connection.retry = Retry::new(RetryPolicy::never(), clock);
    let answer = match asked {
        Asked::Hunting => {
            Hunting::new(M365D_GRAPH, connection)
                .query(&Query::new("T"))
                .await?
        }
        Asked::List => {
            let request = CollectionRequest::new("security/alerts_v2");
            Collections::new(SECURITY_GRAPH, connection)
                .list(&request)
                .await?
        }
    };
    Table::collect(answer).await
}

#[tokio::test]
async fn random_framings_are_right_or_loud() {
    let wanted = super::wanted() / 50;
    let mut whole = 0;
    for (number, (framing, arrives)) in FRAMINGS.iter().cycle().take(wanted.max(24)).enumerate() {
        let mut random = Random::new(1_000_000 + number as u64);
        let asked = if random.one_in(2) {
            Asked::List
        } else {
            Asked::Hunting
        };
        let (_, body) = random::response(&mut random, asked);
        if body.len() < 12 {
            continue;
        }
        let outcome = ask(asked, framed(framing, &body)).await;
        if *arrives {
            whole += usize::from(check(asked, 200, &body, &outcome));
            continue;
        }
        // What is lost may be blank, and then nothing is.
        let reading = strict::read(asked, 200, &body);
        if let (Ok(table), Reading::Whole(rows)) = (&outcome, &reading) {
            assert_eq!(super::rows(asked, table), *rows, "{framing}: {body:?}");
        } else if let (Ok(table), Reading::Rows(rows) | Reading::Perhaps(rows)) =
            (&outcome, &reading)
        {
            assert_eq!(table.row_count(), *rows, "{framing}: {body:?}");
        } else if let Ok(table) = &outcome {
            assert!(
                !table.is_complete(),
                "{framing}: {}",
                String::from_utf8_lossy(&body)
            );
        }
    }
    assert!(whole > 0);
}
