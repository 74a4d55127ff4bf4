//! What the hunting APIs do not take.

use kql_syntax::Node;
use kql_syntax::tree::{ExpressionKind, OperatorKind, Query, StatementKind};

use super::Finding;
use super::rules::{MISUSE, NOT_ON_GRAPH};

/// Functions that lead out of the tenant's hunting tables.
const ELSEWHERE: &[&str] = &["cluster", "database", "workspace", "app", "resource"];

/// Directives of Kusto's clients.
const DIRECTIVES: &[&str] = &[
    "automate",
    "browse",
    "connect",
    "crp",
    "database",
    "download",
    "qp",
    "query",
    "run",
    "save",
    "sqr",
    "truesight",
    "upload",
    "welcome",
];

/// Whether a line that begins with `#` is a directive, and no remark.
fn is_directive(line: &str) -> bool {
    let name = line.trim_start_matches('#');
    let name = name.split(|letter: char| !letter.is_ascii_alphanumeric());
    line.starts_with('#')
        && !line.starts_with("##")
        && name.take(1).any(|name| DIRECTIVES.contains(&name))
}

pub(super) fn findings(tree: &Query) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut say = |span, message: &str, hint: &str| {
        findings.push(Finding::new(&NOT_ON_GRAPH, span, message).hint(hint));
    };
    for directive in &tree.directives {
        if is_directive(&directive.text) {
            say(
                directive.span,
                "the hunting APIs take no directives",
                "leave the line out",
            );
        }
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
    let mistaken = (tree.directives.iter()).filter(|directive| !is_directive(&directive.text));
    findings.extend(mistaken.map(|directive| {
        let message = "a line that begins with '#' is a directive, and there is none of this name";
        Finding::new(&MISUSE, directive.span, message).hint("a comment begins with //")
    }));
    let mut say = |span, message: &str, hint: &str| {
        findings.push(Finding::new(&NOT_ON_GRAPH, span, message).hint(hint));
    };
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
