//! Columns that a file has under another name than its table.
//!
//! Exports of a Log Analytics workspace call `Timestamp` `TimeGenerated`, and have `[UTC]` behind
//! the names of times; scripts write names in lower case. Such a column fills the table's own where
//! that has no value, and is there under its own name as well.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::compute::is_null;
use arrow::compute::kernels::zip::zip;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use kql_semantics::ScalarType;

use super::infer::Kinds;
use crate::EngineError;
use crate::column::{self, Builder, Reader};
use crate::convert;

/// A column of the table, and what the file calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Alias {
    column: String,
    name: String,
}

/// Which columns of a table a file has under other names; `all` as in [`super::files::Explored`].
pub(super) fn of(kinds: &Kinds, all: bool, declared: &[(String, ScalarType)]) -> Vec<Alias> {
    let has = |name: &str| kinds.iter().any(|(known, _)| known == name);
    let mut found: Vec<Alias> = Vec::new();
    for (name, _) in kinds {
        if declared.iter().any(|(column, _)| column == name) {
            continue;
        }
        let Some((column, _)) = declared.iter().find(|(column, _)| is_alias(name, column)) else {
            continue;
        };
        let is_there = all && has(column);
        if !is_there && !found.iter().any(|one| one.column == *column) {
            found.push(Alias {
                column: column.clone(),
                name: name.clone(),
            });
        }
    }
    found
}

fn is_alias(name: &str, column: &str) -> bool {
    let bare = match name.split_once(" [") {
        Some((bare, zone)) if zone.ends_with(']') => bare,
        _ => name,
    };
    bare.eq_ignore_ascii_case(column)
        || (column == "Timestamp" && bare.eq_ignore_ascii_case("TimeGenerated"))
}

/// The columns to read from the file, so that [`filled`] can make `wanted` of them.
pub(super) fn with_sources(
    aliases: &[Alias],
    wanted: &[(String, ScalarType)],
) -> Vec<(String, ScalarType)> {
    let mut all = wanted.to_vec();
    for alias in aliases {
        let place = wanted.iter().find(|(name, _)| *name == alias.column);
        if let Some((_, ty)) = place
            && !all.iter().any(|(name, _)| *name == alias.name)
        {
            all.push((alias.name.clone(), *ty));
        }
    }
    all
}

/// The `wanted` columns of a batch that has those of [`with_sources`].
pub(super) fn filled(
    aliases: &[Alias],
    wanted: &[(String, ScalarType)],
    batch: &RecordBatch,
) -> Result<RecordBatch, EngineError> {
    let read = with_sources(aliases, wanted);
    let place = |name: &str| read.iter().position(|(known, _)| known == name);
    let arrays = wanted.iter().enumerate().map(|(at, (name, ty))| {
        let own = batch.column(at);
        let alias = aliases.iter().find(|alias| alias.column == *name);
        match alias.and_then(|alias| place(&alias.name)) {
            Some(source) => either(own, batch.column(source), read[source].1, *ty),
            None => Ok(Arc::clone(own)),
        }
    });
    let arrays = arrays.collect::<Result<Vec<_>, EngineError>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let schema = column::schema(wanted.iter().cloned());
    Ok(RecordBatch::try_new_with_options(schema, arrays, &options)?)
}

/// `own`, and `other` where that has no value.
fn either(
    own: &ArrayRef,
    other: &ArrayRef,
    from: ScalarType,
    ty: ScalarType,
) -> Result<ArrayRef, EngineError> {
    let missing = match own.as_string_opt::<i64>() {
        // Strings have no nulls.
        Some(texts) if ty == ScalarType::String => texts
            .iter()
            .map(|text| Some(text.unwrap_or_default().is_empty()))
            .collect::<BooleanArray>(),
        _ => is_null(own)?,
    };
    if missing.true_count() == 0 {
        return Ok(Arc::clone(own));
    }
    let other = if from == ty {
        Arc::clone(other)
    } else {
        let reader = Reader::new(other, from);
        let mut builder = Builder::new(ty, other.len());
        for row in 0..other.len() {
            builder.push(&convert::to_type(&reader.get(row), ty));
        }
        builder.finish()
    };
    Ok(zip(&missing, &other, own)?)
}

#[cfg(test)]
mod tests {
    use super::is_alias;

    #[test]
    fn what_other_names_a_column_has() {
        for (name, column, expected) in [
            ("timestamp", "Timestamp", true),
            ("Timestamp [UTC]", "Timestamp", true),
            ("TimeGenerated", "Timestamp", true),
            ("TimeGenerated [UTC]", "Timestamp", true),
            ("timegenerated [Local Time]", "Timestamp", true),
            ("TimeGenerated", "DeviceName", false),
            ("TimestampUtc", "Timestamp", false),
            ("[UTC]", "Timestamp", false),
            ("Timestamp [UTC", "Timestamp", false),
        ] {
            assert_eq!(is_alias(name, column), expected, "{name}");
        }
    }
}
