//! Where a user's token cache is, and keeping it the user's alone.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Where the token cache of this user is, by the platform's rules; `variable` reads the
/// environment.
///
/// `$XDG_DATA_HOME/defender-query/tokens`, otherwise `~/.local/share/…`; on macOS
/// `~/Library/Application Support/…`, on Windows `%LOCALAPPDATA%\…`. `None` when the environment
/// does not say where the user's files are.
///
/// Source: <https://specifications.freedesktop.org/basedir-spec/latest/>
pub fn token_cache_path(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    // A relative path in these variables is to be ignored, says the specification.
    let folder = |name| {
        variable(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let data = if cfg!(windows) {
        folder("LOCALAPPDATA")?
    } else if cfg!(target_os = "macos") {
        folder("HOME")?.join("Library").join("Application Support")
    } else {
        let home = || Some(folder("HOME")?.join(".local").join("share"));
        folder("XDG_DATA_HOME").or_else(home)?
    };
    Some(data.join("defender-query").join("tokens"))
}

/// The folder of `path`, made for the user alone when it was not there.
pub(super) fn made_parent(path: &Path) -> io::Result<PathBuf> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)?;
    Ok(folder.to_owned())
}

/// Makes the file its owner's alone; whether it was not.
#[cfg(unix)]
pub(super) fn keep_private(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    let for_others = file.metadata()?.permissions().mode() & 0o077;
    if for_others == 0 {
        return Ok(false);
    }
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    Ok(true)
}

/// On Windows a user's folder is the user's alone.
#[cfg(not(unix))]
pub(super) fn keep_private(_: &File) -> io::Result<bool> {
    Ok(false)
}

#[cfg(all(test, not(any(windows, target_os = "macos"))))]
mod tests {
    use super::*;

    fn path(pairs: &[(&str, &str)]) -> Option<String> {
        let variable = |name: &str| {
            let pair = pairs.iter().find(|(key, _)| *key == name)?;
            Some(OsString::from(pair.1))
        };
        token_cache_path(variable).map(|path| path.display().to_string())
    }

    #[test]
    fn the_cache_is_among_the_users_data() {
        let home = "/home/ana/.local/share/defender-query/tokens";
        assert_eq!(path(&[("HOME", "/home/ana")]).as_deref(), Some(home));
        assert_eq!(
            path(&[("HOME", "/home/ana"), ("XDG_DATA_HOME", "/data")]).as_deref(),
            Some("/data/defender-query/tokens")
        );
        assert_eq!(
            path(&[("HOME", "/home/ana"), ("XDG_DATA_HOME", "data")]).as_deref(),
            Some(home)
        );
        assert_eq!(path(&[("HOME", "")]), None);
        assert_eq!(path(&[]), None);
    }
}
