//! The tables of a folder: which files are rows of which table.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::files::{Failure, Format, Others, Records, Source, describe};
use super::{Catalog, Place, SchemaLookup, folders, json};
use crate::EngineError;

/// A file and the table that it is named after.
type Found = (PathBuf, String);

/// What is known of tables before their files are looked at.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) schema: SchemaLookup<'a>,
    /// The names that are meant in any case.
    pub(super) names: &'a [&'a str],
}

impl Known<'_> {
    /// The known table of that name, as it is spelt.
    fn table(&self, name: &str) -> Option<String> {
        if (self.schema)(name).is_some() {
            return Some(name.to_owned());
        }
        let mut names = self.names.iter();
        let found = names.find(|known| known.eq_ignore_ascii_case(name))?;
        Some((*found).to_owned())
    }

    /// The table that a file is named after: all of its name, unless the first part is one that is
    /// known, as in `DeviceEvents.2026-11.csv`.
    fn named(&self, path: &Path) -> String {
        let name = path.file_name().and_then(|name| name.to_str());
        let name = stem(name.unwrap_or_default());
        let first = name.split('.').next().unwrap_or(name);
        let known = self.table(name).or_else(|| self.table(first));
        known.unwrap_or_else(|| name.to_owned())
    }

    /// The table that a folder is named after.
    fn folder(&self, name: &str) -> String {
        self.table(name).unwrap_or_else(|| name.to_owned())
    }
}

/// The tables in `place` and their files, in the order of their paths; of a file, the one table.
pub(super) fn tables_of(
    place: &Place,
    known: Known<'_>,
) -> Result<BTreeMap<String, Vec<Source>>, EngineError> {
    let folder = place.path.as_path();
    // Spark writes a folder of parts where others write a file.
    let is_parts = folder.is_dir() && describe(folder).is_some();
    let given = place.table.clone();
    let given = given.or_else(|| is_parts.then(|| known.named(folder)));
    // What is no folder is a file to its table: what it is the query is told that reads it.
    let (mut files, strange) = match std::fs::metadata(folder) {
        Ok(found) if found.is_dir() => {
            let passed: &[char] = if given.is_some() { OF_TABLE } else { &['.'] };
            files_of(folder, passed, known)?
        }
        Ok(_) => {
            let name = known.named(folder);
            (vec![(folder.to_owned(), name)], Vec::new())
        }
        Err(error) => return Err(Failure::of(folder).whole(&error)),
    };
    // Where a table is asked for, a file of it that cannot be read must not be missing unseen.
    let is_table = |name: &str| files.iter().any(|(_, table)| table == name);
    let belonging: Vec<Found> = strange
        .into_iter()
        .filter_map(|(path, table)| {
            let ends = table
                .char_indices()
                .rev()
                .filter(|(_, letter)| *letter == '.');
            let starts = ends.map(|(end, _)| &table[..end]);
            let own = std::iter::once(table.as_str())
                .chain(starts)
                .find_map(|name| {
                    let known = (known.schema)(name).is_some();
                    (is_table(name) || known || given.is_some()).then(|| name.to_owned())
                })?;
            Some((path, own))
        })
        .collect();
    files.extend(belonging);
    files.sort();
    let mut tables: BTreeMap<String, Vec<Source>> = BTreeMap::new();
    for (path, table) in files {
        let table = match &given {
            Some(name) => known.table(name).unwrap_or_else(|| name.clone()),
            None => table,
        };
        let inside = path
            .strip_prefix(folder)
            .map_or_else(|_| Vec::new(), folders::of);
        let mut whole = Source::new(
            path,
            Records {
                table: table.clone(),
                own: true,
                others: Others::Refused,
            },
        );
        if let Some(shown) = &place.shown {
            whole = whole.called(shown);
        }
        if given.is_some() {
            whole = whole.sniffed();
        }
        for source in split(whole.below(inside), &table) {
            let name = source.records.table.clone();
            tables.entry(name).or_default().push(source);
        }
    }
    Ok(tables)
}

/// What names in the folder of a table begin with that are not looked at: `_SUCCESS`, `_delta_log`
/// and their kin are about the files beside them.
const OF_TABLE: &[char] = &['.', '_'];

/// The files of a folder that have a known format, and the others; names that begin with one of
/// `passed` are neither.
fn files_of(
    folder: &Path,
    passed: &[char],
    known: Known<'_>,
) -> Result<(Vec<Found>, Vec<Found>), EngineError> {
    let (mut files, mut strange) = (Vec::new(), Vec::new());
    let mut sort = |path: PathBuf, table: String| {
        if describe(&path).is_some() {
            files.push((path, table));
        } else {
            strange.push((path, table));
        }
    };
    for path in listing(folder)? {
        if begins_with(&path, passed) {
            continue;
        }
        if !path.is_dir() {
            let table = known.named(&path);
            sort(path, table);
            continue;
        }
        let name = path.file_name().and_then(|name| name.to_str());
        let name = match name.unwrap_or_default() {
            Catalog::EXTERNAL_DATA => continue,
            name if folders::is_partition(name) => known.folder(&own_name(folder)?),
            // Spark writes a folder of parts where others write a file.
            _ if describe(&path).is_some() => known.named(&path),
            name => known.folder(name),
        };
        let mut waiting = vec![path.clone()];
        // A folder may be linked into itself, and its files are there once.
        let mut seen = BTreeSet::new();
        while let Some(next) = waiting.pop() {
            if let Ok(own) = next.canonicalize()
                && !seen.insert(own)
            {
                continue;
            }
            for inner in listing(&next)? {
                if begins_with(&inner, OF_TABLE) {
                    continue;
                }
                if inner.is_dir() {
                    waiting.push(inner);
                } else {
                    sort(inner, name.clone());
                }
            }
        }
    }
    Ok((files, strange))
}

fn listing(folder: &Path) -> Result<Vec<PathBuf>, EngineError> {
    let mut paths = std::fs::read_dir(folder)
        .and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.path()))
                .collect::<Result<Vec<_>, _>>()
        })
        .map_err(|error| Failure::of(folder).whole(&error))?;
    paths.sort();
    Ok(paths)
}

fn begins_with(path: &Path, marks: &[char]) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .is_none_or(|name| name.starts_with(marks))
}

/// A name without what says how the file is written: compression first, then the format.
fn stem(name: &str) -> &str {
    let packed =
        |ending: &&str| ending.eq_ignore_ascii_case("gz") || ending.eq_ignore_ascii_case("zst");
    let name = match name.rsplit_once('.') {
        Some((before, ending)) if packed(&ending) => before,
        _ => name,
    };
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// What a folder is called, however it was written.
fn own_name(folder: &Path) -> Result<String, EngineError> {
    let path = folder.canonicalize();
    let path = path.map_err(|error| Failure::of(folder).whole(&error))?;
    let name = path.file_name().and_then(|name| name.to_str());
    Ok(name.unwrap_or_default().to_owned())
}

/// A file as a source of each table whose rows it has; `table` is the one it is named after.
fn split(whole: Source, table: &str) -> Vec<Source> {
    let found = match whole.format() {
        Ok(Format::Json) => json::tables(&whole),
        _ => None,
    };
    let Some(found) = found else {
        return vec![whole];
    };
    // The file's own name tells how a category that is written otherwise is meant.
    let tables: BTreeSet<String> = found
        .tables
        .into_iter()
        .map(|name| {
            if name.eq_ignore_ascii_case(table) {
                table.to_owned()
            } else {
                name
            }
        })
        .collect();
    let own = (found.own && !tables.contains(table)).then(|| table.to_owned());
    tables
        .into_iter()
        .chain(own)
        .map(|name| Source {
            records: Records {
                own: found.own && name == table,
                table: name,
                others: Others::Elsewhere,
            },
            ..whole.clone()
        })
        .collect()
}
