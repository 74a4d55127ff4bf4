//! Operators that choose and order rows.

use super::operators::Read;
use super::{Parsed, Parser, expression};
use crate::lexer::TokenKind;
use crate::tree::{Direction, ExpressionKind, NamedExpression, Nulls, OperatorKind, Ordered, Top};

impl Parser<'_> {
    pub(super) fn filter(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        Ok((options, OperatorKind::Where(self.expression()?)))
    }

    pub(super) fn take(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        Ok((options, OperatorKind::Take(self.expression()?)))
    }

    pub(super) fn sample(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        Ok((options, OperatorKind::Sample(self.expression()?)))
    }

    pub(super) fn sample_distinct(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        let count = self.expression()?;
        self.expect_word("of")?;
        Ok((
            options,
            OperatorKind::SampleDistinct {
                count,
                of: self.expression()?,
            },
        ))
    }

    pub(super) fn distinct(&mut self) -> Parsed<Read> {
        // Hints alone: `__name = …` is a column here.
        let options = if self.word().starts_with("hint") {
            self.settings()?
        } else {
            Vec::new()
        };
        let columns = self.list(Self::named_or_star)?;
        Ok((options, OperatorKind::Distinct(columns)))
    }

    fn named_or_star(&mut self) -> Parsed<NamedExpression> {
        if self.kind() != TokenKind::Star {
            return self.named();
        }
        let span = self.advance().span;
        Ok(NamedExpression {
            names: Vec::new(),
            names_in_parentheses: false,
            expression: expression(ExpressionKind::Wildcard("*".to_owned()), span),
            span,
        })
    }

    pub(super) fn sort(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        self.expect_word("by")?;
        Ok((options, OperatorKind::Sort(self.list(Self::ordered)?)))
    }

    pub(super) fn top(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        let count = self.expression()?;
        self.expect_word("by")?;
        let by = vec![self.ordered()?];
        Ok((options, OperatorKind::Top(Top { count, by })))
    }

    pub(super) fn serialize(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        let columns = if self.at_boundary() {
            Vec::new()
        } else {
            self.named_list()?
        };
        Ok((options, OperatorKind::Serialize(columns)))
    }

    pub(super) fn ordered(&mut self) -> Parsed<Ordered> {
        let column = self.named()?;
        let direction = self.direction();
        let nulls = if self.eat_word("nulls") {
            if self.eat_word("first") {
                Some(Nulls::First)
            } else {
                self.expect_word("last")
                    .map_err(|_| self.expected("`first` or `last`"))?;
                Some(Nulls::Last)
            }
        } else {
            None
        };
        let span = self.since(column.span.start);
        Ok(Ordered {
            column,
            direction,
            nulls,
            span,
        })
    }

    fn direction(&mut self) -> Option<Direction> {
        let direction = match self.word() {
            "asc" => Direction::Ascending,
            "desc" => Direction::Descending,
            "granny-asc" => Direction::GrannyAscending,
            "granny-desc" => Direction::GrannyDescending,
            _ => return None,
        };
        self.advance();
        Some(direction)
    }

    /// A column or wildcard of `project-reorder`.
    pub(super) fn reordered(&mut self) -> Parsed<Ordered> {
        let column = self.name_or_wildcard()?;
        let start = column.span;
        let direction = self.direction();
        let column = NamedExpression {
            names: Vec::new(),
            names_in_parentheses: false,
            expression: column,
            span: start,
        };
        Ok(Ordered {
            column,
            direction,
            nulls: None,
            span: self.since(start.start),
        })
    }
}
