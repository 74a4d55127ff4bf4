//! Several queries in one text, parted by empty lines as in every Kusto editor.

use kql_syntax::tree::StatementKind;
use kql_syntax::{Lines, TokenKind, tokenize};

/// What to do about a text that holds several queries; `None` where it is one.
pub(super) fn advice(text: &str) -> Option<String> {
    let lines = lines(text)?;
    let (last, first) = lines.split_last()?;
    let first: Vec<String> = first.iter().map(ToString::to_string).collect();
    Some(format!(
        "the text holds {} queries, parted by empty lines: they begin at lines {} and {last}; run \
         them one at a time, or put a ';' after a let that belongs to the next",
        lines.len(),
        first.join(", "),
    ))
}

/// The lines that the queries begin at, when the text is no query and each of its blocks is one.
fn lines(text: &str) -> Option<Vec<usize>> {
    if kql_syntax::parse(text).diagnostics.is_empty() {
        return None;
    }
    let blocks = blocks(text);
    let is_query = |block: &(usize, &str)| {
        let parsed = kql_syntax::parse(block.1);
        let answers = |kind: &StatementKind| matches!(kind, StatementKind::Expression(_));
        parsed.diagnostics.is_empty()
            && parsed
                .tree
                .statements
                .iter()
                .any(|statement| answers(&statement.kind))
    };
    (blocks.len() > 1 && blocks.iter().all(is_query))
        .then(|| blocks.into_iter().map(|(line, _)| line).collect())
}

/// What is between empty lines, remarks left out, with the line it begins at.
fn blocks(text: &str) -> Vec<(usize, &str)> {
    let (tokens, _) = tokenize(text);
    let index = Lines::new(text);
    let mut blocks: Vec<(usize, usize, usize)> = Vec::new();
    let mut before = 0;
    let words = tokens
        .iter()
        .filter(|token| !matches!(token.kind, TokenKind::Comment | TokenKind::End));
    for token in words {
        let (start, end) = (token.span.start as usize, token.span.end as usize);
        let gap = text.get(before..start).unwrap_or_default();
        match blocks.last_mut() {
            Some(block) if !has_empty_line(gap) => block.2 = end,
            _ => blocks.push((index.position(token.span.start).line as usize, start, end)),
        }
        before = end;
    }
    blocks
        .into_iter()
        .filter_map(|(line, start, end)| Some((line, text.get(start..end)?)))
        .collect()
}

/// Whether one of the lines that begin and end in `gap` is empty.
fn has_empty_line(gap: &str) -> bool {
    let lines: Vec<&str> = gap.split('\n').collect();
    lines
        .get(1..lines.len().saturating_sub(1))
        .is_some_and(|whole| whole.iter().any(|line| line.trim().is_empty()))
}
