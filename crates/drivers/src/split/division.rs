//! How a slice is divided: by what is known about the number of rows in its ranges.

use defender_core::{Error, ErrorKind, Result};
use defender_table::{Cell, Column, Table, ticks};

use super::Slice;
use super::judgement::{RANGE, ROWS};

/// How many ranges an estimate counts at most.
const RANGES: i64 = 512;
/// How many parts a finer count should be good for: four ranges to each.
const PARTS: u64 = RANGES as u64 / 4;
/// Below this width ranges of time are not worth their calls: partitions divide at once.
pub(super) const NARROW: i64 = ticks::PER_SECOND;
/// Into how many parts a slice goes when nothing is known about it.
pub(super) const BLIND: u8 = 8;

/// A range of time and its rows, as a service counted them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bin {
    from: i64,
    to: i64,
    rows: u64,
}

/// The numbers of rows in ranges of a slice: those ranges that have any, in order of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Estimate {
    bins: Vec<Bin>,
}

/// The width of the ranges to count in `slice`: round, so that they fall together with hours and
/// minutes, and few enough.
pub(super) fn width_for(slice: &Slice) -> i64 {
    const SECOND: i64 = ticks::PER_SECOND;
    const ROUND: [i64; 20] = [
        SECOND / 10,
        SECOND / 5,
        SECOND / 2,
        SECOND,
        2 * SECOND,
        5 * SECOND,
        10 * SECOND,
        20 * SECOND,
        60 * SECOND,
        2 * 60 * SECOND,
        5 * 60 * SECOND,
        10 * 60 * SECOND,
        20 * 60 * SECOND,
        3600 * SECOND,
        2 * 3600 * SECOND,
        6 * 3600 * SECOND,
        12 * 3600 * SECOND,
        ticks::PER_DAY,
        7 * ticks::PER_DAY,
        28 * ticks::PER_DAY,
    ];
    let least = (slice.width() / RANGES).max(1);
    let round = ROUND.into_iter().find(|width| *width >= least);
    // A short range would have few round ones in it, or a single one.
    round
        .filter(|width| *width <= slice.width() / 32)
        .unwrap_or(least)
}

impl Estimate {
    /// Reads the answer to an estimate of `slice`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Protocol`] when it is no count of the slice's rows: a plan by it would ask
    /// for rows twice, for none, or without end.
    pub(super) fn of(table: &Table, slice: &Slice, width: i64) -> Result<Self> {
        let schema = table.schema();
        let rows = schema
            .index_of(ROWS)
            .map_err(|_| wrong(slice, &format!("it has no column {ROWS}")))?;
        let start = schema.index_of(RANGE).ok();
        // Ranges are aligned to the epoch: those at both ends may be cut.
        let most = slice.width() / width.max(1) + 2;
        if i64::try_from(table.row_count()).unwrap_or(i64::MAX) > most {
            let ranges = table.row_count();
            return Err(wrong(
                slice,
                &format!("it has {ranges} ranges where {most} fit"),
            ));
        }
        let mut bins = Vec::new();
        let mut all = 0_u64;
        for batch in table.batches() {
            let column = |index: usize| Column::of(schema.field(index), batch.column(index));
            let (rows, start) = (column(rows), start.map(column));
            for row in 0..batch.num_rows() {
                let rows = match rows.cell(row) {
                    Cell::Long(rows) => u64::try_from(rows)
                        .map_err(|_| wrong(slice, &format!("a range has {rows} rows")))?,
                    _ => return Err(wrong(slice, "a range has a number of rows that is none")),
                };
                let (from, to) = match start.as_ref().map(|start| start.cell(row)) {
                    None => (slice.from(), slice.to()),
                    Some(Cell::DateTime(from)) => (from, from.saturating_add(width)),
                    Some(_) => return Err(wrong(slice, "a range has no time")),
                };
                let range = slice.during(from, to);
                if range.width() <= 0 {
                    let from = ticks::format_datetime(from);
                    return Err(wrong(
                        slice,
                        &format!("it has a range that begins at {from}"),
                    ));
                }
                all = all
                    .checked_add(rows)
                    .filter(|all| i64::try_from(*all).is_ok())
                    .ok_or_else(|| wrong(slice, "its numbers of rows are too large to add up"))?;
                let (from, to) = (range.from(), range.to());
                if rows > 0 {
                    bins.push(Bin { from, to, rows });
                }
            }
        }
        bins.sort_unstable_by_key(|bin| bin.from);
        if let Some(pair) = bins.windows(2).find(|pair| pair[1].from < pair[0].to) {
            let (first, second) = (pair[0], pair[1]);
            let from = ticks::format_datetime(second.from);
            return Err(wrong(
                slice,
                &format!(
                    "it counts the range at {from} twice, with {} rows and with {}",
                    first.rows, second.rows
                ),
            ));
        }
        Ok(Self { bins })
    }

    #[cfg(test)]
    fn counted(slice: &Slice, counts: impl IntoIterator<Item = (i64, i64, u64)>) -> Self {
        let bins = counts.into_iter().filter_map(|(from, to, rows)| {
            let range = slice.during(from, to);
            let (from, to) = (range.from(), range.to());
            (range.width() > 0 && rows > 0).then_some(Bin { from, to, rows })
        });
        let mut bins: Vec<Bin> = bins.collect();
        bins.sort_unstable_by_key(|bin| bin.from);
        Self { bins }
    }

    /// The rows of all ranges.
    pub(super) fn rows(&self) -> u64 {
        self.bins.iter().map(|bin| bin.rows).sum()
    }

    fn within(&self, slice: &Slice) -> &[Bin] {
        let at = |tick: i64| self.bins.partition_point(|bin| bin.from < tick);
        let from = at(slice.from());
        &self.bins[from..at(slice.to()).max(from)]
    }

    /// The rows of the ranges that begin in `slice`.
    pub(super) fn rows_in(&self, slice: &Slice) -> u64 {
        self.within(slice).iter().map(|bin| bin.rows).sum()
    }

    /// The first part of `slice` in the order of the answer, with about `most` rows at most.
    ///
    /// Time without rows belongs to the part before it or, at the end, to the last one: it is
    /// never asked by itself. A range that alone has more rows is a part of its own.
    pub(super) fn head(&self, slice: &Slice, most: u64, newest_first: bool) -> Head {
        let bins = self.within(slice);
        let (mut rows, mut taken) = (0, 0);
        let mut next = 0;
        for index in 0..bins.len() {
            let bin = at(bins, index, newest_first);
            if taken > 0 && rows + bin.rows > most {
                next = bin.rows;
                break;
            }
            rows += bin.rows;
            taken += 1;
        }
        let (own, left) = if newest_first {
            let (left, own) = bins.split_at(bins.len() - taken);
            (own, left)
        } else {
            bins.split_at(taken)
        };
        let dense = match (own.first(), own.last()) {
            (Some(first), Some(last)) => slice.during(first.from, last.to),
            _ => *slice,
        };
        let (head, rest) = match (newest_first, left.first()) {
            (_, None) => (*slice, None),
            (false, Some(first)) => (
                slice.during(slice.from(), first.from),
                Some(slice.during(first.from, slice.to())),
            ),
            (true, Some(_)) => (
                slice.during(dense.from(), slice.to()),
                Some(slice.during(slice.from(), dense.from())),
            ),
        };
        Head {
            slice: head,
            rest,
            dense,
            rows,
            next,
        }
    }

    /// The range to count anew where the ranges are too coarse: the first one in the order of
    /// the answer, and those after it as far as finer ones still serve a part of `most` rows.
    /// `None` when the first one is as narrow as `narrow`.
    pub(super) fn coarse(
        &self,
        slice: &Slice,
        most: u64,
        newest_first: bool,
        narrow: i64,
    ) -> Option<Slice> {
        let bins = self.within(slice);
        let first = (!bins.is_empty()).then(|| at(bins, 0, newest_first))?;
        if first.to - first.from <= narrow {
            return None;
        }
        let enough = most.saturating_mul(PARTS);
        let (mut rows, mut range) = (0_u64, (first.from, first.to));
        for index in 0..bins.len() {
            let bin = at(bins, index, newest_first);
            rows += bin.rows;
            if rows > enough {
                break;
            }
            range = (range.0.min(bin.from), range.1.max(bin.to));
        }
        let all = slice.during(range.0, range.1);
        let alone = slice.during(first.from, first.to);
        let finer = width_for(&all) <= (first.to - first.from) / 2;
        Some(if finer { all } else { alone })
    }

    /// Puts a finer count of `range` in the place of the one there is.
    pub(super) fn refine(&mut self, range: &Slice, finer: Self) {
        self.bins
            .retain(|bin| bin.from < range.from() || bin.from >= range.to());
        self.bins.extend(finer.bins);
        self.bins.sort_unstable_by_key(|bin| bin.from);
    }
}

/// A count that no plan can be made by.
fn wrong(slice: &Slice, why: &str) -> Error {
    Error::new(
        ErrorKind::Protocol,
        format!("the service's count of the rows in {slice} cannot be used: {why}"),
    )
    .with_hint("--split-by cuts the time range without counting")
}

/// A range by its place in the order of the answer.
fn at(bins: &[Bin], index: usize, newest_first: bool) -> Bin {
    bins[if newest_first {
        bins.len() - 1 - index
    } else {
        index
    }]
}

/// What is asked next, and what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) slice: Slice,
    pub(super) rest: Option<Slice>,
    /// The range that its rows were counted in; the rest of it is empty.
    pub(super) dense: Slice,
    pub(super) rows: u64,
    /// The rows of the range after it, which was too much for it; 0 when there is none.
    next: u64,
}

impl Head {
    /// Whether it has little since the range after it has much.
    pub(super) fn is_meagre(&self, most: u64) -> bool {
        self.rows < most / 2 && self.next > most / 2
    }
}

/// How many partitions bring `rows` down to about `most` each: a power of two.
pub(super) fn partitions_for(rows: u64, most: u64) -> u32 {
    let needed = rows.div_ceil(most.max(1)).clamp(2, 1 << 10);
    u32::try_from(needed.next_power_of_two()).unwrap_or(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use defender_table::Timespan;

    fn slice(from: i64, to: i64) -> Slice {
        Slice::of(Timespan::new(from, to - 1).unwrap())
    }

    /// Ranges of ten ticks.
    fn estimate(slice: &Slice, counts: &[(i64, u64)]) -> Estimate {
        Estimate::counted(
            slice,
            counts.iter().map(|(from, rows)| (*from, from + 10, *rows)),
        )
    }

    fn heads(estimate: &Estimate, slice: &Slice, newest_first: bool) -> Vec<(i64, i64, u64)> {
        let mut rest = Some(*slice);
        let mut heads = Vec::new();
        while let Some(slice) = rest {
            let head = estimate.head(&slice, 100, newest_first);
            heads.push((head.slice.from(), head.slice.to(), head.rows));
            rest = head.rest;
        }
        heads
    }

    #[test]
    fn full_ranges_stand_alone_and_empty_time_costs_nothing() {
        let whole = slice(5, 1_000);
        let counts = [(0, 30), (10, 30), (20, 60), (500, 900), (510, 10), (900, 1)];
        let found = estimate(&whole, &counts);
        assert_eq!(
            heads(&found, &whole, false),
            [(5, 20, 60), (20, 500, 60), (500, 510, 900), (510, 1000, 11)]
        );
        assert_eq!(
            heads(&found, &whole, true),
            [(510, 1000, 11), (500, 510, 900), (10, 500, 90), (5, 10, 30)]
        );
        assert_eq!(heads(&estimate(&whole, &[]), &whole, false), [(5, 1000, 0)]);
    }

    #[test]
    fn a_part_knows_where_its_rows_are() {
        let whole = slice(0, 10_000);
        let found = estimate(&whole, &[(5_000, 500), (5_010, 20), (5_040, 70)]);
        let head = found.head(&whole, 100, false);
        assert_eq!(
            (head.slice, head.dense),
            (slice(0, 5_010), slice(5_000, 5_010))
        );
        let head = found.head(&head.rest.unwrap(), 100, false);
        assert_eq!(
            (head.slice, head.dense),
            (slice(5_010, 10_000), slice(5_010, 5_050))
        );
        assert_eq!(head.rest, None);
    }

    #[test]
    fn ranges_outside_of_the_slice_do_not_count() {
        let whole = slice(100, 200);
        let found = estimate(&whole, &[(0, 900), (100, 60), (150, 60), (200, 900)]);
        assert_eq!(found.rows(), 120);
        assert_eq!(
            heads(&found, &whole, false),
            [(100, 150, 60), (150, 200, 60)]
        );
        assert_eq!(found.rows_in(&slice(120, 200)), 60);
    }

    #[test]
    fn a_finer_count_takes_the_place_of_a_coarse_one() {
        let hour = 3600 * ticks::PER_SECOND;
        let whole = slice(0, 100 * hour);
        let counts = [(10, 5_000), (11, 5_000), (12, 5_000), (90, 7)];
        let counts = counts.map(|(at, rows)| (at * hour, (at + 1) * hour, rows));
        let mut found = Estimate::counted(&whole, counts);
        let narrow = NARROW;
        // As far as finer ranges still serve: all of it, or the first one alone.
        let range = |most, newest| found.coarse(&whole, most, newest, narrow).unwrap();
        assert_eq!(range(100, false), slice(10 * hour, 12 * hour));
        assert_eq!(range(1, false), slice(10 * hour, 11 * hour));
        assert_eq!(range(100, true), slice(11 * hour, 91 * hour));
        let dense = slice(10 * hour, 12 * hour);
        let finer = [
            (11 * hour, 11 * hour + 10, 30),
            (11 * hour + 10, 11 * hour + 20, 90),
        ];
        found.refine(&dense, Estimate::counted(&dense, finer));
        let head = found.head(&whole, 100, false);
        assert_eq!((head.rows, head.slice.to()), (30, 11 * hour + 10));
        assert_eq!(found.rows(), 30 + 90 + 5_000 + 7);
        assert_eq!(found.coarse(&whole, 1, false, narrow), None);
    }

    #[test]
    fn ranges_get_narrower_down_to_a_tick() {
        let mut width = 30 * ticks::PER_DAY;
        let mut steps = 0;
        while width > 1 {
            let next = width_for(&slice(0, width));
            assert!(next < width);
            (width, steps) = (next, steps + 1);
        }
        assert!(steps < 9, "{steps}");
    }

    #[test]
    fn partitions_are_powers_of_two() {
        for (rows, most, expected) in [(0, 10, 2), (25, 10, 4), (81, 10, 16), (u64::MAX, 1, 1024)] {
            assert_eq!(partitions_for(rows, most), expected);
        }
    }

    #[test]
    fn counted_ranges_are_round_and_few() {
        for days in [1, 7, 30, 365, 3650] {
            let slice = Slice::of(Timespan::new(0, days * ticks::PER_DAY - 1).unwrap());
            let width = width_for(&slice);
            assert!((32..=RANGES).contains(&(slice.width() / width)), "{days}");
        }
        let month = Slice::of(Timespan::new(0, 30 * ticks::PER_DAY - 1).unwrap());
        assert_eq!(width_for(&month), 2 * 3600 * ticks::PER_SECOND);
    }
}
