//! What went wrong with values on the way to their columns, counted for the warnings.

use std::collections::BTreeMap;

use defender_table::{Warning, WarningKind};

use super::columns::Columns;

/// What went wrong with values, before their types were looked at.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) replaced: u64,
    pub(super) repeated: u64,
    pub(super) unknown: BTreeMap<String, u64>,
    pub(super) more_unknown: u64,
    /// What the first member without a column says that tells of an error or of more rows.
    pub(super) told: Option<(String, Vec<u8>)>,
    pub(super) too_deep: BTreeMap<usize, u64>,
}

/// Names of undeclared columns that are told; an answer may hold any number.
const UNKNOWN_NAMES: usize = 16;

impl Counts {
    pub(super) fn is_empty(&self) -> bool {
        self.replaced == 0
            && self.repeated == 0
            && self.unknown.is_empty()
            && self.too_deep.is_empty()
    }

    pub(super) fn add(&mut self, row: Self) {
        self.replaced += row.replaced;
        self.repeated += row.repeated;
        for (name, count) in row.unknown {
            if self.unknown.len() < UNKNOWN_NAMES || self.unknown.contains_key(&name) {
                *self.unknown.entry(name).or_default() += count;
            } else {
                self.more_unknown += count;
            }
        }
        self.more_unknown += row.more_unknown;
        self.told = self.told.take().or(row.told);
        for (column, count) in row.too_deep {
            *self.too_deep.entry(column).or_default() += count;
        }
    }

    pub(super) fn warnings(self, columns: &Columns, nesting: usize) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for (column, count) in self.too_deep {
            let name = &columns[column].0;
            warnings.push(Warning::of_values(
                WarningKind::Value,
                name,
                count,
                format!(
                    "{} of column {name} nested deeper than {nesting} levels and became null",
                    values(count)
                ),
            ));
        }
        let mut warn = |kind, count: u64, message: String| {
            if count > 0 {
                let mut warning = Warning::new(kind, message);
                warning.count = count;
                warnings.push(warning);
            }
        };
        let count = self.replaced;
        let message = format!("{} held broken Unicode, shown as U+FFFD", values(count));
        warn(WarningKind::Encoding, count, message);
        let count = self.repeated;
        let message = format!(
            "{} stood a second time in their row: the last one counts",
            values(count)
        );
        warn(WarningKind::Schema, count, message);
        let count = self.unknown.values().sum::<u64>() + self.more_unknown;
        let mut names: Vec<_> = self.unknown.into_keys().collect();
        if self.more_unknown > 0 {
            names.push("…".to_owned());
        }
        let message = format!(
            "{} had no column in the schema and were left out: {}",
            values(count),
            names.join(", ")
        );
        warn(WarningKind::Schema, count, message);
        warnings
    }
}

fn values(count: u64) -> String {
    let noun = if count == 1 { "value" } else { "values" };
    format!("{count} {noun}")
}
