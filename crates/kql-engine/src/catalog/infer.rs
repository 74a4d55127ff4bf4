//! Types of columns that nobody declared.

use std::collections::HashMap;

use kql_semantics::ScalarType;

use super::guess::Guess;

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
