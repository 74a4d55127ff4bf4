//! Aggregates that compute a number.

use kql_semantics::ScalarType;

use super::{Aggregate, State, per_group};
use crate::datum::Datum;
use crate::decimal::Decimal;
use crate::expression::order;

/// Mean and spread, updated value by value.
#[derive(Debug, Default, Clone, Copy)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (value - self.mean);
    }
}

pub(super) fn state(aggregate: &Aggregate) -> Option<Box<dyn State>> {
    let ty = *aggregate.output_types.first()?;
    let argument = aggregate.argument_types.first().copied();
    Some(match aggregate.name {
        "count" => per_group(
            |count: &mut i64, _| {
                *count += 1;
                0
            },
            |count| vec![Datum::Long(count)],
        ),
        "sum" => sum(ty),
        "avg" => average(argument.unwrap_or(ty), ty),
        "min" | "max" => extreme(aggregate.name == "max"),
        "stdev" | "stdevp" | "variance" | "variancep" => {
            let population = aggregate.name.ends_with('p');
            let root = aggregate.name.starts_with("stdev");
            per_group(
                |moments: &mut Moments, values| {
                    // One NaN makes the whole spread NaN, as it makes the mean.
                    if let Some(value) = values[0].as_real() {
                        moments.add(value);
                    }
                    0
                },
                move |moments: Moments| {
                    let by = if population {
                        moments.count
                    } else {
                        moments.count - 1.0
                    };
                    let variance = if by > 0.0 || moments.squares.is_nan() {
                        moments.squares / by
                    } else {
                        0.0
                    };
                    vec![Datum::Real(if root { variance.sqrt() } else { variance })]
                },
            )
        }
        "covariance" | "covariancep" => {
            let population = aggregate.name.ends_with('p');
            per_group(
                |pairs: &mut Vec<(f64, f64)>, values| {
                    if let (Some(one), Some(two)) = (number(&values[0]), number(&values[1])) {
                        pairs.push((one, two));
                        return 16;
                    }
                    0
                },
                move |pairs: Vec<(f64, f64)>| {
                    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
                    let count = pairs.len() as f64;
                    if pairs.is_empty() {
                        return vec![Datum::Null];
                    }
                    let left = pairs.iter().map(|pair| pair.0).sum::<f64>() / count;
                    let right = pairs.iter().map(|pair| pair.1).sum::<f64>() / count;
                    let sum: f64 = pairs
                        .iter()
                        .map(|pair| (pair.0 - left) * (pair.1 - right))
                        .sum();
                    let by = if population { count } else { count - 1.0 };
                    vec![Datum::Real(if by <= 0.0 { 0.0 } else { sum / by })]
                },
            )
        }
        "binary_all_and" | "binary_all_or" | "binary_all_xor" => {
            let step: fn(i64, i64) -> i64 = match aggregate.name {
                "binary_all_and" => |one, two| one & two,
                "binary_all_or" => |one, two| one | two,
                _ => |one, two| one ^ two,
            };
            per_group(
                move |kept: &mut Option<i64>, values| {
                    if let Some(value) = values[0].as_long() {
                        *kept = Some(kept.map_or(value, |before| step(before, value)));
                    }
                    0
                },
                move |kept: Option<i64>| vec![as_integer(kept, ty)],
            )
        }
        "percentile" | "percentiles" if argument.is_some() => percentiles(aggregate),
        "percentiles_array" => percentiles_array(aggregate),
        "percentilew" | "percentilesw" => weighted(aggregate),
        _ => return None,
    })
}

/// A number that counts: not null, not NaN.
fn number(value: &Datum<'_>) -> Option<f64> {
    value.as_real().filter(|number| !number.is_nan())
}

fn as_integer(value: Option<i64>, ty: ScalarType) -> Datum<'static> {
    match (value, ty) {
        (None, _) => Datum::Null,
        (Some(value), ScalarType::Int) => i32::try_from(value).map_or(Datum::Null, Datum::Int),
        (Some(value), _) => Datum::Long(value),
    }
}

#[derive(Default)]
struct Total {
    whole: i64,
    real: f64,
    decimal: Option<Decimal>,
    count: i64,
}

fn sum(ty: ScalarType) -> Box<dyn State> {
    per_group(
        move |total: &mut Total, values| {
            add(total, &values[0], ty);
            0
        },
        move |total: Total| {
            vec![match ty {
                ScalarType::Real => Datum::Real(total.real),
                ScalarType::TimeSpan => Datum::TimeSpan(total.whole),
                ScalarType::Decimal => {
                    Datum::Decimal(total.decimal.unwrap_or(Decimal::from_long(0)))
                }
                ScalarType::Int => as_integer(Some(total.whole), ty),
                _ => Datum::Long(total.whole),
            }]
        },
    )
}

fn add(total: &mut Total, value: &Datum<'_>, ty: ScalarType) {
    match ty {
        ScalarType::Real => {
            if let Some(number) = value.as_real() {
                total.real += number;
                total.count += 1;
            }
        }
        ScalarType::Decimal => {
            if let Some(number) = crate::convert::to_decimal(value) {
                let before = total.decimal.unwrap_or(Decimal::from_long(0));
                total.decimal = before.add(number);
                total.count += 1;
            }
        }
        _ => {
            if let Some(number) = value.as_long() {
                total.whole = total.whole.wrapping_add(number);
                total.count += 1;
            }
        }
    }
}

/// Sums as `sum` does, wrapping around included, then divides.
fn average(argument: ScalarType, ty: ScalarType) -> Box<dyn State> {
    let summed = match argument {
        ScalarType::Dynamic => ScalarType::Real,
        other => other,
    };
    per_group(
        move |total: &mut Total, values| {
            add(total, &values[0], summed);
            0
        },
        move |total: Total| {
            #[expect(clippy::cast_precision_loss, reason = "KQL's own conversion")]
            let (count, whole) = (total.count as f64, total.whole as f64);
            let sum = match summed {
                ScalarType::Real => total.real,
                ScalarType::Decimal => total.decimal.map_or(0.0, Decimal::to_real),
                _ => whole,
            };
            vec![match ty {
                ScalarType::TimeSpan | ScalarType::DateTime if total.count == 0 => Datum::Null,
                ScalarType::TimeSpan => Datum::TimeSpan(total.whole / total.count),
                ScalarType::DateTime => Datum::DateTime(total.whole / total.count),
                ScalarType::Decimal => total
                    .decimal
                    .and_then(|sum| sum.divide(Decimal::from_long(total.count)))
                    .map_or(Datum::Null, Datum::Decimal),
                _ => Datum::Real(if total.count == 0 {
                    f64::NAN
                } else {
                    sum / count
                }),
            }]
        },
    )
}

fn extreme(largest: bool) -> Box<dyn State> {
    per_group(
        move |kept: &mut Option<Datum<'static>>, values| {
            let value = &values[0];
            if value.is_null() {
                return 0;
            }
            let nan = |one: &Datum<'_>| matches!(one, Datum::Real(number) if number.is_nan());
            if nan(value) {
                *kept = Some(Datum::Real(f64::NAN));
                return 0;
            }
            let better = match kept {
                None => true,
                Some(before) => order(value, before).is_some_and(|ordering| {
                    if largest {
                        ordering.is_gt()
                    } else {
                        ordering.is_lt()
                    }
                }),
            };
            if better {
                *kept = Some(value.clone().into_owned());
            }
            0
        },
        |kept: Option<Datum<'static>>| vec![kept.unwrap_or(Datum::Null)],
    )
}

/// Nearest rank, exact.
fn ranked(sorted: &[Datum<'static>], rank: f64) -> Datum<'static> {
    if sorted.is_empty() {
        return Datum::Null;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "clamped to the index range"
    )]
    let at = ((rank / 100.0 * sorted.len() as f64).ceil().max(1.0) as usize).min(sorted.len());
    sorted[at - 1].clone()
}

fn collected(
    finish: impl FnMut(Vec<Datum<'static>>) -> Vec<Datum<'static>> + Send + 'static,
) -> Box<dyn State> {
    let mut finish = finish;
    per_group(
        |kept: &mut Vec<Datum<'static>>, values| {
            if values[0].is_null() {
                return 0;
            }
            kept.push(values[0].clone().into_owned().unwrapped());
            size_of::<Datum<'static>>()
        },
        move |mut kept: Vec<Datum<'static>>| {
            kept.sort_by(|one, two| order(one, two).unwrap_or(std::cmp::Ordering::Equal));
            finish(kept)
        },
    )
}

fn percentiles(aggregate: &Aggregate) -> Box<dyn State> {
    let ranks: Vec<f64> = aggregate.constants[1..]
        .iter()
        .map(|rank| rank.as_ref().and_then(Datum::as_real).unwrap_or(50.0))
        .collect();
    collected(move |sorted| ranks.iter().map(|rank| ranked(&sorted, *rank)).collect())
}

fn percentiles_array(aggregate: &Aggregate) -> Box<dyn State> {
    let mut ranks = Vec::new();
    for constant in aggregate.constants[1..].iter().flatten() {
        match crate::functions::items(constant) {
            Some(items) => ranks.extend(items.iter().filter_map(Datum::as_real)),
            None => ranks.extend(constant.as_real()),
        }
    }
    collected(move |sorted| {
        let picked: Vec<Vec<u8>> = ranks
            .iter()
            .map(|rank| ranked(&sorted, *rank).to_dynamic().into_owned())
            .collect();
        vec![Datum::dynamic(crate::dynamic::array(&picked))]
    })
}

fn weighted(aggregate: &Aggregate) -> Box<dyn State> {
    let ranks: Vec<f64> = aggregate.constants[2..]
        .iter()
        .map(|rank| rank.as_ref().and_then(Datum::as_real).unwrap_or(50.0))
        .collect();
    per_group(
        |kept: &mut Vec<(Datum<'static>, i64)>, values| match (
            values[0].is_null(),
            values[1].as_long(),
        ) {
            (false, Some(weight)) if weight > 0 => {
                kept.push((values[0].clone().into_owned(), weight));
                size_of::<Datum<'static>>() + 8
            }
            _ => 0,
        },
        move |mut kept: Vec<(Datum<'static>, i64)>| {
            kept.sort_by(|one, two| order(&one.0, &two.0).unwrap_or(std::cmp::Ordering::Equal));
            let total: i64 = kept.iter().map(|one| one.1).sum();
            ranks
                .iter()
                .map(|rank| {
                    #[expect(clippy::cast_precision_loss, reason = "weights are far below 2^53")]
                    let bound = rank / 100.0 * total as f64;
                    let mut seen = 0;
                    for (value, weight) in &kept {
                        seen += weight;
                        #[expect(clippy::cast_precision_loss, reason = "as above")]
                        if seen as f64 >= bound {
                            return value.clone();
                        }
                    }
                    kept.last().map_or(Datum::Null, |one| one.0.clone())
                })
                .collect()
        },
    )
}
