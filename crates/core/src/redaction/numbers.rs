//! Text that is written as numbers: a list of codes in any base and in whatever a program puts
//! around each, words of several bytes in either order, and bits.

use super::decoding::{GAP, Text};

/// Fewer codes are no secret.
const FEWEST: usize = 6;

/// How much may stand between two numbers of a list: `) & Chr(`, `) + String.fromCharCode(`.
const MOST_BETWEEN: usize = 28;

/// As 64 bits in base 10, or a byte in base 2 with `0b` before it.
const MOST_DIGITS: usize = 20;

/// Fewer bits are no secret.
const FEWEST_BITS: usize = 48;

/// Where a number begins and ends.
type Number = (usize, usize);

impl Text {
    /// What is in it as numbers.
    pub(super) fn of_numbers(&self) -> Vec<Self> {
        let lists = self.numbers();
        let mut inside: Vec<Self> = [10, 8, 2, 16]
            .into_iter()
            .filter_map(|radix| self.of_codes(&lists, radix))
            .collect();
        for radix in [16, 10] {
            inside.extend(self.of_words(&lists, radix, false));
            inside.extend(self.of_words(&lists, radix, true));
        }
        inside.extend(self.of_bits());
        inside
    }

    /// The digits of numbers that stand in lists, list by list.
    fn numbers(&self) -> Vec<Vec<Number>> {
        let mut lists = Vec::new();
        let mut list: Vec<Number> = Vec::new();
        let mut at = 0;
        while at < self.bytes.len() {
            if !self.bytes[at].is_ascii_digit() {
                at += 1;
                continue;
            }
            let rest = &self.bytes[at..];
            let is_digit =
                |byte: &&u8| byte.is_ascii_hexdigit() || matches!(byte, b'x' | b'X' | b'o' | b'O');
            let end = at + rest.iter().take_while(is_digit).count();
            let goes_on = list
                .last()
                .is_some_and(|(_, before)| at - before <= MOST_BETWEEN);
            if !goes_on {
                lists.push(std::mem::take(&mut list));
            }
            if end - at <= MOST_DIGITS {
                list.push((at, end));
            }
            at = end;
        }
        lists.push(list);
        lists.retain(|list| list.len() > 1);
        lists
    }

    /// The digits of a number, in the base that is written before it, or in `radix`.
    fn digits(&self, (start, end): Number, radix: u32) -> (&str, u32) {
        let digits = std::str::from_utf8(&self.bytes[start..end]).unwrap_or_default();
        let (digits, radix) = match digits.get(..2) {
            Some("0x" | "0X") => (&digits[2..], 16),
            Some("0o" | "0O") => (&digits[2..], 8),
            Some("0b" | "0B") if radix != 16 => (&digits[2..], 2),
            _ => (digits, radix),
        };
        // What follows is a unit, or the next word.
        let length = digits.chars().take_while(|digit| digit.is_digit(radix));
        (&digits[..length.count()], radix)
    }

    /// The numbers as the characters with these codes.
    fn of_codes(&self, lists: &[Vec<Number>], radix: u32) -> Option<Self> {
        let mut decoded = Self::empty();
        for list in lists.iter().filter(|list| list.len() >= FEWEST) {
            for number in list {
                let (digits, radix) = self.digits(*number, radix);
                let code = u32::from_str_radix(digits, radix).ok();
                match code.and_then(char::from_u32) {
                    Some(character) => {
                        let place = self.place(number.0, number.1);
                        // A number up to 255 is a byte, of which several may be a character.
                        match u8::try_from(u32::from(character)) {
                            Ok(byte) => decoded.push(byte, place),
                            Err(_) => {
                                for byte in character.to_string().bytes() {
                                    decoded.push(byte, place);
                                }
                            }
                        }
                    }
                    None => decoded.push(GAP, (0, 0)),
                }
            }
            decoded.push(GAP, (0, 0));
        }
        (!decoded.bytes.is_empty()).then_some(decoded)
    }

    /// The numbers as words of several bytes, the first byte first or last.
    fn of_words(&self, lists: &[Vec<Number>], radix: u32, turned: bool) -> Option<Self> {
        let mut decoded = Self::empty();
        for list in lists {
            for number in list {
                let (digits, radix) = self.digits(*number, radix);
                let Ok(word) = u64::from_str_radix(digits, radix) else {
                    decoded.push(GAP, (0, 0));
                    continue;
                };
                let bytes = word.to_be_bytes();
                let first = bytes
                    .iter()
                    .position(|byte| *byte != 0)
                    .unwrap_or(bytes.len());
                let mut bytes = bytes[first..].to_vec();
                if turned {
                    bytes.reverse();
                }
                for byte in bytes {
                    decoded.push(byte, self.place(number.0, number.1));
                }
            }
            decoded.push(GAP, (0, 0));
        }
        (!decoded.bytes.is_empty()).then_some(decoded)
    }

    /// Bits without anything between bytes, which begin at any of eight.
    fn of_bits(&self) -> Vec<Self> {
        let bit = |byte: u8| matches!(byte, b'0' | b'1').then(|| byte - b'0');
        let mut runs = self.runs(bit, |byte| byte.is_ascii_whitespace());
        runs.retain(|run| run.len() >= FEWEST_BITS);
        if runs.is_empty() {
            return Vec::new();
        }
        let at_offset = |offset: usize| {
            let mut decoded = Self::empty();
            for run in &runs {
                for eight in run[offset..].chunks_exact(8) {
                    let byte = eight.iter().fold(0, |byte, (_, bit)| (byte << 1) | bit);
                    decoded.push(byte, self.place(eight[0].0, eight[7].0 + 1));
                }
                decoded.push(GAP, (0, 0));
            }
            decoded
        };
        (0..8).map(at_offset).collect()
    }
}
