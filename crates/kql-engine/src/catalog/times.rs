//! Times as portals and scripts write them.
//!
//! Where a date is three numbers with the year last, the portal writes the order of whoever exports.
//! Which of two numbers is the month is never guessed: a part above 12 anywhere in the column of the
//! file tells, or the order that the caller gives; otherwise the value is refused.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::AsArray;
use kql_semantics::ScalarType;
use kql_syntax::ticks;

use super::files::Source;
use super::fit;
use crate::EngineError;
use crate::datum::Datum;

/// Whether the month or the day comes first in dates such as `05/03/2024`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrder {
    /// `05/03/2024` is the 3rd of May.
    MonthFirst,
    /// `05/03/2024` is the 5th of March.
    DayFirst,
}

/// What the columns of a file tell about the order of their dates, once somebody asked.
#[derive(Debug, Clone, Default)]
pub(super) struct Orders(Arc<Mutex<BTreeMap<String, Evidence>>>);

/// Values of a column whose order there is no doubt about.
#[derive(Debug, Clone, Default)]
struct Evidence {
    month_first: Option<String>,
    day_first: Option<String>,
}

/// The instant that is meant, where that needs no order of day and month.
pub(super) fn plain(written: &str) -> Option<i64> {
    let written = written.trim();
    // A year of four digits first, as nearly everything writes it.
    if let [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', _, b'-', ..] = written.as_bytes() {
        return ticks::datetime(written).or_else(|| apart(written));
    }
    if let Some(numbers) = Numbers::of(written) {
        return (numbers.first == numbers.second)
            .then(|| numbers.read(DateOrder::DayFirst))
            .flatten();
    }
    // Three numbers with the year in two digits could be in any order.
    let bytes = written.as_bytes();
    let digits = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let is_short = matches!(digits, 1 | 2)
        && matches!(bytes.get(digits), Some(b'/' | b'-' | b'.'))
        && bytes.get(digits + 1).is_some_and(u8::is_ascii_digit);
    if is_short {
        return None;
    }
    ticks::datetime(written).or_else(|| apart(written))
}

/// `Mar 13, 2024, 3:40:13 PM`, `13 March 2024 at 15:40`
fn apart(written: &str) -> Option<i64> {
    let (date, time) = written
        .split_once(" at ")
        .or_else(|| written.rsplit_once(", "))?;
    on(ticks::datetime(date.trim())?, time)
}

/// A time of day, or none, on a day.
fn on(midnight: i64, time: &str) -> Option<i64> {
    let time = time.trim_start_matches([',', 'T', ' ', '\u{a0}', '\u{202f}']);
    let plain = time
        .to_ascii_lowercase()
        .replace("a.m.", "am")
        .replace("p.m.", "pm");
    ticks::time_of(midnight, &plain)
}

/// A date of three numbers with the year last, and what comes after it.
struct Numbers<'a> {
    first: i64,
    second: i64,
    year: i64,
    rest: &'a str,
}

impl<'a> Numbers<'a> {
    fn of(written: &'a str) -> Option<Self> {
        let (first, rest) = number(written, 2)?;
        let separator = rest.chars().next().filter(|one| "/.-".contains(*one))?;
        let (second, rest) = number(&rest[1..], 2)?;
        let (year, rest) = number(rest.strip_prefix(separator)?, 4)?;
        (year > 999 && !rest.starts_with(|one: char| one.is_ascii_digit())).then_some(Self {
            first,
            second,
            year,
            rest,
        })
    }

    fn read(&self, order: DateOrder) -> Option<i64> {
        let (month, day) = match order {
            DateOrder::MonthFirst => (self.first, self.second),
            DateOrder::DayFirst => (self.second, self.first),
        };
        on(ticks::midnight(self.year, month, day)?, self.rest)
    }
}

fn number(written: &str, most: usize) -> Option<(i64, &str)> {
    let length = written
        .bytes()
        .take(most)
        .take_while(u8::is_ascii_digit)
        .count();
    Some((written[..length].parse().ok()?, &written[length..]))
}

impl Evidence {
    fn see(&mut self, written: &str) {
        let Some(numbers) = Numbers::of(written.trim()) else {
            return;
        };
        let place = match (numbers.first > 12, numbers.second > 12) {
            (false, true) => &mut self.month_first,
            (true, false) => &mut self.day_first,
            _ => return,
        };
        place.get_or_insert_with(|| written.to_owned());
    }
}

impl Source {
    /// The value of a text that alone does not tell it, or what is wrong with it.
    pub(super) fn otherwise(
        &self,
        column: &str,
        written: &str,
        ty: ScalarType,
    ) -> Result<Datum<'static>, String> {
        if ty != ScalarType::DateTime {
            return Err(fit::misfit(column, written, ty));
        }
        self.moment(column, written)
            .map_err(|error| error.to_string())
    }

    /// A date of three numbers in the order that the column of this file has; otherwise what is
    /// wrong with it.
    pub(super) fn moment(
        &self,
        column: &str,
        written: &str,
    ) -> Result<Datum<'static>, EngineError> {
        let ty = ScalarType::DateTime;
        let misfit = || EngineError::runtime(fit::misfit(column, written, ty));
        let Some(numbers) = Numbers::of(written.trim()) else {
            return Err(misfit());
        };
        let order = match self.reading.date_order {
            Some(order) => order,
            None => self.order(column, written)?,
        };
        numbers.read(order).map(Datum::DateTime).ok_or_else(misfit)
    }

    /// The order that all values of a column tell; reads them.
    fn order(&self, column: &str, written: &str) -> Result<DateOrder, EngineError> {
        let evidence = self.evidence(column)?;
        let shown = fit::in_short(written);
        match (evidence.month_first, evidence.day_first) {
            (Some(_), None) => Ok(DateOrder::MonthFirst),
            (None, Some(_)) => Ok(DateOrder::DayFirst),
            (None, None) => Err(EngineError::runtime(format!(
                "has {shown} in column {column}, where the day or the month may come first and no \
                 value of the column tells; say which with --date-order mdy or --date-order dmy"
            ))),
            (Some(month), Some(day)) => Err(EngineError::runtime(format!(
                "has {shown} in column {column}, where {} has the month first and {} the day",
                fit::in_short(&month),
                fit::in_short(&day)
            ))),
        }
    }

    fn evidence(&self, column: &str) -> Result<Evidence, EngineError> {
        let known = |orders: &Orders| {
            let orders = orders.0.lock().unwrap_or_else(PoisonError::into_inner);
            orders.get(column).cloned()
        };
        if let Some(evidence) = known(&self.orders) {
            return Ok(evidence);
        }
        let mut evidence = Evidence::default();
        for batch in self.read_as_named(&[(column.to_owned(), ScalarType::String)])? {
            for value in batch?.column(0).as_string::<i64>().iter().flatten() {
                evidence.see(value);
            }
        }
        let mut orders = self.orders.0.lock().unwrap_or_else(PoisonError::into_inner);
        orders.insert(column.to_owned(), evidence.clone());
        Ok(evidence)
    }
}

#[cfg(test)]
mod tests {
    use super::{DateOrder, Numbers, plain};
    use kql_syntax::ticks;

    fn shown(ticks: Option<i64>) -> Option<String> {
        ticks.map(|moment| ticks::datetime_text(moment)[..19].to_owned())
    }

    #[test]
    fn what_is_plain_needs_no_order() {
        for (written, expected) in [
            ("2024-03-13T15:40:13Z", Some("2024-03-13T15:40:13")),
            ("2024-03-13 15:40:13+02:00", Some("2024-03-13T13:40:13")),
            ("2024/03/13 15:40", Some("2024-03-13T15:40:00")),
            ("Mar 13, 2024 3:40:13 PM", Some("2024-03-13T15:40:13")),
            (
                "Mar 13, 2024, 3:40:13\u{202f}PM",
                Some("2024-03-13T15:40:13"),
            ),
            ("March 13, 2024 at 3:40:13 PM", Some("2024-03-13T15:40:13")),
            ("13 Mar 2024 15:40:13", Some("2024-03-13T15:40:13")),
            ("13 Mar 2024, 15:40:13", Some("2024-03-13T15:40:13")),
            ("05/05/2024 1:00:00 AM", Some("2024-05-05T01:00:00")),
            ("05/03/2024", None),
            ("13/03/2024", None),
            ("05/03/24", None),
            ("05-03-24 10:00", None),
            ("24.03.05", None),
            ("1710344413", None),
            ("yesterday", None),
        ] {
            assert_eq!(shown(plain(written)).as_deref(), expected, "{written}");
        }
    }

    #[test]
    fn numbers_are_read_in_an_order() {
        for (written, month, day) in [
            (
                "05/03/2024 18:41:25",
                Some("2024-05-03T18:41:25"),
                Some("2024-03-05T18:41:25"),
            ),
            ("3/13/2024, 3:40:13 PM", Some("2024-03-13T15:40:13"), None),
            ("13.03.2024 15:40:13", None, Some("2024-03-13T15:40:13")),
            (
                "11/1/2026, 8:00:00.123 AM",
                Some("2026-11-01T08:00:00"),
                Some("2026-01-11T08:00:00"),
            ),
            (
                "11/1/2026, 8:00:00\u{202f}p.m.",
                Some("2026-11-01T20:00:00"),
                Some("2026-01-11T20:00:00"),
            ),
            (
                "1-2-2024",
                Some("2024-01-02T00:00:00"),
                Some("2024-02-01T00:00:00"),
            ),
            ("1/2/2024 25:00", None, None),
            ("1/2/2024 13:00 PM", None, None),
        ] {
            let read = |order| shown(Numbers::of(written).and_then(|one| one.read(order)));
            assert_eq!(read(DateOrder::MonthFirst).as_deref(), month, "{written}");
            assert_eq!(read(DateOrder::DayFirst).as_deref(), day, "{written}");
        }
    }
}
