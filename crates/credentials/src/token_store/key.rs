//! The key that kept tokens are encrypted with, and where it comes from.

use std::fmt;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use defender_core::{Error, ErrorKind, Result, open_file};
use openssl::rand::rand_bytes;

use super::location::{keep_private, made_parent};
use super::place::{is_file, unfinished};

const LENGTH: usize = 32;

/// A key of 256 bits, in no output.
#[derive(Clone)]
pub struct CacheKey([u8; LENGTH]);

impl CacheKey {
    /// The key with these bytes.
    pub fn new(bytes: [u8; LENGTH]) -> Self {
        Self(bytes)
    }

    /// A new random key.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] when the system has no random numbers.
    pub fn random() -> Result<Self> {
        let mut bytes = [0; LENGTH];
        rand_bytes(&mut bytes).map_err(|error| {
            Error::new(ErrorKind::Io, "the system has no random numbers").with_source(error)
        })?;
        Ok(Self(bytes))
    }

    /// The bytes, for whoever keeps the key somewhere.
    pub fn bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CacheKey(REDACTED)")
    }
}

/// Where the key of a token cache comes from, such as the key store of the system.
///
/// Called while the cache is locked, on a thread that may block.
pub trait KeySource: fmt::Debug + Send + Sync {
    /// The key; made and kept there when there is none yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] when it can be neither read nor made. The cache is left alone then.
    fn key(&self) -> Result<CacheKey>;
}

/// A file with mode 0600 that holds the key.
///
/// It keeps tokens from whoever gets hold of the cache alone: a copy, a backup, a disk of which
/// only some files are seen. Whoever can read all files of the user can read the tokens as well;
/// against them only a key that is not in a file helps.
#[derive(Clone, Debug)]
pub struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    /// The key in the file at `path`, which is made when it is not there.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The file `<cache>.key`.
    pub(super) fn beside(cache: &Path) -> Self {
        let mut path = cache.as_os_str().to_owned();
        path.push(".key");
        Self::new(path)
    }

    /// The key, when there is one.
    pub(super) fn kept(&self) -> Result<Option<CacheKey>> {
        self.read().map_err(|error| unusable(&self.path, error))
    }

    fn read(&self) -> io::Result<Option<CacheKey>> {
        if !is_file(&self.path)? {
            return Ok(None);
        }
        let file = open_file(&self.path)?;
        if keep_private(&file)? {
            tracing::warn!(
                file = %self.path.display(),
                "the key of the token cache was readable by others; it is not any more"
            );
        }
        let mut bytes = Vec::new();
        file.take(LENGTH as u64 + 1).read_to_end(&mut bytes)?;
        if let Ok(bytes) = <[u8; LENGTH]>::try_from(bytes) {
            return Ok(Some(CacheKey(bytes)));
        }
        // What it was is kept; what it encrypted will be set aside by whoever finds it.
        tracing::warn!(file = %self.path.display(), "the key of the token cache is none; making another");
        let mut aside = self.path.clone().into_os_string();
        aside.push(".unreadable");
        fs::rename(&self.path, aside)?;
        Ok(None)
    }

    fn made(&self) -> Result<CacheKey> {
        let key = CacheKey::random()?;
        let write = || -> io::Result<()> {
            let folder = made_parent(&self.path)?;
            let mut file = tempfile::Builder::new()
                .prefix(&unfinished(&self.path))
                .tempfile_in(folder)?;
            file.write_all(&key.0)?;
            file.as_file().sync_all()?;
            file.persist_noclobber(&self.path)
                .map(drop)
                .map_err(|error| error.error)
        };
        write().map_err(|error| unusable(&self.path, error))?;
        Ok(key)
    }
}

fn unusable(path: &Path, error: io::Error) -> Error {
    Error::new(
        ErrorKind::Io,
        format!(
            "the key of the token cache, {}, cannot be used",
            path.display()
        ),
    )
    .with_source(error)
}

impl KeySource for KeyFile {
    fn key(&self) -> Result<CacheKey> {
        self.kept()?.map_or_else(|| self.made(), Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a").join("key");
        let source = KeyFile::new(&path);
        let key = source.key().unwrap();
        assert_eq!(source.key().unwrap().bytes(), key.bytes());
        assert_ne!(CacheKey::random().unwrap().bytes(), key.bytes());
        assert_eq!(format!("{key:?}"), "CacheKey(REDACTED)");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&path), 0o600);
            assert_eq!(mode(path.parent().unwrap()), 0o700);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            assert_eq!(source.key().unwrap().bytes(), key.bytes());
            assert_eq!(mode(&path), 0o600);
        }
    }

    #[test]
    fn what_is_no_key_is_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        for text in ["", "short", "a line that is longer than thirty-two bytes"] {
            fs::write(&path, text).unwrap();
            let key = KeyFile::new(&path).key().unwrap();
            assert_eq!(fs::read(&path).unwrap(), key.bytes());
            assert_eq!(
                fs::read_to_string(folder.path().join("key.unreadable")).unwrap(),
                text
            );
        }
    }

    #[test]
    fn a_key_that_cannot_be_read_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let error = KeyFile::new(folder.path()).key().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().contains(folder.path().to_str().unwrap()));
    }
}
