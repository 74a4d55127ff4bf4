//! Operators that bring tables together or take them apart.

use super::operators::Read;
use super::{PARENTHESIS, Parsed, Parser, expression};
use crate::keywords::Freedom;
use crate::lexer::TokenKind;
use crate::tree::{
    Condition, Expression, ExpressionKind, Facet, Find, FindColumn, FindOutput, ForkBranch, Join,
    MacroExpand, OperatorKind, Partition, PartitionBody, Pipe, Search,
};

impl Parser<'_> {
    pub(super) fn join(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        let right = self.expression()?;
        let condition = self.condition()?;
        Ok((options, OperatorKind::Join(Join { right, condition })))
    }

    pub(super) fn lookup(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        let right = self.expression()?;
        if self.word() != "on" {
            return Err(self.expected("`on`"));
        }
        let condition = self.condition()?;
        Ok((options, OperatorKind::Lookup(Join { right, condition })))
    }

    fn condition(&mut self) -> Parsed<Option<Condition>> {
        if self.eat_word("on") {
            let columns = self.list(Self::expression)?;
            return Ok(Some(Condition::On(columns)));
        }
        if self.eat_word("where") {
            return Ok(Some(Condition::Where(self.expression()?)));
        }
        if !self.at_boundary() {
            return Err(self.expected("`on`"));
        }
        Ok(None)
    }

    pub(super) fn union(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        let tables = self.list(Self::table_reference)?;
        Ok((options, OperatorKind::Union(tables)))
    }

    pub(super) fn find(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        let tables = self.searched_tables()?;
        if !options.is_empty() || !tables.is_empty() {
            self.expect_word("where")?;
        } else {
            self.eat_word("where");
        }
        let predicate = Some(self.search_predicate()?);
        let output = match self.word() {
            "project" => {
                self.advance();
                Some(FindOutput::Project(self.list(Self::find_column)?))
            }
            "project-smart" => {
                self.advance();
                Some(FindOutput::ProjectSmart)
            }
            "project-away" => {
                self.advance();
                Some(FindOutput::ProjectAway(self.list(Self::find_column)?))
            }
            _ => None,
        };
        Ok((
            options,
            OperatorKind::Find(Find {
                tables,
                predicate,
                output,
            }),
        ))
    }

    pub(super) fn search(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        let tables = self.searched_tables()?;
        let predicate = self.search_predicate()?;
        Ok((options, OperatorKind::Search(Search { tables, predicate })))
    }

    fn search_predicate(&mut self) -> Parsed<Expression> {
        let outer = std::mem::replace(&mut self.in_search, true);
        let predicate = self.expression();
        self.in_search = outer;
        predicate
    }

    fn searched_tables(&mut self) -> Parsed<Vec<Expression>> {
        if !self.eat_word("in") {
            return Ok(Vec::new());
        }
        let open = self.expect(TokenKind::OpenParenthesis, "`(`")?;
        let tables = self.list(|parser| {
            let table = parser.table_reference()?;
            if parser.kind() != TokenKind::Bar {
                return Ok(table);
            }
            let start = table.span.start;
            let pipe = Pipe {
                source: Box::new(table),
                operators: parser.piped(),
            };
            Ok(expression(ExpressionKind::Pipe(pipe), parser.since(start)))
        })?;
        self.expect_close(open.span, PARENTHESIS.0, "`,` or `)`")?;
        Ok(tables)
    }

    fn find_column(&mut self) -> Parsed<FindColumn> {
        if self.word() == "pack" && self.kind_ahead(1) == TokenKind::OpenParenthesis {
            return Ok(FindColumn {
                column: self.path()?,
                ty: None,
            });
        }
        let column = self.name_or_wildcard()?;
        let typed = self.eat(TokenKind::Colon);
        let ty = if typed {
            Some(self.extended_type_name()?)
        } else {
            None
        };
        Ok(FindColumn { column, ty })
    }

    pub(super) fn facet(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        self.expect_word("by")?;
        let by = self.list(Self::column_path)?;
        let with = match (self.eat_word("with"), self.kind()) {
            (false, _) => None,
            (true, TokenKind::OpenParenthesis) => Some(self.subquery()?),
            (true, _) => Some(vec![self.operator()?]),
        };
        Ok((options, OperatorKind::Facet(Facet { by, with })))
    }

    pub(super) fn fork(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        let mut branches = Vec::new();
        loop {
            let start = self.span().start;
            let length = self.name_length(0, Freedom::Given);
            let name = if length > 0 && self.kind_ahead(length) == TokenKind::Assign {
                let name = self.given_name()?;
                self.advance();
                Some(name)
            } else {
                None
            };
            let operators = self.subquery()?;
            branches.push(ForkBranch {
                name,
                operators,
                span: self.since(start),
            });
            if self.at_boundary() {
                return Ok((options, OperatorKind::Fork(branches)));
            }
        }
    }

    pub(super) fn partition(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        self.expect_word("by")?;
        let by = self.column_path()?;
        let scope = if self.eat_word("in") {
            Some(self.path()?)
        } else {
            None
        };
        let body = if self.kind() == TokenKind::OpenBrace {
            let open = self.advance();
            let query = self.pipe()?;
            self.expect_close(open.span, TokenKind::CloseBrace, "`}`")?;
            PartitionBody::Query(query)
        } else {
            PartitionBody::Operators(self.subquery()?)
        };
        Ok((
            options,
            OperatorKind::Partition(Partition { by, scope, body }),
        ))
    }

    pub(super) fn macro_expand(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        let group = if self.word() == "entity_group" && self.kind_ahead(1) == TokenKind::OpenBracket
        {
            self.entity_group()?
        } else if self.kind_ahead(1) == TokenKind::OpenParenthesis
            && !matches!(self.word(), "cluster" | "database" | "entity_group")
        {
            // The parenthesis begins the body, not a call.
            self.name_expression()?
        } else {
            self.path()?
        };
        let scope = if self.eat_word("as") {
            Some(self.name()?)
        } else {
            None
        };
        let open = self.expect(TokenKind::OpenParenthesis, "`(`")?;
        let statements = self.statements(TokenKind::CloseParenthesis)?;
        self.expect_close(open.span, PARENTHESIS.0, "`;` or `)`")?;
        Ok((
            options,
            OperatorKind::MacroExpand(MacroExpand {
                group,
                scope,
                statements,
            }),
        ))
    }
}
