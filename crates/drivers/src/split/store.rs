//! Where finished slices are kept, so that an interrupted run can go on.

use std::fmt;

use defender_core::Result;
use defender_table::Table;

use super::{Counted, Slice};

/// Keeps what a run has finished: the rows of slices, and how slices were divided.
///
/// A run that finds a slice here does not ask the service for it again.
pub trait SliceStore: fmt::Debug + Send + Sync {
    /// The rows of `slice`, when it was finished before.
    ///
    /// # Errors
    ///
    /// Whatever keeps the rows from being read.
    fn rows(&self, slice: &Slice) -> Result<Option<Table>>;

    /// Keeps the rows of a finished slice. When this returns, they survive the process.
    ///
    /// # Errors
    ///
    /// Whatever keeps the rows from being written.
    fn keep_rows(&self, slice: &Slice, rows: &Table) -> Result<()>;

    /// What `slice` was divided into.
    ///
    /// # Errors
    ///
    /// Whatever keeps the division from being read.
    fn division(&self, slice: &Slice) -> Result<Option<Vec<Counted>>>;

    /// Keeps what `slice` is divided into.
    ///
    /// # Errors
    ///
    /// Whatever keeps the division from being written.
    fn keep_division(&self, slice: &Slice, parts: &[Counted]) -> Result<()>;

    /// After how many rows the service was found to stop, when that is fewer than documented.
    ///
    /// # Errors
    ///
    /// Whatever keeps the number from being read.
    fn row_cap(&self) -> Result<Option<usize>>;

    /// Keeps after how many rows the service was found to stop.
    ///
    /// # Errors
    ///
    /// Whatever keeps the number from being written.
    fn keep_row_cap(&self, rows: usize) -> Result<()>;
}

/// Keeps nothing: an interrupted run begins anew.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoStore;

impl SliceStore for NoStore {
    fn rows(&self, _: &Slice) -> Result<Option<Table>> {
        Ok(None)
    }

    fn keep_rows(&self, _: &Slice, _: &Table) -> Result<()> {
        Ok(())
    }

    fn division(&self, _: &Slice) -> Result<Option<Vec<Counted>>> {
        Ok(None)
    }

    fn keep_division(&self, _: &Slice, _: &[Counted]) -> Result<()> {
        Ok(())
    }

    fn row_cap(&self) -> Result<Option<usize>> {
        Ok(None)
    }

    fn keep_row_cap(&self, _: usize) -> Result<()> {
        Ok(())
    }
}
