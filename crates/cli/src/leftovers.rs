//! What this process must not leave behind when it ends in the middle of something.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Something that ends with the process.
#[derive(Debug)]
pub(crate) enum Leftover {
    /// A file that is not finished.
    File(PathBuf),
    /// A folder, and what is in it.
    Folder(PathBuf),
    /// A process that was started here.
    #[cfg(unix)]
    Child(crate::child::Target),
}

#[derive(Debug)]
struct Noted {
    next: u64,
    left: BTreeMap<u64, Leftover>,
}

static NOTED: Mutex<Noted> = Mutex::new(Noted {
    next: 0,
    left: BTreeMap::new(),
});

fn noted() -> MutexGuard<'static, Noted> {
    NOTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps something noted; dropping it means that it is cared for.
#[derive(Debug)]
#[must_use]
pub(crate) struct Note(u64);

impl Drop for Note {
    fn drop(&mut self) {
        noted().left.remove(&self.0);
    }
}

/// Notes something that [`clear`] is to take away.
pub(crate) fn note(leftover: Leftover) -> Note {
    let mut noted = noted();
    let key = noted.next;
    noted.next += 1;
    noted.left.insert(key, leftover);
    Note(key)
}

/// Takes away whatever is noted: the process ends now, and nobody else will.
pub(crate) fn clear() {
    let left = std::mem::take(&mut noted().left);
    for leftover in left.into_values() {
        // What is gone already is what is wanted.
        match leftover {
            Leftover::File(path) => drop(std::fs::remove_file(path)),
            Leftover::Folder(path) => drop(std::fs::remove_dir_all(path)),
            #[cfg(unix)]
            Leftover::Child(target) => target.kill(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_goes_and_what_is_cared_for_stays() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        for name in ["left", "kept"] {
            std::fs::write(place(name), "x").unwrap();
        }
        std::fs::create_dir(place("folder")).unwrap();
        std::fs::write(place("folder/x"), "x").unwrap();
        let _file = note(Leftover::File(place("left")));
        let _folder = note(Leftover::Folder(place("folder")));
        drop(note(Leftover::File(place("kept"))));
        clear();
        let found = ["left", "kept", "folder"].map(|name| place(name).exists());
        assert_eq!(found, [false, true, false]);
    }
}
