//! Functions of numeric series.

use super::{Call, array, items};
use crate::EngineError;
use crate::datum::Datum;
use crate::dynamic;
use crate::expression::{Kernel, kernel};

fn numbers(value: &Datum<'_>) -> Option<Vec<Option<f64>>> {
    Some(items(value)?.iter().map(Datum::as_real).collect())
}

fn real(value: Option<f64>) -> Datum<'static> {
    value.map_or(Datum::Null, Datum::Real)
}

fn each(body: fn(f64) -> f64) -> Kernel {
    kernel(move |values| {
        let Some(list) = numbers(&values[0]) else {
            return Ok(Datum::Null);
        };
        let list: Vec<Datum<'_>> = list.into_iter().map(|one| real(one.map(body))).collect();
        Ok(array(&list))
    })
}

/// Whether a series, or a number beside one, has whole numbers and no real.
fn is_whole(value: &Datum<'_>) -> bool {
    let whole = |one: &Datum<'_>| matches!(one, Datum::Int(_) | Datum::Long(_) | Datum::Null);
    match items(value) {
        Some(list) => list.iter().all(whole),
        None => whole(&value.borrowed().unwrapped()),
    }
}

/// Like `each`, and whole where the whole series is.
fn each_by_kind(real: fn(f64) -> f64, whole: fn(i64) -> i64) -> Kernel {
    let reals = each(real);
    kernel(move |values| {
        let Some(list) = items(&values[0]).filter(|_| is_whole(&values[0])) else {
            return reals(values);
        };
        let list: Vec<Datum<'_>> = list
            .iter()
            .map(|one| {
                one.as_long()
                    .map_or(Datum::Null, |one| Datum::Long(whole(one)))
            })
            .collect();
        Ok(array(&list))
    })
}

/// Two series, or a series and a number, element by element.
fn pairs<'a>(
    values: &[Datum<'_>],
    body: impl Fn(&Datum<'static>, &Datum<'static>) -> Datum<'a>,
) -> Datum<'static> {
    let (one, two) = (items(&values[0]), items(&values[1]));
    let size = match (&one, &two) {
        (Some(one), Some(two)) => one.len().max(two.len()),
        (Some(list), None) | (None, Some(list)) => list.len(),
        (None, None) => return Datum::Null,
    };
    let pick = |list: &Option<Vec<Datum<'static>>>, scalar: &Datum<'_>, at: usize| match list {
        Some(list) => list.get(at).cloned().unwrap_or(Datum::Null),
        None => scalar.clone().into_owned().unwrapped(),
    };
    let out: Vec<Datum<'a>> = (0..size)
        .map(|at| body(&pick(&one, &values[0], at), &pick(&two, &values[1], at)))
        .collect();
    array(&out)
}

fn arithmetic(body: fn(f64, f64) -> f64) -> Kernel {
    kernel(move |values| {
        Ok(pairs(values, |one, two| {
            match (one.as_real(), two.as_real()) {
                (Some(one), Some(two)) => Datum::Real(body(one, two)),
                _ => Datum::Null,
            }
        }))
    })
}

/// Like `arithmetic`, and whole where both sides are.
fn arithmetic_by_kind(real: fn(f64, f64) -> f64, whole: fn(i64, i64) -> i64) -> Kernel {
    let reals = arithmetic(real);
    kernel(move |values| {
        if !values.iter().all(is_whole) {
            return reals(values);
        }
        Ok(pairs(values, |one, two| {
            match (one.as_long(), two.as_long()) {
                (Some(one), Some(two)) => Datum::Long(whole(one, two)),
                _ => Datum::Null,
            }
        }))
    })
}

fn comparison(body: fn(f64, f64) -> bool) -> Kernel {
    kernel(move |values| {
        Ok(pairs(values, |one, two| {
            match (one.as_real(), two.as_real()) {
                (Some(one), Some(two)) => Datum::Bool(body(one, two)),
                _ => Datum::Null,
            }
        }))
    })
}

#[expect(clippy::float_cmp, reason = "KQL compares reals exactly")]
pub(super) fn kernel_of(call: &Call) -> Result<Option<Kernel>, EngineError> {
    Ok(Some(match call.name {
        "series_add" => arithmetic_by_kind(|one, two| one + two, i64::wrapping_add),
        "series_subtract" => arithmetic_by_kind(|one, two| one - two, i64::wrapping_sub),
        "series_multiply" => arithmetic_by_kind(|one, two| one * two, i64::wrapping_mul),
        "series_divide" => arithmetic(|one, two| one / two),
        "series_pow" => arithmetic(f64::powf),
        "series_greater" => comparison(|one, two| one > two),
        "series_greater_equals" => comparison(|one, two| one >= two),
        "series_less" => comparison(|one, two| one < two),
        "series_less_equals" => comparison(|one, two| one <= two),
        "series_equals" => comparison(|one, two| one == two),
        "series_not_equals" => comparison(|one, two| one != two),
        "series_exp" => each(f64::exp),
        "series_log" => each(f64::ln),
        "series_sign" => each_by_kind(
            |one| {
                if one > 0.0 {
                    1.0
                } else if one < 0.0 {
                    -1.0
                } else {
                    0.0
                }
            },
            i64::signum,
        ),
        "series_abs" => each_by_kind(f64::abs, i64::wrapping_abs),
        "series_sin" => each(f64::sin),
        "series_cos" => each(f64::cos),
        "series_tan" => each(f64::tan),
        "series_asin" => each(f64::asin),
        "series_acos" => each(f64::acos),
        "series_atan" => each(f64::atan),
        "series_floor" => each(f64::floor),
        "series_ceiling" => each(f64::ceil),
        "series_fill_forward" => fill(false),
        "series_fill_backward" => fill(true),
        "series_fill_const" => kernel(|values| {
            let Some(list) = items(&values[0]) else {
                return Ok(Datum::Null);
            };
            let with = values.get(1).map_or(Datum::Long(0), |one| {
                one.borrowed().unwrapped().into_owned()
            });
            let missing = values
                .get(2)
                .map(|one| one.borrowed().unwrapped().into_owned());
            let out: Vec<Datum<'_>> = list
                .into_iter()
                .map(|one| {
                    if is_missing(&one, missing.as_ref()) {
                        with.clone()
                    } else {
                        one
                    }
                })
                .collect();
            Ok(array(&out))
        }),
        "series_dot_product" => kernel(|values| {
            let product = pairs(values, |one, two| match (one.as_real(), two.as_real()) {
                (Some(one), Some(two)) => Datum::Real(one * two),
                _ => Datum::Null,
            });
            let empty = |value| numbers(value).is_some_and(|list| list.is_empty());
            let Some(list) = numbers(&product).filter(|_| !values.iter().any(empty)) else {
                return Ok(Datum::Null);
            };
            Ok(Datum::Real(list.into_iter().flatten().sum()))
        }),
        "series_magnitude" => kernel(|values| {
            let Some(list) = numbers(&values[0]) else {
                return Ok(Datum::Null);
            };
            Ok(Datum::Real(
                list.into_iter()
                    .flatten()
                    .map(|one| one * one)
                    .sum::<f64>()
                    .sqrt(),
            ))
        }),
        "series_product" => kernel(|values| {
            let Some(list) = numbers(&values[0]) else {
                return Ok(Datum::Null);
            };
            Ok(Datum::Real(list.into_iter().flatten().product()))
        }),
        "series_pearson_correlation" => kernel(|values| {
            let (Some(one), Some(two)) = (whole(&values[0]), whole(&values[1])) else {
                return Ok(Datum::Null);
            };
            if one.len() != two.len() || one.is_empty() {
                return Ok(Datum::Null);
            }
            let (first, second) = (mean(&one), mean(&two));
            let shared: f64 = one
                .iter()
                .zip(&two)
                .map(|(a, b)| (a - first) * (b - second))
                .sum();
            let spread = |list: &[f64], mean: f64| {
                list.iter()
                    .map(|a| (a - mean) * (a - mean))
                    .sum::<f64>()
                    .sqrt()
            };
            Ok(Datum::Real(
                shared / (spread(&one, first) * spread(&two, second)),
            ))
        }),
        "series_iir" => kernel(|values| {
            let parts = (whole(&values[0]), whole(&values[1]), whole(&values[2]));
            let (Some(input), Some(ahead), Some(back)) = parts else {
                return Ok(Datum::Null);
            };
            let Some(first) = back.first().copied().filter(|one| *one != 0.0) else {
                return Ok(Datum::Null);
            };
            let mut out: Vec<f64> = Vec::with_capacity(input.len());
            for at in 0..input.len() {
                let mut value = 0.0;
                for (lag, factor) in ahead.iter().enumerate().filter(|(lag, _)| *lag <= at) {
                    value += factor * input[at - lag];
                }
                for (lag, factor) in back
                    .iter()
                    .enumerate()
                    .skip(1)
                    .filter(|(lag, _)| *lag <= at)
                {
                    value -= factor * out[at - lag];
                }
                out.push(value / first);
            }
            let out: Vec<Datum<'_>> = out.into_iter().map(Datum::Real).collect();
            Ok(array(&out))
        }),
        _ => return Ok(None),
    }))
}

/// The numbers of a series that has nothing else.
fn whole(value: &Datum<'_>) -> Option<Vec<f64>> {
    numbers(value)?.into_iter().collect()
}

#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
fn mean(list: &[f64]) -> f64 {
    list.iter().sum::<f64>() / list.len() as f64
}

fn is_missing(value: &Datum<'_>, placeholder: Option<&Datum<'static>>) -> bool {
    match placeholder {
        None | Some(Datum::Null) => value.is_null(),
        Some(one) => dynamic::equal(&value.to_dynamic(), &one.to_dynamic()),
    }
}

fn fill(backward: bool) -> Kernel {
    kernel(move |values| {
        let Some(mut list) = items(&values[0]) else {
            return Ok(Datum::Null);
        };
        let missing = values
            .get(1)
            .map(|one| one.borrowed().unwrapped().into_owned());
        if backward {
            list.reverse();
        }
        let mut last: Option<Datum<'static>> = None;
        for slot in &mut list {
            if is_missing(slot, missing.as_ref()) {
                if let Some(last) = &last {
                    *slot = last.clone();
                }
            } else {
                last = Some(slot.clone());
            }
        }
        if backward {
            list.reverse();
        }
        Ok(array(&list))
    })
}
