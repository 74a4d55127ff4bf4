//! `evaluate`: look-ups of addresses in tables of networks.

use std::collections::HashMap;

use arrow::array::{RecordBatch, UInt64Array, new_null_array};
use arrow::compute::take;
use kql_semantics::bound::{Column, Expr, Pipeline, PluginArgument, Step};
use kql_semantics::{ColumnId, ScalarType};

use super::steps::batch_of;
use super::{Context, Flow, Planner, encode};
use crate::EngineError;
use crate::column::{Builder, Reader};
use crate::datum::Datum;
use crate::error::Foreign;
use crate::functions::networks;

/// Networks by the number of their bits, longest first.
pub(super) struct Networks {
    sizes: Vec<u32>,
    rows: HashMap<(u32, u128), Vec<u64>>,
}

impl Networks {
    pub(super) fn new(found: impl Iterator<Item = (u64, Option<(u128, u32)>)>) -> Self {
        let mut rows: HashMap<(u32, u128), Vec<u64>> = HashMap::new();
        for (row, network) in found {
            if let Some((address, bits)) = network {
                rows.entry((bits, networks::mask6(address, bits)))
                    .or_default()
                    .push(row);
            }
        }
        let mut sizes: Vec<u32> = rows.keys().map(|(bits, _)| *bits).collect();
        sizes.sort_unstable();
        sizes.dedup();
        sizes.reverse();
        Self { sizes, rows }
    }

    /// The rows of the narrowest network around an address.
    pub(super) fn around(&self, address: u128) -> &[u64] {
        self.sizes
            .iter()
            .find_map(|bits| self.rows.get(&(*bits, networks::mask6(address, *bits))))
            .map_or(&[], Vec::as_slice)
    }
}

/// The values of a row's columns from a place on, to tell rows apart by.
fn key_of(batch: &RecordBatch, from: usize, types: &[ScalarType], row: usize) -> Vec<u8> {
    let mut key = Vec::new();
    for (at, ty) in types.iter().enumerate() {
        encode(
            &Reader::new(batch.column(from + at), *ty).get(row),
            &mut key,
        );
    }
    key
}

impl Planner<'_> {
    pub(super) fn plugin(
        &self,
        flow: Flow,
        name: &str,
        arguments: &[PluginArgument],
        outputs: &[Column],
        step: &Step,
        context: Option<&Context>,
    ) -> Result<Flow, EngineError> {
        match (name, arguments) {
            (
                "ipv4_lookup" | "ipv6_lookup",
                [
                    PluginArgument::Table(table),
                    PluginArgument::Value(ours),
                    PluginArgument::Value(theirs),
                    PluginArgument::Value(unmatched),
                    more @ ..,
                ],
            ) if flow.carried.is_empty() => {
                let more: Vec<&Expr> = more
                    .iter()
                    .filter_map(|argument| match argument {
                        PluginArgument::Value(value) => Some(value),
                        PluginArgument::Table(_) => None,
                    })
                    .collect();
                let unmatched = self.constant(unmatched)?.as_bool() == Some(true);
                let only_four = name == "ipv4_lookup";
                let (mut left, mut right) = (vec![ours], vec![theirs]);
                for pair in more.chunks_exact(2) {
                    left.push(pair[0]);
                    right.push(pair[1]);
                }
                let columns = self.demanded(&step.columns);
                self.lookup(
                    flow,
                    table,
                    (&left, &right),
                    outputs,
                    (unmatched, only_four),
                    &columns,
                    context,
                )
            }
            ("activity_counts_metrics", _) if flow.carried.is_empty() => {
                self.activity(flow, "activity_counts_metrics", arguments, outputs, step)
            }
            ("session_count", _) if flow.carried.is_empty() => {
                self.activity(flow, "session_count", arguments, outputs, step)
            }
            ("narrow", _) if flow.carried.is_empty() => self.narrow(flow, arguments, outputs, step),
            ("rows_near", _) if flow.carried.is_empty() => self.rows_near(flow, arguments, step),
            _ => Err(EngineError::unsupported(
                format!("plugin {name}"),
                step.span.range(),
            )),
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "everything a look-up is written with"
    )]
    fn lookup(
        &self,
        flow: Flow,
        table: &Pipeline,
        (ours, theirs): (&[&Expr], &[&Expr]),
        outputs: &[Column],
        (unmatched, only_four): (bool, bool),
        columns: &[(ColumnId, ScalarType)],
        context: Option<&Context>,
    ) -> Result<Flow, EngineError> {
        let right = self.pipeline(table, context)?;
        let right = self.choose(right, outputs)?;
        let (left_plan, _) = self.with_values(&flow, ours)?;
        let (right_plan, _) = self.with_values(&right, theirs)?;
        let (left_width, right_width) = (flow.columns.len(), right.columns.len());
        let mut present = flow.columns.clone();
        present.extend(&right.columns);
        let parse = move |text: &str| {
            if only_four && text.contains(':') {
                None
            } else {
                networks::ipv6(text)
            }
        };
        let types: Vec<ScalarType> = ours[1..].iter().map(|key| key.ty).collect();
        let plans = vec![left_plan, right_plan];
        let found = self.whole("lookup", plans, &present, move |batches, schema| {
            let (left, right) = (&batches[0], &batches[1]);
            let theirs = Reader::new(right.column(right_width), ScalarType::String);
            // Networks are looked up among those whose further keys are the same.
            let mut networks: HashMap<Vec<u8>, Vec<u64>> = HashMap::new();
            for row in 0..right.num_rows() {
                let key = key_of(right, right_width + 1, &types, row);
                networks.entry(key).or_default().push(row as u64);
            }
            let networks: HashMap<Vec<u8>, Networks> = networks
                .into_iter()
                .map(|(key, rows)| {
                    #[expect(clippy::cast_possible_truncation, reason = "it was a row's number")]
                    let found = rows
                        .into_iter()
                        .map(|row| (row, parse(&theirs.get(row as usize).display())));
                    (key, Networks::new(found))
                })
                .collect();
            let ours = Reader::new(left.column(left_width), ScalarType::String);
            let (mut from, mut into): (Vec<u64>, Vec<Option<u64>>) = (Vec::new(), Vec::new());
            for row in 0..left.num_rows() {
                let address = parse(&ours.get(row).display());
                let known = networks.get(&key_of(left, left_width + 1, &types, row));
                let rows = match (address, known) {
                    (Some((address, _)), Some(known)) => known.around(address),
                    _ => &[],
                };
                for other in rows {
                    from.push(row as u64);
                    into.push(Some(*other));
                }
                if rows.is_empty() && unmatched {
                    from.push(row as u64);
                    into.push(None);
                }
            }
            let count = from.len();
            let (from, into) = (UInt64Array::from(from), UInt64Array::from(into));
            let mut arrays = Vec::new();
            for at in 0..left_width {
                arrays.push(take(left.column(at), &from, None).ours()?);
            }
            for at in 0..right_width {
                let column = right.column(at);
                arrays.push(if right.num_rows() == 0 {
                    new_null_array(column.data_type(), count)
                } else {
                    take(column, &into, None).ours()?
                });
            }
            Ok(super::slices(&batch_of(schema, arrays, count)?))
        })?;
        let found = self.without_null_text(found)?;
        self.keep(found, columns)
    }

    /// `narrow`: a row for each value, by row and then by column.
    fn narrow(
        &self,
        flow: Flow,
        arguments: &[PluginArgument],
        outputs: &[Column],
        step: &Step,
    ) -> Result<Flow, EngineError> {
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for pair in arguments.chunks_exact(2) {
            if let [PluginArgument::Value(name), PluginArgument::Value(value)] = pair {
                names.push(self.constant(name)?);
                values.push(value);
            }
        }
        let width = flow.columns.len();
        let (plan, _) = self.with_values(&flow, &values)?;
        let present: Vec<_> = outputs.iter().map(|one| (one.id, one.ty)).collect();
        let found = self.whole("narrow", vec![plan], &present, move |batches, schema| {
            let batch = &batches[0];
            let count = batch.num_rows() * names.len();
            let mut builders: Vec<Builder> =
                [ScalarType::Long, ScalarType::String, ScalarType::String]
                    .into_iter()
                    .map(|ty| Builder::new(ty, count))
                    .collect();
            let readers: Vec<Reader<'_>> = (0..names.len())
                .map(|at| Reader::new(batch.column(width + at), ScalarType::String))
                .collect();
            for row in 0..batch.num_rows() {
                for (name, reader) in names.iter().zip(&readers) {
                    builders[0].push(&Datum::Long(i64::try_from(row).unwrap_or(i64::MAX)));
                    builders[1].push(name);
                    builders[2].push(&reader.get(row));
                }
            }
            let columns = builders.into_iter().map(Builder::finish).collect();
            Ok(super::slices(&batch_of(schema, columns, count)?))
        })?;
        self.keep(found, &self.demanded(&step.columns))
    }
}
