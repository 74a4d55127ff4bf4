//! A service of a few lines, with a cap, that understands slices and nothing else.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use defender_core::ManualClock;
use defender_table::arrow::array::{Int64Array, RecordBatch, TimestampNanosecondArray};
use defender_table::arrow::datatypes::Schema;
use defender_table::{Cell, ColumnType, Completeness, Event, Summary, Table, Timespan, ticks};

use super::super::{Counted, Slice, Splitting};
use super::*;
use crate::M365D_GRAPH;

const START: i64 = ticks::UNIX_EPOCH;
/// More bytes than this are an error and no answer.
const ANSWER: u64 = 50_000_000;

/// Rows as (ticks, id); the hash of a row is its id.
#[derive(Debug)]
struct Service {
    rows: Vec<(i64, i64)>,
    cap: usize,
    /// More rows than this are an error and no answer.
    size: usize,
    counts: bool,
    /// Says that its answers are cut off at the cap.
    honest: bool,
    /// The bytes of a row up to this time, and after it.
    row_bytes: (u64, i64, u64),
    refused: AtomicUsize,
    /// How many of its answers had no row.
    empty: AtomicUsize,
    asked: Mutex<Vec<String>>,
    fails: AtomicBool,
}

impl Service {
    fn new(rows: Vec<(i64, i64)>, cap: usize) -> Arc<Self> {
        Arc::new(Self {
            rows,
            cap,
            size: usize::MAX,
            counts: true,
            honest: true,
            row_bytes: (0, 0, 0),
            refused: AtomicUsize::new(0),
            empty: AtomicUsize::new(0),
            asked: Mutex::default(),
            fails: AtomicBool::new(false),
        })
    }

    fn calls(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.split_once(before)?
        .1
        .split_once(after)
        .map(|found| found.0)
}

fn time(text: &str, before: &str) -> Option<i64> {
    ticks::parse_datetime(between(text, before, ")")?)
}

fn column(name: &str, column_type: ColumnType) -> defender_table::arrow::datatypes::Field {
    column_type.field(name)
}

fn table(names: [&str; 2], rows: &[(i64, i64)], completeness: Completeness) -> Answer {
    let schema = Arc::new(Schema::new(vec![
        column(names[0], ColumnType::DateTime),
        column(names[1], ColumnType::Long),
    ]));
    let times: TimestampNanosecondArray = rows
        .iter()
        .map(|(time, _)| ticks::to_unix_nanoseconds(*time))
        .collect();
    let numbers: Int64Array = rows.iter().map(|(_, number)| Some(*number)).collect();
    let batch = RecordBatch::try_new(
        Arc::clone(&schema),
        vec![Arc::new(times.with_timezone("UTC")), Arc::new(numbers)],
    )
    .unwrap();
    let mut summary = Summary {
        rows: rows.len(),
        completeness,
        ..Summary::default()
    };
    summary.provenance.attempts = 1;
    Answer::from_batches(schema, vec![batch], summary)
}

#[async_trait]
impl Driver for Service {
    fn environment(&self) -> DataEnvironment {
        DataEnvironment::M365dGraph
    }

    async fn query(&self, query: &Query) -> Result<Answer> {
        self.asked.lock().unwrap().push(query.text.clone());
        let text = &format!("{}\n", query.text);
        if self.fails.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Service, "down"));
        }
        let from = time(text, "Timestamp >= datetime(").unwrap();
        let to = time(text, "Timestamp < datetime(").unwrap();
        let partition = between(text, "pack_all()), ", "\n").unwrap_or("1) == 0");
        let (count, own) = partition.split_once(") == ").unwrap();
        let own = own.split_whitespace().next().unwrap();
        let (count, own): (i64, i64) = (count.parse().unwrap(), own.parse().unwrap());
        let mut rows: Vec<(i64, i64)> = self
            .rows
            .iter()
            .copied()
            .filter(|(time, id)| (from..to).contains(time) && id % count == own)
            .collect();
        if let Some(width) = between(text, "timespan(", ")") {
            if !self.counts {
                return Err(Error::new(ErrorKind::Query, "no counting"));
            }
            let width = ticks::parse_timespan(width).unwrap();
            let mut counts: HashMap<i64, i64> = HashMap::new();
            for (time, _) in rows {
                *counts.entry(time - time % width).or_default() += 1;
            }
            let counts: Vec<(i64, i64)> = counts.into_iter().collect();
            return Ok(table(
                ["range_start", "row_count"],
                &counts,
                Completeness::Complete,
            ));
        }
        let (narrow, until, wide) = self.row_bytes;
        let sizes = rows
            .iter()
            .map(|(time, _)| if *time < until { narrow } else { wide });
        let bytes: u64 = sizes.sum();
        self.empty
            .fetch_add(usize::from(rows.is_empty()), Ordering::Relaxed);
        if rows.len() > self.size || bytes > ANSWER {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(Error::new(ErrorKind::Incomplete, "too large"));
        }
        let capped = rows.len() >= self.cap;
        rows.truncate(self.cap);
        if text.contains("sort by Timestamp desc") {
            rows.sort_unstable_by_key(|(time, _)| -time);
        }
        let completeness = if capped && self.honest {
            Completeness::Incomplete {
                reason: "cap".to_owned(),
            }
        } else {
            Completeness::Complete
        };
        let mut answer = table(["Timestamp", "Id"], &rows, completeness);
        answer.events = answer
            .events
            .map(move |event| match event {
                Ok(Event::Summary(mut summary)) => {
                    summary.provenance.answer_bytes = bytes;
                    Ok(Event::Summary(summary))
                }
                event => event,
            })
            .boxed();
        Ok(answer)
    }
}

fn all_rows(service: &Arc<Service>) -> AllRows {
    let clock = ManualClock::new(SystemTime::UNIX_EPOCH + Duration::from_hours(30 * 24));
    let description = Description {
        row_cap: service.cap,
        ..M365D_GRAPH
    };
    AllRows::new(Arc::clone(service) as _, description, Arc::new(clock))
}

async fn rows_of(driver: &AllRows, query: &Query) -> (Vec<(i64, i64)>, Summary) {
    let table = Table::collect(driver.query(query).await.unwrap())
        .await
        .unwrap();
    let rows = (0..table.row_count())
        .map(
            |row| match (table.cell(row, "Timestamp"), table.cell(row, "Id")) {
                (Some(Cell::DateTime(time)), Some(Cell::Long(id))) => (time, id),
                other => panic!("{other:?}"),
            },
        )
        .collect();
    (rows, table.summary().clone())
}

/// A spread of rows with bursts, the same for the same seed.
fn spread(seed: u64, rows: usize) -> Vec<(i64, i64)> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(state >> 33).unwrap()
    };
    let mut time = START;
    (0..i64::try_from(rows).unwrap())
        .map(|id| {
            let step = match next() % 100 {
                0 => next() % (2 * ticks::PER_DAY),
                1..=9 => next() % (600 * ticks::PER_SECOND),
                10..=49 => next() % 100,
                _ => 0,
            };
            time += step;
            (START + (time - START) % (30 * ticks::PER_DAY), id)
        })
        .collect()
}

#[tokio::test]
async fn every_row_comes_once_whatever_their_spread() {
    for seed in 0..12 {
        let rows = spread(seed, 4_000);
        for (cap, size, counts) in [(100, usize::MAX, true), (1_000, 60, true), (70, 100, false)] {
            let mut service = Service::new(rows.clone(), cap);
            let own = Arc::get_mut(&mut service).unwrap();
            (own.size, own.counts) = (size, counts);
            let (mut got, summary) =
                rows_of(&all_rows(&service), &Query::new("DeviceEvents")).await;
            let mut expected = rows.clone();
            expected.sort_unstable();
            got.sort_unstable();
            assert!(
                got == expected,
                "seed {seed}, cap {cap}: {} rows",
                got.len()
            );
            assert!(summary.completeness.is_complete());
            assert_eq!(summary.rows, 4_000);
        }
    }
}

#[tokio::test]
async fn a_cap_that_nobody_documented_shows_in_the_counts() {
    for seed in 0..4 {
        let rows = spread(seed, 4_000);
        let mut service = Service::new(rows.clone(), 70);
        Arc::get_mut(&mut service).unwrap().honest = false;
        let clock = ManualClock::new(SystemTime::UNIX_EPOCH + Duration::from_hours(30 * 24));
        let driver = AllRows::new(Arc::clone(&service) as _, M365D_GRAPH, Arc::new(clock));
        let (mut got, _) = rows_of(&driver, &Query::new("DeviceEvents")).await;
        let mut expected = rows.clone();
        expected.sort_unstable();
        got.sort_unstable();
        assert!(got == expected, "seed {seed}: {} rows", got.len());
    }
}

#[tokio::test]
async fn few_rows_take_two_calls_and_none_as_well() {
    for rows in [vec![], vec![(START + 5, 1), (START + 99, 2)]] {
        let service = Service::new(rows.clone(), 100);
        let (got, _) = rows_of(&all_rows(&service), &Query::new("DeviceEvents")).await;
        assert_eq!(got, rows);
        assert_eq!(service.calls(), 2);
    }
}

#[tokio::test]
async fn empty_time_costs_little() {
    // 40 caps in one hour of a month.
    let rows: Vec<(i64, i64)> = (0..40_000)
        .map(|id| (START + 20 * ticks::PER_DAY + id * 900_000, id))
        .collect();
    let service = Service::new(rows.clone(), 1_000);
    let (got, _) = rows_of(&all_rows(&service), &Query::new("DeviceEvents")).await;
    assert_eq!(got, rows);
    assert!(service.calls() < 80, "{} calls", service.calls());
}

/// So many rows, evenly over the month.
fn even(rows: i64) -> Vec<(i64, i64)> {
    let step = 30 * ticks::PER_DAY / rows;
    (0..rows).map(|id| (START + id * step, id)).collect()
}

#[tokio::test]
async fn many_rows_take_few_more_calls_than_they_must() {
    let rows = even(200_000);
    let service = Service::new(rows.clone(), 10_000);
    let (got, _) = rows_of(&all_rows(&service), &Query::new("DeviceEvents")).await;
    assert!(got == rows);
    assert_eq!(service.refused.load(Ordering::Relaxed), 0);
    assert!(service.calls() <= 30, "{} calls", service.calls());
}

#[tokio::test]
async fn rows_that_are_small_in_memory_and_large_in_an_answer_are_planned_by_their_bytes() {
    // 18 answers of 50 MB at least.
    let rows = even(45_000);
    for query in ["DeviceEvents", "DeviceEvents | sort by Timestamp desc"] {
        let mut service = Service::new(rows.clone(), 10_000);
        Arc::get_mut(&mut service).unwrap().row_bytes = (0, 0, 20_000);
        let (mut got, _) = rows_of(&all_rows(&service), &Query::new(query)).await;
        got.sort_unstable();
        assert!(got == rows);
        assert!(service.refused.load(Ordering::Relaxed) <= 2);
        assert!(service.calls() <= 34, "{} calls", service.calls());
    }
}

#[tokio::test]
async fn a_refused_slice_tells_of_those_after_it() {
    let rows = even(60_000);
    let mut service = Service::new(rows.clone(), 10_000);
    let turn = START + 15 * ticks::PER_DAY;
    Arc::get_mut(&mut service).unwrap().row_bytes = (500, turn, 20_000);
    let (got, _) = rows_of(&all_rows(&service), &Query::new("DeviceEvents")).await;
    assert!(got == rows);
    // Those that were under way when the rows became larger, and one when they were mixed.
    let refused = service.refused.load(Ordering::Relaxed);
    assert!(refused <= 4, "{refused} refused");
    assert!(service.calls() <= 40, "{} calls", service.calls());
    // And the other way round they grow again.
    let mut service = Service::new(rows.clone(), 10_000);
    Arc::get_mut(&mut service).unwrap().row_bytes = (20_000, turn, 500);
    let (got, _) = rows_of(&all_rows(&service), &Query::new("DeviceEvents")).await;
    assert!(got == rows);
    assert!(service.calls() <= 40, "{} calls", service.calls());
}

#[tokio::test]
async fn a_burst_is_cut_and_not_the_empty_time_around_it() {
    // Ten caps within a few seconds of a month, then within less than one.
    for step in [5_000, 900] {
        let rows: Vec<(i64, i64)> = (0..10_000)
            .map(|id| (START + 20 * ticks::PER_DAY + 77 + id * step, id))
            .collect();
        for query in ["DeviceEvents", "DeviceEvents | sort by Timestamp asc"] {
            for counted in [true, false] {
                let mut service = Service::new(rows.clone(), 1_000);
                // What is counted fits, and turns out to be too large.
                let own = Arc::get_mut(&mut service).unwrap();
                own.row_bytes = (0, 0, if counted { 0 } else { ANSWER / 600 });
                let (mut got, _) = rows_of(&all_rows(&service), &Query::new(query)).await;
                got.sort_unstable();
                assert!(got == rows);
                let calls = service.calls();
                let empty = service.empty.load(Ordering::Relaxed);
                assert_eq!(empty, 0, "{query}, {step}");
                let most = if counted { 28 } else { 48 };
                assert!(calls <= most, "{query}, {step}, {counted}: {calls} calls");
            }
        }
    }
}

#[tokio::test]
async fn a_sorted_answer_stays_sorted_across_slices() {
    let rows = spread(7, 9_000);
    let service = Service::new(rows.clone(), 500);
    let query = Query::new("DeviceEvents | sort by Timestamp desc");
    let (got, _) = rows_of(&all_rows(&service), &query).await;
    assert_eq!(got.len(), 9_000);
    assert!(got.windows(2).all(|pair| pair[0].0 >= pair[1].0));
}

#[tokio::test]
async fn a_number_of_rows_ends_the_asking() {
    let rows: Vec<(i64, i64)> = (0..20_000)
        .map(|id| (START + id * 10_000_000, id))
        .collect();
    let service = Service::new(rows.clone(), 500);
    let query = Query::new("DeviceEvents").with_max_rows(1_234);
    let (got, summary) = rows_of(&all_rows(&service), &query).await;
    assert_eq!(got, rows[..1_234]);
    assert_eq!(summary.rows, 1_234);
    insta::assert_snapshot!(
        summary.warnings[0],
        @"there are more rows: the answer was cut after 1234 as asked"
    );
    assert!(service.calls() < 15, "{} calls", service.calls());
}

#[tokio::test]
async fn a_given_width_is_the_first_division() {
    let rows: Vec<(i64, i64)> = (0..40)
        .map(|id| (START + id * 36_000_000_000, id))
        .collect();
    let service = Service::new(rows.clone(), 500);
    let timespan = Timespan::new(START, START + 2 * ticks::PER_DAY - 1).unwrap();
    let driver = all_rows(&service).with_options(SplitOptions {
        width: Some(ticks::PER_DAY / 4),
        ..SplitOptions::default()
    });
    let (got, summary) =
        rows_of(&driver, &Query::new("DeviceEvents").with_timespan(timespan)).await;
    assert_eq!(got, rows);
    assert_eq!(service.calls(), 8);
    assert_eq!(summary.provenance.timespan, Some(timespan));
    assert_eq!(summary.provenance.attempts, 8);
}

#[tokio::test]
async fn rows_that_nothing_tells_apart_are_missing_aloud() {
    let rows = vec![(START + 5, 0); 50];
    let service = Service::new(rows, 20);
    let error = match all_rows(&service).query(&Query::new("DeviceEvents")).await {
        Err(error) => error,
        Ok(answer) => Table::collect(answer).await.unwrap_err(),
    };
    assert_eq!(error.kind(), ErrorKind::Incomplete);
    assert!(
        error.to_string().contains("cannot be told apart"),
        "{error}"
    );
}

/// Keeps everything in memory, and counts what was read back.
#[derive(Debug, Default)]
struct Memory {
    rows: Mutex<HashMap<Slice, Table>>,
    divisions: Mutex<HashMap<Slice, Vec<Counted>>>,
    cap: Mutex<Option<usize>>,
}

impl SliceStore for Memory {
    fn rows(&self, slice: &Slice) -> Result<Option<Table>> {
        Ok(self.rows.lock().unwrap().get(slice).cloned())
    }

    fn keep_rows(&self, slice: &Slice, rows: &Table) -> Result<()> {
        // A run that goes on finds rows by divisions, so a kill here must find the division there.
        let divisions = self.divisions.lock().unwrap();
        let found = divisions
            .values()
            .flatten()
            .any(|part| part.slice == *slice);
        assert!(found, "{slice} is of no division");
        self.rows.lock().unwrap().insert(*slice, rows.clone());
        Ok(())
    }

    fn division(&self, slice: &Slice) -> Result<Option<Vec<Counted>>> {
        Ok(self.divisions.lock().unwrap().get(slice).cloned())
    }

    fn keep_division(&self, slice: &Slice, parts: &[Counted]) -> Result<()> {
        self.divisions
            .lock()
            .unwrap()
            .insert(*slice, parts.to_vec());
        Ok(())
    }

    fn row_cap(&self) -> Result<Option<usize>> {
        Ok(*self.cap.lock().unwrap())
    }

    fn keep_row_cap(&self, rows: usize) -> Result<()> {
        *self.cap.lock().unwrap() = Some(rows);
        Ok(())
    }
}

#[tokio::test]
async fn what_was_finished_is_not_asked_again() {
    let rows = spread(3, 9_000);
    let timespan = Timespan::new(START, START + 30 * ticks::PER_DAY).unwrap();
    let query = Query::new("DeviceEvents").with_timespan(timespan);
    let whole = Service::new(rows.clone(), 300);
    let (expected, _) = rows_of(&all_rows(&whole), &query).await;
    for stop in [1, 2, 3, 10, 25] {
        let store = Arc::new(Memory::default());
        let service = Service::new(rows.clone(), 300);
        let driver = all_rows(&service).with_store(Arc::clone(&store) as _);
        // The run ends after some batches, as if it were killed.
        let mut answer = driver.query(&query).await.unwrap();
        for _ in 0..stop {
            answer.events.next().await.unwrap().unwrap();
        }
        drop(answer);
        let finished: Vec<String> = {
            let splitting = Splitting::of(&query.text).unwrap();
            let rows = store.rows.lock().unwrap();
            rows.keys().map(|slice| splitting.text_of(slice)).collect()
        };
        assert!(finished.len() >= stop);
        service.asked.lock().unwrap().clear();
        let (got, summary) = rows_of(&driver, &query).await;
        assert!(got == expected, "after {stop}");
        assert_eq!(summary.rows, 9_000);
        let asked = service.asked.lock().unwrap();
        assert!(finished.iter().all(|text| !asked.contains(text)));
    }
}

#[tokio::test]
async fn a_failure_on_the_way_is_the_answer() {
    let rows: Vec<(i64, i64)> = (0..20_000)
        .map(|id| (START + id * 10_000_000, id))
        .collect();
    let service = Service::new(rows, 500);
    let mut answer = all_rows(&service)
        .query(&Query::new("DeviceEvents"))
        .await
        .unwrap();
    answer.events.next().await.unwrap().unwrap();
    service.fails.store(true, Ordering::Relaxed);
    let mut last = None;
    while let Some(event) = answer.events.next().await {
        last = Some(event);
    }
    assert_eq!(last.unwrap().unwrap_err().kind(), ErrorKind::Service);
}

/// A service that reports in some responses that they are not whole.
#[derive(Debug)]
struct Reporting {
    service: Arc<Service>,
    /// One of so many responses reports.
    every: usize,
    /// Whether every second row is missing where it reports.
    halved: bool,
    responses: AtomicUsize,
}

#[async_trait]
impl Driver for Reporting {
    fn environment(&self) -> DataEnvironment {
        DataEnvironment::M365dGraph
    }

    async fn query(&self, query: &Query) -> Result<Answer> {
        let table = Table::collect(self.service.query(query).await?).await?;
        let number = self.responses.fetch_add(1, Ordering::Relaxed) + 1;
        let (schema, mut batches, mut summary) = table.into_parts();
        let counts = query.text.contains("summarize");
        if number.is_multiple_of(self.every) && (summary.rows > 0 || counts) {
            summary.completeness = Completeness::Incomplete {
                reason: "busy".to_owned(),
            };
            if self.halved {
                batches = batches
                    .iter()
                    .map(|batch| batch.slice(0, batch.num_rows().div_ceil(2)))
                    .collect();
                summary.rows = batches.iter().map(RecordBatch::num_rows).sum();
            }
        }
        Ok(Answer::from_batches(schema, batches, summary))
    }
}

/// The ids of the rows that come, why they are not all, and the number of requests.
async fn reported(
    every: usize,
    halved: bool,
    counts: bool,
    text: &str,
) -> (Vec<i64>, Completeness, usize) {
    let mut service = Service::new(even(3_000), 1_000);
    Arc::get_mut(&mut service).unwrap().counts = counts;
    let plain = all_rows(&service);
    let reporting = Reporting {
        service: Arc::clone(&service),
        every,
        halved,
        responses: AtomicUsize::new(0),
    };
    let clock = Arc::clone(&plain.asker.clock);
    let driver = AllRows::new(Arc::new(reporting), plain.asker.description, clock);
    let (rows, summary) = rows_of(&driver, &Query::new(text)).await;
    let mut ids: Vec<i64> = rows.into_iter().map(|(_, id)| id).collect();
    ids.sort_unstable();
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "a row twice");
    (ids, summary.completeness, service.calls())
}

#[tokio::test]
async fn a_report_beside_rows_costs_no_row_and_is_told() {
    const TEXTS: [&str; 2] = ["DeviceEvents", "DeviceEvents | sort by Timestamp desc"];
    for (text, counts) in TEXTS.iter().flat_map(|text| [(text, true), (text, false)]) {
        // Every response: the rows that came are there, and the result is not whole.
        let (ids, completeness, calls) = reported(1, false, counts, text).await;
        assert_eq!(ids.len(), 3_000, "{text} {counts}");
        let Completeness::Incomplete { reason } = completeness else {
            panic!("{text}: complete");
        };
        assert!(reason.contains("busy, and so in "), "{reason}");
        // So does every count, where the service counts.
        assert_eq!(reason.contains("count of the rows"), counts, "{reason}");
        assert!(calls < 100, "{text} {counts}: {calls} requests");
        // Now and then: asked again, the slice is whole.
        for every in [3, 7] {
            let (ids, completeness, calls) = reported(every, true, counts, text).await;
            assert_eq!(ids.len(), 3_000, "{text} {counts} {every}");
            assert_eq!(completeness, Completeness::Complete, "{text} {every}");
            assert!(calls < 100, "{text} {counts}: {calls} requests");
        }
    }
}

#[tokio::test]
async fn rows_that_are_missing_beside_a_report_are_told() {
    for counts in [true, false] {
        let (ids, completeness, calls) = reported(1, true, counts, "DeviceEvents").await;
        assert!((500..3_000).contains(&ids.len()), "{} rows", ids.len());
        let Completeness::Incomplete { reason } = completeness else {
            panic!("complete");
        };
        assert!(reason.contains("busy"), "{reason}");
        assert!(calls < 100, "{calls} requests");
    }
}

/// A service whose counts and rows need not fit.
#[derive(Debug)]
struct Odd {
    /// What it counts the first time, the second, …, the last again and again: in one range.
    counts: Vec<Vec<(i64, i64)>>,
    rows: Vec<(i64, i64)>,
    /// Whether it keeps to the range of time that is asked for.
    filters: bool,
    /// How many counts say of themselves that they are not whole.
    busy: usize,
    /// What it calls the columns of its rows.
    columns: [&'static str; 2],
    counted: AtomicUsize,
    asked: AtomicUsize,
}

impl Odd {
    fn new(counts: Vec<Vec<(i64, i64)>>, rows: Vec<(i64, i64)>) -> Self {
        Self {
            counts,
            rows,
            filters: true,
            busy: 0,
            columns: ["Timestamp", "Id"],
            counted: AtomicUsize::new(0),
            asked: AtomicUsize::new(0),
        }
    }
}

#[async_trait]
impl Driver for Odd {
    fn environment(&self) -> DataEnvironment {
        DataEnvironment::M365dGraph
    }

    async fn query(&self, query: &Query) -> Result<Answer> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let text = &format!("{}\n", query.text);
        if text.contains("summarize") {
            let turn = self.counted.fetch_add(1, Ordering::Relaxed);
            let counts = &self.counts[turn.min(self.counts.len() - 1)];
            let completeness = if turn < self.busy {
                let reason = "busy".to_owned();
                Completeness::Incomplete { reason }
            } else {
                Completeness::Complete
            };
            return Ok(table(["range_start", "row_count"], counts, completeness));
        }
        let from = time(text, "Timestamp >= datetime(").unwrap();
        let to = time(text, "Timestamp < datetime(").unwrap();
        let rows = self.rows.iter().copied();
        let rows: Vec<_> = rows
            .filter(|(time, _)| !self.filters || (from..to).contains(time))
            .collect();
        Ok(table(self.columns, &rows, Completeness::Complete))
    }
}

/// Rows, why they are not all, warnings and calls; or the error.
async fn odd(
    service: Odd,
    text: &str,
) -> std::result::Result<(usize, String, String, usize), Error> {
    let service = Arc::new(service);
    let clock = ManualClock::new(SystemTime::UNIX_EPOCH + Duration::from_hours(30 * 24));
    let driver = AllRows::new(Arc::clone(&service) as _, M365D_GRAPH, Arc::new(clock));
    let table = Table::collect(driver.query(&Query::new(text)).await?).await?;
    let reason = match &table.summary().completeness {
        Completeness::Complete => String::new(),
        Completeness::Incomplete { reason } => reason.clone(),
    };
    let warnings: Vec<String> = table.warnings().iter().map(ToString::to_string).collect();
    let calls = service.asked.load(Ordering::Relaxed);
    Ok((table.row_count(), reason, warnings.join("; "), calls))
}

#[tokio::test]
async fn what_was_counted_and_did_not_come_is_said_with_both_numbers() {
    let whole = "1970-01-01T00:00:00Z/1970-01-31T00:00:00.0000001Z";
    let minute = 60 * ticks::PER_SECOND;
    for (counted, came) in [(1_000, 10), (5, 1), (5, 0), (1_000, 999)] {
        for spread in [0, minute] {
            let rows = (0..came).map(|id| (START + id * spread, id)).collect();
            let service = Odd::new(vec![vec![(START, counted)]], rows);
            let (rows, reason, warnings, calls) = odd(service, "DeviceEvents").await.unwrap();
            assert_eq!(i64::try_from(rows).unwrap(), came, "{counted} {spread}");
            let numbers = format!("the service counted {counted} rows in ");
            assert!(reason.starts_with(&numbers), "{counted} {came}: {reason}");
            assert!(
                reason.ends_with(&format!("sent {came}")),
                "{counted} {came}: {reason}"
            );
            assert_eq!(warnings, "");
            assert!(calls < 1_200, "{counted} {came}: {calls} calls");
        }
    }
    // More than the service returns is divided at once, and it sends the same for each part.
    let rows = (0..30).map(|id| (START, id)).collect();
    let service = Odd::new(vec![vec![(START, 2_000_000)]], rows);
    let error = odd(service, "DeviceEvents").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    let message = error.to_string();
    assert!(
        message.starts_with("the service sent the same rows for "),
        "{message}"
    );
    // Counted again, they are there no longer.
    let rows: Vec<(i64, i64)> = (0..90).map(|id| (START + id, id)).collect();
    let counts = vec![vec![(START, 100)], vec![(START, 90)]];
    let found = odd(Odd::new(counts, rows.clone()), "DeviceEvents")
        .await
        .unwrap();
    assert_eq!((found.0, found.1.as_str()), (90, ""));
    assert_eq!(
        found.2,
        format!(
            "the service counted 100 rows in {whole} and sent 90; counted again, no more are \
             there: they may have aged out"
        )
    );
    assert_eq!(found.3, 3);
    // Where rows are left out after they were counted, fewer come.
    let service = Odd::new(vec![vec![(START, 100)]], rows);
    let text = "DeviceEvents | mv-expand x = todynamic(AdditionalFields)";
    assert_eq!(odd(service, text).await.unwrap().1, "");
}

#[tokio::test]
async fn a_count_that_is_none_is_an_error_that_says_so() {
    let day = ticks::PER_DAY;
    for (counts, why) in [
        (
            vec![(START, 5), (START, 7)],
            "it counts the range at 1970-01-01T00:00:00Z twice, with 5 rows and with 7",
        ),
        (vec![(START, -1)], "a range has -1 rows"),
        (
            vec![(START, i64::MAX), (START + day, 1)],
            "its numbers of rows are too large to add up",
        ),
        (
            vec![(START + 90 * day, 5)],
            "it has a range that begins at 1970-04-01T00:00:00Z",
        ),
        (
            (0..400).map(|hour| (START + hour, 1)).collect(),
            "it has 400 ranges where 362 fit",
        ),
    ] {
        let service = Odd::new(vec![counts], vec![(START, 1)]);
        let error = odd(service, "DeviceEvents").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        let message = error.to_string();
        assert!(
            message.ends_with(&format!("cannot be used: {why}")),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_row_outside_of_its_slice_is_an_error() {
    let outside = START + 40 * ticks::PER_DAY;
    let run = |text: &'static str| {
        let mut service = Odd::new(vec![vec![(START, 2)]], vec![(START, 1), (outside, 2)]);
        service.filters = false;
        odd(service, text)
    };
    for text in [
        "DeviceEvents",
        "DeviceEvents | where ActionType == 'x' | project Timestamp, Id | sort by Timestamp asc",
    ] {
        let error = run(text).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(
            error
                .to_string()
                .starts_with("the service sent a row of 1970-02-10T00:00:00Z for "),
            "{error}"
        );
    }
    // A column that only is called so may hold any time.
    for text in [
        "DeviceEvents | extend Timestamp = ago(1d)",
        "DeviceEvents | project bin(Timestamp, 1d), Id",
        "DeviceEvents | project-rename Timestamp = ReportTime",
    ] {
        assert_eq!(run(text).await.unwrap().0, 2, "{text}");
    }
}

#[tokio::test]
async fn a_count_that_is_not_whole_is_asked_for_again_or_told() {
    let whole = "the service's count of the rows is not whole, so that some may be missing (busy)";
    for (busy, counted, expected) in [
        (0, 2, ""),
        (1, 2, ""),
        (2, 2, whole),
        (9, 2, whole),
        // The count that is used is that of the second response.
        (1, 5, "sent 2"),
    ] {
        let counts = vec![vec![(START, 1)], vec![(START, counted)]];
        let mut service = Odd::new(counts, vec![(START, 1), (START, 2)]);
        service.busy = busy;
        if busy == 0 {
            service.counts.remove(0);
        }
        let (rows, reason, _, _) = odd(service, "DeviceEvents").await.unwrap();
        assert_eq!(rows, 2);
        assert!(reason.ends_with(expected), "{busy}: {reason}");
        assert_eq!(reason.is_empty(), expected.is_empty(), "{busy}: {reason}");
    }
}

#[tokio::test]
async fn columns_that_were_not_asked_for_are_an_error() {
    let run = |text: &'static str, columns| {
        let mut service = Odd::new(vec![vec![(START, 1)]], vec![(START, 1)]);
        service.columns = columns;
        odd(service, text)
    };
    for (text, columns, what) in [
        (
            "DeviceEvents",
            ["Time", "Id"],
            "without the column Timestamp",
        ),
        (
            "DeviceEvents | extend Id = 1 | where Id > 0",
            ["Time", "Id"],
            "without the column Timestamp",
        ),
        (
            "DeviceEvents | project Timestamp, DeviceName",
            ["Timestamp", "Id"],
            "without the column DeviceName",
        ),
        (
            "DeviceEvents | project Timestamp | where true",
            ["Timestamp", "Id"],
            "with the column Id, which the query does not have",
        ),
        (
            "DeviceEvents | project Number = ReportId, strlen(DeviceName)",
            ["x", "y"],
            "without the column Number",
        ),
    ] {
        let error = run(text, columns).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{text}");
        let expected = format!("the service sent rows {what} for 1970-01-01");
        assert!(error.to_string().starts_with(&expected), "{text}: {error}");
    }
    for (text, columns) in [
        ("DeviceEvents", ["TIMESTAMP", "Id"]),
        ("DeviceEvents | project Id, Other = 1", ["Other", "Id"]),
        (
            "DeviceEvents | project Id, strlen(DeviceName)",
            ["Column1", "Id"],
        ),
        ("DeviceEvents | project Id | extend x = 1", ["x", "Id"]),
        ("DeviceEvents | project-away Timestamp", ["x", "Id"]),
        ("DeviceEvents | project ['a b'] = 1, Id", ["a b", "Id"]),
    ] {
        assert_eq!(run(text, columns).await.unwrap().0, 1, "{text}");
    }
}

#[test]
fn a_width_is_refused_where_it_makes_more_slices_than_there_may_be() {
    for (range, width, slices) in [
        (100, 1, 99),
        (100, 1, 100),
        (100_001, 1_000, 100),
        (100_500, 1_000, 100),
        (100_500, 1_000, 101),
        (1, i64::MAX, 1),
        (1, i64::MAX, 0),
        (10, 0, 9),
    ] {
        let range = Slice::of(Timespan::new(START, START + range).unwrap());
        let options = SplitOptions {
            width: Some(width),
            slices,
            ..SplitOptions::default()
        };
        let number = range.ranges_of(width).len();
        let checked = options.check_width(&range);
        assert_eq!(checked.is_ok(), number <= slices, "{width} {slices}");
        if let Err(error) = checked {
            assert_eq!(error.kind(), ErrorKind::Usage);
            assert!(
                error.to_string().contains(&format!(" {number}, ")),
                "{error}"
            );
        }
    }
}
