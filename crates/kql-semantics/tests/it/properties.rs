//! What holds for every text that parses: it is bound or refused, and nothing panics.

use std::collections::HashSet;

use kql_semantics::{BindOptions, ScalarType, bind};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::tables;

/// The same cases in every run.
fn check<S: Strategy>(cases: u32, strategy: &S, property: impl Fn(S::Value)) {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let outcome = TestRunner::new_with_rng(config, random).run(strategy, |value| {
        property(value);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

fn one_of(words: &'static [&'static str]) -> impl Strategy<Value = String> + Clone {
    select(words).prop_map(str::to_owned)
}

/// Values of every type, right and wrong.
fn value() -> impl Strategy<Value = String> + Clone {
    let leaf = one_of(&[
        "Timestamp",
        "DeviceId",
        "FileName",
        "FileSize",
        "Pid",
        "Score",
        "Remote",
        "AdditionalFields",
        "Nothing",
        "TimeGenerated",
        "1",
        "1.5",
        "'x'",
        "true",
        "1h",
        "datetime(2024-01-01)",
        "dynamic([1])",
        "dynamic(null)",
        "long(null)",
        "guid(null)",
        "decimal(1)",
        "int(1)",
        "now()",
        "count()",
        "*",
        "typeof(long)",
        "a",
        "f",
        "$left.a",
    ]);
    leaf.prop_recursive(4, 32, 4, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            4 => (pair.clone(), one_of(&["+", "-", "*", "/", "%", "==", "!=", "<", ">=", "=~", "has", "contains", "startswith", "matches regex", "and", "or"]))
                .prop_map(|((left, right), operator)| format!("({left} {operator} {right})")),
            6 => (
                select(kql_semantics::Function::all().map(|function| function.name).collect::<Vec<_>>()),
                vec(inner.clone(), 0..5),
            )
                .prop_map(|(name, all)| format!("{name}({})", all.join(", "))),
            1 => (inner.clone(), one_of(&["in", "!in", "in~", "has_any", "has_all"]), vec(inner.clone(), 1..3))
                .prop_map(|(left, operator, all)| format!("{left} {operator} ({})", all.join(", "))),
            1 => (inner.clone(), pair).prop_map(|(value, (low, high))| format!("{value} between ({low} .. {high})")),
            1 => inner.clone().prop_map(|one| format!("-({one})")),
            1 => (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left})[{right}].b")),
            1 => inner.prop_map(|one| format!("toscalar(Events | summarize {one})")),
        ]
    })
}

fn query() -> impl Strategy<Value = String> + Clone {
    let column = one_of(&[
        "Timestamp",
        "FileName",
        "FileSize",
        "AdditionalFields",
        "Score",
        "DeviceId",
        "Nothing",
    ]);
    let step = prop_oneof![
        value().prop_map(|one| format!("where {one}")),
        value().prop_map(|one| format!("extend a = {one}")),
        vec(value(), 1..4).prop_map(|all| format!("project {}", all.join(", "))),
        (vec(value(), 1..3), vec(value(), 1..3)).prop_map(|(all, by)| format!(
            "summarize {} by {}",
            all.join(", "),
            by.join(", ")
        )),
        vec(value(), 1..3).prop_map(|all| format!("distinct {}", all.join(", "))),
        value().prop_map(|one| format!("sort by {one}")),
        (value(), value()).prop_map(|(count, by)| format!("top {count} by {by}")),
        value().prop_map(|one| format!("mv-expand b = {one}")),
        value().prop_map(|one| format!("mv-apply b = {one} on (summarize c = count())")),
        column
            .clone()
            .prop_map(|on| format!("join kind=leftouter (Devices) on {on}")),
        column
            .clone()
            .prop_map(|on| format!("lookup Devices on {on}")),
        column
            .clone()
            .prop_map(|one| format!("parse {one} with 'x' a:long 'y' b")),
        column.clone().prop_map(|one| format!("project-away {one}")),
        column
            .clone()
            .prop_map(|one| format!("project-rename b = {one}")),
        (value(), column.clone())
            .prop_map(|(one, on)| format!("make-series a = {one} on {on} step 1h")),
        (value(), column).prop_map(|(one, of)| format!("top-nested 2 of {of} by {one}")),
        value().prop_map(|one| format!("scan with (step s: {one} => a = 1;)")),
        one_of(&[
            "union Devices",
            "union *",
            "count",
            "getschema",
            "evaluate bag_unpack(AdditionalFields)",
            "serialize",
            "search 'x'",
            "as S",
            "take 1",
            "invoke g()",
            "evaluate narrow()"
        ]),
    ];
    (value(), vec(step, 0..4)).prop_map(|(value, steps)| {
        let mut text = format!("let a = {value}; let f = (x: long) {{ x + 1 }}; let g = (T: (*)) {{ T | take 1 }}; Events");
        for step in steps {
            text.push_str(" | ");
            text.push_str(&step);
        }
        text
    })
}

#[test]
fn every_query_is_bound_or_refused() {
    let assumed = select(vec![
        None,
        Some(ScalarType::String),
        Some(ScalarType::Dynamic),
    ]);
    check(3000, &(query(), assumed), |(text, assumed)| {
        let parsed = kql_syntax::parse(&text);
        let options = BindOptions {
            assumed,
            ..BindOptions::default()
        };
        match bind(&parsed.tree, &tables(), &options) {
            Ok(bound) => {
                let columns = bound.schema();
                let names: HashSet<&str> = columns.iter().map(|one| one.name.as_str()).collect();
                assert_eq!(names.len(), columns.len(), "a name twice: {text}");
            }
            Err(found) => {
                assert!(!found.is_empty(), "{text}");
                for one in found {
                    assert!(text.get(one.span.range()).is_some(), "{text}");
                    assert!(!one.to_string().is_empty());
                }
            }
        }
    });
}
