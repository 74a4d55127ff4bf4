//! `parse-kv`.

use std::collections::HashMap;

use kql_semantics::bound::ParseKv;
use kql_semantics::{ColumnId, ScalarType};

use super::{Flow, Planner};
use crate::EngineError;
use crate::convert;
use crate::datum::Datum;
use crate::functions::terms::regex;

/// How keys and values are told apart.
#[derive(Debug, Default)]
struct Notation {
    /// Between pairs and between key and value; without either, whatever is neither letter nor
    /// digit.
    delimiters: Option<(String, String)>,
    /// Opening and closing quotes.
    quotes: Vec<(char, char)>,
    escapes: Vec<char>,
    /// Whether a value goes on to the last delimiter before the next key.
    greedy: bool,
}

impl Planner<'_> {
    pub(super) fn parse_kv(
        &self,
        flow: Flow,
        parse: &ParseKv,
        columns: &[(ColumnId, ScalarType)],
    ) -> Result<Flow, EngineError> {
        let mut notation = Notation::default();
        let (mut pattern, mut pair, mut between) = (None, None, None);
        for (name, value) in &parse.options {
            let value = self.constant(value)?.display().into_owned();
            match name.as_str() {
                "pair_delimiter" => pair = Some(value),
                "kv_delimiter" => between = Some(value),
                "regex" => pattern = Some(regex(&value)?),
                "quote" => {
                    let mut both = value.chars();
                    if let Some(open) = both.next() {
                        notation.quotes.push((open, both.next().unwrap_or(open)));
                    }
                }
                "escape" => notation.escapes.extend(value.chars().next()),
                "greedy" => notation.greedy = value.eq_ignore_ascii_case("true"),
                other => {
                    return Err(EngineError::unsupported(
                        format!("parse-kv with {other}"),
                        parse.input.span.range(),
                    ));
                }
            }
        }
        let given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        notation.delimiters = match (given(&pair), given(&between)) {
            (false, false) => None,
            _ => Some((
                pair.filter(|text| !text.is_empty())
                    .unwrap_or_else(|| " ".to_owned()),
                between
                    .filter(|text| !text.is_empty())
                    .unwrap_or_else(|| "=".to_owned()),
            )),
        };
        let outputs: Vec<_> = parse.keys.iter().map(|(_, id, ty)| (*id, *ty)).collect();
        let keys: Vec<(String, ScalarType)> = parse
            .keys
            .iter()
            .map(|(name, _, ty)| (name.clone(), *ty))
            .collect();
        let work = move |text: &str| {
            let pairs = match (&pattern, &notation.delimiters) {
                (Some(pattern), _) => {
                    let mut pairs = HashMap::new();
                    for found in pattern.captures_iter(text) {
                        if let (Some(key), Some(value)) = (found.get(1), found.get(2)) {
                            pairs
                                .entry(key.as_str().to_owned())
                                .or_insert_with(|| value.as_str().to_owned());
                        }
                    }
                    pairs
                }
                (None, Some((pair, between))) => pairs(text, pair, between, &notation),
                (None, None) => neighbours(text, &keys, &notation),
            };
            let values = keys.iter().map(|(name, ty)| match pairs.get(name) {
                Some(value) => convert::to_type(&Datum::text(value.clone()), *ty).into_owned(),
                None => Datum::Null,
            });
            Some(values.collect())
        };
        self.row_wise(
            "parse-kv",
            flow,
            &parse.input,
            &outputs,
            columns,
            false,
            work,
        )
    }
}

/// Key and value pairs of a text; of equal keys the first one stays.
fn pairs(text: &str, pair: &str, between: &str, notation: &Notation) -> HashMap<String, String> {
    let mut found = HashMap::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(next) = rest.strip_prefix(pair) {
            rest = next;
            continue;
        }
        let (key, next) = token(rest, &[between, pair], notation);
        let Some(after) = next.strip_prefix(between) else {
            if next.len() == rest.len() {
                break;
            }
            rest = next;
            continue;
        };
        let (value, next) = if notation.greedy {
            greedy(after, pair, between, notation)
        } else {
            token(after, &[pair], notation)
        };
        found.entry(key).or_insert(value);
        rest = next;
    }
    found
}

/// A value that may hold delimiters: it ends at the last one before the next key.
fn greedy<'t>(text: &'t str, pair: &str, between: &str, notation: &Notation) -> (String, &'t str) {
    if quoted(text.trim_start(), notation).is_some() {
        return token(text, &[pair], notation);
    }
    let end = match text.find(between) {
        Some(next) => text[..next].rfind(pair).unwrap_or(next),
        None => text.len(),
    };
    (text[..end].trim().to_owned(), &text[end..])
}

/// What is in the quotes that `text` begins with, and what follows them.
fn quoted<'t>(text: &'t str, notation: &Notation) -> Option<(String, &'t str)> {
    let first = text.chars().next()?;
    let (_, close) = notation.quotes.iter().find(|(open, _)| *open == first)?;
    let mut out = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        if notation.escapes.contains(&character) {
            out.extend(characters.next().map(|(_, escaped)| escaped));
        } else if character == *close {
            return Some((out, &text[at + character.len_utf8()..]));
        } else {
            out.push(character);
        }
    }
    Some((out, ""))
}

/// Text up to one of `ends` without the spaces around it, or what is in quotes.
fn token<'t>(text: &'t str, ends: &[&str], notation: &Notation) -> (String, &'t str) {
    let bare = text.trim_start();
    // A delimiter of spaces ends an empty value.
    let is_end = ends.iter().any(|end| text.starts_with(end));
    if !is_end && let Some((value, rest)) = quoted(bare, notation) {
        let skipped = ends
            .iter()
            .filter_map(|end| rest.find(end))
            .min()
            .unwrap_or(rest.len());
        return (value, &rest[skipped..]);
    }
    let mut out = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        if ends.iter().any(|end| text[at..].starts_with(end)) {
            return (out.trim().to_owned(), &text[at..]);
        }
        if notation.escapes.contains(&character) {
            out.extend(characters.next().map(|(_, escaped)| escaped));
        } else {
            out.push(character);
        }
    }
    (out.trim().to_owned(), "")
}

/// Without delimiters: every key that is wanted, with the word after it.
fn neighbours(
    text: &str,
    keys: &[(String, ScalarType)],
    notation: &Notation,
) -> HashMap<String, String> {
    let mut words: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some((word, next)) = quoted(rest, notation) {
            words.push(word);
            rest = next;
        } else if first.is_alphanumeric() {
            let end = rest
                .find(|one: char| !one.is_alphanumeric())
                .unwrap_or(rest.len());
            words.push(rest[..end].to_owned());
            rest = &rest[end..];
        } else {
            rest = &rest[first.len_utf8()..];
        }
    }
    let mut found = HashMap::new();
    for pair in words.windows(2) {
        if keys.iter().any(|(key, _)| *key == pair[0]) {
            found
                .entry(pair[0].clone())
                .or_insert_with(|| pair[1].clone());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use kql_semantics::ScalarType;

    use super::{Notation, neighbours, pairs};

    #[test]
    fn values_lose_spaces_but_not_in_quotes() {
        let notation = Notation {
            quotes: vec![('\'', '\''), ('[', ']')],
            escapes: vec!['\\'],
            ..Notation::default()
        };
        let found = pairs(r"a: x y , b:' z\' ',c:[1,2], a:2,d:", ",", ":", &notation);
        assert_eq!(found["a"], "x y");
        assert_eq!(found["b"], " z' ");
        assert_eq!(found["c"], "1,2");
        assert_eq!(found["d"], "");
    }

    #[test]
    fn a_greedy_value_goes_on_to_the_next_key() {
        let notation = Notation {
            greedy: true,
            ..Notation::default()
        };
        let found = pairs(
            "name=John Doe phone=555 5555 city=New York",
            " ",
            "=",
            &notation,
        );
        assert_eq!(found["name"], "John Doe");
        assert_eq!(found["phone"], "555 5555");
        assert_eq!(found["city"], "New York");
    }

    #[test]
    fn without_delimiters_a_value_follows_its_key() {
        let keys = [
            ("Id".to_owned(), ScalarType::Long),
            ("Text".to_owned(), ScalarType::String),
        ];
        let notation = Notation {
            quotes: vec![('\'', '\'')],
            ..Notation::default()
        };
        let found = neighbours("[x] Id:45, Text: 'a b'", &keys, &notation);
        assert_eq!(found["Id"], "45");
        assert_eq!(found["Text"], "a b");
    }
}
