//! H3 cells, as far as their digits tell.

use crate::datum::Datum;
use crate::expression::{Kernel, kernel};
use crate::functions::{Call, array};

/// The base cells that are pentagons.
const PENTAGONS: [u64; 12] = [4, 14, 24, 38, 49, 58, 63, 72, 83, 97, 107, 117];

/// How many levels below a cell its children may be.
const DEEPEST: u64 = 5;

fn level(cell: u64) -> u64 {
    cell >> 52 & 15
}

fn shift(level: u64) -> u64 {
    3 * (15 - level)
}

fn digit(cell: u64, level: u64) -> u64 {
    cell >> shift(level) & 7
}

fn cell(text: &str) -> Option<u64> {
    let cell = u64::from_str_radix(text, 16).ok()?;
    let base = cell >> 45 & 127;
    let valid = cell >> 59 == 1
        && (cell >> 56).trailing_zeros() >= 3
        && base < 122
        && (1..=15).all(|at| (digit(cell, at) == 7) == (at > level(cell)));
    (valid && !(PENTAGONS.contains(&base) && first_digit(cell) == 1)).then_some(cell)
}

fn first_digit(cell: u64) -> u64 {
    (1..=level(cell))
        .map(|at| digit(cell, at))
        .find(|digit| *digit != 0)
        .unwrap_or(0)
}

fn parent(cell: u64, wanted: u64) -> u64 {
    let mut parent = cell & !(15 << 52) | wanted << 52;
    for at in wanted + 1..=15 {
        parent |= 7 << shift(at);
    }
    parent
}

fn children(cell: u64, wanted: u64) -> Vec<u64> {
    let mut cells = vec![cell];
    for next in level(cell) + 1..=wanted {
        cells = cells
            .iter()
            .flat_map(|one| {
                let base = one & !(15 << 52) & !(7 << shift(next)) | next << 52;
                let pentagon = PENTAGONS.contains(&(one >> 45 & 127)) && first_digit(*one) == 0;
                (0..7)
                    .filter(move |digit| !(pentagon && *digit == 1))
                    .map(move |digit| base | digit << shift(next))
            })
            .collect();
    }
    cells
}

fn text(cell: u64) -> Datum<'static> {
    Datum::text(format!("{cell:x}"))
}

/// The level an argument asks for, or else `other`.
fn wanted(values: &[Datum<'_>], other: Option<u64>) -> Option<u64> {
    match values.get(1) {
        Some(value) => u64::try_from(value.as_long()?).ok(),
        None => other,
    }
}

pub(super) fn kernel_of(call: &Call) -> Option<Kernel> {
    Some(match call.name {
        "geo_h3cell_level" => kernel(|values| {
            let level = cell(&values[0].display()).map(level);
            Ok(level
                .and_then(|level| i32::try_from(level).ok())
                .map_or(Datum::Null, Datum::Int))
        }),
        "geo_h3cell_parent" => kernel(|values| {
            let found = cell(&values[0].display()).and_then(|cell| {
                let own = level(cell);
                let wanted = wanted(values, own.checked_sub(1))?;
                (wanted < own).then(|| text(parent(cell, wanted)))
            });
            Ok(found.unwrap_or_else(|| Datum::text("")))
        }),
        "geo_h3cell_children" => kernel(|values| {
            let found = cell(&values[0].display()).and_then(|cell| {
                let own = level(cell);
                let wanted = wanted(values, Some(own + 1))?;
                let valid = wanted > own && wanted <= 15 && wanted - own <= DEEPEST;
                valid.then(|| children(cell, wanted))
            });
            Ok(found.map_or(Datum::Null, |cells| {
                array(&cells.into_iter().map(text).collect::<Vec<_>>())
            }))
        }),
        _ => return None,
    })
}
