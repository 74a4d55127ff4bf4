//! The layout of statements and functions.

use crate::lexer::TokenKind;
use crate::tree::{
    Body, ColumnDeclaration, DeclarePattern, ExpressionKind, Function, Let, Parameter,
    ParameterType, PatternCase, Query, Statement, StatementKind,
};

use super::layout::{Blanks, Layout};

impl Layout<'_> {
    pub(super) fn query(&mut self, query: &Query) {
        self.first_statement();
        for (index, _) in query.directives.iter().enumerate() {
            if index > 0 {
                self.statement_break();
            }
            self.token();
        }
        if !query.directives.is_empty() {
            self.statement_break();
        }
        self.statements(&query.statements);
        self.statement_break();
    }

    pub(super) fn statements(&mut self, statements: &[Statement]) {
        for (index, statement) in statements.iter().enumerate() {
            if index > 0 {
                self.statement_break();
            }
            self.catch_up(statement.span.start);
            self.statement(statement);
            if self.kind() == TokenKind::Semicolon {
                self.token();
            }
        }
    }

    fn statement(&mut self, statement: &Statement) {
        match &statement.kind {
            StatementKind::Expression(expression) => self.expression(expression),
            StatementKind::Let(binding) => self.let_statement(binding),
            StatementKind::Set(set) => {
                self.token();
                self.space();
                self.name(&set.name);
                if let Some(value) = &set.value {
                    self.spaced_token();
                    self.expression(value);
                }
            }
            StatementKind::Alias { name, database } => {
                self.token();
                self.space();
                self.token();
                self.space();
                self.name(name);
                self.spaced_token();
                self.expression(database);
            }
            StatementKind::QueryParameters(parameters) => {
                self.token();
                self.space();
                self.token();
                self.parameters(parameters);
            }
            StatementKind::Pattern(pattern) => self.pattern(pattern),
            StatementKind::Restrict {
                entities,
                properties,
            } => {
                for _ in ["restrict", "access", "to"] {
                    self.token();
                    self.space();
                }
                self.enclosed(|layout| layout.list(entities, Self::expression));
                self.with(properties);
            }
        }
    }

    /// A token with a blank on both sides.
    pub(super) fn spaced_token(&mut self) {
        self.space();
        self.token();
        self.space();
    }

    fn let_statement(&mut self, binding: &Let) {
        self.token();
        self.space();
        self.name(&binding.name);
        self.space();
        self.token();
        if matches!(&binding.value.kind, ExpressionKind::Pipe(_)) {
            self.indent(|layout| {
                layout.hard();
                layout.expression(&binding.value);
            });
        } else {
            self.space();
            self.expression(&binding.value);
        }
    }

    fn pattern(&mut self, pattern: &DeclarePattern) {
        self.token();
        self.space();
        self.token();
        self.space();
        self.name(&pattern.name);
        if !pattern.defined {
            return;
        }
        self.spaced_token();
        self.parameters(&pattern.parameters);
        if let Some(path) = &pattern.path {
            self.enclosed(|layout| layout.parameter(path));
        }
        self.space();
        self.enclosed_by(Self::hard, |layout| {
            for (index, case) in pattern.cases.iter().enumerate() {
                if index > 0 {
                    layout.hard();
                }
                layout.pattern_case(case);
            }
        });
    }

    fn pattern_case(&mut self, case: &PatternCase) {
        self.enclosed(|layout| layout.list(&case.arguments, Self::literal));
        if let Some(path) = &case.path {
            self.token();
            self.enclosed(|layout| layout.literal(path));
        }
        self.spaced_token();
        self.body(&case.body);
        if self.kind() == TokenKind::Semicolon {
            self.token();
        }
    }

    pub(super) fn parameters(&mut self, parameters: &[Parameter]) {
        self.enclosed(|layout| layout.list(parameters, Self::parameter));
    }

    fn parameter(&mut self, parameter: &Parameter) {
        self.name(&parameter.name);
        self.token();
        self.space();
        match &parameter.ty {
            ParameterType::Scalar(name) => self.name(name),
            ParameterType::Table(columns) => self.schema(columns),
            ParameterType::AnyTable => self.enclosed(Self::token),
        }
        if let Some(default) = &parameter.default {
            self.spaced_token();
            self.expression(default);
        }
    }

    pub(super) fn schema(&mut self, columns: &[ColumnDeclaration]) {
        self.enclosed(|layout| layout.list(columns, Self::column));
    }

    pub(super) fn column(&mut self, column: &ColumnDeclaration) {
        self.name(&column.name);
        self.token();
        self.space();
        self.name(&column.ty);
    }

    pub(super) fn function(&mut self, function: &Function) {
        if function.view {
            self.token();
            self.space();
        }
        self.parameters(&function.parameters);
        self.space();
        self.body(&function.body);
    }

    pub(super) fn body(&mut self, body: &Body) {
        // Nothing stands between the braces of an empty body.
        let edge = if body.statements.is_empty() {
            Self::bare_soft
        } else {
            Self::bare_line
        };
        self.enclosed_statements(edge, &body.statements);
    }

    /// Statements between brackets, where blank lines may stay.
    pub(super) fn enclosed_statements(&mut self, edge: fn(&mut Self), statements: &[Statement]) {
        self.group(|layout| {
            layout.token();
            layout.indent(|layout| {
                edge(layout);
                layout.first_statement();
                layout.statements(statements);
                layout.closing_comments(Blanks::All);
            });
            edge(layout);
            layout.token();
        });
    }
}
