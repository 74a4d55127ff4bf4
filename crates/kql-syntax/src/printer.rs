//! From the tree back to text.

use std::fmt::{self, Write as _};

use crate::keywords::{Freedom, freedom};
use crate::literals::quote;
use crate::tree::{
    Body, Call, ColumnDeclaration, Condition, Expression, ExpressionKind, FindColumn, FindOutput,
    Function, GraphPart, GraphPattern, Join, Literal, MakeGraph, MakeSeries, Name, NamedExpression,
    Nulls, Operator, OperatorKind, Ordered, Parameter, ParameterType, Parse, ParsePart,
    PartitionBody, Query, Scan, Segment, SeriesRange, Setting, Statement, StatementKind, ToScalar,
    TopNestedLevel, TypeOf, TypeOfColumn,
};
use crate::tree::{Direction, ExpandColumn, GraphTableKind};

/// Writes a query as text that parses to the same tree, comments and layout aside.
///
/// Each operator stands in a line of its own; literals are as they were written.
///
/// ```
/// let query = kql_syntax::parse("T|where a==1  // why").tree;
/// assert_eq!(kql_syntax::print(&query), "T\n| where a == 1");
/// ```
pub fn print(query: &Query) -> String {
    let mut printer = Printer {
        text: String::new(),
    };
    for directive in &query.directives {
        printer.push(&directive.text);
        printer.push("\n");
    }
    printer.separated(&query.statements, ";\n", Printer::statement);
    printer.text
}

impl fmt::Display for Query {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&print(self))
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut printer = Printer {
            text: String::new(),
        };
        printer.expression(self);
        formatter.write_str(&printer.text)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.bracketed || freedom(&self.text) == Freedom::Bracketed && self.text.contains('-') {
            write!(formatter, "[{}]", quote(&self.text))
        } else {
            formatter.write_str(&self.text)
        }
    }
}

struct Printer {
    text: String,
}

impl Printer {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn name(&mut self, name: &Name) {
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{name}");
    }

    fn separated<T>(&mut self, items: &[T], separator: &str, mut print: impl FnMut(&mut Self, &T)) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.push(separator);
            }
            print(self, item);
        }
    }

    fn expressions(&mut self, expressions: &[Expression]) {
        self.separated(expressions, ", ", Self::expression);
    }

    fn named_list(&mut self, named: &[NamedExpression]) {
        self.separated(named, ", ", Self::named);
    }

    fn ordered_list(&mut self, ordered: &[Ordered]) {
        self.separated(ordered, ", ", Self::ordered);
    }

    fn optional(&mut self, before: &str, expression: Option<&Expression>) {
        if let Some(expression) = expression {
            self.push(before);
            self.expression(expression);
        }
    }

    fn statement(&mut self, statement: &Statement) {
        match &statement.kind {
            StatementKind::Expression(expression) => self.expression(expression),
            StatementKind::Let(binding) => {
                self.push("let ");
                self.name(&binding.name);
                self.push(" = ");
                self.expression(&binding.value);
            }
            StatementKind::Set(set) => {
                self.push("set ");
                self.push(&set.name.text);
                self.optional(" = ", set.value.as_ref());
            }
            StatementKind::Alias { name, database } => {
                self.push("alias database ");
                self.name(name);
                self.push(" = ");
                self.expression(database);
            }
            StatementKind::QueryParameters(parameters) => {
                self.push("declare query_parameters");
                self.parameters(parameters);
            }
            StatementKind::Pattern(pattern) => {
                self.push("declare pattern ");
                self.name(&pattern.name);
                if !pattern.defined {
                    return;
                }
                self.push(" = ");
                self.parameters(&pattern.parameters);
                if let Some(path) = &pattern.path {
                    self.push("[");
                    self.parameter(path);
                    self.push("]");
                }
                self.push(" {\n");
                for case in &pattern.cases {
                    self.push("(");
                    self.separated(&case.arguments, ", ", Self::literal);
                    self.push(")");
                    if let Some(path) = &case.path {
                        self.push(".[");
                        self.literal(path);
                        self.push("]");
                    }
                    self.push(" = ");
                    self.body(&case.body);
                    self.push(";\n");
                }
                self.push("}");
            }
            StatementKind::Restrict {
                entities,
                properties,
            } => {
                self.push("restrict access to (");
                self.expressions(entities);
                self.push(")");
                self.with(properties);
            }
        }
    }

    fn with(&mut self, properties: &[Setting]) {
        if !properties.is_empty() {
            self.push(" with (");
            self.separated(properties, ", ", Self::setting);
            self.push(")");
        }
    }

    fn parameters(&mut self, parameters: &[Parameter]) {
        self.push("(");
        self.separated(parameters, ", ", Self::parameter);
        self.push(")");
    }

    fn parameter(&mut self, parameter: &Parameter) {
        self.name(&parameter.name);
        self.push(": ");
        match &parameter.ty {
            ParameterType::Scalar(name) => self.push(&name.text),
            ParameterType::Table(columns) => self.schema(columns),
            ParameterType::AnyTable => self.push("(*)"),
        }
        self.optional(" = ", parameter.default.as_ref());
    }

    fn schema(&mut self, columns: &[ColumnDeclaration]) {
        self.push("(");
        self.separated(columns, ", ", Self::column);
        self.push(")");
    }

    fn column(&mut self, column: &ColumnDeclaration) {
        self.name(&column.name);
        self.push(": ");
        self.push(&column.ty.text);
    }

    fn function(&mut self, function: &Function) {
        if function.view {
            self.push("view ");
        }
        self.parameters(&function.parameters);
        self.push(" ");
        self.body(&function.body);
    }

    fn body(&mut self, body: &Body) {
        self.push("{\n");
        self.separated(&body.statements, ";\n", Self::statement);
        self.push("\n}");
    }

    fn literal(&mut self, literal: &Literal) {
        self.push(&literal.text);
    }

    fn call(&mut self, call: &Call) {
        self.name(&call.function);
        self.push("(");
        self.separated(&call.arguments, ", ", |printer, argument| {
            if let Some(name) = &argument.name {
                printer.name(name);
                printer.push("=");
            }
            printer.expression(&argument.value);
        });
        self.push(")");
    }

    fn named(&mut self, named: &NamedExpression) {
        if !named.names.is_empty() {
            let (open, close) = if named.names_in_parentheses {
                ("(", ")")
            } else {
                ("", "")
            };
            self.push(open);
            self.separated(&named.names, ", ", Self::name);
            self.push(close);
            self.push(" = ");
        }
        self.expression(&named.expression);
    }

    fn ordered(&mut self, ordered: &Ordered) {
        self.named(&ordered.column);
        match ordered.direction {
            None => {}
            Some(Direction::Ascending) => self.push(" asc"),
            Some(Direction::Descending) => self.push(" desc"),
            Some(Direction::GrannyAscending) => self.push(" granny-asc"),
            Some(Direction::GrannyDescending) => self.push(" granny-desc"),
        }
        match ordered.nulls {
            None => {}
            Some(Nulls::First) => self.push(" nulls first"),
            Some(Nulls::Last) => self.push(" nulls last"),
        }
    }

    fn setting(&mut self, setting: &Setting) {
        self.push(&setting.name.text);
        self.push("=");
        self.expressions(&setting.values);
    }

    fn type_of(&mut self, type_of: &TypeOf) {
        self.push("typeof(");
        self.separated(&type_of.columns, ", ", |printer, column| match column {
            TypeOfColumn::Type(name) => printer.push(&name.text),
            TypeOfColumn::Star => printer.push("*"),
            TypeOfColumn::Column(column) => printer.column(column),
        });
        self.push(")");
    }

    fn query_value(&mut self, keyword: &str, value: &ToScalar) {
        self.push(keyword);
        for option in &value.options {
            self.push(" ");
            self.setting(option);
        }
        self.push("(");
        self.expression(&value.query);
        self.push(")");
    }

    fn expression(&mut self, expression: &Expression) {
        match &expression.kind {
            ExpressionKind::Name(name) => self.name(name),
            ExpressionKind::Wildcard(pattern) => self.push(pattern),
            ExpressionKind::Literal(literal) => self.literal(literal),
            ExpressionKind::Parenthesized(inner) => {
                self.push("(");
                self.expression(inner);
                self.push(")");
            }
            ExpressionKind::Unary(unary) => {
                self.push(unary.operator.text());
                self.expression(&unary.operand);
            }
            ExpressionKind::Logical(logical) => {
                let separator = format!(" {} ", logical.operator.text());
                self.separated(&logical.operands, &separator, Self::expression);
            }
            ExpressionKind::Arithmetic(arithmetic) => {
                self.expression(&arithmetic.first);
                for (operator, operand) in &arithmetic.rest {
                    self.push(" ");
                    self.push(operator.text());
                    self.push(" ");
                    self.expression(operand);
                }
            }
            ExpressionKind::Comparison(comparison) => {
                self.expression(&comparison.left);
                self.push(" ");
                self.push(comparison.operator.text());
                self.push(" ");
                self.expression(&comparison.right);
            }
            ExpressionKind::In(membership) => {
                self.expression(&membership.left);
                self.push(" ");
                self.push(membership.operator.text());
                self.push(" (");
                self.expressions(&membership.right);
                self.push(")");
            }
            ExpressionKind::Between(between) => {
                self.expression(&between.operand);
                self.push(if between.negated {
                    " !between ("
                } else {
                    " between ("
                });
                self.expression(&between.low);
                self.push(" .. ");
                self.expression(&between.high);
                self.push(")");
            }
            _ => self.compound(expression),
        }
    }

    /// The kinds that are not operators between operands; apart to keep stack frames small.
    fn compound(&mut self, expression: &Expression) {
        match &expression.kind {
            ExpressionKind::Path(path) => {
                self.expression(&path.base);
                for segment in &path.segments {
                    self.segment(segment);
                }
            }
            ExpressionKind::Call(call) => self.call(call),
            ExpressionKind::TypeOf(type_of) => self.type_of(type_of),
            ExpressionKind::ToScalar(value) => self.query_value("toscalar", value),
            ExpressionKind::ToTable(value) => self.query_value("totable", value),
            ExpressionKind::Materialize(value) => self.query_value("materialize", value),
            ExpressionKind::Pipe(pipe) => {
                self.expression(&pipe.source);
                for operator in &pipe.operators {
                    self.push("\n| ");
                    self.operator(operator);
                }
            }
            ExpressionKind::Operator(operator) => self.operator(operator),
            ExpressionKind::DataTable(table) => {
                self.push("datatable");
                self.options(&table.options);
                self.schema(&table.columns);
                self.push("[");
                self.expressions(&table.values);
                self.push("]");
            }
            ExpressionKind::ExternalData(data) => {
                self.push("externaldata");
                self.options(&data.options);
                self.schema(&data.columns);
                self.push("[");
                self.expressions(&data.sources);
                self.push("]");
                self.with(&data.properties);
            }
            ExpressionKind::ContextualDataTable { id, columns } => {
                self.push("__contextual_datatable ");
                self.expression(id);
                self.push(" ");
                self.schema(columns);
            }
            ExpressionKind::Function(function) => self.function(function),
            ExpressionKind::Body(body) => self.body(body),
            ExpressionKind::EntityGroup(entities) => {
                self.push("entity_group [");
                self.expressions(entities);
                self.push("]");
            }
            _ => {}
        }
    }

    fn segment(&mut self, segment: &Segment) {
        match segment {
            Segment::Member(name) => {
                self.push(".");
                self.name(name);
            }
            Segment::Wildcard { pattern, .. } => {
                self.push(".");
                self.push(pattern);
            }
            Segment::Call(call) => {
                self.push(".");
                self.call(call);
            }
            Segment::Index(index) => {
                self.push("[");
                self.expression(index);
                self.push("]");
            }
        }
    }

    fn options(&mut self, options: &[Setting]) {
        for option in options {
            self.push(" ");
            self.setting(option);
        }
    }

    fn subquery(&mut self, operators: &[Operator]) {
        self.push("(");
        self.separated(operators, "\n| ", Self::operator);
        self.push(")");
    }

    fn operator(&mut self, operator: &Operator) {
        self.push(&operator.keyword.text);
        self.options(&operator.options);
        match &operator.kind {
            OperatorKind::As(name) => {
                self.push(" ");
                self.name(name);
            }
            OperatorKind::AssertSchema(columns) => {
                self.push(" ");
                self.schema(columns);
            }
            OperatorKind::Count(Some(name)) => {
                self.push(" as ");
                self.name(name);
            }
            OperatorKind::Consume
            | OperatorKind::Count(None)
            | OperatorKind::ExecuteAndCache
            | OperatorKind::GetSchema
            | OperatorKind::GraphMarkComponents
            | OperatorKind::Error => {}
            OperatorKind::ProjectAway(columns)
            | OperatorKind::ProjectByNames(columns)
            | OperatorKind::ProjectKeep(columns)
            | OperatorKind::Union(columns) => {
                self.push(" ");
                self.expressions(columns);
            }
            OperatorKind::Distinct(columns)
            | OperatorKind::Extend(columns)
            | OperatorKind::Print(columns)
            | OperatorKind::Project(columns)
            | OperatorKind::ProjectRename(columns)
            | OperatorKind::Serialize(columns) => {
                self.push(" ");
                self.named_list(columns);
            }
            OperatorKind::Invoke(expression)
            | OperatorKind::GraphWhereEdges(expression)
            | OperatorKind::GraphWhereNodes(expression)
            | OperatorKind::Sample(expression)
            | OperatorKind::Take(expression)
            | OperatorKind::Where(expression) => {
                self.push(" ");
                self.expression(expression);
            }
            OperatorKind::Join(join) | OperatorKind::Lookup(join) => self.join(join),
            OperatorKind::ProjectReorder(columns) => {
                self.push(" ");
                self.ordered_list(columns);
            }
            OperatorKind::Sort(columns) => {
                self.push(" by ");
                self.ordered_list(columns);
            }
            OperatorKind::SampleDistinct { count, of } => {
                self.push(" ");
                self.expression(count);
                self.push(" of ");
                self.expression(of);
            }
            OperatorKind::Summarize(summarize) => {
                self.push(" ");
                self.named_list(&summarize.aggregates);
                if let Some(by) = &summarize.by {
                    self.push(" by ");
                    self.named_list(by);
                }
                self.optional(" bin = ", summarize.bin.as_ref());
            }
            OperatorKind::Top(top) => {
                self.push(" ");
                self.expression(&top.count);
                self.push(" by ");
                self.ordered_list(&top.by);
            }
            _ => self.rarer_operator(operator),
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each operator")]
    fn rarer_operator(&mut self, operator: &Operator) {
        match &operator.kind {
            OperatorKind::Evaluate(evaluate) => {
                self.push(" ");
                self.call(&evaluate.call);
                if let Some(schema) = &evaluate.schema {
                    self.push(" : (");
                    self.push(match (schema.star, schema.columns.is_empty()) {
                        (true, true) => "*",
                        (true, false) => "*, ",
                        (false, _) => "",
                    });
                    self.separated(&schema.columns, ", ", Self::column);
                    self.push(")");
                }
            }
            OperatorKind::Facet(facet) => {
                self.push(" by ");
                self.expressions(&facet.by);
                if let Some(with) = &facet.with {
                    self.push(" with ");
                    self.subquery(with);
                }
            }
            OperatorKind::Find(find) => {
                self.searched_tables(&find.tables);
                self.optional(" where ", find.predicate.as_ref());
                match &find.output {
                    None => {}
                    Some(FindOutput::ProjectSmart) => self.push(" project-smart"),
                    Some(FindOutput::Project(columns)) => {
                        self.push(" project ");
                        self.separated(columns, ", ", Self::find_column);
                    }
                    Some(FindOutput::ProjectAway(columns)) => {
                        self.push(" project-away ");
                        self.separated(columns, ", ", Self::find_column);
                    }
                }
            }
            OperatorKind::Search(search) => {
                self.searched_tables(&search.tables);
                self.push(" ");
                self.expression(&search.predicate);
            }
            OperatorKind::Fork(branches) => {
                for branch in branches {
                    self.push(" ");
                    if let Some(name) = &branch.name {
                        self.name(name);
                        self.push("=");
                    }
                    self.subquery(&branch.operators);
                }
            }
            OperatorKind::MacroExpand(expand) => {
                self.push(" ");
                self.expression(&expand.group);
                if let Some(scope) = &expand.scope {
                    self.push(" as ");
                    self.name(scope);
                }
                self.push(" (");
                self.separated(&expand.statements, ";\n", Self::statement);
                self.push(")");
            }
            OperatorKind::MvApply(apply) => {
                self.expand_columns(&apply.columns, apply.limit.as_ref());
                if let Some(id) = &apply.id {
                    self.push(" id ");
                    self.literal(id);
                }
                self.push(" on ");
                self.subquery(&apply.operators);
            }
            OperatorKind::MvExpand(expand) => {
                self.expand_columns(&expand.columns, expand.limit.as_ref());
            }
            OperatorKind::Parse(parse) | OperatorKind::ParseWhere(parse) => self.parse(parse),
            OperatorKind::ParseKv(parse) => {
                self.push(" ");
                self.expression(&parse.source);
                self.push(" as ");
                self.schema(&parse.columns);
                self.with(&parse.properties);
            }
            OperatorKind::Partition(partition) => {
                self.push(" by ");
                self.expression(&partition.by);
                self.optional(" in ", partition.scope.as_ref());
                self.push(" ");
                match &partition.body {
                    PartitionBody::Operators(operators) => self.subquery(operators),
                    PartitionBody::Query(query) => {
                        self.push("{ ");
                        self.expression(query);
                        self.push(" }");
                    }
                }
            }
            OperatorKind::Range(range) => {
                self.push(" ");
                self.name(&range.column);
                for (word, value) in [
                    (" from ", &range.from),
                    (" to ", &range.to),
                    (" step ", &range.step),
                ] {
                    self.push(word);
                    self.expression(value);
                }
            }
            OperatorKind::Reduce(reduce) => {
                self.push(" by ");
                self.named(&reduce.by);
                if !reduce.properties.is_empty() {
                    self.push(" with ");
                    self.separated(&reduce.properties, ", ", Self::setting);
                }
            }
            OperatorKind::Render(render) => {
                self.push(" ");
                self.push(&render.chart.text);
                if render.with {
                    self.push(" with (");
                    self.separated(&render.properties, ", ", Self::setting);
                    self.push(")");
                } else {
                    for property in &render.properties {
                        self.push(" ");
                        if matches!(property.name.text.as_str(), "by" | "with") {
                            self.push(&property.name.text);
                            self.push(" ");
                            self.expressions(&property.values);
                        } else {
                            self.setting(property);
                        }
                    }
                }
            }
            OperatorKind::TopHitters(top) => {
                self.push(" ");
                self.expression(&top.count);
                self.push(" of ");
                self.expression(&top.of);
                self.optional(" by ", top.by.as_ref());
            }
            OperatorKind::TopNested(levels) => {
                self.separated(levels, ", top-nested", Self::top_nested_level);
            }
            OperatorKind::MakeSeries(series) => self.make_series(series),
            OperatorKind::Scan(scan) => self.scan(scan),
            _ => self.graph_operator(operator),
        }
    }

    fn join(&mut self, join: &Join) {
        self.push(" ");
        self.expression(&join.right);
        match &join.condition {
            None => {}
            Some(Condition::On(columns)) => {
                self.push(" on ");
                self.expressions(columns);
            }
            Some(Condition::Where(predicate)) => {
                self.push(" where ");
                self.expression(predicate);
            }
        }
    }

    fn searched_tables(&mut self, tables: &[Expression]) {
        if !tables.is_empty() {
            self.push(" in (");
            self.expressions(tables);
            self.push(")");
        }
    }

    fn find_column(&mut self, column: &FindColumn) {
        self.expression(&column.column);
        if let Some(ty) = &column.ty {
            self.push(": ");
            self.push(&ty.text);
        }
    }

    fn expand_columns(&mut self, columns: &[ExpandColumn], limit: Option<&Expression>) {
        self.push(" ");
        self.separated(columns, ", ", |printer, column| {
            printer.named(&column.column);
            if let Some(to) = &column.to {
                printer.push(" to ");
                printer.type_of(to);
            }
        });
        self.optional(" limit ", limit);
    }

    fn parse(&mut self, parse: &Parse) {
        self.push(" ");
        self.expression(&parse.source);
        self.push(" with");
        for part in &parse.pattern {
            self.push(" ");
            match part {
                ParsePart::Star(_) => self.push("*"),
                ParsePart::Text(literal) => self.literal(literal),
                ParsePart::Column { name, ty } => {
                    self.name(name);
                    if let Some(ty) = ty {
                        self.push(": ");
                        self.push(&ty.text);
                    }
                }
            }
        }
    }

    fn top_nested_level(&mut self, level: &TopNestedLevel) {
        self.optional(" ", level.count.as_ref());
        self.push(" of ");
        self.named(&level.of);
        self.optional(" with others = ", level.others.as_ref());
        self.push(" by ");
        self.ordered(&level.by);
    }

    fn make_series(&mut self, series: &MakeSeries) {
        self.push(" ");
        self.separated(&series.aggregates, ", ", |printer, aggregate| {
            printer.named(&aggregate.aggregate);
            printer.optional(" default = ", aggregate.default.as_ref());
        });
        self.push(" on ");
        self.named(&series.on);
        match &series.range {
            SeriesRange::FromToStep { from, to, step } => {
                self.optional(" from ", from.as_deref());
                self.optional(" to ", to.as_deref());
                self.optional(" step ", Some(step));
            }
            SeriesRange::InRange { arguments } => {
                self.push(" in range(");
                self.expressions(arguments);
                self.push(")");
            }
        }
        if !series.by.is_empty() {
            self.push(" by ");
            self.named_list(&series.by);
        }
    }

    fn scan(&mut self, scan: &Scan) {
        if !scan.order_by.is_empty() {
            self.push(" order by ");
            self.ordered_list(&scan.order_by);
        }
        if !scan.partition_by.is_empty() {
            self.push(" partition by ");
            self.expressions(&scan.partition_by);
        }
        if !scan.declare.is_empty() {
            self.push(" declare (");
            self.separated(&scan.declare, ", ", |printer, declaration| {
                printer.column(&declaration.column);
                printer.optional(" = ", declaration.default.as_ref());
            });
            self.push(")");
        }
        self.push(" with (");
        for step in &scan.steps {
            self.push("\nstep ");
            self.name(&step.name);
            if step.optional {
                self.push(" optional");
            }
            if let Some(output) = &step.output {
                self.push(" output=");
                self.push(&output.text);
            }
            self.push(": ");
            self.expression(&step.condition);
            if !step.assignments.is_empty() {
                self.push(" => ");
                self.separated(&step.assignments, ", ", |printer, assignment| {
                    printer.name(&assignment.name);
                    printer.push(" = ");
                    printer.expression(&assignment.value);
                });
            }
            self.push(";");
        }
        self.push(")");
    }

    fn graph_operator(&mut self, operator: &Operator) {
        match &operator.kind {
            OperatorKind::MakeGraph(graph) => self.make_graph(graph),
            OperatorKind::GraphMatch(found) => self.graph_query(
                &found.patterns,
                found.predicate.as_ref(),
                found.project.as_deref(),
            ),
            OperatorKind::GraphShortestPaths(paths) => self.graph_query(
                &paths.patterns,
                paths.predicate.as_ref(),
                paths.project.as_deref(),
            ),
            OperatorKind::GraphToTable(outputs) => {
                self.push(" ");
                self.separated(outputs, ", ", |printer, output| {
                    printer.push(match output.kind {
                        GraphTableKind::Nodes => "nodes",
                        GraphTableKind::Edges => "edges",
                    });
                    if let Some(name) = &output.name {
                        printer.push(" as ");
                        printer.name(name);
                    }
                    printer.options(&output.options);
                });
            }
            _ => {}
        }
    }

    fn make_graph(&mut self, graph: &MakeGraph) {
        self.push(" ");
        self.expression(&graph.source);
        self.push(if graph.directed { " --> " } else { " -- " });
        self.expression(&graph.target);
        if let Some(name) = &graph.with_node_id {
            self.push(" with_node_id=");
            self.name(name);
        }
        if !graph.nodes.is_empty() {
            self.push(" with ");
            self.separated(&graph.nodes, ", ", |printer, node| {
                printer.expression(&node.table);
                printer.push(" on ");
                printer.expression(&node.on);
            });
        }
        if let Some(partitioned) = &graph.partitioned_by {
            self.push(" partitioned-by ");
            self.expression(&partitioned.column);
            self.push(" ");
            self.subquery(&partitioned.operators);
        }
    }

    fn graph_query(
        &mut self,
        patterns: &[GraphPattern],
        predicate: Option<&Expression>,
        project: Option<&[NamedExpression]>,
    ) {
        self.push(" ");
        self.separated(patterns, ", ", |printer, pattern| {
            for part in &pattern.parts {
                printer.graph_part(part);
            }
        });
        self.optional(" where ", predicate);
        if let Some(project) = project {
            self.push(" project ");
            self.named_list(project);
        }
    }

    fn graph_part(&mut self, part: &GraphPart) {
        match part {
            GraphPart::Node(node) => {
                self.push("(");
                if let Some(name) = &node.name {
                    self.name(name);
                }
                self.push(")");
            }
            GraphPart::Edge(edge) => {
                self.push(if edge.to_left { "<-" } else { "-" });
                if edge.name.is_some() || edge.range.is_some() {
                    self.push("[");
                    if let Some(name) = &edge.name {
                        self.name(name);
                    }
                    if let Some(range) = &edge.range {
                        self.push("*");
                        self.expression(&range.0);
                        self.push("..");
                        self.expression(&range.1);
                    }
                    self.push("]");
                }
                self.push(if edge.to_right { "->" } else { "-" });
            }
        }
    }
}
