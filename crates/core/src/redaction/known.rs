//! A secret that is looked for, whole and in pieces.

use std::collections::HashMap;

use secrecy::{ExposeSecret, SecretString};

use super::decoding::Text;
use super::odd::is_odd;
use super::parts::Parts;
use super::words::is_ordinary;

/// Shorter secrets would take ordinary words with them.
const SHORTEST: usize = 4;

/// A piece of this length is enough of a secret to be one, if it is no word; one of the other
/// length is, even where it might be a word.
const SHORTEST_PIECE: usize = 8;
const PIECE: usize = 16;

/// So much of its beginning in front of a quotation mark is a secret that was cut.
const SHORTEST_CUT: usize = 6;

/// How many slots the filter in front of the pieces has.
const SLOTS: usize = 1 << 16;

/// A secret without what others change on the way.
pub(super) struct Known {
    bare: Pieces,
    /// Its letters and digits alone: whoever cuts a text into parts puts something in between.
    core: Option<Pieces>,
    /// From its end to its beginning.
    reversed: Option<Pieces>,
    /// The same in parts that are shorter than a piece.
    parts: Option<Parts>,
}

/// The pieces that a text is found by.
struct Pieces {
    text: Vec<u8>,
    length: usize,
    /// From this length on it is a piece, even where it may be a word.
    long: usize,
    /// From this length on it is no piece, even where it is made of ordinary words.
    whole: usize,
    /// The pieces, and whether each is no word.
    odd: HashMap<Vec<u8>, bool>,
    /// Says quickly that no piece begins so; a bit for each slot.
    filter: Vec<u64>,
}

impl Known {
    /// What is looked for in order to find `secret`: as it is, and as it would be if somebody
    /// undid what only looks like an escape in it.
    pub(super) fn of(secret: &SecretString) -> Vec<Self> {
        let secret = secret.expose_secret().trim();
        let mut known = Vec::new();
        for form in forms(secret) {
            let text = Text::of(&form);
            let text = text.folded().unwrap_or(text);
            known.push(Self::new(&text.stripped()));
            let mut level = text;
            for _ in 0..super::MOST_ESCAPES {
                let Some(next) = level.unescaped() else {
                    break;
                };
                known.push(Self::new(&next.stripped()));
                level = next;
            }
        }
        known.retain(|known| known.bare.text.len() >= SHORTEST);
        known
    }

    fn new(stripped: &Text) -> Self {
        let whole = stripped.bytes.len();
        let in_parts = |text: Vec<u8>| Pieces::of(&text, usize::MAX);
        let long = |text: &Vec<u8>| text.len() >= SHORTEST_PIECE;
        let core = stripped.core().bytes;
        let characters = String::from_utf8_lossy(&stripped.bytes);
        let reversed: Vec<u8> = characters.chars().rev().collect::<String>().into_bytes();
        let bare = Pieces::of(&stripped.bytes, whole);
        Self {
            core: Some(core).filter(long).map(in_parts),
            reversed: Some(reversed).filter(long).map(in_parts),
            parts: (whole > SHORTEST_PIECE).then(|| Parts::of(&bare.text)),
            bare,
        }
    }

    /// Adds the places of `bare` that hold it or a piece of it, and those of `core`, which is the
    /// same text in letters and digits alone.
    pub(super) fn find(&self, bare: &Text, core: &Text, found: &mut Vec<(usize, usize)>) {
        self.find_forwards(bare, found);
        if let Some(pieces) = &self.core {
            pieces.find(core, found);
        }
        if let Some(pieces) = &self.reversed {
            pieces.find(bare, found);
        }
        if let Some(parts) = &self.parts {
            parts.find(bare, found);
        }
    }
}

impl Known {
    /// Adds the places of `bare` that hold it or a piece of it as it is written.
    pub(super) fn find_forwards(&self, bare: &Text, found: &mut Vec<(usize, usize)>) {
        self.bare.find(bare, found);
        self.bare.find_cut(bare, found);
    }
}

impl Pieces {
    /// Those of `cased`, which is found in any case.
    fn of(cased: &[u8], whole: usize) -> Self {
        let length = cased.len().min(SHORTEST_PIECE);
        let long = match cased.len() {
            long @ 0..=SHORTEST_PIECE => long,
            long => (long / 2).clamp(SHORTEST_PIECE, PIECE),
        };
        let text = cased.to_ascii_lowercase();
        let mut filter = vec![0; SLOTS / 64];
        let mut odd = HashMap::new();
        if length >= SHORTEST {
            for (window, cased) in text.windows(length).zip(cased.windows(length)) {
                let slot = slot(window);
                filter[slot / 64] |= 1 << (slot % 64);
                *odd.entry(window.to_vec()).or_default() |= is_odd(cased);
            }
        }
        Self {
            text,
            length,
            long,
            whole,
            odd,
            filter,
        }
    }

    /// Whether `window` is one of the pieces, and no word.
    fn holds(&self, window: &[u8]) -> Option<bool> {
        let slot = slot(window);
        let may_be = self.filter[slot / 64] & (1 << (slot % 64)) != 0;
        may_be.then(|| self.odd.get(window).copied()).flatten()
    }

    /// Where pieces follow one another, they are one longer piece.
    fn find(&self, text: &Text, found: &mut Vec<(usize, usize)>) {
        if self.length < SHORTEST {
            return;
        }
        let mut piece: Option<(usize, usize, bool)> = None;
        for (at, window) in text.bytes.windows(self.length).enumerate() {
            let Some(odd) = self.holds(window) else {
                continue;
            };
            let end = at + self.length;
            piece = match piece {
                Some((start, before, was_odd)) if at <= before => {
                    Some((start, end, was_odd || odd))
                }
                finished => {
                    self.take_piece(finished, text, found);
                    Some((at, end, odd))
                }
            };
        }
        self.take_piece(piece, text, found);
    }

    fn take_piece(
        &self,
        piece: Option<(usize, usize, bool)>,
        text: &Text,
        found: &mut Vec<(usize, usize)>,
    ) {
        if let Some((start, end, odd)) = piece
            && (odd || end - start >= self.long)
        {
            self.take(start, end, text, found);
        }
    }

    /// Adds the place of a piece, unless it is words that any message is made of.
    fn take(&self, start: usize, end: usize, text: &Text, found: &mut Vec<(usize, usize)>) {
        if end - start >= self.whole || !is_ordinary(text, start, end) {
            found.push(text.place(start, end));
        }
    }

    /// Where text was cut, less than a piece is left.
    fn find_cut(&self, text: &Text, found: &mut Vec<(usize, usize)>) {
        for start in 0..text.bytes.len() {
            let rest = &text.bytes[start..];
            let equal = rest.iter().zip(&self.text).take_while(|(a, b)| a == b);
            let length = equal.count();
            let enough = match rest.get(length) {
                None => length >= SHORTEST,
                Some(b'\'' | b'"' | b'<' | b')' | 0xE2) => length >= SHORTEST_CUT,
                Some(_) => false,
            };
            if enough && length < self.long {
                self.take(start, start + length, text, found);
            }
        }
    }
}

/// As it is, and in the cases that are more than the letters of ASCII: `ß` becomes `SS`.
fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned()];
    if !secret.is_ascii() {
        forms.extend([secret.to_uppercase(), secret.to_lowercase()]);
    }
    forms
}

/// Where the filter keeps what begins like `window`, which has four bytes at least.
fn slot(window: &[u8]) -> usize {
    let begin = window.iter().take(4);
    let begin = begin.fold(0_u32, |begin, byte| (begin << 8) | u32::from(*byte));
    (begin.wrapping_mul(0x9E37_79B1) >> 16) as usize % SLOTS
}
