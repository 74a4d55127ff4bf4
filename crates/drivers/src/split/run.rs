//! One question, from its first estimate to its last slice.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use defender_core::{Error, ErrorKind, Result};
use defender_table::arrow::array::RecordBatch;
use defender_table::{Table, Timespan, ticks};

use super::all_rows::Asker;
use super::division::{self, Estimate};
use super::size::Size;
use super::{Counted, Slice, Splitting};
use crate::Query;

/// How far back the services look without a range of time.
///
/// Source: <https://learn.microsoft.com/defender-xdr/advanced-hunting-limits>
const DAYS: i64 = 30;
/// What is known of the rows of a slice before it is asked for.
#[derive(Clone, Copy, Debug)]
struct Count {
    rows: u64,
    /// Whether they were counted in it; else they are a share of what was counted.
    own: bool,
}

/// One question on its way.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) asker: Arc<Asker>,
    query: Query,
    pub(super) splitting: Splitting,
    pub(super) timespan: Timespan,
    /// The range to send beside the query, so that its other tables are cut to it as well.
    sent: Option<Timespan>,
    /// Rows that are there before their turn.
    early: Mutex<HashMap<Slice, Box<Table>>>,
    /// Slices that the service does not return whole.
    refused: Mutex<HashSet<Slice>>,
    /// How many rows were counted in slices.
    counts: Mutex<HashMap<Slice, Count>>,
    /// What the answers so far tell about the next ones.
    size: Mutex<Size>,
    /// The most rows that a slice may have: the documented cap, or a lower one that showed.
    cap: AtomicUsize,
    done: AtomicUsize,
    /// How many slices there are by the plan, how many of those are certain, and how many more
    /// there are since some were cut again.
    pub(super) planned: AtomicUsize,
    pub(super) certain: AtomicUsize,
    extra: AtomicUsize,
    rows: AtomicUsize,
}

impl Run {
    pub(super) fn new(asker: Arc<Asker>, query: &Query) -> Result<Self> {
        let splitting = Splitting::of(&query.text)?;
        let takes_timespan = asker.description.takes_timespan;
        splitting.check_range(query, &asker.description)?;
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
            early: Mutex::default(),
            refused: Mutex::default(),
            counts: Mutex::default(),
            size: Mutex::default(),
            cap: AtomicUsize::new(cap),
            asker,
            query: query.clone(),
            splitting,
            timespan,
            done: AtomicUsize::new(0),
            planned: AtomicUsize::new(0),
            certain: AtomicUsize::new(0),
            extra: AtomicUsize::new(0),
            rows: AtomicUsize::new(0),
        })
    }

    /// What a slice was divided into, here or in an earlier run, with what was counted then.
    pub(super) fn known_division(&self, slice: &Slice) -> Result<Option<Vec<Slice>>> {
        let Some(parts) = self.asker.store.division(slice)? else {
            return Ok(None);
        };
        for part in &parts {
            if let Some(rows) = part.rows {
                self.count(part.slice, rows);
            }
        }
        let parts: Vec<Slice> = parts.into_iter().map(|part| part.slice).collect();
        // The whole of a question and its only slice have one name.
        Ok(Some(parts).filter(|parts| *parts != [*slice]))
    }

    pub(super) fn keep_division(&self, slice: &Slice, parts: &[Slice]) -> Result<()> {
        let counted: Vec<Counted> = {
            let counts = lock(&self.counts);
            let counted = parts.iter().map(|part| Counted {
                slice: *part,
                rows: counts
                    .get(part)
                    .filter(|count| count.own)
                    .map(|count| count.rows),
            });
            counted.collect()
        };
        self.asker.store.keep_division(slice, &counted)
    }

    pub(super) fn order(&self, parts: &mut [Slice]) {
        if self.splitting.is_newest_first() {
            parts.reverse();
        }
    }

    /// Keeps in mind how many rows were counted in a slice.
    pub(super) fn count(&self, slice: Slice, rows: u64) {
        lock(&self.counts).insert(slice, Count { rows, own: true });
    }

    pub(super) fn counted(&self, slice: &Slice) -> Option<u64> {
        lock(&self.counts).get(slice).map(|count| count.rows)
    }

    /// Whether a slice came with fewer rows than were counted in it: the service stopped early
    /// and did not say so.
    fn fell_short(&self, slice: &Slice, rows: usize) -> Result<bool> {
        let counted = lock(&self.counts).get(slice).copied();
        let counted = counted.filter(|count| count.own && self.splitting.counts_exactly());
        let short = counted.is_some_and(|count| (rows as u64) < count.rows);
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

    /// Whether asking for a slice is in vain: it was refused, or more was counted in it than the
    /// service returns, in rows or by what rows were found to take.
    pub(super) fn is_hopeless(&self, slice: &Slice) -> bool {
        if lock(&self.refused).contains(slice) {
            return true;
        }
        let Some(count) = lock(&self.counts).get(slice).copied() else {
            return false;
        };
        let cap = self.cap.load(Ordering::Relaxed) as u64;
        if count.own && self.splitting.counts_exactly() && count.rows > cap {
            return true;
        }
        let limit = self.asker.options.slice_bytes as u64 / 2 * 3;
        count.rows > 1 && self.size().bytes_of(count.rows) > limit
    }

    /// How many counted rows a slice should have: some less than the service returns, since
    /// counts are estimates, rows still arrive, and not all are of one size.
    pub(super) fn most(&self) -> u64 {
        let rows = (self.cap.load(Ordering::Relaxed) as u64 * 3 / 4).max(1);
        let size = self.size();
        let rows = if self.splitting.counts_exactly() {
            rows
        } else {
            size.becoming(rows)
        };
        let bytes = size.fitting(self.asker.options.slice_bytes as u64);
        rows.min(bytes).max(1)
    }

    pub(super) fn size(&self) -> Size {
        *lock(&self.size)
    }

    /// Rows that are there already wait for their turn.
    pub(super) fn keep_early(&self, slice: Slice, table: Table) {
        lock(&self.early).insert(slice, Box::new(table));
    }

    /// Below this width time divides no more.
    pub(super) fn narrow(&self) -> i64 {
        if self.splitting.is_sorted() {
            1
        } else {
            division::NARROW
        }
    }

    /// How many rows the ranges of `slice` hold, at most; `None` when the service does not say.
    pub(super) async fn estimate(&self, slice: &Slice) -> Result<Option<Estimate>> {
        let width = division::width_for(slice);
        let query = Query {
            text: self.splitting.estimate(slice, width),
            timespan: self.sent,
            max_rows: None,
            ..self.query.clone()
        };
        match self.ask(&query).await {
            Ok(table) => Ok(Estimate::of(&table, slice, width)),
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
    pub(super) async fn whole(&self, slice: &Slice) -> Result<Option<Table>> {
        self.whole_after(slice, || Ok(())).await
    }

    /// The same; `before` runs before the rows are kept, so that a run that goes on finds them.
    pub(super) async fn whole_after(
        &self,
        slice: &Slice,
        before: impl FnOnce() -> Result<()>,
    ) -> Result<Option<Table>> {
        let early = lock(&self.early).remove(slice);
        let there = match early {
            Some(table) => Some(*table),
            None => self.asker.store.rows(slice)?,
        };
        if there.is_some() {
            before()?;
            return Ok(there);
        }
        if self.is_hopeless(slice) {
            return Ok(None);
        }
        let query = Query {
            text: self.splitting.text_of(slice),
            timespan: self.sent,
            max_rows: None,
            ..self.query.clone()
        };
        let counted = self.counted(slice);
        match self.ask(&query).await {
            Ok(table) if table.is_complete() && !self.fell_short(slice, table.row_count())? => {
                if let Some(counted) = counted {
                    lock(&self.size).answered(counted, table.row_count() as u64, bytes_of(&table));
                }
                before()?;
                self.asker.store.keep_rows(slice, &table)?;
                Ok(Some(table))
            }
            Ok(_) => {
                if let Some(counted) = counted {
                    let cap = self.cap.load(Ordering::Relaxed) as u64;
                    lock(&self.size).stopped(counted, cap.saturating_mul(2));
                }
                lock(&self.refused).insert(*slice);
                Ok(None)
            }
            Err(error) if error.kind() == ErrorKind::Incomplete => {
                tracing::debug!(%error, %slice, "the slice is too large");
                if let Some(counted) = counted {
                    // It was more than the service's limit; nobody says by how much.
                    let bytes = self.asker.options.slice_bytes as u64;
                    lock(&self.size).refused(counted, bytes.saturating_mul(2));
                }
                lock(&self.refused).insert(*slice);
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
            let mut parts = if let Some(parts) = self.known_division(&slice)? {
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
            self.extra.fetch_add(parts.len() - 1, Ordering::Relaxed);
            self.check_number()?;
            self.order(&mut parts);
            pending.extend(parts.into_iter().rev());
        }
        Ok(tables)
    }

    /// Refuses to go on with more slices than were allowed.
    pub(super) fn check_number(&self) -> Result<()> {
        let most = self.asker.options.slices;
        if self.certain.load(Ordering::Relaxed) + self.extra.load(Ordering::Relaxed) <= most {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Incomplete,
            format!("the answer would take more than {most} slices"),
        )
        .with_hint("ask for a shorter range of time, or filter further"))
    }

    fn finished(&self, table: &Table) {
        let rows = table.row_count();
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let rows = self.rows.fetch_add(rows, Ordering::Relaxed) + rows;
        let planned = self.planned.load(Ordering::Relaxed);
        let known = planned.saturating_add(self.extra.load(Ordering::Relaxed));
        let known = known.max(done);
        self.asker.progress.sliced(done, known, rows);
    }

    /// Parts of a slice that the service does not return whole.
    async fn divided(&self, slice: &Slice) -> Result<Vec<Slice>> {
        let narrow = self.narrow();
        if !self.splitting.is_timed() || slice.width() <= narrow || slice.partitions() > 1 {
            return self.partitioned(slice);
        }
        let Some(mut estimate) = self.estimate(slice).await? else {
            return Ok(slice.ranges(i64::from(division::BLIND)));
        };
        // What was counted is less than what came, or the slice would not be too large.
        let most = self.most().min(estimate.rows() / 2).max(1);
        let mut parts = Vec::new();
        let (mut rest, mut dense) = (Some(*slice), *slice);
        while let Some(left) = rest {
            let head = estimate.head(&left, most, false);
            let range = (head.rows > most)
                .then(|| estimate.coarse(&left, most, false, narrow))
                .flatten();
            if range.is_some() && !parts.is_empty() {
                // What comes before it is asked first: a run that ends there has got somewhere.
                self.count(left, estimate.rows_in(&left));
                parts.push(left);
                return Ok(parts);
            }
            if let Some(range) = range
                && let Some(finer) = self.estimate(&range).await?
            {
                estimate.refine(&range, finer);
                continue;
            }
            self.count(head.slice, head.rows);
            parts.push(head.slice);
            (rest, dense) = (head.rest, head.dense);
        }
        if parts.len() > 1 {
            return Ok(parts);
        }
        self.around(slice, &dense)
    }

    /// Parts of a slice whose rows are all in `dense`, which is not divided by counts.
    fn around(&self, slice: &Slice, dense: &Slice) -> Result<Vec<Slice>> {
        let narrow = self.narrow();
        if dense.width() <= narrow && !self.splitting.is_sorted() {
            return self.partitioned(slice);
        }
        let before = slice.during(slice.from(), dense.from());
        let after = slice.during(dense.to(), slice.to());
        let mut parts = vec![before];
        if dense.width() <= narrow {
            // What is in it was more than the service returns.
            if let Some(rows) = self.counted(slice) {
                self.count(*dense, rows);
            }
            lock(&self.refused).insert(*dense);
            parts.push(*dense);
        } else {
            parts.extend(dense.ranges(i64::from(division::BLIND)));
        }
        parts.push(after);
        parts.retain(|part| part.width() > 0);
        Ok(parts)
    }

    /// Parts of a slice by a hash of the row.
    fn partitioned(&self, slice: &Slice) -> Result<Vec<Slice>> {
        const MOST: u32 = 1 << 16;
        if slice.partitions() >= MOST {
            return Err(Error::new(
                ErrorKind::Incomplete,
                format!("the rows of {slice} cannot be told apart, and are more than the service returns"),
            )
            .with_hint("project fewer columns, or filter further"));
        }
        let counted = self.counted(slice);
        let most = self.most();
        // Else it was refused for a reason that nobody counted.
        let factor = counted
            .filter(|rows| *rows > most)
            .map_or(4, |rows| division::partitions_for(rows, most));
        let parts = slice.partitioned(factor.min(MOST / slice.partitions()));
        if let Some(rows) = counted {
            self.share(rows, &parts);
        }
        Ok(parts)
    }

    /// Keeps in mind that rows are spread over partitions.
    pub(super) fn share(&self, rows: u64, parts: &[Slice]) {
        let rows = rows / (parts.len() as u64).max(1);
        let mut counts = lock(&self.counts);
        counts.extend(parts.iter().map(|part| (*part, Count { rows, own: false })));
    }
}

/// The bytes of an answer, or of its rows in memory where nobody counted.
fn bytes_of(table: &Table) -> u64 {
    match table.provenance().answer_bytes {
        0 => {
            let bytes = table
                .batches()
                .iter()
                .map(RecordBatch::get_array_memory_size);
            bytes.sum::<usize>() as u64
        }
        bytes => bytes,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
