//! Sketches of sets and of distributions: `hll` and `tdigest`, and what reads them.
//!
//! A sketch looks as the service prints it: `[[1024,14],["hash",…],[]]` and
//! `[[7],[value,…],[weight,…]]`. It keeps every hash and every value here, so that counts and
//! percentiles are exact where the service estimates.

use std::collections::{HashMap, HashSet};

use super::{Call, array, hashing, items};
use crate::EngineError;
use crate::datum::Datum;
use crate::dynamic;
use crate::expression::{Kernel, kernel, order};
use crate::plan::encode;

/// The hashes of the values of a set, in the order they came.
#[derive(Debug, Default)]
pub(crate) struct Hashes {
    seen: HashSet<i64>,
    list: Vec<i64>,
}

impl Hashes {
    /// Whether the value is a new one.
    pub(crate) fn add(&mut self, value: &Datum<'_>) -> bool {
        self.insert(hashing::hash(value))
    }

    fn insert(&mut self, hash: i64) -> bool {
        let is_new = self.seen.insert(hash);
        if is_new {
            self.list.push(hash);
        }
        is_new
    }

    /// Takes in another sketch; what is none is left out.
    pub(crate) fn merge(&mut self, sketch: &Datum<'_>) -> usize {
        let before = self.list.len();
        for hash in hashes(sketch).unwrap_or_default() {
            self.insert(hash);
        }
        self.list.len() - before
    }

    /// Null where nothing was added.
    pub(crate) fn sketch(&self, bits: i64) -> Datum<'static> {
        if self.list.is_empty() {
            return Datum::Null;
        }
        let hashes: Vec<Datum<'_>> = self
            .list
            .iter()
            .map(|hash| Datum::text(hash.to_string()))
            .collect();
        array(&[
            array(&[Datum::Long(1024), Datum::Long(bits)]),
            array(&hashes),
            array(&[]),
        ])
    }
}

/// The number of bits of an accuracy.
pub(crate) fn bits(accuracy: i64) -> i64 {
    match accuracy {
        0 => 12,
        2 => 16,
        3 => 17,
        4 => 18,
        _ => 14,
    }
}

fn hashes(sketch: &Datum<'_>) -> Option<Vec<i64>> {
    let parts = items(sketch)?;
    if parts.len() != 3 {
        return None;
    }
    items(&parts[1])?
        .iter()
        .map(|hash| hash.as_str()?.parse().ok())
        .collect()
}

/// Values and how often each came.
#[derive(Debug, Default)]
pub(crate) struct Digest {
    places: HashMap<Vec<u8>, usize>,
    values: Vec<(Datum<'static>, i64)>,
}

impl Digest {
    /// The bytes that the digest grew by.
    pub(crate) fn add(&mut self, value: &Datum<'_>, weight: i64) -> usize {
        if value.is_null() || weight <= 0 {
            return 0;
        }
        let mut key = Vec::new();
        encode(value, &mut key);
        if let Some(place) = self.places.get(&key) {
            self.values[*place].1 += weight;
            return 0;
        }
        // Both the key and the value, and what is written of them.
        let size = 3 * key.len() + 160;
        self.places.insert(key, self.values.len());
        self.values.push((value.clone().into_owned(), weight));
        size
    }

    pub(crate) fn merge(&mut self, sketch: &Datum<'_>) -> usize {
        let list = centroids(sketch).unwrap_or_default();
        list.iter()
            .map(|(value, weight)| self.add(value, *weight))
            .sum()
    }

    /// Null where nothing was added.
    pub(crate) fn sketch(&self) -> Datum<'static> {
        if self.values.is_empty() {
            return Datum::Null;
        }
        let (values, weights): (Vec<Datum<'_>>, Vec<Datum<'_>>) = self
            .values
            .iter()
            .map(|(value, weight)| (value.clone(), Datum::Long(*weight)))
            .unzip();
        array(&[array(&[Datum::Long(7)]), array(&values), array(&weights)])
    }
}

fn centroids(sketch: &Datum<'_>) -> Option<Vec<(Datum<'static>, i64)>> {
    let parts = items(sketch)?;
    if parts.len() != 3 {
        return None;
    }
    let (values, weights) = (items(&parts[1])?, items(&parts[2])?);
    if values.len() != weights.len() {
        return None;
    }
    values
        .into_iter()
        .zip(weights)
        .map(|(value, weight)| Some((value, weight.as_long()?)))
        .collect()
}

fn sorted(sketch: &Datum<'_>) -> Option<Vec<(Datum<'static>, i64)>> {
    let mut list = centroids(sketch).filter(|list| !list.is_empty())?;
    list.sort_by(|one, two| order(&one.0, &two.0).unwrap_or(std::cmp::Ordering::Equal));
    Some(list)
}

#[expect(clippy::cast_precision_loss, reason = "weights are far below 2^53")]
fn real(count: i64) -> f64 {
    count as f64
}

/// The first value that so much of the weight is at or below.
pub(crate) fn percentile(sorted: &[(Datum<'static>, i64)], rank: f64) -> Datum<'static> {
    let total: i64 = sorted.iter().map(|one| one.1).sum();
    let bound = rank / 100.0 * real(total);
    let mut seen = 0;
    for (value, weight) in sorted {
        seen += weight;
        if real(seen) >= bound {
            return value.clone();
        }
    }
    sorted.last().map_or(Datum::Null, |one| one.0.clone())
}

/// How much weight is at or below a value, and all of it.
fn rank(values: &[Datum<'_>]) -> Option<(i64, i64)> {
    let list = centroids(&values[0])?;
    let wanted = values[1].borrowed().unwrapped();
    let total = list.iter().map(|one| one.1).sum();
    let below = list
        .iter()
        .filter(|one| order(&one.0, &wanted).is_some_and(std::cmp::Ordering::is_le))
        .map(|one| one.1)
        .sum();
    Some((below, total))
}

pub(super) fn kernel_of(call: &Call) -> Result<Option<Kernel>, EngineError> {
    Ok(Some(match call.name {
        "dcount_hll" => kernel(|values| {
            let count = hashes(&values[0]).and_then(|list| i64::try_from(list.len()).ok());
            Ok(count.map_or(Datum::Null, Datum::Long))
        }),
        "hll_merge" => kernel(|values| {
            let mut all = Hashes::default();
            for value in values {
                all.merge(value);
            }
            Ok(all.sketch(14))
        }),
        "tdigest_merge" => kernel(|values| {
            let mut all = Digest::default();
            for value in values {
                all.merge(value);
            }
            Ok(all.sketch())
        }),
        "percentile_tdigest" => kernel(|values| {
            let (Some(list), Some(rank)) = (sorted(&values[0]), values[1].as_real()) else {
                return Ok(Datum::Null);
            };
            let found = percentile(&list, rank);
            Ok(Datum::dynamic(found.to_dynamic().into_owned()))
        }),
        "percentiles_array_tdigest" => kernel(|values| {
            let Some(list) = sorted(&values[0]) else {
                return Ok(Datum::Null);
            };
            let mut found = Vec::new();
            for value in &values[1..] {
                let ranks = items(value).unwrap_or_else(|| vec![value.clone().into_owned()]);
                for rank in ranks.iter().filter_map(Datum::as_real) {
                    found.push(percentile(&list, rank));
                }
            }
            Ok(array(&found))
        }),
        "rank_tdigest" => kernel(|values| {
            Ok(rank(values).map_or(Datum::Null, |(below, _)| Datum::Real(real(below))))
        }),
        "percentrank_tdigest" => kernel(|values| {
            Ok(match rank(values) {
                Some((below, total)) if total > 0 => Datum::Real(real(below) * 100.0 / real(total)),
                _ => Datum::Null,
            })
        }),
        _ => return Ok(None),
    }))
}

/// What `buildschema` has seen of the values at one place.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    names: std::collections::BTreeSet<&'static str>,
    properties: Option<Vec<(String, Shape)>>,
    elements: Option<Box<Shape>>,
}

/// How deep shapes go; deeper values are text of their own.
const DEEPEST: usize = 128;

impl Shape {
    /// The bytes that the shape grew by, roughly.
    pub(crate) fn add(&mut self, value: &[u8], depth: usize) -> usize {
        use dynamic::Dynamic;
        let name = match dynamic::view(value) {
            Dynamic::Null => return 0,
            Dynamic::Bool(_) => "bool",
            Dynamic::Long(_) => "long",
            Dynamic::Real(_) => "double",
            Dynamic::DateTime(_) => "datetime",
            Dynamic::TimeSpan(_) => "timespan",
            Dynamic::Guid(_) => "guid",
            Dynamic::Decimal(_) => "decimal",
            Dynamic::String(_) => "string",
            Dynamic::Array(_) | Dynamic::Object(_) if depth >= DEEPEST => return 0,
            Dynamic::Array(list) => {
                let inner = self.elements.get_or_insert_default();
                return list.iter().map(|item| inner.add(item, depth + 1)).sum();
            }
            Dynamic::Object(entries) => {
                let known = self.properties.get_or_insert_default();
                let mut size = 0;
                for (key, value) in entries.iter() {
                    let place = known.iter().position(|one| one.0 == key);
                    let place = place.unwrap_or_else(|| {
                        size += key.len() + size_of::<Self>() + 32;
                        known.push((key.to_owned(), Self::default()));
                        known.len() - 1
                    });
                    size += known[place].1.add(value, depth + 1);
                }
                return size;
            }
        };
        self.names.insert(name);
        0
    }

    pub(crate) fn finish(&self) -> Vec<u8> {
        let mut all = Vec::new();
        if let Some(properties) = &self.properties {
            let entries: Vec<_> = properties
                .iter()
                .map(|(key, shape)| (key, shape.finish()))
                .collect();
            all.push(dynamic::object(&entries));
        }
        if let Some(elements) = &self.elements {
            all.push(dynamic::object(&[("`indexer`", elements.finish())]));
        }
        all.extend(self.names.iter().map(|name| dynamic::string(name)));
        if all.is_empty() {
            dynamic::null()
        } else if all.len() == 1 {
            all.remove(0)
        } else {
            dynamic::array(&all)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Digest, Hashes, Shape, centroids, hashes};
    use crate::datum::Datum;
    use crate::dynamic;

    #[test]
    fn a_sketch_is_read_back() {
        let mut one = Hashes::default();
        assert!(one.add(&Datum::Long(0)));
        assert!(!one.add(&Datum::Long(0)));
        // As the page of hll() shows it.
        let sketch = one.sketch(14);
        assert_eq!(
            sketch.display(),
            r#"[[1024,14],["3803688792395291579"],[]]"#
        );
        assert_eq!(hashes(&sketch), Some(vec![3_803_688_792_395_291_579]));
        assert_eq!(hashes(&Datum::Long(1)), None);
        let mut two = Digest::default();
        two.add(&Datum::Real(1.5), 2);
        two.add(&Datum::Real(1.5), 3);
        let list = centroids(&two.sketch()).unwrap();
        assert_eq!(list.len(), 1);
        assert_eq!(list[0].1, 5);
    }

    #[test]
    fn a_schema_admits_every_value() {
        let mut shape = Shape::default();
        for text in [r#"{"a":1,"b":[1]}"#, r#"{"a":"x","b":{"c":true}}"#, "2.5"] {
            shape.add(&dynamic::parse(text), 0);
        }
        assert_eq!(
            dynamic::json_text(&shape.finish()),
            r#"[{"a":["long","string"],"b":[{"c":"bool"},{"`indexer`":"long"}]},"double"]"#
        );
    }
}
