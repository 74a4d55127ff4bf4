//! `graph-match`: every way that patterns fit a graph.

use std::collections::{HashMap, VecDeque};

use arrow::array::RecordBatch;
use kql_semantics::bound::{Cycles, GraphMatch, ListKind, MatchLink, Shortest, Step};
use kql_semantics::{ColumnId, ScalarType};

use super::{Ends, Nodes};
use crate::EngineError;
use crate::column::{Builder, Reader};
use crate::datum::Datum;
use crate::functions::array;
use crate::plan::steps::batch_of;
use crate::plan::{Flow, Planner};

/// A search that takes more steps than this would not end while somebody waits.
const MOST: usize = 50_000_000;

/// The most bytes of what was found.
const MOST_BYTES: usize = 1 << 30;

fn too_many() -> EngineError {
    EngineError::runtime(
        "the graph has too many paths to look at; say more in 'where', or shorter paths",
    )
}

/// Where a column of the answer comes from.
#[derive(Debug, Clone, Copy)]
enum Origin {
    /// A property of a node of the pattern.
    Node(usize, usize),
    /// A property of an edge of the pattern.
    Edge(usize, usize),
    /// Values of a path: the edge, how they come together, inner nodes or edges, the column.
    List(usize, ListKind, bool, usize),
}

/// The edges of one edge of a pattern, from left to right, and the nodes between them.
#[derive(Debug, Clone, Default)]
struct Path {
    edges: Vec<usize>,
    inner: Vec<usize>,
}

/// One way that the patterns fit.
#[derive(Debug, Clone)]
struct Found {
    nodes: Vec<usize>,
    edges: Vec<Path>,
}

/// A part of a pattern: how many edges it may take, and which.
#[derive(Debug, Clone)]
struct Candidates {
    range: (usize, usize),
    allowed: Vec<bool>,
}

struct Search<'s> {
    links: &'s [MatchLink],
    cycles: Cycles,
    /// Whether only the shortest paths between two nodes are wanted.
    shortest: bool,
    /// How far each node is from the one where the path begins.
    distances: Vec<usize>,
    /// Of each node of the graph: edges and their other ends.
    out: Vec<Vec<(usize, usize)>>,
    back: Vec<Vec<(usize, usize)>>,
    /// For each node of the pattern whether a node of the graph may be it.
    nodes: Vec<Vec<bool>>,
    edges: Vec<Candidates>,
    used_edges: Vec<bool>,
    used_nodes: Vec<bool>,
    chosen: Vec<Option<usize>>,
    paths: Vec<Path>,
    steps: usize,
    found: Vec<Found>,
    /// Bytes of `found`.
    held: usize,
}

/// A path while it grows.
struct Walk {
    link: usize,
    /// The node of the pattern that it begins with.
    start: usize,
    /// The node of the pattern that it leads to.
    goal: usize,
    edge: usize,
    /// Whether it goes from right to left.
    reversed: bool,
}

impl Search<'_> {
    fn step(&mut self) -> Result<(), EngineError> {
        self.steps += 1;
        if self.steps > MOST {
            return Err(too_many());
        }
        Ok(())
    }

    /// Fits the links from `at` on.
    fn link(&mut self, at: usize) -> Result<(), EngineError> {
        let Some(link) = self.links.get(at).copied() else {
            self.step()?;
            let path = |path: &Path| 48 + 8 * (path.edges.len() + path.inner.len());
            self.held += 64 + 8 * self.chosen.len() + self.paths.iter().map(path).sum::<usize>();
            if self.held > MOST_BYTES {
                return Err(too_many());
            }
            self.found.push(Found {
                nodes: self.chosen.iter().map(|node| node.unwrap_or(0)).collect(),
                edges: self.paths.clone(),
            });
            return Ok(());
        };
        let Some((edge, right)) = link.right else {
            return self.begin(link.left, &mut |search| search.link(at + 1));
        };
        let fewer = |search: &Self, node: usize| match search.chosen[node] {
            Some(_) => 0,
            None => search.nodes[node].iter().filter(|may| **may).count().max(1),
        };
        let reversed = fewer(self, right) < fewer(self, link.left);
        let (start, goal) = if reversed {
            (right, link.left)
        } else {
            (link.left, right)
        };
        let walk = Walk {
            link: at,
            start,
            goal,
            edge,
            reversed,
        };
        self.begin(start, &mut |search| {
            let node = search.chosen[start].unwrap_or(0);
            if search.shortest && search.edges[edge].range.0 <= 1 {
                search.distances = search.distances_from(&walk, node);
            }
            search.walk(&walk, node)
        })
    }

    /// Does `then` for every node that a node of the pattern may be.
    fn begin(
        &mut self,
        node: usize,
        then: &mut dyn FnMut(&mut Self) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        if self.chosen[node].is_some() {
            return then(self);
        }
        for candidate in 0..self.nodes[node].len() {
            if !self.nodes[node][candidate]
                || (self.cycles == Cycles::None && self.used_nodes[candidate])
            {
                continue;
            }
            self.step()?;
            self.chosen[node] = Some(candidate);
            let before = std::mem::replace(&mut self.used_nodes[candidate], true);
            then(self)?;
            self.used_nodes[candidate] = before;
            self.chosen[node] = None;
        }
        Ok(())
    }

    /// Goes on from `node`; whatever has the right length and end is fit further.
    fn walk(&mut self, walk: &Walk, node: usize) -> Result<(), EngineError> {
        self.step()?;
        let (least, most) = self.edges[walk.edge].range;
        let length = self.paths[walk.edge].edges.len();
        if length >= least {
            self.arrive(walk, node)?;
        }
        if length >= most {
            return Ok(());
        }
        let start = self.chosen[walk.start];
        for is_back in self.directions(walk) {
            let count = self.ways(is_back, node).len();
            for at in 0..count {
                let (edge, other) = self.ways(is_back, node)[at];
                // A pattern may end where it began, in the node that the pattern names again; a path
                // by itself may not.
                let closes = self.cycles == Cycles::None && self.used_nodes[other];
                let end = self.chosen[walk.goal] == Some(other) && start != Some(other);
                let far = self.distances.get(other).is_some_and(|far| *far <= length);
                if far
                    || (closes && !end)
                    || !self.edges[walk.edge].allowed[edge]
                    || (self.cycles != Cycles::All && self.used_edges[edge])
                {
                    continue;
                }
                let before = (self.used_edges[edge], self.used_nodes[other]);
                self.used_edges[edge] = true;
                self.used_nodes[other] = true;
                let path = &mut self.paths[walk.edge];
                if length > 0 {
                    path.inner.push(node);
                }
                path.edges.push(edge);
                if !closes {
                    self.walk(walk, other)?;
                } else if length + 1 >= least {
                    self.arrive(walk, other)?;
                }
                let path = &mut self.paths[walk.edge];
                path.edges.pop();
                if length > 0 {
                    path.inner.pop();
                }
                (self.used_edges[edge], self.used_nodes[other]) = before;
            }
        }
        Ok(())
    }

    /// Along the edges, against them, or both: a loop of a node lies in both directions.
    fn directions(&self, walk: &Walk) -> impl Iterator<Item = bool> + use<> {
        let link = self.links[walk.link];
        let (to_right, to_left) = if walk.reversed {
            (link.to_left, link.to_right)
        } else {
            (link.to_right, link.to_left)
        };
        (to_right.then_some(false).into_iter()).chain(to_left.then_some(true))
    }

    /// The edges of a node and their other ends.
    fn ways(&self, is_back: bool, node: usize) -> &[(usize, usize)] {
        if is_back {
            &self.back[node]
        } else {
            &self.out[node]
        }
    }

    /// How many edges of the pattern's edge every node is away from `node`.
    fn distances_from(&self, walk: &Walk, node: usize) -> Vec<usize> {
        let mut distances = vec![usize::MAX; self.used_nodes.len()];
        distances[node] = 0;
        let mut open = VecDeque::from([node]);
        while let Some(node) = open.pop_front() {
            for is_back in self.directions(walk) {
                for (edge, other) in self.ways(is_back, node) {
                    let allowed = self.edges[walk.edge].allowed[*edge];
                    if allowed && distances[*other] == usize::MAX {
                        distances[*other] = distances[node] + 1;
                        open.push_back(*other);
                    }
                }
            }
        }
        distances
    }

    fn arrive(&mut self, walk: &Walk, node: usize) -> Result<(), EngineError> {
        match self.chosen[walk.goal] {
            Some(known) if known != node => return Ok(()),
            None if !self.nodes[walk.goal][node] => return Ok(()),
            _ => {}
        }
        let before = self.chosen[walk.goal].replace(node);
        let grown = self.paths[walk.edge].clone();
        if walk.reversed {
            self.paths[walk.edge].edges.reverse();
            self.paths[walk.edge].inner.reverse();
        }
        self.link(walk.link + 1)?;
        self.paths[walk.edge] = grown;
        self.chosen[walk.goal] = before;
        Ok(())
    }
}

/// Rows at which every one of some columns is true.
fn allowed(batch: &RecordBatch, columns: &[usize]) -> Vec<bool> {
    let readers: Vec<Reader<'_>> = columns
        .iter()
        .map(|at| Reader::new(batch.column(*at), ScalarType::Bool))
        .collect();
    (0..batch.num_rows())
        .map(|row| {
            readers
                .iter()
                .all(|one| one.get(row).as_bool() == Some(true))
        })
        .collect()
}

/// What is read of the graph, by number of column.
#[derive(Clone)]
struct Layout {
    ends: Ends,
    id: usize,
    node_filters: Vec<Vec<usize>>,
    edge_filters: Vec<Vec<usize>>,
    ranges: Vec<(usize, usize)>,
    links: Vec<MatchLink>,
    cycles: Cycles,
    shortest: Option<Shortest>,
    origins: Vec<(Origin, ScalarType, ScalarType)>,
}

fn search(
    edges: &RecordBatch,
    nodes: &RecordBatch,
    layout: &Layout,
) -> Result<Vec<Found>, EngineError> {
    let mut numbers = Nodes::default();
    let ids = Reader::new(nodes.column(layout.id), layout.ends.ty);
    for row in 0..nodes.num_rows() {
        numbers.number(&ids.get(row));
    }
    let count = nodes.num_rows();
    let (mut out, mut back) = (vec![Vec::new(); count], vec![Vec::new(); count]);
    let sources = Reader::new(edges.column(layout.ends.source), layout.ends.ty);
    let targets = Reader::new(edges.column(layout.ends.target), layout.ends.ty);
    for edge in 0..edges.num_rows() {
        let ends = (
            numbers.find(&sources.get(edge)),
            numbers.find(&targets.get(edge)),
        );
        if let (Some(source), Some(target)) = ends {
            out[source].push((edge, target));
            back[target].push((edge, source));
        }
    }
    let mut search = Search {
        links: &layout.links,
        cycles: layout.cycles,
        shortest: layout.shortest.is_some(),
        distances: Vec::new(),
        out,
        back,
        nodes: layout
            .node_filters
            .iter()
            .map(|list| allowed(nodes, list))
            .collect(),
        edges: layout
            .edge_filters
            .iter()
            .zip(&layout.ranges)
            .map(|(list, range)| Candidates {
                range: *range,
                allowed: allowed(edges, list),
            })
            .collect(),
        used_edges: vec![false; edges.num_rows()],
        used_nodes: vec![false; count],
        chosen: vec![None; layout.node_filters.len()],
        paths: vec![Path::default(); layout.ranges.len()],
        steps: 0,
        found: Vec::new(),
        held: 0,
    };
    search.link(0)?;
    Ok(match layout.shortest {
        Some(wanted) => shortest(search.found, wanted),
        None => search.found,
    })
}

/// The shortest of what was found between the same nodes.
fn shortest(mut found: Vec<Found>, wanted: Shortest) -> Vec<Found> {
    let length = |one: &Found| one.edges.iter().map(|path| path.edges.len()).sum::<usize>();
    let mut least: HashMap<Vec<usize>, usize> = HashMap::new();
    for one in &found {
        let known = least.entry(one.nodes.clone()).or_insert(usize::MAX);
        *known = length(one).min(*known);
    }
    found.retain(|one| match least.get_mut(&one.nodes) {
        Some(least) if *least == length(one) => {
            // No path is as short as this once one was taken.
            if wanted == Shortest::Any {
                *least = usize::MAX;
            }
            true
        }
        _ => false,
    });
    found
}

/// The value of one column for one match.
fn value<'v>(found: &Found, origin: Origin, reader: &Reader<'v>) -> Datum<'v> {
    match origin {
        Origin::Node(node, _) => reader.get(found.nodes[node]),
        Origin::Edge(edge, _) => match found.edges[edge].edges.first() {
            Some(row) => reader.get(*row),
            None => Datum::Null,
        },
        Origin::List(edge, kind, inner, _) => {
            let path = &found.edges[edge];
            let rows = if inner { &path.inner } else { &path.edges };
            let mut values = rows.iter().map(|row| reader.get(*row));
            match kind {
                ListKind::Map => array(&values.collect::<Vec<_>>()),
                ListKind::All => Datum::Bool(values.all(|one| one.as_bool() == Some(true))),
                ListKind::Any => Datum::Bool(values.any(|one| one.as_bool() == Some(true))),
            }
        }
    }
}

impl Planner<'_> {
    pub(super) fn matches(
        &self,
        edges: &Flow,
        nodes: &Flow,
        ends: Ends,
        wanted: &GraphMatch,
        columns: &[(ColumnId, ScalarType)],
        step: &Step,
    ) -> Result<Flow, EngineError> {
        // Conditions and values of lists become columns of the nodes and edges they are about.
        let (mut node_values, mut edge_values) = (Vec::new(), Vec::new());
        let (node_width, edge_width) = (nodes.columns.len(), edges.columns.len());
        let mut origins: Vec<(ColumnId, Origin, ScalarType)> = Vec::new();
        let mut node_filters = Vec::new();
        for (at, node) in wanted.nodes.iter().enumerate() {
            let mut list = Vec::new();
            for filter in &node.filters {
                list.push(node_width + node_values.len());
                node_values.push(filter);
            }
            node_filters.push(list);
            for (place, id) in node.columns.iter().enumerate() {
                origins.push((*id, Origin::Node(at, place), nodes.columns[place].1));
            }
        }
        let mut edge_filters = Vec::new();
        for (at, edge) in wanted.edges.iter().enumerate() {
            let mut list = Vec::new();
            for filter in &edge.filters {
                list.push(edge_width + edge_values.len());
                edge_values.push(filter);
            }
            edge_filters.push(list);
            for (place, id) in edge.columns.iter().enumerate() {
                origins.push((*id, Origin::Edge(at, place), edges.columns[place].1));
            }
            for one in &edge.lists {
                let (values, width) = if one.inner {
                    (&mut node_values, node_width)
                } else {
                    (&mut edge_values, edge_width)
                };
                let origin = Origin::List(at, one.kind, one.inner, width + values.len());
                origins.push((one.column, origin, one.value.ty));
                values.push(&one.value);
            }
        }
        let (edge_plan, _) = self.appended(edges, &edge_values)?;
        let (node_plan, _) = self.appended(nodes, &node_values)?;
        let mut layout = Layout {
            ends,
            id: node_width - 1,
            node_filters,
            edge_filters,
            ranges: wanted
                .edges
                .iter()
                .map(|edge| edge.range.unwrap_or((1, 1)))
                .collect(),
            links: wanted.links.clone(),
            cycles: wanted.cycles,
            shortest: wanted.shortest,
            origins: Vec::new(),
        };
        for (id, ty) in columns {
            let Some((_, origin, own)) = origins.iter().find(|one| one.0 == *id) else {
                return Err(EngineError::unsupported(
                    "a column of no part of the pattern",
                    step.span.range(),
                ));
            };
            layout.origins.push((*origin, *own, *ty));
        }
        self.whole(
            "graph-match",
            vec![edge_plan, node_plan],
            columns,
            move |batches, schema| {
                let found = search(&batches[0], &batches[1], &layout)?;
                let mut arrays = Vec::with_capacity(layout.origins.len());
                for (origin, own, ty) in &layout.origins {
                    let (batch, at) = match origin {
                        Origin::Node(_, at) | Origin::List(_, _, true, at) => (&batches[1], *at),
                        Origin::Edge(_, at) | Origin::List(_, _, false, at) => (&batches[0], *at),
                    };
                    let reader = Reader::new(batch.column(at), *own);
                    let mut builder = Builder::new(*ty, found.len());
                    for one in &found {
                        builder.push(&value(one, *origin, &reader));
                    }
                    arrays.push(builder.finish());
                }
                Ok(super::super::slices(&batch_of(
                    schema,
                    arrays,
                    found.len(),
                )?))
            },
        )
    }
}
