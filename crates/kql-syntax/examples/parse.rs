//! Parses files of queries and prints one line of JSON for each query.
//!
//! `parse FILE...`, where a file is a query (`.kql`) or JSON lines with `name` and `query`.

use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::{env, fs, io};

use kql_syntax::{Lines, parse};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let mut output = io::BufWriter::new(io::stdout().lock());
    for path in env::args().skip(1) {
        let text = fs::read_to_string(&path)?;
        if Path::new(&path)
            .extension()
            .is_some_and(|extension| extension == "jsonl")
        {
            for line in text.lines().filter(|line| !line.trim().is_empty()) {
                let case: Value = serde_json::from_str(line)?;
                let field = |name: &str| case[name].as_str().unwrap_or_default();
                writeln!(output, "{}", report(field("name"), field("query")))?;
            }
        } else {
            let name = path.rsplit('/').next().unwrap_or(&path);
            writeln!(output, "{}", report(name, &text))?;
        }
    }
    Ok(output.flush()?)
}

fn report(name: &str, query: &str) -> Value {
    let parse = parse(query);
    let lines = Lines::new(query);
    let errors: Vec<Value> = parse
        .diagnostics
        .iter()
        .map(|diagnostic| {
            let position = lines.position(diagnostic.span.start);
            json!({"line": position.line, "column": position.column, "message": diagnostic.message})
        })
        .collect();
    json!({"name": name, "ok": errors.is_empty(), "errors": errors})
}
