//! How many recorded queries bind to the columns that the service gave them.

use std::fmt::Write as _;
use std::path::Path;

use kql_semantics::{BindOptions, Binding, DiagnosticKind, NoTables, bind_or_discover};
use serde_json::Value;

fn cases(file: &str) -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/kql");
    let text = std::fs::read_to_string(Path::new(folder).join(file)).expect("the cases");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a case is JSON"))
        .collect()
}

/// What binding a case came to.
#[derive(Debug, Default)]
struct Tally {
    right: usize,
    wrong: Vec<String>,
    discoveries: usize,
    unsupported: Vec<String>,
    refused: Vec<String>,
    syntax: usize,
}

fn tally(cases: &[Value]) -> Tally {
    let mut tally = Tally::default();
    for case in cases {
        let name = case["name"].as_str().expect("a name");
        let query = case["query"].as_str().expect("a query");
        let parsed = kql_syntax::parse(query);
        if !parsed.diagnostics.is_empty() {
            tally.syntax += 1;
            continue;
        }
        match bind_or_discover(&parsed.tree, &NoTables, &BindOptions::default()) {
            Ok(Binding::NeedsSchema(_)) => tally.discoveries += 1,
            Ok(Binding::Complete(bound)) => {
                let expected = case["columns"].as_array().expect("columns");
                let actual = bound.schema();
                let same = expected.len() == actual.len()
                    && expected.iter().zip(&actual).all(|(wanted, column)| {
                        wanted["name"].as_str() == Some(&column.name)
                            && wanted["type"].as_str().is_some_and(|types| {
                                types.split('|').any(|ty| ty == column.ty.name())
                            })
                    });
                if same {
                    tally.right += 1;
                } else {
                    let mut line = format!("{name}:");
                    for column in &actual {
                        let _ = write!(line, " {}:{}", column.name, column.ty);
                    }
                    line.push_str("  instead of");
                    for column in expected {
                        let _ = write!(
                            line,
                            " {}:{}",
                            column["name"].as_str().unwrap_or(""),
                            column["type"].as_str().unwrap_or("")
                        );
                    }
                    tally.wrong.push(line);
                }
            }
            Err(found) => {
                let first = &found[0];
                let line = format!("{name}: {first} at {:?}", first.span.slice(query));
                if found
                    .iter()
                    .any(|error| error.kind == DiagnosticKind::Unsupported)
                {
                    tally.unsupported.push(line);
                } else {
                    tally.refused.push(line);
                }
            }
        }
    }
    tally
}

fn report(tally: &Tally) {
    println!(
        "right {}, discoveries {}, unparsed {}, unsupported {}, refused {}, wrong {}",
        tally.right,
        tally.discoveries,
        tally.syntax,
        tally.unsupported.len(),
        tally.refused.len(),
        tally.wrong.len()
    );
    for (heading, lines) in [
        ("wrong", &tally.wrong),
        ("refused", &tally.refused),
        ("unsupported", &tally.unsupported),
    ] {
        for line in lines {
            println!("{heading}: {line}");
        }
    }
}

#[test]
#[ignore = "needs ../shared"]
fn documented_queries_have_the_columns_of_the_service() {
    let cases = cases("cases-docs.jsonl");
    let tally = tally(&cases);
    report(&tally);
    assert!(
        tally.right >= 347 && tally.wrong.is_empty(),
        "{} of the documentation's cases",
        tally.right
    );
}

#[test]
#[ignore = "needs ../shared"]
fn generated_queries_have_the_columns_of_the_service() {
    let cases = cases("cases-fuzz.jsonl");
    let tally = tally(&cases);
    report(&tally);
    assert!(
        tally.right >= 782 && tally.wrong.is_empty(),
        "{} of the generated cases",
        tally.right
    );
}

#[test]
#[ignore = "needs ../shared"]
fn what_the_service_refuses_before_running_is_refused() {
    let cases = cases("cases-errors.jsonl");
    let mut accepted = Vec::new();
    let mut runtime = 0;
    for case in &cases {
        let query = case["query"].as_str().expect("a query");
        let parsed = kql_syntax::parse(query);
        let refused = !parsed.diagnostics.is_empty()
            || bind_or_discover(&parsed.tree, &NoTables, &BindOptions::default()).is_err();
        if case["kind"] == "runtime" {
            runtime += usize::from(refused);
        } else if !refused {
            accepted.push(format!("{}: {query}", case["name"].as_str().unwrap_or("")));
        }
    }
    println!("{runtime} of the errors at run time are found before");
    assert!(
        accepted.is_empty(),
        "accepted although the service refuses:\n{}",
        accepted.join("\n")
    );
}

#[test]
#[ignore = "needs ../shared"]
fn queries_with_a_part_missing_are_bound_or_refused() {
    let mut bound = 0;
    let mut refused = 0;
    for file in ["cases-docs.jsonl", "cases-fuzz.jsonl", "cases-errors.jsonl"] {
        let cases = cases(file);
        for case in &cases {
            let query = case["query"].as_str().expect("a query");
            for separator in ["|", ",", ";", " "] {
                let parts: Vec<&str> = query.split(separator).collect();
                for missing in (0..parts.len()).step_by(1 + parts.len() / 12) {
                    let mut rest = parts.clone();
                    rest.remove(missing);
                    let parsed = kql_syntax::parse(&rest.join(separator));
                    if !parsed.diagnostics.is_empty() {
                        continue;
                    }
                    match bind_or_discover(&parsed.tree, &NoTables, &BindOptions::default()) {
                        Ok(_) => bound += 1,
                        Err(found) => {
                            assert!(!found.is_empty(), "refused without a finding");
                            refused += 1;
                        }
                    }
                }
            }
        }
    }
    println!("{bound} bound, {refused} refused");
    assert!(
        bound > 1000 && refused > 1000,
        "the parts left out change what binds"
    );
}
