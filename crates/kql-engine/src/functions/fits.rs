//! Statistics of series and lines fitted through them.

use super::{Call, array, items};
use crate::EngineError;
use crate::datum::Datum;
use crate::dynamic;
use crate::expression::{Kernel, kernel};

/// The names of the parts of `series_stats_dynamic`, in the order of `series_stats`, which has the first
/// seven.
const STATISTICS: [&str; 9] = [
    "min", "min_idx", "max", "max_idx", "avg", "stdev", "variance", "sum", "len",
];

/// The names of the parts of `series_fit_line_dynamic`, in the order of `series_fit_line`.
const LINE: [&str; 6] = [
    "rsquare",
    "slope",
    "variance",
    "rvariance",
    "interception",
    "line_fit",
];

fn long(at: usize) -> Datum<'static> {
    Datum::Long(i64::try_from(at).unwrap_or(i64::MAX))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "series are far shorter than 2^53"
)]
fn real(count: usize) -> f64 {
    count as f64
}

/// A whole series of numbers; none where one element is none.
fn numbers(value: &Datum<'_>) -> Option<Vec<f64>> {
    let list: Option<Vec<f64>> = items(value)?.iter().map(Datum::as_real).collect();
    list.filter(|list| !list.is_empty())
}

/// The elements that are finite numbers; none where there is none.
fn finite(value: &Datum<'_>) -> Option<Vec<f64>> {
    let list: Vec<f64> = items(value)?
        .iter()
        .filter_map(Datum::as_real)
        .filter(|value| value.is_finite())
        .collect();
    Some(list).filter(|list| !list.is_empty())
}

/// Minimum, maximum and their places, mean, deviation and variance of the sample, sum and length.
fn statistics(list: &[f64]) -> Vec<Datum<'static>> {
    let (mut least, mut most) = (0, 0);
    for (at, value) in list.iter().enumerate() {
        if *value < list[least] {
            least = at;
        }
        if *value > list[most] {
            most = at;
        }
    }
    let sum = list.iter().sum::<f64>();
    let mean = sum / real(list.len());
    let squares: f64 = list.iter().map(|one| (one - mean) * (one - mean)).sum();
    let variance = if list.len() > 1 {
        squares / real(list.len() - 1)
    } else {
        0.0
    };
    vec![
        Datum::Real(list[least]),
        long(least),
        Datum::Real(list[most]),
        long(most),
        Datum::Real(mean),
        Datum::Real(variance.sqrt()),
        Datum::Real(variance),
        Datum::Real(sum),
        long(list.len()),
    ]
}

/// The least-squares line over the places 0, 1, 2, …
fn line(list: &[f64]) -> Vec<Datum<'static>> {
    let count = real(list.len());
    let middle = (count - 1.0) / 2.0;
    let mean = list.iter().sum::<f64>() / count;
    let (mut across, mut both, mut up) = (0.0, 0.0, 0.0);
    for (at, value) in list.iter().enumerate() {
        let (x, y) = (real(at) - middle, value - mean);
        across += x * x;
        both += x * y;
        up += y * y;
    }
    let slope = both / across;
    let start = mean - slope * middle;
    let fitted: Vec<f64> = (0..list.len()).map(|at| start + slope * real(at)).collect();
    let left: f64 = list
        .iter()
        .zip(&fitted)
        .map(|(value, fit)| (value - fit) * (value - fit))
        .sum();
    let share = if up == 0.0 { 1.0 } else { 1.0 - left / up };
    let fitted: Vec<Datum<'_>> = fitted.into_iter().map(Datum::Real).collect();
    vec![
        Datum::Real(share),
        Datum::Real(slope),
        Datum::Real(up / (count - 1.0)),
        Datum::Real(left / (count - 1.0)),
        Datum::Real(start),
        array(&fitted),
    ]
}

fn parts(
    names: &'static [&'static str],
    least: usize,
    as_bag: bool,
    body: fn(&[f64]) -> Vec<Datum<'static>>,
) -> Kernel {
    kernel(move |values| {
        let list = if values.get(1).and_then(Datum::as_bool) == Some(true) {
            finite(&values[0])
        } else {
            numbers(&values[0])
        };
        let Some(list) = list.filter(|list| list.len() >= least) else {
            return Ok(Datum::Null);
        };
        let values = body(&list);
        if !as_bag {
            return Ok(array(&values));
        }
        let entries: Vec<_> = names
            .iter()
            .zip(&values)
            .map(|(name, value)| (*name, value.to_dynamic()))
            .collect();
        Ok(Datum::dynamic(dynamic::object(&entries)))
    })
}

pub(super) fn kernel_of(call: &Call) -> Result<Option<Kernel>, EngineError> {
    Ok(Some(match call.name {
        "series_stats" => parts(&STATISTICS, 1, false, |list| {
            let mut parts = statistics(list);
            parts.truncate(7);
            parts
        }),
        "series_stats_dynamic" => parts(&STATISTICS, 1, true, statistics),
        "series_fit_line" => parts(&LINE, 2, false, line),
        "series_fit_line_dynamic" => parts(&LINE, 2, true, line),
        _ => return Ok(None),
    }))
}
