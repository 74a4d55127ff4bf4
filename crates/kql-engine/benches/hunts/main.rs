//! One side of `cargo xtask bench kql`: makes the events, and runs hunts over them on request.
//!
//! - `hunts generate FILE ROWS` writes the events.
//! - `hunts serve FOLDER THREADS` reads one path of a query per line and answers each with a line
//!   `{"seconds", "rows"}`; the rows are there when the line begins with `rows `.

mod events;

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

use kql_engine::{Catalog, Engine, Options, Value};
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["generate", file, rows] => events::write(Path::new(file), rows.parse()?),
        ["serve", folder, threads] => serve(folder, threads.parse()?),
        _ => Err("usage: hunts generate FILE ROWS | hunts serve FOLDER THREADS".into()),
    }
}

fn serve(folder: &str, threads: usize) -> Result<(), Box<dyn Error>> {
    let options = Options {
        threads,
        ..Options::default()
    };
    let engine = Engine::new(Catalog::from_folder(folder, &|_| None)?, options);
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (wants_rows, path) = match line.strip_prefix("rows ") {
            Some(path) => (true, path),
            None => (false, line.as_str()),
        };
        let query = std::fs::read_to_string(path)?;
        #[expect(clippy::disallowed_methods, reason = "a bench measures time")]
        let started = Instant::now();
        let answer = futures::executor::block_on(engine.run(&query))?;
        let rows: Vec<Vec<Value>> = answer.rows().collect();
        let seconds = started.elapsed().as_secs_f64();
        let mut report = json!({ "seconds": seconds, "count": rows.len() });
        if wants_rows {
            report["rows"] = rows
                .iter()
                .map(|row| row.iter().map(Value::to_json).collect::<Vec<_>>())
                .collect();
        }
        writeln!(out, "{report}")?;
        out.flush()?;
    }
    Ok(())
}
