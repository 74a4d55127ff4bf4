//! Where results go: standard output, or a file or folder that appears whole or not at all.

use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use defender_core::{Error, ErrorKind, Result};
use defender_table::arrow::datatypes::SchemaRef;
use defender_table::{Format, Partitioned, Writer as RowWriter, WriterOptions};
use tempfile::NamedTempFile;

use crate::dataset::Dataset;
use crate::terminal::Escaping;

/// The open end of standard output, of a new file or of a new folder.
pub(crate) enum Sink {
    Stdout {
        closed: Arc<AtomicBool>,
    },
    File {
        temporary: NamedTempFile,
        path: PathBuf,
        overwrite: bool,
    },
    /// The folder of a partitioned result, and the columns it is partitioned by.
    Folder {
        dataset: Dataset,
        columns: Vec<String>,
    },
}

impl Sink {
    /// Opens the folder `path` for a result that is partitioned by `columns`.
    pub(crate) fn open_folder(path: &Path, overwrite: bool, columns: &[String]) -> Result<Self> {
        Ok(Self::Folder {
            dataset: Dataset::open(path, overwrite, columns)?,
            columns: columns.to_vec(),
        })
    }

    /// Opens `path`, or standard output without one.
    pub(crate) fn open(path: Option<&Path>, overwrite: bool) -> Result<Self> {
        let Some(path) = path else {
            return Ok(Self::Stdout {
                closed: Arc::new(AtomicBool::new(false)),
            });
        };
        if !overwrite && path.exists() {
            return Err(exists(path));
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let temporary =
            NamedTempFile::new_in(folder).map_err(|error| cannot_write(path, plain(&error)))?;
        Ok(Self::File {
            temporary,
            path: path.to_owned(),
            overwrite,
        })
    }

    /// A writer of rows into it.
    pub(crate) fn rows(
        &self,
        format: Format,
        schema: &SchemaRef,
        options: &WriterOptions,
    ) -> Result<Box<dyn RowWriter>> {
        match self {
            Self::Folder { dataset, columns } => {
                let parts = Partitioned::new(schema, columns, format, dataset.opener())?;
                Ok(Box::new(parts))
            }
            _ => format.writer(schema, self.writer()?, options),
        }
    }

    /// A writer into it; buffered, so it has to be flushed.
    fn writer(&self) -> Result<Box<dyn Write + Send>> {
        match self {
            Self::Stdout { closed } => {
                let stdout = Stdout {
                    closed: Arc::clone(closed),
                };
                Ok(if io::stdout().is_terminal() {
                    Box::new(BufWriter::new(Escaping::new(stdout)))
                } else {
                    Box::new(BufWriter::new(stdout))
                })
            }
            Self::File {
                temporary, path, ..
            } => {
                let file = temporary
                    .reopen()
                    .map_err(|error| cannot_write(path, error))?;
                Ok(Box::new(BufWriter::with_capacity(1 << 16, file)))
            }
            Self::Folder { dataset, .. } => dataset.opener()("rows"),
        }
    }

    /// Whether the reader of standard output has gone away.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self, Self::Stdout { closed } if closed.load(Ordering::Relaxed))
    }

    /// Lets the file appear under its name.
    pub(crate) fn commit(self) -> Result<()> {
        let (temporary, path, overwrite) = match self {
            Self::Stdout { .. } => return Ok(()),
            Self::Folder { dataset, .. } => return dataset.commit(),
            Self::File {
                temporary,
                path,
                overwrite,
            } => (temporary, path, overwrite),
        };
        readable_as_usual(&temporary);
        if overwrite {
            temporary
                .persist(&path)
                .map_err(|error| cannot_write(&path, error.error))?;
        } else {
            temporary
                .persist_noclobber(&path)
                .map_err(|error| match error.error.kind() {
                    io::ErrorKind::AlreadyExists => exists(&path),
                    _ => cannot_write(&path, error.error),
                })?;
        }
        Ok(())
    }
}

/// A temporary file is its owner's alone; a result is as readable as any new file.
#[cfg(unix)]
fn readable_as_usual(temporary: &NamedTempFile) {
    use std::os::unix::fs::PermissionsExt as _;
    // The umask cannot be read without changing it, so the common one is assumed.
    let permissions = std::fs::Permissions::from_mode(0o644);
    // A file system without modes is as readable as it is.
    let _ = temporary.as_file().set_permissions(permissions);
}

#[cfg(not(unix))]
fn readable_as_usual(_: &NamedTempFile) {}

/// The error without the name of a file that nobody has asked for.
pub(crate) fn plain(error: &io::Error) -> io::Error {
    let text = error.to_string();
    let text = text.split(" at path ").next().unwrap_or(&text);
    io::Error::new(error.kind(), text)
}

pub(crate) fn exists(path: &Path) -> Error {
    Error::new(ErrorKind::Usage, format!("{} exists", path.display()))
        .with_hint("--overwrite replaces it")
}

pub(crate) fn cannot_write(path: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("cannot write {}", path.display())).with_source(error)
}

/// Standard output that remembers that nobody reads it any more.
struct Stdout {
    closed: Arc<AtomicBool>,
}

impl Stdout {
    fn noting<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result
            && error.kind() == io::ErrorKind::BrokenPipe
        {
            self.closed.store(true, Ordering::Relaxed);
        }
        result
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = io::stdout().write(bytes);
        self.noting(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = io::stdout().flush();
        self.noting(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_only_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        let sink = Sink::open(Some(&path), false).unwrap();
        let mut writer = sink.writer().unwrap();
        writer.write_all(b"a\n1\n").unwrap();
        writer.flush().unwrap();
        assert!(!path.exists());
        drop(writer);
        sink.commit().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\n1\n");
    }

    #[test]
    fn a_failed_run_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let sink = Sink::open(Some(&folder.path().join("rows.csv")), false).unwrap();
        sink.writer().unwrap().write_all(b"half").unwrap();
        drop(sink);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_existing_file_is_kept_unless_told_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        std::fs::write(&path, "old").unwrap();
        assert!(
            Sink::open(Some(&path), false).is_err_and(|error| error.kind() == ErrorKind::Usage)
        );
        let sink = Sink::open(Some(&path), true).unwrap();
        sink.writer().unwrap().write_all(b"new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        sink.commit().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
    }
}
