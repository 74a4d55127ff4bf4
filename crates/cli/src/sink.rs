//! Where results go: standard output, or a file or folder that appears whole or not at all.

mod packed;
mod through;

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use defender_core::{Error, ErrorKind, Result, with_folder_hint};
use defender_table::arrow::datatypes::SchemaRef;
use defender_table::{Format, Partitioned, Writer as RowWriter, WriterOptions};

pub(crate) use self::packed::Packing;
use crate::dataset::Dataset;
use crate::partial::PartialFile;
use crate::terminal::{Escaping, Form};

/// The open end of standard output, of a new file or of a new folder.
pub(crate) enum Sink {
    Stdout {
        closed: Arc<AtomicBool>,
    },
    /// What is no file, such as a pipe: written as the rows come.
    Through {
        file: File,
        path: PathBuf,
        closed: Arc<AtomicBool>,
    },
    File {
        temporary: PartialFile,
        /// As it was named.
        path: PathBuf,
        /// Where it is: a link stays one.
        place: PathBuf,
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
        let closed = || Arc::new(AtomicBool::new(false));
        let Some(path) = path.filter(|path| !through::is_standard_output(path)) else {
            return Ok(Self::Stdout { closed: closed() });
        };
        if through::is_no_file(path) {
            return Ok(Self::Through {
                file: through::open(path).map_err(|error| cannot_write(path, error))?,
                path: path.to_owned(),
                closed: closed(),
            });
        }
        if path.is_dir() {
            let message = format!("cannot write {}: it is a folder", path.display());
            return Err(Error::new(ErrorKind::Io, message)
                .with_hint("name a file in it; --partition-by writes a folder"));
        }
        if !overwrite && path.exists() {
            return Err(exists(path));
        }
        let place = through::place(path);
        let temporary = PartialFile::beside(&place).map_err(|error| cannot_write(path, error))?;
        Ok(Self::File {
            temporary,
            path: path.to_owned(),
            place,
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
                let parts = Partitioned::new(schema, columns, format, options, dataset.opener())?;
                Ok(Box::new(parts))
            }
            Self::File { path, .. } | Self::Through { path, .. } => {
                let rows = |output| format.writer(schema, output, options);
                match Packing::of(path) {
                    (Some(packing), _) => packing.rows(self.writer(format)?, rows),
                    (None, _) => rows(self.writer(format)?),
                }
            }
            Self::Stdout { .. } => format.writer(schema, self.writer(format)?, options),
        }
    }

    /// A writer into it; buffered, so it has to be flushed.
    fn writer(&self, format: Format) -> Result<Box<dyn Write + Send>> {
        match self {
            Self::Stdout { closed } => Ok(until_closed(io::stdout(), format, closed)),
            Self::Through { file, path, closed } => {
                let file = file
                    .try_clone()
                    .map_err(|error| cannot_write(path, error))?;
                Ok(until_closed(file, format, closed))
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

    /// Whether the reader of standard output, or of another pipe, has gone away.
    pub(crate) fn is_closed(&self) -> bool {
        match self {
            Self::Stdout { closed } | Self::Through { closed, .. } => {
                closed.load(Ordering::Relaxed)
            }
            Self::File { .. } | Self::Folder { .. } => false,
        }
    }

    /// Whether the result appears when it is whole, and nothing of it before.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self, Self::File { .. } | Self::Folder { .. })
    }

    /// Lets the file appear under its name.
    pub(crate) fn commit(self) -> Result<()> {
        let (temporary, path, place, overwrite) = match self {
            Self::Stdout { .. } | Self::Through { .. } => return Ok(()),
            Self::Folder { dataset, .. } => return dataset.commit(),
            Self::File {
                temporary,
                path,
                place,
                overwrite,
            } => (temporary, path, place, overwrite),
        };
        readable_as_usual(&temporary);
        if overwrite {
            temporary
                .persist(&place)
                .map_err(|error| cannot_write(&path, error))
        } else {
            temporary
                .persist_new(&place)
                .map_err(|error| match error.kind() {
                    io::ErrorKind::AlreadyExists => exists(&path),
                    _ => cannot_write(&path, error),
                })
        }
    }
}

/// A temporary file is its owner's alone; a result is as readable as any new file.
#[cfg(unix)]
fn readable_as_usual(temporary: &PartialFile) {
    use std::os::unix::fs::PermissionsExt as _;
    // The umask cannot be read without changing it, so the common one is assumed.
    let permissions = std::fs::Permissions::from_mode(0o644);
    // A file system without modes is as readable as it is.
    let _ = temporary.as_file().set_permissions(permissions);
}

#[cfg(not(unix))]
fn readable_as_usual(_: &PartialFile) {}

pub(crate) fn exists(path: &Path) -> Error {
    Error::new(ErrorKind::Usage, format!("{} exists", path.display()))
        .with_hint("--overwrite replaces it")
}

pub(crate) fn cannot_write(path: &Path, error: io::Error) -> Error {
    let message = format!("cannot write {}", path.display());
    with_folder_hint(Error::new(ErrorKind::Io, message).with_source(error), path)
}

/// A buffered writer into `inner`, which notes in `closed` that nobody reads it any more.
fn until_closed<W>(inner: W, format: Format, closed: &Arc<AtomicBool>) -> Box<dyn Write + Send>
where
    W: Write + IsTerminal + Send + 'static,
{
    let is_terminal = inner.is_terminal();
    let closed = Arc::clone(closed);
    let noting = Noting { inner, closed };
    if is_terminal {
        let form = match format {
            Format::Json | Format::Ndjson => Form::Json,
            _ => Form::Text,
        };
        Box::new(BufWriter::new(Escaping::new(noting, form)))
    } else {
        Box::new(BufWriter::new(noting))
    }
}

/// A writer that remembers that nobody reads it any more.
struct Noting<W> {
    inner: W,
    closed: Arc<AtomicBool>,
}

impl<W> Noting<W> {
    fn noting<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result
            && error.kind() == io::ErrorKind::BrokenPipe
        {
            self.closed.store(true, Ordering::Relaxed);
        }
        result
    }
}

impl<W: Write> Write for Noting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.inner.write(bytes);
        self.noting(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.inner.flush();
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
        let mut writer = sink.writer(Format::Csv).unwrap();
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
        sink.writer(Format::Csv)
            .unwrap()
            .write_all(b"half")
            .unwrap();
        drop(sink);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_its_file_is_replaced() {
        use std::os::unix::fs::symlink;

        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        std::fs::create_dir(place("real")).unwrap();
        std::fs::write(place("real/rows.csv"), "old").unwrap();
        symlink("real/rows.csv", place("first.csv")).unwrap();
        symlink(place("first.csv"), place("link.csv")).unwrap();
        symlink("real/new.csv", place("dangling.csv")).unwrap();
        assert!(Sink::open(Some(&place("link.csv")), false).is_err());
        for (link, overwrite, file) in [
            ("link.csv", true, "real/rows.csv"),
            ("dangling.csv", false, "real/new.csv"),
        ] {
            let sink = Sink::open(Some(&place(link)), overwrite).unwrap();
            sink.writer(Format::Csv).unwrap().write_all(b"new").unwrap();
            sink.commit().unwrap();
            assert!(place(link).is_symlink(), "{link}");
            assert!(!place(file).is_symlink(), "{file}");
            assert_eq!(std::fs::read_to_string(place(file)).unwrap(), "new");
        }
        assert!(place("first.csv").is_symlink());
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_written_through_and_stays_one() {
        use std::os::unix::fs::FileTypeExt as _;

        let null = Path::new("/dev/null");
        for overwrite in [false, true] {
            let sink = Sink::open(Some(null), overwrite).unwrap();
            assert!(!sink.is_whole());
            let mut writer = sink.writer(Format::Csv).unwrap();
            writer.write_all(b"a\n").unwrap();
            writer.flush().unwrap();
            drop(writer);
            sink.commit().unwrap();
        }
        let file_type = std::fs::metadata(null).unwrap().file_type();
        assert!(file_type.is_char_device());
        let sink = Sink::open(Some(Path::new("/dev/stdout")), false).unwrap();
        assert!(matches!(sink, Sink::Stdout { .. }));
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
        sink.writer(Format::Csv).unwrap().write_all(b"new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        sink.commit().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
    }
}
