//! How large values may become: a line of KQL can double a text forty times.

use crate::EngineError;
use crate::datum::Datum;

/// The most bytes of a value that a function makes.
pub(crate) const LARGEST: usize = 128 << 20;

/// The most bytes of what a function reads at once, of several arguments together.
const TOGETHER: usize = 2 * LARGEST;

/// The most bytes that a function makes of one batch of rows.
const BATCH: usize = 1 << 30;

/// Bytes of a value beyond those of a number.
fn bytes(value: &Datum<'_>) -> usize {
    match value {
        Datum::String(text) | Datum::Guid(text) => text.len(),
        Datum::Dynamic(bytes) => bytes.len(),
        _ => 0,
    }
}

fn too_large() -> EngineError {
    EngineError::runtime(format!(
        "a value would have more than {} MiB",
        LARGEST >> 20
    ))
}

/// Whether a function may look at these.
pub(crate) fn arguments(values: &[Datum<'_>]) -> Result<(), EngineError> {
    if values.len() < 2 || values.iter().map(bytes).sum::<usize>() <= TOGETHER {
        return Ok(());
    }
    Err(too_large())
}

/// Whether a function may make a value of so many bytes; for those that multiply.
pub(crate) fn expected(bytes: usize) -> Result<(), EngineError> {
    if bytes <= LARGEST {
        return Ok(());
    }
    Err(too_large())
}

/// What a function has made of a batch so far.
#[derive(Default)]
pub(super) struct Made(usize);

impl Made {
    pub(super) fn add(&mut self, value: &Datum<'_>) -> Result<(), EngineError> {
        let bytes = bytes(value);
        expected(bytes)?;
        self.0 += bytes;
        if self.0 > BATCH {
            return Err(EngineError::runtime(
                "the values of one column would take gigabytes",
            ));
        }
        Ok(())
    }
}

/// Bytes of a constant that is kept instead of what makes it.
pub(super) fn of_constant(value: &Datum<'_>) -> usize {
    bytes(value)
}
