//! Names, wildcards, declarations and options.

use super::{BRACKET, PARENTHESIS, Parsed, Parser, expression};
use crate::diagnostic::Diagnostic;
use crate::keywords::{Freedom, freedom, is_extended_type, is_type};
use crate::lexer::{Token, TokenKind};
use crate::literals;
use crate::span::Span;
use crate::tree::{ColumnDeclaration, Expression, ExpressionKind, Name, Setting};

impl Parser<'_> {
    pub(super) fn name_of(&self, token: Token) -> Name {
        Name {
            text: self.slice(token).to_owned(),
            bracketed: false,
            span: token.span,
        }
    }

    /// How many tokens from `count` on make a name that may stand where `least` is needed; 0 if none.
    pub(super) fn name_length(&self, count: usize, least: Freedom) -> usize {
        match self.kind_ahead(count) {
            TokenKind::Word if freedom(self.word_ahead(count)) >= least => 1,
            TokenKind::OpenBracket => {
                let mut index = count + 1;
                while self.kind_ahead(index) == TokenKind::String {
                    index += 1;
                }
                let closed = index > count + 1 && self.kind_ahead(index) == TokenKind::CloseBracket;
                if closed { index + 1 - count } else { 0 }
            }
            _ => 0,
        }
    }

    /// A name where one is read.
    pub(super) fn name(&mut self) -> Parsed<Name> {
        self.name_with(Freedom::Anywhere)
    }

    /// A name where one is given.
    pub(super) fn given_name(&mut self) -> Parsed<Name> {
        self.name_with(Freedom::Given)
    }

    pub(super) fn name_with(&mut self, least: Freedom) -> Parsed<Name> {
        match self.kind() {
            TokenKind::Word if freedom(self.word()) >= least => {
                let token = self.advance();
                Ok(self.name_of(token))
            }
            TokenKind::Word => Err(self.needs_brackets()),
            TokenKind::OpenBracket if self.kind_ahead(1) == TokenKind::String => {
                let open = self.advance();
                let mut text = String::new();
                while self.kind() == TokenKind::String {
                    let token = self.advance();
                    text.push_str(&literals::string(self.slice(token)).0);
                }
                self.expect_close(open.span, BRACKET.0, BRACKET.1)?;
                Ok(Name {
                    text,
                    bracketed: true,
                    span: self.since(open.span.start),
                })
            }
            _ => Err(self.expected("a name")),
        }
    }

    fn needs_brackets(&mut self) -> super::Failed {
        let word = self.word();
        let message = format!("expected a name, found the keyword `{word}`");
        let diagnostic = Diagnostic::new(self.span(), message)
            .with_hint(format!("a name that is a keyword is written ['{word}']"));
        self.complain(diagnostic)
    }

    /// Any word or bracketed name, keyword or not.
    pub(super) fn any_name(&mut self) -> Parsed<Name> {
        self.name_with(Freedom::Bracketed)
    }

    pub(super) fn name_expression(&mut self) -> Parsed<Expression> {
        let name = self.name()?;
        let span = name.span;
        Ok(expression(ExpressionKind::Name(name), span))
    }

    /// How many tokens make a wildcard such as `a*` or `*b*`, without blanks inside; 0 if none.
    fn wildcard_length(&self) -> usize {
        let part = |index: usize| match self.kind_ahead(index) {
            TokenKind::Star | TokenKind::Long => true,
            TokenKind::Word => freedom(self.word_ahead(index)) >= Freedom::Given,
            _ => false,
        };
        let mut length = match self.kind() {
            TokenKind::Star => 1,
            TokenKind::Word
                if part(0) && self.kind_ahead(1) == TokenKind::Star && self.touching(0) =>
            {
                2
            }
            _ => return 0,
        };
        while self.touching(length - 1) && part(length) {
            length += 1;
        }
        length
    }

    pub(super) fn wildcard(&mut self) -> Option<(String, Span)> {
        let length = self.wildcard_length();
        if length == 0 {
            return None;
        }
        let start = self.span().start;
        self.position += length;
        let span = self.since(start);
        Some((span.slice(self.text).to_owned(), span))
    }

    pub(super) fn name_or_wildcard(&mut self) -> Parsed<Expression> {
        match self.wildcard() {
            Some((pattern, span)) => Ok(expression(ExpressionKind::Wildcard(pattern), span)),
            None => self.name_expression(),
        }
    }

    pub(super) fn type_name(&mut self) -> Parsed<Name> {
        let known = is_type(self.word());
        self.type_name_if(known)
    }

    pub(super) fn extended_type_name(&mut self) -> Parsed<Name> {
        let known = is_extended_type(self.word());
        self.type_name_if(known)
    }

    fn type_name_if(&mut self, known: bool) -> Parsed<Name> {
        if known {
            let token = self.advance();
            return Ok(self.name_of(token));
        }
        let diagnostic = self.expectation("a type").with_hint(
            "the types are bool, int, long, real, decimal, datetime, timespan, guid, string, dynamic",
        );
        Err(self.complain(diagnostic))
    }

    pub(super) fn column_declaration(&mut self) -> Parsed<ColumnDeclaration> {
        let name = self.given_name()?;
        self.expect(TokenKind::Colon, "`:` and a type")?;
        Ok(ColumnDeclaration {
            name,
            ty: self.type_name()?,
        })
    }

    /// `(a: long, b: string)`.
    pub(super) fn schema(&mut self) -> Parsed<Vec<ColumnDeclaration>> {
        let open = self.expect(TokenKind::OpenParenthesis, "`(`")?;
        self.eat(TokenKind::Comma);
        self.list_until(open.span, PARENTHESIS, true, Self::column_declaration)
    }

    /// How many tokens make the name of an option here; 0 when there is no option.
    fn option_name_length(&self, extra: &[&str]) -> usize {
        let word = self.word();
        if self.kind_ahead(1) == TokenKind::Assign {
            let known = extra.contains(&word)
                || word.starts_with("__")
                || matches!(
                    word,
                    "bagexpansion"
                        | "best_effort"
                        | "cycles"
                        | "datascope"
                        | "decodeblocks"
                        | "expandoutput"
                        | "flags"
                        | "force_remote"
                        | "isfuzzy"
                        | "kind"
                        | "with_component_id"
                        | "with_itemindex"
                        | "with_match_id"
                        | "with_source"
                        | "with_step_name"
                        | "withsource"
                );
            return usize::from(known);
        }
        let hint = word == "hint"
            && self.kind_ahead(1) == TokenKind::Dot
            && self.kind_ahead(2) == TokenKind::Word
            && self.kind_ahead(3) == TokenKind::Assign;
        if hint { 3 } else { 0 }
    }

    pub(super) fn settings(&mut self) -> Parsed<Vec<Setting>> {
        self.settings_with(&[])
    }

    /// The `name=value` pairs after a keyword; `extra` are names known to this operator only.
    pub(super) fn settings_with(&mut self, extra: &[&str]) -> Parsed<Vec<Setting>> {
        let mut settings = Vec::new();
        loop {
            let length = self.option_name_length(extra);
            if length == 0 {
                return Ok(settings);
            }
            let start = self.span().start;
            self.position += length;
            let name = self.joined_name(start);
            self.advance();
            let value = self.setting_value()?;
            settings.push(Setting {
                name,
                values: vec![value],
                span: self.since(start),
            });
            // Some people put commas between hints.
            if self.kind() == TokenKind::Comma {
                self.position += 1;
                if self.option_name_length(extra) == 0 {
                    self.position -= 1;
                }
            }
        }
    }

    pub(super) fn joined_name(&self, start: u32) -> Name {
        let span = self.since(start);
        let text = span
            .slice(self.text)
            .chars()
            .filter(|letter| !crate::lexer::is_blank(*letter));
        Name {
            text: text.collect(),
            bracketed: false,
            span,
        }
    }

    /// A word, which is never a call here, or a literal.
    pub(super) fn setting_value(&mut self) -> Parsed<Expression> {
        let is_word = self.kind() == TokenKind::Word
            && !(self.word() == "dynamic" && self.kind_ahead(1) == TokenKind::OpenParenthesis);
        if is_word || self.name_length(0, Freedom::Bracketed) > 0 {
            let name = self.any_name()?;
            let span = name.span;
            return Ok(expression(ExpressionKind::Name(name), span));
        }
        self.signed()
    }

    /// `name=value` in a `with (…)`; some properties take lists.
    pub(super) fn property(&mut self) -> Parsed<Setting> {
        let start = self.span().start;
        let name = self.any_name()?;
        self.expect(TokenKind::Assign, "`=`")?;
        let listed = matches!(name.text.as_str(), "ycolumns" | "series" | "anomalycolumns");
        let mut values = vec![self.property_value()?];
        while listed
            && self.kind() == TokenKind::Comma
            && self.kind_ahead(1) != TokenKind::CloseParenthesis
        {
            let length = self.name_length(1, Freedom::Bracketed);
            if length == 0 || self.kind_ahead(1 + length) == TokenKind::Assign {
                break;
            }
            self.advance();
            values.push(self.property_value()?);
        }
        Ok(Setting {
            name,
            values,
            span: self.since(start),
        })
    }

    fn property_value(&mut self) -> Parsed<Expression> {
        let ends = |kind| {
            matches!(
                kind,
                TokenKind::Comma | TokenKind::CloseParenthesis | TokenKind::End
            )
        };
        if self.kind() == TokenKind::Word && ends(self.kind_ahead(1)) {
            return self.setting_value();
        }
        self.signed()
    }

    /// The list of a `with (…)`.
    pub(super) fn properties(&mut self) -> Parsed<Vec<Setting>> {
        let open = self.expect(TokenKind::OpenParenthesis, "`(`")?;
        self.eat(TokenKind::Comma);
        self.list_until(open.span, PARENTHESIS, true, Self::property)
    }
}
