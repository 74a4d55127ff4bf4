//! Datetimes and timespans as ticks of 100 nanoseconds.

/// Ticks of one second.
pub(crate) const SECOND: i64 = 10_000_000;
/// Ticks of one day.
pub(crate) const DAY: i64 = 86_400 * SECOND;
/// The last tick of the year 9999.
pub(crate) const MAX: i64 = 3_155_378_975_999_999_999;

/// Days from 0001-01-01 to a date of the proleptic Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || day < 1 {
        return None;
    }
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let lengths = [
        31,
        28 + i64::from(leap),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let index = usize::try_from(month - 1).ok()?;
    if day > lengths[index] {
        return None;
    }
    let before = year - 1;
    let through_years = before * 365 + before / 4 - before / 100 + before / 400;
    Some(through_years + lengths[..index].iter().sum::<i64>() + day - 1)
}

/// Reads the text of a `datetime(…)` literal.
///
/// ISO 8601 with any of its parts left out from the right, `yyyy/MM/dd`, month first (`11/20/2014`), RFC 822
/// (`Sat, 8 Nov 14 15:05:02 GMT`) and offsets (`+02:00`) are understood.
pub(crate) fn datetime(text: &str) -> Option<i64> {
    let text = text.trim().trim_matches(['"', '\'']);
    // `datetime(2025, 6, 14)` is read as well.
    let joined;
    let text = if text.contains(", ") && text.starts_with(|first: char| first.is_ascii_digit()) {
        joined = text.replace(", ", "-");
        joined.as_str()
    } else {
        text
    };
    match text.to_ascii_lowercase().as_str() {
        "min" => return Some(0),
        "max" => return Some(MAX),
        _ => {}
    }
    let (date, time) = split_date(text)?;
    let day = date_days(date)?;
    let ticks = day.checked_mul(DAY)?.checked_add(time_of_day(time)?)?;
    (0..=MAX).contains(&ticks).then_some(ticks)
}

/// Cuts a text into its date and what follows.
fn split_date(text: &str) -> Option<(&str, &str)> {
    if text.starts_with(|first: char| first.is_ascii_alphabetic())
        || text
            .split_whitespace()
            .nth(1)
            .is_some_and(|word| word.starts_with(|first: char| first.is_ascii_alphabetic()))
    {
        // RFC 822: the date ends after the year, the first word with digits after the month's name.
        let mut month_seen = false;
        let mut position = 0;
        for word in text.split_whitespace() {
            let start = position + text[position..].find(word)?;
            position = start + word.len();
            if month_number(word.trim_end_matches(',')).is_some() {
                month_seen = true;
            } else if month_seen && word.starts_with(|first: char| first.is_ascii_digit()) {
                return Some((&text[..position], text[position..].trim()));
            }
        }
        return None;
    }
    match text.find(['T', 't', ' ']) {
        Some(at) => Some((&text[..at], text[at + 1..].trim())),
        None => Some((text.trim_end_matches(['Z', 'z']), "")),
    }
}

fn month_number(word: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let word = word.to_ascii_lowercase();
    if word.len() < 3 {
        return None;
    }
    let index = MONTHS
        .iter()
        .position(|month| word.get(..3) == Some(month))?;
    i64::try_from(index + 1).ok()
}

fn number(text: &str, longest: usize) -> Option<i64> {
    if text.is_empty() || text.len() > longest || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn date_days(date: &str) -> Option<i64> {
    let separated: Vec<&str> = date
        .split(['-', '/', ' ', ',', '.'])
        .filter(|part| !part.is_empty())
        .collect();
    if let Some(month_at) = separated.iter().position(|part| {
        part.starts_with(|first: char| first.is_ascii_alphabetic()) && month_number(part).is_some()
    }) {
        let day = number(separated.get(month_at.checked_sub(1)?)?, 2)?;
        let month = month_number(separated[month_at])?;
        let written = separated.get(month_at + 1)?;
        let mut year = number(written, 4)?;
        if written.len() == 2 {
            year += if year < 50 { 2000 } else { 1900 };
        }
        return days(year, month, day);
    }
    match separated.as_slice() {
        [all] if all.len() == 8 && all.is_ascii() => days(
            number(&all[..4], 4)?,
            number(&all[4..6], 2)?,
            number(&all[6..], 2)?,
        ),
        [year] => days(number(year, 4)?, 1, 1),
        [year, month] if year.len() == 4 => days(number(year, 4)?, number(month, 2)?, 1),
        [year, month, day] if year.len() == 4 => {
            days(number(year, 4)?, number(month, 2)?, number(day, 2)?)
        }
        [month, day, year] => days(number(year, 4)?, number(month, 2)?, number(day, 2)?),
        _ => None,
    }
}

/// A time of day with an offset; negative offsets may leave the day.
fn time_of_day(text: &str) -> Option<i64> {
    let mut text = text.trim();
    let mut offset = 0;
    let lower = text.to_ascii_lowercase();
    for zone in ["z", "gmt", "utc", "ut"] {
        if lower.ends_with(zone) {
            text = text[..text.len() - zone.len()].trim_end();
            break;
        }
    }
    let mut afternoon = None;
    let lower = text.to_ascii_lowercase();
    if lower.ends_with("am") || lower.ends_with("pm") {
        afternoon = Some(lower.ends_with("pm"));
        text = text[..text.len() - 2].trim_end();
    }
    if let Some(at) = text.rfind(['+', '-']) {
        let sign = if text[at..].starts_with('-') { -1 } else { 1 };
        let zone = &text[at + 1..];
        let (hours, minutes) = match zone.split_once(':') {
            Some((hours, minutes)) => (number(hours, 2)?, number(minutes, 2)?),
            None if zone.len() == 4 && zone.is_ascii() => {
                (number(&zone[..2], 2)?, number(&zone[2..], 2)?)
            }
            None => (number(zone, 2)?, 0),
        };
        offset = sign * (hours * 3600 + minutes * 60) * SECOND;
        text = text[..at].trim_end();
    }
    if text.is_empty() {
        return Some(-offset);
    }
    let mut parts = text.split(':');
    let mut hours = number(parts.next()?, 2)?;
    let minutes = parts.next().map_or(Some(0), |part| number(part, 2))?;
    let seconds = parts.next();
    if parts.next().is_some() || hours > 24 || minutes > 59 {
        return None;
    }
    match afternoon {
        Some(true) if hours < 12 => hours += 12,
        Some(false) if hours == 12 => hours = 0,
        _ => {}
    }
    let mut ticks = (hours * 3600 + minutes * 60) * SECOND;
    if let Some(seconds) = seconds {
        let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
        let whole = number(whole, 2)?;
        if whole > 59 {
            return None;
        }
        ticks += whole * SECOND + fraction_ticks(fraction)?;
    }
    Some(ticks - offset)
}

/// Digits after a decimal point of a second, as ticks.
fn fraction_ticks(digits: &str) -> Option<i64> {
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut padded: String = digits.chars().take(7).collect();
    while padded.len() < 7 {
        padded.push('0');
    }
    padded.parse().ok()
}

/// A datetime as the service writes it inside JSON.
pub(crate) fn datetime_text(ticks: i64) -> String {
    let day = ticks.div_euclid(DAY);
    let rest = ticks.rem_euclid(DAY);
    // Days are counted from 0001-03-01 of the year 0, so that leap days come last.
    let shifted = day + 306;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let second = rest / SECOND;
    format!(
        "{year:04}-{month:02}-{date:02}T{:02}:{:02}:{:02}.{:07}Z",
        second / 3600,
        second / 60 % 60,
        second % 60,
        rest % SECOND
    )
}

/// A timespan as the service writes it: `[-][d.]hh:mm:ss[.fffffff]`.
pub(crate) fn timespan_text(ticks: i64) -> String {
    let negative = if ticks < 0 { "-" } else { "" };
    let ticks = ticks.unsigned_abs();
    let second = SECOND.unsigned_abs();
    let day = DAY.unsigned_abs();
    let days = if ticks >= day {
        format!("{}.", ticks / day)
    } else {
        String::new()
    };
    let rest = ticks % day / second;
    let fraction = if ticks.is_multiple_of(second) {
        String::new()
    } else {
        format!(".{:07}", ticks % second)
    };
    format!(
        "{negative}{days}{:02}:{:02}:{:02}{fraction}",
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

#[cfg(test)]
mod tests {
    use super::{DAY, SECOND, datetime, datetime_text, timespan_text};

    #[test]
    fn datetimes_are_read_in_their_many_forms() {
        let new_year = datetime("2017-01-01").expect("a date");
        assert_eq!(datetime_text(new_year), "2017-01-01T00:00:00.0000000Z");
        for text in [
            "2017",
            "2017-01",
            "2017/1/1",
            "2017-01-01T00:00Z",
            "01/01/2017",
            "Sun, 1 Jan 17 00:00:00 GMT",
            "2016-12-31T22:00:00-02:00",
            "2017-01-01 00:00:00.0000000",
            "1 Jan 2017",
        ] {
            assert_eq!(datetime(text), Some(new_year), "{text}");
        }
        assert_eq!(
            datetime("2020-02-29 13:45:30.7654321"),
            datetime("2020-02-29").map(|day| day + 49_530 * SECOND + 7_654_321)
        );
        for text in [
            "2017-02-29",
            "1é17é1",
            "2017-01-01 10:00+éé",
            "2017-13-01",
            "yesterday",
            "",
            "2017-01-01 25:00",
            "20170101T99",
        ] {
            assert_eq!(datetime(text), None, "{text}");
        }
        assert_eq!(datetime("0001-01-01"), Some(0));
        assert_eq!(
            datetime_text(datetime("9999-12-31 23:59:59.9999999").expect("the end")),
            "9999-12-31T23:59:59.9999999Z"
        );
        assert_eq!(
            datetime_text(datetime("2000-02-29").expect("a leap day")),
            "2000-02-29T00:00:00.0000000Z"
        );
    }

    #[test]
    fn timespans_are_written_as_the_service_does() {
        assert_eq!(timespan_text(-DAY - SECOND), "-1.00:00:01");
        assert_eq!(timespan_text(5), "00:00:00.0000005");
    }
}
