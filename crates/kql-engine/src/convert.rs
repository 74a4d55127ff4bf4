//! Conversions between types, as `tolong`, `tostring` and their kin do them.

use std::borrow::Cow;

use kql_semantics::ScalarType;
use kql_syntax::ticks;

use crate::datum::{Datum, real_to_long, saturated};
use crate::decimal::Decimal;
use crate::{dynamic, text};

/// `value` as `ty`; what does not convert is null.
pub(crate) fn to_type<'a>(value: &Datum<'a>, ty: ScalarType) -> Datum<'a> {
    if ty == ScalarType::Dynamic {
        return to_dynamic(value);
    }
    let value = match value {
        Datum::Null if ty == ScalarType::String => return Datum::text(""),
        Datum::Null => return Datum::Null,
        Datum::Dynamic(_) if ty == ScalarType::String => return to_string(value),
        Datum::Dynamic(_) => value.clone().unwrapped(),
        other => other.clone(),
    };
    match ty {
        ScalarType::Bool => to_bool(&value),
        ScalarType::Int => to_int(&value),
        ScalarType::Long => to_long(&value).map_or(Datum::Null, Datum::Long),
        ScalarType::Real => to_real(&value).map_or(Datum::Null, Datum::Real),
        ScalarType::Decimal => to_decimal(&value).map_or(Datum::Null, Datum::Decimal),
        ScalarType::DateTime => to_datetime(&value),
        ScalarType::TimeSpan => to_timespan(&value),
        ScalarType::Guid => match &value {
            Datum::Guid(_) => value,
            Datum::String(source) => {
                let guid = kql_syntax::leading_guid(source);
                guid.map_or(Datum::Null, |guid| Datum::Guid(Cow::Owned(guid)))
            }
            _ => Datum::Null,
        },
        ScalarType::String => to_string(&value),
        ScalarType::Dynamic => Datum::Null,
    }
}

fn to_dynamic<'a>(value: &Datum<'a>) -> Datum<'a> {
    match value {
        Datum::Null => Datum::Null,
        Datum::Dynamic(_) => value.clone(),
        other => Datum::dynamic(other.to_dynamic().into_owned()),
    }
}

/// `parse_json`: the empty string is null.
pub(crate) fn parse_json(source: &str) -> Datum<'static> {
    if source.is_empty() {
        Datum::Null
    } else {
        Datum::dynamic(dynamic::parse(source))
    }
}

/// `tostring`; true is `True` here, though `true` inside JSON.
pub(crate) fn to_string<'a>(value: &Datum<'a>) -> Datum<'a> {
    match value {
        Datum::String(_) => value.clone(),
        Datum::Guid(text) => Datum::String(text.clone()),
        Datum::Bool(value) => Datum::text(if *value { "True" } else { "False" }),
        Datum::Dynamic(Cow::Borrowed(bytes)) => Datum::String(crate::dynamic::display(bytes)),
        other => Datum::text(other.display().into_owned()),
    }
}

fn to_bool(value: &Datum<'_>) -> Datum<'static> {
    let answer = match value {
        Datum::String(source) => text::boolean(source),
        Datum::Real(number) => Some(*number != 0.0),
        Datum::Decimal(number) => Some(!number.is_zero()),
        Datum::DateTime(_) | Datum::TimeSpan(_) => None,
        other => other.as_bool(),
    };
    answer.map_or(Datum::Null, Datum::Bool)
}

fn to_int(value: &Datum<'_>) -> Datum<'static> {
    #[expect(clippy::cast_possible_truncation, reason = "ints wrap, reals saturate")]
    let number = match value {
        Datum::Int(value) => Some(*value),
        Datum::Real(value) if !value.is_finite() => None,
        Datum::Real(value) => Some(*value as i32),
        Datum::Decimal(value) => Some(value.to_real() as i32),
        Datum::String(source) => text::parse_long(source).and_then(|long| i32::try_from(long).ok()),
        other => other.as_long().map(|long| long as i32),
    };
    number.map_or(Datum::Null, Datum::Int)
}

pub(crate) fn to_long(value: &Datum<'_>) -> Option<i64> {
    match value {
        // "12.5" is no whole number; only numbers are truncated.
        Datum::String(source) => text::parse_long(source),
        Datum::Decimal(number) => Some(saturated(number.to_real())),
        Datum::Real(number) if !number.is_finite() => None,
        Datum::Real(number) => Some(saturated(*number)),
        other => other.as_long(),
    }
}

pub(crate) fn to_real(value: &Datum<'_>) -> Option<f64> {
    match value {
        Datum::String(source) => text::parse_real(source),
        other => other.as_real(),
    }
}

pub(crate) fn to_decimal(value: &Datum<'_>) -> Option<Decimal> {
    match value {
        Datum::Decimal(number) => Some(*number),
        Datum::Int(number) => Some(Decimal::from_long(i64::from(*number))),
        Datum::Long(number) | Datum::TimeSpan(number) | Datum::DateTime(number) => {
            Some(Decimal::from_long(*number))
        }
        Datum::Real(number) => Decimal::from_real(*number),
        Datum::String(source) => Decimal::parse(source),
        Datum::Bool(value) => Some(Decimal::from_long(i64::from(*value))),
        _ => None,
    }
}

fn to_datetime(value: &Datum<'_>) -> Datum<'static> {
    let moment = match value {
        Datum::DateTime(ticks) => Some(*ticks),
        Datum::Long(number) => ticks::in_range(*number),
        Datum::Int(number) => ticks::in_range(i64::from(*number)),
        Datum::Real(number) => real_to_long(*number).and_then(ticks::in_range),
        Datum::String(source) => ticks::datetime(source),
        _ => None,
    };
    moment.map_or(Datum::Null, Datum::DateTime)
}

fn to_timespan(value: &Datum<'_>) -> Datum<'static> {
    let ticks = match value {
        Datum::TimeSpan(ticks) | Datum::Long(ticks) => Some(*ticks),
        Datum::Int(ticks) => Some(i64::from(*ticks)),
        Datum::Real(ticks) => real_to_long(*ticks),
        Datum::String(source) => ticks::timespan(source),
        _ => None,
    };
    ticks.map_or(Datum::Null, Datum::TimeSpan)
}
