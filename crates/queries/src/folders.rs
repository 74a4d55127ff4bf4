//! The definition files of a folder.

use std::path::{Path, PathBuf};

use crate::finding::Finding;

/// Folders nest at most so deep; what is deeper is a loop or a mistake.
const MAX_DEPTH: usize = 32;

/// A folder with more files is not one of definitions.
const MAX_FILES: usize = 10_000;

/// The definition files of `path` in a fixed order: a file itself, or for a folder every `*.yaml`
/// and then every `*.yml` below it.
pub(crate) fn files(path: &Path, findings: &mut Vec<Finding>) -> Vec<PathBuf> {
    let report = |message: String, findings: &mut Vec<Finding>| {
        findings.push(Finding::warning(message).within(Some(path)));
    };
    // What is no folder is read, and what cannot be read is told of then.
    if !path.is_dir() && path.exists() {
        return vec![path.to_owned()];
    }
    if !path.is_dir() {
        report("there is no such file or folder".to_owned(), findings);
        return Vec::new();
    }
    let (mut files, mut short) = (Vec::new(), Vec::new());
    let mut pending = vec![(path.to_owned(), 0)];
    while let Some((folder, depth)) = pending.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                findings.push(
                    Finding::warning(format!("the folder cannot be read: {error}"))
                        .within(Some(&folder)),
                );
                continue;
            }
        };
        let mut entries: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        entries.sort();
        for entry in entries.into_iter().rev() {
            if entry.is_dir() {
                if depth < MAX_DEPTH {
                    pending.push((entry, depth + 1));
                }
            } else if entry.extension().is_some_and(|ending| ending == "yaml") {
                files.push(entry);
            } else if entry.extension().is_some_and(|ending| ending == "yml") {
                short.push(entry);
            }
        }
        if files.len() + short.len() > MAX_FILES {
            report(
                format!("more than {MAX_FILES} files; the others are left out"),
                findings,
            );
            break;
        }
    }
    files.sort();
    short.sort();
    files.truncate(MAX_FILES);
    short.truncate(MAX_FILES - files.len());
    files.append(&mut short);
    files
}
