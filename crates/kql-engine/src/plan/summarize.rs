//! Grouping.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use kql_semantics::ScalarType;

use super::transform::Worker;
use crate::EngineError;
use crate::aggregates::{Aggregate, State};
use crate::column::{Builder, Reader};
use crate::datum::Datum;

/// Finds the number of a row's group, in the order groups first appear.
pub(crate) struct Groups {
    types: Vec<ScalarType>,
    numbers: HashMap<Vec<u8>, usize>,
    keys: Vec<Builder>,
    size: usize,
}

impl Groups {
    pub(crate) fn new(types: Vec<ScalarType>) -> Self {
        let keys = types.iter().map(|ty| Builder::new(*ty, 0)).collect();
        Self {
            types,
            numbers: HashMap::new(),
            keys,
            size: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// The group of each row of `columns`, making new ones as needed.
    pub(crate) fn assign(&mut self, columns: &[ArrayRef], rows: usize) -> Vec<usize> {
        let readers: Vec<Reader<'_>> = columns
            .iter()
            .zip(&self.types)
            .map(|(array, ty)| Reader::new(array, *ty))
            .collect();
        let mut assigned = Vec::with_capacity(rows);
        let mut encoded = Vec::new();
        for row in 0..rows {
            encoded.clear();
            for reader in &readers {
                encode(&reader.get(row), &mut encoded);
            }
            if let Some(number) = self.numbers.get(encoded.as_slice()) {
                assigned.push(*number);
                continue;
            }
            let number = self.numbers.len();
            self.size += encoded.len() * 2 + 64;
            self.numbers.insert(encoded.clone(), number);
            for (builder, reader) in self.keys.iter_mut().zip(&readers) {
                builder.push(&reader.get(row));
            }
            assigned.push(number);
        }
        assigned
    }

    pub(crate) fn finish(self) -> Vec<ArrayRef> {
        self.keys.into_iter().map(Builder::finish).collect()
    }
}

/// Appends a form of `value` that is equal for equal values only.
pub(crate) fn encode(value: &Datum<'_>, out: &mut Vec<u8>) {
    let mut bytes = |tag: u8, bytes: &[u8]| {
        out.push(tag);
        out.extend_from_slice(&bytes.len().to_le_bytes());
        out.extend_from_slice(bytes);
    };
    match value {
        Datum::Null => out.push(0),
        Datum::Bool(value) => out.extend_from_slice(&[1, u8::from(*value)]),
        Datum::Int(value) => {
            out.push(2);
            out.extend_from_slice(&value.to_le_bytes());
        }
        Datum::Long(value) | Datum::DateTime(value) | Datum::TimeSpan(value) => {
            out.push(3);
            out.extend_from_slice(&value.to_le_bytes());
        }
        Datum::Real(value) => {
            out.push(4);
            let value = if value.is_nan() {
                f64::NAN
            } else {
                *value + 0.0
            };
            out.extend_from_slice(&value.to_bits().to_le_bytes());
        }
        Datum::Decimal(value) => bytes(5, value.to_string().as_bytes()),
        Datum::Guid(value) | Datum::String(value) => bytes(6, value.as_bytes()),
        Datum::Dynamic(value) => bytes(7, value),
    }
}

/// `summarize`: the input's first columns are the keys, then come the aggregates' arguments.
pub(crate) struct Summarize {
    groups: Option<Groups>,
    keyless: bool,
    aggregates: Vec<Prepared>,
    schema: SchemaRef,
    keys: usize,
    group_count: usize,
    seeded: bool,
}

/// An aggregate and where its columns are.
pub(crate) struct Prepared {
    pub(crate) aggregate: Arc<Aggregate>,
    pub(crate) state: Box<dyn State>,
    /// The column of each argument.
    pub(crate) arguments: Vec<usize>,
    /// The column of the filter.
    pub(crate) filter: Option<usize>,
}

impl Summarize {
    /// `seeded`: the first input's rows are groups that exist even without rows of the second.
    pub(crate) fn new(
        key_types: Vec<ScalarType>,
        aggregates: Vec<Prepared>,
        schema: SchemaRef,
        seeded: bool,
    ) -> Self {
        let keys = key_types.len();
        Self {
            groups: Some(Groups::new(key_types)),
            keyless: keys == 0,
            aggregates,
            schema,
            keys,
            group_count: 0,
            seeded,
        }
    }
}

/// Columns of the values of one row.
pub(crate) fn arguments_of<'a>(readers: &[Reader<'a>], row: usize, out: &mut Vec<Datum<'a>>) {
    out.clear();
    out.extend(readers.iter().map(|reader| reader.get(row)));
}

impl Worker for Summarize {
    fn batch(&mut self, input: usize, batch: RecordBatch) -> Result<Vec<RecordBatch>, EngineError> {
        let rows = batch.num_rows();
        let numbers = if self.keyless {
            self.group_count = 1;
            vec![0; rows]
        } else {
            let Some(groups) = self.groups.as_mut() else {
                return Ok(Vec::new());
            };
            let numbers = groups.assign(&batch.columns()[..self.keys], rows);
            self.group_count = groups.len();
            numbers
        };
        if self.seeded && input == 0 {
            return Ok(Vec::new());
        }
        for prepared in &mut self.aggregates {
            let types = &prepared.aggregate.argument_types;
            let readers: Vec<Reader<'_>> = prepared
                .arguments
                .iter()
                .zip(types)
                .map(|(at, ty)| Reader::new(batch.column(*at), *ty))
                .collect();
            let filter = prepared
                .filter
                .map(|at| Reader::new(batch.column(at), ScalarType::Bool));
            prepared.state.grow(self.group_count);
            let mut values = Vec::with_capacity(readers.len());
            for (row, number) in numbers.iter().enumerate() {
                if let Some(filter) = filter
                    && filter.get(row).as_bool() != Some(true)
                {
                    continue;
                }
                arguments_of(&readers, row, &mut values);
                prepared.state.update(*number, &values)?;
            }
        }
        Ok(Vec::new())
    }

    fn finish(&mut self) -> Result<Vec<RecordBatch>, EngineError> {
        let count = if self.keyless { 1 } else { self.group_count };
        let mut columns: Vec<ArrayRef> = self.groups.take().map(Groups::finish).unwrap_or_default();
        columns.truncate(self.keys);
        for prepared in &mut self.aggregates {
            prepared.state.grow(count);
            let mut builders: Vec<Builder> = prepared
                .aggregate
                .output_types
                .iter()
                .map(|ty| Builder::new(*ty, count))
                .collect();
            for group in 0..count {
                let values = prepared.state.finish(group)?;
                for (at, builder) in builders.iter_mut().enumerate() {
                    builder.push(values.get(at).unwrap_or(&Datum::Null));
                }
            }
            columns.extend(builders.into_iter().map(Builder::finish));
        }
        debug_assert!(columns.iter().all(|column| column.len() == count));
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        let all = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?;
        Ok(super::slices(&all))
    }

    fn size(&self) -> usize {
        let groups = self.groups.as_ref().map_or(0, Groups::size);
        groups
            + self
                .aggregates
                .iter()
                .map(|one| one.state.size())
                .sum::<usize>()
    }
}
