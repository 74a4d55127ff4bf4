//! Nesting and chains of ten thousand, in a thread with the stack of a tokio worker.

use std::thread;

use kql_syntax::tree::{ExpressionKind, StatementKind};
use kql_syntax::{MAX_DEPTH, parse, print};

const COUNT: usize = 10_000;

pub(crate) fn in_small_thread(check: impl FnOnce() + Send + 'static) {
    thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(check)
        .unwrap()
        .join()
        .unwrap();
}

pub(crate) fn nested(open: &str, inner: &str, close: &str, count: usize) -> String {
    format!("{}{inner}{}", open.repeat(count), close.repeat(count))
}

/// Every way to nest: what opens a level, what stands innermost, what closes it, and around all.
pub(crate) const NESTS: &[(&str, &str, &str, &str, &str)] = &[
    ("print ", "(", "1", ")", ""),
    ("print ", "-(", "1", ")", ""),
    ("print ", "f(", "1", ")", ""),
    ("print ", "f(a=", "1", ")", ""),
    ("print x", "[x", "[0]", "]", ""),
    ("print dynamic(", "[", "1", "]", ")"),
    ("print dynamic(", "{\"a\":", "1", "}", ")"),
    ("print dynamic(", "dynamic(", "1", ")", ")"),
    (
        "print ",
        "(a or b and c == d < 1 + 2 * ",
        "e has 'x'",
        ")",
        "",
    ),
    (
        "print ",
        "(((a has b) * c + d < e) == f and g or h) + (",
        "1",
        ")",
        "",
    ),
    ("print ", "x in (", "1", ")", ""),
    ("print ", "x between (1 .. ", "1", ")", ""),
    ("print ", "toscalar(", "T", ")", ""),
    ("", "materialize(T | where x in (", "T", "))", ""),
    ("", "T | join (", "T", ") on a", ""),
    ("", "union (", "T", ")", ""),
    ("T | ", "mv-apply a on (", "take 1", ")", ""),
    ("T | ", "partition by a (", "take 1", ")", ""),
    ("T | ", "fork (", "take 1", ")", ""),
    ("", "let f = () {", "1", "};", ""),
    ("", "macro-expand g as s (", "T", ")", ""),
];

#[test]
fn deep_nesting_is_a_diagnostic() {
    in_small_thread(|| {
        for (before, open, inner, close, after) in NESTS {
            let text = format!("{before}{}{after}", nested(open, inner, close, COUNT));
            let parse = parse(&text);
            let message = format!("the query nests deeper than {MAX_DEPTH} levels");
            assert!(
                parse
                    .diagnostics
                    .iter()
                    .any(|diagnostic| diagnostic.message == message),
                "{open}: {:?}",
                parse.diagnostics.first()
            );
            assert!(
                parse.diagnostics.len() < 5,
                "{open}: {:?}",
                parse.diagnostics
            );
        }
    });
}

#[test]
fn unclosed_nesting_does_no_harm() {
    in_small_thread(|| {
        for (before, open, ..) in NESTS {
            let parse = parse(&format!("{before}{}", open.repeat(COUNT)));
            assert!(!parse.diagnostics.is_empty(), "{open}");
        }
    });
}

#[test]
fn the_deepest_trees_can_be_printed_walked_and_dropped() {
    in_small_thread(|| {
        for (before, open, inner, close, after) in NESTS {
            // The deepest that is still accepted, found from below.
            let accepted = (1..=MAX_DEPTH)
                .map(|count| format!("{before}{}{after}", nested(open, inner, close, count)))
                .map(|text| parse(&text))
                .take_while(|parse| parse.diagnostics.is_empty())
                .last();
            let Some(parse) = accepted else {
                panic!("{open}")
            };
            assert!(parse.tree.nodes().count() > 2, "{open}");
            assert!(!print(&parse.tree).is_empty());
            assert_eq!(
                format!("{:?}", parse.tree.clone()),
                format!("{:?}", parse.tree)
            );
        }
    });
}

#[test]
fn long_chains_are_flat() {
    in_small_thread(|| {
        let chain = |link: &str| format!("a{}", link.repeat(COUNT - 1));
        let text = format!("T | where {} | where {}", chain(" or a"), chain(" and a"));
        let query = crate::accepted(&text);
        let StatementKind::Expression(expression) = &query.statements[0].kind else {
            panic!("{:?}", query.statements[0].span)
        };
        let ExpressionKind::Pipe(pipe) = &expression.kind else {
            panic!("{:?}", expression.span)
        };
        for operator in &pipe.operators {
            let kql_syntax::tree::OperatorKind::Where(predicate) = &operator.kind else {
                panic!("{:?}", operator.span)
            };
            let ExpressionKind::Logical(logical) = &predicate.kind else {
                panic!("{:?}", predicate.span)
            };
            assert_eq!(logical.operands.len(), COUNT);
        }

        for link in [" + a", " - a", " * a", ".a", "[0]", ".f()"] {
            crate::survives_printing(&format!("print {}", chain(link)));
        }
        let piped = crate::accepted(&format!("T{}", " | where a".repeat(COUNT)));
        assert_eq!(piped.operators().count(), COUNT);
        let lets = crate::accepted(&"let a = 1;\n".repeat(COUNT));
        assert_eq!(lets.statements.len(), COUNT);
    });
}
