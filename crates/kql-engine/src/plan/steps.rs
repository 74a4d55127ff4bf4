//! The operators that DataFusion has, and the way to the others.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, RecordBatchOptions};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::logical_expr::{Expr as Native, LogicalPlanBuilder, SortExpr};
use kql_semantics::bound::{self, Assignment, ExprKind, Operator, SortKey, Step};
use kql_semantics::{ColumnId, ScalarType};

use super::summarize::{Prepared, Summarize};
use super::transform::Each;
use super::{Context, Flow, Planner, input_names, name, named};
use crate::EngineError;
use crate::aggregates::Aggregate;
use crate::column::Reader;
use crate::datum::Datum;
use crate::error::Foreign;
use crate::expression::{self, Compiled, Compiler, Node, kernel};

/// How many parts of one condition DataFusion sees by themselves.
const PARTS: usize = 64;

impl Planner<'_> {
    pub(super) fn step(
        &self,
        flow: Flow,
        step: &Step,
        context: Option<&Context>,
    ) -> Result<Flow, EngineError> {
        let columns = self.demanded(&step.columns);
        match &step.operator {
            Operator::Filter { predicate } => {
                let flow = self.filter(flow, predicate)?;
                self.keep(flow, &columns)
            }
            Operator::Compute { assignments } => self.compute(flow, assignments, &columns),
            Operator::Window { calls } => self.window(flow, calls),
            Operator::Aggregate { keys, aggregates } => {
                let flow = self.aggregate(flow, keys, aggregates, context)?;
                self.keep(flow, &columns)
            }
            Operator::Sort { keys } => {
                let flow = self.sort(flow, keys)?;
                self.keep(flow, &columns)
            }
            Operator::Take { count } | Operator::Sample { count } => {
                let count = self.count(count)?;
                let flow = self.take(flow, count)?;
                self.keep(flow, &columns)
            }
            Operator::Serialize => self.keep(flow, &columns),
            Operator::Join(join) => self.join(flow, join, &columns, context),
            Operator::MvExpand(expand) => self.mv_expand(flow, expand, &columns),
            Operator::MvApply(apply) => self.mv_apply(flow, apply, &columns),
            Operator::Partition {
                by,
                body,
                apart,
                most,
            } => self.partition(flow, (*by, *most), (body, apart.as_ref()), &columns),
            Operator::Parse(parse) => self.parse(flow, parse, &columns),
            Operator::ParseKv(parse) => self.parse_kv(flow, parse, &columns),
            Operator::MakeSeries(series) => self.make_series(flow, series, &columns),
            Operator::TopNested { levels } => self.top_nested(flow, levels, &columns),
            Operator::Scan(scan) => self.scan_steps(flow, scan, &columns),
            Operator::Graph(graph) => self.graph(flow, graph, step, &columns, context),
            Operator::Reduce { .. } => Err(EngineError::unsupported(
                "operator reduce",
                step.span.range(),
            )),
            Operator::Plugin {
                name,
                arguments,
                outputs,
            } => self.plugin(flow, name, arguments, outputs, step, context),
            Operator::Enrich {
                name,
                arguments,
                outputs,
            } => self.enrich(flow, name, arguments, outputs, step),
        }
    }

    pub(super) fn filter(&self, flow: Flow, predicate: &bound::Expr) -> Result<Flow, EngineError> {
        // Each part by itself, so that DataFusion can push each as deep as it goes; it compares each
        // with every other, so that of very many the last ones stay together.
        let (parts, rest) = match &predicate.kind {
            ExprKind::And(parts) if parts.len() > PARTS => {
                let (first, rest) = parts.split_at(PARTS);
                let rest = bound::Expr {
                    kind: ExprKind::And(rest.to_vec()),
                    ..*predicate
                };
                (first, Some(rest))
            }
            ExprKind::And(parts) => (parts.as_slice(), None),
            _ => (std::slice::from_ref(predicate), None),
        };
        let mut all: Option<Native> = None;
        for part in parts.iter().chain(&rest) {
            let native = self.native(part)?;
            all = Some(match all {
                Some(before) => before.and(native),
                None => native,
            });
        }
        let Some(all) = all else { return Ok(flow) };
        let plan = LogicalPlanBuilder::from(flow.plan)
            .filter(all)
            .and_then(LogicalPlanBuilder::build)
            .ours()?;
        Ok(Flow { plan, ..flow })
    }

    fn compute(
        &self,
        flow: Flow,
        assignments: &[Assignment],
        columns: &[(ColumnId, ScalarType)],
    ) -> Result<Flow, EngineError> {
        let mut computed = Vec::with_capacity(assignments.len());
        let seen = assignments
            .iter()
            .filter(|one| columns.iter().any(|(id, _)| *id == one.column));
        for assignment in seen {
            computed.push((assignment.column, self.native(&assignment.value)?));
        }
        self.project(flow, columns, computed)
    }

    /// The aggregates, ready to run, over columns appended after `first`.
    pub(super) fn aggregate_columns(
        &self,
        aggregates: &[bound::Aggregate],
        first: usize,
    ) -> Result<(Vec<Native>, Vec<Layout>), EngineError> {
        let mut list = Vec::new();
        let mut layouts = Vec::new();
        for one in aggregates {
            let mut constants = Vec::new();
            let mut arguments = Vec::new();
            for argument in &one.arguments {
                let mut compiler = Compiler::new(self);
                let compiled = compiler.compile(argument)?;
                constants.push(compiled.as_constant().cloned());
                let columns = input_names(&compiler)?;
                arguments.push(first + list.len());
                list.push(expression::call(compiled, &columns).alias(self.fresh("a")));
            }
            let filter = match &one.filter {
                Some(filter) => {
                    list.push(self.native(filter)?.alias(self.fresh("a")));
                    Some(first + list.len() - 1)
                }
                None => None,
            };
            let aggregate = Arc::new(Aggregate::new(one, constants));
            if aggregate.state().is_none() {
                return Err(EngineError::unsupported(
                    format!("aggregate {}()", one.function.name),
                    one.span.range(),
                ));
            }
            layouts.push(Layout {
                aggregate,
                arguments,
                filter,
            });
        }
        Ok((list, layouts))
    }

    fn aggregate(
        &self,
        flow: Flow,
        keys: &[Assignment],
        aggregates: &[bound::Aggregate],
        context: Option<&Context>,
    ) -> Result<Flow, EngineError> {
        let mut list: Vec<Native> = flow.carried.iter().map(|name| named(name)).collect();
        let mut key_types = vec![ScalarType::Long; flow.carried.len()];
        let mut columns = Vec::new();
        for key in keys {
            list.push(self.native(&key.value)?.alias(self.fresh("k")));
            key_types.push(key.value.ty);
            columns.push((key.column, key.value.ty));
        }
        let (arguments, layouts) = self.aggregate_columns(aggregates, list.len())?;
        list.extend(arguments);
        if list.is_empty() {
            list.push(self.nothing());
        }
        for one in aggregates {
            columns.extend(one.outputs.iter().copied());
        }
        let plan = LogicalPlanBuilder::from(flow.plan)
            .project(list)
            .and_then(LogicalPlanBuilder::build)
            .ours()?;
        let schema = self.schema_of(&flow.carried, &columns);
        // Inside a body every part has its row, also when it has no rows left.
        let seeded = keys.is_empty() && !flow.carried.is_empty();
        let inputs = match (seeded, context) {
            (true, Some(context)) => vec![context.parts.clone(), plan],
            _ => vec![plan],
        };
        let seeded = inputs.len() == 2;
        let out = Arc::clone(&schema);
        let plan = self.transform(
            "summarize",
            inputs,
            schema,
            Arc::new(move || {
                let prepared = layouts.iter().map(Layout::prepared).collect();
                Box::new(Summarize::new(
                    key_types.clone(),
                    prepared,
                    Arc::clone(&out),
                    seeded,
                ))
            }),
        )?;
        Ok(Flow {
            plan,
            columns,
            carried: flow.carried,
        })
    }

    /// Adds the number of each row as a last column.
    pub(super) fn numbered(&self, flow: Flow) -> Result<(Flow, String), EngineError> {
        let number = self.fresh("r");
        let base = self.schema_of(&flow.carried, &flow.columns);
        let flow = self.laid_out(flow)?;
        let mut fields: Vec<Arc<Field>> = base.fields().iter().cloned().collect();
        fields.push(Arc::new(Field::new(&number, DataType::Int64, true)));
        let schema = Arc::new(Schema::new(fields));
        let out = Arc::clone(&schema);
        let plan = self.transform(
            "number",
            vec![flow.plan],
            schema,
            Arc::new(move || {
                let schema = Arc::clone(&out);
                let mut next: i64 = 0;
                Box::new(Each(move |_, batch: RecordBatch| {
                    let rows = i64::try_from(batch.num_rows()).unwrap_or(i64::MAX);
                    let numbers: ArrayRef =
                        Arc::new(Int64Array::from_iter_values(next..next + rows));
                    next += rows;
                    let mut columns = batch.columns()[..schema.fields().len() - 1].to_vec();
                    columns.push(numbers);
                    RecordBatch::try_new(Arc::clone(&schema), columns).ours()
                }))
            }),
        )?;
        Ok((Flow { plan, ..flow }, number))
    }

    /// Puts the columns in the order of [`Flow`]: carried, then its own, nothing else.
    pub(super) fn laid_out(&self, flow: Flow) -> Result<Flow, EngineError> {
        let columns = flow.columns.clone();
        self.project(flow, &columns, Vec::new())
    }

    pub(super) fn sort(&self, flow: Flow, keys: &[SortKey]) -> Result<Flow, EngineError> {
        let mut list: Vec<SortExpr> = flow
            .carried
            .iter()
            .map(|name| SortExpr::new(named(name), true, true))
            .collect();
        for key in keys {
            // NaN stands on the side of the nulls.
            let lowest = key.descending != key.nulls_first;
            let native = self.sortable(&key.value, lowest)?;
            list.push(SortExpr::new(native, !key.descending, key.nulls_first));
        }
        let columns = flow.columns.clone();
        let (flow, number) = self.numbered(flow)?;
        // Rows that compare equal keep their order.
        list.push(SortExpr::new(named(&number), true, true));
        let plan = LogicalPlanBuilder::from(flow.plan)
            .sort(list)
            .and_then(LogicalPlanBuilder::build)
            .ours()?;
        self.project(Flow { plan, ..flow }, &columns, Vec::new())
    }

    /// A sort key whose Arrow order is the language's, with NaN below or above every number.
    fn sortable(&self, value: &bound::Expr, lowest_nan: bool) -> Result<Native, EngineError> {
        let mut compiler = Compiler::new(self);
        let compiled = compiler.compile(value)?;
        let columns = input_names(&compiler)?;
        let (body, ty) = match value.ty {
            ScalarType::Real => (
                kernel(move |values| {
                    Ok(match &values[0] {
                        Datum::Real(number) if number.is_nan() => {
                            Datum::Real(f64::NAN.copysign(if lowest_nan { -1.0 } else { 1.0 }))
                        }
                        Datum::Real(number) => Datum::Real(*number + 0.0),
                        other => other.clone(),
                    })
                }),
                ScalarType::Real,
            ),
            ScalarType::Decimal => (
                kernel(|values| Ok(values[0].as_real().map_or(Datum::Null, Datum::Real))),
                ScalarType::Real,
            ),
            ScalarType::Dynamic => {
                return Err(EngineError::unsupported(
                    "sorting by a dynamic value",
                    value.span.range(),
                ));
            }
            _ => return Ok(expression::call(compiled, &columns)),
        };
        let compiled = Compiled {
            node: Node::Kernel(body, vec![compiled]),
            ty,
        };
        Ok(expression::call(compiled, &columns))
    }

    /// Rows of a part next to each other again, in the order of the parts.
    pub(super) fn by_part(&self, flow: Flow) -> Result<Flow, EngineError> {
        self.sort(flow, &[])
    }

    pub(super) fn take(&self, flow: Flow, count: usize) -> Result<Flow, EngineError> {
        if flow.carried.is_empty() {
            let plan = LogicalPlanBuilder::from(flow.plan)
                .limit(0, Some(count))
                .and_then(LogicalPlanBuilder::build)
                .ours()?;
            return Ok(Flow { plan, ..flow });
        }
        let flow = self.laid_out(flow)?;
        let schema = self.schema_of(&flow.carried, &flow.columns);
        let keys = flow.carried.len();
        let plan = self.transform(
            "take",
            vec![flow.plan],
            schema,
            Arc::new(move || {
                let mut part: Vec<i64> = Vec::new();
                let mut taken = 0;
                Box::new(Each(move |_, batch: RecordBatch| {
                    let mask: BooleanArray = (0..batch.num_rows())
                        .map(|row| {
                            let now = part_of(&batch, keys, row);
                            if now != part {
                                part = now;
                                taken = 0;
                            }
                            taken += 1;
                            Some(taken <= count)
                        })
                        .collect();
                    filter_record_batch(&batch, &mask).ours()
                }))
            }),
        )?;
        Ok(Flow { plan, ..flow })
    }

    /// Columns as they are, but strings without nulls (after an outer join).
    pub(super) fn without_null_text(&self, flow: Flow) -> Result<Flow, EngineError> {
        let computed = flow
            .columns
            .iter()
            .filter(|(_, ty)| *ty == ScalarType::String)
            .map(|(id, ty)| {
                let inner = Compiled {
                    node: Node::Input(0),
                    ty: *ty,
                };
                let body = kernel(|values| Ok(values[0].clone()));
                let compiled = Compiled {
                    node: Node::Kernel(body, vec![inner]),
                    ty: *ty,
                };
                (*id, expression::call(compiled, &[name(*id)]))
            })
            .collect();
        let columns = flow.columns.clone();
        self.project(flow, &columns, computed)
    }
}

/// The part a row belongs to.
pub(super) fn part_of(batch: &RecordBatch, keys: usize, row: usize) -> Vec<i64> {
    (0..keys)
        .map(|at| {
            Reader::new(batch.column(at), ScalarType::Long)
                .get(row)
                .as_long()
                .unwrap_or(i64::MIN)
        })
        .collect()
}

/// An aggregate and where its columns are, to make a state from for each run.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) aggregate: Arc<Aggregate>,
    pub(super) arguments: Vec<usize>,
    pub(super) filter: Option<usize>,
}

impl Layout {
    pub(super) fn prepared(&self) -> Prepared {
        Prepared {
            state: self
                .aggregate
                .state()
                .unwrap_or_else(crate::aggregates::nothing),
            aggregate: Arc::clone(&self.aggregate),
            arguments: self.arguments.clone(),
            filter: self.filter,
        }
    }
}

/// A batch of these columns.
pub(super) fn batch_of(
    schema: &arrow::datatypes::SchemaRef,
    columns: Vec<ArrayRef>,
    rows: usize,
) -> Result<RecordBatch, EngineError> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options).ours()
}
