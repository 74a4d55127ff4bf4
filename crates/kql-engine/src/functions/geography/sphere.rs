//! Points and edges on the unit sphere.

use std::f64::consts::{PI, TAU};

/// Metres of the service's sphere.
pub(super) const RADIUS: f64 = 6_371_010.0;

pub(super) type Vector = [f64; 3];

pub(super) fn vector([longitude, latitude]: [f64; 2]) -> Vector {
    let (longitude, latitude) = (longitude.to_radians(), latitude.to_radians());
    [
        latitude.cos() * longitude.cos(),
        latitude.cos() * longitude.sin(),
        latitude.sin(),
    ]
}

pub(super) fn degrees([x, y, z]: Vector) -> [f64; 2] {
    [
        y.atan2(x).to_degrees(),
        z.atan2((x * x + y * y).sqrt()).to_degrees(),
    ]
}

pub(super) fn dot(a: Vector, b: Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(super) fn cross(a: Vector, b: Vector) -> Vector {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

pub(super) fn plus(a: Vector, b: Vector) -> Vector {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

pub(super) fn scaled(a: Vector, by: f64) -> Vector {
    [a[0] * by, a[1] * by, a[2] * by]
}

pub(super) fn length(a: Vector) -> f64 {
    dot(a, a).sqrt()
}

/// The vector of length one; none for the null vector.
pub(super) fn unit(a: Vector) -> Option<Vector> {
    let length = length(a);
    (length > 0.0).then(|| scaled(a, 1.0 / length))
}

/// The angle between two points, in radians.
pub(super) fn angle(a: Vector, b: Vector) -> f64 {
    length(cross(a, b)).atan2(dot(a, b))
}

/// The angle between two places, in radians, by haversines.
pub(super) fn arc(a: [f64; 2], b: [f64; 2]) -> f64 {
    let (a, b) = (a.map(f64::to_radians), b.map(f64::to_radians));
    let latitude = ((b[1] - a[1]) / 2.0).sin();
    let longitude = ((b[0] - a[0]) / 2.0).sin();
    let square = latitude * latitude + a[1].cos() * b[1].cos() * longitude * longitude;
    2.0 * square.min(1.0).sqrt().asin()
}

/// The direction from one place to another, clockwise from north.
pub(super) fn azimuth(from: [f64; 2], to: [f64; 2]) -> f64 {
    let (from, to) = (from.map(f64::to_radians), to.map(f64::to_radians));
    let east = (to[0] - from[0]).sin() * to[1].cos();
    let north = from[1].cos() * to[1].sin() - from[1].sin() * to[1].cos() * (to[0] - from[0]).cos();
    east.atan2(north).rem_euclid(TAU)
}

/// The point of an edge that is nearest to `place`.
pub(super) fn nearest(place: Vector, (a, b): (Vector, Vector)) -> Vector {
    let normal = cross(a, b);
    let ends = if angle(place, a) <= angle(place, b) {
        a
    } else {
        b
    };
    let Some(normal) = unit(normal) else {
        return ends;
    };
    let projected = plus(place, scaled(normal, -dot(place, normal)));
    let Some(projected) = unit(projected) else {
        return ends;
    };
    // Between the ends only if it lies on the inner side of both.
    let inside = dot(cross(normal, a), projected) >= 0.0 && dot(cross(b, normal), projected) >= 0.0;
    if inside { projected } else { ends }
}

/// The point at a fraction of an edge.
pub(super) fn between(a: Vector, b: Vector, fraction: f64) -> Vector {
    let whole = angle(a, b);
    if whole == 0.0 {
        return a;
    }
    let sine = whole.sin();
    plus(
        scaled(a, ((1.0 - fraction) * whole).sin() / sine),
        scaled(b, (fraction * whole).sin() / sine),
    )
}

/// On which side of the edge from `a` to `b` a point lies.
fn side(a: Vector, b: Vector, point: Vector) -> f64 {
    dot(cross(a, b), point)
}

/// Whether two edges have a point in common; ends belong to their edges.
pub(super) fn meet((a, b): (Vector, Vector), (c, d): (Vector, Vector)) -> bool {
    if [a, b].iter().any(|one| *one == c || *one == d) {
        return true;
    }
    cross_inside((a, b), (c, d))
}

/// Whether two edges cross at a point inside both.
pub(super) fn cross_inside((a, b): (Vector, Vector), (c, d): (Vector, Vector)) -> bool {
    // Where an end is shared its side is zero but for rounding.
    if [a, b].iter().any(|one| *one == c || *one == d) {
        return false;
    }
    let (one, two) = (side(a, b, c), side(a, b, d));
    let (three, four) = (side(c, d, a), side(c, d, b));
    // Opposite sides both ways, and the same half of the sphere.
    one * two < 0.0 && three * four < 0.0 && one * four > 0.0
}

/// The signed area of the triangle, by its angles.
pub(super) fn triangle(a: Vector, b: Vector, c: Vector) -> f64 {
    let volume = dot(a, cross(b, c));
    2.0 * volume.atan2(1.0 + dot(a, b) + dot(b, c) + dot(c, a))
}

/// The centre of gravity of a triangle times its area, with its sign.
#[expect(
    clippy::many_single_char_names,
    reason = "the corners and axes of one formula"
)]
pub(super) fn weight(a: Vector, b: Vector, c: Vector) -> Vector {
    let ratio = |one: f64| if one == 0.0 { 1.0 } else { one / one.sin() };
    let (ra, rb, rc) = (ratio(angle(b, c)), ratio(angle(c, a)), ratio(angle(a, b)));
    let x = [a[0], b[0] - a[0], c[0] - a[0]];
    let y = [a[1], b[1] - a[1], c[1] - a[1]];
    let z = [a[2], b[2] - a[2], c[2] - a[2]];
    let r = [ra, rb - ra, rc - ra];
    [
        0.5 * dot(cross(y, z), r),
        0.5 * dot(cross(z, x), r),
        0.5 * dot(cross(x, y), r),
    ]
}

/// Whether a ring, counter-clockwise and smaller than a half sphere, goes around a point.
pub(super) fn around(ring: &[Vector], point: Vector) -> bool {
    let mut turned = 0.0;
    for (at, a) in ring.iter().enumerate() {
        let b = ring[(at + 1) % ring.len()];
        let (one, two) = (cross(point, *a), cross(point, b));
        if *a == point || b == point {
            return true;
        }
        turned += dot(point, cross(one, two)).atan2(dot(one, two));
    }
    turned > PI
}
