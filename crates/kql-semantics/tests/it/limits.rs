//! Text that would take too much is refused in good time.

use std::fmt::Write as _;

use kql_semantics::{BindOptions, DiagnosticKind, Value, bind};

use super::{bound, schema, tables};

#[test]
fn declarations_that_double_are_refused() {
    let mut values = "let a0 = 1;".to_owned();
    let mut tables = "let t0 = Devices;".to_owned();
    for index in 1..64 {
        let before = index - 1;
        let _ = write!(values, "let a{index} = a{before} + a{before};");
        let _ = write!(tables, "let t{index} = union t{before}, t{before};");
    }
    for query in [
        format!("{values} print a63"),
        format!("{tables} t63 | count"),
    ] {
        let found = bound(&query).expect_err("2^63 is too much");
        assert_eq!(found[0].kind, DiagnosticKind::TooLarge);
    }
}

#[test]
fn deep_nesting_is_bound_or_refused_but_never_too_much() {
    for depth in [50, 100, 200, 250] {
        for (open, close) in [
            ("(", ")"),
            ("tolower(", ")"),
            ("toscalar(print ", ")"),
            ("case(true, 'x', ", ")"),
        ] {
            let query = format!("print x = {}'a'{}", open.repeat(depth), close.repeat(depth));
            let parsed = kql_syntax::parse(&query);
            if parsed.diagnostics.is_empty() {
                let _ = bind(&parsed.tree, &tables(), &BindOptions::default());
            }
        }
    }
    let mut query = "let f0 = (x: long) { x + 1 };".to_owned();
    for index in 1..400 {
        let _ = write!(
            query,
            "let f{index} = (x: long) {{ f{}(x) + 1 }};",
            index - 1
        );
    }
    let found = bound(&format!("{query} print f399(1)")).expect_err("too deep");
    assert_eq!(found[0].kind, DiagnosticKind::TooLarge);
    assert_eq!(schema(&format!("{query} print n = f20(1)")), "n:long");
}

#[test]
fn a_long_pipe_is_no_matter() {
    let query = format!(
        "Devices {} | project Platform",
        "| where Platform != 'x' ".repeat(2000)
    );
    assert_eq!(schema(&query), "Platform:string");
}

#[test]
fn parameters_of_a_query_have_values_or_defaults() {
    let parsed =
        kql_syntax::parse("declare query_parameters(n: long = 3, name: string); print n, name");
    let mut options = BindOptions::default();
    let missing = bind(&parsed.tree, &tables(), &options).expect_err("'name' has no value");
    assert_eq!(missing[0].to_string(), "parameter 'name' has no value");
    options
        .parameters
        .insert("name".to_owned(), Value::String("x".to_owned()));
    assert!(bind(&parsed.tree, &tables(), &options).is_ok());
    options
        .parameters
        .insert("n".to_owned(), Value::String("x".to_owned()));
    let wrong = bind(&parsed.tree, &tables(), &options).expect_err("'n' is a number");
    assert_eq!(
        wrong[0].to_string(),
        "parameter 'n' is a long, and the value given is a string"
    );
}

#[test]
fn what_carries_many_columns_is_counted() {
    for query in [
        format!("Events {}", "| union * ".repeat(20_000)),
        format!("union {} Events", "*, ".repeat(60_000)),
        format!("Devices | distinct {} DeviceId", "*, ".repeat(180_000)),
        format!("search 'a' {}", "or 'b' ".repeat(40_000)),
    ] {
        // What is bound would be megabytes to print.
        let Err(found) = bound(&query) else {
            panic!("more than anybody can mean: {}", &query[..20]);
        };
        assert_eq!(found[0].kind, DiagnosticKind::TooLarge, "{}", &query[..20]);
        assert_eq!(found.len(), 1, "it is said once");
    }
}

#[test]
fn many_columns_with_names_of_their_own_are_no_matter() {
    let columns = "1, ".repeat(20_000);
    assert!(schema(&format!("print {columns} 1")).ends_with(" print_20000:long"));
    let query = format!("Devices | extend {columns} 1 | project Column20001");
    assert_eq!(schema(&query), "Column20001:long");
}

#[test]
fn the_findings_of_one_query_come_to_an_end() {
    let found = bound(&format!(
        "Devices | project {} Nothing",
        "Nothing, ".repeat(5000)
    ))
    .expect_err("nothing is named so");
    assert!(found.len() <= 100, "{}", found.len());
}
