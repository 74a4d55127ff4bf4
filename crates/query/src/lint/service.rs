//! What the hunting APIs do not take.

use kql_syntax::Node;
use kql_syntax::tree::{ExpressionKind, OperatorKind, Query, StatementKind};

use super::Finding;
use super::rules::NOT_ON_GRAPH;

/// Functions that lead out of the tenant's hunting tables.
const ELSEWHERE: &[&str] = &["cluster", "database", "workspace", "app", "resource"];

pub(super) fn findings(tree: &Query) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut say = |span, message: &str, hint: &str| {
        findings.push(Finding::new(&NOT_ON_GRAPH, span, message).hint(hint));
    };
    for directive in &tree.directives {
        say(
            directive.span,
            "the hunting APIs take no directives",
            "leave the line out",
        );
    }
    let answers: Vec<_> = tree
        .statements
        .iter()
        .filter(|statement| matches!(statement.kind, StatementKind::Expression(_)))
        .collect();
    for answer in answers.iter().skip(1) {
        say(
            answer.span,
            "an answer of the hunting APIs is one table",
            "ask the queries one after the other, or put their rows together with union",
        );
    }
    for node in tree.nodes() {
        match node {
            Node::Statement(statement) => match &statement.kind {
                StatementKind::QueryParameters(_) => say(
                    statement.span,
                    "the hunting APIs give a query no parameters",
                    "put the values in with let, or write a query definition",
                ),
                StatementKind::Restrict { .. }
                | StatementKind::Alias { .. }
                | StatementKind::Pattern(_) => say(
                    statement.span,
                    "the hunting APIs know one database and nothing to restrict",
                    "leave the statement out",
                ),
                _ => {}
            },
            Node::Operator(operator) => match &operator.kind {
                OperatorKind::Render(_) => say(
                    operator.span,
                    "the hunting APIs draw no charts",
                    "leave render out: the rows are the same",
                ),
                OperatorKind::Fork(_) | OperatorKind::Facet(_) => say(
                    operator.keyword.span,
                    "an answer of the hunting APIs is one table",
                    "ask the parts one after the other, or put them together with union",
                ),
                _ => {}
            },
            Node::Expression(expression) => {
                if let ExpressionKind::Call(call) = &expression.kind
                    && ELSEWHERE.contains(&call.function.text.as_str())
                {
                    let message =
                        format!("{}() leads out of the hunting tables", call.function.text);
                    say(call.span, &message, "name the table alone");
                }
            }
        }
    }
    findings
}
