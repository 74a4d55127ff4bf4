//! What the tree says about a query.

use kql_syntax::tree::{ExpressionKind, LiteralValue, OperatorKind, StatementKind};
use kql_syntax::{Lines, Node, TokenKind, tokenize};

use crate::accepted;

#[test]
fn spans_cover_what_was_written() {
    let text = "let x = 5;\nT | where a.b['c'] has \"é\" and f(1) in (2, 3) | take x";
    let query = accepted(text);
    let spans: Vec<&str> = query.nodes().map(|node| node.span().slice(text)).collect();
    assert_eq!(
        spans,
        [
            "let x = 5",
            "5",
            "T | where a.b['c'] has \"é\" and f(1) in (2, 3) | take x",
            "T | where a.b['c'] has \"é\" and f(1) in (2, 3) | take x",
            "T",
            "where a.b['c'] has \"é\" and f(1) in (2, 3)",
            "a.b['c'] has \"é\" and f(1) in (2, 3)",
            "a.b['c'] has \"é\"",
            "a.b['c']",
            "a",
            "'c'",
            "\"é\"",
            "f(1) in (2, 3)",
            "f(1)",
            "1",
            "2",
            "3",
            "take x",
            "x",
        ]
    );
}

#[test]
fn precedence() {
    let query = accepted("print a or b and c == d + e * f has g");
    let kinds: Vec<&str> = query
        .nodes()
        .filter_map(|node| match node {
            Node::Expression(expression) => Some(match &expression.kind {
                ExpressionKind::Logical(logical) => logical.operator.text(),
                ExpressionKind::Comparison(comparison) => comparison.operator.text(),
                ExpressionKind::Arithmetic(arithmetic) => arithmetic.rest[0].0.text(),
                ExpressionKind::Name(_) => "name",
                _ => return None,
            }),
            _ => None,
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "or", "name", "and", "name", "==", "name", "+", "name", "*", "name", "has", "name",
            "name"
        ]
    );
}

#[test]
fn literals_have_values() {
    let text = "print 0x10, -9223372036854775808, 1.5h, 'a' \"b\", h'c', datetime( 2020-01-01 ), \
        time(1.00:00:01), true, real(-inf), decimal(1.10), int(null), dynamic({\"k\": [-1, null]})";
    let query = accepted(text);
    let values: Vec<String> = query
        .nodes()
        .filter_map(|node| match node {
            Node::Expression(expression) => match &expression.kind {
                ExpressionKind::Literal(literal) => Some(match &literal.value {
                    LiteralValue::Dynamic(value) => format!("dynamic of {}", value.span.len()),
                    value => format!("{value:?}"),
                }),
                _ => None,
            },
            _ => None,
        })
        .collect();
    insta::assert_snapshot!(values.join("\n"));
}

#[test]
fn comments_stay_reachable() {
    let text = "T // why\n| take 5 // how";
    let (tokens, diagnostics) = tokenize(text);
    assert!(diagnostics.is_empty());
    let comments: Vec<&str> = tokens
        .iter()
        .filter(|token| token.kind == TokenKind::Comment)
        .map(|token| token.span.slice(text))
        .collect();
    assert_eq!(comments, ["// why", "// how"]);
    assert_eq!(Lines::new(text).position(tokens[1].span.start).column, 3);
}

#[test]
fn bare_names_in_invoke() {
    let query = accepted("T | invoke FileProfile(SHA1, 500)");
    let operator = query.operators().next().unwrap();
    let OperatorKind::Invoke(function) = &operator.kind else {
        panic!("{operator:?}")
    };
    let ExpressionKind::Call(call) = &function.kind else {
        panic!("{function:?}")
    };
    assert_eq!(call.function.text, "FileProfile");
    assert!(
        matches!(&call.arguments[0].value.kind, ExpressionKind::Name(name) if name.text == "SHA1")
    );
}

#[test]
fn statements_of_every_kind() {
    let text = "set a = 1; alias database b = cluster('c').database('d');\n\
        declare query_parameters(p: long = 5); declare pattern q; restrict access to (T*);\n\
        let v = view (x: string) { T }; v('')";
    let kinds: Vec<&str> = accepted(text)
        .statements
        .iter()
        .map(|statement| match &statement.kind {
            StatementKind::Expression(_) => "expression",
            StatementKind::Let(_) => "let",
            StatementKind::Set(_) => "set",
            StatementKind::Alias { .. } => "alias",
            StatementKind::QueryParameters(_) => "parameters",
            StatementKind::Pattern(_) => "pattern",
            StatementKind::Restrict { .. } => "restrict",
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "set",
            "alias",
            "parameters",
            "pattern",
            "restrict",
            "let",
            "expression"
        ]
    );
}
