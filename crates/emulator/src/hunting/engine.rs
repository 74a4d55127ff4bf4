//! Queries over real rows, by the local engine.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use kql_engine::{Catalog, Engine, EngineError, Place, ScalarType};
use tokio::sync::OnceCell;

use super::backend::{HuntingBackend, Question};
use super::fault::QueryFault;
use super::tables;
use super::value::{Column, ColumnType, Rows, Value};
use super::wording::fault;
use crate::error::{Error, Result};
use crate::hosts::Api;
use crate::options::{Data, Options};
use crate::sample::{SampleOptions, generate};

/// The tables of every tenant; sample data is made at a tenant's first query.
#[derive(Debug)]
pub(super) struct Local {
    source: Source,
    tenants: Mutex<HashMap<String, Arc<OnceCell<Engines>>>>,
}

#[derive(Debug)]
enum Source {
    /// Made per tenant: the seed goes up with the tenant's place in the list.
    Sample {
        tenants: Vec<String>,
        seed: u64,
        now: SystemTime,
    },
    /// The same for all.
    Shared(Engines),
    /// The same for all, read when they are named. A catalog of folders cannot be divided, so
    /// that Defender for Endpoint's names are checked against its own tables without rows.
    Folders {
        everything: Engine,
        endpoint_names: OnceCell<Engine>,
    },
}

/// One engine per view of the same tables.
#[derive(Debug, Clone)]
struct Engines {
    everything: Engine,
    /// What Defender for Endpoint sees.
    endpoint: Engine,
}

impl Local {
    pub(super) fn new(data: &Data, options: &Options) -> Result<Self> {
        let source = match data {
            Data::Places(places) => Source::Folders {
                everything: from_places(places)?,
                endpoint_names: OnceCell::new(),
            },
            Data::Batches(batches) => Source::Shared(from_batches(batches.clone())),
            Data::Sample | Data::Backend(_) => Source::Sample {
                tenants: options
                    .tenants
                    .iter()
                    .map(|tenant| tenant.id.clone())
                    .collect(),
                seed: options.seed,
                now: (options.clock)(),
            },
        };
        Ok(Self {
            source,
            tenants: Mutex::default(),
        })
    }

    /// The engine with the rows that `question` may see.
    async fn engine(
        &self,
        question: &Question,
        options: &kql_engine::Options,
    ) -> std::result::Result<Engine, QueryFault> {
        match &self.source {
            Source::Shared(engines) => Ok(engines.of(question.api)),
            Source::Sample { tenants, seed, now } => {
                let place = tenants.iter().position(|id| *id == question.tenant);
                let place = place.and_then(|place| u64::try_from(place).ok());
                let sample = SampleOptions {
                    seed: seed.wrapping_add(place.unwrap_or(0)),
                    now: *now,
                };
                let engines = self.sample(&question.tenant, sample).await?;
                Ok(engines.of(question.api))
            }
            Source::Folders {
                everything,
                endpoint_names,
            } => {
                if question.api == Api::Mde {
                    let catalog = everything.catalog().clone();
                    let names = endpoint_names
                        .get_or_try_init(|| blocking(move || endpoint_without_rows(&catalog)))
                        .await?
                        .with_options(options.clone());
                    if let Err(error @ (EngineError::Syntax(_) | EngineError::Semantic(_))) =
                        names.schema(&question.query).await
                    {
                        return Err(fault(error, &question.query));
                    }
                }
                Ok(everything.clone())
            }
        }
    }

    /// A tenant's sample data; queries that come while it is made wait for it.
    async fn sample(
        &self,
        tenant: &str,
        options: SampleOptions,
    ) -> std::result::Result<Engines, QueryFault> {
        let cell = {
            let mut cells = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry(tenant.to_owned()).or_default())
        };
        cell.get_or_try_init(|| blocking(move || from_batches(generate(&options))))
            .await
            .cloned()
    }
}

impl Engines {
    fn of(&self, api: Api) -> Engine {
        match api {
            Api::Mde => self.endpoint.clone(),
            Api::Graph | Api::M365d => self.everything.clone(),
        }
    }
}

/// Runs what takes a while on a thread of its own.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> std::result::Result<T, QueryFault> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| QueryFault::Execution("the data could not be made ready".to_owned()))
}

#[async_trait]
impl HuntingBackend for Local {
    async fn run(&self, question: Question) -> std::result::Result<Rows, QueryFault> {
        let options = kql_engine::Options {
            now: Some(question.now),
            time_range: Some((question.time_range.start, question.time_range.end)),
            max_rows: Some(question.max_rows),
            ..kql_engine::Options::default()
        };
        let engine = self.engine(&question, &options).await?;
        let answer = engine
            .with_options(options)
            .run(&question.query)
            .await
            .map_err(|error| fault(error, &question.query))?;
        let columns = answer
            .columns
            .iter()
            .map(|column| Column::new(&column.name, column_type(column.ty)))
            .collect();
        Ok(Rows::visited(columns, move |visitor| {
            for row in answer.rows() {
                let row = row.into_iter().map(value).collect();
                if let ControlFlow::Break(()) = visitor(row) {
                    return;
                }
            }
        }))
    }
}

/// Both views over tables in memory; tables of the documentation that have no rows are empty.
fn from_batches(batches: BTreeMap<String, Vec<RecordBatch>>) -> Engines {
    let mut endpoint = documented(|table| tables::visible(Api::Mde, table));
    let mut others = documented(|table| !tables::visible(Api::Mde, table));
    for (name, batches) in batches {
        let catalog = if tables::visible(Api::Mde, &name) {
            &mut endpoint
        } else {
            &mut others
        };
        match tables::columns(&name) {
            Some(columns) => catalog.add(name, columns, batches),
            None => catalog.add_batches(name, batches),
        }
    }
    others.merge(endpoint.clone());
    Engines {
        everything: engine(others),
        endpoint: engine(endpoint),
    }
}

fn from_places(places: &[Place]) -> Result<Engine> {
    let mut everything = documented(|_| true);
    let names: Vec<&str> = defender_schema::tables()
        .iter()
        .map(|one| one.name)
        .collect();
    let catalog = Catalog::from_places(places, &tables::columns, &names)
        .map_err(|error| Error::Data(error.to_string()))?;
    everything.merge(catalog);
    Ok(engine(everything))
}

/// The tables that Defender for Endpoint knows, with their columns only.
fn endpoint_without_rows(everything: &Catalog) -> Engine {
    let mut names = Catalog::new();
    for name in everything.table_names() {
        if tables::visible(Api::Mde, &name) {
            // A file that cannot be read is the affair of the run that reads it.
            let columns = everything
                .columns(&name)
                .ok()
                .or_else(|| tables::columns(&name))
                .unwrap_or_default();
            names.add(name, columns, Vec::new());
        }
    }
    engine(names)
}

fn engine(catalog: Catalog) -> Engine {
    Engine::new(catalog, kql_engine::Options::default())
}

/// The tables of the documentation that are wanted and not gone, without rows.
fn documented(wanted: impl Fn(&str) -> bool) -> Catalog {
    let mut catalog = Catalog::new();
    for table in defender_schema::tables() {
        if wanted(table.name) && defender_schema::gone_table(table.name).is_none() {
            let columns = tables::columns(table.name).unwrap_or_default();
            catalog.add(table.name, columns, Vec::new());
        }
    }
    catalog
}

fn column_type(ty: ScalarType) -> ColumnType {
    match ty {
        ScalarType::Bool => ColumnType::Bool,
        ScalarType::Int => ColumnType::Int,
        ScalarType::Long => ColumnType::Long,
        ScalarType::Real => ColumnType::Real,
        ScalarType::Decimal => ColumnType::Decimal,
        ScalarType::DateTime => ColumnType::DateTime,
        ScalarType::TimeSpan => ColumnType::TimeSpan,
        ScalarType::Guid => ColumnType::Guid,
        ScalarType::String => ColumnType::String,
        ScalarType::Dynamic => ColumnType::Dynamic,
    }
}

fn value(value: kql_engine::Value) -> Value {
    use kql_engine::Value as Engine;

    match value {
        Engine::Bool(value) => Value::Bool(value),
        Engine::Int(value) => Value::Int(value),
        Engine::Long(value) => Value::Long(value),
        Engine::Real(value) => Value::Real(value),
        Engine::Decimal(value) => Value::Decimal(value),
        Engine::DateTime(value) => Value::DateTime(value),
        Engine::TimeSpan(value) => Value::TimeSpan(value),
        Engine::Guid(value) => Value::Guid(value),
        Engine::String(value) => Value::String(value),
        Engine::Dynamic(value) => Value::Dynamic(value),
        _ => Value::Null,
    }
}
