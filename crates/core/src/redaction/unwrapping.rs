//! Further ways to write text differently, each undone as a whole: base32, UTF-7, escapes of style
//! sheets, numbers, marks of a page in between, letters with their numbers.

use super::decoding::{GAP, Text, number, sextet};

/// A longer mark of a page is text between two signs.
const LONGEST_TAG: usize = 120;

impl Text {
    /// What is in it, in each of these ways; linear, and nothing where there is no sign of one.
    pub(super) fn unwrapped_further(&self) -> Vec<Self> {
        let mut inside = Vec::new();
        let runs = self.runs(quintet, |byte| matches!(byte, b'\r' | b'\n'));
        // A base32 of the fewest bytes has ten characters; most words have less.
        let runs: Vec<_> = runs.into_iter().filter(|run| run.len() >= 10).collect();
        if !runs.is_empty() {
            inside.extend((0..8).map(|offset| self.base32(&runs, offset)));
        }
        inside.extend(self.utf7());
        inside.extend(self.joined());
        inside.extend(self.styled());
        inside.extend(self.of_numbers());
        inside.extend(self.numbered());
        inside
    }

    /// The letters of a list that numbers each: `0:a 1:b`, `[0]=a, [1]=b`, `{"0":"a","1":"b"}`.
    fn numbered(&self) -> Option<Self> {
        let mut plain = Self::empty();
        let mut at = 0;
        while at < self.bytes.len() {
            let Some(letters) = self.numbered_from(at) else {
                at += 1;
                continue;
            };
            for letter in letters {
                plain.push(self.bytes[letter], self.places[letter]);
                at = letter + 1;
            }
            plain.push(GAP, (0, 0));
        }
        (!plain.bytes.is_empty()).then_some(plain)
    }

    /// Where the letters of such a list stand that begins at `at`.
    fn numbered_from(&self, at: usize) -> Option<Vec<usize>> {
        const MOST_DIGITS: usize = 5;
        const MOST_BETWEEN: usize = 5;
        const FEWEST: usize = 6;
        if at > 0 && self.bytes[at - 1].is_ascii_digit() {
            return None;
        }
        let (first, digits) = number(&self.bytes[at..], 10, MOST_DIGITS)?;
        let of_mark = |from: usize| {
            let rest = self.bytes.get(from..).unwrap_or_default();
            let is_mark = |byte: &&u8| !byte.is_ascii_alphanumeric();
            rest.iter().take_while(is_mark).count()
        };
        // The letter may look like what stands before it, which is the same everywhere.
        (1..=MOST_BETWEEN).find_map(|between| {
            let start = at + digits;
            let mark = self.bytes.get(start..start + between)?;
            if mark.iter().any(u8::is_ascii_alphanumeric) {
                return None;
            }
            let (mut letters, mut next, mut end) = (Vec::new(), first, start);
            while self.bytes.get(end..end + between) == Some(mark)
                && let letter = end + between
                && letter < self.bytes.len()
            {
                letters.push(letter);
                let from = letter + 1 + of_mark(letter + 1);
                next += 1;
                match number(self.bytes.get(from..).unwrap_or_default(), 10, MOST_DIGITS) {
                    Some((found, digits))
                        if found == next
                            && from - letter <= 1 + MOST_BETWEEN
                            && from > letter + 1 =>
                    {
                        end = from + digits;
                    }
                    _ => break,
                }
            }
            (letters.len() >= FEWEST).then_some(letters)
        })
    }

    /// `\61 ` as style sheets write a character; to everybody else it is octal.
    ///
    /// Source: <https://www.w3.org/TR/css-syntax-3/#consume-escaped-code-point>
    fn styled(&self) -> Option<Self> {
        const MOST_DIGITS: usize = 6;
        let mut plain = Self::empty();
        let mut at = 0;
        let mut changed = false;
        while at < self.bytes.len() {
            let digits = match self.bytes[at] {
                b'\\' => number(&self.bytes[at + 1..], 16, MOST_DIGITS),
                _ => None,
            };
            let character = digits.and_then(|(code, count)| Some((char::from_u32(code)?, count)));
            let Some((character, count)) = character else {
                plain.push(self.bytes[at], self.places[at]);
                at += 1;
                continue;
            };
            let end = at + 1 + count;
            let is_ended = self.bytes.get(end).is_some_and(u8::is_ascii_whitespace);
            let end = end + usize::from(is_ended);
            for byte in character.to_string().bytes() {
                plain.push(byte, self.place(at, end));
            }
            changed = true;
            at = end;
        }
        changed.then_some(plain)
    }

    pub(super) fn base32(&self, runs: &[Vec<(usize, u8)>], offset: usize) -> Self {
        let mut decoded = Self::empty();
        for run in runs {
            let mut bits = 0_u32;
            let mut count = 0;
            let run = run.get(offset..).unwrap_or_default();
            let mut from = run.first().map_or(0, |(at, _)| *at);
            for (at, value) in run {
                bits = (bits << 5) | u32::from(*value);
                count += 5;
                if count >= 8 {
                    count -= 8;
                    decoded.push(((bits >> count) & 0xFF) as u8, self.place(from, at + 1));
                    from = *at;
                }
            }
            decoded.push(GAP, (0, 0));
        }
        decoded
    }

    /// `+AH4-` as the character that it stands for.
    fn utf7(&self) -> Option<Self> {
        let mut plain = Self::empty();
        let mut at = 0;
        let mut changed = false;
        while at < self.bytes.len() {
            if self.bytes[at] == b'+'
                && let Some((text, length)) = shifted(&self.bytes[at..])
            {
                let place = self.place(at, at + length);
                for byte in text.bytes() {
                    plain.push(byte, place);
                }
                changed = true;
                at += length;
            } else {
                plain.push(self.bytes[at], self.places[at]);
                at += 1;
            }
        }
        changed.then_some(plain)
    }

    /// Without what stands between parts of a text: marks of a page, those that colour a terminal,
    /// dots, and the quotes of parts that a program puts together.
    pub(super) fn joined(&self) -> Option<Self> {
        let mut plain = Self::empty();
        let mut at = 0;
        let mut changed = false;
        while at < self.bytes.len() {
            let rest = &self.bytes[at..];
            let end = match rest {
                [b'<', b'/' | b'!' | b'?' | b'a'..=b'z' | b'A'..=b'Z', ..] => {
                    let inner = &rest[..rest.len().min(LONGEST_TAG)];
                    inner.iter().position(|byte| *byte == b'>')
                }
                [0x1B, b'[', ..] => {
                    let inner = &rest[..rest.len().min(LONGEST_TAG)];
                    inner
                        .iter()
                        .skip(2)
                        .position(u8::is_ascii_alphabetic)
                        .map(|end| end + 2)
                }
                [b'.', b'.', b'.', ..] => Some(2),
                [b'"' | b'\'' | b'`', ..] => joint(rest).map(|length| length - 1),
                _ => None,
            };
            if let Some(end) = end {
                changed = true;
                at += end + 1;
            } else {
                plain.push(rest[0], self.places[at]);
                at += 1;
            }
        }
        changed.then_some(plain)
    }
}

/// How long `" + "` at the start of `rest` is.
fn joint(rest: &[u8]) -> Option<usize> {
    const LONGEST: usize = 12;
    let inner = &rest[1..rest.len().min(LONGEST)];
    let between = |byte: &u8| byte.is_ascii_whitespace() || b"+.&|\\".contains(byte);
    let length = inner.iter().take_while(|byte| between(byte)).count();
    let is_closed = matches!(inner.get(length), Some(b'"' | b'\'' | b'`'));
    (length > 0 && is_closed).then_some(length + 2)
}

fn quintet(byte: u8) -> Option<u8> {
    match byte.to_ascii_uppercase() {
        letter @ b'A'..=b'Z' => Some(letter - b'A'),
        number @ b'2'..=b'7' => Some(number - b'2' + 26),
        _ => None,
    }
}

/// What `+AH4-` at the start of `rest` stands for, and its length.
fn shifted(rest: &[u8]) -> Option<(String, usize)> {
    if let [_, b'-', ..] = rest {
        return Some(("+".to_owned(), 2));
    }
    let digits: Vec<u8> = rest[1..]
        .iter()
        .take_while(|byte| !matches!(byte, b'-' | b'_'))
        .map_while(|byte| sextet(*byte))
        .collect();
    let (mut bits, mut count) = (0_u32, 0);
    let mut units = Vec::with_capacity(digits.len() / 2);
    for digit in &digits {
        bits = (bits << 6) | u32::from(*digit);
        count += 6;
        if count >= 16 {
            count -= 16;
            units.push(((bits >> count) & 0xFFFF) as u16);
        }
    }
    let is_whole = count < 6 && bits & ((1 << count) - 1) == 0;
    if units.is_empty() || !is_whole {
        return None;
    }
    let text = String::from_utf16(&units).ok()?;
    let length = 1 + digits.len();
    Some((text, length + usize::from(rest.get(length) == Some(&b'-'))))
}
