//! What a local query did not read, and why it may have found nothing.

use std::collections::BTreeSet;

use defender_drivers::Query;
use defender_table::{Warning, WarningKind};
use kql_engine::{Catalog, Engine, RowStream};

use super::names::{listed, quoted, words};
use super::{absent, likely, missed};

/// What to say beside the rows of an answer, which may be `nothing`.
pub(super) async fn of(
    engine: &Engine,
    query: &Query,
    rows: &RowStream,
    nothing: bool,
) -> Vec<Warning> {
    let read = rows.tables_read();
    let mut said = unread(engine.catalog(), read);
    said.extend(partly_without_file(engine.catalog(), read, &query.text));
    said.extend(absent::of(engine.catalog(), query, rows));
    said.extend(missed::of(engine, query, rows, nothing).await);
    said.extend(few(timeless(engine.catalog(), rows), "rows have no time"));
    said.extend(few(
        misread(engine.catalog(), query, rows),
        "dates may be misread",
    ));
    said.extend(few(
        engine.catalog().losses(read),
        "values are not kept whole",
    ));
    let warning = |text| Warning::new(WarningKind::Rows, text);
    said.into_iter().map(warning).collect()
}

/// Data that was given, and that the query does not read.
fn unread(catalog: &Catalog, read: &BTreeSet<String>) -> Vec<String> {
    let external = read.contains(Catalog::EXTERNAL_DATA);
    let found = catalog.found().iter();
    found
        .filter(|place| !external && place.tables.is_disjoint(read))
        .map(|place| {
            let tables = match place.tables.len() {
                0 => "no table".to_owned(),
                1 => format!("the table {}", listed(&place.tables)),
                _ => format!("the tables {}", listed(&place.tables)),
            };
            format!(
                "the query reads nothing of {}, which has {tables}",
                place.shown
            )
        })
        .collect()
}

/// Rows that are left out of an answer since their time is missing.
fn timeless(catalog: &Catalog, rows: &RowStream) -> Vec<String> {
    let tables = rows.tables_chosen_by_time().iter();
    let found = tables.flat_map(|table| catalog.timeless(table));
    found
        .map(|row| format!("{row}: the condition on the time leaves such rows out"))
        .collect()
}

/// Dates in the text columns that a query with `todatetime()` names, which it may misread.
fn misread(catalog: &Catalog, query: &Query, rows: &RowStream) -> Vec<String> {
    let named: BTreeSet<&str> = words(&query.text).collect();
    if !named.contains("todatetime") {
        return Vec::new();
    }
    let mut said = Vec::new();
    for table in rows.tables_read() {
        let needed = rows.columns_read(table).into_iter().flatten();
        let columns = needed
            .map(String::as_str)
            .filter(|name| named.contains(name));
        said.extend(catalog.misread_dates(table, columns));
    }
    said
}

/// What is said of many files: of the first ones.
pub(super) fn few(mut all: Vec<String>, what: &str) -> Vec<String> {
    const MOST: usize = 8;
    let count = all.len();
    if count > MOST {
        all.truncate(MOST);
        all.push(format!("in {} more files, {what}", count - MOST));
    }
    all
}

/// Why nothing of the data that was given is in the answer: the query names hunting tables, and
/// reads those alone that no file was given for.
pub(super) fn nothing_given(
    catalog: &Catalog,
    read: &BTreeSet<String>,
    text: &str,
) -> Option<String> {
    let is_nothing = !catalog.found().is_empty() && given(catalog).is_disjoint(read);
    is_nothing
        .then(|| without_file(catalog, read, text))
        .flatten()
}

/// Hunting tables that no file was given for, beside tables that have one.
fn partly_without_file(catalog: &Catalog, read: &BTreeSet<String>, text: &str) -> Option<String> {
    match nothing_given(catalog, read, text) {
        Some(_) => None,
        None => without_file(catalog, read, text),
    }
}

fn given(catalog: &Catalog) -> BTreeSet<String> {
    let places = catalog.found().iter();
    places
        .flat_map(|place| place.tables.iter().cloned())
        .collect()
}

/// Hunting tables that the query names, and that no file was given for.
fn without_file(catalog: &Catalog, read: &BTreeSet<String>, text: &str) -> Option<String> {
    let given = given(catalog);
    // A pattern is for what there is.
    let named = |name: &&String| words(text).any(|word| word == name.as_str());
    let missing: BTreeSet<String> = read
        .difference(&given)
        .filter(named)
        .filter(|name| defender_schema::table(name).is_some())
        .cloned()
        .collect();
    if missing.is_empty() {
        return None;
    }
    let has = match given.len() {
        0 => "no table".to_owned(),
        _ => listed(&given),
    };
    let mut said = format!(
        "no file of the data is {}, so that it is empty; the data has {has}",
        listed(&missing)
    );
    let unread: BTreeSet<String> = given.difference(read).cloned().collect();
    let own = unread
        .iter()
        .find(|table| defender_schema::table(table).is_none());
    let file = own.and_then(|table| catalog.files(table).into_iter().next());
    if let Some(named) = likely::exports(catalog, &unread, &missing) {
        said = format!("{said}; a file has its columns: name it with {named}");
    } else if let (Some(file), Some(table)) = (file, missing.first()) {
        let file = quoted(&file);
        said = format!("{said}; --data {table}={file} makes a file one of {table}");
    }
    Some(said)
}
