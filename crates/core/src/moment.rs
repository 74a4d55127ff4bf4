//! The one notation of time: `2026-11-20T08:00Z`, `2026-11-20`, `now`, `-7d`, `-1w@d`.

use std::time::SystemTime;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp, ToSpan, Unit, Zoned, ZonedRound};

use crate::{Error, ErrorKind, Result, duration};

/// The moment that `text` names, seen from `now`. Times without an offset are UTC.
///
/// - `now`
/// - a date, `2026-11-20`: its first instant
/// - a date and time, `2026-11-20T08:00`, `2026-11-20 08:00:00.123Z`, `2026-11-20T08:00+02:00`
/// - an offset from `now`: a sign and a [duration](crate::duration()), `-7d`, `-1.5h`, `+1h30m`; a
///   number alone counts days, and `mon` and `y` months and years of the calendar. With `@` and
///   one of `y`, `mon`, `w`, `d`, `h`, `m`, `s` it is rounded to that unit, down for `-` and up for
///   `+`: `-1w@d` is the start of the day a week ago.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use defender_core::moment;
///
/// let now = SystemTime::UNIX_EPOCH + Duration::from_secs(10 * 86_400);
/// assert_eq!(moment("-7d", now).unwrap(), SystemTime::UNIX_EPOCH + Duration::from_secs(3 * 86_400));
/// ```
///
/// # Errors
///
/// [`ErrorKind::Usage`] when `text` is none of these.
pub fn moment(text: &str, now: SystemTime) -> Result<SystemTime> {
    let trimmed = text.trim();
    let instant =
        Timestamp::try_from(now).map_err(|source| not_a_time(text).with_source(source))?;
    if trimmed.eq_ignore_ascii_case("now") {
        return Ok(now);
    }
    if trimmed.starts_with(['-', '+']) {
        return relative(trimmed, instant)
            .map(SystemTime::from)
            .ok_or_else(|| {
                let error = not_a_time(text);
                if trimmed.contains('M') {
                    error.with_hint("m is minutes and mon is months: -5m, -1mon")
                } else {
                    error
                }
            });
    }
    absolute(trimmed).map(SystemTime::from).ok_or_else(|| {
        // Whether a bare number means the past or the future, nobody knows but its writer.
        let is_unsigned = trimmed.starts_with(|first: char| first.is_ascii_digit());
        let is_offset = is_unsigned && relative(&format!("-{trimmed}"), instant).is_some();
        if !is_offset {
            return not_a_time(text);
        }
        let unit = if trimmed.ends_with(|last: char| last.is_ascii_digit()) {
            "d"
        } else {
            ""
        };
        not_a_time(text).with_hint(format!(
            "write -{trimmed}{unit} for the past, or +{trimmed}{unit} for the future"
        ))
    })
}

fn not_a_time(text: &str) -> Error {
    Error::new(
        ErrorKind::Usage,
        format!("'{}' is not a time", text.escape_debug()),
    )
    .with_hint("a time is 2026-11-20T08:00Z, 2026-11-20, now, or an offset such as -7d or -12h")
}

fn absolute(text: &str) -> Option<Timestamp> {
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp);
    }
    // jiff takes a Z for "offset unknown" and wants seconds with an offset; people leave them out.
    let (civil, offset) = split_offset(text);
    let datetime = civil
        .parse::<DateTime>()
        .or_else(|_| civil.parse::<Date>().map(|date| date.at(0, 0, 0, 0)))
        .ok()?;
    let zoned = datetime.to_zoned(TimeZone::UTC).ok()?;
    zoned
        .timestamp()
        .checked_sub(SignedDuration::from_secs(offset?))
        .ok()
}

/// The civil part and the offset in seconds; the offset is `None` when it cannot be read.
fn split_offset(text: &str) -> (&str, Option<i64>) {
    if let Some(civil) = text.strip_suffix(['Z', 'z']) {
        return (civil, Some(0));
    }
    // A sign within the date is no offset.
    let Some(at) = text.rfind(['+', '-']).filter(|at| *at > 10) else {
        return (text, Some(0));
    };
    let (civil, offset) = text.split_at(at);
    let digits: String = offset[1..].chars().filter(|c| *c != ':').collect();
    let seconds = match digits.len() {
        2 => digits.parse::<i64>().ok().map(|hours| hours * 3600),
        4 => digits
            .parse::<i64>()
            .ok()
            .map(|digits| digits / 100 * 3600 + digits % 100 * 60),
        _ => None,
    };
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    (civil, seconds.map(|seconds| sign * seconds))
}

fn relative(text: &str, now: Timestamp) -> Option<Timestamp> {
    let negative = text.starts_with('-');
    let rest = &text[1..];
    let (offset, rounding) = match rest.split_once('@') {
        Some((offset, unit)) => (offset, Some(unit.trim())),
        None => (rest, None),
    };
    let moved = shift(offset.trim(), negative, &now.to_zoned(TimeZone::UTC))?;
    let rounded = match rounding {
        None => moved,
        Some(unit) if negative => floor(&moved, unit)?,
        Some(unit) => {
            let floor = floor(&moved, unit)?;
            if floor == moved {
                floor
            } else {
                floor.checked_add(one(unit)?).ok()?
            }
        }
    };
    Some(rounded.timestamp())
}

fn shift(offset: &str, negative: bool, from: &Zoned) -> Option<Zoned> {
    let digits = offset
        .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .unwrap_or(offset.len());
    let (number, unit) = offset.split_at(digits);
    let time = match unit.trim().to_ascii_lowercase().as_str() {
        calendar @ ("mon" | "y") => {
            let count: i32 = number.parse().ok()?;
            let count = if negative { -count } else { count };
            let span = if calendar == "y" {
                Span::new().try_years(count).ok()?
            } else {
                Span::new().try_months(count).ok()?
            };
            return from.checked_add(span).ok();
        }
        "" => duration(&format!("{number}d")),
        _ => duration(offset),
    };
    let time = SignedDuration::try_from(time.ok()?).ok()?;
    from.checked_add(if negative { -time } else { time }).ok()
}

fn floor(moment: &Zoned, unit: &str) -> Option<Zoned> {
    let to = |unit| {
        moment
            .round(
                ZonedRound::new()
                    .smallest(unit)
                    .mode(jiff::RoundMode::Floor),
            )
            .ok()
    };
    match unit.to_ascii_lowercase().as_str() {
        "s" => to(Unit::Second),
        "m" => to(Unit::Minute),
        "h" => to(Unit::Hour),
        "d" => to(Unit::Day),
        "w" => {
            let day = to(Unit::Day)?;
            let back = i64::from(day.weekday().to_monday_zero_offset());
            day.checked_sub(back.days()).ok()
        }
        "mon" => to(Unit::Day)?.first_of_month().ok(),
        "y" => to(Unit::Day)?.first_of_year().ok(),
        _ => None,
    }
}

fn one(unit: &str) -> Option<Span> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "s" => 1.second(),
        "m" => 1.minute(),
        "h" => 1.hour(),
        "d" => 1.day(),
        "w" => 1.week(),
        "mon" => 1.month(),
        "y" => 1.year(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> String {
        let now: Timestamp = "2026-11-20T23:21:55Z".parse().unwrap();
        let moment = moment(text, now.into()).unwrap();
        Timestamp::try_from(moment).unwrap().to_string()
    }

    #[test]
    fn absolute_times_are_utc_unless_they_say_otherwise() {
        assert_eq!(at("2026-11-20"), "2026-11-20T00:00:00Z");
        assert_eq!(at("2026-11-20T08:00"), "2026-11-20T08:00:00Z");
        assert_eq!(at("2026-11-20T08:00Z"), "2026-11-20T08:00:00Z");
        assert_eq!(at("2026-11-20 08:00:01.5Z"), "2026-11-20T08:00:01.5Z");
        assert_eq!(at("2026-11-20T08:00+02:00"), "2026-11-20T06:00:00Z");
        assert_eq!(at("2026-11-20T08:00:00-0530"), "2026-11-20T13:30:00Z");
        assert_eq!(at(" now "), "2026-11-20T23:21:55Z");
    }

    #[test]
    fn hours_and_minutes_are_offsets_and_never_clock_times() {
        assert_eq!(at("-2h"), "2026-11-20T21:21:55Z");
        assert_eq!(at("-12h"), "2026-11-20T11:21:55Z");
        assert_eq!(at("-30m"), "2026-11-20T22:51:55Z");
        assert_eq!(at("-45s"), "2026-11-20T23:21:10Z");
        assert_eq!(at("-1.5h"), "2026-11-20T21:51:55Z");
        assert_eq!(at("+2h"), "2026-11-21T01:21:55Z");
        assert_eq!(at("-3mon"), "2026-08-20T23:21:55Z");
        assert_eq!(at("-1y"), "2025-11-20T23:21:55Z");
        assert_eq!(at("-7"), "2026-11-13T23:21:55Z");
    }

    #[test]
    fn an_offset_is_rounded_towards_where_it_points() {
        assert_eq!(at("-1w@d"), "2026-11-13T00:00:00Z");
        assert_eq!(at("+1w@d"), "2026-11-28T00:00:00Z");
        assert_eq!(at("-1d@h"), "2026-11-19T23:00:00Z");
        assert_eq!(at("-0d@w"), "2026-11-16T00:00:00Z");
        assert_eq!(at("-0d@mon"), "2026-11-01T00:00:00Z");
        assert_eq!(at("+0d@y"), "2027-01-01T00:00:00Z");
    }

    #[test]
    fn a_number_without_a_sign_is_refused_with_what_to_write() {
        for (text, hint) in [
            ("7", "write -7d for the past, or +7d for the future"),
            ("30d", "write -30d for the past, or +30d for the future"),
            ("1.5h", "write -1.5h for the past, or +1.5h for the future"),
            ("1w@d", "write -1w@d for the past, or +1w@d for the future"),
        ] {
            let error = moment(text, SystemTime::UNIX_EPOCH).unwrap_err();
            assert_eq!(error.hint(), Some(hint), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_an_error() {
        let long = format!("-{}d", "9".repeat(400));
        for text in [
            "",
            "garbage",
            "01/02/2024",
            "-",
            "-d",
            "7x",
            "-7x",
            "-1d@q",
            "-1.5y",
            &long,
        ] {
            let error = moment(text, SystemTime::UNIX_EPOCH).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{text}");
        }
    }
}
