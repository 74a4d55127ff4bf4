//! The functions of the language, as data.

use crate::types::ScalarType;

/// What a function is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FunctionKind {
    /// A value from values.
    Scalar,
    /// A value from the values of a group; only in `summarize`, `make-series`, `top-nested`.
    Aggregate,
    /// A value that depends on the rows around; only over ordered rows.
    Window,
}

/// What an argument must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// Any type.
    Any,
    /// Exactly this type; `int` where `long` is wanted, `dynamic` where anything is, are converted.
    Of(ScalarType),
    /// `int`, `long`, `real`, `decimal`.
    Number,
    /// A number, `datetime` or `timespan`.
    Ordered,
    /// `int` or `long`.
    Integer,
    /// `string`, or anything else that is then read as text.
    Text,
    /// `dynamic`, an array or a bag.
    Dynamic,
    /// `bool`.
    Bool,
    /// `datetime` or `timespan`.
    Time,
}

/// How a function's type follows from its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReturnRule {
    /// Always this.
    Type(ScalarType),
    /// The type of the argument of that index.
    Argument(usize),
    /// The common type of the arguments from that index on.
    Common(usize),
    /// `long` for integers, else the argument's type (`sum`).
    Sum,
    /// `real` for integers, else the argument's own (`avg` and most arithmetic functions).
    RealOr,
    /// A rule of its own, in the binder.
    Special,
}

/// One function.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    /// The canonical name.
    pub name: &'static str,
    /// Other names for the same.
    pub aliases: &'static [&'static str],
    /// What it is for.
    pub kind: FunctionKind,
    /// Least number of arguments.
    pub min: usize,
    /// Greatest number of arguments.
    pub max: usize,
    /// What the arguments must be; the last one repeats.
    pub parameters: &'static [Parameter],
    /// What comes out.
    pub returns: ReturnRule,
    /// How a column made of a call without a name is called.
    pub naming: Naming,
}

/// How a column is called that is made of a call without a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// By position: `Column1`, in `print` `print_0`.
    Position,
    /// Like the first argument.
    FirstArgument,
    /// The prefix, `_`, and the first argument's name (nothing, if it has none).
    Prefix(&'static str),
    /// Always this.
    Fixed(&'static str),
}
