//! Running a query.

use std::sync::Arc;

use futures::channel::{mpsc, oneshot};
use futures::{FutureExt, SinkExt};
use kql_semantics::BoundQuery;

use crate::deadline::{self, Deadline};
use crate::rows::{Missed, Piece};
use crate::run::Cancelled;
use crate::{Catalog, EngineError, Options, ResultColumn, ResultSet, RowStream, run};

/// Stack of the thread that plans and runs one query: queries nest, and every level of an
/// expression is a call.
const STACK: usize = 256 << 20;

/// Runs queries over the tables of a catalog.
#[derive(Debug, Clone)]
pub struct Engine {
    catalog: Catalog,
    options: Arc<Options>,
}

impl Engine {
    /// An engine over `catalog`.
    pub fn new(catalog: Catalog, options: Options) -> Self {
        Self {
            catalog,
            options: Arc::new(options),
        }
    }

    /// The tables.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The settings of every run.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The same tables under other options; rows are shared.
    #[must_use]
    pub fn with_options(&self, options: Options) -> Self {
        Self {
            catalog: self.catalog.clone(),
            options: Arc::new(options),
        }
    }

    /// Runs `text` and returns every row of the answer.
    ///
    /// Works on a thread of its own; needs no runtime. Dropping the future stops the query.
    ///
    /// # Errors
    ///
    /// See [`EngineError`]; an answer is whole or an error.
    pub async fn run(&self, text: &str) -> Result<ResultSet, EngineError> {
        let engine = self.clone();
        let text = text.to_owned();
        self.on_thread(move |cancelled| {
            run::query(&engine.catalog, &engine.options, &text, &cancelled)
        })
        .await
    }

    /// Runs `text` and returns its rows while they are found.
    ///
    /// As [`Engine::run`], but no more than a few batches of the answer are held at a time.
    ///
    /// # Errors
    ///
    /// As [`Engine::run`]; what goes wrong once there are rows is an error of the stream.
    pub async fn stream(&self, text: &str) -> Result<RowStream, EngineError> {
        let deadline = self.deadline()?;
        let engine = self.clone();
        let text = text.to_owned();
        let (begin, begun) = oneshot::channel();
        let (sender, pieces) = mpsc::channel(1);
        let (guard, cancelled) = oneshot::channel::<()>();
        spawn(move || {
            let mut begin = Some(begin);
            let mut last = sender.clone();
            let begins = |columns, visualization| {
                if let Some(begin) = begin.take() {
                    // The receiver is gone when the caller gave up.
                    let _ = begin.send(Ok((columns, visualization)));
                }
            };
            let (catalog, options) = (&engine.catalog, &engine.options);
            let outcome = run::stream(catalog, options, &text, &cancelled.shared(), begins, sender);
            match (begin, outcome) {
                (Some(begin), Err(error)) => {
                    let _ = begin.send(Err(error));
                }
                (_, outcome) => {
                    let _ = futures::executor::block_on(last.send(Piece::End(outcome)));
                }
            }
        })?;
        let begun = deadline::within(deadline.as_ref(), begun).await?;
        let (columns, visualization) = begun.unwrap_or_else(|_| Err(EngineError::inside()))?;
        Ok(RowStream::new(
            columns,
            visualization,
            pieces,
            deadline,
            guard,
        ))
    }

    /// Of the tables whose rows a query that has ended asked for by their time, those that have
    /// rows, and none of such a time: there is nothing of them in the answer, whatever it looks
    /// like. Of all tables `everywhere`; otherwise of those that are in memory, which takes no
    /// time.
    ///
    /// # Errors
    ///
    /// As [`Engine::run`].
    pub async fn missed(
        &self,
        ended: &RowStream,
        everywhere: bool,
    ) -> Result<Vec<Missed>, EngineError> {
        let Some(query) = ended.query() else {
            return Ok(Vec::new());
        };
        let engine = self.clone();
        self.on_thread(move |cancelled| {
            let (catalog, options) = (&engine.catalog, &engine.options);
            run::missed(catalog, options, &query, everywhere, &cancelled)
        })
        .await
    }

    fn deadline(&self) -> Result<Option<Deadline>, EngineError> {
        self.options.time_limit.map(Deadline::after).transpose()
    }

    /// The columns that `text` would answer with, without running it.
    ///
    /// # Errors
    ///
    /// As [`Engine::run`], except for what only rows can cause.
    pub async fn schema(&self, text: &str) -> Result<Vec<ResultColumn>, EngineError> {
        let engine = self.clone();
        let text = text.to_owned();
        self.on_thread(move |cancelled| {
            run::schema(&engine.catalog, &engine.options, &text, &cancelled)
        })
        .await
    }

    /// Why `bound` could not be planned over the tables of the catalog, patterns and formats that
    /// are constants included; its rows are not read, but for what its plan depends on.
    ///
    /// # Errors
    ///
    /// As [`Engine::run`], except for what only rows can cause.
    pub async fn plan(&self, bound: BoundQuery) -> Result<(), EngineError> {
        let engine = self.clone();
        self.on_thread(move |cancelled| {
            run::planned(&engine.catalog, &engine.options, &bound, &cancelled)
        })
        .await
    }

    async fn on_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(Cancelled) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let deadline = self.deadline()?;
        let (answer, received) = oneshot::channel();
        // Dropping this future drops `_guard`, which resolves `cancelled` on the other thread.
        let (_guard, cancelled) = oneshot::channel::<()>();
        spawn(move || {
            // The receiver is gone when the caller gave up; nobody wants the answer then.
            let _ = answer.send(work(cancelled.shared()));
        })?;
        deadline::within(deadline.as_ref(), received)
            .await?
            .unwrap_or_else(|_| Err(EngineError::inside()))
    }
}

/// Runs `work` on a thread with room for queries that nest.
fn spawn(work: impl FnOnce() + Send + 'static) -> Result<(), EngineError> {
    let thread = std::thread::Builder::new()
        .name("kql".to_owned())
        .stack_size(STACK);
    thread
        .spawn(work)
        .map(drop)
        .map_err(|error| EngineError::runtime(format!("no thread to run on: {error}")))
}
