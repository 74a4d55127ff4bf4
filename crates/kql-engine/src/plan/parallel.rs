//! Partitions of a plan worked on side by side, their rows in the order of the partitions.
//!
//! How many threads there are changes how long a query takes and nothing else: what a partition is
//! depends on the data alone, and whoever reads the stream sees partition after partition.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, JoinType, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning,
    PhysicalExpr, PlanProperties,
};
use futures::channel::mpsc;
use futures::stream::BoxStream;
use futures::{SinkExt, StreamExt, TryStreamExt, stream};

use super::transform::{Factory, Worker};
use crate::EngineError;

/// Stack of a thread, as that of the thread which plans: expressions nest.
const STACK: usize = 256 << 20;

/// Batches that wait for their reader, per partition.
const WAITING: usize = 4;

/// What a partition gives.
pub(super) enum Piece {
    Batch(RecordBatch),
    /// A worker that has seen a whole partition.
    Worked(Box<dyn Worker>),
}

/// The partitions of `plan` one after the other, worked on by `threads` threads.
///
/// With `worker` a partition may come as a worker that has seen it, instead of its batches.
pub(super) fn in_order(
    plan: &Arc<dyn ExecutionPlan>,
    context: &Arc<TaskContext>,
    threads: usize,
    worker: Option<&Factory>,
) -> Result<BoxStream<'static, Result<Piece>>> {
    let count = plan.output_partitioning().partition_count();
    if count == 1 {
        let stream = plan.execute(0, Arc::clone(context))?;
        return Ok(stream.map_ok(Piece::Batch).boxed());
    }
    if threads < 2 {
        let (plan, context) = (Arc::clone(plan), Arc::clone(context));
        return Ok(stream::iter(0..count)
            .map(move |at| plan.execute(at, Arc::clone(&context)))
            .try_flatten()
            .map_ok(Piece::Batch)
            .boxed());
    }
    let crew = Crew::start(plan, context, threads.min(count), count, worker)?;
    Ok(stream::try_unfold(crew, Crew::step).boxed())
}

/// Which partitions may be worked on.
#[derive(Default)]
struct Progress {
    /// The next partition that nobody works on, with the way to its reader.
    waiting: VecDeque<(usize, mpsc::Sender<Message>)>,
    /// How many partitions have been read to their end.
    read: usize,
    closed: bool,
}

struct Shared {
    progress: Mutex<Progress>,
    moved: Condvar,
    ahead: usize,
}

impl Shared {
    fn update(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner));
        self.moved.notify_all();
    }

    /// The next partition to work on, once it is near enough to what is being read.
    fn next(&self) -> Option<(usize, mpsc::Sender<Message>)> {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if progress.closed {
                return None;
            }
            let (next, _) = progress.waiting.front()?;
            if *next < progress.read + self.ahead {
                return progress.waiting.pop_front();
            }
            progress = self
                .moved
                .wait(progress)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

enum Message {
    Piece(Result<Piece>),
    /// A partition ends with this; without it something broke.
    End,
}

/// The reader of partitions that threads work on.
struct Crew {
    shared: Arc<Shared>,
    readers: VecDeque<mpsc::Receiver<Message>>,
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.shared.update(|progress| progress.closed = true);
    }
}

impl Crew {
    fn start(
        plan: &Arc<dyn ExecutionPlan>,
        context: &Arc<TaskContext>,
        threads: usize,
        count: usize,
        worker: Option<&Factory>,
    ) -> Result<Self> {
        let mut readers = VecDeque::with_capacity(count);
        let mut waiting = VecDeque::with_capacity(count);
        for at in 0..count {
            let (sender, receiver) = mpsc::channel(WAITING);
            waiting.push_back((at, sender));
            readers.push_back(receiver);
        }
        let shared = Arc::new(Shared {
            progress: Mutex::new(Progress {
                waiting,
                ..Progress::default()
            }),
            moved: Condvar::new(),
            ahead: threads * 2,
        });
        let crew = Self {
            shared: Arc::clone(&shared),
            readers,
        };
        for _ in 0..threads {
            let (plan, context) = (Arc::clone(plan), Arc::clone(context));
            let (shared, worker) = (Arc::clone(&shared), worker.cloned());
            let runtime = tokio::runtime::Handle::try_current().ok();
            std::thread::Builder::new()
                .name("kql".to_owned())
                .stack_size(STACK)
                .spawn(move || {
                    let _inside = runtime.as_ref().map(tokio::runtime::Handle::enter);
                    while let Some((at, sender)) = shared.next() {
                        let work = partition(&plan, &context, at, sender, worker.as_ref());
                        futures::executor::block_on(work);
                    }
                })
                .map_err(|error| EngineError::runtime(format!("no thread to run on: {error}")))
                .map_err(EngineError::theirs)?;
        }
        Ok(crew)
    }

    async fn step(mut self) -> Result<Option<(Piece, Self)>> {
        loop {
            let Some(reader) = self.readers.front_mut() else {
                return Ok(None);
            };
            match reader.next().await {
                Some(Message::Piece(piece)) => return Ok(Some((piece?, self))),
                Some(Message::End) => {
                    self.readers.pop_front();
                    self.shared.update(|progress| progress.read += 1);
                }
                None => {
                    let message = "the engine failed inside; report the query";
                    return Err(EngineError::runtime(message).theirs());
                }
            }
        }
    }
}

/// Works on one partition; nobody listening ends it.
async fn partition(
    plan: &Arc<dyn ExecutionPlan>,
    context: &Arc<TaskContext>,
    at: usize,
    mut sender: mpsc::Sender<Message>,
    worker: Option<&Factory>,
) {
    let part = worker.and_then(|factory| factory().part());
    let outcome = match part {
        Some(part) => whole_partition(plan, context, at, part, &mut sender).await,
        None => batches(plan, context, at, &mut sender).await,
    };
    // A failed send means that nobody wants the rest.
    let _ = match outcome {
        Ok(()) => sender.send(Message::End).await,
        Err(error) => sender.send(Message::Piece(Err(error))).await,
    };
}

async fn batches(
    plan: &Arc<dyn ExecutionPlan>,
    context: &Arc<TaskContext>,
    at: usize,
    sender: &mut mpsc::Sender<Message>,
) -> Result<()> {
    let mut stream = plan.execute(at, Arc::clone(context))?;
    while let Some(batch) = stream.next().await {
        let message = Message::Piece(Ok(Piece::Batch(batch?)));
        if sender.send(message).await.is_err() {
            break;
        }
    }
    Ok(())
}

async fn whole_partition(
    plan: &Arc<dyn ExecutionPlan>,
    context: &Arc<TaskContext>,
    at: usize,
    mut worker: Box<dyn Worker>,
    sender: &mut mpsc::Sender<Message>,
) -> Result<()> {
    let mut stream = plan.execute(at, Arc::clone(context))?;
    while let Some(batch) = stream.next().await {
        if sender.is_closed() {
            return Ok(());
        }
        worker.batch(0, batch?).map_err(EngineError::theirs)?;
    }
    let message = Message::Piece(Ok(Piece::Worked(worker)));
    // As above.
    let _ = sender.send(message).await;
    Ok(())
}

/// Keeps the order of rows where the optimizer's own nodes would not.
pub(super) fn ordered(
    plan: Arc<dyn ExecutionPlan>,
    threads: usize,
) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| {
        if let Some(all) = node.downcast_ref::<CoalescePartitionsExec>() {
            let input = Arc::clone(all.input());
            return Ok(Transformed::yes(joined(input, threads, node.fetch())));
        }
        if let Some(all) = node.downcast_ref::<RepartitionExec>() {
            let input = Arc::clone(all.input());
            return Ok(Transformed::yes(joined(input, threads, None)));
        }
        if let Some(join) = node.downcast_ref::<HashJoinExec>() {
            // Rows of the left side without a match come when the last partition of the right side
            // ends, whichever that is.
            let last = !matches!(
                join.join_type(),
                JoinType::Inner | JoinType::Right | JoinType::RightSemi | JoinType::RightAnti
            );
            let right = join.right();
            if last && right.output_partitioning().partition_count() > 1 {
                let right = joined(Arc::clone(right), threads, None);
                let children = vec![Arc::clone(join.left()), right];
                let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
                return Ok(Transformed::yes(node.replace_children(children, options)?));
            }
        }
        Ok(Transformed::no(node))
    })
    .map(|done| done.data)
}

fn joined(
    input: Arc<dyn ExecutionPlan>,
    threads: usize,
    fetch: Option<usize>,
) -> Arc<dyn ExecutionPlan> {
    let properties = Arc::new(PlanProperties::new(
        EquivalenceProperties::new(input.schema()),
        Partitioning::UnknownPartitioning(1),
        input.pipeline_behavior(),
        input.boundedness(),
    ));
    Arc::new(OrderedExec {
        input,
        threads,
        fetch,
        properties,
    })
}

/// All partitions of a plan as one, in their order.
#[derive(Debug)]
struct OrderedExec {
    input: Arc<dyn ExecutionPlan>,
    threads: usize,
    fetch: Option<usize>,
    properties: Arc<PlanProperties>,
}

impl DisplayAs for OrderedExec {
    fn fmt_as(&self, _: DisplayFormatType, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "OrderedExec")
    }
}

impl ExecutionPlan for OrderedExec {
    fn name(&self) -> &'static str {
        "OrderedExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(input) = children.pop() else {
            return Err(DataFusionError::Internal(
                "a node without its input".to_owned(),
            ));
        };
        Ok(joined(input, self.threads, self.fetch))
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let pieces = in_order(&self.input, &context, self.threads, None)?;
        let mut left = self.fetch.unwrap_or(usize::MAX);
        let batches = pieces
            .try_filter_map(|piece| async {
                Ok(match piece {
                    Piece::Batch(batch) => Some(batch),
                    Piece::Worked(_) => None,
                })
            })
            .try_take_while(move |batch| {
                let more = left > 0;
                left = left.saturating_sub(batch.num_rows());
                futures::future::ready(Ok(more))
            });
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.schema(),
            batches,
        )))
    }
}
