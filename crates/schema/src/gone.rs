//! Tables that are gone, or going, and what took their place.

use crate::text;

/// A table that queries still name although it is gone, or going.
///
/// A query saved in the portal was renamed by the service; one that runs over the API was
/// not, which is why these names keep turning up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// The name that queries still use.
    pub name: &'static str,
    /// The tables that hold its data now, at least one.
    pub replacements: Vec<&'static str>,
    /// Since when, or what else to know, as a phrase.
    pub note: &'static str,
}

/// Every table that is gone, or going.
///
/// Source: <https://learn.microsoft.com/defender-xdr/advanced-hunting-schema-changes>
pub fn gone() -> &'static [Gone] {
    &text::schema().gone
}

/// The note on the table with exactly this name.
pub fn gone_table(name: &str) -> Option<&'static Gone> {
    gone().iter().find(|gone| gone.name == name)
}
