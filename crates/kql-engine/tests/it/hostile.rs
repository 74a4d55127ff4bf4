//! Queries that nobody writes by hand: answered or refused, with the stack and the budget there is.
//!
//! How long they take, and how much memory, is what the bench of limits measures.

#[path = "../../benches/limits/inputs.rs"]
mod inputs;

use kql_engine::Catalog;
use kql_semantics::{BindOptions, ColumnSchema, ScalarType, TableSchema, bind};
use std::collections::BTreeMap;

use super::run_on;

/// What a thread has by default.
const STACK: usize = 2 << 20;

fn columns() -> Vec<(String, ScalarType)> {
    [
        ("Timestamp", ScalarType::DateTime),
        ("Name", ScalarType::String),
        ("Number", ScalarType::Long),
        ("Fields", ScalarType::Dynamic),
    ]
    .map(|(name, ty)| (name.to_owned(), ty))
    .to_vec()
}

#[test]
fn no_input_is_larger_than_the_bound() {
    for input in inputs::all() {
        assert!(input.text.len() <= 100_000, "{}", input.name);
    }
}

#[test]
fn parsing_and_binding_need_little_stack() {
    let work = || {
        let columns = columns()
            .into_iter()
            .map(|(name, ty)| ColumnSchema::new(name, ty))
            .collect();
        let mut tables = BTreeMap::new();
        tables.insert("T".to_owned(), TableSchema { columns });
        let mut deep: Vec<String> = inputs::all().into_iter().map(|input| input.text).collect();
        let pairs = [
            ("(", ")"),
            ("-", ""),
            ("not(", ")"),
            ("dynamic([", "])"),
            ("T | union (", ")"),
        ];
        for (open, close) in pairs {
            for levels in [100, 10_000] {
                let (before, after) = (open.repeat(levels), close.repeat(levels));
                deep.push(format!("print {before}1{after}"));
                deep.push(format!("T | where Number == {before}1{after}"));
                deep.push(format!("{before}T{after}"));
            }
        }
        for levels in [300, 2_000] {
            let unions: Vec<String> = (0..levels)
                .map(|at| format!("let v{} = v{at} | union T;", at + 1))
                .collect();
            deep.push(format!("let v0 = T;\n{}\nv{levels}", unions.join("\n")));
        }
        let mut understood = 0;
        for text in &deep {
            let parsed = kql_syntax::parse(text);
            if parsed.diagnostics.is_empty() {
                understood +=
                    usize::from(bind(&parsed.tree, &tables, &BindOptions::default()).is_ok());
            }
        }
        understood
    };
    let thread = std::thread::Builder::new().stack_size(STACK);
    assert!(thread.spawn(work).unwrap().join().unwrap() > 20);
}

#[test]
fn what_is_refused_says_where() {
    let mut catalog = Catalog::new();
    catalog.add("T", columns(), Vec::new());
    let engine = super::engine(catalog);
    for name in [
        "1,500 extends of what was extended",
        "sort by 4,000 keys",
        "30 sorts of 3,000 columns",
        "12 joins of 3,000 columns",
        "200 joins that keep columns",
        "900 large regexes",
    ] {
        let all = inputs::all();
        let input = all.iter().find(|input| input.name == name).unwrap();
        let error = run_on(&engine, &input.text).unwrap_err();
        assert!(error.render(&input.text).contains('^'), "{name}: {error}");
    }
}
