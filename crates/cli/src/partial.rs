//! What is written beside its place, and appears there whole; and what is kept for as long as a run
//! takes.
//!
//! It is called `.NAME.defender-XXXXXX.partial`, is locked for as long as somebody writes it, and
//! goes with a run that fails or is interrupted. What a killed run has left is removed by the next
//! one that writes the same: of this name and kind, of the same user, old, and locked by nobody.

use std::fs::File;
use std::io;
use std::path::Path;

use tempfile::{NamedTempFile, TempDir};

use crate::leftovers::{self, Leftover, Note};

const MARK: &str = ".defender-";
const PARTIAL: &str = ".partial";

/// How many drawn characters the name has.
#[cfg(unix)]
const DRAWN: usize = 6;

/// A file that is not finished.
#[derive(Debug)]
pub(crate) struct PartialFile {
    file: NamedTempFile,
    _noted: Note,
}

impl PartialFile {
    /// A new file that is to become `place`.
    pub(crate) fn beside(place: &Path) -> io::Result<Self> {
        #[cfg(unix)]
        abandoned::remove(place, abandoned::Kind::File);
        let file = builder(&prefix(place))
            .tempfile_in(folder(place))
            .map_err(|error| plain(&error))?;
        let noted = leftovers::note(Leftover::File(file.path().to_owned()));
        // Elsewhere a lock would keep the writer out, which has a handle of its own.
        #[cfg(unix)]
        lock(file.as_file());
        Ok(Self {
            file,
            _noted: noted,
        })
    }

    pub(crate) fn as_file(&self) -> &File {
        self.file.as_file()
    }

    /// A handle of its own.
    pub(crate) fn reopen(&self) -> io::Result<File> {
        self.file.reopen()
    }

    /// Lets it appear as `place`, instead of what is there.
    pub(crate) fn persist(self, place: &Path) -> io::Result<()> {
        self.file.persist(place).map_err(|error| error.error)?;
        Ok(())
    }

    /// Lets it appear as `place`, where nothing is.
    pub(crate) fn persist_new(self, place: &Path) -> io::Result<()> {
        let persisted = self.file.persist_noclobber(place);
        persisted.map_err(|error| error.error)?;
        Ok(())
    }
}

/// A folder that is not finished.
#[derive(Debug)]
pub(crate) struct PartialFolder {
    folder: TempDir,
    _noted: Note,
    /// Holds the lock.
    _lock: Option<File>,
}

impl PartialFolder {
    /// A new folder that is to become `place`.
    pub(crate) fn beside(place: &Path) -> io::Result<Self> {
        Self::made(place, |_| {})
    }

    /// A new folder of its user alone, among the temporary ones, for what is needed until the run
    /// ends.
    pub(crate) fn temporary(name: &str) -> io::Result<Self> {
        Self::made(&std::env::temp_dir().join(name), |builder| {
            #[cfg(unix)]
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
            #[cfg(not(unix))]
            let _ = builder;
        })
    }

    fn made(
        place: &Path,
        change: impl FnOnce(&mut tempfile::Builder<'_, 'static>),
    ) -> io::Result<Self> {
        #[cfg(unix)]
        abandoned::remove(place, abandoned::Kind::Folder);
        let prefix = prefix(place);
        let mut builder = builder(&prefix);
        change(&mut builder);
        let folder = builder
            .tempdir_in(folder(place))
            .map_err(|error| plain(&error))?;
        let noted = leftovers::note(Leftover::Folder(folder.path().to_owned()));
        #[cfg(unix)]
        let lock = File::open(folder.path()).ok().inspect(lock);
        #[cfg(not(unix))]
        let lock = None;
        Ok(Self {
            folder,
            _noted: noted,
            _lock: lock,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// It has another name by now: there is nothing to take away.
    pub(crate) fn keep(self) {
        let _ = self.folder.keep();
    }
}

/// A file system without locks keeps what killed runs leave.
#[cfg(unix)]
fn lock(file: &File) {
    let _ = file.try_lock();
}

fn builder(prefix: &str) -> tempfile::Builder<'_, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix).suffix(PARTIAL);
    builder
}

fn prefix(place: &Path) -> String {
    // Names have at most 255 bytes, and this one has more to say.
    const LONGEST: usize = 200;
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    let end = name.floor_char_boundary(LONGEST);
    format!(".{}{MARK}", &name[..end])
}

/// The folder that `place` is in.
pub(crate) fn folder(place: &Path) -> &Path {
    match place.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The error without the name of a file that nobody has asked for.
fn plain(error: &io::Error) -> io::Error {
    let text = error.to_string();
    let text = text.split(" at path ").next().unwrap_or(&text);
    io::Error::new(error.kind(), text)
}

#[cfg(unix)]
mod abandoned {
    use std::fs::{self, File, Metadata};
    use std::os::unix::fs::MetadataExt as _;
    use std::path::Path;
    use std::time::Duration;

    use defender_core::Clock as _;
    use defender_http::SystemClock;

    use super::{DRAWN, PARTIAL, folder, prefix};

    /// Younger ones are left alone: another run may have made one just now, and not locked it yet.
    const YOUNG: Duration = Duration::from_secs(10);

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) enum Kind {
        File,
        Folder,
    }

    /// Removes what ended runs have left of `place`.
    pub(super) fn remove(place: &Path, kind: Kind) {
        let prefix = prefix(place);
        let Ok(entries) = fs::read_dir(folder(place)) else {
            return;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let is_named = name
                .to_str()
                .and_then(|name| name.strip_prefix(&prefix)?.strip_suffix(PARTIAL))
                .is_some_and(is_drawn);
            if !is_named || !entry.metadata().is_ok_and(|found| is_own(&found, kind)) {
                continue;
            }
            let path = entry.path();
            let Ok(open) = File::open(&path) else {
                continue;
            };
            if open.try_lock().is_ok() {
                // What cannot be removed is not in the way.
                let _ = match kind {
                    Kind::File => fs::remove_file(path),
                    Kind::Folder => fs::remove_dir_all(path),
                };
            }
        }
    }

    fn is_drawn(part: &str) -> bool {
        part.len() == DRAWN && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    }

    /// Whether it is of this kind, of this user, and old; links are followed nowhere.
    fn is_own(found: &Metadata, kind: Kind) -> bool {
        let is_kind = match kind {
            Kind::File => found.is_file(),
            Kind::Folder => found.is_dir(),
        };
        let age = found.modified().ok();
        let age = age.and_then(|time| SystemClock.now().duration_since(time).ok());
        is_kind
            && found.uid() == rustix::process::geteuid().as_raw()
            && age.is_some_and(|age| age >= YOUNG)
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_killed_runs_left_goes_and_what_is_somebody_elses_stays() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        let left = [
            ".rows.csv.defender-a1b2C3.partial",
            // Still being written, begun this moment.
            ".rows.csv.defender-000001.partial",
            ".rows.csv.defender-000002.partial",
            // Of another result, of nobody, of a person.
            ".other.csv.defender-a1b2C3.partial",
            ".rows.csv.a1b2C3.partial",
            ".rows.csv.defender-backup.old.partial",
            "rows.csv",
        ];
        let files = left.map(|name| File::create(place(name)).unwrap());
        files[1].lock().unwrap();
        for (number, file) in files.iter().enumerate() {
            if number != 2 {
                file.set_modified(old).unwrap();
            }
        }
        std::fs::create_dir(place(".rows.csv.defender-folder.partial")).unwrap();
        std::os::unix::fs::symlink(
            place("rows.csv"),
            place(".rows.csv.defender-linked.partial"),
        )
        .unwrap();
        let before = names(folder.path());
        let partial = PartialFile::beside(&place("rows.csv")).unwrap();
        drop(partial);
        let mut expected = before;
        expected.retain(|name| name != left[0]);
        assert_eq!(names(folder.path()), expected);
    }

    #[test]
    fn a_folder_that_a_killed_run_left_goes() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join(".hunt.defender-a1b2C3.partial");
        std::fs::create_dir(&left).unwrap();
        std::fs::write(left.join("part-0.csv"), "half").unwrap();
        let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        File::open(&left).unwrap().set_modified(old).unwrap();
        let partial = PartialFolder::beside(&folder.path().join("hunt")).unwrap();
        assert!(!left.exists());
        drop(partial);
        assert_eq!(names(folder.path()).len(), 0);
    }

    #[test]
    fn a_long_name_has_room_for_its_mark() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("ü".repeat(127));
        let partial = PartialFile::beside(&place).unwrap();
        partial.persist(&place).unwrap();
        assert!(place.exists());
    }
}
