//! Runs the queries of a JSON lines file and prints a line of JSON with each answer.
//!
//! `run_cases CASES.jsonl [FOLDER]`: a case is `{"name", "query"}`; FOLDER holds tables.

use std::io::Write;

use kql_engine::{Catalog, Engine, Options};
use serde_json::{Value, json};

/// 2026-11-21T00:00:00Z.
const NOW: i64 = 638_998_848_000_000_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments
        .next()
        .ok_or("the first argument is a file of cases")?;
    let catalog = match arguments.next() {
        Some(folder) => Catalog::from_folder(folder, &|_| None)?,
        None => Catalog::new(),
    };
    let options = Options {
        now: Some(NOW),
        ..Options::default()
    };
    let engine = Engine::new(catalog, options);
    let mut out = std::io::stdout().lock();
    for line in std::fs::read_to_string(path)?
        .lines()
        .filter(|line| !line.trim().is_empty())
    {
        let case: Value = serde_json::from_str(line)?;
        let name = case["name"].as_str().unwrap_or_default();
        let query = case["query"].as_str().unwrap_or_default();
        let answer = match futures::executor::block_on(engine.run(query)) {
            Ok(answer) => json!({
                "name": name,
                "columns": answer.columns.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(),
                "types": answer.columns.iter().map(|one| one.ty.name()).collect::<Vec<_>>(),
                "rows": answer
                    .rows()
                    .map(|row| row.iter().map(kql_engine::Value::to_json).collect::<Vec<_>>())
                    .collect::<Vec<_>>(),
            }),
            Err(error) => json!({ "name": name, "error": error.to_string() }),
        };
        writeln!(out, "{answer}")?;
    }
    Ok(())
}
