//! Text to values, as leniently as KQL's conversion functions are.

use crate::calendar::{self, TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MINUTE, TICKS_PER_SECOND};

/// `tobool` of text.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        return Some(true);
    }
    if text.eq_ignore_ascii_case("false") {
        return Some(false);
    }
    if text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace) {
        return None;
    }
    parse_long(text).map(|number| number != 0)
}

/// `tolong` of text: decimal or hexadecimal.
pub(crate) fn parse_long(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if let Some(hex) = digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"))
    {
        if negative || hex.starts_with(['+', '-']) {
            return None;
        }
        return Some(u64::from_str_radix(hex, 16).ok()?.cast_signed());
    }
    if digits.starts_with(['+', '-']) {
        return None;
    }
    if negative {
        format!("-{digits}").parse().ok()
    } else {
        digits.parse().ok()
    }
}

/// `toreal` of text.
pub(crate) fn parse_real(text: &str) -> Option<f64> {
    let text = text.trim();
    match text {
        "NaN" | "nan" => return Some(f64::NAN),
        "Infinity" | "inf" | "+inf" | "+Infinity" | "∞" => return Some(f64::INFINITY),
        "-Infinity" | "-inf" | "-∞" => return Some(f64::NEG_INFINITY),
        _ => {}
    }
    if text.starts_with("0x") || text.starts_with("0X") {
        #[expect(clippy::cast_precision_loss, reason = "KQL's own conversion")]
        return parse_long(text).map(|number| number as f64);
    }
    let numeric = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E'));
    if numeric && !text.is_empty() {
        text.parse().ok()
    } else {
        None
    }
}

/// `toguid` of text, with or without dashes and braces.
pub(crate) fn guid(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .or_else(|| {
            text.strip_prefix('(')
                .and_then(|rest| rest.strip_suffix(')'))
        })
        .unwrap_or(text);
    let dashed = text.len() == 36;
    if dashed
        && [8, 13, 18, 23]
            .iter()
            .any(|at| text.as_bytes()[*at] != b'-')
    {
        return None;
    }
    if !dashed && text.len() != 32 {
        return None;
    }
    let digits: String = text
        .chars()
        .filter(|character| *character != '-')
        .collect::<String>()
        .to_lowercase();
    if digits.len() != 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    Some(format!(
        "{}-{}-{}-{}-{}",
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..]
    ))
}

/// `totimespan` of text: `[-][d.]hh:mm[:ss[.f]]`, `1d`, `2h`, or a number of days.
pub(crate) fn parse_timespan(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    if rest.is_empty() {
        return None;
    }
    if !rest.contains(':') {
        return suffixed(rest).and_then(|ticks| ticks.checked_mul(sign));
    }
    let parts: Vec<&str> = rest.split(':').collect();
    let (days, hours) = match parts[0].split_once('.') {
        Some((days, hours)) => (whole(days)?, whole(hours)?),
        None => (0, whole(parts[0])?),
    };
    let (days, hours, minutes, seconds) = match parts.len() {
        2 => (days, hours, whole(parts[1])?, 0),
        3 => (days, hours, whole(parts[1])?, fraction(parts[2])?),
        4 if !parts[0].contains('.') => (
            whole(parts[0])?,
            whole(parts[1])?,
            whole(parts[2])?,
            fraction(parts[3])?,
        ),
        _ => return None,
    };
    if minutes > 59 || seconds >= TICKS_PER_MINUTE || hours > 23 {
        return None;
    }
    let total = days
        .checked_mul(TICKS_PER_DAY)?
        .checked_add(hours.checked_mul(TICKS_PER_HOUR)?)?
        .checked_add(minutes.checked_mul(TICKS_PER_MINUTE)?)?
        .checked_add(seconds)?;
    total.checked_mul(sign)
}

fn whole(text: &str) -> Option<i64> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

/// `ss[.fffffff]` in ticks; digits past the seventh are cut.
fn fraction(text: &str) -> Option<i64> {
    let (seconds, digits) = text.split_once('.').unwrap_or((text, ""));
    let seconds = whole(seconds)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut padded: String = digits.chars().take(7).collect();
    while padded.len() < 7 {
        padded.push('0');
    }
    seconds
        .checked_mul(TICKS_PER_SECOND)?
        .checked_add(padded.parse().ok()?)
}

#[expect(clippy::cast_possible_truncation, reason = "bounds are checked")]
fn suffixed(text: &str) -> Option<i64> {
    let at = text
        .find(|character: char| !character.is_ascii_digit() && character != '.')
        .unwrap_or(text.len());
    let number: f64 = text[..at].parse().ok()?;
    let unit = match text[at..].trim() {
        "" | "d" | "day" | "days" => TICKS_PER_DAY,
        "h" | "hr" | "hrs" | "hour" | "hours" => TICKS_PER_HOUR,
        "m" | "min" | "minute" | "minutes" => TICKS_PER_MINUTE,
        "s" | "sec" | "second" | "seconds" => TICKS_PER_SECOND,
        "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => {
            calendar::TICKS_PER_MILLISECOND
        }
        "micro" | "micros" | "microsecond" | "microseconds" => 10,
        "tick" | "ticks" => 1,
        _ => return None,
    };
    #[expect(clippy::cast_precision_loss, reason = "units are far below 2^53")]
    let ticks = number * unit as f64;
    (ticks.abs() < 9.2e18).then_some(ticks.round() as i64)
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// `todatetime` of text: ISO 8601 in its variants, RFC 822 and 850, US dates.
pub(crate) fn parse_datetime(text: &str) -> Option<i64> {
    let text = text.trim();
    let (date, rest) = iso_date(text)
        .or_else(|| worded_date(text))
        .or_else(|| us_date(text))?;
    time_of(date, rest.strip_prefix(['T', 't']).unwrap_or(rest))
}

/// A time of day with its offset on the day that begins at `midnight`; nothing is midnight.
pub(crate) fn time_of(midnight: i64, rest: &str) -> Option<i64> {
    let rest = rest.trim_start();
    let (time, offset) = if rest.is_empty() {
        (0, 0)
    } else {
        clock(rest)?
    };
    calendar::in_range(midnight.checked_add(time)?.checked_sub(offset)?)
}

fn take_digits(text: &str, most: usize) -> Option<(i64, &str)> {
    let length = text
        .bytes()
        .take(most)
        .take_while(u8::is_ascii_digit)
        .count();
    if length == 0 {
        return None;
    }
    Some((text[..length].parse().ok()?, &text[length..]))
}

fn iso_date(text: &str) -> Option<(i64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 8 {
        let day = calendar::midnight(
            text[..4].parse().ok()?,
            text[4..6].parse().ok()?,
            text[6..8].parse().ok()?,
        )?;
        return Some((day, &text[8..]));
    }
    if digits != 4 {
        return None;
    }
    let (year, rest) = take_digits(text, 4)?;
    if rest.is_empty() {
        return Some((calendar::midnight(year, 1, 1)?, rest));
    }
    let separator = rest
        .chars()
        .next()
        .filter(|one| matches!(one, '-' | '/' | '.'))?;
    let (month, rest) = take_digits(&rest[1..], 2)?;
    let Some(rest) = rest.strip_prefix(separator) else {
        return Some((calendar::midnight(year, month, 1)?, rest));
    };
    let (day, rest) = take_digits(rest, 2)?;
    Some((calendar::midnight(year, month, day)?, rest))
}

fn us_date(text: &str) -> Option<(i64, &str)> {
    let (month, rest) = take_digits(text, 2)?;
    let separator = rest.chars().next().filter(|one| matches!(one, '/' | '-'))?;
    let (day, rest) = take_digits(&rest[1..], 2)?;
    let (year, rest) = take_digits(rest.strip_prefix(separator)?, 4)?;
    Some((calendar::midnight(full_year(year), month, day)?, rest))
}

fn full_year(year: i64) -> i64 {
    match year {
        0..=49 => year + 2000,
        50..=99 => year + 1900,
        _ => year,
    }
}

/// `[Sat,] 8 Nov 2014`, `8-Nov-14`, `November 8, 2014`.
fn worded_date(text: &str) -> Option<(i64, &str)> {
    let mut rest = text;
    if let Some((weekday, tail)) = text.split_once(',')
        && weekday.len() >= 3
        && weekday.chars().all(char::is_alphabetic)
    {
        rest = tail.trim_start();
    }
    let gap = [' ', '-', ','];
    let (day, month, rest) = if rest.starts_with(|one: char| one.is_ascii_digit()) {
        let (day, tail) = take_digits(rest, 2)?;
        let (month, tail) = month_name(tail.trim_start_matches(gap))?;
        (day, month, tail)
    } else {
        let (month, tail) = month_name(rest)?;
        let (day, tail) = take_digits(tail.trim_start_matches(gap), 2)?;
        (day, month, tail)
    };
    let (year, rest) = take_digits(rest.trim_start_matches(gap), 4)?;
    Some((calendar::midnight(full_year(year), month, day)?, rest))
}

fn month_name(text: &str) -> Option<(i64, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    if length < 3 {
        return None;
    }
    let word = text[..length].to_ascii_lowercase();
    let month = MONTHS
        .iter()
        .position(|month| *month == word || month[..3] == word)?;
    Some((i64::try_from(month).ok()? + 1, &text[length..]))
}

/// `hh[:mm[:ss[.fffffff]]] [AM|PM] [Z|GMT|UTC|±hh[:mm]]`: the time of day and its offset.
fn clock(text: &str) -> Option<(i64, i64)> {
    let (mut hours, mut rest) = take_digits(text, 2)?;
    let mut minutes = 0;
    let mut seconds = 0;
    if let Some(tail) = rest.strip_prefix(':') {
        (minutes, rest) = take_digits(tail, 2)?;
        if let Some(tail) = rest.strip_prefix(':') {
            let length = tail
                .bytes()
                .take_while(|byte| byte.is_ascii_digit() || *byte == b'.')
                .count();
            seconds = fraction(&tail[..length])?;
            rest = &tail[length..];
        }
    } else if !rest.trim_start().starts_with(['a', 'A', 'p', 'P']) {
        return None;
    }
    let mut rest = rest.trim_start();
    let upper = rest.get(..2).map(str::to_ascii_uppercase);
    if matches!(upper.as_deref(), Some("AM" | "PM")) {
        if !(1..=12).contains(&hours) {
            return None;
        }
        hours = hours % 12
            + if upper.as_deref() == Some("PM") {
                12
            } else {
                0
            };
        rest = rest[2..].trim_start();
    }
    if hours > 23 || minutes > 59 || seconds >= TICKS_PER_MINUTE {
        return None;
    }
    let time = hours * TICKS_PER_HOUR + minutes * TICKS_PER_MINUTE + seconds;
    Some((time, zone(rest)?))
}

fn zone(text: &str) -> Option<i64> {
    match text.to_ascii_uppercase().as_str() {
        "" | "Z" | "GMT" | "UTC" | "UT" => return Some(0),
        "EST" | "CDT" => return Some(-5 * TICKS_PER_HOUR),
        "EDT" => return Some(-4 * TICKS_PER_HOUR),
        "CST" | "MDT" => return Some(-6 * TICKS_PER_HOUR),
        "MST" | "PDT" => return Some(-7 * TICKS_PER_HOUR),
        "PST" => return Some(-8 * TICKS_PER_HOUR),
        _ => {}
    }
    let (sign, rest) = match text.as_bytes()[0] {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let (hours, rest) = take_digits(rest, 2)?;
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let (minutes, rest) = if rest.is_empty() {
        (0, rest)
    } else {
        take_digits(rest, 2)?
    };
    (rest.is_empty() && hours <= 14 && minutes <= 59)
        .then_some(sign * (hours * TICKS_PER_HOUR + minutes * TICKS_PER_MINUTE))
}
