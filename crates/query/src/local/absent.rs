//! What the files of a query's tables do not have: columns, times, rows, and files beside them.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;

use defender_drivers::Query;
use kql_engine::{Catalog, Contents, RowStream, ScalarType};

use super::names::{given, listed, quoted, shown, words};

/// The column that a range of time is about.
const STAMP: &str = "Timestamp";

/// The most files, and columns of a file, in a message.
const MOST: usize = 8;

/// What to say of the tables that a query has read.
pub(super) fn of(catalog: &Catalog, query: &Query, rows: &RowStream) -> Vec<String> {
    let read = rows.tables_read();
    let written: HashSet<&str> = words(&query.text).collect();
    let mut said = Vec::new();
    for table in read {
        let contents = catalog.contents(table);
        said.extend(empty(contents));
        let needed = rows.columns_read(table).into_iter().flatten();
        let named: BTreeSet<&str> = needed
            .map(String::as_str)
            .filter(|column| written.contains(column))
            .chain(query.timespan.map(|_| STAMP))
            .collect();
        said.extend(columns(table, contents, &named));
    }
    said.extend(copies(catalog, read));
    if query.timespan.is_some() {
        said.extend(timeless(catalog, read));
    }
    said
}

/// Files without anything in them.
fn empty(contents: &[Contents]) -> Option<String> {
    let files = contents.iter().filter(|one| one.is_empty);
    let files: Vec<&str> = files.map(|one| one.shown.as_str()).collect();
    match files.as_slice() {
        [] => None,
        [one] => Some(format!("{one} is empty, without even a header")),
        files => Some(format!(
            "{} are empty, without even a header",
            first(files, ", ")
        )),
    }
}

/// Columns that the query names and that no file of the table has; a file without the time is one
/// too many.
fn columns(table: &str, contents: &[Contents], named: &BTreeSet<&str>) -> Vec<String> {
    let files: Vec<&Contents> = contents
        .iter()
        .filter(|one| !one.columns.is_empty())
        .collect();
    let without = |column: &str| -> Vec<&Contents> {
        let files = files.iter().filter(|one| one.lacks.contains(column));
        files.copied().collect()
    };
    let is_missing = |column: &str| !files.is_empty() && without(column).len() == files.len();
    let missing: BTreeSet<String> = named
        .iter()
        .filter(|column| is_missing(column))
        .map(|column| (*column).to_owned())
        .collect();
    let table = shown(table);
    let mut said = Vec::new();
    if !missing.is_empty() {
        let noun = if missing.len() == 1 {
            "column"
        } else {
            "columns"
        };
        said.push(format!(
            "no file of {table} has the {noun} {}: {}",
            listed(&missing),
            with_columns(&files)
        ));
    }
    let timeless = without(STAMP);
    if named.contains(STAMP) && !missing.contains(STAMP) && !timeless.is_empty() {
        said.push(format!(
            "not every file of {table} has the column {STAMP}: {}",
            with_columns(&timeless)
        ));
    }
    said
}

/// Files and what they have.
fn with_columns(files: &[&Contents]) -> String {
    let files: Vec<String> = files
        .iter()
        .map(|one| {
            let columns: Vec<&str> = one.columns.iter().map(String::as_str).collect();
            format!("{} has {}", one.shown, first(&columns, ", "))
        })
        .collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    first(&files, "; ")
}

/// Files that are named like a table that the query reads, and more: copies, and parts of it.
fn copies(catalog: &Catalog, read: &BTreeSet<String>) -> Vec<String> {
    let mut said = Vec::new();
    for place in catalog.found().iter().filter(|place| place.is_folder) {
        for table in read {
            let is_hunting = defender_schema::table(table).is_some();
            let beside: BTreeSet<String> = place
                .tables
                .difference(read)
                .filter(|other| defender_schema::table(other).is_none())
                .filter(|other| is_beside(other, table, is_hunting))
                .filter(|other| !are_part(catalog, other, table))
                .cloned()
                .collect();
            if beside.is_empty() {
                continue;
            }
            let files: Vec<String> = beside.iter().flat_map(|one| catalog.files(one)).collect();
            let files: Vec<&str> = files.iter().map(String::as_str).collect();
            let alone = place
                .tables
                .iter()
                .all(|one| one == table || beside.contains(one));
            let how = if alone {
                format!(
                    "--data {table}={} reads all of them together",
                    quoted(&place.shown)
                )
            } else {
                let file = files.first().copied().unwrap_or("FILE");
                format!(
                    "--data {table}={} as well reads it as part of {table}",
                    quoted(file)
                )
            };
            let (is, own) = match beside.len() {
                1 => ("is", "a table"),
                _ => ("are", "tables"),
            };
            said.push(format!(
                "{} {is} not part of {}, but {own} that the query does not read ({}); {how}",
                first(&files, ", "),
                shown(table),
                listed(&beside)
            ));
        }
    }
    said
}

/// Whether a file is named like a table, and more: behind its name or, as in `Copy of …` and
/// `2026-11-…`, before it.
fn is_beside(other: &str, table: &str, is_hunting: bool) -> bool {
    let behind = other.split_at_checked(table.len());
    let before = other.len().checked_sub(table.len());
    let before = before.and_then(|end| other.split_at_checked(end));
    let is_named = |name: &str| name == table || is_hunting && name.eq_ignore_ascii_case(table);
    // Tables of their own have names that begin alike; copies have a space.
    behind.is_some_and(|(name, rest)| {
        is_named(name) && (is_hunting && is_part(rest) || rest.starts_with(' '))
    }) || before.is_some_and(|(rest, name)| {
        is_named(name)
            && (is_hunting && !rest.ends_with(char::is_alphabetic) || rest.ends_with(' '))
    })
}

/// Whether what stands behind the name of a table makes a part of it, as a date or a number does,
/// and not another name: `DeviceEvents_2026`, not `DeviceEventsNotes`.
fn is_part(rest: &str) -> bool {
    !rest.starts_with(char::is_alphabetic) && !rest.eq_ignore_ascii_case("_cl")
}

/// Whether the files of a table are read as part of another, too.
fn are_part(catalog: &Catalog, table: &str, of: &str) -> bool {
    let paths = |table: &str| -> BTreeSet<PathBuf> {
        let files = catalog.files(table).into_iter().map(PathBuf::from);
        files
            .map(|file| file.canonicalize().unwrap_or(file))
            .collect()
    };
    paths(table).is_subset(&paths(of))
}

/// Tables whose rows a range of time leaves all in, as they have no time.
fn timeless(catalog: &Catalog, read: &BTreeSet<String>) -> Option<String> {
    let given = given(catalog);
    let stamp = |table: &String| {
        let columns = catalog.columns(table).unwrap_or_default();
        let stamp = columns.into_iter().find(|(name, _)| name == STAMP);
        stamp.map(|(_, ty)| ty == ScalarType::DateTime)
    };
    let tables: Vec<(&String, Option<bool>)> = read
        .iter()
        .filter(|table| given.contains(*table))
        .map(|table| (table, stamp(table)))
        .collect();
    // A table that others are looked up in needs no time.
    let any = tables.iter().any(|(_, stamp)| *stamp == Some(true));
    let without: BTreeSet<String> = tables
        .into_iter()
        .filter(|(_, stamp)| *stamp == Some(false) || (stamp.is_none() && !any))
        .map(|(table, _)| table.clone())
        .collect();
    let file = without
        .iter()
        .find_map(|table| catalog.files(table).into_iter().next())?;
    Some(format!(
        "the range of time leaves nothing out of {}, which has no column Timestamp of times; a file of a hunting table needs its name (--data TABLE={})",
        listed(&without),
        quoted(&file)
    ))
}

/// The first ones of many.
fn first(names: &[&str], between: &str) -> String {
    let mut shown: Vec<String> = names
        .iter()
        .take(MOST)
        .map(|name| (*name).to_owned())
        .collect();
    if names.len() > MOST {
        shown.push(format!("{} more", names.len() - MOST));
    }
    shown.join(between)
}
