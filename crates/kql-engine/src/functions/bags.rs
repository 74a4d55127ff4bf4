//! Functions of bags.

use super::{Call, array, items};
use crate::EngineError;
use crate::datum::Datum;
use crate::dynamic::path::{Step, follow, steps};
use crate::dynamic::{self, Dynamic};
use crate::expression::{Kernel, kernel};

fn object_of<'v>(value: &'v Datum<'_>) -> Option<dynamic::Entries<'v>> {
    let Datum::Dynamic(bytes) = value else {
        return None;
    };
    match dynamic::view(bytes) {
        Dynamic::Object(entries) => Some(entries),
        _ => None,
    }
}

pub(super) fn kernel_of(call: &Call) -> Result<Option<Kernel>, EngineError> {
    Ok(Some(match call.name {
        "bag_pack" | "pack" | "pack_dictionary" | "bag_pack_columns" => kernel(|values| {
            let entries: Vec<(String, Vec<u8>)> = values
                .chunks_exact(2)
                .map(|pair| {
                    (
                        pair[0].display().into_owned(),
                        pair[1].to_dynamic().into_owned(),
                    )
                })
                .collect();
            Ok(Datum::dynamic(dynamic::object(&entries)))
        }),
        // The binder spells `pack_all()` as `bag_pack`; what is left begins with `true`.
        "pack_all" => kernel(|values| {
            let entries: Vec<(String, Vec<u8>)> = values[1..]
                .chunks_exact(2)
                .filter(|pair| !pair[1].is_null() && !pair[1].display().is_empty())
                .map(|pair| {
                    (
                        pair[0].display().into_owned(),
                        pair[1].to_dynamic().into_owned(),
                    )
                })
                .collect();
            Ok(Datum::dynamic(dynamic::object(&entries)))
        }),
        "bag_keys" => kernel(|values| {
            let Some(entries) = object_of(&values[0]) else {
                return Ok(Datum::Null);
            };
            let keys: Vec<Datum<'_>> = entries
                .iter()
                .map(|(key, _)| Datum::text(key.to_owned()))
                .collect();
            Ok(array(&keys))
        }),
        "bag_has_key" => kernel(|values| {
            let (Some(entries), Datum::Dynamic(bytes)) = (object_of(&values[0]), &values[0]) else {
                return Ok(Datum::Null);
            };
            let path = values[1].display();
            if path.starts_with('$') {
                let found = steps(&path).and_then(|steps| follow(bytes, &steps));
                return Ok(Datum::Bool(
                    found.is_some_and(|one| !dynamic::view_is_null(one)),
                ));
            }
            Ok(Datum::Bool(entries.get(&path).is_some()))
        }),
        "bag_merge" => kernel(|values| {
            let mut all: Vec<(&str, &[u8])> = Vec::new();
            let mut any = false;
            for value in values {
                if let Some(entries) = object_of(value) {
                    any = true;
                    for (key, value) in entries.iter() {
                        // Of equal keys the leftmost value stays.
                        if !all.iter().any(|(known, _)| *known == key) {
                            all.push((key, value));
                        }
                    }
                }
            }
            Ok(if any {
                Datum::dynamic(dynamic::object(&all))
            } else {
                Datum::Null
            })
        }),
        "bag_remove_keys" => kernel(|values| {
            let Some(entries) = object_of(&values[0]) else {
                return Ok(Datum::Null);
            };
            let Some(keys) = items(&values[1]) else {
                return Ok(values[0].clone());
            };
            let paths: Vec<Vec<Step>> = keys
                .iter()
                .filter_map(|key| {
                    let key = key.display();
                    if key.starts_with("$.") || key.starts_with("$[") {
                        steps(&key)
                    } else {
                        Some(vec![Step::Property(key.into_owned())])
                    }
                })
                .collect();
            let paths: Vec<&[Step]> = paths.iter().map(Vec::as_slice).collect();
            Ok(Datum::dynamic(without(entries, &paths)))
        }),
        "bag_set_key" => kernel(|values| {
            let Some(entries) = object_of(&values[0]) else {
                return Ok(Datum::Null);
            };
            let name = values[1].display();
            let path: Vec<&str> = match name.strip_prefix("$.") {
                Some(path) => path.split('.').collect(),
                None => vec![name.as_ref()],
            };
            if name.starts_with('$')
                && (path.len() > 64
                    || name == "$"
                    || path
                        .iter()
                        .any(|part| part.is_empty() || part.contains('[')))
            {
                return Err(EngineError::Unsupported {
                    what: "bag_set_key() with a path like this".to_owned(),
                    span: None,
                });
            }
            let value = values[2].to_dynamic();
            Ok(Datum::dynamic(with_key(Some(entries), &path, &value)))
        }),
        "bag_zip" => kernel(|values| {
            let Some(keys) = items(&values[0]) else {
                return Ok(Datum::Null);
            };
            let list = items(&values[1]).unwrap_or_default();
            let mut entries = Vec::new();
            for (at, key) in keys.iter().enumerate() {
                if let Datum::String(key) = key {
                    let value = list.get(at).unwrap_or(&Datum::Null);
                    entries.push((key.to_string(), value.to_dynamic().into_owned()));
                }
            }
            Ok(Datum::dynamic(dynamic::object(&entries)))
        }),
        "treepath" => kernel(|values| {
            let Datum::Dynamic(bytes) = &values[0] else {
                return Ok(Datum::Null);
            };
            let mut paths = Vec::new();
            tree(bytes, "", &mut paths);
            let paths: Vec<Datum<'_>> = paths.into_iter().map(Datum::text).collect();
            Ok(array(&paths))
        }),
        _ => return Ok(None),
    }))
}

/// An object without the properties at `paths`.
pub(crate) fn without(entries: dynamic::Entries<'_>, paths: &[&[Step]]) -> Vec<u8> {
    let mut kept: Vec<(&str, Vec<u8>)> = Vec::new();
    for (key, value) in entries.iter() {
        let below: Vec<&[Step]> = paths
            .iter()
            .filter_map(|path| match path.split_first() {
                Some((Step::Property(name), rest)) if name == key => Some(rest),
                _ => None,
            })
            .collect();
        if below.iter().any(|path| path.is_empty()) {
            continue;
        }
        let value = match dynamic::view(value) {
            Dynamic::Object(inner) if !below.is_empty() => without(inner, &below),
            _ => value.to_vec(),
        };
        kept.push((key, value));
    }
    dynamic::object(&kept)
}

fn tree(bytes: &[u8], path: &str, out: &mut Vec<String>) {
    match dynamic::view(bytes) {
        Dynamic::Object(entries) => {
            for (key, value) in entries.iter() {
                let next = format!("{path}['{key}']");
                out.push(next.clone());
                tree(value, &next, out);
            }
        }
        Dynamic::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                let next = format!("{path}[{at}]");
                if at == 0 {
                    out.push(next.clone());
                }
                tree(item, &next, out);
            }
        }
        _ => {}
    }
}

/// An object with the value at a path; bags on the way are made where there are none.
fn with_key(entries: Option<dynamic::Entries<'_>>, path: &[&str], value: &[u8]) -> Vec<u8> {
    let Some((first, rest)) = path.split_first() else {
        return value.to_vec();
    };
    let inner =
        entries
            .and_then(|entries| entries.get(first))
            .and_then(|bytes| match dynamic::view(bytes) {
                Dynamic::Object(entries) => Some(entries),
                _ => None,
            });
    let value = if rest.is_empty() {
        value.to_vec()
    } else {
        with_key(inner, rest, value)
    };
    let mut all: Vec<(&str, Vec<u8>)> = entries
        .into_iter()
        .flat_map(dynamic::Entries::iter)
        .map(|(key, value)| (key, value.to_vec()))
        .collect();
    all.push((first, value));
    dynamic::object(&all)
}
