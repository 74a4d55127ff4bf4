//! Graph's `Timespan`: the ISO 8601 ways to name a stretch of time.

use super::backend::TimeRange;
use crate::ticks::{self, DAY, SECOND};

/// Reads `P30D`, `start/end`, `start/P1D`, `P1D/end` or `start` (up to now).
///
/// Source: <https://learn.microsoft.com/graph/api/security-security-runhuntingquery>
pub(super) fn parse(text: &str, now: i64) -> Option<TimeRange> {
    let text = text.trim();
    let Some((first, second)) = text.split_once('/') else {
        if let Some(length) = duration(text) {
            return range(now.saturating_sub(length), now);
        }
        return range(ticks::parse(text)?, now);
    };
    match (duration(first), duration(second)) {
        (Some(_), Some(_)) => None,
        (Some(length), None) => {
            let end = ticks::parse(second)?;
            range(end.saturating_sub(length), end)
        }
        (None, Some(length)) => {
            let start = ticks::parse(first)?;
            range(start, start.saturating_add(length))
        }
        (None, None) => range(ticks::parse(first)?, ticks::parse(second)?),
    }
}

fn range(start: i64, end: i64) -> Option<TimeRange> {
    (start <= end).then_some(TimeRange {
        start: start.max(0),
        end,
    })
}

/// An ISO 8601 duration in ticks; a year has 365 days and a month 30, as in .NET.
fn duration(text: &str) -> Option<i64> {
    let mut rest = text.strip_prefix(['P', 'p'])?;
    let mut total: i64 = 0;
    let mut in_time = false;
    let mut parts = 0;
    // Units come in this order, each at most once.
    let mut last = 0;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(['T', 't']) {
            if in_time || after.is_empty() {
                return None;
            }
            in_time = true;
            rest = after;
            continue;
        }
        let length = rest
            .bytes()
            .take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','))
            .count();
        let (number, after) = rest.split_at(length);
        let unit = after.chars().next()?.to_ascii_uppercase();
        rest = &after[unit.len_utf8()..];
        let (rank, ticks) = match (in_time, unit) {
            (false, 'Y') => (1, 365 * DAY),
            (false, 'M') => (2, 30 * DAY),
            (false, 'W') => (3, 7 * DAY),
            (false, 'D') => (4, DAY),
            (true, 'H') => (5, 3600 * SECOND),
            (true, 'M') => (6, 60 * SECOND),
            (true, 'S') => (7, SECOND),
            _ => return None,
        };
        if rank <= last {
            return None;
        }
        last = rank;
        parts += 1;
        total = total.checked_add(amount(number, ticks)?)?;
    }
    (parts > 0).then_some(total)
}

/// `number` units of `ticks` each; only the fraction of seconds is allowed in practice, but the
/// standard lets the last unit have one.
fn amount(number: &str, ticks: i64) -> Option<i64> {
    let (whole, fraction) = number
        .split_once(['.', ','])
        .map_or((number, None), |(whole, fraction)| (whole, Some(fraction)));
    let whole = whole.parse::<i64>().ok()?.checked_mul(ticks)?;
    let Some(fraction) = fraction else {
        return Some(whole);
    };
    let digits = &fraction[..fraction.len().min(7)];
    let scale = 10_i128.pow(u32::try_from(digits.len()).ok()?);
    let part = i128::from(digits.parse::<u32>().ok()?) * i128::from(ticks) / scale;
    whole.checked_add(i64::try_from(part).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Option<(String, String)> {
        let now = ticks::parse("2026-11-20T12:00:00Z").unwrap();
        let write = |ticks| {
            let mut out = Vec::new();
            ticks::write_datetime(&mut out, ticks);
            String::from_utf8(out).unwrap()
        };
        parse(text, now).map(|range| (write(range.start), write(range.end)))
    }

    fn pair(start: &str, end: &str) -> (String, String) {
        (start.to_owned(), end.to_owned())
    }

    #[test]
    fn every_documented_form_is_read() {
        let now = "2026-11-20T12:00:00Z";
        assert_eq!(named("P30D").unwrap(), pair("2026-10-21T12:00:00Z", now));
        assert_eq!(named("PT1H30M").unwrap(), pair("2026-11-20T10:30:00Z", now));
        assert_eq!(
            named("P1DT0.5S").unwrap(),
            pair("2026-11-19T11:59:59.5Z", now)
        );
        assert_eq!(named("P1W").unwrap(), pair("2026-11-13T12:00:00Z", now));
        assert_eq!(
            named("2026-11-01T08:00:00.000Z/2026-11-02").unwrap(),
            pair("2026-11-01T08:00:00Z", "2026-11-02T00:00:00Z")
        );
        assert_eq!(
            named("P1D/2026-11-02T08:00:00Z").unwrap(),
            pair("2026-11-01T08:00:00Z", "2026-11-02T08:00:00Z")
        );
        assert_eq!(
            named("2026-11-01/P1DT2H").unwrap(),
            pair("2026-11-01T00:00:00Z", "2026-11-02T02:00:00Z")
        );
        assert_eq!(
            named("2026-11-01").unwrap(),
            pair("2026-11-01T00:00:00Z", now)
        );
    }

    #[test]
    fn anything_else_is_refused() {
        for wrong in [
            "",
            "P",
            "PT",
            "30D",
            "P1H",
            "PT1D",
            "P1DT",
            "P-1D",
            "P1D/P1D",
            "yesterday",
            "2026-11-02/2026-11-01",
            "P1D1D",
            "PT1M1H",
            "P99999999999999999999D",
            "P1.x2D",
            "P1é",
        ] {
            assert_eq!(named(wrong), None, "{wrong}");
        }
    }
}
