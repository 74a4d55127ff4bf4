//! Columns that depend on data: what to run to know them.

use std::collections::BTreeMap;

use kql_syntax::Span;

use crate::bound::BoundQuery;
use crate::types::{ColumnSchema, ScalarType};

/// A query that has to be run before another can be bound.
///
/// `evaluate bag_unpack(x)` gives one column per property that occurs, and `evaluate pivot(x)` one per value.
/// Run [`Discovery::query`], which gives two columns of type `string`, hand its rows to
/// [`Discovery::columns`], add what comes back to [`crate::BindOptions::discovered`], and bind again.
#[derive(Debug, Clone)]
pub struct Discovery {
    /// What to run: columns `name` and `type`, both `string`.
    pub query: BoundQuery,
    /// The plugin that needs to know.
    pub plugin: &'static str,
    /// Where it stands.
    pub span: Span,
}

impl Discovery {
    /// The columns that the rows of [`Discovery::query`] come to, in the order of their names.
    ///
    /// A property that occurs with several types is `dynamic`, whole and other numbers together are `real`,
    /// and nulls do not count.
    pub fn columns(&self, rows: impl IntoIterator<Item = (String, String)>) -> Vec<ColumnSchema> {
        let mut found: BTreeMap<String, Option<ScalarType>> = BTreeMap::new();
        for (name, written) in rows {
            let ty = match written.as_str() {
                "null" | "" => None,
                "array" | "dictionary" => Some(ScalarType::Dynamic),
                other => Some(other.parse().unwrap_or(ScalarType::Dynamic)),
            };
            let entry = found.entry(name).or_insert(None);
            *entry = match (*entry, ty) {
                (None, one) | (one, None) => one,
                (Some(one), Some(other)) if one == other => Some(one),
                (Some(one), Some(other)) if one.is_numeric() && other.is_numeric() => {
                    Some(ScalarType::Real)
                }
                _ => Some(ScalarType::Dynamic),
            };
        }
        found
            .into_iter()
            .filter(|(name, _)| self.plugin == "pivot" || !name.is_empty())
            .map(|(name, ty)| ColumnSchema::new(name, ty.unwrap_or(ScalarType::Dynamic)))
            .collect()
    }
}
