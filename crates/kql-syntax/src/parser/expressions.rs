//! Expressions, by precedence climbing: chains of any length cost one frame.

use super::{BRACKET, PARENTHESIS, Parsed, Parser, expression};
use crate::keywords::{Freedom, freedom};
use crate::lexer::TokenKind;
use crate::tree::{
    Argument, Arithmetic, ArithmeticOperator, Between, Call, Comparison, ComparisonOperator,
    Expression, ExpressionKind, In, InOperator, Logical, LogicalOperator, NamedExpression, Path,
    Pipe, Segment, ToScalar, TypeOf, TypeOfColumn, Unary, UnaryOperator,
};

/// An operator between two operands.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Infix {
    Logical(LogicalOperator),
    Arithmetic(ArithmeticOperator),
    Comparison(ComparisonOperator),
    In(InOperator),
    Between { negated: bool },
}

/// How tightly operators bind, from loosest to tightest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Or,
    And,
    Equality,
    Relation,
    Sum,
    Product,
    Text,
    Operand,
}

impl Level {
    fn tighter(self) -> Self {
        match self {
            Self::Or => Self::And,
            Self::And => Self::Equality,
            Self::Equality => Self::Relation,
            Self::Relation => Self::Sum,
            Self::Sum => Self::Product,
            Self::Product => Self::Text,
            Self::Text | Self::Operand => Self::Operand,
        }
    }
}

impl Parser<'_> {
    /// An expression that may be a pipe.
    pub(super) fn pipe(&mut self) -> Parsed<Expression> {
        let start = self.span().start;
        let source = if self.at_source_operator() {
            let operator = self.operator()?;
            let span = operator.span;
            expression(ExpressionKind::Operator(Box::new(operator)), span)
        } else {
            self.refuse_operator_as_source()?;
            self.expression()?
        };
        if self.kind() != TokenKind::Bar {
            return Ok(source);
        }
        let operators = self.piped();
        let pipe = Pipe {
            source: Box::new(source),
            operators,
        };
        Ok(expression(ExpressionKind::Pipe(pipe), self.since(start)))
    }

    /// An expression without pipes outside of brackets.
    pub(super) fn expression(&mut self) -> Parsed<Expression> {
        self.binary(Level::Or)
    }

    fn binary(&mut self, loosest: Level) -> Parsed<Expression> {
        self.enter()?;
        let result = self.climb(loosest);
        self.leave();
        result
    }

    fn climb(&mut self, loosest: Level) -> Parsed<Expression> {
        let mut left = self.operand(loosest)?;
        let mut tightest = Level::Operand;
        while let Some((infix, level, length)) = self.infix() {
            if level < loosest || level > tightest {
                break;
            }
            left = match infix {
                Infix::Logical(operator) => self.logical(left, operator, level)?,
                Infix::Arithmetic(_) => self.arithmetic(left, level)?,
                Infix::Comparison(operator) => self.comparison(left, operator, level, length)?,
                Infix::In(operator) => self.membership(left, operator)?,
                Infix::Between { negated } => self.between(left, negated)?,
            };
            // Comparisons do not chain: `a == b == c` is an error.
            tightest = match level {
                Level::Equality => Level::And,
                Level::Relation => Level::Equality,
                Level::Text => Level::Product,
                other => other,
            };
        }
        Ok(left)
    }

    /// The leftmost operand; `*` stands for every column before `==` and text operators.
    fn operand(&mut self, loosest: Level) -> Parsed<Expression> {
        if self.kind() == TokenKind::Star && loosest < Level::Operand {
            self.position += 1;
            let compares = match self.infix() {
                Some((Infix::Comparison(operator), level, _)) => {
                    level == Level::Text || operator == ComparisonOperator::Equal
                }
                // `search *` finds every row.
                Some((Infix::Logical(_), ..)) | None => self.in_search,
                _ => false,
            };
            self.position -= 1;
            if compares {
                let span = self.advance().span;
                return Ok(expression(ExpressionKind::Wildcard("*".to_owned()), span));
            }
        }
        self.signed()
    }

    /// The operator here, how tightly it binds and how many tokens it has.
    fn infix(&self) -> Option<(Infix, Level, usize)> {
        use ComparisonOperator as C;
        let comparison = |operator, level| Some((Infix::Comparison(operator), level, 1));
        let arithmetic = |operator, level| Some((Infix::Arithmetic(operator), level, 1));
        match self.kind() {
            TokenKind::Plus => arithmetic(ArithmeticOperator::Add, Level::Sum),
            TokenKind::Minus => arithmetic(ArithmeticOperator::Subtract, Level::Sum),
            TokenKind::Star => arithmetic(ArithmeticOperator::Multiply, Level::Product),
            TokenKind::Slash => arithmetic(ArithmeticOperator::Divide, Level::Product),
            TokenKind::Percent => arithmetic(ArithmeticOperator::Modulo, Level::Product),
            TokenKind::Equal => comparison(C::Equal, Level::Equality),
            TokenKind::NotEqual => comparison(C::NotEqual, Level::Equality),
            TokenKind::Less => comparison(C::Less, Level::Relation),
            TokenKind::LessOrEqual => comparison(C::LessOrEqual, Level::Relation),
            TokenKind::Greater => comparison(C::Greater, Level::Relation),
            TokenKind::GreaterOrEqual => comparison(C::GreaterOrEqual, Level::Relation),
            TokenKind::EqualFold => comparison(C::EqualFold, Level::Text),
            TokenKind::NotEqualFold => comparison(C::NotEqualFold, Level::Text),
            TokenKind::Colon if self.in_search => comparison(C::SearchMatch, Level::Text),
            TokenKind::Word => self.word_infix(),
            _ => None,
        }
    }

    fn word_infix(&self) -> Option<(Infix, Level, usize)> {
        let word = self.word();
        if let Some(operator) = text_operator(word) {
            return Some((Infix::Comparison(operator), Level::Text, 1));
        }
        let infix = match word {
            "or" => return Some((Infix::Logical(LogicalOperator::Or), Level::Or, 1)),
            "and" => return Some((Infix::Logical(LogicalOperator::And), Level::And, 1)),
            "matches" if self.word_ahead(1) == "regex" => {
                let operator = Infix::Comparison(ComparisonOperator::MatchesRegex);
                return Some((operator, Level::Text, 2));
            }
            // `make-series … in range(…)` is not a comparison.
            "in" if self.word_ahead(1) == "range" => return None,
            "in" => Infix::In(InOperator::In),
            "!in" => Infix::In(InOperator::NotIn),
            "in~" => Infix::In(InOperator::InFold),
            "!in~" => Infix::In(InOperator::NotInFold),
            "has_any" => Infix::In(InOperator::HasAny),
            "has_all" => Infix::In(InOperator::HasAll),
            "between" => Infix::Between { negated: false },
            "!between" => Infix::Between { negated: true },
            _ => return None,
        };
        Some((infix, Level::Equality, 1))
    }

    fn logical(
        &mut self,
        left: Expression,
        operator: LogicalOperator,
        level: Level,
    ) -> Parsed<Expression> {
        let start = left.span.start;
        let mut operands = vec![left];
        while self.word() == operator.text() {
            self.advance();
            operands.push(self.binary(level.tighter())?);
        }
        Ok(expression(
            ExpressionKind::Logical(Logical { operator, operands }),
            self.since(start),
        ))
    }

    fn arithmetic(&mut self, left: Expression, level: Level) -> Parsed<Expression> {
        let start = left.span.start;
        let mut rest = Vec::new();
        while let Some((Infix::Arithmetic(operator), found, _)) = self.infix() {
            if found != level {
                break;
            }
            self.advance();
            rest.push((operator, self.binary(level.tighter())?));
        }
        let arithmetic = Arithmetic {
            first: Box::new(left),
            rest,
        };
        Ok(expression(
            ExpressionKind::Arithmetic(arithmetic),
            self.since(start),
        ))
    }

    fn comparison(
        &mut self,
        left: Expression,
        operator: ComparisonOperator,
        level: Level,
        length: usize,
    ) -> Parsed<Expression> {
        let start = left.span.start;
        let operator_start = self.span().start;
        self.position += length;
        let operator_span = self.since(operator_start);
        let right = self.binary(level.tighter())?;
        let comparison = Comparison {
            operator,
            operator_span,
            left: Box::new(left),
            right: Box::new(right),
        };
        Ok(expression(
            ExpressionKind::Comparison(comparison),
            self.since(start),
        ))
    }

    fn membership(&mut self, left: Expression, operator: InOperator) -> Parsed<Expression> {
        let start = left.span.start;
        let operator_span = self.advance().span;
        let open = self.expect(TokenKind::OpenParenthesis, "`(`")?;
        let right = self.list(Self::pipe)?;
        self.expect_close(open.span, PARENTHESIS.0, "`,` or `)`")?;
        let right_span = self.since(open.span.start);
        let membership = In {
            operator,
            operator_span,
            left: Box::new(left),
            right,
            right_span,
        };
        Ok(expression(
            ExpressionKind::In(membership),
            self.since(start),
        ))
    }

    fn between(&mut self, operand: Expression, negated: bool) -> Parsed<Expression> {
        let start = operand.span.start;
        self.advance();
        let open = self.expect(TokenKind::OpenParenthesis, "`(`")?;
        let low = self.expression()?;
        if self.kind() != TokenKind::DotDot {
            let diagnostic = self.expectation("`..`").or_hint("write `between (1 .. 2)`");
            return Err(self.complain(diagnostic));
        }
        self.advance();
        let high = self.expression()?;
        self.expect_close(open.span, PARENTHESIS.0, PARENTHESIS.1)?;
        let between = Between {
            negated,
            operand: Box::new(operand),
            low: Box::new(low),
            high: Box::new(high),
        };
        Ok(expression(
            ExpressionKind::Between(between),
            self.since(start),
        ))
    }

    /// An operand with at most one sign before it.
    pub(super) fn signed(&mut self) -> Parsed<Expression> {
        if let Some(literal) = self.smallest_long() {
            let span = literal.span;
            return Ok(expression(ExpressionKind::Literal(Box::new(literal)), span));
        }
        let operator = match self.kind() {
            TokenKind::Minus => UnaryOperator::Minus,
            TokenKind::Plus => UnaryOperator::Plus,
            _ => return self.path(),
        };
        let start = self.advance().span.start;
        let operand = Box::new(self.path()?);
        Ok(expression(
            ExpressionKind::Unary(Unary { operator, operand }),
            self.since(start),
        ))
    }

    /// A primary expression and what is selected from it.
    pub(super) fn path(&mut self) -> Parsed<Expression> {
        let base = self.primary()?;
        self.selections(base, false)
    }

    /// `T`, `T*`, `database("x").T*`, as lists of tables have them.
    pub(super) fn table_reference(&mut self) -> Parsed<Expression> {
        if let Some((pattern, span)) = self.wildcard() {
            return Ok(expression(ExpressionKind::Wildcard(pattern), span));
        }
        let base = self.primary()?;
        self.selections(base, true)
    }

    /// A column or a part of one; a parenthesis after it begins something else.
    pub(super) fn column_path(&mut self) -> Parsed<Expression> {
        let base = self.name_expression()?;
        let start = base.span.start;
        let mut segments = Vec::new();
        loop {
            match self.kind() {
                TokenKind::OpenBracket => segments.push(self.index()?),
                TokenKind::Dot => {
                    self.advance();
                    segments.push(Segment::Member(self.name()?));
                }
                _ if segments.is_empty() => return Ok(base),
                _ => break,
            }
        }
        let path = Path {
            base: Box::new(base),
            segments,
        };
        Ok(expression(ExpressionKind::Path(path), self.since(start)))
    }

    fn selections(&mut self, base: Expression, wildcards: bool) -> Parsed<Expression> {
        if !matches!(self.kind(), TokenKind::Dot | TokenKind::OpenBracket) {
            return Ok(base);
        }
        let start = base.span.start;
        let mut segments = Vec::new();
        loop {
            match self.kind() {
                TokenKind::Dot => {
                    self.advance();
                    segments.push(self.member(wildcards)?);
                }
                TokenKind::OpenBracket => segments.push(self.index()?),
                _ => break,
            }
        }
        let path = Path {
            base: Box::new(base),
            segments,
        };
        Ok(expression(ExpressionKind::Path(path), self.since(start)))
    }

    fn member(&mut self, wildcards: bool) -> Parsed<Segment> {
        if wildcards && let Some((pattern, span)) = self.wildcard() {
            return Ok(Segment::Wildcard { pattern, span });
        }
        let length = self.name_length(0, Freedom::Bracketed);
        if length == 0 && self.kind() == TokenKind::OpenBracket {
            return self.index();
        }
        if length > 0 && self.kind_ahead(length) == TokenKind::OpenParenthesis {
            return Ok(Segment::Call(Box::new(self.call()?)));
        }
        let special = matches!(self.word(), "kind" | "withsource" | "with_source");
        let name = if special {
            self.any_name()?
        } else {
            self.name()?
        };
        Ok(Segment::Member(name))
    }

    fn index(&mut self) -> Parsed<Segment> {
        let open = self.advance();
        let index = self.expression()?;
        self.expect_close(open.span, BRACKET.0, BRACKET.1)?;
        Ok(Segment::Index(index))
    }

    fn primary(&mut self) -> Parsed<Expression> {
        match self.kind() {
            TokenKind::OpenParenthesis => self.parenthesized(),
            TokenKind::OpenBracket if self.kind_ahead(1) == TokenKind::String => {
                self.named_or_called()
            }
            TokenKind::Word => self.word_primary(),
            TokenKind::Guid => {
                let diagnostic = self
                    .expectation("an expression")
                    .with_hint("a guid is written guid(74be27de-1e4e-49d9-b579-fe0b331d3642)");
                Err(self.complain(diagnostic))
            }
            _ if self.at_literal() => {
                let literal = self.literal()?;
                let span = literal.span;
                Ok(expression(ExpressionKind::Literal(Box::new(literal)), span))
            }
            _ => Err(self.expected("an expression")),
        }
    }

    fn parenthesized(&mut self) -> Parsed<Expression> {
        let open = self.advance();
        let inner = self.pipe()?;
        self.expect_close(open.span, PARENTHESIS.0, PARENTHESIS.1)?;
        let kind = ExpressionKind::Parenthesized(Box::new(inner));
        Ok(expression(kind, self.since(open.span.start)))
    }

    fn word_primary(&mut self) -> Parsed<Expression> {
        let called = self.kind_ahead(1) == TokenKind::OpenParenthesis;
        let optioned = self.word_ahead(1) == "kind";
        match self.word() {
            "dynamic" if called => {
                let literal = self.literal()?;
                let span = literal.span;
                Ok(expression(ExpressionKind::Literal(Box::new(literal)), span))
            }
            "typeof" if called => {
                let type_of = self.type_of()?;
                let span = type_of.span;
                Ok(expression(ExpressionKind::TypeOf(type_of), span))
            }
            "toscalar" if called || optioned => self.query_value(ExpressionKind::ToScalar),
            "totable" if called || optioned => self.query_value(ExpressionKind::ToTable),
            "materialize" if called => self.query_value(ExpressionKind::Materialize),
            "datatable" => self.data_table(),
            "externaldata" | "external_data" => self.external_data(),
            "__contextual_datatable" => self.contextual_data_table(),
            "entity_group" if self.kind_ahead(1) == TokenKind::OpenBracket => self.entity_group(),
            // These keywords stand for columns of their own name.
            "kind" | "withsource" | "with_source" if !called => {
                let name = self.any_name()?;
                let span = name.span;
                Ok(expression(ExpressionKind::Name(name), span))
            }
            word if freedom(word) < Freedom::Anywhere && infix_word(word) => {
                Err(self.expected("an expression"))
            }
            _ => self.named_or_called(),
        }
    }

    fn named_or_called(&mut self) -> Parsed<Expression> {
        let length = self.name_length(0, Freedom::Anywhere);
        if length > 0 && self.kind_ahead(length) == TokenKind::OpenParenthesis {
            let call = self.call()?;
            let span = call.span;
            return Ok(expression(ExpressionKind::Call(Box::new(call)), span));
        }
        self.name_expression()
    }

    fn query_value(&mut self, kind: fn(ToScalar) -> ExpressionKind) -> Parsed<Expression> {
        let start = self.advance().span.start;
        let options = self.settings()?;
        let open = self.expect(TokenKind::OpenParenthesis, "`(`")?;
        let query = Box::new(self.pipe()?);
        self.expect_close(open.span, PARENTHESIS.0, PARENTHESIS.1)?;
        Ok(expression(
            kind(ToScalar { options, query }),
            self.since(start),
        ))
    }

    pub(super) fn type_of(&mut self) -> Parsed<TypeOf> {
        let start = self.advance().span.start;
        let open = self.expect(TokenKind::OpenParenthesis, "`(`")?;
        let columns = self.list_until(open.span, PARENTHESIS, false, |parser| {
            if parser.eat(TokenKind::Star) {
                return Ok(TypeOfColumn::Star);
            }
            let length = parser.name_length(0, Freedom::Given);
            if length > 0 && parser.kind_ahead(length) == TokenKind::Colon {
                return parser.column_declaration().map(TypeOfColumn::Column);
            }
            parser.extended_type_name().map(TypeOfColumn::Type)
        })?;
        Ok(TypeOf {
            columns,
            span: self.since(start),
        })
    }

    /// A function's name and its arguments.
    pub(super) fn call(&mut self) -> Parsed<Call> {
        let function = self.any_name()?;
        let open = self.expect(TokenKind::OpenParenthesis, "`(`")?;
        let searching = std::mem::replace(&mut self.in_search, false);
        let arguments = self.list_until(open.span, PARENTHESIS, false, Self::argument);
        self.in_search = searching;
        let span = self.since(function.span.start);
        Ok(Call {
            function,
            arguments: arguments?,
            span,
        })
    }

    fn argument(&mut self) -> Parsed<Argument> {
        let ends = |kind| matches!(kind, TokenKind::CloseParenthesis | TokenKind::Comma);
        if self.kind() == TokenKind::Star && ends(self.kind_ahead(1)) {
            let span = self.advance().span;
            let value = expression(ExpressionKind::Wildcard("*".to_owned()), span);
            return Ok(Argument { name: None, value });
        }
        let length = self.name_length(0, Freedom::Given);
        let name = if length > 0 && self.kind_ahead(length) == TokenKind::Assign {
            let name = self.given_name()?;
            self.advance();
            Some(name)
        } else {
            None
        };
        Ok(Argument {
            name,
            value: self.pipe()?,
        })
    }

    /// `expression`, `a = expression` or `(a, b) = expression`.
    pub(super) fn named(&mut self) -> Parsed<NamedExpression> {
        let start = self.span().start;
        let length = self.name_length(0, Freedom::Given);
        let mut names = Vec::new();
        let mut names_in_parentheses = false;
        if length > 0 && self.kind_ahead(length) == TokenKind::Assign {
            names.push(self.given_name()?);
            self.advance();
        } else if self.kind() == TokenKind::Word && self.kind_ahead(1) == TokenKind::Assign {
            // A keyword: this says how to write it.
            self.given_name()?;
        } else if self.at_name_list() {
            names_in_parentheses = true;
            self.advance();
            names = self.list(Self::given_name)?;
            self.advance();
            self.advance();
        }
        let value = self.expression()?;
        let span = self.since(start);
        Ok(NamedExpression {
            names,
            names_in_parentheses,
            expression: value,
            span,
        })
    }

    /// Whether `(a, b) =` stands here.
    fn at_name_list(&self) -> bool {
        if self.kind() != TokenKind::OpenParenthesis {
            return false;
        }
        let mut index = 1;
        loop {
            let length = self.name_length(index, Freedom::Given);
            if length == 0 {
                return false;
            }
            index += length;
            match self.kind_ahead(index) {
                TokenKind::Comma => index += 1,
                TokenKind::CloseParenthesis => {
                    return self.kind_ahead(index + 1) == TokenKind::Assign;
                }
                _ => return false,
            }
        }
    }

    pub(super) fn named_list(&mut self) -> Parsed<Vec<NamedExpression>> {
        self.list(Self::named)
    }
}

fn infix_word(word: &str) -> bool {
    text_operator(word).is_some()
        || matches!(
            word,
            "and"
                | "or"
                | "in"
                | "!in"
                | "in~"
                | "!in~"
                | "has_any"
                | "has_all"
                | "between"
                | "!between"
        )
}

pub(super) fn text_operator(word: &str) -> Option<ComparisonOperator> {
    use ComparisonOperator as C;
    Some(match word {
        "has" => C::Has,
        "!has" => C::NotHas,
        "has_cs" => C::HasCs,
        "!has_cs" => C::NotHasCs,
        "hasprefix" => C::HasPrefix,
        "!hasprefix" => C::NotHasPrefix,
        "hasprefix_cs" => C::HasPrefixCs,
        "!hasprefix_cs" => C::NotHasPrefixCs,
        "hassuffix" => C::HasSuffix,
        "!hassuffix" => C::NotHasSuffix,
        "hassuffix_cs" => C::HasSuffixCs,
        "!hassuffix_cs" => C::NotHasSuffixCs,
        "contains" => C::Contains,
        "!contains" | "notcontains" => C::NotContains,
        "contains_cs" | "containscs" => C::ContainsCs,
        "!contains_cs" | "notcontainscs" => C::NotContainsCs,
        "startswith" => C::StartsWith,
        "!startswith" => C::NotStartsWith,
        "startswith_cs" => C::StartsWithCs,
        "!startswith_cs" => C::NotStartsWithCs,
        "endswith" => C::EndsWith,
        "!endswith" => C::NotEndsWith,
        "endswith_cs" => C::EndsWithCs,
        "!endswith_cs" => C::NotEndsWithCs,
        "like" => C::Like,
        "notlike" => C::NotLike,
        "likecs" => C::LikeCs,
        "notlikecs" => C::NotLikeCs,
        _ => return None,
    })
}
