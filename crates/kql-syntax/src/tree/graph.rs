//! The graph operators.

use super::{Expression, Name, NamedExpression, Operator, Setting};
use crate::span::Span;

/// `make-graph source --> target with Nodes on id`.
#[derive(Clone, Debug, PartialEq)]
pub struct MakeGraph {
    /// The column of the edges' sources.
    pub source: Expression,
    /// Whether edges have a direction: `-->` and not `--`.
    pub directed: bool,
    /// The column of the edges' targets.
    pub target: Expression,
    /// The tables of nodes; one or two.
    pub nodes: Vec<NodeTable>,
    /// The column named in `with_node_id=name`.
    pub with_node_id: Option<Name>,
    /// The partitions.
    pub partitioned_by: Option<PartitionedBy>,
}

/// `T on id` of a [`MakeGraph`].
#[derive(Clone, Debug, PartialEq)]
pub struct NodeTable {
    /// The table.
    pub table: Expression,
    /// Its key.
    pub on: Expression,
}

/// `partitioned-by column (…)` of a [`MakeGraph`].
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionedBy {
    /// The column.
    pub column: Expression,
    /// What each graph is piped through.
    pub operators: Vec<Operator>,
}

/// `graph-match pattern, … where … project …`.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphMatch {
    /// The patterns; more than one share their names.
    pub patterns: Vec<GraphPattern>,
    /// What a match must satisfy.
    pub predicate: Option<Expression>,
    /// What comes out.
    pub project: Option<Vec<NamedExpression>>,
}

/// `graph-shortest-paths pattern where … project …`.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphShortestPaths {
    /// The pattern.
    pub patterns: Vec<GraphPattern>,
    /// What a path must satisfy.
    pub predicate: Option<Expression>,
    /// What comes out.
    pub project: Option<Vec<NamedExpression>>,
}

/// `(a)-[b]->(c)`: nodes and edges from left to right.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphPattern {
    /// Nodes and edges in turn, beginning and ending with a node.
    pub parts: Vec<GraphPart>,
    /// Where it stands.
    pub span: Span,
}

/// A node or an edge of a [`GraphPattern`].
#[derive(Clone, Debug, PartialEq)]
pub enum GraphPart {
    /// `(a)`
    Node(GraphNode),
    /// `-[b]->`, `-->`
    Edge(GraphEdge),
}

/// `(a)`, `()`.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphNode {
    /// Its name, if any.
    pub name: Option<Name>,
    /// Where it stands.
    pub span: Span,
}

/// `-[b*1..5]->`.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphEdge {
    /// Its name, if any.
    pub name: Option<Name>,
    /// Where it points; both are false for `--`.
    pub to_left: bool,
    /// Whether it points to the right.
    pub to_right: bool,
    /// The number of edges in `*low..high`, if it may be several.
    pub range: Option<Box<(Expression, Expression)>>,
    /// Where it stands.
    pub span: Span,
}

/// What `graph-to-table` gives.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphTable {
    /// Nodes or edges.
    pub kind: GraphTableKind,
    /// The name after `as`.
    pub name: Option<Name>,
    /// Options such as `with_node_id=id`.
    pub options: Vec<Setting>,
    /// Where it stands.
    pub span: Span,
}

/// Nodes or edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GraphTableKind {
    /// `nodes`
    Nodes,
    /// `edges`
    Edges,
}
