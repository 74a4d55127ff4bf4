//! Several queries in one text, parted by empty lines as in every Kusto editor.

use std::ops::Range;

use crate::lexer::{Token, TokenKind, tokenize};
use crate::parser::parse;
use crate::tree::StatementKind;

/// Where the queries of a text are, in bytes: all of it where it is one query.
///
/// A text that cannot be read as one query is cut at its empty lines, where at least one of the
/// parts is a query. What begins with a pipe or a bracket goes on with the part before, and a `let`
/// with the part after it.
///
/// ```
/// let text = "A | count\n\nB\n\n| take 5 // of B";
/// let queries: Vec<&str> = kql_syntax::queries(text)
///     .into_iter()
///     .map(|range| &text[range])
///     .collect();
/// assert_eq!(queries, ["A | count", "B\n\n| take 5"]);
/// ```
pub fn queries(text: &str) -> Vec<Range<usize>> {
    let is_query = |part: &Range<usize>| answers(&text[part.clone()]) == Some(true);
    if !parse(text).diagnostics.is_empty() {
        let parts = parts(text);
        if parts.len() > 1 && parts.iter().any(is_query) {
            return parts;
        }
    }
    std::iter::once(0..text.len()).collect()
}

/// Whether a text that can be read has an answer; `None` where it cannot.
fn answers(text: &str) -> Option<bool> {
    let parsed = parse(text);
    let mut statements = parsed.tree.statements.iter();
    parsed
        .diagnostics
        .is_empty()
        .then(|| statements.any(|one| matches!(one.kind, StatementKind::Expression(_))))
}

/// What is between empty lines, remarks around it left out.
fn parts(text: &str) -> Vec<Range<usize>> {
    let (tokens, _) = tokenize(text);
    let mut parts: Vec<Range<usize>> = Vec::new();
    let mut before = 0;
    for token in tokens {
        if matches!(token.kind, TokenKind::Comment | TokenKind::End) {
            continue;
        }
        let own = token.span.range();
        let goes_on = !begins(&token) || !has_empty_line(&text[before..own.start]);
        match parts.last_mut() {
            // A let by itself belongs to what follows.
            Some(part) if goes_on || answers(&text[part.clone()]) == Some(false) => {
                part.end = own.end;
            }
            _ => parts.push(own.clone()),
        }
        before = own.end;
    }
    parts
}

/// Whether a query may begin with it.
fn begins(token: &Token) -> bool {
    matches!(token.kind, TokenKind::Word | TokenKind::Directive)
}

/// Whether one of the lines that begin and end in `gap` is empty.
fn has_empty_line(gap: &str) -> bool {
    let lines: Vec<&str> = gap.split('\n').collect();
    lines
        .get(1..lines.len().saturating_sub(1))
        .is_some_and(|whole| whole.iter().any(|line| line.trim().is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_where_it_is_no_query_and_a_part_is_one() {
        for (text, expected) in [
            ("A | count", vec!["A | count"]),
            ("A\n\n| count", vec!["A\n\n| count"]),
            ("A | count\n\nB | count", vec!["A | count", "B | count"]),
            ("A | count\n \t\nB | where", vec!["A | count", "B | where"]),
            (
                "// first\nA\n\n// second\n\nlet x = 1;\n\nB | take x",
                vec!["A", "let x = 1;\n\nB | take x"],
            ),
            ("A | where\n\nB | where", vec!["A | where\n\nB | where"]),
            (
                "A | where x ==\n\n| take 5",
                vec!["A | where x ==\n\n| take 5"],
            ),
            (
                "A | join (\n\nB | take 5\n\n) on x y",
                vec!["A | join (\n\nB | take 5\n\n) on x y"],
            ),
            ("A | count\nB | count", vec!["A | count\nB | count"]),
            ("", vec![""]),
        ] {
            let found: Vec<&str> = queries(text).into_iter().map(|part| &text[part]).collect();
            assert_eq!(found, expected, "{text:?}");
        }
    }
}
