//! `--data`: files and folders, with names of tables before them, and what comes through a pipe.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use defender_core::{Error, ErrorKind, Result};
use defender_query::LocalData;

use crate::messages;
use crate::partial::PartialFolder;

/// The data of a query, or of an emulator.
pub(crate) struct Given {
    pub(crate) data: Vec<LocalData>,
    /// The folder with the copies of pipes, which can be read only once. Dropping it deletes them.
    _kept: Option<PartialFolder>,
}

/// Where open files of the process have names.
const OPEN: [&str; 4] = ["/dev/fd", "/proc/self/fd", "/dev/stdin", "/dev/stdout"];

impl Given {
    /// What the values of `--data` name; pipes are read to their end.
    pub(crate) async fn read(values: &[PathBuf]) -> Result<Self> {
        let mut data: Vec<LocalData> = values.iter().map(|value| named(value)).collect();
        if let Some(empty) = data.iter().position(|one| one.path.as_os_str().is_empty()) {
            return Err(names_nothing(&values[empty]));
        }
        if data.iter().filter(|one| is_standard_input(one)).count() > 1 {
            return Err(Error::new(
                ErrorKind::Usage,
                "standard input can be read only once",
            ));
        }
        let mut kept = None;
        for (at, one) in data.iter_mut().enumerate() {
            if !is_pipe(one) {
                continue;
            }
            let shown = shown(one);
            if one.table.is_none() && !is_standard_input(one) {
                return Err(Error::new(
                    ErrorKind::Usage,
                    format!("{shown} is a pipe, whose table has no name"),
                )
                .with_hint(format!("write --data NAME={shown}")));
            }
            let folder = if let Some(folder) = kept.take() {
                folder
            } else {
                let folder = PartialFolder::temporary("data");
                folder.map_err(|error| cannot_keep(&shown, error))?
            };
            let place = folder.path().join(at.to_string());
            kept = Some(folder);
            let from = one.path.clone();
            let to = place.clone();
            let copied = tokio::task::spawn_blocking(move || copy(&from, &to)).await;
            copied
                .map_err(io::Error::other)
                .flatten()
                .map_err(|error| cannot_keep(&shown, error))?;
            *one = LocalData {
                path: place,
                table: Some(one.table.take().unwrap_or_else(|| "stdin".to_owned())),
                shown: Some(shown),
            };
        }
        Ok(Self { data, _kept: kept })
    }
}

/// Whether the data comes from standard input.
pub(crate) fn reads_standard_input(values: &[PathBuf]) -> bool {
    values.iter().any(|value| is_standard_input(&named(value)))
}

/// `NAME=PATH`, or a path: one that is there is never taken apart.
fn named(value: &Path) -> LocalData {
    let parts = value.to_str().and_then(|text| text.split_once('='));
    match parts {
        Some((name, path))
            if !name.is_empty()
                && !name.contains(std::path::is_separator)
                && std::fs::symlink_metadata(value).is_err() =>
        {
            LocalData {
                table: Some(name.to_owned()),
                ..LocalData::new(path)
            }
        }
        _ => LocalData::new(value),
    }
}

fn is_standard_input(data: &LocalData) -> bool {
    data.path == Path::new("-") || data.path == Path::new("/dev/stdin")
}

/// Whether the data is open already and can be read once: `-`, or what a shell writes for `<(…)`.
fn is_pipe(data: &LocalData) -> bool {
    let is_open = OPEN.iter().any(|place| data.path.starts_with(place));
    data.path == Path::new("-")
        || (is_open && std::fs::metadata(&data.path).is_ok_and(|one| !one.is_dir()))
}

fn shown(data: &LocalData) -> String {
    if is_standard_input(data) {
        "standard input".to_owned()
    } else {
        data.path.display().to_string()
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut kept = File::options();
    kept.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut kept, 0o600);
    let mut kept = kept.open(to)?;
    if from == Path::new("-") {
        messages::say_awaited("data");
        io::copy(&mut io::stdin().lock(), &mut kept)?;
    } else {
        io::copy(&mut File::open(from)?, &mut kept)?;
    }
    Ok(())
}

/// A name without a path, or not even that, as scripts write it whose variable is empty.
fn names_nothing(value: &Path) -> Error {
    let value = value.display();
    let error = Error::new(ErrorKind::Usage, format!("'--data {value}' names no file"));
    if value.to_string().is_empty() {
        return error.with_hint("write --data PATH, or --data - for standard input");
    }
    error.with_hint(format!(
        "write --data {value}PATH, or --data {value}- for standard input"
    ))
}

fn cannot_keep(shown: &str, error: io::Error) -> Error {
    Error::new(
        ErrorKind::Io,
        format!("cannot keep {shown} in a temporary file"),
    )
    .with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_before_a_path_that_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let day = folder.path().join("day=1");
        std::fs::create_dir(&day).unwrap();
        let text = |path: &Path| path.display().to_string();
        for (value, table, path) in [
            ("T=a/b.csv".to_owned(), Some("T"), "a/b.csv".to_owned()),
            ("T=-".to_owned(), Some("T"), "-".to_owned()),
            (
                "Hunting.x=q.csv".to_owned(),
                Some("Hunting.x"),
                "q.csv".to_owned(),
            ),
            ("T=a=b.csv".to_owned(), Some("T"), "a=b.csv".to_owned()),
            ("-".to_owned(), None, "-".to_owned()),
            ("a/day=2".to_owned(), None, "a/day=2".to_owned()),
            ("=x".to_owned(), None, "=x".to_owned()),
            (text(&day), None, text(&day)),
        ] {
            let found = named(Path::new(&value));
            assert_eq!(found.table.as_deref(), table, "{value}");
            assert_eq!(found.path, Path::new(&path), "{value}");
        }
    }
}
