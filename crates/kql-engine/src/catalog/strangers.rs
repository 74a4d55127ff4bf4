//! Files and records of a hunting table that have none of its columns.
//!
//! Read as rows they would be rows of nulls: a wrapper that nobody knows, another table's file, a
//! file without a header. Every reader passes here.

use super::fit;

/// The most names in a message.
const SHOWN: usize = 6;

/// Whether the columns of a file are those of the records that the Streaming API sends: the row of
/// the table is in one of them, though another may be called as one of the table.
///
/// Source: <https://learn.microsoft.com/defender-xdr/streaming-api-event-hub>
pub(super) fn is_envelope<'a>(
    mut names: impl Iterator<Item = &'a str>,
    is_known: impl Fn(&str) -> bool,
) -> bool {
    let mut has = [false; 2];
    names.any(|name| {
        has[0] |= name.eq_ignore_ascii_case("category");
        has[1] |= name.eq_ignore_ascii_case("properties") && !is_known(name);
        has == [true; 2]
    })
}

/// Says that a file has no column of the table.
pub(super) fn file<'a>(table: &str, names: impl Iterator<Item = &'a str>) -> String {
    format!(
        "it has no column of {table}; its columns are {}",
        listed(names)
    )
}

/// Says that a file of columns has the records of the Streaming API, and what to do with it.
pub(super) fn envelopes<'a>(table: &str, names: impl Iterator<Item = &'a str>) -> String {
    format!(
        "it has records of the Streaming API in columns ({}): the columns of {table} are inside of \
         'properties'; write it as JSON, a record a line, or read it as another table (--data \
         Rows=FILE), with Rows | extend properties = parse_json(properties)",
        listed(names)
    )
}

/// Says that a record, counted from 1, has no column of its table.
pub(super) fn record<'a>(number: usize, keys: impl Iterator<Item = &'a str>) -> String {
    format!(
        "has no column of its table (record {number}, {})",
        with(keys)
    )
}

/// Says that a record, counted from 1, has nothing in the columns of its table.
pub(super) fn valueless<'a>(
    table: &str,
    number: usize,
    keys: impl Iterator<Item = &'a str>,
) -> String {
    format!(
        "has no value in any column of {table} (record {number}, {})",
        with(keys)
    )
}

/// Says that a record, counted from 1, has lists of values where its table has one.
pub(super) fn columns<'a>(number: usize, keys: impl Iterator<Item = &'a str>) -> String {
    format!(
        "has a list or an object in every column that holds one value (record {number}, {}): it is \
         written column by column; write an object for each row (pandas: to_json(orient='records', \
         lines=True))",
        with(keys)
    )
}

/// Says that the only object of a file is a table, written column by column.
pub(super) fn by_column<'a>(keys: impl Iterator<Item = &'a str>) -> String {
    format!(
        "its only object is written column by column ({}), and would be one row; write an object \
         for each row (pandas: to_json(orient='records', lines=True))",
        with(keys)
    )
}

/// Says that none of a file's rows, which begin at `place`, has a value in a column of the table.
pub(super) fn empty(table: &str, rows: usize, place: &str) -> String {
    let rows = match rows {
        1 => "its only row has no value".to_owned(),
        _ => format!("none of its {rows} rows has a value"),
    };
    format!("{rows} in any column of {table} (they begin at {place})")
}

/// The keys of a record, if it has any.
fn with<'a>(keys: impl Iterator<Item = &'a str>) -> String {
    let mut keys = keys.peekable();
    if keys.peek().is_none() {
        return "without a key".to_owned();
    }
    format!("with the keys {}", listed(keys))
}

/// Says that a record, counted from 1, has its row under a key that is not understood.
pub(super) fn wrapper(table: &str, number: usize, key: &str) -> String {
    let key = fit::in_short(key);
    format!(
        "has columns of {table} under the key {key}, not beside it (record {number}): a wrapper that is not understood; write what is in {key} as the record"
    )
}

fn listed<'a>(mut names: impl Iterator<Item = &'a str>) -> String {
    let mut shown: Vec<String> = names.by_ref().take(SHOWN).map(fit::in_short).collect();
    if shown.is_empty() {
        return "none".to_owned();
    }
    let left = names.count();
    if left > 0 {
        shown.push(format!("and {left} more"));
    }
    shown.join(", ")
}
