//! `scan`.

use kql_semantics::bound::Scan;
use kql_semantics::{ColumnId, ScalarType};

use super::{Flow, Planner};
use crate::EngineError;

impl Planner<'_> {
    pub(super) fn scan_steps(
        &self,
        _flow: Flow,
        _scan: &Scan,
        _columns: &[(ColumnId, ScalarType)],
    ) -> Result<Flow, EngineError> {
        Err(EngineError::Unsupported {
            what: "operator scan".to_owned(),
            span: None,
        })
    }
}
