//! What the answers so far tell about the next ones: bytes and rows for each row that was counted.

/// Answers after which more are expected to be like them.
const TELLING: u64 = 500;
/// As many answers tell as well, however few rows they had.
const ENOUGH: u32 = 3;
/// Filters that leave few rows may leave more elsewhere: so many times the rows, at most.
const SPARSEST: u64 = 8;

/// Learned over a run; late answers count more than early ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    counted: u64,
    rows: u64,
    bytes: u64,
    answers: u32,
}

impl Size {
    /// An answer came whole.
    pub(super) fn answered(&mut self, counted: u64, rows: u64, bytes: u64) {
        if counted == 0 {
            return;
        }
        self.counted = self.counted / 2 + counted;
        self.rows = self.rows / 2 + rows;
        self.bytes = self.bytes / 2 + bytes;
        self.answers = self.answers.saturating_add(1);
    }

    /// An answer did not come, since it had more than `bytes`.
    pub(super) fn refused(&mut self, counted: u64, bytes: u64) {
        self.at_least(counted, 0, bytes);
    }

    /// An answer ended early, after `rows`.
    pub(super) fn stopped(&mut self, counted: u64, rows: u64) {
        self.at_least(counted, rows, 0);
    }

    fn at_least(&mut self, counted: u64, rows: u64, bytes: u64) {
        let counted = counted.max(1);
        *self = Self {
            counted,
            rows: self.rows_of(counted).max(rows),
            bytes: self.bytes_of(counted).max(bytes),
            answers: ENOUGH,
        };
    }

    /// Whether enough came to plan by.
    pub(super) fn is_known(&self) -> bool {
        self.counted >= TELLING || self.answers >= ENOUGH
    }

    /// The bytes that so many counted rows should come with.
    pub(super) fn bytes_of(&self, counted: u64) -> u64 {
        scaled(counted, self.bytes, self.counted)
    }

    fn rows_of(&self, counted: u64) -> u64 {
        if self.counted == 0 {
            return counted;
        }
        scaled(counted, self.rows, self.counted)
    }

    /// How many counted rows should come with `bytes`.
    pub(super) fn fitting(&self, bytes: u64) -> u64 {
        if self.bytes == 0 {
            return u64::MAX;
        }
        scaled(bytes, self.counted, self.bytes)
    }

    /// How many counted rows should come as `rows`.
    pub(super) fn becoming(&self, rows: u64) -> u64 {
        let most = rows.saturating_mul(SPARSEST);
        if self.rows == 0 {
            return if self.counted == 0 { rows } else { most };
        }
        scaled(rows, self.counted, self.rows).min(most)
    }
}

/// `number * by / of`, as far as that can be said.
fn scaled(number: u64, by: u64, of: u64) -> u64 {
    let exact = u128::from(number) * u128::from(by) / u128::from(of.max(1));
    u64::try_from(exact).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_expected_before_the_first_answer() {
        let size = Size::default();
        assert!(!size.is_known());
        assert_eq!(size.fitting(1_000), u64::MAX);
        assert_eq!(size.becoming(1_000), 1_000);
        assert_eq!(size.bytes_of(1_000), 0);
    }

    #[test]
    fn answers_tell_of_the_next_and_late_ones_more() {
        let mut size = Size::default();
        size.answered(1_000, 1_000, 20_000);
        assert!(size.is_known());
        assert_eq!(size.fitting(100_000), 5_000);
        for _ in 0..8 {
            size.answered(1_000, 1_000, 40_000);
        }
        assert!((2_500..2_530).contains(&size.fitting(100_000)), "{size:?}");
    }

    #[test]
    fn a_refusal_tells_as_much_and_its_like_tell_no_more() {
        let mut size = Size::default();
        size.answered(1_000, 1_000, 20_000);
        size.refused(10_000, 1_000_000);
        assert_eq!(size.bytes_of(10_000), 1_000_000);
        let before = size;
        size.refused(10_000, 1_000_000);
        assert_eq!(size, before);
        size.refused(5_000, 1_000_000);
        assert_eq!(size.fitting(1_000_000), 5_000);
    }

    #[test]
    fn rows_that_a_filter_leaves_out_leave_room_and_rows_that_expand_take_it() {
        let mut size = Size::default();
        size.answered(1_000, 250, 0);
        assert_eq!(size.becoming(750), 3_000);
        size.answered(100_000, 0, 0);
        assert_eq!(size.becoming(750), 6_000);
        let mut size = Size::default();
        size.answered(1_000, 4_000, 0);
        assert_eq!(size.becoming(1_000), 250);
        size.stopped(100, 1_000);
        assert_eq!(size.becoming(1_000), 100);
    }
}
