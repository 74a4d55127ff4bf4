//! Counts, not times: they are the same on every machine.

use kql_semantics::bound::BoundQuery;
use kql_semantics::{BindOptions, NoTables, bind};

use super::*;

const TABLE: &str = "let T = datatable(Name:string, Number:long)['a', 1];\n";

fn bound(text: &str) -> BoundQuery {
    let parsed = kql_syntax::parse(&format!("{TABLE}{text}"));
    bind(&parsed.tree, &NoTables, &BindOptions::default()).unwrap()
}

fn repeated(first: &str, count: usize, step: impl Fn(usize) -> String) -> BoundQuery {
    let steps: Vec<String> = (0..count).map(step).collect();
    bound(&format!("{first} {}", steps.join(" ")))
}

/// What the steps of the answer cost; none where they are refused.
fn cost(query: &BoundQuery) -> Option<(usize, usize)> {
    let budget = Budget::default();
    for step in merged(&query.root.steps) {
        budget.spend(&step, step.columns.len()).ok()?;
    }
    Some(budget.spent())
}

#[test]
fn extends_side_by_side_are_one_step() {
    let query = repeated("T", 1_000, |at| format!("| extend x{at} = Number + {at}"));
    let steps = merged(&query.root.steps);
    assert_eq!(steps.len(), 1);
    assert_eq!(steps[0].columns.len(), 1_002);
    let Operator::Compute { assignments } = &steps[0].operator else {
        panic!("not a step that computes");
    };
    assert_eq!(assignments.len(), 1_000);
    assert_eq!(cost(&query), Some((1, 1_002 * (512 + 1_002) / 512)));
}

#[test]
fn what_reads_what_was_made_comes_after_it() {
    let query = bound("T | extend a = Number + 1 | extend b = 2 | extend c = a | extend d = b");
    let shapes: Vec<usize> = merged(&query.root.steps)
        .iter()
        .map(|step| match &step.operator {
            Operator::Compute { assignments } => assignments.len(),
            _ => 0,
        })
        .collect();
    assert_eq!(shapes, [2, 2]);
    let query = bound("T | extend a = 1 | where Number > 0 | extend b = 2");
    assert_eq!(merged(&query.root.steps).len(), 3);
}

#[test]
fn windows_of_one_step_are_one() {
    let calls: Vec<String> = (0..1_000)
        .map(|at| format!("x{at} = row_number({at})"))
        .collect();
    let query = bound(&format!("T | serialize {}", calls.join(", ")));
    let windows = |query: &BoundQuery| {
        let steps = query.root.steps.iter();
        steps
            .filter(|step| matches!(step.operator, Operator::Window { .. }))
            .count()
    };
    assert_eq!(windows(&query), 1);
    let query = bound("T | serialize x = row_cumsum(prev(Number)), y = row_number()");
    assert_eq!(windows(&query), 2);
}

#[test]
fn what_costs_too_much_is_refused() {
    let chain = |count| {
        repeated("T | extend x0 = Number", count, |at| {
            format!("| extend x{} = x{at} + 1", at + 1)
        })
    };
    assert!(cost(&chain(100)).is_some());
    assert!(cost(&chain(400)).is_none());
    let sorts = |count| repeated("T", count, |_| "| sort by Number asc".to_owned());
    assert!(cost(&sorts(666)).is_some());
    assert!(cost(&sorts(667)).is_none());
    let joins = |count| repeated("T", count, |_| "| join kind=inner T on Name".to_owned());
    assert!(cost(&joins(20)).is_some());
    assert!(cost(&joins(200)).is_none());
    let keys = |count: usize| {
        let keys: Vec<String> = (0..count).map(|at| format!("Number + {at}")).collect();
        bound(&format!("T | sort by {}", keys.join(", ")))
    };
    assert!(cost(&keys(50)).is_some());
    assert!(cost(&keys(1_000)).is_none());
}
