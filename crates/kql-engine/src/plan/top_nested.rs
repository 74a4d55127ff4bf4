//! `top-nested`.

use std::cmp::Ordering;

use arrow::array::{ArrayRef, RecordBatch};
use datafusion::logical_expr::LogicalPlanBuilder;
use kql_semantics::bound::TopNestedLevel;
use kql_semantics::{ColumnId, ScalarType};

use super::steps::{Layout, batch_of};
use super::summarize::{Groups, arguments_of};
use super::{Flow, Planner};
use crate::EngineError;
use crate::column::{Builder, Reader};
use crate::datum::Datum;
use crate::error::Foreign;
use crate::expression::order;

/// One level, its value's column and its aggregate.
#[derive(Clone)]
struct Level {
    count: usize,
    value: usize,
    ty: ScalarType,
    layout: Layout,
    ascending: bool,
    /// The value of the row for what did not make it to the top.
    others: Option<Datum<'static>>,
}

impl Planner<'_> {
    pub(super) fn top_nested(
        &self,
        flow: Flow,
        levels: &[TopNestedLevel],
        columns: &[(ColumnId, ScalarType)],
    ) -> Result<Flow, EngineError> {
        let mut list = Vec::new();
        let mut prepared = Vec::new();
        let mut present = Vec::new();
        for level in levels {
            let span = level.value.value.span.range();
            if !flow.carried.is_empty() {
                return Err(EngineError::unsupported("top-nested inside a body", span));
            }
            let count = level
                .count
                .as_ref()
                .map_or(Ok(usize::MAX), |count| self.count(count))?;
            let value = list.len();
            list.push(self.native(&level.value.value)?.alias(self.fresh("k")));
            let (arguments, mut layouts) =
                self.aggregate_columns(std::slice::from_ref(&level.aggregate), list.len())?;
            list.extend(arguments);
            let ty = level
                .aggregate
                .outputs
                .first()
                .map_or(ScalarType::Long, |one| one.1);
            present.push((level.value.column, level.value.value.ty));
            present.push((level.aggregate_column, ty));
            prepared.push(Level {
                count,
                value,
                ty: level.value.value.ty,
                layout: layouts.remove(0),
                ascending: level.ascending,
                others: self.optional(level.others.as_ref())?,
            });
        }
        let plan = LogicalPlanBuilder::from(flow.plan)
            .project(list)
            .and_then(LogicalPlanBuilder::build)
            .ours()?;
        let types: Vec<ScalarType> = present.iter().map(|(_, ty)| *ty).collect();
        let flow = self.whole(
            "top-nested",
            vec![plan],
            &present,
            move |mut batches, schema| {
                let batch = batches.remove(0);
                let mut rows = Vec::new();
                let all: Vec<usize> = (0..batch.num_rows()).collect();
                descend(&batch, &prepared, &all, &mut Vec::new(), &mut rows)?;
                let columns: Vec<ArrayRef> = types
                    .iter()
                    .enumerate()
                    .map(|(at, ty)| {
                        let mut builder = Builder::new(*ty, rows.len());
                        for row in &rows {
                            let row: &Vec<Datum<'static>> = row;
                            builder.push(&row[at]);
                        }
                        builder.finish()
                    })
                    .collect();
                Ok(super::slices(&batch_of(schema, columns, rows.len())?))
            },
        )?;
        self.keep(flow, columns)
    }
}

fn descend(
    batch: &RecordBatch,
    levels: &[Level],
    rows: &[usize],
    path: &mut Vec<Datum<'static>>,
    out: &mut Vec<Vec<Datum<'static>>>,
) -> Result<(), EngineError> {
    let Some((level, deeper)) = levels.split_first() else {
        out.push(path.clone());
        return Ok(());
    };
    let chosen = arrow::array::UInt64Array::from_iter_values(rows.iter().map(|row| *row as u64));
    let values = arrow::compute::take(batch.column(level.value), &chosen, None).ours()?;
    let mut groups = Groups::new(vec![level.ty])?;
    let numbers = groups.assign(&[values])?;
    let count = groups.len();
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (row, group) in rows.iter().zip(&numbers) {
        members[*group].push(*row);
    }
    let mut ranked: Vec<_> = aggregated(batch, level, rows, &numbers, count)?
        .into_iter()
        .enumerate()
        .collect();
    ranked.sort_by(|one, two| {
        let ordering = order(&one.1, &two.1).unwrap_or(Ordering::Equal);
        if level.ascending {
            ordering
        } else {
            ordering.reverse()
        }
    });
    let keys = groups.finish()?;
    let reader = Reader::new(&keys[0], level.ty);
    let rest = ranked.split_off(level.count.min(count));
    for (group, value) in ranked {
        path.push(reader.get(group).into_owned());
        path.push(value);
        descend(batch, deeper, &members[group], path, out)?;
        path.truncate(path.len() - 2);
    }
    let rest: Vec<usize> = rest
        .into_iter()
        .flat_map(|(group, _)| std::mem::take(&mut members[group]))
        .collect();
    if !rest.is_empty() && levels.iter().any(|level| level.others.is_some()) {
        let mut row = path.clone();
        for level in levels {
            row.extend(remainder(batch, level, &rest)?);
        }
        out.push(row);
    }
    Ok(())
}

/// What a level shows of the rows that made it to the top neither here nor above.
fn remainder(
    batch: &RecordBatch,
    level: &Level,
    rows: &[usize],
) -> Result<[Datum<'static>; 2], EngineError> {
    let Some(others) = &level.others else {
        return Ok([Datum::Null, Datum::Null]);
    };
    let together = vec![0; rows.len()];
    let value = aggregated(batch, level, rows, &together, 1)?.remove(0);
    Ok([others.clone(), value])
}

/// The level's aggregate of each group; `groups` has the group of each row.
fn aggregated(
    batch: &RecordBatch,
    level: &Level,
    rows: &[usize],
    groups: &[usize],
    count: usize,
) -> Result<Vec<Datum<'static>>, EngineError> {
    let mut prepared = level.layout.prepared();
    prepared.state.grow(count);
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
    for (row, group) in rows.iter().zip(groups) {
        if filter.is_some_and(|filter| filter.get(*row).as_bool() != Some(true)) {
            continue;
        }
        arguments_of(&readers, *row, &mut arguments);
        prepared.state.update(*group, &arguments)?;
    }
    (0..count)
        .map(|group| {
            let mut outputs = prepared.state.finish(group)?;
            Ok(if outputs.is_empty() {
                Datum::Null
            } else {
                outputs.swap_remove(0)
            })
        })
        .collect()
}
