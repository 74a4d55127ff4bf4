//! Literal values.

use super::Name;
use crate::span::Span;

/// A constant, with the text it was written as.
#[derive(Clone, Debug, PartialEq)]
pub struct Literal {
    /// What it stands for.
    pub value: LiteralValue,
    /// How it was written; adjacent strings are joined by one blank.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// The value of a [`Literal`]; `None` is the typed null, such as `int(null)`.
#[derive(Clone, Debug, PartialEq)]
pub enum LiteralValue {
    /// `true`, `bool(false)`, `bool(null)`.
    Bool(Option<bool>),
    /// `int(5)`.
    Int(Option<i32>),
    /// `5`, `0xff`, `long(5)`.
    Long(Option<i64>),
    /// `1.5`, `1e3`, `real(nan)`.
    Real(Option<f64>),
    /// `decimal(1.5)`, as its digits.
    Decimal(Option<String>),
    /// `datetime(2024-01-02 03:04)`: the trimmed text between the parentheses.
    DateTime(Option<String>),
    /// `1d`, `time(1.02:03:04)`: ticks of 100 nanoseconds.
    TimeSpan(Option<i64>),
    /// `guid(…)`: the text between the parentheses, as written.
    Guid(Option<String>),
    /// A string with its escapes resolved; `hidden` for the `h"…"` forms.
    String {
        /// The characters meant, adjacent literals concatenated.
        value: String,
        /// Whether any part asked to be kept out of logs.
        hidden: bool,
    },
    /// `dynamic(…)`; `dynamic(null)` holds [`DynamicKind::Null`].
    Dynamic(Dynamic),
}

/// A value inside `dynamic(…)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Dynamic {
    /// What it is.
    pub kind: DynamicKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of [`Dynamic`] value.
#[derive(Clone, Debug, PartialEq)]
pub enum DynamicKind {
    /// `null`.
    Null,
    /// A number, string or boolean, or any KQL literal such as `datetime(…)`; signs are applied.
    Literal(Box<Literal>),
    /// `[a, b]`.
    Array(Vec<Dynamic>),
    /// `{"a": 1}`; keys in order, duplicates kept. A key's `span` covers its quotes.
    Object(Vec<(Name, Dynamic)>),
}
