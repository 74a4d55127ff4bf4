//! The engine from outside: queries in, rows out.
#![expect(
    clippy::unwrap_used,
    reason = "what helpers of tests cannot do fails the test"
)]

mod broken;
mod catalog;
mod damaged;
mod dates;
mod foreign;
mod guesses;
mod hostile;
mod kinds;
mod kql;
mod limits;
mod local;
mod losses;
mod marks;
mod meant;
mod odd_files;
mod partitions;
mod put_together;
mod round_trips;
mod shapes;
mod stand_ins;
mod streams;
mod threads;
mod two_names;
mod unsaid;
mod valueless;
mod wrappers;

use kql_engine::{Catalog, Engine, EngineError, Options, ResultSet, Value};

/// 2024-05-06T07:08:09Z.
pub(crate) const NOW: i64 = 638_505_760_890_000_000;

pub(crate) fn engine(catalog: Catalog) -> Engine {
    Engine::new(
        catalog,
        Options {
            now: Some(NOW),
            ..Options::default()
        },
    )
}

pub(crate) fn run_on(engine: &Engine, query: &str) -> Result<ResultSet, EngineError> {
    futures::executor::block_on(engine.run(query))
}

pub(crate) fn run(query: &str) -> Result<ResultSet, EngineError> {
    run_on(&engine(Catalog::new()), query)
}

/// The rows as the service would write them.
pub(crate) fn json(answer: &ResultSet) -> serde_json::Value {
    answer
        .rows()
        .map(|row| {
            row.iter()
                .map(Value::to_json)
                .collect::<serde_json::Value>()
        })
        .collect()
}
