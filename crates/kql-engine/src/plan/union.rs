//! `union`: rows of several inputs, each widened to the columns of all.
//!
//! What follows a union and only leaves rows out is done to each input before it is widened: a
//! `search` over a whole schema looks at a table's own columns and builds wide rows of what it finds.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::ToDFSchema;
use datafusion::logical_expr::{EmptyRelation, LogicalPlan};
use kql_semantics::bound::{
    Expr, ExprKind, Operator, Pipeline, SetOperand, Source, Step, UnionColumn, Value,
};
use kql_semantics::{ColumnId, ScalarType};

use super::steps::batch_of;
use super::transform::Each;
use super::{Context, Flow, Planner};
use crate::EngineError;
use crate::column;
use crate::datum::Datum;
use crate::error::Foreign;

/// Where a column of the union comes from.
#[derive(Clone)]
enum Origin {
    Column(usize),
    Value(Datum<'static>),
}

impl Planner<'_> {
    /// The rows of the source, and the steps that are left.
    pub(super) fn beginning<'p>(
        &self,
        pipeline: &'p Pipeline,
        context: Option<&Context>,
    ) -> Result<(Flow, &'p [Step]), EngineError> {
        if !matches!(pipeline.source, Source::Union { .. }) {
            return Ok((self.source(&pipeline.source, context)?, &pipeline.steps));
        }
        let predicates: Vec<&Expr> = pipeline
            .steps
            .iter()
            .map_while(|step| match &step.operator {
                Operator::Filter { predicate } if is_local(predicate) => Some(predicate),
                _ => None,
            })
            .collect();
        let flow = self.union(&pipeline.source, &predicates, context)?;
        let Some(done) = predicates.len().checked_sub(1) else {
            return Ok((flow, &pipeline.steps));
        };
        let columns = self.demanded(&pipeline.steps[done].columns);
        let flow = self.keep(flow, &columns)?;
        Ok((flow, &pipeline.steps[done + 1..]))
    }

    /// All rows of all inputs that pass `predicates`, in the order of the inputs.
    pub(super) fn union(
        &self,
        source: &Source,
        predicates: &[&Expr],
        context: Option<&Context>,
    ) -> Result<Flow, EngineError> {
        let Source::Union {
            inputs,
            columns,
            source_column,
            source_names,
        } = source
        else {
            return self.source(source, context);
        };
        let columns: Vec<&UnionColumn> = columns
            .iter()
            .filter(|one| self.demanded.contains(&one.column.id))
            .collect();
        let source_column = source_column
            .as_ref()
            .filter(|column| self.demanded.contains(&column.id));
        let mut out: Vec<(ColumnId, ScalarType)> = source_column
            .iter()
            .map(|column| (column.id, column.ty))
            .collect();
        out.extend(columns.iter().map(|one| (one.column.id, one.column.ty)));

        let mut carried: Option<Vec<String>> = None;
        let mut plans = Vec::new();
        let mut layouts = Vec::new();
        for (at, input) in inputs.iter().enumerate() {
            let mut flow = self.pipeline(input, context)?;
            let label = source_names.get(at).map_or("", |name| name);
            for predicate in predicates {
                let mut own = (*predicate).clone();
                substitute(&mut own, &|id| {
                    if source_column.is_some_and(|column| column.id == id) {
                        return Some(ExprKind::Literal(Value::String(label.to_owned())));
                    }
                    let column = columns.iter().find(|one| one.column.id == id)?;
                    Some(match column.inputs.get(at).copied().flatten() {
                        Some(own) => ExprKind::Column(own),
                        None => ExprKind::Literal(Value::Null),
                    })
                });
                flow = self.filter(flow, &own)?;
            }
            match &carried {
                None => carried = Some(flow.carried.clone()),
                Some(others) if *others == flow.carried => {}
                Some(_) => {
                    return Err(EngineError::Unsupported {
                        what: "a union of a body's rows with others".to_owned(),
                        span: None,
                    });
                }
            }
            if has_no_rows(&flow.plan) {
                continue;
            }
            let mut own: Vec<(ColumnId, ScalarType)> = Vec::new();
            let mut layout: Vec<Origin> = (0..flow.carried.len()).map(Origin::Column).collect();
            if source_column.is_some() {
                layout.push(Origin::Value(Datum::text(label.to_owned())));
            }
            for one in &columns {
                layout.push(match one.inputs.get(at).copied().flatten() {
                    None => Origin::Value(Datum::Null),
                    Some(id) => {
                        let wanted = (id, one.column.ty);
                        let place = own.iter().position(|known| *known == wanted);
                        Origin::Column(
                            flow.carried.len()
                                + place.unwrap_or_else(|| {
                                    own.push(wanted);
                                    own.len() - 1
                                }),
                        )
                    }
                });
            }
            plans.push(self.keep(flow, &own)?.plan);
            layouts.push(layout);
        }
        let carried = carried.unwrap_or_default();
        let bare = carried.is_empty() && out.is_empty();
        let schema = if bare {
            column::schema([(self.fresh("n"), ScalarType::Bool)])
        } else {
            self.schema_of(&carried, &out)
        };
        let plan = if plans.is_empty() {
            no_rows(&schema)?
        } else {
            let mut types = vec![ScalarType::Long; carried.len()];
            types.extend(out.iter().map(|(_, ty)| *ty));
            self.widened(plans, layouts, types, schema)?
        };
        let flow = Flow {
            plan,
            columns: out,
            carried,
        };
        if flow.carried.is_empty() {
            Ok(flow)
        } else {
            self.by_part(flow)
        }
    }

    fn widened(
        &self,
        plans: Vec<LogicalPlan>,
        layouts: Vec<Vec<Origin>>,
        types: Vec<ScalarType>,
        schema: SchemaRef,
    ) -> Result<LogicalPlan, EngineError> {
        let out = Arc::clone(&schema);
        self.transform(
            "union",
            plans,
            schema,
            Arc::new(move || {
                let (schema, layouts, types) = (Arc::clone(&out), layouts.clone(), types.clone());
                Box::new(Each(move |input: usize, batch: RecordBatch| {
                    let rows = batch.num_rows();
                    let mut columns: Vec<_> = layouts[input]
                        .iter()
                        .zip(&types)
                        .map(|(origin, ty)| match origin {
                            Origin::Column(at) => Arc::clone(batch.column(*at)),
                            Origin::Value(value) => column::repeated(value, *ty, rows),
                        })
                        .collect();
                    if types.is_empty() {
                        columns.push(column::repeated(&Datum::Null, ScalarType::Bool, rows));
                    }
                    batch_of(&schema, columns, rows)
                }))
            }),
        )
    }
}

/// A plan without rows.
pub(super) fn no_rows(schema: &SchemaRef) -> Result<LogicalPlan, EngineError> {
    Ok(LogicalPlan::EmptyRelation(EmptyRelation {
        produce_one_row: false,
        schema: Arc::clone(schema).to_dfschema_ref().ours()?,
    }))
}

/// Whether a plan is known to give nothing.
fn has_no_rows(plan: &LogicalPlan) -> bool {
    let mut plan = plan;
    loop {
        plan = match plan {
            LogicalPlan::EmptyRelation(relation) => return !relation.produce_one_row,
            LogicalPlan::Projection(node) => &node.input,
            LogicalPlan::Filter(node) => &node.input,
            LogicalPlan::Sort(node) => &node.input,
            LogicalPlan::Limit(node) => &node.input,
            _ => return false,
        };
    }
}

/// Whether an expression needs nothing but its row: a list made by a query is made once.
fn is_local(expr: &Expr) -> bool {
    let mut open = vec![expr];
    while let Some(next) = open.pop() {
        if let ExprKind::Set {
            set: SetOperand::Query(_),
            ..
        } = &next.kind
        {
            return false;
        }
        open.extend(next.parts());
    }
    true
}

/// Puts something else in the place of columns.
fn substitute(expr: &mut Expr, by: &dyn Fn(ColumnId) -> Option<ExprKind>) {
    let mut open = vec![expr];
    while let Some(next) = open.pop() {
        if let ExprKind::Column(id) = next.kind {
            if let Some(other) = by(id) {
                next.kind = other;
            }
            continue;
        }
        match &mut next.kind {
            ExprKind::Column(_)
            | ExprKind::Literal(_)
            | ExprKind::ScalarQuery(_)
            | ExprKind::StepState { .. } => {}
            ExprKind::Negate(part) | ExprKind::Member(part, _) | ExprKind::Convert(part) => {
                open.push(part);
            }
            ExprKind::Arithmetic(_, left, right)
            | ExprKind::Compare(_, left, right)
            | ExprKind::Index(left, right) => open.extend([&mut **left, &mut **right]),
            ExprKind::And(parts) | ExprKind::Or(parts) => open.extend(parts),
            ExprKind::Text { value, pattern, .. } => open.extend([&mut **value, &mut **pattern]),
            ExprKind::Set { value, set, .. } => {
                open.push(value);
                if let SetOperand::List(list) = set {
                    open.extend(list);
                }
            }
            ExprKind::Between {
                value, low, high, ..
            } => open.extend([&mut **value, &mut **low, &mut **high]),
            ExprKind::Call { arguments, .. } => open.extend(arguments),
        }
    }
}
