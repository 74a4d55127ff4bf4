//! Chance that is the same every time: `SplitMix64`.

/// A stream of numbers decided by its seed.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// The stream of `seed`.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number from 0 to `end`, without `end`.
    pub(super) fn below(&mut self, end: i64) -> i64 {
        let end = u64::try_from(end).unwrap_or(1).max(1);
        i64::try_from(self.bits() % end).unwrap_or(0)
    }

    /// A number from `start` to `end`, with both.
    pub(super) fn between(&mut self, start: i64, end: i64) -> i64 {
        start + self.below(end - start + 1)
    }

    /// A point in time from `start` to `end`, in steps of 100 nanoseconds.
    pub(super) fn time(&mut self, start: i64, end: i64) -> i64 {
        start + self.below((end - start) / 100) * 100
    }

    /// True in `percent` of a hundred calls.
    pub(super) fn chance(&mut self, percent: i64) -> bool {
        self.below(100) < percent
    }

    /// A place in something of this length.
    pub(super) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.bits() >> 1).unwrap_or(0) % length.max(1)
    }

    /// One of several.
    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.index(from.len())]
    }

    /// Hexadecimal digits in lower case.
    pub(super) fn hex(&mut self, digits: usize) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = String::with_capacity(digits);
        let mut bits = 0;
        for place in 0..digits {
            if place % 16 == 0 {
                bits = self.bits();
            }
            text.push(char::from(DIGITS[usize::try_from(bits & 15).unwrap_or(0)]));
            bits >>= 4;
        }
        text
    }

    /// A GUID of version 4.
    pub(super) fn guid(&mut self) -> String {
        let digits = self.hex(32);
        let variant = self.pick(&['8', '9', 'a', 'b']);
        format!(
            "{}-{}-4{}-{variant}{}-{}",
            &digits[..8],
            &digits[8..12],
            &digits[13..16],
            &digits[17..20],
            &digits[20..]
        )
    }
}

/// Spreads the bits of `value` over all 64.
pub(super) fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
