//! Numbers, moments and truths, and texts in their places.

use defender_core::moment;
use kql_syntax::Node;
use kql_syntax::tree::{ExpressionKind, LiteralValue};
use proptest::prelude::*;
use proptest::sample::select;
use regex::Regex;

use super::{BARE, OTHERS, accepted, check, hostile, instant, made, shape};
use crate::now;

/// The literals of the tree, with the sign of a number.
fn literals(text: &str) -> Vec<String> {
    let tree = accepted(text);
    let mut negative = false;
    let mut found = Vec::new();
    for node in tree.nodes() {
        let Node::Expression(expression) = node else {
            continue;
        };
        match &expression.kind {
            ExpressionKind::Unary(_) => negative = !negative,
            ExpressionKind::Literal(literal) => {
                let sign = if std::mem::take(&mut negative) {
                    "-"
                } else {
                    ""
                };
                found.push(match &literal.value {
                    LiteralValue::Long(Some(number)) => format!("{sign}{number}"),
                    LiteralValue::Real(Some(number)) => format!("{sign}{number:?}"),
                    LiteralValue::Bool(Some(value)) => value.to_string(),
                    LiteralValue::DateTime(Some(text)) => text.clone(),
                    LiteralValue::String { value, .. } => value.clone(),
                    other => format!("{other:?}"),
                });
            }
            _ => {}
        }
    }
    found
}

#[test]
fn numbers_and_truths_come_back_as_they_were() {
    let typed = |wanted: &'static str| {
        let queries = OTHERS.iter().enumerate();
        queries
            .filter(move |(_, (ty, _))| *ty == wanted)
            .map(|(index, _)| format!("other_{index}"))
    };
    for (seed, name) in typed("int").enumerate() {
        let edges = select(&[0, -1, i64::MIN, i64::MIN + 1, i64::MAX]);
        check(60, seed, &prop_oneof![edges, any::<i64>()], |number| {
            let text = made(&name, number).unwrap();
            let negated = format!("-{number}").replace("--", "");
            let number = number.to_string();
            for found in literals(&text) {
                // The smallest number has its sign in itself.
                let found = found.replace("--", "-");
                assert!(
                    found == number || found == negated || found == "5",
                    "{found} in {text}"
                );
            }
        });
    }
    for (seed, name) in typed("float").enumerate() {
        check(120, seed, &any::<f64>(), |number| {
            let text = made(&name, number);
            assert_eq!(text.is_some(), number.is_finite(), "{number}");
            for found in text.iter().flat_map(|text| literals(text)) {
                let found: f64 = found.parse().unwrap();
                assert_eq!(found.to_bits(), number.to_bits(), "{text:?}");
            }
        });
    }
    for name in typed("bool") {
        for value in [true, false] {
            assert_eq!(literals(&made(&name, value).unwrap()), [value.to_string()]);
        }
    }
    for (seed, name) in typed("datetime").enumerate() {
        check(60, seed, &instant(), |instant| {
            let text = made(&name, instant).unwrap();
            let found = literals(&text);
            assert!(!found.is_empty(), "{text}");
            for found in found {
                assert_eq!(moment(&found, now()).unwrap(), instant, "{text}");
            }
        });
    }
}

/// A text for a number, a moment or a truth is read or refused, and never written as it is.
#[test]
fn a_text_of_another_type_does_not_change_the_query() {
    let number = Regex::new(r"[\d.e]+").unwrap();
    let truth = Regex::new("true|false").unwrap();
    for (index, (ty, _)) in OTHERS.iter().enumerate() {
        let name = format!("other_{index}");
        let harmless = match *ty {
            "int" | "float" => "1",
            "bool" => "true",
            _ => "2026-01-15",
        };
        let harmless = shape(&accepted(&made(&name, harmless).unwrap()));
        let blank = |shape: &str| {
            let shape = shape.replace(['Z', 'T'], "");
            truth
                .replace_all(&number.replace_all(&shape, "0"), "0")
                .into_owned()
        };
        let near = select(&[
            "1",
            "-1",
            " 7 ",
            "1e3",
            "0x1",
            "true",
            "False",
            "-7d",
            "now",
            "2026-01-15",
        ]);
        let near = near.prop_map(str::to_owned);
        let value = prop_oneof![
            hostile(),
            (near, hostile()).prop_map(|(near, rest)| near + &rest)
        ];
        check(100, index, &value, |value| {
            let Some(text) = made(&name, value.as_str()) else {
                return;
            };
            let found = shape(&accepted(&text));
            let unary = found.matches("Unary").count() != harmless.matches("Unary").count();
            assert!(
                unary || blank(&found) == blank(&harmless),
                "{value:?} in {text:?}"
            );
        });
    }
}

/// Where a literal has no quotes, a text is what the literal is made of, or refused.
#[test]
fn a_text_does_not_leave_a_literal_without_quotes() {
    let literal =
        Regex::new(r"(DateTime|TimeSpan|Guid|Long|Real|Bool)\((None|Some\([^)]*\))\)").unwrap();
    let several = |parts: &'static [&'static str]| {
        proptest::collection::vec(select(parts), 0..5).prop_map(|parts| parts.concat())
    };
    let value = prop_oneof![
        several(&[
            "1",
            "2026-01-15",
            "-",
            "+",
            ".",
            ":",
            " ",
            "d",
            "e5",
            "0x",
            "T08:00"
        ]),
        // A literal that ends, and what could stand behind it.
        (
            select(&["1", "true", "1d", "2026-01-15", "null"]),
            select(&["", ") // ", ") or (1 == 1", ") or a == long(1", ")|take (1"]),
        )
            .prop_map(|(literal, rest)| format!("{literal}{rest}")),
        hostile(),
    ];
    let mut written = 0;
    for (index, (_, harmless)) in BARE.iter().enumerate() {
        let name = format!("bare_{index}");
        let blank = |text: &str| {
            literal
                .replace_all(&shape(&accepted(text)), "_")
                .into_owned()
        };
        let harmless = blank(&made(&name, *harmless).unwrap());
        assert!(harmless.contains("Literal { value: _"), "{harmless}");
        check(150, index, &value, |value| {
            if let Some(text) = made(&name, value.as_str()) {
                assert_eq!(blank(&text), harmless, "{value:?} in {text:?}");
                written += 1;
            }
        });
    }
    assert!(written > 50, "only {written}");
}
