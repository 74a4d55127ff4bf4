//! Keeps tokens in an encrypted file.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind as IoKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use defender_core::{Clock, Error, ErrorKind, Result, open_file};
use defender_http::aside;

use super::format::{opened, sealed};
use super::location::{keep_private, made_parent};
use super::memory::{merge, take};
use super::place::{clear, is_file, unfinished};
use super::{Kept, KeyFile, KeySource, NewTokens, Owner, Selection, TokenStore};
use crate::SignInPrompt;

/// More than any number of tokens; a larger file is not one of ours.
const LONGEST: u64 = 16 * 1024 * 1024;

/// How often, and after which pause, a lock that another process holds is tried again.
const TRIES: u32 = 500;
const PAUSE: Duration = Duration::from_millis(20);

/// Keeps tokens in an encrypted file that only its owner can read.
///
/// AES-256-GCM, mode 0600; the key is in a file beside it, unless a [`KeySource`] of another
/// kind is given: see [`KeyFile`] for what the former protects from. Processes may share it:
/// whoever changes it holds a lock and puts a whole new file in its place.
///
/// A file that cannot be read is renamed, with a warning to the prompt, and a new one is begun.
/// When the file cannot be written, a warning says why, once; the tokens then live as long as
/// the process does.
#[derive(Clone, Debug)]
pub struct FileStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    key: Arc<dyn KeySource>,
    clock: Arc<dyn Clock>,
    prompt: Arc<dyn SignInPrompt>,
    warned: AtomicBool,
}

impl FileStore {
    /// The file at `path`, its key in a file beside it (`<path>.key`).
    pub fn new(
        path: impl Into<PathBuf>,
        clock: Arc<dyn Clock>,
        prompt: Arc<dyn SignInPrompt>,
    ) -> Self {
        let path = path.into();
        let key = KeyFile::beside(&path);
        Self::with_key(path, Arc::new(key), clock, prompt)
    }

    /// The file at `path`, its key from `key`; `prompt` is warned when a file is set aside.
    pub fn with_key(
        path: impl Into<PathBuf>,
        key: Arc<dyn KeySource>,
        clock: Arc<dyn Clock>,
        prompt: Arc<dyn SignInPrompt>,
    ) -> Self {
        Self(Arc::new(Inner {
            path: path.into(),
            key,
            clock,
            prompt,
            warned: AtomicBool::new(false),
        }))
    }

    /// Does `work` where blocking does not hold up others.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let inner = Arc::clone(&self.0);
        aside(move || work(&inner).inspect_err(|error| inner.warn(error))).await
    }
}

#[async_trait]
impl TokenStore for FileStore {
    async fn kept(&self) -> Result<Vec<Kept>> {
        self.blocking(|inner| {
            if !inner.exists()? {
                return Ok(Vec::new());
            }
            let _lock = inner.lock()?;
            inner.read()
        })
        .await
    }

    async fn keep(&self, owner: &Owner, tokens: NewTokens) -> Result<()> {
        let owner = owner.clone();
        self.blocking(move |inner| {
            let _lock = inner.lock()?;
            let mut kept = inner.read()?;
            merge(&mut kept, &owner, tokens, inner.clock.now());
            inner.write(&kept)
        })
        .await
    }

    async fn forget(&self, selection: &Selection) -> Result<Vec<Owner>> {
        let selection = selection.clone();
        self.blocking(move |inner| {
            if !inner.exists()? {
                return Ok(Vec::new());
            }
            let _lock = inner.lock()?;
            let mut kept = inner.read()?;
            let gone = take(&mut kept, &selection);
            if kept.is_empty() {
                fs::remove_file(&inner.path).or_else(|error| match error.kind() {
                    IoKind::NotFound => Ok(()),
                    _ => Err(inner.failure("removed", error)),
                })?;
            } else if !gone.is_empty() {
                inner.write(&kept)?;
            }
            Ok(gone)
        })
        .await
    }
}

impl Inner {
    fn exists(&self) -> Result<bool> {
        is_file(&self.path).map_err(|error| self.failure("read", error))
    }

    /// The right to read and change the file, until the lock is dropped.
    fn lock(&self) -> Result<File> {
        let lock = || -> io::Result<File> {
            let folder = made_parent(&self.path)?;
            // Whatever else stands there is somebody's, and waits or is replaced by none of ours.
            is_file(&self.path)?;
            let path = beside(&self.path, ".lock");
            is_file(&path)?;
            let mut options = OpenOptions::new();
            options.create(true).truncate(false).write(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let file = options.open(path)?;
            for _ in 0..TRIES {
                match file.try_lock() {
                    Ok(()) => {
                        // Nobody writes but who holds the lock: what is not finished was left by a
                        // process that was killed.
                        clear(&folder, &unfinished(&self.path));
                        clear(&folder, &unfinished(&beside(&self.path, ".key")));
                        return Ok(file);
                    }
                    Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
                    // Some file systems have no locks: a whole file replaces a whole file there too.
                    Err(TryLockError::Error(error)) if error.kind() == IoKind::Unsupported => {
                        return Ok(file);
                    }
                    Err(TryLockError::Error(error)) => return Err(error),
                }
            }
            Err(IoKind::WouldBlock.into())
        };
        lock().map_err(|error| self.failure("locked", error))
    }

    /// What the file keeps; a file that cannot be understood is set aside.
    fn read(&self) -> Result<Vec<Kept>> {
        let bytes = match self.bytes() {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == IoKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.failure("read", error)),
        };
        let key = self.key.key()?;
        match opened(&bytes, &key) {
            Ok(kept) => Ok(kept),
            Err(why) => self.without(why.as_str()),
        }
    }

    /// Goes on with nothing, and lets what stands there be.
    fn without(&self, why: &str) -> Result<Vec<Kept>> {
        let aside = self.set_aside()?;
        self.prompt.warning(&format!(
            "the token cache {} {why}; it was renamed to {}, and a new sign-in is needed",
            self.path.display(),
            aside.display(),
        ));
        Ok(Vec::new())
    }

    fn bytes(&self) -> io::Result<Vec<u8>> {
        let file = open_file(&self.path)?;
        keep_private(&file)?;
        let mut bytes = Vec::new();
        // What is longer fails to decrypt, as it should.
        file.take(LONGEST).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn write(&self, kept: &[Kept]) -> Result<()> {
        let key = self.key.key()?;
        let Some(bytes) = sealed(kept, &key) else {
            return Err(Error::new(
                ErrorKind::Io,
                "the tokens could not be encrypted",
            ));
        };
        let write = || -> io::Result<()> {
            let folder = made_parent(&self.path)?;
            // Of mode 0600 from the beginning.
            let mut file = tempfile::Builder::new()
                .prefix(&unfinished(&self.path))
                .tempfile_in(folder)?;
            file.write_all(&bytes)?;
            file.as_file().sync_all()?;
            file.persist(&self.path)
                .map(drop)
                .map_err(|error| error.error)
        };
        write().map_err(|error| self.failure("written", error))
    }

    /// Renames the file to a name that is free.
    fn set_aside(&self) -> Result<PathBuf> {
        let since = self.clock.now().duration_since(SystemTime::UNIX_EPOCH);
        let seconds = since.unwrap_or_default().as_secs();
        let names = (seconds..).map(|number| beside(&self.path, &format!(".unreadable-{number}")));
        let free = names.take(1000).find(|name| !name.exists());
        let aside = free.unwrap_or_else(|| beside(&self.path, ".unreadable"));
        fs::rename(&self.path, &aside).map_err(|error| self.failure("renamed", error))?;
        Ok(aside)
    }

    fn failure(&self, what: &str, error: io::Error) -> Error {
        let path = self.path.display();
        Error::new(
            ErrorKind::Io,
            format!("the token cache {path} cannot be {what}"),
        )
        .with_source(error)
        .with_hint("choose another file with location, or make its folder writable")
    }

    /// Says once why the next process will have to sign in again.
    fn warn(&self, error: &Error) {
        if !self.warned.swap(true, Ordering::Relaxed) {
            let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
            self.prompt.warning(&format!(
                "{error}{}; the sign-in is not remembered",
                cause.unwrap_or_default()
            ));
        }
    }
}

/// `path` with `ending` behind its name.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests;
