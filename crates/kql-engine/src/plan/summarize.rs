//! Grouping.

use std::any::Any;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, LargeStringArray, RecordBatch, RecordBatchOptions, new_empty_array,
};
use arrow::datatypes::{Field, Float64Type, Schema, SchemaRef};
use datafusion::logical_expr::EmitTo;
use datafusion::physical_plan::aggregates::group_values::{GroupValues, new_group_values};
use datafusion::physical_plan::aggregates::order::GroupOrdering;
use kql_semantics::ScalarType;

use super::transform::Worker;
use crate::EngineError;
use crate::aggregates::{Aggregate, State};
use crate::column::{self, Builder, Reader};
use crate::datum::Datum;
use crate::error::Foreign;

/// Finds the number of a row's group, in the order groups first appear.
pub(crate) struct Groups {
    types: Vec<ScalarType>,
    values: Box<dyn GroupValues>,
}

impl Groups {
    pub(crate) fn new(types: Vec<ScalarType>) -> Result<Self, EngineError> {
        let fields: Vec<Field> = types
            .iter()
            .enumerate()
            .map(|(at, ty)| Field::new(format!("k{at}"), column::arrow_type(*ty), true))
            .collect();
        let values =
            new_group_values(Arc::new(Schema::new(fields)), &GroupOrdering::None).ours()?;
        Ok(Self { types, values })
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn size(&self) -> usize {
        self.values.size()
    }

    /// The group of each row of `columns`, making new ones as needed.
    pub(crate) fn assign(&mut self, columns: &[ArrayRef]) -> Result<Vec<usize>, EngineError> {
        let columns: Vec<ArrayRef> = columns
            .iter()
            .zip(&self.types)
            .map(|(array, ty)| canonical(array, *ty))
            .collect();
        let mut groups = Vec::new();
        self.values.intern(&columns, &mut groups).ours()?;
        Ok(groups)
    }

    pub(crate) fn finish(mut self) -> Result<Vec<ArrayRef>, EngineError> {
        if self.values.is_empty() {
            let empty = |ty: &ScalarType| new_empty_array(&column::arrow_type(*ty));
            return Ok(self.types.iter().map(empty).collect());
        }
        self.values.emit(EmitTo::All).ours()
    }
}

/// Equal values in equal bits: one NaN, one zero, no missing text.
fn canonical(array: &ArrayRef, ty: ScalarType) -> ArrayRef {
    match ty {
        ScalarType::Real => {
            let one_form = |value: f64| {
                if value.is_nan() {
                    f64::NAN
                } else {
                    value + 0.0
                }
            };
            Arc::new(
                array
                    .as_primitive::<Float64Type>()
                    .unary::<_, Float64Type>(one_form),
            )
        }
        ScalarType::String if array.null_count() > 0 => {
            Arc::new(LargeStringArray::from_iter_values(
                array
                    .as_string::<i64>()
                    .iter()
                    .map(Option::unwrap_or_default),
            ))
        }
        _ => Arc::clone(array),
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
    /// Made when the first rows come.
    groups: Option<Groups>,
    key_types: Vec<ScalarType>,
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
            groups: None,
            key_types,
            keyless: keys == 0,
            aggregates,
            schema,
            keys,
            group_count: 0,
            seeded,
        }
    }
}

impl Summarize {
    fn groups_of(&mut self, keys: &[ArrayRef]) -> Result<Vec<usize>, EngineError> {
        let groups = match &mut self.groups {
            Some(groups) => groups,
            none => none.insert(Groups::new(self.key_types.clone())?),
        };
        let numbers = groups.assign(keys)?;
        self.group_count = groups.len();
        Ok(numbers)
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
            self.groups_of(&batch.columns()[..self.keys])?
        };
        if self.seeded && input == 0 {
            return Ok(Vec::new());
        }
        for prepared in &mut self.aggregates {
            prepared.state.grow(self.group_count);
            let arguments: Vec<&ArrayRef> = prepared
                .arguments
                .iter()
                .map(|at| batch.column(*at))
                .collect();
            let chosen = prepared.filter.map(|at| batch.column(at).as_boolean());
            if prepared.state.columns(&numbers, &arguments, chosen)? {
                continue;
            }
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
        let mut columns: Vec<ArrayRef> = match self.groups.take() {
            Some(groups) => groups.finish()?,
            None => self
                .key_types
                .iter()
                .map(|ty| new_empty_array(&column::arrow_type(*ty)))
                .collect(),
        };
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
        let all = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .ours()?;
        Ok(super::slices(&all))
    }

    fn part(&self) -> Option<Box<dyn Worker>> {
        let mergeable = self.aggregates.iter().all(|one| one.state.is_mergeable());
        if self.seeded || !mergeable {
            return None;
        }
        let aggregates = self
            .aggregates
            .iter()
            .map(|one| {
                Some(Prepared {
                    aggregate: Arc::clone(&one.aggregate),
                    state: one.aggregate.state()?,
                    arguments: one.arguments.clone(),
                    filter: one.filter,
                })
            })
            .collect::<Option<_>>()?;
        Some(Box::new(Self::new(
            self.key_types.clone(),
            aggregates,
            Arc::clone(&self.schema),
            false,
        )))
    }

    fn absorb(&mut self, part: Box<dyn Any>) -> Result<(), EngineError> {
        let part = part
            .downcast::<Self>()
            .map_err(|_| EngineError::runtime("a part of another operator"))?;
        if part.group_count == 0 {
            return Ok(());
        }
        let numbers = if let Some(groups) = part.groups {
            self.groups_of(&groups.finish()?)?
        } else {
            self.group_count = 1;
            vec![0]
        };
        for (own, other) in self.aggregates.iter_mut().zip(part.aggregates) {
            own.state.grow(self.group_count);
            own.state.merge(other.state.into_any(), &numbers)?;
        }
        Ok(())
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
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
