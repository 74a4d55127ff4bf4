//! The tables of a folder: which files are rows of which table.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::files::{Format, Others, Records, Source, describe};
use super::{Catalog, SchemaLookup, folders, json};
use crate::EngineError;

/// A file and the table that it is named after.
type Found = (PathBuf, String);

/// The tables in `folder` and their files, in the order of their paths; of a file, the one table.
pub(super) fn tables_of(
    folder: &Path,
    schema: SchemaLookup<'_>,
) -> Result<BTreeMap<String, Vec<Source>>, EngineError> {
    let (mut files, strange) = if folder.is_file() {
        let table = named(folder);
        (vec![(folder.to_owned(), table)], Vec::new())
    } else {
        files_of(folder)?
    };
    // Where a table is asked for, a file of it that cannot be read must not be missing unseen.
    let belongs =
        |table: &String| files.iter().any(|(_, known)| known == table) || schema(table).is_some();
    let strange: Vec<Found> = strange
        .into_iter()
        .filter(|(_, table)| belongs(table))
        .collect();
    files.extend(strange);
    files.sort();
    let mut tables: BTreeMap<String, Vec<Source>> = BTreeMap::new();
    for (path, table) in files {
        let inside = path
            .strip_prefix(folder)
            .map_or_else(|_| Vec::new(), folders::of);
        let whole = Source::new(
            path,
            Records {
                table: table.clone(),
                own: true,
                others: Others::Refused,
            },
        );
        for source in split(whole.below(inside), &table) {
            let name = source.records.table.clone();
            tables.entry(name).or_default().push(source);
        }
    }
    Ok(tables)
}

/// The files of a folder that have a known format, and the others.
fn files_of(folder: &Path) -> Result<(Vec<Found>, Vec<Found>), EngineError> {
    let (mut files, mut strange) = (Vec::new(), Vec::new());
    let mut sort = |path: PathBuf, table: String| {
        if describe(&path).is_some() {
            files.push((path, table));
        } else {
            strange.push((path, table));
        }
    };
    for path in listing(folder)? {
        if begins_with(&path, &['.']) {
            continue;
        }
        if !path.is_dir() {
            let table = named(&path);
            sort(path, table);
            continue;
        }
        let name = path.file_name().and_then(|name| name.to_str());
        let name = match name.unwrap_or_default() {
            Catalog::EXTERNAL_DATA => continue,
            name if folders::is_partition(name) => own_name(folder)?,
            name => name.to_owned(),
        };
        let mut waiting = vec![path.clone()];
        while let Some(next) = waiting.pop() {
            for inner in listing(&next)? {
                // `_SUCCESS`, `_delta_log` and their kin are about the files beside them.
                if begins_with(&inner, &['.', '_']) {
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
        .map_err(|error| {
            EngineError::runtime(format!("cannot read {}: {error}", folder.display()))
        })?;
    paths.sort();
    Ok(paths)
}

fn begins_with(path: &Path, marks: &[char]) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .is_none_or(|name| name.starts_with(marks))
}

/// The table that a file is named after: up to the first dot.
fn named(path: &Path) -> String {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.and_then(|name| name.split('.').next());
    name.unwrap_or_default().to_owned()
}

/// What a folder is called, however it was written.
fn own_name(folder: &Path) -> Result<String, EngineError> {
    let path = folder.canonicalize().map_err(|error| {
        EngineError::runtime(format!("cannot read {}: {error}", folder.display()))
    })?;
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
