//! Going over a tree without caring for its every shape.

use crate::span::Span;
use crate::tree::{
    Body, Call, Condition, Expression, ExpressionKind, FindOutput, GraphPart, GraphPattern,
    NamedExpression, Operator, OperatorKind, Ordered, Parameter, PartitionBody, Query, ScanStep,
    Segment, SeriesRange, Setting, Statement, StatementKind,
};

/// A node that a walk stops at: the three kinds that can hold others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Node<'a> {
    /// A statement of the query, of a function or of a `macro-expand`.
    Statement(&'a Statement),
    /// An expression, scalar or tabular.
    Expression(&'a Expression),
    /// A tabular operator.
    Operator(&'a Operator),
}

impl<'a> Node<'a> {
    /// Where it stands.
    pub fn span(self) -> Span {
        match self {
            Self::Statement(statement) => statement.span,
            Self::Expression(expression) => expression.span,
            Self::Operator(operator) => operator.span,
        }
    }

    /// The nodes directly inside of it, in the order of the text.
    pub fn children(self) -> Vec<Node<'a>> {
        let mut children = Children(Vec::new());
        match self {
            Self::Statement(statement) => children.statement(statement),
            Self::Expression(expression) => children.expression(expression),
            Self::Operator(operator) => children.operator(operator),
        }
        children.0
    }
}

impl Query {
    /// Every node of the query, parents before children, in the order of the text.
    ///
    /// The walk keeps its own stack, so that no tree is too deep for it.
    ///
    /// ```
    /// use kql_syntax::Node;
    ///
    /// let query = kql_syntax::parse("T | where a in ((U | take 5))").tree;
    /// let operators: Vec<_> = query
    ///     .nodes()
    ///     .filter_map(|node| match node {
    ///         Node::Operator(operator) => Some(operator.keyword.text.as_str()),
    ///         _ => None,
    ///     })
    ///     .collect();
    /// assert_eq!(operators, ["where", "take"]);
    /// ```
    pub fn nodes(&self) -> impl Iterator<Item = Node<'_>> {
        let mut pending: Vec<Node<'_>> =
            self.statements.iter().rev().map(Node::Statement).collect();
        std::iter::from_fn(move || {
            let node = pending.pop()?;
            pending.extend(node.children().into_iter().rev());
            Some(node)
        })
    }

    /// The operators of the query wherever they stand, in the order of the text.
    pub fn operators(&self) -> impl Iterator<Item = &Operator> {
        self.nodes().filter_map(|node| match node {
            Node::Operator(operator) => Some(operator),
            Node::Statement(_) | Node::Expression(_) => None,
        })
    }
}

/// The query when no node is deeper than `limit`; otherwise an empty one and the first such place.
pub(crate) fn bounded(query: Query, limit: usize) -> (Query, Option<Span>) {
    let mut pending: Vec<(Node<'_>, usize)> = query
        .statements
        .iter()
        .rev()
        .map(|statement| (Node::Statement(statement), 1))
        .collect();
    let mut too_deep = None;
    while let Some((node, depth)) = pending.pop() {
        if depth > limit {
            too_deep = Some(node.span());
            break;
        }
        pending.extend(
            node.children()
                .into_iter()
                .rev()
                .map(|child| (child, depth + 1)),
        );
    }
    if too_deep.is_some() {
        (Query::default(), too_deep)
    } else {
        (query, None)
    }
}

struct Children<'a>(Vec<Node<'a>>);

impl<'a> Children<'a> {
    fn add(&mut self, expression: &'a Expression) {
        self.0.push(Node::Expression(expression));
    }

    fn all(&mut self, expressions: impl IntoIterator<Item = &'a Expression>) {
        self.0.extend(expressions.into_iter().map(Node::Expression));
    }

    fn named(&mut self, expressions: &'a [NamedExpression]) {
        self.all(expressions.iter().map(|named| &named.expression));
    }

    fn ordered(&mut self, ordered: &'a [Ordered]) {
        self.all(ordered.iter().map(|ordered| &ordered.column.expression));
    }

    fn settings(&mut self, settings: &'a [Setting]) {
        self.all(settings.iter().flat_map(|setting| &setting.values));
    }

    fn operators(&mut self, operators: &'a [Operator]) {
        self.0.extend(operators.iter().map(Node::Operator));
    }

    fn statements(&mut self, statements: &'a [Statement]) {
        self.0.extend(statements.iter().map(Node::Statement));
    }

    fn body(&mut self, body: &'a Body) {
        self.statements(&body.statements);
    }

    fn parameters(&mut self, parameters: &'a [Parameter]) {
        self.all(
            parameters
                .iter()
                .filter_map(|parameter| parameter.default.as_ref()),
        );
    }

    fn call(&mut self, call: &'a Call) {
        self.all(call.arguments.iter().map(|argument| &argument.value));
    }

    fn statement(&mut self, statement: &'a Statement) {
        match &statement.kind {
            StatementKind::Expression(expression) => self.add(expression),
            StatementKind::Let(binding) => self.add(&binding.value),
            StatementKind::Set(set) => self.all(&set.value),
            StatementKind::Alias { database, .. } => self.add(database),
            StatementKind::QueryParameters(parameters) => self.parameters(parameters),
            StatementKind::Pattern(pattern) => {
                for case in &pattern.cases {
                    self.body(&case.body);
                }
            }
            StatementKind::Restrict {
                entities,
                properties,
            } => {
                self.all(entities);
                self.settings(properties);
            }
        }
    }

    fn expression(&mut self, expression: &'a Expression) {
        match &expression.kind {
            ExpressionKind::Name(_)
            | ExpressionKind::Wildcard(_)
            | ExpressionKind::Literal(_)
            | ExpressionKind::TypeOf(_)
            | ExpressionKind::Error => {}
            ExpressionKind::Parenthesized(inner) => self.add(inner),
            ExpressionKind::Unary(unary) => self.add(&unary.operand),
            ExpressionKind::Logical(logical) => self.all(&logical.operands),
            ExpressionKind::Arithmetic(arithmetic) => {
                self.add(&arithmetic.first);
                self.all(arithmetic.rest.iter().map(|(_, operand)| operand));
            }
            ExpressionKind::Comparison(comparison) => {
                self.add(&comparison.left);
                self.add(&comparison.right);
            }
            ExpressionKind::In(membership) => {
                self.add(&membership.left);
                self.all(&membership.right);
            }
            ExpressionKind::Between(between) => {
                self.all([&*between.operand, &*between.low, &*between.high]);
            }
            ExpressionKind::Path(path) => {
                self.add(&path.base);
                for segment in &path.segments {
                    match segment {
                        Segment::Member(_) | Segment::Wildcard { .. } => {}
                        Segment::Call(call) => self.call(call),
                        Segment::Index(index) => self.add(index),
                    }
                }
            }
            ExpressionKind::Call(call) => self.call(call),
            ExpressionKind::ToScalar(value)
            | ExpressionKind::ToTable(value)
            | ExpressionKind::Materialize(value) => {
                self.settings(&value.options);
                self.add(&value.query);
            }
            ExpressionKind::Pipe(pipe) => {
                self.add(&pipe.source);
                self.operators(&pipe.operators);
            }
            ExpressionKind::Operator(operator) => self.0.push(Node::Operator(operator)),
            ExpressionKind::DataTable(table) => {
                self.settings(&table.options);
                self.all(&table.values);
            }
            ExpressionKind::ExternalData(data) => {
                self.settings(&data.options);
                self.all(&data.sources);
                self.settings(&data.properties);
            }
            ExpressionKind::ContextualDataTable { id, .. } => self.add(id),
            ExpressionKind::Function(function) => {
                self.parameters(&function.parameters);
                self.body(&function.body);
            }
            ExpressionKind::Body(body) => self.body(body),
            ExpressionKind::EntityGroup(entities) => self.all(entities),
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each operator")]
    fn operator(&mut self, operator: &'a Operator) {
        self.settings(&operator.options);
        match &operator.kind {
            OperatorKind::As(_)
            | OperatorKind::AssertSchema(_)
            | OperatorKind::Consume
            | OperatorKind::Count(_)
            | OperatorKind::ExecuteAndCache
            | OperatorKind::GetSchema
            | OperatorKind::GraphMarkComponents
            | OperatorKind::Error => {}
            OperatorKind::ProjectAway(columns)
            | OperatorKind::ProjectByNames(columns)
            | OperatorKind::ProjectKeep(columns)
            | OperatorKind::Union(columns) => self.all(columns),
            OperatorKind::Evaluate(evaluate) => self.call(&evaluate.call),
            OperatorKind::Distinct(columns)
            | OperatorKind::Extend(columns)
            | OperatorKind::Print(columns)
            | OperatorKind::Project(columns)
            | OperatorKind::ProjectRename(columns)
            | OperatorKind::Serialize(columns) => self.named(columns),
            OperatorKind::Facet(facet) => {
                self.all(&facet.by);
                self.operators(facet.with.as_deref().unwrap_or_default());
            }
            OperatorKind::Find(find) => {
                self.all(&find.tables);
                self.all(&find.predicate);
                if let Some(FindOutput::Project(columns) | FindOutput::ProjectAway(columns)) =
                    &find.output
                {
                    self.all(columns.iter().map(|column| &column.column));
                }
            }
            OperatorKind::Fork(branches) => {
                for branch in branches {
                    self.operators(&branch.operators);
                }
            }
            OperatorKind::GraphToTable(outputs) => {
                for output in outputs {
                    self.settings(&output.options);
                }
            }
            OperatorKind::Invoke(expression)
            | OperatorKind::GraphWhereEdges(expression)
            | OperatorKind::GraphWhereNodes(expression)
            | OperatorKind::Sample(expression)
            | OperatorKind::Take(expression)
            | OperatorKind::Where(expression) => self.add(expression),
            OperatorKind::Join(join) | OperatorKind::Lookup(join) => {
                self.add(&join.right);
                match &join.condition {
                    Some(Condition::On(columns)) => self.all(columns),
                    Some(Condition::Where(predicate)) => self.add(predicate),
                    None => {}
                }
            }
            OperatorKind::MacroExpand(expand) => {
                self.add(&expand.group);
                self.statements(&expand.statements);
            }
            OperatorKind::MvApply(apply) => {
                self.all(apply.columns.iter().map(|column| &column.column.expression));
                self.all(&apply.limit);
                self.operators(&apply.operators);
            }
            OperatorKind::MvExpand(expand) => {
                self.all(
                    expand
                        .columns
                        .iter()
                        .map(|column| &column.column.expression),
                );
                self.all(&expand.limit);
            }
            OperatorKind::Parse(parse) | OperatorKind::ParseWhere(parse) => self.add(&parse.source),
            OperatorKind::ParseKv(parse) => {
                self.add(&parse.source);
                self.settings(&parse.properties);
            }
            OperatorKind::Partition(partition) => {
                self.add(&partition.by);
                self.all(&partition.scope);
                match &partition.body {
                    PartitionBody::Operators(operators) => self.operators(operators),
                    PartitionBody::Query(query) => self.add(query),
                }
            }
            OperatorKind::ProjectReorder(columns) | OperatorKind::Sort(columns) => {
                self.ordered(columns);
            }
            OperatorKind::Range(range) => self.all([&range.from, &range.to, &range.step]),
            OperatorKind::Reduce(reduce) => {
                self.add(&reduce.by.expression);
                self.settings(&reduce.properties);
            }
            OperatorKind::Render(render) => self.settings(&render.properties),
            OperatorKind::SampleDistinct { count, of } => self.all([count, of]),
            OperatorKind::Search(search) => {
                self.all(&search.tables);
                self.add(&search.predicate);
            }
            OperatorKind::Summarize(summarize) => {
                self.named(&summarize.aggregates);
                self.named(summarize.by.as_deref().unwrap_or_default());
                self.all(&summarize.bin);
            }
            OperatorKind::Top(top) => {
                self.add(&top.count);
                self.ordered(&top.by);
            }
            OperatorKind::TopHitters(top) => {
                self.all([&top.count, &top.of]);
                self.all(&top.by);
            }
            OperatorKind::TopNested(levels) => {
                for level in levels {
                    self.all(&level.count);
                    self.add(&level.of.expression);
                    self.all(&level.others);
                    self.add(&level.by.column.expression);
                }
            }
            OperatorKind::MakeGraph(_)
            | OperatorKind::GraphMatch(_)
            | OperatorKind::GraphShortestPaths(_) => self.graph(&operator.kind),
            OperatorKind::MakeSeries(series) => {
                for aggregate in &series.aggregates {
                    self.add(&aggregate.aggregate.expression);
                    self.all(&aggregate.default);
                }
                self.add(&series.on.expression);
                match &series.range {
                    SeriesRange::FromToStep { from, to, step } => {
                        self.all(from.as_deref());
                        self.all(to.as_deref());
                        self.add(step);
                    }
                    SeriesRange::InRange { arguments } => self.all(arguments),
                }
                self.named(&series.by);
            }
            OperatorKind::Scan(scan) => {
                self.ordered(&scan.order_by);
                self.all(&scan.partition_by);
                self.all(
                    scan.declare
                        .iter()
                        .filter_map(|column| column.default.as_ref()),
                );
                for ScanStep {
                    condition,
                    assignments,
                    ..
                } in &scan.steps
                {
                    self.add(condition);
                    self.all(assignments.iter().map(|assignment| &assignment.value));
                }
            }
        }
    }

    fn graph(&mut self, kind: &'a OperatorKind) {
        match kind {
            OperatorKind::MakeGraph(graph) => {
                self.all([&graph.source, &graph.target]);
                self.all(graph.nodes.iter().flat_map(|node| [&node.table, &node.on]));
                if let Some(partitioned) = &graph.partitioned_by {
                    self.add(&partitioned.column);
                    self.operators(&partitioned.operators);
                }
            }
            OperatorKind::GraphMatch(found) => {
                self.patterns(&found.patterns);
                self.all(&found.predicate);
                self.named(found.project.as_deref().unwrap_or_default());
            }
            OperatorKind::GraphShortestPaths(paths) => {
                self.patterns(&paths.patterns);
                self.all(&paths.predicate);
                self.named(paths.project.as_deref().unwrap_or_default());
            }
            _ => {}
        }
    }

    fn patterns(&mut self, patterns: &'a [GraphPattern]) {
        for part in patterns.iter().flat_map(|pattern| &pattern.parts) {
            if let GraphPart::Edge(edge) = part {
                self.all(
                    edge.range
                        .as_deref()
                        .into_iter()
                        .flat_map(|(low, high)| [low, high]),
                );
            }
        }
    }
}
