//! What the entries of a description have in common: files that they name, times, mistakes.

use std::path::Path;
use std::time::SystemTime;

use crate::ticks;

/// A mistake, in words that name no secret.
pub(super) type Outcome<T> = Result<T, String>;

/// The PEM that stands in the description itself, or the content of the file that it names.
pub(super) fn content(named: &str, folder: &Path) -> Outcome<Vec<u8>> {
    if named.contains("-----BEGIN") {
        return Ok(named.as_bytes().to_vec());
    }
    let path = folder.join(named);
    read_bounded(&path).map_err(|error| format!("{}: {error}", path.display()))
}

pub(super) fn instant(text: &str) -> Outcome<SystemTime> {
    ticks::parse(text)
        .and_then(ticks::to_system_time)
        .ok_or_else(|| format!("{text:?} is not a time such as 2026-11-20T08:00:00Z"))
}

/// The most bytes of a description, or of a file that it names.
const LONGEST: u64 = 16 << 20;

/// What is in a file that is not longer than a description is.
pub(super) fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(std::io::Error::other("it is not a file"));
    }
    if metadata.len() > LONGEST {
        return Err(std::io::Error::other("it is larger than 16 MiB"));
    }
    std::fs::read(path)
}
