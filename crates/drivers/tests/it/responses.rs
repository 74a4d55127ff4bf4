//! Random responses against a strict reading of their bytes: the rows are right and complete, or
//! the result is not complete, or it is an error; never fewer rows without a word.
//!
//! `RESPONSES=20000 cargo test -p defender-drivers --test it responses` tries that many.

mod framing;
mod random;
mod strict;

use std::sync::Arc;

use defender_core::Result;
use defender_drivers::SECURITY_GRAPH;
use defender_drivers::{CollectionRequest, Collections, Driver, Hunting, M365D_GRAPH, Query};
use defender_http::{Answer, ScriptedTransport};
use defender_table::Table;

use self::random::Random;
use self::strict::{Asked, Reading};
use crate::support::{Tokens, answered};

/// How many responses are tried.
fn wanted() -> usize {
    #[expect(
        clippy::disallowed_methods,
        reason = "a chore is asked for more of them"
    )]
    let wanted = std::env::var("RESPONSES");
    wanted
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(600)
}

/// What is made of `body`, which arrives in pieces.
async fn ask(asked: Asked, status: u16, body: &[u8], piece: usize) -> Result<Table> {
    let (body, piece) = (body.to_vec(), piece.max(1));
    // Transient failures are tried again, and answered the same.
    let transport = ScriptedTransport::answering(move |_| {
        Answer::new(status).chunks(body.chunks(piece).map(<[u8]>::to_vec))
    });
    let tokens = Tokens::default();
    let answer = match asked {
        Asked::Hunting => {
            let driver = |connection| Hunting::new(M365D_GRAPH, connection);
            let bench = answered("https://api.example/v1.0/run", transport, tokens, driver);
            bench.driver.query(&Query::new("T")).await?
        }
        Asked::List => {
            let driver = |connection| Arc::new(Collections::new(SECURITY_GRAPH, connection));
            let bench = answered("https://api.example/v1.0", transport, tokens, driver);
            let request = CollectionRequest::new("security/alerts_v2");
            bench.driver.list(&request).await?
        }
    };
    Table::collect(answer).await
}

/// The rows of a table, as the strict reading has them.
fn rows(asked: Asked, table: &Table) -> Vec<Vec<String>> {
    let columns = strict::columns(asked);
    let cell = |row, column: &str| match table.cell(row, column) {
        None | Some(defender_table::Cell::Null) => "null".to_owned(),
        Some(cell) => cell.to_string(),
    };
    (0..table.row_count())
        .map(|row| columns.iter().map(|column| cell(row, column)).collect())
        .collect()
}

/// Checks what came of one response; returns whether it was taken as whole.
fn check(asked: Asked, status: u16, body: &[u8], outcome: &Result<Table>) -> bool {
    let reading = strict::read(asked, status, body);
    let shown = || String::from_utf8_lossy(body).into_owned();
    match (outcome, reading) {
        (Ok(table), Reading::Whole(expected)) => {
            let reason = &table.summary().completeness;
            assert!(table.is_complete(), "{reason:?}: {asked:?} {}", shown());
            assert_eq!(rows(asked, table), expected, "{asked:?} {}", shown());
            true
        }
        (Ok(table), Reading::Rows(expected)) => {
            assert!(table.is_complete(), "{asked:?} {}", shown());
            assert_eq!(table.row_count(), expected, "{asked:?} {}", shown());
            true
        }
        (Ok(table), Reading::Perhaps(expected)) => {
            let right = table.row_count() == expected || !table.is_complete();
            assert!(right, "{asked:?} {}", shown());
            false
        }
        (Ok(table), Reading::NotWhole(why)) => {
            assert!(!table.is_complete(), "{why}: {asked:?} {}", shown());
            false
        }
        (Err(error), Reading::Whole(_) | Reading::Rows(_)) => {
            panic!("{error}: {asked:?} {}", shown())
        }
        (Err(_), Reading::NotWhole(_) | Reading::Perhaps(_)) => false,
    }
}

#[tokio::test]
async fn random_responses_are_right_or_loud() {
    let (mut whole, mut loud) = (0, 0);
    for seed in 0..wanted() {
        let mut random = Random::new(seed as u64);
        let asked = if random.one_in(2) {
            Asked::List
        } else {
            Asked::Hunting
        };
        let (status, body) = random::response(&mut random, asked);
        let piece = 1 + random.below(200);
        let outcome = ask(asked, status, &body, piece).await;
        if check(asked, status, &body, &outcome) {
            whole += 1;
        } else {
            loud += 1;
        }
    }
    // Otherwise nothing was tried.
    assert!(
        whole * 10 > loud && loud * 10 > whole,
        "{whole} whole, {loud} not"
    );
}
