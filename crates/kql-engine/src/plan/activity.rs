//! `evaluate`: plugins over the activity of ids in time, and over rows near others.

use std::collections::{BTreeMap, HashMap, HashSet};

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use kql_semantics::ScalarType;
use kql_semantics::bound::{Column, Expr, PluginArgument, Step};

use super::steps::batch_of;
use super::{Flow, Planner, encode};
use crate::EngineError;
use crate::column::{Builder, Reader};
use crate::datum::Datum;
use crate::error::Foreign;

/// The constant arguments of a plugin and its columns.
#[derive(Clone, Copy)]
struct Window {
    start: i64,
    end: i64,
    step: i64,
}

/// One row of what a plugin counts: an id at a time.
struct Event {
    time: i64,
    id: Vec<u8>,
    group: usize,
}

/// Events by their dimensions, in the order of time.
struct Events {
    list: Vec<Event>,
    groups: Vec<Vec<Datum<'static>>>,
}

fn events(batch: &RecordBatch, from: usize, ty: &[ScalarType], window: &Window) -> Events {
    let readers: Vec<Reader<'_>> = ty
        .iter()
        .enumerate()
        .map(|(at, ty)| Reader::new(batch.column(from + at), *ty))
        .collect();
    let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut found = Events {
        list: Vec::new(),
        groups: Vec::new(),
    };
    for row in 0..batch.num_rows() {
        let Some(time) = readers[1].get(row).as_long() else {
            continue;
        };
        if time < window.start || time > window.end {
            continue;
        }
        let mut id = Vec::new();
        encode(&readers[0].get(row), &mut id);
        let mut key = Vec::new();
        for reader in &readers[2..] {
            encode(&reader.get(row), &mut key);
        }
        let group = *places.entry(key).or_insert_with(|| {
            let values = readers[2..].iter().map(|one| one.get(row).into_owned());
            found.groups.push(values.collect());
            found.groups.len() - 1
        });
        found.list.push(Event { time, id, group });
    }
    found.list.sort_by_key(|event| event.time);
    found
}

/// Counts per bin and group; the numbers follow the columns of the plugin.
type Counts = BTreeMap<(i64, usize), Vec<i64>>;

fn activity(events: &Events, step: i64) -> Counts {
    let mut counts = Counts::new();
    let mut known: HashSet<(usize, &[u8])> = HashSet::new();
    let mut here: HashSet<(i64, usize, &[u8])> = HashSet::new();
    let mut totals = vec![0; events.groups.len()];
    for event in &events.list {
        let bin = event.time.div_euclid(step) * step;
        let row = counts
            .entry((bin, event.group))
            .or_insert_with(|| vec![0; 4]);
        row[0] += 1;
        row[1] += i64::from(here.insert((bin, event.group, &event.id)));
        if known.insert((event.group, &event.id)) {
            row[2] += 1;
            totals[event.group] += 1;
        }
        row[3] = totals[event.group];
    }
    counts
}

/// A session of an id begins where it was not seen for the length of `gap`.
fn sessions(events: &Events, step: i64, gap: i64) -> Counts {
    let mut counts = Counts::new();
    let mut last: HashMap<(usize, &[u8]), i64> = HashMap::new();
    for event in &events.list {
        let bin = event.time.div_euclid(step) * step;
        let row = counts.entry((bin, event.group)).or_insert_with(|| vec![0]);
        let before = last.insert((event.group, &event.id), event.time);
        if before.is_none_or(|before| event.time.saturating_sub(before) >= gap) {
            row[0] += 1;
        }
    }
    counts
}

impl Planner<'_> {
    /// `activity_counts_metrics` and `session_count`.
    pub(super) fn activity(
        &self,
        flow: Flow,
        name: &'static str,
        arguments: &[PluginArgument],
        outputs: &[Column],
        step: &Step,
    ) -> Result<Flow, EngineError> {
        let span = step.span.range();
        let mut values: Vec<&Expr> = Vec::new();
        for argument in arguments {
            match argument {
                PluginArgument::Value(value) => values.push(value),
                PluginArgument::Table(_) => {
                    return Err(EngineError::unsupported(
                        format!("{name} with a table"),
                        span,
                    ));
                }
            }
        }
        let number = |at: usize| -> Result<i64, EngineError> {
            let value = self.constant(values[at])?;
            value.as_long().ok_or_else(|| EngineError::Runtime {
                message: format!("{name} needs a constant here"),
                span: Some(values[at].span.range()),
            })
        };
        let window = Window {
            start: number(2)?,
            end: number(3)?,
            step: number(4)?,
        };
        if window.step <= 0 {
            return Err(EngineError::Runtime {
                message: format!("the step of {name} must be positive"),
                span: Some(values[4].span.range()),
            });
        }
        let is_sessions = name == "session_count";
        if !is_sessions && window.start.rem_euclid(window.step) != 0 {
            return Err(EngineError::unsupported(
                format!("{name} with a start inside of a step"),
                values[2].span.range(),
            ));
        }
        let gap = if is_sessions { number(5)? } else { 0 };
        let fixed = if is_sessions { 6 } else { 5 };
        let read: Vec<&Expr> = values[..2]
            .iter()
            .chain(&values[fixed..])
            .copied()
            .collect();
        let read_types: Vec<ScalarType> = read.iter().map(|one| one.ty).collect();
        let from = flow.columns.len();
        let (plan, _) = self.with_values(&flow, &read)?;
        let present: Vec<_> = outputs.iter().map(|one| (one.id, one.ty)).collect();
        let out_types: Vec<ScalarType> = outputs.iter().map(|one| one.ty).collect();
        let found = self.whole(name, vec![plan], &present, move |batches, schema| {
            let events = events(&batches[0], from, &read_types, &window);
            let counts = if is_sessions {
                sessions(&events, window.step, gap)
            } else {
                activity(&events, window.step)
            };
            let mut builders: Vec<Builder> = out_types
                .iter()
                .map(|ty| Builder::new(*ty, counts.len()))
                .collect();
            for ((bin, group), row) in &counts {
                let time = match out_types[0] {
                    ScalarType::DateTime => Datum::DateTime(*bin),
                    ScalarType::TimeSpan => Datum::TimeSpan(*bin),
                    _ => Datum::Long(*bin),
                };
                let numbers: Vec<Datum<'_>> = row.iter().map(|one| Datum::Long(*one)).collect();
                let all = std::iter::once(&time)
                    .chain(&events.groups[*group])
                    .chain(&numbers);
                for (builder, value) in builders.iter_mut().zip(all) {
                    builder.push(value);
                }
            }
            let columns = builders.into_iter().map(Builder::finish).collect();
            Ok(super::slices(&batch_of(schema, columns, counts.len())?))
        })?;
        self.keep(found, &self.demanded(&step.columns))
    }

    /// `rows_near`: rows that fit a condition, and so many before and after each.
    pub(super) fn rows_near(
        &self,
        flow: Flow,
        arguments: &[PluginArgument],
        step: &Step,
    ) -> Result<Flow, EngineError> {
        let [PluginArgument::Value(condition), rest @ ..] = arguments else {
            return Err(EngineError::unsupported(
                "rows_near without a condition",
                step.span.range(),
            ));
        };
        let mut distances = Vec::new();
        for argument in rest {
            if let PluginArgument::Value(value) = argument {
                distances.push(self.count(value)?);
            }
        }
        let before = distances.first().copied().unwrap_or(0);
        let after = distances.get(1).copied().unwrap_or(before);
        let width = flow.columns.len();
        let (plan, _) = self.with_values(&flow, &[condition])?;
        let present = flow.columns.clone();
        let found = self.whole("rows_near", vec![plan], &present, move |batches, schema| {
            let batch = &batches[0];
            let flags = Reader::new(batch.column(width), ScalarType::Bool);
            let rows = batch.num_rows();
            // How many ranges begin and end at a row.
            let mut edges = vec![0_i64; rows + 1];
            for row in 0..rows {
                if flags.get(row).as_bool() == Some(true) {
                    edges[row.saturating_sub(before)] += 1;
                    edges[rows.min(row.saturating_add(after).saturating_add(1))] -= 1;
                }
            }
            let mut open = 0;
            let mask: BooleanArray = edges[..rows]
                .iter()
                .map(|edge| {
                    open += edge;
                    Some(open > 0)
                })
                .collect();
            let columns = batch.columns()[..width].to_vec();
            let all = batch_of(schema, columns, rows)?;
            Ok(super::slices(&filter_record_batch(&all, &mask).ours()?))
        })?;
        self.keep(found, &self.demanded(&step.columns))
    }
}
