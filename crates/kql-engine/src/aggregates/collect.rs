//! Aggregates that collect values: lists, sets, bags, distinct counts.

use std::collections::HashSet;

use super::{Aggregate, State, per_group};
use crate::datum::Datum;
use crate::dynamic::{self, Dynamic};
use crate::plan::encode;

/// The most elements a list or set has unless the query says so.
pub(super) const MOST: usize = 1_048_576;

#[derive(Default)]
struct Set {
    seen: HashSet<Vec<u8>>,
    values: Vec<Vec<u8>>,
}

impl Set {
    fn insert(&mut self, value: &Datum<'_>) -> bool {
        let mut encoded = Vec::new();
        encode(value, &mut encoded);
        self.seen.insert(encoded)
    }
}

pub(super) fn state(aggregate: &Aggregate) -> Option<Box<dyn State>> {
    let most = aggregate
        .constant(1)
        .and_then(|size| usize::try_from(size).ok())
        .unwrap_or(MOST);
    Some(match aggregate.name {
        "make_list" | "make_list_with_nulls" => {
            let with_nulls = aggregate.name == "make_list_with_nulls";
            let most = if with_nulls { MOST } else { most };
            // A null inside a dynamic is a value like others.
            let nulls = with_nulls
                || aggregate.argument_types.first() == Some(&kql_semantics::ScalarType::Dynamic);
            per_group(
                move |kept: &mut Vec<Vec<u8>>, values| {
                    if kept.len() >= most || (values[0].is_null() && !nulls) {
                        return 0;
                    }
                    // An array gives its elements.
                    if let Some(items) = crate::functions::raw_items(&values[0]) {
                        let room = most - kept.len();
                        kept.extend(items.iter().take(room).map(|item| item.to_vec()));
                        return items.iter().map(|item| item.len() + 24).sum();
                    }
                    let encoded = values[0].to_dynamic().into_owned();
                    let size = encoded.len() + 24;
                    kept.push(encoded);
                    size
                },
                |kept: Vec<Vec<u8>>| vec![Datum::dynamic(dynamic::array(&kept))],
            )
        }
        "make_set" => per_group(
            move |kept: &mut Set, values| {
                if values[0].is_null() || kept.values.len() >= most {
                    return 0;
                }
                // An array gives its elements.
                if let Datum::Dynamic(bytes) = &values[0]
                    && let Dynamic::Array(items) = dynamic::view(bytes)
                {
                    let mut size = 0;
                    for item in items.iter() {
                        let value = Datum::dynamic(item);
                        if !value.is_null()
                            && kept.values.len() < most
                            && kept.insert(&value.clone().unwrapped())
                        {
                            kept.values.push(item.to_vec());
                            size += item.len() * 2 + 80;
                        }
                    }
                    return size;
                }
                let value = values[0].borrowed().unwrapped();
                if !kept.insert(&value) {
                    return 0;
                }
                let encoded = values[0].to_dynamic().into_owned();
                let size = encoded.len() * 2 + 80;
                kept.values.push(encoded);
                size
            },
            |kept: Set| vec![Datum::dynamic(dynamic::array(&kept.values))],
        ),
        "make_bag" => per_group(
            move |kept: &mut Vec<(String, Vec<u8>)>, values| {
                let Datum::Dynamic(bytes) = &values[0] else {
                    return 0;
                };
                let Dynamic::Object(entries) = dynamic::view(bytes) else {
                    return 0;
                };
                let mut size = 0;
                for (key, value) in entries.iter() {
                    if kept.len() >= most {
                        break;
                    }
                    // Of equal keys the first value stays.
                    if kept.len() < 64 && kept.iter().any(|(known, _)| known == key) {
                        continue;
                    }
                    size += key.len() + value.len() + 48;
                    kept.push((key.to_owned(), value.to_vec()));
                }
                size
            },
            |mut kept: Vec<(String, Vec<u8>)>| {
                let mut seen = HashSet::new();
                kept.retain(|(key, _)| seen.insert(key.clone()));
                vec![Datum::dynamic(dynamic::object(&kept))]
            },
        ),
        "dcount" | "count_distinct" => per_group(
            |kept: &mut HashSet<Vec<u8>>, values| {
                if values[0].is_null() {
                    return 0;
                }
                let mut encoded = Vec::new();
                encode(&values[0].borrowed().unwrapped(), &mut encoded);
                let size = encoded.len() + 48;
                if kept.insert(encoded) { size } else { 0 }
            },
            |kept: HashSet<Vec<u8>>| {
                vec![Datum::Long(i64::try_from(kept.len()).unwrap_or(i64::MAX))]
            },
        ),
        _ => return None,
    })
}
