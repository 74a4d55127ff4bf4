//! The layout of the operators that most queries consist of.

use crate::tree::{
    Condition, Expression, ExpressionKind, Join, NamedExpression, Operator, OperatorKind, Summarize,
};

use super::layout::Layout;

impl Layout<'_> {
    /// An operator from its keyword on.
    pub(super) fn operator(&mut self, operator: &Operator) {
        self.group(|layout| {
            layout.name(&operator.keyword);
            layout.settings(&operator.options);
            layout.operands(&operator.kind);
        });
        self.tokens_to(operator.span.end);
    }

    fn operands(&mut self, kind: &OperatorKind) {
        match kind {
            OperatorKind::As(name) => {
                self.space();
                self.name(name);
            }
            OperatorKind::Count(Some(name)) => {
                self.spaced_token();
                self.name(name);
            }
            OperatorKind::Consume
            | OperatorKind::Count(None)
            | OperatorKind::ExecuteAndCache
            | OperatorKind::GetSchema
            | OperatorKind::GraphMarkComponents
            | OperatorKind::Error => {}
            OperatorKind::AssertSchema(columns) => {
                self.space();
                self.schema(columns);
            }
            OperatorKind::ProjectAway(columns)
            | OperatorKind::ProjectByNames(columns)
            | OperatorKind::ProjectKeep(columns)
            | OperatorKind::Union(columns) => self.block(columns, Self::expression),
            OperatorKind::Distinct(columns)
            | OperatorKind::Extend(columns)
            | OperatorKind::Print(columns)
            | OperatorKind::Project(columns)
            | OperatorKind::ProjectRename(columns)
            | OperatorKind::Serialize(columns) => self.block(columns, Self::named),
            OperatorKind::Invoke(expression)
            | OperatorKind::GraphWhereEdges(expression)
            | OperatorKind::GraphWhereNodes(expression)
            | OperatorKind::Sample(expression)
            | OperatorKind::Take(expression)
            | OperatorKind::Where(expression) => {
                self.space();
                self.expression(expression);
            }
            OperatorKind::Join(join) | OperatorKind::Lookup(join) => self.join(join),
            OperatorKind::ProjectReorder(columns) => self.block(columns, Self::ordered),
            OperatorKind::Sort(columns) => {
                self.space();
                self.token();
                self.block(columns, Self::ordered);
            }
            OperatorKind::Summarize(summarize) => self.summarize(summarize),
            OperatorKind::Top(top) => {
                self.space();
                self.expression(&top.count);
                self.indent(|layout| {
                    layout.line();
                    layout.token();
                    layout.block(&top.by, Self::ordered);
                });
            }
            _ => self.rare_operands(kind),
        }
    }

    fn join(&mut self, join: &Join) {
        self.space();
        self.expression(&join.right);
        // After a bracket that ends a sub-query the condition goes on in its line.
        let after_bracket = matches!(&join.right.kind, ExpressionKind::Parenthesized(_));
        match &join.condition {
            None => {}
            Some(condition) if after_bracket => {
                self.space();
                self.condition(condition);
            }
            Some(condition) => self.indent(|layout| {
                layout.line();
                layout.condition(condition);
            }),
        }
    }

    fn condition(&mut self, condition: &Condition) {
        self.token();
        match condition {
            Condition::On(columns) => self.block(columns, Self::expression),
            Condition::Where(predicate) => {
                self.space();
                self.expression(predicate);
            }
        }
    }

    fn summarize(&mut self, summarize: &Summarize) {
        let alone = summarize.by.is_none() && summarize.bin.is_none();
        if alone {
            self.block(&summarize.aggregates, Self::named);
            return;
        }
        if summarize.aggregates.is_empty() {
            self.space();
            self.groups(summarize);
            return;
        }
        self.indented_block(&summarize.aggregates);
        self.indent(|layout| {
            layout.line();
            layout.groups(summarize);
        });
    }

    /// A block that other clauses follow: a single piece is indented deeper than they are.
    pub(super) fn indented_block(&mut self, pieces: &[NamedExpression]) {
        match pieces {
            [piece] => self.indent(|layout| {
                layout.space();
                layout.named(piece);
            }),
            _ => self.block(pieces, Self::named),
        }
    }

    /// `by a, b`, and `bin=` after it.
    fn groups(&mut self, summarize: &Summarize) {
        if let Some(by) = &summarize.by {
            self.token();
            self.block(by, Self::named);
        }
        if let Some(bin) = &summarize.bin {
            if summarize.by.is_some() {
                self.space();
            }
            self.token();
            self.spaced_token();
            self.expression(bin);
        }
    }

    /// `by a, b` in a line of its own, if it is there.
    pub(super) fn by_line(&mut self, by: &[NamedExpression]) {
        if !by.is_empty() {
            self.line();
            self.token();
            self.block(by, Self::named);
        }
    }

    /// `operator | operator …` between brackets.
    pub(super) fn subquery(&mut self, operators: &[Operator]) {
        self.enclosed(|layout| {
            for (index, operator) in operators.iter().enumerate() {
                if index > 0 {
                    layout.hard();
                    layout.token();
                    layout.space();
                }
                layout.operator(operator);
            }
        });
    }

    /// `in (A, B)`, if there are tables.
    pub(super) fn searched_tables(&mut self, tables: &[Expression]) {
        if !tables.is_empty() {
            self.spaced_token();
            self.enclosed(|layout| layout.list(tables, Self::expression));
        }
    }

    /// A keyword after a blank and the expression it introduces.
    pub(super) fn introduced(&mut self, expression: &Expression) {
        self.spaced_token();
        self.expression(expression);
    }
}
