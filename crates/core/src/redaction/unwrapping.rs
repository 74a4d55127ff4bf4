//! Further ways to write text differently, each undone as a whole: base32, UTF-7, lists of numbers,
//! marks of a page in between.

use super::decoding::{GAP, Text, sextet};

/// Fewer bytes are no secret.
const FEWEST: usize = 6;

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
        let numbers = self.numbers();
        for radix in [10, 8, 2] {
            inside.extend(self.of_numbers(&numbers, radix));
        }
        inside
    }

    fn base32(&self, runs: &[Vec<(usize, u8)>], offset: usize) -> Self {
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

    /// The digits of numbers that stand in lists, list by list: where each begins and ends.
    fn numbers(&self) -> Vec<Vec<(usize, usize)>> {
        /// How much may stand between two numbers of a list.
        const MOST_BETWEEN: usize = 8;
        /// As a byte in base 2, with `0b` before it.
        const MOST_DIGITS: usize = 10;
        let mut lists = Vec::new();
        let mut list: Vec<(usize, usize)> = Vec::new();
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
                .is_some_and(|(_, before)| self.is_between(*before, at, MOST_BETWEEN));
            if !goes_on {
                lists.push(std::mem::take(&mut list));
            }
            if end - at <= MOST_DIGITS {
                list.push((at, end));
            }
            at = end;
        }
        lists.push(list);
        lists.retain(|list| list.len() >= FEWEST);
        lists
    }

    /// Whether what stands from `start` to `end` is what stands between numbers of a list.
    fn is_between(&self, start: usize, end: usize, most: usize) -> bool {
        let between = &self.bytes[start..end];
        let allowed = |byte: &u8| byte.is_ascii_whitespace() || b",;|-_.:+\"'()[]\\".contains(byte);
        !between.is_empty() && between.len() <= most && between.iter().all(allowed)
    }

    /// The numbers as the characters with these codes.
    fn of_numbers(&self, lists: &[Vec<(usize, usize)>], radix: u32) -> Option<Self> {
        let mut decoded = Self::empty();
        for list in lists {
            for (start, end) in list {
                let digits = std::str::from_utf8(&self.bytes[*start..*end]).ok()?;
                let (digits, radix) = match digits.get(..2) {
                    Some("0x" | "0X") => (&digits[2..], 16),
                    Some("0o" | "0O") => (&digits[2..], 8),
                    Some("0b" | "0B") => (&digits[2..], 2),
                    _ => (digits, radix),
                };
                let code = u32::from_str_radix(digits, radix).ok();
                match code.and_then(char::from_u32) {
                    Some(character) => {
                        let place = self.place(*start, *end);
                        let code = character as u32;
                        // A number up to 255 is a byte, of which several may be a character.
                        match u8::try_from(code) {
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
