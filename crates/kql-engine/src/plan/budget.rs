//! What planning one query may cost.
//!
//! The optimizer's work grows with the steps, and with the square of the columns that a step
//! carries. What is counted here is a property of the query alone: a query that is refused is
//! refused on every machine.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashSet;

use kql_semantics::ColumnId;
use kql_semantics::bound::{Assignment, ExprKind, Operator, Step};

use crate::EngineError;

/// The most steps that are planned for one query; those that cost more count as several.
const STEPS: usize = 2_000;

/// The most columns that all steps of a query have together; wide steps count more than they have.
const CELLS: usize = 50_000;

/// From this width on the square of the columns decides.
const WIDE: usize = 512;

/// Steps planned so far, and the columns they have.
#[derive(Debug, Default)]
pub(super) struct Budget {
    steps: Cell<usize>,
    cells: Cell<usize>,
}

impl Budget {
    /// Counts a step that sees rows of `columns` columns.
    pub(super) fn spend(&self, step: &Step, columns: usize) -> Result<(), EngineError> {
        let (steps, weight, more) = match &step.operator {
            Operator::Filter { .. }
            | Operator::Compute { .. }
            | Operator::Take { .. }
            | Operator::Serialize => (1, 1, 0),
            // A key is compared with every other one.
            Operator::Sort { keys } => (3, 2, keys.len().saturating_mul(keys.len()) / 2),
            Operator::Join(join) => (4, 4, join.on.len().saturating_mul(join.on.len())),
            _ => (2, 2, 0),
        };
        let cost = columns
            .saturating_mul(weight)
            .saturating_mul(WIDE + columns)
            / WIDE
            + more;
        self.steps.set(self.steps.get().saturating_add(steps));
        self.cells.set(self.cells.get().saturating_add(cost));
        if self.steps.get() > STEPS || self.cells.get() > CELLS {
            let what = "a query of so many steps and columns (every use of a let counts)";
            return Err(EngineError::unsupported(what, step.span.range()));
        }
        Ok(())
    }

    /// Counts on from what was counted before: the same steps are planned again.
    pub(super) fn again(&self, (steps, cells): (usize, usize)) {
        self.steps.set(steps);
        self.cells.set(cells);
    }

    /// Steps and columns counted so far.
    pub(super) fn spent(&self) -> (usize, usize) {
        (self.steps.get(), self.cells.get())
    }
}

/// The same steps, with neighbours that add columns side by side made one.
pub(super) fn merged(steps: &[Step]) -> Vec<Cow<'_, Step>> {
    let mut list: Vec<Cow<'_, Step>> = Vec::with_capacity(steps.len());
    let mut made: HashSet<ColumnId> = HashSet::new();
    for step in steps {
        let Operator::Compute { assignments } = &step.operator else {
            list.push(Cow::Borrowed(step));
            continue;
        };
        let last = list.last_mut().filter(|last| {
            matches!(last.operator, Operator::Compute { .. })
                && !assignments.iter().any(|one| reads(one, &made))
        });
        if let Some(last) = last {
            let last = last.to_mut();
            last.columns.clone_from(&step.columns);
            if let Operator::Compute { assignments: all } = &mut last.operator {
                all.extend(assignments.iter().cloned());
            }
        } else {
            made.clear();
            list.push(Cow::Borrowed(step));
        }
        made.extend(assignments.iter().map(|one| one.column));
    }
    list
}

fn reads(assignment: &Assignment, made: &HashSet<ColumnId>) -> bool {
    let mut open = vec![&assignment.value];
    while let Some(next) = open.pop() {
        if let ExprKind::Column(id) | ExprKind::StepState { column: id, .. } = &next.kind
            && made.contains(id)
        {
            return true;
        }
        open.extend(next.parts());
    }
    false
}

#[cfg(test)]
mod tests;
