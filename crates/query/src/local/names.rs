//! Names of tables and columns in the text of a query.

use std::collections::BTreeSet;

use kql_engine::{Catalog, EngineError, ScalarType};
use kql_syntax::TokenKind;

use super::likely;

/// What helps with a query that the data does not fit to.
pub(super) fn advice(error: &EngineError, text: &str, catalog: &Catalog) -> Option<String> {
    let complaints = match error {
        EngineError::Semantic(complaints) => complaints,
        EngineError::Syntax(_) => return in_brackets(text, catalog),
        _ => return None,
    };
    let said = |part: &str| complaints.iter().any(|one| one.message.contains(part));
    if said("no table named '") {
        let tables = given(catalog);
        let likely = likely::exports(catalog, &tables, &BTreeSet::new());
        let named = || {
            let unknown = complaints.iter().find_map(|one| unknown(&one.message))?;
            let odd = tables.iter().find(|table| shown(table) != **table)?;
            let file = catalog.files(odd).into_iter().next()?;
            Some(format!("--data {unknown}={}", quoted(&file)))
        };
        return Some(match (tables.len(), likely.or_else(named)) {
            (0, _) => "the data has no table".to_owned(),
            (_, None) => format!("the data has {}", listed(&tables)),
            (_, Some(named)) => format!(
                "the data has {}; a file gets another name before its path: {named}",
                listed(&tables)
            ),
        });
    }
    // What a column holds is a guess where no schema tells.
    let typed =
        said("cannot compare string with datetime") || said("cannot compare datetime with string");
    let own = given(catalog)
        .into_iter()
        .filter(|table| defender_schema::table(table).is_none())
        .find(|table| words(text).any(|word| word == table))?;
    let file = catalog.files(&own).into_iter().next()?;
    let columns = catalog.columns(&own).unwrap_or_default();
    // The text may be the query's own, which its error says how to write.
    let has_texts = (columns.iter())
        .any(|(name, ty)| *ty == ScalarType::String && words(text).any(|word| word == name));
    (typed && has_texts).then(|| {
        let names = columns.iter().map(|(name, _)| name.as_str());
        // todatetime() takes the first number for the month.
        let or = if catalog.misread_dates(&own, names).is_empty() {
            "or write todatetime()"
        } else {
            "or say with --date-order dmy or mdy what comes first in its dates"
        };
        format!(
            "{} is not a hunting table, and its times are text; name the hunting table that it is (--data TABLE={}), {or}",
            shown(&own),
            quoted(&file)
        )
    })
}

/// The name of a table that there is not.
fn unknown(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("no table named '")?;
    let (name, _) = rest.split_once('\'')?;
    (shown(name) == name).then_some(name)
}

/// How a query names its table, where it begins with the name as it is.
fn in_brackets(text: &str, catalog: &Catalog) -> Option<String> {
    let begins =
        |name: &String| shown(name) != *name && text.trim_start().starts_with(name.as_str());
    let name = given(catalog)
        .into_iter()
        .filter(begins)
        .max_by_key(String::len)?;
    let brackets = format!(
        "the name of this table takes brackets: write {}",
        written(&name)
    );
    Some(
        match likely::exports(catalog, &given(catalog), &BTreeSet::new()) {
            Some(named) => format!("{brackets}; or name the hunting table that it is: {named}"),
            None => brackets,
        },
    )
}

/// The tables that were given.
pub(super) fn given(catalog: &Catalog) -> BTreeSet<String> {
    let found = catalog.found().iter();
    found.flat_map(|place| place.tables.clone()).collect()
}

/// The words of a query, and what stands in its quotes.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    let (tokens, _) = kql_syntax::tokenize(text);
    tokens
        .into_iter()
        .filter(|token| matches!(token.kind, TokenKind::Word | TokenKind::String))
        .filter_map(|token| text.get(token.span.range()))
        .map(|word| word.trim_matches(['\'', '"']))
}

/// Names of tables as a query writes them, the first ones of many.
pub(super) fn listed(names: &BTreeSet<String>) -> String {
    const MOST: usize = 8;
    let mut first: Vec<String> = names.iter().take(MOST).map(|name| shown(name)).collect();
    if names.len() > MOST {
        first.push(format!("{} more", names.len() - MOST));
    }
    first.join(", ")
}

/// A path as a word of a command line, in quotes where a shell would take it apart.
pub(super) fn quoted(path: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._-:\\+@%,".contains(letter);
    if path.chars().all(is_plain) {
        path.to_owned()
    } else {
        format!("\"{path}\"")
    }
}

/// A name of any letters.
pub(super) fn written(name: &str) -> String {
    format!("[{}]", kql_syntax::quote(name))
}

/// A name as a query writes it.
pub(super) fn shown(name: &str) -> String {
    let mut letters = name.chars();
    if letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
        name.to_owned()
    } else {
        written(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_blanks_stands_in_quotes() {
        for (path, expected) in [
            ("a/b-1.csv", "a/b-1.csv"),
            ("New query.csv", "\"New query.csv\""),
            ("New query (1).csv", "\"New query (1).csv\""),
            (r"C:\x\a.csv", r"C:\x\a.csv"),
        ] {
            assert_eq!(quoted(path), expected);
        }
    }

    #[test]
    fn the_unknown_table_is_told_from_the_complaint() {
        for (message, expected) in [
            ("no table named 'Mine'", Some("Mine")),
            ("no table named 'a b'", None),
            ("no column named 'Mine'", None),
        ] {
            assert_eq!(unknown(message), expected, "{message}");
        }
    }
}
