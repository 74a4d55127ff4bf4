//! A table of the sample, to be read cell by cell.

use std::collections::BTreeSet;

use arrow::array::{
    Array, AsArray, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampNanosecondArray,
};

/// One table.
pub(super) struct Frame<'a>(&'a RecordBatch);

impl<'a> Frame<'a> {
    pub(super) fn new(batches: &'a [RecordBatch]) -> Self {
        assert_eq!(batches.len(), 1);
        Self(&batches[0])
    }

    pub(super) fn rows(&self) -> usize {
        self.0.num_rows()
    }

    pub(super) fn has(&self, column: &str) -> bool {
        self.0.column_by_name(column).is_some()
    }

    fn column(&self, name: &str) -> &'a dyn Array {
        self.0
            .column_by_name(name)
            .unwrap_or_else(|| panic!("no column {name}"))
            .as_ref()
    }

    pub(super) fn text(&self, row: usize, name: &str) -> &'a str {
        let column: &'a StringArray = self.column(name).as_string();
        column.value(row)
    }

    pub(super) fn time(&self, row: usize, name: &str) -> i64 {
        let column: &TimestampNanosecondArray = self.column(name).as_primitive();
        column.value(row)
    }

    pub(super) fn long(&self, row: usize, name: &str) -> i64 {
        let column: &Int64Array = self.column(name).as_primitive();
        column.value(row)
    }

    pub(super) fn int(&self, row: usize, name: &str) -> i64 {
        let column: &Int32Array = self.column(name).as_primitive();
        column.value(row).into()
    }

    pub(super) fn bool(&self, row: usize, name: &str) -> bool {
        let column: &BooleanArray = self.column(name).as_boolean();
        column.value(row)
    }

    /// The different values of a text column.
    pub(super) fn set(&self, name: &str) -> BTreeSet<&'a str> {
        (0..self.rows()).map(|row| self.text(row, name)).collect()
    }

    /// The rows in which every one of these columns has this text.
    pub(super) fn find(&self, wanted: &[(&str, &str)]) -> Vec<usize> {
        self.filter(|row| {
            wanted
                .iter()
                .all(|(name, text)| self.text(row, name) == *text)
        })
    }

    /// The rows for which this holds.
    pub(super) fn filter(&self, keep: impl Fn(usize) -> bool) -> Vec<usize> {
        (0..self.rows()).filter(|&row| keep(row)).collect()
    }

    /// The values of a text column in some rows, without repetitions.
    pub(super) fn texts(&self, rows: &[usize], name: &str) -> BTreeSet<&'a str> {
        rows.iter().map(|&row| self.text(row, name)).collect()
    }
}
