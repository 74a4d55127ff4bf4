//! Durations as services and people write them.

use std::fmt;
use std::time::Duration;

/// Prints a duration for a person: `350 ms`, `45 s`, `5 min`, `1 h 30 min`.
///
/// ```
/// # use std::time::Duration;
/// # use defender_http::Plain;
/// assert_eq!(Plain(Duration::from_secs(90)).to_string(), "1 min 30 s");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plain(
    /// What is printed.
    pub Duration,
);

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < Duration::from_secs(1) {
            return write!(f, "{} ms", self.0.as_millis());
        }
        let seconds = self.0.as_secs();
        let parts = [
            (seconds / 3600, "h"),
            (seconds / 60 % 60, "min"),
            (seconds % 60, "s"),
        ];
        let mut first = true;
        for (value, unit) in parts.into_iter().filter(|(value, _)| *value > 0) {
            if !first {
                f.write_str(" ")?;
            }
            first = false;
            write!(f, "{value} {unit}")?;
        }
        Ok(())
    }
}

/// The duration at the beginning of `text`.
///
/// It may be a clock (`00:01:00`, `1.02:00:00`, `00:00:07.5`), ISO 8601 (`PT5M30S`) or counted
/// units (`5 minutes`, `1 hour and 30 minutes`, `90s`); a number alone is not a duration.
///
/// ```
/// # use std::time::Duration;
/// # use defender_http::parse_duration;
/// assert_eq!(parse_duration("00:01:00"), Some(Duration::from_secs(60)));
/// assert_eq!(parse_duration("2 minutes and 5 seconds."), Some(Duration::from_secs(125)));
/// assert_eq!(parse_duration("soon"), None);
/// ```
pub fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim_start();
    iso(text).or_else(|| clock(text)).or_else(|| counted(text))
}

/// `[d.]hh:mm:ss[.f]`, as .NET prints a `TimeSpan`.
fn clock(text: &str) -> Option<Duration> {
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.'))
        .unwrap_or(text.len());
    let text = text[..end].trim_end_matches(['.', ':']);
    let mut fields = text.split(':');
    let (hours, minutes, seconds) = (fields.next()?, fields.next()?, fields.next()?);
    if fields.next().is_some() {
        return None;
    }
    let (days, hours) = match hours.split_once('.') {
        Some((days, hours)) => (days.parse::<u32>().ok()?, hours),
        None => (0, hours),
    };
    let whole = u64::from(days) * 86_400
        + u64::from(hours.parse::<u32>().ok()?) * 3600
        + u64::from(minutes.parse::<u32>().ok()?) * 60;
    Duration::from_secs(whole).checked_add(seconds_of(seconds, 1.0)?)
}

/// `P[nD]T[nH][nM][nS]`.
fn iso(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('P')?;
    let mut total = None;
    let mut in_time = false;
    loop {
        if !in_time && let Some(time) = rest.strip_prefix('T') {
            (rest, in_time) = (time, true);
        }
        let Some((number, after)) = number(rest) else {
            return total;
        };
        let unit = after.chars().next()?;
        let seconds = match (unit, in_time) {
            ('W', false) => 604_800.0,
            ('D', false) => 86_400.0,
            ('H', true) => 3600.0,
            ('M', true) => 60.0,
            ('S', true) => 1.0,
            _ => return None,
        };
        total = Some(add(total, seconds_of(number, seconds)?)?);
        rest = &after[unit.len_utf8()..];
    }
}

/// `5 minutes`, `1 hour and 30 minutes`, `1 h, 30 min`, `90s`.
fn counted(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = None;
    while let Some((number, after)) = number(rest) {
        let after = after.trim_start();
        let end = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let Some(seconds) = unit(&after[..end]) else {
            break;
        };
        total = Some(add(total, seconds_of(number, seconds)?)?);
        rest = after[end..].trim_start_matches([' ', ',']);
        rest = rest
            .strip_prefix("and ")
            .map_or(rest, |following| following.trim_start());
    }
    total
}

fn unit(word: &str) -> Option<f64> {
    Some(match word.to_ascii_lowercase().as_str() {
        "ms" | "msec" | "millisecond" | "milliseconds" => 0.001,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    })
}

/// A decimal number and what follows it.
fn number(text: &str) -> Option<(&str, &str)> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let mut end = digits(text);
    if end == 0 {
        return None;
    }
    if let Some(fraction) = text[end..].strip_prefix('.') {
        let length = digits(fraction);
        if length > 0 {
            end += 1 + length;
        }
    }
    Some((&text[..end], &text[end..]))
}

fn seconds_of(number: &str, factor: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * factor).ok()
}

fn add(total: Option<Duration>, more: Duration) -> Option<Duration> {
    total.unwrap_or_default().checked_add(more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_services_write_is_read() {
        for (text, seconds) in [
            ("00:01:00", 60.0),
            ("01:00:00", 3600.0),
            ("00:00:07.5", 7.5),
            ("1.02:00:00", 93_600.0),
            ("00:05:00. Try later", 300.0),
            ("PT5M", 300.0),
            ("PT1H30M5S", 5405.0),
            ("P1DT1S", 86_401.0),
            ("5 minutes", 300.0),
            ("5 minutes.", 300.0),
            ("1 hour and 30 minutes", 5400.0),
            ("1 hour, 30 minutes and 10 seconds", 5410.0),
            ("90s", 90.0),
            ("250 ms", 0.25),
            ("2.5 seconds", 2.5),
            (" 10 seconds to go", 10.0),
        ] {
            assert_eq!(
                parse_duration(text),
                Some(Duration::from_secs_f64(seconds)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_duration_is_not_guessed() {
        for text in [
            "",
            "soon",
            "5",
            "5 apples",
            "10:30",
            "1:2:3:4",
            "P",
            "PT",
            "PT5",
            "PD",
            "99999999999999999999:00:00",
            "1e9 s",
        ] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
        let digits = "9".repeat(400);
        assert_eq!(parse_duration(&format!("{digits} days")), None);
    }

    #[test]
    fn a_person_reads_whole_units() {
        for (milliseconds, text) in [
            (0, "0 ms"),
            (350, "350 ms"),
            (1000, "1 s"),
            (60_000, "1 min"),
            (5_405_000, "1 h 30 min 5 s"),
            (3_600_000, "1 h"),
        ] {
            assert_eq!(Plain(Duration::from_millis(milliseconds)).to_string(), text);
        }
    }
}
