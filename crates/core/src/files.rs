//! Files that somebody names: opened without waiting for a writer, read up to a bound.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;

use crate::Error;

/// Opens what `path` names for reading.
///
/// A pipe that the process holds already, as a shell hands over for `<(…)`, is read like a file.
///
/// # Errors
///
/// Also for what would be waited for: a named pipe or a socket; and for a folder.
pub fn open_file(path: &Path) -> io::Result<File> {
    let metadata = std::fs::metadata(path)?;
    let kind = metadata.file_type();
    if kind.is_dir() {
        return Err(io::Error::other("it is a folder"));
    }
    if waits(path, kind) {
        return Err(io::Error::other("it is a named pipe, not a file"));
    }
    File::open(path)
}

/// `error`, that `path` cannot be written, with what to do where its folder is not there.
#[must_use]
pub fn with_folder_hint(error: Error, path: &Path) -> Error {
    let Some(folder) = path.parent().filter(|folder| *folder != Path::new("")) else {
        return error;
    };
    let shown = folder.display();
    if folder.is_dir() {
        error
    } else if folder.exists() {
        error.with_hint(format!(
            "{shown} is a file, not a folder: name another folder"
        ))
    } else {
        let command = if cfg!(windows) { "mkdir" } else { "mkdir -p" };
        let hint = format!("the folder {shown} does not exist: create it with {command} {shown}");
        error.with_hint(hint)
    }
}

/// Creates the file that `path` names for writing, or opens it to `append` to what it holds.
///
/// A pipe that the process holds already, as a shell hands over for `>(…)`, is written like a file.
///
/// # Errors
///
/// Also for a named pipe, whose reader would be waited for.
pub fn open_to_write(path: &Path, append: bool) -> io::Result<File> {
    if let Ok(metadata) = std::fs::metadata(path)
        && waits(path, metadata.file_type())
    {
        return Err(io::Error::other("it is a named pipe, not a file"));
    }
    OpenOptions::new()
        .create(true)
        .append(append)
        .write(true)
        .truncate(!append)
        .open(path)
}

/// Whether opening or reading may wait for another process without end.
#[cfg(unix)]
fn waits(path: &Path, kind: std::fs::FileType) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    // A pipe without a name leads nowhere when its link is followed.
    kind.is_fifo() && path.canonicalize().is_ok()
}

#[cfg(not(unix))]
fn waits(_: &Path, _: std::fs::FileType) -> bool {
    false
}

/// Everything in the file at `path`, which is at most `limit` bytes.
///
/// # Errors
///
/// As [`open_file`], and when there is more.
pub fn read_bounded(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    bounded(open_file(path)?, limit)
}

/// Everything that `reader` gives, which is at most `limit` bytes.
///
/// # Errors
///
/// Those of the reader, and when there is more.
pub fn bounded(reader: impl io::Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::other(format!(
            "it is larger than {}, the most that is read",
            size(limit)
        )));
    }
    Ok(bytes)
}

/// A text, as [`read_bounded`] reads it.
///
/// # Errors
///
/// As [`read_bounded`], and for what is not UTF-8.
pub fn read_text_bounded(path: &Path, limit: u64) -> io::Result<String> {
    utf8(read_bounded(path, limit)?)
}

/// The text that `bytes` are in UTF-8.
///
/// # Errors
///
/// The first place that is not UTF-8, as a sentence about the file that says what to do.
pub fn utf8(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let sound = error.utf8_error().valid_up_to();
        io::Error::new(
            io::ErrorKind::InvalidData,
            not_utf8(error.as_bytes(), sound),
        )
    })
}

/// What is said of bytes whose first `sound` ones are UTF-8, and not the next.
fn not_utf8(bytes: &[u8], sound: usize) -> String {
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        return "it is UTF-16; save it as UTF-8".to_owned();
    }
    let before = &bytes[..sound];
    let line = before.split(|byte| *byte == b'\n').count();
    let begin = before.iter().rposition(|byte| *byte == b'\n');
    // The part of the line before the place is UTF-8.
    let letters = before[begin.map_or(0, |at| at + 1)..].iter();
    let column = 1 + letters.filter(|byte| **byte & 0xC0 != 0x80).count();
    // The file may hold a secret: its bytes are not shown.
    format!(
        "line {line} is not UTF-8 (column {column}); save the file as UTF-8, or convert it (iconv \
         -f WINDOWS-1252 -t UTF-8)"
    )
}

fn size(bytes: u64) -> String {
    match (bytes >> 20, bytes >> 10) {
        (0, 0) => format!("{bytes} bytes"),
        (0, kib) => format!("{kib} KiB"),
        (mib, _) => format!("{mib} MiB"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_bound_is_an_error() {
        assert_eq!(bounded(&b"abc"[..], 3).unwrap(), b"abc");
        let error = bounded(io::repeat(0), 2 << 20).unwrap_err().to_string();
        assert_eq!(error, "it is larger than 2 MiB, the most that is read");
        assert_eq!(size(4096), "4 KiB");
    }

    #[test]
    fn what_is_not_utf_8_is_told_with_its_place_and_a_way_out() {
        assert_eq!(utf8("a\u{e9}".into()).unwrap(), "a\u{e9}");
        for (bytes, said) in [
            (&b"caf\xE9"[..], "line 1 is not UTF-8 (column 4);"),
            (b"a\n\xC3\xA9\xFF", "line 2 is not UTF-8 (column 2);"),
            (b"a\r\n\r\n\x93x\x94", "line 3 is not UTF-8 (column 1);"),
            (b"\xFF\xFEa\0", "it is UTF-16; save it as UTF-8"),
        ] {
            let error = utf8(bytes.to_vec()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            let text = error.to_string();
            assert!(text.starts_with(said), "{text}");
            assert!(text.contains("UTF-8"), "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn devices_end_and_folders_are_no_files() {
        let zeros = read_bounded(Path::new("/dev/zero"), 1024).unwrap_err();
        assert_eq!(
            zeros.to_string(),
            "it is larger than 1 KiB, the most that is read"
        );
        assert!(read_bounded(Path::new("/dev/null"), 0).unwrap().is_empty());
        let folder = open_file(&std::env::temp_dir()).unwrap_err();
        assert_eq!(folder.to_string(), "it is a folder");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_waits_for_the_other_end_of_a_named_pipe() {
        let pipe = std::env::temp_dir().join(format!("defender-pipe-{}", std::process::id()));
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let read = open_file(&pipe).unwrap_err();
        let written = [true, false].map(|append| open_to_write(&pipe, append).unwrap_err());
        std::fs::remove_file(&pipe).unwrap();
        for error in [read].into_iter().chain(written) {
            assert_eq!(error.to_string(), "it is a named pipe, not a file");
        }
        assert!(open_to_write(Path::new("/dev/null"), false).is_ok());
    }
}
