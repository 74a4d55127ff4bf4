//! `scan`: sequences of rows.
//!
//! Every row meets the steps from the last to the first. A step matches when the step before has a
//! state and the condition holds with it (the state moves on), or when it has a state itself (or is
//! the first) and the condition holds.
//!
//! Source: <https://learn.microsoft.com/kusto/query/scan-operator>

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt64Array};
use arrow::compute::{concat_batches, take};
use kql_semantics::bound::{Scan, ScanOutput};
use kql_semantics::{ColumnId, ScalarType};

use super::steps::batch_of;
use super::transform::Whole;
use super::window::starts;
use super::{Flow, Planner};
use crate::EngineError;
use crate::column::{self, Builder, Reader};
use crate::datum::Datum;
use crate::error::Foreign;
use crate::expression::{Compiled, Compiler, Input, Rows};

type Row = HashMap<ColumnId, Datum<'static>>;

/// The last row of each step so far, and which sequence it is.
#[derive(Clone, Default)]
struct State {
    rows: Vec<Row>,
    /// Where the rows stand in the input.
    places: Vec<u64>,
    id: i64,
}

struct Value {
    compiled: Compiled,
    inputs: Vec<Input>,
}

struct StepWork {
    condition: Value,
    assignments: Vec<(ColumnId, Value)>,
    output: ScanOutput,
}

struct Work {
    /// How many columns stand before the input's: they say which part a row is of.
    parts: usize,
    steps: Vec<StepWork>,
    initial: Vec<(ColumnId, Datum<'static>)>,
    /// Types of every column an expression may read.
    types: HashMap<ColumnId, ScalarType>,
    input: Vec<(ColumnId, ScalarType)>,
    match_id: Option<ColumnId>,
    output: Vec<(ColumnId, ScalarType)>,
}

impl Planner<'_> {
    pub(super) fn scan_steps(
        &self,
        flow: Flow,
        scan: &Scan,
        columns: &[(ColumnId, ScalarType)],
    ) -> Result<Flow, EngineError> {
        let refuse = |what: &str, at: std::ops::Range<usize>| {
            Err(EngineError::unsupported(format!("scan with {what}"), at))
        };
        let compiled = |expr| -> Result<Value, EngineError> {
            let mut compiler = Compiler::new(self);
            let compiled = compiler.compile(expr)?;
            Ok(Value {
                compiled,
                inputs: compiler.inputs().to_vec(),
            })
        };
        let mut steps = Vec::new();
        for step in &scan.steps {
            let span = step.condition.span.range();
            if step.optional {
                return refuse("optional steps", span);
            }
            steps.push(StepWork {
                condition: compiled(&step.condition)?,
                assignments: step
                    .assignments
                    .iter()
                    .map(|(id, value)| Ok((*id, compiled(value)?)))
                    .collect::<Result<_, EngineError>>()?,
                output: step.output,
            });
        }
        let mut initial = Vec::new();
        let mut types: HashMap<ColumnId, ScalarType> = flow.columns.iter().copied().collect();
        let mut present = flow.columns.clone();
        for (column, value) in &scan.declared {
            initial.push((
                column.id,
                self.optional(value.as_ref())?.unwrap_or(Datum::Null),
            ));
            types.insert(column.id, column.ty);
            present.push((column.id, column.ty));
        }
        if let Some(id) = scan.match_id {
            present.push((id, ScalarType::Long));
            types.insert(id, ScalarType::Long);
        }
        let flow = self.laid_out(flow)?;
        let work = Arc::new(Work {
            parts: flow.carried.len(),
            steps,
            initial,
            types,
            input: flow.columns.clone(),
            match_id: scan.match_id,
            output: present.clone(),
        });
        let schema = self.schema_of(&flow.carried, &present);
        let input = Arc::new(flow.plan.schema().as_arrow().clone());
        let out = Arc::clone(&schema);
        let plan = self.transform(
            "scan",
            vec![flow.plan],
            schema,
            Arc::new(move || {
                let (input, out, work) = (Arc::clone(&input), Arc::clone(&out), Arc::clone(&work));
                Box::new(Whole::new(1, move |mut batches: Vec<Vec<RecordBatch>>| {
                    let all = concat_batches(&input, &batches.remove(0)).ours()?;
                    let (columns, rows) = work.run(&all)?;
                    Ok(super::slices(&batch_of(&out, columns, rows)?))
                }))
            }),
        )?;
        let out = Flow {
            plan,
            columns: present,
            carried: flow.carried,
        };
        self.keep(out, columns)
    }
}

/// The rows that a scan gives out, column by column, and where each stood.
struct Output {
    builders: Vec<Builder>,
    origins: Vec<u64>,
}

impl Work {
    fn run(&self, batch: &RecordBatch) -> Result<(Vec<ArrayRef>, usize), EngineError> {
        let readers: Vec<Reader<'_>> = self
            .input
            .iter()
            .enumerate()
            .map(|(at, (_, ty))| Reader::new(batch.column(self.parts + at), *ty))
            .collect();
        let mut output = Output {
            builders: self
                .output
                .iter()
                .map(|(_, ty)| Builder::new(*ty, batch.num_rows()))
                .collect(),
            origins: Vec::new(),
        };
        let starts = starts(batch, self.parts);
        let mut states: Vec<Option<State>> = vec![None; self.steps.len()];
        let mut next_id = 0;
        for (at, start) in starts.into_iter().enumerate() {
            if start == at {
                self.end(&mut states, &mut output);
                next_id = 0;
            }
            let mut current: Row = self
                .input
                .iter()
                .zip(&readers)
                .map(|((id, _), reader)| (*id, reader.get(at).into_owned()))
                .collect();
            current.extend(self.initial.iter().cloned());
            for number in (0..self.steps.len()).rev() {
                let step = &self.steps[number];
                let from_before = match number.checked_sub(1).and_then(|one| states[one].clone()) {
                    Some(state) if self.holds(&step.condition, &current, &state)? => Some(state),
                    _ => None,
                };
                let mut state = if let Some(state) = from_before {
                    // The sequence that was here ends, and the one before moves on.
                    for left in [number, number - 1] {
                        if let Some(state) = states[left].take() {
                            self.leave(left, &state, &mut output);
                        }
                    }
                    state
                } else {
                    let own = match &states[number] {
                        Some(state) => state.clone(),
                        None if number == 0 => State {
                            rows: Vec::new(),
                            places: Vec::new(),
                            id: next_id,
                        },
                        None => continue,
                    };
                    if !self.holds(&step.condition, &current, &own)? {
                        continue;
                    }
                    if states[number].is_none() {
                        next_id += 1;
                    }
                    own
                };
                let mut extended = current.clone();
                for (id, value) in &step.assignments {
                    let value = self.value(value, &current, &state)?;
                    extended.insert(*id, value);
                }
                if let Some(id) = self.match_id {
                    extended.insert(id, Datum::Long(state.id));
                }
                if step.output == ScanOutput::All {
                    self.show(&extended, at as u64, &mut output);
                }
                state.rows.resize(number + 1, Row::new());
                state.places.resize(number + 1, 0);
                state.rows[number] = extended;
                state.places[number] = at as u64;
                states[number] = Some(state);
            }
        }
        self.end(&mut states, &mut output);
        let rows = output.origins.len();
        let origins = UInt64Array::from(output.origins);
        let mut columns = Vec::with_capacity(self.parts + output.builders.len());
        for part in &batch.columns()[..self.parts] {
            columns.push(take(part, &origins, None).ours()?);
        }
        columns.extend(output.builders.into_iter().map(Builder::finish));
        Ok((columns, rows))
    }

    /// Ends every sequence.
    fn end(&self, states: &mut [Option<State>], output: &mut Output) {
        for (number, state) in states.iter_mut().enumerate() {
            if let Some(state) = state.take() {
                self.leave(number, &state, output);
            }
        }
    }

    /// A sequence leaves a step: with `output=last` now is known which row was the last.
    fn leave(&self, number: usize, state: &State, output: &mut Output) {
        if self.steps[number].output == ScanOutput::Last
            && let (Some(row), Some(place)) = (state.rows.get(number), state.places.get(number))
        {
            self.show(row, *place, output);
        }
    }

    fn show(&self, row: &Row, place: u64, output: &mut Output) {
        for ((id, _), builder) in self.output.iter().zip(&mut output.builders) {
            builder.push(row.get(id).unwrap_or(&Datum::Null));
        }
        output.origins.push(place);
    }

    fn holds(&self, value: &Value, row: &Row, state: &State) -> Result<bool, EngineError> {
        Ok(self.value(value, row, state)?.as_bool() == Some(true))
    }

    fn value(
        &self,
        value: &Value,
        row: &Row,
        state: &State,
    ) -> Result<Datum<'static>, EngineError> {
        let columns: Vec<ArrayRef> = value
            .inputs
            .iter()
            .map(|input| {
                let (found, id) = match input {
                    Input::Column(id) => (row.get(id), id),
                    // A step that has matched nothing shows the columns' initial values.
                    Input::Step(step, id) => (
                        state
                            .rows
                            .get(*step)
                            .filter(|row| !row.is_empty())
                            .map_or_else(
                                || {
                                    self.initial
                                        .iter()
                                        .find(|one| one.0 == *id)
                                        .map(|one| &one.1)
                                },
                                |row| row.get(id),
                            ),
                        id,
                    ),
                };
                let ty = self.types.get(id).copied().unwrap_or(ScalarType::Dynamic);
                column::repeated(found.unwrap_or(&Datum::Null), ty, 1)
            })
            .collect();
        let rows = Rows {
            columns: &columns,
            len: 1,
        };
        let vector = value.compiled.evaluate(rows)?;
        Ok(vector.reader(value.compiled.ty).get(0).into_owned())
    }
}
