//! What a parameter without quotes stands for, judged by its neighbours.

use kql_syntax::{TokenKind, tokenize};

use crate::definition::Kind;
use crate::scanning::Place;
use crate::template::Piece;

/// What a hole stands for when the parameter does not say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placement {
    pub(crate) kind: Kind,
    /// Whether the template has already written the `|` of a fragment.
    pub(crate) after_bar: bool,
}

/// A name that no query has.
const STAND_IN: &str = "stand_in_for_parameter_";

/// Judges the holes of a KQL template.
pub(crate) fn infer(pieces: &mut [Piece]) {
    let mut probe = String::new();
    for (index, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Text(text) => probe.push_str(text),
            Piece::Hole(hole) if hole.place == Place::Code => {
                probe.push_str(STAND_IN);
                probe.push_str(&index.to_string());
            }
            Piece::Hole(_) => probe.push('1'),
        }
    }
    let (tokens, _) = tokenize(&probe);
    let tokens: Vec<(TokenKind, &str)> = tokens
        .iter()
        .filter(|token| !matches!(token.kind, TokenKind::Comment | TokenKind::End))
        .map(|token| {
            let text = probe.get(token.span.start as usize..token.span.end as usize);
            (token.kind, text.unwrap_or(""))
        })
        .collect();
    for at in 0..tokens.len() {
        let index = tokens[at].1.strip_prefix(STAND_IN);
        let Some(index) = index.and_then(|index| index.parse::<usize>().ok()) else {
            continue;
        };
        if let Some(Piece::Hole(hole)) = pieces.get_mut(index) {
            hole.placement = judge(&tokens, at);
        }
    }
}

fn judge(tokens: &[(TokenKind, &str)], at: usize) -> Placement {
    let before = |count: usize| at.checked_sub(count).and_then(|at| tokens.get(at)).copied();
    let kind = match by_neighbours(before(1), before(2), tokens.get(at + 1).copied()) {
        Kind::Value if matches!(before(1), Some((TokenKind::Comma, _))) => in_list(&tokens[..at]),
        kind => kind,
    };
    Placement {
        kind,
        after_bar: matches!(before(1), Some((TokenKind::Bar, _))),
    }
}

fn by_neighbours(
    before: Option<(TokenKind, &str)>,
    further: Option<(TokenKind, &str)>,
    after: Option<(TokenKind, &str)>,
) -> Kind {
    let compared = after.is_some_and(|(kind, word)| {
        is_comparison(kind) || kind == TokenKind::Word && is_string_operator(word)
    });
    let piped = matches!(after, Some((TokenKind::Bar, _)));
    match before {
        // At the beginning of a statement stands a table.
        None | Some((TokenKind::Semicolon, _)) => Kind::Identifier,
        Some((TokenKind::Bar, _)) => Kind::Fragment,
        Some((kind, _)) if is_comparison(kind) => Kind::Value,
        Some((TokenKind::Word, _)) if matches!(after, Some((TokenKind::Assign, _))) => {
            Kind::Identifier
        }
        Some((TokenKind::Word, word)) => after_word(word, compared, after),
        Some((TokenKind::Assign, _)) if piped => Kind::Identifier,
        Some((TokenKind::OpenParenthesis, _)) => match further {
            _ if compared || piped => Kind::Identifier,
            Some((TokenKind::Word, "ago" | "totimespan")) => Kind::Literal,
            Some((TokenKind::Word, "where" | "and" | "or" | "not")) => Kind::Expression,
            _ => Kind::Value,
        },
        Some((
            TokenKind::CloseParenthesis
            | TokenKind::CloseBracket
            | TokenKind::CloseBrace
            | TokenKind::String
            | TokenKind::Long
            | TokenKind::Real
            | TokenKind::TimeSpan
            | TokenKind::Bool
            | TokenKind::Guid
            | TokenKind::Typed,
            _,
        )) => Kind::Fragment,
        Some(_) if compared || matches!(after, Some((TokenKind::Assign, _))) => Kind::Identifier,
        Some(_) => Kind::Value,
    }
}

/// What stands after the commas of a list: columns after `project` and the like, else values.
fn in_list(before: &[(TokenKind, &str)]) -> Kind {
    let mut depth = 0_usize;
    for (kind, word) in before.iter().rev() {
        match kind {
            TokenKind::CloseParenthesis | TokenKind::CloseBracket => depth += 1,
            TokenKind::OpenParenthesis | TokenKind::OpenBracket if depth > 0 => depth -= 1,
            TokenKind::OpenParenthesis
            | TokenKind::OpenBracket
            | TokenKind::Bar
            | TokenKind::Semicolon => return Kind::Value,
            TokenKind::Word if depth == 0 && after_word(word, false, None) == Kind::Identifier => {
                return Kind::Identifier;
            }
            _ => {}
        }
    }
    Kind::Value
}

fn after_word(word: &str, compared: bool, after: Option<(TokenKind, &str)>) -> Kind {
    match word {
        _ if is_string_operator(word) => Kind::Value,
        "where" | "filter" | "and" | "or" => {
            if compared {
                Kind::Identifier
            } else {
                Kind::Expression
            }
        }
        "take" | "limit" | "top" | "sample" | "step" | "sample-distinct" => Kind::Literal,
        "by" | "on" | "of" | "project" | "project-away" | "project-keep" | "project-rename"
        | "project-reorder" | "distinct" | "extend" | "summarize" | "union" | "join" | "lookup"
        | "mv-expand" | "mv-apply" | "from" | "parse" | "parse-where" | "as" => Kind::Identifier,
        // Between a column and a literal stands a comparison.
        _ if matches!(
            after,
            Some((
                TokenKind::String | TokenKind::Long | TokenKind::Real | TokenKind::Typed,
                _
            ))
        ) =>
        {
            Kind::Operator
        }
        // The end of an expression: what follows it begins a step.
        _ => Kind::Fragment,
    }
}

pub(crate) fn is_comparison(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Equal
            | TokenKind::NotEqual
            | TokenKind::EqualFold
            | TokenKind::NotEqualFold
            | TokenKind::Less
            | TokenKind::LessOrEqual
            | TokenKind::Greater
            | TokenKind::GreaterOrEqual
    )
}

pub(crate) fn is_string_operator(word: &str) -> bool {
    let word = word.strip_prefix('!').unwrap_or(word);
    let word = word.strip_suffix("_cs").unwrap_or(word);
    matches!(
        word.trim_end_matches('~'),
        "has"
            | "contains"
            | "startswith"
            | "endswith"
            | "hasprefix"
            | "hassuffix"
            | "has_any"
            | "has_all"
            | "in"
            | "between"
            | "like"
            | "matches"
            | "regex"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::Language;
    use crate::template::Template;

    fn kind(template: &str) -> Kind {
        let template = Template::parse(template, Language::Kql, |_| None).unwrap();
        template.holes().next().unwrap().placement.kind
    }

    #[test]
    fn neighbours_tell_what_a_hole_stands_for() {
        for (template, expected) in [
            ("{x} | take 5", Kind::Identifier),
            ("let a = 1; {x} | take 5", Kind::Identifier),
            ("let t = {x} | take 5; t", Kind::Identifier),
            ("T | join ({x} | take 5) on a", Kind::Identifier),
            ("T | where {x} == 'a'", Kind::Identifier),
            ("T | where a and {x} has 'a'", Kind::Identifier),
            ("T | summarize count() by {x}", Kind::Identifier),
            ("T | where a {x} 'b'", Kind::Operator),
            ("T | where a == {x}", Kind::Value),
            ("T | where a !has {x}", Kind::Value),
            ("T | where a in~ ({x})", Kind::Value),
            ("T | where a has_any({x})", Kind::Value),
            ("T | where a in (1, {x})", Kind::Value),
            ("T | project a, {x}", Kind::Identifier),
            ("T | summarize dcount(a, 2) by b, {x}", Kind::Identifier),
            ("T | project a = iff(b, c, {x})", Kind::Value),
            ("T | extend a = {x}", Kind::Value),
            ("T | where tolower(a) == tolower({x})", Kind::Value),
            ("T | where a > ago({x})", Kind::Literal),
            ("T | take {x}", Kind::Literal),
            ("T | where {x}", Kind::Expression),
            ("T | where a and ({x})", Kind::Expression),
            ("T | where a == 'b' {x}", Kind::Fragment),
            ("T | where a == b\n{x}", Kind::Fragment),
            ("T | where isnotempty(a) {x}", Kind::Fragment),
            ("T | {x}", Kind::Fragment),
            ("T\n// a comment\n{x}", Kind::Fragment),
        ] {
            assert_eq!(kind(template), expected, "{template}");
        }
    }
}
