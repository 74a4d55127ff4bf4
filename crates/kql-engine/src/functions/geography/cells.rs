//! S2 cells.
//!
//! `geo_s2cell_neighbors` is not here: the service gives the cells in an order that follows no rule.

use super::sphere::{Vector, degrees, vector};
use super::{point, polygon, position};
use crate::datum::Datum;
use crate::expression::{Kernel, kernel};
use crate::functions::Call;

/// The deepest level; there are 2^30 leaf cells along an edge of a face.
const DEEPEST: u64 = 30;
const SIDE: i64 = 1 << DEEPEST;

/// Along the Hilbert curve: from the bits of i and j to the place, by orientation.
const PLACES: [[u64; 4]; 4] = [[0, 1, 3, 2], [0, 3, 1, 2], [2, 3, 1, 0], [2, 1, 3, 0]];
const TURNS: [usize; 4] = [1, 0, 0, 3];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell(u64);

fn to_unit(u: f64) -> f64 {
    if u >= 0.0 {
        0.5 * (1.0 + 3.0 * u).sqrt()
    } else {
        1.0 - 0.5 * (1.0 - 3.0 * u).sqrt()
    }
}

fn from_unit(s: f64) -> f64 {
    if s >= 0.5 {
        (1.0 / 3.0) * (4.0 * s * s - 1.0)
    } else {
        (1.0 / 3.0) * (1.0 - 4.0 * (1.0 - s) * (1.0 - s))
    }
}

fn face_of(place: Vector) -> usize {
    let size = place.map(f64::abs);
    let axis = if size[0] > size[1] {
        if size[0] > size[2] { 0 } else { 2 }
    } else if size[1] > size[2] {
        1
    } else {
        2
    };
    if place[axis] < 0.0 { axis + 3 } else { axis }
}

fn on_face(face: usize, [x, y, z]: Vector) -> [f64; 2] {
    match face {
        0 => [y / x, z / x],
        1 => [-x / y, z / y],
        2 => [-x / z, -y / z],
        3 => [z / x, y / x],
        4 => [z / y, -x / y],
        _ => [-y / z, -x / z],
    }
}

fn off_face(face: usize, [u, v]: [f64; 2]) -> Vector {
    match face {
        0 => [1.0, u, v],
        1 => [-u, 1.0, v],
        2 => [-u, -v, 1.0],
        3 => [-1.0, -v, -u],
        4 => [v, -1.0, -u],
        _ => [v, u, -1.0],
    }
}

#[expect(clippy::cast_precision_loss, reason = "2^30 is exact")]
fn side() -> f64 {
    SIDE as f64
}

/// The leaf along one axis.
fn leaf(s: f64) -> i64 {
    crate::datum::saturated((side() * s).floor()).clamp(0, SIDE - 1)
}

impl Cell {
    fn leaf(face: usize, i: i64, j: i64) -> Self {
        let mut turned = face & 1;
        let mut id = face as u64;
        for bit in (0..DEEPEST).rev() {
            let both = (i >> bit & 1) << 1 | (j >> bit & 1);
            let place = PLACES[turned][usize::try_from(both).unwrap_or(0)];
            id = id << 2 | place;
            turned ^= TURNS[usize::try_from(place).unwrap_or(0)];
        }
        Self(id << 1 | 1)
    }

    fn at(place: Vector) -> Self {
        let face = face_of(place);
        let [u, v] = on_face(face, place);
        Self::leaf(face, leaf(to_unit(u)), leaf(to_unit(v)))
    }

    fn lowest(self) -> u64 {
        self.0 & self.0.wrapping_neg()
    }

    fn level(self) -> u64 {
        DEEPEST - u64::from(self.0.trailing_zeros()) / 2
    }

    fn parent(self, level: u64) -> Self {
        let lowest = 1 << (2 * (DEEPEST - level));
        Self(self.0 & u64::wrapping_neg(lowest) | lowest)
    }

    fn token(self) -> Datum<'static> {
        Datum::text(format!("{:016x}", self.0).trim_end_matches('0').to_owned())
    }

    fn of_token(token: &str) -> Option<Self> {
        let hexadecimal = token.bytes().all(|byte| byte.is_ascii_hexdigit());
        if token.is_empty() || token.len() > 16 || !hexadecimal {
            return None;
        }
        let id = u64::from_str_radix(&format!("{token:0<16}"), 16).ok()?;
        let cell = Self(id);
        (id >> 61 < 6 && cell.lowest() & 0x1555_5555_5555_5555 != 0).then_some(cell)
    }

    /// Face, corner and size in leaves.
    fn square(self) -> (usize, [i64; 2], i64) {
        let face = usize::try_from(self.0 >> 61).unwrap_or(0);
        let mut turned = face & 1;
        let (mut i, mut j) = (0, 0);
        let level = self.level();
        for at in 0..level {
            let place = self.0 >> (59 - 2 * at) & 3;
            let both = PLACES[turned]
                .iter()
                .position(|one| *one == place)
                .unwrap_or(0);
            i = i << 1 | i64::from(both >= 2);
            j = j << 1 | i64::from(both % 2 == 1);
            turned ^= TURNS[usize::try_from(place).unwrap_or(0)];
        }
        let below = DEEPEST - level;
        (face, [i << below, j << below], 1 << below)
    }

    /// A point of the cell: 0 and 1 are its sides.
    fn inside(self, across: f64, up: f64) -> [f64; 2] {
        let (face, [i, j], size) = self.square();
        #[expect(clippy::cast_precision_loss, reason = "below 2^31")]
        let along = |from: i64, part: f64| from_unit((from as f64 + part * size as f64) / side());
        degrees(off_face(face, [along(i, across), along(j, up)]))
    }
}

pub(super) fn kernel_of(call: &Call) -> Option<Kernel> {
    let of_cell = |body: fn(Cell) -> Datum<'static>| {
        kernel(move |values| Ok(Cell::of_token(&values[0].display()).map_or(Datum::Null, body)))
    };
    Some(match call.name {
        "geo_point_to_s2cell" => kernel(|values| {
            let level = values.get(2).map_or(Some(11), Datum::as_long);
            let level = level
                .and_then(|level| u64::try_from(level).ok())
                .filter(|level| *level <= DEEPEST);
            let place = position(&values[0], &values[1]);
            Ok(place.zip(level).map_or_else(
                || Datum::text(""),
                |(place, level)| Cell::at(vector(place)).parent(level).token(),
            ))
        }),
        "geo_s2cell_to_central_point" => of_cell(|cell| point(cell.inside(0.5, 0.5))),
        "geo_s2cell_to_polygon" => of_cell(|cell| {
            let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.0)];
            polygon(&corners.map(|(across, up)| cell.inside(across, up)))
        }),
        _ => return None,
    })
}
