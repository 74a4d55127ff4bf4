//! The type of a column of text that nobody declared, from all of its cells.
//!
//! A type is taken only when every cell is a value of it that reads back as what was written: an
//! account number with a leading zero, a number of more digits than a type holds, a column with one
//! word among a million numbers are text.

use kql_semantics::ScalarType;

use super::moments::Moments;
use super::times::DateOrder;
use crate::text;

/// What the cells of a column were so far; empty ones say nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "any of them may have been seen beside any other"
)]
pub(super) struct Guess {
    longs: bool,
    reals: bool,
    /// `NaN`: a number among numbers, a word otherwise.
    words: bool,
    bools: Option<Spelling>,
    moments: Moments,
    other: bool,
}

/// How truth is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    Lower,
    Title,
    Upper,
}

impl Guess {
    /// Takes one more cell into account; dates of three numbers are times where their `order` is
    /// known.
    pub(super) fn see(&mut self, cell: &str, order: Option<DateOrder>) {
        if self.other || cell.is_empty() {
            return;
        }
        match cell.as_bytes()[0] {
            b'0'..=b'9' | b'-' => self.see_number(cell, order),
            _ => match spelling(cell) {
                Some(spelling) => {
                    self.other |= *self.bools.get_or_insert(spelling) != spelling;
                }
                None if cell == "NaN" => self.words = true,
                None => self.other |= !self.moments.see(cell, order),
            },
        }
        self.other |= self.ty().is_none();
    }

    fn see_number(&mut self, cell: &str, order: Option<DateOrder>) {
        if long(cell).is_some() {
            self.longs = true;
        } else if is_real(cell) {
            self.reals = true;
        } else {
            self.other |= !self.moments.see(cell, order);
        }
    }

    /// What is known of two files together.
    pub(super) fn and(self, other: Self) -> Self {
        let differ = match (self.bools, other.bools) {
            (Some(one), Some(two)) => one != two,
            _ => false,
        };
        Self {
            longs: self.longs || other.longs,
            reals: self.reals || other.reals,
            words: self.words || other.words,
            bools: self.bools.or(other.bools),
            moments: self.moments.and(other.moments),
            other: self.other || other.other || differ,
        }
    }

    /// What texts are that are all of moments.
    pub(super) fn of_moments(moments: Moments) -> Self {
        Self {
            moments,
            ..Self::default()
        }
    }

    /// Whether no cell said anything.
    pub(super) fn is_empty(self) -> bool {
        self == Self::default()
    }

    fn ty(self) -> Option<ScalarType> {
        if self.other || self.moments.is_mixed() {
            return None;
        }
        let numbers = self.longs || self.reals || self.words;
        match (numbers, self.bools.is_some(), self.moments.is_one()) {
            // `2` among reals would come back as `2.0`.
            (true, false, false) => match (self.longs, self.reals || self.words) {
                (true, false) => Some(ScalarType::Long),
                (false, _) => Some(ScalarType::Real),
                (true, true) => None,
            },
            (false, true, false) => Some(ScalarType::Bool),
            (false, false, true) => Some(ScalarType::DateTime),
            _ => None,
        }
    }

    /// The type that holds every cell as it is.
    pub(super) fn settled(self) -> ScalarType {
        if self.words && !self.reals {
            return ScalarType::String;
        }
        self.ty().unwrap_or(ScalarType::String)
    }
}

fn spelling(cell: &str) -> Option<Spelling> {
    match cell {
        "true" | "false" => Some(Spelling::Lower),
        "True" | "False" => Some(Spelling::Title),
        "TRUE" | "FALSE" => Some(Spelling::Upper),
        _ => None,
    }
}

/// The digits of a number without sign, when no zero stands before others.
fn whole(digits: &str) -> bool {
    !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits.len() == 1 || !digits.starts_with('0'))
}

fn long(cell: &str) -> Option<i64> {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    if !whole(digits) || cell == "-0" {
        return None;
    }
    cell.parse().ok()
}

/// `1.5`, `-0.25`, `1E+20`: a real that is written as it would be here.
fn is_real(cell: &str) -> bool {
    cell.parse::<f64>()
        .is_ok_and(|value| value.is_finite() && text::real(value) == cell)
}

/// Whether a number in JSON that is no long comes back from a real: not `1.10`, not one of more
/// digits than a real has.
pub(super) fn comes_back(number: &str) -> bool {
    let Ok(value) = number.parse::<f64>() else {
        return false;
    };
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, ""));
    let (_, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let padded = fraction.len() > 1 && fraction.ends_with('0');
    // A whole number that no long holds is an identifier, not a measure.
    let whole = exponent.is_empty() && !mantissa.contains('.');
    value.is_finite() && !padded && !whole && digits(mantissa) == digits(&format!("{value:e}"))
}

/// The digits that matter of a number.
fn digits(number: &str) -> String {
    let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use kql_semantics::ScalarType::{self, Bool, DateTime, Long, Real, String};

    use super::Guess;

    fn of(cells: &[&str]) -> ScalarType {
        let mut guess = Guess::default();
        for cell in cells {
            guess.see(cell, None);
        }
        let apart = cells.iter().fold(Guess::default(), |all, cell| {
            let mut one = Guess::default();
            one.see(cell, None);
            all.and(one)
        });
        assert_eq!(apart.settled(), guess.settled(), "{cells:?} file by file");
        guess.settled()
    }

    #[test]
    fn a_type_holds_every_cell() {
        let cases: &[(&[&str], ScalarType)] = &[
            (&[], String),
            (&["", ""], String),
            (&["1", "", "-20"], Long),
            (&["9223372036854775807"], Long),
            (&["9223372036854775808"], String),
            (&["007"], String),
            (&["1", "007"], String),
            (&["-0"], String),
            (&["+1"], String),
            (&["0x1F"], String),
            (&[" 1"], String),
            (&["1", "2.5"], String),
            (&["1.0", "2.5"], Real),
            (&["10.1", "10.10"], String),
            (&["1.50"], String),
            (&["1e5"], String),
            (&["1_000"], String),
            (&["1 "], String),
            (&["9007199254740993", "2.5"], String),
            (&["2.5", "9007199254740993"], String),
            (&["1E+20", "-0.0015"], Real),
            (&["-1.5e-3"], String),
            (&["1e999"], String),
            (&["0.1234567890123456789"], String),
            (&["1."], String),
            (&[".5"], String),
            (&["1.2.3"], String),
            (&["NaN", "1.5"], Real),
            (&["NaN", "1.5", "-Infinity"], String),
            (&["NaN", "1"], String),
            (&["NaN"], String),
            (&["true", "False"], String),
            (&["true", "false"], Bool),
            (&["TRUE", "FALSE"], Bool),
            (&["tRUE"], String),
            (&["true", "1"], String),
            (&["yes"], String),
            (&["2026-11-01", "2026-11-02"], DateTime),
            (&["2026-11-01", "2026-11-01T10:00:00.1234567Z"], String),
            (&["2026-11-01 10:00:00"], DateTime),
            (&["2026-11-01T10:00:00.123456700Z"], DateTime),
            (&["2026-11-01T10:00:00.123456789Z"], String),
            (&["2026-13-01"], String),
            (&["2026-11-01", "20261101"], String),
            (&["Nov 20, 2026 8:00:00 AM"], DateTime),
            (&["192.0.2.1"], String),
        ];
        for (cells, expected) in cases {
            assert_eq!(of(cells), *expected, "{cells:?}");
        }
    }

    #[test]
    fn numbers_in_json_come_back_or_are_text() {
        for (number, expected) in [
            ("1.5", true),
            ("1.0", true),
            ("0.0", true),
            ("-0.0", true),
            ("1e21", true),
            ("1E+20", true),
            ("5e-324", true),
            ("1.10", false),
            ("1.00", false),
            ("12345678901234567890", false),
            ("1e999", false),
            ("0.1234567890123456789", false),
            ("9007199254740993.0", false),
        ] {
            assert_eq!(super::comes_back(number), expected, "{number}");
        }
    }
}
