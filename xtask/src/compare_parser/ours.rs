//! What this workspace says of a query.

use std::collections::BTreeMap;

use kql_semantics::{BindOptions, DiagnosticKind, TableSchema, bind};

use super::parser::Verdict;

/// Parses and binds a query, in this process.
pub(super) fn judge(query: &str, tables: &BTreeMap<String, TableSchema>) -> Verdict {
    let parsed = kql_syntax::parse(query);
    if !parsed.diagnostics.is_empty() {
        let found = parsed.diagnostics.into_iter();
        return Verdict {
            refusals: found.map(|found| found.message).collect(),
            ..Verdict::default()
        };
    }
    match bind(&parsed.tree, tables, &BindOptions::default()) {
        Ok(bound) => Verdict {
            columns: (bound.schema().into_iter())
                .map(|column| (column.name, column.ty.name().to_owned()))
                .collect(),
            refusals: Vec::new(),
        },
        Err(found) => Verdict {
            refusals: found
                .into_iter()
                .filter(|found| found.kind != DiagnosticKind::Note)
                .map(|found| found.to_string())
                .collect(),
            ..Verdict::default()
        },
    }
}
