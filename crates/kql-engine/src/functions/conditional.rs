//! Functions that choose and test.

use std::cmp::Ordering;

use kql_semantics::ScalarType;

use super::Call;
use crate::EngineError;
use crate::convert;
use crate::datum::Datum;
use crate::dynamic::{self, Dynamic};
use crate::expression::{Kernel, kernel, order};

pub(super) fn kernel_of(call: &Call) -> Result<Option<Kernel>, EngineError> {
    let ty = call.ty;
    Ok(Some(match call.name {
        "iff" => kernel(move |values| {
            let chosen = if values[0].as_bool() == Some(true) {
                &values[1]
            } else {
                &values[2]
            };
            Ok(as_type(chosen, ty))
        }),
        "case" => kernel(move |values| {
            let mut at = 0;
            while at + 1 < values.len() {
                if values[at].as_bool() == Some(true) {
                    return Ok(as_type(&values[at + 1], ty));
                }
                at += 2;
            }
            Ok(values
                .get(at)
                .map_or(Datum::Null, |value| as_type(value, ty)))
        }),
        "coalesce" => kernel(move |values| {
            let found = values.iter().find(|value| match value {
                Datum::String(text) => !text.is_empty(),
                other => !other.is_null(),
            });
            Ok(found.map_or_else(
                || convert::to_type(&Datum::Null, ty),
                |value| as_type(value, ty),
            ))
        }),
        "max_of" => extreme(true, ty),
        "min_of" => extreme(false, ty),
        "not" => kernel(|values| {
            Ok(convert::to_type(&values[0], ScalarType::Bool)
                .as_bool()
                .map_or(Datum::Null, |value| Datum::Bool(!value)))
        }),
        "isnull" => kernel(|values| Ok(Datum::Bool(values[0].is_null()))),
        "isnotnull" => kernel(|values| Ok(Datum::Bool(!values[0].is_null()))),
        "isempty" => kernel(|values| Ok(Datum::Bool(is_empty(&values[0])))),
        "isnotempty" => kernel(|values| Ok(Datum::Bool(!is_empty(&values[0])))),
        "around" => kernel(|values| {
            let (Some(value), Some(center), Some(delta)) = (
                values[0].as_real(),
                values[1].as_real(),
                values[2].as_real(),
            ) else {
                return Ok(Datum::Null);
            };
            Ok(Datum::Bool((value - center).abs() <= delta))
        }),
        "assert" => {
            let message = call.constant_text(1).unwrap_or_default().into_owned();
            kernel(move |values| {
                if values[0].as_bool() == Some(true) {
                    Ok(Datum::Bool(true))
                } else {
                    Err(EngineError::runtime(format!("assertion failed: {message}")))
                }
            })
        }
        "gettype" => {
            let ty = call.types[0];
            kernel(move |values| Ok(Datum::text(type_name(&values[0], ty))))
        }
        // The binder has found the column, or put the default there.
        "column_ifexists" => kernel(|values| Ok(values[values.len() - 1].clone())),
        _ => return Ok(None),
    }))
}

/// A branch's value in the type of the whole.
fn as_type<'a>(value: &Datum<'a>, ty: ScalarType) -> Datum<'a> {
    match (value, ty) {
        (Datum::String(_), ScalarType::Dynamic) => Datum::dynamic(value.to_dynamic().into_owned()),
        _ => convert::to_type(value, ty),
    }
}

pub(crate) fn is_empty(value: &Datum<'_>) -> bool {
    match value {
        Datum::Null => true,
        Datum::String(text) => text.is_empty(),
        Datum::Dynamic(bytes) => match dynamic::view(bytes) {
            Dynamic::String(text) => text.is_empty(),
            _ => false,
        },
        _ => false,
    }
}

fn extreme(largest: bool, ty: ScalarType) -> Kernel {
    kernel(move |values| {
        let mut best: Option<&Datum<'_>> = None;
        for value in values {
            if value.is_null() {
                continue;
            }
            let better = best.is_none_or(|before| {
                let wanted = if largest {
                    Ordering::Greater
                } else {
                    Ordering::Less
                };
                order(value, before) == Some(wanted)
            });
            if better {
                best = Some(value);
            }
        }
        Ok(best.map_or(Datum::Null, |value| convert::to_type(value, ty)))
    })
}

fn type_name(value: &Datum<'_>, declared: ScalarType) -> &'static str {
    if declared != ScalarType::Dynamic {
        return declared.name();
    }
    let Datum::Dynamic(bytes) = value else {
        return "null";
    };
    match dynamic::view(bytes) {
        Dynamic::Null => "null",
        Dynamic::Bool(_) => "bool",
        Dynamic::Long(_) => "long",
        Dynamic::Real(_) => "double",
        Dynamic::String(_) => "string",
        Dynamic::DateTime(_) => "datetime",
        Dynamic::TimeSpan(_) => "timespan",
        Dynamic::Guid(_) => "guid",
        Dynamic::Decimal(_) => "decimal",
        Dynamic::Array(_) => "array",
        Dynamic::Object(_) => "dictionary",
    }
}
