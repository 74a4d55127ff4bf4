//! What an expression can see.

use super::scope::Scope;
use crate::bound::{Aggregate, Column, WindowCall};

/// The columns and permissions of the place where an expression stands.
#[derive(Debug)]
pub(crate) struct Context<'c> {
    pub(crate) scope: Scope,
    pub(crate) columns: &'c [Column],
    /// The columns of `$left` and `$right`.
    pub(crate) sides: Option<(&'c [Column], &'c [Column])>,
    /// Where aggregates go; none where they are not allowed.
    pub(crate) aggregates: Option<Vec<Aggregate>>,
    /// Inside the arguments of an aggregate.
    pub(crate) in_aggregate: bool,
    /// Where window calls go; none where rows have no order.
    pub(crate) windows: Option<Vec<WindowCall>>,
    /// The names of the steps of a `scan`.
    pub(crate) steps: &'c [String],
}

impl<'c> Context<'c> {
    /// Only constants and declarations.
    pub(crate) const fn constant(scope: Scope) -> Self {
        Self::over(scope, &[])
    }

    /// Over the columns of a row.
    pub(crate) const fn over(scope: Scope, columns: &'c [Column]) -> Self {
        Self {
            scope,
            columns,
            sides: None,
            aggregates: None,
            in_aggregate: false,
            windows: None,
            steps: &[],
        }
    }

    pub(crate) fn find(&self, name: &str) -> Option<&'c Column> {
        let columns: &'c [Column] = self.columns;
        columns
            .iter()
            .find(|column| &*column.name == name)
            .or_else(|| {
                // Sentinel's name for the same column; hunting queries are written for both, and
                // mix them: what was grouped as one may be asked for as the other.
                let other = match name {
                    "TimeGenerated" => "Timestamp",
                    "Timestamp" => "TimeGenerated",
                    _ => return None,
                };
                columns.iter().find(|column| &*column.name == other)
            })
    }
}
