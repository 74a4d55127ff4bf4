//! Functions that look at the rows around.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use kql_semantics::ScalarType;
use kql_semantics::bound::{ArithmeticOp, WindowCall};

use super::steps::{batch_of, part_of};
use super::transform::Whole;
use super::{Flow, Planner};
use crate::EngineError;
use crate::column::{Builder, Reader};
use crate::datum::Datum;
use crate::error::Foreign;
use crate::functions::arithmetic;
use crate::plan::encode;

/// What a window function computes.
#[derive(Clone, Copy)]
enum Work {
    /// The value of a row so many rows on, or back.
    Beside {
        back: bool,
    },
    Number,
    Sum,
    /// Ranks count the values, or the rows before.
    Rank {
        of_rows: bool,
    },
    Session,
}

impl Work {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "prev" => Self::Beside { back: true },
            "next" => Self::Beside { back: false },
            "row_number" => Self::Number,
            "row_cumsum" => Self::Sum,
            "row_rank" | "row_rank_dense" => Self::Rank { of_rows: false },
            "row_rank_min" => Self::Rank { of_rows: true },
            "row_window_session" => Self::Session,
            _ => return None,
        })
    }
}

/// A window call whose arguments are columns.
#[derive(Clone)]
struct Call {
    work: Work,
    arguments: Vec<(usize, ScalarType)>,
    ty: ScalarType,
}

impl Planner<'_> {
    pub(super) fn window(&self, flow: Flow, calls: &[WindowCall]) -> Result<Flow, EngineError> {
        let values: Vec<_> = calls.iter().flat_map(|call| &call.arguments).collect();
        let (plan, _) = self.with_values(&flow, &values)?;
        let base = flow.carried.len() + flow.columns.len();
        let mut next = base;
        let mut prepared = Vec::new();
        let mut present = flow.columns.clone();
        for call in calls {
            let arguments = call
                .arguments
                .iter()
                .map(|argument| {
                    next += 1;
                    (next - 1, argument.ty)
                })
                .collect();
            let Some(work) = Work::of(call.function.name) else {
                let span = call.arguments.first().map(|one| one.span.range());
                return Err(EngineError::Unsupported {
                    what: format!("function {}()", call.function.name),
                    span,
                });
            };
            prepared.push(Call {
                work,
                arguments,
                ty: call.ty,
            });
            present.push((call.column, call.ty));
        }
        let schema = self.schema_of(&flow.carried, &present);
        let input = Arc::new(plan.schema().as_arrow().clone());
        let parts = flow.carried.len();
        let out = Arc::clone(&schema);
        let plan = self.transform(
            "window",
            vec![plan],
            schema,
            Arc::new(move || {
                let (input, out, calls) = (Arc::clone(&input), Arc::clone(&out), prepared.clone());
                Box::new(Whole::new(1, move |mut batches: Vec<Vec<RecordBatch>>| {
                    let all = concat_batches(&input, &batches.remove(0)).ours()?;
                    let starts = starts(&all, parts);
                    let mut columns = all.columns()[..base].to_vec();
                    for call in &calls {
                        columns.push(run(call, &all, &starts));
                    }
                    Ok(super::slices(&batch_of(&out, columns, all.num_rows())?))
                }))
            }),
        )?;
        // Further window steps may follow before a step lists all of their columns.
        Ok(Flow {
            plan,
            columns: present,
            carried: flow.carried,
        })
    }
}

/// For every row the first row of its part.
pub(super) fn starts(batch: &RecordBatch, parts: usize) -> Vec<usize> {
    let mut starts = Vec::with_capacity(batch.num_rows());
    for row in 0..batch.num_rows() {
        let same =
            row > 0 && (parts == 0 || part_of(batch, parts, row) == part_of(batch, parts, row - 1));
        let start = if same { starts[row - 1] } else { row };
        starts.push(start);
    }
    starts
}

#[expect(
    clippy::needless_range_loop,
    reason = "several columns are read by one row number"
)]
fn run(call: &Call, batch: &RecordBatch, starts: &[usize]) -> arrow::array::ArrayRef {
    let rows = batch.num_rows();
    let readers: Vec<Reader<'_>> = call
        .arguments
        .iter()
        .map(|(at, ty)| Reader::new(batch.column(*at), *ty))
        .collect();
    let value = |argument: usize, row: usize| {
        readers
            .get(argument)
            .map_or(Datum::Null, |reader| reader.get(row))
    };
    let mut builder = Builder::new(call.ty, rows);
    match call.work {
        Work::Beside { back } => {
            for row in 0..rows {
                let offset = if readers.len() > 1 {
                    value(1, row).as_long().unwrap_or(1)
                } else {
                    1
                };
                let offset = if back { offset.wrapping_neg() } else { offset };
                let at = i64::try_from(row).unwrap_or(i64::MAX).checked_add(offset);
                let at = at
                    .and_then(|at| usize::try_from(at).ok())
                    .filter(|at| *at < rows && starts[*at] == starts[row]);
                builder.push(&match at {
                    Some(at) => value(0, at),
                    None => value(2, row),
                });
            }
        }
        Work::Number => {
            let mut number = 0;
            for row in 0..rows {
                let first = if readers.is_empty() {
                    1
                } else {
                    value(0, row).as_long().unwrap_or(1)
                };
                let restart = starts[row] == row || value(1, row).as_bool() == Some(true);
                number = if restart { first } else { number + 1 };
                builder.push(&Datum::Long(number));
            }
        }
        Work::Sum => {
            let mut total = Datum::Null;
            for row in 0..rows {
                if starts[row] == row || value(1, row).as_bool() == Some(true) {
                    total = Datum::Null;
                }
                let term = value(0, row);
                if !term.is_null() {
                    total = if total.is_null() {
                        term.into_owned()
                    } else {
                        arithmetic::binary(ArithmeticOp::Add, &total, &term, call.ty).into_owned()
                    };
                }
                builder.push(&total);
            }
        }
        Work::Rank { of_rows } => {
            let mut rank: i64 = 0;
            let mut count: i64 = 0;
            let mut before = Vec::new();
            for row in 0..rows {
                let mut key = Vec::new();
                encode(&value(0, row), &mut key);
                if starts[row] == row || value(1, row).as_bool() == Some(true) {
                    rank = 1;
                    count = 1;
                } else {
                    count += 1;
                    if key != before {
                        rank = if of_rows { count } else { rank + 1 };
                    }
                }
                before = key;
                builder.push(&Datum::Long(rank));
            }
        }
        Work::Session => session(&mut builder, rows, starts, &value),
    }
    builder.finish()
}

/// `row_window_session(value, distance from the first, distance from the row before, restart)`: a
/// row that reaches either distance begins a session.
#[expect(
    clippy::needless_range_loop,
    reason = "several columns are read by one row number"
)]
fn session<'a>(
    builder: &mut Builder,
    rows: usize,
    starts: &[usize],
    value: &impl Fn(usize, usize) -> Datum<'a>,
) {
    let mut first: Option<i64> = None;
    let mut last: Option<i64> = None;
    for row in 0..rows {
        let now = value(0, row).as_long();
        let longest = value(1, row).as_long().unwrap_or(i64::MAX);
        let gap = value(2, row).as_long().unwrap_or(i64::MAX);
        let restart = starts[row] == row
            || value(3, row).as_bool() == Some(true)
            || match (now, first, last) {
                (Some(now), Some(first), Some(last)) => {
                    now.saturating_sub(first) >= longest || now.saturating_sub(last) >= gap
                }
                _ => true,
            };
        if restart {
            first = now;
        }
        last = now;
        builder.push(&first.map_or(Datum::Null, Datum::DateTime));
    }
}
