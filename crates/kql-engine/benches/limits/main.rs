//! What `cargo xtask bench limits` runs: one hostile query per process, timed, with its peak memory.
//!
//! - `limits list` prints the names of the inputs.
//! - `limits run NAME` prints a line `{"bytes", "outcome", "seconds", "peak_mib"}`.

mod inputs;

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use kql_engine::{Catalog, Engine, Options, ScalarType};
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["list"] => {
            use std::io::Write;
            let mut out = std::io::stdout().lock();
            for input in inputs::all() {
                writeln!(out, "{}", input.name)?;
            }
            Ok(())
        }
        ["run", name] => run(name),
        // cargo bench adds `--bench`.
        _ => Err("usage: limits list | limits run NAME".into()),
    }
}

fn catalog() -> Result<Catalog, Box<dyn Error>> {
    let schema = Schema::new(vec![
        Field::new("Name", DataType::Utf8, true),
        Field::new("Number", DataType::Int64, true),
        Field::new("Fields", DataType::Utf8, true),
    ]);
    let batch = RecordBatch::try_new(
        Arc::new(schema),
        vec![
            Arc::new(StringArray::from(vec!["a1"])),
            Arc::new(Int64Array::from(vec![1])),
            Arc::new(StringArray::from(vec!["[1]"])),
        ],
    )?;
    let columns = vec![
        ("Timestamp".to_owned(), ScalarType::DateTime),
        ("Name".to_owned(), ScalarType::String),
        ("Number".to_owned(), ScalarType::Long),
        ("Fields".to_owned(), ScalarType::Dynamic),
    ];
    let mut catalog = Catalog::new();
    catalog.add("T", columns, vec![batch]);
    Ok(catalog)
}

fn run(name: &str) -> Result<(), Box<dyn Error>> {
    use std::io::Write;
    let input = inputs::all()
        .into_iter()
        .find(|input| input.name == name)
        .ok_or("there is no input of this name")?;
    let engine = Engine::new(catalog()?, Options::default());
    #[expect(clippy::disallowed_methods, reason = "a bench measures time")]
    let started = Instant::now();
    let answer = futures::executor::block_on(engine.run(&input.text));
    let seconds = started.elapsed().as_secs_f64();
    let outcome = match answer {
        Ok(_) => "answered".to_owned(),
        Err(error) => {
            let text: String = error.to_string().chars().take(60).collect();
            format!("refused: {}", text.replace(['\n', '|'], " "))
        }
    };
    // On Linux; elsewhere the peak is not known.
    let peak = std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| {
            let line = status
                .lines()
                .find(|line| line.starts_with("VmHWM"))?
                .to_owned();
            line.split_whitespace().nth(1)?.parse::<f64>().ok()
        })
        .map(|kilobytes| kilobytes / 1024.0);
    let report = json!({
        "bytes": input.text.len(),
        "outcome": outcome,
        "seconds": seconds,
        "peak_mib": peak,
    });
    writeln!(std::io::stdout().lock(), "{report}")?;
    Ok(())
}
