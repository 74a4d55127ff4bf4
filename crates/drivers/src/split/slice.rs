//! One part of a table: a range of time, and of that one partition by a hash of the row.

use std::fmt::{self, Write as _};

use defender_table::Timespan;
use defender_table::ticks::{self, format_datetime};
use serde::{Deserialize, Serialize};

/// The column that hunting tables have their time in.
pub(super) const TIME: &str = "Timestamp";

/// A part of a table.
///
/// The range is half open, so that neighbours share no row: from and with `from`, up to and
/// without `to`, in [`ticks`](defender_table::ticks).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Slice {
    from: i64,
    to: i64,
    partition: u32,
    partitions: u32,
}

/// A slice, and how many rows the service counted in it when it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The slice.
    pub slice: Slice,
    /// Its rows; `None` when nobody counted.
    pub rows: Option<u64>,
}

impl Slice {
    /// The whole of a range of time.
    pub fn of(timespan: Timespan) -> Self {
        Self {
            from: timespan.start(),
            to: timespan.end() + 1,
            partition: 0,
            partitions: 1,
        }
    }

    /// The first tick.
    pub fn from(&self) -> i64 {
        self.from
    }

    /// The tick after the last.
    pub fn to(&self) -> i64 {
        self.to
    }

    /// Whether a moment lies in it.
    pub(super) fn contains(&self, tick: i64) -> bool {
        (self.from..self.to).contains(&tick)
    }

    /// Whether it is another partition of the same range of time.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        (self.from, self.to, self.partitions) == (other.from, other.to, other.partitions)
            && self.partition != other.partition
    }

    /// The ticks that it spans.
    pub fn width(&self) -> i64 {
        self.to - self.from
    }

    /// How many partitions its range is cut into; 1 when it is all of the range.
    pub fn partitions(&self) -> u32 {
        self.partitions
    }

    /// The part of it from `from` up to `to`.
    #[must_use]
    pub fn during(&self, from: i64, to: i64) -> Self {
        Self {
            from: from.max(self.from),
            to: to.min(self.to),
            ..*self
        }
    }

    /// `count` ranges of the same width, one tick at least; the last one may be shorter.
    pub fn ranges(&self, count: i64) -> Vec<Self> {
        let count = count.max(1);
        let rest = i64::from(self.width() % count > 0);
        self.ranges_of(self.width() / count + rest)
    }

    /// Ranges of `width` ticks; the last one may be shorter, or a thousandth longer, as with
    /// MSTICPy: a rest of a tick is not worth a call.
    pub fn ranges_of(&self, width: i64) -> Vec<Self> {
        let width = width.max(1);
        let mut slices = Vec::new();
        let mut from = self.from;
        while from < self.to {
            let mut to = from.saturating_add(width).min(self.to);
            if self.to - to < width / 1000 {
                to = self.to;
            }
            slices.push(self.during(from, to));
            from = to;
        }
        slices
    }

    /// Each partition cut into `factor`: the rows of partition 1 of 2 are those of 1 and 3 of 4.
    pub fn partitioned(&self, factor: u32) -> Vec<Self> {
        (0..factor)
            .map(|part| Self {
                partition: self.partition + part * self.partitions,
                partitions: self.partitions * factor,
                ..*self
            })
            .collect()
    }

    /// The lines of KQL that keep only the rows of this slice, `timed` where the table has a
    /// `Timestamp`; without a line when that is every row.
    pub(super) fn lines(&self, timed: bool) -> String {
        let mut lines = String::new();
        if timed {
            let (from, to) = (format_datetime(self.from), format_datetime(self.to));
            lines = if self.to > ticks::MAX {
                format!("\n| where {TIME} >= datetime({from})")
            } else {
                format!("\n| where {TIME} >= datetime({from}) and {TIME} < datetime({to})")
            };
        }
        if self.partitions > 1 {
            let _ = write!(
                lines,
                "\n| where hash(tostring(pack_all()), {}) == {}",
                self.partitions, self.partition
            );
        }
        lines
    }
}

/// `from/to`, then `#partition/partitions` where there are several: what it is known by.
impl fmt::Display for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to = self.to.min(ticks::MAX);
        write!(f, "{}/{}", format_datetime(self.from), format_datetime(to))?;
        if self.partitions > 1 {
            write!(f, "#{}/{}", self.partition, self.partitions)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(from: i64, to: i64) -> Slice {
        Slice::of(Timespan::new(from, to - 1).unwrap())
    }

    #[test]
    fn ranges_cover_all_of_it_and_share_nothing() {
        for (width, count) in [(10, 3), (7, 8), (1, 8), (1000, 7)] {
            let whole = slice(50, 50 + width);
            let ranges = whole.ranges(count);
            assert!(ranges.len() <= usize::try_from(count).unwrap());
            assert_eq!(ranges[0].from(), 50);
            assert_eq!(ranges[ranges.len() - 1].to(), 50 + width);
            for pair in ranges.windows(2) {
                assert_eq!(pair[0].to(), pair[1].from());
                assert!(pair[0].width() > 0);
            }
        }
    }

    #[test]
    fn a_rest_of_a_tick_is_part_of_the_last_range() {
        let ends = |to| -> Vec<i64> {
            let ranges = slice(0, to).ranges_of(5_000);
            ranges.iter().map(Slice::to).collect()
        };
        assert_eq!(ends(10_000), [5_000, 10_000]);
        assert_eq!(ends(10_004), [5_000, 10_004]);
        assert_eq!(ends(10_005), [5_000, 10_000, 10_005]);
    }

    #[test]
    fn a_partition_is_cut_into_partitions_with_the_same_rows() {
        let parts = slice(0, 1).partitioned(2)[1].partitioned(4);
        for hash in 0_u32..64 {
            let inside = parts
                .iter()
                .filter(|part| hash % part.partitions == part.partition)
                .count();
            assert_eq!(inside, usize::from(hash % 2 == 1), "{hash}");
        }
    }

    #[test]
    fn a_slice_says_what_it_keeps() {
        let day = slice(ticks::UNIX_EPOCH, ticks::UNIX_EPOCH + ticks::PER_DAY);
        assert_eq!(
            day.lines(true),
            "\n| where Timestamp >= datetime(1970-01-01T00:00:00Z) \
             and Timestamp < datetime(1970-01-02T00:00:00Z)"
        );
        assert_eq!(day.lines(false), "");
        let part = day.partitioned(4)[3];
        assert_eq!(
            part.lines(false),
            "\n| where hash(tostring(pack_all()), 4) == 3"
        );
        assert_eq!(
            part.to_string(),
            "1970-01-01T00:00:00Z/1970-01-02T00:00:00Z#3/4"
        );
    }
}
