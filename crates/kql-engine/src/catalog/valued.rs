//! Rows of hunting tables without a value in any column of their table.
//!
//! A file of nothing but such rows is none of the table, whatever it calls its columns: it is an
//! error. One such row among others is told, with how many there are. Documents are looked at one by
//! one, where they are read.

use arrow::array::BooleanArray;
use arrow::compute::and;
use kql_semantics::ScalarType;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::statistics::Statistics;

use super::aliases::{self, Names};
use super::files::{Explored, Format, Source};
use super::folders::Folder;
use super::infer::Kind;
use super::{separated, strangers};
use crate::EngineError;
use crate::error::Foreign;

/// The rows of a file, and those of them without a value.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    rows: usize,
    valueless: usize,
    /// The first row without a value.
    first: usize,
}

impl Source {
    /// Fails where no row of the file has a value in a column of its table; remembers how many have
    /// none.
    pub(super) fn check_values(
        &self,
        found: &Explored,
        folders: &[Folder],
    ) -> Result<(), EngineError> {
        if found.filled || self.names.is_free() || found.kinds.is_empty() {
            return Ok(());
        }
        if folders.iter().any(|folder| self.names.has(&folder.name)) {
            return Ok(());
        }
        if let Format::Separated(separator) = self.format()? {
            return match separated::first_without_values(self, separator)? {
                Some((line, rows)) => self.refuse(rows, &format!("line {line}")),
                None => Ok(()),
            };
        }
        // What cannot be read is an error of the queries that read it.
        let Ok(tally) = self.tally(found) else {
            return Ok(());
        };
        if tally.valueless == 0 {
            return Ok(());
        }
        let place = format!("row {}", tally.first + 1);
        if tally.valueless == tally.rows {
            return self.refuse(tally.rows, &place);
        }
        self.losses.valueless(|| place.clone(), tally.valueless);
        Ok(())
    }

    fn refuse(&self, rows: usize, place: &str) -> Result<(), EngineError> {
        let what = strangers::empty(&self.records.table, rows, place);
        Err(self.failure().whole(&what))
    }

    /// Looks at the columns of the table; at one of them where that tells enough.
    fn tally(&self, found: &Explored) -> Result<Tally, EngineError> {
        let known = found.kinds.iter().filter_map(|(name, kind)| match kind {
            Kind::Known(ty) if self.names.has(name) => Some((name.clone(), *ty)),
            _ => None,
        });
        let known: Vec<(String, ScalarType)> = known.collect();
        // Nearly every row has its time.
        let time = known.iter().find(|(_, ty)| *ty == ScalarType::DateTime);
        if let Some(time) = time
            && let Ok(tally) = self.tally_of(std::slice::from_ref(time))
            && tally.valueless == 0
        {
            return Ok(tally);
        }
        self.tally_of(&known)
    }

    fn tally_of(&self, columns: &[(String, ScalarType)]) -> Result<Tally, EngineError> {
        let mut tally = Tally::default();
        for batch in self.read_as_named(columns)? {
            let batch = batch?;
            let mut missing: Option<BooleanArray> = None;
            for (array, (_, ty)) in batch.columns().iter().zip(columns) {
                let own = aliases::missing(array, *ty)?;
                missing = Some(match missing {
                    Some(missing) => and(&missing, &own).ours()?,
                    None => own,
                });
            }
            let Some(missing) = missing else { continue };
            let first = (0..missing.len()).find(|row| missing.value(*row));
            if let (Some(first), 0) = (first, tally.valueless) {
                tally.first = tally.rows + first;
            }
            tally.valueless += missing.true_count();
            tally.rows += batch.num_rows();
        }
        Ok(tally)
    }
}

/// Whether a column of the table has a value in every row, as far as what the writer says tells.
pub(super) fn has_full_column(metadata: &ParquetMetaData, names: &Names) -> bool {
    let schema = metadata.file_metadata().schema_descr();
    let is_full = |leaf: usize| {
        metadata.row_groups().iter().all(|group| {
            let said = group.column(leaf).statistics();
            said.is_some_and(|said| said.null_count_opt() == Some(0) && !may_be_empty(said))
        })
    };
    (0..schema.num_columns()).any(|leaf| {
        let root = schema.get_column_root(leaf);
        root.is_primitive() && names.has(root.name()) && is_full(leaf)
    })
}

/// Whether values may be texts with nothing in them.
fn may_be_empty(said: &Statistics) -> bool {
    matches!(said, Statistics::ByteArray(_)) && said.min_bytes_opt().is_none_or(<[u8]>::is_empty)
}
