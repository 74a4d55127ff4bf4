//! Types of columns that nobody declared.

use kql_semantics::ScalarType;

use crate::text;

/// The type that holds values of both types.
pub(super) fn widened(before: ScalarType, now: ScalarType) -> ScalarType {
    use ScalarType::{DateTime, Dynamic, Int, Long, Real, String};

    match (before, now) {
        (before, now) if before == now => now,
        (Int | Long, Int | Long) => Long,
        (Int | Long | Real, Int | Long | Real) => Real,
        (DateTime | String, DateTime | String) => String,
        _ => Dynamic,
    }
}

/// The type of a text in JSON, when `before` was seen so far.
pub(super) fn of_text(before: Option<ScalarType>, value: &str) -> ScalarType {
    // Only where it matters: a datetime does not narrow what is text already.
    if matches!(before, None | Some(ScalarType::DateTime)) && is_moment(value) {
        ScalarType::DateTime
    } else {
        ScalarType::String
    }
}

/// `2024-01-02T03:04:05…`: nothing shorter is taken for a datetime.
fn is_moment(value: &str) -> bool {
    let bytes = value.as_bytes();
    bytes.len() >= 19
        && bytes.len() <= 33
        && bytes[4] == b'-'
        && bytes[10] == b'T'
        && bytes[0].is_ascii_digit()
        && text::parse_datetime(value).is_some()
}

/// Adds the columns that `columns` lacks, widens those that nobody declared.
pub(super) fn join(
    columns: &mut Vec<(String, ScalarType)>,
    declared: usize,
    found: Vec<(String, ScalarType)>,
) {
    let mut places: std::collections::HashMap<String, usize> = columns
        .iter()
        .enumerate()
        .map(|(at, (name, _))| (name.clone(), at))
        .collect();
    for (name, ty) in found {
        match places.get(&name) {
            Some(at) if *at < declared => {}
            Some(at) => columns[*at].1 = widened(columns[*at].1, ty),
            None => {
                places.insert(name.clone(), columns.len());
                columns.push((name, ty));
            }
        }
    }
}
