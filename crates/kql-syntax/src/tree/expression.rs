//! Expressions, scalar and tabular.

use super::{Body, ColumnDeclaration, Function, Literal, Name, Operator, Setting};
use crate::span::Span;

/// An expression and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    /// What it is.
    pub kind: ExpressionKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of [`Expression`].
#[derive(Clone, Debug, PartialEq)]
pub enum ExpressionKind {
    /// A column, table, variable, `$left` or `$right`.
    Name(Name),
    /// `*`, `a*`, `*b*`: the pattern as written.
    Wildcard(String),
    /// A constant.
    Literal(Box<Literal>),
    /// `(a)`, also around a pipe.
    Parenthesized(Box<Expression>),
    /// `-a`, `+a`.
    Unary(Unary),
    /// `a or b or c`.
    Logical(Logical),
    /// `a + b - c`, `a * b / c`.
    Arithmetic(Arithmetic),
    /// `a == b`, `a has b`.
    Comparison(Comparison),
    /// `a in (b, c)`, `a has_any (b)`.
    In(In),
    /// `a between (b .. c)`.
    Between(Between),
    /// `a.b["c"][0]`, `database("x").T`.
    Path(Path),
    /// `f(a, b)`.
    Call(Box<Call>),
    /// `typeof(long)`.
    TypeOf(TypeOf),
    /// `toscalar(…)`.
    ToScalar(ToScalar),
    /// `totable(…)`; same shape as `toscalar`.
    ToTable(ToScalar),
    /// `materialize(…)`; same shape as `toscalar`.
    Materialize(ToScalar),
    /// `T | where … | take 5`.
    Pipe(Pipe),
    /// An operator that begins a query: `print`, `range`, `union`, `search`, `find`, `evaluate`,
    /// and inside `mv-apply`, `facet`, `fork`, `partition` the first operator of the sub-query.
    Operator(Box<Operator>),
    /// `datatable(a: long) [1, 2]`.
    DataTable(Box<DataTable>),
    /// `externaldata(a: long) ["https://…"]`.
    ExternalData(Box<ExternalData>),
    /// `__contextual_datatable(id, (a: long))`, written by tools.
    ContextualDataTable {
        /// Which table of the context.
        id: Box<Expression>,
        /// Its columns.
        columns: Vec<ColumnDeclaration>,
    },
    /// `(a: long) { … }`, only as the value of a `let`.
    Function(Box<Function>),
    /// `view () { … }` without parameters and other bodies in braces.
    Body(Box<Body>),
    /// `entity_group [database("a"), database("b")]`.
    EntityGroup(Vec<Expression>),
    /// Nothing usable stood here; there is a diagnostic about it.
    Error,
}

/// A sign and its operand.
#[derive(Clone, Debug, PartialEq)]
pub struct Unary {
    /// The sign.
    pub operator: UnaryOperator,
    /// What it applies to.
    pub operand: Box<Expression>,
}

/// The signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOperator {
    /// `-`
    Minus,
    /// `+`
    Plus,
}

/// A chain of operands joined by the same connective.
#[derive(Clone, Debug, PartialEq)]
pub struct Logical {
    /// The connective.
    pub operator: LogicalOperator,
    /// Two or more operands.
    pub operands: Vec<Expression>,
}

/// The connectives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogicalOperator {
    /// `and`
    And,
    /// `or`
    Or,
}

/// A left-associative chain of operators of one precedence.
#[derive(Clone, Debug, PartialEq)]
pub struct Arithmetic {
    /// The leftmost operand.
    pub first: Box<Expression>,
    /// What is applied to it, from left to right; at least one.
    pub rest: Vec<(ArithmeticOperator, Expression)>,
}

/// The arithmetic operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArithmeticOperator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
}

/// Two operands compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// How they are compared.
    pub operator: ComparisonOperator,
    /// Where the operator stands.
    pub operator_span: Span,
    /// The left operand.
    pub left: Box<Expression>,
    /// The right operand.
    pub right: Box<Expression>,
}

/// The comparisons; [`ComparisonOperator::text`] is how each is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    missing_docs,
    reason = "each is named after its spelling, which `text` gives"
)]
pub enum ComparisonOperator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    EqualFold,
    NotEqualFold,
    Has,
    NotHas,
    HasCs,
    NotHasCs,
    HasPrefix,
    NotHasPrefix,
    HasPrefixCs,
    NotHasPrefixCs,
    HasSuffix,
    NotHasSuffix,
    HasSuffixCs,
    NotHasSuffixCs,
    Contains,
    NotContains,
    ContainsCs,
    NotContainsCs,
    StartsWith,
    NotStartsWith,
    StartsWithCs,
    NotStartsWithCs,
    EndsWith,
    NotEndsWith,
    EndsWithCs,
    NotEndsWithCs,
    MatchesRegex,
    Like,
    NotLike,
    LikeCs,
    NotLikeCs,
    /// `:` in a `search` predicate.
    SearchMatch,
}

/// An operand looked up in a list, a dynamic array or a sub-query.
#[derive(Clone, Debug, PartialEq)]
pub struct In {
    /// Which look-up.
    pub operator: InOperator,
    /// Where the operator stands.
    pub operator_span: Span,
    /// What is looked for.
    pub left: Box<Expression>,
    /// What stands between the parentheses; a sub-query is a single [`ExpressionKind::Pipe`] or name.
    pub right: Vec<Expression>,
    /// Where the parenthesized list stands.
    pub right_span: Span,
}

/// The look-ups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InOperator {
    /// `in`
    In,
    /// `!in`
    NotIn,
    /// `in~`
    InFold,
    /// `!in~`
    NotInFold,
    /// `has_any`
    HasAny,
    /// `has_all`
    HasAll,
}

/// `operand between (low .. high)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Between {
    /// Whether it was `!between`.
    pub negated: bool,
    /// What is tested.
    pub operand: Box<Expression>,
    /// The lower bound, included.
    pub low: Box<Expression>,
    /// The upper bound, included; a timespan is relative to `low`.
    pub high: Box<Expression>,
}

/// A base and what is selected from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// What it begins with.
    pub base: Box<Expression>,
    /// The selections, from left to right; at least one.
    pub segments: Vec<Segment>,
}

/// One selection of a [`Path`].
#[derive(Clone, Debug, PartialEq)]
pub enum Segment {
    /// `.name`, `.['name']`.
    Member(Name),
    /// `.T*`, in lists of tables.
    Wildcard {
        /// The pattern as written.
        pattern: String,
        /// Where it stands.
        span: Span,
    },
    /// `.f(…)`, as in `cluster("a").database("b")`.
    Call(Box<Call>),
    /// `[expression]`.
    Index(Expression),
}

/// A function call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The function.
    pub function: Name,
    /// The arguments as written.
    pub arguments: Vec<Argument>,
    /// From the name to the closing parenthesis.
    pub span: Span,
}

/// One argument of a [`Call`].
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// The name in `name = value`.
    pub name: Option<Name>,
    /// The value; `*` is [`ExpressionKind::Wildcard`].
    pub value: Expression,
}

/// An expression and the names given to it: `expression`, `a = expression`, `(a, b) = expression`.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedExpression {
    /// The names; empty when none was given.
    pub names: Vec<Name>,
    /// Whether the names stood in parentheses.
    pub names_in_parentheses: bool,
    /// What is named.
    pub expression: Expression,
    /// From the first name to the end.
    pub span: Span,
}

/// `typeof(long)`, `typeof(a: long, *)`.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeOf {
    /// What stands between the parentheses.
    pub columns: Vec<TypeOfColumn>,
    /// From the keyword to the closing parenthesis.
    pub span: Span,
}

/// One entry of a [`TypeOf`].
#[derive(Clone, Debug, PartialEq)]
pub enum TypeOfColumn {
    /// A type alone.
    Type(Name),
    /// `*`.
    Star,
    /// A name and its type.
    Column(ColumnDeclaration),
}

/// A query used as a value.
#[derive(Clone, Debug, PartialEq)]
pub struct ToScalar {
    /// Options such as `kind=nooptimization`.
    pub options: Vec<Setting>,
    /// The query or expression.
    pub query: Box<Expression>,
}

/// A source and the operators it is piped through.
#[derive(Clone, Debug, PartialEq)]
pub struct Pipe {
    /// What the rows come from.
    pub source: Box<Expression>,
    /// The operators in order; at least one.
    pub operators: Vec<Operator>,
}

/// A table written into the query.
#[derive(Clone, Debug, PartialEq)]
pub struct DataTable {
    /// Options between the keyword and the columns.
    pub options: Vec<Setting>,
    /// The columns.
    pub columns: Vec<ColumnDeclaration>,
    /// The cells, row by row.
    pub values: Vec<Expression>,
}

/// A table read from storage.
#[derive(Clone, Debug, PartialEq)]
pub struct ExternalData {
    /// Options between the keyword and the columns.
    pub options: Vec<Setting>,
    /// The columns.
    pub columns: Vec<ColumnDeclaration>,
    /// Where the data is.
    pub sources: Vec<Expression>,
    /// The properties after `with`.
    pub properties: Vec<Setting>,
}

impl UnaryOperator {
    /// How it is written.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Minus => "-",
            Self::Plus => "+",
        }
    }
}

impl LogicalOperator {
    /// How it is written.
    pub const fn text(self) -> &'static str {
        match self {
            Self::And => "and",
            Self::Or => "or",
        }
    }
}

impl ArithmeticOperator {
    /// How it is written.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
        }
    }
}

impl InOperator {
    /// How it is written.
    pub const fn text(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::NotIn => "!in",
            Self::InFold => "in~",
            Self::NotInFold => "!in~",
            Self::HasAny => "has_any",
            Self::HasAll => "has_all",
        }
    }
}

impl ComparisonOperator {
    /// How it is written.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::EqualFold => "=~",
            Self::NotEqualFold => "!~",
            Self::Has => "has",
            Self::NotHas => "!has",
            Self::HasCs => "has_cs",
            Self::NotHasCs => "!has_cs",
            Self::HasPrefix => "hasprefix",
            Self::NotHasPrefix => "!hasprefix",
            Self::HasPrefixCs => "hasprefix_cs",
            Self::NotHasPrefixCs => "!hasprefix_cs",
            Self::HasSuffix => "hassuffix",
            Self::NotHasSuffix => "!hassuffix",
            Self::HasSuffixCs => "hassuffix_cs",
            Self::NotHasSuffixCs => "!hassuffix_cs",
            Self::Contains => "contains",
            Self::NotContains => "!contains",
            Self::ContainsCs => "contains_cs",
            Self::NotContainsCs => "!contains_cs",
            Self::StartsWith => "startswith",
            Self::NotStartsWith => "!startswith",
            Self::StartsWithCs => "startswith_cs",
            Self::NotStartsWithCs => "!startswith_cs",
            Self::EndsWith => "endswith",
            Self::NotEndsWith => "!endswith",
            Self::EndsWithCs => "endswith_cs",
            Self::NotEndsWithCs => "!endswith_cs",
            Self::MatchesRegex => "matches regex",
            Self::Like => "like",
            Self::NotLike => "notlike",
            Self::LikeCs => "likecs",
            Self::NotLikeCs => "notlikecs",
            Self::SearchMatch => ":",
        }
    }
}
