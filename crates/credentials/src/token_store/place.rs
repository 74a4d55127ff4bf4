//! What may stand where a file of the cache goes, and what a killed process left beside it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, ErrorKind as IoKind};
use std::path::Path;

/// How the names begin of files that are to take the place of `path`.
pub(super) fn unfinished(path: &Path) -> OsString {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".new-");
    name
}

/// Removes the files of `folder` whose names begin with `beginning`.
pub(super) fn clear(folder: &Path, beginning: &OsStr) {
    let beginning = beginning.as_encoded_bytes();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().as_encoded_bytes().starts_with(beginning);
        if is_ours && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            // What cannot be removed is tried again the next time.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether a file is there; a folder, a device or a pipe in its place is an error.
pub(super) fn is_file(path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(true),
        Ok(metadata) if metadata.is_dir() => Err(io::Error::other("it is a folder")),
        Ok(_) => Err(io::Error::other("it is a device or a pipe, not a file")),
        Err(error) if error.kind() == IoKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
