//! A secret that is looked for, whole and in pieces.

use std::collections::HashSet;

use secrecy::{ExposeSecret, SecretString};

use super::decoding::Text;

/// Shorter secrets would take ordinary words with them.
const SHORTEST: usize = 4;

/// A piece of this length is enough of a secret to be one.
const PIECE: usize = 16;
const SHORTEST_PIECE: usize = 8;

/// So much of its beginning in front of a quotation mark is a secret that was cut.
const SHORTEST_CUT: usize = 6;

/// How many slots the filter in front of the pieces has.
const SLOTS: usize = 1 << 16;

/// A secret without what others change on the way, and the pieces it is found by.
pub(super) struct Known {
    bare: Vec<u8>,
    piece: usize,
    pieces: HashSet<Vec<u8>>,
    /// Says quickly that no piece begins so.
    filter: Vec<bool>,
}

impl Known {
    /// What is looked for in order to find `secret`: as it is, and as it would be if somebody
    /// undid what only looks like an escape in it.
    pub(super) fn of(secret: &SecretString) -> Vec<Self> {
        let secret = secret.expose_secret().trim();
        let mut known = Vec::new();
        for form in forms(secret) {
            let text = Text::of(&form);
            known.push(Self::new(text.bare().bytes));
            let mut level = text;
            for _ in 0..super::MOST_ESCAPES {
                let Some(next) = level.unescaped() else {
                    break;
                };
                known.push(Self::new(next.bare().bytes));
                level = next;
            }
        }
        known.retain(|known| known.bare.len() >= SHORTEST);
        known
    }

    fn new(bare: Vec<u8>) -> Self {
        let piece = match bare.len() {
            length @ 0..=SHORTEST_PIECE => length,
            length => (length / 2).clamp(SHORTEST_PIECE, PIECE),
        };
        let mut filter = vec![false; SLOTS];
        let mut pieces = HashSet::new();
        if piece >= SHORTEST {
            for window in bare.windows(piece) {
                filter[slot(window)] = true;
                pieces.insert(window.to_vec());
            }
        }
        Self {
            bare,
            piece,
            pieces,
            filter,
        }
    }

    /// Adds the places of `text` that hold it, or a piece of it.
    pub(super) fn find(&self, text: &Text, found: &mut Vec<(usize, usize)>) {
        for (at, window) in text.bytes.windows(self.piece).enumerate() {
            if self.filter[slot(window)] && self.pieces.contains(window) {
                found.push(text.place(at, at + self.piece));
            }
        }
        // Where text was cut, less than a piece is left.
        for start in 0..text.bytes.len() {
            let rest = &text.bytes[start..];
            let equal = rest.iter().zip(&self.bare).take_while(|(a, b)| a == b);
            let length = equal.count();
            let enough = match rest.get(length) {
                None => length >= SHORTEST,
                Some(b'\'' | b'"' | b'<' | b')' | 0xE2) => length >= SHORTEST_CUT,
                Some(_) => false,
            };
            if enough && length < self.piece {
                found.push(text.place(start, start + length));
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
