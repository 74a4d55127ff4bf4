//! Times as portals and scripts write them.
//!
//! Where a date is three numbers with the year last, the portal writes the order of whoever exports.
//! Which of two numbers is the month is never guessed: a part above 12 anywhere in the column of the
//! file tells, or the order that the caller gives; otherwise the value is refused.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::AsArray;
use kql_semantics::ScalarType;
use kql_syntax::ticks::{self, Notation, WrittenDate};

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
///
/// What begins with a year, or names its month, is read as KQL reads it. Of three numbers with the
/// year last nothing is read here that the order would change, however they are parted.
pub(super) fn plain(written: &str) -> Option<i64> {
    let date = ticks::written_date(written.trim())?;
    let is_date = match date.notation {
        Notation::YearFirst | Notation::MonthNamed => true,
        // `20261101` is written by machines; any other number of eight digits is a number.
        Notation::Compact => (1900..2100).contains(&date.year),
        // `2026.5` is a number, and so is `2026`.
        Notation::YearAndMonth => date.rest.is_empty() && !written.contains(['.', ',', ' ', '\t']),
        Notation::Year => false,
        Notation::YearLast => {
            return in_numbers(written)
                .filter(|date| date.month == date.day)
                .and_then(|date| read(&date, DateOrder::DayFirst));
        }
    };
    if !is_date {
        return None;
    }
    on(ticks::midnight(date.year, date.month, date.day)?, date.rest)
}

/// Whether values of a type are kept as ticks.
pub(super) fn is_time(ty: ScalarType) -> bool {
    matches!(ty, ScalarType::DateTime | ScalarType::TimeSpan)
}

/// Whether a time has digits below 100 ns, which no tick holds.
pub(super) fn is_finer(written: &str) -> bool {
    let fractions = written.split('.').skip(1);
    fractions
        .map(|part| part.bytes().take_while(u8::is_ascii_digit))
        .any(|mut digits| digits.by_ref().skip(7).any(|digit| digit != b'0'))
}

/// A time of day, or none, on a day: `3:40:13 p.m.`, `T15:40:13Z`, `at 15:40`
fn on(midnight: i64, rest: &str) -> Option<i64> {
    let gaps = [',', ' ', '\u{a0}', '\u{202f}'];
    let rest = rest.trim_start_matches(gaps);
    let time = rest
        .strip_prefix(['T', 't'])
        .or_else(|| rest.strip_prefix("at "));
    let time = time.unwrap_or(rest).trim_start_matches(gaps);
    ticks::time_of(midnight, time).or_else(|| {
        let plain = time.to_ascii_lowercase();
        let plain = plain.replace("a.m.", "am").replace("p.m.", "pm");
        ticks::time_of(midnight, &plain)
    })
}

/// A date of three numbers with the year last, in whatever notation, and what comes after it; of a
/// year in two digits it is not known which number it is.
fn in_numbers(written: &str) -> Option<WrittenDate<'_>> {
    ticks::written_date(written.trim())
        .filter(|date| date.notation == Notation::YearLast && !date.is_short)
}

/// The instant that is meant by a date of three numbers in this order; none with an offset from
/// UTC, and none of a year that nobody has events of.
pub(super) fn numbered(written: &str, order: DateOrder) -> Option<i64> {
    let is_now = |date: &WrittenDate<'_>| (1900..2100).contains(&date.year);
    in_numbers(written)
        .filter(|date| is_now(date) && !date.rest.contains(['+', '-']))
        .and_then(|date| read(&date, order))
}

/// What KQL's `todatetime()` makes of a date in three numbers: it takes the first one for the
/// month. Says nothing where that is what is meant.
fn misread(written: &str, order: Option<DateOrder>) -> Option<&'static str> {
    let date = ticks::written_date(written.trim())
        .filter(|date| date.notation == Notation::YearLast && (1900..2100).contains(&date.year))?;
    on(ticks::midnight(date.year, 1, 1)?, date.rest)?;
    match (date.month, date.day) {
        (13..=31, 1..=12) => Some("cannot read, as it takes the first number for the month"),
        (1..=12, 1..=12) if date.month != date.day && order != Some(DateOrder::MonthFirst) => {
            Some("reads with the month first")
        }
        _ => None,
    }
}

fn read(date: &WrittenDate<'_>, order: DateOrder) -> Option<i64> {
    let (month, day) = match order {
        DateOrder::MonthFirst => (date.month, date.day),
        DateOrder::DayFirst => (date.day, date.month),
    };
    on(ticks::midnight(date.year, month, day)?, date.rest)
}

/// Whether either number may be the month.
fn may_be_either(date: &WrittenDate<'_>) -> bool {
    date.month <= 12 && date.day <= 12
}

/// Says that a date has no order, for the reason of `silent`.
fn either(column: &str, written: &str, silent: &str) -> String {
    let (month, day) = (DateOrder::MonthFirst.option(), DateOrder::DayFirst.option());
    format!(
        "has {} in column {column}, where the day or the month may come first and {silent}; say \
         which with {month} or {day}",
        fit::in_short(written)
    )
}

impl DateOrder {
    fn other(self) -> Self {
        match self {
            Self::MonthFirst => Self::DayFirst,
            Self::DayFirst => Self::MonthFirst,
        }
    }

    fn first(self) -> &'static str {
        match self {
            Self::MonthFirst => "month first",
            Self::DayFirst => "day first",
        }
    }

    /// How the command is given it.
    fn option(self) -> &'static str {
        match self {
            Self::MonthFirst => "--date-order mdy",
            Self::DayFirst => "--date-order dmy",
        }
    }
}

impl Evidence {
    fn see(&mut self, written: &str) {
        let Some(numbers) = in_numbers(written) else {
            return;
        };
        let place = match (numbers.month > 12, numbers.day > 12) {
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
        let Some(date) = in_numbers(written) else {
            return Err(misfit());
        };
        let order = match self.reading.date_order {
            Some(order) => order,
            None => self.order(column, written)?,
        };
        if let Some(moment) = read(&date, order) {
            return Ok(Datum::DateTime(moment));
        }
        match self.reading.date_order {
            Some(order) if read(&date, order.other()).is_some() => {
                Err(EngineError::runtime(format!(
                    "has {} in column {column}, which is no datetime with the {}, as {} says; \
                     with {} it is one",
                    fit::in_short(written),
                    order.first(),
                    order.option(),
                    order.other().option()
                )))
            }
            _ => Err(misfit()),
        }
    }

    /// The date of a folder's name, in the order that is given: there is no other value to tell it.
    pub(super) fn moment_of_folder(
        &self,
        column: &str,
        written: &str,
    ) -> Result<Datum<'static>, EngineError> {
        match (in_numbers(written), self.reading.date_order) {
            (Some(date), None) if may_be_either(&date) => Err(EngineError::runtime(either(
                column,
                written,
                "its name does not tell",
            ))),
            (Some(date), None) => [DateOrder::MonthFirst, DateOrder::DayFirst]
                .into_iter()
                .find_map(|order| read(&date, order))
                .map(Datum::DateTime)
                .ok_or_else(|| {
                    EngineError::runtime(fit::misfit(column, written, ScalarType::DateTime))
                }),
            _ => self.moment(column, written),
        }
    }

    /// The first text of a column that `todatetime()` reads otherwise than it may be meant, as far
    /// as the first rows of the file tell, with what becomes of it.
    pub(super) fn misread(&self, column: &str) -> Option<(String, &'static str)> {
        let wanted = [(column.to_owned(), ScalarType::String)];
        let batch = self.read_as_named(&wanted).ok()?.next()?.ok()?;
        let values = batch.column(0).as_string::<i64>().iter().flatten();
        let mut evidence = Evidence::default();
        let mut first = None;
        for value in values {
            evidence.see(value);
            if let (None, Some(what)) = (&first, misread(value, self.reading.date_order)) {
                first = Some((value.to_owned(), what));
            }
        }
        // A value with the day above 12 tells that the month comes first.
        first.filter(|_| evidence.month_first.is_none() || evidence.day_first.is_some())
    }

    /// The order that all values of a column tell; reads them.
    fn order(&self, column: &str, written: &str) -> Result<DateOrder, EngineError> {
        let evidence = self.evidence(column)?;
        let shown = fit::in_short(written);
        match (evidence.month_first, evidence.day_first) {
            (Some(_), None) => Ok(DateOrder::MonthFirst),
            (None, Some(_)) => Ok(DateOrder::DayFirst),
            (None, None) => Err(EngineError::runtime(either(
                column,
                written,
                "no value of the column tells",
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
    use super::{DateOrder, in_numbers, misread, plain, read};
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
            let read = |order| shown(in_numbers(written).and_then(|one| read(&one, order)));
            assert_eq!(read(DateOrder::MonthFirst).as_deref(), month, "{written}");
            assert_eq!(read(DateOrder::DayFirst).as_deref(), day, "{written}");
        }
    }

    /// Whatever parts three numbers with the year last, and whatever stands around them, nobody
    /// guesses: without an order nothing is read, and with one exactly that.
    #[test]
    fn no_notation_of_numbers_has_an_order_of_its_own() {
        let parts = [
            "/", "-", ".", ",", ". ", " . ", " / ", "/ ", " -", ", ", "-/", ".-", "\t/", " ,\t",
        ];
        let last = [" ", "  ", "\t"];
        let weekdays = ["", "Tue ", "Tue, ", "Tuesday ", "tuesday, ", "  "];
        let times = [
            "",
            " ",
            " 18:41",
            " 18:41:25.123Z",
            "T18:41:25",
            ", 6:41 PM",
            "\u{a0}6:41 p.m.",
        ];
        let mut seen = 0;
        for first in parts {
            for second in parts.iter().chain(&last) {
                for weekday in weekdays {
                    for time in times {
                        for (three, five) in [("3", "5"), ("03", "05")] {
                            for year in ["2024", "24", "024", "4"] {
                                let written =
                                    format!("{weekday}{five}{first}{three}{second}{year}{time}");
                                assert_eq!(plain(&written), None, "{written:?}");
                                let read = |order| {
                                    shown(in_numbers(&written).and_then(|one| read(&one, order)))
                                };
                                let month = read(DateOrder::MonthFirst);
                                let day = read(DateOrder::DayFirst);
                                let is = |found: &Option<String>, date: &str| match found {
                                    Some(found) => year == "2024" && found.starts_with(date),
                                    None => year != "2024",
                                };
                                assert!(is(&month, "2024-05-03T"), "{written:?} {month:?}");
                                assert!(is(&day, "2024-03-05T"), "{written:?} {day:?}");
                                seen += 1;
                            }
                        }
                    }
                }
            }
        }
        assert!(seen > 50_000, "{seen}");
    }

    #[test]
    fn todatetime_takes_the_first_number_for_the_month() {
        let (cannot, month) = ("cannot read", "the month first");
        for (written, none, month_first) in [
            ("05/03/2024 18:41", Some(month), None),
            ("5.3.2024", Some(month), None),
            ("05/03/24", Some(month), None),
            ("13/03/2024", Some(cannot), Some(cannot)),
            ("03/13/2024", None, None),
            ("05/05/2024", None, None),
            ("32/03/2024", None, None),
            ("2024-03-05", None, None),
            ("5 Mar 2024", None, None),
            ("1.2.3.4", None, None),
            ("1.2.2024.7", None, None),
            ("5/3/2024 is the day", None, None),
        ] {
            for (order, expected) in [
                (None, none),
                (Some(DateOrder::DayFirst), none),
                (Some(DateOrder::MonthFirst), month_first),
            ] {
                let found = misread(written, order);
                let same = match (found, expected) {
                    (Some(found), Some(part)) => found.contains(part),
                    (found, expected) => found == expected,
                };
                assert!(same, "{written} {order:?}: {found:?}");
            }
        }
    }

    #[test]
    fn a_number_is_no_time() {
        for written in [
            "2024",
            "1234",
            "2024.5",
            "2024.05",
            "4500.5",
            "10121112",
            "2024,5",
            "2024 5",
            "2024-05 10",
            "2024T10:00",
            "99999999",
            "2024-124",
            "0",
        ] {
            assert_eq!(plain(written), None, "{written}");
        }
        for written in [
            "20240503",
            "2024-05-03",
            "2024/5/3",
            "2024. 5. 3",
            "3 May 2024",
            "May 3rd",
        ] {
            let expected = (written != "May 3rd").then_some("2024-05-03T00:00:00");
            assert_eq!(shown(plain(written)).as_deref(), expected, "{written}");
        }
        assert_eq!(
            shown(plain("2024-05")).as_deref(),
            Some("2024-05-01T00:00:00")
        );
    }
}
