//! What planning a query may spend on its constants: compiled regular expressions, folded values.

use std::cell::Cell;

/// How large all constant regular expressions of one query may be.
const REGEXES: usize = 96 << 20;

/// How large the folded constants of one query may be, those that were not kept included.
const CONSTANTS: usize = 32 << 20;

#[derive(Clone, Copy)]
struct Left {
    regexes: usize,
    constants: usize,
}

thread_local! {
    /// What is left on a thread that plans; where rows are worked on nothing is counted.
    static LEFT: Cell<Option<Left>> = const { Cell::new(None) };
}

/// While it lives, constants of this thread are counted, or are not.
pub(crate) struct Allowance(Option<Left>);

impl Allowance {
    /// For planning a query.
    pub(crate) fn of_a_query() -> Self {
        Self(LEFT.replace(Some(Left {
            regexes: REGEXES,
            constants: CONSTANTS,
        })))
    }

    /// For working on rows.
    pub(crate) fn unlimited() -> Self {
        Self(LEFT.replace(None))
    }
}

impl Drop for Allowance {
    fn drop(&mut self) {
        LEFT.set(self.0);
    }
}

/// Bytes left for regular expressions, where they are counted.
pub(crate) fn regexes() -> Option<usize> {
    LEFT.get().map(|left| left.regexes)
}

/// Takes off what a regular expression needs.
pub(crate) fn spend_regex(bytes: usize) {
    LEFT.set(LEFT.get().map(|left| Left {
        regexes: left.regexes.saturating_sub(bytes),
        ..left
    }));
}

/// Whether anything is left for constants.
pub(crate) fn may_fold() -> bool {
    LEFT.get().is_none_or(|left| left.constants > 0)
}

/// Takes off what a constant needs.
pub(crate) fn spend_constant(bytes: usize) {
    LEFT.set(LEFT.get().map(|left| Left {
        constants: left.constants.saturating_sub(bytes),
        ..left
    }));
}
