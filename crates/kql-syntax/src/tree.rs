//! The typed syntax tree of a query.
//!
//! The tree says what was written, not what it means: `let x = T` holds an [`Expression`]
//! whether `T` is a table or a number, and a pipe is an expression like any other.
//! Chains are flat: `a or b or c` is one [`Logical`] with three operands, `1 + 2 - 3` one
//! [`Arithmetic`], and a pipe holds all its operators in order.
//! Nodes nest at most [`crate::MAX_DEPTH`] deep, so a recursive walk is safe.

mod effect;
mod expression;
mod graph;
mod literal;
mod operator;
mod statement;

pub use effect::{Effect, Fate, Rows, fits_pattern};
pub use expression::{
    Argument, Arithmetic, ArithmeticOperator, Between, Call, Comparison, ComparisonOperator,
    DataTable, Expression, ExpressionKind, ExternalData, In, InOperator, Logical, LogicalOperator,
    NamedExpression, Path, Pipe, Segment, ToScalar, TypeOf, TypeOfColumn, Unary, UnaryOperator,
};
pub use graph::{
    GraphEdge, GraphMatch, GraphNode, GraphPart, GraphPattern, GraphShortestPaths, GraphTable,
    GraphTableKind, MakeGraph, NodeTable, PartitionedBy,
};
pub use literal::{Dynamic, DynamicKind, Literal, LiteralValue};
pub use operator::{
    ColumnDeclaration, Condition, Direction, Evaluate, EvaluateSchema, Expand, ExpandColumn, Facet,
    Find, FindColumn, FindOutput, ForkBranch, Join, MacroExpand, MakeSeries, MvApply, Nulls,
    Operator, OperatorKind, Ordered, Parse, ParseKv, ParsePart, Partition, PartitionBody, Range,
    Reduce, Render, Scan, ScanAssignment, ScanDeclaration, ScanStep, Search, SeriesAggregate,
    SeriesRange, Setting, Summarize, Top, TopHitters, TopNestedLevel,
};
pub use statement::{
    Body, DeclarePattern, Function, Let, Parameter, ParameterType, PatternCase, Query, Set,
    Statement, StatementKind,
};

use crate::span::Span;

/// A name as it is meant: brackets, quotes and escapes removed.
#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    /// The name itself; `$left` keeps its dollar sign.
    pub text: String,
    /// Whether it was written `['…']`, so that a keyword or a blank in it is on purpose.
    pub bracketed: bool,
    /// Where it stands.
    pub span: Span,
}

impl Name {
    /// A name without a place in a text; bracketed when it has to be.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let plain = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && text
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        Self {
            text,
            bracketed: !plain,
            span: Span::default(),
        }
    }
}
