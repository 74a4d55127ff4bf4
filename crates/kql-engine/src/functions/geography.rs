//! Functions of places on a sphere.
//!
//! The service computes on the sphere of the S2 library: edges are great circles, distances are
//! metres on a radius of 6,371.010 km. What needs new shapes (buffers, unions, intersections) is not
//! here.

mod cells;
mod geohash;
mod hexagon_places;
mod hexagons;
mod measures;
mod shapes;
mod sphere;

use super::{Call, array};
use crate::EngineError;
use crate::datum::Datum;
use crate::dynamic;
use crate::expression::Kernel;

#[expect(clippy::unnecessary_wraps, reason = "one signature for all families")]
pub(super) fn kernel_of(call: &Call) -> Result<Option<Kernel>, EngineError> {
    if !call.name.starts_with("geo_") {
        return Ok(None);
    }
    Ok(measures::kernel_of(call)
        .or_else(|| cells::kernel_of(call))
        .or_else(|| geohash::kernel_of(call))
        .or_else(|| hexagons::kernel_of(call))
        .or_else(|| hexagon_places::kernel_of(call)))
}

/// Longitude and latitude, where both are in their ranges.
fn position(longitude: &Datum<'_>, latitude: &Datum<'_>) -> Option<[f64; 2]> {
    let (longitude, latitude) = (longitude.as_real()?, latitude.as_real()?);
    let valid = longitude.abs() <= 180.0 && latitude.abs() <= 90.0;
    valid.then_some([longitude, latitude])
}

fn pair([longitude, latitude]: [f64; 2]) -> Datum<'static> {
    array(&[Datum::Real(longitude), Datum::Real(latitude)])
}

/// A `GeoJSON` geometry.
fn geometry(kind: &str, coordinates: &Datum<'_>) -> Datum<'static> {
    let entries = [
        ("type", dynamic::string(kind)),
        ("coordinates", coordinates.to_dynamic().into_owned()),
    ];
    Datum::dynamic(dynamic::object(&entries))
}

fn point(place: [f64; 2]) -> Datum<'static> {
    geometry("Point", &pair(place))
}

/// A polygon of one ring.
fn polygon(ring: &[[f64; 2]]) -> Datum<'static> {
    let ring: Vec<Datum<'_>> = ring.iter().map(|one| pair(*one)).collect();
    geometry("Polygon", &array(&[array(&ring)]))
}
