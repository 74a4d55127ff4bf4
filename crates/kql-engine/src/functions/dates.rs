//! Functions of datetimes and timespans.

use kql_syntax::ticks::{
    self, Date, TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MILLISECOND, TICKS_PER_MINUTE,
    TICKS_PER_SECOND, UNIX_EPOCH, date_of,
};

use super::Call;
use crate::EngineError;
use crate::datum::{Datum, real_to_long};
use crate::expression::{Kernel, kernel};

/// A kernel of the first argument's ticks.
fn of_ticks(
    body: impl Fn(i64, &[Datum<'_>]) -> Option<Datum<'static>> + Send + Sync + 'static,
) -> Kernel {
    kernel(move |values| {
        Ok(values[0]
            .as_long()
            .and_then(|ticks| body(ticks, values))
            .unwrap_or(Datum::Null))
    })
}

fn moment(ticks: Option<i64>) -> Option<Datum<'static>> {
    ticks.and_then(ticks::in_range).map(Datum::DateTime)
}

fn small(number: i64) -> Option<Datum<'static>> {
    i32::try_from(number).ok().map(Datum::Int)
}

pub(super) fn kernel_of(call: &Call) -> Result<Option<Kernel>, EngineError> {
    let now = || {
        call.now
            .ok_or_else(|| EngineError::runtime("the query asks for the time and has none"))
    };
    Ok(Some(match call.name {
        "now" => {
            let now = now()?;
            kernel(move |values| {
                let offset = values.first().map_or(Some(0), Datum::as_long);
                Ok(
                    moment(offset.and_then(|offset| now.checked_add(offset)))
                        .unwrap_or(Datum::Null),
                )
            })
        }
        "ago" => {
            let now = now()?;
            of_ticks(move |span, _| moment(now.checked_sub(span)))
        }
        "startofday" | "startofweek" | "startofmonth" | "startofyear" => {
            let unit = &call.name[7..];
            of_ticks(move |ticks, values| {
                let offset = values.get(1).map_or(Some(0), Datum::as_long)?;
                moment(start_of(unit, ticks, offset))
            })
        }
        "endofday" | "endofweek" | "endofmonth" | "endofyear" => {
            let unit = &call.name[5..];
            of_ticks(move |ticks, values| {
                let offset = values.get(1).map_or(Some(0), Datum::as_long)?;
                let next = start_of(unit, ticks, offset.checked_add(1)?)
                    .or(Some(ticks::LAST + 1))
                    .filter(|_| offset == 0 || start_of(unit, ticks, offset + 1).is_some())?;
                moment(next.checked_sub(1))
            })
        }
        // The service looks at the next day, and the last day of the calendar has none.
        "dayofweek" => of_ticks(|ticks, _| {
            ticks::in_range(ticks.checked_add(TICKS_PER_DAY)?)?;
            Some(Datum::TimeSpan(ticks::weekday(ticks) * TICKS_PER_DAY))
        }),
        "dayofmonth" => of_ticks(|ticks, _| small(date_of(ticks).day)),
        "dayofyear" => of_ticks(|ticks, _| small(ticks::day_of_year(ticks))),
        "hourofday" => of_ticks(|ticks, _| small(ticks.rem_euclid(TICKS_PER_DAY) / TICKS_PER_HOUR)),
        "week_of_year" => of_ticks(|ticks, _| small(week_of_year(ticks))),
        "getyear" => of_ticks(|ticks, _| small(date_of(ticks).year)),
        "getmonth" => of_ticks(|ticks, _| small(date_of(ticks).month)),
        "datetime_part" => kernel(|values| {
            let part = values[0].display().to_ascii_lowercase();
            Ok(values[1]
                .as_long()
                .and_then(|ticks| datetime_part(&part, ticks))
                .unwrap_or(Datum::Null))
        }),
        "datetime_add" => kernel(|values| {
            let unit = values[0].display().to_ascii_lowercase();
            let (Some(count), Some(ticks)) = (values[1].as_long(), values[2].as_long()) else {
                return Ok(Datum::Null);
            };
            Ok(moment(datetime_add(&unit, count, ticks)).unwrap_or(Datum::Null))
        }),
        "datetime_diff" => kernel(|values| {
            let unit = values[0].display().to_ascii_lowercase();
            let (Some(one), Some(two)) = (values[1].as_long(), values[2].as_long()) else {
                return Ok(Datum::Null);
            };
            Ok(datetime_diff(&unit, one, two).map_or(Datum::Null, Datum::Long))
        }),
        "make_datetime" => kernel(|values| {
            if values.len() == 1 {
                return Ok(crate::convert::to_type(
                    &values[0],
                    kql_semantics::ScalarType::DateTime,
                )
                .into_owned());
            }
            Ok(moment(make_datetime(values)).unwrap_or(Datum::Null))
        }),
        "make_timespan" => kernel(|values| {
            if values.len() == 1 {
                return Ok(crate::convert::to_type(
                    &values[0],
                    kql_semantics::ScalarType::TimeSpan,
                )
                .into_owned());
            }
            Ok(make_timespan(values).map_or(Datum::Null, Datum::TimeSpan))
        }),
        "format_datetime" => {
            if let Some(format) = call.constant_text(1) {
                format_datetime(0, &format)?;
            }
            kernel(|values| {
                let Some(ticks) = values[0].as_long() else {
                    return Ok(Datum::text(""));
                };
                format_datetime(ticks, &values[1].display())
            })
        }
        "format_timespan" => {
            if let Some(format) = call.constant_text(1) {
                format_timespan(0, &format)?;
            }
            kernel(|values| {
                let Some(ticks) = values[0].as_long() else {
                    return Ok(Datum::text(""));
                };
                format_timespan(ticks, &values[1].display())
            })
        }
        "unixtime_seconds_todatetime" => from_unix(10_000_000.0),
        "unixtime_milliseconds_todatetime" => from_unix(10_000.0),
        "unixtime_microseconds_todatetime" => from_unix(10.0),
        "unixtime_nanoseconds_todatetime" => from_unix(0.01),
        _ => return Ok(None),
    }))
}

fn from_unix(ticks_per_unit: f64) -> Kernel {
    kernel(move |values| Ok(unix_time(&values[0], ticks_per_unit)))
}

/// The moment that is so many units after the start of 1970.
pub(crate) fn unix_time(value: &Datum<'_>, ticks_per_unit: f64) -> Datum<'static> {
    let since = match value {
        Datum::Real(number) => real_to_long((number * ticks_per_unit).trunc()),
        value => value.as_long().and_then(|number| {
            if ticks_per_unit < 1.0 {
                Some(number / 100)
            } else {
                number.checked_mul(real_to_long(ticks_per_unit)?)
            }
        }),
    };
    moment(since.and_then(|since| since.checked_add(UNIX_EPOCH))).unwrap_or(Datum::Null)
}

fn start_of(unit: &str, ticks: i64, offset: i64) -> Option<i64> {
    let day = ticks - ticks.rem_euclid(TICKS_PER_DAY);
    let date = date_of(ticks);
    let start = match unit {
        "day" => day.checked_add(offset.checked_mul(TICKS_PER_DAY)?)?,
        "week" => (day - ticks::weekday(ticks) * TICKS_PER_DAY)
            .checked_add(offset.checked_mul(7 * TICKS_PER_DAY)?)?,
        "month" => {
            let months = (date.year * 12 + date.month - 1).checked_add(offset)?;
            ticks::midnight(months.div_euclid(12), months.rem_euclid(12) + 1, 1)?
        }
        _ => ticks::midnight(date.year.checked_add(offset)?, 1, 1)?,
    };
    // The week of 0001-01-01 begins before the first datetime.
    Some(start)
}

/// ISO 8601.
fn week_of_year(ticks: i64) -> i64 {
    let day = ticks.div_euclid(TICKS_PER_DAY);
    let thursday = day - (ticks::weekday(ticks) + 6) % 7 + 3;
    let year = date_of(thursday * TICKS_PER_DAY).year;
    let first = ticks::days_of(Date {
        year,
        month: 1,
        day: 1,
    });
    (thursday - first) / 7 + 1
}

fn datetime_part(part: &str, ticks: i64) -> Option<Datum<'static>> {
    let date = date_of(ticks);
    let within = ticks.rem_euclid(TICKS_PER_DAY);
    let fraction = within % TICKS_PER_SECOND;
    small(match part {
        "year" => date.year,
        "quarter" => (date.month - 1) / 3 + 1,
        "month" => date.month,
        "week_of_year" | "weekofyear" | "week" => week_of_year(ticks),
        "day" => date.day,
        "dayofyear" | "day_of_year" => ticks::day_of_year(ticks),
        "hour" => within / TICKS_PER_HOUR,
        "minute" => within / TICKS_PER_MINUTE % 60,
        "second" => within / TICKS_PER_SECOND % 60,
        "millisecond" => fraction / TICKS_PER_MILLISECOND,
        "microsecond" => fraction / 10,
        "nanosecond" => fraction * 100,
        _ => return None,
    })
}

fn ticks_of(unit: &str) -> Option<i64> {
    Some(match unit {
        "week" => 7 * TICKS_PER_DAY,
        "day" => TICKS_PER_DAY,
        "hour" => TICKS_PER_HOUR,
        "minute" => TICKS_PER_MINUTE,
        "second" => TICKS_PER_SECOND,
        "millisecond" => TICKS_PER_MILLISECOND,
        "microsecond" => 10,
        _ => return None,
    })
}

fn datetime_add(unit: &str, count: i64, ticks: i64) -> Option<i64> {
    match unit {
        "year" => ticks::add_months(ticks, count.checked_mul(12)?),
        "quarter" => ticks::add_months(ticks, count.checked_mul(3)?),
        "month" => ticks::add_months(ticks, count),
        "nanosecond" => ticks.checked_add(count / 100),
        _ => ticks.checked_add(count.checked_mul(ticks_of(unit)?)?),
    }
}

/// How many borders of the unit lie between.
fn datetime_diff(unit: &str, one: i64, two: i64) -> Option<i64> {
    let (first, second) = (date_of(one), date_of(two));
    Some(match unit {
        "year" => first.year - second.year,
        "quarter" => {
            (first.year * 4 + (first.month - 1) / 3) - (second.year * 4 + (second.month - 1) / 3)
        }
        "month" => (first.year * 12 + first.month) - (second.year * 12 + second.month),
        "week" => {
            let week = |ticks: i64| (ticks.div_euclid(TICKS_PER_DAY) + 1).div_euclid(7);
            week(one) - week(two)
        }
        "nanosecond" => one.checked_sub(two)?.checked_mul(100)?,
        _ => {
            let size = ticks_of(unit)?;
            one.div_euclid(size) - two.div_euclid(size)
        }
    })
}

fn make_datetime(values: &[Datum<'_>]) -> Option<i64> {
    let part = |at: usize| values.get(at).map_or(Some(0), Datum::as_long);
    let midnight = ticks::midnight(
        part(0)?,
        values.get(1).map_or(Some(1), Datum::as_long)?,
        values.get(2).map_or(Some(1), Datum::as_long)?,
    )?;
    let (hour, minute) = (part(3)?, part(4)?);
    let seconds = values.get(5).map_or(Some(0.0), Datum::as_real)?;
    if !(0..24).contains(&hour) || !(0..60).contains(&minute) || !(0.0..60.0).contains(&seconds) {
        return None;
    }
    let fraction = real_to_long((seconds * 1e7).round())?;
    Some(midnight + hour * TICKS_PER_HOUR + minute * TICKS_PER_MINUTE + fraction)
}

fn make_timespan(values: &[Datum<'_>]) -> Option<i64> {
    let number = |at: usize| values.get(at).map_or(Some(0), Datum::as_long);
    let (days, first) = if values.len() == 4 {
        (number(0)?, 1)
    } else {
        (0, 0)
    };
    let (hours, minutes) = (number(first)?, number(first + 1)?);
    let seconds = values.get(first + 2).map_or(Some(0.0), Datum::as_real)?;
    if !(0..24).contains(&hours) || !(0..60).contains(&minutes) || !(0.0..60.0).contains(&seconds) {
        return None;
    }
    days.checked_mul(TICKS_PER_DAY)?.checked_add(
        hours * TICKS_PER_HOUR
            + minutes * TICKS_PER_MINUTE
            + real_to_long((seconds * 1e7).round())?,
    )
}

/// Runs of equal characters of a format.
fn runs(format: &str, longest: fn(char) -> usize) -> Vec<(char, usize)> {
    let mut list: Vec<(char, usize)> = Vec::new();
    for character in format.chars() {
        match list.last_mut() {
            Some((last, count)) if *last == character && *count < longest(character) => *count += 1,
            _ => list.push((character, 1)),
        }
    }
    list
}

fn unknown(kind: &str, character: char) -> EngineError {
    EngineError::argument(format!("'{character}' means nothing in a {kind} format"))
}

/// Digits of a second's fraction, for `f` kept and for `F` without trailing zeros.
fn fraction(ticks: i64, count: usize, trimmed: bool) -> String {
    let digits = format!("{:07}", ticks.rem_euclid(TICKS_PER_SECOND));
    let cut = &digits[..count.min(7)];
    if trimmed {
        cut.trim_end_matches('0').to_owned()
    } else {
        cut.to_owned()
    }
}

fn format_datetime(ticks: i64, format: &str) -> Result<Datum<'static>, EngineError> {
    let date = date_of(ticks);
    let within = ticks.rem_euclid(TICKS_PER_DAY);
    let hour = within / TICKS_PER_HOUR;
    let mut out = String::new();
    for (character, count) in runs(format, datetime_run) {
        let number = |value: i64| {
            if count == 1 {
                value.to_string()
            } else {
                format!("{value:02}")
            }
        };
        match character {
            'y' if count <= 2 => out.push_str(&number(date.year % 100)),
            'y' => out.push_str(&format!("{:0count$}", date.year)),
            'M' => out.push_str(&number(date.month)),
            'd' => out.push_str(&number(date.day)),
            'H' => out.push_str(&number(hour)),
            'h' => out.push_str(&number((hour + 11) % 12 + 1)),
            'm' => out.push_str(&number(within / TICKS_PER_MINUTE % 60)),
            's' => out.push_str(&number(within / TICKS_PER_SECOND % 60)),
            'f' => out.push_str(&fraction(ticks, count, false)),
            'F' => out.push_str(&fraction(ticks, count, true)),
            't' => out.push_str(match (hour >= 12, count) {
                (false, 1) => "A",
                (true, 1) => "P",
                (false, _) => "AM",
                (true, _) => "PM",
            }),
            ' ' | '/' | '-' | ':' | ',' | '.' | '_' | '[' | ']' => {
                out.extend(std::iter::repeat_n(character, count));
            }
            other => return Err(unknown("datetime", other)),
        }
    }
    Ok(Datum::text(out))
}

fn format_timespan(ticks: i64, format: &str) -> Result<Datum<'static>, EngineError> {
    let size = i64::try_from(ticks.unsigned_abs()).unwrap_or(i64::MAX);
    let mut out = String::new();
    if ticks < 0 {
        out.push('-');
    }
    for (character, count) in runs(format, timespan_run) {
        let number = |value: i64| format!("{value:0count$}");
        match character {
            'd' => out.push_str(&number(size / TICKS_PER_DAY)),
            'H' | 'h' => out.push_str(&number(size / TICKS_PER_HOUR % 24)),
            'm' => out.push_str(&number(size / TICKS_PER_MINUTE % 60)),
            's' => out.push_str(&number(size / TICKS_PER_SECOND % 60)),
            'f' => out.push_str(&fraction(size, count, false)),
            'F' => out.push_str(&fraction(size, count, true)),
            ' ' | '/' | '-' | ':' | ',' | '.' | '_' | '[' | ']' => {
                out.extend(std::iter::repeat_n(character, count));
            }
            other => return Err(unknown("timespan", other)),
        }
    }
    Ok(Datum::text(out))
}

fn datetime_run(character: char) -> usize {
    match character {
        'y' => 4,
        'f' | 'F' => 7,
        _ => 2,
    }
}

fn timespan_run(character: char) -> usize {
    match character {
        'd' => 8,
        'f' | 'F' => 7,
        _ => 2,
    }
}
