//! How the files of a catalog are read.

use super::times::DateOrder;

/// How the files of a catalog are read; see [`Catalog::set_reading`](super::Catalog::set_reading).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The order of day and month in dates such as `05/03/2024`; `None` reads them only where the
    /// column of the file tells.
    pub date_order: Option<DateOrder>,
    /// The most bytes that one record of a text file has: a line, a row of separated values with
    /// all its quoted lines, a JSON document. More is an error with the file and the line.
    pub largest_record: usize,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            date_order: None,
            // A response of the service has at most 50 MB, and is one document where it is saved.
            largest_record: 64 << 20,
        }
    }
}

impl Reading {
    /// Says that a record is larger.
    pub(super) fn too_large(self) -> String {
        format!(
            "has a record of more than {} bytes, the most that one may have",
            self.largest_record
        )
    }
}
