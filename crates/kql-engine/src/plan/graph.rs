//! `make-graph`: nodes of edges, their components, and tables of both.

mod search;

use std::collections::HashMap;

use arrow::array::RecordBatch;
use kql_semantics::bound::{self, Graph, GraphAnswer, Step};
use kql_semantics::{ColumnId, ScalarType};

use super::steps::batch_of;
use super::{Context, Flow, Planner, encode};
use crate::EngineError;
use crate::column::{Builder, Reader};
use crate::convert;
use crate::datum::Datum;
use crate::functions::hashing;

/// The column of ids that every node has inside of the engine; no bound column is called so.
const ID: ColumnId = ColumnId(u32::MAX);

/// Where the ids of the edges are, and of which type.
#[derive(Debug, Clone, Copy)]
struct Ends {
    source: usize,
    target: usize,
    ty: ScalarType,
}

/// Where a table of nodes has the ids, and where each property.
#[derive(Debug, Clone)]
struct Table {
    key: usize,
    columns: Vec<Option<usize>>,
}

/// Numbers of nodes by their ids.
#[derive(Debug, Default)]
struct Nodes {
    places: HashMap<Vec<u8>, usize>,
}

impl Nodes {
    /// The number of an id, and whether it is new.
    fn number(&mut self, id: &Datum<'_>) -> (usize, bool) {
        let mut key = Vec::new();
        encode(id, &mut key);
        let next = self.places.len();
        let place = *self.places.entry(key).or_insert(next);
        (place, place == next)
    }

    fn find(&self, id: &Datum<'_>) -> Option<usize> {
        let mut key = Vec::new();
        encode(id, &mut key);
        self.places.get(&key).copied()
    }
}

impl Planner<'_> {
    pub(super) fn graph(
        &self,
        flow: Flow,
        graph: &Graph,
        step: &Step,
        columns: &[(ColumnId, ScalarType)],
        context: Option<&Context>,
    ) -> Result<Flow, EngineError> {
        if !flow.carried.is_empty() {
            return Err(EngineError::unsupported(
                "make-graph inside a body",
                step.span.range(),
            ));
        }
        let types: Vec<_> = graph.edges.iter().map(|one| (one.id, one.ty)).collect();
        let edges = self.keep(flow, &types)?;
        let place = |id: ColumnId| types.iter().position(|one| one.0 == id).unwrap_or(0);
        let ends = Ends {
            source: place(graph.source),
            target: place(graph.target),
            ty: types[place(graph.source)].1,
        };
        // Edges are read twice: once for the nodes.
        let edges = match &graph.answer {
            GraphAnswer::Matches(_) => {
                let batch = self.at_hand(&edges)?;
                let plan = self.rows(&batch.schema(), super::slices(&batch))?;
                Flow { plan, ..edges }
            }
            _ => edges,
        };
        let nodes = self.nodes_of(&edges, graph, ends, context)?;
        let found = match &graph.answer {
            GraphAnswer::Nodes { hash } => {
                let mut present: Vec<_> = hash.iter().map(|id| (*id, ScalarType::Long)).collect();
                let hashed = !present.is_empty();
                present.extend(graph.node_columns.iter().map(|one| (one.id, one.ty)));
                let width = graph.node_columns.len();
                self.whole(
                    "nodes",
                    vec![nodes.plan],
                    &present,
                    move |batches, schema| {
                        let batch = &batches[0];
                        let mut arrays = Vec::new();
                        if hashed {
                            arrays.push(hashes(batch, width, ends.ty));
                        }
                        arrays.extend_from_slice(&batch.columns()[..width]);
                        Ok(super::slices(&batch_of(schema, arrays, batch.num_rows())?))
                    },
                )?
            }
            GraphAnswer::Edges { source, target } => {
                let hashed: Vec<(ColumnId, usize)> = source
                    .iter()
                    .map(|id| (*id, ends.source))
                    .chain(target.iter().map(|id| (*id, ends.target)))
                    .collect();
                let mut present: Vec<_> = hashed
                    .iter()
                    .map(|(id, _)| (*id, ScalarType::Long))
                    .collect();
                present.extend(&types);
                self.whole(
                    "edges",
                    vec![edges.plan],
                    &present,
                    move |batches, schema| {
                        let batch = &batches[0];
                        let mut arrays: Vec<_> = hashed
                            .iter()
                            .map(|(_, at)| hashes(batch, *at, ends.ty))
                            .collect();
                        arrays.extend_from_slice(batch.columns());
                        Ok(super::slices(&batch_of(schema, arrays, batch.num_rows())?))
                    },
                )?
            }
            GraphAnswer::Matches(wanted) => {
                self.matches(&edges, &nodes, ends, wanted, columns, step)?
            }
        };
        let found = self.without_null_text(found)?;
        self.keep(found, columns)
    }

    /// Every node once: those of the tables, then those that only edges name; last their ids.
    fn nodes_of(
        &self,
        edges: &Flow,
        graph: &Graph,
        ends: Ends,
        context: Option<&Context>,
    ) -> Result<Flow, EngineError> {
        let mut plans = vec![edges.plan.clone()];
        let mut present: Vec<_> = graph
            .node_columns
            .iter()
            .map(|one| (one.id, one.ty))
            .collect();
        let mut tables = Vec::with_capacity(graph.nodes.len());
        for nodes in &graph.nodes {
            let wanted: Vec<_> = (nodes.table.columns.iter())
                .map(|one| (one.id, one.ty))
                .collect();
            let table = self.pipeline(&nodes.table, context)?;
            plans.push(self.keep(table, &wanted)?.plan);
            let place = |id: ColumnId| wanted.iter().position(|one| one.0 == id);
            let column = |(id, _): &(ColumnId, ScalarType)| {
                let pair = nodes.columns.iter().find(|pair| pair.1 == *id)?;
                place(pair.0)
            };
            tables.push(Table {
                key: place(nodes.key).unwrap_or(0),
                columns: present.iter().map(column).collect(),
            });
        }
        let keys: Vec<bool> = (present.iter())
            .map(|one| graph.keys.contains(&one.0))
            .collect();
        let types: Vec<ScalarType> = present.iter().map(|one| one.1).collect();
        present.push((ID, ends.ty));
        let components: Vec<bool> = graph.components.iter().map(|one| one.1).collect();
        let (directed, told) = (graph.directed, graph.told.is_some());
        self.whole("graph", plans, &present, move |batches, schema| {
            let mut nodes = Nodes::default();
            let mut ids: Vec<Datum<'static>> = Vec::new();
            // The table and the row of it that a node is; of several the first.
            let mut rows: Vec<Option<(usize, usize)>> = Vec::new();
            for (at, table) in tables.iter().enumerate() {
                let reader = Reader::new(batches[at + 1].column(table.key), ends.ty);
                for row in 0..batches[at + 1].num_rows() {
                    let id = reader.get(row);
                    if nodes.number(&id).1 {
                        ids.push(id.into_owned());
                        rows.push(Some((at, row)));
                    }
                }
            }
            let mut links = Vec::new();
            let sources = Reader::new(batches[0].column(ends.source), ends.ty);
            let targets = Reader::new(batches[0].column(ends.target), ends.ty);
            for row in 0..batches[0].num_rows() {
                let mut number = |id: Datum<'_>| {
                    let (number, is_new) = nodes.number(&id);
                    if is_new {
                        ids.push(id.into_owned());
                        rows.push(None);
                    }
                    number
                };
                links.push((number(sources.get(row)), number(targets.get(row))));
            }
            let mut numbers: Vec<Vec<i64>> = components
                .iter()
                .map(|strong| {
                    if *strong && directed {
                        strong_components(ids.len(), &links)
                    } else {
                        weak_components(ids.len(), &links)
                    }
                })
                .collect();
            if told {
                numbers.push(degrees(ids.len(), links.iter().map(|link| link.1)));
                numbers.push(degrees(ids.len(), links.iter().map(|link| link.0)));
            }
            // Behind the properties come the numbers, and behind those the id as a text.
            let properties = types.len() - numbers.len() - usize::from(told);
            let mut arrays = Vec::with_capacity(types.len() + 1);
            for (at, ty) in types.iter().enumerate() {
                let mut builder = Builder::new(*ty, ids.len());
                let numbered = at.checked_sub(properties);
                let readers: Vec<Option<Reader<'_>>> = (tables.iter().zip(&batches[1..]))
                    .map(|(table, batch)| Some(Reader::new(batch.column(table.columns[at]?), *ty)))
                    .collect();
                for (node, id) in ids.iter().enumerate() {
                    let value = match (numbered, rows[node]) {
                        (Some(list), _) => match numbers.get(list) {
                            Some(numbers) => Datum::Long(numbers[node]),
                            None => convert::to_type(id, ScalarType::String),
                        },
                        (None, Some((table, row))) => {
                            let reader = readers[table].as_ref();
                            reader.map_or(Datum::Null, |reader| reader.get(row))
                        }
                        (None, None) if keys[at] => id.borrowed(),
                        (None, None) => Datum::Null,
                    };
                    builder.push(&value);
                }
                arrays.push(builder.finish());
            }
            let mut builder = Builder::new(ends.ty, ids.len());
            for id in &ids {
                builder.push(id);
            }
            arrays.push(builder.finish());
            Ok(super::slices(&batch_of(schema, arrays, ids.len())?))
        })
    }

    /// The expressions of a step as further columns, and where they are.
    fn appended(
        &self,
        flow: &Flow,
        values: &[&bound::Expr],
    ) -> Result<(datafusion::logical_expr::LogicalPlan, usize), EngineError> {
        let (plan, _) = self.with_values(flow, values)?;
        Ok((plan, flow.columns.len()))
    }
}

fn hashes(batch: &RecordBatch, at: usize, ty: ScalarType) -> arrow::array::ArrayRef {
    let reader = Reader::new(batch.column(at), ty);
    let mut builder = Builder::new(ScalarType::Long, batch.num_rows());
    for row in 0..batch.num_rows() {
        builder.push(&Datum::Long(hashing::hash(&reader.get(row))));
    }
    builder.finish()
}

/// How often each node is among some.
fn degrees(count: usize, ends: impl Iterator<Item = usize>) -> Vec<i64> {
    let mut degrees = vec![0; count];
    for node in ends {
        degrees[node] += 1;
    }
    degrees
}

/// Component numbers in the order of the first node of each.
fn numbered(groups: impl Iterator<Item = usize>) -> Vec<i64> {
    let mut numbers = HashMap::new();
    groups
        .map(|group| {
            let next = i64::try_from(numbers.len()).unwrap_or(i64::MAX);
            *numbers.entry(group).or_insert(next)
        })
        .collect()
}

/// The smallest node known to be connected with `node`.
fn root(parents: &mut [usize], mut node: usize) -> usize {
    while parents[node] != node {
        parents[node] = parents[parents[node]];
        node = parents[node];
    }
    node
}

fn weak_components(count: usize, links: &[(usize, usize)]) -> Vec<i64> {
    let mut parents: Vec<usize> = (0..count).collect();
    for (one, two) in links {
        let (one, two) = (root(&mut parents, *one), root(&mut parents, *two));
        parents[one.max(two)] = one.min(two);
    }
    let roots: Vec<usize> = (0..count).map(|node| root(&mut parents, node)).collect();
    numbered(roots.into_iter())
}

/// Kosaraju's two passes, without recursion.
fn strong_components(count: usize, links: &[(usize, usize)]) -> Vec<i64> {
    let (mut out, mut back) = (vec![Vec::new(); count], vec![Vec::new(); count]);
    for (source, target) in links {
        out[*source].push(*target);
        back[*target].push(*source);
    }
    let mut finished = Vec::with_capacity(count);
    let mut seen = vec![false; count];
    for start in 0..count {
        if std::mem::replace(&mut seen[start], true) {
            continue;
        }
        let mut open = vec![(start, 0)];
        while let Some((node, next)) = open.last_mut() {
            if let Some(target) = out[*node].get(*next).copied() {
                *next += 1;
                if !std::mem::replace(&mut seen[target], true) {
                    open.push((target, 0));
                }
            } else {
                finished.push(*node);
                open.pop();
            }
        }
    }
    let mut groups = vec![usize::MAX; count];
    for start in finished.into_iter().rev() {
        if groups[start] != usize::MAX {
            continue;
        }
        let mut open = vec![start];
        groups[start] = start;
        while let Some(node) = open.pop() {
            for source in &back[node] {
                if groups[*source] == usize::MAX {
                    groups[*source] = start;
                    open.push(*source);
                }
            }
        }
    }
    numbered(groups.into_iter())
}

#[cfg(test)]
mod tests {
    use super::{strong_components, weak_components};

    #[test]
    fn components_are_numbered_as_their_nodes_come() {
        let links = [(0, 1), (1, 2), (2, 0), (2, 3), (4, 5)];
        assert_eq!(weak_components(7, &links), [0, 0, 0, 0, 1, 1, 2]);
        assert_eq!(strong_components(7, &links), [0, 0, 0, 1, 2, 3, 4]);
    }
}
