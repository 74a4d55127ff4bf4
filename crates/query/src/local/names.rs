//! Names of tables and columns in the text of a query.

use std::collections::BTreeSet;

use kql_engine::{Catalog, EngineError};
use kql_syntax::TokenKind;

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
        return Some(match tables.len() {
            0 => "the data has no table".to_owned(),
            _ => format!("the data has {}", listed(&tables)),
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
    typed.then(|| {
        format!(
            "{} is not a hunting table, and its times are text; name the hunting table that it is (--data TABLE={file}), or write todatetime()",
            shown(&own)
        )
    })
}

/// How a query names its table, where it begins with the name as it is.
fn in_brackets(text: &str, catalog: &Catalog) -> Option<String> {
    let begins =
        |name: &String| shown(name) != *name && text.trim_start().starts_with(name.as_str());
    let name = given(catalog)
        .into_iter()
        .filter(begins)
        .max_by_key(String::len)?;
    Some(format!(
        "the name of this table takes brackets: write {}",
        written(&name)
    ))
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
