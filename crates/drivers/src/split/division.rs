//! How a slice is divided: by what is known about the number of rows in its ranges.

use defender_table::{Cell, Column, Table, ticks};

use super::Slice;
use super::judgement::{RANGE, ROWS};

/// How many ranges an estimate counts at most.
const RANGES: i64 = 512;
/// Below this width ranges of time are not worth their calls: partitions divide at once.
pub(super) const NARROW: i64 = ticks::PER_SECOND;
/// Into how many parts a slice goes when nothing is known about it.
pub(super) const BLIND: u8 = 8;

/// The numbers of rows in consecutive ranges, as a service counted them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Estimate {
    /// Beginning and rows of each range that has any, in order of time.
    counts: Vec<(i64, u64)>,
    /// The ticks of each range.
    width: i64,
}

/// The width of the ranges to count in `slice`: round, so that they fall together with hours and
/// minutes, and few enough.
pub(super) fn width_for(slice: &Slice) -> i64 {
    const SECOND: i64 = ticks::PER_SECOND;
    const ROUND: [i64; 14] = [
        SECOND / 10,
        SECOND,
        5 * SECOND,
        15 * SECOND,
        60 * SECOND,
        5 * 60 * SECOND,
        15 * 60 * SECOND,
        3600 * SECOND,
        2 * 3600 * SECOND,
        6 * 3600 * SECOND,
        12 * 3600 * SECOND,
        ticks::PER_DAY,
        7 * ticks::PER_DAY,
        28 * ticks::PER_DAY,
    ];
    let least = slice.width() / RANGES;
    ROUND
        .into_iter()
        .find(|width| *width >= least)
        .unwrap_or(least)
}

impl Estimate {
    /// Reads the answer to an estimate; `None` when it is no such answer.
    pub(super) fn of(table: &Table, width: i64) -> Option<Self> {
        let schema = table.schema();
        let rows = schema.index_of(ROWS).ok()?;
        let start = schema.index_of(RANGE).ok();
        let mut counts = Vec::new();
        for batch in table.batches() {
            let column = |index: usize| Column::of(schema.field(index), batch.column(index));
            let (rows, start) = (column(rows), start.map(column));
            for row in 0..batch.num_rows() {
                let Cell::Long(number) = rows.cell(row) else {
                    return None;
                };
                let from = match start.as_ref().map(|start| start.cell(row)) {
                    None => 0,
                    Some(Cell::DateTime(from)) => from,
                    Some(_) => continue,
                };
                counts.push((from, u64::try_from(number).ok()?));
            }
        }
        counts.sort_unstable();
        Some(Self { counts, width })
    }

    /// The rows of all ranges.
    pub(super) fn rows(&self) -> u64 {
        self.counts.iter().map(|(_, rows)| rows).sum()
    }

    /// Parts of `slice` that together are all of it, each with about `most` rows at most. Time
    /// without rows joins its neighbours; a range that alone has more rows is a part of its own.
    pub(super) fn parts(&self, slice: &Slice, most: u64) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        for (from, own) in &self.counts {
            let range = slice.during(*from, from + self.width);
            if range.width() <= 0 {
                continue;
            }
            match parts.last_mut() {
                Some(last) if last.rows + own <= most => {
                    last.rows += own;
                    last.dense = slice.during(last.dense.from(), range.to());
                }
                _ => parts.push(Part {
                    slice: range,
                    dense: range,
                    rows: *own,
                }),
            }
        }
        // Each part reaches to the next one, the first and the last to the ends.
        let mut to = slice.to();
        for part in parts.iter_mut().rev() {
            part.slice = slice.during(part.dense.from(), to);
            to = part.dense.from();
        }
        match parts.first_mut() {
            Some(first) => first.slice = slice.during(slice.from(), first.slice.to()),
            None => parts.push(Part {
                slice: *slice,
                dense: *slice,
                rows: 0,
            }),
        }
        parts
    }
}

/// A part of a slice, and what was counted in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) slice: Slice,
    /// The range that its rows were counted in; the rest of it is empty.
    pub(super) dense: Slice,
    pub(super) rows: u64,
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

    fn estimate(counts: &[(i64, u64)]) -> Estimate {
        Estimate {
            counts: counts.to_vec(),
            width: 10,
        }
    }

    fn counted(parts: &[Part]) -> Vec<(i64, i64, u64)> {
        parts
            .iter()
            .map(|part| (part.slice.from(), part.slice.to(), part.rows))
            .collect()
    }

    fn bounds(slices: &[Slice]) -> Vec<(i64, i64)> {
        slices
            .iter()
            .map(|slice| (slice.from(), slice.to()))
            .collect()
    }

    #[test]
    fn full_ranges_stand_alone_and_empty_time_costs_nothing() {
        let slice = Slice::of(Timespan::new(5, 999).unwrap());
        let parts = estimate(&[(0, 30), (10, 30), (20, 60), (500, 900), (510, 10), (900, 1)])
            .parts(&slice, 100);
        assert_eq!(
            counted(&parts),
            [(5, 20, 60), (20, 500, 60), (500, 510, 900), (510, 1000, 11)]
        );
        assert_eq!(counted(&estimate(&[]).parts(&slice, 100)), [(5, 1000, 0)]);
    }

    #[test]
    fn a_part_knows_where_its_rows_are() {
        let slice = Slice::of(Timespan::new(0, 9_999).unwrap());
        let parts = estimate(&[(5_000, 500), (5_010, 20), (5_040, 70)]).parts(&slice, 100);
        let dense: Vec<Slice> = parts.iter().map(|part| part.dense).collect();
        assert_eq!(bounds(&dense), [(5_000, 5_010), (5_010, 5_050)]);
        assert_eq!(counted(&parts), [(0, 5_010, 500), (5_010, 10_000, 90)]);
    }

    #[test]
    fn ranges_outside_of_the_slice_do_not_count() {
        let slice = Slice::of(Timespan::new(100, 199).unwrap());
        let parts = estimate(&[(0, 900), (100, 60), (150, 60), (200, 900)]).parts(&slice, 100);
        assert_eq!(counted(&parts), [(100, 150, 60), (150, 200, 60)]);
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
            assert!(slice.width() / width <= RANGES, "{days}");
        }
        let month = Slice::of(Timespan::new(0, 30 * ticks::PER_DAY - 1).unwrap());
        assert_eq!(width_for(&month), 2 * 3600 * ticks::PER_SECOND);
    }
}
