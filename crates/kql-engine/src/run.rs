//! From text to rows.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use futures::SinkExt;
use futures::channel::{mpsc, oneshot};
use kql_semantics::bound::{self, BoundQuery};
use kql_semantics::{
    BindOptions, Binding, Diagnostic, DiagnosticKind, Discovery, TableSchema, Tables,
    bind_or_discover,
};
use kql_syntax::TokenKind;

use crate::allowance::Allowance;
use crate::error::Foreign;
use crate::plan::{Planner, STAMP, time_filters};
use crate::rows::{Ended, Missed, Piece};
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

/// Sends the rows of an answer, once `begin` knows its columns.
pub(crate) fn stream(
    catalog: &Catalog,
    options: &Options,
    text: &str,
    cancelled: &Cancelled,
    begin: impl FnOnce(Vec<ResultColumn>, Option<String>),
    mut sender: mpsc::Sender<Piece>,
) -> Result<Ended, EngineError> {
    let catalog = &catalog.watched();
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
    drop(plan);
    drop(planner);
    let (read, named) = catalog.was_read();
    let filters = time_filters::of(&bound, options.time_range.is_some());
    let timed = filters.iter().filter(|one| &*one.column == STAMP);
    let timed = timed.map(|one| one.table.to_string()).collect();
    Ok(Ended {
        truncated,
        read,
        named,
        timed,
        query: Some(Arc::new(bound)),
    })
}

/// Of the tables whose rows a query asks for by their time, those that have rows and none of such a
/// time; of all of them `everywhere`, otherwise of those whose rows are at hand.
pub(crate) fn missed(
    catalog: &Catalog,
    options: &Options,
    query: &BoundQuery,
    everywhere: bool,
    cancelled: &Cancelled,
) -> Result<Vec<Missed>, EngineError> {
    let options = &Options {
        max_rows: Some(1),
        ..options.clone()
    };
    let mut missed: Vec<Missed> = Vec::new();
    let filters = time_filters::of(query, options.time_range.is_some());
    for filter in &filters {
        let said = missed.iter().any(|one| *one.table == *filter.table);
        let loaded = catalog.load(&filter.table)?;
        if said || loaded.is_empty() || !(everywhere || loaded.is_at_hand()) {
            continue;
        }
        if run(catalog, options, &filter.rows, cancelled)?.is_empty() {
            let of_table = filters
                .iter()
                .filter(|one| (&one.table, &one.column) == (&filter.table, &filter.column));
            missed.push(Missed {
                table: filter.table.to_string(),
                column: filter.column.to_string(),
                alone: of_table.count() == 1,
            });
        }
    }
    Ok(missed)
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

/// Plans a query and runs none of it that its plan does not depend on.
pub(crate) fn planned(
    catalog: &Catalog,
    options: &Options,
    bound: &BoundQuery,
    cancelled: &Cancelled,
) -> Result<(), EngineError> {
    let _counted = Allowance::of_a_query();
    let planner = Planner::new(catalog, options, bound, cancelled.clone())?;
    plan(&planner, options, bound).map(|_| ())
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

fn complaint(diagnostic: &Diagnostic, text: &str) -> Complaint {
    Complaint {
        message: diagnostic.clone().seen_in(text).to_string(),
        span: diagnostic.span.range(),
    }
}

/// The complaint of a query that writes the name of a table as it is, where that takes brackets.
fn in_brackets(found: &[Diagnostic], text: &str, catalog: &Catalog) -> Option<Complaint> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut names = catalog.table_names();
    names.retain(|name| !name.chars().all(plain));
    found.iter().find_map(|one| {
        let start = one.span.range().start;
        let rest = text.get(start..)?;
        let written = names.iter().filter(|name| rest.starts_with(name.as_str()));
        let name = written.max_by_key(|name| name.len())?;
        Some(Complaint {
            message: format!("the name of this table takes brackets: write ['{name}']"),
            span: start..start + name.len(),
        })
    })
}

fn refused(found: &[Diagnostic], text: &str, catalog: &Catalog) -> EngineError {
    if let Some(complaint) = in_brackets(found, text, catalog) {
        return EngineError::Semantic(vec![complaint]);
    }
    let unsupported = found
        .iter()
        .find(|one| one.kind == DiagnosticKind::Unsupported);
    let others = found
        .iter()
        .any(|one| one.kind != DiagnosticKind::Unsupported);
    match unsupported {
        Some(one) if !others => EngineError::unsupported(one.message.clone(), one.span.range()),
        _ => EngineError::Semantic(found.iter().map(|one| complaint(one, text)).collect()),
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
    let tables = Named::new(catalog);
    for _ in 0..DISCOVERIES {
        let bound = bind_or_discover(&parsed.tree, &tables, &settings);
        // Without its columns nothing that the query says of the table can be judged.
        tables.refuse_broken(text)?;
        match bound.map_err(|found| refused(&found, text, catalog))? {
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

/// The tables of a catalog, and what was wrong with the first that could not be read.
struct Named<'a> {
    catalog: &'a Catalog,
    broken: RefCell<Option<(String, EngineError)>>,
}

impl<'a> Named<'a> {
    fn new(catalog: &'a Catalog) -> Self {
        Self {
            catalog,
            broken: RefCell::default(),
        }
    }

    /// Fails when the query names a table that cannot be read, whatever it does with it.
    fn refuse_broken(&self, text: &str) -> Result<(), EngineError> {
        match self.broken.take() {
            Some((name, error)) => Err(match place(text, &name) {
                Some(place) => error.about(place),
                None => error,
            }),
            None => Ok(()),
        }
    }
}

/// Where a query names a table; nowhere, when it names it by a pattern or not at all.
fn place(text: &str, name: &str) -> Option<Range<usize>> {
    let (tokens, _) = kql_syntax::tokenize(text);
    let named = |token: &kql_syntax::Token| match token.kind {
        TokenKind::Word => text.get(token.span.range()) == Some(name),
        TokenKind::String => text
            .get(token.span.range())
            .is_some_and(|written| written.trim_matches(['\'', '"']) == name),
        _ => false,
    };
    tokens
        .iter()
        .find(|token| named(token))
        .map(|token| token.span.range())
}

impl Tables for Named<'_> {
    fn table(&self, name: &str) -> Option<TableSchema> {
        match self.catalog.schema(name)? {
            Ok(schema) => Some(schema),
            Err(error) => {
                let mut broken = self.broken.borrow_mut();
                broken.get_or_insert_with(|| (name.to_owned(), error));
                Some(TableSchema {
                    columns: Vec::new(),
                })
            }
        }
    }

    fn names(&self) -> Vec<String> {
        self.catalog.table_names()
    }
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
    let limited = LogicalPlanBuilder::from(plan)
        .limit(0, Some(most.saturating_add(1)))
        .ours()?;
    limited.build().ours()
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
