//! `evaluate`.

use kql_semantics::bound::{Column, PluginArgument, Step};

use super::{Context, Flow, Planner};
use crate::EngineError;

impl Planner<'_> {
    #[expect(clippy::unused_self, reason = "planning of every plugin will ask it")]
    pub(super) fn plugin(
        &self,
        _flow: Flow,
        name: &str,
        _arguments: &[PluginArgument],
        _outputs: &[Column],
        step: &Step,
        _context: Option<&Context>,
    ) -> Result<Flow, EngineError> {
        Err(EngineError::unsupported(
            format!("plugin {name}"),
            step.span.range(),
        ))
    }
}
