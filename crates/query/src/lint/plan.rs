//! What keeps a query from being planned: patterns and formats that are none.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use futures::executor::block_on;
use kql_engine::{Catalog, Engine, EngineError, Options};
use kql_semantics::{BindOptions, Binding, TableSchema, bind_or_discover};
use kql_syntax::tree::Query;
use kql_syntax::{Span, ticks};

use super::Finding;
use super::rules::MISUSE;
use crate::local::hunting_tables;

/// What a plan depends on is computed over empty tables, so it takes no time; a `range` may.
const LONGEST: Duration = Duration::from_secs(2);

/// Plans over tables without rows.
static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let mut catalog = Catalog::new();
    for (name, columns) in hunting_tables() {
        catalog.add(name, columns, Vec::new());
    }
    let options = Options {
        // Any time will do, and the same one each time.
        now: Some(ticks::UNIX_EPOCH),
        time_limit: Some(LONGEST),
        ..Options::default()
    };
    Engine::new(catalog, options)
});

/// What a query whose names and types are sound cannot be planned for.
///
/// What this engine does not have, and its own limits, say nothing about the service.
pub(super) fn findings(tree: &Query, tables: &BTreeMap<String, TableSchema>) -> Vec<Finding> {
    let bound = bind_or_discover(tree, tables, &BindOptions::default());
    let Ok(Binding::Complete(bound)) = bound else {
        // Its columns depend on data.
        return Vec::new();
    };
    match block_on(ENGINE.plan(bound)) {
        Err(error @ EngineError::Argument { .. }) => error
            .complaints()
            .into_iter()
            .map(|complaint| {
                let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
                let span = Span::new(offset(complaint.span.start), offset(complaint.span.end));
                Finding::new(&MISUSE, span, complaint.message)
            })
            .collect(),
        _ => Vec::new(),
    }
}
