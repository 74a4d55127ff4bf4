//! Text to datetime and back.
//!
//! The service reads `datetime(…)` and `todatetime(…)` with the same list of formats, and passes over
//! blanks and separators between the parts of a date.
//!
//! Source: <https://learn.microsoft.com/kusto/query/scalar-data-types/datetime#supported-formats>

use super::{
    Date, TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MINUTE, TICKS_PER_SECOND, date_of, in_range,
    midnight,
};

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

const WEEKDAYS: [&str; 7] = [
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
];

/// What may stand between the numbers of a date.
const GAPS: [char; 6] = [' ', '-', '/', '.', ',', '\t'];

/// Reads a datetime: ISO 8601 in its variants, RFC 822, RFC 850, dates with the month first.
///
/// ```
/// use kql_syntax::ticks::{datetime, datetime_text};
/// let read = |text: &str| datetime(text).map(datetime_text);
/// let noon = Some("2014-11-08T12:00:00.0000000Z".to_owned());
/// assert_eq!(read("2014-11-08T12:00"), noon);
/// assert_eq!(read("Saturday, 08-Nov-14 12:00:00 GMT"), noon);
/// assert_eq!(read("yesterday"), None);
/// ```
pub fn datetime(text: &str) -> Option<i64> {
    let date = written_date(text.trim())?;
    let rest = date.rest;
    // `2025, 6, 14` are year, month and day, and no fourth number follows.
    if date.notation == Notation::YearFirst && rest.starts_with(',') {
        return None;
    }
    let rest = rest.strip_prefix(['T', 't', ',']).unwrap_or(rest);
    time_of(midnight(date.year, date.month, date.day)?, rest)
}

/// How a date is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    /// `20170131`
    Compact,
    /// `2017`
    Year,
    /// `2017-01`
    YearAndMonth,
    /// `2017-01-31`
    YearFirst,
    /// `31 Jan 2017`, `January 31, 17`
    MonthNamed,
    /// `1/31/2017`, `1. 31. 17`: which of the first two numbers is the month is a convention.
    YearLast,
}

/// A date as it is written, and what follows it; the date may be none of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrittenDate<'a> {
    /// How it is written.
    pub notation: Notation,
    /// Two digits are a year from 1950 to 2049.
    pub year: i64,
    /// Whether it is not written with four digits.
    pub is_short: bool,
    /// Of two numbers before the year the first.
    pub month: i64,
    /// Of two numbers before the year the second.
    pub day: i64,
    /// The time of day, if any.
    pub rest: &'a str,
}

/// The date that a text begins with, after the name of a weekday or none.
pub fn written_date(text: &str) -> Option<WrittenDate<'_>> {
    date(without_weekday(text))
}

/// A time of day with its offset on the day that begins at `midnight`; nothing is midnight.
pub fn time_of(midnight: i64, rest: &str) -> Option<i64> {
    let rest = rest.trim_start();
    let (time, offset) = if rest.is_empty() || rest.eq_ignore_ascii_case("z") {
        (0, 0)
    } else {
        clock(rest)?
    };
    in_range(midnight.checked_add(time)?.checked_sub(offset)?)
}

/// A datetime as the service writes it: `2024-01-01T00:00:00.0000000Z`.
pub fn datetime_text(ticks: i64) -> String {
    let Date { year, month, day } = date_of(ticks);
    let rest = ticks.rem_euclid(TICKS_PER_DAY);
    let seconds = rest / TICKS_PER_SECOND;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:07}Z",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        rest % TICKS_PER_SECOND
    )
}

/// The text after `Sat, `, `Saturday, ` or `Sat `.
fn without_weekday(text: &str) -> &str {
    match word(text) {
        Some((name, rest)) if number_of(&WEEKDAYS, name).is_some() => {
            rest.trim_start_matches([',', ' '])
        }
        _ => text,
    }
}

fn date(text: &str) -> Option<WrittenDate<'_>> {
    use Notation::{Compact, MonthNamed, Year, YearAndMonth, YearFirst, YearLast};

    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (notation, (year, is_short), month, day, rest) = match digits {
        8 => {
            let number = |from: usize, to: usize| text[from..to].parse().ok();
            let year = (number(0, 4)?, false);
            (Compact, year, number(4, 6)?, number(6, 8)?, &text[8..])
        }
        4 => {
            let (year, rest) = number(text, 4)?;
            let year = (year, false);
            match next(rest) {
                None => (Year, year, 1, 1, rest),
                Some((month, rest)) => match next(rest) {
                    None => (YearAndMonth, year, month, 1, rest),
                    Some((day, rest)) => (YearFirst, year, month, day, rest),
                },
            }
        }
        1 | 2 => {
            let (first, rest) = number(text, 2)?;
            if let Some((name, rest)) = word(rest.trim_start_matches(GAPS)) {
                let (year, rest) = year(rest)?;
                (MonthNamed, year, number_of(&MONTHS, name)?, first, rest)
            } else {
                let (day, rest) = next(rest)?;
                let (year, rest) = year(rest)?;
                (YearLast, year, first, day, rest)
            }
        }
        0 => {
            let (name, rest) = word(text)?;
            let month = number_of(&MONTHS, name)?;
            let (day, rest) = number(rest.trim_start_matches(GAPS), 2)?;
            let (year, rest) = year(rest)?;
            (MonthNamed, year, month, day, rest)
        }
        _ => return None,
    };
    Some(WrittenDate {
        notation,
        year,
        is_short,
        month,
        day,
        rest,
    })
}

/// The next number of a date, of one or two digits, after a separator that is not blanks alone.
fn next(text: &str) -> Option<(i64, &str)> {
    let rest = text.trim_start_matches(GAPS);
    let gap = &text[..text.len() - rest.len()];
    if gap.trim().is_empty() {
        return None;
    }
    number(rest, 2)
}

/// The year that comes last, and whether it is not written with four digits; two digits are a year from 1950 to 2049.
fn year(text: &str) -> Option<((i64, bool), &str)> {
    let written = text.trim_start_matches(GAPS);
    let (year, rest) = number(written, 4)?;
    let is_short = year < 100 || written.len() - rest.len() < 4;
    let year = match year {
        0..=49 => year + 2000,
        50..=99 => year + 1900,
        _ => year,
    };
    Some(((year, is_short), rest))
}

/// A number of at most so many digits.
fn number(text: &str, most: usize) -> Option<(i64, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    if length == 0 || length > most {
        return None;
    }
    Some((text[..length].parse().ok()?, &text[length..]))
}

/// The letters that a text begins with, three at least.
fn word(text: &str) -> Option<(&str, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    (length >= 3).then(|| text.split_at(length))
}

/// Which of `names` a word is, or the beginning of, counted from 1.
fn number_of(names: &[&str], word: &str) -> Option<i64> {
    let word = word.to_ascii_lowercase();
    let at = names.iter().position(|name| name.starts_with(&word))?;
    i64::try_from(at + 1).ok()
}

/// `hh[:mm[:ss[.fffffff]]] [AM|PM] [Z|GMT|…|±hh[:mm]]`: the time of day and its offset.
fn clock(text: &str) -> Option<(i64, i64)> {
    let (mut hours, mut rest) = number(text, 2)?;
    let mut minutes = 0;
    let mut seconds = 0;
    if let Some(tail) = rest.strip_prefix(':') {
        (minutes, rest) = number(tail, 2)?;
        if let Some(tail) = rest.strip_prefix(':') {
            let length = tail
                .bytes()
                .take_while(|byte| byte.is_ascii_digit() || *byte == b'.')
                .count();
            seconds = super::timespan::seconds(&tail[..length])?;
            rest = &tail[length..];
        }
    }
    let mut rest = rest.trim_start();
    let half = rest.get(..2).map(str::to_ascii_uppercase);
    if let Some(half @ ("AM" | "PM")) = half.as_deref() {
        if !(1..=12).contains(&hours) {
            return None;
        }
        hours = hours % 12 + if half == "PM" { 12 } else { 0 };
        rest = rest[2..].trim_start();
    }
    if hours > 23 || minutes > 59 || seconds >= TICKS_PER_MINUTE {
        return None;
    }
    let time = hours * TICKS_PER_HOUR + minutes * TICKS_PER_MINUTE + seconds;
    Some((time, zone(rest)?))
}

/// The offset of a zone of RFC 822, or of `±hh[:mm]`.
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
    let (sign, rest) = match text.strip_prefix('+') {
        Some(rest) => (1, rest),
        None => (-1, text.strip_prefix('-')?),
    };
    let (hours, minutes) = match rest.split_once(':') {
        Some(parts) => parts,
        None if rest.len() == 4 && rest.is_ascii() => rest.split_at(2),
        None => (rest, "0"),
    };
    let whole = |text| number(text, 2).filter(|(_, rest)| rest.is_empty());
    let ((hours, _), (minutes, _)) = (whole(hours)?, whole(minutes)?);
    (hours <= 14 && minutes <= 59)
        .then_some(sign * (hours * TICKS_PER_HOUR + minutes * TICKS_PER_MINUTE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_a_datetime_or_is_not() {
        let new_year = datetime("2017-01-01").expect("a date");
        for text in [
            "2017",
            "2017-01",
            "2017 - 01 - 01",
            "2017/1/1",
            "2017-01/01",
            "2017, 1, 1",
            "20170101",
            "2017-01-01 00",
            "2017-01-01T00:00Z",
            "2017-01-01T00:00 GMT",
            "2017-01-01Z",
            "01/01/2017",
            "1/1/17",
            "Sun, 1 Jan 17 00:00:00 GMT",
            "Sunday, 01-Jan-17 00:00",
            "Sunday 1 January 2017",
            "January 1, 2017 12:00 AM",
            "2016-12-31T22:00:00-02:00",
            "2016-12-31 19:00 EST",
            "2016-12-31T22:00-0200",
            "2017-01-01 00:00:00.00000004",
        ] {
            assert_eq!(datetime(text), Some(new_year), "{text}");
        }
        for text in [
            "",
            "2017-02-29",
            "2017-13-01",
            "1é17é1",
            "2017-01-01 10:00+éé",
            "2017-01-01 24:30",
            "2017-01-01 13:05 PM",
            "2017-01-01 10:00 Nowhere",
            "20170101T99",
            "201701",
            "1710344413",
            "yesterday",
            "Someday, 1 Jan 2017",
            "9999-12-31 23:59 -01:00",
        ] {
            assert_eq!(datetime(text), None, "{text}");
        }
        assert_eq!(datetime("0001-01-01"), Some(0));
        assert_eq!(
            datetime_text(datetime("9999-12-31 23:59:59.9999999").expect("the end")),
            "9999-12-31T23:59:59.9999999Z"
        );
    }
}
