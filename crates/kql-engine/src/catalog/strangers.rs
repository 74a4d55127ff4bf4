//! Files and records of a hunting table that have none of its columns.
//!
//! Read as rows they would be rows of nulls: a wrapper that nobody knows, another table's file, a
//! file without a header. Every reader passes here.

use super::fit;

/// The most names in a message.
const SHOWN: usize = 6;

/// Says that a file has no column of the table.
pub(super) fn file<'a>(table: &str, names: impl Iterator<Item = &'a str>) -> String {
    format!(
        "it has no column of {table}; its columns are {}",
        listed(names)
    )
}

/// Says that a record, counted from 1, has no column of its table.
pub(super) fn record<'a>(number: usize, keys: impl Iterator<Item = &'a str>) -> String {
    format!(
        "has no column of its table (record {number}, with the keys {})",
        listed(keys)
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
