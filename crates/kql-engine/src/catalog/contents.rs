//! What a file of a table has, for whoever wonders why a query finds nothing in it.

use std::collections::BTreeSet;

use kql_semantics::ScalarType;

use super::aliases::Alias;
use super::files::{Explored, Source};
use super::folders::Folder;

/// What a file of a table has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// What errors call the file.
    pub shown: String,
    /// What the file calls its columns.
    pub columns: Vec<String>,
    /// The declared columns of the table that are neither in the file, under any name that is
    /// understood, nor in the names of its folders.
    pub lacks: BTreeSet<String>,
    /// Whether there is nothing in it, not even a header.
    pub is_empty: bool,
}

impl Contents {
    pub(super) fn of(
        source: &Source,
        found: &Explored,
        folders: &[Folder],
        aliases: &[Alias],
        declared: &[(String, ScalarType)],
    ) -> Self {
        let mut lacks: BTreeSet<String> = declared.iter().map(|(name, _)| name.clone()).collect();
        for name in &found.own {
            lacks.remove(name);
        }
        for folder in folders {
            lacks.remove(&folder.name);
        }
        for alias in aliases {
            lacks.remove(alias.column());
        }
        Self {
            shown: source.shown.display().to_string(),
            columns: found.own.clone(),
            lacks,
            is_empty: found.own.is_empty() && source.is_empty(),
        }
    }
}
