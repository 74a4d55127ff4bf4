//! Where rows come from.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::logical_expr::LogicalPlanBuilder;
use kql_semantics::ScalarType;
use kql_semantics::bound::{ArithmeticOp, Column, CompareOp, Source};

use super::time_filters::STAMP;
use super::union::no_rows;
use super::{Context, Flow, Planner, name, named};
use crate::EngineError;
use crate::catalog::Rows;
use crate::column::{self, Builder};
use crate::datum::Datum;
use crate::error::Foreign;
use crate::expression::{self, Compiled, compare_values};
use crate::functions::arithmetic;

/// More rows than this from `range` is a mistake.
const MOST: usize = 20_000_000;

impl Planner<'_> {
    pub(super) fn source(
        &self,
        source: &Source,
        context: Option<&Context>,
    ) -> Result<Flow, EngineError> {
        match source {
            Source::Table {
                name,
                columns,
                span,
            } => self
                .table(name, columns, span.range())
                .map_err(|error| error.about(span.range())),
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
            Source::Union { .. } => self.union(source, &[], context),
            Source::Shared { id, columns } => {
                let flow = if let Some(batches) = self.shared_rows(id.0) {
                    let shared = &self.query.shared[id.0].pipeline;
                    let own = self.demanded(&shared.columns);
                    if own.is_empty() {
                        let rows = batches.iter().map(RecordBatch::num_rows).sum();
                        return self.literal_rows(&[], Vec::new(), rows);
                    }
                    Flow {
                        plan: self.rows(&self.schema_of(&[], &own), batches)?,
                        columns: own,
                        carried: Vec::new(),
                    }
                } else {
                    let shared = &self.query.shared[id.0];
                    self.pipeline(&shared.pipeline, self.part_of(shared.body).as_ref())?
                };
                let seen = || {
                    columns
                        .iter()
                        .filter(|(column, _)| self.demanded.contains(&column.id))
                };
                let fresh: Vec<_> = seen().map(|(column, _)| (column.id, column.ty)).collect();
                let computed = seen()
                    .map(|(column, own)| (column.id, named(&name(*own))))
                    .collect();
                self.project(flow, &fresh, computed)
            }
            Source::Context { columns } => {
                let Some(context) = context else {
                    return Err(EngineError::Unsupported {
                        what: "a part of rows that is read here".to_owned(),
                        span: None,
                    });
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

    fn table(
        &self,
        table: &str,
        columns: &[Column],
        span: Range<usize>,
    ) -> Result<Flow, EngineError> {
        let loaded = self.catalog.load(table)?;
        let read = columns.iter().filter(|one| self.demanded.contains(&one.id));
        self.catalog.note_columns(table, read.map(|one| &*one.name));
        if columns.is_empty() {
            return self.literal_rows(&[], Vec::new(), loaded.count()?);
        }
        let stamp = columns
            .iter()
            .find(|one| &*one.name == STAMP && one.ty == ScalarType::DateTime)
            .filter(|_| self.options.time_range.is_some());
        let mut seen: Vec<&Column> = columns
            .iter()
            .filter(|one| self.demanded.contains(&one.id) || stamp == Some(one))
            .collect();
        if seen.is_empty() {
            // Rows are counted by a column: one that takes little to read.
            let light = |one: &&Column| !matches!(one.ty, ScalarType::String | ScalarType::Dynamic);
            seen.extend(columns.iter().find(light).or_else(|| columns.first()));
        }
        let wanted: Vec<_> = seen.iter().map(|one| (one.id, one.ty)).collect();
        let schema = self.schema_of(&[], &wanted);
        if loaded.is_empty() {
            return Ok(Flow {
                plan: no_rows(&schema)?,
                columns: wanted,
                carried: Vec::new(),
            });
        }
        let bounds = self
            .options
            .time_range
            .zip(stamp)
            .map(|((start, end), stamp)| {
                let bounds = [
                    (CompareOp::GreaterOrEqual, Datum::DateTime(start)),
                    (CompareOp::LessOrEqual, Datum::DateTime(end)),
                ];
                (stamp, bounds)
            });
        let named = seen.iter().map(|one| (one.name.to_string(), one.ty));
        let mut plan = self.scan(Arc::new(Rows::new(loaded, named.collect(), schema, span)))?;
        if let Some((stamp, bounds)) = bounds {
            let sides = bounds.map(|(op, bound)| Compiled {
                node: expression::Node::Compare(
                    op,
                    Box::new(Compiled {
                        node: expression::Node::Input(0),
                        ty: ScalarType::DateTime,
                    }),
                    Box::new(Compiled::constant(bound, ScalarType::DateTime)),
                ),
                ty: ScalarType::Bool,
            });
            let inside = Compiled {
                node: expression::Node::And(sides.into()),
                ty: ScalarType::Bool,
            };
            let predicate = expression::call(inside, &[name(stamp.id)]);
            plan = LogicalPlanBuilder::from(plan)
                .filter(predicate)
                .and_then(LogicalPlanBuilder::build)
                .ours()?;
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
            let batch = RecordBatch::try_new(Arc::clone(&schema), vec![array]).ours()?;
            let plan = self.rows(&schema, vec![batch])?;
            return Ok(Flow {
                plan,
                columns: wanted,
                carried: Vec::new(),
            });
        }
        let schema = self.schema_of(&[], &wanted);
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch =
            RecordBatch::try_new_with_options(Arc::clone(&schema), arrays, &options).ours()?;
        let plan = self.rows(&schema, super::slices(&batch))?;
        Ok(Flow {
            plan,
            columns: wanted,
            carried: Vec::new(),
        })
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
    let too_many = || EngineError::runtime(format!("range makes more than {MOST} rows"));
    #[expect(clippy::cast_precision_loss, reason = "a limit")]
    let most = MOST as f64;
    if let (Some(from), Some(to)) = (from.as_real(), to.as_real())
        && (to - from) / size > most
    {
        return Err(too_many());
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
            return Err(too_many());
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
