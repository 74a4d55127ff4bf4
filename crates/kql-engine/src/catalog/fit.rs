//! Whether a value of a file is one of its column's type.
//!
//! KQL's own conversions make null of what they cannot read. In a file that would lose it without a
//! word, and a filter on time would then leave out rows that nobody ever sees.

use kql_semantics::ScalarType;

use super::{json, times};
use crate::convert;
use crate::datum::Datum;
use crate::decimal::Decimal;
use crate::text;

/// The most characters of a value in a message.
const SHOWN: usize = 60;

/// `value` as `ty`; `None` where that is no such value, or not all of it.
pub(super) fn fitted<'a>(value: &Datum<'a>, ty: ScalarType) -> Option<Datum<'a>> {
    use ScalarType::{Bool, DateTime, Dynamic, Guid, Int, Long, Real, String, TimeSpan};

    match (value, ty) {
        (_, String | Dynamic) => return Some(convert::to_type(value, ty)),
        (Datum::Null, _) => return Some(Datum::Null),
        // What a list or a union holds is judged as what it is.
        (Datum::Dynamic(_), _) => {
            let inner = value.clone().unwrapped();
            return match inner {
                Datum::Dynamic(_) => None,
                inner => fitted(&inner, ty).map(Datum::into_owned),
            };
        }
        // KQL's own conversions cut what a decimal has too much.
        (Datum::Decimal(value), _) => return decimal(*value, ty),
        // KQL counts truth and times; in a file they are another kind of value.
        (Datum::Bool(_), Int | Long | Real | ScalarType::Decimal)
        | (
            Datum::DateTime(_) | Datum::TimeSpan(_),
            Bool | Int | Long | Real | ScalarType::Decimal,
        ) => {
            return None;
        }
        (Datum::String(written), _) if written.trim().is_empty() => return Some(Datum::Null),
        (Datum::String(written), Bool)
            if text::parse_long(written).is_some_and(|number| !(0..=1).contains(&number)) =>
        {
            return None;
        }
        // Which of two numbers is the month is never guessed.
        (Datum::String(written), DateTime) => {
            return times::plain(written).map(Datum::DateTime);
        }
        (Datum::String(written), Int | Long) => {
            let whole = convert::to_type(value, ty);
            if !whole.is_null() {
                return Some(whole);
            }
            // `443.0`, as programs write whole numbers in a column with gaps.
            let real = text::parse_real(written)?;
            if !is_beyond_reals(real) {
                // A real would round `4.9999999999999999999` to a whole number.
                return decimal(Decimal::parse(written)?, ty);
            }
            if real.is_finite() {
                let (whole, fraction) = written.trim().split_once('.')?;
                let is_whole = fraction.bytes().all(|byte| byte == b'0');
                let whole = is_whole.then(|| whole.parse().ok()).flatten()?;
                return fitted(&Datum::Long(whole), ty).map(Datum::into_owned);
            }
            return None;
        }
        // A real would round it.
        (Datum::String(written), Real) if is_large(written.trim().parse().unwrap_or_default()) => {
            return None;
        }
        // KQL takes the first digits, whatever stands behind them.
        (Datum::String(written), Guid) if !is_guid(written) => return None,
        (Datum::Real(value), Int | Long) => return number(*value, ty),
        (Datum::Long(value), Real) if is_large(*value) => return None,
        (Datum::Long(value), Int) => return i32::try_from(*value).ok().map(Datum::Int),
        // Of ticks, seconds and milliseconds nobody knows which.
        (Datum::Int(_) | Datum::Long(_) | Datum::Real(_), DateTime | TimeSpan) => return None,
        (Datum::Int(_) | Datum::Long(_) | Datum::Real(_), Bool) => {
            let number = value.as_real()?;
            if number != 0.0 && number.to_bits() != 1_f64.to_bits() {
                return None;
            }
        }
        _ => {}
    }
    let found = convert::to_type(value, ty);
    (!found.is_null()).then_some(found)
}

/// Whether a real may be another number than the one that was written.
pub(super) fn is_beyond_reals(value: f64) -> bool {
    value.abs() >= 9_007_199_254_740_992.0
}

/// Whether a real does not hold each of the whole numbers around.
fn is_large(value: i64) -> bool {
    value.unsigned_abs() > 1 << 53
}

/// A whole number that a column of `ty` holds.
fn number(value: f64, ty: ScalarType) -> Option<Datum<'static>> {
    // From 2^63 on a conversion would stop at the largest long.
    if value.fract() != 0.0 || value.abs() >= 9_223_372_036_854_775_808.0 {
        return None;
    }
    let long = convert::to_long(&Datum::Real(value))?;
    match ty {
        ScalarType::Int => i32::try_from(long).ok().map(Datum::Int),
        _ => Some(Datum::Long(long)),
    }
}

/// All of a decimal as `ty`: neither its fraction is cut nor its size.
///
/// A real holds it where the decimal is the shortest that reads as that real.
fn decimal(value: Decimal, ty: ScalarType) -> Option<Datum<'static>> {
    match ty {
        ScalarType::Decimal => Some(Datum::Decimal(value)),
        ScalarType::Int => i32::try_from(value.whole()?).ok().map(Datum::Int),
        ScalarType::Long => i64::try_from(value.whole()?).ok().map(Datum::Long),
        ScalarType::Bool => match value.whole()? {
            0 => Some(Datum::Bool(false)),
            1 => Some(Datum::Bool(true)),
            _ => None,
        },
        ScalarType::Real => {
            let real = value.to_real();
            (Decimal::from_real(real) == Some(value)).then_some(Datum::Real(real))
        }
        _ => None,
    }
}

/// Whether a text is a GUID and nothing besides.
fn is_guid(written: &str) -> bool {
    let inner = written.trim();
    let inner = ["{}", "()"].iter().find_map(|pair| {
        let (open, close) = pair.split_at(1);
        inner.strip_prefix(open)?.strip_suffix(close)
    });
    let inner = inner.unwrap_or(written.trim());
    let parts: Vec<&str> = inner.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let mut digits = parts.iter().flat_map(|part| part.bytes());
    (lengths == [32] || lengths == [8, 4, 4, 4, 12]) && digits.all(|byte| byte.is_ascii_hexdigit())
}

/// The value of a cell of text; nothing is null.
pub(super) fn cell(written: &str, ty: ScalarType) -> Option<Datum<'_>> {
    match ty {
        ScalarType::String => Some(Datum::text(written)),
        _ if written.is_empty() => Some(Datum::Null),
        ScalarType::Dynamic => Some(json::encoded(written).0),
        ty => fitted(&Datum::text(written), ty),
    }
}

/// Says that a value does not fit.
pub(super) fn misfit(column: &str, shown: &str, ty: ScalarType) -> String {
    let advice = match ty {
        ScalarType::DateTime => match since_1970(shown) {
            Some(function) => format!(
                "; a number may count anything, and for a time is converted: read the file as \
                 another table (--data Rows=FILE), with Rows | extend {column} = {function}({column})"
            ),
            None => "; times are written as 2026-11-01T08:00:00Z".to_owned(),
        },
        ScalarType::Real if text::parse_real(shown).is_some() => {
            "; a real holds 15 to 17 digits, a column that no table declares all of them: name \
             another table for the file (--data Rows=FILE)"
                .to_owned()
        }
        _ => String::new(),
    };
    format!(
        "has {} in column {column}, which is no {ty}{advice}",
        in_short(shown)
    )
}

/// The function that makes a time of our days of a number that counts from 1970, by its size.
fn since_1970(number: &str) -> Option<&'static str> {
    // From 1998 on: ticks of 100 ns since the year 1 are fewer than nanoseconds of these days.
    let seconds = 9e8..1e10;
    let value = text::parse_real(number)?;
    let scales = [
        (1.0, "unixtime_seconds_todatetime"),
        (1e3, "unixtime_milliseconds_todatetime"),
        (1e6, "unixtime_microseconds_todatetime"),
        (1e9, "unixtime_nanoseconds_todatetime"),
    ];
    let found = scales
        .iter()
        .find(|(scale, _)| seconds.contains(&(value / scale)))?;
    Some(found.1)
}

/// A value in quotes, cut where it is long.
///
/// No word is cut: half of a token or a key is one that nobody recognizes any more.
pub(super) fn in_short(value: &str) -> String {
    let Some((end, _)) = value.char_indices().nth(SHOWN) else {
        return format!("{value:?}");
    };
    let (shown, rest) = value.split_at(end);
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || "-_.~+/=%".contains(letter);
    let shown = if rest.starts_with(is_word) {
        shown.trim_end_matches(is_word)
    } else {
        shown
    };
    if shown.is_empty() {
        return "a long word".to_owned();
    }
    format!("{shown:?}…")
}

#[cfg(test)]
mod tests {
    use kql_semantics::ScalarType;

    use super::{cell, fitted, in_short};
    use crate::datum::Datum;
    use crate::decimal::Decimal;

    #[test]
    fn cells_are_whole_values_or_none() {
        for (written, ty, expected) in [
            ("443", ScalarType::Int, Some("443")),
            ("443.0", ScalarType::Int, Some("443")),
            ("443.5", ScalarType::Int, None),
            ("3000000000", ScalarType::Int, None),
            ("3000000000", ScalarType::Long, Some("3000000000")),
            ("9223372036854775808", ScalarType::Long, None),
            ("1e300", ScalarType::Long, None),
            (
                "9007199254740993.0",
                ScalarType::Long,
                Some("9007199254740993"),
            ),
            ("9007199254740993.5", ScalarType::Long, None),
            ("9.007199254740993e15", ScalarType::Long, None),
            ("9223372036854775808.0", ScalarType::Long, None),
            ("9007199254740992.0", ScalarType::Int, None),
            ("4.9999999999999999999", ScalarType::Int, None),
            ("1.00000000000000000001", ScalarType::Long, None),
            ("4.43e2", ScalarType::Int, Some("443")),
            ("inf", ScalarType::Long, None),
            ("-9e15", ScalarType::Long, Some("-9000000000000000")),
            ("abc", ScalarType::Long, None),
            (" ", ScalarType::Long, Some("")),
            ("True", ScalarType::Bool, Some("True")),
            ("1", ScalarType::Bool, Some("True")),
            ("0", ScalarType::Bool, Some("False")),
            ("2", ScalarType::Bool, None),
            ("-1", ScalarType::Bool, None),
            ("0x10", ScalarType::Bool, None),
            ("maybe", ScalarType::Bool, None),
            ("yesterday", ScalarType::DateTime, None),
            (
                "2026-11-01",
                ScalarType::DateTime,
                Some("2026-11-01T00:00:00.0000000Z"),
            ),
            ("x", ScalarType::Guid, None),
            (
                "{11111111-2222-3333-4444-555555555555}",
                ScalarType::Guid,
                Some("11111111-2222-3333-4444-555555555555"),
            ),
            (
                "11111111222233334444555555555555",
                ScalarType::Guid,
                Some("11111111-2222-3333-4444-555555555555"),
            ),
            (
                "11111111-2222-3333-4444-555555555555x",
                ScalarType::Guid,
                None,
            ),
            ("11111111222233334444555555555555aa", ScalarType::Guid, None),
            ("1", ScalarType::TimeSpan, Some("1.00:00:00")),
            ("x", ScalarType::Real, None),
            ("9007199254740993", ScalarType::Real, None),
            ("1.5", ScalarType::Real, Some("1.5")),
            ("anything", ScalarType::String, Some("anything")),
            ("{\"a\":1", ScalarType::Dynamic, Some("{\"a\":1")),
        ] {
            let found = cell(written, ty);
            let shown = found.as_ref().map(Datum::display);
            assert_eq!(shown.as_deref(), expected, "{written} as {ty}");
        }
    }

    #[test]
    fn numbers_are_whole_values_or_none() {
        for (value, ty, fits) in [
            (Datum::Long(7), ScalarType::Int, true),
            (Datum::Long(1 << 31), ScalarType::Int, false),
            (Datum::Real(7.0), ScalarType::Int, true),
            (Datum::Real(7.5), ScalarType::Long, false),
            (Datum::Real(f64::NAN), ScalarType::Long, false),
            (Datum::Real(9.3e18), ScalarType::Long, false),
            (Datum::Long(7), ScalarType::Real, true),
            (Datum::Long(1), ScalarType::Bool, true),
            (Datum::Long(2), ScalarType::Bool, false),
            (Datum::Long(1_700_000_000), ScalarType::DateTime, false),
            (Datum::Bool(true), ScalarType::DateTime, false),
            (Datum::Bool(true), ScalarType::Long, false),
            (Datum::Bool(false), ScalarType::Real, false),
            (Datum::Bool(true), ScalarType::Bool, true),
            (Datum::DateTime(0), ScalarType::Long, false),
            (Datum::TimeSpan(0), ScalarType::Real, false),
            (Datum::TimeSpan(0), ScalarType::Bool, false),
            (Datum::Long(7), ScalarType::TimeSpan, false),
            (Datum::Real(7.5), ScalarType::TimeSpan, false),
            (Datum::Null, ScalarType::DateTime, true),
        ] {
            assert_eq!(fitted(&value, ty).is_some(), fits, "{value:?} as {ty}");
        }
    }

    #[test]
    fn a_number_for_a_time_is_told_its_function() {
        for (written, function) in [
            ("1730419200", Some("unixtime_seconds_todatetime")),
            ("1730419200.25", Some("unixtime_seconds_todatetime")),
            ("1730419200000", Some("unixtime_milliseconds_todatetime")),
            ("1.7304192e12", Some("unixtime_milliseconds_todatetime")),
            ("1730419200000000", Some("unixtime_microseconds_todatetime")),
            (
                "1730419200000000000",
                Some("unixtime_nanoseconds_todatetime"),
            ),
            ("638659872000000000", None),
            ("2026", None),
            ("45597.5", None),
            ("-1730419200", None),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(super::since_1970(written), function, "{written}");
        }
    }

    #[test]
    fn nothing_of_a_decimal_is_cut() {
        for (written, ty, fits) in [
            ("4.00", ScalarType::Int, true),
            ("4.99", ScalarType::Int, false),
            ("-0.5", ScalarType::Long, false),
            ("2147483648", ScalarType::Int, false),
            ("9223372036854775807", ScalarType::Long, true),
            ("9223372036854775808", ScalarType::Long, false),
            ("99999999999999999999", ScalarType::Long, false),
            ("0.5", ScalarType::Bool, false),
            ("1.0", ScalarType::Bool, true),
            ("2", ScalarType::Bool, false),
            ("4.99", ScalarType::Real, true),
            ("9007199254740993", ScalarType::Real, false),
            ("33.333333333333333333", ScalarType::Real, false),
            ("33.333333333333333333", ScalarType::Decimal, true),
            ("1", ScalarType::DateTime, false),
            ("1", ScalarType::TimeSpan, false),
            ("1", ScalarType::Guid, false),
        ] {
            let value = Datum::Decimal(Decimal::parse(written).unwrap());
            assert_eq!(fitted(&value, ty).is_some(), fits, "{written} as {ty}");
        }
    }

    #[test]
    fn long_values_are_cut() {
        assert_eq!(in_short("a\"\n"), "\"a\\\"\\n\"");
        let cut = in_short(&"ä".repeat(61));
        assert_eq!(cut, format!("\"{}\"…", "ä".repeat(60)));
        let words = "two words, ".repeat(9);
        assert_eq!(
            in_short(&words),
            format!("\"{}two \"…", "two words, ".repeat(5))
        );
        assert_eq!(in_short(&"aB3~".repeat(20)), "a long word");
    }
}
