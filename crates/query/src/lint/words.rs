//! `contains` where `has` serves, texts without quotes, and quotes that are doubled.

use kql_syntax::tree::{
    ComparisonOperator, Expression, ExpressionKind, LiteralValue, Query, Segment,
};
use kql_syntax::{Node, Span};

use super::Finding;
use super::rules::{CONTAINS_FOR_HAS, JOINED_STRINGS};

/// The index has no shorter words.
const SHORTEST: usize = 3;

pub(super) fn findings(tree: &Query) -> Vec<Finding> {
    let mut findings = Vec::new();
    for node in tree.nodes() {
        let Node::Expression(expression) = node else {
            continue;
        };
        findings.extend(joined(expression));
        let ExpressionKind::Comparison(comparison) = &expression.kind else {
            continue;
        };
        let better = match comparison.operator {
            ComparisonOperator::Contains => ComparisonOperator::Has,
            ComparisonOperator::NotContains => ComparisonOperator::NotHas,
            ComparisonOperator::ContainsCs => ComparisonOperator::HasCs,
            ComparisonOperator::NotContainsCs => ComparisonOperator::NotHasCs,
            _ => continue,
        };
        let ExpressionKind::Literal(literal) = &comparison.right.kind else {
            continue;
        };
        let LiteralValue::String { value, .. } = &literal.value else {
            continue;
        };
        if is_of_words(value) {
            let message = format!(
                "'{}' looks for a whole word without the index",
                comparison.operator.text()
            );
            let finding = Finding::new(&CONTAINS_FOR_HAS, comparison.operator_span, message);
            let hint = format!(
                "write '{}', unless the word may be a part of a longer one",
                better.text()
            );
            findings.push(finding.hint(hint));
        }
    }
    findings
}

/// Strings without a blank between them.
fn joined(expression: &Expression) -> Option<Finding> {
    let ExpressionKind::Literal(literal) = &expression.kind else {
        return None;
    };
    // The text has one blank between two strings.
    let is_string = matches!(literal.value, LiteralValue::String { .. });
    if !is_string || literal.span.len() as usize >= literal.text.len() {
        return None;
    }
    let message = "strings that touch are one, without a quote between them";
    let finding = Finding::new(&JOINED_STRINGS, literal.span, message);
    Some(finding.hint("write \\' or \\\" for a quote inside of a string, or a blank between two"))
}

/// The text that a name is the beginning of, or all of, where a value is compared with it: in
/// `FileName == powershell.exe` no column is meant.
pub(super) fn unquoted(tree: &Query, name: Span) -> Option<Span> {
    let is_text = |value: &&Expression| {
        value.span.start == name.start
            && match &value.kind {
                ExpressionKind::Name(_) => true,
                ExpressionKind::Path(path) => {
                    let mut segments = path.segments.iter();
                    segments.all(|segment| matches!(segment, Segment::Member(_)))
                }
                _ => false,
            }
    };
    tree.nodes().find_map(|node| {
        let Node::Expression(expression) = node else {
            return None;
        };
        let value = match &expression.kind {
            ExpressionKind::Comparison(comparison) => {
                Some(comparison.right.as_ref()).filter(is_text)
            }
            ExpressionKind::In(found) => found.right.iter().find(is_text),
            _ => None,
        };
        value.map(|value| value.span)
    })
}

/// Whether `has` finds this where it stands between other words.
fn is_of_words(value: &str) -> bool {
    let is_word = |word: &str| {
        word.len() >= SHORTEST && word.chars().all(|letter| letter.is_ascii_alphanumeric())
    };
    !value.is_empty() && value.split(' ').all(is_word)
}
