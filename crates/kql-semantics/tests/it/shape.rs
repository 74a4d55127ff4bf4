//! What the bound tree looks like.

use std::collections::HashSet;

use kql_semantics::bound::{Dependency, ExprKind, JoinKind, Operator, SetOperand, Source};

use super::bound;

fn steps(query: &str) -> Vec<&'static str> {
    let bound = bound(query).expect("the query binds");
    bound
        .root
        .steps
        .iter()
        .map(|step| match &step.operator {
            Operator::Filter { .. } => "filter",
            Operator::Compute { .. } => "compute",
            Operator::Window { .. } => "window",
            Operator::Aggregate { .. } => "aggregate",
            Operator::Sort { .. } => "sort",
            Operator::Take { .. } => "take",
            Operator::Join(_) => "join",
            _ => "other",
        })
        .collect()
}

#[test]
fn operators_are_spelled_with_few() {
    assert_eq!(steps("Events | top 5 by Pid"), ["sort", "take"]);
    assert_eq!(
        steps("Events | distinct Pid | count"),
        ["aggregate", "aggregate"]
    );
    assert_eq!(
        steps("Events | summarize x = sum(Pid) / count()"),
        ["aggregate", "compute"]
    );
    assert_eq!(
        steps("Events | sort by Pid | where Pid != prev(Pid)"),
        ["sort", "window", "filter"]
    );
    assert_eq!(steps("Events | lookup Devices on DeviceId"), ["join"]);
}

#[test]
fn conditional_aggregates_become_filters() {
    let bound = bound("Events | summarize sumif(FileSize, Remote), countif(Remote)")
        .expect("the query binds");
    let Operator::Aggregate { aggregates, .. } = &bound.root.steps[0].operator else {
        panic!("an aggregate")
    };
    let names: Vec<_> = aggregates
        .iter()
        .map(|one| (one.function.name, one.filter.is_some(), one.arguments.len()))
        .collect();
    assert_eq!(names, [("sum", true, 1), ("count", true, 0)]);
}

#[test]
fn every_use_of_a_declared_table_has_columns_of_its_own() {
    let bound = bound("let T = Devices | where Platform != ''; T | join kind=inner T on DeviceId")
        .expect("the query binds");
    assert_eq!(bound.shared.len(), 1);
    assert_eq!(bound.order.len(), 1);
    let ids: HashSet<_> = bound.root.columns.iter().map(|column| column.id).collect();
    assert_eq!(ids.len(), 6);
    let Operator::Join(join) = &bound.root.steps[0].operator else {
        panic!("a join")
    };
    assert_eq!(join.kind, JoinKind::Inner);
    assert!(matches!(join.right.source, Source::Shared { .. }));
}

#[test]
fn what_is_not_needed_is_not_in_the_order() {
    let bound = bound("let Unused = Events | take 1; let n = toscalar(Devices | count); Devices | where strlen(Platform) > n")
        .expect("the query binds");
    assert_eq!(bound.order.len(), 1);
    assert!(matches!(bound.order[0], Dependency::Scalar(_)));
    let ExprKind::Compare(_, left, right) = &filter(&bound).kind else {
        panic!("a comparison")
    };
    assert_eq!(left.ty, right.ty);
}

#[test]
fn a_materialized_table_says_so() {
    let bound =
        bound("let T = materialize(Devices | take 5); union T, T").expect("the query binds");
    assert!(bound.shared[0].materialized);
}

#[test]
fn a_sub_query_is_the_right_side_of_in() {
    let bound =
        bound("Events | where DeviceId in~ (Devices | project DeviceId)").expect("the query binds");
    let ExprKind::Set { set, .. } = &filter(&bound).kind else {
        panic!("a set")
    };
    assert!(matches!(set, SetOperand::Query(pipeline) if pipeline.columns.len() == 1));
}

fn filter(bound: &kql_semantics::BoundQuery) -> &kql_semantics::bound::Expr {
    match &bound.root.steps[0].operator {
        Operator::Filter { predicate } => predicate,
        other => panic!("a filter, not {other:?}"),
    }
}
