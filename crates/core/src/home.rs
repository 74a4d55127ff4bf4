//! The home folder, as people write it.

use std::path::{Path, PathBuf};

/// `path` with `~` replaced by `home`; `None` where `~` has no home folder to stand for.
///
/// ```
/// use std::path::Path;
/// use defender_core::expand_home;
///
/// let home = Some(Path::new("/home/ana"));
/// assert_eq!(expand_home(Path::new("~/app.pfx"), home).unwrap(), Path::new("/home/ana/app.pfx"));
/// assert_eq!(expand_home(Path::new("app.pfx"), None).unwrap(), Path::new("app.pfx"));
/// assert_eq!(expand_home(Path::new("~/app.pfx"), None), None);
/// ```
pub fn expand_home(path: &Path, home: Option<&Path>) -> Option<PathBuf> {
    match path.strip_prefix("~") {
        Ok(rest) => home.map(|home| home.join(rest)),
        Err(_) => Some(path.to_owned()),
    }
}
