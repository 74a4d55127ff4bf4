//! Aggregates whose result is read by other functions: sketches and schemas.

use super::{Aggregate, State, per_group};
use crate::EngineError;
use crate::datum::Datum;
use crate::expression::order;
use crate::functions::items;
use crate::functions::sketches::{self, Digest, Hashes, Shape};

/// Bytes of a hash while it is kept and while the sketch is written.
const HASH: usize = 144;

/// The most bytes the sketches of one aggregate may hold, whatever the query may.
const MOST: usize = 512 << 20;

/// A sketch that keeps everything, up to a bound.
struct Bounded {
    name: &'static str,
    inner: Box<dyn State>,
}

impl State for Bounded {
    fn grow(&mut self, groups: usize) {
        self.inner.grow(groups);
    }

    fn update(&mut self, group: usize, values: &[Datum<'_>]) -> Result<(), EngineError> {
        self.inner.update(group, values)?;
        if self.inner.size() > MOST {
            return Err(EngineError::runtime(format!(
                "{}() keeps every value that differs here, and these are too many for it",
                self.name
            )));
        }
        Ok(())
    }

    fn finish(&mut self, group: usize) -> Result<Vec<Datum<'static>>, EngineError> {
        self.inner.finish(group)
    }

    fn size(&self) -> usize {
        self.inner.size()
    }
}

pub(super) fn state(aggregate: &Aggregate) -> Option<Box<dyn State>> {
    Some(Box::new(Bounded {
        name: aggregate.name,
        inner: unbounded(aggregate)?,
    }))
}

fn unbounded(aggregate: &Aggregate) -> Option<Box<dyn State>> {
    Some(match aggregate.name {
        "hll" => {
            let bits = sketches::bits(aggregate.constant(1).unwrap_or(1));
            per_group(
                |kept: &mut Hashes, values| {
                    if values[0].is_null() || !kept.add(&values[0]) {
                        return 0;
                    }
                    HASH
                },
                move |kept: Hashes| vec![kept.sketch(bits)],
            )
        }
        "hll_merge" => per_group(
            |kept: &mut Hashes, values| kept.merge(&values[0]) * HASH,
            |kept: Hashes| vec![kept.sketch(14)],
        ),
        "tdigest" => per_group(
            |kept: &mut Digest, values| {
                let weight = values.get(1).map_or(Some(1), Datum::as_long);
                kept.add(&values[0].borrowed().unwrapped(), weight.unwrap_or(0))
            },
            |kept: Digest| vec![kept.sketch()],
        ),
        "tdigest_merge" => per_group(
            |kept: &mut Digest, values| kept.merge(&values[0]),
            |kept: Digest| vec![kept.sketch()],
        ),
        "buildschema" => per_group(
            |kept: &mut Shape, values| kept.add(&values[0].to_dynamic(), 0),
            |kept: Shape| vec![Datum::dynamic(kept.finish())],
        ),
        "percentilesw_array" => weighted_array(aggregate),
        _ => return None,
    })
}

fn weighted_array(aggregate: &Aggregate) -> Box<dyn State> {
    let mut ranks = Vec::new();
    for constant in aggregate.constants[2..].iter().flatten() {
        match items(constant) {
            Some(items) => ranks.extend(items.iter().filter_map(Datum::as_real)),
            None => ranks.extend(constant.as_real()),
        }
    }
    per_group(
        |kept: &mut Vec<(Datum<'static>, i64)>, values| match values[1].as_long() {
            Some(weight) if weight > 0 && !values[0].is_null() => {
                kept.push((values[0].clone().into_owned().unwrapped(), weight));
                size_of::<Datum<'static>>() + 8
            }
            _ => 0,
        },
        move |mut kept: Vec<(Datum<'static>, i64)>| {
            kept.sort_by(|one, two| order(&one.0, &two.0).unwrap_or(std::cmp::Ordering::Equal));
            if kept.is_empty() {
                return vec![Datum::Null];
            }
            let found: Vec<Datum<'_>> = ranks
                .iter()
                .map(|rank| sketches::percentile(&kept, *rank))
                .collect();
            vec![crate::functions::array(&found)]
        },
    )
}
