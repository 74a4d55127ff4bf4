//! What a local query did not read, and why it may have found nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use defender_drivers::Query;
use defender_table::{Warning, WarningKind, ticks};
use kql_engine::{Catalog, Engine, Options, RowStream, Value};
use kql_syntax::TokenKind;

/// How long the data is looked at for a warning.
const LOOK: Duration = Duration::from_secs(2);

/// What to say beside the rows of an answer.
pub(super) async fn of(
    engine: &Engine,
    query: &Query,
    rows: &RowStream,
    count: usize,
) -> Vec<Warning> {
    let read = rows.tables_read();
    let mut said = unread(engine.catalog(), read);
    said.extend(without_file(engine.catalog(), read, &query.text));
    if count == 0 {
        for table in read {
            said.extend(missed(engine, query, table).await);
        }
    }
    said.extend(lost(engine.catalog().losses(read)));
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

/// Values that files have and rows do not: of many files the first ones.
fn lost(mut all: Vec<String>) -> Vec<String> {
    const MOST: usize = 8;
    let count = all.len();
    if count > MOST {
        all.truncate(MOST);
        all.push(format!(
            "in {} more files, values are not kept whole",
            count - MOST
        ));
    }
    all
}

/// Hunting tables that the query names, and that no file was given for.
fn without_file(catalog: &Catalog, read: &BTreeSet<String>, text: &str) -> Option<String> {
    let mut given = BTreeSet::new();
    for place in catalog.found() {
        given.extend(place.tables.iter().cloned());
    }
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
    Some(format!(
        "no file of the data is {}, so that it is empty; the data has {has}",
        listed(&missing)
    ))
}

/// The words of a query, and what stands in its quotes.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let (tokens, _) = kql_syntax::tokenize(text);
    tokens
        .into_iter()
        .filter(|token| matches!(token.kind, TokenKind::Word | TokenKind::String))
        .filter_map(|token| text.get(token.span.range()))
        .map(|word| word.trim_matches(['\'', '"']))
}

/// Names of tables as a query writes them, the first ones of many.
fn listed(names: &BTreeSet<String>) -> String {
    const MOST: usize = 8;
    let plain = |name: &str| {
        let mut letters = name.chars();
        letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    let mut shown: Vec<String> = names
        .iter()
        .take(MOST)
        .map(|name| {
            if plain(name) {
                name.clone()
            } else {
                written(name)
            }
        })
        .collect();
    if names.len() > MOST {
        shown.push(format!("{} more", names.len() - MOST));
    }
    shown.join(", ")
}

/// A name of any letters.
fn written(name: &str) -> String {
    format!("[{}]", kql_syntax::quote(name))
}

/// Says where the data of a table is when the query's range of time has none of it.
async fn missed(engine: &Engine, query: &Query, table: &str) -> Option<String> {
    let relative = words(&query.text).any(|word| word == "ago" || word == "now");
    if !relative && query.timespan.is_none() {
        return None;
    }
    let has_time = engine.catalog().columns(table).is_ok_and(|columns| {
        columns
            .iter()
            .any(|(name, ty)| name == "Timestamp" && *ty == kql_engine::ScalarType::DateTime)
    });
    if !has_time {
        return None;
    }
    let options = Options {
        time_range: None,
        max_rows: None,
        time_limit: Some(LOOK),
        ..engine.options().clone()
    };
    let text = format!(
        "{} | summarize count(), min(Timestamp), max(Timestamp)",
        written(table)
    );
    let found = engine.with_options(options).run(&text).await.ok()?;
    let row = found.rows().next()?;
    let [
        Value::Long(count),
        Value::DateTime(first),
        Value::DateTime(last),
    ] = row.as_slice()
    else {
        return None;
    };
    let (misses, why) = match query.timespan {
        Some(timespan) => (
            *last < timespan.start() || *first > timespan.end(),
            "the range of time has none of them",
        ),
        None => (
            engine
                .options()
                .now
                .is_some_and(|now| *last < now - ticks::PER_DAY),
            "ago() and now() count from the time of the run",
        ),
    };
    misses.then(|| {
        let when = |ticks: i64| Value::DateTime(ticks).to_json().to_string();
        let (first, last) = (when(*first), when(*last));
        let (first, last) = (first.trim_matches('"'), last.trim_matches('"'));
        let noun = if *count == 1 { "row" } else { "rows" };
        format!("{table} has {count} {noun}, from {first} to {last}: {why}")
    })
}
