//! `make-series`.

use arrow::array::{ArrayRef, RecordBatch};
use datafusion::logical_expr::LogicalPlanBuilder;
use kql_semantics::bound::{self, MakeSeries};
use kql_semantics::{ColumnId, ScalarType};

use super::steps::{Layout, batch_of};
use super::summarize::{Groups, arguments_of};
use super::{Flow, Planner};
use crate::EngineError;
use crate::column::{Builder, Reader};
use crate::convert;
use crate::datum::{Datum, real_to_long};
use crate::error::Foreign;
use crate::expression::order;
use crate::functions;

/// More points than this in one series is a mistake.
const MOST: i64 = 1_048_576;

/// The axis of a series; times count in ticks.
#[derive(Clone, Copy)]
struct Axis {
    ty: ScalarType,
    from: Option<f64>,
    to: Option<f64>,
    /// Exact ends of axes that are not real.
    ends: (Option<i64>, Option<i64>),
    step: (f64, i64),
    /// Of `in range(…)`: the points are multiples of the step, and the end may be one of them.
    in_range: bool,
}

impl Axis {
    fn is_whole(&self) -> bool {
        !matches!(self.ty, ScalarType::Real | ScalarType::Decimal)
    }

    /// The first point and how many there are, given the smallest and largest value.
    fn points(
        &self,
        least: Option<&Datum<'_>>,
        most: Option<&Datum<'_>>,
    ) -> Result<Option<(Datum<'static>, i64)>, EngineError> {
        let count;
        let first;
        if self.is_whole() {
            let step = self.step.1;
            let multiple = |value: i64| value.div_euclid(step) * step;
            let from = match self.ends.0 {
                Some(from) if !self.in_range => from,
                given => match given.or_else(|| least.and_then(Datum::as_long)) {
                    Some(value) => multiple(value),
                    None => return Ok(None),
                },
            };
            let (to, included) = match self.ends.1 {
                Some(to) => (to, self.in_range),
                None => match most.and_then(Datum::as_long) {
                    Some(to) => (to, true),
                    None => return Ok(None),
                },
            };
            let distance = to.saturating_sub(from);
            count = if included {
                distance.div_euclid(step) + 1
            } else {
                distance.div_euclid(step) + i64::from(distance.rem_euclid(step) != 0)
            };
            first = self.value(from);
        } else {
            let step = self.step.0;
            let multiple = |value: f64| (value / step).floor() * step;
            let from = match self.from {
                Some(from) if !self.in_range => from,
                given => match given.or_else(|| least.and_then(Datum::as_real)) {
                    Some(value) => multiple(value),
                    None => return Ok(None),
                },
            };
            let (to, included) = match self.to {
                Some(to) => (to, self.in_range),
                None => match most.and_then(Datum::as_real) {
                    Some(to) => (to, true),
                    None => return Ok(None),
                },
            };
            let steps = (to - from) / step;
            let steps = if included {
                steps.floor() + 1.0
            } else {
                steps.ceil()
            };
            count = real_to_long(steps).unwrap_or(i64::MAX);
            first = Datum::Real(from);
        }
        if count > MOST {
            return Err(EngineError::runtime(format!(
                "make-series makes more than {MOST} points"
            )));
        }
        Ok(Some((first, count.max(0))))
    }

    fn value(&self, number: i64) -> Datum<'static> {
        match self.ty {
            ScalarType::DateTime => Datum::DateTime(number),
            ScalarType::TimeSpan => Datum::TimeSpan(number),
            _ => Datum::Long(number),
        }
    }

    /// The point a value falls on.
    fn place(&self, value: &Datum<'_>, first: &Datum<'_>) -> Option<i64> {
        if self.is_whole() {
            Some(
                value
                    .as_long()?
                    .checked_sub(first.as_long()?)?
                    .div_euclid(self.step.1),
            )
        } else {
            real_to_long(((value.as_real()? - first.as_real()?) / self.step.0).floor())
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "at most 2^20 points")]
    fn point(&self, first: &Datum<'_>, at: i64) -> Datum<'static> {
        if self.is_whole() {
            self.value(
                first
                    .as_long()
                    .unwrap_or(0)
                    .wrapping_add(at.wrapping_mul(self.step.1)),
            )
        } else {
            Datum::Real(first.as_real().unwrap_or(0.0) + at as f64 * self.step.0)
        }
    }
}

impl Planner<'_> {
    pub(super) fn make_series(
        &self,
        flow: Flow,
        series: &MakeSeries,
        columns: &[(ColumnId, ScalarType)],
    ) -> Result<Flow, EngineError> {
        let span = series.axis.span.range();
        if !flow.carried.is_empty() {
            return Err(EngineError::unsupported("make-series inside a body", span));
        }
        let from = self.optional(series.from.as_ref())?;
        let to = self.optional(series.to.as_ref())?;
        let step = self.constant(&series.step)?;
        let axis = Axis {
            ty: series.axis.ty,
            from: from.as_ref().and_then(Datum::as_real),
            to: to.as_ref().and_then(Datum::as_real),
            ends: (
                from.as_ref().and_then(Datum::as_long),
                to.as_ref().and_then(Datum::as_long),
            ),
            step: (step.as_real().unwrap_or(0.0), step.as_long().unwrap_or(0)),
            in_range: series.to_included,
        };
        if axis.step.0 <= 0.0 || (axis.is_whole() && axis.step.1 <= 0) {
            return Err(EngineError::Runtime {
                message: "the step of make-series must be positive".to_owned(),
                span: Some(series.step.span.range()),
            });
        }
        let mut list = Vec::new();
        let mut key_types = Vec::new();
        let mut present = Vec::new();
        for key in &series.by {
            list.push(self.native(&key.value)?.alias(self.fresh("k")));
            key_types.push(key.value.ty);
            present.push((key.column, key.value.ty));
        }
        let keys = list.len();
        list.push(self.native(&series.axis)?.alias(self.fresh("x")));
        let aggregates: Vec<bound::Aggregate> = series
            .series
            .iter()
            .map(|one| one.aggregate.clone())
            .collect();
        let (arguments, layouts) = self.aggregate_columns(&aggregates, list.len())?;
        list.extend(arguments);
        let mut defaults = Vec::new();
        for one in &series.series {
            let ty = one
                .aggregate
                .outputs
                .first()
                .map_or(ScalarType::Dynamic, |output| output.1);
            let default = match &one.default {
                Some(default) => self.constant(default)?,
                None => Datum::Long(0),
            };
            defaults.push(convert::to_type(&default, ty).into_owned());
            present.push((one.column, ScalarType::Dynamic));
        }
        present.push((series.axis_column, ScalarType::Dynamic));
        let plan = LogicalPlanBuilder::from(flow.plan)
            .project(list)
            .and_then(LogicalPlanBuilder::build)
            .ours()?;
        let nonempty = series.nonempty || !series.by.is_empty();
        let flow = self.whole(
            "make-series",
            vec![plan],
            &present,
            move |mut batches, schema| {
                let batch = batches.remove(0);
                if batch.num_rows() == 0 && !nonempty {
                    return Ok(Vec::new());
                }
                let columns = build(&batch, &key_types, keys, axis, &layouts, &defaults)?;
                let rows = columns.first().map_or(0, arrow::array::Array::len);
                Ok(super::slices(&batch_of(schema, columns, rows)?))
            },
        )?;
        self.keep(flow, columns)
    }
}

fn build(
    batch: &RecordBatch,
    key_types: &[ScalarType],
    keys: usize,
    axis: Axis,
    layouts: &[Layout],
    defaults: &[Datum<'static>],
) -> Result<Vec<ArrayRef>, EngineError> {
    let rows = batch.num_rows();
    let values = Reader::new(batch.column(keys), axis.ty);
    let mut groups = None;
    let numbers = if keys == 0 {
        vec![0; rows]
    } else {
        let groups = groups.insert(Groups::new(key_types.to_vec())?);
        groups.assign(&batch.columns()[..keys])?
    };
    let group_count = groups.as_ref().map_or(1, Groups::len);
    let spreads = spreads(&values, &numbers, group_count);
    let mut stretches = Vec::with_capacity(group_count);
    let mut cells = 0;
    for (least, most) in &spreads {
        let (first, count) = axis
            .points(least.as_ref(), most.as_ref())?
            .unwrap_or((Datum::Null, 0));
        let size = usize::try_from(count).unwrap_or(0);
        stretches.push(Stretch {
            first,
            size,
            begins: cells,
        });
        cells += size;
        if cells >= 1 << 28 {
            return Err(EngineError::runtime("make-series makes too many points"));
        }
    }
    let mut out = match groups {
        Some(groups) => groups.finish()?,
        None => Vec::new(),
    };
    for (layout, default) in layouts.iter().zip(defaults) {
        let mut prepared = layout.prepared();
        prepared.state.grow(cells);
        let mut filled = vec![false; cells];
        let readers: Vec<Reader<'_>> = prepared
            .arguments
            .iter()
            .zip(&prepared.aggregate.argument_types)
            .map(|(at, ty)| Reader::new(batch.column(*at), *ty))
            .collect();
        let filter = prepared
            .filter
            .map(|at| Reader::new(batch.column(at), ScalarType::Bool));
        let mut arguments = Vec::new();
        for (row, group) in numbers.iter().enumerate() {
            let stretch = &stretches[*group];
            if filter.is_some_and(|filter| filter.get(row).as_bool() != Some(true)) {
                continue;
            }
            let Some(place) = axis
                .place(&values.get(row), &stretch.first)
                .and_then(|place| usize::try_from(place).ok())
                .filter(|place| *place < stretch.size)
            else {
                continue;
            };
            let cell = stretch.begins + place;
            filled[cell] = true;
            arguments_of(&readers, row, &mut arguments);
            prepared.state.update(cell, &arguments)?;
        }
        let mut builder = Builder::new(ScalarType::Dynamic, group_count);
        for stretch in &stretches {
            let mut series = Vec::with_capacity(stretch.size);
            let filled = filled.iter().enumerate();
            for (cell, is_filled) in filled.skip(stretch.begins).take(stretch.size) {
                let mut value = prepared.state.finish(cell)?;
                series.push(if *is_filled && !value.is_empty() {
                    value.swap_remove(0)
                } else {
                    default.clone()
                });
            }
            builder.push(&functions::array(&series));
        }
        out.push(builder.finish());
    }
    let mut builder = Builder::new(ScalarType::Dynamic, group_count);
    // Series that begin and end alike, as all do between ends that are given, share their points.
    let mut shared: Option<(&Stretch, Datum<'static>)> = None;
    for stretch in &stretches {
        let points = match shared.take() {
            Some((before, points)) if before.is_like(stretch) => points,
            _ => {
                let size = i64::try_from(stretch.size).unwrap_or(0);
                let points: Vec<Datum<'static>> =
                    (0..size).map(|at| axis.point(&stretch.first, at)).collect();
                functions::array(&points)
            }
        };
        builder.push(&points);
        shared = Some((stretch, points));
    }
    out.push(builder.finish());
    Ok(out)
}

/// The points of one series, and where its cells begin among those of all.
struct Stretch {
    first: Datum<'static>,
    size: usize,
    begins: usize,
}

impl Stretch {
    fn is_like(&self, other: &Self) -> bool {
        self.size == other.size
            && order(&self.first, &other.first) == Some(std::cmp::Ordering::Equal)
    }
}

/// The least and the greatest value of each group.
fn spreads<'a>(
    values: &Reader<'a>,
    numbers: &[usize],
    groups: usize,
) -> Vec<(Option<Datum<'a>>, Option<Datum<'a>>)> {
    let mut spreads = vec![(None, None); groups];
    for (row, group) in numbers.iter().enumerate() {
        let value = values.get(row);
        if value.is_null() {
            continue;
        }
        let better = |kept: &Option<Datum<'_>>, wanted: std::cmp::Ordering| {
            kept.as_ref()
                .is_none_or(|kept| order(&value, kept) == Some(wanted))
        };
        let (least, most) = &mut spreads[*group];
        if better(least, std::cmp::Ordering::Less) {
            *least = Some(value.clone());
        }
        if better(most, std::cmp::Ordering::Greater) {
            *most = Some(value.clone());
        }
    }
    spreads
}
