//! Folders of processes that were killed, and so could not remove them.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::{LOCK, PREFIX};

/// Younger ones are left alone: another process may have made one just now, and not locked it yet.
const YOUNG: Duration = Duration::from_secs(10);

/// Removes from `temporary` the folders of emulators that nobody runs any more: of their name, with
/// their lock in it, which is old and which nobody holds.
pub(super) fn remove(temporary: &Path) {
    #[expect(
        clippy::disallowed_methods,
        reason = "the age of files is by the machine's clock"
    )]
    let now = SystemTime::now();
    let Ok(entries) = fs::read_dir(temporary) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_named = name.to_str().is_some_and(|name| name.starts_with(PREFIX));
        // Of a link this says that it is not a folder.
        if !is_named || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let path = entry.path().join(LOCK);
        let age = fs::symlink_metadata(&path)
            .ok()
            .filter(fs::Metadata::is_file)
            .and_then(|lock| now.duration_since(lock.modified().ok()?).ok());
        if age.is_none_or(|age| age < YOUNG) {
            continue;
        }
        // For writing: what is another user's is out of reach, whoever may read it.
        let lock = File::options().write(true).open(path);
        if lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
            // What cannot be removed is not in the way.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folders_of_killed_processes_go_and_no_others() {
        let temporary = tempfile::tempdir().unwrap();
        let place = |name: &str| temporary.path().join(name);
        let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        let folders = [
            "defender-emulator-killed",
            "defender-emulator-in-use",
            "defender-emulator-young",
            "defender-emulator-foreign",
            "something-else",
        ];
        let locks = folders.map(|name| {
            fs::create_dir(place(name)).unwrap();
            fs::write(place(name).join("msticpyconfig.yaml"), "x").unwrap();
            let lock = if name.ends_with("foreign") {
                "other"
            } else {
                LOCK
            };
            File::create(place(name).join(lock)).unwrap()
        });
        for (lock, name) in locks.iter().zip(folders) {
            if !name.ends_with("young") {
                lock.set_modified(old).unwrap();
            }
        }
        locks[1].lock().unwrap();
        remove(temporary.path());
        let left = folders.map(|name| place(name).exists());
        assert_eq!(left, [false, true, true, true, true]);
    }
}
