//! Aggregates that pick rows.

use std::cmp::Ordering;

use super::{Aggregate, State, per_group};
use crate::datum::Datum;
use crate::expression::order;

type Kept = Option<Vec<Datum<'static>>>;

pub(super) fn state(aggregate: &Aggregate) -> Option<Box<dyn State>> {
    let outputs = aggregate.output_types.len();
    Some(match aggregate.name {
        "arg_max" | "arg_min" => {
            let largest = aggregate.name == "arg_max";
            per_group(
                move |kept: &mut Kept, values| {
                    let better = match kept {
                        None => true,
                        Some(before) => match (values[0].is_null(), before[0].is_null()) {
                            (true, _) => false,
                            (false, true) => true,
                            (false, false) => {
                                let ordering = place(&values[0], &before[0]);
                                if largest {
                                    ordering.is_gt()
                                } else {
                                    ordering.is_lt()
                                }
                            }
                        },
                    };
                    if !better {
                        return 0;
                    }
                    *kept = Some(owned(values));
                    weight(values)
                },
                move |kept: Kept| kept.unwrap_or_else(|| vec![Datum::Null; outputs]),
            )
        }
        "take_any" | "any" => per_group(
            |kept: &mut Kept, values| {
                // A value is preferred to none, so that `take_any` of one column finds it.
                let empty = |value: &Datum<'_>| {
                    value.is_null() || matches!(value, Datum::String(text) if text.is_empty())
                };
                match kept {
                    None => *kept = Some(owned(values)),
                    Some(before)
                        if values.len() == 1 && empty(&before[0]) && !empty(&values[0]) =>
                    {
                        *kept = Some(owned(values));
                    }
                    Some(_) => return 0,
                }
                weight(values)
            },
            move |kept: Kept| kept.unwrap_or_else(|| vec![Datum::Null; outputs]),
        ),
        _ => return None,
    })
}

/// The order in which `sort` has them, where NaN is below every number.
fn place(one: &Datum<'_>, two: &Datum<'_>) -> Ordering {
    let nan = |value: &Datum<'_>| matches!(value, Datum::Real(number) if number.is_nan());
    match (nan(one), nan(two)) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => order(one, two).unwrap_or(Ordering::Equal),
    }
}

fn owned(values: &[Datum<'_>]) -> Vec<Datum<'static>> {
    values
        .iter()
        .map(|value| value.clone().into_owned())
        .collect()
}

pub(super) fn weight(values: &[Datum<'_>]) -> usize {
    values
        .iter()
        .map(|value| match value {
            Datum::String(text) | Datum::Guid(text) => text.len() + 32,
            Datum::Dynamic(bytes) => bytes.len() + 32,
            _ => 32,
        })
        .sum()
}
