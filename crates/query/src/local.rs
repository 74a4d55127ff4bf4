//! The environment `Local`: KQL over files, run here.

mod absent;
mod likely;
mod memory;
mod missed;
mod names;
mod notes;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use defender_core::{Clock, DataEnvironment, Error, ErrorKind, Result, strike_out_shapes};
use defender_drivers::{Capabilities, Driver, Query, RowLimit};
use defender_table::{Answer, Completeness, Event, Summary, Warning, ticks};
use futures::{StreamExt, stream};
use kql_engine::{
    Catalog, Engine, EngineError, Options, Place, Reading, ResultSet, RowStream, ScalarType,
    TableRows, Value,
};

/// Answers from the files of some folders.
#[derive(Debug)]
pub(crate) struct Local {
    engine: Engine,
    clock: Arc<dyn Clock>,
    /// How long a query may take.
    timeout: Option<Duration>,
}

impl Local {
    /// The tables in `places`; every hunting table exists, empty where there is no file.
    pub(crate) fn new(
        places: &[Place],
        reading: Reading,
        timeout: Option<Duration>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        if places.is_empty() {
            return Err(Error::new(ErrorKind::Usage, "no folder of data is given")
                .with_hint("name one with --data, or with Connection::to_folders"));
        }
        let mut catalog = Catalog::new();
        for (name, columns) in hunting_tables() {
            catalog.add(name, columns, Vec::new());
        }
        let schema = |name: &str| defender_schema::table(name).map(columns);
        let names: Vec<&str> = hunting_tables().map(|(name, _)| name).collect();
        let mut found = Catalog::from_places(places, &schema, &names)
            .map_err(|error| Error::new(kind(&error), error.to_string()))?;
        found.set_reading(reading);
        catalog.merge(found);
        let options = Options {
            external_data: places
                .iter()
                .map(|place| place.path.join(Catalog::EXTERNAL_DATA))
                .collect(),
            memory_limit: Some(memory::limit()),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            ..Options::default()
        };
        Ok(Self {
            engine: Engine::new(catalog, options),
            clock,
            timeout,
        })
    }
}

#[async_trait]
impl Driver for Local {
    fn environment(&self) -> DataEnvironment {
        DataEnvironment::Local
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            rows: RowLimit::Unlimited,
            ..Capabilities::unknown(self.environment())
        }
    }

    async fn query(&self, query: &Query) -> Result<Answer> {
        let options = Options {
            now: ticks::from_system_time(self.clock.now()),
            time_range: query
                .timespan
                .map(|timespan| (timespan.start(), timespan.end())),
            max_rows: query.max_rows,
            time_limit: self.timeout,
            ..self.engine.options().clone()
        };
        let engine = self.engine.with_options(options);
        let rows = engine.stream(&query.text).await;
        let rows = rows.map_err(|error| rejected(&error, &query.text, engine.catalog()))?;
        let table = TableRows::new(&rows.columns, query.datetimes);
        let schema = Arc::clone(table.schema());
        let mut answer = Arriving {
            rows,
            table: Some(table),
            query: query.clone(),
            engine,
            ready: VecDeque::new(),
            found: Found::default(),
        };
        // What fits is whole before anybody sees a row of it.
        let (mut first, mut held) = (Vec::new(), 0);
        while held < TOGETHER {
            let Some(event) = answer.next().await.transpose()? else {
                return Ok(Answer::new(schema, stream::iter(first)));
            };
            if let Event::Batch(batch) = &event {
                held += batch.get_array_memory_size();
            }
            first.push(Ok(event));
        }
        let rest = stream::unfold(answer, |mut answer| async move {
            let event = answer.next().await?;
            Some((event, answer))
        });
        Ok(Answer::new(schema, stream::iter(first).chain(rest)))
    }
}

/// The bytes of rows that are held back until it is known whether they are all of the answer.
const TOGETHER: usize = 64 << 20;

/// An answer on its way out of the engine.
struct Arriving {
    rows: RowStream,
    /// Gone when there are no more rows.
    table: Option<TableRows>,
    query: Query,
    engine: Engine,
    ready: VecDeque<Event>,
    found: Found,
}

/// Whether an answer says more than that there is nothing.
#[derive(Debug, Default)]
struct Found {
    rows: usize,
    value: bool,
}

impl Found {
    fn see(&mut self, piece: &ResultSet) {
        self.rows += piece.len();
        if self.rows == 1 {
            self.value |= piece.rows().flatten().any(|value| !is_nothing(&value));
        }
    }

    /// No row, or one that aggregates give of none.
    fn is_nothing(&self) -> bool {
        self.rows == 0 || (self.rows == 1 && !self.value)
    }
}

/// What an aggregate gives that has seen no row.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) | Value::Int(0) | Value::Long(0) | Value::TimeSpan(0) => {
            true
        }
        Value::Real(value) => *value == 0.0 || value.is_nan(),
        Value::Decimal(text) => text == "0",
        Value::String(text) => text.is_empty(),
        Value::Dynamic(json) => {
            json.is_null()
                || json.as_array().is_some_and(Vec::is_empty)
                || json.as_object().is_some_and(serde_json::Map::is_empty)
        }
        _ => false,
    }
}

impl Arriving {
    async fn next(&mut self) -> Option<Result<Event>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(event));
            }
            let mut table = self.table.take()?;
            let taken = match self.rows.next().await {
                Some(Ok(piece)) => {
                    self.found.see(&piece);
                    table.push(&piece).map(|batches| {
                        self.table = Some(table);
                        self.ready.extend(batches.into_iter().map(Event::Batch));
                    })
                }
                Some(Err(error)) => Err(error),
                None => match table.finish(self.rows.is_truncated()) {
                    Ok((batches, summary)) => {
                        self.ready.extend(batches.into_iter().map(Event::Batch));
                        let mut summary = self.told(summary);
                        let words = notes::of(
                            &self.engine,
                            &self.query,
                            &self.rows,
                            self.found.is_nothing(),
                        );
                        summary.warnings.extend(words.await);
                        self.ready.push_back(Event::Summary(Box::new(summary)));
                        Ok(())
                    }
                    Err(error) => Err(error),
                },
            };
            if let Err(error) = taken {
                let catalog = self.engine.catalog();
                return Some(Err(rejected(&error, &self.query.text, catalog)));
            }
        }
    }

    /// The summary as whoever asked expects it.
    fn told(&self, mut summary: Summary) -> Summary {
        if self.rows.is_truncated() {
            // Whoever asked for so many rows knows that there are more.
            summary.completeness = Completeness::Complete;
            summary.warnings.push(Warning::cut(summary.rows));
        }
        let unfinished = self.engine.catalog().unfinished(self.rows.tables_read());
        if !unfinished.is_empty() {
            summary.completeness = Completeness::Incomplete {
                reason: notes::few(unfinished, "files have no end").join("; "),
            };
        }
        let read = self.rows.tables_read();
        if let Some(reason) = notes::nothing_given(self.engine.catalog(), read, &self.query.text) {
            summary.completeness = Completeness::Incomplete { reason };
        }
        summary.provenance.environment = Some(DataEnvironment::Local);
        summary.provenance.timespan = self.query.timespan;
        summary
    }
}

/// Every hunting table, with its columns as KQL types them.
pub fn hunting_tables() -> impl Iterator<Item = (&'static str, Vec<(String, ScalarType)>)> {
    defender_schema::tables()
        .iter()
        .map(|table| (table.name, columns(table)))
}

fn columns(table: &defender_schema::Table) -> Vec<(String, ScalarType)> {
    table
        .columns
        .iter()
        .map(|column| (column.name.to_owned(), scalar(column.ty)))
        .collect()
}

fn scalar(ty: defender_schema::Type) -> ScalarType {
    use defender_schema::Type;
    match ty {
        Type::Bool => ScalarType::Bool,
        Type::Int => ScalarType::Int,
        Type::Long => ScalarType::Long,
        Type::Real => ScalarType::Real,
        Type::DateTime => ScalarType::DateTime,
        Type::Guid => ScalarType::Guid,
        Type::String => ScalarType::String,
        Type::Dynamic => ScalarType::Dynamic,
    }
}

/// What a failure of the engine asks of the user: to look at a file, or at the query.
fn kind(error: &EngineError) -> ErrorKind {
    match error {
        EngineError::Data { .. } => ErrorKind::Io,
        EngineError::OutOfTime { .. } => ErrorKind::Incomplete,
        _ => ErrorKind::Query,
    }
}

/// What the linter advises about the place that the error is about.
fn linted(error: &EngineError, text: &str) -> Option<String> {
    let EngineError::Semantic(complaints) = error else {
        return None;
    };
    let first = complaints.first()?;
    let findings = crate::lint::check(text);
    let finding = findings
        .iter()
        .find(|finding| finding.span.range() == first.span && finding.message == first.message)?;
    finding.hint.clone()
}

/// The error over the lines of the query, which may hold secrets: they are struck out before a line
/// is cut.
pub(crate) fn shown_error(error: &EngineError, text: &str) -> String {
    let complaints = error.complaints();
    let places = complaints.iter().map(|complaint| complaint.span.start);
    let shown = error.render(&strike_out_shapes(text, places));
    shown.trim_end().to_owned()
}

fn rejected(error: &EngineError, text: &str, catalog: &Catalog) -> Error {
    // Behind the place where a second query begins everything else is wrong, too.
    let message = match error {
        EngineError::Syntax(complaints) if crate::advice::holds_several(text) => {
            let first = complaints.iter().take(1).cloned().collect();
            shown_error(&EngineError::Syntax(first), text)
        }
        error => shown_error(error, text),
    };
    let rejected = Error::new(kind(error), message);
    match error {
        EngineError::OutOfTime { .. } => {
            rejected.with_hint("filter earlier, ask for fewer files, or give it more --timeout")
        }
        _ => match names::advice(error, text, catalog).or_else(|| linted(error, text)) {
            Some(advice) => rejected.with_hint(advice),
            None => rejected,
        },
    }
}
