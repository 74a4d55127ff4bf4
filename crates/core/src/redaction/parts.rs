//! A secret that is cut into parts, each too short to be one: with the numbers of lines, dots, words
//! or whatever else between them.

use std::collections::HashMap;

use super::decoding::Text;
use super::words::is_ordinary;

/// A shorter part is found in any text.
const SHORTEST: usize = 3;

/// So much may stand between two parts.
const MOST_BETWEEN: usize = 24;

/// What all parts have together, less one for each: chance finds less.
const ENOUGH: usize = 10;

/// A secret in which the same letters stand more often is found by its first.
const MOST_PLACES: usize = 8;

/// A part that goes on for longer is a piece anyway.
const LONGEST: usize = 64;

/// The places of a secret by the letters there.
pub(super) struct Parts {
    text: Vec<u8>,
    places: HashMap<[u8; SHORTEST], Vec<usize>>,
}

/// Parts that follow one another in the secret, and in a text.
#[derive(Clone, Copy)]
struct Chain {
    start: usize,
    end: usize,
    weight: usize,
    parts: usize,
}

impl Parts {
    pub(super) fn of(text: &[u8]) -> Self {
        let mut places: HashMap<_, Vec<usize>> = HashMap::new();
        for (at, window) in text.windows(SHORTEST).enumerate() {
            if let Ok(window) = <[u8; SHORTEST]>::try_from(window) {
                let known = places.entry(window).or_default();
                if known.len() < MOST_PLACES {
                    known.push(at);
                }
            }
        }
        Self {
            text: text.to_vec(),
            places,
        }
    }

    /// Adds the places of `text` that hold parts which follow one another.
    pub(super) fn find(&self, text: &Text, found: &mut Vec<(usize, usize)>) {
        // By the place in the secret that goes on.
        let mut open: HashMap<usize, Chain> = HashMap::new();
        let mut at = 0;
        while let Some(window) = text.bytes.get(at..at + SHORTEST) {
            let window = <[u8; SHORTEST]>::try_from(window).ok();
            let Some(places) = window.and_then(|window| self.places.get(&window)) else {
                at += 1;
                continue;
            };
            let mut passed = 1;
            for place in places {
                let rest = text.bytes[at..].iter().zip(&self.text[*place..]);
                let length = rest.take(LONGEST).take_while(|(a, b)| a == b).count();
                // What stands between may look like the next letter, or hide one.
                let before = [*place, place + 1, place.wrapping_sub(1)]
                    .into_iter()
                    .filter_map(|key| open.get(&key))
                    .find(|chain| (chain.end..=chain.end + MOST_BETWEEN).contains(&at));
                let weight = if is_ordinary(text, at, at + length) {
                    0
                } else {
                    length
                };
                let chain = before.map_or(
                    Chain {
                        start: at,
                        end: at + length,
                        weight,
                        parts: 1,
                    },
                    |before| Chain {
                        start: before.start,
                        end: at + length,
                        weight: before.weight + weight,
                        parts: before.parts + 1,
                    },
                );
                if chain.parts > 1 {
                    passed = passed.max(length);
                    if chain.weight >= ENOUGH + chain.parts {
                        found.push(text.place(chain.start, chain.end));
                    }
                }
                let known = open.entry(place + length).or_insert(chain);
                // The same part from its second letter on is none of its own.
                if known.end != chain.end || chain.weight > known.weight {
                    *known = chain;
                }
            }
            at += passed;
        }
    }
}
