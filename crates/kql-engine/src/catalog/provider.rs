//! Tables of the catalog as DataFusion scans them: batch by batch, the columns and rows it asks for.

use std::fmt;
use std::sync::Arc;

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
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
};
use futures::stream;
use kql_semantics::ScalarType;

use super::condition::Condition;
use super::{Loaded, Part};
use crate::{EngineError, expression};

/// A table with the columns of a query.
#[derive(Debug)]
pub(crate) struct Rows {
    loaded: Arc<Loaded>,
    /// The name and type in the catalog of each column of the schema.
    columns: Vec<(String, ScalarType)>,
    schema: SchemaRef,
    conditions: Vec<Condition>,
}

impl Rows {
    /// `columns` of a table, called as `schema` says; rows that fail a condition may be missing.
    pub(crate) fn new(
        loaded: Arc<Loaded>,
        columns: Vec<(String, ScalarType)>,
        schema: SchemaRef,
        conditions: Vec<Condition>,
    ) -> Self {
        Self {
            loaded,
            columns,
            schema,
            conditions,
        }
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
                if self.conditions_in(filter).is_empty() {
                    TableProviderFilterPushDown::Unsupported
                } else {
                    TableProviderFilterPushDown::Inexact
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
        let mut conditions = self.conditions.clone();
        for filter in filters {
            conditions.extend(self.conditions_in(filter));
        }
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        ));
        Ok(Arc::new(RowsExec {
            loaded: Arc::clone(&self.loaded),
            columns,
            conditions,
            properties,
        }))
    }
}

struct RowsExec {
    loaded: Arc<Loaded>,
    columns: Vec<(String, ScalarType)>,
    conditions: Vec<Condition>,
    properties: Arc<PlanProperties>,
}

impl fmt::Debug for RowsExec {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("RowsExec").finish_non_exhaustive()
    }
}

impl DisplayAs for RowsExec {
    fn fmt_as(&self, _: DisplayFormatType, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| name.as_str()).collect();
        write!(out, "RowsExec: {}", names.join(", "))?;
        if !self.conditions.is_empty() {
            write!(out, "; conditions={:?}", self.conditions)?;
        }
        Ok(())
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

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let scan = Scan {
            loaded: Arc::clone(&self.loaded),
            columns: self.columns.clone(),
            conditions: self.conditions.clone(),
            next: 0,
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

/// A scan under way.
struct Scan {
    loaded: Arc<Loaded>,
    columns: Vec<(String, ScalarType)>,
    conditions: Vec<Condition>,
    next: usize,
    current: Option<super::files::Batches>,
    schema: SchemaRef,
    reservation: MemoryReservation,
}

impl Scan {
    async fn step(mut self) -> Result<Option<(RecordBatch, Self)>> {
        loop {
            // Reading never waits: this is where a query that is no longer wanted ends.
            tokio::task::yield_now().await;
            let Some(current) = self.current.as_mut() else {
                let Some(part) = self.loaded.parts.get(self.next) else {
                    return Ok(None);
                };
                self.current = Some(part.open(&self.columns, &self.conditions)?);
                self.next += 1;
                continue;
            };
            let Some(batch) = current.next() else {
                self.current = None;
                continue;
            };
            let batch = batch?;
            if batch.num_rows() == 0 {
                continue;
            }
            // Rows that stay in memory are there without any query.
            if matches!(self.loaded.parts.get(self.next - 1), Some(Part::File(_))) {
                self.reservation.try_resize(batch.get_array_memory_size())?;
            }
            let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            let batch = RecordBatch::try_new_with_options(
                Arc::clone(&self.schema),
                batch.columns().to_vec(),
                &options,
            )?;
            return Ok(Some((batch, self)));
        }
    }
}

impl Loaded {
    /// All values of the column at `at`.
    pub(crate) fn column(&self, at: usize) -> std::result::Result<Vec<ArrayRef>, EngineError> {
        let wanted = [self.columns[at].clone()];
        let mut arrays = Vec::new();
        for part in &self.parts {
            for batch in part.open(&wanted, &[])? {
                arrays.push(Arc::clone(batch?.column(0)));
            }
        }
        Ok(arrays)
    }

    /// How many rows there are; reads them.
    pub(crate) fn count(&self) -> std::result::Result<usize, EngineError> {
        let mut rows = 0;
        for part in &self.parts {
            for batch in part.open(&[], &[])? {
                rows += batch?.num_rows();
            }
        }
        Ok(rows)
    }
}
