//! The service, as far as a bench needs one: a token for whoever asks, and one answer from memory.
//!
//! Its cost is that of sending bytes, so that what is measured is the client's.

use std::error::Error;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

/// A token that ends long after any bench: its header and payload say nothing.
const TOKEN: &str =
    r#"{"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":"bench"}"#;

/// Serves until the process ends.
pub(crate) fn run(body: Vec<u8>) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?.port())?;
    let body = Arc::new(body);
    for connection in listener.incoming() {
        let connection = connection?;
        let body = Arc::clone(&body);
        // A client that goes away has seen enough.
        std::thread::spawn(move || serve(&connection, &body).unwrap_or_default());
    }
    Ok(())
}

fn serve(connection: &TcpStream, body: &[u8]) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let mut input = BufReader::new(connection);
    let mut output = connection;
    loop {
        let mut first = String::new();
        if input.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let mut length = 0;
        loop {
            let mut line = String::new();
            input.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut question = vec![0; length];
        input.read_exact(&mut question)?;
        let answer = if first.contains("/token") {
            TOKEN.as_bytes()
        } else {
            body
        };
        write!(
            output,
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        )?;
        output.write_all(answer)?;
    }
}
