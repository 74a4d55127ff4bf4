//! A time range in slices, cut where MSTICPy cuts.

use std::time::{Duration, SystemTime};

use defender_core::{Error, ErrorKind, Result};

/// More slices than this are a mistake in the interval.
const MAX_RANGES: usize = 100_000;

/// Cuts `start` to `end` into slices of `delta`, both ends included.
///
/// A slice ends one nanosecond before the next begins (100 where the system's clock counts in
/// hundreds), and the last one ends at `end`. A rest shorter than a thousandth of `delta` belongs
/// to the slice before it. A range shorter than `delta` is one slice.
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// let start = SystemTime::UNIX_EPOCH;
/// let hour = Duration::from_secs(3600);
/// let ranges = defender_queries::split_ranges(start, start + 5 * hour / 2, hour)?;
/// assert_eq!(ranges.len(), 3);
/// assert_eq!(ranges[2], (start + 2 * hour, start + 5 * hour / 2));
/// # Ok::<(), defender_core::Error>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::Usage`] when `end` is before `start`, or `delta` is zero or too short.
pub fn split_ranges(
    start: SystemTime,
    end: SystemTime,
    delta: Duration,
) -> Result<Vec<(SystemTime, SystemTime)>> {
    let usage = |message: &str| Error::new(ErrorKind::Usage, message);
    let length = end
        .duration_since(start)
        .map_err(|_| usage("the time range ends before it starts"))?;
    if delta.is_zero() {
        return Err(usage("the interval to split by is zero"));
    }
    if length.as_nanos() / delta.as_nanos() > MAX_RANGES as u128 {
        return Err(usage("the interval to split by is too short")
            .with_hint(format!("a range is split into at most {MAX_RANGES}")));
    }
    let mut ranges = Vec::new();
    let mut from = start;
    while let Some(next) = from.checked_add(delta).filter(|next| *next <= end) {
        ranges.push((from, just_before(next)));
        from = next;
    }
    let rest = end.duration_since(from).unwrap_or_default();
    match ranges.last_mut() {
        // The recordings count the nanosecond before the slice as part of the rest.
        Some(last) if rest + Duration::from_nanos(1) < delta / 1000 => last.1 = end,
        _ => ranges.push((from, end)),
    }
    Ok(ranges)
}

fn just_before(moment: SystemTime) -> SystemTime {
    [1, 100]
        .into_iter()
        .filter_map(|nanoseconds| moment.checked_sub(Duration::from_nanos(nanoseconds)))
        .find(|before| *before < moment)
        .unwrap_or(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn slices_meet_without_overlap() {
        let start = SystemTime::UNIX_EPOCH;
        let end = start + 5 * HOUR + Duration::from_mins(5);
        let ranges = split_ranges(start, end, HOUR).unwrap();
        assert_eq!(ranges.len(), 6);
        assert_eq!((ranges[0].0, ranges[5].1), (start, end));
        for pair in ranges.windows(2) {
            assert_eq!(pair[0].1 + Duration::from_nanos(1), pair[1].0);
        }
    }

    #[test]
    fn a_short_range_is_one_slice() {
        let start = SystemTime::UNIX_EPOCH;
        assert_eq!(
            split_ranges(start, start + HOUR, 24 * HOUR).unwrap(),
            [(start, start + HOUR)]
        );
        assert_eq!(split_ranges(start, start, HOUR).unwrap(), [(start, start)]);
    }

    #[test]
    fn what_cannot_be_split_is_an_error() {
        let start = SystemTime::UNIX_EPOCH + HOUR;
        let year = 8766 * HOUR;
        for (end, delta) in [
            (start, Duration::ZERO),
            (SystemTime::UNIX_EPOCH, HOUR),
            (start + year, Duration::from_millis(1)),
        ] {
            let error = split_ranges(start, end, delta).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage);
        }
    }
}
