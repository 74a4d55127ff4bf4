//! Types of columns that nobody declared.

use std::collections::HashMap;

use kql_semantics::ScalarType;

use super::guess::Guess;
use crate::text;

/// What a file tells about a column of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Known(ScalarType),
    /// The cells of text are what they look like in all files together.
    Cells(Guess),
}

/// The columns of a file.
pub(super) type Kinds = Vec<(String, Kind)>;

/// Columns whose types a file tells.
pub(super) fn known(columns: Vec<(String, ScalarType)>) -> Kinds {
    columns
        .into_iter()
        .map(|(name, ty)| (name, Kind::Known(ty)))
        .collect()
}

/// The types of the columns of every file, when those of text are looked at together.
pub(super) fn settled(files: &[Kinds]) -> Vec<Vec<(String, ScalarType)>> {
    let mut cells: HashMap<&str, Guess> = HashMap::new();
    let mut types: HashMap<&str, ScalarType> = HashMap::new();
    for (name, kind) in files.iter().flatten() {
        match kind {
            Kind::Cells(guess) => {
                let all = cells.entry(name).or_default();
                *all = all.and(*guess);
            }
            Kind::Known(ty) => {
                types.entry(name).or_insert(*ty);
            }
        }
    }
    let of = |name: &str, kind: &Kind| match kind {
        Kind::Known(ty) => *ty,
        Kind::Cells(_) => {
            let all = cells.get(name).copied().unwrap_or_default();
            match types.get(name) {
                // Nothing but empty cells fits to every type.
                Some(ty) if all.is_empty() => *ty,
                _ => all.settled(),
            }
        }
    };
    files
        .iter()
        .map(|file| {
            file.iter()
                .map(|(name, kind)| (name.clone(), of(name, kind)))
                .collect()
        })
        .collect()
}

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
    let mut places: HashMap<String, usize> = columns
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
