//! Geohash cells.

use super::{point, polygon, position};
use crate::datum::Datum;
use crate::expression::{Kernel, kernel};
use crate::functions::{Call, array};

const DIGITS: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";

/// The longest geohash the service makes.
const LONGEST: usize = 18;

/// South-west corner and size of a cell.
struct Cell {
    corner: [f64; 2],
    size: [f64; 2],
}

fn cell(hash: &str) -> Option<Cell> {
    if hash.is_empty() || hash.len() > LONGEST {
        return None;
    }
    let mut low = [-180.0, -90.0];
    let mut high = [180.0, 90.0];
    let mut axis = 0;
    for byte in hash.bytes() {
        let digit = DIGITS
            .iter()
            .position(|one| *one == byte.to_ascii_lowercase())?;
        for bit in (0..5).rev() {
            let middle = f64::midpoint(low[axis], high[axis]);
            if digit >> bit & 1 == 1 {
                low[axis] = middle;
            } else {
                high[axis] = middle;
            }
            axis = 1 - axis;
        }
    }
    Some(Cell {
        corner: low,
        size: [high[0] - low[0], high[1] - low[1]],
    })
}

fn hash(place: [f64; 2], digits: usize) -> String {
    let mut low = [-180.0, -90.0];
    let mut high = [180.0, 90.0];
    let mut axis = 0;
    let mut out = String::with_capacity(digits);
    for _ in 0..digits {
        let mut digit = 0;
        for _ in 0..5 {
            let middle = f64::midpoint(low[axis], high[axis]);
            digit <<= 1;
            if place[axis] >= middle {
                digit |= 1;
                low[axis] = middle;
            } else {
                high[axis] = middle;
            }
            axis = 1 - axis;
        }
        out.push(char::from(DIGITS[digit]));
    }
    out
}

pub(super) fn kernel_of(call: &Call) -> Option<Kernel> {
    Some(match call.name {
        "geo_point_to_geohash" => kernel(|values| {
            let digits = values.get(2).map_or(Some(5), Datum::as_long);
            let digits = digits
                .and_then(|digits| usize::try_from(digits).ok())
                .filter(|digits| (1..=LONGEST).contains(digits));
            let place = position(&values[0], &values[1]);
            Ok(Datum::text(
                place
                    .zip(digits)
                    .map_or_else(String::new, |(place, digits)| hash(place, digits)),
            ))
        }),
        "geo_geohash_to_central_point" => kernel(|values| {
            Ok(cell(&values[0].display()).map_or(Datum::Null, |cell| {
                point([
                    cell.corner[0] + cell.size[0] / 2.0,
                    cell.corner[1] + cell.size[1] / 2.0,
                ])
            }))
        }),
        "geo_geohash_to_polygon" => kernel(|values| {
            Ok(cell(&values[0].display()).map_or(Datum::Null, |cell| {
                let [west, south] = cell.corner;
                let (east, north) = (west + cell.size[0], south + cell.size[1]);
                polygon(&[
                    [west, south],
                    [east, south],
                    [east, north],
                    [west, north],
                    [west, south],
                ])
            }))
        }),
        "geo_geohash_neighbors" => kernel(|values| {
            let own = values[0].display();
            let Some(cell) = cell(&own) else {
                return Ok(Datum::Null);
            };
            let around = [
                (-1.0, 0.0),
                (-1.0, -1.0),
                (0.0, -1.0),
                (1.0, -1.0),
                (1.0, 1.0),
                (1.0, 0.0),
                (0.0, 1.0),
                (-1.0, 1.0),
            ];
            let cells: Vec<Datum<'_>> = around
                .into_iter()
                .filter_map(|(east, north)| {
                    let longitude = cell.corner[0] + cell.size[0] * (0.5 + east);
                    let latitude = cell.corner[1] + cell.size[1] * (0.5 + north);
                    // Beyond a pole there is no cell, beyond the date line there is.
                    let longitude = (longitude + 180.0).rem_euclid(360.0) - 180.0;
                    (latitude.abs() < 90.0)
                        .then(|| Datum::text(hash([longitude, latitude], own.len())))
                })
                .collect();
            Ok(array(&cells))
        }),
        _ => return None,
    })
}
