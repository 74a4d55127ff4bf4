//! A set of pairs of small numbers.

/// Open addressing over one word per pair; the numbers are ours, so nobody can make them collide.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    slots: Vec<u64>,
    count: usize,
}

const FREE: u64 = u64::MAX;

impl Pairs {
    /// Whether the pair was not there before.
    pub(super) fn insert(&mut self, one: u32, two: u32) -> bool {
        if (self.count + 1) * 2 > self.slots.len() {
            self.grow();
        }
        let word = u64::from(one) << 32 | u64::from(two);
        if self.place(word) {
            self.count += 1;
            return true;
        }
        false
    }

    fn place(&mut self, word: u64) -> bool {
        let mask = self.slots.len() - 1;
        let mixed = word.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut at = usize::try_from((mixed ^ (mixed >> 32)) & mask as u64).unwrap_or(0);
        loop {
            match self.slots[at] {
                FREE => {
                    self.slots[at] = word;
                    return true;
                }
                found if found == word => return false,
                _ => at = (at + 1) & mask,
            }
        }
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(64);
        let old = std::mem::replace(&mut self.slots, vec![FREE; size]);
        for word in old.into_iter().filter(|word| *word != FREE) {
            self.place(word);
        }
    }

    /// Every pair, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.slots.iter().filter(|word| **word != FREE).map(|word| {
            #[expect(clippy::cast_possible_truncation, reason = "the halves of a word")]
            let halves = ((word >> 32) as u32, *word as u32);
            halves
        })
    }

    /// Bytes held.
    pub(super) fn size(&self) -> usize {
        self.slots.len() * 8
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Pairs;

    #[test]
    fn a_pair_is_new_once() {
        let (mut pairs, mut known) = (Pairs::default(), HashSet::new());
        for step in 0_u32..20_000 {
            let pair = (step % 97, step.wrapping_mul(31) % 1_009);
            assert_eq!(pairs.insert(pair.0, pair.1), known.insert(pair), "{pair:?}");
        }
        assert_eq!(pairs.iter().collect::<HashSet<_>>(), known);
    }
}
