//! Time as .NET counts it: ticks of 100 ns since the year 1.

use std::time::{Duration, SystemTime};

/// Ticks in a second.
pub(crate) const SECOND: i64 = 10_000_000;
/// Ticks in a day.
pub(crate) const DAY: i64 = 86_400 * SECOND;
/// The tick at which 1970 begins.
const UNIX_EPOCH: i64 = 621_355_968_000_000_000;
/// The last tick of the year 9999.
const LAST: i64 = 3_155_378_975_999_999_999;

/// The tick that `time` falls into.
pub(crate) fn from_system_time(time: SystemTime) -> i64 {
    let ticks = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos() / 100).unwrap_or(LAST),
        Err(before) => -i64::try_from(before.duration().as_nanos() / 100).unwrap_or(LAST),
    };
    ticks.saturating_add(UNIX_EPOCH).clamp(0, LAST)
}

/// The moment of a tick.
pub(crate) fn to_system_time(ticks: i64) -> Option<SystemTime> {
    let since = ticks.checked_sub(UNIX_EPOCH)?;
    let distance = Duration::from_nanos_u128(u128::from(since.unsigned_abs()) * 100);
    if since >= 0 {
        SystemTime::UNIX_EPOCH.checked_add(distance)
    } else {
        SystemTime::UNIX_EPOCH.checked_sub(distance)
    }
}

/// Whole seconds since 1970.
pub(crate) fn unix_seconds(time: SystemTime) -> i64 {
    (from_system_time(time) - UNIX_EPOCH).div_euclid(SECOND)
}

/// The tick at which a second since 1970 begins.
pub(crate) fn from_unix_seconds(seconds: i64) -> i64 {
    seconds
        .saturating_mul(SECOND)
        .saturating_add(UNIX_EPOCH)
        .clamp(0, LAST)
}

/// A tick's place in the calendar.
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    fraction: i64,
}

/// The proleptic Gregorian date of a day counted from 0001-01-01, after Hinnant's `civil_from_days`.
fn civil(ticks: i64) -> Civil {
    let days = ticks.div_euclid(DAY);
    let within = ticks.rem_euclid(DAY);
    // Counted from 0000-03-01, so that the leap day is the last of its year.
    let shifted = days + 306;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let seconds = within / SECOND;
    Civil {
        year,
        month,
        day,
        hour: seconds / 3600,
        minute: seconds / 60 % 60,
        second: seconds % 60,
        fraction: within % SECOND,
    }
}

/// The first tick of a day, if there is such a day.
fn from_date(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=9999).contains(&year) || !(1..=length).contains(&day) {
        return None;
    }
    let shifted_year = year - i64::from(month <= 2);
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    Some((era * 146_097 + of_era - 306) * DAY)
}

/// Appends `2024-03-26T09:39:50.7688641Z`, the fraction without trailing zeros.
pub(crate) fn write_datetime(out: &mut Vec<u8>, ticks: i64) {
    let at = civil(ticks);
    number(out, at.year, 4);
    out.push(b'-');
    number(out, at.month, 2);
    out.push(b'-');
    number(out, at.day, 2);
    out.push(b'T');
    clock(out, at.hour, at.minute, at.second);
    fraction(out, at.fraction, true);
    out.push(b'Z');
}

/// Appends `[-][d.]hh:mm:ss[.fffffff]`, .NET's constant format.
pub(crate) fn write_timespan(out: &mut Vec<u8>, ticks: i64) {
    if ticks < 0 {
        out.push(b'-');
    }
    let ticks = i128::from(ticks).unsigned_abs();
    let part = |divisor: u128, modulus: u128| i64::try_from(ticks / divisor % modulus).unwrap_or(0);
    let second = u128::from(SECOND.unsigned_abs());
    let days = ticks / (86_400 * second);
    if days > 0 {
        out.extend_from_slice(days.to_string().as_bytes());
        out.push(b'.');
    }
    clock(
        out,
        part(3600 * second, 24),
        part(60 * second, 60),
        part(second, 60),
    );
    fraction(out, part(1, second), false);
}

/// `2026-01-09 02:02:12Z`, as Entra ID stamps its errors.
pub(crate) fn stamp(time: SystemTime) -> String {
    let mut out = seconds(time, b' ');
    out.push('Z');
    out
}

/// `2026-01-09T02:02:12`, as Graph dates its errors.
pub(crate) fn graph_date(time: SystemTime) -> String {
    seconds(time, b'T')
}

fn seconds(time: SystemTime, between: u8) -> String {
    let mut out = Vec::with_capacity(20);
    let at = civil(from_system_time(time));
    number(&mut out, at.year, 4);
    out.push(b'-');
    number(&mut out, at.month, 2);
    out.push(b'-');
    number(&mut out, at.day, 2);
    out.push(between);
    clock(&mut out, at.hour, at.minute, at.second);
    String::from_utf8_lossy(&out).into_owned()
}

fn clock(out: &mut Vec<u8>, hour: i64, minute: i64, second: i64) {
    number(out, hour, 2);
    out.push(b':');
    number(out, minute, 2);
    out.push(b':');
    number(out, second, 2);
}

fn fraction(out: &mut Vec<u8>, ticks: i64, trimmed: bool) {
    if ticks == 0 {
        return;
    }
    out.push(b'.');
    number(out, ticks, 7);
    while trimmed && out.last() == Some(&b'0') {
        out.pop();
    }
}

/// Appends a number of at most `width` digits, filled up with zeros.
fn number(out: &mut Vec<u8>, value: i64, width: u32) {
    for place in (0..width).rev() {
        let digit = value / 10_i64.pow(place) % 10;
        out.push(b'0' + u8::try_from(digit).unwrap_or(0));
    }
}

/// Reads an ISO 8601 date or date and time; without an offset it is UTC.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let mut scanner = Scanner(text.trim());
    let year = scanner.digits(4)?;
    scanner.expect('-')?;
    let month = scanner.digits(2)?;
    scanner.expect('-')?;
    let mut ticks = from_date(year, month, scanner.digits(2)?)?;
    if scanner.take('T') || scanner.take('t') || scanner.take(' ') {
        ticks += scanner.time()?;
    }
    ticks -= scanner.offset()?;
    (scanner.0.is_empty() && (0..=LAST).contains(&ticks)).then_some(ticks)
}

struct Scanner<'a>(&'a str);

impl Scanner<'_> {
    fn take(&mut self, wanted: char) -> bool {
        match self.0.strip_prefix(wanted) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, wanted: char) -> Option<()> {
        self.take(wanted).then_some(())
    }

    fn digits(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        self.0 = rest;
        digits.parse().ok()
    }

    fn time(&mut self) -> Option<i64> {
        let hour = self.digits(2)?;
        self.expect(':')?;
        let minute = self.digits(2)?;
        let second = if self.take(':') { self.digits(2)? } else { 0 };
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let mut ticks = (hour * 3600 + minute * 60 + second) * SECOND;
        if self.take('.') || self.take(',') {
            let length = self.0.bytes().take_while(u8::is_ascii_digit).count();
            let (digits, rest) = self.0.split_at_checked(length)?;
            if digits.is_empty() {
                return None;
            }
            self.0 = rest;
            // Finer than a tick is cut off, as .NET does.
            let padded = format!("{:0<7}", &digits[..digits.len().min(7)]);
            ticks += padded.parse::<i64>().ok()?;
        }
        Some(ticks)
    }

    fn offset(&mut self) -> Option<i64> {
        if self.0.is_empty() || self.take('Z') || self.take('z') {
            return Some(0);
        }
        let sign = if self.take('+') {
            1
        } else {
            self.expect('-')?;
            -1
        };
        let hours = self.digits(2)?;
        self.take(':');
        let minutes = self.digits(2)?;
        Some(sign * (hours * 3600 + minutes * 60) * SECOND)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datetime(ticks: i64) -> String {
        let mut out = Vec::new();
        write_datetime(&mut out, ticks);
        String::from_utf8(out).unwrap()
    }

    fn timespan(ticks: i64) -> String {
        let mut out = Vec::new();
        write_timespan(&mut out, ticks);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn datetimes_travel_both_ways() {
        for text in [
            "0001-01-01T00:00:00Z",
            "1970-01-01T00:00:00Z",
            "2000-02-29T23:59:59.9999999Z",
            "2024-03-26T09:39:50.7688641Z",
            "2024-03-26T09:39:50.76Z",
            "9999-12-31T23:59:59.9999999Z",
        ] {
            assert_eq!(datetime(parse(text).unwrap()), text);
        }
    }

    #[test]
    fn the_unix_epoch_is_where_dotnet_puts_it() {
        assert_eq!(parse("1970-01-01"), Some(UNIX_EPOCH));
        assert_eq!(from_system_time(SystemTime::UNIX_EPOCH), UNIX_EPOCH);
        assert_eq!(to_system_time(UNIX_EPOCH), Some(SystemTime::UNIX_EPOCH));
        assert_eq!(parse("9999-12-31T23:59:59.9999999Z"), Some(LAST));
    }

    #[test]
    fn offsets_and_short_forms_are_read() {
        let expected = parse("2024-03-26T09:39:00Z");
        assert!(expected.is_some());
        assert_eq!(parse("2024-03-26 09:39"), expected);
        assert_eq!(parse("2024-03-26T11:39:00+02:00"), expected);
        assert_eq!(parse("2024-03-26T04:09:00-0530"), expected);
        for wrong in [
            "2023-02-29",
            "2024-3-26",
            "2024-03-26T24:00:00Z",
            "x",
            "",
            "2024-03-26T09:39:50.Z",
            "2024-03-26Zé",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn timespans_look_like_dotnet() {
        assert_eq!(timespan(0), "00:00:00");
        assert_eq!(timespan(12 * 60 * SECOND + 36 * SECOND), "00:12:36");
        assert_eq!(timespan(DAY + 1), "1.00:00:00.0000001");
        assert_eq!(timespan(-(DAY * 10 + 5_000_000)), "-10.00:00:00.5000000");
        assert_eq!(timespan(i64::MIN), "-10675199.02:48:05.4775808");
    }
}
