//! Says of each query whether it could run against the hunting tables, and what columns its
//! answer would have.
//!
//! `plan FILE...`: a file is one query, or JSON lines of `{"name", "query"}`.
//!
//! `ok` is what the analysis says: the query can be meant, and these are its columns. `runs` says
//! whether it was planned as well, which is not so where the engine wants data that is not here (a
//! copy of what `externaldata` reads) or columns depend on data (`evaluate bag_unpack(…)`); `error`
//! tells why the one or the other is false.

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
            let mut line = judged(&engine, &query, &schemas);
            line["name"] = json!(name);
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

fn judged(engine: &Engine, query: &str, tables: &BTreeMap<String, TableSchema>) -> Value {
    let parsed = kql_syntax::parse(query);
    if !parsed.diagnostics.is_empty() {
        let errors: Vec<&str> = parsed.diagnostics.iter().map(|one| &*one.message).collect();
        return json!({ "ok": false, "runs": false, "error": errors.join("; ") });
    }
    let options = BindOptions::default();
    let bound = match bind_assuming(&parsed.tree, tables, &options) {
        Ok(bound) => bound,
        Err(found) => {
            let errors: Vec<String> = found.iter().map(ToString::to_string).collect();
            return json!({ "ok": false, "runs": false, "error": errors.join("; ") });
        }
    };
    let columns = bound.schema();
    let mut line = json!({
        "ok": true,
        "runs": false,
        "columns": columns.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(),
        "types": columns.iter().map(|one| one.ty.name()).collect::<Vec<_>>(),
    });
    if !matches!(
        bind_or_discover(&parsed.tree, tables, &options),
        Ok(Binding::Complete(_))
    ) {
        line["error"] = json!("the columns depend on data, and there is none here");
        return line;
    }
    // The tables are empty: running plans everything and reads nothing.
    match futures::executor::block_on(engine.run(query)) {
        Ok(_) => line["runs"] = json!(true),
        Err(error) => line["error"] = json!(error.to_string()),
    }
    line
}
