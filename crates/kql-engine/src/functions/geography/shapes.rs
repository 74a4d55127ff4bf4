//! `GeoJSON` lines and polygons, read and checked.

use super::sphere;
use super::sphere::{Vector, angle, cross_inside, nearest, triangle, vector};
use crate::datum::Datum;
use crate::dynamic::{self, Dynamic};

/// A line: at least two places, neighbours different.
pub(super) type Line = Vec<Vector>;

/// A polygon: the outer ring and its holes, each counter-clockwise and without its last place.
pub(super) type Polygon = Vec<Vec<Vector>>;

/// A geometry that covers something.
#[derive(Debug)]
pub(super) enum Shape {
    Lines(Vec<Line>),
    Polygons(Vec<Polygon>),
}

fn items<'v>(value: &'v [u8]) -> Option<Vec<&'v [u8]>> {
    match dynamic::view(value) {
        Dynamic::Array(items) => Some(items.iter().collect::<Vec<&'v [u8]>>()),
        _ => None,
    }
}

fn number(value: &[u8]) -> Option<f64> {
    Datum::dynamic(value).as_real()
}

fn place(value: &[u8]) -> Option<[f64; 2]> {
    let list = items(value)?;
    let (longitude, latitude) = (number(list.first()?)?, number(list.get(1)?)?);
    let valid = longitude.abs() <= 180.0 && latitude.abs() <= 90.0;
    valid.then_some([longitude, latitude])
}

fn places(value: &[u8]) -> Option<Vec<Vector>> {
    items(value)?
        .into_iter()
        .map(|one| place(one).map(vector))
        .collect()
}

fn line(value: &[u8]) -> Option<Line> {
    let line = places(value)?;
    let distinct = line.windows(2).all(|pair| pair[0] != pair[1]);
    (line.len() >= 2 && distinct).then_some(line)
}

fn area(ring: &[Vector]) -> f64 {
    (1..ring.len() - 1)
        .map(|at| triangle(ring[0], ring[at], ring[at + 1]))
        .sum()
}

fn ring(value: &[u8]) -> Option<Vec<Vector>> {
    let mut ring = places(value)?;
    if ring.len() < 4 || ring.first() != ring.last() {
        return None;
    }
    ring.pop();
    let mut sorted: Vec<[u64; 3]> = ring.iter().map(|one| one.map(f64::to_bits)).collect();
    sorted.sort_unstable();
    if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
        return None;
    }
    let edges = edges_of_ring(&ring);
    for (at, one) in edges.iter().enumerate() {
        if edges[at + 1..].iter().any(|two| cross_inside(*one, *two)) {
            return None;
        }
    }
    if area(&ring) < 0.0 {
        ring.reverse();
    }
    Some(ring)
}

fn polygon(value: &[u8]) -> Option<Polygon> {
    let rings: Option<Vec<_>> = items(value)?.into_iter().map(ring).collect();
    rings.filter(|rings| !rings.is_empty())
}

fn edges_of_ring(ring: &[Vector]) -> Vec<(Vector, Vector)> {
    (0..ring.len())
        .map(|at| (ring[at], ring[(at + 1) % ring.len()]))
        .collect()
}

/// Whether a polygon covers a point.
fn covers(polygon: &Polygon, point: Vector) -> bool {
    let mut rings = polygon.iter();
    rings.next().is_some_and(|ring| sphere::around(ring, point))
        && !rings.any(|ring| sphere::around(ring, point))
}

impl Shape {
    /// A line or polygon, one or many; none where it is something else or broken.
    pub(super) fn read(value: &Datum<'_>) -> Option<Self> {
        let Datum::Dynamic(bytes) = value else {
            return None;
        };
        let Dynamic::Object(entries) = dynamic::view(bytes) else {
            return None;
        };
        let Dynamic::String(kind) = dynamic::view(entries.get("type")?) else {
            return None;
        };
        let coordinates = entries.get("coordinates")?;
        let many = || items(coordinates).filter(|list| !list.is_empty());
        Some(match kind {
            "LineString" => Self::Lines(vec![line(coordinates)?]),
            "MultiLineString" => Self::Lines(many()?.into_iter().map(line).collect::<Option<_>>()?),
            "Polygon" => Self::Polygons(vec![polygon(coordinates)?]),
            "MultiPolygon" => {
                Self::Polygons(many()?.into_iter().map(polygon).collect::<Option<_>>()?)
            }
            _ => return None,
        })
    }

    pub(super) fn lines(value: &Datum<'_>) -> Option<Vec<Line>> {
        match Self::read(value)? {
            Self::Lines(lines) => Some(lines),
            Self::Polygons(_) => None,
        }
    }

    pub(super) fn polygons(value: &Datum<'_>) -> Option<Vec<Polygon>> {
        match Self::read(value)? {
            Self::Polygons(polygons) => Some(polygons),
            Self::Lines(_) => None,
        }
    }

    pub(super) fn edges(&self) -> Vec<(Vector, Vector)> {
        match self {
            Self::Lines(lines) => lines
                .iter()
                .flat_map(|line| line.windows(2).map(|pair| (pair[0], pair[1])))
                .collect(),
            Self::Polygons(polygons) => polygons
                .iter()
                .flatten()
                .flat_map(|ring| edges_of_ring(ring))
                .collect(),
        }
    }

    pub(super) fn covers(&self, point: Vector) -> bool {
        match self {
            Self::Lines(_) => false,
            Self::Polygons(polygons) => polygons.iter().any(|one| covers(one, point)),
        }
    }

    /// The nearest point of the shape: the place itself where a polygon covers it.
    pub(super) fn nearest(&self, place: Vector) -> Vector {
        if self.covers(place) {
            return place;
        }
        self.edges()
            .into_iter()
            .map(|edge| nearest(place, edge))
            .min_by(|one, two| angle(place, *one).total_cmp(&angle(place, *two)))
            .unwrap_or(place)
    }

    pub(super) fn meets(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.edges(), other.edges());
        ours.iter()
            .any(|one| theirs.iter().any(|two| sphere::meet(*one, *two)))
            || theirs.first().is_some_and(|edge| self.covers(edge.0))
            || ours.first().is_some_and(|edge| other.covers(edge.0))
    }
}
