//! Statements, functions and the whole query.

use super::{ColumnDeclaration, Expression, Literal, Name, Setting};
use crate::span::Span;

/// A whole query text.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Query {
    /// The statements in order.
    pub statements: Vec<Statement>,
    /// Lines such as `#connect …`, without their line end.
    pub directives: Vec<Name>,
    /// The text from first to last token.
    pub span: Span,
}

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// What it is.
    pub kind: StatementKind,
    /// Where it stands, without its semicolon.
    pub span: Span,
}

/// The kinds of [`Statement`].
#[derive(Clone, Debug, PartialEq)]
pub enum StatementKind {
    /// A query or value; the last one is the answer.
    Expression(Expression),
    /// `let name = value`.
    Let(Let),
    /// `set option = value`.
    Set(Set),
    /// `alias database name = expression`.
    Alias {
        /// The new name.
        name: Name,
        /// The database it stands for.
        database: Expression,
    },
    /// `declare query_parameters(a: long = 5, …)`.
    QueryParameters(Vec<Parameter>),
    /// `declare pattern …`.
    Pattern(DeclarePattern),
    /// `restrict access to (a, b)`.
    Restrict {
        /// What stays visible.
        entities: Vec<Expression>,
        /// The properties after `with`.
        properties: Vec<Setting>,
    },
}

/// `let name = value`.
#[derive(Clone, Debug, PartialEq)]
pub struct Let {
    /// The variable or function.
    pub name: Name,
    /// A scalar, a table, a function or an entity group.
    pub value: Expression,
}

/// `set option = value`; the value is absent in `set querytrace`.
#[derive(Clone, Debug, PartialEq)]
pub struct Set {
    /// The option.
    pub name: Name,
    /// A literal or a name.
    pub value: Option<Expression>,
}

/// A function or view: `(a: long, t: (*)) { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Whether it was declared with `view`.
    pub view: bool,
    /// The parameters in order.
    pub parameters: Vec<Parameter>,
    /// What it does.
    pub body: Body,
}

/// Statements between braces.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    /// The statements; the last expression is the result.
    pub statements: Vec<Statement>,
    /// From brace to brace.
    pub span: Span,
}

/// A parameter of a function or of the query.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: Name,
    /// What it takes.
    pub ty: ParameterType,
    /// What it is when left out.
    pub default: Option<Expression>,
    /// From name to default.
    pub span: Span,
}

/// What a [`Parameter`] takes.
#[derive(Clone, Debug, PartialEq)]
pub enum ParameterType {
    /// A value of this type.
    Scalar(Name),
    /// A table with at least these columns; empty when any table will do.
    Table(Vec<ColumnDeclaration>),
    /// `(*)`: any table.
    AnyTable,
}

/// `declare pattern name = (a: string)[b: string] { … }`, or the name alone.
#[derive(Clone, Debug, PartialEq)]
pub struct DeclarePattern {
    /// The pattern.
    pub name: Name,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
    /// The parameter of the path, when it has one.
    pub path: Option<Parameter>,
    /// What it expands to.
    pub cases: Vec<PatternCase>,
    /// Whether more than the name was given.
    pub defined: bool,
}

/// `("a", "b").["c"] = { … };` of a [`DeclarePattern`].
#[derive(Clone, Debug, PartialEq)]
pub struct PatternCase {
    /// The values matched.
    pub arguments: Vec<Literal>,
    /// The path matched.
    pub path: Option<Literal>,
    /// What it stands for.
    pub body: Body,
}
