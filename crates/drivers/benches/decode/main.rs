//! What `cargo xtask bench decode` and `bench export` run: the body of an answer, and how fast the
//! driver turns it into Arrow.
//!
//! - `decode generate ROWS FILE` writes the body.
//! - `decode serve FILE` serves it to whoever asks on loopback, tokens besides, and prints its port.
//! - `decode run FILE TIMES` asks the driver for it that many times and prints a line
//!   `{"bytes", "rows", "cells", "seconds": [..], "cpu_seconds", "peak_mib"}`.
//!
//! The driver is the public one; only the network is missing: the body comes in chunks of the size
//! that connections give.

mod body;
mod server;

use std::error::Error;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use defender_core::{AccessToken, Body, Credential, Result, Scope, TokenRequest, Transport};
use defender_drivers::{Connection, Driver as _, Hunting, M365D_GRAPH, Query};
use defender_table::Table;

const CHUNK: usize = 256 << 10;

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["generate", rows, file] => Ok(std::fs::write(file, body::answer(rows.parse()?))?),
        ["serve", file] => server::run(std::fs::read(file)?),
        ["run", file, times] => run(file, times.parse()?),
        // cargo bench adds `--bench`.
        _ => Err(
            "usage: decode generate ROWS FILE | decode serve FILE | decode run FILE TIMES".into(),
        ),
    }
}

/// Answers everything with the same body.
#[derive(Debug)]
struct Same(Bytes);

#[async_trait]
impl Transport for Same {
    async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<Body>> {
        let whole = self.0.clone();
        let chunks = (0..whole.len()).step_by(CHUNK).map(move |start| {
            let end = (start + CHUNK).min(whole.len());
            Ok(whole.slice(start..end))
        });
        let body = Body::from_stream(futures::stream::iter(chunks));
        Ok(http::Response::new(body))
    }
}

#[async_trait]
impl Credential for Same {
    async fn token(&self, _: &TokenRequest) -> Result<AccessToken> {
        Ok(AccessToken::new(
            "none".to_owned(),
            SystemTime::UNIX_EPOCH + Duration::from_hours(1),
        ))
    }
}

fn run(file: &str, times: usize) -> std::result::Result<(), Box<dyn Error>> {
    let body = Bytes::from(std::fs::read(file)?);
    let same = Arc::new(Same(body.clone()));
    let connection = Connection::new(
        "https://graph.microsoft.com/v1.0/security/runHuntingQuery".parse()?,
        Scope::default_of("https://graph.microsoft.com"),
        same.clone(),
        same,
    );
    let driver = Hunting::new(M365D_GRAPH, connection);
    let query = Query::new("DeviceProcessEvents");
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut seconds = Vec::new();
    let (mut rows, mut cells) = (0, 0);
    let before = cpu_seconds();
    for _ in 0..times {
        #[expect(clippy::disallowed_methods, reason = "a bench measures time")]
        let started = Instant::now();
        let table =
            runtime.block_on(async { Table::collect(driver.query(&query).await?).await })?;
        seconds.push(started.elapsed().as_secs_f64());
        rows = table.row_count();
        cells = rows * table.column_names().len();
    }
    let line = serde_json::json!({
        "bytes": body.len(),
        "rows": rows,
        "cells": cells,
        "seconds": seconds,
        "cpu_seconds": cpu_seconds() - before,
        "peak_mib": peak_mib(),
    });
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}

/// What all threads of this process have used; zero where there is no `/proc`.
fn cpu_seconds() -> f64 {
    const TICKS_PER_SECOND: f64 = 100.0;
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name in brackets may hold blanks; user and system time are the 12th and 13th after it.
    let fields = text.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks
        .filter_map(|field| field.parse::<f64>().ok())
        .sum::<f64>()
        / TICKS_PER_SECOND
}

fn peak_mib() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|line| line.starts_with("VmHWM"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1024)
}
