//! Rows as a backend gives them: the ten Kusto types and their values.

use std::fmt;
use std::ops::ControlFlow;

/// The Kusto types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ColumnType {
    /// `bool`, which the services call `SByte`.
    Bool,
    /// `int`.
    Int,
    /// `long`.
    Long,
    /// `real`.
    Real,
    /// `decimal`.
    Decimal,
    /// `datetime`.
    DateTime,
    /// `timespan`.
    TimeSpan,
    /// `guid`.
    Guid,
    /// `string`.
    String,
    /// `dynamic`, which the services call `Object`.
    Dynamic,
}

impl ColumnType {
    /// What the services call the type in an answer's schema.
    pub fn wire_name(self) -> &'static str {
        match self {
            Self::Bool => "SByte",
            Self::Int => "Int32",
            Self::Long => "Int64",
            Self::Real => "Double",
            Self::Decimal => "SqlDecimal",
            Self::DateTime => "DateTime",
            Self::TimeSpan => "TimeSpan",
            Self::Guid => "Guid",
            Self::String => "String",
            Self::Dynamic => "Object",
        }
    }
}

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The column's name, as the query spells it.
    pub name: String,
    /// Its type.
    pub ty: ColumnType,
}

impl Column {
    /// A column.
    pub fn new(name: impl Into<String>, ty: ColumnType) -> Self {
        Self {
            name: name.into(),
            ty,
        }
    }
}

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// `bool`.
    Bool(bool),
    /// `int`.
    Int(i32),
    /// `long`.
    Long(i64),
    /// `real`, NaN and infinities with it.
    Real(f64),
    /// `decimal`, as its digits.
    Decimal(String),
    /// `datetime`, in ticks of 100 ns since the year 1.
    DateTime(i64),
    /// `timespan`, in ticks of 100 ns.
    TimeSpan(i64),
    /// `guid`.
    Guid(String),
    /// `string`.
    String(String),
    /// `dynamic`.
    Dynamic(serde_json::Value),
}

/// An answer: its columns, and a way to go through its rows.
pub struct Rows {
    /// The columns, in order; they stay when there are no rows.
    pub columns: Vec<Column>,
    visit: Box<Visit>,
}

/// Hands every row to the visitor until that has enough.
type Visit = dyn FnOnce(&mut dyn FnMut(Vec<Value>) -> ControlFlow<()>) + Send;

impl Rows {
    /// An answer of `rows`, each with as many cells as there are columns.
    pub fn new<I>(columns: Vec<Column>, rows: I) -> Self
    where
        I: IntoIterator<Item = Vec<Value>> + Send + 'static,
    {
        Self::visited(columns, |visitor| {
            for row in rows {
                if visitor(row).is_break() {
                    return;
                }
            }
        })
    }

    /// An answer whose rows `visit` hands over one by one, so that they need not all be there
    /// at once.
    pub fn visited(
        columns: Vec<Column>,
        visit: impl FnOnce(&mut dyn FnMut(Vec<Value>) -> ControlFlow<()>) + Send + 'static,
    ) -> Self {
        Self {
            columns,
            visit: Box::new(visit),
        }
    }

    /// Goes through the rows until `visitor` breaks off.
    pub fn for_each(self, mut visitor: impl FnMut(Vec<Value>) -> ControlFlow<()>) {
        (self.visit)(&mut visitor);
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Rows")
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}
