//! The house rules that no compiler knows.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::command::{output, root};
use crate::edges;
use crate::metadata::{Package, packages};

/// Checks every rule and lists what breaks one.
pub(crate) fn run() -> Result<(), String> {
    let found = violations()?;
    if found.is_empty() {
        println!("tidy: every rule holds");
        Ok(())
    } else {
        Err(found.join("\n"))
    }
}

fn violations() -> Result<Vec<String>, String> {
    let packages = packages()?;
    let files = tracked_files()?;
    let mut found = edges::violations(&packages);
    found.extend(first_lines(&files)?);
    found.extend(ignored(&files)?);
    found.extend(snapshots(&files)?);
    found.extend(foreign_words(&files));
    found.extend(architecture(packages.values())?);
    found.extend(index(&files)?);
    found.extend(dependencies(packages.values())?);
    found.extend(manifests(packages.values())?);
    Ok(found)
}

/// Every file of the repository, relative to its root. New files count before they are committed.
fn tracked_files() -> Result<Vec<PathBuf>, String> {
    let text = output(
        "git",
        &["ls-files", "--cached", "--others", "--exclude-standard"],
    )?;
    Ok(text
        .lines()
        .map(PathBuf::from)
        .filter(|path| root().join(path).is_file())
        .collect())
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(root().join(path)).map_err(|error| format!("{}: {error}", path.display()))
}

fn with_extension<'a>(files: &'a [PathBuf], extension: &str) -> impl Iterator<Item = &'a PathBuf> {
    files
        .iter()
        .filter(move |path| path.extension().is_some_and(|found| found == extension))
}

/// A Rust file says in its first line what it is.
fn first_lines(files: &[PathBuf]) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for path in with_extension(files, "rs") {
        if !read(path)?.starts_with("//!") {
            found.push(format!("{} does not begin with `//!`", path.display()));
        }
    }
    Ok(found)
}

/// A test that is left out needs the shared folder: `ci` runs all of them where it is.
fn ignored(files: &[PathBuf]) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for path in with_extension(files, "rs") {
        for line in read(path)?.lines().map(str::trim) {
            if line.starts_with("#[ignore") && line != r#"#[ignore = "needs ../shared"]"# {
                found.push(format!("{} leaves a test out: {line}", path.display()));
            }
        }
    }
    Ok(found)
}

/// No snapshot holds a token or the secret that tests look for.
fn snapshots(files: &[PathBuf]) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for path in with_extension(files, "snap") {
        let text = read(path)?;
        for word in ["eyJ", "canary"] {
            if text.contains(word) {
                found.push(format!("{} holds `{word}`", path.display()));
            }
        }
    }
    Ok(found)
}

/// No file names a folder of the machine it was written on.
fn foreign_words(files: &[PathBuf]) -> Vec<String> {
    let words = ["work", "root"].map(|folder| format!("/{folder}/"));
    let mut found = Vec::new();
    for path in files {
        // A binary fixture is no text and names no folder.
        let Ok(text) = fs::read_to_string(root().join(path)) else {
            continue;
        };
        for word in &words {
            if text.contains(word.as_str()) {
                found.push(format!("{} names the folder {word}", path.display()));
            }
        }
    }
    found
}

/// ARCHITECTURE.md has a paragraph for each crate, and for no other.
fn architecture<'a>(packages: impl Iterator<Item = &'a Package>) -> Result<Vec<String>, String> {
    let text = read(Path::new("ARCHITECTURE.md"))?;
    let described: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'))
        .collect();
    let existing: Vec<&Package> = packages.collect();
    let mut found: Vec<String> = existing
        .iter()
        .filter(|package| !described.contains(package.name.as_str()))
        .map(|package| format!("ARCHITECTURE.md has no paragraph for {}", package.name))
        .collect();
    found.extend(
        described
            .iter()
            .filter(|name| existing.iter().all(|package| package.name != **name))
            .map(|name| format!("ARCHITECTURE.md describes {name}, which does not exist")),
    );
    Ok(found)
}

/// The book's index names every page.
fn index(files: &[PathBuf]) -> Result<Vec<String>, String> {
    let summary = read(Path::new("docs/SUMMARY.md"))?;
    Ok(with_extension(files, "md")
        .filter_map(|path| path.strip_prefix("docs").ok())
        .filter(|page| *page != Path::new("SUMMARY.md"))
        .filter(|page| !summary.contains(&format!("({})", page.display())))
        .map(|page| format!("docs/SUMMARY.md does not name {}", page.display()))
        .collect())
}

/// docs/dependencies.md has one line for each direct dependency, and for no other.
fn dependencies<'a>(packages: impl Iterator<Item = &'a Package>) -> Result<Vec<String>, String> {
    let text = read(Path::new("docs/dependencies.md"))?;
    let described: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(name, _)| name.to_owned())
        .collect();
    let all: Vec<&Package> = packages.collect();
    let used: BTreeSet<String> = all
        .iter()
        .flat_map(|package| {
            package
                .normal
                .iter()
                .chain(&package.dev)
                .chain(&package.build)
        })
        .filter(|name| all.iter().all(|package| package.name != **name))
        .cloned()
        .collect();
    let missing = used
        .difference(&described)
        .map(|name| format!("docs/dependencies.md does not say why {name} is there"));
    let gone = described
        .difference(&used)
        .map(|name| format!("docs/dependencies.md names {name}, which nothing depends on"));
    Ok(missing.chain(gone).collect())
}

/// Every crate shares the workspace's lints, version, edition and licence.
fn manifests<'a>(packages: impl Iterator<Item = &'a Package>) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for package in packages {
        let path = package.folder.join("Cargo.toml");
        let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
        for line in [
            "version.workspace",
            "edition.workspace",
            "rust-version.workspace",
            "license.workspace",
        ] {
            if !text.contains(&format!("{line} = true")) {
                found.push(format!("{}: `{line} = true` is missing", package.name));
            }
        }
        if !text.contains("[lints]\nworkspace = true") {
            found.push(format!(
                "{}: the workspace's lints are not used",
                package.name
            ));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_holds() {
        let found = violations().unwrap();
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}
