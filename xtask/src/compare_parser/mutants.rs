//! Queries with one mistake each, made of queries that are right.

use std::collections::BTreeSet;

use kql_syntax::{Token, TokenKind, tokenize};

/// What was done to a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mistake {
    /// A column with a letter too many.
    Column,
    /// A function with a letter too many.
    Function,
    /// A timespan in the place of a string.
    Type,
    /// An argument in the place of none.
    Arguments,
    /// A bracket left out.
    Bracket,
    /// A bar left out.
    Bar,
    /// A comma left out.
    Comma,
    /// An operator of rows with a letter too many.
    Operator,
    /// A regular expression with a bracket that never closes, which the parser takes.
    Pattern,
}

impl Mistake {
    const ALL: [Self; 9] = [
        Self::Column,
        Self::Function,
        Self::Type,
        Self::Arguments,
        Self::Bracket,
        Self::Bar,
        Self::Comma,
        Self::Operator,
        Self::Pattern,
    ];
}

/// The mutants of a query, at most one for each mistake; `turn` says which of several places is
/// taken, so that they are not always the first.
pub(super) fn of(query: &str, columns: &BTreeSet<&str>, turn: usize) -> Vec<(Mistake, String)> {
    let (tokens, _) = tokenize(query);
    let tokens: Vec<Token> = tokens
        .into_iter()
        .filter(|token| !matches!(token.kind, TokenKind::Comment | TokenKind::Directive))
        .collect();
    let text = |token: &Token| query.get(token.span.range()).unwrap_or_default();
    let mut mutants = Vec::new();
    for mistake in Mistake::ALL {
        let places: Vec<usize> = (0..tokens.len())
            .filter(|index| {
                let token = &tokens[*index];
                let next = tokens.get(index + 1).map(|token| token.kind);
                let before = index.checked_sub(1).map(|index| &tokens[index]);
                let called = next == Some(TokenKind::OpenParenthesis);
                match mistake {
                    Mistake::Column => columns.contains(text(token)),
                    Mistake::Function => {
                        token.kind == TokenKind::Word
                            && called
                            && kql_semantics::Function::scalar(text(token)).is_some()
                    }
                    Mistake::Arguments => {
                        token.kind == TokenKind::OpenParenthesis
                            && before.is_some_and(|before| {
                                matches!(text(before), "now" | "tostring" | "tolower" | "strlen")
                            })
                    }
                    Mistake::Type => token.kind == TokenKind::String,
                    Mistake::Bracket => matches!(
                        token.kind,
                        TokenKind::OpenParenthesis | TokenKind::CloseParenthesis
                    ),
                    Mistake::Bar => token.kind == TokenKind::Bar,
                    Mistake::Comma => token.kind == TokenKind::Comma,
                    Mistake::Operator => before.is_some_and(|one| one.kind == TokenKind::Bar),
                    Mistake::Pattern => {
                        token.kind == TokenKind::String
                            && before.is_some_and(|before| text(before) == "regex")
                    }
                }
            })
            .collect();
        if places.is_empty() {
            continue;
        }
        let token = &tokens[places[turn % places.len()]];
        let written = text(token);
        let put = match mistake {
            Mistake::Column | Mistake::Function | Mistake::Operator => format!("{written}x"),
            Mistake::Type => "1h".to_owned(),
            Mistake::Arguments => "(1, 2, ".to_owned(),
            Mistake::Pattern => "'(x'".to_owned(),
            Mistake::Bracket | Mistake::Bar | Mistake::Comma => " ".to_owned(),
        };
        let mut mutant = query.to_owned();
        mutant.replace_range(token.span.range(), &put);
        mutants.push((mistake, mutant));
    }
    mutants
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Mistake, of};

    #[test]
    fn each_mistake_is_made_once() {
        let columns = BTreeSet::from(["FileName"]);
        let query = "T | where strlen(FileName) > 1 and a matches regex 'x' | project a, b";
        let mutants = of(query, &columns, 0);
        let of_kind = |wanted: Mistake| {
            let found = mutants.iter().find(|(mistake, _)| *mistake == wanted);
            found.map(|(_, mutant)| mutant.as_str()).unwrap_or_default()
        };
        assert!(of_kind(Mistake::Column).contains("strlen(FileNamex)"));
        assert!(of_kind(Mistake::Function).contains("strlenx("));
        assert!(of_kind(Mistake::Arguments).contains("strlen(1, 2, FileName)"));
        assert!(of_kind(Mistake::Bracket).contains("strlen FileName)"));
        assert!(of_kind(Mistake::Bar).starts_with("T   where"));
        assert!(of_kind(Mistake::Operator).starts_with("T | wherex"));
        assert!(of_kind(Mistake::Pattern).contains("regex '(x'"));
        assert!(of_kind(Mistake::Type).contains("regex 1h"));
    }
}
