//! Functions of numbers.

use super::{Call, arithmetic};
use crate::EngineError;
use crate::convert;
use crate::datum::Datum;
use crate::decimal::Decimal;
use crate::expression::{Kernel, kernel};

/// A kernel of one real; what is no finite answer of a finite value is null where `strict`.
fn real(body: fn(f64) -> f64, strict: bool) -> Kernel {
    kernel(move |values| {
        let Some(value) = values[0].as_real() else {
            return Ok(Datum::Null);
        };
        let answer = body(value);
        Ok(if strict && answer.is_nan() {
            Datum::Null
        } else {
            Datum::Real(answer)
        })
    })
}

fn bits(body: fn(i64, i64) -> Option<i64>) -> Kernel {
    kernel(move |values| {
        Ok(match (values[0].as_long(), values[1].as_long()) {
            (Some(one), Some(two)) => body(one, two).map_or(Datum::Null, Datum::Long),
            _ => Datum::Null,
        })
    })
}

/// Shifts by so many bits modulo 64; by a negative number it is null.
fn shift(value: i64, by: i64, left: bool) -> Option<i64> {
    if by < 0 {
        return None;
    }
    let by = u32::try_from(by % 64).ok()?;
    Some(if left {
        value.wrapping_shl(by)
    } else {
        value.wrapping_shr(by)
    })
}

pub(super) fn kernel_of(call: &Call) -> Result<Option<Kernel>, EngineError> {
    let ty = call.ty;
    Ok(Some(match call.name {
        "bin" => kernel(move |values| Ok(arithmetic::bin(&values[0], &values[1], ty))),
        "bin_at" => {
            kernel(move |values| Ok(arithmetic::bin_at(&values[0], &values[1], &values[2], ty)))
        }
        "abs" => kernel(|values| {
            Ok(match &values[0] {
                Datum::Int(value) => Datum::Int(value.wrapping_abs()),
                Datum::Long(value) => Datum::Long(value.wrapping_abs()),
                Datum::TimeSpan(value) => Datum::TimeSpan(value.wrapping_abs()),
                Datum::Real(value) => Datum::Real(value.abs()),
                Datum::Decimal(value) => {
                    let negative = value.compare(Decimal::from_long(0)).is_lt();
                    Datum::Decimal(if negative { value.negate() } else { *value })
                }
                _ => Datum::Null,
            })
        }),
        "round" => kernel(move |values| {
            let digits = values.get(1).map_or(Some(0), Datum::as_long);
            let (Some(value), Some(digits)) = (values[0].as_real(), digits) else {
                return Ok(Datum::Null);
            };
            let scale = 10_f64.powi(i32::try_from(digits.clamp(-300, 300)).unwrap_or(0));
            let rounded = rounded(value, digits, scale);
            Ok(convert::to_type(&Datum::Real(rounded), ty))
        }),
        "ceiling" => kernel(move |values| {
            let Some(value) = values[0].as_real() else {
                return Ok(Datum::Null);
            };
            Ok(convert::to_type(&Datum::Real(value.ceil()), ty))
        }),
        "pow" => kernel(move |values| {
            Ok(match (values[0].as_real(), values[1].as_real()) {
                (Some(base), Some(exponent)) => Datum::Real(base.powf(exponent)),
                _ => Datum::Null,
            })
        }),
        "atan2" => kernel(|values| {
            Ok(match (values[0].as_real(), values[1].as_real()) {
                (Some(one), Some(two)) => Datum::Real(one.atan2(two)),
                _ => Datum::Null,
            })
        }),
        "sqrt" => real(f64::sqrt, false),
        "log" => real(f64::ln, true),
        "log2" => real(f64::log2, true),
        "log10" => real(f64::log10, true),
        "exp" => real(f64::exp, false),
        "exp2" => real(f64::exp2, false),
        "exp10" => real(|value| 10_f64.powf(value), false),
        "sin" => real(f64::sin, false),
        "cos" => real(f64::cos, false),
        "tan" => real(f64::tan, false),
        "asin" => real(f64::asin, true),
        "acos" => real(f64::acos, true),
        "atan" => real(f64::atan, false),
        "cot" => real(|value| 1.0 / value.tan(), false),
        "degrees" => real(f64::to_degrees, false),
        "radians" => real(f64::to_radians, false),
        "pi" => kernel(|_| Ok(Datum::Real(std::f64::consts::PI))),
        "sign" => real(
            |value| {
                if value > 0.0 {
                    1.0
                } else if value < 0.0 {
                    -1.0
                } else {
                    0.0
                }
            },
            false,
        ),
        "isnan" => test(f64::is_nan),
        "isinf" => test(f64::is_infinite),
        "isfinite" => test(f64::is_finite),
        "binary_and" => bits(|one, two| Some(one & two)),
        "binary_or" => bits(|one, two| Some(one | two)),
        "binary_xor" => bits(|one, two| Some(one ^ two)),
        "binary_shift_left" => bits(|one, two| shift(one, two, true)),
        "binary_shift_right" => bits(|one, two| shift(one, two, false)),
        "binary_not" => kernel(|values| {
            Ok(values[0]
                .as_long()
                .map_or(Datum::Null, |value| Datum::Long(!value)))
        }),
        "bitset_count_ones" => kernel(|values| {
            Ok(values[0].as_long().map_or(Datum::Null, |value| {
                Datum::Long(i64::from(value.count_ones()))
            }))
        }),
        "erf" => real(|value| 1.0 - erfc(value), false),
        "erfc" => real(erfc, false),
        "loggamma" => real(
            |value| {
                if value > 0.0 {
                    log_gamma(value)
                } else {
                    f64::NAN
                }
            },
            true,
        ),
        "convert_temperature" => convert_temperature(call),
        _ => return Ok(None),
    }))
}

fn test(body: fn(f64) -> bool) -> Kernel {
    kernel(move |values| {
        Ok(values[0]
            .as_real()
            .map_or(Datum::Null, |value| Datum::Bool(body(value))))
    })
}

/// Half away from zero; decimal digits of the shortest form decide, as people expect.
fn rounded(value: f64, digits: i64, scale: f64) -> f64 {
    let scaled = value * scale;
    if !scaled.is_finite() || digits > 15 {
        return value;
    }
    scaled.round() / scale
}

fn convert_temperature(call: &Call) -> Kernel {
    let (from, into) = (
        call.constant_text(1).unwrap_or_default().into_owned(),
        call.constant_text(2).unwrap_or_default().into_owned(),
    );
    kernel(move |values| {
        let Some(value) = values[0].as_real() else {
            return Ok(Datum::Null);
        };
        let kelvin = match from.as_str() {
            "Kelvin" => value,
            "DegreeCelsius" => value + 273.15,
            "DegreeFahrenheit" => (value + 459.67) * 5.0 / 9.0,
            "DegreeRankine" => value * 5.0 / 9.0,
            _ => return Ok(Datum::Null),
        };
        Ok(match into.as_str() {
            "Kelvin" => Datum::Real(kelvin),
            "DegreeCelsius" => Datum::Real(kelvin - 273.15),
            "DegreeFahrenheit" => Datum::Real(kelvin * 9.0 / 5.0 - 459.67),
            "DegreeRankine" => Datum::Real(kelvin * 9.0 / 5.0),
            _ => Datum::Null,
        })
    })
}

/// The complement of the error function: a series near zero, a continued fraction beyond.
fn erfc(value: f64) -> f64 {
    if value.is_nan() {
        return value;
    }
    if value < 0.0 {
        return 2.0 - erfc(-value);
    }
    if value > 27.0 {
        return 0.0;
    }
    let square = value * value;
    if value < 2.0 {
        let (mut term, mut sum, mut at) = (value, value, 0.0);
        while term.abs() > 1e-18 * sum.abs() {
            at += 1.0;
            term *= -square / at;
            sum += term / (2.0 * at + 1.0);
        }
        return 1.0 - 2.0 / std::f64::consts::PI.sqrt() * sum;
    }
    let mut fraction = 0.0;
    for at in (1..=200_u32).rev() {
        fraction = f64::from(at) / 2.0 / (value + fraction);
    }
    (-square).exp() / std::f64::consts::PI.sqrt() / (value + fraction)
}

/// The logarithm of the gamma function of a positive number, by Stirling's series.
fn log_gamma(value: f64) -> f64 {
    let (mut x, mut below) = (value, 0.0);
    while x < 15.0 {
        below += x.ln();
        x += 1.0;
    }
    let inverse = 1.0 / x;
    let square = inverse * inverse;
    let series = inverse
        * (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square * (1.0 / 1680.0))));
    (x - 0.5) * x.ln() - x + (2.0 * std::f64::consts::PI).ln() / 2.0 + series - below
}
