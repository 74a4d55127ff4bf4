//! The `scan` operator.

use super::operators::Read;
use super::{PARENTHESIS, Parsed, Parser};
use crate::lexer::TokenKind;
use crate::tree::{OperatorKind, Scan, ScanAssignment, ScanDeclaration, ScanStep};

impl Parser<'_> {
    pub(super) fn scan(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        let order_by = if self.eat_word("order") {
            self.expect_word("by")?;
            self.list(Self::ordered)?
        } else {
            Vec::new()
        };
        let partition_by = if self.eat_word("partition") {
            self.expect_word("by")?;
            self.list(Self::expression)?
        } else {
            Vec::new()
        };
        let declare = if self.eat_word("declare") {
            let open = self.expect(TokenKind::OpenParenthesis, "`(`")?;
            self.list_until(open.span, PARENTHESIS, false, Self::scan_declaration)?
        } else {
            Vec::new()
        };
        self.expect_word("with")?;
        let open = self.expect(TokenKind::OpenParenthesis, "`(`")?;
        let mut steps = Vec::new();
        while self.word() == "step" {
            steps.push(self.scan_step()?);
        }
        self.expect_close(open.span, PARENTHESIS.0, "`step` or `)`")?;
        Ok((
            options,
            OperatorKind::Scan(Scan {
                order_by,
                partition_by,
                declare,
                steps,
            }),
        ))
    }

    fn scan_declaration(&mut self) -> Parsed<ScanDeclaration> {
        let column = self.column_declaration()?;
        let default = if self.eat(TokenKind::Assign) {
            Some(self.signed()?)
        } else {
            None
        };
        Ok(ScanDeclaration { column, default })
    }

    fn scan_step(&mut self) -> Parsed<ScanStep> {
        let start = self.advance().span.start;
        let name = self.given_name()?;
        let optional = self.eat_word("optional");
        let output = if self.eat_word("output") {
            self.expect(TokenKind::Assign, "`=`")?;
            Some(self.any_name()?)
        } else {
            None
        };
        self.expect(TokenKind::Colon, "`:`")?;
        let condition = self.expression()?;
        let assignments = if self.eat(TokenKind::FatArrow) {
            self.list(Self::scan_assignment)?
        } else {
            Vec::new()
        };
        self.expect(TokenKind::Semicolon, "`;`")?;
        let span = self.since(start);
        Ok(ScanStep {
            name,
            optional,
            output,
            condition,
            assignments,
            span,
        })
    }

    fn scan_assignment(&mut self) -> Parsed<ScanAssignment> {
        let name = self.given_name()?;
        self.expect(TokenKind::Assign, "`=`")?;
        Ok(ScanAssignment {
            name,
            value: self.expression()?,
        })
    }
}
