//! Columns from rows: each column is filled in one pass, with no allocation per cell.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
        TimestampNanosecondArray,
    },
    buffer::{Buffer, OffsetBuffer, ScalarBuffer},
    datatypes::{DataType, Field, Schema, TimeUnit},
};

/// A table in the making over rows that are already in order.
pub(super) struct Columns<'a, R> {
    rows: &'a [R],
    fields: Vec<Field>,
    arrays: Vec<ArrayRef>,
}

impl<'a, R> Columns<'a, R> {
    /// A table without columns yet.
    pub(super) fn of(rows: &'a [R]) -> Self {
        Self {
            rows,
            fields: Vec::with_capacity(64),
            arrays: Vec::with_capacity(64),
        }
    }

    fn add(&mut self, name: &str, ty: DataType, array: ArrayRef) -> &mut Self {
        self.fields.push(Field::new(name, ty, true));
        self.arrays.push(array);
        self
    }

    /// A column of text that exists somewhere.
    pub(super) fn text<'t>(&mut self, name: &str, value: impl Fn(&'a R) -> &'t str) -> &mut Self {
        self.written(name, |row, text| text.push_str(value(row)))
    }

    /// A column of text that is written out for each row.
    pub(super) fn written(&mut self, name: &str, write: impl Fn(&'a R, &mut String)) -> &mut Self {
        let mut text = String::with_capacity(self.rows.len() * 24);
        let mut ends: Vec<i32> = Vec::with_capacity(self.rows.len() + 1);
        ends.push(0);
        for row in self.rows {
            write(row, &mut text);
            ends.push(i32::try_from(text.len()).unwrap_or(i32::MAX));
        }
        text.shrink_to_fit();
        let ends = OffsetBuffer::new(ScalarBuffer::from(ends));
        let array = StringArray::new(ends, Buffer::from_vec(text.into_bytes()), None);
        self.add(name, DataType::Utf8, Arc::new(array))
    }

    /// A column of points in time.
    pub(super) fn time(&mut self, name: &str, value: impl Fn(&'a R) -> i64) -> &mut Self {
        let values: Vec<i64> = self.rows.iter().map(value).collect();
        self.add_time(name, TimestampNanosecondArray::from(values))
    }

    /// A column of points in time, some of them unknown.
    pub(super) fn time_or(
        &mut self,
        name: &str,
        value: impl Fn(&'a R) -> Option<i64>,
    ) -> &mut Self {
        let values: Vec<Option<i64>> = self.rows.iter().map(value).collect();
        self.add_time(name, TimestampNanosecondArray::from(values))
    }

    fn add_time(&mut self, name: &str, array: TimestampNanosecondArray) -> &mut Self {
        let ty = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
        self.add(name, ty, Arc::new(array.with_timezone("UTC")))
    }

    /// A column of `long`.
    pub(super) fn long(&mut self, name: &str, value: impl Fn(&'a R) -> i64) -> &mut Self {
        let values: Vec<i64> = self.rows.iter().map(value).collect();
        self.add(name, DataType::Int64, Arc::new(Int64Array::from(values)))
    }

    /// A column of `long` with gaps.
    pub(super) fn long_or(
        &mut self,
        name: &str,
        value: impl Fn(&'a R) -> Option<i64>,
    ) -> &mut Self {
        let values: Vec<Option<i64>> = self.rows.iter().map(value).collect();
        self.add(name, DataType::Int64, Arc::new(Int64Array::from(values)))
    }

    /// A column of `int` with gaps.
    pub(super) fn int(&mut self, name: &str, value: impl Fn(&'a R) -> Option<i32>) -> &mut Self {
        let values: Vec<Option<i32>> = self.rows.iter().map(value).collect();
        self.add(name, DataType::Int32, Arc::new(Int32Array::from(values)))
    }

    /// A column of `real`.
    pub(super) fn real(&mut self, name: &str, value: impl Fn(&'a R) -> f64) -> &mut Self {
        let values: Vec<f64> = self.rows.iter().map(value).collect();
        self.add(
            name,
            DataType::Float64,
            Arc::new(Float64Array::from(values)),
        )
    }

    /// A column of `bool` with gaps.
    pub(super) fn bool(&mut self, name: &str, value: impl Fn(&'a R) -> Option<bool>) -> &mut Self {
        let values: Vec<Option<bool>> = self.rows.iter().map(value).collect();
        self.add(
            name,
            DataType::Boolean,
            Arc::new(BooleanArray::from(values)),
        )
    }

    /// The column `ReportId`, a counter, as the device tables have it.
    pub(super) fn report_id(&mut self) -> &mut Self {
        let values: Vec<i64> = (0..self.rows.len())
            .filter_map(|n| i64::try_from(n).ok())
            .collect();
        let values: Vec<i64> = values.into_iter().map(|n| 10_000 + 7 * n).collect();
        self.add(
            "ReportId",
            DataType::Int64,
            Arc::new(Int64Array::from(values)),
        )
    }

    /// The table.
    #[expect(
        clippy::expect_used,
        reason = "every column was filled from the same rows"
    )]
    pub(super) fn finish(&mut self) -> RecordBatch {
        let schema = Schema::new(std::mem::take(&mut self.fields));
        RecordBatch::try_new(Arc::new(schema), std::mem::take(&mut self.arrays))
            .expect("columns of one length and of the types in the schema")
    }
}
