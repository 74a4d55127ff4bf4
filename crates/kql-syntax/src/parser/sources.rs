//! Where rows come from, and the operators about whole tables.

use super::operators::Read;
use super::{BRACKET, PARENTHESIS, Parsed, Parser, expression};
use crate::lexer::TokenKind;
use crate::tree::{
    DataTable, Evaluate, EvaluateSchema, Expression, ExpressionKind, ExternalData, OperatorKind,
    Range, Render, Segment, Setting,
};

impl Parser<'_> {
    pub(super) fn data_table(&mut self) -> Parsed<Expression> {
        let start = self.advance().span.start;
        let options = self.settings()?;
        let columns = self.schema()?;
        let open = self.expect(TokenKind::OpenBracket, "`[`")?;
        let values = self.list_until(open.span, BRACKET, true, Self::cell)?;
        let table = DataTable {
            options,
            columns,
            values,
        };
        Ok(expression(
            ExpressionKind::DataTable(Box::new(table)),
            self.since(start),
        ))
    }

    /// A literal, perhaps with a sign: cells are not computed.
    fn cell(&mut self) -> Parsed<Expression> {
        let signed = matches!(self.kind(), TokenKind::Minus | TokenKind::Plus)
            && matches!(
                self.kind_ahead(1),
                TokenKind::Long | TokenKind::Real | TokenKind::TimeSpan
            );
        if !signed && !self.at_literal() {
            return Err(self.expected("a literal"));
        }
        self.signed()
    }

    pub(super) fn external_data(&mut self) -> Parsed<Expression> {
        let start = self.advance().span.start;
        let options = self.settings()?;
        let columns = self.schema()?;
        let open = self.expect(TokenKind::OpenBracket, "`[`")?;
        let sources = self.list_until(open.span, BRACKET, true, Self::expression)?;
        let properties = if self.eat_word("with") {
            self.properties()?
        } else {
            Vec::new()
        };
        let data = ExternalData {
            options,
            columns,
            sources,
            properties,
        };
        Ok(expression(
            ExpressionKind::ExternalData(Box::new(data)),
            self.since(start),
        ))
    }

    pub(super) fn contextual_data_table(&mut self) -> Parsed<Expression> {
        let start = self.advance().span.start;
        let id = Box::new(self.signed()?);
        let columns = self.schema()?;
        let kind = ExpressionKind::ContextualDataTable { id, columns };
        Ok(expression(kind, self.since(start)))
    }

    pub(super) fn entity_group(&mut self) -> Parsed<Expression> {
        let start = self.advance().span.start;
        let open = self.expect(TokenKind::OpenBracket, "`[`")?;
        let entities = self.list_until(open.span, BRACKET, false, Self::expression)?;
        Ok(expression(
            ExpressionKind::EntityGroup(entities),
            self.since(start),
        ))
    }

    pub(super) fn print(&mut self) -> Parsed<Read> {
        Ok((Vec::new(), OperatorKind::Print(self.named_list()?)))
    }

    pub(super) fn range(&mut self) -> Parsed<Read> {
        let column = self.name()?;
        self.expect_word("from")?;
        let from = self.expression()?;
        self.expect_word("to")?;
        let to = self.expression()?;
        self.expect_word("step")?;
        let step = self.expression()?;
        Ok((
            Vec::new(),
            OperatorKind::Range(Range {
                column,
                from,
                to,
                step,
            }),
        ))
    }

    pub(super) fn as_operator(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        Ok((options, OperatorKind::As(self.name()?)))
    }

    pub(super) fn assert_schema(&mut self) -> Parsed<Read> {
        Ok((Vec::new(), OperatorKind::AssertSchema(self.schema()?)))
    }

    pub(super) fn consume(&mut self) -> Parsed<Read> {
        Ok((self.settings()?, OperatorKind::Consume))
    }

    pub(super) fn count(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        let name = if self.eat_word("as") {
            Some(self.name()?)
        } else {
            None
        };
        Ok((options, OperatorKind::Count(name)))
    }

    pub(super) fn get_schema(&mut self) -> Parsed<Read> {
        Ok((self.settings()?, OperatorKind::GetSchema))
    }

    pub(super) fn execute_and_cache(&mut self) -> Parsed<Read> {
        Ok((self.settings()?, OperatorKind::ExecuteAndCache))
    }

    pub(super) fn evaluate(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        let call = self.call()?;
        let schema = if self.eat(TokenKind::Colon) {
            Some(self.evaluate_schema()?)
        } else {
            None
        };
        Ok((options, OperatorKind::Evaluate(Evaluate { call, schema })))
    }

    fn evaluate_schema(&mut self) -> Parsed<EvaluateSchema> {
        let open = self.expect(TokenKind::OpenParenthesis, "`(`")?;
        self.eat(TokenKind::Comma);
        let star = self.eat(TokenKind::Star);
        if star {
            self.eat(TokenKind::Comma);
        }
        let columns = self.list_until(open.span, PARENTHESIS, true, Self::column_declaration)?;
        Ok(EvaluateSchema { star, columns })
    }

    pub(super) fn invoke(&mut self) -> Parsed<Read> {
        let function = self.path()?;
        let called = match &function.kind {
            ExpressionKind::Call(_) => true,
            ExpressionKind::Path(path) => matches!(path.segments.last(), Some(Segment::Call(_))),
            _ => false,
        };
        if !called {
            return Err(self.expected("`(` and arguments"));
        }
        Ok((Vec::new(), OperatorKind::Invoke(function)))
    }

    pub(super) fn render(&mut self) -> Parsed<Read> {
        if self.kind() != TokenKind::Word {
            return Err(self.expected("a chart such as `timechart`"));
        }
        let chart = self.any_name()?;
        let mut properties = Vec::new();
        // The old form has its properties without parentheses.
        while self.kind() == TokenKind::Word
            && (self.kind_ahead(1) == TokenKind::Assign
                || matches!(self.word(), "by")
                || (self.word() == "with" && self.kind_ahead(1) != TokenKind::OpenParenthesis))
        {
            properties.push(self.bare_property()?);
            self.eat(TokenKind::Comma);
        }
        let with = self.eat_word("with");
        if with {
            properties.extend(self.properties()?);
        }
        Ok((
            Vec::new(),
            OperatorKind::Render(Render {
                chart,
                properties,
                with,
            }),
        ))
    }

    fn bare_property(&mut self) -> Parsed<Setting> {
        if matches!(self.word(), "by" | "with") {
            let token = self.advance();
            let name = self.name_of(token);
            let values = self.list(Self::setting_value)?;
            return Ok(Setting {
                name,
                values,
                span: self.since(token.span.start),
            });
        }
        self.property()
    }
}
