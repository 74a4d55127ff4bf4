//! `evaluate`: look-ups of addresses in tables of networks.

use std::collections::HashMap;

use arrow::array::{UInt64Array, new_null_array};
use arrow::compute::take;
use kql_semantics::bound::{Column, Expr, Pipeline, PluginArgument, Step};
use kql_semantics::{ColumnId, ScalarType};

use super::steps::batch_of;
use super::{Context, Flow, Planner};
use crate::EngineError;
use crate::column::Reader;
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
                ],
            ) if flow.carried.is_empty() => {
                let unmatched = self.constant(unmatched)?.as_bool() == Some(true);
                let only_four = name == "ipv4_lookup";
                let keys = (ours, theirs);
                let columns = self.demanded(&step.columns);
                self.lookup(
                    flow,
                    table,
                    keys,
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
        (ours, theirs): (&Expr, &Expr),
        outputs: &[Column],
        (unmatched, only_four): (bool, bool),
        columns: &[(ColumnId, ScalarType)],
        context: Option<&Context>,
    ) -> Result<Flow, EngineError> {
        let right = self.pipeline(table, context)?;
        let right = self.choose(right, outputs)?;
        let (left_plan, _) = self.with_values(&flow, &[ours])?;
        let (right_plan, _) = self.with_values(&right, &[theirs])?;
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
        let plans = vec![left_plan, right_plan];
        let found = self.whole("lookup", plans, &present, move |batches, schema| {
            let (left, right) = (&batches[0], &batches[1]);
            let theirs = Reader::new(right.column(right_width), ScalarType::String);
            let networks = Networks::new(
                (0..right.num_rows()).map(|row| (row as u64, parse(&theirs.get(row).display()))),
            );
            let ours = Reader::new(left.column(left_width), ScalarType::String);
            let (mut from, mut into): (Vec<u64>, Vec<Option<u64>>) = (Vec::new(), Vec::new());
            for row in 0..left.num_rows() {
                let address = parse(&ours.get(row).display());
                let rows = address.map_or(&[][..], |(address, _)| networks.around(address));
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
                arrays.push(take(left.column(at), &from, None)?);
            }
            for at in 0..right_width {
                let column = right.column(at);
                arrays.push(if right.num_rows() == 0 {
                    new_null_array(column.data_type(), count)
                } else {
                    take(column, &into, None)?
                });
            }
            Ok(super::slices(&batch_of(schema, arrays, count)?))
        })?;
        let found = self.without_null_text(found)?;
        self.keep(found, columns)
    }
}
