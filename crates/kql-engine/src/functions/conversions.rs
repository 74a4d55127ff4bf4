//! Functions: conversions.

use super::Call;
use crate::EngineError;
use crate::expression::Kernel;

pub(super) fn kernel_of(_call: &Call) -> Result<Option<Kernel>, EngineError> {
    Ok(None)
}
