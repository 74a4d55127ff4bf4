//! H3 cells and the places they are at.

use h3o::{CellIndex, LatLng, Resolution};

use super::{point, polygon, position};
use crate::datum::Datum;
use crate::expression::{Kernel, kernel};
use crate::functions::{Call, array};

/// How far rings may be from their cell.
const FARTHEST: u32 = 142;

/// The neighbours of a cell in the service's order, by their place in the first ring.
const ORDER: [usize; 6] = [3, 5, 4, 2, 1, 0];

fn cell(value: &Datum<'_>) -> Option<CellIndex> {
    value.display().parse().ok()
}

fn text(cell: CellIndex) -> Datum<'static> {
    Datum::text(cell.to_string())
}

fn place(of: LatLng) -> [f64; 2] {
    [of.lng(), of.lat()]
}

fn at(values: &[Datum<'_>]) -> Option<CellIndex> {
    let [longitude, latitude] = position(&values[0], &values[1])?;
    let level = values.get(2).map_or(Some(6), Datum::as_long)?;
    let level = Resolution::try_from(u8::try_from(level).ok()?).ok()?;
    Some(LatLng::new(latitude, longitude).ok()?.to_cell(level))
}

/// The cells at each distance, nearest first.
fn rings(cell: CellIndex, distance: u32) -> Vec<Vec<CellIndex>> {
    let mut rings = Vec::new();
    for (one, distance) in cell.grid_disk_distances::<Vec<_>>(distance) {
        let distance = usize::try_from(distance).unwrap_or(0);
        while rings.len() <= distance {
            rings.push(Vec::new());
        }
        rings[distance].push(one);
    }
    rings
}

fn texts(cells: impl IntoIterator<Item = CellIndex>) -> Datum<'static> {
    let list: Vec<Datum<'_>> = cells.into_iter().map(text).collect();
    array(&list)
}

fn optional(body: fn(&[Datum<'_>]) -> Option<Datum<'static>>) -> Kernel {
    kernel(move |values| Ok(body(values).unwrap_or(Datum::Null)))
}

pub(super) fn kernel_of(call: &Call) -> Option<Kernel> {
    Some(match call.name {
        "geo_point_to_h3cell" => {
            kernel(|values| Ok(at(values).map_or_else(|| Datum::text(""), text)))
        }
        "geo_h3cell_to_central_point" => {
            optional(|values| Some(point(place(LatLng::from(cell(&values[0])?)))))
        }
        "geo_h3cell_to_polygon" => optional(|values| {
            let boundary = cell(&values[0])?.boundary();
            let mut ring: Vec<[f64; 2]> = boundary.iter().copied().map(place).collect();
            ring.extend(ring.first().copied());
            Some(polygon(&ring))
        }),
        "geo_h3cell_neighbors" => optional(|values| {
            let ring = rings(cell(&values[0])?, 1).pop()?;
            if ring.len() < ORDER.len() {
                return Some(texts(ring));
            }
            Some(texts(ORDER.into_iter().map(|at| ring[at])))
        }),
        "geo_h3cell_rings" => optional(|values| {
            let distance = u32::try_from(values[1].as_long()?).ok()?;
            let cell = cell(&values[0])?;
            if distance > FARTHEST {
                return None;
            }
            let list: Vec<Datum<'_>> = rings(cell, distance).into_iter().map(texts).collect();
            Some(array(&list))
        }),
        _ => return None,
    })
}
