//! Comparison of values.

use std::cmp::Ordering;

use arrow::array::{AsArray, BooleanArray};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type};
use kql_semantics::ScalarType;
use kql_semantics::bound::CompareOp;

use super::Vector;
use crate::column::Reader;
use crate::datum::Datum;
use crate::dynamic;

fn holds(op: CompareOp, ordering: Ordering) -> bool {
    match op {
        CompareOp::Equal | CompareOp::EqualIgnoreCase => ordering == Ordering::Equal,
        CompareOp::NotEqual | CompareOp::NotEqualIgnoreCase => ordering != Ordering::Equal,
        CompareOp::Less => ordering == Ordering::Less,
        CompareOp::LessOrEqual => ordering != Ordering::Greater,
        CompareOp::Greater => ordering == Ordering::Greater,
        CompareOp::GreaterOrEqual => ordering != Ordering::Less,
    }
}

/// Whether two texts are the same but for case.
pub(crate) fn same_text(left: &str, right: &str) -> bool {
    if left.len() == right.len() && left.eq_ignore_ascii_case(right) {
        return true;
    }
    if left.is_ascii() && right.is_ascii() {
        return false;
    }
    left.chars()
        .flat_map(char::to_lowercase)
        .eq(right.chars().flat_map(char::to_lowercase))
}

/// The order of two values of comparable types; `None` when there is none (NaN, mixed types).
pub(crate) fn order(left: &Datum<'_>, right: &Datum<'_>) -> Option<Ordering> {
    match (left, right) {
        (Datum::Long(one), Datum::Long(two))
        | (Datum::DateTime(one), Datum::DateTime(two))
        | (Datum::TimeSpan(one), Datum::TimeSpan(two)) => Some(one.cmp(two)),
        (Datum::String(one) | Datum::Guid(one), Datum::String(two) | Datum::Guid(two)) => {
            Some(one.as_ref().cmp(two.as_ref()))
        }
        (Datum::Bool(one), Datum::Bool(two)) => Some(one.cmp(two)),
        (Datum::Decimal(one), Datum::Decimal(two)) => Some(one.compare(*two)),
        (Datum::Int(_) | Datum::Long(_), Datum::Int(_) | Datum::Long(_)) => {
            Some(left.as_long()?.cmp(&right.as_long()?))
        }
        (Datum::Decimal(_), _) | (_, Datum::Decimal(_)) => {
            let one = crate::convert::to_decimal(left)?;
            Some(one.compare(crate::convert::to_decimal(right)?))
        }
        (
            Datum::Real(_) | Datum::Int(_) | Datum::Long(_) | Datum::Bool(_),
            Datum::Real(_) | Datum::Int(_) | Datum::Long(_) | Datum::Bool(_),
        ) => left.as_real()?.partial_cmp(&right.as_real()?),
        _ => None,
    }
}

/// One comparison; null when the language says so.
///
/// Equality of a null with a value is false, of two nulls null; every other comparison with a null
/// is null. NaN equals nothing.
///
/// Source: <https://learn.microsoft.com/kusto/query/scalar-data-types/null-values>
pub(crate) fn compare_values(op: CompareOp, left: &Datum<'_>, right: &Datum<'_>) -> Option<bool> {
    if let (Datum::Dynamic(_), _) | (_, Datum::Dynamic(_)) = (left, right) {
        return compare_dynamic(op, left, right);
    }
    match (left.is_null(), right.is_null()) {
        (true, true) => return None,
        (true, false) | (false, true) => {
            return match op {
                CompareOp::Equal | CompareOp::EqualIgnoreCase => Some(false),
                CompareOp::NotEqual | CompareOp::NotEqualIgnoreCase => Some(true),
                _ => None,
            };
        }
        (false, false) => {}
    }
    match op {
        CompareOp::EqualIgnoreCase => return Some(same_text(&left.display(), &right.display())),
        CompareOp::NotEqualIgnoreCase => {
            return Some(!same_text(&left.display(), &right.display()));
        }
        _ => {}
    }
    match order(left, right) {
        Some(ordering) => Some(holds(op, ordering)),
        None => Some(op == CompareOp::NotEqual),
    }
}

fn compare_dynamic(op: CompareOp, left: &Datum<'_>, right: &Datum<'_>) -> Option<bool> {
    let one = left.borrowed().unwrapped();
    let two = right.borrowed().unwrapped();
    match (&one, &two) {
        (Datum::Dynamic(a), Datum::Dynamic(b)) => match op {
            CompareOp::Equal => Some(dynamic::equal(a, b)),
            CompareOp::NotEqual => Some(!dynamic::equal(a, b)),
            _ => None,
        },
        // An array or bag beside a scalar is compared as its text.
        (Datum::Dynamic(a), Datum::String(b)) => compare_values(
            op,
            &Datum::text(dynamic::json_text(a)),
            &Datum::text(b.as_ref()),
        ),
        (Datum::String(a), Datum::Dynamic(b)) => compare_values(
            op,
            &Datum::text(a.as_ref()),
            &Datum::text(dynamic::json_text(b)),
        ),
        (Datum::Dynamic(_), _) | (_, Datum::Dynamic(_)) => match op {
            CompareOp::Equal => Some(false),
            CompareOp::NotEqual => Some(true),
            _ => None,
        },
        (Datum::String(_), Datum::String(_)) => compare_values(op, &one, &two),
        // A string inside a dynamic beside a typed value is read as that type.
        (Datum::String(_), other) if !other.is_null() => {
            compare_values(op, &converted(&one, other), &two)
        }
        (other, Datum::String(_)) if !other.is_null() => {
            compare_values(op, &one, &converted(&two, other))
        }
        _ => compare_values(op, &one, &two),
    }
}

fn converted<'a>(text: &Datum<'a>, like: &Datum<'_>) -> Datum<'a> {
    let ty = match like {
        Datum::DateTime(_) => ScalarType::DateTime,
        Datum::TimeSpan(_) => ScalarType::TimeSpan,
        Datum::Guid(_) => ScalarType::Guid,
        Datum::Bool(_) => ScalarType::Bool,
        Datum::Decimal(_) => ScalarType::Decimal,
        Datum::Real(_) => ScalarType::Real,
        _ => ScalarType::Long,
    };
    crate::convert::to_type(text, ty)
}

/// Compares two columns.
pub(super) fn vectors(
    op: CompareOp,
    (left, left_type): (&Vector<'_>, ScalarType),
    (right, right_type): (&Vector<'_>, ScalarType),
    rows: usize,
) -> BooleanArray {
    if let (Vector::Array(array), Vector::Constant(constant)) = (left, right)
        && let Some(answer) = against_constant(op, array, left_type, constant)
    {
        return answer;
    }
    let left: Reader<'_> = left.reader(left_type);
    let right = right.reader(right_type);
    // Beside a string a dynamic is its text, and that of a null is empty.
    let texts = matches!(
        (left_type, right_type),
        (ScalarType::Dynamic, ScalarType::String) | (ScalarType::String, ScalarType::Dynamic)
    );
    let text = |value| match value {
        Datum::Null if texts => Datum::text(""),
        other => other,
    };
    (0..rows)
        .map(|row| compare_values(op, &text(left.get(row)), &text(right.get(row))))
        .collect()
}

/// The common cases without a look at every row's type.
fn against_constant(
    op: CompareOp,
    array: &arrow::array::ArrayRef,
    ty: ScalarType,
    constant: &Datum<'static>,
) -> Option<BooleanArray> {
    let for_null = match op {
        CompareOp::Equal => Some(false),
        CompareOp::NotEqual => Some(true),
        CompareOp::EqualIgnoreCase | CompareOp::NotEqualIgnoreCase if ty != ScalarType::String => {
            return None;
        }
        _ => None,
    };
    match (ty, constant) {
        (ScalarType::Long, Datum::Long(value))
        | (ScalarType::DateTime, Datum::DateTime(value))
        | (ScalarType::TimeSpan, Datum::TimeSpan(value)) => Some(
            array
                .as_primitive::<Int64Type>()
                .iter()
                .map(|one| one.map_or(for_null, |one| Some(holds(op, one.cmp(value)))))
                .collect(),
        ),
        (ScalarType::Int, Datum::Int(value)) => Some(
            array
                .as_primitive::<Int32Type>()
                .iter()
                .map(|one| one.map_or(for_null, |one| Some(holds(op, one.cmp(value)))))
                .collect(),
        ),
        (ScalarType::Real, Datum::Real(value)) => Some(
            array
                .as_primitive::<Float64Type>()
                .iter()
                .map(|one| match one {
                    None => for_null,
                    Some(one) => Some(match one.partial_cmp(value) {
                        Some(ordering) => holds(op, ordering),
                        None => op == CompareOp::NotEqual,
                    }),
                })
                .collect(),
        ),
        (ScalarType::String, Datum::String(value)) => {
            let strings = array
                .as_string::<i64>()
                .iter()
                .map(Option::unwrap_or_default);
            Some(match op {
                CompareOp::EqualIgnoreCase => {
                    strings.map(|one| Some(same_text(one, value))).collect()
                }
                CompareOp::NotEqualIgnoreCase => {
                    strings.map(|one| Some(!same_text(one, value))).collect()
                }
                _ => strings
                    .map(|one| Some(holds(op, one.cmp(value.as_ref()))))
                    .collect(),
            })
        }
        _ => None,
    }
}
