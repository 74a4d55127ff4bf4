//! Files of queries: those that are named, and those in folders.

use std::path::{Path, PathBuf};

use defender_core::{Error, ErrorKind};
use defender_query::lint;

use crate::text::{self, Text};

/// Files of these endings are looked at in a folder.
const QUERIES: [&str; 3] = ["kql", "csl", "kusto"];
const DEFINITIONS: [&str; 2] = ["yaml", "yml"];
const RULES: [&str; 1] = ["json"];
const PAGES: [&str; 1] = ["md"];

/// Folders nest at most so deep; what is deeper is a loop or a mistake.
const MAX_DEPTH: usize = 32;

/// A path that could not be read, and why.
pub(crate) type Unread = (PathBuf, std::io::Error);

/// The files that a command looks at.
#[derive(Default)]
pub(crate) struct QueryFiles {
    /// In order, within each folder by name.
    pub(crate) files: Vec<Result<PathBuf, Unread>>,
    /// Files of folders that hold no queries.
    pub(crate) others: Vec<PathBuf>,
    /// Whether a folder was among what was named.
    folders: bool,
    definitions: bool,
}

impl QueryFiles {
    /// The files to look at: those that are named, and of folders those below them that hold
    /// queries, with `definitions` also YAML files of query definitions. Without any, standard
    /// input as `-`.
    pub(crate) fn of(named: &[PathBuf], definitions: bool) -> Self {
        let dash = PathBuf::from("-");
        let mut found = Self {
            definitions,
            ..Self::default()
        };
        if named.is_empty() {
            found.files.push(Ok(dash));
            return found;
        }
        for path in named {
            if *path == dash || !path.is_dir() {
                found.files.push(Ok(path.clone()));
            } else {
                found.folders = true;
                found.below(path);
            }
        }
        found
    }

    /// The error of a run that had nothing to look at; a wrong folder must not look like a right
    /// one.
    pub(crate) fn require_some(&self) -> defender_core::Result<()> {
        if !self.files.is_empty() || !self.folders {
            return Ok(());
        }
        let (what, endings) = if self.definitions {
            (
                "files of queries",
                "queries end in .kql, .csl or .kusto, definitions are YAML files with sources:, rules YAML or JSON, and pages (.md) have blocks of kql",
            )
        } else {
            (
                "files of queries",
                "queries end in .kql, .csl or .kusto; those in definitions, rules and pages stay as they are",
            )
        };
        let message = format!("the folder holds no {what}");
        Err(Error::new(ErrorKind::Usage, message).with_hint(endings))
    }

    fn below(&mut self, folder: &Path) {
        let mut inside = Vec::new();
        let mut pending = vec![(folder.to_owned(), 0)];
        while let Some((folder, depth)) = pending.pop() {
            let entries = match std::fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) => {
                    inside.push(Err((folder, error)));
                    continue;
                }
            };
            for entry in entries {
                let path = match entry {
                    Ok(entry) => entry.path(),
                    Err(error) => {
                        inside.push(Err((folder.clone(), error)));
                        continue;
                    }
                };
                if path.is_dir() {
                    if depth < MAX_DEPTH {
                        pending.push((path, depth + 1));
                    }
                } else if ends_in(&path, &QUERIES) {
                    inside.push(Ok(path));
                } else if self.definitions {
                    match holds_queries(&path) {
                        Some(true) => inside.push(Ok(path)),
                        Some(false) => self.others.push(path),
                        None => {}
                    }
                } else {
                    self.others.push(path);
                }
            }
        }
        inside.sort_by(|left, right| place(left).cmp(place(right)));
        self.others.sort();
        self.files.extend(inside);
    }
}

/// Whether a file that is no KQL has queries in it; `None` when it holds tests of queries. What
/// cannot be read is looked at again, and told of then.
pub(crate) fn holds_queries(path: &Path) -> Option<bool> {
    if is_definitions(path) {
        return match Yaml::of(path) {
            Yaml::Definitions => Some(true),
            Yaml::Tests => None,
            Yaml::Other => Some(false),
        };
    }
    if !is_page(path) && !is_of_rules(path) {
        return Some(false);
    }
    Some(text::read(path).map_or(true, |read| {
        if is_page(path) {
            lint::is_page_of_queries(&read.text)
        } else {
            lint::is_of_rules(&read.text)
        }
    }))
}

/// The first few of some files by name, and how many more there are.
pub(crate) fn named(paths: &[PathBuf]) -> String {
    const NAMED: usize = 5;
    let names: Vec<String> = (paths.iter().take(NAMED))
        .map(|path| path.display().to_string())
        .collect();
    match paths.len().saturating_sub(NAMED) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

/// Why a file cannot be read, in words.
pub(crate) fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        _ => error.to_string(),
    }
}

/// Whether what was given as the name of a file is a query.
pub(crate) fn is_a_query(path: &Path) -> bool {
    let name = path.to_string_lossy();
    name.contains('|') || (name.contains(' ') && path.extension().is_none())
}

/// Whether a file is one of query definitions, by its name.
pub(crate) fn is_definitions(path: &Path) -> bool {
    ends_in(path, &DEFINITIONS)
}

/// Whether a file is one of detection rules, by its name.
pub(crate) fn is_of_rules(path: &Path) -> bool {
    ends_in(path, &RULES)
}

/// Whether a file is a page with queries in it, by its name.
pub(crate) fn is_page(path: &Path) -> bool {
    ends_in(path, &PAGES)
}

/// What a YAML file in a folder holds.
enum Yaml {
    Definitions,
    /// Tests of queries, which stand beside them by habit.
    Tests,
    /// Settings and whatever else is written in YAML.
    Other,
}

impl Yaml {
    fn of(path: &Path) -> Self {
        let Ok(Text { text, .. }) = text::read(path) else {
            return Self::Definitions;
        };
        let has = |key: &str| text.lines().any(|line| line.starts_with(key));
        if has("metadata:") || has("sources:") || lint::is_of_rules(&text) {
            Self::Definitions
        } else if has("tests:") {
            Self::Tests
        } else {
            Self::Other
        }
    }
}

fn place(file: &Result<PathBuf, Unread>) -> &Path {
    match file {
        Ok(path) | Err((path, _)) => path,
    }
}

fn ends_in(path: &Path, endings: &[&str]) -> bool {
    path.extension()
        .is_some_and(|ending| endings.iter().any(|one| ending.eq_ignore_ascii_case(one)))
}
