//! Recorded answers of the Kusto engine.

use std::path::Path;

use serde_json::Value;

use super::{json, run};

fn shared(file: &str) -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/kql");
    let text = std::fs::read_to_string(Path::new(folder).join(file)).expect("the cases");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a case is JSON"))
        .collect()
}

/// Numbers nearly, times by their digits, everything else exactly; null and "" differ.
fn same(one: &Value, two: &Value) -> bool {
    match (one, two) {
        (Value::Number(one), Value::Number(two)) => {
            let (one, two) = (one.as_f64().unwrap_or(0.0), two.as_f64().unwrap_or(0.0));
            (one - two).abs() <= 1e-9 * one.abs().max(two.abs()) || (one - two).abs() < 1e-12
        }
        (Value::String(one), Value::String(two)) => {
            let plain = |text: &str| {
                let text = text.trim_end_matches('Z');
                if text.contains('.') {
                    text.trim_end_matches('0').trim_end_matches('.').to_owned()
                } else {
                    text.to_owned()
                }
            };
            one == two || plain(one) == plain(two)
        }
        (Value::Number(number), Value::String(text))
        | (Value::String(text), Value::Number(number)) => text.parse().ok() == number.as_f64(),
        (Value::Bool(value), Value::Number(number))
        | (Value::Number(number), Value::Bool(value)) => {
            number.as_f64() == Some(f64::from(u8::from(*value)))
        }
        (Value::Array(one), Value::Array(two)) => {
            one.len() == two.len() && one.iter().zip(two).all(|(one, two)| same(one, two))
        }
        (Value::Object(one), Value::Object(two)) => {
            one.len() == two.len()
                && one
                    .iter()
                    .all(|(key, value)| two.get(key).is_some_and(|other| same(value, other)))
        }
        _ => one == two,
    }
}

/// How many answers are equal, and the names of those that are wrong.
fn score(cases: &[Value]) -> (usize, Vec<&str>) {
    let mut equal = 0;
    let mut wrong = Vec::new();
    for case in cases {
        let Ok(answer) = run(case["query"].as_str().unwrap_or_default()) else {
            continue;
        };
        let expected = case["rows"].as_array().cloned().unwrap_or_default();
        let mut left = json(&answer).as_array().cloned().unwrap_or_default();
        let names: Vec<&str> = answer
            .columns
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        let wanted: Vec<&str> = case["columns"]
            .as_array()
            .map(|list| list.iter().filter_map(|one| one["name"].as_str()).collect())
            .unwrap_or_default();
        let ordered = case["ordered"].as_bool() == Some(true);
        let found = expected.len() == left.len()
            && names == wanted
            && expected.iter().all(|row| {
                let at = left.iter().position(|other| same(row, other));
                let at = if ordered {
                    at.filter(|at| *at == 0)
                } else {
                    at
                };
                at.map(|at| left.remove(at)).is_some()
            });
        if found {
            equal += 1;
        } else {
            wrong.push(case["name"].as_str().unwrap_or_default());
        }
    }
    (equal, wrong)
}

/// The cases of `known.md`, by the end of their names.
fn known() -> Vec<&'static str> {
    include_str!("known.md")
        .lines()
        .filter_map(|line| line.strip_prefix("- `")?.split_once('`'))
        .map(|(name, _)| name)
        .collect()
}

#[test]
#[ignore = "needs ../shared"]
fn recorded_answers_are_met() {
    let known = known();
    let mut met: Vec<&str> = known.clone();
    for (file, floor) in [("cases-docs.jsonl", 311), ("cases-fuzz.jsonl", 781)] {
        let cases = shared(file);
        let (equal, wrong) = score(&cases);
        println!("{file}: {equal} of {} equal, {wrong:?} wrong", cases.len());
        assert!(equal >= floor, "{file}: only {equal} equal");
        for name in wrong {
            let line = known.iter().find(|line| name.ends_with(**line));
            assert!(line.is_some(), "{file}: {name} is wrong and not known");
            met.retain(|line| !name.ends_with(line));
        }
    }
    assert!(met.is_empty(), "met, take off the list: {met:?}");
}
