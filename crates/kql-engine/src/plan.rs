//! From the bound tree to DataFusion plans.
//!
//! Inside plans a column is called `c` and its id; the names of the language appear in the result
//! only. Bodies of `mv-apply` and `partition` are planned once for all parts together: a carried
//! column `p…` says which part a row belongs to, rows of a part stay together, and every operator
//! works per part. A body that names its rows, or has an operator that does not tell parts apart, is
//! planned and run for each part by itself.

mod activity;
mod budget;
mod demand;
mod enrich;
mod expand;
mod external;
mod graph;
mod join;
mod key_values;
mod parallel;
mod parse;
mod plugins;
mod scan;
mod series;
mod source;
mod steps;
mod summarize;
pub(crate) mod time_filters;
mod top_nested;
mod transform;
mod union;
mod window;

pub(crate) use summarize::encode;
pub(crate) use time_filters::STAMP;

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::common::{Column as Named, DataFusionError};
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::{Expr as Native, LogicalPlan, LogicalPlanBuilder};
use datafusion::prelude::SessionConfig;
use futures::future::{Either, select};
use futures::{FutureExt, TryStreamExt};
use kql_semantics::bound::{self, BoundQuery, Column, Dependency, Pipeline, ScalarId};
use kql_semantics::{ColumnId, ScalarType};

use crate::allowance::Allowance;
use crate::column::{self, Reader};
use crate::datum::Datum;
use crate::error::Foreign;
use crate::expression::{self, Compiled, Compiler, Input, Kernel, Surroundings};
use crate::run::Cancelled;
use crate::{Catalog, EngineError, Options};

/// The most bytes a query holds unless the options say otherwise.
///
/// Source: <https://learn.microsoft.com/kusto/concepts/query-limits>
const MEMORY: usize = 5 << 30;

/// After so many steps the optimizer starts anew.
const STAGE: usize = 24;

/// The name of a column inside plans.
pub(crate) fn name(id: ColumnId) -> String {
    format!("c{}", id.0)
}

/// Batches of at most 8192 rows.
pub(crate) fn slices(batch: &RecordBatch) -> Vec<RecordBatch> {
    const SIZE: usize = 8192;
    if batch.num_rows() <= SIZE {
        return vec![batch.clone()];
    }
    (0..batch.num_rows())
        .step_by(SIZE)
        .map(|start| batch.slice(start, SIZE.min(batch.num_rows() - start)))
        .collect()
}

/// The bytes of the rows of a batch, also where it shares its memory with others.
fn size(batch: &RecordBatch) -> usize {
    let columns = batch.columns().iter();
    columns
        .map(|column| column.to_data().get_slice_memory_size().unwrap_or(0))
        .sum()
}

/// A part of a query's plan.
#[derive(Debug, Clone)]
pub(crate) struct Flow {
    pub(crate) plan: LogicalPlan,
    /// The columns that are there, without the carried ones.
    pub(crate) columns: Vec<(ColumnId, ScalarType)>,
    /// Which part of an enclosing body each row belongs to.
    pub(crate) carried: Vec<String>,
}

/// What the enclosing step hands to its body.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) flow: Flow,
    /// Every part, also those without rows: the carried columns only.
    pub(crate) parts: LogicalPlan,
}

/// Plans and runs one query.
pub(crate) struct Planner<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) options: &'a Options,
    pub(crate) query: &'a BoundQuery,
    runtime: tokio::runtime::Runtime,
    session: SessionState,
    cancelled: Cancelled,
    scalars: RefCell<HashMap<usize, Datum<'static>>>,
    shared: RefCell<HashMap<usize, Vec<RecordBatch>>>,
    fresh: Cell<u32>,
    budget: budget::Budget,
    /// The memory of the rows that were taken out of plans.
    held: MemoryReservation,
    /// The columns that anybody looks at.
    demanded: HashSet<ColumnId>,
    /// The parts that bodies run over, by how many bodies they stand in.
    parts: RefCell<HashMap<usize, Context>>,
}

impl<'a> Planner<'a> {
    pub(crate) fn new(
        catalog: &'a Catalog,
        options: &'a Options,
        query: &'a BoundQuery,
        cancelled: Cancelled,
    ) -> Result<Self, EngineError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(|error| EngineError::runtime(format!("no runtime: {error}")))?;
        let environment = RuntimeEnvBuilder::new()
            .with_disk_manager_builder(
                DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled),
            )
            .with_memory_limit(options.memory_limit.unwrap_or(MEMORY), 1.0);
        // Partitions are ours, and stay in their order, so that answers are the same every time.
        let config = SessionConfig::new()
            .with_target_partitions(1)
            .with_repartition_sorts(false)
            .with_batch_size(8192)
            .with_collect_statistics(false);
        let environment = Arc::new(environment.build().ours()?);
        let pool = Arc::clone(&environment.memory_pool);
        let session = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(environment)
            .build();
        Ok(Self {
            catalog,
            options,
            query,
            runtime,
            session,
            cancelled,
            scalars: RefCell::default(),
            shared: RefCell::default(),
            fresh: Cell::new(0),
            budget: budget::Budget::default(),
            held: MemoryConsumer::new("rows of an answer").register(&pool),
            demanded: demand::columns(query),
            parts: RefCell::default(),
        })
    }

    /// A name that no other column has.
    pub(crate) fn fresh(&self, prefix: &str) -> String {
        let number = self.fresh.get();
        self.fresh.set(number + 1);
        format!("{prefix}{number}")
    }

    /// Runs what the query needs first, in its order.
    pub(crate) fn prepare(&self) -> Result<(), EngineError> {
        self.prepare_all(&self.query.order)
    }

    /// The part that a body runs over now; none is 0.
    fn part_of(&self, body: usize) -> Option<Context> {
        self.parts.borrow().get(&body).cloned()
    }

    fn prepare_all(&self, order: &[Dependency]) -> Result<(), EngineError> {
        for dependency in order {
            match dependency {
                Dependency::Shared(id) => {
                    let shared = &self.query.shared[id.0];
                    if !shared.materialized {
                        continue;
                    }
                    let part = self.part_of(shared.body);
                    let flow = self.pipeline(&shared.pipeline, part.as_ref())?;
                    let plan = self.choose(flow, &shared.pipeline.columns)?.plan;
                    let batches = self.run(&plan)?;
                    self.shared.borrow_mut().insert(id.0, batches);
                }
                Dependency::Scalar(id) => {
                    let scalar = &self.query.scalars[id.0];
                    let part = self.part_of(scalar.body);
                    let flow = self.pipeline(&scalar.pipeline, part.as_ref())?;
                    let column = [(scalar.column, scalar.ty)];
                    let plan = self.keep(flow, &column)?.plan;
                    let plan = LogicalPlanBuilder::from(plan)
                        .limit(0, Some(1))
                        .and_then(LogicalPlanBuilder::build)
                        .ours()?;
                    let value = self
                        .run(&plan)?
                        .iter()
                        .find(|batch| batch.num_rows() > 0)
                        .map_or(Datum::Null, |batch| {
                            Reader::new(batch.column(0), scalar.ty).get(0).into_owned()
                        });
                    let value = match value {
                        Datum::Null if scalar.ty == ScalarType::String => Datum::text(""),
                        value => value,
                    };
                    self.scalars.borrow_mut().insert(id.0, value);
                }
            }
        }
        Ok(())
    }

    /// Whether nobody waits for the answer any more.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.clone().now_or_never().is_some()
    }

    /// Runs a plan to its end.
    pub(crate) fn run(&self, plan: &LogicalPlan) -> Result<Vec<RecordBatch>, EngineError> {
        let mut batches = Vec::new();
        self.feed(plan, async |batch| {
            self.held.try_grow(size(&batch))?;
            batches.push(batch);
            Ok(true)
        })?;
        Ok(batches)
    }

    /// Runs a plan and hands its rows to `take`, until that wants no more.
    pub(crate) fn feed(
        &self,
        plan: &LogicalPlan,
        mut take: impl AsyncFnMut(RecordBatch) -> Result<bool, DataFusionError>,
    ) -> Result<(), EngineError> {
        let _rows = Allowance::unlimited();
        let work = async {
            let threads = self.options.threads;
            let physical = self.session.create_physical_plan(plan).await?;
            let physical = parallel::ordered(physical, threads)?;
            let mut pieces =
                parallel::in_order(&physical, &self.session.task_ctx(), threads, None)?;
            while let Some(piece) = pieces.try_next().await? {
                if let parallel::Piece::Batch(batch) = piece
                    && !take(batch).await?
                {
                    break;
                }
            }
            Ok::<_, DataFusionError>(())
        };
        let outcome = self.runtime.block_on(async {
            match select(Box::pin(work), self.cancelled.clone()).await {
                Either::Left((outcome, _)) => Some(outcome),
                Either::Right(_) => None,
            }
        });
        match outcome {
            Some(outcome) => Ok(outcome.ours()?),
            None => Err(EngineError::runtime("the query was cancelled")),
        }
    }

    /// The rows a pipeline gives.
    pub(crate) fn pipeline(
        &self,
        pipeline: &Pipeline,
        context: Option<&Context>,
    ) -> Result<Flow, EngineError> {
        let (mut flow, steps) = self.beginning(pipeline, context)?;
        let mut since = 0;
        for step in budget::merged(steps) {
            let columns = flow.columns.len().max(self.demanded(&step.columns).len());
            self.budget.spend(&step, columns)?;
            flow = self
                .step(flow, &step, context)
                .map_err(|error| error.about(step.span.range()))?;
            since += match step.operator {
                bound::Operator::Join(_) => STAGE / 4,
                _ => 1,
            };
            if since >= STAGE {
                flow = self.stage(flow)?;
                since = 0;
            }
        }
        Ok(flow)
    }

    /// The same rows, with an end to what the optimizer looks at together: its work grows faster
    /// than the number of nodes.
    fn stage(&self, flow: Flow) -> Result<Flow, EngineError> {
        let flow = self.laid_out(flow)?;
        let schema = Arc::new(flow.plan.schema().as_arrow().clone());
        let plan = self.transform(
            "stage",
            vec![flow.plan],
            schema,
            Arc::new(|| Box::new(transform::Each(|_, batch: RecordBatch| Ok(batch)))),
        )?;
        Ok(Flow { plan, ..flow })
    }

    /// Keeps exactly these columns, in this order, and the carried ones before them.
    pub(crate) fn choose(&self, flow: Flow, columns: &[Column]) -> Result<Flow, EngineError> {
        self.keep(flow, &self.demanded(columns))
    }

    /// Those of `columns` that anybody looks at.
    pub(crate) fn demanded(&self, columns: &[Column]) -> Vec<(ColumnId, ScalarType)> {
        columns
            .iter()
            .filter(|column| self.demanded.contains(&column.id))
            .map(|column| (column.id, column.ty))
            .collect()
    }

    pub(crate) fn keep(
        &self,
        flow: Flow,
        columns: &[(ColumnId, ScalarType)],
    ) -> Result<Flow, EngineError> {
        let exact = flow.plan.schema().fields().len() == flow.carried.len() + columns.len();
        if exact && flow.columns == columns {
            return Ok(flow);
        }
        self.project(flow, columns, Vec::new())
    }

    /// Projects to `columns`, of which `computed` gives some; the carried columns come along.
    pub(crate) fn project(
        &self,
        flow: Flow,
        columns: &[(ColumnId, ScalarType)],
        computed: Vec<(ColumnId, Native)>,
    ) -> Result<Flow, EngineError> {
        let mut computed: HashMap<ColumnId, Native> = computed.into_iter().collect();
        let mut list: Vec<Native> = flow.carried.iter().map(|name| named(name)).collect();
        for (id, _) in columns {
            let name = name(*id);
            list.push(match computed.remove(id) {
                Some(value) => value.alias(name),
                None => named(&name),
            });
        }
        if list.is_empty() {
            list.push(self.nothing());
        }
        let plan = LogicalPlanBuilder::from(flow.plan)
            .project(list)
            .and_then(LogicalPlanBuilder::build)
            .ours()?;
        Ok(Flow {
            plan,
            columns: columns.to_vec(),
            carried: flow.carried,
        })
    }

    /// A column for rows that have none: DataFusion counts rows by their columns.
    fn nothing(&self) -> Native {
        let value = Compiled::constant(Datum::Bool(true), ScalarType::Bool);
        expression::call(value, &[]).alias(self.fresh("n"))
    }

    /// A plan that scans a provider.
    pub(crate) fn scan(&self, table: Arc<dyn TableProvider>) -> Result<LogicalPlan, EngineError> {
        let name = self.fresh("t");
        LogicalPlanBuilder::scan(name, provider_as_source(table), None)
            .and_then(LogicalPlanBuilder::build)
            .ours()
    }

    /// A plan that gives rows at hand.
    pub(crate) fn rows(
        &self,
        schema: &SchemaRef,
        batches: Vec<RecordBatch>,
    ) -> Result<LogicalPlan, EngineError> {
        let table = MemTable::try_new(Arc::clone(schema), vec![batches]).ours()?;
        self.scan(Arc::new(table))
    }

    /// A plan that puts a transform on `inputs`.
    pub(crate) fn transform(
        &self,
        name: &'static str,
        inputs: Vec<LogicalPlan>,
        schema: SchemaRef,
        factory: transform::Factory,
    ) -> Result<LogicalPlan, EngineError> {
        self.scan(Arc::new(transform::Transform::new(
            name,
            inputs,
            schema,
            factory,
            self.options.threads,
        )))
    }

    /// Compiles one expression to a native one over the columns of a plan.
    pub(crate) fn native(&self, expr: &bound::Expr) -> Result<Native, EngineError> {
        let mut compiler = Compiler::new(self);
        let compiled = compiler.compile(expr)?;
        let columns = input_names(&compiler)?;
        Ok(expression::call(compiled, &columns))
    }

    /// The value of an expression without columns.
    pub(crate) fn constant(&self, expr: &bound::Expr) -> Result<Datum<'static>, EngineError> {
        let mut compiler = Compiler::new(self);
        let compiled = compiler.compile(expr)?;
        if !compiler.inputs().is_empty() {
            return Err(EngineError::unsupported(
                "a value here that depends on rows",
                expr.span.range(),
            ));
        }
        compiled.single()
    }

    /// The value of an optional expression without columns.
    pub(crate) fn optional(
        &self,
        expr: Option<&bound::Expr>,
    ) -> Result<Option<Datum<'static>>, EngineError> {
        expr.map(|expr| self.constant(expr)).transpose()
    }

    /// A number of rows.
    pub(crate) fn count(&self, expr: &bound::Expr) -> Result<usize, EngineError> {
        let value = self.constant(expr)?;
        Ok(value
            .as_long()
            .and_then(|count| usize::try_from(count).ok())
            .unwrap_or(0))
    }

    #[expect(clippy::unused_self, reason = "reads as the other planning steps do")]
    /// The schema of carried columns followed by `columns`.
    pub(crate) fn schema_of(
        &self,
        carried: &[String],
        columns: &[(ColumnId, ScalarType)],
    ) -> SchemaRef {
        let mut fields: Vec<Field> = carried
            .iter()
            .map(|name| Field::new(name, DataType::Int64, true))
            .collect();
        fields.extend(
            columns
                .iter()
                .map(|(id, ty)| Field::new(name(*id), column::arrow_type(*ty), true)),
        );
        Arc::new(Schema::new(fields))
    }

    /// Adds computed columns of fresh names to everything that is there; gives those names.
    pub(crate) fn with_values(
        &self,
        flow: &Flow,
        values: &[&bound::Expr],
    ) -> Result<(LogicalPlan, Vec<String>), EngineError> {
        let mut list: Vec<Native> = flow.carried.iter().map(|name| named(name)).collect();
        list.extend(flow.columns.iter().map(|(id, _)| named(&name(*id))));
        let mut names = Vec::new();
        for value in values {
            let fresh = self.fresh("v");
            list.push(self.native(value)?.alias(fresh.clone()));
            names.push(fresh);
        }
        if list.is_empty() {
            list.push(self.nothing());
        }
        let plan = LogicalPlanBuilder::from(flow.plan.clone())
            .project(list)
            .and_then(LogicalPlanBuilder::build)
            .ours()?;
        Ok((plan, names))
    }

    pub(crate) fn shared_rows(&self, id: usize) -> Option<Vec<RecordBatch>> {
        self.shared.borrow().get(&id).cloned()
    }
}

impl Surroundings for Planner<'_> {
    fn scalar(&self, id: ScalarId) -> Result<Datum<'static>, EngineError> {
        self.scalars
            .borrow()
            .get(&id.0)
            .cloned()
            .ok_or_else(|| EngineError::runtime("a toscalar() was read before it was run"))
    }

    fn values(&self, pipeline: &Pipeline) -> Result<Vec<Datum<'static>>, EngineError> {
        let Some(column) = pipeline.columns.first() else {
            return Ok(Vec::new());
        };
        let flow = self.pipeline(pipeline, None)?;
        let flow = self.keep(flow, &[(column.id, column.ty)])?;
        let mut values = Vec::new();
        for batch in self.run(&flow.plan)? {
            let reader = Reader::new(batch.column(0), column.ty);
            values.extend((0..batch.num_rows()).map(|row| reader.get(row).into_owned()));
        }
        Ok(values)
    }

    fn now(&self) -> Option<i64> {
        self.options.now
    }

    fn places(&self) -> Result<Kernel, EngineError> {
        self.places_of_addresses()
    }
}

/// A column of a plan.
pub(crate) fn named(name: &str) -> Native {
    Native::Column(Named::new_unqualified(name))
}

/// The names of the columns that a compiler's expressions read.
pub(crate) fn input_names(compiler: &Compiler<'_>) -> Result<Vec<String>, EngineError> {
    compiler
        .inputs()
        .iter()
        .map(|input| match input {
            Input::Column(id) => Ok(name(*id)),
            Input::Step(..) => Err(EngineError::runtime("a scan step is read outside its scan")),
        })
        .collect()
}
