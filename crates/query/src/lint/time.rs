//! Tables that are read whole: without a filter on time, in joins, and by patterns.

use std::collections::{BTreeMap, BTreeSet};

use defender_schema::Family;
use kql_syntax::tree::{
    Body, Expression, ExpressionKind, Fate, Operator, OperatorKind, PartitionBody, Query, Rows,
    StatementKind,
};
use kql_syntax::{Node, Span};

use super::Finding;
use super::rules::{MISSING_TIME_FILTER, UNBOUNDED_JOIN, UNBOUNDED_UNION};

/// Columns that say when something happened.
const TIMES: &[&str] = &["Timestamp", "TimeGenerated"];

/// Whether a column of this name says when something happened.
pub(super) fn is_time(column: &str) -> bool {
    TIMES.contains(&column)
}

pub(super) fn findings(tree: &Query) -> Vec<Finding> {
    let mut walk = Walk {
        bindings: BTreeMap::new(),
        open: Vec::new(),
        unfiltered: BTreeMap::new(),
        findings: Vec::new(),
        seen: BTreeSet::new(),
    };
    for node in tree.nodes() {
        if let Node::Statement(statement) = node
            && let StatementKind::Let(binding) = &statement.kind
        {
            walk.bindings.insert(&binding.name.text, &binding.value);
        }
    }
    for statement in &tree.statements {
        if let StatementKind::Expression(expression) = &statement.kind {
            walk.table(expression, false);
        }
    }
    let mut findings = walk.findings;
    for ((start, end), name) in walk.unfiltered {
        let message = format!("{name} is read without a filter on its time");
        let finding = Finding::new(&MISSING_TIME_FILTER, Span::new(start, end), message);
        findings.push(finding.hint("begin with '| where Timestamp > ago(1d)'"));
    }
    findings
}

/// A walk from the answer to the tables that it comes from.
struct Walk<'a> {
    bindings: BTreeMap<&'a str, &'a Expression>,
    /// The bindings that the walk is in, so that it ends.
    open: Vec<&'a str>,
    /// The tables that some way to them does not filter, by where they stand.
    unfiltered: BTreeMap<(u32, u32), &'a str>,
    findings: Vec<Finding>,
    /// The bindings that the walk was in, with and without a filter.
    seen: BTreeSet<(&'a str, bool)>,
}

impl<'a> Walk<'a> {
    /// Goes into an expression that gives rows; `filtered` when what follows filters their time.
    fn table(&mut self, expression: &'a Expression, filtered: bool) {
        match &expression.kind {
            ExpressionKind::Name(name) => {
                if let Some(value) = self.bindings.get(name.text.as_str()).copied() {
                    let key = name.text.as_str();
                    if !self.open.contains(&key) && self.seen.insert((key, filtered)) {
                        self.open.push(key);
                        self.table(value, filtered);
                        self.open.pop();
                    }
                } else if !filtered && is_of_events(&name.text) {
                    let place = (expression.span.start, expression.span.end);
                    self.unfiltered.insert(place, &name.text);
                }
            }
            ExpressionKind::Parenthesized(inner) => self.table(inner, filtered),
            ExpressionKind::ToTable(query) | ExpressionKind::Materialize(query) => {
                self.table(&query.query, filtered);
            }
            ExpressionKind::ToScalar(query) => self.table(&query.query, false),
            ExpressionKind::Pipe(pipe) => {
                let filtered = filtered || filters_time(&pipe.operators);
                self.table(&pipe.source, filtered);
                for operator in &pipe.operators {
                    self.operator(operator, filtered);
                }
            }
            ExpressionKind::Operator(operator) => self.operator(operator, filtered),
            ExpressionKind::Function(function) => self.body(&function.body, filtered),
            ExpressionKind::Body(body) => self.body(body, filtered),
            ExpressionKind::Call(call) => {
                let name = call.function.text.as_str();
                if let Some(value) = self.bindings.get(name).copied()
                    && !self.open.contains(&name)
                    && self.seen.insert((name, filtered))
                {
                    self.open.push(name);
                    self.table(value, filtered);
                    self.open.pop();
                }
                for argument in &call.arguments {
                    self.table(&argument.value, filtered);
                }
            }
            _ => {
                for child in Node::Expression(expression).children() {
                    self.within(child);
                }
            }
        }
    }

    fn body(&mut self, body: &'a Body, filtered: bool) {
        for statement in &body.statements {
            if let StatementKind::Expression(expression) = &statement.kind {
                self.table(expression, filtered);
            }
        }
    }

    fn operator(&mut self, operator: &'a Operator, filtered: bool) {
        match &operator.kind {
            OperatorKind::Union(tables) => {
                for table in tables {
                    self.pattern(table, "union");
                    self.table(table, filtered);
                }
            }
            OperatorKind::Join(join) | OperatorKind::Lookup(join) => {
                if let Some((span, name)) = self.whole(&join.right) {
                    let keyword = operator.keyword.text.as_str();
                    let message = format!("the {keyword} takes the whole of {name}");
                    let finding = Finding::new(&UNBOUNDED_JOIN, span, message);
                    self.findings.push(finding.hint(format!(
                        "filter it within the parentheses: ({name} | where Timestamp > ago(1d))"
                    )));
                } else {
                    self.table(&join.right, false);
                }
            }
            OperatorKind::Find(find) => {
                if find.tables.is_empty() {
                    self.every(operator);
                }
                let filtered = filtered || find.predicate.as_ref().is_some_and(names_time);
                for table in &find.tables {
                    self.pattern(table, "find");
                    self.table(table, filtered);
                }
            }
            OperatorKind::Search(search) => {
                if search.tables.is_empty() && !filtered && !names_time(&search.predicate) {
                    self.every(operator);
                }
                let filtered = filtered || names_time(&search.predicate);
                for table in &search.tables {
                    self.pattern(table, "search");
                    self.table(table, filtered);
                }
            }
            OperatorKind::Partition(partition) => {
                if let PartitionBody::Query(query) = &partition.body {
                    self.table(query, filtered);
                }
            }
            _ => {
                for child in Node::Operator(operator).children() {
                    self.within(child);
                }
            }
        }
    }

    /// Looks for tables within scalar expressions: sub-queries, lists of `in`.
    fn within(&mut self, node: Node<'a>) {
        match node {
            Node::Expression(expression) => match &expression.kind {
                ExpressionKind::Pipe(_) | ExpressionKind::ToScalar(_) => {
                    self.table(expression, false);
                }
                ExpressionKind::In(found) => {
                    self.within(Node::Expression(&found.left));
                    for item in &found.right {
                        match &item.kind {
                            // A column of the row, or a binding.
                            ExpressionKind::Name(name)
                                if !self.bindings.contains_key(name.text.as_str()) => {}
                            _ => self.table(item, false),
                        }
                    }
                }
                _ => {
                    for child in node.children() {
                        self.within(child);
                    }
                }
            },
            Node::Operator(operator) => self.operator(operator, true),
            Node::Statement(_) => {}
        }
    }

    /// The table of events that an expression is, without anything that makes it smaller.
    fn whole(&self, expression: &'a Expression) -> Option<(Span, &'a str)> {
        match &expression.kind {
            ExpressionKind::Parenthesized(inner) => self.whole(inner),
            ExpressionKind::Name(name) if !self.bindings.contains_key(name.text.as_str()) => {
                is_of_events(&name.text).then_some((expression.span, name.text.as_str()))
            }
            ExpressionKind::Pipe(pipe) => {
                let smaller = |operator: &Operator| {
                    !matches!(operator.effect().rows, Rows::Same | Rows::More)
                };
                if pipe.operators.iter().any(smaller) {
                    return None;
                }
                self.whole(&pipe.source)
            }
            _ => None,
        }
    }

    fn pattern(&mut self, table: &Expression, operator: &str) {
        if let ExpressionKind::Wildcard(pattern) = &table.kind {
            let message = format!("{operator} reads every table that is like '{pattern}'");
            let finding = Finding::new(&UNBOUNDED_UNION, table.span, message);
            self.findings.push(finding.hint("name the tables"));
        }
    }

    fn every(&mut self, operator: &Operator) {
        let keyword = &operator.keyword;
        let message = format!("{} reads every table", keyword.text);
        let finding = Finding::new(&UNBOUNDED_UNION, keyword.span, message);
        self.findings.push(finding.hint(format!(
            "name the tables: {} in (DeviceProcessEvents, DeviceNetworkEvents)",
            keyword.text
        )));
    }
}

/// Whether rows of the table happened at a time, rather than being so.
fn is_of_events(name: &str) -> bool {
    defender_schema::table(name).is_some_and(|table| {
        table.column("Timestamp").is_some()
            && !matches!(table.family, Family::Vulnerability | Family::Exposure)
    })
}

/// Whether a `where` before rows are counted together is about their time.
fn filters_time(operators: &[Operator]) -> bool {
    operators
        .iter()
        .take_while(|operator| {
            operator.effect().rows != Rows::Grouped
                || TIMES.iter().any(|time| operator.fate(time) == Fate::Kept)
        })
        .any(|operator| match &operator.kind {
            OperatorKind::Where(predicate) => names_time(predicate),
            _ => false,
        })
}

fn names_time(expression: &Expression) -> bool {
    let mut pending = vec![Node::Expression(expression)];
    while let Some(node) = pending.pop() {
        if let Node::Expression(expression) = node {
            match &expression.kind {
                ExpressionKind::Name(name) if TIMES.contains(&name.text.as_str()) => return true,
                ExpressionKind::Call(call) if call.function.text == "ingestion_time" => {
                    return true;
                }
                // A filter of a sub-query is not one of this query.
                ExpressionKind::Pipe(_) => continue,
                _ => {}
            }
        }
        pending.extend(node.children());
    }
    false
}
