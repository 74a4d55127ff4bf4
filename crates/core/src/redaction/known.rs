//! A secret that is looked for, whole and in pieces.

use std::collections::HashSet;

use secrecy::{ExposeSecret, SecretString};

use super::decoding::Text;
use super::words::is_ordinary;

/// Shorter secrets would take ordinary words with them.
const SHORTEST: usize = 4;

/// A piece of this length is enough of a secret to be one.
const PIECE: usize = 16;
const SHORTEST_PIECE: usize = 8;

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
}

/// The pieces that a text is found by.
struct Pieces {
    text: Vec<u8>,
    length: usize,
    /// From this length on it is no piece, even where it is made of ordinary words.
    whole: usize,
    set: HashSet<Vec<u8>>,
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
            known.push(Self::new(text.bare()));
            let mut level = text;
            for _ in 0..super::MOST_ESCAPES {
                let Some(next) = level.unescaped() else {
                    break;
                };
                known.push(Self::new(next.bare()));
                level = next;
            }
        }
        known.retain(|known| known.bare.text.len() >= SHORTEST);
        known
    }

    fn new(bare: Text) -> Self {
        let whole = bare.bytes.len();
        let in_parts = |text| Pieces::of(text, usize::MAX);
        let long = |text: &Vec<u8>| text.len() >= SHORTEST_PIECE;
        let core = bare.core().bytes;
        let characters = String::from_utf8_lossy(&bare.bytes);
        let reversed: Vec<u8> = characters.chars().rev().collect::<String>().into_bytes();
        Self {
            core: Some(core).filter(long).map(in_parts),
            reversed: Some(reversed).filter(long).map(in_parts),
            bare: Pieces::of(bare.bytes, whole),
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
    fn of(text: Vec<u8>, whole: usize) -> Self {
        let length = match text.len() {
            length @ 0..=SHORTEST_PIECE => length,
            length => (length / 2).clamp(SHORTEST_PIECE, PIECE),
        };
        let mut filter = vec![0; SLOTS / 64];
        let mut set = HashSet::new();
        if length >= SHORTEST {
            for window in text.windows(length) {
                let slot = slot(window);
                filter[slot / 64] |= 1 << (slot % 64);
                set.insert(window.to_vec());
            }
        }
        Self {
            text,
            length,
            whole,
            set,
            filter,
        }
    }

    fn holds(&self, window: &[u8]) -> bool {
        let slot = slot(window);
        self.filter[slot / 64] & (1 << (slot % 64)) != 0 && self.set.contains(window)
    }

    /// Where pieces follow one another, they are one longer piece.
    fn find(&self, text: &Text, found: &mut Vec<(usize, usize)>) {
        if self.length < SHORTEST {
            return;
        }
        let mut piece: Option<(usize, usize)> = None;
        for (at, window) in text.bytes.windows(self.length).enumerate() {
            if !self.holds(window) {
                continue;
            }
            let end = at + self.length;
            piece = match piece {
                Some((start, before)) if at <= before => Some((start, end)),
                finished => {
                    self.take(finished, text, found);
                    Some((at, end))
                }
            };
        }
        self.take(piece, text, found);
    }

    /// Adds the place of a piece, unless it is words that any message is made of.
    fn take(&self, piece: Option<(usize, usize)>, text: &Text, found: &mut Vec<(usize, usize)>) {
        if let Some((start, end)) = piece
            && (end - start >= self.whole || !is_ordinary(text, start, end))
        {
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
            if enough && length < self.length {
                self.take(Some((start, start + length)), text, found);
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
