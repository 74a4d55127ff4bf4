//! The layout of expressions.

use crate::lexer::{TokenKind, is_typed};
use crate::tree::{
    Argument, Arithmetic, Call, ColumnDeclaration, Comparison, DataTable, Expression,
    ExpressionKind, ExternalData, In, Literal, LiteralValue, Logical, NamedExpression, Ordered,
    Path, Pipe, Segment, Setting, ToScalar, TypeOf, TypeOfColumn,
};

use super::layout::Layout;

/// What an expression has around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Other pieces: the rest of a chain is indented below its first operand.
    Among,
    /// Brackets: a chain has its operands below each other.
    Alone,
    /// Brackets in a scalar expression: also a pipe of one operator may stay in the line.
    Operand,
}

/// Functions whose arguments belong together by twos.
const PAIRED: &[&str] = &["bag_pack", "case", "pack", "pack_dictionary"];

impl Layout<'_> {
    pub(super) fn expression(&mut self, expression: &Expression) {
        self.expression_in(Place::Among, expression);
    }

    pub(super) fn expression_in(&mut self, place: Place, expression: &Expression) {
        self.catch_up(expression.span.start);
        match &expression.kind {
            ExpressionKind::Name(name) => self.name(name),
            ExpressionKind::Literal(literal) => self.literal(literal),
            ExpressionKind::Parenthesized(inner) => {
                let place = match place {
                    Place::Operand => Place::Operand,
                    _ => Place::Alone,
                };
                self.enclosed(|layout| layout.expression_in(place, inner));
            }
            ExpressionKind::Unary(unary) => {
                self.token();
                self.expression(&unary.operand);
            }
            ExpressionKind::Logical(logical) => self.logical(place, logical),
            ExpressionKind::Arithmetic(arithmetic) => self.arithmetic(place, arithmetic),
            ExpressionKind::Comparison(comparison) => self.comparison(comparison),
            ExpressionKind::In(membership) => self.membership(membership),
            ExpressionKind::Between(between) => {
                self.expression(&between.operand);
                self.spaced_token();
                self.enclosed(|layout| {
                    layout.expression(&between.low);
                    layout.clause();
                    layout.expression(&between.high);
                });
            }
            ExpressionKind::Path(path) => self.path(path),
            ExpressionKind::Call(call) => self.call(call),
            ExpressionKind::Pipe(pipe) => self.pipe(place, pipe),
            ExpressionKind::Operator(operator) => self.operator(operator),
            _ => self.compound(expression),
        }
        self.tokens_to(expression.span.end);
    }

    /// The kinds that begin with a keyword; apart to keep stack frames small.
    fn compound(&mut self, expression: &Expression) {
        match &expression.kind {
            ExpressionKind::TypeOf(type_of) => self.type_of(type_of),
            ExpressionKind::ToScalar(value)
            | ExpressionKind::ToTable(value)
            | ExpressionKind::Materialize(value) => self.query_value(value),
            ExpressionKind::DataTable(table) => self.data_table(table),
            ExpressionKind::ExternalData(data) => self.external_data(data),
            ExpressionKind::ContextualDataTable { id, columns } => {
                self.token();
                self.space();
                self.expression(id);
                self.space();
                self.schema(columns);
            }
            ExpressionKind::Function(function) => self.function(function),
            ExpressionKind::Body(body) => self.body(body),
            ExpressionKind::EntityGroup(entities) => {
                self.token();
                self.space();
                self.enclosed(|layout| layout.list(entities, Self::expression));
            }
            // A wildcard is what it is written as.
            _ => self.tokens_to(expression.span.end),
        }
    }

    pub(super) fn literal(&mut self, literal: &Literal) {
        match &literal.value {
            LiteralValue::Dynamic(_) => self.verbatim(literal.span),
            LiteralValue::String { .. } => self.group(|layout| {
                layout.token();
                layout.indent(|layout| {
                    while layout.starts_before(literal.span.end) {
                        layout.line();
                        layout.token();
                    }
                });
            }),
            _ => self.tokens_to(literal.span.end),
        }
    }

    fn logical(&mut self, place: Place, logical: &Logical) {
        let [first, rest @ ..] = logical.operands.as_slice() else {
            return;
        };
        self.chain(place, first, |layout| {
            for operand in rest {
                layout.clause();
                layout.expression(operand);
            }
        });
    }

    fn arithmetic(&mut self, place: Place, arithmetic: &Arithmetic) {
        self.chain(place, &arithmetic.first, |layout| {
            for (_, operand) in &arithmetic.rest {
                layout.clause();
                layout.expression(operand);
            }
        });
    }

    /// A first operand and more operands, each after its operator.
    fn chain(&mut self, place: Place, first: &Expression, rest: impl FnOnce(&mut Self)) {
        self.group(|layout| {
            layout.expression(first);
            if place == Place::Among {
                layout.indent(rest);
            } else {
                rest(layout);
            }
        });
    }

    fn comparison(&mut self, comparison: &Comparison) {
        self.expression(&comparison.left);
        let text = comparison.operator.text();
        if text != ":" {
            self.space();
        }
        if text.contains(' ') {
            self.token();
            self.space();
            self.token();
        } else {
            self.token_as(text);
        }
        self.space();
        self.expression(&comparison.right);
    }

    fn membership(&mut self, membership: &In) {
        self.expression(&membership.left);
        self.space();
        self.token_as(membership.operator.text());
        self.space();
        match membership.right.as_slice() {
            [only] if opens_brackets(only) => self.hugging(only),
            [only] => self.enclosed(|layout| layout.expression_in(Place::Operand, only)),
            values => self.enclosed(|layout| layout.list(values, Self::expression)),
        }
    }

    fn path(&mut self, path: &Path) {
        self.expression(&path.base);
        for segment in &path.segments {
            match segment {
                Segment::Index(index) => {
                    if self.kind() == TokenKind::Dot {
                        self.token();
                    }
                    self.token();
                    self.expression(index);
                }
                Segment::Member(name) => self.name(name),
                Segment::Wildcard { span, .. } => self.tokens_to(span.end),
                Segment::Call(call) => {
                    self.token();
                    self.call(call);
                }
            }
            if matches!(segment, Segment::Index(_)) {
                self.token();
            }
        }
    }

    pub(super) fn call(&mut self, call: &Call) {
        self.name(&call.function);
        if is_typed(&call.function.text) && !call.function.bracketed {
            // `bool (a)` is a call, `bool(a)` would be a literal.
            self.space();
        }
        match call.arguments.as_slice() {
            [only] if only.name.is_none() && opens_brackets(&only.value) => {
                self.hugging(&only.value);
            }
            arguments => {
                let paired = PAIRED.contains(&call.function.text.as_str());
                let place = match arguments {
                    [_] => Place::Alone,
                    _ => Place::Among,
                };
                self.enclosed(|layout| {
                    if paired {
                        layout.pairs(arguments);
                    } else {
                        layout.list(arguments, |layout, argument| {
                            layout.argument(place, argument);
                        });
                    }
                });
            }
        }
    }

    fn argument(&mut self, place: Place, argument: &Argument) {
        if let Some(name) = &argument.name {
            self.name(name);
            self.token();
        }
        self.expression_in(place, &argument.value);
    }

    /// Brackets directly around other brackets, which then do not take lines of their own.
    fn hugging(&mut self, only: &Expression) {
        self.token();
        self.expression_in(Place::Operand, only);
        self.token();
    }

    fn pairs(&mut self, arguments: &[Argument]) {
        let pairs: Vec<_> = arguments.chunks(2).collect();
        self.list(&pairs, |layout, pair| {
            layout.group(|layout| {
                layout.indent(|layout| {
                    layout.list(pair, |layout, argument| {
                        layout.argument(Place::Among, argument);
                    });
                });
            });
        });
    }

    pub(super) fn pipe(&mut self, place: Place, pipe: &Pipe) {
        self.expression(&pipe.source);
        let in_line = place == Place::Operand && pipe.operators.len() == 1;
        for operator in &pipe.operators {
            if in_line {
                self.line();
            } else {
                self.hard();
            }
            self.token();
            self.space();
            self.operator(operator);
        }
    }

    fn query_value(&mut self, value: &ToScalar) {
        self.token();
        self.settings(&value.options);
        self.enclosed(|layout| layout.expression_in(Place::Operand, &value.query));
    }

    pub(super) fn type_of(&mut self, type_of: &TypeOf) {
        self.token();
        self.enclosed(|layout| {
            layout.list(&type_of.columns, |layout, column| match column {
                TypeOfColumn::Type(name) => layout.name(name),
                TypeOfColumn::Star => layout.token(),
                TypeOfColumn::Column(column) => layout.column(column),
            });
        });
    }

    fn data_table(&mut self, table: &DataTable) {
        self.token();
        self.options_and_schema(&table.options, &table.columns);
        let width = table.columns.len().max(1);
        let rows: Vec<_> = table.values.chunks(width).collect();
        let edge = if rows.len() > 1 {
            Self::hard
        } else {
            Self::soft
        };
        self.enclosed_by(edge, |layout| {
            for (index, row) in rows.iter().enumerate() {
                if index > 0 {
                    layout.token();
                    layout.hard();
                }
                layout.row(row);
            }
        });
    }

    /// The cells of a row stay in its line however long that is: broken, it is no table.
    fn row(&mut self, cells: &[Expression]) {
        for (index, cell) in cells.iter().enumerate() {
            if index > 0 {
                self.token();
                self.space();
            }
            self.expression(cell);
        }
    }

    fn external_data(&mut self, data: &ExternalData) {
        self.token_as("externaldata");
        self.options_and_schema(&data.options, &data.columns);
        self.enclosed(|layout| layout.list(&data.sources, Self::expression));
        self.with(&data.properties);
    }

    fn options_and_schema(&mut self, options: &[Setting], columns: &[ColumnDeclaration]) {
        self.settings(options);
        if !options.is_empty() {
            self.space();
        }
        self.schema(columns);
        self.space();
    }

    /// `with (a=b)`, if it is there.
    pub(super) fn with(&mut self, properties: &[Setting]) {
        if self.at_word("with") {
            self.spaced_token();
            self.enclosed(|layout| layout.list(properties, Self::setting));
        }
    }

    /// The options after a keyword, each after a blank.
    pub(super) fn settings(&mut self, settings: &[Setting]) {
        for (index, setting) in settings.iter().enumerate() {
            if index > 0 {
                self.leave_out(TokenKind::Comma);
            }
            self.space();
            self.setting(setting);
        }
    }

    pub(super) fn setting(&mut self, setting: &Setting) {
        self.name(&setting.name);
        if self.kind() == TokenKind::Assign {
            self.token();
        } else {
            self.space();
        }
        for (index, value) in setting.values.iter().enumerate() {
            if index > 0 {
                self.token();
                self.space();
            }
            self.expression(value);
        }
    }

    pub(super) fn named(&mut self, named: &NamedExpression) {
        if !named.names.is_empty() {
            if named.names_in_parentheses {
                self.enclosed(|layout| layout.list(&named.names, Self::name));
            } else {
                named.names.iter().for_each(|name| self.name(name));
            }
            self.spaced_token();
        }
        self.expression(&named.expression);
    }

    pub(super) fn ordered(&mut self, ordered: &Ordered) {
        self.named(&ordered.column);
        while self.starts_before(ordered.span.end) {
            self.space();
            self.token();
        }
    }
}

/// Whether all of `expression` that can break is inside its brackets.
fn opens_brackets(expression: &Expression) -> bool {
    match &expression.kind {
        ExpressionKind::Call(call) => !call.arguments.is_empty(),
        ExpressionKind::Parenthesized(_)
        | ExpressionKind::ToScalar(_)
        | ExpressionKind::ToTable(_)
        | ExpressionKind::Materialize(_) => true,
        _ => false,
    }
}
