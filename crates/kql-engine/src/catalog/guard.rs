//! Readers that panic on damaged files.
//!
//! Readers of binary formats trust lengths and offsets that are checked here before they see them.
//! What remains ends as an error of the file, not of the process.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::files::{Batches, Failure};
use crate::EngineError;

thread_local! {
    /// How many guards are around what this thread does.
    static GUARDS: Cell<usize> = const { Cell::new(0) };
}

/// Whether a panic of this thread, at this moment, becomes the error of a damaged file.
///
/// A panic hook of the process may then be silent: the error says what there is to say. The
/// library itself sets no hook.
pub fn panic_is_caught() -> bool {
    GUARDS.get() > 0
}

struct Guard;

impl Guard {
    fn new() -> Self {
        GUARDS.set(GUARDS.get() + 1);
        Self
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        GUARDS.set(GUARDS.get().saturating_sub(1));
    }
}

/// What `work` gives; a panic in it is an error that names the file.
pub(super) fn guarded<T>(
    failure: &Failure,
    work: impl FnOnce() -> Result<T, EngineError>,
) -> Result<T, EngineError> {
    let _guard = Guard::new();
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(damaged(failure)))
}

fn damaged(failure: &Failure) -> EngineError {
    failure.whole(&"it is damaged, or has columns of a type that is not known")
}

/// Batches of a reader that may panic; none come after an error.
pub(super) fn batches(failure: Failure, inner: Batches) -> Batches {
    let mut inner = Some(inner);
    Box::new(std::iter::from_fn(move || {
        let next = guarded(&failure, || Ok(inner.as_mut().and_then(Iterator::next)));
        let next = next.unwrap_or_else(|error| Some(Err(error)));
        if next.as_ref().is_none_or(Result::is_err) {
            inner = None;
        }
        next
    }))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{batches, guarded, panic_is_caught};
    use crate::EngineError;
    use crate::catalog::files::Failure;

    #[test]
    fn a_panic_is_an_error_of_the_file() {
        let failure = Failure::of(Path::new("T.parquet"));
        let error = guarded(&failure, || -> Result<(), EngineError> {
            assert!(panic_is_caught());
            Err(EngineError::data(
                "x".repeat([1][usize::from(panic_is_caught())]),
            ))
        })
        .unwrap_err();
        let expected =
            "cannot read T.parquet: it is damaged, or has columns of a type that is not known";
        assert_eq!(error.to_string(), expected);
        assert!(!panic_is_caught());
        let mut rows = batches(failure, Box::new(std::iter::from_fn(|| panic!("inside"))));
        assert_eq!(rows.next().unwrap().unwrap_err().to_string(), expected);
        assert!(rows.next().is_none());
    }
}
