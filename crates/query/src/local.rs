//! The environment `Local`: KQL over files, run here.

mod memory;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use defender_core::{Clock, DataEnvironment, Error, ErrorKind, Result};
use defender_drivers::{Driver, Query};
use defender_table::{Answer, Completeness, Warning, WarningKind, ticks};
use kql_engine::{Catalog, Engine, EngineError, Options, ScalarType};

/// Answers from the files of some folders.
#[derive(Debug)]
pub(crate) struct Local {
    engine: Engine,
    clock: Arc<dyn Clock>,
}

impl Local {
    /// The tables in `folders`; every hunting table exists, empty where there is no file.
    pub(crate) fn new(folders: &[PathBuf], clock: Arc<dyn Clock>) -> Result<Self> {
        if folders.is_empty() {
            return Err(Error::new(ErrorKind::Usage, "no folder of data is given")
                .with_hint("name one with --data, or with Connection::to_folders"));
        }
        let mut catalog = Catalog::new();
        for (name, columns) in hunting_tables() {
            catalog.add(name, columns, Vec::new());
        }
        let schema = |name: &str| defender_schema::table(name).map(columns);
        let found = Catalog::from_folders(folders, &schema)
            .map_err(|error| Error::new(ErrorKind::Config, error.to_string()))?;
        catalog.merge(found);
        let options = Options {
            external_data: folders
                .iter()
                .map(|folder| folder.join(Catalog::EXTERNAL_DATA))
                .collect(),
            memory_limit: Some(memory::limit()),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            ..Options::default()
        };
        Ok(Self {
            engine: Engine::new(catalog, options),
            clock,
        })
    }
}

#[async_trait]
impl Driver for Local {
    fn environment(&self) -> DataEnvironment {
        DataEnvironment::Local
    }

    async fn query(&self, query: &Query) -> Result<Answer> {
        let options = Options {
            now: ticks::from_system_time(self.clock.now()),
            time_range: query
                .timespan
                .map(|timespan| (timespan.start(), timespan.end())),
            max_rows: query.max_rows,
            ..self.engine.options().clone()
        };
        let result = self
            .engine
            .with_options(options)
            .run(&query.text)
            .await
            .map_err(|error| rejected(&error, &query.text))?;
        let truncated = result.truncated;
        let table = result
            .into_table_with(query.datetimes)
            .map_err(|error| rejected(&error, &query.text))?;
        let (schema, batches, mut summary) = table.into_parts();
        if truncated {
            // Whoever asked for so many rows knows that there are more.
            summary.completeness = Completeness::Complete;
            let rows = summary.rows;
            summary.warnings.push(Warning::new(
                WarningKind::Rows,
                format!("the result was cut after {rows} rows, as asked"),
            ));
        }
        summary.provenance.environment = Some(DataEnvironment::Local);
        summary.provenance.timespan = query.timespan;
        Ok(Answer::from_batches(schema, batches, summary))
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

fn rejected(error: &EngineError, text: &str) -> Error {
    let message = error.render(text);
    Error::new(ErrorKind::Query, message.trim_end().to_owned())
}
