//! A settings file as a whole: read, and replaced at once.

use std::io::Write as _;
use std::path::Path;

use defender_core::{Error, ErrorKind, Result, read_bounded, utf8};

use crate::partial::{PartialFile, folder};

/// The most bytes of a settings file.
const LONGEST: u64 = 16 << 20;

/// The text of the file at `path`; none where there is no file.
pub(super) fn read(path: &Path) -> Result<Option<String>> {
    match read_bounded(path, LONGEST) {
        Ok(bytes) => utf8(bytes)
            .map(Some)
            .map_err(|error| cannot("read", path, error)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot("read", path, error)),
    }
}

/// Puts `text` in the place of the file at `path`: readers see the old text or the new one, and
/// who may read it stays as it was. A new file is its owner's alone.
pub(super) fn replace(path: &Path, text: &str) -> Result<()> {
    // A link stays one.
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
    std::fs::create_dir_all(folder(path)).map_err(|error| cannot("write", path, error))?;
    let temporary = PartialFile::beside(path).map_err(|error| cannot("write", path, error))?;
    if let Ok(before) = std::fs::metadata(path) {
        // A file system without modes has nothing to keep.
        let _ = temporary.as_file().set_permissions(before.permissions());
    }
    let written = temporary
        .as_file()
        .write_all(text.as_bytes())
        .and_then(|()| temporary.as_file().sync_all())
        .and_then(|()| temporary.persist(path));
    written.map_err(|error| cannot("write", path, error))
}

fn cannot(what: &str, path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("cannot {what} {}", path.display())).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn mode_and_link_stay_and_a_new_file_is_its_owners() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};

        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        replace(&real, "new").unwrap();
        assert_eq!(mode(&real), 0o600);
        std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&real, &link).unwrap();
        replace(&link, "newer").unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(read(&real).unwrap().as_deref(), Some("newer"));
        assert_eq!(mode(&real), 0o640);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
