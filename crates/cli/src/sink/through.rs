//! Names of what is no file: pipes, devices, what is open already; and of links to files.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Whether the name means standard output: it goes on where it is, also when it leads into a file.
pub(super) fn is_standard_output(path: &Path) -> bool {
    cfg!(unix)
        && ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"]
            .iter()
            .any(|name| path == Path::new(name))
}

/// Whether there is something at `path` that cannot be replaced by a file: a pipe, a device, or
/// what this process has open already.
pub(super) fn is_no_file(path: &Path) -> bool {
    is_open_already(path)
        || fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir())
}

fn is_open_already(path: &Path) -> bool {
    let folders = ["/dev/fd", "/proc/self/fd"];
    cfg!(unix)
        && (path == Path::new("/dev/stderr")
            || path
                .parent()
                .is_some_and(|parent| folders.iter().any(|folder| parent == Path::new(folder))))
}

/// Opens it; a pipe waits for its reader.
pub(super) fn open(path: &Path) -> io::Result<File> {
    // What it holds already is somebody else's.
    OpenOptions::new().append(true).open(path)
}

/// Where a file named `path` is, or would be: links are followed, also those to what is not there.
pub(super) fn place(path: &Path) -> PathBuf {
    // As many as Linux follows.
    const LINKS: usize = 40;
    let mut place = path.to_owned();
    for _ in 0..LINKS {
        let Ok(link) = fs::read_link(&place) else {
            break;
        };
        place = match place.parent() {
            Some(folder) => folder.join(link),
            None => link,
        };
    }
    place
}
