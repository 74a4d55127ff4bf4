//! Functions of arrays.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::strings::length;
use super::{Call, array, items, raw_items};
use crate::EngineError;
use crate::datum::Datum;
use crate::dynamic;
use crate::expression::{Kernel, kernel, order, size};
use crate::functions::arithmetic;
use crate::plan::encode;

pub(super) fn kernel_of(call: &Call) -> Result<Option<Kernel>, EngineError> {
    Ok(Some(match call.name {
        "array_length" => kernel(|values| {
            Ok(raw_items(&values[0]).map_or(Datum::Null, |items| Datum::Long(length(items.len()))))
        }),
        "array_concat" => kernel(|values| {
            let mut all = Vec::new();
            let mut any = false;
            for value in values {
                if let Some(items) = raw_items(value) {
                    any = true;
                    all.extend(items);
                }
            }
            Ok(if any {
                Datum::dynamic(dynamic::array(&all))
            } else {
                Datum::Null
            })
        }),
        "pack_array" => kernel(|values| {
            let mut all: Vec<Datum<'_>> = Vec::with_capacity(values.len());
            all.extend(values.iter().map(Datum::borrowed));
            Ok(array(&all))
        }),
        "array_reverse" => kernel(|values| {
            Ok(match raw_items(&values[0]) {
                Some(mut items) => {
                    items.reverse();
                    Datum::dynamic(dynamic::array(&items))
                }
                None => values[0].clone(),
            })
        }),
        "array_slice" => kernel(|values| {
            let Some(items) = raw_items(&values[0]) else {
                return Ok(Datum::Null);
            };
            let size = length(items.len());
            let (Some(start), Some(end)) = (values[1].as_long(), values[2].as_long()) else {
                return Ok(Datum::Null);
            };
            let start = if start < 0 {
                (size + start).max(0)
            } else {
                start
            };
            let end = if end < 0 {
                size + end
            } else {
                end.min(size - 1)
            };
            let picked: Vec<&[u8]> = (start..=end)
                .filter_map(|at| items.get(usize::try_from(at).ok()?).copied())
                .collect();
            Ok(Datum::dynamic(dynamic::array(&picked)))
        }),
        "array_split" => kernel(|values| Ok(array_split(&values[0], &values[1]))),
        "array_rotate_left" => rotate(1),
        "array_rotate_right" => rotate(-1),
        "array_shift_left" => shift(1),
        "array_shift_right" => shift(-1),
        "array_index_of" => kernel(|values| Ok(index_of(values))),
        "array_iff" => kernel(|values| {
            let Some(conditions) = items(&values[0]) else {
                return Ok(Datum::Null);
            };
            let (yes, no) = (items(&values[1]), items(&values[2]));
            let pick =
                |list: &Option<Vec<Datum<'static>>>, scalar: &Datum<'_>, at: usize| match list {
                    Some(list) => list.get(at).cloned().unwrap_or(Datum::Null),
                    None => scalar.clone().into_owned(),
                };
            let chosen: Vec<Datum<'static>> = conditions
                .iter()
                .enumerate()
                .map(|(at, condition)| match condition.as_bool() {
                    Some(true) => pick(&yes, &values[1], at),
                    Some(false) => pick(&no, &values[2], at),
                    None => Datum::Null,
                })
                .collect();
            Ok(array(&chosen))
        }),
        "array_sum" => kernel(|values| {
            let Some(items) = items(&values[0]) else {
                return Ok(Datum::Null);
            };
            if items.is_empty() {
                return Ok(Datum::Null);
            }
            let mut total = 0.0;
            for item in &items {
                match item.as_real() {
                    Some(number) => total += number,
                    None if item.is_null() => {}
                    None => return Ok(Datum::Null),
                }
            }
            Ok(Datum::Real(total))
        }),
        "array_sort_asc" => sort(call, false),
        "array_sort_desc" => sort(call, true),
        "range" => kernel(|values| Ok(range(values))),
        "repeat" => kernel(|values| {
            let count = values[1].as_long().unwrap_or(0).min(1_048_576);
            if count < 0 {
                return Ok(Datum::Null);
            }
            let one = values[0].to_dynamic();
            let times = usize::try_from(count).unwrap_or_default();
            size::expected(times.saturating_mul(one.len()))?;
            let all: Vec<&[u8]> = (0..count).map(|_| one.as_ref()).collect();
            Ok(Datum::dynamic(dynamic::array(&all)))
        }),
        "zip" => kernel(|values| {
            let lists: Vec<Vec<Datum<'static>>> = values
                .iter()
                .map(|value| items(value).unwrap_or_default())
                .collect();
            let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
            let rows: Vec<Datum<'static>> = (0..longest)
                .map(|at| {
                    let row: Vec<Datum<'static>> = lists
                        .iter()
                        .map(|list| list.get(at).cloned().unwrap_or(Datum::Null))
                        .collect();
                    array(&row)
                })
                .collect();
            Ok(array(&rows))
        }),
        "set_union" => sets(|all, next| {
            all.extend(next);
        }),
        "set_intersect" => sets(|all, next| {
            let keep: HashSet<Vec<u8>> = next.iter().map(|one| one.0.clone()).collect();
            all.retain(|one| keep.contains(&one.0));
        }),
        "set_difference" => sets(|all, next| {
            let drop: HashSet<Vec<u8>> = next.iter().map(|one| one.0.clone()).collect();
            all.retain(|one| !drop.contains(&one.0));
        }),
        "set_has_element" => kernel(|values| {
            let Some(items) = items(&values[0]) else {
                return Ok(Datum::Null);
            };
            let wanted = key(&values[1].borrowed().unwrapped());
            Ok(Datum::Bool(items.iter().any(|item| key(item) == wanted)))
        }),
        "set_equals" => kernel(|values| {
            let set = |value| -> HashSet<Vec<u8>> {
                items(value).unwrap_or_default().iter().map(key).collect()
            };
            Ok(Datum::Bool(set(&values[0]) == set(&values[1])))
        }),
        "jaccard_index" => kernel(|values| {
            let set = |value| -> Option<HashSet<Vec<u8>>> {
                Some(items(value)?.iter().map(key).collect())
            };
            let (Some(one), Some(two)) = (set(&values[0]), set(&values[1])) else {
                return Ok(Datum::Null);
            };
            #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^53")]
            let ratio = one.intersection(&two).count() as f64 / one.union(&two).count() as f64;
            Ok(Datum::Real(ratio))
        }),
        _ => return Ok(None),
    }))
}

fn key(value: &Datum<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    encode(value, &mut out);
    out
}

fn rotate(direction: i64) -> Kernel {
    kernel(move |values| {
        let Some(mut items) = raw_items(&values[0]) else {
            return Ok(Datum::Null);
        };
        let Some(by) = values[1].as_long() else {
            return Ok(Datum::Null);
        };
        if !items.is_empty() {
            let by = by.wrapping_mul(direction).rem_euclid(length(items.len()));
            items.rotate_left(usize::try_from(by).unwrap_or(0));
        }
        Ok(Datum::dynamic(dynamic::array(&items)))
    })
}

fn shift(direction: i64) -> Kernel {
    kernel(move |values| {
        let Some(items) = raw_items(&values[0]) else {
            return Ok(Datum::Null);
        };
        let Some(by) = values[1].as_long() else {
            return Ok(Datum::Null);
        };
        let by = by.wrapping_mul(direction);
        let fill = values
            .get(2)
            .map_or_else(dynamic::null, |one| one.to_dynamic().into_owned());
        let moved: Vec<&[u8]> = (0..length(items.len()))
            .map(|at| {
                let from = at.checked_add(by).and_then(|at| usize::try_from(at).ok());
                from.and_then(|from| items.get(from).copied())
                    .unwrap_or(&fill)
            })
            .collect();
        Ok(Datum::dynamic(dynamic::array(&moved)))
    })
}

fn array_split(value: &Datum<'_>, at: &Datum<'_>) -> Datum<'static> {
    let Some(parts) = raw_items(value) else {
        return Datum::Null;
    };
    let size = length(parts.len());
    let places = match items(at) {
        Some(list) => list,
        None => vec![at.clone().into_owned()],
    };
    let mut out = Vec::new();
    let mut from = 0;
    for place in places.iter().filter_map(Datum::as_long).chain([size]) {
        let place = if place < 0 { size + place } else { place };
        let to = usize::try_from(place.clamp(0, size)).unwrap_or(0).max(from);
        out.push(dynamic::array(&parts[from..to]));
        from = to;
    }
    Datum::dynamic(dynamic::array(&out))
}

fn index_of(values: &[Datum<'_>]) -> Datum<'static> {
    let Some(items) = raw_items(&values[0]) else {
        return Datum::Null;
    };
    let wanted = values[1].to_dynamic();
    let size = length(items.len());
    let start = values.get(2).and_then(Datum::as_long).unwrap_or(0);
    let start = if start < 0 {
        (size + start).max(0)
    } else {
        start
    };
    let span = values.get(3).and_then(Datum::as_long).unwrap_or(-1);
    let mut nth = values.get(4).and_then(Datum::as_long).unwrap_or(1);
    if span < -1 || nth < 0 {
        return Datum::Null;
    }
    let end = if span < 0 {
        size
    } else {
        size.min(start.saturating_add(span))
    };
    for at in start..end {
        let item = usize::try_from(at).ok().and_then(|at| items.get(at));
        if item.is_some_and(|item| dynamic::equal(item, &wanted)) {
            nth -= 1;
            if nth == 0 {
                return Datum::Long(at);
            }
        }
    }
    Datum::Long(-1)
}

/// Numbers and times stand first, then texts, guids, and the rest.
///
/// Source: <https://learn.microsoft.com/kusto/query/array-sort-asc-function>
fn rank(value: &Datum<'_>) -> u8 {
    match value {
        Datum::String(_) => 1,
        Datum::Guid(_) => 2,
        Datum::Bool(_) | Datum::Dynamic(_) => 3,
        _ => 0,
    }
}

/// Sorts the first array and puts the others in the same order; several give an array of arrays.
/// Nulls are last in both directions.
fn sort(call: &Call, descending: bool) -> Kernel {
    let flagged = call.types.last() == Some(&kql_semantics::ScalarType::Bool);
    let arrays = call.len() - usize::from(flagged);
    kernel(move |values| {
        let nulls_last = !flagged || values[arrays].as_bool() != Some(false);
        let Some(list) = items(&values[0]) else {
            return Ok(Datum::Null);
        };
        let mut places: Vec<usize> = (0..list.len()).collect();
        places.sort_by(|one, two| {
            let (one, two) = (&list[*one], &list[*two]);
            match (one.is_null(), two.is_null()) {
                (true, true) => Ordering::Equal,
                (true, false) if nulls_last => Ordering::Greater,
                (false, true) if !nulls_last => Ordering::Greater,
                (true, false) | (false, true) => Ordering::Less,
                (false, false) => {
                    let ordering = rank(one)
                        .cmp(&rank(two))
                        .then_with(|| order(one, two).unwrap_or(Ordering::Equal));
                    if descending {
                        ordering.reverse()
                    } else {
                        ordering
                    }
                }
            }
        });
        let mut sorted = Vec::with_capacity(arrays);
        for value in &values[..arrays] {
            let other = items(value).filter(|other| other.len() == list.len());
            sorted.push(other.map_or(Datum::Null, |other| {
                let other: Vec<Datum<'_>> = places.iter().map(|at| other[*at].clone()).collect();
                array(&other)
            }));
        }
        Ok(if arrays == 1 {
            sorted.remove(0)
        } else {
            array(&sorted)
        })
    })
}

/// The service makes no longer arrays.
const LONGEST: usize = 1_048_576;

fn range(values: &[Datum<'_>]) -> Datum<'static> {
    use kql_semantics::ScalarType;
    use kql_semantics::bound::{ArithmeticOp, CompareOp};
    let from = values[0].borrowed().unwrapped();
    let default = match from {
        Datum::DateTime(_) | Datum::TimeSpan(_) => {
            Datum::TimeSpan(kql_syntax::ticks::TICKS_PER_HOUR)
        }
        _ => Datum::Long(1),
    };
    let step = values
        .get(2)
        .map_or(default, |step| step.borrowed().unwrapped());
    let ty = match (&from, &step) {
        (Datum::DateTime(_), _) => ScalarType::DateTime,
        (Datum::TimeSpan(_), _) => ScalarType::TimeSpan,
        (Datum::Real(_), _) | (_, Datum::Real(_)) => ScalarType::Real,
        _ => ScalarType::Long,
    };
    let to = values[1].borrowed().unwrapped();
    let size = step.as_real().unwrap_or(0.0);
    let mut out = Vec::new();
    if from.is_null() || to.is_null() || size == 0.0 {
        return Datum::Null;
    }
    let bound = if size > 0.0 {
        CompareOp::LessOrEqual
    } else {
        CompareOp::GreaterOrEqual
    };
    if ty == ScalarType::Long
        && let (Some(from), Some(step), Datum::Int(_) | Datum::Long(_)) =
            (from.as_long(), step.as_long(), &to)
    {
        let to = to.as_long().unwrap_or_default();
        let values: Vec<i64> = std::iter::successors(Some(from), |last| last.checked_add(step))
            .take_while(|value| if step > 0 { *value <= to } else { *value >= to })
            .take(LONGEST)
            .collect();
        return Datum::dynamic(dynamic::longs(&values));
    }
    let mut value = crate::convert::to_type(&from, ty).into_owned();
    while crate::expression::compare_values(bound, &value, &to) == Some(true) && out.len() < LONGEST
    {
        out.push(value.clone());
        let next = arithmetic::binary(ArithmeticOp::Add, &value, &step, ty).into_owned();
        if next.is_null() {
            break;
        }
        value = next;
    }
    array(&out)
}

type Member = (Vec<u8>, Vec<u8>);

/// Distinct members, in the order they first appear.
fn sets(combine: impl Fn(&mut Vec<Member>, Vec<Member>) + Send + Sync + 'static) -> Kernel {
    kernel(move |values| {
        let members = |value: &Datum<'_>| -> Option<Vec<Member>> {
            Some(
                raw_items(value)?
                    .into_iter()
                    .map(|item| (key(&Datum::dynamic(item).unwrapped()), item.to_vec()))
                    .collect(),
            )
        };
        let Some(mut all) = members(&values[0]) else {
            return Ok(Datum::Null);
        };
        for value in &values[1..] {
            let Some(next) = members(value) else {
                return Ok(Datum::Null);
            };
            combine(&mut all, next);
        }
        let mut seen = HashSet::new();
        let kept: Vec<Vec<u8>> = all
            .into_iter()
            .filter(|one| seen.insert(one.0.clone()))
            .map(|one| one.1)
            .collect();
        Ok(Datum::dynamic(dynamic::array(&kept)))
    })
}
