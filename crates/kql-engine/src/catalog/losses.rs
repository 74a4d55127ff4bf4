//! What a file has and its rows do not: digits that no real holds, all but the last of equal keys;
//! what it has and the name of its folder contradicts; and what it lacks, a row its time.
//!
//! A dynamic value holds each key once and numbers as longs or reals. The first value of a file
//! that is more than that is remembered, so that whoever asks a query is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, RecordBatch, make_array};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, DurationNanosecondType, Time64NanosecondType, TimeUnit, TimestampNanosecondType,
};
use defender_table::rounded;
use kql_semantics::ScalarType;

use super::files::Source;
use super::{adapt, fit, json, times};
use crate::datum::Datum;
use crate::dynamic::Doubt;
use crate::plan::STAMP;

/// What is said of a file, once each; clones are of the same file.
#[derive(Debug, Clone, Default)]
pub(super) struct Losses(Arc<Mutex<Lost>>);

/// What a file may be told to have lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Loss {
    /// A value is not kept whole.
    Value,
    /// A value is not the one in the name of the folder.
    Folder,
    /// A row has no time: no condition on the time is true of it.
    Time,
    /// It may go on where it ends.
    End,
    /// A response has beside its rows what nobody knows.
    Unknown,
}

#[derive(Debug, Default)]
struct Lost {
    /// The first of each kind.
    first: BTreeMap<Loss, String>,
    /// The first row without a value in any column of its table, and how many there are.
    valueless: Option<(String, usize)>,
    /// How many values of a column are finer than ticks, by the first row of their batch: a batch
    /// may be read several times.
    finer: BTreeMap<String, BTreeMap<usize, usize>>,
}

impl Losses {
    /// Remembers what is wrong with a value, unless one of the file is remembered already.
    pub(super) fn note(&self, place: &str, what: &str) {
        self.note_as(Loss::Value, || format!("{place} {what}"));
    }

    /// Remembers what is lost, unless something of its kind is remembered already.
    pub(super) fn note_as(&self, loss: Loss, what: impl FnOnce() -> String) {
        self.lost().first.entry(loss).or_insert_with(what);
    }

    /// The first of its kind.
    pub(super) fn said(&self, loss: Loss) -> Option<String> {
        self.lost().first.get(&loss).cloned()
    }

    /// Remembers that so many rows have been without a value, the last of them at `place`.
    pub(super) fn valueless(&self, place: impl Fn() -> String, rows: usize) {
        let mut lost = self.lost();
        let (_, most) = lost.valueless.get_or_insert_with(|| (place(), 0));
        *most = (*most).max(rows);
    }

    /// Remembers that in a batch so many values of a column have digits that ticks do not have.
    pub(super) fn finer(&self, column: &str, batch: usize, values: usize) {
        let mut lost = self.lost();
        let batches = lost.finer.entry(column.to_owned()).or_default();
        batches.insert(batch, values);
    }

    /// What there is to tell of a file of `table` that its rows do not hold.
    pub(super) fn told(&self, table: &str) -> Vec<String> {
        let lost = self.lost();
        let kinds = [Loss::Folder, Loss::Value, Loss::Unknown];
        let first = kinds.iter().filter_map(|loss| lost.first.get(loss));
        let mut said: Vec<String> = first.cloned().collect();
        if let Some((place, rows)) = &lost.valueless {
            let rows = match rows {
                1 => "1 row has".to_owned(),
                _ => format!("{rows} rows have"),
            };
            said.push(format!(
                "{rows} no value in any column of {table} (the first is {place})"
            ));
        }
        for (column, batches) in &lost.finer {
            let values: usize = batches.values().sum();
            let values = match values {
                1 => "1 time".to_owned(),
                _ => format!("{values} times"),
            };
            said.push(format!(
                "column {column} has {values} with digits below 100 ns, which are not kept"
            ));
        }
        said
    }

    fn lost(&self) -> MutexGuard<'_, Lost> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many times and durations of a column have digits below 100 ns, those inside of others too.
fn finer(array: &ArrayRef) -> usize {
    fn count<T: ArrowPrimitiveType<Native = i64>>(array: &ArrayRef) -> usize {
        let values = array.as_primitive::<T>().iter().flatten();
        values.filter(|value| value % 100 != 0).count()
    }
    match array.data_type() {
        DataType::Timestamp(TimeUnit::Nanosecond, _) => count::<TimestampNanosecondType>(array),
        DataType::Duration(TimeUnit::Nanosecond) => count::<DurationNanosecondType>(array),
        DataType::Time64(TimeUnit::Nanosecond) => count::<Time64NanosecondType>(array),
        // Whether there are such values tells the type; which of them there are, the values.
        DataType::Dictionary(_, values) if may_be_finer(values) => {
            cast(array, values).map_or(0, |plain| finer(&plain))
        }
        DataType::RunEndEncoded(_, values) if may_be_finer(values.data_type()) => {
            cast(array, values.data_type()).map_or(0, |plain| finer(&plain))
        }
        data if data.is_nested() => {
            let parts = array.to_data();
            let parts = parts.child_data().iter();
            parts.map(|part| finer(&make_array(part.clone()))).sum()
        }
        _ => 0,
    }
}

/// The sum of what `look` counts in the texts of a column, if it has such; nulls are empty.
fn in_text(array: &ArrayRef, mut look: impl FnMut(&str) -> usize) -> usize {
    let texts = adapt::texts(array).ok().flatten();
    let texts = texts.as_ref().map(|texts| texts.as_string::<i64>().iter());
    let texts = texts.into_iter().flatten();
    texts.map(|text| look(text.unwrap_or_default())).sum()
}

/// Whether values have, or hold, times in nanoseconds.
fn may_be_finer(data: &DataType) -> bool {
    data.is_nested()
        || matches!(
            data,
            DataType::Timestamp(TimeUnit::Nanosecond, _)
                | DataType::Duration(TimeUnit::Nanosecond)
                | DataType::Time64(TimeUnit::Nanosecond)
        )
}

impl Source {
    /// What of it is lost, with the name of the file.
    pub(super) fn said(&self, loss: Loss) -> Option<String> {
        let lost = self.losses.said(loss)?;
        Some(format!("in {}, {lost}", self.shown.display()))
    }

    /// Remembers what ticks do not hold of the times of a batch, which begins at row `first`, and
    /// reals of its numbers in text.
    pub(super) fn look_at_digits(
        &self,
        batch: &RecordBatch,
        wanted: &[(String, ScalarType)],
        first: Option<usize>,
    ) {
        let begin = first.unwrap_or(usize::MAX);
        for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
            let name = field.name();
            let ty = wanted.iter().find(|(wanted, _)| wanted == name);
            let values = match ty.map(|(_, ty)| *ty) {
                Some(ty) if times::is_time(ty) => {
                    finer(array) + in_text(array, |text| usize::from(times::is_finer(text)))
                }
                Some(ScalarType::Real) => {
                    let mut row = 0;
                    in_text(array, |text| {
                        row += 1;
                        if let Some(lost) = of(text, Doubt::of_real()) {
                            let row = first.map_or("a row".to_owned(), |first| {
                                format!("row {}", first.saturating_add(row))
                            });
                            self.losses.note(&format!("column {name} of {row}"), &lost);
                        }
                        0
                    })
                }
                _ => finer(array),
            };
            if values > 0 {
                self.losses.finer(name, begin, values);
            }
        }
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
    shortened(number)
}

/// The same of a text in which whole numbers are kept as far as 64 bits go.
pub(super) fn of_fractions(text: &str) -> Option<String> {
    let mut numbers = rounded(text).filter(|number| number.parse::<u64>().is_err());
    shortened(numbers.next()?)
}

fn shortened(number: &str) -> Option<String> {
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
        assert_eq!(losses.told("T"), ["another", "line 2 is odd"]);
    }

    #[test]
    fn what_is_read_again_counts_once() {
        let losses = Losses::default();
        for rows in [1, 2, 1, 2] {
            losses.valueless(|| format!("line {}", rows + 6), rows);
        }
        for batch in [0, 8192, 0] {
            losses.finer("C", batch, 3);
        }
        assert_eq!(
            losses.told("T"),
            [
                "2 rows have no value in any column of T (the first is line 7)",
                "column C has 6 times with digits below 100 ns, which are not kept"
            ]
        );
    }
}
