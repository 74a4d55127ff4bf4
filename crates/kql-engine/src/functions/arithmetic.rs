//! `+ - * / %` and `bin`.

use std::sync::Arc;

use kql_semantics::ScalarType;
use kql_semantics::bound::ArithmeticOp;
use kql_syntax::ticks;

use crate::convert;
use crate::datum::{Datum, real_to_long};
use crate::decimal::Decimal;

/// `-value`.
pub(crate) fn negate<'a>(value: &Datum<'_>) -> Datum<'a> {
    match value.borrowed().unwrapped() {
        Datum::Int(value) => Datum::Int(value.wrapping_neg()),
        Datum::Long(value) => Datum::Long(value.wrapping_neg()),
        Datum::TimeSpan(value) => Datum::TimeSpan(value.wrapping_neg()),
        Datum::Real(value) => Datum::Real(-value),
        Datum::Decimal(value) => Datum::Decimal(value.negate()),
        _ => Datum::Null,
    }
}

/// One operation whose result is of type `ty`.
pub(crate) fn binary<'a>(
    op: ArithmeticOp,
    left: &Datum<'_>,
    right: &Datum<'_>,
    ty: ScalarType,
) -> Datum<'a> {
    let (left, right) = (left.borrowed().unwrapped(), right.borrowed().unwrapped());
    if left.is_null() || right.is_null() {
        return Datum::Null;
    }
    match ty {
        ScalarType::Long => match (left.as_long(), right.as_long()) {
            (Some(left), Some(right)) => whole(op, left, right).map_or(Datum::Null, Datum::Long),
            _ => Datum::Null,
        },
        ScalarType::Int => match (left.as_long(), right.as_long()) {
            #[expect(clippy::cast_possible_truncation, reason = "int arithmetic wraps")]
            (Some(left), Some(right)) => {
                whole(op, left, right).map_or(Datum::Null, |value| Datum::Int(value as i32))
            }
            _ => Datum::Null,
        },
        ScalarType::Real => match (left.as_real(), right.as_real()) {
            (Some(left), Some(right)) => Datum::Real(real(op, left, right)),
            _ => Datum::Null,
        },
        ScalarType::Decimal => match (convert::to_decimal(&left), convert::to_decimal(&right)) {
            (Some(left), Some(right)) => {
                decimal(op, left, right).map_or(Datum::Null, Datum::Decimal)
            }
            _ => Datum::Null,
        },
        ScalarType::DateTime => moment(op, &left, &right).map_or(Datum::Null, Datum::DateTime),
        ScalarType::TimeSpan => span(op, &left, &right).map_or(Datum::Null, Datum::TimeSpan),
        // Dynamic operands: the values decide.
        ScalarType::Dynamic => {
            let ty = match (&left, &right) {
                (Datum::DateTime(_), Datum::DateTime(_)) => ScalarType::TimeSpan,
                (Datum::DateTime(_), _) | (_, Datum::DateTime(_)) => ScalarType::DateTime,
                (Datum::TimeSpan(_), _) | (_, Datum::TimeSpan(_)) => ScalarType::TimeSpan,
                (Datum::Real(_), _) | (_, Datum::Real(_)) => ScalarType::Real,
                (Datum::Dynamic(_) | Datum::String(_), _)
                | (_, Datum::Dynamic(_) | Datum::String(_)) => {
                    return Datum::Null;
                }
                _ => ScalarType::Long,
            };
            binary(op, &left, &right, ty)
        }
        _ => Datum::Null,
    }
}

fn whole(op: ArithmeticOp, left: i64, right: i64) -> Option<i64> {
    Some(match op {
        ArithmeticOp::Add => left.wrapping_add(right),
        ArithmeticOp::Subtract => left.wrapping_sub(right),
        ArithmeticOp::Multiply => left.wrapping_mul(right),
        ArithmeticOp::Divide if right == 0 => return None,
        ArithmeticOp::Divide => left.wrapping_div(right),
        ArithmeticOp::Modulo if right == 0 => return None,
        // The remainder is never negative.
        ArithmeticOp::Modulo => left.wrapping_rem_euclid(right),
    })
}

fn real(op: ArithmeticOp, left: f64, right: f64) -> f64 {
    match op {
        ArithmeticOp::Add => left + right,
        ArithmeticOp::Subtract => left - right,
        ArithmeticOp::Multiply => left * right,
        ArithmeticOp::Divide => left / right,
        // As for whole numbers, the remainder is never negative.
        ArithmeticOp::Modulo => left.rem_euclid(right),
    }
}

fn decimal(op: ArithmeticOp, left: Decimal, right: Decimal) -> Option<Decimal> {
    match op {
        ArithmeticOp::Add => left.add(right),
        ArithmeticOp::Subtract => left.subtract(right),
        ArithmeticOp::Multiply => left.multiply(right),
        ArithmeticOp::Divide => left.divide(right),
        ArithmeticOp::Modulo => left.remainder(right),
    }
}

fn moment(op: ArithmeticOp, left: &Datum<'_>, right: &Datum<'_>) -> Option<i64> {
    moment_of(op, left.as_long()?, right.as_long()?)
}

fn moment_of(op: ArithmeticOp, left: i64, right: i64) -> Option<i64> {
    let ticks = match op {
        ArithmeticOp::Add => left.checked_add(right)?,
        ArithmeticOp::Subtract => left.checked_sub(right)?,
        _ => return None,
    };
    ticks::in_range(ticks)
}

fn span(op: ArithmeticOp, left: &Datum<'_>, right: &Datum<'_>) -> Option<i64> {
    let scaled = |number: f64| real_to_long(number);
    match (op, left, right) {
        (ArithmeticOp::Add, ..) => left.as_long()?.checked_add(right.as_long()?),
        (ArithmeticOp::Subtract, ..) => left.as_long()?.checked_sub(right.as_long()?),
        (ArithmeticOp::Multiply, Datum::TimeSpan(ticks), Datum::Int(_) | Datum::Long(_)) => {
            ticks.checked_mul(right.as_long()?)
        }
        (ArithmeticOp::Multiply, Datum::Int(_) | Datum::Long(_), Datum::TimeSpan(ticks)) => {
            ticks.checked_mul(left.as_long()?)
        }
        (ArithmeticOp::Multiply, ..) => scaled(left.as_real()? * right.as_real()?),
        (ArithmeticOp::Divide, Datum::TimeSpan(ticks), Datum::Int(_) | Datum::Long(_)) => {
            ticks.checked_div(right.as_long()?)
        }
        (ArithmeticOp::Divide, ..) => scaled(left.as_real()? / right.as_real()?),
        (ArithmeticOp::Modulo, ..) => left.as_long()?.checked_rem_euclid(right.as_long()?),
    }
}

/// `bin(value, size)`, also `floor` with two arguments.
pub(crate) fn bin<'a>(value: &Datum<'_>, size: &Datum<'_>, ty: ScalarType) -> Datum<'a> {
    bin_at(value, size, &Datum::Long(0), ty)
}

/// `bin_at(value, size, fixed)`.
pub(crate) fn bin_at<'a>(
    value: &Datum<'_>,
    size: &Datum<'_>,
    fixed: &Datum<'_>,
    ty: ScalarType,
) -> Datum<'a> {
    let value = value.borrowed().unwrapped();
    if value.is_null() || size.is_null() || fixed.is_null() {
        return Datum::Null;
    }
    match ty {
        ScalarType::Real => {
            let (Some(value), Some(size), Some(fixed)) =
                (value.as_real(), size.as_real(), fixed.as_real())
            else {
                return Datum::Null;
            };
            if size <= 0.0 {
                return Datum::Null;
            }
            Datum::Real(((value - fixed) / size).floor() * size + fixed)
        }
        ScalarType::Decimal => {
            let parts = (
                convert::to_decimal(&value),
                convert::to_decimal(size),
                convert::to_decimal(fixed),
            );
            let (Some(value), Some(size), Some(fixed)) = parts else {
                return Datum::Null;
            };
            value
                .subtract(fixed)
                .and_then(|distance| distance.divide(size))
                .and_then(|ratio| i64::try_from(ratio.floor()).ok())
                .and_then(|count| Decimal::from_long(count).multiply(size))
                .and_then(|distance| distance.add(fixed))
                .map_or(Datum::Null, Datum::Decimal)
        }
        _ => {
            let (Some(number), Some(size), Some(fixed)) =
                (value.as_long(), size.as_long(), fixed.as_long())
            else {
                return Datum::Null;
            };
            let Some(binned) = bin_whole(number, size, fixed) else {
                return Datum::Null;
            };
            match ty {
                ScalarType::DateTime => {
                    ticks::in_range(binned).map_or(Datum::Null, Datum::DateTime)
                }
                ScalarType::TimeSpan => Datum::TimeSpan(binned),
                ScalarType::Int => i32::try_from(binned).map_or(Datum::Null, Datum::Int),
                _ => Datum::Long(binned),
            }
        }
    }
}

fn bin_whole(number: i64, size: i64, fixed: i64) -> Option<i64> {
    if size <= 0 {
        return None;
    }
    number
        .checked_sub(fixed)?
        .div_euclid(size)
        .checked_mul(size)?
        .checked_add(fixed)
}

/// What an operation does to a column of whole numbers, moments or spans, when the other side is
/// the same for all rows.
pub(crate) type WholeMap = Arc<dyn Fn(i64) -> Option<i64> + Send + Sync>;

/// `bin(value, size)` of a column of type `ty` that stays of this type.
pub(crate) fn bin_map(size: &Datum<'_>, ty: ScalarType) -> Option<WholeMap> {
    let size = match (ty, size) {
        (ScalarType::Long, Datum::Int(_) | Datum::Long(_))
        | (ScalarType::DateTime | ScalarType::TimeSpan, Datum::TimeSpan(_)) => size.as_long()?,
        _ => return None,
    };
    Some(if ty == ScalarType::DateTime {
        Arc::new(move |number| ticks::in_range(bin_whole(number, size, 0)?))
    } else {
        Arc::new(move |number| bin_whole(number, size, 0))
    })
}

/// `value op other` of a column of type `ty` that stays of this type.
pub(crate) fn map(op: ArithmeticOp, other: &Datum<'_>, ty: ScalarType) -> Option<WholeMap> {
    Some(match (ty, other) {
        (ScalarType::Long, Datum::Int(_) | Datum::Long(_)) => {
            let other = other.as_long()?;
            Arc::new(move |number| whole(op, number, other))
        }
        (ScalarType::DateTime, Datum::TimeSpan(other)) => {
            let other = *other;
            Arc::new(move |number| moment_of(op, number, other))
        }
        _ => return None,
    })
}
