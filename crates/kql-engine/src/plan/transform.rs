//! KQL operators that relational algebra has no word for, as nodes of a DataFusion plan.
//!
//! A [`Transform`] is a table provider over the plans of its inputs, so that it needs no planner
//! extension; each run gets a fresh [`Worker`], which sees the batches of the first input, then of
//! the second, and so on.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::TableType;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};

use super::parallel::{self, Piece};
use crate::EngineError;

/// What a transform does to batches during one run.
pub(crate) trait Worker: Send {
    /// Takes a batch of input `input`, gives what can be given already.
    fn batch(&mut self, input: usize, batch: RecordBatch) -> Result<Vec<RecordBatch>, EngineError>;

    /// How many rows it wants at once.
    fn appetite(&self) -> usize {
        usize::MAX
    }

    /// All inputs have ended: gives the rest.
    fn finish(&mut self) -> Result<Vec<RecordBatch>, EngineError> {
        Ok(Vec::new())
    }

    /// Bytes held, for the memory limit.
    fn size(&self) -> usize {
        0
    }

    /// A worker for a part of the only input, where parts can be put together again without a
    /// trace.
    fn part(&self) -> Option<Box<dyn Worker>> {
        None
    }

    /// Takes over what a worker of the next part has seen.
    fn absorb(&mut self, _part: Box<dyn Any>) -> Result<(), EngineError> {
        Err(EngineError::runtime("a part of an operator that has none"))
    }

    /// Itself, to be absorbed.
    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        Box::new(())
    }
}

/// Makes a worker per run.
pub(crate) type Factory = Arc<dyn Fn() -> Box<dyn Worker> + Send + Sync>;

/// A KQL operator over the plans of its inputs.
#[derive(Clone)]
pub(crate) struct Transform {
    name: &'static str,
    inputs: Vec<LogicalPlan>,
    schema: SchemaRef,
    factory: Factory,
    threads: usize,
}

impl Transform {
    pub(crate) fn new(
        name: &'static str,
        inputs: Vec<LogicalPlan>,
        schema: SchemaRef,
        factory: Factory,
        threads: usize,
    ) -> Self {
        Self {
            name,
            inputs,
            schema,
            factory,
            threads,
        }
    }
}

impl fmt::Debug for Transform {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Transform")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for Transform {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut inputs = Vec::with_capacity(self.inputs.len());
        for input in &self.inputs {
            let input = state.create_physical_plan(input).await?;
            inputs.push(parallel::ordered(input, self.threads)?);
        }
        let schema = match projection {
            Some(columns) => Arc::new(self.schema.project(columns)?),
            None => Arc::clone(&self.schema),
        };
        // It yields by itself. Were it wrapped to yield, a chain of more of them than a task may
        // poll at once would never move.
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        let properties = Arc::new(properties.with_scheduling_type(SchedulingType::Cooperative));
        Ok(Arc::new(TransformExec {
            name: self.name,
            inputs,
            projection: projection.cloned(),
            factory: Arc::clone(&self.factory),
            threads: self.threads,
            properties,
        }))
    }
}

/// A transform in a physical plan. Its inputs are planned already and are no children: the
/// optimizer has been over them once.
struct TransformExec {
    name: &'static str,
    inputs: Vec<Arc<dyn ExecutionPlan>>,
    projection: Option<Vec<usize>>,
    factory: Factory,
    threads: usize,
    properties: Arc<PlanProperties>,
}

impl fmt::Debug for TransformExec {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("TransformExec")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl DisplayAs for TransformExec {
    fn fmt_as(&self, _: DisplayFormatType, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "KqlExec: {}", self.name)
    }
}

/// The state of a running transform.
struct Running {
    waiting: std::vec::IntoIter<Arc<dyn ExecutionPlan>>,
    current: Option<BoxStream<'static, Result<Piece>>>,
    input: usize,
    /// What the worker has left of a batch.
    rest: Option<RecordBatch>,
    worker: Box<dyn Worker>,
    reservation: MemoryReservation,
    finished: bool,
    context: Arc<TaskContext>,
    threads: usize,
    /// Makes workers for parts of the only input.
    parts: Option<Factory>,
}

impl Running {
    /// Gives the worker as much of a batch as it wants.
    fn work(&mut self, batch: RecordBatch) -> Result<Vec<RecordBatch>> {
        let rows = self.worker.appetite().max(1);
        let batch = if batch.num_rows() > rows {
            self.rest = Some(batch.slice(rows, batch.num_rows() - rows));
            batch.slice(0, rows)
        } else {
            batch
        };
        let out = self
            .worker
            .batch(self.input, batch)
            .map_err(EngineError::theirs)?;
        self.reservation.try_resize(self.worker.size())?;
        Ok(out)
    }

    async fn next(mut self) -> Result<Option<(Vec<RecordBatch>, Self)>> {
        loop {
            if self.finished {
                return Ok(None);
            }
            if let Some(batch) = self.rest.take() {
                let out = self.work(batch)?;
                tokio::task::yield_now().await;
                if !out.is_empty() {
                    return Ok(Some((out, self)));
                }
                continue;
            }
            let Some(current) = self.current.as_mut() else {
                if let Some(plan) = self.waiting.next() {
                    self.current = Some(parallel::in_order(
                        &plan,
                        &self.context,
                        self.threads,
                        self.parts.as_ref(),
                    )?);
                } else {
                    self.finished = true;
                    let rest = self.worker.finish().map_err(EngineError::theirs)?;
                    return Ok(Some((rest, self)));
                }
                continue;
            };
            match current.next().await {
                None => {
                    self.current = None;
                    self.input += 1;
                }
                Some(piece) => {
                    let out = match piece? {
                        Piece::Batch(batch) => self.work(batch)?,
                        Piece::Worked(part) => {
                            self.worker
                                .absorb(part.into_any())
                                .map_err(EngineError::theirs)?;
                            self.reservation.try_resize(self.worker.size())?;
                            Vec::new()
                        }
                    };
                    // Workers never wait: this is where a query that is no longer wanted ends.
                    tokio::task::yield_now().await;
                    if !out.is_empty() {
                        return Ok(Some((out, self)));
                    }
                }
            }
        }
    }
}

impl ExecutionPlan for TransformExec {
    fn name(&self) -> &'static str {
        "KqlExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let running = Running {
            waiting: self.inputs.clone().into_iter(),
            current: None,
            input: 0,
            rest: None,
            worker: (self.factory)(),
            reservation: MemoryConsumer::new(self.name).register(context.memory_pool()),
            finished: false,
            threads: self.threads,
            parts: (self.inputs.len() == 1).then(|| Arc::clone(&self.factory)),
            context,
        };
        let projection = self.projection.clone();
        let batches = stream::try_unfold(running, Running::next)
            .map_ok(|batches| stream::iter(batches.into_iter().map(Ok)))
            .try_flatten()
            .map(move |batch| match (&projection, batch) {
                (Some(columns), Ok(batch)) => Ok(batch.project(columns)?),
                (_, batch) => batch,
            });
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.schema(),
            batches,
        )))
    }
}

/// The most rows that a worker is meant to make of one batch.
const AT_ONCE: usize = 65_536;

/// A worker that makes many rows of one: the more it made, the fewer it takes at once.
pub(crate) struct Growing<F> {
    work: F,
    growth: usize,
}

impl<F> Growing<F> {
    pub(crate) fn new(work: F) -> Self {
        Self { work, growth: 64 }
    }
}

impl<F> Worker for Growing<F>
where
    F: FnMut(RecordBatch) -> Result<RecordBatch, EngineError> + Send,
{
    fn batch(&mut self, _: usize, batch: RecordBatch) -> Result<Vec<RecordBatch>, EngineError> {
        let rows = batch.num_rows();
        let out = (self.work)(batch)?;
        self.growth = out.num_rows().div_ceil(rows.max(1)).max(1);
        Ok(vec![out])
    }

    fn appetite(&self) -> usize {
        AT_ONCE / self.growth
    }
}

/// A worker that maps each batch by itself.
pub(crate) struct Each<F>(pub(crate) F);

impl<F> Worker for Each<F>
where
    F: FnMut(usize, RecordBatch) -> Result<RecordBatch, EngineError> + Send,
{
    fn batch(&mut self, input: usize, batch: RecordBatch) -> Result<Vec<RecordBatch>, EngineError> {
        Ok(vec![(self.0)(input, batch)?])
    }
}

/// A worker that needs all rows of all inputs at once.
pub(crate) struct Whole<F> {
    inputs: Vec<Vec<RecordBatch>>,
    held: usize,
    finish: F,
}

impl<F> Whole<F> {
    pub(crate) fn new(inputs: usize, finish: F) -> Self {
        Self {
            inputs: vec![Vec::new(); inputs],
            held: 0,
            finish,
        }
    }
}

impl<F> Worker for Whole<F>
where
    F: FnMut(Vec<Vec<RecordBatch>>) -> Result<Vec<RecordBatch>, EngineError> + Send,
{
    fn batch(&mut self, input: usize, batch: RecordBatch) -> Result<Vec<RecordBatch>, EngineError> {
        self.held += batch.get_array_memory_size();
        self.inputs[input].push(batch);
        Ok(Vec::new())
    }

    fn finish(&mut self) -> Result<Vec<RecordBatch>, EngineError> {
        (self.finish)(std::mem::take(&mut self.inputs))
    }

    fn size(&self) -> usize {
        self.held
    }
}
