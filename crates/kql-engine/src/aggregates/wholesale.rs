//! The aggregates that queries use most, a column at a time.
//!
//! They give what their row by row kin give, and parts of them can be put together: every one of
//! them is exact whatever the parts are.

use std::any::Any;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::{Field, Int32Type, Int64Type, Schema};
use datafusion::logical_expr::EmitTo;
use datafusion::physical_plan::aggregates::group_values::{GroupValues, new_group_values};
use datafusion::physical_plan::aggregates::order::GroupOrdering;
use kql_semantics::ScalarType;

use super::collect::MOST;
use super::pairs::Pairs;
use super::{Aggregate, State};
use crate::EngineError;
use crate::column::{self, Builder, Reader};
use crate::datum::Datum;
use crate::dynamic;
use crate::error::Foreign;

pub(super) fn state(aggregate: &Aggregate) -> Option<Box<dyn State>> {
    let argument = aggregate.argument_types.first().copied();
    let output = *aggregate.output_types.first()?;
    Some(match aggregate.name {
        "count" if aggregate.argument_types.is_empty() => Box::new(Count::default()),
        "sum" if is_whole(argument?) && is_whole(output) => Box::new(Sum {
            ty: output,
            totals: Vec::new(),
        }),
        "min" | "max" if is_ticks(argument?) => Box::new(Extreme {
            ty: argument?,
            largest: aggregate.name == "max",
            kept: Vec::new(),
        }),
        "dcount" | "count_distinct" if is_plain(argument?) => {
            Box::new(Distinct::new(argument?, None)?)
        }
        "make_set" if is_plain(argument?) => {
            let most = aggregate
                .constant(1)
                .and_then(|size| usize::try_from(size).ok())
                .unwrap_or(MOST);
            Box::new(Distinct::new(argument?, Some(most))?)
        }
        "arg_max" | "arg_min" if is_ticks(argument?) => Box::new(Extremal {
            types: aggregate.argument_types.clone(),
            outputs: aggregate.output_types.len(),
            largest: aggregate.name == "arg_max",
            kept: Vec::new(),
            held: 0,
            best: Vec::new(),
        }),
        _ => return None,
    })
}

/// Types held as 64-bit numbers.
fn is_ticks(ty: ScalarType) -> bool {
    matches!(
        ty,
        ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan
    )
}

fn is_whole(ty: ScalarType) -> bool {
    matches!(
        ty,
        ScalarType::Int | ScalarType::Long | ScalarType::TimeSpan
    )
}

/// Types whose equal values are equal in Arrow.
fn is_plain(ty: ScalarType) -> bool {
    matches!(
        ty,
        ScalarType::Bool | ScalarType::Int | ScalarType::String | ScalarType::Guid
    ) || is_ticks(ty)
}

fn ticks(value: i64, ty: ScalarType) -> Datum<'static> {
    match ty {
        ScalarType::DateTime => Datum::DateTime(value),
        ScalarType::TimeSpan => Datum::TimeSpan(value),
        ScalarType::Int => i32::try_from(value).map_or(Datum::Null, Datum::Int),
        _ => Datum::Long(value),
    }
}

/// Whether the filter of an aggregate leaves a row in.
fn counts(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}

fn by_rows() -> EngineError {
    EngineError::runtime("an aggregate of columns was given rows")
}

/// Another state of the same kind.
fn same<S: 'static>(other: Box<dyn Any>) -> Result<S, EngineError> {
    match other.downcast::<S>() {
        Ok(other) => Ok(*other),
        Err(_) => Err(EngineError::runtime("parts of different aggregates")),
    }
}

#[derive(Default)]
struct Count {
    counts: Vec<i64>,
}

impl State for Count {
    fn grow(&mut self, groups: usize) {
        self.counts.resize(groups.max(self.counts.len()), 0);
    }

    fn update(&mut self, group: usize, _: &[Datum<'_>]) -> Result<(), EngineError> {
        self.counts[group] += 1;
        Ok(())
    }

    fn columns(
        &mut self,
        groups: &[usize],
        _: &[&ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<bool, EngineError> {
        for (row, group) in groups.iter().enumerate() {
            self.counts[*group] += i64::from(counts(filter, row));
        }
        Ok(true)
    }

    fn finish(&mut self, group: usize) -> Result<Vec<Datum<'static>>, EngineError> {
        Ok(vec![Datum::Long(self.counts[group])])
    }

    fn size(&self) -> usize {
        self.counts.len() * 8
    }

    fn is_mergeable(&self) -> bool {
        true
    }

    fn merge(&mut self, other: Box<dyn Any>, groups: &[usize]) -> Result<(), EngineError> {
        for (count, group) in same::<Self>(other)?.counts.iter().zip(groups) {
            self.counts[*group] += count;
        }
        Ok(())
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

struct Sum {
    ty: ScalarType,
    totals: Vec<i64>,
}

impl State for Sum {
    fn grow(&mut self, groups: usize) {
        self.totals.resize(groups.max(self.totals.len()), 0);
    }

    fn update(&mut self, group: usize, values: &[Datum<'_>]) -> Result<(), EngineError> {
        if let Some(value) = values[0].as_long() {
            self.totals[group] = self.totals[group].wrapping_add(value);
        }
        Ok(())
    }

    fn columns(
        &mut self,
        groups: &[usize],
        columns: &[&ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<bool, EngineError> {
        let [column] = columns else {
            return Ok(false);
        };
        let longs = column.as_primitive_opt::<Int64Type>();
        let ints = column.as_primitive_opt::<Int32Type>();
        for (row, group) in groups.iter().enumerate() {
            if column.is_null(row) || !counts(filter, row) {
                continue;
            }
            let value = match (longs, ints) {
                (Some(array), _) => array.value(row),
                (None, Some(array)) => i64::from(array.value(row)),
                (None, None) => return Err(by_rows()),
            };
            self.totals[*group] = self.totals[*group].wrapping_add(value);
        }
        Ok(true)
    }

    fn finish(&mut self, group: usize) -> Result<Vec<Datum<'static>>, EngineError> {
        Ok(vec![ticks(self.totals[group], self.ty)])
    }

    fn size(&self) -> usize {
        self.totals.len() * 8
    }

    fn is_mergeable(&self) -> bool {
        true
    }

    fn merge(&mut self, other: Box<dyn Any>, groups: &[usize]) -> Result<(), EngineError> {
        for (total, group) in same::<Self>(other)?.totals.iter().zip(groups) {
            self.totals[*group] = self.totals[*group].wrapping_add(*total);
        }
        Ok(())
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

struct Extreme {
    ty: ScalarType,
    largest: bool,
    kept: Vec<Option<i64>>,
}

impl Extreme {
    fn take(&mut self, group: usize, value: i64) {
        let kept = &mut self.kept[group];
        *kept = Some(match *kept {
            Some(before) if self.largest => before.max(value),
            Some(before) => before.min(value),
            None => value,
        });
    }
}

impl State for Extreme {
    fn grow(&mut self, groups: usize) {
        self.kept.resize(groups.max(self.kept.len()), None);
    }

    fn update(&mut self, group: usize, values: &[Datum<'_>]) -> Result<(), EngineError> {
        if let Some(value) = values[0].as_long() {
            self.take(group, value);
        }
        Ok(())
    }

    fn columns(
        &mut self,
        groups: &[usize],
        columns: &[&ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<bool, EngineError> {
        let [column] = columns else {
            return Ok(false);
        };
        let array = column.as_primitive::<Int64Type>();
        for (row, group) in groups.iter().enumerate() {
            if array.is_valid(row) && counts(filter, row) {
                self.take(*group, array.value(row));
            }
        }
        Ok(true)
    }

    fn finish(&mut self, group: usize) -> Result<Vec<Datum<'static>>, EngineError> {
        let kept = self.kept[group];
        Ok(vec![
            kept.map_or(Datum::Null, |value| ticks(value, self.ty)),
        ])
    }

    fn size(&self) -> usize {
        self.kept.len() * 16
    }

    fn is_mergeable(&self) -> bool {
        true
    }

    fn merge(&mut self, other: Box<dyn Any>, groups: &[usize]) -> Result<(), EngineError> {
        for (kept, group) in same::<Self>(other)?.kept.iter().zip(groups) {
            if let Some(value) = kept {
                self.take(*group, *value);
            }
        }
        Ok(())
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// Distinct values per group: every value has a number, a set of pairs knows which group has which.
struct Distinct {
    ty: ScalarType,
    numbers: Box<dyn GroupValues>,
    pairs: Pairs,
    counts: Vec<i64>,
    /// For `make_set`: the most elements, and those of each group in their order.
    lists: Option<(usize, Vec<Vec<u32>>)>,
    /// The values by their number, once all are known.
    values: Option<ArrayRef>,
    scratch: Vec<usize>,
}

impl Distinct {
    fn new(ty: ScalarType, most: Option<usize>) -> Option<Self> {
        let field = Field::new("value", column::arrow_type(ty), true);
        let schema = Arc::new(Schema::new(vec![field]));
        Some(Self {
            ty,
            numbers: new_group_values(schema, &GroupOrdering::None).ok()?,
            pairs: Pairs::default(),
            counts: Vec::new(),
            lists: most.map(|most| (most, Vec::new())),
            values: None,
            scratch: Vec::new(),
        })
    }

    fn insert(&mut self, group: usize, number: usize) -> Result<(), EngineError> {
        let narrow = |value: usize| {
            u32::try_from(value).map_err(|_| EngineError::runtime("too many distinct values"))
        };
        let (short_group, number) = (narrow(group)?, narrow(number)?);
        match &mut self.lists {
            None => {
                self.counts[group] += i64::from(self.pairs.insert(short_group, number));
            }
            Some((most, lists)) => {
                let list = &mut lists[group];
                if list.len() < *most && self.pairs.insert(short_group, number) {
                    list.push(number);
                }
            }
        }
        Ok(())
    }

    fn intern(&mut self, array: &ArrayRef) -> Result<Vec<usize>, EngineError> {
        let mut numbers = std::mem::take(&mut self.scratch);
        self.numbers
            .intern(std::slice::from_ref(array), &mut numbers)
            .ours()?;
        Ok(numbers)
    }

    fn values(&mut self) -> Result<ArrayRef, EngineError> {
        if let Some(values) = &self.values {
            return Ok(Arc::clone(values));
        }
        let values = if self.numbers.is_empty() {
            arrow::array::new_empty_array(&column::arrow_type(self.ty))
        } else {
            let mut columns = self.numbers.emit(EmitTo::All).ours()?;
            columns.pop().ok_or_else(by_rows)?
        };
        self.values = Some(Arc::clone(&values));
        Ok(values)
    }
}

impl State for Distinct {
    fn grow(&mut self, groups: usize) {
        match &mut self.lists {
            None => self.counts.resize(groups.max(self.counts.len()), 0),
            Some((_, lists)) => lists.resize(groups.max(lists.len()), Vec::new()),
        }
    }

    fn update(&mut self, group: usize, values: &[Datum<'_>]) -> Result<(), EngineError> {
        let mut one = Builder::new(self.ty, 1);
        one.push(&values[0]);
        self.columns(&[group], &[&one.finish()], None).map(|_| ())
    }

    fn columns(
        &mut self,
        groups: &[usize],
        columns: &[&ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<bool, EngineError> {
        let Some(column) = columns.first() else {
            return Ok(false);
        };
        let numbers = self.intern(column)?;
        for (row, group) in groups.iter().enumerate() {
            if column.is_valid(row) && counts(filter, row) {
                self.insert(*group, numbers[row])?;
            }
        }
        self.scratch = numbers;
        Ok(true)
    }

    fn finish(&mut self, group: usize) -> Result<Vec<Datum<'static>>, EngineError> {
        let Some((_, lists)) = &mut self.lists else {
            return Ok(vec![Datum::Long(self.counts[group])]);
        };
        let list = std::mem::take(&mut lists[group]);
        let values = self.values()?;
        let reader = Reader::new(&values, self.ty);
        let encoded: Vec<Vec<u8>> = list
            .iter()
            .map(|number| reader.get(*number as usize).to_dynamic().into_owned())
            .collect();
        Ok(vec![Datum::dynamic(dynamic::array(&encoded))])
    }

    fn size(&self) -> usize {
        self.numbers.size() + self.pairs.size() * 2 + self.counts.len() * 8
    }

    fn is_mergeable(&self) -> bool {
        true
    }

    fn merge(&mut self, other: Box<dyn Any>, groups: &[usize]) -> Result<(), EngineError> {
        let mut other = same::<Self>(other)?;
        let values = other.values()?;
        if values.is_empty() {
            return Ok(());
        }
        let numbers = self.intern(&values)?;
        match &other.lists {
            None => {
                for (group, number) in other.pairs.iter() {
                    self.insert(groups[group as usize], numbers[number as usize])?;
                }
            }
            Some((_, lists)) => {
                for (list, group) in lists.iter().zip(groups) {
                    for number in list {
                        self.insert(*group, numbers[*number as usize])?;
                    }
                }
            }
        }
        self.scratch = numbers;
        Ok(())
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// `arg_max` and `arg_min` of a number: of equal ones the first row counts.
struct Extremal {
    types: Vec<ScalarType>,
    outputs: usize,
    largest: bool,
    kept: Vec<Option<(Option<i64>, Vec<Datum<'static>>)>>,
    held: usize,
    /// The best row of each group in the batch at hand, and one more: 0 is none.
    best: Vec<usize>,
}

impl Extremal {
    /// Whether a row with this key is kept instead of one with that.
    fn is_better(&self, key: Option<i64>, before: Option<i64>) -> bool {
        match (key, before) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(key), Some(before)) if self.largest => key > before,
            (Some(key), Some(before)) => key < before,
        }
    }

    fn wants(&self, group: usize, key: Option<i64>) -> bool {
        match &self.kept[group] {
            None => true,
            Some((before, _)) => self.is_better(key, *before),
        }
    }

    fn keep(&mut self, group: usize, key: Option<i64>, values: Vec<Datum<'static>>) {
        let weight = |values: &[Datum<'_>]| super::select::weight(values);
        let added = weight(&values);
        let gone = self.kept[group].as_ref().map_or(0, |(_, old)| weight(old));
        self.held = (self.held + added).saturating_sub(gone);
        self.kept[group] = Some((key, values));
    }
}

impl State for Extremal {
    fn grow(&mut self, groups: usize) {
        self.kept.resize(groups.max(self.kept.len()), None);
    }

    fn update(&mut self, group: usize, values: &[Datum<'_>]) -> Result<(), EngineError> {
        let key = values[0].as_long();
        if self.wants(group, key) {
            let owned = values.iter().map(|one| one.clone().into_owned()).collect();
            self.keep(group, key, owned);
        }
        Ok(())
    }

    fn columns(
        &mut self,
        groups: &[usize],
        columns: &[&ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<bool, EngineError> {
        let Some(first) = columns.first() else {
            return Ok(false);
        };
        let keys = first.as_primitive::<Int64Type>();
        let key_of = |row: usize| keys.is_valid(row).then(|| keys.value(row));
        // Only the values of the best rows are copied.
        let mut best = std::mem::take(&mut self.best);
        best.resize(self.kept.len(), 0);
        let mut touched = Vec::new();
        for (row, group) in groups.iter().enumerate() {
            if !counts(filter, row) {
                continue;
            }
            let key = key_of(row);
            let place = &mut best[*group];
            if *place == 0 {
                if self.wants(*group, key) {
                    *place = row + 1;
                    touched.push(*group);
                }
            } else if self.is_better(key, key_of(*place - 1)) {
                *place = row + 1;
            }
        }
        let readers: Vec<Reader<'_>> = columns
            .iter()
            .zip(&self.types)
            .map(|(array, ty)| Reader::new(array, *ty))
            .collect();
        for group in touched {
            let row = std::mem::take(&mut best[group]) - 1;
            let values = readers
                .iter()
                .map(|one| one.get(row).into_owned())
                .collect();
            self.keep(group, key_of(row), values);
        }
        self.best = best;
        Ok(true)
    }

    fn finish(&mut self, group: usize) -> Result<Vec<Datum<'static>>, EngineError> {
        let kept = self.kept[group].take();
        Ok(kept.map_or_else(|| vec![Datum::Null; self.outputs], |(_, values)| values))
    }

    fn size(&self) -> usize {
        self.held + self.kept.len() * 40
    }

    fn is_mergeable(&self) -> bool {
        true
    }

    fn merge(&mut self, other: Box<dyn Any>, groups: &[usize]) -> Result<(), EngineError> {
        for (kept, group) in same::<Self>(other)?.kept.into_iter().zip(groups) {
            if let Some((key, values)) = kept
                && self.wants(*group, key)
            {
                self.keep(*group, key, values);
            }
        }
        Ok(())
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}
