//! What names mean in a graph pattern.

use kql_syntax::tree::{self, ExpressionKind};

use super::super::super::expressions::column_value;
use super::super::super::scope::Scope;
use super::super::super::{Binder, Column, Context, Outcome, Refused};
use crate::bound::{Expr, ExprKind, ListKind, MatchList};
use crate::diagnostic::{Diagnostic, DiagnosticKind, nearest};
use crate::types::ScalarType::{Bool, Dynamic};

/// How many columns behind the properties of nodes are what functions tell.
const TOLD: usize = 3;

/// What a name of a pattern stands for.
#[derive(Debug, Clone)]
pub(super) enum Named {
    Node(usize),
    Edge(usize),
    Path(usize),
}

/// The names of a pattern while expressions over it are bound.
#[derive(Debug, Clone)]
pub(crate) struct GraphScope {
    pub(super) names: Vec<(String, Named)>,
    /// The columns of each node and each edge of the pattern, under the properties' names.
    pub(super) nodes: Vec<Vec<Column>>,
    pub(super) edges: Vec<Vec<Column>>,
    pub(super) node_columns: Vec<Column>,
    pub(super) edge_columns: Vec<Column>,
    /// By edge.
    pub(super) lists: Vec<(usize, MatchList)>,
    /// What functions tell of the inner nodes of a path, while an expression over those is bound.
    pub(super) inner: Option<Vec<Column>>,
    /// Whether a condition of the match is bound.
    pub(super) condition: bool,
}

impl GraphScope {
    /// The properties of the node or edge that bears a name.
    fn properties(&self, named: &Named) -> &[Column] {
        match named {
            Named::Node(at) => own(&self.nodes[*at]),
            Named::Edge(at) => &self.edges[*at],
            Named::Path(_) => &self.edge_columns,
        }
    }

    /// Whether an expression is a node without properties, or a property, that a function is asked
    /// about: neither lends a name.
    pub(in crate::bind) fn is_nameless(&self, expression: &tree::Expression) -> bool {
        match &expression.kind {
            ExpressionKind::Name(name) => self
                .find(&name.text)
                .is_some_and(|named| self.properties(named).is_empty()),
            _ => false,
        }
    }

    /// Whether an expression is a property of a node or an edge.
    pub(in crate::bind) fn is_property(&self, expression: &tree::Expression) -> bool {
        match &expression.kind {
            ExpressionKind::Path(path) => match &path.base.kind {
                ExpressionKind::Name(name) => self.find(&name.text).is_some(),
                _ => false,
            },
            _ => false,
        }
    }

    pub(super) fn find(&self, name: &str) -> Option<&Named> {
        self.names
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, named)| named)
    }
}

impl<'a> Binder<'a> {
    /// A node, an edge or a path of a pattern as a whole.
    pub(in crate::bind) fn graph_element(&mut self, name: &tree::Name) -> Option<Outcome<Expr>> {
        let graph = self.graph.as_ref()?;
        let named = graph.find(&name.text)?.clone();
        let columns = graph.properties(&named).to_vec();
        let value = match self.bag_of(&columns, name.span) {
            Ok(value) => value,
            Err(refused) => return Some(Err(refused)),
        };
        Some(Ok(match named {
            Named::Path(edge) => self.list(edge, ListKind::Map, false, value),
            Named::Node(_) | Named::Edge(_) => value,
        }))
    }

    /// `node_id(node)` and the degrees of a node; without an argument of the inner nodes of a path.
    fn told_of_node(&mut self, call: &'a tree::Call) -> Option<Outcome<Expr>> {
        let graph = self.graph.as_ref()?;
        let place = match call.function.text.as_str() {
            "node_degree_in" => 0,
            "node_degree_out" => 1,
            "node_id" => 2,
            _ => return None,
        };
        let columns = match (call.arguments.as_slice(), &graph.inner) {
            ([], Some(inner)) => inner,
            ([only], _) => match &only.value.kind {
                ExpressionKind::Name(name) => match graph.find(&name.text)? {
                    Named::Node(at) => &graph.nodes[*at],
                    _ => return None,
                },
                _ => return None,
            },
            _ => return None,
        };
        let column = &columns[columns.len() - TOLD + place];
        Some(Ok(column_value(column, call.span)))
    }

    /// `name.property` of a pattern.
    pub(in crate::bind) fn graph_property(
        &mut self,
        base: &tree::Name,
        member: &tree::Name,
    ) -> Option<Outcome<Expr>> {
        let graph = self.graph.as_ref()?;
        let named = graph.find(&base.text)?.clone();
        let columns = graph.properties(&named);
        let span = base.span.to(member.span);
        let Some(column) = property(columns, &member.text).cloned() else {
            let suggestion = nearest(&member.text, columns.iter().map(|column| &*column.name));
            let message = format!("'{}' has no property '{}'", base.text, member.text);
            self.errors.push(
                Diagnostic::new(DiagnosticKind::Name, member.span, message)
                    .with_suggestion(suggestion),
            );
            return Some(Err(Refused));
        };
        if matches!(named, Named::Path(_)) && graph.condition {
            return Some(self.unsupported(
                span,
                "a property of an edge of variable length in a condition without all() or any()",
            ));
        }
        let value = column_value(&column, span);
        Some(Ok(match named {
            Named::Path(edge) => self.list(edge, ListKind::Map, false, value),
            _ => value,
        }))
    }

    fn list(&mut self, edge: usize, kind: ListKind, inner: bool, value: Expr) -> Expr {
        let column = self.fresh();
        let span = value.span;
        if let Some(graph) = &mut self.graph {
            graph.lists.push((
                edge,
                MatchList {
                    column,
                    kind,
                    inner,
                    value,
                },
            ));
        }
        let ty = if kind == ListKind::Map { Dynamic } else { Bool };
        Expr {
            kind: ExprKind::Column(column),
            ty,
            span,
        }
    }

    /// `all(path, …)`, `any(path, …)`, `map(path, …)`, also of `inner_nodes(path)`.
    pub(in crate::bind) fn graph_call(
        &mut self,
        call: &'a tree::Call,
        scope: Scope,
    ) -> Option<Outcome<Expr>> {
        if let Some(value) = self.told_of_node(call) {
            return Some(value);
        }
        let graph = self.graph.as_ref()?;
        let kind = match call.function.text.as_str() {
            "all" => ListKind::All,
            "any" => ListKind::Any,
            "map" => ListKind::Map,
            _ => return None,
        };
        let [path, value] = call.arguments.as_slice() else {
            return None;
        };
        let (name, inner) = match &path.value.kind {
            ExpressionKind::Name(name) => (name, false),
            ExpressionKind::Call(inner) if inner.function.text == "inner_nodes" => {
                match inner.arguments.as_slice() {
                    [only] => match &only.value.kind {
                        ExpressionKind::Name(name) => (name, true),
                        _ => return None,
                    },
                    _ => return None,
                }
            }
            _ => return None,
        };
        let Some(Named::Path(edge)) = graph.find(&name.text).cloned() else {
            return Some(self.refuse(
                DiagnosticKind::Meaning,
                name.span,
                format!("'{}' is no edge of variable length", name.text),
            ));
        };
        let (columns, told) = if inner {
            (own(&graph.node_columns), Some(graph.node_columns.clone()))
        } else {
            (graph.edge_columns.as_slice(), None)
        };
        let columns = columns.to_vec();
        // Inside, names are properties of the edges or nodes.
        let inside = GraphScope {
            names: Vec::new(),
            nodes: Vec::new(),
            edges: Vec::new(),
            node_columns: Vec::new(),
            edge_columns: Vec::new(),
            lists: Vec::new(),
            inner: told,
            condition: false,
        };
        let outside = self.graph.replace(inside);
        let mut context = Context::over(scope, &columns);
        let value = if kind == ListKind::Map {
            self.expression(&value.value, &mut context)
        } else {
            self.predicate(&value.value, &mut context)
        };
        self.graph = outside;
        Some(value.map(|value| self.list(edge, kind, inner, value)))
    }
}

/// What a call about the graph calls its column: `path_property`, `inner_nodes_path_property`,
/// `node_degree_in_node`; what is no property and no such function is `Column`.
pub(in crate::bind) fn call_name(call: &tree::Call, graph: &GraphScope) -> Option<String> {
    let name = call.function.text.as_str();
    let first = &call.arguments.first()?.value;
    let element = |expression: &tree::Expression| match &expression.kind {
        ExpressionKind::Name(name) if graph.find(&name.text).is_some() => Some(name.text.clone()),
        _ => None,
    };
    if matches!(name, "node_degree_in" | "node_degree_out" | "node_id") {
        return Some(format!("{name}_{}", element(first)?));
    }
    if !matches!(name, "all" | "any" | "map") {
        return None;
    }
    let path = match &first.kind {
        ExpressionKind::Call(inner) if inner.function.text == "inner_nodes" => {
            format!("inner_nodes_{}", element(&inner.arguments.first()?.value)?)
        }
        _ => element(first)?,
    };
    let value = match &call.arguments.get(1)?.value.kind {
        ExpressionKind::Name(name) => name.text.as_str(),
        ExpressionKind::Call(inner) if inner.function.text.starts_with("node_") => {
            inner.function.text.as_str()
        }
        _ => "Column",
    };
    Some(format!("{path}_{value}"))
}

/// The properties among the columns of a node, without what functions tell.
fn own(columns: &[Column]) -> &[Column] {
    &columns[..columns.len() - TOLD]
}

pub(super) fn property<'c>(columns: &'c [Column], name: &str) -> Option<&'c Column> {
    columns.iter().find(|column| &*column.name == name)
}
