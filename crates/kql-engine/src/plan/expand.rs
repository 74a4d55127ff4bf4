//! `mv-expand`, `mv-apply` and `partition`.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, UInt64Array};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::logical_expr::LogicalPlanBuilder;
use kql_semantics::bound::{Apart, BagExpansion, Expr, MvApply, MvExpand, MvItem, Pipeline};
use kql_semantics::{ColumnId, ScalarType};

use super::steps::batch_of;
use super::summarize::Groups;
use super::transform::{Each, Growing, Whole};
use super::{Context, Flow, Planner, named};
use crate::EngineError;
use crate::column::{Builder, Reader};
use crate::convert;
use crate::datum::Datum;
use crate::dynamic::{self, Dynamic};
use crate::error::Foreign;

/// More than this from one batch is refused: columns are repeated for every element.
const MOST_BYTES: usize = 2 << 30;

/// How rows are expanded.
#[derive(Clone)]
struct Expansion {
    /// Column of each item's array, type of its elements.
    items: Vec<(usize, ScalarType, ScalarType)>,
    bags: BagExpansion,
    index: bool,
    limit: usize,
}

/// The elements of one value; `None` when there is nothing to expand.
fn elements<'a>(value: &Datum<'a>, bags: BagExpansion) -> Option<Vec<Datum<'a>>> {
    // Columns lend their values.
    let Datum::Dynamic(Cow::Borrowed(bytes)) = value else {
        return (!value.is_null()).then(|| vec![value.clone()]);
    };
    match dynamic::view(bytes) {
        Dynamic::Array(items) => Some(items.iter().map(Datum::dynamic).collect()),
        Dynamic::Object(entries) => Some(
            entries
                .iter()
                .map(|(key, value)| {
                    Datum::dynamic(match bags {
                        BagExpansion::Bag => dynamic::object(&[(key, value)]),
                        BagExpansion::Array => {
                            dynamic::array(&[dynamic::string(key), value.to_vec()])
                        }
                    })
                })
                .collect(),
        ),
        _ => Some(vec![value.clone()]),
    }
}

/// An element as the type that `to typeof()` names: a number as a number, a whole one as a bool too,
/// and a text as a datetime or a guid, but no text as a number. Neither texts nor numbers are read
/// as a timespan or a decimal.
///
/// Source: <https://learn.microsoft.com/kusto/query/mv-expand-operator>
fn cast<'a>(value: &Datum<'a>, ty: ScalarType) -> Datum<'a> {
    use Datum::{Bool, DateTime, Decimal, Guid, Int, Long, Real, String, TimeSpan};

    let element = value.clone().unwrapped();
    let fits = match ty {
        ScalarType::String | ScalarType::Dynamic => true,
        ScalarType::Bool => matches!(element, Bool(_) | Int(_) | Long(_)),
        ScalarType::Int | ScalarType::Long | ScalarType::Real => {
            matches!(element, Int(_) | Long(_) | Real(_) | Decimal(_))
        }
        ScalarType::DateTime => matches!(element, String(_) | DateTime(_)),
        ScalarType::Guid => matches!(element, String(_) | Guid(_)),
        ScalarType::TimeSpan => matches!(element, TimeSpan(_)),
        ScalarType::Decimal => matches!(element, Decimal(_)),
    };
    if fits {
        convert::to_type(value, ty)
    } else {
        Datum::Null
    }
}

/// Expands a batch: its first `kept` columns are repeated, then come the elements.
fn expand(
    expansion: &Expansion,
    batch: &RecordBatch,
    kept: &[usize],
) -> Result<(Vec<ArrayRef>, usize), EngineError> {
    let mut origin: Vec<u64> = Vec::new();
    let mut index: Vec<i64> = Vec::new();
    let mut builders: Vec<Builder> = expansion
        .items
        .iter()
        .map(|(_, _, ty)| Builder::new(*ty, batch.num_rows()))
        .collect();
    let readers: Vec<Reader<'_>> = expansion
        .items
        .iter()
        .map(|(at, ty, _)| Reader::new(batch.column(*at), *ty))
        .collect();
    for row in 0..batch.num_rows() {
        let lists: Vec<Option<Vec<Datum<'_>>>> = readers
            .iter()
            .map(|reader| elements(&reader.get(row), expansion.bags))
            .collect();
        let mut count = lists.iter().flatten().map(Vec::len).max().unwrap_or(0);
        // What is null stays, with nulls; an empty array goes.
        if count == 0 && lists.iter().all(Option::is_none) {
            count = 1;
        }
        for element in 0..count.min(expansion.limit) {
            origin.push(row as u64);
            index.push(i64::try_from(element).unwrap_or(i64::MAX));
            for ((builder, list), (_, _, ty)) in
                builders.iter_mut().zip(&lists).zip(&expansion.items)
            {
                match list.as_ref().and_then(|list| list.get(element)) {
                    Some(value) => builder.push(&cast(value, *ty)),
                    None => builder.push(&Datum::Null),
                }
            }
        }
    }
    let rows = origin.len();
    let repeats = rows.div_ceil(batch.num_rows().max(1));
    let mut size = 0_usize;
    for at in kept {
        // Of the rows at hand: the column may be a piece of a larger one.
        size += batch.column(*at).to_data().get_slice_memory_size().ours()?;
    }
    if size.saturating_mul(repeats) > MOST_BYTES {
        return Err(EngineError::runtime(
            "expanding the rows would take gigabytes",
        ));
    }
    let origin = UInt64Array::from(origin);
    let mut columns = Vec::new();
    for at in kept {
        columns.push(take(batch.column(*at), &origin, None).ours()?);
    }
    columns.extend(builders.into_iter().map(Builder::finish));
    if expansion.index {
        columns.push(Arc::new(Int64Array::from(index)));
    }
    Ok((columns, rows))
}

impl Planner<'_> {
    fn limit_of(&self, limit: Option<&Expr>) -> Result<usize, EngineError> {
        limit.map_or(Ok(usize::MAX), |limit| self.count(limit))
    }

    /// The rows expanded: the flow's columns that `columns` names, then items and index.
    fn expanded(
        &self,
        flow: &Flow,
        kept: &[(ColumnId, ScalarType)],
        items: &[MvItem],
        index: Option<ColumnId>,
        (bags, limit): (BagExpansion, usize),
    ) -> Result<Flow, EngineError> {
        let values: Vec<_> = items.iter().map(|item| &item.value).collect();
        let (plan, _) = self.with_values(flow, &values)?;
        let base = flow.carried.len() + flow.columns.len();
        let expansion = Expansion {
            items: items
                .iter()
                .enumerate()
                .map(|(at, item)| (base + at, item.value.ty, item.ty))
                .collect(),
            bags,
            index: index.is_some(),
            limit,
        };
        let mut present = kept.to_vec();
        present.extend(items.iter().map(|item| (item.column, item.ty)));
        present.extend(index.map(|id| (id, ScalarType::Long)));
        let schema = self.schema_of(&flow.carried, &present);
        let out = Arc::clone(&schema);
        let kept: Vec<usize> = (0..flow.carried.len())
            .chain(kept.iter().filter_map(|column| {
                let at = flow.columns.iter().position(|own| own == column)?;
                Some(flow.carried.len() + at)
            }))
            .collect();
        let plan = self.transform(
            "mv-expand",
            vec![plan],
            schema,
            Arc::new(move || {
                let (out, expansion, kept) = (Arc::clone(&out), expansion.clone(), kept.clone());
                Box::new(Growing::new(move |batch: RecordBatch| {
                    let (columns, rows) = expand(&expansion, &batch, &kept)?;
                    batch_of(&out, columns, rows)
                }))
            }),
        )?;
        Ok(Flow {
            plan,
            columns: present,
            carried: flow.carried.clone(),
        })
    }

    pub(super) fn mv_expand(
        &self,
        flow: Flow,
        expand: &MvExpand,
        columns: &[(ColumnId, ScalarType)],
    ) -> Result<Flow, EngineError> {
        let limit = self.limit_of(expand.limit.as_ref())?;
        let how = (expand.bags, limit);
        // A column that nobody sees afterwards is not repeated: it may be the array itself.
        let kept: Vec<_> = flow
            .columns
            .iter()
            .filter(|column| columns.contains(column))
            .copied()
            .collect();
        let expanded = self.expanded(&flow, &kept, &expand.items, expand.index, how)?;
        self.keep(expanded, columns)
    }

    /// Rows at hand with the number of their part in front.
    fn parted(
        &self,
        flow: &Flow,
        all: &RecordBatch,
        parts: Vec<i64>,
        count: usize,
    ) -> Result<(Flow, Context), EngineError> {
        let part = self.fresh("p");
        let mut fields = vec![Arc::new(Field::new(&part, DataType::Int64, true))];
        fields.extend(all.schema().fields().iter().cloned());
        let schema = Arc::new(Schema::new(fields));
        let mut columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(parts))];
        columns.extend(all.columns().iter().cloned());
        let batch = batch_of(&schema, columns, all.num_rows())?;
        let plan = self.rows(&schema, super::slices(&batch))?;
        let inner = Flow {
            plan,
            columns: flow.columns.clone(),
            carried: vec![part.clone()],
        };
        let numbers = Arc::new(Schema::new(vec![Field::new(&part, DataType::Int64, true)]));
        let every: ArrayRef = Arc::new(Int64Array::from_iter_values(
            0..i64::try_from(count).unwrap_or(i64::MAX),
        ));
        let batch = batch_of(&numbers, vec![every], count)?;
        let parts = self.rows(&numbers, super::slices(&batch))?;
        Ok((inner.clone(), Context { flow: inner, parts }))
    }

    /// All rows of a flow, run now.
    pub(super) fn at_hand(&self, flow: &Flow) -> Result<RecordBatch, EngineError> {
        let laid = self.laid_out(flow.clone())?;
        let batches = self.run(&laid.plan)?;
        let schema = if flow.columns.is_empty() && flow.carried.is_empty() {
            Arc::new(laid.plan.schema().as_arrow().clone())
        } else {
            self.schema_of(&flow.carried, &flow.columns)
        };
        let batches = batches
            .into_iter()
            .map(|batch| {
                let rows = batch.num_rows();
                batch_of(&schema, batch.columns().to_vec(), rows)
            })
            .collect::<Result<Vec<_>, _>>()?;
        concat_batches(&schema, &batches).ours()
    }

    /// Runs a body over `count` parts: together, where its operators can.
    fn over_parts(
        &self,
        context: &Context,
        count: usize,
        (body, apart): (&Pipeline, Option<&Apart>),
        wanted: &[(ColumnId, ScalarType)],
    ) -> Result<Flow, EngineError> {
        if apart.is_none() {
            let together = self
                .pipeline(body, Some(context))
                .and_then(|flow| self.project(flow, wanted, Vec::new()));
            // An operator that does not tell parts apart may work on one part.
            if count == 0 || !matches!(together, Err(EngineError::Unsupported { .. })) {
                return together;
            }
        }
        let nothing = Apart {
            body: usize::MAX,
            order: Vec::new(),
        };
        let rows = self.at_hand(&context.flow)?;
        let given = (&rows, context.flow.columns.as_slice(), count);
        self.each_part(given, body, apart.unwrap_or(&nothing), wanted)
    }

    /// Runs a body for each of `count` parts by itself, over rows with the number of their part in
    /// front, which ascends.
    fn each_part(
        &self,
        (rows, columns, count): (&RecordBatch, &[(ColumnId, ScalarType)], usize),
        body: &Pipeline,
        apart: &Apart,
        wanted: &[(ColumnId, ScalarType)],
    ) -> Result<Flow, EngineError> {
        let numbers: Vec<i64> = {
            let reader = Reader::new(rows.column(0), ScalarType::Long);
            (0..rows.num_rows())
                .map(|row| reader.get(row).as_long().unwrap_or(0))
                .collect()
        };
        let part = self.fresh("p");
        let schema = self.schema_of(std::slice::from_ref(&part), wanted);
        let spent = self.budget.spent();
        let mut found = Vec::new();
        let mut start = 0;
        for number in (0_i64..).take(count) {
            if self.is_cancelled() {
                return Err(EngineError::runtime("the query was cancelled"));
            }
            let length = numbers[start..].partition_point(|one| *one <= number);
            let own = rows.columns()[1..]
                .iter()
                .map(|column| column.slice(start, length))
                .collect();
            start += length;
            let schema_of_part = self.schema_of(&[], columns);
            let plan = if columns.is_empty() {
                self.literal_rows(&[], Vec::new(), length)?.plan
            } else {
                let batch = batch_of(&schema_of_part, own, length)?;
                self.rows(&schema_of_part, super::slices(&batch))?
            };
            let flow = Flow {
                plan: plan.clone(),
                columns: columns.to_vec(),
                carried: Vec::new(),
            };
            let context = Context { flow, parts: plan };
            self.budget.again(spent);
            for batch in self.one_part(context, body, apart, wanted)? {
                let of_part: ArrayRef = Arc::new(Int64Array::from_value(number, batch.num_rows()));
                let mut all = vec![of_part];
                all.extend(batch.columns().iter().take(wanted.len()).cloned());
                found.push(batch_of(&schema, all, batch.num_rows())?);
            }
        }
        Ok(Flow {
            plan: self.rows(&schema, found)?,
            columns: wanted.to_vec(),
            carried: vec![part],
        })
    }

    fn one_part(
        &self,
        context: Context,
        body: &Pipeline,
        apart: &Apart,
        wanted: &[(ColumnId, ScalarType)],
    ) -> Result<Vec<RecordBatch>, EngineError> {
        let outside = self.parts.borrow_mut().insert(apart.body, context.clone());
        let run = || {
            self.prepare_all(&apart.order)?;
            let flow = self.pipeline(body, Some(&context))?;
            let flow = self.project(flow, wanted, Vec::new())?;
            self.run(&flow.plan)
        };
        let found = run();
        let mut parts = self.parts.borrow_mut();
        match outside {
            Some(outside) => parts.insert(apart.body, outside),
            None => parts.remove(&apart.body),
        };
        found
    }

    pub(super) fn mv_apply(
        &self,
        flow: Flow,
        apply: &MvApply,
        columns: &[(ColumnId, ScalarType)],
    ) -> Result<Flow, EngineError> {
        let outer = self.at_hand(&flow)?;
        let rows = outer.num_rows();
        let parts = (0..i64::try_from(rows).unwrap_or(i64::MAX)).collect();
        let flat = Flow {
            columns: flow.columns.clone(),
            carried: Vec::new(),
            plan: flow.plan.clone(),
        };
        // The parts of an enclosing body come back with the outer rows.
        let own = RecordBatch::try_new_with_options(
            self.schema_of(&[], &flow.columns),
            outer.columns()[outer.num_columns() - flow.columns.len()..].to_vec(),
            &arrow::array::RecordBatchOptions::new().with_row_count(Some(rows)),
        )
        .ours()?;
        let (inner, context) = self.parted(&flat, &own, parts, rows)?;
        let limit = self.limit_of(apply.limit.as_ref())?;
        let how = (BagExpansion::Bag, limit);
        let expanded = self.expanded(&inner, &inner.columns, &apply.items, apply.index, how)?;
        let context = Context {
            flow: expanded,
            parts: context.parts,
        };
        let body_columns: Vec<_> = columns
            .iter()
            .filter(|(id, _)| apply.body.columns.iter().any(|one| one.id == *id))
            .copied()
            .collect();
        let body = (&apply.body, apply.apart.as_ref());
        let body = self.over_parts(&context, rows, body, &body_columns)?;
        let kept: Vec<(usize, (ColumnId, ScalarType))> = columns
            .iter()
            .filter(|column| !body_columns.contains(column))
            .filter_map(|column| {
                let at = flow.columns.iter().position(|own| own == column)?;
                Some((flow.carried.len() + at, *column))
            })
            .collect();
        let mut present: Vec<_> = kept.iter().map(|(_, column)| *column).collect();
        present.extend(&body_columns);
        let schema = self.schema_of(&flow.carried, &present);
        let out = Arc::clone(&schema);
        let picked: Vec<usize> = (0..flow.carried.len())
            .chain(kept.iter().map(|(at, _)| *at))
            .collect();
        let plan = self.transform(
            "mv-apply",
            vec![body.plan],
            schema,
            Arc::new(move || {
                let (out, outer, picked) = (Arc::clone(&out), outer.clone(), picked.clone());
                Box::new(Each(move |_, batch: RecordBatch| {
                    let origin = batch.column(0);
                    let mut columns = Vec::new();
                    for at in &picked {
                        columns.push(take(outer.column(*at), origin, None).ours()?);
                    }
                    columns.extend(batch.columns()[1..].iter().cloned());
                    batch_of(&out, columns, batch.num_rows())
                }))
            }),
        )?;
        self.keep(
            Flow {
                plan,
                columns: present,
                carried: flow.carried,
            },
            columns,
        )
    }

    pub(super) fn partition(
        &self,
        flow: Flow,
        (by, most): (ColumnId, Option<usize>),
        (body, apart): (&Pipeline, Option<&Apart>),
        columns: &[(ColumnId, ScalarType)],
    ) -> Result<Flow, EngineError> {
        if !flow.carried.is_empty() {
            return Err(EngineError::Unsupported {
                what: "operator partition inside another body".to_owned(),
                span: None,
            });
        }
        let all = self.at_hand(&flow)?;
        let Some(at) = flow.columns.iter().position(|(id, _)| *id == by) else {
            return Err(EngineError::runtime("the column of partition is not there"));
        };
        let mut groups = Groups::new(vec![flow.columns[at].1])?;
        let numbers = groups.assign(&[Arc::clone(all.column(at))])?;
        if let Some(most) = most.filter(|most| groups.len() > *most) {
            return Err(EngineError::runtime(format!(
                "'partition' finds {} values and takes {most}; write hint.strategy=native after it",
                groups.len()
            )));
        }
        let mut order: Vec<usize> = (0..all.num_rows()).collect();
        order.sort_by_key(|row| numbers[*row]);
        let indices = UInt64Array::from_iter_values(order.iter().map(|row| *row as u64));
        let sorted: Vec<ArrayRef> = all
            .columns()
            .iter()
            .map(|column| take(column, &indices, None).ours())
            .collect::<Result<_, EngineError>>()?;
        let all = batch_of(&all.schema(), sorted, order.len())?;
        let parts = order
            .iter()
            .map(|row| i64::try_from(numbers[*row]).unwrap_or(i64::MAX))
            .collect();
        let (_, context) = self.parted(&flow, &all, parts, groups.len())?;
        let inner = self.over_parts(&context, groups.len(), (body, apart), columns)?;
        let part = inner.carried.clone();
        let list: Vec<_> = columns
            .iter()
            .map(|(id, _)| named(&super::name(*id)))
            .collect();
        debug_assert_eq!(part.len(), 1);
        let plan = LogicalPlanBuilder::from(inner.plan)
            .project(list)
            .and_then(LogicalPlanBuilder::build)
            .ours()?;
        Ok(Flow {
            plan,
            columns: columns.to_vec(),
            carried: Vec::new(),
        })
    }

    /// A transform over all rows of a flow, without parts.
    pub(super) fn whole(
        &self,
        name: &'static str,
        plans: Vec<datafusion::logical_expr::LogicalPlan>,
        columns: &[(ColumnId, ScalarType)],
        work: impl Fn(
            Vec<RecordBatch>,
            &arrow::datatypes::SchemaRef,
        ) -> Result<Vec<RecordBatch>, EngineError>
        + Send
        + Sync
        + Clone
        + 'static,
    ) -> Result<Flow, EngineError> {
        let inputs: Vec<_> = plans
            .iter()
            .map(|plan| Arc::new(plan.schema().as_arrow().clone()))
            .collect();
        let schema = self.schema_of(&[], columns);
        let out = Arc::clone(&schema);
        let plan = self.transform(
            name,
            plans,
            schema,
            Arc::new(move || {
                let (inputs, out, work) = (inputs.clone(), Arc::clone(&out), work.clone());
                Box::new(Whole::new(
                    inputs.len(),
                    move |batches: Vec<Vec<RecordBatch>>| {
                        let all = batches
                            .iter()
                            .zip(&inputs)
                            .map(|(batches, schema)| concat_batches(schema, batches).ours())
                            .collect::<Result<Vec<_>, EngineError>>()?;
                        work(all, &out)
                    },
                ))
            }),
        )?;
        Ok(Flow {
            plan,
            columns: columns.to_vec(),
            carried: Vec::new(),
        })
    }
}
