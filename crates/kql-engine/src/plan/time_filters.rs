//! The conditions on time that a query puts on the rows of its tables.
//!
//! A condition of which no row of a table is true leaves an answer that looks like any other: no
//! rows, a count of 0, a join with nothing. Each becomes a query of its own here, which finds a row
//! or does not. That a row fails a condition after other steps (`take`) and passes here is possible,
//! the reverse is not.

use std::collections::HashMap;
use std::sync::Arc;

use kql_semantics::bound::{
    ArithmeticOp, Assignment, BoundQuery, Column, CompareOp, Expr, ExprKind, Operator, Pipeline,
    PluginArgument, SetOperand, Source, Step,
};
use kql_semantics::{ColumnId, ScalarType};
use kql_syntax::Span;

/// The column that a range of time is about.
pub(crate) const STAMP: &str = "Timestamp";

/// More places that read tables than this are not looked at: a `let` that reads another twice, many
/// times over, has more than anybody could.
const MOST: usize = 64;

/// The conditions on one column of a table, at one place that reads it.
pub(crate) struct TimeFilter {
    pub(crate) table: Arc<str>,
    pub(crate) column: Arc<str>,
    /// The column in the rows that pass.
    pub(crate) rows: BoundQuery,
}

/// What a query asks of the times of its tables; every table with a `Timestamp` where the run has a
/// range of time.
pub(crate) fn of(query: &BoundQuery, in_range: bool) -> Vec<TimeFilter> {
    let mut walk = Walk {
        query,
        scans: Vec::new(),
    };
    walk.pipeline(&query.root, &Times::new());
    for scalar in &query.scalars {
        walk.pipeline(&scalar.pipeline, &Times::new());
    }
    let scans = walk.scans.iter();
    scans
        .flat_map(|scan| scan.filters(query, in_range))
        .collect()
}

/// Columns that are made of one time of a table: which scans those are, and of which column.
type Times = HashMap<ColumnId, Vec<(usize, ColumnId)>>;

/// A place that reads a table.
struct Scan<'a> {
    source: &'a Source,
    /// What is made of a time of it, in order.
    made: Vec<(ColumnId, Assignment)>,
    /// What is asked of what is made of a time.
    asked: Vec<(ColumnId, Expr)>,
}

impl Scan<'_> {
    fn filters(&self, query: &BoundQuery, in_range: bool) -> Vec<TimeFilter> {
        let Source::Table { name, columns, .. } = self.source else {
            return Vec::new();
        };
        let times = columns.iter().filter(|one| {
            let asked = self.asked.iter().any(|(time, _)| *time == one.id);
            one.ty == ScalarType::DateTime && (asked || (in_range && &*one.name == STAMP))
        });
        times
            .map(|time| TimeFilter {
                table: Arc::clone(name),
                column: Arc::clone(&time.name),
                rows: self.rows(query, time),
            })
            .collect()
    }

    /// The rows that pass what is asked of `time`.
    fn rows(&self, query: &BoundQuery, time: &Column) -> BoundQuery {
        let mut columns = vec![time.clone()];
        let mut steps = Vec::new();
        let mut step = |operator, columns: &Vec<Column>| {
            steps.push(Step {
                operator,
                columns: columns.clone(),
                span: Span::default(),
            });
        };
        for (_, one) in self.made.iter().filter(|(of, _)| *of == time.id) {
            columns.push(Column {
                id: one.column,
                name: "".into(),
                ty: one.value.ty,
            });
            let assignments = vec![one.clone()];
            step(Operator::Compute { assignments }, &columns);
        }
        for (_, predicate) in self.asked.iter().filter(|(of, _)| *of == time.id) {
            let predicate = predicate.clone();
            step(Operator::Filter { predicate }, &columns);
        }
        let columns = vec![time.clone()];
        step(
            Operator::Compute {
                assignments: Vec::new(),
            },
            &columns,
        );
        BoundQuery {
            root: Pipeline {
                source: self.source.clone(),
                steps,
                columns,
            },
            shared: Vec::new(),
            scalars: Vec::new(),
            order: Vec::new(),
            render: None,
            earlier: None,
            notes: Vec::new(),
            next_column: query.next_column,
        }
    }
}

struct Walk<'a> {
    query: &'a BoundQuery,
    scans: Vec<Scan<'a>>,
}

impl<'a> Walk<'a> {
    /// The times among the columns of a pipeline, `around` those of the one that it is a body of.
    fn pipeline(&mut self, pipeline: &'a Pipeline, around: &Times) -> Times {
        let mut times = self.source(&pipeline.source, around);
        for step in &pipeline.steps {
            self.step(&step.operator, &mut times);
        }
        times
    }

    fn source(&mut self, source: &'a Source, around: &Times) -> Times {
        match source {
            Source::Table { columns, .. } if self.scans.len() < MOST => {
                let scan = self.scans.len();
                self.scans.push(Scan {
                    source,
                    made: Vec::new(),
                    asked: Vec::new(),
                });
                let times = columns.iter().filter(|one| one.ty == ScalarType::DateTime);
                times.map(|one| (one.id, vec![(scan, one.id)])).collect()
            }
            Source::Union {
                inputs, columns, ..
            } => {
                let found: Vec<Times> = inputs
                    .iter()
                    .map(|input| self.pipeline(input, &Times::new()))
                    .collect();
                let mut times = Times::new();
                for one in columns {
                    for (input, own) in found.iter().zip(&one.inputs) {
                        if let Some(own) = own {
                            self.renamed(input, *own, &one.column, &mut times);
                        }
                    }
                }
                times
            }
            Source::Shared { id, columns } if self.scans.len() < MOST => {
                let query = self.query;
                let found = self.pipeline(&query.shared[id.0].pipeline, &Times::new());
                let mut times = Times::new();
                for (column, own) in columns {
                    self.renamed(&found, *own, column, &mut times);
                }
                times
            }
            Source::Context { .. } => around.clone(),
            _ => Times::new(),
        }
    }

    fn step(&mut self, operator: &'a Operator, times: &mut Times) {
        match operator {
            Operator::Filter { predicate } => {
                self.inside(predicate);
                self.filter(predicate, times);
            }
            Operator::Compute { assignments } => {
                let before = times.clone();
                for one in assignments {
                    self.inside(&one.value);
                    if one.value.ty == ScalarType::DateTime {
                        self.made(&before, one, times);
                    }
                }
            }
            Operator::Aggregate { keys, .. } => {
                let before = times.clone();
                for key in keys {
                    if key.value.ty == ScalarType::DateTime {
                        self.made(&before, key, times);
                    }
                }
            }
            Operator::Join(join) => {
                let right = self.pipeline(&join.right, &Times::new());
                times.extend(right);
            }
            Operator::Partition { body, .. } => {
                let inside = self.pipeline(body, times);
                times.extend(inside);
            }
            Operator::MvApply(apply) => {
                let inside = self.pipeline(&apply.body, times);
                times.extend(inside);
            }
            // Times outside of the axis are in no series.
            Operator::MakeSeries(series) => {
                let last = series.to.as_ref().map(|to| after(to, &series.step));
                let ends = [
                    (CompareOp::GreaterOrEqual, series.from.as_ref()),
                    (CompareOp::LessOrEqual, last.as_ref()),
                ];
                for (op, end) in ends {
                    let Some(end) = end else { continue };
                    let sides = (Box::new(series.axis.clone()), Box::new(end.clone()));
                    let inside = Expr {
                        kind: ExprKind::Compare(op, sides.0, sides.1),
                        ty: ScalarType::Bool,
                        span: Span::default(),
                    };
                    self.filter(&inside, times);
                }
            }
            Operator::Plugin { arguments, .. } => {
                for argument in arguments {
                    if let PluginArgument::Table(table) = argument {
                        self.pipeline(table, &Times::new());
                    }
                }
            }
            Operator::Graph(graph) => {
                for nodes in &graph.nodes {
                    self.pipeline(&nodes.table, &Times::new());
                }
            }
            _ => {}
        }
    }

    fn filter(&mut self, predicate: &Expr, times: &Times) {
        let mut open = vec![predicate];
        while let Some(next) = open.pop() {
            match &next.kind {
                ExprKind::And(parts) => open.extend(parts),
                _ if is_about_when(next) => {
                    for (scan, time) in only(next, times) {
                        self.scans[*scan].asked.push((*time, next.clone()));
                    }
                }
                _ => {}
            }
        }
    }

    /// The tables that an expression reads.
    fn inside(&mut self, expr: &'a Expr) {
        let mut open = vec![expr];
        while let Some(next) = open.pop() {
            if let ExprKind::Set {
                set: SetOperand::Query(pipeline),
                ..
            } = &next.kind
            {
                self.pipeline(pipeline, &Times::new());
            }
            open.extend(next.parts());
        }
    }

    /// A column that is made of others.
    fn made(&mut self, before: &Times, one: &Assignment, times: &mut Times) {
        let of = only(&one.value, before);
        for (scan, time) in of {
            self.scans[*scan].made.push((*time, one.clone()));
        }
        if !of.is_empty() {
            times.entry(one.column).or_default().extend(of);
        }
    }

    /// A column that is another under its own name.
    fn renamed(&mut self, before: &Times, own: ColumnId, column: &Column, times: &mut Times) {
        let value = Expr {
            kind: ExprKind::Column(own),
            ty: column.ty,
            span: Span::default(),
        };
        let one = Assignment {
            column: column.id,
            value,
        };
        self.made(before, &one, times);
    }
}

/// Where the last bin of an axis may end that has its points up to `to`.
fn after(to: &Expr, step: &Expr) -> Expr {
    let parts = (Box::new(to.clone()), Box::new(step.clone()));
    Expr {
        kind: ExprKind::Arithmetic(ArithmeticOp::Add, parts.0, parts.1),
        ty: to.ty,
        span: to.span,
    }
}

/// The times that an expression reads, where it reads one and nothing else.
fn only<'a>(expr: &Expr, times: &'a Times) -> &'a [(usize, ColumnId)] {
    let mut found: Option<ColumnId> = None;
    let mut open = vec![expr];
    while let Some(next) = open.pop() {
        match &next.kind {
            ExprKind::Column(id) if found.is_none_or(|other| other == *id) => found = Some(*id),
            ExprKind::Column(_)
            | ExprKind::StepState { .. }
            | ExprKind::ScalarQuery(_)
            | ExprKind::Set {
                set: SetOperand::Query(_),
                ..
            } => return &[],
            _ => {}
        }
        open.extend(next.parts());
    }
    let of = found.and_then(|id| times.get(&id));
    of.map_or(&[], Vec::as_slice)
}

/// Whether a condition compares instants, or the time between two of them; not parts of them, such
/// as the hour of the day, or whether there is one.
fn is_about_when(condition: &Expr) -> bool {
    let is_when = |part: &Expr| match &part.kind {
        _ if part.ty == ScalarType::DateTime => true,
        ExprKind::Arithmetic(_, left, right) => {
            left.ty == ScalarType::DateTime && right.ty == ScalarType::DateTime
        }
        ExprKind::Call { function, .. } => function.name == "datetime_diff",
        _ => false,
    };
    match &condition.kind {
        ExprKind::Compare(_, left, right) => is_when(left) || is_when(right),
        ExprKind::Between { value, .. } => is_when(value),
        ExprKind::Or(parts) | ExprKind::And(parts) => parts.iter().all(is_about_when),
        ExprKind::Call {
            function,
            arguments,
        } if function.name == "not" => arguments.iter().all(is_about_when),
        _ => false,
    }
}
