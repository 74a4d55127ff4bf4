//! Graphs: `make-graph` and the operators that may follow it.

mod names;

use kql_syntax::Span;
use kql_syntax::tree::{
    self, ExpressionKind, GraphPart, GraphTableKind, LogicalOperator, OperatorKind,
};

use super::super::rows::{Names, Rows};
use super::super::scope::Scope;
use super::super::{Binder, Column, Context, Outcome};
use super::setting;
use crate::bound::{
    Cycles, Expr, ExprKind, Graph, GraphAnswer, GraphMatch, GraphNodes, ListKind, MatchEdge,
    MatchLink, MatchList, MatchNode, Operator, Shortest, Told, Value,
};
use crate::diagnostic::DiagnosticKind;
use crate::types::ColumnId;
use crate::types::ScalarType::{self, Bool, Dynamic, Long, String as Text};

pub(in crate::bind) use names::{GraphScope, call_name};
use names::{Named, property};

/// The longest path that a pattern may ask for.
const LONGEST: i64 = 1_000;

/// What is asked of a graph.
#[derive(Debug, Clone, Copy)]
struct Query<'q> {
    patterns: &'q [tree::GraphPattern],
    predicate: Option<&'q tree::Expression>,
    project: Option<&'q [tree::NamedExpression]>,
    cycles: Cycles,
    shortest: Option<Shortest>,
}

impl<'a> Binder<'a> {
    /// Binds `make-graph` and the graph operators after it; gives how many operators that were.
    pub(in crate::bind) fn graph(
        &mut self,
        rows: &mut Rows,
        operators: &'a [tree::Operator],
        scope: Scope,
    ) -> Outcome<usize> {
        let Some((first, rest)) = operators.split_first() else {
            return Ok(0);
        };
        let OperatorKind::MakeGraph(written) = &first.kind else {
            return Ok(0);
        };
        let mut graph = self.make_graph(rows, written, scope, first.span)?;
        for (index, operator) in rest.iter().enumerate() {
            let span = operator.span;
            match &operator.kind {
                OperatorKind::GraphMarkComponents => {
                    self.mark_components(&mut graph, operator)?;
                    continue;
                }
                OperatorKind::GraphToTable(tables) => {
                    self.graph_to_table(rows, graph, tables, span)?;
                }
                OperatorKind::GraphMatch(pattern) => {
                    let cycles = match Self::option(operator, "cycles") {
                        None | Some("unique_edges") => Cycles::UniqueEdges,
                        Some("all") => Cycles::All,
                        Some("none") => Cycles::None,
                        Some(other) => {
                            return self.refuse(
                                DiagnosticKind::Name,
                                span,
                                format!(
                                    "cycles are 'all', 'none' or 'unique_edges', not '{other}'"
                                ),
                            );
                        }
                    };
                    let query = Query {
                        patterns: &pattern.patterns,
                        predicate: pattern.predicate.as_ref(),
                        project: pattern.project.as_deref(),
                        cycles,
                        shortest: None,
                    };
                    self.graph_match(rows, graph, &query, (scope, operator))?;
                }
                OperatorKind::GraphShortestPaths(pattern) => {
                    let shortest = match Self::option(operator, "output") {
                        None | Some("any") => Shortest::Any,
                        Some("all") => Shortest::All,
                        Some(other) => {
                            return self.refuse(
                                DiagnosticKind::Name,
                                span,
                                format!("the output is 'any' or 'all', not '{other}'"),
                            );
                        }
                    };
                    let query = Query {
                        patterns: &pattern.patterns,
                        predicate: pattern.predicate.as_ref(),
                        project: pattern.project.as_deref(),
                        // A shortest path goes through no node twice.
                        cycles: Cycles::None,
                        shortest: Some(shortest),
                    };
                    self.graph_match(rows, graph, &query, (scope, operator))?;
                }
                _ => {
                    return self.unsupported(
                        span,
                        format!(
                            "the operator '{}' after 'make-graph'",
                            operator.keyword.text
                        ),
                    );
                }
            }
            return Ok(index + 2);
        }
        self.unsupported(
            first.span,
            "'make-graph' without 'graph-match', 'graph-shortest-paths' or 'graph-to-table' right after it",
        )
    }

    fn graph_column(
        &mut self,
        written: &'a tree::Expression,
        columns: &[Column],
        scope: Scope,
    ) -> Outcome<Column> {
        let value = self.expression(written, &mut Context::over(scope, columns))?;
        match columns
            .iter()
            .find(|column| matches!(value.kind, ExprKind::Column(id) if id == column.id))
        {
            Some(column) => Ok(column.clone()),
            None => self.refuse(
                DiagnosticKind::Meaning,
                written.span,
                "a column is needed here; make it with 'extend' before",
            ),
        }
    }

    fn make_graph(
        &mut self,
        rows: &Rows,
        written: &'a tree::MakeGraph,
        scope: Scope,
        span: Span,
    ) -> Outcome<Graph> {
        if let Some(partitioned) = &written.partitioned_by {
            return self.unsupported(partitioned.column.span, "'partitioned-by' of 'make-graph'");
        }
        let source = self.graph_column(&written.source, &rows.columns, scope)?;
        let target = self.graph_column(&written.target, &rows.columns, scope)?;
        let mut graph = Graph {
            source: source.id,
            target: target.id,
            directed: written.directed,
            edges: rows.columns.clone(),
            nodes: Vec::new(),
            node_columns: Vec::new(),
            keys: Vec::new(),
            components: Vec::new(),
            told: None,
            answer: GraphAnswer::Nodes { hash: None },
        };
        let mut key_types = vec![source.ty, target.ty];
        for nodes in &written.nodes {
            let table = self.tabular(&nodes.table, scope)?;
            let key = self.graph_column(&nodes.on, &table.columns, scope)?;
            key_types.push(key.ty);
            let mut columns = Vec::with_capacity(table.columns.len());
            for column in &table.columns {
                let known = property(&graph.node_columns, &column.name).cloned();
                let of_nodes = match known {
                    Some(known) if known.ty == column.ty => known.id,
                    Some(_) => {
                        let message =
                            format!("two tables of nodes with '{}' of two types", column.name);
                        return self.unsupported(nodes.table.span, message);
                    }
                    None => {
                        let column = Column {
                            id: self.fresh(),
                            ..column.clone()
                        };
                        graph.node_columns.push(column.clone());
                        column.id
                    }
                };
                if column.id == key.id {
                    graph.keys.push(of_nodes);
                }
                columns.push((column.id, of_nodes));
            }
            graph.nodes.push(GraphNodes {
                table: table.into_pipeline(),
                key: key.id,
                columns,
            });
        }
        if written.nodes.is_empty()
            && let Some(name) = &written.with_node_id
        {
            let column = self.column(name.text.as_str(), source.ty);
            graph.keys.push(column.id);
            graph.node_columns.push(column);
        }
        if let Some(other) = key_types.iter().find(|ty| **ty != source.ty) {
            return self.refuse(
                DiagnosticKind::Type,
                span,
                format!(
                    "the ids of a graph are of one type, not {} and {other}",
                    source.ty
                ),
            );
        }
        if source.ty == Dynamic {
            return self.refuse(
                DiagnosticKind::Type,
                span,
                "a dynamic is no id of a node; convert it with tostring()",
            );
        }
        Ok(graph)
    }

    fn mark_components(&mut self, graph: &mut Graph, operator: &'a tree::Operator) -> Outcome<()> {
        let strong = match Self::option(operator, "kind") {
            None | Some("weak") => false,
            Some("strong") => true,
            Some(other) => {
                return self.refuse(
                    DiagnosticKind::Name,
                    operator.span,
                    format!("components are 'weak' or 'strong', not '{other}'"),
                );
            }
        };
        let name = Self::option(operator, "with_component_id").unwrap_or("ComponentId");
        if property(&graph.node_columns, name).is_some() {
            return self.refuse(
                DiagnosticKind::Name,
                operator.span,
                format!("nodes have a property '{name}' already"),
            );
        }
        let column = self.column(name, Long);
        graph.components.push((column.id, strong));
        graph.node_columns.push(column);
        Ok(())
    }

    fn graph_to_table(
        &mut self,
        rows: &mut Rows,
        mut graph: Graph,
        tables: &'a [tree::GraphTable],
        span: Span,
    ) -> Outcome<()> {
        let [table] = tables else {
            return self.unsupported(span, "'graph-to-table' with several tables");
        };
        if table.name.is_some() {
            return self.unsupported(table.span, "'graph-to-table … as'");
        }
        let mut columns = Vec::new();
        let mut hash = |binder: &mut Self, name: &str| {
            let name = setting(&table.options, name)?;
            let column = binder.column(name, Long);
            columns.push(column.clone());
            Some(column.id)
        };
        match table.kind {
            GraphTableKind::Nodes => {
                let hash = hash(self, "with_node_id");
                graph.answer = GraphAnswer::Nodes { hash };
                columns.extend(graph.node_columns.iter().cloned());
            }
            GraphTableKind::Edges => {
                let source = hash(self, "with_source_id");
                let target = hash(self, "with_target_id");
                graph.answer = GraphAnswer::Edges { source, target };
                columns.extend(graph.edges.iter().cloned());
            }
        }
        let mut names = Names::default();
        if let Some(twice) = columns.iter().find(|column| !names.take(&column.name)) {
            let message = format!("there would be two columns named '{}'", twice.name);
            return self.refuse(DiagnosticKind::Name, span, message);
        }
        rows.then(Operator::Graph(Box::new(graph)), columns, span);
        rows.ordered = false;
        Ok(())
    }

    fn graph_match(
        &mut self,
        rows: &mut Rows,
        mut graph: Graph,
        query: &Query<'a>,
        (scope, operator): (Scope, &'a tree::Operator),
    ) -> Outcome<()> {
        let span = operator.span;
        let Some(project) = query.project else {
            let name = &operator.keyword.text;
            return self.unsupported(span, format!("'{name}' without 'project'"));
        };
        let told = Told {
            degree_in: self.told(&mut graph, "node_degree_in()", Long),
            degree_out: self.told(&mut graph, "node_degree_out()", Long),
            id: self.told(&mut graph, "node_id()", Text),
        };
        graph.told = Some(told);
        let mut names = GraphScope {
            names: Vec::new(),
            nodes: Vec::new(),
            edges: Vec::new(),
            node_columns: graph.node_columns.clone(),
            edge_columns: graph.edges.clone(),
            lists: Vec::new(),
            inner: None,
            condition: false,
        };
        let mut found = GraphMatch {
            nodes: Vec::new(),
            edges: Vec::new(),
            links: Vec::new(),
            cycles: query.cycles,
            shortest: query.shortest,
        };
        self.links(query, graph.directed, &mut names, &mut found, scope)?;
        if !is_connected(&found) {
            return self.refuse(
                DiagnosticKind::Meaning,
                span,
                "the patterns share no node; all of them have to hang together",
            );
        }
        if query.shortest.is_some() {
            self.one_path(&found, span)?;
        }
        let columns: Vec<Column> = names
            .nodes
            .iter()
            .chain(&names.edges)
            .flatten()
            .cloned()
            .collect();
        let at = rows.steps.len();
        graph.answer = GraphAnswer::Matches(found);
        rows.then(Operator::Graph(Box::new(graph)), columns.clone(), span);
        rows.ordered = false;
        let outside = self.graph.replace(names);
        let outcome = self.graph_answers(rows, query.predicate, project, at, (scope, span));
        let names = std::mem::replace(&mut self.graph, outside);
        outcome?;
        let Some(names) = names else { return Ok(()) };
        // The lists that expressions asked for come out of the match too.
        let mut listed = columns;
        for (_, list) in &names.lists {
            listed.push(Column {
                id: list.column,
                name: "".into(),
                ty: if list.kind == ListKind::Map {
                    Dynamic
                } else {
                    Bool
                },
            });
        }
        let last = rows.steps.len() - 1;
        for step in &mut rows.steps[at..last] {
            step.columns.clone_from(&listed);
        }
        if let Operator::Graph(graph) = &mut rows.steps[at].operator
            && let GraphAnswer::Matches(found) = &mut graph.answer
        {
            for (edge, list) in names.lists {
                found.edges[edge].lists.push(list);
            }
        }
        Ok(())
    }

    /// What the patterns name, and what has to be beside what.
    fn links(
        &mut self,
        query: &Query<'a>,
        directed: bool,
        names: &mut GraphScope,
        found: &mut GraphMatch,
        scope: Scope,
    ) -> Outcome<()> {
        for pattern in query.patterns {
            let mut left: Option<usize> = None;
            let mut edge: Option<(usize, bool, bool)> = None;
            for part in &pattern.parts {
                match part {
                    GraphPart::Node(node) => {
                        let at = self.pattern_node(node, names, found)?;
                        match (left, edge.take()) {
                            (Some(before), Some((edge, to_right, to_left))) => {
                                found.links.push(MatchLink {
                                    left: before,
                                    right: Some((edge, at)),
                                    to_right,
                                    to_left,
                                });
                            }
                            _ => found.links.push(MatchLink {
                                left: at,
                                right: None,
                                to_right: false,
                                to_left: false,
                            }),
                        }
                        left = Some(at);
                    }
                    GraphPart::Edge(part) => {
                        let both = part.to_left == part.to_right || !directed;
                        let at = self.pattern_edge(part, names, found, scope)?;
                        edge = Some((at, part.to_right || both, part.to_left || both));
                    }
                }
            }
        }
        Ok(())
    }

    /// A column of what a function tells of a node.
    fn told(&mut self, graph: &mut Graph, name: &str, ty: ScalarType) -> ColumnId {
        let column = self.column(name, ty);
        graph.node_columns.push(column.clone());
        column.id
    }

    /// Refuses what is no single path of variable length.
    fn one_path(&mut self, found: &GraphMatch, span: Span) -> Outcome<()> {
        let [edge] = found.edges.as_slice() else {
            return self.unsupported(span, "'graph-shortest-paths' over several edges");
        };
        if edge.range.is_some() {
            return Ok(());
        }
        self.refuse(
            DiagnosticKind::Meaning,
            span,
            "a pattern of 'graph-shortest-paths' needs an edge of variable length",
        )
    }

    fn pattern_node(
        &mut self,
        node: &'a tree::GraphNode,
        names: &mut GraphScope,
        found: &mut GraphMatch,
    ) -> Outcome<usize> {
        if let Some(name) = &node.name {
            match names.find(&name.text) {
                Some(Named::Node(at)) => return Ok(*at),
                Some(_) => {
                    return self.refuse(
                        DiagnosticKind::Name,
                        name.span,
                        format!("'{}' is an edge already", name.text),
                    );
                }
                None => {}
            }
        }
        let at = found.nodes.len();
        let columns = self.copies(&names.node_columns);
        found.nodes.push(MatchNode {
            columns: columns.iter().map(|column| column.id).collect(),
            filters: Vec::new(),
        });
        names.nodes.push(columns);
        if let Some(name) = &node.name {
            names.names.push((name.text.clone(), Named::Node(at)));
        }
        Ok(at)
    }

    fn pattern_edge(
        &mut self,
        edge: &'a tree::GraphEdge,
        names: &mut GraphScope,
        found: &mut GraphMatch,
        scope: Scope,
    ) -> Outcome<usize> {
        let at = found.edges.len();
        let range = match &edge.range {
            Some(range) => {
                let least = self.path_length(&range.0, scope)?;
                let most = self.path_length(&range.1, scope)?;
                if least > most {
                    return self.refuse(
                        DiagnosticKind::Meaning,
                        edge.span,
                        "the path cannot be longer at least than at most",
                    );
                }
                Some((least, most))
            }
            None => None,
        };
        let columns = match range {
            Some(_) => Vec::new(),
            None => self.copies(&names.edge_columns),
        };
        found.edges.push(MatchEdge {
            columns: columns.iter().map(|column| column.id).collect(),
            range,
            filters: Vec::new(),
            lists: Vec::new(),
        });
        names.edges.push(columns);
        if let Some(name) = &edge.name {
            if names.find(&name.text).is_some() {
                return self.refuse(
                    DiagnosticKind::Name,
                    name.span,
                    format!("'{}' is in the pattern twice", name.text),
                );
            }
            let meaning = match range {
                Some(_) => Named::Path(at),
                None => Named::Edge(at),
            };
            names.names.push((name.text.clone(), meaning));
        }
        Ok(at)
    }

    fn path_length(&mut self, written: &'a tree::Expression, scope: Scope) -> Outcome<usize> {
        let value = self.expression(written, &mut Context::constant(scope))?;
        let number = match value.literal() {
            Some(Value::Long(number)) => Some(*number),
            Some(Value::Int(number)) => Some(i64::from(*number)),
            _ => None,
        };
        match number.filter(|number| (0..=LONGEST).contains(number)) {
            Some(number) => Ok(usize::try_from(number).unwrap_or(0)),
            None => self.refuse(
                DiagnosticKind::Constant,
                written.span,
                format!("a constant from 0 to {LONGEST} is needed here"),
            ),
        }
    }

    fn copies(&mut self, columns: &[Column]) -> Vec<Column> {
        columns
            .iter()
            .map(|column| Column {
                id: self.fresh(),
                ..column.clone()
            })
            .collect()
    }

    /// `where` and `project` of a match; conditions on one element go to it.
    fn graph_answers(
        &mut self,
        rows: &mut Rows,
        predicate: Option<&'a tree::Expression>,
        project: &'a [tree::NamedExpression],
        at: usize,
        (scope, span): (Scope, Span),
    ) -> Outcome<()> {
        if let Some(written) = predicate {
            self.in_condition(true);
            let predicate = self.predicate(written, &mut Context::constant(scope))?;
            self.in_condition(false);
            rows.pass(Operator::Filter { predicate }, span);
            let mut open = vec![written];
            while let Some(next) = open.pop() {
                match &next.kind {
                    ExpressionKind::Parenthesized(inner) => open.push(inner),
                    ExpressionKind::Logical(logical)
                        if logical.operator == LogicalOperator::And =>
                    {
                        open.extend(&logical.operands);
                    }
                    _ => self.push_condition(rows, next, at, scope)?,
                }
            }
        }
        // Projected names are the pattern's; a column by itself is none of them.
        let outside = std::mem::take(&mut rows.columns);
        let outcome = self.project(rows, project, scope, span);
        drop(outside);
        outcome
    }

    fn in_condition(&mut self, condition: bool) {
        if let Some(names) = &mut self.graph {
            names.condition = condition;
        }
    }

    /// Puts a condition over one node or one edge where candidates are chosen. What is shortest is
    /// chosen among those, so that no other condition can stand beside it.
    fn push_condition(
        &mut self,
        rows: &mut Rows,
        written: &'a tree::Expression,
        at: usize,
        scope: Scope,
    ) -> Outcome<()> {
        let Some(names) = self.graph.clone() else {
            return Ok(());
        };
        let condition = self.predicate(written, &mut Context::constant(scope))?;
        let asked: Vec<(usize, MatchList)> = self
            .graph
            .iter()
            .flat_map(|after| after.lists[names.lists.len()..].to_vec())
            .collect();
        if !asked.is_empty() {
            self.graph = Some(names);
            // What all edges of a path have to fulfil, each has to; other lists are for the filter
            // behind the match.
            if let [(edge, list)] = asked.as_slice()
                && matches!(condition.kind, ExprKind::Column(id) if id == list.column)
                && list.kind == ListKind::All
                && !list.inner
                && let Operator::Graph(graph) = &mut rows.steps[at].operator
                && let GraphAnswer::Matches(found) = &mut graph.answer
            {
                found.edges[*edge].filters.push(list.value.clone());
                return Ok(());
            }
            return self.beside_shortest(rows, at, written.span);
        }
        let about = |columns: &[Column]| columns_in(&condition, columns);
        let nodes: Vec<usize> = (0..names.nodes.len())
            .filter(|at| about(&names.nodes[*at]))
            .collect();
        let edges: Vec<usize> = (0..names.edges.len())
            .filter(|at| about(&names.edges[*at]))
            .collect();
        let mut own = names.clone();
        match (nodes.as_slice(), edges.as_slice()) {
            ([node], []) => own.nodes[*node].clone_from(&names.node_columns),
            ([], [edge]) => own.edges[*edge].clone_from(&names.edge_columns),
            ([], []) => return Ok(()),
            _ => return self.beside_shortest(rows, at, written.span),
        }
        self.graph = Some(own);
        let condition = self.predicate(written, &mut Context::constant(scope));
        self.graph = Some(names);
        let condition = condition?;
        if let Operator::Graph(graph) = &mut rows.steps[at].operator
            && let GraphAnswer::Matches(found) = &mut graph.answer
        {
            match (nodes.as_slice(), edges.as_slice()) {
                ([node], _) => found.nodes[*node].filters.push(condition),
                (_, [edge]) => found.edges[*edge].filters.push(condition),
                _ => {}
            }
        }
        Ok(())
    }

    /// Refuses a condition that is looked at after the shortest paths were chosen.
    fn beside_shortest(&mut self, rows: &Rows, at: usize, span: Span) -> Outcome<()> {
        if let Operator::Graph(graph) = &rows.steps[at].operator
            && let GraphAnswer::Matches(found) = &graph.answer
            && found.shortest.is_some()
        {
            return self.unsupported(
                span,
                "a condition of 'graph-shortest-paths' that is not about one node or every edge",
            );
        }
        Ok(())
    }
}

/// Whether every node of the patterns is reached from the first one.
fn is_connected(found: &GraphMatch) -> bool {
    let mut reached = vec![false; found.nodes.len()];
    let mut open = vec![0];
    while let Some(node) = open.pop() {
        if std::mem::replace(&mut reached[node], true) {
            continue;
        }
        for link in &found.links {
            if let Some((_, right)) = link.right {
                if link.left == node {
                    open.push(right);
                } else if right == node {
                    open.push(link.left);
                }
            }
        }
    }
    reached.into_iter().all(|reached| reached)
}

fn columns_in(condition: &Expr, columns: &[Column]) -> bool {
    let mut open = vec![condition];
    while let Some(next) = open.pop() {
        if let ExprKind::Column(id) = next.kind
            && columns.iter().any(|column| column.id == id)
        {
            return true;
        }
        open.extend(next.parts());
    }
    false
}
