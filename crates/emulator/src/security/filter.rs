//! `$filter`: comparisons of a property with a value, joined by `and`, `or` and `not`.
//!
//! Source: <https://learn.microsoft.com/graph/filter-query-parameter>

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::kind::{Comparison, Kind, Literal};
use crate::ticks;

/// How deep parentheses may nest.
const DEPTH: usize = 32;

/// A condition on a row.
#[derive(Debug, PartialEq)]
pub(super) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Compare(String, Comparison, Literal),
    /// `property in ('a','b')`.
    In(String, Vec<Literal>),
    /// `startswith(property,'text')` and its like.
    Text(String, Part, String),
    /// `tags/any(tag: tag eq 'x')`.
    AnyOf(String, String),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Part {
    Start,
    End,
    Any,
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Open,
    Close,
    Comma,
    Colon,
}

impl Filter {
    /// Reads a filter over the properties in `known`, whose types `kind` says.
    ///
    /// # Errors
    ///
    /// The service's sentence.
    pub(super) fn parse(
        text: &str,
        known: &[&str],
        kind: impl Fn(&str) -> Kind,
    ) -> Result<Self, String> {
        let mut parser = Parser {
            text,
            tokens: tokens(text)?.into_iter().peekable(),
            at: 0,
            known,
            kind: &kind,
            depth: 0,
        };
        let filter = parser.any()?;
        match parser.next() {
            None => Ok(filter),
            Some(_) => Err(parser.wrong()),
        }
    }

    pub(super) fn holds(&self, row: &Map<String, Value>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(row)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(row)),
            Self::Not(part) => !part.holds(row),
            Self::Compare(name, comparison, literal) => {
                comparison.holds(row.get(name).unwrap_or(&Value::Null), literal)
            }
            Self::In(name, literals) => {
                let value = row.get(name).unwrap_or(&Value::Null);
                literals
                    .iter()
                    .any(|literal| Comparison::Equal.holds(value, literal))
            }
            Self::Text(name, part, text) => {
                row.get(name).and_then(Value::as_str).is_some_and(|value| {
                    let (value, wanted) = (value.to_lowercase(), text.to_lowercase());
                    match part {
                        Part::Start => value.starts_with(&wanted),
                        Part::End => value.ends_with(&wanted),
                        Part::Any => value.contains(&wanted),
                    }
                })
            }
            Self::AnyOf(name, text) => row
                .get(name)
                .and_then(Value::as_array)
                .is_some_and(|values| values.iter().any(|value| value == text)),
        }
    }
}

impl Comparison {
    fn named(word: &str) -> Option<Self> {
        Some(match word {
            "eq" => Self::Equal,
            "ne" => Self::NotEqual,
            "gt" => Self::Greater,
            "ge" => Self::GreaterOrEqual,
            "lt" => Self::Less,
            "le" => Self::LessOrEqual,
            _ => return None,
        })
    }

    /// What has no value is equal to null only, and neither more nor less than anything.
    fn holds(self, value: &Value, literal: &Literal) -> bool {
        let order = match (value, literal) {
            (Value::Null, Literal::Null) => Some(Ordering::Equal),
            (Value::Bool(value), Literal::Bool(literal)) => Some(value.cmp(literal)),
            (Value::Number(value), Literal::Number(literal)) => {
                value.as_f64().and_then(|value| value.partial_cmp(literal))
            }
            (Value::String(value), Literal::Time(literal)) => {
                ticks::parse(value).map(|value| value.cmp(literal))
            }
            // The services compare names of enumerations without regard to case.
            (Value::String(value), Literal::Text(literal)) => {
                Some(value.to_lowercase().cmp(&literal.to_lowercase()))
            }
            _ => None,
        };
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::NotEqual => order != Some(Ordering::Equal),
            Self::Greater => order == Some(Ordering::Greater),
            Self::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
            Self::Less => order == Some(Ordering::Less),
            Self::LessOrEqual => order.is_some_and(Ordering::is_le),
        }
    }
}

struct Parser<'k> {
    text: &'k str,
    /// Each with its place in the text.
    tokens: std::iter::Peekable<std::vec::IntoIter<(usize, Token)>>,
    /// Where the last one was.
    at: usize,
    known: &'k [&'k str],
    kind: &'k dyn Fn(&str) -> Kind,
    depth: usize,
}

fn wrong(at: usize, text: &str) -> String {
    format!("Invalid filter clause: Syntax error at position {at} in '{text}'.")
}

impl Parser<'_> {
    fn next(&mut self) -> Option<Token> {
        let (at, token) = self.tokens.next().unzip();
        self.at = at.unwrap_or(self.text.len());
        token
    }

    /// The sentence about the token that was read last.
    fn wrong(&self) -> String {
        wrong(self.at, self.text)
    }

    fn word(&mut self, wanted: &str) -> bool {
        let there = matches!(self.tokens.peek(), Some((_, Token::Word(word))) if word == wanted);
        if there {
            self.next();
        }
        there
    }

    fn expect(&mut self, wanted: &Token) -> Result<(), String> {
        match self.next() {
            Some(token) if token == *wanted => Ok(()),
            _ => Err(self.wrong()),
        }
    }

    fn any(&mut self) -> Result<Filter, String> {
        let mut parts = vec![self.all()?];
        while self.word("or") {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Filter::Any))
    }

    fn all(&mut self) -> Result<Filter, String> {
        let mut parts = vec![self.one()?];
        while self.word("and") {
            parts.push(self.one()?);
        }
        Ok(one_or(parts, Filter::All))
    }

    fn one(&mut self) -> Result<Filter, String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err("Invalid filter clause: The node count limit is exceeded.".to_owned());
        }
        let filter = self.bare();
        self.depth -= 1;
        filter
    }

    fn bare(&mut self) -> Result<Filter, String> {
        if self.word("not") {
            return Ok(Filter::Not(Box::new(self.one()?)));
        }
        let word = match self.next() {
            Some(Token::Open) => {
                let inner = self.any()?;
                self.expect(&Token::Close)?;
                return Ok(inner);
            }
            Some(Token::Word(word)) => word,
            _ => return Err(self.wrong()),
        };
        let part = match word.as_str() {
            "startswith" => Some(Part::Start),
            "endswith" => Some(Part::End),
            "contains" => Some(Part::Any),
            _ => None,
        };
        if let Some(part) = part {
            self.expect(&Token::Open)?;
            let Some(Token::Word(word)) = self.next() else {
                return Err(self.wrong());
            };
            let name = self.property(&word)?;
            self.expect(&Token::Comma)?;
            let text = self.text()?;
            self.expect(&Token::Close)?;
            return Ok(Filter::Text(name, part, text));
        }
        if let Some(name) = word.strip_suffix("/any") {
            let name = self.property(name)?;
            self.expect(&Token::Open)?;
            let Some(Token::Word(variable)) = self.next() else {
                return Err(self.wrong());
            };
            self.expect(&Token::Colon)?;
            self.expect(&Token::Word(variable))?;
            self.expect(&Token::Word("eq".to_owned()))?;
            let text = self.text()?;
            self.expect(&Token::Close)?;
            return Ok(Filter::AnyOf(name, text));
        }
        let name = self.property(&word)?;
        if self.word("in") {
            self.expect(&Token::Open)?;
            let mut literals = vec![self.fitting(&name, Comparison::Equal)?];
            while matches!(self.tokens.peek(), Some((_, Token::Comma))) {
                self.next();
                literals.push(self.fitting(&name, Comparison::Equal)?);
            }
            self.expect(&Token::Close)?;
            return Ok(Filter::In(name, literals));
        }
        let comparison = match self.next() {
            Some(Token::Word(word)) => Comparison::named(&word),
            _ => None,
        };
        let comparison = comparison.ok_or_else(|| self.wrong())?;
        let literal = self.fitting(&name, comparison)?;
        Ok(Filter::Compare(name, comparison, literal))
    }

    /// A literal that the property `name` can be compared with.
    fn fitting(&mut self, name: &str, comparison: Comparison) -> Result<Literal, String> {
        let literal = self.literal()?;
        (self.kind)(name).check(comparison, &literal)?;
        Ok(literal)
    }

    fn property(&self, word: &str) -> Result<String, String> {
        self.known
            .iter()
            .find(|known| known.eq_ignore_ascii_case(word))
            .map(|known| (*known).to_owned())
            .ok_or_else(|| {
                format!(
                    "Invalid filter clause: The property '{word}' is unknown or cannot be used in \
                     the $filter query option."
                )
            })
    }

    fn text(&mut self) -> Result<String, String> {
        match self.next() {
            Some(Token::Text(text)) => Ok(text),
            _ => Err(self.wrong()),
        }
    }

    fn literal(&mut self) -> Result<Literal, String> {
        match self.next() {
            Some(Token::Text(text)) => Ok(Literal::Text(text)),
            Some(Token::Word(word)) => match word.as_str() {
                "null" => Ok(Literal::Null),
                "true" => Ok(Literal::Bool(true)),
                "false" => Ok(Literal::Bool(false)),
                word => word
                    .parse()
                    .map(Literal::Number)
                    .ok()
                    .or_else(|| ticks::parse(word).map(Literal::Time))
                    .ok_or_else(|| self.wrong()),
            },
            _ => Err(self.wrong()),
        }
    }
}

fn one_or(mut parts: Vec<Filter>, make: impl Fn(Vec<Filter>) -> Filter) -> Filter {
    match (parts.len(), parts.pop()) {
        (1, Some(part)) => part,
        (_, last) => {
            parts.extend(last);
            make(parts)
        }
    }
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let at = text.len() - rest.len();
        let single = match first {
            '(' => Some(Token::Open),
            ')' => Some(Token::Close),
            ',' => Some(Token::Comma),
            ':' => Some(Token::Colon),
            _ => None,
        };
        let (token, length) = if let Some(token) = single {
            (token, 1)
        } else if first == '\'' {
            let (quoted, length) = quoted(rest).ok_or_else(|| wrong(at, text))?;
            (Token::Text(quoted), length)
        } else {
            // A datetime has colons of its own; the variable of `any` ends at one.
            let is_datetime = first.is_ascii_digit();
            let end = |letter: char| {
                letter.is_whitespace() || "(),'".contains(letter) || letter == ':' && !is_datetime
            };
            let length = rest.find(end).unwrap_or(rest.len());
            (Token::Word(rest[..length].to_owned()), length)
        };
        tokens.push((at, token));
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// The text in quotes at the start of `rest`, where two quotes stand for one; and its length.
fn quoted(rest: &str) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut at = 1;
    loop {
        let end = at + rest.get(at..)?.find('\'')?;
        text.push_str(&rest[at..end]);
        if rest[end + 1..].starts_with('\'') {
            text.push('\'');
            at = end + 2;
        } else {
            return Some((text, end + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn any(_: &str) -> Kind {
        Kind::Other
    }

    fn holds(filter: &str) -> bool {
        let known = ["severity", "time", "count", "tags", "owner"];
        let Value::Object(row) = json!({
            "severity": "High", "time": "2026-11-20T08:00:00.5Z", "count": 3, "tags": ["dmz"],
            "owner": null,
        }) else {
            unreachable!()
        };
        Filter::parse(filter, &known, any).unwrap().holds(&row)
    }

    #[test]
    fn every_operator_holds_and_fails() {
        for (filter, expected) in [
            ("severity eq 'high'", true),
            ("severity ne 'High'", false),
            ("time ge 2026-11-20T08:00:00.5Z", true),
            ("time gt 2026-11-20T08:00:00.5Z", false),
            ("time lt 2026-11-21T00:00:00Z and count le 3", true),
            ("count gt 3 or count lt 3", false),
            ("not (count eq 3)", false),
            ("severity in ('low','high')", true),
            ("startswith(severity,'Hi')", true),
            ("endswith(severity,'Hi')", false),
            ("contains(severity,'ig')", true),
            ("tags/any(tag: tag eq 'dmz')", true),
            ("owner eq null", true),
            ("owner ne null", false),
            ("owner eq 'x''y'", false),
        ] {
            assert_eq!(holds(filter), expected, "{filter}");
        }
    }

    #[test]
    fn a_refusal_names_the_place() {
        for (filter, expected) in [
            ("severity is 'x'", "Syntax error at position 9 in"),
            ("severity eq 'x", "Syntax error at position 12 in"),
            ("severity eq 'x')", "Syntax error at position 15 in"),
            ("(severity eq 'x'", "Syntax error at position 16 in"),
            ("severty eq 'x'", "The property 'severty' is unknown"),
        ] {
            let error = Filter::parse(filter, &["severity"], any).unwrap_err();
            let expected = format!("Invalid filter clause: {expected}");
            assert!(error.starts_with(&expected), "{filter}: {error}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for filter in [
            "",
            "severity",
            "severity is 'x'",
            "severity eq \"High\"",
            "title eq 'x'",
            "severity eq 'x",
            "(severity eq 'x'",
            "severity eq 'x')",
            "count eq",
            "eq 'x'",
        ] {
            assert!(
                Filter::parse(filter, &["severity", "count"], any).is_err(),
                "{filter}"
            );
        }
        let deep = format!("{}count eq 1{}", "(".repeat(9_999), ")".repeat(9_999));
        assert!(Filter::parse(&deep, &["count"], any).is_err());
    }
}
