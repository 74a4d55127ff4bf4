//! Which columns of a bound query anybody looks at.
//!
//! The optimizer under the plans sees one stretch of nodes between two operators of ours at a time;
//! what a table need not read, or a union need not widen to, follows from the whole query.

use std::collections::{HashMap, HashSet};

use kql_semantics::ColumnId;
use kql_semantics::bound::{
    BoundQuery, Expr, ExprKind, Graph, GraphAnswer, Operator, Pipeline, PluginArgument, SetOperand,
    Source, Step,
};

/// The columns that reach the answer or decide about it.
pub(super) fn columns(query: &BoundQuery) -> HashSet<ColumnId> {
    let mut demand = Demand::default();
    demand.columns(&query.root);
    demand.pipeline(&query.root);
    for scalar in &query.scalars {
        demand.found.insert(scalar.column);
        demand.pipeline(&scalar.pipeline);
    }
    for shared in &query.shared {
        demand.pipeline(&shared.pipeline);
    }
    demand.closed()
}

#[derive(Default)]
struct Demand {
    found: HashSet<ColumnId>,
    /// What a column is made of: it is wanted when the column is.
    made_of: HashMap<ColumnId, Vec<ColumnId>>,
}

impl Demand {
    fn closed(self) -> HashSet<ColumnId> {
        let mut open: Vec<ColumnId> = self.found.iter().copied().collect();
        let mut found = self.found;
        while let Some(next) = open.pop() {
            for part in self.made_of.get(&next).into_iter().flatten() {
                if found.insert(*part) {
                    open.push(*part);
                }
            }
        }
        found
    }

    /// Everything a pipeline gives.
    fn columns(&mut self, pipeline: &Pipeline) {
        self.found.extend(pipeline.columns.iter().map(|one| one.id));
    }

    fn pipeline(&mut self, pipeline: &Pipeline) {
        match &pipeline.source {
            Source::Table { .. } | Source::Context { .. } => {}
            Source::Rows { rows, .. } => rows.iter().flatten().for_each(|one| self.reads(one)),
            Source::Range { from, to, step, .. } => {
                for one in [from, to, step] {
                    self.reads(one);
                }
            }
            Source::Union {
                inputs, columns, ..
            } => {
                for input in inputs {
                    self.pipeline(input);
                }
                for one in columns {
                    let parts = self.made_of.entry(one.column.id).or_default();
                    parts.extend(one.inputs.iter().flatten());
                }
            }
            Source::Shared { columns, .. } => {
                for (column, own) in columns {
                    self.made_of.entry(column.id).or_default().push(*own);
                }
            }
            Source::External {
                uris, properties, ..
            } => {
                for one in uris {
                    self.reads(one);
                }
                for (_, one) in properties {
                    self.reads(one);
                }
            }
            Source::Function { arguments, .. } => {
                for one in arguments {
                    self.reads(one);
                }
            }
        }
        let mut before: Vec<ColumnId> = source_columns(&pipeline.source);
        for step in &pipeline.steps {
            self.step(step, &before);
            before = step.columns.iter().map(|one| one.id).collect();
        }
    }

    fn step(&mut self, step: &Step, before: &[ColumnId]) {
        match &step.operator {
            Operator::Filter { predicate } => self.reads(predicate),
            Operator::Compute { assignments } => {
                for one in assignments {
                    let parts = self.read_by(&one.value);
                    self.made_of.entry(one.column).or_default().extend(parts);
                }
            }
            Operator::Aggregate { keys, aggregates } => {
                for key in keys {
                    self.found.insert(key.column);
                    self.reads(&key.value);
                }
                for one in aggregates {
                    self.found.extend(one.outputs.iter().map(|(id, _)| *id));
                    one.arguments.iter().for_each(|part| self.reads(part));
                    one.filter.iter().for_each(|part| self.reads(part));
                }
            }
            Operator::Sort { keys } => keys.iter().for_each(|key| self.reads(&key.value)),
            Operator::Take { count } | Operator::Sample { count } => self.reads(count),
            Operator::Serialize => {}
            Operator::Join(join) => {
                for key in &join.on {
                    self.reads(&key.left);
                    self.reads(&key.right);
                }
                self.pipeline(&join.right);
            }
            Operator::MvExpand(expand) => {
                for item in &expand.items {
                    self.found.insert(item.column);
                    self.reads(&item.value);
                }
                self.found.extend(expand.index);
                if let Some(one) = &expand.limit {
                    self.reads(one);
                }
            }
            // These look at rows as a whole.
            other => {
                self.found.extend(before);
                self.found.extend(step.columns.iter().map(|one| one.id));
                self.whole(other);
            }
        }
    }

    fn whole(&mut self, operator: &Operator) {
        match operator {
            Operator::Partition { body, .. } => self.body(body),
            Operator::MvApply(apply) => {
                self.found.extend(apply.items.iter().map(|one| one.column));
                self.found.extend(apply.index);
                self.body(&apply.body);
            }
            Operator::Plugin { arguments, .. } => {
                for argument in arguments {
                    match argument {
                        PluginArgument::Value(value) => self.reads(value),
                        PluginArgument::Table(table) => self.body(table),
                    }
                }
            }
            Operator::Parse(parse) => self.reads(&parse.input),
            Operator::ParseKv(parse) => {
                self.reads(&parse.input);
                for (_, one) in &parse.options {
                    self.reads(one);
                }
            }
            Operator::MakeSeries(series) => {
                for one in &series.series {
                    one.aggregate
                        .arguments
                        .iter()
                        .for_each(|part| self.reads(part));
                    one.aggregate
                        .filter
                        .iter()
                        .for_each(|part| self.reads(part));
                    one.default.iter().for_each(|part| self.reads(part));
                }
                self.reads(&series.axis);
                self.reads(&series.step);
                for one in series.from.iter().chain(&series.to) {
                    self.reads(one);
                }
                series.by.iter().for_each(|one| self.reads(&one.value));
            }
            Operator::TopNested { levels } => {
                for level in levels {
                    self.reads(&level.value.value);
                    level
                        .aggregate
                        .arguments
                        .iter()
                        .for_each(|one| self.reads(one));
                    level
                        .aggregate
                        .filter
                        .iter()
                        .for_each(|one| self.reads(one));
                    for one in level.count.iter().chain(&level.others) {
                        self.reads(one);
                    }
                }
            }
            Operator::Scan(scan) => {
                scan.declared
                    .iter()
                    .filter_map(|(_, value)| value.as_ref())
                    .for_each(|one| self.reads(one));
                for step in &scan.steps {
                    self.reads(&step.condition);
                    for (_, one) in &step.assignments {
                        self.reads(one);
                    }
                }
            }
            Operator::Window { calls } => {
                calls
                    .iter()
                    .flat_map(|call| &call.arguments)
                    .for_each(|one| self.reads(one));
            }
            Operator::Reduce {
                input,
                threshold,
                characters,
                ..
            } => {
                for one in std::iter::once(input).chain(threshold).chain(characters) {
                    self.reads(one);
                }
            }
            Operator::Enrich { arguments, .. } => {
                for one in arguments {
                    self.reads(one);
                }
            }
            Operator::Graph(graph) => self.graph(graph),
            // They say themselves what they look at.
            Operator::Filter { .. }
            | Operator::Compute { .. }
            | Operator::Aggregate { .. }
            | Operator::Sort { .. }
            | Operator::Take { .. }
            | Operator::Sample { .. }
            | Operator::Serialize
            | Operator::Join(_)
            | Operator::MvExpand(_) => {}
        }
    }

    fn graph(&mut self, graph: &Graph) {
        self.found.extend([graph.source, graph.target]);
        self.found.extend(&graph.keys);
        let columns = graph.edges.iter().chain(&graph.node_columns);
        self.found.extend(columns.map(|one| one.id));
        self.found
            .extend(graph.components.iter().map(|(id, _)| *id));
        for nodes in &graph.nodes {
            self.found.extend(nodes.columns.iter().map(|(id, _)| *id));
            self.body(&nodes.table);
        }
        if let GraphAnswer::Matches(found) = &graph.answer {
            for node in &found.nodes {
                self.found.extend(&node.columns);
                for one in &node.filters {
                    self.reads(one);
                }
            }
            for edge in &found.edges {
                self.found.extend(&edge.columns);
                for one in &edge.filters {
                    self.reads(one);
                }
                edge.lists.iter().for_each(|one| self.reads(&one.value));
            }
        }
    }

    /// A pipeline whose rows are taken by their places: nothing of it is left out.
    fn body(&mut self, pipeline: &Pipeline) {
        self.columns(pipeline);
        self.found.extend(source_columns(&pipeline.source));
        for step in &pipeline.steps {
            self.found.extend(step.columns.iter().map(|one| one.id));
        }
        self.pipeline(pipeline);
    }

    fn reads(&mut self, expr: &Expr) {
        let columns = self.read_by(expr);
        self.found.extend(columns);
    }

    fn read_by(&mut self, expr: &Expr) -> Vec<ColumnId> {
        let mut columns = Vec::new();
        let mut open = vec![expr];
        while let Some(next) = open.pop() {
            match &next.kind {
                ExprKind::Column(id) | ExprKind::StepState { column: id, .. } => columns.push(*id),
                ExprKind::Set {
                    set: SetOperand::Query(pipeline),
                    ..
                } => {
                    self.columns(pipeline);
                    self.pipeline(pipeline);
                }
                _ => {}
            }
            open.extend(next.parts());
        }
        columns
    }
}

fn source_columns(source: &Source) -> Vec<ColumnId> {
    match source {
        Source::Table { columns, .. }
        | Source::Rows { columns, .. }
        | Source::Context { columns }
        | Source::External { columns, .. }
        | Source::Function { columns, .. } => columns.iter().map(|one| one.id).collect(),
        Source::Range { column, .. } => vec![column.id],
        Source::Union {
            columns,
            source_column,
            ..
        } => source_column
            .iter()
            .map(|one| one.id)
            .chain(columns.iter().map(|one| one.column.id))
            .collect(),
        Source::Shared { columns, .. } => columns.iter().map(|(one, _)| one.id).collect(),
    }
}
