//! Queries that Kusto accepts must parse and survive printing, when they are at hand.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::survives_printing;

pub(crate) fn cases(file: &str) -> Vec<Value> {
    let shared = option_env!("DEFENDER_SHARED").map_or_else(
        || concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").to_owned(),
        str::to_owned,
    );
    let path = Path::new(&shared).join("kql").join(file);
    let Ok(text) = fs::read_to_string(&path) else {
        println!("{} is not here: nothing compared", path.display());
        return Vec::new();
    };
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn accepted_queries_parse_and_survive_printing() {
    for file in ["cases-docs.jsonl", "cases-fuzz.jsonl"] {
        for case in cases(file) {
            survives_printing(case["query"].as_str().unwrap());
        }
    }
}

#[test]
fn queries_refused_for_their_syntax_are_refused() {
    for case in cases("cases-errors.jsonl") {
        let complaints = case["official_parser"].as_array().unwrap();
        let about_syntax = complaints
            .iter()
            .filter_map(Value::as_str)
            .any(|complaint| {
                ["KS005", "KS006", "KS198", "KS228"]
                    .iter()
                    .any(|code| complaint.starts_with(code))
            });
        if about_syntax {
            let query = case["query"].as_str().unwrap();
            assert!(!kql_syntax::parse(query).diagnostics.is_empty(), "{query}");
        }
    }
}
