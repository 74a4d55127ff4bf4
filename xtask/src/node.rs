//! Packages of Node below the target folder, with what a list of them says.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::{self, exists};

/// Installs what the lock file in `lists` names; where it is, or why it is not there.
///
/// `place` is the folder that holds it, which keeps a note of what it has.
pub(crate) fn packages(place: &Path, lists: &Path) -> Result<PathBuf, String> {
    if !exists("npm") {
        return Err("there is no npm".to_owned());
    }
    let note = place.join("installed.json");
    let wanted =
        fs::read_to_string(lists.join("package-lock.json")).map_err(|error| error.to_string())?;
    if fs::read_to_string(&note).is_ok_and(|installed| installed == wanted) {
        return Ok(place.to_owned());
    }
    fs::create_dir_all(place).map_err(|error| error.to_string())?;
    for name in ["package.json", "package-lock.json"] {
        fs::copy(lists.join(name), place.join(name)).map_err(|error| error.to_string())?;
    }
    let path = place.display().to_string();
    println!("$ npm ci --prefix {path}");
    command::output("npm", &["ci", "--no-audit", "--no-fund", "--prefix", &path])
        .map_err(|reason| format!("npm could not install the packages: {reason}"))?;
    fs::write(&note, wanted).map_err(|error| error.to_string())?;
    Ok(place.to_owned())
}
