//! The layout of the operators with a grammar of their own.

use crate::lexer::TokenKind;
use crate::tree::{
    Evaluate, ExpandColumn, Expression, Find, FindColumn, FindOutput, ForkBranch, GraphPart,
    GraphPattern, GraphTable, MacroExpand, MakeGraph, MakeSeries, MvApply, NamedExpression,
    OperatorKind, Parse, ParsePart, Partition, PartitionBody, Range, Render, Scan, ScanStep,
    SeriesAggregate, SeriesRange, TopNestedLevel,
};

use super::expressions::Place;
use super::layout::Layout;

impl Layout<'_> {
    pub(super) fn rare_operands(&mut self, kind: &OperatorKind) {
        match kind {
            OperatorKind::Evaluate(evaluate) => self.evaluate(evaluate),
            OperatorKind::Facet(facet) => {
                self.space();
                self.token();
                self.block(&facet.by, Self::expression);
                if let Some(with) = &facet.with {
                    self.spaced_token();
                    if self.kind() == TokenKind::OpenParenthesis {
                        self.subquery(with);
                    } else {
                        for operator in with {
                            self.operator(operator);
                        }
                    }
                }
            }
            OperatorKind::Find(find) => self.find(find),
            OperatorKind::Search(search) => {
                self.searched_tables(&search.tables);
                self.space();
                self.expression(&search.predicate);
            }
            OperatorKind::Fork(branches) => self.fork(branches),
            OperatorKind::MacroExpand(expand) => self.macro_expand(expand),
            OperatorKind::MakeSeries(series) => self.make_series(series),
            OperatorKind::MvApply(apply) => self.mv_apply(apply),
            OperatorKind::MvExpand(expand) => {
                self.block(&expand.columns, Self::expand_column);
                if let Some(limit) = &expand.limit {
                    self.introduced(limit);
                }
            }
            OperatorKind::Parse(parse) | OperatorKind::ParseWhere(parse) => self.parse(parse),
            OperatorKind::ParseKv(parse) => {
                self.space();
                self.expression(&parse.source);
                self.spaced_token();
                self.schema(&parse.columns);
                self.with(&parse.properties);
            }
            OperatorKind::Partition(partition) => self.partition(partition),
            OperatorKind::Range(range) => self.range(range),
            OperatorKind::Reduce(reduce) => {
                self.spaced_token();
                self.named(&reduce.by);
                if !reduce.properties.is_empty() {
                    self.space();
                    self.token();
                    self.block(&reduce.properties, Self::setting);
                }
            }
            OperatorKind::Render(render) => self.render(render),
            OperatorKind::SampleDistinct { count, of } => {
                self.space();
                self.expression(count);
                self.introduced(of);
            }
            OperatorKind::Scan(scan) => self.scan(scan),
            OperatorKind::TopHitters(top) => {
                self.space();
                self.expression(&top.count);
                self.introduced(&top.of);
                if let Some(by) = &top.by {
                    self.introduced(by);
                }
            }
            OperatorKind::TopNested(levels) => self.indent(|layout| {
                layout.list(levels, Self::top_nested_level);
            }),
            _ => self.graph_operands(kind),
        }
    }

    fn evaluate(&mut self, evaluate: &Evaluate) {
        self.space();
        self.call(&evaluate.call);
        let Some(schema) = &evaluate.schema else {
            return;
        };
        self.spaced_token();
        self.enclosed(|layout| {
            if schema.star {
                layout.token();
                if layout.kind() == TokenKind::Comma {
                    layout.token();
                    layout.line();
                }
            }
            layout.list(&schema.columns, Self::column);
        });
    }

    fn find(&mut self, find: &Find) {
        self.searched_tables(&find.tables);
        self.indent(|layout| {
            if let Some(predicate) = &find.predicate {
                layout.line();
                if layout.at_word("where") {
                    layout.token();
                    layout.space();
                }
                layout.expression(predicate);
            }
            match &find.output {
                None => {}
                Some(FindOutput::ProjectSmart) => {
                    layout.line();
                    layout.token();
                }
                Some(FindOutput::Project(columns) | FindOutput::ProjectAway(columns)) => {
                    layout.line();
                    layout.token();
                    layout.block(columns, Self::find_column);
                }
            }
        });
    }

    fn find_column(&mut self, column: &FindColumn) {
        self.expression(&column.column);
        if let Some(ty) = &column.ty {
            self.token();
            self.space();
            self.name(ty);
        }
    }

    fn fork(&mut self, branches: &[ForkBranch]) {
        self.indent(|layout| {
            for branch in branches {
                layout.line();
                if let Some(name) = &branch.name {
                    layout.name(name);
                    layout.spaced_token();
                }
                layout.subquery(&branch.operators);
            }
        });
    }

    fn macro_expand(&mut self, expand: &MacroExpand) {
        self.space();
        self.expression(&expand.group);
        if let Some(scope) = &expand.scope {
            self.spaced_token();
            self.name(scope);
        }
        self.space();
        self.enclosed_statements(Self::bare_soft, &expand.statements);
    }

    fn make_series(&mut self, series: &MakeSeries) {
        let aggregate = |layout: &mut Self, aggregate: &SeriesAggregate| {
            layout.named(&aggregate.aggregate);
            if let Some(default) = &aggregate.default {
                layout.space();
                layout.token();
                layout.token();
                layout.expression(default);
            }
        };
        match series.aggregates.as_slice() {
            [only] => self.indent(|layout| {
                layout.space();
                aggregate(layout, only);
            }),
            several => self.block(several, aggregate),
        }
        self.indent(|layout| {
            layout.clause();
            layout.named(&series.on);
            match &series.range {
                SeriesRange::FromToStep { from, to, step } => layout.group(|layout| {
                    layout.indent(|layout| {
                        let bounds = [from.as_deref(), to.as_deref(), Some(step.as_ref())];
                        for value in bounds.into_iter().flatten() {
                            layout.clause();
                            layout.expression(value);
                        }
                    });
                }),
                SeriesRange::InRange { arguments } => {
                    layout.spaced_token();
                    layout.token();
                    layout.enclosed(|layout| layout.list(arguments, Self::expression));
                }
            }
            layout.by_line(&series.by);
        });
    }

    fn mv_apply(&mut self, apply: &MvApply) {
        self.block(&apply.columns, Self::expand_column);
        if let Some(limit) = &apply.limit {
            self.introduced(limit);
        }
        if let Some(id) = &apply.id {
            self.spaced_token();
            self.literal(id);
        }
        self.spaced_token();
        self.subquery(&apply.operators);
    }

    fn expand_column(&mut self, column: &ExpandColumn) {
        self.named(&column.column);
        if let Some(to) = &column.to {
            self.spaced_token();
            self.type_of(to);
        }
    }

    /// A line may end after each column: `"text" column: type`.
    fn parse(&mut self, parse: &Parse) {
        self.space();
        self.expression(&parse.source);
        self.space();
        self.token();
        self.indent(|layout| {
            let mut after_column = true;
            for part in &parse.pattern {
                let is_column = matches!(part, ParsePart::Column { .. });
                if after_column && !is_column {
                    layout.line();
                } else {
                    layout.space();
                }
                match part {
                    ParsePart::Star(_) => layout.token(),
                    ParsePart::Text(literal) => layout.literal(literal),
                    ParsePart::Column { name, ty } => {
                        layout.name(name);
                        if let Some(ty) = ty {
                            layout.token();
                            layout.space();
                            layout.name(ty);
                        }
                    }
                }
                after_column = is_column;
            }
        });
    }

    fn partition(&mut self, partition: &Partition) {
        self.introduced(&partition.by);
        if let Some(scope) = &partition.scope {
            self.introduced(scope);
        }
        self.space();
        match &partition.body {
            PartitionBody::Operators(operators) => self.subquery(operators),
            PartitionBody::Query(query) => {
                self.enclosed_by(Self::line, |layout| {
                    layout.expression_in(Place::Alone, query);
                });
            }
        }
    }

    fn range(&mut self, range: &Range) {
        self.space();
        self.name(&range.column);
        self.indent(|layout| {
            for value in [&range.from, &range.to, &range.step] {
                layout.clause();
                layout.expression(value);
            }
        });
    }

    fn render(&mut self, render: &Render) {
        self.space();
        self.name(&render.chart);
        let mut properties = render.properties.as_slice();
        // The old form has its properties without brackets, perhaps before those with.
        while let [property, rest @ ..] = properties
            && !(render.with && self.at_word("with"))
        {
            self.space();
            self.setting(property);
            self.leave_out(TokenKind::Comma);
            properties = rest;
        }
        self.with(properties);
    }

    fn scan(&mut self, scan: &Scan) {
        self.indent(|layout| {
            if !scan.order_by.is_empty() {
                layout.clause();
                layout.token();
                layout.block(&scan.order_by, Self::ordered);
            }
            if !scan.partition_by.is_empty() {
                layout.clause();
                layout.token();
                layout.block(&scan.partition_by, Self::expression);
            }
            if layout.at_word("declare") {
                layout.clause();
                layout.enclosed(|layout| {
                    layout.list(&scan.declare, |layout, declaration| {
                        layout.column(&declaration.column);
                        if let Some(default) = &declaration.default {
                            layout.introduced(default);
                        }
                    });
                });
            }
        });
        // The steps stand in lines of their own, and so the bracket ends a line anyway.
        self.space();
        self.token();
        self.space();
        self.enclosed_by(Self::hard, |layout| {
            for (index, step) in scan.steps.iter().enumerate() {
                if index > 0 {
                    layout.hard();
                }
                layout.scan_step(step);
            }
        });
    }

    fn scan_step(&mut self, step: &ScanStep) {
        self.group(|layout| {
            layout.token();
            layout.space();
            layout.name(&step.name);
            if step.optional {
                layout.space();
                layout.token();
            }
            if let Some(output) = &step.output {
                layout.space();
                layout.token();
                layout.token();
                layout.name(output);
            }
            layout.token();
            layout.space();
            layout.expression(&step.condition);
            if !step.assignments.is_empty() {
                layout.indent(|layout| {
                    layout.clause();
                    layout.group(|layout| {
                        layout.indent(|layout| {
                            layout.list(&step.assignments, |layout, assignment| {
                                layout.name(&assignment.name);
                                layout.introduced(&assignment.value);
                            });
                        });
                    });
                });
            }
            layout.token();
        });
    }

    fn top_nested_level(&mut self, level: &TopNestedLevel) {
        if self.at_word("top-nested") {
            self.token();
        }
        if let Some(count) = &level.count {
            self.space();
            self.expression(count);
        }
        self.spaced_token();
        self.named(&level.of);
        if let Some(others) = &level.others {
            self.spaced_token();
            self.token();
            self.introduced(others);
        }
        self.spaced_token();
        self.ordered(&level.by);
    }

    fn graph_operands(&mut self, kind: &OperatorKind) {
        match kind {
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
            OperatorKind::GraphToTable(outputs) => self.block(outputs, Self::graph_table),
            _ => {}
        }
    }

    fn graph_table(&mut self, output: &GraphTable) {
        self.token();
        if let Some(name) = &output.name {
            self.spaced_token();
            self.name(name);
        }
        self.settings(&output.options);
    }

    fn make_graph(&mut self, graph: &MakeGraph) {
        self.space();
        self.expression(&graph.source);
        self.space();
        self.tokens_to(graph.target.span.start);
        self.space();
        self.expression(&graph.target);
        if let Some(name) = &graph.with_node_id {
            self.space();
            self.token();
            self.token();
            self.name(name);
        }
        if !graph.nodes.is_empty() {
            self.indent(|layout| {
                layout.line();
                layout.token();
                layout.block(&graph.nodes, |layout, node| {
                    layout.expression(&node.table);
                    layout.introduced(&node.on);
                });
            });
        }
        if let Some(partitioned) = &graph.partitioned_by {
            self.introduced(&partitioned.column);
            self.space();
            self.subquery(&partitioned.operators);
        }
    }

    fn graph_query(
        &mut self,
        patterns: &[GraphPattern],
        predicate: Option<&Expression>,
        project: Option<&[NamedExpression]>,
    ) {
        self.block(patterns, |layout, pattern| {
            for part in &pattern.parts {
                layout.tokens_to(match part {
                    GraphPart::Node(node) => node.span.end,
                    GraphPart::Edge(edge) => edge.span.end,
                });
            }
        });
        self.indent(|layout| {
            if let Some(predicate) = predicate {
                layout.clause();
                layout.expression(predicate);
            }
            if let Some(project) = project {
                layout.line();
                layout.token();
                layout.block(project, Self::named);
            }
        });
    }
}
