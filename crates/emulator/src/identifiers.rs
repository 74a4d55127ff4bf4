//! Identifiers in the shape of GUIDs, drawn from a seed so that a test can print them.

use std::sync::atomic::{AtomicU64, Ordering};

/// A sequence of identifiers.
#[derive(Debug)]
pub(crate) struct Identifiers {
    seed: u64,
    drawn: AtomicU64,
}

impl Identifiers {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            drawn: AtomicU64::new(0),
        }
    }

    /// The next identifier, a version 4 GUID by its looks.
    pub(crate) fn next(&self) -> String {
        let number = self.drawn.fetch_add(1, Ordering::Relaxed);
        let start = mix(self.seed) ^ mix(number.wrapping_mul(2).wrapping_add(1));
        guid(mix(start), mix(start.wrapping_add(1)))
    }
}

/// Two numbers in the shape of a version 4 GUID.
pub(crate) fn guid(high: u64, low: u64) -> String {
    let high = (high & 0xffff_ffff_ffff_0fff) | 0x4000;
    let low = (low & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}

/// A version for the secret `name` that has `before` versions already.
pub(crate) fn version(name: &str, before: usize) -> String {
    let seed = name
        .bytes()
        .map(|byte| u64::from(byte.to_ascii_lowercase()))
        .chain([before as u64])
        .fold(7, |seed: u64, byte| {
            seed.wrapping_mul(257).wrapping_add(byte)
        });
    Identifiers::new(seed).next().replace('-', "")
}

/// Whether the text has the shape of a GUID.
pub(crate) fn is_guid(text: &str) -> bool {
    let mut lengths = text.split('-').map(str::len);
    text.bytes()
        .all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
        && [8, 4, 4, 4, 12]
            .iter()
            .all(|length| lengths.next() == Some(*length))
        && lengths.next().is_none()
}

/// The output step of splitmix64.
fn mix(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_seed_gives_one_sequence_of_different_identifiers() {
        let draw = |seed| {
            let identifiers = Identifiers::new(seed);
            (0..100).map(|_| identifiers.next()).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        let all: BTreeSet<_> = draw(1).into_iter().chain(draw(2)).collect();
        assert_eq!(all.len(), 200);
        for identifier in all {
            let lengths: Vec<_> = identifier.split('-').map(str::len).collect();
            assert_eq!(lengths, [8, 4, 4, 4, 12], "{identifier}");
            assert_eq!(&identifier[14..15], "4");
        }
    }
}
