//! `top-nested`.

use kql_semantics::bound::TopNestedLevel;
use kql_semantics::{ColumnId, ScalarType};

use super::{Flow, Planner};
use crate::EngineError;

impl Planner<'_> {
    pub(super) fn top_nested(
        &self,
        _flow: Flow,
        _levels: &[TopNestedLevel],
        _columns: &[(ColumnId, ScalarType)],
    ) -> Result<Flow, EngineError> {
        Err(EngineError::Unsupported {
            what: "operator top-nested".to_owned(),
            span: None,
        })
    }
}
