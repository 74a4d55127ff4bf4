//! Tokens, each with the comments before it.

use crate::lexer::{Token, TokenKind, tokenize};

/// A token that the grammar reads, and what stands between it and the one before.
#[derive(Debug)]
pub(super) struct Piece<'a> {
    pub(super) token: Token,
    pub(super) comments: Vec<Comment<'a>>,
    /// Whether it begins a line.
    begins_line: bool,
    /// Whether a blank line stands before it.
    pub(super) blank_before: bool,
}

/// A comment with its slashes and without blanks at its end.
#[derive(Debug)]
pub(super) struct Comment<'a> {
    pub(super) text: &'a str,
    /// Whether it begins its line; otherwise, and if it is the first, it ends the line of the
    /// token before.
    pub(super) own_line: bool,
    /// Whether a blank line stands before it.
    pub(super) blank_before: bool,
}

/// The pieces of a text that has no syntax errors; the last one is the end.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let (tokens, _) = tokenize(text);
    let mut pieces = Vec::with_capacity(tokens.len());
    let mut comments = Vec::new();
    let mut end = 0;
    for token in tokens {
        let range = token.span.range();
        let breaks = line_breaks(&text[end..range.start]);
        end = range.end;
        if token.kind == TokenKind::Comment {
            comments.push(Comment {
                text: text[range].trim_end(),
                own_line: breaks > 0 || pieces.is_empty(),
                blank_before: breaks > 1,
            });
        } else {
            pieces.push(Piece {
                token,
                comments: std::mem::take(&mut comments),
                begins_line: breaks > 0,
                blank_before: breaks > 1,
            });
        }
    }
    settle(pieces)
}

/// How many lines end in `gap`.
fn line_breaks(gap: &str) -> usize {
    let bytes = gap.as_bytes();
    let ends_line = |(index, byte): (usize, &u8)| {
        *byte == b'\n' || *byte == b'\r' && bytes.get(index + 1) != Some(&b'\n')
    };
    bytes
        .iter()
        .enumerate()
        .filter(|line| ends_line(*line))
        .count()
}

/// Moves comments to where they can stay: behind commas and semicolons, which end lines, and
/// before bars, which begin them. Commas that separate nothing are left out.
fn settle(pieces: Vec<Piece<'_>>) -> Vec<Piece<'_>> {
    let mut settled: Vec<Piece<'_>> = Vec::with_capacity(pieces.len());
    let mut pieces = pieces.into_iter().peekable();
    let mut carried: Vec<Comment<'_>> = Vec::new();
    while let Some(mut piece) = pieces.next() {
        piece.comments.splice(..0, carried.drain(..));
        match piece.token.kind {
            TokenKind::Comma | TokenKind::Semicolon => {
                carried = std::mem::take(&mut piece.comments);
                let before = settled.last().map(|before| before.token.kind);
                let after = pieces.peek().map(|after| after.token.kind);
                if piece.token.kind == TokenKind::Comma
                    && (before.is_some_and(opens) || after.is_some_and(closes))
                {
                    continue;
                }
            }
            TokenKind::Bar => {
                if let Some(next) = pieces.peek_mut() {
                    let mut after = std::mem::take(&mut next.comments);
                    if piece.begins_line
                        && let Some(first) = after.first_mut()
                    {
                        first.own_line = true;
                    }
                    piece.comments.append(&mut after);
                }
            }
            _ => {}
        }
        settled.push(piece);
    }
    settled
}

fn opens(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::OpenParenthesis | TokenKind::OpenBracket | TokenKind::OpenBrace
    )
}

fn closes(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::CloseParenthesis | TokenKind::CloseBracket | TokenKind::CloseBrace
    )
}
