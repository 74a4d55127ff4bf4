//! What a file has and its rows do not: digits that no real holds, all but the last of equal keys;
//! what it has and the name of its folder contradicts; and what it lacks, a row its time.
//!
//! A dynamic value holds each key once and numbers as longs or reals. The first value of a file
//! that is more than that is remembered, so that whoever asks a query is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::Array as _;
use arrow::record_batch::RecordBatch;
use defender_table::rounded;
use kql_semantics::ScalarType;

use super::files::Source;
use super::{fit, json};
use crate::datum::Datum;
use crate::dynamic::Doubt;
use crate::plan::STAMP;

/// What is said of a file, once each; clones are of the same file.
#[derive(Debug, Clone, Default)]
pub(super) struct Losses(Arc<Mutex<BTreeMap<Loss, String>>>);

/// What a file may be told to have lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Loss {
    /// A value is not kept whole.
    Value,
    /// A value is not the one in the name of the folder.
    Folder,
    /// A row has no time: no condition on the time is true of it.
    Time,
}

impl Losses {
    /// Remembers what is wrong with a value, unless one of the file is remembered already.
    pub(super) fn note(&self, place: &str, what: &str) {
        self.note_as(Loss::Value, || format!("{place} {what}"));
    }

    /// Remembers what is lost, unless something of its kind is remembered already.
    pub(super) fn note_as(&self, loss: Loss, what: impl FnOnce() -> String) {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        first.entry(loss).or_insert_with(what);
    }

    pub(super) fn said(&self, loss: Loss) -> Option<String> {
        let first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        first.get(&loss).cloned()
    }
}

impl Source {
    /// What of it is lost, with the name of the file.
    pub(super) fn said(&self, loss: Loss) -> Option<String> {
        let lost = self.losses.said(loss)?;
        Some(format!("in {}, {lost}", self.shown.display()))
    }

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

    /// Remembers the first row of a batch that has no time, where that is among the `wanted`
    /// columns; `first` is the place of the batch in the file, where that is known.
    pub(super) fn look_at_times(
        &self,
        batch: &RecordBatch,
        wanted: &[(String, ScalarType)],
        first: Option<usize>,
    ) {
        let is_time =
            |(name, ty): &(String, ScalarType)| name == STAMP && *ty == ScalarType::DateTime;
        let times = wanted
            .iter()
            .any(is_time)
            .then(|| batch.column_by_name(STAMP));
        let Some(times) = times.flatten().filter(|times| times.null_count() > 0) else {
            return;
        };
        self.losses.note_as(Loss::Time, || {
            let row = (0..times.len()).find(|row| times.is_null(*row));
            match first.zip(row) {
                Some((first, row)) => format!("row {} has no {STAMP}", first + row + 1),
                None => format!("a row has no {STAMP}"),
            }
        });
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
    use super::{Loss, Losses, of};
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
        assert_eq!(losses.said(Loss::Value), None);
        losses.clone().note("line 2", "is odd");
        losses.note("line 3", "is odd");
        losses.note_as(Loss::Folder, || "another".to_owned());
        let said = |loss| losses.said(loss);
        assert_eq!(said(Loss::Value).as_deref(), Some("line 2 is odd"));
        assert_eq!(said(Loss::Folder).as_deref(), Some("another"));
        assert_eq!(said(Loss::Time), None);
    }
}
