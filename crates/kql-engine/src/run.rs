//! From text to rows.

use arrow::record_batch::RecordBatch;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use futures::SinkExt;
use futures::channel::{mpsc, oneshot};
use kql_semantics::bound::{self, BoundQuery};
use kql_semantics::{
    BindOptions, Binding, Diagnostic, DiagnosticKind, Discovery, bind_or_discover,
};

use crate::allowance::Allowance;
use crate::plan::Planner;
use crate::rows::Piece;
use crate::{Catalog, Complaint, EngineError, Options, ResultColumn, ResultSet, Value};

/// How often columns may depend on data in one query.
const DISCOVERIES: usize = 16;

/// Tells a run that its answer is no longer wanted; shared by the runs one query needs.
pub(crate) type Cancelled = futures::future::Shared<oneshot::Receiver<()>>;

pub(crate) fn query(
    catalog: &Catalog,
    options: &Options,
    text: &str,
    cancelled: &Cancelled,
) -> Result<ResultSet, EngineError> {
    let bound = bind_one(catalog, options, text, cancelled)?;
    run(catalog, options, &bound, cancelled)
}

/// Sends the rows of an answer, once `begin` knows its columns; whether some were cut off.
pub(crate) fn stream(
    catalog: &Catalog,
    options: &Options,
    text: &str,
    cancelled: &Cancelled,
    begin: impl FnOnce(Vec<ResultColumn>, Option<String>),
    mut sender: mpsc::Sender<Piece>,
) -> Result<bool, EngineError> {
    let bound = bind_one(catalog, options, text, cancelled)?;
    let _counted = Allowance::of_a_query();
    let planner = Planner::new(catalog, options, &bound, cancelled.clone())?;
    let plan = plan(&planner, options, &bound)?;
    let columns = columns(&bound);
    let visualization = visualization(&bound);
    begin(columns.clone(), visualization.clone());
    let (mut left, mut truncated) = (options.max_rows.unwrap_or(usize::MAX), false);
    planner.feed(&plan, async |mut batch: RecordBatch| {
        truncated |= batch.num_rows() > left;
        batch = batch.slice(0, batch.num_rows().min(left));
        left -= batch.num_rows();
        if batch.num_rows() == 0 {
            return Ok(!truncated);
        }
        let piece = ResultSet {
            columns: columns.clone(),
            truncated,
            visualization: visualization.clone(),
            batches: vec![batch],
        };
        // An error means that nobody reads on.
        Ok(sender.send(Piece::Rows(piece)).await.is_ok() && !truncated)
    })?;
    Ok(truncated)
}

/// The query whose answer is meant.
fn bind_one(
    catalog: &Catalog,
    options: &Options,
    text: &str,
    cancelled: &Cancelled,
) -> Result<BoundQuery, EngineError> {
    let bound = bind(catalog, options, text, cancelled)?;
    // Hunting answers with one table: which of several is meant, nobody can say for the user.
    if let Some(span) = bound.earlier {
        return Err(EngineError::unsupported(
            "a second answer in one query (ask for each by itself, or join them with 'union')",
            span.range(),
        ));
    }
    Ok(bound)
}

pub(crate) fn schema(
    catalog: &Catalog,
    options: &Options,
    text: &str,
    cancelled: &Cancelled,
) -> Result<Vec<ResultColumn>, EngineError> {
    let bound = bind(catalog, options, text, cancelled)?;
    Ok(columns(&bound))
}

fn columns(bound: &BoundQuery) -> Vec<ResultColumn> {
    bound
        .schema()
        .into_iter()
        .map(|column| ResultColumn {
            name: column.name,
            ty: column.ty,
        })
        .collect()
}

fn complaint(diagnostic: &Diagnostic) -> Complaint {
    Complaint {
        message: diagnostic.to_string(),
        span: diagnostic.span.range(),
    }
}

fn refused(found: &[Diagnostic]) -> EngineError {
    let unsupported = found
        .iter()
        .find(|one| one.kind == DiagnosticKind::Unsupported);
    let others = found
        .iter()
        .any(|one| one.kind != DiagnosticKind::Unsupported);
    match unsupported {
        Some(one) if !others => EngineError::unsupported(one.message.clone(), one.span.range()),
        _ => EngineError::Semantic(found.iter().map(complaint).collect()),
    }
}

fn bind(
    catalog: &Catalog,
    options: &Options,
    text: &str,
    cancelled: &Cancelled,
) -> Result<BoundQuery, EngineError> {
    let parsed = kql_syntax::parse(text);
    if !parsed.diagnostics.is_empty() {
        let list = parsed
            .diagnostics
            .iter()
            .map(|one| Complaint {
                message: match &one.hint {
                    Some(hint) => format!("{one}; {hint}"),
                    None => one.to_string(),
                },
                span: one.span.range(),
            })
            .collect();
        return Err(EngineError::Syntax(list));
    }
    let mut settings = BindOptions {
        parameters: options
            .parameters
            .iter()
            .map(|(name, value)| (name.clone(), literal(value)))
            .collect(),
        ..BindOptions::default()
    };
    for _ in 0..DISCOVERIES {
        match bind_or_discover(&parsed.tree, catalog, &settings).map_err(|found| refused(&found))? {
            Binding::Complete(bound) => return Ok(bound),
            Binding::NeedsSchema(discovery) => {
                settings
                    .discovered
                    .push(discover(catalog, options, &discovery, cancelled)?);
            }
        }
    }
    Err(EngineError::runtime(
        "the columns of the query depend on data too often",
    ))
}

/// The columns that only the data tells.
fn discover(
    catalog: &Catalog,
    options: &Options,
    discovery: &Discovery,
    cancelled: &Cancelled,
) -> Result<Vec<kql_semantics::ColumnSchema>, EngineError> {
    let unlimited = Options {
        max_rows: None,
        ..options.clone()
    };
    let found = run(catalog, &unlimited, &discovery.query, cancelled)?;
    let rows = found.rows().filter_map(|row| match row.as_slice() {
        [Value::String(name), Value::String(ty)] => Some((name.clone(), ty.clone())),
        _ => None,
    });
    Ok(discovery.columns(rows))
}

/// A parameter's value as the binder takes it.
fn literal(value: &Value) -> bound::Value {
    match value {
        Value::Null => bound::Value::Null,
        Value::Bool(value) => bound::Value::Bool(*value),
        Value::Int(value) => bound::Value::Int(*value),
        Value::Long(value) => bound::Value::Long(*value),
        Value::Real(value) => bound::Value::Real(*value),
        Value::Decimal(value) => bound::Value::Decimal(value.clone()),
        Value::DateTime(value) => bound::Value::DateTime(*value),
        Value::TimeSpan(value) => bound::Value::TimeSpan(*value),
        Value::Guid(value) => bound::Value::Guid(value.clone()),
        Value::String(value) => bound::Value::String(value.clone()),
        Value::Dynamic(value) => bound::Value::Dynamic(value.to_string()),
    }
}

fn run(
    catalog: &Catalog,
    options: &Options,
    bound: &BoundQuery,
    cancelled: &Cancelled,
) -> Result<ResultSet, EngineError> {
    let _counted = Allowance::of_a_query();
    let planner = Planner::new(catalog, options, bound, cancelled.clone())?;
    let plan = plan(&planner, options, bound)?;
    let mut batches = planner.run(&plan)?;
    let truncated = options.max_rows.is_some_and(|most| cut(&mut batches, most));
    let answer = ResultSet {
        columns: columns(bound),
        truncated,
        visualization: visualization(bound),
        batches,
    };
    debug_assert!(
        answer.batches.iter().all(|batch| {
            answer.columns.is_empty() || batch.num_columns() == answer.columns.len()
        })
    );
    Ok(answer)
}

fn plan(
    planner: &Planner<'_>,
    options: &Options,
    bound: &BoundQuery,
) -> Result<LogicalPlan, EngineError> {
    planner.prepare()?;
    let flow = planner.pipeline(&bound.root, None)?;
    let plan = planner.choose(flow, &bound.root.columns)?.plan;
    let Some(most) = options.max_rows else {
        return Ok(plan);
    };
    // One more than wanted tells whether there is more.
    let limited = LogicalPlanBuilder::from(plan).limit(0, Some(most.saturating_add(1)))?;
    Ok(limited.build()?)
}

fn visualization(bound: &BoundQuery) -> Option<String> {
    bound.render.as_ref().map(|render| render.chart.clone())
}

/// Keeps the first `most` rows; whether there were more.
fn cut(batches: &mut Vec<RecordBatch>, most: usize) -> bool {
    let mut left = most;
    let mut more = false;
    batches.retain_mut(|batch| {
        if batch.num_rows() > left {
            more = true;
            *batch = batch.slice(0, left);
        }
        left -= batch.num_rows();
        batch.num_rows() > 0
    });
    more
}
