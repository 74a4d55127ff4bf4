//! How the moments of a column are written.
//!
//! A column whose type nobody declared is one of datetimes only where all its cells are written in
//! one notation, so that texts which differ stay different, and what a datetime does not hold (the
//! time zone, digits below 100 ns) is not lost.

use kql_syntax::ticks;

use super::times::{self, DateOrder};

/// What the cells of a column have in common so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Moments {
    notation: Option<Notation>,
    /// Which numbers of digits fractions have, a bit each.
    digits: u16,
    /// Whether a fraction ends with a zero.
    padded: bool,
    /// Whether a fraction is nothing but zeros.
    empty: bool,
    mixed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Notation {
    /// `2026-11-01`
    Day,
    /// `2026-11-01T10:00:00.1234567Z`, `2026-11-01 10:00`
    Iso {
        separator: u8,
        seconds: bool,
        zone: Zone,
    },
    /// `Nov 20, 2026 8:00:00 AM`, as the portal's Export has it.
    Exported,
    /// `05/03/2024`, `5.3.2024 18:41`, where somebody said which number is the month.
    Numbers { separator: u8, time: bool },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Zone {
    None,
    Z,
    /// `+00:00`
    Zero,
}

impl Moments {
    /// Takes one more cell into account; false when the column is none of moments. Dates of three
    /// numbers with the year last are moments where their `order` is known.
    pub(super) fn see(&mut self, cell: &str, order: Option<DateOrder>) -> bool {
        let found = notation(cell, order).filter(|_| !self.mixed);
        let Some((notation, fraction)) = found else {
            self.mixed = true;
            return false;
        };
        let one = Self {
            notation: Some(notation),
            digits: 1 << fraction.len().min(15),
            padded: fraction.ends_with('0'),
            empty: !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0'),
            mixed: false,
        };
        *self = self.and(one);
        !self.mixed
    }

    /// What is known of two files together.
    pub(super) fn and(self, other: Self) -> Self {
        let digits = self.digits | other.digits;
        let padded = self.padded || other.padded;
        let empty = self.empty || other.empty;
        // With zeros at the end, two texts may be one moment.
        let lengths = (digits & !1).count_ones();
        let doubled = padded && (lengths > 1 || (empty && digits & 1 == 1));
        let differ = match (self.notation, other.notation) {
            (Some(one), Some(two)) => one != two,
            _ => false,
        };
        Self {
            notation: self.notation.or(other.notation),
            digits,
            padded,
            empty,
            mixed: self.mixed || other.mixed || differ || doubled,
        }
    }

    /// Whether there are moments, all in one notation.
    pub(super) fn is_one(self) -> bool {
        !self.mixed && self.notation.is_some()
    }

    pub(super) fn is_mixed(self) -> bool {
        self.mixed
    }
}

/// The notation of a moment and the digits of its fraction.
fn notation(cell: &str, order: Option<DateOrder>) -> Option<(Notation, &str)> {
    let found = iso(cell).or_else(|| exported(cell).then_some((Notation::Exported, "")));
    match found {
        Some(found) => ticks::datetime(cell).map(|_| found),
        None => Some((numbers(cell, order?)?, "")),
    }
}

/// A date of three numbers in this order.
fn numbers(cell: &str, order: DateOrder) -> Option<Notation> {
    let digits = cell.bytes().take_while(u8::is_ascii_digit).count();
    let separator = *cell.as_bytes().get(digits)?;
    if digits == 0 || !matches!(separator, b'/' | b'-' | b'.') {
        return None;
    }
    times::numbered(cell, order)?;
    Some(Notation::Numbers {
        separator,
        time: cell.contains(':'),
    })
}

fn iso(cell: &str) -> Option<(Notation, &str)> {
    let bytes = cell.as_bytes();
    let digits = |at: usize, count: usize| {
        bytes
            .get(at..at + count)
            .is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    let is = |at: usize, byte: u8| bytes.get(at) == Some(&byte);
    if !(digits(0, 4) && is(4, b'-') && digits(5, 2) && is(7, b'-') && digits(8, 2)) {
        return None;
    }
    let Some(separator @ (b'T' | b' ')) = bytes.get(10).copied() else {
        return (bytes.len() == 10).then_some((Notation::Day, ""));
    };
    if !(digits(11, 2) && is(13, b':') && digits(14, 2)) {
        return None;
    }
    let seconds = is(16, b':') && digits(17, 2);
    let mut end = if seconds { 19 } else { 16 };
    let mut fraction = "";
    if seconds && is(19, b'.') {
        let length = bytes[20..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        end = 20 + length;
        fraction = &cell[20..end];
        let finer = fraction.bytes().skip(7).any(|byte| byte != b'0');
        if length == 0 || finer {
            return None;
        }
    }
    let zone = match &cell[end..] {
        "" => Zone::None,
        "Z" => Zone::Z,
        "+00:00" => Zone::Zero,
        _ => return None,
    };
    let notation = Notation::Iso {
        separator,
        seconds,
        zone,
    };
    Some((notation, fraction))
}

fn exported(cell: &str) -> bool {
    let bytes = cell.as_bytes();
    bytes.len() >= 20
        && bytes.len() <= 24
        && bytes[..3].iter().all(u8::is_ascii_alphabetic)
        && bytes[3] == b' '
        && (cell.ends_with(" AM") || cell.ends_with(" PM"))
        // Behind a weekday the month may be a number, and nobody knows which.
        && ticks::written_date(cell).is_some_and(|date| date.notation == ticks::Notation::MonthNamed)
}

#[cfg(test)]
mod tests {
    use super::{DateOrder, Moments};

    #[test]
    fn one_notation_is_one_type() {
        for (cells, expected) in [
            (
                &["2026-11-01T10:00:00.1234567Z", "2026-11-01T10:00:00Z"][..],
                true,
            ),
            (
                &["2026-11-01T10:00:00.120Z", "2026-11-01T10:00:00.000Z"],
                true,
            ),
            (&["2026-11-01T10:00:00", "2026-11-01T10:00:00.120000"], true),
            (
                &["2026-11-01T10:00:00", "2026-11-01T10:00:00.000000"],
                false,
            ),
            (
                &["2026-11-01T10:00:00.1Z", "2026-11-01T10:00:00.10Z"],
                false,
            ),
            (&["2026-11-01", "2026-11-01T00:00:00Z"], false),
            (&["2026-11-01T10:00:00", "2026-11-01T10:00:00Z"], false),
            (&["2026-11-01T10:00:00+00:00"], true),
            (&["2026-11-01T10:00:00+01:00"], false),
            (&["2026-11-01T10:00:00.123456789Z"], false),
            (&["2026-11-01T10:00:00.123456700Z"], true),
            (&["2026-11-01 10:00"], true),
            (&["2026-13-01"], false),
            (&["Nov 20, 2026 8:00:00 AM"], true),
            (&["20261101"], false),
            (&["1/2/2026"], false),
        ] {
            let mut moments = Moments::default();
            for cell in cells {
                moments.see(cell, None);
            }
            assert_eq!(moments.is_one(), expected, "{cells:?}");
        }
    }

    #[test]
    fn an_order_makes_moments_of_dates_in_numbers() {
        for (cells, day_first, month_first) in [
            (&["05/03/2024", "5/3/2024"][..], true, true),
            (&["13/03/2024 18:41:25", "05/03/2024 00:00"], true, false),
            (&["03/13/2024, 3:40:13 PM"], false, true),
            (&["13.03.2024", "5. 3. 2024"], true, false),
            (&["05-03-2024 18:41:25.1234567"], true, true),
            (&["05/03/2024", "05-03-2024"], false, false),
            (&["05/03/2024", "05/03/2024 18:41"], false, false),
            (&["05/03/2024", "2024-03-05"], false, false),
            (&["05/03/2024 18:41+02:00"], false, false),
            (&["05/03/24"], false, false),
            (&["10.0.19045"], false, false),
            (&["1.2.3"], false, false),
            (&["1,2,2024"], false, false),
            (&["Tue 05/03/2024"], false, false),
            (&["2026-11-01T10:00:00Z"], true, true),
        ] {
            for (order, expected) in [
                (DateOrder::DayFirst, day_first),
                (DateOrder::MonthFirst, month_first),
            ] {
                let mut moments = Moments::default();
                for cell in cells {
                    moments.see(cell, Some(order));
                }
                assert_eq!(moments.is_one(), expected, "{cells:?} {order:?}");
            }
        }
    }
}
