//! Moments as definition files and callers write them, and as Kusto reads them.

use std::time::{Duration, SystemTime};

use defender_core::{Error, ErrorKind, Result, moment};
use jiff::fmt::strtime;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

use crate::value::Value;

/// A number of days further away than this was meant as something else, such as `20240101`.
const MAX_DAYS: f64 = 36_525.0;

/// A moment and the offset that it was written with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Moment {
    pub(crate) instant: SystemTime,
    offset: Offset,
}

impl Moment {
    pub(crate) fn new(instant: SystemTime) -> Self {
        Self {
            instant,
            offset: Offset::UTC,
        }
    }

    /// The moment that `value` means: a time, a number of days from `now`, or text.
    ///
    /// Besides the notation of [`moment`], text may leave out the sign of an offset, as MSTICPy
    /// has it.
    pub(crate) fn of(value: &Value, now: SystemTime) -> Result<Self> {
        match value {
            Value::Time(instant) => Ok(Self::new(*instant)),
            #[expect(
                clippy::cast_precision_loss,
                reason = "a number of days that large is refused"
            )]
            Value::Int(days) => days_from(now, *days as f64),
            Value::Float(days) => days_from(now, *days),
            Value::Text(text) => Self::parse(text, now),
            Value::Bool(_) | Value::List(_) => Err(Error::new(
                ErrorKind::Usage,
                "a time is text or a number of days",
            )),
        }
    }

    fn parse(text: &str, now: SystemTime) -> Result<Self> {
        let text = text.trim();
        let number = text
            .chars()
            .all(|letter| letter.is_ascii_digit() || matches!(letter, '.' | '+' | '-'));
        if number && let Ok(days) = text.parse() {
            return days_from(now, days);
        }
        let offset =
            text.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
        let unsigned = offset.len() < text.len()
            && offset.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '@')
            && !offset.starts_with(['T', 't']);
        let instant = if unsigned {
            moment(&format!("+{text}"), now)?
        } else {
            moment(text, now)?
        };
        Ok(Self {
            instant,
            offset: written_offset(text).unwrap_or(Offset::UTC),
        })
    }

    fn zoned(&self) -> Result<Zoned> {
        let instant = Timestamp::try_from(self.instant).map_err(|source| {
            Error::new(ErrorKind::Usage, "the time is out of range").with_source(source)
        })?;
        Ok(instant.to_zoned(TimeZone::fixed(self.offset)))
    }

    /// The moment as `datetime(…)` takes it, in ticks of 100 ns, with the offset as written.
    pub(crate) fn text(&self) -> Result<String> {
        let zoned = self.zoned()?;
        let ticks = zoned.subsec_nanosecond() / 100;
        let fraction = match ticks {
            0 => String::new(),
            ticks => format!(".{ticks:07}").trim_end_matches('0').to_owned(),
        };
        if !(1..=9999).contains(&zoned.year()) {
            return Err(Error::new(
                ErrorKind::Usage,
                "the time is not in the years 1 to 9999",
            ));
        }
        let seconds = self.offset.seconds();
        let offset = if seconds == 0 {
            "Z".to_owned()
        } else {
            let sign = if seconds < 0 { '-' } else { '+' };
            let minutes = seconds.abs() / 60;
            format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
        };
        Ok(format!(
            "{}{fraction}{offset}",
            zoned.strftime("%Y-%m-%dT%H:%M:%S")
        ))
    }

    /// The moment in UTC.
    pub(crate) fn utc(&self) -> Result<String> {
        Self::new(self.instant).text()
    }

    /// The moment as Python's `strftime` writes it.
    pub(crate) fn formatted(&self, spec: &str) -> Result<String> {
        strtime::format(spec, &self.zoned()?).map_err(|source| {
            Error::new(
                ErrorKind::Config,
                format!("'{spec}' is not a format of times"),
            )
            .with_source(source)
        })
    }
}

/// Whether `spec` can format times.
pub(crate) fn is_format(spec: &str) -> bool {
    Moment::new(SystemTime::UNIX_EPOCH).formatted(spec).is_ok()
}

/// The moment for people to read.
pub(crate) fn text(instant: SystemTime) -> String {
    Moment::new(instant)
        .text()
        .unwrap_or_else(|_| "out of range".to_owned())
}

fn days_from(now: SystemTime, days: f64) -> Result<Moment> {
    if !days.is_finite() || days.abs() > MAX_DAYS {
        return Err(
            Error::new(ErrorKind::Usage, "the number of days from now is too large")
                .with_hint("a date is written 2024-01-01"),
        );
    }
    let distance = Duration::from_secs_f64(days.abs() * 86_400.0);
    let instant = if days < 0.0 {
        now.checked_sub(distance)
    } else {
        now.checked_add(distance)
    };
    instant
        .map(Moment::new)
        .ok_or_else(|| Error::new(ErrorKind::Usage, "the time is out of range"))
}

/// The offset at the end of a date and time.
fn written_offset(text: &str) -> Option<Offset> {
    let at = text.rfind(['+', '-']).filter(|at| *at > 10)?;
    let digits: String = text.get(at + 1..)?.chars().filter(|c| *c != ':').collect();
    let number: i32 = digits.parse().ok()?;
    let seconds = match digits.len() {
        2 => number * 3600,
        4 => number / 100 * 3600 + number % 100 * 60,
        _ => return None,
    };
    let sign = if text[at..].starts_with('-') { -1 } else { 1 };
    Offset::from_seconds(sign * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(value: impl Into<Value>) -> String {
        let now: Timestamp = "2026-11-20T23:21:55Z".parse().unwrap();
        Moment::of(&value.into(), now.into())
            .unwrap()
            .text()
            .unwrap()
    }

    #[test]
    fn numbers_are_days_from_now() {
        assert_eq!(at(-1), "2026-11-19T23:21:55Z");
        assert_eq!(at(0), "2026-11-20T23:21:55Z");
        assert_eq!(at(0.5), "2026-11-21T11:21:55Z");
        assert_eq!(at("-1"), at(-1));
        assert_eq!(at("1"), at(1));
    }

    #[test]
    fn an_offset_may_lack_its_sign() {
        assert_eq!(at("1w@d"), "2026-11-28T00:00:00Z");
        assert_eq!(at("2h"), "2026-11-21T01:21:55Z");
        assert_eq!(at("-1w@d"), "2026-11-13T00:00:00Z");
    }

    #[test]
    fn times_keep_their_offset_and_are_ticks() {
        assert_eq!(at("2024-01-01T10:00:00+02:00"), "2024-01-01T10:00:00+02:00");
        assert_eq!(at("2024-01-01T10:00:00-05:30"), "2024-01-01T10:00:00-05:30");
        assert_eq!(
            at("2024-01-01 10:11:12.123456"),
            "2024-01-01T10:11:12.123456Z"
        );
        assert_eq!(
            at("2024-01-01T00:00:00.999999999Z"),
            "2024-01-01T00:00:00.9999999Z"
        );
    }

    #[test]
    fn what_is_no_time_is_an_error() {
        let now = SystemTime::UNIX_EPOCH;
        for value in [
            Value::from(20_240_101),
            f64::NAN.into(),
            f64::INFINITY.into(),
            true.into(),
            "garbage".into(),
            "20240101".into(),
            "01/02/2024".into(),
            "today".into(),
            "".into(),
        ] {
            let error = Moment::of(&value, now).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{value:?}");
        }
    }
}
