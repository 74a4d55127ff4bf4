//! A driver that asks another one slice by slice, until every row is there.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use defender_core::{Clock, DataEnvironment, Error, ErrorKind, Result};
use defender_table::{Answer, ticks};
use futures::stream::{self, StreamExt as _};

use super::merged::Merged;
use super::plan::Plan;
use super::rows::Rows;
use super::run::{MOST_SLICES, Run};
use super::{NoStore, Slice, SliceStore};
use crate::{Capabilities, Description, Driver, Query, RowLimit};

/// How a question is split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SplitOptions {
    /// How many slices are asked at once; 2.
    pub parallel: usize,
    /// The width of the first slices in [`ticks`](defender_table::ticks); `None` to choose it by the number of rows.
    pub width: Option<i64>,
    /// About how many bytes the answer to a slice may have; 32 MiB, two thirds of the 50 MB that
    /// the services return.
    pub slice_bytes: usize,
    /// How many slices there may be; 100,000.
    pub slices: usize,
}

impl Default for SplitOptions {
    fn default() -> Self {
        Self {
            parallel: 2,
            width: None,
            slice_bytes: 32 << 20,
            slices: 100_000,
        }
    }
}

impl SplitOptions {
    /// Refuses a width that cuts `range` into more slices than there may be.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`], with the least width.
    pub fn check_width(&self, range: &Slice) -> Result<()> {
        let most = self.slices.min(MOST_SLICES);
        let Some(width) = self.width.map(|width| width.max(1)) else {
            return Ok(());
        };
        let rest = range.width() % width;
        // As `Slice::ranges_of` has it, a small rest is part of the slice before it.
        let number = range.width() / width + i64::from(rest > 0 && rest >= width / 1000);
        let number = number.max(1);
        if usize::try_from(number).is_ok_and(|number| number <= most) {
            return Ok(());
        }
        let most_ticks = i64::try_from(most).unwrap_or(i64::MAX).max(1) * ticks::PER_SECOND;
        let least = range.width() / most_ticks + 1;
        Err(Error::new(
            ErrorKind::Usage,
            format!("slices of this width would be {number}, and an answer takes at most {most}"),
        )
        .with_hint(format!(
            "give a width of {least}s or more, or a shorter range of time"
        )))
    }
}

/// Told of every finished slice.
pub trait Progress: fmt::Debug + Send + Sync {
    /// So many slices of so many known ones are there, with so many rows.
    fn sliced(&self, done: usize, known: usize, rows: usize);
}

/// Nobody is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unseen;

impl Progress for Unseen {
    fn sliced(&self, _: usize, _: usize, _: usize) {}
}

/// Asks a driver for every row of a question, in as many slices as that takes.
///
/// One small query counts the rows over time, and the slices are cut by it: empty time costs
/// nothing. A first small slice tells how many bytes a row takes, and every answer after it; the
/// next slice is cut when there is room to ask for it. A slice that the service still cannot return whole is cut again, by time and at last
/// by a hash of the row. The rows come in the order of the slices; without a range of time the
/// last 30 days are asked.
#[derive(Clone, Debug)]
pub struct AllRows {
    asker: Arc<Asker>,
}

#[derive(Debug)]
pub(super) struct Asker {
    pub(super) driver: Arc<dyn Driver>,
    pub(super) description: Description,
    pub(super) options: SplitOptions,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) store: Arc<dyn SliceStore>,
    pub(super) progress: Arc<dyn Progress>,
}

impl AllRows {
    /// Splits what `driver`, of the API that `description` describes, is asked.
    pub fn new(driver: Arc<dyn Driver>, description: Description, clock: Arc<dyn Clock>) -> Self {
        Self {
            asker: Arc::new(Asker {
                driver,
                description,
                options: SplitOptions::default(),
                clock,
                store: Arc::new(NoStore),
                progress: Arc::new(Unseen),
            }),
        }
    }

    /// Splits this way.
    #[must_use]
    pub fn with_options(self, options: SplitOptions) -> Self {
        self.changed(|asker| asker.options = options)
    }

    /// Keeps finished slices here, and asks nothing that is there already.
    #[must_use]
    pub fn with_store(self, store: Arc<dyn SliceStore>) -> Self {
        self.changed(|asker| asker.store = store)
    }

    /// Tells `progress` of every finished slice.
    #[must_use]
    pub fn with_progress(self, progress: Arc<dyn Progress>) -> Self {
        self.changed(|asker| asker.progress = progress)
    }

    fn changed(self, change: impl FnOnce(&mut Asker)) -> Self {
        let mut asker = Asker {
            driver: Arc::clone(&self.asker.driver),
            description: self.asker.description,
            options: self.asker.options,
            clock: Arc::clone(&self.asker.clock),
            store: Arc::clone(&self.asker.store),
            progress: Arc::clone(&self.asker.progress),
        };
        change(&mut asker);
        Self {
            asker: Arc::new(asker),
        }
    }
}

#[async_trait]
impl Driver for AllRows {
    fn environment(&self) -> DataEnvironment {
        self.asker.driver.environment()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            rows: RowLimit::Unlimited,
            ..self.asker.driver.capabilities()
        }
    }

    async fn query(&self, query: &Query) -> Result<Answer> {
        let run = Arc::new(Run::new(Arc::clone(&self.asker), query)?);
        // The next slice is chosen when there is room to ask for it.
        let plan = stream::unfold(Some(Plan::new(Arc::clone(&run))), |plan| async {
            let mut plan = plan?;
            match plan.next().await {
                Ok(slice) => slice.map(|slice| (Ok(slice), Some(plan))),
                Err(error) => Some((Err(error), None)),
            }
        });
        let slices = {
            let run = Arc::clone(&run);
            plan.map(move |slice| {
                let run = Arc::clone(&run);
                async move { run.fetch(slice?).await }
            })
            .buffered(self.asker.options.parallel.max(1))
            .boxed()
        };
        let mut rows = Rows {
            slices,
            schema: None,
            waiting: VecDeque::new(),
            merged: Merged::default(),
            sent: 0,
            most: query.max_rows,
            cut: false,
            done: false,
            run: Arc::clone(&run),
        };
        // The columns are known with the first slice.
        rows.advance().await?;
        let schema = rows.schema.clone().ok_or_else(|| {
            Error::new(ErrorKind::Protocol, "the service answered no slice at all")
        })?;
        let events = stream::unfold(rows, |mut rows| async move {
            let event = rows.next().await?;
            Some((event, rows))
        });
        Ok(Answer::new(schema, events))
    }
}

#[cfg(test)]
mod tests;
