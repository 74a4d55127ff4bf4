//! Typed expressions.

use std::sync::Arc;

use kql_syntax::Span;

use super::{Pipeline, ScalarId};
use crate::functions::Function;
use crate::types::{ColumnId, ScalarType};

/// A typed expression.
#[derive(Debug, Clone)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its type.
    pub ty: ScalarType,
    /// The text that it comes from.
    pub span: Span,
}

/// The kinds of expressions.
#[derive(Debug, Clone)]
pub enum ExprKind {
    /// A value written in the query.
    Literal(Value),
    /// A column.
    Column(ColumnId),
    /// The value of a [`super::ScalarQuery`].
    ScalarQuery(ScalarId),
    /// `-x`; number, `timespan` or `dynamic`.
    Negate(Box<Expr>),
    /// Arithmetic. Numeric operands are of one type already; datetimes and timespans are as written.
    Arithmetic(ArithmeticOp, Box<Expr>, Box<Expr>),
    /// Comparison. Operands are of one type, or one of them is `dynamic`.
    Compare(CompareOp, Box<Expr>, Box<Expr>),
    /// True if all are; at least two, all `bool`.
    And(Vec<Expr>),
    /// True if one is; at least two, all `bool`.
    Or(Vec<Expr>),
    /// `has`, `contains`, `startswith` and their kin. Operands are `string` (or `dynamic`, read as text).
    Text {
        /// The operator.
        op: TextOp,
        /// `!has` and so on.
        negated: bool,
        /// The text looked at.
        value: Box<Expr>,
        /// What is looked for.
        pattern: Box<Expr>,
    },
    /// `in`, `has_any` and their kin.
    Set {
        /// The operator.
        op: SetOp,
        /// `!in`, `!in~`.
        negated: bool,
        /// The value looked for, or for `has_any` and `has_all` looked at.
        value: Box<Expr>,
        /// The set.
        set: SetOperand,
    },
    /// `between`: both bounds included; all three of one type.
    Between {
        /// `!between`.
        negated: bool,
        /// The value.
        value: Box<Expr>,
        /// Smallest value in.
        low: Box<Expr>,
        /// Largest value in.
        high: Box<Expr>,
    },
    /// `base.name`, `dynamic`; null where there is no such property.
    Member(Box<Expr>, Arc<str>),
    /// `base[index]`, `dynamic`; index is a `string` (property), a `long` (element; negative from the end),
    /// or a `dynamic` that is one of both.
    Index(Box<Expr>, Box<Expr>),
    /// Conversion to the expression's type that the binder put in. `int`→`long`→`real`/`decimal` never
    /// fails; any other pair does what `tostring`, `tolong`, `toguid`, … do. To `dynamic` it wraps the value
    /// (a string stays a JSON string).
    Convert(Box<Expr>),
    /// A scalar function.
    Call {
        /// The canonical function: aliases are resolved.
        function: &'static Function,
        /// As many as it takes; arguments whose type the function fixes are converted already.
        arguments: Vec<Expr>,
    },
    /// In `scan`: a column of the last row that a step matched.
    StepState {
        /// Index of the step.
        step: usize,
        /// The column.
        column: ColumnId,
    },
}

/// `+ - * / %`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ArithmeticOp {
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

/// The comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// `==`
    Equal,
    /// `!=` and `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `=~`, strings without regard to case
    EqualIgnoreCase,
    /// `!~`
    NotEqualIgnoreCase,
}

/// The string operators; each has a negated form, except the regular expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextOp {
    /// `has`
    Has,
    /// `has_cs`
    HasCs,
    /// `hasprefix`
    HasPrefix,
    /// `hasprefix_cs`
    HasPrefixCs,
    /// `hassuffix`
    HasSuffix,
    /// `hassuffix_cs`
    HasSuffixCs,
    /// `contains`
    Contains,
    /// `contains_cs`
    ContainsCs,
    /// `startswith`
    StartsWith,
    /// `startswith_cs`
    StartsWithCs,
    /// `endswith`
    EndsWith,
    /// `endswith_cs`
    EndsWithCs,
    /// `like`
    Like,
    /// `likecs`
    LikeCs,
    /// `matches regex`
    MatchesRegex,
}

/// Operators with a set on the right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SetOp {
    /// `in`
    In,
    /// `in~`
    InIgnoreCase,
    /// `has_any`
    HasAny,
    /// `has_all`
    HasAll,
}

/// The right side of a [`SetOp`].
#[derive(Debug, Clone)]
pub enum SetOperand {
    /// Expressions of the value's type. One of type `dynamic` beside a value of another type
    /// stands for the elements of its array (or for itself, when it is no array).
    List(Vec<Expr>),
    /// The values of the only column of a pipeline that depends on no row outside.
    Query(Box<Pipeline>),
}

/// A literal value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Null of any type but `string`.
    Null,
    /// `bool`
    Bool(bool),
    /// `int`
    Int(i32),
    /// `long`
    Long(i64),
    /// `real`; NaN and infinities included
    Real(f64),
    /// `decimal`, as written
    Decimal(String),
    /// `datetime`, ticks of 100 ns since 0001-01-01
    DateTime(i64),
    /// `timespan`, ticks of 100 ns
    TimeSpan(i64),
    /// `guid`, 36 characters in lower case
    Guid(String),
    /// `string`
    String(String),
    /// `dynamic`, as JSON text
    Dynamic(String),
}

impl Expr {
    /// Whether a column that `wanted` names is read, here or in a part.
    pub(crate) fn mentions(&self, wanted: &dyn Fn(ColumnId) -> bool) -> bool {
        let mut open = vec![self];
        while let Some(next) = open.pop() {
            if let ExprKind::Column(id) | ExprKind::StepState { column: id, .. } = next.kind
                && wanted(id)
            {
                return true;
            }
            open.extend(next.parts());
        }
        false
    }

    /// Whether it is another value each time it is looked at.
    pub(crate) fn is_volatile(&self) -> bool {
        let mut open = vec![self];
        while let Some(next) = open.pop() {
            if let ExprKind::Call { function, .. } = &next.kind
                && function.volatile
            {
                return true;
            }
            open.extend(next.parts());
        }
        false
    }

    /// The parts that this expression is made of directly.
    #[must_use]
    pub fn parts(&self) -> Vec<&Self> {
        match &self.kind {
            ExprKind::Literal(_)
            | ExprKind::Column(_)
            | ExprKind::ScalarQuery(_)
            | ExprKind::StepState { .. } => Vec::new(),
            ExprKind::Negate(part) | ExprKind::Member(part, _) | ExprKind::Convert(part) => {
                vec![part]
            }
            ExprKind::Arithmetic(_, left, right)
            | ExprKind::Compare(_, left, right)
            | ExprKind::Index(left, right) => vec![left, right],
            ExprKind::And(parts) | ExprKind::Or(parts) => parts.iter().collect(),
            ExprKind::Text { value, pattern, .. } => vec![value, pattern],
            ExprKind::Set { value, set, .. } => {
                let mut parts: Vec<&Self> = vec![value];
                if let SetOperand::List(list) = set {
                    parts.extend(list);
                }
                parts
            }
            ExprKind::Between {
                value, low, high, ..
            } => vec![value, low, high],
            ExprKind::Call { arguments, .. } => arguments.iter().collect(),
        }
    }

    /// Whether it is the same for every row (though perhaps only known when running).
    #[must_use]
    pub fn is_constant(&self) -> bool {
        let mut open = vec![self];
        while let Some(next) = open.pop() {
            if matches!(next.kind, ExprKind::Column(_) | ExprKind::StepState { .. }) {
                return false;
            }
            open.extend(next.parts());
        }
        true
    }

    /// The literal, if it is one.
    #[must_use]
    pub fn literal(&self) -> Option<&Value> {
        match &self.kind {
            ExprKind::Literal(value) => Some(value),
            _ => None,
        }
    }

    /// Number of nodes, and greatest depth.
    pub(crate) fn size(&self) -> (usize, usize) {
        let mut nodes = 0;
        let mut deepest = 0;
        let mut open = vec![(self, 1)];
        while let Some((next, depth)) = open.pop() {
            nodes += 1;
            deepest = deepest.max(depth);
            open.extend(next.parts().into_iter().map(|part| (part, depth + 1)));
        }
        (nodes, deepest)
    }

    /// The same value as another type; literal numbers are converted here and now.
    pub(crate) fn converted(self, ty: ScalarType) -> Self {
        if self.ty == ty {
            return self;
        }
        let span = self.span;
        #[expect(
            clippy::cast_precision_loss,
            reason = "this is how the language widens"
        )]
        let literal = match (self.literal(), ty) {
            (Some(Value::Null), _) if ty != ScalarType::String => Some(Value::Null),
            (Some(Value::Int(number)), ScalarType::Long) => Some(Value::Long(i64::from(*number))),
            (Some(Value::Int(number)), ScalarType::Real) => Some(Value::Real(f64::from(*number))),
            (Some(Value::Long(number)), ScalarType::Real) => Some(Value::Real(*number as f64)),
            (Some(Value::Int(number)), ScalarType::Decimal) => {
                Some(Value::Decimal(number.to_string()))
            }
            (Some(Value::Long(number)), ScalarType::Decimal) => {
                Some(Value::Decimal(number.to_string()))
            }
            _ => None,
        };
        match literal {
            Some(value) => Self {
                kind: ExprKind::Literal(value),
                ty,
                span,
            },
            None => Self {
                kind: ExprKind::Convert(Box::new(self)),
                ty,
                span,
            },
        }
    }
}

impl Value {
    /// The value's type; none for null.
    #[must_use]
    pub fn scalar_type(&self) -> Option<ScalarType> {
        Some(match self {
            Self::Null => return None,
            Self::Bool(_) => ScalarType::Bool,
            Self::Int(_) => ScalarType::Int,
            Self::Long(_) => ScalarType::Long,
            Self::Real(_) => ScalarType::Real,
            Self::Decimal(_) => ScalarType::Decimal,
            Self::DateTime(_) => ScalarType::DateTime,
            Self::TimeSpan(_) => ScalarType::TimeSpan,
            Self::Guid(_) => ScalarType::Guid,
            Self::String(_) => ScalarType::String,
            Self::Dynamic(_) => ScalarType::Dynamic,
        })
    }
}
