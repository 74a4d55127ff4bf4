//! MSTICPy's recorded behaviour: the same, or a deviation that the documentation lists.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use defender_core::moment;
use defender_queries::{Library, Parameters, Severity, Value as Given, split_ranges, valid_name};
use serde_json::{Value, json};

use crate::now;

/// Where this project deliberately does something else, as the page lists it.
const PAGE: &str = include_str!("../../../../docs/reference/msticpy-deviations.md");

const KINDS: [&str; 6] = [
    "create_query",
    "validate_source",
    "validate_query_file",
    "doc_string",
    "split_ranges",
    "valid_name",
];

const RECORDED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../../shared/reference/msticpy-vectors.json"
);

fn recorded() -> Vec<Value> {
    let text = std::fs::read_to_string(RECORDED).unwrap();
    let recorded: Value = serde_json::from_str(&text).unwrap();
    let cases = recorded["cases"].as_array().unwrap().iter();
    let ours = |case: &&Value| KINDS.contains(&case["kind"].as_str().unwrap());
    cases.filter(ours).cloned().collect()
}

/// The library with the one query of a recording; JSON is YAML.
fn library(template: &Value) -> (Library, Vec<String>) {
    let mut metadata = template["metadata"].clone();
    metadata["data_environments"] = json!(["MDE"]);
    let file = json!({
        "metadata": metadata,
        "defaults": template["defaults"],
        "sources": {template["name"].as_str().unwrap(): template["source"]},
    });
    let mut library = Library::new();
    let (_, findings) = library.add_text(&file.to_string(), None);
    let errors = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error);
    (
        library,
        errors.map(|finding| finding.message.clone()).collect(),
    )
}

fn given(value: &Value) -> Given {
    match value {
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => number
            .as_i64()
            .map_or_else(|| number.as_f64().unwrap().into(), Given::from),
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => Given::List(items.iter().map(given).collect()),
        other => panic!("{other}"),
    }
}

fn utc(text: &str) -> SystemTime {
    moment(text, now()).unwrap()
}

/// What this project makes of a recording's input, in the form of its outcome.
fn ours(kind: &str, input: &Value) -> Result<Value, String> {
    let name = || {
        format!(
            "F.{}",
            input["template"]["name"]
                .as_str()
                .or(input["name"].as_str())
                .unwrap()
        )
    };
    match kind {
        "create_query" => {
            let (library, errors) = library(&input["template"]);
            assert!(errors.is_empty(), "{errors:?}");
            let parameters: Parameters = input["params"]
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, value)| (name.clone(), given(value)))
                .collect();
            library
                .render(&name(), None, &parameters, now())
                .map(|rendered| rendered.text.into())
                .map_err(|error| error.to_string())
        }
        "validate_source" => {
            let (_, errors) = library(input);
            Ok(json!([errors.is_empty(), errors]))
        }
        "validate_query_file" => {
            let (count, findings) = Library::new().add_text(input.as_str().unwrap(), None);
            match findings.first() {
                None => Ok((count == 1).into()),
                Some(finding) => Err(finding.message.clone()),
            }
        }
        "doc_string" => {
            let (library, _) = library(input);
            let help = library.query_help(&name(), None).unwrap();
            let from = help.find("\n\n").unwrap() + 2;
            let to = help.find("\n\nEnvironments").unwrap();
            Ok(help[from..to].into())
        }
        "split_ranges" => {
            let interval = input["split_by"].as_str().unwrap().to_lowercase();
            let hours = if interval.ends_with('d') { 24 } else { 1 };
            let count: u64 = interval[..interval.len() - 1].parse().unwrap();
            let delta = Duration::from_secs(hours * count * 3600);
            let range = |key: &str| utc(input[key].as_str().unwrap());
            let ranges = split_ranges(range("start"), range("end"), delta)
                .map_err(|error| error.to_string())?;
            Ok(json!(
                ranges
                    .iter()
                    .map(|(from, to)| json!([nanoseconds(*from), nanoseconds(*to)]))
                    .collect::<Vec<_>>()
            ))
        }
        "valid_name" => Ok(valid_name(input.as_str().unwrap()).into()),
        other => panic!("{other}"),
    }
}

fn nanoseconds(moment: SystemTime) -> String {
    moment
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_nanos()
        .to_string()
}

/// The recording's outcome in a form that can be compared: errors are only errors.
fn expected(kind: &str, case: &Value) -> Result<Value, ()> {
    let Some(ok) = case["msticpy"].get("ok") else {
        return Err(());
    };
    Ok(match kind {
        // Messages are our own; which queries are refused is not.
        "validate_source" => ok[0].clone(),
        "split_ranges" => json!(
            ok.as_array()
                .unwrap()
                .iter()
                .map(|range| json!([
                    nanoseconds(utc(range[0].as_str().unwrap())),
                    nanoseconds(utc(range[1].as_str().unwrap()))
                ]))
                .collect::<Vec<_>>()
        ),
        _ => ok.clone(),
    })
}

fn same(kind: &str, case: &Value) -> bool {
    let ours = ours(kind, &case["input"]).map(|value| match kind {
        "validate_source" => value[0].clone(),
        _ => value,
    });
    ours.map_err(|_| ()) == expected(kind, case)
}

/// The line of the page that lists a deviation.
fn row(kind: &str, input: &Value) -> String {
    let input = match kind {
        "create_query" => format!("{} {}", input["template"]["name"], input["params"]),
        _ => input.to_string(),
    };
    format!("| {kind} | `{}` |", input.replace('|', "\\|"))
}

fn replay(cases: &[Value]) -> String {
    let mut unlisted = String::new();
    for case in cases {
        let kind = case["kind"].as_str().unwrap();
        let row = row(kind, &case["input"]);
        if !same(kind, case) && !PAGE.lines().any(|line| line.starts_with(&row)) {
            writeln!(
                unlisted,
                "{row} {} | {:?}",
                case["msticpy"],
                ours(kind, &case["input"])
            )
            .unwrap();
        }
    }
    unlisted
}

#[test]
#[ignore = "needs ../shared"]
fn recorded_behaviour_is_ours_or_a_listed_deviation() {
    let cases = recorded();
    assert!(
        cases.len() >= 42,
        "only {} recordings were compared",
        cases.len()
    );
    let unlisted = replay(&cases);
    assert!(unlisted.is_empty(), "{unlisted}");
}

#[test]
fn the_comparison_passes_what_is_equal_and_catches_what_is_not() {
    let case = |kind: &str, input: Value, ok: Value| json!({"kind": kind, "input": input, "msticpy": {"ok": ok}});
    assert_eq!(
        replay(&[case("valid_name", json!("9a"), json!("n_9a"))]),
        ""
    );
    assert_ne!(replay(&[case("valid_name", json!("9a"), json!("9a"))]), "");
}

#[test]
#[ignore = "needs ../shared"]
fn every_listed_deviation_is_still_one() {
    let cases = recorded();
    for line in PAGE.lines().filter(|line| {
        KINDS
            .iter()
            .any(|kind| line.starts_with(&format!("| {kind} |")))
    }) {
        let listed = cases.iter().any(|case| {
            let kind = case["kind"].as_str().unwrap();
            line.starts_with(&row(kind, &case["input"])) && !same(kind, case)
        });
        assert!(listed, "no longer a deviation: {line}");
    }
}
