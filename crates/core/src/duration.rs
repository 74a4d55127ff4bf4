//! The one notation of durations: `90s`, `1h30m`, `1.5d`, `00:05:00`, `PT5M`.

use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

use crate::{Error, ErrorKind, Result};

/// The duration that `text` is.
///
/// - numbers with units, `90s`, `1.5h`, `1h30m`, `2 days`, `250ms`: `w`, `d`, `h`, `m`, `s`, `ms`
///   and their names, the largest first
/// - a clock, `00:05:00` or `1.02:00:00` with days before it
/// - ISO 8601, `PT5M`, `P1DT12H`
///
/// A day has 24 hours. A month or a year has no fixed length, and a number alone has no unit:
/// neither is a duration. Case does not matter, but for `M`, which elsewhere is a month: outside of
/// ISO 8601 it is refused.
///
/// ```
/// use std::time::Duration;
/// use defender_core::duration;
///
/// assert_eq!(duration("1h30m")?, Duration::from_secs(5400));
/// assert_eq!(duration("PT5M")?, Duration::from_secs(300));
/// assert!(duration("soon").is_err());
/// # Ok::<(), defender_core::Error>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::Usage`] when `text` is none of these.
pub fn duration(text: &str) -> Result<Duration> {
    let folded = text.trim().to_ascii_lowercase();
    if has_month_or_minute(text.trim()) {
        let shown = text.escape_debug();
        return Err(
            Error::new(ErrorKind::Usage, format!("'{shown}' is not a duration"))
                .with_hint("M is a month elsewhere: write 5m for minutes, 30d for days"),
        );
    }
    let read = clock_with_days(&folded)
        .or_else(|| part_of_days(&folded))
        .or_else(|| span(&folded));
    read.ok_or_else(|| {
        let shown = text.escape_debug();
        let error = Error::new(ErrorKind::Usage, format!("'{shown}' is not a duration"));
        if !folded.is_empty() && folded.bytes().all(|byte| byte.is_ascii_digit()) {
            return error.with_hint(format!(
                "give a unit: {folded}s, {folded}m, {folded}h, {folded}d"
            ));
        }
        error.with_hint("a duration is 90s, 5m, 1h30m, 1.5h, 2d, 00:05:00 or PT5M")
    })
}

/// Whether a number has the unit `M`, which may be meant as either.
fn has_month_or_minute(text: &str) -> bool {
    let is_iso = text.starts_with(['P', 'p']);
    let mut units = text.split(|letter: char| !letter.is_alphabetic());
    !is_iso && units.any(|unit| unit == "M")
}

/// What jiff reads, when its length is fixed.
fn span(text: &str) -> Option<Duration> {
    let span: Span = text.parse().ok()?;
    if span.get_months() != 0 || span.get_years() != 0 {
        return None;
    }
    let signed = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(signed).ok()
}

/// `1.02:00:00`, as .NET prints a `TimeSpan`; jiff has the days apart.
fn clock_with_days(text: &str) -> Option<Duration> {
    let (days, clock) = text.split_once('.')?;
    let is_number = !days.is_empty() && days.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && clock.contains(':')).then(|| span(&format!("{days}d {clock}")))?
}

/// `1.5d`: jiff has fractions of hours and less only.
fn part_of_days(text: &str) -> Option<Duration> {
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
    let (number, unit) = text.split_at(end);
    if !number.contains('.') {
        return None;
    }
    let one = span(&format!("1 {}", unit.trim_start()))?;
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * one.as_secs_f64()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_notation_is_read() {
        for (text, seconds) in [
            ("90s", 90.0),
            ("250ms", 0.25),
            ("250 ms", 0.25),
            ("5m", 300.0),
            ("5 min", 300.0),
            ("5 minutes", 300.0),
            ("1h", 3600.0),
            ("1 hr", 3600.0),
            ("24H", 86_400.0),
            ("1.5h", 5400.0),
            ("0.5m", 30.0),
            ("2.5 seconds", 2.5),
            ("1h30m", 5400.0),
            ("1h 30min", 5400.0),
            ("1 hour, 30 minutes", 5400.0),
            ("1d", 86_400.0),
            ("1.5d", 129_600.0),
            ("1d12h", 129_600.0),
            ("1w", 604_800.0),
            ("0.5w", 302_400.0),
            ("00:05:00", 300.0),
            ("00:00:07.5", 7.5),
            ("1.02:00:00", 93_600.0),
            ("PT5M", 300.0),
            ("pt5m", 300.0),
            ("PT1.5H", 5400.0),
            ("PT1H30M5S", 5405.0),
            ("P1D", 86_400.0),
            ("P1W", 604_800.0),
            ("P1DT12H", 129_600.0),
            (" 10s ", 10.0),
            ("0s", 0.0),
        ] {
            let read = duration(text);
            assert_eq!(read.ok(), Some(Duration::from_secs_f64(seconds)), "{text}");
        }
    }

    #[test]
    fn a_month_or_a_minute_is_not_guessed() {
        for text in ["1M", "1 M", "1.5M", "2h30M", "1d 5M"] {
            let error = duration(text).unwrap_err();
            assert_eq!(
                error.hint(),
                Some("M is a month elsewhere: write 5m for minutes, 30d for days"),
                "{text}"
            );
        }
        for (text, seconds) in [("5MIN", 300), ("250MS", 0), ("2H", 7_200), ("pT5M", 300)] {
            assert_eq!(duration(text).unwrap().as_secs(), seconds, "{text}");
        }
    }

    #[test]
    fn what_is_not_a_duration_is_not_guessed() {
        for text in [
            "",
            "soon",
            "h",
            "-6h",
            "6h ago",
            "6 apples",
            "30m1h",
            "1:30",
            "1:2:3:4",
            "P",
            "PT",
            "PT5",
            "1mo",
            "1y",
            "P1M",
            "P1Y",
            "1.2.3d",
            "1e400d",
            "1e9 s",
            "nan",
            "inf h",
            "99999999999999999999:00:00",
            "99999999999999999999d",
        ] {
            let error = duration(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{text}");
            assert_eq!(
                error.hint(),
                Some("a duration is 90s, 5m, 1h30m, 1.5h, 2d, 00:05:00 or PT5M"),
                "{text}"
            );
        }
        assert!(duration(&format!("{} days", "9".repeat(400))).is_err());
    }

    #[test]
    fn a_number_alone_is_asked_for_its_unit() {
        let error = duration("5").unwrap_err();
        assert_eq!(error.to_string(), "'5' is not a duration");
        assert_eq!(error.hint(), Some("give a unit: 5s, 5m, 5h, 5d"));
    }
}
