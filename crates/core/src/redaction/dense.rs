//! Ways to write text that nearly every character is part of: base85, base45, uuencode, base32 with
//! other letters, letters and signs that are turned by half of the alphabet, and EBCDIC.
//!
//! Whatever is read from ordinary text in these ways is noise, in which only known secrets are
//! looked for.

use super::decoding::{GAP, Text, digit};

/// The alphabets of base85, each in the order of its values.
///
/// Sources: <https://rfc.zeromq.org/spec/32/>, <https://www.rfc-editor.org/rfc/rfc1924>
const ALPHABETS: [&[u8; 85]; 3] = [
    // Ascii85
    b"!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstu",
    // Z85
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#",
    // of addresses, git and Python
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~",
];

/// The alphabet of base45 in the order of its values.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc9285>
const BASE45: &[u8; 45] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/// What the bytes from 0x40 on mean in EBCDIC (code page 037); a blank for what is not of ASCII.
const EBCDIC: [&[u8; 48]; 4] = [
    b"           .<(+|&         !$*); -/         ,%_>?",
    b"         `:#@'=\" abcdefghi       jklmnopqr      ",
    b" ~stuvwxyz      ^         []    {ABCDEFGHI      ",
    b"}JKLMNOPQR      \\ STUVWXYZ      0123456789      ",
];

/// What a group that is not full is filled up with.
const LAST: u8 = 84;

impl Text {
    /// What is in it, in each of these ways.
    pub(super) fn unwrapped_densely(&self) -> Vec<Self> {
        let mut inside = vec![self.turned(), self.turned_with_signs()];
        let values = values_of(BASE45);
        let runs = self.runs(|byte| values[usize::from(byte)], |_| false);
        if !runs.is_empty() {
            inside.extend((0..3).map(|offset| self.base45(&runs, offset)));
        }
        inside.extend(self.of_mainframes());
        for alphabet in ALPHABETS {
            let values = values_of(alphabet);
            let runs = self.runs(
                |byte| values[usize::from(byte)],
                |byte| matches!(byte, b'\r' | b'\n'),
            );
            if !runs.is_empty() {
                inside.extend((0..5).map(|offset| self.base85(&runs, offset)));
            }
        }
        // Each line begins with its length.
        let runs = self.runs(uuencoded, |_| false);
        if !runs.is_empty() {
            inside.extend((0..4).map(|offset| self.base64(&runs, offset)));
        }
        let runs = self.runs(extended_hex, |byte| matches!(byte, b'\r' | b'\n'));
        let runs: Vec<_> = runs.into_iter().filter(|run| run.len() >= 10).collect();
        if !runs.is_empty() {
            inside.extend((0..8).map(|offset| self.base32(&runs, offset)));
        }
        inside
    }

    fn base85(&self, runs: &[Vec<(usize, u8)>], offset: usize) -> Self {
        let mut decoded = Self::empty();
        for run in runs {
            for five in run.get(offset..).unwrap_or_default().chunks(5) {
                let values = five.iter().map(|(_, value)| *value);
                let values = values.chain(std::iter::repeat(LAST)).take(5);
                let number = values.fold(0_u64, |number, value| number * 85 + u64::from(value));
                let (Ok(number), Some(first), Some(last)) =
                    (u32::try_from(number), five.first(), five.last())
                else {
                    decoded.push(GAP, (0, 0));
                    continue;
                };
                let place = self.place(first.0, last.0 + 1);
                for byte in number.to_be_bytes().into_iter().take(five.len() - 1) {
                    decoded.push(byte, place);
                }
            }
            decoded.push(GAP, (0, 0));
        }
        decoded
    }

    /// Source: <https://www.rfc-editor.org/rfc/rfc9285>
    fn base45(&self, runs: &[Vec<(usize, u8)>], offset: usize) -> Self {
        let mut decoded = Self::empty();
        for run in runs {
            for three in run.get(offset..).unwrap_or_default().chunks(3) {
                let number = three
                    .iter()
                    .rev()
                    .fold(0_u32, |number, (_, value)| number * 45 + u32::from(*value));
                let (Ok(number), Some(first), Some(last)) =
                    (u16::try_from(number), three.first(), three.last())
                else {
                    decoded.push(GAP, (0, 0));
                    continue;
                };
                let place = self.place(first.0, last.0 + 1);
                let [high, low] = number.to_be_bytes();
                if three.len() == 3 {
                    decoded.push(high, place);
                }
                decoded.push(low, place);
            }
            decoded.push(GAP, (0, 0));
        }
        decoded
    }

    /// EBCDIC in hexadecimal digits.
    fn of_mainframes(&self) -> Vec<Self> {
        let runs = self.runs(digit, |byte| {
            byte.is_ascii_whitespace() || matches!(byte, b':' | b'-' | b',')
        });
        if runs.is_empty() {
            return Vec::new();
        }
        let plain = |byte: &u8| match byte.checked_sub(0x40).map(usize::from) {
            Some(at) => EBCDIC[at / 48][at % 48],
            None => GAP,
        };
        (0..2)
            .map(|offset| {
                let mut text = self.hexadecimal(&runs, offset);
                text.bytes = text.bytes.iter().map(plain).collect();
                text
            })
            .collect()
    }

    /// ROT47: `P` for `!`.
    fn turned_with_signs(&self) -> Self {
        let turned = |byte: &u8| match byte {
            b'!'..=b'~' => (byte - b'!' + 47) % 94 + b'!',
            other => *other,
        };
        Self {
            bytes: self.bytes.iter().map(turned).collect(),
            places: self.places.clone(),
        }
    }

    /// ROT13: `n` for `a`.
    fn turned(&self) -> Self {
        let turned = |byte: u8, first: u8| (byte - first + 13) % 26 + first;
        Self {
            bytes: self
                .bytes
                .iter()
                .map(|byte| match byte {
                    b'a'..=b'z' => turned(*byte, b'a'),
                    b'A'..=b'Z' => turned(*byte, b'A'),
                    other => *other,
                })
                .collect(),
            places: self.places.clone(),
        }
    }
}

/// Which value each letter of an alphabet has.
fn values_of(alphabet: &[u8]) -> [Option<u8>; 256] {
    let mut values = [None; 256];
    for (value, letter) in (0..).zip(alphabet) {
        values[usize::from(*letter)] = Some(value);
    }
    values
}

/// Source: <https://pubs.opengroup.org/onlinepubs/9699919799/utilities/uuencode.html>
fn uuencoded(byte: u8) -> Option<u8> {
    matches!(byte, b' '..=b'`').then(|| (byte - b' ') & 63)
}

/// The digits of base32 as numbers go on beyond nine.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc4648#section-7>
fn extended_hex(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(32)
        .and_then(|digit| u8::try_from(digit).ok())
}
