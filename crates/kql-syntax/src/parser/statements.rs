//! Statements, functions and the whole query.

use super::{BRACE, BRACKET, PARENTHESIS, Parsed, Parser, expression};
use crate::diagnostic::Diagnostic;
use crate::keywords::Freedom;
use crate::lexer::TokenKind;
use crate::span::Span;
use crate::tree::{
    Body, DeclarePattern, Expression, ExpressionKind, Function, Let, Literal, Parameter,
    ParameterType, PatternCase, Query, Set, Statement, StatementKind,
};

impl Parser<'_> {
    pub(super) fn query(&mut self) -> Query {
        let start = self.span().start;
        let mut directives = Vec::new();
        while self.kind() == TokenKind::Directive {
            let token = self.advance();
            directives.push(self.name_of(token));
        }
        let statements = self.statements(TokenKind::End).unwrap_or_default();
        if statements.is_empty() && self.diagnostics.is_empty() {
            self.complain(Diagnostic::new(Span::at(0), "the query is empty"));
        }
        Query {
            statements,
            directives,
            span: self.since(start),
        }
    }

    /// Statements up to `end`, which is left standing.
    pub(super) fn statements(&mut self, end: TokenKind) -> Parsed<Vec<Statement>> {
        let mut statements = Vec::new();
        while self.kind() != end {
            let (first, start) = (self.position, self.span().start);
            match self.statement() {
                Ok(kind) => statements.push(Statement {
                    kind,
                    span: self.since(start),
                }),
                Err(failed) => {
                    self.skip_from(first, &[TokenKind::Semicolon]);
                    if end != TokenKind::End && self.kind() != TokenKind::Semicolon {
                        return Err(failed);
                    }
                }
            }
            if self.eat(TokenKind::Semicolon) || self.kind() == end {
                continue;
            }
            if self.kind() == TokenKind::End {
                return Ok(statements);
            }
            let diagnostic = self.after_statement(first);
            let failed = self.complain(diagnostic);
            if end != TokenKind::End {
                return Err(failed);
            }
            // A bracket too many would otherwise stop the rest from being read.
            while self.kind() != TokenKind::Semicolon && self.kind() != TokenKind::End {
                self.skip_to(&[TokenKind::Semicolon]);
                if self.kind() != TokenKind::Semicolon {
                    self.advance();
                }
            }
            self.eat(TokenKind::Semicolon);
        }
        Ok(statements)
    }

    fn after_statement(&self, first: usize) -> Diagnostic {
        let closes = matches!(
            self.kind(),
            TokenKind::CloseParenthesis | TokenKind::CloseBracket | TokenKind::CloseBrace
        );
        if closes {
            let bracket = self.slice(self.token());
            return Diagnostic::new(self.span(), format!("this `{bracket}` closes nothing"));
        }
        let diagnostic = self.expectation("`;` or `|`");
        if let Some(hint) = self.statement_elsewhere(first) {
            return diagnostic.with_hint(hint);
        }
        if self.kind() == TokenKind::Word {
            return diagnostic.or_hint("operators stand after a `|`, statements after a `;`");
        }
        diagnostic
    }

    fn statement(&mut self) -> Parsed<StatementKind> {
        self.enter()?;
        let result = self.any_statement();
        self.leave();
        result
    }

    fn any_statement(&mut self) -> Parsed<StatementKind> {
        let next = self.word_ahead(1);
        match self.word() {
            "let" if self.name_length(1, Freedom::Bracketed) > 0 => self.let_statement(),
            "set" => self.set_statement(),
            "alias" if next == "database" => self.alias(),
            "declare" if next == "query_parameters" => {
                self.advance();
                self.advance();
                Ok(StatementKind::QueryParameters(self.parameters()?))
            }
            "declare" if next == "pattern" => self.declare_pattern(),
            "restrict" if next == "access" => self.restrict(),
            _ if self.kind() == TokenKind::Semicolon => Err(self.expected("a statement")),
            _ => Ok(StatementKind::Expression(self.pipe()?)),
        }
    }

    fn let_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        let name = self.name()?;
        self.expect(TokenKind::Assign, "`=`")?;
        let value = if self.at_function() {
            self.function()?
        } else {
            self.pipe()?
        };
        Ok(StatementKind::Let(Let { name, value }))
    }

    fn set_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        let name = self.any_name()?;
        let value = if self.eat(TokenKind::Assign) {
            Some(self.setting_value()?)
        } else {
            None
        };
        Ok(StatementKind::Set(Set { name, value }))
    }

    fn alias(&mut self) -> Parsed<StatementKind> {
        self.advance();
        self.advance();
        let name = self.name()?;
        self.expect(TokenKind::Assign, "`=`")?;
        Ok(StatementKind::Alias {
            name,
            database: self.expression()?,
        })
    }

    fn restrict(&mut self) -> Parsed<StatementKind> {
        self.advance();
        self.advance();
        self.expect_word("to")?;
        let open = self.expect(TokenKind::OpenParenthesis, "`(`")?;
        let entities = self.list(Self::table_reference)?;
        self.expect_close(open.span, PARENTHESIS.0, "`,` or `)`")?;
        let properties = if self.eat_word("with") {
            self.properties()?
        } else {
            Vec::new()
        };
        Ok(StatementKind::Restrict {
            entities,
            properties,
        })
    }

    /// Whether `(a: …) {`, `() {` or `view (` stands here.
    fn at_function(&self) -> bool {
        let open = usize::from(self.word() == "view");
        if self.kind_ahead(open) != TokenKind::OpenParenthesis {
            return false;
        }
        if matches!(
            self.kind_ahead(open + 1),
            TokenKind::CloseParenthesis | TokenKind::Star
        ) {
            return true;
        }
        let length = self.name_length(open + 1, Freedom::Given);
        length > 0 && self.kind_ahead(open + 1 + length) == TokenKind::Colon
    }

    fn function(&mut self) -> Parsed<Expression> {
        let start = self.span().start;
        let view = self.eat_word("view");
        let parameters = self.parameters()?;
        let body = self.body()?;
        let function = Function {
            view,
            parameters,
            body,
        };
        Ok(expression(
            ExpressionKind::Function(Box::new(function)),
            self.since(start),
        ))
    }

    fn body(&mut self) -> Parsed<Body> {
        let open = self.expect(TokenKind::OpenBrace, "`{`")?;
        let statements = self.statements(TokenKind::CloseBrace)?;
        self.expect_close(open.span, BRACE.0, "`;` or `}`")?;
        Ok(Body {
            statements,
            span: self.since(open.span.start),
        })
    }

    fn parameters(&mut self) -> Parsed<Vec<Parameter>> {
        let open = self.expect(TokenKind::OpenParenthesis, "`(`")?;
        self.list_until(open.span, PARENTHESIS, false, Self::parameter)
    }

    fn parameter(&mut self) -> Parsed<Parameter> {
        let name = self.given_name()?;
        let start = name.span.start;
        self.expect(TokenKind::Colon, "`:` and a type")?;
        let ty = if self.kind() != TokenKind::OpenParenthesis {
            ParameterType::Scalar(self.type_name()?)
        } else if self.kind_ahead(1) == TokenKind::Star {
            let open = self.advance();
            self.advance();
            self.expect_close(open.span, PARENTHESIS.0, PARENTHESIS.1)?;
            ParameterType::AnyTable
        } else {
            ParameterType::Table(self.schema()?)
        };
        let default = if self.eat(TokenKind::Assign) {
            Some(self.signed()?)
        } else {
            None
        };
        Ok(Parameter {
            name,
            ty,
            default,
            span: self.since(start),
        })
    }

    fn declare_pattern(&mut self) -> Parsed<StatementKind> {
        self.advance();
        self.advance();
        let name = self.name()?;
        let mut pattern = DeclarePattern {
            name,
            parameters: Vec::new(),
            path: None,
            cases: Vec::new(),
            defined: self.eat(TokenKind::Assign),
        };
        if pattern.defined {
            pattern.parameters = self.parameters()?;
            if self.kind() == TokenKind::OpenBracket {
                let open = self.advance();
                pattern.path = Some(self.parameter()?);
                self.expect_close(open.span, BRACKET.0, BRACKET.1)?;
            }
            let open = self.expect(TokenKind::OpenBrace, "`{`")?;
            while self.kind() == TokenKind::OpenParenthesis {
                pattern.cases.push(self.pattern_case()?);
            }
            self.expect_close(open.span, BRACE.0, "`(` or `}`")?;
        }
        Ok(StatementKind::Pattern(pattern))
    }

    fn pattern_case(&mut self) -> Parsed<PatternCase> {
        let open = self.advance();
        let arguments = self.list_until(open.span, PARENTHESIS, false, Self::pattern_value)?;
        let path = if self.eat(TokenKind::Dot) {
            let open = self.expect(TokenKind::OpenBracket, "`[`")?;
            let value = self.pattern_value()?;
            self.expect_close(open.span, BRACKET.0, BRACKET.1)?;
            Some(value)
        } else {
            None
        };
        self.expect(TokenKind::Assign, "`=`")?;
        let body = self.body()?;
        self.eat(TokenKind::Semicolon);
        Ok(PatternCase {
            arguments,
            path,
            body,
        })
    }

    fn pattern_value(&mut self) -> Parsed<Literal> {
        if self.at_literal() {
            self.literal()
        } else {
            Err(self.expected("a literal"))
        }
    }
}
