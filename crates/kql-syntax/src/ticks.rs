//! Datetimes and timespans: ticks of 100 nanoseconds, the calendar, and their texts.
//!
//! A datetime counts from 0001-01-01T00:00:00Z. Whoever has a text of the language, a literal or a
//! value to convert, reads it here, so that both are read alike.

mod datetime;
mod timespan;

pub use datetime::{Notation, WrittenDate, datetime, datetime_text, time_of, written_date};
pub use timespan::{timespan, timespan_text};

/// Ticks of a millisecond.
pub const TICKS_PER_MILLISECOND: i64 = 10_000;
/// Ticks of a second.
pub const TICKS_PER_SECOND: i64 = 10_000_000;
/// Ticks of a minute.
pub const TICKS_PER_MINUTE: i64 = 60 * TICKS_PER_SECOND;
/// Ticks of an hour.
pub const TICKS_PER_HOUR: i64 = 60 * TICKS_PER_MINUTE;
/// Ticks of a day.
pub const TICKS_PER_DAY: i64 = 24 * TICKS_PER_HOUR;
/// 1970-01-01 in ticks.
pub const UNIX_EPOCH: i64 = 621_355_968_000_000_000;
/// 9999-12-31T23:59:59.9999999 in ticks.
pub const LAST: i64 = 3_155_378_975_999_999_999;

/// A day of the calendar; months and days count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    /// 1 to 9999.
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
}

/// Ticks inside the years 1 to 9999; everything else is no datetime.
pub fn in_range(ticks: i64) -> Option<i64> {
    (0..=LAST).contains(&ticks).then_some(ticks)
}

/// Days since 0001-01-01 of a date; the date may be out of range.
pub fn days_of(date: Date) -> i64 {
    // Howard Hinnant's days_from_civil, shifted from 1970 to year 1.
    let year = if date.month <= 2 {
        date.year - 1
    } else {
        date.year
    };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((date.month + 9) % 12) + 2) / 5 + date.day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 306
}

/// The date that ticks fall on.
pub fn date_of(ticks: i64) -> Date {
    let days = ticks.div_euclid(TICKS_PER_DAY) + 306;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    Date {
        year: year_of_era + era * 400 + i64::from(month <= 2),
        month,
        day: day_of_year - (153 * shifted + 2) / 5 + 1,
    }
}

/// Whether a year has a 29th of February.
pub fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// How many days a month has.
pub fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Midnight of a date that exists, in ticks.
pub fn midnight(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=9999).contains(&year)
        || !(1..=12).contains(&month)
        || !(1..=days_in_month(year, month)).contains(&day)
    {
        return None;
    }
    Some(days_of(Date { year, month, day }) * TICKS_PER_DAY)
}

/// Adds months; a day past the month's end becomes its last day.
pub fn add_months(ticks: i64, months: i64) -> Option<i64> {
    let Date { year, month, day } = date_of(ticks);
    let total = year
        .checked_mul(12)?
        .checked_add(month - 1)?
        .checked_add(months)?;
    let (year, month) = (total.div_euclid(12), total.rem_euclid(12) + 1);
    let day = day.min(days_in_month(year, month));
    Some(midnight(year, month, day)? + ticks.rem_euclid(TICKS_PER_DAY))
}

/// The day of the week; Sunday is 0.
pub fn weekday(ticks: i64) -> i64 {
    (ticks.div_euclid(TICKS_PER_DAY) + 1).rem_euclid(7)
}

/// The day of the year, from 1.
pub fn day_of_year(ticks: i64) -> i64 {
    let date = date_of(ticks);
    days_of(date)
        - days_of(Date {
            year: date.year,
            month: 1,
            day: 1,
        })
        + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_the_calendar_round_trips() {
        for day in (0..3_652_059).step_by(97) {
            let date = date_of(day * TICKS_PER_DAY);
            assert_eq!(days_of(date), day);
        }
        assert_eq!(midnight(1970, 1, 1), Some(UNIX_EPOCH));
        assert_eq!(midnight(2023, 2, 29), None);
        assert_eq!(weekday(UNIX_EPOCH), 4);
        assert_eq!(day_of_year(midnight(2024, 12, 31).unwrap()), 366);
    }
}
