//! Literals, and JSON inside `dynamic(…)`.

use super::{BRACE, BRACKET, PARENTHESIS, Parsed, Parser};
use crate::diagnostic::Diagnostic;
use crate::lexer::{Token, TokenKind};
use crate::literals;
use crate::span::Span;
use crate::ticks::timespan;
use crate::tree::{Dynamic, DynamicKind, Literal, LiteralValue, Name};

impl Parser<'_> {
    pub(super) fn at_literal(&self) -> bool {
        match self.kind() {
            TokenKind::String
            | TokenKind::Long
            | TokenKind::Real
            | TokenKind::TimeSpan
            | TokenKind::Bool
            | TokenKind::Guid
            | TokenKind::Typed => true,
            TokenKind::Word => {
                self.word() == "dynamic" && self.kind_ahead(1) == TokenKind::OpenParenthesis
            }
            _ => false,
        }
    }

    pub(super) fn literal(&mut self) -> Parsed<Literal> {
        match self.kind() {
            TokenKind::String => Ok(self.string()),
            TokenKind::Word => self.dynamic(),
            _ => {
                let token = self.advance();
                self.simple(token)
            }
        }
    }

    pub(super) fn string_literal(&mut self) -> Parsed<Literal> {
        if self.kind() == TokenKind::String {
            Ok(self.string())
        } else {
            Err(self.expected("a string"))
        }
    }

    /// One or more adjacent strings, which are one value.
    fn string(&mut self) -> Literal {
        let start = self.span().start;
        let (mut text, mut value, mut hidden) = (String::new(), String::new(), false);
        while self.kind() == TokenKind::String {
            let token = self.advance();
            let source = self.slice(token);
            let (part, part_hidden) = literals::string(source);
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(source);
            value.push_str(&part);
            hidden |= part_hidden;
        }
        let value = LiteralValue::String { value, hidden };
        Literal {
            value,
            text,
            span: self.since(start),
        }
    }

    fn simple(&mut self, token: Token) -> Parsed<Literal> {
        let text = self.slice(token);
        let value = match token.kind {
            TokenKind::Bool => Ok(LiteralValue::Bool(Some(text.eq_ignore_ascii_case("true")))),
            TokenKind::Guid => Ok(LiteralValue::Guid(Some(text.to_owned()))),
            TokenKind::Long => match literals::long(text) {
                Some(number) => Ok(LiteralValue::Long(Some(number))),
                None => Err("this number does not fit a long of 64 bits"),
            },
            TokenKind::Real => match text.parse() {
                Ok(number) => Ok(LiteralValue::Real(Some(number))),
                Err(_) => Err("this is not a number"),
            },
            TokenKind::TimeSpan => match timespan(text) {
                Some(ticks) => Ok(LiteralValue::TimeSpan(Some(ticks))),
                None => Err("this timespan is too long"),
            },
            _ => match text.split_once('(') {
                Some((name, rest)) => literals::typed(name, rest.strip_suffix(')').unwrap_or(rest)),
                None => Err("expected a literal"),
            },
        };
        match value {
            Ok(value) => Ok(Literal {
                value,
                text: text.to_owned(),
                span: token.span,
            }),
            Err(message) => {
                let diagnostic =
                    Diagnostic::new(token.span, format!("{message}: `{}`", text.escape_debug()));
                let diagnostic = match (token.kind, text.split_once('(')) {
                    (TokenKind::Typed, Some((name, _))) => diagnostic.with_hint(format!(
                        "{name}(…) takes a constant; a column is converted by to{name}(…)"
                    )),
                    _ => diagnostic,
                };
                Err(self.complain(diagnostic))
            }
        }
    }

    /// The smallest long, which has no positive counterpart to be negated.
    pub(super) fn smallest_long(&mut self) -> Option<Literal> {
        let number = self.ahead(1);
        let smallest = self.kind() == TokenKind::Minus
            && number.kind == TokenKind::Long
            && self.slice(number) == "9223372036854775808";
        if !smallest {
            return None;
        }
        let start = self.span().start;
        self.advance();
        self.advance();
        let value = LiteralValue::Long(Some(i64::MIN));
        Some(Literal {
            value,
            text: i64::MIN.to_string(),
            span: self.since(start),
        })
    }

    fn dynamic(&mut self) -> Parsed<Literal> {
        let start = self.advance().span.start;
        let open = self.expect(TokenKind::OpenParenthesis, "`(`")?;
        let value = self.json()?;
        self.expect_close(open.span, PARENTHESIS.0, PARENTHESIS.1)?;
        let span = self.since(start);
        let text = span.slice(self.text).to_owned();
        Ok(Literal {
            value: LiteralValue::Dynamic(value),
            text,
            span,
        })
    }

    fn json(&mut self) -> Parsed<Dynamic> {
        self.enter()?;
        let start = self.span().start;
        let kind = self.json_kind();
        self.leave();
        Ok(Dynamic {
            kind: kind?,
            span: self.since(start),
        })
    }

    fn json_kind(&mut self) -> Parsed<DynamicKind> {
        match self.kind() {
            TokenKind::OpenBracket => {
                let open = self.advance();
                let values = self.list_until(open.span, BRACKET, false, Self::json)?;
                Ok(DynamicKind::Array(values))
            }
            TokenKind::OpenBrace => {
                let open = self.advance();
                let pairs = self.list_until(open.span, BRACE, false, Self::json_pair)?;
                Ok(DynamicKind::Object(pairs))
            }
            TokenKind::Word if self.word() == "null" => {
                self.advance();
                Ok(DynamicKind::Null)
            }
            TokenKind::Minus => {
                if let Some(literal) = self.smallest_long() {
                    return Ok(DynamicKind::Literal(Box::new(literal)));
                }
                let sign = self.advance();
                if !matches!(self.kind(), TokenKind::Long | TokenKind::Real) {
                    return Err(self.expected("a number"));
                }
                let token = self.advance();
                let literal = self.simple(token)?;
                Ok(DynamicKind::Literal(Box::new(negated(literal, sign.span))))
            }
            _ if self.at_literal() => Ok(DynamicKind::Literal(Box::new(self.literal()?))),
            _ => Err(self.expected("a JSON value")),
        }
    }

    fn json_pair(&mut self) -> Parsed<(Name, Dynamic)> {
        if self.kind() != TokenKind::String {
            return Err(self.expected("a string as key"));
        }
        let token = self.advance();
        let text = literals::string(self.slice(token)).0.into_owned();
        self.expect(TokenKind::Colon, "`:`")?;
        Ok((
            Name {
                text,
                bracketed: true,
                span: token.span,
            },
            self.json()?,
        ))
    }
}

fn negated(literal: Literal, sign: Span) -> Literal {
    let value = match literal.value {
        LiteralValue::Long(Some(number)) => LiteralValue::Long(Some(number.wrapping_neg())),
        LiteralValue::Real(Some(number)) => LiteralValue::Real(Some(-number)),
        other => other,
    };
    Literal {
        value,
        text: format!("-{}", literal.text),
        span: sign.to(literal.span),
    }
}
