//! One question, from its first estimate to its last slice.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use defender_core::{Error, ErrorKind, Result};
use defender_table::arrow::array::RecordBatch;
use defender_table::{Completeness, DatetimeMode, Table, Timespan, Warning, ticks};

use super::all_rows::Asker;
use super::division::{self, Estimate};
use super::shortage::{self, Shortage};
use super::size::Size;
use super::{Counted, Slice, Splitting};
use crate::Query;

/// How far back the services look without a range of time.
///
/// Source: <https://learn.microsoft.com/defender-xdr/advanced-hunting-limits>
const DAYS: i64 = 30;
/// As many slices as there may be whatever the options say: at 45 calls a minute, five months.
pub(super) const MOST_SLICES: usize = 10_000_000;

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
    early: Mutex<HashMap<Slice, Vec<Table>>>,
    /// Slices that the service does not return whole, and why.
    refused: Mutex<HashMap<Slice, String>>,
    /// How many rows were counted in slices.
    counts: Mutex<HashMap<Slice, Count>>,
    /// What the answers so far tell about the next ones.
    size: Mutex<Size>,
    /// The most rows that a slice may have: the documented cap, or a lower one that showed.
    cap: AtomicUsize,
    /// Whether a lower cap was looked for where rows were missing, and there was none.
    uncapped: AtomicBool,
    /// How many responses that reported something beside their rows did so again.
    reported_again: AtomicUsize,
    /// What was counted and did not come, and what was there no longer.
    missing: Mutex<Shortage>,
    aged: Mutex<Shortage>,
    /// Where more came than was counted.
    surplus: Mutex<Shortage>,
    /// Why a count of rows could not be used, although it was asked for twice.
    uncounted: Mutex<Option<String>>,
    /// The last partition that had rows, and those.
    partition: Mutex<Option<(Slice, Vec<RecordBatch>)>>,
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
            uncapped: AtomicBool::new(false),
            reported_again: AtomicUsize::new(0),
            missing: Mutex::default(),
            aged: Mutex::default(),
            surplus: Mutex::default(),
            uncounted: Mutex::default(),
            partition: Mutex::default(),
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

    /// How many rows must come with a slice, where that was counted.
    fn due(&self, slice: &Slice) -> Option<u64> {
        let counted = lock(&self.counts).get(slice).copied();
        counted
            .filter(|count| count.own && self.splitting.counts_exactly())
            .map(|count| count.rows)
    }

    /// Whether so many rows are as many as the service returns.
    fn stops_at(&self, rows: usize) -> bool {
        rows >= self.cap.load(Ordering::Relaxed)
    }

    /// Whether as many rows came as the service was found to stop at, although it documents more.
    fn is_capped(&self, rows: usize) -> bool {
        let cap = self.cap.load(Ordering::Relaxed);
        cap < self.asker.description.row_cap && self.stops_at(rows)
    }

    /// The rows of a slice that came as `table`, which has fewer than the `counted` ones; `None`
    /// when the service stops early and does not say so, so that the slice has to be divided.
    ///
    /// Otherwise rows are there no longer, which another count shows, or the service's count is
    /// wrong.
    async fn short(&self, slice: &Slice, table: Table, counted: u64) -> Result<Option<Vec<Table>>> {
        let came = table.row_count() as u64;
        tracing::debug!(%slice, came, counted, "fewer rows than counted");
        if !self.uncapped.load(Ordering::Relaxed) {
            let again = self.estimate(slice).await?;
            if again.is_some_and(|again| again.rows() <= came) {
                lock(&self.aged).add(slice, counted, came);
                return Ok(Some(vec![table]));
            }
            if came > 0 && self.finds_cap(slice, &table, counted).await? {
                return Ok(None);
            }
            self.uncapped.store(true, Ordering::Relaxed);
        }
        lock(&self.missing).add(slice, counted, came);
        Ok(Some(vec![table]))
    }

    /// Whether the service stops after as many rows as `first` has: parts of the slice bring more.
    /// Those that were asked for it wait for their turn.
    async fn finds_cap(&self, slice: &Slice, first: &Table, counted: u64) -> Result<bool> {
        let cap = first.row_count();
        let most = (cap as u64 * 3 / 4).max(1);
        let parts = match self.divided(slice, most).await {
            Ok(parts) => parts,
            Err(error) if error.kind() == ErrorKind::Incomplete => return Ok(false),
            Err(error) => return Err(error),
        };
        let mut came = 0;
        let mut whole = Vec::new();
        for part in parts {
            let Some(table) = self.ask_for(&part).await?.ok() else {
                return Ok(false);
            };
            let rows = table.row_count();
            came += rows as u64;
            // Fewer than counted and than it stops at: it is not that it stops.
            let is_short = rows < cap && self.due(&part).is_some_and(|due| (rows as u64) < due);
            // The same rows again: it does not look at what it is asked for.
            if is_short || came > counted || rows > 0 && table.batches() == first.batches() {
                return Ok(false);
            }
            if rows < cap {
                whole.push((part, table));
            }
            if came > cap as u64 {
                break;
            }
        }
        if came <= cap as u64 {
            return Ok(false);
        }
        if cap < self.cap.fetch_min(cap, Ordering::Relaxed) {
            // A run that goes on meets slices without a count, which only the cap tells of.
            self.asker.store.keep_row_cap(cap)?;
        }
        for (part, table) in whole {
            self.asker.store.keep_rows(&part, &table)?;
            self.keep_early(part, vec![table]);
        }
        Ok(true)
    }

    /// What was counted and did not come, where there is something, and what was not counted.
    pub(super) fn missing(&self) -> Option<String> {
        let uncounted = lock(&self.uncounted).clone().map(|reason| {
            format!("the service's count of the rows is not whole, so that some may be missing ({reason})")
        });
        let missing = lock(&self.missing).phrase().into_iter().chain(uncounted);
        let missing: Vec<String> = missing.collect();
        (!missing.is_empty()).then(|| missing.join("; "))
    }

    /// What to say of rows that were there no longer, and of those that were not there yet.
    pub(super) fn changes(&self) -> impl Iterator<Item = Warning> {
        let aged = lock(&self.aged).warning();
        aged.into_iter().chain(lock(&self.surplus).surplus())
    }

    /// Whether asking for a slice is in vain: it was refused, or more was counted in it than the
    /// service returns, in rows or by what rows were found to take.
    pub(super) fn is_hopeless(&self, slice: &Slice) -> bool {
        if lock(&self.refused).contains_key(slice) {
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
    pub(super) fn keep_early(&self, slice: Slice, tables: Vec<Table>) {
        lock(&self.early).insert(slice, tables);
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
            datetimes: DatetimeMode::Timestamp,
            ..self.query.clone()
        };
        for is_last in [false, true] {
            let table = match self.ask(&query).await {
                Ok(table) => table,
                // What is wrong with the query shows when it is asked itself.
                Err(error) if matches!(error.kind(), ErrorKind::Query | ErrorKind::Incomplete) => {
                    tracing::debug!(%error, "no estimate");
                    return Ok(None);
                }
                Err(error) => return Err(error),
            };
            let Completeness::Incomplete { reason } = &table.summary().completeness else {
                return Estimate::of(&table, slice, width).map(Some);
            };
            tracing::debug!(%slice, reason, "the count of rows is not whole");
            let mut uncounted = lock(&self.uncounted);
            if is_last || uncounted.is_some() {
                // Rows that were not counted may be missing without a word.
                uncounted.get_or_insert_with(|| reason.clone());
                break;
            }
        }
        Ok(None)
    }

    async fn ask(&self, query: &Query) -> Result<Table> {
        Table::collect(self.asker.driver.query(query).await?).await
    }

    /// The rows of a slice when the service returns all of them, `None` when it does not.
    pub(super) async fn whole(&self, slice: &Slice) -> Result<Option<Vec<Table>>> {
        self.whole_after(slice, || Ok(())).await
    }

    /// The same; `before` runs before the rows are kept, so that a run that goes on finds them.
    pub(super) async fn whole_after(
        &self,
        slice: &Slice,
        before: impl FnOnce() -> Result<()>,
    ) -> Result<Option<Vec<Table>>> {
        let early = lock(&self.early).remove(slice);
        let there = match early {
            Some(tables) => Some(tables),
            None => self.asker.store.rows(slice)?.map(|table| vec![table]),
        };
        if there.is_some() {
            before()?;
            return Ok(there);
        }
        if self.is_hopeless(slice) {
            return Ok(None);
        }
        let counted = self.counted(slice);
        match self.ask_steadily(slice).await? {
            Ok(table) if !self.is_capped(table.row_count()) => {
                let rows = table.row_count() as u64;
                if let Some(due) = self.due(slice).filter(|due| rows < *due) {
                    let Some(tables) = self.short(slice, table, due).await? else {
                        return Ok(self.refuse_capped(slice, counted));
                    };
                    // They are not kept: a run that goes on asks for them again.
                    before()?;
                    return Ok(Some(tables));
                }
                if let Some(due) = self.due(slice).filter(|due| rows > *due) {
                    lock(&self.surplus).add(slice, due, rows);
                }
                if let Some(counted) = counted {
                    lock(&self.size).answered(counted, rows, bytes_of(&table));
                }
                before()?;
                self.asker.store.keep_rows(slice, &table)?;
                Ok(Some(vec![table]))
            }
            Ok(_) => Ok(self.refuse_capped(slice, counted)),
            Err(NotWhole::Reported(table)) => {
                let due = self.due(slice);
                let Some(tables) = (match due.filter(|due| (table.row_count() as u64) < *due) {
                    Some(due) => self.short(slice, *table, due).await?,
                    None => Some(vec![*table]),
                }) else {
                    return Ok(self.refuse_capped(slice, counted));
                };
                before()?;
                Ok(Some(tables))
            }
            Err(NotWhole::Stopped(reason)) => {
                self.stopped(slice, counted);
                lock(&self.refused).insert(*slice, reason);
                Ok(None)
            }
            Err(NotWhole::TooLarge(error)) => {
                tracing::debug!(%error, %slice, "the slice is too large");
                if let Some(counted) = counted {
                    // It was more than the service's limit; nobody says by how much.
                    let bytes = self.asker.options.slice_bytes as u64;
                    lock(&self.size).refused(counted, bytes.saturating_mul(2));
                }
                lock(&self.refused).insert(*slice, error.to_string());
                Ok(None)
            }
        }
    }

    fn stopped(&self, slice: &Slice, counted: Option<u64>) {
        if let Some(counted) = counted {
            let cap = self.cap.load(Ordering::Relaxed) as u64;
            tracing::debug!(%slice, counted, "the slice was not whole");
            lock(&self.size).stopped(counted, cap.saturating_mul(2));
        }
    }

    /// What the service returns for a slice, asked once more when it reports that something was
    /// wrong: that may be over. A service that reports it every time is not asked so for ever.
    async fn ask_steadily(&self, slice: &Slice) -> Result<std::result::Result<Table, NotWhole>> {
        const IN_VAIN: usize = 3;
        let first = match self.ask_for(slice).await? {
            Err(NotWhole::Reported(table)) => table,
            other => return Ok(other),
        };
        if self.reported_again.load(Ordering::Relaxed) >= IN_VAIN {
            return Ok(Err(NotWhole::Reported(first)));
        }
        tracing::debug!(%slice, "the response says that it is not whole: asked again");
        let second = match self.ask_for(slice).await? {
            Err(NotWhole::Reported(table)) => table,
            other => return Ok(other),
        };
        self.reported_again.fetch_add(1, Ordering::Relaxed);
        let more = if second.row_count() < first.row_count() {
            first
        } else {
            second
        };
        Ok(Err(NotWhole::Reported(more)))
    }

    /// What the service returns for a slice.
    async fn ask_for(&self, slice: &Slice) -> Result<std::result::Result<Table, NotWhole>> {
        let query = Query {
            text: self.splitting.text_of(slice),
            timespan: self.sent,
            max_rows: None,
            ..self.query.clone()
        };
        let table = match self.ask(&query).await {
            Ok(table) => table,
            Err(error) if error.kind() == ErrorKind::Incomplete => {
                return Ok(Err(NotWhole::TooLarge(error)));
            }
            Err(error) => return Err(error),
        };
        self.check_columns(slice, &table)?;
        if self.splitting.tells_time() {
            shortage::check_times(&table, slice)?;
        }
        self.check_partition(slice, &table)?;
        Ok(match &table.summary().completeness {
            Completeness::Complete => Ok(table),
            Completeness::Incomplete { reason } if self.stops_at(table.row_count()) => {
                Err(NotWhole::Stopped(reason.clone()))
            }
            Completeness::Incomplete { .. } => Err(NotWhole::Reported(Box::new(table))),
        })
    }

    /// Notes that a slice has more rows than the service was found to stop at.
    fn refuse_capped(&self, slice: &Slice, counted: Option<u64>) -> Option<Vec<Table>> {
        self.stopped(slice, counted);
        let cap = self.cap.load(Ordering::Relaxed);
        let reason = format!("the service was found to stop at {cap} rows");
        lock(&self.refused).insert(*slice, reason);
        None
    }

    /// Refuses rows whose columns are not those that were asked for: where the time is missing,
    /// nobody can tell whether they are of the slice.
    fn check_columns(&self, slice: &Slice, table: &Table) -> Result<()> {
        let schema = table.schema();
        let columns: Vec<&str> = schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        // Where there is no row some services name no column either.
        if columns.is_empty() && table.row_count() == 0 {
            return Ok(());
        }
        match self.splitting.misses(&columns) {
            None => Ok(()),
            Some(what) => Err(Error::new(
                ErrorKind::Protocol,
                format!("the service sent rows {what} for {slice}"),
            )
            .with_hint("the rows of other slices cannot be trusted either; report it")),
        }
    }

    /// Refuses the rows of a partition that came for another one: the service does not look at
    /// what it is asked for, and each of its rows would be there many times.
    fn check_partition(&self, slice: &Slice, table: &Table) -> Result<()> {
        if slice.partitions() == 1 || table.row_count() == 0 || !self.splitting.keeps_whole_rows() {
            return Ok(());
        }
        let mut last = lock(&self.partition);
        if let Some((other, rows)) = &*last
            && slice.is_beside(other)
            && rows == table.batches()
        {
            return Err(Error::new(
                ErrorKind::Protocol,
                format!("the service sent the same rows for {other} and {slice}"),
            )
            .with_hint("it does not filter by hash(); ask for a shorter time range instead"));
        }
        *last = Some((*slice, table.batches().to_vec()));
        Ok(())
    }

    /// The rows of a slice, cut further where that is needed.
    pub(super) async fn fetch(&self, slice: Slice) -> Result<Vec<Table>> {
        let (due, missing) = (self.due(&slice), self.missing_rows());
        let (tables, divided) = self.parts(slice).await?;
        let came = rows_of(&tables);
        // What is missing in its parts was told of those.
        if let Some(due) = due.filter(|due| divided && came < *due)
            && missing == self.missing_rows()
        {
            lock(&self.missing).add(&slice, due, came);
        }
        Ok(tables)
    }

    fn missing_rows(&self) -> (Shortage, Shortage) {
        (lock(&self.missing).clone(), lock(&self.aged).clone())
    }

    /// The rows of a slice, and whether it was divided for them.
    async fn parts(&self, slice: Slice) -> Result<(Vec<Table>, bool)> {
        let mut tables = Vec::new();
        let mut divided = false;
        let mut pending = vec![slice];
        while let Some(slice) = pending.pop() {
            let mut parts = if let Some(parts) = self.known_division(&slice)? {
                parts
            } else if let Some(own) = self.whole(&slice).await? {
                self.finished(rows_of(&own));
                tables.extend(own);
                continue;
            } else {
                let parts = self.divided(&slice, self.most()).await?;
                self.keep_division(&slice, &parts)?;
                parts
            };
            divided = true;
            self.extra.fetch_add(parts.len() - 1, Ordering::Relaxed);
            self.check_number()?;
            self.order(&mut parts);
            pending.extend(parts.into_iter().rev());
        }
        Ok((tables, divided))
    }

    /// Refuses to go on with more slices than were allowed.
    pub(super) fn check_number(&self) -> Result<()> {
        let certain = self.certain.load(Ordering::Relaxed);
        self.check_slices(certain + self.extra.load(Ordering::Relaxed))
    }

    /// Refuses so many slices where they are more than were allowed.
    pub(super) fn check_slices(&self, number: usize) -> Result<()> {
        let most = self.asker.options.slices.min(MOST_SLICES);
        if number <= most {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Incomplete,
            format!("the answer would take more than {most} slices"),
        )
        .with_hint("ask for a shorter range of time, or filter further"))
    }

    fn finished(&self, rows: u64) {
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let rows = self.rows.fetch_add(rows, Ordering::Relaxed) + rows;
        let planned = self.planned.load(Ordering::Relaxed);
        let known = planned.saturating_add(self.extra.load(Ordering::Relaxed));
        let known = known.max(done);
        self.asker.progress.sliced(done, known, rows);
    }

    /// Parts of a slice that the service does not return whole, of `most` rows each.
    async fn divided(&self, slice: &Slice, most: u64) -> Result<Vec<Slice>> {
        let narrow = self.narrow();
        if !self.splitting.is_timed() || slice.width() <= narrow || slice.partitions() > 1 {
            return self.partitioned(slice, most);
        }
        let Some(mut estimate) = self.estimate(slice).await? else {
            return Ok(slice.ranges(i64::from(division::BLIND)));
        };
        // What was counted is less than what came, or the slice would not be too large.
        let most = most.min(estimate.rows() / 2).max(1);
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
        self.around(slice, &dense, most)
    }

    /// Parts of a slice whose rows are all in `dense`, which is not divided by counts.
    fn around(&self, slice: &Slice, dense: &Slice, most: u64) -> Result<Vec<Slice>> {
        let narrow = self.narrow();
        if dense.width() <= narrow && !self.splitting.is_sorted() {
            return self.partitioned(slice, most);
        }
        let before = slice.during(slice.from(), dense.from());
        let after = slice.during(dense.to(), slice.to());
        let mut parts = vec![before];
        if dense.width() <= narrow {
            // What is in it was more than the service returns.
            if let Some(rows) = self.counted(slice) {
                self.count(*dense, rows);
            }
            let reason = lock(&self.refused).get(slice).cloned();
            lock(&self.refused).insert(*dense, reason.unwrap_or_default());
            parts.push(*dense);
        } else {
            parts.extend(dense.ranges(i64::from(division::BLIND)));
        }
        parts.push(after);
        parts.retain(|part| part.width() > 0);
        Ok(parts)
    }

    /// Parts of a slice by a hash of the row.
    fn partitioned(&self, slice: &Slice, most: u64) -> Result<Vec<Slice>> {
        const MOST: u32 = 1 << 16;
        if slice.partitions() >= MOST {
            let reason = lock(&self.refused).get(slice).cloned();
            let reason = reason.filter(|reason| !reason.is_empty());
            let reason = reason.unwrap_or_else(|| "they are more than it returns".to_owned());
            return Err(Error::new(
                ErrorKind::Incomplete,
                format!(
                    "the rows of {slice} cannot be told apart, and the service does not return \
                     them whole: {reason}"
                ),
            )
            .with_hint("project fewer columns, or filter further"));
        }
        let counted = self.counted(slice);
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

/// Why a slice is not there whole.
enum NotWhole {
    /// As many rows came as the service returns, and there may be more, for this reason.
    Stopped(String),
    /// Fewer came, and the response itself says that they are not all: an error beside the rows,
    /// more pages, another number. Parts of the slice would not say less.
    Reported(Box<Table>),
    /// It is larger than what is returned or taken in.
    TooLarge(Error),
}

fn rows_of(tables: &[Table]) -> u64 {
    tables.iter().map(|table| table.row_count() as u64).sum()
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
