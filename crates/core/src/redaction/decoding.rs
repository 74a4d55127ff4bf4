//! Undoes encodings, and remembers where each byte stood.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use icu_normalizer::DecomposingNormalizerBorrowed;

/// Shorter runs hold no secret worth the name.
const SHORTEST_RUN: usize = 6;

/// How long a row of printable characters must be to be words rather than noise.
const SHORTEST_WORDS: usize = 8;

/// Between two runs; part of no secret that is text.
pub(super) const GAP: u8 = 0xFF;

/// Bytes, each with the place in the original text that it was read from.
pub(super) struct Text {
    pub(super) bytes: Vec<u8>,
    pub(super) places: Vec<(usize, usize)>,
}

impl Text {
    pub(super) fn empty() -> Self {
        Self {
            bytes: Vec::new(),
            places: Vec::new(),
        }
    }

    /// The bytes of `text`; all of a character stand where the character stands.
    pub(super) fn of(text: &str) -> Self {
        let mut units = Self::empty();
        for (start, character) in text.char_indices() {
            let end = start + character.len_utf8();
            let bytes = &text.as_bytes()[start..end];
            units.bytes.extend_from_slice(bytes);
            units.places.extend(bytes.iter().map(|_| (start, end)));
        }
        units
    }

    pub(super) fn push(&mut self, byte: u8, place: (usize, usize)) {
        self.bytes.push(byte);
        self.places.push(place);
    }

    /// What tells it from others, wherever they stand.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.bytes, &self.places).hash(&mut hasher);
        hasher.finish()
    }

    /// The same characters from the last to the first.
    pub(super) fn reversed(text: &str) -> Self {
        let mut units = Self::empty();
        for (start, character) in text.char_indices().rev() {
            let end = start + character.len_utf8();
            for byte in &text.as_bytes()[start..end] {
                units.push(*byte, (start, end));
            }
        }
        units
    }

    /// The same bytes from the last to the first.
    pub(super) fn backwards(&self) -> Self {
        Self {
            bytes: self.bytes.iter().rev().copied().collect(),
            places: self.places.iter().rev().copied().collect(),
        }
    }

    /// The place that the bytes from `start` up to `end` were read from, in whatever direction.
    pub(super) fn place(&self, start: usize, end: usize) -> (usize, usize) {
        let (first, last) = (self.places[start], self.places[end - 1]);
        (first.0.min(last.0), last.1.max(first.1))
    }

    /// With full-width and other forms of the same characters as plain ones, and without marks that
    /// combine with a letter or do not show; `None` where there is nothing but ASCII.
    pub(super) fn folded(&self) -> Option<Self> {
        if self.bytes.is_ascii() {
            return None;
        }
        let normalizer = DecomposingNormalizerBorrowed::new_nfkd();
        let mut folded = Self::empty();
        let mut at = 0;
        for chunk in self.bytes.utf8_chunks() {
            for character in chunk.valid().chars() {
                let place = self.place(at, at + character.len_utf8());
                let plain = normalizer.normalize_iter(std::iter::once(character));
                for plain in plain.filter(|plain| !is_mark(*plain)) {
                    let mut bytes = [0; 4];
                    for byte in plain.encode_utf8(&mut bytes).bytes() {
                        folded.push(byte, place);
                    }
                }
                at += character.len_utf8();
            }
            for byte in chunk.invalid() {
                folded.push(*byte, self.places[at]);
                at += 1;
            }
        }
        Some(folded)
    }

    /// The letters and digits of it alone.
    pub(super) fn core(&self) -> Self {
        let mut core = Self::empty();
        for (byte, place) in self.bytes.iter().zip(&self.places) {
            if byte.is_ascii_alphanumeric() || !byte.is_ascii() && *byte != GAP {
                core.push(*byte, *place);
            }
        }
        core
    }

    /// With the escapes of addresses, pages and JSON undone once; `None` where there are none.
    pub(super) fn unescaped(&self) -> Option<Self> {
        let mut plain = Self::empty();
        let mut at = 0;
        let mut changed = false;
        while at < self.bytes.len() {
            let rest = &self.bytes[at..];
            let escape = match rest[0] {
                b'%' => percent(rest),
                b'&' => entity(rest),
                b'\\' => backslash(rest),
                _ => None,
            };
            let Some((decoded, length)) = escape else {
                plain.push(rest[0], self.places[at]);
                at += 1;
                continue;
            };
            let place = self.place(at, at + length);
            for byte in decoded.bytes() {
                plain.push(byte, place);
            }
            changed = true;
            at += length;
        }
        changed.then_some(plain)
    }

    /// What is in it as base64 at each of the four positions that it may begin at, as hexadecimal
    /// digits at each of two, and as quoted-printable text.
    pub(super) fn unwrapped(&self) -> Vec<Self> {
        let mut inside = Vec::new();
        let runs = self.runs(sextet, |byte| byte.is_ascii_whitespace());
        if !runs.is_empty() {
            inside.extend((0..4).map(|offset| self.base64(&runs, offset)));
        }
        let between = |byte: u8| byte.is_ascii_whitespace() || matches!(byte, b':' | b'-' | b',');
        let runs = self.runs(digit, between);
        if !runs.is_empty() {
            inside.extend((0..2).map(|offset| self.hexadecimal(&runs, offset)));
        }
        inside.extend(self.turned_words(&runs));
        inside.extend(self.quoted_printable());
        inside.extend(self.unwrapped_further());
        inside
    }

    /// The positions of what `value` knows, run by run; what is `between` is passed over.
    pub(super) fn runs(
        &self,
        value: impl Fn(u8) -> Option<u8>,
        between: impl Fn(u8) -> bool,
    ) -> Vec<Vec<(usize, u8)>> {
        let mut runs = Vec::new();
        let mut run = Vec::new();
        for (at, byte) in self.bytes.iter().enumerate() {
            if let Some(value) = value(*byte) {
                run.push((at, value));
            } else if !between(*byte) {
                if run.len() >= SHORTEST_RUN {
                    runs.push(std::mem::take(&mut run));
                }
                run.clear();
            }
        }
        if run.len() >= SHORTEST_RUN {
            runs.push(run);
        }
        runs
    }

    pub(super) fn base64(&self, runs: &[Vec<(usize, u8)>], offset: usize) -> Self {
        let mut decoded = Self::empty();
        for run in runs {
            let run = run.get(offset..).unwrap_or_default();
            for four in run.chunks(4) {
                for (first, second, shift) in [(0, 1, 2), (1, 2, 4), (2, 3, 6)] {
                    let (Some((from, high)), Some((to, low))) = (four.get(first), four.get(second))
                    else {
                        break;
                    };
                    let byte = (u16::from(*high) << shift) | (u16::from(*low) >> (6 - shift));
                    decoded.push((byte & 0xFF) as u8, self.place(*from, *to + 1));
                }
            }
            // The padding belongs to the last byte.
            if let (Some((last, _)), Some(place)) = (run.last(), decoded.places.last_mut()) {
                let padding = self.bytes[last + 1..].iter().take_while(|b| **b == b'=');
                let padding = padding.count();
                place.1 = self.places[last + padding].1.max(place.1);
            }
            decoded.push(GAP, (0, 0));
        }
        decoded
    }

    pub(super) fn hexadecimal(&self, runs: &[Vec<(usize, u8)>], offset: usize) -> Self {
        let mut decoded = Self::empty();
        for run in runs {
            for two in run.get(offset..).unwrap_or_default().chunks_exact(2) {
                let byte = (two[0].1 << 4) | two[1].1;
                decoded.push(byte, self.place(two[0].0, two[1].0 + 1));
            }
            decoded.push(GAP, (0, 0));
        }
        decoded
    }

    /// The bytes of words of two, four and eight, whose last byte is written first.
    fn turned_words(&self, runs: &[Vec<(usize, u8)>]) -> Vec<Self> {
        if runs.is_empty() {
            return Vec::new();
        }
        let bytes = self.hexadecimal(runs, 0);
        let turned = |size: usize| {
            let mut turned = Self::empty();
            let runs = bytes.places.split(|place| *place == (0, 0));
            let mut at = 0;
            for run in runs {
                for start in (at..at + run.len()).step_by(size) {
                    for place in (start..(start + size).min(at + run.len())).rev() {
                        turned.push(bytes.bytes[place], bytes.places[place]);
                    }
                }
                turned.push(GAP, (0, 0));
                at += run.len() + 1;
            }
            turned
        };
        [2, 4, 8].map(turned).into()
    }

    fn quoted_printable(&self) -> Option<Self> {
        let mut plain = Self::empty();
        let mut at = 0;
        let mut changed = false;
        while at < self.bytes.len() {
            let rest = &self.bytes[at..];
            let length = match rest {
                [b'=', b'\r', b'\n', ..] => 3,
                [b'=', b'\n', ..] => 2,
                [b'=', high, low, ..] => match (digit(*high), digit(*low)) {
                    (Some(high), Some(low)) => {
                        plain.push((high << 4) | low, self.place(at, at + 3));
                        3
                    }
                    _ => 0,
                },
                _ => 0,
            };
            if length == 0 {
                plain.push(rest[0], self.places[at]);
                at += 1;
            } else {
                changed = true;
                at += length;
            }
        }
        changed.then_some(plain)
    }

    /// The rows of printable characters in it, when there are any.
    pub(super) fn words(&self) -> Option<Self> {
        let is_mark = |letter: char| letter.is_control() && !letter.is_whitespace();
        let mut words = Self::empty();
        let mut start = 0;
        for chunk in self.bytes.utf8_chunks() {
            for row in chunk.valid().split_inclusive(is_mark) {
                let end = start + row.len();
                if row.len() >= SHORTEST_WORDS {
                    words.bytes.extend_from_slice(&self.bytes[start..end]);
                    words.places.extend_from_slice(&self.places[start..end]);
                    words.push(GAP, (0, 0));
                }
                start = end;
            }
            start += chunk.invalid().len();
        }
        (!words.bytes.is_empty()).then_some(words)
    }

    /// Without what others add or change on the way: case, white space, marks that do not show,
    /// and the plus that stands for a space.
    pub(super) fn bare(&self) -> Self {
        let mut bare = self.stripped();
        bare.bytes.make_ascii_lowercase();
        bare
    }

    /// The same in the case that it is written in.
    pub(super) fn stripped(&self) -> Self {
        let mut bare = Self::empty();
        let mut at = 0;
        while at < self.bytes.len() {
            match &self.bytes[at..] {
                [0xE2, 0x80, 0x8B..=0x8F | 0xA8..=0xAE, ..]
                | [0xE2, 0x81, 0xA0..=0xAF, ..]
                | [0xEF, 0xBB, 0xBF, ..] => at += 3,
                [0xC2, 0xA0 | 0xAD, ..] => at += 2,
                [byte, ..] if *byte <= b' ' || *byte == 0x7F || *byte == b'+' => at += 1,
                [byte, ..] => {
                    bare.push(*byte, self.places[at]);
                    at += 1;
                }
                [] => break,
            }
        }
        bare
    }
}

/// Whether a character shows on others alone, or not at all.
fn is_mark(character: char) -> bool {
    !character.is_ascii()
        && (crate::is_unseen(None, character, None)
            || matches!(
                character,
                '\u{300}'..='\u{36f}'
                    | '\u{483}'..='\u{489}'
                    | '\u{591}'..='\u{5bd}'
                    | '\u{64b}'..='\u{65f}'
                    | '\u{1ab0}'..='\u{1aff}'
                    | '\u{1dc0}'..='\u{1dff}'
                    | '\u{20d0}'..='\u{20ff}'
                    | '\u{fe20}'..='\u{fe2f}'
            ))
}

/// A character as text.
struct Decoded {
    bytes: [u8; 4],
    length: usize,
}

impl Decoded {
    fn byte(byte: u8) -> Self {
        Self {
            bytes: [byte, 0, 0, 0],
            length: 1,
        }
    }

    fn number(number: u32) -> Option<Self> {
        let mut bytes = [0; 4];
        let length = char::from_u32(number)?.encode_utf8(&mut bytes).len();
        Some(Self { bytes, length })
    }

    fn bytes(&self) -> impl Iterator<Item = u8> {
        self.bytes.into_iter().take(self.length)
    }
}

pub(super) fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

pub(super) fn digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// The number that the first `most` digits say, and how many there are.
pub(super) fn number(digits: &[u8], radix: u32, most: usize) -> Option<(u32, usize)> {
    let mut number = 0_u32;
    let mut count = 0;
    for byte in digits.iter().take(most) {
        let Some(digit) = char::from(*byte).to_digit(radix) else {
            break;
        };
        number = number.saturating_mul(radix).saturating_add(digit);
        count += 1;
    }
    (count > 0).then_some((number, count))
}

/// `%2F`, and `%u002F` as scripts write it.
fn percent(rest: &[u8]) -> Option<(Decoded, usize)> {
    if let [_, b'u' | b'U', digits @ ..] = rest
        && let Some((number, 4)) = number(digits, 16, 4)
    {
        return Some((Decoded::number(number)?, 6));
    }
    let (high, low) = (digit(*rest.get(1)?)?, digit(*rest.get(2)?)?);
    Some((Decoded::byte((high << 4) | low), 3))
}

/// `&amp;`, `&#38;`, `&#x26;`, with as many zeros as somebody likes.
fn entity(rest: &[u8]) -> Option<(Decoded, usize)> {
    const LONGEST: usize = 24;
    if let [_, b'#', digits @ ..] = rest {
        let (front, radix) = match digits {
            [b'x' | b'X', ..] => (1, 16),
            _ => (0, 10),
        };
        let (number, count) = number(&digits[front..], radix, LONGEST)?;
        let length = 2 + front + count;
        let end = usize::from(rest.get(length) == Some(&b';'));
        return Some((Decoded::number(number)?, length + end));
    }
    let (name, character) = ENTITIES.iter().find(|(name, _)| {
        let written = rest.get(1..=name.len());
        written.is_some_and(|written| written.eq_ignore_ascii_case(name.as_bytes()))
    })?;
    let length = 1 + name.len();
    let end = usize::from(rest.get(length) == Some(&b';'));
    Some((Decoded::byte(*character), length + end))
}

/// `\u002F`, `\u{2F}`, `\x2F`, `\x{2F}`, `\057`, `\/`, `\n`.
fn backslash(rest: &[u8]) -> Option<(Decoded, usize)> {
    match *rest.get(1)? {
        byte @ (b'"' | b'\\' | b'/' | b'\'') => Some((Decoded::byte(byte), 2)),
        b'n' | b'r' | b't' | b'b' | b'f' => Some((Decoded::byte(b'\n'), 2)),
        b'0'..=b'7' => {
            let (number, count) = number(&rest[1..], 8, 3)?;
            let byte = u8::try_from(number).ok()?;
            Some((Decoded::byte(byte), 1 + count))
        }
        b'x' if rest.get(2) == Some(&b'{') => braced(rest),
        b'x' => {
            let (number, 2) = number(&rest[2..], 16, 2)? else {
                return None;
            };
            Some((Decoded::number(number)?, 4))
        }
        b'u' | b'U' => {
            if rest.get(2) == Some(&b'{') {
                return braced(rest);
            }
            let (high, 4) = number(&rest[2..], 16, 4)? else {
                return None;
            };
            if let (0xD800..0xDC00, [b'\\', b'u', digits @ ..]) = (high, &rest[6..])
                && let Some((low @ 0xDC00..0xE000, 4)) = number(digits, 16, 4)
            {
                let whole = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                return Some((Decoded::number(whole)?, 12));
            }
            Some((Decoded::number(high)?, 6))
        }
        _ => None,
    }
}

/// `\u{2F}` and `\x{2F}`.
fn braced(rest: &[u8]) -> Option<(Decoded, usize)> {
    let (number, count) = number(&rest[3..], 16, 8)?;
    let closed = rest.get(3 + count) == Some(&b'}');
    closed.then_some((Decoded::number(number)?, 4 + count))
}

/// The named characters that a secret may be made of, in any case: text may have been changed to
/// capitals after it was written.
///
/// Source: <https://html.spec.whatwg.org/multipage/named-characters.html>
const ENTITIES: [(&str, u8); 51] = [
    ("amp", b'&'),
    ("lt", b'<'),
    ("gt", b'>'),
    ("quot", b'"'),
    ("apos", b'\''),
    ("nbsp", b' '),
    // What does not show is passed over like white space.
    ("shy", b' '),
    ("ZeroWidthSpace", b' '),
    ("zwnj", b' '),
    ("zwj", b' '),
    ("lrm", b' '),
    ("rlm", b' '),
    ("NoBreak", b' '),
    ("ensp", b' '),
    ("emsp", b' '),
    ("thinsp", b' '),
    ("hairsp", b' '),
    ("Tab", b'\t'),
    ("NewLine", b'\n'),
    ("excl", b'!'),
    ("num", b'#'),
    ("dollar", b'$'),
    ("percnt", b'%'),
    ("lpar", b'('),
    ("rpar", b')'),
    ("ast", b'*'),
    ("midast", b'*'),
    ("plus", b'+'),
    ("comma", b','),
    ("period", b'.'),
    ("sol", b'/'),
    ("colon", b':'),
    ("semi", b';'),
    ("equals", b'='),
    ("quest", b'?'),
    ("commat", b'@'),
    ("lsqb", b'['),
    ("lbrack", b'['),
    ("bsol", b'\\'),
    ("rsqb", b']'),
    ("rbrack", b']'),
    ("Hat", b'^'),
    ("lowbar", b'_'),
    ("UnderBar", b'_'),
    ("grave", b'`'),
    ("lcub", b'{'),
    ("lbrace", b'{'),
    ("verbar", b'|'),
    ("vert", b'|'),
    ("rcub", b'}'),
    ("rbrace", b'}'),
];
