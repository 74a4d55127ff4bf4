//! `make-series`.

use kql_semantics::bound::MakeSeries;
use kql_semantics::{ColumnId, ScalarType};

use super::{Flow, Planner};
use crate::EngineError;

impl Planner<'_> {
    pub(super) fn make_series(
        &self,
        _flow: Flow,
        series: &MakeSeries,
        _columns: &[(ColumnId, ScalarType)],
    ) -> Result<Flow, EngineError> {
        Err(EngineError::unsupported(
            "operator make-series",
            series.axis.span.range(),
        ))
    }
}
