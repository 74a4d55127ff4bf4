//! One question, from its first estimate to its last slice.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use defender_core::{Error, ErrorKind, Result};
use defender_table::arrow::array::RecordBatch;
use defender_table::{Table, Timespan, ticks};
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use super::all_rows::Asker;
use super::division::{self, Estimate, Part};
use super::{Counted, Slice, Splitting};
use crate::{Query, pipeline};

/// How far back the services look without a range of time.
///
/// Source: <https://learn.microsoft.com/defender-xdr/advanced-hunting-limits>
const DAYS: i64 = 30;
/// Up to this many rows a range is asked whole, and with about this many the size of a row is
/// learned.
const FEW: u64 = 5_000;

/// What is known of a slice.
#[derive(Debug)]
enum Learned {
    /// Its rows.
    Rows(Box<Table>),
    /// That it is more than the service returns, and where in it the rows are.
    TooLarge { dense: Slice },
}

/// One question on its way.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) asker: Arc<Asker>,
    query: Query,
    splitting: Splitting,
    pub(super) timespan: Timespan,
    /// The range to send beside the query, so that its other tables are cut to it as well.
    sent: Option<Timespan>,
    /// What is known of slices before they are asked for.
    learned: Mutex<HashMap<Slice, Learned>>,
    /// How many rows were counted in slices that are asked for later.
    expected: Mutex<HashMap<Slice, u64>>,
    /// The most rows that a slice may have: the documented cap, or a lower one that showed.
    cap: AtomicUsize,
    done: AtomicUsize,
    pub(super) known: AtomicUsize,
    rows: AtomicUsize,
}

impl Run {
    pub(super) fn new(asker: Arc<Asker>, query: &Query) -> Result<Self> {
        let splitting = Splitting::of(&query.text)?;
        let takes_timespan = asker.description.takes_timespan;
        if let Some(timespan) = query.timespan
            && !takes_timespan
            && splitting.is_timed()
            && pipeline::insert(&query.text, &pipeline::line(timespan)).is_none()
        {
            // The slices cut one table; the others would be asked for all time.
            return Err(Error::new(
                ErrorKind::Usage,
                format!(
                    "{} takes no range of time beside the query",
                    asker.description.environment
                ),
            )
            .with_hint("filter each table of the query by Timestamp, and leave the range out"));
        }
        let timespan = if let Some(timespan) = query.timespan {
            timespan
        } else {
            let now = ticks::from_system_time(asker.clock.now()).unwrap_or(ticks::MAX);
            Timespan::new((now - DAYS * ticks::PER_DAY).max(0), now)?
        };
        let cap = asker.description.row_cap;
        let cap = asker.store.row_cap()?.map_or(cap, |found| found.min(cap));
        Ok(Self {
            sent: (takes_timespan).then_some(timespan),
            expected: Mutex::default(),
            cap: AtomicUsize::new(cap),
            asker,
            query: query.clone(),
            splitting,
            timespan,
            learned: Mutex::default(),
            done: AtomicUsize::new(0),
            known: AtomicUsize::new(0),
            rows: AtomicUsize::new(0),
        })
    }

    /// The first slices, in the order of the answer.
    pub(super) async fn parts(&self) -> Result<Vec<Slice>> {
        let root = Slice::of(self.timespan);
        let mut parts = if let Some(parts) = self.known_division(&root)? {
            parts
        } else {
            let parts = match self.asker.options.width {
                Some(width) if self.splitting.is_timed() => root.ranges_of(width),
                _ => self.planned(root).await?,
            };
            self.keep_division(&root, &parts)?;
            parts
        };
        if parts.len() > self.asker.options.slices {
            return Err(too_many(self.asker.options.slices));
        }
        self.order(&mut parts);
        Ok(parts)
    }

    /// What a slice was divided into in an earlier run, with what was counted then.
    fn known_division(&self, slice: &Slice) -> Result<Option<Vec<Slice>>> {
        let Some(parts) = self.asker.store.division(slice)? else {
            return Ok(None);
        };
        let mut expected = lock(&self.expected);
        for part in &parts {
            if let Some(rows) = part.rows {
                expected.insert(part.slice, rows);
            }
        }
        Ok(Some(parts.into_iter().map(|part| part.slice).collect()))
    }

    fn keep_division(&self, slice: &Slice, parts: &[Slice]) -> Result<()> {
        let counted: Vec<Counted> = {
            let expected = lock(&self.expected);
            let counted = parts.iter().map(|part| Counted {
                slice: *part,
                rows: expected.get(part).copied(),
            });
            counted.collect()
        };
        self.asker.store.keep_division(slice, &counted)
    }

    fn order(&self, parts: &mut [Slice]) {
        if self.splitting.is_newest_first() {
            parts.reverse();
        }
    }

    async fn planned(&self, root: Slice) -> Result<Vec<Slice>> {
        let Some(estimate) = self.estimate(&root).await? else {
            return Ok(vec![root]);
        };
        let rows = estimate.rows();
        self.expect(root, rows);
        if rows <= FEW {
            return Ok(vec![root]);
        }
        if !self.splitting.is_timed() {
            let most = self.most_rows().min(4 * FEW);
            return Ok(root.partitioned(division::partitions_for(rows, most)));
        }
        // The first slice is small, and tells how large a row is.
        let mut most = FEW.min(self.most_rows());
        let mut first = estimate.parts(&root, most).remove(0);
        while self.is_too_large(first.rows) {
            let Some(finer) = self.estimate(&first.dense).await? else {
                break;
            };
            let next = finer.parts(&first.slice, most).remove(0);
            if next == first {
                break;
            }
            first = next;
        }
        most = self.most_rows();
        let slice = first.slice;
        self.expect(slice, first.rows);
        if slice != root && !self.is_too_large(first.rows) {
            if let Some(table) = self.whole(&slice).await? {
                let bytes: usize = table
                    .batches()
                    .iter()
                    .map(RecordBatch::get_array_memory_size)
                    .sum();
                let row = bytes / table.row_count().max(1);
                let fitting = self.asker.options.slice_bytes / row.max(1);
                most = most.min(fitting as u64).max(1);
                self.learned().insert(slice, Learned::Rows(Box::new(table)));
            } else {
                let dense = first.dense;
                self.learned().insert(slice, Learned::TooLarge { dense });
            }
        }
        let rest = root.during(slice.to(), root.to());
        let mut parts = if rest.width() > 0 {
            self.counted(estimate.parts(&rest, most))
        } else {
            Vec::new()
        };
        parts.insert(0, slice);
        stream::iter(parts)
            .map(|part| self.expanded(part))
            .buffered(self.asker.options.parallel.max(1))
            .try_concat()
            .await
    }

    /// The parts of a slice that is known to be too large, down to those that may not be.
    fn expanded(&self, slice: Slice) -> BoxFuture<'_, Result<Vec<Slice>>> {
        let too_large = matches!(self.learned().get(&slice), Some(Learned::TooLarge { .. }));
        if !too_large {
            return Box::pin(async move { Ok(vec![slice]) });
        }
        Box::pin(async move {
            let mut all = Vec::new();
            for part in self.divided(&slice).await? {
                all.extend(self.expanded(part).await?);
            }
            Ok(all)
        })
    }

    /// Keeps in mind which parts need not be asked for.
    fn counted(&self, parts: Vec<Part>) -> Vec<Slice> {
        let slices = parts.into_iter().map(|part| {
            self.expect(part.slice, part.rows);
            if self.is_too_large(part.rows) {
                let dense = part.dense;
                self.learned()
                    .insert(part.slice, Learned::TooLarge { dense });
            }
            part.slice
        });
        slices.collect()
    }

    /// Keeps in mind how many rows a slice should have.
    fn expect(&self, slice: Slice, counted: u64) {
        if self.splitting.counts_exactly() {
            lock(&self.expected).insert(slice, counted);
        }
    }

    /// Whether a slice came with fewer rows than were counted in it: the service stopped early
    /// and did not say so.
    fn fell_short(&self, slice: &Slice, rows: usize) -> Result<bool> {
        let counted = lock(&self.expected).remove(slice);
        let short = counted.is_some_and(|counted| (rows as u64) < counted);
        let cap = self.cap.load(Ordering::Relaxed);
        if cap < self.asker.description.row_cap && rows >= cap {
            return Ok(true);
        }
        if short {
            tracing::debug!(%slice, rows, ?counted, "fewer rows than counted");
            let found = rows.max(1);
            if found < self.cap.fetch_min(found, Ordering::Relaxed) {
                // A run that goes on meets slices without a count, which only the cap tells of.
                self.asker.store.keep_row_cap(found)?;
            }
        }
        Ok(short)
    }

    /// Whether so many rows, counted, are more than the service returns.
    fn is_too_large(&self, counted: u64) -> bool {
        self.splitting.counts_exactly() && counted > self.cap.load(Ordering::Relaxed) as u64
    }

    /// How many rows a slice should have: some less than the service returns, since counts are
    /// estimates and rows still arrive.
    fn most_rows(&self) -> u64 {
        (self.cap.load(Ordering::Relaxed) as u64 * 3 / 4).max(1)
    }

    fn learned(&self) -> MutexGuard<'_, HashMap<Slice, Learned>> {
        lock(&self.learned)
    }

    /// How many rows the ranges of `slice` hold, at most; `None` when the service does not say.
    async fn estimate(&self, slice: &Slice) -> Result<Option<Estimate>> {
        let width = division::width_for(slice);
        let query = Query {
            text: self.splitting.estimate(slice, width),
            timespan: self.sent,
            max_rows: None,
            ..self.query.clone()
        };
        match self.ask(&query).await {
            Ok(table) => Ok(Estimate::of(&table, width)),
            // What is wrong with the query shows when it is asked itself.
            Err(error) if matches!(error.kind(), ErrorKind::Query | ErrorKind::Incomplete) => {
                tracing::debug!(%error, "no estimate");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn ask(&self, query: &Query) -> Result<Table> {
        Table::collect(self.asker.driver.query(query).await?).await
    }

    /// The rows of a slice when the service returns all of them, `None` when it does not.
    async fn whole(&self, slice: &Slice) -> Result<Option<Table>> {
        let known = {
            let mut learned = self.learned();
            match learned.get(slice) {
                Some(Learned::TooLarge { .. }) => return Ok(None),
                _ => learned.remove(slice),
            }
        };
        if let Some(Learned::Rows(table)) = known {
            return Ok(Some(*table));
        }
        if let Some(table) = self.asker.store.rows(slice)? {
            return Ok(Some(table));
        }
        let query = Query {
            text: self.splitting.text_of(slice),
            timespan: self.sent,
            max_rows: None,
            ..self.query.clone()
        };
        match self.ask(&query).await {
            Ok(table) if table.is_complete() && !self.fell_short(slice, table.row_count())? => {
                self.asker.store.keep_rows(slice, &table)?;
                Ok(Some(table))
            }
            Ok(_) => Ok(None),
            Err(error) if error.kind() == ErrorKind::Incomplete => {
                tracing::debug!(%error, %slice, "the slice is too large");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The rows of a slice, cut further where that is needed.
    pub(super) async fn fetch(&self, slice: Slice) -> Result<Vec<Table>> {
        let mut tables = Vec::new();
        let mut pending = vec![slice];
        while let Some(slice) = pending.pop() {
            let known = self.known_division(&slice)?;
            // The whole of a question and its only slice have one name.
            let mut parts = if let Some(parts) = known.filter(|parts| *parts != [slice]) {
                parts
            } else if let Some(table) = self.whole(&slice).await? {
                self.finished(&table);
                tables.push(table);
                continue;
            } else {
                let parts = self.divided(&slice).await?;
                self.keep_division(&slice, &parts)?;
                parts
            };
            let known = self.known.fetch_add(parts.len() - 1, Ordering::Relaxed) + parts.len() - 1;
            if known > self.asker.options.slices {
                return Err(too_many(self.asker.options.slices));
            }
            self.order(&mut parts);
            pending.extend(parts.into_iter().rev());
        }
        Ok(tables)
    }

    fn finished(&self, table: &Table) {
        let rows = table.row_count();
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let rows = self.rows.fetch_add(rows, Ordering::Relaxed) + rows;
        let known = self.known.load(Ordering::Relaxed);
        self.asker.progress.sliced(done, known, rows);
    }

    /// Parts of a slice that the service does not return whole.
    async fn divided(&self, slice: &Slice) -> Result<Vec<Slice>> {
        let sorted = self.splitting.is_sorted();
        let narrow = if sorted { 1 } else { division::NARROW };
        if !self.splitting.is_timed() || slice.width() <= narrow || slice.partitions() > 1 {
            if slice.partitions() >= 1 << 16 {
                return Err(Error::new(
                    ErrorKind::Incomplete,
                    format!("the rows of {slice} cannot be told apart, and are more than the service returns"),
                )
                .with_hint("project fewer columns, or filter further"));
            }
            return Ok(slice.partitioned(4));
        }
        let blind = || slice.ranges(i64::from(division::BLIND));
        let dense = match self.learned().remove(slice) {
            Some(Learned::TooLarge { dense }) => dense,
            _ => *slice,
        };
        let Some(estimate) = self.estimate(&dense).await? else {
            return Ok(blind());
        };
        // What was counted is less than what came, or the slice would not be too large.
        let most = self.most_rows().min(estimate.rows() / 2).max(1);
        let parts = self.counted(estimate.parts(slice, most));
        Ok(if parts.len() > 1 { parts } else { blind() })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn too_many(slices: usize) -> Error {
    Error::new(
        ErrorKind::Incomplete,
        format!("the answer would take more than {slices} slices"),
    )
    .with_hint("ask for a shorter range of time, or filter further")
}
