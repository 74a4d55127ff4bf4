//! Judging a query without the data that some of its columns depend on.

use kql_syntax::tree;

use super::{BindOptions, Binding, attempt};
use crate::bound::BoundQuery;
use crate::diagnostic::Diagnostic;
use crate::types::{ScalarType, Tables};

/// What an unknown property may be; strings come first, since most are.
const LIKELY: [ScalarType; 4] = [
    ScalarType::String,
    ScalarType::Dynamic,
    ScalarType::Long,
    ScalarType::DateTime,
];

/// Binds a query without looking at data: a name that only data could explain (a property that
/// `bag_unpack` makes a column of, a column of a table that a fuzzy union left out) is taken for a
/// column, of a type that suits its use.
///
/// What comes back says whether the query can be meant and which columns it names; it is not to be
/// run.
///
/// # Errors
///
/// Every finding that keeps the query from running, whatever the data.
pub fn bind_assuming(
    query: &tree::Query,
    tables: &dyn Tables,
    options: &BindOptions,
) -> Result<BoundQuery, Vec<Diagnostic>> {
    let mut first = None;
    for assumed in std::iter::once(options.assumed).chain(LIKELY.map(Some)) {
        let settings = BindOptions {
            assumed,
            ..options.clone()
        };
        match attempt(query, tables, &settings) {
            (Ok(Binding::Complete(bound)), _) => return Ok(bound),
            (Ok(Binding::NeedsSchema(_)), _) => {}
            // Without an assumption, and with none of the likely ones: the first complaint counts.
            (Err(found), false) if assumed.is_none() => return Err(found),
            (Err(_), true) if assumed.is_none() => {}
            (Err(found), _) => {
                first.get_or_insert(found);
            }
        }
    }
    Err(first.unwrap_or_default())
}
