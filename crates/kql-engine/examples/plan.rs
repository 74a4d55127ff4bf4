//! Says of each query whether it could run against the hunting tables, and what columns its
//! answer would have.
//!
//! `plan FILE...`: a file is one query, or JSON lines of `{"name", "query"}`.

use std::io::Write;

use kql_engine::{Catalog, Engine, Options, ScalarType};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut catalog = Catalog::new();
    for table in defender_schema::tables() {
        let mut columns: Vec<(String, ScalarType)> = Vec::new();
        for column in &table.columns {
            columns.push((column.name.to_owned(), column.ty.name().parse()?));
        }
        catalog.add(table.name, columns, Vec::new());
    }
    let engine = Engine::new(
        catalog,
        Options {
            now: Some(0),
            ..Options::default()
        },
    );
    let mut out = std::io::stdout().lock();
    for path in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&path)?;
        let queries: Vec<(String, String)> = if std::path::Path::new(&path)
            .extension()
            .is_some_and(|one| one == "jsonl")
        {
            text.lines()
                .map(|line| {
                    let case: Value = serde_json::from_str(line)?;
                    let part = |key: &str| case[key].as_str().unwrap_or_default().to_owned();
                    Ok((part("name"), part("query")))
                })
                .collect::<Result<_, serde_json::Error>>()?
        } else {
            vec![(path.clone(), text)]
        };
        for (name, query) in queries {
            // The tables are empty: running plans everything and reads nothing.
            let line = match futures::executor::block_on(engine.run(&query)) {
                Ok(answer) => json!({
                    "name": name,
                    "ok": true,
                    "columns": answer.columns.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(),
                    "types": answer.columns.iter().map(|one| one.ty.name()).collect::<Vec<_>>(),
                }),
                Err(error) => json!({ "name": name, "ok": false, "error": error.to_string() }),
            };
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}
