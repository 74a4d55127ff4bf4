//! Filters, transforms, gaps and polynomials of series.

use super::{Call, array, items};
use crate::EngineError;
use crate::datum::Datum;
use crate::dynamic;
use crate::expression::{Kernel, kernel};

#[expect(
    clippy::cast_precision_loss,
    reason = "series are far shorter than 2^53"
)]
fn real(count: usize) -> f64 {
    count as f64
}

fn whole(value: &Datum<'_>) -> Option<Vec<f64>> {
    items(value)?.iter().map(Datum::as_real).collect()
}

fn reals(list: &[f64]) -> Datum<'static> {
    let list: Vec<Datum<'_>> = list.iter().map(|one| Datum::Real(*one)).collect();
    array(&list)
}

/// A finite impulse response; before its first value a series is 0.
fn filtered(values: &[Datum<'_>]) -> Option<Datum<'static>> {
    let (series, mut filter) = (whole(&values[0])?, whole(&values[1])?);
    let negative = filter.iter().any(|one| *one < 0.0);
    let normalize = values.get(2).and_then(Datum::as_bool).unwrap_or(!negative);
    if filter.is_empty() || (normalize && negative) {
        return None;
    }
    if normalize {
        let sum: f64 = filter.iter().sum();
        for one in &mut filter {
            *one /= sum;
        }
    }
    let center = values.get(3).and_then(Datum::as_bool) == Some(true);
    let shift = if center { filter.len() / 2 } else { 0 };
    let out: Vec<f64> = (0..series.len())
        .map(|at| {
            filter
                .iter()
                .enumerate()
                .filter_map(|(lag, factor)| {
                    let place = (at + shift).checked_sub(lag)?;
                    Some(factor * series.get(place)?)
                })
                .sum()
        })
        .collect();
    Some(reals(&out))
}

/// A complex number.
type Complex = (f64, f64);

fn product(one: Complex, two: Complex) -> Complex {
    (one.0 * two.0 - one.1 * two.1, one.0 * two.1 + one.1 * two.0)
}

/// The point at `turns` of the circle.
fn unit(turns: f64) -> Complex {
    let angle = turns * 2.0 * std::f64::consts::PI;
    (angle.cos(), angle.sin())
}

/// The transform of a list whose length is a power of two, in place.
fn powers_of_two(list: &mut [Complex], sign: f64) {
    let count = list.len();
    let mut other = 0;
    for at in 1..count {
        let mut bit = count >> 1;
        while other & bit != 0 {
            other ^= bit;
            bit >>= 1;
        }
        other |= bit;
        if at < other {
            list.swap(at, other);
        }
    }
    let mut size = 2;
    while size <= count {
        let turns: Vec<Complex> = (0..size / 2)
            .map(|at| unit(sign * real(at) / real(size)))
            .collect();
        for block in list.chunks_mut(size) {
            let (low, high) = block.split_at_mut(size / 2);
            for ((low, high), turn) in low.iter_mut().zip(high).zip(&turns) {
                let turned = product(*high, *turn);
                *high = (low.0 - turned.0, low.1 - turned.1);
                *low = (low.0 + turned.0, low.1 + turned.1);
            }
        }
        size *= 2;
    }
}

/// The discrete Fourier transform; other lengths than powers of two by Bluestein's convolution.
fn transformed(list: &[Complex], sign: f64) -> Vec<Complex> {
    let count = list.len();
    if count.is_power_of_two() || count == 0 {
        let mut out = list.to_vec();
        powers_of_two(&mut out, sign);
        return out;
    }
    let chirp: Vec<Complex> = (0..count)
        .map(|at| unit(sign * real(at * at % (2 * count)) / real(2 * count)))
        .collect();
    let size = (2 * count - 1).next_power_of_two();
    let mut one = vec![(0.0, 0.0); size];
    let mut two = vec![(0.0, 0.0); size];
    for at in 0..count {
        one[at] = product(list[at], chirp[at]);
        let mirrored = (chirp[at].0, -chirp[at].1);
        two[at] = mirrored;
        two[(size - at) % size] = mirrored;
    }
    powers_of_two(&mut one, -1.0);
    powers_of_two(&mut two, -1.0);
    for (one, two) in one.iter_mut().zip(&two) {
        *one = product(*one, *two);
    }
    powers_of_two(&mut one, 1.0);
    (0..count)
        .map(|at| {
            let value = (one[at].0 / real(size), one[at].1 / real(size));
            product(value, chirp[at])
        })
        .collect()
}

fn fourier(values: &[Datum<'_>], inverse: bool) -> Option<Datum<'static>> {
    let first = whole(&values[0])?;
    let second = match values.get(1) {
        Some(value) => whole(value)?,
        None => vec![0.0; first.len()],
    };
    if first.len() != second.len() {
        return None;
    }
    let list: Vec<Complex> = first.into_iter().zip(second).collect();
    let mut out = transformed(&list, if inverse { 1.0 } else { -1.0 });
    if inverse {
        let count = real(out.len());
        for one in &mut out {
            *one = (one.0 / count, one.1 / count);
        }
    }
    let (first, second): (Vec<f64>, Vec<f64>) = out.into_iter().unzip();
    Some(array(&[reals(&first), reals(&second)]))
}

/// Straight lines over the gaps of a series.
fn linear(values: &[Datum<'_>]) -> Option<Datum<'static>> {
    let mut list = items(&values[0])?;
    let placeholder = values
        .get(1)
        .map(|one| one.borrowed().unwrapped().into_owned())
        .filter(|one| !one.is_null());
    let is_missing = |value: &Datum<'_>| match &placeholder {
        Some(one) => dynamic::equal(&value.to_dynamic(), &one.to_dynamic()),
        None => value.is_null(),
    };
    let edges = values.get(2).and_then(Datum::as_bool).unwrap_or(true);
    let known: Vec<usize> = (0..list.len())
        .filter(|at| !is_missing(&list[*at]))
        .collect();
    let (Some(first), Some(last)) = (known.first().copied(), known.last().copied()) else {
        let constant = match values.get(3) {
            Some(value) => value.borrowed().unwrapped().into_owned(),
            None => Datum::Real(0.0),
        };
        return Some(array(&vec![constant; list.len()]));
    };
    let is_whole = known
        .iter()
        .all(|at| matches!(list[*at], Datum::Int(_) | Datum::Long(_)));
    for pair in known.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let (Some(start), Some(end)) = (list[from].as_real(), list[to].as_real()) else {
            continue;
        };
        for (at, slot) in list[..to].iter_mut().enumerate().skip(from + 1) {
            let share = real(at - from) / real(to - from);
            let value = start + (end - start) * share;
            *slot = if is_whole {
                Datum::Long(crate::datum::saturated(value))
            } else {
                Datum::Real(value)
            };
        }
    }
    if edges {
        for at in 0..first {
            list[at] = list[first].clone();
        }
        for at in last + 1..list.len() {
            list[at] = list[last].clone();
        }
    }
    Some(array(&list))
}

/// The polynomial through points, highest power first, by Householder's reflections.
fn polynomial(x: &[f64], y: &[f64], degree: usize) -> Option<Vec<f64>> {
    let (rows, columns) = (x.len(), degree + 1);
    if rows < columns {
        return None;
    }
    let mut matrix: Vec<Vec<f64>> = x
        .iter()
        .map(|x| {
            let mut row = vec![1.0; columns];
            for at in (0..degree).rev() {
                row[at] = row[at + 1] * x;
            }
            row
        })
        .collect();
    let mut right = y.to_vec();
    for column in 0..columns {
        let length = matrix[column..]
            .iter()
            .map(|row| row[column] * row[column])
            .sum::<f64>()
            .sqrt();
        if length == 0.0 {
            return None;
        }
        let head = if matrix[column][column] > 0.0 {
            -length
        } else {
            length
        };
        let mut mirror: Vec<f64> = matrix[column..].iter().map(|row| row[column]).collect();
        mirror[0] -= head;
        let norm: f64 = mirror.iter().map(|one| one * one).sum();
        if norm == 0.0 {
            continue;
        }
        for other in column..columns {
            let dot: f64 = mirror
                .iter()
                .zip(&matrix[column..])
                .map(|(one, row)| one * row[other])
                .sum();
            for (one, row) in mirror.iter().zip(&mut matrix[column..]) {
                row[other] -= 2.0 * dot / norm * one;
            }
        }
        let dot: f64 = mirror
            .iter()
            .zip(&right[column..])
            .map(|(a, b)| a * b)
            .sum();
        for (one, value) in mirror.iter().zip(&mut right[column..]) {
            *value -= 2.0 * dot / norm * one;
        }
    }
    let mut out = vec![0.0; columns];
    for column in (0..columns).rev() {
        let known: f64 = (column + 1..columns)
            .map(|other| matrix[column][other] * out[other])
            .sum();
        out[column] = (right[column] - known) / matrix[column][column];
    }
    out.iter().all(|one| one.is_finite()).then_some(out)
}

fn fit(values: &[Datum<'_>]) -> Option<Datum<'static>> {
    let y = whole(&values[0])?;
    let (x, degree) = match values.get(1) {
        Some(value @ Datum::Dynamic(_)) => (whole(value)?, values.get(2)),
        Some(value) => ((1..=y.len()).map(real).collect(), Some(value)),
        None => ((1..=y.len()).map(real).collect(), None),
    };
    let degree = degree.map_or(Some(1), Datum::as_long)?;
    let degree = usize::try_from(degree)
        .ok()
        .filter(|one| (1..=64).contains(one))?;
    if x.len() != y.len() || y.len() < 2 {
        return None;
    }
    let coefficients = polynomial(&x, &y, degree)?;
    let fitted: Vec<f64> = x
        .iter()
        .map(|x| coefficients.iter().fold(0.0, |sum, one| sum * x + one))
        .collect();
    let mean = y.iter().sum::<f64>() / real(y.len());
    let total: f64 = y.iter().map(|one| (one - mean) * (one - mean)).sum();
    let left: f64 = y.iter().zip(&fitted).map(|(a, b)| (a - b) * (a - b)).sum();
    let share = if total == 0.0 {
        1.0
    } else {
        1.0 - left / total
    };
    let by = real(y.len()) - 1.0;
    Some(array(&[
        Datum::Real(share),
        reals(&coefficients),
        Datum::Real(total / by),
        Datum::Real(left / by),
        reals(&fitted),
    ]))
}

fn optional(body: fn(&[Datum<'_>]) -> Option<Datum<'static>>) -> Kernel {
    kernel(move |values| Ok(body(values).unwrap_or(Datum::Null)))
}

pub(super) fn kernel_of(call: &Call) -> Result<Option<Kernel>, EngineError> {
    Ok(Some(match call.name {
        "series_fir" => optional(filtered),
        "series_fft" => optional(|values| fourier(values, false)),
        "series_ifft" => optional(|values| fourier(values, true)),
        "series_fill_linear" => optional(linear),
        "series_fit_poly" => optional(fit),
        "series_cosine_similarity" => optional(|values| {
            let (one, two) = (whole(&values[0])?, whole(&values[1])?);
            if one.is_empty() || two.is_empty() {
                return None;
            }
            let dot: f64 = one.iter().zip(&two).map(|(a, b)| a * b).sum();
            let own = |list: &[f64]| list.iter().map(|a| a * a).sum::<f64>().sqrt();
            let size = |at: usize, list: &[f64]| match values.get(at) {
                Some(value) => value.as_real(),
                None => Some(own(list)),
            };
            Some(Datum::Real(dot / (size(2, &one)? * size(3, &two)?)))
        }),
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    use super::{polynomial, transformed};

    #[test]
    fn a_transform_and_its_inverse_are_the_list() {
        for count in [1, 2, 3, 5, 8, 12, 31] {
            let list: Vec<(f64, f64)> = (0..count)
                .map(|at| (f64::from(at * at % 7), f64::from(at % 3)))
                .collect();
            let there = transformed(&list, -1.0);
            let sum: f64 = list.iter().map(|one| one.0).sum();
            assert!((there[0].0 - sum).abs() < 1e-9);
            for (one, back) in list.iter().zip(transformed(&there, 1.0)) {
                assert!((one.0 * f64::from(count) - back.0).abs() < 1e-9);
                assert!((one.1 * f64::from(count) - back.1).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn a_polynomial_is_found_again() {
        let x: Vec<f64> = (1..=9).map(f64::from).collect();
        let y: Vec<f64> = x.iter().map(|x| 2.0 * x * x - 3.0 * x + 4.0).collect();
        let found = polynomial(&x, &y, 2).unwrap();
        for (found, expected) in found.iter().zip([2.0, -3.0, 4.0]) {
            assert!((found - expected).abs() < 1e-9, "{found}");
        }
        assert_eq!(polynomial(&x[..2], &y[..2], 2), None);
    }
}
