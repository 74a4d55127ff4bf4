//! Says of each query whether it could run against the hunting tables, and what columns its
//! answer would have.
//!
//! `plan FILE...`: a file is one query, or JSON lines of `{"name", "query"}`.
//!
//! A query whose columns depend on data (`evaluate bag_unpack(…)`) is judged by its analysis
//! alone and marked `"depends_on_data": true`; every other one is planned as well.

use std::collections::BTreeMap;
use std::io::Write;

use kql_engine::{Catalog, Engine, Options, ScalarType};
use kql_semantics::{BindOptions, Binding, TableSchema, bind_assuming, bind_or_discover};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut catalog = Catalog::new();
    let mut schemas = BTreeMap::new();
    for table in defender_schema::tables() {
        let mut columns: Vec<(String, ScalarType)> = Vec::new();
        for column in &table.columns {
            columns.push((column.name.to_owned(), column.ty.name().parse()?));
        }
        schemas.insert(table.name.to_owned(), TableSchema::new(columns.clone()));
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
            let mut line = match judged(&query, &schemas) {
                Some(line) => line,
                None => planned(&engine, &query),
            };
            line["name"] = json!(name);
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

/// A query whose columns depend on data.
fn judged(query: &str, tables: &BTreeMap<String, TableSchema>) -> Option<Value> {
    let parsed = kql_syntax::parse(query);
    let options = BindOptions::default();
    if !parsed.diagnostics.is_empty()
        || !matches!(
            bind_or_discover(&parsed.tree, tables, &options),
            Ok(Binding::NeedsSchema(_))
        )
    {
        return None;
    }
    Some(match bind_assuming(&parsed.tree, tables, &options) {
        Ok(bound) => {
            let columns = bound.schema();
            json!({
                "ok": true,
                "columns": columns.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(),
                "types": columns.iter().map(|one| one.ty.name()).collect::<Vec<_>>(),
                "depends_on_data": true,
            })
        }
        Err(found) => {
            let errors: Vec<String> = found.iter().map(ToString::to_string).collect();
            json!({ "ok": false, "error": errors.join("; ") })
        }
    })
}

/// The tables are empty: running plans everything and reads nothing.
fn planned(engine: &Engine, query: &str) -> Value {
    match futures::executor::block_on(engine.run(query)) {
        Ok(answer) => json!({
            "ok": true,
            "columns": answer.columns.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(),
            "types": answer.columns.iter().map(|one| one.ty.name()).collect::<Vec<_>>(),
        }),
        Err(error) => json!({ "ok": false, "error": error.to_string() }),
    }
}
