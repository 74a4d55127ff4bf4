//! Distances, directions, lengths, areas, centres.

use std::f64::consts::{PI, TAU};

use super::shapes::{Polygon, Shape};
use super::sphere::{
    RADIUS, Vector, angle, arc, azimuth, between, degrees, length, nearest, plus, scaled, triangle,
    unit, vector, weight,
};
use super::{geometry, pair, point, position};
use crate::EngineError;
use crate::datum::Datum;
use crate::expression::{Kernel, kernel};
use crate::functions::{Call, array};

fn real(value: Option<f64>) -> Datum<'static> {
    value.map_or(Datum::Null, Datum::Real)
}

fn boolean(value: Option<bool>) -> Datum<'static> {
    value.map_or(Datum::Null, Datum::Bool)
}

fn centre(sum: Vector) -> Datum<'static> {
    unit(sum).map_or(Datum::Null, |sum| point(degrees(sum)))
}

/// One polygon; parts of several may overlap, and what they are together is not computed here.
fn single(value: &Datum<'_>) -> Result<Option<Polygon>, EngineError> {
    match Shape::polygons(value) {
        None => Ok(None),
        Some(mut list) if list.len() == 1 => Ok(list.pop()),
        Some(_) => Err(EngineError::Unsupported {
            what: "a measure of several polygons at once".to_owned(),
            span: None,
        }),
    }
}

/// Adds over the triangles of a polygon; holes count negative.
fn over_triangles<T>(polygon: &Polygon, start: T, add: impl Fn(T, f64, [Vector; 3]) -> T) -> T {
    let mut sum = start;
    for (at, ring) in polygon.iter().enumerate() {
        let sign = if at == 0 { 1.0 } else { -1.0 };
        for corner in 1..ring.len() - 1 {
            sum = add(sum, sign, [ring[0], ring[corner], ring[corner + 1]]);
        }
    }
    sum
}

fn located(line: &[Vector], place: Vector) -> f64 {
    let total: f64 = line.windows(2).map(|pair| angle(pair[0], pair[1])).sum();
    let mut before = 0.0;
    let mut best = (f64::INFINITY, 0.0);
    for pair in line.windows(2) {
        let near = nearest(place, (pair[0], pair[1]));
        let distance = angle(place, near);
        if distance < best.0 {
            best = (distance, before + angle(pair[0], near));
        }
        before += angle(pair[0], pair[1]);
    }
    (best.1 / total).clamp(0.0, 1.0)
}

fn interpolated(line: &[Vector], fraction: f64) -> Vector {
    let total: f64 = line.windows(2).map(|pair| angle(pair[0], pair[1])).sum();
    let mut left = total * fraction;
    for pair in line.windows(2) {
        let size = angle(pair[0], pair[1]);
        if left <= size {
            return between(pair[0], pair[1], left / size);
        }
        left -= size;
    }
    line[line.len() - 1]
}

pub(super) fn kernel_of(call: &Call) -> Option<Kernel> {
    Some(match call.name {
        "geo_distance_2points" if call.len() == 4 => kernel(|values| {
            let (one, two) = (
                position(&values[0], &values[1]),
                position(&values[2], &values[3]),
            );
            Ok(real(one.zip(two).map(|(one, two)| arc(one, two) * RADIUS)))
        }),
        "geo_azimuth" => kernel(|values| {
            let (one, two) = (
                position(&values[0], &values[1]),
                position(&values[2], &values[3]),
            );
            Ok(real(one.zip(two).and_then(|(one, two)| {
                // At the same place and at the other end of the world there is no direction.
                let far = arc(one, two);
                (far > 0.0 && far < PI).then(|| azimuth(one, two))
            })))
        }),
        "geo_angle" => kernel(|values| {
            let places = (0..3)
                .map(|at| position(&values[at * 2], &values[at * 2 + 1]))
                .collect::<Option<Vec<_>>>();
            Ok(real(places.and_then(|places| {
                let [one, middle, two] = [places[0], places[1], places[2]];
                if arc(one, middle) == 0.0 || arc(middle, two) == 0.0 {
                    return None;
                }
                let turn = (azimuth(middle, one) - azimuth(middle, two)).rem_euclid(TAU);
                Some(turn.min(TAU - turn))
            })))
        }),
        "geo_point_in_circle" => kernel(|values| {
            let (one, two) = (
                position(&values[0], &values[1]),
                position(&values[2], &values[3]),
            );
            let radius = values[4].as_real().filter(|radius| *radius >= 0.0);
            Ok(boolean(one.zip(two).zip(radius).map(
                |((one, two), radius)| arc(one, two) * RADIUS <= radius,
            )))
        }),
        "geo_point_in_polygon" => kernel(|values| {
            let place = position(&values[0], &values[1]);
            let shape = Shape::polygons(&values[2]).map(Shape::Polygons);
            Ok(boolean(
                place
                    .zip(shape)
                    .map(|(place, shape)| shape.covers(vector(place))),
            ))
        }),
        "geo_distance_point_to_line" | "geo_distance_point_to_polygon" => {
            let of_lines = call.name.ends_with("line");
            kernel(move |values| {
                let place = position(&values[0], &values[1]).map(vector);
                let shape = shape(&values[2], of_lines);
                Ok(real(place.zip(shape).map(|(place, shape)| {
                    angle(place, shape.nearest(place)) * RADIUS
                })))
            })
        }
        "geo_closest_point_on_line" | "geo_closest_point_on_polygon" => {
            let of_lines = call.name.ends_with("line");
            kernel(move |values| {
                let written = position(&values[0], &values[1]);
                let shape = shape(&values[2], of_lines);
                Ok(match written.zip(shape) {
                    Some((written, shape)) => {
                        let place = vector(written);
                        let near = shape.nearest(place);
                        point(if near == place {
                            written
                        } else {
                            degrees(near)
                        })
                    }
                    None => Datum::Null,
                })
            })
        }
        "geo_intersects_2lines" => meets(true, true),
        "geo_intersects_line_with_polygon" => meets(true, false),
        "geo_intersects_2polygons" => meets(false, false),
        "geo_line_length" => kernel(|values| {
            let shape = Shape::lines(&values[0]).map(Shape::Lines);
            Ok(real(shape.map(|shape| perimeter(&shape))))
        }),
        "geo_line_centroid" => kernel(|values| {
            let Some(lines) = Shape::lines(&values[0]) else {
                return Ok(Datum::Null);
            };
            let mut sum = [0.0; 3];
            for (a, b) in Shape::Lines(lines).edges() {
                let (difference, both) = (plus(a, scaled(b, -1.0)), plus(a, b));
                let size = length(both);
                if size > 0.0 {
                    sum = plus(sum, scaled(both, length(difference) / size));
                }
            }
            Ok(centre(sum))
        }),
        "geo_line_interpolate_point" => kernel(|values| {
            let fraction = values[1]
                .as_real()
                .filter(|fraction| (0.0..=1.0).contains(fraction));
            let line = Shape::lines(&values[0]).filter(|lines| lines.len() == 1);
            Ok(match line.zip(fraction) {
                Some((lines, fraction)) => point(degrees(interpolated(&lines[0], fraction))),
                None => Datum::Null,
            })
        }),
        "geo_line_locate_point" if call.len() == 3 => kernel(|values| {
            let place = position(&values[1], &values[2]).map(vector);
            let line = Shape::lines(&values[0]).filter(|lines| lines.len() == 1);
            Ok(real(
                line.zip(place)
                    .map(|(lines, place)| located(&lines[0], place)),
            ))
        }),
        "geo_polygon_perimeter" => kernel(|values| {
            let polygon = single(&values[0])?;
            Ok(real(
                polygon.map(|one| perimeter(&Shape::Polygons(vec![one]))),
            ))
        }),
        "geo_polygon_area" => kernel(|values| {
            let polygon = single(&values[0])?;
            Ok(real(polygon.map(|one| {
                let add = |sum, sign, [a, b, c]: [Vector; 3]| sum + sign * triangle(a, b, c);
                over_triangles(&one, 0.0, add) * RADIUS * RADIUS
            })))
        }),
        "geo_polygon_centroid" => kernel(|values| {
            let polygon = single(&values[0])?;
            Ok(polygon.map_or(Datum::Null, |one| {
                let add =
                    |sum, sign, [a, b, c]: [Vector; 3]| plus(sum, scaled(weight(a, b, c), sign));
                centre(over_triangles(&one, [0.0; 3], add))
            }))
        }),
        "geo_from_wkt" => kernel(|values| {
            let text = values[0].display();
            let mut reader = Words::new(&text);
            let shape = reader.shape(0).filter(|_| reader.rest.trim().is_empty());
            Ok(shape.unwrap_or(Datum::Null))
        }),
        _ => return None,
    })
}

fn perimeter(shape: &Shape) -> f64 {
    let edges = shape.edges();
    edges.iter().map(|(a, b)| angle(*a, *b)).sum::<f64>() * RADIUS
}

fn shape(value: &Datum<'_>, of_lines: bool) -> Option<Shape> {
    if of_lines {
        Shape::lines(value).map(Shape::Lines)
    } else {
        Shape::polygons(value).map(Shape::Polygons)
    }
}

fn meets(first_is_line: bool, second_is_line: bool) -> Kernel {
    kernel(move |values| {
        let one = shape(&values[0], first_is_line);
        let two = shape(&values[1], second_is_line);
        Ok(boolean(one.zip(two).map(|(one, two)| one.meets(&two))))
    })
}

/// Reads well-known text.
struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    fn new(rest: &'a str) -> Self {
        Self { rest }
    }

    fn take(&mut self, sign: char) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(sign)?;
        Some(())
    }

    fn word(&mut self) -> String {
        let text = self.rest.trim_start();
        let end = text
            .find(|one: char| !one.is_ascii_alphabetic())
            .unwrap_or(text.len());
        self.rest = &text[end..];
        text[..end].to_ascii_uppercase()
    }

    fn number(&mut self) -> Option<f64> {
        let text = self.rest.trim_start();
        let end = text
            .find(|one: char| !(one.is_ascii_digit() || matches!(one, '+' | '-' | '.' | 'e' | 'E')))
            .unwrap_or(text.len());
        self.rest = &text[end..];
        text[..end].parse().ok()
    }

    fn place(&mut self) -> Option<Datum<'static>> {
        Some(pair([self.number()?, self.number()?]))
    }

    /// A list in parentheses.
    fn list(
        &mut self,
        one: &dyn Fn(&mut Self) -> Option<Datum<'static>>,
    ) -> Option<Datum<'static>> {
        self.take('(')?;
        let mut list = vec![one(self)?];
        while self.take(',').is_some() {
            list.push(one(self)?);
        }
        self.take(')')?;
        Some(array(&list))
    }

    fn shape(&mut self, depth: usize) -> Option<Datum<'static>> {
        let places = |words: &mut Self| words.list(&Self::place);
        let rings = |words: &mut Self| words.list(&|words| words.list(&Self::place));
        Some(match self.word().as_str() {
            "POINT" => {
                self.take('(')?;
                let place = self.place()?;
                self.take(')')?;
                geometry("Point", &place)
            }
            "LINESTRING" => geometry("LineString", &places(self)?),
            "POLYGON" => geometry("Polygon", &rings(self)?),
            "MULTIPOINT" => {
                let place = |words: &mut Self| {
                    if words.take('(').is_some() {
                        let place = words.place()?;
                        words.take(')')?;
                        return Some(place);
                    }
                    words.place()
                };
                geometry("MultiPoint", &self.list(&place)?)
            }
            "MULTILINESTRING" => geometry("MultiLineString", &rings(self)?),
            "MULTIPOLYGON" => geometry("MultiPolygon", &self.list(&rings)?),
            "GEOMETRYCOLLECTION" if depth < 16 => {
                let shapes = self.list(&|words| words.shape(depth + 1))?;
                let entries = [
                    ("type", crate::dynamic::string("GeometryCollection")),
                    ("geometries", shapes.to_dynamic().into_owned()),
                ];
                Datum::dynamic(crate::dynamic::object(&entries))
            }
            _ => return None,
        })
    }
}
