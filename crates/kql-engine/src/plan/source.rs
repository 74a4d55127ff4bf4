//! Where rows come from.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::logical_expr::LogicalPlanBuilder;
use kql_semantics::bound::{ArithmeticOp, Column, CompareOp, Source, UnionColumn};
use kql_semantics::{ColumnId, ScalarType};

use super::transform::Each;
use super::{Context, Flow, Planner, name, named};
use crate::EngineError;
use crate::catalog::{Condition, Rows};
use crate::column::{self, Builder};
use crate::datum::Datum;
use crate::expression::{self, Compiled, compare_values, kernel};
use crate::functions::arithmetic;

/// More rows than this from `range` is a mistake.
const MOST: usize = 50_000_000;

impl Planner<'_> {
    pub(super) fn source(
        &self,
        source: &Source,
        context: Option<&Context>,
    ) -> Result<Flow, EngineError> {
        match source {
            Source::Table { name, columns, .. } => self.table(name, columns),
            Source::Rows { columns, rows } => {
                let mut builders: Vec<Builder> = columns
                    .iter()
                    .map(|column| Builder::new(column.ty, rows.len()))
                    .collect();
                for row in rows {
                    for (builder, value) in builders.iter_mut().zip(row) {
                        builder.push(&self.constant(value)?);
                    }
                }
                let arrays = builders.into_iter().map(Builder::finish).collect();
                self.literal_rows(columns, arrays, rows.len())
            }
            Source::Range {
                column,
                from,
                to,
                step,
            } => {
                let (from, to, step) = (
                    self.constant(from)?,
                    self.constant(to)?,
                    self.constant(step)?,
                );
                let (array, rows) = range(&from, &to, &step, column.ty, &|| self.is_cancelled())?;
                self.literal_rows(std::slice::from_ref(column), vec![array], rows)
            }
            Source::Union {
                inputs,
                columns,
                source_column,
                source_names,
            } => {
                let mut flows = Vec::with_capacity(inputs.len());
                for (at, input) in inputs.iter().enumerate() {
                    let flow = self.pipeline(input, context)?;
                    let source = source_column
                        .as_ref()
                        .map(|column| (column.id, source_names.get(at).cloned()));
                    flows.push(self.union_input(flow, at, columns, source)?);
                }
                let mut all: Vec<(ColumnId, ScalarType)> = source_column
                    .iter()
                    .map(|column| (column.id, column.ty))
                    .collect();
                all.extend(columns.iter().map(|one| (one.column.id, one.column.ty)));
                self.concatenated(flows, &all)
            }
            Source::Shared { id, columns } => {
                let flow = match self.shared_rows(id.0) {
                    Some(batches) => {
                        let shared = &self.query.shared[id.0].pipeline;
                        let own: Vec<_> =
                            shared.columns.iter().map(|one| (one.id, one.ty)).collect();
                        let plan = if own.is_empty() {
                            let rows = batches.iter().map(RecordBatch::num_rows).sum();
                            return self.literal_rows(&[], Vec::new(), rows);
                        } else {
                            self.rows(&self.schema_of(&[], &own), batches)?
                        };
                        Flow {
                            plan,
                            columns: own,
                            carried: Vec::new(),
                        }
                    }
                    None => self.pipeline(&self.query.shared[id.0].pipeline, None)?,
                };
                let fresh: Vec<_> = columns
                    .iter()
                    .map(|(column, _)| (column.id, column.ty))
                    .collect();
                let computed = columns
                    .iter()
                    .map(|(column, own)| (column.id, named(&name(*own))))
                    .collect();
                self.project(flow, &fresh, computed)
            }
            Source::Context { columns } => {
                let Some(context) = context else {
                    return Err(EngineError::runtime("a body is read outside its operator"));
                };
                let wanted: Vec<_> = columns.iter().map(|one| (one.id, one.ty)).collect();
                self.keep(context.flow.clone(), &wanted)
            }
            Source::External {
                columns,
                uris,
                properties,
                span,
            } => self.external(columns, uris, properties, span.range()),
            Source::Function { name, span, .. } => Err(EngineError::unsupported(
                format!("function {name}()"),
                span.range(),
            )),
        }
    }

    fn table(&self, table: &str, columns: &[Column]) -> Result<Flow, EngineError> {
        let loaded = self.catalog.load(table)?;
        let wanted: Vec<_> = columns.iter().map(|one| (one.id, one.ty)).collect();
        if wanted.is_empty() {
            return self.literal_rows(&[], Vec::new(), loaded.count()?);
        }
        let stamp = columns
            .iter()
            .find(|one| &*one.name == "Timestamp" && one.ty == ScalarType::DateTime);
        let mut conditions = Vec::new();
        if let (Some((start, end)), Some(stamp)) = (self.options.time_range, stamp) {
            for (op, bound) in [
                (CompareOp::GreaterOrEqual, start),
                (CompareOp::LessOrEqual, end),
            ] {
                let value = Datum::DateTime(bound);
                conditions.extend(Condition::new(&stamp.name, stamp.ty, op, &value));
            }
        }
        let named = columns.iter().map(|one| (one.name.to_string(), one.ty));
        let schema = self.schema_of(&[], &wanted);
        let rows = Rows::new(loaded, named.collect(), schema, conditions);
        let mut plan = self.scan(Arc::new(rows))?;
        if let (Some((start, end)), Some(stamp)) = (self.options.time_range, stamp) {
            let inside = Compiled {
                node: expression::Node::Kernel(
                    kernel(move |values| {
                        Ok(Datum::Bool(
                            matches!(values[0], Datum::DateTime(at) if (start..=end).contains(&at)),
                        ))
                    }),
                    vec![Compiled {
                        node: expression::Node::Input(0),
                        ty: ScalarType::DateTime,
                    }],
                ),
                ty: ScalarType::Bool,
            };
            let predicate = expression::call(inside, &[name(stamp.id)]);
            plan = LogicalPlanBuilder::from(plan).filter(predicate)?.build()?;
        }
        Ok(Flow {
            plan,
            columns: wanted,
            carried: Vec::new(),
        })
    }

    /// Rows at hand; where there is no column, one that nobody asks for carries the count.
    pub(super) fn literal_rows(
        &self,
        columns: &[Column],
        arrays: Vec<ArrayRef>,
        rows: usize,
    ) -> Result<Flow, EngineError> {
        let wanted: Vec<_> = columns.iter().map(|one| (one.id, one.ty)).collect();
        if wanted.is_empty() {
            let schema = column::schema([(self.fresh("n"), ScalarType::Bool)]);
            let array = column::repeated(&Datum::Bool(true), ScalarType::Bool, rows);
            let batch = RecordBatch::try_new(Arc::clone(&schema), vec![array])?;
            let plan = self.rows(&schema, vec![batch])?;
            return Ok(Flow {
                plan,
                columns: wanted,
                carried: Vec::new(),
            });
        }
        let schema = self.schema_of(&[], &wanted);
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), arrays, &options)?;
        let plan = self.rows(&schema, super::slices(&batch))?;
        Ok(Flow {
            plan,
            columns: wanted,
            carried: Vec::new(),
        })
    }

    fn union_input(
        &self,
        flow: Flow,
        at: usize,
        columns: &[UnionColumn],
        source: Option<(ColumnId, Option<Arc<str>>)>,
    ) -> Result<Flow, EngineError> {
        let mut wanted = Vec::new();
        let mut computed = Vec::new();
        if let Some((id, name)) = source {
            wanted.push((id, ScalarType::String));
            let text = Datum::text(name.as_deref().unwrap_or_default().to_owned());
            computed.push((
                id,
                expression::call(Compiled::constant(text, ScalarType::String), &[]),
            ));
        }
        for one in columns {
            wanted.push((one.column.id, one.column.ty));
            let value = match one.inputs.get(at).copied().flatten() {
                Some(own) => named(&name(own)),
                None => expression::call(Compiled::constant(Datum::Null, one.column.ty), &[]),
            };
            computed.push((one.column.id, value));
        }
        self.project(flow, &wanted, computed)
    }

    /// All rows of all flows, in their order.
    pub(super) fn concatenated(
        &self,
        flows: Vec<Flow>,
        columns: &[(ColumnId, ScalarType)],
    ) -> Result<Flow, EngineError> {
        let carried = flows.iter().find(|one| !one.carried.is_empty());
        let carried = carried.map(|one| one.carried.clone()).unwrap_or_default();
        if flows.iter().any(|one| one.carried != carried) {
            return Err(EngineError::Unsupported {
                what: "a union of a body's rows with others".to_owned(),
                span: None,
            });
        }
        let schema = if carried.is_empty() && columns.is_empty() {
            column::schema([(self.fresh("n"), ScalarType::Bool)])
        } else {
            self.schema_of(&carried, columns)
        };
        let inputs = flows.into_iter().map(|one| one.plan).collect();
        let out = Arc::clone(&schema);
        let plan = self.transform(
            "union",
            inputs,
            schema,
            Arc::new(move || {
                let schema = Arc::clone(&out);
                Box::new(Each(move |_, batch: RecordBatch| {
                    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
                    let columns = batch.columns().to_vec();
                    Ok(RecordBatch::try_new_with_options(
                        Arc::clone(&schema),
                        columns,
                        &options,
                    )?)
                }))
            }),
        )?;
        let flow = Flow {
            plan,
            columns: columns.to_vec(),
            carried,
        };
        if flow.carried.is_empty() {
            Ok(flow)
        } else {
            self.by_part(flow)
        }
    }
}

/// The values of `range`.
fn range(
    from: &Datum<'_>,
    to: &Datum<'_>,
    step: &Datum<'_>,
    ty: ScalarType,
    stop: &dyn Fn() -> bool,
) -> Result<(ArrayRef, usize), EngineError> {
    let mut builder = Builder::new(ty, 0);
    let mut rows = 0;
    if from.is_null() || to.is_null() || step.is_null() {
        return Ok((builder.finish(), 0));
    }
    let size = match step {
        Datum::Decimal(size) => size.to_real(),
        other => other.as_real().unwrap_or(0.0),
    };
    if size == 0.0 {
        return Err(EngineError::runtime("the step of range is zero"));
    }
    let bound = if size > 0.0 {
        CompareOp::LessOrEqual
    } else {
        CompareOp::GreaterOrEqual
    };
    let mut value = crate::convert::to_type(from, ty).into_owned();
    while compare_values(bound, &value, to) == Some(true) {
        builder.push(&value);
        rows += 1;
        if rows % 65_536 == 0 && stop() {
            return Err(EngineError::runtime("the query was cancelled"));
        }
        if rows > MOST {
            return Err(EngineError::runtime(format!(
                "range makes more than {MOST} rows"
            )));
        }
        let next = arithmetic::binary(ArithmeticOp::Add, &value, step, ty).into_owned();
        // Past the largest long the sum wraps around.
        let forward = if size > 0.0 {
            CompareOp::Greater
        } else {
            CompareOp::Less
        };
        if compare_values(forward, &next, &value) != Some(true) {
            break;
        }
        value = next;
    }
    Ok((builder.finish(), rows))
}
