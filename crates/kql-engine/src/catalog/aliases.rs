//! Columns that a file has under another name than its table.
//!
//! Exports of a Log Analytics workspace call `Timestamp` `TimeGenerated`, and have `[UTC]` behind
//! the names of times; scripts write names in lower case. Such a column fills the table's own where
//! that has no value, and is there under its own name as well. Times under a name with another
//! offset from UTC are moved by it; where that cannot be, the queries that read them fail.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray};
use arrow::compute::is_null;
use arrow::compute::kernels::zip::zip;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use kql_semantics::ScalarType;

use super::fit;
use super::folders::{self, Folder};
use super::infer::{Kind, Kinds};
use super::zones::{self, Zone};
use crate::EngineError;
use crate::column::{self, Reader};
use crate::error::Foreign;

/// What a column of the workspace's own tables has behind its name: its type.
const SUFFIXES: [&str; 5] = ["_s", "_d", "_g", "_b", "_t"];

/// The declared columns of a table, by every name that a file may have for them.
///
/// None are declared where the table is not one of the schema: its columns are those of its files.
#[derive(Debug, Default)]
pub(super) struct Names {
    exact: HashMap<String, ScalarType>,
    folded: HashMap<String, String>,
}

/// Columns that most tables have: a file with no other column of its table is another table's.
const COMMON: [&str; 5] = ["timestamp", "reportid", "tenantid", "type", "sourcesystem"];

impl Names {
    pub(super) fn new(declared: &[(String, ScalarType)]) -> Self {
        let mut names = Self::default();
        for (column, ty) in declared {
            let folded = column.to_ascii_lowercase();
            names.folded.entry(folded).or_insert_with(|| column.clone());
            names.exact.insert(column.clone(), *ty);
        }
        names
    }

    /// Whether the table takes whatever columns its files have.
    pub(super) fn is_free(&self) -> bool {
        self.exact.is_empty()
    }

    /// Whether the table has a column of that very name.
    pub(super) fn is_declared(&self, name: &str) -> bool {
        self.exact.contains_key(name)
    }

    /// Whether `name` is what a file calls a declared column.
    pub(super) fn has(&self, name: &str) -> bool {
        self.is_declared(name) || self.column(name).is_some()
    }

    /// Whether `name` is what a file calls a declared column of single values.
    pub(super) fn is_single(&self, name: &str) -> bool {
        let column = self.column(name).map_or(name, |(column, _)| column);
        let ty = self.exact.get(column);
        ty.is_some_and(|ty| *ty != ScalarType::Dynamic)
    }

    /// Whether `name` is what a file calls a declared column that few other tables have.
    pub(super) fn tells(&self, name: &str) -> bool {
        let column = if self.is_declared(name) {
            Some(name)
        } else {
            self.column(name).map(|(column, _)| column)
        };
        column.is_some_and(|column| !COMMON.iter().any(|one| column.eq_ignore_ascii_case(one)))
    }

    /// The declared column that a file calls `name`, when that is another name, and the zone of
    /// its times that the name tells.
    fn column<'n>(&self, name: &'n str) -> Option<(&str, Option<&'n str>)> {
        if self.is_free() || self.is_declared(name) {
            return None;
        }
        if let Some((bare, zone)) = zones::split(name)
            && let Some(column) = self.bare(bare)
            // Behind other names stand units and remarks.
            && self.exact.get(column) == Some(&ScalarType::DateTime)
        {
            return Some((column, Some(zone)));
        }
        Some((self.bare(name)?, None))
    }

    /// The columns in the names of folders, called as the table calls them.
    pub(super) fn of_folders(&self, folders: &[Folder]) -> Vec<Folder> {
        let is_there = |name: &str| folders.iter().any(|folder| folder.name == name);
        let called = |folder: &Folder| match self.column(&folder.name) {
            // Nobody moves the times of folders.
            Some((column, None)) if !is_there(column) => Folder {
                name: column.to_owned(),
                ..folder.clone()
            },
            _ => folder.clone(),
        };
        folders::merged(folders.iter().map(called).collect())
    }

    /// How far `name` is from that of `column`: the same in other letters or with a zone, the
    /// workspace's name for it, one with a type behind.
    fn distance(name: &str, column: &str) -> u8 {
        let bare = zones::split(name).map_or(name, |(bare, _)| bare);
        if bare.trim().eq_ignore_ascii_case(column) {
            0
        } else if bare.trim().eq_ignore_ascii_case("timegenerated") {
            1
        } else {
            2
        }
    }

    fn bare(&self, name: &str) -> Option<&str> {
        // Tools that do not know a byte order mark make it part of the first name.
        let is_around = |one: char| one.is_whitespace() || one == '\u{feff}';
        let folded = name.trim_matches(is_around).to_ascii_lowercase();
        let of = |folded: &str| self.folded.get(folded).map(String::as_str);
        of(&folded)
            .or_else(|| {
                (folded == "timegenerated")
                    .then(|| of("timestamp"))
                    .flatten()
            })
            .or_else(|| {
                let bare = SUFFIXES.iter().find_map(|one| folded.strip_suffix(one))?;
                of(bare)
            })
    }
}

/// A column of the table, and what the file calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Alias {
    column: String,
    name: String,
    /// How far its times are ahead of UTC, in ticks.
    ahead: i64,
    /// Why the column cannot be read.
    refused: Option<String>,
}

impl Alias {
    /// The column of the table.
    pub(super) fn column(&self) -> &str {
        &self.column
    }

    fn distance(&self) -> u8 {
        Names::distance(&self.name, &self.column)
    }

    /// The name of a column whose times are moved.
    pub(super) fn moved(&self) -> Option<&str> {
        (self.ahead != 0).then_some(&self.name)
    }

    /// The same, of which nothing can be read.
    pub(super) fn refuse(&mut self, why: String) {
        self.refused = Some(why);
    }
}

/// Which columns of a table a file has under other names, the nearest name first; `all` as in
/// [`super::files::Explored`].
///
/// Refused are those whose times are in a zone that is no offset from UTC, where no other column
/// of the file has them.
pub(super) fn of(kinds: &Kinds, all: bool, names: &Names) -> Vec<Alias> {
    let own: HashSet<&str> = kinds.iter().map(|(name, _)| name.as_str()).collect();
    let mut found: Vec<Alias> = Vec::new();
    let mut refused: Vec<Alias> = Vec::new();
    for (name, kind) in kinds {
        let Some((column, zone)) = names.column(name) else {
            continue;
        };
        if all && own.contains(column) {
            continue;
        }
        let is_moment = all && *kind == Kind::Known(ScalarType::DateTime);
        let mut alias = Alias {
            column: column.to_owned(),
            name: name.clone(),
            ahead: 0,
            refused: None,
        };
        match zone.map_or(Zone::Ahead(0), Zone::of) {
            Zone::Ahead(ahead) if ahead == 0 || !is_moment => alias.ahead = ahead,
            Zone::Ahead(_) => alias.refuse(zones::moved_already(name, column)),
            Zone::Unknown => alias.refuse(zones::refused(name, column)),
        }
        match alias.refused {
            None => found.push(alias),
            Some(_) => refused.push(alias),
        }
    }
    refused.retain(|one| !found.iter().any(|alias| alias.column == one.column));
    found.append(&mut refused);
    found.sort_by_key(Alias::distance);
    found
}

/// Why one of the `wanted` columns cannot be read.
pub(super) fn refused<'a>(
    aliases: &'a [Alias],
    wanted: &[(String, ScalarType)],
) -> Option<&'a str> {
    let is_wanted = |alias: &&Alias| wanted.iter().any(|(name, _)| *name == alias.column);
    let mut wanted = aliases.iter().filter(is_wanted);
    wanted.find_map(|alias| alias.refused.as_deref())
}

/// The other names of columns that a query reads, with the types that the table has for them.
fn sources<'a>(
    aliases: &'a [Alias],
    wanted: &'a [(String, ScalarType)],
) -> impl Iterator<Item = (&'a str, ScalarType)> {
    aliases.iter().filter_map(|alias| {
        let (_, ty) = wanted.iter().find(|(name, _)| *name == alias.column)?;
        Some((alias.name.as_str(), *ty))
    })
}

/// The columns to read from the file, so that [`filled`] can make `wanted` of them.
pub(super) fn with_sources(
    aliases: &[Alias],
    wanted: &[(String, ScalarType)],
) -> Vec<(String, ScalarType)> {
    let mut all = wanted.to_vec();
    for (name, ty) in sources(aliases, wanted) {
        if !all.iter().any(|(known, _)| known == name) {
            all.push((name.to_owned(), ty));
        }
    }
    all
}

/// The columns that are wanted under their own name as well, where they have another type: a second
/// reader reads them as the table has them, so that what cannot be read is an error with its line.
pub(super) fn read_twice(
    aliases: &[Alias],
    wanted: &[(String, ScalarType)],
) -> Vec<(String, ScalarType)> {
    sources(aliases, wanted)
        .filter(|(name, ty)| wanted.iter().any(|(known, own)| known == name && own != ty))
        .map(|(name, ty)| (name.to_owned(), ty))
        .collect()
}

/// The `wanted` columns of a batch that has those of [`with_sources`]; `again` has those of
/// [`read_twice`].
pub(super) fn filled(
    aliases: &[Alias],
    wanted: &[(String, ScalarType)],
    batch: &RecordBatch,
    again: Option<&RecordBatch>,
    first: usize,
) -> Result<RecordBatch, EngineError> {
    let arrays = wanted.iter().enumerate().map(|(at, (name, ty))| {
        let mut own = Arc::clone(batch.column(at));
        let mut equals: Vec<(&Alias, ArrayRef)> = Vec::new();
        for alias in aliases.iter().filter(|alias| alias.column == *name) {
            let other = again
                .and_then(|again| again.column_by_name(&alias.name))
                .or_else(|| batch.column_by_name(&alias.name));
            let Some(other) = other else { continue };
            let other = zones::in_utc(other, alias.ahead);
            equals.retain(|(one, _)| one.distance() == alias.distance());
            for (one, values) in &equals {
                let values = (values, &other);
                if let Some((row, values)) = contradiction(values, *ty)? {
                    return Err(EngineError::data(format!(
                        "row {} has {} in {} and {} in {}, and each is the column {name}: take one \
                         of the two out, or call it {name}",
                        first + row + 1,
                        fit::in_short(&values.0),
                        one.name,
                        fit::in_short(&values.1),
                        alias.name,
                    )));
                }
            }
            own = either(&own, &other, *ty)?;
            equals.push((alias, other));
        }
        Ok(own)
    });
    let arrays = arrays.collect::<Result<Vec<_>, EngineError>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let schema = column::schema(wanted.iter().cloned());
    RecordBatch::try_new_with_options(schema, arrays, &options).ours()
}

/// A row, and the values that two columns have in it.
type Contradiction = (usize, (String, String));

/// The first row in which both columns have a value and not the same one.
fn contradiction(
    (one, other): (&ArrayRef, &ArrayRef),
    ty: ScalarType,
) -> Result<Option<Contradiction>, EngineError> {
    let (no_one, no_other) = (missing(one, ty)?, missing(other, ty)?);
    let (one, other) = (Reader::new(one, ty), Reader::new(other, ty));
    let mut rows = (0..no_one.len()).filter(|row| !no_one.value(*row) && !no_other.value(*row));
    Ok(rows.find_map(|row| {
        let (one, other) = (one.get(row), other.get(row));
        let (one, other) = (one.display(), other.display());
        (one != other).then(|| (row, (one.into_owned(), other.into_owned())))
    }))
}

/// `own`, and `other` where that has no value.
fn either(own: &ArrayRef, other: &ArrayRef, ty: ScalarType) -> Result<ArrayRef, EngineError> {
    let missing = missing(own, ty)?;
    if missing.true_count() == 0 {
        return Ok(Arc::clone(own));
    }
    zip(&missing, other, own).ours()
}

/// Which values of a column are none.
pub(super) fn missing(own: &ArrayRef, ty: ScalarType) -> Result<BooleanArray, EngineError> {
    match own.as_string_opt::<i64>() {
        // Strings have no nulls.
        Some(texts) if ty == ScalarType::String => Ok(texts
            .iter()
            .map(|text| Some(text.unwrap_or_default().is_empty()))
            .collect::<BooleanArray>()),
        _ => is_null(own).ours(),
    }
}

#[cfg(test)]
mod tests {
    use kql_semantics::ScalarType;

    use super::{Kind, Kinds, Names};

    #[test]
    fn behind_a_name_stands_the_zone_of_times_only() {
        let names = |ty| Names::new(&[("FileSize".to_owned(), ty)]);
        assert!(names(ScalarType::DateTime).has("FileSize (UTC)"));
        assert!(!names(ScalarType::Long).has("FileSize [KB]"));
    }

    #[test]
    fn what_few_tables_have_tells() {
        let names = Names::new(&[
            ("Timestamp".to_owned(), ScalarType::DateTime),
            ("ReportId".to_owned(), ScalarType::Long),
            ("DeviceId".to_owned(), ScalarType::String),
        ]);
        for (name, expected) in [
            ("Timestamp", false),
            ("TimeGenerated [UTC]", false),
            ("reportid", false),
            ("Other", false),
            ("deviceid_g", true),
            ("DeviceId", true),
        ] {
            assert_eq!(names.tells(name), expected, "{name}");
        }
    }

    #[test]
    fn the_nearest_name_comes_first_and_a_zone_matters_where_it_is_needed() {
        let names = Names::new(&[("Timestamp".to_owned(), ScalarType::DateTime)]);
        let of = |found: &[&str]| {
            let kinds: Kinds = found
                .iter()
                .map(|name| ((*name).to_owned(), Kind::Known(ScalarType::String)))
                .collect();
            let aliases = super::of(&kinds, true, &names).into_iter();
            aliases
                .map(|alias| (alias.name, alias.refused.is_some()))
                .collect::<Vec<_>>()
        };
        let sound = |name: &str| (name.to_owned(), false);
        for found in [
            ["TimeGenerated [UTC]", "Timestamp [UTC]"],
            ["Timestamp [UTC]", "TimeGenerated [UTC]"],
        ] {
            assert_eq!(
                of(&found),
                [sound("Timestamp [UTC]"), sound("TimeGenerated [UTC]")]
            );
        }
        let mixed = of(&["TimeGenerated [Local Time]", "Timestamp [UTC]"]);
        assert_eq!(mixed, [sound("Timestamp [UTC]")]);
        let local = "TimeGenerated [Local Time]";
        assert_eq!(of(&[local]), [(local.to_owned(), true)]);
    }

    #[test]
    fn what_other_names_a_column_has() {
        for (name, column, expected) in [
            ("timestamp", "Timestamp", true),
            ("Timestamp [UTC]", "Timestamp", true),
            ("TimeGenerated", "Timestamp", true),
            ("TimeGenerated [UTC]", "Timestamp", true),
            ("timegenerated [Local Time]", "Timestamp", true),
            ("Timestamp (UTC)", "Timestamp", true),
            ("Timestamp (UTC-08:00)", "Timestamp", true),
            ("TimeGenerated", "DeviceName", false),
            ("TimestampUtc", "Timestamp", false),
            ("[UTC]", "Timestamp", false),
            ("Timestamp [UTC", "Timestamp", false),
            ("DeviceId_g", "DeviceId", true),
            ("PROCESSID_d", "ProcessId", true),
            ("DeviceId_x", "DeviceId", false),
            ("_s", "DeviceId", false),
        ] {
            let names = Names::new(&[(column.to_owned(), ScalarType::DateTime)]);
            assert_eq!(names.has(name), expected, "{name}");
        }
    }
}
