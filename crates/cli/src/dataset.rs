//! A partitioned result: a folder that appears under its name when all of its files are written.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use defender_core::{Error, ErrorKind, Result};
use defender_query::{Answer, ConnectedProvider, Event, Provenance, Summary, Table};
use defender_table::arrow::array::RecordBatch;
use defender_table::arrow::datatypes::SchemaRef;
use defender_table::{OpenPart, concat};
use futures::StreamExt as _;

use crate::partial::{self, PartialFolder};
use crate::sink::{cannot_write, exists};

/// The folder of a dataset, and the one beside it that is being filled.
pub(crate) struct Dataset {
    temporary: PartialFolder,
    path: PathBuf,
    overwrite: bool,
}

impl Dataset {
    /// Begins a dataset at `path` that is partitioned by `columns`.
    pub(crate) fn open(path: &Path, overwrite: bool, columns: &[String]) -> Result<Self> {
        match occupied(path, columns) {
            Ok(Occupied::No) => {}
            Ok(Occupied::ByDataset) if overwrite => {}
            Ok(Occupied::ByDataset) => return Err(exists(path)),
            Ok(Occupied::ByOthers) => {
                let place = path.display();
                return Err(Error::new(
                    ErrorKind::Usage,
                    format!("{place} holds something else than a dataset of these columns"),
                )
                .with_hint("name a new folder; --overwrite replaces datasets only"));
            }
            Err(error) => return Err(cannot_write(path, error)),
        }
        let temporary = PartialFolder::beside(path).map_err(|error| cannot_write(path, error))?;
        Ok(Self {
            temporary,
            path: path.to_owned(),
            overwrite,
        })
    }

    /// Opens the files of the dataset, folders included.
    pub(crate) fn opener(&self) -> OpenPart {
        let (folder, path) = (self.temporary.path().to_owned(), self.path.clone());
        Box::new(move |part| {
            let open = || -> io::Result<File> {
                let file = folder.join(part);
                fs::create_dir_all(file.parent().unwrap_or(&folder))?;
                File::create_new(file)
            };
            let file = open().map_err(|error| cannot_write(&path, error))?;
            Ok(Box::new(BufWriter::with_capacity(1 << 16, file)))
        })
    }

    /// Lets the folder appear under its name.
    pub(crate) fn commit(self) -> Result<()> {
        let failed = |error| cannot_write(&self.path, error);
        readable_as_usual(self.temporary.path());
        if self.overwrite && self.path.exists() && exchanged(self.temporary.path(), &self.path) {
            // The old result goes in the place of the new one.
            return Ok(());
        }
        // What stood here goes into a folder that is removed whatever happens next.
        let mut replaced = None;
        if self.overwrite && self.path.exists() {
            let aside = tempfile::Builder::new()
                .prefix(".defender-")
                .tempdir_in(partial::folder(&self.path))
                .map_err(failed)?;
            let old = aside.path().join("old");
            fs::rename(&self.path, &old).map_err(failed)?;
            replaced = Some((aside, old));
        }
        if let Err(error) = fs::rename(self.temporary.path(), &self.path) {
            if let Some((_, old)) = &replaced {
                // The old result is better than none.
                let _ = fs::rename(old, &self.path);
            }
            return Err(failed(error));
        }
        // It has moved: there is nothing left to remove.
        self.temporary.keep();
        Ok(())
    }
}

/// Lets two folders change places, so that at no moment there is none; false where the system or
/// the file system cannot.
#[cfg(target_os = "linux")]
fn exchanged(new: &Path, old: &Path) -> bool {
    use rustix::fs::{CWD, RenameFlags, renameat_with};

    renameat_with(CWD, new, CWD, old, RenameFlags::EXCHANGE).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn exchanged(_: &Path, _: &Path) -> bool {
    false
}

enum Occupied {
    No,
    ByDataset,
    ByOthers,
}

/// What stands at `path`: a folder counts as a dataset when it holds nothing but the folders of the
/// first column.
fn occupied(path: &Path, columns: &[String]) -> io::Result<Occupied> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Occupied::No),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Ok(Occupied::ByOthers);
        }
        Err(error) => return Err(error),
    };
    let first = columns.first().map(String::as_str).unwrap_or_default();
    let mut found = Occupied::No;
    for entry in entries {
        let entry = entry?;
        if !entry.file_type()?.is_dir() || !is_partition(&entry.file_name(), first) {
            return Ok(Occupied::ByOthers);
        }
        found = Occupied::ByDataset;
    }
    Ok(found)
}

fn is_partition(name: &OsStr, column: &str) -> bool {
    let name = name.to_string_lossy();
    name.split_once('=')
        .is_some_and(|(before, _)| before == column)
}

/// A temporary folder is its owner's alone; a result is as readable as any new folder.
#[cfg(unix)]
fn readable_as_usual(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    // A file system without modes is as readable as it is.
    let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o755));
}

#[cfg(not(unix))]
fn readable_as_usual(_: &Path) {}

/// Whether the result is to have the column of its tenant, and has not.
fn lacks_tenant(answer: &Answer, columns: &[String]) -> bool {
    const TENANT: &str = "tenant";
    let is_tenant = |name: &str| name.eq_ignore_ascii_case(TENANT);
    let mut fields = answer.schema.fields().iter();
    columns.iter().any(|column| is_tenant(column)) && !fields.any(|field| is_tenant(field.name()))
}

/// The answer with the columns of its tenant and instance: for a tenant of a list always, and for
/// another one when it is partitioned by its tenant, and the connection says which one that is.
pub(crate) fn with_source(
    answer: Answer,
    listed: bool,
    columns: &[String],
    connected: &ConnectedProvider,
) -> Result<Answer> {
    let tenant = connected.tenant();
    if !listed && (tenant.is_none() || !lacks_tenant(&answer, columns)) {
        return Ok(answer);
    }
    let source = Provenance {
        tenant: tenant.map(str::to_owned),
        instance: connected.instance().map(str::to_owned),
        ..Provenance::default()
    };
    let of_source = move |schema: SchemaRef, batches: Vec<RecordBatch>| {
        let summary = Summary {
            provenance: source.clone(),
            ..Summary::default()
        };
        concat(vec![Table::new(schema, batches, summary)?], true)
    };
    let schema = answer.schema.clone();
    let widened = of_source(schema.clone(), Vec::new())?.schema().clone();
    let events = answer.events.map(move |event| match event? {
        Event::Batch(batch) => {
            let (_, mut batches, _) = of_source(schema.clone(), vec![batch])?.into_parts();
            // A batch in, a batch out.
            batches
                .pop()
                .map(Event::Batch)
                .ok_or_else(|| Error::new(ErrorKind::Protocol, "a batch got lost"))
        }
        summary @ Event::Summary(_) => Ok(summary),
    });
    Ok(Answer::new(widened, events))
}

/// The answer with the column of its tenant, when that is wanted and one tenant answered, whose
/// rows do not say it.
pub(crate) async fn with_tenant(answer: Answer, columns: &[String]) -> Result<Answer> {
    if !lacks_tenant(&answer, columns) {
        return Ok(answer);
    }
    Ok(concat(vec![Table::collect(answer).await?], true)?.into_answer())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn columns() -> Vec<String> {
        vec!["tenant".to_owned(), "date".to_owned()]
    }

    fn fill(dataset: &Dataset, part: &str, text: &str) {
        let mut file = dataset.opener()(part).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.flush().unwrap();
    }

    #[test]
    fn a_dataset_appears_whole_and_is_replaced_only_when_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hunt");
        let dataset = Dataset::open(&path, false, &columns()).unwrap();
        fill(&dataset, "tenant=a/date=2026-11-20/part-0.csv", "old");
        assert!(!path.exists());
        dataset.commit().unwrap();
        let part = path.join("tenant=a/date=2026-11-20/part-0.csv");
        assert_eq!(fs::read_to_string(&part).unwrap(), "old");

        let error = Dataset::open(&path, false, &columns()).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Usage);
        let dataset = Dataset::open(&path, true, &columns()).unwrap();
        fill(&dataset, "tenant=b/part-0.csv", "new");
        dataset.commit().unwrap();
        assert!(!part.exists());
        assert_eq!(
            fs::read_to_string(path.join("tenant=b/part-0.csv")).unwrap(),
            "new"
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_run_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let dataset = Dataset::open(&folder.path().join("hunt"), false, &columns()).unwrap();
        fill(&dataset, "tenant=a/part-0.csv", "half");
        drop(dataset);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_no_dataset_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tenant=a");
        fs::write(&file, "evidence").unwrap();
        for path in [folder.path(), &file] {
            let error = Dataset::open(path, true, &columns()).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Usage);
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), "evidence");
    }
}
