//! The type of a column of text that nobody declared, from all of its cells.
//!
//! A type is taken only when every cell is a value of it that reads back as what was written: an
//! account number with a leading zero, a number of more digits than a type holds, a column with one
//! word among a million numbers are text.

use kql_semantics::ScalarType;

use crate::text;

/// What the cells of a column were so far; empty ones say nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "any of them may have been seen beside any other"
)]
pub(super) struct Guess {
    longs: bool,
    /// A long that a real would round.
    large: bool,
    reals: bool,
    /// `NaN` and infinities: numbers among numbers, words otherwise.
    words: bool,
    bools: bool,
    moments: bool,
    other: bool,
}

impl Guess {
    /// Takes one more cell into account.
    pub(super) fn see(&mut self, cell: &str) {
        if self.other || cell.is_empty() {
            return;
        }
        match cell.as_bytes()[0] {
            b'0'..=b'9' | b'-' => self.see_number(cell),
            _ if cell.eq_ignore_ascii_case("true") || cell.eq_ignore_ascii_case("false") => {
                self.bools = true;
            }
            _ if matches!(cell, "NaN" | "Infinity") => self.words = true,
            _ if is_exported_moment(cell) => self.moments = true,
            _ => self.other = true,
        }
        self.other |= self.ty().is_none();
    }

    fn see_number(&mut self, cell: &str) {
        if cell == "-Infinity" {
            self.words = true;
        } else if let Some(number) = long(cell) {
            self.longs = true;
            self.large |= number.unsigned_abs() > 1 << 53;
        } else if is_real(cell) {
            self.reals = true;
        } else if is_moment(cell) {
            self.moments = true;
        } else {
            self.other = true;
        }
    }

    /// What is known of two files together.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            longs: self.longs || other.longs,
            large: self.large || other.large,
            reals: self.reals || other.reals,
            words: self.words || other.words,
            bools: self.bools || other.bools,
            moments: self.moments || other.moments,
            other: self.other || other.other,
        }
    }

    /// Whether no cell said anything.
    pub(super) fn is_empty(self) -> bool {
        self == Self::default()
    }

    fn ty(self) -> Option<ScalarType> {
        let numbers = self.longs || self.reals || self.words;
        match (numbers, self.bools, self.moments, self.other) {
            (true, false, false, false) => match (self.reals || self.words, self.large) {
                (false, _) => Some(ScalarType::Long),
                (true, false) => Some(ScalarType::Real),
                (true, true) => None,
            },
            (false, true, false, false) => Some(ScalarType::Bool),
            (false, false, true, false) => Some(ScalarType::DateTime),
            _ => None,
        }
    }

    /// The type that holds every cell as it is.
    pub(super) fn settled(self) -> ScalarType {
        if self.words && !self.longs && !self.reals {
            return ScalarType::String;
        }
        self.ty().unwrap_or(ScalarType::String)
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

/// `1.5`, `-0.25`, `1E+20`: finite, of at most 17 digits, which is what a real keeps apart.
fn is_real(cell: &str) -> bool {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (digits, None),
    };
    let (before, after) = match mantissa.split_once('.') {
        Some((before, after)) => (before, Some(after)),
        None => (mantissa, None),
    };
    let exponent = exponent.is_none_or(|text| {
        let text = text.strip_prefix(['+', '-']).unwrap_or(text);
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
    });
    let fraction =
        after.is_none_or(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()));
    // A whole number too large for a long is an identifier, not a measure.
    let plain = digits.len() == before.len();
    let significant = mantissa
        .bytes()
        .filter(u8::is_ascii_digit)
        .skip_while(|byte| *byte == b'0')
        .count();
    !plain
        && whole(before)
        && fraction
        && exponent
        && significant <= 17
        && cell.parse::<f64>().is_ok_and(f64::is_finite)
}

/// `2026-11-01`, or that with a time of day; no more digits than ticks have.
fn is_moment(cell: &str) -> bool {
    let bytes = cell.as_bytes();
    let digits = |range: std::ops::Range<usize>| {
        bytes
            .get(range)
            .is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    if bytes.len() < 10 || bytes.len() > 35 || bytes[4] != b'-' || bytes[7] != b'-' {
        return false;
    }
    if !digits(0..4) || !digits(5..7) || !digits(8..10) {
        return false;
    }
    let time = match bytes.get(10) {
        None => return text::parse_datetime(cell).is_some(),
        Some(b'T' | b' ') => digits(11..13) && bytes.get(13) == Some(&b':'),
        Some(_) => false,
    };
    let fraction = cell.split_once('.').map_or("", |(_, rest)| rest);
    let finer = fraction
        .bytes()
        .take_while(u8::is_ascii_digit)
        .skip(7)
        .any(|byte| byte != b'0');
    time && !finer && text::parse_datetime(cell).is_some()
}

/// `Nov 20, 2026 8:00:00 AM`, as the portal's Export has it.
fn is_exported_moment(cell: &str) -> bool {
    let bytes = cell.as_bytes();
    let half = cell.get(cell.len().saturating_sub(3)..);
    bytes.len() >= 20
        && bytes.len() <= 40
        && bytes[..3].iter().all(u8::is_ascii_alphabetic)
        && bytes[3] == b' '
        && matches!(half, Some(" AM" | " PM"))
        && text::parse_datetime(cell).is_some()
}

#[cfg(test)]
mod tests {
    use kql_semantics::ScalarType::{self, Bool, DateTime, Long, Real, String};

    use super::Guess;

    fn of(cells: &[&str]) -> ScalarType {
        let mut guess = Guess::default();
        for cell in cells {
            guess.see(cell);
        }
        let apart = cells.iter().fold(Guess::default(), |all, cell| {
            let mut one = Guess::default();
            one.see(cell);
            all.and(one)
        });
        assert_eq!(apart.settled(), guess.settled(), "{cells:?} file by file");
        guess.settled()
    }

    #[test]
    fn a_type_holds_every_cell() {
        let cases: [(&[&str], ScalarType); 33] = [
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
            (&["1", "2.5"], Real),
            (&["9007199254740993", "2.5"], String),
            (&["2.5", "9007199254740993"], String),
            (&["1E+20", "-1.5e-3"], Real),
            (&["1e999"], String),
            (&["0.1234567890123456789"], String),
            (&["1."], String),
            (&[".5"], String),
            (&["1.2.3"], String),
            (&["NaN", "1.5", "-Infinity"], Real),
            (&["NaN"], String),
            (&["true", "False"], Bool),
            (&["true", "1"], String),
            (&["yes"], String),
            (&["2026-11-01", "2026-11-01T10:00:00.1234567Z"], DateTime),
            (&["2026-11-01 10:00:00"], DateTime),
            (&["2026-11-01T10:00:00.123456700Z"], DateTime),
            (&["2026-11-01T10:00:00.123456789Z"], String),
            (&["2026-13-01"], String),
            (&["2026-11-01", "20261101"], String),
            (&["Nov 20, 2026 8:00:00 AM"], DateTime),
            (&["192.0.2.1"], String),
        ];
        for (cells, expected) in cases {
            assert_eq!(of(cells), expected, "{cells:?}");
        }
    }
}
