//! Decomposition of series into season, trend and what is left, and outliers of series.
//!
//! Sources: the pages of `series_decompose`, `series_decompose_anomalies`,
//! `series_decompose_forecast`, `series_seasonal` and `series_outliers`. How the service finds a
//! period by itself is not published; [`period_of`] is this engine's own measure, and scores of
//! periods (`series_periods_detect`, `series_periods_validate`) are refused for that reason.

use super::{Call, array, items};
use crate::EngineError;
use crate::datum::Datum;
use crate::expression::{Kernel, kernel};

/// The factor that makes a score over the 10th to 90th percentile mean what Tukey's over the 25th
/// to 75th does; measured from answers of the service.
const WIDE: f64 = 2.772_605_605_507_915;

/// The score that a period needs for `series_decompose` and for `series_seasonal`.
const SEASONAL: f64 = 0.6;
const STRICT: f64 = 0.7;

/// The service finds no shorter period.
const SHORTEST: usize = 4;

#[expect(
    clippy::cast_precision_loss,
    reason = "series are far shorter than 2^53"
)]
fn real(count: usize) -> f64 {
    count as f64
}

fn whole(value: &Datum<'_>) -> Option<Vec<f64>> {
    let list: Option<Vec<f64>> = items(value)?.iter().map(Datum::as_real).collect();
    list.filter(|list| !list.is_empty())
}

fn reals(list: &[f64]) -> Datum<'static> {
    let list: Vec<Datum<'_>> = list.iter().map(|one| Datum::Real(*one)).collect();
    array(&list)
}

fn mean(list: &[f64]) -> f64 {
    list.iter().sum::<f64>() / real(list.len())
}

fn median(mut list: Vec<f64>) -> f64 {
    list.sort_by(f64::total_cmp);
    let middle = list.len() / 2;
    if list.len() % 2 == 1 {
        list[middle]
    } else {
        f64::midpoint(list[middle - 1], list[middle])
    }
}

/// Start and slope of the least-squares line over the places 0, 1, 2, …
fn line(list: &[f64]) -> (f64, f64) {
    let middle = (real(list.len()) - 1.0) / 2.0;
    let average = mean(list);
    let (mut across, mut both) = (0.0, 0.0);
    for (at, value) in list.iter().enumerate() {
        let x = real(at) - middle;
        across += x * x;
        both += x * (value - average);
    }
    let slope = if across == 0.0 { 0.0 } else { both / across };
    (average - slope * middle, slope)
}

/// The period of a series, in places, where one is clear enough.
///
/// The measure is the correlation of the series, without its trend, with itself some places later.
fn period_of(list: &[f64], least: f64) -> Option<usize> {
    let (start, slope) = line(list);
    let flat: Vec<f64> = list
        .iter()
        .enumerate()
        .map(|(at, value)| value - start - slope * real(at))
        .collect();
    let count = flat.len();
    let power: f64 = flat.iter().map(|one| one * one).sum();
    if count <= SHORTEST * 2 || power <= f64::EPSILON * real(count) {
        return None;
    }
    let most = (count - 1) / 2;
    let correlation = |lag: usize| {
        let sum: f64 = flat[lag..].iter().zip(&flat).map(|(a, b)| a * b).sum();
        sum / power * real(count) / real(count - lag)
    };
    let all: Vec<f64> = (0..=most + 1).map(correlation).collect();
    let peaks: Vec<usize> = (SHORTEST..=most)
        .filter(|lag| all[*lag] > all[lag - 1] && all[*lag] >= all[lag + 1])
        .collect();
    let best = peaks.iter().map(|lag| all[*lag]).fold(0.0, f64::max);
    if best < least {
        return None;
    }
    // Multiples of a period are as good as the period: the shortest one is meant.
    peaks.into_iter().find(|lag| all[*lag] >= best * 0.95)
}

/// The median of each phase, over the whole length.
fn seasonal(list: &[f64], learned: usize, period: usize) -> Vec<f64> {
    let phases: Vec<f64> = (0..period)
        .map(|phase| {
            let values: Vec<f64> = list[..learned]
                .iter()
                .skip(phase)
                .step_by(period)
                .copied()
                .collect();
            if values.is_empty() {
                0.0
            } else {
                median(values)
            }
        })
        .collect();
    (0..list.len()).map(|at| phases[at % period]).collect()
}

/// What `series_decompose` and its kin are told.
struct Settings {
    period: i64,
    trend: String,
    test_points: usize,
    threshold: f64,
}

struct Parts {
    baseline: Vec<f64>,
    seasonal: Vec<f64>,
    trend: Vec<f64>,
    residual: Vec<f64>,
}

fn decompose(list: &[f64], settings: &Settings) -> Option<Parts> {
    let count = list.len();
    let learned = count
        .checked_sub(settings.test_points)
        .filter(|left| *left > 0)?;
    let period = match settings.period {
        0 => None,
        -1 => period_of(&list[..learned], settings.threshold),
        period => Some(usize::try_from(period).ok()?).filter(|period| *period <= learned),
    };
    let seasonal = period.map_or_else(
        || vec![0.0; count],
        |period| seasonal(list, learned, period),
    );
    let rest: Vec<f64> = list.iter().zip(&seasonal).map(|(a, b)| a - b).collect();
    let trend = match settings.trend.to_ascii_lowercase().as_str() {
        "none" => vec![0.0; count],
        "linefit" => {
            let (start, slope) = line(&rest[..learned]);
            (0..count).map(|at| start + slope * real(at)).collect()
        }
        "avg" => vec![mean(&rest[..learned]); count],
        _ => return None,
    };
    let baseline: Vec<f64> = seasonal.iter().zip(&trend).map(|(a, b)| a + b).collect();
    let residual = list.iter().zip(&baseline).map(|(a, b)| a - b).collect();
    Some(Parts {
        baseline,
        seasonal,
        trend,
        residual,
    })
}

/// A percentile between places, of a sorted list.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (real(sorted.len()) - 1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place inside of the list"
    )]
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * (place - place.floor())
}

/// How far outside of the fence each value is; 0 inside and for what is missing.
fn outliers(list: &[Option<f64>], wide: bool) -> Vec<f64> {
    let mut sorted: Vec<f64> = list.iter().flatten().copied().collect();
    if sorted.is_empty() {
        return vec![0.0; list.len()];
    }
    sorted.sort_by(f64::total_cmp);
    let (low, high, factor) = if wide {
        (percentile(&sorted, 0.1), percentile(&sorted, 0.9), WIDE)
    } else {
        (percentile(&sorted, 0.25), percentile(&sorted, 0.75), 1.0)
    };
    list.iter()
        .map(|value| {
            let outside = match value {
                Some(value) if *value > high => value - high,
                Some(value) if *value < low => value - low,
                _ => return 0.0,
            };
            outside / (high - low) * factor
        })
        .collect()
}

/// Whether a method is `ctukey`; what is neither is none.
fn is_wide(method: &str) -> Option<bool> {
    match method.to_ascii_lowercase().as_str() {
        "ctukey" => Some(true),
        "tukey" => Some(false),
        _ => None,
    }
}

fn text(values: &[Datum<'_>], at: usize, default: &str) -> String {
    match values.get(at) {
        None | Some(Datum::Null) => default.to_owned(),
        Some(value) => value.display().into_owned(),
    }
}

fn long(values: &[Datum<'_>], at: usize, default: i64) -> i64 {
    values.get(at).and_then(Datum::as_long).unwrap_or(default)
}

fn number(values: &[Datum<'_>], at: usize, default: f64) -> f64 {
    values.get(at).and_then(Datum::as_real).unwrap_or(default)
}

fn points(values: &[Datum<'_>], at: usize) -> usize {
    usize::try_from(long(values, at, 0)).unwrap_or(0)
}

fn anomalies(values: &[Datum<'_>]) -> Option<Datum<'static>> {
    let list = whole(&values[0])?;
    let threshold = number(values, 1, 1.5);
    let settings = Settings {
        period: long(values, 2, -1),
        trend: text(values, 3, "avg"),
        test_points: points(values, 4),
        threshold: number(values, 6, SEASONAL),
    };
    let wide = is_wide(&text(values, 5, "ctukey"))?;
    let parts = decompose(&list, &settings)?;
    let residual: Vec<Option<f64>> = parts.residual.iter().copied().map(Some).collect();
    let scores = outliers(&residual, wide);
    let flags: Vec<Datum<'_>> = scores
        .iter()
        .map(|score| {
            Datum::Long(if *score > threshold {
                1
            } else if *score < -threshold {
                -1
            } else {
                0
            })
        })
        .collect();
    Some(array(&[
        array(&flags),
        reals(&scores),
        reals(&parts.baseline),
    ]))
}

fn forecast(values: &[Datum<'_>]) -> Option<Datum<'static>> {
    // The places to be forecast may be empty.
    let list: Vec<f64> = items(&values[0])?
        .iter()
        .map(|one| one.as_real().unwrap_or(0.0))
        .collect();
    let settings = Settings {
        test_points: points(values, 1),
        period: long(values, 2, -1),
        trend: text(values, 3, "linefit"),
        threshold: number(values, 4, SEASONAL),
    };
    let parts = decompose(&list, &settings)?;
    Some(array(&[
        reals(&parts.baseline),
        reals(&parts.seasonal),
        reals(&parts.trend),
        reals(&parts.residual),
    ]))
}

fn optional(body: fn(&[Datum<'_>]) -> Option<Datum<'static>>) -> Kernel {
    kernel(move |values| Ok(body(values).unwrap_or(Datum::Null)))
}

pub(super) fn kernel_of(call: &Call) -> Result<Option<Kernel>, EngineError> {
    Ok(Some(match call.name {
        "series_decompose" => optional(|values| {
            let list = whole(&values[0])?;
            let settings = Settings {
                period: long(values, 1, -1),
                trend: text(values, 2, "avg"),
                test_points: points(values, 3),
                threshold: number(values, 4, SEASONAL),
            };
            let parts = decompose(&list, &settings)?;
            Some(array(&[
                reals(&parts.baseline),
                reals(&parts.seasonal),
                reals(&parts.trend),
                reals(&parts.residual),
            ]))
        }),
        "series_decompose_anomalies" => optional(anomalies),
        "series_decompose_forecast" => optional(forecast),
        "series_seasonal" => optional(|values| {
            let list = whole(&values[0])?;
            let learned = list
                .len()
                .checked_sub(points(values, 2))
                .filter(|left| *left > 0)?;
            let period = match long(values, 1, -1) {
                -1 => period_of(&list[..learned], STRICT),
                period => usize::try_from(period)
                    .ok()
                    .filter(|period| (1..=learned).contains(period)),
            };
            Some(match period {
                Some(period) => reals(&seasonal(&list, learned, period)),
                None => reals(&vec![0.0; list.len()]),
            })
        }),
        "series_outliers" if call.len() > 3 => {
            return Err(EngineError::Unsupported {
                what: "series_outliers() with percentiles of its own".to_owned(),
                span: None,
            });
        }
        "series_outliers" => optional(|values| {
            let wide = is_wide(&text(values, 1, "ctukey"))?;
            let ignored = values.get(2).and_then(Datum::as_real);
            let list: Vec<Option<f64>> = items(&values[0])?
                .iter()
                .map(|one| one.as_real().filter(|value| Some(*value) != ignored))
                .collect();
            Some(reals(&outliers(&list, wide)))
        }),
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    use super::{Settings, decompose, outliers, period_of, seasonal};

    #[test]
    fn scores_are_the_published_ones() {
        let list: Vec<Option<f64>> = [
            -3.0, 2.4, 15.0, 3.9, 5.0, 6.0, 4.5, 5.2, 3.0, 4.0, 5.0, 16.0, 7.0, 5.0, 5.0, 4.0,
        ]
        .into_iter()
        .map(Some)
        .collect();
        let mut expected = vec![0.0; 16];
        expected[0] = -1.904_078_548_360_857;
        expected[1] = -0.100_214_660_440_045_19;
        expected[2] = 1.336_195_472_533_934_7;
        expected[11] = 1.670_244_340_667_418_6;
        for (score, expected) in outliers(&list, true).iter().zip(expected) {
            assert!((score - expected).abs() < 1e-12, "{score} {expected}");
        }
    }

    #[test]
    fn a_season_is_the_median_of_its_phases() {
        let list = [1.0, 3.0, 5.0, 2.0, 4.0, 6.0, 1.0, 3.0, 5.0, 2.0, 4.0, 6.0];
        assert_eq!(seasonal(&list, 12, 3), [1.5, 3.5, 5.5].repeat(4));
        assert_eq!(period_of(&list, 0.7), None);
        let list: Vec<f64> = (0..40).map(|at| f64::from(at % 7)).collect();
        assert_eq!(period_of(&list, 0.6), Some(7));
        assert_eq!(period_of(&[1.0; 40], 0.6), None);
    }

    #[test]
    fn the_parts_add_up_and_points_to_test_are_not_learned_from() {
        let mut list: Vec<f64> = (0..21).map(|at| f64::from(at % 7)).collect();
        list[20] = 100.0;
        let settings = Settings {
            period: 7,
            trend: "none".into(),
            test_points: 7,
            threshold: 0.6,
        };
        let parts = decompose(&list, &settings).unwrap();
        assert_eq!(parts.baseline[20], 6.0);
        assert_eq!(parts.residual[20], 94.0);
        let settings = Settings {
            test_points: 21,
            ..settings
        };
        assert!(decompose(&list, &settings).is_none());
    }
}
