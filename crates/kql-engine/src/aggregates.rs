//! Aggregates over groups of rows.

mod collect;
mod numbers;
mod pairs;
mod select;
mod sketches;
mod wholesale;

use std::any::Any;

use arrow::array::{ArrayRef, BooleanArray};
use kql_semantics::ScalarType;
use kql_semantics::bound;

use crate::EngineError;
use crate::datum::Datum;

/// What an aggregate keeps per group.
pub(crate) trait State: Send {
    /// Makes room for `groups` groups.
    fn grow(&mut self, groups: usize);
    /// Takes the arguments of one row.
    fn update(&mut self, group: usize, values: &[Datum<'_>]) -> Result<(), EngineError>;
    /// The outputs of a group; called once.
    fn finish(&mut self, group: usize) -> Result<Vec<Datum<'static>>, EngineError>;
    /// Bytes held beyond a few words per group.
    fn size(&self) -> usize {
        0
    }
    /// Takes the arguments of many rows; false where it wants them row by row.
    fn columns(
        &mut self,
        _groups: &[usize],
        _columns: &[&ArrayRef],
        _filter: Option<&BooleanArray>,
    ) -> Result<bool, EngineError> {
        Ok(false)
    }
    /// Whether states over parts of the rows make the state over all, whatever the parts are.
    fn is_mergeable(&self) -> bool {
        false
    }
    /// Takes over a state of later rows, whose groups are `groups` here.
    fn merge(&mut self, _other: Box<dyn Any>, _groups: &[usize]) -> Result<(), EngineError> {
        Err(EngineError::runtime("an aggregate that has no parts"))
    }
    /// Itself, to be merged.
    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        Box::new(())
    }
}

/// An aggregate with its types.
#[derive(Debug)]
pub(crate) struct Aggregate {
    pub(crate) name: &'static str,
    pub(crate) argument_types: Vec<ScalarType>,
    /// Values of arguments that are constants.
    pub(crate) constants: Vec<Option<Datum<'static>>>,
    pub(crate) output_types: Vec<ScalarType>,
}

impl Aggregate {
    pub(crate) fn new(bound: &bound::Aggregate, constants: Vec<Option<Datum<'static>>>) -> Self {
        Self {
            name: bound.function.name,
            argument_types: bound.arguments.iter().map(|one| one.ty).collect(),
            constants,
            output_types: bound.outputs.iter().map(|(_, ty)| *ty).collect(),
        }
    }

    /// A state without groups; `None` where the aggregate is not supported.
    pub(crate) fn state(&self) -> Option<Box<dyn State>> {
        wholesale::state(self)
            .or_else(|| numbers::state(self))
            .or_else(|| select::state(self))
            .or_else(|| collect::state(self))
            .or_else(|| sketches::state(self))
    }

    /// The whole number that argument `at` is, when it is a constant.
    pub(crate) fn constant(&self, at: usize) -> Option<i64> {
        self.constants.get(at)?.as_ref()?.as_long()
    }
}

/// One `G` per group.
pub(crate) struct PerGroup<G, U, F> {
    groups: Vec<G>,
    update: U,
    finish: F,
    held: usize,
}

/// A state made of a value per group, a step and an end.
///
/// `update` returns how many bytes the group grew by.
pub(crate) fn per_group<G, U, F>(update: U, finish: F) -> Box<dyn State>
where
    G: Default + Send + 'static,
    U: FnMut(&mut G, &[Datum<'_>]) -> usize + Send + 'static,
    F: FnMut(G) -> Vec<Datum<'static>> + Send + 'static,
{
    Box::new(PerGroup {
        groups: Vec::<G>::new(),
        update,
        finish,
        held: 0,
    })
}

impl<G, U, F> State for PerGroup<G, U, F>
where
    G: Default + Send,
    U: FnMut(&mut G, &[Datum<'_>]) -> usize + Send,
    F: FnMut(G) -> Vec<Datum<'static>> + Send,
{
    fn grow(&mut self, groups: usize) {
        while self.groups.len() < groups {
            self.groups.push(G::default());
        }
    }

    fn update(&mut self, group: usize, values: &[Datum<'_>]) -> Result<(), EngineError> {
        self.held += (self.update)(&mut self.groups[group], values);
        Ok(())
    }

    fn finish(&mut self, group: usize) -> Result<Vec<Datum<'static>>, EngineError> {
        Ok((self.finish)(std::mem::take(&mut self.groups[group])))
    }

    fn size(&self) -> usize {
        self.held + self.groups.len() * size_of::<G>()
    }
}

/// A state that gives null, for what was refused before.
pub(crate) fn nothing() -> Box<dyn State> {
    per_group(|(): &mut (), _| 0, |()| vec![Datum::Null])
}
