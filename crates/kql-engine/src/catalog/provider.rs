//! Tables of the catalog as DataFusion scans them: batch by batch, the columns and rows it asks for.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::TableType;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
};
use futures::stream;
use kql_semantics::ScalarType;

use super::columnar::{self, RowGroups};
use super::condition::Condition;
use super::files::{Batches, Source};
use super::folders;
use super::table::{Loaded, Part};
use super::test::Test;
use crate::{EngineError, expression};

/// How many rows at hand make a share.
const SHARE: usize = 65_536;

/// A Parquet file of fewer bytes shares a start with others: what is known of thousands of small
/// files takes more memory than their rows.
const SMALL: u64 = 1 << 20;

/// The most bytes of small files in a share.
const TOGETHER: u64 = 4 << 20;

/// The most small files in a share.
const FILES: usize = 64;

/// A table with the columns of a query.
#[derive(Debug)]
pub(crate) struct Rows {
    loaded: Arc<Loaded>,
    /// The name and type in the catalog of each column of the schema.
    columns: Vec<(String, ScalarType)>,
    schema: SchemaRef,
    /// Where the query names the table.
    span: Range<usize>,
}

impl Rows {
    /// `columns` of a table, called as `schema` says.
    pub(crate) fn new(
        loaded: Arc<Loaded>,
        columns: Vec<(String, ScalarType)>,
        schema: SchemaRef,
        span: Range<usize>,
    ) -> Self {
        Self {
            loaded,
            columns,
            schema,
            span,
        }
    }

    fn test(&self, filter: &Expr) -> Option<Test> {
        Test::new(filter, |column| {
            let at = self.schema.index_of(column).ok()?;
            Some(self.columns[at].clone())
        })
    }

    /// The conditions in a filter that readers can make use of.
    fn conditions_in(&self, filter: &Expr) -> Vec<Condition> {
        expression::comparisons(filter)
            .into_iter()
            .filter_map(|(column, op, value)| {
                let at = self.schema.index_of(&column).ok()?;
                let (name, ty) = &self.columns[at];
                Condition::new(name, *ty, op, &value)
            })
            .collect()
    }
}

#[async_trait]
impl TableProvider for Rows {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(filters
            .iter()
            .map(|filter| {
                if self.test(filter).is_some() {
                    TableProviderFilterPushDown::Exact
                } else {
                    TableProviderFilterPushDown::Unsupported
                }
            })
            .collect())
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (schema, columns) = match projection {
            Some(places) => (
                Arc::new(self.schema.project(places)?),
                places.iter().map(|at| self.columns[*at].clone()).collect(),
            ),
            None => (Arc::clone(&self.schema), self.columns.clone()),
        };
        let conditions: Vec<Condition> = filters
            .iter()
            .flat_map(|filter| self.conditions_in(filter))
            .collect();
        let tests: Vec<Test> = filters
            .iter()
            .filter_map(|filter| self.test(filter))
            .collect();
        let shares = self
            .loaded
            .shares(&conditions, &tests)
            .map_err(|error| error.about(self.span.clone()))
            .map_err(EngineError::theirs)?;
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(shares.len().max(1)),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        // It yields by itself.
        let properties = Arc::new(properties.with_scheduling_type(SchedulingType::Cooperative));
        Ok(Arc::new(RowsExec {
            shares,
            reading: Arc::new(Reading {
                columns,
                tests,
                conditions,
                span: self.span.clone(),
                seen: AtomicUsize::new(0),
                passed: AtomicUsize::new(0),
            }),
            properties,
        }))
    }
}

/// A piece of a table that is read by itself: what it is depends on the data alone.
#[derive(Clone)]
enum Share {
    Kept(Vec<RecordBatch>),
    Foreign(Arc<str>, Vec<RecordBatch>),
    File(Source),
    Groups(RowGroups),
    /// Small Parquet files.
    Several(Arc<[Source]>),
}

/// What a scan wants of every share.
struct Reading {
    columns: Vec<(String, ScalarType)>,
    tests: Vec<Test>,
    conditions: Vec<Condition>,
    span: Range<usize>,
    /// Rows of the shares read so far, and how many of them passed the tests.
    seen: AtomicUsize,
    passed: AtomicUsize,
}

impl Reading {
    /// The rows of a share that pass the tests, with the columns of the scan and maybe more.
    fn open(self: &Arc<Self>, share: &Share) -> std::result::Result<Batches, EngineError> {
        if self.is_selective() {
            match share {
                Share::Groups(groups) => return groups.open(&self.columns, &self.tests),
                Share::Several(sources) => {
                    return Ok(columnar::several(
                        sources,
                        &self.conditions,
                        &self.columns,
                        &self.tests,
                    ));
                }
                Share::Kept(_) | Share::Foreign(..) | Share::File(_) => {}
            }
        }
        let mut wanted = self.columns.clone();
        for column in self.tests.iter().flat_map(Test::columns) {
            if !wanted.contains(column) {
                wanted.push(column.clone());
            }
        }
        let batches = match share {
            Share::Groups(groups) => groups.open(&wanted, &[])?,
            Share::Several(sources) => columnar::several(sources, &self.conditions, &wanted, &[]),
            Share::File(source) => source.open(&wanted)?,
            Share::Foreign(table, batches) => super::table::foreign(table, batches, &wanted),
            Share::Kept(batches) => {
                let batches = batches.clone();
                let chosen = move |one| super::table::chosen(&wanted, &one);
                Box::new(batches.into_iter().map(chosen))
            }
        };
        if self.tests.is_empty() {
            return Ok(batches);
        }
        let reading = Arc::clone(self);
        Ok(Box::new(batches.map(move |batch| {
            let mut batch = batch?;
            reading.seen.fetch_add(batch.num_rows(), Ordering::Relaxed);
            for test in &reading.tests {
                if batch.num_rows() > 0 {
                    batch = test.filtered(&batch)?;
                }
            }
            reading
                .passed
                .fetch_add(batch.num_rows(), Ordering::Relaxed);
            Ok(batch)
        })))
    }

    /// Whether so few rows pass that the other columns are better decoded for those alone.
    fn is_selective(&self) -> bool {
        let (seen, passed) = (
            self.seen.load(Ordering::Relaxed),
            self.passed.load(Ordering::Relaxed),
        );
        !self.tests.is_empty() && seen > 0 && passed < seen / 4
    }
}

struct RowsExec {
    shares: Vec<Share>,
    reading: Arc<Reading>,
    properties: Arc<PlanProperties>,
}

impl fmt::Debug for RowsExec {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("RowsExec").finish_non_exhaustive()
    }
}

impl DisplayAs for RowsExec {
    fn fmt_as(&self, _: DisplayFormatType, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self
            .reading
            .columns
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        write!(
            out,
            "RowsExec: {}; shares={}, tests={}",
            names.join(", "),
            self.shares.len(),
            self.reading.tests.len()
        )
    }
}

impl ExecutionPlan for RowsExec {
    fn name(&self) -> &'static str {
        "RowsExec"
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

    fn execute(&self, at: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let scan = Scan {
            share: self.shares.get(at).cloned(),
            reading: Arc::clone(&self.reading),
            current: None,
            schema: self.schema(),
            reservation: MemoryConsumer::new("rows of a table").register(context.memory_pool()),
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.schema(),
            stream::try_unfold(scan, Scan::step),
        )))
    }
}

/// A scan of a share under way.
struct Scan {
    share: Option<Share>,
    reading: Arc<Reading>,
    current: Option<Batches>,
    schema: SchemaRef,
    reservation: MemoryReservation,
}

impl Scan {
    async fn step(mut self) -> Result<Option<(RecordBatch, Self)>> {
        loop {
            // Reading never waits: this is where a query that is no longer wanted ends.
            tokio::task::yield_now().await;
            let Some(share) = &self.share else {
                return Ok(None);
            };
            let current = match self.current.as_mut() {
                Some(current) => current,
                None => self.current.insert(
                    self.reading
                        .open(share)
                        .map_err(|error| error.about(self.reading.span.clone()))
                        .map_err(EngineError::theirs)?,
                ),
            };
            let Some(batch) = current.next() else {
                return Ok(None);
            };
            let batch = batch
                .map_err(|error| error.about(self.reading.span.clone()))
                .map_err(EngineError::theirs)?;
            if batch.num_rows() == 0 {
                continue;
            }
            // Rows that stay in memory are there without any query.
            if !matches!(share, Share::Kept(_)) {
                self.reservation.try_resize(batch.get_array_memory_size())?;
            }
            let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            let columns = batch.columns()[..self.schema.fields().len()].to_vec();
            let schema = Arc::clone(&self.schema);
            let batch = RecordBatch::try_new_with_options(schema, columns, &options)?;
            return Ok(Some((batch, self)));
        }
    }
}

/// Whether rows of a file may pass, as far as the names of its folders tell.
fn may_pass(source: &Source, tests: &[Test]) -> std::result::Result<bool, EngineError> {
    for test in tests {
        if let Some(values) = folders::row(&source.folders, test.columns())
            && test.passed(&values, 1)?.true_count() == 0
        {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Loaded {
    /// Whether it is known to have no rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| match part {
            Part::Kept(batches) => batches.iter().all(|batch| batch.num_rows() == 0),
            Part::Foreign(..) | Part::File(_) => false,
        })
    }

    /// Whether all of its rows are in memory.
    pub(crate) fn is_at_hand(&self) -> bool {
        self.parts.iter().all(|part| !matches!(part, Part::File(_)))
    }

    /// The pieces to be read, in order; rows that fail a condition or a test may be missing.
    fn shares(
        &self,
        conditions: &[Condition],
        tests: &[Test],
    ) -> std::result::Result<Vec<Share>, EngineError> {
        let mut shares = Vec::new();
        let mut small = Vec::new();
        let mut together = 0;
        for part in &self.parts {
            let length = match part {
                Part::File(source) if !may_pass(source, tests)? => continue,
                Part::File(source) if source.is_pruned() => source.length(),
                _ => u64::MAX,
            };
            let full = small.len() == FILES || length.saturating_add(together) > TOGETHER;
            if (full || length >= SMALL) && !small.is_empty() {
                shares.push(Share::Several(std::mem::take(&mut small).into()));
                together = 0;
            }
            match part {
                Part::Foreign(table, batches) => {
                    shares.push(Share::Foreign(Arc::clone(table), batches.clone()));
                }
                Part::File(source) if length < SMALL => {
                    small.push(source.clone());
                    together += length;
                }
                Part::Kept(batches) => {
                    let mut rows = 0;
                    let mut share: Vec<RecordBatch> = Vec::new();
                    for batch in batches {
                        rows += batch.num_rows();
                        share.push(batch.clone());
                        if rows >= SHARE {
                            shares.push(Share::Kept(std::mem::take(&mut share)));
                            rows = 0;
                        }
                    }
                    shares.push(Share::Kept(share));
                }
                Part::File(source) if source.is_pruned() => {
                    shares.extend(
                        columnar::shares(source, conditions)?
                            .into_iter()
                            .map(Share::Groups),
                    );
                }
                Part::File(source) => shares.push(Share::File(source.clone())),
            }
        }
        if !small.is_empty() {
            shares.push(Share::Several(small.into()));
        }
        Ok(shares)
    }

    /// All values of the column at `at`.
    pub(crate) fn column(&self, at: usize) -> std::result::Result<Vec<ArrayRef>, EngineError> {
        let wanted = [self.columns[at].clone()];
        let mut arrays = Vec::new();
        for part in &self.parts {
            for batch in part.open(&wanted)? {
                arrays.push(Arc::clone(batch?.column(0)));
            }
        }
        Ok(arrays)
    }

    /// How many rows there are; reads them.
    pub(crate) fn count(&self) -> std::result::Result<usize, EngineError> {
        let mut rows = 0;
        for part in &self.parts {
            for batch in part.open(&[])? {
                rows += batch?.num_rows();
            }
        }
        Ok(rows)
    }
}
