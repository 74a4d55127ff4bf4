//! The service's own time: 100-nanosecond ticks since the first day of the year 1.
//!
//! Kusto's `datetime` counts from 0001-01-01T00:00:00Z and ends with the year 9999; a `timespan`
//! is a signed number of the same ticks. Arrow counts nanoseconds since 1970, which end in 1677
//! and 2262, so the way there can fail and the way back cannot. All of it is integer arithmetic.
//!
//! Source: <https://learn.microsoft.com/kusto/query/scalar-data-types/datetime>

use std::fmt::Write as _;

/// Ticks in one second.
pub const PER_SECOND: i64 = 10_000_000;
/// Ticks in one day.
pub const PER_DAY: i64 = 86_400 * PER_SECOND;
/// The tick of 1970-01-01T00:00:00Z.
pub const UNIX_EPOCH: i64 = 719_162 * PER_DAY;
/// The first tick of the year 1.
pub const MIN: i64 = 0;
/// The last tick of the year 9999.
pub const MAX: i64 = 3_652_059 * PER_DAY - 1;

const NANOSECONDS: i64 = 100;

/// The Arrow value of a datetime, or `None` before 1677-09-21 and after 2262-04-11.
///
/// ```
/// use defender_table::ticks;
/// let ticks = ticks::parse_datetime("1970-01-01T00:00:00.0000001Z").unwrap();
/// assert_eq!(ticks::to_unix_nanoseconds(ticks), Some(100));
/// ```
pub fn to_unix_nanoseconds(ticks: i64) -> Option<i64> {
    (ticks - UNIX_EPOCH).checked_mul(NANOSECONDS)
}

/// The tick that holds an Arrow value; what is finer than a tick is cut off.
pub fn from_unix_nanoseconds(nanoseconds: i64) -> i64 {
    nanoseconds.div_euclid(NANOSECONDS) + UNIX_EPOCH
}

/// The Arrow value of a timespan, or `None` beyond 292 years.
pub fn timespan_to_nanoseconds(ticks: i64) -> Option<i64> {
    ticks.checked_mul(NANOSECONDS)
}

/// The timespan that holds an Arrow value; what is finer than a tick is cut off.
pub fn timespan_from_nanoseconds(nanoseconds: i64) -> i64 {
    nanoseconds / NANOSECONDS
}

/// The tick of a point in time, cut to whole ticks; `None` outside the years 1 to 9999.
pub fn from_system_time(time: std::time::SystemTime) -> Option<i64> {
    let ticks = match time.duration_since(std::time::SystemTime::UNIX_EPOCH) {
        Ok(after) => i128::try_from(after.as_nanos() / 100).ok()?,
        Err(before) => -i128::try_from(before.duration().as_nanos().div_ceil(100)).ok()?,
    };
    i64::try_from(ticks + i128::from(UNIX_EPOCH))
        .ok()
        .filter(|ticks| (0..=MAX).contains(ticks))
}

/// The system's time of `ticks`; `None` before 1970 and where nanoseconds do not reach.
pub fn to_system_time(ticks: i64) -> Option<std::time::SystemTime> {
    let nanoseconds = u64::try_from(to_unix_nanoseconds(ticks)?).ok()?;
    std::time::SystemTime::UNIX_EPOCH.checked_add(std::time::Duration::from_nanos(nanoseconds))
}

/// Reads an ISO 8601 datetime of the years 1 to 9999 as UTC ticks.
///
/// The time may be missing or end after the minutes; there may be 0 to 9 fraction digits, of which
/// the first seven count; the zone is `Z`, an offset, or missing, which means UTC.
///
/// ```
/// use defender_table::ticks;
/// let ticks = ticks::parse_datetime("2024-03-26T09:39:50.7688641Z").unwrap();
/// assert_eq!(ticks::format_datetime(ticks), "2024-03-26T09:39:50.7688641Z");
/// ```
pub fn parse_datetime(text: &str) -> Option<i64> {
    let mut scan = Scan(text.trim_ascii().as_bytes());
    let year = scan.digits(4)?;
    scan.byte(b'-')?;
    let month = scan.digits(2)?;
    scan.byte(b'-')?;
    let day = scan.digits(2)?;
    let days = days_from_civil(year, month, day)?;
    if scan.0.is_empty() {
        return Some(days * PER_DAY);
    }
    scan.any(b"Tt ")?;
    let (hour, minute) = (scan.digits(2)?, scan.colon_digits()?);
    let mut second = 0;
    let mut fraction = 0;
    if scan.0.first() == Some(&b':') {
        second = scan.colon_digits()?;
        fraction = scan.fraction()?;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let offset = scan.offset_minutes()?;
    if !scan.0.is_empty() {
        return None;
    }
    let seconds = (hour * 60 + minute - offset) * 60 + second;
    let ticks = days * PER_DAY + seconds * PER_SECOND + fraction;
    (0..=MAX).contains(&ticks).then_some(ticks)
}

/// Reads `YYYY-MM-DDThh:mm:ss[.fffffff]Z`, as the services write it, and nothing else.
///
/// What it reads, [`parse_datetime`] reads the same, in three times the time.
pub(crate) fn parse_common_datetime(text: &str) -> Option<i64> {
    let (head, rest) = text.as_bytes().split_first_chunk::<19>()?;
    let marks = [head[4], head[7], head[10], head[13], head[16]];
    if marks != *b"--T::" {
        return None;
    }
    let mut largest = 0;
    let mut digit = |byte: u8| {
        let digit = byte.wrapping_sub(b'0');
        largest = digit.max(largest);
        i64::from(digit)
    };
    let mut pair = |at: usize| digit(head[at]) * 10 + digit(head[at + 1]);
    let (century, year) = (pair(0), pair(2));
    let (month, day) = (pair(5), pair(8));
    let (hour, minute, second) = (pair(11), pair(14), pair(17));
    let fraction = match rest {
        [b'Z'] => 0,
        [b'.', digits @ .., b'Z'] if matches!(digits.len(), 1..=7) => {
            const SCALE: [i64; 8] = [0, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];
            let value = digits
                .iter()
                .fold(0, |value, byte| value * 10 + digit(*byte));
            value * SCALE[digits.len()]
        }
        _ => return None,
    };
    if largest > 9 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days_from_civil(century * 100 + year, month, day)?;
    Some(days * PER_DAY + (hour * 3600 + minute * 60 + second) * PER_SECOND + fraction)
}

/// Whether what was read from `text` has digits below 100 ns, which no tick holds.
pub(crate) fn is_finer(text: &str) -> bool {
    let fractions = text.split(['.', ',']).skip(1);
    fractions
        .map(|part| part.bytes().take_while(u8::is_ascii_digit))
        .any(|digits| digits.skip(7).any(|digit| digit != b'0'))
}

/// Writes a datetime as ISO 8601 with `Z` and no more fraction digits than it needs.
///
/// A tick outside the years 1 to 9999 is taken for the nearest inside.
pub fn format_datetime(ticks: i64) -> String {
    let mut text = String::with_capacity(28);
    push_datetime(&mut text, ticks);
    text
}

/// Appends what [`format_datetime`] writes.
pub fn push_datetime(text: &mut String, ticks: i64) {
    let ticks = ticks.clamp(0, MAX);
    let (year, month, day) = civil_from_days(ticks / PER_DAY);
    let rest = ticks % PER_DAY;
    let seconds = rest / PER_SECOND;
    push_padded(text, year, 4);
    text.push('-');
    push_padded(text, month, 2);
    text.push('-');
    push_padded(text, day, 2);
    text.push('T');
    push_clock(text, seconds);
    let fraction = rest % PER_SECOND;
    if fraction != 0 {
        text.push('.');
        push_padded(text, fraction, 7);
        text.truncate(text.trim_end_matches('0').len());
    }
    text.push('Z');
}

/// Reads a timespan `[-][d.]hh:mm:ss[.fffffff]`, as .NET writes it, days of any width.
///
/// ```
/// use defender_table::ticks;
/// assert_eq!(ticks::parse_timespan("00.12:00:36"), Some((12 * 3600 + 36) * ticks::PER_SECOND));
/// ```
pub fn parse_timespan(text: &str) -> Option<i64> {
    let text = text.trim_ascii();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut scan = Scan(text.as_bytes());
    let mut hours = scan.number()?;
    let mut days = 0;
    if scan.0.first() == Some(&b'.') {
        scan.0 = &scan.0[1..];
        days = hours;
        hours = scan.number()?;
    }
    let (minutes, seconds) = (scan.colon_digits()?, scan.colon_digits()?);
    let fraction = scan.fraction()?;
    if !scan.0.is_empty() || minutes > 59 || seconds > 59 || (days > 0 && hours > 23) {
        return None;
    }
    let whole = i128::from(days) * i128::from(PER_DAY)
        + (i128::from(hours) * 3600 + i128::from(minutes * 60 + seconds)) * i128::from(PER_SECOND)
        + i128::from(fraction);
    i64::try_from(if negative { -whole } else { whole }).ok()
}

/// Writes a timespan as `[-][d.]hh:mm:ss[.fffffff]`, as .NET does.
pub fn format_timespan(ticks: i64) -> String {
    let mut text = String::with_capacity(26);
    push_timespan(&mut text, ticks);
    text
}

/// Appends what [`format_timespan`] writes.
pub fn push_timespan(text: &mut String, ticks: i64) {
    if ticks < 0 {
        text.push('-');
    }
    let day = PER_DAY.unsigned_abs();
    let second = PER_SECOND.unsigned_abs();
    let ticks = ticks.unsigned_abs();
    if ticks >= day {
        let _ = write!(text, "{}.", ticks / day);
    }
    let rest = (ticks % day).cast_signed();
    push_clock(text, rest / PER_SECOND);
    let fraction = ticks % second;
    if fraction != 0 {
        let _ = write!(text, ".{fraction:07}");
    }
}

fn push_clock(text: &mut String, seconds: i64) {
    push_padded(text, seconds / 3600, 2);
    text.push(':');
    push_padded(text, seconds / 60 % 60, 2);
    text.push(':');
    push_padded(text, seconds % 60, 2);
}

/// Pushes the last `width` decimal digits; `write!` costs several times as much per cell.
fn push_padded(text: &mut String, value: i64, width: usize) {
    let mut digits = [b'0'; 7];
    let mut rest = value.unsigned_abs();
    for digit in digits[..width].iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
    }
    text.push_str(std::str::from_utf8(&digits[..width]).unwrap_or_default());
}

/// Days since 0001-01-01 of a date of the proleptic Gregorian calendar.
fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    const LENGTH: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let index = usize::try_from(month - 1).ok()?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = LENGTH.get(index)? + i64::from(leap && month == 2);
    if year < 1 || day < 1 || day > length {
        return None;
    }
    let past = year - 1;
    let leap_days = past / 4 - past / 100 + past / 400 + i64::from(leap && month > 2);
    Some(past * 365 + leap_days + BEFORE[index] + day - 1)
}

/// The date of a day since 0001-01-01, counted in eras of 400 years that begin in March.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 306;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// What is left of a text being read.
struct Scan<'a>(&'a [u8]);

impl Scan<'_> {
    fn byte(&mut self, wanted: u8) -> Option<()> {
        self.any(&[wanted])
    }

    fn any(&mut self, wanted: &[u8]) -> Option<()> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        wanted.contains(first).then_some(())
    }

    fn digits(&mut self, count: usize) -> Option<i64> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        head.iter().try_fold(0, |value, byte| {
            byte.is_ascii_digit()
                .then(|| value * 10 + i64::from(byte - b'0'))
        })
    }

    fn colon_digits(&mut self) -> Option<i64> {
        self.byte(b':')?;
        self.digits(2)
    }

    /// One to ten digits: enough for every day a timespan can hold.
    fn number(&mut self) -> Option<i64> {
        let count = self
            .0
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if (1..=10).contains(&count) {
            self.digits(count)
        } else {
            None
        }
    }

    /// An optional point and 0 to 9 digits, in ticks.
    fn fraction(&mut self) -> Option<i64> {
        if !matches!(self.0.first(), Some(b'.' | b',')) {
            return Some(0);
        }
        self.0 = &self.0[1..];
        let count = self
            .0
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if count > 9 {
            return None;
        }
        let kept = count.min(7);
        let value = self.digits(kept)?;
        self.digits(count - kept)?;
        Some(value * 10_i64.pow(u32::try_from(7 - kept).ok()?))
    }

    fn offset_minutes(&mut self) -> Option<i64> {
        let Some((first, rest)) = self.0.split_first() else {
            return Some(0);
        };
        self.0 = rest;
        let sign = match first {
            b'Z' | b'z' => return Some(0),
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let hours = self.digits(2)?;
        if self.0.first() == Some(&b':') {
            self.byte(b':')?;
        }
        let minutes = if self.0.is_empty() {
            0
        } else {
            self.digits(2)?
        };
        (hours <= 14 && minutes <= 59).then_some(sign * (hours * 60 + minutes))
    }
}

#[cfg(test)]
mod tests;
