//! Queries that Kusto accepts must parse and survive printing.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::survives_printing;

pub(crate) fn cases(file: &str) -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/kql");
    let text = fs::read_to_string(Path::new(folder).join(file)).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
#[ignore = "needs ../shared"]
fn accepted_queries_parse_and_survive_printing() {
    for file in ["cases-docs.jsonl", "cases-fuzz.jsonl"] {
        for case in cases(file) {
            survives_printing(case["query"].as_str().unwrap());
        }
    }
}

#[test]
#[ignore = "needs ../shared"]
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
