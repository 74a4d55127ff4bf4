//! Operators that group rows.

use super::operators::Read;
use super::{PARENTHESIS, Parsed, Parser};
use crate::keywords::Freedom;
use crate::lexer::TokenKind;
use crate::tree::{
    MakeSeries, OperatorKind, Reduce, SeriesAggregate, SeriesRange, Setting, Summarize, TopHitters,
    TopNestedLevel,
};

impl Parser<'_> {
    pub(super) fn summarize(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        let none = self.word() == "by" || self.at_boundary();
        let aggregates = if none { Vec::new() } else { self.named_list()? };
        let by = if self.eat_word("by") {
            Some(self.named_list()?)
        } else {
            None
        };
        let bin = if self.word() == "bin" && self.kind_ahead(1) == TokenKind::Assign {
            self.advance();
            self.advance();
            Some(self.expression()?)
        } else {
            None
        };
        if by.is_none() && !self.at_boundary() {
            return Err(self.expected("`,`, `by` or `|`"));
        }
        Ok((
            options,
            OperatorKind::Summarize(Summarize {
                aggregates,
                by,
                bin,
            }),
        ))
    }

    pub(super) fn make_series(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        let aggregates = self.list(|parser| {
            let aggregate = parser.named()?;
            let default = if parser.eat_word("default") {
                parser.expect(TokenKind::Assign, "`=`")?;
                Some(parser.expression()?)
            } else {
                None
            };
            Ok(SeriesAggregate { aggregate, default })
        })?;
        self.expect_word("on")?;
        let on = self.named()?;
        let range = if self.eat_word("in") {
            self.series_in_range()?
        } else {
            self.series_steps()?
        };
        let by = if self.eat_word("by") {
            self.named_list()?
        } else {
            Vec::new()
        };
        Ok((
            options,
            OperatorKind::MakeSeries(MakeSeries {
                aggregates,
                on,
                range,
                by,
            }),
        ))
    }

    fn series_in_range(&mut self) -> Parsed<SeriesRange> {
        self.expect_word("range")?;
        let open = self.expect(TokenKind::OpenParenthesis, "`(`")?;
        let arguments = self.list_until(open.span, PARENTHESIS, false, Self::expression)?;
        Ok(SeriesRange::InRange { arguments })
    }

    fn series_steps(&mut self) -> Parsed<SeriesRange> {
        let from = if self.eat_word("from") {
            Some(Box::new(self.expression()?))
        } else {
            None
        };
        let to = if self.eat_word("to") {
            Some(Box::new(self.expression()?))
        } else {
            None
        };
        self.expect_word("step")?;
        Ok(SeriesRange::FromToStep {
            from,
            to,
            step: Box::new(self.expression()?),
        })
    }

    pub(super) fn reduce(&mut self) -> Parsed<Read> {
        let options = self.settings_with(&["characters", "threshold"])?;
        self.expect_word("by")?;
        let by = self.named()?;
        let properties = if self.eat_word("with") {
            self.list(Self::loose_property)?
        } else {
            Vec::new()
        };
        Ok((options, OperatorKind::Reduce(Reduce { by, properties })))
    }

    fn loose_property(&mut self) -> Parsed<Setting> {
        let start = self.span().start;
        let name = self.name_with(Freedom::Bracketed)?;
        self.expect(TokenKind::Assign, "`=`")?;
        let value = self.expression()?;
        Ok(Setting {
            name,
            values: vec![value],
            span: self.since(start),
        })
    }

    pub(super) fn top_hitters(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        let count = self.expression()?;
        self.expect_word("of")?;
        let of = self.expression()?;
        let by = if self.eat_word("by") {
            Some(self.expression()?)
        } else {
            None
        };
        Ok((
            options,
            OperatorKind::TopHitters(TopHitters { count, of, by }),
        ))
    }

    pub(super) fn top_nested(&mut self) -> Parsed<Read> {
        let start = self.end();
        let mut levels = vec![self.top_nested_level(start)?];
        while self.eat(TokenKind::Comma) {
            let start = self.span().start;
            self.expect_word("top-nested")?;
            levels.push(self.top_nested_level(start)?);
        }
        Ok((Vec::new(), OperatorKind::TopNested(levels)))
    }

    fn top_nested_level(&mut self, start: u32) -> Parsed<TopNestedLevel> {
        let count = if self.word() == "of" {
            None
        } else {
            Some(self.expression()?)
        };
        self.expect_word("of")?;
        let of = self.named()?;
        let others = if self.eat_word("with") {
            self.expect_word("others")?;
            self.expect(TokenKind::Assign, "`=`")?;
            Some(self.expression()?)
        } else {
            None
        };
        self.expect_word("by")?;
        let by = self.ordered()?;
        Ok(TopNestedLevel {
            count,
            of,
            others,
            by,
            span: self.since(start),
        })
    }
}
