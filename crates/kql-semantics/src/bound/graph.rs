//! `make-graph` and what is asked of the graph.

use super::{Column, Expr, Pipeline};
use crate::types::ColumnId;

/// A graph over the rows of a pipeline, which are its edges, and what comes out of it.
#[derive(Debug, Clone)]
pub struct Graph {
    /// The column of the edges' sources.
    pub source: ColumnId,
    /// The column of the edges' targets, of the same type.
    pub target: ColumnId,
    /// Whether edges have a direction.
    pub directed: bool,
    /// The properties of edges: the columns before this step.
    pub edges: Vec<Column>,
    /// The tables of nodes; what is in the edges only is a node of no other properties.
    pub nodes: Vec<GraphNodes>,
    /// The properties of nodes: the tables' columns, a column of ids, component numbers, and what
    /// functions tell of a node.
    pub node_columns: Vec<Column>,
    /// Those of `node_columns` that hold the id of a node that is in the edges only.
    pub keys: Vec<ColumnId>,
    /// Columns of component numbers; whether components are strong ones.
    pub components: Vec<(ColumnId, bool)>,
    /// What functions tell of a node; the last of `node_columns`.
    pub told: Option<Told>,
    /// What comes out.
    pub answer: GraphAnswer,
}

/// A table of nodes.
#[derive(Debug, Clone)]
pub struct GraphNodes {
    /// Its rows.
    pub table: Pipeline,
    /// The column of the table that holds the ids.
    pub key: ColumnId,
    /// For each property of nodes that the table has its column and that of `node_columns`.
    pub columns: Vec<(ColumnId, ColumnId)>,
}

/// What functions of graphs tell of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// `node_degree_in`, `long`.
    pub degree_in: ColumnId,
    /// `node_degree_out`, `long`.
    pub degree_out: ColumnId,
    /// `node_id`, `string`.
    pub id: ColumnId,
}

/// What comes out of a graph.
#[derive(Debug, Clone)]
pub enum GraphAnswer {
    /// A row per node, perhaps with the hash of its id.
    Nodes {
        /// The column of hashes, `long`.
        hash: Option<ColumnId>,
    },
    /// A row per edge, perhaps with the hashes of its ends.
    Edges {
        /// The column of the sources' hashes, `long`.
        source: Option<ColumnId>,
        /// The column of the targets' hashes, `long`.
        target: Option<ColumnId>,
    },
    /// A row per match of patterns.
    Matches(GraphMatch),
}

/// Patterns over the nodes and edges of a graph.
#[derive(Debug, Clone)]
pub struct GraphMatch {
    /// The nodes, each once however often it is named.
    pub nodes: Vec<MatchNode>,
    /// The edges.
    pub edges: Vec<MatchEdge>,
    /// What connects what, in the order of the patterns.
    pub links: Vec<MatchLink>,
    /// Which repetitions a match may have.
    pub cycles: Cycles,
    /// Whether only the shortest paths between two nodes are matches, and of several one or all.
    pub shortest: Option<Shortest>,
}

/// How many of the shortest paths between two nodes come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortest {
    /// One of them.
    Any,
    /// All of them.
    All,
}

/// A node of a pattern.
#[derive(Debug, Clone)]
pub struct MatchNode {
    /// For each property of nodes the column it comes out as.
    pub columns: Vec<ColumnId>,
    /// Conditions over the properties of nodes.
    pub filters: Vec<Expr>,
}

/// An edge of a pattern, or a path of several.
#[derive(Debug, Clone)]
pub struct MatchEdge {
    /// For each property of edges the column it comes out as; none of a path.
    pub columns: Vec<ColumnId>,
    /// Least and most edges of a path.
    pub range: Option<(usize, usize)>,
    /// Conditions over the properties of edges; every edge of a path has to fulfil them.
    pub filters: Vec<Expr>,
    /// What is asked about all parts of a path.
    pub lists: Vec<MatchList>,
}

/// A value from all edges of a path, or all nodes inside of it.
#[derive(Debug, Clone)]
pub struct MatchList {
    /// The column: `dynamic` for `map`, else `bool`.
    pub column: ColumnId,
    /// How the values come together.
    pub kind: ListKind,
    /// Whether it is about the inner nodes and not the edges.
    pub inner: bool,
    /// The value for one edge or node.
    pub value: Expr,
}

/// How the values of a path come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListKind {
    /// `all`
    All,
    /// `any`
    Any,
    /// `map`
    Map,
}

/// `(left)-[edge]->(right)`, by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MatchLink {
    /// The node on the left.
    pub left: usize,
    /// The edge, and the node on the right; none for a node alone.
    pub right: Option<(usize, usize)>,
    /// Whether the edge may point to the right.
    pub to_right: bool,
    /// Whether the edge may point to the left.
    pub to_left: bool,
}

/// Which repetitions a match may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cycles {
    /// Any.
    All,
    /// No node twice.
    None,
    /// No edge twice.
    UniqueEdges,
}
