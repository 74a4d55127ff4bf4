//! Operators that add, drop, expand or parse columns.

use super::operators::Read;
use super::{Parsed, Parser};
use crate::lexer::TokenKind;
use crate::tree::{
    Expand, ExpandColumn, Expression, MvApply, NamedExpression, OperatorKind, Parse, ParseKv,
    ParsePart,
};

impl Parser<'_> {
    pub(super) fn extend(&mut self) -> Parsed<Read> {
        Ok((Vec::new(), OperatorKind::Extend(self.named_list()?)))
    }

    pub(super) fn project(&mut self) -> Parsed<Read> {
        Ok((
            Vec::new(),
            OperatorKind::Project(self.optional_named_list()?),
        ))
    }

    pub(super) fn project_rename(&mut self) -> Parsed<Read> {
        Ok((
            Vec::new(),
            OperatorKind::ProjectRename(self.optional_named_list()?),
        ))
    }

    fn optional_named_list(&mut self) -> Parsed<Vec<NamedExpression>> {
        if self.at_boundary() {
            Ok(Vec::new())
        } else {
            self.named_list()
        }
    }

    pub(super) fn project_away(&mut self) -> Parsed<Read> {
        Ok((Vec::new(), OperatorKind::ProjectAway(self.columns()?)))
    }

    pub(super) fn project_keep(&mut self) -> Parsed<Read> {
        Ok((Vec::new(), OperatorKind::ProjectKeep(self.columns()?)))
    }

    fn columns(&mut self) -> Parsed<Vec<Expression>> {
        if self.at_boundary() {
            Ok(Vec::new())
        } else {
            self.list(Self::name_or_wildcard)
        }
    }

    pub(super) fn project_by_names(&mut self) -> Parsed<Read> {
        let names = if self.at_boundary() {
            Vec::new()
        } else {
            self.list(Self::name_or_value)?
        };
        Ok((Vec::new(), OperatorKind::ProjectByNames(names)))
    }

    fn name_or_value(&mut self) -> Parsed<Expression> {
        match self.wildcard() {
            Some((pattern, span)) => Ok(super::expression(
                crate::tree::ExpressionKind::Wildcard(pattern),
                span,
            )),
            None => self.expression(),
        }
    }

    pub(super) fn project_reorder(&mut self) -> Parsed<Read> {
        let columns = if self.at_boundary() {
            Vec::new()
        } else {
            self.list(Self::reordered)?
        };
        Ok((Vec::new(), OperatorKind::ProjectReorder(columns)))
    }

    pub(super) fn mv_expand(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        let columns = self.list(Self::expand_column)?;
        let limit = self.row_limit()?;
        Ok((options, OperatorKind::MvExpand(Expand { columns, limit })))
    }

    pub(super) fn mv_apply(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        let columns = self.list(Self::expand_column)?;
        let limit = self.row_limit()?;
        let id = if self.eat_word("id") {
            Some(self.literal_or_fail()?)
        } else {
            None
        };
        self.expect_word("on")?;
        let operators = self.subquery()?;
        Ok((
            options,
            OperatorKind::MvApply(MvApply {
                columns,
                limit,
                id,
                operators,
            }),
        ))
    }

    fn literal_or_fail(&mut self) -> Parsed<crate::tree::Literal> {
        if self.at_literal() {
            self.literal()
        } else {
            Err(self.expected("a literal"))
        }
    }

    fn expand_column(&mut self) -> Parsed<ExpandColumn> {
        let column = self.named()?;
        let to = if self.eat_word("to") {
            if self.word() != "typeof" {
                return Err(self.expected("`typeof(…)`"));
            }
            Some(self.type_of()?)
        } else {
            None
        };
        Ok(ExpandColumn { column, to })
    }

    fn row_limit(&mut self) -> Parsed<Option<Expression>> {
        if self.eat_word("limit") {
            self.expression().map(Some)
        } else {
            Ok(None)
        }
    }

    pub(super) fn parse_operator(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        Ok((options, OperatorKind::Parse(self.parse_pattern()?)))
    }

    pub(super) fn parse_where(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        Ok((options, OperatorKind::ParseWhere(self.parse_pattern()?)))
    }

    fn parse_pattern(&mut self) -> Parsed<Parse> {
        let source = self.expression()?;
        self.expect_word("with")?;
        let mut pattern = Vec::new();
        while !self.at_boundary() {
            let part = match self.kind() {
                TokenKind::Star => ParsePart::Star(self.advance().span),
                TokenKind::String => ParsePart::Text(self.string_literal()?),
                _ => {
                    let name = self.given_name()?;
                    let typed = self.eat(TokenKind::Colon);
                    let ty = if typed { Some(self.type_name()?) } else { None };
                    ParsePart::Column { name, ty }
                }
            };
            pattern.push(part);
        }
        Ok(Parse { source, pattern })
    }

    pub(super) fn parse_kv(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        let source = self.expression()?;
        self.expect_word("as")?;
        let columns = self.schema()?;
        let properties = if self.eat_word("with") {
            self.properties()?
        } else {
            Vec::new()
        };
        Ok((
            options,
            OperatorKind::ParseKv(ParseKv {
                source,
                columns,
                properties,
            }),
        ))
    }
}
