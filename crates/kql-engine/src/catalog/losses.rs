//! What a file has and its rows do not: digits that no real holds, all but the last of equal keys.
//!
//! A dynamic value holds each key once and numbers as longs or reals. The first value of a file
//! that is more than that is remembered, so that whoever asks a query is told.

use std::sync::{Arc, Mutex, PoisonError};

use defender_table::rounded;

use super::files::Source;
use super::{fit, json};
use crate::datum::Datum;
use crate::dynamic::Doubt;

/// The first value of a file that is not kept whole; clones are of the same file.
#[derive(Debug, Clone, Default)]
pub(super) struct Losses(Arc<Mutex<Option<String>>>);

impl Losses {
    /// Remembers what is wrong with a value, unless one of the file is remembered already.
    pub(super) fn note(&self, place: &str, what: &str) {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| format!("{place} {what}"));
    }

    pub(super) fn said(&self) -> Option<String> {
        let first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        first.clone()
    }
}

impl Source {
    /// The dynamic value of a text on a line; what it does not hold of it is remembered.
    pub(super) fn document(&self, written: &str, line: usize) -> Datum<'static> {
        let (value, doubt) = json::encoded(written);
        self.look(written, doubt, line);
        value
    }

    /// Remembers what a real does not hold of a number on a line.
    pub(super) fn look_at_real(&self, written: &str, line: usize) {
        self.look(written, Doubt::of_real(), line);
    }

    fn look(&self, written: &str, doubt: Doubt, line: usize) {
        if let Some(lost) = of(written, doubt) {
            self.losses.note(&format!("line {line}"), &lost);
        }
    }
}

/// Says what is not kept of a text of JSON, where `doubt` and a look at it tell so.
pub(super) fn of(text: &str, doubt: Doubt) -> Option<String> {
    if doubt.twice {
        return Some(format!(
            "has a key twice in an object, of which the last value is kept: {}",
            fit::in_short(text)
        ));
    }
    let number = doubt.real.then(|| rounded(text).next()).flatten()?;
    let kept: f64 = number.parse().ok()?;
    Some(format!(
        "has the number {number}, which is kept as {kept:?}: a real has 64 bits"
    ))
}

#[cfg(test)]
mod tests {
    use super::{Losses, of};
    use crate::dynamic;

    #[test]
    fn what_is_lost_is_said() {
        for (text, expected) in [
            (r#"{"a":1,"b":{"a":1.5}}"#, None),
            ("18446744073709551615 is no JSON", None),
            (
                r#"[{"a":1,"a":2}]"#,
                Some(
                    r#"has a key twice in an object, of which the last value is kept: "[{\"a\":1,\"a\":2}]""#,
                ),
            ),
            (
                "18446744073709551615",
                Some(
                    "has the number 18446744073709551615, which is kept as 1.8446744073709552e19: a real has 64 bits",
                ),
            ),
        ] {
            let found = dynamic::parse_noting(text, |_, doubt| of(text, doubt));
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn the_first_loss_of_a_file_stays() {
        let losses = Losses::default();
        assert_eq!(losses.said(), None);
        losses.clone().note("line 2", "is odd");
        losses.note("line 3", "is odd");
        assert_eq!(losses.said().as_deref(), Some("line 2 is odd"));
    }
}
