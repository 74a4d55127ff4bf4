//! A query without one of its filters, to see whether a test notices.

use kql_syntax::{Lines, TokenKind, tokenize};

/// A query text that lacks one `where`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// The line of the filter in the whole text, from 1.
    pub line: u32,
    /// The filter that is missing.
    pub removed: String,
    /// The text without it.
    pub text: String,
}

/// The text as often as it has `where` operators, each time without another one.
///
/// Comments are no filters, and neither is a `where` within a string.
///
/// ```
/// let mutants = defender_queries::mutants("T | where a == 1 | where b has '| where' | count");
/// assert_eq!(mutants[0].text, "T | where b has '| where' | count");
/// assert_eq!(mutants[1].removed, "where b has '| where'");
/// assert_eq!(mutants.len(), 2);
/// ```
pub fn mutants(text: &str) -> Vec<Mutant> {
    let lines = Lines::new(text);
    let (tokens, _) = tokenize(text);
    let tokens: Vec<_> = tokens
        .into_iter()
        .filter(|token| token.kind != TokenKind::Comment)
        .collect();
    let part = |start: u32, end: u32| text.get(start as usize..end as usize).unwrap_or_default();
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate().skip(1) {
        let is_filter = token.kind == TokenKind::Word
            && matches!(part(token.span.start, token.span.end), "where" | "filter");
        let before = tokens[at - 1];
        let first = before.kind == TokenKind::OpenParenthesis;
        if !is_filter || !(first || before.kind == TokenKind::Bar) {
            continue;
        }
        let mut depth = 0_usize;
        let end = tokens[at..].iter().find(|token| match token.kind {
            TokenKind::OpenParenthesis | TokenKind::OpenBracket | TokenKind::OpenBrace => {
                depth += 1;
                false
            }
            TokenKind::CloseParenthesis | TokenKind::CloseBracket | TokenKind::CloseBrace => {
                if depth == 0 {
                    return true;
                }
                depth -= 1;
                false
            }
            TokenKind::Bar | TokenKind::Semicolon | TokenKind::End => depth == 0,
            _ => false,
        });
        let Some(end) = end else { continue };
        // A pipeline that begins with the filter begins with the next step then.
        let (start, stop) = match (first, end.kind) {
            (true, TokenKind::Bar) => (token.span.start, end.span.end),
            (true, _) => continue,
            (false, _) => (before.span.start, end.span.start),
        };
        found.push(Mutant {
            line: lines.position(token.span.start).line,
            removed: part(token.span.start, end.span.start).trim().to_owned(),
            text: format!(
                "{}{}",
                part(0, start),
                text.get(stop as usize..).unwrap_or_default()
            ),
        });
    }
    found
}
